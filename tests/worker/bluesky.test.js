/**
 * Tests turns on Bluesky alone: the profile after a turn, how sessions are kept, and what follows
 * when Bluesky refuses. Uses workerd's own network.
 */
import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import { json, problem } from "./harness/assertions.js";
import { frameAt, HOUR, later, MINUTE } from "./harness/clock.js";
import { pause, refused, reset, testFaults, TRANSIENT, TURNED } from "./harness/faults.js";
import { sha256 } from "./harness/frames.js";
import { assertNoLeaks } from "./harness/leaks.js";
import { appPassword, BLUESKY_SECRETS, SECRETS } from "./harness/secrets.js";
import { useDevServerStage } from "./harness/stage.js";
import { useWebhook } from "./harness/webhook.js";

const { url: ALERT_WEBHOOK_URL, news } = await useWebhook();
const changes = { networks: ["bluesky"], secrets: { ALERT_WEBHOOK_URL } };
const stage = useDevServerStage({ changes });

const CREATE = "com.atproto.server.createSession";
const REFRESH = "com.atproto.server.refreshSession";
const GET = "com.atproto.repo.getRecord";
const UPLOAD = "com.atproto.repo.uploadBlob";
const PUT = "com.atproto.repo.putRecord";
const SESSION = "com.atproto.server.getSession";

/** The app password that the owner makes after the first one. */
const NEXT_PASSWORD = appPassword();
assertNoLeaks({ NEXT_PASSWORD });

/** The calls of a turn with a session, to a frame that is kept already: of the profile alone. */
const SHOW = [GET, PUT];
/** To a frame that is due for the first time: those of the record of frames come before. */
const TURN = [GET, UPLOAD, PUT, ...SHOW];

/** A profile, with members that no lexicon knows and one that looks like the program's own. */
const PROFILE = {
  $type: "app.bsky.actor.profile",
  displayName: "Somebody \u2603",
  description: 'Two lines,\n"quoted" \\ and more.',
  pronouns: "they/them",
  createdAt: "2023-04-12T00:00:00.000Z",
  pinnedPost: {
    uri: "at://did:plc:abc/app.bsky.feed.post/1",
    cid: "bafyreigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi",
  },
  labels: { $type: "com.atproto.label.defs#selfLabels", values: [{ val: "!no-unauthenticated" }] },
  "org.example.unknown": {
    numbers: [0, -1, 9007199254740991],
    nothing: null,
    swapRecord: "x",
    nested: [[{ avatar: 1 }]],
  },
};

// Like Bluesky, the simulator accepts thirty sessions in five minutes. Each test begins one or more.
let tests = 0;
let ahead = 0;
beforeEach(async () => {
  tests += 1;
  if (tests % 12 === 0) {
    ahead += 301;
    await stage.simulator.runAhead(ahead);
  }
  const { BLUESKY_APP_PASSWORD: password } = BLUESKY_SECRETS;
  await stage.simulator.account("bluesky", {
    password,
    change_after_get: 0,
    record: PROFILE,
    frames: null,
    state: "active",
    moderated: false,
    uploads: 1000,
  });
  news.length = 0;
});

/** The record as it is now. */
const record = async () => (await stage.simulator.account("bluesky")).record?.value;

/** The record without the picture. */
async function rest() {
  const { avatar, ...others } = await record();
  return others;
}

/** The calls since the last `clear`. */
async function calls() {
  const received = await stage.simulator.received();
  assert.ok(
    received.every(({ network }) => network === "bluesky"),
    JSON.stringify(received),
  );
  return received.map(({ endpoint }) => endpoint);
}

/**
 * Lets the cron come, which has to turn; gives its calls.
 *
 * @param {number} at
 */
async function turns(at) {
  await stage.simulator.clear();
  const { line } = await stage.worker.cron(at);
  assert.deepEqual(
    [line.network, line.outcome, line.attempts, line.network_status],
    ["bluesky", "turned", 1, 200],
    JSON.stringify(line),
  );
  assert.equal(
    sha256(await stage.simulator.icon("bluesky")),
    sha256(stage.set.frames[frameAt(at)]),
  );
  return calls();
}

// --- The picture and the profile ---------------------------------------------------

