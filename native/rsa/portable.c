// The batch operations in portable C, one block at a time: any 64-bit machine with a 128-bit product.
//
// Limbs of 58 bits, columns summed in 128 bits: up to 2^12 products fit, more than any column here, so no sum
// needs a carry into a third word. Montgomery products are not reduced below the modulus on the way: with inputs
// below 2m the result is again below 2m, because R has at least 10 bits more than m (4 m^2 / R + m < 2m).
#include <string.h>
#include "core.h"

typedef unsigned __int128 u128;

#define INLINE static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))
#define UNROLL _Pragma("GCC unroll 32")

#define BITS 58
#define MASK ((1ULL << BITS) - 1)
#define LIMBS 36 // of the modulus
#define TILE 9   // limbs of a tile of the 2048-bit operations
#define TILES (LIMBS / TILE)
#define WINDOW 4
#define ENTRIES (1 << WINDOW)

#ifdef DATDOT_RSA_FAULTS
int rsa_fault_prime = -1;
#endif

// s / 2^58. In two halves, and kept so: the double shift that compilers make of it is slow on many CPUs.
INLINE u128 carry_of(u128 s) {
  uint64_t low = (uint64_t)s >> BITS;
  const uint64_t high = (uint64_t)(s >> 64);
  __asm__("" : "+r"(low));
  return ((u128)(high >> BITS) << 64) | (low | high << (64 - BITS));
}

// The products of column k of a * b, or, if b == NULL, of a * a with `twice` = 2a. All limbs below 2^59.
INLINE u128 column(const uint64_t *a, const uint64_t *b, const uint64_t *twice, const int k, const int limbs) {
  const int first = k < limbs ? 0 : k - limbs + 1;
  u128 s = 0;
  if (b != NULL) {
    UNROLL
    for (int i = first; i < limbs && i <= k; i++) s += (u128)a[i] * b[k - i];
  } else {
    UNROLL
    for (int i = first; i < (k + 1) / 2; i++) s += (u128)twice[i] * a[k - i];
    if (k % 2 == 0) s += (u128)a[k / 2] * a[k / 2];
  }
  return s;
}

// r = a * b / R mod m, or a * a / R if b == NULL; below 2m if a and b are. r may be a or b.
INLINE void mont(uint64_t *r, const uint64_t *a, const uint64_t *b, const uint64_t *m, const uint64_t inv, const int limbs) {
  uint64_t q[P_LIMBS], t[P_LIMBS], twice[P_LIMBS];
  u128 carry = 0;
  UNROLL
  for (int i = 0; i < limbs; i++) twice[i] = 2 * a[i];
  UNROLL
  for (int k = 0; k < 2 * limbs - 1; k++) {
    // Two sums, so that the one does not wait for the other's q.
    u128 s = column(a, b, twice, k, limbs), u = carry;
    UNROLL
    for (int i = k < limbs ? 0 : k - limbs + 1; i < limbs && i < k; i++) u += (u128)q[i] * m[k - i];
    s += u;
    if (k < limbs) {
      q[k] = ((uint64_t)s * inv) & MASK;
      s += (u128)q[k] * m[0];
    } else {
      t[k - limbs] = (uint64_t)s & MASK;
    }
    carry = carry_of(s);
  }
  t[limbs - 1] = (uint64_t)carry;
  UNROLL
  for (int i = 0; i < limbs; i++) r[i] = t[i];
}

NOINLINE void mul9(uint64_t *r, const uint64_t *a, const uint64_t *b, const uint64_t *m, uint64_t inv) {
  mont(r, a, b, m, inv, 9);
}
NOINLINE void sqr9(uint64_t *r, const uint64_t *a, const uint64_t *m, uint64_t inv) {
  mont(r, a, NULL, m, inv, 9);
}
NOINLINE void mul12(uint64_t *r, const uint64_t *a, const uint64_t *b, const uint64_t *m, uint64_t inv) {
  mont(r, a, b, m, inv, 12);
}
NOINLINE void sqr12(uint64_t *r, const uint64_t *a, const uint64_t *m, uint64_t inv) {
  mont(r, a, NULL, m, inv, 12);
}

