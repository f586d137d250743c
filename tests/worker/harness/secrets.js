/** The secrets of every test: random, so that finding one anywhere is no coincidence. */
import { randomUUID } from "node:crypto";

/** The names of the four secrets that sign requests for an account on X. */
export const ACCOUNT_SECRETS = /** @type {const} */ ([
  "API_KEY",
  "API_KEY_SECRET",
  "ACCESS_TOKEN",
  "ACCESS_TOKEN_SECRET",
]);

/** The secrets for X, two with characters that OAuth 1.0a escapes, and the trigger token. */
export const SECRETS = {
  API_KEY: `key-${randomUUID()}`,
  API_KEY_SECRET: `key-secret-&=+/%~-${randomUUID()}`,
  ACCESS_TOKEN: `1-token-${randomUUID()}`,
  ACCESS_TOKEN_SECRET: `token-secret-%26+!*()-${randomUUID()}`,
  TRIGGER_TOKEN: `trigger-${randomUUID()}`,
};

/** The sign-in to the simulator's Bluesky account. */
export const BLUESKY_SECRETS = {
  BLUESKY_IDENTIFIER: "somebody.test",
  BLUESKY_APP_PASSWORD: appPassword(),
};

/** The sign-in to the simulator's Mastodon account. */
export const MASTODON_SECRETS = { MASTODON_ACCESS_TOKEN: `mastodon-${randomUUID()}` };

/** Returns a new app password in Bluesky's format: four groups of four characters. */
export function appPassword() {
  const digits = randomUUID().replaceAll("-", "");
  return [0, 4, 8, 12].map((start) => digits.slice(start, start + 4)).join("-");
}

/** The four secrets of the X account, by name. */
export const accountSecrets = Object.fromEntries(
  ACCOUNT_SECRETS.map((name) => [name, SECRETS[name]]),
);
