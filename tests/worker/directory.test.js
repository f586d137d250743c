/**
 * Tests the directory's object: requests from a Worker of the test, as the built Worker sends them,
 * and a look at its tables on the disk.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, beforeEach, test } from "node:test";
import { configuration, copyScript, folderOf, workerd } from "../../benches/lib/workerd.js";

const NOW = Date.parse("2031-06-15T12:00:00Z");
const MINUTE = 60_000;
const DAY = 86_400_000;

/** Sends all requests of a list at once. */
const driver = `export default {
  async fetch(request, env) {
    const ask = async (body) => {
      const directory = env["edge Directory"].getByName("directory");
      const response = await directory.fetch("https://directory/", { method: "POST", body });
      return { status: response.status, text: await response.text() };
    };
    const requests = await request.json();
    return Response.json(await Promise.all(requests.map((one) => ask(JSON.stringify(one)))));
  },
};`;

const folder = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-directory-"));
/** @type {import("../../benches/lib/workerd.js").Workerd} */
let worker;
let count = 0;
/** @type {string} */
let disk;

/** Starts workerd with what lies on the disk. */
async function start() {
  // Nothing here reads from KV.
  const config = configuration([{ id: "edge", isBuilt: true, vars: {} }], 1, disk);
  worker = await workerd(folder, config, { log: "inherit" });
}

before(() => {
  copyScript(folder, "edge");
  writeFileSync(path.join(folder, "driver.js"), driver);
});

beforeEach(async () => {
  await worker?.stop();
  count += 1;
  disk = path.join(folder, `disk-${count}`);
  mkdirSync(disk);
  await start();
});

after(async () => {
  await worker?.stop();
  rmSync(folder, { recursive: true });
});

/**
 * Sends requests at once. Returns what each is answered.
 *
 * @param {object[]} requests
 * @returns {Promise<any[]>}
 */
async function askAll(requests) {
  const response = await fetch(worker.url, { method: "POST", body: JSON.stringify(requests) });
  /** @type {{ status: number, text: string }[]} */
  const answers = await response.json();
  return answers.map(({ status, text }) => {
    assert.equal(status, 200, text);
    return JSON.parse(text);
  });
}

/**
 * Sends a request.
 *
 * @param {string} what
 * @param {object} args
 */
async function ask(what, args = {}) {
  const [answer] = await askAll([{ ask: what, ...args }]);
  return answer;
}

/**
 * Looks at the database as it lies on the disk, or changes it.
 *
 * @template T
 * @param {(database: DatabaseSync) => T} look
 */
async function onTheDisk(look) {
  await worker.stop();
  const at = path.join(disk, folderOf("edge", "Directory"));
  const [file] = readdirSync(at).filter(
    (name) => name.endsWith(".sqlite") && !name.startsWith("metadata"),
  );
  const database = new DatabaseSync(path.join(at, file));
  try {
    return look(database);
  } finally {
    database.close();
    await start();
  }
}

/**
 * The tables of the directory.
 *
 * @param {DatabaseSync} database
 */
const tables = (database) =>
  database
    .prepare(
      "select name from sqlite_master where type = 'table' and name not like '\\__cf%' escape '\\'",
    )
    .all()
    .map(({ name }) => String(name));

/**
 * The id of one of sixteen accounts, in the order of the numbers. The owner's comes between those of
 * the third and the fourth.
 *
 * @param {number} n
 */
const id = (n) => `${"abcdefghijklmnop"[n]}${"a".repeat(25)}`;

/** @param {string} subject */
const identity = (subject, network = "mastodon") => ({ network, subject });

/**
 * Signs a person in, who gets this account if there is none.
 *
 * @param {string} subject
 * @param {number} n
 */
const signIn = (subject, n, limit = /** @type {unknown} */ ({ at_most: 10 }), now = NOW) =>
  ask("sign_in", { identity: identity(subject), new: id(n), limit, now });

/** @param {Record<string, unknown>} members */
const pending = (members = {}) => ({
  state_hash: "state",
  browser_hash: "browser",
  network: "mastodon",
  server: "https://social.example",
  secrets: "key.iv.secrets",
  account: null,
  expires_at: NOW + 10 * MINUTE,
  moves: false,
  ...members,
});

/** @param {string} key */
const clientKey = (key, created_at = NOW, private_half = "key.iv.private") => ({
  id: key,
  public: { kty: "EC", kid: key },
  private: private_half,
  created_at,
});

