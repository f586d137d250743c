/** Tests `rotate-icon turn`, as cron starts it, against the simulator. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, readFile, readdir, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import path from "node:path";
import test from "node:test";
import { accountSecrets, mastodonSettings } from "../../scripts/lib/local-networks.js";
import { environment } from "../../scripts/lib/run.js";
import { command, root, rotateIcon, runProgram, sampleIcon, temporaryFolder } from "./command.js";
import { account, entryKeys, localX, server } from "./account.js";
import { listen, portOf } from "../../scripts/lib/listen.js";

const icon = ["turn", sampleIcon];

/**
 * Reads the entries of the journal in a state file.
 *
 * @param {string} state
 * @returns {Promise<any[]>}
 */
const journal = async (state) =>
  JSON.parse(await readFile(state, "utf8")).journal.map(
    (/** @type {{ entry: object }} */ { entry }) => entry,
  );

test("a turn is made once a frame, and what is asked for by hand at once", async (t) => {
  const x = await localX(t);
  const { state, run } = await account(t, x.url);

  const first = await run(icon);
  assert.deepEqual([first.status, first.stderr], [0, ""]);
  const [, frame] = first.stdout.match(/^X: turned to frame (\d+) of 12\.\n$/) ?? [];
  const [sent] = await x.received();
  assert.equal(sent.verdict, "accepted");

  const second = await run(icon);
  assert.equal(second.status, 0, second.stderr);
  assert.equal(second.stdout, `X: nothing to do, frame ${frame} of 12 has been sent.\n`);
  assert.equal((await x.received()).length, 1);

  const other = (Number(frame) + 3) % 12;
  const byNumber = await run([...icon, "--frame", String(other)]);
  assert.equal(byNumber.stdout, `X: turned to frame ${other} of 12.\n`);
  const folder = await temporaryFolder(t);
  assert.equal((await rotateIcon(["render", sampleIcon, "--out", folder])).status, 0);
  assert.ok(
    (await readFile(path.join(folder, `${other}.jpg`))).equals(await x.picture()),
    "the frame of render",
  );

  assert.match((await run([...icon, "--frame", String(other)])).stdout, /nothing to do/);
  assert.match((await run([...icon, "--frame", String(other), "--force"])).stdout, /turned/);
  assert.equal((await x.received()).length, 3);

  assert.equal((await stat(state)).mode & 0o777, 0o600);
  const entries = await journal(state);
  assert.deepEqual(
    entries.map(({ trigger, frame, outcome }) => [trigger, frame, outcome]),
    [
      ["cron", Number(frame), "turned"],
      ["manual", other, "turned"],
      ["manual", other, "turned"],
    ],
  );
});

test("a folder of rendered frames is as good as the icon, whichever way its files are numbered", async (t) => {
  const x = await localX(t);
  const { folder, run } = await account(t, x.url);
  const out = path.join(folder, "frames");
  /** @param {string[]} flags */
  const render = (...flags) =>
    rotateIcon(["render", sampleIcon, "--out", out, "--frames", "8", "--quality", "80", ...flags]);
  assert.equal((await render()).status, 0);
  const rendered = await run(["turn", "--rendered", out, "--frame", "3"]);
  assert.equal(rendered.stdout, "X: turned to frame 3 of 8.\n", rendered.stderr);
  const frame = await readFile(path.join(out, "3.jpg"));
  assert.ok(frame.equals(await x.picture()));
  // The same set, so that the same frame is shown already.
  const again = await run(["turn", sampleIcon, "--frames", "8", "--quality", "80", "--frame", "3"]);
  assert.match(again.stdout, /nothing to do/);

  assert.equal((await render("--direction", "counterclockwise")).status, 0);
  assert.ok(frame.equals(await readFile(path.join(out, "5.jpg"))));
  const against = await run(["turn", "--rendered", out, "--frame", "3", "--force"]);
  assert.equal(against.stdout, "X: turned to frame 3 of 8.\n", against.stderr);
  assert.ok(frame.equals(await x.picture()));
  assert.equal((await x.received()).length, 2);
});

