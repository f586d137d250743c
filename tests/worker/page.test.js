/**
 * Tests the page at / of the built Worker in a browser: what everybody reads, with and without
 * JavaScript, and what the owner does; on a desktop and a phone, light and dark, by keyboard, and
 * as axe-core judges it.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { assertGuarded, json, problem } from "./harness/assertions.js";
import { png, sha256 } from "./harness/frames.js";
import {
  assertAccessible,
  assertFits,
  axe,
  DESKTOP,
  enter,
  KEY,
  PHONE,
  press,
  result,
  said,
  signIn,
  tokenKept,
  tools,
  usePages,
} from "./harness/pages.js";
import { SECRETS } from "./harness/secrets.js";
import { useStage } from "./harness/stage.js";

const stage = useStage();
const pages = usePages(stage);
const { withPage } = pages;

/**
 * Checks that a picture is loaded, seen whole, and round.
 *
 * @param {import("playwright-core").Locator} image
 * @param {number} least
 */
async function assertRound(image, least) {
  await image.waitFor();
  const shown = await image.evaluate((/** @type {HTMLImageElement} */ element) => {
    const { width, height, left, right } = element.getBoundingClientRect();
    const { borderTopLeftRadius: radius, objectFit } = getComputedStyle(element);
    return {
      width,
      height,
      left,
      right,
      radius,
      objectFit,
      naturalWidth: element.naturalWidth,
      complete: element.complete,
    };
  });
  assert.ok(shown.complete && shown.naturalWidth > 0, JSON.stringify(shown));
  assert.equal(shown.radius, "50%");
  assert.ok(
    Math.abs(shown.width - shown.height) < 1 && shown.width >= least,
    JSON.stringify(shown),
  );
  assert.ok(
    shown.left >= 0 && shown.right <= image.page().viewportSize().width,
    JSON.stringify(shown),
  );
}

/** @param {import("playwright-core").Page} page */
const icon = (page) => page.getByRole("img", { name: /^The icon as it is/ });

/**
 * What a browser gets: files are found before the Worker, which the harness asks directly.
 *
 * @param {string} where
 * @param {RequestInit} [init]
 */
const fetchFile = (where, init) =>
  fetch(`${stage.worker.url}${where}`, { redirect: "manual", ...init });

// --- What anybody reads -------------------------------------------------

/**
 * A frame's number as the page tells it.
 *
 * @param {number | string} frame
 */
const named = (frame) => `frame ${frame}${Number(frame) === 0 ? " (upright)" : ""}`;

/** The files that the page is made of: those that everybody loads, and those for the owner. */
const EVERYBODY = ["/face.js", "/page.css", "/page.js"];
const OWNER = ["/owner.js", "/icon.js", "/icon.css", "/crop.js", "/picture.js"];

test("the page comes with its policy and is under 30 KB before pictures", async () => {
  const page = await stage.worker.fetch("/");
  assert.equal(page.status, 200);
  assert.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
  assert.equal(page.headers.get("cache-control"), "no-store");
  assertGuarded(page);
  assert.equal(
    page.headers.get("content-security-policy"),
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; " +
      "form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
  );
  let bytes = (await page.arrayBuffer()).byteLength;
  for (const where of EVERYBODY.concat(OWNER)) {
    const file = await fetchFile(where);
    assert.equal(file.status, 200);
    assert.equal(
      file.headers.get("content-type"),
      `text/${where.endsWith(".css") ? "css" : "javascript"}; charset=utf-8`,
    );
    assertGuarded(file);
    if (EVERYBODY.includes(where)) bytes += (await file.arrayBuffer()).byteLength;
  }
  assert.ok(bytes < 30_000, `${bytes} bytes`);
});

test("what only the owner needs is loaded once the owner has signed in", async () => {
  await withPage({}, async (page) => {
    const loaded = () =>
      page.evaluate(() =>
        performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname),
      );
    const ofPage = async () =>
      (await loaded()).filter((where) => !/^\/(frames|page\.svg)/.test(where)).sort();
    assert.deepEqual(await ofPage(), EVERYBODY);
    await signIn(page);
    for (const where of OWNER.filter((where) => where.endsWith(".js")))
      assert.ok((await loaded()).includes(where), where);
  });
});

