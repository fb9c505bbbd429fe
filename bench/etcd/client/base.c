#include "base.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * NS_PER_SECOND + (uint64_t)time.tv_nsec;
}

_Noreturn void die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("etcd-load: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

void *allocate(size_t count, size_t size) {
  void *memory = calloc(count == 0 ? 1 : count, size);
  if (memory == NULL) die("out of memory");
  return memory;
}

void bytes_reserve(struct bytes *bytes, size_t more) {
  size_t needed = bytes->length + more;
  if (needed <= bytes->capacity) return;
  size_t capacity = bytes->capacity < 256 ? 256 : bytes->capacity;
  while (capacity < needed) capacity *= 2;
  bytes->data = realloc(bytes->data, capacity);
  if (bytes->data == NULL) die("out of memory");
  bytes->capacity = capacity;
}

void bytes_append(struct bytes *bytes, const void *data, size_t length) {
  if (length == 0) return;
  bytes_reserve(bytes, length);
  memcpy(bytes->data + bytes->length, data, length);
  bytes->length += length;
}

void bytes_free(struct bytes *bytes) {
  free(bytes->data);
  *bytes = (struct bytes){0};
}
