/**
 * Tests turns on Mastodon alone: the requests, the scopes that the token needs, and what follows
 * when the server refuses. Uses workerd's own network.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import test, { beforeEach } from "node:test";
import { json, problem } from "./harness/assertions.js";
import { frameAt, HOUR, later, MINUTE } from "./harness/clock.js";
import { pause, refused, reset, testFaults, TRANSIENT, TURNED } from "./harness/faults.js";
import { sha256 } from "./harness/frames.js";
import { assertNoLeaks } from "./harness/leaks.js";
import { MASTODON_SECRETS } from "./harness/secrets.js";
import { useDevServerStage } from "./harness/stage.js";
import { useWebhook } from "./harness/webhook.js";

const { url: ALERT_WEBHOOK_URL, news } = await useWebhook();
const changes = { networks: ["mastodon"], secrets: { ALERT_WEBHOOK_URL } };
const stage = useDevServerStage({ changes });

const UPDATE = "accounts/update_credentials";
const VERIFY = "accounts/verify_credentials";
const { MASTODON_ACCESS_TOKEN } = MASTODON_SECRETS;

/** The token that the owner's application gets after the first one. */
const NEXT_TOKEN = `mastodon-next-${randomUUID()}`;
assertNoLeaks({ NEXT_TOKEN });

beforeEach(async () => {
  await stage.simulator.account("mastodon", {
    token: MASTODON_ACCESS_TOKEN,
    scopes: "write:accounts",
    software: "mastodon",
  });
  news.length = 0;
});

/** The one request since the last `clear`, beside the question what the account shows at first. */
async function sentPictures() {
  return (await stage.simulator.received()).filter(({ endpoint }) => endpoint !== VERIFY);
}

/** The one request with a picture since the last `clear`. */
async function sentOne() {
  const sent = await sentPictures();
  assert.equal(sent.length, 1, JSON.stringify(sent, null, 2));
  assert.deepEqual([sent[0].network, sent[0].endpoint], ["mastodon", UPDATE]);
  return sent[0];
}

/**
 * Lets the cron come, which has to turn, with one request.
 *
 * @param {number} at
 */
async function turns(at) {
  await stage.simulator.clear();
  const { line } = await stage.worker.cron(at);
  assert.deepEqual(
    [line.network, line.outcome, line.attempts, line.network_status],
    ["mastodon", "turned", 1, 200],
    JSON.stringify(line),
  );
  assert.equal((await sentOne()).verdict, "accepted");
  assert.equal(
    sha256(await stage.simulator.icon("mastodon")),
    sha256(stage.set.frames[frameAt(at)]),
  );
}

/**
 * Lets the cron come, which has to be refused for this reason.
 *
 * @param {number} at
 * @param {string} reason
 * @param {number} status
 * @param {RegExp} remedy
 */
async function isRefused(at, reason, status, remedy) {
  await stage.simulator.clear();
  const { level, line } = await stage.worker.cron(at);
  assert.deepEqual(
    [level, line.outcome, line.reason, line.attempts, line.network_status],
    ["error", "refused", reason, 1, status],
    JSON.stringify(line),
  );
  assert.match(line.remedy, remedy);
  assert.equal((await sentOne()).took_effect, false);
}

// --- The picture ---------------------------------------------------------------------

test("the cron makes the frame that is due the avatar, with one request after the first turn", async () => {
  const at = later();
  await turns(at - HOUR);
  assert.deepEqual(
    (await stage.simulator.received()).map(({ endpoint }) => endpoint),
    [VERIFY, UPDATE],
  );
  await turns(at);
  await stage.simulator.receivedOne();
  assert.deepEqual(await stage.simulator.icon("mastodon"), stage.set.frames[9]);
  const { body, picture } = await sentOne();
  assert.equal(body, "multipart");
  assert.equal(picture.sha256, sha256(stage.set.frames[9]));
});

test("a turn by hand does the same, and says so", async () => {
  assert.deepEqual(await json(await stage.worker.turn("?frame=3")), {
    network: "mastodon",
    frame: 3,
    frames: 12,
    outcome: "turned",
    attempts: 1,
    network_status: 200,
  });
  assert.deepEqual(await stage.simulator.icon("mastodon"), stage.set.frames[3]);
  const [entry] = (await json(await stage.worker.journal())).entries;
  assert.deepEqual(
    [entry.network, entry.trigger, entry.outcome, entry.frame],
    ["mastodon", "manual", "turned", 3],
  );
});

