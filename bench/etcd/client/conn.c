#include "conn.h"
#include "grpc.h"

#include <string.h>
#include <sys/epoll.h>

#define READ_BYTES (256 * 1024)
/* As much may be under way to us before the server has to wait: a watch's events, lists. */
#define CONNECTION_WINDOW_BYTES (16 * 1024 * 1024)
#define STREAM_WINDOW_BYTES (4 * 1024 * 1024)

static void lose(struct conn *conn, const char *why) {
  if (conn->state == CONN_LOST) return;
  if (conn->lost == NULL) die("%s: connection lost: %s", conn->endpoint->authority, why);
  conn->state = CONN_LOST;
  if (conn->transport.fd >= 0) transport_close(&conn->transport);
  nghttp2_session_del(conn->session);
  conn->session = NULL;
  while (conn->calls != NULL) grpc_finish(conn->calls, STATUS_LOST, why);
  conn->lost(conn, why);
}

static void start_session(struct conn *conn) {
  nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES},
  };
  conn->session = grpc_session(conn);
  nghttp2_submit_settings(conn->session, NGHTTP2_FLAG_NONE, settings, 2);
  nghttp2_session_set_local_window_size(conn->session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW_BYTES);
  conn->out.length = conn->written = 0;
  conn->state = CONN_OPEN;
  conn->opened(conn);
}

static void advance(struct conn *conn) {
  if (conn->state == CONN_CONNECTING) {
    int error = transport_error(&conn->transport);
    if (error != 0) return lose(conn, strerror(error));
    conn->transport.tls = tls_open(conn->transport.fd, conn->endpoint->host);
    conn->state = CONN_HANDSHAKING;
    loop_change(conn->transport.fd, &conn->source, EPOLLIN);
  }
  if (conn->transport.tls != NULL && tls_handshake(conn->transport.tls) == 0) return;
  start_session(conn);
}

/* All that is there. With TLS a read that fills less than the buffer does not mean that nothing is left. */
static void receive(struct conn *conn) {
  static uint8_t buffer[READ_BYTES];
  for (;;) {
    ssize_t count = transport_read(&conn->transport, buffer, sizeof buffer);
    if (count == TRANSPORT_AGAIN) return;
    if (count <= 0) return lose(conn, count == 0 ? "closed by the server" : "reset");
    conn->is_busy = true;
    ssize_t taken = nghttp2_session_mem_recv(conn->session, buffer, (size_t)count);
    conn->is_busy = false;
    if (taken < 0) return lose(conn, nghttp2_strerror((int)taken));
    if (conn->transport.tls == NULL && (size_t)count < sizeof buffer) return;
  }
}

static void await_room(struct conn *conn, bool awaits) {
  if (conn->awaits_room == awaits) return;
  conn->awaits_room = awaits;
  loop_change(conn->transport.fd, &conn->source, awaits ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* Everything nghttp2 has to say goes out in one write. */
void conn_flush(struct conn *conn) {
  if (conn->state != CONN_OPEN || conn->is_busy) return;
  const uint8_t *frame;
  ssize_t length;
  conn->is_busy = true;
  while ((length = nghttp2_session_mem_send(conn->session, &frame)) > 0)
    bytes_append(&conn->out, frame, (size_t)length);
  conn->is_busy = false;
  if (length < 0) return lose(conn, nghttp2_strerror((int)length));
  while (conn->written < conn->out.length) {
    ssize_t count = transport_write(&conn->transport, conn->out.data + conn->written,
                                    conn->out.length - conn->written);
    if (count == TRANSPORT_AGAIN) return await_room(conn, true);
    if (count < 0) return lose(conn, "reset");
    conn->written += (size_t)count;
  }
  conn->out.length = conn->written = 0;
  await_room(conn, false);
  if (!nghttp2_session_want_read(conn->session) && !nghttp2_session_want_write(conn->session))
    lose(conn, "the server said goodbye");
}

bool conn_is_usable(const struct conn *conn) {
  return conn->state == CONN_OPEN && nghttp2_session_check_request_allowed(conn->session);
}

static void ready(struct source *source, uint32_t events) {
  struct conn *conn = (struct conn *)source;
  (void)events;
  if (conn->state == CONN_OPEN) receive(conn);
  else if (conn->state != CONN_LOST) advance(conn);
  conn_flush(conn);
}

void conn_open(struct conn *conn, const struct endpoint *endpoint) {
  conn->source.ready = ready;
  conn->endpoint = endpoint;
  conn->awaits_room = false;
  conn->state = CONN_CONNECTING;
  conn->transport = (struct transport){.fd = transport_connect(endpoint->host, endpoint->port)};
  if (conn->transport.fd < 0) return lose(conn, "refused");
  loop_add(conn->transport.fd, &conn->source, EPOLLOUT);
}
