/** The owner's tools on the page at /: turns by hand, and the journal. Loaded at sign-in. */
import { byId, face, refresh } from "./face.js";
import { openIcon, say } from "./icon.js";
import { ask, signedOut, there, token } from "./page.js";

/** Shows the tools. Returns a function that removes them. */
export function openTools() {
  byId("owner").after(byId("tools-template").content.cloneNode(true));
  const tools = /** @type {HTMLElement} */ (byId("tools"));
  /** @param {HTMLButtonElement} button @param {Action} action */
  const press = (button, action) => button.addEventListener("click", () => run(action));
  /** @param {HTMLFormElement} form @param {Action} action */
  const submit = (form, action) =>
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      run(action);
    });
  submit(byId("turn"), () => turn({ force: `${byId("force").checked}` }));
  submit(byId("send-frame"), () =>
    turn({ frame: `${Number(byId("frame").value)}`, force: `${byId("force-frame").checked}` }),
  );
  submit(byId("rehearse"), () => turn({ dry_run: "true" }));
  press(byId("older"), () => showJournal(byId("older").value));
  byId("frame").addEventListener("input", chooseFrame);
  /** @type {NodeListOf<HTMLButtonElement>} */
  const removers = tools.querySelectorAll(".remove");
  for (const button of removers) press(button, () => removeFrames(button.value));
  byId("journal").addEventListener(
    "toggle",
    () => byId("journal").open && run(() => showJournal()),
  );
  press(byId("open-account"), openAccount);
  byId("forget").addEventListener("click", () => {
    signedOut();
    byId("owner").open = true;
    byId("token").focus();
  });
  tools.addEventListener("refreshed", (event) => {
    const { detail: page } = /** @type {CustomEvent<Document>} */ (event);
    /** @type {HTMLTemplateElement | null} */
    const template = page.querySelector("#tools-template");
    const fresh = template?.content.getElementById("becoming");
    if (fresh) byId("becoming").replaceWith(fresh);
    chooseFrame();
  });
  chooseFrame();
  const closeIcon = openIcon({ run, usePicture });
  return () => {
    closeIcon();
    tools.remove();
  };
}

let busy = false;

/** Does one thing at a time and tells how it went. @param {Action} action */
async function run(action) {
  if (busy) return;
  busy = true;
  byId("tools")?.setAttribute("aria-busy", "true");
  try {
    const message = await action();
    if (typeof message === "string") say(message, "good");
  } catch (error) {
    const { message, status } = /** @type {import("./page.js").Failure} */ (error);
    if (status === 401) {
      signedOut(message);
      byId("owner").open = true;
      byId("token").focus();
    } else say(message, "bad");
  } finally {
    busy = false;
    byId("tools")?.setAttribute("aria-busy", "false");
  }
}

/** Names a frame in a sentence. @param {number} frame */
const named = (frame) => (frame === 0 ? "frame 0 (upright)" : `frame ${frame}`);

/**
 * Opens the account's own page. It has forms and leads to other servers and back, so it needs a
 * cookie, which the token is exchanged for.
 */
async function openAccount() {
  say("One moment …");
  await ask("POST", "/session");
  location.assign("/account");
}

/** Turns, and returns how it went. @param {Record<string, string>} query */
async function turn(query) {
  say("One moment …");
  try {
    const answer = await ask("POST", `/turn?${new URLSearchParams(query)}`);
    // Of the one network, or of each of several. None has failed: that would have thrown.
    /** @type {TurnAnswer[]} */
    const turns = answer.turns ?? [answer];
    const [{ frame }] = turns;
    const previews = turns.flatMap(({ would_send: send, account }) => {
      if (!send) return [];
      const whose = account ? ` for the account ${account}` : "";
      return [`(${send.frame_bytes.toLocaleString("en")} bytes)${whose} to ${send.url}`];
    });
    const unchecked = turns.map(({ unchecked: why }) =>
      why ? ` The sign-in was not checked: ${why}` : "",
    );
    if (previews.length > 0)
      return `Dry run: it would send ${named(frame)} ${previews.join(" and ")}. No picture was sent.${unchecked.join("")}`;
    return turns.some(({ outcome }) => outcome === "turned")
      ? `Turned to ${named(frame)}.`
      : `Nothing to do: ${named(frame)} is up.`;
  } finally {
    await seeWhatChanged();
  }
}

