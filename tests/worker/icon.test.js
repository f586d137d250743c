/**
 * Tests PUT /icon and the frames that are rendered from the stored icon: they are byte for byte the
 * command's, also when many are requested at once; and whatever file is uploaded, the Worker
 * answers and the store stays whole.
 */
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import test, { before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { noisyIcon } from "../../benches/noisy-icon.js";
import { pngChunk, pngFile } from "../../scripts/lib/png.js";
import { scene } from "../command/pictures.js";
import { assertGuarded, json, problem } from "./harness/assertions.js";
import { renderedSet, sha256 } from "./harness/frames.js";
import { contents, put } from "./harness/kv.js";
import { overPlainConnection } from "./harness/requests.js";
import { SECRETS } from "./harness/secrets.js";
import { useStage } from "./harness/stage.js";

const stage = useStage();

/** 09:00 in Tokyo: frame 9. */
const AT = "2031-06-15T00:00:00Z";
const MAX_BYTES = 25_000_000;
const DAY = 86_400;

const photo = () => scene(640, 480);
const seeThrough = () => scene(640, 480, { alpha: true });
const authorization = `Bearer ${SECRETS.TRIGGER_TOKEN}`;

/** @param {Response} response */
/** @typedef {import("sharp").Sharp} Sharp */

const bytesOf = async (response) => Buffer.from(await response.arrayBuffer());

/**
 * Fails if two lists of files are not the same to the last bit.
 *
 * @param {Buffer[]} actual
 * @param {Buffer[]} expected
 * @param {string} what
 */
function assertSameFiles(actual, expected, what) {
  assert.equal(actual.length, expected.length, `${what}: how many`);
  for (const [n, file] of actual.entries()) {
    assert.ok(
      file.equals(expected[n]),
      `${what}: ${n} differs (${file.length} and ${expected[n].length} bytes)`,
    );
  }
}

/**
 * Fails if two states of the store are not the same, key by key.
 *
 * @param {Map<string, Buffer>} actual
 * @param {Map<string, Buffer>} expected
 */
function assertSameStore(actual, expected) {
  assert.deepEqual([...actual.keys()], [...expected.keys()].sort());
  for (const [key, value] of expected) assert.ok(actual.get(key).equals(value), `${key} differs`);
}

/**
 * A frame as anybody gets it.
 *
 * @param {number} n
 */
async function getFrame(n) {
  const response = await stage.worker.fetch(`/frames/${n}`);
  const body = await bytesOf(response);
  assert.equal(response.status, 200, body.toString());
  assertGuarded(response);
  return body;
}

/** @param {{ frames: Buffer[] }} set */
const numbersOf = (set) => set.frames.map((_, n) => n);

/**
 * All frames, asked for at once.
 *
 * @param {{ frames: Buffer[] }} set
 */
const getFrames = (set) => Promise.all(numbersOf(set).map(getFrame));

/**
 * Puts a picture, which has to be taken; gives the answer and what the command makes of it.
 *
 * @param {Buffer} picture
 * @param {Record<string, string>} options
 */
async function putIcon(picture, options = {}) {
  const query = new URLSearchParams(options).toString();
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const [response, native] = await Promise.all([
    stage.worker.putIcon(picture, query && `?${query}`),
    renderedSet(picture, ...flags),
  ]);
  return { answer: await json(response), native };
}

// --- The same bytes as the command's ------------------------------------

/** sharp's pixels as a new picture, so that what is done to them comes after. */
async function sixteenBits() {
  const { data, info } = await photo()
    .toColourspace("rgb16")
    .raw({ depth: "ushort" })
    .toBuffer({ resolveWithObject: true });
  const samples = new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
  return sharp(samples, { raw: info }).toColourspace("rgb16").png();
}

/**
 * Pictures of every kind, and what sharp says of each.
 *
 * @type {Record<string, [() => Sharp | Promise<Sharp>, object]>}
 */
const PICTURES = {
  "JPEG 4:2:0": [
    () => photo().jpeg({ quality: 92 }),
    { format: "jpeg", chromaSubsampling: "4:2:0", isProgressive: false },
  ],
  "JPEG 4:4:4": [
    () => photo().jpeg({ chromaSubsampling: "4:4:4" }),
    { format: "jpeg", chromaSubsampling: "4:4:4" },
  ],
  "progressive JPEG": [
    () => photo().jpeg({ progressive: true }),
    { format: "jpeg", isProgressive: true },
  ],
  "grey JPEG": [() => photo().toColourspace("b-w").jpeg(), { format: "jpeg", channels: 1 }],
  "CMYK JPEG": [() => photo().toColourspace("cmyk").jpeg(), { format: "jpeg", space: "cmyk" }],
  "JPEG turned by EXIF": [
    () => photo().withMetadata({ orientation: 6 }).jpeg(),
    { format: "jpeg", orientation: 6 },
  ],
  "JPEG mirrored by EXIF": [
    () => photo().withMetadata({ orientation: 5 }).jpeg(),
    { format: "jpeg", orientation: 5 },
  ],
  "JPEG of 613×417": [() => scene(613, 417).jpeg(), { format: "jpeg", width: 613, height: 417 }],
  "JPEG of 2400×1800": [() => scene(2400, 1800).jpeg(), { format: "jpeg", width: 2400 }],
  "JPEG of 400×400": [() => scene(400, 400).jpeg(), { format: "jpeg", width: 400, height: 400 }],
  "PNG with alpha": [() => seeThrough().png(), { format: "png", channels: 4 }],
  "PNG with a palette": [
    () => photo().png({ palette: true, colours: 200 }),
    { format: "png", isPalette: true },
  ],
  "PNG with a transparent palette": [
    () => seeThrough().png({ palette: true }),
    { format: "png", isPalette: true, hasAlpha: true },
  ],
  "PNG of 16 bits": [sixteenBits, { format: "png", depth: "ushort" }],
  "interlaced PNG": [
    () => photo().png({ progressive: true }),
    { format: "png", isProgressive: true },
  ],
  "grey PNG with alpha": [
    () => seeThrough().toColourspace("b-w").png(),
    { format: "png", channels: 2 },
  ],
  "PNG of 37×51": [() => scene(37, 51).png(), { format: "png", width: 37 }],
  "noisy PNG": [async () => sharp(noisyIcon(255)).png(), { format: "png", width: 400 }],
  GIF: [() => photo().removeAlpha().gif(), { format: "gif" }],
  "GIF with transparency": [() => seeThrough().gif(), { format: "gif", hasAlpha: true }],
  "lossy WebP": [
    () => photo().removeAlpha().webp({ quality: 90 }),
    { format: "webp", hasAlpha: false },
  ],
  "lossless WebP": [
    () => photo().removeAlpha().webp({ lossless: true }),
    { format: "webp", hasAlpha: false },
  ],
  "lossy WebP with alpha": [
    () => seeThrough().webp({ quality: 90 }),
    { format: "webp", hasAlpha: true },
  ],
  "lossless WebP with alpha": [
    () => seeThrough().webp({ lossless: true }),
    { format: "webp", hasAlpha: true },
  ],
};

/**
 * Options, each set with the picture that shows it best.
 *
 * @type {[string, Record<string, string>][]}
 */
const OPTIONS = [
  ...["nearest", "bilinear", "sharp", "cubic", "lanczos", "spline"].flatMap((kernel) => {
    /** @type {[string, Record<string, string>][]} */
    const both = [
      ["JPEG of 613×417", { kernel }],
      ["noisy PNG", { kernel, frames: "24" }],
    ];
    return both;
  }),
  ["JPEG 4:2:0", { fill: "ff8800" }],
  ["JPEG 4:2:0", { fill: "black", kernel: "lanczos" }],
  ["JPEG 4:2:0", { shape: "circle" }],
  ["PNG with alpha", { shape: "circle", kernel: "spline", background: "204060" }],
  ["noisy PNG", { shape: "circle", kernel: "cubic" }],
  ["PNG with alpha", { background: "black" }],
  ["JPEG 4:2:0", { crop: "left" }],
  ["JPEG turned by EXIF", { crop: "bottom" }],
  ["JPEG 4:2:0", { crop: "31,17,333" }],
  ["JPEG 4:2:0", { quality: "60" }],
  ["noisy PNG", { quality: "100" }],
  ["JPEG 4:2:0", { quality: "1" }],
  ["JPEG 4:2:0", { frames: "7" }],
  ["JPEG 4:2:0", { frames: "24" }],
  ["JPEG of 613×417", { frames: "6", kernel: "spline" }],
  ["JPEG 4:2:0", { frames: "1" }],
  [
    "JPEG 4:2:0",
    {
      frames: "10",
      crop: "12,34,400",
      background: "white",
      kernel: "bilinear",
      fill: "00ff7f",
      shape: "square",
      quality: "80",
    },
  ],
];

/** @type {Map<string, Buffer>} */
const files = new Map();
before(async () => {
  for (const [name, [make]] of Object.entries(PICTURES))
    files.set(name, await (await make()).toBuffer());
});

test("the pictures are of the kinds that they are named after", async () => {
  for (const [name, [, kind]] of Object.entries(PICTURES)) {
    const metadata = await sharp(files.get(name)).metadata();
    assert.partialDeepStrictEqual(metadata, kind, name);
  }
});

/** @type {[string, Record<string, string>][]} */
const plain = Object.keys(PICTURES).map((name) => [name, {}]);
for (const [name, options] of [...plain, ...OPTIONS]) {
  const said = Object.entries(options)
    .map(([option, value]) => ` ${option}=${value}`)
    .join("");
  test(`of a ${name}${said} the Worker makes what the command makes, byte for byte`, async () => {
    await stage.worker.reset();
    const { answer, native } = await putIcon(files.get(name), options);
    assert.deepEqual(answer, {
      changed: true,
      frame_set: JSON.parse(String(native.stored.get("current"))),
      crop: options.crop ?? "centre",
      background: answer.background,
    });
    assert.equal(answer.frame_set.id, native.id);
    assertSameFiles(await getFrames(native), native.frames, "frame");
    // The icon and the pointer too.
    assertSameStore(await contents(stage.worker.kv), native.stored);
    assertSameFiles(await getFrames(native), native.frames, "frame that is stored");
  });
}

test("what a turn sends is a picture of 400×400 pixels that other programs read", async () => {
  for (const [options, format] of /** @type {[Record<string, string>, string][]} */ ([
    [{}, "jpeg"],
    [{ shape: "circle" }, "png"],
  ])) {
    await stage.worker.reset();
    await putIcon(files.get("JPEG 4:2:0"), options);
    const { width, height, ...read } = await sharp(await getFrame(7)).metadata();
    assert.deepEqual([width, height, read.format], [400, 400, format]);
  }
});

// --- Turns, and frames that come and go ----------------------------------

for (const shape of ["square", "circle"]) {
  test(`a turn right after it sends the rendered frame and keeps it: ${shape}`, async () => {
    const { native } = await putIcon(files.get("JPEG of 613×417"), { shape });
    assert.equal(await stage.worker.kv.get(`sets/${native.id}/9`), null);
    assert.equal((await json(await stage.worker.fetch("/health"))).ready, true);
    for (const [n, turn] of /** @type {[number, () => Promise<any>][]} */ ([
      [9, () => stage.worker.cron(AT)],
      [4, () => stage.worker.turn("?frame=4").then(json)],
    ])) {
      await stage.simulator.clear();
      const { line = {}, ...answer } = await turn();
      assert.equal(line.outcome ?? answer.outcome, "turned", JSON.stringify({ line, answer }));
      const sent = await stage.simulator.receivedOne();
      assert.equal(sent.verdict, "accepted", sent.explanation);
      assertSameFiles(
        [await stage.simulator.picture(sent.number)],
        [native.frames[n]],
        `what X got of frame ${n}`,
      );
      const kept = Buffer.from(await stage.worker.kv.get(`sets/${native.id}/${n}`, "arrayBuffer"));
      assertSameFiles([kept], [native.frames[n]], `what is kept of frame ${n}`);
      assertSameFiles(
        [await getFrame(n), await getFrame(n)],
        [native.frames[n], native.frames[n]],
        `frame ${n} afterwards`,
      );
    }
  });
}

test("a rendered frame is kept for 90 days, the icon and the pointer for good", async () => {
  await stage.worker.reset();
  const { native } = await putIcon(files.get("JPEG 4:2:0"));
  const asked = Date.now() / 1000;
  await getFrame(3);
  const { keys } = await stage.worker.kv.list();
  const lifetimes = Object.fromEntries(
    keys.map(({ name, expiration }) => [
      name,
      expiration && Math.round((expiration - asked) / DAY),
    ]),
  );
  assert.deepEqual(lifetimes, {
    current: undefined,
    [`sets/${native.id}/3`]: 90,
    [`sets/${native.id}/icon`]: undefined,
  });
});

test("a frame that is lost heals with the same bytes, for a request and for a turn", async () => {
  const native = await renderedSet(files.get("JPEG 4:2:0"));
  for (const [key, value] of native.stored) await put(stage.worker.kv, key, value);
  for (const n of [0, 5, 9]) await stage.worker.kv.delete(`sets/${native.id}/${n}`);
  assertSameFiles(
    [await getFrame(5), await getFrame(0)],
    [native.frames[5], native.frames[0]],
    "healed frame",
  );
  assert.equal((await stage.worker.cron(AT)).line.outcome, "turned");
  assert.equal((await stage.simulator.receivedOne()).picture.sha256, sha256(native.frames[9]));
  assertSameFiles(await getFrames(native), native.frames, "frame");
});

test("without frame and icon, the answer and the log say so", async () => {
  const { native } = await putIcon(files.get("JPEG 4:2:0"));
  const whole = native.stored.get(`sets/${native.id}/icon`);
  for (const icon of [
    null,
    Buffer.alloc(0),
    Buffer.from("garbage"),
    whole.subarray(0, -1),
    Buffer.concat([whole, Buffer.alloc(1)]),
  ]) {
    await stage.worker.kv.delete(`sets/${native.id}/icon`);
    if (icon) await put(stage.worker.kv, `sets/${native.id}/icon`, icon);
    const why = icon ? "the icon to render it from is damaged" : "so is the icon to render it from";
    const says = new RegExp(`Frame 9 of 12 is missing from the store, and ${why}\\.`);
    assert.match((await problem(await stage.worker.fetch("/frames/9"), 503)).detail, says);
    assert.match(
      (await problem(await stage.worker.fetch("/health"), 503)).detail,
      /missing from the store/,
    );
    const { level, line } = await stage.worker.cron(AT);
    assert.deepEqual([level, line.outcome, line.reason], ["error", "refused", "frames"]);
    assert.match(line.message, says);
    assert.match(line.remedy, /PUT it to \/icon/);
  }
  await stage.simulator.receivedNothing();
  await putIcon(files.get("JPEG 4:2:0"));
  assertSameFiles([await getFrame(9)], [native.frames[9]], "after it is put again");
});

test("HEAD tells what GET would of a frame that is to be rendered", async () => {
  const { native } = await putIcon(files.get("JPEG 4:2:0"));
  const head = await stage.worker.fetch("/frames/2", { method: "HEAD" });
  assert.equal((await bytesOf(head)).length, 0);
  const get = await stage.worker.fetch("/frames/2");
  assertSameFiles([await bytesOf(get)], [native.frames[2]], "frame");
  for (const response of [head, get]) {
    assert.deepEqual(
      [
        response.status,
        ...["content-type", "etag", "cache-control"].map((name) => response.headers.get(name)),
      ],
      [200, "image/jpeg", `"${native.id}-2"`, "public, max-age=60"],
    );
  }
});

test("a frame that is known is not rendered", async () => {
  const { native } = await putIcon(files.get("JPEG 4:2:0"));
  const known = await stage.worker.fetch("/frames/2", {
    headers: { "if-none-match": `"${native.id}-2"` },
  });
  assert.equal(known.status, 304);
  assert.equal(await stage.worker.kv.get(`sets/${native.id}/2`), null);
  assert.equal((await stage.worker.fetch("/frames/12")).status, 404);
});

test("the same icon again changes nothing", async () => {
  const { answer } = await putIcon(files.get("JPEG 4:2:0"));
  await getFrame(1);
  const store = await contents(stage.worker.kv);
  assert.deepEqual((await putIcon(files.get("JPEG 4:2:0"))).answer, { ...answer, changed: false });
  assertSameStore(await contents(stage.worker.kv), store);
});

test("what is left open stays as in the current set, but for crop and background", async () => {
  const kept = { frames: "8", kernel: "cubic", fill: "112233", quality: "71" };
  await putIcon(files.get("JPEG 4:2:0"), { ...kept, crop: "left", background: "black" });
  const response = await stage.worker.putIcon(files.get("GIF"));
  const { frame_set: set, crop } = await json(response);
  const native = await renderedSet(
    files.get("GIF"),
    ...Object.entries(kept).flatMap(([name, value]) => [`--${name}`, value]),
  );
  assert.deepEqual([set.id, crop], [native.id, "centre"]);
  assertSameFiles(await getFrames(native), native.frames, "frame");
});

test("it needs no frame set, nor one that can be read", async () => {
  for (const current of [null, "garbage", "{}"]) {
    await stage.worker.reset();
    if (current !== null) await stage.worker.kv.put("current", current);
    const { answer, native } = await putIcon(files.get("lossy WebP"));
    assert.equal(answer.changed, true);
    assertSameFiles([await getFrame(1)], [native.frames[1]], "frame 1");
  }
});

test("it is taken whatever is wrong with the other settings, and logs nothing", async () => {
  await stage.worker.configure({ vars: { PERIOD: "never" }, secrets: { API_KEY: null } });
  await putIcon(files.get("JPEG 4:2:0"));
  await getFrame(1);
  assert.deepEqual(await stage.worker.logs(), []);
});

test("a body that comes in pieces without a length is taken", async () => {
  const file = files.get("noisy PNG");
  const chunks = Array.from({ length: Math.ceil(file.length / 10_000) }, (_, i) =>
    file.subarray(i * 10_000, (i + 1) * 10_000),
  );
  const headers = { authorization, "transfer-encoding": "chunked" };
  const { frame_set: set } = await json(
    await overPlainConnection(stage.worker, "PUT", "/icon", { headers, chunks }),
  );
  assert.equal(set.id, (await renderedSet(file)).id);
});

test("the type that the sender says is nobody's concern", async () => {
  for (const type of [
    "image/png",
    "application/octet-stream",
    "application/x-www-form-urlencoded",
    "text/plain",
  ]) {
    await json(
      await stage.worker.putIcon(files.get("JPEG 4:2:0"), "", {
        headers: { authorization, "content-type": type },
      }),
    );
  }
});

// --- Many at once ---------------------------------------------------------

test("one missing frame asked for twelve times at once is the same each time", async () => {
  const { native } = await putIcon(files.get("noisy PNG"));
  const frames = await Promise.all(Array.from({ length: 12 }, () => getFrame(5)));
  assertSameFiles(frames, Array(12).fill(native.frames[5]), "answer");
});

test("all missing frames asked for at once, some more than once, are each right", async () => {
  const { native } = await putIcon(files.get("noisy PNG"), { kernel: "spline" });
  const numbers = Array.from({ length: 36 }, (_, i) => (i * 7) % 12);
  const turns = Promise.all([1, 2].map(async (n) => json(await stage.worker.turn(`?frame=${n}`))));
  assertSameFiles(
    await Promise.all(numbers.map(getFrame)),
    numbers.map((n) => native.frames[n]),
    "answer",
  );
  assert.deepEqual(
    (await turns).map(({ outcome }) => outcome),
    ["turned", "turned"],
  );
  const sent = (await stage.simulator.received()).map(({ picture }) => picture.sha256);
  assert.deepEqual(sent.sort(), [1, 2].map((n) => sha256(native.frames[n])).sort());
});

test("of two icons put at once one is shown, whole", async () => {
  const names = ["JPEG 4:2:0", "PNG with alpha"];
  for (let round = 0; round < 5; round += 1) {
    await stage.worker.reset();
    const sets = await Promise.all(
      names.map(async (name) => (await putIcon(files.get(name))).native),
    );
    const { id } = JSON.parse(await stage.worker.kv.get("current"));
    const shown = sets.find((set) => set.id === id) ?? assert.fail(`${id} is neither`);
    assertSameFiles(await getFrames(shown), shown.frames, `frame of ${names[sets.indexOf(shown)]}`);
    const icons = sets.map((set) => set.stored.get(`sets/${set.id}/icon`));
    const stored = await Promise.all(
      sets.map(({ id }) => stage.worker.kv.get(`sets/${id}/icon`, "arrayBuffer")),
    );
    assertSameFiles(
      stored.map((icon) => Buffer.from(icon)),
      icons,
      "icon",
    );
  }
});

test("while icons are put, each frame that is got belongs to the set that its tag names", async () => {
  const names = ["JPEG 4:2:0", "PNG with alpha", "GIF"];
  const sets = await Promise.all(names.map((name) => renderedSet(files.get(name))));
  await json(await stage.worker.putIcon(files.get(names[0])));
  let done = false;
  const seen = new Set();
  /** @param {number} start */
  const watch = async (start) => {
    for (let n = start; !done; n = (n + 5) % 12) {
      const response = await stage.worker.fetch(`/frames/${n}`);
      const body = await bytesOf(response);
      assert.equal(response.status, 200, body.toString());
      const set =
        sets.find(({ id }) => response.headers.get("etag") === `"${id}-${n}"`) ??
        assert.fail("another set");
      assertSameFiles([body], [set.frames[n]], `frame ${n}`);
      seen.add(set.id);
    }
  };
  const watching = Promise.all([0, 1, 2].map(watch));
  try {
    for (const name of [...names, ...names]) {
      await json(await stage.worker.putIcon(files.get(name)));
      await sleep(50);
    }
  } finally {
    done = true;
  }
  await watching;
  assert.equal(seen.size, 3, "all sets were seen");
});

// --- What is refused -------------------------------------------------------

/**
 * Fails unless the Worker still shows what it showed, and the store is as it was.
 *
 * @param {() => Promise<unknown>} act
 */
async function unchanged(act) {
  const store = await contents(stage.worker.kv);
  await act();
  assertSameStore(await contents(stage.worker.kv), store);
  assertSameFiles([await getFrame(1)], [stage.set.frames[1]], "frame 1 afterwards");
}

/**
 * Puts what has to be refused; the set that is shown stays it, to the last key.
 *
 * @param {number} status
 * @param {RegExp} says
 * @param {import("./harness/requests.js").Body} picture
 */
async function refused(status, says, picture, query = "", init = {}) {
  let body;
  await unchanged(async () => {
    const response = await stage.worker.putIcon(picture, query, init);
    body = await problem(response, status);
    assert.match(body.detail, says);
    assert.ok(body.detail.length < 400, body.detail);
  });
  return body;
}

test("who has not the token is refused before the picture is looked at", async () => {
  for (const [headers, challenge] of /** @type {[Record<string, string>, string][]} */ ([
    [{}, "Bearer"],
    [{ authorization: `Basic ${SECRETS.TRIGGER_TOKEN}` }, "Bearer"],
    [{ authorization: "Bearer something-else" }, 'Bearer error="invalid_token"'],
    [{ authorization: `${authorization}x` }, 'Bearer error="invalid_token"'],
  ])) {
    for (const [picture, query] of [
      [files.get("GIF"), ""],
      ["text", "?nonsense=1"],
      ["", ""],
    ]) {
      await unchanged(async () => {
        const response = await stage.worker.fetch(`/icon${query}`, {
          method: "PUT",
          body: picture,
          headers,
        });
        assert.equal(response.headers.get("www-authenticate"), challenge);
        await problem(response, 401);
      });
    }
  }
});

test("without TRIGGER_TOKEN it is closed", async () => {
  await stage.worker.configure({ secrets: { TRIGGER_TOKEN: null } });
  await refused(503, /^This is closed: TRIGGER_TOKEN is not set\./, files.get("GIF"));
});

/** @param {string} brand */
const ftyp = (brand) =>
  Buffer.concat([
    Buffer.from([0, 0, 0, 24]),
    Buffer.from(`ftyp${brand}\0\0\0\0mif1heic`),
    Buffer.alloc(64),
  ]);

for (const [what, makePicture, says] of /** @type {[string, () => any, RegExp][]} */ ([
  [
    "a text named .jpg",
    () => "this is no picture",
    /^This is a text, not a JPEG, PNG, GIF or WebP file; convert it/,
  ],
  ["nothing", () => "", /^This is an empty file/],
  ["a HEIC picture", () => ftyp("heic"), /^This is a HEIC picture/],
  ["an AVIF picture", () => ftyp("avif"), /^This is an AVIF picture/],
  ["an SVG drawing", () => '<svg xmlns="http://www.w3.org/2000/svg"/>', /^This is an SVG drawing/],
  ["a TIFF picture", () => scene(50, 50).tiff().toBuffer(), /^This is a TIFF picture/],
  [
    "bytes of no kind",
    () => Buffer.from(Array.from({ length: 999 }, (_, i) => (i * 167 + 200) % 256)),
    /^This is an unknown kind of file/,
  ],
])) {
  test(`${what} is refused by its name`, async () => {
    const { detail } = await refused(415, says, await makePicture());
    assert.match(detail, /The icon has not been changed\.$/);
  });
}

test("a form is refused with a hint", async () => {
  const form = new FormData();
  form.append("icon", new Blob([new Uint8Array(files.get("GIF") ?? [])]), "icon.gif");
  const request = new Request("http://localhost", { method: "PUT", body: form });
  const headers = { authorization, "content-type": request.headers.get("content-type") };
  await refused(
    415,
    /^This is a form, .*; send the file itself as the body/,
    Buffer.from(await request.arrayBuffer()),
    "",
    { headers },
  );
});

test("a picture that was cut off is broken, wherever it was cut", async () => {
  for (const name of [
    "JPEG 4:2:0",
    "progressive JPEG",
    "noisy PNG",
    "interlaced PNG",
    "GIF",
    "lossy WebP",
    "lossless WebP",
    "lossy WebP with alpha",
  ]) {
    const file = files.get(name);
    for (const share of [0.02, 0.3, 0.9]) {
      const [, format] = /(JPEG|PNG|GIF|WebP)/.exec(name);
      const says = new RegExp(
        `^This ${format} file is broken: .*The icon has not been changed\\.$`,
      );
      await refused(422, says, file.subarray(0, Math.max(16, Math.floor(file.length * share))));
    }
  }
});

test("a square outside of the picture is refused", async () => {
  await refused(
    422,
    /^The square 600,0,300 is not inside the picture of 640×480 pixels/,
    files.get("GIF"),
    "?crop=600,0,300",
  );
});

/** Files that say they are larger than they are. */
const BOMBS = {
  PNG: () => pngFile(20_000, 8, 6, pngChunk("IDAT", deflateSync(Buffer.alloc(100_000)))),
  "PNG of 16 bits": () =>
    pngFile(16_000, 16, 6, pngChunk("IDAT", deflateSync(Buffer.alloc(100_000)))),
  GIF: async () => {
    const gif = Buffer.from(await scene(16, 16).gif().toBuffer());
    gif.writeUInt16LE(65535, 6);
    gif.writeUInt16LE(65535, 8);
    return gif;
  },
  JPEG: async () => {
    const jpeg = Buffer.from(await scene(16, 16).jpeg().toBuffer());
    const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0, 0, 17]));
    jpeg.writeUInt16BE(65500, frame + 5);
    jpeg.writeUInt16BE(65500, frame + 7);
    return jpeg;
  },
  "lossless WebP": async () => {
    const webp = Buffer.from(await scene(16, 16).webp({ lossless: true }).toBuffer());
    const header = webp.indexOf("VP8L") + 9;
    webp.writeUInt32LE((webp.readUInt32LE(header) & 0xf0000000) | 15999 | (15999 << 14), header);
    return webp;
  },
  // Only the picture inside says so, not the canvas around it.
  "WebP with alpha": () => {
    const webp = Buffer.from(files.get("lossy WebP with alpha"));
    const chunk = webp.indexOf("VP8 ") + 8;
    webp.writeUInt16LE(16383, chunk + 6);
    webp.writeUInt16LE(16383, chunk + 8);
    return webp;
  },
};

