/**
 * Tests changing the icon on the page in a browser: the square that arrives, by pointer, touch,
 * keys and sliders, for every kind of picture, and with whatever the browser denies the page.
 */
import assert from "node:assert/strict";
import test from "node:test";
import sharp from "sharp";
import { isNear, pixelAt, pixels, scene } from "../command/pictures.js";
import { padPng, renderedSet } from "./harness/frames.js";
import { publish } from "./harness/kv.js";
import { PHONE, press, result, said, signIn, usePages } from "./harness/pages.js";
import { SECRETS } from "./harness/secrets.js";
import { useStage } from "./harness/stage.js";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {{ name: string, mimeType: string, buffer: Buffer }} Chosen a file for the chooser */
/** @typedef {{ where: string, type: string, hex: string }} Sent what the page sent to /icon */
/** @typedef {Parameters<ReturnType<typeof usePages>["withPage"]>[0]} PageOptions */
/** @typedef {PageOptions & { changes?: (() => unknown)[] }} Opening */

const stage = useStage();
const pages = usePages(stage);

/** The part of the stage's width that the window takes. */
const WINDOW = 0.84;

/** Where the middle of a frame is, and points as far from it as a circle shows. */
const POINTS = [
  [200, 200],
  [60, 200],
  [340, 200],
  [200, 60],
  [200, 340],
  [110, 110],
  [290, 290],
];

/**
 * The colour at a place of a picture of `map`: red tells how far right it is, green how far down.
 *
 * @param {number} x
 * @param {number} y
 */
const colourAt = (x, y) => [255 * x, 255 * y, 128];

/**
 * Draws a picture whose colours tell each place.
 *
 * @param {number} width
 * @param {number} height
 */
function map(width, height, extra = {}) {
  const data = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1)
      data.set(
        colourAt((x + 0.5) / width, (y + 0.5) / height).map(Math.round),
        (y * width + x) * 3,
      );
  }
  return sharp(data, { raw: { width, height, channels: 3 }, ...extra });
}

/** @param {Buffer} buffer */
const jpeg = (buffer) => ({ name: "photo.jpg", mimeType: "image/jpeg", buffer });

/** Runs in the page: records what it sends to /icon. */
function keepWhatIsSent() {
  const { fetch } = globalThis;
  /** @type {Sent[]} */
  const sent = [];
  Object.assign(globalThis, { sent });
  globalThis.fetch = async (where, init) => {
    if (init?.method === "PUT") {
      const bytes = new Uint8Array(await init.body.arrayBuffer());
      sent.push({
        where,
        type: init.body.type,
        hex: [...bytes.subarray(0, 3_000_000)]
          .map((byte) => byte.toString(16).padStart(2, "0"))
          .join(""),
      });
    }
    return fetch(where, init);
  };
}

/**
 * Opens the page as the owner, with `changes` to the browser.
 *
 * @param {Opening} opening
 * @param {(page: Page) => unknown} look
 */
const asOwner = ({ changes = [], ...options }, look) =>
  pages.withPage(options, async (page) => {
    for (const change of [keepWhatIsSent, ...changes]) await page.addInitScript(change);
    await page.reload({ waitUntil: "networkidle" });
    await signIn(page);
    await look(page);
  });

/** @param {Page} page */
const chooser = (page) => page.getByLabel("A picture");
/** @param {Page} page */
const cropper = (page) =>
  page.getByRole("application", { name: "The square of the picture that is used" });

/**
 * Chooses a file and waits for the square.
 *
 * @param {Page} page
 * @param {Chosen} file
 */
async function choose(page, file) {
  await chooser(page).setInputFiles(file);
  await cropper(page).waitFor();
}

/**
 * Sends what was chosen; gives what was sent, and frame 0 as pixels.
 *
 * @param {Page} page
 */
async function use(page) {
  await press(page, "Use this picture");
  await said(page, "The new icon is in place.");
  assert.equal(await page.locator("#preview").isVisible(), false);
  /** @type {Sent} */
  const { where, type, hex } = await page.evaluate(() => Reflect.get(globalThis, "sent").at(-1));
  const answer = await stage.worker.fetch("/frames/0");
  assert.equal(answer.status, 200);
  return {
    where,
    type,
    file: Buffer.from(hex, "hex"),
    frame: await pixels(Buffer.from(await answer.arrayBuffer())),
  };
}

