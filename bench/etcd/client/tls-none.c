/* In place of tls.c where OpenSSL's headers are missing: everything but TLS works. */
#include "transport.h"

void tls_trust(const char *authority_file) {
  die("--ca=%s: built without TLS (Debian: libssl-dev)", authority_file);
}

struct tls *tls_open(int fd, const char *host) {
  (void)fd;
  (void)host;
  return NULL;
}

int tls_handshake(struct tls *tls) {
  (void)tls;
  return 1;
}

ssize_t tls_read(struct tls *tls, void *into, size_t length) {
  (void)tls;
  (void)into;
  (void)length;
  return TRANSPORT_BROKEN;
}

ssize_t tls_write(struct tls *tls, const void *from, size_t length) {
  (void)tls;
  (void)from;
  (void)length;
  return TRANSPORT_BROKEN;
}

void tls_close(struct tls *tls) {
  (void)tls;
}
