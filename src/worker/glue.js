/**
 * The platform calls of the core's ports, each in one crossing between wasm and
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

/** Reads the body of a request or a reply. */
async function readAtMost(message, maxBytes) {
  const length = message.headers.get("content-length");
  // The length of an encoded body says nothing of what it decodes to.
  const isPlain = !message.headers.has("content-encoding");
  if (isPlain && length !== null && Number(length) <= maxBytes) return message.bytes();
  const chunks = [];
  let total = 0;
  for await (const chunk of message.body ?? []) {
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

// --- The ledger of an account: the SQLite storage of its Durable Object -----

/** Makes the tables, once. */
export function openLedger(storage) {
  storage.sql.exec(`
    create table if not exists standing (id integer primary key check (id = 1), value text not null);
    create table if not exists journal (id integer primary key, slot text, entry text not null);
  `);
}

/** What is known of the account, as it was kept. */
export function readStanding({ sql }) {
  for (const { value } of sql.exec("select value from standing")) return value;
}

/** Keeps what is known, and an entry in place of the one of its slot; writes without an await between are kept as one. */
export function keepStanding({ sql }, standing, slot, entry, most) {
  sql.exec("insert or replace into standing values (1, ?)", standing);
  if (entry === undefined) return;
  // An entry that is replaced is one of the last: an index on slots would cost each turn more than this look.
  const replace = "update journal set entry = ? where slot = ? and id > (select max(id) from journal) - 20";
  if (slot !== undefined && sql.exec(replace, entry, slot).rowsWritten > 0) return;
  sql.exec("insert into journal (slot, entry) values (?, ?)", slot ?? null, entry);
  // Not each time: what has just been counted is not far from the limit.
  if (++kept % 100 === 1) sql.exec("delete from journal where id <= (select max(id) from journal) - ?", most);
}

let kept = 0;

/** Sets the alarm, or deletes it. Never throws, only rejects. */
export async function setAlarm(storage, unixMs) {
  await (unixMs === undefined ? storage.deleteAlarm() : storage.setAlarm(unixMs));
}

/** The newest entries with an id below `before`: id and entry in turn. */
export function readRecords({ sql }, before, limit) {
  const rows = sql.exec("select id, entry from journal where id < ? order by id desc limit ?", before ?? 2 ** 52, limit);
  return [...rows.raw()].flat();
}

/** Forgets everything. */
export function forgetAll(storage) {
  storage.transactionSync(() => storage.sql.exec("delete from standing; delete from journal;"));
}
