/**
 * Tests the Cron Trigger: the frame for each scheduled time, that its bytes arrive unchanged, and
 * what is logged. The times are in the future, because past ones count as the present.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { frameSet, pngFrames, renderedSet, sha256 } from "./harness/frames.js";
import { publish } from "./harness/kv.js";
import { useStage } from "./harness/stage.js";

const stage = useStage();

/**
 * Lets the cron come and checks that frame `n` of a set, and it alone, reached X.
 *
 * @param {string} at
 * @param {number} n
 */
async function turns(at, n, set = stage.set) {
  await stage.simulator.clear();
  const { level, line } = await stage.worker.cron(at);
  const sent = await stage.simulator.receivedOne();
  const which = set.frames.findIndex((frame) => sha256(frame) === sent.picture?.sha256);
  assert.equal(which, n, `${at}: the frame that X received; log: ${JSON.stringify(line)}`);
  assert.equal(sent.verdict, "accepted", sent.explanation);
  assert.ok(sent.took_effect);
  assert.equal(level, "log");
  assert.deepEqual(
    { ...line, duration_ms: typeof line.duration_ms },
    {
      event: "turn",
      trigger: "cron",
      scheduled_at: line.scheduled_at,
      sent_at: line.sent_at,
      duration_ms: "number",
      network: "x",
      frame: n,
      frames: set.frames.length,
      outcome: "turned",
      attempts: 1,
      network_status: 200,
    },
  );
  assert.equal(Date.parse(line.scheduled_at), Date.parse(at));
  assert.ok(Math.abs(Date.parse(line.sent_at) - Date.now()) < 60_000, `sent at ${line.sent_at}`);
  return sent;
}

/**
 * The same, after the account's storage is emptied, so that the frame is sent in any case.
 *
 * @param {string} at
 * @param {number} n
 * @param {import("./harness/frames.js").FrameSet} [set]
 */
async function turnsAnew(at, n, set) {
  await stage.worker.forget();
  return turns(at, n, set);
}

/**
 * Zone by zone: a scheduled time, the local time it is there, and the frame of that hour.
 *
 * @type {Record<string, [string, string, number][]>}
 */
const HOURS = {
  "Asia/Tokyo": [
    ["2031-06-15T00:00:00Z", "09:00", 9],
    ["2031-06-15T03:00:00Z", "12:00, noon", 0],
    ["2031-06-15T14:59:59.999Z", "23:59:59.999", 11],
    ["2031-06-15T15:00:00Z", "00:00, midnight", 0],
    ["2031-06-15T15:59:59.999Z", "00:59:59.999", 0],
    ["2031-06-15T16:00:00Z", "01:00", 1],
  ],
  "Europe/Berlin": [
    ["2031-03-30T00:59:59.999Z", "01:59:59.999, the last of winter time", 1],
    ["2031-03-30T01:00:00Z", "03:00, the first of summer time: no 2 o'clock", 3],
    ["2031-03-30T02:00:00Z", "04:00", 4],
    ["2031-10-26T00:00:00Z", "02:00 summer time", 2],
    ["2031-10-26T00:59:59.999Z", "02:59:59.999 summer time", 2],
    ["2031-10-26T01:00:00Z", "02:00 winter time: 2 o'clock again", 2],
    ["2031-10-26T02:00:00Z", "03:00 winter time", 3],
    ["2100-07-01T12:00:00Z", "14:00, far from now", 2],
  ],
  "America/New_York": [
    ["2031-03-09T06:00:00Z", "01:00 EST", 1],
    ["2031-03-09T07:00:00Z", "03:00 EDT", 3],
    ["2031-11-02T05:00:00Z", "01:00 EDT", 1],
    ["2031-11-02T06:00:00Z", "01:00 EST", 1],
    ["2031-11-02T07:00:00Z", "02:00 EST", 2],
    ["2031-12-31T23:00:00Z", "18:00", 6],
  ],
  "Asia/Kathmandu": [
    ["2031-06-15T00:00:00Z", "05:45", 5],
    ["2031-06-15T00:14:59Z", "05:59:59", 5],
    ["2031-06-15T00:15:00Z", "06:00", 6],
  ],
  "Australia/Lord_Howe": [
    ["2031-04-05T14:30:00Z", "01:30 summer time", 1],
    ["2031-04-05T15:00:00Z", "01:30 winter time: half an hour again", 1],
    ["2031-04-05T15:30:00Z", "02:00 winter time", 2],
    ["2031-10-04T15:29:00Z", "01:59 winter time", 1],
    ["2031-10-04T15:30:00Z", "02:30 summer time: half an hour is left out", 2],
    ["2031-10-04T16:00:00Z", "03:00 summer time", 3],
  ],
  "Pacific/Honolulu": [
    ["2031-01-01T00:00:00Z", "14:00 of the day before", 2],
    ["2031-01-01T09:59:59Z", "23:59:59", 11],
    ["2031-01-01T10:00:00Z", "00:00", 0],
  ],
  UTC: [...Array(24).keys()].map((hour) => [
    `2031-02-03T${String(hour).padStart(2, "0")}:00:00Z`,
    `${hour}:00`,
    hour % 12,
  ]),
};

