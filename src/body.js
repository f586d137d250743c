/**
 * Reads bodies with limits: of replies, of values in KV, of uploaded pictures. What arrives is
 * counted after it was decoded; no length that a header states is believed.
 */

/** The name of the error for a body with too many bytes; errors.rs has it too. */
const TOO_LARGE = "TooLargeError";

/** Most replies and frames fit into one piece of this size. */
const FIRST_PIECE = 98_304;

/** A picture is read in pieces of at most this size: one that trickles in takes little memory. */
const LARGEST_PIECE = 1_048_576;

/**
 * The most bytes that the bodies of pictures may take at once in an isolate: those that are still
 * arriving, and the one that is being decoded.
 *
 * An isolate has 128 MB. The decoder's memory takes 67 of them, these 32, the instance that runs
 * turns about 10, and what V8 makes of the script about 10.
 */
const MOST_HELD_BYTES = 32_000_000;

/** How many they take now. */
let heldBytes = 0;

/** How long a picture may take to arrive. A slow sender must not hold the memory of others. */
const LONGEST_MS = 60_000;

/**
 * Makes an error that Rust tells apart by its name.
 *
 * @param {string} name
 * @param {string} message
 */
function named(name, message) {
  const error = new Error(message);
  error.name = name;
  return error;
}

/**
 * Reads a whole body. Rejects with a `TooLargeError` past `maxBytes`, and as the body does.
 *
 * @param {ReadableStream | null} body
 * @param {number} maxBytes
 * @returns {Promise<Uint8Array>}
 */
export async function readAtMost(body, maxBytes) {
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const pieces = [];
  await readPieces(body, maxBytes, pieces, { first: FIRST_PIECE });
  return pieces.length === 1 ? pieces[0] : new Blob(pieces).bytes();
}

/**
 * Reads the picture of a request and gives what `decode` gives for its pieces and the options.
 * Rejects with a `TooLargeError` past `maxBytes`, with a `BusyError` where other pictures take the
 * memory, with a `TimeoutError` where it does not arrive in time, and as the body does.
 *
 * @param {Request} request
 * @param {number} maxBytes
 * @param {string} options
 * @param {(pieces: Uint8Array[], options: string) => unknown} decode
 */
export async function readPicture({ body }, maxBytes, options, decode) {
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const pieces = [];
  let own = 0;
  /** @param {number} bytes */
  const hold = (bytes) => {
    if (heldBytes + bytes > MOST_HELD_BYTES)
      throw named("BusyError", "too many pictures are being read");
    heldBytes += bytes;
    own += bytes;
  };
  const limit = new AbortController();
  const late = named("TimeoutError", `not all of it came within ${LONGEST_MS / 1000} s`);
  const timer = setTimeout(() => limit.abort(late), LONGEST_MS);
  try {
    await readPieces(body, maxBytes, pieces, {
      largest: LARGEST_PIECE,
      hold,
      signal: limit.signal,
    });
    return decode(pieces, options);
  } finally {
    clearTimeout(timer);
    // This frees the memory now, not when V8 gets to it.
    for (const { buffer } of pieces) buffer.transfer(0);
    heldBytes -= own;
  }
}

/**
 * Reads a body into `pieces`.
 *
 * @param {ReadableStream | null} body
 * @param {number} maxBytes
 * @param {Uint8Array<ArrayBuffer>[]} pieces
 * @param {object} limits
 * @param {number} [limits.first] the size of the first piece
 * @param {number} [limits.largest] the largest size of a piece
 * @param {(bytes: number) => void} [limits.hold] called before each piece is allocated
 * @param {AbortSignal} [limits.signal] ends the reading
 */
async function readPieces(body, maxBytes, pieces, limits) {
  const { first = 16_384, largest = Infinity, hold, signal } = limits;
  if (body === null) return;
  const reader = body.getReader({ mode: "byob" });
  // Without waiting for the sender to notice.
  /** @param {unknown} error */
  const leave = (error) => reader.cancel(error).catch(() => {});
  signal?.addEventListener("abort", () => leave(signal.reason));
  try {
    for (let total = 0, size = first; ; size = Math.min(4 * size, largest)) {
      // One byte more than allowed is enough to see that there is too much.
      const wanted = Math.min(size, maxBytes + 1 - total);
      hold?.(wanted);
      const { value, done } = await reader.readAtLeast(wanted, new Uint8Array(wanted));
      if (value !== undefined) pieces.push(value);
      signal?.throwIfAborted();
      total += value?.length ?? 0;
      if (total > maxBytes) throw named(TOO_LARGE, `more than ${maxBytes} bytes`);
      // Only the last piece has less than was asked for.
      if (done || value.length < wanted) break;
    }
  } catch (error) {
    leave(error);
    throw error;
  }
}