/** @param {Record<string, unknown>} members */
const session = (members = {}) => ({
  token_hash: "token",
  account: id(1),
  created_at: NOW,
  expires_at: NOW + 90 * DAY,
  ...members,
});

/** @param {string} server */
const app = (server, client_id = "client") => ({
  network: "mastodon",
  server,
  client_id,
  client_secret: "key.iv.secret",
  scopes: "profile",
  uses_pkce: true,
  redirect_uri: "https://icons.example/sign-in/mastodon/callback",
});

const take = { state_hash: "state", browser_hash: "browser", now: NOW + MINUTE };

test("a registration is kept for its server, and replaced by a newer one", async () => {
  const server = "https://a.example";
  assert.equal(await ask("app", { network: "mastodon", server }), null);
  for (const one of ["https://b.example", server, "https://c.example"])
    await ask("keep_app", { app: app(one) });
  await ask("keep_app", { app: app(server, "newer") });
  assert.deepEqual(await ask("app", { network: "mastodon", server }), app(server, "newer"));
  assert.equal(await ask("app", { network: "x", server }), null);
  const first = await ask("apps_after", { network: "", server: "", limit: 2 });
  assert.deepEqual(first, [app(server, "newer"), app("https://b.example")]);
  const rest = { network: "mastodon", server: "https://b.example", limit: 2 };
  assert.deepEqual(await ask("apps_after", rest), [app("https://c.example")]);
});

test("a sign-in is taken once, also by two at the same time", async () => {
  await ask("keep_sign_in", { sign_in: pending() });
  const taken = await askAll(Array(8).fill({ ask: "take_sign_in", ...take }));
  assert.deepEqual(
    taken.filter((one) => one !== null),
    [pending()],
  );
  assert.equal(await ask("take_sign_in", take), null);
});

test("another browser does not get a sign-in, and ends it", async () => {
  await ask("keep_sign_in", { sign_in: pending() });
  assert.equal(await ask("take_sign_in", { ...take, browser_hash: "another" }), null);
  assert.equal(await ask("take_sign_in", take), null);
});

test("a sign-in ends after its time", async () => {
  for (const [now, isTaken] of /** @type {[number, boolean][]} */ ([
    [NOW + 10 * MINUTE - 1, true],
    [NOW + 10 * MINUTE, false],
  ])) {
    await ask("keep_sign_in", { sign_in: pending() });
    assert.equal((await ask("take_sign_in", { ...take, now })) !== null, isTaken);
    assert.equal(await ask("take_sign_in", take), null);
  }
});

test("a flood of sign-ins, registrations and pauses does not fill the directory", async () => {
  await ask("keep_sign_in", { sign_in: pending({ state_hash: "first" }) });
  await onTheDisk((database) => {
    const numbers =
      "with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000)";
    database.exec(`${numbers} insert into sign_ins (state_hash, expires_at, sign_in)
      select i, ${NOW + 10 * MINUTE}, '{}' from n`);
    database.exec(`${numbers} insert into apps (network, server, app) select 'x', i, '{}' from n`);
    database.exec(`${numbers} insert into pauses (server, until) select i, ${NOW} from n`);
  });
  await ask("keep_sign_in", { sign_in: pending({ state_hash: "last" }) });
  await ask("keep_app", { app: app("https://a.example") });
  await ask("pause", { server: "https://a.example", until: NOW });
  assert.equal(await ask("take_sign_in", { ...take, state_hash: "first" }), null);
  /** @param {string} table */
  const countOf = (table) =>
    onTheDisk((database) => database.prepare(`select count(*) as n from ${table}`).get()?.n);
  assert.equal(await countOf("sign_ins"), 10_000);
  assert.equal(await countOf("apps"), 10_000);
  assert.equal(await countOf("pauses"), 1_000);
  assert.notEqual(await ask("take_sign_in", { ...take, state_hash: "last" }), null);
  // Those that have expired go as others come.
  const later = { expires_at: NOW + 30 * MINUTE };
  for (let n = 0; n < 3; n += 1)
    await ask("keep_sign_in", { sign_in: pending({ ...later, state_hash: `later ${n}` }) });
  assert.equal(await countOf("sign_ins"), 9_999 - 3 * 20 + 3);
});

