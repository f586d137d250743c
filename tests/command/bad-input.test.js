/** Tests files that are no pictures, are broken, or need too much. */
import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import test from "node:test";
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { pngChunk, pngFile } from "../../scripts/lib/png.js";
import { accountSecrets } from "../../scripts/lib/local-networks.js";
import { rotateIcon, sampleIcon, temporaryFolder } from "./command.js";
import { scene } from "./pictures.js";

/**
 * Asserts that rendering a file fails soon, with status 1 and one line that says why, and writes
 * nothing.
 *
 * @param {import("node:test").TestContext} t
 * @param {string} name
 * @param {string | Buffer | null} content
 * @param {RegExp} message
 * @param {string[]} flags
 */
async function refused(t, name, content, message, ...flags) {
  const folder = await temporaryFolder(t);
  const file = path.join(folder, name);
  if (content !== null) await writeFile(file, content);
  const out = path.join(folder, "out");
  const started = Date.now();
  const { status, stdout, stderr } = await rotateIcon([
    "render",
    file,
    "--out",
    out,
    "--sheet",
    path.join(folder, "sheet.png"),
    ...flags,
  ]);
  assert.equal(status, 1, `${name}: ${stdout}${stderr}`);
  assert.match(stderr, message, name);
  assert.equal(stderr.trim().split("\n").length, 1, stderr);
  assert.ok(stderr.startsWith("rotate-icon: ") && stderr.includes(name), stderr);
  assert.equal(stdout, "");
  assert.ok(Date.now() - started < 5000, `${name} took ${Date.now() - started} ms`);
  assert.deepEqual(await readdir(folder), content === null ? [] : [name]);
}

test("a file that was cut off is broken, wherever it was cut", async (t) => {
  const photo = () => scene(500, 400).removeAlpha();
  const files = {
    JPEG: await photo().jpeg().toBuffer(),
    "progressive JPEG": await photo().jpeg({ progressive: true }).toBuffer(),
    PNG: await photo().png().toBuffer(),
    GIF: await photo().gif().toBuffer(),
    "lossy WebP": await photo().webp().toBuffer(),
    "lossless WebP": await photo().webp({ lossless: true }).toBuffer(),
  };
  for (const [name, file] of Object.entries(files)) {
    for (const share of [0.02, 0.3, 0.9]) {
      const format = name.split(" ").at(-1);
      const cut = file.subarray(0, Math.max(16, Math.floor(file.length * share)));
      await refused(
        t,
        `${name} ${share}`,
        cut,
        new RegExp(`this ${format} file is broken: .+; save or download it again`),
      );
    }
  }
});

test("what is no picture is told what it is", async (t) => {
  const jpeg = await scene(50, 50).jpeg().toBuffer();
  for (const [
    name,
    content,
    message,
  ] of /** @type {[string, string | Buffer | null, RegExp][]} */ ([
    ["text.jpg", "this is no picture", /this is a text, not a JPEG, PNG, GIF or WebP file/],
    ["empty.png", "", /this is an empty file, not /],
    ["page.png", "<!doctype html><title>Not found</title>", /this is a text, not /],
    ["drawing.png", '<svg xmlns="http://www.w3.org/2000/svg"/>', /this is an SVG drawing, not /],
    [
      "photo.jpg",
      await scene(50, 50).avif().toBuffer(),
      /this is an AVIF picture, not .*; convert it/,
    ],
    ["scan.jpg", await scene(50, 50).tiff().toBuffer(), /this is a TIFF picture, not /],
    ["noise.jpg", Buffer.from(jpeg.map((byte) => byte ^ 0x5a)), /this is .+, not a JPEG/],
    ["signature.jpg", Buffer.from("ffd8ff", "hex"), /this JPEG file is broken/],
    ["signature.png", Buffer.from("89504e470d0a1a0a", "hex"), /this PNG file is broken/],
    ["signature.gif", "GIF89a", /this GIF file is broken/],
    ["signature.webp", "RIFF\0\0\0\0WEBP", /this WebP file is broken/],
    ["nothing.png", null, /cannot read .*No such file/],
  ])) {
    await refused(t, name, content, message);
  }
});

