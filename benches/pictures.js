/**
 * Measures what it costs to decode a picture at the edge, for each kind and size of
 * tests/pictures/real.js: the most memory of the decoder, and the CPU time of workerd for
 * PUT /icon, warm and as the first request of a new workerd, beside a plain JavaScript Worker that
 * reads the body and stores as much. Linux only, because it reads the CPU time from /proc.
 *
 *   npm run bench:pictures [-- --requests 5 --starts 3]
 *
 * Given another build of the Worker, it measures instead what the first request of a new workerd
 * costs for a stored frame, of both builds in turn:
 *
 *   npm run bench:pictures -- --before FOLDER/build [--starts 25]
 */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { buildAll } from "../scripts/build.js";
import { portOf } from "../scripts/lib/listen.js";
import { UserError, main, root, say } from "../scripts/lib/run.js";
import { REAL, realFile } from "../tests/pictures/real.js";
import {
  configuration,
  copyScript,
  kvServer,
  median,
  publishedValues,
  workerd,
} from "./lib/workerd.js";
import { amplitude, noisyIcon } from "./noisy-icon.js";
import { plainIconWorker } from "./plain-icon-worker.js";

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "5" },
    starts: { type: "string" },
    before: { type: "string" },
  },
});
const requests = Number(values.requests);
const starts = Number(values.starts ?? (values.before ? 25 : 3));

const token = "local-trigger-token";
const vars = { TRIGGER_TOKEN: token };

/** The wasm modules of the other build, and what they are called beside this one's. */
const BEFORE = { "index_bg.wasm": "before.wasm", "decoder.wasm": "before-decoder.wasm" };

/** The script of a Worker that passes a request on to the one that the query names. */
const driver = `export default {
  fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const { method, body } = request;
    const headers = { authorization: "Bearer ${token}" };
    return env[searchParams.get("worker")].fetch("http://worker" + pathname, { method, body, headers });
  },
};`;

/** The script of a Worker that does what every Worker does: reads from KV, and answers. */
const trivial = `export default {
  async fetch(request, env) {
    return new Response(await env.FRAMES.get("current"));
  },
};`;

/** @typedef {import("./lib/workerd.js").Workerd} Workerd */
/** @typedef {(...ids: string[]) => Promise<Workerd>} Start starts these Workers */

/** @param {number} bytes */
const MB = (bytes) => (bytes / 1e6).toFixed(1);

/**
 * Returns the most memory that the decoder has used for a file, in MB, the file included.
 *
 * @param {WebAssembly.Module} module
 * @param {Uint8Array} file
 */
async function decoderMB(module, file) {
  const memory = new WebAssembly.Memory({ initial: 1024, maximum: 1024 });
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  const { allocate, square, end } = /** @type {import("../src/decoder.js").Decoder} */ (
    /** @type {unknown} */ (instance.exports)
  );
  /** @param {Uint8Array} bytes */
  const place = (bytes) => {
    const start = allocate(bytes.length);
    if (start === 0) throw new UserError("the file does not fit into the decoder's memory");
    new Uint8Array(memory.buffer).set(bytes, start);
    return start;
  };
  const options = Buffer.from(
    JSON.stringify({ side: 400, crop: "Centre", background: [255, 255, 255] }),
  );
  try {
    square(place(file), file.length, place(options), options.length);
  } catch {
    // It ran out of memory, as the status of PUT /icon shows.
  }
  return end() / 1e6;
}

/**
 * Sends a request to a Worker, and returns the status and body of the answer.
 *
 * @param {{ url: string }} workerd
 * @param {string} worker
 * @param {string} where
 * @param {Buffer} [body]
 */
async function ask({ url }, worker, where, body) {
  const response = await fetch(
    `${url}${where}?worker=${worker}`,
    body ? { method: "PUT", body: new Uint8Array(body) } : {},
  );
  const answer = Buffer.from(await response.arrayBuffer());
  return { status: response.status, answer };
}

/**
 * Sends a request, and returns the CPU time of the thread that runs the Workers too, in ms.
 *
 * @param {Workerd} running
 * @param {string} worker
 * @param {string} where
 * @param {Buffer} [body]
 */
async function cost(running, worker, where, body) {
  const before = running.workersMs();
  const { status, answer } = await ask(running, worker, where, body);
  return { status, answer, ms: running.workersMs() - before };
}

/** @param {number[]} numbers */
const milliseconds = (numbers) => median(numbers).toFixed(numbers.every((ms) => ms < 20) ? 1 : 0);

await main(async () => {
  await buildAll();
  const folder = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-pictures-"));
  /** @param {string} name */
  const inFolder = (name) => path.join(folder, name);
  copyScript(folder, "edge");
  for (const [name, text] of Object.entries({ driver, plain: plainIconWorker, trivial }))
    writeFileSync(inFolder(`${name}.js`), text);
  writeFileSync(inFolder("icon.png"), noisyIcon(amplitude));
  const published = await publishedValues(inFolder("icon.png"), inFolder("out"));
  const kv = await kvServer((key) => published.get(key));
  /** @type {Record<string, true | Record<string, string>>} */
  const builds = { edge: true, before: BEFORE };
  /** @type {Start} */
  const start = (...ids) => {
    const workers = ids.map((id) => ({ id, isBuilt: builds[id], vars }));
    return workerd(folder, configuration(workers, portOf(kv), folder), { log: "ignore" });
  };

  if (values.before) await compare(values.before, start, inFolder);
  else await measure(start);
  kv.close();
  rmSync(folder, { recursive: true });
});

