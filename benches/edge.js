/**
 * Measures what it costs to render a frame at the edge: the CPU time of workerd for GET /frames/{n}
 * when the frame is missing and for PUT /icon, warm and as the first request of a new workerd; and
 * the script's size. Linux only, because it reads the CPU time from /proc.
 *
 *   npm run bench:edge [-- --rounds 15 --requests 30 --starts 15]
 *
 * KV is a server of this process that has no frames and drops those it gets, so that every request
 * renders. A plain JavaScript Worker beside it makes the same reads and writes and renders nothing:
 * the difference is the rendering. Each frame is compared with the command's.
 */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { portOf } from "../scripts/lib/listen.js";
import { UserError, main, root, say } from "../scripts/lib/run.js";
import { buildAll } from "../scripts/build.js";
import {
  configuration,
  copyScript,
  kvServer,
  median,
  publishedValues,
  scriptSize,
  workerd,
} from "./lib/workerd.js";
import { amplitude, noisyIcon } from "./noisy-icon.js";
import { plainIconWorker } from "./plain-icon-worker.js";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "15" },
    requests: { type: "string", default: "30" },
    starts: { type: "string", default: "15" },
  },
});
const [rounds, requests, starts] = [values.rounds, values.requests, values.starts].map(Number);

const token = "local-trigger-token";

/**
 * The script of a Worker that sends a request to another several times, one after the other, and
 * answers with the body of the last answer.
 */
const driver = `export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const { method } = request;
    const body = method === "PUT" ? await request.arrayBuffer() : undefined;
    const headers = { authorization: "Bearer ${token}" };
    let last;
    for (let i = 0; i < Number(searchParams.get("times")); i++) {
      const response = await env[searchParams.get("worker")].fetch("http://worker" + pathname, { method, body, headers });
      last = await response.arrayBuffer();
      if (!response.ok) return new Response(last, { status: 500 });
    }
    return new Response(last);
  },
};`;

/** The script of a Worker that does what every Worker does: reads from KV, and answers. */
const trivial = `export default {
  async fetch(request, env) {
    return new Response(await env.FRAMES.get("current"));
  },
};`;

/** @typedef {Map<string, Buffer>} Published a frame set, by key */

/**
 * What is measured warm: the name, the icon, how it is rendered, and the frame.
 *
 * @type {[string, string, Record<string, string>, number][]}
 */
const warm = [
  ["quarter turn (frame 3)", "noisy.png", {}, 3],
  ["30° (frame 1), kernel sharp", "noisy.png", {}, 1],
  ["30°, kernel nearest", "noisy.png", { kernel: "nearest" }, 1],
  ["30°, kernel bilinear", "noisy.png", { kernel: "bilinear" }, 1],
  ["30°, kernel cubic", "noisy.png", { kernel: "cubic" }, 1],
  ["30°, kernel lanczos", "noisy.png", { kernel: "lanczos" }, 1],
  ["30°, kernel spline", "noisy.png", { kernel: "spline" }, 1],
  ["30°, shape circle", "noisy.png", { shape: "circle" }, 1],
  ["30°, kernel sharp, the sample icon", "sample.png", {}, 1],
];

/**
 * Writes a picture as a JPEG file of about so many bytes.
 *
 * @param {number} bytes
 * @param {() => import("sharp").Sharp} picture
 */
async function jpegOf(bytes, picture) {
  /** @type {Buffer} */
  let best = Buffer.alloc(0);
  for (let quality = 50; quality < 100 && best.length < bytes; quality++)
    best = await picture().jpeg({ quality }).toBuffer();
  return best;
}