for (const [name, make] of Object.entries(BOMBS)) {
  test(`a small ${name} that asks for a large memory is refused`, async () => {
    const bomb = await make();
    const says = name.startsWith("PNG of 16")
      ? /^The pixels of this picture of \d+×\d+ pixels unpack to \d+ MB, and a PNG file may have 400 MB of them here; make it smaller.*The icon has not been changed\.$/
      : /^This picture of \d+×\d+ pixels takes \d+ MB to decode, and 60 MB is the limit here; make it smaller.*The icon has not been changed\.$/;
    // More than once: whatever one of them takes must be given back.
    for (let i = 0; i < 3; i += 1) await refused(413, says, bomb);
  });
}

test("a GIF whose picture is larger than its canvas is refused or cut, and no more", async () => {
  const gif = Buffer.from(await scene(16, 16).removeAlpha().gif().toBuffer());
  const picture = gif.indexOf(Buffer.from([0x2c, 0, 0, 0, 0, 16, 0, 16, 0]));
  assert.ok(picture > 0);
  gif.writeUInt16LE(65535, picture + 5);
  gif.writeUInt16LE(65535, picture + 7);
  await refused(
    413,
    /^This picture takes more memory to decode than there is here; make it smaller/,
    gif,
  );
});

const TOO_LARGE =
  /^This picture is larger than 25 MB\. Make it smaller.*The icon has not been changed\.$/;

