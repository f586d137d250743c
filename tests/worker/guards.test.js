/**
 * Tests the headers by which every answer restricts browsers and caches: of every route, by every
 * method, also to a malformed request.
 */
import assert from "node:assert/strict";
import net from "node:net";
import test from "node:test";
import { SECRETS } from "./harness/secrets.js";
import { useDevServerStage } from "./harness/stage.js";
import { within } from "./harness/waiting.js";

const stage = useDevServerStage();
const BEARER = `authorization: Bearer ${SECRETS.TRIGGER_TOKEN}`;

/**
 * Sends lines of a request as they are: the status and the headers of the answer, as one text each.
 *
 * @param {string[]} lines
 */
function raw(lines, body = "") {
  const { hostname, port } = new URL(stage.worker.url);
  const answered = new Promise((resolve, reject) => {
    const socket = net.connect(Number(port), hostname);
    let text = "";
    socket.on("error", reject).on("data", (data) => {
      text += data.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) return;
      socket.destroy();
      const [status, ...headers] = text.slice(0, end).split("\r\n");
      resolve({
        status: Number(status.split(" ")[1]),
        headers: Object.fromEntries(headers.map((line) => line.toLowerCase().split(/:\s*/, 2))),
      });
    });
    socket.on("close", () => reject(new Error(`no answer: ${text}`)));
    socket.write(
      Buffer.from(
        `${[lines[0], `host: ${hostname}:${port}`, ...lines.slice(1)].join("\r\n")}\r\n\r\n${body}`,
        "latin1",
      ),
    );
  });
  return within(20_000, lines[0], answered);
}

/**
 * Asserts what the headers of an answer tell browsers and caches.
 *
 * @param {{ status: number, headers: Record<string, string> }} answer
 * @param {string} what
 */
function assertAnswerIsGuarded({ status, headers }, what, caching = "no-store") {
  const said = `${what}: ${status} ${JSON.stringify(headers)}`;
  assert.equal(headers["x-content-type-options"], "nosniff", said);
  assert.match(headers["content-security-policy"] ?? "", /^default-src 'none'/, said);
  assert.equal(headers["referrer-policy"], "no-referrer", said);
  assert.equal(headers["cache-control"], caching, said);
}

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];
const PATHS = [
  "/",
  "/?x",
  "/turn",
  "/turn?dry_run=true",
  "/turn?frame=x",
  "/icon",
  "/icon?x",
  "/journal",
  "/journal?limit=0",
  "/health",
  "/health?x",
  "/networks/bluesky/frames",
  "/networks/x/frames",
  "/networks/",
  "/frames/3",
  "/frames/03",
  "/frames/99",
  "/frames/",
  "/nothing",
  "/page.cs",
  "//",
  "/%00",
  "/turn/",
];

for (const path of PATHS) {
  test(`${path} by every method, with the token and without`, async () => {
    for (const method of METHODS) {
      for (const headers of [[], [BEARER], ["authorization: Bearer wrong"], ["if-none-match: *"]]) {
        const answer = await raw([`${method} ${path} HTTP/1.1`, ...headers, "content-length: 0"]);
        const isFrame = path === "/frames/3" && ["GET", "HEAD"].includes(method);
        assertAnswerIsGuarded(
          answer,
          `${method} ${path} ${headers}`,
          isFrame ? "public, max-age=60" : "no-store",
        );
      }
    }
  });
}

test("a turn that is made, refused or limited, and a new icon, are kept by nobody", async () => {
  for (const fault of [null, "invalid-token", "rate-limit", "reset"]) {
    await stage.worker.forget();
    if (fault) await stage.simulator.fail(fault);
    const answer = await raw(["POST /turn HTTP/1.1", BEARER, "content-length: 0"]);
    assertAnswerIsGuarded(answer, `POST /turn, ${fault}`);
  }
  const picture = Buffer.from(stage.set.frames[0]).toString("latin1");
  const taken = await raw(
    ["PUT /icon HTTP/1.1", BEARER, `content-length: ${picture.length}`],
    picture,
  );
  assert.equal(taken.status, 200);
  assertAnswerIsGuarded(taken, "PUT /icon");
  assertAnswerIsGuarded(
    await raw(["PUT /icon HTTP/1.1", BEARER, "content-length: 7"], "garbage"),
    "PUT /icon with garbage",
  );
  assertAnswerIsGuarded(
    await raw(["PUT /icon HTTP/1.1", BEARER, "content-length: 99999999"], "x"),
    "PUT /icon, too large",
  );
  assertAnswerIsGuarded(await raw(["DELETE /journal HTTP/1.1", BEARER]), "DELETE /journal");
});

for (const [what, value] of [
  ["a control character", "a\u0001b"],
  ["a tab", "a\tb"],
  ["an escape", "\u001b[31m"],
  ["a delete", "a\u007fb"],
  ["bytes that are no ASCII", "p\u00e4\u00df\u00ff"],
  ["much of it", "x".repeat(6_000)],
]) {
  test(`a request with ${what} in a header gets an answer like any other`, async () => {
    for (const path of ["/", "/health", "/frames/3", "/journal", "/turn", "/icon"]) {
      for (const method of ["GET", "POST", "PUT"]) {
        for (const name of ["authorization", "if-none-match", "x-other"]) {
          const answer = await raw([
            `${method} ${path} HTTP/1.1`,
            `${name}: ${value}`,
            "content-length: 0",
          ]);
          const isFrame = [200, 304].includes(answer.status) && path === "/frames/3";
          assertAnswerIsGuarded(
            answer,
            `${method} ${path} ${name}`,
            isFrame ? "public, max-age=60" : "no-store",
          );
          assert.ok(answer.status < 500 || answer.status === 503, `${answer.status}`);
        }
      }
    }
  });
}

test("the page's own files are guarded too, and kept for five minutes", async () => {
  for (const file of [
    "/page.css",
    "/page.js",
    "/page.svg",
    "/owner.js",
    "/icon.js",
    "/icon.css",
    "/crop.js",
    "/picture.js",
  ]) {
    const { headers } = await raw([`GET ${file} HTTP/1.1`]);
    assertAnswerIsGuarded({ status: 200, headers }, file, "public, max-age=300");
    const known = `if-none-match: ${headers.etag}`;
    for (const [method, ...more] of [
      ["HEAD"],
      ["GET", known],
      ["GET", "range: bytes=0-9"],
      ["GET", "x: a\u0001b"],
    ]) {
      assertAnswerIsGuarded(
        await raw([`${method} ${file} HTTP/1.1`, ...more]),
        `${method} ${file} ${more}`,
        "public, max-age=300",
      );
    }
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const answer = await raw([`${method} ${file} HTTP/1.1`, "content-length: 0"]);
      assert.equal(answer.status, 405);
      assertAnswerIsGuarded(answer, `${method} ${file}`, "public, max-age=300");
    }
    // Where these lead is as lasting as the files are.
    for (const other of [`/${file}`, file.replace("page", "%70age")]) {
      assertAnswerIsGuarded(await raw([`GET ${other} HTTP/1.1`]), other, "public, max-age=300");
    }
    assertAnswerIsGuarded(await raw([`GET ${file}/ HTTP/1.1`]), `${file}/`);
  }
});
