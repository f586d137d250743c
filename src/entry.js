/**
 * The Worker's entry. It brings the decoder in, since worker-build bundles one wasm module alone,
 * and has an answer for the one case in which wasm gives none. All else is in Rust.
 */
import Worker, { Account, Directory } from "../build/index.js";
import decoder from "./decoder.wasm";
import { readSquare } from "./decoder.js";

/** upload.rs knows it by this name. */
globalThis.decodePicture = (pieces, options) => readSquare(decoder, pieces, options);

/** The answer when wasm has trapped. It is guarded like any other (crates/core/src/web/answer.rs). */
function failed() {
  const problem = {
    title: "Internal Server Error",
    status: 500,
    detail: "The Worker failed at this request. Try again; if it stays, report it with its log.",
  };
  const headers = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "content-type": "application/problem+json",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
  return Response.json(problem, { status: 500, headers });
}

export { Account, Directory };

export default {
  async fetch(request, env, ctx) {
    try {
      return await new Worker(ctx, env).fetch(request);
    } catch (error) {
      console.error(JSON.stringify({ event: "failed", message: String(error) }));
      return failed();
    }
  },

  scheduled: (event, env, ctx) => new Worker(ctx, env).scheduled(event),
};
