/**
 * The official server of Bluesky accounts on this machine, with its sign-in pages, its directory of
 * accounts and a DNS of its own, and with people to sign in as.
 */
import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import os from "node:os";
import path from "node:path";
import { installPds } from "../../tests/pds/install.js";
import { listen } from "./listen.js";
import { UserError, root } from "./run.js";

/** Who has an account on the server, under this password. */
const handles = ["ada.test", "grace.test"];
const password = "local-password";

/**
 * Installs the server unless it is there, and starts it.
 *
 * @returns {Promise<{ settings: Record<string, string>, url: string, handles: string[], password: string, ended: Promise<unknown> }>}
 *   the Worker's variables that lead to it, its URL, the accounts, and when it has ended
 */
export async function startLocalBluesky() {
  await installPds();
  const folder = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-bluesky-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  // It ends with this process.
  const server = fork(path.join(root, "tests/pds/server.js"), [folder], {
    env: { ...process.env, LOG_ENABLED: "false", PDS_ADMIN_PASSWORD: crypto.randomUUID() },
  });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  /** @type {Promise<{ url: string, directory: string }>} */
  const ready = new Promise((resolve, reject) => {
    server.once("message", (/** @type {any} */ where) => resolve(where));
    server.once("error", reject);
    ended.then((code) => reject(new UserError(`The local Bluesky ended with ${code}.`)));
  });
  const { url, directory } = await ready;
  /** @type {Map<string, string>} */
  const accounts = new Map();
  for (const handle of handles) accounts.set(handle, await createAccount(url, handle));
  const dns = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? "", "http://dns.test");
    const did = accounts.get((searchParams.get("name") ?? "").replace(/^_atproto\./, ""));
    const answer = did
      ? { Status: 0, Answer: [{ type: 16, data: `"did=${did}"` }] }
      : { Status: 3 };
    response.writeHead(200, { "content-type": "application/dns-json" });
    response.end(JSON.stringify(answer));
  });
  const settings = {
    BLUESKY_DIRECTORY: directory,
    BLUESKY_DNS: `http://127.0.0.1:${await listen(dns)}`,
  };
  dns.unref();
  return { settings, url, handles, password, ended };
}

/**
 * Makes an account, and returns its DID.
 *
 * @param {string} url the server's
 * @param {string} handle
 * @returns {Promise<string>}
 */
async function createAccount(url, handle) {
  const response = await fetch(`${url}/xrpc/com.atproto.server.createAccount`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ handle, password, email: `${handle.split(".")[0]}@example.com` }),
  });
  if (!response.ok)
    throw new UserError(
      `The local Bluesky made no account for ${handle}: ${await response.text()}`,
    );
  /** @type {{ did: string }} */
  const { did } = await response.json();
  return did;
}
