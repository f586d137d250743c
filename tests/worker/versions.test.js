/**
 * Tests what another version of the Worker, or a damaged disk, has left in the account's object and
 * in KV: it is read as far as it is understood, reported once and set aside, and turns go on. The
 * object is on the disk; the other version is a Worker of the test with the same object.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { DatabaseSync } from "node:sqlite";
import {
  configuration,
  copyScript,
  publishedValues,
  workerd,
  kvKey,
} from "../../benches/lib/workerd.js";
import { accountSecrets } from "../../scripts/lib/local-networks.js";
import { root } from "../../scripts/lib/run.js";
import { HOUR } from "./harness/clock.js";
import { driver, listen, TOKEN } from "./harness/workerd.js";

/** Another version: it stores what is asked of it, and tells what is there. */
const other = `import { DurableObject } from "cloudflare:workers";
export class Account extends DurableObject {
  change({ puts = [], execs = [] }) {
    const { kv, sql } = this.ctx.storage;
    for (const [key, value, isMap] of puts) kv.put(key, isMap ? new Map(value) : value);
    for (const query of execs) sql.exec(...[query].flat());
    const texts = [...kv.list()].map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]);
    const [row] = sql.exec("select * from sqlite_master where name = 'account'").toArray().length
      ? sql.exec("select * from account").toArray() : [];
    return [...texts, ...Object.entries(row ?? {})];
  }
}
export default {
  async fetch(request, env) {
    return Response.json(await env.ACCOUNT.getByName("default").change(await request.json()));
  },
};`;

const folder = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-versions-"));
const values = new Map();
let published;
let vars;
let kvPort;
let worker;
let disk;
let count = 0;
let sent = 0;
/** @type {[number, string]} */
let answer = [200, `{"id_str":"1","screen_name":"local_account"}`];
const told = [];
let at = Date.parse("2031-06-15T00:00:00Z");

/**
 * @typedef {(
 *   request: http.IncomingMessage,
 *   response: http.ServerResponse,
 *   body: Buffer,
 * ) => unknown} Reply
 */

/** @param {Reply} reply */
const serve = (reply) =>
  listen(
    http.createServer((request, response) => {
      const parts = [];
      request
        .on("data", (part) => parts.push(part))
        .on("end", () => reply(request, response, Buffer.concat(parts)));
    }),
  );

before(async () => {
  published = await publishedValues(path.join(root, "assets/icon.png"), path.join(folder, "out"));
  kvPort = await serve((request, response, body) => {
    const key = kvKey(request);
    if (request.method === "PUT") values.set(key, body);
    const value = request.method === "PUT" ? "" : values.get(key);
    response.writeHead(value === undefined ? 404 : 200).end(value);
  });
  const xPort = await serve((_request, response) => {
    sent += 1;
    response.writeHead(answer[0], { "content-type": "application/json" }).end(answer[1]);
  });
  const hookPort = await serve((_request, response, body) => {
    told.push(JSON.parse(String(body)).text);
    response.writeHead(204).end();
  });
  const base = {
    API_BASE_URL: `http://127.0.0.1:${xPort}`,
    ALERT_WEBHOOK_URL: `http://127.0.0.1:${hookPort}/hook`,
  };
  vars = { ...accountSecrets, TRIGGER_TOKEN: TOKEN, ...base };
  copyScript(folder, "edge");
  writeFileSync(path.join(folder, "driver.js"), driver);
});

beforeEach(async () => {
  values.clear();
  for (const [key, value] of published) values.set(key, value);
  [sent, told.length, answer] = [0, 0, [200, `{"id_str":"1","screen_name":"local_account"}`]];
  count += 1;
  disk = path.join(folder, `disk-${count}`);
  mkdirSync(disk);
  await start();
});

afterEach(() => worker?.stop());

after(() => {
  rmSync(folder, { recursive: true });
});

/** Starts this version. */
async function start() {
  copyScript(folder, "edge");
  writeFileSync(path.join(folder, "driver.js"), driver);
  worker = await workerd(
    folder,
    configuration([{ id: "edge", isBuilt: true, vars }], kvPort, disk),
    { log: "ignore" },
  );
}

