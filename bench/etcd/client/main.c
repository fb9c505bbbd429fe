/*
 * etcd-load: loads a server of etcd's API and reports what it did. One thread, one event loop. The usage is
 * in options.c.
 */
#include "modes.h"

#include <string.h>

int main(int count, char **words) {
  struct options options = read_options(count, words);
  if (strcmp(options.mode, "watch") == 0) run_watch(&options);
  else if (strcmp(options.mode, "probe") == 0) run_probe(&options);
  else if (strcmp(options.mode, "ready") == 0) run_ready(&options);
  else run_load(&options);
  return 0;
}
