// The batch operations with AVX2 and FMA: limbs of 52 bits in double-precision numbers, two groups of four lanes, a
// block in each lane.
//
// Every limb is a whole number below 2^52. The product of two has 104 bits, of which one fused multiply-add onto 2^104,
// rounded toward zero, keeps the higher half, in the lower bits of what represents it; a second one onto 2^104 + 2^52
// less that gives the lower half, exactly, in the lower bits of a number from 2^52 on (Emmart, Zheng and Weems, 2018).
// Both are summed as integers, and what the exponents add is in the constants that sums begin with: 52-bit halves, up
// to 2^11 of them, in 64 bits. Montgomery products are not reduced below the modulus on the way, as in ifma.c.
// No number here is ever so small that a CPU would take longer for it: all are 0 or at least 1.
#include <string.h>
#include "core.h"

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))

#if defined(__clang__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))
#define UNROLL _Pragma("GCC unroll 64")

#define BITS 52
#define LIMB_MASK ((1ULL << BITS) - 1)
#define GROUPS 2
#define GROUP_LANES 4
#define LANES (GROUPS * GROUP_LANES)
#define WINDOW 4
#define ENTRIES (1 << WINDOW)
#define TILE 10 // limbs of a tile of the 2048-bit operations
#define TILES (N_LIMBS / TILE)

typedef __m256i vec;
typedef __m256d num;

#define EVERY(x) _mm256_set1_epi64x((long long)(x))
#define ADD(a, b) _mm256_add_epi64(a, b)
#define MASK EVERY(LIMB_MASK)
#define ONE_LIMB 0x1p52
// How 2^104 and 2^52 are represented: what a high and a low half bring along.
#define HIGH_BIAS 0x4670000000000000ULL
#define LOW_BIAS 0x4330000000000000ULL
// What a sum begins with in which so many halves of biases add up: 0 less that. From memory: with constants the
// compiler makes each in an integer register first.
#define LESS_1(i) { 0 - (i) * (HIGH_BIAS / 2), 0 - (i) * (LOW_BIAS / 2) }
#define LESS_8(i) LESS_1(i), LESS_1(i + 1), LESS_1(i + 2), LESS_1(i + 3), LESS_1(i + 4), LESS_1(i + 5), LESS_1(i + 6), LESS_1(i + 7)
static const uint64_t LESS[64][2] = { LESS_8(0), LESS_8(8), LESS_8(16), LESS_8(24), LESS_8(32), LESS_8(40), LESS_8(48), LESS_8(56) };
typedef const uint64_t (*bias_table)[2];
#define LESS_HIGH(halves) _mm256_castpd_si256(_mm256_broadcast_sd((const double *)&bias[halves][0]))
#define LESS_LOW(halves) _mm256_castpd_si256(_mm256_broadcast_sd((const double *)&bias[halves][1]))
INLINE bias_table biases(void) {
  bias_table bias = LESS;
  __asm__("" : "+r"(bias));
  return bias;
}

// The limb in the lower 52 bits, as a number.
INLINE num number_of(vec limb) {
  const vec biased = _mm256_or_si256(_mm256_and_si256(limb, MASK), EVERY(LOW_BIAS));
  return _mm256_sub_pd(_mm256_castsi256_pd(biased), _mm256_set1_pd(ONE_LIMB));
}
INLINE vec limb_of(num number) {
  return _mm256_and_si256(_mm256_castpd_si256(_mm256_add_pd(number, _mm256_set1_pd(ONE_LIMB))), MASK);
}

// (high, low) += a b, biased. Needs rounding toward zero. The compiler keeps the order: of its own it would add up halves
// in another, and move more numbers to memory and back than it has registers for.
#define PRODUCT(high, low, a, b)                                                    \
  do {                                                                              \
    const num high_ = _mm256_fmadd_pd(a, b, _mm256_set1_pd(0x1p104));               \
    const num rest_ = _mm256_sub_pd(_mm256_set1_pd(0x1p104 + 0x1p52), high_);       \
    (high) = ADD(high, _mm256_castpd_si256(high_));                                 \
    (low) = ADD(low, _mm256_castpd_si256(_mm256_fmadd_pd(a, b, rest_)));            \
    __asm__("" : "+x"(high), "+x"(low));                                            \
  } while (0)

