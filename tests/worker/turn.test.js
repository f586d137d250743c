/**
 * Tests the manual turn, POST /turn: who may ask for it, for what, and that nothing is sent if it
 * is not allowed.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { assertGuarded, json, problem } from "./harness/assertions.js";
import { frameSet, pngFrames, sha256 } from "./harness/frames.js";
import { publish } from "./harness/kv.js";
import { overPlainConnection } from "./harness/requests.js";
import { SECRETS } from "./harness/secrets.js";
import { useStage } from "./harness/stage.js";

const stage = useStage();
const TOKEN = SECRETS.TRIGGER_TOKEN;

/** The frame of this hour in Tokyo. */
const frameNow = () => (new Date().getUTCHours() + 9) % 12;

test("the trigger token makes a turn to the frame of this hour", async () => {
  const [earliest, response, latest] = [frameNow(), await stage.worker.turn(), frameNow()];
  const { frame, ...rest } = await json(response);
  assert.deepEqual(rest, {
    network: "x",
    frames: 12,
    outcome: "turned",
    attempts: 1,
    network_status: 200,
  });
  assert.ok([earliest, latest].includes(frame), `frame ${frame}`);
  const sent = await stage.simulator.receivedOne();
  assert.equal(sent.verdict, "accepted", sent.explanation);
  assert.equal(sent.picture.sha256, sha256(stage.set.frames[frame]));
});

test("the scheme of the authorization may be written in any case", async () => {
  for (const scheme of ["bearer", "BEARER"]) {
    const response = await stage.worker.turn("?dry_run=true", {
      headers: { authorization: `${scheme} ${TOKEN}` },
    });
    assert.equal((await json(response)).outcome, "dry-run");
  }
});

test("?frame turns to that frame, whatever the time", async () => {
  for (const n of [0, 4, 11]) {
    await stage.simulator.clear();
    assert.equal((await json(await stage.worker.turn(`?frame=${n}`))).frame, n);
    const sent = await stage.simulator.receivedOne();
    assert.deepEqual(await stage.simulator.picture(sent.number), stage.set.frames[n]);
  }
});

test("without authorization there is no turn, and the answer says how to ask", async () => {
  const response = await stage.worker.fetch("/turn", { method: "POST" });
  assert.equal(response.headers.get("www-authenticate"), "Bearer");
  assert.match((await problem(response, 401)).detail, /Authorization: Bearer/);
  await stage.simulator.receivedNothing();
});

for (const [what, authorization] of [
  ["another token", "Bearer something-else"],
  ["a token cut short", `Bearer ${TOKEN.slice(0, -1)}`],
  ["a token with more behind it", `Bearer ${TOKEN}x`],
  ["the token in capitals", `Bearer ${TOKEN.toUpperCase()}`],
  ["the token twice", `Bearer ${TOKEN} ${TOKEN}`],
  ["half a pair of quotation marks around the token", `Bearer "${TOKEN}`],
  ["another secret", `Bearer ${SECRETS.API_KEY_SECRET}`],
]) {
  test(`${what} does not make a turn`, async () => {
    const response = await stage.worker.turn("", { headers: { authorization } });
    assert.equal(response.headers.get("www-authenticate"), 'Bearer error="invalid_token"');
    await problem(response, 401);
    await stage.simulator.receivedNothing();
  });
}

for (const [what, authorization] of [
  ["the scheme alone", "Bearer"],
  ["the token alone", TOKEN],
  ["the scheme Basic", `Basic ${Buffer.from(`:${TOKEN}`).toString("base64")}`],
  ["the token under another scheme", `Basic ${TOKEN}`],
]) {
  test(`${what} is no authorization`, async () => {
    const response = await stage.worker.turn("", { headers: { authorization } });
    assert.match(response.headers.get("www-authenticate"), /^Bearer\b/);
    await problem(response, 401);
    await stage.simulator.receivedNothing();
  });
}

test("the token in the query is no authorization", async () => {
  for (const name of ["token", "access_token", "TRIGGER_TOKEN"]) {
    await problem(await stage.worker.fetch(`/turn?${name}=${TOKEN}`, { method: "POST" }), 401);
  }
  await stage.simulator.receivedNothing();
});

