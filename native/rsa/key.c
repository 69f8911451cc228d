// Loading keys: everything that the batch operations need is derived here from the primes or the modulus,
// by code whose time does not depend on the primes.
#include <string.h>
#include "core.h"
#include "mont64.h"

void rsa_wipe(void *memory, size_t bytes) {
  volatile uint8_t *at = memory;
  while (bytes-- > 0) *at++ = 0;
}

static void load_big_endian(uint64_t *limbs, int count, const uint8_t *bytes, int length) {
  memset(limbs, 0, sizeof(uint64_t) * (size_t)count);
  for (int i = 0; i < length; i++) limbs[i / 8] |= (uint64_t)bytes[length - 1 - i] << (8 * (i % 8));
}

static void to_radix52(uint64_t *out, int out_limbs, const uint64_t *in, int in_limbs) {
  const uint64_t mask = (1ULL << 52) - 1;
  for (int i = 0; i < out_limbs; i++) {
    int word = 52 * i / 64, shift = 52 * i % 64;
    uint64_t low = word < in_limbs ? in[word] >> shift : 0;
    uint64_t high = shift > 12 && word + 1 < in_limbs ? in[word + 1] << (64 - shift) : 0;
    out[i] = (low | high) & mask;
  }
}

static uint64_t negated_inverse(uint64_t odd) {
  uint64_t x = odd; // correct to 3 bits; each round doubles them
  for (int i = 0; i < 5; i++) x *= 2 - odd * x;
  return 0 - x;
}

// x = 2 x mod m
static void double_mod(uint64_t *x, const uint64_t *m, int limbs) {
  uint64_t carry = x[limbs - 1] >> 63;
  for (int i = limbs - 1; i > 0; i--) x[i] = (x[i] << 1) | (x[i - 1] >> 63);
  x[0] <<= 1;
  reduce_once(x, x, carry, m, limbs);
}

// out[k] = 2^((k + first) * bits) mod m for k < count
static void powers_of_two(uint64_t (*out)[P64], int count, int first, int bits, const uint64_t *m, int limbs) {
  uint64_t x[P64] = { 1 };
  for (int k = 0, done = 0; k < count; k++) {
    for (; done < (k + first) * bits; done++) double_mod(x, m, limbs);
    memcpy(out[k], x, sizeof x);
  }
  rsa_wipe(x, sizeof x);
}

// out (la + lb limbs) = a * b
static void multiply(uint64_t *out, const uint64_t *a, int la, const uint64_t *b, int lb) {
  memset(out, 0, sizeof(uint64_t) * (size_t)(la + lb));
  for (int i = 0; i < la; i++) {
    uint64_t carry = 0;
    for (int j = 0; j < lb; j++) {
      u128 t = (u128)a[i] * b[j] + out[i + j] + carry;
      out[i + j] = (uint64_t)t;
      carry = (uint64_t)(t >> 64);
    }
    out[i + lb] = carry;
  }
}

static uint64_t mod_small(const uint64_t *a, int limbs, uint64_t m) {
  u128 rest = 0;
  for (int i = limbs - 1; i >= 0; i--) rest = ((rest << 64) | a[i]) % m;
  return (uint64_t)rest;
}

// d = e^-1 mod (p - 1) = (1 + k (p - 1)) / e with k = -(p - 1)^-1 mod e. 0 if there is none.
static int private_exponent(uint64_t *d, const uint64_t *p, int limbs) {
  uint64_t rest = mod_small(p, limbs, RSA_E);
  rest = (rest + RSA_E - 1) % RSA_E; // (p - 1) mod e
  if (rest == 0) return 0;
  uint64_t inverse = 1;
  for (int i = 16; i >= 0; i--) { // rest^(e - 2): e is prime
    inverse = inverse * inverse % RSA_E;
    if (((RSA_E - 2) >> i) & 1) inverse = inverse * rest % RSA_E;
  }
  uint64_t k = RSA_E - inverse;
  uint64_t wide[P64 + 1] = { 0 };
  u128 carry = 1; // the 1 of 1 + k (p - 1); p is odd, so p - 1 has no borrow
  for (int i = 0; i < limbs; i++) {
    carry += (u128)k * (i == 0 ? p[0] - 1 : p[i]);
    wide[i] = (uint64_t)carry;
    carry >>= 64;
  }
  wide[limbs] = (uint64_t)carry;
  u128 left = 0;
  for (int i = limbs; i >= 0; i--) {
    left = (left << 64) | wide[i];
    if (i < limbs) d[i] = (uint64_t)(left / RSA_E);
    left %= RSA_E;
  }
  rsa_wipe(wide, sizeof wide);
  return 1;
}

