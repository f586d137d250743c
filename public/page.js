/**
 * What moves on the page at /: the time, the countdown, and where the owner signs
 * in. The owner's tools are in modules of their own, which no visitor loads.
 *
 * The owner's token stays in this browser's localStorage and goes along, in the
 * Authorization header, with what the owner does here and nothing else. There
 * is no cookie: a browser would send that with another site's requests too.
 *
 * Whatever comes from the Worker is put in as text, never as HTML; the face,
 * which the Worker has escaped, is replaced as a whole.
 */

export const byId = (id) => document.getElementById(id);
export const face = () => byId("face");

// --- The time ---

// By the Worker's clock: this machine's may be wrong.
let ahead = 0;

function readClock() {
  ahead = Date.parse(face().dataset.now) - Date.now();
}

const now = () => Date.now() + ahead;

/** How long, in words: the two largest units that are not zero. */
function inWords(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const [d, h, m, s] = [
    seconds / 86400,
    (seconds / 3600) % 24,
    (seconds / 60) % 60,
    seconds % 60,
  ].map(Math.floor);
  if (d) return `${d} d ${h} h`;
  if (h) return `${h} h ${m} min`;
  return m ? `${m} min ${s} s` : `${s} s`;
}

/** For which time the face was fetched anew, so that it happens once. */
let asked;

function tick() {
  const { wall, now: told } = face().dataset;
  if (wall) {
    const there = new Date(Date.parse(wall) + now() - Date.parse(told)).toISOString();
    byId("clock").textContent = there.slice(11, 16);
    byId("clock").dateTime = there.slice(0, 19);
    const angle = there.slice(14, 16) * 6 + there.slice(17, 19) / 10;
    byId("minute").setAttribute("transform", `rotate(${angle} 200 200)`);
  }
  const next = byId("next");
  if (!next) return;
  const left = Date.parse(next.dateTime) - now();
  byId("left").hidden = false;
  byId("countdown").textContent = left > 0 ? `in ${inWords(left)}` : "now";
  // Some seconds later, when the turn is done.
  if (left < -5000 && asked !== next.dateTime) {
    asked = next.dateTime;
    refresh().catch(() => {});
  }
}

// --- The face, anew ---

/** Replaces what anybody may see; with `anew`, pictures too, past every cache. */
export async function refresh(anew = false) {
  const response = await fetch("/", { cache: "no-store" });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById("face");
  if (anew) await Promise.all([...fresh.querySelectorAll("[href],[src]")].map(bring));
  face().replaceWith(fresh);
  readClock();
  tick();
  byId("tools")?.dispatchEvent(new CustomEvent("refreshed", { detail: page }));
}

/** Fetches a picture past the cache. What was shown before cannot be shown by its address again. */
async function bring(picture) {
  const name = picture.hasAttribute("href") ? "href" : "src";
  const response = await fetch(picture.getAttribute(name), { cache: "reload" });
  if (response.ok) picture.setAttribute(name, URL.createObjectURL(await response.blob()));
}

// --- The token ---

const KEY = "rotate-icon-token";

// Where a browser keeps nothing, the token is there until the page is closed.
const kept = {
  get: () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  },
  set: (token) => {
    try {
      if (token === null) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, token);
    } catch {
      // Nothing is kept.
    }
  },
};

export let token = null;

/** A token as a header can hold it; the Worker takes off the rest. */
const carried = (pasted) =>
  pasted
    .replace(/[«»‹›‘-‟]/g, '"')
    .replace(/[\p{Cc}\p{Cf}\p{DI}\ufffc]/gu, "")
    .trim();

/** Sends a request as the owner; throws what the Worker says if it is not done. */
export async function ask(method, where, body, bearer = token) {
  const failed = (message, status) => Object.assign(new Error(message), { status });
  let headers;
  try {
    headers = new Headers({ authorization: `Bearer ${bearer}` });
  } catch {
    // What no header can hold is no token.
    throw failed("That is not the trigger token.", 401);
  }
  let response;
  try {
    response = await fetch(where, { method, body, headers, cache: "no-store" });
  } catch {
    throw failed("The Worker did not answer. Check the connection and try again.");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const what = answer.detail ?? `The Worker answered with status ${response.status}.`;
  throw failed(
    answer.retry_at ? `${what} The next try is at ${there(answer.retry_at)}.` : what,
    response.status,
  );
}

/** Shows the form for the token, with what was wrong about the last one. */
export function signedOut(message = "") {
  token = null;
  kept.set(null);
  closeTools();
  byId("owner").hidden = false;
  byId("token-error").textContent = message;
  byId("token").setAttribute("aria-invalid", String(message !== ""));
}

async function signIn(event) {
  event.preventDefault();
  const field = byId("token");
  const given = carried(field.value);
  try {
    // Whether the token is right, the Worker alone knows.
    await ask("GET", "/journal?limit=1", undefined, given);
  } catch (error) {
    signedOut(error.message);
    field.focus();
    return;
  }
  field.value = "";
  kept.set(given);
  await signedIn(given);
  byId("tools-title")?.focus();
}

/** Takes the tools away. */
let closeTools = () => {};

/** Shows the tools. */
async function signedIn(given) {
  token = given;
  byId("token-error").textContent = "";
  byId("token").setAttribute("aria-invalid", "false");
  let owner;
  try {
    owner = await import("./owner.js");
  } catch {
    byId("owner").hidden = false;
    byId("token-error").textContent =
      "The tools did not load. Check the connection, then reload the page.";
    return;
  }
  // Signed out while they loaded.
  if (token !== given) return;
  byId("owner").hidden = true;
  byId("owner").open = false;
  closeTools = owner.openTools();
}

/** An instant on the wall clock there. */
export function there(instant) {
  const form = {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  };
  try {
    return new Date(instant).toLocaleString("en-GB", { ...form, timeZone: face().dataset.zone });
  } catch {
    return instant;
  }
}

// --- The start ---

readClock();
tick();
setInterval(tick, 1000);
byId("sign-in").addEventListener("submit", signIn);
const before = kept.get();
if (before) signedIn(before);
else byId("owner").hidden = false;
