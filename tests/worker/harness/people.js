/** People with browsers, who use the service's pages in Chromium and sign in on their servers'. */
import assert from "node:assert/strict";
import { browse } from "./browse.js";
import { sha256 } from "./frames.js";
import { DESKTOP, axe, press, usePages, watch } from "./pages.js";
import { OPEN } from "./service.js";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("playwright-core").BrowserContext} BrowserContext */

/** Each browser has an address of its own, so that the limits of one do not hold for the next. */
let addresses = 0;

/**
 * How a person's browser is opened, besides Playwright's own options of a context.
 *
 * @typedef {object} Coming
 * @property {string[]} [expected] parts of the console's errors that are no failure
 * @property {import("./settings.js").Changes} [changes] to the settings of an open service
 */

/**
 * Starts a browser that runs until the last test of the file. Returns `withPerson`.
 *
 * @param {import("./stage.js").Stage<import("./test-harness.js").TestHarnessWorker>} stage
 */
export function usePeople(stage) {
  const pages = usePages(stage);

  /** The settings of an open service at the address that Chromium asks. */
  const open = () => ({ ...OPEN, vars: { ...OPEN.vars, PUBLIC_URL: stage.worker.url } });

  /**
   * Opens the service's front page for `live`. Asserts afterwards that no page has asked another
   * host than the service and the servers, and that the console shows no error but those that
   * contain one of the texts `expected`.
   *
   * @param {Coming & import("playwright-core").BrowserContextOptions} coming
   * @param {(page: Page, context: BrowserContext) => unknown} live
   */
  async function withPerson({ expected = [], changes, ...options }, live) {
    await stage.worker.configure(changes ?? open());
    // Settings that the test has changed take effect with a request through the harness.
    await stage.worker.fetch("/health");
    addresses += 1;
    const context = await pages.browser.newContext({
      ...DESKTOP,
      extraHTTPHeaders: { "cf-connecting-ip": `198.51.100.${addresses}` },
      ...options,
    });
    context.setDefaultTimeout(10_000);
    try {
      await context.addInitScript(axe);
      await context.route("https://*.example/**", (route) => answer(stage.simulator, route));
      const origins = [stage.worker.url, stage.simulator.url, "https://social.example"];
      /** @type {ReturnType<typeof watch>[]} */
      const watched = [];
      context.on("page", (page) => watched.push(watch(page, origins, expected)));
      const page = await context.newPage();
      await page.goto(`${stage.worker.url}/`);
      try {
        await live(page, context);
      } catch (error) {
        const { stack } = /** @type {Error} */ (error);
        throw new Error(`${stack}\n\n${await lookOf(context)}`, { cause: error });
      }
      for (const { errors, astray } of watched) {
        assert.deepEqual(errors, [], "errors in the console");
        assert.deepEqual(astray, [], "requests to elsewhere, or with the token in the address");
      }
    } finally {
      await context.close();
    }
  }

  return { withPerson, open };
}

/**
 * What the browser shows, for the message of a failure.
 *
 * @param {BrowserContext} context
 */
async function lookOf(context) {
  const looks = context.pages().map(async (page) => {
    const text = await page.locator("body").innerText();
    return `The browser shows ${page.url()}:\n${text}`;
  });
  return (await Promise.all(looks)).join("\n\n");
}

/**
 * Answers for a server with a name of its own, on another site than the service.
 *
 * @param {{ url: string }} simulator
 * @param {import("playwright-core").Route} route
 */
async function answer(simulator, route) {
  const request = route.request();
  const { status, location, text, type } = await browse(simulator, request.url(), {
    method: request.method(),
    headers: await request.allHeaders(),
    body: request.postData() ?? undefined,
  });
  await route.fulfill({
    status,
    contentType: type,
    headers: location === undefined ? {} : { location },
    body: text,
  });
}

/**
 * Types where the account is, and goes to the server's page.
 *
 * @param {Page} page
 * @param {string} server
 * @param {string} button
 */
export async function goToServer(page, server, button = "Sign in with Mastodon") {
  await page.getByLabel("Your server or handle").fill(server);
  await press(page, button);
  await page.getByRole("heading", { name: "Authorization required" }).waitFor();
}

/**
 * Agrees, or does not, on the server's page.
 *
 * @param {Page} page
 * @param {string} person one of those that the page offers, or `person-N`
 * @param {string} button
 */
export async function decide(page, person, button = "Authorize") {
  const offered = page.locator(`input[type=radio][value="${person}"]`);
  if ((await offered.count()) === 0) {
    const first = page.locator("input[type=radio]").first();
    await first.evaluate((/** @type {HTMLInputElement} */ radio, name) => {
      radio.value = name;
    }, person);
  }
  await offered.check();
  await press(page, button);
}

/**
 * Signs in, and comes to the person's page.
 *
 * @param {Page} page
 * @param {string} server
 * @param {string} person
 */
export async function signIn(page, server, person) {
  await goToServer(page, server);
  await decide(page, person);
  await page.getByRole("heading", { level: 1, name: "Your page" }).waitFor();
}

/**
 * Chooses a picture and uses it as it is offered.
 *
 * @param {Page} page
 * @param {Buffer} picture
 */
export async function choosePicture(page, picture) {
  const asked = page.waitForEvent("filechooser");
  await page.getByLabel("A picture:").click();
  const chooser = await asked;
  await chooser.setFiles({ name: "me.png", mimeType: "image/png", buffer: picture });
  await page.locator("#crop canvas").waitFor();
  await press(page, "Use this picture");
  await page.getByRole("status").filter({ hasText: "picture is in place" }).waitFor();
}

/**
 * The digests of the frames that the person's page has, by number.
 *
 * @param {Page} page
 * @param {number} count
 */
export async function framesOf(page, count = 12) {
  const frames = await page.evaluate(async (count) => {
    const numbers = Array.from({ length: count }, (_, n) => n);
    return Promise.all(
      numbers.map(async (n) => {
        const answer = await fetch(`/account/frames/${n}`);
        return [...new Uint8Array(await answer.arrayBuffer())];
      }),
    );
  }, count);
  return frames.map((bytes) => sha256(Buffer.from(bytes)));
}
