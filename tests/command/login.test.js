/**
 * Tests `rotate-icon login x`, against the simulator and a small server that can refuse each step.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmod, readFile, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import test from "node:test";
import { environment, root } from "../../scripts/lib/run.js";
import { accountSecrets } from "../../scripts/lib/local-networks.js";
import { localX, server, signed } from "./account.js";
import { command, rotateIcon, sampleIcon, temporaryFolder } from "./command.js";

/** @typedef {import("./account.js").Answer} Answer */
/** @typedef {import("node:test").TestContext} TestContext */

/** The app's keys, and the tokens that X hands out. None of them may be printed. */
const app = { API_KEY: "aPPkAPPkAPPk", API_KEY_SECRET: "aPPsECRETsECRET" };
const temporary = { token: "tMPtMPtMPtMP", secret: "tMPsECRETsECRET" };
const token = { ACCESS_TOKEN: "7-aCCESSaCCESS", ACCESS_TOKEN_SECRET: "aCCESSsECRETsECRET" };
const pin = "1234567";

/**
 * Starts an X that signs accounts in and checks every signature.
 *
 * @param {TestContext} t
 * @param {Record<string, Answer>} changes other answers, by path
 */
async function signingX(t, changes = {}) {
  const x = await server(t, (request) => {
    const other = changes[request.url];
    if (other) return other;
    if (request.url === "/oauth/request_token") {
      const { oauth_callback: callback, oauth_token: none } = signed(
        request,
        x.url,
        app.API_KEY_SECRET,
      );
      assert.deepEqual([request.method, callback, none], ["POST", "oob", undefined]);
      return [
        200,
        `oauth_token=${temporary.token}&oauth_token_secret=${temporary.secret}&oauth_callback_confirmed=true`,
      ];
    }
    if (request.url === "/oauth/access_token") {
      const { oauth_verifier: verifier, oauth_token: asked } = signed(
        request,
        x.url,
        app.API_KEY_SECRET,
        temporary.secret,
      );
      assert.deepEqual([request.method, asked], ["POST", temporary.token]);
      if (verifier !== pin)
        return [
          401,
          `Error processing your OAuth request: Invalid oauth_verifier parameter ${verifier}`,
        ];
      return [
        200,
        `oauth_token=${token.ACCESS_TOKEN}&oauth_token_secret=${token.ACCESS_TOKEN_SECRET}&user_id=7&screen_name=XAPI`,
      ];
    }
    signed(request, x.url, app.API_KEY_SECRET, token.ACCESS_TOKEN_SECRET);
    return [200, JSON.stringify({ id: 7, screen_name: "XAPI" })];
  });
  return x;
}

/**
 * Runs the sign-in, and asserts that it prints no secret.
 *
 * @param {TestContext} t
 * @param {{ url: string }} x
 * @param {string[]} answers to what the command asks, one a line
 * @param {string[]} words
 * @param {object} options
 * @param {Record<string, string>} [options.env]
 * @param {string | null} [options.file] what the settings file has; null: there is none
 * @param {string} [options.folder]
 */
async function login(t, x, answers, words = [], { env = app, file = "", folder } = {}) {
  folder ??= await temporaryFolder(t);
  const settings = path.join(folder, ".dev.vars");
  if (file !== null) await writeFile(settings, file);
  const blank = { ACCESS_TOKEN: "", ACCESS_TOKEN_SECRET: "", API_KEY: "", API_KEY_SECRET: "" };
  const child = spawn(command, ["login", "x", "--settings", settings, ...words], {
    cwd: root,
    env: environment({ ...blank, API_BASE_URL: x.url, ...env }),
  });
  child.stdin.on("error", () => {});
  child.stdin.end(answers.map((line) => `${line}\n`).join(""));
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (text) => {
    said.stdout += text;
  });
  child.stderr.on("data", (text) => {
    said.stderr += text;
  });
  const status = await new Promise((resolve) => child.on("close", resolve));
  const output = said.stdout + said.stderr;
  for (const secret of [...Object.values(app), temporary.secret, ...Object.values(token), pin]) {
    assert.ok(!output.includes(secret), `${secret} is shown:\n${output}`);
  }
  return {
    status,
    output,
    folder,
    settings,
    text: await readFile(settings, "utf8").catch(() => null),
  };
}

