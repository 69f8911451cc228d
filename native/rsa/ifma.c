// The batch operations with AVX512-IFMA: radix 2^52, one block in each of eight lanes.
//
// A number is an array of vectors, one per limb; lane i of each belongs to block i. Accumulators hold sums of
// 52-bit halves of products in 64 bits: up to 2^12 of them fit, more than any sum here. Montgomery products are
// not reduced below the modulus on the way: with inputs below 2m the result is again below 2m, because
// R = 2^(52 limbs) has at least 8 bits more than m (4 m^2 / R + m < 2m).
#include <string.h>
#include "core.h"

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))

#if defined(__clang__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512ifma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512ifma")
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))
#define UNROLL _Pragma("GCC unroll 64")

#define LANES 8
#define WINDOW 4
#define ENTRIES (1 << WINDOW)
#define TILE 10 // limbs of a tile of the 2048-bit operations: N_LIMBS / TILE tiles a side
#define TILES (N_LIMBS / TILE)

typedef __m512i vec;

#define ZERO _mm512_setzero_si512()
#define ADD(a, b) _mm512_add_epi64(a, b)
#define LOW(sum, a, b) _mm512_madd52lo_epu64(sum, a, b)
#define HIGH(sum, a, b) _mm512_madd52hi_epu64(sum, a, b)
#define EVERY(x) _mm512_set1_epi64((long long)(x))
#define MASK EVERY((1ULL << 52) - 1)

// Limbs of `sum` (each below 2^63) to 52 bits each; what overflows the last is dropped: callers know it is 0.
INLINE void normalize(vec *out, const vec *sum, const int limbs) {
  vec carry = ZERO;
  UNROLL
  for (int i = 0; i < limbs; i++) {
    vec t = ADD(sum[i], carry);
    out[i] = _mm512_and_si512(t, MASK);
    carry = _mm512_srli_epi64(t, 52);
  }
}

// sum[0..2 limbs] += a b
INLINE void add_product(vec *sum, const vec *a, const vec *b, const int limbs) {
  UNROLL
  for (int i = 0; i < limbs; i++) {
    UNROLL
    for (int j = 0; j < limbs; j++) {
      sum[i + j] = LOW(sum[i + j], a[i], b[j]);
      sum[i + j + 1] = HIGH(sum[i + j + 1], a[i], b[j]);
    }
  }
}

// The same with a factor that is equal in all lanes.
INLINE void add_product_shared(vec *sum, const vec *a, const uint64_t *b, const int limbs) {
  UNROLL
  for (int j = 0; j < limbs; j++) {
    const vec bj = EVERY(b[j]);
    UNROLL
    for (int i = 0; i < limbs; i++) {
      sum[i + j] = LOW(sum[i + j], a[i], bj);
      sum[i + j + 1] = HIGH(sum[i + j + 1], a[i], bj);
    }
  }
}

// sum[0..2 limbs] += a^2, each product of two different limbs once, with a limb of 2a as factor.
// Row i takes 2a from limb i + 1 on: the first without the bit that 2 a[i] carries into it.
INLINE void add_square(vec *sum, const vec *a, const int limbs, const int full) {
  vec twice[P_LIMBS], alone[P_LIMBS], carry = ZERO;
  UNROLL
  for (int i = 0; i < limbs; i++) {
    alone[i] = _mm512_and_si512(ADD(a[i], a[i]), MASK);
    twice[i] = _mm512_or_si512(alone[i], carry);
    carry = _mm512_srli_epi64(a[i], 51);
  }
  UNROLL
  for (int i = 0; i < limbs; i++) {
    sum[2 * i] = LOW(sum[2 * i], a[i], a[i]);
    sum[2 * i + 1] = HIGH(sum[2 * i + 1], a[i], a[i]);
    UNROLL
    for (int j = i + 1; j < limbs; j++) {
      const vec b = j == i + 1 ? alone[j] : twice[j];
      sum[i + j] = LOW(sum[i + j], a[i], b);
      sum[i + j + 1] = HIGH(sum[i + j + 1], a[i], b);
    }
    // The bit that 2a has above its highest limb, where `full`; 0 or 1, so the product has no high half.
    if (full && i < limbs - 1) sum[i + limbs] = LOW(sum[i + limbs], a[i], carry);
  }
}

