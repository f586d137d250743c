/**
 * Lossless WebP files that name as many groups of prefix codes as they like
 * (RFC 9649 §3.7): each group is five codes, which a decoder keeps a table each
 * for, and one pixel of the entropy image says how many groups there are.
 */
import { LowFirst, riffChunk, webp } from "./bytes.js";

/** The order in which the lengths of the code length code are written (§3.7.2.1.2). */
const ORDER = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/** Bits of a canonical code, which are written from its highest on. */
function putCode(bits, code, length) {
  for (let i = length - 1; i >= 0; i--) bits.put((code >> i) & 1, 1);
}

/** The canonical codes for lengths by symbol: `[code, length]` each. */
function canonical(lengths) {
  const codes = [];
  let code = 0;
  for (let length = 1; length <= 15; length++) {
    lengths.forEach((of, symbol) => {
      if (of === length) codes[symbol] = [code++, length];
    });
    code <<= 1;
  }
  return codes;
}

/** A code of a single symbol, which takes no bits. */
const putSimpleCode = (bits, symbol) => bits.put(1, 1).put(0, 1).put(1, 1).put(symbol, 8);

/**
 * The smallest code that is `deepest` bits deep: symbol 0 has one bit, symbol 1
 * two, and so on. A decoder's table for it has up to 2^`deepest` entries.
 */
function putDeepCode(bits, deepest) {
  // The lengths that are used are 1 to `deepest`; the first of them have shorter codes.
  const used = Array.from({ length: deepest }, (_, i) => i + 1);
  const depth = Math.ceil(Math.log2(deepest));
  const short = 2 ** depth - deepest;
  const lengths = [];
  for (const [i, symbol] of used.entries()) lengths[symbol] = i < short ? depth - 1 : depth;
  const written = ORDER.findLastIndex((symbol) => lengths[symbol]) + 1;
  bits.put(0, 1).put(written - 4, 4);
  for (const symbol of ORDER.slice(0, written)) bits.put(lengths[symbol] ?? 0, 3);
  // How many symbols have a length: one of each, and the deepest twice.
  bits
    .put(1, 1)
    .put(1, 3)
    .put(deepest + 1 - 2, 4);
  const codes = canonical(Array.from({ length: deepest + 1 }, (_, i) => lengths[i] ?? 0));
  for (const length of [...used, deepest]) putCode(bits, ...codes[length]);
}

/** The bits of a picture of 4×4 pixels with so many groups. */
function groups(count, { deepest = 10 } = {}) {
  const bits = new LowFirst();
  const side = 4;
  bits
    .put(0x2f, 8)
    .put(side - 1, 14)
    .put(side - 1, 14)
    .put(0, 1)
    .put(0, 3);
  // No transform, no colour cache, an entropy image in blocks of 4×4.
  bits.put(0, 1).put(0, 1).put(1, 1).put(0, 3);
  // Its one pixel, which has the number of a group in red and green.
  bits.put(0, 1);
  const last = count - 1;
  for (const symbol of [last & 0xff, last >> 8, 0, 0, 0]) putSimpleCode(bits, symbol);
  for (let code = 0; code < 5 * count; code++) putDeepCode(bits, deepest);
  // Symbol 0 in each channel is one bit.
  for (let i = 0; i < side * side; i++) bits.put(0, 4);
  return bits.bytes();
}

/** A file with so many groups. */
export const webpOfGroups = (count, options) => webp(riffChunk("VP8L", groups(count, options)));
