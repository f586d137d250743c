/**
 * The built Worker with accounts' objects that log, after each turn by their alarm, how many rows
 * the runtime says it has read and written, and one more for each alarm that is set and each value
 * by key.
 */
// @ts-expect-error In workerd it lies beside this script.
import worker, { Account as Built, Directory } from "./built.js";

/** Writes of values by key and of alarms. */
const WRITES = ["setAlarm", "deleteAlarm", "put", "delete"];

export class Account extends Built {
  /** @param {any} ctx @param {any} env */
  constructor(ctx, env) {
    const counted = { written: 0, cursors: /** @type {any[]} */ ([]) };
    const sql = new Proxy(ctx.storage.sql, {
      get(target, name) {
        const member = Reflect.get(target, name, target);
        if (name !== "exec") return typeof member === "function" ? member.bind(target) : member;
        return (/** @type {any[]} */ ...query) => {
          const cursor = target.exec(...query);
          counted.cursors.push(cursor);
          return cursor;
        };
      },
    });
    const storage = new Proxy(ctx.storage, {
      get(target, name) {
        if (name === "sql") return sql;
        const member = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        return (/** @type {any[]} */ ...given) => {
          if (WRITES.includes(String(name))) counted.written += 1;
          return member.apply(target, given);
        };
      },
    });
    const state = new Proxy(ctx, {
      get(target, name) {
        if (name === "storage") return storage;
        const member = Reflect.get(target, name, target);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
    super(state, env);
    this.counted = counted;
  }

  async alarm() {
    const { counted } = this;
    Object.assign(counted, { written: 0, cursors: [] });
    await super.alarm();
    let [written, read] = [counted.written, 0];
    for (const { rowsRead, rowsWritten } of counted.cursors) {
      written += rowsWritten;
      read += rowsRead;
    }
    console.log(JSON.stringify({ rows_of_turn: { written, read } }));
  }
}

export { Directory };
export default worker;
