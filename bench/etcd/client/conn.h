/*
 * One HTTP/2 connection and the gRPC calls on it. nghttp2 does frames, header compression and flow control;
 * here is what goes into them.
 */
#ifndef CONN_H
#define CONN_H

#include "loop.h"
#include "transport.h"

#include <nghttp2/nghttp2.h>

struct endpoint {
  char host[64];
  char port[8];
  /* host:port */
  char authority[72];
};

struct conn;

/* Status of a call whose connection broke; gRPC's own are 0 and above. */
#define STATUS_LOST (-1)
#define STATUS_TEXT_MAX 160

/* One call. The owner fills in the first part and may use it again once `done` has been called. */
struct call {
  const char *path;
  /* The request side stays open after the messages: a watch. */
  bool is_open_ended;
  /* NULL: the message is not looked at. */
  void (*message)(struct call *call, struct bytes message);
  void (*done)(struct call *call, int status, const char *text);

  struct conn *conn;
  struct call *next;
  struct call *previous;
  uint64_t started_ns;
  struct bytes request;
  size_t message_at;
  size_t sent;
  struct bytes incoming;
  unsigned messages;
  int status;
  char text[STATUS_TEXT_MAX];
};

struct conn {
  struct source source;
  const struct endpoint *endpoint;
  struct transport transport;
  enum { CONN_CONNECTING, CONN_HANDSHAKING, CONN_OPEN, CONN_LOST } state;
  nghttp2_session *session;
  struct bytes out;
  size_t written;
  bool awaits_room;
  /* nghttp2 is at work on it, and must not be called again from its callbacks. */
  bool is_busy;
  struct call *calls;

  void (*opened)(struct conn *conn);
  /* After all its calls are done with STATUS_LOST. NULL: a lost connection ends the run. */
  void (*lost)(struct conn *conn, const char *why);
  void *owner;
};

/* Connects; `opened` must be set. What has been lost may be opened again, but not from within `lost`. */
void conn_open(struct conn *conn, const struct endpoint *endpoint);
/* False when the connection is not there, or the server wants no more calls on it. */
bool conn_is_usable(const struct conn *conn);
/* Starts a call with the messages that have been put into it. It leaves with the next conn_flush. */
void conn_start(struct conn *conn, struct call *call);
/* Forgets the messages of the call before. */
void call_clear(struct call *call);
/* Where one more message is to be appended; then call_end_message. */
struct bytes *call_begin_message(struct call *call);
void call_end_message(struct call *call);
/* Sends what is due; after callbacks of this same connection that happens by itself. */
void conn_flush(struct conn *conn);

#endif
