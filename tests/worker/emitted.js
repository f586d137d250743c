/**
 * Everything that the Worker emits while a test file runs, whatever the test is
 * about: its answers, its log lines, what pages load. At the end of the file no
 * secret may be anywhere in it, in any form.
 */
import assert from "node:assert/strict";
import { after } from "node:test";

/** All forms in which a text could show. */
export const forms = (text) => [
  text,
  JSON.stringify(text).slice(1, -1),
  encodeURIComponent(text),
  Buffer.from(text).toString("base64").replace(/=+$/, ""),
  Buffer.from(text).toString("base64url"),
  Buffer.from(text).toString("hex"),
];

const pieces = [];

/** Takes note of a text, or of one that is still to come. */
export function note(what, text) {
  pieces.push(
    Promise.resolve(text).then(
      (text) => ({ what, text: String(text) }),
      () => ({ what, text: "" }),
    ),
  );
}

/** Takes note of an answer, headers and all; gives it back. */
export function noteAnswer(what, response) {
  const headers = JSON.stringify([...response.headers]);
  note(
    what,
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

/** Looks for these secrets, by name, once all tests of the file are over. */
export function searchAtTheEnd(secrets) {
  const hidden = Object.entries(secrets).flatMap(([name, value]) =>
    forms(value).map((form) => [name, form]),
  );
  after(async () => {
    for (const { what, text } of await Promise.all(pieces)) {
      for (const [name, form] of hidden)
        assert.ok(!text.includes(form), `${name} shows in ${what}: ${text.slice(0, 2_000)}`);
    }
  });
}
