/**
 * Tests one icon on X, Bluesky and Mastodon: one turn serves all, each network has its own part of
 * it, and a fault of one keeps nothing from the others. Uses workerd's own network and its alarms.
 */
import assert from "node:assert/strict";
import { createServer, request as httpRequest } from "node:http";
import test, { beforeEach } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { json, problem } from "./harness/assertions.js";
import { HOUR } from "./harness/clock.js";
import { DevServerWorker } from "./harness/dev-server.js";
import { frameSet, padPng, pngFrames, sha256 } from "./harness/frames.js";
import { forms } from "./harness/leaks.js";
import { BLUESKY_SECRETS, MASTODON_SECRETS, SECRETS } from "./harness/secrets.js";
import { useDevServerStage } from "./harness/stage.js";
import { useWebhook } from "./harness/webhook.js";
import { listen, portOf } from "../../scripts/lib/listen.js";

/** A zone in which this hour lasts half an hour more at least. */
const TIME_ZONE = new Date().getUTCMinutes() < 30 ? "UTC" : "Asia/Kolkata";
const offset = TIME_ZONE === "UTC" ? 0 : 5.5 * HOUR;

let days = 0;
/** The beginning of an hour far from now in that zone, in which frame 9 is due. */
const later = () => Date.UTC(2031, 0, 1 + 2 * days++, 9) - offset;

const NETWORKS = ["x", "bluesky", "mastodon"];
const UPDATE = "accounts/update_credentials";
const { url: ALERT_WEBHOOK_URL, news } = await useWebhook();
const changes = { networks: NETWORKS, vars: { TIME_ZONE }, secrets: { ALERT_WEBHOOK_URL } };
const stage = useDevServerStage({ changes });

beforeEach(async () => {
  const { BLUESKY_APP_PASSWORD: password } = BLUESKY_SECRETS;
  await stage.simulator.account("bluesky", { password, change_after_get: 0, frames: null });
  await stage.simulator.account("mastodon", {
    token: MASTODON_SECRETS.MASTODON_ACCESS_TOKEN,
    scopes: "write:accounts",
  });
  news.length = 0;
});

/** @param {string} network */
const others = (network) => NETWORKS.filter((name) => name !== network);

/**
 * Lets the cron come; gives the line of each network.
 *
 * @param {number} at
 */
const cron = (at) => stage.worker.cronOf(NETWORKS, at);

/** How many requests came to each network since the last `clear`. */
async function sent() {
  const received = await stage.simulator.received();
  return Object.fromEntries(
    NETWORKS.map((name) => [name, received.filter(({ network }) => network === name).length]),
  );
}
const NOTHING = { x: 0, bluesky: 0, mastodon: 0 };
/** To a frame that is kept on Bluesky already. */
const ONE_EACH = { x: 1, bluesky: 2, mastodon: 1 };
/** To another frame after that. */
const NEXT = { ...ONE_EACH, bluesky: 5 };
/** To one that is due for the first time, without a session; Mastodon is asked what it shows. */
const FIRST = { x: 1, bluesky: 6, mastodon: 2 };

/**
 * Checks which frame a network shows.
 *
 * @param {string} network
 * @param {number} frame
 */
async function shows(network, frame) {
  assert.equal(
    sha256(await stage.simulator.icon(network)),
    sha256(stage.set.frames[frame]),
    `${network} shows frame ${frame}`,
  );
}

const entries = async (query = "") => (await json(await stage.worker.journal(query))).entries;
/** @param {Record<string, any>} lines */
const summary = (lines) => NETWORKS.map((name) => [name, lines[name].outcome, lines[name].reason]);
const allTurned = NETWORKS.map((name) => [name, "turned", undefined]);

/**
 * Waits until something holds.
 *
 * @param {number} ms
 * @param {string} what
 * @param {() => Promise<unknown>} holds
 */
async function until(ms, what, holds) {
  const limit = Date.now() + ms;
  while (!(await holds())) {
    assert.ok(Date.now() < limit, `${what}: not within ${ms / 1000} s`);
    await sleep(50);
  }
}

/**
 * Restarts the Worker with other settings, until the test is over.
 *
 * @param {import("node:test").TestContext} t
 */
