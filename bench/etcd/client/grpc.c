#include "grpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A byte for "not compressed", four for the length. */
#define PREFIX_BYTES 5
#define NO_STATUS (-2)

void call_clear(struct call *call) {
  call->request.length = 0;
}

struct bytes *call_begin_message(struct call *call) {
  static const uint8_t zeroes[PREFIX_BYTES];
  call->message_at = call->request.length;
  bytes_append(&call->request, zeroes, PREFIX_BYTES);
  return &call->request;
}

void call_end_message(struct call *call) {
  uint8_t *prefix = call->request.data + call->message_at;
  size_t length = call->request.length - call->message_at - PREFIX_BYTES;
  for (int i = 0; i < 4; i++) prefix[1 + i] = (uint8_t)(length >> (24 - 8 * i));
}

static ssize_t read_request(nghttp2_session *session, int32_t stream, uint8_t *into, size_t room,
                            uint32_t *flags, nghttp2_data_source *source, void *context) {
  (void)session;
  (void)stream;
  (void)context;
  struct call *call = source->ptr;
  size_t left = call->request.length - call->sent;
  if (left == 0 && call->is_open_ended) return NGHTTP2_ERR_DEFERRED;
  size_t count = left < room ? left : room;
  memcpy(into, call->request.data + call->sent, count);
  call->sent += count;
  if (count == left && !call->is_open_ended) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return (ssize_t)count;
}

static nghttp2_nv header(const char *name, const char *value) {
  return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value),
                      NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

void conn_start(struct conn *conn, struct call *call) {
  call->conn = conn;
  call->sent = call->incoming.length = call->messages = 0;
  call->status = NO_STATUS;
  call->text[0] = '\0';
  call->started_ns = now_ns();
  const nghttp2_nv headers[] = {
      header(":method", "POST"),
      header(":scheme", conn->transport.tls == NULL ? "http" : "https"),
      header(":path", call->path),
      header(":authority", conn->endpoint->authority),
      header("content-type", "application/grpc"),
      header("te", "trailers"),
  };
  nghttp2_data_provider body = {.source = {.ptr = call}, .read_callback = read_request};
  int32_t stream =
      nghttp2_submit_request(conn->session, NULL, headers, sizeof headers / sizeof *headers, &body, call);
  if (stream < 0) die("%s: %s", call->path, nghttp2_strerror(stream));
  call->previous = NULL;
  call->next = conn->calls;
  if (call->next != NULL) call->next->previous = call;
  conn->calls = call;
}

void grpc_finish(struct call *call, int status, const char *text) {
  if (call->previous != NULL) call->previous->next = call->next;
  else call->conn->calls = call->next;
  if (call->next != NULL) call->next->previous = call->previous;
  call->done(call, status, text);
}

/* Trailers, or headers of an answer that has nothing else, carry the outcome. */
static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                     void *context) {
  (void)flags;
  (void)context;
  struct call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  if (call == NULL) return 0;
  if (name_length == 11 && memcmp(name, "grpc-status", 11) == 0) {
    /* nghttp2 ends values with a zero byte. */
    call->status = atoi((const char *)value);
  } else if (name_length == 12 && memcmp(name, "grpc-message", 12) == 0) {
    snprintf(call->text, sizeof call->text, "%.*s", (int)value_length, value);
  } else if (name_length == 7 && memcmp(name, ":status", 7) == 0 && memcmp(value, "200", 3) != 0) {
    snprintf(call->text, sizeof call->text, "HTTP status %.*s", (int)value_length, value);
  }
  return 0;
}

static size_t message_length(const uint8_t *prefix) {
  if (prefix[0] != 0) die("an answer is compressed, though nobody asked for that");
  return (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 | (size_t)prefix[3] << 8 | prefix[4];
}

/* Hands out the whole messages at the front; returns how many bytes they were. */
static size_t take_messages(struct call *call, uint8_t *data, size_t length) {
  size_t at = 0;
  while (length - at >= PREFIX_BYTES) {
    size_t size = message_length(data + at);
    if (length - at - PREFIX_BYTES < size) break;
    call->messages++;
    if (call->message != NULL)
      call->message(call, (struct bytes){.data = data + at + PREFIX_BYTES, .length = size});
    at += PREFIX_BYTES + size;
  }
  return at;
}

/* Most messages come in one piece and are read where they are; the rest waits in `incoming`. */
static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
                   size_t length, void *context) {
  (void)flags;
  (void)context;
  struct call *call = nghttp2_session_get_stream_user_data(session, stream);
  if (call == NULL) return 0;
  if (call->incoming.length > 0) {
    bytes_append(&call->incoming, data, length);
    size_t taken = take_messages(call, call->incoming.data, call->incoming.length);
    memmove(call->incoming.data, call->incoming.data + taken, call->incoming.length - taken);
    call->incoming.length -= taken;
  } else {
    size_t taken = take_messages(call, (uint8_t *)data, length);
    bytes_append(&call->incoming, data + taken, length - taken);
  }
  return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t error, void *context) {
  (void)context;
  struct call *call = nghttp2_session_get_stream_user_data(session, stream);
  if (call == NULL) return 0;
  if (call->status == NO_STATUS) {
    if (call->text[0] == '\0')
      snprintf(call->text, sizeof call->text, "stream: %s", nghttp2_http2_strerror(error));
    call->status = STATUS_LOST;
  }
  grpc_finish(call, call->status, call->text);
  return 0;
}

nghttp2_session *grpc_session(struct conn *conn) {
  static nghttp2_session_callbacks *callbacks;
  if (callbacks == NULL) {
    if (nghttp2_session_callbacks_new(&callbacks) != 0) die("out of memory");
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
  }
  nghttp2_session *session;
  if (nghttp2_session_client_new(&session, callbacks, conn) != 0) die("out of memory");
  return session;
}
