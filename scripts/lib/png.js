/** Writes PNG files, for benchmarks and tests that draw their own pictures. */
import { crc32 } from "node:zlib";

/**
 * Returns a square PNG file.
 *
 * @param {number} side in pixels
 * @param {number} depth bits a sample
 * @param {number} colourType as in the header: 0 grey, 2 RGB, 3 palette, 6 RGBA
 * @param {Buffer[]} chunks those between the first and the last
 */
export function pngFile(side, depth, colourType, ...chunks) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([depth, colourType], 8);
  const signature = Buffer.from("89504e470d0a1a0a", "hex");
  return Buffer.concat([
    signature,
    pngChunk("IHDR", header),
    ...chunks,
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

/**
 * Returns one chunk of a PNG file.
 *
 * @param {string} type
 * @param {Uint8Array} data
 */
export function pngChunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(data.length, 0);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}
