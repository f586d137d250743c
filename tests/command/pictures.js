/** Pictures for tests, drawn and read by sharp, which shares no code with the project. */
import { readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import { rotateIcon, temporaryFolder } from "./command.js";

/** The width and height of a frame. */
export const SIZE = 400;

/**
 * A picture with no symmetry at all, as sharp's input: colours, soft and hard edges.
 *
 * @param {number} width
 * @param {number} height
 */
export function scene(width, height, { alpha = false } = {}) {
  const ground = alpha ? "" : '<rect width="100" height="100" fill="url(#ground)"/>';
  return sharp(
    Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 100 100" preserveAspectRatio="none">
      <linearGradient id="ground" x2="1" y2="0.7"><stop stop-color="#ffd27a"/><stop offset="1" stop-color="#20407a"/></linearGradient>
      ${ground}
      <circle cx="30" cy="28" r="17" fill="#d03a30"/>
      <rect x="52" y="14" width="31" height="22" fill="#2f9e50" opacity="0.7"/>
      <path d="M18 88 L47 52 L80 79 Z" fill="#f4f4f0"/>
      <circle cx="77" cy="58" r="9" fill="#101820"/>
    </svg>`),
  );
}

/**
 * The pixels of any picture, 8-bit RGB or RGBA row by row.
 *
 * @param {import("sharp").SharpInput} picture
 */
export async function pixels(picture, channels = 3) {
  const image = channels === 3 ? sharp(picture).removeAlpha() : sharp(picture).ensureAlpha();
  const { data, info } = await image
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== channels) throw new Error(`sharp gives ${info.channels} channels`);
  return data;
}

/**
 * What sharp makes of a picture file: the right way up, the middle square, 400×400, on a colour.
 *
 * @param {Buffer} file
 */
export async function expectedIcon(file, background = "#ffffff") {
  const opaque = await sharp(file)
    .autoOrient()
    .flatten({ background })
    .toColourspace("srgb")
    .png()
    .toBuffer();
  return pixels(
    await sharp(opaque).resize(SIZE, SIZE, { fit: "cover", kernel: "lanczos3" }).png().toBuffer(),
  );
}

/**
 * Returns the mean difference of the channels of two pictures, from 0 to 255.
 *
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 */
export function meanDifference(a, b) {
  if (a.length !== b.length) throw new Error(`${a.length} samples against ${b.length}`);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i]);
  return sum / a.length;
}

/**
 * Returns the pixel at a place of a frame.
 *
 * @param {Buffer} data
 * @param {number} x
 * @param {number} y
 */
export const pixelAt = (data, x, y, channels = 3) => [
  ...data.subarray((y * SIZE + x) * channels, (y * SIZE + x + 1) * channels),
];

/**
 * Whether two colours are the same but for what JPEG loses.
 *
 * @param {number[]} a
 * @param {number[]} b
 */
export const isNear = (a, b, tolerance = 6) =>
  a.every((channel, i) => Math.abs(channel - b[i]) <= tolerance);

/**
 * Renders a picture. Returns the files of the frames and what `--bulk` writes.
 *
 * @param {import("node:test").TestContext} t
 * @param {Buffer | string[]} source
 * @param {string[]} flags
 */
export async function render(t, source, ...flags) {
  const folder = await temporaryFolder(t);
  const picture = path.join(folder, "picture");
  const words = Buffer.isBuffer(source) ? [picture] : source;
  if (Buffer.isBuffer(source)) await writeFile(picture, source);
  const out = path.join(folder, "out");
  const bulk = path.join(folder, "kv-bulk.json");
  const { status, stdout, stderr } = await rotateIcon([
    "render",
    ...words,
    "--out",
    out,
    "--bulk",
    bulk,
    ...flags,
  ]);
  if (status !== 0) throw new Error(`render ended with ${status}: ${stderr}`);
  const names = (await readdir(out)).filter((name) => /^\d+\.(jpg|png)$/.test(name));
  names.sort((a, b) => parseInt(a, 10) - parseInt(b, 10));
  const frames = await Promise.all(names.map((name) => readFile(path.join(out, name))));
  /** @type {{ key: string, value: string }[]} */
  const entries = JSON.parse(await readFile(bulk, "utf8"));
  const values = new Map(entries.map(({ key, value }) => [key, Buffer.from(value, "base64")]));
  return { frames, names, values, set: JSON.parse(String(values.get("current"))), stdout };
}