test("the cron makes the frame that is due the avatar, and changes nothing else of the profile", async () => {
  assert.deepEqual(await turns(later()), [CREATE, ...TURN]);
  // That there is no record of frames yet is all that is not as asked for.
  const refusals = (await stage.simulator.received()).filter(
    ({ verdict }) => verdict !== "accepted",
  );
  assert.deepEqual(
    refusals.map(({ endpoint }) => endpoint),
    [GET],
  );
  assert.deepEqual(await stage.simulator.icon("bluesky"), stage.set.frames[9]);
  const { avatar, ...others } = await record();
  assert.deepEqual(others, PROFILE);
  assert.deepEqual(
    [avatar.$type, avatar.mimeType, avatar.size],
    ["blob", "image/png", stage.set.frames[9].length],
  );
});

test("a turn by hand does the same, and says so", async () => {
  assert.deepEqual(await json(await stage.worker.turn("?frame=3")), {
    network: "bluesky",
    frame: 3,
    frames: 12,
    outcome: "turned",
    attempts: 1,
    network_status: 200,
  });
  assert.deepEqual(await stage.simulator.icon("bluesky"), stage.set.frames[3]);
  assert.deepEqual(await rest(), PROFILE);
  const [entry] = (await json(await stage.worker.journal())).entries;
  assert.deepEqual(
    [entry.network, entry.trigger, entry.outcome, entry.frame],
    ["bluesky", "manual", "turned", 3],
  );
});

test("what is shown already is not sent again, and no session is asked for it", async () => {
  assert.equal((await json(await stage.worker.turn("?frame=3"))).outcome, "turned");
  await stage.simulator.clear();
  assert.equal((await json(await stage.worker.turn("?frame=3"))).outcome, "unchanged");
  await stage.simulator.receivedNothing();
  const at = later();
  assert.deepEqual(await turns(at), TURN);
  await stage.simulator.clear();
  await stage.worker.fire(at);
  await stage.simulator.receivedNothing();
});

test("a dry run shows the request that carries the picture, without a token, and whose account it is", async () => {
  const { would_send: preview, ...told } = await json(
    await stage.worker.turn("?frame=3&dry_run=true"),
  );
  assert.deepEqual(told, {
    network: "bluesky",
    frame: 3,
    frames: 12,
    outcome: "dry-run",
    attempts: 0,
    network_status: null,
    account: BLUESKY_SECRETS.BLUESKY_IDENTIFIER,
  });
  assert.deepEqual(
    [preview.method, preview.url],
    ["POST", `${stage.simulator.url}/xrpc/${UPLOAD}`],
  );
  const headers = Object.fromEntries(preview.headers);
  assert.deepEqual(headers, { authorization: "Bearer (not shown)", "content-type": "image/png" });
  assert.deepEqual(
    [preview.frame_bytes, preview.body_bytes],
    Array(2).fill(stage.set.frames[3].length),
  );
  assert.deepEqual(await calls(), [CREATE, SESSION]);
  assert.deepEqual(await rest(), PROFILE);
  // The session that it began is the turn's.
  assert.deepEqual(await turns(later()), TURN);
});

test("a dry run with a wrong password is refused as the turn would be", async () => {
  await stage.simulator.account("bluesky", { password: NEXT_PASSWORD });
  const { outcome, reason, remedy } = await problem(await stage.worker.turn("?dry_run=true"), 502);
  assert.deepEqual([outcome, reason], ["refused", "credentials"]);
  assert.match(remedy, /BLUESKY_APP_PASSWORD/);
  // It was no turn: the next one does not wait.
  await stage.simulator.account("bluesky", { password: BLUESKY_SECRETS.BLUESKY_APP_PASSWORD });
  await turns(later());
});

test("the frames that are kept can be removed with the token; the picture that is up stays", async () => {
  const at = later();
  await turns(at);
  const { status } = await stage.worker.fetch("/networks/bluesky/frames", {
    method: "DELETE",
    headers: { authorization: `Bearer ${SECRETS.TRIGGER_TOKEN}` },
  });
  assert.equal(status, 204);
  const { frames, blobs } = await stage.simulator.account("bluesky");
  assert.deepEqual([frames, blobs.length], [null, 1]);
  assert.deepEqual(await stage.simulator.icon("bluesky"), stage.set.frames[frameAt(at)]);
  await problem(await stage.worker.fetch("/networks/bluesky/frames", { method: "DELETE" }), 401);
  assert.deepEqual(await turns(at + HOUR), TURN);
});