// One row of Montgomery's reduction: returns q such that sum + q m 2^(52 i) is a multiple of 2^(52 (i + 1)),
// and adds that, the carry out of limb i included.
INLINE vec reduce_row(vec *sum, const int i, const uint64_t *m, const uint64_t inverse, const int limbs) {
  const vec q = LOW(ZERO, sum[i], EVERY(inverse));
  // sum[i] + low(q m[0]) is a multiple of 2^52: its carry is sum[i] / 2^52, rounded up.
  vec carry = _mm512_srli_epi64(ADD(sum[i], MASK), 52);
  vec mj = EVERY(m[0]);
  carry = HIGH(carry, q, mj);
  UNROLL
  for (int j = 1; j < limbs; j++) {
    const vec next = EVERY(m[j]);
    if (j > 1) sum[i + j] = HIGH(sum[i + j], q, mj);
    sum[i + j] = LOW(sum[i + j], q, next);
    mj = next;
  }
  sum[i + 1] = ADD(sum[i + 1], carry);
  sum[i + limbs] = HIGH(sum[i + limbs], q, mj);
  return q;
}

// Montgomery products of `groups` independent sets of eight lanes, each modulo a prime of its own, so that the
// chains of one overlap with those of the other. b == NULL: the square of a.
INLINE void mont(const int groups, const int limbs, vec *r, const vec *a, const vec *b, const rsa_prime *const *prime) {
  for (int g = 0; g < groups; g++) {
    vec sum[2 * P_LIMBS];
    UNROLL
    for (int i = 0; i < 2 * limbs; i++) sum[i] = ZERO;
    if (b != NULL) add_product(sum, a + g * limbs, b + g * limbs, limbs);
    else add_square(sum, a + g * limbs, limbs, 0);
    UNROLL
    for (int i = 0; i < limbs; i++) reduce_row(sum, i, prime[g]->p, prime[g]->inv, limbs);
    normalize(r + g * limbs, sum + limbs, limbs);
  }
}

NOINLINE void mul2x10(vec *r, const vec *a, const vec *b, const rsa_prime *const *prime) {
  mont(2, 10, r, a, b, prime);
}
NOINLINE void sqr2x10(vec *r, const vec *a, const rsa_prime *const *prime) {
  mont(2, 10, r, a, NULL, prime);
}
NOINLINE void mul1x14(vec *r, const vec *a, const vec *b, const rsa_prime *const *prime) {
  mont(1, 14, r, a, b, prime);
}
NOINLINE void sqr1x14(vec *r, const vec *a, const rsa_prime *const *prime) {
  mont(1, 14, r, a, NULL, prime);
}

INLINE void mul(const int groups, vec *r, const vec *a, const vec *b, const rsa_prime *const *prime) {
  if (groups == 2) mul2x10(r, a, b, prime);
  else mul1x14(r, a, b, prime);
}
INLINE void sqr(const int groups, vec *r, const vec *a, const rsa_prime *const *prime) {
  if (groups == 2) sqr2x10(r, a, prime);
  else sqr1x14(r, a, prime);
}

// a - m where that is not negative, else a, lane by lane. a normalised.
INLINE void subtract_once(vec *a, const uint64_t *m, const int times, const int limbs) {
  vec difference[N_LIMBS];
  vec borrow = ZERO;
  for (int i = 0; i < limbs; i++) {
    vec t = ADD(_mm512_sub_epi64(a[i], EVERY(m[i] * (uint64_t)times)), borrow);
    difference[i] = _mm512_and_si512(t, MASK);
    borrow = _mm512_srai_epi64(t, 52);
  }
  const __mmask8 fits = _mm512_cmpeq_epi64_mask(borrow, ZERO);
  for (int i = 0; i < limbs; i++) a[i] = _mm512_mask_mov_epi64(a[i], fits, difference[i]);
}

typedef struct {
  vec table[ENTRIES][2 * P_LIMBS];
  vec x[2 * P_LIMBS], factor[2 * P_LIMBS], piece[2 * P_LIMBS], lift[2 * P_LIMBS], term[2 * P_LIMBS];
  vec y[PIECES * P_LIMBS], c[N_LIMBS + 4];
} __attribute__((aligned(64))) scratch;

