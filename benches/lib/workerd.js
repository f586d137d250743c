/** Runs workerd for benchmarks and tests: Workers side by side, and what they cost. */
import { spawn } from "node:child_process";
import { copyFileSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { listen } from "../../scripts/lib/listen.js";
import { command } from "../../scripts/lib/local-networks.js";
import { UserError, root, run } from "../../scripts/lib/run.js";

const wasmModules = ["index_bg.wasm", "decoder.wasm"];

/** The files that are deployed. */
const scriptFiles = ["index.js", ...wasmModules].map((name) => path.join(root, "build", name));

/**
 * Copies the built Worker's modules into a folder, and its script as `{id}.js` for each id.
 *
 * @param {string} folder
 * @param {string[]} ids
 */
export function copyScript(folder, ...ids) {
  const [script, ...modules] = scriptFiles;
  for (const id of ids) copyFileSync(script, path.join(folder, `${id}.js`));
  for (const module of modules) copyFileSync(module, path.join(folder, path.basename(module)));
}

/**
 * A Worker that runs in workerd. Its script is `{id}.js`.
 *
 * @typedef {object} Worker
 * @property {string} id
 * @property {boolean | Record<string, string>} [isBuilt] whether it is the built Worker, or the
 *   modules of another build: files by the names that its script imports
 * @property {Record<string, string>} vars
 * @property {string} [wrapper] a script that stands in the place of its own and imports that as
 *   `./built.js`
 * @property {boolean} [hasObject] whether it has the account's Durable Object; default: if it is
 *   built. The directory's object has only the built Worker
 */

/**
 * The classes of the Durable Objects that a Worker has. A build of another version may have fewer.
 *
 * @param {Worker} worker
 */
const objectsOf = ({ isBuilt, hasObject = Boolean(isBuilt) }) => {
  if (isBuilt === true) return ["Account", "Directory"];
  return hasObject ? ["Account"] : [];
};

/**
 * The folder in which an object of a Worker stores.
 *
 * @param {string} id of the Worker
 * @param {string} className
 */
export const folderOf = (id, className) =>
  className === "Account" ? id : `${id}-${className.toLowerCase()}`;

/** @param {string} value */
const text = (value) => JSON.stringify(value);

/**
 * Writes a Worker as a service of workerd's configuration.
 *
 * @param {Worker} worker
 */
export function service(worker) {
  const { id, isBuilt, vars, wrapper } = worker;
  const modules = wrapper
    ? [
        `(name = "index.js", esModule = embed "${wrapper}")`,
        `(name = "./built.js", esModule = embed "${id}.js")`,
      ]
    : [`(name = "index.js", esModule = embed "${id}.js")`];
  const files =
    isBuilt === true
      ? Object.fromEntries(wasmModules.map((name) => [name, name]))
      : (isBuilt ?? {});
  for (const [name, file] of Object.entries(files))
    modules.push(`(name = "./${name}", wasm = embed "${file}")`);
  const bindings = Object.entries(vars).map(
    ([name, value]) => `(name = ${text(name)}, text = ${text(value)})`,
  );
  bindings.push(`(name = "FRAMES", kvNamespace = "kv")`);
  // The objects store on the disk.
  const objects = objectsOf(worker);
  const namespaces = objects.map(
    (name) => `(className = "${name}", uniqueKey = "${folderOf(id, name)}", enableSql = true)`,
  );
  const storage = objects.length
    ? `, durableObjectNamespaces = [${namespaces}], durableObjectStorage = (localDisk = "disk")`
    : "";
  for (const name of objects)
    bindings.push(`(name = "${name.toUpperCase()}", durableObjectNamespace = "${name}")`);
  return `(name = "${id}", worker = (compatibilityDate = "2026-11-01", modules = [${modules}], bindings = [${bindings}]${storage}))`;
}

/**
 * Writes workerd's configuration: the Workers, a driver that can call each by its id and its objects
 * by `{id} {class}`, KV, a disk and the internet.
 *
 * @param {Worker[]} workers
 * @param {number} kvPort where a server answers as KV does
 * @param {string} disk a folder
 * @param {{ internet?: number }} options `internet`: a port where a server answers for every other
 */
export function configuration(workers, kvPort, disk, { internet } = {}) {
  const targets = workers.map(({ id }) => `(name = "${id}", service = "${id}")`);
  for (const worker of workers) {
    for (const name of objectsOf(worker)) {
      const object = `(className = "${name}", serviceName = "${worker.id}")`;
      targets.push(`(name = "${worker.id} ${name}", durableObjectNamespace = ${object})`);
    }
  }
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    ${workers.map(service).join(",\n    ")},
    (name = "driver", worker = (
      compatibilityDate = "2026-11-01", compatibilityFlags = ["service_binding_extra_handlers"],
      modules = [(name = "driver.js", esModule = embed "driver.js")], bindings = [${targets}])),
    (name = "kv", external = (address = "127.0.0.1:${kvPort}", http = ())),
    (name = "disk", disk = (path = ${text(disk)}, writable = true)),
    (name = "internet", ${
      internet === undefined
        ? `network = (allow = ["local", "private", "public"])`
        : `external = (address = "127.0.0.1:${internet}", http = ())`
    })
  ],
  sockets = [(name = "driver", address = "127.0.0.1:0", http = (), service = "driver")]
);`;
}

/** @typedef {Awaited<ReturnType<typeof workerd>>} Workerd */

/**
 * Starts workerd. Returns its URL, functions that measure it, and functions that end it.
 *
 * @param {string} folder of the scripts
 * @param {string} config
 * @param {object} options
 * @param {"inherit" | "ignore" | number} [options.log] where its log goes, as for `spawn`
 */
export async function workerd(folder, config, { log = "inherit" } = {}) {
  const file = path.join(folder, "config.capnp");
  writeFileSync(file, config);
  /** @type {{ default: { default: string } }} */
  const { default: module } = await import(/** @type {string} */ ("workerd"));
  const { default: binary } = module;
  const child = spawn(binary, ["serve", "--experimental", "--control-fd=3", file], {
    stdio: ["ignore", "ignore", log, "pipe"],
  });
  /** @type {number} */
  const port = await new Promise((resolve, reject) => {
    child.on("exit", (code) => reject(new UserError(`workerd ended with ${code}`)));
    child.stdio[3]?.on("data", (data) => resolve(JSON.parse(String(data).split("\n")[0]).port));
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  /** @param {string | number | undefined} thread */
  const threadMs = (thread) =>
    Number(readFileSync(`/proc/${child.pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]) / 1e6;
  /** @param {string} field of the process's status */
  const statusMB = (field) => {
    const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
    const [, kB] = new RegExp(`${field}:\\s+(\\d+)`).exec(status) ?? [];
    return Math.round(Number(kB) / 1000);
  };
  return {
    url: `http://127.0.0.1:${port}`,
    /** The CPU time of all threads, in ms. */
    cpuMs: () =>
      readdirSync(`/proc/${child.pid}/task`)
        .map(threadMs)
        .reduce((a, b) => a + b),
    /** The CPU time of the thread that runs the Workers, in ms. */
    workersMs: () => threadMs(child.pid),
    peakMB: () => statusMB("VmHWM"),
    residentMB: () => statusMB("VmRSS"),
    stop: () => {
      child.kill();
      return ended;
    },
    kill: () => {
      child.kill("SIGKILL");
      return ended;
    },
  };
}

