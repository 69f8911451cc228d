// BLAKE3 over a whole slab in one call: bodies, Merkle leaves and Merkle parents (docs/formats.md).
//
// Every argument is checked here; nothing is kept between calls, so any number of threads may call at once.
#include <stdlib.h>

#include "arguments.h"
#include "lanes.h"
#include "slices_addon.h"

// Makes the records of `count` <= GROUP parents from those of their children, side by side.
static void hash_parents(const uint8_t *const *lefts, const uint8_t *const *rights, size_t count, uint8_t *const *out) {
  uint8_t messages[GROUP][1 + 8 + 2 * HASH];
  uint8_t hashes[GROUP * HASH];
  const uint8_t *group[GROUP];
  for (size_t i = 0; i < count; i++) {
    messages[i][0] = 1;
    store64(messages[i] + 1, load64(lefts[i]) + load64(rights[i]));
    memcpy(messages[i] + 9, lefts[i] + 8, HASH);
    memcpy(messages[i] + 9 + HASH, rights[i] + 8, HASH);
    group[i] = messages[i];
  }
  hash_group(group, count, sizeof messages[0], hashes);
  for (size_t i = 0; i < count; i++) {
    memcpy(out[i], messages[i] + 1, 8);
    memcpy(out[i] + 8, hashes + i * HASH, HASH);
  }
}

static void hash_one(const uint8_t *input, size_t length, uint8_t *out) {
  blake3_hasher hasher;
  blake3_hasher_init(&hasher);
  blake3_hasher_update(&hasher, input, length);
  blake3_hasher_finalize(&hasher, out, HASH);
}

// A run of chunks [from, to) of a slab: each begins at offsets[i], is lengths[i] bytes long and has at least
// `skip` bytes. The tables may be shared memory that another thread writes, so callers copy what they checked.
typedef struct {
  Bytes slab;
  Words offsets;
  Words lengths;
  uint32_t from;
  uint32_t to;
  uint32_t skip;
} Run;

static bool get_run(napi_env env, napi_value *arguments, Run *run) {
  return get_bytes(env, arguments[0], &run->slab) && get_words(env, arguments[1], &run->offsets) &&
         get_words(env, arguments[2], &run->lengths) && get_u32(env, arguments[3], &run->from) &&
         get_u32(env, arguments[4], &run->to) && get_u32(env, arguments[5], &run->skip) &&
         ((run->from <= run->to && run->to <= run->offsets.length && run->to <= run->lengths.length) ||
          fail(env, "the range of chunks lies outside the tables"));
}

static bool get_chunk(napi_env env, const Run *run, uint32_t i, const uint8_t **start, uint32_t *length) {
  const uint64_t offset = run->offsets.data[i];
  *length = run->lengths.data[i];
  if (*length < run->skip || offset + *length > run->slab.length) return fail(env, "a chunk lies outside the slab");
  *start = run->slab.data + offset;
  return true;
}

// ---- exports ---------------------------------------------------------------------------------------------

// hashMany(slab, offsets, lengths, from, to, skip, out): BLAKE3 of each chunk without its first `skip` bytes,
// 32 bytes each, written to `out` from its start.
static napi_value hash_many(napi_env env, napi_callback_info info) {
  napi_value arguments[7];
  Run run;
  Bytes out;
  if (!get_arguments(env, info, 7, arguments) || !get_run(env, arguments, &run) ||
      !get_bytes(env, arguments[6], &out)) {
    return NULL;
  }
  if (out.length / HASH < run.to - run.from) return fail(env, "the output is too small"), NULL;

  const uint8_t *group[GROUP];
  size_t grouped = 0;
  uint32_t group_length = 0;
  uint8_t *group_out = out.data;
  for (uint32_t i = run.from; i < run.to; i++) {
    const uint8_t *start;
    uint32_t length;
    if (!get_chunk(env, &run, i, &start, &length)) return NULL;
    length -= run.skip;
    if (grouped > 0 && (grouped == GROUP || length != group_length)) {
      hash_group(group, grouped, group_length, group_out);
      group_out += grouped * HASH;
      grouped = 0;
    }
    if (length > BLAKE3_CHUNK_LEN) {
      hash_one(start + run.skip, length, group_out);
      group_out += HASH;
    } else {
      group_length = length;
      group[grouped++] = start + run.skip;
    }
  }
  if (grouped > 0) hash_group(group, grouped, group_length, group_out);
  return NULL;
}

