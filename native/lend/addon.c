// Lends buffers of one thread to others, which copy out of them: chunks then go from where a source has them
// straight into the cache of the core that encodes them, and the thread that runs the stream copies nothing.
//
// A loan holds a strong reference to its buffers until it ends. Ending it waits for whoever is copying at that
// moment, so that no thread reads memory that has been freed, whatever became of its task. As with every
// asynchronous use of a buffer in Node, its owner must not detach it (`transfer`) while it is lent.
#include <node_api.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

// More loans at a time than any engine has slabs are a leak.
#define LOANS_MAX 65536

typedef struct {
  const uint8_t *data;
  size_t length;
  size_t at; // where in the borrower's memory it goes
} Piece;

typedef struct Loan {
  struct Loan *next;
  double number;
  napi_env env;   // of the thread that lends
  napi_ref owner; // the array of buffers
  size_t borrowers;
  size_t count;
  Piece pieces[];
} Loan;

static uv_once_t once = UV_ONCE_INIT;
static uv_mutex_t mutex; // guards all that follows
static uv_cond_t returned;
static Loan *loans = NULL;
static size_t lent = 0;
static double last_number = 0;

static void set_up(void) {
  if (uv_mutex_init(&mutex) != 0 || uv_cond_init(&returned) != 0) abort();
}

static napi_value fail(napi_env env, const char *message) {
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (!pending) napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", message);
  return NULL;
}

static bool get_bytes(napi_env env, napi_value value, uint8_t **data, size_t *length) {
  bool typed = false;
  napi_typedarray_type type;
  void *start = NULL;
  if (napi_is_typedarray(env, value, &typed) != napi_ok || !typed) return false;
  if (napi_get_typedarray_info(env, value, &type, length, &start, NULL, NULL) != napi_ok) return false;
  *data = start;
  return type == napi_uint8_array && (start != NULL || *length == 0);
}

static bool get_size(napi_env env, napi_value value, size_t *out) {
  double number = 0;
  if (napi_get_value_double(env, value, &number) != napi_ok) return false;
  if (!(number >= 0) || number > 9007199254740991.0 || number != (double)(uint64_t)number) return false;
  *out = (size_t)number;
  return true;
}

// Takes a loan out of the list once nobody borrows from it. The mutex is held.
static void end(Loan *loan) {
  Loan **link = &loans;
  while (*link != loan) link = &(*link)->next;
  *link = loan->next;
  lent--;
  while (loan->borrowers > 0) uv_cond_wait(&returned, &mutex);
}

static Loan *find(double number) {
  Loan *loan = loans;
  while (loan != NULL && loan->number != number) loan = loan->next;
  return loan;
}

// A thread that ends takes its buffers along.
static void end_all_of(void *env) {
  uv_mutex_lock(&mutex);
  for (Loan *loan = loans; loan != NULL;) {
    Loan *next = loan->next;
    if (loan->env == env) {
      end(loan);
      free(loan);
    }
    loan = next;
  }
  uv_mutex_unlock(&mutex);
}

// lend(buffers: Uint8Array[], offsets: number[]): number. Buffer i goes to offsets[i], which rise.
static napi_value lend(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t given = 2;
  uint32_t count = 0, offsets = 0;
  if (napi_get_cb_info(env, info, &given, arguments, NULL, NULL) != napi_ok || given < 2 ||
      napi_get_array_length(env, arguments[0], &count) != napi_ok ||
      napi_get_array_length(env, arguments[1], &offsets) != napi_ok || count != offsets) {
    return fail(env, "expected an array of buffers and an array of as many offsets");
  }
  Loan *loan = malloc(sizeof(Loan) + count * sizeof(Piece));
  if (loan == NULL) return fail(env, "no memory for a loan");
  size_t least = 0;
  for (uint32_t i = 0; i < count; i++) {
    napi_value buffer, offset;
    uint8_t *data = NULL;
    Piece *piece = &loan->pieces[i];
    if (napi_get_element(env, arguments[0], i, &buffer) != napi_ok ||
        napi_get_element(env, arguments[1], i, &offset) != napi_ok ||
        !get_bytes(env, buffer, &data, &piece->length) || piece->length == 0 ||
        !get_size(env, offset, &piece->at) || piece->at < least) {
      free(loan);
      return fail(env, "expected buffers that are not empty, and offsets that rise");
    }
    piece->data = data;
    least = piece->at + piece->length;
  }
  if (napi_create_reference(env, arguments[0], 1, &loan->owner) != napi_ok) {
    free(loan);
    return fail(env, "the buffers cannot be held");
  }
  loan->env = env;
  loan->borrowers = 0;
  loan->count = count;

  uv_mutex_lock(&mutex);
  const bool full = lent == LOANS_MAX;
  if (!full) {
    loan->number = ++last_number;
    loan->next = loans;
    loans = loan;
    lent++;
  }
  uv_mutex_unlock(&mutex);
  if (full) {
    napi_delete_reference(env, loan->owner);
    free(loan);
    return fail(env, "too many loans");
  }
  napi_value number;
  return napi_create_double(env, loan->number, &number) == napi_ok ? number : NULL;
}

