/**
 * The object of a visitor's account: it turns by its alarm alone, keeps its frames itself, and
 * leaves nothing behind. The object is asked as the Worker asks it; it is on the disk.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { configuration, copyScript, workerd } from "../../benches/lib/workerd.js";
import { root } from "../../scripts/lib/run.js";
import { VARS, connection, driver, mastodon, newName } from "./harness/account-object.js";
import { listen } from "./harness/workerd.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-account-object-"));
const icon = readFileSync(path.join(root, "assets/icon.png"));
let count = 0;
let kvPort;
let askedOfKv = 0;
let server;
let disk;
let worker;
let name;

before(async () => {
  kvPort = await listen(
    http.createServer((_request, response) => {
      askedOfKv += 1;
      response.writeHead(500).end();
    }),
  );
  server = await mastodon();
});

beforeEach(async () => {
  [askedOfKv, server.status, server.received.length, server.revoked] = [0, 200, 0, 0];
  count += 1;
  disk = path.join(folder, `disk-${count}`);
  mkdirSync(disk);
  name = newName();
  await start();
});

afterEach(() => worker?.kill());

after(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

async function start(vars = {}) {
  copyScript(folder, "edge");
  writeFileSync(path.join(folder, "driver.js"), driver);
  const edge = { id: "edge", isBuilt: true, vars: { ...VARS, ...vars } };
  const config = configuration([edge], kvPort, disk, { internet: server.port });
  worker = await workerd(folder, config, { log: process.env.LOG ? "inherit" : "ignore" });
}

/**
 * @param {string} where
 * @param {RequestInit} [init]
 */
const ask = (where, init) =>
  fetch(`${worker.url}/${name}/${where}`, { signal: AbortSignal.timeout(20_000), ...init });

/** Gives a command. @param {string | Record<string, unknown>} command */
async function command(command) {
  const body = typeof command === "string" ? { command } : command;
  const response = await ask("commands", { method: "POST", body: JSON.stringify(body) });
  assert.equal(response.status, 200, await response.clone().text());
  return response.json();
}

/** @param {string} given @param {Record<string, unknown>} [more] */
async function done(given, more = {}) {
  const reply = await command({ command: given, ...more });
  assert.equal(reply.reply, "done", JSON.stringify(reply));
}

const view = async () => (await command("show")).view;

/** @param {string} [query] */
const putIcon = (query = "?frames=24") =>
  ask(`icon${query}`, { method: "PUT", headers: { "content-type": "image/png" }, body: icon });

/** Signs in, chooses a picture and starts: a frame every 2.5 s. */
async function startTurning() {
  await done("connect", { connection: await connection(name) });
  assert.equal((await putIcon()).status, 200);
  await done("set", { settings: { TIME_ZONE: "Asia/Kolkata", PERIOD: "1m" } });
  await done("start", { without_picture: false });
}

/** The database of the object, and whether an alarm is set, as they lie on the disk. */
function onTheDisk() {
  const files = readdirSync(path.join(disk, "edge")).filter((file) =>
    /^[0-9a-f]+\.sqlite$/.test(file),
  );
  return files.map((file) => {
    const database = new DatabaseSync(path.join(disk, "edge", file), { readOnly: true });
    const tables = database.prepare("select name from sqlite_master where type = 'table'").all();
    const rows = tables.flatMap(({ name }) => database.prepare(`select * from "${name}"`).all());
    database.close();
    return { tables: tables.map(({ name }) => String(name)), rows };
  });
}

const until = async (isTrue, what) => {
  for (let waited = 0; !(await isTrue()); waited += 50) {
    assert.ok(waited < 20_000, what);
    await sleep(50);
  }
};

test("it turns once in each slot by its alarm alone, and reads nothing from elsewhere", async () => {
  await startTurning();
  assert.equal(server.received.length, 1, "at once");
  await until(() => server.received.length >= 4, "turns");
  const { stage, journal, next_turn: next } = await view();
  assert.equal(stage, "turning");
  const slots = journal.map(({ scheduled_at: at }) => Math.floor(Date.parse(at) / 2500));
  assert.equal(new Set(slots).size, slots.length, `${slots}`);
  assert.ok(next > Date.now() - 1000 && next < Date.now() + 6000, `${next - Date.now()}`);
  assert.equal(askedOfKv, 0);
});

