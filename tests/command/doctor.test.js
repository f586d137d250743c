/**
 * Tests `rotate-icon doctor`, against the simulator and a small server that answers as it is told.
 */
import assert from "node:assert/strict";
import { appendFile, chmod } from "node:fs/promises";
import test from "node:test";
import { accountSecrets } from "../../scripts/lib/local-networks.js";
import { account, localX, server, signed } from "./account.js";

const user = JSON.stringify({ id: 7, screen_name: "XAPI", name: "X API" });
const refusal = JSON.stringify({
  errors: [{ code: 89, message: `Invalid token ${accountSecrets.ACCESS_TOKEN}` }],
});

/**
 * Starts an X that knows API v1.1 alone and gives these answers to the question who one is.
 *
 * @param {import("node:test").TestContext} t
 * @param {import("./account.js").Answer[]} answers
 */
const verifier = (t, ...answers) =>
  server(t, ({ url }) => (url.startsWith("/2/") ? [404] : (answers.shift() ?? [200, user])));

const byV1 =
  "API v1.1 answers this app; API v2 does not (X answered 404). Whether X lets it set the picture by them, only a turn can tell.";

test("complete settings are told with the account that they belong to", async (t) => {
  const x = await verifier(t);
  const { folder, settings, run } = await account(t, x.url);
  const { status, stdout, stderr } = await run(["doctor"], { TIME_ZONE: "Europe/Berlin" }, folder);
  assert.deepEqual([status, stderr], [0, ""]);
  assert.equal(
    stdout,
    [
      `Settings from the environment, then from ${settings}:`,
      "  TIME_ZONE: environment",
      "  PERIOD: file",
      "  API_KEY: file",
      "  API_KEY_SECRET: file",
      "  ACCESS_TOKEN: file",
      "  ACCESS_TOKEN_SECRET: file",
      "  API_BASE_URL: file",
      "✓ The dial: the icon turns clockwise once in 7d, on the clock of Europe/Berlin",
      "✓ X: the account XAPI",
      `  ${byV1}`,
      "",
    ].join("\n"),
  );
  // A call that changes nothing, and signed.
  const [request] = x.received;
  assert.deepEqual(
    [request.method, request.url, request.body],
    ["GET", "/1.1/account/verify_credentials.json", ""],
  );
  const { oauth_token: token } = signed(
    request,
    x.url,
    accountSecrets.API_KEY_SECRET,
    accountSecrets.ACCESS_TOKEN_SECRET,
  );
  assert.equal(token, accountSecrets.ACCESS_TOKEN);
});

test("the local X knows whose the keys are, and which are nobody's", async (t) => {
  const x = await localX(t);
  const { run } = await account(t, x.url);
  const { status, stdout } = await run(["doctor"]);
  assert.equal(status, 0, stdout);
  assert.match(stdout, /^✓ X: the account \S+$/m);
  const wrong = await run(["doctor"], { ACCESS_TOKEN_SECRET: "another" });
  assert.equal(wrong.status, 1, wrong.stdout);
  assert.match(wrong.stdout, /^✗ X: X answered 401/m);
});

test("what is missing, wrong, misspelt or open to others is named", async (t) => {
  const x = await verifier(t);
  const { settings, run } = await account(t, x.url, { PERIOD: "5h", API_KEY: "" });
  await appendFile(settings, "API_KYE=abc\nOTHER=abc\n");
  await chmod(settings, 0o644);
  const { status, stdout } = await run(["doctor"]);
  assert.equal(status, 78);
  assert.match(stdout, /^! Others on this machine may read \S+: chmod 600 /m);
  assert.match(stdout, /^! .* sets API_KYE, which is no setting: is API_KEY meant\?$/m);
  assert.match(stdout, /^! .* sets OTHER, which is no setting of rotate-icon\.$/m);
  assert.match(
    stdout,
    /^✗ The dial: PERIOD has to be a period .*\. Correct it where it is set\.$/m,
  );
  assert.match(stdout, /^✗ X: not set: API_KEY\. Set it in the environment or in \.dev\.vars/m);
  assert.deepEqual(x.received, [], "nobody is asked with half of the keys");
});

test("warnings alone do no harm", async (t) => {
  const x = await verifier(t);
  const { settings, run } = await account(t, x.url);
  await appendFile(settings, "OTHER=abc\n");
  assert.equal((await run(["doctor"])).status, 0);
});

