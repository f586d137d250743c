/**
 * The built Worker with accounts' objects whose storage is counted: what the runtime says each
 * statement has read and written, and one row for each alarm that is set and each value by key. For
 * each turn the object is a new one, as it is in an hour, and an hour has passed.
 */
// @ts-expect-error In workerd it lies beside this script.
import worker, { Account as Built, Directory } from "./built.js";

const RealDate = Date;
let now = RealDate.parse("2031-01-01T00:02:30Z");
globalThis.Date = /** @type {any} */ (
  class extends RealDate {
    /** @param {any[]} parts */
    constructor(...parts) {
      if (parts.length) super(.../** @type {[any]} */ (parts));
      else super(now);
    }
    static now = () => now;
  }
);

const count = { written: 0, alarms: 0, read: 0 };
/** @type {any[]} */
let cursors = [];

/** What counts as a row besides what statements say. @param {string} name */
function counts(name) {
  if (["setAlarm", "deleteAlarm", "put", "delete"].includes(name)) count.written += 1;
  else if (["get", "getAlarm"].includes(name)) count.read += 1;
  if (name === "setAlarm") count.alarms += 1;
}

/**
 * The same object, with some members replaced.
 *
 * @param {any} target
 * @param {(name: string) => any} replaced
 */
const wrapped = (target, replaced) =>
  new Proxy(target, {
    get(_, name) {
      const value = replaced(String(name)) ?? Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });

/** @param {any} sql */
const countedSql = (sql) =>
  wrapped(sql, (name) =>
    name === "exec"
      ? (/** @type {any[]} */ ...query) => {
          const cursor = sql.exec(...query);
          cursors.push(cursor);
          return cursor;
        }
      : undefined,
  );

/** @param {any} storage */
const countedStorage = (storage) => {
  const sql = countedSql(storage.sql);
  return wrapped(storage, (name) => {
    if (name === "sql") return sql;
    const member = storage[name];
    if (typeof member !== "function") return undefined;
    return (/** @type {any[]} */ ...given) => {
      counts(name);
      return member.apply(storage, given);
    };
  });
};

export class Account {
  /** @param {any} ctx @param {any} env */
  constructor(ctx, env) {
    const state = wrapped(ctx, (name) =>
      name === "storage" ? countedStorage(ctx.storage) : undefined,
    );
    this.renew = () => new Built(state, env);
    this.object = this.renew();
  }

  /** @param {Request} request */
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/count") {
      for (const cursor of cursors) {
        count.read += cursor.rowsRead;
        count.written += cursor.rowsWritten;
      }
      cursors = [];
      const told = Response.json(count);
      Object.assign(count, { written: 0, alarms: 0, read: 0 });
      return told;
    }
    if (pathname === "/hour") {
      now += 3_600_000;
      this.object = this.renew();
      // An account with a clock of its own is woken; the owner's has its cron.
      if (request.method === "POST") {
        const due = JSON.stringify({ unix_ms: now, cron: "0 * * * *" });
        return this.object.fetch(
          new Request("https://account/turns", { method: "POST", body: due }),
        );
      }
      await this.object.alarm();
      return new Response();
    }
    return this.object.fetch(request);
  }

  alarm() {}
}

export { Directory };
export default worker;