test("what is shown already is not sent again, nor is an event that is delivered twice", async () => {
  assert.equal((await json(await stage.worker.turn("?frame=3"))).outcome, "turned");
  assert.equal((await json(await stage.worker.turn("?frame=3"))).outcome, "unchanged");
  await sentOne();
  const at = later();
  await turns(at);
  await Promise.all([stage.worker.fire(at), stage.worker.fire(at)]);
  await sentOne();
  await stage.worker.restart(changes);
  await stage.worker.fire(at);
  await sentOne();
});

test("a dry run shows the request, without the token, and says what was not checked", async () => {
  const {
    would_send: preview,
    unchecked,
    ...told
  } = await json(await stage.worker.turn("?frame=3&dry_run=true"));
  assert.deepEqual(told, {
    network: "mastodon",
    frame: 3,
    frames: 12,
    outcome: "dry-run",
    attempts: 0,
    network_status: null,
  });
  assert.deepEqual(
    [preview.method, preview.url],
    ["PATCH", `${stage.simulator.url}/api/v1/${UPDATE}`],
  );
  const { authorization, "content-type": type, ...more } = Object.fromEntries(preview.headers);
  assert.deepEqual([authorization, more.accept], ["Bearer (not shown)", "application/json"]);
  assert.match(type, /^multipart\/form-data; boundary=/);
  assert.equal(preview.frame_bytes, stage.set.frames[3].length);
  // This token may write, and may not read whose it is.
  assert.match(unchecked, /scope/);
  await stage.simulator.receivedNoPicture();
});

// --- The token -------------------------------------------------------------------------

for (const scopes of ["write", "write:accounts", "read write follow"]) {
  test(`a token for ${scopes} will do`, async () => {
    await stage.simulator.account("mastodon", { scopes });
    await turns(later());
  });
}

for (const scopes of ["read", "read:accounts", "write:media profile", ""]) {
  test(`a token for ${scopes || "nothing"} is refused, with the scope that it lacks, and once it has it the next slot turns`, async () => {
    const at = later();
    await stage.simulator.account("mastodon", { scopes });
    await isRefused(at, "access", 403, /scope write:accounts.*regenerate.*MASTODON_ACCESS_TOKEN/);
    await stage.simulator.account("mastodon", { scopes: "write:accounts" });
    await turns(at + HOUR);
  });
}

test("a token that is revoked stops it, which the owner is told once, and with the new one it turns again", async (t) => {
  const at = later();
  await turns(at);
  await stage.simulator.account("mastodon", { token: NEXT_TOKEN });
  for (const hours of [1, 2, 4])
    await isRefused(at + hours * HOUR, "credentials", 401, /MASTODON_ACCESS_TOKEN/);
  assert.equal(news.length, 1, JSON.stringify(news));
  assert.match(
    news[0],
    /^Your icon has stopped turning\. Mastodon answered 401: .*MASTODON_ACCESS_TOKEN/,
  );

  // After three refusals it waits four hours.
  await stage.simulator.clear();
  await stage.worker.fire(at + 7 * HOUR);
  await stage.simulator.receivedNothing();
  const body = await problem(await stage.worker.turn("?frame=3"), 502);
  assert.deepEqual(
    [body.network, body.outcome, body.reason],
    ["mastodon", "refused", "credentials"],
  );
  assert.match(
    await (await stage.worker.fetch("/")).text(),
    /Something is wrong.*MASTODON_ACCESS_TOKEN/s,
  );

  t.after(() => stage.worker.restart(changes));
  await stage.worker.restart({
    ...changes,
    secrets: { ALERT_WEBHOOK_URL, MASTODON_ACCESS_TOKEN: NEXT_TOKEN },
  });
  assert.equal((await json(await stage.worker.turn("?frame=3"))).outcome, "turned");
  assert.deepEqual(news.slice(1), ["Your icon is turning again."]);
  await turns(at + 8 * HOUR);
  assert.equal(news.length, 2);
});

test("a token that no header can carry is named, and nothing is sent", async (t) => {
  t.after(() => stage.worker.restart(changes));
  await stage.worker.restart({ ...changes, secrets: { MASTODON_ACCESS_TOKEN: "two words" } });
  const { line } = await stage.worker.cron(later());
  assert.deepEqual(
    [line.outcome, line.reason, line.attempts, line.sent_at],
    ["refused", "settings", 0, null],
    JSON.stringify(line),
  );
  assert.match(line.message, /MASTODON_ACCESS_TOKEN/);
  await stage.simulator.receivedNothing();
});