await main(async () => {
  await buildAll();
  const folder = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-bench-"));
  /** @param {string} name */
  const inFolder = (name) => path.join(folder, name);
  writeFileSync(inFolder("noisy.png"), noisyIcon(amplitude));
  copyFileSync(path.join(root, "assets/icon.png"), inFolder("sample.png"));
  copyScript(folder, "edge");
  for (const [name, text] of Object.entries({ driver, plain: plainIconWorker, trivial }))
    writeFileSync(inFolder(`${name}.js`), text);

  // What KV has differs between measurements.
  /** @type {Published} */
  let published = new Map();
  let hasFrames = false;
  const kv = await kvServer((key) =>
    hasFrames || !/\/\d+$/.test(key) ? published.get(key) : undefined,
  );
  /**
   * @param {number} frameBytes the size of the plain Worker's frames
   * @param {string[]} ids
   */
  const start = (frameBytes, ...ids) => {
    const vars = { TRIGGER_TOKEN: token, FRAME_BYTES: String(frameBytes) };
    const workers = ids.map((id) => ({ id, isBuilt: id === "edge", vars }));
    return workerd(folder, configuration(workers, portOf(kv), folder));
  };
  /**
   * @param {{ url: string }} workerd
   * @param {string} worker
   * @param {string} where
   * @param {number} times
   * @param {Buffer} [body]
   */
  const ask = async ({ url }, worker, where, times, body) => {
    const init = body ? { method: "PUT", body: new Uint8Array(body) } : {};
    const response = await fetch(`${url}${where}?worker=${worker}&times=${times}`, init);
    const bytes = Buffer.from(await response.arrayBuffer());
    if (!response.ok) throw new UserError(`${worker} ${where}: ${bytes}`);
    return bytes;
  };

  /** @type {Map<string, Published>} */
  const sets = new Map();
  for (const [name, icon, options] of warm) {
    const flags = Object.entries(options).flatMap(([option, value]) => [`--${option}`, value]);
    sets.set(name, await publishedValues(inFolder(icon), inFolder("out"), ...flags));
  }
  /** @param {string} name */
  const setOf = (name) => sets.get(name) ?? new Map();
  /**
   * @param {Published} set
   * @param {number} n
   */
  const frameOf = (set, n) => {
    const found = [...set].find(([key]) => key.endsWith(`/${n}`));
    if (!found) throw new UserError(`The set has no frame ${n}.`);
    return found[1];
  };
  const small = await jpegOf(52_000, () => sharp(noisyIcon(amplitude)));
  const large = await sharp(noisyIcon(amplitude))
    .resize(4000, 3000)
    .jpeg({ quality: 92 })
    .toBuffer();
  /** @type {[string, Buffer, number][]} */
  const uploads = [
    [`PUT /icon, JPEG of 400×400 (${Math.round(small.length / 1000)} kB)`, small, requests],
    [`PUT /icon, JPEG of 4000×3000 (${(large.length / 1e6).toFixed(1)} MB)`, large, 2],
  ];

  // --- Warm ---------------------------------------------------------------
  say(`Warm: ${rounds} rounds of ${requests} requests …`);
  /** @type {Map<string, number[]>} */
  const samples = new Map();
  /** @param {string} key */
  const samplesOf = (key) => samples.get(key) ?? [];
  /**
   * @param {string} key
   * @param {number} ms
   */
  const sample = (key, ms) => samples.set(key, [...samplesOf(key), ms]);
  const both = await start(frameOf(setOf(warm[0][0]), 1).length, "edge", "plain");
  /**
   * @param {string} key
   * @param {string} worker
   * @param {string} where
   * @param {number} times
   * @param {Buffer} [body]
   */
  const measure = async (key, worker, where, times, body) => {
    const [all, workers] = [both.cpuMs(), both.workersMs()];
    const last = await ask(both, worker, where, times, body);
    sample(key, (both.workersMs() - workers) / times);
    sample(`${key} all`, (both.cpuMs() - all) / times);
    return last;
  };
  // The first rounds, in which V8 still compiles, are not counted.
  for (let round = -3; round < rounds; round++) {
    if (round === 0) samples.clear();
    for (const [name, , , n] of warm) {
      published = setOf(name);
      for (const worker of round % 2 ? ["edge", "plain"] : ["plain", "edge"]) {
        hasFrames = false;
        const frame = await measure(`${name} ${worker}`, worker, `/frames/${n}`, requests);
        if (worker === "edge" && !frame.equals(frameOf(published, n)))
          throw new UserError(`${name}: not the command's frame`);
        hasFrames = true;
        if (worker === "edge") await measure(`${name} stored`, worker, `/frames/${n}`, requests);
      }
    }
    hasFrames = false;
    for (const [name, file, times] of uploads) {
      for (const worker of ["edge", "plain"])
        await measure(`${name} ${worker}`, worker, "/icon", times, file);
    }
  }
  await both.stop();

  /** @param {string} key */
  const ms = (key) => median(samplesOf(key)).toFixed(2);
  const rows = [...warm, ...uploads].map(([name]) => {
    const [edge, beside] = [`${name} edge`, `${name} plain`].map(samplesOf);
    const difference = median(edge.map((one, i) => one - beside[i])).toFixed(2);
    const stored = samples.has(`${name} stored`) ? ms(`${name} stored`) : "";
    return `| ${name} | ${ms(`${name} edge`)} | ${ms(`${name} plain`)} | ${difference} | ${stored} | ${ms(`${name} edge all`)} |`;
  });

  // --- Cold ---------------------------------------------------------------
  published = setOf(warm[0][0]);
  /** @typedef {"edge" | "plain"} Measured */
  /** @typedef {{ stored?: boolean, body?: Buffer, worker?: Measured }} Variation */
  /** @type {({ name: string, where: string } & Variation)[]} */
  const cold = [
    {
      name: "GET /frames/1, stored, from the plain Worker",
      where: "/frames/1",
      stored: true,
      worker: "plain",
    },
    { name: "GET /health", where: "/health" },
    { name: "GET /frames/1, stored", where: "/frames/1", stored: true },
    { name: "GET /frames/3, rendered: a quarter turn", where: "/frames/3" },
    { name: "GET /frames/1, rendered: 30°", where: "/frames/1" },
    { name: uploads[0][0], where: "/icon", body: small },
  ];
  say(`Cold: ${starts} starts for each of ${cold.length} first requests …`);
  const coldSamples = cold.map(() => /** @type {{ workers: number, all: number }[]} */ ([]));
  /** @type {Record<Measured, number[]>} */
  const startMs = { edge: [], plain: [] };
  for (let i = 0; i < starts; i++) {
    for (const [n, { where, stored = false, body, worker = "edge" }] of cold.entries()) {
      hasFrames = stored;
      const fresh = await start(0, worker, "trivial");
      startMs[worker].push(fresh.cpuMs());
      await ask(fresh, "trivial", "/", 1);
      const [all, workers] = [fresh.cpuMs(), fresh.workersMs()];
      // Without secrets the Worker is not ready, which costs as much to say.
      await ask(fresh, worker, where, 1, body).catch((error) => {
        if (where !== "/health") throw error;
      });
      coldSamples[n].push({ workers: fresh.workersMs() - workers, all: fresh.cpuMs() - all });
      await fresh.stop();
    }
  }
  const coldRows = cold.map(({ name }, n) => {
    const workers = coldSamples[n].map((pair) => pair.workers);
    const all = coldSamples[n].map((pair) => pair.all);
    return `| ${name} | ${median(workers).toFixed(2)} | ${Math.max(...workers).toFixed(2)} | ${median(all).toFixed(2)} |`;
  });
  kv.close();
  rmSync(folder, { recursive: true });

  console.log(`
CPU time of workerd for one request, warm, in ms: the medians of the thread that runs the Workers, the last of all threads:

| GET of a frame that is missing | rotate-icon | plain JavaScript without rendering | difference of the pairs | the frame stored | all threads |
|---|---|---|---|---|---|
${rows.join("\n")}

The first request of a new workerd, in ms:

| request | the Workers' thread, median | most | all threads, median |
|---|---|---|---|
${coldRows.join("\n")}

workerd's start took ${median(startMs.edge).toFixed(1)} ms with the Worker and ${median(startMs.plain).toFixed(1)} ms with a plain one.

${scriptSize()}`);
});
