/**
 * Attacks on sign-ins with Bluesky by servers that people name: whatever an authorization server, a
 * directory or an account's document says, nobody is signed in by a lie, nothing hangs, and nobody
 * else is asked. That no redirect is followed, replies.test.js and leaving.test.js show: the network
 * of this test follows them by itself.
 */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { AUTH, GOOD, NAMES, PEOPLE, authorizationServer } from "./harness/authorization-server.js";
import { json } from "./harness/assertions.js";
import { png } from "./harness/frames.js";
import { useInternet } from "./harness/internet.js";
import { OPEN } from "./harness/service.js";
import { useStage } from "./harness/stage.js";
import { Visitor, formsOf, textOf } from "./harness/visitor.js";

/** @typedef {import("./harness/authorization-server.js").Lie} Lie */

const stage = useStage();
const liar = await authorizationServer();
const asked = useInternet(() => stage.simulator, new Map(NAMES.map((name) => [name, liar.port])));

/** The longest that a person waits for an answer that a server holds back, in ms. */
const PATIENCE_MS = 30_000;

/** Where servers describe themselves. */
const METADATA = "/.well-known/oauth-authorization-server";
const RESOURCE = "/.well-known/oauth-protected-resource";

const { did: ADA } = PEOPLE["ada.test"];
const { did: BOB } = PEOPLE["bob.test"];

/** What would be an element of its own if the text were not escaped. */
const MARKUP = /<(script>|img src=x)/i;

const SETTINGS = {
  ...OPEN,
  vars: {
    ...OPEN.vars,
    BLUESKY_DNS: "https://dns.example",
    BLUESKY_DIRECTORY: "https://plc.example",
  },
};

beforeEach(() => {
  honest();
  asked.length = 0;
});

/** Ends all lies. */
function honest() {
  liar.lies = {};
  liar.subject = ADA;
  liar.asked.length = 0;
}

async function visitor() {
  await stage.worker.configure(SETTINGS);
  return new Visitor(stage.worker, stage.simulator);
}

/**
 * Types where the account is.
 *
 * @param {Visitor} who
 * @param {string} typed
 */
async function begin(who, typed = `https://${AUTH}`) {
  const { response, html } = await who.fillIn("/sign-in", "/sign-in/bluesky", { server: typed });
  return { status: response.status, html, address: consentIn(html) };
}

/** The server's page that a page leaves to. @param {string} html */
function consentIn(html) {
  const [, refresh] = /http-equiv="refresh"\s+content="0;\s*url=([^"]*)"/i.exec(html) ?? [];
  return refresh?.replaceAll("&amp;", "&");
}

/**
 * Checks that a sign-in has failed: nobody is signed in, and nobody else was asked.
 *
 * @param {Visitor} who
 * @param {{ html: string }} page what the person sees
 * @param {string} what
 */
async function assertNobody(who, { html }, what) {
  const text = textOf(html);
  assert.equal(who.cookies.has("__Host-session"), false, `${what}: ${text}`);
  assert.doesNotMatch(html, MARKUP, what);
  assert.ok(html.length < 60_000, `${what}: ${html.length} characters`);
  assert.match(
    text,
    /Try again|Sign in again|Check|Ask who runs it|ask who runs it|Sign in there|Type |in DNS|may be asked|is known of it|is over|takes no more/,
    what,
  );
  assert.match(textOf((await who.open("/account")).html), /Sign in with Bluesky/, what);
  const own = [new URL(stage.simulator.url).host, new URL(stage.worker.url).host];
  const strangers = asked.filter((host) => ![...NAMES, ...own].includes(host));
  assert.deepEqual(strangers, [], what);
}

/**
 * Begins a sign-in that has to fail before a page of consent.
 *
 * @param {string} what
 * @param {Record<string, Lie>} lies
 * @param {string} [typed]
 */
