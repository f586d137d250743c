/**
 * The owner's card "Change the icon": chooses a picture, crops a square of it, shows it turning,
 * and sends the square. So photos of any size will do, and the Worker decodes little. In a browser
 * that keeps pages from reading what they draw, it sends the file and the square's position.
 */
import { openCrop } from "./crop.js";
import { byId } from "./face.js";
import { SENT, canReadBack, contextOf, kindOf, open, refusal, squareFile } from "./picture.js";

/** How long the preview shows all frames, in ms, and the least for one. */
const ROTATION_MS = 6000;
const LEAST_MS = 50;

/** Tells on the page how something went. @type {Say} */
export function say(message, mood = "") {
  const result = byId("result");
  if (!result) return;
  result.textContent = message;
  result.className = mood;
}

/** Makes the card work. Returns a function that ends it. @param {IconTools} tools */
export function openIcon({ run, usePicture }) {
  const [field, preview, turned] = [byId("file"), byId("preview"), byId("turned")];
  const pictures = byId("plain").querySelectorAll("img");
  const areTrue = canReadBack();

  /** @type {Choice | null} */
  let chosen = null;
  /** Counts the choices: of two files that are being read, the later one is used. */
  let choices = 0;

  const parts = {
    stage: byId("crop"),
    zoom: byId("zoom"),
    across: byId("across"),
    down: byId("down"),
    place: byId("place"),
  };
  const cropper = openCrop(parts, showSquare);

  /** Whether the preview will be drawn: once before the screen is painted. */
  let isDrawn = true;
  function showSquare() {
    if (!isDrawn) return;
    isDrawn = false;
    requestAnimationFrame(() => {
      isDrawn = true;
      if (!chosen?.bitmap) return;
      const context = contextOf(turned);
      // Frames show white where the picture is transparent.
      context.fillStyle = "#fff";
      context.fillRect(0, 0, turned.width, turned.height);
      context.imageSmoothingQuality = "medium";
      const { left, top, side } = cropper.square();
      context.drawImage(chosen.bitmap, left, top, side, side, 0, 0, turned.width, turned.height);
    });
  }

  // --- Turning ---

  /** @type {number | null} */
  let timer = null;
  let frame = 0;

  /** How many frames the set will have, and whether they turn counterclockwise. */
  function turning() {
    const { frames, direction } = byId("becoming").dataset;
    return { frames: Number(frames), isReversed: direction === "counterclockwise" };
  }

  function showFrame() {
    const { frames, isReversed } = turning();
    const angle = `rotate(${(frame * 360) / frames}`;
    turned.style.transform = `${angle}deg)`;
    byId("place-of-frame").setAttribute("transform", `${angle} 200 200)`);
    byId("which").textContent =
      `Frame ${frame} of ${frames}${isReversed ? ", counterclockwise" : ""}`;
  }

  function stop() {
    if (timer !== null) clearInterval(timer);
    timer = null;
  }

  /** @param {boolean} isMoving */
  function animate(isMoving) {
    stop();
    const { frames, isReversed } = turning();
    if (isMoving) {
      // Leaves some of many frames out.
      const every = Math.ceil((LEAST_MS * frames) / ROTATION_MS);
      const step = isReversed ? frames - every : every;
      timer = setInterval(
        () => {
          frame = (frame + step) % frames;
          showFrame();
        },
        (ROTATION_MS * every) / frames,
      );
    } else frame = 0;
    showFrame();
    byId("animate").textContent = isMoving ? "Stop" : "Show it turning";
  }

  // --- Choosing ---

  async function choose() {
    const file = field.files?.[0];
    drop(false);
    if (!file) return;
    const mine = choices;
    say("One moment …");
    const kind = await kindOf(file).catch(() => null);
    const picture = kind && (await open(file).catch(() => null));
    const isTrue = await areTrue;
    if (mine !== choices) return picture?.bitmap.close();
    try {
      if (!kind) throw new Error("This file cannot be read. Choose it again.");
      if (!picture && !kind.isTaken) throw new Error(refusal(kind));
      chosen = { file, kind, ...picture };
      if (!picture || !isTrue) limited(chosen);
    } catch (error) {
      drop();
      return say(/** @type {Error} */ (error).message, "bad");
    }
    byId("note").textContent = notes(picture, kind, isTrue).join(" ");
    byId("cropping").hidden = byId("turning").hidden = !picture;
    preview.hidden = false;
    if (picture) {
      cropper.show(picture.bitmap);
      animate(!matchMedia("(prefers-reduced-motion: reduce)").matches);
    } else showPlain(chosen);
    say("");
  }

  /**
   * What the owner should know about a picture.
   *
   * @param {Picture | null} picture @param {Kind} kind @param {boolean} isTrue
   */
  function notes(picture, kind, isTrue) {
    const notes = [];
    if (kind.moves) notes.push("Of this animation, the first picture is used.");
    if (!picture)
      notes.push(
        "This browser cannot open the picture, so the file is sent as it is. The square in its middle is used.",
      );
    else if (!isTrue)
      notes.push(
        "This browser keeps pages from reading pictures, so the whole file is sent. The Worker takes the square that you choose here.",
      );
    return notes;
  }

  /** Shows the middle square of the file, if the browser can. @param {Choice} choice */
  function showPlain(choice) {
    const address = URL.createObjectURL(choice.file);
    choice.address = address;
    pictures[0].onload = () => {
      byId("plain").hidden = false;
    };
    for (const picture of pictures) picture.src = address;
  }

  /** The most bytes of a file that is sent as it is. */
  const most = () => Number(field.dataset.most);

  /** Throws if a file cannot be sent as it is. @param {Choice} choice */
  function limited({ file, kind }) {
    if (!kind.isTaken) throw new Error(`${refusal(kind)} Or use another browser.`);
    if (file.size > most())
      throw new Error(
        `This file is too large to be sent as it is: at most ${most() / 1e6} MB can be. Make it smaller, or use another browser, which can crop it before it is sent.`,
      );
  }

  // --- Sending ---

  /**
   * Returns what to send.
   *
   * @param {Choice} choice
   * @returns {Promise<{ file: Blob, choices: Record<string, string> }>}
   */
  async function toSend(choice) {
    const { file, kind, bitmap, width = 0, height = 0 } = choice;
    if (!bitmap) return { file, choices: {} };
    const square = cropper.square();
    const isWhole = square.side === width && square.side === height;
    // A square that is small enough gains nothing by cropping, and a JPEG would lose a little.
    const isReady = isWhole && width <= SENT && kind.isTaken && !kind.moves && file.size <= most();
    if (isReady) return { file, choices: {} };
    if (await areTrue) {
      try {
        const isRound = byId("becoming").dataset.shape === "round";
        const options = { isOpaque: kind.isOpaque, isRound };
        return { file: await squareFile(bitmap, square, options), choices: {} };
      } catch {
        // The file is sent instead, as if nothing could be read back.
      }
    }
    limited(choice);
    // The Worker counts in pixels of the file, the right way up.
    const scale = width / bitmap.width;
    const side = Math.min(Math.round(square.side * scale), width, height);
    /** @param {number} from @param {number} length */
    const start = (from, length) => Math.min(Math.round(from * scale), length - side);
    const crop = [start(square.left, width), start(square.top, height), side].join(",");
    return { file, choices: { crop } };
  }

  async function use() {
    if (!chosen) return;
    const sent = chosen;
    const { file, choices } = await toSend(sent);
    const said = await usePicture(file, choices);
    if (chosen === sent) {
      drop();
      field.focus();
    }
    return said;
  }

  function drop(isEmptied = true) {
    choices += 1;
    stop();
    cropper.show(null);
    chosen?.bitmap?.close();
    if (chosen?.address) URL.revokeObjectURL(chosen.address);
    chosen = null;
    for (const part of [preview, byId("cropping"), byId("turning"), byId("plain")])
      part.hidden = true;
    for (const picture of pictures) {
      picture.onload = null;
      picture.removeAttribute("src");
    }
    if (isEmptied) field.value = "";
  }

  field.addEventListener("change", choose);
  // A file that was chosen before this script was there.
  if (field.files?.length) choose();
  byId("animate").addEventListener("click", () => animate(timer === null));
  byId("use-picture").addEventListener("click", () => run(use));
  byId("discard").addEventListener("click", () => {
    drop();
    field.focus();
  });
  return () => {
    drop();
    cropper.close();
  };
}