const written = `API_KEY=${app.API_KEY}\nAPI_KEY_SECRET=${app.API_KEY_SECRET}\nACCESS_TOKEN=${token.ACCESS_TOKEN}\nACCESS_TOKEN_SECRET=${token.ACCESS_TOKEN_SECRET}\n`;

test("a PIN becomes four keys in the settings file, whose other lines stay", async (t) => {
  const x = await signingX(t);
  const file = `# My settings\nTIME_ZONE=Europe/Berlin\n\nAPI_KEY=${app.API_KEY} # the app\nAPI_KEY_SECRET='${app.API_KEY_SECRET}'\nACCESS_TOKEN=\n`;
  const { status, output, settings, text } = await login(t, x, [pin, "what?", "f"], [], {
    env: {},
    file,
  });
  assert.equal(status, 0, output);
  assert.ok(
    output.includes(`\n  ${x.url}/oauth/authorize?oauth_token=${temporary.token}\n`),
    output,
  );
  assert.match(output, /Signed in as @XAPI\./);
  assert.match(output, /Wrote the four keys into .*\.dev\.vars\.$/m);
  assert.equal(text, `# My settings\nTIME_ZONE=Europe/Berlin\n\n${written}`);
  assert.equal((await stat(settings)).mode & 0o777, 0o600);
  assert.deepEqual(
    x.received.map(({ url }) => url),
    ["/oauth/request_token", "/oauth/access_token", "/1.1/account/verify_credentials.json"],
  );
});

test("the local X signs an account in, whose keys it then takes", async (t) => {
  const x = await localX(t);
  const folder = await temporaryFolder(t);
  const settings = path.join(folder, ".dev.vars");
  const { API_KEY, API_KEY_SECRET } = accountSecrets;
  const env = environment({
    API_BASE_URL: x.url,
    API_KEY,
    API_KEY_SECRET,
    ACCESS_TOKEN: "",
    ACCESS_TOKEN_SECRET: "",
    XDG_STATE_HOME: folder,
  });
  const child = spawn(command, ["login", "x", "--write", settings], { cwd: root, env });
  let output = "";
  child.stderr.on("data", (text) => (output += text));
  child.stdout.on("data", async (text) => {
    output += text;
    const [, token] = String(text).match(/oauth_token=(\S+)/) ?? [];
    if (!token) return;
    const { pin } = await (await fetch(`${x.url}/simulator/pin?oauth_token=${token}`)).json();
    child.stdin.end(`${pin}\n`);
  });
  const status = await new Promise((resolve) => child.on("close", resolve));
  assert.equal(status, 0, output);
  const text = await readFile(settings, "utf8");
  const token = Object.fromEntries(
    text
      .trim()
      .split("\n")
      .map((line) => line.split("=")),
  );
  assert.ok(token.ACCESS_TOKEN && token.ACCESS_TOKEN_SECRET);
  for (const secret of Object.values(token)) assert.ok(!output.includes(secret), output);
  const turned = await rotateIcon(["turn", sampleIcon, "--settings", settings], {
    ...env,
    API_KEY: "",
    API_KEY_SECRET: "",
  });
  assert.equal(turned.status, 0, turned.stderr);
  assert.match(turned.stdout, /^X: turned to frame/);
});

