#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define EVENTS_MAX 128

static int epoll_fd = -1;
static bool is_stopped = false;

static void control(int operation, int fd, struct source *source, uint32_t events) {
  if (epoll_fd < 0) epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = events, .data = {.ptr = source}};
  if (epoll_ctl(epoll_fd, operation, fd, &event) < 0) die("epoll_ctl: %s", strerror(errno));
}

void loop_add(int fd, struct source *source, uint32_t events) {
  control(EPOLL_CTL_ADD, fd, source, events);
}

void loop_change(int fd, struct source *source, uint32_t events) {
  control(EPOLL_CTL_MOD, fd, source, events);
}

void loop_run(void) {
  struct epoll_event events[EVENTS_MAX];
  while (!is_stopped) {
    int count = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);
    if (count < 0 && errno != EINTR) die("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count && !is_stopped; i++) {
      struct source *source = events[i].data.ptr;
      source->ready(source, events[i].events);
    }
  }
}

void loop_stop(void) {
  is_stopped = true;
}

static void timer_ready(struct source *source, uint32_t events) {
  (void)events;
  struct timer *timer = (struct timer *)source;
  uint64_t expirations;
  /* Nothing to read: it has been set anew since epoll saw it. */
  if (read(timer->fd, &expirations, sizeof expirations) == sizeof expirations) timer->fire(timer);
}

void timer_open(struct timer *timer, void (*fire)(struct timer *self)) {
  timer->source.ready = timer_ready;
  timer->fire = fire;
  timer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (timer->fd < 0) die("timerfd_create: %s", strerror(errno));
  loop_add(timer->fd, &timer->source, EPOLLIN);
}

void timer_at(struct timer *timer, uint64_t at_ns) {
  struct itimerspec at = {0};
  at.it_value.tv_sec = (time_t)(at_ns / NS_PER_SECOND);
  at.it_value.tv_nsec = (long)(at_ns % NS_PER_SECOND);
  if (timerfd_settime(timer->fd, TFD_TIMER_ABSTIME, &at, NULL) < 0)
    die("timerfd_settime: %s", strerror(errno));
}

static int signal_fd = -1;
static void (*interrupt_call)(void);

static void signal_ready(struct source *source, uint32_t events) {
  (void)source;
  (void)events;
  struct signalfd_siginfo info;
  if (read(signal_fd, &info, sizeof info) == sizeof info) interrupt_call();
}

void on_interrupt(void (*call)(void)) {
  static struct source source = {.ready = signal_ready};
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, NULL);
  interrupt_call = call;
  signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (signal_fd < 0) die("signalfd: %s", strerror(errno));
  loop_add(signal_fd, &source, EPOLLIN);
}
