/**
 * The page of an account: its clock, the time zones that the browser knows, and the picture, which is
 * cropped and sent by the script. All else are forms, which need none.
 *
 * What the Worker answers is inserted as text, never as HTML.
 */
import { byId, face, refresh, startClock } from "./face.js";
import { openIcon, say } from "./icon.js";

let busy = false;

/** Does one thing at a time and tells how it went. @param {Action} action */
async function run(action) {
  if (busy) return;
  busy = true;
  try {
    const message = await action();
    if (typeof message === "string") say(message, "good");
  } catch (error) {
    say(/** @type {Error} */ (error).message, "bad");
  } finally {
    busy = false;
  }
}

// --- The schedule ---

/** Lists the zones that the browser knows. */
function offerZones() {
  const names = Intl.supportedValuesOf?.("timeZone") ?? [];
  byId("zones-hint").hidden = names.length === 0;
  byId("zones").append(...names.map((value) => Object.assign(new Option(), { value })));
}

/** Shows the browser's zone and time, where nobody has chosen a zone. */
function takeZone() {
  const field = byId("time-zone");
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  if (field.dataset.fromBrowser === undefined || !timeZone) return;
  // Once: what has been typed since then stays.
  if (field.value === field.defaultValue) field.value = timeZone;
  const now = new Date(face().dataset.now ?? "");
  const wall = now.getTime() - now.getTimezoneOffset() * 60_000;
  face().dataset.wall = new Date(wall).toISOString();
  face().dataset.zone = timeZone;
  const day = now.toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short" });
  byId("there").textContent = `${day.replace(",", "")} · ${timeZone}`;
}

/** Shows the field for another period where it is asked for. */
function showOther() {
  byId("other-period").hidden = byId("period").value !== "other";
  byId("other").required = !byId("other-period").hidden;
}

// --- The picture ---

/** Lets the preview turn as it is chosen to. */
function becomes() {
  const frames = byId("frames");
  const { shape } = Object.fromEntries(new FormData(byId("look")));
  const { dataset } = byId("becoming");
  if (frames.validity.valid) dataset.frames = frames.value;
  dataset.shape = shape === "circle" ? "round" : "square";
  dataset.direction = byId("direction").value;
}

/**
 * Sends a picture with its look. @param {Blob} file
 * @param {Record<string, string>} choices how the Worker reads the file
 */
async function usePicture(file, choices) {
  const look = byId("look");
  if (!look.reportValidity()) throw new Error("Correct what is marked under “Frames and look”.");
  say("One moment …");
  const query = new URLSearchParams(choices);
  for (const [name, value] of new FormData(look)) query.set(name, String(value));
  /** @type {HTMLInputElement | null} */
  const csrf = document.querySelector("input[name=csrf]");
  let response;
  try {
    response = await fetch(`/account/icon?${query}`, {
      method: "PUT",
      body: file,
      headers: { "x-csrf-token": csrf?.value ?? "" },
    });
  } catch {
    throw new Error("The service did not answer. Check the connection and try again.");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok)
    throw new Error(answer.detail ?? `The service answered with status ${response.status}.`);
  await refresh(true).catch(() => {});
  takeZone();
  return byId("steps")
    ? "Your picture is in place. Choose how it turns, then press Start."
    : "The new picture is in place. The next turn shows it, or press “Turn now”.";
}

// --- The start ---

offerZones();
takeZone();
startClock();
showOther();
becomes();
byId("period").addEventListener("change", showOther);
byId("look").addEventListener("input", becomes);
byId("look").addEventListener("submit", (event) => {
  event.preventDefault();
  event.stopPropagation();
});
byId("direction").addEventListener("change", becomes);
openIcon({ run, usePicture });
// A start fetches and sends pictures, which takes a while.
document.addEventListener("submit", () => say("One moment …"));
addEventListener("pageshow", ({ persisted }) => persisted && say(""));
