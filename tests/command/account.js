/** An account with settings of its own, and small stand-ins, for the commands that turn, check and sign in. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { accountSecrets, startLocalX } from "../../scripts/lib/local-x.js";
import { stopAll } from "../../scripts/lib/run.js";
import { root, rotateIcon, temporaryFolder } from "./command.js";

/** What an entry of the journal holds when nothing is wrong, in its order. */
export const entryKeys = [
  ...["event", "trigger", "scheduled_at", "sent_at", "duration_ms"],
  ...["network", "frame", "frames", "outcome", "attempts", "network_status"],
];

/** No setting of the person who runs the tests counts: blank ones are as if they were not set. */
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
 * A folder with a settings file, and the command with both: what it prints never holds a secret.
 * The dial is slow, so that no test runs into the next frame.
 */
export async function account(t, url, changes = {}) {
  const folder = await temporaryFolder(t);
  const settings = path.join(folder, ".dev.vars");
  const values = { ...accountSecrets, API_BASE_URL: url, PERIOD: "7d", ...changes };
  const text = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(settings, text.join(""), { mode: 0o600 });
  const state = path.join(folder, "rotate-icon/state.json");
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

/** The local X: its URL, what it received (the oldest first), and faults on demand. */
export async function localX(t) {
  const { url } = await startLocalX(0);
  t.after(stopAll);
  return {
    url,
    received: async () => (await (await fetch(`${url}/simulator/received`)).json()).reverse(),
    picture: async () => Buffer.from(await (await fetch(`${url}/simulator/icon`)).arrayBuffer()),
    fault: async (fault, times = 1) => {
      const answer = await fetch(`${url}/simulator/faults`, {
        method: "PUT",
        body: JSON.stringify({ fault, times }),
      });
      assert.equal(answer.status, 200, await answer.text());
    },
  };
}

/** A server that answers by a function of `(request, body)` with `[status, body, headers]`. */
export async function server(t, answer) {
  const received = [];
  const http = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    received.push({ method: request.method, url: request.url, headers: request.headers, body });
    const [status, text = "", headers = {}] = await answer(request, body);
    response.writeHead(status, headers).end(text);
  });
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  t.after(() => new Promise((resolve) => http.close(resolve).closeAllConnections()));
  return { url: `http://127.0.0.1:${http.address().port}`, received };
}

const encoded = (text) =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** The parameters of an OAuth header, once its signature is right for these secrets (RFC 5849 §3.4). */
export function signed(request, base, appSecret, tokenSecret = "") {
  const pairs = [...request.headers.authorization.matchAll(/([a-z_]+)="([^"]*)"/g)].map(
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