test("who is not authorized learns nothing about queries and bodies", async () => {
  for (const [query, body] of [["?frame=99"], ["?nonsense=1"], ["", "text"]]) {
    await problem(await stage.worker.fetch(`/turn${query}`, { method: "POST", body }), 401);
  }
});

for (const unset of [null, "", " \n"]) {
  test(`with TRIGGER_TOKEN ${JSON.stringify(unset)} no token opens the manual turn`, async () => {
    await stage.worker.configure({ secrets: { TRIGGER_TOKEN: unset } });
    for (const authorization of [`Bearer ${TOKEN}`, "Bearer ", "Bearer null", "Bearer undefined"]) {
      const response = await stage.worker.turn("", { headers: { authorization } });
      assert.match(
        (await problem(response, 503)).detail,
        /^This is closed: TRIGGER_TOKEN is not set\. Set a secret with/,
      );
    }
    await problem(await stage.worker.fetch("/turn", { method: "POST" }), 503);
    await stage.simulator.receivedNothing();
  });
}

/**
 * The headers in a preview, as an object.
 *
 * @param {{ headers: [string, string][] }} preview
 */
const headersOf = (preview) => {
  assert.equal(new Set(preview.headers.map(([name]) => name)).size, preview.headers.length);
  return Object.fromEntries(preview.headers);
};

test("a dry run shows what would be sent as multipart and for whom, and sends no picture", async () => {
  const answer = await json(await stage.worker.turn("?frame=3&dry_run=true"));
  const { would_send: preview, account, ...rest } = answer;
  assert.match(account, /^\w+$/);
  assert.deepEqual(rest, {
    network: "x",
    frame: 3,
    frames: 12,
    outcome: "dry-run",
    attempts: 0,
    network_status: null,
  });
  assert.equal(preview.method, "POST");
  assert.equal(preview.url, `${stage.simulator.url}/1.1/account/update_profile_image.json`);
  const headers = headersOf(preview);
  assert.deepEqual(Object.keys(headers).sort(), ["authorization", "content-type"]);
  assert.equal(headers.authorization, "OAuth (signed, not shown)");
  const [, boundary] = /^multipart\/form-data; boundary=(\S+)$/.exec(headers["content-type"]);
  const frame = stage.set.frames[3];
  assert.equal(preview.frame_bytes, frame.length);
  assert.ok(
    preview.body_bytes > frame.length + 2 * boundary.length,
    "the frame and its frame of multipart",
  );
  assert.ok(preview.body_bytes < frame.length + 500, "and no more");
  await stage.simulator.receivedNoPicture();
});

test("a dry run shows what would be sent as a form", async () => {
  await stage.worker.configure({ vars: { X_BODY: "form" } });
  const { outcome, would_send: preview } = await json(
    await stage.worker.turn("?dry_run=true&frame=3"),
  );
  assert.equal(outcome, "dry-run");
  assert.equal(headersOf(preview)["content-type"], "application/x-www-form-urlencoded");
  const frame = stage.set.frames[3];
  const body = `image=${encodeURIComponent(frame.toString("base64"))}`;
  assert.deepEqual([preview.body_bytes, preview.frame_bytes], [body.length, frame.length]);
  await stage.simulator.receivedNoPicture();
});

test("a dry run of this hour chooses the frame that a turn chooses", async () => {
  const [earliest, response, latest] = [
    frameNow(),
    await stage.worker.turn("?dry_run=true"),
    frameNow(),
  ];
  assert.ok([earliest, latest].includes((await json(response)).frame));
  await stage.simulator.receivedNoPicture();
});

test("a dry run finds the faults that a turn would find", async () => {
  await stage.worker.kv.delete(`sets/${stage.set.id}/3`);
  const { outcome, reason } = await problem(await stage.worker.turn("?dry_run=true&frame=3"), 503);
  assert.deepEqual([outcome, reason], ["refused", "frames"]);
});

test("dry_run=false makes a turn", async () => {
  assert.equal((await json(await stage.worker.turn("?dry_run=false&frame=3"))).outcome, "turned");
  await stage.simulator.receivedOne();
});

