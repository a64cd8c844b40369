"""redis-py against Kindred; clients/run tells how it is called."""

import logging
import os
import sys
import time

import redis
from redis.cluster import ClusterNode, RedisCluster

# redis-py logs each error reply of a cluster, also those that are wanted here.
logging.getLogger("redis").setLevel(logging.CRITICAL)

BINARY = bytes(range(256)) + b"\r\n$-1\r\n\0"


def connect(mode, ports):
    if mode == "cluster":
        return RedisCluster(startup_nodes=[ClusterNode("127.0.0.1", p) for p in ports], socket_timeout=5)
    return redis.Redis("127.0.0.1", ports[0], socket_timeout=5)


def same(got, want, what):
    if got != want:
        sys.exit(f"{what}: got {got!r}, want {want!r}")


def error(text, call):
    try:
        got = call()
    except redis.ResponseError as e:
        if text not in str(e):
            sys.exit(f"the error is {str(e)!r}, want {text!r}")
        return
    sys.exit(f"got {got!r}, want an error: {text}")


def size(r):
    """DBSIZE; for a cluster, redis-py asks a single node unless told otherwise."""
    return r.dbsize(target_nodes=RedisCluster.PRIMARIES) if isinstance(r, RedisCluster) else r.dbsize()


def checks(r):
    r.flushall()
    before = size(r)
    same(r.ping(), True, "PING")

    same(r.get("py:none"), None, "GET of a missing key")
    same(r.set("py:s", "hello"), True, "SET")
    same(r.get("py:s"), b"hello", "GET")
    same(r.append("py:s", " world"), 11, "APPEND")
    same(r.getrange("py:s", -5, -1), b"world", "GETRANGE")
    same(r.strlen("py:s"), 11, "STRLEN")
    same(r.set("py:s", "x", nx=True), None, "SET NX of a key that is there")
    same(r.getset("py:s", "hello"), b"hello world", "GETSET")
    same(r.incr("py:n"), 1, "INCR")
    same(r.incrby("py:n", 41), 42, "INCRBY")
    same(r.decr("py:n"), 41, "DECR")
    same(float(r.incrbyfloat("py:f", 1.5)), 1.5, "INCRBYFLOAT")
    same(r.set("py:b", BINARY), True, "SET of a binary value")
    same(r.get("py:b"), BINARY, "GET of a binary value")
    same(r.set(b"py:\xff\0\r\n", "k"), True, "SET of a binary key")
    same(r.get(b"py:\xff\0\r\n"), b"k", "GET of a binary key")
    same(r.set("py:e", ""), True, "SET of an empty value")
    same(r.get("py:e"), b"", "GET of an empty value")
    same(r.mset({"{py}1": "a", "{py}2": "b"}), True, "MSET")
    same(r.mget("{py}1", "{py}none", "{py}2"), [b"a", None, b"b"], "MGET")
    same(r.exists("py:s"), 1, "EXISTS")
    same(r.type("py:s"), b"string", "TYPE")
    same(r.delete("py:s"), 1, "DEL")
    same(r.exists("py:s"), 0, "EXISTS of a deleted key")

    error("value is not an integer or out of range", lambda: r.incr("py:e"))
    error("wrong number of arguments for 'get' command", lambda: r.execute_command("GET", "{a}1", "{a}2"))

    # Redis-py's pipelines of a cluster are sent node by node; their replies come back in the order of the commands.
    p = r.pipeline(transaction=False)
    for i in range(400):
        p.set(f"py:pipe:{i}", f"v{i}").get(f"py:pipe:{i}").get(f"py:pipe:none:{i}")
    want = [x for i in range(400) for x in (True, b"v%d" % i, None)]
    same(p.execute(), want, "a pipeline")
    p = r.pipeline(transaction=False)
    p.set("py:q", "x").incr("py:q").get("py:q")
    got = p.execute(raise_on_error=False)
    if got[0] is not True or not isinstance(got[1], redis.ResponseError) or got[2] != b"x":
        sys.exit(f"a pipeline with an error in it answered {got!r}")

    names = {b"py:pipe:%d" % i for i in range(400)}
    same(set(r.scan_iter(match="py:pipe:*", count=37)), names, "SCAN MATCH")
    everything = names | {b"{py}1", b"{py}2", b"py:n", b"py:f", b"py:b", b"py:\xff\0\r\n", b"py:e", b"py:q"}
    same(set(r.scan_iter(count=100)), everything, "SCAN")
    same(size(r) - before, len(everything), "DBSIZE")

    r.set("py:x", "v", ex=100)
    if r.ttl("py:x") not in (99, 100):
        sys.exit(f"TTL is {r.ttl('py:x')} after EX 100")
    same(r.persist("py:x"), True, "PERSIST")
    same(r.ttl("py:x"), -1, "TTL without expiry")
    same(r.ttl("py:none"), -2, "TTL of a missing key")
    same(r.expire("py:x", 100), True, "EXPIRE")
    r.set("py:p", "v", px=150)
    if not 0 < r.pttl("py:p") <= 150:
        sys.exit(f"PTTL is {r.pttl('py:p')} after PX 150")
    time.sleep(0.3)
    same(r.get("py:p"), None, "GET of an expired key")
    same(r.exists("py:p"), 0, "EXISTS of an expired key")


