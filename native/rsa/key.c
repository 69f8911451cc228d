// Loading keys: everything that the batch operations need is derived here from the primes or the modulus,
// by code whose time does not depend on the primes.
#include <string.h>
#include "core.h"
#include "mont64.h"

#define C64 24 // words of the longest cofactor N / p

// One prime while its key is loaded, in words of 64 bits; R is 2^(64 limbs).
typedef struct {
  int limbs;                  // 8 or 11
  uint64_t p[P64];
  uint64_t inv;               // -1/p mod 2^64
  uint64_t one[P64];          // R mod p
  uint64_t fold[PIECES][P64]; // R^(k+2) mod p
  uint64_t coef[P64];         // (N/p)^-1 mod p, plain
  int cofactor_limbs;         // 24, or 22 with three primes
  uint64_t cofactor[C64];     // N/p
} prime64;

void rsa_wipe(void *memory, size_t bytes) {
  memset(memory, 0, bytes);
  __asm__ volatile("" : : "r"(memory) : "memory"); // it counts as read, so it is written
}

// More than any path's private operation takes.
#define STACK_BYTES (96 * 1024)

__attribute__((noinline)) void rsa_forget(void) {
  uint8_t stack[STACK_BYTES];
  rsa_wipe(stack, sizeof stack);
#if defined(__x86_64__)
  __asm__ volatile("pxor %%xmm0, %%xmm0\n\tpxor %%xmm1, %%xmm1\n\tpxor %%xmm2, %%xmm2\n\tpxor %%xmm3, %%xmm3\n\t"
                   "pxor %%xmm4, %%xmm4\n\tpxor %%xmm5, %%xmm5\n\tpxor %%xmm6, %%xmm6\n\tpxor %%xmm7, %%xmm7\n\t"
                   "pxor %%xmm8, %%xmm8\n\tpxor %%xmm9, %%xmm9\n\tpxor %%xmm10, %%xmm10\n\tpxor %%xmm11, %%xmm11\n\t"
                   "pxor %%xmm12, %%xmm12\n\tpxor %%xmm13, %%xmm13\n\tpxor %%xmm14, %%xmm14\n\tpxor %%xmm15, %%xmm15"
                   : : : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
                     "xmm12", "xmm13", "xmm14", "xmm15");
#endif
}

static void load_big_endian(uint64_t *limbs, int count, const uint8_t *bytes, int length) {
  memset(limbs, 0, sizeof(uint64_t) * (size_t)count);
  for (int i = 0; i < length; i++) limbs[i / 8] |= (uint64_t)bytes[length - 1 - i] << (8 * (i % 8));
}

