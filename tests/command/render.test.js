/** Tests `rotate-icon render`, as a person at a terminal sees it. */
import assert from "node:assert/strict";
import { readFile, readdir, stat } from "node:fs/promises";
import path from "node:path";
import test from "node:test";
import { root, rotateIcon, runProgram, sampleIcon, temporaryFolder } from "./command.js";

/** @typedef {{ key: string, value: string, base64?: boolean }} Entry of a bulk file */

/**
 * Reads a JSON file: an object, or what `--bulk` writes.
 *
 * @param {string} folder
 * @param {string} name
 */
const read = async (folder, name) => JSON.parse(await readFile(path.join(folder, name), "utf8"));

test("render writes the frames and what they are, and with --bulk all that is stored", async (t) => {
  const out = path.join(await temporaryFolder(t), "a/new/folder");
  const { status, stdout } = await rotateIcon(["render", sampleIcon, "--out", out]);
  assert.equal(status, 0);
  assert.match(
    stdout,
    /^Wrote 12 frames \(\d+ kB\) into .*\nTo write a file for `wrangler kv bulk put` too, add --bulk FILE\.\n$/,
  );
  const names = Array.from({ length: 12 }, (_, n) => `${n}.jpg`);
  assert.deepEqual((await readdir(out)).sort(), [...names, "frame-set.json"].sort());

  const bulk = path.join(out, "kv-bulk.json");
  const again = await rotateIcon(["render", sampleIcon, "--out", out, "--bulk", bulk]);
  assert.equal(again.status, 0);
  assert.ok(again.stdout.endsWith(`\nWrote ${bulk} for \`wrangler kv bulk put\`.\n`), again.stdout);
  assert.deepEqual(
    (await readdir(out)).sort(),
    [...names, "frame-set.json", "kv-bulk.json"].sort(),
  );
  const frames = await Promise.all(names.map((name) => readFile(path.join(out, name))));
  for (const frame of frames) {
    assert.ok(frame.length <= 512_000);
    assert.equal(frame.subarray(0, 3).toString("hex"), "ffd8ff", "the frame is a JPEG");
  }

  const entries = await read(out, "kv-bulk.json");
  const values = new Map(
    entries.map((/** @type {Entry} */ { key, value, base64 }) => [
      key,
      Buffer.from(value, base64 ? "base64" : "utf8"),
    ]),
  );
  const set = JSON.parse(String(values.get("current")));
  assert.deepEqual(set, {
    id: set.id,
    frames: 12,
    media_type: "image/jpeg",
    rendering: { kernel: "sharp", fill: "reflect", shape: "square", quality: 95 },
  });
  assert.deepEqual(await read(out, "frame-set.json"), { set, direction: "clockwise" });
  assert.equal(entries.at(-1).key, "current", "what switches to the set comes last");
  for (const [n, frame] of frames.entries()) {
    assert.ok(frame.equals(values.get(`sets/${set.id}/${n}`)), `frame ${n}`);
  }
  assert.equal(values.size, 14);
  // The icon is ready to be turned: brightness, and colour at half the size.
  const icon = values.get(`sets/${set.id}/icon`);
  assert.match(
    icon.subarray(0, 100).toString("latin1"),
    /^YUV4MPEG2 W400 H400 .*C420jpeg .*\nFRAME\n/,
  );
  const header = icon.indexOf("FRAME\n") + 6;
  assert.equal(icon.length, header + 400 * 400 * 1.5);
});

test("the bulk file of round frames holds the icon with all its colour", async (t) => {
  const out = await temporaryFolder(t);
  assert.equal(
    (
      await rotateIcon([
        "render",
        sampleIcon,
        "--out",
        out,
        "--bulk",
        path.join(out, "bulk"),
        "--shape",
        "circle",
        "--frames",
        "1",
      ])
    ).status,
    0,
  );
  const entries = await read(out, "bulk");
  assert.deepEqual(
    entries.map((/** @type {Entry} */ { key }) => key.split("/").at(-1)),
    ["0", "icon", "current"],
  );
  const icon = Buffer.from(entries[1].value, "base64");
  assert.match(icon.subarray(0, 100).toString("latin1"), /^YUV4MPEG2 W400 H400 .*C444 /);
});

