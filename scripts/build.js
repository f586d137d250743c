/**
 * Builds the Worker into build/, and the command. wrangler runs this before it starts or deploys
 * the Worker (`[build]` in wrangler.toml). It does nothing if no source has changed.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { isMain, main, root, run, say } from "./lib/run.js";
import { buildTools, rustBuildTools, setup } from "./setup.js";

/** The sources of the Worker: not the command, nor the tests. */
const sources = [
  "Cargo.toml",
  "Cargo.lock",
  "crates",
  "src",
  "scripts/setup.js",
  "scripts/build.js",
];
/** @param {string} name */
const isNoSource = (name) =>
  ["crates/cli", "crates/fuzzing", "crates/simulator"].includes(name) ||
  /(^|\/)(tests|testing|fuzz)(\.rs)?$/.test(name);

/**
 * Lists the sources in a folder, or the file itself.
 *
 * @param {string} name
 * @returns {Generator<string>}
 */
function* files(name) {
  if (isNoSource(name)) return;
  if (!statSync(path.join(root, name)).isDirectory()) return yield name;
  for (const entry of readdirSync(path.join(root, name)).sort()) yield* files(`${name}/${entry}`);
}

function hashOfSources() {
  const hash = createHash("sha256");
  for (const source of sources) {
    for (const file of files(source))
      hash
        .update(`${file}\0`)
        .update(readFileSync(path.join(root, file)))
        .update("\0");
  }
  return hash.digest("hex");
}

/** Builds the Worker if its sources have changed. */
export async function buildWorker() {
  await setup();
  const hash = hashOfSources();
  const stamp = path.join(root, "build/.sources-hash");
  const built = ["index.js", "index_bg.wasm", "decoder.wasm"].every((file) =>
    existsSync(path.join(root, "build", file)),
  );
  if (built && existsSync(stamp) && readFileSync(stamp, "utf8") === hash) return;
  await rustBuildTools();
  say("Building the Worker …");
  // So that an interrupted build does not pass for a finished one.
  rmSync(stamp, { force: true });
  mkdirSync(path.dirname(stamp), { recursive: true });
  const { workerBuild, env } = buildTools();
  await Promise.all([
    run(workerBuild, ["--profile", "worker", "--package", "rotate-icon"], { env, quiet: true }),
    buildDecoder(env),
  ]);
  // The entry imports what worker-build has written, and replaces it.
  const entry = [
    "src/entry.js",
    "--bundle",
    "--minify",
    "--format=esm",
    "--external:*.wasm",
    "--external:cloudflare:*",
  ];
  await run(
    env.ESBUILD_BIN,
    [...entry, "--outfile=build/index.js", "--allow-overwrite", "--log-level=error"],
    { env },
  );
  writeFileSync(stamp, hash);
}

/**
 * Builds the decoder of pictures, a WebAssembly module of its own.
 *
 * @param {{ WASM_OPT_BIN: string }} env
 */
async function buildDecoder(env) {
  await run(
    "cargo",
    [
      "build",
      "--quiet",
      "--package",
      "decoder",
      "--target",
      "wasm32-unknown-unknown",
      "--profile",
      "decoder",
    ],
    { quiet: true },
  );
  const built = "target/wasm32-unknown-unknown/decoder/decoder.wasm";
  await run(env.WASM_OPT_BIN, [
    "-O3",
    "--strip-debug",
    "--strip-producers",
    built,
    "-o",
    "build/decoder.wasm",
  ]);
}

/** Builds the command `rotate-icon`. */
export async function buildCommand() {
  await run("cargo", ["build", "--quiet", "--package", "rotate-icon-cli"]);
}

/** Builds both side by side: each has long stretches that keep one core busy. */
export async function buildAll() {
  await setup();
  say("Building the command …");
  await Promise.all([buildWorker(), buildCommand()]);
}

if (isMain(import.meta)) await main(buildWorker);
