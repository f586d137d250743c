/**
 * Picture files in the browser: what a file is, its pixels the right way up, and a
 * square of them as a file.
 */

/** The most pixels across of a square that is sent: as many as a frame has, so that the Worker need not reduce it. */
export const SENT = 400;

/** The quality of a JPEG that is sent: square frames of it are then as good as those of the whole photo. */
const QUALITY = 0.99;

/** What is held of a picture at most, in pixels: 48 MB, and as wide as any phone can draw. */
const MOST_PIXELS = 12_000_000;
const LONGEST = 4096;

/** How many of a file's bytes are looked at to tell what it is. */
const HEAD = 16_384;

/** What files begin with, as the Worker tells them apart; the first four kinds are those that it takes. */
const KINDS = [
  { name: "a JPEG picture", begins: /^\xff\xd8\xff/, isTaken: true, isOpaque: true },
  { name: "a PNG picture", begins: /^\x89PNG/, isTaken: true, moves: /^.{33,}?acTL/s },
  {
    name: "a WebP picture",
    begins: /^RIFF.{4}WEBP/s,
    isTaken: true,
    moves: /^.{12}VP8X.{14,}?ANIM/s,
  },
  // What moves repeats, or has a second picture with a delay before it.
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

/**
 * What a file is: its `name` in a sentence, whether the Worker takes it, whether it
 * cannot be transparent, and whether it has several pictures, of which the first counts.
 */
export async function kindOf(file) {
  const bytes = new Uint8Array(await file.slice(0, HEAD).arrayBuffer());
  const head = String.fromCharCode(...bytes);
  const kind = KINDS.find(({ begins }) => begins.test(head)) ??
    KINDS.find(({ type }) => type?.test(file.type)) ?? {
      name: "no picture, or one of an unknown kind",
      isNone: true,
    };
  return { isTaken: false, isOpaque: false, ...kind, moves: kind.moves?.test(head) ?? false };
}

/** What to say about a file that neither the browser nor the Worker reads. */
export function refusal({ name, isNone }) {
  if (isNone) return `This is ${name}. Choose a JPEG, PNG, WebP or GIF picture.`;
  const browser = `This is ${name}, which this browser cannot open`;
  return name.includes("HEIC")
    ? `${browser}: an iPhone's way to store photos. Choose the photo on the iPhone itself, which then sends a JPEG; or open it on a computer and export it as JPEG.`
    : `${browser}. Open it in a program that can, save it as JPEG or PNG, and choose that.`;
}

/** The width and height of a picture, the right way up, without its pixels. */
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
 * Opens a picture: `{ bitmap, width, height }`, the right way up and in sRGB, the bitmap
 * reduced while it is read if the picture is large. Of several pictures, it is the first.
 * Throws where the browser cannot.
 */
export async function open(file) {
  const { width, height } = await sizeOf(file);
  const scale = Math.min(
    1,
    LONGEST / Math.max(width, height),
    Math.sqrt(MOST_PIXELS / (width * height)),
  );
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
  // What a browser resizes before it turns it comes out squeezed.
  if (bitmap.width === resizeWidth && bitmap.height === resizeHeight)
    return { bitmap, width, height };
  bitmap.close();
  return { bitmap: await createImageBitmap(file, upright), width, height };
}

/** A canvas of so many pixels across, and its context. */
function squareCanvas(side) {
  const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  return [canvas, context];
}

/**
 * Draws a square of a bitmap, `{ left, top, side }`, halved until it is less than
 * `limit` pixels across: at fewer pixels, a browser leaves some out. Gives the canvas,
 * its context and its side.
 */
function halved(bitmap, { left, top, side }, limit) {
  let size = side;
  // The first halving needs no canvas of the whole size.
  if (size >= limit) size = Math.ceil(size / 2);
  let [canvas, context] = squareCanvas(size);
  context.drawImage(bitmap, left, top, side, side, 0, 0, size, size);
  while (size >= limit) {
    const larger = canvas;
    size = Math.ceil(size / 2);
    [canvas, context] = squareCanvas(size);
    context.drawImage(larger, 0, 0, size, size);
  }
  return [canvas, context, size];
}

const LOBES = 3;
const sinc = (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const lanczos = (x) => (Math.abs(x) < LOBES ? sinc(x) * sinc(x / LOBES) : 0);

/** Reduces rows of pixels from one length to another, and makes columns of them: done twice, it reduces a picture. */
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
 * A picture reduced to a square of `to` pixels across as the Worker would do it, by
 * Lanczos' kernel with three lobes. What browsers do instead is seen in the frames.
 */
function reduced(image, to) {
  let result = Float32Array.from(image.data);
  const scaleByAlpha = (scale) => {
    for (let at = 0; at < result.length; at += 4) {
      const factor = scale(result[at + 3]);
      for (const colour of [at, at + 1, at + 2]) result[colour] *= factor;
    }
  };
  // What is transparent has no colour to mix in.
  scaleByAlpha((alpha) => alpha / 255);
  result = reducedRows(reducedRows(result, image.width, to), image.width, to);
  scaleByAlpha((alpha) => (alpha > 0 ? 255 / alpha : 0));
  return new ImageData(Uint8ClampedArray.from(result), to, to);
}

/** What is on a canvas as a file of a type. */
const fileOf = (canvas, type) =>
  new Promise((resolve, reject) => {
    canvas.toBlob(
      (file) => (file?.type === type ? resolve(file) : reject(new Error(`no ${type}`))),
      type,
      QUALITY,
    );
  });

/**
 * A square of a bitmap as a file to send: as JPEG; as PNG if anything of it may be
 * transparent and is, or for round frames, which have more colour than a browser's JPEG.
 */
export async function squareFile(bitmap, square, { isOpaque, isRound }) {
  let [canvas, context, side] = halved(bitmap, square, 4 * SENT);
  let image = context.getImageData(0, 0, side, side);
  if (side > SENT) {
    image = reduced(image, SENT);
    [canvas, context] = squareCanvas(SENT);
    context.putImageData(image, 0, 0);
  }
  const isTransparent = () => image.data.some((value, n) => n % 4 === 3 && value < 255);
  return fileOf(canvas, isRound || (!isOpaque && isTransparent()) ? "image/png" : "image/jpeg");
}

/**
 * Whether what is drawn is what can be read back and sent. Browsers that hinder
 * fingerprinting change some of it, or all.
 */
export async function canReadBack() {
  try {
    const side = 64;
    const [canvas, context] = squareCanvas(side);
    const known = context.createImageData(side, side);
    // Opaque, and each pixel another colour.
    for (let n = 0; n < known.data.length; n++) {
      known.data[n] = n % 4 === 3 ? 255 : (n * 2_654_435_761) >>> 24;
    }
    context.putImageData(known, 0, 0);
    const bitmap = await createImageBitmap(await fileOf(canvas, "image/png"), {
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
