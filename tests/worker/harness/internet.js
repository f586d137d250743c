/**
 * Servers with names of their own. Names under `.example` belong to nobody (RFC 2606), so tests give
 * them to the simulator, which tells its servers apart by the `Host` header.
 */
import net from "node:net";
import { after } from "node:test";
import { Agent, getGlobalDispatcher, setGlobalDispatcher } from "undici";

/**
 * Has requests that this process makes, for itself or for the Worker, reach the simulator where they
 * are for a name under `.example`, whatever their scheme. Returns the hosts that were asked.
 *
 * @param {() => { url: string }} simulator
 * @param {Map<string, number>} others the ports of servers that the tests have themselves, by name
 */
export function useInternet(simulator, others = new Map()) {
  /** @type {string[]} */
  const asked = [];
  const before = getGlobalDispatcher();
  const direct = new Agent();
  const mapped = new Agent({
    connect: ({ hostname }, callback) => {
      const port = others.get(hostname) ?? Number(new URL(simulator().url).port);
      const socket = net.connect(port, "127.0.0.1");
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
