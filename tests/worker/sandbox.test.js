/**
 * Pictures that a decoder fails at: the person gets a sentence, and nobody else notices. What is
 * under way in the same isolate goes on, the next picture is read as if nothing had been, and
 * memory does not grow.
 */
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { scene } from "../command/pictures.js";
import { SECRETS, json, problem, renderedSet, sha256, useStage } from "./harness.js";

const stage = useStage({ wired: true });

const HOUR = 3_600_000;
/** The beginning of an hour far from now; another one each time. */
let hours = 0;
const later = () => Date.UTC(2031, 0, 1) + 48 * HOUR * hours++;

/** An animated WebP in which a frame of no size holds a picture of 16×16. */
const CRASHING = Buffer.from(
  "UklGRmYAAABXRUJQVlA4WAoAAAASAAAAAAAAAAAAQU5JTQYAAAAAAAAAAABBTk1GOgAAAAAAAAAAAAAAAAAAAAAAAABBTFBIAgAAAACAVlA4IBgAAAAwAQCdASoQABAAAUAmJaQAA3AA/vLjAAA=",
  "base64",
);

const put = (picture) => stage.worker.fetch("/icon", { method: "PUT", body: picture, headers: { authorization: `Bearer ${SECRETS.TRIGGER_TOKEN}` } });
const entries = async () => (await json(await stage.worker.journal("?limit=200"))).entries;

test("a picture that the decoder fails at is refused while a turn waits for X, and the turn ends as it should", async () => {
  const at = later();
  await stage.simulator.fail("slow");
  const turn = stage.worker.fire(at);
  while ((await stage.simulator.received()).length === 0) await sleep(20);
  const { detail } = await problem(await put(CRASHING), 422);
  assert.match(detail, /^This .*\. The icon has not been changed\.$/);
  assert.deepEqual(await entries(), [], "the turn was still under way");
  await turn;
  const [entry, ...others] = await entries();
  assert.deepEqual(others, []);
  assert.equal(entry.outcome, "turned");
  const sent = await stage.simulator.received();
  assert.deepEqual(sent.map(({ verdict }) => verdict), ["accepted"]);
  assert.equal((await json(await put(await scene(640, 480).jpeg().toBuffer()))).changed, true);
});
