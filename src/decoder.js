/**
 * Decodes pictures in a WebAssembly instance of their own (the crate `decoder`): a new one for each
 * picture, all in the one memory that the isolate has for it. Whatever a picture does there ends
 * with its instance. Nothing is thrown from here: an exception that crosses the frames of the
 * instance that makes turns cannot be caught there, and would end it.
 */

/**
 * The exports of a decoder; `crates/decoder/src/exports.rs` has the same.
 *
 * @typedef {object} Decoder
 * @property {WebAssembly.Global} __heap_base the address at which its heap begins
 * @property {(length: number) => number} allocate gives an address, or 0 if there is no space
 * @property {(file: number, length: number, options: number, size: number) => number} square takes
 *   the address and length of the file and of its options, gives the address of a reply
 * @property {() => number} ran_out 1 if memory ran out
 * @property {() => number} end the address at which its heap ends
 * @property {() => number} panicked gives the address of a reply: the message of a panic
 */

/** The size of the memory in pages of 64 KiB: 64 MiB, as in crates/decoder/build.rs. */
const PAGES = 1024;

/**
 * The memory of all instances, which take turns: decoding is one synchronous call. A new memory for
 * each would not do, because the runtime frees old ones too late.
 *
 * @type {WebAssembly.Memory | undefined}
 */
let memory;

/**
 * How far the instances so far have written, in bytes. What lies beyond are marks of the allocator,
 * which the next instance writes itself.
 */
let written = 0;

/** The kinds of replies; crates/decoder/src/exports.rs has the same numbers. */
const [REFUSAL, SQUARE] = [0, 1];

/**
 * Decodes a picture file. Returns one of
 *
 * - `{ square }`: the bytes of its three planes,
 * - `{ refusal }`: as JSON, why the file is no picture that can be used,
 * - `{ failed }`: "memory" if there was not enough, "crashed" if the decoder failed.
 *
 * @param {WebAssembly.Module} decoder
 * @param {Uint8Array[]} pieces the file, in order
 * @param {string} options as JSON
 * @returns {{ square?: Uint8Array, refusal?: string, failed?: "memory" | "crashed" }}
 */
export function readSquare(decoder, pieces, options) {
  /** @type {Decoder | undefined} */
  let wasm;
  try {
    memory ??= new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
    new Uint8Array(memory.buffer, 0, written).fill(0);
    written = memory.buffer.byteLength;
    const { exports } = new WebAssembly.Instance(decoder, { env: { memory } });
    wasm = /** @type {Decoder} */ (/** @type {unknown} */ (exports));
    const file = place(wasm, memory, pieces);
    const choices = place(wasm, memory, [new TextEncoder().encode(options)]);
    const reply = wasm.square(file.address, file.length, choices.address, choices.length);
    const { kind, bytes } = readReply(memory, reply);
    if (kind === SQUARE) return { square: bytes.slice() };
    if (kind === REFUSAL) return { refusal: new TextDecoder().decode(bytes) };
    throw new Error(`a reply of kind ${kind}`);
  } catch (error) {
    return { failed: explain(wasm, error) };
  } finally {
    const end = attempt(() => wasm && Math.max(wasm.__heap_base.value, wasm.end()));
    if (memory && end !== undefined && end <= memory.buffer.byteLength) written = end;
  }
}

/**
 * Copies pieces into the memory, one after the other. Returns where they are, and their length in
 * bytes.
 *
 * @param {Decoder} wasm
 * @param {WebAssembly.Memory} memory
 * @param {Uint8Array[]} pieces
 */
function place(wasm, memory, pieces) {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const address = wasm.allocate(length);
  if (address === 0) throw new Error("the file is too large");
  let end = address;
  for (const piece of pieces) {
    new Uint8Array(memory.buffer).set(piece, end);
    end += piece.length;
  }
  return { address, length };
}

/**
 * Reads a `Reply` of the decoder's.
 *
 * @param {WebAssembly.Memory} memory
 * @param {number} address
 */
function readReply(memory, address) {
  const [kind, start, length] = new Uint32Array(memory.buffer, address, 3);
  return { kind, bytes: new Uint8Array(memory.buffer, start, length) };
}

/**
 * Logs why an instance failed, and returns it in a word.
 *
 * @param {Decoder | undefined} wasm
 * @param {unknown} error
 */
function explain(wasm, error) {
  const failed = attempt(() => wasm?.ran_out()) === 1 ? "memory" : "crashed";
  // An instance that has trapped can still be called; it may trap again.
  const panic = attempt(() => {
    if (!wasm || !memory) return undefined;
    return new TextDecoder().decode(readReply(memory, wasm.panicked()).bytes);
  });
  console.error(
    JSON.stringify({ event: "decoder", failed, message: String(panic || error).slice(0, 500) }),
  );
  return failed;
}

/**
 * Returns what a function returns, or undefined if it throws.
 *
 * @template T
 * @param {() => T} ask
 */
function attempt(ask) {
  try {
    return ask();
  } catch {
    return undefined;
  }
}
