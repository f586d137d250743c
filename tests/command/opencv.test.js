/** Tests the frames against OpenCV, which rotates pictures by its own code. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import test, { before } from "node:test";
import sharp from "sharp";
import { sampleIcon } from "./command.js";
import { SIZE, pixels, render, scene } from "./pictures.js";

const cv = createRequire(import.meta.url)("@techstark/opencv-js");

// Not by awaiting it: what it resolves to can be awaited again, without end.
before(
  () =>
    new Promise((resolve) => {
      if (cv.Mat) resolve(undefined);
      else cv.onRuntimeInitialized = resolve;
    }),
);

/** Inside of it, no kernel reaches what is outside of the icon. */
const RADIUS = 195;
const CENTRE = (SIZE - 1) / 2;

/**
 * RGB pixels turned clockwise by OpenCV, bilinear between pixels and mirrored outside.
 *
 * @param {Buffer} data
 * @param {number} degrees
 */
function turned(data, degrees, centre = CENTRE) {
  const source = cv.matFromArray(SIZE, SIZE, cv.CV_8UC3, data);
  const result = new cv.Mat();
  // OpenCV's angles are counterclockwise.
  const matrix = cv.getRotationMatrix2D(new cv.Point(centre, centre), -degrees, 1);
  cv.warpAffine(
    source,
    result,
    matrix,
    new cv.Size(SIZE, SIZE),
    cv.INTER_LINEAR,
    cv.BORDER_REFLECT_101,
    new cv.Scalar(),
  );
  const copy = Buffer.from(result.data);
  for (const mat of [source, result, matrix]) mat.delete();
  return copy;
}

/**
 * How alike two pictures are within the disc, in decibels.
 *
 * @param {Buffer} a
 * @param {Buffer} b
 */
function psnr(a, b) {
  let [sum, count] = [0, 0];
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      if (Math.hypot(x - CENTRE, y - CENTRE) > RADIUS) continue;
      for (let c = 0; c < 3; c++, count++)
        sum += (a[(y * SIZE + x) * 3 + c] - b[(y * SIZE + x) * 3 + c]) ** 2;
    }
  }
  return 10 * Math.log10((255 * 255 * count) / sum);
}

const icons = {
  // The bounds are what JPEG's loss leaves; turned half a pixel or a degree off, it is less.
  "the sample icon": {
    make: () => sharp(sampleIcon).resize(SIZE, SIZE, { kernel: "lanczos3" }),
    bound: 36,
  },
  "a picture with hard edges": { make: () => scene(SIZE, SIZE), bound: 41 },
};
for (const [name, { make, bound }] of Object.entries(icons)) {
  test(`the twelve frames of ${name} are turned as OpenCV turns it`, async (t) => {
    const file = await make().removeAlpha().png().toBuffer();
    const icon = await pixels(file);
    const { frames } = await render(t, file);
    assert.equal(frames.length, 12);
    for (const [n, frame] of frames.entries()) {
      const data = await pixels(frame);
      /**
       * @param {number} degrees
       * @param {number} [centre]
       */
      const as = (degrees, centre) => psnr(data, turned(icon, degrees, centre));
      const right = as(30 * n);
      assert.ok(right > bound, `frame ${n}: ${right.toFixed(1)} dB`);
      // What is not right is told from it: a degree off, the wrong way round,
      // and about a centre that is half a pixel off.
      assert.ok(as(30 * n + 1) < 30, `frame ${n}, a degree off`);
      if (n % 6 !== 0) assert.ok(as(-30 * n) < 15, `frame ${n}, counterclockwise`);
      if (n !== 0) assert.ok(as(30 * n, SIZE / 2) < bound, `frame ${n}, half a pixel off`);
    }
  });
}

test("without JPEG's loss, bilinear frames are OpenCV's but for rounding", async (t) => {
  const file = await icons["the sample icon"].make().removeAlpha().png().toBuffer();
  const icon = await pixels(file);
  const { frames } = await render(
    t,
    file,
    "--kernel",
    "bilinear",
    "--shape",
    "circle",
    "--frames",
    "16",
  );
  for (const [n, frame] of frames.entries()) {
    const data = await pixels(frame);
    const right = psnr(data, turned(icon, 22.5 * n));
    assert.ok(right > 51, `frame ${n}: ${right.toFixed(1)} dB`);
    // A tenth of a degree or of a pixel is told from it.
    assert.ok(psnr(data, turned(icon, 22.5 * n + 0.1)) < 49, `frame ${n}, a tenth of a degree off`);
    const shift = psnr(data, turned(icon, 22.5 * n, CENTRE + 0.1));
    if (n >= 2 && n <= 14)
      assert.ok(shift < 49, `frame ${n}, a tenth of a pixel off: ${shift.toFixed(1)} dB`);
  }
});
