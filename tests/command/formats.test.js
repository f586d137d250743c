/** Tests every kind of picture, against sharp. */
import assert from "node:assert/strict";
import test from "node:test";
import sharp from "sharp";
import { expectedIcon, meanDifference, pixels, render, scene } from "./pictures.js";

/** The largest mean difference from sharp's picture: JPEG at quality 95 with half the colour. */
const TOLERANCE = 3;

/** @typedef {import("sharp").Sharp} Sharp */

const photo = () => scene(640, 480);
const seeThrough = () => scene(640, 480, { alpha: true });

/**
 * Makes a picture of sharp's pixels, so that what is done to it comes afterwards.
 *
 * @param {Sharp} picture
 * @param {"uchar" | "ushort"} depth
 */
const raw = async (picture, depth = "uchar") => {
  const { data, info } = await picture.raw({ depth }).toBuffer({ resolveWithObject: true });
  const samples =
    depth === "ushort" ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2) : data;
  return sharp(samples, { raw: info });
};

/** @type {Record<string, () => Sharp | Promise<Sharp>>} */
const files = {
  "JPEG 4:2:0": () => photo().jpeg({ quality: 92 }),
  "JPEG 4:4:4": () => photo().jpeg({ quality: 92, chromaSubsampling: "4:4:4" }),
  "JPEG, progressive": () => photo().jpeg({ quality: 92, progressive: true }),
  "JPEG, grey": () => photo().toColourspace("b-w").jpeg({ quality: 92 }),
  "JPEG, grey and progressive": () => photo().toColourspace("b-w").jpeg({ progressive: true }),
  "JPEG of odd sides": () => scene(333, 417).jpeg(),
  PNG: () => photo().png(),
  "PNG, interlaced": () => photo().png({ progressive: true }),
  "PNG with a palette": () => photo().png({ palette: true, colours: 200 }),
  "PNG with four colours": () => photo().png({ palette: true, colours: 4, dither: 0 }),
  "PNG with a transparent palette": () => seeThrough().png({ palette: true }),
  "PNG of 16 bits": async () =>
    (await raw(photo().toColourspace("rgb16"), "ushort")).toColourspace("rgb16").png(),
  "PNG with alpha": () => seeThrough().png(),
  "PNG, grey": () => photo().removeAlpha().toColourspace("b-w").png(),
  "PNG, grey with alpha": () => seeThrough().toColourspace("b-w").png(),
  GIF: () => photo().removeAlpha().gif(),
  "GIF with transparency": () => seeThrough().gif(),
  "WebP, lossy": () => photo().removeAlpha().webp({ quality: 90 }),
  "WebP, lossless": () => photo().removeAlpha().webp({ lossless: true }),
  "WebP, lossy with alpha": () => seeThrough().webp({ quality: 90 }),
  "WebP, lossless with alpha": () => seeThrough().webp({ lossless: true }),
};

for (const [name, make] of Object.entries(files)) {
  test(`frame 0 of a ${name} is the picture`, async (t) => {
    const file = await (await make()).toBuffer();
    const { frames } = await render(t, file);
    const difference = meanDifference(await pixels(frames[0]), await expectedIcon(file));
    assert.ok(difference < TOLERANCE, `${difference.toFixed(2)} from sharp's on average`);
  });
}

test("the files above are of the kinds that they are named after", async () => {
  const kinds = {
    "JPEG 4:2:0": { format: "jpeg", chromaSubsampling: "4:2:0", isProgressive: false },
    "JPEG 4:4:4": { format: "jpeg", chromaSubsampling: "4:4:4" },
    "JPEG, progressive": { format: "jpeg", isProgressive: true },
    "JPEG, grey": { format: "jpeg", channels: 1 },
    "PNG, interlaced": { format: "png", isProgressive: true },
    "PNG with a palette": { format: "png", isPalette: true, bitsPerSample: 8 },
    "PNG with four colours": { format: "png", isPalette: true, bitsPerSample: 2 },
    "PNG of 16 bits": { format: "png", depth: "ushort" },
    "PNG with alpha": { format: "png", channels: 4 },
    "PNG, grey": { format: "png", channels: 1 },
    "PNG, grey with alpha": { format: "png", channels: 2 },
    GIF: { format: "gif" },
    "WebP, lossy": { format: "webp", hasAlpha: false },
    "WebP, lossless with alpha": { format: "webp", hasAlpha: true },
  };
  for (const [name, kind] of Object.entries(kinds)) {
    const metadata = await sharp(await (await files[name]()).toBuffer()).metadata();
    assert.partialDeepStrictEqual(metadata, kind, name);
  }
});

