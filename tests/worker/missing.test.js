/**
 * Tests a Cron Trigger when something is missing or wrong on this side: one line in the log says
 * what, nothing is sent, and the next turn works again.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { frameSet, padPng, png } from "./harness/frames.js";
import { pointerTo, publish, put } from "./harness/kv.js";
import { ACCOUNT_SECRETS } from "./harness/secrets.js";
import { useStage } from "./harness/stage.js";

const stage = useStage();

/** 09:00 in Tokyo: frame 9. */
const AT = "2031-06-15T00:00:00Z";

/**
 * Lets the cron come and checks that it was refused on this side.
 *
 * @param {string} reason
 * @param {RegExp} says
 */
async function refuses(reason, says) {
  await stage.simulator.clear();
  const { level, line } = await stage.worker.cron(AT);
  assert.equal(level, "error");
  assert.deepEqual(
    [
      line.event,
      line.trigger,
      line.network,
      line.outcome,
      line.attempts,
      line.sent_at,
      line.network_status,
      line.reason,
    ],
    ["turn", "cron", "x", "refused", 0, null, null, reason],
    JSON.stringify(line),
  );
  assert.equal(Date.parse(line.scheduled_at), Date.parse(AT));
  assert.match(line.message, says);
  assert.ok(line.remedy.length > 0);
  await stage.simulator.receivedNothing();
  return line;
}

/** Lets the cron come and checks that it turned. */
async function turns() {
  await stage.simulator.clear();
  const { line } = await stage.worker.cron(AT);
  assert.equal(line.outcome, "turned", JSON.stringify(line));
  await stage.simulator.receivedOne();
}

for (const name of ACCOUNT_SECRETS) {
  test(`without ${name} nothing is sent, and it is named`, async () => {
    await stage.worker.configure({ secrets: { [name]: null } });
    const line = await refuses("settings", new RegExp(`not set: ${name}\\.$`));
    assert.deepEqual([line.frame, line.frames], [null, null]);
    assert.match(line.remedy, /wrangler secret put/);
  });
}

test("without any secret nothing is sent, and all are named", async () => {
  await stage.worker.configure({
    secrets: Object.fromEntries([...ACCOUNT_SECRETS, "TRIGGER_TOKEN"].map((name) => [name, null])),
  });
  await refuses("settings", new RegExp(`not set: ${ACCOUNT_SECRETS.join(", ")}\\.$`));
});

test("without TRIGGER_TOKEN the cron turns all the same", async () => {
  await stage.worker.configure({ secrets: { TRIGGER_TOKEN: null } });
  await turns();
});

test("with invalid settings nothing is sent, and each is named with what it may be", async () => {
  await stage.worker.configure({ vars: { PERIOD: "7h", X_BODY: "raw" } });
  await refuses("settings", /PERIOD has to be .*divides a day.*X_BODY has to be multipart or form/);
});

test("an API_BASE_URL that is not encrypted gets nothing", async () => {
  await stage.worker.configure({
    vars: { API_BASE_URL: stage.simulator.url.replace("127.0.0.1", "127.0.0.1.nip.io") },
  });
  await refuses("settings", /API_BASE_URL has to be an https:\/\/ URL/);
});

test("without a frame set nothing is sent, and once one is published the next turn works", async () => {
  await stage.worker.reset();
  const line = await refuses("no-icon", /no icon yet/);
  assert.deepEqual([line.frame, line.frames], [null, null]);
  assert.match(line.remedy, /rotate-icon publish/);
  await publish(stage.worker.kv, stage.set);
  await turns();
});

test("without the frame that is due nothing is sent, and the frame is named", async () => {
  await stage.worker.kv.delete(`sets/${stage.set.id}/9`);
  const line = await refuses(
    "frames",
    /^Frame 9 of 12 is missing from the store, and an album has no icon to render it from\.$/,
  );
  assert.deepEqual([line.frame, line.frames], [9, 12]);
  assert.match(line.remedy, /rotate-icon publish/);
});

