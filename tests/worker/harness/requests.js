/** Requests to the Worker. */
import { request as httpRequest } from "node:http";
import { record } from "./leaks.js";
import { SECRETS } from "./secrets.js";
import { within } from "./waiting.js";

/** @typedef {BodyInit | Uint8Array} Body */

/**
 * The options of `fetch`, with headers as an object.
 *
 * @typedef {Omit<RequestInit, "headers" | "body"> & Added} Init
 */

/** @typedef {{ headers?: Record<string, string>, body?: Body | null }} Added */

/** The cron that tests fire unless they name another. */
export const EVERY_MINUTE = "* * * * *";

/** How long the Worker may take to answer, in ms. */
export const ANSWER_MS = 40_000;

/** The requests that need the trigger token. A subclass says how a request reaches the Worker. */
export class Client {
  /**
   * Sends a request.
   *
   * @param {string} _where path and query
   * @param {Init} [_init]
   * @returns {Promise<Response>}
   */
  fetch(_where, _init) {
    throw new Error("a subclass sends the request");
  }

  /**
   * Turns the icon by hand.
   *
   * @param {string} query
   * @param {Init} init
   */
  turn(query = "", init = {}) {
    return this.fetch(`/turn${query}`, { method: "POST", ...authorized(init) });
  }

  /**
   * Uploads a new icon.
   *
   * @param {Body} picture
   * @param {string} query
   * @param {Init} init
   */
  putIcon(picture, query = "", init = {}) {
    return this.fetch(`/icon${query}`, { method: "PUT", body: picture, ...authorized(init) });
  }

  /**
   * Reads the journal, or does with it what `init` has for a method.
   *
   * @param {string} query
   * @param {Init} init
   */
  journal(query = "", init = {}) {
    return this.fetch(`/journal${query}`, authorized(init));
  }
}

/**
 * Adds the trigger token to a request.
 *
 * @param {Init} init
 */
export function authorized(init = {}) {
  return {
    ...init,
    headers: { authorization: `Bearer ${SECRETS.TRIGGER_TOKEN}`, ...init.headers },
  };
}

/**
 * Sends a request that has no header but those given and whose body comes in these chunks. Accepts
 * an answer that comes before all of the body is sent.
 *
 * @param {{ url: string }} worker
 * @param {string} method
 * @param {string} where path and query
 * @param {object} [options]
 * @param {Record<string, string | number>} [options.headers]
 * @param {Iterable<Uint8Array | string>} [options.chunks]
 */
export function overPlainConnection(worker, method, where, { headers = {}, chunks = [] } = {}) {
  /** @type {Promise<Response>} */
  const answer = new Promise((resolve, reject) => {
    const request = httpRequest(worker.url + where, { method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part) => {
        text += part;
      });
      response.on("end", () => {
        record(where, text);
        const { statusCode: status, headers } = response;
        resolve(new Response(text, { status, headers: /** @type {any} */ (headers) }));
      });
      response.on("error", reject);
    });
    request.on("error", reject);
    for (const chunk of chunks) request.write(chunk);
    request.end();
  });
  return within(20_000, `an answer to ${where}`, answer);
}
