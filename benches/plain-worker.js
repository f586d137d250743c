/**
 * The rival of the turn's benchmark: a plain JavaScript Worker that makes the
 * same turn with what the platform has: KV, WebCrypto, FormData and fetch with a
 * time limit (which `TIME_LIMIT = "none"` leaves out). Bound to its Durable Object,
 * it makes the turn there and keeps what was shown and a journal.
 */
const PATH = "/1.1/account/update_profile_image.json";

const encode = (text) =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );

async function authorization(url, env) {
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

/** Makes the turn that is due and gives what the log says of it. */
async function turn(scheduledTime, env) {
  const set = await env.FRAMES.get("current", "json");
  const hour = new Date(scheduledTime + 9 * 3_600_000).getUTCHours();
  const frame = hour % set.frames;
  const bytes = await env.FRAMES.get(`sets/${set.id}/${frame}`, "arrayBuffer");
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

/** Makes turns and remembers them. */
export class Account {
  constructor({ storage }, env) {
    this.storage = storage;
    this.env = env;
    storage.sql.exec(
      "create table if not exists records (id integer primary key, entry text not null)",
    );
  }

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
  async scheduled({ scheduledTime }, env) {
    if (!env.ACCOUNT) return turn(scheduledTime, env);
    await env.ACCOUNT.getByName("default").fetch(`https://account/?at=${+scheduledTime}`);
  },
};
