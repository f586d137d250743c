/**
 * The official server of Bluesky accounts, for a test file: started before its first test, with
 * accounts as they are wanted, and watched by what it serves.
 */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before } from "node:test";

const PROFILE = "app.bsky.actor.profile";

/** A profile as people have it, and with members that no lexicon knows. */
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

class Pds {
  #child;
  #folder = mkdtempSync(path.join(tmpdir(), "rotate-icon-pds-"));
  #adminPassword = randomUUID();
  #asked = new Map();
  #arrived = () => {};
  #accounts = 0;
  #dns;

  /** The accounts that handles name in DNS, and how often that was asked. */
  names = new Map();
  lookedUp = 0;

  /** Starts the server; `env` holds variables of its own, as `PDS_RATE_LIMITS_ENABLED`. */
  async start(env) {
    const there = existsSync(path.join(import.meta.dirname, "node_modules/@atproto/pds"));
    assert.ok(
      there,
      "the server is not installed: `npm test` does that, or `node tests/pds/install.js`",
    );
    const own = { LOG_ENABLED: "false", PDS_ADMIN_PASSWORD: this.#adminPassword };
    this.#child = fork(path.join(import.meta.dirname, "server.js"), [this.#folder], {
      env: { ...process.env, ...own, ...env },
    });
    const ready = new Promise((resolve, reject) => {
      this.#child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
      this.#child.once("error", reject);
      this.#child.on("message", ({ id, answer, error, arrived, ...where }) => {
        if (where.url) return resolve(where);
        if (arrived) return this.#arrived(arrived);
        const waits = this.#asked.get(id);
        this.#asked.delete(id);
        if (error) waits?.reject(new Error(error));
        else waits?.resolve(answer);
      });
    });
    Object.assign(this, await ready);
    this.#dns = createServer((request, response) => {
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
      response
        .writeHead(200, { "content-type": "application/dns-json" })
        .end(JSON.stringify(answer));
    });
    await new Promise((resolve) => this.#dns.listen(0, "127.0.0.1", resolve));
    this.dns = `http://127.0.0.1:${this.#dns.address().port}`;
  }

  #ask(ask, value) {
    const id = randomUUID();
    const answer = new Promise((resolve, reject) => this.#asked.set(id, { resolve, reject }));
    this.#child.send({ id, ask, value });
    return answer;
  }

  /** Puts its clock so many seconds ahead of this machine's. */
  runAhead = (seconds) => this.#ask("runAhead", seconds);

  /** The names of the calls since the last time that this was asked. */
  calls = async () =>
    (await this.#ask("calls")).map((endpoint) =>
      endpoint.replace(/^com\.atproto\.(server|repo)\./, ""),
    );

  /** Ends it and starts it anew, so that no token of before is good any more. */
  restart = () => this.#ask("restart");

  /** Lets the directory say that an account is on another server. */
  move = (did, server) => this.#ask("move", { did, server });

  /** Does something once the next call of an endpoint has come, before it is answered. */
  async meanwhile(endpoint, act) {
    await this.#ask("hold", endpoint);
    this.#arrived = async () => {
      await act();
      await this.#ask("goOn");
    };
  }

  /** A call; gives the status, the bytes and, if it is that, the JSON of the answer. */
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
    return { status: response.status, bytes, json: isJson ? JSON.parse(bytes) : undefined };
  }

  /** A call that has to succeed; gives the JSON of the answer. */
  async done(...call) {
    const { status, bytes, json } = await this.call(...call);
    assert.equal(status, 200, `${call[1]}: ${bytes}`);
    return json;
  }

  /** A new account with an app password and, unless it is null, a profile. */
  async account(record = profileRecord) {
    this.#accounts += 1;
    const handle = `somebody-${this.#accounts}.test`;
    const email = `somebody-${this.#accounts}@example.test`;
    const body = { handle, email, password: `main-${randomUUID()}` };
    const { did, accessJwt: token } = await this.done("POST", "com.atproto.server.createAccount", {
      body,
    });
    this.names.set(handle, did);
    const account = new PdsAccount(this, { did, handle, email, token });
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

/** An account, as its owner has it before them in the app. */
class PdsAccount {
  #pds;

  constructor(pds, known) {
    this.#pds = pds;
    Object.assign(this, known);
  }

  /** What opens the account for this program. */
  get settings() {
    return {
      BLUESKY_SERVICE: this.#pds.url,
      BLUESKY_IDENTIFIER: this.handle,
      BLUESKY_APP_PASSWORD: this.appPassword,
    };
  }

  /** The same, without where the server is. */
  get settingsByHandle() {
    return {
      ...this.settings,
      BLUESKY_SERVICE: "auto",
      BLUESKY_DIRECTORY: this.#pds.directory,
      BLUESKY_DNS: this.#pds.dns,
    };
  }

  #call(name, body) {
    return this.#pds.done("POST", `com.atproto.${name}`, { token: this.token, body });
  }

  /** Makes an app password, with which the settings are from now on. */
  async anotherPassword() {
    this.passwordName = randomUUID();
    this.appPassword = (
      await this.#call("server.createAppPassword", { name: this.passwordName })
    ).password;
  }

  /** Revokes the app password, and the sessions that began with it. */
  revokePassword = () => this.#call("server.revokeAppPassword", { name: this.passwordName });

  /** Puts the profile; with `validate: false` also what no lexicon allows, as some apps do. */
  putProfile = (record, options) =>
    this.#call("repo.putRecord", {
      repo: this.did,
      collection: PROFILE,
      rkey: "self",
      record,
      ...options,
    });

  deleteRecord = (collection) =>
    this.#call("repo.deleteRecord", { repo: this.did, collection, rkey: "self" });

  /** Gives it another handle, which names it in DNS from then on. */
  async rename(handle) {
    await this.#call("identity.updateHandle", { handle });
    this.#pds.names.delete(this.handle);
    this.#pds.names.set(handle, this.did);
    this.handle = handle;
  }

  deactivate = () => this.#call("server.deactivateAccount", {});

  activate = () => this.#call("server.activateAccount");

  #moderate(subject, applied) {
    const takedown = { applied, ref: "test" };
    return this.#pds.done("POST", "com.atproto.admin.updateSubjectStatus", {
      admin: true,
      body: { subject, takedown },
    });
  }

  /** What the service does to it, or undoes. */
  takeDown = (applied = true) =>
    this.#moderate({ $type: "com.atproto.admin.defs#repoRef", did: this.did }, applied);

  /** The same to its profile alone. */
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

  #read(collection) {
    return this.#pds.call("GET", "com.atproto.repo.getRecord", {
      params: { repo: this.did, collection, rkey: "self" },
    });
  }

  /** A record as everybody sees it; undefined where there is none. */
  async record(collection) {
    const { status, json } = await this.#read(collection);
    return status === 200 ? json.value : undefined;
  }

  /** The bytes of a blob; undefined where there are none. */
  async blob(cid) {
    const { status, bytes } = await this.#pds.call("GET", "com.atproto.sync.getBlob", {
      params: { did: this.did, cid },
    });
    return status === 200 ? bytes : undefined;
  }

  /** The profile: its picture's bytes, and all else in it. */
  async profile() {
    const { avatar, ...rest } = (await this.record(PROFILE)) ?? {};
    return { picture: avatar && (await this.blob(avatar.ref.$link)), avatar, rest };
  }
}

/** The server, there for a test file; `prepare` is called once it answers, before the first test. */
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
