/* What everything else stands on: the clock, growing buffers, and the one way to fail. */
#ifndef BASE_H
#define BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_SECOND UINT64_C(1000000000)

/* Monotonic, the same for all processes of a machine (Node's process.hrtime is it too). */
uint64_t now_ns(void);

/* One line on standard error, then exit code 1: a run with a failed request has no figures. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Zeroed; never NULL. */
void *allocate(size_t count, size_t size);

struct bytes {
  uint8_t *data;
  size_t length;
  size_t capacity;
};

/* Room for that many more behind `length`. */
void bytes_reserve(struct bytes *bytes, size_t more);
void bytes_append(struct bytes *bytes, const void *data, size_t length);
void bytes_free(struct bytes *bytes);

#endif
