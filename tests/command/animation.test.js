/** Tests `--from-animation`: the pictures of an animated GIF as frames. */
import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import test from "node:test";
import sharp from "sharp";
import { rotateIcon, sampleIcon, temporaryFolder } from "./command.js";
import { isNear, meanDifference, pixelAt, pixels, render, scene } from "./pictures.js";

/** @param {number} number */
const u16 = (number) => [number & 255, number >> 8];

/**
 * Bits as a GIF has them: codes of a growing or fixed length, the lowest bit first.
 *
 * @param {{ code: number, length: number }[]} codes
 */
function packed(codes) {
  const bytes = [];
  let [bits, count] = [0, 0];
  for (const { code, length } of codes) {
    bits |= code << count;
    count += length;
    for (; count >= 8; count -= 8, bits >>= 8) bytes.push(bits & 255);
  }
  return count > 0 ? [...bytes, bits] : bytes;
}

/**
 * A picture of one colour.
 *
 * @typedef {object} Frame
 * @property {number} [delay] in hundredths of a second
 * @property {number} [left]
 * @property {number} [top]
 * @property {number} width
 * @property {number} height
 * @property {number} colour of the palette
 * @property {number} [disposal]
 * @property {number} [transparent] a colour of the palette
 */

/**
 * Writes a picture, uncompressed: with a clear code before every two pixels.
 *
 * @param {Frame} frame
 */
function gifPicture({
  delay = 10,
  left = 0,
  top = 0,
  width,
  height,
  colour,
  disposal = 1,
  transparent,
}) {
  /** @type {{ code: number, length: number }[]} */
  const codes = [];
  for (let i = 0; i < width * height; i++) {
    if (i % 2 === 0) codes.push({ code: 8, length: 4 });
    codes.push({ code: colour, length: 4 });
  }
  codes.push({ code: 9, length: 4 });
  const data = packed(codes);
  const blocks = [];
  for (let i = 0; i < data.length; i += 255) {
    const block = data.slice(i, i + 255);
    blocks.push(block.length, ...block);
  }
  const flags = (disposal << 2) | (transparent === undefined ? 0 : 1);
  return [
    0x21,
    0xf9,
    4,
    flags,
    ...u16(delay),
    transparent ?? 0,
    0,
    0x2c,
    ...[left, top, width, height].flatMap(u16),
    0,
    3,
    ...blocks,
    0,
  ];
}

/** Eight colours. */
const palette = [
  "#000000",
  "#c00000",
  "#00c000",
  "#0000c0",
  "#c0c000",
  "#c000c0",
  "#00c0c0",
  "#ffffff",
].map((colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));

/**
 * A GIF file made by hand, so that nothing about it is chosen by a library.
 *
 * @param {number} width
 * @param {number} height
 * @param {Frame[]} pictures
 */
const gif = (width, height, pictures) =>
  Buffer.from([
    ...Buffer.from("GIF89a"),
    ...u16(width),
    ...u16(height),
    0x82,
    0,
    0,
    ...palette.flat(),
    ...pictures.flatMap(gifPicture),
    0x3b,
  ]);

/**
 * A GIF whose pictures are of one colour each, with these delays.
 *
 * @param {number[]} delays
 */
const flashes = (delays) =>
  /**
   * @param {number} delay
   * @param {number} i
   */
  gif(
    8,
    8,
    delays.map((delay, i) => ({ delay, width: 8, height: 8, colour: i + 1 })),
  );

/**
 * Which colours of the palette the frames show.
 *
 * @param {Buffer[]} frames
 */
async function coloursOf(frames) {
  const colours = [];
  for (const frame of frames) {
    const pixel = pixelAt(await pixels(frame), 200, 200);
    colours.push(palette.findIndex((colour) => isNear(colour, pixel)));
  }
  return colours;
}

