/**
 * Makes ten thousand turns through workerd, with faults of X, events that are delivered twice,
 * turns by hand in between, and workerd killed in the middle. The journal has to agree with what X
 * has accepted, and memory must not grow. Linux only, because it reads the memory from /proc.
 *
 *   npm run soak [-- --turns 10000 --seed 1]
 *
 * X is a server of this process that answers at random and counts. The turns are those of the hours
 * from 2031 on, one after the other, so that none has to wait.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError, main, root, say } from "../scripts/lib/run.js";
import { buildAll } from "../scripts/build.js";
import { listen, portOf } from "../scripts/lib/listen.js";
import { accountSecrets } from "../scripts/lib/local-networks.js";
import { randomNumbers } from "../scripts/lib/random.js";
import { configuration, copyScript, kvServer, publishedValues, workerd } from "./lib/workerd.js";

const { values } = parseArgs({
  options: { turns: { type: "string", default: "10000" }, seed: { type: "string", default: "1" } },
});
const turns = Number(values.turns);

const token = "local-trigger-token";

/** The script of a Worker that passes events and requests on to the built one. */
const driver = `export default {
  async fetch(request, env) {
    const { pathname, search, searchParams } = new URL(request.url);
    if (pathname !== "/scheduled") return env.edge.fetch(new Request("http://worker" + pathname + search, request));
    const scheduledTime = new Date(Number(searchParams.get("at")));
    const events = Array.from({ length: Number(searchParams.get("times")) }, () => env.edge.scheduled({ cron: "0 * * * *", scheduledTime }));
    const outcomes = await Promise.all(events);
    return new Response(outcomes.map(({ outcome }) => outcome).join());
  },
};`;

/** The next random number: the same faults for the same seed. */
const chance = randomNumbers(Number(values.seed));

const user = JSON.stringify({ id_str: "1", screen_name: "local_account" });
/**
 * @param {number} status
 * @param {number} code X's own
 * @returns {[number, string]}
 */
const error = (status, code) => [
  status,
  JSON.stringify({ errors: [{ code, message: "By chance." }] }),
];

/**
 * What X does instead of accepting a picture: a status and body, or a way to end the connection.
 *
 * @type {([number, string] | "reset" | "cut off")[]}
 */
const faults = [
  error(503, 130),
  error(500, 131),
  [502, "<html>Bad gateway</html>"],
  error(429, 88),
  error(401, 89),
  error(403, 453),
  error(403, 226),
  [200, "not a user"],
  "reset",
  "cut off",
];

