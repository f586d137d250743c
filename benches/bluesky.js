/**
 * Counts what a turn on Bluesky needs, by a sign-in with the browser and by an app password, against
 * the official server over public names: requests, signatures, rows, CPU, and the time that is spent
 * waiting for the server. Linux only, because it reads CPU time from /proc.
 *
 *   npm run bench:bluesky [-- --turns 36 --latency 100]
 *
 * Each request takes `--latency` ms longer than the server on this machine does. A visitor's account
 * turns each three seconds by its alarm. Its access token lives an hour, so an account that turns
 * hourly renews it each time; here, the network in front of the server says that it lives a minute.
 */
import { spawnSync } from "node:child_process";
import { cpSync, copyFileSync, readFileSync, readdirSync, renameSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { buildAll } from "../scripts/build.js";
import { FLAGS, findBrowser } from "../scripts/lib/browser.js";
import { UserError, main, root, run, say } from "../scripts/lib/run.js";
import { installPds } from "../tests/pds/install.js";

const { values } = parseArgs({
  options: {
    turns: { type: "string", default: "36" },
    latency: { type: "string", default: "100" },
  },
});
const [turns, latencyMs] = [values.turns, values.latency].map(Number);

/** How long a slot of the visitor's account is, in seconds. */
const SLOT_S = 3;

/** The frames of the set: each is uploaded once, before anything is counted. */
const FRAMES = 12;

/** What was counted between two moments. */
class Count {
  requests = 0;
  signatures = 0;
  waitedMs = 0;
  pictures = 0;
  /** @type {Map<string, number>} */
  paths = new Map();
}

await main(async () => {
  await buildAll();
  await installPds();
  const folder = path.join(root, "target/bench-bluesky");
  await run("wrangler", ["deploy", "--dry-run", "--outdir", folder], { quiet: true });
  const counted = `${folder}-counted`;
  cpSync(folder, counted, { recursive: true });
  renameSync(path.join(counted, "index.js"), path.join(counted, "built.js"));
  copyFileSync(path.join(root, "benches/rows-log.js"), path.join(counted, "rows-log.js"));
  await build({
    absWorkingDir: counted,
    entryPoints: ["rows-log.js"],
    outfile: "index.js",
    bundle: true,
    format: "esm",
    external: ["*.wasm", "cloudflare:*"],
    logLevel: "error",
  });
  process.env.ROTATE_ICON_WORKER = counted;

  // Only now, since this prepares the process for wrangler.
  const { DevServerWorker } = await import("../tests/worker/harness/dev-server.js");
  const { frameSet, png, pngFrames } = await import("../tests/worker/harness/frames.js");
  const { choosePicture } = await import("../tests/worker/harness/people.js");
  const { press } = await import("../tests/worker/harness/pages.js");
  const { SERVICE_KEY } = await import("../tests/worker/harness/service.js");
  const { APP, DIRECTORY, DNS, Network, PDS } = await import("../tests/pds/network.js");
  const { Pds } = await import("../tests/pds/pds.js");
  const { authorize, signInThere } = await import("../tests/pds/provider-pages.js");

  let count = new Count();
  /** Whether access tokens seem to live a minute. */
  let short = false;
  const network = await Network.start();
  const outbound = {
    /** @param {import("node:http").IncomingMessage} request @param {any} response */
    node: async (request, response) => {
      const began = performance.now();
      const { headers, url = "" } = request;
      const where = url.split("?", 1)[0];
      const own = count;
      own.requests += 1;
      own.paths.set(where, (own.paths.get(where) ?? 0) + 1);
      own.signatures += Number(headers.dpop !== undefined);
      if (where.startsWith("/oauth/")) {
        // A form of the authorization server, which carries an assertion.
        own.signatures += 1;
        if (where === "/oauth/token" && short) shorten(response);
      }
      response.once("close", () => {
        own.waitedMs += performance.now() - began;
        if (where.endsWith("putRecord") && response.statusCode === 200) own.pictures += 1;
      });
      await sleep(latencyMs);
      network.outbound.node(request, response);
    },
  };
  const pds = new Pds({ network, hostname: PDS });
  await pds.start({});
  network.serve(DIRECTORY, { url: pds.directory });
  network.serve(DNS, (request, response) => pds.answerDns(request, response));
  const ada = await pds.account(undefined, "ada");
  const owner = await pds.account(undefined, "owner");
  const settings = {
    networks: /** @type {any} */ (["bluesky"]),
    vars: {
      PUBLIC_URL: `https://${APP}`,
      SIGN_UP: "open",
      CONTACT: "operator@icons.example",
      SHORTEST_SLOT: "1s",
      BLUESKY_SERVICE: `https://${PDS}`,
      BLUESKY_DIRECTORY: `https://${DIRECTORY}`,
      BLUESKY_DNS: `https://${DNS}`,
    },
    secrets: {
      SERVICE_KEY,
      BLUESKY_IDENTIFIER: owner.handle,
      BLUESKY_APP_PASSWORD: owner.appPassword,
    },
  };
  const worker = await DevServerWorker.start(pds, frameSet(pngFrames()), settings, {
    outbound,
    origin: { hostname: APP, secure: true },
  });
  network.serve(APP, { url: worker.url, renames: true });
  const browser = await chromium.launch({
    executablePath: findBrowser(),
    args: [...FLAGS, ...network.flags],
  });
  try {
    say("Signing in …");
    const page = await browser.newPage();
    await page.goto(`https://${APP}/`);
    await page.locator("#bluesky-place").fill(ada.handle);
    await press(page, "Sign in with Bluesky");
    await page.waitForURL(`https://${PDS}/**`);
    await signInThere(page, ada);
    await authorize(page);
    await page.waitForURL(`https://${APP}/account`);
    await choosePicture(page, png(0.3));
    await page.getByLabel("A full rotation takes").selectOption("other");
    await page.getByLabel("Another time").fill(`${FRAMES * SLOT_S}s`);
    await press(page, "Save");
    await press(page, "Start");
    say(`Waiting for ${FRAMES} turns, in which each frame is uploaded …`);
    await sleep((FRAMES + 4) * SLOT_S * 1000);

    const table = [];
    for (const isShort of [false, true]) {
      short = isShort;
      // A server that starts anew accepts no token of before, so that the account renews its own.
      if (short) {
        await pds.restart();
        await sleep(4 * SLOT_S * 1000);
      }
      say(`Counting ${turns} turns by a sign-in, ${short ? "each" : "none"} with a new token …`);
      const logged = worker.logs().length;
      const before = cpuMs();
      count = new Count();
      await sleep(turns * SLOT_S * 1000);
      const own = count;
      count = new Count();
      const rows = rowsOf(worker.logs().slice(logged));
      const name = short ? "a sign-in, with a new token" : "a sign-in, with the token of before";
      table.push(line(name, own, cpuMs() - before, rows));
    }
    short = false;
    await page.goto(`https://${APP}/account`);
    await press(page, "Pause");

    say(`Counting ${turns} turns by an app password …`);
    for (let frame = 0; frame < FRAMES; frame += 1) await worker.turn(`?frame=${frame}`);
    const before = cpuMs();
    count = new Count();
    for (let n = 0; n < turns; n += 1) await worker.turn(`?frame=${n % FRAMES}`);
    table.push(line("an app password, by hand", count, cpuMs() - before, undefined));
    console.log(`
Of ${turns} slots, a turn, with ${latencyMs} ms for each request beside what the server took:

| by | turns | requests | signatures | CPU of workerd, ms | waiting, ms | rows written / read |
|---|---|---|---|---|---|---|
${table.join("\n")}`);
  } finally {
    await browser.close();
    await worker.close();
    await pds.close();
    network.close();
  }
});

/**
 * A row of the table.
 *
 * @param {string} name
 * @param {Count} count
 * @param {number} cpu
 * @param {{ written: number, read: number } | undefined} rows a turn
 */
function line(name, count, cpu, rows) {
  const { requests, signatures, waitedMs, pictures, paths } = count;
  if (pictures === 0) throw new UserError(`No turn was made by ${name}: ${requests} requests.`);
  const cells = [requests, signatures, cpu, waitedMs].map((sum) => (sum / pictures).toFixed(1));
  const ways = [...paths].map(([where, times]) => `${(times / pictures).toFixed(1)} ${where}`);
  say(`${name}: ${ways.join(", ")}`);
  const ofRows = rows ? `${rows.written.toFixed(2)} / ${rows.read.toFixed(2)}` : "";
  return `| ${name} | ${pictures} | ${cells.join(" | ")} | ${ofRows} |`;
}

/** The mean of the rows that turns have logged. @param {{ message: string }[]} logged */
function rowsOf(logged) {
  const all = logged
    .map(({ message }) => /"rows_of_turn":(\{[^}]*\})/.exec(message)?.[1])
    .filter((text) => text !== undefined)
    .map((text) => JSON.parse(text));
  /** @param {"written" | "read"} what */
  const mean = (what) => all.reduce((sum, rows) => sum + rows[what], 0) / Math.max(all.length, 1);
  return { written: mean("written"), read: mean("read") };
}

