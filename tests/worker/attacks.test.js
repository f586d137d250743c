/**
 * Attacks on the service, each of which has to fail: on people who are signed in, on their sign-ins,
 * and on the service itself by servers that people name.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { png } from "./harness/frames.js";
import { HOSTILE, hostileServer } from "./harness/hostile.js";
import { useInternet } from "./harness/internet.js";
import { OPEN, SERVERS } from "./harness/service.js";
import { useStage } from "./harness/stage.js";
import { SERVICE, Visitor, formsOf, textOf } from "./harness/visitor.js";

const stage = useStage({
  simulate: [...SERVERS, "--mastodon-server", "evil.example=mastodon-4.3"],
});
const hostile = await hostileServer();
const asked = useInternet(() => stage.simulator, new Map([[HOSTILE, hostile.port]]));

/** The longest that a person waits for an answer that a server holds back, in ms. */
const PATIENCE_MS = 30_000;

/** A person who opens the open service. */
async function visitor() {
  await stage.worker.configure(OPEN);
  return new Visitor(stage.worker, stage.simulator);
}

/** The name of the account whose page a browser sees, or what the page says. @param {Visitor} who */
async function pageOf(who) {
  const { html } = await who.open("/account");
  return textOf(html);
}

/** The forms of the page that change something. */
const ACTIONS = [
  "/account/start",
  "/account/pause",
  "/account/resume",
  "/account/turn",
  "/account/put-back",
  "/account/settings",
  "/account/disconnect",
  "/account/delete",
  "/account/sign-out",
];

test("CSRF: another site makes the browser of somebody who is signed in send a form", async () => {
  const ada = await visitor();
  await ada.signIn("social.example", "person-1");
  await ada.upload(png(3));
  const { html } = await ada.open("/account");
  const token = formsOf(html).find(({ fields }) => fields.csrf)?.fields.csrf ?? "";
  assert.ok(token);
  const other = await visitor();
  await other.signIn("social.example", "person-2");
  const others = formsOf((await other.open("/account")).html).find(({ fields }) => fields.csrf);

  const fields = { network: "mastodon", TIME_ZONE: "Europe/Berlin", put_back: "true" };
  for (const action of [...ACTIONS, "/sign-in/mastodon"]) {
    for (const [what, csrf, headers] of /** @type {const} */ ([
      ["another site", token, { origin: "https://evil.example", "sec-fetch-site": "cross-site" }],
      ["a site without a name", token, { origin: "null", "sec-fetch-site": "cross-site" }],
      [
        "a neighbour",
        token,
        { origin: "https://www.icons.example", "sec-fetch-site": "same-site" },
      ],
      ["no token", "", {}],
      ["somebody else's token", others?.fields.csrf ?? "", {}],
    ])) {
      const sent = await ada.submit(action, { ...fields, csrf }, headers);
      assert.equal(sent.status, 403, `${action} by ${what}: ${await sent.text()}`);
    }
    assert.equal((await ada.fetch(`${action}?csrf=${token}`)).status === 303, false, action);
  }
  const upload = await ada.fetch("/account/icon", {
    method: "PUT",
    body: png(3),
    headers: { origin: "https://evil.example", "x-csrf-token": token },
  });
  assert.equal(upload.status, 403);
  assert.match(await pageOf(ada), /Start/, "nothing has started, and nobody was signed out");
  const received = await stage.simulator.received("mastodon");
  assert.ok(received.every(({ picture }) => picture === null));
});

test("login CSRF: somebody else's account ends up in my browser", async () => {
  const mallory = await visitor();
  const { address } = await mallory.begin("social.example");
  const callback = await mallory.allow(address ?? "", "person-3");
  const victim = await visitor();
  await victim.open("/");
  const { html } = await victim.open(callback);
  assert.match(textOf(html), /This sign-in is over/);
  assert.equal(victim.cookies.has("__Host-session"), false);
  // Nor where the victim is signed in already.
  const signedIn = await visitor();
  await signedIn.signIn("social.example", "person-4");
  const again = await mallory.begin("social.example");
  await signedIn.open(await mallory.allow(again.address ?? "", "person-3"));
  const page = await pageOf(signedIn);
  assert.match(page, /@person-4@social\.example/);
  assert.doesNotMatch(page, /person-3/);
});

