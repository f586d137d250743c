/**
 * Takes the screenshot of the page for the documentation: starts everything as `npm start` does,
 * with the sample icon, and writes docs/status-page.png.
 */
import path from "node:path";
import { chromium } from "playwright-core";
import sharp from "sharp";
import { FLAGS, findBrowser } from "./lib/browser.js";
import { UserError, main, root, say, start, stopAll } from "./lib/run.js";

const picture = "docs/status-page.png";
// Not the usual ports, which an `npm start` may be using.
const [port, simulatorPort] = ["9787", "9788"];

/**
 * Starts everything, and returns the Worker's URL once the icon has turned.
 *
 * @returns {Promise<string>}
 */
function turned() {
  return new Promise((resolve, reject) => {
    const args = ["scripts/start.js", "--port", port, "--simulator-port", simulatorPort];
    const started = start("node", args, {
      onLine: (line) => {
        const [, worker] = /(http:\S+)\/health$/.exec(line) ?? [];
        if (worker) resolve(worker);
      },
    });
    started.ended.then(() =>
      reject(new UserError(`npm start ended:\n${started.log.slice(-30).join("\n")}`)),
    );
  });
}

await main(async () => {
  say("Starting the local X and the Worker …");
  const worker = await turned();
  const browser = await chromium.launch({ executablePath: findBrowser(), args: FLAGS });
  try {
    const page = await browser.newPage({
      viewport: { width: 1200, height: 650 },
      deviceScaleFactor: 1.5,
      colorScheme: "light",
    });
    await page.goto(`${worker}/`, { waitUntil: "networkidle" });
    const file = await page.screenshot();
    await sharp(file)
      .png({ palette: true, quality: 100, effort: 10 })
      .toFile(path.join(root, picture));
  } finally {
    await browser.close();
  }
  await stopAll();
  say(`Wrote ${picture}.`);
});