test("tools that do not load are told, and the token is not asked for in vain", async () => {
  await withPage({ expected: ["net::ERR_FAILED"] }, async (page) => {
    await page.route("**/owner.js", (route) => route.abort());
    await enter(page, SECRETS.TRIGGER_TOKEN);
    await page
      .getByRole("alert")
      .filter({ hasText: "The tools did not load. Check the connection, then reload the page." })
      .waitFor();
    await page.unroute("**/owner.js");
    await page.reload({ waitUntil: "networkidle" });
    assert.ok(await tools(page).isVisible());
  });
});

test("the page's files are served beside the Worker, as guarded as what it answers", async () => {
  for (const where of [...EVERYBODY, ...OWNER, "/page.svg"]) {
    const { headers } = await fetchFile(where);
    assert.equal(headers.get("cache-control"), "public, max-age=300", where);
    assert.equal(headers.get("referrer-policy"), "no-referrer", where);
    const known = await fetchFile(where, { headers: { "if-none-match": headers.get("etag") } });
    assert.equal(known.status, 304, where);
    const head = await fetchFile(where, { method: "HEAD" });
    assert.equal(head.status, 200, where);
    assert.equal(await head.text(), "", where);
    assertGuarded(head);
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
      assert.equal((await fetchFile(where, { method })).status, 405, `${method} ${where}`);
    }
  }
  for (const where of ["/_headers", "/page", "/page.html", "/page.js/"])
    await problem(await fetchFile(where), 404);
});

test("without JavaScript all that is to be read is there, and nothing else", async () => {
  const { frame } = await json(await stage.worker.turn("?frame=4"));
  // By both versions of the API.
  await stage.simulator.fail("access-tier", 2);
  assert.equal((await stage.worker.turn("?frame=5")).status, 502);
  const { dial, frame_set: set } = await (await stage.worker.fetch("/health")).json();
  await withPage({ javaScriptEnabled: false }, async (page) => {
    const dialShown = page.getByRole("img", {
      name: `A dial of 12 frames; the hand points to ${named(set.frame_now)}`,
    });
    assert.ok(await dialShown.isVisible());
    assert.equal(await dialShown.locator("image").count(), 12);
    assert.equal(await dialShown.locator(".hand").count(), 1);
    await assertRound(icon(page), 200);
    assert.equal(await icon(page).getAttribute("src"), `/frames/${frame}`);
    const words = await page.locator("main").innerText();
    assert.match(words, /PROFILE PICTURE CLOCK\s+\d\d:\d\d\s+\w+ \d+ \w+ · Asia\/Tokyo/i);
    assert.equal(dial.time_zone, "Asia/Tokyo");
    assert.match(words, /Frame \d+ of 12(, upright,)? is (due\.|up on X as @)/);
    assert.match(
      words,
      /The next frame is due at (\d+ \w+, )?\d\d:\d\d\. No cron has fired lately/,
    );
    assert.match(words, /Something is wrong[\s\S]+453[\s\S]+What to do: \w+/);
    assert.match(
      words,
      /Last outcomes[\s\S]+Could not turn to frame 5\.[\s\S]+Turned to frame 4\./,
    );
    assert.doesNotMatch(words, /Turn now|Journal|Owner|token/);
    assert.equal(await page.locator("input:visible, button:visible, summary:visible").count(), 0);
  });
});

test("each picture around the dial is one of the set, and is asked for once", async () => {
  const context = await pages.browser.newContext(DESKTOP);
  try {
    const page = await context.newPage();
    const answers = [];
    page.on(
      "response",
      (response) => response.url().includes("/frames/") && answers.push(response),
    );
    await page.goto(`${stage.worker.url}/`, { waitUntil: "networkidle" });
    const shown = answers.map((answer) => [new URL(answer.url()).pathname, answer.status()]).sort();
    assert.deepEqual(
      [...new Set(shown.map(String))],
      stage.set.frames.map((_, n) => `/frames/${n},200`).sort(),
    );
  } finally {
    await context.close();
  }
});

test("without a set there is an empty dial that says what to do", async () => {
  await stage.worker.kv.delete("current");
  await withPage({}, async (page) => {
    assert.ok(await page.getByRole("img", { name: "An empty dial" }).isVisible());
    const told = await page.locator("main").innerText();
    assert.match(told, /There is no icon yet\.\s+Choose your icon below/);
    // A Worker that is new is not broken.
    assert.doesNotMatch(told, /Something is wrong/);
  });
});

test("without settings the page says which are wrong", async () => {
  await stage.worker.configure({ vars: { TIME_ZONE: "Mars/Olympus" } });
  await withPage({}, async (page) => {
    assert.match(
      await page.locator("main").innerText(),
      /· UTC[\s\S]+Something is wrong[\s\S]+TIME_ZONE/,
    );
  });
});