// a b modulo one limb
INLINE num low_product(num a, num b) {
  const num high = _mm256_fmadd_pd(a, b, _mm256_set1_pd(0x1p104));
  const num low = _mm256_fmadd_pd(a, b, _mm256_sub_pd(_mm256_set1_pd(0x1p104 + 0x1p52), high));
  return _mm256_sub_pd(low, _mm256_set1_pd(ONE_LIMB));
}

// A prime with its limbs as numbers, made anew for each batch.
typedef struct {
  double p[P_LIMBS], inv, one[P_LIMBS], fold[PIECES][P_LIMBS], coef[P_LIMBS], cofactor[C_LIMBS];
} prime_numbers;

typedef struct {
  double n[N_LIMBS], inv, rr[N_LIMBS];
} modulus_numbers;

// r = a b / R mod p, or a^2 / R if b == NULL, for `groups` of four lanes; column by column, the groups in turn, so that
// one goes on while another waits for its q. r may be a or b.
INLINE void mont(const int groups, const int limbs, num *r, const num *a, const num *b, const double *p, const double inv) {
  const bias_table bias = biases();
  vec above[GROUPS]; // what the columns so far leave to the next
  num q[GROUPS][P_LIMBS];
  for (int g = 0; g < groups; g++) above[g] = _mm256_setzero_si256();
  UNROLL
  for (int k = 0; k < 2 * limbs - 1; k++) {
    const int first = k < limbs ? 0 : k - limbs + 1, last = k < limbs ? k : limbs - 1;
    const int reduced = k < limbs ? k : last - first + 1; // products q p, but for that of a new q
    const int pairs = b == NULL ? (k + 1) / 2 - first : 0;
    const int single = b == NULL ? k % 2 == 0 : last - first + 1;
    const int fresh = k < limbs;
    UNROLL
    for (int g = 0; g < groups; g++) {
      const num *x = a + g * limbs, *y = b == NULL ? x : b + g * limbs;
      // Pairs count twice, so half the bias of all others is taken off before they are doubled.
      const int lows = single + reduced, highs = lows + fresh;
      vec low = LESS_LOW(pairs > 0 ? 2 * pairs + lows : 2 * lows), high = LESS_HIGH(pairs > 0 ? 2 * pairs + highs : 2 * highs);
      if (pairs > 0) {
        UNROLL
        for (int i = first; i < first + pairs; i++) PRODUCT(high, low, x[i], x[k - i]);
        low = ADD(low, low);
        high = ADD(high, high);
      }
      if (b == NULL) {
        if (k % 2 == 0) PRODUCT(high, low, x[k / 2], x[k / 2]);
      } else {
        UNROLL
        for (int i = first; i <= last; i++) PRODUCT(high, low, x[i], y[k - i]);
      }
      low = ADD(low, above[g]);
      UNROLL
      for (int i = first; i < first + reduced; i++) PRODUCT(high, low, q[g][i], _mm256_broadcast_sd(p + k - i));
      if (fresh) {
        q[g][k] = low_product(number_of(low), _mm256_set1_pd(inv));
        // low + the lower half of q p[0] is a multiple of 2^52: the carry is low / 2^52, rounded up.
        high = ADD(high, _mm256_castpd_si256(_mm256_fmadd_pd(q[g][k], _mm256_broadcast_sd(p), _mm256_set1_pd(0x1p104))));
        above[g] = ADD(high, _mm256_srli_epi64(ADD(low, MASK), BITS));
      } else {
        r[g * limbs + k - limbs] = number_of(low);
        above[g] = ADD(high, _mm256_srli_epi64(low, BITS));
      }
    }
  }
  for (int g = 0; g < groups; g++) r[g * limbs + limbs - 1] = number_of(above[g]);
}