test("a frame that the set does not have is refused, with how many it has", async () => {
  for (const n of [12, 65535]) {
    for (const more of ["", "&dry_run=true"]) {
      const body = await problem(await stage.worker.turn(`?frame=${n}${more}`), 400);
      assert.deepEqual(
        [body.outcome, body.reason, body.frame, body.frames],
        ["refused", "no-such-frame", null, 12],
      );
      assert.match(body.detail, new RegExp(`no frame ${n}\\b.*\\b12\\b`));
    }
  }
  await stage.simulator.receivedNothing();
});

for (const [query, named] of /** @type {[string, RegExp][]} */ ([
  ["?frame=", /`frame`/],
  ["?frame", /`frame`/],
  ["?frame=-1", /`frame`/],
  ["?frame=%2B1", /`frame`/],
  ["?frame=01", /`frame`/],
  ["?frame=1.0", /`frame`/],
  ["?frame=%201", /`frame`/],
  ["?frame=1e0", /`frame`/],
  ["?frame=65536", /`frame`/],
  ["?frame=now", /`frame`/],
  ["?frame=1&frame=1", /`frame` is given more than once/],
  ["?frame=1&frame=2", /`frame` is given more than once/],
  ["?dry_run=1", /`dry_run`/],
  ["?dry_run=", /`dry_run`/],
  ["?dry_run=TRUE", /`dry_run`/],
  ["?dry_run=true&dry_run=false", /`dry_run` is given more than once/],
  ["?force=1", /`force`/],
  ["?force=", /`force`/],
  ["?force=true&force=true", /`force` is given more than once/],
  ["?frames=1", /frame, dry_run, force/],
  ["?Frame=1", /frame, dry_run, force/],
  ["?dry-run=true", /frame, dry_run, force/],
  ["?frame=1&x", /frame, dry_run, force/],
])) {
  test(`the query ${query} is refused by name, and nothing is sent`, async () => {
    assert.match((await problem(await stage.worker.turn(query), 400)).detail, named);
    await stage.simulator.receivedNothing();
  });
}

for (const [where, allowed, methods] of /** @type {[string, string, string[]][]} */ ([
  ["/turn", "POST", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"]],
  ["/icon", "PUT", ["GET", "HEAD", "POST", "DELETE", "PATCH", "OPTIONS"]],
  ["/journal", "GET, HEAD, DELETE", ["POST", "PUT", "PATCH", "OPTIONS"]],
  ["/", "GET, HEAD", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]],
  ["/frames/0", "GET, HEAD", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]],
  ["/health", "GET, HEAD", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]],
])) {
  test(`${where} answers to ${allowed} only`, async () => {
    for (const method of methods) {
      const response = await stage.worker.fetch(where, {
        method,
        headers: { authorization: `Bearer ${TOKEN}` },
      });
      assert.equal(response.headers.get("allow"), allowed, method);
      if (method === "HEAD") assert.equal(response.status, 405);
      else
        assert.match((await problem(response, 405)).detail, new RegExp(`^${where} .*${allowed}`));
    }
    await stage.simulator.receivedNothing();
  });
}

test("other paths are not found, and the answer says which there are", async () => {
  for (const where of [
    "/turn/",
    "/Turn",
    "/turn/1",
    "//turn",
    "/turn%20",
    "/journal/",
    "/scheduled",
    "/health/",
    "/frames",
    "/favicon.ico",
  ]) {
    // As it is: where a URL begins with two slashes, `fetch` reads a host.
    const { detail } = await problem(await overPlainConnection(stage.worker, "GET", where), 404);
    assert.match(
      detail,
      /^There are GET \/, POST \/turn, PUT \/icon, GET \/frames\/\{n\}, GET \/journal, DELETE \/journal, GET \/health and DELETE /,
      where,
    );
  }
});

test("a body is refused, of a known length and in chunks, and nothing is sent", async () => {
  const authorization = `Bearer ${TOKEN}`;
  for (const [headers, chunks] of /** @type {[Record<string, string>, string[]][]} */ ([
    [{ "content-length": "2" }, ["{}"]],
    [{ "content-length": "7", "content-type": "application/x-www-form-urlencoded" }, ["frame=3"]],
    [{ "transfer-encoding": "chunked" }, ["frame", "=3"]],
    [{ "transfer-encoding": "chunked" }, ["x".repeat(300_000)]],
  ])) {
    const response = await overPlainConnection(stage.worker, "POST", "/turn", {
      headers: { authorization, ...headers },
      chunks,
    });
    assert.match((await problem(response, 413)).detail, /no body/);
  }
  await stage.simulator.receivedNothing();
});

