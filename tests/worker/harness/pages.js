/** The Worker's page in a browser, and an owner who uses it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before } from "node:test";
import { chromium } from "playwright-core";
import { FLAGS, findBrowser } from "../../../scripts/lib/browser.js";
import { assertGuarded } from "./assertions.js";
import { record } from "./leaks.js";
import { SECRETS } from "./secrets.js";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("playwright-core").Browser} Browser */

/** What judges whether everybody can use a page. */
export const axe = readFileSync(
  path.resolve(import.meta.dirname, "../../../node_modules/axe-core/axe.min.js"),
  "utf8",
);

export const DESKTOP = { viewport: { width: 1280, height: 800 } };
export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true };

/** The key of the token in `localStorage`. */
export const KEY = "rotate-icon-token";

/**
 * How a page is opened, besides Playwright's own options of a context.
 *
 * @typedef {object} Opening
 * @property {string[]} [expected] parts of the console's errors that are no failure
 * @property {boolean} [signedIn] whether the owner signs in
 * @property {boolean} [clock] whether the test sets the page's clock
 */

/**
 * Starts a browser that runs until the last test of the file. Returns `withPage`, and in `browser`
 * the browser, once the first test begins.
 *
 * @param {{ worker: { url: string, fetch(where: string): Promise<Response> } }} stage
 */
export function usePages(stage) {
  const pages = { withPage, browser: /** @type {Browser} */ (/** @type {unknown} */ (undefined)) };
  before(async () => {
    pages.browser = await chromium.launch({
      executablePath: findBrowser(),
      args: FLAGS,
      timeout: 120_000,
    });
  });
  after(async () => {
    await pages.browser?.close();
  });

  /**
   * Opens the page for `look`. Asserts afterwards that the page has asked no other host, that no
   * address held the token (logs keep addresses), and that the console shows no error but those
   * that contain one of the texts `expected`.
   *
   * @param {Opening & import("playwright-core").BrowserContextOptions} opening
   * @param {(page: Page) => unknown} look
   */
  async function withPage({ expected = [], signedIn = false, clock = false, ...options }, look) {
    // Settings that the test has changed take effect with a request through the harness.
    assertGuarded(await stage.worker.fetch("/health"));
    const context = await pages.browser.newContext({ ...DESKTOP, ...options });
    try {
      const page = await context.newPage();
      page.setDefaultTimeout(10_000);
      const { errors, astray } = watch(page, [stage.worker.url], expected);
      if (clock) await page.clock.install();
      await page.goto(`${stage.worker.url}/`, { waitUntil: "networkidle" });
      if (signedIn) await signIn(page);
      await look(page);
      assert.deepEqual(errors, [], "errors in the console");
      assert.deepEqual(astray, [], "requests to elsewhere, or with the token in the address");
    } finally {
      await context.close();
    }
  }

  return pages;
}

/**
 * Records what a page loads. Returns two lists that grow: the errors of its console, and the
 * requests that it must not make.
 *
 * @param {Page} page
 * @param {string[]} origins those that it may ask
 * @param {string[]} expected parts of errors that are left out
 */
export function watch(page, origins, expected) {
  /** @type {string[]} */
  const errors = [];
  /** @type {string[]} */
  const astray = [];
  page.on("console", (message) => {
    const text = `${message.text()} (${message.location().url})`;
    if (message.type() === "error" && !expected.some((part) => text.includes(part))) {
      errors.push(text);
    }
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("dialog", (dialog) => {
    errors.push(`dialog: ${dialog.message()}`);
    return dialog.dismiss();
  });
  page.on("request", (request) => {
    const isKnown = origins.includes(new URL(request.url()).origin);
    if (!isKnown || request.url().includes(SECRETS.TRIGGER_TOKEN)) astray.push(request.url());
  });
  page.on("response", (response) => {
    if (response.url().startsWith("http")) record(response.url(), response.text());
  });
  return { errors, astray };
}

/** The owner's tools. @param {Page} page */
export const tools = (page) => page.getByRole("region", { name: "Owner's tools" });

/** Where the page says how an action ended. @param {Page} page */
export const result = (page) => page.getByRole("status");

/**
 * Clicks a button.
 *
 * @param {Page} page
 * @param {string} name
 */
export const press = (page, name) => page.getByRole("button", { name, exact: true }).click();

/** The token that the browser has stored. @param {Page} page */
export const tokenKept = (page) => page.evaluate((key) => localStorage.getItem(key), KEY);

/**
 * Submits a token.
 *
 * @param {Page} page
 * @param {string} token
 */
export async function enter(page, token) {
  if (!(await page.getByLabel("Trigger token").isVisible())) {
    await page.locator("summary", { hasText: "Owner" }).click();
  }
  await page.getByLabel("Trigger token").fill(token);
  await press(page, "Sign in");
}

/** Signs in as the owner. @param {Page} page */
export async function signIn(page) {
  await enter(page, SECRETS.TRIGGER_TOKEN);
  await tools(page).waitFor();
}

/**
 * Waits until the page reports a result that matches, and returns the report.
 *
 * @param {Page} page
 * @param {string | RegExp} expected
 */
export async function said(page, expected) {
  await result(page).filter({ hasText: expected }).waitFor();
  return (await result(page).textContent()) ?? "";
}

/**
 * Asserts that nothing has to be scrolled sideways.
 *
 * @param {Page} page
 */
export async function assertFits(page) {
  const [needed, there] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    window.innerWidth,
  ]);
  assert.ok(needed <= there, `${page.url()}: ${needed} px wide on ${there} px`);
}

/**
 * Lets axe-core, which the page has, judge the page as it is.
 *
 * @param {Page} page
 */
export async function assertAccessible(page) {
  const violations = await page.evaluate(async () => {
    const { violations, passes } = await /** @type {any} */ (globalThis).axe.run();
    if (passes.length < 10) throw new Error("axe-core saw no page");
    return violations.map((/** @type {any} */ { id, help, nodes }) => ({
      id,
      help,
      nodes: nodes.map((/** @type {any} */ node) => node.html),
    }));
  });
  assert.deepEqual(violations, [], page.url());
}
