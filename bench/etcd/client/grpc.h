/* gRPC on HTTP/2: how a call becomes a stream, and a stream's frames become messages and a status. */
#ifndef GRPC_H
#define GRPC_H

#include "conn.h"

/* A session whose callbacks serve the calls of this connection. */
nghttp2_session *grpc_session(struct conn *conn);
/* Takes the call off its connection and tells its owner. */
void grpc_finish(struct call *call, int status, const char *text);

#endif