async function withSettings(t, { vars = {}, secrets = {} }) {
  t.after(() => stage.worker.restart(changes));
  await stage.worker.restart({
    ...changes,
    vars: { ...changes.vars, ...vars },
    secrets: { ...changes.secrets, ...secrets },
  });
}

// --- Together ------------------------------------------------------------------------

test("one event turns the icon everywhere, and the journal has an entry for each network", async () => {
  const at = later();
  const lines = await cron(at);
  assert.deepEqual(summary(lines), allTurned);
  assert.deepEqual(await sent(), FIRST);
  for (const name of NETWORKS) {
    await shows(name, 9);
    assert.deepEqual(
      [lines[name].attempts, lines[name].frame, lines[name].trigger],
      [1, 9, "cron"],
    );
  }
  const all = await entries();
  assert.deepEqual(all.map(({ network }) => network).sort(), [...NETWORKS].sort());
  for (const { id, ...entry } of all) {
    const { event, ...line } = lines[entry.network];
    assert.deepEqual(entry, line);
  }
  assert.equal(new Set(all.map(({ id }) => id)).size, 3);
  assert.deepEqual(summary(await cron(at + HOUR)), allTurned);
  for (const name of NETWORKS) await shows(name, 10);
  assert.deepEqual(news, []);
});

test("a turn by hand answers for each network, in their order", async () => {
  /** @param {string} network */
  const turn = (network) => ({
    network,
    frame: 3,
    frames: 12,
    outcome: "turned",
    attempts: 1,
    network_status: 200,
  });
  assert.deepEqual(await json(await stage.worker.turn("?frame=3")), { turns: NETWORKS.map(turn) });
  for (const name of NETWORKS) await shows(name, 3);
});

test("what is shown everywhere is sent nowhere", async () => {
  await json(await stage.worker.turn("?frame=3"));
  await stage.simulator.clear();
  const { turns } = await json(await stage.worker.turn("?frame=3"));
  assert.deepEqual(
    turns.map(({ network, outcome, attempts }) => [network, outcome, attempts]),
    NETWORKS.map((name) => [name, "unchanged", 0]),
  );
  assert.deepEqual(await sent(), NOTHING);
  await json(await stage.worker.turn("?frame=3&force=true"));
  assert.deepEqual(await sent(), ONE_EACH);
});

test("a dry run shows what each network would be sent, and asks each whose account it is", async () => {
  const { turns } = await json(await stage.worker.turn("?frame=3&dry_run=true"));
  assert.deepEqual(
    turns.map(({ network, outcome, attempts, would_send }) => [
      network,
      outcome,
      attempts,
      would_send.method,
      new URL(would_send.url).pathname,
    ]),
    [
      ["x", "dry-run", 0, "POST", "/1.1/account/update_profile_image.json"],
      ["bluesky", "dry-run", 0, "POST", "/xrpc/com.atproto.repo.uploadBlob"],
      ["mastodon", "dry-run", 0, "PATCH", "/api/v1/accounts/update_credentials"],
    ],
  );
  assert.ok(
    turns.every(({ account, unchecked }) => account || unchecked),
    JSON.stringify(turns),
  );
  const asked = await stage.simulator.received();
  assert.deepEqual([...new Set(asked.map(({ network }) => network))].sort(), [...NETWORKS].sort());
  assert.ok(asked.every(({ picture }) => picture === null));
  assert.deepEqual(await entries(), []);
});

test("an event that is delivered twice, or five times at once, is one turn of each network", async () => {
  const at = later();
  await cron(at);
  assert.deepEqual(
    Object.values(await cron(at)).map(({ outcome, sent_at }) => [outcome, sent_at]),
    Array(3).fill(["unchanged", null]),
  );
  assert.deepEqual(await sent(), FIRST);
  await stage.simulator.clear();
  await stage.simulator.fail("slow", 1, { network: "mastodon" });
  await Promise.all(Array.from({ length: 5 }, () => stage.worker.fire(at + HOUR)));
  assert.deepEqual(await sent(), NEXT);
  assert.equal((await entries()).length, 6);
});

