/* What the client can do. Each runs to its end and prints its report. */
#ifndef MODES_H
#define MODES_H

#include "options.h"

/* put, txn, get, list, call: a closed loop on every slot. */
void run_load(const struct options *options);
/* watch: one writer, many watches. */
void run_watch(const struct options *options);
/* probe: how long no write is acknowledged while members come and go. */
void run_probe(const struct options *options);
/* ready: when a server that is starting gives its first answer. */
void run_ready(const struct options *options);

#endif
