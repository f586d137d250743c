/**
 * Tests GET /health: whether the Worker could turn now, and the names of all that keeps it from
 * that.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { json, problem } from "./harness/assertions.js";
import { ACCOUNT_SECRETS } from "./harness/secrets.js";
import { useStage } from "./harness/stage.js";

const stage = useStage();

const health = () => stage.worker.fetch("/health");
const frameNow = () => (new Date().getUTCHours() + 9) % 12;

test("with everything in place it is ready, and says what is shown", async () => {
  const [earliest, response, latest] = [frameNow(), await health(), frameNow()];
  assert.equal(response.headers.get("cache-control"), "no-store");
  const body = await json(response);
  const { frame_now: frame } = body.frame_set;
  assert.deepEqual(body, {
    ready: true,
    missing: [],
    invalid: [],
    manual_turn: "open",
    dial: { time_zone: "Asia/Tokyo", period: "12h", direction: "clockwise" },
    networks: ["x"],
    next_turn: null,
    frame_set: { id: stage.set.id, frames: 12, frame_now: frame },
    troubles: [],
  });
  assert.ok([earliest, latest].includes(frame), `frame ${frame}`);
  await stage.simulator.receivedNothing();
});

test("HEAD tells the same by its status", async () => {
  assert.equal((await stage.worker.fetch("/health", { method: "HEAD" })).status, 200);
  await stage.worker.reset();
  const response = await stage.worker.fetch("/health", { method: "HEAD" });
  assert.equal(response.status, 503);
  assert.equal((await response.arrayBuffer()).byteLength, 0);
});

for (const name of ACCOUNT_SECRETS) {
  test(`a missing ${name} is named`, async () => {
    await stage.worker.configure({ secrets: { [name]: null } });
    const body = await problem(await health(), 503);
    assert.deepEqual([body.ready, body.missing, body.invalid], [false, [name], []]);
    assert.match(body.detail, new RegExp(`not set: ${name}\\.`));
    assert.deepEqual([body.frame_set.id, body.frame_set.frames], [stage.set.id, 12]);
    assert.equal(body.manual_turn, "open");
  });
}

test("all missing secrets are named at once, and blank ones count as missing", async () => {
  const [first, ...rest] = ACCOUNT_SECRETS;
  const blank = Object.fromEntries(rest.map((name, i) => [name, ["", " ", "\n"][i]]));
  await stage.worker.configure({ secrets: { [first]: null, ...blank } });
  const body = await problem(await health(), 503);
  assert.deepEqual(body.missing, ACCOUNT_SECRETS);
  for (const name of ACCOUNT_SECRETS) assert.match(body.detail, new RegExp(`\\b${name}\\b`));
});

test("without TRIGGER_TOKEN it is ready, with the manual turn closed", async () => {
  await stage.worker.configure({ secrets: { TRIGGER_TOKEN: null } });
  const body = await json(await health());
  assert.deepEqual([body.ready, body.manual_turn, body.missing], [true, "closed", []]);
});

/** Values that are wrong, each a setting of its own, and a word of what it may be. */
/** @type {[Record<string, string>, number][]} */
const INVALID = [
  [
    {
      TIME_ZONE: "Mars/Olympus_Mons",
      PERIOD: "7h",
      DIRECTION: "up",
      API_BASE_URL: "http://api.x.com",
      X_BODY: "json",
    },
    5,
  ],
  [
    {
      TIME_ZONE: "Tokyo, Japan",
      PERIOD: "0h",
      DIRECTION: "widdershins",
      API_BASE_URL: "https://api.x.com/1.1",
      X_BODY: "raw",
    },
    5,
  ],
  [{ PERIOD: "25h" }, 1],
  [{ API_BASE_URL: "https://user:password@api.x.com" }, 1],
];
const ACCEPTS = {
  TIME_ZONE: /IANA time zone/,
  PERIOD: /divides a day/,
  DIRECTION: /clockwise or counterclockwise/,
  API_BASE_URL: /https:\/\//,
  X_BODY: /multipart or form/,
};