for (const [zone, times] of Object.entries(HOURS)) {
  test(`each hour shows its frame in ${zone}`, async () => {
    await stage.worker.configure({ vars: { TIME_ZONE: zone } });
    for (const [at, , n] of times) await turnsAnew(at, n);
  });
}

/** @type {[Record<string, string>, number, [string, number][]][]} */
const VARIATIONS = [
  [
    { DIRECTION: "counterclockwise" },
    12,
    [
      ["00:00:00", 0],
      ["01:00:00", 11],
      ["03:00:00", 9],
      ["11:59:59", 1],
      ["12:00:00", 0],
    ],
  ],
  [
    { PERIOD: "24h" },
    12,
    [
      ["01:59:59", 0],
      ["02:00:00", 1],
      ["13:00:00", 6],
      ["23:59:59", 11],
    ],
  ],
  [
    { PERIOD: "24h", DIRECTION: "counterclockwise" },
    12,
    [
      ["02:00:00", 11],
      ["13:00:00", 6],
      ["22:00:00", 1],
    ],
  ],
  [
    { PERIOD: "1h" },
    12,
    [
      ["07:04:59", 0],
      ["07:05:00", 1],
      ["07:59:59", 11],
      ["08:00:00", 0],
    ],
  ],
  [
    { PERIOD: "1h30m" },
    12,
    [
      ["01:29:59", 11],
      ["01:30:00", 0],
      ["03:07:29", 0],
      ["03:07:30", 1],
    ],
  ],
  [
    { PERIOD: "20m" },
    12,
    [
      ["10:21:39", 0],
      ["10:21:40", 1],
      ["10:39:59", 11],
      ["10:40:00", 0],
    ],
  ],
  [
    {},
    24,
    [
      ["00:29:59", 0],
      ["00:30:00", 1],
      ["11:30:00", 23],
      ["13:00:00", 2],
    ],
  ],
  [
    {},
    1,
    [
      ["00:00:00", 0],
      ["23:59:59", 0],
    ],
  ],
];

for (const [vars, count, times] of VARIATIONS) {
  const named = Object.entries(vars)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
  test(`${named || "the default"} with ${count} frame(s) shows the frame that is due`, async () => {
    await stage.worker.configure({ vars: { TIME_ZONE: "UTC", ...vars } });
    const set = count === 12 ? stage.set : frameSet(pngFrames(count));
    if (set !== stage.set) await publish(stage.worker.kv, set);
    for (const [time, n] of times) await turnsAnew(`2031-05-04T${time}Z`, n, set);
  });
}

test("without any variable it is the hour hand in Tokyo, as wrangler.toml has it", async () => {
  await turns("2031-06-14T20:00:00Z", 5);
});

/**
 * By zone, times in order for one account: the frame at that time, and whether it is sent.
 *
 * @type {Record<string, [string, number, boolean][]>}
 */
const DAYS = {
  UTC: [...Array(26).keys()].map((hour) => [
    new Date(Date.UTC(2031, 1, 3, hour)).toISOString(),
    hour % 12,
    true,
  ]),
  "Europe/Berlin": [
    ["2031-03-30T00:00:00Z", 1, true],
    ["2031-03-30T01:00:00Z", 3, true],
    ["2031-03-30T02:00:00Z", 4, true],
    ["2031-10-25T23:00:00Z", 1, true],
    ["2031-10-26T00:00:00Z", 2, true],
    // 2 o'clock again.
    ["2031-10-26T01:00:00Z", 2, false],
    ["2031-10-26T02:00:00Z", 3, true],
  ],
};

for (const [zone, times] of Object.entries(DAYS)) {
  test(`hour after hour each frame is sent when it is not showing yet, in ${zone}`, async () => {
    await stage.worker.configure({ vars: { TIME_ZONE: zone } });
    for (const [at, n, isSent] of times) {
      if (isSent) await turns(at, n);
      else await sendsNothing(at, n);
    }
  });
}

/**
 * Lets the cron come and checks that X is left alone, since it shows frame `n`.
 *
 * @param {string} at
 * @param {number} n
 */
async function sendsNothing(at, n) {
  await stage.simulator.clear();
  const { level, line } = await stage.worker.cron(at);
  assert.deepEqual(
    [level, line.outcome, line.frame, line.sent_at, line.network_status],
    ["log", "unchanged", n, null, null],
    at,
  );
  await stage.simulator.receivedNothing();
  return line;
}

