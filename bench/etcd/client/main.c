/*
 * etcd-load: loads a server of etcd's API and reports what it did. One thread, one event loop. See the usage
 * in options.c.
 */
#include "load.h"

int main(int count, char **words) {
  struct options options = read_options(count, words);
  run_load(&options);
  return 0;
}
