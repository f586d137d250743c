/** A picture whose frames weigh about as much as is asked for. */
import { crc32, deflateSync } from "node:zlib";

/** A 400×400 PNG file: a gradient under noise of an amplitude from 0 to 255. */
export function noisyIcon(amplitude) {
  const size = 400;
  const rows = Buffer.alloc(size * (1 + size * 3));
  // Numerical Recipes' generator: the same noise in every run.
  let state = 1;
  const noise = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5;
  for (let y = 0, i = 0; y < size; y++) {
    rows[i++] = 0;
    for (let x = 0; x < size; x++) {
      const grey = noise() * amplitude;
      for (const base of [x / 2.5, y / 2.5, 96]) rows[i++] = Math.max(0, Math.min(255, base + 48 + grey));
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