async function refusedAtStart(what, lies, typed) {
  honest();
  liar.lies = lies;
  const who = await visitor();
  const start = performance.now();
  const page = await begin(who, typed);
  const took = performance.now() - start;
  assert.ok(took < PATIENCE_MS, `${what} took ${took} ms`);
  assert.equal(page.address, undefined, what);
  assert.ok([422, 429, 502, 503].includes(page.status), `${what}: ${page.status}`);
  await assertNobody(who, page, what);
  return textOf(page.html);
}

/**
 * Comes back from the page of consent to a sign-in that has to fail.
 *
 * @param {string} what
 * @param {Record<string, Lie>} lies told from then on
 * @param {{ subject?: string, changes?: Record<string, string | undefined>, typed?: string }} [how]
 */
async function refusedAtEnd(what, lies, { subject = ADA, changes, typed } = {}) {
  honest();
  liar.subject = subject;
  const who = await visitor();
  const { address, html } = await begin(who, typed);
  assert.ok(address, `${what}: ${textOf(html)}`);
  liar.lies = lies;
  const start = performance.now();
  const page = await who.open(liar.allow(address, changes));
  const took = performance.now() - start;
  assert.ok(took < PATIENCE_MS, `${what} took ${took} ms`);
  await assertNobody(who, page, what);
  return textOf(page.html);
}

/** How often a path was asked. @param {string} path */
const times = (path) => liar.asked.filter((one) => one.path === path).length;

/** A lie that changes members of the truth. @param {object} members @returns {Lie} */
const saying = (members) => (truth) => ({ json: { ...truth.json, ...members } });

/** A failure. @param {number} status @param {any} json @returns {Lie} */
const failing =
  (status, json, headers = {}) =>
  () => ({ status, json, headers });

/** @type {Lie} */
const drips = (_truth, _asked, response) => {
  response.writeHead(200, { "content-type": "application/json" });
  const drip = setInterval(() => {
    if (Object.keys(liar.lies).length > 0) response.write(" ");
    else response.destroy();
  }, 200);
  response.on("close", () => clearInterval(drip));
};

/** @type {Lie} */
const endless = (_truth, _asked, response) => {
  response.writeHead(200, { "content-type": "application/json" });
  const more = () => {
    while (!response.destroyed && response.write(" ".repeat(65_536)));
  };
  response.on("drain", more);
  more();
};

test("an honest server signs in", async () => {
  for (const typed of [`https://${AUTH}`, "ada.test"]) {
    const who = await visitor();
    const { address, html } = await begin(who, typed);
    assert.ok(address, textOf(html));
    await who.open(liar.allow(address));
    assert.ok(who.cookies.has("__Host-session"));
    assert.match(textOf((await who.open("/account")).html), /@ada\.test/);
  }
});

test("an account that has a page is gone to by its identity, whatever its server is called", async () => {
  const ada = await visitor();
  await ada.open(liar.allow((await begin(ada, "ada.test")).address ?? ""));
  const bob = await visitor();
  liar.subject = BOB;
  await bob.open(liar.allow((await begin(bob, "bob.test")).address ?? ""));
  liar.subject = ADA;
  const page = await bob.fillIn("/account", "/sign-in/bluesky", { server: `https://${AUTH}` });
  const taken = await bob.open(liar.allow(consentIn(page.html) ?? ""));
  assert.match(textOf(taken.html), /@ada\.test has a page of its own here/);
  const form = formsOf(taken.html).find(({ fields }) => fields.server);
  assert.equal(form?.fields.server, ADA);
  const switched = await bob.submit(form.action, { ...form.fields, switch: "true" });
  const address = consentIn(await switched.text()) ?? "";
  assert.equal(liar.requestOf(address).get("login_hint"), "ada.test");
  await bob.open(liar.allow(address));
  assert.match(textOf((await bob.open("/account")).html), /@ada\.test/);
});

