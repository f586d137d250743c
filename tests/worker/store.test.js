/**
 * Tests a KV that fails, for a moment or for good. KV is a server of the test here, which workerd
 * asks as it asks Cloudflare's.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { configuration, copyScript, publishedValues, workerd } from "../../benches/lib/workerd.js";
import { accountSecrets } from "../../scripts/lib/local-networks.js";
import { root } from "../../scripts/lib/run.js";
import { HOUR } from "./harness/clock.js";
import { driver, listen, TOKEN } from "./harness/workerd.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-store-"));
/** What KV does at the next requests for the set and for a frame: a status, or "reset". */
let faults;
/** How many requests KV waits for before it answers any. */
let together = 1;
/** The answers that wait. */
const held = [];
/** The keys that were asked for. */
let asked = [];
let sent = 0;
let at = Date.parse("2031-06-15T00:00:00Z");
let worker;

/** @param {import("node:http").RequestListener} answer */
const serve = (answer) =>
  listen(
    http.createServer((request, response) =>
      request.resume().on("end", () => answer(request, response)),
    ),
  );

before(async () => {
  const published = await publishedValues(
    path.join(root, "assets/icon.png"),
    path.join(folder, "out"),
  );
  const kvPort = await serve((request, response) => {
    const key = decodeURIComponent(request.url.slice(1).split("?")[0]);
    asked.push(key.replace(/[0-9a-f]{16,}/, "ID"));
    /** @param {Response} response */
    const fault = (key === "current" ? faults.set : faults.frame).shift();
    if (fault === "reset") return request.socket.destroy();
    const value = published.get(key);
    held.push(() => response.writeHead(fault ?? (value ? 200 : 404)).end(fault ? "" : value));
    if (held.length >= together) for (const answer of held.splice(0)) answer();
  });
  const xPort = await serve((_request, response) => {
    sent += 1;
    response
      .writeHead(200, { "content-type": "application/json" })
      .end(`{"id_str":"1","screen_name":"local_account"}`);
  });
  copyScript(folder, "edge");
  writeFileSync(path.join(folder, "driver.js"), driver);
  const vars = {
    ...accountSecrets,
    TRIGGER_TOKEN: TOKEN,
    API_BASE_URL: `http://127.0.0.1:${xPort}`,
  };
  worker = await workerd(
    folder,
    configuration([{ id: "edge", isBuilt: true, vars }], kvPort, folder),
    { log: "ignore" },
  );
});

after(async () => {
  await worker?.stop();
  rmSync(folder, { recursive: true });
});

beforeEach(() => {
  faults = { set: [], frame: [] };
  together = 1;
  held.length = 0;
  asked = [];
  sent = 0;
});

/** @param {string} where */
const ask = (where) =>
  fetch(worker.url + where, {
    headers: { authorization: `Bearer ${TOKEN}` },
    signal: AbortSignal.timeout(120_000),
  });

/** The next hour's turn by the cron, as the journal has it. */
async function turn() {
  at += HOUR;
  assert.equal(await (await ask(`/scheduled?at=${at}`)).text(), "ok");
  const { entries } = await (await ask("/journal?limit=1")).json();
  assert.equal(Date.parse(entries[0].scheduled_at), at);
  return entries[0];
}

test("with a KV that answers, a turn asks it twice", async () => {
  assert.equal((await turn()).outcome, "turned");
  assert.equal(asked.length, 2, asked.join());
  assert.equal(sent, 1);
});

test("a turn does not wait for the set before it asks for the frame", async () => {
  await turn();
  together = 2;
  assert.equal((await turn()).outcome, "turned");
});

for (const [what, made] of /** @type {[string, any][]} */ ([
  ["once, for the set", { set: [503] }],
  ["twice, for the set", { set: [500, 500] }],
  ["once, for the frame", { frame: [503] }],
  ["once for each", { set: [503], frame: [503] }],
  ["by a reset", { set: ["reset"] }],
])) {
  test(`a KV that fails for a moment (${what}) costs no turn`, async () => {
    faults = { ...faults, ...made };
    const entry = await turn();
    assert.deepEqual([entry.outcome, entry.attempts], ["turned", 1]);
    assert.equal(sent, 1);
  });
}

for (const kind of ["set", "frame"]) {
  test(`a KV that stays away (for the ${kind}) is told, and the next hour turns again`, async () => {
    await turn();
    [asked, sent, faults[kind]] = [[], 0, [503, 503, 503]];
    const entry = await turn();
    assert.deepEqual(
      [entry.outcome, entry.reason, entry.attempts, entry.sent_at],
      ["refused", "host", 0, null],
    );
    assert.match(entry.message, /^The store could not be read: .*503/);
    assert.match(entry.remedy, /problem with KV/);
    assert.equal(asked.length, 4, asked.join());
    assert.equal(sent, 0);
    assert.equal((await turn()).outcome, "turned");
    assert.equal(sent, 1);
  });
}
