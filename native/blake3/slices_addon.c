#include "slices_addon.h"

#include "arguments.h"
#include "lanes.h"
#include "slices.h"

// groupValues(piece, firstGroup, out): the chaining value of each group that the piece of a body begins.
static napi_value export_group_values(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  Bytes piece, out;
  uint32_t first;
  if (!get_arguments(env, info, 3, arguments) || !get_bytes(env, arguments[0], &piece) ||
      !get_u32(env, arguments[1], &first) || !get_bytes(env, arguments[2], &out)) {
    return NULL;
  }
  if (piece.length < 1 || piece.length > MAX_BODY || first > (MAX_BODY - piece.length) / GROUP_BYTES) {
    return fail(env, "no body has such a piece"), NULL;
  }
  if (out.length != (piece.length + GROUP_BYTES - 1) / GROUP_BYTES * VALUE) {
    return fail(env, "the output is of another size"), NULL;
  }
  group_values(piece.data, piece.length, first, out.data);
  return NULL;
}

static bool get_body(napi_env env, napi_value value, uint32_t *body) {
  return get_u32(env, value, body) && (*body <= MAX_BODY || fail(env, "no body is that long"));
}

// groupRoot(values, bodyBytes, out): the hash of a body of more than one group.
static napi_value export_group_root(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  Bytes values, out;
  uint32_t body;
  if (!get_arguments(env, info, 3, arguments) || !get_bytes(env, arguments[0], &values) ||
      !get_body(env, arguments[1], &body) || !get_bytes(env, arguments[2], &out)) {
    return NULL;
  }
  const uint32_t groups = stored_groups(body);
  if (groups == 0 || values.length != (size_t)groups * VALUE || out.length != VALUE) {
    return fail(env, "a table is of another size"), NULL;
  }
  group_root(values.data, groups, out.data);
  return NULL;
}

// sliceSiblings(index, bodyBytes, values, group, out): siblings of a slice from stored values and the bytes of its group.
static napi_value export_siblings(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  Bytes values, group, out;
  uint32_t index, body, sides;
  if (!get_arguments(env, info, 5, arguments) || !get_u32(env, arguments[0], &index) ||
      !get_body(env, arguments[1], &body) || !get_bytes(env, arguments[2], &values) ||
      !get_bytes(env, arguments[3], &group) || !get_bytes(env, arguments[4], &out)) {
    return NULL;
  }
  const uint32_t slices = slice_count(body);
  if (index >= slices) return fail(env, "no such slice"), NULL;
  const uint32_t left = body - index / GROUP_SLICES * GROUP_BYTES;
  if (values.length != (size_t)stored_groups(body) * VALUE || group.length != (left < GROUP_BYTES ? left : GROUP_BYTES) ||
      out.length != (size_t)slice_path(index, slices, &sides) * VALUE) {
    return fail(env, "a table is of another size"), NULL;
  }
  slice_siblings(index, body, values.data, group.data, out.data);
  return NULL;
}

// sliceRoots(bytes, at, indices, bodyBytes, out): the hash of the body that each slice leads to; slice i is at at[i] of `bytes`,
// its siblings behind it.
static napi_value export_roots(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  Bytes bytes, out;
  Words at, indices, bodies;
  if (!get_arguments(env, info, 5, arguments) || !get_bytes(env, arguments[0], &bytes) ||
      !get_words(env, arguments[1], &at) || !get_words(env, arguments[2], &indices) ||
      !get_words(env, arguments[3], &bodies) || !get_bytes(env, arguments[4], &out)) {
    return NULL;
  }
  const size_t count = at.length;
  if (indices.length != count || bodies.length != count || out.length / VALUE != count || out.length % VALUE != 0) {
    return fail(env, "a table is of another size"), NULL;
  }
  for (size_t done = 0; done < count;) {
    // The tables may be shared memory that another thread writes: what was checked is what is used.
    Slice group[GROUP];
    size_t grouped = 0;
    for (; grouped < GROUP && done + grouped < count; grouped++) {
      const size_t offset = at.data[done + grouped];
      const uint32_t index = indices.data[done + grouped];
      const uint32_t body = bodies.data[done + grouped];
      uint32_t sides;
      if (body > MAX_BODY || index >= slice_count(body)) return fail(env, "no such slice"), NULL;
      const size_t needed = slice_length(index, body) + (size_t)slice_path(index, slice_count(body), &sides) * VALUE;
      if (offset > bytes.length || bytes.length - offset < needed) return fail(env, "a slice lies outside the bytes"), NULL;
      group[grouped] = (Slice){bytes.data + offset, index, body};
    }
    slice_roots(group, grouped, out.data + done * VALUE);
    done += grouped;
  }
  return NULL;
}

