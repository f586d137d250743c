/**
 * Picture files in the browser: what a file is, its pixels the right way up, and a
 * square of them as a file.
 */

/**
 * The most pixels across of a square that is sent. A frame has 400: of twice as many,
 * what a JPEG loses is not seen once the frame has been made.
 */
const SENT = 800;

/** What is held of a picture at most, in pixels: 48 MB, and as wide as any phone can draw. */
const MOST_PIXELS = 12_000_000;
const LONGEST = 4096;

/** How many of a file's bytes are looked at to tell what it is. */
const HEAD = 16_384;

/** What files begin with, as the Worker tells them apart; the first four kinds are those that it takes. */
const KINDS = [
  { name: "a JPEG picture", begins: /^\xff\xd8\xff/, isTaken: true, isOpaque: true },
  { name: "a PNG picture", begins: /^\x89PNG/, isTaken: true, moves: /^.{33,}?acTL/s },
  { name: "a WebP picture", begins: /^RIFF.{4}WEBP/s, isTaken: true, moves: /^.{12}VP8X.{14,}?ANIM/s },
  { name: "a GIF picture", begins: /^GIF8/, isTaken: true, moves: /^GIF8/ },
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
  const kind = KINDS.find(({ begins }) => begins.test(head)) ?? KINDS.find(({ type }) => type?.test(file.type)) ?? { name: "no picture, or one of an unknown kind", isNone: true };
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
 * Opens a picture: `{ bitmap, scale }`, the right way up and in sRGB, and reduced by
 * `scale` while it is read if it is large. Of several pictures, it is the first.
 * Throws where the browser cannot.
 */
export async function open(file) {
  const { width, height } = await sizeOf(file);
  const scale = Math.min(1, LONGEST / Math.max(width, height), Math.sqrt(MOST_PIXELS / (width * height)));
  const upright = { imageOrientation: "from-image" };
  if (scale === 1) return { bitmap: await createImageBitmap(file, upright), scale };
  const [resizeWidth, resizeHeight] = [width, height].map((length) => Math.max(1, Math.round(length * scale)));
  const bitmap = await createImageBitmap(file, { ...upright, resizeWidth, resizeHeight, resizeQuality: "high" });
  // What a browser resizes before it turns it comes out squeezed.
  if (bitmap.width === resizeWidth && bitmap.height === resizeHeight) return { bitmap, scale };
  bitmap.close();
  return { bitmap: await createImageBitmap(file, upright), scale: 1 };
}

/** A canvas of so many pixels across, and its context. */
function squareCanvas(side) {
  const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  return [canvas, context];
}

/**
 * Draws a square of a bitmap, `{ left, top, side }`, as one of `size` pixels across.
 * Whatever is more than twice as large is halved until it is not: a browser looks at
 * few pixels around each place, and would leave others out.
 */
export function reduced(bitmap, { left, top, side }, size) {
  let steps = size;
  while (steps * 2 < side) steps *= 2;
  let [canvas, context] = squareCanvas(steps);
  context.drawImage(bitmap, left, top, side, side, 0, 0, steps, steps);
  while (steps > size) {
    const larger = canvas;
    steps /= 2;
    [canvas, context] = squareCanvas(steps);
    context.drawImage(larger, 0, 0, steps, steps);
  }
  return [canvas, context];
}

/** What is on a canvas as a file of a type. */
const fileOf = (canvas, type) =>
  new Promise((resolve, reject) => {
    canvas.toBlob((file) => (file?.type === type ? resolve(file) : reject(new Error(`no ${type}`))), type, 0.95);
  });

/** A square of a bitmap as a file to send: as JPEG, or as PNG if anything of it is transparent. */
export async function squareFile(bitmap, square, isOpaque) {
  const size = Math.max(1, Math.min(SENT, Math.round(square.side)));
  const [canvas, context] = reduced(bitmap, square, size);
  const isTransparent = () => context.getImageData(0, 0, size, size).data.some((value, n) => n % 4 === 3 && value < 255);
  return fileOf(canvas, !isOpaque && isTransparent() ? "image/png" : "image/jpeg");
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
    known.data.forEach((_, n) => (known.data[n] = n % 4 === 3 ? 255 : (n * 2_654_435_761) >>> 24));
    context.putImageData(known, 0, 0);
    const bitmap = await createImageBitmap(await fileOf(canvas, "image/png"), { colorSpaceConversion: "none" });
    context.clearRect(0, 0, side, side);
    context.drawImage(bitmap, 0, 0);
    const read = context.getImageData(0, 0, side, side).data;
    return read.length === known.data.length && read.every((value, n) => value === known.data[n]);
  } catch {
    return false;
  }
}
