/** Tests GET /frames/{n}: the frames of the current set, and how clients cache them. */
import assert from "node:assert/strict";
import test from "node:test";
import { assertGuarded, problem } from "./harness/assertions.js";
import { frameSet, pngFrames, renderedSet } from "./harness/frames.js";
import { publish } from "./harness/kv.js";
import { useStage } from "./harness/stage.js";

const stage = useStage();

/** @param {Response} response */
const bytesOf = async (response) => Buffer.from(await response.arrayBuffer());
/** @param {number} n */
const etagOf = (n, set = stage.set) => `"${set.id}-${n}"`;

/**
 * Checks an answer with a frame in it.
 *
 * @param {Response} response
 * @param {number} n
 */
async function assertFrame(response, n, set = stage.set) {
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), set.mediaType);
  assert.equal(response.headers.get("etag"), etagOf(n, set));
  assert.equal(response.headers.get("cache-control"), "public, max-age=60");
  assertGuarded(response);
  assert.deepEqual(await bytesOf(response), set.frames[n]);
}

test("anybody gets each frame as it was published", async () => {
  for (let n = 0; n < 12; n += 1) await assertFrame(await stage.worker.fetch(`/frames/${n}`), n);
});

test("frames of JPEG are given as JPEG", async () => {
  const set = await renderedSet();
  await publish(stage.worker.kv, set);
  for (const n of [0, 11]) await assertFrame(await stage.worker.fetch(`/frames/${n}`), n, set);
});

test("a frame that is known is not sent again", async () => {
  const etag = etagOf(5);
  for (const known of [
    etag,
    `W/${etag}`,
    "*",
    `"other", ${etag}`,
    `${etag},"other"`,
    ` ${etag} `,
  ]) {
    const response = await stage.worker.fetch("/frames/5", { headers: { "if-none-match": known } });
    assert.equal(response.status, 304, known);
    assert.equal(response.headers.get("etag"), etag);
    assert.equal(response.headers.get("cache-control"), "public, max-age=60");
    assertGuarded(response);
    assert.equal((await bytesOf(response)).length, 0);
  }
});

test("a frame that is not known is sent", async () => {
  for (const known of [
    etagOf(4),
    `"${stage.set.id}"`,
    etagOf(5).slice(1, -1),
    `w/${etagOf(5)}`,
    '""',
    "",
  ]) {
    await assertFrame(
      await stage.worker.fetch("/frames/5", { headers: { "if-none-match": known } }),
      5,
    );
  }
});

test("a new set makes every frame a new one", async () => {
  const next = frameSet(pngFrames(6));
  await publish(stage.worker.kv, next);
  await assertFrame(
    await stage.worker.fetch("/frames/5", { headers: { "if-none-match": etagOf(5) } }),
    5,
    next,
  );
  await problem(await stage.worker.fetch("/frames/6"), 404);
});

test("HEAD tells what GET would, without the frame", async () => {
  const [get, head] = [
    await stage.worker.fetch("/frames/2"),
    await stage.worker.fetch("/frames/2", { method: "HEAD" }),
  ];
  assert.equal(head.status, 200);
  assert.equal((await bytesOf(head)).length, 0);
  for (const name of ["content-type", "etag", "cache-control", "x-content-type-options"]) {
    assert.equal(head.headers.get(name), get.headers.get(name), name);
  }
  const known = await stage.worker.fetch("/frames/2", {
    method: "HEAD",
    headers: { "if-none-match": etagOf(2) },
  });
  assert.equal(known.status, 304);
  assert.equal((await stage.worker.fetch("/frames/12", { method: "HEAD" })).status, 404);
});

test("a frame beyond the last is not found, with how many there are", async () => {
  for (const n of [12, 13, 1440, 65535]) {
    assert.match(
      (await problem(await stage.worker.fetch(`/frames/${n}`), 404)).detail,
      new RegExp(`no frame ${n}\\b.*\\b12\\b`),
    );
  }
});

test("a frame that is beyond the last is not found even if the sender knows its tag", async () => {
  await problem(await stage.worker.fetch("/frames/12", { headers: { "if-none-match": "*" } }), 404);
});

test("a frame has one name only", async () => {
  for (const name of [
    "",
    "00",
    "01",
    "-1",
    "-0",
    "+1",
    "%2B1",
    "1.0",
    "0x1",
    "65536",
    "99999999999",
    "x",
    "0.jpg",
    "0/",
    "1%20",
    "٣",
    "0/../1/",
  ]) {
    const { detail } = await problem(await stage.worker.fetch(`/frames/${name}`), 404);
    assert.match(detail, /\/frames\/0, \/frames\/1/, name);
  }
});

test("a frame takes no query", async () => {
  for (const query of ["?v=1", "?frame=1", "?x"]) {
    assert.match(
      (await problem(await stage.worker.fetch(`/frames/1${query}`), 400)).detail,
      /no query/,
    );
  }
});

test("without a frame set the answer says to publish one", async () => {
  await stage.worker.reset();
  assert.match(
    (await problem(await stage.worker.fetch("/frames/0"), 503)).detail,
    /no icon yet.*rotate-icon publish/,
  );
});

test("a frame that is missing from the store is named, and the others are given", async () => {
  await stage.worker.kv.delete(`sets/${stage.set.id}/5`);
  assert.match(
    (await problem(await stage.worker.fetch("/frames/5"), 503)).detail,
    /^Frame 5 of 12 is missing from the store, and an album has no icon to render it from\. Publish the icon/,
  );
  await assertFrame(await stage.worker.fetch("/frames/6"), 6);
});

test("what is no frame set is not taken for one", async () => {
  for (const garbage of [
    "",
    "x",
    "{}",
    "null",
    '{"id":"../../current","frames":12,"media_type":"image/png"}',
  ]) {
    await stage.worker.kv.put("current", garbage);
    assert.match(
      (await problem(await stage.worker.fetch("/frames/0"), 503)).detail,
      /`current` is no frame set/,
    );
  }
});

test("frames are there whatever is wrong with the settings", async () => {
  await stage.worker.configure({
    vars: { PERIOD: "never" },
    secrets: { API_KEY: null, TRIGGER_TOKEN: null },
  });
  await assertFrame(await stage.worker.fetch("/frames/1"), 1);
});
