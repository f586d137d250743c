/**
 * Reads each picture in a wasm instance of its own (the package `decoder`), one after the other, in
 * one memory. A picture that breaks the decoder breaks only that instance. Nothing is thrown from
 * here: an error that passes through the frames of the instance that runs turns cannot be caught
 * there, and would end it.
 */

/** The size of the memory, in pages of 64 KiB: 64 MiB, as in crates/decoder/build.rs. */
const PAGES = 1024;

/** The memory of all instances. V8 does not free dropped memories in time to make one for each. */
let memory;

/**
 * How far earlier instances have written, in bytes. What lies beyond are the allocator's marks,
 * which the next instance writes anew.
 */
let written = 0;

/** What the bytes of a reply are; crates/decoder/src/exports.rs has the same numbers. */
const [REFUSAL, SQUARE] = [0, 1];

/**
 * Reads a picture file.
 *
 * @param {WebAssembly.Module} decoder
 * @param {Uint8Array[]} pieces the file's bytes
 * @param {string} options JSON
 * @returns {{ square: Uint8Array } | { refusal: string } | { failed: "memory" | "crashed" }}
 *   the samples of three planes; or, as JSON, why the picture cannot be used; or that the memory
 *   did not suffice or the decoder broke
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

/** Copies pieces into the memory, one after the other. Gives their address and length. */
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

/** Logs why an instance ended, and gives the reason in a word. */
function explain(wasm, error) {
  const failed = attempt(wasm?.ran_out) === 1 ? "memory" : "crashed";
  // An instance that has trapped can still be called; it may trap again.
  const panic = attempt(() => new TextDecoder().decode(readReply(wasm.panicked()).bytes));
  console.error(
    JSON.stringify({ event: "decoder", failed, message: String(panic || error).slice(0, 500) }),
  );
  return failed;
}

/** Gives what a function gives, or undefined where it throws. */
function attempt(ask) {
  try {
    return ask();
  } catch {
    return undefined;
  }
}
