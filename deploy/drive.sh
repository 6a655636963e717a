#!/usr/bin/env bash
# The place of the campaigns: a Prefect worker whose runs drive the Ray cluster at SPOTMILL_CLUSTER. Ray wants a node of
# its own beside every driver; this one does no work. When either ends, both do, and the container is started again.
set -euo pipefail
: "${SPOTMILL_CLUSTER:?the address of the Ray head, like ray-head:6379}"
: "${PREFECT_API_URL:?the address of the Prefect server, like http://prefect-server:4200/api}"

ray start --address="$SPOTMILL_CLUSTER" --num-cpus=0 --num-gpus=0 --object-store-memory=150000000 \
  --disable-usage-stats --block &
node=$!
# `schedules serve` stops runs before their worker, so that the server hears of it, and makes the pool where it is missing.
spotmill schedules serve --pool "${POOL:-spotmill}" &
worker=$!
asked=""
trap 'asked=yes' TERM INT
code=0
wait -n "$node" "$worker" || code=$? # also when a signal comes
# The worker first: its runs still need the node to say that they end.
for process in "$worker" "$node"; do
  kill -TERM "$process" 2>/dev/null || true
  wait "$process" || true
done
[ -z "$asked" ] || code=0
exit "$code"