test("a frame is what is seen at its part of the duration", async (t) => {
  for (const [delays, frames, expected] of /** @type {[number[], number, number[]][]} */ ([
    [[10, 10, 10], 3, [1, 2, 3]],
    [[10, 10, 10], 6, [1, 1, 2, 2, 3, 3]],
    [[10, 10, 10, 10], 2, [1, 3]],
    // What lasts longer is in more frames.
    [[30, 10, 60], 10, [1, 1, 1, 2, 3, 3, 3, 3, 3, 3]],
    [[50, 3, 50], 2, [1, 2]],
    [[54, 3, 50], 2, [1, 1]],
    // 0 and 1 hundredths are shown for 10, 2 for 2.
    [[0, 20, 1], 4, [1, 2, 2, 3]],
    [[2, 2, 4], 4, [1, 2, 3, 3]],
    [[100, 1], 1, [1]],
  ])) {
    const file = flashes(delays);
    const made = await render(t, file, "--from-animation", "--frames", String(frames));
    assert.deepEqual(await coloursOf(made.frames), expected, `delays ${delays}`);
    assert.equal(made.set.frames, frames);
    assert.deepEqual(Object.keys(made.set).sort(), ["frames", "id", "media_type"]);
    assert.ok(!made.values.has(`sets/${made.set.id}/icon`));
  }
});

test("there are twelve frames if nothing is said, and the same one twice if need be", async (t) => {
  const { frames } = await render(t, flashes([10, 10]), "--from-animation");
  assert.deepEqual(await coloursOf(frames), [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2]);
  assert.ok(frames[0].equals(frames[5]));
  const all = await render(t, flashes([10, 20, 30]), "--from-animation", "--frames", "1440");
  assert.equal(all.frames.length, 1440);
  assert.deepEqual(
    await coloursOf([239, 240, 719, 720, 1439].map((n) => all.frames[n])),
    [1, 2, 2, 3, 3],
  );
});

test("pictures are laid on each other as their disposal says", async (t) => {
  const ground = { width: 32, height: 32, colour: 1 };
  /** @param {number} disposal */
  const corner = (disposal) => ({ left: 16, top: 16, width: 16, height: 16, colour: 2, disposal });
  const other = { left: 0, top: 0, width: 16, height: 16, colour: 3 };
  for (const [disposal, after] of /** @type {[number, number[]][]} */ ([
    [0, palette[2]],
    [1, palette[2]],
    [2, [255, 255, 255]],
    [3, palette[1]],
  ])) {
    const file = gif(32, 32, [ground, corner(disposal), other]);
    const { frames } = await render(t, file, "--from-animation", "--frames", "3");
    const [, second, third] = await Promise.all(frames.map((frame) => pixels(frame)));
    assert.ok(
      isNear(pixelAt(second, 300, 300), palette[2]) &&
        isNear(pixelAt(second, 100, 100), palette[1]),
    );
    assert.ok(
      isNear(pixelAt(third, 300, 300), after),
      `disposal ${disposal}: ${pixelAt(third, 300, 300)}`,
    );
    assert.ok(isNear(pixelAt(third, 100, 100), palette[3]));
  }
});

test("what stays transparent shows the background", async (t) => {
  const file = gif(8, 8, [
    { width: 4, height: 8, colour: 1 },
    { width: 4, height: 8, colour: 2, transparent: 2 },
  ]);
  const { frames } = await render(
    t,
    file,
    "--from-animation",
    "--frames",
    "2",
    "--background",
    "00c0c0",
  );
  for (const frame of frames) {
    const data = await pixels(frame);
    assert.ok(isNear(pixelAt(data, 100, 200), palette[1]));
    assert.ok(isNear(pixelAt(data, 300, 200), palette[6]));
  }
});

test("an animation by sharp is shown as sharp reads it", async (t) => {
  const pictures = await Promise.all(
    [0, 60, 120, 180, 240].map((hue) =>
      scene(300, 200).modulate({ hue }).removeAlpha().png().toBuffer(),
    ),
  );
  const delay = [70, 200, 30, 400, 100];
  const file = await sharp(pictures, { join: { animated: true } })
    .gif({ delay, loop: 0 })
    .toBuffer();
  assert.deepEqual((await sharp(file, { animated: true }).metadata()).delay, delay);
  const { frames } = await render(t, file, "--from-animation", "--frames", "8");
  const seen = [0, 1, 1, 3, 3, 3, 3, 4];
  for (const [n, frame] of frames.entries()) {
    const page = await sharp(file, { page: seen[n] })
      .resize(400, 400, { kernel: "lanczos3" })
      .png()
      .toBuffer();
    const difference = meanDifference(await pixels(frame), await pixels(page));
    assert.ok(difference < 3, `frame ${n}: ${difference.toFixed(2)} from sharp's on average`);
  }
});