/** Has an answer with tokens say that they live a minute. @param {any} response */
function shorten(response) {
  /** @type {Buffer[]} */
  const parts = [];
  const [writeHead, end] = [response.writeHead.bind(response), response.end.bind(response)];
  response.writeHead = (/** @type {number} */ status, /** @type {any} */ headers) => {
    const { "content-length": _, ...others } = headers;
    return writeHead(status, others);
  };
  response.write = (/** @type {Buffer} */ part) => {
    parts.push(part);
    return true;
  };
  response.end = (/** @type {Buffer | undefined} */ part) => {
    const text = Buffer.concat(part ? [...parts, part] : parts).toString();
    return end(text.replace(/"expires_in":\d+/, '"expires_in":60'));
  };
}

/** The CPU time of this process's workerd, in ms. */
function cpuMs() {
  const list = spawnSync("ps", ["-A", "-o", "pid=,ppid=,comm="], { encoding: "utf8" }).stdout;
  const pids = [...list.matchAll(/^\s*(\d+)\s+(\d+)\s+workerd$/gm)]
    .filter(([, , parent]) => Number(parent) === process.pid)
    .map(([, pid]) => pid);
  const ticks = pids.flatMap((pid) =>
    readdirSync(`/proc/${pid}/task`).map((task) => {
      const stat = readFileSync(`/proc/${pid}/task/${task}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(fields[11]) + Number(fields[12]);
    }),
  );
  return ticks.reduce((sum, tick) => sum + tick, 0) * 10;
}
