/**
 * Tests what goes wrong around a turn: events that come twice or all at once, every fault of X that
 * the simulator knows, a workerd that is killed, and an owner who has to be told. Uses workerd's
 * own network and its alarms.
 *
 * If FAULT_MATRIX is set, it names a file into which the table of all faults is written.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import test, { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { json } from "./harness/assertions.js";
import { sha256 } from "./harness/frames.js";
import { SECRETS } from "./harness/secrets.js";
import { useDevServerStage } from "./harness/stage.js";
import { listen, portOf } from "../../scripts/lib/listen.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A zone in which this hour lasts half an hour more, so that no test runs into the next one. */
const TIME_ZONE = new Date().getUTCMinutes() < 30 ? "UTC" : "Asia/Kolkata";
const offset = TIME_ZONE === "UTC" ? 0 : 5.5 * HOUR;
/** @param {number} time */
const frameAt = (time) => Math.floor((time + offset) / HOUR) % 12;
const nextHour = () => (Math.floor((Date.now() + offset) / HOUR) + 1) * HOUR - offset;

/** The beginning of an hour far from now, in that zone; each call returns one two days later. */
let days = 0;
const later = () => Date.UTC(2031, 0, 1 + 2 * days++, 9) - offset;

// --- The owner's webhook ----------------------------------------------------

/** The requests to the webhook, and its answer: a status, or null for none. */
const news = [];
let webhookStatus = 204;
const webhook = createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8").on("data", (part) => (body += part));
  request.on("end", () => {
    news.push({ method: request.method, url: request.url, headers: request.headers, body });
    if (webhookStatus !== null) response.writeHead(webhookStatus).end();
  });
});
await listen(webhook);
const WEBHOOK_PATH = `/hook-${randomUUID()}`;
const ALERT_WEBHOOK_URL = `http://127.0.0.1:${portOf(webhook)}${WEBHOOK_PATH}`;
after(() => {
  webhook.closeAllConnections();
  webhook.close();
});

// By v1.1 alone: what becomes of a call that v2 may make instead is tested in x-api.test.js.
const changes = { vars: { TIME_ZONE, X_API: "1.1" }, secrets: { ALERT_WEBHOOK_URL } };
const stage = useDevServerStage({ changes });

// --- What is looked at --------------------------------------------------------

const entries = async () => (await json(await stage.worker.journal("?limit=200"))).entries;

/** The one entry of the journal. */
async function oneEntry() {
  const all = await entries();
  assert.equal(all.length, 1, JSON.stringify(all, null, 2));
  return all[0];
}

/** How many requests have come to X. */
const sent = async () => (await stage.simulator.received()).length;

/** Forgets everything, also what has come to the webhook. */
async function anew() {
  await stage.worker.forget();
  await stage.simulator.clear();
  news.length = 0;
  webhookStatus = 204;
}

const byHand = async (query = "") => JSON.parse(await (await stage.worker.turn(query)).text());

/**
 * Waits until something holds.
 *
 * @param {number} ms
 * @param {string} what
 * @param {() => Promise<unknown>} holds
 */
async function until(ms, what, holds) {
  const limit = Date.now() + ms;
  while (!(await holds())) {
    assert.ok(Date.now() < limit, `${what}: not within ${ms / 1000} s`);
    await sleep(50);
  }
}

// --- Once ---------------------------------------------------------------------

test("an event that is delivered twice is one request and one entry", async () => {
  const at = later();
  assert.equal((await stage.worker.cron(at)).line.outcome, "turned");
  const { line } = await stage.worker.cron(at);
  assert.deepEqual([line.outcome, line.sent_at], ["unchanged", null]);
  await stage.simulator.receivedOne();
  const entry = await oneEntry();
  assert.deepEqual(
    [entry.outcome, entry.trigger, entry.attempts, entry.frame],
    ["turned", "cron", 1, 9],
  );
});

