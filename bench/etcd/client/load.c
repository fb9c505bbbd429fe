/*
 * A closed loop: each slot starts its next request when the last one has been answered. Two lanes: the one
 * that is measured, and writers beside it. Connections are made first, then comes the warm-up, then the part
 * that counts, then what is still under way is waited for.
 */
#include "modes.h"
#include "cpu.h"
#include "report.h"
#include "work.h"

#include <inttypes.h>
#include <string.h>

static enum { OPENING, WARMING_UP, MEASURING, DRAINING } phase;
static const struct options *options;
static struct lane measured;
static struct lane background;
static unsigned open_connections;
static uint64_t under_way;
static struct timer timer;
static struct cpu began;
static struct cpu took;

static void measure(void) {
  phase = MEASURING;
  began = cpu_now();
  if (options->duration_ns > 0) timer_at(&timer, began.at_ns + options->duration_ns);
}

static void drain(void) {
  if (phase == DRAINING) return;
  took = cpu_between(began, cpu_now());
  phase = DRAINING;
  if (under_way == 0) loop_stop();
}

static void on_time(struct timer *self) {
  (void)self;
  if (phase == WARMING_UP) return measure();
  if (phase == MEASURING && options->count > 0)
    die("%s: only %" PRIu64 " of %" PRIu64 " in time", options->mode, measured.operations, options->count);
  drain();
}

/* With --count, no more requests of the measured lane are begun than that. */
static bool may_begin(const struct slot *slot) {
  if (phase == DRAINING) return false;
  return slot->lane != &measured || options->count == 0 || slot->lane->begun < options->count;
}

static void begin(struct slot *slot) {
  if (!may_begin(slot)) return;
  slot->lane->begun++;
  under_way++;
  slot_start(slot, slot->call.conn);
}

static void on_message(struct call *call, struct bytes message) {
  struct slot *slot = (struct slot *)call;
  if (slot->lane->work->check == NULL) return;
  slot->lane->work->check(slot, (struct reader){message.data, message.data + message.length});
}

static void on_done(struct call *call, int status, const char *text) {
  struct slot *slot = (struct slot *)call;
  struct lane *lane = slot->lane;
  if (status != 0) die("%s: status %d: %s", call->path, status, text);
  if (call->messages != 1) die("%s: %u messages", call->path, call->messages);
  under_way--;
  if (phase == MEASURING) {
    histogram_add(&lane->latency, now_ns() - call->started_ns);
    lane->operations++;
    lane->items += slot->items;
    if (lane == &measured && lane->operations == options->count) drain();
  }
  begin(slot);
  if (phase == DRAINING && under_way == 0) loop_stop();
}

static void start_lane(struct lane *lane) {
  for (unsigned i = 0; i < lane->slot_count; i++) begin(&lane->slots[i]);
  for (unsigned i = 0; i < lane->conn_count; i++) conn_flush(&lane->conns[i]);
}

static void on_opened(struct conn *conn) {
  (void)conn;
  if (++open_connections < measured.conn_count + background.conn_count) return;
  phase = WARMING_UP;
  if (options->warm_up_ns > 0) timer_at(&timer, now_ns() + options->warm_up_ns);
  else measure();
  start_lane(&background);
  start_lane(&measured);
}

static void open_lane(struct lane *lane, const char *work, unsigned connections, unsigned streams) {
  lane_work(lane, work, options);
  lane->conn_count = connections;
  lane->slot_count = connections * streams;
  lane->conns = allocate(connections, sizeof *lane->conns);
  lane->slots = allocate(lane->slot_count, sizeof *lane->slots);
  if (strcmp(work, "txn") == 0 && options->keys < lane->slot_count)
    die("txn: every request under way needs a key of its own: --keys %u or more", lane->slot_count);
  for (unsigned i = 0; i < lane->slot_count; i++) {
    struct call call = {.path = lane->path, .message = on_message, .done = on_done};
    lane->slots[i] = (struct slot){.call = call, .lane = lane, .number = i};
    lane->slots[i].call.conn = &lane->conns[i % connections];
  }
  for (unsigned i = 0; i < connections; i++) {
    lane->conns[i].opened = on_opened;
    conn_open(&lane->conns[i], &options->endpoints[i % options->endpoint_count]);
  }
}

void run_load(const struct options *given) {
  options = given;
  if (options->count == 0 && options->duration_ns == 0) die("--seconds or --count is missing");
  timer_open(&timer, on_time);
  on_interrupt(drain);
  if (options->writers > 0) open_lane(&background, "put", options->writers, 1);
  open_lane(&measured, options->mode, options->connections, options->streams);
  loop_run();
  report_begin(options->mode, took);
  report_number("operations", measured.operations);
  report_number("items", measured.items);
  report_number("conflicts", measured.conflicts);
  report_latency("latencyNs", &measured.latency);
  report_number("writes", background.operations);
  report_latency("writeLatencyNs", &background.latency);
  report_end();
}
