/** The Worker's KV namespace: fills it, reads it and empties it. */

/** @typedef {import("./frames.js").FrameSet} FrameSet */
/** @typedef {import("@cloudflare/workers-types").KVNamespace} KVNamespace */

/**
 * The value of the key `current` that makes a set the current one.
 *
 * @param {FrameSet} set
 */
export const pointerTo = ({ id, frames, mediaType }) =>
  JSON.stringify({ id, frames: frames.length, media_type: mediaType });

/**
 * Stores a set and makes it the current one.
 *
 * @param {KVNamespace} kv
 * @param {FrameSet} set
 */
export async function publish(kv, set) {
  await Promise.all(set.frames.map((frame, n) => put(kv, `sets/${set.id}/${n}`, frame)));
  await kv.put("current", pointerTo(set));
}

/**
 * Stores bytes under a key.
 *
 * @param {KVNamespace} kv
 * @param {string} key
 * @param {Iterable<number>} bytes
 */
export async function put(kv, key, bytes) {
  await kv.put(key, new Uint8Array(bytes).buffer);
}

/**
 * Reads all values, by key, in the order of the keys.
 *
 * @param {KVNamespace} kv
 * @returns {Promise<Map<string, Buffer>>}
 */
export async function contents(kv) {
  const { keys } = await kv.list();
  const entries = keys.map(async ({ name }) => {
    const value = await kv.get(name, "arrayBuffer");
    if (value === null) throw new Error(`${name} is listed but not there`);
    return /** @type {const} */ ([name, Buffer.from(value)]);
  });
  return new Map(await Promise.all(entries));
}

/**
 * Deletes all values.
 *
 * @param {KVNamespace} kv
 */
export async function empty(kv) {
  const { keys } = await kv.list();
  await Promise.all(keys.map(({ name }) => kv.delete(name)));
}
