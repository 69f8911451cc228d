// The batch operations on 64-bit limbs, one block at a time: any 64-bit machine.
#include <string.h>
#include "core.h"
#include "mont64.h"

#define WINDOW 4
#define ENTRIES (1 << WINDOW)

#ifdef DATDOT_RSA_FAULTS
int rsa_fault_prime = -1;
#endif

static void load_block(uint64_t *limbs, const uint8_t *bytes, int length) {
  uint8_t padded[RSA_BLOCK] = { 0 };
  memcpy(padded + RSA_BLOCK - length, bytes, (size_t)length);
  for (int i = 0; i < N64; i++) {
    uint64_t word;
    memcpy(&word, padded + RSA_BLOCK - 8 * (i + 1), 8);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    limbs[i] = word;
  }
}

static void store_block(uint8_t *bytes, const uint64_t *limbs) {
  for (int i = 0; i < N64; i++) {
    uint64_t word = limbs[i];
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    memcpy(bytes + RSA_BLOCK - 8 * (i + 1), &word, 8);
  }
}

// a < b, without a branch on either
static int below(const uint64_t *a, const uint64_t *b, int limbs) {
  uint64_t borrow = 0;
  for (int i = 0; i < limbs; i++) borrow = (uint64_t)(((u128)a[i] - b[i] - borrow) >> 64) & 1;
  return (int)borrow;
}

// What follows is compiled more than once: for every x86-64, and for those with mulx.
#define NAME2(a, b) a##_##b
#define NAME1(a, b) NAME2(a, b)
#define NAME(a) NAME1(a, VARIANT)

#define VARIANT base
#include "portable-ops.h"
#undef VARIANT

#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("bmi2,adx"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("bmi2,adx")
#endif
#define VARIANT mulx
#include "portable-ops.h"
#undef VARIANT
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

static int has_mulx(void) {
  return __builtin_cpu_supports("bmi2");
}
#endif

int rsa_seal_portable(const rsa_key *key, const uint8_t *plain, uint8_t *sealed, size_t count) {
#if defined(__x86_64__)
  if (has_mulx()) return seal_mulx(key, plain, sealed, count);
#endif
  return seal_base(key, plain, sealed, count);
}

int rsa_open_portable(const rsa_key *key, const uint8_t *sealed, uint8_t *plain, size_t count, size_t *bad) {
#if defined(__x86_64__)
  if (has_mulx()) return open_mulx(key, sealed, plain, count, bad);
#endif
  return open_base(key, sealed, plain, count, bad);
}