NOINLINE void mul10(num *r, const num *a, const num *b, const double *p, double inv) {
  mont(GROUPS, 10, r, a, b, p, inv);
}
NOINLINE void sqr10(num *r, const num *a, const double *p, double inv) {
  mont(GROUPS, 10, r, a, NULL, p, inv);
}
NOINLINE void mul14(num *r, const num *a, const num *b, const double *p, double inv) {
  mont(1, 14, r, a, b, p, inv);
}
NOINLINE void sqr14(num *r, const num *a, const double *p, double inv) {
  mont(1, 14, r, a, NULL, p, inv);
}

INLINE void mul(num *r, const num *a, const num *b, const prime_numbers *prime, const int limbs) {
  if (limbs == 10) mul10(r, a, b, prime->p, prime->inv);
  else for (int g = 0; g < GROUPS; g++) mul14(r + g * limbs, a + g * limbs, b + g * limbs, prime->p, prime->inv);
}
INLINE void sqr(num *r, const num *a, const prime_numbers *prime, const int limbs) {
  if (limbs == 10) sqr10(r, a, prime->p, prime->inv);
  else for (int g = 0; g < GROUPS; g++) sqr14(r + g * limbs, a + g * limbs, prime->p, prime->inv);
}

// Sums (each below 2^63) to limbs; what overflows the last is dropped: callers know it is 0.
INLINE void normalize(vec *out, const vec *sum, const int limbs) {
  vec carry = _mm256_setzero_si256();
  for (int i = 0; i < limbs; i++) {
    const vec t = ADD(sum[i], carry);
    out[i] = _mm256_and_si256(t, MASK);
    carry = _mm256_srli_epi64(t, BITS);
  }
}

// a - m where that is not negative, else a, lane by lane. a normalised.
INLINE void subtract_once(vec *a, const double *m, const int limbs) {
  vec difference[N_LIMBS], borrow = _mm256_setzero_si256();
  for (int i = 0; i < limbs; i++) {
    const vec t = _mm256_sub_epi64(_mm256_sub_epi64(a[i], limb_of(_mm256_broadcast_sd(m + i))), borrow);
    difference[i] = _mm256_and_si256(t, MASK);
    borrow = _mm256_srli_epi64(t, 63);
  }
  const vec keep = _mm256_sub_epi64(_mm256_setzero_si256(), borrow);
  for (int i = 0; i < limbs; i++) a[i] = _mm256_blendv_epi8(difference[i], a[i], keep);
}

typedef struct {
  num table[ENTRIES][GROUPS * P_LIMBS];
  num x[GROUPS * P_LIMBS], factor[GROUPS * P_LIMBS];
  num y[GROUPS][PIECES * P_LIMBS];
  vec c[GROUPS][N_LIMBS + P_LIMBS];
  vec limbs[N_LIMBS];
  prime_numbers prime;
  modulus_numbers modulus;
} scratch;

INLINE void spread(num *out, const double *in, const int limbs) {
  for (int g = 0; g < GROUPS; g++) {
    for (int j = 0; j < limbs; j++) out[g * limbs + j] = _mm256_broadcast_sd(in + j);
  }
}

// x = y mod p in Montgomery form, piece by piece; below 8p, which the next product takes.
INLINE void reduce(scratch *s, const int limbs) {
  vec sum[GROUPS * P_LIMBS];
  for (int j = 0; j < GROUPS * limbs; j++) sum[j] = _mm256_setzero_si256();
  for (int k = 0; k * limbs < N_LIMBS; k++) {
    for (int g = 0; g < GROUPS; g++) {
      for (int j = 0; j < limbs; j++) s->factor[g * limbs + j] = s->y[g][k * limbs + j];
    }
    spread(s->x, s->prime.fold[k], limbs);
    mul(s->x, s->factor, s->x, &s->prime, limbs);
    for (int j = 0; j < GROUPS * limbs; j++) sum[j] = ADD(sum[j], limb_of(s->x[j]));
  }
  for (int g = 0; g < GROUPS; g++) {
    normalize(s->limbs, sum + g * limbs, limbs);
    for (int j = 0; j < limbs; j++) s->x[g * limbs + j] = number_of(s->limbs[j]);
  }
}

