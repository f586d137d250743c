/**
 * What the tests of the built Worker stand on: the Worker in real workerd, the
 * local stand-in for X next to it, frames to publish, and a stage that sets
 * all of this up for a test file and takes it down again, also after a failure.
 *
 * Nothing here knows how the Worker works inside; it is driven by requests,
 * scheduled events and what is in its KV namespace, and watched by its answers,
 * its log and what reaches the stand-in.
 *
 * Two variables of the environment choose what is tested: ROTATE_ICON is the
 * command to take (default: target/debug/rotate-icon), ROTATE_ICON_WORKER a
 * folder with the Worker as `wrangler deploy --dry-run --outdir` writes it
 * (default: it is made anew, once a test file).
 */
import assert from "node:assert/strict";
import { execFile, spawn, spawnSync } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, before, beforeEach } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { deflateSync } from "node:zlib";
import { pngChunk, pngFile } from "../../scripts/lib/png.js";
import { note, noteAnswer, searchAtTheEnd } from "./emitted.js";

const root = path.resolve(import.meta.dirname, "../..");
const command = path.resolve(
  process.env.ROTATE_ICON ?? path.join(root, "target/debug/rotate-icon"),
);

/** How long to wait for what takes no time, in ms: a machine may be busy. */
export const PATIENCE_MS = 120_000;

/** The four secrets that sign for an account of X. */
export const ACCOUNT_SECRETS = ["API_KEY", "API_KEY_SECRET", "ACCESS_TOKEN", "ACCESS_TOKEN_SECRET"];

/**
 * The secrets of every test. Nobody else has them, so finding one anywhere is
 * no coincidence, and two of them hold what has to be encoded to be signed.
 */
export const SECRETS = {
  API_KEY: `key-${randomUUID()}`,
  API_KEY_SECRET: `key-secret-&=+/%~-${randomUUID()}`,
  ACCESS_TOKEN: `1-token-${randomUUID()}`,
  ACCESS_TOKEN_SECRET: `token-secret-%26+!*()-${randomUUID()}`,
  TRIGGER_TOKEN: `trigger-${randomUUID()}`,
};

/** What opens the account of Bluesky that the stand-in has. */
export const BLUESKY_SECRETS = {
  BLUESKY_IDENTIFIER: "somebody.test",
  BLUESKY_APP_PASSWORD: appPassword(),
};

/** What opens the account of Mastodon that the stand-in has; its server is the stand-in. */
export const MASTODON_SECRETS = { MASTODON_ACCESS_TOKEN: `mastodon-${randomUUID()}` };

/** An app password as Bluesky makes them. */
export function appPassword() {
  return randomUUID().replaceAll("-", "").slice(0, 16).match(/.{4}/g).join("-");
}

const { BLUESKY_APP_PASSWORD } = BLUESKY_SECRETS;
searchAtTheEnd({ ...SECRETS, BLUESKY_APP_PASSWORD, ...MASTODON_SECRETS });