test("the due frame follows the scheduled time, while the signature has the time of sending", async () => {
  await stage.worker.configure({ vars: { TIME_ZONE: "UTC" } });
  for (const hoursAhead of [1, 5, 30]) {
    const due = new Date(Date.now() + hoursAhead * 3_600_000);
    const sent = await turns(due.toISOString(), due.getUTCHours() % 12);
    assert.ok(
      Math.abs(sent.oauth_timestamp - Date.now() / 1000) < 60,
      `signed at ${sent.oauth_timestamp}`,
    );
  }
});

test("an event that comes hours too late is a turn for the present", async () => {
  await stage.worker.configure({ vars: { TIME_ZONE: "UTC" } });
  for (const hoursAgo of [1, 5, 30]) {
    await stage.worker.forget();
    await stage.simulator.clear();
    const earliest = Date.now();
    const { line } = await stage.worker.cron(
      new Date(Date.now() - hoursAgo * 3_600_000).toISOString(),
    );
    assert.deepEqual([line.outcome, line.trigger], ["turned", "cron"]);
    const latest = Date.now();
    assert.ok(
      [earliest, latest].some((now) => new Date(now).getUTCHours() % 12 === line.frame),
      `frame ${line.frame} at ${new Date(latest).toISOString()}`,
    );
    const at = Date.parse(line.scheduled_at);
    assert.ok(
      at >= earliest - 1000 && at <= latest,
      `${line.scheduled_at} for ${new Date(earliest).toISOString()}`,
    );
    assert.equal(
      (await stage.simulator.receivedOne()).picture.sha256,
      sha256(stage.set.frames[line.frame]),
    );
  }
});

test("an event that is delivered twice sends its frame once", async () => {
  const at = "2031-06-15T00:00:00Z";
  await turns(at, 9);
  const line = await sendsNothing(at, 9);
  assert.equal(line.attempts, 1);
});

for (const body of ["multipart", "form"]) {
  test(`X_BODY ${body}: the bytes that arrive are those of the frame`, async () => {
    await stage.worker.configure({ vars: { X_BODY: body, TIME_ZONE: "UTC" } });
    for (const n of [0, 7]) {
      const sent = await turns(`2031-05-04T0${n}:00:00Z`, n);
      assert.equal(sent.body, body);
      assert.deepEqual(await stage.simulator.picture(sent.number), stage.set.frames[n]);
      assert.deepEqual(await stage.simulator.icon(), stage.set.frames[n]);
    }
  });

  test(`X_BODY ${body}: the JPEGs that the command renders arrive as they are`, async () => {
    const set = await renderedSet();
    assert.equal(set.mediaType, "image/jpeg");
    assert.equal(new Set(set.frames.map(sha256)).size, 12);
    await publish(stage.worker.kv, set);
    await stage.worker.configure({ vars: { X_BODY: body, TIME_ZONE: "UTC" } });
    for (const n of [1, 11]) {
      const sent = await turns(`2031-05-04T${String(n).padStart(2, "0")}:00:00Z`, n, set);
      assert.equal(sent.picture.media_type, "image/jpeg");
      assert.deepEqual(await stage.simulator.picture(sent.number), set.frames[n]);
    }
  });
}

test("a turn after publishing shows the new set", async () => {
  await turns("2031-06-15T00:00:00Z", 9);
  const next = frameSet(pngFrames(6));
  await publish(stage.worker.kv, next);
  await turns("2031-06-15T00:00:00Z", 4, next);
});

test("a turn that X puts off is one line of level error that says until when", async () => {
  await stage.simulator.fail("rate-limit");
  // Until when X waits goes by the clock, so this turn is one for now.
  const { level, line } = await stage.worker.cron(Date.now());
  assert.equal(level, "error");
  assert.deepEqual([line.network, line.frames, line.outcome, line.attempts], ["x", 12, "retry", 1]);
  assert.deepEqual([line.network_status, line.reason], [429, "rate-limit"]);
  assert.ok(Math.abs(Date.parse(line.retry_at) - Date.now() - 900_000) < 60_000, line.retry_at);
  await turns("2031-06-15T01:00:00Z", 10);
});

test("a turn that X refuses is one line of level error, and hostile text in it stays one line", async () => {
  await stage.simulator.fail("hostile-text");
  const { level, line, text } = await stage.worker.cron("2031-06-15T00:00:00Z");
  assert.equal(level, "error");
  assert.deepEqual([line.outcome, line.network_status, line.reason], ["refused", 403, "access"]);
  assert.equal(line.retry_at, "2031-06-15T01:00:00Z");
  assert.ok(text.length < 2_000, `${text.length} characters`);
  await turns("2031-06-15T01:00:00Z", 10);
});
