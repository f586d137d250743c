/** A person's browser, where it opens a server of the simulator. */
import { request as httpRequest } from "node:http";

/**
 * Sends a request of a person's browser to a server of the simulator.
 *
 * @param {{ url: string }} simulator
 * @param {string} address
 * @param {{ method?: string, headers?: Record<string, string>, body?: string }} [init]
 * @returns {Promise<{ status: number, location: string | undefined, text: string }>}
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
          resolve({ status: statusCode, location: headers.location, text });
        });
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}
