/** The Worker as it would be deployed: its bundle and its configuration. */
import { execFile } from "node:child_process";
import { copyFileSync, cpSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { root } from "../../../scripts/lib/run.js";
import { scratch } from "./process.js";

/**
 * @typedef {object} Bundle
 * @property {string} folder where the bundle is
 * @property {string} config the path of wrangler's configuration
 */

/** @type {Promise<Bundle> | undefined} */
let prepared;

/** Returns the Worker's bundle, which is made once a process. */
export function bundle() {
  prepared ??= prepare();
  return prepared;
}

async function prepare() {
  const folder = process.env.ROTATE_ICON_WORKER ?? path.join(scratch, "worker");
  if (process.env.ROTATE_ICON_WORKER === undefined) {
    const wrangler = path.join(root, "node_modules/wrangler/bin/wrangler.js");
    const args = [wrangler, "deploy", "--dry-run", "--outdir", folder];
    const env = { ...process.env, WRANGLER_LOG: "error" };
    await promisify(execFile)(process.execPath, args, { cwd: root, env });
  }
  // In a folder without a .dev.vars, whose secrets would stand in for those that a test leaves out.
  const config = path.join(scratch, "wrangler.toml");
  copyFileSync(path.join(root, "wrangler.toml"), config);
  cpSync(path.join(root, "public"), path.join(scratch, "public"), { recursive: true });
  return { folder, config };
}

/**
 * Replaces the decoder of the bundle. Call it before the Worker starts.
 *
 * @param {Uint8Array} wasm
 */
export async function useDecoder(wasm) {
  const { folder, config } = await bundle();
  const copy = path.join(scratch, "worker-with-decoder");
  cpSync(folder, copy, { recursive: true });
  // A folder that was bundled into before may hold older decoders, under other names.
  for (const name of readdirSync(copy)) {
    if (name.endsWith("decoder.wasm")) writeFileSync(path.join(copy, name), wasm);
  }
  prepared = Promise.resolve({ folder: copy, config });
}
