/** The command and its simulator, as scripts and benchmarks use them. */
import path from "node:path";
import { UserError, root, start } from "./run.js";

/** The path of the command `rotate-icon`, once it is built. */
export const command = path.join(root, "target/debug/rotate-icon");

/** The secrets for X that the simulator accepts, and no others. */
export const accountSecrets = {
  API_KEY: "local-api-key",
  API_KEY_SECRET: "local-api-key-secret",
  ACCESS_TOKEN: "1-local-access-token",
  ACCESS_TOKEN_SECRET: "local-access-token-secret",
};

/**
 * The settings that turn the icon on the simulator's Bluesky.
 *
 * @param {string} url the simulator's
 */
export const blueskySettings = (url) => ({
  BLUESKY_SERVICE: url,
  BLUESKY_IDENTIFIER: "local.test",
  BLUESKY_APP_PASSWORD: "loca-lapp-pass-word",
});

/**
 * The settings that turn the icon on the simulator's Mastodon.
 *
 * @param {string} url the simulator's
 */
export const mastodonSettings = (url) => ({
  MASTODON_SERVER: url,
  MASTODON_ACCESS_TOKEN: "local-mastodon-token",
});

/**
 * Starts the simulator and waits until it listens.
 *
 * @param {number} port 0: any free one
 * @param {(line: string) => unknown} onLine called with each line that it prints from then on
 * @returns {Promise<{ url: string, ended: Promise<unknown> }>}
 */
export function startLocalNetworks(port, onLine = () => {}) {
  return new Promise((resolve, reject) => {
    /** @type {string | undefined} */
    let url;
    const simulator = start(command, ["simulate", "--port", String(port)], {
      env: accountSecrets,
      onLine: (line) => {
        if (url) return onLine(line);
        [, url] = line.match(/listening on (\S+)/) ?? [];
        if (url) resolve({ url, ended: simulator.ended });
      },
    });
    simulator.ended.then(() =>
      reject(new UserError(`The local networks ended:\n${simulator.log.slice(-30).join("\n")}`)),
    );
  });
}
