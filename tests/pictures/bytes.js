/** Bytes, bits and segments: what the files of the corpora are put together from. */
import { constants, crc32, deflateRawSync } from "node:zlib";
import { randomNumbers } from "../../scripts/lib/random.js";

/** Whole numbers from 0 below `n`, the same in every run. */
export function chance(seed = 1) {
  const next = randomNumbers(seed);
  return (n) => Math.floor(next() * n);
}

/** Bytes by chance, the same in every run. */
export function randomBytes(length, seed) {
  const next = chance(seed);
  return Buffer.from(Uint8Array.from({ length }, () => next(256)));
}

/** Bits, the lowest of a byte first, as WebP and GIF have them. */
export class LowFirst {
  #bytes = [];
  #held = 0;
  #count = 0;

  /** Appends the lowest `length` bits of a number, at most 16. */
  put(value, length) {
    this.#held |= value << this.#count;
    this.#count += length;
    while (this.#count >= 8) {
      this.#bytes.push(this.#held & 0xff);
      this.#held >>>= 8;
      this.#count -= 8;
    }
    return this;
  }

  bytes() {
    return Buffer.from([...this.#bytes, this.#held & 0xff]);
  }
}

export const u16be = (n) => Buffer.from([n >>> 8, n & 0xff]);
export const u16le = (n) => Buffer.from([n & 0xff, n >>> 8]);
export const u32be = (n) => Buffer.from([n >>> 24, (n >>> 16) & 0xff, (n >>> 8) & 0xff, n & 0xff]);
export const u32le = (n) => Buffer.from([n & 0xff, (n >>> 8) & 0xff, (n >>> 16) & 0xff, n >>> 24]);
export const ascii = (text) => Buffer.from(text, "latin1");
export const join = (...parts) =>
  Buffer.concat(
    parts.flat(Infinity).map((part) => (typeof part === "number" ? Buffer.of(part) : part)),
  );
export const repeat = (times, part) => Buffer.alloc(times * part.length, part);

/** So many zeros as zlib has them, a thousandth of their length; made in no time, however many they are. */
export function zlibZeros(bytes) {
  const million = 1_000_000;
  const piece = deflateRawSync(Buffer.alloc(million), {
    level: 9,
    finishFlush: constants.Z_FULL_FLUSH,
  });
  const rest = deflateRawSync(Buffer.alloc(bytes % million), { level: 9 });
  // Adler-32 of zeros: the first sum stays 1, the second counts.
  return join(
    0x78,
    0xda,
    repeat(Math.floor(bytes / million), piece),
    rest,
    u16be(bytes % 65_521),
    u16be(1),
  );
}

// --- JPEG (T.81) ----------------------------------------------------------

export const SOI = Buffer.of(0xff, 0xd8);
export const EOI = Buffer.of(0xff, 0xd9);

/** A marker with its segment. */
export const jpegSegment = (marker, ...parts) => {
  const data = join(parts);
  return join(0xff, marker, u16be(data.length + 2), data);
};

/** A frame's header; a component is its identifier and two sampling factors. */
export const jpegFrame = (marker, width, height, components = [[1, 1, 1]], precision = 8) =>
  jpegSegment(
    marker,
    precision,
    u16be(height),
    u16be(width),
    components.length,
    components.map(([id, h, v]) => Buffer.of(id, (h << 4) | v, 0)),
  );

/** A scan's header. */
export const jpegScan = (ids = [1], [from, to, high, low] = [0, 63, 0, 0]) =>
  jpegSegment(
    0xda,
    ids.length,
    ids.map((id) => Buffer.of(id, 0)),
    from,
    to,
    (high << 4) | low,
  );

/** A quantisation table of ones. */
export const jpegQuantisation = jpegSegment(0xdb, 0, Buffer.alloc(64, 1));

/** Huffman tables of one code of one bit each, of a DC and of an AC symbol. */
export const jpegTables = (dc = 0, ac = 0) => {
  const counts = Buffer.from([1, ...Array(15).fill(0)]);
  return join(jpegSegment(0xc4, 0x00, counts, dc), jpegSegment(0xc4, 0x10, counts, ac));
};

/** Puts segments in behind the start of a JPEG file. */
export const withSegments = (jpeg, ...segments) => join(SOI, segments, jpeg.subarray(2));

/** The segments of a profile, cut as the ICC says (Annex B.4), or with these numbers. */
export function iccSegments(profile, { size = 65_519, total } = {}) {
  const count = Math.ceil(profile.length / size);
  return Array.from({ length: count }, (_, i) =>
    jpegSegment(
      0xe2,
      ascii("ICC_PROFILE\0"),
      (i + 1) & 0xff,
      (total ?? count) & 0xff,
      profile.subarray(i * size, (i + 1) * size),
    ),
  );
}

// --- EXIF -----------------------------------------------------------------

/** An entry of an EXIF directory: the value in place, or an offset. */
const exifEntry = (tag, type, count, value) => join(u16be(tag), u16be(type), u32be(count), value);

/**
 * EXIF data with an orientation and, if there is a thumbnail, a second directory
 * that points to it; `next` is where the first directory says that the next one is.
 */
export function exif(orientation, { thumbnail, next } = {}) {
  const first = join(u16be(1), exifEntry(0x0112, 3, 1, join(u16be(orientation), u16be(0))));
  const second = 8 + first.length + 4;
  const start = join(
    ascii("MM"),
    u16be(42),
    u32be(8),
    first,
    u32be(next ?? (thumbnail ? second : 0)),
  );
  if (!thumbnail) return start;
  const data = second + 2 + 3 * 12 + 4;
  return join(
    start,
    u16be(3),
    exifEntry(0x0103, 3, 1, join(u16be(6), u16be(0))),
    exifEntry(0x0201, 4, 1, u32be(data)),
    exifEntry(0x0202, 4, 1, u32be(thumbnail.length)),
    u32be(0),
    thumbnail,
  );
}

/** EXIF data as a JPEG file has it. */
export const exifSegment = (data) => jpegSegment(0xe1, ascii("Exif\0\0"), data);

// --- PNG ------------------------------------------------------------------

export const pngSignature = Buffer.from("89504e470d0a1a0a", "hex");

/** A chunk; the length and the checksum may be wrong. */
export function pngChunk(type, data = Buffer.alloc(0), { length = data.length, crc } = {}) {
  const body = join(ascii(type), data);
  return join(u32be(length), body, u32be(crc ?? crc32(body)));
}

export const pngHeader = (width, height, depth = 8, colour = 2, interlace = 0) =>
  pngChunk("IHDR", join(u32be(width), u32be(height), depth, colour, 0, 0, interlace));

export const png = (...chunks) => join(pngSignature, chunks, pngChunk("IEND"));

/** Puts chunks in before the pixels of a PNG file, behind its header. */
export const withChunks = (file, ...chunks) =>
  join(file.subarray(0, 33), chunks, file.subarray(33));

// --- WebP (RFC 9649) --------------------------------------------------------

export const riffChunk = (type, ...parts) => {
  const data = join(parts);
  return join(ascii(type), u32le(data.length), data, data.length % 2 ? 0 : []);
};

export const webp = (...chunks) => riffChunk("RIFF", ascii("WEBP"), chunks);

const u24le = (n) => Buffer.from([n & 0xff, (n >>> 8) & 0xff, (n >>> 16) & 0xff]);

/** The header of an extended file; the flags say what is in it. */
export const webpHeader = (flags, width, height) =>
  riffChunk("VP8X", flags, 0, 0, 0, u24le(width - 1), u24le(height - 1));

/** A frame of an animation. */
export const webpFrame = ([left, top, width, height], ...chunks) =>
  riffChunk(
    "ANMF",
    u24le(left / 2),
    u24le(top / 2),
    u24le(width - 1),
    u24le(height - 1),
    u24le(100),
    0,
    chunks,
  );

// --- GIF --------------------------------------------------------------------

/** Data in blocks of at most 255 bytes. */
export function gifBlocks(data) {
  const blocks = [];
  for (let at = 0; at < data.length; at += 255) {
    const block = data.subarray(at, at + 255);
    blocks.push(Buffer.of(block.length), block);
  }
  return join(blocks, 0);
}

/** A file with a global palette of two colours. */
export const gif = (width, height, ...parts) =>
  join(
    ascii("GIF89a"),
    u16le(width),
    u16le(height),
    0x80,
    0,
    0,
    Buffer.from("ff00000000ff", "hex"),
    parts,
    0x3b,
  );

/** A picture; its data are codes of LZW as they are. */
export const gifImage = ([left, top, width, height], codes, { bits = 2, flags = 0 } = {}) =>
  join(0x2c, u16le(left), u16le(top), u16le(width), u16le(height), flags, bits, gifBlocks(codes));
