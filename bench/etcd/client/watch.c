/*
 * Many watches on the same keys, one writer. The warm-up and the measured part are alike: the writer writes
 * for its time, then every watch must catch up. Each must get every put once and in order, or the run fails.
 */
#include "cpu.h"
#include "modes.h"
#include "report.h"
#include "work.h"

#include <inttypes.h>
#include <string.h>

/* Longer without the last event, and it will not come any more. */
#define CATCH_UP_NS (60 * NS_PER_SECOND)

struct watch {
  uint64_t received;
  uint64_t last_revision;
};

/* One gRPC stream with its watches; the call comes first. */
struct stream {
  struct call call;
  struct watch *watches;
};

static enum { OPENING, WARMING_UP, MEASURING } phase;
static const struct options *options;
static uint64_t watch_count;
static unsigned streams_per_connection;
static unsigned watches_per_stream;
static uint64_t created;
static struct histogram latency;
static struct timer timer;
static struct cpu began;
static struct cpu took;
static uint64_t puts_before;

static struct lane writer;
static struct conn writer_conn;
static struct slot writer_slot;
/* Puts begun and puts acknowledged. */
static uint64_t begun;
static uint64_t acknowledged;
static uint64_t writing_since_ns;
static uint64_t writing_until_ns;

/* How many watches have got put number n, for the numbers that not all have got yet; a ring. */
static uint64_t *reached;
static uint64_t ring;
/* Every watch has got as many. */
static uint64_t everywhere;

static void next_put(void);

static void start_phase(void) {
  uint64_t length = phase == WARMING_UP ? options->warm_up_ns : options->duration_ns;
  memset(&latency, 0, sizeof latency);
  puts_before = begun;
  began = cpu_now();
  writing_since_ns = began.at_ns;
  writing_until_ns = began.at_ns + length;
  next_put();
}

static void caught_up(void) {
  if (phase == WARMING_UP) {
    phase = MEASURING;
    return start_phase();
  }
  took = cpu_between(began, cpu_now());
  loop_stop();
}

static void begin_put(void) {
  begun++;
  slot_start(&writer_slot, &writer_conn);
  conn_flush(&writer_conn);
}

/* Called whenever one more put may have become due, or the last event have come. */
static void next_put(void) {
  if (phase == OPENING || begun != acknowledged) return;
  uint64_t now = now_ns();
  if (now >= writing_until_ns) {
    if (everywhere == begun) return caught_up();
    return timer_at(&timer, writing_until_ns + CATCH_UP_NS);
  }
  if (options->rate > 0) {
    uint64_t due = writing_since_ns + (begun - puts_before) * NS_PER_SECOND / options->rate;
    if (due > now) return timer_at(&timer, due < writing_until_ns ? due : writing_until_ns);
  } else if (begun - everywhere >= options->backlog) {
    return timer_at(&timer, writing_until_ns);
  }
  begin_put();
}

static void on_time(struct timer *self) {
  (void)self;
  if (now_ns() >= writing_until_ns + CATCH_UP_NS)
    die("watch: only %" PRIu64 " of %" PRIu64 " puts have reached every watch", everywhere, begun);
  next_put();
}

static void on_put(struct call *call, int status, const char *text) {
  if (status != 0) die("%s: status %d: %s", call->path, status, text);
  acknowledged++;
  next_put();
}

static void on_event(void *context, uint64_t mod_revision, struct view value) {
  struct watch *watch = context;
  uint64_t sent_ns;
  if (mod_revision <= watch->last_revision)
    die("watch: revision %" PRIu64 " after %" PRIu64, mod_revision, watch->last_revision);
  if (value.length < sizeof sent_ns) die("watch: an event without its value");
  memcpy(&sent_ns, value.data, sizeof sent_ns);
  histogram_add(&latency, now_ns() - sent_ns);
  watch->last_revision = mod_revision;
  watch->received++;
  reached[watch->received % ring]++;
}

static void advance(void) {
  uint64_t before = everywhere;
  while (everywhere < begun && reached[(everywhere + 1) % ring] == watch_count)
    reached[++everywhere % ring] = 0;
  if (everywhere != before) next_put();
}

static struct watch *watch_of(struct stream *stream, struct reader message) {
  struct field field;
  while (next_field(&message, &field))
    if (field.number == 2 && field.value >= 1 && field.value <= watches_per_stream)
      return &stream->watches[field.value - 1];
  die("watch: a message for an unknown watch");
}

static void on_message(struct call *call, struct bytes message) {
  struct reader reader = {message.data, message.data + message.length};
  struct watch *watch = watch_of((struct stream *)call, reader);
  struct watch_answer answer = decode_watch(reader, on_event, watch);
  if (answer.canceled) die("watch: canceled by the server");
  if (answer.created && ++created == watch_count) {
    phase = WARMING_UP;
    start_phase();
  }
  if (answer.events > 0) advance();
}

static void on_stream_end(struct call *call, int status, const char *text) {
  die("%s: status %d: %s", call->path, status, text);
}

static void open_stream(struct conn *conn) {
  struct stream *stream = allocate(1, sizeof *stream);
  stream->watches = allocate(watches_per_stream, sizeof *stream->watches);
  stream->call.path = PATH_WATCH;
  stream->call.is_open_ended = true;
  stream->call.message = on_message;
  stream->call.done = on_stream_end;
  struct view prefix = {options->prefix, strlen(options->prefix)};
  for (unsigned id = 1; id <= watches_per_stream; id++) {
    encode_watch(call_begin_message(&stream->call), prefix, id);
    call_end_message(&stream->call);
  }
  conn_start(conn, &stream->call);
}

static void on_opened(struct conn *conn) {
  if (conn == &writer_conn) return;
  for (unsigned i = 0; i < streams_per_connection; i++) open_stream(conn);
}

void run_watch(const struct options *given) {
  options = given;
  watches_per_stream = options->has_separate_streams ? 1 : options->watches;
  streams_per_connection = options->watches / watches_per_stream;
  watch_count = (uint64_t)options->connections * options->watches;
  /* A paced writer may be ahead by all that it writes. */
  uint64_t seconds = (options->warm_up_ns + options->duration_ns) / NS_PER_SECOND + 1;
  ring = options->backlog + options->rate * seconds + 2;
  reached = allocate(ring, sizeof *reached);
  timer_open(&timer, on_time);
  lane_work(&writer, "put", options);
  writer_slot = (struct slot){.lane = &writer, .call = {.path = writer.path, .done = on_put}};
  writer_conn.opened = on_opened;
  conn_open(&writer_conn, &options->endpoints[0]);
  struct conn *conns = allocate(options->connections, sizeof *conns);
  for (unsigned i = 0; i < options->connections; i++) {
    conns[i].opened = on_opened;
    conn_open(&conns[i], &options->endpoints[i % options->endpoint_count]);
  }
  loop_run();
  report_begin(options->mode, took);
  report_number("operations", latency.count);
  report_number("items", latency.count);
  report_latency("latencyNs", &latency);
  report_number("writes", begun - puts_before);
  report_end();
}