test("another frame that is missing is in nobody's way", async () => {
  await stage.worker.kv.delete(`sets/${stage.set.id}/8`);
  await turns();
});

const id = "0123456789abcdef0123456789abcdef";
const GARBAGE = {
  "no bytes": "",
  "text that is no JSON": "current",
  "bytes that are no text": Buffer.from([0xff, 0xfe, 0x00, 0x80]),
  "a line break and a forged log line": 'x\n{"event":"turn","outcome":"turned"}',
  null: "null",
  "a list": "[]",
  "an object without members": "{}",
  "an id that is a path": JSON.stringify({
    id: "../../current",
    frames: 12,
    media_type: "image/png",
  }),
  "an id in capitals": JSON.stringify({
    id: id.toUpperCase().replace("0", "A"),
    frames: 12,
    media_type: "image/png",
  }),
  "no frames": JSON.stringify({ id, frames: 0, media_type: "image/png" }),
  "too many frames": JSON.stringify({ id, frames: 1441, media_type: "image/png" }),
  "far too many frames": JSON.stringify({ id, frames: 1e300, media_type: "image/png" }),
  "fewer frames than none": JSON.stringify({ id, frames: -12, media_type: "image/png" }),
  "half a frame": JSON.stringify({ id, frames: 0.5, media_type: "image/png" }),
  "another media type": JSON.stringify({ id, frames: 12, media_type: "text/html" }),
  "a pointer cut short": JSON.stringify({ id, frames: 12, media_type: "image/png" }).slice(0, -1),
  "a megabyte of brackets": "[".repeat(1_000_000),
};

for (const [what, value] of Object.entries(GARBAGE)) {
  test(`with garbage for the current set (${what}) nothing is sent, and the next turn works`, async () => {
    await put(stage.worker.kv, "current", Buffer.from(value));
    const line = await refuses("frames", /What is stored under `current` is no frame set/);
    assert.deepEqual([line.frame, line.frames], [null, null]);
    assert.match(line.remedy, /rotate-icon publish/);
    assert.ok(line.message.length < 400, `${line.message.length} characters`);
    await stage.worker.kv.put("current", pointerTo(stage.set));
    await turns();
  });
}

test("a frame without a byte is not sent", async () => {
  await put(stage.worker.kv, `sets/${stage.set.id}/9`, Buffer.alloc(0));
  await refuses(
    "frames",
    /^Frame 9 of 12 has 0 bytes, and an album has no icon to render it from\.$/,
  );
});

test("a frame that is a byte too large is not sent, the largest one is", async () => {
  const largest = frameSet(Array(12).fill(padPng(png(0.75), 512_000)));
  await publish(stage.worker.kv, largest);
  await turns();
  await stage.worker.forget();
  await put(stage.worker.kv, `sets/${largest.id}/9`, padPng(png(0.75), 512_001));
  await refuses("frames", /^Frame 9 has 512001 bytes; X takes from 1 to 512000\.$/);
});

test("a frame of many megabytes is not sent, and the next turn works", async () => {
  await put(stage.worker.kv, `sets/${stage.set.id}/9`, Buffer.alloc(20_000_000));
  await refuses("frames", /^Frame 9 of 12 has more than 2000000 bytes, and an album/);
  await put(stage.worker.kv, `sets/${stage.set.id}/9`, stage.set.frames[9]);
  await turns();
});

for (const [what, bytes] of /** @type {[string, Buffer][]} */ ([
  ["no picture", Buffer.from("no picture")],
  ["half a picture", png(0.75).subarray(0, -20)],
  ["a picture of another format", Buffer.from([0xff, 0xd8, 0xff, 0xd9])],
])) {
  test(`a frame that is ${what} is not sent`, async () => {
    await put(stage.worker.kv, `sets/${stage.set.id}/9`, bytes);
    await refuses(
      "frames",
      /^Frame 9 of 12 is stored as something else than image\/png, and an album has no icon to render it from\.$/,
    );
  });
}
