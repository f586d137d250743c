/**
 * Tests what POST /turn answers when X refuses, for every fault of X that the simulator knows. Uses
 * workerd's own network.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { json, problem } from "./harness/assertions.js";
import { sha256 } from "./harness/frames.js";
import { useDevServerStage } from "./harness/stage.js";

// By v1.1 alone: what becomes of a call that v2 may make instead is tested in x-api.test.js.
const stage = useDevServerStage({ changes: { vars: { X_API: "1.1" } }, prepare: beginToHang });

/** The turn that X never answers: the first test begins once it has ended. */
let hanging;

async function beginToHang({ simulator, worker }) {
  await simulator.fail("hang");
  const asked = Date.now();
  hanging = worker
    .turn("?frame=7")
    .then((response) => ({ response, asked, frame: 7, took: Date.now() - asked }));
  // The test that awaits it sees its failure.
  hanging.catch(() => {});
  const limit = AbortSignal.timeout(10_000);
  while ((await simulator.received()).length === 0) limit.throwIfAborted();
}

/**
 * @param {string} reason
 * @param {number | null} network_status
 * @param {number} seconds
 * @param {RegExp} says
 * @param {RegExp} remedy
 */
const retry = (reason, network_status, seconds, says, remedy) => ({
  status: 503,
  outcome: "retry",
  reason,
  network_status,
  seconds,
  says,
  remedy,
});
/**
 * @param {string} reason
 * @param {number | null} network_status
 * @param {RegExp} says
 * @param {RegExp} remedy
 */
const refused = (reason, network_status, says, remedy) => ({
  status: 502,
  outcome: "refused",
  reason,
  network_status,
  says,
  remedy,
});

const WAIT = /Nothing to do but wait/;
const X_TROUBLE = /is failing\. Nothing to do: the turn is retried\./;
const NO_ANSWER = /Nothing to do if it passes\..*API_BASE_URL/;
const KEYS = /API_KEY, API_KEY_SECRET, ACCESS_TOKEN and ACCESS_TOKEN_SECRET.*developer portal/;
const PICTURE = /Publish the icon again.*X_BODY/;

/** Each fault: what the turn has to come to. `null` for what is no failure. */
const FAULTS = {
  "rate-limit": retry("rate-limit", 429, 900, /429, code 88: Rate limit exceeded/, WAIT),
  "rate-limit-retry-after": retry("rate-limit", 429, 60, /answered 429/, WAIT),
  "rate-limit-legacy": retry("rate-limit", 420, 900, /420: Enhance your calm/, WAIT),
  "user-day-limit": retry("rate-limit", 429, 40_000, /429: Too Many Requests/, WAIT),
  "app-day-limit": retry("rate-limit", 429, 40_000, /429: Too Many Requests/, WAIT),
  "usage-capped": retry(
    "rate-limit",
    429,
    86_400,
    /429: Usage cap exceeded/,
    /used up what its plan includes/,
  ),
  "over-capacity": retry("transient", 503, 60, /503, code 130: Over capacity/, X_TROUBLE),
  "internal-error": retry("transient", 500, 60, /500, code 131: Internal error/, X_TROUBLE),
  "bad-gateway": retry("transient", 502, 60, /502 with a web page/, X_TROUBLE),
  "empty-error": retry("transient", 500, 60, /answered 500/, X_TROUBLE),
  "not-implemented": refused("unexpected-reply", 501, /answered 501/, /Check API_BASE_URL/),
  "credits-depleted": refused(
    "access",
    402,
    /402: Your enrolled account .* does not have any credits/,
    /credits.*used up.*console\.x\.com/,
  ),
  "could-not-authenticate": refused(
    "credentials",
    401,
    /401, code 32: Could not authenticate/,
    KEYS,
  ),
  "invalid-token": refused("credentials", 401, /401, code 89: /, KEYS),
  "unable-to-verify": refused("credentials", 403, /403, code 99: Unable to verify/, KEYS),
  "bad-authentication-data": refused("credentials", 400, /400, code 215: /, KEYS),
  "clock-skew": refused(
    "clock-skew",
    401,
    /401, code 135: .*(3599|3600) s behind X's/,
    /clock.*NTP/,
  ),
  "access-tier": refused(
    "access",
    403,
    /403, code 453: You currently have access to a subset/,
    /access level.*developer portal/,
  ),
  "read-only-app": refused(
    "access",
    403,
    /403, code 261: Application cannot/,
    /Read and Write.*regenerate the access token/,
  ),
  "suspended-account": refused("account", 403, /403, code 64: /, /suspended the account.*Sign in/),
  "locked-account": refused("account", 403, /403, code 326: /, /locked.*unlock/),
  "suspended-app": refused("access", 401, /401, code 416: /, /suspended the app.*developer portal/),
  "retired-endpoint": refused("access", 410, /410, code 251: /, /retired.*newer version/),
  "no-such-page": refused("unexpected-reply", 404, /404, code 34: /, /Check API_BASE_URL/),
  "nothing-here": refused("unexpected-reply", 404, /answered 404/, /Check API_BASE_URL/),
  "client-forbidden": refused(
    "access",
    403,
    /403: When authenticating requests/,
    /not enrolled.*developer portal/,
  ),
  "spam-filter": retry("spam-filter", 403, 86_400, /403, code 226: /, /spam.*for a day/),
  "missing-parameter": refused("request", 403, /403, code 38: /, PICTURE),
  "invalid-value": refused("request", 422, /422, code 120: Account update failed/, PICTURE),
  "too-large": refused("request", 413, /answered 413/, PICTURE),
  unprocessable: refused("request", 422, /answered 422/, PICTURE),
  "problem-json": refused(
    "access",
    403,
    /403: You are not permitted/,
    /permissions and access level/,
  ),
  "proxy-block": refused("blocked", 403, /403 with a web page/, /firewall.*ordinary machine/),
  "captive-portal": refused(
    "unexpected-reply",
    200,
    /success, but not with a user/,
    /Check API_BASE_URL/,
  ),
  "hostile-text": refused(
    "access",
    403,
    /403, code 999: <script>alert/,
    /permissions and access level/,
  ),
  slow: null,
  reset: retry("transient", null, 60, /did not answer: .*connection/, NO_ANSWER),
  "cut-off": retry("transient", null, 60, /did not answer: .*connection/, NO_ANSWER),
  hang: retry("transient", null, 60, /did not answer: .*20 s/, NO_ANSWER),
};

