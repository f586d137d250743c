/**
 * The page at /: the owner's sign-in. The owner's tools are in other modules, which visitors do not
 * load.
 *
 * The owner's token stays in this browser's localStorage. It is sent in the Authorization header,
 * and only with what the owner does here. A cookie would go along with other sites' requests too.
 *
 * What the Worker answers is inserted as text, never as HTML.
 */

import { byId, face, startClock } from "./face.js";

// --- The token ---

const KEY = "rotate-icon-token";

// Without localStorage, the token lasts until the page is closed.
const kept = {
  get: () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  },
  set: (/** @type {string | null} */ token) => {
    try {
      if (token === null) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, token);
    } catch {
      // Nothing is stored.
    }
  },
};

/** @type {string | null} */
export let token = null;

/** Makes a pasted token fit for a header; the Worker removes the rest. @param {string} pasted */
const carried = (pasted) =>
  pasted
    .replace(/[«»‹›‘-‟]/g, '"')
    .replace(/[\p{Cc}\p{Cf}\p{DI}\ufffc]/gu, "")
    .trim();

/** A request of the owner's that failed. */
export class Failure extends Error {
  /** @param {string} message @param {number} [status] */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * Sends a request as the owner. Returns the JSON of the answer; throws what the Worker says if it
 * fails.
 *
 * @param {string} method @param {string} where @param {BodyInit} [body]
 */
export async function ask(method, where, body, bearer = token) {
  let headers;
  try {
    headers = new Headers({ authorization: `Bearer ${bearer}` });
  } catch {
    // No header can hold it.
    throw new Failure("That is not the trigger token.", 401);
  }
  let response;
  try {
    response = await fetch(where, { method, body, headers, cache: "no-store" });
  } catch {
    throw new Failure("The Worker did not answer. Check the connection and try again.");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const what = answer.detail ?? `The Worker answered with status ${response.status}.`;
  throw new Failure(
    answer.retry_at ? `${what} The next try is at ${there(answer.retry_at)}.` : what,
    response.status,
  );
}

/** Shows the form for the token, and why the last one was refused. */
export function signedOut(message = "") {
  token = null;
  kept.set(null);
  closeTools();
  byId("owner").hidden = false;
  byId("token-error").textContent = message;
  byId("token").setAttribute("aria-invalid", String(message !== ""));
}

/** @param {Event} event */
async function signIn(event) {
  event.preventDefault();
  const field = byId("token");
  const given = carried(field.value);
  try {
    // Only the Worker can tell whether the token is right.
    await ask("GET", "/journal?limit=1", undefined, given);
  } catch (error) {
    signedOut(String(/** @type {Failure} */ (error).message));
    field.focus();
    return;
  }
  field.value = "";
  kept.set(given);
  await signedIn(given);
  byId("tools-title")?.focus();
}

/** Removes the tools. */
let closeTools = () => {};

/** Shows the tools. @param {string} given the token */
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
  // The owner may have signed out while they loaded.
  if (token !== given) return;
  byId("owner").hidden = true;
  byId("owner").open = false;
  closeTools = owner.openTools();
}

/** A time on the clock of the schedule's zone. @param {string} instant */
export function there(instant) {
  /** @type {Intl.DateTimeFormatOptions} */
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

startClock();
byId("sign-in").addEventListener("submit", signIn);
const before = kept.get();
if (before) signedIn(before);
else byId("owner").hidden = false;
