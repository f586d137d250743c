/**
 * Tests a wrangler.toml that binds or sets the wrong things: the Worker says so, and neither hangs
 * nor falls back.
 */
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createTestHarness } from "wrangler";
import { problem } from "./harness/assertions.js";
import { ACCOUNT_SECRETS, SECRETS } from "./harness/secrets.js";
import { within } from "./harness/waiting.js";

const FRAMES = { kv_namespaces: [{ binding: "FRAMES", id: "frames" }] };
const ACCOUNT = {
  durable_objects: { bindings: [{ name: "ACCOUNT", class_name: "Account" }] },
  migrations: [{ tag: "v1", new_sqlite_classes: ["Account"] }],
};

const build = path.resolve(import.meta.dirname, "../../build");

/**
 * Runs the built Worker with a configuration of its own.
 *
 * @param {import("node:test").TestContext} t
 * @param {Record<string, any>} config
 */
async function startWith(t, config) {
  const server = createTestHarness({
    workers: [
      {
        config: {
          name: "misconfigured",
          main: path.join(build, "index.js"),
          compatibility_date: "2026-11-01",
          ...config,
          vars: { ...SECRETS, ...config.vars },
        },
      },
    ],
  });
  t.after(() => server.close());
  await server.listen();
  return server;
}

/**
 * Sends a request to it. The `Response` is of wrangler's own class, which does the same.
 *
 * @param {import("wrangler").TestHarness} server
 * @param {string} where
 * @param {object} init
 */
async function ask(server, where, init = {}) {
  const answer = await server.fetch(where, init);
  return /** @type {Response} */ (/** @type {unknown} */ (answer));
}

/**
 * Asks it for its health, which has to be bad.
 *
 * @param {import("node:test").TestContext} t
 * @param {Record<string, any>} config
 */
async function healthWith(t, config) {
  const server = await startWith(t, config);
  return problem(await within(20_000, "health", ask(server, "/health")), 503);
}

test("a KV namespace that is not bound is named", async (t) => {
  const { detail, frame_set: set } = await healthWith(t, ACCOUNT);
  assert.match(detail, /wrangler\.toml binds no KV namespace as FRAMES/);
  assert.equal(set, null);
});

test("something else that is bound as FRAMES is an error and no hang", async (t) => {
  const { detail } = await healthWith(t, { ...ACCOUNT, vars: { FRAMES: "a text" } });
  assert.match(detail, /The store could not be read/);
});

test("a variable that is no text is read like one and named", async (t) => {
  const { invalid } = await healthWith(t, {
    ...FRAMES,
    ...ACCOUNT,
    vars: { PERIOD: 24, TIME_ZONE: { name: "Asia/Tokyo" } },
  });
  assert.deepEqual(
    invalid.map(({ name }) => name),
    ["TIME_ZONE", "PERIOD"],
  );
});

test("what cannot be right among the settings is named, and not repeated", async (t) => {
  const vars = {
    ...{
      API_KEY: "hunter2 hunter2",
      API_BASE_URL: "https://hunter2..b",
      ALERT_WEBHOOK_URL: "https://hunter2:0/a",
    },
    ...{
      BLUESKY_IDENTIFIER: "hunter2",
      BLUESKY_APP_PASSWORD: "a",
      BLUESKY_SERVICE: "https://hunter2:65536",
    },
    ...{
      MASTODON_SERVER: "https://.",
      MASTODON_ACCESS_TOKEN: "pä55wörd",
      TRIGGER_TOKEN: "hünter2hunter2",
    },
  };
  const health = await healthWith(t, { ...FRAMES, ...ACCOUNT, vars });
  const names = health.invalid.map(({ name }) => name);
  assert.deepEqual(
    names.sort(),
    Object.keys(vars)
      .filter((name) => name !== "BLUESKY_APP_PASSWORD")
      .sort(),
  );
  assert.equal(health.manual_turn, "closed");
  assert.ok(!/h[uü]nter2|pä55/.test(JSON.stringify(health)));
});

test("settings are understood as people paste them", async (t) => {
  const pasted = Object.fromEntries(
    ACCOUNT_SECRETS.map((name) => [name, `\u202A“${name}=${SECRETS[name]}”\u202C\u00A0`]),
  );
  const vars = {
    ...pasted,
    TRIGGER_TOKEN: `"Bearer ${SECRETS.TRIGGER_TOKEN}"\r\n`,
    ...{
      TIME_ZONE: "\uFEFFamerica / new york",
      PERIOD: "24 Hours",
      DIRECTION: "Counter-clockwise",
      API_BASE_URL: "api.x.com",
    },
    ...{
      BLUESKY_IDENTIFIER: "https://bsky.app/profile/alice.example",
      BLUESKY_APP_PASSWORD: "'abcd-efgh-ijkl-mnop'",
    },
    ...{ MASTODON_SERVER: "@me@mastodon.example", MASTODON_ACCESS_TOKEN: "Bearer abc" },
  };
  const server = await startWith(t, { ...FRAMES, ...ACCOUNT, vars });
  const {
    invalid,
    missing,
    dial,
    manual_turn: manual,
  } = await problem(await ask(server, "/health"), 503);
  assert.deepEqual([invalid, missing, manual], [[], [], "open"]);
  assert.deepEqual(dial, {
    time_zone: "America/New_York",
    period: "24h",
    direction: "counterclockwise",
  });
  const headers = { authorization: `Bearer ${SECRETS.TRIGGER_TOKEN}` };
  assert.notEqual((await ask(server, "/journal", { headers })).status, 401);
});

