/**
 * Tests that whatever file is uploaded, the Worker answers with a documented status and goes on,
 * unnoticed by others; and that it accepts what phones, cameras and screens make.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { hostileFiles } from "../pictures/hostile.js";
import { REAL, realFile } from "../pictures/real.js";
import { json } from "./harness/assertions.js";
import { renderedSet } from "./harness/frames.js";
import { useStage } from "./harness/stage.js";

const stage = useStage();

/** How long a file may take, in ms, on a busy machine: a Worker has 30 s of CPU time by default. */
const LONGEST_MS = 30_000;

const hostile = await hostileFiles();

/** @param {number} n */
async function frame(n) {
  const response = await stage.worker.fetch(`/frames/${n}`);
  const body = Buffer.from(await response.arrayBuffer());
  assert.equal(response.status, 200, body.toString());
  return body;
}

for (const kind of new Set([...hostile.keys()].map((name) => name.split(": ")[0]))) {
  test(`each hostile file is taken or refused, and the Worker goes on: ${kind}`, {
    timeout: 15 * 60_000,
  }, async () => {
    const wrong = [];
    for (const [name, file] of hostile) {
      if (!name.startsWith(`${kind}: `)) continue;
      const started = Date.now();
      const response = await stage.worker.putIcon(file);
      const ms = Date.now() - started;
      const body = await response.text();
      if (process.env.SHOW_TIMES)
        console.log(
          `${response.status} ${ms} ms ${name}: ${response.status === 200 ? "" : JSON.parse(body).detail}`,
        );
      if (ms > LONGEST_MS) wrong.push(`${name}: ${ms} ms`);
      if (![200, 413, 415, 422].includes(response.status))
        wrong.push(`${name}: ${response.status} ${body}`);
      // One sentence that says what happened, what to do, and that nothing did.
      else if (
        response.status !== 200 &&
        !/^[A-Z][^\n]+ The icon has not been changed\.$/.test(JSON.parse(body).detail)
      )
        wrong.push(`${name}: ${body}`);
      await frame(0);
    }
    assert.deepEqual(wrong, []);
  });
}

for (const name of Object.keys(REAL)) {
  test(`is taken, and its frames are the command's: ${name}`, { timeout: 5 * 60_000 }, async () => {
    const file = await realFile(name);
    const response = await stage.worker.putIcon(file);
    await json(response);
    const native = await renderedSet(file);
    assert.equal(JSON.parse(await stage.worker.kv.get("current")).id, native.id);
    // A quarter turn, and one that is not.
    for (const n of [3, 1]) assert.ok((await frame(n)).equals(native.frames[n]), `frame ${n}`);
  });
}
