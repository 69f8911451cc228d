// Reading what JavaScript hands in. Every function returns false with an exception pending for what is not as it should be.
#ifndef DATDOT_ARGUMENTS_H
#define DATDOT_ARGUMENTS_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint8_t *data;
  size_t length;
} Bytes;

typedef struct {
  const uint32_t *data;
  size_t length;
} Words;

static inline bool fail(napi_env env, const char *message) {
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (!pending) napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", message);
  return false;
}

static inline bool get_typed(napi_env env, napi_value value, napi_typedarray_type type, void **data, size_t *length) {
  bool typed = false;
  napi_typedarray_type actual;
  if (napi_is_typedarray(env, value, &typed) != napi_ok || !typed) return false;
  if (napi_get_typedarray_info(env, value, &actual, length, data, NULL, NULL) != napi_ok) return false;
  return actual == type && (*data != NULL || *length == 0);
}

static inline bool get_bytes(napi_env env, napi_value value, Bytes *out) {
  void *data = NULL;
  if (!get_typed(env, value, napi_uint8_array, &data, &out->length)) return fail(env, "expected a Uint8Array");
  out->data = data;
  return true;
}

static inline bool get_words(napi_env env, napi_value value, Words *out) {
  void *data = NULL;
  if (!get_typed(env, value, napi_uint32_array, &data, &out->length)) return fail(env, "expected a Uint32Array");
  out->data = data;
  return true;
}

static inline bool get_u32(napi_env env, napi_value value, uint32_t *out) {
  double number = 0;
  if (napi_get_value_double(env, value, &number) != napi_ok || !(number >= 0) || number > 4294967295.0 ||
      number != (double)(uint32_t)number) {
    return fail(env, "expected an integer in 0..2^32-1");
  }
  *out = (uint32_t)number;
  return true;
}

static inline bool get_arguments(napi_env env, napi_callback_info info, size_t expected, napi_value *arguments) {
  size_t count = expected;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok) return fail(env, "no arguments");
  return count >= expected || fail(env, "too few arguments");
}

static inline bool get_doubles(napi_env env, napi_value value, double **out, size_t *length) {
  void *data = NULL;
  if (!get_typed(env, value, napi_float64_array, &data, length)) return fail(env, "expected a Float64Array");
  *out = data;
  return true;
}

#endif
