/**
 * Tests the two versions of X's API: which one a turn uses, that it remembers it, and what the
 * owner reads when X accepts the picture by neither. Uses workerd's own network.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { json, problem } from "./harness/assertions.js";
import { frameAt, HOUR, later } from "./harness/clock.js";
import { sha256 } from "./harness/frames.js";
import { useDevServerStage } from "./harness/stage.js";

const stage = useDevServerStage();

const V1 = "account/update_profile_image";
const UPLOAD = "2/media/upload";
const SET = "2/users/me/profile_image";

/** The endpoints that were asked since the last `clear`, in order. */
const asked = async () => (await stage.simulator.received()).map(({ endpoint }) => endpoint);

/**
 * Has a fault come up at an endpoint until all are cleared.
 *
 * @param {string} fault
 * @param {string} endpoint
 */
const close = (fault, endpoint) => stage.simulator.fail(fault, null, { endpoint });

/**
 * Lets the cron come, which has to turn, by these requests; gives its entry.
 *
 * @param {number} at
 * @param {string[]} endpoints
 */
async function turns(at, ...endpoints) {
  const before = (await asked()).length;
  const { line } = await stage.worker.cron(at);
  assert.deepEqual(
    [line.network, line.outcome, line.network_status],
    ["x", "turned", 200],
    JSON.stringify(line),
  );
  assert.deepEqual((await asked()).slice(before), endpoints);
  assert.equal(sha256(await stage.simulator.icon()), sha256(stage.set.frames[frameAt(at)]));
  return line;
}

test("where v1.1 is open, v2 is never asked", async () => {
  const at = later();
  for (const hours of [0, 1]) assert.ok(!("note" in (await turns(at + hours * HOUR, V1))));
});

for (const fault of ["access-tier", "no-such-page", "retired-endpoint", "client-forbidden"]) {
  test(`${fault}: the picture goes by v2, which is told, and tried first from then on`, async () => {
    const at = later();
    await close(fault, V1);
    const line = await turns(at, V1, UPLOAD, SET);
    assert.match(line.note, /X answered 4\d\d.*tried first from now on/);
    const [entry] = (await json(await stage.worker.journal("?limit=1"))).entries;
    assert.equal(entry.note, line.note);
    assert.ok(!("note" in (await turns(at + HOUR, UPLOAD, SET))));
    assert.equal((await json(await stage.worker.turn("?frame=3"))).outcome, "turned");
    // Now v2 is closed, and v1.1 open again.
    await stage.simulator.clear();
    await close("nothing-here", UPLOAD);
    assert.match((await turns(at + 2 * HOUR, UPLOAD, V1)).note, /X answered 404/);
    await turns(at + 3 * HOUR, V1);
  });
}

test("where X takes no OAuth 1.0a for the second call, the owner reads that with both answers", async () => {
  const at = later();
  await close("access-tier", V1);
  await close("oauth1-forbidden", SET);
  const { line } = await stage.worker.cron(at);
  assert.deepEqual(
    [line.outcome, line.reason, line.network_status],
    ["refused", "access", 403],
    JSON.stringify(line),
  );
  assert.match(
    line.message,
    /^X answered 403, code 453: .*; and by API v2, X answered 403: Authenticating with OAuth 1\.0a User Context is forbidden/,
  );
  assert.match(line.remedy, /X does not take OAuth 1\.0a.*OAuth 2\.0.*only API v1\.1 is left/);
  const body = await problem(await stage.worker.turn("?frame=3"), 502);
  assert.equal(body.message, line.message);
  // What comes by itself is left alone for a while, and told so.
  assert.ok(line.remedy.startsWith(body.remedy), line.remedy);
  const page = await (await stage.worker.fetch("/")).text();
  assert.match(page, /OAuth 1\.0a/);
  // As soon as X takes it, the picture goes that way.
  await stage.simulator.clear();
  await close("access-tier", V1);
  assert.equal((await json(await stage.worker.turn("?frame=3"))).outcome, "turned");
});

test("an answer of 401 to the second call after an upload that was taken is no fault of the keys", async () => {
  await close("access-tier", V1);
  await close("unauthorized", SET);
  const body = await problem(await stage.worker.turn("?frame=3"), 502);
  assert.deepEqual([body.reason, body.network_status], ["access", 401]);
  assert.match(body.message, /453.*X answered 401: Unauthorized/);
  assert.match(body.remedy, /OAuth 1\.0a/);
});

test("credits that are used up are told as that, and are not asked for by the other way", async () => {
  await close("credits-depleted", V1);
  const body = await problem(await stage.worker.turn("?frame=3"), 502);
  assert.match(body.remedy, /credits.*used up/);
  assert.deepEqual(await asked(), [V1]);
});

test("a picture that was uploaded is set by the next try, and uploaded again once X has forgotten it", async (t) => {
  t.after(() => stage.worker.restart({}));
  await stage.worker.restart({ vars: { X_API: "2" } });
  const at = later();
  await stage.simulator.fail("over-capacity", 1, { endpoint: SET });
  const { line } = await stage.worker.cron(at);
  assert.deepEqual([line.outcome, line.reason], ["retry", "transient"], JSON.stringify(line));
  assert.deepEqual(await asked(), [UPLOAD, SET]);
  const frame = frameAt(at);
  assert.equal((await json(await stage.worker.turn(`?frame=${frame}`))).outcome, "turned");
  assert.deepEqual(await asked(), [UPLOAD, SET, SET]);

  await stage.simulator.clear();
  await stage.simulator.fail("over-capacity", 1, { endpoint: SET });
  await problem(await stage.worker.turn("?frame=4"), 503);
  await stage.simulator.forgetUploads();
  assert.equal((await json(await stage.worker.turn("?frame=4"))).outcome, "turned");
  assert.deepEqual(await asked(), [UPLOAD, SET, SET, UPLOAD, SET]);
  assert.deepEqual(await stage.simulator.icon(), stage.set.frames[4]);
});

for (const [version, faults, endpoints] of /** @type {[string, string[], string[]][]} */ ([
  ["1.1", ["access-tier", "no-such-page", "retired-endpoint"], [V1]],
  ["2", ["access-tier", "nothing-here", "client-forbidden"], [UPLOAD]],
])) {
  test(`with X_API ${version}, the other version is not asked`, async (t) => {
    t.after(() => stage.worker.restart({}));
    await stage.worker.restart({ vars: { X_API: version } });
    assert.equal((await json(await stage.worker.turn("?frame=3"))).outcome, "turned");
    for (const fault of faults) {
      await stage.simulator.clear();
      await close(fault, endpoints[0]);
      const { outcome, network_status } = await problem(
        await stage.worker.turn("?frame=5&force=true"),
        502,
      );
      assert.equal(outcome, "refused");
      assert.ok(network_status >= 400);
      assert.deepEqual(await asked(), endpoints, fault);
    }
  });
}

test("an X_API that is none is named, with what it may be", async (t) => {
  t.after(() => stage.worker.restart({}));
  await stage.worker.restart({ vars: { X_API: "3" } });
  const { invalid } = await problem(await stage.worker.fetch("/health"), 503);
  assert.deepEqual(
    invalid.map(({ name }) => name),
    ["X_API"],
  );
});
