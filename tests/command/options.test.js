/** Tests the options that determine how a picture becomes frames. */
import assert from "node:assert/strict";
import test from "node:test";
import sharp from "sharp";
import { randomNumbers } from "../../scripts/lib/random.js";
import { rotateIcon, sampleIcon, temporaryFolder } from "./command.js";
import { SIZE, isNear, meanDifference, pixelAt, pixels, render, scene } from "./pictures.js";

const TOLERANCE = 3;

/** @typedef {{ left: number, top: number, side: number }} Square */

/**
 * Extracts a square of a picture by sharp.
 *
 * @param {Buffer} file
 * @param {Square} square
 */
async function extracted(file, { left, top, side }) {
  const square = await sharp(file)
    .autoOrient()
    .extract({ left, top, width: side, height: side })
    .png()
    .toBuffer();
  return pixels(await sharp(square).resize(SIZE, SIZE, { kernel: "lanczos3" }).png().toBuffer());
}

test("--crop takes the square that it names", async (t) => {
  const wide = await scene(900, 500).png().toBuffer();
  const high = await scene(500, 900).png().toBuffer();
  for (const [file, crop, square] of /** @type {[Buffer, string, Square][]} */ ([
    [wide, "centre", { left: 200, top: 0, side: 500 }],
    [wide, "left", { left: 0, top: 0, side: 500 }],
    [wide, "right", { left: 400, top: 0, side: 500 }],
    [wide, "top", { left: 200, top: 0, side: 500 }],
    [high, "top", { left: 0, top: 0, side: 500 }],
    [high, "bottom", { left: 0, top: 400, side: 500 }],
    [high, "left", { left: 0, top: 200, side: 500 }],
    [wide, "10,20,300", { left: 10, top: 20, side: 300 }],
    [wide, "500,100,400", { left: 500, top: 100, side: 400 }],
  ])) {
    const frame = await pixels((await render(t, file, "--crop", crop)).frames[0]);
    const difference = meanDifference(frame, await extracted(file, square));
    assert.ok(difference < TOLERANCE, `${crop}: ${difference.toFixed(2)}`);
  }
});

test("--crop means the picture the right way up", async (t) => {
  for (let orientation = 1; orientation <= 8; orientation++) {
    const file = await scene(640, 480)
      .withMetadata({ orientation })
      .jpeg({ quality: 95 })
      .toBuffer();
    for (const [crop, square] of /** @type {[string, Square][]} */ ([
      ["30,60,350", { left: 30, top: 60, side: 350 }],
      ["top", orientation > 4 ? { left: 0, top: 0, side: 480 } : { left: 80, top: 0, side: 480 }],
      [
        "right",
        orientation > 4 ? { left: 0, top: 80, side: 480 } : { left: 160, top: 0, side: 480 },
      ],
    ])) {
      const frame = await pixels((await render(t, file, "--crop", crop)).frames[0]);
      const difference = meanDifference(frame, await extracted(file, square));
      assert.ok(difference < TOLERANCE, `${orientation} ${crop}: ${difference.toFixed(2)}`);
    }
  }
});

test("a square outside of the picture is refused", async (t) => {
  const out = await temporaryFolder(t);
  for (const crop of ["0,0,10000", "9999,0,1", "18446744073709551615,0,2"]) {
    const { status, stderr } = await rotateIcon([
      "render",
      sampleIcon,
      "--out",
      out,
      "--crop",
      crop,
    ]);
    assert.equal(status, 1);
    assert.match(
      stderr,
      new RegExp(`the square ${crop} is not inside the picture of \\d+×\\d+ pixels`),
    );
  }
});

test("--background shows where the picture is transparent", async (t) => {
  // Nothing on the left, half of red on the right.
  const half = Buffer.from(
    Array.from({ length: SIZE * SIZE }, (_, i) =>
      i % SIZE < SIZE / 2 ? [0, 0, 0, 0] : [200, 0, 0, 128],
    ).flat(),
  );
  const file = await sharp(half, { raw: { width: SIZE, height: SIZE, channels: 4 } })
    .png()
    .toBuffer();
  for (const [flags, clear, mixed] of /** @type {[string[], number[], number[]][]} */ ([
    [[], [255, 255, 255], [227, 127, 127]],
    [
      ["--background", "black"],
      [0, 0, 0],
      [100, 0, 0],
    ],
    [
      ["--background", "20c040"],
      [0x20, 0xc0, 0x40],
      [116, 96, 32],
    ],
    [
      ["--background", "#20c040"],
      [0x20, 0xc0, 0x40],
      [116, 96, 32],
    ],
  ])) {
    const frame = await pixels((await render(t, file, ...flags)).frames[0]);
    assert.ok(isNear(pixelAt(frame, 60, 200), clear), `${flags}: ${pixelAt(frame, 60, 200)}`);
    assert.ok(isNear(pixelAt(frame, 340, 200), mixed), `${flags}: ${pixelAt(frame, 340, 200)}`);
  }
});

