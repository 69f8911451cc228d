#include "slices.h"

#include "lanes.h"

// Groups whose slices are hashed together, so that all lanes are full up to their tops.
#define BATCH_GROUPS 16
#define BATCH_SLICES (BATCH_GROUPS * GROUP_SLICES)

uint32_t slice_count(uint32_t body) { return body == 0 ? 1 : (body + SLICE - 1) / SLICE; }

uint32_t slice_length(uint32_t index, uint32_t body) {
  const uint32_t left = body - index * SLICE;
  return left < SLICE ? left : SLICE;
}

uint32_t slice_path(uint32_t index, uint32_t slices, uint32_t *sides) {
  uint32_t levels = 0;
  *sides = 0;
  for (uint32_t start = 0, end = slices; end - start > 1; levels++) {
    uint32_t half = 1;
    while (half * 2 < end - start) half *= 2;
    const bool right = index >= start + half;
    // The last to be pushed, bit 0, is the lowest.
    *sides = *sides << 1 | (right ? 1 : 0);
    if (right) {
      start += half;
    } else {
      end = start + half;
    }
  }
  return levels;
}

uint32_t stored_groups(uint32_t body) {
  const uint32_t slices = slice_count(body);
  return slices <= GROUP_SLICES ? 0 : (slices + GROUP_SLICES - 1) / GROUP_SLICES;
}

// The value of one slice by itself.
static void slice_value(const uint8_t *slice, size_t length, uint64_t counter, bool root, uint8_t *out) {
  const uint8_t end = CHUNK_END | (root ? ROOT : 0);
  if (length == SLICE) {
    blake3_hash_many(&slice, 1, SLICE / BLAKE3_BLOCK_LEN, IV, counter, false, 0, CHUNK_START, end, out);
    return;
  }
  uint32_t chaining[8];
  memcpy(chaining, IV, sizeof chaining);
  uint8_t start = CHUNK_START;
  for (; length > BLAKE3_BLOCK_LEN; slice += BLAKE3_BLOCK_LEN, length -= BLAKE3_BLOCK_LEN, start = 0) {
    blake3_compress_in_place(chaining, slice, BLAKE3_BLOCK_LEN, counter, start);
  }
  uint8_t block[BLAKE3_BLOCK_LEN] = {0};
  if (length > 0) memcpy(block, slice, length);
  blake3_compress_in_place(chaining, block, (uint8_t)length, counter, start | end);
  store_cv_words(out, chaining);
}

// Values of all slices of at most BATCH_SLICES, none of which is the root.
static size_t slice_values(const uint8_t *bytes, size_t length, uint64_t counter, uint8_t *out) {
  const uint8_t *inputs[BATCH_SLICES];
  const size_t whole = length / SLICE;
  for (size_t i = 0; i < whole; i++) inputs[i] = bytes + i * SLICE;
  if (whole > 0) {
    blake3_hash_many(inputs, whole, SLICE / BLAKE3_BLOCK_LEN, IV, counter, true, 0, CHUNK_START, CHUNK_END, out);
  }
  if (length == whole * SLICE) return whole;
  slice_value(bytes + whole * SLICE, length - whole * SLICE, counter + whole, false, out + whole * VALUE);
  return whole + 1;
}

// Joins neighbours of `count` >= 2 values; an odd last one stays as it is, which gives the tree its shape. The parents
// go where the children are. Returns how many there are.
static size_t join_level(uint8_t *values, size_t count, uint8_t flags) {
  uint8_t parents[GROUP * VALUE];
  for (size_t done = 0; done < count / 2;) {
    const uint8_t *inputs[GROUP];
    size_t grouped = 0;
    for (; grouped < GROUP && done + grouped < count / 2; grouped++) inputs[grouped] = values + (done + grouped) * 2 * VALUE;
    blake3_hash_many(inputs, grouped, 1, IV, 0, false, flags, 0, 0, parents);
    // Behind the children that are still to be read, since a parent takes half their room.
    memcpy(values + done * VALUE, parents, grouped * VALUE);
    done += grouped;
  }
  if (count % 2 == 1) memcpy(values + count / 2 * VALUE, values + (count - 1) * VALUE, VALUE);
  return (count + 1) / 2;
}