test("a body of more than 25 MB is refused, of a known length and in pieces", async () => {
  const file = Buffer.concat([files.get("JPEG 4:2:0"), Buffer.alloc(MAX_BYTES)]).subarray(
    0,
    MAX_BYTES + 1,
  );
  /**
   * @param {Record<string, string | number>} headers
   * @param {Iterable<Uint8Array | string>} chunks
   */
  const refusedOverPlainConnection = (headers, chunks) =>
    unchanged(async () => {
      const response = await overPlainConnection(stage.worker, "PUT", "/icon", {
        headers: { authorization, ...headers },
        chunks,
      });
      assert.match((await problem(response, 413)).detail, TOO_LARGE);
    });
  // Of a known length, it is refused before it comes.
  await refusedOverPlainConnection({ "content-length": file.length }, [file.subarray(0, 65_536)]);
  const chunks = Array.from({ length: Math.ceil(file.length / 65_536) }, (_, i) =>
    file.subarray(i * 65_536, (i + 1) * 65_536),
  );
  await refusedOverPlainConnection({ "transfer-encoding": "chunked" }, chunks);
});

test("a body of exactly 25 MB is taken", async () => {
  const file = Buffer.concat([files.get("JPEG 4:2:0"), Buffer.alloc(MAX_BYTES)]).subarray(
    0,
    MAX_BYTES,
  );
  const { native } = await putIcon(file);
  assertSameFiles([await getFrame(1)], [native.frames[1]], "frame 1");
});