test("the journal comes in pages over all networks", async () => {
  for (const n of [1, 2, 3]) await json(await stage.worker.turn(`?frame=${n}`));
  const found = [];
  for (let query = "?limit=2"; query !== null; ) {
    const page = await json(await stage.worker.journal(query));
    assert.ok(page.entries.length <= 2);
    found.push(...page.entries);
    query = page.next === null ? null : `?limit=2&before=${page.next}`;
  }
  assert.deepEqual(found, await entries());
  assert.deepEqual(
    found.map(({ frame }) => frame),
    [3, 3, 3, 2, 2, 2, 1, 1, 1],
  );
  assert.ok(found.every(({ id }, i) => i === 0 || id === found[i - 1].id - 1));
  for (const n of [1, 2, 3]) {
    const of = found.filter(({ frame }) => frame === n).map(({ network }) => network);
    assert.deepEqual(of.sort(), [...NETWORKS].sort());
  }
});

test("health lists the networks, and the page tells what each shows", async () => {
  assert.deepEqual((await json(await stage.worker.fetch("/health"))).networks, NETWORKS);
  await json(await stage.worker.turn("?frame=3"));
  await stage.simulator.fail("invalid-avatar", 1, { network: "mastodon" });
  await problem(await stage.worker.turn("?frame=4"), 502);
  const page = await (await stage.worker.fetch("/")).text();
  for (const [title, frame] of [
    ["X", 4],
    ["Bluesky", 4],
    ["Mastodon", 3],
  ]) {
    assert.match(
      page,
      new RegExp(`<li><strong>${title}</strong> as @\\S+ shows frame ${frame}\\.</li>`),
    );
  }
  assert.match(
    page,
    /Something is wrong<\/h2><p><strong>Mastodon: <\/strong>Mastodon answered 422: /,
  );
  const [, outcomes] = page.split("Last outcomes");
  for (const title of ["X", "Bluesky", "Mastodon"])
    assert.equal(outcomes.split(`<strong>${title}: </strong>`).length, 3, title);
  assert.doesNotMatch(page.split("Last outcomes")[0], /<strong>(X|Bluesky): /);
});

test("large frames reach each network whole, also where the Worker's memory grows meanwhile", async (t) => {
  const frames = pngFrames().map((frame) => padPng(frame, 500_000));
  const worker = await DevServerWorker.start(stage.simulator, frameSet(frames), changes);
  t.after(() => worker.close());
  for (const n of [3, 4]) {
    const lines = await Promise.all([
      worker.turn(`?frame=${n}`),
      worker.fetch("/frames/1"),
      worker.fetch("/"),
    ]);
    const { turns } = await json(lines[0]);
    assert.deepEqual(
      turns.map(({ network, outcome }) => [network, outcome]),
      NETWORKS.map((name) => [name, "turned"]),
    );
    for (const name of NETWORKS)
      assert.equal(sha256(await stage.simulator.icon(name)), sha256(frames[n]), name);
  }
});

test("a frame that is too large for one network goes to the others", async (t) => {
  const frames = pngFrames().map((frame) => padPng(frame, 700_000));
  const worker = await DevServerWorker.start(stage.simulator, frameSet(frames), changes);
  t.after(() => worker.close());
  const { turns, reason } = await problem(await worker.turn("?frame=3"), 503);
  assert.equal(reason, undefined);
  assert.deepEqual(
    turns.map(({ network, outcome, reason, attempts }) => [network, outcome, reason, attempts]),
    [
      ["x", "refused", "frames", 0],
      ["bluesky", "turned", undefined, 1],
      ["mastodon", "turned", undefined, 1],
    ],
  );
  assert.deepEqual(await sent(), { ...FIRST, x: 0 });
  for (const name of others("x"))
    assert.equal(sha256(await stage.simulator.icon(name)), sha256(frames[3]));
});

// --- Apart -----------------------------------------------------------------------------

/** For each network, a fault for the owner to fix, one that asks for a pause, and one that passes. */
const APART = {
  x: ["invalid-token", "rate-limit", "over-capacity"],
  bluesky: ["invalid-login", "rate-limit", "internal-error"],
  mastodon: ["invalid-token", "rate-limit", "reset"],
};
const COMES_TO = [
  ["refused", "credentials"],
  ["retry", "rate-limit"],
  ["retry", "transient"],
];