test("five events at once are one request and one entry, also while X is slow", async () => {
  for (const fault of [null, "slow"]) {
    await anew();
    if (fault) await stage.simulator.fail(fault);
    const at = later();
    await Promise.all(Array.from({ length: 5 }, () => stage.worker.fire(at)));
    assert.equal((await stage.simulator.receivedOne()).verdict, "accepted");
    const entry = await oneEntry();
    assert.deepEqual([entry.outcome, entry.attempts], ["turned", 1]);
  }
});

test("cron and turns by hand at once are one request and one entry", async () => {
  await stage.simulator.fail("slow");
  const [, , ...answers] = await Promise.all([
    stage.worker.fire(Date.now()),
    stage.worker.fire(Date.now()),
    byHand(),
    byHand(),
    byHand(),
  ]);
  assert.ok(
    answers.every(({ outcome }) => ["turned", "unchanged"].includes(outcome)),
    JSON.stringify(answers),
  );
  assert.equal((await stage.simulator.receivedOne()).verdict, "accepted");
  assert.deepEqual([(await oneEntry()).outcome, (await oneEntry()).attempts], ["turned", 1]);
});

// --- Every fault --------------------------------------------------------------

/**
 * @param {string} outcome
 * @param {string} reason
 * @param {number} wait
 * @param {string} next
 * @param {string} [hand]
 */
const fault = (outcome, reason, wait, next, hand) => ({ outcome, reason, wait, next, hand });
const TURNED = {
  cron: fault("turned", null, null, "sends"),
  manual: fault("turned", null, null, "sends", "sends"),
};
/** Another try within the slot, a minute later; the next slot does not wait for it. */
const TRANSIENT = {
  cron: fault("retry", "transient", 60, "sends"),
  manual: fault("retry", "transient", 60, "sends", "sends"),
};
/**
 * An hour's wait: the next slot begins when it is over. What was refused by hand lets nobody wait.
 *
 * @param {string} reason
 */
const refused = (reason) => ({
  cron: fault("refused", reason, 3_600, "sends"),
  manual: fault("refused", reason, null, "sends", "sends"),
});
/**
 * Nothing at all before the time that X has named.
 *
 * @param {string} reason
 * @param {number} wait
 * @param {string} next
 */
const pause = (reason, wait, next) => ({
  cron: fault("retry", reason, wait, next),
  manual: fault("retry", reason, wait, next, "waits"),
});

/** Each fault: the outcome, the seconds until the next attempt, and what the next turns do. */
const FAULTS = {
  "rate-limit": pause("rate-limit", 900, "sends"),
  "rate-limit-retry-after": pause("rate-limit", 60, "sends"),
  "rate-limit-legacy": pause("rate-limit", 900, "sends"),
  "user-day-limit": pause("rate-limit", 40_000, "waits"),
  "app-day-limit": pause("rate-limit", 40_000, "waits"),
  "usage-capped": pause("rate-limit", 86_400, "waits"),
  "over-capacity": TRANSIENT,
  "internal-error": TRANSIENT,
  "bad-gateway": TRANSIENT,
  "empty-error": TRANSIENT,
  "not-implemented": refused("unexpected-reply"),
  "credits-depleted": refused("access"),
  "could-not-authenticate": refused("credentials"),
  "invalid-token": refused("credentials"),
  "unable-to-verify": refused("credentials"),
  "bad-authentication-data": refused("credentials"),
  "clock-skew": refused("clock-skew"),
  "access-tier": refused("access"),
  "read-only-app": refused("access"),
  "suspended-account": refused("account"),
  "locked-account": refused("account"),
  "suspended-app": refused("access"),
  "retired-endpoint": refused("access"),
  "no-such-page": refused("unexpected-reply"),
  "nothing-here": refused("unexpected-reply"),
  "client-forbidden": refused("access"),
  "spam-filter": pause("spam-filter", 86_400, "waits"),
  "missing-parameter": refused("request"),
  "invalid-value": refused("request"),
  "too-large": refused("request"),
  unprocessable: refused("request"),
  "problem-json": refused("access"),
  "proxy-block": refused("blocked"),
  "captive-portal": refused("unexpected-reply"),
  "hostile-text": refused("access"),
  slow: TURNED,
  reset: TRANSIENT,
  "cut-off": TRANSIENT,
  hang: TRANSIENT,
};