test("a body that breaks off changes nothing", async () => {
  await unchanged(async () => {
    for (const share of [0, 0.5, 0.99]) {
      const file = files.get("noisy PNG");
      const request = httpRequest(`${stage.worker.url}/icon`, {
        method: "PUT",
        headers: { authorization, "content-length": file.length },
      });
      const broken = new Promise((resolve) => request.once("error", resolve));
      request.write(file.subarray(0, Math.max(1, Math.floor(file.length * share))));
      await sleep(200);
      request.destroy(new Error("broken off"));
      await broken;
    }
    await sleep(200);
  });
});

for (const [query, says] of /** @type {[string, RegExp][]} */ ([
  ["?frames=0", /^`frames` has to be .*1440/],
  ["?frames=1441", /^`frames` has to be /],
  ["?frames=-1", /^`frames` has to be /],
  ["?frames=twelve", /^`frames` has to be /],
  ["?frames=", /^`frames` has to be /],
  ["?crop=middle", /^`crop` .*centre/],
  ["?crop=1,2", /^`crop` /],
  ["?crop=0,0,0", /^`crop` /],
  ["?background=red", /^`background` .*RRGGBB/],
  ["?background=ff880", /^`background` /],
  ["?kernel=fast", /^`kernel` has to be nearest, bilinear, sharp, cubic, lanczos or spline\.$/],
  ["?kernel=Sharp", /^`kernel` has to be /],
  ["?fill=mirror", /^`fill` has to be reflect, black, white or a colour as RRGGBB/],
  ["?shape=oval", /^`shape` has to be square or circle\.$/],
  ["?quality=0", /^`quality` has to be a whole number from 1 to 100\.$/],
  ["?quality=101", /^`quality` has to be /],
  ["?quality=95.5", /^`quality` has to be /],
  ["?quality=60&quality=61", /^`quality` is given more than once/],
  [
    "?direction=clockwise",
    /^The query parameters here are: frames, crop, background, kernel, fill, shape, quality\.$/,
  ],
  ["?Frames=12", /^The query parameters here are: /],
])) {
  test(`the query ${query} is refused by name`, async () => {
    await refused(400, says, files.get("GIF"), query);
  });
}

