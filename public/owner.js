/**
 * The owner's tools on the page at /: turns by hand and the journal. Loaded once the
 * owner has signed in.
 */
import { openIcon } from "./icon.js";
import { ask, byId, face, refresh, signedOut, there, token } from "./page.js";

/** Shows the tools; gives what takes them away. */
export function openTools() {
  byId("owner").after(byId("tools-template").content.cloneNode(true));
  const tools = byId("tools");
  const press = (id, action) => byId(id).addEventListener("click", () => run(action));
  const submit = (id, action) =>
    byId(id).addEventListener("submit", (event) => {
      event.preventDefault();
      run(action);
    });
  submit("turn", () => turn({ force: byId("force").checked }));
  submit("send-frame", () =>
    turn({ frame: Number(byId("frame").value), force: byId("force-frame").checked }),
  );
  submit("rehearse", () => turn({ dry_run: true }));
  press("older", () => showJournal(byId("older").value));
  byId("frame").addEventListener("input", chooseFrame);
  for (const { id, value } of byId("tools").querySelectorAll(".remove"))
    press(id, () => removeFrames(value));
  byId("journal").addEventListener(
    "toggle",
    () => byId("journal").open && run(() => showJournal()),
  );
  byId("forget").addEventListener("click", () => {
    signedOut();
    byId("owner").open = true;
    byId("token").focus();
  });
  tools.addEventListener("refreshed", ({ detail: page }) => {
    byId("becoming").replaceWith(
      page.getElementById("tools-template").content.getElementById("becoming"),
    );
    chooseFrame();
  });
  chooseFrame();
  const closeIcon = openIcon({ say, run, usePicture });
  return () => {
    closeIcon();
    tools.remove();
  };
}

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
  try {
    const answer = await ask("POST", `/turn?${new URLSearchParams(order)}`);
    // Of one network, or of each of several; that none refused is known here.
    const { turns = [answer] } = answer;
    const [{ frame }] = turns;
    const previews = turns.flatMap(({ would_send: send, account }) =>
      send
        ? [
            `(${send.frame_bytes.toLocaleString("en")} bytes)${account ? ` for the account ${account}` : ""} to ${send.url}`,
          ]
        : [],
    );
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

/** Puts a picture in place of the icon: a file, and how it is to be read. */
async function usePicture(file, choices) {
  say("One moment …");
  const query = String(new URLSearchParams(choices));
  const { changed } = await ask("PUT", `/icon${query && `?${query}`}`, file);
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
  const { entries, next } = await ask(
    "GET",
    `/journal?limit=20${before ? `&before=${encodeURIComponent(before)}` : ""}`,
  );
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
const MOODS = {
  turned: "good",
  unchanged: "calm",
  "dry-run": "calm",
  retry: "wait",
  unread: "wait",
};

/** An entry in the list, with its network's name if there are several. */
function journalItem(entry, isOneOfSeveral) {
  const element = (name, text) =>
    Object.assign(document.createElement(name), { textContent: text });
  const item = document.createElement("li");
  item.className = MOODS[entry.outcome] ?? "bad";
  const at = entry.sent_at ?? entry.scheduled_at;
  // What another version has written may lack anything.
  const time = at
    ? Object.assign(element("time", there(at)), { dateTime: at })
    : element("span", "?");
  const frame = entry.frame == null ? "" : `, frame ${entry.frame} of ${entry.frames}`;
  const network =
    isOneOfSeveral && entry.network
      ? `${entry.network[0].toUpperCase()}${entry.network.slice(1)}: `
      : "";
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