/** The faults in which the picture is set all the same. */
const TAKES_EFFECT = ["slow", "cut-off"];

/** Faults of API v2 alone. */
const OF_V2 = ["oauth1-forbidden", "unauthorized", "invalid-media"];

test("every fault that the stand-in knows is tested here", async () => {
  const known = (await stage.simulator.knownFaults())
    .map(({ name }) => name)
    .filter((name) => !OF_V2.includes(name));
  assert.deepEqual(Object.keys(FAULTS).sort(), known.sort());
});

test("without a fault the same turn succeeds, over workerd's own network", async () => {
  const answer = await json(await stage.worker.turn("?frame=3"));
  assert.deepEqual(answer, {
    network: "x",
    frame: 3,
    frames: 12,
    outcome: "turned",
    attempts: 1,
    network_status: 200,
  });
  const sent = await stage.simulator.receivedOne();
  assert.equal(sent.verdict, "accepted", sent.explanation);
  assert.deepEqual(await stage.simulator.picture(sent.number), stage.set.frames[3]);
});

/**
 * Makes a turn that meets this fault, to a frame other than the one that the account shows.
 *
 * @param {string} fault
 */
async function turnInto(fault) {
  await json(await stage.worker.turn("?frame=3"));
  const frame = await otherFrame();
  await stage.simulator.clear();
  await stage.simulator.fail(fault);
  const asked = Date.now();
  const response = await stage.worker.turn(`?frame=${frame}`);
  const took = Date.now() - asked;

  const sent = await stage.simulator.receivedOne();
  assert.equal(sent.fault, fault);
  assert.equal(sent.verdict, "accepted", sent.explanation);
  assert.equal(sent.picture.sha256, sha256(stage.set.frames[frame]));
  const isShown = sha256(await stage.simulator.icon()) === sent.picture.sha256;
  assert.equal(isShown, TAKES_EFFECT.includes(fault), "whether the account has the picture now");
  assert.ok(took < 10_000, `ended after ${took} ms`);
  return { response, asked, frame, took };
}

/** A frame other than the one that the account shows. */
async function otherFrame() {
  const shown = sha256(await stage.simulator.icon());
  return (stage.set.frames.findIndex((frame) => sha256(frame) === shown) + 1) % 12;
}

