/*
 * A disk that fails when it is told to: loaded into a process with LD_PRELOAD, it stands before the system's reads and writes.
 *
 * FAULT_CONTROL names a file of lines `KIND WHERE`, read again whenever it changes; a line applies to files whose path contains WHERE:
 *
 *   EIO-READ EIO-WRITE EIO    reads, writes (with fsync and truncation), or both fail with EIO
 *   ENOSPC                    writes fail with ENOSPC
 *   SHORT                     a write takes half of what it is given
 *   SLOW                      a write takes 50 ms longer
 *   EMFILE                    no such file can be opened
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define RULES 16
#define PATH 512
#define LOOK_NS 5000000L

enum { READS = 1, WRITES = 2, OPENS = 4 };
struct rule {
  int on, error, is_short, is_slow;
  char where[PATH];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rule rules[RULES];
static atomic_int count;
static atomic_long looked;
static struct timespec changed;
static __thread int busy;

static int parse(const char *kind, struct rule *rule) {
  memset(rule, 0, sizeof *rule);
  rule->error = EIO;
  if (!strcmp(kind, "EIO-READ")) rule->on = READS;
  else if (!strcmp(kind, "EIO-WRITE")) rule->on = WRITES;
  else if (!strcmp(kind, "EIO")) rule->on = READS | WRITES;
  else if (!strcmp(kind, "ENOSPC")) rule->on = WRITES, rule->error = ENOSPC;
  else if (!strcmp(kind, "SHORT")) rule->on = WRITES, rule->error = 0, rule->is_short = 1;
  else if (!strcmp(kind, "SLOW")) rule->on = WRITES, rule->error = 0, rule->is_slow = 1;
  else if (!strcmp(kind, "EMFILE")) rule->on = OPENS, rule->error = EMFILE;
  else return 0;
  return 1;
}

/* With the system's own calls: libc's are ours. */
static void read_rules(const char *path) {
  char text[8192];
  int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return;
  long length = syscall(SYS_read, fd, text, sizeof text - 1);
  syscall(SYS_close, fd);
  if (length < 0) return;
  text[length] = 0;
  int known = 0;
  for (char *rest = text, *line; known < RULES && (line = strsep(&rest, "\n"));) {
    char kind[32];
    struct rule rule;
    char where[PATH];
    if (sscanf(line, "%31s %511[^\n]", kind, where) != 2 || !parse(kind, &rule)) continue;
    strcpy(rule.where, where);
    rules[known++] = rule;
  }
  atomic_store(&count, known);
}

static void look(void) {
  const char *path = getenv("FAULT_CONTROL");
  if (!path) return;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  long at = now.tv_sec * 1000000000L + now.tv_nsec;
  if (at - atomic_load(&looked) < LOOK_NS) return;
  pthread_mutex_lock(&lock);
  struct stat is;
  if (at - atomic_load(&looked) >= LOOK_NS) {
    atomic_store(&looked, at);
    if (stat(path, &is) == 0 && (is.st_mtim.tv_sec != changed.tv_sec || is.st_mtim.tv_nsec != changed.tv_nsec)) {
      changed = is.st_mtim;
      read_rules(path);
    }
  }
  pthread_mutex_unlock(&lock);
}

/* What is to happen to a file now: the error, or 0; `taken` is lowered for a short write. */
static int fault_of_path(const char *path, int what, size_t *taken) {
  int error = 0, slow = 0;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < atomic_load(&count) && !error; i++) {
    if (!(rules[i].on & what) || !strstr(path, rules[i].where)) continue;
    error = rules[i].error;
    slow |= rules[i].is_slow;
    if (rules[i].is_short && taken && *taken > 1) *taken /= 2;
  }
  pthread_mutex_unlock(&lock);
  if (slow) nanosleep(&(struct timespec){0, 50000000L}, NULL);
  return error;
}

static int fault(int fd, int what, size_t *taken) {
  if (busy) return 0;
  busy = 1;
  look();
  int error = 0;
  if (atomic_load(&count) > 0) {
    char link[64], path[PATH];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long length = readlink(link, path, sizeof path - 1);
    if (length > 0) {
      path[length] = 0;
      error = fault_of_path(path, what, taken);
    }
  }
  busy = 0;
  return error;
}