// leaves(slab, offsets, lengths, from, to, headerBytes, bodyHashes, out): the 40-byte record of each chunk's
// leaf, BLAKE3(0x00 || u64 length || header || body hash), from its header in the slab and its body's hash.
static napi_value leaves(napi_env env, napi_callback_info info) {
  napi_value arguments[8];
  Run run;
  Bytes bodies, out;
  if (!get_arguments(env, info, 8, arguments) || !get_run(env, arguments, &run) ||
      !get_bytes(env, arguments[6], &bodies) || !get_bytes(env, arguments[7], &out)) {
    return NULL;
  }
  const size_t count = run.to - run.from;
  if (run.skip > LEAF_HEADER_MAX) return fail(env, "the header is too long"), NULL;
  if (bodies.length / HASH < count || out.length / RECORD < count) return fail(env, "a table is too small"), NULL;

  uint8_t messages[GROUP][LEAF_PREFIX + LEAF_HEADER_MAX + HASH];
  uint8_t hashes[GROUP * HASH];
  const uint8_t *group[GROUP];
  const size_t message_length = LEAF_PREFIX + run.skip + HASH;
  for (size_t done = 0; done < count;) {
    size_t grouped = 0;
    for (; grouped < GROUP && done + grouped < count; grouped++) {
      uint8_t *message = messages[grouped];
      const uint8_t *start;
      uint32_t length;
      if (!get_chunk(env, &run, run.from + (uint32_t)(done + grouped), &start, &length)) return NULL;
      message[0] = 0;
      store64(message + 1, length);
      memcpy(message + LEAF_PREFIX, start, run.skip);
      memcpy(message + LEAF_PREFIX + run.skip, bodies.data + (done + grouped) * HASH, HASH);
      store64(out.data + (done + grouped) * RECORD, length);
      group[grouped] = message;
    }
    hash_group(group, grouped, message_length, hashes);
    for (size_t i = 0; i < grouped; i++) memcpy(out.data + (done + i) * RECORD + 8, hashes + i * HASH, HASH);
    done += grouped;
  }
  return NULL;
}

// parents(children, pairs, out): the records of the parents of `pairs` pairs of neighbouring 40-byte records.
// `out` must not be `children`.
static napi_value parents(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  Bytes children, out;
  uint32_t pairs;
  if (!get_arguments(env, info, 3, arguments) || !get_bytes(env, arguments[0], &children) ||
      !get_u32(env, arguments[1], &pairs) || !get_bytes(env, arguments[2], &out)) {
    return NULL;
  }
  if (children.length / RECORD / 2 < pairs || out.length / RECORD < pairs) {
    return fail(env, "a table is too small"), NULL;
  }
  for (size_t done = 0; done < pairs;) {
    const size_t grouped = pairs - done < GROUP ? pairs - done : GROUP;
    const uint8_t *lefts[GROUP], *rights[GROUP];
    uint8_t *records[GROUP];
    for (size_t i = 0; i < grouped; i++) {
      lefts[i] = children.data + (done + i) * 2 * RECORD;
      rights[i] = lefts[i] + RECORD;
      records[i] = out.data + (done + i) * RECORD;
    }
    hash_parents(lefts, rights, grouped, records);
    done += grouped;
  }
  return NULL;
}

// hash(input, out): BLAKE3 of `input`, without an object for the collector.
static napi_value hash_input(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  Bytes input, out;
  if (!get_arguments(env, info, 2, arguments) || !get_bytes(env, arguments[0], &input) ||
      !get_bytes(env, arguments[1], &out)) {
    return NULL;
  }
  if (out.length != HASH) return fail(env, "the output is of another size"), NULL;
  hash_one(input.data, input.length, out.data);
  return NULL;
}

// keyedHash(key, input, out): BLAKE3 of `input` under a key of 32 bytes.
static napi_value keyed_hash(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  Bytes key, input, out;
  if (!get_arguments(env, info, 3, arguments) || !get_bytes(env, arguments[0], &key) ||
      !get_bytes(env, arguments[1], &input) || !get_bytes(env, arguments[2], &out)) {
    return NULL;
  }
  if (key.length != BLAKE3_KEY_LEN || out.length != HASH) return fail(env, "a key or hash is of another size"), NULL;
  blake3_hasher hasher;
  blake3_hasher_init_keyed(&hasher, key.data);
  blake3_hasher_update(&hasher, input.data, input.length);
  blake3_hasher_finalize(&hasher, out.data, HASH);
  return NULL;
}