const rows = [];
after(() => {
  if (!process.env.FAULT_MATRIX) return;
  /** @param {number} s */
  const span = (s) => (s === null ? "–" : s < 3_600 ? `${s / 60} min` : `${s / 3_600} h`);
  const lines = rows.map(([name, trigger, { outcome, reason, attempts, wait, next, hand }]) =>
    [`\`${name}\``, trigger, outcome, reason ?? "–", attempts, span(wait), next, hand ?? ""].join(
      " | ",
    ),
  );
  const head =
    "fault | turn by | outcome | reason | attempts | tried again after | the next slot's cron | then by hand";
  const table = [head, head.replace(/[^|]+/g, " --- ").trim(), ...lines].map((line) =>
    `| ${line} |`.replaceAll("  |", " |"),
  );
  writeFileSync(process.env.FAULT_MATRIX, `${table.join("\n")}\n`);
});

test("every fault that the stand-in knows is in the table", async () => {
  const ofV2 = ["oauth1-forbidden", "unauthorized", "invalid-media"];
  const known = (await stage.simulator.knownFaults())
    .map(({ name }) => name)
    .filter((name) => !ofV2.includes(name));
  assert.deepEqual(Object.keys(FAULTS).sort(), known.sort());
});

/**
 * What a turn does: `sends` if X got one more request, `waits` if not.
 *
 * @param {() => Promise<unknown>} turn
 */
async function does(turn) {
  const before = await sent();
  await turn();
  return ["waits", "sends"][(await sent()) - before];
}

for (const [name, expected] of Object.entries(FAULTS)) {
  for (const trigger of ["cron", "manual"]) {
    test(`${name} in a turn by ${trigger}: ${expected[trigger].outcome}`, async () => {
      await anew();
      await stage.simulator.fail(name);
      // What X names is a time by the clock, and a turn by hand is one for now.
      const isNow =
        trigger === "manual" || ["rate-limit", "spam-filter"].includes(expected.cron.reason);
      const at = isNow ? Date.now() : later();
      const asked = Date.now();
      const report = trigger === "cron" ? (await stage.worker.cron(at)).line : await byHand();
      const passed = Date.now() - asked;

      assert.equal((await stage.simulator.receivedOne()).fault, name);
      const entry = await oneEntry();
      for (const member of [
        "outcome",
        "reason",
        "attempts",
        "frame",
        "retry_at",
        "network_status",
        "message",
        "remedy",
      ]) {
        assert.equal(entry[member], report[member], member);
      }
      assert.deepEqual([entry.trigger, entry.attempts, entry.frame], [trigger, 1, frameAt(at)]);
      let wait = entry.retry_at === undefined ? null : (Date.parse(entry.retry_at) - at) / 1000;
      const { wait: due } = expected[trigger];
      // By up to a fifth shorter or longer by chance, and counted from the reply.
      const slack = expected.cron.reason === "transient" ? 13 : 3;
      if (
        wait !== null &&
        due !== null &&
        wait >= due - slack &&
        wait <= due + slack + passed / 1000
      )
        wait = due;

      // The same event again does nothing more.
      if (trigger === "cron") {
        assert.equal(await does(() => stage.worker.fire(at)), "waits");
        assert.equal((await oneEntry()).outcome, entry.outcome);
      }
      const { outcome, reason = null, attempts } = entry;
      const next = await does(() => stage.worker.fire(isNow ? nextHour() : at + HOUR));
      const found = { outcome, reason, wait, next };
      found.hand = trigger === "manual" ? await does(() => byHand("?force=true")) : undefined;
      // What comes before the pause is over has to be asked before the next slot's turn ends it.
      if (expected.cron.reason === "rate-limit" && trigger === "manual") {
        await anew();
        await stage.simulator.fail(name);
        await byHand();
        found.hand = await does(() => byHand("?force=true"));
      }
      rows.push([name, trigger, { ...found, attempts }]);
      assert.deepEqual(found, expected[trigger]);
    });
  }
}

// --- Another try ----------------------------------------------------------------

