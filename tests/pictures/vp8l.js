/**
 * Lossless WebP files with any number of groups of prefix codes (RFC 9649 §3.7). Each group is five
 * codes, and a decoder builds a table for each. One pixel of the entropy image says how many groups
 * there are.
 */
import { LowFirst, riffChunk, webp } from "./bytes.js";

/** The order in which the lengths of the code length code are written (§3.7.2.1.2). */
const ORDER = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/**
 * Writes a canonical code, from its highest bit on.
 *
 * @param {LowFirst} bits
 * @param {number} code
 * @param {number} length
 */
function putCode(bits, code, length) {
  for (let i = length - 1; i >= 0; i--) bits.put((code >> i) & 1, 1);
}

/**
 * Returns the canonical codes, by symbol, for lengths by symbol.
 *
 * @param {number[]} lengths
 */
function canonical(lengths) {
  /** @type {{ code: number, length: number }[]} */
  const codes = [];
  let code = 0;
  for (let length = 1; length <= 15; length++) {
    lengths.forEach((of, symbol) => {
      if (of === length) codes[symbol] = { code: code++, length };
    });
    code <<= 1;
  }
  return codes;
}

/**
 * Writes a code of a single symbol, which takes no bits.
 *
 * @param {LowFirst} bits
 * @param {number} symbol
 */
const putSimpleCode = (bits, symbol) => bits.put(1, 1).put(0, 1).put(1, 1).put(symbol, 8);

/**
 * Writes the smallest code that is `deepest` bits deep: symbol 0 has one bit, symbol 1 two, and so
 * on. A decoder's table for it has up to 2^`deepest` entries.
 *
 * @param {LowFirst} bits
 * @param {number} deepest
 */
function putDeepCode(bits, deepest) {
  // The lengths that are used are 1 to `deepest`; the first of them have shorter codes.
  const used = Array.from({ length: deepest }, (_, i) => i + 1);
  const depth = Math.ceil(Math.log2(deepest));
  const short = 2 ** depth - deepest;
  /** @type {number[]} */
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
  for (const length of [...used, deepest]) {
    putCode(bits, codes[length].code, codes[length].length);
  }
}

/**
 * Writes a picture of 4×4 pixels with `count` groups.
 *
 * @param {number} count
 */
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

/**
 * Writes a file with `count` groups.
 *
 * @param {number} count
 * @param {{ deepest?: number }} [options]
 */
export const webpOfGroups = (count, options) => webp(riffChunk("VP8L", groups(count, options)));
