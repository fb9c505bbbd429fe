#include "work.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define KEY_BYTES_MAX 256

struct view key_of(const struct options *options, uint64_t index) {
  static char key[KEY_BYTES_MAX];
  int length = snprintf(key, sizeof key, "%s%08" PRIu64, options->prefix, index);
  if (length >= KEY_BYTES_MAX) die("--prefix is too long");
  return (struct view){key, (size_t)length};
}

struct view value_of(struct lane *lane) {
  uint64_t now = now_ns();
  if (lane->value.length >= sizeof now) memcpy(lane->value.data, &now, sizeof now);
  return (struct view){lane->value.data, lane->value.length};
}

static uint64_t next_key(struct lane *lane) {
  return lane->sequence++ % lane->options->keys;
}

static void put(struct slot *slot, struct bytes *message) {
  struct lane *lane = slot->lane;
  encode_put(message, key_of(lane->options, next_key(lane)), value_of(lane));
}

static void get(struct slot *slot, struct bytes *message) {
  const struct options *options = slot->lane->options;
  encode_get(message, key_of(options, next_key(slot->lane)), options->is_serializable);
}

static void check_get(struct slot *slot, struct reader answer) {
  slot->items = decode_range(answer).items;
  if (slot->items != 1) die("get: %" PRIu64 " keys instead of one", slot->items);
}

static void list(struct slot *slot, struct bytes *message) {
  const struct options *options = slot->lane->options;
  struct view prefix = {options->prefix, strlen(options->prefix)};
  encode_list(message, prefix, options->limit, options->is_serializable);
}

static void check_list(struct slot *slot, struct reader answer) {
  struct range_answer range = decode_range(answer);
  const struct options *options = slot->lane->options;
  if (range.items != options->limit) die("list: %" PRIu64 " keys of %" PRIu64, range.items, options->limit);
  if (range.bytes < range.items * options->value_bytes) die("list: values are missing");
  slot->items = range.items;
}

/* Slot i has the keys i, i + slots, i + 2 × slots …: nobody else changes them. */
static uint64_t own_key(const struct slot *slot) {
  const struct lane *lane = slot->lane;
  uint64_t each = lane->options->keys / lane->slot_count;
  return slot->number + lane->slot_count * ((slot->turn - 1) % each);
}

static void txn(struct slot *slot, struct bytes *message) {
  struct lane *lane = slot->lane;
  uint64_t key = own_key(slot);
  encode_update(message, key_of(lane->options, key), lane->mod_revisions[key], value_of(lane));
}

static void check_txn(struct slot *slot, struct reader answer) {
  struct update_answer update = decode_update(answer);
  if (update.mod_revision == 0) die("txn: neither put nor found");
  if (!update.succeeded) slot->lane->conflicts++;
  slot->lane->mod_revisions[own_key(slot)] = update.mod_revision;
}

static void call(struct slot *slot, struct bytes *message) {
  const struct options *options = slot->lane->options;
  bytes_append(message, options->message.data, options->message.length);
}

static const struct work WORKS[] = {
    {"put", PATH_PUT, put, NULL},         {"get", PATH_RANGE, get, check_get},
    {"list", PATH_RANGE, list, check_list}, {"txn", PATH_TXN, txn, check_txn},
    {"call", NULL, call, NULL},
};

void slot_start(struct slot *slot, struct conn *conn) {
  slot->turn++;
  slot->items = 1;
  call_clear(&slot->call);
  slot->lane->work->encode(slot, call_begin_message(&slot->call));
  call_end_message(&slot->call);
  conn_start(conn, &slot->call);
}

void lane_work(struct lane *lane, const char *name, const struct options *options) {
  for (unsigned i = 0; i < sizeof WORKS / sizeof *WORKS; i++)
    if (strcmp(WORKS[i].name, name) == 0) lane->work = &WORKS[i];
  if (lane->work == NULL) die("there is no mode \"%s\"", name);
  lane->options = options;
  lane->path = lane->work->path == NULL ? options->path : lane->work->path;
  lane->mod_revisions = allocate(options->keys, sizeof *lane->mod_revisions);
  lane->value.length = lane->value.capacity = options->value_bytes;
  lane->value.data = allocate(options->value_bytes, 1);
  memset(lane->value.data, 'v', options->value_bytes);
}
