/**
 * The service, as a person comes to it: sign in with a Mastodon server, choose a picture, start,
 * and everything that can be done with an account afterwards, without a script where that is meant
 * to work. `service-page.test.js` does the same in a browser.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { json } from "./harness/assertions.js";
import { png, sha256 } from "./harness/frames.js";
import { useInternet } from "./harness/internet.js";
import { OPEN, SERVERS } from "./harness/service.js";
import { useStage } from "./harness/stage.js";
import { Visitor, formsOf, textOf } from "./harness/visitor.js";

const stage = useStage({ simulate: SERVERS });
useInternet(() => stage.simulator);

/** A person who opens the open service. */
async function visitor() {
  await stage.worker.configure(OPEN);
  return new Visitor(stage.worker, stage.simulator);
}

/** What the simulator received on a server. @param {string} server */
const received = async (server) =>
  (await stage.simulator.received("mastodon")).filter((one) => one.server === server);

/** The pictures that an account got. @param {string} server @param {string} account */
const pictures = async (server, account) =>
  (await received(server)).filter((one) => one.account === account && one.picture !== null);

test("whoever has a browser and an account has a turning icon", async () => {
  const ada = await visitor();
  const front = await ada.open("/");
  assert.equal(front.response.status, 200);
  assert.match(textOf(front.html), /Sign in with Mastodon/);

  const page = await ada.signIn(" @Ada@Social.Example ", "ada");
  assert.equal(page.response.status, 200);
  assert.match(textOf(page.html), /@ada@social\.example/);
  assert.deepEqual(await pictures("social.example", "ada"), [], "signing in is not consent");

  const uploaded = await ada.upload(png(3));
  assert.equal(uploaded.status, 200, await uploaded.clone().text());
  assert.deepEqual(await pictures("social.example", "ada"), [], "nor is choosing a picture");

  const set = await ada.fillIn("/account", "/account/settings", { TIME_ZONE: "Asia/Kolkata" });
  assert.match(textOf(set.html), /Asia\/Kolkata/);
  const started = await ada.fillIn("/account", "/account/start");
  assert.equal(started.response.status, 200);
  const sent = await pictures("social.example", "ada");
  assert.equal(sent.length, 1, textOf(started.html));

  const { frame_set: frameSet } = await json(uploaded);
  const hour = Number(
    new Date().toLocaleTimeString("en-GB", { timeZone: "Asia/Kolkata", hour: "2-digit" }),
  );
  const due = hour % frameSet.frames;
  const frame = await ada.fetch(`/account/frames/${due}`);
  assert.equal(sha256(Buffer.from(await frame.arrayBuffer())), sent[0].picture.sha256);
});

test("of a page that is signed out, nothing is shown", async () => {
  const stranger = await visitor();
  const page = await stranger.open("/account");
  assert.match(textOf(page.html), /Sign in with Mastodon/);
  for (const where of ["/account/export", "/account/frames/0"]) {
    assert.equal((await stranger.fetch(where)).status, 401, where);
  }
});

test("the picture from before comes back, and nothing of the account is left", async () => {
  const grace = await visitor();
  const before = await stage.simulator.pictureOf("social.example", "grace");
  await grace.signIn("grace@social.example", "grace");
  await grace.upload(png(3));
  await grace.fillIn("/account", "/account/start");
  const turned = await stage.simulator.pictureOf("social.example", "grace");
  assert.notEqual(sha256(turned), sha256(before));

  const { html } = await grace.open("/account/delete");
  const form = formsOf(html).find(({ action }) => action === "/account/delete");
  assert.ok(form, textOf(html));
  const gone = await grace.submit("/account/delete", { ...form.fields, put_back: "yes" });
  assert.equal(gone.status, 303);
  assert.equal(gone.headers.get("location"), "/");
  assert.equal(grace.cookies.has("__Host-session"), false);
  const back = await stage.simulator.pictureOf("social.example", "grace");
  assert.notEqual(sha256(back), sha256(turned));
  assert.equal((await grace.fetch("/account/export")).status, 401);
});

