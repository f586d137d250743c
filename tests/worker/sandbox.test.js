/**
 * Tests pictures that break a decoder or need more memory than it has: the next picture is read as
 * usual, memory does not grow, and others do not wait.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import os from "node:os";
import path from "node:path";
import test, { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { configuration, copyScript, kvServer, workerd } from "../../benches/lib/workerd.js";
import { scene } from "../command/pictures.js";
import { webpOfGroups } from "../pictures/vp8l.js";
import { json, problem } from "./harness/assertions.js";
import { SECRETS } from "./harness/secrets.js";
import { useDevServerStage } from "./harness/stage.js";
import { driver, TOKEN } from "./harness/workerd.js";
import { portOf } from "../../scripts/lib/listen.js";

const stage = useDevServerStage();

/** An animated WebP whose frame of no size holds a picture of 16×16: decoders have failed at it. */
const BROKEN = Buffer.from(
  "UklGRmYAAABXRUJQVlA4WAoAAAASAAAAAAAAAAAAQU5JTQYAAAAAAAAAAABBTk1GOgAAAAAAAAAAAAAAAAAAAAAAAABBTFBIAgAAAACAVlA4IBgAAAAwAQCdASoQABAAAUAmJaQAA3AA/vLjAAA=",
  "base64",
);
/** One that names more prefix codes than a decoder has memory for. */
const HUNGRY = webpOfGroups(60_000);
const good = await scene(1200, 900).jpeg().toBuffer();

const authorization = `Bearer ${SECRETS.TRIGGER_TOKEN}`;
/** @param {BodyInit} picture */
const put = (picture, headers = {}) =>
  stage.worker.fetch("/icon", {
    method: "PUT",
    body: picture,
    headers: { authorization, ...headers },
  });
/** @param {BodyInit} picture */
const idOf = async (picture) => (await json(await put(picture))).frame_set.id;

test("a picture is read the same before and after others that decoders fail at", async () => {
  const [id, other] = [await idOf(good), await idOf(await scene(640, 480).png().toBuffer())];
  assert.notEqual(id, other);
  for (const bad of [BROKEN, HUNGRY, good.subarray(0, good.length / 2)]) {
    assert.ok([413, 422].includes((await put(bad)).status));
    assert.equal(await idOf(good), id);
  }
});

test("fifty uploads leave memory where the first ones left it", async () => {
  // In a workerd of its own, in which nothing else takes memory.
  const own = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-memory-"));
  copyScript(own, "edge");
  writeFileSync(path.join(own, "driver.js"), driver);
  const kv = await kvServer(() => undefined);
  const worker = await workerd(
    own,
    configuration([{ id: "edge", isBuilt: true, vars: { TRIGGER_TOKEN: TOKEN } }], portOf(kv), own),
    { log: "ignore" },
  );
  try {
    const large = await scene(2400, 1800).jpeg({ quality: 95 }).toBuffer();
    const kinds = [large, BROKEN, HUNGRY, good, Buffer.concat([large, Buffer.alloc(20_000_000)])];
    /** @param {BodyInit} picture */
    const upload = async (picture) => {
      const response = await fetch(`${worker.url}/icon`, {
        method: "PUT",
        body: picture,
        headers: { authorization: `Bearer ${TOKEN}` },
      });
      assert.ok(
        [200, 413, 422].includes(response.status),
        `${response.status} ${await response.text()}`,
      );
    };
    // Twice each, until all is compiled.
    for (const picture of [...kinds, ...kinds]) await upload(picture);
    const before = worker.residentMB();
    for (let i = 0; i < 50; i += 1) await upload(kinds[i % kinds.length]);
    const grown = worker.residentMB() - before;
    assert.ok(grown < 20, `${grown} MB more than ${before}`);
  } finally {
    await worker.stop();
    kv.close();
    rmSync(own, { recursive: true });
  }
});

test("uploads at once are each read, whatever becomes of the others", async () => {
  const id = await idOf(good);
  const padded = Buffer.concat([good, Buffer.alloc(2_000_000)]);
  await Promise.all(
    Array.from({ length: 16 }, async (_, i) => {
      if (i % 2 === 0) assert.equal(await idOf(padded), id);
      else await problem(await put(BROKEN), 422);
    }),
  );
});

test("a body that trickles in keeps nobody waiting, and is given up after a minute", async () => {
  const headers = { authorization, "content-length": 24_000_000 };
  const request = httpRequest(`${stage.worker.url}/icon`, { method: "PUT", headers });
  const answer = new Promise((resolve, reject) =>
    request.once("response", resolve).once("error", reject),
  );
  answer.catch(() => {});
  request.write(Buffer.concat([good, Buffer.alloc(20_000_000)]));
  request.on("error", () => {});
  const trickle = setInterval(() => request.write("x"), 1_000);
  after(() => clearInterval(trickle));
  const begun = Date.now();
  try {
    await sleep(500);
    const id = await idOf(good);
    assert.ok(Date.now() - begun < 40_000);
    const { statusCode } = await answer;
    assert.equal(statusCode, 400);
    assert.ok(Date.now() - begun > 55_000);
    // What it took is free again.
    assert.equal(await idOf(Buffer.concat([good, Buffer.alloc(24_000_000)])), id);
  } finally {
    clearInterval(trickle);
    request.destroy();
  }
});

// --- curl -----------------------------------------------------------------------

const folder = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-curl-"));
after(() => rmSync(folder, { recursive: true }));

/** @param {string[]} args */
const curl = async (...args) => {
  const { stdout } = await promisify(execFile)(
    "curl",
    ["-s", "-H", `Authorization: ${authorization}`, ...args, `${stage.worker.url}/icon`],
    { cwd: folder },
  );
  return JSON.parse(stdout);
};

test("who uses an option of curl that changes the file is told which does not", async (t) => {
  try {
    await promisify(execFile)("curl", ["--version"]);
  } catch {
    return t.skip("there is no curl");
  }
  const files = {
    "icon.jpg": good,
    "icon.png": await scene(640, 480).png().toBuffer(),
    "icon.gif": await scene(640, 480).gif().toBuffer(),
    "icon.webp": await scene(640, 480).webp().toBuffer(),
  };
  for (const [name, file] of Object.entries(files)) {
    writeFileSync(path.join(folder, name), file);
    const { frame_set: set } = await curl("-T", name);
    assert.equal((await curl("-X", "PUT", "--data-binary", `@${name}`)).frame_set.id, set.id, name);
    for (const [args, says] of /** @type {[string[], RegExp][]} */ ([
      [
        ["-X", "PUT", "-d", `@${name}`],
        /If it was sent by `curl -d`, .* send it with `curl -T FILE` or `--data-binary @FILE`\. The icon has not been changed\.$/,
      ],
      [
        ["-X", "PUT", "-F", `icon=@${name}`],
        /^This is a form, .*; send the file itself as the body\. With curl, that is `-T FILE` or `--data-binary @FILE` instead of `-F`\./,
      ],
    ])) {
      const { status, detail } = await curl(...args);
      assert.ok([415, 422].includes(status), `${name}: ${status}`);
      assert.match(detail, says);
    }
  }
});