test("of a folder that cannot be turned from, it is said how to write it", async (t) => {
  const x = await localX(t);
  const { folder, run } = await account(t, x.url);
  const out = path.join(folder, "frames");
  const render = () => rotateIcon(["render", sampleIcon, "--out", out]);
  const remedy = "rotate-icon render ICON --out DIR.";
  /** @param {RegExp} message */
  const refused = async (message) => {
    const { status, stdout, stderr } = await run([
      "turn",
      "--rendered",
      out,
      "--frame",
      "3",
      "--force",
    ]);
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, message);
    assert.ok(stderr.startsWith("rotate-icon: X: ") && stderr.endsWith(`${remedy}\n`), stderr);
  };
  const set = path.join(out, "frame-set.json");

  await refused(/there is no file .*frames\/frame-set\.json\. /);
  assert.equal((await render()).status, 0);
  await rm(set);
  await refused(/there is no file /);
  for (const text of [
    "[]",
    "{",
    '{"set":{"id":"../../x","frames":12,"media_type":"image/jpeg"},"direction":"clockwise"}',
  ]) {
    await writeFile(set, text);
    await refused(/frame-set\.json is not as render writes it: /);
  }
  await rm(set);
  await symlink("/dev/zero", set);
  await refused(/frame-set\.json is no regular file/);

  // What is there is replaced.
  assert.equal((await render()).status, 0);
  await writeFile(path.join(out, "3.jpg"), "no picture");
  await refused(
    /Frame 3 of 12 is stored as something else than image\/jpeg, and the icon to render it from is missing\./,
  );
  await rm(path.join(out, "3.jpg"));
  await refused(/Frame 3 of 12 is missing from the store/);
  assert.equal((await x.received()).length, 0);
  // Others are there.
  assert.equal((await run(["turn", "--rendered", out, "--frame", "4"])).status, 0);

  // Given as an icon, it is told what it is.
  const asIcon = await run(["turn", out, "--force"]);
  assert.equal(asIcon.status, 1);
  assert.match(
    asIcon.stderr,
    /is a folder of rendered frames; `rotate-icon turn --rendered .*` turns from it/,
  );
});

test("an album turns too, and circles are sent as PNG", async (t) => {
  const x = await localX(t);
  const { folder, run } = await account(t, x.url);
  const album = path.join(folder, "album");
  await mkdir(album);
  await writeFile(path.join(album, "1.png"), await readFile(sampleIcon));
  const { status, stdout, stderr } = await run(["turn", "--album", album, "--shape", "circle"]);
  assert.deepEqual([status, stdout, stderr], [0, "X: turned to frame 0 of 1.\n", ""]);
  assert.equal((await x.picture()).subarray(1, 4).toString(), "PNG");
});

test("a dry run asks whose account it is, sends no picture and keeps nothing", async (t) => {
  const x = await localX(t);
  const { state, run } = await account(t, x.url);
  const { status, stdout } = await run([...icon, "--dry-run", "--frame", "5"]);
  assert.equal(status, 0);
  assert.match(
    stdout,
    /^X: would send frame 5 of 12 for the account \S+: POST http:\S+\/1\.1\/account\/update_profile_image\.json with \d{4,6} bytes\. No picture was sent\.\n$/,
  );
  const json = JSON.parse((await run([...icon, "--dry-run", "--json"])).stdout);
  assert.equal(json.outcome, "dry-run");
  assert.ok(json.would_send.frame_bytes > 1000);
  assert.ok((await x.received()).every(({ picture }) => picture === null));
  await assert.rejects(stat(state), { code: "ENOENT" });
});

test("without a state, every run sends, and nothing is left behind", async (t) => {
  const x = await localX(t);
  const { folder, run } = await account(t, x.url);
  for (let n = 0; n < 2; n++) assert.match((await run([...icon, "--stateless"])).stdout, /turned/);
  assert.equal((await x.received()).length, 2);
  assert.deepEqual(await readdir(folder), [".dev.vars"]);
  assert.equal((await run([...icon, "--stateless", "--state", "x"])).status, 2);
});

