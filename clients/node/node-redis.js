// node-redis against Kindred, with RESP3; clients/run tells how it is called.
"use strict";
const { createClient, createCluster, RESP_TYPES } = require("redis");
const { binary, sleep, same, error, run } = require("./common");

async function connect(mode, ports) {
  const r =
    mode === "cluster"
      ? createCluster({
          rootNodes: ports.map((port) => ({ url: `redis://127.0.0.1:${port}` })),
          RESP: 3,
          // Otherwise commands to a node that has died wait until it is back.
          defaults: { disableOfflineQueue: true, socket: { reconnectStrategy: false } },
        })
      : // A connection to a node that stays alive has no reason to be made twice.
        createClient({ url: `redis://127.0.0.1:${ports[0]}`, RESP: 3, socket: { reconnectStrategy: false } });
  r.on("error", () => {}); // commands tell of their own failures
  r.on("node-error", () => {});
  return r.connect();
}

// nodes are the clients of all nodes.
async function nodes(r, mode) {
  return mode === "cluster" ? Promise.all(r.masters.map((node) => r.nodeClient(node))) : [r];
}

async function scan(r, mode, options) {
  const found = new Set();
  for (const node of await nodes(r, mode)) {
    for await (const keys of node.scanIterator(options)) keys.forEach((key) => found.add(key));
  }
  return found;
}

async function size(r, mode) {
  let sum = 0;
  for (const node of await nodes(r, mode)) sum += await node.dbSize();
  return sum;
}

async function checks(r, mode) {
  const [first] = await nodes(r, mode);
  same((await first.sendCommand(["CLIENT", "INFO"])).match(/resp=(\d)/)[1], "3", "the protocol");
  await first.flushAll();
  const before = await size(r, mode);

  same(await r.get("nr:none"), null, "GET of a missing key");
  same(await r.set("nr:s", "hello"), "OK", "SET");
  same(await r.get("nr:s"), "hello", "GET");
  same(await r.append("nr:s", " world"), 11, "APPEND");
  same(await r.getRange("nr:s", -5, -1), "world", "GETRANGE");
  same(await r.set("nr:s", "x", { condition: "NX" }), null, "SET NX of a key that is there");
  same(await r.getSet("nr:s", "hello"), "hello world", "GETSET");
  same(await r.incr("nr:n"), 1, "INCR");
  same(await r.incrBy("nr:n", 41), 42, "INCRBY");
  same(await r.decr("nr:n"), 41, "DECR");
  same(await r.incrByFloat("nr:f", 1.5), "1.5", "INCRBYFLOAT");
  same(await r.set("nr:b", binary), "OK", "SET of a binary value");
  same(await r.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }).get("nr:b"), binary, "GET of a binary value");
  same(await r.set("nr:e", ""), "OK", "SET of an empty value");
  same(await r.get("nr:e"), "", "GET of an empty value");
  same(await r.mSet({ "{nr}1": "a", "{nr}2": "b" }), "OK", "MSET");
  same(await r.mGet(["{nr}1", "{nr}none", "{nr}2"]), ["a", null, "b"], "MGET");
  same(await r.exists("nr:s"), 1, "EXISTS");
  same(await r.type("nr:s"), "string", "TYPE");
  same(await r.del("nr:s"), 1, "DEL");
  same(await r.get("nr:s"), null, "GET of a deleted key");

  await error("ERR value is not an integer or out of range", r.incr("nr:e"));
  await error("ERR wrong number of arguments for 'get' command", first.sendCommand(["GET", "a", "b"]));

  const many = Array.from({ length: 400 }, (_, i) => i);
  const p = r.multi();
  for (const i of many) p.set(`{nr}pipe:${i}`, `v${i}`).get(`{nr}pipe:${i}`).get(`{nr}pipe:none:${i}`);
  same(await p.execAsPipeline(), many.flatMap((i) => ["OK", `v${i}`, null]), "a pipeline");
  // Commands that nobody waits for between them, to any node.
  same(await Promise.all(many.map((i) => r.set(`nr:many:${i}`, `v${i}`))), many.map(() => "OK"), "SET at once");
  same(await Promise.all(many.map((i) => r.get(`nr:many:${i}`))), many.map((i) => `v${i}`), "GET at once");

  const names = new Set(many.map((i) => `{nr}pipe:${i}`));
  same(await scan(r, mode, { MATCH: "{nr}pipe:*", COUNT: 37 }), names, "SCAN MATCH");
  const everything = new Set([...names, ...many.map((i) => `nr:many:${i}`), "{nr}1", "{nr}2", "nr:n", "nr:f", "nr:b", "nr:e"]);
  same(await scan(r, mode, { COUNT: 100 }), everything, "SCAN");
  same((await size(r, mode)) - before, everything.size, "DBSIZE");

  await r.set("nr:x", "v", { expiration: { type: "EX", value: 100 } });
  const ttl = await r.ttl("nr:x");
  if (ttl !== 99 && ttl !== 100) throw new Error(`TTL is ${ttl} after EX 100`);
  same(await r.persist("nr:x"), 1, "PERSIST");
  same(await r.ttl("nr:x"), -1, "TTL without expiry");
  same(await r.ttl("nr:none"), -2, "TTL of a missing key");
  await r.set("nr:p", "v", { expiration: { type: "PX", value: 150 } });
  const left = await r.pTTL("nr:p");
  if (left < 1 || left > 150) throw new Error(`PTTL is ${left} after PX 150`);
  await sleep(300);
  same(await r.get("nr:p"), null, "GET of an expired key");
  same(await r.exists("nr:p"), 0, "EXISTS of an expired key");
}

// node-redis asks for the slots again when it is sent elsewhere (MOVED), and not when a node has died, whatever cluster that
// is. So its users begin a new client, which finds the nodes that are left.
async function recover(old, ports) {
  try {
    old.destroy();
  } catch {
    // it throws when one of its connections is broken already
  }
  return connect("cluster", ports);
}

run(connect, checks, "nr", recover);
