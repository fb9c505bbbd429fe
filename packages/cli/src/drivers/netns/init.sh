#!/bin/sh
# First process of a node in namespaces: sets up what is the node's own, goes on as the node's reaper.
# Usage: init.sh NAME CGROUP COMMAND...
name=$1; cgroup=$2; shift 2

hostname "$name"
mount --make-rprivate /
# A /run of its own: sockets and state of the engine go with the node.
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock

# Into the node's cgroup, so that limits, pause and kill hold for everything on it.
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  mkdir -p "/sys/fs/cgroup/$cgroup/init"
  echo $$ > "/sys/fs/cgroup/$cgroup/init/cgroup.procs"
  for level in "/sys/fs/cgroup" "/sys/fs/cgroup/${cgroup%/*}" "/sys/fs/cgroup/$cgroup"; do
    for controller in $(cat "$level/cgroup.controllers"); do
      echo "+$controller" > "$level/cgroup.subtree_control" 2>/dev/null
    done
  done
else
  for hierarchy in /sys/fs/cgroup/*/; do
    [ "$hierarchy" = /sys/fs/cgroup/unified/ ] && continue
    mkdir -p "$hierarchy$cgroup" 2>/dev/null || continue
    if [ "$hierarchy" = /sys/fs/cgroup/cpuset/ ]; then
      for level in "${cgroup%/*}" "$cgroup"; do
        cat /sys/fs/cgroup/cpuset/cpuset.cpus > "$hierarchy$level/cpuset.cpus"
        cat /sys/fs/cgroup/cpuset/cpuset.mems > "$hierarchy$level/cpuset.mems"
      done
    fi
    echo $$ > "$hierarchy$cgroup/cgroup.procs" 2>/dev/null
  done
fi

exec sh "$(dirname "$0")/../../node/reap.sh" "$@"
