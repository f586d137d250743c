/** `rotate-icon publish --local`, through the real wrangler. */
import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import path from "node:path";
import test from "node:test";
import { root, rotateIcon, runProgram, sampleIcon, temporaryFolder } from "./command.js";
import { noisyIcon } from "../../benches/noisy-icon.js";

/** A local namespace of its own for a test, and what is in it. */
async function namespace(t) {
  const folder = await temporaryFolder(t);
  const flags = ["--binding", "FRAMES", "--local", "--persist-to", folder];
  const kv = async (...words) => {
    const { status, stdout, stderr } = await runProgram("npx", ["--no-install", "wrangler", "kv", ...words, ...flags]);
    assert.equal(status, 0, stderr);
    return stdout;
  };
  return {
    folder,
    publish: (icon, env) => rotateIcon(["publish", icon, "--local", "--persist-to", folder], env),
    keys: async () => JSON.parse(await kv("key", "list")).map(({ name }) => name),
    current: async () => JSON.parse(await kv("key", "get", "current")),
    delete: (key) => kv("key", "delete", key),
  };
}

const keysOf = ({ id, frames }) => [...Array.from({ length: frames }, (_, n) => `sets/${id}/${n}`), `sets/${id}/icon`];

test("publish stores a set, switches to it, heals it, and cleans up", { timeout: 300_000 }, async (t) => {
  const kv = await namespace(t);

  const first = await kv.publish(sampleIcon);
  assert.equal(first.status, 0, first.stderr);
  const sample = await kv.current();
  assert.deepEqual((await kv.keys()).sort(), ["current", ...keysOf(sample)].sort());

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
  assert.deepEqual((await kv.keys()).sort(), ["current", ...keysOf(sample), ...keysOf(second)].sort());

  // A third: the first is gone.
  await writeFile(icon, noisyIcon(9));
  const last = await kv.publish(icon);
  assert.match(last.stdout, /Deleted 13 values of old sets/);
  const third = await kv.current();
  assert.deepEqual((await kv.keys()).sort(), ["current", ...keysOf(second), ...keysOf(third)].sort());

  // What is no icon changes nothing.
  await writeFile(icon, "no picture");
  const failed = await kv.publish(icon);
  assert.equal(failed.status, 1);
  assert.match(failed.stderr, /neither a JPEG nor a PNG/);
  assert.deepEqual(await kv.current(), third);
});

test("an upload that breaks off leaves the current set as it was", { timeout: 120_000 }, async (t) => {
  const kv = await namespace(t);
  assert.equal((await kv.publish(sampleIcon)).status, 0);
  const before = await kv.current();

  // An npx in front of the real one that fails at the bulk upload.
  const npx = path.join(kv.folder, "npx");
  const real = path.dirname((await runProgram("which", ["npx"])).stdout.trim());
  await writeFile(npx, `#!/bin/sh\ncase "$*" in *"bulk put"*) echo "no network"; exit 1;; esac\nPATH=${path.join(root, "node_modules/.bin")}:${real}:$PATH exec ${real}/npx "$@"\n`);
  await chmod(npx, 0o755);
  const icon = path.join(kv.folder, "icon.png");
  await writeFile(icon, noisyIcon(0));
  const { status, stderr } = await kv.publish(icon, { PATH: `${kv.folder}:${process.env.PATH}` });
  assert.equal(status, 1);
  assert.match(stderr, /the current set is untouched/);
  assert.match(stderr, /no network/);
  assert.deepEqual(await kv.current(), before);
});

test("where to publish has to be said", async () => {
  const { status, stderr } = await rotateIcon(["publish", sampleIcon]);
  assert.equal(status, 2);
  assert.match(stderr, /--local/);
  const both = await rotateIcon(["publish", sampleIcon, "--local", "--remote"]);
  assert.equal(both.status, 2);
});
