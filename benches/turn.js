/**
 * Measures what a turn costs: the CPU time of workerd for one turn by cron with an 80 kB frame,
 * beside plain JavaScript Workers that do the same; and the script's size. Linux only, because it
 * reads the CPU time from /proc.
 *
 *   npm run bench [-- --rounds 101 --turns 100 --warm-up 3000]
 *
 * One of the plain Workers also makes its turns in a Durable Object and keeps a journal there. A
 * second table compares this Worker on several networks with itself on X alone.
 *
 * Each Worker first makes `--warm-up` turns, after which V8 has compiled what is hot. For
 * WebAssembly, which V8 optimizes function by function in the background, that takes about 2,000.
 *
 * The Workers that are compared run in one workerd, each once a round, so that the ratios hold even
 * if the machine's speed drifts. KV and X are servers of this process: workerd's CPU time is that
 * of the Workers and of its own HTTP. Before it is measured, each Worker turns against the
 * simulator, which checks its requests.
 */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import {
  accountSecrets,
  blueskySettings,
  mastodonSettings,
  startLocalNetworks,
} from "../scripts/lib/local-networks.js";
import { listen, portOf } from "../scripts/lib/listen.js";
import { UserError, main, root, say, stopAll } from "../scripts/lib/run.js";
import { buildAll } from "../scripts/build.js";
import {
  configuration,
  copyScript,
  kvServer,
  median,
  publishedValues,
  quantile,
  scriptSize,
  sort,
  workerd,
} from "./lib/workerd.js";
import { amplitude, noisyIcon } from "./noisy-icon.js";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "101" },
    turns: { type: "string", default: "100" },
    "warm-up": { type: "string", default: "3000" },
  },
});
const rounds = Number(values.rounds);
const turns = Number(values.turns);
const warmUp = Number(values["warm-up"]);

/** The script of a Worker that runs turns one after the other, each an hour after the last. */
const driver = `let hour = Date.parse("2031-01-01T03:00:00Z");
export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const worker = env[pathname.slice(1)];
    for (let i = 0; i < Number(searchParams.get("turns")); i++) {
      const { outcome } = await worker.scheduled({ cron: "0 * * * *", scheduledTime: new Date((hour += 3_600_000)) });
      if (outcome !== "ok") return new Response(outcome, { status: 500 });
    }
    return new Response("done");
  },
};`;

/** Starts networks that accept everything and cost next to nothing. */
async function lightNetworks() {
  const description = "x".repeat(2500);
  const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
  const cid = "bafyreiaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
  const blob = { $type: "blob", ref: { $link: cid }, mimeType: "image/jpeg", size: 80_000 };
  const profile = {
    $type: "app.bsky.actor.profile",
    displayName: "Local",
    description: description.slice(0, 250),
    avatar: blob,
  };
  const answers = {
    "/1.1/account/update_profile_image.json": {
      id: 1,
      id_str: "1",
      screen_name: "local_account",
      description,
    },
    "/xrpc/com.atproto.server.createSession": {
      accessJwt: "access.jwt.token",
      refreshJwt: "refresh.jwt.token",
      did,
      handle: "local.test",
    },
    "/xrpc/com.atproto.repo.getRecord": {
      uri: `at://${did}/app.bsky.actor.profile/self`,
      cid,
      value: profile,
    },
    "/xrpc/com.atproto.repo.uploadBlob": { blob },
    "/xrpc/com.atproto.repo.putRecord": { uri: `at://${did}/app.bsky.actor.profile/self`, cid },
    "/api/v1/accounts/update_credentials": {
      id: "1",
      username: "local",
      acct: "local",
      note: description,
    },
  };
  const texts = new Map(
    Object.entries(answers).map(([where, answer]) => [where, JSON.stringify(answer)]),
  );
  const server = http.createServer((request, response) => {
    const text = texts.get((request.url ?? "").split("?")[0]);
    request
      .resume()
      .on("end", () =>
        response
          .writeHead(text ? 200 : 404, { "content-type": "application/json;charset=utf-8" })
          .end(text),
      );
  });
  return { server, url: `http://127.0.0.1:${await listen(server)}` };
}

/**
 * A Worker that is measured.
 *
 * @typedef {object} Contender
 * @property {string} id
 * @property {string} name
 * @property {string} script
 * @property {boolean} [isBuilt]
 * @property {boolean} [hasObject]
 * @property {Record<string, string>} vars
 * @property {((url: string) => Record<string, string>)[]} [settings] of the networks at a URL;
 *   default: X alone
 */

/** @typedef {Map<Contender, number[]>} Times what a turn of each took in each round, in ms */

/**
 * Has each contender make its turns in each round, in random order.
 *
 * @param {Contender[]} contenders
 * @param {number} rounds
 * @param {(id: string, count: number) => Promise<number>} batch returns the ms of a turn
 */
async function measure(contenders, rounds, batch) {
  /** @type {Times} */
  const took = new Map(contenders.map((one) => [one, []]));
  for (let round = 0; round < rounds; round++) {
    const order = [...took].map((entry) => ({ entry, place: Math.random() }));
    order.sort((a, b) => a.place - b.place);
    for (const { entry } of order) entry[1].push(await batch(entry[0].id, turns));
  }
  return took;
}

/**
 * Writes a row of the table: a contender beside a rival, round by round.
 *
 * @param {Times} took
 * @param {Contender} contender
 * @param {Contender} rival
 */
function row(took, contender, rival) {
  const [own, others] = [took.get(contender) ?? [], took.get(rival) ?? []];
  const ratios = sort(own.map((ms, round) => ms / others[round]));
  const [low, middle, high] = [0.25, 0.5, 0.75].map((q) => quantile(ratios, q).toFixed(2));
  return `| ${contender.name} | ${rival.name} | ${median(own).toFixed(2)} | ${median(others).toFixed(2)} | ${middle} | ${low}–${high} |`;
}