test("a server from before narrow permissions is asked by the document that declares none", async () => {
  /** @type {Lie} */
  const old = (truth, { form }) =>
    form.get("client_id")?.includes("/generic/")
      ? truth
      : { status: 400, json: { error: "invalid_client_metadata" } };
  liar.lies = { "/oauth/par": old };
  const who = await visitor();
  const { address, html } = await begin(who);
  assert.ok(address, textOf(html));
  const clientId = new URL(address).searchParams.get("client_id") ?? "";
  const document = await json(await who.fetch(clientId));
  assert.equal(document.client_id, clientId);
  assert.equal(document.scope, "atproto transition:generic");
  assert.equal(liar.requestOf(address).get("scope"), document.scope);
  const narrow = await json(await who.fetch("/oauth/bluesky/client-metadata.json"));
  const differ = ["client_id", "scope"];
  for (const [name, value] of Object.entries(narrow))
    if (!differ.includes(name)) assert.deepEqual(document[name], value, name);
  assert.doesNotMatch(narrow.scope, /transition/);
  await who.open(liar.allow(address));
  assert.match(textOf((await who.open("/account")).html), /@ada\.test/);
  const exchange = liar.asked.find(({ path }) => path === "/oauth/token");
  assert.equal(exchange?.form.get("client_id"), clientId);
  // Whoever leaves is signed out by the same document.
  await who.fillIn("/account", "/account/disconnect", { network: "bluesky" });
  const revoked = liar.asked.find(({ path }) => path === "/oauth/revoke");
  assert.equal(revoked?.form.get("client_id"), clientId);
});

test("an answer that is not from the server: its code goes to nobody", async () => {
  for (const iss of [undefined, "", `https://${GOOD}`, `https://${AUTH}/`, `http://${AUTH}`]) {
    await refusedAtEnd(`iss ${iss}`, {}, { changes: { iss } });
    assert.equal(times("/oauth/token"), 0, iss);
  }
  // Begun at the liar, which sends the browser on to a good server with the liar's state.
  honest();
  const victim = await visitor();
  const evil = await begin(victim);
  const good = await begin(await visitor(), `https://${GOOD}`);
  const state = liar.requestOf(evil.address ?? "").get("state") ?? "";
  await assertNobody(
    victim,
    await victim.open(liar.allow(good.address ?? "", { state })),
    "mix-up",
  );
  // A sign-in of another browser.
  const mallory = await visitor();
  const { address } = await begin(mallory);
  const other = await visitor();
  await assertNobody(other, await other.open(liar.allow(address ?? "")), "another browser");
  assert.equal(times("/oauth/token"), 0);
  // The state of one's own, and the code of another.
  await refusedAtEnd("another's code", {}, { changes: { code: "code-of-another" } });
});

test("a server signs in nobody but its own accounts", async () => {
  const nobody = `did:plc:${"c".repeat(24)}`;
  for (const [what, subject, typed] of [
    ["nobody", nobody],
    ["somebody of another server", BOB],
    ["another than was typed", BOB, "ada.test"],
    ["inwards", "did:web:169.254.169.254"],
    ["inwards by name", "did:web:db.internal"],
    ["with a port", "did:web:localhost%3A8080"],
    ["no DID", "ada.test"],
    ["markup", "<script>alert(1)</script>"],
  ]) {
    await refusedAtEnd(String(what), {}, { subject, typed });
    const isDid = /^did:plc:/.test(String(subject));
    if (isDid) assert.equal(times("/oauth/revoke"), 1, `${what}: the tokens are revoked`);
  }
});

