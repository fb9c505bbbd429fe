/* Bytes over a TCP connection, in the clear or inside TLS. Nothing here ever waits. */
#ifndef TRANSPORT_H
#define TRANSPORT_H

#include "base.h"

#include <sys/types.h>

struct tls;

struct transport {
  int fd;
  struct tls *tls;
};

/* Instead of a number of bytes: not now, or never again. A read of 0 bytes is the other side's end. */
#define TRANSPORT_AGAIN (-1)
#define TRANSPORT_BROKEN (-2)

/* Starts to connect; -1 when that fails at once. */
int transport_connect(const char *host, const char *port);
/* The error of a connection that could not be made; 0 when it is there. */
int transport_error(const struct transport *transport);
ssize_t transport_read(struct transport *transport, void *into, size_t length);
ssize_t transport_write(struct transport *transport, const void *from, size_t length);
void transport_close(struct transport *transport);

/* tls.c, or tls-none.c where OpenSSL's headers are missing. */

/* Servers must show a certificate of this authority from now on. */
void tls_trust(const char *authority_file);
struct tls *tls_open(int fd, const char *host);
/* 1: done, with HTTP/2 agreed on; 0: not yet. */
int tls_handshake(struct tls *tls);
ssize_t tls_read(struct tls *tls, void *into, size_t length);
ssize_t tls_write(struct tls *tls, const void *from, size_t length);
void tls_close(struct tls *tls);

#endif
