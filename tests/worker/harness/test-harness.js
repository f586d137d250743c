/**
 * The Worker in workerd, run by wrangler's test harness: its settings change without a new process,
 * and its KV namespace can be reached. What it sends goes through the `fetch` of Node, which turns
 * what it throws into a reply; tests of broken connections need `dev-server.js`.
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { root } from "../../../scripts/lib/run.js";
import { parseLogged } from "./assertions.js";
import { bundle } from "./bundle.js";
import { empty } from "./kv.js";
import { record, recordResponse } from "./leaks.js";
import { wrangler } from "./process.js";
import { ANSWER_MS, Client, EVERY_MINUTE, authorized } from "./requests.js";
import { settingsOf } from "./settings.js";
import { within } from "./waiting.js";

/** @typedef {import("@cloudflare/workers-types").KVNamespace} KVNamespace */
/** @typedef {import("./settings.js").Changes} Changes */
/** @typedef {import("./requests.js").Init} Init */

/** How long the Worker may take to start, in ms. */
const START_MS = 30_000;

/** The changes of a test that makes none, as JSON. */
const NONE = "{}";

export class TestHarnessWorker extends Client {
  #server;
  #options;
  // As JSON, to tell whether they differ: the changes that it runs with, and those that it is to
  // run with from the next request or event.
  #running = NONE;
  #wanted = NONE;
  /** @type {KVNamespace | undefined} */
  #kv;

  /** Where it listens. */
  url = "";

  /** @param {(changes: Changes) => import("wrangler").TestHarnessOptions} options */
  constructor(options) {
    super();
    this.#options = options;
    this.#server = wrangler.createTestHarness(options({}));
  }

  /**
   * Starts the Worker.
   *
   * @param {{ url: string }} simulator
   */
  static async start(simulator) {
    const { folder, config } = await bundle();
    const worker = new TestHarnessWorker((changes) => ({
      root,
      workers: [
        { configPath: config, prebuiltWorkerDir: folder, ...settingsOf(simulator, changes) },
      ],
    }));
    try {
      const listening = await within(START_MS, "the Worker's start", worker.#server.listen());
      worker.url = listening.url.origin;
      await worker.#ready();
    } catch (error) {
      await worker.close();
      throw error;
    }
    return worker;
  }

  /** The KV namespace of the frames. */
  get kv() {
    assert.ok(this.#kv, "the Worker has started");
    return this.#kv;
  }

  /**
   * Sets what differs from the default settings, from now on.
   *
   * @param {Changes} changes
   */
  async configure(changes = {}) {
    this.#wanted = JSON.stringify(changes);
    await this.#ready();
  }

  /** Restarts the Worker if its settings have changed; KV and storage stay. */
  async #ready() {
    if (this.#running !== this.#wanted) {
      this.#running = this.#wanted;
      const options = this.#options(JSON.parse(this.#wanted));
      await within(START_MS, "the Worker's restart", this.#server.update(options));
      this.#kv = undefined;
    }
    const worker = this.#server.getWorker();
    this.#kv ??= /** @type {KVNamespace} */ ((await worker.getEnv()).FRAMES);
    return worker;
  }

  /**
   * @override
   * @param {string} where
   * @param {Init} [init]
   */
  async fetch(where, init) {
    const worker = await this.#ready();
    return this.#answer(
      where,
      worker.fetch(where, /** @type {any} */ ({ redirect: "manual", ...init })),
    );
  }

  /**
   * @param {string} where
   * @param {PromiseLike<unknown>} answer a `Response` of another realm
   */
  async #answer(where, answer) {
    const response = await within(ANSWER_MS, `an answer to ${where}`, answer);
    return recordResponse(where, /** @type {Response} */ (response));
  }

  /**
   * Fires the Cron Trigger and returns what the Worker logged for it. The default cron begins every
   * slot itself, so that no alarm makes a turn while other tests run.
   *
   * @param {number | string} scheduledTime
   */
  async cron(scheduledTime, cron = EVERY_MINUTE) {
    const worker = await this.#ready();
    this.#clearLogs();
    const event = worker.scheduled({ cron, scheduledTime: new Date(scheduledTime) });
    const { outcome } = await within(ANSWER_MS, "the end of the scheduled event", event);
    assert.equal(outcome, "ok", "the event's outcome");
    const logs = await this.logs(1);
    assert.equal(logs.length, 1, `lines logged: ${JSON.stringify(logs, null, 2)}`);
    return parseLogged(logs[0]);
  }

  /** Returns the log so far, once it has at least so many entries. */
  async logs(atLeast = 0) {
    for (let waited = 0; waited < 5_000 && this.#server.getLogs().length < atLeast; waited += 5) {
      await sleep(5);
    }
    // Further entries, if there are any, were written at the same time.
    await sleep(20);
    record("the log", JSON.stringify(this.#server.getLogs()));
    return this.#server.getLogs();
  }

  #clearLogs() {
    record("the log", JSON.stringify(this.#server.getLogs()));
    this.#server.clearLogs();
  }

  /** Empties KV, storage and log, and goes back to the default settings. */
  async reset() {
    // The settings change with the next event, so that a test that changes them costs one restart.
    this.#wanted = NONE;
    await this.forget();
    await empty(this.kv);
    this.#clearLogs();
  }

  /** Empties the account's storage, after the turn that may be under way. */
  async forget() {
    // With the settings of the last test, if they admit it: that saves a restart.
    const worker = this.#server.getWorker();
    const init = authorized({ method: "DELETE" });
    const answer = worker.fetch("/journal", /** @type {any} */ (init));
    const { status } = await within(ANSWER_MS, "the account to forget", answer);
    if (status !== 204) assert.equal((await this.journal("", { method: "DELETE" })).status, 204);
  }

  async close() {
    await within(20_000, "the Worker's end", this.#server.close());
  }
}