test("a profile that does not exist is created", async () => {
  await stage.simulator.account("bluesky", { record: null });
  assert.deepEqual(await turns(later()), [CREATE, ...TURN]);
  const { avatar, ...others } = await record();
  assert.deepEqual(others, { $type: "app.bsky.actor.profile" });
  assert.equal(avatar.size, stage.set.frames[9].length);
});

test("an avatar that the owner has put there since is replaced by the next turn", async () => {
  const at = later();
  await turns(at);
  await stage.simulator.account("bluesky", { record: { ...PROFILE, displayName: "Renamed" } });
  assert.deepEqual(await turns(at + HOUR), TURN);
  assert.equal((await record()).displayName, "Renamed");
});

// --- The record of frames -----------------------------------------------------------

/** The record of frames as it is now. */
const kept = async () => (await stage.simulator.account("bluesky")).frames?.value;
/** Returns the CID of a blob. */
const linkOf = ({ ref }) => ref.$link;

test("after a rotation, every frame is kept and a turn is two requests; what is shown is never lost", async () => {
  const at = later();
  for (let hour = 0; hour < 12; hour++) await turns(at + hour * HOUR);
  const { $type, set, frames } = await kept();
  assert.deepEqual([$type, set, frames.length], ["app.rotate-icon.frames", stage.set.id, 12]);
  for (let hour = 12; hour < 24; hour++) {
    assert.deepEqual(await turns(at + hour * HOUR), SHOW, `hour ${hour}`);
    await stage.simulator.account("bluesky", { collect_garbage: true });
    assert.deepEqual(
      await stage.simulator.icon("bluesky"),
      stage.set.frames[frameAt(at + hour * HOUR)],
    );
  }
  const { blobs } = await stage.simulator.account("bluesky");
  assert.equal(blobs.length, 12);
  assert.ok(blobs.every(({ referred }) => referred));
});

test("what is lost heals within the turn: the record, blobs of it, and both", async () => {
  const at = later();
  for (const hour of [0, 1, 2]) await turns(at + hour * HOUR);
  /** @param {number} n */
  const blobOf = async (n) => linkOf((await kept()).frames[n]);
  // The frame that is due is gone, and another of the record with it.
  await stage.simulator.account("bluesky", { lose: [await blobOf(0), await blobOf(1)] });
  assert.deepEqual(await turns(at + 12 * HOUR), [GET, PUT, GET, UPLOAD, PUT, GET, PUT, ...SHOW]);
  assert.equal((await kept()).frames.length, 2);
  // The record is gone, and all that only it referred to.
  await stage.simulator.account("bluesky", { frames: null });
  assert.deepEqual(await turns(at + 14 * HOUR), [GET, PUT, ...TURN]);
  assert.equal((await kept()).frames.length, 1);
  assert.deepEqual(await rest(), PROFILE);
});

test("a host that remembers nothing finds the frames in the record", async () => {
  const at = later();
  await turns(at);
  await stage.worker.forget();
  assert.deepEqual(await turns(at + 12 * HOUR), [CREATE, GET, ...SHOW]);
});

test("where no more pictures may be uploaded, those that are kept are turned to", async () => {
  const at = later();
  await turns(at);
  await stage.simulator.account("bluesky", { uploads: 0 });
  const { line } = await stage.worker.cron(at + 3 * HOUR);
  assert.deepEqual(
    [line.outcome, line.reason, line.network_status],
    ["retry", "transient", 429],
    JSON.stringify(line),
  );
  assert.match(line.remedy, /address/);
  assert.deepEqual(await turns(at + 12 * HOUR), SHOW);
});

// --- What has become of the account ---------------------------------------------------

for (const [state, remedy] of /** @type {[string, RegExp][]} */ ([
  ["deactivated", /reactivate/],
  ["takendown", /moderation has taken the account down/],
  ["deleted", /has been deleted/],
])) {
  test(`an account that is ${state} is told as that, with the session that still works`, async () => {
    const at = later();
    await turns(at);
    await stage.simulator.account("bluesky", { state });
    for (const hour of [1, 4]) {
      const { line } = await stage.worker.cron(at + hour * HOUR);
      assert.deepEqual([line.outcome, line.reason], ["refused", "account"], JSON.stringify(line));
      assert.match(line.remedy, remedy);
    }
    await stage.simulator.account("bluesky", { state: "active" });
    await turns(at + 12 * HOUR);
    assert.deepEqual(await rest(), PROFILE);
  });
}