test("tokens that are of no use sign nobody in", async () => {
  for (const [what, members] of /** @type {[string, object][]} */ ([
    ["nothing granted", { scope: "" }],
    ["narrowed", { scope: "atproto" }],
    ["bound to no key", { token_type: "Bearer" }],
    ["a token of 1 MB", { access_token: "a".repeat(1_000_000) }],
    ["a token of 50 kB", { access_token: "a".repeat(50_000) }],
    ["a token with a line break", { access_token: "a\r\nb: c" }],
    ["no subject", { sub: null }],
  ]))
    await refusedAtEnd(what, { "/oauth/token": saying(members) });
  // Times that cannot be are no reason to fail.
  for (const expires_in of [-1, 0, 1e300, Number.MAX_SAFE_INTEGER, "soon"]) {
    honest();
    const who = await visitor();
    const { address } = await begin(who);
    liar.lies = { "/oauth/token": saying({ expires_in }) };
    await who.open(liar.allow(address ?? ""));
    assert.ok(who.cookies.has("__Host-session"), `${expires_in}`);
    assert.equal((await who.open("/account")).response.status, 200);
  }
});

test("a server that asks for nonces without end is asked twice", async () => {
  let n = 0;
  /** @type {Lie} */
  const again = () => ({
    status: 400,
    json: { error: "use_dpop_nonce" },
    headers: { "dpop-nonce": `nonce-${n++}` },
  });
  await refusedAtStart("endless nonces at PAR", { "/oauth/par": again });
  assert.equal(times("/oauth/par"), 2);
  await refusedAtEnd("endless nonces at the token", { "/oauth/token": again });
  assert.equal(times("/oauth/token"), 2);
  for (const nonce of ["n".repeat(10_000), "n".repeat(1_000_000), 'a"b', "a b"]) {
    const headers = { "dpop-nonce": nonce };
    const lie = failing(400, { error: "use_dpop_nonce" }, headers);
    await refusedAtStart(`a nonce of ${nonce.length}`, { "/oauth/par": lie });
    assert.equal(times("/oauth/par"), 1);
  }
  honest();
  const who = await visitor();
  const { address } = await begin(who);
  await who.open(liar.allow(address ?? ""));
  await who.upload(png(3));
  /** @type {Lie} */
  const challenge = (truth) =>
    truth.status === 404
      ? {
          status: 401,
          json: { error: "use_dpop_nonce" },
          headers: {
            "dpop-nonce": `nonce-${n++}`,
            "www-authenticate": 'DPoP error="use_dpop_nonce"',
          },
        }
      : truth;
  liar.lies = { [AUTH]: challenge };
  liar.asked.length = 0;
  await who.fillIn("/account", "/account/start");
  const calls = liar.asked.filter(({ path }) => path.startsWith("/xrpc/"));
  assert.ok(calls.length > 0 && calls.length < 40, `${calls.length} calls`);
});

test("metadata that is none, or points elsewhere, is not followed", async () => {
  const deep = "[".repeat(45_000) + "]".repeat(45_000);
  for (const [what, lie] of /** @type {[string, Lie][]} */ ([
    ["20 MB", () => ({ json: " ".repeat(20_000_000) })],
    ["nested", () => ({ json: deep })],
    ["nested far", () => ({ json: "[".repeat(100_000) + "]".repeat(100_000) })],
    ["endless", endless],
    ["no JSON", () => ({ json: "<script>alert(1)</script>" })],
    ["a list", () => ({ json: [] })],
    ["a failure", failing(500, { error: "<script>alert(1)</script>" })],
    ["a limit", failing(429, {}, { "retry-after": "3600" })],
  ])) {
    for (const path of [METADATA, RESOURCE])
      await refusedAtStart(`${what} at ${path}`, {
        // What follows a server's first document is of no matter then.
        [METADATA]: failing(404, {}),
        [path]: lie,
      });
    assert.ok(times(METADATA) + times(RESOURCE) <= 3, what);
    assert.equal(
      liar.asked.some(({ host }) => host === GOOD),
      false,
      what,
    );
  }
  for (const name of [
    "issuer",
    "token_endpoint",
    "pushed_authorization_request_endpoint",
    "revocation_endpoint",
    "authorization_endpoint",
  ]) {
    for (const value of [
      "http://169.254.169.254/latest",
      "https://localhost/oauth",
      "https://db.internal/oauth",
      `https://me:secret@${AUTH}/oauth`,
      `https://${AUTH}:8443/oauth`,
      `http://${AUTH}/oauth`,
      "javascript:alert(1)",
      "data:text/html,<script>alert(1)</script>",
      "",
      7,
      ...(name === "authorization_endpoint" ? [] : [`https://${GOOD}/oauth/token`]),
    ])
      await refusedAtStart(`${name} ${value}`, { [METADATA]: saying({ [name]: value }) });
  }
  for (const servers of [["https://127.0.0.1"], ["https://db.internal"], [], "https://x", null, 7])
    await refusedAtStart(`authorization_servers ${servers}`, {
      [RESOURCE]: saying({ authorization_servers: servers }),
    });
});