/**
 * Measures the first request of a new workerd, of this build and another one in turn.
 *
 * @param {string} before the folder of the other build
 * @param {Start} start
 * @param {(name: string) => string} inFolder
 */
async function compare(before, start, inFolder) {
  const build = path.resolve(before);
  copyFileSync(path.join(build, "index.js"), inFolder("before.js"));
  for (const [name, copy] of Object.entries(BEFORE)) {
    copyFileSync(path.join(build, name), inFolder(copy));
  }
  const workers = ["before", "edge", "plain"];
  /** @returns {Record<string, number[]>} */
  const none = () => Object.fromEntries(workers.map((id) => [id, []]));
  const [samples, begun] = [none(), none()];
  say(`${starts} starts of each …`);
  for (let i = 0; i < starts; i++) {
    for (const id of i % 2 ? workers : workers.toReversed()) {
      const fresh = await start(id, "trivial");
      await ask(fresh, "trivial", "/");
      begun[id].push(fresh.cpuMs());
      const { status, answer, ms } = await cost(fresh, id, "/frames/1");
      if (status !== 200) throw new UserError(`${id}: ${answer}`);
      samples[id].push(ms);
      await fresh.stop();
    }
  }
  /** @param {string} folder */
  const size = (folder) => {
    const names = ["index.js", "index_bg.wasm", "decoder.wasm"];
    const sizes = names
      .filter((name) => existsSync(path.join(folder, name)))
      .map((name) => {
        const { length } = gzipSync(readFileSync(path.join(folder, name)), { level: 9 });
        return `${name} ${(length / 1000).toFixed(0)} kB`;
      });
    return sizes.join(", ");
  };
  /**
   * @param {string} id
   * @param {string} name
   */
  const row = (id, name) => {
    const all = samples[id];
    const figures = [median(all), Math.min(...all), Math.max(...all)].map((ms) => ms.toFixed(2));
    return `| ${name} | ${figures.join(" | ")} | ${median(begun[id]).toFixed(0)} |`;
  };
  const ratio = median(samples.edge.map((ms, i) => ms / samples.before[i]));
  console.log(`
The first request of a new workerd, a stored frame; CPU time of the thread that runs the Workers, in ms, ${starts} starts each, in turn:

| Worker | median | least | most | workerd's start, all threads |
|---|---|---|---|---|
${row("before", "before")}
${row("edge", "now")}
${row("plain", "plain JavaScript")}

Now beside before, the median of pairs: ${ratio.toFixed(2)}.
Gzipped at level 9, before: ${size(build)}; now: ${size(path.join(root, "build"))}.`);
}

/**
 * Measures memory and CPU time for each kind and size.
 *
 * @param {Start} start
 */
async function measure(start) {
  const module = await WebAssembly.compile(readFileSync(path.join(root, "build/decoder.wasm")));
  say(
    `${requests} requests and ${starts} starts for each of ${Object.keys(REAL).length} pictures …`,
  );
  /** @type {string[]} */
  const rows = [];
  for (const [name, { size }] of Object.entries(REAL)) {
    const file = await realFile(name);
    /** @type {Record<"edge" | "plain", number[]>} */
    const cold = { edge: [], plain: [] };
    /** @type {Record<"edge" | "plain", number[]>} */
    const warm = { edge: [], plain: [] };
    let status = 0;
    let memory = "";
    for (let i = 0; i < starts; i++) {
      for (const id of /** @type {const} */ (["edge", "plain"])) {
        const fresh = await start(id, "trivial");
        await ask(fresh, "trivial", "/");
        const first = await cost(fresh, id, "/icon", file);
        cold[id].push(first.ms);
        if (id === "edge") status = first.status;
        // Measures it warm in the last start.
        if (i === starts - 1) {
          for (let n = 0; n < requests; n++)
            warm[id].push((await cost(fresh, id, "/icon", file)).ms);
          if (id === "edge") memory = `${fresh.residentMB()} (${fresh.peakMB()})`;
        }
        await fresh.stop();
      }
    }
    // Leaves out the first third, in which V8 still optimizes.
    /** @param {number[]} numbers */
    const later = (numbers) => milliseconds(numbers.slice(Math.floor(numbers.length / 3)));
    const decoder = (await decoderMB(module, file)).toFixed(1);
    rows.push(
      `| ${name} | ${size.join("×")} | ${MB(file.length)} | ${status} | ${decoder} | ${later(warm.edge)} | ${milliseconds(cold.edge)} | ` +
        `${later(warm.plain)} | ${milliseconds(cold.plain)} | ${memory} |`,
    );
    console.log(rows.at(-1));
  }
  console.log(`
CPU time of the thread that runs the Workers for PUT /icon, in ms; memory in MB, the decoder's with the file in it:

| picture | pixels | MB | status | the decoder's memory | warm | first request | plain JavaScript, warm | its first request | workerd afterwards (at most) |
|---|---|---|---|---|---|---|---|---|---|
${rows.join("\n")}`);
}