// out = x^(p - 2) mod p for x in Montgomery form; p is public to nobody, so every bit costs the same.
static void inverse_mod_prime(uint64_t *out, const uint64_t *x, const rsa_prime64 *prime) {
  const int limbs = prime->limbs;
  uint64_t exponent[P64], product[P64];
  memcpy(exponent, prime->p, sizeof exponent);
  exponent[0] -= 2; // p is odd and above 2
  memcpy(out, prime->one, sizeof product);
  for (int bit = 64 * limbs - 1; bit >= 0; bit--) {
    uint64_t take = 0 - ((exponent[bit / 64] >> (bit % 64)) & 1);
    mont_mul(out, out, out, prime->p, prime->inv, limbs);
    mont_mul(product, out, x, prime->p, prime->inv, limbs);
    for (int i = 0; i < limbs; i++) out[i] = (product[i] & take) | (out[i] & ~take);
  }
  rsa_wipe(exponent, sizeof exponent);
  rsa_wipe(product, sizeof product);
}

// The factor (N / p)^-1 mod p, plain.
static void crt_coefficient(rsa_prime64 *prime) {
  const int limbs = prime->limbs;
  uint64_t sum[P64] = { 0 }, piece[P64], term[P64];
  for (int k = 0; k * limbs < prime->cofactor_limbs; k++) {
    for (int i = 0; i < limbs; i++) {
      int at = k * limbs + i;
      piece[i] = at < prime->cofactor_limbs ? prime->cofactor[at] : 0;
    }
    mont_mul(term, piece, prime->fold[k], prime->p, prime->inv, limbs);
    uint64_t carry = 0;
    for (int i = 0; i < limbs; i++) {
      u128 t = (u128)sum[i] + term[i] + carry;
      sum[i] = (uint64_t)t;
      carry = (uint64_t)(t >> 64);
    }
    reduce_once(sum, sum, carry, prime->p, limbs);
  }
  uint64_t unit[P64] = { 1 };
  inverse_mod_prime(term, sum, prime);
  mont_mul(prime->coef, term, unit, prime->p, prime->inv, limbs);
  rsa_wipe(sum, sizeof sum);
  rsa_wipe(piece, sizeof piece);
  rsa_wipe(term, sizeof term);
}

static int set_modulus(rsa_key *key) {
  if ((key->n[0] & 1) == 0 || key->n[N64 - 1] >> 63 == 0) return RSA_BAD_KEY;
  key->n_inv = negated_inverse(key->n[0]);
  // 2^2048 - N, doubled 64 times, is 2^64 R; each square in Montgomery form doubles the 64, up to R^2.
  uint64_t x[N64], borrow = 0;
  for (int i = 0; i < N64; i++) {
    u128 t = (u128)0 - key->n[i] - borrow;
    x[i] = (uint64_t)t;
    borrow = (uint64_t)(t >> 64) & 1;
  }
  for (int i = 0; i < 64; i++) double_mod(x, key->n, N64);
  for (int i = 0; i < 5; i++) mont_mul(x, x, x, key->n, key->n_inv, N64);
  memcpy(key->n_rr, x, sizeof x);
  for (int i = 2 * 64 * N64; i < 2 * 52 * N52; i++) double_mod(x, key->n, N64);
  to_radix52(key->n52_rr, N52, x, N64);
  to_radix52(key->n52, N52, key->n, N64);
  key->n52_inv = key->n_inv & ((1ULL << 52) - 1);
  return RSA_OK;
}

