/* The modes put, txn, get, list and call: a closed loop on every slot. */
#ifndef LOAD_H
#define LOAD_H

#include "options.h"

/* Runs the load and prints its report. */
void run_load(const struct options *options);

#endif