test("a reference to a request is one, and no more than that", async () => {
  const urn = "urn:ietf:params:oauth:request_uri:";
  for (const request_uri of [
    ...[undefined, null, 7, "", urn, "https://evil.example/request", "javascript:alert(1)"],
    ...[`${urn}a b`, `${urn}a\r\nb`, `${urn}${"a".repeat(10_000)}`, `${urn}é`],
  ])
    await refusedAtStart(`${request_uri}`.slice(0, 60), { "/oauth/par": saying({ request_uri }) });
  for (const smuggled of [
    "1&client_id=https://evil.example",
    "1#&x",
    '1"><script>alert(1)</script>',
  ]) {
    honest();
    liar.lies = { "/oauth/par": saying({ request_uri: urn + smuggled }) };
    const { address, html } = await begin(await visitor());
    assert.doesNotMatch(html, MARKUP);
    const url = new URL(address ?? "");
    assert.deepEqual([...url.searchParams.keys()], ["client_id", "request_uri"]);
    assert.equal(url.searchParams.get("request_uri"), urn + smuggled);
    assert.equal(url.hash, "");
  }
});

test("documents and names that point elsewhere are not followed", async () => {
  const path = `/${ADA}`;
  /** @param {string} serviceEndpoint @returns {Lie} */
  const at = (serviceEndpoint) => (truth) => ({
    json: { ...truth.json, service: [{ ...truth.json.service[0], serviceEndpoint }] },
  });
  for (const endpoint of [
    ...["http://169.254.169.254", "https://127.0.0.1", "https://localhost:8080", "https://[::1]"],
    ...["https://db.internal", `http://${AUTH}`, `https://a:b@${AUTH}`, `https://${AUTH}:8443`],
    ...[`https://${AUTH}/elsewhere`, "javascript:alert(1)", ""],
  ])
    await refusedAtStart(`a server at ${endpoint}`, { [path]: at(endpoint) }, "ada.test");
  for (const [what, members] of /** @type {[string, object][]} */ ([
    ["of another", { id: BOB }],
    ["with another handle", { alsoKnownAs: ["at://bob.test"] }],
    ["without services", { service: [] }],
    ["with many services", { service: Array(1_000).fill({ id: "#x", type: "X" }) }],
    ["with 20 MB", { service: "x".repeat(20_000_000) }],
  ]))
    await refusedAtStart(`a document ${what}`, { [path]: saying(members) }, "ada.test");
  /** @param {...string} texts @returns {Lie} */
  const dns =
    (...texts) =>
    () => ({
      json: { Status: 0, Answer: texts.map((text) => ({ type: 16, data: `"did=${text}"` })) },
    });
  const several = { "/dns-query": dns(ADA, BOB) };
  assert.match(await refusedAtStart("several", several, "ada.test"), /name several accounts/);
  await refusedAtStart("of another", { "/dns-query": dns(BOB) }, "ada.test");
});

