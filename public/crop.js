/**
 * Chooses a square of a picture, which the owner moves and zooms under a window: by pointer, by
 * keys, or by sliders.
 */

import { contextOf } from "./picture.js";

/** The part of the stage on each side of the window, where the picture is dimmed. */
const MARGIN = 0.08;

/** The fewest pixels of the picture that fill the window, and the most that it is magnified. */
const FEWEST = 200;
const MOST_ZOOM = 10;

/** The part of the window that an arrow key moves by, alone and with Shift; the zoom of + and −. */
const STEP = 1 / 40;
const LEAP = 1 / 8;
const ZOOM_STEP = 1.1;

/** @param {number} value @param {number} least @param {number} most */
const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

/**
 * Makes a stage work.
 *
 * @param {object} elements
 * @param {HTMLElement} elements.stage has a canvas
 * @param {HTMLInputElement} elements.zoom a slider, as are the next two
 * @param {HTMLInputElement} elements.across
 * @param {HTMLInputElement} elements.down
 * @param {HTMLElement} elements.place tells those who do not see the window where it is
 * @param {() => void} changed called whenever the square has changed
 */
export function openCrop({ stage, zoom, across, down, place }, changed) {
  const canvas = /** @type {HTMLCanvasElement} */ (stage.querySelector("canvas"));
  const context = contextOf(canvas);
  /** @type {ImageBitmap | null} */
  let bitmap = null;
  // The window in pixels of the bitmap: its centre, and its side.
  let [x, y, side] = [0, 0, 1];

  /** The picture. Only what happens while there is one may ask for it. */
  function shown() {
    if (!bitmap) throw new Error("no picture");
    return bitmap;
  }

  const shorter = () => Math.min(shown().width, shown().height);
  const mostZoom = () => clamp(shorter() / FEWEST, 1, MOST_ZOOM);
  /** How many pixels of the bitmap one of the page covers. */
  const grain = () => side / (stage.clientWidth * (1 - 2 * MARGIN));

  /**
   * Moves the window, as far as the picture reaches.
   *
   * @param {number} centreX @param {number} centreY @param {number} length
   */
  function put(centreX, centreY, length) {
    const { width, height } = shown();
    side = clamp(length, shorter() / mostZoom(), shorter());
    x = clamp(centreX, side / 2, width - side / 2);
    y = clamp(centreY, side / 2, height - side / 2);
    update();
  }

  /** Zooms about a point, from the middle of the stage in pixels. @param {number} factor */
  function zoomBy(factor, awayX = 0, awayY = 0) {
    const before = grain();
    const length = clamp(side / factor, shorter() / mostZoom(), shorter());
    const after = (before * length) / side;
    put(x + awayX * (before - after), y + awayY * (before - after), length);
  }

  /**
   * How far along the window is, in percent; in the middle if it cannot move.
   *
   * @param {number} centre @param {number} length
   */
  const along = (centre, length) =>
    length - side < 0.5 ? 50 : ((centre - side / 2) / (length - side)) * 100;

  function update() {
    const { width, height } = shown();
    const [right, below] = [along(x, width), along(y, height)].map(Math.round);
    const percent = Math.round((shorter() / side) * 100);
    zoom.value = `${percent}`;
    zoom.max = `${Math.round(mostZoom() * 100)}`;
    zoom.disabled = mostZoom() === 1;
    [across.value, down.value] = [`${right}`, `${below}`];
    across.disabled = width - side < 0.5;
    down.disabled = height - side < 0.5;
    zoom.setAttribute("aria-valuetext", `${percent} %`);
    across.setAttribute("aria-valuetext", `${right} % from the left`);
    down.setAttribute("aria-valuetext", `${below} % from the top`);
    draw();
    changed();
  }

  /** Tells those who do not see the window where it is. */
  function tell() {
    const [right, below, by] = [across, down, zoom].map((one) =>
      one.getAttribute("aria-valuetext"),
    );
    place.textContent = `${right}, ${below}, zoom ${by}`;
  }

  function draw() {
    const box = canvas.width;
    const inner = box * (1 - 2 * MARGIN);
    const scale = inner / side;
    const middle = box / 2;
    const { width, height } = shown();
    /** @type {[number, number, number, number]} */
    const picture = [middle - x * scale, middle - y * scale, width * scale, height * scale];
    context.clearRect(0, 0, box, box);
    // Frames show white where the picture is transparent.
    context.fillStyle = "#fff";
    context.fillRect(...picture);
    context.imageSmoothingQuality = "medium";
    context.drawImage(shown(), ...picture);
    context.fillStyle = "#0009";
    context.beginPath();
    context.rect(0, 0, box, box);
    context.rect(box - (box - inner) / 2, (box - inner) / 2, -inner, inner);
    context.fill("evenodd");
    context.fillStyle = "#0006";
    context.beginPath();
    context.rect((box - inner) / 2, (box - inner) / 2, inner, inner);
    context.arc(middle, middle, inner / 2, 0, 2 * Math.PI);
    context.fill("evenodd");
    // In black and white, to be visible on any picture.
    for (const { line, colour } of [
      { line: box / 100, colour: "#000" },
      { line: box / 200, colour: "#fff" },
    ]) {
      context.lineWidth = line;
      context.strokeStyle = colour;
      context.beginPath();
      context.arc(middle, middle, inner / 2, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  // --- By pointer ---

  /** @type {Map<number, Point>} */
  const pointers = new Map();

  /** The middle of the pointers, from that of the stage, and their distance. */
  function grip() {
    const box = stage.getBoundingClientRect();
    const places = [...pointers.values()];
    /** @param {"x" | "y"} axis */
    const mean = (axis) => places.reduce((sum, place) => sum + place[axis], 0) / places.length;
    const [first, second] = places;
    return {
      x: mean("x") - box.left - box.width / 2,
      y: mean("y") - box.top - box.height / 2,
      apart: second ? Math.hypot(first.x - second.x, first.y - second.y) : 0,
    };
  }

  /** @param {PointerEvent} event */
  function grab(event) {
    if (!bitmap || event.button > 0 || pointers.size === 2) return;
    stage.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  }

  /** @param {PointerEvent} event */
  function drag(event) {
    if (!bitmap || !pointers.has(event.pointerId)) return;
    const before = grip();
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const after = grip();
    if (before.apart > 0 && after.apart > 0) zoomBy(after.apart / before.apart, before.x, before.y);
    put(x - (after.x - before.x) * grain(), y - (after.y - before.y) * grain(), side);
  }

  /** @param {PointerEvent} event */
  function release(event) {
    if (pointers.delete(event.pointerId) && bitmap) tell();
  }

  /** @param {WheelEvent} event */
  function wheel(event) {
    // If there is nothing to zoom, the page scrolls.
    if (!bitmap || zoom.disabled) return;
    event.preventDefault();
    const box = stage.getBoundingClientRect();
    // Some browsers count lines or pages. Pinching a touchpad counts little, and as Ctrl.
    const pixels = event.deltaY * [1, 16, 400][event.deltaMode] * (event.ctrlKey ? 5 : 1);
    zoomBy(
      Math.exp(-pixels / 500),
      event.clientX - box.left - box.width / 2,
      event.clientY - box.top - box.height / 2,
    );
    tell();
  }

  // --- By keys ---

  /** @param {KeyboardEvent} event */
  function key(event) {
    if (!bitmap || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = side * (event.shiftKey ? LEAP : STEP);
    // The window's way over the picture.
    /** @type {Record<string, [number, number]>} */
    const ways = {
      ArrowLeft: [-step, 0],
      ArrowRight: [step, 0],
      ArrowUp: [0, -step],
      ArrowDown: [0, step],
    };
    if (ways[event.key]) put(x + ways[event.key][0], y + ways[event.key][1], side);
    else if (["+", "="].includes(event.key)) zoomBy(ZOOM_STEP);
    else if (["-", "_", "−"].includes(event.key)) zoomBy(1 / ZOOM_STEP);
    else return;
    event.preventDefault();
    tell();
  }

  stage.addEventListener("pointerdown", grab);
  stage.addEventListener("pointermove", drag);
  stage.addEventListener("pointerup", release);
  stage.addEventListener("pointercancel", release);
  stage.addEventListener("wheel", wheel, { passive: false });
  stage.addEventListener("keydown", key);

  // --- By sliders ---

  /** @param {HTMLInputElement} slider @param {(value: number) => void} apply */
  const slid = (slider, apply) =>
    slider.addEventListener("input", () => bitmap && apply(Number(slider.value) / 100));
  slid(zoom, (value) => put(x, y, shorter() / value));
  slid(across, (value) => put(side / 2 + value * (shown().width - side), y, side));
  slid(down, (value) => put(x, side / 2 + value * (shown().height - side), side));

  // The canvas has as many pixels as the screen there.
  const resized = new ResizeObserver(() => {
    const box = Math.round(stage.clientWidth * devicePixelRatio);
    if (box === 0 || box === canvas.width) return;
    canvas.width = canvas.height = box;
    if (bitmap) draw();
  });
  resized.observe(stage);

  return {
    /** Shows a picture with the largest window in its middle, or none. */
    show(/** @type {ImageBitmap | null} */ picture) {
      bitmap = picture;
      pointers.clear();
      if (!bitmap) return;
      put(bitmap.width / 2, bitmap.height / 2, shorter());
      tell();
    },
    /** The chosen square, in whole pixels of the bitmap. */
    square() {
      const { width, height } = shown();
      const whole = Math.max(1, Math.round(side));
      /** @param {number} centre @param {number} length */
      const start = (centre, length) => clamp(Math.round(centre - side / 2), 0, length - whole);
      return { left: start(x, width), top: start(y, height), side: whole };
    },
    close: () => resized.disconnect(),
  };
}
