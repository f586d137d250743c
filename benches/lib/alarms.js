/**
 * The alarms of accounts' objects, as they lie on the disk while workerd is down: those that wake
 * the objects are rows of one database, and each object has its own in another.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";

/** How late an account takes an alarm to be that has not gone off: then it is lost. */
const LATE_MS = 11 * 60_000;

/**
 * Loses some alarms, and lets others go off at once. Half of the objects whose alarm is lost know
 * of none; the others know of one that is long over.
 *
 * @param {string} disk the folder of workerd's storage
 * @param {object} options
 * @param {() => number} options.chance gives random numbers from 0 to 1
 * @param {number} options.lost the part of the alarms that are lost
 * @param {number} options.repeated the part of the alarms that go off at once
 * @returns {{ lost: string[], repeated: string[] }} the ids of the accounts
 */
export function disturbAlarms(disk, { chance, lost, repeated }) {
  const folder = path.join(disk, "edge");
  const alarms = new DatabaseSync(path.join(folder, "metadata.sqlite"));
  const done = { lost: /** @type {string[]} */ ([]), repeated: /** @type {string[]} */ ([]) };
  const rows = alarms.prepare("select actor_id as object, actor_name as account from _cf_ALARM");
  for (const { object, account } of rows.all()) {
    const number = chance();
    const file = path.join(folder, `${object}.sqlite`);
    if (number >= lost + repeated || !existsSync(file)) continue;
    const isLost = number < lost;
    done[isLost ? "lost" : "repeated"].push(String(account));
    const now = BigInt(Date.now());
    const knows = isLost ? now - BigInt(LATE_MS) : now;
    if (isLost) alarms.prepare("delete from _cf_ALARM where actor_id = ?").run(object);
    else {
      alarms
        .prepare("update _cf_ALARM set scheduled_time = ? where actor_id = ?")
        .run(now * 1_000_000n, object);
    }
    const own = new DatabaseSync(file);
    if (isLost && number < lost / 2) own.exec("delete from _cf_METADATA where key = 1");
    else own.prepare("update _cf_METADATA set value = ? where key = 1").run(knows * 1_000_000n);
    own.close();
  }
  alarms.close();
  return done;
}
