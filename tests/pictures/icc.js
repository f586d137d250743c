/** Colour profiles (ICC.1:2022) that no camera writes. */
import { ascii, join, randomBytes, u16be, u32be } from "./bytes.js";

/** @param {number} n */
const s15f16 = (n) => u32be(Math.round(n * 65_536));
/** @param {number[]} values */
const xyz = (...values) => join(ascii("XYZ "), u32be(0), values.map(s15f16));
/** @param {number} n */
const gamma = (n) => join(ascii("curv"), u32be(0), u32be(1), u16be(Math.round(n * 256)));
const WHITE = xyz(0.9642, 1, 0.8249);

/**
 * Writes a profile.
 *
 * @param {Record<string, Buffer>} tags
 * @param {object} options what the header says, which may be wrong
 * @param {string} [options.space]
 * @param {string} [options.pcs]
 * @param {number} [options.version]
 * @param {string} [options.kind]
 * @param {number} [options.count] of tags
 * @param {number} [options.size] of the profile
 * @param {number} [options.offsets] of every tag
 */
function profile(
  tags,
  { space = "RGB ", pcs = "XYZ ", version = 4, kind = "mntr", count, size, offsets } = {},
) {
  const entries = Object.entries(tags);
  const table = 128 + 4 + 12 * entries.length;
  let at = table;
  const rows = [];
  const data = [];
  for (const [name, tag] of entries) {
    const padded = join(tag, Buffer.alloc(-tag.length & 3));
    rows.push(ascii(name), u32be(offsets ?? at), u32be(tag.length));
    data.push(padded);
    at += padded.length;
  }
  const header = Buffer.alloc(128);
  header.writeUInt32BE((size ?? at) >>> 0, 0);
  header[8] = version;
  header.write(kind + space + pcs, 12, "latin1");
  header.write("acsp", 36, "latin1");
  join(s15f16(0.9642), s15f16(1), s15f16(0.8249)).copy(header, 68);
  return join(header, u32be(count ?? entries.length), rows, data);
}

/** The tags of a screen: three colours and three curves. */
const matrix = (
  curve = gamma(2.2),
  colours = [
    [0.515, 0.241, -0.001],
    [0.292, 0.692, 0.042],
    [0.157, 0.067, 0.784],
  ],
) => ({
  wtpt: WHITE,
  rXYZ: xyz(...colours[0]),
  gXYZ: xyz(...colours[1]),
  bXYZ: xyz(...colours[2]),
  rTRC: curve,
  gTRC: curve,
  bTRC: curve,
});

/**
 * @param {number} count
 * @param {Buffer} values
 */
const curveOf = (count, values) => join(ascii("curv"), u32be(0), u32be(count), values);
/**
 * @param {number} kind
 * @param {number[]} values
 */
const parametric = (kind, ...values) =>
  join(ascii("para"), u32be(0), u16be(kind), u16be(0), values.map(s15f16));

/**
 * Tables of 8 bits (`mft1`, §10.11): as many inputs, outputs and points a side as it says.
 *
 * @param {number} inputs
 * @param {number} outputs
 * @param {number} points
 * @param {Buffer} data
 */
const table8 = (inputs, outputs, points, data) =>
  join(
    ascii("mft1"),
    u32be(0),
    inputs,
    outputs,
    points,
    0,
    [1, 0, 0, 0, 1, 0, 0, 0, 1].map(s15f16),
    data,
  );

