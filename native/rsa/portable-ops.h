// The operations of portable.c, for one choice of instructions (VARIANT). Included there, nowhere else.

static __attribute__((noinline)) void NAME(mul8)(uint64_t *r, const uint64_t *a, const uint64_t *b, const uint64_t *m, uint64_t inv) {
  mont_mul(r, a, b, m, inv, 8);
}
static __attribute__((noinline)) void NAME(sqr8)(uint64_t *r, const uint64_t *a, const uint64_t *m, uint64_t inv) {
  mont_sqr(r, a, m, inv, 8);
}
static __attribute__((noinline)) void NAME(mul11)(uint64_t *r, const uint64_t *a, const uint64_t *b, const uint64_t *m, uint64_t inv) {
  mont_mul(r, a, b, m, inv, P64);
}
static __attribute__((noinline)) void NAME(sqr11)(uint64_t *r, const uint64_t *a, const uint64_t *m, uint64_t inv) {
  mont_sqr(r, a, m, inv, P64);
}
static __attribute__((noinline)) void NAME(mul32)(uint64_t *r, const uint64_t *a, const uint64_t *b, const uint64_t *m, uint64_t inv) {
  mont_mul(r, a, b, m, inv, N64);
}
static __attribute__((noinline)) void NAME(sqr32)(uint64_t *r, const uint64_t *a, const uint64_t *m, uint64_t inv) {
  mont_sqr(r, a, m, inv, N64);
}

INLINE void NAME(mul)(uint64_t *r, const uint64_t *a, const uint64_t *b, const rsa_prime64 *prime) {
  if (prime->limbs == 8) NAME(mul8)(r, a, b, prime->p, prime->inv);
  else NAME(mul11)(r, a, b, prime->p, prime->inv);
}
INLINE void NAME(sqr)(uint64_t *r, const uint64_t *a, const rsa_prime64 *prime) {
  if (prime->limbs == 8) NAME(sqr8)(r, a, prime->p, prime->inv);
  else NAME(sqr11)(r, a, prime->p, prime->inv);
}

// x = y mod p in Montgomery form, piece by piece.
static void NAME(reduce)(uint64_t *x, const uint64_t *y, const rsa_prime64 *prime) {
  const int limbs = prime->limbs;
  uint64_t piece[P64], term[P64];
  memset(x, 0, sizeof(uint64_t) * P64);
  for (int k = 0; k * limbs < N64; k++) {
    for (int i = 0; i < limbs; i++) piece[i] = k * limbs + i < N64 ? y[k * limbs + i] : 0;
    NAME(mul)(term, piece, prime->fold[k], prime);
    uint64_t carry = 0;
    for (int i = 0; i < limbs; i++) {
      u128 t = (u128)x[i] + term[i] + carry;
      x[i] = (uint64_t)t;
      carry = (uint64_t)(t >> 64);
    }
    reduce_once(x, x, carry, prime->p, limbs);
  }
}

// x = x^d mod p in Montgomery form: windows of four bits, the whole table read for each.
static void NAME(power)(uint64_t *x, const rsa_prime64 *prime, uint64_t (*table)[P64]) {
  const int limbs = prime->limbs;
  memcpy(table[0], prime->one, sizeof table[0]);
  memcpy(table[1], x, sizeof table[1]);
  for (int i = 2; i < ENTRIES; i += 2) {
    NAME(sqr)(table[i], table[i / 2], prime);
    NAME(mul)(table[i + 1], table[i], table[1], prime);
  }
  uint64_t factor[P64];
  const int windows = limbs == 8 ? 128 : 171;
  for (int w = windows - 1; w >= 0; w--) {
    const uint64_t index = (prime->d[w / 16] >> (4 * (w % 16))) & (ENTRIES - 1);
    memset(factor, 0, sizeof factor);
    for (uint64_t i = 0; i < ENTRIES; i++) {
      const uint64_t take = 0 - (((i ^ index) - 1) >> 63);
      for (int j = 0; j < limbs; j++) factor[j] |= table[i][j] & take;
    }
    if (w == windows - 1) {
      memcpy(x, factor, sizeof factor);
      continue;
    }
    for (int i = 0; i < WINDOW; i++) NAME(sqr)(x, x, prime);
    NAME(mul)(x, x, factor, prime);
  }
  rsa_wipe(factor, sizeof factor);
}

