/** A person's browser, where it opens a server of the simulator. */
import { request as httpRequest } from "node:http";

/**
 * What a server answers to a person's browser.
 *
 * @typedef {object} Seen
 * @property {number} status
 * @property {string | undefined} location
 * @property {string | undefined} type of the text
 * @property {string} text
 */

/**
 * Sends a request of a person's browser to a server of the simulator.
 *
 * @param {{ url: string }} simulator
 * @param {string} address
 * @param {{ method?: string, headers?: Record<string, string>, body?: string }} [init]
 * @returns {Promise<Seen>} the answer
 */
export function browse(simulator, address, { method = "GET", headers = {}, body } = {}) {
  const { host, pathname, search } = new URL(address);
  const { port } = new URL(simulator.url);
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host: "127.0.0.1",
        port,
        path: pathname + search,
        method,
        headers: { host, "user-agent": "a person's browser", ...headers },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part) => {
          text += part;
        });
        response.on("end", () => {
          const { statusCode = 0, headers } = response;
          const { location, "content-type": type } = headers;
          resolve({ status: statusCode, location, type, text });
        });
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}
