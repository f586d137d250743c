/** The command and the local X, as the scripts and benchmarks use them. */
import path from "node:path";
import { UserError, root, start } from "./run.js";

/** The command `rotate-icon`, once it is built. */
export const command = path.join(root, "target/debug/rotate-icon");

/** Good for the local X only; it accepts exactly these. */
export const accountSecrets = {
  API_KEY: "local-api-key",
  API_KEY_SECRET: "local-api-key-secret",
  ACCESS_TOKEN: "1-local-access-token",
  ACCESS_TOKEN_SECRET: "local-access-token-secret",
};

/** The settings that show the icon on the local Bluesky too, and on the local Mastodon. */
export const blueskySettings = (url) => ({
  BLUESKY_SERVICE: url,
  BLUESKY_IDENTIFIER: "local.test",
  BLUESKY_APP_PASSWORD: "loca-lapp-pass-word",
});
export const mastodonSettings = (url) => ({
  MASTODON_SERVER: url,
  MASTODON_ACCESS_TOKEN: "local-mastodon-token",
});

/**
 * Starts the local X on a port (0: any free one) and waits until it listens:
 * `{ url, ended }`. `onLine` gets what it prints from then on.
 */
export function startLocalX(port, onLine = () => {}) {
  return new Promise((resolve, reject) => {
    let url;
    const x = start(command, ["simulate", "--port", String(port)], {
      env: accountSecrets,
      onLine: (line) => {
        if (url) return onLine(line);
        [, url] = line.match(/listening on (\S+)/) ?? [];
        if (url) resolve({ url, ended: x.ended });
      },
    });
    x.ended.then(() => reject(new UserError(`The local X ended:\n${x.log.slice(-30).join("\n")}`)));
  });
}
