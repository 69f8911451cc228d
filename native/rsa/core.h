// The RSA batch core: whole slabs of blocks through a private or a public key, with no dependency on Node.
//
// A block is an integer below 2^2048. Plain blocks travel as 255 bytes, sealed blocks as 256 bytes, both
// big-endian. The modulus has exactly 2048 bits and is the product of 4 primes of 512 bits, or of 3 primes of
// 683, 683 and 682 bits in any order. The public exponent is 65537.
#ifndef DATDOT_RSA_CORE_H
#define DATDOT_RSA_CORE_H

#include <stddef.h>
#include <stdint.h>

#define RSA_E 65537
#define RSA_BLOCK 256
#define RSA_PAYLOAD 255
#define RSA_MAX_PRIMES 4

// Words of 64 bits: the modulus, and the longest prime.
#define N64 32
#define P64 11

// Both paths compute with limbs that are shorter than the registers they sum products in, so that carries wait:
// 52 bits with IFMA, 58 in portable C. A modulus takes at most N_LIMBS of them, a prime P_LIMBS, and N / p
// C_LIMBS. A block is at most PIECES pieces of the length of a prime.
#define N_LIMBS 40
#define P_LIMBS 14
#define C_LIMBS 30
#define PIECES 4

// R is 2^(limb bits * limbs) for the number of limbs that a prime or the modulus takes.
typedef struct {
  uint64_t p[P_LIMBS];            // the prime
  uint64_t inv;                   // -1/p modulo one limb
  uint64_t one[P_LIMBS];          // R mod p
  uint64_t fold[PIECES][P_LIMBS]; // R^(k+2) mod p: lifts piece k of a block into Montgomery form
  uint64_t coef[P_LIMBS];         // (N/p)^-1 mod p, plain
  uint64_t cofactor[C_LIMBS];     // N/p
} rsa_prime;

typedef struct {
  uint64_t n[N_LIMBS];
  uint64_t inv;                   // -1/N modulo one limb
  uint64_t rr[N_LIMBS];           // R^2 mod N
} rsa_modulus;

// One key for one path.
typedef struct {
  rsa_modulus modulus;
  rsa_prime prime[RSA_MAX_PRIMES];
} rsa_form;

typedef struct {
  int primes;                     // 0 for a public key, else 3 or 4
  uint64_t n[N64];
  uint64_t d[RSA_MAX_PRIMES][P64]; // e^-1 mod (p - 1)
  rsa_form limbs52, limbs58;
} rsa_key;

enum {
  RSA_OK = 0,
  RSA_BAD_KEY,        // sizes, equal primes, p - 1 not coprime to e, modulus not of 2048 bits
  RSA_BAD_BLOCK,      // a sealed block that is not below N, or does not open to 255 bytes
  RSA_CHECK_FAILED,   // a private operation whose result the public operation does not undo
  RSA_NO_MEMORY
};

// `primes` is `count` primes one after another, big-endian, each 64 bytes (count 4) or 86 bytes (count 3).
// Primality is not tested here: with a composite every seal fails its check.
int rsa_key_private(rsa_key *key, const uint8_t *primes, int count);
// `modulus` is 256 bytes, big-endian.
int rsa_key_public(rsa_key *key, const uint8_t *modulus);
void rsa_key_modulus(const rsa_key *key, uint8_t *modulus);
// A key from 32 bytes of randomness, `primes` as above; the same seed gives the same key.
int rsa_generate(const uint8_t *seed, int count, uint8_t *primes, uint8_t *modulus);

void rsa_wipe(void *memory, size_t bytes);
// Overwrites the stack below the caller's, where functions that have returned left numbers, and the vector registers.
// Whoever calls what works with a private key calls this afterwards.
void rsa_forget(void);

int rsa_below_modulus(const rsa_key *key, const uint8_t *block); // whether a block of 256 bytes is below N

// How the exponentiations are done; the numbers are those of the addon's arguments.
typedef enum { RSA_PORTABLE, RSA_AVX2, RSA_IFMA, RSA_PATHS } rsa_path;
int rsa_supported(rsa_path path);