await main(async () => {
  await buildAll();
  const folder = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-bench-"));
  const icon = path.join(folder, "icon.png");
  writeFileSync(icon, noisyIcon(amplitude));
  const published = await publishedValues(icon, folder);
  const frames = [...published]
    .filter(([key]) => /\/\d+$/.test(key))
    .map(([, value]) => value.length);
  const frameBytes = frames.reduce((a, b) => a + b) / frames.length;
  const kv = await kvServer((key) => published.get(key));
  const [{ url: strict }, light] = [await startLocalNetworks(0), await lightNetworks()];
  const plain = {
    id: "plain",
    name: "plain JavaScript",
    script: "benches/plain-worker.js",
    vars: {},
  };
  const multipart = {
    id: "multipart",
    name: "rotate-icon",
    script: "build/index.js",
    isBuilt: true,
    vars: {},
  };
  const form = {
    ...multipart,
    id: "form",
    name: 'rotate-icon, X_BODY = "form"',
    vars: { X_BODY: "form" },
  };
  const unlimited = {
    ...plain,
    id: "unlimited",
    name: "plain JavaScript without a time limit",
    vars: { TIME_LIMIT: "none" },
  };
  const journaled = {
    ...plain,
    id: "journaled",
    name: "plain JavaScript with an object and a journal",
    hasObject: true,
  };
  /** @param {string} url */
  const onX = (url) => ({ ...accountSecrets, API_BASE_URL: url });
  const two = {
    ...multipart,
    id: "two",
    name: "on X and Bluesky",
    settings: [onX, blueskySettings],
  };
  const three = {
    ...multipart,
    id: "three",
    name: "on X, Bluesky and Mastodon",
    settings: [onX, blueskySettings, mastodonSettings],
  };
  const bluesky = {
    ...multipart,
    id: "bluesky",
    name: "on Bluesky alone",
    settings: [blueskySettings],
  };
  const mastodon = {
    ...multipart,
    id: "mastodon",
    name: "on Mastodon alone",
    settings: [mastodonSettings],
  };
  /**
   * @param {Contender} contender
   * @param {string} url where its networks are
   * @returns {Record<string, string>}
   */
  const varsFor = ({ settings = [onX], vars }, url) =>
    Object.assign({}, ...settings.map((of) => of(url)), vars);
  copyScript(folder);
  writeFileSync(path.join(folder, "driver.js"), driver);

  /**
   * Runs Workers side by side in a workerd of their own, checks their requests, and measures them.
   *
   * @param {Contender[]} contenders
   * @param {number} rounds
   */
  const inOneWorkerd = async (contenders, rounds) => {
    const services = contenders.flatMap((contender) => [
      { ...contender, vars: varsFor(contender, light.url) },
      { ...contender, id: `${contender.id}-checked`, vars: varsFor(contender, strict) },
    ]);
    for (const { id, script } of services)
      copyFileSync(path.join(root, script), path.join(folder, `${id}.js`));
    const disk = mkdtempSync(path.join(folder, "disk-"));
    const { url, cpuMs, stop } = await workerd(folder, configuration(services, portOf(kv), disk));
    /**
     * @param {string} id
     * @param {number} count how many turns
     */
    const batch = async (id, count) => {
      const before = cpuMs();
      const response = await fetch(`${url}/${id}?turns=${count}`);
      if (!response.ok) throw new UserError(`${id}: a turn failed: ${await response.text()}`);
      return (cpuMs() - before) / count;
    };
    for (const { id, name, settings = [onX] } of contenders) {
      await fetch(`${strict}/simulator/received`, { method: "DELETE" });
      await batch(`${id}-checked`, 12);
      /** @typedef {{ endpoint: string, verdict: string, explanation: string }} Received */
      /** @type {(Received & { took_effect: boolean })[]} */
      const received = await (await fetch(`${strict}/simulator/received`)).json();
      const isOfPicture = (/** @type {Received} */ { endpoint }) =>
        /update_profile_image|putRecord|update_credentials/.test(endpoint);
      const refused = received.find((one) => one.verdict === "rejected" && isOfPicture(one));
      // On Bluesky, the record that keeps the frames is put too, and shows nothing.
      const shown = received.filter((one) => one.took_effect && isOfPicture(one));
      if (refused || shown.length < 12 * settings.length)
        throw new UserError(`${name}: ${refused?.explanation ?? "not every turn was sent"}`);
      await batch(id, warmUp);
    }
    const took = await measure(contenders, rounds, batch);
    await stop();
    return took;
  };

  say(
    `${rounds} rounds of ${turns} turns of each, with frames of ${Math.round(frameBytes / 1000)} kB …`,
  );
  const alone = await inOneWorkerd([plain, unlimited, journaled, multipart, form], rounds);
  const rows = [plain, unlimited, journaled].map((rival) => row(alone, multipart, rival));
  rows.push(row(alone, form, plain));
  say("The same on several networks …");
  const more = await inOneWorkerd(
    [multipart, two, three, bluesky, mastodon],
    Math.ceil(rounds / 2),
  );
  rows.push(...[two, three, bluesky, mastodon].map((one) => row(more, one, multipart)));
  kv.close();
  light.server.close();
  await stopAll();
  rmSync(folder, { recursive: true });

  console.log(`
CPU time of workerd for a turn:

| Worker | beside | ms, median | ms, median of the other | ratio, median of the pairs | quartiles |
|---|---|---|---|---|---|
${rows.join("\n")}`);
  console.log(`\n${scriptSize()}`);
});
