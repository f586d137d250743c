/**
 * Tests the simulator's page in a browser: it shows the picture of a turn round and with the
 * verdict, on a desktop and on a phone.
 */
import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { chromium } from "playwright-core";
import { FLAGS, findBrowser } from "../../scripts/lib/browser.js";
import { json } from "./harness/assertions.js";
import { useStage } from "./harness/stage.js";

const stage = useStage();
let browser;

before(async () => {
  browser = await chromium.launch({ executablePath: findBrowser(), args: FLAGS, timeout: 120_000 });
});
after(async () => {
  await browser?.close();
});

const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

/**
 * Opens the page; afterwards it must have had no error and asked nobody else.
 *
 * @param {{ width: number, height: number }} viewport
 * @param {(page: import("playwright-core").Page) => unknown} look
 */
async function withPage(viewport, look) {
  const context = await browser.newContext({ viewport });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    const [errors, elsewhere] = [[], []];
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("requestfailed", (request) =>
      errors.push(`${request.url()}: ${request.failure()?.errorText}`),
    );
    page.on(
      "request",
      (request) =>
        new URL(request.url()).origin === stage.simulator.url || elsewhere.push(request.url()),
    );
    // Paused, since a page that is loaded anew in the middle cannot be measured.
    await page.goto(`${stage.simulator.url}/?paused`, { waitUntil: "networkidle" });
    await look(page);
    assert.deepEqual(errors, [], "errors in the console");
    assert.deepEqual(elsewhere, [], "requests to elsewhere");
  } finally {
    await context.close();
  }
}

/**
 * Checks that a picture is loaded, seen, and round.
 *
 * @param {import("playwright-core").Locator} image
 */
async function assertRound(image) {
  assert.ok(await image.isVisible());
  const shown = await image.evaluate((/** @type {HTMLImageElement} */ element) => {
    const { width, height, left, right } = element.getBoundingClientRect();
    const { borderTopLeftRadius, borderBottomRightRadius } = getComputedStyle(element);
    const { naturalWidth, complete } = element;
    return {
      width,
      height,
      left,
      right,
      radii: [borderTopLeftRadius, borderBottomRightRadius],
      naturalWidth,
      complete,
    };
  });
  assert.ok(shown.complete && shown.naturalWidth === 400, JSON.stringify(shown));
  assert.deepEqual(shown.radii, ["50%", "50%"]);
  assert.ok(shown.width === shown.height && shown.width >= 96, JSON.stringify(shown));
  assert.ok(
    shown.left >= 0 && shown.right <= image.page().viewportSize().width,
    JSON.stringify(shown),
  );
}

/** @param {import("playwright-core").Page} page */
async function assertFits(page) {
  const [needed, there] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    window.innerWidth,
  ]);
  assert.ok(needed <= there, `${needed} px wide on ${there} px`);
}

for (const [name, viewport] of Object.entries(SIZES)) {
  test(`after a turn the ${name} shows the picture round, and that it was accepted`, async () => {
    assert.equal((await json(await stage.worker.turn("?frame=3"))).outcome, "turned");
    const { number } = await stage.simulator.receivedOne();
    await withPage(viewport, async (page) => {
      const icon = page.getByRole("img", { name: "The profile picture as it is now" });
      await assertRound(icon);
      assert.match(await icon.getAttribute("src"), new RegExp(`^/simulator/icon\\?${number}$`));
      await assertRound(page.getByRole("img", { name: `The picture of request ${number}` }));
      const verdict = page.locator("ol.strip strong");
      assert.deepEqual(await verdict.allTextContents(), ["accepted"]);
      assert.ok(await verdict.isVisible());
      assert.ok(await page.getByText("Nothing failed.").isVisible());
      await assertFits(page);
    });
  });

  test(`after faults the ${name} shows what failed and why, also with text that is hostile`, async () => {
    await json(await stage.worker.turn("?frame=3"));
    await stage.simulator.fail("read-only-app");
    assert.equal((await stage.worker.turn("?frame=4")).status, 502);
    await stage.simulator.fail("hostile-text");
    assert.equal((await stage.worker.turn("?frame=5")).status, 502);
    await withPage(viewport, async (page) => {
      assert.deepEqual(await page.locator("ol.strip strong").allTextContents(), [
        "accepted, but lost",
        "accepted, but lost",
        "accepted",
      ]);
      const failures = await page.locator("ol.failures li").allTextContents();
      assert.equal(failures.length, 2);
      assert.match(failures[0], /answered: 403 999.*Fault hostile-text/);
      assert.match(failures[1], /answered: 403 261.*Fault read-only-app/);
      await assertFits(page);
    });
  });
}

test("a turn that X itself rejects is shown with the reason", async () => {
  await stage.worker.configure({ secrets: { ACCESS_TOKEN_SECRET: "another-secret" } });
  assert.equal((await stage.worker.turn("?frame=3")).status, 502);
  await withPage(SIZES.desktop, async (page) => {
    assert.deepEqual(await page.locator("ol.strip strong").allTextContents(), ["rejected"]);
    assert.match(await page.locator("ol.failures li").textContent(), /401 32/);
  });
});

test("without a browser it is said how to get one", () => {
  assert.throws(() => findBrowser({}, ["/nowhere/chromium"]), /apt install chromium.*CHROME_PATH/);
  assert.throws(
    () => findBrowser({ CHROME_PATH: "/nowhere/chromium" }),
    /CHROME_PATH is \/nowhere\/chromium/,
  );
  assert.equal(findBrowser({ CHROME_PATH: process.execPath }), process.execPath);
});
