/**
 * Days of many accounts of visitors, with everything in the middle that may happen to a service:
 * workerd is killed, alarms go off twice or are lost, tokens expire, the key is replaced, people
 * send other pictures and delete their accounts. At the end each account's journal has to be what
 * its server has received.
 *
 *   npm run soak:accounts [-- --accounts 500 --slots 24 --slot 10 --kills 6 --seed 1]
 *
 * A day is as many slots of some seconds as there are frames; its length has to divide a real one.
 * Only a kill may explain a difference: a frame that the server had just accepted is sent again, or
 * has no entry if its slot was over.
 */
import { createHash, randomBytes } from "node:crypto";
import os from "node:os";
import { parseArgs } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { buildAll } from "../scripts/build.js";
import { randomNumbers } from "../scripts/lib/random.js";
import { UserError, main, say } from "../scripts/lib/run.js";
import { formsOf } from "../tests/worker/harness/visitor.js";
import { SERVICE_KEY } from "../tests/worker/harness/service.js";
import { compare } from "./lib/comparison.js";
import { disturbAlarms } from "./lib/alarms.js";
import { inGroups, signUp, startService } from "./lib/service.js";
import { noisyIcon } from "./noisy-icon.js";

const { values } = parseArgs({
  options: {
    accounts: { type: "string", default: "500" },
    slots: { type: "string", default: "24" },
    slot: { type: "string", default: "10" },
    kills: { type: "string" },
    seed: { type: "string", default: "1" },
  },
});
const [accounts, slots, slotS] = [values.accounts, values.slots, values.slot].map(Number);
const kills = Number(values.kills ?? Math.ceil(slots / 4));
const slotMs = slotS * 1000;

/** The next random number: the same events for the same seed. */
const chance = randomNumbers(Number(values.seed));

/** The servers, by kind. Only some let tokens expire. */
const kinds = [
  "mastodon-4.3",
  "pleroma",
  "mastodon-4.2",
  "gotosocial",
  "pixelfed",
  "mastodon-4.3",
  "pleroma",
  "mastodon-4.3",
  "mastodon-4.2",
  "mastodon-4.3",
];
const servers = kinds.map((kind, n) => ({ kind, name: `server-${n}.example` }));

/** @typedef {import("./lib/comparison.js").Person} Person */
/** @typedef {import("../tests/worker/harness/simulator.js").Received} Received */

/** What happens, for the comparison and for the report. */
const happened = {
  /** @type {import("./lib/comparison.js").Kill[]} */
  kills: [],
  lost: 0,
  repeated: 0,
  expired: 0,
  uploads: 0,
  deleted: 0,
};

await main(async () => {
  await buildAll();
  const service = await startService({
    servers: servers.map(({ name, kind }) => `${name}=${kind}`),
    keep: accounts * 10 + 500,
    settings: { CHECKS_AN_HOUR: "900" },
  });
  const received = follow(service);
  try {
    say(`Signing ${accounts} people in …`);
    /** @type {Person[]} */
    const people = await inGroups(
      Array.from({ length: accounts }, (_, n) => n),
      4,
      async (n) => {
        const server = servers[n % servers.length].name;
        const person = `person-${n}`;
        const options = { server, person, frames: slots, slotS };
        const visitor = await signUp(service, options);
        return { server, person, visitor, icon: "first" };
      },
    );
    /** The icon and the number of a frame, by its SHA-256. @type {Map<string, [string, number]>} */
    const frames = new Map();
    await learnFrames(frames, people[0]);
    const first = Math.ceil(Date.now() / slotMs) * slotMs;
    say(`${slots} slots of ${slotS} s …`);
    for (const { at, work } of plan(service, people, first, frames)) {
      await sleep(Math.max(0, at - Date.now()));
      await work();
    }
    // Three slots of rest. Then the journals are read of accounts that turn no more.
    const quiet = Math.ceil(Date.now() / slotMs + 3) * slotMs;
    const end = Math.max(first + slots * slotMs, quiet);
    await sleep(Math.max(0, end - slotMs / 10 - Date.now()));
    await kill(service, { STOP: "all" });
    say("Reading the journals …");
    await readJournals(people);
    const differences = compare({
      people,
      received: await received.end(),
      frames,
      kills: happened.kills,
      first,
      end,
      slots,
      slotMs,
    });
    report(differences);
  } finally {
    await received.end();
    await service.stop();
  }
});

