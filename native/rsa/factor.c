// The search for a factor of a public modulus by p - 1, p + 1 and elliptic curves, a curve in each lane of a path. It does
// what src/crypto/factor-bigint.ts does, sum by sum: both come to the same numbers. Nothing here is secret.
#include <stdlib.h>
#include <string.h>
#include "core.h"

#define MOST_LANES 8
#define ALIGNED 64

typedef struct {
  uint8_t *x, *z;
} point;

typedef struct {
  const rsa_lanes *lanes;
  rsa_modulus modulus;
  uint8_t *memory;        // of all numbers
  uint8_t *first, *free;  // of those that a curve needs: where they begin, and where there is room for the next
  uint8_t *u, *v, *s, *t; // what sums need
  uint8_t *one;
} search;

#define MUL(r, a, b) search->lanes->mul(r, a, b, &search->modulus)
#define SQR(r, a) search->lanes->sqr(r, a, &search->modulus)
#define PLUS(r, a, b) search->lanes->add(r, a, b, &search->modulus)
#define MINUS(r, a, b) search->lanes->sub(r, a, b, &search->modulus)
#define COPY(r, a) memcpy(r, a, search->lanes->bytes)
#define SWAP(type, a, b) do { type swapped_ = a; a = b; b = swapped_; } while (0)

int factor_plan_holds(const factor_plan *plan) {
  if (plan->first < 1 || plan->first > FACTOR_MOST / FACTOR_STRIDE + 1) return 0;
  for (size_t i = 0; i < plan->links; i++) {
    const uint32_t prime = plan->chain[2 * i], start = plan->chain[2 * i + 1];
    if (prime < 2 || prime > FACTOR_MOST) return 0;
    if (prime == 2) continue;
    // Else a chain would have no end, or another one than the prime.
    if (start >= prime || 2 * start <= prime) return 0;
    uint32_t a = prime, b = start;
    while (b > 0) {
      const uint32_t rest = a % b;
      a = b;
      b = rest;
    }
    if (a != 1) return 0;
  }
  size_t multiples = plan->first;
  for (size_t i = 0; i < plan->entries; i++) {
    if (plan->far[i] == FACTOR_NEXT) multiples++;
    else if (plan->far[i] >= FACTOR_RESIDUES) return 0;
  }
  return multiples <= FACTOR_MOST / FACTOR_STRIDE + 1;
}

static size_t multiples_of(const factor_plan *plan) {
  size_t multiples = 1;
  for (size_t i = 0; i < plan->entries; i++) multiples += plan->far[i] == FACTOR_NEXT;
  return multiples;
}

static uint8_t *number(search *search) {
  uint8_t *made = search->free;
  search->free += search->lanes->bytes;
  return made;
}

static point new_point(search *search) {
  const point made = { number(search), number(search) };
  return made;
}

// 0 where there is no memory.
static int reserve(search *search, size_t numbers) {
  const size_t bytes = (numbers + 5) * search->lanes->bytes;
  search->memory = aligned_alloc(ALIGNED, (bytes + ALIGNED - 1) / ALIGNED * ALIGNED);
  if (search->memory == NULL) return 0;
  search->free = search->memory;
  search->u = number(search);
  search->v = number(search);
  search->s = number(search);
  search->t = number(search);
  search->one = number(search);
  search->first = search->free;
  return 1;
}

// Every lane a small number.
static void enter_small(search *search, uint8_t *r, uint8_t value) {
  uint8_t blocks[MOST_LANES][RSA_BLOCK] = { 0 };
  for (int i = 0; i < search->lanes->lanes; i++) blocks[i][RSA_BLOCK - 1] = value;
  search->lanes->enter(r, blocks[0], &search->modulus);
}

// Lanes from every `apart`-th block, 0 for those beyond `count`.
static void enter(search *search, uint8_t *r, const uint8_t *from, size_t apart, size_t count) {
  uint8_t blocks[MOST_LANES][RSA_BLOCK] = { 0 };
  for (size_t i = 0; i < count; i++) memcpy(blocks[i], from + i * apart * RSA_BLOCK, RSA_BLOCK);
  search->lanes->enter(r, blocks[0], &search->modulus);
}