#define NEXT(name) \
  static __typeof__(&name) next; \
  if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define FAIL(fd, what, taken) \
  do { \
    int error = fault(fd, what, taken); \
    if (error) return errno = error, -1; \
  } while (0)

#define READER(name, tail, call) \
  ssize_t name tail { NEXT(name); FAIL(fd, READS, NULL); return call; }
#define WRITER(name, tail, call) \
  ssize_t name tail { NEXT(name); FAIL(fd, WRITES, &size); return call; }

READER(read, (int fd, void *to, size_t size), next(fd, to, size))
READER(pread, (int fd, void *to, size_t size, off_t at), next(fd, to, size, at))
READER(pread64, (int fd, void *to, size_t size, off64_t at), next(fd, to, size, at))
READER(readv, (int fd, const struct iovec *to, int parts), next(fd, to, parts))
READER(preadv, (int fd, const struct iovec *to, int parts, off_t at), next(fd, to, parts, at))
READER(preadv64, (int fd, const struct iovec *to, int parts, off64_t at), next(fd, to, parts, at))
WRITER(write, (int fd, const void *from, size_t size), next(fd, from, size))
WRITER(pwrite, (int fd, const void *from, size_t size, off_t at), next(fd, from, size, at))
WRITER(pwrite64, (int fd, const void *from, size_t size, off64_t at), next(fd, from, size, at))

/* Of several parts a short write takes the first alone. */
#define WRITER_OF_PARTS(name, tail, call) \
  ssize_t name tail { NEXT(name); size_t most = parts; FAIL(fd, WRITES, &most); parts = most; return call; }
WRITER_OF_PARTS(writev, (int fd, const struct iovec *from, int parts), next(fd, from, parts))
WRITER_OF_PARTS(pwritev, (int fd, const struct iovec *from, int parts, off_t at), next(fd, from, parts, at))
WRITER_OF_PARTS(pwritev64, (int fd, const struct iovec *from, int parts, off64_t at), next(fd, from, parts, at))

int fsync(int fd) { NEXT(fsync); FAIL(fd, WRITES, NULL); return next(fd); }
int fdatasync(int fd) { NEXT(fdatasync); FAIL(fd, WRITES, NULL); return next(fd); }
int ftruncate(int fd, off_t size) { NEXT(ftruncate); FAIL(fd, WRITES, NULL); return next(fd, size); }
int ftruncate64(int fd, off64_t size) { NEXT(ftruncate64); FAIL(fd, WRITES, NULL); return next(fd, size); }
int fallocate(int fd, int mode, off_t at, off_t size) { NEXT(fallocate); FAIL(fd, WRITES, NULL); return next(fd, mode, at, size); }
int fallocate64(int fd, int mode, off64_t at, off64_t size) { NEXT(fallocate64); FAIL(fd, WRITES, NULL); return next(fd, mode, at, size); }

static int refused(const char *path, int flags) {
  if (busy || !path) return 0;
  busy = 1;
  look();
  int error = atomic_load(&count) > 0 ? fault_of_path(path, OPENS, NULL) : 0;
  /* What cannot be written cannot be created. */
  if (!error && (flags & O_CREAT) && atomic_load(&count) > 0 && access(path, F_OK) != 0)
    error = fault_of_path(path, WRITES, NULL);
  busy = 0;
  return error;
}

#define OPENER(name, head, path, call) \
  int name head { \
    NEXT(name); \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { va_list args; va_start(args, flags); mode = va_arg(args, int); va_end(args); } \
    int error = refused(path, flags); \
    if (error) return errno = error, -1; \
    return call; \
  }
OPENER(open, (const char *path, int flags, ...), path, next(path, flags, mode))
OPENER(open64, (const char *path, int flags, ...), path, next(path, flags, mode))
OPENER(openat, (int dir, const char *path, int flags, ...), path, next(dir, path, flags, mode))
OPENER(openat64, (int dir, const char *path, int flags, ...), path, next(dir, path, flags, mode))