test("keys of the app that are not set are asked for", async (t) => {
  const x = await signingX(t);
  const answers = [app.API_KEY, app.API_KEY_SECRET, pin, "f"];
  const { status, output, text } = await login(t, x, answers, [], { env: {}, file: null });
  assert.equal(status, 0, output);
  assert.match(output, /API_KEY \(of the app.*API_KEY_SECRET \(of the app/);
  assert.equal(text, written);
});

test("other keys are replaced only if that is wanted", async (t) => {
  const x = await signingX(t);
  const file = "ACCESS_TOKEN=old\nB=2\n";
  const no = await login(t, x, [pin, "f", "n"], [], { file });
  assert.equal(no.status, 1);
  assert.match(
    no.output,
    /Replace ACCESS_TOKEN in .*\.dev\.vars\? \[y\/n\] rotate-icon: .*is as it was/,
  );
  assert.equal(no.text, file);
  const yes = await login(t, x, [pin, "f", "y"], [], { file });
  assert.match(yes.output, /replaced ACCESS_TOKEN\.$/m);
  assert.match(yes.text ?? "", new RegExp(`^ACCESS_TOKEN=${token.ACCESS_TOKEN}\nB=2\n`));

  const other = path.join(yes.folder, "other.vars");
  await writeFile(other, file);
  const unasked = await login(t, x, [pin], ["--write", other], { file: null });
  assert.equal(unasked.status, 0, unasked.output);
  assert.match(await readFile(other, "utf8"), new RegExp(`^ACCESS_TOKEN=${token.ACCESS_TOKEN}\n`));
});

test("wrangler gets each key on its standard input", async (t) => {
  const x = await signingX(t);
  const folder = await temporaryFolder(t);
  const log = path.join(folder, "log");
  const npx = path.join(folder, "npx");
  await writeFile(npx, `#!/bin/sh\nprintf '%s|' "$*" >> ${log}\ncat >> ${log}\necho >> ${log}\n`);
  await chmod(npx, 0o755);
  const env = { ...app, PATH: `${folder}:${process.env.PATH}` };
  for (const [answers, words] of /** @type {[string[], string[]][]} */ ([
    [[pin], ["--wrangler"]],
    [[pin, "w"], []],
  ])) {
    const { status, output, text } = await login(t, x, answers, words, { env, file: "A=1\n" });
    assert.equal(status, 0, output);
    assert.equal(text, "A=1\n");
    const lines = (await readFile(log, "utf8")).trim().split("\n");
    assert.deepEqual(
      lines,
      Object.entries({ ...app, ...token }).map(
        ([name, value]) => `--no-install wrangler secret put ${name}|${value}`,
      ),
    );
    await rm(log);
  }
  await writeFile(npx, "#!/bin/sh\nexit 1\n");
  const failed = await login(t, x, [pin], ["--wrangler"], { env });
  assert.equal(failed.status, 1);
  assert.match(failed.output, /`wrangler secret put API_KEY` failed/);
});

test("what X refuses is told with what to do, and stores nothing", async (t) => {
  const wrong = await login(t, await signingX(t), ["7654321"], ["--write"]);
  assert.equal(wrong.status, 1);
  assert.match(wrong.output, /X answered 401.*The PIN is wrong or too old/);
  for (const [changes, status, text] of /** @type {[Record<string, Answer>, number, RegExp][]} */ ([
    [
      {
        "/oauth/request_token": [
          401,
          JSON.stringify({ errors: [{ code: 32, message: "Could not authenticate you." }] }),
        ],
      },
      1,
      /Check API_KEY and API_KEY_SECRET/,
    ],
    [
      {
        "/oauth/request_token": [
          403,
          JSON.stringify({ errors: [{ code: 417, message: "Desktop applications only" }] }),
        ],
      },
      1,
      /User authentication settings/,
    ],
    [{ "/oauth/request_token": [503] }, 75, /X answered 503/],
    [{ "/oauth/request_token": [200, "<html>"] }, 1, /not with a token of X/],
    [{ "/oauth/access_token": [200, "oauth_token=a"] }, 1, /not with a token of X/],
  ])) {
    const refused = await login(t, await signingX(t, changes), [pin], ["--write"], {
      file: "A=1\n",
    });
    assert.equal(refused.status, status, refused.output);
    assert.match(refused.output, text);
    assert.equal(refused.text, "A=1\n");
  }
});

test("keys that may not ask who they are can be stored all the same", async (t) => {
  const x = await signingX(t, {
    "/1.1/account/verify_credentials.json": [
      403,
      JSON.stringify({ errors: [{ code: 453, message: "No access" }] }),
    ],
  });
  const { status, output, text } = await login(t, x, [pin, "f"]);
  assert.equal(status, 0, output);
  assert.match(
    output,
    /Signed in as @XAPI, but the keys could not be tried out: X answered 403, code 453/,
  );
  assert.equal(text, written);
});

test("nothing is stored without an answer", async (t) => {
  const x = await signingX(t);
  assert.equal((await login(t, x, [])).status, 1);
  const { status, output } = await login(t, x, [pin]);
  assert.equal(status, 1);
  assert.match(output, /there is no answer to/);
  assert.match((await login(t, x, [pin, "n"])).output, /stored nowhere/);
  assert.equal((await login(t, x, [pin], ["--write", "a", "--wrangler"])).status, 2);
});
