/**
 * Tests GET /journal, which lists the turns page by page for the owner alone, and DELETE /journal,
 * which empties it and the account's state.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { assertGuarded, json, problem } from "./harness/assertions.js";
import { DevServerWorker } from "./harness/dev-server.js";
import { frameSet, pngFrames } from "./harness/frames.js";
import { SECRETS } from "./harness/secrets.js";
import { useStage } from "./harness/stage.js";

const stage = useStage();
const TOKEN = SECRETS.TRIGGER_TOKEN;

/**
 * Reads a page of the journal.
 *
 * @param {string} query
 * @param {import("./harness/requests.js").Client} worker
 */
async function journal(query = "", worker = stage.worker) {
  const response = await worker.journal(query);
  assert.equal(response.headers.get("cache-control"), "no-store");
  const page = await json(response);
  assert.deepEqual(Object.keys(page).sort(), ["entries", "next"]);
  return page;
}

/**
 * Makes a turn by hand to each of these frames, one after the other.
 *
 * @param {number[]} frames
 */
async function turnTo(...frames) {
  for (const n of frames)
    assert.equal((await json(await stage.worker.turn(`?frame=${n}`))).outcome, "turned");
}

const framesOf = ({ entries }) => entries.map(({ frame }) => frame);

test("without a turn it has no entry", async () => {
  assert.deepEqual(await journal(), { entries: [], next: null });
});

test("a turn of the cron is an entry that says all that its line in the log says", async () => {
  const { line } = await stage.worker.cron("2031-06-15T00:00:00Z");
  const { event, ...logged } = line;
  assert.equal(event, "turn");
  const { entries, next } = await journal();
  assert.equal(entries.length, 1);
  const [{ id, ...entry }] = entries;
  assert.deepEqual(entry, logged);
  assert.ok(Number.isInteger(id) && id > 0, `id ${id}`);
  assert.equal(next, null);
  assert.deepEqual(
    { ...entry, sent_at: typeof entry.sent_at, duration_ms: typeof entry.duration_ms },
    {
      trigger: "cron",
      scheduled_at: "2031-06-15T00:00:00Z",
      sent_at: "string",
      duration_ms: "number",
      network: "x",
      frame: 9,
      frames: 12,
      outcome: "turned",
      attempts: 1,
      network_status: 200,
    },
  );
  assert.ok(Math.abs(Date.parse(entry.sent_at) - Date.now()) < 30_000, entry.sent_at);
});

test("a refusal is an entry with reason, message, remedy and when it is tried again", async () => {
  await stage.simulator.fail("invalid-token");
  await stage.worker.cron("2031-06-15T00:00:00Z");
  const [entry] = (await journal()).entries;
  assert.deepEqual(
    [
      entry.trigger,
      entry.frame,
      entry.outcome,
      entry.attempts,
      entry.network_status,
      entry.reason,
      entry.retry_at,
    ],
    ["cron", 9, "refused", 1, 401, "credentials", "2031-06-15T01:00:00Z"],
  );
  assert.match(entry.message, /code 89/);
  assert.match(entry.remedy, /API_KEY/);
});

test("what was refused on this side is an entry as well, without a frame or a time of sending", async () => {
  await stage.worker.kv.delete("current");
  await stage.worker.cron("2031-06-15T00:00:00Z");
  const [entry] = (await journal()).entries;
  assert.deepEqual(
    [
      entry.outcome,
      entry.reason,
      entry.frame,
      entry.frames,
      entry.sent_at,
      entry.attempts,
      entry.network_status,
    ],
    ["refused", "no-icon", null, null, null, 0, null],
  );
});

test("dry runs, and turns that find nothing to do, are no entries", async () => {
  await turnTo(3);
  await json(await stage.worker.turn("?frame=5&dry_run=true"));
  await json(await stage.worker.turn("?frame=3"));
  await problem(await stage.worker.turn("?frame=x"), 400);
  await problem(await stage.worker.fetch("/turn", { method: "POST" }), 401);
  assert.deepEqual(framesOf(await journal()), [3]);
});

