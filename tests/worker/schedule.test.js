/**
 * Tests, by the real clock, slots that no event of the Cron Trigger begins: in zones off the hour,
 * and for sets with more frames than the cron has events.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { json } from "./harness/assertions.js";
import { DevServerWorker } from "./harness/dev-server.js";
import { frameSet, pngFrames, sha256 } from "./harness/frames.js";
import { useStage } from "./harness/stage.js";

const stage = useStage();

/** Reads from the page when the next turn is, and in which words. */
async function nextOnPage() {
  const page = await (await stage.worker.fetch("/")).text();
  const [, words, at] = /<p class="next">([^<]*)<time id="next" datetime="([^"]*)"/.exec(page);
  return { words: words.trim(), at: new Date(at) };
}

test("in a zone that is half an hour off, the page promises the half hour once a cron has fired", async () => {
  await stage.worker.configure({ vars: { TIME_ZONE: "Asia/Kolkata" } });
  const before = await nextOnPage();
  assert.deepEqual([before.words, before.at.getUTCMinutes()], ["The next frame is due at", 30]);
  await stage.worker.cron(Date.now(), "0 * * * *");
  const after = await nextOnPage();
  assert.deepEqual([after.words, after.at.getUTCMinutes()], ["Next turn at", 30]);
  assert.ok(
    after.at.getTime() > Date.now() && after.at.getTime() - Date.now() <= 3_600_000,
    `${after.at}`,
  );
});

test("a slot that no event of the cron begins has its turn at its start, as the schedule's", async (t) => {
  // A frame a minute; the cron comes once an hour. The alarm needs workerd's own network.
  const set = frameSet(pngFrames(60));
  const worker = await DevServerWorker.start(stage.simulator, set, {
    vars: { TIME_ZONE: "Asia/Kolkata", PERIOD: "1h" },
  });
  t.after(() => worker.close());
  await worker.fire(Date.now(), "0 * * * *");
  await stage.simulator.clear();
  const start = (Math.floor(Date.now() / 60_000) + 1) * 60_000;
  await sleep(start - Date.now() + 500);
  let received = [];
  for (let waited = 0; waited < 20_000 && received.length === 0; waited += 100) {
    await sleep(100);
    received = await stage.simulator.received();
  }
  assert.equal(received.length, 1, JSON.stringify(worker.logs()));
  const n = (new Date(start).getUTCMinutes() + 30) % 60;
  assert.equal(received[0].picture.sha256, sha256(set.frames[n]));
  assert.equal(received[0].verdict, "accepted", received[0].explanation);
  const { entries } = await json(await worker.journal());
  const [{ trigger, frame, outcome, attempts, scheduled_at: at }] = entries;
  assert.deepEqual([trigger, frame, outcome, attempts], ["cron", n, "turned", 1]);
  assert.ok(
    Math.abs(Date.parse(at) - start) < 10_000,
    `${at} for ${new Date(start).toISOString()}`,
  );
});
