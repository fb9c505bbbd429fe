#include "cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SERVERS_MAX 16

static clockid_t clocks[SERVERS_MAX];
static int server_count;

static double seconds_of(clockid_t clock) {
  struct timespec time;
  if (clock_gettime(clock, &time) != 0) return 0;
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void cpu_servers(const char *pids) {
  for (char *end = (char *)pids; *pids != '\0'; pids = *end == ',' ? end + 1 : end) {
    long pid = strtol(pids, &end, 10);
    if (end == pids) die("--pids: numbers with commas were expected");
    if (server_count == SERVERS_MAX) die("--pids: at most %d", SERVERS_MAX);
    /* The process's own clock counts nanoseconds; /proc/<pid>/stat has the same sum in ticks of 10 ms. */
    if (clock_getcpuclockid((pid_t)pid, &clocks[server_count++]) != 0) die("there is no process %ld", pid);
  }
}

/* The first line of /proc/stat: user nice system idle iowait irq softirq steal, in ticks. */
static double machine_seconds(void) {
  unsigned long long ticks[8] = {0};
  FILE *file = fopen("/proc/stat", "re");
  if (file == NULL) return 0;
  int count = fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &ticks[0], &ticks[1], &ticks[2],
                     &ticks[3], &ticks[4], &ticks[5], &ticks[6], &ticks[7]);
  fclose(file);
  if (count != 8) return 0;
  unsigned long long busy = ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6] + ticks[7];
  return (double)busy / (double)sysconf(_SC_CLK_TCK);
}

struct cpu cpu_now(void) {
  struct cpu cpu = {.at_ns = now_ns(), .client = seconds_of(CLOCK_PROCESS_CPUTIME_ID)};
  for (int i = 0; i < server_count; i++) cpu.servers += seconds_of(clocks[i]);
  cpu.machine = machine_seconds();
  return cpu;
}

struct cpu cpu_between(struct cpu from, struct cpu to) {
  return (struct cpu){
      .at_ns = to.at_ns - from.at_ns,
      .servers = to.servers - from.servers,
      .client = to.client - from.client,
      .machine = to.machine - from.machine,
  };
}