// uniformWords(seed, out): the first 32 bytes of BLAKE3 in derive-key mode over `seed`, from which U draws words.
static napi_value uniform_words(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  Bytes seed, out;
  if (!get_arguments(env, info, 2, arguments) || !get_bytes(env, arguments[0], &seed) ||
      !get_bytes(env, arguments[1], &out)) {
    return NULL;
  }
  if (out.length != HASH) return fail(env, "the output is of another size"), NULL;
  blake3_hasher hasher;
  blake3_hasher_init_derive_key(&hasher, "datdot/uniform/1");
  blake3_hasher_update(&hasher, seed.data, seed.length);
  blake3_hasher_finalize(&hasher, out.data, HASH);
  return NULL;
}

// ---- batch proofs ----------------------------------------------------------------------------------------

// Sizes are integers that JavaScript numbers hold exactly.
#define SIZE_MAX_EXACT 9007199254740991ull

enum { BATCH_OK = 0, BATCH_LENGTH = 1, BATCH_BYTES = 2 };

// Halves of a tree of 2^53 leaves, and the leaves' own rank.
#define RANKS 64
#define NO_PARENT UINT32_MAX

typedef struct {
  uint32_t left; // slots of records
  uint32_t right;
  uint32_t slot;
  uint32_t next; // of the same rank
} Parent;

// Parents are first placed, then hashed rank by rank: those of one rank do not wait for each other.
typedef struct {
  const double *indices; // ascending, distinct
  const uint8_t *leaves;
  const uint8_t *proof;
  size_t nodes;
  size_t used;
  uint64_t offset; // bytes of all nodes so far, from the left
  double *offsets;
  uint8_t *records;
  uint32_t slots;
  Parent *parents;
  uint32_t parent_count;
  uint32_t ranks[RANKS]; // the last parent placed of each
  int fault;
} Batch;

typedef struct {
  uint32_t slot;
  uint32_t rank; // 0 for what was given, else one more than the higher child's
} Node;

static bool place(Batch *batch, const uint8_t *record, Node *out) {
  const uint64_t bytes = load64(record);
  if (bytes < 1 || bytes > SIZE_MAX_EXACT || batch->offset > SIZE_MAX_EXACT - bytes) {
    batch->fault = BATCH_BYTES;
    return false;
  }
  batch->offset += bytes;
  out->rank = 0;
  out->slot = batch->slots++;
  memcpy(batch->records + (size_t)out->slot * RECORD, record, RECORD);
  return true;
}

// Places the subtree over leaves [start, end), in which the indices [from, to) lie. Its left half is the largest
// power of two below its width (RFC 9162 section 2.1), so the depth is at most 54.
static bool climb(Batch *batch, uint64_t start, uint64_t end, size_t from, size_t to, Node *out) {
  if (from == to) {
    if (batch->used == batch->nodes) {
      batch->fault = BATCH_LENGTH;
      return false;
    }
    return place(batch, batch->proof + batch->used++ * RECORD, out);
  }
  if (end - start == 1) {
    batch->offsets[from] = (double)batch->offset;
    return place(batch, batch->leaves + from * RECORD, out);
  }
  uint64_t half = 1;
  while (half * 2 < end - start) half *= 2;
  const uint64_t middle = start + half;
  size_t cut = from;
  while (cut < to && batch->indices[cut] < (double)middle) cut++;
  Node left, right;
  if (!climb(batch, start, middle, from, cut, &left)) return false;
  if (!climb(batch, middle, end, cut, to, &right)) return false;
  out->rank = (left.rank > right.rank ? left.rank : right.rank) + 1;
  out->slot = batch->slots++;
  batch->parents[batch->parent_count] = (Parent){left.slot, right.slot, out->slot, batch->ranks[out->rank]};
  batch->ranks[out->rank] = batch->parent_count++;
  return true;
}

static uint8_t *record_at(const Batch *batch, uint32_t slot) { return batch->records + (size_t)slot * RECORD; }

