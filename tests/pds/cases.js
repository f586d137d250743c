/** The cases of a turn on the official server, for either host. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";
import { profileRecord } from "./pds.js";

const HOUR = 3_600;
const DAY = 24 * HOUR;

/** The calls of a turn with a valid session: for a frame that the server lacks, and one it has. */
const NEW = ["getRecord", "uploadBlob", "putRecord", "getRecord", "putRecord"];
const KNOWN = ["getRecord", "putRecord"];

const FRAMES = "app.rotate-icon.frames";

/** @param {Buffer} bytes */
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** @typedef {import("./pds.js").Pds} Pds */
/** @typedef {import("./pds.js").PdsAccount} PdsAccount */
/** @typedef {import("./hosts.js").Host} Host */
/** @typedef {import("./hosts.js").Icon} Icon */

/**
 * Tests a host.
 *
 * @param {Pds} pds
 * @param {Host} host
 */
export function testCases(pds, host) {
  /**
   * Turns, and asserts that the turn succeeds and changes the picture alone. Returns its calls.
   *
   * @param {Icon} icon
   * @param {PdsAccount} account
   * @param {number} frame
   * @param {object} rest
   */
  async function turns(icon, account, frame, rest = profileRecord) {
    await pds.calls();
    const entry = await icon.turn(frame);
    assert.deepEqual(
      [entry.network, entry.outcome, entry.frame],
      ["bluesky", "turned", frame],
      JSON.stringify(entry),
    );
    const calls = await pds.calls();
    const profile = await account.profile();
    assert.ok(
      profile.picture?.equals(await host.frame(frame)),
      "the picture is the frame, byte for byte",
    );
    assert.deepEqual(profile.rest, rest);
    return calls;
  }

  /**
   * Turns, and asserts that the turn is refused for a reason, with a remedy, and leaves the profile
   * alone. Returns the entry of the journal.
   *
   * @param {Icon} icon
   * @param {number} frame
   * @param {string} reason
   * @param {RegExp} remedy
   */
  async function refuses(icon, frame, reason, remedy) {
    const entry = await icon.turn(frame);
    assert.deepEqual([entry.outcome, entry.reason], ["refused", reason], JSON.stringify(entry));
    assert.match(entry.remedy, remedy, JSON.stringify(entry));
    return entry;
  }

  test("the first turn and those after it change the picture and nothing else, in one session", async (t) => {
    const account = await pds.account();
    const icon = await host.open(t, account.settings);
    assert.deepEqual(await turns(icon, account, 3), ["createSession", ...NEW]);
    for (const frame of [4, 5]) assert.deepEqual(await turns(icon, account, frame), NEW);
    assert.deepEqual(await turns(icon, account, 3), KNOWN);
  });

  test("an account without a profile gets one that holds the picture alone", async (t) => {
    const account = await pds.account(null);
    const icon = await host.open(t, account.settings);
    await turns(icon, account, 3, { $type: "app.bsky.actor.profile" });
    await turns(icon, account, 4, { $type: "app.bsky.actor.profile" });
  });

  test("the account may be named by its e-mail address, or as handles are written in posts", async (t) => {
    const account = await pds.account();
    for (const [frame, BLUESKY_IDENTIFIER] of [
      account.email,
      `@${account.handle}`,
      account.did,
    ].entries()) {
      const icon = await host.open(t, { ...account.settings, BLUESKY_IDENTIFIER });
      await turns(icon, account, frame);
    }
  });

  test("a change of the owner's between two turns is kept", async (t) => {
    const account = await pds.account();
    const icon = await host.open(t, account.settings);
    await turns(icon, account, 3);
    const { avatar } = await account.profile();
    const changed = { ...profileRecord, description: "Changed in the app", pronouns: "she/her" };
    await account.putProfile({ ...changed, avatar });
    await turns(icon, account, 4, changed);
  });

  test("a change of the owner's in the middle of a turn is kept, and the turn succeeds", async (t) => {
    const account = await pds.account();
    const icon = await host.open(t, account.settings);
    await turns(icon, account, 3);
    const changed = { ...profileRecord, displayName: "Changed meanwhile" };
    await pds.meanwhile("com.atproto.repo.putRecord", () => account.putProfile(changed));
    await turns(icon, account, 4, changed);
  });

  // --- Sessions ---

  test("an access token that has expired is renewed within the turn, and the new one is kept", async (t) => {
    const account = await pds.account();
    const icon = await host.open(t, account.settings);
    await turns(icon, account, 3);
    t.after(() => pds.runAhead(0));
    await pds.runAhead(3 * HOUR);
    const calls = await turns(icon, account, 4);
    assert.ok(calls.includes("refreshSession") && !calls.includes("createSession"), calls.join());
    assert.deepEqual(await turns(icon, account, 5), NEW);
  });

  test("where the whole session has expired, the app password opens another within the turn", async (t) => {
    const account = await pds.account();
    const icon = await host.open(t, account.settings);
    await turns(icon, account, 3);
    t.after(() => pds.runAhead(0));
    await pds.runAhead(91 * DAY);
    const calls = await turns(icon, account, 4);
    assert.ok(calls.includes("createSession"), calls.join());
    assert.deepEqual(await turns(icon, account, 5), NEW);
  });

  test("tokens that the server cannot verify are replaced within the turn", async (t) => {
    const account = await pds.account();
    const icon = await host.open(t, account.settings);
    await turns(icon, account, 3);
    await pds.restart();
    assert.ok((await turns(icon, account, 4)).includes("createSession"));
    assert.deepEqual(await turns(icon, account, 5), NEW);
  });

  test("an app password that was revoked ends it once the access token does, and the next one turns again", async (t) => {
    const account = await pds.account();
    const icon = await host.open(t, account.settings);
    await turns(icon, account, 3);
    await account.revokePassword();
    t.after(() => pds.runAhead(0));
    await pds.runAhead(3 * HOUR);
    const { message, network_status: status } = await refuses(
      icon,
      4,
      "credentials",
      /BLUESKY_APP_PASSWORD/,
    );
    assert.match(message, /Invalid identifier or password/);
    assert.equal(status, 401);
    assert.ok((await account.profile()).picture.equals(await host.frame(3)));
    // The owner's own session has expired too by that clock.
    await pds.runAhead(0);
    await account.anotherPassword();
    await icon.change(account.settings);
    await turns(icon, account, 4);
  });

  test("a wrong app password is told as one", async (t) => {
    const account = await pds.account();
    const icon = await host.open(t, {
      ...account.settings,
      BLUESKY_APP_PASSWORD: "abcd-efgh-ijkl-mnop",
    });
    await refuses(icon, 3, "credentials", /BLUESKY_IDENTIFIER.*BLUESKY_APP_PASSWORD/);
    assert.deepEqual((await account.profile()).rest, profileRecord);
  });

  test("an account with another handle turns on, and is told of once it has to sign in with the old one", async (t) => {
    const account = await pds.account();
    const old = account.settings;
    const icon = await host.open(t, old);
    await turns(icon, account, 3);
    await account.rename(account.handle.replace("somebody", "renamed"));
    assert.deepEqual(await turns(icon, account, 4), NEW);
    await pds.restart();
    await refuses(icon, 5, "credentials", /BLUESKY_IDENTIFIER/);
    await icon.change(account.settings);
    await turns(icon, account, 5);
  });

  // --- The record of frames ---

  /**
   * The record of frames as everybody can read it.
   *
   * @param {PdsAccount} account
   */
  const framesOf = (account) => account.record(FRAMES);

  test("each frame is uploaded once, and kept by a record of the program's own", async (t) => {
    const account = await pds.account();
    const icon = await host.open(t, account.settings);
    const uploads = [];
    for (const frame of [3, 4, 5, 3, 4, 5, 3]) {
      const calls = await turns(icon, account, frame);
      uploads.push(calls.filter((call) => call === "uploadBlob").length);
      if (uploads.length > 3) assert.deepEqual(calls, KNOWN);
    }
    assert.deepEqual(uploads, [1, 1, 1, 0, 0, 0, 0]);
    const { frames } = await framesOf(account);
    const blobs = await Promise.all(frames.map(({ ref }) => account.blob(ref.$link)));
    const expected = await Promise.all([3, 4, 5].map(host.frame));
    assert.deepEqual(
      blobs.map((blob) => blob && sha256(blob)),
      expected.map(sha256),
      "the frames are served, byte for byte",
    );
  });

  test("what is forgotten here is known by the record there", async (t) => {
    const account = await pds.account();
    const first = await host.open(t, account.settings);
    for (const frame of [3, 4]) await turns(first, account, frame);
    // With nothing kept from before, as after a move to another machine.
    const second = await host.open(t, account.settings);
    assert.ok(!(await turns(second, account, 3)).includes("uploadBlob"));
    assert.deepEqual(await turns(second, account, 4), KNOWN);
  });

  test("a record of frames that the owner has deleted is made anew", async (t) => {
    const account = await pds.account();
    const icon = await host.open(t, account.settings);
    for (const frame of [3, 4]) await turns(icon, account, frame);
    await account.deleteRecord(FRAMES);
    // Its frames are gone with it but for the one that is shown.
    for (const frame of [3, 4, 5, 3]) await turns(icon, account, frame);
    assert.ok((await framesOf(account)).frames.length > 0);
    assert.deepEqual(await turns(icon, account, 4), KNOWN);
  });

  // --- Accounts and profiles that are closed ---

  for (const [
    state,
    close,
    remedy,
  ] of /** @type {[string, (account: PdsAccount) => Promise<unknown>, RegExp][]} */ ([
    ["deactivated", (account) => account.deactivate(), /deactivated.*reactivate/s],
    ["taken down", (account) => account.takeDown(), /taken the account down/],
    ["deleted", (account) => account.delete(), /deleted/],
  ])) {
    test(`an account that is ${state} is told as that, while the session lives and once it is over`, async (t) => {
      const account = await pds.account();
      const icon = await host.open(t, account.settings);
      await turns(icon, account, 3);
      await close(account);
      await refuses(icon, 4, "account", remedy);
      t.after(() => pds.runAhead(0));
      await pds.runAhead(3 * HOUR);
      await refuses(icon, 4, "account", remedy);
    });
  }

  test("an account that is deactivated at its first sign-in is told as that, and turns once it is active again", async (t) => {
    const account = await pds.account();
    await account.deactivate();
    const icon = await host.open(t, account.settings);
    await refuses(icon, 3, "account", /reactivate/);
    await account.activate();
    await turns(icon, account, 3);
  });

  test("a profile that moderation has taken down is told as that, and turns once it is shown again", async (t) => {
    const account = await pds.account();
    const icon = await host.open(t, account.settings);
    await turns(icon, account, 3);
    await account.takeDownProfile();
    await refuses(icon, 4, "account", /moderation/);
    await account.takeDownProfile(false);
    await turns(icon, account, 4);
  });

  for (const [member, value, words] of /** @type {[string, unknown, RegExp][]} */ ([
    ["website", "example.com", /website/],
    ["pinnedPost", {}, /pinned post/],
    ["description", "a".repeat(2_570), /description/],
    ["labels", {}, /labels/],
  ])) {
    test(`a profile whose ${member} the server does not accept is told as that`, async (t) => {
      const account = await pds.account();
      await account.putProfile({ ...profileRecord, [member]: value }, { validate: false });
      const icon = await host.open(t, account.settings);
      const { remedy } = await refuses(icon, 3, "request", words);
      assert.match(remedy, /not the picture.*Edit the profile once/s);
      await account.putProfile(profileRecord);
      await turns(icon, account, 3);
    });
  }

  // --- The server is found from the handle ---

  test("the account's server is found from its handle, once and not in each turn", async (t) => {
    const account = await pds.account();
    const icon = await host.open(t, account.settingsByHandle);
    const before = pds.lookedUp;
    assert.deepEqual(await turns(icon, account, 3), ["createSession", ...NEW]);
    for (const frame of [4, 5]) assert.deepEqual(await turns(icon, account, frame), NEW);
    assert.equal(pds.lookedUp, before + 1);
    // The session is over: it is looked up again, and found where it was.
    await pds.restart();
    assert.ok((await turns(icon, account, 6)).includes("createSession"));
    assert.equal(pds.lookedUp, before + 2);
  });

  test("a handle that names nobody, and a wrong password, are told with what to set", async (t) => {
    const account = await pds.account();
    const nobody = await host.open(t, {
      ...account.settingsByHandle,
      BLUESKY_IDENTIFIER: "nobody.test",
    });
    await refuses(nobody, 3, "settings", /BLUESKY_IDENTIFIER.*BLUESKY_SERVICE/);
    const icon = await host.open(t, {
      ...account.settingsByHandle,
      BLUESKY_APP_PASSWORD: "abcd-efgh-ijkl-mnop",
    });
    const { remedy } = await refuses(
      icon,
      3,
      "credentials",
      /BLUESKY_APP_PASSWORD.*BLUESKY_SERVICE/s,
    );
    assert.ok(remedy.includes(`${pds.url} was asked`), remedy);
  });

  test("a handle that has become another account's gets no password", async (t) => {
    const account = await pds.account();
    const other = await pds.account();
    const { handle } = account;
    const icon = await host.open(t, account.settingsByHandle);
    await turns(icon, account, 3);
    await account.rename(handle.replace("somebody", "renamed"));
    await other.rename(handle);
    await pds.restart();
    await pds.calls();
    const { message } = await refuses(
      icon,
      4,
      "account",
      new RegExp(`set BLUESKY_IDENTIFIER to ${other.did}`),
    );
    assert.ok(message.includes(handle), message);
    assert.ok(!(await pds.calls()).includes("createSession"));
    assert.equal((await other.profile()).picture, undefined);
    // It is another one's still, and so it is told in the next turn too.
    await refuses(icon, 4, "account", /BLUESKY_IDENTIFIER/);
    await icon.change(account.settingsByHandle);
    await turns(icon, account, 4);
  });

  test("an account whose server is another one gets no password there before the owner agrees", async (t) => {
    const account = await pds.account();
    const icon = await host.open(t, account.settingsByHandle);
    await turns(icon, account, 3);
    await pds.move(account.did, "https://elsewhere.test");
    assert.deepEqual(await turns(icon, account, 4), NEW, "the session lives on");
    await pds.restart();
    const { message } = await refuses(
      icon,
      5,
      "account",
      /set BLUESKY_SERVICE to https:\/\/elsewhere\.test/,
    );
    assert.match(message, /another server than before/);
    await icon.change(account.settings);
    await turns(icon, account, 5);
  });
}
