#include "transport.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

struct tls {
  SSL *ssl;
};

static SSL_CTX *context;

static _Noreturn void die_of_tls(const char *what) {
  die("TLS: %s: %s", what, ERR_error_string(ERR_get_error(), NULL));
}

void tls_trust(const char *authority_file) {
  static const unsigned char http2[] = {2, 'h', '2'};
  context = SSL_CTX_new(TLS_client_method());
  if (context == NULL) die_of_tls("context");
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_alpn_protos(context, http2, sizeof http2);
  if (SSL_CTX_load_verify_locations(context, authority_file, NULL) != 1) die_of_tls(authority_file);
}

struct tls *tls_open(int fd, const char *host) {
  if (context == NULL) return NULL;
  struct tls *tls = allocate(1, sizeof *tls);
  tls->ssl = SSL_new(context);
  if (tls->ssl == NULL) die_of_tls("session");
  X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls->ssl), host);
  SSL_set_fd(tls->ssl, fd);
  SSL_set_connect_state(tls->ssl);
  return tls;
}

static bool is_waiting(struct tls *tls, int result) {
  int error = SSL_get_error(tls->ssl, result);
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

int tls_handshake(struct tls *tls) {
  int result = SSL_do_handshake(tls->ssl);
  if (result != 1) {
    if (is_waiting(tls, result)) return 0;
    die_of_tls("handshake");
  }
  const unsigned char *protocol;
  unsigned length;
  SSL_get0_alpn_selected(tls->ssl, &protocol, &length);
  if (length != 2 || memcmp(protocol, "h2", 2) != 0) die("TLS: the server does not offer HTTP/2");
  return 1;
}

static ssize_t outcome(struct tls *tls, int result) {
  if (result > 0) return result;
  if (is_waiting(tls, result)) return TRANSPORT_AGAIN;
  ERR_clear_error();
  return TRANSPORT_BROKEN;
}

ssize_t tls_read(struct tls *tls, void *into, size_t length) {
  return outcome(tls, SSL_read(tls->ssl, into, (int)length));
}

ssize_t tls_write(struct tls *tls, const void *from, size_t length) {
  return outcome(tls, SSL_write(tls->ssl, from, (int)length));
}

void tls_close(struct tls *tls) {
  SSL_free(tls->ssl);
  free(tls);
}
