/**
 * The face of a page: the clock, the minute hand, the countdown to the next turn, and the pictures.
 * It is fetched again once the next turn is due. The Worker writes the times into its attributes.
 *
 * The face is the only HTML that is inserted. The Worker has escaped it.
 */

/** @template {keyof PageElements} Id @param {Id} id @returns {PageElements[Id]} */
export const byId = (id) => /** @type {any} */ (document.getElementById(id));
export const face = () => byId("face");

// --- The time ---

/** How far the Worker's clock is ahead of this machine's, which may be wrong, in ms. */
let ahead = 0;

function readClock() {
  ahead = Date.parse(face().dataset.now ?? "") - Date.now();
}

const now = () => Date.now() + ahead;

/** A duration in its two largest units. @param {number} ms */
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

/** The time for which the face was last fetched, so that it is fetched once. @type {string} */
let asked;

function tick() {
  const { wall, now: told = "" } = face().dataset;
  if (wall) {
    const there = new Date(Date.parse(wall) + now() - Date.parse(told)).toISOString();
    byId("clock").textContent = there.slice(11, 16);
    byId("clock").dateTime = there.slice(0, 19);
    const angle = Number(there.slice(14, 16)) * 6 + Number(there.slice(17, 19)) / 10;
    byId("minute").setAttribute("transform", `rotate(${angle} 200 200)`);
  }
  const next = byId("next");
  if (!next) return;
  const left = Date.parse(next.dateTime) - now();
  byId("left").hidden = false;
  byId("countdown").textContent = left > 0 ? `in ${inWords(left)}` : "now";
  // Some seconds later, when the turn has ended.
  if (left < -5000 && asked !== next.dateTime) {
    asked = next.dateTime;
    refresh().catch(() => {});
  }
}

/** Starts the clock. */
export function startClock() {
  readClock();
  tick();
  setInterval(tick, 1000);
}

/** Fetches the face again; with `anew`, its pictures too, past every cache. */
export async function refresh(anew = false) {
  const response = await fetch(location.pathname, { cache: "no-store" });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById("face");
  if (!fresh) return;
  if (anew) await Promise.all([...fresh.querySelectorAll("[href],[src]")].map(bring));
  face().replaceWith(fresh);
  readClock();
  tick();
  byId("tools")?.dispatchEvent(new CustomEvent("refreshed", { detail: page }));
}

/**
 * Fetches a picture past the cache. It gets another address, since the page may hold on to what the
 * old one had. @param {Element} picture
 */
async function bring(picture) {
  const name = picture.hasAttribute("href") ? "href" : "src";
  const response = await fetch(picture.getAttribute(name) ?? "", { cache: "reload" });
  if (response.ok) picture.setAttribute(name, URL.createObjectURL(await response.blob()));
}
