// Making a key from a seed, in memory that is wiped: numbers of JavaScript cannot be. Gives the keys that
// src/crypto/rsa-key.ts gives. How long it takes depends on how far the next prime is, as everywhere.
#include <string.h>
#include "core.h"
#include "mont64.h"

#define NOINLINE static __attribute__((noinline))
#define STEPS 4096         // odd numbers tried from one random start
#define SMALL_LIMIT 2048   // candidates with a smaller divisor are not tested further
#define SMALL_MOST 320
#define ROUNDS 24          // of Miller and Rabin's test, after one to base 2: 2^-200 for random numbers of 512 bits
#define PRIME_BYTES_MOST 86

static uint32_t load32(const uint8_t *at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

#define ROTATE(x, n) (((x) << (n)) | ((x) >> (32 - (n))))
#define QUARTER(a, b, c, d)                       \
  do {                                            \
    a += b; d = ROTATE(d ^ a, 16);                \
    c += d; b = ROTATE(b ^ c, 12);                \
    a += b; d = ROTATE(d ^ a, 8);                 \
    c += d; b = ROTATE(b ^ c, 7);                 \
  } while (0)

// The twenty rounds of ChaCha20 (RFC 8439, 2.3) on words[16].
static void chacha_rounds(uint32_t *x) {
  for (int i = 0; i < 10; i++) {
    QUARTER(x[0], x[4], x[8], x[12]);
    QUARTER(x[1], x[5], x[9], x[13]);
    QUARTER(x[2], x[6], x[10], x[14]);
    QUARTER(x[3], x[7], x[11], x[15]);
    QUARTER(x[0], x[5], x[10], x[15]);
    QUARTER(x[1], x[6], x[11], x[12]);
    QUARTER(x[2], x[7], x[8], x[13]);
    QUARTER(x[3], x[4], x[9], x[14]);
  }
}

// The first `count` bytes of XChaCha20 under the seed (draft-irtf-cfrg-xchacha), nonce: the number of the draw and what
// it is for, both u64, then zeros.
static void draw_bytes(uint8_t *out, size_t count, const uint8_t *seed, uint64_t number, uint64_t purpose) {
  uint32_t start[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 }, x[16];
  for (int i = 0; i < 8; i++) start[4 + i] = load32(seed + 4 * i);
  memcpy(x, start, sizeof x);
  x[12] = (uint32_t)number;
  x[13] = (uint32_t)(number >> 32);
  x[14] = (uint32_t)purpose;
  x[15] = (uint32_t)(purpose >> 32);
  chacha_rounds(x);
  memcpy(start + 4, x, 16);
  memcpy(start + 8, x + 12, 16);
  start[12] = start[13] = start[14] = start[15] = 0;
  for (size_t done = 0; done < count; start[12]++) {
    memcpy(x, start, sizeof x);
    chacha_rounds(x);
    for (int i = 0; i < 64 && done < count; i++, done++) out[done] = (uint8_t)((x[i / 4] + start[i / 4]) >> (8 * (i % 4)));
  }
  rsa_wipe(start, sizeof start);
  rsa_wipe(x, sizeof x);
}

static int small_primes(uint16_t *primes) {
  int count = 0;
  for (int n = 3; n < SMALL_LIMIT; n += 2) {
    int prime = 1;
    for (int i = 0; i < count && primes[i] * primes[i] <= n; i++) prime &= n % primes[i] != 0;
    if (prime) primes[count++] = (uint16_t)n;
  }
  return count;
}

static uint32_t mod_small(const uint8_t *bytes, int length, uint32_t m) {
  uint64_t rest = 0;
  for (int i = 0; i < length; i++) rest = (rest * 256 + bytes[i]) % m;
  return (uint32_t)rest;
}

// Numbers of one search, in words; R is 2^(64 limbs).
typedef struct {
  uint64_t n[P64], minus_one[P64], odd[P64], one[P64], last[P64], base[P64], x[P64], inv;
  int twos;
  uint16_t small[SMALL_MOST], rest[SMALL_MOST];
  uint8_t candidate[PRIME_BYTES_MOST], bases[ROUNDS * 8];
} search;

NOINLINE void mul8(uint64_t *r, const uint64_t *a, const uint64_t *b, const search *s) {
  mont_mul(r, a, b, s->n, s->inv, 8);
}
NOINLINE void mul11(uint64_t *r, const uint64_t *a, const uint64_t *b, const search *s) {
  mont_mul(r, a, b, s->n, s->inv, P64);
}
static void mul(uint64_t *r, const uint64_t *a, const uint64_t *b, const search *s, int limbs) {
  if (limbs == 8) mul8(r, a, b, s);
  else mul11(r, a, b, s);
}

static void add_mod(uint64_t *r, const uint64_t *a, const uint64_t *b, const uint64_t *m, int limbs) {
  uint64_t sum[P64], carry = 0;
  for (int i = 0; i < limbs; i++) {
    const u128 t = (u128)a[i] + b[i] + carry;
    sum[i] = (uint64_t)t;
    carry = (uint64_t)(t >> 64);
  }
  reduce_once(r, sum, carry, m, limbs);
}

static void begin_test(search *s, int length, int limbs) {
  memset(s->n, 0, sizeof s->n);
  for (int i = 0; i < length; i++) s->n[i / 8] |= (uint64_t)s->candidate[length - 1 - i] << (8 * (i % 8));
  uint64_t inverse = s->n[0];
  for (int i = 0; i < 5; i++) inverse *= 2 - s->n[0] * inverse;
  s->inv = 0 - inverse;
  // one = R mod n and last = n - one, by doubling 1.
  memset(s->one, 0, sizeof s->one);
  s->one[0] = 1;
  for (int i = 0; i < 64 * limbs; i++) add_mod(s->one, s->one, s->one, s->n, limbs);
  uint64_t borrow = 0;
  for (int i = 0; i < limbs; i++) {
    const u128 t = (u128)s->n[i] - s->one[i] - borrow;
    s->last[i] = (uint64_t)t;
    borrow = (uint64_t)(t >> 64) & 1;
  }
  memcpy(s->odd, s->n, sizeof s->odd);
  s->odd[0] -= 1;
  for (s->twos = 0; (s->odd[0] & 1) == 0; s->twos++) {
    for (int i = 0; i < limbs; i++) s->odd[i] = s->odd[i] >> 1 | (i + 1 < limbs ? s->odd[i + 1] << 63 : 0);
  }
}

// Whether n passes Miller and Rabin's test to a base, which is not 0.
static int passes(search *s, uint64_t base, int limbs) {
  memset(s->base, 0, sizeof s->base);
  for (int bit = 63; bit >= 0; bit--) {
    add_mod(s->base, s->base, s->base, s->n, limbs);
    if ((base >> bit) & 1) add_mod(s->base, s->base, s->one, s->n, limbs);
  }
  memcpy(s->x, s->one, sizeof s->x);
  for (int bit = 64 * limbs - 1; bit >= 0; bit--) {
    mul(s->x, s->x, s->x, s, limbs);
    if (!((s->odd[bit / 64] >> (bit % 64)) & 1)) continue;
    if (base == 2) add_mod(s->x, s->x, s->x, s->n, limbs);
    else mul(s->x, s->x, s->base, s, limbs);
  }
  const size_t bytes = sizeof(uint64_t) * (size_t)limbs;
  if (memcmp(s->x, s->one, bytes) == 0) return 1;
  for (int i = 0; i < s->twos; i++) {
    if (memcmp(s->x, s->last, bytes) == 0) return 1;
    mul(s->x, s->x, s->x, s, limbs);
  }
  return 0;
}

static int is_prime(search *s, int length, int limbs) {
  begin_test(s, length, limbs);
  if (!passes(s, 2, limbs)) return 0;
  for (int i = 0; i < ROUNDS; i++) {
    const uint64_t base = (uint64_t)load32(s->bases + 8 * i) << 32 | load32(s->bases + 8 * i + 4);
    if (!passes(s, base | 1ULL << 63, limbs)) return 0;
  }
  return 1;
}

static void set_bit(uint8_t *bytes, int length, int bit) {
  bytes[length - 1 - bit / 8] |= (uint8_t)(1 << bit % 8);
}

// The next prime from a random start on, with p - 1 coprime to e, or none within STEPS or `bits` bits.
static int find_prime(search *s, int length, int bits, const uint8_t *seed, uint64_t draw) {
  const int limbs = length == 64 ? 8 : P64, spare = 8 * length - bits, smalls = small_primes(s->small);
  draw_bytes(s->candidate, (size_t)length, seed, draw, 0);
  draw_bytes(s->bases, sizeof s->bases, seed, draw, 1);
  s->candidate[0] &= (uint8_t)(0xff >> spare);
  set_bit(s->candidate, length, bits - 1);
  set_bit(s->candidate, length, bits - 2);
  set_bit(s->candidate, length, 0);
  for (int i = 0; i < smalls; i++) s->rest[i] = (uint16_t)mod_small(s->candidate, length, s->small[i]);
  const uint32_t exponent_rest = mod_small(s->candidate, length, RSA_E);
  uint32_t added = 0;
  for (uint32_t step = 0; step < 2 * STEPS; step += 2) {
    int divided = (exponent_rest + step) % RSA_E == 1;
    for (int i = 0; i < smalls && !divided; i++) divided = (s->rest[i] + step) % s->small[i] == 0;
    if (divided) continue;
    uint32_t carry = step - added;
    added = step;
    for (int i = length - 1; i >= 0 && carry > 0; i--) {
      carry += s->candidate[i];
      s->candidate[i] = (uint8_t)carry;
      carry >>= 8;
    }
    if (carry > 0 || (spare > 0 && s->candidate[0] >> (8 - spare) != 0)) return 0;
    if (is_prime(s, length, limbs)) return 1;
  }
  return 0;
}

// Not part of its caller, whose own stack rsa_forget() leaves.
NOINLINE int generate(search *s, rsa_key *key, const uint8_t *seed, int count, uint8_t *primes) {
  const int length = count == 4 ? 64 : PRIME_BYTES_MOST;
  uint64_t draws = 0;
  for (;;) {
    for (int i = 0; i < count; i++) {
      const int bits = count == 4 ? 512 : i < 2 ? 683 : 682;
      while (!find_prime(s, length, bits, seed, draws++)) continue;
      memcpy(primes + i * length, s->candidate, (size_t)length);
    }
    // Equal primes, or a product of 2047 bits: about every fifth time.
    if (rsa_key_private(key, primes, count) == RSA_OK) return RSA_OK;
  }
}

int rsa_generate(const uint8_t *seed, int count, uint8_t *primes, uint8_t *modulus) {
  search s;
  rsa_key key;
  if (count != 3 && count != 4) return RSA_BAD_KEY;
  const int status = generate(&s, &key, seed, count, primes);
  rsa_key_modulus(&key, modulus);
  rsa_wipe(&s, sizeof s);
  rsa_wipe(&key, sizeof key);
  rsa_forget();
  return status;
}