test("counterclockwise numbers the same frames the other way, and leaves the bulk file alone", async (t) => {
  const folder = await temporaryFolder(t);
  const [clockwise, counterclockwise] = ["clockwise", "counterclockwise"].map((name) =>
    path.join(folder, name),
  );
  for (const out of [clockwise, counterclockwise]) {
    const { status } = await rotateIcon([
      "render",
      sampleIcon,
      "--out",
      out,
      "--bulk",
      path.join(out, "bulk"),
      "--direction",
      path.basename(out),
      "--frames",
      "8",
    ]);
    assert.equal(status, 0);
  }
  /**
   * @param {string} out
   * @param {string} name
   */
  const bytes = (out, name) => readFile(path.join(out, name));
  for (let n = 0; n < 8; n++) {
    assert.ok(
      (await bytes(counterclockwise, `${n}.jpg`)).equals(
        await bytes(clockwise, `${(8 - n) % 8}.jpg`),
      ),
      `file ${n}`,
    );
  }
  const [one, other] = [await bytes(counterclockwise, "bulk"), await bytes(clockwise, "bulk")];
  assert.ok(one.equals(other), "the bulk file is the same");
});

test("a sheet shows all frames in one picture", async (t) => {
  const folder = await temporaryFolder(t);
  const sheet = path.join(folder, "sheet.png");
  const { status } = await rotateIcon(["render", sampleIcon, "--out", folder, "--sheet", sheet]);
  assert.equal(status, 0);
  const png = await readFile(sheet);
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [600, 600]);
});

test("a set of any size is written in full, and to a pipe without a bar", async (t) => {
  for (const frames of [1, 2, 3, 49, 1440]) {
    const out = path.join(await temporaryFolder(t), "out");
    const { status, stdout, stderr } = await rotateIcon([
      "render",
      sampleIcon,
      "--out",
      out,
      "--bulk",
      path.join(out, "../bulk"),
      "--frames",
      String(frames),
    ]);
    assert.equal(status, 0);
    assert.equal(stderr, "");
    assert.match(stdout, new RegExp(`^Wrote ${frames} frames? \\(`));
    assert.equal((await readdir(out)).length, frames + 1);
    const last = (await read(out, "../bulk")).slice(-3);
    assert.deepEqual(
      last.map((/** @type {Entry} */ { key }) => key.split("/").at(-1)),
      [String(frames - 1), "icon", "current"],
    );
    assert.ok((await stat(path.join(out, `${frames - 1}.jpg`))).size > 10_000);
  }
});

/** Whether util-linux's `script` is here, which gives a program a terminal; else why not. */
const script = await runProgram("script", ["--version"]).catch(() => ({ stdout: "" }));
const noTerminal = script.stdout.includes("util-linux") ? false : "needs util-linux's script";

test("at a terminal, a bar shows how far long work is", { skip: noTerminal }, async (t) => {
  const out = await temporaryFolder(t);
  const command = process.env.ROTATE_ICON ?? path.join(root, "target/debug/rotate-icon");
  /** @param {number} frames */
  const seen = async (frames) => {
    const words = `${command} render ${sampleIcon} --out ${out} --frames ${frames}`;
    const { status, stdout } = await runProgram("script", ["-qec", words, "/dev/null"], {
      TERM: "xterm",
    });
    assert.equal(status, 0, stdout);
    return stdout;
  };
  const long = await seen(1440);
  assert.match(long, /Rendering \[=*>? *\] \d+\/1440, \S+ left/);
  // It is gone at the end: only the report stands in its line.
  assert.ok(long.includes("\r\x1b[2KWrote 1440 frames "), long);
});

test("every command explains itself", async () => {
  for (const words of [
    [],
    ["render"],
    ["publish"],
    ["turn"],
    ["doctor"],
    ["login", "x"],
    ["simulate"],
  ]) {
    const { status, stdout } = await rotateIcon([...words, "--help"]);
    assert.equal(status, 0);
    assert.match(stdout, /Usage: rotate-icon/);
    // Every option line is followed or continued by a description.
    for (const option of stdout.matchAll(/^ +(?:-\w, )?(--[\w-]+).*$/gm)) {
      const after = stdout.slice(
        option.index + option[0].length,
        option.index + option[0].length + 40,
      );
      assert.match(
        `${option[0].split("  ").at(-1)}${after}`,
        /\n {6,}\S|[a-z]{2}/,
        `${option[1]} has a description`,
      );
    }
  }
});
