/** Tests which settings the command reads, and from where: the Worker's, in wrangler's order. */
import assert from "node:assert/strict";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import test from "node:test";
import { accountSecrets, blueskySettings } from "../../scripts/lib/local-networks.js";
import { account, localX, server, unset } from "./account.js";
import { rotateIcon, sampleIcon, temporaryFolder } from "./command.js";

/** @param {string} zone */
const toml = (zone) => `name = "w"\n[vars]\nTIME_ZONE = "${zone}"\n`;

/**
 * Where the time zone is set: the files of a folder, the environment, and the zone.
 *
 * @type {[string, Record<string, string>, Record<string, string>, string][]}
 */
const orders = [
  ["the default", {}, {}, "Asia/Tokyo"],
  ["wrangler.toml", { "wrangler.toml": toml("Europe/Berlin") }, {}, "Europe/Berlin"],
  [
    ".dev.vars before wrangler.toml",
    { "wrangler.toml": toml("Europe/Berlin"), ".dev.vars": "\uFEFFTIME_ZONE=Europe/Paris\r\n" },
    {},
    "Europe/Paris",
  ],
  [
    "nothing in .dev.vars before wrangler.toml",
    { "wrangler.toml": toml("Europe/Berlin"), ".dev.vars": "TIME_ZONE=\n" },
    {},
    "Asia/Tokyo",
  ],
  [
    "wrangler.jsonc before wrangler.toml",
    {
      "wrangler.toml": toml("Europe/Berlin"),
      "wrangler.jsonc": '{ "name": "w", /* c */ "vars": { "TIME_ZONE": "Europe/Rome", } }',
    },
    {},
    "Europe/Rome",
  ],
  [
    "wrangler.json before wrangler.jsonc",
    {
      "wrangler.jsonc": "{}",
      "wrangler.json": '{ "name": "w", "vars": { "TIME_ZONE": "Europe/Oslo" } }',
    },
    {},
    "Europe/Oslo",
  ],
  [
    "a folder above",
    { "../wrangler.toml": toml("Europe/Berlin"), "../.dev.vars": "PERIOD=1h\n" },
    {},
    "Europe/Berlin",
  ],
  [
    ".dev.vars beside wrangler.toml in a folder above",
    { "../wrangler.toml": toml("Europe/Berlin"), "../.dev.vars": "TIME_ZONE=Europe/Paris\n" },
    {},
    "Europe/Paris",
  ],
  [
    "an environment of wrangler.toml",
    {
      "wrangler.toml": `${toml("Europe/Berlin")}[env.dev.vars]\nTIME_ZONE = "Europe/Rome"\n`,
      ".dev.vars": "PERIOD=1h\n",
    },
    { CLOUDFLARE_ENV: "dev" },
    "Europe/Rome",
  ],
  [
    "the file of an environment",
    {
      "wrangler.toml": `${toml("Europe/Berlin")}[env.dev.vars]\n`,
      ".dev.vars": "TIME_ZONE=Europe/Rome\n",
      ".dev.vars.dev": "TIME_ZONE=Europe/Oslo\n",
    },
    { CLOUDFLARE_ENV: "dev" },
    "Europe/Oslo",
  ],
  [
    "an environment without variables",
    { "wrangler.toml": `${toml("Europe/Berlin")}[env.dev]\n` },
    { CLOUDFLARE_ENV: "dev" },
    "Asia/Tokyo",
  ],
];

/**
 * What wrangler gives the Worker in a folder, by wrangler's own functions.
 *
 * @param {string} folder
 * @param {string} environment
 */
async function byWrangler(folder, environment) {
  const { unstable_getVarsForDev: variables, unstable_readConfig: readConfig } = await import(
    "wrangler"
  );
  const before = process.cwd();
  process.chdir(folder);
  try {
    const configuration = readConfig({ env: environment }, { hideWarnings: true });
    const read = variables(
      configuration.configPath,
      undefined,
      configuration.vars ?? {},
      environment,
      true,
    );
    return read.TIME_ZONE?.value || "Asia/Tokyo";
  } finally {
    process.chdir(before);
  }
}

