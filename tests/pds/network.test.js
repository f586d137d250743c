/**
 * The network that the tests of signing in stand on: the official server with its pages, under a
 * public name and over HTTPS, with a client that is nothing but that.
 */
import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import { useDeployed } from "./deployed.js";
import { useWorker } from "./hosts.js";
import { APP, DIRECTORY, DNS, OTHER_PDS, PDS } from "./network.js";
import { OAuthClient } from "./oauth-client.js";
import { profileRecord } from "./pds.js";
import {
  authorize,
  cancel,
  chooseAccount,
  deny,
  hintedName,
  revokeApp,
  signInThere,
} from "./provider-pages.js";

const ORIGIN = `https://${APP}`;
const deployed = useDeployed({ prepare });

/** @type {OAuthClient} */
let client;
/** @type {import("./pds.js").PdsAccount} */
let ada;

async function prepare({ network, pds }) {
  client = new OAuthClient(ORIGIN, `https://${PDS}`, network);
  await client.start();
  ada = await pds.account(profileRecord, "ada");
}
beforeEach(() => deployed.network.mend());

/**
 * Opens a new browser for `act`.
 *
 * @param {(page: import("playwright-core").Page) => Promise<unknown>} act
 */
async function withPage(act) {
  const context = await deployed.browser.newContext();
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    await act(page);
  } finally {
    await context.close();
  }
}

/** What the server has sent back to the client. @param {import("playwright-core").Page} page */
async function sentBack(page) {
  await page.waitForURL(`${ORIGIN}/callback?*`);
  return Object.fromEntries(new URL(page.url()).searchParams);
}

test("a confidential client signs somebody in, writes for them, and is signed out in the settings", async () => {
  await withPage(async (page) => {
    await page.goto(await client.authorize("first", { login_hint: ada.handle }));
    await signInThere(page, ada);
    await authorize(page);
    const { code, state, iss } = await sentBack(page);
    assert.deepEqual([state, iss], ["first", `https://${PDS}`]);
    const exchanged = await client.exchange(code);
    assert.deepEqual([exchanged.status, exchanged.json.sub], [200, ada.did]);
    assert.equal(
      exchanged.json.scope,
      client.scope,
      "the scopes are granted as they are asked for",
    );

    assert.equal((await client.refresh()).status, 200);
    const sessions = await ada.sessions();
    assert.deepEqual(
      sessions.map((session) => session.clientId),
      [client.clientId],
    );
    const put = () =>
      client.procedure("com.atproto.repo.putRecord", {
        repo: ada.did,
        collection: "app.bsky.actor.profile",
        rkey: "self",
        record: { ...profileRecord, displayName: "Put by the client" },
      });
    assert.equal((await put()).status, 200);
    assert.equal((await ada.profile()).rest.displayName, "Put by the client");

    await revokeApp(page, ada, client.clientId);
    assert.deepEqual(await ada.sessions(), []);
    assert.equal((await put()).status, 401);
    const { status, json } = await client.refresh();
    assert.deepEqual([status, json.error], [400, "invalid_grant"]);
  });
});

test("somebody refuses, signed in and not, and then signs in with an account from a list", async () => {
  await withPage(async (page) => {
    await page.goto(await client.authorize("second", { login_hint: ada.handle }));
    assert.equal(await hintedName(page), ada.handle);
    await cancel(page);
    const { error, state, iss } = await sentBack(page);
    assert.deepEqual([error, state, iss], ["access_denied", "second", `https://${PDS}`]);

    await page.goto(await client.authorize("third"));
    await signInThere(page, ada);
    await deny(page);
    assert.equal((await sentBack(page)).error, "access_denied");

    await page.goto(await client.authorize("fourth"));
    await chooseAccount(page, ada);
    await authorize(page);
    assert.equal((await client.exchange((await sentBack(page)).code)).status, 200);
  });
});

test("handles, DNS and the directory answer for an account, and follow it to another server", async () => {
  const { network, pds } = deployed;
  const mover = await pds.account(profileRecord, "mover");
  const asked = async (url) => (await network.request(url)).text;
  assert.equal(await asked(`https://${mover.handle}/.well-known/atproto-did`), mover.did);
  pds.names.set("mover.org", mover.did);
  const headers = { accept: "application/dns-json" };
  const question = `https://${DNS}/dns-query?name=_atproto.mover.org&type=TXT`;
  assert.match((await network.request(question, { headers })).text, new RegExp(mover.did));

  const other = await deployed.other();
  const handle = `mover.${OTHER_PDS}`;
  await mover.moveTo(other, handle);
  const { alsoKnownAs, service } = JSON.parse(await asked(`https://${DIRECTORY}/${mover.did}`));
  assert.deepEqual(alsoKnownAs, [`at://${handle}`]);
  assert.equal(service[0].serviceEndpoint, `https://${OTHER_PDS}`);
  assert.equal(await asked(`https://${handle}/.well-known/atproto-did`), mover.did);
  assert.deepEqual((await mover.profile()).rest, profileRecord);
});

test("the Worker's requests find the servers by their public names", async (t) => {
  const { network, pds } = deployed;
  const host = await useWorker(pds, { outbound: network.outbound });
  const icon = await host.open(t, {
    ...ada.settingsByHandle,
    BLUESKY_DIRECTORY: `https://${DIRECTORY}`,
    BLUESKY_DNS: `https://${DNS}`,
  });
  const entry = await icon.turn(3);
  assert.equal(entry.outcome, "turned", JSON.stringify(entry));
  assert.ok((await ada.profile()).picture.equals(await host.frame(3)));

  network.break({ host: PDS, how: "refuse" });
  const { outcome, message } = await icon.turn(4);
  assert.deepEqual(
    [outcome, message],
    ["retry", "Bluesky did not answer: the connection failed: Network connection lost."],
  );
});