// wrangler reads these when it is loaded. Secrets that lie in the environment
// would fill in for those that a test leaves out.
const scratch = mkdtempSync(path.join(tmpdir(), "rotate-icon-test-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
for (const name of Object.keys({ ...SECRETS, ...BLUESKY_SECRETS, ...MASTODON_SECRETS }))
  delete process.env[name];
Object.assign(process.env, {
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_LOG: "none",
  WRANGLER_LOG_PATH: path.join(scratch, "logs"),
  // What wrangler would ask for at the start, over the internet.
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
});
const { createTestHarness, getPlatformProxy, unstable_readConfig, unstable_startWorker } =
  await import("wrangler");

// Ended from outside, a process skips its "exit" listeners unless it is told.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

/** Gives up on something after a time. */
export async function within(ms, what, promise) {
  const timer = new AbortController();
  const late = sleep(ms, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`${what}: not within ${ms / 1000} s`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
    late.catch(() => {});
  }
}

/** The SHA-256 of bytes in hex. */
export const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

// --- The stand-in for X -------------------------------------------------

/** A running `rotate-icon simulate`. */
class Simulator {
  #child;

  constructor(url, child) {
    this.url = url;
    this.#child = child;
  }

  async #ask(where, init) {
    const response = await fetch(`${this.url}/simulator/${where}`, {
      signal: AbortSignal.timeout(PATIENCE_MS),
      ...init,
    });
    if (!response.ok)
      throw new Error(
        `${init?.method ?? "GET"} ${where}: ${response.status} ${await response.text()}`,
      );
    return response;
  }

  /** The faults of a network that it knows: `{ name, description }` each. */
  async knownFaults(network = "x") {
    return (await (await this.#ask(`faults?network=${network}`)).json()).known;
  }

  /** Lets the next requests fail: those to X, or to `network`, there to `endpoint` if one is named. */
  async fail(fault, times = 1, { network = "x", endpoint } = {}) {
    await this.#ask("faults", {
      method: "PUT",
      body: JSON.stringify({ fault, times, network, endpoint }),
    });
  }

  /** What it received since the last `clear`, oldest first: all of it, or what was for `network`. */
  async received(network) {
    return (
      await (await this.#ask(network ? `received?network=${network}` : "received")).json()
    ).reverse();
  }

  /** The one request that it received; there must be no other. */
  async receivedOne() {
    const received = await this.received();
    assert.equal(received.length, 1, `requests to X: ${JSON.stringify(received, null, 2)}`);
    return received[0];
  }

  /** Checks that nothing was sent. */
  async receivedNothing() {
    assert.deepEqual(await this.received(), [], "requests to X");
  }

  /** Expects that nothing was sent but questions: what a dry run comes to. */
  async receivedNoPicture() {
    assert.ok(
      (await this.received()).every(({ picture }) => picture === null),
      "pictures sent",
    );
  }

  /** The bytes of the picture that came with a request. */
  async picture(number) {
    return Buffer.from(await (await this.#ask(`received/${number}/picture`)).arrayBuffer());
  }

  /** The bytes of the account's picture as it is now. */
  async icon(network = "x") {
    return Buffer.from(await (await this.#ask(`icon?network=${network}`)).arrayBuffer());
  }

  /** The account on Bluesky or Mastodon, changed as somebody else would if there is a `change`. */
  async account(network, change) {
    const init = change && { method: "PATCH", body: JSON.stringify(change) };
    return (await this.#ask(network, init)).json();
  }

  /** Has X forget what was uploaded and not set yet. */
  async forgetUploads() {
    await this.#ask("uploads", { method: "DELETE" });
  }

  /** Has its clock run so many seconds ahead. */
  async runAhead(offset) {
    await this.#ask("clock", { method: "PUT", body: JSON.stringify({ offset }) });
  }

  /** Forgets faults and requests. */
  async clear() {
    await this.#ask("faults", { method: "DELETE" });
    await this.#ask("received", { method: "DELETE" });
  }

  async close() {
    await stopChild(this.#child);
  }
}

/** Starts the stand-in for the networks on a free port, with the accounts of the tests' secrets. */
export async function startSimulator(args = []) {
  assert.ok(
    existsSync(command),
    `${command} is not there: build it with cargo build, or set ROTATE_ICON`,
  );
  const secrets = Object.fromEntries(ACCOUNT_SECRETS.map((name) => [name, SECRETS[name]]));
  const child = spawn(command, ["simulate", "--port", "0", ...args], {
    env: { ...process.env, ...secrets, ...BLUESKY_SECRETS, ...MASTODON_SECRETS },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const kill = () => child.kill("SIGKILL");
  process.on("exit", kill);
  child.once("exit", () => process.off("exit", kill));
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (said += text));
  const listening = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`simulate ended with ${code}: ${said}`)));
    createInterface(child.stdout).on("line", (line) => {
      const [, url] = /^simulate is listening on (http:\S+)$/.exec(line) ?? [];
      if (url) resolve(url);
    });
  });
  try {
    return new Simulator(await within(10_000, "simulate listening", listening), child);
  } catch (error) {
    await stopChild(child);
    throw error;
  }
}

async function stopChild(child) {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const limit = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await ended;
  clearTimeout(limit);
}

// --- Frames -------------------------------------------------------------

/** A frame set as it lies in KV: `{ id, mediaType, frames }`, the frames as bytes. */
export function frameSet(frames, mediaType = "image/png") {
  return { id: sha256(Buffer.concat(frames)).slice(0, 32), mediaType, frames };
}

/** `count` different pictures, PNG, each a colour of its own with a hand that turns. */
export function pngFrames(count = 12) {
  return Array.from({ length: count }, (_, n) => png(n / count));
}

/** A square PNG that shows a hand at this part of a rotation. */
export function png(turn, side = 400) {
  const angle = 2 * Math.PI * turn;
  const [x, y] = [Math.sin(angle), -Math.cos(angle)];
  const rows = Buffer.alloc(side * (side + 1));
  for (let row = 0; row < side; row += 1) {
    for (let column = 0; column < side; column += 1) {
      const [dx, dy] = [column - side / 2, row - side / 2];
      const along = dx * x + dy * y;
      const across = Math.abs(dx * y - dy * x);
      // One byte for the filter of each row, then its pixels.
      rows[row * (side + 1) + 1 + column] = along > 0 && across < side / 20 ? 1 : 0;
    }
  }
  const palette = Buffer.from([
    40 + Math.round(180 * turn),
    90,
    200 - Math.round(150 * turn),
    255,
    255,
    255,
  ]);
  return pngFile(side, 8, 3, pngChunk("PLTE", palette), pngChunk("IDAT", deflateSync(rows)));
}

/** The same picture, as a file of exactly so many bytes. */
export function padPng(picture, bytes) {
  const end = picture.length - 12;
  const padding = pngChunk("prVt", Buffer.alloc(bytes - picture.length - 12));
  return Buffer.concat([picture.subarray(0, end), padding, picture.subarray(end)]);
}

/**
 * The frame set that the command renders from a picture, by its path or its
 * bytes: `{ id, mediaType, frames, stored }`, the last what `--bulk` puts into the
 * store, by key.
 */
export async function renderedSet(icon = path.join(root, "assets/icon.png"), ...flags) {
  const out = mkdtempSync(path.join(scratch, "frames-"));
  let file = icon;
  if (Buffer.isBuffer(icon)) {
    file = path.join(out, "picture");
    writeFileSync(file, icon);
  }
  const bulk = path.join(out, "kv-bulk.json");
  await promisify(execFile)(command, ["render", file, "--out", out, "--bulk", bulk, ...flags]);
  const entries = JSON.parse(readFileSync(bulk, "utf8"));
  const stored = new Map(
    entries.map(({ key, value, base64 }) => [
      key,
      base64 ? Buffer.from(value, "base64") : Buffer.from(value),
    ]),
  );
  const { id, frames, media_type: mediaType } = JSON.parse(stored.get("current"));
  const ending = mediaType.replace("image/", "").replace("jpeg", "jpg");
  return {
    id,
    mediaType,
    stored,
    frames: Array.from({ length: frames }, (_, n) =>
      readFileSync(path.join(out, `${n}.${ending}`)),
    ),
  };
}

/** What goes under `current` for a set. */
export const pointerTo = ({ id, frames, mediaType }) =>
  JSON.stringify({ id, frames: frames.length, media_type: mediaType });

/** Makes a set the current one. */
export async function publish(kv, set) {
  await Promise.all(set.frames.map((frame, n) => put(kv, `sets/${set.id}/${n}`, frame)));
  await kv.put("current", pointerTo(set));
}

/** Stores bytes under a key. */
export async function put(kv, key, bytes) {
  await kv.put(key, new Uint8Array(bytes).buffer);
}

/** All that is in the store: the bytes by key, in order. */
export async function contents(kv) {
  const { keys } = await kv.list();
  const value = async ({ name }) => [name, Buffer.from(await kv.get(name, "arrayBuffer"))];
  return new Map(await Promise.all(keys.map(value)));
}

async function empty(kv) {
  const { keys } = await kv.list();
  await Promise.all(keys.map(({ name }) => kv.delete(name)));
}

// --- The Worker ---------------------------------------------------------

let prebuilt;

/** The folder with the Worker, bundled as for a deployment, and its configuration. */
function worker() {
  prebuilt ??= (async () => {
    const folder = path.join(scratch, "worker");
    const given = process.env.ROTATE_ICON_WORKER;
    if (given === undefined) {
      const wrangler = path.join(root, "node_modules/wrangler/bin/wrangler.js");
      const args = [wrangler, "deploy", "--dry-run", "--outdir", folder];
      const env = { ...process.env, WRANGLER_LOG: "error" };
      await promisify(execFile)(process.execPath, args, { cwd: root, env });
    }
    // Here no .dev.vars lies next to it, which would fill in secrets.
    const config = path.join(scratch, "wrangler.toml");
    copyFileSync(path.join(root, "wrangler.toml"), config);
    cpSync(path.join(root, "public"), path.join(scratch, "public"), { recursive: true });
    return { folder: given ?? folder, config };
  })();
  return prebuilt;
}

/** Has the Worker of this file read pictures by another decoder, before it starts: its wasm. */
export async function useDecoder(wasm) {
  const { folder, config } = await worker();
  const copy = path.join(scratch, "worker-with-decoder");
  cpSync(folder, copy, { recursive: true });
  // Of each bundle before, one is left there under another name.
  for (const name of readdirSync(copy))
    if (name.endsWith("decoder.wasm")) writeFileSync(path.join(copy, name), wasm);
  prebuilt = Promise.resolve({ folder: copy, config });
}

/**
 * Vars and secrets of a test: those of every test, changed; null leaves one out.
 * They are for X, unless other `networks` are named.
 */
function settings(simulator, { networks = ["x"], vars = {}, secrets = {} } = {}) {
  const given = (all) =>
    Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
  const of = {
    x: Object.fromEntries(ACCOUNT_SECRETS.map((name) => [name, SECRETS[name]])),
    bluesky: BLUESKY_SECRETS,
    mastodon: { ...MASTODON_SECRETS, MASTODON_SERVER: simulator.url },
  };
  const { TRIGGER_TOKEN } = SECRETS;
  return {
    vars: { API_BASE_URL: simulator.url, BLUESKY_SERVICE: simulator.url, ...vars },
    secrets: given(
      Object.assign({ TRIGGER_TOKEN }, ...networks.map((network) => of[network]), secrets),
    ),
  };
}

/** The cron of tests that want no other. */
const EVERY_MINUTE = "* * * * *";

/** The Worker in workerd, run by wrangler's test harness. */
class Harnessed {
  #server;
  #options;
  #running;
  #wanted = "{}";

  static async start(simulator) {
    const { folder, config } = await worker();
    const started = new Harnessed();
    started.#options = (changes) => ({
      root,
      workers: [
        {
          configPath: config,
          prebuiltWorkerDir: folder,
          ...settings(simulator, JSON.parse(changes)),
        },
      ],
    });
    started.#running = started.#wanted;
    started.#server = createTestHarness(started.#options(started.#wanted));
    try {
      started.url = (
        await within(30_000, "the Worker's start", started.#server.listen())
      ).url.origin;
      await started.#ready();
    } catch (error) {
      await started.close();
      throw error;
    }
    return started;
  }

  /** Runs it from now on with these changes to the settings of every test. */
  async configure(changes = {}) {
    this.#wanted = JSON.stringify(changes);
    await this.#ready();
  }

  /** Restarts it if it runs with other settings; what is in KV stays. */
  async #ready() {
    if (this.#running !== this.#wanted) {
      this.#running = this.#wanted;
      await within(
        30_000,
        "the Worker's restart",
        this.#server.update(this.#options(this.#wanted)),
      );
      this.kv = undefined;
    }
    this.kv ??= (await this.#server.getWorker().getEnv()).FRAMES;
    return this.#server.getWorker();
  }

  /** Sends a request. */
  async fetch(where, init) {
    const running = await this.#ready();
    const answer = running.fetch(where, { redirect: "manual", ...init });
    return noteAnswer(where, await within(40_000, `an answer to ${where}`, answer));
  }

  /** A turn by hand, with the trigger token. */
  async turn(query = "", init = {}) {
    return this.fetch(`/turn${query}`, { method: "POST", ...authorized(init) });
  }

  /** A new icon, with the trigger token. */
  async putIcon(picture, query = "", init = {}) {
    return this.fetch(`/icon${query}`, { method: "PUT", body: picture, ...authorized(init) });
  }

  /**
   * Lets the Cron Trigger come for this time; gives what was logged for it. One that fires every
   * minute begins all slots, so that none is made up for while other tests go on.
   */
  async cron(scheduledTime, cron = EVERY_MINUTE) {
    const running = await this.#ready();
    note("the log", JSON.stringify(this.#server.getLogs()));
    this.#server.clearLogs();
    const event = running.scheduled({ cron, scheduledTime: new Date(scheduledTime) });
    const { outcome } = await within(40_000, "the end of the scheduled event", event);
    assert.equal(outcome, "ok", "the event's outcome");
    const logs = await this.logs(1);
    assert.equal(logs.length, 1, `lines logged: ${JSON.stringify(logs, null, 2)}`);
    const [{ level, message }] = logs;
    return { level, text: message, ...oneLine(message) };
  }

  /** The log so far, once it has at least so many lines. */
  async logs(atLeast = 0) {
    for (let waited = 0; waited < 5_000 && this.#server.getLogs().length < atLeast; waited += 5)
      await sleep(5);
    // Whatever else there is was written at the same time.
    await sleep(20);
    note("the log", JSON.stringify(this.#server.getLogs()));
    return this.#server.getLogs();
  }

  /** Empties store and log; the settings are again those of every test. */
  async reset() {
    // Only with the next event: what a test changes at once needs one restart.
    this.#wanted = "{}";
    await this.forget();
    await empty(this.kv);
    note("the log", JSON.stringify(this.#server.getLogs()));
    this.#server.clearLogs();
  }

  /** Has the account forget what it knows, after the turn that it may be making. */
  async forget() {
    // As the last test had it, without the restart that other settings take, if its settings open the journal.
    const asked = this.#server
      .getWorker()
      .fetch("/journal", { method: "DELETE", ...authorized({}) });
    const { status } = await within(40_000, "the account to forget", asked);
    if (status !== 204) assert.equal((await this.journal("", { method: "DELETE" })).status, 204);
  }

  /** The journal, with the trigger token. */
  async journal(query = "", init = {}) {
    return this.fetch(`/journal${query}`, authorized(init));
  }

  async close() {
    await within(20_000, "the Worker's end", this.#server.close());
  }
}

/**
 * The Worker with workerd's own network. The test harness takes what a Worker
 * sends through the fetch of Node and turns what that throws into a reply, so
 * that a broken connection does not look like one there.
 */
class Wired {
  #running;
  #logs = [];
  #simulator;
  #persist = mkdtempSync(path.join(scratch, "state-"));

  static async start(simulator, set, changes) {
    const { config } = await worker();
    const started = new Wired();
    started.#simulator = simulator;
    const persist = started.#persist;
    const proxy = await within(
      30_000,
      "the store",
      getPlatformProxy({
        configPath: config,
        persist: { path: path.join(persist, "v3") },
        remoteBindings: false,
      }),
    );
    await publish(proxy.env.FRAMES, set);
    await proxy.dispose();
    await started.#start(changes);
    return started;
  }

  async #start(changes) {
    const { folder, config } = await worker();
    const [started, persist] = [this, this.#persist];
    const { vars, secrets } = settings(this.#simulator, changes);
    const bindings = {};
    for (const [name, value] of Object.entries(vars))
      bindings[name] = { type: "plain_text", value };
    for (const [name, value] of Object.entries(secrets))
      bindings[name] = { type: "secret_text", value };
    const read = unstable_readConfig({ config }, { hideWarnings: true });
    started.#running = await within(
      30_000,
      "the Worker's start",
      unstable_startWorker({
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
          persist,
          structuredLogsHandler: (line) => {
            note("the log", JSON.stringify(line));
            started.#logs.push(line);
          },
        },
      }),
    );
    started.url = (await started.#running.url).origin;
  }

  /** Ends it and starts it with what it has stored, and with these changes to the settings of every test. */
  async restart(changes) {
    await this.close();
    await this.#start(changes);
  }

  /** The processes of the workerd of this test file. */
  #pids() {
    const children = spawnSync("ps", ["-A", "-o", "pid=,ppid=,comm="], {
      encoding: "utf8",
    }).stdout.split("\n");
    const own = children
      .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
      .filter((child) => Number(child?.[2]) === process.pid);
    const workerd = own.filter(([, , , name]) => path.basename(name) === "workerd");
    assert.ok(workerd.length > 0, "a workerd of this test's");
    return workerd.map(([, pid]) => Number(pid));
  }

  /** Ends workerd at once, whatever it is doing. */
  kill() {
    for (const pid of this.#pids()) process.kill(pid, "SIGKILL");
  }

  /** The memory that workerd takes, in MB. */
  residentMB() {
    const kB = spawnSync("ps", ["-o", "rss=", "-p", this.#pids().join()], { encoding: "utf8" })
      .stdout.trim()
      .split("\n");
    return kB.reduce((sum, one) => sum + Number(one), 0) / 1000;
  }

  /** Lets the Cron Trigger come for this time. */
  async fire(scheduledTime, cron = EVERY_MINUTE) {
    const time = new Date(scheduledTime).getTime();
    const response = await this.fetch(
      `/cdn-cgi/handler/scheduled?cron=${encodeURIComponent(cron)}&time=${time}`,
    );
    assert.equal(response.status, 200, await response.text());
  }

  /** The same; gives the one line that was logged for it. */
  async cron(scheduledTime) {
    return (await this.#logged(scheduledTime, 1))[0];
  }

  /** The same with several networks: gives the one line of each, by the network's name. */
  async cronOf(networks, scheduledTime) {
    const logged = await this.#logged(scheduledTime, networks.length);
    const byName = Object.fromEntries(logged.map(({ line }) => [line.network, line]));
    assert.deepEqual(Object.keys(byName).sort(), [...networks].sort());
    return byName;
  }

  async #logged(scheduledTime, count) {
    const before = this.#logs.length;
    await this.fire(scheduledTime);
    for (let waited = 0; waited < 5_000 && this.#logs.length < before + count; waited += 5)
      await sleep(5);
    const logged = this.#logs.slice(before);
    assert.equal(logged.length, count, JSON.stringify(logged));
    return logged.map(({ level, message }) => ({ level, text: message, ...oneLine(message) }));
  }

  /** The journal, with the trigger token. */
  async journal(query = "", init = {}) {
    return this.fetch(`/journal${query}`, authorized(init));
  }

  async fetch(where, init) {
    const answer = fetch(this.url + where, { redirect: "manual", ...init });
    return noteAnswer(where, await within(40_000, `an answer to ${where}`, answer));
  }

  async turn(query = "", init = {}) {
    return this.fetch(`/turn${query}`, { method: "POST", ...authorized(init) });
  }

  logs() {
    return this.#logs;
  }

  /** Has the account forget what it knows, after the turn that it may be making. */
  async forget() {
    assert.equal((await this.journal("", { method: "DELETE" })).status, 204);
  }

  async reset() {
    await this.forget();
    this.#logs.length = 0;
  }

  async close() {
    await within(20_000, "the Worker's end", this.#running?.dispose() ?? Promise.resolve());
  }
}

/**
 * Starts the Worker with workerd's own network; `x` is whoever answers for X:
 * `{ url }`, `changes` what is changed in the settings of every test.
 */
export const startWired = (x, set, changes) => Wired.start(x, set, changes);

/**
 * Sends to the Worker with nothing but what is given: no header of its own, and
 * the body in these chunks. An answer that comes before the whole body has gone
 * counts.
 */
export function overPlainConnection(worker, method, where, { headers = {}, chunks = [] } = {}) {
  const answer = new Promise((resolve, reject) => {
    const request = httpRequest(worker.url + where, { method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part) => (text += part));
      response.on("end", () => {
        note(where, text);
        resolve(new Response(text, { status: response.statusCode, headers: response.headers }));
      });
      response.on("error", reject);
    });
    request.on("error", reject);
    for (const chunk of chunks) request.write(chunk);
    request.end();
  });
  return within(20_000, `an answer to ${where}`, answer);
}

function authorized(init) {
  return {
    ...init,
    headers: { authorization: `Bearer ${SECRETS.TRIGGER_TOKEN}`, ...init.headers },
  };
}

/** Reads a log line: one JSON object in one line. */
function oneLine(text) {
  assert.doesNotMatch(text, /[\r\n]/, "a log line is one line");
  let line;
  try {
    line = JSON.parse(text);
  } catch {
    assert.fail(`not a structured line: ${text}`);
  }
  return { line };
}

/**
 * The stage of a test file: the stand-in for X and the Worker, started before
 * the first test and stopped after the last one. Before each test the settings
 * are those of every test, twelve PNG frames are published, the log is empty,
 * and the stand-in has forgotten faults and requests.
 *
 * With `wired`, the Worker has workerd's own network (and keeps its frames, and
 * its settings with these `changes`). `prepare` is called once, after the start;
 * `simulate` are more arguments of the stand-in.
 */
export function useStage({ wired = false, changes, prepare, simulate } = {}) {
  const stage = { set: frameSet(pngFrames()) };
  before(async () => {
    stage.simulator = await startSimulator(simulate);
    stage.worker = await (wired ? Wired : Harnessed).start(stage.simulator, stage.set, changes);
    await prepare?.(stage);
  });
  beforeEach(async () => {
    await stage.simulator.clear();
    await stage.worker.reset();
    if (!wired) await publish(stage.worker.kv, stage.set);
  });
  after(async () => {
    await Promise.allSettled([stage.worker?.close(), stage.simulator?.close()]);
  });
  return stage;
}

/**
 * A webhook of the owner's, there for a test file: the address, and the texts that
 * came to it since they were last taken away.
 */
export async function useWebhook() {
  const news = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part) => (body += part));
    request.on("end", () => {
      note("the webhook", body);
      news.push(JSON.parse(body).text);
      response.writeHead(204).end();
    });
  });
  await new Promise((resolve, reject) =>
    server.once("error", reject).listen(0, "127.0.0.1", resolve),
  );
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${server.address().port}/hook-${randomUUID()}`, news };
}

/** Reads an answer that has to be a problem of this status; gives its body. */
export async function problem(response, status) {
  const text = await response.text();
  assert.equal(response.status, status, text);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  assert.equal(response.headers.get("cache-control"), "no-store");
  assertGuarded(response);
  const body = JSON.parse(text);
  assert.equal(body.status, status);
  assert.ok(body.title.length > 0 && body.detail.length > 0, text);
  return body;
}

/** Reads an answer that has to be JSON of status 200; gives its body. */
export async function json(response) {
  const text = await response.text();
  assert.equal(response.status, 200, text);
  assert.equal(response.headers.get("content-type"), "application/json");
  assertGuarded(response);
  return JSON.parse(text);
}

/** Checks the headers that every answer has, so that no browser makes more of it. */
export function assertGuarded(response) {
  assert.equal(response.headers.get("x-content-type-options"), "nosniff");
  assert.match(
    response.headers.get("content-security-policy"),
    /^default-src 'none'; (.*; )?frame-ancestors 'none'$/,
  );
}
