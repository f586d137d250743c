/**
 * What moves on the page at /: the time, the countdown, and the owner's tools.
 *
 * The owner's token stays in this browser's localStorage and goes along, in the
 * Authorization header, with what the owner does here and nothing else. There
 * is no cookie: a browser would send that with another site's requests too.
 *
 * Whatever comes from the Worker is put in as text, never as HTML; the face,
 * which the Worker has escaped, is replaced as a whole.
 */

const byId = (id) => document.getElementById(id);
const face = () => byId("face");

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
  const [d, h, m, s] = [seconds / 86400, (seconds / 3600) % 24, (seconds / 60) % 60, seconds % 60].map(Math.floor);
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
async function refresh(anew = false) {
  const response = await fetch("/", { cache: "no-store" });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById("face");
  if (anew) await Promise.all([...fresh.querySelectorAll("[href],[src]")].map(bring));
  face().replaceWith(fresh);
  readClock();
  tick();
  if (byId("frame")) chooseFrame();
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

let token = null;

/** A token as a header can hold it; the Worker takes off the rest. */
const carried = (pasted) => pasted.replace(/[«»‹›‘-‟]/g, '"').replace(/[\p{Cc}\p{Cf}\p{DI}\ufffc]/gu, "").trim();

/** Sends a request as the owner; throws what the Worker says if it is not done. */
async function ask(method, where, body, bearer = token) {
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
  throw failed(answer.retry_at ? `${what} The next try is at ${there(answer.retry_at)}.` : what, response.status);
}

/** Shows the form for the token, with what was wrong about the last one. */
function signedOut(message = "") {
  token = null;
  kept.set(null);
  byId("tools")?.remove();
  dropPreview();
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
  signedIn(given);
  byId("tools-title").focus();
}

/** Shows the tools. */
function signedIn(given) {
  token = given;
  byId("owner").hidden = true;
  byId("owner").open = false;
  byId("token-error").textContent = "";
  byId("token").setAttribute("aria-invalid", "false");
  byId("owner").after(byId("tools-template").content.cloneNode(true));
  const press = (id, action) => byId(id).addEventListener("click", () => run(action));
  press("turn-now", () => turn({}));
  press("dry-run", () => turn({ dry_run: true }));
  press("put-up", putUp);
  press("older", () => showJournal(byId("older").value));
  byId("send-frame").addEventListener("submit", (event) => {
    event.preventDefault();
    run(() => turn({ frame: Number(byId("frame").value) }));
  });
  byId("frame").addEventListener("input", chooseFrame);
  byId("file").addEventListener("change", preview);
  byId("discard").addEventListener("click", () => {
    dropPreview();
    byId("file").focus();
  });
  for (const { id, value } of byId("tools").querySelectorAll(".remove")) press(id, () => removeFrames(value));
  byId("journal").addEventListener("toggle", () => byId("journal").open && run(() => showJournal()));
  byId("forget").addEventListener("click", () => {
    signedOut();
    byId("owner").open = true;
    byId("token").focus();
  });
  chooseFrame();
}

// --- The tools ---

function say(message, mood = "") {
  const result = byId("result");
  if (!result) return;
  result.textContent = message;
  result.className = mood;
}

let busy = false;

/** Does one thing at a time and says how it went. */
async function run(action) {
  if (busy) return;
  busy = true;
  byId("tools").setAttribute("aria-busy", "true");
  try {
    const message = await action();
    if (message !== undefined) say(message, "good");
  } catch (error) {
    if (error.status === 401) {
      signedOut(error.message);
      byId("owner").open = true;
      byId("token").focus();
    } else say(error.message, "bad");
  } finally {
    busy = false;
    byId("tools")?.setAttribute("aria-busy", "false");
  }
}

/** A frame's number in a sentence. */
const named = (frame) => (frame === 0 ? "frame 0 (upright)" : `frame ${frame}`);

/** Turns, and says what came of it. */
async function turn(order) {
  say("One moment …");
  if (byId("force").checked) order.force = true;
  try {
    const answer = await ask("POST", `/turn?${new URLSearchParams(order)}`);
    // Of one network, or of each of several; that none refused is known here.
    const { turns = [answer] } = answer;
    const [{ frame }] = turns;
    const previews = turns.flatMap(({ would_send: send, account }) => (send ? [`(${send.frame_bytes.toLocaleString("en")} bytes)${account ? ` for the account ${account}` : ""} to ${send.url}`] : []));
    const unchecked = turns.map(({ unchecked: why }) => (why ? ` The sign-in was not checked: ${why}` : ""));
    if (previews.length > 0) return `Dry run: it would send ${named(frame)} ${previews.join(" and ")}. No picture was sent.${unchecked.join("")}`;
    return turns.some(({ outcome }) => outcome === "turned") ? `Turned to ${named(frame)}.` : `Nothing to do: ${named(frame)} is up.`;
  } finally {
    await seeWhatChanged();
  }
}

/** The face and, if it is open, the journal; what was done counts without them. */
async function seeWhatChanged(anew = false) {
  if (!token) return;
  const seen = [refresh(anew)];
  if (byId("journal").open) seen.push(showJournal());
  await Promise.allSettled(seen);
}

/** Shows the frame whose number is there, if the set has it. */
function chooseFrame() {
  const [field, picture] = [byId("frame"), byId("frame-picture")];
  const { frames } = face().dataset;
  field.max = frames ? frames - 1 : 0;
  picture.hidden = !frames || field.value === "" || !field.validity.valid;
  if (!picture.hidden) picture.src = `/frames/${Number(field.value)}`;
}

let chosen = null;

/** Shows a chosen file as it will look. */
function preview() {
  const field = byId("file");
  const [file] = field.files;
  dropPreview(false);
  if (!file) return;
  if (file.size > field.dataset.most) {
    field.value = "";
    return say(`That file is too large: at most ${field.dataset.most / 1e6} MB can be sent.`, "bad");
  }
  chosen = { file, url: URL.createObjectURL(file) };
  const pictures = byId("preview").querySelectorAll("img");
  pictures[0].onload = () => {
    byId("preview").hidden = false;
    say("");
  };
  pictures[0].onerror = () => {
    dropPreview();
    say("That file is not a picture that can be shown. Choose a JPEG, PNG, GIF or WebP file.", "bad");
  };
  for (const picture of pictures) picture.src = chosen.url;
}

function dropPreview(emptied = true) {
  if (chosen) URL.revokeObjectURL(chosen.url);
  chosen = null;
  const [box, field] = [byId("preview"), byId("file")];
  if (!box) return;
  box.hidden = true;
  for (const picture of box.querySelectorAll("img")) {
    picture.onload = picture.onerror = null;
    picture.removeAttribute("src");
  }
  if (emptied) field.value = "";
}

async function putUp() {
  if (!chosen) return;
  say("One moment …");
  const { changed } = await ask("PUT", "/icon", chosen.file);
  dropPreview();
  byId("file").focus();
  await seeWhatChanged(true);
  return changed === false
    ? "This is the icon that was there before."
    : "The new icon is in place. The next turn shows it, or press “Turn now”. It may take a minute to be seen everywhere.";
}

/** Removes what is kept on a network. */
async function removeFrames(network) {
  say("One moment …");
  await ask("DELETE", `/networks/${network}/frames`);
  return "Removed. The picture that is up stays; the next turn keeps frames again.";
}

// --- The journal ---

/** Shows the newest entries, or those before one, after what is there. */
async function showJournal(before) {
  const { entries, next } = await ask("GET", `/journal?limit=20${before ? `&before=${encodeURIComponent(before)}` : ""}`);
  const list = byId("journal").querySelector("ol");
  const areSeveral = entries.some(({ network }) => network !== entries[0].network);
  const items = entries.map((entry) => journalItem(entry, areSeveral));
  if (before) list.append(...items);
  else list.replaceChildren(...items);
  // Who reads on with the keyboard stands at the first of what came.
  if (before && items[0]) {
    items[0].tabIndex = -1;
    items[0].focus();
  }
  byId("journal-note").textContent = list.childElementCount ? "" : "No turn yet.";
  byId("older").hidden = next === null || next === undefined;
  byId("older").value = next ?? "";
}

const TRIGGERS = { cron: "by the schedule", retry: "tried again", manual: "by hand" };
const MOODS = { turned: "good", unchanged: "calm", "dry-run": "calm", retry: "wait", unread: "wait" };

/** An entry in the list, with its network's name if there are several. */
function journalItem(entry, isOneOfSeveral) {
  const element = (name, text) => Object.assign(document.createElement(name), { textContent: text });
  const item = document.createElement("li");
  item.className = MOODS[entry.outcome] ?? "bad";
  const at = entry.sent_at ?? entry.scheduled_at;
  // What another version has written may lack anything.
  const time = at ? Object.assign(element("time", there(at)), { dateTime: at }) : element("span", "?");
  const frame = entry.frame == null ? "" : `, frame ${entry.frame} of ${entry.frames}`;
  const network = isOneOfSeveral && entry.network ? `${entry.network[0].toUpperCase()}${entry.network.slice(1)}: ` : "";
  item.append(time, element("span", `${network}${entry.outcome}${frame}`));
  const facts = [TRIGGERS[entry.trigger] ?? entry.trigger ?? ""];
  if (entry.duration_ms != null) facts.push(`${entry.duration_ms} ms`);
  if (entry.attempts > 1) facts.push(`${entry.attempts} tries`);
  if (entry.network_status != null) facts.push(`answered with status ${entry.network_status}`);
  if (entry.retry_at) facts.push(`next try at ${there(entry.retry_at)}`);
  item.append(element("small", facts.join(", ")));
  if (entry.message) item.append(element("small", entry.message));
  if (entry.remedy) item.append(element("small", `What to do: ${entry.remedy}`));
  return item;
}

/** An instant on the wall clock there. */
function there(instant) {
  const form = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
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