// chunkLeaves(bytes, headers, headerBytes, chunkBytes, bodyHashes, out): the 40-byte record of each chunk's leaf; the header of
// chunk i is at headers[i] of `bytes`, its body need not be there.
static napi_value export_leaves(napi_env env, napi_callback_info info) {
  napi_value arguments[6];
  Bytes bytes, bodies, out;
  Words headers, lengths;
  uint32_t header_bytes;
  if (!get_arguments(env, info, 6, arguments) || !get_bytes(env, arguments[0], &bytes) ||
      !get_words(env, arguments[1], &headers) || !get_u32(env, arguments[2], &header_bytes) ||
      !get_words(env, arguments[3], &lengths) || !get_bytes(env, arguments[4], &bodies) ||
      !get_bytes(env, arguments[5], &out)) {
    return NULL;
  }
  const size_t count = headers.length;
  if (header_bytes > LEAF_HEADER_MAX || header_bytes > bytes.length) return fail(env, "the header is too long"), NULL;
  if (lengths.length != count || bodies.length != count * HASH || out.length != count * RECORD) {
    return fail(env, "a table is of another size"), NULL;
  }
  uint8_t messages[GROUP][LEAF_PREFIX + LEAF_HEADER_MAX + HASH];
  uint8_t hashes[GROUP * HASH];
  const uint8_t *group[GROUP];
  for (size_t done = 0; done < count;) {
    size_t grouped = 0;
    for (; grouped < GROUP && done + grouped < count; grouped++) {
      const size_t i = done + grouped;
      const size_t offset = headers.data[i];
      const uint32_t length = lengths.data[i];
      uint8_t *message = messages[grouped];
      if (offset > bytes.length - header_bytes) return fail(env, "a header lies outside the bytes"), NULL;
      message[0] = 0;
      store64(message + 1, length);
      memcpy(message + LEAF_PREFIX, bytes.data + offset, header_bytes);
      memcpy(message + LEAF_PREFIX + header_bytes, bodies.data + i * HASH, HASH);
      store64(out.data + i * RECORD, length);
      group[grouped] = message;
    }
    hash_group(group, grouped, LEAF_PREFIX + header_bytes + HASH, hashes);
    for (size_t i = 0; i < grouped; i++) memcpy(out.data + (done + i) * RECORD + 8, hashes + i * HASH, HASH);
    done += grouped;
  }
  return NULL;
}

bool define_slices(napi_env env, napi_value exports) {
  const napi_property_descriptor properties[] = {
      {"groupValues", NULL, export_group_values, NULL, NULL, NULL, napi_enumerable, NULL},
      {"groupRoot", NULL, export_group_root, NULL, NULL, NULL, napi_enumerable, NULL},
      {"sliceSiblings", NULL, export_siblings, NULL, NULL, NULL, napi_enumerable, NULL},
      {"sliceRoots", NULL, export_roots, NULL, NULL, NULL, napi_enumerable, NULL},
      {"chunkLeaves", NULL, export_leaves, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  return napi_define_properties(env, exports, sizeof properties / sizeof *properties, properties) == napi_ok;
}