/** Has another version change the storage. Returns what it finds there, by key and column. */
async function byAnotherVersion(changes = {}) {
  await worker.stop();
  writeFileSync(path.join(folder, "edge.js"), other);
  writeFileSync(
    path.join(folder, "driver.js"),
    "export default { fetch: (request, env) => env.edge.fetch(request) };",
  );
  const config = configuration([{ id: "edge", vars: {}, hasObject: true }], kvPort, disk);
  const another = await workerd(folder, config, { log: "inherit" });
  const response = await fetch(another.url, { method: "POST", body: JSON.stringify(changes) });
  const found = new Map(await response.json());
  await another.stop();
  await start();
  return found;
}

/**
 * Changes the database of the object as it lies on the disk.
 *
 * @param {(database: import("node:sqlite").DatabaseSync) => unknown} change
 */
async function onTheDisk(change) {
  await worker.stop();
  const [file] = readdirSync(path.join(disk, "edge")).filter(
    (name) => name.endsWith(".sqlite") && !name.startsWith("metadata"),
  );
  const database = new DatabaseSync(path.join(disk, "edge", file));
  change(database);
  database.close();
  await start();
}

/**
 * @param {string} where
 * @param {RequestInit} [init]
 */
const ask = (where, init) =>
  fetch(worker.url + where, {
    headers: { authorization: `Bearer ${TOKEN}` },
    signal: AbortSignal.timeout(10_000),
    ...init,
  });

const journal = async () => (await (await ask("/journal")).json()).entries;

/** The next hour's turn by the cron: how it ended. */
async function turn() {
  at += HOUR;
  assert.equal(await (await ask(`/scheduled?at=${at}`)).text(), "ok");
  const [entry] = await journal();
  assert.equal(Date.parse(entry.scheduled_at), at);
  return entry;
}

const health = async () => {
  const response = await ask("/health");
  return { status: response.status, ...(await response.json()) };
};

const KEY = "standing on x";
const NEWER = JSON.stringify({
  set: { id: "a", frames: "twelve" },
  showing: null,
  slot: ["another", "form"],
  hold: null,
  refusals: { by: "kind" },
  stopped: "since yesterday",
  wake_at: null,
  memory: { sealed: "x" },
  lease: { until: 1 },
});

/** Values in the place of an account state, and whether each can be read back. */
const STANDINGS = {
  garbage: "garbage",
  "no text": "",
  "an object without members": "{}",
  "a list": "[]",
  null: "null",
  "a newer version's JSON": NEWER,
  "a newer version's object, not text": JSON.parse(NEWER),
  "a number": 7,
  "a value that is null": null,
};

/** Stores the states of all networks. @param {string} states */
const setStates = (states) => ({ execs: [["update account set states = ?", states]] });

/** Leaves what a version has left that keeps a row an entry. @param {any[]} put */
const byAnEarlierVersion = (...put) => ({
  puts: [put],
  execs: [
    "create table if not exists records (id integer primary key, entry text not null)",
    `insert into records (entry) values ('{"outcome":"turned","scheduled_at":"2031-06-15T00:30:00Z"}')`,
  ],
});

const CASES = [
  ...Object.entries(STANDINGS).map(([what, value]) => [
    `${what}, of an earlier version,`,
    value,
    byAnEarlierVersion(KEY, value),
  ]),
  ...Object.entries(STANDINGS)
    .filter(([, value]) => typeof value === "string")
    .map(([what, value]) => [what, value, setStates(`x ${value}\n`)]),
  ["a text without the name of a network", "garbage", setStates("garbage")],
  ["another form of the states", NEWER, setStates(NEWER)],
];

for (const [what, value, change] of CASES) {
  test(`${what} for what is known is told once, kept aside, and turning goes on`, async () => {
    assert.equal((await turn()).outcome, "turned");
    await byAnotherVersion(change);

    // Before the next turn, page and health say so, and neither hangs.
    const before = await health();
    assert.deepEqual([before.status, before.ready, before.troubles.length], [200, true, 1]);
    assert.match(
      before.troubles[0].message,
      /What was stored of the account could not all be read/,
    );
    assert.match(
      await (await ask("/")).text(),
      /What was stored of the account could not all be read/,
    );
    assert.deepEqual(told, []);

    for (let hour = 0; hour < 3; hour++) assert.equal((await turn()).outcome, "turned");
    assert.equal(sent, 4);
    assert.equal(told.length, 1, told.join("\n"));
    assert.match(told[0], /^About your icon: What was stored .*`set aside: standing on x`/);
    const unread = (await journal()).filter(({ outcome }) => outcome === "unread");
    assert.equal(unread.length, 1);
    assert.deepEqual([unread[0].network, unread[0].reason], ["x", "host"]);
    assert.equal((await health()).troubles.length, 1, "for a day");

    const found = await byAnotherVersion();
    assert.equal(
      found.get(`set aside: ${KEY}`),
      typeof value === "string" ? value : JSON.stringify(value),
    );
    assert.deepEqual((await turn()).outcome, "turned");
    assert.equal(told.length, 1);
  });
}

