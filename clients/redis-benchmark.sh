#!/usr/bin/env bash
# redis-benchmark against Kindred, for its replies and not for its figures; clients/run tells how it is called.
set -euo pipefail

what=$1 mode=$2 port=$3
[ "$what" = checks ] || { echo "redis-benchmark ends with the node it talks to, and has no $what" >&2; exit 2; }

args=(-p "$port" -q -n 20000 -c 20)
[ "$mode" = plain ] || args+=(--cluster)

for pipeline in 1 16; do
	output=$(redis-benchmark "${args[@]}" -t "ping,set,get,incr,mset" -P $pipeline 2>&1) || { echo "$output"; exit 1; }
	# -q overwrites its lines while it runs.
	lines=$(tr '\r' '\n' <<<"$output")
	if grep -i -E 'error|fail|could not|warning' <<<"$lines"; then exit 1; fi
	for test in PING_INLINE PING_MBULK SET GET INCR "MSET \(10 keys\)"; do
		grep -q -E "^$test: [0-9.]+ requests per second" <<<"$lines" || { echo "no result of $test:"; echo "$lines"; exit 1; }
	done
done
grep -E '^SET: [0-9.]+ requests' <<<"$lines" | sed 's/^/-P 16, /; s/,* *$//'