test("without a state too, a server that says yes and changes nothing is not told as turned alone", async (t) => {
  const x = await localX(t);
  const noKeys = Object.fromEntries(Object.keys(accountSecrets).map((name) => [name, ""]));
  const { run } = await account(t, x.url, { ...noKeys, ...mastodonSettings(x.url) });
  /** @param {string} software */
  const software = (software) =>
    fetch(`${x.url}/simulator/mastodon`, {
      method: "PATCH",
      body: JSON.stringify({ software, scopes: "read write" }),
    });
  /** @param {string} frame */
  const turns = async (frame) => {
    const { status, stdout, stderr } = await run([...icon, "--stateless", "--frame", frame]);
    assert.deepEqual([status, stderr], [0, ""]);
    const match = stdout.match(/^Mastodon: turned to frame \d+ of 12\.(?: (.*))?\n$/);
    assert.ok(match, stdout);
    return match[1];
  };
  const doubt =
    /^The server said yes, but .*avatar has the address of before\..*Look at the account in a browser\.$/;
  await software("pixelfed-without-post");
  for (const frame of ["3", "4", "5"]) assert.match(await turns(frame), doubt);
  await software("pixelfed");
  for (const frame of ["6", "7"]) assert.match(await turns(frame), /by POST only/);
  // Here the same picture has the same address, which says as little.
  await software("pleroma");
  assert.equal(await turns("8"), undefined);
  assert.match(await turns("8"), doubt);
  await software("mastodon");
  for (const frame of ["8", "8", "9"]) assert.equal(await turns(frame), undefined);
});

test("with --json, each network is one line as in the journal", async (t) => {
  const x = await localX(t);
  const { state, run } = await account(t, x.url);
  const { status, stdout, stderr } = await run([...icon, "--json"]);
  assert.deepEqual([status, stderr], [0, ""]);
  const entry = JSON.parse(stdout);
  assert.equal(stdout, `${JSON.stringify(entry)}\n`);
  assert.deepEqual(Object.keys(entry), entryKeys);
  assert.deepEqual(
    [entry.event, entry.network, entry.outcome, entry.network_status],
    ["turn", "x", "turned", 200],
  );
  assert.deepEqual(await journal(state), [entry]);

  await x.fault("read-only-app");
  const refused = await run([...icon, "--json", "--force"]);
  assert.deepEqual([refused.status, refused.stderr], [1, ""]);
  assert.deepEqual(Object.keys(JSON.parse(refused.stdout)), [
    ...entryKeys,
    "reason",
    "message",
    "remedy",
  ]);
});

test("the exit status tells what passes from what the owner has to see to", async (t) => {
  const x = await localX(t);
  for (const [fault, status, text] of /** @type {[string, number, RegExp][]} */ ([
    ["over-capacity", 75, /X answered 503, code 130.*The first run after \S+Z tries again\.$/],
    ["rate-limit", 75, /Too many requests/],
    ["spam-filter", 75, /Pause for a day/],
    ["reset", 75, /X did not answer: the connection failed/],
    ["cut-off", 75, /X did not answer/],
    ["read-only-app", 1, /Read and Write/],
    ["invalid-token", 1, /Check the four values/],
    ["suspended-app", 1, /suspended the app/],
    ["credits-depleted", 1, /credits .* used up/],
    ["captive-portal", 1, /Check API_BASE_URL/],
    ["hostile-text", 1, /X answered 403/],
  ])) {
    const { state, run } = await account(t, x.url);
    await x.fault(fault);
    const failed = await run(icon);
    assert.equal(failed.status, status, `${fault}: ${failed.stderr}`);
    assert.equal(failed.stdout, "");
    assert.match(failed.stderr.trimEnd(), /^rotate-icon: X: [^\n]*$/, "one line");
    assert.match(failed.stderr.trimEnd(), text);

    // It waits, and complains of nothing, so that cron does not mail the same again.
    const before = (await x.received()).length;
    const waiting = await run(icon);
    assert.deepEqual([waiting.status, waiting.stderr], [75, ""], fault);
    assert.match(waiting.stdout.trimEnd(), /^X: nothing was tried\. Before: [^\n]*$/, fault);
    assert.match(waiting.stdout.trimEnd(), text);
    if (status === 1)
      assert.match(
        waiting.stdout,
        /It is not asked again before \S+Z; to ask now, add --force\.\n$/,
      );
    assert.equal((await x.received()).length, before, fault);
    assert.equal((await journal(state)).length, 1);
    // A pause is kept to even by hand; all else can be tried at once.
    const isPause = ["rate-limit", "spam-filter"].includes(fault);
    const forced = await run([...icon, "--force"]);
    assert.equal(forced.status, isPause ? 75 : 0, `${fault}: ${forced.stderr}`);
  }
});