test("what fails for the moment is tried again by itself, a minute later and signed anew", async () => {
  await anew();
  await stage.simulator.fail("over-capacity");
  const { line } = await stage.worker.cron(Date.now());
  assert.deepEqual([line.outcome, line.reason, line.attempts], ["retry", "transient", 1]);
  await until(90_000, "another try", async () => (await sent()) > 1);
  await until(5_000, "its entry", async () => (await oneEntry()).outcome === "turned");

  const entry = await oneEntry();
  assert.deepEqual([entry.trigger, entry.attempts, entry.frame], ["cron", 2, line.frame]);
  assert.equal(entry.scheduled_at, line.scheduled_at);
  assert.ok(!("retry_at" in entry) && !("reason" in entry));
  const waited = Date.parse(entry.sent_at) - Date.parse(line.sent_at);
  assert.ok(waited >= 47_000 && waited < 80_000, `tried again after ${waited} ms`);
  const [first, second, ...more] = await stage.simulator.received();
  assert.deepEqual(more, []);
  assert.equal(second.verdict, "accepted");
  assert.notEqual(first.oauth_nonce, second.oauth_nonce);
  assert.equal(first.picture.sha256, second.picture.sha256);
});

test("before the reset that X names nothing is sent, by nobody, and after it the frame of then", async () => {
  await anew();
  await stage.simulator.fail("rate-limit");
  const { line } = await stage.worker.cron(Date.now());
  const reset = Date.parse(line.retry_at);
  assert.ok(Math.abs(reset - Date.now() - 15 * MINUTE) < 5_000, line.retry_at);
  await stage.worker.fire(Date.now());
  await stage.worker.fire(Date.now() + 10 * MINUTE);
  for (const query of ["", "?frame=3", "?frame=4&force=true", "?force=true"]) {
    const { outcome, reason, retry_at } = await byHand(query);
    assert.deepEqual([outcome, reason, retry_at], ["retry", "rate-limit", line.retry_at], query);
  }
  await stage.simulator.receivedOne();

  const then = nextHour();
  assert.ok(then > reset);
  assert.equal((await stage.worker.cron(then)).line.outcome, "turned");
  const [, second, ...more] = await stage.simulator.received();
  assert.deepEqual(more, []);
  assert.equal(second.picture.sha256, sha256(stage.set.frames[frameAt(then)]));
});

test("after refusals the cron waits longer and longer, up to a day, and a turn by hand does not", async () => {
  await anew();
  await stage.simulator.fail("invalid-token", 100);
  const start = later();
  days += 3;
  const tried = [];
  for (let hour = 0; hour < 82; hour += 1) {
    if ((await does(() => stage.worker.fire(start + hour * HOUR))) === "sends") tried.push(hour);
  }
  assert.deepEqual(tried, [0, 1, 3, 7, 15, 31, 55, 79]);
  assert.equal((await entries()).length, 82, "an entry for each hour");

  // By hand it is tried at once, in vain and then not.
  assert.equal(await does(async () => assert.equal((await byHand()).outcome, "refused")), "sends");
  await stage.simulator.clear();
  // A frame that is none of the next two turns'.
  assert.equal((await byHand("?frame=0")).outcome, "turned");
  await stage.simulator.receivedOne();
  // And all is as it was before the first refusal.
  await stage.simulator.fail("invalid-token", 2);
  assert.equal((await stage.worker.cron(start + 83 * HOUR)).line.outcome, "refused");
  assert.equal(
    (await stage.worker.cron(start + 84 * HOUR)).line.retry_at,
    new Date(start + 86 * HOUR).toISOString().replace(".000", ""),
  );
});

// --- The end of workerd -----------------------------------------------------------

/** Ends workerd while X holds its answer to the cron of now, and starts it again. */
async function endInTheMiddle() {
  await anew();
  await stage.simulator.fail("slow");
  const fired = stage.worker.fire(Date.now()).catch(() => {});
  await until(10_000, "the request to X", async () => (await sent()) === 1);
  stage.worker.kill();
  await stage.worker.restart(changes);
  await Promise.race([fired, sleep(1_000)]);
}

