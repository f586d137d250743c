/**
 * Files as phones, cameras and screens make them, in their sizes, kept in target/pictures/ once
 * they are made. Each shows the same square with a colour in each corner, so that a reader that
 * loses the orientation, the colours or the crop is found out.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import sharp from "sharp";
import { root } from "../../scripts/lib/run.js";
import { chance, exif, exifSegment, pngChunk, withSegments } from "./bytes.js";

/** Another number makes all files again. */
const VERSION = 1;
const folder = path.join(root, `target/pictures/${VERSION}`);

/**
 * The colours of the corners of the square in the middle, in sRGB, when the picture is upright.
 *
 * @type {Record<string, number[]>}
 */
export const CORNERS = {
  topLeft: [255, 0, 0],
  topRight: [0, 160, 60],
  bottomLeft: [20, 60, 220],
  bottomRight: [250, 220, 40],
};

/** Says that the corners are those that sharp reads. */
export const READ = /** @type {const} */ ("read");

/**
 * The corners of the CMYK picture without a profile: each colour is what the inks leave,
 * (255 − ink) · (255 − black) / 255.
 */
const INKS = {
  topLeft: [255, 0, 0],
  topRight: [61, 251, 11],
  bottomLeft: [20, 78, 255],
  bottomRight: [239, 231, 30],
};

/**
 * A square of noise that is laid over a picture again and again.
 *
 * @param {number} strength
 * @param {number} side
 */
async function noise(strength, side) {
  const next = chance(7);
  const samples = new Uint8Array(side * side * 3);
  // The sum of three resembles a camera's noise more than one does.
  for (let i = 0; i < samples.length; i++)
    samples[i] = 128 + Math.round(((next(256) + next(256) + next(256)) / 3 - 127.5) * strength);
  return sharp(samples, { raw: { width: side, height: side, channels: 3 } })
    .png({ compressionLevel: 0 })
    .toBuffer();
}

/**
 * Draws flat corners, and shapes and gradients between them.
 *
 * @param {number} width
 * @param {number} height
 */
function drawing(width, height, { ground = true } = {}) {
  const side = Math.min(width, height);
  const [left, top] = [(width - side) / 2, (height - side) / 2];
  /** @param {number[]} rgb */
  const colour = (rgb) => `rgb(${rgb.join()})`;
  /**
   * @param {number} x
   * @param {number} y
   * @param {string} name
   */
  const corner = (x, y, name) =>
    `<rect x="${x}" y="${y}" width="25" height="25" fill="${colour(CORNERS[name])}"/>`;
  return Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <linearGradient id="ground" x2="1" y2="0.7"><stop stop-color="#ffd27a"/><stop offset="0.5" stop-color="#7a9a70"/><stop offset="1" stop-color="#20407a"/></linearGradient>
    ${ground ? '<rect width="100%" height="100%" fill="url(#ground)"/>' : ""}
    <g transform="translate(${left} ${top}) scale(${side / 100})">
      <circle cx="50" cy="34" r="15" fill="#d8a078"/><path d="M26 84 Q50 40 74 84 Z" fill="#30506a"/>
      ${corner(0, 0, "topLeft")}${corner(75, 0, "topRight")}${corner(0, 75, "bottomLeft")}${corner(75, 75, "bottomRight")}
    </g>
  </svg>`);
}

/**
 * Makes a photo. One on its side is upright once it is turned by EXIF's orientation 6.
 *
 * @param {number} width
 * @param {number} height
 */
async function photo(width, height, { strength = 0, onItsSide = false } = {}) {
  const [across, down] = onItsSide ? [height, width] : [width, height];
  let picture = sharp(drawing(across, down)).removeAlpha();
  if (strength > 0)
    picture = picture.composite([
      {
        input: await noise(strength, Math.min(512, across, down)),
        tile: true,
        blend: "soft-light",
      },
    ]);
  const { data, info } = await picture.removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const made = sharp(data, { raw: info });
  return onItsSide
    ? sharp(await made.rotate(-90).raw().toBuffer(), { raw: { width, height, channels: 3 } })
    : made;
}

/**
 * A phone's: on its side, with EXIF and a thumbnail, in Display P3.
 *
 * @param {number} width
 * @param {number} height
 * @param {number} quality
 * @param {number} strength
 */
async function phone(width, height, quality, strength) {
  const picture = await photo(width, height, { strength, onItsSide: true });
  const file = await picture
    .clone()
    .withIccProfile("p3")
    .jpeg({ quality, chromaSubsampling: "4:2:0", optimizeCoding: false, mozjpeg: false })
    .toBuffer();
  const thumbnail = await picture.clone().resize(160, 120, { fit: "fill" }).jpeg().toBuffer();
  return withSegments(file, exifSegment(exif(6, { thumbnail })));
}

/**
 * What a screen shows: flat areas, lines of text, a photo somewhere.
 *
 * @param {number} width
 * @param {number} height
 */
async function screenshot(width, height, { alpha = false } = {}) {
  const next = chance(3);
  const words = Array.from({ length: 1_200 }, () => {
    const [x, y] = [next(width), height / 4 + next(height / 2)];
    return `<rect x="${x}" y="${Math.round(y / 24) * 24}" width="${20 + next(90)}" height="11" fill="#2${next(10)}2${next(10)}30"/>`;
  });
  const text = Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${words.join("")}</svg>`,
  );
  const inset = await (await photo(width >> 2, height >> 2, { strength: 0.3 })).png().toBuffer();
  const layers = [
    { input: text },
    { input: inset, left: Math.round(width * 0.4), top: Math.round(height * 0.4) },
    { input: drawing(width, height, { ground: false }) },
  ];
  const screen = sharp({
    create: {
      width,
      height,
      channels: 4,
      background: { r: 244, g: 244, b: 240, alpha: alpha ? 0.9 : 1 },
    },
  }).composite(layers);
  const { data, info } = await screen.raw().toBuffer({ resolveWithObject: true });
  return alpha ? sharp(data, { raw: info }) : sharp(data, { raw: info }).removeAlpha();
}

