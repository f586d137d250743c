/** Tests where `npm start` has to refuse. `npm start -- --once` checks the turn itself. */
import assert from "node:assert/strict";
import net from "node:net";
import path from "node:path";
import test from "node:test";
import { root, runProgram } from "./command.js";
import { listen } from "../../scripts/lib/listen.js";

/** @param {string[]} args */
const npmStart = (...args) => runProgram("node", [path.join(root, "scripts/start.js"), ...args]);

test("a taken port is one clear message that names the way out", async (t) => {
  const server = net.createServer();
  const port = await listen(server);
  t.after(() => server.close());
  for (const flag of ["port", "simulator-port"]) {
    const { status, stderr } = await npmStart("--once", `--${flag}`, String(port));
    assert.equal(status, 1);
    assert.equal(
      stderr.trim(),
      `✗ Port ${port} is taken by another program. Choose another with --${flag}, or leave that out.`,
    );
  }
});

test("options are explained and checked", async () => {
  const help = await npmStart("--help");
  assert.equal(help.status, 0);
  assert.match(help.stdout, /--once/);
  for (const [args, message] of /** @type {[string[], RegExp][]} */ ([
    [["--prot", "1"], /--prot/],
    [["--port", "70000"], /--port has to be a port number/],
    [["--port", "8788", "--simulator-port", "8788"], /ports have to differ/],
  ])) {
    const { status, stderr } = await npmStart(...args);
    assert.equal(status, 1);
    assert.match(stderr, message);
  }
});