test("replay: a state or a code is used twice", async () => {
  const ada = await visitor();
  const { address } = await ada.begin("social.example");
  const callback = await ada.allow(address ?? "", "person-5");
  const browserBefore = new Map(ada.cookies);
  await ada.open(callback);
  assert.match(await pageOf(ada), /@person-5@social\.example/);
  const thief = await visitor();
  thief.cookies = browserBefore;
  const { html } = await thief.open(callback);
  assert.match(textOf(html), /This sign-in is over/);
  assert.equal(thief.cookies.has("__Host-session"), false);
});

test("mix-up: a hostile server has the code of another sent to itself", async () => {
  const victim = await visitor();
  const evil = await victim.begin("evil.example");
  const state = new URL(evil.address ?? "").searchParams.get("state") ?? "";
  // The hostile server sends the browser on to a good one, with the state of its own sign-in.
  const good = await (await visitor()).begin("social.example");
  const onward = new URL(good.address ?? "");
  onward.searchParams.set("state", state);
  const callback = await victim.allow(onward.href, "person-6");
  await stage.simulator.clear();
  const { html } = await victim.open(callback);
  assert.match(textOf(html), /This sign-in is over/);
  const exchanges = (await stage.simulator.received("mastodon")).filter(
    ({ endpoint }) => endpoint === "oauth/token",
  );
  assert.deepEqual(exchanges, [], "the code goes to nobody");
});

test("open redirects: no parameter sends the browser elsewhere", async () => {
  const ada = await visitor();
  await ada.signIn("social.example", "person-7");
  for (const where of [
    "/?next=https://evil.example",
    "/account?next=https://evil.example",
    "/callback/mastodon/social.example?state=x&code=x&redirect_uri=https://evil.example",
    "/callback/mastodon/evil.example?error=access_denied&state=x",
    "//evil.example/account",
  ]) {
    const location = (await ada.fetch(where)).headers.get("location");
    assert.ok(location === null || /^\/[a-z-]/.test(location), `${where}: ${location}`);
  }
});

test("session fixation: a session that somebody planted is nobody's", async () => {
  const victim = await visitor();
  const planted = "A".repeat(43);
  victim.cookies.set("__Host-session", planted);
  await victim.signIn("social.example", "person-8");
  assert.notEqual(victim.cookies.get("__Host-session"), planted);
  const mallory = await visitor();
  mallory.cookies.set("__Host-session", planted);
  assert.match(await pageOf(mallory), /Sign in with Mastodon/);
  // A session of mine that I have left is nobody's either.
  const before = victim.cookies.get("__Host-session") ?? "";
  await victim.fillIn("/account", "/account/sign-out");
  mallory.cookies.set("__Host-session", before);
  assert.match(await pageOf(mallory), /Sign in with Mastodon/);
});

test("SSRF: an address that points inwards, or is none of the web, is asked by nobody", async () => {
  asked.length = 0;
  for (const typed of [
    "127.0.0.1",
    "http://127.0.0.1:8080",
    "https://localhost",
    "https://social.example:8443",
    "https://user:pass@social.example",
    "https://[::1]",
    "https://2130706433",
    "https://0x7f.1",
    "https://127.1",
    "https://169.254.169.254/latest",
    "https://printer.local",
    "https://db.internal",
    "https://intranet",
    "https://social.example@127.0.0.1",
    "https://127.0.0.1#@social.example",
    "https://1.2.3.4.",
    "https://１２７.0.0.1",
    "me@10.0.0.1",
    "file:///etc/passwd",
    "https://a.arpa",
  ]) {
    // Each from an address of its own, so that the limit does not answer for the rules.
    const mallory = await visitor();
    const { response, address } = await mallory.begin(typed);
    assert.equal(address, undefined, typed);
    assert.equal(response.status, 422, typed);
  }
  assert.deepEqual(
    asked.filter((host) => !host.endsWith(".example")),
    [],
  );
});

