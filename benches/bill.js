/**
 * Reckons what a month of the service costs its operator on the paid plan, item by item, for a
 * number of accounts of which half are on Mastodon and half on Bluesky, and each turns every hour.
 *
 *   npm run bill [-- --request-ms 150 --upload-ms 500]
 *
 * What a turn needs is what `npm run bench:rows` and `npm run bench:bluesky` have counted. How long
 * a server on the internet takes for a small request, and for one with a picture, is assumed.
 */
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    "request-ms": { type: "string", default: "150" },
    "upload-ms": { type: "string", default: "500" },
  },
});
const [requestMs, uploadMs] = [values["request-ms"], values["upload-ms"]].map(Number);

/**
 * What a turn needs, by network: requests of each kind, and rows. Bluesky's own accounts are on
 * other servers than the one that renews their tokens, and each wants its nonce.
 */
const TURNS = {
  mastodon: { small: 0, uploads: 1, written: 2.02, read: 6.2 },
  bluesky: { small: 5, uploads: 0, written: 3.03, read: 6.03 },
};

/** An account turns each hour for 30 days. */
const TURNS_A_MONTH = 24 * 30;

/** The frames of a photo, its square, settings and journal, in GB. */
const STORED_GB = 1.2e-3;

/** The bytes of a line of the log, with what Cloudflare puts around it. */
const LOG_BYTES = 900;

/** The memory that an object is charged for while it is awake, in GB. */
const MEMORY_GB = 0.128;

/**
 * The prices of the paid plan in US dollars: what is included, and what a unit beyond costs.
 * <https://developers.cloudflare.com/durable-objects/platform/pricing/> and
 * <https://developers.cloudflare.com/workers/platform/pricing/>, read in November 2026. Logs are
 * those from 1 December 2026 on.
 *
 * @type {Record<string, { included: number, price: number, per: number, unit: string }>}
 */
const PRICES = {
  alarms: { included: 1e6, price: 0.15, per: 1e6, unit: "requests to objects" },
  duration: { included: 4e5, price: 12.5, per: 1e6, unit: "GB-s" },
  written: { included: 50e6, price: 1, per: 1e6, unit: "rows written" },
  read: { included: 25e9, price: 0.001, per: 1e6, unit: "rows read" },
  storage: { included: 5, price: 0.2, per: 1, unit: "GB" },
  logs: { included: 50, price: 0.25, per: 1, unit: "GB of logs" },
};

/** @param {number} accounts */
function amounts(accounts) {
  const turns = (accounts / 2) * TURNS_A_MONTH;
  const all = Object.values(TURNS);
  /** @param {(turn: typeof TURNS.mastodon) => number} of */
  const sum = (of) => all.reduce((total, turn) => total + turns * of(turn), 0);
  return {
    alarms: sum(() => 1),
    duration: sum(({ small, uploads }) => {
      const seconds = (small * requestMs + uploads * uploadMs) / 1000;
      return seconds * MEMORY_GB;
    }),
    written: sum(({ written }) => written),
    read: sum(({ read }) => read),
    storage: accounts * STORED_GB,
    logs: sum(() => LOG_BYTES / 1e9),
  };
}

/** @param {number} number */
const dollars = (number) =>
  number.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

const sizes = [10, 1_000, 100_000, 1_000_000];
const bills = sizes.map((accounts) => {
  const items = Object.entries(amounts(accounts)).map(([name, amount]) => {
    const { included, price, per } = PRICES[name];
    return [name, (Math.max(0, amount - included) * price) / per];
  });
  const total = 5 + items.reduce((sum, [, cost]) => sum + Number(cost), 0);
  return { accounts, items: Object.fromEntries(items), total };
});

/** @param {string} name @param {(bill: typeof bills[number]) => string} cell */
const row = (name, cell) => console.log(`| ${name} | ${bills.map(cell).join(" | ")} |`);

row("accounts", ({ accounts }) => accounts.toLocaleString("en"));
console.log(`|---|${"---|".repeat(sizes.length)}`);
row("plan", () => dollars(5));
for (const [name, { unit }] of Object.entries(PRICES))
  row(unit, ({ items }) => dollars(items[name]));
row("**a month, $**", ({ total }) => dollars(total));
row("turns a month, million", ({ accounts }) => dollars((accounts * TURNS_A_MONTH) / 1e6));
row("$ a million turns", ({ accounts, total }) =>
  dollars(total / ((accounts * TURNS_A_MONTH) / 1e6)),
);
