// Runs native/blake3/slices.c under whatever sanitizers it is compiled with: every buffer is of exactly the size that the
// functions may touch. For each body length of the arguments: values of its groups, made whole and in pieces; their root
// against the official hash; and each slice (or every 37th of a large body) with its siblings back to that hash, one and
// many at a time. Any single bit of a slice or sibling changes the root.
#include <stdio.h>
#include <stdlib.h>

#include "lanes.h"
#include "slices.h"

static uint8_t *room(size_t bytes) {
  uint8_t *out = malloc(bytes > 0 ? bytes : 1);
  if (out == NULL) exit(3);
  return out;
}

// A copy in memory of exactly its own size.
static uint8_t *copy(const uint8_t *bytes, size_t length) {
  uint8_t *out = room(length);
  if (length > 0) memcpy(out, bytes, length);
  return out;
}

static int wrong(const char *what, uint32_t body, uint32_t index) {
  printf("%s: body of %u bytes, slice %u\n", what, body, index);
  return 1;
}

static int check_groups(const uint8_t *body, uint32_t length, uint8_t *values, const uint8_t *hash) {
  const uint32_t groups = stored_groups(length);
  if (groups == 0) return 0;
  group_values(body, length, 0, values);
  uint8_t root[VALUE];
  group_root(values, groups, root);
  if (memcmp(root, hash, VALUE) != 0) return wrong("root of groups", length, 0);
  for (uint32_t group = 0; group < groups; group += 7) {
    const uint32_t offset = group * GROUP_BYTES;
    const uint32_t bytes = length - offset < 7 * GROUP_BYTES ? length - offset : 7 * GROUP_BYTES;
    const uint32_t count = (bytes + GROUP_BYTES - 1) / GROUP_BYTES;
    uint8_t *piece = copy(body + offset, bytes);
    uint8_t *out = room(count * VALUE);
    group_values(piece, bytes, group, out);
    const int differ = memcmp(out, values + group * VALUE, count * VALUE);
    free(piece);
    free(out);
    if (differ != 0) return wrong("values of a piece", length, group * GROUP_SLICES);
  }
  return 0;
}

static int check_slice(const uint8_t *body, uint32_t length, uint32_t index, const uint8_t *values, const uint8_t *hash) {
  uint32_t sides;
  const size_t siblings = (size_t)slice_path(index, slice_count(length), &sides) * VALUE;
  if (siblings > MAX_SIBLINGS * VALUE) return wrong("too many siblings", length, index);
  const uint32_t offset = index / GROUP_SLICES * GROUP_BYTES;
  uint8_t *group = copy(body + offset, length - offset < GROUP_BYTES ? length - offset : GROUP_BYTES);
  uint8_t *own = copy(values, (size_t)stored_groups(length) * VALUE);
  const uint32_t bytes = slice_length(index, length);
  uint8_t *proof = room(bytes + siblings);
  if (bytes > 0) memcpy(proof, body + index * SLICE, bytes);
  slice_siblings(index, length, own, group, proof + bytes);
  // More than one group of lanes, all of them the same slice but the last, which has one bit turned.
  Slice slices[GROUP + 3];
  uint8_t roots[(GROUP + 3) * VALUE];
  uint8_t *turned = copy(proof, bytes + siblings);
  const size_t at = bytes + siblings > 0 ? (index * 131u + length) % (bytes + siblings) : 0;
  if (bytes + siblings > 0) turned[at] ^= (uint8_t)(1 << (index & 7));
  for (size_t i = 0; i < GROUP + 3; i++) slices[i] = (Slice){i < GROUP + 2 ? proof : turned, index, length};
  slice_roots(slices, GROUP + 3, roots);
  int fault = 0;
  for (size_t i = 0; i < GROUP + 2; i++) fault |= memcmp(roots + i * VALUE, hash, VALUE) != 0;
  if (bytes + siblings > 0) fault |= memcmp(roots + (GROUP + 2) * VALUE, hash, VALUE) == 0;
  free(group);
  free(own);
  free(proof);
  free(turned);
  return fault ? wrong("a slice", length, index) : 0;
}

static int check_body(uint32_t length) {
  uint8_t *body = room(length);
  for (uint32_t i = 0; i < length; i++) body[i] = (uint8_t)((i * 2654435761u) >> 13);
  uint8_t hash[VALUE];
  blake3_hasher hasher;
  blake3_hasher_init(&hasher);
  blake3_hasher_update(&hasher, body, length);
  blake3_hasher_finalize(&hasher, hash, VALUE);
  uint8_t *values = room((size_t)stored_groups(length) * VALUE);
  int fault = check_groups(body, length, values, hash);
  const uint32_t slices = slice_count(length);
  for (uint32_t index = 0; fault == 0 && index < slices; index += slices > 600 && index + 40 < slices ? 37 : 1) {
    fault = check_slice(body, length, index, values, hash);
  }
  free(body);
  free(values);
  return fault;
}

int main(int count, char **lengths) {
  for (int i = 1; i < count; i++) {
    if (check_body((uint32_t)strtoul(lengths[i], NULL, 10)) != 0) return 1;
  }
  printf("%d lengths\n", count - 1);
  return 0;
}
