// What the two clients for Node.js have in common; clients/run tells how they are called.
"use strict";
const fs = require("fs");
const { isDeepStrictEqual } = require("util");

const binary = Buffer.concat([Buffer.from(Array.from({ length: 256 }, (_, i) => i)), Buffer.from("\r\n$-1\r\n\0")]);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function same(got, want, what) {
  if (!isDeepStrictEqual(got, want)) throw new Error(`${what}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
}

async function error(text, promise) {
  let got;
  try {
    got = await promise;
  } catch (e) {
    if (!e.message.startsWith(text)) throw new Error(`the error is "${e.message}", want "${text}"`);
    return;
  }
  throw new Error(`got ${JSON.stringify(got)}, want the error "${text}"`);
}

// repeated runs a command that may run twice. CLUSTERDOWN says that nothing was done. NOQUORUM says that the command may have
// been done, so only commands that can be repeated come here: GET, and SET of the same value. Connections fail to the dead
// node only, which only the client for clusters has.
// recover, if the client has it, is called before a broken connection is tried again.
let again = 0;
async function repeated(mode, call, recover) {
  for (let tries = 0; ; tries++) {
    try {
      return await call();
    } catch (e) {
      const refused = /^(CLUSTERDOWN|NOQUORUM)/.test(e.message);
      const broken = mode === "cluster" && !/^[A-Z]+ /.test(e.message);
      if (tries === 30 || !(refused || broken)) throw e;
      again++;
      if (broken && recover) await recover();
      await sleep(100);
    }
  }
}

// death writes and reads until some seconds after a node has been killed.
async function death(r, name, mode, recover) {
  const anew = recover && (async () => (r = await recover(r)));
  const retried = (call) => repeated(mode, call, anew);
  const state = process.env.STATE;
  const acked = [];
  const limit = Date.now() + 40000;
  let end = 0;
  while (end === 0 || Date.now() < end) {
    const key = `${name}:${mode}:${acked.length}`;
    const value = `v${acked.length}`;
    same(await retried(() => r.set(key, value)), "OK", `SET ${key}`);
    acked.push([key, value]);
    same(await retried(() => r.get(key)), value, `GET ${key}`);
    if (acked.length === 20) fs.writeFileSync(`${state}/begun`, "");
    if (end === 0 && fs.existsSync(`${state}/killed`)) end = Date.now() + 3000;
    if (Date.now() > limit) throw new Error("nobody killed a node");
    await sleep(1);
  }
  for (const [key, value] of acked) same(await retried(() => r.get(key)), value, `GET ${key} at the end`);
  fs.writeFileSync(`${state}/acked`, acked.map(([key, value]) => `${key} ${value}\n`).join(""));
  console.log(`${acked.length} writes, ${again} retried`);
}

// run calls checks or death with a client, and ends the process whatever the client still has open.
function run(connect, checks, name, recover) {
  const [what, mode, ...ports] = process.argv.slice(2);
  (async () => {
    const r = await connect(mode, ports.map(Number));
    await (what === "checks" ? checks(r, mode, ports) : death(r, name, mode, recover && ((old) => recover(old, ports))));
  })().then(
    () => process.exit(0),
    (e) => {
      console.error(e);
      process.exit(1);
    },
  );
}

module.exports = { binary, sleep, same, error, run };