test("the time runs, and the page looks again once when the next turn is due", async () => {
  await withPage({ clock: true }, async (page) => {
    const asked = [];
    page.on("request", (request) => new URL(request.url()).pathname === "/" && asked.push(request));
    const left = page.getByRole("timer");
    const [, minutes] = /^in (?:(\d+) min )?\d+ s$/.exec(await left.textContent());
    // In the last minute of an hour the turn itself would come in between.
    if (minutes) {
      const time = await page.locator("#clock").textContent();
      const minute = await page.locator("#minute").getAttribute("transform");
      await page.clock.runFor(60_000);
      assert.notEqual(await page.locator("#clock").textContent(), time);
      assert.notEqual(await page.locator("#minute").getAttribute("transform"), minute);
      assert.equal(asked.length, 0);
    }
    // The Worker's clock does not go along, so afterwards it is the same turn again.
    await page.clock.fastForward("01:00:00");
    await page.clock.runFor(10_000);
    await page.waitForLoadState("networkidle");
    await page.clock.runFor(60_000);
    assert.equal(asked.length, 1);
  });
});

// --- What the owner does ------------------------------------------------

test("without the token only the public face shows", async () => {
  await withPage({}, async (page) => {
    assert.ok(await page.locator("summary", { hasText: "Owner" }).isVisible());
    assert.equal(await tools(page).count(), 0);
    assert.equal(await page.getByRole("button").count(), 0);
    assert.equal(await page.getByLabel("Trigger token").isVisible(), false);
  });
});

test("a wrong token is told, opens nothing and is not kept", async () => {
  await withPage({ expected: ["status of 401"] }, async (page) => {
    for (const wrong of ["wrong", "☃", `${SECRETS.TRIGGER_TOKEN}x`]) {
      await enter(page, wrong);
      await page.getByRole("alert").filter({ hasText: "That is not the trigger token." }).waitFor();
      const field = page.getByLabel("Trigger token");
      assert.equal(await field.getAttribute("aria-invalid"), "true");
      // The words of the last refusal stand there until the next one has come.
      await page.waitForFunction(
        (element) => element === document.activeElement,
        await field.elementHandle(),
      );
      assert.equal(await tools(page).count(), 0);
      assert.equal(await tokenKept(page), null);
    }
    await signIn(page);
    assert.equal(await page.getByRole("alert").count(), 0);
  });
  await stage.simulator.receivedNothing();
});

test("a token that has been changed since is asked for again", async () => {
  await withPage({ expected: ["status of 401"] }, async (page) => {
    await page.evaluate((key) => localStorage.setItem(key, "of-last-year"), KEY);
    await page.reload({ waitUntil: "networkidle" });
    await press(page, "Turn now");
    await page.getByRole("alert").filter({ hasText: "That is not the trigger token." }).waitFor();
    assert.equal(await tools(page).count(), 0);
    assert.equal(await tokenKept(page), null);
    assert.ok(await page.getByLabel("Trigger token").isVisible());
  });
  await stage.simulator.receivedNothing();
});

test("what was copied along with the token does no harm", async () => {
  await withPage({}, async (page) => {
    const right = SECRETS.TRIGGER_TOKEN;
    for (const pasted of [
      `\u{feff}${right}\u200b`,
      `“${right}”`,
      `Bearer ${right}`,
      ` "Authorization: Bearer ${right}" `,
      `TRIGGER_TOKEN='${right}'`,
    ]) {
      await enter(page, pasted);
      await tools(page).waitFor();
      await press(page, "Sign out: forget the token");
    }
  });
});

test("while the Worker has no token the page says how to set one", async () => {
  await stage.worker.configure({ secrets: { TRIGGER_TOKEN: null } });
  await withPage({ expected: ["status of 503"] }, async (page) => {
    await enter(page, "anything");
    await page.getByRole("alert").filter({ hasText: "TRIGGER_TOKEN is not set" }).waitFor();
    assert.equal(await tokenKept(page), null);
  });
});

