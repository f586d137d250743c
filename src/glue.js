/**
 * The platform calls of the core's ports, each in one crossing between wasm and
 * JavaScript: done from Rust step by step (options, headers, signal, stream)
 * they cost more than all the rest of a turn.
 */

/**
 * Reads a value of a KV namespace: its bytes, or null. Never throws, only rejects, and that after a
 * third try: a read that fails for a moment is no reason to leave out a turn. Rejects with a
 * `TooLargeError` past `maxBytes`.
 */
export async function kvGet(namespace, key, maxBytes) {
  const read = async () => {
    const body = await namespace.get(key, "stream");
    return body === null ? null : readAtMost({ body }, maxBytes);
  };
  for (const waitMs of [200, 2_000]) {
    try {
      return await read();
    } catch (error) {
      // A TypeError is one of what is no namespace.
      if (error instanceof TypeError || error.name === TOO_LARGE) throw error;
      await scheduler.wait(waitMs);
    }
  }
  return read();
}

/** Stores a value in a KV namespace, for good or for so many seconds. Never throws, only rejects. */
export async function kvPut(namespace, key, value, seconds) {
  // The value is lent from wasm's memory, which may move while this waits.
  await namespace.put(key, value.slice(), seconds === undefined ? {} : { expirationTtl: seconds });
}

/**
 * The most bytes that the bodies of pictures may take at once in an isolate: those under way, and
 * the one that is being read.
 *
 * An isolate has 128 MB. The decoder's memory takes 67 of them, these 32, the instance that runs
 * turns about 10, and what V8 makes of the script about 10.
 */
const MOST_HELD_BYTES = 32_000_000;

/** How many bytes there are at this moment. */
let heldBytes = 0;

/** How long a body may take to arrive: a sender that trickles must not hold the bytes of others. */
const LONGEST_MS = 60_000;

/**
 * Reads the picture of a request by `decode` (readSquare of decoder.js, with its decoder) and gives
 * what that gives. Never throws, only rejects: with a `TooLargeError` past `maxBytes`, with a
 * `BusyError` where others take the memory, with a `TimeoutError` where it does not arrive in time,
 * and as the body does.
 */
export async function readPicture({ body }, maxBytes, options, decode) {
  const pieces = [];
  let own = 0;
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
    // The memory is given back now, not when V8 gets to it.
    for (const { buffer } of pieces) buffer.transfer(0);
    heldBytes -= own;
  }
}

/** A picture is read in pieces of at most so many bytes: what trickles in takes little more than has come. */
const LARGEST_PIECE = 1_048_576;

/**
 * Sends a request and reads the whole reply: `[status, headers, body]`.
 *
 * `headers` are lines of names and values there, names and values in turn here. Rejects with a
 * `TimeoutError` after `timeoutMs`, with a `TooLargeError` past `maxBytes`, and as `fetch` does.
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
  const timer = setTimeout(
    () => limit.abort(new DOMException("no reply in time", "TimeoutError")),
    timeoutMs,
  );
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
    return [reply.status, [...reply.headers].flat(), bytes];
  } finally {
    clearTimeout(timer);
  }
}

/** The name of the error for more bytes than were asked for; host.rs has it too. */
const TOO_LARGE = "TooLargeError";

/** An error by whose name host.rs knows it. */
function named(name, message) {
  const error = new Error(message);
  error.name = name;
  return error;
}

/** Reads the body of a reply or a value. */
async function readAtMost({ body }, maxBytes) {
  const pieces = [];
  await readPieces(body, maxBytes, pieces);
  return pieces.length === 1 ? pieces[0] : new Blob(pieces).bytes();
}

/**
 * Reads a body into `pieces`, each at most `largest` bytes; `hold` is told of each before there is
 * memory for it. What arrives is counted, after it was decoded: no length that a header states is
 * believed, for the sender may go on beyond it.
 */
async function readPieces(body, maxBytes, pieces, { largest = Infinity, hold, signal } = {}) {
  if (body === null) return;
  const reader = body.getReader({ mode: "byob" });
  // The sender is not waited for.
  const leave = (error) => reader.cancel(error).catch(() => {});
  signal?.addEventListener("abort", () => leave(signal.reason));
  try {
    // Most bodies fit into the first piece, which is read in one go.
    for (let total = 0, size = 16_384; ; size = Math.min(4 * size, largest)) {
      // One byte more than may come is enough to know that it is too much.
      const wanted = Math.min(size, maxBytes + 1 - total);
      hold?.(wanted);
      const { value, done } = await reader.readAtLeast(wanted, new Uint8Array(wanted));
      if (value !== undefined) pieces.push(value);
      signal?.throwIfAborted();
      total += value?.length ?? 0;
      if (total > maxBytes) throw named(TOO_LARGE, `more than ${maxBytes} bytes`);
      // Only the last piece has less.
      if (done || value.length < wanted) break;
    }
  } catch (error) {
    leave(error);
    throw error;
  }
}

