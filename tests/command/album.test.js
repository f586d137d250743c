/** Tests `--album`: a folder of pictures that are used as frames unchanged. */
import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import test from "node:test";
import sharp from "sharp";
import { rotateIcon, temporaryFolder } from "./command.js";
import {
  expectedIcon,
  isNear,
  meanDifference,
  pixelAt,
  pixels,
  render,
  scene,
} from "./pictures.js";

/** @param {string} background */
const plain = (background) => sharp({ create: { width: 64, height: 48, channels: 3, background } });

/**
 * A folder of these files.
 *
 * @param {import("node:test").TestContext} t
 * @param {Record<string, string | Buffer>} files
 */
async function album(t, files) {
  const folder = path.join(await temporaryFolder(t), "album");
  await mkdir(folder);
  for (const [name, content] of Object.entries(files))
    await writeFile(path.join(folder, name), content);
  return folder;
}

test("every picture is a frame as it is, in the order of the names", async (t) => {
  const colours = ["#c00000", "#00c000", "#0000c0", "#c0c000", "#00c0c0"];
  const [a, b, c, d, e] = await Promise.all([
    plain(colours[0]).png().toBuffer(),
    plain(colours[1]).jpeg().toBuffer(),
    plain(colours[2]).webp({ lossless: true }).toBuffer(),
    plain(colours[3]).gif().toBuffer(),
    plain(colours[4]).png().toBuffer(),
  ]);
  // The ending says nothing; the content does.
  const folder = await album(t, { "11.jpg": e, "2.jpeg": b, "1.png": a, "10.txt": d, "03": c });
  const { frames, names, set, values, stdout } = await render(t, ["--album", folder]);
  assert.deepEqual(names, ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "4.jpg"]);
  assert.match(stdout, /^Wrote 5 frames /);
  for (const [n, frame] of frames.entries()) {
    const colour = [1, 3, 5].map((at) => parseInt(colours[n].slice(at, at + 2), 16));
    const data = await pixels(frame);
    assert.ok(isNear(pixelAt(data, 200, 200), colour), `frame ${n}: ${pixelAt(data, 200, 200)}`);
    assert.ok(isNear(pixelAt(data, 5, 5), colour));
    assert.deepEqual(frame, values.get(`sets/${set.id}/${n}`));
  }
  // There is no icon to turn.
  assert.deepEqual(Object.keys(set).sort(), ["frames", "id", "media_type"]);
  assert.equal(set.frames, 5);
  assert.deepEqual(
    [...values.keys()].sort(),
    ["current", ...frames.map((_, n) => `sets/${set.id}/${n}`)].sort(),
  );
});

test("pictures of an album are cropped, scaled and upright, but not turned", async (t) => {
  const upright = await scene(640, 480).png().toBuffer();
  const sideways = await scene(500, 700).withMetadata({ orientation: 6 }).jpeg().toBuffer();
  const folder = await album(t, { "a.png": upright, "b.jpg": sideways, "c.png": upright });
  const { frames } = await render(t, ["--album", folder]);
  for (const [n, file] of [upright, sideways, upright].entries()) {
    assert.ok(meanDifference(await pixels(frames[n]), await expectedIcon(file)) < 3, `frame ${n}`);
  }
  assert.ok(frames[0].equals(frames[2]));

  const round = await render(t, ["--album", folder], "--shape", "circle", "--crop", "left");
  assert.equal(round.set.media_type, "image/png");
  assert.equal(pixelAt(await pixels(round.frames[1], 4), 3, 3, 4)[3], 0);
  const left = await expectedIcon(
    await sharp(upright).extract({ left: 0, top: 0, width: 480, height: 480 }).png().toBuffer(),
  );
  const [got, wanted] = [
    pixelAt(await pixels(round.frames[0], 4), 130, 120, 4).slice(0, 3),
    pixelAt(left, 130, 120),
  ];
  assert.ok(isNear(got, wanted), `${got} for ${wanted}`);
});

