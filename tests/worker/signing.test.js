/**
 * Tests what the Worker signs as an application, with an authorization server of the test's own:
 * each signature is verified with Node's crypto, and a key that cannot sign is an error.
 */
import assert from "node:assert/strict";
import { createHash, createPublicKey, hkdfSync, randomBytes, verify, webcrypto } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { configuration, copyScript, workerd } from "../../benches/lib/workerd.js";
import { listen } from "../../scripts/lib/listen.js";
import { metadata } from "./harness/authorization-server.js";
import { OPEN, SERVICE_KEY } from "./harness/service.js";
import { formsOf, textOf } from "./harness/visitor.js";
import { TOKEN } from "./harness/workerd.js";

const SERVICE = "https://icons.example";
const ISSUER = "https://auth.example";

/** Sends requests to the Worker at its address, or to the directory's object. */
const driver = `export default {
  fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/directory") return env["edge Directory"].getByName("directory").fetch(request);
    return env.edge.fetch(new Request("${SERVICE}" + pathname, request));
  },
};`;

const folder = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-signing-"));
/** @type {{ dpop: string, form: URLSearchParams }[]} */
const pushed = [];
/** @type {http.Server} */
let server;
/** @type {import("../../benches/lib/workerd.js").Workerd} */
let worker;

/**
 * Answers for the whole internet: the authorization server, and nothing else.
 *
 * @param {http.IncomingMessage} request
 * @param {http.ServerResponse} response
 */
async function answer(request, response) {
  let body = "";
  for await (const part of request) body += part;
  const { pathname } = new URL(request.url ?? "", ISSUER);
  /** @param {number} status @param {object} json @param {Record<string, string>} headers */
  const reply = (status, json, headers = {}) =>
    response
      .writeHead(status, { "content-type": "application/json", ...headers })
      .end(JSON.stringify(json));
  if (pathname === "/.well-known/oauth-protected-resource")
    return reply(200, { resource: ISSUER, authorization_servers: [ISSUER] });
  if (pathname === "/.well-known/oauth-authorization-server") return reply(200, metadata(ISSUER));
  if (pathname !== "/oauth/par") return reply(404, {});
  pushed.push({ dpop: String(request.headers.dpop), form: new URLSearchParams(body) });
  const nonce = { "dpop-nonce": "the-nonce" };
  if (pushed.length % 2) return reply(400, { error: "use_dpop_nonce" }, nonce);
  const request_uri = "urn:ietf:params:oauth:request_uri:one";
  return reply(201, { request_uri, expires_in: 300 }, nonce);
}

before(async () => {
  server = http.createServer((request, response) => void answer(request, response));
  const internet = await listen(server);
  copyScript(folder, "edge");
  writeFileSync(path.join(folder, "driver.js"), driver);
  const disk = path.join(folder, "disk");
  mkdirSync(disk);
  const vars = { ...OPEN.vars, PUBLIC_URL: SERVICE, SERVICE_KEY, TRIGGER_TOKEN: TOKEN };
  // Nothing here reads from KV.
  const config = configuration([{ id: "edge", isBuilt: true, vars }], 1, disk, { internet });
  worker = await workerd(folder, config);
});

after(async () => {
  await worker?.stop();
  server?.close();
  rmSync(folder, { recursive: true });
});

/** @param {object} request */
async function directory(request) {
  const body = JSON.stringify(request);
  const response = await fetch(`${worker.url}/directory`, { method: "POST", body });
  assert.equal(response.status, 200);
  return response.json();
}

/** Begins a sign-in on the server, as a browser does. */
async function begin() {
  const page = await fetch(`${worker.url}/sign-in`);
  const html = await page.text();
  const form = formsOf(html).find(({ action }) => action === "/sign-in/bluesky");
  assert.ok(form, textOf(html));
  const cookie = page.headers.getSetCookie().map((one) => one.split(";")[0]);
  const response = await fetch(`${worker.url}/sign-in/bluesky`, {
    method: "POST",
    body: new URLSearchParams({ ...form.fields, server: ISSUER }),
    headers: { cookie: cookie.join("; "), origin: SERVICE, accept: "text/html" },
  });
  return { status: response.status, html: await response.text() };
}

/**
 * Reads a signed text after verifying it.
 *
 * @param {string} text in the compact form (RFC 7515 §7.1)
 * @param {(header: any) => import("node:crypto").JsonWebKey} keyOf
 */
function verified(text, keyOf) {
  const [header, claims, signature, ...rest] = text.split(".");
  assert.equal(rest.length, 0);
  /** @param {string} part */
  const read = (part) => JSON.parse(Buffer.from(part, "base64url").toString());
  const jwk = keyOf(read(header));
  const key = createPublicKey({ key: jwk, format: "jwk" });
  assert.equal(key.asymmetricKeyDetails?.namedCurve, "prime256v1");
  const signed = Buffer.from(`${header}.${claims}`);
  const bytes = Buffer.from(signature, "base64url");
  assert.equal(bytes.length, 64);
  assert.ok(verify("sha256", signed, { key, dsaEncoding: "ieee-p1363" }, bytes), text);
  return { header: read(header), claims: read(claims) };
}

