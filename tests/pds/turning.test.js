/**
 * The icons of people who have signed in with Bluesky turn for hours of a few seconds each, while
 * what can happen to a sign-in happens; and what the server has is compared with what is said.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { png, sha256 } from "../worker/harness/frames.js";
import { press, said } from "../worker/harness/pages.js";
import { framesOf } from "../worker/harness/people.js";
import { authorized } from "../worker/harness/requests.js";
import { SERVICE_KEY } from "../worker/harness/service.js";
import { APP, OTHER_PDS, PDS } from "./network.js";
import { profileRecord } from "./pds.js";
import { authorize, hintedName, revokeApp, signInThere } from "./provider-pages.js";
import {
  CLIENT,
  FRAMES,
  SERVICE,
  assertTurned,
  atHome,
  connection,
  everything,
  held,
  inState,
  signIn,
  start,
  useService,
  waitFor,
} from "./service.js";

const service = useService();
const { deployed, withPerson, newAccount, asked, succeeded } = service;

/** The picture of an account that {@link newAccount} makes. */
const BEFORE = sha256(png(0.77));

const SLOT_S = 2;

/** @param {import("playwright-core").Page} page */
const journalOf = async (page) => (await everything(page)).journal;

/**
 * Waits for so many slots.
 *
 * @param {number} slots
 */
const pass = (slots) => sleep(slots * SLOT_S * 1000);

/** A request as the owner. @param {string} where @param {string} [method] */
async function asOwner(where, method = "POST") {
  const response = await service.worker.fetch(where, authorized({ method }));
  const text = await response.text();
  assert.ok(response.ok, `${where}: ${response.status} ${text}`);
  return JSON.parse(text);
}

test("for a whole rotation, with a new token each turn, the server has what the journal says", async () => {
  const { pds } = deployed;
  const account = await newAccount("hours");
  // A token lives as long as a slot, as on a server where it lives an hour.
  await pds.issueTokensFor(SLOT_S);
  try {
    await withPerson(async (page) => {
      await signIn(page, account);
      const [{ createdAt }] = await account.sessions();
      let since = deployed.network.requests.length;
      await start(page, { slotS: SLOT_S });
      await connection(page).filter({ hasText: "Shows" }).waitFor();
      assert.equal(
        sha256(await account.blob((await held(account)).record.before.ref.$link)),
        BEFORE,
      );
      const refreshes = asked("/oauth/token");
      await pass(13);
      await press(page, "Pause");
      await inState(page, "Paused.");
      await assertTurned(page, account);

      const { frames, rest } = await held(account);
      assert.deepEqual(rest, profileRecord, "the picture alone was changed");
      const own = await framesOf(page);
      assert.deepEqual(
        [...frames].sort(),
        [...own].sort(),
        "the record holds all frames, once each",
      );
      assert.equal(succeeded("uploadBlob", since), 12, "each frame was uploaded once");

      const turns = (await journalOf(page)).filter(({ outcome }) => outcome === "turned");
      assert.ok(turns.length >= 12, `${turns.length} turns`);
      const twice = turns.slice(1).filter(({ frame }, n) => frame === turns[n].frame);
      assert.deepEqual(twice, [], "one a slot");
      const [last] = turns;
      assert.equal(own[last.frame], (await held(account)).picture);

      assert.ok(asked("/oauth/token") - refreshes >= 8, "tokens were refreshed on the way");
      const [session, ...others] = await account.sessions();
      assert.deepEqual(others, []);
      assert.equal(session.createdAt, createdAt, "it is the session of the sign-in still");

      // Frames that are held are not sent again.
      since = deployed.network.requests.length;
      await press(page, "Resume");
      await inState(page, "Your picture is turning.");
      await pass(3);
      await press(page, "Pause");
      await inState(page, "Paused.");
      assert.equal(succeeded("uploadBlob", since), 0);

      await press(page, "Put my own picture back");
      await said(page, "shows the picture from before");
      assert.equal((await held(account)).picture, BEFORE, "the same bytes, by reference");
    });
  } finally {
    await pds.issueTokensFor(3600);
  }
});

