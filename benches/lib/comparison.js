/** Compares accounts' journals with what their servers have received. */

/**
 * @typedef {object} Person
 * @property {string} server
 * @property {string} person
 * @property {import("../../tests/worker/harness/visitor.js").Visitor} visitor
 * @property {string} icon which they have sent last
 * @property {number} [deletedAt] when their account was gone, in ms
 * @property {string} [account] their account's id
 * @property {any[]} [journal] its entries
 */

/**
 * @typedef {object} Kill
 * @property {number} at when workerd was killed, in ms
 * @property {number} up when it ran again
 * @property {Set<string>} lost the accounts whose alarm was lost meanwhile
 * @property {number} checked when alarms had been checked
 */

/** @typedef {import("../../tests/worker/harness/simulator.js").Received} Received */

/**
 * @typedef {object} Measured
 * @property {Person[]} people
 * @property {Received[]} received the requests with a picture and those for a token, oldest first
 * @property {Map<string, [string, number]>} frames the icon and the number of each frame, by digest
 * @property {Kill[]} kills
 * @property {number} first when the first slot started, in ms
 * @property {number} end when the last one ended
 * @property {number} slots those of a day, as many as there are frames
 * @property {number} slotMs
 */

/**
 * How long it may take, at most, until what a server has answered is stored. Then all accounts turn
 * at once on a busy machine.
 */
const IN_FLIGHT_MS = 10_000;

/** Pixelfed answers 200 to a form that it does not read. @param {Received} one */
const isTaken = (one) => one.took_effect && !one.explanation.includes("changed nothing");

/**
 * Compares each journal with what was received. Returns counts, and each difference that no kill
 * explains in a line.
 *
 * @param {Measured} measured
 */
export function compare(measured) {
  const counts = {
    frames: 0,
    made: 0,
    expected: 0,
    excused: 0,
    late: 0,
    again: 0,
    unrecorded: 0,
    signedOut: 0,
  };
  /** @type {string[]} */
  const differences = [];
  /** @type {Map<string, Received[]>} */
  const byPerson = Map.groupBy(
    measured.received.filter(isTaken),
    (one) => `${one.server} ${one.account}`,
  );
  /** By how many a frame's number is ahead of its slot's. @type {Set<number>} */
  const offsets = new Set();
  for (const person of measured.people) {
    const name = `${person.server} ${person.person}`;
    const taken = byPerson.get(name) ?? [];
    const accepted = taken.filter(({ picture }) => picture !== null);
    counts.frames += accepted.length;
    const found =
      person.deletedAt === undefined
        ? comparePerson(person, taken, measured, counts, offsets)
        : afterDeletion(person.deletedAt, measured.received, person);
    differences.push(...found.map((line) => `${name}: ${line}`));
  }
  if (offsets.size !== 1)
    differences.push(`frames that were not due: ahead of their slots by ${[...offsets]}`);
  return { ...counts, differences };
}

/**
 * What a person's server received after the account was deleted.
 *
 * @param {number} deletedAt
 * @param {Received[]} received
 * @param {Person} person
 */
const afterDeletion = (deletedAt, received, { server, person }) =>
  received
    .filter((one) => one.server === server && one.account === person)
    .filter((one) => Date.parse(one.received_at) > deletedAt)
    .map((one) => `received at ${one.received_at}, after the deletion`);

/**
 * @param {Person} person
 * @param {Received[]} taken the requests that took effect
 * @param {Measured} measured
 * @param {Record<string, number>} counts
 * @param {Set<number>} offsets
 */
function comparePerson(person, taken, measured, counts, offsets) {
  const { frames, kills, slots, slotMs } = measured;
  /** @type {string[]} */
  const differences = [];
  const accepted = taken.filter(({ picture }) => picture !== null);
  const turned = (person.journal ?? [])
    .filter((entry) => entry.outcome === "turned")
    .sort((a, b) => Date.parse(a.sent_at) - Date.parse(b.sent_at));
  for (const { frame, scheduled_at: at } of turned) {
    const ahead = (frame - Math.floor(Date.parse(at) / slotMs)) % slots;
    offsets.add((ahead + slots) % slots);
  }
  // Each request belongs to the entry that was written next.
  let next = 0;
  turned.forEach((entry, n) => {
    /** @type {Received[]} */
    const own = [];
    while (next < accepted.length && accepted[next].received_at <= isoMs(entry.sent_at))
      own.push(accepted[next++]);
    const last = own.pop();
    if (!last || frames.get(last.picture.sha256)?.[1] !== entry.frame) {
      differences.push(`entry ${n} says frame ${entry.frame} at ${entry.sent_at}: ${say(last)}`);
    }
    explain(own, last?.picture.sha256);
  });
  explain(accepted.slice(next));

  /** @param {Received[]} beside an entry's own @param {string} [digest] of the entry's own */
  function explain(beside, digest) {
    for (const one of beside) {
      if (!isBeforeKill(one)) differences.push(`has no entry: ${say(one)}`);
      else counts[one.picture.sha256 === digest ? "again" : "unrecorded"] += 1;
    }
  }

  /** @param {Received} one */
  function isBeforeKill(one) {
    const at = Date.parse(one.received_at);
    return kills.some((kill) => at >= kill.at - IN_FLIGHT_MS && at <= kill.up);
  }

  /** @param {Received | undefined} one */
  function say(one) {
    if (!one) return "its server received nothing";
    const frame = frames.get(one.picture.sha256)?.join(" icon, frame ") ?? "an unknown picture";
    return `its server received ${frame} at ${one.received_at}`;
  }

  countSlots(person, turned, measured, counts);
  // New tokens that the server gave and nobody stored: the old ones are of no use any more.
  const end = taken.at(-1);
  if (end?.endpoint === "oauth/token" && isBeforeKill(end)) {
    counts.signedOut += 1;
    return differences;
  }
  const last = accepted.at(-1);
  if (last && frames.get(last.picture.sha256)?.[0] !== person.icon)
    differences.push(`the last picture is not of the ${person.icon} icon: ${say(last)}`);
  const quiet = measured.end - 2 * slotMs;
  if (!last || Date.parse(last.received_at) < quiet) {
    const entry = JSON.stringify(person.journal?.[0]);
    differences.push(`turns no more: ${say(last)}; the last entry: ${entry}`);
  }
  return differences;
}

/**
 * Counts the slots that had their turn, and those that did not.
 *
 * @param {Person} person
 * @param {any[]} turned the entries
 * @param {Measured} measured
 * @param {Record<string, number>} counts
 */
function countSlots(person, turned, { kills, first, end, slotMs }, counts) {
  const made = new Set(
    turned.map((entry) => Math.floor((Date.parse(entry.scheduled_at) - first) / slotMs)),
  );
  for (let slot = 0; first + slot * slotMs < end; slot += 1) {
    counts.expected += 1;
    const start = first + slot * slotMs;
    const isExcused = kills.some(({ at, up, lost, checked }) => {
      const until = lost.has(person.account ?? "") ? checked : up;
      return at < start + slotMs && until + slotMs > start;
    });
    if (made.has(slot)) counts.made += 1;
    else if (isExcused) counts.excused += 1;
    else counts.late += 1;
  }
}

/** An instant as the simulator writes it: to the millisecond. @param {string} instant */
const isoMs = (instant) => new Date(instant).toISOString();
