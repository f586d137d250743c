/**
 * Tests that a decoder's failure stays its own (src/decoder.js) and that the bodies of pictures are
 * bounded (src/body.js), with decoders that fail in every way that WebAssembly can. Only here these
 * modules run in Node.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import test, { mock } from "node:test";
import sharp from "sharp";
import { root } from "../../scripts/lib/run.js";
import { readSquare } from "../../src/decoder.js";
import { readPicture } from "../../src/body.js";
import { scene } from "../command/pictures.js";
import { decoderWasm } from "./harness/decoders.js";

const OPTIONS = JSON.stringify({ side: 400, crop: "Centre", background: [255, 255, 255] });
const MEMORY = 64 * 1024 * 1024;

/** The decoder that is deployed. */
const real = new WebAssembly.Module(readFileSync(path.join(root, "build/decoder.wasm")));

/**
 * A decoder by the bodies of its functions.
 *
 * @param {Parameters<typeof decoderWasm>[0]} bodies
 */
const decoder = (bodies) => new WebAssembly.Module(Buffer.from(decoderWasm(bodies)));

/**
 * Gives a reply of this kind with bytes of the memory.
 *
 * @param {number} kind
 * @param {number} start
 * @param {number} length
 */
const replies = (kind, start, length) =>
  `(i32.store (i32.const 16) (i32.const ${kind})) (i32.store (i32.const 20) (i32.const ${start})) (i32.store (i32.const 24) (i32.const ${length})) (i32.const 16)`;

/**
 * Does something, and returns its value and the lines that it logs.
 *
 * @template T
 * @param {() => T} act
 */
function logged(act) {
  const error = mock.method(console, "error", () => {});
  try {
    const value = act();
    return { value, lines: error.mock.calls.map(({ arguments: [line] }) => JSON.parse(line)) };
  } finally {
    error.mock.restore();
  }
}

const good = await scene(640, 480).jpeg().toBuffer();
/**
 * @param {Buffer} file
 * @param {number} size
 */
const inPieces = (file, size) =>
  Array.from({ length: Math.ceil(file.length / size) }, (_, i) =>
    file.subarray(i * size, (i + 1) * size),
  );
/** @param {Buffer} file */
const squareOf = (file) => {
  const { square } = readSquare(real, [file], OPTIONS);
  assert.equal(square?.length, 3 * 400 * 400);
  return Buffer.from(square);
};
const expected = squareOf(good);

/** @type {Record<string, [Parameters<typeof decoderWasm>[0], string, string?]>} */
const FAILING = {
  "a trap": [{ square: "unreachable" }, "crashed"],
  "a trap with a message": [
    {
      square: `(memory.fill (i32.const 200) (i32.const 97) (i32.const 999)) unreachable`,
      panicked: replies(2, 200, 999),
    },
    "crashed",
    "a".repeat(500),
  ],
  "a trap for want of memory": [{ square: "unreachable", ranOut: 1 }, "memory"],
  "no room for the file": [
    { square: "unreachable", allocate: "(i32.const 0)", ranOut: 1 },
    "memory",
  ],
  "room beyond the memory": [
    { square: "unreachable", allocate: `(i32.const ${MEMORY - 1})` },
    "crashed",
  ],
  "a division by zero": [{ square: "(i32.div_u (i32.const 1) (i32.const 0))" }, "crashed"],
  "a read beyond the memory": [{ square: "(i32.load (i32.const -4))" }, "crashed"],
  "a call of itself without end": [
    {
      square:
        "(call $square (local.get 0) (local.get 1) (local.get 2) (local.get 3)) (drop) (i32.add (call $square (local.get 0) (local.get 1) (local.get 2) (local.get 3)) (i32.const 1))",
    },
    "crashed",
  ],
  "a reply beyond the memory": [{ square: "(i32.const -16)" }, "crashed"],
  "a reply that lies askew": [{ square: "(i32.const 17)" }, "crashed"],
  "bytes beyond the memory": [{ square: replies(1, MEMORY - 10, 11) }, "crashed"],
  "a reply of another kind": [{ square: replies(3, 0, 0) }, "crashed"],
  "an end beyond the memory": [
    { square: "unreachable", end: `(i32.const ${MEMORY + 1})` },
    "crashed",
  ],
  "an end that traps too": [{ square: "unreachable", end: "unreachable" }, "crashed"],
};

for (const [name, [functions, failed, message]] of Object.entries(FAILING)) {
  test(`${name} is told and logged, and the next picture is read as if nothing had been`, () => {
    const failing = decoder(functions);
    const { value, lines } = logged(() => readSquare(failing, [good], OPTIONS));
    assert.deepEqual(value, { failed });
    assert.deepEqual(
      lines.map(({ event, failed }) => ({ event, failed })),
      [{ event: "decoder", failed }],
    );
    assert.ok(lines[0].message.length > 0 && lines[0].message.length <= 500);
    if (message) assert.equal(lines[0].message, message);
    assert.ok(squareOf(good).equals(expected), "the same square as before");
  });
}

test("a decoder finds nothing of the one before, however that ended", () => {
  const length = 5_000_000;
  const scribble = `(memory.fill (i32.const 0) (i32.const 255) (i32.const ${length}))`;
  // Its own file and options lie below.
  const probe = decoder({ square: replies(1, 6_000, length - 6_000) });
  for (const square of [`${scribble} unreachable`, `${scribble} ${replies(0, 0, 0)}`]) {
    for (const end of [`(i32.const ${length})`, `(i32.const ${MEMORY + 1})`, "unreachable"]) {
      logged(() => readSquare(decoder({ square, end }), [good], OPTIONS));
      const { square: found } = readSquare(probe, [Buffer.alloc(9)], OPTIONS);
      assert.equal(found.length, length - 6_000);
      assert.ok(
        found.every((byte) => byte === 0),
        "zeros",
      );
    }
  }
});

