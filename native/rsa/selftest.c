// A program for the compiler's sanitizers: seals and opens on every path, with and without a fault in the
// exponentiation modulo one prime. test/crypto/rsa-native.test.ts compiles and runs it; it is in no addon.
//
//   selftest HEX   the primes, big-endian, one after another, as rsa_key_private takes them
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core.h"

#define BLOCKS 19 // two batches of eight and a part of one

typedef int seal_function(const rsa_key *, const uint8_t *, uint8_t *, size_t);
typedef int open_function(const rsa_key *, const uint8_t *, uint8_t *, size_t, size_t *);

static int failures = 0;

static void expect(int holds, const char *path, const char *what) {
  if (holds) return;
  failures++;
  printf("%s: %s\n", path, what);
}

// 0, then 2^2040 - 1, then anything
static void fill(uint8_t *plain) {
  for (size_t i = 0; i < BLOCKS * RSA_PAYLOAD; i++) {
    plain[i] = (uint8_t)(i < RSA_PAYLOAD ? 0 : i < 2 * RSA_PAYLOAD ? 255 : i * i + (i >> 3));
  }
}

static void check_path(const char *path, seal_function *seal, open_function *open, const rsa_key *key, const uint8_t *reference) {
  // Memory of exactly the lengths that the functions may touch, so that a sanitizer sees a byte too many.
  uint8_t *plain = malloc(BLOCKS * RSA_PAYLOAD), *sealed = malloc(BLOCKS * RSA_BLOCK), *opened = malloc(BLOCKS * RSA_PAYLOAD);
  uint8_t modulus[RSA_BLOCK];
  rsa_key public_key;
  size_t bad = 99;
  fill(plain);

  for (size_t count = 1; count <= BLOCKS; count += 6) {
    expect(seal(key, plain, sealed, count) == RSA_OK, path, "sealing failed");
    expect(reference == NULL || memcmp(sealed, reference, count * RSA_BLOCK) == 0, path, "differs from the portable path");
  }
  rsa_key_modulus(key, modulus);
  expect(rsa_key_public(&public_key, modulus) == RSA_OK, path, "the modulus is refused");
  expect(open(&public_key, sealed, opened, BLOCKS, &bad) == RSA_OK, path, "opening failed");
  expect(memcmp(opened, plain, BLOCKS * RSA_PAYLOAD) == 0, path, "opened to other bytes");
  memcpy(sealed + 17 * RSA_BLOCK, modulus, RSA_BLOCK);
  expect(open(&public_key, sealed, opened, BLOCKS, &bad) == RSA_BAD_BLOCK && bad == 17, path, "accepted a block of N");

  for (rsa_fault_prime = 0; rsa_fault_prime < key->primes; rsa_fault_prime++) {
    memset(sealed, 0, BLOCKS * RSA_BLOCK);
    expect(seal(key, plain, sealed, BLOCKS) == RSA_CHECK_FAILED, path, "a fault went unnoticed");
    int written = 0;
    for (size_t i = 0; i < BLOCKS * RSA_BLOCK; i++) written |= sealed[i];
    expect(written == 0, path, "a faulty result left the core");
  }
  rsa_fault_prime = -1;
  free(plain);
  free(sealed);
  free(opened);
}

int main(int argc, char **argv) {
  uint8_t primes[4 * 64 + 2];
  const size_t length = argc == 2 ? strlen(argv[1]) / 2 : 0;
  if (length != 4 * 64 && length != 3 * 86) return 2;
  for (size_t i = 0; i < length; i++) {
    unsigned byte;
    if (sscanf(argv[1] + 2 * i, "%2x", &byte) != 1) return 2;
    primes[i] = (uint8_t)byte;
  }
  rsa_key *key = malloc(sizeof *key);
  if (rsa_key_private(key, primes, length == 4 * 64 ? 4 : 3) != RSA_OK) return 2;
  check_path("portable", rsa_seal_portable, rsa_open_portable, key, NULL);
  if (rsa_ifma_supported()) {
    uint8_t *plain = malloc(BLOCKS * RSA_PAYLOAD), *reference = malloc(BLOCKS * RSA_BLOCK);
    fill(plain);
    rsa_seal_portable(key, plain, reference, BLOCKS);
    check_path("ifma", rsa_seal_ifma, rsa_open_ifma, key, reference);
    free(plain);
    free(reference);
    printf("portable ifma\n");
  } else {
    printf("portable\n");
  }
  rsa_wipe(key, sizeof *key);
  free(key);
  return failures == 0 ? 0 : 1;
}
