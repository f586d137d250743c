/**
 * Tests how secrets are encrypted before they are stored, by registrations on servers and by the
 * service's own keys, which the Worker encrypts anew (`POST /keys/rotation`). The form is written here once more, with Node's
 * Web Cryptography, from its description in `crates/core/src/service/keys.rs`.
 */
import assert from "node:assert/strict";
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  randomBytes,
  sign,
  verify,
  webcrypto,
} from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { configuration, copyScript, workerd } from "../../benches/lib/workerd.js";
import { TOKEN } from "./harness/workerd.js";

/** Sends requests to the Worker, or to the directory's object. */
const driver = `export default {
  fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname !== "/directory") return env.edge.fetch(new Request("https://icons.example" + pathname, request));
    return env["edge Directory"].getByName("directory").fetch(request);
  },
};`;

const [OLD, NEW, UNKNOWN] = [randomBytes(32), randomBytes(48), randomBytes(32)];
const SERVICE_KEY = `${NEW.toString("hex")} ${OLD.toString("base64")}`;
const SERVER = "https://social.example";
const FIELD = "client_secret";
const SECRET = "a sécret 🦀";

const folder = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-encryption-"));
let disks = 0;

before(() => {
  copyScript(folder, "edge");
  writeFileSync(path.join(folder, "driver.js"), driver);
});

after(() => rmSync(folder, { recursive: true }));

/** @param {Buffer} key */
const idOf = (key) =>
  createHash("sha256").update("rotate-icon key id v1\0").update(key).digest("hex").slice(0, 8);

/**
 * The cipher's key, and its parameters.
 *
 * @param {Buffer} key
 * @param {Uint8Array<ArrayBuffer>} iv
 * @param {string} owner
 * @param {string} field
 */
async function cipher(key, iv, owner, field) {
  const { subtle } = webcrypto;
  const material = await subtle.importKey("raw", new Uint8Array(key), "HKDF", false, ["deriveKey"]);
  const info = new TextEncoder().encode("rotate-icon encryption at rest v1");
  const derived = await subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info },
    material,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(owner));
  const parts = [Buffer.from(idOf(key)), length, Buffer.from(owner), Buffer.from(field)];
  const additionalData = new Uint8Array(Buffer.concat(parts));
  return { derived, parameters: { name: "AES-GCM", iv, additionalData } };
}

/**
 * @param {Buffer} key
 * @param {string} owner
 * @param {string} field
 */
async function encrypt(key, owner = SERVER, field = FIELD) {
  const iv = webcrypto.getRandomValues(new Uint8Array(12));
  const { derived, parameters } = await cipher(key, iv, owner, field);
  const text = new TextEncoder().encode(SECRET);
  const ciphertext = await webcrypto.subtle.encrypt(parameters, derived, text);
  const parts = [iv, new Uint8Array(ciphertext)];
  return [idOf(key), ...parts.map((part) => Buffer.from(part).toString("base64url"))].join(".");
}

/**
 * @param {Buffer} key
 * @param {string} encrypted
 */
async function decrypt(key, encrypted, owner = SERVER, field = FIELD) {
  const [id, ...parts] = encrypted.split(".");
  assert.equal(id, idOf(key));
  const [iv, ciphertext] = parts.map((part) => new Uint8Array(Buffer.from(part, "base64url")));
  const { derived, parameters } = await cipher(key, iv, owner, field);
  const text = await webcrypto.subtle.decrypt(parameters, derived, ciphertext);
  return new TextDecoder().decode(text);
}

/** @param {string} client_secret */
const app = (client_secret) => ({
  network: "mastodon",
  server: SERVER,
  client_id: "client",
  client_secret,
  scopes: "profile",
  uses_pkce: true,
  redirect_uri: "https://icons.example/sign-in/mastodon/callback",
});

/** A place where a Worker can keep what it stores. */
function newDisk() {
  disks += 1;
  const disk = path.join(folder, `disk-${disks}`);
  mkdirSync(disk);
  return disk;
}

/**
 * Starts the Worker with these keys. Returns what asks its directory, and what asks the Worker as
 * its owner.
 *
 * @param {import("node:test").TestContext} t
 * @param {string} key
 */
