/**
 * People in a browser: they come to the service, sign in on their server's page, and look after
 * their page; on a desktop and on phones, light and dark, by keyboard, without JavaScript, and as
 * axe-core judges it. What the pages' forms do is told in `service.test.js`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { png, sha256 } from "./harness/frames.js";
import { useInternet } from "./harness/internet.js";
import {
  DESKTOP,
  PHONE,
  assertAccessible,
  assertFits,
  enter,
  press,
  said,
  tools,
} from "./harness/pages.js";
import {
  choosePicture,
  decide,
  framesOf,
  goToServer,
  signIn,
  usePeople,
} from "./harness/people.js";
import { SECRETS } from "./harness/secrets.js";
import { SERVERS, SERVICE_KEY } from "./harness/service.js";
import { useStage } from "./harness/stage.js";

/** @typedef {import("playwright-core").Page} Page */

const stage = useStage({ simulate: SERVERS });
useInternet(() => stage.simulator);
const { withPerson } = usePeople(stage);

/** The zone of the browsers: it is nobody's default. */
const timezoneId = "Asia/Kathmandu";
/** What browsers call it: Chromium has the name from before 2008. */
const NAMES = /Asia\/Kath?mandu/;

/** The most clicks from the front page to a turning icon. */
const MOST_CLICKS = 6;

/** The simulator's own server, as a person types it. */
const own = () => new URL(stage.simulator.url).host;

/** The digest of what a person's profile shows. @param {string} person */
const shown = async (person, server = "own") =>
  sha256(await stage.simulator.pictureOf(server, person));

/** The frame of twelve that is due in the browsers' zone. */
const due = () =>
  Number(new Date().toLocaleTimeString("en-GB", { timeZone: timezoneId, hour: "2-digit" })) % 12;

/**
 * Asserts that a person's profile shows the frame that is due, even if the hour ends right now.
 *
 * @param {Page} page
 * @param {string} person
 */
async function assertTurned(page, person, server = "own") {
  const frames = await framesOf(page);
  assert.equal(new Set(frames).size, 12);
  const frame = frames.indexOf(await shown(person, server));
  assert.ok([due(), (due() + 11) % 12].includes(frame), `${person} shows frame ${frame}`);
}

/** Asserts that a page fits and that everybody can use it. @param {Page} page */
async function assertUsable(page) {
  await page.waitForLoadState("networkidle");
  await assertFits(page);
  await assertAccessible(page);
}

/**
 * Opens what is folded on the page, and asserts that all of it can be used.
 *
 * @param {Page} page
 */
async function assertAllUsable(page) {
  for (const summary of await page.locator("details:not([open]) > summary").all()) {
    if (await summary.isVisible()) await summary.click();
  }
  await assertUsable(page);
}

/** The state of the account, in the page's words. @param {Page} page @param {string} words */
const inState = (page, words) => page.locator(".current-frame", { hasText: words }).waitFor();