test("the token is kept in this browser until it is to be forgotten, and in no cookie", async () => {
  await withPage({ signedIn: true }, async (page) => {
    await page.reload({ waitUntil: "networkidle" });
    assert.ok(await tools(page).isVisible());
    assert.equal(await tokenKept(page), SECRETS.TRIGGER_TOKEN);
    assert.deepEqual(await page.context().cookies(), []);
    await press(page, "Sign out: forget the token");
    assert.equal(await tools(page).count(), 0);
    assert.equal(await tokenKept(page), null);
    await page.reload({ waitUntil: "networkidle" });
    assert.equal(await tools(page).count(), 0);
    assert.doesNotMatch(await page.content(), new RegExp(SECRETS.TRIGGER_TOKEN));
  });
});

test("the button turns, and the page shows it at once", async () => {
  await withPage({ signedIn: true }, async (page) => {
    assert.match(await page.locator("#face").innerText(), /No turn yet\./);
    await press(page, "Turn now");
    const [, frame] = /^Turned to frame (\d+)(?: \(upright\))?\.$/.exec(
      await said(page, "Turned to frame"),
    );
    const { picture } = await stage.simulator.receivedOne();
    assert.equal(picture.sha256, sha256(stage.set.frames[Number(frame)]));
    const face = await page.locator("#face").innerText();
    assert.match(face, new RegExp(`Frame ${frame} of 12(, upright,)? is up on X as @`));
    assert.match(face, new RegExp(`Last outcomes\\s+\\d\\d:\\d\\d\\s+Turned to frame ${frame}\\b`));
    await press(page, "Turn now");
    assert.equal(await said(page, "Nothing to do"), `Nothing to do: ${named(frame)} is up.`);
    await stage.simulator.receivedOne();
    await page.getByLabel("Send the frame even if it is up already").check();
    await press(page, "Turn now");
    await said(page, "Turned to frame");
    assert.equal((await stage.simulator.received()).length, 2);
  });
});

test("a dry run tells what would be sent, and sends no picture", async () => {
  await withPage({ signedIn: true }, async (page) => {
    await press(page, "Dry run");
    const told = await said(page, "Dry run");
    assert.match(
      told,
      /^Dry run: it would send frame \d+(?: \(upright\))? \([\d,]+ bytes\) for the account \S+ to http:\S+\. No picture was sent\.$/,
    );
    await stage.simulator.receivedNoPicture();
  });
});

test("a dry run that cannot tell whose account it is says what was not checked", async () => {
  await stage.worker.configure({ networks: ["mastodon"] });
  const { scopes } = await stage.simulator.account("mastodon");
  await stage.simulator.account("mastodon", { scopes: "write:accounts" });
  await withPage({ signedIn: true }, async (page) => {
    await press(page, "Dry run");
    assert.match(
      await said(page, "Dry run"),
      / No picture was sent\. The sign-in was not checked: .*scope/,
    );
    await stage.simulator.receivedNoPicture();
    // A token that may read says whose it is, and nothing is left unchecked.
    await stage.simulator.account("mastodon", { scopes: "read write:accounts" });
    await press(page, "Dry run");
    await said(page, "for the account");
    assert.doesNotMatch(await result(page).textContent(), /unchecked|not checked/);
  });
  await stage.simulator.account("mastodon", { scopes });
});

test("a frame that is up is sent again where that is asked for, by the button that it belongs to", async () => {
  await withPage({ signedIn: true }, async (page) => {
    await page.getByLabel("Frame", { exact: true }).fill("7");
    await press(page, "Send this frame");
    await said(page, "Turned to frame 7.");
    // This one belongs to the other button.
    await page.getByLabel("Send the frame even if it is up already").check();
    await press(page, "Send this frame");
    await said(page, "Nothing to do: frame 7 is up.");
    await page.getByLabel("Send it even if it is up already").check();
    await press(page, "Send this frame");
    await said(page, "Turned to frame 7.");
    assert.equal((await stage.simulator.received()).length, 2);
    await press(page, "Dry run");
    await said(page, "No picture was sent.");
    assert.equal(
      (await stage.simulator.received()).filter(({ picture }) => picture !== null).length,
      2,
    );
  });
});

