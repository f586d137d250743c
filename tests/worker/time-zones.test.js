/**
 * The time zones of the Worker's runtime beside those of the command: the same rules from two
 * sources, each of which is updated by itself.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { promisify } from "node:util";
import { root } from "../../scripts/lib/run.js";
import { scratch, wrangler } from "./harness/process.js";

/** @typedef {[time: number, offset: number][]} Changes When the clock changes, to which offset. */

const WEEK_S = 604_800;
/** @param {number} year */
const unixSeconds = (year) => Date.UTC(year, 0) / 1000;

/** What the clocks did is known, and hardly any release of the database changes it. */
const SETTLED = { from: unixSeconds(2015), to: unixSeconds(2026) };
const TO_COME = { from: unixSeconds(2026), to: unixSeconds(2036) };

/**
 * The release 2025c corrected these: since 2022, their clocks change at the hour of the European
 * Union. A machine may have an older release.
 */
const CORRECTED = ["Europe/Chisinau", "Europe/Tiraspol"];

/** How many zones may differ in the years to come before a source counts as stale or wrong. */
const MOST_DIFFERENT = 5;

/**
 * A Worker that answers `[[zone, [Unix time, …]], …]` with the offsets in seconds, which it reads
 * off the runtime as `src/time_zones.rs` does; `null` for a zone that the runtime does not know.
 */
const SCRIPT = `
function offsets([timeZone, times]) {
  let formatter;
  try {
    formatter = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
  } catch {
    return null;
  }
  return times.map((time) => {
    const [, offset] = formatter.format(time * 1000).split("GMT");
    const [hours = 0, minutes = 0, seconds = 0] = offset.slice(1).split(":").map(Number);
    return (offset[0] === "-" ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds);
  });
}
export default {
  async fetch(request) {
    return Response.json((await request.json()).map(offsets));
  },
};`;

/**
 * How the clocks of all zones change, as the command knows them.
 *
 * @returns {Promise<[name: string, changes: Changes][]>}
 */
async function changesByTheCommand() {
  const args = ["run", "--quiet", "--package", "rotate-icon-cli", "--example", "time_zones"];
  const { stdout } = await promisify(execFile)("cargo", args, { cwd: root, maxBuffer: 2 ** 26 });
  const lines = stdout.trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}

/**
 * The instants to compare: around each change that the command knows, and once a week.
 *
 * @param {Changes} changes
 * @param {{ from: number, to: number }} years
 */
function marks(changes, { from, to }) {
  const marks = changes.flatMap(([time]) => [time - 1, time]);
  for (let time = from; time < to; time += WEEK_S) marks.push(time);
  return marks.filter((time) => time >= from && time < to).sort((a, b) => a - b);
}

/**
 * @param {Changes} changes
 * @param {number} time
 */
const offsetAt = (changes, time) => changes.findLast(([start]) => start <= time)?.[1];

test("the runtime and the command agree but for a few zones in the years to come", async (t) => {
  const script = path.join(scratch, "time-zones.js");
  writeFileSync(script, SCRIPT);
  const config = { name: "time-zones", main: script, compatibility_date: "2026-11-01" };
  const server = wrangler.createTestHarness({ workers: [{ config }] });
  t.after(() => server.close());
  await server.listen();

  const zones = await changesByTheCommand();
  assert.ok(zones.length > 590, `${zones.length} zones`);

  /**
   * The names that differ, by when and how: many names are of one zone.
   *
   * @param {{ from: number, to: number }} years
   */
  const differences = async (years) => {
    const asked = zones.map(([name, changes]) => [name, marks(changes, years)]);
    const reply = await server.fetch("/", { method: "POST", body: JSON.stringify(asked) });
    const answers = /** @type {(number[] | null)[]} */ (await reply.json());
    /** @type {Record<string, string[]>} */
    const different = {};
    for (const [index, [name, changes]] of zones.entries()) {
      const offsets = answers[index];
      assert.ok(offsets, `the runtime does not know ${name}`);
      const times = marks(changes, years);
      const place = times.findIndex((time, place) => offsets[place] !== offsetAt(changes, time));
      if (place < 0 || CORRECTED.includes(name)) continue;
      const how = `${times[place]}: ${offsets[place]}, not ${offsetAt(changes, times[place])}`;
      different[how] = [...(different[how] ?? []), name];
    }
    return different;
  };

  assert.deepEqual(await differences(SETTLED), {});
  const toCome = Object.entries(await differences(TO_COME));
  for (const [how, names] of toCome) t.diagnostic(`${names.join(", ")} at ${how}`);
  assert.ok(toCome.length <= MOST_DIFFERENT, `${toCome.length} zones differ`);
});