/**
 * @param {number} width
 * @param {number} height
 */
async function sixteenBits(width, height) {
  const { data, info } = await (await photo(width, height))
    .toColourspace("rgb16")
    .raw({ depth: "ushort" })
    .toBuffer({ resolveWithObject: true });
  const samples = new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
  return sharp(samples, { raw: info }).toColourspace("rgb16");
}

/**
 * @param {number} width
 * @param {number} height
 * @param {number} frames
 */
async function animation(width, height, frames) {
  const page = await (await photo(width, height)).raw().toBuffer();
  const others = Buffer.alloc(page.length * (frames - 1), 90);
  return sharp(Buffer.concat([page, others]), {
    raw: { width, height: height * frames, channels: 3, pageHeight: height },
  });
}

/**
 * Puts a PNG file's chunk in before its end.
 *
 * @param {Buffer} png
 * @param {Buffer} chunk
 */
const beforeTheEnd = (png, chunk) =>
  Buffer.concat([png.subarray(0, -12), chunk, png.subarray(-12)]);

/**
 * A file and what a reader has to make of it.
 *
 * @typedef {object} Real
 * @property {string} ending
 * @property {[number, number]} size
 * @property {() => Promise<Buffer | import("sharp").Sharp>} make
 * @property {Record<string, number[]> | typeof READ} [corners] default: `CORNERS`
 * @property {number} [tolerance] how far each may be off
 */

/**
 * The files, by name.
 *
 * @type {Record<string, Real>}
 */
