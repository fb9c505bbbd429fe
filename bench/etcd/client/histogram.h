/* Latencies in buckets that are at most 1.6 % wide: 64 to each power of two. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include "base.h"

#define SUB_BUCKET_BITS 6
#define BUCKETS ((64 - SUB_BUCKET_BITS + 1) << SUB_BUCKET_BITS)

struct histogram {
  uint64_t counts[BUCKETS];
  uint64_t count;
  uint64_t sum;
  uint64_t max;
};

void histogram_add(struct histogram *histogram, uint64_t value);
/* The value that this share (0 to 1) of all does not exceed; 0 when there is none. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);

#endif