test("an identity opens one account, also for two at the same time", async () => {
  const requests = [1, 2, 3, 4].map((n) => ({
    ask: "sign_in",
    identity: identity("social.example 7"),
    new: id(n),
    limit: { at_most: 10 },
    now: NOW,
  }));
  const answers = await askAll(requests);
  const [{ created }] = answers.filter((answer) => answer.created);
  assert.deepEqual(
    answers.filter((answer) => !answer.created),
    Array(3).fill({ known: created }),
  );
  assert.deepEqual(await ask("accounts_after", { after: null, limit: 10 }), [created]);
  // The same account on another server is somebody else.
  assert.deepEqual(await signIn("other.example 7", 5), { created: id(5) });
});

test("no account is created while sign-up is closed, nor beyond the limit", async () => {
  assert.equal(await signIn("a", 1, "closed"), "closed");
  assert.equal(await signIn("a", 1, { at_most: 0 }), "full");
  // The owner's does not count.
  await ask("keep_session", { session: session({ account: "default" }) });
  assert.deepEqual(await signIn("a", 1, { at_most: 1 }), { created: id(1) });
  assert.equal(await signIn("b", 2, { at_most: 1 }), "full");
  assert.deepEqual(await signIn("a", 2, "closed"), { known: id(1) });
  await ask("delete", { account: id(1) });
  assert.deepEqual(await signIn("b", 2, { at_most: 1 }), { created: id(2) });
});

test("an account connects one identity of a network, which stays another's until it is moved", async () => {
  await signIn("a", 1);
  await signIn("b", 2);
  /** @param {string} subject */
  const connect = (subject, rest = {}) =>
    ask("connect", {
      identity: identity(subject),
      account: id(1),
      move_it: false,
      now: NOW,
      ...rest,
    });
  assert.deepEqual(await connect("a"), { done: { moved_from: null } });
  assert.deepEqual(await connect("b"), { taken: id(2) });
  assert.deepEqual(await signIn("b", 3), { known: id(2) });
  const moved = await connect("b", { move_it: true });
  assert.deepEqual(moved, { done: { moved_from: id(2) } });
  assert.deepEqual(await signIn("b", 3), { known: id(1) });
  const { identities } = await ask("listing", { account: id(1) });
  assert.deepEqual(identities, [identity("b")]);
  assert.deepEqual((await ask("listing", { account: id(2) })).identities, []);
  // A second network is one more way in.
  await connect("c", { identity: identity("c", "bluesky") });
  await ask("disconnect", { account: id(1), network: "mastodon" });
  assert.deepEqual((await ask("listing", { account: id(1) })).identities, [
    identity("c", "bluesky"),
  ]);
  // The owner's account needs no sign-up.
  assert.deepEqual(await connect("d", { account: "default" }), { done: { moved_from: null } });
  assert.deepEqual(await signIn("d", 3, "closed"), { known: "default" });
});

test("a session ends when it is ended, and after its time", async () => {
  await signIn("a", 1);
  await ask("keep_session", { session: session() });
  const asked = { token_hash: "token", now: NOW + DAY };
  assert.deepEqual(await ask("session", asked), session());
  assert.equal(await ask("session", { ...asked, now: NOW + 90 * DAY }), null);
  assert.equal(await ask("session", { ...asked, token_hash: "another" }), null);
  await ask("end_session", { token_hash: "token" });
  assert.equal(await ask("session", asked), null);
});

test("an account keeps its newest hundred sessions, and expired ones go", async () => {
  await signIn("a", 1);
  await signIn("b", 2);
  await ask("keep_session", { session: session({ token_hash: "other", account: id(2) }) });
  for (let n = 0; n < 110; n += 1)
    await ask("keep_session", { session: session({ token_hash: `${n}`, created_at: NOW + n }) });
  const { sessions } = await ask("listing", { account: id(1) });
  assert.deepEqual(
    sessions.map((/** @type {any} */ one) => one.token_hash),
    Array.from({ length: 100 }, (_, n) => `${109 - n}`),
  );
  const later = NOW + 91 * DAY;
  for (let n = 0; n < 6; n += 1) {
    await ask("keep_session", {
      session: session({ token_hash: `later ${n}`, created_at: later, expires_at: later + DAY }),
    });
  }
  assert.equal((await ask("listing", { account: id(1) })).sessions.length, 6);
  assert.equal((await ask("listing", { account: id(2) })).sessions.length, 0);
});

