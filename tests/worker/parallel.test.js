/**
 * Tests many requests at once in one Worker: the turns are made one after the other, and each sends
 * its own frame, whole. The frame's bytes are lent from WebAssembly's memory to `fetch`, and that
 * memory grows meanwhile.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { json } from "./harness/assertions.js";
import { frameSet, padPng, pngFrames, sha256 } from "./harness/frames.js";
import { publish } from "./harness/kv.js";
import { useStage } from "./harness/stage.js";

const stage = useStage();

test("turns and frames that are asked for at once each carry their own frame, byte for byte", async () => {
  // As large as frames may be, so that some dozens of them outgrow the memory.
  const set = frameSet(pngFrames(12).map((frame) => padPng(frame, 500_000)));
  await publish(stage.worker.kv, set);
  await stage.simulator.fail("slow", 2);

  const frames = Array.from({ length: 48 }, (_, i) => i % 12);
  /** @param {number} n */
  const get = async (n) =>
    Buffer.from(await (await stage.worker.fetch(`/frames/${n}`)).arrayBuffer());
  const got = Promise.all(frames.map(get));
  const answers = await Promise.all(
    frames.map(async (n) => json(await stage.worker.turn(`?frame=${n}&force=true`))),
  );
  assert.deepEqual(
    answers.map(({ frame, outcome }) => [frame, outcome]),
    frames.map((n) => [n, "turned"]),
  );
  const received = await stage.simulator.received();
  assert.ok(received.every(({ verdict }) => verdict === "accepted"));
  /** @param {string} digest */
  const count = (digest) => received.filter(({ picture }) => picture.sha256 === digest).length;
  assert.deepEqual(
    set.frames.map((frame) => count(sha256(frame))),
    Array(12).fill(4),
  );
  for (const [i, frame] of (await got).entries()) {
    assert.ok(frame.equals(set.frames[frames[i]]), `frame ${frames[i]} as it was given`);
  }
});
