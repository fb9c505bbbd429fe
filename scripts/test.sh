#!/bin/sh
# The whole check, with all the set-up: dependencies, the tools that the tests drive, then format, lint, types, tidy, unit and end-to-end tests.
set -e
cd "$(dirname "$0")/.."
./kubelab help >/dev/null   # installs the dependencies and finds the right Node
PATH="$PWD/node_modules/.bin:$PATH"
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-$PWD/node_modules/.cache/kubelab}"

# Real things to test with. Without root or apt the tests that need them say so and count as skipped.
need=
for tool in dockerd:docker.io nft:nftables iptables:iptables ip:iproute2 etcd:etcd-server etcdctl:etcd-client busybox:busybox-static docker-compose:docker-compose; do
  PATH="$PATH:/usr/sbin:/sbin" command -v "${tool%%:*}" >/dev/null 2>&1 || need="$need ${tool#*:}"
done
# The store's bench compiles its load client.
[ -e /usr/include/nghttp2/nghttp2.h ] && command -v gcc >/dev/null 2>&1 || need="$need gcc libc6-dev libnghttp2-dev libssl-dev"
if [ -n "$need" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing for the tests:$need"
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  apt-get -qq update && apt-get -qq install -y --no-install-recommends $need >/dev/null || echo "Could not install all of:$need"
fi

npm run --silent check
exec node scripts/run-tests.ts "$@"
