/** Assertions about what the Worker answers and logs. */
import assert from "node:assert/strict";

/**
 * Asserts that an answer is a problem (RFC 9457) of this status, and returns its body.
 *
 * @param {Response} response
 * @param {number} status
 */
export async function problem(response, status) {
  const text = await response.text();
  assert.equal(response.status, status, text);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  assert.equal(response.headers.get("cache-control"), "no-store");
  assertGuarded(response);
  const body = JSON.parse(text);
  assert.equal(body.status, status);
  assert.ok(body.title.length > 0 && body.detail.length > 0, text);
  return body;
}

/**
 * Asserts that an answer is JSON of status 200, and returns its body.
 *
 * @param {Response} response
 */
export async function json(response) {
  const text = await response.text();
  assert.equal(response.status, 200, text);
  assert.equal(response.headers.get("content-type"), "application/json");
  assertGuarded(response);
  return JSON.parse(text);
}

/**
 * Asserts the headers of every answer that restrict what a browser does with it.
 *
 * @param {Response} response
 */
export function assertGuarded(response) {
  assert.equal(response.headers.get("x-content-type-options"), "nosniff");
  assert.match(
    response.headers.get("content-security-policy") ?? "",
    /^default-src 'none'; (.*; )?frame-ancestors 'none'$/,
  );
}

/**
 * What the Worker logged in one call of `console`.
 *
 * @typedef {object} Logged
 * @property {string} level such as "log" or "error"
 * @property {string} text
 * @property {any} line the text, parsed as JSON
 */

/**
 * Asserts that a log entry is one line of JSON, and parses it.
 *
 * @param {{ level: string, message: string }} entry
 * @returns {Logged}
 */
export function parseLogged({ level, message }) {
  assert.doesNotMatch(message, /[\r\n]/, "a log line is one line");
  let line;
  try {
    line = JSON.parse(message);
  } catch {
    assert.fail(`not a structured line: ${message}`);
  }
  return { level, text: message, line };
}