/**
 * Renders an icon by the command, and returns what it would store in KV, by key.
 *
 * @param {string} icon the path of a picture
 * @param {string} folder
 * @param {string[]} flags further arguments of `rotate-icon render`
 */
export async function publishedValues(icon, folder, ...flags) {
  const bulk = path.join(folder, "kv-bulk.json");
  await run(command, ["render", icon, "--out", folder, "--bulk", bulk, ...flags], { quiet: true });
  /** @type {{ key: string, value: string }[]} */
  const entries = JSON.parse(readFileSync(bulk, "utf8"));
  return new Map(entries.map(({ key, value }) => [key, Buffer.from(value, "base64")]));
}

/**
 * Returns the key of a request to KV.
 *
 * @param {http.IncomingMessage} request
 */
export const kvKey = ({ url = "" }) => decodeURIComponent(url.slice(1).split("?")[0]);

/**
 * Starts a server that answers as KV does, with what `lookUp` returns for a key. Accepts what is to
 * be stored, and drops it.
 *
 * @param {(key: string) => Uint8Array | undefined} lookUp
 */
export async function kvServer(lookUp) {
  const server = http.createServer((request, response) => {
    const value = request.method === "PUT" ? "" : lookUp(kvKey(request));
    request
      .resume()
      .on("end", () => response.writeHead(value === undefined ? 404 : 200).end(value));
  });
  await listen(server);
  return server;
}

/** Sorts numbers. @param {number[]} numbers */
export const sort = (numbers) => [...numbers].sort((a, b) => a - b);

/**
 * Returns a quantile of sorted numbers.
 *
 * @param {number[]} sorted
 * @param {number} q from 0 to 1
 */
export const quantile = (sorted, q) => sorted[Math.round((sorted.length - 1) * q)];

/** Returns the median of numbers. @param {number[]} numbers */
export const median = (numbers) => quantile(sort(numbers), 0.5);

/** Tells the script's size in a sentence. */
export function scriptSize() {
  const script = scriptFiles.map((file) => readFileSync(file));
  /** @param {number[]} sizes */
  const kB = (sizes) => `${(sizes.reduce((a, b) => a + b) / 1000).toFixed(1)} kB`;
  const [size, gzipped] = [
    script.map((file) => file.length),
    script.map((file) => gzipSync(file, { level: 9 }).length),
  ].map(kB);
  return `The script: ${size}, gzipped ${gzipped}.`;
}
