/**
 * The Worker's entry: what Cloudflare calls. A request goes to wasm as worker-build passes it on; a
 * Cron Trigger goes to the account's object, and there to its turn, without wasm on the way and
 * without the worker crate's requests, responses and proxies: they cost a twentieth of a turn.
 */
import Wasm, { Account as WasmAccount } from "../build/index.js";
import decoder from "./decoder.wasm";
import { readSquare } from "./decoder.js";

/** What the Cron Trigger asks the account for, with its time in Unix ms and its text. No request from outside has this host. */
const SCHEDULED = "https://account/scheduled?";

/** The account's Durable Object. */
export class Account {
  #wasm;

  constructor(ctx, env) {
    this.#wasm = new WasmAccount(ctx, env);
  }

  async fetch(request) {
    if (!request.url.startsWith(SCHEDULED)) return this.#wasm.fetch(request);
    const event = new URL(request.url).searchParams;
    await this.#wasm.turn(Number(event.get("at")), event.get("cron"));
    return new Response();
  }

  alarm() {
    return this.#wasm.alarm();
  }
}

/**
 * Has the account make the turn that is due. An object that ends in the middle, as with a deploy,
 * is followed by another, which is asked again: it knows what has been done.
 */
async function askForTurn({ ACCOUNT }, { scheduledTime, cron }) {
  const event = new URLSearchParams({ at: scheduledTime, cron });
  for (let attempt = 1; ; attempt++) {
    try {
      // A stub is of no use after an error. The name is the one of src/account.rs.
      return await ACCOUNT.getByName("default").fetch(SCHEDULED + event);
    } catch (error) {
      if (error.overloaded || attempt === 3) throw error;
      await scheduler.wait(1_000 * attempt);
    }
  }
}

/**
 * The environment with what reads pictures, by the name that src/host.rs has: worker-build
 * bundles one wasm module alone, so another comes in by the entry.
 */
function withDecoder(env) {
  return { ...env, DECODER: (pieces, options) => readSquare(decoder, pieces, options) };
}

/** The answer when wasm has given none, as crates/core/src/web/api.rs would guard it. */
function failed() {
  const problem = {
    title: "Internal Server Error",
    status: 500,
    detail:
      "The Worker failed at this request; its log says where. Try again, and report it if it stays.",
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

export default {
  async fetch(request, env, ctx) {
    try {
      return await new Wasm(ctx, withDecoder(env)).fetch(request);
    } catch (error) {
      console.error(JSON.stringify({ event: "failed", message: String(error) }));
      return failed();
    }
  },

  async scheduled(event, env, ctx) {
    try {
      await askForTurn(env, event);
    } catch (error) {
      new Wasm(ctx, env).tellUnreachable(env, event.scheduledTime, error);
    }
  },
};
