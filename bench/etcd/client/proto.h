/* Protocol buffers as far as etcd's messages need them: varints and length-delimited fields. */
#ifndef PROTO_H
#define PROTO_H

#include "base.h"

void write_integer(struct bytes *bytes, uint32_t field, uint64_t value);
void write_data(struct bytes *bytes, uint32_t field, const void *data, size_t length);

struct reader {
  const uint8_t *at;
  const uint8_t *end;
};

struct field {
  uint32_t number;
  /* Of a varint. */
  uint64_t value;
  /* Of a length-delimited field; NULL for a varint. */
  const uint8_t *data;
  size_t length;
};

/* False at the end. Bytes that are no message end the run. */
bool next_field(struct reader *reader, struct field *field);
struct reader reader_of(const struct field *field);

#endif