for (const [what, files, env, zone] of orders) {
  test(`the dial is the Worker's: ${what}`, async (t) => {
    const folder = path.join(await temporaryFolder(t), "below");
    await mkdir(folder);
    for (const [name, text] of Object.entries(files))
      await writeFile(path.join(folder, name), text, { mode: 0o600 });
    assert.equal(await byWrangler(folder, env.CLOUDFLARE_ENV), zone, "by wrangler");
    const { stdout } = await rotateIcon(["doctor", "--json"], { ...unset, ...env }, folder);
    const { dial } = JSON.parse(stdout);
    assert.equal(dial.found?.match(/the clock of (.*)$/)[1], zone, stdout);
  });
}

test("turn and doctor take wrangler.toml, and say so", async (t) => {
  const x = await localX(t);
  const { folder, run } = await account(t, x.url);
  await writeFile(
    path.join(folder, "wrangler.toml"),
    `[vars]\nTIME_ZONE = "Europe/Berlin"\nPERIOD = "1h"\nDIRECTION = "left"\n`,
  );
  const wrong = await run(["turn", sampleIcon], {}, folder);
  assert.equal(wrong.status, 78);
  assert.match(wrong.stderr, /DIRECTION has to be clockwise or counterclockwise/);
  const told = await run(["doctor"], { DIRECTION: "Counter-clockwise" }, folder);
  assert.match(
    told.stdout,
    /^Settings from the environment, then from .*\.dev\.vars, then from wrangler\.toml:$/m,
  );
  assert.match(told.stdout, /^ {2}TIME_ZONE: wrangler\.toml$/m);
  assert.match(told.stdout, /^ {2}PERIOD: file$/m);
  assert.match(
    told.stdout,
    /^✓ The dial: the icon turns counterclockwise once in 7d, on the clock of Europe\/Berlin$/m,
  );
  assert.equal(told.status, 0);
  assert.match(
    (await run(["turn", sampleIcon], { DIRECTION: "clockwise" }, folder)).stdout,
    /turned/,
  );
});

test("a configuration that cannot be read is told, and nothing is sent", async (t) => {
  const x = await localX(t);
  const { folder, run } = await account(t, x.url);
  for (const text of ["[vars]\nTIME_ZONE = hunter2\n", "vars = {", "[env.other]\n"]) {
    await writeFile(path.join(folder, "wrangler.toml"), text);
    for (const words of [["turn", sampleIcon], ["doctor"]]) {
      const { status, stdout, stderr } = await run(words, { CLOUDFLARE_ENV: "dev" }, folder);
      assert.equal(status, 78, stderr);
      assert.match(stderr, /wrangler\.toml/);
      assert.ok(!`${stdout}${stderr}`.includes("hunter2"), stderr);
    }
  }
  assert.deepEqual(await x.received(), []);
});

test("a file that others may read, and lines that are none, are told by turn and doctor", async (t) => {
  const x = await localX(t);
  const { settings, run, folder } = await account(t, x.url);
  const lines = Object.entries({ ...accountSecrets, API_BASE_URL: x.url }).map(
    ([name, value]) => `${name}=${value}`,
  );
  await writeFile(
    settings,
    ["\uFEFF# Keys", ...lines, "PERIOD 7d", "“TIME_ZONE”=Europe/Berlin", ""].join("\r\n"),
  );
  await chmod(settings, 0o640);
  const turned = await run(["turn", sampleIcon], {}, folder);
  assert.equal(turned.status, 0, turned.stderr);
  const said = turned.stderr.trimEnd().split("\n");
  assert.equal(said.length, 3, turned.stderr);
  assert.match(said[0], /^rotate-icon: Others on this machine may read .*\.dev\.vars: chmod 600 /);
  assert.match(
    said[1],
    /^rotate-icon: Line 7 of .*\.dev\.vars is not read: it has to be NAME=value/,
  );
  assert.match(said[2], /^rotate-icon: Line 8 of /);
  const { stdout } = await run(["doctor"], {}, folder);
  assert.equal(stdout.match(/^! (Others|Line [78]) /gm)?.length, 3, stdout);
});

