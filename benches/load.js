/**
 * Measures how many requests a second the page and the frames stand, and how long the slowest take,
 * beside a plain JavaScript Worker that serves the same bytes from KV. Both run in one workerd, in
 * turn.
 *
 *   npm run bench:load [-- --rounds 9 --requests 2000 --connections 16]
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { UserError, main, say } from "../scripts/lib/run.js";
import { buildAll } from "../scripts/build.js";
import { portOf } from "../scripts/lib/listen.js";
import { accountSecrets } from "../scripts/lib/local-networks.js";
import { amplitude, noisyIcon } from "./noisy-icon.js";
import {
  configuration,
  copyScript,
  kvServer,
  median,
  publishedValues,
  quantile,
  sort,
  workerd,
} from "./lib/workerd.js";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    requests: { type: "string", default: "2000" },
    connections: { type: "string", default: "16" },
  },
});
const [rounds, requests, connections] = [values.rounds, values.requests, values.connections].map(
  Number,
);

/** The script of a Worker that passes each request on to the one that its host names. */
const driver = `export default {
  fetch(request, env) {
    const [worker] = request.headers.get("host").split(".");
    return env[worker].fetch(request);
  },
};`;

/** The script of the plain Worker: the same bytes, from KV. */
const plain = `export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/") {
      return new Response(await env.FRAMES.get("page", "arrayBuffer"), { headers: { "content-type": "text/html; charset=utf-8" } });
    }
    const set = await env.FRAMES.get("current", "json");
    const frame = await env.FRAMES.get("sets/" + set.id + pathname.replace("/frames", ""), "arrayBuffer");
    return new Response(frame, { headers: { "content-type": set.media_type, "cache-control": "public, max-age=60" } });
  },
};`;

const agent = new http.Agent({ keepAlive: true, maxSockets: connections });

/**
 * Sends a request, and returns its time in ms and the body of the answer.
 *
 * @param {string} url
 * @param {string} worker
 * @param {string} where
 * @returns {Promise<{ ms: number, body: Buffer }>}
 */
function get(url, worker, where) {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const request = http.get(
      url + where,
      { agent, headers: { host: `${worker}.local` } },
      (response) => {
        /** @type {Buffer[]} */
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const body = Buffer.concat(chunks);
          if (response.statusCode !== 200)
            return reject(new UserError(`${worker} ${where}: ${response.statusCode} ${body}`));
          resolve({ ms: performance.now() - start, body });
        });
      },
    );
    request.on("error", reject);
  });
}

/**
 * Sends requests over all connections. Returns the requests a second, and the time within which 99
 * of 100 are answered, in ms.
 *
 * @param {string} url
 * @param {string} worker
 * @param {string} where
 */
async function load(url, worker, where) {
  /** @type {number[]} */
  const times = [];
  let left = requests;
  const start = performance.now();
  const connection = async () => {
    while (left-- > 0) times.push((await get(url, worker, where)).ms);
  };
  await Promise.all(Array.from({ length: connections }, connection));
  return {
    perSecond: (requests / (performance.now() - start)) * 1000,
    p99: quantile(sort(times), 0.99),
  };
}

await main(async () => {
  await buildAll();
  const folder = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-load-"));
  /** @param {string} name */
  const inFolder = (name) => path.join(folder, name);
  copyScript(folder, "edge");
  writeFileSync(inFolder("driver.js"), driver);
  writeFileSync(inFolder("plain.js"), plain);
  writeFileSync(inFolder("icon.png"), noisyIcon(amplitude));
  /** @type {Map<string, Buffer>} */
  const published = await publishedValues(inFolder("icon.png"), inFolder("out"));
  const kv = await kvServer((key) => published.get(key));
  const vars = { ...accountSecrets, TRIGGER_TOKEN: "local-trigger-token" };
  const workers = [
    { id: "edge", isBuilt: true, vars },
    { id: "plain", vars },
  ];
  const { url, stop } = await workerd(folder, configuration(workers, portOf(kv), folder), {
    log: "ignore",
  });
  published.set("page", (await get(url, "edge", "/")).body);

  say(`${rounds} rounds of ${requests} requests over ${connections} connections …`);
  const inOrder = /** @type {const} */ (["edge", "plain"]);
  const rows = [];
  for (const [name, where] of [
    ["the page, GET /", "/"],
    ["a frame, GET /frames/3", "/frames/3"],
  ]) {
    const bytes = (await get(url, "edge", where)).body.length;
    /** @typedef {Awaited<ReturnType<typeof load>>} Sample */
    const samples = { edge: /** @type {Sample[]} */ ([]), plain: /** @type {Sample[]} */ ([]) };
    for (let round = -1; round < rounds; round++) {
      for (const worker of round % 2 ? inOrder : inOrder.toReversed()) {
        const sample = await load(url, worker, where);
        if (round >= 0) samples[worker].push(sample);
      }
    }
    /**
     * @param {"edge" | "plain"} worker
     * @param {keyof Sample} figure
     */
    const of = (worker, figure) => median(samples[worker].map((sample) => sample[figure]));
    const ratio = median(
      samples.edge.map(({ perSecond }, i) => perSecond / samples.plain[i].perSecond),
    );
    rows.push(
      `| ${name} (${Math.round(bytes / 1000)} kB) | ${of("edge", "perSecond").toFixed(0)} | ${of("plain", "perSecond").toFixed(0)} | ` +
        `${ratio.toFixed(2)} | ${of("edge", "p99").toFixed(1)} | ${of("plain", "p99").toFixed(1)} |`,
    );
  }
  agent.destroy();
  await stop();
  kv.close();
  rmSync(folder, { recursive: true });
  console.log(`
| request | a second, rotate-icon | a second, plain JavaScript | ratio, median of the pairs | p99 in ms, rotate-icon | p99 in ms, plain |
|---|---|---|---|---|---|
${rows.join("\n")}`);
});