test("slices go round all accounts but the owner's", async () => {
  assert.deepEqual(await ask("next_slice", { limit: 2 }), []);
  await ask("keep_session", { session: session({ account: "default" }) });
  for (let n = 1; n <= 5; n += 1) await signIn(`${n}`, n);
  const slices = [];
  for (let n = 0; n < 5; n += 1) slices.push(await ask("next_slice", { limit: 2 }));
  const expected = [
    [1, 2],
    [3, 4],
    [5, 1],
    [2, 3],
    [4, 5],
  ];
  assert.deepEqual(
    slices,
    expected.map((slice) => slice.map(id)),
  );
  // Nobody is asked twice in a slice, and who is deleted does not stop it.
  await ask("delete", { account: id(5) });
  assert.deepEqual(await ask("next_slice", { limit: 40 }), [1, 2, 3, 4].map(id));
  await ask("delete", { account: id(2) });
  assert.deepEqual(await ask("next_slice", { limit: 2 }), [1, 3].map(id));
});

test("accounts are listed in order, for what concerns all", async () => {
  for (let n = 1; n <= 3; n += 1) await signIn(`${n}`, n);
  const first = await ask("accounts_after", { after: null, limit: 2 });
  assert.deepEqual(first, [id(1), id(2)]);
  assert.deepEqual(await ask("accounts_after", { after: id(2), limit: 2 }), [id(3)]);
});

test("a deleted account leaves nothing, and does not come back", async () => {
  await signIn("the person", 1);
  await signIn("b", 2);
  await ask("connect", {
    identity: identity("the person", "bluesky"),
    account: id(1),
    move_it: false,
    now: NOW,
  });
  await ask("keep_session", { session: session() });
  await ask("keep_session", { session: session({ token_hash: "b", account: id(2) }) });
  await ask("keep_sign_in", { sign_in: pending({ account: id(1) }) });
  assert.deepEqual(await ask("next_slice", { limit: 1 }), [id(1)]);
  const listing = await ask("listing", { account: id(1) });
  assert.equal(listing.created_at, NOW);
  assert.equal(listing.identities.length, 2);
  assert.deepEqual(listing.sessions, [session()]);

  await ask("delete", { account: id(1) });
  const nothing = { created_at: null, identities: [], sessions: [] };
  assert.deepEqual(await ask("listing", { account: id(1) }), nothing);
  const stored = await onTheDisk((database) =>
    tables(database).map((table) => [table, database.prepare(`select * from ${table}`).all()]),
  );
  const text = JSON.stringify(stored);
  assert.match(text, new RegExp(id(2)));
  for (const trace of [id(1), "the person", '"token"', "iv.secrets"])
    assert.ok(!text.includes(trace), `${trace} in ${text}`);

  // What was under way as it was deleted brings nothing back.
  for (const request of [
    { ask: "keep_session", session: session() },
    {
      ask: "connect",
      identity: identity("the person"),
      account: id(1),
      move_it: true,
      now: NOW,
    },
    { ask: "keep_sign_in", sign_in: pending({ account: id(1) }) },
  ])
    await assert.rejects(askAll([request]), /has been deleted/, request.ask);
  assert.equal(await ask("take_sign_in", take), null);
  assert.deepEqual(await ask("listing", { account: id(1) }), nothing);
});

test("texts from elsewhere are texts and no SQL", async () => {
  const odd = `'); drop table accounts; -- "\u0000 é 🦀`;
  assert.deepEqual(await signIn(odd, 1), { created: id(1) });
  assert.deepEqual(await signIn(odd, 2), { known: id(1) });
  await ask("keep_app", { app: app(odd) });
  assert.deepEqual(await ask("app", { network: "mastodon", server: odd }), app(odd));
});

test("a server is paused until the later of two instants", async () => {
  const server = "https://a.example";
  assert.equal(await ask("paused_until", { server, now: NOW }), null);
  await ask("pause", { server, until: NOW + 2 * MINUTE });
  await ask("pause", { server, until: NOW + MINUTE });
  const until = await ask("paused_until", { server, now: NOW });
  assert.equal(Date.parse(until), NOW + 2 * MINUTE);
  assert.equal(await ask("paused_until", { server: "https://b.example", now: NOW }), null);
  assert.equal(await ask("paused_until", { server, now: NOW + 2 * MINUTE }), null);
});

