/** Tests `rotate-icon publish --local`, through the real wrangler. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { access, chmod, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import test from "node:test";
import sharp from "sharp";
import { getPlatformProxy } from "wrangler";
import { environment } from "../../scripts/lib/run.js";
import { command, root, rotateIcon, runProgram, sampleIcon, temporaryFolder } from "./command.js";
import { render, scene } from "./pictures.js";
import { noisyIcon } from "../../benches/noisy-icon.js";

/**
 * A local namespace of its own for a test, and what is in it.
 *
 * @param {import("node:test").TestContext} t
 */
async function namespace(t) {
  const folder = await temporaryFolder(t);
  const flags = ["--binding", "FRAMES", "--local", "--persist-to", folder];
  /** @param {string[]} words */
  const kv = async (...words) => {
    const { status, stdout, stderr } = await runProgram("npx", [
      "--no-install",
      "wrangler",
      "kv",
      ...words,
      ...flags,
    ]);
    assert.equal(status, 0, stderr);
    return stdout;
  };
  return {
    folder,
    /**
     * @param {string} icon
     * @param {Record<string, string>} [env]
     * @param {string[]} flags
     */
    publish: (icon, env, ...flags) =>
      rotateIcon(["publish", icon, ...flags, "--local", "--persist-to", folder], env),
    /**
     * @param {string} album
     * @param {string[]} flags
     */
    publishAlbum: (album, ...flags) =>
      rotateIcon(["publish", "--album", album, ...flags, "--local", "--persist-to", folder]),
    // Values as they are: wrangler's command prints text. A configuration of
    // its own, since only the store matters.
    /** @param {string[]} keys */
    values: async (keys) => {
      const configPath = path.join(folder, "wrangler.json");
      await writeFile(
        configPath,
        JSON.stringify({
          name: "test",
          compatibility_date: "2026-01-01",
          kv_namespaces: [{ binding: "FRAMES" }],
        }),
      );
      const { env, dispose } = await getPlatformProxy({
        configPath,
        persist: { path: path.join(folder, "v3") },
        remoteBindings: false,
      });
      const frames = /** @type {import("@cloudflare/workers-types").KVNamespace} */ (env.FRAMES);
      const values = await Promise.all(keys.map((key) => frames.get(key, "arrayBuffer")));
      await dispose();
      return values.map((value) => value && Buffer.from(value));
    },
    /** @returns {Promise<string[]>} */
    keys: async () =>
      JSON.parse(await kv("key", "list")).map((/** @type {any} */ { name }) => name),
    current: async () => JSON.parse(await kv("key", "get", "current")),
    /** @param {string} key */
    delete: (key) => kv("key", "delete", key),
  };
}

/**
 * The keys of a set.
 *
 * @param {{ id: string, frames: number }} set
 */
const keysOf = ({ id, frames }) => [
  ...Array.from({ length: frames }, (_, n) => `sets/${id}/${n}`),
  `sets/${id}/icon`,
];

/**
 * Not deepEqual: it takes a minute to print how frames differ.
 *
 * @param {(Buffer | null)[]} values
 * @param {(Buffer | undefined)[]} expected
 */
function assertSame(values, expected) {
  assert.equal(values.length, expected.length);
  for (const [i, value] of values.entries())
    assert.ok(value && expected[i]?.equals(value), `value ${i}`);
}