test("a profile that moderation has taken down is told as that, and nothing is tried without end", async () => {
  const at = later();
  await turns(at);
  await stage.simulator.account("bluesky", { moderated: true });
  await stage.simulator.clear();
  const { line } = await stage.worker.cron(at + 12 * HOUR);
  assert.deepEqual([line.outcome, line.reason], ["refused", "account"], JSON.stringify(line));
  assert.match(line.remedy, /moderation has taken it down/);
  assert.deepEqual(await calls(), [...SHOW, ...SHOW]);
});

for (const [member, value, told] of /** @type {[string, any, RegExp][]} */ ([
  ["website", "not a URI", /website/],
  ["pinnedPost", null, /pinned post/],
  ["description", "a".repeat(300), /description/],
  ["labels", {}, /`labels`/],
  [
    "banner",
    {
      $type: "blob",
      ref: { $link: "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku" },
      mimeType: "image/png",
      size: 1048577,
    },
    /banner/,
  ],
])) {
  test(`a profile whose ${member} is refused says so, and not that it is the picture`, async () => {
    await stage.simulator.account("bluesky", { record: { ...PROFILE, [member]: value } });
    const { line } = await stage.worker.cron(later());
    assert.deepEqual([line.outcome, line.reason], ["refused", "request"], JSON.stringify(line));
    assert.match(line.remedy, told);
    assert.match(line.remedy, /Edit the profile once/);
    assert.deepEqual(await rest(), { ...PROFILE, [member]: value });
  });
}

// --- Sessions -----------------------------------------------------------------------

test("one session serves several turns, by cron and by hand, also after a restart", async () => {
  const at = later();
  assert.deepEqual(await turns(at), [CREATE, ...TURN]);
  assert.deepEqual(await turns(at + HOUR), TURN);
  await stage.simulator.clear();
  assert.equal((await json(await stage.worker.turn("?frame=3"))).outcome, "turned");
  assert.deepEqual(await calls(), TURN);
  await stage.worker.restart(changes);
  assert.deepEqual(await turns(at + 2 * HOUR), TURN);
  assert.equal((await stage.simulator.account("bluesky")).sessions, 1);
});

test("an access token that has expired is refreshed, and the refreshed one is kept", async () => {
  const at = later();
  await turns(at);
  for (const hours of [1, 3]) {
    await stage.simulator.account("bluesky", { expire: "access" });
    assert.deepEqual(await turns(at + hours * HOUR), [GET, UPLOAD, REFRESH, UPLOAD, PUT, ...SHOW]);
    assert.deepEqual(await turns(at + (hours + 1) * HOUR), TURN);
  }
  assert.equal((await stage.simulator.account("bluesky")).sessions, 1);
});

test("a session that is over is made anew with the app password, within the same turn", async () => {
  const at = later();
  await turns(at);
  await stage.simulator.account("bluesky", { expire: "session" });
  assert.deepEqual(await turns(at + HOUR), [GET, UPLOAD, REFRESH, CREATE, UPLOAD, PUT, ...SHOW]);
  assert.deepEqual(await turns(at + 2 * HOUR), TURN);
});

test("what is forgotten by the owner includes the session", async () => {
  const at = later();
  await turns(at);
  await stage.worker.forget();
  assert.deepEqual(await turns(at + HOUR), [CREATE, ...TURN]);
});

test("an account that was renamed turns on with its session", async () => {
  const at = later();
  await turns(at);
  await stage.simulator.account("bluesky", { handle: "renamed.test" });
  try {
    assert.deepEqual(await turns(at + HOUR), TURN);
  } finally {
    await stage.simulator.account("bluesky", { handle: BLUESKY_SECRETS.BLUESKY_IDENTIFIER });
  }
});

// --- Others change the profile meanwhile ------------------------------------------------

