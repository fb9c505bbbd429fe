#include "proto.h"

enum wire_type { VARINT = 0, FIXED64 = 1, DELIMITED = 2, FIXED32 = 5 };

#define VARINT_BYTES_MAX 10

static void write_varint(struct bytes *bytes, uint64_t value) {
  bytes_reserve(bytes, VARINT_BYTES_MAX);
  while (value >= 0x80) {
    bytes->data[bytes->length++] = (uint8_t)(value | 0x80);
    value >>= 7;
  }
  bytes->data[bytes->length++] = (uint8_t)value;
}

void write_integer(struct bytes *bytes, uint32_t field, uint64_t value) {
  write_varint(bytes, (uint64_t)field << 3 | VARINT);
  write_varint(bytes, value);
}

void write_data(struct bytes *bytes, uint32_t field, const void *data, size_t length) {
  write_varint(bytes, (uint64_t)field << 3 | DELIMITED);
  write_varint(bytes, length);
  bytes_append(bytes, data, length);
}

static uint64_t read_varint(struct reader *reader) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
    uint8_t byte = *reader->at++;
    value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  die("an answer is not a protobuf message: varint");
}

bool next_field(struct reader *reader, struct field *field) {
  if (reader->at >= reader->end) return false;
  uint64_t tag = read_varint(reader);
  *field = (struct field){.number = (uint32_t)(tag >> 3)};
  size_t left;
  switch (tag & 7) {
    case VARINT:
      field->value = read_varint(reader);
      return true;
    case DELIMITED:
      field->length = read_varint(reader);
      break;
    case FIXED64:
      field->length = 8;
      break;
    case FIXED32:
      field->length = 4;
      break;
    default:
      die("an answer is not a protobuf message: wire type %u", (unsigned)(tag & 7));
  }
  left = (size_t)(reader->end - reader->at);
  if (field->length > left) die("an answer is not a protobuf message: %zu of %zu bytes", left, field->length);
  field->data = reader->at;
  reader->at += field->length;
  return true;
}

struct reader reader_of(const struct field *field) {
  return (struct reader){field->data, field->data + field->length};
}
