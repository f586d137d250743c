/**
 * What a turn costs: the CPU time of workerd for one cron turn with an 80 kB
 * frame, beside a plain JavaScript Worker that does the same; and the script's
 * size. Linux only, since it reads the CPU time from /proc.
 *
 *   npm run bench [-- --rounds 25 --turns 100]
 *
 * Both Workers of a pair run in one workerd, in turn within each round, so the
 * ratios hold where the machine's speed drifts. KV and X are servers of this
 * process, so workerd's CPU time is that of the Workers and of workerd's own
 * HTTP. First of all, each Worker turns against `simulate-x`, which checks that
 * its request is right.
 */
import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { accountSecrets, command, startLocalX } from "../scripts/lib/local-x.js";
import { UserError, main, root, run, say, stopAll } from "../scripts/lib/run.js";
import { buildCommand, buildWorker } from "../scripts/build.js";
import { noisyIcon } from "./noisy-icon.js";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "25" }, turns: { type: "string", default: "100" } } });
const rounds = Number(values.rounds);
const turns = Number(values.turns);

/** The amplitude at which a frame has about 80 kB. */
const amplitude = 65;

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
  await run(command, ["render", icon, "--out", folder], { quiet: true });
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

/** An X that takes everything and costs next to nothing while others are measured. */
async function lightX() {
  const user = JSON.stringify({ id: 1, id_str: "1", screen_name: "local_account", description: "x".repeat(2500) });
  const server = http.createServer((request, response) => {
    request.resume().on("end", () => response.setHeader("content-type", "application/json;charset=utf-8").end(user));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `http://127.0.0.1:${server.address().port}` };
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

/** Measures two contenders in turn and gives a row of the table for the first. */
async function compare(contender, rival, rounds, batch) {
  const pairs = [];
  for (let round = 0; round < rounds; round++) {
    const pair = new Map();
    for (const one of round % 2 ? [contender, rival] : [rival, contender]) pair.set(one, await batch(one.id, turns));
    pairs.push([pair.get(contender), pair.get(rival)]);
  }
  const ratios = sort(pairs.map(([a, b]) => a / b));
  const [low, middle, high] = [0.25, 0.5, 0.75].map((q) => quantile(ratios, q).toFixed(2));
  const median = (side) => quantile(sort(pairs.map((pair) => pair[side])), 0.5).toFixed(2);
  return `| ${contender.name} | ${rival.name} | ${median(0)} | ${median(1)} | ${middle} | ${low}–${high} |`;
}

await main(async () => {
  await buildWorker();
  await buildCommand();
  const folder = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-bench-"));
  const { server: kv, frameBytes } = await kvServer(folder);
  const [{ url: strict }, light] = [await startLocalX(0), await lightX()];
  const plain = { id: "plain", name: "plain JavaScript", script: "benches/plain-worker.js", vars: {} };
  const multipart = { id: "multipart", name: "rotate-icon", script: "build/index.js", wasm: "index_bg.wasm", vars: {} };
  const form = { ...multipart, id: "form", name: 'rotate-icon, X_BODY = "form"', vars: { X_BODY: "form" } };
  const unlimited = { ...plain, id: "unlimited", name: "plain JavaScript without a time limit", vars: { TIME_LIMIT: "none" } };
  const contenders = [plain, unlimited, multipart, form];
  const services = contenders.flatMap((contender) => [
    { ...contender, vars: { ...accountSecrets, ...contender.vars, API_BASE_URL: light.url } },
    { ...contender, id: `${contender.id}-checked`, vars: { ...accountSecrets, ...contender.vars, API_BASE_URL: strict } },
  ]);
  copyFileSync(path.join(root, "build/index_bg.wasm"), path.join(folder, "index_bg.wasm"));
  for (const { id, script } of services) copyFileSync(path.join(root, script), path.join(folder, `${id}.js`));
  writeFileSync(path.join(folder, "driver.js"), driver);
  writeFileSync(path.join(folder, "config.capnp"), configuration(services, kv.address().port));

  const { child, url, cpuMs } = await workerd(folder);
  const batch = async (id, count) => {
    const before = cpuMs();
    const response = await fetch(`${url}/${id}?turns=${count}`);
    if (!response.ok) throw new UserError(`${id}: a turn failed: ${await response.text()}`);
    return (cpuMs() - before) / count;
  };

  for (const { id, name } of contenders) {
    await batch(`${id}-checked`, 12);
    const received = await (await fetch(`${strict}/simulator/received`)).json();
    const refused = received.find(({ took_effect: tookEffect }) => !tookEffect);
    if (refused || received.length % 12 > 0) throw new UserError(`${name}: ${refused?.explanation ?? "not every turn was sent"}`);
    await batch(id, 3 * turns);
  }
  say(`${rounds} rounds of ${turns} turns of each, with frames of ${Math.round(frameBytes / 1000)} kB …`);
  const rows = [
    await compare(multipart, plain, rounds, batch),
    await compare(multipart, unlimited, rounds, batch),
    await compare(form, plain, Math.ceil(rounds / 3), batch),
  ];
  child.removeAllListeners("exit");
  child.kill();
  kv.close();
  light.server.close();
  await stopAll();
  rmSync(folder, { recursive: true });

  console.log(`
CPU time of workerd for a turn:

| Worker | beside | ms, median | ms, median of the other | ratio, median of the pairs | quartiles |
|---|---|---|---|---|---|
${rows.join("\n")}`);
  const script = ["index.js", "index_bg.wasm"].map((file) => readFileSync(path.join(root, "build", file)));
  const kB = (sizes) => `${Math.round(sizes.reduce((a, b) => a + b) / 1000)} kB`;
  const sizes = [script.map((file) => file.length), script.map((file) => gzipSync(file, { level: 9 }).length)].map(kB);
  console.log(`\nThe script: ${sizes[0]}, gzipped ${sizes[1]}.`);
});