// factor = the table's entry of that number. Every entry is read, whatever it is.
INLINE void look_up(scratch *s, const uint64_t index, const int limbs) {
  for (int half = 0; half < GROUPS; half++) {
    num entry[P_LIMBS];
    UNROLL
    for (int j = 0; j < limbs; j++) entry[j] = s->table[0][half * limbs + j];
    for (uint64_t i = 1; i < ENTRIES; i++) {
      const num take = _mm256_castsi256_pd(EVERY(0 - (((i ^ index) - 1) >> 63)));
      UNROLL
      for (int j = 0; j < limbs; j++) entry[j] = _mm256_blendv_pd(entry[j], s->table[i][half * limbs + j], take);
    }
    UNROLL
    for (int j = 0; j < limbs; j++) s->factor[half * limbs + j] = entry[j];
  }
}

// x = x^d in Montgomery form: windows of four bits.
INLINE void power(scratch *s, const uint64_t *d, const int limbs) {
  spread(s->table[0], s->prime.one, limbs);
  for (int j = 0; j < GROUPS * limbs; j++) s->table[1][j] = s->x[j];
  for (int i = 2; i < ENTRIES; i += 2) {
    sqr(s->table[i], s->table[i / 2], &s->prime, limbs);
    mul(s->table[i + 1], s->table[i], s->table[1], &s->prime, limbs);
  }
  const int windows = limbs == 10 ? 128 : 171;
  for (int w = windows - 1; w >= 0; w--) {
    look_up(s, (d[w / 16] >> (4 * (w % 16))) & (ENTRIES - 1), limbs);
    if (w == windows - 1) {
      for (int j = 0; j < GROUPS * limbs; j++) s->x[j] = s->factor[j];
      continue;
    }
    for (int i = 0; i < WINDOW; i++) sqr(s->x, s->x, &s->prime, limbs);
    mul(s->x, s->x, s->factor, &s->prime, limbs);
  }
}

// c += ((x coef) mod p) (N / p): the share of one prime in the Chinese remainder theorem.
INLINE void recombine(scratch *s, const int limbs) {
  const int length = limbs == 10 ? 30 : 27;
  const bias_table bias = biases();
  spread(s->factor, s->prime.coef, limbs);
  mul(s->x, s->x, s->factor, &s->prime, limbs);
  for (int g = 0; g < GROUPS; g++) {
    for (int i = 0; i < limbs; i++) s->limbs[i] = limb_of(s->x[g * limbs + i]);
    subtract_once(s->limbs, s->prime.p, limbs);
    for (int i = 0; i < limbs; i++) {
      const num x = number_of(s->limbs[i]);
      vec *sum = s->c[g] + i, high = _mm256_setzero_si256();
      for (int j = 0; j < length; j++) {
        vec low = ADD(ADD(sum[j], high), LESS_LOW(2));
        high = LESS_HIGH(2);
        PRODUCT(high, low, x, _mm256_broadcast_sd(s->prime.cofactor + j));
        sum[j] = low;
      }
      sum[length] = ADD(sum[length], high);
    }
  }
}

static void numbers_of(double *out, const uint64_t *limbs, int count) {
  for (int i = 0; i < count; i++) out[i] = (double)(limbs[i] & LIMB_MASK);
}

static void load_prime(prime_numbers *out, const rsa_prime *prime) {
  numbers_of(out->p, prime->p, P_LIMBS);
  numbers_of(&out->inv, &prime->inv, 1);
  numbers_of(out->one, prime->one, P_LIMBS);
  for (int k = 0; k < PIECES; k++) numbers_of(out->fold[k], prime->fold[k], P_LIMBS);
  numbers_of(out->coef, prime->coef, P_LIMBS);
  numbers_of(out->cofactor, prime->cofactor, C_LIMBS);
}

static void load_modulus(modulus_numbers *out, const rsa_modulus *modulus) {
  numbers_of(out->n, modulus->n, N_LIMBS);
  numbers_of(&out->inv, &modulus->inv, 1);
  numbers_of(out->rr, modulus->rr, N_LIMBS);
}