/** Profiles by what is wrong with them, each new. */
export function wildProfiles() {
  const nothing = Buffer.alloc(0);
  const cmyk = { space: "CMYK", pcs: "Lab ", kind: "prtr", version: 2 };
  return {
    "bytes by chance": randomBytes(3_000, 21),
    "a header only": profile({}),
    "as little as can be": ascii("acsp"),
    "of 4 MB": profile({ ...matrix(), desc: Buffer.alloc(4_000_000) }),
    "of 4 GB, it says": profile(matrix(), { size: 0xffffffff }),
    "of 2^32 − 1 tags": profile(matrix(), { count: 0xffffffff }),
    "of 100,000 tags": join(profile(matrix(), { count: 100_000 }), randomBytes(1_300_000, 22)),
    "tags that lie outside": profile(matrix(), { offsets: 0xfffffff0 }),
    "a tag on the tags": profile(matrix(), { offsets: 128 }),
    "version 255": profile(matrix(), { version: 255 }),
    "a space that does not exist": profile(matrix(), { space: "\0\0\0\0" }),
    "15 colours": profile(matrix(), { space: "FCLR" }),
    "grey, for a picture in colour": profile({ wtpt: WHITE, kTRC: gamma(2.2) }, { space: "GRAY" }),
    "no curves": profile({ ...matrix(), rTRC: nothing, gTRC: nothing, bTRC: nothing }),
    "a curve of 2^32 − 1 points": profile(matrix(curveOf(0xffffffff, nothing))),
    "a curve of a million points": profile(matrix(curveOf(1_000_000, Buffer.alloc(2_000_000, 7)))),
    "a curve that falls": profile(matrix(curveOf(4, Buffer.from("ffffaaaa55550000", "hex")))),
    "a curve that is one value": profile(matrix(curveOf(2, Buffer.alloc(4)))),
    "gamma 0": profile(matrix(gamma(0))),
    "a parametric curve that divides by 0": profile(matrix(parametric(3, 2.4, 0, 0, 0, 0))),
    "a parametric curve of −32768": profile(
      matrix(parametric(4, -32_768, -32_768, -32_768, -32_768, -32_768, -32_768, -32_768)),
    ),
    "a parametric curve of kind 65535": profile(matrix(parametric(65_535, 1))),
    "colours that are all one": profile(
      matrix(gamma(1), [
        [1, 1, 1],
        [1, 1, 1],
        [1, 1, 1],
      ]),
    ),
    "colours of nothing": profile(
      matrix(gamma(1), [
        [0, 0, 0],
        [0, 0, 0],
        [0, 0, 0],
      ]),
    ),
    "colours of −32768": profile(
      matrix(gamma(1), [
        [-32_768, -32_768, -32_768],
        [32_767, 0, 0],
        [0, 32_767, 0],
      ]),
    ),
    "CMYK, for a picture that is none": profile(
      { wtpt: WHITE, A2B0: table8(4, 3, 2, Buffer.alloc(256 * 7 + 48)) },
      cmyk,
    ),
    "CMYK, a table of 255 points a side": profile(
      { wtpt: WHITE, A2B0: table8(4, 3, 255, Buffer.alloc(2_000_000)) },
      cmyk,
    ),
    "CMYK, a table of one point": profile(
      { wtpt: WHITE, A2B0: table8(4, 3, 1, Buffer.alloc(256 * 7 + 3)) },
      cmyk,
    ),
    "CMYK, a table of 15 inputs and outputs": profile(
      { wtpt: WHITE, A2B0: table8(15, 15, 2, Buffer.alloc(500_000)) },
      cmyk,
    ),
    "CMYK, a table without data": profile({ wtpt: WHITE, A2B0: table8(4, 3, 17, nothing) }, cmyk),
    "a table of 33 points and curves": profile({
      ...matrix(),
      A2B0: table8(3, 3, 33, randomBytes(768 + 33 ** 3 * 3 + 768, 23)),
    }),
    "a table whose parts lie outside": profile({
      ...matrix(),
      A2B0: join(ascii("mAB "), u32be(0), 3, 3, 0, 0, Buffer.alloc(20, 255)),
    }),
    "a table whose parts are itself": profile({
      ...matrix(),
      A2B0: join(ascii("mAB "), u32be(0), 3, 3, 0, 0, Buffer.alloc(20)),
    }),
  };
}