void group_values(const uint8_t *piece, size_t length, uint32_t first, uint8_t *out) {
  uint8_t values[BATCH_SLICES * VALUE];
  uint64_t counter = (uint64_t)first * GROUP_SLICES;
  while (length > 0) {
    const size_t bytes = length < BATCH_SLICES * SLICE ? length : BATCH_SLICES * SLICE;
    size_t count = slice_values(piece, bytes, counter, values);
    // Groups are aligned, so four levels leave one value of each: only the last can be ragged.
    for (int level = 0; level < 4 && count > 1; level++) count = join_level(values, count, PARENT);
    memcpy(out, values, count * VALUE);
    out += count * VALUE;
    piece += bytes;
    length -= bytes;
    counter += BATCH_SLICES;
  }
}

void group_root(const uint8_t *values, uint32_t groups, uint8_t *out) {
  uint8_t level[MAX_GROUPS * VALUE];
  memcpy(level, values, (size_t)groups * VALUE);
  for (size_t count = groups; count > 1;) count = join_level(level, count, count == 2 ? PARENT | ROOT : PARENT);
  memcpy(out, level, VALUE);
}

// Writes the siblings of value `at` of `count`, up to the value over all; overwrites the values. Returns their end.
static uint8_t *siblings_of(uint8_t *values, size_t count, size_t at, uint8_t *out) {
  while (count > 1) {
    // An odd last value has no sibling on this level.
    if ((at ^ 1) < count) {
      memcpy(out, values + (at ^ 1) * VALUE, VALUE);
      out += VALUE;
    }
    if (count == 2) break;
    count = join_level(values, count, PARENT);
    at /= 2;
  }
  return out;
}

void slice_siblings(uint32_t index, uint32_t body, const uint8_t *values, const uint8_t *group, uint8_t *out) {
  const uint32_t number = index / GROUP_SLICES;
  const uint32_t offset = number * GROUP_BYTES;
  const uint32_t bytes = body - offset < GROUP_BYTES ? body - offset : GROUP_BYTES;
  const uint32_t groups = stored_groups(body);
  uint8_t level[MAX_GROUPS * VALUE];
  const size_t count = slice_values(group, bytes, (uint64_t)number * GROUP_SLICES, level);
  out = siblings_of(level, count, index % GROUP_SLICES, out);
  if (groups == 0) return;
  memcpy(level, values, (size_t)groups * VALUE);
  siblings_of(level, groups, number, out);
}

// One slice on its way up.
typedef struct {
  const uint8_t *siblings;
  uint32_t levels;
  uint32_t sides;
  uint8_t *value;
} Climber;

// Joins the values of the climbers that have `left` levels to go, by one level, side by side.
static void climb_level(const Climber *climbers, size_t count, uint32_t level, bool root) {
  uint8_t blocks[GROUP][2 * VALUE];
  uint8_t parents[GROUP * VALUE];
  const uint8_t *inputs[GROUP];
  uint8_t *out[GROUP];
  size_t grouped = 0;
  for (size_t i = 0; i < count; i++) {
    const Climber *climber = &climbers[i];
    if (level >= climber->levels || (level + 1 == climber->levels) != root) continue;
    const bool left = climber->sides >> level & 1;
    uint8_t *block = blocks[grouped];
    memcpy(block + (left ? 0 : VALUE), climber->siblings + (size_t)level * VALUE, VALUE);
    memcpy(block + (left ? VALUE : 0), climber->value, VALUE);
    inputs[grouped] = block;
    out[grouped++] = climber->value;
  }
  if (grouped == 0) return;
  blake3_hash_many(inputs, grouped, 1, IV, 0, false, root ? PARENT | ROOT : PARENT, 0, 0, parents);
  for (size_t i = 0; i < grouped; i++) memcpy(out[i], parents + i * VALUE, VALUE);
}

void slice_roots(const Slice *slices, size_t count, uint8_t *out) {
  Climber climbers[GROUP];
  for (size_t done = 0; done < count;) {
    const size_t grouped = count - done < GROUP ? count - done : GROUP;
    for (size_t i = 0; i < grouped; i++) {
      const Slice *slice = &slices[done + i];
      const uint32_t length = slice_length(slice->index, slice->body);
      Climber *climber = &climbers[i];
      climber->levels = slice_path(slice->index, slice_count(slice->body), &climber->sides);
      climber->siblings = slice->slice + length;
      climber->value = out + (done + i) * VALUE;
      slice_value(slice->slice, length, slice->index, climber->levels == 0, climber->value);
    }
    for (uint32_t level = 0; level < MAX_SIBLINGS; level++) {
      climb_level(climbers, grouped, level, false);
      climb_level(climbers, grouped, level, true);
    }
    done += grouped;
  }
}