test("--fill is what the corners show", async (t) => {
  const file = await sharp({
    create: { width: 400, height: 400, channels: 3, background: "#8040c0" },
  })
    .png()
    .toBuffer();
  const corners = [
    [8, 8],
    [391, 8],
    [8, 391],
    [391, 391],
  ];
  for (const [flags, colour] of /** @type {[string[], number[]][]} */ ([
    [[], [0x80, 0x40, 0xc0]],
    [
      ["--fill", "reflect"],
      [0x80, 0x40, 0xc0],
    ],
    [
      ["--fill", "black"],
      [0, 0, 0],
    ],
    [
      ["--fill", "white"],
      [255, 255, 255],
    ],
    [
      ["--fill", "10a0f0"],
      [0x10, 0xa0, 0xf0],
    ],
  ])) {
    const { frames } = await render(t, file, "--frames", "8", ...flags);
    const [upright, turned] = [await pixels(frames[0]), await pixels(frames[1])];
    for (const [x, y] of corners) {
      assert.ok(isNear(pixelAt(turned, x, y), colour), `${flags}: ${pixelAt(turned, x, y)}`);
      assert.ok(isNear(pixelAt(upright, x, y), [0x80, 0x40, 0xc0]), "upright, nothing is filled");
    }
    assert.ok(isNear(pixelAt(turned, 200, 200), [0x80, 0x40, 0xc0]));
  }
});

test("every --kernel makes frames of its own, which agree but for detail", async (t) => {
  const kernels = ["nearest", "bilinear", "sharp", "cubic", "lanczos", "spline"];
  const all = await Promise.all(
    kernels.map((kernel) => render(t, [sampleIcon], "--kernel", kernel)),
  );
  const turned = await Promise.all(all.map(({ frames }) => pixels(frames[1])));
  for (let i = 0; i < kernels.length; i++) {
    assert.equal(all[i].set.rendering.kernel, kernels[i]);
    for (let k = 0; k < i; k++) {
      assert.notEqual(all[i].set.id, all[k].set.id);
      assert.ok(!all[i].frames[1].equals(all[k].frames[1]), `${kernels[i]} and ${kernels[k]}`);
      assert.ok(
        meanDifference(turned[i], turned[k]) < TOLERANCE,
        `${kernels[i]} and ${kernels[k]}`,
      );
    }
  }
  const byDefault = await render(t, [sampleIcon]);
  assert.equal(byDefault.set.id, all[kernels.indexOf("sharp")].set.id);
});

test("--shape circle makes PNG files with nothing around the circle", async (t) => {
  const file = await scene(500, 500).png().toBuffer();
  const [circle, square] = [await render(t, file, "--shape", "circle"), await render(t, file)];
  assert.deepEqual(
    circle.names,
    Array.from({ length: 12 }, (_, n) => `${n}.png`),
  );
  assert.equal(circle.set.media_type, "image/png");
  assert.equal(circle.set.rendering.shape, "circle");
  for (const [n, frame] of circle.frames.entries()) {
    const { format, width, height, hasAlpha } = await sharp(frame).metadata();
    assert.deepEqual(
      { format, width, height, hasAlpha },
      { format: "png", width: SIZE, height: SIZE, hasAlpha: true },
    );
    const data = await pixels(frame, 4);
    /**
     * @param {number} x
     * @param {number} y
     */
    const alpha = (x, y) => pixelAt(data, x, y, 4)[3];
    for (const [x, y] of [
      [0, 0],
      [399, 0],
      [0, 399],
      [399, 399],
      [40, 40],
      [57, 57],
    ])
      assert.equal(alpha(x, y), 0);
    for (const [x, y] of [
      [200, 200],
      [200, 2],
      [2, 200],
      [397, 200],
      [200, 397],
      [60, 60],
    ])
      assert.equal(alpha(x, y), 255);
    // Inside, the picture is the same as in the square.
    const rgb = await pixels(square.frames[n]);
    /** @type {[number[], number[]]} */
    const [inCircle, inSquare] = [[], []];
    for (let y = 0; y < SIZE; y++) {
      for (let x = 0; x < SIZE; x++) {
        if (Math.hypot(x - 199.5, y - 199.5) > 195) continue;
        inCircle.push(...pixelAt(data, x, y, 4).slice(0, 3));
        inSquare.push(...pixelAt(rgb, x, y));
      }
    }
    assert.ok(meanDifference(inCircle, inSquare) < TOLERANCE, `frame ${n}`);
  }
});