// c = y^d mod N, below N
INLINE void private_power_of(scratch *s, const rsa_key *key, const int limbs) {
  memset(s->c, 0, sizeof s->c);
  for (int k = 0; k < key->primes; k++) {
    load_prime(&s->prime, &key->limbs52.prime[k]);
    reduce(s, limbs);
    power(s, key->d[k], limbs);
#ifdef DATDOT_RSA_FAULTS
    if (rsa_fault_prime == k) {
      double *lane = (double *)s->x + 2; // one bit of one lane
      *lane = (double)((uint64_t)*lane ^ 1);
    }
#endif
    recombine(s, limbs);
  }
  for (int g = 0; g < GROUPS; g++) {
    normalize(s->c[g], s->c[g], N_LIMBS);
    for (int i = 1; i < key->primes; i++) subtract_once(s->c[g], s->modulus.n, N_LIMBS);
  }
}

NOINLINE void private_power_4(scratch *s, const rsa_key *key) {
  private_power_of(s, key, 10);
}
NOINLINE void private_power_3(scratch *s, const rsa_key *key) {
  private_power_of(s, key, P_LIMBS);
}

// at[0..2 TILE] += a[0..TILE] b[0..TILE]; b is equal in all lanes if `shared`.
INLINE void add_product(vec *at, const num *a, const num *b, const double *shared) {
  const bias_table bias = biases();
  vec above = _mm256_setzero_si256();
  UNROLL
  for (int k = 0; k < 2 * TILE - 1; k++) {
    const int first = k < TILE ? 0 : k - TILE + 1, last = k < TILE ? k : TILE - 1;
    vec low = ADD(at[k], LESS_LOW(2 * (last - first + 1))), high = LESS_HIGH(2 * (last - first + 1));
    low = ADD(low, above);
    UNROLL
    for (int i = first; i <= last; i++) {
      const num factor = shared == NULL ? b[k - i] : _mm256_broadcast_sd(shared + k - i);
      PRODUCT(high, low, a[i], factor);
    }
    at[k] = low;
    above = high;
  }
  at[2 * TILE - 1] = ADD(at[2 * TILE - 1], above);
}

NOINLINE void product_at(vec *at, const num *a, const num *b) {
  add_product(at, a, b, NULL);
}
NOINLINE void product_shared_at(vec *at, const num *a, const double *b) {
  add_product(at, a, NULL, b);
}

// at = 2 at + a^2: the products of different tiles are in `at` once and count twice.
NOINLINE void square_at(vec *at, const num *a) {
  const bias_table bias = biases();
  vec above = _mm256_setzero_si256();
  UNROLL
  for (int k = 0; k < 2 * TILE - 1; k++) {
    const int first = k < TILE ? 0 : k - TILE + 1, pairs = (k + 1) / 2 - first, single = k % 2 == 0;
    vec low = ADD(at[k], LESS_LOW(2 * pairs + single)), high = LESS_HIGH(2 * pairs + single);
    UNROLL
    for (int i = first; i < first + pairs; i++) PRODUCT(high, low, a[i], a[k - i]);
    low = ADD(low, low);
    high = ADD(high, high);
    if (single) PRODUCT(high, low, a[k / 2], a[k / 2]);
    at[k] = ADD(low, above);
    above = high;
  }
  at[2 * TILE - 1] = ADD(ADD(at[2 * TILE - 1], at[2 * TILE - 1]), above);
}

// TILE steps of Montgomery's reduction, as far as the lowest tile of N reaches; q is what its others are due. `at` and q
// of the groups are 2 N_LIMBS and TILE apart.
NOINLINE void quotient_at(vec *at, num *q, const double *n, const double inv) {
  const bias_table bias = biases();
  vec above[GROUPS];
  for (int g = 0; g < GROUPS; g++) above[g] = _mm256_setzero_si256();
  UNROLL
  for (int k = 0; k < 2 * TILE - 1; k++) {
    const int first = k < TILE ? 0 : k - TILE + 1, count = k < TILE ? k : 2 * TILE - 1 - k, fresh = k < TILE;
    UNROLL
    for (int g = 0; g < GROUPS; g++) {
      vec *sum = at + g * 2 * N_LIMBS;
      num *of = q + g * TILE;
      vec low = ADD(sum[k], LESS_LOW(2 * count)), high = LESS_HIGH(2 * (count + fresh));
      low = ADD(low, above[g]);
      UNROLL
      for (int i = first; i < first + count; i++) PRODUCT(high, low, of[i], _mm256_broadcast_sd(n + k - i));
      if (fresh) {
        of[k] = low_product(number_of(low), _mm256_set1_pd(inv));
        high = ADD(high, _mm256_castpd_si256(_mm256_fmadd_pd(of[k], _mm256_broadcast_sd(n), _mm256_set1_pd(0x1p104))));
        above[g] = ADD(high, _mm256_srli_epi64(ADD(low, MASK), BITS));
      } else {
        sum[k] = low;
        above[g] = high;
      }
    }
  }
  for (int g = 0; g < GROUPS; g++) {
    vec *sum = at + g * 2 * N_LIMBS;
    sum[2 * TILE - 1] = ADD(sum[2 * TILE - 1], above[g]);
  }
}

