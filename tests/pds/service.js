/**
 * The service beside the official server, both as they are deployed, and people who use them in a
 * browser. What the service says can be compared with what the server has.
 */
import assert from "node:assert/strict";
import { beforeEach } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DevServerWorker } from "../worker/harness/dev-server.js";
import { frameSet, png, pngFrames, sha256 } from "../worker/harness/frames.js";
import { assertNoLeaks } from "../worker/harness/leaks.js";
import { DESKTOP, press, watch } from "../worker/harness/pages.js";
import { choosePicture, framesOf } from "../worker/harness/people.js";
import { SERVICE_KEY } from "../worker/harness/service.js";
import { useDeployed } from "./deployed.js";
import { APP, DIRECTORY, DNS, OTHER_PDS, PDS } from "./network.js";
import { profileRecord } from "./pds.js";
import { authorize, signInThere } from "./provider-pages.js";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("playwright-core").BrowserContext} BrowserContext */
/** @typedef {import("./pds.js").PdsAccount} PdsAccount */

export const SERVICE = `https://${APP}`;

/** The id of the service as a client of OAuth. */
export const CLIENT = `${SERVICE}/oauth/bluesky/client-metadata.json`;

/** The collection of the record that holds the frames. */
export const FRAMES = "app.rotate-icon.frames";

/**
 * The settings of a service that takes everybody.
 *
 * @param {Record<string, string>} [secrets]
 * @returns {import("../worker/harness/settings.js").Changes}
 */
const open = (secrets = {}) => ({
  networks: [],
  vars: {
    PUBLIC_URL: SERVICE,
    SIGN_UP: "open",
    CONTACT: "operator@icons.example",
    SHORTEST_SLOT: "1s",
    BLUESKY_SERVICE: "auto",
    BLUESKY_DIRECTORY: `https://${DIRECTORY}`,
    BLUESKY_DNS: `https://${DNS}`,
  },
  secrets: { SERVICE_KEY, ...secrets },
});

/** Each browser has an address of its own, so that the limits of one do not hold for the next. */
let addresses = 0;

/** Starts the service with all that is around it, before the first test of the file. */
export function useService() {
  /** @type {Record<string, string>} */
  let now = {};
  /** @type {DevServerWorker} */
  let worker;
  const serve = () => deployed.network.serve(APP, { url: worker.url, renames: true });
  const deployed = useDeployed({
    async prepare({ network, pds }) {
      worker = await DevServerWorker.start(pds, frameSet(pngFrames()), open(), {
        outbound: network.outbound,
        origin: { hostname: APP, secure: true },
      });
      serve();
    },
    close: () => worker?.close(),
  });
  beforeEach(() => deployed.network.mend());
  assertNoLeaks(() => {
    const { tokens } = deployed.network;
    assert.ok(tokens.length > 0, "tokens were given");
    return Object.fromEntries(tokens.map((token, n) => [`token ${n}`, token]));
  });

  /**
   * Makes an account on the server, with a picture.
   *
   * @param {string} name what its handle begins with
   */
  async function newAccount(name) {
    const account = await deployed.pds.account(profileRecord, name);
    const avatar = await account.upload(png(0.77), "image/png");
    await account.putProfile({ ...profileRecord, avatar });
    return account;
  }

  /**
   * How often a path of the server has been asked for since a number of requests.
   *
   * @param {string} path
   * @param {number} [since]
   */
  const asked = (path, since = 0) =>
    deployed.network.requests.slice(since).filter((one) => one.host === PDS && one.path === path)
      .length;

  /**
   * How often a call has succeeded since a number of requests. A proof without a nonce is refused
   * first.
   *
   * @param {string} call
   * @param {number} since
   */
  const succeeded = (call, since) =>
    deployed.network.requests
      .slice(since)
      .filter(({ path, status }) => path === `/xrpc/com.atproto.repo.${call}` && status === 200)
      .length;

  /**
   * Opens the front page in a new browser for `live`. Asserts afterwards that no page has asked
   * another host than the service and the servers, and that the console shows no error but those
   * that contain one of the texts `expected`.
   *
   * @param {(page: Page, context: BrowserContext) => Promise<unknown>} live
   * @param {{ expected?: string[] }} [options]
   */
  async function withPerson(live, { expected = [] } = {}) {
    addresses += 1;
    const context = await deployed.browser.newContext({
      ...DESKTOP,
      timezoneId: "UTC",
      extraHTTPHeaders: { "cf-connecting-ip": `198.51.100.${addresses}` },
    });
    context.setDefaultTimeout(15_000);
    try {
      const origins = [SERVICE, `https://${PDS}`, `https://${OTHER_PDS}`];
      /** @type {ReturnType<typeof watch>[]} */
      const watched = [];
      // What the servers' own pages lack is their affair.
      const passed = [...expected, `(https://${PDS}/`, `(https://${OTHER_PDS}/`];
      context.on("page", (page) => watched.push(watch(page, origins, passed)));
      const page = await context.newPage();
      await page.goto(SERVICE);
      try {
        await live(page, context);
      } catch (error) {
        const { stack } = /** @type {Error} */ (error);
        throw new Error(`${stack}\n\n${await lookOf(context)}`, { cause: error });
      }
      await pause(page);
      for (const { errors, astray } of watched) {
        assert.deepEqual(errors, [], "errors in the console");
        assert.deepEqual(astray, [], "requests to elsewhere");
      }
    } finally {
      await context.close();
    }
  }

  return {
    deployed,
    newAccount,
    asked,
    succeeded,
    withPerson,
    get worker() {
      return worker;
    },
    /**
     * Starts the Worker anew with what it has stored, and nothing in memory.
     *
     * @param {Record<string, string>} [secrets] in place of those of before
     */
    async restart(secrets = now) {
      now = secrets;
      await worker.restart(open(secrets));
      serve();
    },
  };
}