test("an animation, its icon and an album of it are sets of their own", async (t) => {
  const file = flashes([10, 10]);
  const folder = await temporaryFolder(t);
  await writeFile(path.join(folder, "1.gif"), file);
  const ids = [
    (await render(t, file, "--from-animation", "--frames", "1")).set.id,
    (await render(t, file, "--from-animation", "--frames", "2")).set.id,
    (await render(t, file, "--frames", "1")).set.id,
    (await render(t, ["--album", folder])).set.id,
  ];
  assert.equal(new Set(ids).size, 4);
});

test("what is no animation, or too much of one, is one clear line", async (t) => {
  const folder = await temporaryFolder(t);
  const bomb = Buffer.from(flashes([10, 10]));
  bomb.writeUInt16LE(65535, 6);
  bomb.writeUInt16LE(65535, 8);
  const inside = gif(8, 8, [
    { width: 8, height: 8, colour: 1 },
    { width: 8, height: 8, colour: 2 },
  ]);
  // The size of the second picture, not of the canvas.
  const second = inside.lastIndexOf(Buffer.from([0x2c, 0, 0, 0, 0]));
  inside.writeUInt16LE(65535, second + 5);
  inside.writeUInt16LE(65535, second + 7);
  const tiny = { width: 1, height: 1, colour: 1 };
  const large = gif(8000, 8000, Array(100).fill(tiny));
  for (const [name, content, message] of /** @type {[string, string | Buffer, RegExp][]} */ ([
    ["one.gif", flashes([10]), /one picture and is no animation; leave --from-animation out/],
    ["none.gif", gif(8, 8, []), /GIF/],
    ["cut.gif", flashes([10, 10]).subarray(0, 140), /this GIF file is broken/],
    ["header.gif", flashes([10, 10]).subarray(0, 10), /this GIF file is broken/],
    ["bomb.gif", bomb, /65535×65535 pixels takes \d+ MB .* 1000 MB is the limit/],
    ["inside.gif", inside, /65535×65535 pixels takes \d+ MB .* 1000 MB is the limit/],
    ["many.gif", gif(1, 1, Array(10_001).fill(tiny)), /more than 10000 pictures/],
    ["large.gif", large, /more than 5000 million pixels/],
    ["text.gif", "this is no picture", /takes an animated GIF/],
    ["empty.gif", "", /takes an animated GIF/],
    ["icon.png", sampleIcon, /takes an animated GIF/],
  ])) {
    const file = name === "icon.png" ? sampleIcon : path.join(folder, name);
    if (file !== sampleIcon) await writeFile(file, content);
    const out = path.join(folder, "out");
    const started = Date.now();
    const { status, stderr } = await rotateIcon(["render", file, "--from-animation", "--out", out]);
    assert.equal(status, 1, `${name}: ${stderr}`);
    assert.match(stderr, message);
    assert.ok(stderr.includes(name), stderr);
    assert.equal(stderr.trim().split("\n").length, 1, stderr);
    assert.ok(Date.now() - started < 5000, `${name} is refused before it is decoded`);
    await assert.rejects(readdir(out), { code: "ENOENT" });
  }
});

test("ten thousand pictures are not too many", async (t) => {
  const pictures = Array.from({ length: 10_000 }, (_, i) => ({
    width: 1,
    height: 1,
    colour: i < 5000 ? 1 : 2,
  }));
  const { frames } = await render(t, gif(1, 1, pictures), "--from-animation", "--frames", "4");
  assert.deepEqual(await coloursOf(frames), [1, 1, 2, 2]);
});
