// Batches of blocks on any path, and the check that every sealed block passes before it is released. Bell, Boneh,
// DeMillo and Lipton: one wrong result of a private operation done prime by prime shows a factor of the modulus.
#include <string.h>
#include "core.h"

#define BATCH 64 // blocks: a multiple of every path's lanes, with little enough memory for a stack

#ifdef DATDOT_RSA_FAULTS
int rsa_fault_bit = -1;
#endif

static const rsa_functions *functions_of(rsa_path path) {
  return path == RSA_IFMA ? &rsa_ifma : path == RSA_AVX2 ? &rsa_avx2 : &rsa_portable;
}

int rsa_supported(rsa_path path) {
  return path == RSA_PORTABLE || (path == RSA_AVX2 && rsa_avx2_supported()) || (path == RSA_IFMA && rsa_ifma_supported());
}

// Opens up to BATCH blocks; returns how many are good, which is `count` or the number of the first that is not.
static size_t open_batch(const rsa_functions *path, const rsa_key *key, const uint8_t *sealed, uint8_t *plain, size_t count) {
  uint8_t opened[BATCH][RSA_BLOCK];
  size_t good = 0;
  while (good < count && rsa_below_modulus(key, sealed + good * RSA_BLOCK)) good++;
  path->public_power(key, sealed, opened[0], good);
  for (size_t i = 0; i < good; i++) {
    if (opened[i][0] != 0) return i;
    memcpy(plain + i * RSA_PAYLOAD, opened[i] + 1, RSA_PAYLOAD);
  }
  return good;
}

int rsa_open(rsa_path path, const rsa_key *key, const uint8_t *sealed, uint8_t *plain, size_t count, size_t *bad) {
  for (size_t done = 0; done < count; done += BATCH) {
    const size_t now = count - done < BATCH ? count - done : BATCH;
    const size_t good = open_batch(functions_of(path), key, sealed + done * RSA_BLOCK, plain + done * RSA_PAYLOAD, now);
    if (good == now) continue;
    *bad = done + good;
    return RSA_BAD_BLOCK;
  }
  return RSA_OK;
}

int rsa_seal(rsa_path path, const rsa_key *key, const uint8_t *plain, uint8_t *sealed, size_t count) {
  const rsa_functions *functions = functions_of(path);
  uint8_t blocks[BATCH * RSA_BLOCK], opened[BATCH * RSA_PAYLOAD];
  for (size_t done = 0; done < count; done += BATCH) {
    const size_t now = count - done < BATCH ? count - done : BATCH;
    functions->private_power(key, plain + done * RSA_PAYLOAD, blocks, now);
    rsa_forget();
#ifdef DATDOT_RSA_FAULTS
    if (rsa_fault_bit >= 0 && (size_t)rsa_fault_bit < 8 * RSA_BLOCK * now) blocks[rsa_fault_bit / 8] ^= 1 << rsa_fault_bit % 8;
#endif
    // The bytes themselves are opened, with nothing left over from making them; so no form of a number that a path
    // computes with can hide a fault.
    const size_t good = open_batch(functions, key, blocks, opened, now);
    if (good != now || memcmp(opened, plain + done * RSA_PAYLOAD, now * RSA_PAYLOAD) != 0) {
      rsa_wipe(blocks, sizeof blocks);
      rsa_wipe(sealed, count * RSA_BLOCK);
      return RSA_CHECK_FAILED;
    }
    memcpy(sealed + done * RSA_BLOCK, blocks, now * RSA_BLOCK);
  }
  return RSA_OK;
}