test("a setting that is put right is tried with the next run", async (t) => {
  const x = await localX(t);
  const { run } = await account(t, x.url, { API_KEY_SECRET: "a-slip-of-the-hand" });
  assert.equal((await run(icon)).status, 1);
  // By hand in vain: that makes nobody wait any longer.
  for (let n = 0; n < 3; n++) assert.equal((await run([...icon, "--force"])).status, 1);
  assert.equal((await run(icon)).status, 75);
  const before = (await x.received()).length;
  const repaired = await run(icon, { API_KEY_SECRET: accountSecrets.API_KEY_SECRET });
  assert.deepEqual([repaired.status, repaired.stderr], [0, ""]);
  assert.match(repaired.stdout, /^X: turned to frame/);
  assert.equal((await x.received()).length, before + 1);
});

test("a pause from a clock that was years ahead is not believed", async (t) => {
  const x = await localX(t);
  for (const words of [[], ["--force"]]) {
    const { state, run } = await account(t, x.url);
    await x.fault("rate-limit");
    assert.equal((await run(icon)).status, 75);
    const known = JSON.parse(await readFile(state, "utf8"));
    assert.equal(known.standings.x.hold.kind, "pause");
    known.standings.x.hold.until = Date.UTC(2041, 0, 1);
    await writeFile(state, JSON.stringify(known));
    const { status, stdout, stderr } = await run([...icon, ...words]);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /turned/);
  }
});

test("without a state, no other run is promised", async (t) => {
  const x = await localX(t);
  const { run } = await account(t, x.url);
  for (const [fault, status, text] of /** @type {[string, number, RegExp][]} */ ([
    ["over-capacity", 75, /Nothing tries again by itself: start another run\.\n$/],
    ["rate-limit", 75, /Start no other before \S+Z: without a state, it would send\.\n$/],
    ["invalid-token", 1, /Check the four values[^\n]*\n$/],
  ])) {
    await x.fault(fault);
    const failed = await run([...icon, "--stateless"]);
    assert.equal(failed.status, status, failed.stderr);
    assert.match(failed.stderr, text);
    assert.doesNotMatch(failed.stderr, /The first run after|not asked again/);
  }
});

test("several networks turn in one run, and the worst of them is its status", async (t) => {
  const x = await localX(t);
  const others = {
    BLUESKY_SERVICE: x.url,
    BLUESKY_IDENTIFIER: "local.test",
    BLUESKY_APP_PASSWORD: "loca-lapp-pass-word",
  };
  const { run } = await account(t, x.url, {
    ...others,
    MASTODON_SERVER: x.url,
    MASTODON_ACCESS_TOKEN: "local-mastodon-token",
  });
  const doctor = await run(["doctor"]);
  assert.equal(doctor.status, 0, doctor.stdout);
  assert.equal(doctor.stdout.match(/^✓ (X|Bluesky|Mastodon): the account /gm)?.length, 3);
  await x.fault("over-capacity");
  const first = await run(icon);
  assert.equal(first.status, 75, first.stderr);
  assert.match(first.stderr, /^rotate-icon: X: X answered 503[^\n]*\n$/);
  assert.match(
    first.stdout,
    /^Bluesky: turned to frame \d+ of 12\.\nMastodon: turned to frame \d+ of 12\.\n$/,
  );
});

test("what is missing or wrong among the settings is named", async (t) => {
  const x = await localX(t);
  const some = await account(t, x.url, { API_KEY: "", PERIOD: "5h", ACCESS_TOKEN_SECRET: "" });
  const { status, stderr } = await some.run(icon);
  assert.equal(status, 78);
  assert.match(
    stderr,
    /not set: API_KEY, ACCESS_TOKEN_SECRET; PERIOD has to be a period .*`rotate-icon doctor`/,
  );
  const elsewhere = await rotateIcon([...icon, "--settings", path.join(some.folder, "none")]);
  assert.equal(elsewhere.status, 78);
  assert.match(elsewhere.stderr, /there is no file .*none/);
  assert.deepEqual(await x.received(), []);
});

test("the environment goes before the file", async (t) => {
  const x = await localX(t);
  const { run } = await account(t, "http://127.0.0.1:1", { PERIOD: "nonsense" });
  const { status, stdout, stderr } = await run(icon, { API_BASE_URL: x.url, PERIOD: "7d" });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /turned/);
});

test("runs at once make one turn", async (t) => {
  const x = await localX(t);
  await x.fault("slow");
  const { state, run } = await account(t, x.url);
  const runs = await Promise.all(Array.from({ length: 4 }, () => run(icon)));
  assert.deepEqual(
    runs.map(({ status }) => status),
    [0, 0, 0, 0],
  );
  assert.equal(runs.filter(({ stdout }) => stdout.includes("turned to")).length, 1);
  assert.equal((await x.received()).length, 1);
  assert.equal((await journal(state)).length, 1);
});

