/**
 * workerd is killed at any moment while turns are made. The account's state and the journal on the
 * disk always tell the same turn, since both are written as one.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  configuration,
  copyScript,
  kvServer,
  publishedValues,
  workerd,
} from "../../benches/lib/workerd.js";
import { accountSecrets } from "../../scripts/lib/local-networks.js";
import { randomNumbers } from "../../scripts/lib/random.js";
import { root } from "../../scripts/lib/run.js";
import { listen } from "./harness/workerd.js";

const KILLS = 30;

/** Makes turns without end, hour after hour. */
const driver = `export default {
  async fetch(request, env) {
    for (let at = Number(new URL(request.url).searchParams.get("at")); ; at += 3_600_000)
      await env.edge.scheduled({ cron: "0 * * * *", scheduledTime: new Date(at) });
  },
};`;

/** Tells what the object has stored, in place of the Worker. */
const reader = `import { DurableObject } from "cloudflare:workers";
export class Account extends DurableObject {
  stored() {
    const [{ states, entries }] = this.ctx.storage.sql.exec("select states, entries from account");
    const last = (lines) => /(\\S+) (.*)\\n$/.exec(lines);
    return { state: last(states)[2], id: Number(last(entries)[1]), entry: last(entries)[2] };
  }
}
export default {
  async fetch(request, env) {
    return Response.json(await env.ACCOUNT.getByName("default").stored());
  },
};`;

const folder = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-kills-"));
const disk = path.join(folder, "disk");
const inFolder = (name) => path.join(folder, name);
const chance = randomNumbers(7);
let kv;
let vars;
let sent = 0;

before(async () => {
  const published = await publishedValues(path.join(root, "assets/icon.png"), inFolder("out"));
  kv = await kvServer((key) => published.get(key));
  const x = http.createServer((request, response) => {
    request.resume().on("end", () => {
      sent += 1;
      // Every fifth turn ends another way, so that more than the slot changes.
      if (sent % 5 === 0) return response.writeHead(503).end();
      response.writeHead(200).end(`{"id_str":"1","screen_name":"local_account"}`);
    });
  });
  vars = { ...accountSecrets, X_API: "1.1", API_BASE_URL: `http://127.0.0.1:${await listen(x)}` };
  mkdirSync(disk);
});

after(() => {
  kv?.close();
  rmSync(folder, { recursive: true });
});

/** Makes turns from an instant on, and kills workerd in the middle. */
async function killWhileTurning(at, ms) {
  copyScript(folder, "edge");
  writeFileSync(inFolder("driver.js"), driver);
  const worker = { id: "edge", isBuilt: true, vars };
  const turning = await workerd(folder, configuration([worker], kv.address().port, disk), {
    log: "ignore",
  });
  const before = sent;
  const ended = fetch(`${turning.url}/?at=${at}`).catch(() => {});
  // The first turn of a workerd takes longer than many that follow.
  while (sent - before < 2) await sleep(1);
  await sleep(ms);
  await turning.kill();
  await ended;
}

/** What lies on the disk: the account's state, and the newest entry of the journal with its id. */
async function stored() {
  writeFileSync(inFolder("edge.js"), reader);
  writeFileSync(
    inFolder("driver.js"),
    "export default { fetch: (request, env) => env.edge.fetch(request) };",
  );
  const worker = { id: "edge", vars: {}, hasObject: true };
  const reading = await workerd(folder, configuration([worker], kv.address().port, disk));
  const { state, id, entry } = await (await fetch(reading.url)).json();
  await reading.stop();
  return { slot: JSON.parse(state).slot, id, entry: JSON.parse(entry) };
}

test(`after each of ${KILLS} kills, what is known and the journal tell the same turn`, async () => {
  let at = Date.parse("2031-01-01T00:00:00Z");
  let last = 0;
  for (let kill = 1; kill <= KILLS; kill += 1) {
    await killWhileTurning(at, chance() * 40);
    const { slot, id, entry } = await stored();
    const said = `kill ${kill}: ${JSON.stringify({ slot, id, entry })}`;
    assert.ok(id > last, said);
    assert.equal(slot.record, id, said);
    assert.equal(slot.scheduled_at, Date.parse(entry.scheduled_at), said);
    assert.deepEqual(
      [slot.is_turned, slot.attempts, slot.frame],
      [entry.outcome === "turned", entry.attempts, entry.frame],
      said,
    );
    last = id;
    at = Date.parse(entry.scheduled_at) + 3_600_000;
  }
});