test("the newest entry comes first, and their ids fall", async () => {
  await turnTo(3, 1, 4, 1, 5);
  const page = await journal();
  assert.deepEqual(framesOf(page), [5, 1, 4, 1, 3]);
  assert.ok(page.entries.every(({ trigger }) => trigger === "manual"));
  const ids = page.entries.map(({ id }) => id);
  assert.ok(
    ids.every((id, i) => i === 0 || id === ids[i - 1] - 1),
    `ids ${ids}`,
  );
});

test("it comes in pages: `next` of one is `before` of the one after it", async () => {
  await turnTo(0, 1, 2, 3, 4, 5, 6);
  const pages = [];
  for (let query = "?limit=3"; query !== null; ) {
    const page = await journal(query);
    pages.push(framesOf(page));
    query = page.next === null ? null : `?limit=3&before=${page.next}`;
  }
  assert.deepEqual(pages, [[6, 5, 4], [3, 2, 1], [0]]);
  const [{ id }] = (await journal("?limit=1")).entries;
  assert.deepEqual(framesOf(await journal(`?before=${id}`)), [5, 4, 3, 2, 1, 0]);
  assert.deepEqual(framesOf(await journal(`?before=${id - 2}&limit=2`)), [3, 2]);
  // A turn in between moves nothing.
  await turnTo(7);
  assert.deepEqual(framesOf(await journal(`?before=${id}&limit=2`)), [5, 4]);
});

test("a page has 50 entries if nothing else is asked for, and 200 at most", async () => {
  for (let i = 0; i < 205; i += 1)
    assert.equal((await stage.worker.turn(`?frame=${i % 12}`)).status, 200);
  for (const [query, count] of /** @type {[string, number][]} */ ([
    ["", 50],
    ["?limit=199", 199],
    ["?limit=200", 200],
    ["?limit=201", 200],
    ["?limit=4294967295", 200],
  ])) {
    const { entries, next } = await journal(query);
    assert.deepEqual([entries.length, next], [count, entries.at(-1).id], query);
  }
});

test("before the first entry there is none, and none is beyond all", async () => {
  await turnTo(3);
  const [{ id }] = (await journal()).entries;
  for (const before of [1, id])
    assert.deepEqual(await journal(`?before=${before}`), { entries: [], next: null });
  assert.deepEqual(framesOf(await journal("?before=4294967295")), [3]);
});

for (const [query, named] of /** @type {[string, RegExp][]} */ ([
  ...["limit", "before"].flatMap((name) =>
    [
      "",
      "=",
      "=0",
      "=-1",
      "=1.5",
      "=1e1",
      "=x",
      "=%201",
      "=4294967296",
      "=99999999999999999999",
      "=1;drop",
    ].map((value) => [
      `?${name}${value}`,
      new RegExp(`\`${name}\` has to be a whole number from 1`),
    ]),
  ),
  ["?limit=1&limit=1", /`limit` is given more than once/],
  ["?after=1", /before, limit/],
  ["?Limit=1", /before, limit/],
])) {
  test(`the query ${query} is refused by name`, async () => {
    assert.match((await problem(await stage.worker.journal(query), 400)).detail, named);
  });
}

const STRANGERS = [
  [undefined, "Bearer"],
  ["Bearer something-else", 'Bearer error="invalid_token"'],
  [`Bearer ${TOKEN}x`, 'Bearer error="invalid_token"'],
  [`Basic ${TOKEN}`, "Bearer"],
];

test("who has not the token neither reads nor deletes it", async () => {
  await turnTo(3);
  for (const [authorization, challenge] of STRANGERS) {
    for (const method of ["GET", "DELETE"]) {
      const headers = authorization === undefined ? {} : { authorization };
      for (const where of ["/journal", "/journal?limit=0"]) {
        const response = await stage.worker.fetch(where, { method, headers });
        assert.ok(response.headers.get("www-authenticate").startsWith(challenge), authorization);
        const body = await problem(response, 401);
        assert.deepEqual(Object.keys(body).sort(), ["detail", "status", "title"]);
      }
    }
  }
  await problem(await stage.worker.fetch(`/journal?token=${TOKEN}`), 401);
  assert.deepEqual(framesOf(await journal()), [3]);
});