/**
 * Checks that a frame shows this square of a picture of `map`, in parts of its width and height.
 *
 * @param {Buffer} frame
 * @param {{ left: number, top: number, width: number, height: number }} square
 */
function assertShows(frame, { left, top, width, height }) {
  for (const [x, y] of POINTS) {
    const expected = colourAt(left + (width * (x + 0.5)) / 400, top + (height * (y + 0.5)) / 400);
    const found = pixelAt(frame, x, y);
    assert.ok(
      isNear(found, expected, 4),
      `at ${x},${y}: ${found} instead of ${expected.map(Math.round)}`,
    );
  }
}

/**
 * The middle square of a picture of these sides, moved by so much of them.
 *
 * @param {number} width
 * @param {number} height
 */
function square(width, height, { right = 0, down = 0, zoom = 1 } = {}) {
  const side = Math.min(width, height) / zoom;
  return {
    left: 0.5 - side / width / 2 + right,
    top: 0.5 - side / height / 2 + down,
    width: side / width,
    height: side / height,
  };
}

// --- Which square ------------------------------------------------------------

test("the middle square is chosen at first, is seen turning, and is sent only when it is asked for", async () => {
  const before = await stage.worker.kv.get("current");
  await asOwner({ clock: true }, async (page) => {
    const old = await page.locator("#icon").screenshot();
    await choose(page, jpeg(await map(1200, 800).jpeg().toBuffer()));
    const turning = page.getByRole("img", { name: "The new icon, turning as it will" });
    assert.ok(await turning.isVisible());
    // As often as there are frames, and where the hand of each points.
    const seen = new Set();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByRole("button", { name: "Show it turning" }).click();
    for (let n = 0; n < 12; n += 1) {
      seen.add(await turning.evaluate((canvas) => canvas.style.transform));
      await page.clock.runFor(500);
    }
    assert.equal(seen.size, 12);
    assert.ok(seen.has("rotate(30deg)") && seen.has("rotate(330deg)"));
    await page.getByRole("button", { name: "Stop" }).click();
    assert.equal(await turning.evaluate((canvas) => canvas.style.transform), "rotate(0deg)");
    const preview = await turning.evaluate((/** @type {HTMLCanvasElement} */ canvas) => [
      ...canvas.getContext("2d").getImageData(60, 200, 1, 1).data.slice(0, 3),
    ]);
    assert.ok(isNear(preview, colourAt(0.5 - 140 / 600, 0.5)), String(preview));
    await press(page, "Discard");
    assert.equal(await cropper(page).isVisible(), false);
    assert.equal(await chooser(page).inputValue(), "");
    assert.equal(await stage.worker.kv.get("current"), before);

    await choose(page, jpeg(await map(1200, 800).jpeg().toBuffer()));
    const { where, type, file, frame } = await use(page);
    assert.equal(where, "/icon");
    assert.equal(type, "image/jpeg");
    const { width, height } = await sharp(file).metadata();
    assert.deepEqual([width, height], [400, 400]);
    assertShows(frame, square(1200, 800));
    // The page shows the new frames, although the old ones had the same addresses.
    assert.match(await page.locator("#icon").getAttribute("src"), /^blob:/);
    assert.match(await page.locator("svg image").first().getAttribute("href"), /^blob:/);
    assert.ok(
      !(await page.locator("#icon").screenshot()).equals(old),
      "the picture in the middle has changed",
    );
    await stage.simulator.receivedNothing();
  });
});

