#include "transport.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int transport_connect(const char *host, const char *port) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
  struct addrinfo *address;
  int failed = getaddrinfo(host, port, &hints, &address);
  if (failed != 0) die("%s:%s: %s", host, port, gai_strerror(failed));
  int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket: %s", strerror(errno));
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  int connected = connect(fd, address->ai_addr, address->ai_addrlen);
  freeaddrinfo(address);
  if (connected == 0 || errno == EINPROGRESS) return fd;
  close(fd);
  return -1;
}

int transport_error(const struct transport *transport) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(transport->fd, SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}

static ssize_t outcome(ssize_t count) {
  if (count >= 0) return count;
  return errno == EAGAIN || errno == EINTR ? TRANSPORT_AGAIN : TRANSPORT_BROKEN;
}

ssize_t transport_read(struct transport *transport, void *into, size_t length) {
  if (transport->tls != NULL) return tls_read(transport->tls, into, length);
  return outcome(read(transport->fd, into, length));
}

ssize_t transport_write(struct transport *transport, const void *from, size_t length) {
  if (transport->tls != NULL) return tls_write(transport->tls, from, length);
  return outcome(send(transport->fd, from, length, MSG_NOSIGNAL));
}

void transport_close(struct transport *transport) {
  if (transport->tls != NULL) tls_close(transport->tls);
  close(transport->fd);
  *transport = (struct transport){.fd = -1};
}
