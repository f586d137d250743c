/** The official server under a public name, in the network of `network.js`, and browsers there. */
import { after, before } from "node:test";
import { chromium } from "playwright-core";
import { FLAGS, findBrowser } from "../../scripts/lib/browser.js";
import { DIRECTORY, DNS, Network, OTHER_PDS, PDS } from "./network.js";
import { Pds } from "./pds.js";

/**
 * @typedef {object} Deployed
 * @property {Network} network
 * @property {Pds} pds the server
 * @property {import("playwright-core").Browser} browser
 * @property {() => Promise<Pds>} other starts another server, unless it runs, and returns it
 */

/**
 * Starts the network, the server and a browser before the first test of the file, and ends them
 * after the last one.
 *
 * @param {object} [options]
 * @param {(deployed: Deployed) => unknown} [options.prepare] called once, when all of it is there
 * @param {() => unknown} [options.close] called before all of it ends
 */
export function useDeployed({ prepare, close } = {}) {
  const deployed = /** @type {Deployed} */ ({ other });
  /** @type {Promise<Pds> | undefined} */
  let another;

  async function other() {
    another ??= start(OTHER_PDS, { PDS_DID_PLC_URL: deployed.pds.directory });
    return another;
  }

  /** @param {string} hostname @param {Record<string, string>} [env] */
  async function start(hostname, env) {
    const pds = new Pds({ network: deployed.network, hostname });
    await pds.start(env);
    return pds;
  }

  before(
    async () => {
      deployed.network = await Network.start();
      const { network } = deployed;
      const args = [...FLAGS, ...network.flags];
      [deployed.pds, deployed.browser] = await Promise.all([
        start(PDS),
        chromium.launch({ executablePath: findBrowser(), args, timeout: 120_000 }),
      ]);
      network.serve(DIRECTORY, { url: deployed.pds.directory });
      network.serve(DNS, (request, response) => deployed.pds.answerDns(request, response));
      await prepare?.(deployed);
    },
    { timeout: 120_000 },
  );
  after(async () => {
    await close?.();
    const servers = [deployed.pds, await another];
    await Promise.allSettled([deployed.browser?.close(), ...servers.map((pds) => pds?.close())]);
    deployed.network?.close();
  });
  return deployed;
}