test("settings are understood as people paste them, and what cannot be right is named before anything is sent", async (t) => {
  const x = await localX(t);
  const { run } = await account(t, x.url);
  const pasted = Object.fromEntries(
    Object.entries(accountSecrets).map(([name, value]) => [
      name,
      `\u202A"${name}=${value}"\u202C\u00A0`,
    ]),
  );
  const others = {
    TIME_ZONE: "europe / berlin",
    PERIOD: "7 Days",
    BLUESKY_SERVICE: `${x.url}/`,
    BLUESKY_IDENTIFIER: "\u2066https://bsky.app/profile/Local.test\u2069",
    BLUESKY_APP_PASSWORD: "“loca-lapp-pass-word”",
    MASTODON_SERVER: `${x.url}/@me`,
    MASTODON_ACCESS_TOKEN: "Bearer local-mastodon-token",
  };
  const right = await run(["turn", sampleIcon], { ...pasted, ...others });
  assert.equal(right.status, 0, right.stderr);
  assert.equal(right.stdout.match(/: turned to frame/g)?.length, 3);

  for (const [name, value] of [
    ["API_KEY", "a b"],
    ["API_BASE_URL", "https://a..b"],
    ["BLUESKY_IDENTIFIER", "hunter2"],
    ["MASTODON_SERVER", "https://."],
    ["MASTODON_ACCESS_TOKEN", "pä55wörd"],
    ["ALERT_WEBHOOK_URL", "https://a:0"],
  ]) {
    const only = {
      ...pasted,
      ...others,
      [name]: value,
      ALERT_WEBHOOK_URL: name === "ALERT_WEBHOOK_URL" ? value : "",
    };
    const { status, stderr } = await run(["turn", sampleIcon, "--force"], only);
    assert.equal(status, 78, `${name}: ${stderr}`);
    assert.match(stderr, new RegExp(`${name} has to be `));
    assert.ok(!stderr.includes(value), stderr);
  }
});

test("an account's own password, X's bearer token and a short trigger token are warned of", async (t) => {
  const x = await server(t, () => [401, "{}"]);
  const { run } = await account(t, x.url);
  const wrong = {
    BLUESKY_SERVICE: x.url,
    BLUESKY_IDENTIFIER: "alice.example",
    BLUESKY_APP_PASSWORD: "my own password",
    ACCESS_TOKEN: `${"A".repeat(22)}%2Fabc%3D`,
    TRIGGER_TOKEN: "x1",
  };
  const { stdout } = await run(["doctor"], wrong);
  assert.match(
    stdout,
    /^! BLUESKY_APP_PASSWORD does not look like an app password \(xxxx-xxxx-xxxx-xxxx\): is it the account's own\?/m,
  );
  assert.match(stdout, /^! ACCESS_TOKEN looks like X's bearer token/m);
  assert.match(stdout, /^! TRIGGER_TOKEN has to be at least 8 characters/m);
  const right = await run(["doctor"], {
    BLUESKY_APP_PASSWORD: "abcd-efgh-ijkl-mnop",
    TRIGGER_TOKEN: "12345678",
  });
  assert.ok(!right.stdout.includes("!"), right.stdout);
});

test("a session that was begun with another app password is told of", async (t) => {
  const x = await localX(t);
  const { state, run } = await account(t, x.url, { ...blueskySettings(x.url) });
  assert.equal((await run(["turn", sampleIcon])).status, 0);
  const same = await run(["doctor"]);
  assert.ok(!same.stdout.includes("keeps a session"), same.stdout);
  for (const words of [[], ["--state", state]]) {
    const env = {
      BLUESKY_APP_PASSWORD: "abcd-efgh-ijkl-mnop",
      ...(words.length && { XDG_STATE_HOME: "" }),
    };
    const { stdout } = await run(["doctor", ...words], env);
    assert.match(
      stdout,
      /^! .*state\.json keeps a session of Bluesky that was begun with other settings\. .*revoke the old one/m,
    );
    assert.match(stdout, /^✗ Bluesky: /m, "the new one is tried all the same");
  }
});