static void copy_out(const Loan *loan, uint8_t *target, size_t from, size_t to) {
  size_t low = 0, high = loan->count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (loan->pieces[middle].at < from) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  for (; low < loan->count; low++) {
    const Piece *piece = &loan->pieces[low];
    if (piece->length > to || piece->at > to - piece->length) return;
    memcpy(target + piece->at, piece->data, piece->length);
  }
}

// borrow(number, target, from, to): copies to `target` every buffer that lies wholly in [from, to) there.
static napi_value borrow(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  size_t given = 4, length = 0, from = 0, to = 0;
  double number = 0;
  uint8_t *target = NULL;
  if (napi_get_cb_info(env, info, &given, arguments, NULL, NULL) != napi_ok || given < 4 ||
      napi_get_value_double(env, arguments[0], &number) != napi_ok ||
      !get_bytes(env, arguments[1], &target, &length) || !get_size(env, arguments[2], &from) ||
      !get_size(env, arguments[3], &to) || from > to || to > length) {
    return fail(env, "expected a loan, memory, and a range of it");
  }
  uv_mutex_lock(&mutex);
  Loan *loan = find(number);
  if (loan != NULL) loan->borrowers++;
  uv_mutex_unlock(&mutex);
  if (loan == NULL) return fail(env, "there is no such loan");
  copy_out(loan, target, from, to);
  uv_mutex_lock(&mutex);
  if (--loan->borrowers == 0) uv_cond_broadcast(&returned);
  uv_mutex_unlock(&mutex);
  return NULL;
}

// release(number): ends a loan of this thread.
static napi_value release(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  size_t given = 1;
  double number = 0;
  if (napi_get_cb_info(env, info, &given, arguments, NULL, NULL) != napi_ok || given < 1 ||
      napi_get_value_double(env, arguments[0], &number) != napi_ok) {
    return fail(env, "expected a loan");
  }
  uv_mutex_lock(&mutex);
  Loan *loan = find(number);
  const bool own = loan != NULL && loan->env == env;
  if (own) end(loan);
  uv_mutex_unlock(&mutex);
  if (!own) return fail(env, "there is no such loan of this thread");
  napi_delete_reference(env, loan->owner);
  free(loan);
  return NULL;
}

// count(): loans of all threads.
static napi_value count_loans(napi_env env, napi_callback_info info) {
  (void)info;
  uv_mutex_lock(&mutex);
  const double count = (double)lent;
  uv_mutex_unlock(&mutex);
  napi_value value;
  return napi_create_double(env, count, &value) == napi_ok ? value : NULL;
}

NAPI_MODULE_INIT() {
  uv_once(&once, set_up);
  const napi_property_descriptor properties[] = {
      {"lend", NULL, lend, NULL, NULL, NULL, napi_enumerable, NULL},
      {"borrow", NULL, borrow, NULL, NULL, NULL, napi_enumerable, NULL},
      {"release", NULL, release, NULL, NULL, NULL, napi_enumerable, NULL},
      {"count", NULL, count_loans, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  if (napi_add_env_cleanup_hook(env, end_all_of, env) != napi_ok ||
      napi_define_properties(env, exports, sizeof properties / sizeof *properties, properties) != napi_ok) {
    return NULL;
  }
  return exports;
}
