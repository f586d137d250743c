/** Bytes, bits and segments, of which the files of the corpora are made. */
import { constants, crc32, deflateRawSync } from "node:zlib";
import { randomNumbers } from "../../scripts/lib/random.js";

/**
 * Returns a function that gives a random whole number from 0 up to but not including `n`; the same
 * numbers in every run.
 */
export function chance(seed = 1) {
  const next = randomNumbers(seed);
  return (/** @type {number} */ n) => Math.floor(next() * n);
}

/**
 * Returns random bytes, the same in every run.
 *
 * @param {number} length
 * @param {number} seed
 */
export function randomBytes(length, seed) {
  const next = chance(seed);
  return Buffer.from(Uint8Array.from({ length }, () => next(256)));
}

/** Writes bits, the lowest of a byte first, as in WebP and GIF. */
export class LowFirst {
  /** @type {number[]} */
  #bytes = [];
  #held = 0;
  #count = 0;

  /**
   * Appends the lowest `length` bits of a number, at most 16.
   *
   * @param {number} value
   * @param {number} length
   */
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

/** @param {number} n */
export const u16be = (n) => Buffer.from([n >>> 8, n & 0xff]);
/** @param {number} n */
export const u16le = (n) => Buffer.from([n & 0xff, n >>> 8]);
/** @param {number} n */
export const u32be = (n) => Buffer.from([n >>> 24, (n >>> 16) & 0xff, (n >>> 8) & 0xff, n & 0xff]);
/** @param {number} n */
export const u32le = (n) => Buffer.from([n & 0xff, (n >>> 8) & 0xff, (n >>> 16) & 0xff, n >>> 24]);
/** @param {string} text */
export const ascii = (text) => Buffer.from(text, "latin1");

/** @typedef {number | Uint8Array | Part[]} Part a byte, or bytes, or some of them */

/**
 * Joins parts of a file.
 *
 * @param {Part[]} parts
 */
export const join = (...parts) => Buffer.concat(parts.flatMap(chunksOf));

/**
 * @param {Part} part
 * @returns {Uint8Array[]}
 */
function chunksOf(part) {
  if (typeof part === "number") return [Buffer.of(part)];
  return Array.isArray(part) ? part.flatMap(chunksOf) : [part];
}

/**
 * Repeats bytes.
 *
 * @param {number} times
 * @param {Buffer} part
 */
export const repeat = (times, part) => Buffer.alloc(times * part.length, part);

/**
 * Compresses zeros for zlib, to about a thousandth of their length. It is quick for any number.
 *
 * @param {number} bytes
 */
export function zlibZeros(bytes) {
  const million = 1_000_000;
  const piece = deflateRawSync(Buffer.alloc(million), {
    level: 9,
    finishFlush: constants.Z_FULL_FLUSH,
  });
  const rest = deflateRawSync(Buffer.alloc(bytes % million), { level: 9 });
  // Adler-32 of zeros: the first sum stays 1, the second one counts.
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

/**
 * Writes a marker with its segment.
 *
 * @param {number} marker
 * @param {Part[]} parts
 */
export const jpegSegment = (marker, ...parts) => {
  const data = join(parts);
  return join(0xff, marker, u16be(data.length + 2), data);
};

/**
 * Writes a frame's header. A component is its identifier and two sampling factors.
 *
 * @param {number} marker
 * @param {number} width
 * @param {number} height
 */
export const jpegFrame = (marker, width, height, components = [[1, 1, 1]], precision = 8) =>
  jpegSegment(
    marker,
    precision,
    u16be(height),
    u16be(width),
    components.length,
    components.map(([id, h, v]) => Buffer.of(id, (h << 4) | v, 0)),
  );

/** Writes a scan's header. */
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

/** Writes two Huffman tables with one code of one bit each, for a DC and for an AC symbol. */
export const jpegTables = (dc = 0, ac = 0) => {
  const counts = Buffer.from([1, ...Array(15).fill(0)]);
  return join(jpegSegment(0xc4, 0x00, counts, dc), jpegSegment(0xc4, 0x10, counts, ac));
};

/**
 * Inserts segments after the start of a JPEG file.
 *
 * @param {Buffer} jpeg
 * @param {Part[]} segments
 */
export const withSegments = (jpeg, ...segments) => join(SOI, segments, jpeg.subarray(2));

/**
 * Splits a profile into segments (ICC.1:2022, Annex B.4).
 *
 * @param {Buffer} profile
 * @param {object} options
 * @param {number} [options.size] of a segment's part of the profile
 * @param {number} [options.total] how many segments they say there are
 */
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

/**
 * Writes an entry of an EXIF directory.
 *
 * @param {number} tag
 * @param {number} type
 * @param {number} count
 * @param {Buffer} value the value itself, or its offset
 */
const exifEntry = (tag, type, count, value) => join(u16be(tag), u16be(type), u32be(count), value);

/**
 * Writes EXIF data with an orientation.
 *
 * @param {number} orientation
 * @param {object} options
 * @param {Buffer} [options.thumbnail] adds a second directory that points to it
 * @param {number} [options.next] where the first directory says that the next one is
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

/**
 * Writes EXIF data as a segment of a JPEG file.
 *
 * @param {Buffer} data
 */
export const exifSegment = (data) => jpegSegment(0xe1, ascii("Exif\0\0"), data);

// --- PNG ------------------------------------------------------------------

export const pngSignature = Buffer.from("89504e470d0a1a0a", "hex");

/**
 * Writes a chunk.
 *
 * @param {string} type
 * @param {Uint8Array} data
 * @param {{ length?: number, crc?: number }} options what it says instead of the right values
 */
export function pngChunk(type, data = Buffer.alloc(0), { length = data.length, crc } = {}) {
  const body = join(ascii(type), data);
  return join(u32be(length), body, u32be(crc ?? crc32(body)));
}

/**
 * Writes the header chunk.
 *
 * @param {number} width
 * @param {number} height
 */
export const pngHeader = (width, height, depth = 8, colour = 2, interlace = 0) =>
  pngChunk("IHDR", join(u32be(width), u32be(height), depth, colour, 0, 0, interlace));

/** Writes a PNG file. @param {Part[]} chunks */
export const png = (...chunks) => join(pngSignature, chunks, pngChunk("IEND"));

/**
 * Inserts chunks after the header of a PNG file.
 *
 * @param {Buffer} file
 * @param {Part[]} chunks
 */
export const withChunks = (file, ...chunks) =>
  join(file.subarray(0, 33), chunks, file.subarray(33));

// --- WebP (RFC 9649) --------------------------------------------------------

/**
 * Writes a chunk of a RIFF file.
 *
 * @param {string} type
 * @param {Part[]} parts
 */
export const riffChunk = (type, ...parts) => {
  const data = join(parts);
  return join(ascii(type), u32le(data.length), data, data.length % 2 ? 0 : []);
};

/** Writes a WebP file. @param {Part[]} chunks */
export const webp = (...chunks) => riffChunk("RIFF", ascii("WEBP"), chunks);

/** @param {number} n */
const u24le = (n) => Buffer.from([n & 0xff, (n >>> 8) & 0xff, (n >>> 16) & 0xff]);

/**
 * Writes the header of an extended file.
 *
 * @param {number} flags what the file contains
 * @param {number} width
 * @param {number} height
 */
export const webpHeader = (flags, width, height) =>
  riffChunk("VP8X", flags, 0, 0, 0, u24le(width - 1), u24le(height - 1));

/**
 * Writes a frame of an animation.
 *
 * @param {number[]} place left, top, width and height
 * @param {Part[]} chunks
 */
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

/**
 * Splits data into blocks of at most 255 bytes.
 *
 * @param {Uint8Array} data
 */
export function gifBlocks(data) {
  /** @type {Uint8Array[]} */
  const blocks = [];
  for (let at = 0; at < data.length; at += 255) {
    const block = data.subarray(at, at + 255);
    blocks.push(Buffer.of(block.length), block);
  }
  return join(blocks, 0);
}

/**
 * Writes a GIF file with a global palette of two colours.
 *
 * @param {number} width
 * @param {number} height
 * @param {Part[]} parts
 */
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

/**
 * Writes a picture.
 *
 * @param {number[]} place left, top, width and height
 * @param {Uint8Array} codes of LZW
 */
export const gifImage = ([left, top, width, height], codes, { bits = 2, flags = 0 } = {}) =>
  join(0x2c, u16le(left), u16le(top), u16le(width), u16le(height), flags, bits, gifBlocks(codes));