// x = sum / 2^2080 mod N, below 2N
static void reduce_modulus(num (*x)[N_LIMBS], vec (*sum)[2 * N_LIMBS], const modulus_numbers *modulus) {
  num q[GROUPS][TILE];
  for (int s = 0; s < TILES; s++) {
    quotient_at(sum[0] + TILE * s, q[0], modulus->n, modulus->inv);
    for (int g = 0; g < GROUPS; g++) {
      for (int t = 1; t < TILES; t++) product_shared_at(sum[g] + TILE * (s + t), q[g], modulus->n + TILE * t);
    }
  }
  for (int g = 0; g < GROUPS; g++) {
    normalize(sum[g] + N_LIMBS, sum[g] + N_LIMBS, N_LIMBS);
    for (int i = 0; i < N_LIMBS; i++) x[g][i] = number_of(sum[g][N_LIMBS + i]);
  }
}

static void mul_modulus(num (*x)[N_LIMBS], num (*a)[N_LIMBS], num (*b)[N_LIMBS], const modulus_numbers *modulus) {
  vec sum[GROUPS][2 * N_LIMBS];
  memset(sum, 0, sizeof sum);
  for (int g = 0; g < GROUPS; g++) {
    for (int s = 0; s < TILES; s++) {
      for (int t = 0; t < TILES; t++) product_at(sum[g] + TILE * (s + t), a[g] + TILE * s, b[g] + TILE * t);
    }
  }
  reduce_modulus(x, sum, modulus);
}

static void sqr_modulus(num (*x)[N_LIMBS], num (*a)[N_LIMBS], const modulus_numbers *modulus) {
  vec sum[GROUPS][2 * N_LIMBS];
  memset(sum, 0, sizeof sum);
  for (int g = 0; g < GROUPS; g++) {
    for (int s = 0; s < TILES; s++) {
      for (int t = s + 1; t < TILES; t++) product_at(sum[g] + TILE * (s + t), a[g] + TILE * s, a[g] + TILE * t);
    }
    for (int s = 0; s < TILES; s++) square_at(sum[g] + 2 * TILE * s, a[g] + TILE * s);
  }
  reduce_modulus(x, sum, modulus);
}

// y = c^e mod N, below N, as limbs; c below N
NOINLINE void public_power(vec (*y)[N_LIMBS], num (*c)[N_LIMBS], const modulus_numbers *modulus) {
  num x[GROUPS][N_LIMBS], last[GROUPS][N_LIMBS];
  for (int g = 0; g < GROUPS; g++) {
    for (int i = 0; i < N_LIMBS; i++) last[g][i] = _mm256_broadcast_sd(modulus->rr + i);
  }
  mul_modulus(x, c, last, modulus);
  for (int i = 0; i < 16; i++) sqr_modulus(x, x, modulus);
  mul_modulus(last, x, c, modulus);
  for (int g = 0; g < GROUPS; g++) {
    for (int i = 0; i < N_LIMBS; i++) y[g][i] = limb_of(last[g][i]);
    subtract_once(y[g], modulus->n, N_LIMBS);
  }
}

