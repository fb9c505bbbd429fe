/*
 * What a request asks and what its answer must look like: one `struct work` per kind. A slot is a place for
 * one request at a time; a lane is all slots that do the same work.
 */
#ifndef WORK_H
#define WORK_H

#include "conn.h"
#include "etcd.h"
#include "histogram.h"
#include "options.h"

struct lane;

struct slot {
  /* First, so that a call is its slot. */
  struct call call;
  struct lane *lane;
  unsigned number;
  /* Requests begun. */
  uint64_t turn;
  /* Items of the answer to the present one. */
  uint64_t items;
};

struct work {
  const char *name;
  /* NULL: that of --path. */
  const char *path;
  void (*encode)(struct slot *slot, struct bytes *message);
  /* NULL where any answer will do. */
  void (*check)(struct slot *slot, struct reader answer);
};

struct lane {
  const struct work *work;
  const struct options *options;
  const char *path;
  struct conn *conns;
  unsigned conn_count;
  struct slot *slots;
  unsigned slot_count;
  uint64_t begun;
  /* The next key of those that go in turn. */
  uint64_t sequence;
  /* Of each key, what a txn expects. */
  uint64_t *mod_revisions;
  struct bytes value;

  struct histogram latency;
  uint64_t operations;
  uint64_t items;
  /* Transactions whose comparison failed. */
  uint64_t conflicts;
};

/* Fills in the work of that name and what it needs to know. */
void lane_work(struct lane *lane, const char *name, const struct options *options);

/* Encodes the slot's next request and starts it on that connection. */
void slot_start(struct slot *slot, struct conn *conn);

/* The number of a key as text behind the prefix, in a buffer that the next call uses again. */
struct view key_of(const struct options *options, uint64_t index);
/* The value to put: starts with now_ns() in eight bytes when it has room for that. */
struct view value_of(struct lane *lane);

#endif
