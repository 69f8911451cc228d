// BLAKE3 of many short inputs side by side.
//
// Inputs of up to 1024 bytes are one BLAKE3 chunk each and never meet inside one hash, so as many of equal
// shape as the CPU has lanes are hashed side by side with the official blake3_hash_many. It takes only whole
// 64-byte blocks: a last, partial block is compressed by itself. Longer inputs fill the lanes on their own.
#ifndef DATDOT_LANES_H
#define DATDOT_LANES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "blake3_impl.h"

#define HASH 32
#define RECORD 40 // u64 bytes below, then the hash: one node of a stored tree
#define LEAF_HEADER_MAX 512
#define GROUP 16
#define LEAF_PREFIX 9 // the tag 0x00 and the u64 chunk length

static inline void store64(uint8_t *out, uint64_t value) {
  for (int i = 0; i < 8; i++) out[i] = (uint8_t)(value >> (8 * i));
}

static inline uint64_t load64(const uint8_t *bytes) {
  uint64_t value = 0;
  for (int i = 0; i < 8; i++) value |= (uint64_t)bytes[i] << (8 * i);
  return value;
}

// Hashes `count` <= GROUP inputs of the same length, 0..1024 bytes, side by side.
static inline void hash_group(const uint8_t *const *inputs, size_t count, size_t length, uint8_t *out) {
  const size_t blocks = length == 0 ? 1 : (length + BLAKE3_BLOCK_LEN - 1) / BLAKE3_BLOCK_LEN;
  const size_t tail = length - (blocks - 1) * BLAKE3_BLOCK_LEN;
  const bool whole = tail == BLAKE3_BLOCK_LEN;
  const size_t lanes = whole ? blocks : blocks - 1;
  if (lanes > 0) {
    blake3_hash_many(inputs, count, lanes, IV, 0, false, 0, CHUNK_START, whole ? CHUNK_END | ROOT : 0, out);
  }
  if (whole) return;
  const uint8_t flags = (uint8_t)(CHUNK_END | ROOT | (lanes == 0 ? CHUNK_START : 0));
  for (size_t i = 0; i < count; i++) {
    uint32_t chaining[8];
    uint8_t block[BLAKE3_BLOCK_LEN] = {0};
    if (lanes == 0) {
      memcpy(chaining, IV, sizeof chaining);
    } else {
      load_key_words(out + i * HASH, chaining);
    }
    if (tail > 0) memcpy(block, inputs[i] + lanes * BLAKE3_BLOCK_LEN, tail);
    blake3_compress_in_place(chaining, block, (uint8_t)tail, 0, flags);
    store_cv_words(out + i * HASH, chaining);
  }
}

#endif
