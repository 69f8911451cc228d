// Montgomery arithmetic on whole words of 64 bits, product scanning: what loading a key needs.
#ifndef DATDOT_RSA_MONT64_H
#define DATDOT_RSA_MONT64_H

#include <stdint.h>

typedef unsigned __int128 u128;

#define INLINE static inline __attribute__((always_inline))

// (c2, c1, c0) += a * b
#define MAC(c0, c1, c2, a, b)                                                        \
  do {                                                                               \
    const u128 product_ = (u128)(a) * (b);                                           \
    const u128 low_ = (u128)(c0) + (uint64_t)product_;                               \
    const u128 high_ = (u128)(c1) + (uint64_t)(product_ >> 64) + (uint64_t)(low_ >> 64); \
    (c0) = (uint64_t)low_;                                                           \
    (c1) = (uint64_t)high_;                                                          \
    (c2) += (uint64_t)(high_ >> 64);                                                 \
  } while (0)

#define SHIFT(c0, c1, c2) do { (c0) = (c1); (c1) = (c2); (c2) = 0; } while (0)

// r = a - m if (carry, a) >= m, else a; without a branch.
INLINE void reduce_once(uint64_t *r, const uint64_t *a, uint64_t carry, const uint64_t *m, const int limbs) {
  uint64_t difference[N64 + 1];
  uint64_t borrow = 0;
  for (int i = 0; i < limbs; i++) {
    u128 t = (u128)a[i] - m[i] - borrow;
    difference[i] = (uint64_t)t;
    borrow = (uint64_t)(t >> 64) & 1;
  }
  uint64_t keep = 0 - (borrow & (carry ^ 1));
  for (int i = 0; i < limbs; i++) r[i] = (a[i] & keep) | (difference[i] & ~keep);
}

// r = a * b / 2^(64 limbs) mod m, below m. Needs a * b < 2^(64 limbs) * m. r may be a or b.
INLINE void mont_mul(uint64_t *r, const uint64_t *a, const uint64_t *b, const uint64_t *m, uint64_t inv, const int limbs) {
  uint64_t q[N64], t[N64];
  uint64_t c0 = 0, c1 = 0, c2 = 0;
  for (int k = 0; k < limbs; k++) {
    for (int i = 0; i <= k; i++) MAC(c0, c1, c2, a[i], b[k - i]);
    for (int i = 0; i < k; i++) MAC(c0, c1, c2, q[i], m[k - i]);
    q[k] = c0 * inv;
    MAC(c0, c1, c2, q[k], m[0]);
    SHIFT(c0, c1, c2);
  }
  for (int k = limbs; k < 2 * limbs - 1; k++) {
    for (int i = k - limbs + 1; i < limbs; i++) MAC(c0, c1, c2, a[i], b[k - i]);
    for (int i = k - limbs + 1; i < limbs; i++) MAC(c0, c1, c2, q[i], m[k - i]);
    t[k - limbs] = c0;
    SHIFT(c0, c1, c2);
  }
  t[limbs - 1] = c0;
  reduce_once(r, t, c1, m, limbs);
}

#endif