test("a file is read whatever the pieces are in which it lies", () => {
  for (const size of [1, 1_000, good.length - 1, good.length]) {
    const { square } = readSquare(real, inPieces(good, size), OPTIONS);
    assert.ok(Buffer.from(square).equals(expected), `pieces of ${size}`);
  }
  assert.match(readSquare(real, [], OPTIONS).refusal, /^\{"Format":"an empty file"\}$/);
});

test("a refusal is handed on as JSON", () => {
  const { value, lines } = logged(() =>
    readSquare(real, [good.subarray(0, good.length / 2)], OPTIONS),
  );
  assert.equal(Object.keys(JSON.parse(value.refusal))[0], "Broken");
  assert.deepEqual(lines, []);
});

test("a file that leaves no room to decode it is too large, not broken", async () => {
  const noise = await sharp({
    create: {
      width: 3000,
      height: 2000,
      channels: 3,
      background: "#888",
      noise: { type: "gaussian", mean: 128, sigma: 60 },
    },
  })
    .png({ compressionLevel: 1 })
    .toBuffer();
  const file = Buffer.concat([noise, Buffer.alloc(60_000_000 - noise.length)]);
  const { value } = logged(() => readSquare(real, [file], OPTIONS));
  assert.match(value.refusal, /^\{"TooLarge":/);
  assert.deepEqual(logged(() => readSquare(real, [Buffer.alloc(MEMORY)], OPTIONS)).value, {
    failed: "memory",
  });
  assert.ok(squareOf(good).equals(expected));
});

test("the decoder leaves its host nothing to provide but the memory", () => {
  assert.deepEqual(WebAssembly.Module.imports(real), [
    { module: "env", name: "memory", kind: "memory" },
  ]);
});

// --- Bodies -------------------------------------------------------------------

/**
 * Returns a request whose body comes at once and ends when `end` is called. As in workerd, a read
 * gives fewer bytes than were asked for only at the end.
 *
 * @param {number} bytes
 */
function body(bytes) {
  let left = bytes;
  /** @type {PromiseWithResolvers<void>} */
  const { promise: over, resolve: end } = Promise.withResolvers();
  const reader = {
    /** @type {Error | undefined} */
    cancelled: undefined,
    /**
     * @param {unknown} _
     * @param {Uint8Array} view
     */
    async readAtLeast(_, view) {
      if (left < view.length) await over;
      if (reader.cancelled || left === 0) return { done: true, value: undefined };
      const length = Math.min(left, view.length);
      left -= length;
      return { done: false, value: view.subarray(0, length) };
    },
    /** @param {Error} reason */
    async cancel(reason) {
      reader.cancelled = reason;
      end();
    },
  };
  return { body: { getReader: () => reader }, reader, end };
}

const ticks = () => new Promise((resolve) => setImmediate(resolve));
const MB = 1_000_000;

/** @param {Uint8Array[]} pieces */
const totalLength = (pieces) => pieces.reduce((sum, { length }) => sum + length, 0);

/**
 * Reads a picture as the Worker does.
 *
 * @param {{ body: object }} request
 * @param {(pieces: Uint8Array[]) => unknown} decode
 */
const picture = (request, decode = totalLength) =>
  readPicture(/** @type {any} */ (request), 25 * MB, OPTIONS, decode);

test("bodies under way take 32 MB at most, whoever wants more is told, and what is over is given back", async () => {
  // A piece of 1 MiB is wanted beyond what has come.
  const first = body(20_988_000);
  const reading = picture(first);
  await ticks();
  for (let i = 0; i < 3; i += 1) {
    const second = body(20 * MB);
    await assert.rejects(picture(second), { name: "BusyError" });
    assert.equal(second.reader.cancelled?.name, "BusyError");
  }
  const small = body(100_000);
  small.end();
  assert.equal(await picture(small), 100_000);
  first.end();
  assert.equal(await reading, 20_988_000);
  const next = body(24 * MB);
  next.end();
  assert.equal(await picture(next), 24 * MB);
});

test("a body that is too long is left, and is given back too", async () => {
  for (let i = 0; i < 5; i += 1) {
    const endless = body(Infinity);
    await assert.rejects(picture(endless), { name: "TooLargeError" });
    assert.equal(endless.reader.cancelled?.name, "TooLargeError");
  }
});

test("a body that does not arrive within a minute is left, and is given back", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const trickling = body(25 * MB - 1);
    let ended = false;
    const reading = picture(trickling).finally(() => (ended = true));
    const late = assert.rejects(reading, {
      name: "TimeoutError",
      message: "not all of it came within 60 s",
    });
    await ticks();
    mock.timers.tick(59_999);
    await ticks();
    assert.equal(ended, false);
    mock.timers.tick(1);
    await late;
    assert.equal(trickling.reader.cancelled?.name, "TimeoutError");
  } finally {
    mock.timers.reset();
  }
  const next = body(24 * MB);
  next.end();
  assert.equal(await picture(next), 24 * MB);
});

test("what a body has taken is free once its picture has been read, or could not be", async () => {
  for (const decode of [() => "read", () => assert.fail("not read")]) {
    let pieces;
    const whole = body(3 * MB);
    whole.end();
    await picture(whole, (given) => {
      pieces = given;
      return decode();
    }).catch(() => {});
    assert.ok(pieces.length > 1 && pieces.every(({ buffer }) => buffer.detached));
  }
});
