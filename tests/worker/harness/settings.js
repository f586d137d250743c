/** The settings that the Worker runs with in a test. */
import { BLUESKY_SECRETS, MASTODON_SECRETS, SECRETS, accountSecrets } from "./secrets.js";

/**
 * What a test changes about the settings.
 *
 * @typedef {object} Changes
 * @property {string[]} [networks] those with an account; default: X alone
 * @property {Record<string, string>} [vars]
 * @property {Record<string, string | null | undefined>} [secrets] null leaves a secret out
 */

/**
 * Returns the vars and secrets of a test.
 *
 * @param {{ url: string }} simulator what answers for the networks
 * @param {Changes} [changes]
 */
export function settingsOf(simulator, { networks = ["x"], vars = {}, secrets = {} } = {}) {
  /** @type {Record<string, Record<string, string>>} */
  const accounts = {
    x: accountSecrets,
    bluesky: BLUESKY_SECRETS,
    mastodon: { ...MASTODON_SECRETS, MASTODON_SERVER: simulator.url },
  };
  /** @type {Record<string, string | null>} */
  const all = Object.assign(
    { TRIGGER_TOKEN: SECRETS.TRIGGER_TOKEN },
    ...networks.map((network) => accounts[network]),
    secrets,
  );
  /** @type {Record<string, string>} */
  const given = {};
  for (const [name, value] of Object.entries(all)) if (value !== null) given[name] = value;
  return {
    vars: { API_BASE_URL: simulator.url, BLUESKY_SERVICE: simulator.url, ...vars },
    secrets: given,
  };
}
