/**
 * Runs the official server of Bluesky accounts (a PDS) and the directory of accounts (PLC) in a
 * process of their own and on this machine only, with a stand-in for the AppView, which the PDS
 * asks about accounts that it has closed.
 *
 * `pds.js` starts it with the folder for the server's data as its argument. It reports its URLs
 * once it answers, and does what messages of `{ id, ask, value }` ask for. Environment variables
 * `PDS_…` configure the PDS; with PDS_DID_PLC_URL it uses a directory that runs already. It finds
 * the names of `network.js` by the variables `NETWORK_…`.
 */
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import net from "node:net";
import path from "node:path";
import { portOf } from "../../scripts/lib/listen.js";

// Its clock can be put ahead. What it imports takes the time from here.
const SystemDate = Date;
let ahead = 0;
globalThis.Date = /** @type {DateConstructor} */ (
  class extends SystemDate {
    /** @param {[] | [number | string | Date]} args */
    constructor(...args) {
      super(.../** @type {[number]} */ (args.length > 0 ? args : [SystemDate.now() + ahead]));
    }

    static now() {
      return SystemDate.now() + ahead;
    }
  }
);

// Neither server can be told a host: both stay on the loopback interface.
const { listen } = net.Server.prototype;
net.Server.prototype.listen = function (port, ...rest) {
  if (typeof port !== "number") return listen.call(this, port, ...rest);
  return listen.call(
    this,
    { port, host: "127.0.0.1" },
    ...rest.filter((one) => typeof one === "function"),
  );
};

// Names of the tests' network lead there, whichever client asks for them.
const { NETWORK_DOMAIN, NETWORK_PORT } = process.env;
const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function (...args) {
  const [first] = args;
  const options = Array.isArray(first) ? first[0] : first;
  if (NETWORK_DOMAIN && options?.host?.endsWith?.(`.${NETWORK_DOMAIN}`)) {
    Object.assign(options, { host: "127.0.0.1", port: NETWORK_PORT });
  }
  return connect.apply(this, /** @type {any} */ (args));
};

// The server refuses to fetch anything under example.com, which is nobody's. Here it leads somewhere.
const { DEFAULT_FORBIDDEN_DOMAIN_NAMES } = await import("@atproto-labs/fetch");
if (NETWORK_DOMAIN) DEFAULT_FORBIDDEN_DOMAIN_NAMES.length = 0;

const { PDS, readEnv } = await import("@atproto/pds");
const { Secp256k1Keypair } = await import("@atproto/crypto");
const plc = await import("@did-plc/server");

const folder = path.resolve(process.argv[2]);
mkdirSync(path.join(folder, "blobs"), { recursive: true });

/** A port that is free now: the PDS has to know its own before it listens. */
async function freePort() {
  const probe = net.createServer().listen(0);
  await once(probe, "listening");
  const port = portOf(probe);
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** An AppView that shows no account. */
const appView = createServer((request, response) => {
  const { searchParams } = new URL(request.url, "http://appview.test");
  const body = {
    error: "InvalidRequest",
    message: `Could not find repo: ${searchParams.get("repo")}`,
  };
  response.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify(body));
}).listen(0);
await once(appView, "listening");
const appViewUrl = `http://localhost:${portOf(appView)}`;

/** Starts a directory of accounts, and returns its URL. */
async function startDirectory() {
  const directory = plc.PlcServer.create({ db: plc.Database.mock(), port: 0 });
  return `http://localhost:${portOf(await directory.start())}`;
}

const directory = process.env.PDS_DID_PLC_URL ?? (await startDirectory());
const port = await freePort();
const rotationKey = await (await Secp256k1Keypair.create({ exportable: true })).export();
const given = Object.entries(readEnv()).filter(
  ([, value]) => value !== undefined && /** @type {any} */ (value)?.length !== 0,
);

let pds;
const calls = [];
let awaited;