for (const times of [1, 4, 5]) {
  test(`a profile that others change ${times} times meanwhile is read again, and their change stays`, async () => {
    await stage.simulator.account("bluesky", { change_after_get: times });
    const again = Array.from({ length: times }, () => [GET, PUT]).flat();
    assert.deepEqual(await turns(later()), [CREATE, ...TURN, ...again]);
    assert.deepEqual(await rest(), { ...PROFILE, description: "Changed by another client, 1." });
  });
}

test("a profile that others do not cease to change is left to another try, and nothing of theirs is lost", async () => {
  await stage.simulator.account("bluesky", { change_after_get: 6 });
  const at = later();
  const { line } = await stage.worker.cron(at);
  assert.deepEqual(
    [line.outcome, line.reason, line.attempts, line.network_status],
    ["retry", "transient", 1, 400],
    JSON.stringify(line),
  );
  assert.match(line.message, /InvalidSwap/);
  const wait = Date.parse(line.retry_at) - at;
  assert.ok(wait >= 47_000 && wait <= 75_000, `tried again after ${wait} ms`);
  const made = await calls();
  assert.equal(made.filter((call) => call === PUT).length, 7);
  assert.equal(made.filter((call) => call === UPLOAD).length, 1);
  assert.deepEqual(await record(), { ...PROFILE, description: "Changed by another client, 1." });
  assert.deepEqual(news, []);
  assert.deepEqual(await turns(at + HOUR), TURN);
  assert.deepEqual(await rest(), { ...PROFILE, description: "Changed by another client, 1." });
});

// --- The owner is told ---------------------------------------------------------------

test("another app password stops it, which the owner is told once, and with the new one it turns again", async (t) => {
  const at = later();
  await turns(at);
  const password = NEXT_PASSWORD;
  await stage.simulator.account("bluesky", { password });
  await stage.simulator.clear();
  for (const hours of [1, 2, 4]) {
    const { line } = await stage.worker.cron(at + hours * HOUR);
    assert.deepEqual(
      [line.outcome, line.reason, line.attempts, line.network_status],
      ["refused", "credentials", 1, 401],
      JSON.stringify(line),
    );
    assert.match(line.remedy, /BLUESKY_APP_PASSWORD/);
  }
  // The session that was ended is tried once, the password with each turn.
  assert.deepEqual(await calls(), [GET, UPLOAD, REFRESH, CREATE, CREATE, CREATE]);
  assert.equal(news.length, 1, JSON.stringify(news));
  assert.match(
    news[0],
    /^Your icon has stopped turning\. Bluesky answered 401: .*BLUESKY_APP_PASSWORD/,
  );

  const body = await problem(await stage.worker.turn("?frame=3"), 502);
  assert.deepEqual(
    [body.network, body.outcome, body.reason],
    ["bluesky", "refused", "credentials"],
  );
  assert.match(
    await (await stage.worker.fetch("/")).text(),
    /Something is wrong.*BLUESKY_APP_PASSWORD/s,
  );

  t.after(() => stage.worker.restart(changes));
  await stage.worker.restart({
    ...changes,
    secrets: { ALERT_WEBHOOK_URL, BLUESKY_APP_PASSWORD: password },
  });
  assert.equal((await json(await stage.worker.turn("?frame=3"))).outcome, "turned");
  assert.deepEqual(await stage.simulator.icon("bluesky"), stage.set.frames[3]);
  assert.deepEqual(news.slice(1), ["Your icon is turning again."]);
  assert.deepEqual(await turns(at + 5 * HOUR), TURN);
  assert.equal(news.length, 2);
});

test("the owner is not told of what passes by itself", async () => {
  const at = later();
  for (const [i, fault] of ["internal-error", "reset", "rate-limit"].entries()) {
    await stage.simulator.fail(fault, 1, { network: "bluesky", endpoint: UPLOAD });
    assert.equal((await stage.worker.cron(at + 2 * i * HOUR)).line.outcome, "retry");
    await turns(at + (2 * i + 1) * HOUR);
  }
  assert.deepEqual(news, []);
});

