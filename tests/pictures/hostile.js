/**
 * Files that crash, exhaust or stall decoders, as an attacker sends them or a broken disk leaves
 * them. All are made here, in some seconds. None is larger than the Worker accepts.
 */
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import {
  EOI,
  LowFirst,
  SOI,
  ascii,
  chance,
  exif,
  exifSegment,
  gif,
  gifBlocks,
  gifImage,
  iccSegments,
  jpegFrame,
  jpegQuantisation,
  jpegScan,
  jpegSegment,
  jpegTables,
  join,
  png,
  pngChunk,
  pngHeader,
  randomBytes,
  repeat,
  riffChunk,
  u16be,
  u16le,
  u32be,
  webp,
  webpFrame,
  webpHeader,
  withChunks,
  withSegments,
  zlibZeros,
} from "./bytes.js";
import { wildProfiles } from "./icc.js";
import { webpOfGroups } from "./vp8l.js";

/** The size of the longest file, in bytes. */
const LONGEST = 10_000_000;
const SIDE = 65_535;

/** @typedef {import("./bytes.js").Part} Part */

/**
 * Repeats a part until the file is as long as it may be, with room for what is around it.
 *
 * @param {Buffer} part
 */
const flood = (part, length = LONGEST - 20_000) => repeat(Math.floor(length / part.length), part);

/** @param {Buffer} bytes */
const zlib = (bytes) => deflateSync(bytes, { level: 9 });