test("what is signed verifies: with the published key of the service, and with the session's", async () => {
  const { status, html } = await begin();
  assert.equal(status, 200, textOf(html));
  assert.match(html, /https:\/\/auth\.example\/oauth\/authorize\?client_id=/);
  const jwks = await (await fetch(`${worker.url}/oauth/jwks.json`)).json();
  const document = await fetch(`${worker.url}/oauth/bluesky/client-metadata.json`);
  assert.equal(document.headers.get("content-type"), "application/json");
  assert.equal(document.headers.get("cache-control"), "public, max-age=300");
  assert.equal(document.headers.get("set-cookie"), null);
  const { client_id } = await document.json();
  assert.equal(client_id, `${SERVICE}/oauth/bluesky/client-metadata.json`);

  assert.equal(pushed.length, 2, "once more with the nonce");
  const ids = new Set();
  const thumbprints = new Set();
  for (const [n, { dpop, form }] of pushed.entries()) {
    const assertion = verified(form.get("client_assertion") ?? "", ({ kid }) =>
      jwks.keys.find((/** @type {any} */ key) => key.kid === kid),
    );
    assert.equal(assertion.header.alg, "ES256");
    const { iss, sub, aud, jti, iat } = assertion.claims;
    assert.deepEqual([iss, sub, aud], [client_id, client_id, ISSUER]);
    assert.ok(Math.abs(iat - Date.now() / 1000) < 60);
    const proof = verified(dpop, ({ jwk }) => jwk);
    assert.deepEqual([proof.header.typ, proof.header.alg], ["dpop+jwt", "ES256"]);
    assert.deepEqual(Object.keys(proof.header.jwk).sort(), ["crv", "kty", "x", "y"]);
    assert.deepEqual([proof.claims.htm, proof.claims.htu], ["POST", `${ISSUER}/oauth/par`]);
    assert.equal(proof.claims.nonce, n ? "the-nonce" : undefined);
    thumbprints.add(proof.header.jwk.x);
    ids.add(jti).add(proof.claims.jti);
  }
  assert.equal(ids.size, 4, "nothing is signed twice");
  assert.equal(thumbprints.size, 1);
  assert.notEqual([...thumbprints][0], jwks.keys[0].x, "the session has a key of its own");
});

/**
 * Encrypts a key as the Worker does.
 *
 * @param {string} id
 * @param {string} text
 */
async function encrypt(id, text) {
  const secret = Buffer.from(SERVICE_KEY, "base64");
  const hash = createHash("sha256").update("rotate-icon key id v1\0").update(secret).digest("hex");
  const raw = hkdfSync("sha256", secret, "", "rotate-icon encryption at rest v1", 32);
  const cipher = await webcrypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt"]);
  const iv = randomBytes(12);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(id));
  const parts = [Buffer.from(hash.slice(0, 8)), length, Buffer.from(`${id}client_key`)];
  const algorithm = { name: "AES-GCM", iv, additionalData: Buffer.concat(parts) };
  const encrypted = await webcrypto.subtle.encrypt(algorithm, cipher, Buffer.from(text));
  const encoded = [iv, Buffer.from(encrypted)].map((part) => part.toString("base64url"));
  return [hash.slice(0, 8), ...encoded].join(".");
}

test("a key that cannot sign is told, and nothing else ends", async () => {
  /** @param {string} namedCurve */
  const privateKey = async (namedCurve) => {
    const algorithm = { name: "ECDSA", namedCurve };
    const { privateKey: half } = await webcrypto.subtle.generateKey(algorithm, true, ["sign"]);
    return webcrypto.subtle.exportKey("jwk", half);
  };
  const good = await privateKey("P-256");
  const other = await privateKey("P-384");
  const { d, ...half } = good;
  for (const [what, text] of [
    ["no JSON", "not a key"],
    ["null", "null"],
    ["nothing", "{}"],
    ["no private half", JSON.stringify(half)],
    ["another curve", JSON.stringify(other)],
    ["no point", JSON.stringify({ ...good, x: good.y })],
    ["too short", JSON.stringify({ ...good, d: "AA" })],
    ["for something else", JSON.stringify({ ...good, key_ops: ["verify"] })],
  ]) {
    const before = await directory({ ask: "client_keys" });
    for (const { id } of before) await directory({ ask: "delete_client_key", id });
    const key = {
      id: `broken ${what}`,
      public: { kty: "EC" },
      private: await encrypt(`broken ${what}`, text),
      created_at: Date.now() - 86_400_000,
    };
    await directory({ ask: "keep_client_key", key, only_beside: null });
    const { status, html } = await begin();
    assert.ok([422, 502, 503].includes(status), `${what}: ${status} ${textOf(html)}`);
    assert.match(textOf(html), /sign/i, what);
    if (d) assert.ok(!html.includes(d), what);
    assert.equal((await fetch(`${worker.url}/privacy`)).status, 200, what);
  }
});