test("of first keys that are made at once, one is kept", async () => {
  assert.deepEqual(await ask("client_keys"), []);
  const first = ["a", "b", "c", "d"].map((one) => ({
    ask: "keep_client_key",
    key: clientKey(one),
    only_beside: [],
  }));
  await askAll(first);
  const [kept, ...others] = await ask("client_keys");
  assert.deepEqual(others, []);
  // The same goes for a key in the place of one that cannot be decrypted any more.
  const next = ["e", "f"].map((one) => ({
    ask: "keep_client_key",
    key: clientKey(one, NOW + MINUTE),
    only_beside: [kept.id],
  }));
  await askAll(next);
  const keys = await ask("client_keys");
  assert.equal(keys.length, 2);
  assert.deepEqual(keys[1], kept);
});

test("keys are listed newest first, replaced by id, and deleted", async () => {
  for (const [one, at] of /** @type {[string, number][]} */ ([
    ["a", NOW],
    ["c", NOW + 2 * MINUTE],
    ["b", NOW + MINUTE],
  ]))
    await ask("keep_client_key", { key: clientKey(one, at), only_beside: null });
  const rotated = clientKey("b", NOW + MINUTE, "newer.iv.private");
  await ask("keep_client_key", { key: rotated, only_beside: null });
  assert.deepEqual(await ask("client_keys"), [
    clientKey("c", NOW + 2 * MINUTE),
    rotated,
    clientKey("a"),
  ]);
  await ask("delete_client_key", { id: "c" });
  await ask("delete_client_key", { id: "none" });
  assert.deepEqual(await ask("client_keys"), [rotated, clientKey("a")]);
});

test("a key of another version is left to that", async () => {
  await ask("keep_client_key", { key: clientKey("a"), only_beside: null });
  await onTheDisk((database) => {
    database.exec(`insert into client_keys values ('odd', ${NOW}, '{"curve":"another"}')`);
  });
  assert.deepEqual(await ask("client_keys"), [clientKey("a")]);
  const number = await onTheDisk(
    (database) => database.prepare("select count(*) as n from client_keys").get()?.n,
  );
  assert.equal(number, 2);
});

test("a request that is not understood is an error", async () => {
  for (const request of [{}, { ask: "everything" }, { ask: "listing", account: "../default" }])
    await assert.rejects(askAll([request]), /400/);
});

/**
 * Replaces the whole database by another.
 *
 * @param {string} sql
 */
async function replaceBy(sql) {
  await ask("next_slice", { limit: 1 });
  await onTheDisk((database) => {
    database.exec("pragma foreign_keys = off");
    for (const table of tables(database)) database.exec(`drop table ${table}`);
    database.exec(sql);
  });
}

test("what version 1 of the tables has stored is still there", async () => {
  await replaceBy(readFileSync(path.join(import.meta.dirname, "directory-1.sql"), "utf8"));
  assert.deepEqual(await signIn("https://social.example 7", 2, "closed"), { known: id(1) });
  assert.deepEqual(await ask("session", { token_hash: "token", now: NOW }), session());
  const server = "https://social.example";
  assert.deepEqual(await ask("app", { network: "mastodon", server }), app(server));
  // What a sign-in under way has kept is written otherwise now, so it is begun anew.
  assert.equal(await ask("take_sign_in", take), null);
  assert.notEqual(await ask("paused_until", { server, now: NOW }), null);
  assert.equal(await signIn("b", 2, { at_most: 1 }), "full");
  // What it did not have is there too.
  assert.deepEqual(await ask("client_keys"), []);
  await ask("keep_client_key", { key: clientKey("a"), only_beside: [] });
  assert.deepEqual(await ask("client_keys"), [clientKey("a")]);
});

test("a migration that was broken off begins again", async () => {
  await signIn("a", 1);
  await onTheDisk((database) => {
    database.exec("drop table pauses; drop table slice; delete from schema");
  });
  assert.deepEqual(await signIn("a", 2), { known: id(1) });
  assert.deepEqual(await ask("next_slice", { limit: 2 }), [id(1)]);
  assert.equal(await signIn("b", 2, { at_most: 1 }), "full");
});

test("tables of a newer version are left as they are, and read", async () => {
  await signIn("a", 1);
  await onTheDisk((database) => {
    database.exec("alter table accounts add column note text default 'new'");
    database.exec("drop table pauses; insert into schema (version) values (99)");
  });
  assert.deepEqual(await signIn("a", 2), { known: id(1) });
  assert.deepEqual(await signIn("b", 2), { created: id(2) });
  await assert.rejects(ask("paused_until", { server: "a", now: NOW }), /no such table: pauses/);
  const names = await onTheDisk(tables);
  assert.ok(!names.includes("pauses"));
});
