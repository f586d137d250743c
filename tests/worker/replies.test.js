/**
 * Tests replies that do not come from X: signed requests go to one address and no further, and no
 * reply keeps the Worker busy or fills its memory.
 */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import test, { after, before } from "node:test";
import { gzipSync } from "node:zlib";
import { json, problem } from "./harness/assertions.js";
import { DevServerWorker } from "./harness/dev-server.js";
import { frameSet, pngFrames } from "./harness/frames.js";
import { within } from "./harness/waiting.js";
import { listen, portOf } from "../../scripts/lib/listen.js";

let worker;
/** How the next request is answered, and how many came. */
let answer;
let requests = 0;
/** Where nothing may arrive. */
let strangers = 0;
const servers = [];

/** @param {import("node:http").RequestListener} listener */
async function serve(listener) {
  const server = createServer(listener);
  servers.push(server);
  await listen(server);
  return { url: `http://127.0.0.1:${portOf(server)}` };
}

let stranger;
before(async () => {
  stranger = await serve((_request, response) => {
    strangers += 1;
    response.end('{"screen_name":"stranger"}');
  });
  const x = await serve((request, response) => {
    requests += 1;
    request.resume().on("end", () => answer(response));
  });
  worker = await DevServerWorker.start(x, frameSet(pngFrames()));
});
after(async () => {
  await worker?.close();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/**
 * Makes a turn that is answered like this.
 *
 * @param {(response: import("node:http").ServerResponse) => unknown} answering
 */
async function turn(answering, query = "?frame=3", expected = 1) {
  await worker.forget();
  [requests, strangers, answer] = [0, 0, answering];
  const response = await within(15_000, "the turn", worker.turn(query));
  assert.equal(requests, expected, "requests to X");
  assert.equal(strangers, 0, "requests to elsewhere");
  return response;
}

for (const status of [301, 302, 303, 307, 308]) {
  test(`a redirect (${status}) is not followed, since what is signed is for one address`, async () => {
    const response = await turn((reply) =>
      reply.writeHead(status, { location: `${stranger.url}/1.1/` }).end(),
    );
    const { outcome, reason, network_status } = await problem(response, 502);
    assert.deepEqual([outcome, reason, network_status], ["refused", "unexpected-reply", status]);
  });
}

/** @param {number} padding */
const user = (padding) => `{"screen_name":"somebody","padding":"${"x".repeat(padding)}"}`;

test("a reply of X's size and far beyond is read", async () => {
  for (const padding of [4_000, 900_000]) {
    assert.equal((await turn((reply) => reply.end(user(padding)))).status, 200);
  }
});

test("a reply that is too large, or does not end, is given up", async () => {
  /** @param {import("node:http").ServerResponse} reply */
  const endless = (reply) => {
    reply.writeHead(200, { "content-type": "application/json" });
    const more = () => {
      while (!reply.destroyed && reply.write("x".repeat(65_536)));
    };
    reply.on("drain", more);
    more();
  };
  // A few kB on the way, 5 MB once decoded.
  const packed = gzipSync(user(5_000_000));
  /**
   * @param {import("node:http").ServerResponse} reply
   */
  const small = (reply) =>
    reply
      .writeHead(200, { "content-encoding": "gzip", "content-length": packed.length })
      .end(packed);
  for (const answering of [
    endless,
    small,
    (reply) => reply.end(user(1_000_001)),
    (reply) => reply.writeHead(403).end(user(2_000_000)),
  ]) {
    const { outcome, reason, message } = await problem(await turn(answering), 503);
    assert.deepEqual([outcome, reason], ["retry", "transient"]);
    assert.match(message, /larger than 1000000 bytes/);
  }
});

test("what an app may do is read off a header of a success, before a picture is sent in vain", async () => {
  /**
   * @param {Record<string, string>} headers
   * @param {number} asked
   */
  const dryRun = (headers, asked) =>
    turn((reply) => reply.writeHead(200, headers).end(user(0)), "?dry_run=true", asked);
  const { outcome, reason, remedy } = await problem(
    await dryRun({ "x-access-level": "read" }, 1),
    502,
  );
  assert.deepEqual([outcome, reason], ["refused", "access"]);
  assert.match(remedy, /Read and write.*access token/i);
  // Of an app that may write, both versions of the API are asked.
  for (const headers of [{ "x-access-level": "read-write" }, {}]) {
    const { outcome, account } = await json(await dryRun(headers, 2));
    assert.deepEqual([outcome, account], ["dry-run", "somebody"]);
  }
});

for (const [what, body] of [
  ["nothing", ""],
  ["an object that is no user", '{"ok":true}'],
  ["a list", "[]"],
  ["bytes that are no text", Buffer.from([0xff, 0x00, 0xfe])],
  ["brackets without end", "[".repeat(500_000)],
]) {
  test(`a success of ${what} is not taken for one of X`, async () => {
    const { outcome, reason, network_status } = await problem(
      await turn((reply) => reply.end(body)),
      502,
    );
    assert.deepEqual([outcome, reason, network_status], ["refused", "unexpected-reply", 200]);
  });
}

for (const [what, body] of [
  ["errors that are no list", '{"errors":{"code":32}}'],
  ["errors that are no objects", '{"errors":[null,32,"x"]}'],
  ["a code that is no number", '{"errors":[{"code":"32","message":7}]}'],
  ["a code beyond all numbers", '{"errors":[{"code":1e999}]}'],
  ["brackets without end", "[".repeat(500_000)],
]) {
  test(`a refusal with ${what} is read by its status`, async () => {
    const response = await turn((reply) => reply.writeHead(401).end(body));
    const { outcome, reason, network_status } = await problem(response, 502);
    assert.deepEqual([outcome, reason, network_status], ["refused", "credentials", 401]);
  });
}

test("times of another age in a reply do no harm", async () => {
  for (const headers of [
    { "x-rate-limit-reset": "99999999999999999999" },
    { "x-rate-limit-reset": "-1" },
    { "x-rate-limit-reset": "0" },
    { "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT" },
    { "retry-after": "soon" },
  ]) {
    const response = await turn((reply) => reply.writeHead(429, headers).end());
    const seconds = Number(response.headers.get("retry-after"));
    assert.ok(Math.abs(seconds - 900) <= 5, `${JSON.stringify(headers)}: Retry-After: ${seconds}`);
    assert.equal((await problem(response, 503)).reason, "rate-limit");
  }
});
