/** Starts the official server of Bluesky accounts, makes accounts on it, and lists its calls. */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before } from "node:test";
import { listen } from "../../scripts/lib/listen.js";

const PROFILE = "app.bsky.actor.profile";

/** A profile with everything that people have in theirs, and with members that no lexicon knows. */
export const profileRecord = {
  $type: PROFILE,
  displayName: "Ünïcode \u{1f570}",
  description: 'Two lines,\n"quoted" \\ and more.',
  pronouns: "they/them",
  website: "https://example.com/about",
  createdAt: "2023-04-12T00:00:00.000Z",
  labels: { $type: "com.atproto.label.defs#selfLabels", values: [{ val: "!no-unauthenticated" }] },
  "org.example.unknown": {
    numbers: [0, -1, 9007199254740991],
    nothing: null,
    nested: [[{ avatar: "ß" }]],
  },
};

/**
 * The options of a call.
 *
 * @typedef {object} CallOptions
 * @property {string} [token]
 * @property {boolean} [admin] whether the administrator makes it
 * @property {Record<string, string>} [params]
 * @property {any} [body] sent as JSON, or as it is if there is a `type`
 * @property {string} [type] the media type of the body
 */

/**
 * An OAuth session, without its tokens. Its id changes with each refresh.
 *
 * @typedef {object} OAuthSession
 * @property {string} id
 * @property {string} clientId
 * @property {{ method: string, kid: string }} clientAuth the key to which it is bound
 * @property {string} scope
 * @property {string} createdAt
 * @property {string} updatedAt
 */

/** The server. */
export class Pds {
  /** @type {import("node:child_process").ChildProcess} */
  #child;
  #folder = mkdtempSync(path.join(tmpdir(), "rotate-icon-pds-"));
  #adminPassword = randomUUID();
  #asked = new Map();
  #arrived = async () => {};
  #accounts = 0;
  /** @type {import("node:http").Server | undefined} */
  #dns;
  #network;
  #hostname;

  /** Its URL on this machine, that of the directory of accounts, and that of the DNS resolver. */
  url = "";
  directory = "";
  dns = "";

  /** The accounts that handles name in DNS, and how often DNS was asked. */
  names = new Map();
  lookedUp = 0;

  /**
   * @param {object} [deployed] both, or neither
   * @param {import("./network.js").Network} [deployed.network] where it has a public name
   * @param {string} [deployed.hostname]
   */
  constructor({ network, hostname } = {}) {
    this.#network = network;
    this.#hostname = hostname;
  }

  /** Its public URL, if it has a public name. */
  get publicUrl() {
    return `https://${this.#hostname}`;
  }

  /** What the handles of its accounts end in. */
  get handleDomain() {
    return this.#hostname ?? "test";
  }