for (const [vars, count] of INVALID) {
  test(`invalid settings are named with what they may be: ${Object.keys(vars)}`, async () => {
    await stage.worker.configure({ vars });
    const body = await problem(await health(), 503);
    assert.equal(body.ready, false);
    assert.deepEqual(body.missing, []);
    assert.equal(body.invalid.length, count);
    assert.deepEqual(body.invalid.map(({ name }) => name).sort(), Object.keys(vars).sort());
    for (const { name, accepts } of body.invalid) {
      assert.match(accepts, ACCEPTS[name]);
      assert.ok(body.detail.includes(`${name} has to be ${accepts}`), body.detail);
    }
    // A value may be a secret in the wrong place.
    const text = JSON.stringify(body);
    for (const value of Object.values(vars))
      assert.ok(!text.includes(JSON.stringify(value)), `${value} is repeated`);
  });
}

test("the old and the new name of a time zone are taken, and nothing that is no name", async () => {
  for (const [name, spelled] of [
    ["asia/kolkata", "Asia/Kolkata"],
    ["Asia/Calcutta", "Asia/Calcutta"],
    ["EUROPE/KYIV", "Europe/Kyiv"],
    ["Europe/Kiev", "Europe/Kiev"],
    ["utc", "UTC"],
  ]) {
    await stage.worker.configure({ vars: { TIME_ZONE: name } });
    assert.equal((await json(await health())).dial.time_zone, spelled);
  }
  // JavaScript takes all but the last.
  for (const name of ["+05:30", "JST", "Factory", "SystemV/PST8PDT", "posix/Asia/Tokyo"]) {
    await stage.worker.configure({ vars: { TIME_ZONE: name } });
    const { invalid } = await problem(await health(), 503);
    assert.deepEqual(
      invalid.map(({ name }) => name),
      ["TIME_ZONE"],
      name,
    );
  }
});

test("what is missing and what is invalid is told together", async () => {
  await stage.worker.configure({
    vars: { PERIOD: "now and then" },
    secrets: { ACCESS_TOKEN: null },
  });
  const body = await problem(await health(), 503);
  assert.deepEqual(
    [body.missing, body.invalid.map(({ name }) => name)],
    [["ACCESS_TOKEN"], ["PERIOD"]],
  );
});

test("without a frame set it is not ready and says to publish one", async () => {
  await stage.worker.reset();
  const body = await problem(await health(), 503);
  assert.deepEqual([body.ready, body.missing, body.invalid, body.frame_set], [false, [], [], null]);
  assert.match(body.detail, /no icon yet.*rotate-icon publish/);
});

test("a missing frame of this hour makes it not ready", async () => {
  for (const n of [frameNow(), (frameNow() + 1) % 12])
    await stage.worker.kv.delete(`sets/${stage.set.id}/${n}`);
  const body = await problem(await health(), 503);
  assert.deepEqual([body.ready, body.frame_set], [false, null]);
  assert.match(body.detail, /^Frame \d+ of 12 is missing from the store, and an album has no icon/);
});

test("garbage in the place of the frame set makes it not ready", async () => {
  await stage.worker.kv.put("current", "\u0000garbage");
  const body = await problem(await health(), 503);
  assert.equal(body.frame_set, null);
  assert.match(body.detail, /`current` is no frame set/);
});

test("a number with a fraction in the frame set is named as it is there", async () => {
  await stage.worker.kv.put(
    "current",
    JSON.stringify({ id: stage.set.id, frames: 12.75, media_type: "image/jpeg" }),
  );
  assert.match((await problem(await health(), 503)).detail, /`current` is no frame set: .*12\.75/);
});

test("it takes no query", async () => {
  assert.match(
    (await problem(await stage.worker.fetch("/health?verbose=1"), 400)).detail,
    /no query/,
  );
});

test("after what was wrong is mended it is ready again", async () => {
  await stage.worker.configure({ secrets: { API_KEY: null } });
  await problem(await health(), 503);
  await stage.worker.configure();
  assert.equal((await json(await health())).ready, true);
});
