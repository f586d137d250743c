/**
 * Servers with names of their own. Names under `.example` belong to nobody (RFC 2606), so tests give
 * them to the simulator, which tells its servers apart by the `Host` header.
 */
import { request as httpRequest } from "node:http";
import net from "node:net";
import { after } from "node:test";
import { Agent, getGlobalDispatcher, setGlobalDispatcher } from "undici";

/**
 * Has requests that this process makes, for itself or for the Worker, reach the simulator where they
 * are for a name under `.example`, whatever their scheme. Returns the hosts that were asked.
 *
 * @param {() => { url: string }} simulator
 */
export function useInternet(simulator) {
  /** @type {string[]} */
  const asked = [];
  const before = getGlobalDispatcher();
  const direct = new Agent();
  const mapped = new Agent({
    connect: (_options, callback) => {
      const { port } = new URL(simulator().url);
      const socket = net.connect(Number(port), "127.0.0.1");
      socket.once("connect", () => callback(null, socket));
      socket.once("error", (error) => callback(error, null));
    },
  });
  setGlobalDispatcher(
    new (class extends Agent {
      /** @override @type {Agent["dispatch"]} */
      dispatch(options, handler) {
        const { hostname, host } = new URL(String(options.origin));
        asked.push(host);
        const agent = hostname.endsWith(".example") ? mapped : direct;
        return agent.dispatch(options, handler);
      }
    })(),
  );
  after(async () => {
    setGlobalDispatcher(before);
    await Promise.allSettled([direct.close(), mapped.close()]);
  });
  return asked;
}

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