def death(r, mode, ports, state):
    again = 0

    def retried(call):
        """Repeats a command that may run twice.

        CLUSTERDOWN says that nothing was done. NOQUORUM says that the command may have been done, so only commands
        that can be repeated come here: GET, and SET of the same value. Connections fail to the dead node only, which
        only the client for clusters has.
        """
        nonlocal again, r
        for _ in range(30):
            try:
                return call()
            except redis.ConnectionError as e:
                if mode == "plain":
                    sys.exit(f"the connection to a node that is alive failed: {e}")
            except redis.exceptions.RedisClusterException as e:
                # Releases of redis-py before 4.4 cannot ask for the slots again, whatever cluster that is, when the dead
                # node is the first that they would ask. Their users begin a new client.
                if "cannot pickle" not in str(e):
                    raise
                r = connect(mode, ports)
            except redis.ResponseError as e:
                if not isinstance(e, redis.exceptions.ClusterDownError) and not str(e).startswith(("CLUSTERDOWN", "NOQUORUM")):
                    raise
            again += 1
            time.sleep(0.1)
        return call()

    acked = {}
    sure = maybe = 0
    end = None
    limit = time.monotonic() + 40
    while end is None or time.monotonic() < end:
        i = len(acked)
        key, value = f"py:{mode}:{i}", f"v{i}"
        same(retried(lambda: r.set(key, value)), True, f"SET {key}")
        acked[key] = value
        same(retried(lambda: r.get(key)), value.encode(), f"GET {key}")
        # Increments are not repeated, so the counter is as many as were acknowledged, and those that nobody knows of.
        if i % 10 == 0:
            try:
                r.incr(f"py:{mode}:counter")
                sure += 1
            except (redis.ConnectionError, redis.ResponseError, redis.exceptions.RedisClusterException):
                maybe += 1
        if i == 20:
            open(f"{state}/begun", "w").close()
        if end is None and os.path.exists(f"{state}/killed"):
            end = time.monotonic() + 3
        if time.monotonic() > limit:
            sys.exit("nobody killed a node")
        time.sleep(0.001)
    for key, value in acked.items():
        same(retried(lambda: r.get(key)), value.encode(), f"GET {key} at the end")
    count = int(retried(lambda: r.get(f"py:{mode}:counter")))
    if not sure <= count <= sure + maybe:
        sys.exit(f"the counter is {count} after {sure} acknowledged INCR and {maybe} of unknown outcome")
    with open(f"{state}/acked", "w") as f:
        f.writelines(f"{key} {value}\n" for key, value in acked.items())
    print(f"{len(acked)} writes, {again} retried")


def main():
    what, mode, *ports = sys.argv[1:]
    ports = [int(p) for p in ports]
    r = connect(mode, ports)
    if what == "checks":
        checks(r)
    else:
        death(r, mode, ports, os.environ["STATE"])


main()