test("a turn that workerd does not live to see the end of is made by the next cron, as one entry", async () => {
  await endInTheMiddle();
  await stage.worker.fire(Date.now());
  await assertMadeAgain();
});

test("and if no cron comes, the next slot's turn is not misled by it", async () => {
  await endInTheMiddle();
  await stage.simulator.clear();
  assert.equal((await stage.worker.cron(later())).line.outcome, "turned");
  await stage.simulator.receivedOne();
  const said = (await entries()).map(({ outcome, attempts }) => [outcome, attempts]);
  assert.deepEqual(said, [["turned", 1]]);
});

async function assertMadeAgain() {
  await until(10_000, "its entry", async () => (await entries())[0]?.outcome === "turned");
  const entry = await oneEntry();
  assert.deepEqual([entry.trigger, entry.attempts, entry.outcome], ["cron", 1, "turned"]);
  const received = await stage.simulator.received();
  assert.equal(received.length, 2);
  assert.equal(new Set(received.map(({ oauth_nonce }) => oauth_nonce)).size, 2);
  assert.equal(received[1].verdict, "accepted");
  assert.equal((await byHand()).outcome, "unchanged");
}

// --- The owner is told --------------------------------------------------------------

test("the owner is told once when turning stops and once when it works again, without a secret", async () => {
  await anew();
  const at = later();
  assert.equal((await stage.worker.cron(at)).line.outcome, "turned");
  assert.deepEqual(news, []);
  await stage.simulator.fail("invalid-token", 2);
  for (const hours of [1, 2, 3])
    assert.equal((await stage.worker.cron(at + hours * HOUR)).line.outcome, "refused");
  assert.equal(news.length, 1, JSON.stringify(news));
  for (const hours of [4, 5, 6])
    assert.equal((await stage.worker.cron(at + hours * HOUR)).level, "log");
  assert.equal(news.length, 2, JSON.stringify(news));

  for (const { method, url, headers, body } of news) {
    assert.deepEqual(
      [method, url, headers["content-type"]],
      ["POST", WEBHOOK_PATH, "application/json"],
    );
    assert.equal(headers.authorization, undefined);
    assert.match(headers["user-agent"], /^rotate-icon\/\d+\.\d+\.\d+ \(\+https:\/\/\S+\)$/);
    const { text, content, ...rest } = JSON.parse(body);
    assert.equal(text, content);
    assert.deepEqual(rest, {});
    for (const hidden of [...Object.values(SECRETS), WEBHOOK_PATH, "oauth"])
      assert.ok(!body.includes(hidden), body);
  }
  assert.match(news[0].body, /has stopped turning\. X answered 401, code 89: .*API_KEY/);
  assert.match(news[1].body, /is turning again\./);
});

test("the owner is not told of what passes by itself", async () => {
  await anew();
  const at = later();
  for (const [hours, name] of ["over-capacity", "reset"].entries()) {
    await stage.simulator.fail(name);
    assert.equal((await stage.worker.cron(at + hours * HOUR)).line.outcome, "retry");
  }
  await stage.simulator.fail("rate-limit");
  assert.equal((await byHand()).reason, "rate-limit");
  assert.deepEqual(news, []);
});

for (const [what, status] of /** @type {[string, number | null][]} */ ([
  ["answers 500", 500],
  ["redirects", 302],
  ["does not answer", null],
])) {
  test(`a webhook that ${what} changes nothing`, async () => {
    await anew();
    webhookStatus = status;
    const at = later();
    await stage.simulator.fail("invalid-token");
    const { line } = await stage.worker.cron(at);
    assert.deepEqual([line.outcome, line.reason, line.attempts], ["refused", "credentials", 1]);
    assert.deepEqual([(await oneEntry()).outcome, news.length], ["refused", 1]);
    webhookStatus = status ?? 500;
    assert.equal((await stage.worker.cron(at + HOUR)).line.outcome, "turned");
    assert.deepEqual(
      (await entries()).map(({ outcome }) => outcome),
      ["turned", "refused"],
    );
    assert.equal(news.length, 2);
  });
}
