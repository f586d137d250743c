/** An account with its own settings, and small servers, for `turn`, `doctor` and `login`. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { accountSecrets, startLocalNetworks } from "../../scripts/lib/local-networks.js";
import { stopAll } from "../../scripts/lib/run.js";
import { root, rotateIcon, temporaryFolder } from "./command.js";
import { listen, portOf } from "../../scripts/lib/listen.js";

/** @typedef {import("./command.js").TestContext} TestContext */

/** The members of a journal entry of a turn without faults, in order. */
export const entryKeys = [
  ...["event", "trigger", "scheduled_at", "sent_at", "duration_ms"],
  ...["network", "frame", "frames", "outcome", "attempts", "network_status"],
];

/** Blanks every setting in the environment of whoever runs the tests: blank means not set. */
export const unset = Object.fromEntries(
  Object.keys(process.env)
    .concat(
      Object.keys(accountSecrets),
      "TIME_ZONE",
      "PERIOD",
      "DIRECTION",
      "API_BASE_URL",
      "X_BODY",
      "ALERT_WEBHOOK_URL",
    )
    .filter((name) =>
      /^(API_|ACCESS_|TIME_ZONE$|PERIOD$|DIRECTION$|X_|ALERT_|BLUESKY_|MASTODON_|TRIGGER_|CLOUDFLARE_ENV$|(ALL|HTTPS?|NO)_PROXY$)/i.test(
        name,
      ),
    )
    .map((name) => [name, ""]),
);

/**
 * Writes a settings file into a folder. Returns both, and `run`, which runs the command with them
 * and asserts that it prints and stores no secret. The period is long, so that no test runs into
 * the next frame.
 *
 * @param {TestContext} t
 * @param {string} url where X answers
 * @param {Record<string, string>} changes further settings
 */
export async function account(t, url, changes = {}) {
  const folder = await temporaryFolder(t);
  const settings = path.join(folder, ".dev.vars");
  const values = { ...accountSecrets, API_BASE_URL: url, PERIOD: "7d", ...changes };
  const text = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(settings, text.join(""), { mode: 0o600 });
  const state = path.join(folder, "rotate-icon/state.json");
  /**
   * @param {string[]} words
   * @param {import("./command.js").Environment} env
   */
  const run = async (words, env = {}, cwd = root) => {
    const result = await rotateIcon(
      [...words, "--settings", settings],
      { ...unset, XDG_STATE_HOME: folder, ...env },
      cwd,
    );
    for (const [name, secret] of Object.entries(values)) {
      if (!secret || !(name in accountSecrets)) continue;
      const kept = await readFile(state, "utf8").catch(() => "");
      assert.ok(!`${result.stdout}${result.stderr}${kept}`.includes(secret), `${name} is shown`);
    }
    return result;
  };
  return { folder, settings, state, run };
}

/**
 * Starts the simulator. Returns its URL, what it received (oldest first), the picture that X shows,
 * and a function that makes the next requests fail.
 *
 * @param {TestContext} t
 */
export async function localX(t) {
  const { url } = await startLocalNetworks(0);
  t.after(stopAll);
  return {
    url,
    /** @returns {Promise<any[]>} */
    received: async () => (await (await fetch(`${url}/simulator/received`)).json()).reverse(),
    picture: async () => Buffer.from(await (await fetch(`${url}/simulator/icon`)).arrayBuffer()),
    /** @param {string} fault */
    fault: async (fault, times = 1) => {
      const answer = await fetch(`${url}/simulator/faults`, {
        method: "PUT",
        body: JSON.stringify({ fault, times }),
      });
      assert.equal(answer.status, 200, await answer.text());
    },
  };
}

/** @typedef {import("node:http").IncomingMessage} IncomingMessage */
/** @typedef {IncomingMessage & { url: string }} Request */

/**
 * Status, body and headers of an answer.
 *
 * @typedef {[number, string?, Record<string, string>?]} Answer
 */

/**
 * Starts a server that answers by a function. Returns its URL, and the requests that it received.
 *
 * @param {TestContext} t
 * @param {(request: Request, body: string) => Answer | Promise<Answer>} answer
 */
export async function server(t, answer) {
  /** @type {(Pick<IncomingMessage, "method" | "url" | "headers"> & { body: string })[]} */
  const received = [];
  const http = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    received.push({ method: request.method, url: request.url, headers: request.headers, body });
    const [status, text = "", headers = {}] = await answer(/** @type {Request} */ (request), body);
    response.writeHead(status, headers).end(text);
  });
  await listen(http);
  t.after(() => new Promise((resolve) => http.close(resolve).closeAllConnections()));
  return { url: `http://127.0.0.1:${portOf(http)}`, received };
}

/** @param {string} text */
const encoded = (text) =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/**
 * Checks the signature of a request (RFC 5849 §3.4). Returns the parameters of its OAuth header.
 *
 * @param {Pick<IncomingMessage, "method" | "url" | "headers">} request
 * @param {string} base the URL of the server
 * @param {string} appSecret
 */
export function signed(request, base, appSecret, tokenSecret = "") {
  const pairs = [...(request.headers.authorization ?? "").matchAll(/([a-z_]+)="([^"]*)"/g)].map(
    ([, name, value]) => [name, decodeURIComponent(value)],
  );
  const { oauth_signature: signature, ...parameters } = Object.fromEntries(pairs);
  const sorted = Object.entries(parameters)
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .sort()
    .join("&");
  const text = [request.method, encoded(`${base}${request.url}`), encoded(sorted)].join("&");
  const hmac = createHmac("sha1", `${encoded(appSecret)}&${encoded(tokenSecret)}`)
    .update(text)
    .digest("base64");
  assert.equal(signature, hmac, "the signature");
  return parameters;
}