// Seal `count` blocks of 255 bytes into as many of 256, none of which overlap. Every block was opened again, as the
// bytes that it leaves as, and was what it had been before. On RSA_CHECK_FAILED `sealed` is all zeros.
int rsa_seal(rsa_path path, const rsa_key *key, const uint8_t *plain, uint8_t *sealed, size_t count);
// The other way round; on RSA_BAD_BLOCK `*bad` is the first block refused, and those before it are opened.
int rsa_open(rsa_path path, const rsa_key *key, const uint8_t *sealed, uint8_t *plain, size_t count, size_t *bad);

// What a path is. `private_power` checks nothing; it leaves nothing of the key behind but in registers and in stack
// that is no longer used. Only where rsa_supported().
typedef struct {
  void (*private_power)(const rsa_key *key, const uint8_t *plain, uint8_t *sealed, size_t count);
  // c^e mod N of blocks below N, each to 256 bytes.
  void (*public_power)(const rsa_key *key, const uint8_t *sealed, uint8_t *opened, size_t count);
} rsa_functions;
extern const rsa_functions rsa_portable, rsa_avx2, rsa_ifma;
int rsa_avx2_supported(void);
int rsa_ifma_supported(void);

// Arithmetic modulo N on as many numbers at once as a path has lanes, for the search for factors: nothing in it is secret.
// A number in all lanes takes `bytes`, aligned to 64, and is in Montgomery form. `mul` and `sqr` give less than 2N and take
// less than 8N; `add` and `sub` take less than 2N and give less than 4N, `sub` as a - b + 2N. r may be a or b.
typedef struct {
  int lanes;
  size_t bytes;
  // What the others are given as `modulus`; until `end` no other work may be done in this thread. `end` takes what it returned.
  unsigned (*begin)(rsa_modulus *modulus, const rsa_key *key);
  void (*end)(unsigned before);
  // From, and to, `lanes` blocks of numbers below N.
  void (*enter)(void *r, const uint8_t *blocks, const rsa_modulus *modulus);
  void (*leave)(uint8_t *blocks, const void *a, const rsa_modulus *modulus);
  void (*mul)(void *r, const void *a, const void *b, const rsa_modulus *modulus);
  void (*sqr)(void *r, const void *a, const rsa_modulus *modulus);
  void (*add)(void *r, const void *a, const void *b, const rsa_modulus *modulus);
  void (*sub)(void *r, const void *a, const void *b, const rsa_modulus *modulus);
} rsa_lanes;
extern const rsa_lanes rsa_portable_lanes, rsa_avx2_lanes, rsa_ifma_lanes;

// What a search does, see src/crypto/factor-plan.ts.
typedef struct {
  const uint32_t *chain; // pairs of a prime to multiply by and where its chain of sums begins
  size_t links;
  const uint16_t *far;   // the numbers of residues, FACTOR_NEXT between one multiple of the stride and the next
  size_t entries;
  uint32_t first;        // the multiple of the stride to begin with
} factor_plan;
#define FACTOR_NEXT 0xffff
#define FACTOR_STRIDE 2310
#define FACTOR_RESIDUES 240 // odd numbers below half of it that are coprime to it
#define FACTOR_MOST (1u << 23) // above all primes of a plan

int factor_lanes(rsa_path path);
// Whether a plan can be followed.
int factor_plan_holds(const factor_plan *plan);
// Both write two numbers below N of 256 bytes each for every input: what the near bound comes to, and the far bound. A
// factor that is found divides one of them. RSA_OK or RSA_NO_MEMORY.
// p - 1 and p + 1, from a number each.
int factor_powers(rsa_path path, const rsa_key *key, const factor_plan *plan, const uint8_t *starts, uint8_t *found, size_t count);
// Elliptic curves, each from three numbers: x and z of a point, and (A + 2) / 4 of the curve.
int factor_curves(rsa_path path, const rsa_key *key, const factor_plan *plan, const uint8_t *curves, uint8_t *found, size_t count);

#ifdef DATDOT_RSA_FAULTS
// Compiled into the self-test only: flips a bit of the exponentiation modulo this prime, or this bit of the bytes that
// a batch of blocks is about to leave as (-1: none).
extern int rsa_fault_prime, rsa_fault_bit;
#endif

#endif
