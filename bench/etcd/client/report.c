#include "report.h"

#include <inttypes.h>
#include <stdio.h>

void report_begin(const char *mode, struct cpu took) {
  printf("{\"mode\":\"%s\",\"seconds\":%.6f", mode, (double)took.at_ns / 1e9);
  printf(",\"cpuSeconds\":{\"servers\":%.6f,\"client\":%.6f,\"machine\":%.2f}", took.servers, took.client,
         took.machine);
}

void report_number(const char *name, uint64_t value) {
  printf(",\"%s\":%" PRIu64, name, value);
}

void report_latency(const char *name, const struct histogram *histogram) {
  uint64_t mean = histogram->count == 0 ? 0 : histogram->sum / histogram->count;
  printf(",\"%s\":{\"mean\":%" PRIu64 ",\"max\":%" PRIu64, name, mean, histogram->max);
  printf(",\"p50\":%" PRIu64 ",\"p99\":%" PRIu64 "}", histogram_quantile(histogram, 0.5),
         histogram_quantile(histogram, 0.99));
}

void report_end(void) {
  puts("}");
}