INLINE void mul(uint64_t *r, const uint64_t *a, const uint64_t *b, const rsa_prime *prime, const int limbs) {
  if (limbs == 9) mul9(r, a, b, prime->p, prime->inv);
  else mul12(r, a, b, prime->p, prime->inv);
}
INLINE void sqr(uint64_t *r, const uint64_t *a, const rsa_prime *prime, const int limbs) {
  if (limbs == 9) sqr9(r, a, prime->p, prime->inv);
  else sqr12(r, a, prime->p, prime->inv);
}

// Columns to limbs; what overflows the last is dropped: callers know it is 0.
static void normalize(uint64_t *out, const u128 *sum, int limbs) {
  u128 carry = 0;
  for (int i = 0; i < limbs; i++) {
    const u128 s = sum[i] + carry;
    out[i] = (uint64_t)s & MASK;
    carry = carry_of(s);
  }
}

// a - m where that is not negative, else a; without a branch. The limbs of a are below 2^58 but for the highest.
static void subtract_once(uint64_t *a, const uint64_t *m, int limbs) {
  uint64_t difference[LIMBS], borrow = 0;
  for (int i = 0; i < limbs; i++) {
    const uint64_t t = a[i] - m[i] - borrow;
    borrow = t >> 63;
    difference[i] = i < limbs - 1 ? t & MASK : t;
  }
  const uint64_t keep = 0 - borrow;
  for (int i = 0; i < limbs; i++) a[i] = (a[i] & keep) | (difference[i] & ~keep);
}

typedef struct {
  uint64_t table[ENTRIES][P_LIMBS];
  uint64_t x[P_LIMBS], factor[P_LIMBS], term[P_LIMBS];
  uint64_t y[LIMBS], c[LIMBS];
  u128 sum[LIMBS + P_LIMBS];
} scratch;

// x = y mod p in Montgomery form, piece by piece; below 8p, which the next product takes.
INLINE void reduce(scratch *s, const rsa_prime *prime, const int limbs) {
  for (int i = 0; i < limbs; i++) s->sum[i] = 0;
  for (int k = 0; k * limbs < LIMBS; k++) {
    mul(s->term, s->y + k * limbs, prime->fold[k], prime, limbs);
    for (int i = 0; i < limbs; i++) s->sum[i] += s->term[i];
  }
  normalize(s->x, s->sum, limbs);
}

// x = x^d in Montgomery form: windows of four bits, the whole table read for each.
INLINE void power(scratch *s, const rsa_prime *prime, const uint64_t *d, const int limbs) {
  memcpy(s->table[0], prime->one, sizeof s->table[0]);
  memcpy(s->table[1], s->x, sizeof s->table[1]);
  for (int i = 2; i < ENTRIES; i += 2) {
    sqr(s->table[i], s->table[i / 2], prime, limbs);
    mul(s->table[i + 1], s->table[i], s->table[1], prime, limbs);
  }
  const int windows = limbs == 9 ? 128 : 171;
  for (int w = windows - 1; w >= 0; w--) {
    const uint64_t index = (d[w / 16] >> (4 * (w % 16))) & (ENTRIES - 1);
    uint64_t entry[P_LIMBS] = { 0 };
    for (uint64_t i = 0; i < ENTRIES; i++) {
      const uint64_t take = 0 - (((i ^ index) - 1) >> 63);
      for (int j = 0; j < limbs; j++) entry[j] |= s->table[i][j] & take;
    }
    if (w == windows - 1) {
      memcpy(s->x, entry, sizeof entry);
      continue;
    }
    memcpy(s->factor, entry, sizeof entry);
    for (int i = 0; i < WINDOW; i++) sqr(s->x, s->x, prime, limbs);
    mul(s->x, s->x, s->factor, prime, limbs);
  }
}

