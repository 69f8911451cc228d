// A program for the compiler's sanitizers: seals and opens on every path, and with faults: in the exponentiation modulo
// one prime, in the bytes that are about to be released, and in single bits of the loaded key.
// test/crypto/rsa-native.test.ts compiles and runs it; it is in no addon.
//
//   selftest FLIPS HEX...   faults in the key for each path, and for each key its primes, as rsa_key_private takes them
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core.h"

#define BLOCKS 83 // a batch, two parts of one that fill all lanes, and a part that does not

// Of the highest limb of N, several for each bit: the sum that is to be reduced modulo N must be small to show them.
#define TOP_FLIPS 256

static const char *const NAMES[RSA_PATHS] = { "portable", "avx2", "ifma" };
static int failures = 0;

static void expect(int holds, const char *path, const char *what) {
  if (holds) return;
  failures++;
  printf("%s: %s\n", path, what);
}

static uint32_t draw(void) {
  static uint64_t state = 1;
  state = state * 6364136223846793005ULL + 1442695040888963407ULL;
  return (uint32_t)(state >> 32);
}

// 0, then 2^2040 - 1, then anything
static void fill(uint8_t *plain) {
  for (size_t i = 0; i < BLOCKS * RSA_PAYLOAD; i++) {
    plain[i] = (uint8_t)(i < RSA_PAYLOAD ? 0 : i < 2 * RSA_PAYLOAD ? 255 : i * i + (i >> 3));
  }
}

static int all_zeros(const uint8_t *bytes, size_t count) {
  int seen = 0;
  for (size_t i = 0; i < count; i++) seen |= bytes[i];
  return seen == 0;
}

// Faults in the exponentiation modulo each prime, and in bits of the result.
static void check_faults(rsa_path path, const rsa_key *key, const uint8_t *plain, uint8_t *sealed) {
  for (rsa_fault_prime = 0; rsa_fault_prime < key->primes; rsa_fault_prime++) {
    memset(sealed, 1, BLOCKS * RSA_BLOCK);
    expect(rsa_seal(path, key, plain, sealed, BLOCKS) == RSA_CHECK_FAILED, NAMES[path], "a fault modulo a prime went unnoticed");
    expect(all_zeros(sealed, BLOCKS * RSA_BLOCK), NAMES[path], "a faulty result left the core");
  }
  rsa_fault_prime = -1;
  for (rsa_fault_bit = 0; rsa_fault_bit < 8 * RSA_BLOCK; rsa_fault_bit += 97) {
    memset(sealed, 1, RSA_BLOCK);
    expect(rsa_seal(path, key, plain, sealed, 1) == RSA_CHECK_FAILED, NAMES[path], "a fault in what is released went unnoticed");
    expect(all_zeros(sealed, RSA_BLOCK), NAMES[path], "faulty bytes left the core");
  }
  rsa_fault_bit = -1;
}

// One bit of the loaded key flipped, for every bit of the modulus's highest limb and some of all others: whatever is
// sealed then is below N and opens to what was sealed, or it is an error.
static void check_flips(rsa_path path, const rsa_key *key, const uint8_t *plain, uint8_t *sealed, int flips) {
  rsa_key *faulty = malloc(sizeof *faulty);
  uint8_t opened[RSA_PAYLOAD];
  const rsa_form *form = path == RSA_PORTABLE ? &key->limbs58 : &key->limbs52;
  const size_t form_at = (size_t)((const uint8_t *)form - (const uint8_t *)key);
  const int top = path == RSA_PORTABLE ? 35 : 39;
  size_t bad;
  for (int i = 0; i < TOP_FLIPS + flips; i++) {
    size_t bit = 8 * (form_at + offsetof(rsa_form, modulus.n[top])) + (size_t)(i % 64);
    if (i >= TOP_FLIPS) bit = draw() % 6 == 0 ? draw() % (8 * form_at) : 8 * form_at + draw() % (8 * sizeof *form);
    memcpy(faulty, key, sizeof *key);
    if (bit / 8 >= offsetof(rsa_key, n)) ((uint8_t *)faulty)[bit / 8] ^= (uint8_t)(1 << bit % 8);
    // One block, so that the fault's other effects do not give it away in another.
    const uint8_t *block = plain + (size_t)(i % BLOCKS) * RSA_PAYLOAD;
    if (rsa_seal(path, faulty, block, sealed, 1) != RSA_OK) continue;
    const int opens = rsa_below_modulus(key, sealed) && rsa_open(RSA_PORTABLE, key, sealed, opened, 1, &bad) == RSA_OK;
    expect(opens && memcmp(opened, block, RSA_PAYLOAD) == 0, NAMES[path], "a fault in the key let a wrong block out");
  }
  rsa_wipe(faulty, sizeof *faulty);
  free(faulty);
}

static void check_path(rsa_path path, const rsa_key *key, const uint8_t *reference, int flips) {
  // Memory of exactly the lengths that the functions may touch, so that a sanitizer sees a byte too many.
  uint8_t *plain = malloc(BLOCKS * RSA_PAYLOAD), *sealed = malloc(BLOCKS * RSA_BLOCK), *opened = malloc(BLOCKS * RSA_PAYLOAD);
  uint8_t modulus[RSA_BLOCK];
  rsa_key public_key;
  size_t bad = 99;
  fill(plain);
  for (size_t count = 1; count <= BLOCKS; count = count < 19 ? count + 3 : count + 64) {
    expect(rsa_seal(path, key, plain, sealed, count) == RSA_OK, NAMES[path], "sealing failed");
    expect(memcmp(sealed, reference, count * RSA_BLOCK) == 0, NAMES[path], "differs from the portable path");
  }
  rsa_key_modulus(key, modulus);
  expect(rsa_key_public(&public_key, modulus) == RSA_OK, NAMES[path], "the modulus is refused");
  expect(rsa_open(path, &public_key, sealed, opened, BLOCKS, &bad) == RSA_OK, NAMES[path], "opening failed");
  expect(memcmp(opened, plain, BLOCKS * RSA_PAYLOAD) == 0, NAMES[path], "opened to other bytes");
  memcpy(sealed + 77 * RSA_BLOCK, modulus, RSA_BLOCK);
  expect(rsa_open(path, &public_key, sealed, opened, BLOCKS, &bad) == RSA_BAD_BLOCK && bad == 77, NAMES[path], "accepted a block of N");
  check_faults(path, key, plain, sealed);
  check_flips(path, key, plain, sealed, flips);
  free(plain);
  free(sealed);
  free(opened);
}