test("a map, which is no JSON, hangs nothing", async () => {
  await byAnotherVersion(byAnEarlierVersion(KEY, [[1, 2]], true));
  assert.equal((await ask("/")).status, 200);
  assert.equal((await turn()).outcome, "turned");
  assert.equal(told.length, 1);
});

test("a hold of a newer version holds, though nothing else of it is understood", async () => {
  const until = at + 6 * HOUR;
  const hold = {
    until,
    kind: "quarantine",
    trouble: { reason: "moderation", message: "Held back.", remedy: "Wait." },
    by: 1,
  };
  assert.equal((await turn()).outcome, "turned");
  await byAnotherVersion(setStates(`x ${JSON.stringify({ hold, refusals: "many" })}\n`));
  const entry = await turn();
  assert.match(entry.message, /Held back\./);
  assert.equal(Date.parse(entry.retry_at), until);
  assert.equal(sent, 1);
  assert.match(await (await ask("/")).text(), /Held back\./);
  // Who forgets it, turns.
  assert.equal((await ask("/journal", { method: "DELETE" })).status, 204);
  assert.equal((await turn()).outcome, "turned");
});

test("what this version keeps is read back in full by the version after the other", async () => {
  assert.equal((await turn()).outcome, "turned");
  const before = (await byAnotherVersion()).get("states");
  assert.match(before, /^x \{/);
  assert.deepEqual((await health()).troubles, []);
  assert.equal((await byAnotherVersion()).get("states"), before);
  assert.equal(told.length, 0);
});

test("a value that cannot be read back hides nothing, and DELETE /journal removes it", async () => {
  await byAnotherVersion(byAnEarlierVersion(KEY, "{}"));
  /** @param {string} key */
  const spoil = (key) => (database) =>
    database
      .prepare("insert or replace into _cf_KV (key, value) values (?, ?)")
      .run(key, Buffer.from("c0ffee", "hex"));
  await onTheDisk(spoil(KEY));
  assert.equal((await ask("/")).status, 200);
  assert.match((await health()).troubles[0].message, /could not all be read/);
  assert.equal((await turn()).outcome, "turned");
  assert.equal(told.length, 1);

  await onTheDisk(spoil("of another version"));
  assert.equal((await ask("/journal", { method: "DELETE" })).status, 204);
  assert.deepEqual(await journal(), []);
  assert.equal((await turn()).outcome, "turned");
  assert.equal(told.length, 1, "nothing is left to be told of");
  const found = await byAnotherVersion();
  assert.deepEqual(
    [...found.keys()].filter((key) => key.includes(" ")),
    [],
  );
});

const EVENTS = ["garbage", "", "{}", "null", '{"lease":7,"cron":["a"]}', { until: 1 }, 7, null];

test("what another version knows of the schedule stops no turn", async () => {
  assert.equal((await turn()).outcome, "turned");
  for (const value of EVENTS) {
    const column = JSON.stringify(value);
    for (const change of [
      byAnEarlierVersion("schedule", value),
      { execs: [["update account set cron_events = ?", column]] },
    ]) {
      await byAnotherVersion(change);
      assert.deepEqual([(await ask("/")).status, (await health()).status], [200, 200], column);
      assert.equal((await turn()).outcome, "turned", column);
    }
  }
  await byAnotherVersion(byAnEarlierVersion("schedule", "{}"));
  await onTheDisk((database) =>
    database
      .prepare("update _cf_KV set value = ? where key = 'schedule'")
      .run(Buffer.from("c0ffee", "hex")),
  );
  assert.equal((await ask("/")).status, 200);
  assert.equal((await turn()).outcome, "turned");
});

test("an object of the version before goes on unasked, and so it does after a rollback", async () => {
  const hold = { reason: "credentials", message: "Held back.", remedy: "Wait." };
  const lease = (last) => ({
    crons: [{ cron: "0 * * * *", last, interval: 60, is_doubted: false }],
  });
  /** What that version stores after a turn to a frame. */
  const kept = (frame, record, rest = {}) =>
    JSON.stringify({
      set: { id: setId(), frames: 12 },
      showing: { set: setId(), frame },
      account: "local_account",
      slot: {
        start: at,
        end: at + HOUR,
        trigger: "cron",
        scheduled_at: at,
        frame,
        attempts: 1,
        by_hand: 0,
        is_turned: true,
        record,
      },
      hold: null,
      refusals: 0,
      stopped: null,
      wake_at: null,
      memory: null,
      ...rest,
    });
  const record = (id) => [
    "insert into records values (?, ?)",
    id,
    JSON.stringify({
      event: "turn",
      scheduled_at: new Date(at).toISOString(),
      outcome: "turned",
      n: id,
    }),
  ];
  const create = "create table records (id integer primary key, entry text not null)";
  // 9 o'clock in Japan, and the schedule in a zone of half hours.
  const records = Array.from({ length: 130 }, (_, i) => record(i + 1));
  await byAnotherVersion({
    puts: [
      [KEY, kept(9, 130)],
      ["schedule", JSON.stringify(lease(at))],
    ],
    execs: [create, ...records],
  });
  const ids = async () => {
    const { entries, next } = await (await ask("/journal?limit=200")).json();
    assert.equal(next, null);
    return entries.map(({ id, n }) => [id, n]);
  };
  const ofBefore = records.map((_, i) => [130 - i, 130 - i]);
  assert.deepEqual(await ids(), ofBefore);
  assert.deepEqual((await health()).troubles, []);
  // It knows what it has shown: the same hour is not sent again.
  assert.equal(await (await ask(`/scheduled?at=${at}`)).text(), "ok");
  assert.equal(sent, 0);
  assert.equal((await turn()).id, 131);
  assert.deepEqual(await ids(), [[131, undefined], ...ofBefore]);
  assert.equal(
    (await byAnotherVersion()).get(KEY),
    kept(9, 130)
      .replaceAll(String(at), String(at - HOUR))
      .replaceAll(String(at + HOUR), String(at)),
    "it is left to that version",
  );

  // A rollback: that version makes a turn, which goes wrong, and writes another record.
  at += HOUR;
  const until = at + 6 * HOUR;
  await byAnotherVersion({
    puts: [[KEY, kept(11, 131, { hold: { until, kind: "refusal", trouble: hold } })]],
    execs: [record(131)],
  });
  assert.deepEqual((await ids()).slice(0, 3), [
    [132, 131],
    [131, undefined],
    [130, 130],
  ]);
  const held = await turn();
  assert.match(held.message, /Held back\./);
  assert.equal(held.id, 133);
  assert.deepEqual(await ids(), [[133, undefined], [132, 131], [131, undefined], ...ofBefore]);
  assert.ok((await journal()).every(({ outcome }) => outcome !== "unread"));
});

test("entries of another version, or none at all, hide no other", async () => {
  assert.equal((await turn()).outcome, "turned");
  const strange = [
    "create table records (id integer primary key, entry text not null)",
    "insert into records values (2, x'ff00'), (3, 'garbage'), (4, '[]'), (5, 7), (99999999999, 'beyond')",
    `insert into records values (6, '{"outcome":"postponed","scheduled_at":"2031-06-15T01:00:00Z","frame":"x"}')`,
  ];
  await byAnotherVersion({ execs: strange });
  const entries = await journal();
  assert.deepEqual(
    entries.map(({ id }) => id),
    [7, 6, 5, 4, 3, 1],
  );
  assert.deepEqual(
    entries.map(({ outcome }) => outcome),
    ["postponed", ...Array(4).fill("unreadable"), "turned"],
  );
  assert.match(await (await ask("/")).text(), /postponed/);
  assert.equal((await turn()).id, 8);
});

test("lines that are no entries hide no others", async () => {
  assert.equal((await turn()).outcome, "turned");
  await byAnotherVersion({
    execs: [
      `update account set entries = entries || '2 garbage\nx {}\n\n99999999999 beyond\n4 []\n3 \n'`,
    ],
  });
  assert.deepEqual(
    (await journal()).map(({ id, outcome }) => [id, outcome]),
    [
      [4, "unreadable"],
      [3, "unreadable"],
      [2, "unreadable"],
      [1, "turned"],
    ],
  );
  assert.equal((await turn()).id, 5);
});

test("tables of another form are set aside, and new ones begun", async () => {
  for (const execs of [
    ["drop table account", "create table account (id integer primary key, body blob not null)"],
    ["alter table account add column network text not null default ''"],
    [
      "drop table account",
      "create table account (id, account, states, cron_events, entries, imported, more not null)",
    ],
    ["drop table account", "create table account (name text)"],
    ["drop table account"],
    ["update account set states = x'00'"],
    ["update account set imported = -1"],
    ["drop table if exists pages", "create table pages (number integer)"],
    [
      "create table records (id integer primary key, body blob not null)",
      "insert into records values (7, 'a')",
    ],
    ["create table records (name text)"],
  ]) {
    assert.equal((await turn()).outcome, "turned");
    await byAnotherVersion({ execs });
    assert.equal((await ask("/")).status, 200);
    assert.equal((await turn()).outcome, "turned");
    assert.ok((await journal()).length >= 1, execs.join());
    assert.equal((await ask("/journal", { method: "DELETE" })).status, 204);
  }
});

test("a table with one column more is used as it is", async () => {
  assert.equal((await turn()).outcome, "turned");
  await byAnotherVersion({
    execs: [
      "alter table account add column network text",
      "drop table if exists pages",
      "create table pages (first_id integer primary key, entries text not null, network text)",
    ],
  });
  for (let hour = 0; hour < 70; hour++) assert.equal((await turn()).outcome, "turned");
  const { entries } = await (await ask("/journal?limit=200")).json();
  assert.deepEqual(
    entries.map(({ id }) => id),
    Array.from({ length: 71 }, (_, i) => 71 - i),
  );
});

test("while X refuses, neither health nor the page says all is well", async () => {
  answer = [401, `{"errors":[{"code":89,"message":"Invalid or expired token."}]}`];
  assert.equal((await turn()).outcome, "refused");
  const { status, ready, detail } = await health();
  assert.deepEqual([status, ready], [503, false]);
  assert.match(detail, /^X, at the last try: X answered 401, code 89/);
});

// --- Frames, the icon and the pointer -----------------------------------------

const setId = () => JSON.parse(values.get("current")).id;

for (const [what, spoil] of /** @type {[string, (frame: Buffer) => Buffer][]} */ ([
  ["no bytes", () => Buffer.alloc(0)],
  ["a web page", () => Buffer.from("<html>Not found</html>")],
  ["half of itself", (frame) => frame.subarray(0, frame.length / 2)],
  ["too many bytes", (frame) => Buffer.concat([frame, Buffer.alloc(600_000)])],
  ["more bytes than are read", () => Buffer.alloc(24_000_000)],
])) {
  test(`a frame with ${what} heals from the icon before it is served or sent`, async () => {
    const whole = new Map(values);
    const frames = [...values.keys()].filter((key) => /\/\d+$/.test(key));
    for (const key of frames) values.set(key, spoil(whole.get(key)));
    assert.equal((await health()).status, 200, "it heals when it is needed");
    const served = await ask("/frames/3");
    assert.equal(served.status, 200);
    assert.ok(Buffer.from(await served.arrayBuffer()).equals(whole.get(`sets/${setId()}/3`)));
    assert.ok(
      values.get(`sets/${setId()}/3`).equals(whole.get(`sets/${setId()}/3`)),
      "and is stored again",
    );
    assert.equal((await turn()).outcome, "turned");

    // Without an icon that can be used it is told, by health too.
    for (const key of frames) values.set(key, spoil(whole.get(key)));
    for (const icon of [
      undefined,
      Buffer.from("YUV4MPEG2 W1 H1 C444\nFRAME\nabc"),
      whole.get("current"),
      Buffer.alloc(5_000_000),
    ]) {
      if (icon) values.set(`sets/${setId()}/icon`, icon);
      else values.delete(`sets/${setId()}/icon`);
      const { status, detail } = await health();
      assert.deepEqual([status, (await ask("/frames/3")).status], [503, 503], detail);
      assert.match(
        detail,
        /^Frame \d+ of 12 (has|is) .*, and the icon to render it from is (missing|damaged)\./,
      );
      const { outcome, reason } = await turn();
      assert.deepEqual([outcome, reason], ["refused", "frames"]);
    }
  });
}

test("a pointer of a newer version still turns the frames that are there", async () => {
  const current = JSON.parse(values.get("current"));
  values.set(
    "current",
    JSON.stringify({
      ...current,
      rendering: { ...current.rendering, kernel: "gaussian" },
      made_by: 2,
    }),
  );
  assert.equal((await health()).status, 200);
  assert.equal((await turn()).outcome, "turned");
});

test("a pointer that is larger than any is told as none", async () => {
  values.set("current", Buffer.alloc(3_000_000, "["));
  assert.match(
    (await health()).detail,
    /`current` is no frame set: it has more than 2000000 bytes/,
  );
});