test("no route from outside reaches another account, or an object's own routes", async () => {
  const ada = await visitor();
  await ada.signIn("social.example", "person-9");
  for (const [method, where] of [
    ["POST", "/commands"],
    ["POST", "/turns"],
    ["POST", "/directory"],
    ["GET", "/account/frames/0?account=default"],
    ["GET", "/account/default"],
    ["GET", "/accounts/default"],
    ["POST", "/turn"],
    ["GET", "/journal"],
    ["PUT", "/icon"],
    ["DELETE", "/journal"],
    ["POST", "/session"],
    ["POST", "/keys/rotation"],
    ["GET", "/keys/client"],
    ["POST", "/keys/client"],
    ["DELETE", "/keys/client/any"],
  ]) {
    const headers = { origin: SERVICE, accept: "application/json" };
    const answer = await ada.fetch(where, { method, headers });
    assert.ok(
      [400, 401, 403, 404, 405].includes(answer.status),
      `${method} ${where}: ${answer.status}`,
    );
  }
});

/**
 * Signs in on the hostile server, which needs no person's consent.
 *
 * @param {Visitor} who
 * @param {Record<string, unknown>} says what it says of the account
 */
async function signInOnHostile(who, says) {
  hostile.says = { id: "1", username: "mallory", acct: "mallory", ...says };
  const { address, html } = await who.begin(HOSTILE);
  assert.ok(address, textOf(html));
  const { searchParams } = new URL(address);
  const back = new URL(searchParams.get("redirect_uri") ?? "");
  back.searchParams.set("state", searchParams.get("state") ?? "");
  back.searchParams.set("code", "a-code");
  return who.open(back.href);
}

/** What would be an element of its own if the text were not escaped. */
const MARKUP = /<(script>|img src=x|b>)/i;

test("a server lies about who signed in, and opens nobody's account elsewhere", async () => {
  const ada = await visitor();
  await ada.signIn("social.example", "person-40");
  await ada.upload(png(3));
  await ada.fillIn("/account", "/account/settings", { TIME_ZONE: "Asia/Kolkata" });
  const { id } = await stage.simulator.issueToken({
    server: "social.example",
    account: "person-40",
    scopes: "read",
  });

  // By the simulator's server, and by one that also claims the other server's addresses.
  await stage.simulator.changeServer({
    server: "evil.example",
    poses_as: "person-40@social.example",
  });
  const mallory = await visitor();
  await mallory.signIn("evil.example", "person-41");
  const eve = await visitor();
  await signInOnHostile(eve, {
    id,
    username: "person-40",
    acct: "person-40@social.example",
    url: "https://social.example/@person-40",
    uri: "https://social.example/users/person-40",
  });
  for (const [who, server] of /** @type {const} */ ([
    [mallory, "evil.example"],
    [eve, HOSTILE],
  ])) {
    const page = await pageOf(who);
    assert.ok(page.includes(`@person-40@${server}`), page);
    assert.doesNotMatch(page, /@social\.example|Kolkata|Your picture is in place/);
    assert.notEqual((await who.fetch("/account/frames/0")).status, 200);
  }
  await stage.simulator.changeServer({ server: "evil.example", poses_as: null });
  assert.match(await pageOf(ada), /@person-40@social\.example/);
});

test("a server that fails or answers nonsense signs nobody in, and says what to do", async () => {
  const fail = (/** @type {string} */ fault, /** @type {string} */ endpoint) =>
    stage.simulator.fail(fault, 50, { network: "mastodon", endpoint, server: "evil.example" });
  const faults = [
    ...["internal-error", "bad-gateway", "empty-error", "captive-portal", "hostile-text"],
    ...["endless-body", "cut-off", "reset", "rate-limit", "slow"],
  ];
  for (const endpoint of ["well-known", "apps", "oauth/token", "accounts/verify_credentials"]) {
    for (const fault of faults) {
      await stage.simulator.clear();
      await stage.simulator.changeServer({
        server: "evil.example",
        forget_apps: true,
        reset_limits: true,
      });
      const ada = await visitor();
      const isLate = endpoint.includes("oauth") || endpoint.includes("accounts");
      const start = performance.now();
      if (!isLate) await fail(fault, endpoint);
      let { address, response, html } = await ada.begin("evil.example");
      const what = `${fault} at ${endpoint}: ${response.status} ${textOf(html)}`;
      if (address) {
        const callback = await ada.allow(address, "person-42");
        if (isLate) await fail(fault, endpoint);
        ({ response, html } = await ada.open(callback));
      }
      const took = performance.now() - start;
      assert.ok(took < PATIENCE_MS, `${what} took ${took} ms`);
      assert.doesNotMatch(html, MARKUP, what);
      assert.ok(html.length < 60_000, `${what}: ${html.length} characters`);
      if (ada.cookies.has("__Host-session")) {
        // Whatever only delays, or what the sign-in can do without, stops nobody.
        assert.ok(fault === "slow" || endpoint === "well-known", what);
        continue;
      }
      assert.match(textOf(html), /evil\.example|Mastodon/, what);
      assert.match(
        textOf(html),
        /Try again|Sign in again|Check the name|Ask who runs it|takes no more/,
        what,
      );
    }
  }
  await stage.simulator.clear();
});