static int load(rsa_key *key, const char *hex) {
  uint8_t primes[4 * 64 + 2];
  const size_t length = strlen(hex) / 2;
  if (length != 4 * 64 && length != 3 * 86) return 0;
  for (size_t i = 0; i < length; i++) {
    unsigned byte;
    if (sscanf(hex + 2 * i, "%2x", &byte) != 1) return 0;
    primes[i] = (uint8_t)byte;
  }
  return rsa_key_private(key, primes, length == 4 * 64 ? 4 : 3) == RSA_OK;
}

// A key made from a seed is the same each time, and loads.
static void check_generate(rsa_key *key, int count) {
  const uint8_t seed[32] = { (uint8_t)count };
  const size_t length = count == 4 ? 4 * 64 : 3 * 86;
  uint8_t *primes = malloc(2 * length), modulus[2][RSA_BLOCK], loaded[RSA_BLOCK];
  for (int i = 0; i < 2; i++) {
    expect(rsa_generate(seed, count, primes + (size_t)i * length, modulus[i]) == RSA_OK, "generate", "no key was made");
  }
  expect(memcmp(primes, primes + length, length) == 0, "generate", "one seed gave two keys");
  expect(rsa_key_private(key, primes, count) == RSA_OK, "generate", "a key that was made does not load");
  rsa_key_modulus(key, loaded);
  expect(memcmp(loaded, modulus[0], RSA_BLOCK) == 0 && memcmp(loaded, modulus[1], RSA_BLOCK) == 0, "generate", "another modulus");
  free(primes);
}

// The search for factors: what each path comes to is what the portable path does, in memory of exactly its length; a point
// that is nothing modulo N stays so.
static void check_search(const rsa_key *key) {
  enum { COUNT = 9, LINKS = 5, ENTRIES = 5 };
  const uint32_t chain[2 * LINKS] = { 2, 2, 3, 2, 5, 3, 7, 4, 1009, 624 };
  const uint16_t far[ENTRIES] = { 0, 239, FACTOR_NEXT, 17, FACTOR_NEXT };
  uint32_t *links = malloc(sizeof chain);
  uint16_t *entries = malloc(sizeof far);
  uint8_t *given = calloc(3 * COUNT, RSA_BLOCK), *reference = malloc(2 * COUNT * RSA_BLOCK), *found = malloc(2 * COUNT * RSA_BLOCK);
  memcpy(links, chain, sizeof chain);
  memcpy(entries, far, sizeof far);
  const factor_plan plan = { links, LINKS, entries, ENTRIES, 2 };
  const factor_plan endless = { (const uint32_t[]){ 9, 6 }, 1, NULL, 0, 1 };
  expect(factor_plan_holds(&plan) && !factor_plan_holds(&endless), "search", "a plan is taken for another");
  for (int i = 3 * RSA_BLOCK; i < 3 * COUNT * RSA_BLOCK; i++) given[i] = i % RSA_BLOCK == 0 ? 0 : (uint8_t)draw();
  for (int curves = 0; curves < 2; curves++) {
    for (rsa_path path = RSA_PORTABLE; path < RSA_PATHS; path++) {
      if (!rsa_supported(path)) continue;
      uint8_t *to = path == RSA_PORTABLE ? reference : found;
      const int status = curves ? factor_curves(path, key, &plan, given, to, COUNT) : factor_powers(path, key, &plan, given, to, COUNT);
      expect(status == RSA_OK, NAMES[path], "a search failed");
      expect(memcmp(to, reference, 2 * COUNT * RSA_BLOCK) == 0, NAMES[path], "a search differs from the portable path's");
    }
    if (curves) expect(all_zeros(reference, 2 * RSA_BLOCK), "search", "nothing became something");
  }
  free(links);
  free(entries);
  free(given);
  free(reference);
  free(found);
}

int main(int argc, char **argv) {
  rsa_key *key = malloc(sizeof *key);
  uint8_t *plain = malloc(BLOCKS * RSA_PAYLOAD), *reference = malloc(BLOCKS * RSA_BLOCK);
  if (argc < 3) return 2;
  check_generate(key, 4);
  check_generate(key, 3);
  fill(plain);
  for (int i = 2; i < argc; i++) {
    if (!load(key, argv[i])) return 2;
    expect(rsa_seal(RSA_PORTABLE, key, plain, reference, BLOCKS) == RSA_OK, "portable", "sealing failed");
    check_search(key);
    for (rsa_path path = RSA_PORTABLE; path < RSA_PATHS; path++) {
      if (rsa_supported(path)) check_path(path, key, reference, atoi(argv[1]));
    }
  }
  for (rsa_path path = RSA_PORTABLE; path < RSA_PATHS; path++) {
    if (rsa_supported(path)) printf("%s\n", NAMES[path]);
  }
  rsa_wipe(key, sizeof *key);
  free(key);
  free(plain);
  free(reference);
  return failures == 0 ? 0 : 1;
}
