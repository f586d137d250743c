/** What each fault of a network has to lead to, as a table that tests run through. */
import assert from "node:assert/strict";
import test from "node:test";
import { HOUR, later } from "./clock.js";
import { sha256 } from "./frames.js";

/**
 * What a turn leads to.
 *
 * @typedef {object} Expected
 * @property {"turned" | "retry" | "refused"} outcome
 * @property {string} [reason]
 * @property {number} [wait] until the next attempt, in seconds
 * @property {boolean} [isByClock] whether the network names a time by its own clock
 * @property {RegExp} [remedy]
 */

/** The turn succeeds: the network's own retries are enough. @type {Expected} */
export const TURNED = { outcome: "turned" };

/** Another attempt within the slot; the next slot does not wait for it. @type {Expected} */
export const TRANSIENT = { outcome: "retry", reason: "transient", wait: 60 };

/**
 * No attempt for as long as the network has said.
 *
 * @param {number} seconds
 * @returns {Expected}
 */
export const pause = (seconds) => ({ outcome: "retry", reason: "rate-limit", wait: seconds });

/**
 * No attempt before the time that the network has named, by its clock.
 *
 * @param {number} seconds
 * @returns {Expected}
 */
export const reset = (seconds) => ({ ...pause(seconds), isByClock: true });

/**
 * The owner has to act; the next attempt is in an hour.
 *
 * @param {string} reason
 * @param {RegExp} [remedy]
 * @returns {Expected}
 */
export const refused = (reason, remedy) => ({ outcome: "refused", reason, wait: 3_600, remedy });

/**
 * Whether a wait is as expected, in seconds. Where the network names no time it is a minute, plus
 * or minus up to a fifth.
 *
 * @param {number} found
 * @param {number} expected
 */
const isAbout = (found, expected) => Math.abs(found - expected) <= (expected === 60 ? 16 : 6);

/** What a log line and a journal entry have in common. */
const SHARED = [
  ...["network", "outcome", "reason", "message"],
  ...["remedy", "retry_at", "network_status", "attempts"],
];

/**
 * Tests each fault of `table` in a turn by cron, at each endpoint that `endpointsOf` returns for
 * it: the outcome and the number of attempts, that the same event sends nothing again, that the
 * turn changes nothing of the account but its picture, and that the next slot's turn succeeds.
 *
 * @param {object} options
 * @param {import("./stage.js").Stage<import("./dev-server.js").DevServerWorker>} options.stage
 * @param {import("./simulator.js").Network} options.network
 * @param {Record<string, any>} options.table `Expected` by fault, or by fault and endpoint
 * @param {(fault: string) => string[]} options.endpointsOf
 * @param {() => unknown} options.account what a turn must not change about the account
 * @param {(endpoint: string, at: number) => unknown} options.before called before the turn
 * @param {() => number} [options.ahead] how far the network's clock is ahead, in seconds
 */
export function testFaults({
  stage,
  network,
  table,
  endpointsOf,
  account,
  before,
  ahead = () => 0,
}) {
  test(`every fault of ${network} that the stand-in knows is in the table`, async () => {
    const known = (await stage.simulator.knownFaults(network)).map(({ name }) => name);
    assert.deepEqual(Object.keys(table).sort(), known.sort());
  });

  for (const [fault, outcomes] of Object.entries(table)) {
    for (const endpoint of endpointsOf(fault)) {
      /** @type {Expected} */
      const expected = outcomes[endpoint] ?? outcomes;
      test(`${fault} at ${endpoint}: ${expected.outcome}, ${expected.reason ?? "all the same"}`, async () => {
        const at = later();
        await before(endpoint, at - HOUR);
        const unchanged = await account();
        await stage.simulator.clear();
        await stage.simulator.fail(fault, 1, { network, endpoint });
        const logged = await stage.worker.cron(at);

        await assertFailedOnce(stage, network, endpoint, fault);
        assertOutcome(logged, network, expected, at + (expected.isByClock ? ahead() * 1000 : 0));
        if (!expected.wait) await assertShows(stage, network, 9);

        await assertRecordedOnce(stage, network, logged.line, at);
        assert.deepEqual(await account(), unchanged, "nothing is lost");

        const next = (await stage.worker.cron(at + HOUR)).line;
        assert.deepEqual(
          [next.outcome, next.attempts, next.frame],
          ["turned", 1, 10],
          JSON.stringify(next),
        );
        await assertShows(stage, network, 10);
        assert.deepEqual(await account(), unchanged, "nothing is lost");
      });
    }
  }
}

/** @typedef {import("./stage.js").Stage<import("./dev-server.js").DevServerWorker>} Stage */

/**
 * Asserts that the fault hit one request, at this endpoint.
 *
 * @param {Stage} stage
 * @param {string} network
 * @param {string} endpoint
 * @param {string} fault
 */
async function assertFailedOnce(stage, network, endpoint, fault) {
  const failed = (await stage.simulator.received()).filter((request) => request.fault !== null);
  assert.deepEqual(
    failed.map((request) => [request.network, request.endpoint, request.fault]),
    [[network, endpoint, fault]],
  );
}

/**
 * Asserts what is logged of a turn of frame 9.
 *
 * @param {import("./assertions.js").Logged} logged
 * @param {string} network
 * @param {Expected} expected
 * @param {number} from what the expected wait counts from, in Unix ms
 */
function assertOutcome({ level, line }, network, expected, from) {
  assert.deepEqual(
    [line.network, line.outcome, line.reason, line.attempts, line.frame, level],
    [
      network,
      expected.outcome,
      expected.reason,
      1,
      9,
      expected.outcome === "turned" ? "log" : "error",
    ],
    JSON.stringify(line),
  );
  if (!expected.wait) {
    assert.ok(!("retry_at" in line));
    return;
  }
  const wait = (Date.parse(line.retry_at) - from) / 1000;
  assert.ok(isAbout(wait, expected.wait), `tried again after ${wait} s`);
  assert.ok(line.message.length < 400 && line.remedy.length > 0, JSON.stringify(line));
  assert.doesNotMatch(line.message + line.remedy, /[\p{Cc}\u202e]/u);
  if (expected.remedy) assert.match(line.remedy, expected.remedy);
}

/**
 * Asserts that the account's picture is this frame.
 *
 * @param {Stage} stage
 * @param {import("./simulator.js").Network} network
 * @param {number} frame
 */
async function assertShows(stage, network, frame) {
  assert.equal(sha256(await stage.simulator.icon(network)), sha256(stage.set.frames[frame]));
}

/**
 * Asserts that the same event sends nothing again, and that the journal has what was logged.
 *
 * @param {Stage} stage
 * @param {import("./simulator.js").Network} network
 * @param {any} line
 * @param {number} at the event's time, in Unix ms
 */
async function assertRecordedOnce(stage, network, line, at) {
  const sent = (await stage.simulator.received(network)).length;
  await stage.worker.fire(at);
  const { length } = await stage.simulator.received(network);
  assert.equal(length, sent, "the same event again sends nothing");
  const [entry] = (await (await stage.worker.journal("?limit=1")).json()).entries;
  for (const member of SHARED) assert.deepEqual(entry[member], line[member], member);
}
