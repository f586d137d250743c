/**
 * What people read on their page when their account on Bluesky is closed, its server is down, or an
 * answer was lost on the way; and that their icons turn on where nothing else is needed.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { press } from "../worker/harness/pages.js";
import { PDS } from "./network.js";
import {
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

const SLOT_S = 2;

/**
 * Has the service forget for how long it leaves servers alone, as it does when it starts anew.
 *
 * @param {import("playwright-core").Page} page
 */
async function forgetPauses(page) {
  await page.goto("about:blank");
  await service.restart();
}

for (const [state, close, words, after] of /** @type {const} */ ([
  ["deactivated", (account) => account.deactivate(), /deactivated/, "reactivates it"],
  ["taken down", (account) => account.takeDown(), /taken.+down|took.+down/s, "is signed out"],
  ["deleted", (account) => account.delete(), /gone|deleted/, "is signed out"],
])) {
  test(`an account that is ${state} is told as that; its owner ${after}`, async () => {
    const account = await newAccount("closed");
    await withPerson(async (page) => {
      await signIn(page, account);
      await start(page, { slotS: SLOT_S });
      await close(account);
      const text = await waitFor(page, words);
      assert.match(text, /What to do:/);
      if (state !== "deactivated") return;
      await account.activate();
      // Held back for a while after a refusal: the person need not wait.
      await press(page, "Turn now");
      await waitFor(page, "Shows");
      await assertTurned(page, account);
      assert.equal((await account.sessions()).length, 1, "it is the same session");
    });
  });
}

test("a server that is down for a while is waited for, without a burst when it is back", async () => {
  const account = await newAccount("down");
  const { network } = deployed;
  await withPerson(async (page) => {
    await signIn(page, account);
    await start(page, { slotS: SLOT_S });
    const [session] = await account.sessions();
    for (const how of /** @type {const} */ (["refuse", "fail"])) {
      const down = network.break({ host: PDS, how });
      const text = await waitFor(page, /did not answer|502|not reached|down/i);
      assert.doesNotMatch(text, /Sign in again/);
      await sleep(4 * SLOT_S * 1000);
      assert.ok(down.hits > 0);
      network.mend();
      const since = network.requests.length;
      await sleep(3 * SLOT_S * 1000);
      const puts = succeeded("putRecord", since);
      // Each new frame is put twice, into the record and the profile, and those of the slots that
      // have passed are not.
      assert.ok(puts > 0 && puts <= 2 * 5, `${puts} records were put`);
      await page.goto(`${SERVICE}/account`);
      await inState(page, "Your picture is turning.");
      await assertTurned(page, account);
    }
    assert.equal((await account.sessions())[0].createdAt, session.createdAt);
  });
});

test("where the answer to a refresh is lost, the person signs in again, and nothing else is lost", async () => {
  const account = await newAccount("lost");
  const { network, pds } = deployed;
  await withPerson(async (page) => {
    await pds.issueTokensFor(SLOT_S);
    await signIn(page, account);
    await start(page, { slotS: SLOT_S });
    const lost = network.break({ host: PDS, path: "/oauth/token", how: "lose", times: 1 });
    await waitFor(page, "did not renew the sign-in");
    await pds.issueTokensFor(3600);
    assert.equal(lost.hits, 1);
    await forgetPauses(page);
    await page.goto(`${SERVICE}/account`);
    await press(page, "Turn now");
    await waitFor(page, "Sign in again");
    assert.deepEqual(await account.sessions(), [], "the server has ended the session");
    const tokens = asked("/oauth/token");
    await sleep(2 * SLOT_S * 1000);
    assert.equal(asked("/oauth/token"), tokens, "a token that was sent is not sent again");

    const before = (await everything(page)).journal.length;
    await press(page, "Sign in again");
    await atHome(page);
    await waitFor(page, "Shows");
    await inState(page, "Your picture is turning.");
    await assertTurned(page, account);
    assert.ok((await everything(page)).journal.length > before);
    assert.match(await connection(page).innerText(), new RegExp(account.handle));
  });
});

test("where a refresh does not reach the server, turns go on and the next one does", async () => {
  const account = await newAccount("unreached");
  const { network, pds } = deployed;
  await withPerson(async (page) => {
    // They are renewed minutes before they end.
    await pds.issueTokensFor(120);
    await signIn(page, account);
    const [session] = await account.sessions();
    const lost = network.break({ host: PDS, path: "/oauth/token", how: "refuse", times: 1 });
    await start(page, { slotS: SLOT_S });
    await pds.issueTokensFor(3600);
    await sleep(2 * SLOT_S * 1000);
    assert.equal(lost.hits, 1);
    const [same] = await account.sessions();
    assert.equal(same.updatedAt, session.updatedAt, "they were not renewed");
    assert.ok((await everything(page)).journal.every(({ outcome }) => outcome === "turned"));

    await forgetPauses(page);
    await sleep(2 * SLOT_S * 1000);
    const [renewed, ...others] = await account.sessions();
    assert.deepEqual([renewed.createdAt, others], [session.createdAt, []]);
    assert.notEqual(renewed.updatedAt, session.updatedAt);
    await waitFor(page, "Shows");
    await assertTurned(page, account);
  });
});

test("where the answer to a turn is lost, the next one finds what the server has", async () => {
  const account = await newAccount("unheard");
  const { network } = deployed;
  await withPerson(async (page) => {
    await signIn(page, account);
    await start(page, { slotS: SLOT_S });
    const path = "/xrpc/com.atproto.repo.putRecord";
    const lost = network.break({ host: PDS, path, how: "lose", times: 1 });
    await sleep(3 * SLOT_S * 1000);
    assert.equal(lost.hits, 1);
    await waitFor(page, "Shows");
    await assertTurned(page, account);
    const { frames } = await held(account);
    assert.equal(new Set(frames).size, frames.length, "no frame is held twice");
  });
});