test("whatever byte of a header is wrong, the Worker answers", async () => {
  for (const name of ["JPEG 4:2:0", "PNG with a palette", "GIF", "lossy WebP with alpha"]) {
    for (let at = 3; at < 60; at += 6) {
      const changed = Buffer.from(files.get(name));
      changed[at] ^= 0xff;
      const response = await stage.worker.putIcon(changed);
      const said = await response.text();
      assert.ok(
        [200, 413, 415, 422].includes(response.status),
        `${name}, byte ${at}: ${response.status} ${said}`,
      );
    }
  }
  const { native } = await putIcon(files.get("GIF"));
  assertSameFiles([await getFrame(1)], [native.frames[1]], "frame 1");
});

// --- Large pictures ---------------------------------------------------------

for (const [kind, options] of /** @type {[string, import("sharp").JpegOptions][]} */ ([
  ["baseline", {}],
  ["progressive", { progressive: true }],
])) {
  test(`a ${kind} JPEG of 4000×3000 is taken`, async () => {
    const photo = scene(4000, 3000)
      .removeAlpha()
      .jpeg({ quality: 90, ...options });
    const { native } = await putIcon(await photo.toBuffer());
    assertSameFiles(await getFrames(native), native.frames, "frame");
  });
}

test("a progressive JPEG of 5712×4284 is refused for its memory", async () => {
  const large = scene(5712, 4284).removeAlpha().jpeg({ quality: 90, progressive: true });
  const store = await contents(stage.worker.kv);
  const { detail } = await problem(await stage.worker.putIcon(await large.toBuffer()), 413);
  assert.match(
    detail,
    /^This picture of 5712×4284 pixels takes \d+ MB to decode, and 60 MB is the limit here; make it smaller/,
  );
  assertSameStore(await contents(stage.worker.kv), store);
});

test("pictures that just fit into the memory are taken, one after the other and at once", async () => {
  /**
   * @param {number} width
   * @param {number} height
   */
  const large = (width, height) => scene(width, height).removeAlpha();
  const pictures = await Promise.all([
    large(2440, 2440).png({ compressionLevel: 1 }).toBuffer(),
    large(4200, 3150).jpeg({ progressive: true }).toBuffer(),
    large(2440, 2440).webp({ effort: 0 }).toBuffer(),
    large(2440, 2440).webp({ lossless: true, effort: 0 }).toBuffer(),
    large(2440, 2440).gif({ effort: 1 }).toBuffer(),
  ]);
  const sets = [];
  for (const picture of pictures) {
    const { native } = await putIcon(picture);
    assertSameFiles([await getFrame(1)], [native.frames[1]], "frame 1");
    sets.push(native.id);
  }
  const answers = await Promise.all(
    pictures.map(async (picture) => json(await stage.worker.putIcon(picture))),
  );
  assert.deepEqual(
    answers.map(({ frame_set: set }) => set.id),
    sets,
  );
});