for (const [name, person, options] of /** @type {const} */ ([
  ["a desktop", "ada", { ...DESKTOP, colorScheme: "light" }],
  ["a phone, in the dark", "grace", { ...PHONE, colorScheme: "dark" }],
  [
    "a small phone",
    "hedy",
    { ...PHONE, viewport: { width: 320, height: 640 }, colorScheme: "light" },
  ],
])) {
  test(`on ${name}, a person comes, turns and leaves`, async () => {
    // Hedy has no picture of her own, so hers is removed.
    const hasPicture = person !== "hedy";
    const before = hasPicture ? await shown(person) : undefined;
    // A server that may not be asked is told with the status 422, which the console reports.
    const expected = ["status of 422"];
    await withPerson({ ...options, timezoneId, expected }, async (page) => {
      await page.locator("#here", { hasText: "where you are" }).waitFor();
      await assertUsable(page);
      await page.getByRole("link", { name: "Privacy" }).click();
      await page.getByRole("heading", { name: "Privacy" }).waitFor();
      await assertUsable(page);
      await page.getByRole("link", { name: "rotate-icon" }).click();

      await page.getByLabel("Your server or handle").fill("http://printer.local");
      await press(page, "Sign in with Mastodon");
      await page.getByRole("alert").waitFor();
      await assertUsable(page);

      await signIn(page, own(), person);
      await inState(page, "Nothing turns yet.");
      await page.locator("#there", { hasText: NAMES }).waitFor();
      assert.match(await page.getByLabel("Time zone").inputValue(), NAMES);
      await assertAllUsable(page);
      await choosePicture(page, png(0.3));
      assert.equal(await page.locator(".dial image, #face image").count(), 12);
      await assertAllUsable(page);
      if (before) assert.equal(await shown(person), before, "nothing is touched before the start");

      await press(page, "Start");
      await inState(page, "Your picture is turning.");
      assert.match(await said(page, "Mastodon"), /shows your icon as it is turned now/);
      await assertTurned(page, person);
      assert.match(await page.locator("#there").innerText(), NAMES);
      await assertAllUsable(page);

      await press(page, "Pause");
      await inState(page, "Paused.");
      await assertUsable(page);
      await press(page, "Resume");
      await inState(page, "Your picture is turning.");

      await press(page, hasPicture ? "Put my own picture back" : "Remove the picture");
      await said(page, hasPicture ? "shows the picture from before" : "Mastodon");
      await inState(page, "Paused.");
      await assertUsable(page);
      if (!hasPicture) await assert.rejects(shown(person), /404/);

      await press(page, "Sign out");
      await page.getByRole("heading", { name: "Profile picture clock" }).waitFor();
      await signIn(page, own(), person);
      await inState(page, "Paused.");
      await press(page, "Resume");
      await inState(page, "Your picture is turning.");
      await assertTurned(page, person);

      await page.getByRole("link", { name: "Delete everything" }).click();
      await page.getByRole("heading", { level: 1 }).waitFor();
      await assertUsable(page);
      await press(page, "Delete everything");
      await page.getByRole("heading", { name: "Profile picture clock" }).waitFor();
      await assertUsable(page);
      await page.goto(`${stage.worker.url}/account`);
      await page.getByRole("button", { name: "Sign in with Mastodon" }).waitFor();
    });
  });
}

test("from the front page to a turning icon it is a few clicks", async (context) => {
  await withPerson({ timezoneId }, async (page, browser) => {
    const made = { clicks: 0, keystrokes: 0 };
    await browser.exposeFunction("countInput", (/** @type {"clicks" | "keystrokes"} */ what) => {
      made[what] += 1;
    });
    await browser.addInitScript(() => {
      const { countInput } = /** @type {any} */ (globalThis);
      addEventListener("pointerdown", () => countInput("clicks"), true);
      addEventListener("keydown", () => countInput("keystrokes"), true);
    });
    await page.reload();
    const start = performance.now();
    await page.getByLabel("Your server or handle").pressSequentially("social.example");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Authorization required" }).waitFor();
    await press(page, "Authorize");
    await page.getByRole("heading", { level: 1, name: "Your page" }).waitFor();
    await choosePicture(page, png(0.3));
    // The file is chosen with a click in the system's own dialog.
    made.clicks += 1;
    await press(page, "Start");
    await inState(page, "Your picture is turning.");
    const seconds = (performance.now() - start) / 1000;
    await assertTurned(page, "ada", "social.example");
    const { clicks, keystrokes } = made;
    context.diagnostic(
      `From the front page to the first turn: ${clicks} clicks, ${keystrokes} keystrokes ` +
        `(the server's name and Enter), ${seconds.toFixed(1)} s without a person's pauses.`,
    );
    assert.ok(clicks > 0 && clicks <= MOST_CLICKS, `${clicks} clicks`);
    assert.ok(keystrokes > 10, `${keystrokes} keystrokes`);
  });
});