// A block of `length` bytes, big-endian, to one lane of N_LIMBS numbers.
static void load_block(num *numbers, int lane, const uint8_t *bytes, int length) {
  uint64_t word[N64 + 1] = { 0 };
  for (int i = 0; i < length; i++) word[i / 8] |= (uint64_t)bytes[length - 1 - i] << (8 * (i % 8));
  for (int i = 0; i < N_LIMBS; i++) {
    const int at = BITS * i / 64, shift = BITS * i % 64;
    const uint64_t high = shift > 64 - BITS ? word[at + 1] << (64 - shift) : 0;
    ((double *)(numbers + i))[lane] = (double)(((word[at] >> shift) | high) & LIMB_MASK);
  }
}

static void store_block(uint8_t *bytes, const vec *limbs, int lane) {
  unsigned __int128 window = 0;
  int bits = 0, at = 0;
  for (int i = RSA_BLOCK - 1; i >= 0; i--) {
    if (bits < 8) {
      window |= (unsigned __int128)((const uint64_t *)(limbs + at++))[lane] << bits;
      bits += BITS;
    }
    bytes[i] = (uint8_t)window;
    window >>= 8;
    bits -= 8;
  }
}

// Returns the control word to go back to.
static unsigned round_toward_zero(void) {
  const unsigned before = _mm_getcsr();
  const unsigned now = (before & ~(unsigned)_MM_ROUND_MASK) | _MM_ROUND_TOWARD_ZERO;
  __asm__ volatile("ldmxcsr %0" : : "m"(now) : "memory");
  return before;
}
static void round_as_before(unsigned before) {
  __asm__ volatile("ldmxcsr %0" : : "m"(before) : "memory");
}

static void private_blocks(const rsa_key *key, const uint8_t *plain, uint8_t *sealed, size_t count) {
  scratch s;
  const unsigned before = round_toward_zero();
  memset(s.y, 0, sizeof s.y);
  load_modulus(&s.modulus, &key->limbs52.modulus);
  for (size_t done = 0; done < count; done += LANES) {
    for (size_t i = 0; i < LANES && done + i < count; i++) {
      load_block(s.y[i / GROUP_LANES], i % GROUP_LANES, plain + (done + i) * RSA_PAYLOAD, RSA_PAYLOAD);
    }
    if (key->primes == 4) private_power_4(&s, key);
    else private_power_3(&s, key);
    for (size_t i = 0; i < LANES && done + i < count; i++) {
      store_block(sealed + (done + i) * RSA_BLOCK, s.c[i / GROUP_LANES], i % GROUP_LANES);
    }
  }
  round_as_before(before);
  rsa_wipe(&s, sizeof s);
  _mm256_zeroall();
}

static void public_blocks(const rsa_key *key, const uint8_t *sealed, uint8_t *opened, size_t count) {
  num c[GROUPS][N_LIMBS];
  vec y[GROUPS][N_LIMBS];
  modulus_numbers modulus;
  const unsigned before = round_toward_zero();
  memset(c, 0, sizeof c);
  load_modulus(&modulus, &key->limbs52.modulus);
  for (size_t done = 0; done < count; done += LANES) {
    for (size_t i = 0; i < LANES && done + i < count; i++) {
      load_block(c[i / GROUP_LANES], i % GROUP_LANES, sealed + (done + i) * RSA_BLOCK, RSA_BLOCK);
    }
    public_power(y, c, &modulus);
    for (size_t i = 0; i < LANES && done + i < count; i++) {
      store_block(opened + (done + i) * RSA_BLOCK, y[i / GROUP_LANES], i % GROUP_LANES);
    }
  }
  round_as_before(before);
}

const rsa_functions rsa_avx2 = { private_blocks, public_blocks };

// Numbers are GROUPS times N_LIMBS vectors; `modulus` holds a modulus_numbers, which is as long.
_Static_assert(sizeof(modulus_numbers) == sizeof(rsa_modulus), "a modulus has another length as numbers");
typedef num (*lanes_number)[N_LIMBS];
#define NUMBERS(modulus) ((const modulus_numbers *)(const void *)(modulus))