// The same number in limbs of `bits` bits.
static void to_limbs(uint64_t *out, int out_limbs, const uint64_t *in, int in_words, int bits) {
  for (int i = 0; i < out_limbs; i++) {
    const int word = bits * i / 64, shift = bits * i % 64;
    const uint64_t low = word < in_words ? in[word] >> shift : 0;
    const uint64_t high = shift > 64 - bits && word + 1 < in_words ? in[word + 1] << (64 - shift) : 0;
    out[i] = (low | high) & ((1ULL << bits) - 1);
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

// a mod e, in halves of words, so that the compiler divides by multiplying: division takes longer for some numbers.
static uint64_t mod_exponent(const uint64_t *a, int limbs) {
  uint64_t rest = 0;
  for (int i = limbs - 1; i >= 0; i--) {
    rest = ((rest << 32) | (a[i] >> 32)) % RSA_E;
    rest = ((rest << 32) | (a[i] & 0xffffffff)) % RSA_E;
  }
  return rest;
}

// d = e^-1 mod (p - 1) = (1 + k (p - 1)) / e with k = -(p - 1)^-1 mod e. 0 if there is none.
static int private_exponent(uint64_t *d, const uint64_t *p, int limbs) {
  uint64_t rest = mod_exponent(p, limbs);
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
  uint64_t left = wide[limbs]; // below e: the quotient is below p
  for (int i = limbs - 1; i >= 0; i--) {
    const uint64_t high = (left << 32) | (wide[i] >> 32), low = ((high % RSA_E) << 32) | (wide[i] & 0xffffffff);
    d[i] = ((high / RSA_E) << 32) | (low / RSA_E);
    left = low % RSA_E;
  }
  rsa_wipe(wide, sizeof wide);
  return 1;
}

// out = x^(p - 2) mod p for x in Montgomery form; p is public to nobody, so every bit costs the same.
static void inverse_mod_prime(uint64_t *out, const uint64_t *x, const prime64 *prime) {
  const int limbs = prime->limbs;
  uint64_t exponent[P64], product[P64], borrow = 2;
  for (int i = 0; i < P64; i++) {
    const u128 t = (u128)prime->p[i] - borrow;
    exponent[i] = (uint64_t)t;
    borrow = (uint64_t)(t >> 64) & 1;
  }
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
static void crt_coefficient(prime64 *prime) {
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

// The modulus for both paths; RR of each is a power of two, reached by doubling.
static int set_modulus(rsa_key *key) {
  if ((key->n[0] & 1) == 0 || key->n[N64 - 1] >> 63 == 0) return RSA_BAD_KEY;
  const uint64_t inverse = negated_inverse(key->n[0]);
  // 2^2048 - N, doubled 64 times, is 2^64 R; each square in Montgomery form doubles the 64, up to R^2.
  uint64_t x[N64], borrow = 0;
  for (int i = 0; i < N64; i++) {
    u128 t = (u128)0 - key->n[i] - borrow;
    x[i] = (uint64_t)t;
    borrow = (uint64_t)(t >> 64) & 1;
  }
  for (int i = 0; i < 64; i++) double_mod(x, key->n, N64);
  for (int i = 0; i < 5; i++) mont_mul(x, x, x, key->n, inverse, N64);
  int power = 4096;
  const struct {
    rsa_modulus *out;
    int bits, limbs;
  } forms[] = { { &key->limbs52.modulus, 52, 40 }, { &key->limbs58.modulus, 58, 36 } }; // R^2: 2^4160, 2^4176
  for (int f = 0; f < 2; f++) {
    for (; power < 2 * forms[f].bits * forms[f].limbs; power++) double_mod(x, key->n, N64);
    to_limbs(forms[f].out->rr, forms[f].limbs, x, N64, forms[f].bits);
    to_limbs(forms[f].out->n, forms[f].limbs, key->n, N64, forms[f].bits);
    forms[f].out->inv = inverse & ((1ULL << forms[f].bits) - 1);
  }
  return RSA_OK;
}

static void set_form(rsa_prime *out, const prime64 *prime, int bits, int limbs) {
  const int words = prime->limbs;
  uint64_t powers[PIECES + 1][P64];
  to_limbs(out->p, limbs, prime->p, words, bits);
  out->inv = prime->inv & ((1ULL << bits) - 1);
  powers_of_two(powers, PIECES + 1, 1, bits * limbs, prime->p, words);
  to_limbs(out->one, limbs, powers[0], words, bits);
  for (int k = 0; k < PIECES; k++) to_limbs(out->fold[k], limbs, powers[k + 1], words, bits);
  to_limbs(out->coef, limbs, prime->coef, words, bits);
  to_limbs(out->cofactor, C_LIMBS, prime->cofactor, prime->cofactor_limbs, bits);
  rsa_wipe(powers, sizeof powers);
}

static int set_prime(rsa_key *key, int i, prime64 *prime) {
  uint64_t powers[PIECES + 1][P64];
  prime->inv = negated_inverse(prime->p[0]);
  powers_of_two(powers, PIECES + 1, 1, 64 * prime->limbs, prime->p, prime->limbs);
  memcpy(prime->one, powers[0], sizeof prime->one);
  memcpy(prime->fold, powers[1], sizeof prime->fold);
  rsa_wipe(powers, sizeof powers);
  if (!private_exponent(key->d[i], prime->p, prime->limbs)) return RSA_BAD_KEY;
  crt_coefficient(prime);
  set_form(&key->limbs52.prime[i], prime, 52, prime->limbs == 8 ? 10 : 14);
  set_form(&key->limbs58.prime[i], prime, 58, prime->limbs == 8 ? 9 : 12);
  return RSA_OK;
}

// Cofactors, and the modulus as the first prime times its cofactor.
static int multiply_out(rsa_key *key, prime64 *primes, int count) {
  const int limbs = primes[0].limbs, cofactor_limbs = count == 4 ? 24 : 22;
  uint64_t product[4 * P64], partial[4 * P64];
  for (int i = 0; i < count; i++) {
    int length = 0;
    for (int j = 0; j < count; j++) {
      if (j == i) continue;
      if (length == 0) memcpy(product, primes[j].p, sizeof primes[j].p);
      else {
        memcpy(partial, product, sizeof(uint64_t) * (size_t)length);
        multiply(product, partial, length, primes[j].p, limbs);
      }
      length += limbs;
    }
    primes[i].cofactor_limbs = cofactor_limbs;
    memcpy(primes[i].cofactor, product, sizeof(uint64_t) * (size_t)cofactor_limbs);
  }
  multiply(product, primes[0].cofactor, cofactor_limbs, primes[0].p, limbs);
  int status = RSA_OK;
  for (int i = N64; i < cofactor_limbs + limbs; i++) {
    if (product[i] != 0) status = RSA_BAD_KEY;
  }
  memcpy(key->n, product, sizeof key->n);
  rsa_wipe(product, sizeof product);
  rsa_wipe(partial, sizeof partial);
  return status;
}

// Not part of its caller, whose own stack rsa_forget() leaves.
static __attribute__((noinline)) int load_private(rsa_key *key, prime64 *primes, const uint8_t *bytes, int count) {
  const int prime_bytes = count == 4 ? 64 : 86;
  key->primes = count;
  for (int i = 0; i < count; i++) {
    prime64 *prime = &primes[i];
    prime->limbs = count == 4 ? 8 : P64;
    load_big_endian(prime->p, P64, bytes + i * prime_bytes, prime_bytes);
    const uint64_t top = prime->p[prime->limbs - 1];
    const int sized = count == 4 ? top >> 63 == 1 : top >> 43 == 0 && top >> 41 != 0;
    if (!sized || (prime->p[0] & 1) == 0) return RSA_BAD_KEY;
    for (int j = 0; j < i; j++) {
      if (memcmp(prime->p, primes[j].p, sizeof prime->p) == 0) return RSA_BAD_KEY;
    }
  }
  int status = multiply_out(key, primes, count);
  if (status == RSA_OK) status = set_modulus(key);
  for (int i = 0; i < count && status == RSA_OK; i++) status = set_prime(key, i, &primes[i]);
  return status;
}

int rsa_key_private(rsa_key *key, const uint8_t *primes, int count) {
  prime64 parts[RSA_MAX_PRIMES];
  memset(key, 0, sizeof *key);
  memset(parts, 0, sizeof parts);
  if (count != 3 && count != 4) return RSA_BAD_KEY;
  const int status = load_private(key, parts, primes, count);
  rsa_wipe(parts, sizeof parts);
  if (status != RSA_OK) rsa_wipe(key, sizeof *key);
  rsa_forget();
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

int rsa_below_modulus(const rsa_key *key, const uint8_t *block) {
  for (int i = N64 - 1; i >= 0; i--) { // both are public: the first word that differs decides
    uint64_t word = 0;
    for (int j = 0; j < 8; j++) word = word << 8 | *block++;
    if (word != key->n[i]) return word < key->n[i];
  }
  return 0;
}