test("a paused account makes no turn, and one that is resumed turns again", async () => {
  await startTurning();
  await done("pause");
  const before = server.received.length;
  await sleep(6000);
  assert.equal(server.received.length, before);
  assert.equal((await view()).next_turn, null);
  await done("resume");
  await until(() => server.received.length >= before + 2, "turns");
});

test("STOP stops it, and without STOP it goes on by itself", async () => {
  await startTurning();
  await worker.stop();
  await start({ STOP: "mastodon" });
  const before = server.received.length;
  await sleep(6000);
  assert.equal(server.received.length, before);
  await worker.stop();
  await start();
  await until(() => server.received.length >= before + 2, "turns");
});

test("an alarm goes on after a server that refuses, and after one that is away", async () => {
  await startTurning();
  for (const status of [503, 500, 418]) {
    server.status = status;
    const before = server.received.length;
    await until(() => server.received.length > before, `a try at ${status}`);
  }
  server.status = 200;
  await until(async () => {
    await done("turn");
    return (await view()).journal[0].outcome === "turned";
  }, "a turn");
  const before = server.received.length;
  await until(() => server.received.length >= before + 2, "turns by themselves");
});

test("killed at any moment, it goes on by itself, and no turn is in the journal twice", async () => {
  await startTurning();
  for (let kill = 0; kill < 6; kill++) {
    const before = server.received.length;
    await until(() => server.received.length > before, "a turn");
    await sleep(kill % 2 ? 0 : 300 * kill);
    await worker.kill();
    await start();
  }
  const before = server.received.length;
  const { journal } = await view();
  const ids = journal.map(({ scheduled_at: at }) => Math.floor(Date.parse(at) / 2500));
  assert.equal(new Set(ids).size, ids.length, `${ids}`);
  await until(() => server.received.length >= before + 2, "turns");
});

test("the frames of another icon take the place of those before", async () => {
  assert.equal((await putIcon()).status, 200);
  const frame = await ask("frames/3");
  assert.equal(frame.status, 200);
  assert.equal(frame.headers.get("cache-control"), "private, no-cache");
  const etag = frame.headers.get("etag") ?? "";
  assert.equal((await ask("frames/3", { headers: { "if-none-match": etag } })).status, 304);
  assert.equal((await ask("frames/24")).status, 404);
  assert.equal((await putIcon("?frames=97")).status, 400);
  assert.equal((await putIcon("?frames=12&kernel=bilinear")).status, 200);
  assert.equal((await ask("frames/3")).status, 200);
  await worker.stop();
  const [{ rows }] = onTheDisk();
  const keys = rows.map(({ key }) => String(key)).filter((key) => key.startsWith("sets/"));
  assert.equal(new Set(keys.map((key) => key.split("/")[1])).size, 1, `${keys}`);
  assert.equal(keys.length, 2, "the icon and the frame that was asked for");
});

test("another account has other settings, frames and turns", async () => {
  await startTurning();
  const first = name;
  name = newName();
  assert.equal((await ask("frames/3")).status, 503);
  assert.deepEqual((await view()).connections, []);
  assert.equal((await command({ command: "start", without_picture: true })).reply, "refused");
  name = first;
  assert.equal((await view()).connections.length, 1);
});

test("a deleted account leaves nothing, and no alarm comes", async () => {
  await startTurning();
  await done("delete", { put_back: false });
  assert.equal(server.revoked, 1);
  const before = server.received.length;
  await sleep(6000);
  assert.equal(server.received.length, before);
  // To be asked for it brings nothing back.
  assert.equal((await view()).stage, "new");
  await done("check_alarm");
  await worker.stop();
  const [{ tables, rows }] = onTheDisk();
  assert.deepEqual(
    tables.filter((table) => !table.startsWith("_cf_") && !table.startsWith("sqlite_")),
    [],
  );
  assert.deepEqual(
    rows.filter((row) => JSON.stringify(row).includes("person")),
    [],
  );
});

test("requests that the Worker does not make get nothing", async () => {
  for (const where of ["", "health", "turns", "journal", "frames/x", "icon"]) {
    const response = await ask(where, { method: where === "turns" ? "POST" : "GET" });
    assert.equal(response.status, 404, where);
  }
});
