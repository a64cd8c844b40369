// ioredis against Kindred; clients/run tells how it is called.
"use strict";
const Redis = require("ioredis");
const { binary, sleep, same, error, run } = require("./common");

async function connect(mode, ports) {
  if (mode === "cluster") {
    const r = new Redis.Cluster(
      ports.map((port) => ({ host: "127.0.0.1", port })),
      { redisOptions: { connectTimeout: 5000 } },
    );
    r.on("error", () => {}); // commands tell of their own failures
    return r;
  }
  // A connection to a node that stays alive has no reason to be made twice.
  return new Redis({ host: "127.0.0.1", port: ports[0], retryStrategy: () => null });
}

const nodes = (r) => (r instanceof Redis.Cluster ? r.nodes("master") : [r]);

async function scan(r, options) {
  const found = new Set();
  for (const node of nodes(r)) {
    for await (const keys of node.scanStream(options)) keys.forEach((key) => found.add(key));
  }
  return found;
}

async function size(r) {
  const sizes = await Promise.all(nodes(r).map((node) => node.dbsize()));
  return sizes.reduce((a, b) => a + b, 0);
}

async function checks(r) {
  await r.flushall();
  const before = await size(r);

  same(await r.get("io:none"), null, "GET of a missing key");
  same(await r.set("io:s", "hello"), "OK", "SET");
  same(await r.get("io:s"), "hello", "GET");
  same(await r.append("io:s", " world"), 11, "APPEND");
  same(await r.getrange("io:s", -5, -1), "world", "GETRANGE");
  same(await r.set("io:s", "x", "NX"), null, "SET NX of a key that is there");
  same(await r.getset("io:s", "hello"), "hello world", "GETSET");
  same(await r.incr("io:n"), 1, "INCR");
  same(await r.incrby("io:n", 41), 42, "INCRBY");
  same(await r.decr("io:n"), 41, "DECR");
  same(await r.incrbyfloat("io:f", 1.5), "1.5", "INCRBYFLOAT");
  same(await r.set("io:b", binary), "OK", "SET of a binary value");
  same(await r.getBuffer("io:b"), binary, "GET of a binary value");
  same(await r.set("io:e", ""), "OK", "SET of an empty value");
  same(await r.get("io:e"), "", "GET of an empty value");
  same(await r.mset("{io}1", "a", "{io}2", "b"), "OK", "MSET");
  same(await r.mget("{io}1", "{io}none", "{io}2"), ["a", null, "b"], "MGET");
  same(await r.exists("io:s"), 1, "EXISTS");
  same(await r.type("io:s"), "string", "TYPE");
  same(await r.del("io:s"), 1, "DEL");
  same(await r.get("io:s"), null, "GET of a deleted key");

  await error("ERR value is not an integer or out of range", r.incr("io:e"));
  await error("ERR wrong number of arguments for 'get' command", r.call("GET", "a", "b"));

  // All keys of a pipeline belong to one node in ioredis, so they share a slot here.
  const p = r.pipeline();
  const want = [];
  for (let i = 0; i < 400; i++) {
    p.set(`{io}pipe:${i}`, `v${i}`).get(`{io}pipe:${i}`).get(`{io}pipe:none:${i}`);
    want.push([null, "OK"], [null, `v${i}`], [null, null]);
  }
  same(await p.exec(), want, "a pipeline");
  // Commands that nobody waits for between them, to any node.
  const many = Array.from({ length: 400 }, (_, i) => i);
  same(await Promise.all(many.map((i) => r.set(`io:many:${i}`, `v${i}`))), many.map(() => "OK"), "SET at once");
  same(await Promise.all(many.map((i) => r.get(`io:many:${i}`))), many.map((i) => `v${i}`), "GET at once");

  const names = new Set(many.map((i) => `{io}pipe:${i}`));
  same(await scan(r, { match: "{io}pipe:*", count: 37 }), names, "SCAN MATCH");
  const everything = new Set([...names, ...many.map((i) => `io:many:${i}`), "{io}1", "{io}2", "io:n", "io:f", "io:b", "io:e"]);
  same(await scan(r, { count: 100 }), everything, "SCAN");
  same((await size(r)) - before, everything.size, "DBSIZE");

  await r.set("io:x", "v", "EX", 100);
  const ttl = await r.ttl("io:x");
  if (ttl !== 99 && ttl !== 100) throw new Error(`TTL is ${ttl} after EX 100`);
  same(await r.persist("io:x"), 1, "PERSIST");
  same(await r.ttl("io:x"), -1, "TTL without expiry");
  same(await r.ttl("io:none"), -2, "TTL of a missing key");
  await r.set("io:p", "v", "PX", 150);
  const left = await r.pttl("io:p");
  if (left < 1 || left > 150) throw new Error(`PTTL is ${left} after PX 150`);
  await sleep(300);
  same(await r.get("io:p"), null, "GET of an expired key");
  same(await r.exists("io:p"), 0, "EXISTS of an expired key");
}

run(connect, checks, "io");
