/**
 * A wrangler.toml that binds or sets the wrong things: the Worker says so and
 * neither hangs nor falls back.
 */
import assert from "node:assert/strict";
import path from "node:path";
import test from "node:test";
import { createTestHarness } from "wrangler";
import { SECRETS, problem, within } from "./harness.js";

/** Runs the built Worker with a configuration of its own and asks for its health. */
async function healthWith(t, config) {
  const server = createTestHarness({
    workers: [
      {
        config: {
          name: "misconfigured",
          main: path.resolve(import.meta.dirname, "../../build/index.js"),
          compatibility_date: "2026-11-01",
          ...config,
          vars: { ...SECRETS, ...config.vars },
        },
      },
    ],
  });
  t.after(() => server.close());
  await server.listen();
  return problem(await within(20_000, "health", server.fetch("/health")), 503);
}

test("a KV namespace that is not bound is named", async (t) => {
  const { detail, frame_set: set } = await healthWith(t, {});
  assert.match(detail, /wrangler\.toml binds no KV namespace as FRAMES/);
  assert.equal(set, null);
});

test("something else that is bound as FRAMES is an error and no hang", async (t) => {
  const { detail } = await healthWith(t, { vars: { FRAMES: "a text" } });
  assert.match(detail, /The store could not be read/);
});

test("a variable that is no text is read like one and named", async (t) => {
  const kv = { kv_namespaces: [{ binding: "FRAMES", id: "frames" }] };
  const { invalid } = await healthWith(t, { ...kv, vars: { PERIOD: 24, TIME_ZONE: { name: "Asia/Tokyo" } } });
  assert.deepEqual(
    invalid.map(({ name }) => name),
    ["TIME_ZONE", "PERIOD"],
  );
});