// x = y mod p in Montgomery form, piece by piece; below 8p, which the next product takes.
INLINE void reduce(scratch *s, const int groups, const int limbs, const rsa_prime *const *prime) {
  for (int j = 0; j < groups * limbs; j++) s->x[j] = ZERO;
  for (int k = 0; k * limbs < N_LIMBS; k++) {
    for (int g = 0; g < groups; g++) {
      for (int j = 0; j < limbs; j++) {
        s->piece[g * limbs + j] = s->y[k * limbs + j];
        s->lift[g * limbs + j] = EVERY(prime[g]->fold[k][j]);
      }
    }
    mul(groups, s->term, s->piece, s->lift, prime);
    for (int j = 0; j < groups * limbs; j++) s->x[j] = ADD(s->x[j], s->term[j]);
  }
  for (int g = 0; g < groups; g++) normalize(s->x + g * limbs, s->x + g * limbs, limbs);
}

// factor = the table's entry for four bits of each group's exponent. Every entry is read, whatever the bits.
INLINE void look_up(scratch *s, const int groups, const int limbs, const uint64_t *index) {
  for (int g = 0; g < groups; g++) {
    vec sum[P_LIMBS];
    UNROLL
    for (int j = 0; j < limbs; j++) sum[j] = ZERO;
    for (uint64_t i = 0; i < ENTRIES; i++) {
      const vec take = EVERY(0 - (((i ^ index[g]) - 1) >> 63));
      UNROLL
      for (int j = 0; j < limbs; j++) sum[j] = _mm512_ternarylogic_epi64(sum[j], s->table[i][g * limbs + j], take, 0xf8);
    }
    UNROLL
    for (int j = 0; j < limbs; j++) s->factor[g * limbs + j] = sum[j];
  }
}

// x = x^d in Montgomery form for each group's prime.
INLINE void power(scratch *s, const int groups, const int limbs, const rsa_prime *const *prime, const uint64_t *const *d) {
  for (int g = 0; g < groups; g++) {
    for (int j = 0; j < limbs; j++) {
      s->table[0][g * limbs + j] = EVERY(prime[g]->one[j]);
      s->table[1][g * limbs + j] = s->x[g * limbs + j];
    }
  }
  for (int i = 2; i < ENTRIES; i += 2) {
    sqr(groups, s->table[i], s->table[i / 2], prime);
    mul(groups, s->table[i + 1], s->table[i], s->table[1], prime);
  }
  const int windows = limbs == 10 ? 128 : 171;
  for (int w = windows - 1; w >= 0; w--) {
    uint64_t index[2];
    for (int g = 0; g < groups; g++) index[g] = (d[g][w / 16] >> (4 * (w % 16))) & (ENTRIES - 1);
    look_up(s, groups, limbs, index);
    if (w == windows - 1) {
      for (int j = 0; j < groups * limbs; j++) s->x[j] = s->factor[j];
      continue;
    }
    for (int i = 0; i < WINDOW; i++) sqr(groups, s->x, s->x, prime);
    mul(groups, s->x, s->x, s->factor, prime);
  }
}

// c += ((x coef) mod p) (N / p): the share of one prime in the Chinese remainder theorem.
INLINE void recombine(scratch *s, const int groups, const int limbs, const rsa_prime *const *prime) {
  const int length = limbs == 10 ? 30 : 27;
  for (int g = 0; g < groups; g++) {
    for (int j = 0; j < limbs; j++) s->lift[g * limbs + j] = EVERY(prime[g]->coef[j]);
  }
  mul(groups, s->x, s->x, s->lift, prime);
  for (int g = 0; g < groups; g++) {
    vec *x = s->x + g * limbs;
    subtract_once(x, prime[g]->p, 1, limbs);
    for (int j = 0; j < length; j++) {
      const vec factor = EVERY(prime[g]->cofactor[j]);
      vec *sum = s->c + j;
      UNROLL
      for (int i = 0; i < limbs; i++) {
        sum[i] = LOW(sum[i], x[i], factor);
        sum[i + 1] = HIGH(sum[i + 1], x[i], factor);
      }
    }
  }
}

INLINE void private_power_of(scratch *s, const rsa_key *key, const int groups, const int limbs) {
  for (int i = 0; i < N_LIMBS + 4; i++) s->c[i] = ZERO;
  for (int k = 0; k < key->primes; k += groups) {
    const rsa_prime *prime[2] = { &key->limbs52.prime[k], &key->limbs52.prime[k + groups - 1] };
    const uint64_t *d[2] = { key->d[k], key->d[k + groups - 1] };
    reduce(s, groups, limbs, prime);
    power(s, groups, limbs, prime, d);
#ifdef DATDOT_RSA_FAULTS
    if (rsa_fault_prime >= k && rsa_fault_prime < k + groups) {
      vec *x = s->x + (rsa_fault_prime - k) * limbs;
      x[0] = _mm512_xor_si512(x[0], _mm512_maskz_set1_epi64(0x10, 1)); // one bit of one lane
    }
#endif
    recombine(s, groups, limbs, prime);
  }
  normalize(s->c, s->c, N_LIMBS);
  if (key->primes == 4) subtract_once(s->c, key->limbs52.modulus.n, 2, N_LIMBS);
  else subtract_once(s->c, key->limbs52.modulus.n, 1, N_LIMBS);
  subtract_once(s->c, key->limbs52.modulus.n, 1, N_LIMBS);
}

