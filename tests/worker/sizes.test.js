/**
 * Tests bodies that state a wrong size and senders that never stop: the Worker counts what arrives,
 * so that memory stays bounded and the turn ends with a sentence. The other side is a plain TCP
 * server, because no HTTP server would send such a thing.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { configuration, copyScript, publishedValues, workerd } from "../../benches/lib/workerd.js";
import { accountSecrets } from "../../scripts/lib/local-networks.js";
import { root } from "../../scripts/lib/run.js";
import { BROKEN, ENDLESS, TEXT, chunk, endlessly, plainServer } from "../hostile-replies.js";
import { listen, TOKEN } from "./harness/workerd.js";

const driver = `export default {
  fetch(request, env) {
    const { pathname, search } = new URL(request.url);
    return env.edge.fetch(new Request("http://worker" + pathname + search, request));
  },
};`;

const folder = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-sizes-"));
let values;
let worker;
/** What X and Mastodon do with a connection once the request has begun to arrive. */
let answer;
let onMastodon;
/** How KV answers instead of with a value. */
let kvAnswer;
let sent = 0;

/** @param {(socket: import("node:net").Socket) => unknown} reply */
const stranger = (reply) => listen(plainServer(reply));

before(async () => {
  values = await publishedValues(path.join(root, "assets/icon.png"), path.join(folder, "out"));
  const kvPort = await listen(
    http.createServer((request, response) => {
      const key = decodeURIComponent(request.url.slice(1).split("?")[0]);
      const value = request.method === "PUT" ? "" : values.get(key);
      request.resume().on("end", () => {
        if (request.method === "GET" && kvAnswer && key !== "current") return kvAnswer(response);
        response.writeHead(value === undefined ? 404 : 200).end(value);
      });
    }),
  );
  const xPort = await stranger((socket) => {
    sent += 1;
    answer(socket);
  });
  const mastodonPort = await stranger((socket) => onMastodon(socket));
  const mastodon = {
    MASTODON_SERVER: `http://127.0.0.1:${mastodonPort}`,
    MASTODON_ACCESS_TOKEN: "local-mastodon-token",
  };
  const vars = {
    ...accountSecrets,
    TRIGGER_TOKEN: TOKEN,
    API_BASE_URL: `http://127.0.0.1:${xPort}`,
  };
  copyScript(folder, "edge", "both");
  writeFileSync(
    path.join(folder, "driver.js"),
    driver
      .replace("env.edge", `(pathname.startsWith("/both") ? env.both : env.edge)`)
      .replace("pathname +", `pathname.replace("/both", "") +`),
  );
  const workers = [
    { id: "edge", isBuilt: true, vars },
    { id: "both", isBuilt: true, vars: { ...vars, ...mastodon } },
  ];
  worker = await workerd(folder, configuration(workers, kvPort, folder), { log: "ignore" });
  // What it takes when all is well is no matter of these tests.
  answer = (socket) =>
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 21\r\n\r\n{"screen_name":"abc"}');
  assert.equal((await turn()).outcome, "turned");
});

beforeEach(() => {
  kvAnswer = undefined;
});

after(async () => {
  await worker?.stop();
  rmSync(folder, { recursive: true });
});

const headers = { authorization: `Bearer ${TOKEN}` };
/** @param {string} where */
const ask = (where, init = {}) =>
  fetch(worker.url + where, { headers, signal: AbortSignal.timeout(60_000), ...init });

/** Makes a turn, after whatever was known is forgotten: what it answers. */
async function turn(prefix = "") {
  assert.equal((await ask(`${prefix}/journal`, { method: "DELETE" })).status, 204);
  return (await ask(`${prefix}/turn?force=true`, { method: "POST" })).json();
}

/**
 * Does something, and fails if workerd grows by more than `mb` MB meanwhile.
 *
 * @param {number} mb
 * @param {() => Promise<any>} act
 */
async function within(mb, act) {
  const start = worker.residentMB();
  let most = start;
  const watch = setInterval(() => (most = Math.max(most, worker.residentMB())), 20);
  try {
    return await act();
  } finally {
    clearInterval(watch);
    assert.ok(most - start < mb, `workerd grew from ${start} to ${most} MB`);
  }
}

