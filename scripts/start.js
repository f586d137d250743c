/**
 * Turns the sample icon on this machine, without an account anywhere: publishes it to a local KV,
 * starts the simulator and the Worker, fires the Cron Trigger once, and says what happened.
 * `npm start -- --help` lists the options.
 */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { parseArgs } from "node:util";
import {
  accountSecrets,
  blueskySettings,
  command,
  mastodonSettings,
  startLocalNetworks,
} from "./lib/local-networks.js";
import { listen } from "./lib/listen.js";
import { UserError, main, messageOf, root, run, say, start, stopAll } from "./lib/run.js";
import { buildAll } from "./build.js";

const help = `Usage: npm start -- [options]

Turns the sample icon once on a local X, Bluesky and Mastodon, then keeps all running.

  --once                 end after the turn; exit status 0 only if the icon turned
  --port N               the Worker's port (8787, or another if that is taken)
  --simulator-port N     the local networks' port (8788, or another if that is taken)
  --icon FILE            another icon than assets/icon.png
  --bluesky              start the official server of Bluesky accounts too, with people to sign in
                         as; the first time, it is installed and compiled (3 to 4 minutes)
  --help                 this text`;

const token = "local-trigger-token";

/**
 * The Worker's settings.
 *
 * @param {string} url where the simulator answers for all networks
 */
const settingsFor = (url) => ({
  SERVICE_KEY: "bG9jYWwtc2VydmljZS1rZXktb2YtdGhpcy1tYWNoaW5lLTE=",
  ...accountSecrets,
  ...blueskySettings(url),
  ...mastodonSettings(url),
  TRIGGER_TOKEN: token,
});

/** The Worker's variables, which wrangler.toml alone sets here. */
const variables = [
  "TIME_ZONE",
  "PERIOD",
  "DIRECTION",
  "API_BASE_URL",
  "X_API",
  "X_BODY",
  "ALERT_WEBHOOK_URL",
  "BLUESKY_DIRECTORY",
  "BLUESKY_DNS",
  "PUBLIC_URL",
  "SIGN_UP",
  "CONTACT",
  "MAX_ACCOUNTS",
  "STOP",
];

