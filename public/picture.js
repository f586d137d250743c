/** Picture files: what a file is, its pixels the right way up, and a square of them as a file. */

/** The most pixels across of a square that is sent: as many as a frame has. */
export const SENT = 400;

/** The quality of a JPEG that is sent: its frames are then as good as those of the photo. */
const QUALITY = 0.99;

/** The most pixels of a picture in memory: 48 MB, and as wide as any phone can draw. */
const MOST_PIXELS = 12_000_000;
const LONGEST = 4096;

/** How many bytes of a file are read to tell what it is. */
const HEAD = 16_384;

/** The kinds of files, as the Worker tells them apart. @type {KnownKind[]} */
const KINDS = [
  { name: "a JPEG picture", begins: /^\xff\xd8\xff/, isTaken: true, isOpaque: true },
  { name: "a PNG picture", begins: /^\x89PNG/, isTaken: true, moves: /^.{33,}?acTL/s },
  {
    name: "a WebP picture",
    begins: /^RIFF.{4}WEBP/s,
    isTaken: true,
    moves: /^.{12}VP8X.{14,}?ANIM/s,
  },
  // An animation repeats, or has a delay before a second picture.
  {
    name: "a GIF picture",
    begins: /^GIF8/,
    isTaken: true,
    moves: /NETSCAPE2\.0|\x21\xf9\x04.*\x21\xf9\x04/s,
  },
  { name: "a HEIC picture", begins: /^.{4}ftyp(he[iv]|[mM][is]f1)/s, type: /^image\/hei[cf]/ },
  { name: "an AVIF picture", begins: /^.{4}ftypavi/s },
  { name: "a video", begins: /^.{4}ftyp|^\x1aE\xdf\xa3/s, isNone: true },
  { name: "a TIFF picture", begins: /^(II\*\0|MM\0\*)/ },
  { name: "a BMP picture", begins: /^BM/ },
  { name: "a JPEG XL picture", begins: /^(\xff\x0a|\0{3}\x0cJXL)/ },
  { name: "a PDF document", begins: /^%PDF/, isNone: true },
  { name: "an SVG drawing", begins: /^[^\0]*<svg/ },
  { name: "an empty file", begins: /^$/, isNone: true },
];

/** @type {KnownKind} */
const UNKNOWN = { name: "no picture, or one of an unknown kind", begins: /^/, isNone: true };

/** Returns what a file is. @param {File} file @returns {Promise<Kind>} */
export async function kindOf(file) {
  const bytes = new Uint8Array(await file.slice(0, HEAD).arrayBuffer());
  const head = String.fromCharCode(...bytes);
  const kind =
    KINDS.find(({ begins }) => begins.test(head)) ??
    KINDS.find(({ type }) => type?.test(file.type)) ??
    UNKNOWN;
  return { isTaken: false, isOpaque: false, ...kind, moves: kind.moves?.test(head) ?? false };
}

/** What to say about a file that neither browser nor Worker reads. @param {Kind} kind */
export function refusal({ name, isNone }) {
  if (isNone) return `This is ${name}. Choose a JPEG, PNG, WebP or GIF picture.`;
  const browser = `This is ${name}, which this browser cannot open`;
  return name.includes("HEIC")
    ? `${browser}: an iPhone's way to store photos. Choose the photo on the iPhone itself, which then sends a JPEG; or open it on a computer and export it as JPEG.`
    : `${browser}. Open it in a program that can, save it as JPEG or PNG, and choose that.`;
}

/** Returns the size of a picture, the right way up, without its pixels. @param {Blob} file */
async function sizeOf(file) {
  const address = URL.createObjectURL(file);
  try {
    const image = new Image();
    await new Promise((resolve, reject) => {
      Object.assign(image, { onload: resolve, onerror: reject, src: address });
    });
    return { width: image.naturalWidth, height: image.naturalHeight };
  } finally {
    URL.revokeObjectURL(address);
  }
}

/**
 * Opens a picture, the right way up and in sRGB. Reduces a large one while it is read. Of several
 * pictures, opens the first. Throws if the browser cannot.
 *
 * @param {Blob} file @returns {Promise<Picture>}
 */
export async function open(file) {
  const { width, height } = await sizeOf(file);
  const scale = Math.min(
    1,
    LONGEST / Math.max(width, height),
    Math.sqrt(MOST_PIXELS / (width * height)),
  );
  /** @type {ImageBitmapOptions} */
  const upright = { imageOrientation: "from-image" };
  if (scale === 1) return { bitmap: await createImageBitmap(file, upright), width, height };
  const [resizeWidth, resizeHeight] = [width, height].map((length) =>
    Math.max(1, Math.round(length * scale)),
  );
  const bitmap = await createImageBitmap(file, {
    ...upright,
    resizeWidth,
    resizeHeight,
    resizeQuality: "high",
  });
  // A browser that resizes before it turns the picture upright squeezes it.
  if (bitmap.width === resizeWidth && bitmap.height === resizeHeight)
    return { bitmap, width, height };
  bitmap.close();
  return { bitmap: await createImageBitmap(file, upright), width, height };
}

/** @param {HTMLCanvasElement} canvas @param {CanvasRenderingContext2DSettings} [settings] */
export function contextOf(canvas, settings) {
  const context = canvas.getContext("2d", settings);
  if (!context) throw new Error("This browser cannot draw pictures.");
  return context;
}