test("on several networks, turns tell of all of them, and the journal names each", async () => {
  await stage.worker.configure({ networks: ["x", "bluesky", "mastodon"] });
  await withPage({ signedIn: true }, async (page) => {
    await press(page, "Dry run");
    assert.match(
      await said(page, "Dry run"),
      /^Dry run: it would send frame \d+(?: \(upright\))?(( and)? \([\d,]+ bytes\)( for the account \S+)? to http:\S+){3}\. No picture was sent\./,
    );
    await stage.simulator.receivedNoPicture();
    await stage.simulator.clear();
    await press(page, "Turn now");
    const [, frame] = /^Turned to frame (\d+)(?: \(upright\))?\.$/.exec(
      await said(page, "Turned to frame"),
    );
    await press(page, "Turn now");
    assert.equal(await said(page, "Nothing to do"), `Nothing to do: ${named(frame)} is up.`);
    await page.locator("summary", { hasText: "Journal" }).click();
    await page.locator("#journal li").first().waitFor();
    const lines = await page.locator("#journal li > span").allInnerTexts();
    const turned = ["Bluesky", "Mastodon", "X"].map(
      (title) => `${title}: turned, frame ${frame} of 12`,
    );
    assert.deepEqual(lines.filter((line) => line.includes("turned")).sort(), turned);
  });
});

test("a frame is sent by its number, which has to be one of the set's", async () => {
  await withPage({ signedIn: true }, async (page) => {
    const field = page.getByLabel("Frame", { exact: true });
    const picture = page.locator("#frame-picture");
    await field.fill("12");
    assert.equal(await picture.isVisible(), false);
    await press(page, "Send this frame");
    await stage.simulator.receivedNothing();
    await field.fill("7");
    await assertRound(picture, 48);
    assert.equal(await picture.getAttribute("src"), "/frames/7");
    await press(page, "Send this frame");
    assert.equal(await said(page, "Turned"), "Turned to frame 7.");
    const { picture: sent } = await stage.simulator.receivedOne();
    assert.equal(sent.sha256, sha256(stage.set.frames[7]));
    assert.equal(await icon(page).getAttribute("src"), "/frames/7");
  });
});

test("a turn that is refused is told with what to do, also in words that are hostile", async () => {
  await withPage({ signedIn: true, expected: ["status of 502"] }, async (page) => {
    // By both versions of the API.
    await stage.simulator.fail("access-tier", 2);
    await press(page, "Turn now");
    assert.match(await said(page, "453"), /453.*portal/);
    const trouble = page.getByRole("region", { name: "Something is wrong" });
    assert.match(await trouble.innerText(), /453[\s\S]+What to do: /);
    await page.getByText("Journal").click();
    await stage.simulator.fail("hostile-text");
    await page.getByLabel("Frame", { exact: true }).fill("3");
    await press(page, "Send this frame");
    await said(page, "999");
    await page.locator("#journal li").nth(1).waitFor();
    assert.equal(await page.locator("#face script, #tools script, #tools ol img").count(), 0);
  });
});

test("the journal is read page by page", async () => {
  for (let n = 0; n < 23; n += 1) await json(await stage.worker.turn(`?frame=${n % 12}`));
  await withPage({ signedIn: true }, async (page) => {
    await page.locator("summary", { hasText: "Journal" }).click();
    const entries = page.locator("#journal li");
    await entries.nth(19).waitFor();
    assert.equal(await entries.count(), 20);
    assert.match(
      await entries.first().innerText(),
      /turned, frame 10 of 12[\s\S]+by hand, \d+ ms, answered with status 200/,
    );
    await press(page, "Show older entries");
    await entries.nth(22).waitFor();
    assert.equal(await entries.count(), 23);
    assert.match(await entries.last().innerText(), /turned, frame 0 of 12/);
    assert.ok(await entries.nth(20).evaluate((entry) => entry === document.activeElement));
    assert.equal(await page.getByRole("button", { name: "Show older entries" }).isVisible(), false);
    // A turn is added at the top.
    await page.getByLabel("Frame", { exact: true }).fill("5");
    await press(page, "Send this frame");
    await said(page, "Turned to frame 5.");
    assert.match(await entries.first().innerText(), /turned, frame 5 of 12/);
  });
});

test("a Worker that does not answer is told", async () => {
  await withPage({ signedIn: true, expected: ["net::ERR_FAILED"] }, async (page) => {
    await page.route("**/turn?*", (route) => route.abort());
    await press(page, "Turn now");
    await said(page, "The Worker did not answer. Check the connection and try again.");
  });
});

// --- For everybody ------------------------------------------------------

