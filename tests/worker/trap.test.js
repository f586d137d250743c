/** A decoder that fails at every picture: the owner gets a sentence, and a waiting turn goes on. */
import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { scene } from "../command/pictures.js";
import { json, problem } from "./harness/assertions.js";
import { useDecoder } from "./harness/bundle.js";
import { decoderWasm } from "./harness/decoders.js";
import { sha256 } from "./harness/frames.js";
import { SECRETS } from "./harness/secrets.js";
import { useDevServerStage } from "./harness/stage.js";

await useDecoder(decoderWasm({ square: "unreachable" }));
const stage = useDevServerStage();

const authorization = `Bearer ${SECRETS.TRIGGER_TOKEN}`;
const picture = await scene(640, 480).jpeg().toBuffer();

test("a picture that the decoder fails at is refused while a turn waits for X, and the turn ends once, recorded", async () => {
  const frame = sha256(stage.set.frames[9]);
  const entries = async () => (await json(await stage.worker.journal("?limit=200"))).entries;
  await stage.simulator.fail("slow");
  const turn = stage.worker.fire(Date.UTC(2031, 0, 1));
  while ((await stage.simulator.received()).length === 0) await sleep(20);
  for (let upload = 0; upload < 3; upload += 1) {
    const response = await stage.worker.fetch("/icon", {
      method: "PUT",
      body: picture,
      headers: { authorization },
    });
    const { detail } = await problem(response, 422);
    assert.match(detail, /^This picture cannot be decoded: .*\. The icon has not been changed\.$/);
  }
  assert.deepEqual(await entries(), [], "the turn was still under way");
  await turn;
  const [entry, ...others] = await entries();
  assert.deepEqual(others, []);
  assert.equal(entry.outcome, "turned");
  const sent = await stage.simulator.received();
  assert.deepEqual(
    sent.map(({ verdict, picture: it }) => [verdict, it.sha256]),
    [["accepted", frame]],
  );
});