test("a server that sends its answers drop by drop, or none, holds nobody for long", async () => {
  hostile.drips = true;
  const start = performance.now();
  const [dripped, hung] = await Promise.all([
    (await visitor()).begin(HOSTILE),
    stage.simulator
      .fail("hang", 50, { network: "mastodon", server: "evil.example" })
      .then(async () => (await visitor()).begin("evil.example")),
  ]);
  hostile.drips = false;
  await stage.simulator.clear();
  const took = performance.now() - start;
  assert.ok(took < PATIENCE_MS, `${took} ms`);
  for (const { response, html } of [dripped, hung]) {
    assert.equal(response.status, 422);
    assert.match(textOf(html), /did not answer within \d+ s\. Try again later/);
  }
});

test("stored XSS: what a server or a person writes is text on every page", async () => {
  const ada = await visitor();
  const { html } = await ada.fillIn("/sign-in", "/sign-in/mastodon", {
    server: `"><script>alert(1)</script>`,
  });
  assert.doesNotMatch(html, MARKUP);
  assert.match(textOf(html), /script/, "what was typed is shown again");
  for (const username of [
    `<script>alert(1)</script>`,
    `"><img src=x onerror=alert(1)>`,
    `Ada <b>&"'`,
  ]) {
    const mallory = await visitor();
    const page = await signInOnHostile(mallory, {
      id: `</script><img src=x>${username.length}`.replaceAll(" ", "-"),
      username,
      acct: username,
      display_name: username,
      avatar: "javascript:alert(1)",
    });
    assert.ok(mallory.cookies.has("__Host-session"), textOf(page.html));
    await mallory.upload(png(3));
    const started = await mallory.fillIn("/account", "/account/start");
    const refused = await mallory.fillIn("/account", "/account/settings", {
      TIME_ZONE: `"><script>alert(1)</script>`,
    });
    const asking = await mallory.open("/account/delete");
    for (const { html } of [page, started, refused, asking]) {
      assert.doesNotMatch(html, MARKUP);
    }
    assert.match(page.html, /&lt;|&quot;/, "the name is there, as text");
    const file = await mallory.fetch("/account/export");
    assert.equal(file.headers.get("content-type"), "application/json");
    assert.match(file.headers.get("content-disposition") ?? "", /^attachment/);
    assert.equal(file.headers.get("x-content-type-options"), "nosniff");
    const [connection] = (await file.json()).account.connections;
    assert.ok(connection.name.startsWith(`@${username.slice(0, 5)}`), connection.name);
  }
});

test("logs hold neither handles nor addresses", async () => {
  const ada = await visitor();
  await ada.signIn("social.example", "person-44");
  await ada.upload(png(3));
  await ada.fillIn("/account", "/account/start");
  await stage.simulator.fail("hostile-text", 1, { network: "mastodon", server: "social.example" });
  await ada.fillIn("/account", "/account/turn");
  await stage.simulator.changeServer({ server: "social.example", revoke: "person-44" });
  await ada.fillIn("/account", "/account/turn");
  const logs = JSON.stringify(await stage.worker.logs(1));
  for (const hidden of ["person-44", "social.example", ada.address]) {
    assert.ok(!logs.includes(hidden), `${hidden} in ${logs}`);
  }
});

test("a flood of sign-ins is turned away", async () => {
  const mallory = await visitor();
  const statuses = [];
  for (let n = 0; n < 15; n += 1)
    statuses.push((await mallory.begin("social.example")).response.status);
  assert.ok(statuses.includes(429), statuses.join());
});
