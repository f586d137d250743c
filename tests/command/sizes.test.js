/** Tests `rotate-icon turn` against senders that state a wrong size or never stop. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { environment } from "../../scripts/lib/run.js";
import { BROKEN, ENDLESS, endlessly, plainServer } from "../hostile-replies.js";
import { account, unset } from "./account.js";
import { command, root, sampleIcon } from "./command.js";
import { listen, portOf } from "../../scripts/lib/listen.js";

/**
 * Makes a turn that is answered so: its exit status, what it says of it, and its peak memory in MB.
 *
 * @param {import("node:test").TestContext} t
 * @param {(socket: import("node:net").Socket) => void} answer
 */
async function turn(t, answer) {
  const server = plainServer(answer);
  await listen(server);
  t.after(() => server.close());
  const { folder, settings } = await account(t, `http://127.0.0.1:${portOf(server)}`);
  const env = environment({ ...unset, XDG_STATE_HOME: folder });
  const child = spawn(command, ["turn", sampleIcon, "--settings", settings], { cwd: root, env });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (said += text));
  child.stdout.setEncoding("utf8").on("data", (text) => (said += text));
  let peakMb = 0;
  const watch = setInterval(() => {
    try {
      const [, kb] =
        /VmHWM:\s+(\d+)/.exec(
          readFileSync(path.join("/proc", String(child.pid), "status"), "utf8"),
        ) ?? [];
      peakMb = Math.max(peakMb, Number(kb ?? 0) / 1000);
    } catch {
      // It has ended, or this is no Linux.
    }
  }, 20);
  const status = await new Promise((resolve) => child.on("close", resolve));
  clearInterval(watch);
  return { status, said, peakMb };
}

for (const [what, [head, piece]] of Object.entries(ENDLESS)) {
  test(`a reply without end, with ${what}, is given up and takes no memory`, async (t) => {
    const { status, said, peakMb } = await turn(t, (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${head}\r\n\r\n`);
      endlessly(socket, piece);
    });
    assert.ok(peakMb < 250, `${peakMb} MB`);
    assert.equal(status, 75, said);
    assert.match(said, /^rotate-icon: X: X did not answer: /);
  });
}

for (const [what, rest] of Object.entries(BROKEN)) {
  test(`a reply with ${what} ends the turn with a sentence`, async (t) => {
    const { status, said, peakMb } = await turn(t, (socket) =>
      socket.end(`HTTP/1.1 200 OK\r\n${rest}`),
    );
    assert.ok(peakMb < 250, `${peakMb} MB`);
    assert.ok([1, 75].includes(status), said);
    assert.match(
      said,
      /^rotate-icon: X: (X did not answer: |X answered 200 |The call was answered with success)[^\n]*\n$/,
    );
  });
}

test("headers without end are given up", async (t) => {
  const { status, said, peakMb } = await turn(t, (socket) => {
    socket.write("HTTP/1.1 200 OK\r\n");
    endlessly(socket, `x-padding: ${"x".repeat(8_000)}\r\n`);
  });
  assert.ok(peakMb < 250, `${peakMb} MB`);
  assert.equal(status, 75, said);
});

for (const [what, head, piece] of [
  ["head", "", "x-a: b\r\n"],
  ["body", "transfer-encoding: chunked\r\n\r\n", "1\r\nx\r\n"],
]) {
  test(`a ${what} that drips is waited for 20 s and no longer`, async (t) => {
    const start = Date.now();
    const { status, said } = await turn(t, (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${head}`);
      const timer = setInterval(() => socket.write(piece), 300);
      socket.on("close", () => clearInterval(timer));
    });
    assert.ok(Date.now() - start < 30_000, `${Date.now() - start} ms`);
    assert.equal(status, 75, said);
    assert.match(said, /X did not answer: no complete reply within 20 s/);
  });
}
