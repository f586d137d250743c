/**
 * Counts the rows that a turn reads and writes in the account's Durable Object, as the runtime
 * counts them, and tells how many accounts the free plan carries by that.
 *
 *   npm run bench:rows [-- --turns 500]
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { accountSecrets } from "../scripts/lib/local-networks.js";
import { portOf } from "../scripts/lib/listen.js";
import { UserError, main, root } from "../scripts/lib/run.js";
import { buildAll } from "../scripts/build.js";
import {
  SERVER,
  VARS,
  connection,
  driver,
  mastodon,
  newName,
} from "../tests/worker/harness/account-object.js";
import { configuration, copyScript, kvServer, publishedValues, workerd } from "./lib/workerd.js";

const { values } = parseArgs({ options: { turns: { type: "string", default: "500" } } });
const turns = Number(values.turns);

/** Rows that the free plan lets a Worker's objects write in a day. */
const FREE_ROWS = 100_000;

await main(async () => {
  await buildAll();
  const folder = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-rows-"));
  const icon = path.join(root, "assets/icon.png");
  const published = await publishedValues(icon, path.join(folder, "out"));
  const kv = await kvServer((key) => published.get(key));
  const server = await mastodon();
  const disk = path.join(folder, "disk");
  mkdirSync(disk);
  copyScript(folder, "edge");
  for (const [name, script] of [
    ["driver.js", driver],
    ["counter.js", readFileSync(path.join(root, "benches/rows-counter.js"))],
  ])
    writeFileSync(path.join(folder, String(name)), script);
  const vars = { ...VARS, ...accountSecrets, X_API: "1.1", API_BASE_URL: SERVER };
  const edge = { id: "edge", isBuilt: true, vars, wrapper: "counter.js" };
  const config = configuration([edge], portOf(kv), disk, { internet: server.port });
  const { url, stop } = await workerd(folder, config);

  /**
   * @param {string} where
   * @param {RequestInit} [init]
   */
  const ask = async (where, init) => {
    const response = await fetch(`${url}/${where}`, init);
    if (!response.ok) throw new UserError(`${where}: ${await response.text()}`);
    return response;
  };

  /**
   * Makes turns, an hour apart, and counts.
   *
   * @param {string} name of the account
   * @param {string} method how the account is woken
   */
  const rows = async (name, method) => {
    // In the first twelve hours each frame is rendered once.
    for (let warmUp = 0; warmUp < 12; warmUp++) await ask(`${name}/hour`, { method });
    await ask(`${name}/count`);
    const before = server.received.length;
    for (let turn = 0; turn < turns; turn++) await ask(`${name}/hour`, { method });
    const sent = server.received.length - before;
    if (sent < turns) throw new UserError(`${name}: ${sent} of ${turns} turns were sent`);
    /** @type {{ written: number, alarms: number, read: number }} */
    const { written, alarms, read } = await (await ask(`${name}/count`)).json();
    const [a, b, c] = [written, alarms, read].map((number) => (number / turns).toFixed(2));
    const carried = Math.floor(FREE_ROWS / ((24 * written) / turns));
    return `${a} | ${b} | ${c} | ${carried} |`;
  };

  const name = newName();
  /** @param {Record<string, unknown>} command */
  const command = async (command) => {
    const asked = await ask(`${name}/commands`, { method: "POST", body: JSON.stringify(command) });
    /** @type {{ reply: string }} */
    const reply = await asked.json();
    if (reply.reply !== "done") throw new UserError(JSON.stringify(reply));
  };
  await command({ command: "connect", connection: await connection(name) });
  const headers = { "content-type": "image/png" };
  await ask(`${name}/icon`, { method: "PUT", headers, body: readFileSync(icon) });
  await command({ command: "set", settings: { TIME_ZONE: "Asia/Tokyo" } });
  await command({ command: "start", without_picture: false });
  const table = [
    `| a visitor's, on Mastodon, by its alarm | ${await rows(name, "GET")}`,
    `| the owner's, on X, by the cron | ${await rows("default", "POST")}`,
  ];
  await stop();
  kv.close();
  server.close();
  rmSync(folder, { recursive: true });
  console.log(`
Rows of ${turns} turns, an hour apart, each in an object that has just started:

| account | written a turn | of these, alarms | read a turn | accounts that ${FREE_ROWS} rows a day carry |
|---|---|---|---|---|
${table.join("\n")}`);
});