static void leave(search *search, uint8_t *to, size_t apart, size_t count, const uint8_t *a) {
  uint8_t blocks[MOST_LANES][RSA_BLOCK];
  search->lanes->leave(blocks[0], a, &search->modulus);
  for (size_t i = 0; i < count; i++) memcpy(to + i * apart * RSA_BLOCK, blocks[i], RSA_BLOCK);
}

// The residues: odd numbers below half of the stride without a prime in common with it.
static int is_residue(int j) {
  return j % 3 != 0 && j % 5 != 0 && j % 7 != 0 && j % 11 != 0;
}

// ---- p - 1 and p + 1: V(n) = a^n + a^-n, where V(1) is given

// r = a b - c, below 2N; c below 2N
static void sequence(search *search, uint8_t *r, const uint8_t *a, const uint8_t *b, const uint8_t *c) {
  MUL(search->u, a, b);
  MINUS(search->u, search->u, c);
  MUL(r, search->u, search->one);
}

// x = V(n) of the sequence that begins with x
static void sequence_at(search *search, uint8_t *x, uint32_t n, const uint8_t *two) {
  uint8_t *first = search->s, *low = search->t, *high = search->v;
  int bit = 31;
  while ((n >> bit & 1) == 0) bit--;
  COPY(first, x);
  COPY(low, x);
  SQR(high, x);
  MINUS(high, high, two);
  while (--bit >= 0) {
    uint8_t *doubled = n >> bit & 1 ? high : low, *sum = n >> bit & 1 ? low : high;
    MUL(sum, low, high);
    MINUS(sum, sum, first);
    SQR(doubled, doubled);
    MINUS(doubled, doubled, two);
  }
  MUL(x, low, search->one);
}

static void powers(search *search, const factor_plan *plan, const uint8_t *starts, uint8_t *found, size_t count) {
  uint8_t *two = number(search), *x = number(search), *all = number(search), *second = number(search), *stride = number(search);
  uint8_t *before = number(search), *at = number(search), *next = number(search), *small[FACTOR_RESIDUES];
  enter_small(search, search->one, 1);
  enter_small(search, two, 2);
  enter(search, x, starts, 1, count);
  for (size_t i = 0; i < plan->links; i++) sequence_at(search, x, plan->chain[2 * i], two);
  MINUS(search->u, x, two);
  leave(search, found, 2, count, search->u);

  // V(1), V(3), V(5) ... by steps of V(2).
  sequence(search, second, x, x, two);
  COPY(at, x);
  sequence(search, next, second, x, x);
  int kept = 0;
  for (int j = 1;; j += 2) {
    if (is_residue(j)) COPY(small[kept++] = number(search), at);
    if (j == FACTOR_STRIDE / 2) break;
    SWAP(uint8_t *, before, at);
    SWAP(uint8_t *, at, next);
    sequence(search, next, at, second, before);
  }
  sequence(search, stride, at, at, two);
  COPY(before, two);
  COPY(at, stride);
  COPY(all, search->one);
  for (uint32_t multiple = 1; multiple < plan->first; multiple++) {
    sequence(search, before, at, stride, before);
    SWAP(uint8_t *, before, at);
  }
  for (size_t i = 0; i < plan->entries; i++) {
    if (plan->far[i] == FACTOR_NEXT) {
      sequence(search, before, at, stride, before);
      SWAP(uint8_t *, before, at);
    } else {
      MINUS(search->u, at, small[plan->far[i]]);
      MUL(all, all, search->u);
    }
  }
  leave(search, found + RSA_BLOCK, 2, count, all);
}

// ---- elliptic curves in Montgomery's form, points without their y

// r = 2 a
static void twice(search *search, point r, point a, const uint8_t *a24) {
  uint8_t *u = search->u, *v = search->v, *s = search->s;
  PLUS(u, a.x, a.z);
  SQR(u, u);
  MINUS(v, a.x, a.z);
  SQR(v, v);
  MINUS(s, u, v);
  MUL(r.x, u, v);
  MUL(u, a24, s);
  PLUS(u, u, v);
  MUL(r.z, s, u);
}