test("an album's set is told by its pictures and their order", async (t) => {
  const [red, blue] = await Promise.all([
    plain("red").png().toBuffer(),
    plain("blue").png().toBuffer(),
  ]);
  /**
   * @param {Record<string, string | Buffer>} files
   * @param {string[]} flags
   */
  const id = async (files, ...flags) =>
    (await render(t, ["--album", await album(t, files)], ...flags)).set.id;
  const first = await id({ "1.png": red, "2.png": blue });
  assert.equal(await id({ "x.png": red, "y.png": blue }), first, "names are not part of it");
  const others = [
    await id({ "1.png": blue, "2.png": red }),
    await id({ "1.png": red }),
    await id({ "1.png": red, "2.png": blue, "3.png": blue }),
    await id({ "1.png": red, "2.png": blue }, "--quality", "90"),
    (await render(t, red, "--frames", "1")).set.id,
  ];
  assert.equal(new Set([first, ...others]).size, 6);
});

test("a sheet of an album shows its pictures", async (t) => {
  const folder = await album(t, {
    "1.png": await plain("#c00000").png().toBuffer(),
    "2.png": await plain("#0000c0").png().toBuffer(),
  });
  for (const shape of ["square", "circle"]) {
    const sheet = path.join(await temporaryFolder(t), "sheet.png");
    await render(t, ["--album", folder], "--sheet", sheet, "--shape", shape);
    /**
     * @param {number} left
     * @param {number} top
     */
    const at = async (left, top) => [
      ...(await sharp(sheet).extract({ left, top, width: 1, height: 1 }).raw().toBuffer()),
    ];
    assert.ok(isNear(await at(300, 60), [0xc0, 0, 0, 255]), `at twelve: ${await at(300, 60)}`);
    assert.ok(isNear(await at(300, 540), [0, 0, 0xc0, 255]), `at six: ${await at(300, 540)}`);
    // The edge of the circle is not darker.
    const edge = await at(258, 17);
    assert.ok(isNear(edge.slice(0, 3), [0xc0, 0, 0], 20), `at the edge: ${edge}`);
    assert.equal((await at(245, 5))[3], 0);
  }
});

test("what may not be meant as a frame is refused by its name", async (t) => {
  const red = await plain("red").png().toBuffer();
  const folderInside = await album(t, { "1.png": red });
  await mkdir(path.join(folderInside, "more"));
  const many = await album(
    t,
    Object.fromEntries(Array.from({ length: 1441 }, (_, n) => [`${n}.png`, ""])),
  );
  for (const [folder, message] of /** @type {[string, RegExp][]} */ ([
    [
      await album(t, { "1.png": red, "notes.txt": "Paris" }),
      /notes\.txt: this is a text, not a JPEG, PNG, GIF or WebP file/,
    ],
    [
      await album(t, { "1.png": red, "2.png": red.subarray(0, 60) }),
      /2\.png: this PNG file is broken/,
    ],
    [
      await album(t, { "1.png": red, ".DS_Store": "\0\0\0\u0001Bud1" }),
      /\.DS_Store is a hidden file/,
    ],
    [folderInside, /more is a folder/],
    [await album(t, {}), /there is no picture in /],
    [many, /there are 1441 files in .*at most 1440/],
    [path.join(folderInside, "nowhere"), /cannot read the folder .*nowhere/],
    [path.join(folderInside, "1.png"), /cannot read the folder .*1\.png/],
  ])) {
    const out = path.join(await temporaryFolder(t), "out");
    const { status, stderr } = await rotateIcon(["render", "--album", folder, "--out", out]);
    assert.equal(status, 1, stderr);
    assert.match(stderr, message);
    assert.equal(stderr.trim().split("\n").length, 1, stderr);
    await assert.rejects(readdir(out), { code: "ENOENT" });
  }
});

test("a folder where an icon is expected is told what it may be", async (t) => {
  const folder = await album(t, {});
  const { status, stderr } = await rotateIcon([
    "render",
    folder,
    "--out",
    path.join(folder, "out"),
  ]);
  assert.equal(status, 1);
  assert.match(stderr, /is a folder; .*--album /);
});