for (const [server, typed] of [
  ["old.example", "https://old.example/@ada"],
  ["gts.example", "@ada@gts.example"],
  ["pixels.example", "pixels.example"],
  ["pleroma.example", "https://pleroma.example/users/ada"],
  ["web.example", "@ada@handles.example"],
]) {
  test(`an icon turns on ${server}`, async () => {
    const ada = await visitor();
    const page = await ada.signIn(typed, "ada");
    assert.match(textOf(page.html), /Three steps/);
    await ada.upload(png(3));
    await ada.fillIn("/account", "/account/start", { TIME_ZONE: "UTC" });
    const sent = await pictures(server, "ada");
    assert.ok(
      sent.some(({ verdict }) => verdict === "accepted"),
      JSON.stringify(sent),
    );
    assert.match(textOf((await ada.open("/account")).html), /Your picture is turning/);
  });
}

test("whoever does not allow it is told, and nothing is kept", async () => {
  const ada = await visitor();
  const { address } = await ada.begin("social.example");
  const { html } = await ada.open(await ada.allow(address ?? "", "ada", "Deny"));
  assert.match(textOf(html), /was not given access/);
  assert.equal(ada.cookies.has("__Host-session"), false);
});

test("an identity that has an account is switched to or moved, and journals never merge", async () => {
  const first = await visitor();
  await first.signIn("social.example", "person-20");
  await first.upload(png(3));
  await first.fillIn("/account", "/account/start", { TIME_ZONE: "UTC" });
  const second = await visitor();
  await second.signIn("old.example", "person-21");
  await second.upload(png(3));

  /** Connects the first person's identity to the second one's account. */
  const connect = async () => {
    const { address } = await second.begin("social.example", "/account");
    return second.open(await second.allow(address ?? "", "person-20"));
  };
  /** Chooses what to do about it. @param {string} html @param {"switch" | "move"} choice */
  const choose = async (html, choice) => {
    const form = formsOf(html).find(({ fields }) => fields.server);
    assert.ok(form, textOf(html));
    const on = await second.submit(form.action, { ...form.fields, [choice]: "true" });
    const [, url] = /url=([^"]*)"/.exec(await on.text()) ?? [];
    return second.open(await second.allow(url.replaceAll("&amp;", "&"), "person-20"));
  };
  const taken = await connect();
  assert.match(textOf(taken.html), /has a page of its own here/);
  assert.match(textOf((await second.open("/account")).html), /person-21/);

  const moved = await choose(taken.html, "move");
  assert.match(textOf(moved.html), /person-20/);
  assert.match(textOf((await first.open("/account")).html), /Nothing turns yet|Connect/);
  const journal = JSON.stringify(
    (await json(await second.fetch("/account/export"))).account.journal,
  );
  assert.equal(journal, "[]", "what the other account did stays there");

  // Back again: the first person's own browser is signed in to the account that has it now.
  const { html } = await first.signIn("social.example", "person-20");
  assert.match(textOf(html), /person-20/);
});

test("who is signed out by the server signs in again, and nothing else is lost", async () => {
  const ada = await visitor();
  await ada.signIn("social.example", "person-22");
  await ada.upload(png(3));
  await ada.fillIn("/account", "/account/start", { TIME_ZONE: "Asia/Kathmandu" });
  await stage.simulator.changeServer({ server: "social.example", revoke: "person-22" });
  // In which another frame is due.
  await ada.fillIn("/account", "/account/settings", { TIME_ZONE: "Pacific/Auckland" });
  await ada.fillIn("/account", "/account/turn");
  const stopped = textOf((await ada.open("/account")).html);
  assert.match(stopped, /Sign in again/);
  const again = await ada.begin("social.example", "/account");
  await ada.open(await ada.allow(again.address ?? "", "person-22"));
  await ada.fillIn("/account", "/account/turn");
  const page = textOf((await ada.open("/account")).html);
  assert.match(page, /Your picture is turning/);
  assert.match(page, /Pacific\/Auckland/);
  assert.doesNotMatch(page, /Sign in again/);
});
