/**
 * Records everything that the Worker emits while a test file runs: its answers, its log lines and
 * what pages load. After the last test of the file, no secret may appear anywhere in it, in any
 * encoding.
 */
import assert from "node:assert/strict";
import { after } from "node:test";
import { BLUESKY_SECRETS, MASTODON_SECRETS, SECRETS } from "./secrets.js";

/**
 * Returns a text in every encoding in which it could show.
 *
 * @param {string} text
 */
export const forms = (text) => [
  text,
  JSON.stringify(text).slice(1, -1),
  encodeURIComponent(text),
  Buffer.from(text).toString("base64").replace(/=+$/, ""),
  Buffer.from(text).toString("base64url"),
  Buffer.from(text).toString("hex"),
];

/** @type {Promise<{ source: string, text: string }>[]} */
const records = [];

/**
 * Records a text, or one that is still to come.
 *
 * @param {string} source where the text comes from, for the message of a failure
 * @param {unknown} text
 */
export function record(source, text) {
  records.push(
    Promise.resolve(text).then(
      (text) => ({ source, text: String(text) }),
      () => ({ source, text: "" }),
    ),
  );
}

/**
 * Records a response with its headers and returns it, unread.
 *
 * @param {string} source
 * @param {Response} response
 */
export function recordResponse(source, response) {
  const headers = JSON.stringify([...response.headers]);
  record(
    source,
    response
      .clone()
      .text()
      .then(
        (text) => `${headers}\n${text}`,
        () => headers,
      ),
  );
  return response;
}

/**
 * Asserts, after the last test of the file, that none of these secrets was recorded.
 *
 * @param {Record<string, string> | (() => Record<string, string>)} secrets by name, or what returns
 *   those that there are by then
 */
export function assertNoLeaks(secrets) {
  after(async () => {
    const known = typeof secrets === "function" ? secrets() : secrets;
    const hidden = Object.entries(known).flatMap(([name, value]) =>
      forms(value).map((form) => ({ name, form })),
    );
    for (const { source, text } of await Promise.all(records)) {
      for (const { name, form } of hidden) {
        assert.ok(!text.includes(form), `${name} shows in ${source}: ${text.slice(0, 2_000)}`);
      }
    }
  });
}

const { BLUESKY_APP_PASSWORD } = BLUESKY_SECRETS;
assertNoLeaks({ ...SECRETS, BLUESKY_APP_PASSWORD, ...MASTODON_SECRETS });
