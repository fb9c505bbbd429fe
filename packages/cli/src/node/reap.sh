#!/bin/sh
# First process of a node: starts the node's entry, hands signals on, reaps orphans of the engine.
"$@" &
child=$!
trap 'kill -TERM $child' TERM INT
# `wait` comes back at every signal and for every orphan; the node ends with its entry.
while kill -0 $child 2>/dev/null; do wait $child; code=$?; done
exit "${code:-1}"