// c = y^d mod N, below N: the sum of ((y^d (N/p)^-1) mod p) (N/p) over all primes, less than N * primes.
INLINE void private_power_of(scratch *s, const rsa_key *key, const int limbs) {
  const int length = limbs == 9 ? 27 : 24; // of a cofactor
  u128 sum[LIMBS + P_LIMBS] = { 0 };
  for (int k = 0; k < key->primes; k++) {
    const rsa_prime *prime = &key->limbs58.prime[k];
    reduce(s, prime, limbs);
    power(s, prime, key->d[k], limbs);
#ifdef DATDOT_RSA_FAULTS
    if (rsa_fault_prime == k) s->x[0] ^= 1;
#endif
    mul(s->x, s->x, prime->coef, prime, limbs);
    subtract_once(s->x, prime->p, limbs);
    for (int j = 0; j < length; j++) {
      for (int i = 0; i < limbs; i++) sum[i + j] += (u128)s->x[i] * prime->cofactor[j];
    }
  }
  normalize(s->c, sum, LIMBS);
  for (int i = 1; i < key->primes; i++) subtract_once(s->c, key->limbs58.modulus.n, LIMBS);
  rsa_wipe(sum, sizeof sum);
}

static void private_power(scratch *s, const rsa_key *key) {
  if (key->primes == 4) private_power_of(s, key, 9);
  else private_power_of(s, key, 12);
}

// at[0..2 TILE] += a[0..TILE] b[0..TILE]
NOINLINE void product_at(u128 *at, const uint64_t *a, const uint64_t *b) {
  UNROLL
  for (int k = 0; k < 2 * TILE - 1; k++) at[k] += column(a, b, a, k, TILE);
}

// at = 2 at + a^2: the products of different tiles are in `at` once and count twice.
NOINLINE void square_at(u128 *at, const uint64_t *a) {
  uint64_t twice[TILE];
  for (int i = 0; i < TILE; i++) twice[i] = 2 * a[i];
  UNROLL
  for (int k = 0; k < 2 * TILE - 1; k++) at[k] = at[k] + at[k] + column(a, NULL, twice, k, TILE);
  at[2 * TILE - 1] += at[2 * TILE - 1];
}

// TILE steps of Montgomery's reduction, as far as the lowest tile of N reaches; q is what its others are due.
NOINLINE void quotient_at(u128 *at, uint64_t *q, const uint64_t *n, const uint64_t inv) {
  u128 carry = 0;
  UNROLL
  for (int k = 0; k < 2 * TILE - 1; k++) {
    u128 s = at[k] + carry;
    UNROLL
    for (int i = k < TILE ? 0 : k - TILE + 1; i < TILE && i < k; i++) s += (u128)q[i] * n[k - i];
    carry = 0;
    if (k < TILE) {
      q[k] = ((uint64_t)s * inv) & MASK;
      s += (u128)q[k] * n[0];
      carry = carry_of(s);
    } else {
      at[k] = s;
    }
  }
}

// x = sum / R mod N, below 2N
static void reduce_modulus(uint64_t *x, u128 *sum, const rsa_modulus *modulus) {
  uint64_t q[TILE];
  for (int s = 0; s < TILES; s++) {
    quotient_at(sum + TILE * s, q, modulus->n, modulus->inv);
    for (int t = 1; t < TILES; t++) product_at(sum + TILE * (s + t), q, modulus->n + TILE * t);
  }
  normalize(x, sum + LIMBS, LIMBS);
}

static void mul_modulus(uint64_t *x, const uint64_t *a, const uint64_t *b, const rsa_modulus *modulus) {
  u128 sum[2 * LIMBS] = { 0 };
  for (int s = 0; s < TILES; s++) {
    for (int t = 0; t < TILES; t++) product_at(sum + TILE * (s + t), a + TILE * s, b + TILE * t);
  }
  reduce_modulus(x, sum, modulus);
}

static void sqr_modulus(uint64_t *x, const uint64_t *a, const rsa_modulus *modulus) {
  u128 sum[2 * LIMBS] = { 0 };
  for (int s = 0; s < TILES; s++) {
    for (int t = s + 1; t < TILES; t++) product_at(sum + TILE * (s + t), a + TILE * s, a + TILE * t);
  }
  for (int s = 0; s < TILES; s++) square_at(sum + 2 * TILE * s, a + TILE * s);
  reduce_modulus(x, sum, modulus);
}

