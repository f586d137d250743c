/**
 * Tests that `render` ends soon for every file, with frames or with a sentence, and makes the right
 * frames of what phones, cameras and screens make.
 */
import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import test from "node:test";
import { hostileFiles } from "../pictures/hostile.js";
import { CORNERS, READ, REAL, realFile } from "../pictures/real.js";
import { rotateIcon, temporaryFolder } from "./command.js";
import { SIZE, expectedIcon, isNear, pixelAt, pixels, render } from "./pictures.js";

/** How long a file may take, in ms, with a debug build on a busy machine. */
const LONGEST_MS = 20_000;

/** A refusal: one sentence that says what to do next. */
const SENTENCE = /^rotate-icon: .*this [^\n]*(?:; (?:save|make|convert|take)|no pixels)[^\n]*\n$/;

const hostile = await hostileFiles();

for (const kind of new Set([...hostile.keys()].map((name) => name.split(": ")[0]))) {
  test(`each hostile file ends in frames or in a sentence: ${kind}`, async (t) => {
    const folder = await temporaryFolder(t);
    const waiting = [...hostile].filter(([name]) => name.startsWith(`${kind}: `));
    /** @type {string[]} */
    const wrong = [];
    /** @param {number} number */
    const renderNext = async (number) => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [name, file] = next;
        const [picture, out] = [`picture${number}`, `out${number}`].map((part) =>
          path.join(folder, part),
        );
        await writeFile(picture, file);
        const started = Date.now();
        const { status, stderr } = await rotateIcon([
          "render",
          picture,
          "--frames",
          "1",
          "--out",
          out,
        ]);
        const ms = Date.now() - started;
        const ended = status === 0 ? stderr === "" : status === 1 && SENTENCE.test(stderr);
        if (!ended || ms > LONGEST_MS) wrong.push(`${name}: ${status} after ${ms} ms: ${stderr}`);
      }
    };
    await Promise.all([1, 2].map(renderNext));
    assert.deepEqual(wrong, []);
  });
}

/**
 * Returns the colour in each corner of a square picture.
 *
 * @param {Buffer} data
 * @returns {Record<string, number[]>}
 */
function cornersOf(data) {
  const [near, far] = [SIZE / 8, SIZE - SIZE / 8];
  return {
    topLeft: pixelAt(data, near, near),
    topRight: pixelAt(data, far, near),
    bottomLeft: pixelAt(data, near, far),
    bottomRight: pixelAt(data, far, far),
  };
}

for (const [name, { corners: known = CORNERS, tolerance = 12 }] of Object.entries(REAL)) {
  test(`the right way up and in its colours: ${name}`, async (t) => {
    const file = await realFile(name);
    const corners = known === READ ? cornersOf(await expectedIcon(file)) : known;
    const { frames } = await render(t, file, "--frames", "4");
    // Frame 1 is turned clockwise by a quarter.
    const [upright, turned] = await Promise.all(
      frames.slice(0, 2).map(async (frame) => cornersOf(await pixels(frame))),
    );
    const expected = [
      corners,
      {
        topLeft: corners.bottomLeft,
        topRight: corners.topLeft,
        bottomLeft: corners.bottomRight,
        bottomRight: corners.topRight,
      },
    ];
    for (const [i, shown] of [upright, turned].entries()) {
      for (const [corner, colour] of Object.entries(expected[i])) {
        assert.ok(
          isNear(shown[corner], colour, tolerance),
          `frame ${i}, ${corner}: ${shown[corner]} and not ${colour}`,
        );
      }
    }
  });
}

test("what is refused leaves nothing behind", async (t) => {
  const folder = await temporaryFolder(t);
  const picture = path.join(folder, "picture");
  for (const name of [
    "JPEG: 65535² and no data",
    "PNG: two headers",
    "GIF: codes of 0 bits",
    "WebP: no picture",
  ]) {
    await writeFile(picture, hostile.get(name) ?? assert.fail(name));
    const { status } = await rotateIcon(["render", picture, "--out", path.join(folder, "out")]);
    assert.equal(status, 1, name);
    assert.deepEqual(await readdir(folder), ["picture"], name);
  }
});