await main(async () => {
  await buildAll();
  const folder = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-soak-"));
  /** @param {string} name */
  const inFolder = (name) => path.join(folder, name);
  copyScript(folder, "edge");
  writeFileSync(inFolder("driver.js"), driver);
  const published = await publishedValues(path.join(root, "assets/icon.png"), inFolder("out"));
  /** The frame numbers, by the SHA-256 of the frame. @type {Map<string, number>} */
  const frameOf = new Map();
  for (const [key, value] of published) {
    const [, n] = /\/(\d+)$/.exec(key) ?? [];
    if (n) frameOf.set(createHash("sha256").update(value).digest("hex"), Number(n));
  }
  const kv = await kvServer((key) => published.get(key));

  /** The frames that X has accepted in this hour. @type {(number | undefined)[]} */
  let taken = [];
  /** Called instead of sending an answer, if there is one. @type {(() => void) | undefined} */
  let onTaken;
  let caught = 0;
  let sent = 0;
  const x = http.createServer(async (request, response) => {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      // workerd was killed meanwhile.
      return;
    }
    // A dry run asks for the account.
    if (request.method === "GET")
      return response.writeHead(200, { "content-type": "application/json" }).end(user);
    sent += 1;
    const fault = chance() < 0.25 ? faults[Math.floor(chance() * faults.length)] : undefined;
    if (fault === "reset") return request.socket.destroy();
    if (fault === "cut off")
      return response
        .writeHead(200, { "content-length": "500" })
        .write("{", () => request.socket.destroy());
    if (fault) return response.writeHead(fault[0]).end(fault[1]);
    const body = Buffer.concat(chunks);
    const start = body.indexOf("\r\n\r\n") + 4;
    const picture = body.subarray(start, body.lastIndexOf("\r\n--"));
    taken.push(frameOf.get(createHash("sha256").update(picture).digest("hex")));
    // workerd is killed now, and gets no answer.
    if (onTaken) {
      caught += 1;
      onTaken();
      onTaken = undefined;
      return;
    }
    response.writeHead(200, { "content-type": "application/json" }).end(user);
  });
  const xPort = await listen(x);

  const vars = {
    ...accountSecrets,
    TRIGGER_TOKEN: token,
    X_API: "1.1",
    API_BASE_URL: `http://127.0.0.1:${xPort}`,
  };
  const start = () =>
    workerd(folder, configuration([{ id: "edge", isBuilt: true, vars }], portOf(kv), folder), {
      log: "ignore",
    });
  let running = await start();
  /**
   * @param {string} where
   * @param {RequestInit} init
   */
  const ask = (where, init = {}) =>
    fetch(running.url + where, {
      ...init,
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(60_000),
    });

  /** @type {Record<string, number>} */
  const counts = { turned: 0, refused: 0, retry: 0, unchanged: 0 };
  let [kills, twice, byHand, interrupted] = [0, 0, 0, 0];
  let waitsForFrame = false;
  const memory = [];
  const first = Date.parse("2031-01-01T00:00:00Z");
  say(`${turns} turns …`);
  for (let hour = 0; hour < turns; hour++) {
    const at = first + hour * 3_600_000;
    const frame = (new Date(at).getUTCHours() + 9) % 12;
    taken = [];
    const times = chance() < 0.05 ? 2 + Math.floor(chance() * 3) : 1;
    if (times > 1) twice += 1;
    const cron = () =>
      ask(`/scheduled?at=${at}&times=${times}`).then((response) => response.text());
    // Half of the kills come at any moment, half between X's acceptance of a frame and its answer.
    const isAnyMoment = chance() < 0.0025;
    waitsForFrame ||= chance() < 0.0025;
    let isKilled = false;
    if (isAnyMoment || waitsForFrame) {
      const event = cron().catch(() => "ended");
      const caughtBefore = caught;
      const moment = waitsForFrame
        ? new Promise((resolve) => {
            onTaken = () => resolve(undefined);
          })
        : sleep(chance() * 8);
      await Promise.race([event, moment]);
      onTaken = undefined;
      isKilled = isAnyMoment || caught > caughtBefore;
      if (isKilled) {
        kills += 1;
        waitsForFrame = false;
        await running.kill();
        await event;
        running = await start();
      }
    }
    const outcomes = await cron();
    if (!/^ok(,ok)*$/.test(outcomes))
      throw new UserError(`hour ${hour}: the event ended with ${outcomes}`);
    const isAsked = chance() < 0.02;
    if (isAsked) {
      byHand += 1;
      await (await ask("/turn?dry_run=true", { method: "POST" })).arrayBuffer();
    }
    /** @type {{ entries: { scheduled_at: string, outcome: string, frame: number }[] }} */
    const { entries } = await (await ask("/journal?limit=2")).json();
    const ofHour = entries.filter(({ scheduled_at: scheduled }) => Date.parse(scheduled) === at);
    if (ofHour.length !== 1)
      throw new UserError(`hour ${hour}: ${ofHour.length} entries, ${JSON.stringify(entries)}`);
    const [entry] = ofHour;
    counts[entry.outcome] += 1;
    // If a turn was killed, X may have accepted the frame before.
    const wasTaken = taken.length > 0;
    if (isKilled && taken.length === 2) interrupted += 1;
    const agrees =
      entry.outcome === "turned"
        ? taken.length === 1 || (isKilled && taken.length === 2)
        : !wasTaken || isKilled;
    if (!agrees || taken.some((one) => one !== frame) || entry.frame !== frame) {
      throw new UserError(
        `hour ${hour}, frame ${frame}: X has taken ${JSON.stringify(taken)}, the journal says ${JSON.stringify(entry)}`,
      );
    }
    if (hour % 500 === 499) memory.push(running.residentMB());
    if (hour % 1000 === 999) say(`${hour + 1} …`);
  }
  const { entries, next } = await (await ask("/journal?limit=200")).json();
  let kept = entries.length;
  for (let before = next; before !== null; ) {
    const page = await (await ask(`/journal?limit=200&before=${before}`)).json();
    kept += page.entries.length;
    before = page.next;
  }
  await running.stop();
  x.close();
  kv.close();
  rmSync(folder, { recursive: true });
  console.log(`
${turns} hours: ${JSON.stringify(counts)}; ${sent} requests to X.
Events delivered twice or more: ${twice}; dry runs in between: ${byHand}; workerd killed in the middle: ${kills},
in ${caught} of these just when X had taken the frame. Taken twice for it: ${interrupted}.
Each hour has one entry in the journal, which says "turned" exactly where X took its frame. Entries kept: ${kept}.
Memory of workerd (MB, each 500 hours): ${memory.join(", ")}.`);
});
