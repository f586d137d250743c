/**
 * An account's object, asked as the Worker asks it, with a Mastodon server of the test's own. The
 * sign-in is left out: the test encrypts a connection as a sign-in does.
 */
import { createHash, hkdfSync, randomBytes, webcrypto } from "node:crypto";
import http from "node:http";
import { listen } from "../../../scripts/lib/listen.js";
import { SERVICE_KEY } from "./service.js";

/** The settings of the Worker. */
export const VARS = {
  PUBLIC_URL: "https://icons.example",
  SIGN_UP: "open",
  CONTACT: "operator@icons.example",
  SHORTEST_SLOT: "1s",
  SERVICE_KEY,
};

/** The server of the sign-in. */
export const SERVER = "https://social.example";

/** Passes `/{name of an object}/…` on to that object. */
export const driver = `export default {
  async fetch(request, env) {
    const [, name, ...rest] = new URL(request.url).pathname.split("/");
    const { search } = new URL(request.url);
    const object = env["edge Account"].getByName(name);
    return object.fetch(new Request("https://account/" + rest.join("/") + search, request));
  },
};`;

/** A name for an account: 26 letters and digits. */
export function newName() {
  const digits = "abcdefghijklmnopqrstuvwxyz234567";
  const bits = [...randomBytes(16)].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.padEnd(130, "0").match(/.{5}/g) ?? [])
    .map((five) => digits[Number.parseInt(five, 2)])
    .join("");
}

/**
 * A connection as a sign-in of this account has encrypted it.
 *
 * @param {string} account
 */
export async function connection(account) {
  const key = Buffer.from(SERVICE_KEY, "base64");
  const id = createHash("sha256").update("rotate-icon key id v1\0").update(key).digest("hex");
  const info = "rotate-icon encryption at rest v1";
  const raw = hkdfSync("sha256", key, new Uint8Array(), info, 32);
  const cipher = await webcrypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt"]);
  const iv = randomBytes(12);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(account.length);
  const additionalData = Buffer.concat([
    Buffer.from(id.slice(0, 8)),
    length,
    Buffer.from(`${account}connection mastodon`),
  ]);
  const secrets = JSON.stringify({
    server: SERVER,
    client_id: "id",
    client_secret: "secret-of-the-app",
    scopes: "profile write:accounts",
    redirect_uri: "https://icons.example/callback/mastodon/social.example",
    access: "token-of-the-person",
    refresh: null,
  });
  const algorithm = { name: "AES-GCM", iv, additionalData };
  const encrypted = await webcrypto.subtle.encrypt(algorithm, cipher, Buffer.from(secrets));
  return {
    network: "mastodon",
    subject: `${SERVER} 1`,
    name: "@person@social.example",
    secrets: [
      id.slice(0, 8),
      iv.toString("base64url"),
      Buffer.from(encrypted).toString("base64url"),
    ].join("."),
    signed_in_at: Date.now(),
  };
}

/**
 * Starts a Mastodon server that takes every picture. Returns its port, and when it has received
 * pictures.
 */
export async function mastodon() {
  /** @type {number[]} */
  const received = [];
  const server = { status: 200, port: 0, received, revoked: 0, close: () => {} };
  const avatar = `${SERVER}/avatars/original/missing.png`;
  const answering = http.createServer((request, response) => {
    request.resume().on("end", () => {
      const { pathname } = new URL(request.url ?? "", SERVER);
      if (pathname === "/oauth/revoke") server.revoked += 1;
      const isPicture = request.method === "PATCH" || pathname.includes("update_profile_image");
      if (isPicture) received.push(Date.now());
      const body = {
        id: "1",
        id_str: "1",
        screen_name: "person",
        username: "person",
        acct: "person",
        avatar: isPicture ? `${SERVER}/${received.length}.jpg` : avatar,
      };
      const status = isPicture ? server.status : 200;
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    });
  });
  server.port = await listen(answering);
  server.close = () => answering.close();
  return server;
}