test("all eight EXIF orientations are applied", async (t) => {
  for (const format of /** @type {const} */ (["jpeg", "webp", "png"])) {
    for (let orientation = 1; orientation <= 8; orientation++) {
      const file = await photo().withMetadata({ orientation })[format]().toBuffer();
      assert.equal((await sharp(file).metadata()).orientation, orientation);
      const frame = await pixels((await render(t, file)).frames[0]);
      const difference = meanDifference(frame, await expectedIcon(file));
      assert.ok(difference < TOLERANCE, `${format} ${orientation}: ${difference.toFixed(2)}`);
    }
  }
});

test("CMYK is converted without a profile", async (t) => {
  const file = await photo()
    .toColourspace("cmyk")
    .jpeg({ quality: 92, chromaSubsampling: "4:4:4" })
    .toBuffer();
  assert.equal((await sharp(file).metadata()).space, "cmyk");
  const frame = await pixels((await render(t, file)).frames[0]);
  // The plain formula; sharp's own conversion would take a profile.
  const { data, info } = await sharp(file)
    .pipelineColourspace("cmyk")
    .toColourspace("cmyk")
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.equal(info.channels, 4);
  const rgb = Buffer.alloc(info.width * info.height * 3);
  for (let i = 0; i < info.width * info.height; i++) {
    const black = 255 - data[4 * i + 3];
    for (let c = 0; c < 3; c++)
      rgb[3 * i + c] = Math.round(((255 - data[4 * i + c]) * black) / 255);
  }
  const plain = await sharp(rgb, { raw: { width: info.width, height: info.height, channels: 3 } })
    .png()
    .toBuffer();
  const difference = meanDifference(frame, await expectedIcon(plain));
  assert.ok(difference < 4, `${difference.toFixed(2)} on average`);
});

test("any size is scaled to 400×400", async (t) => {
  for (const [width, height] of [
    [1, 1],
    [16, 16],
    [17, 90],
    [399, 401],
    [400, 400],
    [1000, 800],
    [4000, 3000],
  ]) {
    const file = await scene(width, height).removeAlpha().png().toBuffer();
    const frame = await pixels((await render(t, file)).frames[0]);
    const difference = meanDifference(frame, await expectedIcon(file));
    assert.ok(
      difference < TOLERANCE,
      `${width}×${height}: ${difference.toFixed(2)} from sharp's on average`,
    );
  }
});

test("of an animation, the first picture is the icon", async (t) => {
  const pictures = await Promise.all(
    [scene(200, 200), scene(200, 200).negate({ alpha: false })].map((picture) =>
      picture.png().toBuffer(),
    ),
  );
  for (const format of /** @type {const} */ (["gif", "webp"])) {
    const file = await sharp(pictures, { join: { animated: true } })
      [format]()
      .toBuffer();
    assert.equal((await sharp(file, { animated: true }).metadata()).pages, 2);
    const { frames, names } = await render(t, file);
    assert.equal(names.length, 12);
    const difference = meanDifference(await pixels(frames[0]), await expectedIcon(file));
    assert.ok(
      difference < TOLERANCE,
      `${format}: ${difference.toFixed(2)} from sharp's on average`,
    );
  }
});

test("the tolerance tells pictures apart", async (t) => {
  const file = await photo().png().toBuffer();
  const { frames } = await render(t, file, "--frames", "180");
  const expected = await expectedIcon(file);
  assert.ok(meanDifference(await pixels(frames[0]), expected) < TOLERANCE);
  // Two degrees off, or a little too dark.
  assert.ok(meanDifference(await pixels(frames[1]), expected) > TOLERANCE);
  const darker = expected.map((channel) => Math.max(0, channel - 4));
  assert.ok(meanDifference(await pixels(frames[0]), darker) > TOLERANCE);
});