for (const [what, [head, piece]] of Object.entries(ENDLESS)) {
  for (const status of ["200 OK", "403 Forbidden"]) {
    test(`a reply (${status}) without end, with ${what}, is given up and takes no memory`, async () => {
      answer = (socket) => {
        socket.write(`HTTP/1.1 ${status}\r\ncontent-type: application/json\r\n${head}\r\n\r\n`);
        endlessly(socket, piece);
      };
      const { outcome, reason, message } = await within(120, () => turn());
      assert.deepEqual([outcome, reason], ["retry", "transient"], message);
      assert.match(message, /^X did not answer: the reply is larger than 1000000 bytes\.$/);
    });
  }
}

for (const [what, rest] of Object.entries(BROKEN)) {
  test(`a reply with ${what} ends the turn with a sentence`, async () => {
    answer = (socket) => socket.end(`HTTP/1.1 200 OK\r\n${rest}`);
    const { outcome, message } = await within(120, () => turn());
    assert.ok(["retry", "refused"].includes(outcome), outcome);
    assert.match(message, /^X (did not answer: .*|answered 200 .*)\.?$/);
  });
}

test("headers without end are given up", async () => {
  answer = (socket) => {
    socket.write("HTTP/1.1 200 OK\r\n");
    endlessly(socket, `x-padding: ${"x".repeat(8_000)}\r\n`);
  };
  const { outcome, reason, message } = await within(120, () => turn());
  assert.deepEqual([outcome, reason], ["retry", "transient"], message);
});

test("a reply that drips, be it its head or its body, is waited for 20 s and no longer", async () => {
  /**
   * @param {import("node:net").Socket} socket
   * @param {string | Buffer} piece
   */
  const drip = (socket, piece) => {
    const timer = setInterval(() => socket.write(piece), 500);
    socket.on("close", () => clearInterval(timer));
  };
  answer = (socket) => {
    socket.write("HTTP/1.1 200 OK\r\n");
    drip(socket, "x-a: b\r\n");
  };
  onMastodon = (socket) => {
    socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    drip(socket, "1\r\nx\r\n");
  };
  const start = Date.now();
  const { turns } = await within(120, () => turn("/both"));
  assert.ok(Date.now() - start < 30_000, `${Date.now() - start} ms`);
  for (const { network, outcome, message } of turns) {
    assert.equal(outcome, "retry", network);
    assert.match(message, /did not answer: no complete reply within 20 s/);
  }
});

test("a value of KV without end is given up, and the frame is rendered from the icon if that is there", async () => {
  kvAnswer = (response) => {
    response.writeHead(200);
    const more = () => {
      while (!response.destroyed && response.write(TEXT));
    };
    response.on("drain", more);
    more();
  };
  const { outcome, reason, message } = await within(120, () => turn());
  assert.deepEqual([outcome, reason], ["refused", "frames"]);
  assert.match(
    message,
    /^Frame \d+ of 12 has more than 2000000 bytes, and the icon to render it from is damaged\.$/,
  );
});

for (const [what, head] of [
  ["a length of 5 beside chunks", "content-length: 5\r\ntransfer-encoding: chunked"],
  ["chunks alone", "transfer-encoding: chunked"],
]) {
  test(`an upload without end, with ${what}, is refused and takes no memory`, async () => {
    const { hostname, port } = new URL(worker.url);
    const upload = async () => {
      const socket = net.connect(Number(port), hostname);
      socket.on("error", () => {});
      const answered = new Promise((resolve) => {
        socket.once("data", (data) => resolve(Number(String(data).split(" ")[1])));
        socket.once("close", () => resolve(null));
      });
      socket.write(
        `PUT /icon HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${TOKEN}\r\n${head}\r\n\r\n`,
      );
      endlessly(socket, chunk(TEXT));
      const status = await answered;
      socket.destroy();
      return status;
    };
    // Who is still sending when the connection is closed may lose the answer.
    let status = null;
    for (let i = 0; i < 5 && status === null; i += 1) status = await within(150, upload);
    assert.ok([400, 413].includes(status), `${status}`);
  });
}

test("after all this it still turns", async () => {
  answer = (socket) =>
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 21\r\n\r\n{"screen_name":"abc"}');
  assert.equal((await turn()).outcome, "turned");
  assert.ok(sent > 20);
});