/** A small picture as sharp's input: a gradient under some shapes. */
const small = (width = 40, height = 30) =>
  sharp(
    Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 40 30" preserveAspectRatio="none">
      <linearGradient id="g" x2="1" y2="1"><stop stop-color="#fc7"/><stop offset="1" stop-color="#247"/></linearGradient>
      <rect width="40" height="30" fill="url(#g)"/><circle cx="12" cy="11" r="7" fill="#d33"/><path d="M18 26 L25 9 L37 22 Z" fill="#fff"/>
    </svg>`),
  );

// --- JPEG -------------------------------------------------------------------

/**
 * Writes the data of blocks, each of two codes of one bit: no difference, and the block's end.
 *
 * @param {number} blocks
 */
const emptyBlocks = (blocks) => Buffer.alloc(Math.ceil((2 * blocks) / 8));

/**
 * A whole grey JPEG file that is all one grey: few bytes for many pixels.
 *
 * @param {number} width
 * @param {number} height
 */
const flatJpeg = (width, height) =>
  join(
    SOI,
    jpegQuantisation,
    jpegFrame(0xc0, width, height),
    jpegTables(),
    jpegScan(),
    emptyBlocks(Math.ceil(width / 8) * Math.ceil(height / 8)),
    EOI,
  );

/**
 * A progressive file of so many scans of a component, each of which says in a few
 * bits that all its blocks are empty. A decoder that looks at each block once a
 * scan has no end of work.
 *
 * @param {number} width
 * @param {number} height
 * @param {number} scans
 */
function manyScans(width, height, scans, [from, to, high, low] = [1, 63, 0, 0]) {
  const blocks = Math.ceil(width / 8) * Math.ceil(height / 8);
  // DC takes one bit a block. In AC, a run of 2^15 − 1 empty blocks is a bit and 14 bits of ones.
  const run = `0${"1".repeat(14)}`;
  const bits = run
    .repeat(Math.ceil(blocks / 32_767))
    .padEnd(8 * Math.ceil((15 * Math.ceil(blocks / 32_767)) / 8), "1");
  const data = Buffer.from([...bits.matchAll(/.{8}/g)].map(([byte]) => parseInt(byte, 2)))
    .toString("latin1")
    .replaceAll("\xff", "\xff\0");
  const scan = join(jpegScan([1], [from, to, high, low]), ascii(data));
  const start = join(
    SOI,
    jpegQuantisation,
    jpegFrame(0xc2, width, height),
    jpegTables(0, 0xe0),
    jpegScan([1], [0, 0, 0, 0]),
    Buffer.alloc(Math.ceil(blocks / 8)),
  );
  return join(start, repeat(scans, scan), EOI);
}

async function jpegs() {
  const photo = await small().jpeg({ chromaSubsampling: "4:2:0" }).toBuffer();
  const progressive = await small().jpeg({ progressive: true }).toBuffer();
  const grey = await small().toColourspace("b-w").jpeg().toBuffer();
  const scan = photo.indexOf(Buffer.of(0xff, 0xda));
  const sof = photo.indexOf(Buffer.of(0xff, 0xc0));
  /**
   * @param {Buffer} file
   * @param {number} at
   * @param {number[]} values
   */
  const changed = (file, at, ...values) => {
    const copy = Buffer.from(file);
    copy.set(values, at);
    return copy;
  };
  /** @type {Record<string, Buffer>} */
  const files = {
    "65535² and no data": join(
      SOI,
      jpegQuantisation,
      jpegFrame(0xc0, SIDE, SIDE),
      jpegTables(),
      jpegScan(),
      EOI,
    ),
    "65535² in colour, progressive, and no data": join(
      SOI,
      jpegQuantisation,
      jpegFrame(0xc2, SIDE, SIDE, [
        [1, 2, 2],
        [2, 1, 1],
        [3, 1, 1],
      ]),
      jpegTables(),
      jpegScan([1, 2, 3], [0, 0, 0, 0]),
      EOI,
    ),
    "65535×1": flatJpeg(SIDE, 1),
    "1×65535": flatJpeg(1, SIDE),
    "65535×64": flatJpeg(SIDE, 64),
    "48 megapixels and no data": join(
      SOI,
      jpegQuantisation,
      jpegFrame(0xc0, 8064, 6048),
      jpegTables(),
      jpegScan(),
      EOI,
    ),
    "12 megapixels, progressive, and no data": join(
      SOI,
      jpegQuantisation,
      jpegFrame(0xc2, 4000, 3000),
      jpegTables(),
      jpegScan([1], [0, 0, 0, 0]),
      EOI,
    ),
    "400 megapixels of grey in 1.6 MB": flatJpeg(20_000, 20_000),
    "2,500 megapixels of grey in 9.8 MB": flatJpeg(50_000, 50_000),
    "12 megapixels, 1,000 progressive scans": manyScans(4000, 3000, 1_000),
    "12 megapixels, 1,000 refining scans": manyScans(4000, 3000, 1_000, [1, 63, 1, 0]),
    "12 megapixels, 20,000 progressive scans": manyScans(4000, 3000, 20_000),
    "12 megapixels, 350,000 progressive scans": manyScans(4000, 3000, 350_000),
    "16×16, 700,000 progressive scans": manyScans(16, 16, 700_000),
    "100,000 restart intervals": withSegments(photo, flood(jpegSegment(0xdd, u16be(1)), 600_000)),
    "restart intervals to the limit": withSegments(photo, flood(jpegSegment(0xdd, u16be(1)))),
    "a restart interval of one block and no restart": join(
      photo.subarray(0, scan),
      jpegSegment(0xdd, u16be(1)),
      photo.subarray(scan),
    ),
    "restarts to the limit": join(photo.subarray(0, -2), flood(Buffer.of(0xff, 0xd0)), EOI),
    "restarts out of order": join(
      photo.subarray(0, scan),
      jpegSegment(0xdd, u16be(1)),
      photo.subarray(scan, -2),
      flood(Buffer.of(0xff, 0xd5), 2_000),
      EOI,
    ),
    "fill bytes to the limit": join(
      photo.subarray(0, scan),
      flood(Buffer.of(0xff)),
      photo.subarray(scan),
    ),
    "stuffed bytes to the limit": join(photo.subarray(0, -2), flood(Buffer.of(0xff, 0x00)), EOI),
    "Huffman tables to the limit": withSegments(photo, flood(jpegTables())),
    "quantisation tables to the limit": withSegments(photo, flood(jpegQuantisation)),
    "frames to the limit": withSegments(photo, flood(jpegFrame(0xc0, 2000, 2000))),
    "comments to the limit": withSegments(photo, flood(jpegSegment(0xfe))),
    "starts to the limit": join(flood(SOI), photo),
    "scans without data to the limit": join(
      photo.subarray(0, scan),
      flood(jpegScan([1, 2, 3])),
      EOI,
    ),
    "two frames": withSegments(photo, jpegFrame(0xc2, 5000, 10)),
    "no frame": join(SOI, jpegQuantisation, jpegTables(), jpegScan(), emptyBlocks(100), EOI),
    "no tables": join(SOI, jpegFrame(0xc0, 16, 16), jpegScan(), emptyBlocks(4), EOI),
    "no components": join(
      SOI,
      jpegQuantisation,
      jpegFrame(0xc0, 16, 16, []),
      jpegTables(),
      jpegScan([]),
      EOI,
    ),
    "255 components": join(
      SOI,
      jpegQuantisation,
      jpegFrame(
        0xc0,
        16,
        16,
        Array.from({ length: 255 }, (_, i) => [i, 1, 1]),
      ),
      jpegTables(),
      jpegScan(),
      emptyBlocks(4),
      EOI,
    ),
    "one component three times": join(
      SOI,
      jpegQuantisation,
      jpegFrame(0xc0, 16, 16, [
        [1, 1, 1],
        [1, 1, 1],
        [1, 1, 1],
      ]),
      jpegTables(),
      jpegScan([1, 1, 1]),
      emptyBlocks(40),
      EOI,
    ),
    "sampling by nothing": join(
      SOI,
      jpegQuantisation,
      jpegFrame(0xc0, 16, 16, [
        [1, 0, 0],
        [2, 1, 1],
        [3, 1, 1],
      ]),
      jpegTables(),
      jpegScan([1, 2, 3]),
      emptyBlocks(40),
      EOI,
    ),
    "sampling by 15": join(
      SOI,
      jpegQuantisation,
      jpegFrame(0xc0, 3000, 3000, [
        [1, 15, 15],
        [2, 1, 1],
        [3, 1, 1],
      ]),
      jpegTables(),
      jpegScan([1, 2, 3]),
      emptyBlocks(400),
      EOI,
    ),
    "luma coarser than chroma": join(
      SOI,
      jpegQuantisation,
      jpegFrame(0xc0, 64, 64, [
        [1, 1, 1],
        [2, 4, 4],
        [3, 4, 4],
      ]),
      jpegTables(),
      jpegScan([1, 2, 3]),
      emptyBlocks(4_000),
      EOI,
    ),
    "sampling of 3 beside 2": join(
      SOI,
      jpegQuantisation,
      jpegFrame(0xc0, 50, 50, [
        [1, 3, 1],
        [2, 2, 1],
        [3, 1, 2],
      ]),
      jpegTables(),
      jpegScan([1, 2, 3]),
      emptyBlocks(4_000),
      EOI,
    ),
    "no height, to be told later": changed(photo, sof + 5, 0, 0),
    "12 bits": join(
      SOI,
      jpegQuantisation,
      jpegFrame(0xc1, 16, 16, [[1, 1, 1]], 12),
      jpegTables(),
      jpegScan(),
      emptyBlocks(4),
      EOI,
    ),
    "0 bits": changed(photo, sof + 4, 0),
    lossless: changed(photo, sof + 1, 0xc3),
    hierarchical: changed(photo, sof + 1, 0xc5),
    "arithmetic coding": changed(photo, sof + 1, 0xc9),
    "arithmetic coding, progressive": changed(
      progressive,
      progressive.indexOf(Buffer.of(0xff, 0xc2)) + 1,
      0xca,
    ),
    "a scan of what is not there": join(
      photo.subarray(0, scan),
      jpegScan([9]),
      emptyBlocks(400),
      EOI,
    ),
    "a scan from 63 to 1": join(
      SOI,
      jpegQuantisation,
      jpegFrame(0xc2, 16, 16),
      jpegTables(),
      jpegScan([1], [63, 1, 0, 0]),
      emptyBlocks(4),
      EOI,
    ),
    "a scan from 0 to 255": join(
      SOI,
      jpegQuantisation,
      jpegFrame(0xc2, 16, 16),
      jpegTables(),
      jpegScan([1], [0, 255, 15, 15]),
      emptyBlocks(4),
      EOI,
    ),
    "a Huffman table of 256 codes a length": withSegments(
      photo,
      jpegSegment(0xc4, 0x00, Buffer.alloc(16, 255), Buffer.alloc(4080)),
    ),
    "a Huffman table that stops": withSegments(photo, jpegSegment(0xc4, 0x00, Buffer.alloc(16, 1))),
    "a segment longer than the file": join(
      photo.subarray(0, 2),
      Buffer.from("ffe1ffff", "hex"),
      photo.subarray(2),
    ),
    "a segment of no length": join(
      photo.subarray(0, 2),
      Buffer.from("ffe10000", "hex"),
      photo.subarray(2),
    ),
    "a film behind it": join(photo, u32be(24), ascii("ftypmp42"), randomBytes(2_000_000, 5)),
    "another JPEG behind it": join(photo, photo, grey),
    "garbage behind it, of JPEG's markers": join(
      photo,
      flood(Buffer.of(0xff, 0xda, 0xff, 0xd9), 4_000_000),
    ),
    "a thumbnail": withSegments(
      photo,
      exifSegment(exif(6, { thumbnail: await small(160, 120).jpeg().toBuffer() })),
    ),
    "a thumbnail that is cut off": withSegments(
      photo,
      exifSegment(exif(3, { thumbnail: grey.subarray(0, 100) })),
    ),
    "a thumbnail of 65535²": withSegments(
      photo,
      exifSegment(exif(1, { thumbnail: flatJpeg(SIDE, 8) })),
    ),
    "only a thumbnail": join(SOI, exifSegment(exif(6, { thumbnail: photo })), EOI),
    "EXIF that goes round": withSegments(photo, exifSegment(exif(6, { next: 8 }))),
    "EXIF whose next directory lies outside": withSegments(
      photo,
      exifSegment(exif(6, { next: 0xfffffff0 })),
    ),
    "EXIF of 65,535 entries": withSegments(
      photo,
      exifSegment(join(ascii("MM"), u16be(42), u32be(8), u16be(SIDE), randomBytes(60_000, 3))),
    ),
    "EXIF to the limit": withSegments(
      photo,
      flood(exifSegment(join(exif(6, { next: 8 }), Buffer.alloc(60_000)))),
    ),
    "orientation 0": withSegments(photo, exifSegment(exif(0))),
    "orientation 65535": withSegments(photo, exifSegment(exif(SIDE))),
    "Adobe's marker with no sense": withSegments(
      photo,
      jpegSegment(0xee, ascii("Adobe"), Buffer.alloc(7, 255)),
    ),
    "profile segments that lack the others": withSegments(
      photo,
      iccSegments(randomBytes(70_000, 9), { total: 200 }),
    ),
    "profile segments of no number": withSegments(
      photo,
      iccSegments(randomBytes(70_000, 9), { total: 0 }),
    ),
    "profile segments to the limit": withSegments(
      photo,
      repeat(150, iccSegments(Buffer.alloc(65_000), { total: 255 })[0]),
    ),
  };
  for (const [name, profile] of Object.entries(wildProfiles())) {
    files[`a profile: ${name}`] = withSegments(photo, iccSegments(profile));
    if (name.includes("CMYK")) {
      const cmyk = await small().toColourspace("cmyk").jpeg().toBuffer();
      files[`CMYK with a profile: ${name}`] = withSegments(cmyk, iccSegments(profile));
    }
  }
  return files;
}

// --- PNG --------------------------------------------------------------------

async function pngs() {
  const photo = await small().png().toBuffer();
  /**
   * @param {number} width
   * @param {number} height
   */
  const flat = (width, height, channels = 3) => zlibZeros((1 + width * channels) * height);
  /** @param {Buffer} bytes */
  const idat = (bytes) => pngChunk("IDAT", bytes);
  /** @param {Buffer} bytes */
  const profile = (bytes) => pngChunk("iCCP", join(ascii("x\0\0"), bytes));
  const empty = idat(Buffer.alloc(0));
  /** @type {Record<string, Buffer>} */
  const files = {
    "65535² and no data": png(pngHeader(SIDE, SIDE)),
    "2147483647² and no data": png(pngHeader(0x7fffffff, 0x7fffffff, 16, 6)),
    "4294967295² and no data": png(pngHeader(0xffffffff, 0xffffffff, 1, 0)),
    "4K and no data": png(pngHeader(3840, 2160, 8, 6), idat(Buffer.alloc(0))),
    "4K and no data, interlaced": png(pngHeader(3840, 2160, 8, 6, 1), idat(Buffer.alloc(0))),
    "16 pixels that unfold to 1 GB": png(pngHeader(4, 4), idat(zlibZeros(1_000_000_000))),
    "16 pixels that unfold to 9 GB": png(pngHeader(4, 4), idat(zlibZeros(9_000_000_000))),
    "4K of nothing in 36 kB": png(pngHeader(3840, 2160, 8, 6), idat(flat(3840, 2160, 4))),
    "400 megapixels in 400 kB": png(pngHeader(20_000, 20_000, 8, 0), idat(flat(20_000, 20_000, 1))),
    "10,000,000×1": png(pngHeader(10_000_000, 1), idat(flat(10_000_000, 1))),
    "1×10,000,000": png(pngHeader(1, 10_000_000), idat(flat(1, 10_000_000))),
    "1×6,000,000, interlaced": png(pngHeader(1, 6_000_000, 8, 0, 1), idat(flat(1, 6_000_000, 1))),
    "1 bit, 400 megapixels": png(pngHeader(20_000, 20_000, 1, 0), idat(zlibZeros(20_000 * 2_501))),
    "a profile that unfolds to 500 MB": withChunks(photo, profile(zlibZeros(500_000_000))),
    "profiles to the limit": withChunks(photo, flood(profile(zlibZeros(1_000_000)))),
    "a compressed text that unfolds to 500 MB": withChunks(
      photo,
      pngChunk("zTXt", join(ascii("x\0\0"), zlibZeros(500_000_000))),
    ),
    "compressed texts to the limit": withChunks(
      photo,
      flood(pngChunk("zTXt", join(ascii("x\0\0"), zlibZeros(1_000_000)))),
    ),
    "an international text that unfolds to 500 MB": withChunks(
      photo,
      pngChunk("iTXt", join(ascii("x\0\x01\0\0\0"), zlibZeros(500_000_000))),
    ),
    "texts to the limit": withChunks(photo, flood(pngChunk("tEXt", ascii("a\0b")))),
    "unknown chunks to the limit": withChunks(photo, flood(pngChunk("abCd"))),
    "empty IDAT to the limit": png(pngHeader(40, 30), flood(empty)),
    "empty IDAT to the limit before the pixels": png(
      pngHeader(4, 4, 8, 0),
      flood(empty),
      idat(flat(4, 4, 1)),
    ),
    "IDAT of one byte each": png(
      pngHeader(300, 300),
      [...flat(300, 300)].map((byte) => idat(Buffer.of(byte))),
    ),
    "pixels, text, pixels": png(
      pngHeader(4, 4, 8, 0),
      idat(flat(4, 4, 1).subarray(0, 5)),
      pngChunk("tEXt", ascii("a\0b")),
      idat(flat(4, 4, 1).subarray(5)),
    ),
    "EXIF of 9 MB": withChunks(photo, pngChunk("eXIf", join(exif(6), Buffer.alloc(9_000_000)))),
    "EXIF that goes round": withChunks(photo, pngChunk("eXIf", exif(6, { next: 8 }))),
    "EXIF behind the pixels, to the limit": png(
      pngHeader(4, 4, 8, 0),
      idat(flat(4, 4, 1)),
      flood(pngChunk("eXIf", exif(6))),
    ),
    "a palette of nothing": png(pngHeader(40, 30, 8, 3), pngChunk("PLTE"), idat(flat(40, 30, 1))),
    "no palette": png(pngHeader(40, 30, 8, 3), idat(flat(40, 30, 1))),
    "a palette that is too short": png(
      pngHeader(40, 30, 8, 3),
      pngChunk("PLTE", Buffer.alloc(3)),
      idat(zlib(Buffer.alloc(41 * 30, 7))),
    ),
    "a palette of 9 MB": png(
      pngHeader(40, 30, 8, 3),
      pngChunk("PLTE", Buffer.alloc(9_000_000)),
      idat(flat(40, 30, 1)),
    ),
    "transparency of 9 MB": withChunks(photo, pngChunk("tRNS", Buffer.alloc(9_000_000))),
    "filters that do not exist": png(pngHeader(40, 30), idat(zlib(Buffer.alloc(121 * 30, 9)))),
    "colour type 7": png(pngHeader(40, 30, 8, 7), idat(flat(40, 30))),
    "3 bits": png(pngHeader(40, 30, 3, 0), idat(flat(40, 30, 1))),
    "interlacing 2": png(pngHeader(40, 30, 8, 2, 2), idat(flat(40, 30))),
    "two headers": withChunks(photo, pngHeader(9_000, 9_000)),
    "a chunk longer than the file": withChunks(
      photo,
      pngChunk("tEXt", Buffer.alloc(4), { length: 0xfffffff0 }),
    ),
    "checksums that are wrong": png(pngHeader(40, 30), pngChunk("IDAT", flat(40, 30), { crc: 1 })),
    "an animation whose frame is larger": withChunks(
      photo,
      pngChunk("acTL", join(u32be(2), u32be(0))),
      pngChunk(
        "fcTL",
        join(u32be(0), u32be(60_000), u32be(60_000), u32be(0), u32be(0), Buffer.alloc(6)),
      ),
    ),
    "an animation whose frame lies outside": withChunks(
      photo,
      pngChunk("acTL", join(u32be(2), u32be(0))),
      pngChunk(
        "fcTL",
        join(u32be(0), u32be(40), u32be(30), u32be(0xffffffff), u32be(0xffffffff), Buffer.alloc(6)),
      ),
    ),
    "an animation of frames to the limit": withChunks(
      photo,
      pngChunk("acTL", join(u32be(0x7fffffff), u32be(0))),
      flood(pngChunk("fcTL", Buffer.alloc(26)), 5_000_000),
    ),
    "garbage behind it": join(photo, randomBytes(2_000_000, 6)),
    "another PNG behind it": join(photo, photo),
  };
  for (const [name, wild] of Object.entries(wildProfiles()))
    files[`a profile: ${name}`] = withChunks(photo, profile(zlib(wild)));
  return files;
}

// --- GIF --------------------------------------------------------------------

/**
 * Writes codes of LZW for a run of pixels of one colour. Each stands for one pixel more than the
 * code before it.
 *
 * @param {number} pixels
 */
function lzwRun(pixels, bits = 2) {
  const [clear, end] = [1 << bits, (1 << bits) + 1];
  const codes = new LowFirst();
  let size = bits + 1;
  codes.put(clear, size).put(0, size);
  // Each code is the one that the decoder adds as it reads it, until its table is full.
  for (let next = end + 1, length = 2, written = 1; written < pixels; ) {
    codes.put(Math.min(next, 4095), size);
    written += length;
    if (next < 4096) {
      next++;
      length++;
      if (next === 1 << size && size < 12) size++;
    }
  }
  return codes.put(end, size).bytes();
}

async function gifs() {
  const photo = await small().gif().toBuffer();
  const one = lzwRun(1);
  /**
   * @param {number} width
   * @param {number} height
   */
  const whole = (width, height) => gifImage([0, 0, width, height], lzwRun(width * height));
  /** @param {number} bits */
  const clears = (bits) => {
    const codes = new LowFirst();
    for (let i = 0; i < 20_000_000 / (bits + 1); i++) codes.put(1 << bits, bits + 1);
    return codes.bytes();
  };
  return {
    "65535² and no picture": gif(SIDE, SIDE),
    "65535² with a picture of one pixel": gif(SIDE, SIDE, gifImage([0, 0, 1, 1], one)),
    "a picture of 65535² on 16×16": gif(16, 16, gifImage([0, 0, SIDE, SIDE], one)),
    "a picture beyond the canvas": gif(16, 16, gifImage([16, 16, 16, 16], lzwRun(256))),
    "a picture far beyond the canvas": gif(16, 16, gifImage([SIDE, SIDE, 16, 16], lzwRun(256))),
    "a picture that hangs over the canvas": gif(16, 16, gifImage([8, 8, 16, 16], lzwRun(256))),
    "a picture that is wider than the canvas": gif(16, 16, gifImage([0, 0, 400, 2], lzwRun(800))),
    "a picture of no width": gif(16, 16, gifImage([0, 0, 0, 16], one)),
    "a picture of no height": gif(16, 16, gifImage([0, 0, 16, 0], one)),
    "no width": gif(0, 16, gifImage([0, 0, 16, 16], one)),
    "no palette": join(
      ascii("GIF89a"),
      u16le(16),
      u16le(16),
      Buffer.alloc(3),
      gifImage([0, 0, 16, 16], lzwRun(256)),
      0x3b,
    ),
    "colours that are not in the palette": gif(
      16,
      16,
      gifImage(
        [0, 0, 16, 16],
        new LowFirst().put(256, 9).put(200, 9).put(199, 9).put(257, 9).bytes(),
        { bits: 8 },
      ),
    ),
    "2300² in 4 kB": gif(2300, 2300, whole(2300, 2300)),
    "10000² in 40 kB": gif(10_000, 10_000, whole(10_000, 10_000)),
    "16 pixels that unfold to 1 GB": gif(4, 4, gifImage([0, 0, 4, 4], lzwRun(1_000_000_000))),
    "codes of 0 bits": gif(16, 16, gifImage([0, 0, 16, 16], lzwRun(256), { bits: 0 })),
    "codes of 1 bit": gif(16, 16, gifImage([0, 0, 16, 16], lzwRun(256, 1), { bits: 1 })),
    "codes of 12 bits": gif(16, 16, gifImage([0, 0, 16, 16], lzwRun(256), { bits: 12 })),
    "codes of 255 bits": gif(16, 16, gifImage([0, 0, 16, 16], lzwRun(256), { bits: 255 })),
    "clear codes only": gif(16, 16, gifImage([0, 0, 16, 16], clears(2))),
    "a code that is not there yet": gif(
      16,
      16,
      gifImage([0, 0, 16, 16], new LowFirst().put(4, 3).put(7, 3).bytes()),
    ),
    "no end of the codes": gif(16, 16, gifImage([0, 0, 16, 16], lzwRun(100).subarray(0, -1))),
    "blocks of one byte each": gif(
      300,
      300,
      join(
        0x2c,
        Buffer.alloc(4),
        u16le(300),
        u16le(300),
        0,
        2,
        [...lzwRun(90_000)].map((byte) => Buffer.of(1, byte)),
        0,
      ),
    ),
    "extensions to the limit": gif(
      16,
      16,
      flood(Buffer.from("21fe00", "hex"), 9_900_000),
      gifImage([0, 0, 16, 16], lzwRun(256)),
    ),
    "control extensions to the limit": gif(
      16,
      16,
      flood(Buffer.from("21f904000a000000", "hex"), 9_900_000),
      gifImage([0, 0, 16, 16], lzwRun(256)),
    ),
    "an extension of 9.9 MB": gif(
      16,
      16,
      0x21,
      0xfe,
      gifBlocks(Buffer.alloc(9_800_000)),
      gifImage([0, 0, 16, 16], lzwRun(256)),
    ),
    "frames to the limit": gif(4, 4, flood(gifImage([0, 0, 4, 4], lzwRun(16)), 9_900_000)),
    "ends at once": Buffer.from("4749463839610100010000003b", "hex"),
    "interlaced and cut": join(
      gif(64, 64, gifImage([0, 0, 64, 64], lzwRun(2_000), { flags: 0x40 })),
    ),
    "garbage behind it": join(photo, randomBytes(2_000_000, 7)),
    "a block that the format does not have": gif(
      16,
      16,
      0x99,
      gifImage([0, 0, 16, 16], lzwRun(256)),
    ),
  };
}

// --- WebP -------------------------------------------------------------------

/** A known crash: the alpha and the picture of an animation's frame are larger than the frame. */
const ANIMATION = Buffer.from(
  "UklGRmYAAABXRUJQVlA4WAoAAAASAAAAAAAAAAAAQU5JTQYAAAAAAAAAAABBTk1GOgAAAAAAAAAAAAAAAAAAAAAAAABBTFBIAgAAAACAVlA4IBgAAAAwAQCdASoQABAAAUAmJaQAA3AA/vLjAAA=",
  "base64",
);

async function webps() {
  const lossy = await small().webp().toBuffer();
  const lossless = await small().webp({ lossless: true }).toBuffer();
  const [vp8, vp8l] = [lossy, lossless].map((file) => file.subarray(12));
  /**
   * @param {number} width
   * @param {number} height
   */
  const losslessOf = (width, height, data = Buffer.alloc(0)) => {
    const bits = (width - 1) | ((height - 1) << 14);
    return webp(riffChunk("VP8L", 0x2f, u16le(bits & 0xffff), u16le(bits >>> 16), data));
  };
  /**
   * @param {number} width
   * @param {number} height
   */
  const lossyOf = (width, height) => {
    const copy = Buffer.from(lossy);
    copy.writeUInt16LE(width, 26);
    copy.writeUInt16LE(height, 28);
    return copy;
  };
  const animation = riffChunk("ANIM", Buffer.alloc(6));
  /**
   * @param {number} width
   * @param {number} height
   * @param {Part[]} frames
   */
  const animated = (width, height, ...frames) =>
    webp(webpHeader(0x12, width, height), animation, frames);
  /** @param {Part[]} data */
  const alpha = (...data) => riffChunk("ALPH", ...data);
  return {
    "an animation whose frame is smaller than its picture": ANIMATION,
    "the same, the picture under no name": Buffer.from(
      ANIMATION.toString("latin1").replace("VP8 ", "\0\0\0\0"),
      "latin1",
    ),
    "an animation whose frame is larger than its picture": animated(
      64,
      64,
      webpFrame([0, 0, 64, 64], vp8),
    ),
    "an animation whose frame lies outside": animated(
      16,
      16,
      webpFrame([2_000, 2_000, 40, 30], vp8),
    ),
    "an animation whose frame hangs over the canvas": animated(
      40,
      30,
      webpFrame([20, 20, 40, 30], vp8l),
    ),
    "an animation of one pixel": animated(1, 1, webpFrame([0, 0, 40, 30], vp8)),
    "an animation of 16384²": animated(16_384, 16_384, webpFrame([0, 0, 40, 30], vp8)),
    "an animation of 2400²": animated(2_400, 2_400, webpFrame([0, 0, 40, 30], vp8l)),
    "an animation without frames": animated(40, 30),
    "an animation whose frame is empty": animated(40, 30, webpFrame([0, 0, 40, 30])),
    "an animation of frames to the limit": animated(40, 30, flood(webpFrame([0, 0, 40, 30], vp8l))),
    "a frame within a frame": animated(
      40,
      30,
      webpFrame([0, 0, 40, 30], webpFrame([0, 0, 40, 30], vp8)),
    ),
    "2,000 groups of prefix codes": webpOfGroups(2_000),
    "2,000 groups of prefix codes, as deep as can be": webpOfGroups(2_000, { deepest: 15 }),
    "60,000 groups of prefix codes": webpOfGroups(60_000),
    "65,536 groups of shallow prefix codes": webpOfGroups(65_536, { deepest: 3 }),
    "16384² and no data, lossless": losslessOf(16_384, 16_384),
    "2400² and no data, lossless": losslessOf(2_400, 2_400),
    "2400² of zeros, lossless": losslessOf(2_400, 2_400, Buffer.alloc(1_000_000)),
    "2400² of ones, lossless": losslessOf(2_400, 2_400, Buffer.alloc(1_000_000, 255)),
    "16383² and no data, lossy": lossyOf(16_383, 16_383),
    "2400² and little data, lossy": lossyOf(2_400, 2_400),
    "0², lossy": lossyOf(0, 0),
    "a canvas that is larger than the picture": webp(webpHeader(0, 2_000, 2_000), vp8),
    "a canvas that is smaller than the picture": webp(webpHeader(0, 4, 4), vp8l),
    "a canvas of 16777216×256": webp(webpHeader(0, 16_777_216, 256), vp8),
    "alpha without data": webp(webpHeader(0x10, 40, 30), alpha(0), vp8),
    "alpha that is cut off": webp(webpHeader(0x10, 40, 30), alpha(0, Buffer.alloc(10)), vp8),
    "alpha of lossless garbage": webp(webpHeader(0x10, 40, 30), alpha(1, randomBytes(400, 8)), vp8),
    "alpha filtered by what does not exist": webp(
      webpHeader(0x10, 40, 30),
      alpha(0xff, Buffer.alloc(1_200)),
      vp8,
    ),
    "alpha behind the picture": webp(webpHeader(0x10, 40, 30), vp8, alpha(0, Buffer.alloc(1_200))),
    "a profile of 9 MB": webp(
      webpHeader(0x20, 40, 30),
      riffChunk("ICCP", Buffer.alloc(9_000_000)),
      vp8,
    ),
    "EXIF of 9 MB": webp(
      webpHeader(0x08, 40, 30),
      vp8,
      riffChunk("EXIF", exif(6), Buffer.alloc(9_000_000)),
    ),
    "EXIF that goes round": webp(
      webpHeader(0x08, 40, 30),
      vp8,
      riffChunk("EXIF", exif(6, { next: 8 })),
    ),
    "EXIF that is announced and not there": webp(webpHeader(0x08, 40, 30), vp8),
    "chunks to the limit": webp(webpHeader(0, 40, 30), flood(riffChunk("abcd")), vp8),
    "no picture": webp(webpHeader(0, 40, 30)),
    "two pictures": webp(webpHeader(0, 40, 30), vp8, vp8l),
    "a chunk longer than the file": join(
      lossy.subarray(0, 16),
      Buffer.from("f0ffffff", "hex"),
      lossy.subarray(20),
    ),
    "a length of nothing": join(lossless.subarray(0, 4), Buffer.alloc(4), lossless.subarray(8)),
    "a length of all there is": join(
      lossless.subarray(0, 4),
      Buffer.alloc(4, 255),
      lossless.subarray(8),
    ),
    "garbage behind it": join(lossy, randomBytes(2_000_000, 8)),
    "lossless, and lossy in name": join(
      lossless.subarray(0, 12),
      ascii("VP8 "),
      lossless.subarray(16),
    ),
    ...Object.fromEntries(
      Object.entries(wildProfiles()).map(([name, profile]) => [
        `a profile: ${name}`,
        webp(webpHeader(0x20, 40, 30), riffChunk("ICCP", profile), vp8),
      ]),
    ),
  };
}

// --- Good files that something has happened to -------------------------------

/** Small good files of each format and kind, by name. */
export async function goodFiles() {
  const see = () =>
    sharp({
      create: {
        width: 40,
        height: 30,
        channels: 4,
        background: { r: 200, g: 40, b: 90, alpha: 0.5 },
      },
    });
  const made = {
    "baseline JPEG": small().jpeg({ chromaSubsampling: "4:2:0" }),
    "JPEG 4:4:4": small().jpeg({ chromaSubsampling: "4:4:4", quality: 98 }),
    "progressive JPEG": small().jpeg({ progressive: true }),
    "grey JPEG": small().toColourspace("b-w").jpeg(),
    "CMYK JPEG": small().toColourspace("cmyk").jpeg(),
    "JPEG in P3 and on its side": small()
      .withIccProfile("p3")
      .withExif({ IFD0: { Make: "Test" } })
      .withMetadata({ orientation: 6 })
      .jpeg(),
    PNG: small().png(),
    "interlaced PNG": small().png({ progressive: true }),
    "PNG with alpha": see().png(),
    "PNG with a palette": small().png({ palette: true }),
    "PNG in P3": small().withIccProfile("p3").png(),
    "PNG of 16 bits": small().toColourspace("rgb16").png(),
    GIF: small().gif(),
    "GIF with transparency": see().gif(),
    "lossy WebP": small().webp(),
    "lossy WebP with alpha": see().webp(),
    "lossless WebP": small().webp({ lossless: true }),
    "lossless WebP with alpha": see().webp({ lossless: true }),
    "WebP in P3 and on its side": small()
      .withIccProfile("p3")
      .withMetadata({ orientation: 6 })
      .webp(),
  };
  const files = await Promise.all(
    Object.entries(made).map(async ([name, picture]) => [name, await picture.toBuffer()]),
  );
  return Object.fromEntries(files);
}

/** The good files, cut off at each tenth, and with wrong bits, the same in every run. */
async function damaged({ flips = 10 } = {}) {
  /** @type {Record<string, Buffer>} */
  const files = {};
  const next = chance(14);
  for (const [name, file] of Object.entries(await goodFiles())) {
    for (let tenth = 1; tenth < 10; tenth++)
      files[`${name}, ${tenth} tenths of it`] = file.subarray(
        0,
        Math.floor((file.length * tenth) / 10),
      );
    for (let i = 1; i <= flips; i++) {
      const copy = Buffer.from(file);
      for (let bit = 0; bit < i; bit++) copy[4 + next(copy.length - 4)] ^= 1 << next(8);
      files[`${name}, ${i} bits wrong`] = copy;
    }
  }
  return files;
}

/** All hostile files: the name, then the bytes. */
export async function hostileFiles() {
  const all = {
    JPEG: await jpegs(),
    PNG: await pngs(),
    GIF: await gifs(),
    WebP: await webps(),
    damaged: await damaged(),
  };
  const files = new Map();
  for (const [kind, made] of Object.entries(all)) {
    for (const [name, file] of Object.entries(made)) files.set(`${kind}: ${name}`, file);
  }
  return files;
}
