/* Seconds of CPU between two moments: of the servers, of this client, and of the whole machine. */
#ifndef CPU_H
#define CPU_H

#include "base.h"

struct cpu {
  uint64_t at_ns;
  double servers;
  double client;
  /* Everything that was not idle. */
  double machine;
};

/* The processes that count as servers: "12,34". */
void cpu_servers(const char *pids);
struct cpu cpu_now(void);
struct cpu cpu_between(struct cpu from, struct cpu to);

#endif