// r = a + b, where `difference` is a - b; r may be any of them
static void sum(search *search, point r, point a, point b, point difference) {
  uint8_t *u = search->u, *v = search->v, *s = search->s, *t = search->t;
  MINUS(s, a.x, a.z);
  PLUS(t, b.x, b.z);
  MUL(u, s, t);
  PLUS(s, a.x, a.z);
  MINUS(t, b.x, b.z);
  MUL(v, s, t);
  PLUS(s, u, v);
  SQR(s, s);
  MINUS(t, u, v);
  SQR(t, t);
  MUL(u, difference.z, s);
  MUL(r.z, difference.x, t);
  COPY(r.x, u);
}

// at[0] = k at[0] by a chain of sums whose differences are known (Montgomery's PRAC, 1992); at[1] to at[4] are room. The
// cases are those of factor-bigint.ts.
static void multiply(search *search, point *at, uint32_t k, uint32_t start, const uint8_t *a24) {
  point a = at[0], b = at[1], c = at[2], t = at[3], w = at[4];
  if (k == 2) {
    twice(search, a, a, a24);
    return;
  }
  uint32_t d = k - start, e = 2 * start - k;
  COPY(b.x, a.x);
  COPY(b.z, a.z);
  COPY(c.x, a.x);
  COPY(c.z, a.z);
  twice(search, a, a, a24);
  while (d != e) {
    if (d < e) {
      SWAP(uint32_t, d, e);
      SWAP(point, a, b);
    }
    if (d - e <= e / 4 && (d + e) % 3 == 0) {
      d = (2 * d - e) / 3;
      e = (e - d) / 2;
      sum(search, t, a, b, c);
      sum(search, w, t, a, b);
      sum(search, b, b, t, a);
      SWAP(point, a, w);
    } else if (d - e <= e / 4 && (d - e) % 6 == 0) {
      d = (d - e) / 2;
      sum(search, b, a, b, c);
      twice(search, a, a, a24);
    } else if ((d + 3) / 4 <= e) {
      d -= e;
      sum(search, c, b, a, c);
      SWAP(point, b, c);
    } else if ((d + e) % 2 == 0) {
      d = (d - e) / 2;
      sum(search, b, b, a, c);
      twice(search, a, a, a24);
    } else if (d % 2 == 0) {
      d /= 2;
      sum(search, c, c, a, b);
      twice(search, a, a, a24);
    } else if (d % 3 == 0) {
      d = d / 3 - e;
      twice(search, t, a, a24);
      sum(search, w, a, b, c);
      sum(search, a, t, a, a);
      sum(search, c, t, w, c);
      SWAP(point, b, c);
    } else if ((d + e) % 3 == 0) {
      d = (d - 2 * e) / 3;
      sum(search, t, a, b, c);
      sum(search, b, t, a, b);
      twice(search, t, a, a24);
      sum(search, a, a, t, a);
    } else if ((d - e) % 3 == 0) {
      d = (d - e) / 3;
      sum(search, t, a, b, c);
      sum(search, c, c, a, b);
      SWAP(point, b, t);
      twice(search, t, a, a24);
      sum(search, a, a, t, a);
    } else {
      e /= 2;
      sum(search, c, c, b, a);
      twice(search, b, b, a24);
    }
  }
  sum(search, a, a, b, c);
  at[0] = a;
  at[1] = b;
  at[2] = c;
  at[3] = t;
  at[4] = w;
}

// x = x / 2 modulo N
static void halve(uint64_t *x, const uint64_t *n) {
  uint64_t carry = 0;
  if (x[0] & 1) {
    for (int i = 0; i < N64; i++) {
      const unsigned __int128 t = (unsigned __int128)x[i] + n[i] + carry;
      x[i] = (uint64_t)t;
      carry = (uint64_t)(t >> 64);
    }
  }
  for (int i = 0; i < N64 - 1; i++) x[i] = x[i] >> 1 | x[i + 1] << 63;
  x[N64 - 1] = x[N64 - 1] >> 1 | carry << 63;
}

// a -= b; whether that was below 0, and is 2^2048 more
static int subtract(uint64_t *a, const uint64_t *b) {
  uint64_t borrow = 0;
  for (int i = 0; i < N64; i++) {
    const unsigned __int128 t = (unsigned __int128)a[i] - b[i] - borrow;
    a[i] = (uint64_t)t;
    borrow = (uint64_t)(t >> 64) & 1;
  }
  return (int)borrow;
}

