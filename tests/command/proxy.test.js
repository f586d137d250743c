/** Tests proxies in the environment: one that is named is used or refused, and never bypassed. */
import assert from "node:assert/strict";
import net from "node:net";
import test from "node:test";
import { account, localX } from "./account.js";
import { sampleIcon } from "./command.js";
import { listen, portOf } from "../../scripts/lib/listen.js";

const icon = ["turn", sampleIcon, "--stateless"];
const variables = [
  "ALL_PROXY",
  "all_proxy",
  "HTTPS_PROXY",
  "https_proxy",
  "HTTP_PROXY",
  "http_proxy",
];

/**
 * Listens on a free port until the test ends.
 *
 * @param {import("node:test").TestContext} t
 * @param {(socket: import("node:net").Socket) => void} onConnection
 */
async function listening(t, onConnection) {
  const sockets = new Set();
  const proxy = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onConnection(socket);
  });
  await listen(proxy);
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  return portOf(proxy);
}

/**
 * Reads `count` bytes of a socket.
 *
 * @param {import("node:net").Socket} socket
 * @param {number} count
 */
async function take(socket, count) {
  for (;;) {
    const bytes = socket.read(count);
    if (bytes) return bytes;
    await new Promise((resolve, reject) =>
      socket.once("readable", resolve).once("close", () => reject(new Error("it ended"))),
    );
  }
}

/**
 * Starts a SOCKS5 server (RFC 1928), with a password (RFC 1929) if one is given. Returns its port,
 * and the addresses that it connects to.
 *
 * @param {import("node:test").TestContext} t
 * @param {string} [password]
 */
async function socks5(t, password) {
  /** @type {string[]} */
  const connected = [];
  const port = await listening(t, async (socket) => {
    try {
      const [version, count] = await take(socket, 2);
      assert.equal(version, 5);
      const methods = await take(socket, count);
      const method = password ? 2 : 0;
      if (!methods.includes(method)) return socket.end(Buffer.from([5, 255]));
      socket.write(Buffer.from([5, method]));
      if (password) {
        const [, length] = await take(socket, 2);
        const name = await take(socket, length);
        const word = await take(socket, (await take(socket, 1))[0]);
        const isRight = `${name}:${word}` === password;
        socket.write(Buffer.from([1, isRight ? 0 : 1]));
        if (!isRight) return socket.end();
      }
      const [, command, , type] = await take(socket, 4);
      assert.equal(command, 1);
      const length = type === 1 ? 4 : (await take(socket, 1))[0];
      const address = await take(socket, length);
      const host = type === 1 ? [...address].join(".") : address.toString();
      const to = (await take(socket, 2)).readUInt16BE();
      connected.push(`${host}:${to}`);
      const other = net.connect(to, host, () => {
        socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
        other.pipe(socket);
        socket.pipe(other);
      });
      other.on("error", () => socket.destroy());
    } catch {
      socket.destroy();
    }
  });
  return { port, connected };
}

test("a turn goes through a SOCKS proxy, whichever variable names it", async (t) => {
  const x = await localX(t);
  const { run } = await account(t, x.url);
  const proxy = await socks5(t);
  for (const [n, variable] of variables.entries()) {
    const scheme = ["socks5", "socks5h", "socks"][n % 3];
    const { status, stderr } = await run(icon, {
      [variable]: `${scheme}://127.0.0.1:${proxy.port}`,
    });
    assert.equal(status, 0, `${variable}: ${stderr}`);
    assert.equal(proxy.connected.length, n + 1, variable);
    assert.equal(`http://${proxy.connected[n]}`, x.url);
  }
  assert.equal((await x.received()).length, variables.length);
  const told = await run(["doctor"], { ALL_PROXY: `socks5://127.0.0.1:${proxy.port}` });
  assert.match(told.stdout, /^Requests go through the proxy that ALL_PROXY names\.$/m);
  assert.equal(proxy.connected.length, variables.length + 1);
});

test("the password of a proxy is used and never shown", async (t) => {
  const x = await localX(t);
  const { run } = await account(t, x.url);
  const proxy = await socks5(t, "me:h@unter2");
  const right = await run(icon, { ALL_PROXY: `socks5://me:h%40unter2@127.0.0.1:${proxy.port}` });
  assert.equal(right.status, 0, right.stderr);
  const wrong = await run(icon, { ALL_PROXY: `socks5://me:hunter2@127.0.0.1:${proxy.port}` });
  assert.equal(wrong.status, 75);
  assert.match(wrong.stderr, /through the proxy of ALL_PROXY/);
  assert.ok(!/hunter2|h%40unter2/.test(wrong.stderr + wrong.stdout), wrong.stderr);
  assert.equal((await x.received()).length, 1);
});

test("past a proxy that is not there, nothing is sent", async (t) => {
  const x = await localX(t);
  const { run } = await account(t, x.url);
  for (const scheme of ["socks5", "socks5h", "socks4", "http"]) {
    for (const variable of variables) {
      const { status, stderr } = await run(icon, { [variable]: `${scheme}://127.0.0.1:9` });
      assert.equal(status, 75, `${variable}: ${stderr}`);
      assert.ok(stderr.includes(`(through the proxy of ${variable})`), stderr);
    }
  }
  assert.deepEqual(await x.received(), []);
});

test("frames are removed through the proxy too, or not at all", async (t) => {
  const { run } = await account(t, "http://127.0.0.1:9", {
    BLUESKY_IDENTIFIER: "alice.test",
    BLUESKY_APP_PASSWORD: "abcd-efgh-ijkl-mnop",
    BLUESKY_SERVICE: "http://127.0.0.1:9",
  });
  const proxy = await socks5(t);
  const through = await run(["remove-frames"], { ALL_PROXY: `socks5://127.0.0.1:${proxy.port}` });
  assert.equal(through.status, 75, through.stderr);
  assert.deepEqual(proxy.connected, ["127.0.0.1:9"]);
});

test("what cannot be read as a proxy is an error, and nothing is sent", async (t) => {
  const x = await localX(t);
  const { run } = await account(t, x.url);
  for (const text of [
    "socks5://127.0.0.1:99999",
    "socks5://hunter2:0",
    "sock5://hunter2:1",
    "pac+https://hunter2/",
    "hunter2 proxy",
    "socks5://",
    "::",
  ]) {
    for (const variable of variables) {
      for (const words of [icon, ["doctor"], ["remove-frames"]]) {
        const { status, stdout, stderr } = await run(words, { [variable]: text });
        assert.equal(status, 78, `${variable}=${text}: ${stderr}`);
        assert.ok(
          stderr.startsWith(`rotate-icon: ${variable} has to be the address of a proxy`),
          stderr,
        );
        assert.ok(!`${stdout}${stderr}`.includes("hunter2"), stderr);
      }
    }
  }
  assert.deepEqual(await x.received(), []);
});

test("hosts of NO_PROXY are reached without it", async (t) => {
  const x = await localX(t);
  const { run } = await account(t, x.url);
  for (const [variable, hosts, status] of /** @type {[string, string, number][]} */ ([
    ["NO_PROXY", "localhost, 127.0.0.1", 0],
    ["no_proxy", "*", 0],
    ["NO_PROXY", "localhost,127.0.0.2", 75],
    ["NO_PROXY", "", 75],
  ])) {
    const result = await run(icon, { ALL_PROXY: "socks5://127.0.0.1:9", [variable]: hosts });
    assert.equal(result.status, status, `${variable}=${hosts}: ${result.stderr}`);
  }
});
