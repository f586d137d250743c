/**
 * The service in workerd alone. Leaving without a trace: all that the objects store is read from the
 * disk, before a person deletes their account and afterwards. And servers that redirect: the test
 * harness of wrangler would follow them by itself.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { configuration, copyScript, folderOf, workerd } from "../../benches/lib/workerd.js";
import { png } from "./harness/frames.js";
import { Client } from "./harness/requests.js";
import { OPEN, SERVERS } from "./harness/service.js";
import { startSimulator } from "./harness/simulator.js";
import { Visitor, formFor, textOf } from "./harness/visitor.js";
import { listen } from "./harness/workerd.js";

/** Passes requests on as if they had come to the service's own address. */
const driver = `export default {
  fetch(request, env) {
    const { pathname, search } = new URL(request.url);
    const own = new URL(pathname + search, "${OPEN.vars?.PUBLIC_URL}");
    return env.edge.fetch(new Request(own, new Request(request, { redirect: "manual" })));
  },
};`;

class Workerd extends Client {
  url = "";

  /**
   * @override
   * @param {string} where
   * @param {import("./harness/requests.js").Init} [init]
   */
  fetch(where, init) {
    const { pathname, search } = new URL(where);
    const options = /** @type {RequestInit} */ ({ redirect: "manual", ...init });
    return fetch(this.url + pathname + search, options);
  }
}

const folder = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-leaving-"));
const disk = path.join(folder, "disk");
const service = new Workerd();
/** @type {import("../../benches/lib/workerd.js").Workerd} */
let running;
/** @type {import("./harness/simulator.js").Simulator} */
let simulator;
let kvPort = 0;

before(async () => {
  kvPort = await listen(
    http.createServer((request, response) => {
      request.resume().on("end", () => response.writeHead(404).end());
    }),
  );
  simulator = await startSimulator([...SERVERS, "--mastodon-server", "evil.example=mastodon-4.3"]);
  mkdirSync(disk);
  copyScript(folder, "edge");
  writeFileSync(path.join(folder, "driver.js"), driver);
  await start();
});

after(async () => {
  await Promise.allSettled([running?.stop(), simulator?.close()]);
  rmSync(folder, { recursive: true });
});

async function start() {
  const vars = { ...OPEN.vars, SERVICE_KEY: String(OPEN.secrets?.SERVICE_KEY) };
  const internet = Number(new URL(simulator.url).port);
  const config = configuration([{ id: "edge", isBuilt: true, vars }], kvPort, disk, { internet });
  running = await workerd(folder, config, { log: "ignore" });
  service.url = running.url;
}

/**
 * All rows of all tables of all objects, as text: `Account` or `Directory`, the table, and the row.
 */
async function onTheDisk() {
  await running.stop();
  const rows = ["Account", "Directory"].flatMap((name) => {
    const at = path.join(disk, folderOf("edge", name));
    const files = readdirSync(at).filter((file) => /^[0-9a-f]+\.sqlite$/.test(file));
    return files.flatMap((file) => {
      const database = new DatabaseSync(path.join(at, file), { readBigInts: true });
      const tables = database.prepare("select name from sqlite_master where type = 'table'").all();
      const rows = tables.flatMap(({ name: table }) =>
        database
          .prepare(`select * from "${table}"`)
          .all()
          .map((row) => `${name} ${table} ${JSON.stringify(Object.values(row).map(readable))}`),
      );
      database.close();
      return rows;
    });
  });
  await start();
  return rows;
}

/** A value of a row, with bytes as text. @param {unknown} value */
const readable = (value) =>
  value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : String(value);

/**
 * The rows that have one of these texts.
 *
 * @param {string[]} rows
 * @param {string[]} texts
 */
const having = (rows, ...texts) =>
  rows.filter((row) => texts.some((text) => row.toLowerCase().includes(text.toLowerCase())));

/** Signs a person in, who starts. @param {string} name */
async function startedAs(name) {
  const person = new Visitor(service, simulator);
  await person.signIn("social.example", name);
  const uploaded = await person.upload(png(3));
  assert.equal(uploaded.status, 200, await uploaded.text());
  const started = await person.fillIn("/account", "/account/start");
  assert.match(textOf(started.html), /Your picture is turning/);
  const { account } = await (await person.fetch("/account/export")).json();
  return { person, id: String(account.account), subject: String(account.connections[0].account) };
}

test("of a deleted account nothing is stored anywhere, and of others all", async () => {
  const ada = await startedAs("person-50");
  const grace = await startedAs("person-51");
  const full = await onTheDisk();
  const traces = [ada.id, ada.subject, "person-50"];
  for (const trace of traces) assert.ok(having(full, trace).length > 0, `${trace} was there`);
  const before = having(full, grace.id, grace.subject, "person-51").length;

  const { html } = await ada.person.open("/account/delete");
  const { fields = {} } = formFor(html, "/account/delete") ?? {};
  const gone = await ada.person.submit("/account/delete", { ...fields, put_back: "true" });
  assert.equal(gone.status, 303, await gone.text());
  const left = await onTheDisk();
  assert.deepEqual(having(left, ...traces), []);
  assert.equal(having(left, grace.id, grace.subject, "person-51").length, before);
  assert.match(textOf((await grace.person.open("/account")).html), /Your picture is turning/);

  // Whoever comes again is a stranger.
  const again = new Visitor(service, simulator);
  const page = await again.signIn("social.example", "person-50");
  assert.match(textOf(page.html), /Nothing turns yet/);
});

test("after a disconnection the sign-in is neither stored nor of use", async () => {
  const { person, subject } = await startedAs("person-52");
  const sealed = having(await onTheDisk(), "person-52").join("\n");
  const [, secrets = ""] = /"secrets":"([^"\\]+)/.exec(sealed.replaceAll("\\", "")) ?? [];
  assert.ok(secrets.length > 100, sealed.slice(0, 500));
  await simulator.clear();
  const { html } = await person.fillIn("/account", "/account/disconnect", {
    network: "mastodon",
    put_back: "",
  });
  assert.match(textOf(html), /No network is connected/);
  const revoked = await simulator.received("mastodon");
  assert.ok(
    revoked.some(({ endpoint, verdict }) => endpoint === "oauth/revoke" && verdict === "accepted"),
    JSON.stringify(revoked),
  );
  const left = await onTheDisk();
  assert.deepEqual(having(left, secrets, subject), []);
});

test("SSRF: a server that redirects elsewhere has nobody asked there", async () => {
  for (const endpoint of [
    "well-known",
    "instance",
    "apps",
    "oauth/token",
    "accounts/verify_credentials",
  ]) {
    const change = (/** @type {object} */ changed) =>
      simulator.changeServer({ server: "evil.example", reset_limits: true, ...changed });
    await change({ forget_apps: true });
    await new Visitor(service, simulator).begin("evil.example");
    const elsewhere = "https://gts.example/api/v1/accounts/verify_credentials";
    await change({ forget_apps: endpoint === "apps", redirects: { [endpoint]: elsewhere } });
    await simulator.clear();
    const mallory = new Visitor(service, simulator);
    const { address } = await mallory.begin("evil.example");
    if (address) await mallory.open(await mallory.allow(address, "person-53"));
    const received = await simulator.received("mastodon");
    assert.ok(received.length > 0);
    assert.deepEqual(
      received.filter(({ server }) => server !== "evil.example"),
      [],
      endpoint,
    );
    await change({ redirects: { [endpoint]: null } });
  }
});