test("a network that refuses, or cannot tell now, is told apart", async (t) => {
  const x = await verifier(t, [401, refusal], [503, ""]);
  const { run } = await account(t, x.url);
  const refused = await run(["doctor"]);
  assert.equal(refused.status, 1);
  assert.match(
    refused.stdout,
    /^✗ X: X answered 401, code 89: Invalid token \(hidden\)\. Check the four values/m,
  );
  const later = await run(["doctor"]);
  assert.equal(later.status, 75);
  assert.match(later.stdout, /^✗ X: X answered 503/m);
});

test("with --json, the findings are one object", async (t) => {
  const x = await verifier(t, [401, refusal]);
  const { folder, settings, run } = await account(t, x.url);
  const bad = await run(["doctor", "--json"], {}, folder);
  assert.equal(bad.status, 1);
  const { networks, ...rest } = JSON.parse(bad.stdout);
  assert.deepEqual(rest, {
    ok: false,
    file: settings,
    configuration: null,
    proxy: null,
    settings: ["PERIOD", ...Object.keys(accountSecrets), "API_BASE_URL"].map((name) => ({
      name,
      from: "file",
    })),
    warnings: [],
    dial: { ok: true, found: "the icon turns clockwise once in 7d, on the clock of Asia/Tokyo" },
  });
  const [{ network, ok, reason, message, remedy }] = networks;
  assert.deepEqual([network, ok, reason], ["x", false, "credentials"]);
  assert.ok(message && remedy);
  const good = JSON.parse((await run(["doctor", "--json"])).stdout);
  assert.deepEqual(
    [good.ok, good.networks],
    [true, [{ network: "x", ok: true, found: "the account XAPI", notes: [byV1] }]],
  );
});

test("which versions of X's API are open is told, by calls that change nothing", async (t) => {
  const x = await localX(t);
  const { run } = await account(t, x.url);
  const both = await run(["doctor"]);
  assert.equal(both.status, 0, both.stdout);
  assert.match(both.stdout, /^ {2}API v1\.1 answers this app; API v2 answers this app\./m);
  /**
   * @param {string} fault
   * @param {string} endpoint
   */
  const ask = (fault, endpoint) =>
    fetch(`${x.url}/simulator/faults`, {
      method: "PUT",
      body: JSON.stringify({ fault, endpoint }),
    });
  await ask("access-tier", "account/verify_credentials");
  const second = await run(["doctor"]);
  assert.equal(second.status, 0, second.stdout);
  assert.match(
    second.stdout,
    /^✓ X: the account \S+\n {2}API v1\.1 does not \(X answered 403, code 453: .*\); API v2 answers this app\./m,
  );
  await ask("oauth1-forbidden", "2/users/me");
  const neither = await run(["doctor"]);
  assert.equal(neither.status, 1, neither.stdout);
  assert.match(
    neither.stdout,
    /^✗ X: X answered 403, code 453: .*; and by API v2, X answered 403: .*OAuth 1\.0a.*X does not take OAuth 1\.0a/m,
  );
  const methods = await (await fetch(`${x.url}/simulator/received`)).json();
  assert.ok(
    methods.every((/** @type {{ endpoint: string }} */ { endpoint }) =>
      ["account/verify_credentials", "2/users/me"].includes(endpoint),
    ),
  );
});

test("a token of Mastodon that may write and not read is told as that", async (t) => {
  const x = await localX(t);
  const { run } = await account(t, x.url);
  const settings = { MASTODON_SERVER: x.url, MASTODON_ACCESS_TOKEN: "local-mastodon-token" };
  /** @param {object} what */
  const change = (what) =>
    fetch(`${x.url}/simulator/mastodon`, { method: "PATCH", body: JSON.stringify(what) });
  await change({ scopes: "write:accounts" });
  const { status, stdout } = await run(["doctor"], settings);
  assert.equal(status, 0, stdout);
  assert.match(
    stdout,
    /^✓ Mastodon: an account whose name may not be read\n {2}The token may write, .*read:accounts/m,
  );
  await change({ software: "gotosocial" });
  const other = await run(["doctor"], settings);
  assert.equal(other.status, 1, other.stdout);
  assert.match(other.stdout, /^✗ Mastodon: .*insufficient scope.*only `doctor`.*read:accounts/m);
  await change({ software: "mastodon", scopes: "read" });
  const read = await run(["doctor"], settings);
  assert.equal(read.status, 1, read.stdout);
  assert.match(read.stdout, /^✗ Mastodon: .*may not change the account.*write:accounts/m);
});
