// The batch core for Node, over Node-API only: it can be loaded in any number of threads. A key is an object of
// the thread that loaded it, wiped when it is collected or on request.
#include <stdlib.h>
#include <string.h>
#define NAPI_VERSION 8
#include <node_api.h>
#include "core.h"

typedef struct {
  rsa_key key;
  int loaded;
} handle;

static const napi_type_tag KEY_TAG = { 0x6461746f74727361, 0x7365616c6b657931 };

// Throws a TypeError or Error with a stable code; the TypeScript side knows these and gives them words.
static napi_value fail(napi_env env, const char *code, const char *message) {
  napi_throw_error(env, code, message);
  return NULL;
}

static int bytes_of(napi_env env, napi_value value, uint8_t **data, size_t *length) {
  bool typed = false;
  napi_typedarray_type type;
  void *at = NULL;
  if (napi_is_typedarray(env, value, &typed) != napi_ok || !typed) return 0;
  if (napi_get_typedarray_info(env, value, &type, length, &at, NULL, NULL) != napi_ok) return 0;
  if (type != napi_uint8_array || (at == NULL && *length > 0)) return 0;
  *data = at;
  return 1;
}

static handle *handle_of(napi_env env, napi_value value) {
  napi_valuetype type;
  bool tagged = false;
  void *data = NULL;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_object) return NULL;
  if (napi_check_object_type_tag(env, value, &KEY_TAG, &tagged) != napi_ok || !tagged) return NULL;
  if (napi_unwrap(env, value, &data) != napi_ok) return NULL;
  return data;
}

static void destroy(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  rsa_wipe(data, sizeof(handle));
  free(data);
}

static handle *new_handle(napi_env env, napi_value *object) {
  handle *made = calloc(1, sizeof(handle));
  if (made == NULL) return NULL;
  if (napi_create_object(env, object) != napi_ok || napi_wrap(env, *object, made, destroy, NULL, NULL) != napi_ok) {
    free(made);
    return NULL;
  }
  if (napi_type_tag_object(env, *object, &KEY_TAG) != napi_ok) return NULL; // collected with its object
  return made;
}

// privateKey(primes: Uint8Array): key
static napi_value private_key(napi_env env, napi_callback_info info) {
  size_t argc = 1, length = 0;
  napi_value argv[1], object;
  uint8_t *primes;
  if (napi_get_cb_info(env, info, &argc, argv, NULL, NULL) != napi_ok || argc < 1) return fail(env, "RSA_ARGUMENT", "one argument needed");
  if (!bytes_of(env, argv[0], &primes, &length) || (length != 4 * 64 && length != 3 * 86)) {
    return fail(env, "RSA_ARGUMENT", "primes must be 4 x 64 or 3 x 86 bytes");
  }
  handle *made = new_handle(env, &object);
  if (made == NULL) return fail(env, "RSA_MEMORY", "no memory for a key");
  if (rsa_key_private(&made->key, primes, length == 4 * 64 ? 4 : 3) != RSA_OK) {
    return fail(env, "RSA_KEY", "the primes make no key");
  }
  made->loaded = 1;
  return object;
}

// generate(seed: Uint8Array, primes: Uint8Array, modulus: Uint8Array): void; the length of `primes` says how many
static napi_value generate(napi_env env, napi_callback_info info) {
  size_t argc = 3, seed_length = 0, length = 0, modulus_length = 0;
  napi_value argv[3];
  uint8_t *seed, *primes, *modulus;
  if (napi_get_cb_info(env, info, &argc, argv, NULL, NULL) != napi_ok || argc < 3) return fail(env, "RSA_ARGUMENT", "three arguments needed");
  if (!bytes_of(env, argv[0], &seed, &seed_length) || !bytes_of(env, argv[1], &primes, &length) ||
      !bytes_of(env, argv[2], &modulus, &modulus_length) || seed_length != 32 || modulus_length != RSA_BLOCK ||
      (length != 4 * 64 && length != 3 * 86)) {
    return fail(env, "RSA_ARGUMENT", "generate needs a seed of 32 bytes, and 4 x 64 or 3 x 86, and 256 bytes to write to");
  }
  rsa_generate(seed, length == 4 * 64 ? 4 : 3, primes, modulus);
  return NULL;
}