test("before the reset that Bluesky names nothing is sent, by nobody", async () => {
  await stage.simulator.fail("rate-limit", 1, { network: "bluesky" });
  const { line } = await stage.worker.cron(Date.now());
  const reset = Date.parse(line.retry_at);
  assert.ok(Math.abs(reset - Date.now() - 5 * MINUTE - ahead * 1_000) < 5_000, line.retry_at);
  for (const query of ["", "?frame=3", "?frame=4&force=true"]) {
    const response = await stage.worker.turn(query);
    const seconds = Number(response.headers.get("retry-after"));
    assert.ok(Math.abs(seconds - 300 - ahead) < 10, `Retry-After: ${seconds}`);
    assert.equal((await problem(response, 503)).retry_at, line.retry_at);
  }
  await stage.worker.fire(reset - 2_000);
  assert.equal((await stage.simulator.received()).length, 1);
  // The slot in which it is over, or the one after that.
  await turns(Math.ceil(reset / HOUR) * HOUR);
});

// --- Every fault ----------------------------------------------------------------------

const PASSWORD = /BLUESKY_APP_PASSWORD/;
const SERVICE = /BLUESKY_SERVICE/;
const ICON = /Publish the icon again/;
const UNEXPECTED = refused("unexpected-reply", SERVICE);

/** Each fault: what becomes of the turn, at each endpoint or at some of them. */
const FAULTS = {
  // That no more pictures are taken is no pause: those that are kept can be shown.
  "rate-limit": { ...reset(300), [UPLOAD]: { ...reset(300), reason: "transient" } },
  "rate-limit-retry-after": { ...pause(60), [UPLOAD]: TRANSIENT },
  "internal-error": TRANSIENT,
  "upstream-failure": TRANSIENT,
  "not-enough-resources": TRANSIENT,
  "bad-gateway": TRANSIENT,
  "empty-error": TRANSIENT,
  "invalid-login": { [CREATE]: refused("credentials", PASSWORD) },
  "account-takedown": {
    [CREATE]: refused("account", /Sign in at bsky/),
    [REFRESH]: refused("account", /Sign in at bsky/),
  },
  "auth-factor": {
    [CREATE]: refused("credentials", /app password, not the account's own.*BLUESKY_APP_PASSWORD/),
  },
  "expired-token": { [UPLOAD]: TURNED, [PUT]: TURNED },
  "expired-refresh-token": { [REFRESH]: TURNED },
  "invalid-token": { [REFRESH]: TURNED, [UPLOAD]: TURNED, [PUT]: TURNED },
  "record-not-found": { [GET]: TURNED },
  "invalid-swap": { [PUT]: TURNED },
  "blob-not-found": { [PUT]: TURNED },
  "invalid-mime-type": { [PUT]: refused("request", ICON) },
  "invalid-size": { [PUT]: refused("request", ICON) },
  "too-large": refused("request", ICON),
  "not-implemented": UNEXPECTED,
  "captive-portal": UNEXPECTED,
  "unexpected-body": UNEXPECTED,
  "wrong-json": UNEXPECTED,
  "empty-body": UNEXPECTED,
  "endless-body": TRANSIENT,
  // A 400 at the refresh is the end of the session, whatever it says.
  "hostile-text": {
    [CREATE]: UNEXPECTED,
    [REFRESH]: TURNED,
    [GET]: UNEXPECTED,
    [UPLOAD]: UNEXPECTED,
    [PUT]: UNEXPECTED,
  },
  hang: { [UPLOAD]: TRANSIENT },
  slow: { [PUT]: TURNED },
  // A GET whose connection breaks before an answer is sent again by workerd itself.
  reset: {
    [CREATE]: TRANSIENT,
    [REFRESH]: TRANSIENT,
    [GET]: TURNED,
    [UPLOAD]: TRANSIENT,
    [PUT]: TRANSIENT,
  },
  "cut-off": TRANSIENT,
};

testFaults({
  stage,
  network: "bluesky",
  table: FAULTS,
  endpointsOf: (fault) =>
    "outcome" in FAULTS[fault] ? [CREATE, REFRESH, GET, UPLOAD, PUT] : Object.keys(FAULTS[fault]),
  account: rest,
  ahead: () => ahead,
  async before(endpoint, at) {
    if (endpoint === CREATE) return;
    // Then the profile is all that is read and put.
    if ([GET, PUT].includes(endpoint)) await json(await stage.worker.turn("?frame=9"));
    await turns(at);
    if (endpoint === REFRESH) await stage.simulator.account("bluesky", { expire: "access" });
  },
});
