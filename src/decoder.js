/**
 * Reads pictures in a wasm instance of their own (the package `decoder`), a new one for each, over
 * the one memory that the isolate has for it. Whatever a picture does there, it is over with the
 * instance: nothing is thrown from here, since what passes wasm's frames cannot be caught there and
 * ends the instance that runs turns.
 */

/** The memory, in pages of 64 KiB: 64 MiB, as decoder/build.rs has it. */
const PAGES = 1024;

/**
 * One memory for all instances, one after the other: reading is one synchronous call. Memories that
 * are dropped are not given back in time.
 */
let memory;

/** How far the instances before have written, in bytes. Beyond are only the allocator's own marks, which the next one writes anew. */
let written = 0;

/** What the bytes of a reply are; crates/decoder/src/exports.rs has the same numbers. */
const [REFUSAL, SQUARE] = [0, 1];

/**
 * Reads a picture file, which lies in pieces, with a compiled `decoder` and its options as JSON.
 * Gives one of
 *
 * - `{ square }`: the bytes of its three planes,
 * - `{ refusal }`: the JSON of why it is no picture that can be used,
 * - `{ failed }`: "memory" if there was not enough, "crashed" if the decoder failed at it.
 */
export function readSquare(decoder, pieces, options) {
  let wasm;
  try {
    memory ??= new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
    new Uint8Array(memory.buffer, 0, written).fill(0);
    written = memory.buffer.byteLength;
    wasm = new WebAssembly.Instance(decoder, { env: { memory } }).exports;
    const given = [pieces, [new TextEncoder().encode(options)]].flatMap((bytes) =>
      place(wasm, bytes),
    );
    const { kind, bytes } = readReply(wasm.square(...given));
    if (kind === SQUARE) return { square: bytes.slice() };
    if (kind === REFUSAL) return { refusal: new TextDecoder().decode(bytes) };
    throw new Error(`a reply of kind ${kind}`);
  } catch (error) {
    return { failed: explain(wasm, error) };
  } finally {
    const end = attempt(() => Math.max(wasm.__heap_base.value, wasm.end()));
    if (end <= memory?.buffer.byteLength) written = end;
  }
}

/** Copies pieces into the memory, one after the other; gives where they are and how many bytes. */
function place(wasm, pieces) {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const start = wasm.allocate(length);
  if (start === 0) throw new Error("the file is too large");
  let end = start;
  for (const piece of pieces) {
    new Uint8Array(memory.buffer).set(piece, end);
    end += piece.length;
  }
  return [start, length];
}

/** Reads a `Reply`. */
function readReply(address) {
  const [kind, start, length] = new Uint32Array(memory.buffer, address, 3);
  return { kind, bytes: new Uint8Array(memory.buffer, start, length) };
}

/** Logs why an instance ended, and gives it in a word. */
function explain(wasm, error) {
  const failed = attempt(wasm?.ran_out) === 1 ? "memory" : "crashed";
  // An instance that has trapped can still be asked; it may trap again.
  const panic = attempt(() => new TextDecoder().decode(readReply(wasm.panicked()).bytes));
  console.error(
    JSON.stringify({ event: "decoder", failed, message: String(panic || error).slice(0, 500) }),
  );
  return failed;
}

/** What a function gives; undefined where it throws. */
function attempt(ask) {
  try {
    return ask();
  } catch {
    return undefined;
  }
}
