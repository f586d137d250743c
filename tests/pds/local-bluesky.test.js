/**
 * The simulator's Bluesky beside the official server: both receive the same requests and have to
 * answer with the same status and the same error. Where the simulator is stricter on purpose, the
 * test says what it answers.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test, { after } from "node:test";
import { blueskySettings, startLocalNetworks } from "../../scripts/lib/local-networks.js";
import { stopAll } from "../../scripts/lib/run.js";
import { sampleIcon } from "../command/command.js";
import { usePds } from "./pds.js";

const PROFILE = "app.bsky.actor.profile";
const SELF = { collection: PROFILE, rkey: "self" };
/** The identifiers of a record, and of bytes that nobody has uploaded. */
const CID = "bafyreigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi";
const NO_BYTES = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";

/** @typedef {{ status: number, error?: string, json: any, text: string }} Answer */

/**
 * The options of a call.
 *
 * @typedef {object} Options
 * @property {BodyInit | Uint8Array} [body]
 * @property {Record<string, string>} [headers]
 * @property {Record<string, string>} [params]
 * @property {string | null} [authorization] default: the session's
 */

/**
 * One of the two servers, with an account that has no profile.
 *
 * @typedef {object} Side
 * @property {string} did
 * @property {() => Promise<unknown>} removeProfile
 * @property {(method: string, name: string, options?: Options) => Promise<Answer>} call
 */

const sides = /** @type {{ official: Side, local: Side }} */ ({});
const pds = usePds({ prepare });

/**
 * Makes a side, whose calls have the session's token.
 *
 * @param {object} server
 * @param {string} server.url
 * @param {string} server.did
 * @param {string} server.token
 * @param {() => Promise<unknown>} server.removeProfile
 * @returns {Side}
 */
function side({ url, did, token, removeProfile }) {
  return {
    did,
    removeProfile,
    async call(method, name, { body, headers, params, authorization = `Bearer ${token}` } = {}) {
      const query = params ? `?${new URLSearchParams(params)}` : "";
      const response = await fetch(`${url}/xrpc/com.atproto.${name}${query}`, {
        method,
        headers: { ...(authorization && { authorization }), ...headers },
        body: /** @type {BodyInit | undefined} */ (body),
      });
      const text = await response.text();
      const json = text.startsWith("{") ? JSON.parse(text) : {};
      return { status: response.status, error: json.error, json, text };
    },
  };
}

async function prepare() {
  const account = await pds.account(null);
  const [official, local] = [pds.url, (await startLocalNetworks(0)).url];
  const body = { repo: account.did, ...SELF };
  const opened = await pds.call("POST", "com.atproto.server.createSession", {
    body: { identifier: account.handle, password: account.appPassword },
  });
  const removeProfile = () =>
    pds.done("POST", "com.atproto.repo.deleteRecord", { token: account.token, body });
  sides.official = side({
    url: official,
    did: account.did,
    token: opened.json.accessJwt,
    removeProfile,
  });
  const { BLUESKY_IDENTIFIER: identifier, BLUESKY_APP_PASSWORD: password } = blueskySettings(local);
  const session = await fetch(`${local}/xrpc/com.atproto.server.createSession`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ identifier, password }),
  });
  const { did, accessJwt } = await session.json();
  sides.local = side({
    ...{ url: local, did, token: accessJwt },
    removeProfile: () =>
      fetch(`${local}/simulator/bluesky`, { method: "PATCH", body: '{"record":null}' }),
  });
  await sides.local.removeProfile();
}
after(stopAll);

/**
 * Does the same on both sides, asserts that the answers are alike, and returns the official one.
 *
 * @param {(side: Side) => Promise<Answer>} act
 */
async function alike(act) {
  const [official, local] = await Promise.all([act(sides.official), act(sides.local)]);
  const short = (/** @type {Answer} */ { status, error }) => `${status} ${error ?? ""}`.trim();
  assert.equal(short(local), short(official), `official: ${official.text}\nlocal: ${local.text}`);
  return official;
}

/**
 * Uploads bytes.
 *
 * @param {Buffer} bytes
 * @param {string} type
 */
const upload = (bytes, type) => (/** @type {Side} */ side) =>
  side.call("POST", "repo.uploadBlob", { body: bytes, headers: { "content-type": type } });

/**
 * Puts a record, and removes it again.
 *
 * @param {object} record
 */
const put =
  (record, changes = {}) =>
  async (/** @type {Side} */ side) => {
    await side.removeProfile();
    const body = JSON.stringify({
      repo: side.did,
      ...SELF,
      record: { $type: PROFILE, ...record },
      swapRecord: null,
      ...changes,
    });
    const answer = await side.call("POST", "repo.putRecord", {
      body,
      headers: { "content-type": "application/json" },
    });
    await side.removeProfile();
    return answer;
  };

/**
 * The same with a number in the JSON that JavaScript cannot write.
 *
 * @param {string} number
 */
const putText = (number) => async (/** @type {Side} */ side) => {
  await side.removeProfile();
  const record = `{"$type":"${PROFILE}","org.example.number":${number}}`;
  const body = `{"repo":"${side.did}","collection":"${PROFILE}","rkey":"self","record":${record},"swapRecord":null}`;
  const answer = await side.call("POST", "repo.putRecord", {
    body,
    headers: { "content-type": "application/json" },
  });
  await side.removeProfile();
  return answer;
};

