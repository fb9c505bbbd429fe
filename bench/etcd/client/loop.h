/* One thread, one epoll: sockets, timers and signals are sources that it calls when they are ready. */
#ifndef LOOP_H
#define LOOP_H

#include "base.h"

/* First member of whatever can be ready. `events` are epoll's. */
struct source {
  void (*ready)(struct source *self, uint32_t events);
};

void loop_add(int fd, struct source *source, uint32_t events);
void loop_change(int fd, struct source *source, uint32_t events);
/* Until loop_stop. */
void loop_run(void);
void loop_stop(void);

struct timer {
  struct source source;
  int fd;
  void (*fire)(struct timer *self);
};

void timer_open(struct timer *timer, void (*fire)(struct timer *self));
/* Once, at that moment of now_ns; in the past: at once. */
void timer_at(struct timer *timer, uint64_t at_ns);

/* From now on SIGINT and SIGTERM call this, instead of ending the process. */
void on_interrupt(void (*call)(void));

#endif
