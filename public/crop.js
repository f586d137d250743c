/**
 * Choosing a square of a picture: the picture is moved and zoomed under a window, by
 * pointer, by keys, or by the sliders beside it.
 */

/** How much of the stage lies on each side of the window, where the picture is dimmed. */
const MARGIN = 0.08;

/** The fewest pixels of the picture that may fill the window, and the most that it is magnified. */
const FEWEST = 200;
const MOST_ZOOM = 10;

/** By how much of the window an arrow key moves, and with Shift; and by how much + and − zoom. */
const STEP = 1 / 40;
const LEAP = 1 / 8;
const ZOOM_STEP = 1.1;

const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

/**
 * Makes a stage of elements: `stage` with a canvas, the sliders `zoom`, `across` and
 * `down`, and `place`, which tells where the window is. Calls `changed` whenever the
 * square has changed. Gives `{ show, square, close }`.
 */
export function openCrop({ stage, zoom, across, down, place }, changed) {
  const canvas = stage.querySelector("canvas");
  const context = canvas.getContext("2d");
  let bitmap = null;
  // The window in pixels of the bitmap: its centre, and its side.
  let [x, y, side] = [0, 0, 1];

  const shorter = () => Math.min(bitmap.width, bitmap.height);
  const mostZoom = () => clamp(shorter() / FEWEST, 1, MOST_ZOOM);
  /** How many pixels of the bitmap are as wide as one of the page. */
  const grain = () => side / (stage.clientWidth * (1 - 2 * MARGIN));

  /** Puts the window there, as far as the picture reaches. */
  function put(centreX, centreY, length) {
    side = clamp(length, shorter() / mostZoom(), shorter());
    x = clamp(centreX, side / 2, bitmap.width - side / 2);
    y = clamp(centreY, side / 2, bitmap.height - side / 2);
    update();
  }

  /** Zooms about a place, given from the middle of the stage in pixels of the page. */
  function zoomBy(factor, awayX = 0, awayY = 0) {
    const before = grain();
    const length = clamp(side / factor, shorter() / mostZoom(), shorter());
    const after = (before * length) / side;
    put(x + awayX * (before - after), y + awayY * (before - after), length);
  }

  /** How far along the window is in percent; in the middle if it cannot move. */
  const along = (centre, length) =>
    length - side < 0.5 ? 50 : ((centre - side / 2) / (length - side)) * 100;

  function update() {
    const [right, below] = [along(x, bitmap.width), along(y, bitmap.height)].map(Math.round);
    const percent = Math.round((shorter() / side) * 100);
    zoom.value = percent;
    zoom.max = Math.round(mostZoom() * 100);
    zoom.disabled = mostZoom() === 1;
    [across.value, down.value] = [right, below];
    across.disabled = bitmap.width - side < 0.5;
    down.disabled = bitmap.height - side < 0.5;
    zoom.setAttribute("aria-valuetext", `${percent} %`);
    across.setAttribute("aria-valuetext", `${right} % from the left`);
    down.setAttribute("aria-valuetext", `${below} % from the top`);
    draw();
    changed();
  }

  /** Tells where the window is, to who does not see it. */
  function tell() {
    place.textContent = `${across.getAttribute("aria-valuetext")}, ${down.getAttribute("aria-valuetext")}, zoom ${zoom.getAttribute("aria-valuetext")}`;
  }

  function draw() {
    const box = canvas.width;
    const inner = box * (1 - 2 * MARGIN);
    const scale = inner / side;
    const middle = box / 2;
    const picture = [
      middle - x * scale,
      middle - y * scale,
      bitmap.width * scale,
      bitmap.height * scale,
    ];
    context.clearRect(0, 0, box, box);
    // Frames show white where the picture is transparent.
    context.fillStyle = "#fff";
    context.fillRect(...picture);
    context.imageSmoothingQuality = "medium";
    context.drawImage(bitmap, ...picture);
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
    // Seen on any picture.
    for (const [width, colour] of [
      [box / 100, "#000"],
      [box / 200, "#fff"],
    ]) {
      context.lineWidth = width;
      context.strokeStyle = colour;
      context.beginPath();
      context.arc(middle, middle, inner / 2, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  // --- By pointer ---

  const pointers = new Map();

  /** The middle of the pointers from that of the stage, and how far they are apart. */
  function grip() {
    const box = stage.getBoundingClientRect();
    const places = [...pointers.values()];
    const mean = (axis) => places.reduce((sum, place) => sum + place[axis], 0) / places.length;
    const [first, second] = places;
    return {
      x: mean("x") - box.left - box.width / 2,
      y: mean("y") - box.top - box.height / 2,
      apart: second ? Math.hypot(first.x - second.x, first.y - second.y) : 0,
    };
  }

  function grab(event) {
    if (!bitmap || event.button > 0 || pointers.size === 2) return;
    stage.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  }

  function drag(event) {
    if (!bitmap || !pointers.has(event.pointerId)) return;
    const before = grip();
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const after = grip();
    if (before.apart > 0 && after.apart > 0) zoomBy(after.apart / before.apart, before.x, before.y);
    put(x - (after.x - before.x) * grain(), y - (after.y - before.y) * grain(), side);
  }

  function release(event) {
    if (pointers.delete(event.pointerId) && bitmap) tell();
  }

  function wheel(event) {
    // With nothing to zoom, the page scrolls.
    if (!bitmap || zoom.disabled) return;
    event.preventDefault();
    const box = stage.getBoundingClientRect();
    // By lines or pages, where the browser counts so; two fingers on a touchpad count little, and as Ctrl.
    const pixels = event.deltaY * [1, 16, 400][event.deltaMode] * (event.ctrlKey ? 5 : 1);
    zoomBy(
      Math.exp(-pixels / 500),
      event.clientX - box.left - box.width / 2,
      event.clientY - box.top - box.height / 2,
    );
    tell();
  }

  // --- By keys ---

  function key(event) {
    if (!bitmap || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = side * (event.shiftKey ? LEAP : STEP);
    // The window's way over the picture.
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
  for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, release);
  stage.addEventListener("wheel", wheel, { passive: false });
  stage.addEventListener("keydown", key);

  // --- By sliders ---

  const slid = (slider, apply) =>
    slider.addEventListener("input", () => bitmap && apply(Number(slider.value) / 100));
  slid(zoom, (value) => put(x, y, shorter() / value));
  slid(across, (value) => put(side / 2 + value * (bitmap.width - side), y, side));
  slid(down, (value) => put(x, side / 2 + value * (bitmap.height - side), side));

  /** As many pixels as the screen has there. */
  const resized = new ResizeObserver(() => {
    const box = Math.round(stage.clientWidth * devicePixelRatio);
    if (box === 0 || box === canvas.width) return;
    canvas.width = canvas.height = box;
    if (bitmap) draw();
  });
  resized.observe(stage);

  return {
    /** Shows a picture, the window in its middle and as large as it can be; or none. */
    show(picture) {
      bitmap = picture;
      pointers.clear();
      if (!bitmap) return;
      put(bitmap.width / 2, bitmap.height / 2, shorter());
      tell();
    },
    /** The square that was chosen, in whole pixels of the bitmap. */
    square() {
      const whole = Math.max(1, Math.round(side));
      const start = (centre, length) => clamp(Math.round(centre - side / 2), 0, length - whole);
      return { left: start(x, bitmap.width), top: start(y, bitmap.height), side: whole };
    },
    close: () => resized.disconnect(),
  };
}