for (const [fault, expected] of Object.entries(FAULTS)) {
  const named = expected === null ? "turned" : `${expected.outcome}, ${expected.reason}`;
  test(`${fault}: ${named}`, async () => {
    const { response, asked, frame, took } = await (fault === "hang" ? hanging : turnInto(fault));
    if (fault === "hang") assert.ok(took >= 19_000 && took < 25_000, `ended after ${took} ms`);

    if (expected === null) {
      const answer = await json(response);
      assert.deepEqual(answer, {
        network: "x",
        frame,
        frames: 12,
        outcome: "turned",
        attempts: 1,
        network_status: 200,
      });
      return;
    }
    const body = await problem(response, expected.status);
    const { outcome, reason, network_status } = body;
    assert.deepEqual(
      { outcome, reason, network_status },
      {
        outcome: expected.outcome,
        reason: expected.reason,
        network_status: expected.network_status,
      },
    );
    assert.deepEqual([body.network, body.frame, body.frames, body.attempts], ["x", frame, 12, 1]);
    assert.match(body.message, expected.says);
    assert.match(body.remedy, expected.remedy);
    assert.ok(
      body.detail.startsWith(body.message) && body.detail.endsWith(body.remedy),
      body.detail,
    );

    const seconds = response.headers.get("retry-after");
    if (expected.outcome === "refused") {
      assert.equal(seconds, null);
      // What comes by itself does not wait for what was tried by hand.
      assert.ok(!("retry_at" in body));
      return;
    }
    assert.ok(Math.abs(Number(seconds) - expected.seconds) <= 5, `Retry-After: ${seconds}`);
    if (expected.reason === "transient") {
      // A frame that was asked for by its number is not tried again by itself.
      assert.ok(!("retry_at" in body));
      return;
    }
    const wait = (Date.parse(body.retry_at) - asked - took) / 1000;
    assert.ok(Math.abs(wait - expected.seconds) <= 5, `nothing is sent for ${wait} s`);
  });
}

/** The faults that are answered at once. */
const QUICK = Object.keys(FAULTS).filter((fault) => FAULTS[fault] !== null && fault !== "hang");

test("the detail of each fault is whole sentences: what happened, then what to do", async () => {
  const broken = [];
  for (const fault of QUICK) {
    await stage.worker.forget();
    await stage.simulator.fail(fault);
    const { detail, remedy } = JSON.parse(await (await stage.worker.turn("?frame=3")).text());
    const happened = detail.slice(0, -remedy.length).trimEnd();
    const ends = /(?:[^.][.!?]["’”)]?|[…)])$/;
    if (!ends.test(happened) || !ends.test(remedy)) broken.push(`${fault}: ${detail}`);
  }
  assert.deepEqual(broken, []);
});

test("text of X comes short and without what could drive a terminal or turn text round", async () => {
  await stage.simulator.fail("hostile-text");
  const text = await (await stage.worker.turn("?frame=3")).text();
  const { message, detail } = JSON.parse(text);
  assert.ok(message.length < 300, `${message.length} characters`);
  assert.ok(text.length < 2_000);
  assert.doesNotMatch(message + detail, /\p{Cc}/u, "control characters");
  assert.doesNotMatch(
    message + detail,
    /\p{Bidi_Control}/u,
    "characters that change the direction of text",
  );
});

/** The faults after which X has asked to be left alone. */
const PAUSES = Object.keys(FAULTS).filter((fault) =>
  ["rate-limit", "spam-filter"].includes(FAULTS[fault]?.reason),
);

test("after a fault the next turn by hand succeeds", async () => {
  for (const fault of QUICK.filter((name) => !PAUSES.includes(name))) {
    const frame = await otherFrame();
    await stage.simulator.fail(fault);
    assert.notEqual((await stage.worker.turn(`?frame=${frame}&force=true`)).status, 200, fault);
    const next = (frame + 1) % 12;
    assert.equal((await json(await stage.worker.turn(`?frame=${next}`))).outcome, "turned", fault);
    assert.equal(sha256(await stage.simulator.icon()), sha256(stage.set.frames[next]), fault);
  }
});

test("where X asks for a pause the next turn sends nothing and gives the same answer, forced or not", async () => {
  assert.equal(PAUSES.length, 7);
  for (const fault of PAUSES) {
    await stage.worker.forget();
    await stage.simulator.clear();
    await stage.simulator.fail(fault);
    const first = await problem(await stage.worker.turn("?frame=3"), 503);
    await stage.simulator.receivedOne();
    for (const query of ["?frame=3", "?frame=4&force=true", "?force=true"]) {
      const response = await stage.worker.turn(query);
      assert.ok(
        Math.abs(Number(response.headers.get("retry-after")) - FAULTS[fault].seconds) <= 5,
        fault,
      );
      const body = await problem(response, 503);
      for (const name of ["outcome", "reason", "message", "remedy", "retry_at"])
        assert.equal(body[name], first[name], `${fault}: ${name}`);
      assert.equal(body.network_status, null);
    }
    await stage.simulator.receivedOne();
  }
});
