/**
 * The Worker in workerd with workerd's own network, run by wrangler's development server: broken
 * connections, alarms and kills are as on Cloudflare.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseLogged } from "./assertions.js";
import { bundle } from "./bundle.js";
import { publish } from "./kv.js";
import { record, recordResponse } from "./leaks.js";
import { scratch, wrangler } from "./process.js";
import { ANSWER_MS, Client, EVERY_MINUTE } from "./requests.js";
import { settingsOf } from "./settings.js";
import { within } from "./waiting.js";

/** @typedef {import("./frames.js").FrameSet} FrameSet */
/** @typedef {import("./settings.js").Changes} Changes */
/** @typedef {import("./requests.js").Init} Init */

/**
 * What is around the Worker.
 *
 * @typedef {object} Surroundings
 * @property {object} [outbound] where its requests go, as Miniflare's `outboundService`; default: the
 *   internet
 * @property {{ hostname: string, secure: boolean }} [origin] by which the Worker is asked, as it sees
 *   it; default: that of the request
 */

/** How long the Worker may take to start, in ms. */
const START_MS = 30_000;

export class DevServerWorker extends Client {
  /** @type {Awaited<ReturnType<typeof wrangler.unstable_startWorker>> | undefined} */
  #running;
  /** @type {{ level: string, message: string }[]} */
  #logs = [];
  #simulator;
  #surroundings;
  #state = mkdtempSync(path.join(scratch, "state-"));

  /** Where it listens; another address after each restart. */
  url = "";

  /**
   * @param {{ url: string }} simulator
   * @param {Surroundings} surroundings
   */
  constructor(simulator, surroundings) {
    super();
    this.#simulator = simulator;
    this.#surroundings = surroundings;
  }

  /**
   * Starts the Worker with a frame set in KV.
   *
   * @param {{ url: string }} simulator what answers for the networks
   * @param {FrameSet} set
   * @param {Changes} [changes] what differs from the default settings
   * @param {Surroundings} [surroundings]
   */
  static async start(simulator, set, changes, surroundings = {}) {
    const { config } = await bundle();
    const worker = new DevServerWorker(simulator, surroundings);
    const opened = wrangler.getPlatformProxy({
      configPath: config,
      persist: { path: path.join(worker.#state, "v3") },
      remoteBindings: false,
    });
    const { env, dispose } = await within(START_MS, "the store", opened);
    await publish(/** @type {import("./kv.js").KVNamespace} */ (env.FRAMES), set);
    await dispose();
    await worker.#start(changes);
    return worker;
  }

  /** @param {Changes} [changes] */
  async #start(changes) {
    const { folder, config } = await bundle();
    const { vars, secrets } = settingsOf(this.#simulator, changes);
    /** @type {Record<string, { type: "plain_text" | "secret_text", value: string }>} */
    const bindings = {};
    for (const [name, value] of Object.entries(vars)) {
      bindings[name] = { type: "plain_text", value };
    }
    for (const [name, value] of Object.entries(secrets)) {
      bindings[name] = { type: "secret_text", value };
    }
    const read = wrangler.unstable_readConfig({ config }, { hideWarnings: true });
    const started = wrangler.unstable_startWorker({
      config: {
        ...read,
        main: path.join(folder, "index.js"),
        base_dir: folder,
        no_bundle: true,
        find_additional_modules: true,
        build: { ...read.build, command: undefined },
      },
      bindings,
      build: { nodejsCompatMode: null },
      dev: {
        server: { hostname: "127.0.0.1", port: 0 },
        watch: false,
        inspector: false,
        logLevel: "none",
        persist: this.#state,
        outboundService: this.#surroundings.outbound,
        origin: this.#surroundings.origin,
        structuredLogsHandler: (/** @type {{ level: string, message: string }} */ entry) => {
          record("the log", JSON.stringify(entry));
          this.#logs.push(entry);
        },
      },
    });
    this.#running = await within(START_MS, "the Worker's start", started);
    this.url = (await this.#running.url).origin;
  }

  /**
   * Stops the Worker and starts it again with what it has stored.
   *
   * @param {Changes} [changes] what differs from the default settings
   */
  async restart(changes) {
    await this.close();
    await this.#start(changes);
  }

  /** The ids of this test file's workerd processes. */
  #pids() {
    const list = spawnSync("ps", ["-A", "-o", "pid=,ppid=,comm="], { encoding: "utf8" }).stdout;
    const pids = [];
    for (const line of list.split("\n")) {
      const [, pid, parent, name] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      if (Number(parent) === process.pid && path.basename(name) === "workerd") {
        pids.push(Number(pid));
      }
    }
    assert.ok(pids.length > 0, "a workerd of this test's");
    return pids;
  }

  /** Kills workerd in whatever it is doing. */
  kill() {
    for (const pid of this.#pids()) process.kill(pid, "SIGKILL");
  }

  /** The memory that workerd takes, in MB. */
  residentMB() {
    const args = ["-o", "rss=", "-p", this.#pids().join()];
    const list = spawnSync("ps", args, { encoding: "utf8" }).stdout.trim();
    return list.split("\n").reduce((sum, kB) => sum + Number(kB), 0) / 1000;
  }

  /**
   * Fires the Cron Trigger.
   *
   * @param {number | string} scheduledTime
   */
  async fire(scheduledTime, cron = EVERY_MINUTE) {
    const time = new Date(scheduledTime).getTime();
    const response = await this.fetch(
      `/cdn-cgi/handler/scheduled?cron=${encodeURIComponent(cron)}&time=${time}`,
    );
    assert.equal(response.status, 200, await response.text());
  }

  /**
   * Fires the Cron Trigger and returns the one line that is logged for it.
   *
   * @param {number | string} scheduledTime
   */
  async cron(scheduledTime) {
    return (await this.#logged(scheduledTime, 1))[0];
  }

  /**
   * Fires the Cron Trigger and returns the line that is logged for each of these networks, by the
   * network's name.
   *
   * @param {string[]} networks
   * @param {number | string} scheduledTime
   */
  async cronOf(networks, scheduledTime) {
    const logged = await this.#logged(scheduledTime, networks.length);
    const byName = Object.fromEntries(logged.map(({ line }) => [line.network, line]));
    assert.deepEqual(Object.keys(byName).sort(), [...networks].sort());
    return byName;
  }

  /**
   * @param {number | string} scheduledTime
   * @param {number} count how many lines are to be logged
   */
  async #logged(scheduledTime, count) {
    const before = this.#logs.length;
    await this.fire(scheduledTime);
    for (let waited = 0; waited < 5_000 && this.#logs.length < before + count; waited += 5) {
      await sleep(5);
    }
    const logged = this.#logs.slice(before);
    assert.equal(logged.length, count, JSON.stringify(logged));
    return logged.map(parseLogged);
  }

  /**
   * @override
   * @param {string} where
   * @param {Init} [init]
   */
  async fetch(where, init) {
    const options = /** @type {RequestInit} */ ({ redirect: "manual", ...init });
    const answer = fetch(this.url + where, options);
    return recordResponse(where, await within(ANSWER_MS, `an answer to ${where}`, answer));
  }

  /** Returns the log so far. */
  logs() {
    return this.#logs;
  }

  /** Empties the account's storage, after the turn that may be under way. */
  async forget() {
    assert.equal((await this.journal("", { method: "DELETE" })).status, 204);
  }

  /** Empties the account's storage and the log. */
  async reset() {
    await this.forget();
    this.#logs.length = 0;
  }

  async close() {
    await within(20_000, "the Worker's end", this.#running?.dispose() ?? Promise.resolve());
  }
}