test("a small file cannot ask for a large memory", async (t) => {
  const rows = pngChunk("IDAT", deflateSync(Buffer.alloc(100_000)));
  const gif = Buffer.from(await scene(16, 16).gif().toBuffer());
  gif.writeUInt16LE(65535, 6);
  gif.writeUInt16LE(65535, 8);
  const jpeg = Buffer.from(await scene(16, 16).jpeg().toBuffer());
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0, 0, 17]));
  jpeg.writeUInt16BE(65500, frame + 5);
  jpeg.writeUInt16BE(65500, frame + 7);
  const webp = Buffer.from(await scene(16, 16).webp({ lossless: true }).toBuffer());
  // The signature, then 14 bits each of width − 1 and height − 1.
  const header = webp.indexOf("VP8L") + 9;
  webp.writeUInt32LE((webp.readUInt32LE(header) & 0xf0000000) | 15999 | (15999 << 14), header);
  for (const [
    name,
    content,
    message,
  ] of /** @type {[string, string | Buffer | null, RegExp][]} */ ([
    [
      "bomb.png",
      pngFile(20_000, 8, 6, rows),
      /20000×20000 pixels takes \d+ MB to decode, and 1000 MB is the limit here; make it smaller/,
    ],
    [
      "bomb of 16 bits.png",
      pngFile(2_000_000_000, 16, 6, rows),
      /takes more memory to decode than there is here; make it smaller/,
    ],
    ["bomb.gif", gif, /65535×65535 pixels takes \d+ MB to decode/],
    ["bomb.jpg", jpeg, /JPEG file is broken: /],
    ["bomb.webp", webp, /16000×16000 pixels takes \d+ MB to decode/],
  ])) {
    await refused(t, name, content, message);
  }
});

test("every byte of a header may be wrong", async (t) => {
  const folder = await temporaryFolder(t);
  const file = path.join(folder, "picture");
  for (const format of /** @type {const} */ (["jpeg", "png", "gif", "webp"])) {
    const picture = await scene(24, 24)[format]().toBuffer();
    for (let at = 3; at < 48; at += 3) {
      const changed = Buffer.from(picture);
      changed[at] ^= 0xff;
      await writeFile(file, changed);
      const { status, stderr } = await rotateIcon([
        "render",
        file,
        "--frames",
        "1",
        "--out",
        path.join(folder, "out"),
      ]);
      // What does not matter may be wrong; nothing may end in a panic.
      assert.ok(status === 0 || status === 1, `${format} ${at}: ${status} ${stderr}`);
      assert.ok(
        stderr.trim().split("\n").length <= 1 && !stderr.includes("panicked"),
        `${format} ${at}: ${stderr}`,
      );
    }
  }
});

test("a frame that cannot be written is said with its place", async (t) => {
  const folder = await temporaryFolder(t);
  const icon = path.join(folder, "icon.png");
  await sharp(await scene(50, 50).png().toBuffer()).toFile(icon);
  // A file is where the folder should be.
  const { status, stderr } = await rotateIcon(["render", icon, "--out", icon]);
  assert.equal(status, 1);
  assert.match(stderr, /^rotate-icon: cannot make the folder .*icon\.png: /);
});

test("no name of a file is obeyed by the terminal", async (t) => {
  const folder = await temporaryFolder(t);
  const name = "a\u001b[31m\n\u202egnp.png";
  const icon = path.join(folder, name);
  const shown = "a\\u{1b}[31m\\n\\u{202e}gnp.png";
  const out = path.join(folder, "out\u001b]0;x\u0007");
  await writeFile(icon, "no picture");
  await mkdir(path.join(folder, `album${name}`));
  for (const words of [
    ["render", icon, "--out", out],
    ["render", `${icon}.none`, "--out", out],
    ["render", "--album", path.join(folder, `album${name}`), "--out", out],
    ["render", sampleIcon, "--out", path.join(icon, "out")],
    ["turn", icon, "--settings", `${icon}.none`],
    ["turn", sampleIcon, "--state", path.join(icon, "state")],
    ["turn", sampleIcon, "--state", path.join(folder, `album${name}`)],
    ["turn", "--rendered", path.join(folder, `album${name}`), "--stateless"],
    ["render", icon, icon],
    ["render", sampleIcon, "--out", "a", "--frames", name],
  ]) {
    const { status, stdout, stderr } = await rotateIcon(words, {
      ...accountSecrets,
      API_BASE_URL: "http://127.0.0.1:9",
    });
    assert.notEqual(status, 0, words.join(" "));
    const said = `${stdout}${stderr}`;
    assert.doesNotMatch(said.replaceAll("\n", ""), /\p{Cc}/u, JSON.stringify(said));
    if (!said.includes("error:")) assert.ok(said.includes(shown) && !said.includes("\u202e"), said);
  }
  const rendered = await rotateIcon(["render", sampleIcon, "--out", out]);
  assert.equal(rendered.status, 0, rendered.stderr);
  assert.ok(rendered.stdout.includes("out\\u{1b}]0;x\\u{7}"), rendered.stdout);
});