test("by keyboard alone, a person signs in and starts", async () => {
  await withPerson({ timezoneId }, async (page) => {
    const focused = () =>
      page.evaluate(() => {
        const element = document.activeElement;
        if (!element) return { name: "", isSeen: false };
        const { outlineStyle, outlineWidth } = getComputedStyle(element);
        const name = element.id || element.textContent?.trim() || element.tagName;
        return { name, isSeen: outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2 };
      });
    /** @param {string} name */
    const tabTo = async (name) => {
      /** @type {string[]} */
      const passed = [];
      await page.waitForLoadState("networkidle");
      for (let n = 0; n < 40; n += 1) {
        await page.keyboard.press("Tab");
        const there = await focused();
        passed.push(there.name);
        if (there.name === name) {
          assert.ok(there.isSeen, `one sees that ${name} has the focus`);
          return;
        }
      }
      assert.fail(`${name} is not reached by Tab: ${passed.join(", ")}`);
    };
    await tabTo("mastodon-place");
    await page.keyboard.type("social.example");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Authorization required" }).waitFor();
    await page.keyboard.press("Tab");
    // The second of the people.
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await inState(page, "Nothing turns yet.");
    await tabTo("file");
    const asked = page.waitForEvent("filechooser");
    await page.keyboard.press("Space");
    const file = { name: "me.png", mimeType: "image/png", buffer: png(0.3) };
    await (await asked).setFiles(file);
    await page.locator("#crop canvas").waitFor();
    await tabTo("use-picture");
    await page.keyboard.press("Enter");
    await said(page, "Your picture is in place.");
    await tabTo("time-zone");
    await tabTo("Start");
    await page.keyboard.press("Enter");
    await inState(page, "Your picture is turning.");
    await assertTurned(page, "grace", "social.example");
    await tabTo("Pause");
    await page.keyboard.press("Enter");
    await inState(page, "Paused.");
    await tabTo("Sign out");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Profile picture clock" }).waitFor();
  });
});

test("without JavaScript all is readable, and the forms work", async () => {
  const options = { javaScriptEnabled: false, expected: ["status of 422"], ...PHONE };
  await withPerson(options, async (page, browser) => {
    assert.match(await page.locator("main").innerText(), /turns like the hour hand of a clock/);
    await signIn(page, "social.example", "person-20");
    await inState(page, "Nothing turns yet.");
    assert.match(
      await page.locator("main").innerText(),
      /Choosing a picture needs JavaScript: your browser crops it/,
    );
    await page.getByLabel("Time zone").fill("Asia/Kolkata");
    await page.getByLabel("A full rotation takes").selectOption("24h");
    await press(page, "Save");
    assert.match(await page.locator("#there").innerText(), /Asia\/Kolkata/);
    assert.equal(await page.getByLabel("A full rotation takes").inputValue(), "24h");
    await page.getByLabel("Time zone").fill("Mars/Olympus");
    await press(page, "Save");
    await said(page, "has to be the name of an IANA time zone");
    assert.equal(await page.getByLabel("Time zone").inputValue(), "Mars/Olympus");
    await page.getByLabel("Time zone").fill("Asia/Kolkata");
    await press(page, "Start");
    await said(page, /picture|icon/);
    await inState(page, "Nothing turns yet.");

    // The picture comes from another visit, with a browser that runs scripts.
    const cookies = await browser.cookies(stage.worker.url);
    const upload = await stage.worker.fetch(`${stage.worker.url}/account/icon`, {
      method: "PUT",
      body: png(0.3),
      headers: {
        cookie: cookies.map(({ name, value }) => `${name}=${value}`).join("; "),
        origin: stage.worker.url,
        "x-csrf-token": await page.locator("input[name=csrf]").first().inputValue(),
      },
    });
    assert.equal(upload.status, 200, await upload.text());
    await page.goto(`${stage.worker.url}/account`);
    await press(page, "Start");
    await inState(page, "Your picture is turning.");
    await page.locator("summary", { hasText: "Disconnect" }).click();
    await press(page, "Disconnect Mastodon");
    await page.getByText("No network is connected, so nothing turns.").waitFor();
    await page.getByRole("link", { name: "Delete everything" }).click();
    await press(page, "Delete everything");
    await page.getByRole("button", { name: "Sign in with Mastodon" }).waitFor();
  });
});