// y = c^e mod N, below N; c below N
static void NAME(public_power)(uint64_t *y, const uint64_t *c, const rsa_key *key) {
  uint64_t x[N64];
  NAME(mul32)(x, c, key->n_rr, key->n, key->n_inv);
  for (int i = 0; i < 16; i++) NAME(sqr32)(x, x, key->n, key->n_inv);
  NAME(mul32)(y, x, c, key->n, key->n_inv);
}

typedef struct {
  uint64_t y[N64], back[N64], c[N64 + 2], x[P64];
  uint64_t table[ENTRIES][P64];
} NAME(scratch);

// c = y^d mod N by the Chinese remainder theorem: the sum of ((y^d (N/p)^-1) mod p) (N/p), less than N * primes.
static void NAME(private_power)(NAME(scratch) *s, const rsa_key *key) {
  memset(s->c, 0, sizeof s->c);
  for (int k = 0; k < key->primes; k++) {
    const rsa_prime64 *prime = &key->prime[k];
    NAME(reduce)(s->x, s->y, prime);
    NAME(power)(s->x, prime, s->table);
#ifdef DATDOT_RSA_FAULTS
    if (rsa_fault_prime == k) s->x[0] ^= 1;
#endif
    NAME(mul)(s->x, s->x, prime->coef, prime);
    for (int i = 0; i < prime->limbs; i++) {
      uint64_t carry = 0;
      int at = i;
      for (int j = 0; j < prime->cofactor_limbs; j++, at++) {
        u128 t = (u128)s->x[i] * prime->cofactor[j] + s->c[at] + carry;
        s->c[at] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
      }
      for (; at < N64 + 2; at++) {
        u128 t = (u128)s->c[at] + carry;
        s->c[at] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
      }
    }
  }
  for (int i = 1; i < key->primes; i++) {
    // c < 4 N < 2^2050: take N off while it fits. The top limb counts as carry as long as it is not 0.
    uint64_t difference[N64 + 1], borrow = 0;
    for (int j = 0; j <= N64; j++) {
      u128 t = (u128)s->c[j] - (j < N64 ? key->n[j] : 0) - borrow;
      difference[j] = (uint64_t)t;
      borrow = (uint64_t)(t >> 64) & 1;
    }
    const uint64_t keep = 0 - borrow;
    for (int j = 0; j <= N64; j++) s->c[j] = (s->c[j] & keep) | (difference[j] & ~keep);
  }
}

static int NAME(seal)(const rsa_key *key, const uint8_t *plain, uint8_t *sealed, size_t count) {
  NAME(scratch) s;
  int status = RSA_OK;
  for (size_t i = 0; i < count && status == RSA_OK; i++) {
    load_block(s.y, plain + i * RSA_PAYLOAD, RSA_PAYLOAD);
    NAME(private_power)(&s, key);
    if (!below(s.c, key->n, N64) || s.c[N64] != 0) status = RSA_CHECK_FAILED;
    NAME(public_power)(s.back, s.c, key);
    if (memcmp(s.back, s.y, sizeof s.y) != 0) status = RSA_CHECK_FAILED;
    if (status == RSA_OK) store_block(sealed + i * RSA_BLOCK, s.c);
  }
  rsa_wipe(&s, sizeof s);
  return status;
}

static int NAME(open)(const rsa_key *key, const uint8_t *sealed, uint8_t *plain, size_t count, size_t *bad) {
  uint64_t c[N64], y[N64];
  uint8_t block[RSA_BLOCK];
  for (size_t i = 0; i < count; i++) {
    load_block(c, sealed + i * RSA_BLOCK, RSA_BLOCK);
    int good = below(c, key->n, N64);
    if (good) NAME(public_power)(y, c, key);
    if (!good || y[N64 - 1] >> 56 != 0) {
      *bad = i;
      return RSA_BAD_BLOCK;
    }
    store_block(block, y);
    memcpy(plain + i * RSA_PAYLOAD, block + 1, RSA_PAYLOAD);
  }
  return RSA_OK;
}