test("a body of length 0 is none", async () => {
  const headers = { authorization: `Bearer ${TOKEN}`, "content-length": "0" };
  const response = await overPlainConnection(stage.worker, "POST", "/turn?frame=3", { headers });
  assertGuarded(response);
  assert.equal((await json(response)).outcome, "turned");
});

test("a turn to the frame that is showing sends nothing, unless it is forced", async () => {
  const rest = { network: "x", frame: 3, frames: 12 };
  const turned = { ...rest, outcome: "turned", attempts: 1, network_status: 200 };
  assert.deepEqual(await json(await stage.worker.turn("?frame=3")), turned);
  await stage.simulator.clear();
  for (const query of ["?frame=3", "?frame=3&force=false"]) {
    assert.deepEqual(await json(await stage.worker.turn(query)), {
      ...rest,
      outcome: "unchanged",
      attempts: 0,
      network_status: null,
    });
  }
  await stage.simulator.receivedNothing();
  assert.deepEqual(await json(await stage.worker.turn("?frame=3&force=true")), turned);
  assert.equal((await stage.simulator.receivedOne()).picture.sha256, sha256(stage.set.frames[3]));
});

test("a forced dry run sends no picture all the same", async () => {
  assert.equal(
    (await json(await stage.worker.turn("?frame=3&force=true&dry_run=true"))).outcome,
    "dry-run",
  );
  await stage.simulator.receivedNoPicture();
});

test("a frame of a new set is sent, though its number is the one that is showing", async () => {
  assert.equal((await json(await stage.worker.turn("?frame=3"))).outcome, "turned");
  const next = frameSet(pngFrames(6));
  await publish(stage.worker.kv, next);
  await stage.simulator.clear();
  assert.equal((await json(await stage.worker.turn("?frame=3"))).outcome, "turned");
  assert.equal((await stage.simulator.receivedOne()).picture.sha256, sha256(next.frames[3]));
});

test("turns that are asked for at the same time are all made", async () => {
  const turns = await Promise.all(
    [...Array(6).keys()].map(async (n) => json(await stage.worker.turn(`?frame=${n}`))),
  );
  assert.deepEqual(
    turns.map(({ frame, outcome }) => [frame, outcome]),
    [...Array(6).keys()].map((n) => [n, "turned"]),
  );
  const received = await stage.simulator.received();
  assert.equal(received.length, 6);
  assert.equal(new Set(received.map(({ oauth_nonce }) => oauth_nonce)).size, 6);
  assert.ok(received.every(({ verdict }) => verdict === "accepted"));
});

test("a manual turn is logged in one line, as one of the cron is", async () => {
  for (const [
    query,
    level,
    outcome,
    status,
  ] of /** @type {[string, string, string, number | null][]} */ ([
    ["?frame=3", "log", "turned", 200],
    ["?frame=3&dry_run=true", "log", "dry-run", null],
    ["?frame=12", "error", "refused", null],
  ])) {
    await stage.worker.reset();
    await publish(stage.worker.kv, stage.set);
    const asked = Date.now();
    await (await stage.worker.turn(query)).text();
    const logs = await stage.worker.logs(1);
    assert.equal(logs.length, 1, JSON.stringify(logs));
    assert.equal(logs[0].level, level);
    const line = JSON.parse(logs[0].message);
    assert.deepEqual(
      [line.event, line.trigger, line.network, line.frames, line.outcome, line.network_status],
      ["turn", "manual", "x", 12, outcome, status],
    );
    assert.ok(Math.abs(Date.parse(line.scheduled_at) - asked) < 10_000, line.scheduled_at);
  }
});

test("what makes no turn logs nothing", async () => {
  const { worker } = stage;
  await problem(await worker.fetch("/turn", { method: "POST" }), 401);
  await problem(await worker.turn("?nonsense"), 400);
  await problem(await worker.turn("", { body: "text" }), 413);
  await problem(await worker.fetch("/turn"), 405);
  await problem(await worker.fetch("/nowhere"), 404);
  await problem(await worker.fetch("/journal"), 401);
  for (const where of ["/", "/health", "/frames/3"])
    assert.equal((await worker.fetch(where)).status, 200);
  assert.deepEqual(await worker.logs(), []);
});