// y = c^e mod N, below N; c below N
static void public_power(uint64_t *y, const uint64_t *c, const rsa_modulus *modulus) {
  uint64_t x[LIMBS];
  mul_modulus(x, c, modulus->rr, modulus);
  for (int i = 0; i < 16; i++) sqr_modulus(x, x, modulus);
  mul_modulus(y, x, c, modulus);
  subtract_once(y, modulus->n, LIMBS);
}

// `length` bytes, big-endian, to limbs
static void load_block(uint64_t *limbs, const uint8_t *bytes, int length) {
  u128 window = 0;
  int bits = 0, at = 0;
  for (int i = length - 1; i >= 0; i--) {
    window |= (u128)bytes[i] << bits;
    bits += 8;
    if (bits >= BITS) {
      limbs[at++] = (uint64_t)window & MASK;
      window >>= BITS;
      bits -= BITS;
    }
  }
  limbs[at++] = (uint64_t)window;
  while (at < LIMBS) limbs[at++] = 0;
}

static void store_block(uint8_t *bytes, const uint64_t *limbs, int length) {
  u128 window = 0;
  int bits = 0, at = 0;
  for (int i = length - 1; i >= 0; i--) {
    if (bits < 8) {
      window |= (u128)limbs[at++] << bits;
      bits += BITS;
    }
    bytes[i] = (uint8_t)window;
    window >>= 8;
    bits -= 8;
  }
}

static void private_blocks(const rsa_key *key, const uint8_t *plain, uint8_t *sealed, size_t count) {
  scratch s;
  for (size_t i = 0; i < count; i++) {
    load_block(s.y, plain + i * RSA_PAYLOAD, RSA_PAYLOAD);
    private_power(&s, key);
    store_block(sealed + i * RSA_BLOCK, s.c, RSA_BLOCK);
  }
  rsa_wipe(&s, sizeof s);
}

static void public_blocks(const rsa_key *key, const uint8_t *sealed, uint8_t *opened, size_t count) {
  uint64_t c[LIMBS], y[LIMBS];
  for (size_t i = 0; i < count; i++) {
    load_block(c, sealed + i * RSA_BLOCK, RSA_BLOCK);
    public_power(y, c, &key->limbs58.modulus);
    store_block(opened + i * RSA_BLOCK, y, RSA_BLOCK);
  }
}

const rsa_functions rsa_portable = { private_blocks, public_blocks };

static unsigned lanes_begin(rsa_modulus *modulus, const rsa_key *key) {
  *modulus = key->limbs58.modulus;
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
  const uint64_t *x = a, *y = b;
  uint64_t *out = r, carry = 0;
  (void)modulus;
  for (int i = 0; i < LIMBS; i++) {
    const uint64_t t = x[i] + y[i] + carry;
    out[i] = t & MASK;
    carry = t >> BITS;
  }
}
static void lanes_sub(void *r, const void *a, const void *b, const rsa_modulus *modulus) {
  const uint64_t *x = a, *y = b;
  uint64_t *out = r, carry = 0;
  for (int i = 0; i < LIMBS; i++) {
    // Four times the next limb's unit are lent, so that nothing is negative.
    const uint64_t t = x[i] - y[i] + 2 * modulus->n[i] + carry + (4ULL << BITS);
    out[i] = t & MASK;
    carry = (t >> BITS) - 4;
  }
}
static void lanes_enter(void *r, const uint8_t *blocks, const rsa_modulus *modulus) {
  uint64_t plain[LIMBS];
  load_block(plain, blocks, RSA_BLOCK);
  mul_modulus(r, plain, modulus->rr, modulus);
}
static void lanes_leave(uint8_t *blocks, const void *a, const rsa_modulus *modulus) {
  const uint64_t one[LIMBS] = { 1 };
  uint64_t plain[LIMBS];
  mul_modulus(plain, a, one, modulus);
  subtract_once(plain, modulus->n, LIMBS);
  store_block(blocks, plain, RSA_BLOCK);
}

const rsa_lanes rsa_portable_lanes = { 1,           sizeof(uint64_t[LIMBS]), lanes_begin, lanes_end, lanes_enter,
                                       lanes_leave, lanes_mul,               lanes_sqr,   lanes_add, lanes_sub };
