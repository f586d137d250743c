/**
 * The platform calls of a turn, each in one crossing between wasm and
 * JavaScript: done from Rust step by step (options, headers, signal, stream)
 * they cost more than all the rest of a turn.
 */

// js-sys polls its futures through queueMicrotask, which in workerd leaves V8 at
// each call; where there is none it takes a resolved promise, which does not.
// That is worth 4% of a turn. Nothing else in this Worker uses it.
globalThis.queueMicrotask = undefined;

/** Reads a value of a KV namespace: an ArrayBuffer, or null. Never throws, only rejects. */
export function kvGet(namespace, key) {
  try {
    return namespace.get(key, "arrayBuffer");
  } catch (error) {
    return Promise.reject(error);
  }
}

/**
 * Sends a request and reads the whole reply: `[status, headers, body]`.
 *
 * `headers` are names and values in turn, there and here; those of a success
 * are left out, since nothing reads them. Rejects with a `TimeoutError` after
 * `timeoutMs`, with a `TooLargeError` past `maxBytes`, and as `fetch` does.
 */
export async function send(method, url, headers, body, timeoutMs, maxBytes) {
  const pairs = [];
  for (let i = 0; i < headers.length; i += 2) pairs.push([headers[i], headers[i + 1]]);
  const reply = await fetch(url, {
    method,
    headers: pairs,
    body,
    // What is signed is meant for this one address.
    redirect: "manual",
    signal: AbortSignal.timeout(timeoutMs),
  });
  const bytes = await readAtMost(reply, maxBytes);
  return [reply.status, reply.ok ? [] : [...reply.headers].flat(), bytes];
}

async function readAtMost(reply, maxBytes) {
  const length = reply.headers.get("content-length");
  // The length of an encoded reply says nothing of what it decodes to.
  const isPlain = !reply.headers.has("content-encoding");
  if (isPlain && length !== null && Number(length) <= maxBytes) return reply.bytes();
  const chunks = [];
  let total = 0;
  for await (const chunk of reply.body ?? []) {
    total += chunk.length;
    if (total > maxBytes) {
      const error = new Error(`more than ${maxBytes} bytes`);
      error.name = "TooLargeError";
      throw error;
    }
    chunks.push(chunk);
  }
  return new Blob(chunks).bytes();
}