test("a person who does not agree on the server comes back as before", async () => {
  await withPerson({}, async (page) => {
    await goToServer(page, own());
    await decide(page, "person-21", "Deny");
    await said(page, "was not given access to your account on Mastodon. Nothing has changed.");
    await page.getByRole("button", { name: "Sign in with Mastodon" }).waitFor();
    await assertUsable(page);
    // With another account of theirs, while they are signed in.
    await signIn(page, own(), "person-21");
    await page.locator("summary", { hasText: "Another account on Mastodon" }).click();
    await goToServer(page, "social.example", "Connect Mastodon");
    await decide(page, "person-21", "Deny");
    await said(page, "was not given access to your account on Mastodon. Nothing has changed.");
    await page.locator("#connections", { hasText: `@person-21@${own()}` }).waitFor();
  });
});

test("two tabs can sign in at once", async () => {
  await withPerson({ expected: ["status of 403"] }, async (first, browser) => {
    await goToServer(first, "social.example");
    const second = await browser.newPage();
    await second.goto(`${stage.worker.url}/`);
    await goToServer(second, own());
    await decide(second, "person-22");
    await second.locator("#connections", { hasText: `@person-22@${own()}` }).waitFor();
    await decide(first, "person-22");
    // The last one counts; a form that is left over in the other tab says so.
    await first.locator("#connections", { hasText: "@person-22@social.example" }).waitFor();
    await press(second, "Sign out");
    await second.getByText("Nothing has changed. Open the page again").waitFor();
    await assertUsable(second);
    await second.getByRole("link", { name: "Go back" }).click();
    await second.locator("#connections", { hasText: "@person-22@social.example" }).waitFor();
  });
});

test("an account with a page of its own can be gone to, or moved here", async () => {
  await withPerson({}, async (page) => {
    await signIn(page, own(), "person-23");
    await choosePicture(page, png(0.3));
    await press(page, "Sign out");
    await signIn(page, "social.example", "person-23");
    /** Asks for the account that has a page. @param {string} choice */
    const connect = async (choice) => {
      await page.locator("summary", { hasText: "Another account on Mastodon" }).click();
      await goToServer(page, own(), "Connect Mastodon");
      await decide(page, "person-23");
      await page.getByText("has a page of its own here").waitFor();
      await assertUsable(page);
      await press(page, choice);
      await decide(page, "person-23");
      await page.locator("#connections", { hasText: `@person-23@${own()}` }).waitFor();
    };
    await connect("Move it to this page");
    // This page has no picture; the other one has.
    assert.equal(await page.locator("#steps .done").count(), 0);
  });
});

test("the owner connects a network and looks after it on the page", async () => {
  const changes = {
    vars: { PUBLIC_URL: stage.worker.url },
    secrets: { SERVICE_KEY },
    networks: [],
  };
  await stage.worker.configure(changes);
  const before = await shown("person-24");
  for (const size of [DESKTOP, PHONE]) {
    await withPerson({ changes, ...size }, async (page) => {
      await enter(page, SECRETS.TRIGGER_TOKEN);
      await press(page, "Networks and settings");
      await page.getByRole("heading", { level: 1, name: "Your page" }).waitFor();
      await assertUsable(page);
      if (size === PHONE) return;
      await page.getByText("From this service's variable TIME_ZONE, until you set").waitFor();
      await goToServer(page, own(), "Connect Mastodon");
      await decide(page, "person-24");
      await page.locator("#connections", { hasText: `@person-24@${own()}` }).waitFor();
      await page.getByLabel("Time zone").fill(timezoneId);
      await press(page, "Start");
      await inState(page, "Your picture is turning.");
      assert.match(await page.locator("#there").innerText(), /Asia\/Kathmandu/);
      await assertTurned(page, "person-24");
      await page.getByText("Set on this page. Back to Asia/Tokyo").waitFor();
      await assertAllUsable(page);
      await press(page, "Pause");
      await inState(page, "Paused.");
      await press(page, "Put my own picture back");
      await said(page, "shows the picture from before");
      assert.notEqual(await shown("person-24"), before, "it is the same, encoded again");
      await page.getByRole("button", { name: "Back to Asia/Tokyo" }).click();
      await page.getByText("From this service's variable TIME_ZONE, until you set").waitFor();
      assert.match(await page.locator("#there").innerText(), /Asia\/Tokyo/);
      assert.equal(await page.getByRole("link", { name: "Delete everything" }).count(), 0);
      await page.getByRole("link", { name: "The page that everybody sees" }).click();
      await tools(page).waitFor();
    });
  }
});