test("publish stores a set, switches to it, heals it, and cleans up", async (t) => {
  const kv = await namespace(t);

  const first = await kv.publish(sampleIcon);
  assert.equal(first.status, 0, first.stderr);
  const sample = await kv.current();
  assert.deepEqual((await kv.keys()).sort(), ["current", ...keysOf(sample)].sort());
  assert.deepEqual(sample.rendering, {
    kernel: "sharp",
    fill: "reflect",
    shape: "square",
    quality: 95,
  });
  const rendered = await render(t, [sampleIcon]);
  assertSame(
    await kv.values(keysOf(sample)),
    keysOf(sample).map((key) => rendered.values.get(key)),
  );

  // Again: nothing is sent.
  const again = await kv.publish(sampleIcon);
  assert.equal(again.status, 0, again.stderr);
  assert.match(again.stdout, /is .+ already/);
  assert.doesNotMatch(again.stdout, /Stored/);

  // A lost frame comes back.
  await kv.delete(`sets/${sample.id}/5`);
  const healed = await kv.publish(sampleIcon);
  assert.match(healed.stdout, /Stored 1 of 1/);
  assert.ok((await kv.keys()).includes(`sets/${sample.id}/5`));

  // Another icon: it is current, and the one before it stays for those whose
  // KV is behind.
  const icon = path.join(kv.folder, "icon.png");
  await writeFile(icon, noisyIcon(0));
  assert.equal((await kv.publish(icon)).status, 0);
  const second = await kv.current();
  assert.notEqual(second.id, sample.id);
  assert.deepEqual(
    (await kv.keys()).sort(),
    ["current", ...keysOf(sample), ...keysOf(second)].sort(),
  );

  // A third: the first is gone.
  await writeFile(icon, noisyIcon(9));
  const last = await kv.publish(icon);
  assert.match(last.stdout, /Deleted 13 values of old sets/);
  const third = await kv.current();
  assert.deepEqual(
    (await kv.keys()).sort(),
    ["current", ...keysOf(second), ...keysOf(third)].sort(),
  );

  // What is no icon changes nothing.
  await writeFile(icon, "no picture");
  const failed = await kv.publish(icon);
  assert.equal(failed.status, 1);
  assert.match(failed.stderr, /this is a text, not a JPEG, PNG, GIF or WebP file/);
  assert.deepEqual(await kv.current(), third);
});

test("an album and an animation are published without an icon, and healed", async (t) => {
  const kv = await namespace(t);
  const album = path.join(kv.folder, "album");
  await mkdir(album);
  const pictures = await Promise.all(
    [0, 90, 180].map((hue) => scene(80, 80).modulate({ hue }).removeAlpha().png().toBuffer()),
  );
  for (const [n, picture] of pictures.entries())
    await writeFile(path.join(album, `${n}.png`), picture);
  const published = await kv.publishAlbum(album, "--shape", "circle");
  assert.equal(published.status, 0, published.stderr);
  assert.match(published.stdout, /with 3 frames/);
  const set = await kv.current();
  assert.deepEqual(set, { id: set.id, frames: 3, media_type: "image/png" });
  const keys = keysOf(set).slice(0, 3);
  assert.deepEqual((await kv.keys()).sort(), ["current", ...keys].sort());

  await kv.delete(keys[1]);
  assert.match(
    (await kv.publishAlbum(album, "--shape", "circle")).stdout,
    /Stored 1 of 1.*already/s,
  );
  const rendered = await render(t, ["--album", album], "--shape", "circle");
  assertSame(
    await kv.values(keys),
    keys.map((key) => rendered.values.get(key)),
  );

  const file = path.join(kv.folder, "animation.gif");
  await sharp(pictures, { join: { animated: true } })
    .gif({ delay: [100, 300, 200] })
    .toFile(file);
  const animated = await kv.publish(file, {}, "--from-animation", "--frames", "6");
  assert.equal(animated.status, 0, animated.stderr);
  const second = await kv.current();
  assert.deepEqual(second, { id: second.id, frames: 6, media_type: "image/jpeg" });
  for (const n of [1, 5]) await kv.delete(`sets/${second.id}/${n}`);
  const healed = await kv.publish(file, {}, "--from-animation", "--frames", "6");
  assert.match(healed.stdout, /Stored 2 of 2/);
  const frames = (await render(t, [file], "--from-animation", "--frames", "6")).frames;
  const keysOfFrames = keysOf(second).slice(0, 6);
  assertSame(await kv.values(keysOfFrames), frames);
});