/** What the browser shows, for the message of a failure. @param {BrowserContext} context */
async function lookOf(context) {
  const looks = context.pages().map(async (page) => {
    const text = await page.locator("body").innerText();
    return `The browser shows ${page.url()}:\n${text}`;
  });
  return (await Promise.all(looks)).join("\n\n");
}

/**
 * Types where the account is, and goes to the server's page.
 *
 * @param {Page} page
 * @param {string} typed
 */
export async function goToServer(page, typed, button = "Sign in with Bluesky") {
  await page.locator("#bluesky-place").fill(typed);
  await press(page, button);
  await page.waitForURL(`https://${PDS}/oauth/authorize?*`);
}

/** The page of the person. @param {Page} page */
export const atHome = (page) =>
  page.getByRole("heading", { level: 1, name: "Your page" }).waitFor();

/**
 * Signs in, and comes to the person's page.
 *
 * @param {Page} page
 * @param {PdsAccount} account
 */
export async function signIn(page, account, typed = account.handle) {
  await goToServer(page, typed);
  await signInThere(page, account);
  await authorize(page);
  await atHome(page);
}

/**
 * Chooses a picture and how fast it turns, and presses Start.
 *
 * @param {Page} page
 * @param {object} [how]
 * @param {number} [how.slotS] how long each of the twelve frames is shown, in seconds; default: an hour
 */
export async function start(page, { slotS } = {}) {
  await choosePicture(page, png(0.3));
  if (slotS) {
    await page.getByLabel("A full rotation takes").selectOption("other");
    await page.getByLabel("Another time").fill(`${12 * slotS}s`);
  }
  await press(page, "Start");
  await inState(page, "Your picture is turning.");
}

/**
 * Pauses the turning, if there is any, so that the requests of the next test are its own.
 *
 * @param {Page} page
 */
async function pause(page) {
  await page.goto(`${SERVICE}/account`);
  const button = page.getByRole("button", { name: "Pause", exact: true });
  if (await button.isVisible()) await button.click();
}

/**
 * Waits until the person's page, opened anew each time, says something of the connection.
 *
 * @param {Page} page
 * @param {string | RegExp} words
 */
export async function waitFor(page, words, patienceMs = 20_000) {
  const end = performance.now() + patienceMs;
  for (;;) {
    await page.goto(`${SERVICE}/account`);
    const text = await connection(page).innerText();
    if (typeof words === "string" ? text.includes(words) : words.test(text)) return text;
    if (performance.now() > end) throw new Error(`nothing of ${words} in: ${text}`);
    await sleep(500);
  }
}

/** The state of the account, in the page's words. @param {Page} page @param {string} words */
export const inState = (page, words) =>
  page.locator(".current-frame", { hasText: words }).waitFor();

/** What the page says of the connection. @param {Page} page */
export const connection = (page) => page.locator("#connections");

/** Everything that the service says that it keeps of the person's account. @param {Page} page */
export const everything = (page) =>
  page.evaluate(async () => {
    const answer = await fetch("/account/export");
    const { account } = await answer.json();
    return account;
  });

/**
 * What the server has, as digests: the picture, and the frames that the record holds.
 *
 * @param {PdsAccount} account
 */
export async function held(account) {
  const { picture, rest } = await account.profile();
  const record = await account.record(FRAMES);
  const blobs = (record?.frames ?? []).map(({ ref }) => account.blob(ref.$link));
  return {
    picture: picture && sha256(picture),
    rest,
    record,
    frames: (await Promise.all(blobs)).map((blob) => blob && sha256(blob)),
  };
}

/**
 * Asserts that the server shows one of the frames that the person's page has, and holds no others.
 *
 * @param {Page} page
 * @param {PdsAccount} account
 */
export async function assertTurned(page, account) {
  const own = await framesOf(page);
  const { picture, frames } = await held(account);
  assert.ok(own.includes(picture), "the profile shows a frame of the page's");
  assert.ok(frames.includes(picture), "the record holds it");
  for (const frame of frames) assert.ok(own.includes(frame), "what the record holds is a frame");
}