const RECORDS = {
  "no member at all": {},
  "a website": { website: "https://example.com/" },
  "a website that is no URI": { website: "example.com" },
  "an empty website": { website: "" },
  "a website that is no text": { website: 1 },
  "a website without an authority": { website: "mailto:a@example.com" },
  "a website with a space": { website: "https://example.com/a b" },
  "a pinned post": { pinnedPost: { uri: "at://did:plc:abc/app.bsky.feed.post/1", cid: CID } },
  "an empty pinned post": { pinnedPost: {} },
  "a pinned post that is null": { pinnedPost: null },
  "a pinned post without a cid": { pinnedPost: { uri: "at://did:plc:abc/app.bsky.feed.post/1" } },
  "a pinned post whose cid is none": {
    pinnedPost: { uri: "at://did:plc:abc/app.bsky.feed.post/1", cid: "abc" },
  },
  "a pinned post whose uri is none": { pinnedPost: { uri: "https://example.com", cid: CID } },
  "a starter pack that is empty": { joinedViaStarterPack: {} },
  "empty labels": { labels: {} },
  "labels of their type, with nothing": { labels: { $type: "com.atproto.label.defs#selfLabels" } },
  "labels of their type": {
    labels: { $type: "com.atproto.label.defs#selfLabels", values: [{ val: "a" }] },
  },
  "labels of another type": { labels: { $type: "org.example.labels", a: 1 } },
  "labels that are null": { labels: null },
  "a label that is too long": {
    labels: { $type: "com.atproto.label.defs#selfLabels", values: [{ val: "a".repeat(129) }] },
  },
  "too many labels": {
    labels: { $type: "com.atproto.label.defs#selfLabels", values: Array(11).fill({ val: "a" }) },
  },
  "a name that is null": { displayName: null },
  "a name of 65 letters": { displayName: "a".repeat(65) },
  "a description of 257 letters": { description: "a".repeat(257) },
  "pronouns of 21 letters": { pronouns: "a".repeat(21) },
  "a creation time that is none": { createdAt: "yesterday" },
  "a creation time without a zone": { createdAt: "2023-04-12T00:00:00.000" },
  "an avatar that is none": { avatar: {} },
  "an avatar that is null": { avatar: null },
  "a member without a lexicon": { "org.example.unknown": [null, true, -1, { deep: [[]] }] },
  "a member that is null": { unknown: null },
};

for (const [name, record] of Object.entries(RECORDS)) {
  test(`a profile with ${name}`, async () => {
    await alike(put(record));
  });
}

// The official server takes `1.0` and `1e3` for whole numbers, and stores them as such. The simulator
// refuses them, because a record has to be put back as it was read.
for (const number of [
  "0",
  "-1",
  "9007199254740991",
  "9007199254740993",
  "-9007199254740993",
  "18446744073709551616",
  "1.5",
]) {
  test(`a profile with the number ${number}`, async () => {
    await alike(putText(number));
  });
}

test("a picture, as an avatar and for something else", async () => {
  const bytes = await readFile(sampleIcon);
  await alike(upload(Buffer.from("plain text"), "text/plain"));
  const changes = [
    {},
    { size: 1 },
    { mimeType: "image/jpeg" },
    { mimeType: "text/plain" },
    { ref: { $link: CID } },
    { ref: { $link: NO_BYTES } },
  ];
  for (const changed of changes) {
    // Gone with the record that referred to it.
    const { blob } = (await alike(upload(bytes, "image/png"))).json;
    await alike(put({ avatar: { ...blob, ...changed } }));
  }
});

test("a picture of another type, and one that is too large", async () => {
  const gif = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAAAAAAALAAAAAABAAEAAAIBRAA7", "base64");
  const large = Buffer.concat([await readFile(sampleIcon), Buffer.alloc(1_100_000)]);
  for (const [bytes, type] of /** @type {[Buffer, string][]} */ ([
    [gif, "image/gif"],
    [large, "image/png"],
  ])) {
    const { json } = await alike(upload(bytes, type));
    await alike(put({ avatar: json.blob }));
  }
});

test("more bytes than are taken", async () => {
  await alike(upload(Buffer.alloc(6 * 1024 * 1024), "image/png"));
});

test("a record that is large, and one that is too large", async () => {
  for (const length of [160 * 1024, 1_000_000])
    await alike(put({ "org.example.long": "a".repeat(length) }));
});

test("requests that are none", async () => {
  const json = { "content-type": "application/json" };
  for (const body of ["", "null", "[]", "{", '"a"', "{}", '{"repo":1}']) {
    await alike((side) => side.call("POST", "repo.putRecord", { body, headers: json }));
  }
  await alike((side) =>
    side.call("POST", "repo.putRecord", { body: "a=b", headers: { "content-type": "text/plain" } }),
  );
  await alike((side) => side.call("GET", "repo.putRecord"));
  await alike((side) => side.call("POST", "repo.getRecord"));
  await alike((side) => side.call("GET", "repo.getRecord", { params: { repo: side.did } }));
  await alike((side) =>
    side.call("GET", "repo.getRecord", { params: { repo: side.did, ...SELF } }),
  );
});

test("tokens that are none", async () => {
  for (const authorization of [null, "Bearer abc", "Bearer a.b.c", "Bearer ", "Basic abc", "abc"]) {
    for (const [method, name] of [
      ["GET", "server.getSession"],
      ["POST", "server.refreshSession"],
    ]) {
      await alike((side) => side.call(method, name, { authorization }));
    }
    await alike((side) =>
      put({})({
        ...side,
        call: (method, name, init) => side.call(method, name, { ...init, authorization }),
      }),
    );
    await alike((side) =>
      side.call("POST", "repo.uploadBlob", {
        authorization,
        body: "a",
        headers: { "content-type": "image/png" },
      }),
    );
  }
});