/**
 * What happens when. Three of four kills come while accounts turn. Nothing happens in the last
 * three slots, so that every account has the time to be in order again; on a busy machine the day is
 * longer for that.
 *
 * @param {import("./lib/service.js").Service} service
 * @param {Person[]} people
 * @param {number} first when the first slot starts, in ms
 * @param {Map<string, [string, number]>} frames
 */
function plan(service, people, first, frames) {
  /** @param {number} slot */
  const at = (slot) => first + slot * slotMs;
  const busy = Math.max(1, slots - 4);
  const events = [
    { at: at(busy * 0.2), work: () => expire(service) },
    { at: at(busy * 0.35), work: () => upload(people, frames) },
    { at: at(busy * 0.5), work: () => rotateKeys(service) },
    { at: at(busy * 0.6), work: () => expire(service) },
    { at: at(busy * 0.75), work: () => remove(people) },
  ];
  for (let n = 0; n < kills; n += 1) {
    const slot = Math.floor((busy * (n + 0.5)) / kills);
    // Accounts turn in the first tenth of a slot.
    const part = chance() < 0.75 ? chance() * 0.12 : chance();
    events.push({ at: at(slot + part), work: () => killAndDisturb(service) });
  }
  return events.sort((a, b) => a.at - b.at);
}

/**
 * Kills workerd and starts it again, with other settings if there are `changes`.
 *
 * @param {import("./lib/service.js").Service} service
 * @param {Record<string, string>} [changes]
 * @param {() => void} [meanwhile]
 */
async function kill(service, changes, meanwhile) {
  const at = Date.now();
  await service.kill(changes, meanwhile);
  happened.kills.push({ at, up: Date.now(), lost: new Set(), checked: Date.now() });
}

/**
 * Kills workerd. Meanwhile some alarms are lost, and others go off once more. Then comes the check
 * that is made each hour.
 *
 * @param {import("./lib/service.js").Service} service
 */
async function killAndDisturb(service) {
  /** @type {ReturnType<typeof disturbAlarms> | undefined} */
  let done;
  await kill(service, {}, () => {
    done = disturbAlarms(service.disk, { chance, lost: 0.1, repeated: 0.2 });
  });
  await service.fire();
  const last = happened.kills[happened.kills.length - 1];
  last.lost = new Set(done?.lost);
  last.checked = Date.now();
  happened.lost += done?.lost.length ?? 0;
  happened.repeated += done?.repeated.length ?? 0;
}

/** @param {import("./lib/service.js").Service} service */
async function expire(service) {
  for (const { name, kind } of servers.filter((server) => server.kind === "pleroma")) {
    await service.simulator.changeServer({ server: name, expire: "*" });
    happened.expired += servers.filter((server) => server.kind === kind).length;
  }
}

/**
 * Replaces the key as the manual says: both, a request for each part, the new one alone.
 *
 * @param {import("./lib/service.js").Service} service
 */
async function rotateKeys(service) {
  const key = randomBytes(32).toString("base64");
  await kill(service, { SERVICE_KEY: `${key} ${SERVICE_KEY}` });
  for (let next = ""; ; ) {
    const query = next && `?${new URLSearchParams({ next })}`;
    const response = await service.asOwner(`/keys/rotation${query}`);
    if (!response.ok) throw new UserError(`The rotation of keys: ${await response.text()}`);
    /** @type {any} */
    const part = await response.json();
    if (part.next === null) break;
    next = part.next;
  }
  await kill(service, { SERVICE_KEY: key });
}

/**
 * One person in eleven sends another picture: some on each server.
 *
 * @param {Person[]} people
 * @param {Map<string, [string, number]>} frames
 */
async function upload(people, frames) {
  const icon = noisyIcon(8);
  const some = people.filter((_, n) => n % 11 === 3);
  await inGroups(some, 4, async (person) => {
    const response = await person.visitor.upload(icon, `?frames=${slots}`);
    if (!response.ok) throw new UserError(`Another picture: ${await response.text()}`);
    person.icon = "second";
    happened.uploads += 1;
  });
  if (some.length > 0) await learnFrames(frames, some[0]);
}