// c = y^d mod N, below N
NOINLINE void private_power_4(scratch *s, const rsa_key *key) {
  private_power_of(s, key, 2, 10);
}
NOINLINE void private_power_3(scratch *s, const rsa_key *key) {
  private_power_of(s, key, 1, P_LIMBS);
}

// The same on tiles of a number of N_LIMBS limbs: at[0..2 TILE] += a[0..TILE] b[0..TILE].
NOINLINE void product_at(vec *at, const vec *a, const vec *b) {
  vec sum[2 * TILE];
  UNROLL
  for (int i = 0; i < 2 * TILE; i++) sum[i] = at[i];
  add_product(sum, a, b, TILE);
  UNROLL
  for (int i = 0; i < 2 * TILE; i++) at[i] = sum[i];
}

NOINLINE void product_shared_at(vec *at, const vec *a, const uint64_t *b) {
  vec sum[2 * TILE];
  UNROLL
  for (int i = 0; i < 2 * TILE; i++) sum[i] = at[i];
  add_product_shared(sum, a, b, TILE);
  UNROLL
  for (int i = 0; i < 2 * TILE; i++) at[i] = sum[i];
}

// at = 2 at + a^2: the products of different tiles are in `at` once and count twice.
NOINLINE void square_at(vec *at, const vec *a) {
  vec sum[2 * TILE];
  UNROLL
  for (int i = 0; i < 2 * TILE; i++) sum[i] = ADD(at[i], at[i]);
  add_square(sum, a, TILE, 1);
  UNROLL
  for (int i = 0; i < 2 * TILE; i++) at[i] = sum[i];
}

// TILE rows of the reduction, as far as the lowest tile of N reaches; q is what the other tiles of N are due.
NOINLINE void quotient_at(vec *at, vec *q, const uint64_t *n, uint64_t inverse) {
  vec sum[2 * TILE];
  UNROLL
  for (int i = 0; i < 2 * TILE; i++) sum[i] = at[i];
  UNROLL
  for (int i = 0; i < TILE; i++) q[i] = reduce_row(sum, i, n, inverse, TILE);
  UNROLL
  for (int i = TILE; i < 2 * TILE; i++) at[i] = sum[i];
}

// x = sum / 2^2080 mod N, below 2N
static void reduce_modulus(vec *x, vec *sum, const rsa_modulus *modulus) {
  vec q[TILE];
  for (int s = 0; s < TILES; s++) {
    quotient_at(sum + TILE * s, q, modulus->n, modulus->inv);
    for (int t = 1; t < TILES; t++) product_shared_at(sum + TILE * (s + t), q, modulus->n + TILE * t);
  }
  normalize(x, sum + N_LIMBS, N_LIMBS);
}

static void mul_modulus(vec *x, const vec *a, const vec *b, const rsa_modulus *modulus) {
  vec sum[2 * N_LIMBS];
  for (int i = 0; i < 2 * N_LIMBS; i++) sum[i] = ZERO;
  for (int s = 0; s < TILES; s++) {
    for (int t = 0; t < TILES; t++) product_at(sum + TILE * (s + t), a + TILE * s, b + TILE * t);
  }
  reduce_modulus(x, sum, modulus);
}

static void sqr_modulus(vec *x, const vec *a, const rsa_modulus *modulus) {
  vec sum[2 * N_LIMBS];
  for (int i = 0; i < 2 * N_LIMBS; i++) sum[i] = ZERO;
  for (int s = 0; s < TILES; s++) {
    for (int t = s + 1; t < TILES; t++) product_at(sum + TILE * (s + t), a + TILE * s, a + TILE * t);
  }
  for (int s = 0; s < TILES; s++) square_at(sum + 2 * TILE * s, a + TILE * s);
  reduce_modulus(x, sum, modulus);
}