test("everything can be done by keyboard, and one sees where one is", async () => {
  await withPage({}, async (page) => {
    const focused = () =>
      page.evaluate(() => {
        const { tagName, id, textContent } = document.activeElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
        return {
          name: id || textContent.trim() || tagName,
          outline: `${outlineStyle} ${outlineWidth}`,
        };
      });
    /** @param {string} name */
    const tabTo = async (name) => {
      for (let n = 0; n < 15; n += 1) {
        await page.keyboard.press("Tab");
        const there = await focused();
        assert.equal(there.outline, "solid 3px", JSON.stringify(there));
        if (there.name === name) return;
      }
      assert.fail(`${name} is not reached by Tab`);
    };
    await tabTo("Owner");
    await page.keyboard.press("Enter");
    await tabTo("token");
    await page.keyboard.type(SECRETS.TRIGGER_TOKEN);
    await page.keyboard.press("Enter");
    await tools(page).waitFor();
    assert.equal((await focused()).name, "tools-title");
    await tabTo("Turn now");
    await page.keyboard.press("Enter");
    const [, due] = /^Turned to frame (\d+)(?: \(upright\))?\.$/.exec(
      await said(page, "Turned to frame"),
    );
    assert.equal((await focused()).name, "Turn now");
    const other = (Number(due) + 1) % 12;
    await tabTo("frame");
    await page.keyboard.type(String(other));
    await page.keyboard.press("Enter");
    await said(page, `Turned to ${named(other)}.`);
    await page
      .getByLabel("A picture")
      .setInputFiles({ name: "icon.png", mimeType: "image/png", buffer: png(0.3) });
    await page.locator("#crop").waitFor();
    await tabTo("crop");
    await tabTo("zoom");
    await tabTo("Move without dragging");
    await tabTo("animate");
    await tabTo("use-picture");
    await tabTo("discard");
    await page.keyboard.press("Space");
    assert.equal((await focused()).name, "file");
    await tabTo("Journal");
    await page.keyboard.press("Enter");
    await page.locator("#journal li").first().waitFor();
    await tabTo("forget");
    await page.keyboard.press("Enter");
    assert.equal((await focused()).name, "token");
  });
});

/**
 * Shows everything that the page can show.
 *
 * @param {import("playwright-core").Page} page
 */
async function showEverything(page) {
  await press(page, "Dry run");
  await said(page, "Dry run");
  await page
    .getByLabel("A picture")
    .setInputFiles({ name: "icon.png", mimeType: "image/png", buffer: png(0.3) });
  await page.locator("#crop").waitFor();
  await page.getByText("Move without dragging").click();
  await page.getByLabel("Frame", { exact: true }).fill("3");
  await page.locator("summary", { hasText: "Journal" }).click();
  await page.locator("#journal li").first().waitFor();
}

/** A turn that worked and one that did not. */
async function makeTrouble() {
  await json(await stage.worker.turn("?frame=4"));
  // By both versions of the API.
  await stage.simulator.fail("access-tier", 2);
  assert.equal((await stage.worker.turn("?frame=5")).status, 502);
}

for (const width of [390, 320]) {
  test(`at ${width} px nothing is wider than the screen`, async () => {
    await makeTrouble();
    await withPage({ ...PHONE, viewport: { width, height: 844 } }, async (page) => {
      await assertRound(icon(page), 100);
      await assertFits(page);
      await page.locator("summary", { hasText: "Owner" }).click();
      await assertFits(page);
      await signIn(page);
      await showEverything(page);
      await assertFits(page);
      // A finger finds them.
      for (const button of await page.locator("button:visible").all()) {
        assert.ok((await button.boundingBox()).height >= 44, await button.textContent());
      }
    });
  });
}

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  for (const [name, size] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
    test(`axe-core finds nothing on the ${name} in ${colorScheme}`, async () => {
      await makeTrouble();
      // axe-core comes from this process, which the page's policy would not let in.
      await withPage(
        { ...size, colorScheme, bypassCSP: true, expected: ["status of 401"] },
        async (page) => {
          const [red] = await page.evaluate(() =>
            getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number),
          );
          assert.ok(colorScheme === "dark" ? red < 60 : red > 200, `background ${red}`);
          await page.evaluate(axe);
          await assertAccessible(page);
          await enter(page, "wrong");
          await page.getByRole("alert").filter({ hasText: "not the trigger token" }).waitFor();
          await assertAccessible(page);
          await signIn(page);
          await showEverything(page);
          await assertAccessible(page);
        },
      );
    });
  }
}

test("the policy holds: what is inline does not run", async () => {
  await withPage({ expected: ["Content Security Policy"] }, async (page) => {
    const refused = page.waitForEvent("console", (message) =>
      message.text().includes("Content Security Policy"),
    );
    const ran = await page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "globalThis.ran = true";
      document.body.append(script);
      return globalThis.ran === true;
    });
    assert.equal(ran, false);
    await refused;
  });
});