// modulus(key): ArrayBuffer of 256 bytes
static napi_value modulus_of(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argv[1], result;
  handle *key;
  void *data;
  if (napi_get_cb_info(env, info, &argc, argv, NULL, NULL) != napi_ok || argc < 1 || (key = handle_of(env, argv[0])) == NULL || !key->loaded) {
    return fail(env, "RSA_ARGUMENT", "modulus needs a key");
  }
  if (napi_create_arraybuffer(env, RSA_BLOCK, &data, &result) != napi_ok) return fail(env, "RSA_MEMORY", "no memory for a modulus");
  rsa_key_modulus(&key->key, data);
  return result;
}

// publicKey(modulus: Uint8Array): key
static napi_value public_key(napi_env env, napi_callback_info info) {
  size_t argc = 1, length = 0;
  napi_value argv[1], object;
  uint8_t *modulus;
  if (napi_get_cb_info(env, info, &argc, argv, NULL, NULL) != napi_ok || argc < 1) return fail(env, "RSA_ARGUMENT", "one argument needed");
  if (!bytes_of(env, argv[0], &modulus, &length) || length != RSA_BLOCK) {
    return fail(env, "RSA_ARGUMENT", "the modulus must be 256 bytes");
  }
  handle *made = new_handle(env, &object);
  if (made == NULL) return fail(env, "RSA_MEMORY", "no memory for a key");
  if (rsa_key_public(&made->key, modulus) != RSA_OK) return fail(env, "RSA_KEY", "the modulus is not odd or not of 2048 bits");
  made->loaded = 1;
  return object;
}

// wipe(key): void
static napi_value wipe(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argv[1];
  handle *key;
  if (napi_get_cb_info(env, info, &argc, argv, NULL, NULL) != napi_ok || argc < 1 || (key = handle_of(env, argv[0])) == NULL) {
    return fail(env, "RSA_ARGUMENT", "wipe needs a key");
  }
  rsa_wipe(key, sizeof *key);
  return NULL;
}

typedef struct {
  handle *key;
  uint8_t *plain, *sealed;
  size_t count;
  rsa_path path;
} job;

// A number that names a path which this CPU has
static int path_of(napi_env env, napi_value value, rsa_path *path) {
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok) return 0;
  for (int i = 0; i < RSA_PATHS; i++) {
    if (number == i) {
      *path = (rsa_path)i;
      return rsa_supported(*path);
    }
  }
  return 0;
}

// (key, from: Uint8Array, to: Uint8Array, path: number), with whole blocks on both sides and no overlap
static int job_of(napi_env env, napi_callback_info info, int sealing, job *out) {
  size_t argc = 4, from_length = 0, to_length = 0;
  napi_value argv[4];
  uint8_t *from, *to;
  if (napi_get_cb_info(env, info, &argc, argv, NULL, NULL) != napi_ok || argc < 4) return 0;
  if ((out->key = handle_of(env, argv[0])) == NULL || !out->key->loaded) return 0;
  if (sealing && out->key->key.primes == 0) return 0;
  if (!bytes_of(env, argv[1], &from, &from_length) || !bytes_of(env, argv[2], &to, &to_length)) return 0;
  if (!path_of(env, argv[3], &out->path)) return 0;
  const size_t from_block = sealing ? RSA_PAYLOAD : RSA_BLOCK, to_block = sealing ? RSA_BLOCK : RSA_PAYLOAD;
  out->count = from_length / from_block;
  if (out->count * from_block != from_length || out->count * to_block != to_length) return 0;
  if (from < to + to_length && to < from + from_length) return 0;
  out->plain = sealing ? from : to;
  out->sealed = sealing ? to : from;
  return 1;
}

// seal(key, plain, sealed, path): void
static napi_value seal(napi_env env, napi_callback_info info) {
  job j;
  if (!job_of(env, info, 1, &j)) {
    return fail(env, "RSA_ARGUMENT", "seal needs a private key, n x 255 bytes, n x 256 bytes apart from them, and a path");
  }
  if (rsa_seal(j.path, &j.key->key, j.plain, j.sealed, j.count) == RSA_OK) return NULL;
  return fail(env, "RSA_CHECK", "a sealed block did not open to what was sealed");
}

// open(key, sealed, plain, path): the first block refused, or -1
static napi_value open(napi_env env, napi_callback_info info) {
  job j;
  size_t bad = 0;
  napi_value result;
  if (!job_of(env, info, 0, &j)) {
    return fail(env, "RSA_ARGUMENT", "open needs a key, n x 256 bytes, n x 255 bytes apart from them, and a path");
  }
  const int status = rsa_open(j.path, &j.key->key, j.sealed, j.plain, j.count, &bad);
  napi_create_int64(env, status == RSA_OK ? -1 : (int64_t)bad, &result);
  return result;
}

