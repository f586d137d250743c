/**
 * The owner's card "Change the icon": a picture is chosen, a square of it cropped and
 * seen turning as it will, and that square sent. So a photo of any size passes, and the
 * Worker has little to decode. Where a browser lets no page read back what it draws,
 * the file itself is sent, with the square in words.
 */
import { openCrop } from "./crop.js";
import { byId } from "./page.js";
import { SENT, canReadBack, kindOf, open, refusal, squareFile } from "./picture.js";

/** How long the preview takes for all frames, in ms, and for one at least. */
const ROTATION_MS = 6000;
const LEAST_MS = 50;

/** Makes the card work: `say` tells the owner something, `run` does something and tells how it went, `usePicture` sends. Gives what ends it. */
export function openIcon({ say, run, usePicture }) {
  const [field, preview, turned] = [byId("file"), byId("preview"), byId("turned")];
  const pictures = byId("plain").querySelectorAll("img");
  const areTrue = canReadBack();

  /** What was chosen: `{ file, kind }`, with what `open` gives if the browser can open it, else its `address`. */
  let chosen = null;
  /** How often something was chosen, for of two that are being read the later one counts. */
  let choices = 0;

  const parts = {
    stage: byId("crop"),
    zoom: byId("zoom"),
    across: byId("across"),
    down: byId("down"),
    place: byId("place"),
  };
  const crop = openCrop(parts, showSquare);

  /** Draws the square into the preview, once before the screen is painted. */
  let isDrawn = true;
  function showSquare() {
    if (!isDrawn) return;
    isDrawn = false;
    requestAnimationFrame(() => {
      isDrawn = true;
      if (!chosen?.bitmap) return;
      const context = turned.getContext("2d");
      // Frames show white where the picture is transparent.
      context.fillStyle = "#fff";
      context.fillRect(0, 0, turned.width, turned.height);
      context.imageSmoothingQuality = "medium";
      const { left, top, side } = crop.square();
      context.drawImage(chosen.bitmap, left, top, side, side, 0, 0, turned.width, turned.height);
    });
  }

  // --- Turning ---

  let timer = null;
  let frame = 0;

  function showFrame() {
    const { frames, direction } = byId("becoming").dataset;
    const angle = `rotate(${(frame * 360) / frames}`;
    turned.style.transform = `${angle}deg)`;
    byId("place-of-frame").setAttribute("transform", `${angle} 200 200)`);
    byId("which").textContent =
      `Frame ${frame} of ${frames}${direction === "counterclockwise" ? ", counterclockwise" : ""}`;
  }

  function animate(isMoving) {
    clearInterval(timer);
    timer = null;
    const { frames, direction } = byId("becoming").dataset;
    if (isMoving) {
      // Of many frames, some are left out.
      const every = Math.ceil((LEAST_MS * frames) / ROTATION_MS);
      const step = direction === "counterclockwise" ? frames - every : every;
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
    const [file] = field.files;
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
      return say(error.message, "bad");
    }
    byId("note").textContent = notes(picture, kind, isTrue).join(" ");
    byId("cropping").hidden = byId("turning").hidden = !picture;
    preview.hidden = false;
    if (picture) {
      crop.show(picture.bitmap);
      animate(!matchMedia("(prefers-reduced-motion: reduce)").matches);
    } else showPlain();
    say("");
  }

  /** What there is to know about a picture. */
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

  /** The file as the browser shows it, if it can: the middle square. */
  function showPlain() {
    chosen.address = URL.createObjectURL(chosen.file);
    pictures[0].onload = () => (byId("plain").hidden = false);
    for (const picture of pictures) picture.src = chosen.address;
  }

  /** Throws if a file cannot be sent as it is. */
  function limited({ file, kind }) {
    const { most } = field.dataset;
    if (!kind.isTaken) throw new Error(`${refusal(kind)} Or use another browser.`);
    if (file.size > most)
      throw new Error(
        `This file is too large to be sent as it is: at most ${most / 1e6} MB can be. Make it smaller, or use another browser, which can crop it before it is sent.`,
      );
  }

  // --- Sending ---

  /** What to send: a file, and how the Worker is to read it. */
  async function toSend() {
    const { file, kind, bitmap, width, height } = chosen;
    if (!bitmap) return [file, {}];
    const square = crop.square();
    const isWhole = square.side === width && square.side === height;
    // Nothing would be gained, and a JPEG would lose a little.
    const isReady =
      isWhole && width <= SENT && kind.isTaken && !kind.moves && file.size <= field.dataset.most;
    if (isReady) return [file, {}];
    if (await areTrue) {
      try {
        const isRound = byId("becoming").dataset.shape === "round";
        return [await squareFile(bitmap, square, { isOpaque: kind.isOpaque, isRound }), {}];
      } catch {
        // As where nothing can be read back.
      }
    }
    limited(chosen);
    // As the Worker counts: in pixels of the file, the right way up.
    const scale = width / bitmap.width;
    const side = Math.min(Math.round(square.side * scale), width, height);
    const start = (from, length) => Math.min(Math.round(from * scale), length - side);
    return [file, { crop: [start(square.left, width), start(square.top, height), side].join(",") }];
  }

  async function use() {
    if (!chosen) return;
    const sent = chosen;
    const [file, choices] = await toSend();
    const said = await usePicture(file, choices);
    if (chosen === sent) {
      drop();
      field.focus();
    }
    return said;
  }

  function drop(isEmptied = true) {
    choices += 1;
    clearInterval(timer);
    crop.show(null);
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
  byId("animate").addEventListener("click", () => animate(timer === null));
  byId("use-picture").addEventListener("click", () => run(use));
  byId("discard").addEventListener("click", () => {
    drop();
    field.focus();
  });
  return () => {
    drop();
    crop.close();
  };
}