for (const [
  what,
  secrets,
  named,
] of /** @type {[string, Record<string, string | null>, { missing: string[], invalid: string[] }][]} */ ([
  ["the server", { MASTODON_SERVER: null }, { missing: ["MASTODON_SERVER"], invalid: [] }],
  [
    "the token",
    { MASTODON_ACCESS_TOKEN: " " },
    { missing: ["MASTODON_ACCESS_TOKEN"], invalid: [] },
  ],
  [
    "a server with half a name",
    { MASTODON_SERVER: "https://mastodon..test" },
    { missing: [], invalid: ["MASTODON_SERVER"] },
  ],
  [
    "a server without encryption",
    { MASTODON_SERVER: "http://mastodon.test" },
    { missing: [], invalid: ["MASTODON_SERVER"] },
  ],
])) {
  test(`what is missing or wrong is named, and nothing is sent: ${what}`, async (t) => {
    t.after(() => stage.worker.restart(changes));
    await stage.worker.restart({ ...changes, secrets });
    const { missing, invalid, networks } = await problem(await stage.worker.fetch("/health"), 503);
    assert.deepEqual({ missing, invalid: invalid.map(({ name }) => name) }, named);
    assert.deepEqual(networks, ["mastodon"]);
    const { line } = await stage.worker.cron(later());
    assert.deepEqual([line.outcome, line.reason, line.attempts], ["refused", "settings", 0]);
    for (const name of [...named.missing, ...named.invalid])
      assert.ok(line.message.includes(name), line.message);
    await stage.simulator.receivedNothing();
  });
}

// --- Servers of other makes --------------------------------------------------------------

for (const [software, scopes, status] of /** @type {[string, string, number][]} */ ([
  ["gotosocial", "read:accounts", 403],
  ["pixelfed", "read write:accounts", 403],
  ["pleroma", "read", 403],
  ["takahe", "read", 403],
])) {
  test(`${software} is understood: a token without the scope, one that is nobody's, and a good one`, async () => {
    const at = later();
    await stage.simulator.account("mastodon", { software, scopes });
    // Pixelfed looks at the token before it finds out that it gets no picture.
    await isRefused(at, "access", status, /write:accounts/);
    await stage.simulator.account("mastodon", { scopes: "write", token: NEXT_TOKEN });
    await isRefused(
      at + HOUR,
      "credentials",
      { gotosocial: 401, pixelfed: 500, pleroma: 403, takahe: 401 }[software],
      /MASTODON_ACCESS_TOKEN/,
    );
    await stage.simulator.account("mastodon", { token: MASTODON_ACCESS_TOKEN });
    assert.equal((await json(await stage.worker.turn("?frame=3"))).outcome, "turned");
    assert.deepEqual(await stage.simulator.icon("mastodon"), stage.set.frames[3]);
  });
}

test("Pixelfed, which ignores a picture by PATCH, is sent it by POST, at once and from then on", async () => {
  await stage.simulator.account("mastodon", { software: "pixelfed", scopes: "write" });
  // As it was before, so that it has an avatar of its own.
  const at = later();
  const first = (await stage.worker.cron(at)).line;
  assert.equal(first.outcome, "turned", JSON.stringify(first));
  for (const hours of [1, 2, 3]) {
    await stage.simulator.clear();
    const { line } = await stage.worker.cron(at + hours * HOUR);
    assert.equal(line.outcome, "turned", JSON.stringify(line));
    assert.equal(
      sha256(await stage.simulator.icon("mastodon")),
      sha256(stage.set.frames[frameAt(at + hours * HOUR)]),
    );
    const sent = await stage.simulator.received();
    if (hours > 1) {
      assert.equal(sent.length, 1, "one request, by POST");
      assert.ok(!("note" in line), JSON.stringify(line));
    }
  }
});

test("a server that says yes and changes nothing is told of after two different frames in a row", async () => {
  await stage.simulator.account("mastodon", { software: "mastodon" });
  const at = later();
  await turns(at);
  await stage.simulator.account("mastodon", { software: "pixelfed-without-post", scopes: "write" });
  const first = (await stage.worker.cron(at + HOUR)).line;
  assert.equal(first.outcome, "turned");
  assert.match(first.note, /Look at the account in a browser/);
  const { line } = await stage.worker.cron(at + 2 * HOUR);
  assert.deepEqual(
    [line.outcome, line.reason, line.network_status],
    ["refused", "unexpected-reply", 200],
    JSON.stringify(line),
  );
  assert.match(line.remedy, /Look at the account in a browser/);
  assert.equal(news.length, 1);
  await stage.simulator.account("mastodon", { software: "mastodon" });
  assert.equal((await json(await stage.worker.turn("?frame=3"))).outcome, "turned");
  assert.equal(news.length, 2);
});