for (const [what, config] of /** @type {[string, Record<string, any>][]} */ ([
  ["is not bound", FRAMES],
  ["is something else", { ...FRAMES, vars: { ACCOUNT: "a text" } }],
])) {
  test(`where ACCOUNT ${what}, whatever needs it says so, and the rest works`, async (t) => {
    const server = await startWith(t, config);
    const headers = { authorization: `Bearer ${SECRETS.TRIGGER_TOKEN}` };
    for (const [method, where] of [
      ["GET", "/"],
      ["POST", "/turn"],
      ["GET", "/journal"],
      ["DELETE", "/journal"],
    ]) {
      const response = await within(20_000, where, ask(server, where, { method, headers }));
      const { detail } = await problem(response, 503);
      assert.match(
        detail,
        /^The account's Durable Object cannot be reached: .*wrangler\.toml binds it as ACCOUNT with its migration\.$/,
        where,
      );
    }
    for (const where of ["/turn", "/journal"]) {
      await problem(await ask(server, where, { method: where === "/turn" ? "POST" : "GET" }), 401);
    }
    assert.match((await problem(await ask(server, "/frames/0"), 503)).detail, /no icon yet/);
  });

  test(`where ACCOUNT ${what}, the cron logs it in one line`, async (t) => {
    const server = await startWith(t, config);
    const scheduledTime = new Date("2031-06-15T00:00:00Z");
    const { outcome } = await within(
      20_000,
      "the cron",
      server.getWorker().scheduled({ cron: "0 * * * *", scheduledTime }),
    );
    assert.equal(outcome, "ok");
    await sleep(100);
    const logs = server.getLogs();
    assert.equal(logs.length, 1, JSON.stringify(logs));
    assert.equal(logs[0].level, "error");
    const line = JSON.parse(logs[0].message);
    assert.deepEqual(
      [
        line.event,
        line.trigger,
        line.outcome,
        line.reason,
        line.attempts,
        line.sent_at,
        Date.parse(line.scheduled_at),
      ],
      ["turn", "cron", "refused", "host", 0, null, scheduledTime.getTime()],
    );
    assert.match(line.message, /^The account's Durable Object cannot be reached: /);
  });
}

/** Copies the built Worker and changes its entry. Returns the path of its main file. */
function changedWorker(t, pattern, replacement) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-changed-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const name of ["index_bg.wasm", "decoder.wasm"])
    copyFileSync(path.join(build, name), path.join(folder, name));
  const script = readFileSync(path.join(build, "index.js"), "utf8");
  const changed = script.replace(pattern, replacement);
  assert.notEqual(changed, script, `${pattern} in the entry`);
  const main = path.join(folder, "index.js");
  writeFileSync(main, changed);
  return main;
}

test("a Worker without its decoder says that it is at fault itself, and logs it", async (t) => {
  const main = changedWorker(t, "globalThis.decodePicture=", "globalThis.unused=");
  const server = await startWith(t, { ...FRAMES, ...ACCOUNT, main });
  const headers = { authorization: `Bearer ${SECRETS.TRIGGER_TOKEN}` };
  const body = readFileSync(path.resolve(import.meta.dirname, "../../assets/icon.png"));
  const answer = ask(server, "/icon", { method: "PUT", headers, body });
  const { detail } = await problem(await within(20_000, "an answer", answer), 500);
  assert.match(detail, /^The picture is not at fault: .*without its decoder.*`main`/);
  assert.match(detail, /The icon has not been changed\.$/);
  const [{ level, message }, ...others] = server.getLogs();
  assert.deepEqual([level, others], ["error", []]);
  const { event, failed } = JSON.parse(message);
  assert.deepEqual([event, failed], ["decoder", "unavailable"]);
});

test("a Worker whose wasm traps answers like any other, and logs it", async (t) => {
  const main = changedWorker(
    t,
    /return await new \w+\(\w+,\w+\)\.fetch\(\w+\)/,
    'throw new WebAssembly.RuntimeError("unreachable")',
  );
  const server = await startWith(t, { ...FRAMES, ...ACCOUNT, main });
  const answer = ask(server, "/health");
  const { detail } = await problem(await within(20_000, "an answer", answer), 500);
  assert.match(detail, /^The Worker failed at this request\./);
  const [{ level, message }] = server.getLogs();
  assert.deepEqual([level, JSON.parse(message).event], ["error", "failed"]);
});