test("a run that is killed in the middle is made good by the next one", async (t) => {
  const x = await localX(t);
  const { folder, settings, state, run } = await account(t, x.url);
  await x.fault("hang");
  const env = environment({ XDG_STATE_HOME: folder });
  const child = spawn(command, [...icon, "--settings", settings], {
    cwd: root,
    env,
    stdio: "ignore",
  });
  const ended = new Promise((resolve) => child.on("close", resolve));
  while ((await x.received()).length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  child.kill("SIGKILL");
  await ended;
  assert.match((await run(icon)).stdout, /turned/);
  assert.equal((await journal(state)).length, 1);
  assert.deepEqual((await readdir(path.dirname(state))).sort(), ["state.json", "state.json.lock"]);
});

/**
 * A certificate for 127.0.0.1 that nobody has signed but itself; none without openssl.
 *
 * @param {string} folder
 */
async function certificate(folder) {
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => path.join(folder, name));
  const words = [
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-keyout",
    key,
    "-out",
    cert,
    "-days",
    "2",
    "-subj",
    "/CN=127.0.0.1",
  ];
  const { status } = await runProgram("openssl", [
    ...words,
    "-addext",
    "subjectAltName=IP:127.0.0.1",
    "-addext",
    "basicConstraints=critical,CA:FALSE",
  ]).catch(() => ({ status: null }));
  return status === 0 ? { key: await readFile(key), cert: await readFile(cert), path: cert } : null;
}

test("over https, only who the machine knows is believed", async (t) => {
  const folder = await temporaryFolder(t);
  const own = await certificate(folder);
  if (!own) return t.skip("needs openssl");
  let requests = 0;
  const https = createServer(own, (request, response) => {
    requests += 1;
    request.resume().on("end", () => response.end(JSON.stringify({ screen_name: "XAPI" })));
  });
  await listen(https);
  t.after(() => https.close().closeAllConnections());
  const { run } = await account(t, `https://127.0.0.1:${portOf(https)}`);
  const stranger = await run([...icon, "--stateless"]);
  assert.equal(stranger.status, 75);
  assert.match(stranger.stderr, /X did not answer: the connection failed: .*certificate/);
  assert.equal(requests, 0);
  const known = await run([...icon, "--stateless"], { SSL_CERT_FILE: own.path });
  assert.deepEqual([known.status, requests], [0, 1], known.stderr);
});

test("a state that cannot be read is told once and kept beside, and the turn is made", async (t) => {
  const x = await localX(t);
  const hook = await server(t, () => [204]);
  const { state, run } = await account(t, x.url, { ALERT_WEBHOOK_URL: `${hook.url}/hook` });
  const folder = path.dirname(state);
  assert.equal((await run(icon)).status, 0);
  const whole = await readFile(state, "utf8");
  let kept = 0;
  for (const [text, why] of /** @type {[string, RegExp][]} */ ([
    ["", /no JSON object/],
    ["\ufeff\u0000", /no JSON object/],
    [whole.slice(0, -20), /no JSON object/],
    ["null", /no JSON object/],
    ["{}", /version/],
    [whole.replace('"version":1', '"version":9'), /version/],
    [whole.replace('"refusals":0', '"refusals":"none","lease":{"until":1}'), /standings\.x/],
  ])) {
    await writeFile(state, text);
    const [sent, told] = [(await x.received()).length, hook.received.length];
    const { status, stdout, stderr } = await run([...icon, "--force"]);
    assert.deepEqual([status, stdout.includes("turned")], [0, true], stderr);
    assert.match(
      stderr,
      /^rotate-icon: the state in .*state\.json could not all be read \(.*\); this turn goes on .*kept as .*\.unread-[0-9a-f]{8}\n$/,
    );
    assert.match(stderr, why);
    assert.equal((await x.received()).length, sent + 1);
    assert.equal(hook.received.length, told + 1, "the owner is told");
    assert.match(
      JSON.parse(hook.received.at(-1)?.body ?? "").text,
      /^About your icon: What was stored .*\.unread-/,
    );
    assert.ok((await journal(state)).some(({ outcome }) => outcome === "unread"));
    const beside = (await readdir(folder)).filter((name) => name.includes(".unread-"));
    kept += 1;
    assert.equal(beside.length, kept);
    const contents = await Promise.all(
      beside.map((name) => readFile(path.join(folder, name), "utf8")),
    );
    assert.ok(contents.includes(text), "as it was");
    for (const name of beside)
      assert.equal((await stat(path.join(folder, name))).mode & 0o777, 0o600);

    const again = await run(icon);
    assert.deepEqual([again.status, again.stderr], [0, ""]);
    assert.equal(hook.received.length, told + 1, "once");
  }
  await writeFile(state, whole);
  assert.match((await run(icon)).stdout, /nothing to do/);

  const sent = (await x.received()).length;
  const nowhere = await run([...icon, "--state", path.join(state, "below-a-file")]);
  assert.equal(nowhere.status, 1);
  assert.match(nowhere.stderr, /cannot make the folder/);
  assert.equal((await x.received()).length, sent);
});

