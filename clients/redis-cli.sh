#!/usr/bin/env bash
# redis-cli against Kindred, with the commands that Kindred alone has; clients/run tells how it is called.
set -euo pipefail

what=$1 mode=$2 port=$3
cli=(redis-cli -p "$port")
[ "$mode" = plain ] || cli+=(-c)

fail() {
	echo "$*" >&2
	exit 1
}

# same WANT COMMAND… checks a reply as redis-cli prints it into a pipe.
same() {
	local want=$1 got
	shift
	got=$("${cli[@]}" "$@") || fail "$*: redis-cli exits with $?: $got"
	[ "$got" = "$want" ] || fail "$*: got '$got', want '$want'"
}

# like PATTERN COMMAND… checks a reply in the form for terminals by a regular expression.
like() {
	local pattern=$1 got
	shift
	got=$("${cli[@]}" --no-raw "$@") || fail "$*: redis-cli exits with $?: $got"
	[[ "$got" =~ $pattern ]] || fail "$*: got '$got', want '$pattern'"
}

strings() {
	same PONG PING
	like '^\(nil\)$' GET cli:none
	same OK SET cli:s hello
	same hello GET cli:s
	like '^\(integer\) 11$' APPEND cli:s " world"
	same world GETRANGE cli:s -5 -1
	like '^\(nil\)$' SET cli:s x NX
	same "hello world" GETSET cli:s hello
	like '^\(integer\) 1$' INCR cli:n
	same 42 INCRBY cli:n 41
	same 1.5 INCRBYFLOAT cli:f 1.5
	same OK SET cli:e ""
	like '^""$' GET cli:e
	same OK MSET '{cli}1' a '{cli}2' b
	same $'a\n\nb' MGET '{cli}1' '{cli}none' '{cli}2'
	same string TYPE cli:s
	same 1 DEL cli:s
	same 0 EXISTS cli:s

	# A binary value: redis-cli reads it from its input, and ends it with a line break when it prints it.
	{ printf '%b' "$(printf '\\x%02x' {0..255})"; printf '\r\n$-1\r\n'; } >"$STATE.bin"
	[ "$("${cli[@]}" -x SET cli:b <"$STATE.bin")" = OK ] || fail "SET of a binary value"
	"${cli[@]}" GET cli:b >"$STATE.got"
	echo >>"$STATE.bin"
	cmp "$STATE.bin" "$STATE.got" || fail "GET of a binary value"

	like '^\(error\) ERR value is not an integer or out of range$' INCR cli:e
	like "^\(error\) ERR unknown command 'NOSUCHCOMMAND', with args beginning with: 'a'" NOSUCHCOMMAND a
	like "^\(error\) ERR wrong number of arguments for 'get' command$" GET a b
	like '^\(error\) ERR syntax error$' SET a b c
}

expiry() {
	local left
	same OK SET cli:x v EX 100
	left=$("${cli[@]}" TTL cli:x)
	((left == 99 || left == 100)) || fail "TTL is $left after EX 100"
	same 1 PERSIST cli:x
	same -1 TTL cli:x
	same -2 TTL cli:none
	same OK SET cli:p v PX 300
	left=$("${cli[@]}" PTTL cli:p)
	((left > 0 && left <= 300)) || fail "PTTL is $left after PX 300"
	sleep 0.5
	like '^\(nil\)$' GET cli:p
	same 0 EXISTS cli:p
}

# Commands from the input go one by one with -c, and --pipe sends the protocol as it is, which only one Redis can take.
pipelines() {
	local i
	for i in {0..399}; do printf 'SET cli:pipe:%d v%d\nGET cli:pipe:%d\n' "$i" "$i" "$i"; done >"$STATE.in"
	for i in {0..399}; do printf 'OK\nv%d\n' "$i"; done >"$STATE.want"
	"${cli[@]}" <"$STATE.in" | diff - "$STATE.want" || fail "commands from the input (> is what was wanted)"
	[ "$mode" = plain ] || return 0
	i=$("${cli[@]}" --pipe <"$STATE.in" | tail -n 1)
	[ "$i" = "errors: 0, replies: 800" ] || fail "--pipe: $i"
}

scan() {
	local p
	for p in "$@"; do redis-cli -p "$p" --scan; done | sort -u >"$STATE.got"
	{
		printf 'cli:pipe:%d\n' {0..399}
		printf '%s\n' cli:n cli:f cli:b cli:e '{cli}1' '{cli}2'
	} | sort >"$STATE.want"
	diff "$STATE.got" "$STATE.want" || fail "--scan (> is what was wanted)"
	for p in "$@"; do redis-cli -p "$p" --scan --pattern 'cli:pipe:1?'; done | sort >"$STATE.got"
	printf 'cli:pipe:1%d\n' {0..9} | diff "$STATE.got" - || fail "--scan --pattern (> is what was wanted)"
}