// y = c^e mod N, below N; c below N
static void public_power(vec *y, const vec *c, const rsa_modulus *modulus) {
  vec x[N_LIMBS];
  for (int i = 0; i < N_LIMBS; i++) y[i] = EVERY(modulus->rr[i]);
  mul_modulus(x, c, y, modulus);
  for (int i = 0; i < 16; i++) sqr_modulus(x, x, modulus);
  mul_modulus(y, x, c, modulus);
  subtract_once(y, modulus->n, 1, N_LIMBS);
}

// Rows of eight 64-bit words to columns.
INLINE void transpose(vec *v) {
  vec t[8], u[8];
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm512_unpacklo_epi64(v[i], v[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi64(v[i], v[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    for (int j = 0; j < 2; j++) {
      u[i + j] = _mm512_shuffle_i64x2(t[i + j], t[i + j + 2], 0x88);
      u[i + j + 2] = _mm512_shuffle_i64x2(t[i + j], t[i + j + 2], 0xdd);
    }
  }
  for (int i = 0; i < 4; i++) {
    v[i] = _mm512_shuffle_i64x2(u[i], u[i + 4], 0x88);
    v[i + 4] = _mm512_shuffle_i64x2(u[i], u[i + 4], 0xdd);
  }
}

INLINE vec swap_bytes(vec v) {
  const vec order = _mm512_set4_epi32(0x08090a0b, 0x0c0d0e0f, 0x00010203, 0x04050607);
  return _mm512_shuffle_epi8(v, order);
}

// Eight blocks of 256 bytes, big-endian, to limbs.
static void load_blocks(vec *limbs, const uint8_t (*blocks)[RSA_BLOCK]) {
  vec word[N64 + 1], rows[8];
  for (int m = 0; m < RSA_BLOCK / 64; m++) {
    for (int i = 0; i < LANES; i++) rows[i] = _mm512_loadu_si512(blocks[i] + 64 * m);
    transpose(rows);
    for (int i = 0; i < 8; i++) word[N64 - 1 - (8 * m + i)] = swap_bytes(rows[i]);
  }
  word[N64] = ZERO;
  for (int i = 0; i < N_LIMBS; i++) {
    const int at = 52 * i / 64, shift = 52 * i % 64;
    vec t = _mm512_srli_epi64(word[at], (unsigned)shift);
    if (shift > 12) t = _mm512_or_si512(t, _mm512_slli_epi64(word[at + 1], (unsigned)(64 - shift)));
    limbs[i] = _mm512_and_si512(t, MASK);
  }
}

static void store_blocks(uint8_t (*blocks)[RSA_BLOCK], const vec *limbs) {
  vec rows[8];
  for (int m = 0; m < RSA_BLOCK / 64; m++) {
    for (int i = 0; i < 8; i++) {
      const int bit = 64 * (N64 - 1 - (8 * m + i));
      const int at = bit / 52, shift = bit % 52;
      vec t = _mm512_or_si512(_mm512_srli_epi64(limbs[at], (unsigned)shift), _mm512_slli_epi64(limbs[at + 1], (unsigned)(52 - shift)));
      if (shift > 40) t = _mm512_or_si512(t, _mm512_slli_epi64(limbs[at + 2], (unsigned)(104 - shift)));
      rows[i] = swap_bytes(t);
    }
    transpose(rows);
    for (int i = 0; i < LANES; i++) _mm512_storeu_si512(blocks[i] + 64 * m, rows[i]);
  }
}

// Those of AVX-512, which rsa_forget() does not know.
static void clear_registers(void) {
  _mm256_zeroall();
#define CLEAR(n) __asm__ volatile("vpxorq %%zmm" #n ", %%zmm" #n ", %%zmm" #n : : : "xmm" #n)
  CLEAR(16); CLEAR(17); CLEAR(18); CLEAR(19); CLEAR(20); CLEAR(21); CLEAR(22); CLEAR(23);
  CLEAR(24); CLEAR(25); CLEAR(26); CLEAR(27); CLEAR(28); CLEAR(29); CLEAR(30); CLEAR(31);
#undef CLEAR
}

static void private_blocks(const rsa_key *key, const uint8_t *plain, uint8_t *sealed, size_t count) {
  scratch s;
  uint8_t blocks[LANES][RSA_BLOCK];
  for (int i = 0; i < PIECES * P_LIMBS; i++) s.y[i] = ZERO;
  for (size_t done = 0; done < count; done += LANES) {
    const size_t now = count - done < LANES ? count - done : LANES;
    memset(blocks, 0, sizeof blocks);
    for (size_t i = 0; i < now; i++) memcpy(blocks[i] + 1, plain + (done + i) * RSA_PAYLOAD, RSA_PAYLOAD);
    load_blocks(s.y, blocks);
    if (key->primes == 4) private_power_4(&s, key);
    else private_power_3(&s, key);
    store_blocks(blocks, s.c);
    memcpy(sealed + done * RSA_BLOCK, blocks, now * RSA_BLOCK);
  }
  rsa_wipe(&s, sizeof s);
  clear_registers();
}

static void public_blocks(const rsa_key *key, const uint8_t *sealed, uint8_t *opened, size_t count) {
  uint8_t blocks[LANES][RSA_BLOCK];
  vec c[N_LIMBS], y[N_LIMBS];
  for (size_t done = 0; done < count; done += LANES) {
    const size_t now = count - done < LANES ? count - done : LANES;
    memcpy(blocks, sealed + done * RSA_BLOCK, now * RSA_BLOCK);
    for (size_t i = now; i < LANES; i++) memset(blocks[i], 0, RSA_BLOCK);
    load_blocks(c, blocks);
    public_power(y, c, &key->limbs52.modulus);
    store_blocks(blocks, y);
    memcpy(opened + done * RSA_BLOCK, blocks, now * RSA_BLOCK);
  }
}

const rsa_functions rsa_ifma = { private_blocks, public_blocks };

static unsigned lanes_begin(rsa_modulus *modulus, const rsa_key *key) {
  *modulus = key->limbs52.modulus;
  return 0;
}
static void lanes_end(unsigned before) {
  (void)before;
}
static void lanes_mul(void *r, const void *a, const void *b, const rsa_modulus *modulus) {
  mul_modulus(r, a, b, modulus);
}
static void lanes_sqr(void *r, const void *a, const rsa_modulus *modulus) {
  sqr_modulus(r, a, modulus);
}
static void lanes_add(void *r, const void *a, const void *b, const rsa_modulus *modulus) {
  const vec *x = a, *y = b;
  vec *out = r, carry = ZERO;
  (void)modulus;
  for (int i = 0; i < N_LIMBS; i++) {
    const vec t = ADD(ADD(x[i], y[i]), carry);
    out[i] = _mm512_and_si512(t, MASK);
    carry = _mm512_srli_epi64(t, 52);
  }
}
static void lanes_sub(void *r, const void *a, const void *b, const rsa_modulus *modulus) {
  const vec *x = a, *y = b;
  vec *out = r, carry = ZERO;
  for (int i = 0; i < N_LIMBS; i++) {
    const vec t = ADD(ADD(_mm512_sub_epi64(x[i], y[i]), EVERY(2 * modulus->n[i])), carry);
    out[i] = _mm512_and_si512(t, MASK);
    carry = _mm512_srai_epi64(t, 52);
  }
}
static void lanes_enter(void *r, const uint8_t *blocks, const rsa_modulus *modulus) {
  vec plain[N_LIMBS], lift[N_LIMBS];
  load_blocks(plain, (const uint8_t (*)[RSA_BLOCK])blocks);
  for (int i = 0; i < N_LIMBS; i++) lift[i] = EVERY(modulus->rr[i]);
  mul_modulus(r, plain, lift, modulus);
}
static void lanes_leave(uint8_t *blocks, const void *a, const rsa_modulus *modulus) {
  vec one[N_LIMBS], plain[N_LIMBS];
  for (int i = 0; i < N_LIMBS; i++) one[i] = i == 0 ? EVERY(1) : ZERO;
  mul_modulus(plain, a, one, modulus);
  subtract_once(plain, modulus->n, 1, N_LIMBS);
  store_blocks((uint8_t (*)[RSA_BLOCK])blocks, plain);
}

const rsa_lanes rsa_ifma_lanes = { LANES,       sizeof(vec[N_LIMBS]), lanes_begin, lanes_end, lanes_enter,
                                   lanes_leave, lanes_mul,            lanes_sqr,   lanes_add, lanes_sub };

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

// Compiled for any CPU, unlike all above.
int rsa_ifma_supported(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512ifma");
}

#else

const rsa_functions rsa_ifma = { NULL, NULL };
const rsa_lanes rsa_ifma_lanes = { 0 };
int rsa_ifma_supported(void) {
  return 0;
}

#endif
