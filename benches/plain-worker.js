/**
 * A Worker in plain JavaScript that makes the same turn with the platform's means: KV, WebCrypto,
 * FormData, and `fetch` with a time limit (which `TIME_LIMIT = "none"` leaves out). If it has a
 * Durable Object, it makes the turn there, and stores what is shown and a journal.
 */

/**
 * @typedef {object} Env
 * @property {KVNamespace} FRAMES
 * @property {DurableObjectNamespace} [ACCOUNT]
 * @property {string} API_BASE_URL
 * @property {string} API_KEY
 * @property {string} API_KEY_SECRET
 * @property {string} ACCESS_TOKEN
 * @property {string} ACCESS_TOKEN_SECRET
 * @property {string} [TIME_LIMIT]
 */

const PATH = "/1.1/account/update_profile_image.json";

/** @param {string} text */
const encode = (text) =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/**
 * Signs a request (OAuth 1.0a, RFC 5849 §3.4).
 *
 * @param {string} url
 * @param {Env} env
 */
async function authorization(url, env) {
  /** @type {Record<string, string>} */
  const oauth = {
    oauth_consumer_key: env.API_KEY,
    oauth_nonce: crypto.randomUUID().replaceAll("-", ""),
    oauth_signature_method: "HMAC-SHA1",
    oauth_timestamp: String(Math.floor(Date.now() / 1000)),
    oauth_token: env.ACCESS_TOKEN,
    oauth_version: "1.0",
  };
  const parameters = Object.entries(oauth).map(
    ([name, value]) => `${encode(name)}=${encode(value)}`,
  );
  const baseString = `POST&${encode(url)}&${encode(parameters.sort().join("&"))}`;
  const text = new TextEncoder();
  const key = await crypto.subtle.importKey(
    "raw",
    text.encode(`${encode(env.API_KEY_SECRET)}&${encode(env.ACCESS_TOKEN_SECRET)}`),
    { name: "HMAC", hash: "SHA-1" },
    false,
    ["sign"],
  );
  const digest = await crypto.subtle.sign("HMAC", key, text.encode(baseString));
  oauth.oauth_signature = btoa(String.fromCharCode(...new Uint8Array(digest)));
  return `OAuth ${Object.entries(oauth)
    .map(([name, value]) => `${name}="${encode(value)}"`)
    .join(", ")}`;
}

/**
 * Makes the turn that is due, and returns what it logs.
 *
 * @param {number} scheduledTime in Unix ms
 * @param {Env} env
 */
async function turn(scheduledTime, env) {
  /** @type {{ id: string, frames: number, media_type: string } | null} */
  const set = await env.FRAMES.get("current", "json");
  if (!set) throw new Error("no frame set");
  const hour = new Date(scheduledTime + 9 * 3_600_000).getUTCHours();
  const frame = hour % set.frames;
  const bytes = await env.FRAMES.get(`sets/${set.id}/${frame}`, "arrayBuffer");
  if (!bytes) throw new Error("no frame");
  const form = new FormData();
  form.append("image", new Blob([bytes], { type: set.media_type }), "image.jpg");
  const url = env.API_BASE_URL + PATH;
  const response = await fetch(url, {
    method: "POST",
    headers: { authorization: await authorization(url, env), "user-agent": "plain-worker" },
    body: form,
    redirect: "manual",
    signal: env.TIME_LIMIT === "none" ? undefined : AbortSignal.timeout(20_000),
  });
  /** @type {{ screen_name?: string }} */
  const reply = await response.json();
  if (!response.ok || !reply.screen_name) {
    throw new Error(`${response.status} ${JSON.stringify(reply)}`);
  }
  const entry = {
    event: "turn",
    frame,
    frames: set.frames,
    outcome: "turned",
    status: response.status,
  };
  console.log(JSON.stringify(entry));
  return { set: set.id, ...entry };
}

/** Makes turns and records them. */
export class Account {
  /**
   * @param {DurableObjectState} state
   * @param {Env} env
   */
  constructor({ storage }, env) {
    this.storage = storage;
    this.env = env;
    storage.sql.exec(
      "create table if not exists records (id integer primary key, entry text not null)",
    );
  }

  /** @param {Request} request */
  async fetch(request) {
    const { set, ...entry } = await turn(
      Number(new URL(request.url).searchParams.get("at")),
      this.env,
    );
    this.storage.kv.put("showing", { set, frame: entry.frame });
    this.storage.sql.exec("insert into records (entry) values (?)", JSON.stringify(entry));
    return new Response();
  }
}

export default {
  /**
   * @param {ScheduledController} event
   * @param {Env} env
   */
  async scheduled({ scheduledTime }, env) {
    if (!env.ACCOUNT) {
      await turn(scheduledTime, env);
      return;
    }
    await env.ACCOUNT.getByName("default").fetch(`https://account/?at=${+scheduledTime}`);
  },
};
