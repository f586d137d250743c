/**
 * What a turn costs: the CPU time of workerd for one cron turn with an 80 kB
 * frame, beside a plain JavaScript Worker that does the same; and the script's
 * size. Linux only, since it reads the CPU time from /proc.
 *
 *   npm run bench [-- --rounds 25 --turns 100]
 *
 * All Workers run in one workerd, in turn within each round, so the ratios
 * hold where the machine's speed drifts. KV is a server of this process and X
 * is `simulate-x`, which checks every request, so workerd's CPU time is that
 * of the Workers and of workerd's own HTTP, and both sides' requests are right.
 */
import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { UserError, main, root, run, say, start, stopAll } from "../scripts/lib/run.js";
import { buildWorker } from "../scripts/build.js";
import { noisyIcon } from "./noisy-icon.js";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "25" }, turns: { type: "string", default: "100" } } });
const rounds = Number(values.rounds);
const turns = Number(values.turns);

/** The amplitude at which a frame has about 80 kB. */
const amplitude = 65;

const secrets = { API_KEY: "local-api-key", API_KEY_SECRET: "local-api-key-secret", ACCESS_TOKEN: "1-local-access-token", ACCESS_TOKEN_SECRET: "local-access-token-secret" };

/** Runs as many turns as it is asked for, one after the other. */
const driver = `export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const worker = env[pathname.slice(1)];
    const first = Date.parse("2026-11-22T03:00:00Z");
    for (let i = 0; i < Number(searchParams.get("turns")); i++) {
      const { outcome } = await worker.scheduled({ cron: "0 * * * *", scheduledTime: new Date(first + i * 3_600_000) });
      if (outcome !== "ok") return new Response(outcome, { status: 500 });
    }
    return new Response("done");
  },
};`;

