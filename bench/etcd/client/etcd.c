#include "etcd.h"

/* Inner messages are built here before they go into the outer one: the client has one thread. */
static struct bytes inner;
static struct bytes operation;

static void write_message(struct bytes *message, uint32_t field, const struct bytes *part) {
  write_data(message, field, part->data, part->length);
}

static void write_view(struct bytes *message, uint32_t field, struct view view) {
  write_data(message, field, view.data, view.length);
}

/* As clients have it: the first key that does not start so. */
static void write_prefix(struct bytes *message, struct view prefix) {
  write_view(message, 1, prefix);
  write_view(message, 2, prefix);
  message->data[message->length - 1]++;
}

void encode_put(struct bytes *message, struct view key, struct view value) {
  write_view(message, 1, key);
  write_view(message, 2, value);
}

void encode_get(struct bytes *message, struct view key, bool is_serializable) {
  write_view(message, 1, key);
  if (is_serializable) write_integer(message, 7, 1);
}

void encode_list(struct bytes *message, struct view prefix, uint64_t limit, bool is_serializable) {
  write_prefix(message, prefix);
  write_integer(message, 3, limit);
  if (is_serializable) write_integer(message, 7, 1);
}

void encode_update(struct bytes *message, struct view key, uint64_t mod_revision, struct view value) {
  enum { EQUAL = 0, TARGET_MOD = 2 };
  inner.length = 0;
  write_integer(&inner, 1, EQUAL);
  write_integer(&inner, 2, TARGET_MOD);
  write_view(&inner, 3, key);
  write_integer(&inner, 6, mod_revision);
  write_message(message, 1, &inner);

  inner.length = operation.length = 0;
  encode_put(&inner, key, value);
  write_message(&operation, 2, &inner);
  write_message(message, 2, &operation);

  inner.length = operation.length = 0;
  encode_get(&inner, key, false);
  write_message(&operation, 1, &inner);
  write_message(message, 3, &operation);
}

void encode_watch(struct bytes *message, struct view prefix, uint64_t id) {
  inner.length = 0;
  write_prefix(&inner, prefix);
  write_integer(&inner, 7, id);
  write_message(message, 1, &inner);
}

static uint64_t decode_revision(struct reader header) {
  struct field field;
  while (next_field(&header, &field))
    if (field.number == 3) return field.value;
  return 0;
}

/* A KeyValue's mod revision; its value, when asked for. */
static uint64_t decode_key_value(struct reader reader, struct view *value) {
  struct field field;
  uint64_t mod_revision = 0;
  while (next_field(&reader, &field)) {
    if (field.number == 3) mod_revision = field.value;
    if (field.number == 5 && value != NULL) *value = (struct view){field.data, field.length};
  }
  return mod_revision;
}

struct range_answer decode_range(struct reader reader) {
  struct field field;
  struct range_answer answer = {0};
  while (next_field(&reader, &field)) {
    if (field.number != 2) continue;
    answer.items++;
    answer.bytes += field.length;
    answer.mod_revision = decode_key_value(reader_of(&field), NULL);
  }
  return answer;
}

struct update_answer decode_update(struct reader reader) {
  struct field field;
  struct update_answer answer = {0};
  uint64_t found = 0;
  while (next_field(&reader, &field)) {
    if (field.number == 1) answer.mod_revision = decode_revision(reader_of(&field));
    if (field.number == 2) answer.succeeded = field.value != 0;
    if (field.number == 3) {
      struct reader response = reader_of(&field);
      struct field part;
      while (next_field(&response, &part))
        if (part.number == 1) found = decode_range(reader_of(&part)).mod_revision;
    }
  }
  if (!answer.succeeded) answer.mod_revision = found;
  return answer;
}

struct watch_answer decode_watch(struct reader reader,
                                 void (*each)(void *context, uint64_t mod_revision, struct view value),
                                 void *context) {
  struct field field;
  struct watch_answer answer = {0};
  while (next_field(&reader, &field)) {
    if (field.number == 2) answer.id = field.value;
    if (field.number == 3) answer.created = field.value != 0;
    if (field.number == 4) answer.canceled = field.value != 0;
    if (field.number != 11) continue;
    struct reader event = reader_of(&field);
    struct field part;
    answer.events++;
    while (next_field(&event, &part)) {
      if (part.number != 2) continue;
      struct view value = {NULL, 0};
      uint64_t mod_revision = decode_key_value(reader_of(&part), &value);
      each(context, mod_revision, value);
    }
  }
  return answer;
}
