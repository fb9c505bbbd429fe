/* Asks a server that is starting again and again, until it answers. */
#include "modes.h"
#include "report.h"
#include "work.h"

#define PAUSE_NS (2 * NS_PER_SECOND / 1000)

static const struct options *options;
static struct lane lane;
static struct conn conn;
static struct slot slot;
static struct timer timer;
static struct cpu began;
static uint64_t answered_ns;

static void on_done(struct call *call, int status, const char *text) {
  (void)call;
  (void)text;
  if (status != 0) return timer_at(&timer, now_ns() + PAUSE_NS);
  answered_ns = now_ns();
  loop_stop();
}

static void on_opened(struct conn *opened) {
  slot_start(&slot, opened);
}

static void on_lost(struct conn *lost, const char *why) {
  (void)lost;
  (void)why;
  timer_at(&timer, now_ns() + PAUSE_NS);
}

static void on_time(struct timer *self) {
  if (now_ns() > began.at_ns + options->duration_ns) die("ready: no answer in time");
  (void)self;
  if (conn.state == CONN_LOST) return conn_open(&conn, &options->endpoints[0]);
  slot_start(&slot, &conn);
  conn_flush(&conn);
}

void run_ready(const struct options *given) {
  options = given;
  timer_open(&timer, on_time);
  lane_work(&lane, "get", options);
  slot = (struct slot){.lane = &lane, .call = {.path = lane.path, .done = on_done}};
  began = cpu_now();
  conn.opened = on_opened;
  conn.lost = on_lost;
  conn_open(&conn, &options->endpoints[0]);
  loop_run();
  report_begin(options->mode, cpu_between(began, cpu_now()));
  report_number("answeredAtNs", answered_ns);
  report_end();
}