static unsigned lanes_begin(rsa_modulus *modulus, const rsa_key *key) {
  load_modulus((modulus_numbers *)(void *)modulus, &key->limbs52.modulus);
  return round_toward_zero();
}
static void lanes_mul(void *r, const void *a, const void *b, const rsa_modulus *modulus) {
  mul_modulus(r, (lanes_number)a, (lanes_number)b, NUMBERS(modulus));
}
static void lanes_sqr(void *r, const void *a, const rsa_modulus *modulus) {
  sqr_modulus(r, (lanes_number)a, NUMBERS(modulus));
}
static void lanes_add(void *r, const void *a, const void *b, const rsa_modulus *modulus) {
  (void)modulus;
  for (int g = 0; g < GROUPS; g++) {
    const num *x = ((lanes_number)a)[g], *y = ((lanes_number)b)[g];
    num *out = ((lanes_number)r)[g];
    vec carry = _mm256_setzero_si256();
    for (int i = 0; i < N_LIMBS; i++) {
      const vec t = ADD(ADD(limb_of(x[i]), limb_of(y[i])), carry);
      out[i] = number_of(t);
      carry = _mm256_srli_epi64(t, BITS);
    }
  }
}
static void lanes_sub(void *r, const void *a, const void *b, const rsa_modulus *modulus) {
  for (int g = 0; g < GROUPS; g++) {
    const num *x = ((lanes_number)a)[g], *y = ((lanes_number)b)[g];
    num *out = ((lanes_number)r)[g];
    vec carry = _mm256_setzero_si256();
    for (int i = 0; i < N_LIMBS; i++) {
      const vec n = limb_of(_mm256_broadcast_sd(NUMBERS(modulus)->n + i));
      // Four times the next limb's unit are lent, so that nothing is negative.
      const vec t = ADD(ADD(_mm256_sub_epi64(limb_of(x[i]), limb_of(y[i])), ADD(n, n)), ADD(carry, EVERY(4ULL << BITS)));
      out[i] = number_of(t);
      carry = _mm256_sub_epi64(_mm256_srli_epi64(t, BITS), EVERY(4));
    }
  }
}
static void lanes_enter(void *r, const uint8_t *blocks, const rsa_modulus *modulus) {
  num plain[GROUPS][N_LIMBS], lift[GROUPS][N_LIMBS];
  for (int i = 0; i < LANES; i++) load_block(plain[i / GROUP_LANES], i % GROUP_LANES, blocks + i * RSA_BLOCK, RSA_BLOCK);
  for (int g = 0; g < GROUPS; g++) {
    for (int i = 0; i < N_LIMBS; i++) lift[g][i] = _mm256_broadcast_sd(NUMBERS(modulus)->rr + i);
  }
  mul_modulus(r, plain, lift, NUMBERS(modulus));
}
static void lanes_leave(uint8_t *blocks, const void *a, const rsa_modulus *modulus) {
  num one[GROUPS][N_LIMBS], plain[GROUPS][N_LIMBS];
  vec limbs[N_LIMBS];
  for (int g = 0; g < GROUPS; g++) {
    for (int i = 0; i < N_LIMBS; i++) one[g][i] = _mm256_set1_pd(i == 0 ? 1 : 0);
  }
  mul_modulus(plain, (lanes_number)a, one, NUMBERS(modulus));
  for (int g = 0; g < GROUPS; g++) {
    for (int i = 0; i < N_LIMBS; i++) limbs[i] = limb_of(plain[g][i]);
    subtract_once(limbs, NUMBERS(modulus)->n, N_LIMBS);
    for (int i = 0; i < GROUP_LANES; i++) store_block(blocks + (g * GROUP_LANES + i) * RSA_BLOCK, limbs, i);
  }
}

const rsa_lanes rsa_avx2_lanes = { LANES,       sizeof(num[GROUPS][N_LIMBS]), lanes_begin, round_as_before, lanes_enter,
                                   lanes_leave, lanes_mul,                    lanes_sqr,   lanes_add,       lanes_sub };

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

// Compiled for any CPU, unlike all above.
int rsa_avx2_supported(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

#else

const rsa_functions rsa_avx2 = { NULL, NULL };
const rsa_lanes rsa_avx2_lanes = { 0 };
int rsa_avx2_supported(void) {
  return 0;
}

#endif