/** Fetches the face, and the journal if it is open. Whether that works matters to no action. */
async function seeWhatChanged(anew = false) {
  if (!token) return;
  /** @type {Promise<unknown>[]} */
  const seen = [refresh(anew)];
  if (byId("journal").open) seen.push(showJournal());
  await Promise.allSettled(seen);
}

/** Shows the frame whose number is in the field, if the set has it. */
function chooseFrame() {
  const [field, picture] = [byId("frame"), byId("frame-picture")];
  const { frames } = face().dataset;
  field.max = `${frames ? Number(frames) - 1 : 0}`;
  picture.hidden = !frames || field.value === "" || !field.validity.valid;
  if (!picture.hidden) picture.src = `/frames/${Number(field.value)}`;
}

/**
 * Replaces the icon. @param {Blob} file
 * @param {Record<string, string>} choices how the Worker reads the file
 */
async function usePicture(file, choices) {
  say("One moment …");
  const query = String(new URLSearchParams(choices));
  const { changed } = await ask("PUT", `/icon${query && `?${query}`}`, file);
  await seeWhatChanged(true);
  return changed === false
    ? "This is the icon that was there before."
    : "The new icon is in place. The next turn shows it, or press “Turn now”. It may take a minute to be seen everywhere.";
}

/** Removes the frames kept on a network. @param {string} network */
async function removeFrames(network) {
  say("One moment …");
  await ask("DELETE", `/networks/${network}/frames`);
  return "Removed. The picture that is up stays; the next turn keeps frames again.";
}

// --- The journal ---

/** Shows the newest entries, or adds those before one. @param {string} [before] */
async function showJournal(before) {
  /** @type {{ entries: JournalEntry[], next?: string | null }} */
  const { entries, next } = await ask(
    "GET",
    `/journal?limit=20${before ? `&before=${encodeURIComponent(before)}` : ""}`,
  );
  const list = /** @type {HTMLElement} */ (byId("journal").querySelector("ol"));
  const areSeveral = entries.some(({ network }) => network !== entries[0].network);
  const items = entries.map((entry) => journalItem(entry, areSeveral));
  if (before) list.append(...items);
  else list.replaceChildren(...items);
  // The keyboard goes on at the first of the older entries.
  if (before && items[0]) {
    items[0].tabIndex = -1;
    items[0].focus();
  }
  byId("journal-note").textContent = list.childElementCount ? "" : "No turn yet.";
  byId("older").hidden = next === null || next === undefined;
  byId("older").value = next ?? "";
}

/** @type {Record<string, string>} */
const TRIGGERS = { cron: "by the schedule", retry: "tried again", manual: "by hand" };
/** @type {Record<string, string>} */
const MOODS = {
  turned: "good",
  unchanged: "calm",
  "dry-run": "calm",
  retry: "wait",
  unread: "wait",
};

/** @param {JournalEntry} entry @param {boolean} isOneOfSeveral whether to name its network */
function journalItem(entry, isOneOfSeveral) {
  /** @param {string} name @param {string} text */
  const element = (name, text) =>
    Object.assign(document.createElement(name), { textContent: text });
  const item = document.createElement("li");
  item.className = MOODS[entry.outcome] ?? "bad";
  const at = entry.sent_at ?? entry.scheduled_at;
  const time = at
    ? Object.assign(element("time", there(at)), { dateTime: at })
    : element("span", "?");
  const frame = entry.frame == null ? "" : `, frame ${entry.frame} of ${entry.frames}`;
  const network =
    isOneOfSeveral && entry.network
      ? `${entry.network[0].toUpperCase()}${entry.network.slice(1)}: `
      : "";
  item.append(time, element("span", `${network}${entry.outcome}${frame}`));
  const { trigger = "" } = entry;
  const facts = [TRIGGERS[trigger] ?? trigger];
  if (entry.duration_ms != null) facts.push(`${entry.duration_ms} ms`);
  if (entry.attempts && entry.attempts > 1) facts.push(`${entry.attempts} tries`);
  if (entry.network_status != null) facts.push(`answered with status ${entry.network_status}`);
  if (entry.retry_at) facts.push(`next try at ${there(entry.retry_at)}`);
  item.append(element("small", facts.join(", ")));
  if (entry.message) item.append(element("small", entry.message));
  if (entry.remedy) item.append(element("small", `What to do: ${entry.remedy}`));
  return item;
}
