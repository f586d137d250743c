/** workerd as the benchmarks run it: Workers side by side, and what they cost. */
import { spawn } from "node:child_process";
import { copyFileSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { command } from "../../scripts/lib/local-x.js";
import { UserError, root, run } from "../../scripts/lib/run.js";

const wasmModules = ["index_bg.wasm", "decoder.wasm"];

/** The Worker's script: what is deployed. */
const scriptFiles = ["index.js", ...wasmModules].map((name) => path.join(root, "build", name));

/** Copies the Worker's script to where workerd is to find it: as `{id}.js` for each of the ids. */
export function copyScript(folder, ...ids) {
  const [script, ...modules] = scriptFiles;
  for (const id of ids) copyFileSync(script, path.join(folder, `${id}.js`));
  for (const module of modules) copyFileSync(module, path.join(folder, path.basename(module)));
}

const text = (value) => JSON.stringify(value);

/**
 * A Worker as a service of workerd's configuration: `{ id, isBuilt, vars, hasObject }`, its script `{id}.js`, with the
 * modules of the built Worker if it is that, or those of another build: files by the names that its script imports.
 */
export function service({ id, isBuilt, vars, hasObject = Boolean(isBuilt) }) {
  const modules = [`(name = "index.js", esModule = embed "${id}.js")`];
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
  // What an account's object knows lies on the disk.
  const account = hasObject
    ? `, durableObjectNamespaces = [(className = "Account", uniqueKey = "${id}", enableSql = true)],
      durableObjectStorage = (localDisk = "disk")`
    : "";
  if (hasObject) bindings.push(`(name = "ACCOUNT", durableObjectNamespace = "Account")`);
  return `(name = "${id}", worker = (compatibilityDate = "2026-11-01", modules = [${modules}], bindings = [${bindings}]${account}))`;
}

/** workerd's configuration: the Workers, a driver that can call each by its id, KV and the way out. */
export function configuration(workers, kvPort, disk) {
  const targets = workers.map(({ id }) => `(name = "${id}", service = "${id}")`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    ${workers.map(service).join(",\n    ")},
    (name = "driver", worker = (
      compatibilityDate = "2026-11-01", compatibilityFlags = ["service_binding_extra_handlers"],
      modules = [(name = "driver.js", esModule = embed "driver.js")], bindings = [${targets}])),
    (name = "kv", external = (address = "127.0.0.1:${kvPort}", http = ())),
    (name = "disk", disk = (path = ${text(disk)}, writable = true)),
    (name = "internet", network = (allow = ["local", "private", "public"]))
  ],
  sockets = [(name = "driver", address = "127.0.0.1:0", http = (), service = "driver")]
);`;
}

/**
 * Starts workerd and gives its address, a reading of its CPU time in ms (of all
 * threads, or of the one that runs the Workers) and what stops it.
 */
export async function workerd(folder, config, { log = "inherit" } = {}) {
  const file = path.join(folder, "config.capnp");
  writeFileSync(file, config);
  const { default: binary } = (await import("workerd")).default;
  const child = spawn(binary, ["serve", "--experimental", "--control-fd=3", file], {
    stdio: ["ignore", "ignore", log, "pipe"],
  });
  const port = await new Promise((resolve, reject) => {
    child.on("exit", (code) => reject(new UserError(`workerd ended with ${code}`)));
    child.stdio[3].on("data", (data) => resolve(JSON.parse(String(data).split("\n")[0]).port));
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const threadMs = (thread) =>
    Number(readFileSync(`/proc/${child.pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]) / 1e6;
  return {
    url: `http://127.0.0.1:${port}`,
    cpuMs: () =>
      readdirSync(`/proc/${child.pid}/task`)
        .map(threadMs)
        .reduce((a, b) => a + b),
    workersMs: () => threadMs(child.pid),
    peakMB: () =>
      Math.round(
        Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))[1]) / 1000,
      ),
    residentMB: () =>
      Math.round(
        Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))[1]) / 1000,
      ),
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

/** What KV holds once the frame set of an icon is published, by key. */
export async function publishedValues(icon, folder, ...flags) {
  const bulk = path.join(folder, "kv-bulk.json");
  await run(command, ["render", icon, "--out", folder, "--bulk", bulk, ...flags], { quiet: true });
  const entries = JSON.parse(readFileSync(bulk, "utf8"));
  return new Map(entries.map(({ key, value }) => [key, Buffer.from(value, "base64")]));
}

/** A server that answers as KV's does, with what `lookUp` gives for a key; what is stored is taken and forgotten. */
export async function kvServer(lookUp) {
  const server = http.createServer((request, response) => {
    const value =
      request.method === "PUT"
        ? ""
        : lookUp(decodeURIComponent(request.url.slice(1).split("?")[0]));
    request
      .resume()
      .on("end", () => response.writeHead(value === undefined ? 404 : 200).end(value));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** Numbers in order. */
export const sort = (numbers) => [...numbers].sort((a, b) => a - b);

/** A quantile of numbers in order. */
export const quantile = (sorted, q) => sorted[Math.round((sorted.length - 1) * q)];

/** The median of numbers. */
export const median = (numbers) => quantile(sort(numbers), 0.5);

/** The script's size, in a sentence. */
export function scriptSize() {
  const script = scriptFiles.map((file) => readFileSync(file));
  const kB = (sizes) => `${(sizes.reduce((a, b) => a + b) / 1000).toFixed(1)} kB`;
  const [size, gzipped] = [
    script.map((file) => file.length),
    script.map((file) => gzipSync(file, { level: 9 }).length),
  ].map(kB);
  return `The script: ${size}, gzipped ${gzipped}.`;
}