test("a server that names pictures by what they hold turns on and on", async () => {
  await stage.simulator.account("mastodon", { software: "pleroma" });
  const at = later();
  for (let hours = 0; hours < 14; hours += 1) await turns(at + hours * HOUR);
  for (let again = 0; again < 3; again += 1) {
    assert.equal((await json(await stage.worker.turn("?frame=3&force=true"))).outcome, "turned");
  }
});

// --- Waits --------------------------------------------------------------------------------

test("before the reset that Mastodon names nothing is sent, by nobody, and after it the frame of then", async () => {
  await stage.simulator.fail("rate-limit", 1, { network: "mastodon", endpoint: UPDATE });
  const { line } = await stage.worker.cron(Date.now());
  assert.deepEqual([line.outcome, line.reason, line.network_status], ["retry", "rate-limit", 429]);
  const reset = Date.parse(line.retry_at);
  assert.ok(Math.abs(reset - Date.now() - 5 * MINUTE) < 5_000, line.retry_at);
  for (const query of ["", "?frame=3", "?frame=4&force=true"]) {
    const response = await stage.worker.turn(query);
    const seconds = Number(response.headers.get("retry-after"));
    assert.ok(Math.abs(seconds - 300) < 10, `Retry-After: ${seconds}`);
    assert.equal((await problem(response, 503)).retry_at, line.retry_at);
  }
  await stage.worker.fire(reset - 2_000);
  await sentOne();
  await turns(Math.ceil(reset / HOUR) * HOUR);
  // A pause that takes the rest of the hour is told, as a slot without a turn.
  const isPast = Math.floor(reset / HOUR) > Math.floor((reset - 5 * MINUTE) / HOUR);
  if (!isPast) assert.deepEqual(news, []);
});

test("after refusals the cron waits longer and longer, and a turn by hand does not", async () => {
  await stage.simulator.fail("invalid-avatar", 100, { network: "mastodon", endpoint: UPDATE });
  const at = later();
  const sends = [];
  for (let hours = 0; hours <= 16; hours += 1) {
    const before = (await sentPictures()).length;
    await stage.worker.fire(at + hours * HOUR);
    if ((await sentPictures()).length > before) sends.push(hours);
  }
  assert.deepEqual(sends, [0, 1, 3, 7, 15]);
  assert.equal((await problem(await stage.worker.turn("?frame=3"), 502)).reason, "request");
  assert.equal((await sentPictures()).length, 6);
  assert.equal(news.length, 1);
});

// --- Every fault ----------------------------------------------------------------------------

const TOKEN = /MASTODON_ACCESS_TOKEN/;
const SIGN_IN = /Sign in there in a browser/;
const SERVER = /MASTODON_SERVER/;
const ICON = /Publish the icon again.*--quality/;
const UNEXPECTED = refused("unexpected-reply", SERVER);

/** Each fault: what becomes of the turn. */
const FAULTS = {
  "rate-limit": reset(300),
  "rate-limit-retry-after": pause(60),
  "internal-error": TRANSIENT,
  "bad-gateway": TRANSIENT,
  "remote-failure": TRANSIENT,
  "empty-error": TRANSIENT,
  "not-implemented": UNEXPECTED,
  unauthenticated: refused("credentials", TOKEN),
  "invalid-token": refused("credentials", TOKEN),
  "revoked-token": refused("credentials", TOKEN),
  "expired-token": refused("credentials", TOKEN),
  "outside-scopes": refused("access", /write:accounts/),
  "insufficient-scope": refused("access", /write:accounts/),
  "insufficient-permission": refused("access", /write:accounts/),
  "invalid-credentials": refused("credentials", TOKEN),
  forbidden: refused("access", /write:accounts.*sign in there/i),
  "media-too-large": refused("request", ICON),
  "invalid-members": refused("request", ICON),
  "suspended-account": refused("account", SIGN_IN),
  "unconfirmed-account": refused("account", SIGN_IN),
  "not-found": UNEXPECTED,
  "too-large": refused("request", ICON),
  "avatar-too-large": refused("request", ICON),
  "invalid-avatar": refused("request", ICON),
  "proxy-block": refused("blocked", /who runs the server/),
  "captive-portal": UNEXPECTED,
  "unexpected-body": UNEXPECTED,
  "wrong-json": UNEXPECTED,
  "empty-body": UNEXPECTED,
  "endless-body": TRANSIENT,
  "hostile-text": refused("request", ICON),
  hang: TRANSIENT,
  slow: TURNED,
  reset: TRANSIENT,
  "cut-off": TRANSIENT,
};

testFaults({
  stage,
  network: "mastodon",
  table: FAULTS,
  endpointsOf: () => [UPDATE],
  account: () => stage.simulator.account("mastodon"),
  before: (_, at) => turns(at),
});
