#include "histogram.h"

/* Values below 64 have a bucket each; above, the six bits behind the highest one pick it. */
static unsigned bucket_of(uint64_t value) {
  if (value < (1u << SUB_BUCKET_BITS)) return (unsigned)value;
  unsigned shift = 63u - (unsigned)__builtin_clzll(value) - SUB_BUCKET_BITS;
  return (shift << SUB_BUCKET_BITS) + (unsigned)(value >> shift);
}

/* The largest value of a bucket. */
static uint64_t top_of(unsigned bucket) {
  if (bucket < (2u << SUB_BUCKET_BITS)) return bucket;
  unsigned shift = (bucket >> SUB_BUCKET_BITS) - 1;
  uint64_t first = (uint64_t)(bucket - (shift << SUB_BUCKET_BITS)) << shift;
  return first + (UINT64_C(1) << shift) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t value) {
  histogram->counts[bucket_of(value)]++;
  histogram->count++;
  histogram->sum += value;
  if (value > histogram->max) histogram->max = value;
}

uint64_t histogram_quantile(const struct histogram *histogram, double share) {
  uint64_t wanted = (uint64_t)(share * (double)histogram->count + 0.999999);
  if (wanted > histogram->count) wanted = histogram->count;
  uint64_t seen = 0;
  for (unsigned bucket = 0; bucket < BUCKETS; bucket++) {
    seen += histogram->counts[bucket];
    if (seen >= wanted && seen > 0) {
      uint64_t top = top_of(bucket);
      return top < histogram->max ? top : histogram->max;
    }
  }
  return histogram->max;
}