// --- The ledger of an account: the SQLite storage of its Durable Object -----
//
// Another version may have stored something else there: what is not understood is set aside.

const RECORDS = "create table if not exists records (id integer primary key, entry text not null)";

/** The key of what is known of the schedule. */
const SCHEDULE = "schedule";

/** Makes the table of the journal, once. */
export function openLedger({ sql }) {
  sql.exec(RECORDS);
}

const standingOn = (network) => `standing on ${network}`;

/**
 * What is known of the account on a network, as it was kept: text, which is empty where there is
 * something that is none and cannot be made one; undefined where there is nothing.
 */
export function readStanding({ kv, sql }, network) {
  let value;
  try {
    value = kv.get(standingOn(network));
  } catch {
    // A store that works has a value that cannot be read back; any other throws here too.
    sql.exec("select 1 from records limit 1");
    return "";
  }
  if (value === undefined || typeof value === "string") return value;
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "";
  }
}

/** Keeps a copy of what is known of the account on a network, if it can be read back. */
export function setAside({ kv }, network) {
  kv.put(`set aside: ${standingOn(network)}`, kv.get(standingOn(network)));
}

/** Keeps what is known of the account on a network; writes without an await between are kept as one. */
export function keepStanding({ kv }, network, standing) {
  kv.put(standingOn(network), standing);
}

/** Keeps a record in place of any other with its id; once in a while, forgets those more than `most` before it. */
export function keepRecord({ sql }, id, entry, most) {
  withRecords(sql, () => {
    sql.exec("insert or replace into records (id, entry) values (?, ?)", id, entry);
    if (id % 100 === 0) sql.exec("delete from records where id <= ?", id - most);
  });
}

/** Ids are numbers of 32 bits. */
const LARGEST_ID = 2 ** 32 - 1;

/** The highest id of a record. */
export function lastRecord({ sql }) {
  return withRecords(
    sql,
    () =>
      sql.exec("select ifnull(max(id), 0) as id from records where id < ?", LARGEST_ID).one().id,
  );
}

/** The newest entries with an id below `before`: id and entry in turn. An entry that is no text is empty. */
export function readRecords({ sql }, before, limit) {
  const query = "select id, entry from records where id < ? order by id desc limit ?";
  const rows = withRecords(sql, () => [...sql.exec(query, before ?? LARGEST_ID + 1, limit).raw()]);
  return rows.flatMap(([id, entry]) => [id, typeof entry === "string" ? entry : ""]);
}

/** Works on the table of the journal; one of another form is first set aside. */
function withRecords(sql, work) {
  try {
    return work();
  } catch (error) {
    const columns = [
      ...sql
        .exec("select name, \"notnull\" and dflt_value is null from pragma_table_info('records')")
        .raw(),
    ];
    const names = columns.map(([name]) => name);
    const needed = columns.filter(([, isNeeded]) => isNeeded).map(([name]) => name);
    const isOurs =
      ["id", "entry"].every((name) => names.includes(name)) &&
      needed.every((name) => name === "entry");
    if (isOurs) throw error;
    if (names.length > 0)
      sql.exec(`alter table records rename to "records set aside ${Date.now()}"`);
    sql.exec(RECORDS);
    return work();
  }
}

/** Sets the alarm, or deletes it. Never throws, only rejects. */
export async function setAlarm(storage, unixMs) {
  await (unixMs === undefined ? storage.deleteAlarm() : storage.setAlarm(unixMs));
}

/** What is known of the schedule, as it was kept; undefined where that cannot be read. */
export function readSchedule({ kv }) {
  try {
    const schedule = kv.get(SCHEDULE);
    return typeof schedule === "string" ? schedule : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps what is known of the schedule. */
export function keepSchedule({ kv }, schedule) {
  kv.put(SCHEDULE, schedule);
}

/** Forgets everything, also what cannot be read, but for the schedule, which goes on. Never throws, only rejects. */
export async function forgetAll(storage) {
  const schedule = readSchedule(storage);
  const deleted = storage.deleteAll();
  // Before anyone else gets to look at it.
  openLedger(storage);
  if (schedule !== undefined) keepSchedule(storage, schedule);
  await deleted;
}
