/** Finds the browser that tests and screenshots use. */
import { accessSync, constants } from "node:fs";

const USUAL = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** Flags for a Chromium that opens no window and sends no request of its own. */
export const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** @param {string} file */
function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Returns the path of a Chromium: the one that CHROME_PATH names, or else the first of `usual`.
 * Throws an error that says how to get one if there is none.
 *
 * @param {Record<string, string | undefined>} environment
 */
export function findBrowser(environment = process.env, usual = USUAL) {
  const { CHROME_PATH: given } = environment;
  if (given) {
    if (isProgram(given)) return given;
    throw new Error(
      `CHROME_PATH is ${given}, where no program is: set it to a Chromium or Chrome, or unset it.`,
    );
  }
  const found = usual.find(isProgram);
  if (found) return found;
  throw new Error(
    `There is no browser at ${usual.join(", ")}: install one (apt install chromium), or set CHROME_PATH to a Chromium or Chrome.`,
  );
}