static void set_radix52(rsa_prime52 *out, const rsa_prime64 *prime, int limbs52) {
  const int limbs = prime->limbs;
  uint64_t powers[PIECES + 1][P64];
  to_radix52(out->p, limbs52, prime->p, limbs);
  out->inv = prime->inv & ((1ULL << 52) - 1);
  powers_of_two(powers, PIECES + 1, 1, 52 * limbs52, prime->p, limbs);
  to_radix52(out->one, limbs52, powers[0], limbs);
  for (int k = 0; k < PIECES; k++) to_radix52(out->fold[k], limbs52, powers[k + 1], limbs);
  to_radix52(out->coef, limbs52, prime->coef, limbs);
  to_radix52(out->cofactor, C52, prime->cofactor, prime->cofactor_limbs);
  rsa_wipe(powers, sizeof powers);
}

static int set_prime(rsa_prime64 *prime, int limbs, int cofactor_limbs) {
  uint64_t powers[PIECES + 1][P64];
  prime->inv = negated_inverse(prime->p[0]);
  powers_of_two(powers, PIECES + 1, 1, 64 * limbs, prime->p, limbs);
  memcpy(prime->one, powers[0], sizeof prime->one);
  memcpy(prime->fold, powers[1], sizeof prime->fold);
  rsa_wipe(powers, sizeof powers);
  prime->cofactor_limbs = cofactor_limbs;
  if (!private_exponent(prime->d, prime->p, limbs)) return RSA_BAD_KEY;
  crt_coefficient(prime);
  return RSA_OK;
}

int rsa_key_private(rsa_key *key, const uint8_t *primes, int count) {
  memset(key, 0, sizeof *key);
  if (count != 3 && count != 4) return RSA_BAD_KEY;
  const int bytes = count == 4 ? 64 : 86;
  const int limbs = count == 4 ? 8 : P64;
  const int cofactor_limbs = count == 4 ? 24 : 22;
  key->primes = count;
  key->limbs52 = count == 4 ? 10 : P52;
  for (int i = 0; i < count; i++) {
    rsa_prime64 *prime = &key->prime[i];
    prime->limbs = limbs;
    load_big_endian(prime->p, P64, primes + i * bytes, bytes);
    const uint64_t top = prime->p[limbs - 1];
    const int sized = count == 4 ? top >> 63 == 1 : top >> 43 == 0 && top >> 41 != 0;
    if (!sized || (prime->p[0] & 1) == 0) return RSA_BAD_KEY;
    for (int j = 0; j < i; j++) {
      if (memcmp(prime->p, key->prime[j].p, sizeof prime->p) == 0) return RSA_BAD_KEY;
    }
  }

  // Cofactors, and N as the first prime times its cofactor.
  uint64_t product[4 * P64], partial[4 * P64];
  for (int i = 0; i < count; i++) {
    int length = 0;
    for (int j = 0; j < count; j++) {
      if (j == i) continue;
      if (length == 0) memcpy(product, key->prime[j].p, sizeof key->prime[j].p);
      else {
        memcpy(partial, product, sizeof(uint64_t) * (size_t)length);
        multiply(product, partial, length, key->prime[j].p, limbs);
      }
      length += limbs;
    }
    memcpy(key->prime[i].cofactor, product, sizeof(uint64_t) * (size_t)cofactor_limbs);
  }
  multiply(product, key->prime[0].cofactor, cofactor_limbs, key->prime[0].p, limbs);
  int status = RSA_OK;
  for (int i = N64; i < cofactor_limbs + limbs; i++) {
    if (product[i] != 0) status = RSA_BAD_KEY;
  }
  memcpy(key->n, product, sizeof key->n);
  rsa_wipe(product, sizeof product);
  rsa_wipe(partial, sizeof partial);
  if (status == RSA_OK) status = set_modulus(key);
  for (int i = 0; i < count && status == RSA_OK; i++) {
    status = set_prime(&key->prime[i], limbs, cofactor_limbs);
    if (status == RSA_OK) set_radix52(&key->prime52[i], &key->prime[i], key->limbs52);
  }
  if (status != RSA_OK) rsa_wipe(key, sizeof *key);
  return status;
}

int rsa_key_public(rsa_key *key, const uint8_t *modulus) {
  memset(key, 0, sizeof *key);
  load_big_endian(key->n, N64, modulus, RSA_BLOCK);
  return set_modulus(key);
}

void rsa_key_modulus(const rsa_key *key, uint8_t *modulus) {
  for (int i = 0; i < RSA_BLOCK; i++) modulus[RSA_BLOCK - 1 - i] = (uint8_t)(key->n[i / 8] >> (8 * (i % 8)));
}
