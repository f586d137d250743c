/** What the tests of the page stand on: the built Worker's page in a browser, and an owner who uses it. */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { chromium } from "playwright-core";
import { FLAGS, findBrowser } from "./browser.js";
import { note } from "./emitted.js";
import { SECRETS, assertGuarded } from "./harness.js";

export const DESKTOP = { viewport: { width: 1280, height: 800 } };
export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true };
export const KEY = "rotate-icon-token";

/** Starts a browser for a test file's stage: `{ browser, withPage }`. */
export function usePages(stage) {
  const pages = { withPage };
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
   * Opens the page; afterwards it must have asked nobody else, the token must not
   * have been part of an address, where logs would keep it, and no error may be in
   * the console but those with a text that is `expected`.
   */
  async function withPage({ expected = [], signedIn = false, clock = false, ...options }, look) {
    // What a test changed of the settings holds from the next request through the harness.
    assertGuarded(await stage.worker.fetch("/health"));
    const context = await pages.browser.newContext({ ...DESKTOP, ...options });
    try {
      const page = await context.newPage();
      page.setDefaultTimeout(10_000);
      const [errors, astray] = [[], []];
      const isExpected = (text) => expected.some((part) => text.includes(part));
      page.on(
        "console",
        (message) =>
          message.type() === "error" && !isExpected(message.text()) && errors.push(message.text()),
      );
      page.on("pageerror", (error) => errors.push(String(error)));
      page.on("dialog", (dialog) => errors.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
      page.on("request", (request) => {
        const isHere = new URL(request.url()).origin === stage.worker.url;
        if (!isHere || request.url().includes(SECRETS.TRIGGER_TOKEN)) astray.push(request.url());
      });
      page.on(
        "response",
        (response) => response.url().startsWith("http") && note(response.url(), response.text()),
      );
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

export const tools = (page) => page.getByRole("region", { name: "Owner's tools" });
export const result = (page) => page.getByRole("status");
export const press = (page, name) => page.getByRole("button", { name, exact: true }).click();
export const tokenKept = (page) => page.evaluate((key) => localStorage.getItem(key), KEY);

/** Enters a token. */
export async function enter(page, token) {
  if (!(await page.getByLabel("Trigger token").isVisible()))
    await page.locator("summary", { hasText: "Owner" }).click();
  await page.getByLabel("Trigger token").fill(token);
  await press(page, "Sign in");
}

export async function signIn(page) {
  await enter(page, SECRETS.TRIGGER_TOKEN);
  await tools(page).waitFor();
}

/** Waits until the page says the result of something, and gives it. */
export async function said(page, expected) {
  await result(page).filter({ hasText: expected }).waitFor();
  return result(page).textContent();
}
