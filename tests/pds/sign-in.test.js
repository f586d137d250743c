/** People sign in with Bluesky, on the official server's own pages. */
import assert from "node:assert/strict";
import test from "node:test";
import { press, said } from "../worker/harness/pages.js";
import { PDS } from "./network.js";
import {
  authorize,
  cancel,
  chooseAccount,
  deny,
  hintedName,
  signInThere,
} from "./provider-pages.js";
import {
  CLIENT,
  SERVICE,
  atHome,
  connection,
  everything,
  goToServer,
  held,
  inState,
  signIn,
  useService,
} from "./service.js";

const { withPerson, newAccount, asked } = useService();

/** What the server is asked for, and no more. */
const SCOPES = [
  "atproto",
  "blob:image/*",
  "repo:app.bsky.actor.profile?action=create&action=update",
  "repo:app.rotate-icon.frames",
];

const REFUSED = "was not given access to your account on Bluesky. Nothing has changed.";

test("by handle: the server is found, asked for little, and nothing is touched", async () => {
  const account = await newAccount("handle");
  const before = await held(account);
  await withPerson(async (page) => {
    await goToServer(page, `@${account.handle}`);
    assert.equal(await hintedName(page), account.handle, "the server knows whom to ask");
    await signInThere(page, account);
    await authorize(page);
    await atHome(page);
    await inState(page, "Nothing turns yet.");
    await connection(page)
      .filter({ hasText: `@${account.handle}` })
      .waitFor();
    assert.match(await connection(page).innerText(), /The picture there has not been touched/);

    const [session, ...others] = await account.sessions();
    assert.deepEqual(others, []);
    assert.equal(session.clientId, CLIENT);
    assert.equal(session.clientAuth.method, "private_key_jwt");
    assert.deepEqual(session.scope.split(" ").sort(), SCOPES);
    assert.deepEqual(await held(account), before);
    const { connections } = await everything(page);
    assert.deepEqual(
      connections.map(({ network, name }) => [network, name]),
      [["bluesky", `@${account.handle}`]],
    );
  });
});

for (const [what, typedFor] of /** @type {const} */ ([
  ["its server alone", () => PDS],
  ["its server's address", () => `https://${PDS}/`],
  ["its id", (account) => account.did],
  ["a link to its profile", (account) => `https://bsky.app/profile/${account.handle}`],
  ["its handle in capitals", (account) => account.handle.toUpperCase()],
])) {
  test(`somebody signs in who types ${what}`, async () => {
    const account = await newAccount("typed");
    await withPerson(async (page) => {
      await signIn(page, account, typedFor(account));
      await connection(page)
        .filter({ hasText: `@${account.handle}` })
        .waitFor();
      assert.equal((await account.sessions()).length, 1);
    });
  });
}

test("a handle that DNS proves signs in", async () => {
  const account = await newAccount("domain");
  await account.claim("somebody.org");
  await withPerson(async (page) => {
    await signIn(page, account, "somebody.org");
    await connection(page).filter({ hasText: "@somebody.org" }).waitFor();
  });
});

test("what names nobody is told beside what was typed", async () => {
  await withPerson(
    async (page) => {
      for (const typed of [`nobody-at-all.${PDS}`, "nobody.org", "http://printer.local"]) {
        await page.locator("#bluesky-place").fill(typed);
        await press(page, "Sign in with Bluesky");
        await page.getByRole("alert").waitFor();
        assert.equal(await page.locator("#bluesky-place").inputValue(), typed);
      }
    },
    { expected: ["status of 422"] },
  );
});

test("who refuses comes back as before, signed in there or not", async () => {
  const account = await newAccount("refuses");
  await withPerson(async (page) => {
    await goToServer(page, account.handle);
    await cancel(page);
    await said(page, REFUSED);
    await goToServer(page, account.handle);
    await signInThere(page, account);
    await deny(page);
    await said(page, REFUSED);
    assert.deepEqual(await account.sessions(), []);
    // And agrees after all.
    await goToServer(page, PDS);
    await chooseAccount(page, account);
    await authorize(page);
    await atHome(page);
    assert.equal((await account.sessions()).length, 1);
  });
});

test("who goes back from the server can sign in, and going back later harms nothing", async () => {
  const account = await newAccount("back");
  await withPerson(
    async (page) => {
      await goToServer(page, account.handle);
      await page.goBack();
      await page.goto(SERVICE);
      /** @type {string[]} */
      const returns = [];
      page.on("request", (request) => {
        if (request.url().startsWith(`${SERVICE}/callback/`)) returns.push(request.url());
      });
      await signIn(page, account);
      const [returned] = returns;
      const exchanges = asked("/oauth/token");
      await page.goBack();
      await page.goto(returned);
      await page.getByText("Sign in again").first().waitFor();
      assert.equal(
        asked("/oauth/token"),
        exchanges,
        "no code is sent twice: that ends the session",
      );
      await page.goto(`${SERVICE}/account`);
      await atHome(page);
      assert.equal((await account.sessions()).length, 1);
    },
    { expected: ["status of 4"] },
  );
});

test("two tabs can sign in at once", async () => {
  const [one, other] = [await newAccount("tab"), await newAccount("tab")];
  await withPerson(async (first, browser) => {
    await goToServer(first, one.handle);
    const second = await browser.newPage();
    await second.goto(SERVICE);
    await goToServer(second, other.handle);
    await signInThere(second, other);
    await authorize(second);
    await connection(second)
      .filter({ hasText: `@${other.handle}` })
      .waitFor();
    await signInThere(first, one);
    await authorize(first);
    await atHome(first);
    await first.reload();
    await connection(first)
      .filter({ hasText: `@${one.handle}` })
      .waitFor();
    // Both are accounts here. The browser is signed in to the last, and the other is not mixed in.
    for (const account of [one, other]) {
      await connection(first)
        .filter({ hasText: `@${account.handle}` })
        .waitFor();
      const { connections } = await everything(first);
      assert.deepEqual(
        connections.map(({ name }) => name),
        [`@${account.handle}`],
      );
      assert.equal((await account.sessions()).length, 1);
      if (account === other) break;
      await press(first, "Sign out");
      await first.locator("#bluesky-place").fill(other.handle);
      await press(first, "Sign in with Bluesky");
      await atHome(first);
    }
  });
});

test("signing in anew ends the session of before", async () => {
  const account = await newAccount("anew");
  await withPerson(async (page) => {
    await signIn(page, account);
    const [before] = await account.sessions();
    await press(page, "Sign out");
    // The server remembers the browser and its consent, and asks for nothing.
    await page.locator("#bluesky-place").fill(account.handle);
    await press(page, "Sign in with Bluesky");
    await atHome(page);
    const [after, ...others] = await account.sessions();
    assert.deepEqual(others, []);
    assert.notEqual(after.createdAt, before.createdAt);
  });
});