// A typed array of whole items of 4 or 2 bytes
static int items_of(napi_env env, napi_value value, napi_typedarray_type wanted, const void **data, size_t *count) {
  bool typed = false;
  napi_typedarray_type type;
  void *at = NULL;
  if (napi_is_typedarray(env, value, &typed) != napi_ok || !typed) return 0;
  if (napi_get_typedarray_info(env, value, &type, count, &at, NULL, NULL) != napi_ok) return 0;
  if (type != wanted || (at == NULL && *count > 0)) return 0;
  *data = at;
  return 1;
}

// search(key, path: number, chain: Uint32Array, far: Uint16Array, first: number, given: Uint8Array, found: Uint8Array): void
// `given` is a number for each start of p - 1 and p + 1, or three for each curve; `found` two for each
static napi_value look_for(napi_env env, napi_callback_info info, size_t numbers) {
  size_t argc = 7, given_length = 0, found_length = 0, chain_length = 0;
  napi_value argv[7];
  handle *key;
  rsa_path path;
  uint8_t *given, *found;
  double first;
  const void *chain, *far;
  factor_plan plan;
  if (napi_get_cb_info(env, info, &argc, argv, NULL, NULL) != napi_ok || argc < 7 || (key = handle_of(env, argv[0])) == NULL ||
      !key->loaded || !path_of(env, argv[1], &path) || !items_of(env, argv[2], napi_uint32_array, &chain, &chain_length) ||
      !items_of(env, argv[3], napi_uint16_array, &far, &plan.entries) || napi_get_value_double(env, argv[4], &first) != napi_ok ||
      !bytes_of(env, argv[5], &given, &given_length) || !bytes_of(env, argv[6], &found, &found_length)) {
    return fail(env, "RSA_ARGUMENT", "a search needs a key, a path, a plan, and numbers of 256 bytes");
  }
  const size_t count = given_length / (numbers * RSA_BLOCK);
  plan.chain = chain;
  plan.links = chain_length / 2;
  plan.far = far;
  plan.first = first >= 1 && first <= FACTOR_MOST ? (uint32_t)first : 0;
  int fits = count * numbers * RSA_BLOCK == given_length && count * 2 * RSA_BLOCK == found_length && plan.links * 2 == chain_length &&
             (found >= given + given_length || given >= found + found_length) && plan.first == first && factor_plan_holds(&plan);
  for (size_t i = 0; fits && i < count * numbers; i++) fits = rsa_below_modulus(&key->key, given + i * RSA_BLOCK);
  if (!fits) return fail(env, "RSA_ARGUMENT", "a search needs a plan that holds, numbers below N, and room for two of 256 bytes for each");
  const int status = numbers == 1 ? factor_powers(path, &key->key, &plan, given, found, count)
                                  : factor_curves(path, &key->key, &plan, given, found, count);
  if (status == RSA_OK) return NULL;
  return fail(env, "RSA_MEMORY", "no memory for a search");
}

static napi_value search_powers(napi_env env, napi_callback_info info) {
  return look_for(env, info, 1);
}

static napi_value search_curves(napi_env env, napi_callback_info info) {
  return look_for(env, info, 3);
}

// lanes(path: number): how many curves a path goes through at once
static napi_value lanes(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argv[1], result;
  rsa_path path;
  if (napi_get_cb_info(env, info, &argc, argv, NULL, NULL) != napi_ok || argc < 1 || !path_of(env, argv[0], &path)) {
    return fail(env, "RSA_ARGUMENT", "lanes needs a path");
  }
  napi_create_int32(env, factor_lanes(path), &result);
  return result;
}

// supports(path: number): whether this CPU has the instructions of a path
static napi_value supports(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argv[1], result;
  rsa_path path;
  if (napi_get_cb_info(env, info, &argc, argv, NULL, NULL) != napi_ok || argc < 1) return fail(env, "RSA_ARGUMENT", "one argument needed");
  napi_get_boolean(env, path_of(env, argv[0], &path), &result);
  return result;
}

NAPI_MODULE_INIT() {
  const struct {
    const char *name;
    napi_callback call;
  } functions[] = { { "privateKey", private_key }, { "publicKey", public_key }, { "wipe", wipe },
                    { "seal", seal },              { "open", open },            { "supports", supports },
                    { "generate", generate },      { "modulus", modulus_of },   { "lanes", lanes },
                    { "searchPowers", search_powers }, { "searchCurves", search_curves } };
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value function;
    if (napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].call, NULL, &function) != napi_ok ||
        napi_set_named_property(env, exports, functions[i].name, function) != napi_ok) {
      return NULL;
    }
  }
  return exports;
}