test("a frame for every minute of a day is published, and replaced by one of twelve", async (t) => {
  const kv = await namespace(t);
  const first = await kv.publish(sampleIcon, {}, "--frames", "1440");
  assert.equal(first.status, 0, first.stderr);
  assert.match(first.stdout, /Stored 1441 of 1441 values/);
  const again = await kv.publish(sampleIcon, {}, "--frames", "1440");
  assert.doesNotMatch(again.stdout, /Stored/);
  assert.equal((await kv.publish(sampleIcon)).status, 0);
  const last = await kv.publish(sampleIcon, {}, "--frames", "6");
  assert.match(last.stdout, /Deleted 1441 values of old sets/);
});

test("an upload that breaks off leaves the current set as it was", async (t) => {
  const kv = await namespace(t);
  assert.equal((await kv.publish(sampleIcon)).status, 0);
  const before = await kv.current();

  // An npx in front of the real one that fails at the bulk upload.
  const npx = path.join(kv.folder, "npx");
  const real = path.dirname((await runProgram("which", ["npx"])).stdout.trim());
  await writeFile(
    npx,
    `#!/bin/sh\ncase "$*" in *"bulk put"*) echo "no network"; exit 1;; esac\nPATH=${path.join(root, "node_modules/.bin")}:${real}:$PATH exec ${real}/npx "$@"\n`,
  );
  await chmod(npx, 0o755);
  const icon = path.join(kv.folder, "icon.png");
  await writeFile(icon, noisyIcon(0));
  const { status, stderr } = await kv.publish(icon, { PATH: `${kv.folder}:${process.env.PATH}` });
  assert.equal(status, 1);
  assert.match(stderr, /the current set is untouched/);
  assert.match(stderr, /no network/);
  assert.deepEqual(await kv.current(), before);
});

test("a publish that is ended or killed leaves no folder and no program behind", async (t) => {
  const folder = await temporaryFolder(t);
  const temporary = path.join(folder, "tmp");
  const started = path.join(folder, "started");
  await mkdir(temporary);
  // An npx that hangs, and what it starts too.
  const npx = path.join(folder, "npx");
  await writeFile(npx, `#!/bin/sh\nsleep 300 & echo $$ $! > ${started}\nwait\n`);
  await chmod(npx, 0o755);
  const env = environment({ TMPDIR: temporary });
  env.PATH = `${folder}:${env.PATH}`;
  /** @param {string} pid */
  const isAlive = (pid) =>
    access(`/proc/${pid}/stat`)
      .then(() => readFile(`/proc/${pid}/stat`, "utf8"))
      .then(
        (stat) => !/\) Z /.test(stat),
        () => false,
      );
  /** @param {NodeJS.Signals} signal */
  const publish = async (signal) => {
    await rm(started, { force: true });
    const child = spawn(command, ["publish", sampleIcon, "--local"], {
      cwd: root,
      env,
      stdio: "ignore",
    });
    const ended = new Promise((resolve) => child.on("exit", (status, by) => resolve(status ?? by)));
    let pids;
    while (!pids?.trim()) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      pids = await readFile(started, "utf8").catch(() => "");
    }
    child.kill(signal);
    const status = await ended;
    pids = pids.trim().split(" ");
    const alive = await Promise.all(pids.map(isAlive));
    t.after(() => Promise.all(pids.map((pid) => runProgram("kill", ["-9", pid]))));
    return { status, alive };
  };
  for (const [signal, status] of /** @type {[NodeJS.Signals, number][]} */ ([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ])) {
    assert.deepEqual(await publish(signal), { status, alive: [false, false] }, signal);
    assert.deepEqual(await readdir(temporary), [], signal);
  }
  assert.equal((await publish("SIGKILL")).status, "SIGKILL");
  assert.equal((await readdir(temporary)).length, 1);
  // The next one takes away what that left.
  assert.equal((await publish("SIGTERM")).status, 143);
  assert.deepEqual(await readdir(temporary), []);
});

test("where to publish has to be said", async () => {
  const { status, stderr } = await rotateIcon(["publish", sampleIcon]);
  assert.equal(status, 2);
  assert.match(stderr, /--local/);
  const both = await rotateIcon(["publish", sampleIcon, "--local", "--remote"]);
  assert.equal(both.status, 2);
});
