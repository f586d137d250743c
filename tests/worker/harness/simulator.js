/** The simulator: X, Bluesky and Mastodon as `rotate-icon simulate` stands in for them. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { command } from "./process.js";
import { BLUESKY_SECRETS, MASTODON_SECRETS, accountSecrets } from "./secrets.js";
import { PATIENCE_MS, within } from "./waiting.js";

/** @typedef {string} Network "x", "bluesky" or "mastodon" */

/**
 * A request that the simulator received: what all have, beside what each network adds.
 *
 * @typedef {ReceivedByAll & Record<string, any>} Received
 */

/**
 * @typedef {object} ReceivedByAll
 * @property {number} number counts up from the simulator's start
 * @property {Network} network
 * @property {string} endpoint
 * @property {"accepted" | "refused"} verdict
 * @property {string | null} fault the fault that it was answered with
 * @property {any} picture its digest and size, or null
 */

/** A running simulator. */
export class Simulator {
  #child;

  /**
   * @param {string} url
   * @param {import("node:child_process").ChildProcess} child
   */
  constructor(url, child) {
    this.url = url;
    this.#child = child;
  }

  /**
   * @param {string} where
   * @param {RequestInit} [init]
   */
  async #request(where, init) {
    const response = await fetch(`${this.url}/simulator/${where}`, {
      signal: AbortSignal.timeout(PATIENCE_MS),
      ...init,
    });
    if (!response.ok) {
      const method = init?.method ?? "GET";
      throw new Error(`${method} ${where}: ${response.status} ${await response.text()}`);
    }
    return response;
  }

  /**
   * Lists the faults that a network can be told to have.
   *
   * @param {Network} network
   * @returns {Promise<{ name: string, description: string }[]>}
   */
  async knownFaults(network = "x") {
    return (await (await this.#request(`faults?network=${network}`)).json()).known;
  }

  /**
   * Makes the next requests to a network fail: those to `endpoint`, or all, and those to `server`,
   * or to any server of Mastodon's.
   *
   * @param {string} fault
   * @param {number} times
   * @param {{ network?: Network, endpoint?: string, server?: string }} [target]
   */
  async fail(fault, times = 1, { network = "x", endpoint, server } = {}) {
    await this.#request("faults", {
      method: "PUT",
      body: JSON.stringify({ fault, times, network, endpoint, server }),
    });
  }

  /**
   * Lists the requests since the last `clear`, oldest first: those to `network`, or all.
   *
   * @param {Network} [network]
   * @returns {Promise<Received[]>}
   */
  async received(network) {
    const where = network ? `received?network=${network}` : "received";
    return (await (await this.#request(where)).json()).reverse();
  }

  /** Returns the one request that it received; asserts that there is no other. */
  async receivedOne() {
    const received = await this.received();
    assert.equal(received.length, 1, `requests to X: ${JSON.stringify(received, null, 2)}`);
    return received[0];
  }

  /** Asserts that it received nothing. */
  async receivedNothing() {
    assert.deepEqual(await this.received(), [], "requests to X");
  }

  /** Asserts that it received no picture, as after a dry run. */
  async receivedNoPicture() {
    const received = await this.received();
    assert.ok(
      received.every(({ picture }) => picture === null),
      "pictures sent",
    );
  }

  /**
   * Reads the picture that came with a request.
   *
   * @param {number} number of the request
   */
  async picture(number) {
    return Buffer.from(await (await this.#request(`received/${number}/picture`)).arrayBuffer());
  }

  /**
   * Reads the account's current picture.
   *
   * @param {Network} network
   */
  async icon(network = "x") {
    return Buffer.from(await (await this.#request(`icon?network=${network}`)).arrayBuffer());
  }

  /**
   * Returns the account on Bluesky or Mastodon, after changing it if there is a `change`.
   *
   * @param {Network} network
   * @param {object} [change]
   */
  async account(network, change) {
    const init = change && { method: "PATCH", body: JSON.stringify(change) };
    return (await this.#request(network, init)).json();
  }

  /**
   * Reads the current picture of a person on a server of Mastodon's.
   *
   * @param {string} server its host, or "own" for the simulator's own address
   * @param {string} account
   */
  async pictureOf(server, account) {
    const query = new URLSearchParams({ network: "mastodon", server, account });
    return Buffer.from(await (await this.#request(`icon?${query}`)).arrayBuffer());
  }

  /** Lists the servers of Mastodon's that people sign in to. */
  async servers() {
    return (await this.#request("mastodon/servers")).json();
  }

  /**
   * Changes a server of Mastodon's, such as `{ server, forget_apps: true }`, and returns it.
   *
   * @param {object} change
   */
  async changeServer(change) {
    const init = { method: "PATCH", body: JSON.stringify(change) };
    return (await this.#request("mastodon/servers", init)).json();
  }

  /**
   * Issues a token to a person, as a sign-in would.
   *
   * @param {{ server: string, account: string, scopes: string, client_id?: string }} wanted
   * @returns {Promise<{ id: string, token: Record<string, any> }>} the person's id, and what the
   *   token endpoint would answer
   */
  async issueToken(wanted) {
    const init = { method: "POST", body: JSON.stringify(wanted) };
    return (await this.#request("mastodon/tokens", init)).json();
  }

  /** Drops the uploads of X that no request has used yet. */
  async forgetUploads() {
    await this.#request("uploads", { method: "DELETE" });
  }

  /**
   * Sets its clock ahead of this machine's.
   *
   * @param {number} offset in seconds
   */
  async runAhead(offset) {
    await this.#request("clock", { method: "PUT", body: JSON.stringify({ offset }) });
  }

  /** Drops the faults and the list of requests. */
  async clear() {
    await this.#request("faults", { method: "DELETE" });
    await this.#request("received", { method: "DELETE" });
  }

  async close() {
    await stop(this.#child);
  }
}

/**
 * Starts the simulator on a free port, with accounts that the secrets of the tests open.
 *
 * @param {string[]} args further arguments of `rotate-icon simulate`
 */
export async function startSimulator(args = []) {
  assert.ok(
    existsSync(command),
    `${command} is not there: build it with cargo build, or set ROTATE_ICON`,
  );
  const child = spawn(command, ["simulate", "--port", "0", ...args], {
    env: { ...process.env, ...accountSecrets, ...BLUESKY_SECRETS, ...MASTODON_SECRETS },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const kill = () => child.kill("SIGKILL");
  process.on("exit", kill);
  child.once("exit", () => process.off("exit", kill));
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    errors += text;
  });
  /** @type {Promise<string>} */
  const listening = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`simulate ended with ${code}: ${errors}`)));
    createInterface(child.stdout).on("line", (line) => {
      const [, url] = /^simulate is listening on (http:\S+)$/.exec(line) ?? [];
      if (url) resolve(url);
    });
  });
  try {
    return new Simulator(await within(10_000, "simulate listening", listening), child);
  } catch (error) {
    await stop(child);
    throw error;
  }
}

/**
 * Stops a process, by force after five seconds.
 *
 * @param {import("node:child_process").ChildProcess} child
 */
async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const limit = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await ended;
  clearTimeout(limit);
}
