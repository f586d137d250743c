/** The service in workerd with many people, for benchmarks: ten Mastodon servers around it. */
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { UserError, root } from "../../scripts/lib/run.js";
import { startSimulator } from "../../tests/worker/harness/simulator.js";
import { SERVICE, Visitor } from "../../tests/worker/harness/visitor.js";
import { SERVICE_KEY } from "../../tests/worker/harness/service.js";
import { configuration, copyScript, kvServer, workerd } from "./workerd.js";

/** The owner's token. */
const TRIGGER_TOKEN = "local-trigger-token";

/**
 * The script of a Worker in front of the built one. It sends requests on at the service's own
 * address, and fires the Cron Trigger for `/scheduled`.
 */
const driver = `export default {
  async fetch(request, env) {
    const { pathname, search } = new URL(request.url);
    if (pathname !== "/scheduled") return env.edge.fetch(new Request("${SERVICE}" + pathname + search, request));
    const hour = new Date(Math.floor(Date.now() / 3600000) * 3600000);
    return new Response((await env.edge.scheduled({ cron: "0 * * * *", scheduledTime: hour })).outcome);
  },
};`;

/** @typedef {Awaited<ReturnType<typeof startService>>} Service */

/**
 * Starts the service, open to everybody, and the servers around it.
 *
 * @param {object} options
 * @param {string[]} options.servers each as `HOST=KIND`
 * @param {number} options.keep how many requests the simulator keeps
 * @param {Record<string, string>} [options.settings] beside those that open the service
 */
export async function startService({ servers, keep, settings = {} }) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-service-"));
  const disk = path.join(folder, "disk");
  mkdirSync(disk);
  copyScript(folder, "edge");
  writeFileSync(path.join(folder, "driver.js"), driver);
  const kv = await kvServer(() => undefined);
  const { port: kvPort } = /** @type {import("node:net").AddressInfo} */ (kv.address());
  const simulator = await startSimulator([
    "--keep",
    String(keep),
    ...servers.flatMap((server) => ["--mastodon-server", server]),
  ]);
  const internet = Number(new URL(simulator.url).port);
  const log = openSync(path.join(folder, "log"), "a");
  /** @type {Record<string, string>} */
  let vars = {
    PUBLIC_URL: SERVICE,
    SIGN_UP: "open",
    CONTACT: "operator@icons.example",
    MAX_ACCOUNTS: "100000",
    SHORTEST_SLOT: "1s",
    TRIGGER_TOKEN,
    SERVICE_KEY,
    ...settings,
  };
  const start = () =>
    workerd(
      folder,
      configuration([{ id: "edge", isBuilt: true, vars }], kvPort, disk, { internet }),
      { log },
    );
  let running = await start();
  const worker = {
    /** @param {string} where @param {RequestInit} [init] */
    fetch: (where, init) => {
      const { pathname, search } = new URL(where, SERVICE);
      return fetch(running.url + pathname + search, { redirect: "manual", ...init });
    },
  };
  return {
    disk,
    simulator,
    worker,
    /** What runs now: it measures itself. */
    running: () => running,
    log: () => readFileSync(path.join(folder, "log"), "utf8"),
    /** Somebody with a browser. */
    visitor: () => new Visitor(/** @type {any} */ (worker), simulator),
    /** Sends a request as the owner. @param {string} where */
    asOwner: (where, method = "POST") =>
      worker.fetch(where, { method, headers: { authorization: `Bearer ${TRIGGER_TOKEN}` } }),
    /** Fires the Cron Trigger. */
    fire: () => worker.fetch("/scheduled"),
    /**
     * Kills workerd, and starts it again with what it has stored.
     *
     * @param {Record<string, string>} [changes] to the settings
     * @param {() => unknown} [meanwhile] done while it is down
     */
    kill: async (changes = {}, meanwhile = () => {}) => {
      await running.kill();
      await meanwhile();
      vars = { ...vars, ...changes };
      running = await start();
    },
    stop: async () => {
      await running.stop();
      await simulator.close();
      kv.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Signs a person up, from the front page to the start. Returns their browser.
 *
 * @param {Service} service
 * @param {object} options
 * @param {string} options.server
 * @param {string} options.person
 * @param {number} options.frames
 * @param {number} options.slotS how long a slot is, in seconds
 */
export async function signUp(service, { server, person, frames, slotS }) {
  const visitor = service.visitor();
  await visitor.signIn(`${person}@${server}`, person);
  const icon = readFileSync(path.join(root, "assets/icon.png"));
  const uploaded = await visitor.upload(icon, `?frames=${frames}`);
  if (!uploaded.ok) throw new UserError(`The upload: ${await uploaded.text()}`);
  const settings = { TIME_ZONE: "UTC", PERIOD: "other", OTHER_PERIOD: `${frames * slotS}s` };
  await visitor.fillIn("/account", "/account/settings", settings);
  const started = await visitor.fillIn("/account", "/account/start");
  if (started.response.status !== 200) throw new UserError(`The start: ${started.html}`);
  return visitor;
}

/**
 * Calls a function with each item, some at a time.
 *
 * @template T, R
 * @param {T[]} items
 * @param {number} atOnce
 * @param {(item: T) => Promise<R>} work
 * @returns {Promise<R[]>} in the order of the items
 */
export async function inGroups(items, atOnce, work) {
  /** @type {R[]} */
  const results = [];
  let next = 0;
  const one = async () => {
    while (next < items.length) {
      const at = next;
      next += 1;
      results[at] = await work(items[at]);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return results;
}
