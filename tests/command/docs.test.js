/**
 * Runs what docs/ says about turning without a Worker, as it is there: the steps of the workflow,
 * and every block of the page, against the simulator. Only compiling is left out: `cargo` hands out
 * the command that was built.
 */
import assert from "node:assert/strict";
import { chmod, cp, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import test from "node:test";
import {
  accountSecrets,
  blueskySettings,
  mastodonSettings,
} from "../../scripts/lib/local-networks.js";
import { localX, unset } from "./account.js";
import { command, root, runProgram, temporaryFolder } from "./command.js";

/** @param {string} name */
const read = (name) => readFile(path.join(root, name), "utf8");

/**
 * The settings of each network alone, and of all, without addresses that nobody sets.
 *
 * @param {string} url
 */
const accounts = (url) => {
  const { BLUESKY_SERVICE: _, ...bluesky } = blueskySettings(url);
  const each = { X: accountSecrets, Bluesky: bluesky, Mastodon: mastodonSettings(url) };
  return [
    ...Object.entries(each).map(([title, settings]) => [[title], settings]),
    [Object.keys(each), Object.assign({}, ...Object.values(each))],
  ];
};

/**
 * A checkout of the project, a home, and programs that stand in for a compiler and systemd.
 *
 * @param {import("node:test").TestContext} t
 * @param {string} url
 */
async function machine(t, url) {
  const folder = await temporaryFolder(t);
  const [checkout, home, bin] = ["checkout", "home", "bin"].map((name) => path.join(folder, name));
  for (const name of [".dev.vars.example", "wrangler.toml", "assets", "docs"])
    await cp(path.join(root, name), path.join(checkout, name), { recursive: true });
  await mkdir(home);
  await mkdir(bin);
  const log = path.join(folder, "log");
  for (const name of ["cargo", "rustup", "systemctl", "loginctl", "journalctl"]) {
    const built =
      name === "cargo"
        ? `mkdir -p target/release && cp ${command} target/release/rotate-icon\n`
        : "";
    await writeFile(path.join(bin, name), `#!/bin/sh\necho "${name} $*" >> ${log}\n${built}`);
    await chmod(path.join(bin, name), 0o755);
  }
  const env = { ...unset, XDG_STATE_HOME: "", HOME: home, API_BASE_URL: url, BLUESKY_SERVICE: url };
  /**
   * @param {string} script
   * @param {string} cwd
   */
  const run = async (script, cwd, more = {}) => {
    const file = path.join(folder, "script");
    await writeFile(file, script);
    const result = await runProgram(
      "bash",
      ["--noprofile", "--norc", "-eo", "pipefail", file],
      { ...env, PATH: `${bin}:${process.env.PATH}`, ...more },
      cwd,
    );
    return { ...result, said: `${result.stdout}${result.stderr}` };
  };
  return { checkout, home, run, log: () => readFile(log, "utf8") };
}

/**
 * Each `run` of a workflow with its `env`, read by the indentation that the file keeps to.
 *
 * @param {string} yml
 */
function steps(yml) {
  return [...yml.matchAll(/^ {6}- [\s\S]*?(?=^ {6}- |(?![\s\S]))/gm)]
    .map(([step]) => {
      const [, script] = step.match(/^ {8}run: \|\n((?: {10}.*\n|\n)*)/m) ?? [];
      const env = [...step.matchAll(/^ {10}([A-Z_]+): (.*)$/gm)].map(([, name, value]) => [
        name,
        value,
      ]);
      return { script: script?.replace(/^ {10}/gm, ""), env: Object.fromEntries(env) };
    })
    .filter(({ script }) => script);
}

/**
 * An environment as GitHub makes it of expressions: what is not set is an empty text.
 *
 * @param {Record<string, string>} env
 * @param {Record<string, string>} secrets
 * @param {Record<string, string>} vars
 */
const evaluated = (env, secrets, vars) =>
  Object.fromEntries(
    Object.entries(env).map(([name, value]) => [
      name,
      value.replace(
        /\$\{\{ (secrets|vars)\.([A-Z_]+) \}\}/g,
        (_, from, key) => (from === "secrets" ? secrets : vars)[key] ?? "",
      ),
    ]),
  );

test("the workflow turns the owner's icon on every network, by the owner's clock", async (t) => {
  const x = await localX(t);
  const { checkout, run, log } = await machine(t, x.url);
  const [build, turn] = steps(await read("docs/turn-by-github-actions.yml"));
  const built = await run(build.script, checkout);
  assert.equal(built.status, 0, built.said);
  assert.match(
    await log(),
    /^rustup toolchain install stable .*\ncargo build --release --locked\n$/,
  );

  // Every secret of the command, and no other.
  const names = [...(await read(".dev.vars.example")).matchAll(/^([A-Z_]+)=$/gm)]
    .map(([, name]) => name)
    .filter((name) => !["TRIGGER_TOKEN", "SERVICE_KEY"].includes(name));
  const passed = Object.entries(turn.env).filter(([, value]) => value.includes("secrets."));
  assert.deepEqual(
    Object.fromEntries(passed),
    Object.fromEntries(names.map((name) => [name, `\${{ secrets.${name} }}`])),
  );

  await cp(path.join(root, "assets/icon.png"), path.join(checkout, "my icon.png"));
  const vars = { ICON: "my icon.png", PERIOD: "7d" };
  for (const [titles, secrets] of accounts(x.url)) {
    const { status, said } = await run(turn.script, checkout, evaluated(turn.env, secrets, vars));
    assert.equal(status, 0, said);
    assert.deepEqual(
      [...said.matchAll(/^(\w+): turned to frame \d+ of 12\.$/gm)].map(([, title]) => title),
      titles,
      said,
    );
  }

  // The owner's clock is what the dry run goes by, from a variable or from wrangler.toml.
  const secrets = accounts(x.url)[0][1];
  const wrong = await run(
    turn.script,
    checkout,
    evaluated(turn.env, secrets, { ...vars, TIME_ZONE: "Nowhere" }),
  );
  assert.equal(wrong.status, 78);
  assert.match(wrong.said, /TIME_ZONE has to be/);
  const toml = await readFile(path.join(checkout, "wrangler.toml"), "utf8");
  await writeFile(
    path.join(checkout, "wrangler.toml"),
    toml.replace(/^TIME_ZONE = .*$/m, 'TIME_ZONE = "Nowhere"'),
  );
  assert.equal((await run(turn.script, checkout, evaluated(turn.env, secrets, vars))).status, 78);
  const right = await run(
    turn.script,
    checkout,
    evaluated(turn.env, secrets, { ...vars, TIME_ZONE: "Europe/Berlin" }),
  );
  assert.equal(right.status, 0, right.said);

  // Nobody's account gets the sample icon by mistake.
  const without = await run(
    turn.script,
    checkout,
    evaluated(turn.env, secrets, { PERIOD: "7d", TIME_ZONE: "Europe/Berlin" }),
  );
  assert.equal(without.status, 1);
  assert.match(without.said, /^::error::Set the variable ICON/m);

  // What passes by itself is no failure of the run; what does not, is.
  await x.fault("over-capacity");
  assert.equal(
    (
      await run(
        turn.script,
        checkout,
        evaluated(turn.env, secrets, { ...vars, TIME_ZONE: "Europe/Berlin" }),
      )
    ).status,
    0,
  );
  await x.fault("read-only-app");
  assert.equal(
    (
      await run(
        turn.script,
        checkout,
        evaluated(turn.env, secrets, { ...vars, TIME_ZONE: "Europe/Berlin" }),
      )
    ).status,
    1,
  );
});

/**
 * The blocks of a page in a language, in order.
 *
 * @param {string} page
 * @param {string} language
 */
const blocks = (page, language) =>
  [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter(([, found]) => found === language)
    .map(([, , text]) => text);

/**
 * The commands of a console block.
 *
 * @param {string} block
 */
const commands = (block) =>
  block
    .split("\n")
    .filter((line) => line.startsWith("$ "))
    .map((line) => `${line.slice(2)}\n`)
    .join("");

test("the page's steps turn the icon on every network, and so do cron and systemd as it writes them", async (t) => {
  const x = await localX(t);
  const page = await read("docs/turn-from-any-machine.md");
  const [install, first, enable, ...others] = blocks(page, "console").map(commands);
  assert.deepEqual(others, []);
  for (const [titles, settings] of accounts(x.url)) {
    const { checkout, home, run, log } = await machine(t, x.url);
    await cp(path.join(root, "assets/icon.png"), path.join(checkout, "my-icon.jpg"));
    const installed = await run(install, checkout);
    assert.equal(installed.status, 0, installed.said);
    const folder = path.join(home, "rotate-icon");
    const file = path.join(folder, ".dev.vars");
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    // A person fills it in.
    const example = await readFile(file, "utf8");
    const filled = example.replace(
      /^([A-Z_]+)=$/gm,
      (line, name) => `${line}${settings[name] ?? ""}`,
    );
    await writeFile(file, `${filled}PERIOD=7d\n`);
    // The steps again, as for a new version, lose nothing of it.
    assert.equal((await run(install, checkout)).status, 0);
    assert.equal(await readFile(file, "utf8"), `${filled}PERIOD=7d\n`);

    const turned = await run(first, checkout);
    assert.equal(turned.status, 0, turned.said);
    assert.match(turned.said, /on the clock of Europe\/Berlin$/m);
    /** @param {RegExp} pattern */
    const told = (pattern) => [...turned.said.matchAll(pattern)].map(([, title]) => title);
    assert.deepEqual(told(/^✓ (\w+): the account /gm), titles, turned.said);
    assert.deepEqual(told(/^(\w+): would send frame /gm), titles);
    assert.deepEqual(told(/^(\w+): turned to frame \d+ of 12\.$/gm), titles);
    assert.ok(!turned.said.includes("! "), turned.said);

    const [cron] = blocks(page, "cron");
    const [, line = ""] = cron.match(/^(?:\S+ ){5}(.*)\n$/) ?? [];
    const byCron = await run(`cd /\n${line}\n`, home);
    assert.deepEqual([byCron.status, byCron.said], [0, ""]);

    const [service, timer] = blocks(page, "ini");
    const [, start = ""] = service.match(/^ExecStart=(.*)$/m) ?? [];
    const [, where = ""] = service.match(/^WorkingDirectory=(.*)$/m) ?? [];
    assert.equal(where.replaceAll("%h", home), folder);
    const bySystemd = await run(`${start.replaceAll("%h", home)}\n`, folder);
    assert.equal(bySystemd.status, 0, bySystemd.said);
    assert.equal(
      bySystemd.stdout.match(/: nothing to do, frame \d+ of 12 has been sent\./g)?.length,
      titles.length,
    );
    assert.match(timer, /^OnCalendar=/m);
    assert.equal((await run(enable, home)).status, 0);
    assert.match(await log(), /^systemctl --user enable --now rotate-icon\.timer$/m);
  }
});
