/** A picture of noise, whose amplitude determines the size of the frames. */
import { deflateSync } from "node:zlib";
import { pngChunk, pngFile } from "../scripts/lib/png.js";
import { randomNumbers } from "../scripts/lib/random.js";

/** The amplitude at which a rotated frame has about 80 kB. */
export const amplitude = 40;

/**
 * Draws a PNG file of 400×400 pixels: a gradient under noise.
 *
 * @param {number} amplitude from 0 to 255
 */
export function noisyIcon(amplitude) {
  const size = 400;
  const rows = Buffer.alloc(size * (1 + size * 3));
  const random = randomNumbers(1);
  for (let y = 0, i = 0; y < size; y++) {
    rows[i++] = 0;
    for (let x = 0; x < size; x++) {
      const grey = (random() - 0.5) * amplitude;
      for (const base of [x / 2.5, y / 2.5, 96])
        rows[i++] = Math.max(0, Math.min(255, base + 48 + grey));
    }
  }
  return pngFile(size, 8, 2, pngChunk("IDAT", deflateSync(rows)));
}
