/* The command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "conn.h"

#define ENDPOINTS_MAX 8

struct options {
  const char *mode;
  struct endpoint endpoints[ENDPOINTS_MAX];
  unsigned endpoint_count;

  unsigned connections;
  /* Requests under way on each connection. */
  unsigned streams;
  uint64_t warm_up_ns;
  /* Of the measured part; with `count` what that may take at most, and 0 is no limit. */
  uint64_t duration_ns;
  uint64_t count;

  const char *prefix;
  uint64_t keys;
  uint64_t value_bytes;
  /* Items that each list must have. */
  uint64_t limit;
  bool is_serializable;
  /* Connections that put beside the measured load. */
  unsigned writers;
  /* Puts a second of the background writer, or of the probe. 0: as fast as answers come. */
  uint64_t rate;

  /* On each connection. */
  unsigned watches;
  bool has_separate_streams;
  /* Puts that the writer may be ahead of the slowest watch. */
  uint64_t backlog;

  const char *path;
  struct bytes message;
};

/* Ends the process with its usage when it makes no sense. */
struct options read_options(int count, char **words);

#endif
