/** Frame sets to publish: drawn here, or rendered by the command. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { deflateSync } from "node:zlib";
import { pngChunk, pngFile } from "../../../scripts/lib/png.js";
import { root } from "../../../scripts/lib/run.js";
import { command, scratch } from "./process.js";

/**
 * A frame set.
 *
 * @typedef {object} FrameSet
 * @property {string} id
 * @property {string} mediaType
 * @property {Buffer[]} frames the picture files, by frame number
 */

/**
 * Returns the SHA-256 of bytes, in hex.
 *
 * @param {import("node:crypto").BinaryLike} bytes
 */
export const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/**
 * Makes a frame set of picture files.
 *
 * @param {Buffer[]} frames
 * @returns {FrameSet}
 */
export function frameSet(frames, mediaType = "image/png") {
  return { id: sha256(Buffer.concat(frames)).slice(0, 32), mediaType, frames };
}

/** Draws `count` different PNG files, each of another colour and with its hand further round. */
export function pngFrames(count = 12) {
  return Array.from({ length: count }, (_, n) => png(n / count));
}

/**
 * Draws a square PNG file that shows a hand.
 *
 * @param {number} turn where the hand points, as a part of a full turn clockwise
 * @param {number} side in pixels
 */
export function png(turn, side = 400) {
  const angle = 2 * Math.PI * turn;
  const [x, y] = [Math.sin(angle), -Math.cos(angle)];
  const rows = Buffer.alloc(side * (side + 1));
  for (let row = 0; row < side; row += 1) {
    for (let column = 0; column < side; column += 1) {
      const [dx, dy] = [column - side / 2, row - side / 2];
      const along = dx * x + dy * y;
      const across = Math.abs(dx * y - dy * x);
      // Each row begins with a byte for its filter.
      rows[row * (side + 1) + 1 + column] = along > 0 && across < side / 20 ? 1 : 0;
    }
  }
  const background = [40 + Math.round(180 * turn), 90, 200 - Math.round(150 * turn)];
  const palette = Buffer.from([...background, 255, 255, 255]);
  return pngFile(side, 8, 3, pngChunk("PLTE", palette), pngChunk("IDAT", deflateSync(rows)));
}

/**
 * Pads a PNG file with a private chunk.
 *
 * @param {Buffer} picture
 * @param {number} bytes the length of the result
 */
export function padPng(picture, bytes) {
  const end = picture.length - 12;
  const padding = pngChunk("prVt", Buffer.alloc(bytes - picture.length - 12));
  return Buffer.concat([picture.subarray(0, end), padding, picture.subarray(end)]);
}

/**
 * Renders a picture by the command. The result has in `stored` what the command's `--bulk` writes
 * for KV, by key.
 *
 * @param {string | Buffer} icon the path of a picture, or its bytes
 * @param {string[]} flags further arguments of `rotate-icon render`
 */
export async function renderedSet(icon = path.join(root, "assets/icon.png"), ...flags) {
  const out = mkdtempSync(path.join(scratch, "frames-"));
  let file = icon;
  if (typeof file !== "string") {
    writeFileSync(path.join(out, "picture"), file);
    file = path.join(out, "picture");
  }
  const bulk = path.join(out, "kv-bulk.json");
  await promisify(execFile)(command, ["render", file, "--out", out, "--bulk", bulk, ...flags]);
  /** @type {{ key: string, value: string, base64?: boolean }[]} */
  const entries = JSON.parse(readFileSync(bulk, "utf8"));
  const stored = new Map(
    entries.map(({ key, value, base64 }) => [key, Buffer.from(value, base64 ? "base64" : "utf8")]),
  );
  const { id, frames, media_type: mediaType } = JSON.parse(String(stored.get("current")));
  const ending = mediaType.replace("image/", "").replace("jpeg", "jpg");
  return {
    id: /** @type {string} */ (id),
    mediaType: /** @type {string} */ (mediaType),
    stored,
    frames: Array.from({ length: frames }, (_, n) =>
      readFileSync(path.join(out, `${n}.${ending}`)),
    ),
  };
}
