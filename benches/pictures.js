/**
 * What it costs to read a picture at the edge: for each kind and size of
 * tests/pictures/real.js, the most memory of the decoder's instance, and the CPU
 * time of workerd for PUT /icon, warm and as the first request of a new workerd,
 * beside a plain JavaScript Worker that reads the body and stores as much. Linux
 * only, since it reads the CPU time from /proc.
 *
 *   npm run bench:pictures [-- --requests 5 --starts 3]
 *
 * With another build of the Worker it measures instead what the first request of
 * a new workerd takes for a stored frame, of both in turn:
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
import { buildCommand, buildWorker } from "../scripts/build.js";
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

/** Passes a request on to the Worker that the query names. */
const driver = `export default {
  fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const { method, body } = request;
    const headers = { authorization: "Bearer ${token}" };
    return env[searchParams.get("worker")].fetch("http://worker" + pathname, { method, body, headers });
  },
};`;

/** Nothing but what every Worker needs of workerd: a read from KV, an answer. */
const trivial = `export default {
  async fetch(request, env) {
    return new Response(await env.FRAMES.get("current"));
  },
};`;

const MB = (bytes) => (bytes / 1e6).toFixed(1);

/** The most memory that the decoder's instance has used of its own for a file, in MB; the time is Node's. */
async function decoderMB(module, file) {
  const memory = new WebAssembly.Memory({ initial: 1024, maximum: 1024 });
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  const place = (bytes) => {
    const start = exports.allocate(bytes.length);
    if (start === 0) throw new UserError("the file does not fit into the decoder's memory");
    new Uint8Array(memory.buffer).set(bytes, start);
    return [start, bytes.length];
  };
  const options = Buffer.from(
    JSON.stringify({ side: 400, crop: "Centre", background: [255, 255, 255] }),
  );
  try {
    exports.square(...place(file), ...place(options));
  } catch {
    // It ran out of memory; PUT /icon says so.
  }
  return exports.end() / 1e6;
}

/** Sends a request to a Worker; gives the answer's status and body. */
async function ask({ url }, worker, where, body) {
  const response = await fetch(
    `${url}${where}?worker=${worker}`,
    body ? { method: "PUT", body, duplex: "half" } : {},
  );
  const answer = Buffer.from(await response.arrayBuffer());
  return { status: response.status, answer };
}

/** What a request takes of the thread that runs the Workers, in ms of its CPU time. */
async function cost(running, ...request) {
  const before = running.workersMs();
  const { status, answer } = await ask(running, ...request);
  return { status, answer, ms: running.workersMs() - before };
}

const milliseconds = (numbers) => median(numbers).toFixed(numbers.every((ms) => ms < 20) ? 1 : 0);

await main(async () => {
  await buildWorker();
  await buildCommand();
  const folder = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-pictures-"));
  const inFolder = (name) => path.join(folder, name);
  copyScript(folder, "edge");
  for (const [name, text] of Object.entries({ driver, plain: plainIconWorker, trivial }))
    writeFileSync(inFolder(`${name}.js`), text);
  writeFileSync(inFolder("icon.png"), noisyIcon(amplitude));
  const published = await publishedValues(inFolder("icon.png"), inFolder("out"));
  const kv = await kvServer((key) => published.get(key));
  const start = (...ids) => {
    const workers = ids.map((id) => ({
      id,
      isBuilt: { edge: true, before: { "index_bg.wasm": "before.wasm" } }[id],
      vars,
    }));
    return workerd(folder, configuration(workers, kv.address().port, folder), { log: "ignore" });
  };

  if (values.before) await compare(start, inFolder);
  else await measure(start);
  kv.close();
  rmSync(folder, { recursive: true });
});

/** The first request of a new workerd, of this build and another one, in turn. */
async function compare(start, inFolder) {
  const build = path.resolve(values.before);
  copyFileSync(path.join(build, "index.js"), inFolder("before.js"));
  copyFileSync(path.join(build, "index_bg.wasm"), inFolder("before.wasm"));
  const workers = ["before", "edge", "plain"];
  const [samples, begun] = [0, 1].map(() => Object.fromEntries(workers.map((id) => [id, []])));
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
  const size = (folder) => {
    const files = ["index.js", "index_bg.wasm", "decoder.wasm"]
      .map((name) => path.join(folder, name))
      .filter(existsSync);
    return files
      .map(
        (file) =>
          `${path.basename(file)} ${(gzipSync(readFileSync(file), { level: 9 }).length / 1000).toFixed(0)} kB`,
      )
      .join(", ");
  };
  const row = (id, name) =>
    `| ${name} | ${median(samples[id]).toFixed(2)} | ${Math.min(...samples[id]).toFixed(2)} | ${Math.max(...samples[id]).toFixed(2)} | ${median(begun[id]).toFixed(0)} |`;
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

/** Memory and CPU time for each kind and size. */
async function measure(start) {
  const module = await WebAssembly.compile(readFileSync(path.join(root, "build/decoder.wasm")));
  say(
    `${requests} requests and ${starts} starts for each of ${Object.keys(REAL).length} pictures …`,
  );
  const rows = [];
  for (const [name, { size }] of Object.entries(REAL)) {
    const file = await realFile(name);
    const cold = { edge: [], plain: [] };
    const warm = { edge: [], plain: [] };
    let status;
    let memory;
    for (let i = 0; i < starts; i++) {
      for (const id of ["edge", "plain"]) {
        const fresh = await start(id, "trivial");
        await ask(fresh, "trivial", "/");
        const first = await cost(fresh, id, "/icon", file);
        cold[id].push(first.ms);
        if (id === "edge") status = first.status;
        // Warm: the last of the starts, in which V8 has compiled it.
        if (i === starts - 1) {
          for (let n = 0; n < requests; n++)
            warm[id].push((await cost(fresh, id, "/icon", file)).ms);
          if (id === "edge") memory = `${fresh.residentMB()} (${fresh.peakMB()})`;
        }
        await fresh.stop();
      }
    }
    // Without the first ones, in which V8 still compiles for speed.
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