/** Starts the PDS with the data that there is, and a new secret that signs tokens. */
async function open() {
  pds = await PDS.fromEnv({
    devMode: true,
    port,
    hostname: "localhost",
    dataDirectory: folder,
    blobstoreDiskLocation: path.join(folder, "blobs"),
    blobstoreDiskTmpLocation: path.join(folder, "blobs-tmp"),
    didPlcUrl: directory,
    plcRotationKeyK256PrivateKeyHex: Buffer.from(rotationKey).toString("hex"),
    jwtSecret: crypto.randomUUID(),
    dpopSecret: "0".repeat(64),
    adminPassword: process.env.PDS_ADMIN_PASSWORD,
    serviceHandleDomains: [".test"],
    inviteRequired: false,
    disableSsrfProtection: true,
    bskyAppViewUrl: appViewUrl,
    bskyAppViewDid: `did:web:localhost%3A${portOf(appView)}`,
    crawlers: [],
    ...Object.fromEntries(given),
  });
  const server = await pds.start();
  const [answer] = server.listeners("request");
  server.removeAllListeners("request");
  server.on("request", async (request, response) => {
    const [, endpoint] = /^\/xrpc\/([^?]*)/.exec(request.url) ?? [];
    if (endpoint) calls.push(endpoint);
    if (awaited && endpoint === awaited.endpoint) {
      const { go } = awaited;
      awaited = undefined;
      process.send({ arrived: endpoint });
      await go;
    }
    answer(request, response);
  });
}

/** The requests that it takes by message. */
const asked = {
  /**
   * Puts the clock so many seconds ahead of this machine's.
   *
   * @param {number} seconds
   */
  runAhead: (seconds) => {
    ahead = seconds * 1000;
  },
  /** The calls since the last time that this was asked. */
  calls: () => calls.splice(0),
  /**
   * Holds the next call of an endpoint up, until `goOn`.
   *
   * @param {string} endpoint
   */
  hold(endpoint) {
    const { promise, resolve } = Promise.withResolvers();
    awaited = { endpoint, go: promise };
    asked.goOn = resolve;
  },
  /** Has the directory say that an account is on another server. */
  move: ({ did, server }) => pds.ctx.plcClient.updatePds(did, pds.ctx.plcRotationKey, server),
  /** Has the directory say what another server recommends for an account that moves there. */
  handOver: ({ did, credentials }) =>
    pds.ctx.plcClient.updateData(did, pds.ctx.plcRotationKey, (last) => ({
      ...last,
      ...credentials,
    })),
  /** Gives an account a handle, without asking DNS. */
  async claim({ did, handle }) {
    await pds.ctx.plcClient.updateHandle(did, pds.ctx.plcRotationKey, handle);
    await pds.ctx.accountManager.updateAccountHandle(did, handle);
  },
  /**
   * Issues access tokens of OAuth that live so many seconds, in place of an hour.
   *
   * @param {number} seconds
   */
  issueTokensFor: (seconds) => {
    pds.ctx.oauthProvider.tokenManager.tokenMaxAge = seconds * 1000;
  },
  /**
   * The OAuth sessions of an account, without their tokens.
   *
   * @param {string} did
   */
  async sessions(did) {
    const tokens = await pds.ctx.oauthProvider.tokenManager.listAccountTokens(did);
    return tokens.map(({ id, data }) => {
      const { clientId, clientAuth, scope, createdAt, updatedAt } = data;
      return { id, clientId, clientAuth, scope, createdAt, updatedAt };
    });
  },
  /** Ends the server and starts it anew: no token of the one before is good any more. */
  async restart() {
    await pds.destroy();
    await open();
  },
};

process.on("message", async ({ id, ask, value }) => {
  try {
    process.send({ id, answer: await asked[ask](value) });
  } catch (error) {
    process.send({ id, error: error instanceof Error ? error.stack : String(error) });
  }
});
// The process that started it is gone.
process.on("disconnect", () => process.exit());

await open();
process.send({ url: `http://localhost:${port}`, directory });