test("the picture is dragged by a mouse and zoomed by its wheel, as far as it reaches", async () => {
  await asOwner({}, async (page) => {
    const photo = jpeg(await map(1600, 800).jpeg().toBuffer());
    await choose(page, photo);
    /**
     * Moves the mouse to a distance from the middle of the stage, which may have moved itself.
     * Returns the width of the window in pixels of the page.
     *
     * @param {number} right
     * @param {number} below
     * @param {number} [steps]
     */
    const moveTo = async (right, below, steps) => {
      await cropper(page).scrollIntoViewIfNeeded();
      const box = await cropper(page).boundingBox();
      await page.mouse.move(box.x + box.width / 2 + right, box.y + box.height / 2 + below, {
        steps,
      });
      return box.width * WINDOW;
    };
    const pixel = 800 / (await moveTo(0, 0));
    await page.mouse.down();
    await moveTo(60, 25, 5);
    await page.mouse.up();
    // To the right it goes, down it cannot.
    assertShows((await use(page)).frame, square(1600, 800, { right: (-60 * pixel) / 1600 }));

    await choose(page, photo);
    await moveTo(50, 0);
    // Twice as large, and what is under the pointer stays there.
    await page.mouse.wheel(0, -500 * Math.LN2);
    await page.waitForFunction(() => {
      const zoom = /** @type {HTMLInputElement | null} */ (document.getElementById("zoom"));
      return zoom?.value === "200";
    });
    assertShows(
      (await use(page)).frame,
      square(1600, 800, { zoom: 2, right: (50 * pixel) / 2 / 1600 }),
    );

    await choose(page, photo);
    await moveTo(0, 0);
    await page.mouse.down();
    await moveTo(-4000, 0, 4);
    await page.mouse.up();
    assertShows((await use(page)).frame, { left: 0.5, top: 0, width: 0.5, height: 1 });
  });
});

test("a finger moves the picture and two zoom it", async () => {
  await asOwner({ ...PHONE }, async (page) => {
    await choose(page, jpeg(await map(900, 1200).jpeg().toBuffer()));
    await cropper(page).scrollIntoViewIfNeeded();
    const box = await cropper(page).boundingBox();
    const pixel = 900 / (box.width * WINDOW);
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const scrolled = await page.evaluate(() => scrollY);
    const client = await page.context().newCDPSession(page);
    /**
     * @param {"touchStart" | "touchMove" | "touchEnd"} type
     * @param {number[][]} points
     */
    const touch = (type, ...points) =>
      client.send("Input.dispatchTouchEvent", {
        type,
        touchPoints: points.map(([x, y], id) => ({ x, y, id })),
      });
    await touch("touchStart", [x, y]);
    for (let n = 1; n <= 6; n += 1) await touch("touchMove", [x, y - 5 * n]);
    await touch("touchEnd");
    await touch("touchStart", [x - 40, y], [x + 40, y]);
    for (let n = 1; n <= 8; n += 1)
      await touch("touchMove", [x - 40 - 5 * n, y], [x + 40 + 5 * n, y]);
    await touch("touchEnd");
    assert.equal(await page.evaluate(() => scrollY), scrolled, "the page stays where it is");
    assert.equal(await page.getByLabel("Zoom").inputValue(), "200");
    assertShows((await use(page)).frame, square(900, 1200, { zoom: 2, down: (30 * pixel) / 1200 }));
  });
});

test("keys move and zoom the picture, and say where it is", async () => {
  await asOwner({}, async (page) => {
    await choose(page, jpeg(await map(1200, 800).jpeg().toBuffer()));
    const place = page.locator("#place");
    assert.equal(await place.textContent(), "50 % from the left, 50 % from the top, zoom 100 %");
    await cropper(page).focus();
    for (let n = 0; n < 3; n += 1) await page.keyboard.press("+");
    for (const key of ["ArrowRight", "ArrowRight", "ArrowDown", "Shift+ArrowLeft", "-"])
      await page.keyboard.press(key);
    const side = 800 / 1.1 ** 3;
    const right = side * (2 / 40 - 1 / 8);
    assert.equal(
      await place.textContent(),
      `${Math.round(50 + (100 * right) / (1200 - side * 1.1))} % from the left, ${Math.round(50 + (100 * side) / 40 / (800 - side * 1.1))} % from the top, zoom 121 %`,
    );
    assertShows(
      (await use(page)).frame,
      square(1200, 800, { zoom: 1.21, right: right / 1200, down: side / 40 / 800 }),
    );
  });
});