test("what the person changes in the app meanwhile stays", async () => {
  const account = await newAccount("edits");
  await withPerson(async (page) => {
    await signIn(page, account);
    await start(page);
    const { avatar } = await account.profile();
    const changed = { ...profileRecord, description: "Changed in the app" };
    await account.putProfile({ ...changed, avatar });
    await press(page, "Turn now");
    await said(page, "Bluesky");
    assert.deepEqual((await held(account)).rest, changed);
    await assertTurned(page, account);
  });
});

test("revoked in the account's settings: the page says so, and one step mends it", async () => {
  const account = await newAccount("revoked");
  await withPerson(async (page, browser) => {
    await signIn(page, account);
    await start(page, { slotS: SLOT_S });
    const settings = await browser.newPage();
    await revokeApp(settings, account, CLIENT);
    await settings.close();
    assert.deepEqual(await account.sessions(), []);
    const { picture } = await held(account);

    const text = await waitFor(page, "Sign in again");
    assert.match(text, /signed out|no longer|revoked/i);
    const tokens = asked("/oauth/token");
    await pass(2);
    assert.equal(asked("/oauth/token"), tokens, "the server is left alone");
    assert.equal((await held(account)).picture, picture);

    await press(page, "Sign in again");
    const consent = page.getByRole("button", { name: "Authorize", exact: true });
    const home = page.getByRole("heading", { level: 1, name: "Your page" });
    await page.waitForURL((url) => url.pathname !== "/account");
    await consent.or(home).first().waitFor();
    if (await consent.isVisible()) await consent.click();
    await atHome(page);
    await waitFor(page, "Shows");
    await inState(page, "Your picture is turning.");
    await assertTurned(page, account);
    assert.equal((await account.sessions()).length, 1);
  });
});

test("under another handle the icon turns on, and the name follows at the next sign-in", async () => {
  const account = await newAccount("renames");
  await withPerson(async (page) => {
    await signIn(page, account);
    await start(page, { slotS: SLOT_S });
    const old = account.handle;
    await account.rename(old.replace("renames", "renamed"));
    const turns = (await journalOf(page)).length;
    await pass(3);
    assert.ok((await journalOf(page)).length > turns);
    assert.ok((await journalOf(page)).every(({ outcome }) => outcome === "turned"));
    await assertTurned(page, account);
    await page.goto(`${SERVICE}/account`);
    await press(page, "Sign out");
    await page.locator("#bluesky-place").fill(account.handle);
    await press(page, "Sign in with Bluesky");
    await atHome(page);
    await inState(page, "Your picture is turning.");
    await connection(page)
      .filter({ hasText: `@${account.handle}` })
      .waitFor();
  });
});

test("an account that has moved to another server is told as that, and goes on there", async () => {
  const account = await newAccount("moves");
  const other = await deployed.other();
  await withPerson(async (page) => {
    await signIn(page, account);
    await start(page, { slotS: SLOT_S });
    await account.moveTo(other, `moved.${OTHER_PDS}`);
    const text = await waitFor(page, "Sign in again");
    assert.match(text, new RegExp(OTHER_PDS));

    // Its handle is another one there.
    await press(page, "Sign in again");
    await page.waitForURL(`https://${OTHER_PDS}/oauth/authorize?*`);
    assert.equal(await hintedName(page), account.handle);
    await signInThere(page, account);
    await authorize(page);
    await atHome(page);
    await waitFor(page, "Shows");
    await inState(page, "Your picture is turning.");
    await assertTurned(page, account);
    assert.equal((await account.sessions()).length, 1);
  });
});

test("who leaves has their own picture back, and nothing of the service is left on the server", async () => {
  const account = await newAccount("leaves");
  await withPerson(async (page) => {
    await signIn(page, account);
    await start(page);
    await assertTurned(page, account);
    await page.getByRole("link", { name: "Delete everything" }).click();
    await press(page, "Delete everything");
    await page.getByRole("heading", { name: "Profile picture clock" }).waitFor();
    const { picture, rest, record } = await held(account);
    assert.equal(picture, BEFORE);
    assert.deepEqual(rest, profileRecord);
    assert.equal(record, undefined, "the record of frames is gone");
    assert.deepEqual(await account.sessions(), []);
  });
});