test("a pause of a newer version's state is kept to", async (t) => {
  const x = await localX(t);
  const { state, run } = await account(t, x.url);
  await mkdir(path.dirname(state), { recursive: true });
  const hold = {
    until: Date.now() + 3_600_000,
    kind: "quarantine",
    trouble: { reason: "moderation", message: "Held back.", remedy: "Wait." },
  };
  await writeFile(state, JSON.stringify({ version: 2, standings: { x: { hold, memory: [1] } } }));
  const { stdout } = await run([...icon, "--force"]);
  assert.match(stdout, /^X: nothing was tried\. Before: Held back\. Wait\./);
  assert.deepEqual(await x.received(), []);
});

test("a state that is no file is refused at once", async (t) => {
  const x = await localX(t);
  const { folder, run } = await account(t, x.url);
  const pipe = path.join(folder, "pipe");
  assert.equal((await runProgram("mkfifo", [pipe])).status, 0);
  const link = path.join(folder, "link");
  await symlink("/dev/full", link);
  await writeFile(path.join(folder, "huge"), "{");
  await truncate(path.join(folder, "huge"), 5_000_000_000);
  const locked = path.join(folder, "locked");
  assert.equal((await runProgram("mkfifo", [`${locked}.lock`])).status, 0);
  for (const [state, why] of /** @type {[string, RegExp][]} */ ([
    ["/dev/full", /is no regular file/],
    ["/dev/zero", /is no regular file/],
    [pipe, /is no regular file/],
    [link, /is no regular file/],
    [folder, /is no regular file/],
    [locked, /locked\.lock is no regular file/],
    [path.join(folder, "huge"), /has more than 64000000 bytes/],
  ])) {
    const began = Date.now();
    const { status, stderr } = await run([...icon, "--state", state]);
    assert.equal(status, 1, `${state}: ${stderr}`);
    assert.match(stderr, why);
    assert.ok(Date.now() - began < 10_000, state);
  }
  await assert.rejects(stat("/dev/full.lock"), { code: "ENOENT" });
  for (const settings of ["/dev/zero", pipe]) {
    const { status, stderr } = await rotateIcon([...icon, "--settings", settings]);
    assert.equal(status, 78);
    assert.match(stderr, /is no regular file/);
  }
  assert.deepEqual(await x.received(), []);
});

test("the owner is told when turning stops and when it works again", async (t) => {
  const x = await localX(t);
  const hook = await server(t, () => [204]);
  const { run } = await account(t, x.url, { ALERT_WEBHOOK_URL: `${hook.url}/hook` });
  const told = () => hook.received.map(({ body }) => JSON.parse(body).text);
  await x.fault("read-only-app", 2);
  await run(icon);
  await run(icon);
  await run([...icon, "--force"]);
  assert.equal(told().length, 1);
  assert.match(told()[0], /^Your icon has stopped turning\. X answered 403, code 261/);
  assert.equal((await run([...icon, "--force"])).status, 0);
  assert.equal(told()[1], "Your icon is turning again.");

  // An icon that is gone is told too.
  const gone = await run(["turn", path.join(path.dirname(sampleIcon), "gone.png"), "--force"]);
  assert.equal(gone.status, 1);
  assert.match(gone.stderr, /cannot read .*gone\.png.*Name an icon that can be read/);
  assert.equal(told().length, 3);
});

test("what is to be turned has to be said, in one way", async () => {
  for (const words of [
    [],
    [sampleIcon, "--rendered", "x"],
    ["--rendered", "x", "--quality", "80"],
    [sampleIcon, "--frame", "-1"],
  ]) {
    assert.equal((await rotateIcon(["turn", ...words])).status, 2, words.join(" "));
  }
});