/** The frame set as KV holds it, and a server that answers as KV's does. */
async function kvServer(folder) {
  const icon = path.join(folder, "icon.png");
  writeFileSync(icon, noisyIcon(amplitude));
  await run(path.join(root, "target/debug/rotate-icon"), ["render", icon, "--out", folder], { quiet: true });
  const entries = JSON.parse(readFileSync(path.join(folder, "kv-bulk.json"), "utf8"));
  const values = new Map(entries.map(({ key, value }) => [key, Buffer.from(value, "base64")]));
  const server = http.createServer((request, response) => {
    const value = values.get(decodeURIComponent(request.url.slice(1).split("?")[0]));
    response.writeHead(value ? 200 : 404).end(value);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const frames = [...values].filter(([key]) => /\/\d+$/.test(key)).map(([, value]) => value.length);
  return { server, frameBytes: frames.reduce((a, b) => a + b) / frames.length };
}

async function simulator() {
  let ready;
  const url = new Promise((resolve) => (ready = resolve));
  const onLine = (line) => {
    const [, found] = line.match(/listening on (\S+)/) ?? [];
    if (found) ready(found);
  };
  const x = start(path.join(root, "target/debug/rotate-icon"), ["simulate-x", "--port", "0", "--keep", "1"], { env: secrets, onLine });
  return Promise.race([
    url,
    x.ended.then(() => {
      throw new UserError(`simulate-x ended:\n${x.log.join("\n")}`);
    }),
  ]);
}

/** workerd's configuration: the contenders, the driver, KV and the way out. */
function configuration(contenders, kvPort) {
  const text = (value) => JSON.stringify(value);
  const services = contenders.map(({ id, wasm, vars }) => {
    const modules = [`(name = "index.js", esModule = embed "${id}.js")`];
    if (wasm) modules.push(`(name = "./index_bg.wasm", wasm = embed "${wasm}")`);
    const bindings = Object.entries(vars).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`);
    bindings.push(`(name = "FRAMES", kvNamespace = "kv")`);
    return `(name = "${id}", worker = (compatibilityDate = "2026-11-01", modules = [${modules}], bindings = [${bindings}]))`;
  });
  const targets = contenders.map(({ id }) => `(name = "${id}", service = "${id}")`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    ${services.join(",\n    ")},
    (name = "driver", worker = (
      compatibilityDate = "2026-11-01", compatibilityFlags = ["service_binding_extra_handlers"],
      modules = [(name = "driver.js", esModule = embed "driver.js")], bindings = [${targets}])),
    (name = "kv", external = (address = "127.0.0.1:${kvPort}", http = ())),
    (name = "internet", network = (allow = ["local", "private", "public"]))
  ],
  sockets = [(name = "driver", address = "127.0.0.1:0", http = (), service = "driver")]
);`;
}

/** Starts workerd and gives its address and a reading of its CPU time in ms. */
async function workerd(folder) {
  const { default: binary } = (await import("workerd")).default;
  const child = spawn(binary, ["serve", "--experimental", "--control-fd=3", path.join(folder, "config.capnp")], {
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  const port = await new Promise((resolve, reject) => {
    child.on("exit", (code) => reject(new UserError(`workerd ended with ${code}`)));
    child.stdio[3].on("data", (data) => resolve(JSON.parse(String(data).split("\n")[0]).port));
  });
  const cpuMs = () => {
    let nanoseconds = 0;
    for (const thread of readdirSync(`/proc/${child.pid}/task`)) {
      nanoseconds += Number(readFileSync(`/proc/${child.pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
    }
    return nanoseconds / 1e6;
  };
  return { child, url: `http://127.0.0.1:${port}`, cpuMs };
}

const quantile = (sorted, q) => sorted[Math.round((sorted.length - 1) * q)];
const sort = (numbers) => [...numbers].sort((a, b) => a - b);

await main(async () => {
  await buildWorker();
  await run("cargo", ["build", "--quiet", "--bin", "rotate-icon"]);
  const folder = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-bench-"));
  const { server, frameBytes } = await kvServer(folder);
  const vars = { ...secrets, API_BASE_URL: await simulator() };
  const contenders = [
    { id: "plain", name: "plain JavaScript", script: "benches/plain-worker.js", vars },
    { id: "multipart", name: "rotate-icon", script: "build/index.js", wasm: "index_bg.wasm", vars },
    { id: "form", name: 'rotate-icon, X_BODY = "form"', script: "build/index.js", wasm: "index_bg.wasm", vars: { ...vars, X_BODY: "form" } },
  ];
  copyFileSync(path.join(root, "build/index_bg.wasm"), path.join(folder, "index_bg.wasm"));
  for (const { id, script } of contenders) copyFileSync(path.join(root, script), path.join(folder, `${id}.js`));
  writeFileSync(path.join(folder, "driver.js"), driver);
  writeFileSync(path.join(folder, "config.capnp"), configuration(contenders, server.address().port));

  const { child, url, cpuMs } = await workerd(folder);
  const batch = async ({ id, name }, count) => {
    const before = cpuMs();
    const response = await fetch(`${url}/${id}?turns=${count}`);
    if (!response.ok) throw new UserError(`${name}: a turn failed: ${await response.text()}`);
    return (cpuMs() - before) / count;
  };

  say(`Warming up, then ${rounds} rounds of ${turns} turns of each, with frames of ${Math.round(frameBytes / 1000)} kB …`);
  for (const contender of contenders) await batch(contender, 3 * turns);
  const received = await (await fetch(`${vars.API_BASE_URL}/simulator/received`)).json();
  if (!received[0]?.took_effect) throw new UserError(`The local X refused: ${received[0]?.explanation}`);

  const times = new Map(contenders.map(({ id }) => [id, []]));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < contenders.length; i++) {
      const contender = contenders[(i + round) % contenders.length];
      times.get(contender.id).push(await batch(contender, turns));
    }
  }
  child.removeAllListeners("exit");
  child.kill();
  server.close();
  await stopAll();
  rmSync(folder, { recursive: true });

  console.log("\nCPU time of workerd for a turn, and the ratio to plain JavaScript's in the same round:\n");
  console.log("| Worker | ms, median | ratio, median | quartiles |\n|---|---|---|---|");
  for (const { id, name } of contenders) {
    const ratios = sort(times.get(id).map((time, round) => time / times.get("plain")[round]));
    const [low, middle, high] = [0.25, 0.5, 0.75].map((q) => quantile(ratios, q).toFixed(2));
    console.log(`| ${name} | ${quantile(sort(times.get(id)), 0.5).toFixed(2)} | ${middle} | ${low}–${high} |`);
  }
  const script = ["index.js", "index_bg.wasm"].map((file) => readFileSync(path.join(root, "build", file)));
  const kB = (bytes) => `${Math.round(bytes / 1000)} kB`;
  const sum = (sizes) => sizes.reduce((a, b) => a + b);
  console.log(`\nThe script: ${kB(sum(script.map((file) => file.length)))}, gzipped ${kB(sum(script.map((file) => gzipSync(file, { level: 9 }).length)))}.`);
});
