/*
 * The few messages of etcd's API that the load is made of. Field numbers are those of etcd's rpc.proto and
 * kv.proto.
 */
#ifndef ETCD_H
#define ETCD_H

#include "proto.h"

#define PATH_PUT "/etcdserverpb.KV/Put"
#define PATH_RANGE "/etcdserverpb.KV/Range"
#define PATH_TXN "/etcdserverpb.KV/Txn"
#define PATH_WATCH "/etcdserverpb.Watch/Watch"

/* Bytes that somebody else owns. */
struct view {
  const void *data;
  size_t length;
};

void encode_put(struct bytes *message, struct view key, struct view value);
/* One key. */
void encode_get(struct bytes *message, struct view key, bool is_serializable);
/* All keys that start so, at most `limit`. */
void encode_list(struct bytes *message, struct view prefix, uint64_t limit, bool is_serializable);
/* What a Kubernetes API server sends to update an object: if unchanged since `mod_revision` put, else get. */
void encode_update(struct bytes *message, struct view key, uint64_t mod_revision, struct view value);
/* All keys that start so, from now on; `id` 1 or more. */
void encode_watch(struct bytes *message, struct view prefix, uint64_t id);

struct range_answer {
  uint64_t items;
  uint64_t bytes;
  /* Of the last item. */
  uint64_t mod_revision;
};

struct range_answer decode_range(struct reader reader);

struct update_answer {
  bool succeeded;
  /* The key's new one, or the one it turned out to have. */
  uint64_t mod_revision;
};

struct update_answer decode_update(struct reader reader);

struct watch_answer {
  uint64_t id;
  bool created;
  bool canceled;
  uint64_t events;
};

/* Calls `each` with every event's mod revision and value. */
struct watch_answer decode_watch(struct reader reader,
                                 void (*each)(void *context, uint64_t mod_revision, struct view value),
                                 void *context);

#endif
