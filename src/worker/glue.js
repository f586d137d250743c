/**
 * The platform calls of the core's ports, each in one crossing between wasm and
 * JavaScript: done from Rust step by step (options, headers, signal, stream)
 * they cost more than all the rest of a turn.
 */

/**
 * Reads a value of a KV namespace: an ArrayBuffer, or null. Never throws, only rejects, and that
 * after a third try: a read that fails for a moment is no reason to leave out a turn.
 */
export async function kvGet(namespace, key) {
  for (const waitMs of [200, 2_000]) {
    try {
      return await namespace.get(key, "arrayBuffer");
    } catch (error) {
      // Of what is no namespace.
      if (error instanceof TypeError) throw error;
      await scheduler.wait(waitMs);
    }
  }
  return namespace.get(key, "arrayBuffer");
}

/** Stores a value in a KV namespace, for good or for so many seconds. Never throws, only rejects. */
export async function kvPut(namespace, key, value, seconds) {
  // The value is lent from wasm's memory, which may move while this waits.
  await namespace.put(key, value.slice(), seconds === undefined ? {} : { expirationTtl: seconds });
}

/** Reads a request's body: rejects with a `TooLargeError` past `maxBytes`. */
export function readBody(request, maxBytes) {
  return readAtMost(request, maxBytes);
}

/**
 * Sends a request and reads the whole reply: `[status, headers, body]`.
 *
 * `headers` are lines of names and values there, names and values in turn here;
 * those of a success are left out, since nothing reads them. Rejects with a `TimeoutError` after
 * `timeoutMs`, with a `TooLargeError` past `maxBytes`, and as `fetch` does.
 */
export async function send(method, url, headers, body, timeoutMs, maxBytes) {
  const pairs = {};
  for (const line of headers.split("\n").slice(0, -1)) {
    const colon = line.indexOf(":");
    pairs[line.slice(0, colon)] = line.slice(colon + 1);
  }
  // AbortSignal.timeout would go on after the reply, and an object that turns often may have only
  // so many that do.
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new DOMException("no reply in time", "TimeoutError")), timeoutMs);
  try {
    const reply = await fetch(url, {
      method,
      headers: pairs,
      // A GET must not have a body, not even an empty one. It is lent from wasm's memory, which
      // moves when it grows: another network's request would leave nothing of this one's body.
      body: body.length === 0 ? undefined : body.slice(),
      // What is signed is meant for this one address.
      redirect: "manual",
      signal: limit.signal,
    });
    const bytes = await readAtMost(reply, maxBytes);
    return [reply.status, reply.ok ? [] : [...reply.headers].flat(), bytes];
  } finally {
    clearTimeout(timer);
  }
}

/** Reads the body of a request or a reply. */
async function readAtMost(message, maxBytes) {
  const length = message.headers.get("content-length");
  // The length of an encoded body says nothing of what it decodes to.
  const isPlain = !message.headers.has("content-encoding");
  if (isPlain && length !== null && Number(length) <= maxBytes) return message.bytes();
  if (message.body === null) return new Uint8Array();
  const reader = message.body.getReader({ mode: "byob" });
  const pieces = [];
  // Most replies fit into the first piece, which is read in one go.
  for (let total = 0, size = 16_384; ; size *= 4) {
    const { value, done } = await reader.readAtLeast(size, new Uint8Array(size));
    if (value !== undefined) pieces.push(value);
    total += value?.length ?? 0;
    if (total > maxBytes) {
      await reader.cancel();
      const error = new Error(`more than ${maxBytes} bytes`);
      error.name = "TooLargeError";
      throw error;
    }
    // Only the last piece has less.
    if (done || value.length < size) break;
  }
  return pieces.length === 1 ? pieces[0] : new Blob(pieces).bytes();
}

// --- The ledger of an account: the SQLite storage of its Durable Object -----

/** Makes the table of the journal, once. */
export function openLedger(storage) {
  storage.sql.exec("create table if not exists records (id integer primary key, entry text not null)");
}

/** What is known of the account on a network, as it was kept. */
export function readStanding({ kv }, network) {
  return kv.get(`standing on ${network}`);
}

/** Keeps what is known of the account on a network; writes without an await between are kept as one. */
export function keepStanding({ kv }, network, standing) {
  kv.put(`standing on ${network}`, standing);
}

/** Keeps a record in place of any other with its id; once in a while, forgets those more than `most` before it. */
export function keepRecord({ sql }, id, entry, most) {
  sql.exec("insert or replace into records values (?, ?)", id, entry);
  if (id % 100 === 0) sql.exec("delete from records where id <= ?", id - most);
}

/** The highest id of a record. */
export function lastRecord({ sql }) {
  return sql.exec("select ifnull(max(id), 0) as id from records").one().id;
}

/** Sets the alarm, or deletes it. Never throws, only rejects. */
export async function setAlarm(storage, unixMs) {
  await (unixMs === undefined ? storage.deleteAlarm() : storage.setAlarm(unixMs));
}

/** The newest entries with an id below `before`: id and entry in turn. */
export function readRecords({ sql }, before, limit) {
  const rows = sql.exec("select id, entry from records where id < ? order by id desc limit ?", before ?? 2 ** 52, limit);
  return [...rows.raw()].flat();
}

/** Forgets everything. */
export function forgetAll(storage) {
  storage.transactionSync(() => {
    for (const [key] of [...storage.kv.list()]) storage.kv.delete(key);
    storage.sql.exec("delete from records");
  });
}