test("who leaves with a profile as it is keeps the frame that is shown", async () => {
  const account = await newAccount("stays");
  await withPerson(async (page) => {
    await signIn(page, account);
    await start(page);
    const { picture } = await held(account);
    await page.locator("summary", { hasText: "Disconnect" }).click();
    await page.getByRole("checkbox", { name: "Put my own picture back first" }).uncheck();
    await press(page, "Disconnect Bluesky");
    await page.getByText("No network is connected, so nothing turns.").waitFor();
    assert.equal((await held(account)).picture, picture);
    assert.equal(await account.record(FRAMES), undefined);
    assert.deepEqual(await account.sessions(), []);
  });
});

test("where the session is gone, who leaves is told how to remove the record", async () => {
  const account = await newAccount("cut");
  await withPerson(async (page, browser) => {
    await signIn(page, account);
    await start(page);
    const settings = await browser.newPage();
    await revokeApp(settings, account, CLIENT);
    await settings.close();
    await page.goto(`${SERVICE}/account/delete`);
    const box = page.getByRole("checkbox", { name: /Put my own picture back first/ });
    if (await box.isVisible()) await box.uncheck();
    await press(page, "Delete everything");
    await page.getByText(FRAMES).waitFor();
    assert.notEqual(await account.record(FRAMES), undefined);
    assert.ok(page.url().startsWith(SERVICE) && !page.url().includes(PDS));
  });
});

test("the keys are rotated, and those who are signed in stay so", async () => {
  const account = await newAccount("keys");
  const newKey = Buffer.alloc(32, "another key of the service").toString("base64");
  /** @param {import("playwright-core").Page} page */
  const live = async (page) => {
    await signIn(page, account);
    await start(page, { slotS: SLOT_S });
    // The key that encrypts.
    await service.restart({ SERVICE_KEY: `${newKey} ${SERVICE_KEY}` });
    const failed = [];
    for (let next = ""; next !== null; ) {
      const part = await asOwner(`/keys/rotation${next && `?next=${encodeURIComponent(next)}`}`);
      failed.push(...part.failed);
      next = part.next;
    }
    assert.deepEqual(failed, []);
    await service.restart({ SERVICE_KEY: newKey });
    await pass(2);
    await page.goto(`${SERVICE}/account`);
    await inState(page, "Your picture is turning.");
    await assertTurned(page, account);

    // The key that signs: another is added, and the session stays with its own.
    const { keys } = await asOwner("/keys/client", "GET");
    assert.equal((await account.sessions())[0].clientAuth.kid, keys[0].id);
    const added = await asOwner("/keys/client");
    const published = await deployed.network.request(`https://${APP}/oauth/jwks.json`);
    assert.equal(JSON.parse(published.text).keys.length, 2);
    await pass(2);
    await assertTurned(page, account);

    // The old one is deleted, as after a theft: who has signed in with it is asked to do it anew.
    await asOwner(`/keys/client/${keys[0].id}`, "DELETE");
    await deployed.pds.restart();
    await waitFor(page, "Sign in again");
    await press(page, "Sign in again");
    const consent = page.getByRole("button", { name: "Authorize", exact: true });
    const password = page.getByRole("textbox", { name: "Password" });
    const home = page.getByRole("heading", { level: 1, name: "Your page" });
    await page.waitForURL((url) => url.pathname !== "/account");
    await consent.or(password).or(home).first().waitFor();
    if (await password.isVisible()) await signInThere(page, account);
    await consent.or(home).first().waitFor();
    if (await consent.isVisible()) await consent.click();
    await atHome(page);
    const sessions = await account.sessions();
    const newest = sessions.map(({ clientAuth }) => clientAuth.kid).pop();
    assert.equal(newest, added.keys.find(({ id }) => id !== keys[0].id).id);
    await waitFor(page, "Shows");
    await assertTurned(page, account);
  };
  // The page asks for its frames while the service starts anew.
  await withPerson(live, { expected: ["ERR_EMPTY_RESPONSE"] });
});
