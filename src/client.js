/**
 * One `fetch` with a limit of time and of size. It is JavaScript because done from Rust, step by
 * step (options, signal, stream), it costs a tenth of a turn.
 */
import { readAtMost } from "./body.js";

/**
 * Sends a request and reads the whole reply. Rejects with a `TimeoutError` after `timeoutMs`, with
 * a `TooLargeError` past `maxBytes`, and as `fetch` does.
 *
 * @param {string} method
 * @param {string} url
 * @param {string[]} headers names and values in turn
 * @param {Uint8Array | undefined} body a GET has none
 * @param {number} timeoutMs
 * @param {number} maxBytes
 * @returns {Promise<{ status: number, headers: string[], body: Uint8Array }>} the headers as above
 */
export async function send(method, url, headers, body, timeoutMs, maxBytes) {
  const pairs = [];
  for (let i = 0; i < headers.length; i += 2) pairs.push([headers[i], headers[i + 1]]);
  // AbortSignal.timeout would run on after the reply, and an object may have only so many timers.
  const limit = new AbortController();
  const timer = setTimeout(
    () => limit.abort(new DOMException("no reply in time", "TimeoutError")),
    timeoutMs,
  );
  try {
    const reply = await fetch(url, {
      method,
      headers: pairs,
      body,
      // A request is signed for this one address.
      redirect: "manual",
      signal: limit.signal,
    });
    const bytes = await readAtMost(reply.body, maxBytes);
    return { status: reply.status, headers: [...reply.headers].flat(), body: bytes };
  } finally {
    clearTimeout(timer);
  }
}