static void hash_ranks(const Batch *batch) {
  for (uint32_t rank = 1; rank < RANKS && batch->ranks[rank] != NO_PARENT; rank++) {
    for (uint32_t at = batch->ranks[rank]; at != NO_PARENT;) {
      const uint8_t *lefts[GROUP], *rights[GROUP];
      uint8_t *out[GROUP];
      size_t grouped = 0;
      for (; grouped < GROUP && at != NO_PARENT; grouped++) {
        const Parent *parent = &batch->parents[at];
        lefts[grouped] = record_at(batch, parent->left);
        rights[grouped] = record_at(batch, parent->right);
        out[grouped] = record_at(batch, parent->slot);
        at = parent->next;
      }
      hash_parents(lefts, rights, grouped, out);
    }
  }
}

// Returns false if there is no memory.
static bool solve(Batch *batch, uint64_t chunks, size_t count, uint8_t *root) {
  // Every parent leaves one node less: of `given` nodes there are one less parents.
  const size_t given = count + batch->nodes;
  if (given > UINT32_MAX / 2) return false;
  batch->records = malloc((2 * given - 1) * RECORD);
  batch->parents = malloc(given * sizeof *batch->parents);
  const bool room = batch->records != NULL && batch->parents != NULL;
  for (size_t i = 0; i < RANKS; i++) batch->ranks[i] = NO_PARENT;
  Node top;
  if (room && climb(batch, 0, chunks, 0, count, &top)) {
    if (batch->used != batch->nodes) batch->fault = BATCH_LENGTH;
    hash_ranks(batch);
    memcpy(root, record_at(batch, top.slot), RECORD);
  }
  free(batch->records);
  free(batch->parents);
  return room;
}

// batchRoot(chunks, indices, leaves, proof, offsets, root): the record of the root that a batch proof of `indices`
// leads to in a tree of `chunks` leaves, and where each leaf begins. Returns one of BATCH_….
static napi_value batch_root(napi_env env, napi_callback_info info) {
  napi_value arguments[6];
  Batch batch = {0};
  double chunks = 0;
  double *indices = NULL;
  size_t count = 0, offsets = 0;
  Bytes leaf_records, proof, root;
  if (!get_arguments(env, info, 6, arguments)) return NULL;
  if (napi_get_value_double(env, arguments[0], &chunks) != napi_ok || !(chunks >= 1) ||
      chunks > (double)SIZE_MAX_EXACT || chunks != (double)(uint64_t)chunks) {
    return fail(env, "expected a number of chunks"), NULL;
  }
  if (!get_doubles(env, arguments[1], &indices, &count) || !get_bytes(env, arguments[2], &leaf_records) ||
      !get_bytes(env, arguments[3], &proof) || !get_doubles(env, arguments[4], &batch.offsets, &offsets) ||
      !get_bytes(env, arguments[5], &root)) {
    return NULL;
  }
  if (count < 1 || leaf_records.length != count * RECORD || offsets != count || root.length != RECORD) {
    return fail(env, "a table is of another size"), NULL;
  }
  for (size_t i = 0; i < count; i++) {
    const double index = indices[i];
    if (!(index >= 0) || index >= chunks || index != (double)(uint64_t)index || (i > 0 && index <= indices[i - 1])) {
      return fail(env, "expected indices of leaves, ascending"), NULL;
    }
  }
  batch.indices = indices;
  batch.leaves = leaf_records.data;
  batch.proof = proof.data;
  batch.nodes = proof.length / RECORD;
  if (proof.length % RECORD != 0) {
    batch.fault = BATCH_LENGTH;
  } else if (!solve(&batch, (uint64_t)chunks, count, root.data)) {
    return fail(env, "no memory for this proof"), NULL;
  }
  napi_value fault;
  return napi_create_int32(env, batch.fault, &fault) == napi_ok ? fault : NULL;
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor properties[] = {
      {"hashMany", NULL, hash_many, NULL, NULL, NULL, napi_enumerable, NULL},
      {"leaves", NULL, leaves, NULL, NULL, NULL, napi_enumerable, NULL},
      {"parents", NULL, parents, NULL, NULL, NULL, napi_enumerable, NULL},
      {"hash", NULL, hash_input, NULL, NULL, NULL, napi_enumerable, NULL},
      {"keyedHash", NULL, keyed_hash, NULL, NULL, NULL, napi_enumerable, NULL},
      {"uniformWords", NULL, uniform_words, NULL, NULL, NULL, napi_enumerable, NULL},
      {"batchRoot", NULL, batch_root, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  if (napi_define_properties(env, exports, sizeof properties / sizeof *properties, properties) != napi_ok ||
      !define_slices(env, exports)) {
    return NULL;
  }
  return exports;
}
