/**
 * The two hosts of a turn, the command and the built Worker in workerd, behind one interface, so
 * that each case is written once.
 */
import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after } from "node:test";
import { accountSecrets } from "../../scripts/lib/local-networks.js";
import { account } from "../command/account.js";
import { rotateIcon, sampleIcon } from "../command/command.js";

/**
 * A host.
 *
 * @typedef {object} Host
 * @property {(n: number) => Promise<Buffer>} frame returns the bytes of a frame
 * @property {(t: TestContext, settings: Record<string, string>) => Promise<Icon>} open returns an
 *   icon that turns with these settings
 */

/**
 * An icon.
 *
 * @typedef {object} Icon
 * @property {(frame: number) => Promise<any>} turn turns by hand, and returns the journal's entry
 * @property {(settings: Record<string, string>) => Promise<unknown>} change stores other settings,
 *   and keeps what is known of the account
 */

/** @typedef {import("node:test").TestContext} TestContext */

/** Blank settings for X, which is not meant here. */
const withoutX = Object.fromEntries(Object.keys(accountSecrets).map((name) => [name, ""]));

/** The command, which is started for each turn. */
export async function useCommand() {
  const frames = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-pds-frames-"));
  after(() => rm(frames, { recursive: true, force: true }));
  assert.equal((await rotateIcon(["render", sampleIcon, "--out", frames])).status, 0);
  return {
    /** @param {number} n */
    frame: (n) => readFile(path.join(frames, `${n}.jpg`)),
    /**
     * @param {TestContext} t
     * @param {Record<string, string>} values
     */
    async open(t, values) {
      const { settings, state, run } = await account(t, "", { ...withoutX, ...values });
      return {
        run,
        state,
        /** @param {number} frame */
        async turn(frame) {
          const { stdout, stderr } = await run([
            "turn",
            "--rendered",
            frames,
            "--frame",
            String(frame),
            "--json",
          ]);
          assert.ok(stdout, stderr);
          return JSON.parse(stdout);
        },
        /** @param {Record<string, string>} values */
        async change(values) {
          const text = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
          await writeFile(settings, text.join(""));
        },
      };
    },
  };
}

/**
 * The Worker, which is restarted for other settings and with what it has stored.
 *
 * @param {{ url: string }} pds
 * @param {import("../worker/harness/dev-server.js").Surroundings} [surroundings]
 */
export async function useWorker(pds, surroundings) {
  // Only now, since this prepares the process for wrangler.
  const { json } = await import("../worker/harness/assertions.js");
  const { DevServerWorker } = await import("../worker/harness/dev-server.js");
  const { frameSet, pngFrames } = await import("../worker/harness/frames.js");
  const set = frameSet(pngFrames());
  /** @param {Record<string, string>} settings */
  const changes = ({ BLUESKY_IDENTIFIER, BLUESKY_APP_PASSWORD, ...vars }) => ({
    networks: ["bluesky"],
    vars,
    secrets: { BLUESKY_IDENTIFIER, BLUESKY_APP_PASSWORD },
  });
  /** @type {import("../worker/harness/dev-server.js").DevServerWorker | undefined} */
  let worker;
  after(() => worker?.close());
  return {
    /** @param {number} n */
    frame: async (n) => set.frames[n],
    /**
     * @param {unknown} _
     * @param {Record<string, string>} settings
     */
    async open(_, settings) {
      if (worker) await worker.restart(changes(settings));
      else worker = await DevServerWorker.start(pds, set, changes(settings), surroundings);
      await worker.forget();
      return {
        /** @param {number} frame */
        async turn(frame) {
          await worker.turn(`?frame=${frame}`);
          const [entry] = (await json(await worker.journal("?limit=1"))).entries;
          return entry;
        },
        /** @param {Record<string, string>} settings */
        change: (settings) => worker.restart(changes(settings)),
      };
    },
  };
}
