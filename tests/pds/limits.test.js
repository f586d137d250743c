/**
 * Tests both hosts against the official server with its rate limits, which a self-hosted server
 * does not have by default. The server counts in memory: a restart resets the limits.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { useCommand, useWorker } from "./hosts.js";
import { usePds } from "./pds.js";

const pds = usePds({ env: { PDS_RATE_LIMITS_ENABLED: "true" } });
const MINUTE = 60_000;

/**
 * A turn that has to succeed.
 *
 * @param {import("./hosts.js").Icon} icon
 * @param {number} frame
 */
async function turns(icon, frame) {
  const entry = await icon.turn(frame);
  assert.equal(entry.outcome, "turned", JSON.stringify(entry));
}

for (const [name, host] of /** @type {[string, import("./hosts.js").Host][]} */ ([
  ["the command", await useCommand()],
  ["the Worker", await useWorker(pds)],
])) {
  test(`${name} turns within the limits`, async (t) => {
    const account = await pds.account();
    const icon = await host.open(t, account.settings);
    for (const frame of [3, 4, 3]) await turns(icon, frame);
    assert.ok((await account.profile()).picture.equals(await host.frame(3)));
  });

  test(`${name} leaves a server alone that takes no more sign-ins until it takes some`, async (t) => {
    const account = await pds.account();
    const body = { identifier: account.handle, password: "wrong" };
    const signIn = () => pds.call("POST", "com.atproto.server.createSession", { body });
    for (let n = 0; n < 30; n += 1) assert.equal((await signIn()).status, 401);
    assert.equal((await signIn()).json.error, "RateLimitExceeded");
    const icon = await host.open(t, account.settings);
    const entry = await icon.turn(3);
    assert.deepEqual(
      [entry.outcome, entry.reason, entry.network_status],
      ["retry", "rate-limit", 429],
      JSON.stringify(entry),
    );
    const wait = Date.parse(entry.retry_at) - Date.now();
    assert.ok(wait > 3 * MINUTE && wait <= 5 * MINUTE + 1_000, `${wait} ms`);
    await pds.calls();
    assert.equal((await icon.turn(4)).outcome, "retry");
    assert.deepEqual(await pds.calls(), [], "nothing is sent before that");

    await pds.restart();
    await turns(await host.open(t, account.settings), 3);
  });

  test(`${name} turns to the frames that the server has when it takes no more pictures`, async (t) => {
    const account = await pds.account();
    const icon = await host.open(t, account.settings);
    for (const frame of [3, 4]) await turns(icon, frame);
    /** @param {Buffer} body */
    const call = (body) =>
      pds.call("POST", "com.atproto.repo.uploadBlob", {
        token: account.token,
        body,
        type: "text/plain",
      });
    let status = 200;
    for (let n = 0; status === 200 && n <= 1_000; n += 1)
      ({ status } = await call(Buffer.from(`${n}`)));
    assert.equal(status, 429);
    for (const frame of [3, 4]) {
      await turns(icon, frame);
      assert.ok((await account.profile()).picture.equals(await host.frame(frame)));
    }
    const entry = await icon.turn(5);
    assert.deepEqual([entry.outcome, entry.network_status], ["retry", 429], JSON.stringify(entry));
    // That one frame is missing keeps no other from being shown.
    await turns(icon, 3);

    await pds.restart();
    await turns(icon, 5);
  });
}