function parsed() {
  try {
    return parseArgs({
      options: {
        once: { type: "boolean", default: false },
        port: { type: "string" },
        "simulator-port": { type: "string" },
        icon: { type: "string", default: "assets/icon.png" },
        bluesky: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new UserError(`${messageOf(error)}\n\n${help}`);
  }
}

function options() {
  const values = parsed();
  if (values.help) {
    console.log(help);
    process.exit(0);
  }
  /** @param {"port" | "simulator-port"} flag */
  const port = (flag) => {
    if (values[flag] === undefined) return undefined;
    const number = Number(values[flag]);
    if (Number.isInteger(number) && number > 0 && number < 65536) return number;
    throw new UserError(`--${flag} has to be a port number from 1 to 65535.`);
  };
  const chosen = { ...values, port: port("port"), simulatorPort: port("simulator-port") };
  if (chosen.port && chosen.port === chosen.simulatorPort)
    throw new UserError("The two ports have to differ.");
  return chosen;
}

/**
 * Listens on a port for a moment, and returns its number.
 *
 * @param {number} port 0: any free one
 */
async function tryPort(port) {
  const probe = net.createServer();
  const number = await listen(probe, port);
  await new Promise((resolve) => probe.close(resolve));
  return number;
}

/**
 * Returns the port that was asked for, or else the usual one, or any free one if that is taken.
 *
 * @param {number | undefined} asked
 * @param {number} usual
 * @param {string} flag the option that asks for one
 */
async function freePort(asked, usual, flag) {
  try {
    return await tryPort(asked ?? usual);
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    const why = code === "EADDRINUSE" ? "is taken by another program" : `cannot be used (${code})`;
    if (asked)
      throw new UserError(
        `Port ${asked} ${why}. Choose another with --${flag}, or leave that out.`,
      );
    const port = await tryPort(0);
    say(`Port ${usual} ${why}; using ${port}.`);
    return port;
  }
}

/**
 * Asks for the Worker's health until it answers. Gives up after a minute, or when the Worker ends.
 *
 * @param {string} worker its URL
 * @param {import("./lib/run.js").Background} dev
 */
async function waitForHealth(worker, dev) {
  const deadline = Date.now() + 60_000;
  let running = true;
  dev.ended.then(() => {
    running = false;
  });
  while (running && Date.now() < deadline) {
    try {
      return await (await fetch(`${worker}/health`, { signal: AbortSignal.timeout(5000) })).json();
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new UserError(`The Worker did not start:\n${dev.log.slice(-30).join("\n")}`);
}

/**
 * Fires the Cron Trigger for the present time, and throws if a network does not show the due frame
 * then.
 *
 * @param {string} worker its URL
 * @param {string} simulator its URL
 */
async function turnOnce(worker, simulator) {
  const time = Date.now();
  const fired = await fetch(`${worker}/cdn-cgi/handler/scheduled?cron=0+*+*+*+*&time=${time}`);
  if (!fired.ok)
    throw new UserError(`The cron could not be fired: ${fired.status} ${await fired.text()}`);
  /** @typedef {{ network: string, verdict: string }} Verdict */
  /** @typedef {{ status: number, code?: number, explanation: string }} Answer */
  /** @type {(Verdict & Answer)[]} */
  const received = await (await fetch(`${simulator}/simulator/received`)).json();
  const { frame_set: set, dial, networks } = await (await fetch(`${worker}/health`)).json();
  const frame = Buffer.from(await (await fetch(`${worker}/frames/${set.frame_now}`)).arrayBuffer());
  const sha256 = createHash("sha256").update(frame).digest("hex");
  for (const network of networks) {
    const own = received.filter((one) => one.network === network);
    if (own.length === 0)
      throw new UserError(`The Worker sent nothing to the local ${network}; see its log above.`);
    const icon = await fetch(`${simulator}/simulator/icon?network=${network}`);
    const shown = Buffer.from(await icon.arrayBuffer());
    if (icon.ok && createHash("sha256").update(shown).digest("hex") === sha256) continue;
    const refused = own.find(({ verdict }) => verdict !== "accepted");
    const why = refused
      ? `; it refused: ${refused.status} ${refused.code ?? ""} ${refused.explanation}`
      : "";
    throw new UserError(`The local ${network} does not show frame ${set.frame_now}${why}.`);
  }
  const degrees = (set.frame_now * 360) / set.frames;
  const clock = new Date(time).toLocaleTimeString("en-GB", {
    timeZone: dial.time_zone,
    hour: "2-digit",
    minute: "2-digit",
  });
  console.log(`
✓ The icon turned. It is ${clock} in ${dial.time_zone}, so the Worker sent frame ${set.frame_now} of ${set.frames}
  (${degrees}° clockwise, ${frame.length.toLocaleString("en")} bytes), and the local X, Bluesky and Mastodon show it.`);
}

/** Starts the official server of Bluesky accounts. */
async function startBluesky() {
  const { startLocalBluesky } = await import("./lib/local-bluesky.js");
  say("Starting the official server of Bluesky accounts …");
  return startLocalBluesky();
}

await main(async () => {
  const { once, icon, bluesky: withBluesky, ...asked } = options();
  const port = await freePort(asked.port, 8787, "port");
  const simulatorPort = await freePort(asked.simulatorPort, 8788, "simulator-port");
  await buildAll();
  const bluesky = withBluesky ? await startBluesky() : undefined;

  // Apart from the state of `npx wrangler dev`, which may hold the user's own icon.
  const state = ".wrangler/sample";
  const secretsFile = path.join(root, state, "secrets.env");
  mkdirSync(path.dirname(secretsFile), { recursive: true });

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, async () => {
      await stopAll();
      process.exit(signal === "SIGINT" ? 130 : 143);
    });
  }

  say(`Publishing ${icon} to the local KV, starting the local networks and the Worker …`);
  const published = run(command, ["publish", icon, "--local", "--persist-to", state], {
    quiet: true,
  });
  // Awaited below. Until then, a failure must not end the process.
  published.catch(() => {});
  const worker = `http://127.0.0.1:${port}`;
  let shown = false;
  const x = await startLocalNetworks(
    simulatorPort,
    (line) => shown && console.log(`  network ${line}`),
  );
  const settings = settingsFor(x.url);
  writeFileSync(
    secretsFile,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
  );
  const dev = start(
    "wrangler",
    [
      "dev",
      ...[
        "--ip",
        "127.0.0.1",
        "--port",
        String(port),
        "--persist-to",
        state,
        "--env-file",
        secretsFile,
      ],
      ...[
        "--var",
        `API_BASE_URL:${x.url}`,
        "--var",
        `BLUESKY_SERVICE:${x.url}`,
        // As a service that is open to everybody who comes to this machine.
        "--var",
        `PUBLIC_URL:${worker}`,
        ...Object.entries(bluesky?.settings ?? {}).flatMap(([name, value]) => [
          "--var",
          `${name}:${value}`,
        ]),
        "--var",
        "SIGN_UP:open",
        "--var",
        "CONTACT:operator@icons.example",
        "--show-interactive-dev-session=false",
        "--inspector-port",
        "0",
      ],
    ],
    {
      // In wrangler, the shell's variables of these names win over files.
      env: Object.fromEntries(
        [...Object.keys(settings), ...variables].map((name) => [name, undefined]),
      ),
      onLine: (line) => shown && line.startsWith("{") && console.log(`  worker  ${line}`),
    },
  );
  await published;
  const health = await waitForHealth(worker, dev);
  if (!health.ready) throw new UserError(`The Worker is not ready. ${health.detail}`);

  // The simulator is a new one, and the journal tells of the one before.
  const owner = { authorization: `Bearer ${token}` };
  const forgotten = await fetch(`${worker}/journal`, { method: "DELETE", headers: owner });
  if (!forgotten.ok)
    throw new UserError(`The journal of the last run cannot be emptied: ${await forgotten.text()}`);
  await turnOnce(worker, x.url);
  if (once) return stopAll();

  const authorization = `Authorization: Bearer ${token}`;
  const visitorsOfBluesky = bluesky
    ? `  With Bluesky: ${bluesky.handles.map((handle) => `"${handle}"`).join(" or ")}, password "${bluesky.password}"\n`
    : "";
  console.log(`
  The service, as a visitor: type "${new URL(x.url).host}"   ${worker}/
${visitorsOfBluesky}  The owner's page (token: ${token})   ${worker}/owner
  See the icon as the networks show it   ${x.url}/
  Whether the Worker could turn now      ${worker}/health
  A frame                                ${worker}/frames/3
  Turn by hand, to frame 3               curl -X POST -H '${authorization}' '${worker}/turn?frame=3'
  Fire the cron                          curl '${worker}/cdn-cgi/handler/scheduled?cron=0+*+*+*+*'

  Ctrl-C stops everything.
`);
  shown = true;
  await Promise.race([x.ended, dev.ended, ...(bluesky ? [bluesky.ended] : [])]);
  throw new UserError("The local networks or the Worker ended by themselves.");
});