test("sliders do all of it without dragging", async () => {
  await asOwner({}, async (page) => {
    await choose(page, jpeg(await map(1200, 800).jpeg().toBuffer()));
    await page.getByText("Move without dragging").click();
    assert.equal(await page.getByLabel("Down").isDisabled(), true);
    await page.getByLabel("Zoom").fill("160");
    await page.getByLabel("Across").fill("100");
    await page.getByLabel("Down").fill("0");
    assert.equal(
      await page.getByLabel("Across").getAttribute("aria-valuetext"),
      "100 % from the left",
    );
    const [width, height] = [500 / 1200, 500 / 800];
    assertShows((await use(page)).frame, { left: 1 - width, top: 0, width, height });
  });
});

test("who wants less motion sees it turn only when asked", async () => {
  await asOwner({ reducedMotion: "reduce" }, async (page) => {
    await choose(page, jpeg(await map(600, 600).jpeg().toBuffer()));
    const turning = page.getByRole("img", { name: "The new icon, turning as it will" });
    const angle = () => turning.evaluate((canvas) => canvas.style.transform);
    await page.waitForTimeout(1200);
    assert.equal(await angle(), "rotate(0deg)");
    await page.getByRole("button", { name: "Show it turning" }).click();
    await page.waitForFunction(
      () => document.getElementById("turned").style.transform === "rotate(30deg)",
    );
    assert.ok(await page.getByRole("button", { name: "Stop" }).isVisible());
  });
});

test("a square as small as a frame that is used whole goes as it is", async () => {
  const file = await map(400, 400).png().toBuffer();
  await asOwner({}, async (page) => {
    await choose(page, { name: "icon.png", mimeType: "image/png", buffer: file });
    const sent = await use(page);
    assert.deepEqual([sent.where, sent.file.equals(file)], ["/icon", true]);
    // What the command makes of it is the same set.
    const { id } = await renderedSet(file);
    assert.equal(JSON.parse(await stage.worker.kv.get("current")).id, id);
    // A part of it does not.
    await choose(page, { name: "icon.png", mimeType: "image/png", buffer: file });
    await page.getByLabel("Zoom").fill("200");
    const part = await use(page);
    assert.equal((await sharp(part.file).metadata()).width, 200);
    assertShows(part.frame, square(400, 400, { zoom: 2 }));
  });
});

// --- Any picture -------------------------------------------------------------

test("a photo is upright however the camera was held", async () => {
  await asOwner({}, async (page) => {
    const upright = await map(900, 600).png().toBuffer();
    // How a picture has to be stored to be upright once it is turned as EXIF says.
    const stored = {
      /** @param {import("sharp").Sharp} it */
      2: (it) => it.flop(),
      /** @param {import("sharp").Sharp} it */
      3: (it) => it.rotate(180),
      /** @param {import("sharp").Sharp} it */
      4: (it) => it.flip(),
      /** @param {import("sharp").Sharp} it */
      6: (it) => it.rotate(270),
      /** @param {import("sharp").Sharp} it */
      8: (it) => it.rotate(90),
    };
    for (const [orientation, turn] of Object.entries(stored)) {
      const photo = await turn(sharp(upright))
        .withMetadata({ orientation: Number(orientation) })
        .jpeg({ quality: 95 })
        .toBuffer();
      await choose(page, jpeg(photo));
      await page.getByLabel("Zoom").fill("150");
      assertShows((await use(page)).frame, square(900, 600, { zoom: 1.5 }));
    }
  });
});

test("of a photo of 24 megapixels that lies on its side, a small square is sent", async () => {
  await asOwner({ ...PHONE }, async (page) => {
    const large = await map(952, 714)
      .resize(5712, 4284, { kernel: "cubic" })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    await choose(page, jpeg(large));
    const { file, frame } = await use(page);
    assert.ok(file.length < 200_000, `${file.length} bytes`);
    // Upright, what is right in the file is below.
    const turned = await sharp(frame, { raw: { width: 400, height: 400, channels: 3 } })
      .rotate(270)
      .raw()
      .toBuffer();
    assertShows(turned, square(5712, 4284));
  });
});

