/*
 * Puts to the members in turn, at a steady rate and without waiting for answers. What is told is the longest
 * time between two acknowledgements that was not over before the warm-up was. It ends by itself when a member's connection has been lost and writes
 * have been acknowledged for a while after that.
 */
#include "modes.h"
#include "report.h"
#include "work.h"

#include <inttypes.h>

/* Requests without an answer; those sent to a member that has just lost its leader wait for the next one. */
#define UNDER_WAY_MAX 4000
/* Acknowledged writes for so long, after an outage, mean that it is over. */
#define STEADY_NS (NS_PER_SECOND / 2)

static const struct options *options;
static struct lane lane;
static struct conn conns[ENDPOINTS_MAX];
static unsigned open_connections;
static unsigned turn;
static struct timer timer;
static uint64_t next_ns;
static uint64_t warm_ns;
static uint64_t end_ns;
static struct cpu began;

static struct slot *idle;
static uint64_t under_way;
static uint64_t acknowledged;
static uint64_t refused;
static uint64_t last_ns;
static uint64_t longest_ns;
/* When the first connection was lost; 0: not yet. */
static uint64_t lost_ns;
/* The first acknowledgement of a put that was sent after that. */
static uint64_t recovered_ns;

static void on_done(struct call *call, int status, const char *text) {
  (void)text;
  uint64_t now = now_ns();
  struct slot *slot = (struct slot *)call;
  /* The list of idle slots runs through the calls' own links. */
  slot->call.next = (struct call *)idle;
  idle = slot;
  under_way--;
  if (status != 0) {
    refused++;
    return;
  }
  acknowledged++;
  histogram_add(&lane.latency, now - call->started_ns);
  if (last_ns != 0 && now > warm_ns && now - last_ns > longest_ns) longest_ns = now - last_ns;
  last_ns = now;
  if (lost_ns != 0 && recovered_ns == 0 && call->started_ns > lost_ns) recovered_ns = now;
}

static struct slot *take_slot(void) {
  struct slot *slot = idle;
  if (slot != NULL) {
    idle = (struct slot *)slot->call.next;
    return slot;
  }
  slot = allocate(1, sizeof *slot);
  *slot = (struct slot){.lane = &lane, .call = {.path = lane.path, .done = on_done}};
  return slot;
}

static struct conn *next_conn(void) {
  for (unsigned i = 0; i < options->endpoint_count; i++) {
    struct conn *conn = &conns[turn++ % options->endpoint_count];
    if (conn_is_usable(conn)) return conn;
  }
  return NULL;
}

static void begin_put(void) {
  struct conn *conn = next_conn();
  if (conn == NULL || under_way == UNDER_WAY_MAX) return;
  struct slot *slot = take_slot();
  under_way++;
  slot_start(slot, conn);
  conn_flush(conn);
}

static void on_time(struct timer *self) {
  uint64_t now = now_ns();
  if (recovered_ns != 0 && now - recovered_ns > STEADY_NS) return loop_stop();
  if (now > end_ns) die("probe: no write has been acknowledged again, %" PRIu64 " before", acknowledged);
  begin_put();
  /* Late by more than one: those are not made up for. */
  next_ns += NS_PER_SECOND / options->rate;
  if (next_ns < now) next_ns = now;
  timer_at(self, next_ns);
}

static void on_opened(struct conn *conn) {
  (void)conn;
  if (++open_connections < options->endpoint_count) return;
  began = cpu_now();
  next_ns = began.at_ns;
  warm_ns = began.at_ns + options->warm_up_ns;
  end_ns = warm_ns + options->duration_ns;
  timer_at(&timer, next_ns);
}

static void on_lost(struct conn *conn, const char *why) {
  if (open_connections < options->endpoint_count) die("%s: %s", conn->endpoint->authority, why);
  if (lost_ns == 0) lost_ns = now_ns();
}

void run_probe(const struct options *given) {
  options = given;
  if (options->rate == 0 || options->duration_ns == 0) die("probe: --rate or --seconds is missing");
  timer_open(&timer, on_time);
  lane_work(&lane, "put", options);
  for (unsigned i = 0; i < options->endpoint_count; i++) {
    conns[i].opened = on_opened;
    conns[i].lost = on_lost;
    conn_open(&conns[i], &options->endpoints[i]);
  }
  loop_run();
  report_begin(options->mode, cpu_between(began, cpu_now()));
  report_number("operations", acknowledged);
  report_number("refused", refused);
  report_number("outageNs", longest_ns);
  report_latency("latencyNs", &lane.latency);
  report_end();
}
