/** Waits with a limit, so that a test that hangs says where. */
import { setTimeout as sleep } from "node:timers/promises";

/** How long to wait for what takes next to no time, in ms: the machine may be busy. */
export const PATIENCE_MS = 120_000;

/**
 * Resolves as `promise` does, or rejects after a time.
 *
 * @template T
 * @param {number} ms
 * @param {string} what what is awaited, for the message of the error
 * @param {PromiseLike<T>} promise
 * @returns {Promise<T>}
 */
export async function within(ms, what, promise) {
  const timer = new AbortController();
  const late = sleep(ms, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`${what}: not within ${ms / 1000} s`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
    late.catch(() => {});
  }
}