test("a file larger than the Worker takes passes, for only the square is sent", async () => {
  await asOwner({}, async (page) => {
    const most = Number(await chooser(page).getAttribute("data-most"));
    const photo = padPng(await map(900, 600).png().toBuffer(), most + 1);
    await choose(page, { name: "large.png", mimeType: "image/png", buffer: photo });
    const { file, frame } = await use(page);
    assert.ok(file.length < 100_000, `${file.length} bytes`);
    assertShows(frame, square(900, 600));
  });
});

test("where a picture is transparent, it stays so on the way", async () => {
  await asOwner({}, async (page) => {
    await choose(page, {
      name: "logo.png",
      mimeType: "image/png",
      buffer: await scene(600, 600, { alpha: true }).png().toBuffer(),
    });
    const { type, file, frame } = await use(page);
    assert.equal(type, "image/png");
    const { isOpaque } = await sharp(file).stats();
    assert.equal(isOpaque, false);
    assert.ok(isNear(pixelAt(frame, 200, 20), [255, 255, 255]), "white shows through");
    assert.ok(isNear(pixelAt(frame, 120, 112), [208, 58, 48]));
    // One that is opaque becomes a JPEG, whatever it was.
    await choose(page, {
      name: "map.png",
      mimeType: "image/png",
      buffer: await map(600, 600).png().toBuffer(),
    });
    assert.equal((await use(page)).type, "image/jpeg");
  });
});

test("a photo's profile is applied", async () => {
  await asOwner({}, async (page) => {
    const red = sharp({ create: { width: 500, height: 500, channels: 3, background: "#ff0000" } });
    // The red of sRGB, as Display P3 has it.
    const photo = await red.withIccProfile("p3").jpeg({ quality: 100 }).toBuffer();
    assert.ok(
      !isNear(
        pixelAt(
          await pixels(await sharp(photo, { ignoreIcc: true }).resize(400).png().toBuffer()),
          200,
          200,
        ),
        [255, 0, 0],
        10,
      ),
    );
    await choose(page, jpeg(photo));
    assert.ok(isNear(pixelAt((await use(page)).frame, 200, 200), [255, 0, 0]));
  });
});

test("of a GIF, the first picture is used, and the page says so", async () => {
  await asOwner({}, async (page) => {
    const [red, blue] = ["#e02020", "#2020e0"].map((background) => ({
      create: /** @type {import("sharp").Create} */ ({
        width: 300,
        height: 300,
        channels: 3,
        background,
      }),
    }));
    const frames = await Promise.all([red, blue].map((one) => sharp(one).png().toBuffer()));
    for (const [
      name,
      mimeType,
      make,
    ] of /** @type {[string, string, (picture: import("sharp").Sharp) => import("sharp").Sharp][]} */ ([
      ["a.gif", "image/gif", (it) => it.gif({ delay: 100 })],
      ["a.webp", "image/webp", (it) => it.webp({ delay: 100 })],
    ])) {
      await choose(page, {
        name,
        mimeType,
        buffer: await make(sharp(frames, { join: { animated: true } })).toBuffer(),
      });
      assert.match(await page.locator("#note").textContent(), /first picture is used/);
      assert.ok(isNear(pixelAt((await use(page)).frame, 200, 200), [224, 32, 32], 12), name);
    }
    await choose(page, { name: "still.png", mimeType: "image/png", buffer: frames[0] });
    assert.equal(await page.locator("#note").textContent(), "");
  });
});

test("the card says what the picture becomes, and keeps it", async () => {
  const set = await renderedSet(undefined, "--frames", "24", "--shape", "circle");
  await stage.worker.kv.delete("current");
  for (const [key, value] of set.stored)
    await stage.worker.kv.put(key, new Uint8Array(value).buffer);
  await asOwner({}, async (page) => {
    const told = page.locator("#becoming");
    assert.equal(
      await told.textContent(),
      "The picture becomes 24 round frames. They turn clockwise, once in 12 hours, by the clock of Asia/Tokyo.",
    );
    await choose(page, jpeg(await map(600, 600).jpeg().toBuffer()));
    await page.waitForFunction(
      () => document.getElementById("turned").style.transform === "rotate(15deg)",
    );
    await press(page, "Use this picture");
    await said(page, "The new icon is in place.");
    const { frames, media_type: type } = JSON.parse(await stage.worker.kv.get("current"));
    assert.deepEqual([frames, type], [24, "image/png"]);
    // An album has no rendering that could be kept.
    await publish(stage.worker.kv, stage.set);
    await page.reload({ waitUntil: "networkidle" });
    assert.match(
      await told.textContent(),
      /becomes 12 square frames\..* the place of the album that is there now\.$/,
    );
  });
});