static void add_to(uint64_t *a, const uint64_t *b) {
  uint64_t carry = 0;
  for (int i = 0; i < N64; i++) {
    const unsigned __int128 t = (unsigned __int128)a[i] + b[i] + carry;
    a[i] = (uint64_t)t;
    carry = (uint64_t)(t >> 64);
  }
}

static int is_small(const uint64_t *a, uint64_t value) {
  for (int i = 1; i < N64; i++) {
    if (a[i] != 0) return 0;
  }
  return a[0] == value;
}

// block = its inverse modulo N; 0, and returned, where it has none
static int invert(uint8_t *block, const uint64_t *n) {
  uint64_t u[N64] = { 0 }, v[N64], x[N64] = { 1 }, y[N64] = { 0 };
  for (int i = 0; i < RSA_BLOCK; i++) u[i / 8] |= (uint64_t)block[RSA_BLOCK - 1 - i] << (8 * (i % 8));
  memcpy(v, n, sizeof v);
  // u and v are x and y times the number, and v is odd.
  while (!is_small(u, 0)) {
    while ((u[0] & 1) == 0) {
      for (int i = 0; i < N64 - 1; i++) u[i] = u[i] >> 1 | u[i + 1] << 63;
      u[N64 - 1] >>= 1;
      halve(x, n);
    }
    int less = 0;
    for (int i = N64 - 1; i >= 0; i--) {
      if (u[i] != v[i]) {
        less = u[i] < v[i];
        break;
      }
    }
    if (less) {
      uint64_t swapped[N64];
      memcpy(swapped, u, sizeof u);
      memcpy(u, v, sizeof u);
      memcpy(v, swapped, sizeof u);
      memcpy(swapped, x, sizeof u);
      memcpy(x, y, sizeof u);
      memcpy(y, swapped, sizeof u);
    }
    subtract(u, v);
    if (subtract(x, y)) add_to(x, n);
  }
  const int inverted = is_small(v, 1);
  if (!inverted) memset(y, 0, sizeof y);
  for (int i = 0; i < RSA_BLOCK; i++) block[RSA_BLOCK - 1 - i] = (uint8_t)(y[i / 8] >> (8 * (i % 8)));
  return inverted;
}

// The x of all points where z is 1; `product` is the z of each lane multiplied. Where that has no inverse, `common` is 1 and
// the lane's x are 0. Needs count + 3 numbers.
static void normalize(search *search, const point *points, size_t count, const uint64_t *n, uint8_t (*product)[RSA_BLOCK], int *common) {
  uint8_t inverses[MOST_LANES][RSA_BLOCK];
  uint8_t *all = number(search), *inverse = number(search), *own = number(search), *before = search->free;
  COPY(all, search->one);
  for (size_t i = 0; i < count; i++) {
    COPY(before + i * search->lanes->bytes, all);
    MUL(all, all, points[i].z);
  }
  search->lanes->leave(product[0], all, &search->modulus);
  for (int i = 0; i < search->lanes->lanes; i++) {
    memcpy(inverses[i], product[i], RSA_BLOCK);
    common[i] = !invert(inverses[i], n);
  }
  search->lanes->enter(inverse, inverses[0], &search->modulus);
  for (size_t i = count; i-- > 0;) {
    MUL(own, inverse, before + i * search->lanes->bytes);
    MUL(inverse, inverse, points[i].z);
    MUL(points[i].x, points[i].x, own);
  }
}

static point keep(search *search, point at) {
  const point copy = new_point(search);
  COPY(copy.x, at.x);
  COPY(copy.z, at.z);
  return copy;
}