test("failures, captive portals and markup at each endpoint sign nobody in", async () => {
  const page = "<html><script>alert(1)</script><img src=x></html>";
  const html = { "content-type": "text/html" };
  for (const [what, lie] of /** @type {[string, Lie][]} */ ([
    ["500", failing(500, {})],
    ["429", failing(429, {}, { "retry-after": "1" })],
    ["a captive portal", failing(200, page, html)],
    ["markup", failing(400, { error: page, error_description: page })],
    ["nothing", (_truth, _asked, response) => void response.destroy()],
  ])) {
    await refusedAtStart(`${what} at PAR`, { "/oauth/par": lie });
    // A pause that the server asked for is kept.
    if (what === "429") await new Promise((resolve) => setTimeout(resolve, 1_100));
    await refusedAtEnd(`${what} at the token`, { "/oauth/token": lie });
    if (what === "429") await new Promise((resolve) => setTimeout(resolve, 1_100));
    await refusedAtStart(`${what} at the directory`, { "plc.example": lie }, "ada.test");
  }
  // A server that reflects what was sent gets none of it shown.
  /** @type {string[]} */
  const sent = [];
  const text = await refusedAtEnd("reflected", {
    "/oauth/token": (_truth, { form, dpop }) => {
      const secrets = ["code", "code_verifier", "client_assertion"].map(
        (name) => form.get(name) ?? "",
      );
      sent.push(...secrets, dpop);
      return { status: 400, json: { error: "invalid_grant", error_description: sent.join(" ") } };
    },
  });
  for (const secret of sent.slice(0, 2)) assert.ok(secret && !text.includes(secret), text);
});

test("servers that answer drop by drop hold nobody for long", async () => {
  liar.lies = Object.fromEntries([METADATA, RESOURCE, "/oauth/par"].map((path) => [path, drips]));
  const start = performance.now();
  const pages = await Promise.all([
    visitor().then((who) => begin(who)),
    visitor().then((who) => begin(who)),
  ]);
  assert.ok(performance.now() - start < PATIENCE_MS);
  honest();
  for (const { status, html } of pages) {
    assert.equal(status, 422);
    assert.match(textOf(html), /did not answer within \d+ s\. Try again later/);
  }
});

test("SSRF: an address that points inwards is asked by nobody", async () => {
  for (const typed of [
    ...["127.0.0.1", "http://127.0.0.1:8080", "https://localhost", `https://${AUTH}:8443`],
    ...[`https://user:pass@${AUTH}`, "https://[::1]", "https://2130706433", "https://0x7f.1"],
    ...["https://127.1", "https://169.254.169.254/latest", "https://printer.local"],
    ...["https://db.internal", "https://intranet", `https://${AUTH}@127.0.0.1`],
    ...[`https://127.0.0.1#@${AUTH}`, "https://1.2.3.4.", "https://１２７.0.0.1", "me@10.0.0.1"],
    ...["file:///etc/passwd", "https://a.arpa", "did:web:127.0.0.1", "did:web:localhost%3A8080"],
    ...["did:web:db.internal", "at://10.0.0.1", "@127.0.0.1", `"><script>alert(1)</script>`],
  ]) {
    await refusedAtStart(typed, {}, typed);
    assert.equal(liar.asked.length, 0, typed);
  }
});

test("what the service publishes has no private half and asks for no cookies", async () => {
  const who = await visitor();
  await begin(who);
  for (const path of [
    "/oauth/bluesky/client-metadata.json",
    "/oauth/bluesky/generic/client-metadata.json",
    "/oauth/jwks.json",
  ]) {
    const texts = [];
    for (const accept of ["application/json", "text/html,*/*"]) {
      const answer = await who.fetch(path, { headers: { accept } });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("content-type"), "application/json");
      assert.deepEqual(answer.headers.getSetCookie(), []);
      texts.push(await answer.text());
    }
    assert.equal(texts[0], texts[1]);
    for (const member of ["d", "k", "p", "q", "dp", "dq", "qi"])
      assert.ok(!texts[0].includes(`"${member}":`), `${member} in ${texts[0]}`);
    assert.equal((await who.fetch(path, { method: "HEAD" })).status, 200);
    for (const method of ["POST", "PUT", "DELETE"])
      assert.equal((await who.fetch(path, { method })).status, 405, `${method} ${path}`);
  }
});