// --- Where the browser does not help ------------------------------------------

/** The ways in which browsers keep pages from reading what they draw. */
const SCRAMBLED = {
  // As Firefox does, asked to resist fingerprinting.
  "noise instead of pixels": () => {
    CanvasRenderingContext2D.prototype.getImageData = (_x, _y, width, height) =>
      new ImageData(
        Uint8ClampedArray.from({ length: width * height * 4 }, () => Math.random() * 256),
        width,
        height,
      );
  },
  // As Brave does.
  "pixels a little off": () => {
    const { getImageData } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.getImageData = function (...where) {
      const image = getImageData.apply(this, where);
      for (let n = 0; n < image.data.length; n += 401) image.data[n] ^= 1;
      return image;
    };
  },
  "no file": () => {
    HTMLCanvasElement.prototype.toBlob = (done) => done(null);
  },
  "an error": () => {
    HTMLCanvasElement.prototype.toBlob = () => {
      throw new DOMException("not here", "SecurityError");
    };
  },
};

for (const [what, change] of Object.entries(SCRAMBLED)) {
  test(`where reading a canvas gives ${what}, the file itself is sent, with the square that was chosen`, async () => {
    const photo = await map(1200, 800).withMetadata({ orientation: 3 }).jpeg().toBuffer();
    await asOwner({ changes: [change] }, async (page) => {
      await choose(page, jpeg(photo));
      assert.match(
        await page.locator("#note").textContent(),
        /keeps pages from reading pictures, so the whole file is sent/,
      );
      await page.getByLabel("Zoom").fill("200");
      await page.getByText("Move without dragging").click();
      await page.getByLabel("Across").fill("100");
      const { where, file, frame } = await use(page);
      assert.equal(decodeURIComponent(where), "/icon?crop=800,200,400");
      assert.ok(file.equals(photo));
      const turned = await sharp(frame, { raw: { width: 400, height: 400, channels: 3 } })
        .rotate(180)
        .raw()
        .toBuffer();
      assertShows(turned, { left: 0, top: 0.25, width: 1 / 3, height: 0.5 });
      // What the Worker would refuse is told before it is sent.
      await page.evaluate(() => (document.getElementById("file").dataset.most = "1000000"));
      await chooser(page).setInputFiles(jpeg(Buffer.concat([photo, Buffer.alloc(1_000_000)])));
      await said(page, "This file is too large to be sent as it is: at most 1 MB can be.");
    });
  });
}

test("of a large photo that is sent as it is, the square counts in the file's own pixels", async () => {
  const photo = await map(952, 714).resize(5712, 4284, { kernel: "cubic" }).jpeg().toBuffer();
  await asOwner({ changes: [SCRAMBLED["no file"]] }, async (page) => {
    // Whether it is too large, the Worker says.
    await page.route("**/icon?*", (route) => route.fulfill({ json: { changed: true } }));
    await choose(page, jpeg(photo));
    await page.getByLabel("Zoom").fill("200");
    await press(page, "Use this picture");
    await said(page, "The new icon is in place.");
    assert.equal(
      decodeURIComponent(await page.evaluate(() => Reflect.get(globalThis, "sent")[0].where)),
      "/icon?crop=1785,1071,2142",
    );
  });
});