static void curves(search *search, const factor_plan *plan, point *kept, const uint64_t *n, const uint8_t *given, uint8_t *found, size_t count) {
  const size_t multiples = multiples_of(plan);
  uint8_t *a24 = number(search), *all = number(search);
  point room[5], before = new_point(search), next = new_point(search), at = new_point(search), second = new_point(search);
  for (int i = 0; i < 5; i++) room[i] = new_point(search);
  enter_small(search, search->one, 1);
  enter(search, room[0].x, given, 3, count);
  enter(search, room[0].z, given + RSA_BLOCK, 3, count);
  enter(search, a24, given + 2 * RSA_BLOCK, 3, count);
  for (size_t i = 0; i < plan->links; i++) multiply(search, room, plan->chain[2 * i], plan->chain[2 * i + 1], a24);
  leave(search, found, 2, count, room[0].z);

  // 1, 3, 5 ... times the point, by steps of twice the point.
  size_t points = 0;
  COPY(at.x, room[0].x);
  COPY(at.z, room[0].z);
  twice(search, second, at, a24);
  sum(search, next, second, at, at);
  for (int j = 1;; j += 2) {
    if (is_residue(j)) kept[points++] = keep(search, at);
    if (j == FACTOR_STRIDE / 2) break;
    SWAP(point, before, at);
    SWAP(point, at, next);
    sum(search, next, at, second, before);
  }
  // Multiples of the stride.
  const point stride = room[1];
  twice(search, stride, at, a24);
  COPY(at.x, stride.x);
  COPY(at.z, stride.z);
  for (size_t multiple = 1; multiple < plan->first + multiples; multiple++) {
    if (multiple >= plan->first) kept[points++] = keep(search, at);
    if (multiple == 1) twice(search, next, at, a24);
    else sum(search, next, at, stride, before);
    SWAP(point, before, at);
    SWAP(point, at, next);
  }
  uint8_t product[MOST_LANES][RSA_BLOCK];
  int common[MOST_LANES];
  normalize(search, kept, points, n, product, common);
  COPY(all, search->one);
  const point *large = kept + FACTOR_RESIDUES;
  for (size_t i = 0; i < plan->entries; i++) {
    if (plan->far[i] == FACTOR_NEXT) {
      large++;
      continue;
    }
    MINUS(search->u, large->x, kept[plan->far[i]].x);
    MUL(all, all, search->u);
  }
  leave(search, found + RSA_BLOCK, 2, count, all);
  for (size_t i = 0; i < count; i++) {
    if (common[i]) memcpy(found + (2 * i + 1) * RSA_BLOCK, product[i], RSA_BLOCK);
  }
}

static const rsa_lanes *lanes_of(rsa_path path) {
  return path == RSA_IFMA ? &rsa_ifma_lanes : path == RSA_AVX2 ? &rsa_avx2_lanes : &rsa_portable_lanes;
}

int factor_lanes(rsa_path path) {
  return lanes_of(path)->lanes;
}

int factor_powers(rsa_path path, const rsa_key *key, const factor_plan *plan, const uint8_t *starts, uint8_t *found, size_t count) {
  search search = { .lanes = lanes_of(path) };
  if (!reserve(&search, 8 + FACTOR_RESIDUES)) return RSA_NO_MEMORY;
  const unsigned before = search.lanes->begin(&search.modulus, key);
  const size_t lanes = (size_t)search.lanes->lanes;
  for (size_t done = 0; done < count; done += lanes) {
    const size_t now = count - done < lanes ? count - done : lanes;
    search.free = search.first;
    powers(&search, plan, starts + done * RSA_BLOCK, found + 2 * done * RSA_BLOCK, now);
  }
  search.lanes->end(before);
  free(search.memory);
  return RSA_OK;
}

int factor_curves(rsa_path path, const rsa_key *key, const factor_plan *plan, const uint8_t *given, uint8_t *found, size_t count) {
  search search = { .lanes = lanes_of(path) };
  const size_t points = FACTOR_RESIDUES + multiples_of(plan);
  point *kept = malloc(points * sizeof(point));
  if (kept == NULL) return RSA_NO_MEMORY;
  if (!reserve(&search, 20 + 2 * points + 3 + points)) {
    free(kept);
    return RSA_NO_MEMORY;
  }
  const unsigned before = search.lanes->begin(&search.modulus, key);
  const size_t lanes = (size_t)search.lanes->lanes;
  for (size_t done = 0; done < count; done += lanes) {
    const size_t now = count - done < lanes ? count - done : lanes;
    search.free = search.first;
    curves(&search, plan, kept, key->n, given + 3 * done * RSA_BLOCK, found + 2 * done * RSA_BLOCK, now);
  }
  search.lanes->end(before);
  free(search.memory);
  free(kept);
  return RSA_OK;
}