async function startWorker(t, key, disk = newDisk()) {
  const vars = { SERVICE_KEY: key, TRIGGER_TOKEN: TOKEN, PUBLIC_URL: "https://icons.example" };
  // Nothing here reads from KV.
  const worker = await workerd(
    folder,
    configuration([{ id: "edge", isBuilt: true, vars }], 1, disk),
  );
  t.after(() => worker.stop());
  /** @param {object} request */
  const directory = async (request) => {
    const body = JSON.stringify(request);
    const response = await fetch(`${worker.url}/directory`, { method: "POST", body });
    assert.equal(response.status, 200);
    return response.json();
  };
  /** @param {string} method @param {string} where */
  const owner = async (method, where) => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const response = await fetch(`${worker.url}${where}`, { method, headers });
    return { response, status: response.status, answer: await response.json() };
  };
  return { worker, directory, owner };
}

/**
 * Starts the Worker with these keys. Returns what rotates the key of a registration: it gives the
 * answer, and the registration as it is stored then.
 *
 * @param {import("node:test").TestContext} t
 * @param {string} key
 */
async function start(t, key) {
  const { directory, owner } = await startWorker(t, key);
  /** @param {string} stored */
  return async (stored) => {
    await directory({ ask: "keep_app", app: app(stored) });
    const { status, answer } = await owner("POST", "/keys/rotation");
    const now = await directory({ ask: "app", network: "mastodon", server: SERVER });
    assert.deepEqual(now, app(now.client_secret));
    return { status, answer, secret: now.client_secret };
  };
}

test("what an older key has encrypted is encrypted with the newest", async (t) => {
  const rotate = await start(t, SERVICE_KEY);
  const before = await encrypt(OLD);
  const { status, answer, secret } = await rotate(before);
  assert.equal(status, 200, JSON.stringify(answer));
  assert.equal(answer.key, idOf(NEW));
  assert.equal(await decrypt(NEW, secret), SECRET);
  // No initialization vector is used twice.
  assert.notEqual((await rotate(before)).secret, secret);
  // What has the newest key stays as it is.
  assert.equal((await rotate(secret)).secret, secret);
});

test("nothing that was changed, or is for something else, is decrypted", async (t) => {
  const rotate = await start(t, SERVICE_KEY);
  const good = await encrypt(OLD);
  const [id, iv, ciphertext] = good.split(".");
  /** @param {string} part */
  const changed = (part) => (part.startsWith("A") ? "B" : "A") + part.slice(1);
  for (const [what, stored] of [
    ["the key", ["00000000", iv, ciphertext].join(".")],
    ["the initialization vector", [id, changed(iv), ciphertext].join(".")],
    ["the ciphertext", [id, iv, changed(ciphertext)].join(".")],
    ["the tag", good.slice(0, -4)],
    ["the form", `${good}.`],
    ["another server's", await encrypt(OLD, "https://other.example")],
    ["another field's", await encrypt(OLD, SERVER, "verifier")],
    ["owner and field, divided otherwise", await encrypt(OLD, `${SERVER}c`, "lient_secret")],
    ["a key that is gone", await encrypt(UNKNOWN)],
  ]) {
    const { secret, answer } = await rotate(stored);
    assert.equal(secret, stored, what);
    assert.ok(!JSON.stringify(answer).includes(SECRET), what);
  }
  assert.notEqual((await rotate(good)).secret, good);
});

test("without a key, or with one that is none, nothing is encrypted, and the answer says why", async (t) => {
  for (const [key, why] of /** @type {[string, RegExp][]} */ ([
    ["", /SERVICE_KEY is not set/],
    ["hunter2-hunter2", /SERVICE_KEY has to be .* at least 32 random bytes/],
    [`${OLD.toString("base64")} hunter2-hunter2`, /SERVICE_KEY has to be/],
  ])) {
    const rotate = await start(t, key);
    const stored = await encrypt(OLD);
    const { status, answer, secret } = await rotate(stored);
    assert.equal(status, 503);
    assert.match(answer.detail, why);
    assert.ok(!answer.detail.includes("hunter2"));
    assert.equal(secret, stored);
  }
});

