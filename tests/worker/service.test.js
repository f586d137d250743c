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