# In RESP3 redis-cli prints maps with hashes, and doubles and nulls by their types.
resp3() {
	local cli=("${cli[@]}" -3)
	like '^1# "server" => "redis"' HELLO 3
	like '# "proto" => \(integer\) 3' HELLO 3
	like 'resp=3' CLIENT INFO
	like '^\(nil\)$' GET cli:none
	like '^\(error\) ERR value is not an integer' INCR cli:e
	like '"maxclients" => "[0-9]+"' CONFIG GET maxclients
	like '"summary" => ' COMMAND DOCS get
}

# The commands that Redis does not have.
own() {
	local token
	same OK SET cli:own one
	like '^1\) "[A-Za-z0-9_=-]+"' SIBLINGS cli:own
	like '2\) 1\) "one"' SIBLINGS cli:own
	token=$("${cli[@]}" SIBLINGS cli:own | head -n 1)
	same 1 RESOLVE cli:own "$token" two
	same two GET cli:own
	# The token has not seen "two", so what it resolves becomes a sibling, and a new token settles both.
	same 2 RESOLVE cli:own "$token" three
	token=$("${cli[@]}" SIBLINGS cli:own | head -n 1)
	same OK SET cli:own settled CONTEXT "$token"
	same settled GET cli:own
	like '^\(error\) ERR ' RESOLVE cli:own nonsense four

	like '"r"' QUORUM
	same OK QUORUM R 1 W 1
	same settled QUORUM R 1 -- GET cli:own
	like '^\(error\) ERR ' QUORUM R 0

	like '"coordinator"' RING LOOKUP cli:own
	like '"primaries"' RING LOOKUP cli:own
	like '"member"' RING NODES
	like '^ *1\) 1\) \(integer\) 0' RING SLOTS
	like '^ *1\) "[0-9a-f]{16}"' RING TOKENS
	like '^\(error\) ERR ' RING NONSENSE
}

# total adds up DBSIZE, which each node of a cluster answers for its own slots.
total() {
	local n=0 p
	for p in "$@"; do n=$((n + $(redis-cli -p "$p" DBSIZE))); done
	echo "$n"
}

# A key that has expired counts until it is removed. Redis removes it when it is asked for, or soon after: 5 seconds are more
# than enough. FLUSHALL leaves nothing.
counts() {
	local want got tries
	"${cli[@]}" SET cli:gone v PX 1 >/dev/null
	want=$(for p in "$@"; do redis-cli -p "$p" --scan; done | sort -u | grep -vcx cli:gone)
	for ((tries = 0; tries < 50; tries++)); do
		got=$(total "$@")
		[ "$got" -ne "$want" ] || break
		sleep 0.1
	done
	[ "$got" -eq "$want" ] || failed+="DBSIZE is $got after 5 seconds, and there are $want keys that have not expired. "
	"${cli[@]}" FLUSHALL >/dev/null
	got=$(total "$@")
	[ "$got" -eq 0 ] || failed+="DBSIZE is $got after FLUSHALL. "
	[ -z "$failed" ] || fail "$failed"
}

checks() {
	same OK FLUSHALL
	strings
	pipelines
	scan "$@"
	expiry
	resp3
	own
	if [ "$mode" = cluster ]; then
		like 'cluster_state:ok' CLUSTER INFO
		like 'cluster_slots_ok:16384' CLUSTER INFO
		like 'myself,master' CLUSTER NODES
		[ "$(redis-cli --cluster call "127.0.0.1:$port" PING | grep -c PONG)" -eq $# ] || fail "--cluster call PING"
	fi
	counts "$@"
}

# death asks with a new redis-cli each time. redis-cli repeats nothing by itself.
again=0
repeated() {
	local tries
	for ((tries = 0; ; tries++)); do
		got=$("${cli[@]}" "$@" 2>&1) || true
		# CLUSTERDOWN says that nothing was done. NOQUORUM says that the command may have been done, so only commands that
		# can be repeated come here: GET, and SET of the same value.
		[[ "$got" =~ ^(CLUSTERDOWN|NOQUORUM) && $tries -lt 30 ]] || return 0
		again=$((again + 1))
		sleep 0.1
	done
}

death() {
	local n end="" key
	for ((n = 0; ; n++)); do
		[ -z "$end" ] || [ "$SECONDS" -lt "$end" ] || break
		[ "$SECONDS" -lt 40 ] || fail "nobody killed a node"
		key=cli:$mode:$n
		repeated SET "$key" "v$n"
		[ "$got" = OK ] || fail "SET $key: $got"
		echo "$key v$n" >>"$STATE/acked"
		repeated GET "$key"
		[ "$got" = "v$n" ] || fail "GET $key: $got"
		[ $n -ne 20 ] || touch "$STATE/begun"
		if [ -z "$end" ] && [ -e "$STATE/killed" ]; then end=$((SECONDS + 4)); fi
	done
	while read -r key want; do
		repeated GET "$key"
		[ "$got" = "$want" ] || fail "GET $key at the end: $got"
	done <"$STATE/acked"
	echo "$n writes, $again retried"
}

failed=""
shift 2
"$what" "$@"