for (const [network, faults] of Object.entries(APART)) {
  for (const [kind, fault] of faults.entries()) {
    test(`${fault} of ${network} leaves the others turned, in the same event and in the next`, async () => {
      const at = later();
      // Mastodon's first turn asks what the account shows, which need not work.
      await stage.simulator.fail(fault, 1, {
        network,
        ...(network === "mastodon" ? { endpoint: UPDATE } : {}),
      });
      const lines = await cron(at);
      for (const name of others(network)) {
        assert.deepEqual(
          [lines[name].outcome, lines[name].attempts],
          ["turned", 1],
          JSON.stringify(lines[name]),
        );
        assert.ok(!("retry_at" in lines[name]));
        await shows(name, 9);
      }
      assert.deepEqual(
        [lines[network].outcome, lines[network].reason, lines[network].attempts],
        [...COMES_TO[kind], 1],
      );
      assert.equal((await entries()).length, 3);
      assert.equal(news.length, kind === 0 ? 1 : 0);

      // The same event is over for all.
      await stage.simulator.clear();
      await stage.worker.fire(at);
      assert.deepEqual(await sent(), NOTHING);
      assert.deepEqual(summary(await cron(at + HOUR)), allTurned);
      for (const name of NETWORKS) await shows(name, 10);
      if (kind === 0) {
        const title = { x: "X", bluesky: "Bluesky", mastodon: "Mastodon" }[network];
        assert.ok(news[0].startsWith(`Your icon has stopped turning on ${title}. `), news[0]);
        assert.deepEqual(news.slice(1), [`Your icon is turning again on ${title}.`]);
      }
    });
  }
}

test("a turn by hand that one network refuses answers with what to do there, and with the turns of the others", async () => {
  await stage.simulator.account("mastodon", { scopes: "read" });
  await stage.simulator.fail("over-capacity");
  const response = await stage.worker.turn("?frame=3");
  assert.equal(response.headers.get("retry-after"), null);
  const { detail, turns } = await problem(response, 502);
  assert.deepEqual(
    turns.map(({ network, outcome }) => [network, outcome]),
    [
      ["x", "retry"],
      ["bluesky", "turned"],
      ["mastodon", "refused"],
    ],
  );
  assert.match(detail, /^X: X answered 503.* Mastodon: Mastodon answered 403: .*write:accounts/);
  assert.doesNotMatch(detail, /Bluesky/);
  await shows("bluesky", 3);

  await stage.simulator.account("mastodon", { scopes: "write:accounts" });
  await stage.simulator.clear();
  const again = await json(await stage.worker.turn("?frame=3"));
  assert.deepEqual(
    again.turns.map(({ outcome }) => outcome),
    ["turned", "unchanged", "turned"],
  );
  assert.deepEqual(await sent(), { x: 1, bluesky: 0, mastodon: 2 });
});

test("a network that waits for its reset is left alone by a turn by hand that the others take", async () => {
  await stage.simulator.fail("rate-limit", 1, { network: "mastodon" });
  const first = await stage.worker.turn("?frame=3");
  const seconds = Number(first.headers.get("retry-after"));
  assert.ok(Math.abs(seconds - 300) < 5, `Retry-After: ${seconds}`);
  await problem(first, 503);
  await stage.simulator.clear();
  const { turns } = await problem(await stage.worker.turn("?frame=4"), 503);
  assert.deepEqual(
    turns.map(({ outcome }) => outcome),
    ["turned", "turned", "retry"],
  );
  assert.deepEqual(await sent(), { ...NEXT, mastodon: 0 });
});

test("while one network hangs, the others have turned already", async () => {
  const at = later();
  await stage.simulator.fail("hang", 1, {
    network: "bluesky",
    endpoint: "com.atproto.repo.uploadBlob",
  });
  const asked = Date.now();
  const event = cron(at);
  await until(
    5_000,
    "the other networks",
    async () => (await sent()).x === 1 && (await sent()).mastodon === 2,
  );
  assert.ok(Date.now() - asked < 5_000);
  await until(
    1_000,
    "their pictures",
    async () => sha256(await stage.simulator.icon("mastodon")) === sha256(stage.set.frames[9]),
  );
  await shows("x", 9);
  const lines = await event;
  assert.ok(Date.now() - asked >= 19_000);
  assert.deepEqual(summary(lines), [
    ["x", "turned", undefined],
    ["bluesky", "retry", "transient"],
    ["mastodon", "turned", undefined],
  ]);
  for (const name of others("bluesky"))
    assert.ok(lines[name].duration_ms < 5_000, JSON.stringify(lines[name]));
});