/** Makes a canvas, and returns its context. @param {number} side in pixels */
function squareContext(side) {
  const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const context = contextOf(canvas, { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  return context;
}

/**
 * Draws a square of a bitmap and halves it until it is less than `limit` pixels across: browsers
 * that reduce by more leave pixels out. Returns its context.
 *
 * @param {ImageBitmap} bitmap @param {Square} square @param {number} limit
 */
function halved(bitmap, { left, top, side }, limit) {
  let size = side;
  // The first halving needs no canvas of the whole size.
  if (size >= limit) size = Math.ceil(size / 2);
  let context = squareContext(size);
  context.drawImage(bitmap, left, top, side, side, 0, 0, size, size);
  while (size >= limit) {
    const larger = context.canvas;
    size = Math.ceil(size / 2);
    context = squareContext(size);
    context.drawImage(larger, 0, 0, size, size);
  }
  return context;
}

const LOBES = 3;
/** @param {number} x */
const sinc = (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
/** @param {number} x */
const lanczos = (x) => (Math.abs(x) < LOBES ? sinc(x) * sinc(x / LOBES) : 0);

/**
 * Reduces rows of pixels and makes columns of them. Done twice, it reduces a picture.
 *
 * @param {Float32Array} pixels RGBA @param {number} from old length @param {number} to new one
 */
function reducedRows(pixels, from, to) {
  const rows = pixels.length / 4 / from;
  const reduced = new Float32Array(to * rows * 4);
  const ratio = from / to;
  for (let column = 0; column < to; column += 1) {
    const centre = (column + 0.5) * ratio - 0.5;
    const first = Math.max(0, Math.ceil(centre - LOBES * ratio));
    const last = Math.min(from - 1, Math.floor(centre + LOBES * ratio));
    const weights = Float32Array.from({ length: last - first + 1 }, (_, n) =>
      lanczos((first + n - centre) / ratio),
    );
    const sum = weights.reduce((a, b) => a + b);
    for (let row = 0; row < rows; row += 1) {
      let [r, g, b, alpha] = [0, 0, 0, 0];
      for (let n = 0, at = (row * from + first) * 4; n < weights.length; n += 1, at += 4) {
        const weight = weights[n] / sum;
        r += weight * pixels[at];
        g += weight * pixels[at + 1];
        b += weight * pixels[at + 2];
        alpha += weight * pixels[at + 3];
      }
      const at = (column * rows + row) * 4;
      reduced[at] = r;
      reduced[at + 1] = g;
      reduced[at + 2] = b;
      reduced[at + 3] = alpha;
    }
  }
  return reduced;
}

/**
 * Reduces a square picture as the Worker would, by Lanczos' kernel with three lobes. What browsers
 * do instead shows in the frames.
 *
 * @param {ImageData} image @param {number} to pixels across
 */
function reduced(image, to) {
  let result = Float32Array.from(image.data);
  /** @param {(alpha: number) => number} scale */
  const scaleByAlpha = (scale) => {
    for (let at = 0; at < result.length; at += 4) {
      const factor = scale(result[at + 3]);
      for (const colour of [at, at + 1, at + 2]) result[colour] *= factor;
    }
  };
  // Transparent pixels have no colour to mix in.
  scaleByAlpha((alpha) => alpha / 255);
  result = reducedRows(reducedRows(result, image.width, to), image.width, to);
  scaleByAlpha((alpha) => (alpha > 0 ? 255 / alpha : 0));
  return new ImageData(Uint8ClampedArray.from(result), to, to);
}

/**
 * Writes a canvas as a file of a media type.
 *
 * @param {HTMLCanvasElement} canvas @param {string} type @returns {Promise<Blob>}
 */
const fileOf = (canvas, type) =>
  new Promise((resolve, reject) => {
    canvas.toBlob(
      (file) => (file?.type === type ? resolve(file) : reject(new Error(`no ${type}`))),
      type,
      QUALITY,
    );
  });

/**
 * Writes a square of a bitmap as a file to send: a JPEG, or a PNG if something is transparent or if
 * the frames are round, which have more colour than a browser's JPEG.
 *
 * @param {ImageBitmap} bitmap @param {Square} square
 * @param {{ isOpaque: boolean, isRound: boolean }} options
 */
export async function squareFile(bitmap, square, { isOpaque, isRound }) {
  let context = halved(bitmap, square, 4 * SENT);
  const { width: side } = context.canvas;
  let image = context.getImageData(0, 0, side, side);
  if (side > SENT) {
    image = reduced(image, SENT);
    context = squareContext(SENT);
    context.putImageData(image, 0, 0);
  }
  const isTransparent = () => image.data.some((value, n) => n % 4 === 3 && value < 255);
  const isPng = isRound || (!isOpaque && isTransparent());
  return fileOf(context.canvas, isPng ? "image/png" : "image/jpeg");
}

/**
 * Whether pages can read back what they draw. Browsers that hinder fingerprinting change some of
 * it, or all.
 */
export async function canReadBack() {
  try {
    const side = 64;
    const context = squareContext(side);
    const known = context.createImageData(side, side);
    // Opaque, and each pixel of another colour.
    for (let n = 0; n < known.data.length; n++) {
      known.data[n] = n % 4 === 3 ? 255 : (n * 2_654_435_761) >>> 24;
    }
    context.putImageData(known, 0, 0);
    const bitmap = await createImageBitmap(await fileOf(context.canvas, "image/png"), {
      colorSpaceConversion: "none",
    });
    context.clearRect(0, 0, side, side);
    context.drawImage(bitmap, 0, 0);
    const read = context.getImageData(0, 0, side, side).data;
    return read.length === known.data.length && read.every((value, n) => value === known.data[n]);
  } catch {
    return false;
  }
}