test("without TRIGGER_TOKEN it is closed", async () => {
  await stage.worker.configure({ secrets: { TRIGGER_TOKEN: null } });
  for (const method of ["GET", "DELETE"]) {
    assert.match(
      (await problem(await stage.worker.journal("", { method }), 503)).detail,
      /^This is closed: TRIGGER_TOKEN is not set/,
    );
  }
});

test("HEAD tells its status only", async () => {
  const response = await stage.worker.journal("", { method: "HEAD" });
  assert.equal(response.status, 200);
  assert.equal((await response.arrayBuffer()).byteLength, 0);
  assert.equal((await stage.worker.fetch("/journal", { method: "HEAD" })).status, 401);
});

for (const method of ["POST", "PUT", "PATCH", "OPTIONS"]) {
  test(`${method} is refused and changes nothing`, async () => {
    await turnTo(3);
    const response = await stage.worker.journal("", {
      method,
      body: method === "OPTIONS" ? undefined : "{}",
    });
    assert.equal(response.headers.get("allow"), "GET, HEAD, DELETE");
    await problem(response, 405);
    assert.deepEqual(framesOf(await journal()), [3]);
  });
}

test("DELETE forgets the entries and what is known", async () => {
  await turnTo(1, 3);
  await problem(await stage.worker.journal("?before=1", { method: "DELETE" }), 400);
  assert.deepEqual(framesOf(await journal()), [3, 1]);

  const response = await stage.worker.journal("", { method: "DELETE" });
  assert.equal(response.status, 204);
  assertGuarded(response);
  assert.equal((await response.arrayBuffer()).byteLength, 0);
  assert.deepEqual(await journal(), { entries: [], next: null });

  // That frame 3 is showing is forgotten, too.
  await stage.simulator.clear();
  await turnTo(3);
  await stage.simulator.receivedOne();
  assert.deepEqual(framesOf(await journal()), [3]);
});

test("DELETE ends a pause and the waits after refusals", async () => {
  for (const fault of ["rate-limit", "spam-filter", "invalid-token", "over-capacity"]) {
    await stage.simulator.fail(fault);
    assert.equal((await stage.worker.cron(Date.now())).level, "error", fault);
    assert.equal((await stage.worker.journal("", { method: "DELETE" })).status, 204);
    assert.equal((await stage.worker.cron(Date.now())).line.outcome, "turned", fault);
    await stage.worker.forget();
  }
});

test("nothing in it is secret", async () => {
  for (const fault of ["hostile-text", "could-not-authenticate", "reset", "captive-portal"]) {
    await stage.simulator.fail(fault);
    await stage.worker.turn("?frame=3&force=true");
  }
  await turnTo(4);
  const nonces = (await stage.simulator.received()).map(({ oauth_nonce }) => oauth_nonce);
  assert.equal(nonces.length, 5);
  const text = await (await stage.worker.journal()).text();
  assert.equal(JSON.parse(text).entries.length, 5);
  for (const hidden of [...Object.values(SECRETS), ...nonces, "oauth_", "Bearer"])
    assert.ok(!text.includes(hidden), text);
  assert.doesNotMatch(text, /\p{Cc}/u, "control characters");
});

test("it and what is known outlive a restart", async (t) => {
  const worker = await DevServerWorker.start(stage.simulator, frameSet(pngFrames()));
  t.after(() => worker.close());
  assert.equal((await worker.cron("2031-06-15T00:00:00Z")).line.outcome, "turned");
  assert.equal((await json(await worker.turn("?frame=3"))).outcome, "turned");
  const before = await journal("", worker);
  assert.deepEqual(framesOf(before), [3, 9]);

  await worker.restart();
  assert.deepEqual(await journal("", worker), before);
  await stage.simulator.clear();
  assert.equal((await json(await worker.turn("?frame=3"))).outcome, "unchanged");
  await stage.simulator.receivedNothing();
});
