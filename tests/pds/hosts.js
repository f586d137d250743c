/**
 * The two hosts of a turn, the command and the built Worker in workerd, behind one interface, so
 * that each case is written once: `open(t, settings)` gives an icon that turns with these settings,
 * and `frame(n)` the bytes of a frame.
 *
 * An icon has `turn(frame)`, which makes a turn by hand and gives its entry of the journal, and
 * `change(settings)`, which stores other settings and keeps what is known of the account.
 */
import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after } from "node:test";
import { accountSecrets } from "../../scripts/lib/local-x.js";
import { account } from "../command/account.js";
import { rotateIcon, sampleIcon } from "../command/command.js";

/** Blank settings for X, which is not meant here. */
const withoutX = Object.fromEntries(Object.keys(accountSecrets).map((name) => [name, ""]));

/** The command, which is started anew for each turn. */
export async function useCommand() {
  const frames = mkdtempSync(path.join(os.tmpdir(), "rotate-icon-pds-frames-"));
  after(() => rm(frames, { recursive: true, force: true }));
  assert.equal((await rotateIcon(["render", sampleIcon, "--out", frames])).status, 0);
  return {
    frame: (n) => readFile(path.join(frames, `${n}.jpg`)),
    async open(t, values) {
      const { settings, state, run } = await account(t, "", { ...withoutX, ...values });
      return {
        run,
        state,
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
        async change(values) {
          const text = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
          await writeFile(settings, text.join(""));
        },
      };
    },
  };
}

/** The Worker, which is restarted for other settings and with what it has stored. */
export async function useWorker(pds) {
  // Only now, since this prepares the process for wrangler.
  const { json } = await import("../worker/harness/assertions.js");
  const { DevServerWorker } = await import("../worker/harness/dev-server.js");
  const { frameSet, pngFrames } = await import("../worker/harness/frames.js");
  const set = frameSet(pngFrames());
  const changes = ({ BLUESKY_IDENTIFIER, BLUESKY_APP_PASSWORD, ...vars }) => ({
    networks: ["bluesky"],
    vars,
    secrets: { BLUESKY_IDENTIFIER, BLUESKY_APP_PASSWORD },
  });
  let worker;
  after(() => worker?.close());
  return {
    frame: async (n) => set.frames[n],
    async open(_, settings) {
      if (worker) await worker.restart(changes(settings));
      else worker = await DevServerWorker.start(pds, set, changes(settings));
      await worker.forget();
      return {
        async turn(frame) {
          await worker.turn(`?frame=${frame}`);
          const [entry] = (await json(await worker.journal("?limit=1"))).entries;
          return entry;
        },
        change: (settings) => worker.restart(changes(settings)),
      };
    },
  };
}