test("the keys of the service as an application are on P-256, and only their public halves are told", async (t) => {
  const { worker, directory, owner } = await startWorker(t, SERVICE_KEY);
  const none = await fetch(`${worker.url}/oauth/jwks.json`);
  assert.deepEqual(await none.json(), { keys: [] });
  const added = await Promise.all([owner("POST", "/keys/client"), owner("POST", "/keys/client")]);
  assert.deepEqual(
    added.map(({ status }) => status),
    [201, 201],
  );
  const published = await fetch(`${worker.url}/oauth/jwks.json`, { redirect: "error" });
  assert.equal(published.headers.get("content-type"), "application/json");
  assert.equal(published.headers.get("cache-control"), "public, max-age=300");
  assert.equal(published.headers.get("set-cookie"), null);
  const { keys } = await published.json();
  assert.equal(keys.length, 2);
  const head = await fetch(`${worker.url}/oauth/jwks.json`, { method: "HEAD" });
  assert.equal(head.status, 200);
  assert.equal(await head.text(), "");
  for (const stored of await directory({ ask: "client_keys" })) {
    const jwk = keys.find((/** @type {any} */ key) => key.kid === stored.id);
    assert.deepEqual(Object.keys(jwk).sort(), ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    const { x, y } = jwk;
    const canonical = JSON.stringify({ crv: "P-256", kty: "EC", x, y });
    assert.equal(createHash("sha256").update(canonical).digest("base64url"), stored.id);
    const text = await decrypt(NEW, stored.private, stored.id, "client_key");
    const made = JSON.parse(text);
    assert.deepEqual([made.kty, made.crv, made.x, made.y], ["EC", "P-256", x, y]);
    // Its halves belong together.
    const message = randomBytes(40);
    const half = createPrivateKey({ key: made, format: "jwk" });
    const signature = sign("sha256", message, { key: half, dsaEncoding: "ieee-p1363" });
    const key = createPublicKey({ key: jwk, format: "jwk" });
    assert.ok(verify("sha256", message, { key, dsaEncoding: "ieee-p1363" }, signature));
    assert.ok(!JSON.stringify(added.map(({ answer }) => answer)).includes(made.d));
  }
});

test("the keys of the service as an application are encrypted anew too, and those that are lost are named", async (t) => {
  const disk = newDisk();
  const before = await startWorker(t, OLD.toString("base64"), disk);
  const { answer } = await before.owner("POST", "/keys/client");
  const { id } = answer.keys[0];
  await before.worker.stop();

  const during = await startWorker(t, SERVICE_KEY, disk);
  for (let n = 0; n < 2; n += 1) {
    const rotated = await during.owner("POST", "/keys/rotation");
    assert.deepEqual(rotated.answer.failed, []);
    assert.equal(rotated.answer.client_keys, 1);
    assert.equal(rotated.answer.next, "accounts");
  }
  const [stored] = await during.directory({ ask: "client_keys" });
  assert.ok(stored.private.startsWith(`${idOf(NEW)}.`));
  await during.worker.stop();

  const later = await startWorker(t, NEW.toString("hex"), disk);
  assert.equal((await later.owner("GET", "/keys/client")).answer.signing, id);
  await later.worker.stop();

  const lost = await startWorker(t, UNKNOWN.toString("hex"), disk);
  const rotated = await lost.owner("POST", "/keys/rotation");
  assert.match(rotated.answer.failed[0], new RegExp(`client key ${id}: SERVICE_KEY does not have`));
  assert.equal((await lost.owner("GET", "/keys/client")).answer.keys[0].usage, "lost");
  const { answer: added } = await lost.owner("POST", "/keys/client");
  assert.equal(added.signing, added.keys[0].id);
  assert.equal((await lost.owner("DELETE", `/keys/client/${id}`)).status, 200);
  assert.equal((await lost.owner("DELETE", `/keys/client/${added.signing}`)).status, 409);
});

test("a network whose servers register applications has no document", async (t) => {
  const { owner } = await startWorker(t, SERVICE_KEY);
  for (const network of ["mastodon", "x", "none"]) {
    const { status } = await owner("GET", `/oauth/${network}/client-metadata.json`);
    assert.equal(status, 404, network);
  }
});
