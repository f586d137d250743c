/**
 * Prepares the process of a test file: a scratch folder, the environment that wrangler reads, and
 * wrangler itself, which has to be loaded after both.
 *
 * Two environment variables choose what is tested: ROTATE_ICON is the path of the command (default:
 * target/debug/rotate-icon), ROTATE_ICON_WORKER a folder that holds the Worker as `wrangler deploy
 * --dry-run --outdir` writes it (default: each test file bundles it anew).
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { root } from "../../../scripts/lib/run.js";
import { BLUESKY_SECRETS, MASTODON_SECRETS, SECRETS } from "./secrets.js";

/** The path of the command under test. */
export const command = path.resolve(
  process.env.ROTATE_ICON ?? path.join(root, "target/debug/rotate-icon"),
);

/** A folder for this process, removed when it exits. */
export const scratch = mkdtempSync(path.join(tmpdir(), "rotate-icon-test-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

// A signal skips the "exit" listeners unless a listener exits.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

// A secret in the environment would stand in for one that a test leaves out.
for (const name of Object.keys({ ...SECRETS, ...BLUESKY_SECRETS, ...MASTODON_SECRETS })) {
  delete process.env[name];
}
Object.assign(process.env, {
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_LOG: "none",
  WRANGLER_LOG_PATH: path.join(scratch, "logs"),
  // Keeps miniflare from fetching a sample `cf` object from the internet at start-up.
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
});

/** Wrangler's API, loaded only now because it reads the environment as it loads. */
export const wrangler = await import("wrangler");
