/**
 * The object takes `POST /turns` from the Cron Trigger, without a token. No request from outside
 * reaches it, however it is written.
 */
import assert from "node:assert/strict";
import net from "node:net";
import test from "node:test";
import { json } from "./harness/assertions.js";
import { SECRETS } from "./harness/secrets.js";
import { useDevServerStage } from "./harness/stage.js";
import { within } from "./harness/waiting.js";

const stage = useDevServerStage();
const BEARER = `authorization: Bearer ${SECRETS.TRIGGER_TOKEN}`;
const DUE = JSON.stringify({ unix_ms: Date.UTC(2031, 0, 1), cron: "0 * * * *" });
const TYPE = "content-type: application/json";

/** Sends the lines of a request as they are; gives the status of the answer. */
function raw(start, headers, body) {
  const { hostname, port } = new URL(stage.worker.url);
  const hasHost = headers.some((line) => line.startsWith("host:"));
  const host = hasHost ? [] : [`host: ${hostname}:${port}`];
  const lines = [start, ...host, ...headers, `content-length: ${body.length}`, "", body];
  const answered = new Promise((resolve, reject) => {
    const socket = net.connect(Number(port), hostname);
    socket.on("error", reject).on("close", () => resolve(undefined));
    socket.on("data", (data) => {
      resolve(Number(String(data).split(" ")[1]));
      socket.destroy();
    });
    socket.write(lines.join("\r\n"));
  });
  return within(20_000, start, answered);
}

const TARGETS = [
  "/turns",
  "/turns/",
  "//turns",
  "///turns",
  "/turns//",
  "/./turns",
  "/../turns",
  "/turn/../turns",
  "/turn/..%2fturns",
  "/networks/../turns",
  "/networks/%2e%2e/turns",
  "/networks/..%2fturns/frames",
  "/networks/../turns?/frames",
  "/networks/../turns#/frames",
  "/networks/..\\turns",
  "/%74urns",
  "/turn%73",
  "/TURNS",
  "/turns%00",
  "/turns%20",
  "/turns;a",
  "/turns?",
  "/turns?x=1",
  "/turn?s",
  "/turn?/turns",
  "/turn#s",
  "/journal/../turns",
  "/?/turns",
  "account/turns",
  "//account/turns",
  "https://account/turns",
  "http://account/turns",
  "https://account:443/turns",
  "https://x@account/turns",
  "https://account/turns?x",
];

const DISGUISES = [
  ["POST", []],
  ["POST", ["host: account"]],
  ["GET", ["x-http-method-override: POST"]],
  ["PUT", ["x-http-method: POST", "x-method-override: POST"]],
  ["DELETE", ["x-http-method-override: POST"]],
  ["POST", ["x-forwarded-host: account", "x-original-url: /turns", "x-rewrite-url: /turns"]],
  ["POST", ["cf-worker: account", "cdn-loop: cloudflare"]],
];

for (const target of TARGETS) {
  test(`${target} does not reach the object's POST /turns`, async () => {
    for (const [method, headers] of DISGUISES) {
      for (const token of [[], [BEARER]]) {
        const start = `${method} ${target} HTTP/1.1`;
        const status = await raw(start, [...headers, ...token, TYPE], DUE);
        assert.ok(status === undefined || status >= 400, `${start} ${headers}: ${status}`);
      }
    }
    await stage.simulator.receivedNothing();
    assert.deepEqual((await json(await stage.worker.journal())).entries, []);
  });
}

test("the Cron Trigger's request does reach it", async () => {
  await stage.worker.fire(Date.UTC(2031, 0, 1));
  await stage.simulator.receivedOne();
});
