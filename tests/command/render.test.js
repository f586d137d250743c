/** `rotate-icon render`, as a person at a terminal sees it. */
import assert from "node:assert/strict";
import { readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import test from "node:test";
import { rotateIcon, sampleIcon, temporaryFolder } from "./command.js";

test("render writes the frames and the bulk file", async (t) => {
  const out = path.join(await temporaryFolder(t), "a/new/folder");
  const { status, stdout } = await rotateIcon(["render", sampleIcon, "--out", out]);
  assert.equal(status, 0);
  assert.match(stdout, /^Wrote 12 frames \(\d+ kB\) and kv-bulk\.json into /);

  const names = Array.from({ length: 12 }, (_, n) => `${n}.jpg`);
  assert.deepEqual((await readdir(out)).sort(), [...names, "kv-bulk.json"].sort());
  const frames = await Promise.all(names.map((name) => readFile(path.join(out, name))));
  for (const frame of frames) {
    assert.ok(frame.length <= 512_000);
    assert.equal(frame.subarray(0, 3).toString("hex"), "ffd8ff", "the frame is a JPEG");
  }

  const entries = JSON.parse(await readFile(path.join(out, "kv-bulk.json"), "utf8"));
  const values = new Map(entries.map(({ key, value, base64 }) => [key, Buffer.from(value, base64 ? "base64" : "utf8")]));
  const set = JSON.parse(values.get("current"));
  assert.deepEqual({ frames: set.frames, media_type: set.media_type }, { frames: 12, media_type: "image/jpeg" });
  assert.equal(entries.at(-1).key, "current", "what switches to the set comes last");
  frames.forEach((frame, n) => assert.deepEqual(values.get(`sets/${set.id}/${n}`), frame));
  assert.deepEqual(values.get(`sets/${set.id}/icon`), await readFile(sampleIcon));
});

test("counterclockwise numbers the same frames the other way, and leaves the bulk file alone", async (t) => {
  const folder = await temporaryFolder(t);
  const [clockwise, counterclockwise] = ["clockwise", "counterclockwise"].map((name) => path.join(folder, name));
  for (const out of [clockwise, counterclockwise]) {
    const { status } = await rotateIcon(["render", sampleIcon, "--out", out, "--direction", path.basename(out), "--frames", "8"]);
    assert.equal(status, 0);
  }
  const read = (out, name) => readFile(path.join(out, name));
  for (let n = 0; n < 8; n++) {
    assert.deepEqual(await read(counterclockwise, `${n}.jpg`), await read(clockwise, `${(8 - n) % 8}.jpg`));
  }
  assert.deepEqual(await read(counterclockwise, "kv-bulk.json"), await read(clockwise, "kv-bulk.json"));
});

test("a sheet shows all frames in one picture", async (t) => {
  const folder = await temporaryFolder(t);
  const sheet = path.join(folder, "sheet.png");
  const { status } = await rotateIcon(["render", sampleIcon, "--out", folder, "--sheet", sheet]);
  assert.equal(status, 0);
  const png = await readFile(sheet);
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [600, 600]);
});

test("what cannot be rendered is one clear line, and nothing is written", async (t) => {
  const folder = await temporaryFolder(t);
  const text = path.join(folder, "text.jpg");
  await writeFile(text, "this is no picture");
  const cut = path.join(folder, "cut.png");
  await writeFile(cut, (await readFile(sampleIcon)).subarray(0, 5000));
  for (const [icon, message] of [
    [text, /neither a JPEG nor a PNG/],
    [cut, /cannot be decoded/],
    [path.join(folder, "nothing.png"), /cannot read/],
  ]) {
    const out = path.join(folder, "out");
    const { status, stderr } = await rotateIcon(["render", icon, "--out", out]);
    assert.equal(status, 1);
    assert.match(stderr, message);
    assert.equal(stderr.trim().split("\n").length, 1, stderr);
    await assert.rejects(readdir(out), { code: "ENOENT" });
  }
});

test("options that make no sense are refused with what they may be", async (t) => {
  const folder = await temporaryFolder(t);
  for (const [flag, value, message] of [
    ["--frames", "0", /1 to 1440/],
    ["--frames", "1441", /1 to 1440/],
    ["--frames", "many", /1 to 1440/],
    ["--direction", "left", /clockwise nor counterclockwise/],
  ]) {
    const { status, stderr } = await rotateIcon(["render", sampleIcon, "--out", folder, flag, value]);
    assert.equal(status, 2);
    assert.match(stderr, message);
  }
});

test("every command explains itself", async () => {
  for (const words of [[], ["render"], ["publish"], ["simulate-x"]]) {
    const { status, stdout } = await rotateIcon([...words, "--help"]);
    assert.equal(status, 0);
    assert.match(stdout, /Usage: rotate-icon/);
    // Every option line is followed or continued by a description.
    for (const option of stdout.matchAll(/^ +(?:-\w, )?(--[\w-]+).*$/gm)) {
      const after = stdout.slice(option.index + option[0].length, option.index + option[0].length + 40);
      assert.match(`${option[0].split("  ").at(-1)}${after}`, /\n {6,}\S|[a-z]{2}/, `${option[1]} has a description`);
    }
  }
});