export const REAL = {
  "phone, 24 MP": { ending: "jpg", size: [5712, 4284], make: () => phone(5712, 4284, 90, 0.3) },
  "phone, 48 MP": { ending: "jpg", size: [8064, 6048], make: () => phone(8064, 6048, 90, 0.3) },
  "phone, 48 MP, finest": {
    ending: "jpg",
    size: [8064, 6048],
    make: () => phone(8064, 6048, 93, 0.4),
  },
  "camera, 24 MP, 4:4:4": {
    ending: "jpg",
    size: [6000, 4000],
    make: async () =>
      (await photo(6000, 4000, { strength: 0.4 })).jpeg({
        quality: 90,
        chromaSubsampling: "4:4:4",
      }),
  },
  "12 MP, progressive": {
    ending: "jpg",
    size: [4032, 3024],
    make: async () =>
      (await photo(4032, 3024, { strength: 0.6 })).jpeg({ quality: 85, progressive: true }),
  },
  "panorama, 36 MP": {
    ending: "jpg",
    size: [12_000, 3_000],
    make: async () => (await photo(12_000, 3_000, { strength: 0.4 })).jpeg({ quality: 80 }),
  },
  "CMYK JPEG": {
    ending: "jpg",
    size: [2000, 1500],
    corners: INKS,
    make: async () => (await photo(2000, 1500)).toColourspace("cmyk").jpeg({ quality: 90 }),
  },
  "CMYK JPEG with a profile": {
    ending: "jpg",
    size: [2000, 1500],
    corners: READ,
    tolerance: 25,
    make: async () =>
      (await photo(2000, 1500)).toColourspace("cmyk").withIccProfile("cmyk").jpeg({ quality: 90 }),
  },
  "grey JPEG": {
    ending: "jpg",
    size: [4000, 3000],
    corners: READ,
    make: async () => (await photo(4000, 3000)).toColourspace("b-w").jpeg({ quality: 90 }),
  },
  "4K screenshot, PNG": {
    ending: "png",
    size: [3840, 2160],
    make: async () => (await screenshot(3840, 2160)).png(),
  },
  "4K screenshot, PNG with alpha": {
    ending: "png",
    size: [3840, 2160],
    make: async () => (await screenshot(3840, 2160, { alpha: true })).png(),
  },
  "4K screenshot, interlaced PNG": {
    ending: "png",
    size: [3840, 2160],
    make: async () => (await screenshot(3840, 2160)).png({ progressive: true }),
  },
  "4K screenshot, interlaced PNG with alpha": {
    ending: "png",
    size: [3840, 2160],
    make: async () => (await screenshot(3840, 2160, { alpha: true })).png({ progressive: true }),
  },
  "phone's screenshot, PNG in P3": {
    ending: "png",
    size: [1290, 2796],
    make: async () => (await screenshot(1290, 2796)).withIccProfile("p3").png(),
  },
  "PNG of 16 bits": {
    ending: "png",
    size: [2000, 1500],
    make: async () => (await sixteenBits(2000, 1500)).png(),
  },
  "PNG with a palette": {
    ending: "png",
    size: [2560, 1440],
    tolerance: 25,
    make: async () => (await screenshot(2560, 1440)).png({ palette: true, effort: 3 }),
  },
  "PNG with its orientation behind the pixels": {
    ending: "png",
    size: [1600, 1200],
    make: async () =>
      beforeTheEnd(
        await (await photo(1600, 1200, { onItsSide: true })).png().toBuffer(),
        pngChunk("eXIf", exif(6)),
      ),
  },
  "2732² WebP, lossy": {
    ending: "webp",
    size: [2732, 2732],
    make: async () => (await photo(2732, 2732, { strength: 0.6 })).webp({ quality: 85, effort: 2 }),
  },
  "2732² WebP, lossless": {
    ending: "webp",
    size: [2732, 2732],
    make: async () => (await screenshot(2732, 2732)).webp({ lossless: true, effort: 1 }),
  },
  "2048² WebP with alpha, lossy": {
    ending: "webp",
    size: [2048, 2048],
    make: async () =>
      (await screenshot(2048, 2048, { alpha: true })).webp({ quality: 85, effort: 1 }),
  },
  "animated GIF": {
    ending: "gif",
    size: [640, 480],
    tolerance: 25,
    make: async () => (await animation(640, 480, 12)).gif({ effort: 1 }),
  },
  "animated WebP": {
    ending: "webp",
    size: [640, 480],
    make: async () => (await animation(640, 480, 6)).webp({ effort: 1 }),
  },
  "16×16 JPEG": {
    ending: "jpg",
    size: [16, 16],
    tolerance: 45,
    make: async () => (await photo(16, 16)).jpeg({ quality: 95, chromaSubsampling: "4:4:4" }),
  },
  "16×16 PNG": { ending: "png", size: [16, 16], make: async () => (await photo(16, 16)).png() },
  "16×16 GIF": {
    ending: "gif",
    size: [16, 16],
    tolerance: 25,
    make: async () => (await photo(16, 16)).gif(),
  },
  "16×16 WebP": {
    ending: "webp",
    size: [16, 16],
    make: async () => (await photo(16, 16)).webp({ lossless: true }),
  },
};

/**
 * The bytes of one of them; made if it is not there yet.
 *
 * @param {string} name
 */
export async function realFile(name) {
  const { ending, make } = REAL[name];
  const file = path.join(folder, `${name.replaceAll(/[^\w]+/g, "-")}.${ending}`);
  if (!existsSync(file)) {
    const made = await make();
    mkdirSync(folder, { recursive: true });
    // Tests run at once; none must find half a file.
    const draft = `${file}.${process.pid}`;
    writeFileSync(draft, Buffer.isBuffer(made) ? made : await made.toBuffer());
    renameSync(draft, file);
  }
  return readFileSync(file);
}