/**
 * One person in nineteen deletes their account, half of them with the old picture put back.
 *
 * @param {Person[]} people
 */
async function remove(people) {
  const some = people.filter((_, n) => n % 19 === 8);
  await inGroups(some, 4, async (person) => {
    const { html } = await person.visitor.open("/account/delete");
    const form = formsOf(html).find(({ action }) => action === "/account/delete");
    const fields = form?.fields ?? {};
    if (happened.deleted % 2 === 0) fields.put_back = "yes";
    const gone = await person.visitor.submit("/account/delete", fields);
    if (gone.status !== 303) throw new UserError(`A deletion: ${await gone.text()}`);
    person.deletedAt = Date.now();
    happened.deleted += 1;
  });
}

/**
 * Learns the digests of a person's frames.
 *
 * @param {Map<string, [string, number]>} frames
 * @param {Person} person
 */
async function learnFrames(frames, { visitor, icon }) {
  for (let n = 0; n < slots; n += 1) {
    const response = await visitor.fetch(`/account/frames/${n}`);
    const frame = Buffer.from(await response.arrayBuffer());
    if (!response.ok) throw new UserError(`Frame ${n}: ${response.status} ${frame}`);
    frames.set(createHash("sha256").update(frame).digest("hex"), [icon, n]);
  }
}

/**
 * Collects what the servers receive for pictures and tokens: they keep only the last requests.
 *
 * @param {import("./lib/service.js").Service} service
 */
function follow({ simulator }) {
  /** @type {Map<number, Received>} */
  const kept = new Map();
  let last = 0;
  const read = async () => {
    const received = await simulator.received("mastodon");
    if (received.length > 0 && received[0].number > last + 1)
      throw new UserError("The servers have forgotten requests: keep more of them.");
    last = received.at(-1)?.number ?? last;
    for (const one of received) {
      if (one.picture !== null || one.endpoint === "oauth/token") kept.set(one.number, one);
    }
  };
  const stop = new AbortController();
  const reading = (async () => {
    while (!stop.signal.aborted) {
      await read();
      await sleep(1000, undefined, { signal: stop.signal }).catch(() => {});
    }
  })();
  // Whoever asks for the end hears of an error.
  reading.catch(() => {});
  return {
    end: async () => {
      stop.abort();
      await reading;
      await read();
      return [...kept.values()].sort((a, b) => a.number - b.number);
    },
  };
}

/** @param {Person[]} people */
async function readJournals(people) {
  const rest = people.filter(({ deletedAt }) => deletedAt === undefined);
  await inGroups(rest, 2, async (person) => {
    const response = await person.visitor.fetch("/account/export");
    if (!response.ok) throw new UserError(`${person.person}'s data: ${await response.text()}`);
    /** @type {any} */
    const { account } = await response.json();
    person.account = account.account;
    person.journal = account.journal;
  });
}

/** @param {ReturnType<typeof compare>} compared */
function report(compared) {
  const { frames, made, expected, excused, late, again, unrecorded } = compared;
  const { signedOut, differences } = compared;
  for (const line of differences) console.log(`✗ ${line}`);
  console.log(`
${accounts} accounts, ${slots} slots of ${slotS} s: ${frames} frames accepted.
workerd killed ${happened.kills.length} times, two of them for another key and one to end; ${happened.lost} alarms lost, ${happened.repeated} repeated;
tokens expired twice on ${kinds.filter((kind) => kind === "pleroma").length} servers; ${happened.uploads} other pictures, ${happened.deleted} accounts deleted.
${made} of ${expected} turns were made; of the others, ${excused} fell to a kill or a lost alarm, ${late} did not.
Accepted twice because of a kill: ${again}. Accepted just before a kill and not recorded: ${unrecorded}.
Signed out by a kill, between their server's new tokens and the disk: ${signedOut}.
Differences that no kill explains: ${differences.length}. Load of the machine: ${os.loadavg()[0].toFixed(1)} on ${os.cpus().length} cores.`);
  if (differences.length > 0) process.exitCode = 1;
}
