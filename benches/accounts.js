/**
 * Many accounts of visitors in one local workerd, whose slots begin in the same moment: whether all
 * turn, none twice, what a turn costs, and how late the last one is. Linux only, because it reads
 * CPU time and memory from /proc.
 *
 *   npm run bench:accounts [-- --accounts 500 --slots 3 --slot 60 --failing 0]
 *
 * With `--failing 3`, three of the ten servers answer 503 throughout. Everybody signs in as a person
 * would, so the start takes some minutes.
 */
import os from "node:os";
import { parseArgs } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { buildAll } from "../scripts/build.js";
import { main, say } from "../scripts/lib/run.js";
import { inGroups, signUp, startService } from "./lib/service.js";
import { quantile, sort } from "./lib/workerd.js";

const { values } = parseArgs({
  options: {
    accounts: { type: "string", default: "500" },
    slots: { type: "string", default: "3" },
    slot: { type: "string", default: "60" },
    failing: { type: "string", default: "0" },
  },
});
const [accounts, slots, slotS, failing] = [
  values.accounts,
  values.slots,
  values.slot,
  values.failing,
].map(Number);

/** The frames of each set; the period is as many slots. */
const FRAMES = 12;

const servers = Array.from({ length: 10 }, (_, n) => `server-${n}.example`);

/** @param {number} ms */
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

await main(async () => {
  await buildAll();
  const service = await startService({
    servers: servers.map((server) => `${server}=mastodon-4.3`),
    keep: accounts * (slots + 10) * 10,
  });
  try {
    say(`Signing ${accounts} people in …`);
    const began = Date.now();
    const people = Array.from({ length: accounts }, (_, n) => n);
    await inGroups(people, 4, (n) =>
      signUp(service, {
        server: servers[n % servers.length],
        person: `person-${n}`,
        frames: FRAMES,
        slotS,
      }),
    );
    say(`… in ${seconds(Date.now() - began)}. Waiting for ${slots} slots of ${slotS} s …`);
    for (const server of servers.slice(0, failing)) {
      await service.simulator.fail("remote-failure", 1e6, { network: "mastodon", server });
    }
    const slotMs = slotS * 1000;
    const first = Math.ceil(Date.now() / slotMs) * slotMs;
    await sleep(first - Date.now());
    const running = service.running();
    const before = running.cpuMs();
    await sleep(slots * slotMs - 200);
    const cpu = running.cpuMs() - before;
    report(await service.simulator.received("mastodon"), { first, slotMs, cpu });
    console.log(
      `Memory: ${running.residentMB()} MB now, ${running.peakMB()} MB at most. ` +
        `Load of the machine: ${os.loadavg()[0].toFixed(1)} on ${os.cpus().length} cores.`,
    );
  } finally {
    await service.stop();
  }
});

/**
 * Prints whether each account turned once in each slot, and how late.
 *
 * @param {import("../tests/worker/harness/simulator.js").Received[]} received
 * @param {{ first: number, slotMs: number, cpu: number }} measured
 */
function report(received, { first, slotMs, cpu }) {
  /** @type {Map<string, number>} */
  const turns = new Map();
  const late = [];
  let failed = 0;
  for (const one of received) {
    const slot = Math.floor((Date.parse(one.received_at) - first) / slotMs);
    if (one.picture === null || slot < 0) continue;
    if (!one.took_effect) {
      failed += 1;
      continue;
    }
    const key = `${one.server} ${one.account} ${slot}`;
    turns.set(key, (turns.get(key) ?? 0) + 1);
    late.push(Date.parse(one.received_at) - first - slot * slotMs);
  }
  const twice = [...turns.values()].filter((count) => count > 1).length;
  const sorted = sort(late);
  const failingAccounts = Array.from({ length: accounts }, (_, n) => n % servers.length < failing);
  const expected = failingAccounts.filter((fails) => !fails).length * slots;
  console.log(`
${turns.size} of ${expected} turns were made, ${twice} of them twice; ${failed} attempts failed.
Late by ${seconds(quantile(sorted, 0.5))} in the median, ${seconds(quantile(sorted, 1))} at most.
CPU: ${(cpu / Math.max(turns.size + failed, 1)).toFixed(1)} ms an attempt.`);
}