test("--quality makes files smaller or truer", async (t) => {
  const file = await scene(400, 400).png().toBuffer();
  const expected = await pixels(file);
  let last = { bytes: 0, difference: Infinity };
  for (const quality of [1, 30, 95, 100]) {
    const { frames, set } = await render(t, file, "--quality", String(quality));
    assert.equal(set.rendering.quality, quality);
    const now = {
      bytes: frames[1].length,
      difference: meanDifference(await pixels(frames[0]), expected),
    };
    assert.ok(
      now.bytes > last.bytes && now.difference < last.difference,
      `${quality}: ${JSON.stringify(now)}`,
    );
    last = now;
  }
});

/** Black and white at random: the most that samples can differ. */
async function noise() {
  const samples = Buffer.alloc(SIZE * SIZE * 3);
  const random = randomNumbers(1);
  for (let i = 0; i < samples.length; i++) samples[i] = random() < 0.5 ? 0 : 255;
  return sharp(samples, { raw: { width: SIZE, height: SIZE, channels: 3 } })
    .png()
    .toBuffer();
}

test("JPEG frames of the noisiest picture are small enough at the best quality, and nothing is said", async (t) => {
  for (const kernel of ["nearest", "sharp", "lanczos"]) {
    const { frames, stdout } = await render(
      t,
      await noise(),
      "--quality",
      "100",
      "--kernel",
      kernel,
    );
    for (const frame of frames)
      assert.ok(frame.length > 200_000 && frame.length <= 512_000, `${frame.length} bytes`);
    assert.doesNotMatch(stdout, /Lowered/);
  }
});

test("round frames of the noisiest picture are small enough as well", async (t) => {
  for (const kernel of ["nearest", "sharp"]) {
    const { frames } = await render(t, await noise(), "--shape", "circle", "--kernel", kernel);
    for (const frame of frames)
      assert.ok(frame.length > 100_000 && frame.length <= 512_000, `${frame.length} bytes`);
  }
});

test("every option is part of the set's identity", async (t) => {
  const icon = await scene(400, 400, { alpha: true }).png().toBuffer();
  const ids = new Set();
  const variants = [
    [],
    ["--crop", "0,0,300"],
    ["--background", "black"],
    ["--fill", "black"],
    ["--quality", "94"],
    ["--shape", "circle"],
    ["--frames", "13"],
  ];
  for (const flags of variants) ids.add((await render(t, icon, ...flags)).set.id);
  assert.equal(ids.size, variants.length);
});

test("options that make no sense are refused with what they may be", async (t) => {
  const folder = await temporaryFolder(t);
  for (const [flag, value, message] of /** @type {[string, string, RegExp][]} */ ([
    ["--frames", "0", /whole number from 1 to 1440/],
    ["--frames", "1441", /1 to 1440/],
    ["--frames", "many", /1 to 1440/],
    ["--direction", "left", /clockwise nor counterclockwise/],
    ["--crop", "middle", /centre, top, bottom, left or right, or a square as LEFT,TOP,SIDE/],
    ["--crop", "1,2", /LEFT,TOP,SIDE/],
    ["--crop", "1,2,0", /LEFT,TOP,SIDE/],
    ["--background", "reflect", /black, white or a colour as RRGGBB/],
    ["--background", "fff", /RRGGBB/],
    ["--kernel", "magic", /nearest, bilinear, sharp, cubic, lanczos or spline/],
    ["--fill", "blue", /reflect, black, white or a colour as RRGGBB/],
    ["--shape", "oval", /square or circle/],
    ["--quality", "0", /1 to 100/],
    ["--quality", "101", /1 to 100/],
  ])) {
    const { status, stderr } = await rotateIcon([
      "render",
      sampleIcon,
      "--out",
      folder,
      flag,
      value,
    ]);
    assert.equal(status, 2, `${flag} ${value}`);
    assert.match(stderr, message);
  }
  for (const [flags, message] of /** @type {[string[], RegExp][]} */ ([
    [[], /<ICON\|--album <DIR>>/],
    [[sampleIcon, "--album", folder], /cannot be used with/],
    [["--album", folder, "--frames", "12"], /cannot be used with/],
    [["--album", folder, "--kernel", "cubic"], /cannot be used with/],
    [["--album", folder, "--fill", "black"], /cannot be used with/],
    [["--album", folder, "--from-animation"], /cannot be used with/],
    [["--from-animation"], /ICON/],
    [[sampleIcon, "--from-animation", "--fill", "black"], /cannot be used with/],
  ])) {
    const { status, stderr } = await rotateIcon(["render", "--out", folder, ...flags]);
    assert.equal(status, 2, flags.join(" "));
    assert.match(stderr, message);
  }
});