test("a picture that this browser cannot open is sent as it is, and the page says which square is used", async () => {
  const changes = [
    () =>
      (globalThis.createImageBitmap = () =>
        Promise.reject(new DOMException("", "InvalidStateError"))),
  ];
  const photo = await map(1200, 800).jpeg().toBuffer();
  await asOwner({ changes, expected: ["status of 422"] }, async (page) => {
    await chooser(page).setInputFiles(jpeg(photo));
    const large = page.getByRole("img", { name: "The new icon, as a profile shows it" });
    await large.waitFor();
    assert.equal(await large.evaluate((image) => getComputedStyle(image).objectFit), "cover");
    assert.match(await page.locator("#note").textContent(), /The square in its middle is used\.$/);
    assert.equal(await cropper(page).isVisible(), false);
    const { where, file, frame } = await use(page);
    assert.deepEqual([where, file.equals(photo)], ["/icon", true]);
    assertShows(frame, square(1200, 800));
    // Whether one that is broken can be read, the Worker says.
    await chooser(page).setInputFiles(jpeg(photo.subarray(0, 300)));
    await page.locator("#preview").waitFor();
    await press(page, "Use this picture");
    await result(page).filter({ hasText: "The icon has not been changed." }).waitFor();
  });
});

test("what is no picture that can be used is named, with what to do", async () => {
  const before = await stage.worker.kv.get("current");
  /** @param {string} brand */
  const ftyp = (brand) =>
    Buffer.concat([
      Buffer.from([0, 0, 0, 24]),
      Buffer.from(`ftyp${brand}\0\0\0\0mif1heic`),
      Buffer.alloc(64),
    ]);
  const other = { name: "x", mimeType: "application/octet-stream" };
  await asOwner({}, async (page) => {
    for (const [file, expected] of /** @type {[Chosen, string][]} */ ([
      [
        { ...other, name: "IMG_1.HEIC", mimeType: "image/heic", buffer: ftyp("heic") },
        "This is a HEIC picture, which this browser cannot open: an iPhone's way to store photos. Choose the photo on the iPhone itself, which then sends a JPEG; or open it on a computer and export it as JPEG.",
      ],
      [{ ...other, buffer: ftyp("mif1") }, "This is a HEIC picture"],
      [
        { ...other, mimeType: "image/heif", buffer: Buffer.from("not what it says") },
        "This is a HEIC picture",
      ],
      [
        { ...other, buffer: ftyp("isom") },
        "This is a video. Choose a JPEG, PNG, WebP or GIF picture.",
      ],
      [
        { ...other, buffer: Buffer.from("II*\0........") },
        "This is a TIFF picture, which this browser cannot open. Open it in a program that can, save it as JPEG or PNG, and choose that.",
      ],
      [
        {
          ...other,
          buffer: Buffer.from(
            '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="400"><circle r="300"/></svg>',
          ),
        },
        "This is an SVG drawing",
      ],
      [{ ...other, buffer: Buffer.from("%PDF-1.7") }, "This is a PDF document. Choose"],
      [
        {
          ...other,
          name: "notes.png",
          mimeType: "image/png",
          buffer: Buffer.from("not a picture"),
        },
        "This is no picture, or one of an unknown kind. Choose",
      ],
      [{ ...other, buffer: Buffer.alloc(0) }, "This is an empty file. Choose"],
    ])) {
      await chooser(page).setInputFiles(file);
      await said(page, expected);
      assert.equal(await page.locator("#preview").isVisible(), false);
      assert.equal(await chooser(page).inputValue(), "");
    }
    // A kind that the Worker does not take, and the browser opens, is a picture like any other.
    await choose(page, {
      ...other,
      name: "x.avif",
      mimeType: "image/avif",
      buffer: await map(300, 300).avif().toBuffer(),
    });
    assertShows((await use(page)).frame, { left: 0, top: 0, width: 1, height: 1 });
  });
  assert.notEqual(await stage.worker.kv.get("current"), before);
  assert.doesNotMatch(JSON.stringify(await stage.worker.logs()), new RegExp(SECRETS.TRIGGER_TOKEN));
});

test("of two files that are chosen quickly, the later one counts", async () => {
  await asOwner({}, async (page) => {
    await chooser(page).setInputFiles(
      jpeg(await map(952, 714).resize(5712, 4284).jpeg().toBuffer()),
    );
    await chooser(page).setInputFiles({
      name: "small.png",
      mimeType: "image/png",
      buffer: await sharp({
        create: { width: 300, height: 300, channels: 3, background: "#20c040" },
      })
        .png()
        .toBuffer(),
    });
    await cropper(page).waitFor();
    await page.waitForTimeout(1500);
    assert.ok(isNear(pixelAt((await use(page)).frame, 200, 200), [32, 192, 64]));
  });
});