test("another try of one network, by the alarm, sends nothing to the others", async () => {
  await stage.simulator.fail("remote-failure", 1, { network: "mastodon", endpoint: UPDATE });
  const lines = await cron(Date.now());
  assert.deepEqual(summary(lines), [
    ["x", "turned", undefined],
    ["bluesky", "turned", undefined],
    ["mastodon", "retry", "transient"],
  ]);
  assert.deepEqual(await sent(), FIRST);
  await until(90_000, "another try", async () => (await sent()).mastodon > 2);
  await until(5_000, "its entry", async () =>
    (await entries()).every(({ outcome }) => outcome === "turned"),
  );
  assert.deepEqual(await sent(), { ...FIRST, mastodon: 4 });
  const all = await entries();
  assert.deepEqual(all.map(({ network, attempts }) => [network, attempts]).sort(), [
    ["bluesky", 1],
    ["mastodon", 2],
    ["x", 1],
  ]);
  assert.equal(
    sha256(await stage.simulator.icon("mastodon")),
    sha256(await stage.simulator.icon("x")),
  );
});

// --- Settings ------------------------------------------------------------------------------

for (const [network, name] of [
  ["bluesky", "BLUESKY_APP_PASSWORD"],
  ["mastodon", "MASTODON_SERVER"],
  ["x", "ACCESS_TOKEN_SECRET"],
]) {
  test(`without ${name} the others turn, and it is named everywhere`, async (t) => {
    await withSettings(t, { secrets: { [name]: null } });
    const body = await problem(await stage.worker.fetch("/health"), 503);
    assert.deepEqual([body.ready, body.missing, body.networks], [false, [name], NETWORKS]);
    assert.match(body.detail, new RegExp(`not set: ${name}\\b`));

    const at = later();
    const lines = await cron(at);
    for (const one of NETWORKS) {
      const { outcome, reason, attempts } = lines[one];
      assert.deepEqual(
        [outcome, reason, attempts],
        one === network ? ["refused", "settings", 0] : ["turned", undefined, 1],
      );
    }
    assert.match(lines[network].message, new RegExp(`not set: ${name}\\.`));
    assert.equal((await sent())[network], 0);
    const entry = (await entries()).find((one) => one.network === network);
    assert.deepEqual(
      [entry.outcome, entry.reason, entry.message],
      ["refused", "settings", lines[network].message],
    );
    const { turns } = await problem(await stage.worker.turn("?frame=3"), 503);
    assert.deepEqual(
      turns.map(({ outcome }) => outcome),
      NETWORKS.map((one) => (one === network ? "refused" : "turned")),
    );
    const page = await (await stage.worker.fetch("/")).text();
    assert.equal(
      page.split("Something is wrong")[1].split("Last outcomes")[0].split(name).length,
      2,
      "the page names it once",
    );
    assert.equal(news.length, 1);

    await stage.worker.restart(changes);
    assert.equal((await json(await stage.worker.fetch("/health"))).ready, true);
    assert.deepEqual(summary(await cron(at + HOUR)), allTurned);
    assert.equal(news.length, 2, JSON.stringify(news));
  });
}

test("a network that is taken away is left alone, and the others answer as if it had never been", async (t) => {
  await cron(later());
  await withSettings(t, {
    secrets: {
      BLUESKY_IDENTIFIER: null,
      BLUESKY_APP_PASSWORD: "",
      MASTODON_SERVER: null,
      MASTODON_ACCESS_TOKEN: null,
    },
  });
  assert.deepEqual((await json(await stage.worker.fetch("/health"))).networks, ["x"]);
  await stage.simulator.clear();
  assert.deepEqual(await json(await stage.worker.turn("?frame=3")), {
    network: "x",
    frame: 3,
    frames: 12,
    outcome: "turned",
    attempts: 1,
    network_status: 200,
  });
  assert.deepEqual(await sent(), { ...NOTHING, x: 1 });
});

// --- Secrets ---------------------------------------------------------------------------------

