/**
 * The times of the tests that turn on one network alone, and what each fault of
 * its stand-in has to come to, as a table.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { sha256 } from "./harness.js";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

let days = 0;

/** 09:00 in Tokyo, where frame 9 is due, far from now; two days after the one that was given before. */
export const later = () => Date.UTC(2031, 0, 1 + 2 * days++);

/** The frame that is due in Tokyo. */
export const frameAt = (time) => (Math.floor(time / HOUR) + 9) % 12;

/** Waits, in seconds. Where the network names no time, it is a minute, by up to a fifth shorter or longer. */
const within = (found, expected) => Math.abs(found - expected) <= (expected === 60 ? 16 : 6);

/** What a fault comes to: nothing, since the network's own means get over it. */
export const TURNED = { outcome: "turned" };
/** Another try within the slot; the next slot does not wait for it. */
export const TRANSIENT = { outcome: "retry", reason: "transient", wait: 60 };
/** Nothing for as long as the network has said. */
export const pause = (seconds) => ({ outcome: "retry", reason: "rate-limit", wait: seconds });
/** Nothing before the time by its clock that the network has named. */
export const reset = (seconds) => ({ ...pause(seconds), isByClock: true });
/** The owner has to do something; it is tried again after an hour. */
export const refused = (reason, remedy) => ({ outcome: "refused", reason, wait: 3_600, remedy });

/**
 * Tests each fault of `table` in a turn by cron, at each endpoint that `endpointsOf`
 * names for it: what the turn comes to, in how many attempts, that it is not made
 * again by the same event, that the account is as it was but for the picture, and
 * that the next slot turns.
 *
 * `account` tells of an account what a turn must not change; `before` is called
 * before the turn, and `ahead` tells by how many seconds the network's clock is.
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
  // There before the first test only.
  const stand = () => stage.simulator;
  const cron = (at) => stage.worker.cron(at);
  const sent = async () => (await stand().received(network)).length;
  const shown = async () => sha256(await stand().icon(network));

  test(`every fault of ${network} that the stand-in knows is in the table`, async () => {
    const known = (await stand().knownFaults(network)).map(({ name }) => name);
    assert.deepEqual(Object.keys(table).sort(), known.sort());
  });

  for (const [fault, outcomes] of Object.entries(table)) {
    for (const endpoint of endpointsOf(fault)) {
      const expected = outcomes[endpoint] ?? outcomes;
      test(`${fault} at ${endpoint}: ${expected.outcome}, ${expected.reason ?? "all the same"}`, async () => {
        const at = later();
        await before(endpoint, at - HOUR);
        const kept = await account();
        await stand().clear();
        await stand().fail(fault, 1, { network, endpoint });
        const { level, line } = await cron(at);

        const faults = (await stand().received()).filter((received) => received.fault !== null);
        assert.deepEqual(
          faults.map((received) => [received.network, received.endpoint, received.fault]),
          [[network, endpoint, fault]],
        );
        const { outcome, reason } = line;
        assert.deepEqual(
          [line.network, outcome, reason, line.attempts, line.frame, level],
          [
            network,
            expected.outcome,
            expected.reason,
            1,
            9,
            outcome === "turned" ? "log" : "error",
          ],
          JSON.stringify(line),
        );
        if (expected.wait) {
          const wait = (Date.parse(line.retry_at) - at) / 1000 - (expected.isByClock ? ahead() : 0);
          assert.ok(within(wait, expected.wait), `tried again after ${wait} s`);
          assert.ok(line.message.length < 400 && line.remedy.length > 0, JSON.stringify(line));
          assert.doesNotMatch(line.message + line.remedy, /[\p{Cc}\u202e]/u);
          if (expected.remedy) assert.match(line.remedy, expected.remedy);
        } else {
          assert.ok(!("retry_at" in line));
          assert.equal(await shown(), sha256(stage.set.frames[9]));
        }

        const requests = await sent();
        await stage.worker.fire(at);
        assert.equal(await sent(), requests, "the same event again sends nothing");
        const [entry] = (await (await stage.worker.journal("?limit=1")).json()).entries;
        for (const member of [
          "network",
          "outcome",
          "reason",
          "message",
          "remedy",
          "retry_at",
          "network_status",
          "attempts",
        ]) {
          assert.deepEqual(entry[member], line[member], member);
        }
        assert.deepEqual(await account(), kept, "nothing is lost");

        const next = (await cron(at + HOUR)).line;
        assert.deepEqual(
          [next.outcome, next.attempts, next.frame],
          ["turned", 1, 10],
          JSON.stringify(next),
        );
        assert.equal(await shown(), sha256(stage.set.frames[10]));
        assert.deepEqual(await account(), kept, "nothing is lost");
      });
    }
  }
}
