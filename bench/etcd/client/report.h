/* The one line of JSON on standard output. */
#ifndef REPORT_H
#define REPORT_H

#include "cpu.h"
#include "histogram.h"

/* How long it took, and the CPU seconds of that time. */
void report_begin(const char *mode, struct cpu took);
void report_number(const char *name, uint64_t value);
/* Nanoseconds. */
void report_latency(const char *name, const struct histogram *histogram);
void report_end(void);

#endif