test("no secret, token or session shows in any answer, line, entry or page", async (t) => {
  // Passes on what is sent, as it is, and keeps what opens an account.
  const tokens = new Set();
  const recorder = createServer((request, response) => {
    const [scheme, token] = request.headers.authorization?.split(" ") ?? [];
    if (scheme === "Bearer") tokens.add(token);
    const { method, url, headers } = request;
    const { host } = new URL(stage.simulator.url);
    const onward = httpRequest(
      stage.simulator.url + url,
      { method, headers: { ...headers, host } },
      (reply) => {
        const chunks = [];
        reply.on("data", (chunk) => chunks.push(chunk));
        reply.on("end", () => {
          for (const [, token] of Buffer.concat(chunks)
            .toString()
            .matchAll(/"(?:access|refresh)Jwt":"([^"]+)"/g))
            tokens.add(token);
          response.writeHead(reply.statusCode, reply.headers).end(Buffer.concat(chunks));
        });
      },
    );
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  await listen(recorder);
  t.after(() => {
    recorder.closeAllConnections();
    recorder.close();
  });
  const url = `http://127.0.0.1:${portOf(recorder)}`;

  const seen = [];
  /**
   * @param {string} what
   * @param {Response} response
   */
  const keep = async (what, response) => {
    const text = await response.text();
    seen.push([what, JSON.stringify([...response.headers]) + text]);
    return text;
  };
  let at = later();
  /** @param {string} what */
  const look = async (what) => {
    at += 48 * HOUR;
    await stage.worker.cronOf(NETWORKS, at);
    await keep(`the turn, ${what}`, await stage.worker.turn("?frame=3&force=true"));
    await keep(`the dry run, ${what}`, await stage.worker.turn("?frame=4&dry_run=true"));
    for (const where of ["/", "/health"])
      await keep(`${where}, ${what}`, await stage.worker.fetch(where));
    await keep(`the journal, ${what}`, await stage.worker.journal());
    seen.push([`the log, ${what}`, JSON.stringify(stage.worker.logs())]);
  };
  const asRecorded = { vars: { BLUESKY_SERVICE: url }, secrets: { MASTODON_SERVER: url } };
  await withSettings(t, asRecorded);
  await look("as it should be");
  await stage.simulator.account("bluesky", { expire: "access" });
  await look("a token that has expired");
  for (const network of others("x")) {
    for (const fault of [
      "hostile-text",
      "unexpected-body",
      "captive-portal",
      "rate-limit",
      "internal-error",
    ]) {
      await stage.simulator.clear();
      await stage.simulator.fail(fault, 2, { network });
      await look(`${fault} of ${network}`);
    }
  }
  await stage.simulator.clear();
  await stage.simulator.account("bluesky", { password: "xxxx-xxxx-xxxx-xxxx" });
  await stage.simulator.account("mastodon", { token: "another" });
  await look("other secrets");

  // Secrets in the wrong places.
  const { BLUESKY_APP_PASSWORD } = BLUESKY_SECRETS;
  const { MASTODON_ACCESS_TOKEN } = MASTODON_SECRETS;
  for (const wrong of [
    {
      vars: { BLUESKY_SERVICE: `https://${BLUESKY_APP_PASSWORD}@127.0.0.1` },
      secrets: { MASTODON_SERVER: MASTODON_ACCESS_TOKEN },
    },
    {
      vars: { BLUESKY_SERVICE: url, TIME_ZONE: BLUESKY_APP_PASSWORD },
      secrets: { MASTODON_SERVER: url, MASTODON_ACCESS_TOKEN: `${MASTODON_ACCESS_TOKEN}\n☃` },
    },
    {
      vars: { BLUESKY_SERVICE: "http://127.0.0.1:9" },
      secrets: { MASTODON_SERVER: "http://127.0.0.1:9" },
    },
  ]) {
    await stage.worker.restart({
      ...changes,
      vars: { ...changes.vars, ...wrong.vars },
      secrets: { ...changes.secrets, ...wrong.secrets },
    });
    await look(`wrong settings: ${JSON.stringify(wrong)}`);
  }

  assert.ok(tokens.size > 4 && tokens.has(MASTODON_ACCESS_TOKEN), `${tokens.size} tokens`);
  assert.ok(seen.length > 90, `${seen.length} texts`);
  const hidden = [...Object.values(SECRETS), BLUESKY_APP_PASSWORD, ...tokens].flatMap(forms);
  for (const [what, text] of seen) {
    for (const form of hidden)
      assert.ok(!text.includes(form), `${form} shows in ${what}: ${text.slice(0, 2_000)}`);
    assert.ok(!text.includes("Jwt"), what);
  }
});