  /**
   * Starts the server.
   *
   * @param {Record<string, string>} env its own variables, such as `PDS_RATE_LIMITS_ENABLED`
   */
  async start(env) {
    const there = existsSync(path.join(import.meta.dirname, "node_modules/@atproto/pds"));
    assert.ok(
      there,
      "the server is not installed: `npm test` does that, or `node tests/pds/install.js`",
    );
    const own = {
      LOG_ENABLED: "false",
      PDS_ADMIN_PASSWORD: this.#adminPassword,
      ...(this.#network && {
        ...this.#network.env,
        PDS_HOSTNAME: this.#hostname,
        PDS_SERVICE_HANDLE_DOMAINS: `.${this.#hostname}`,
      }),
    };
    this.#child = fork(path.join(import.meta.dirname, "server.js"), [this.#folder], {
      env: { ...process.env, ...own, ...env },
    });
    const ready = new Promise((resolve, reject) => {
      this.#child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
      this.#child.once("error", reject);
      this.#child.on("message", (/** @type {any} */ message) => {
        const { id, answer, error, arrived, ...where } = message;
        if (where.url) return resolve(where);
        if (arrived) return this.#arrived();
        const waits = this.#asked.get(id);
        this.#asked.delete(id);
        if (error) waits?.reject(new Error(error));
        else waits?.resolve(answer);
      });
    });
    Object.assign(this, await ready);
    this.#network?.serve(this.#hostname, this);
    this.#network?.serve(`*.${this.#hostname}`, this);
    this.#dns = createServer((request, response) => this.answerDns(request, response));
    this.dns = `http://127.0.0.1:${await listen(this.#dns)}`;
  }

  /**
   * Answers a question to the DNS resolver, by `names`.
   *
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   */
  answerDns(request, response) {
    this.lookedUp += 1;
    const { pathname, searchParams } = new URL(request.url, "http://dns.test");
    assert.deepEqual(
      [pathname, searchParams.get("type"), request.headers.accept],
      ["/dns-query", "TXT", "application/dns-json"],
    );
    const did = this.names.get(searchParams.get("name").replace(/^_atproto\./, ""));
    const answer = did
      ? { Status: 0, Answer: [{ type: 16, data: `"did=${did}"` }] }
      : { Status: 3 };
    response.writeHead(200, { "content-type": "application/dns-json" }).end(JSON.stringify(answer));
  }

  /**
   * Asks the server's process for something.
   *
   * @param {string} ask
   * @param {unknown} [value]
   * @returns {Promise<any>}
   */
  #ask(ask, value) {
    const id = randomUUID();
    const answer = new Promise((resolve, reject) => this.#asked.set(id, { resolve, reject }));
    this.#child.send({ id, ask, value });
    return answer;
  }

  /** Sets its clock ahead of this machine's. @param {number} seconds */
  runAhead = (seconds) => this.#ask("runAhead", seconds);

  /**
   * Lists the names of the calls since this was last asked.
   *
   * @returns {Promise<string[]>}
   */
  calls = async () =>
    (await this.#ask("calls")).map((/** @type {string} */ endpoint) =>
      endpoint.replace(/^com\.atproto\.(server|repo)\./, ""),
    );

  /** Restarts it, which makes all tokens invalid. */
  restart = () => this.#ask("restart");

  /**
   * Has the directory say that an account is on another server.
   *
   * @param {string} did
   * @param {string} server
   */
  move = (did, server) => this.#ask("move", { did, server });

  /**
   * Has the directory say what another server recommends for an account that moves there.
   *
   * @param {string} did
   * @param {object} credentials what `com.atproto.identity.getRecommendedDidCredentials` answers
   */
  handOver = (did, credentials) => this.#ask("handOver", { did, credentials });

  /**
   * Gives an account a handle, whether or not DNS proves it.
   *
   * @param {string} did
   * @param {string} handle
   */
  claim = (did, handle) => this.#ask("claim", { did, handle });

  /**
   * Sets how long access tokens of OAuth live that are issued from now on.
   *
   * @param {number} seconds
   */
  issueTokensFor = (seconds) => this.#ask("issueTokensFor", seconds);

  /**
   * Lists the OAuth sessions of an account, as the server has them.
   *
   * @param {string} did
   * @returns {Promise<OAuthSession[]>}
   */
  sessions = (did) => this.#ask("sessions", did);

  /**
   * Does something when the next call of an endpoint has come, before it is answered.
   *
   * @param {string} endpoint
   * @param {() => Promise<unknown>} act
   */
  async meanwhile(endpoint, act) {
    await this.#ask("hold", endpoint);
    this.#arrived = async () => {
      await act();
      await this.#ask("goOn");
    };
  }

  /**
   * Makes a call. Returns the status, the bytes and, if the answer is JSON, its value.
   *
   * @param {string} method
   * @param {string} name
   * @param {CallOptions} options
   */
  async call(method, name, { token, admin = false, params, body, type = "application/json" } = {}) {
    const basic = Buffer.from(`admin:${this.#adminPassword}`).toString("base64");
    const response = await fetch(
      `${this.url}/xrpc/${name}${params ? `?${new URLSearchParams(params)}` : ""}`,
      {
        method,
        headers: {
          ...(admin && { authorization: `Basic ${basic}` }),
          ...(token && { authorization: `Bearer ${token}` }),
          ...(body && { "content-type": type }),
        },
        body: body && (type === "application/json" ? JSON.stringify(body) : body),
      },
    );
    const bytes = Buffer.from(await response.arrayBuffer());
    const isJson = response.headers.get("content-type")?.startsWith("application/json");
    return { status: response.status, bytes, json: isJson ? JSON.parse(String(bytes)) : undefined };
  }

  /**
   * Makes a call, asserts that it succeeds, and returns the answer.
   *
   * @param {string} method
   * @param {string} name
   * @param {CallOptions} [options]
   */
  async done(method, name, options) {
    const { status, bytes, json } = await this.call(method, name, options);
    assert.equal(status, 200, `${name}: ${bytes}`);
    return json;
  }

  /**
   * Makes an account with an app password and, unless it is null, a profile.
   *
   * @param {object | null} record
   * @param {string} [name] what its handle begins with
   */
  async account(record = profileRecord, name = "somebody") {
    this.#accounts += 1;
    const handle = `${name}-${this.#accounts}.${this.handleDomain}`;
    const email = `${name}-${this.#accounts}@example.test`;
    const password = `main-${randomUUID()}`;
    const { did, accessJwt: token } = await this.done("POST", "com.atproto.server.createAccount", {
      body: { handle, email, password },
    });
    // Where the server has a public name, it answers for its handles itself.
    if (!this.#network) this.names.set(handle, did);
    const account = new PdsAccount(this, { did, handle, email, password, token });
    await account.anotherPassword();
    if (record) await account.putProfile(record);
    return account;
  }

  async close() {
    if (this.#child?.exitCode === null) {
      const ended = new Promise((resolve) => this.#child.once("exit", resolve));
      this.#child.kill("SIGKILL");
      await ended;
    }
    this.#dns?.close().closeAllConnections();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** An account, as its owner sees it in the app. */
export class PdsAccount {
  #pds;
  appPassword = "";
  passwordName = "";
  profileCid = "";

  /**
   * @param {Pds} pds
   * @param {Record<"did" | "handle" | "email" | "password" | "token", string>} known
   */
  constructor(pds, { did, handle, email, password, token }) {
    this.#pds = pds;
    this.did = did;
    this.handle = handle;
    this.email = email;
    this.password = password;
    this.token = token;
  }

  /** The public URL of its server. */
  get server() {
    return this.#pds.publicUrl;
  }

  /** The settings that sign in to the account. */
  get settings() {
    return {
      BLUESKY_SERVICE: this.#pds.url,
      BLUESKY_IDENTIFIER: this.handle,
      BLUESKY_APP_PASSWORD: this.appPassword,
    };
  }

  /** The same, without the server's URL. */
  get settingsByHandle() {
    return {
      ...this.settings,
      BLUESKY_SERVICE: "auto",
      BLUESKY_DIRECTORY: this.#pds.directory,
      BLUESKY_DNS: this.#pds.dns,
    };
  }

  /**
   * @param {string} name
   * @param {object} [body]
   */
  #call(name, body) {
    return this.#pds.done("POST", `com.atproto.${name}`, { token: this.token, body });
  }

  /** Makes an app password, which the settings have from now on. */
  async anotherPassword() {
    this.passwordName = randomUUID();
    this.appPassword = (
      await this.#call("server.createAppPassword", { name: this.passwordName })
    ).password;
  }

  /** Revokes the app password, and with it its sessions. */
  revokePassword = () => this.#call("server.revokeAppPassword", { name: this.passwordName });

  /**
   * Puts the profile.
   *
   * @param {object} record
   * @param {object} [options] `validate: false` puts what no lexicon allows, as some apps do
   */
  putProfile = (record, options) =>
    this.#call("repo.putRecord", {
      repo: this.did,
      collection: PROFILE,
      rkey: "self",
      record,
      ...options,
    });

  /**
   * Uploads a picture, and returns its reference, which a record has to hold soon.
   *
   * @param {Buffer} bytes
   * @param {string} type
   */
  async upload(bytes, type) {
    const call = { token: this.token, body: bytes, type };
    return (await this.#pds.done("POST", "com.atproto.repo.uploadBlob", call)).blob;
  }

  /** @param {string} collection */
  deleteRecord = (collection) =>
    this.#call("repo.deleteRecord", { repo: this.did, collection, rkey: "self" });

  /**
   * Changes its handle, in DNS too.
   *
   * @param {string} handle
   */
  async rename(handle) {
    await this.#call("identity.updateHandle", { handle });
    this.#pds.names.delete(this.handle);
    this.#pds.names.set(handle, this.did);
    this.handle = handle;
  }

  /**
   * Takes a handle under a domain of its owner's. The server asks no DNS about it here.
   *
   * @param {string} handle
   */
  async claim(handle) {
    await this.#pds.claim(this.did, handle);
    this.#pds.names.set(handle, this.did);
    this.handle = handle;
  }

  /** Lists its OAuth sessions. */
  sessions = () => this.#pds.sessions(this.did);

  /**
   * Moves to another server as the specification says (https://atproto.com/guides/account-migration):
   * repository and blobs first, then its identity, and the old account is deactivated.
   *
   * @param {Pds} pds
   * @param {string} handle on that server
   */
  async moveTo(pds, handle) {
    const from = this.#pds;
    const { did } = this;
    const { did: service } = await pds.done("GET", "com.atproto.server.describeServer");
    const { token: proof } = await from.done("GET", "com.atproto.server.getServiceAuth", {
      token: this.token,
      params: { aud: service, lxm: "com.atproto.server.createAccount" },
    });
    const { accessJwt: token } = await pds.done("POST", "com.atproto.server.createAccount", {
      token: proof,
      body: { did, handle, email: this.email, password: this.password },
    });
    const { bytes } = await from.call("GET", "com.atproto.sync.getRepo", { params: { did } });
    const car = { token, body: bytes, type: "application/vnd.ipld.car" };
    await pds.done("POST", "com.atproto.repo.importRepo", car);
    const { blobs } = await pds.done("GET", "com.atproto.repo.listMissingBlobs", { token });
    for (const { cid } of blobs) {
      const blob = { token, body: await this.blob(cid), type: "image/jpeg" };
      await pds.done("POST", "com.atproto.repo.uploadBlob", blob);
    }
    const credentials = "com.atproto.identity.getRecommendedDidCredentials";
    await from.handOver(did, await pds.done("GET", credentials, { token }));
    await pds.done("POST", "com.atproto.server.activateAccount", { token });
    await this.deactivate();
    Object.assign(this, { handle, token });
    this.#pds = pds;
  }

  deactivate = () => this.#call("server.deactivateAccount", {});

  activate = () => this.#call("server.activateAccount");

  /**
   * @param {object} subject
   * @param {boolean} applied
   */
  #moderate(subject, applied) {
    const takedown = { applied, ref: "test" };
    return this.#pds.done("POST", "com.atproto.admin.updateSubjectStatus", {
      admin: true,
      body: { subject, takedown },
    });
  }

  /** Has the service take it down, or restore it. */
  takeDown = (applied = true) =>
    this.#moderate({ $type: "com.atproto.admin.defs#repoRef", did: this.did }, applied);

  /** Has the service take its profile down, or restore it. */
  async takeDownProfile(applied = true) {
    if (applied) this.profileCid = (await this.#read(PROFILE)).json.cid;
    const uri = `at://${this.did}/${PROFILE}/self`;
    await this.#moderate(
      { $type: "com.atproto.repo.strongRef", uri, cid: this.profileCid },
      applied,
    );
  }

  delete = () =>
    this.#pds.done("POST", "com.atproto.admin.deleteAccount", {
      admin: true,
      body: { did: this.did },
    });

  /** @param {string} collection */
  #read(collection) {
    return this.#pds.call("GET", "com.atproto.repo.getRecord", {
      params: { repo: this.did, collection, rkey: "self" },
    });
  }

  /**
   * Returns a record as everybody sees it, or undefined.
   *
   * @param {string} collection
   */
  async record(collection) {
    const { status, json } = await this.#read(collection);
    return status === 200 ? json.value : undefined;
  }

  /**
   * Returns the bytes of a blob, or undefined.
   *
   * @param {string} cid
   */
  async blob(cid) {
    const { status, bytes } = await this.#pds.call("GET", "com.atproto.sync.getBlob", {
      params: { did: this.did, cid },
    });
    return status === 200 ? bytes : undefined;
  }

  /** Returns the profile: the bytes of its picture, and the rest of it. */
  async profile() {
    const { avatar, ...rest } = (await this.record(PROFILE)) ?? {};
    return { picture: avatar && (await this.blob(avatar.ref.$link)), avatar, rest };
  }
}

/**
 * Starts the server before the first test of the file, and ends it after the last one.
 *
 * @param {object} options
 * @param {Record<string, string>} [options.env] its own variables
 * @param {(pds: Pds) => unknown} [options.prepare] called once, when it answers
 */
export function usePds({ env, prepare } = {}) {
  const pds = new Pds();
  before(
    async () => {
      await pds.start(env);
      await prepare?.(pds);
    },
    { timeout: 120_000 },
  );
  after(() => pds.close());
  return pds;
}
