/**
 * Installs everything that building and running needs, from package registries alone: the npm
 * packages, Rust's wasm target, and the two build tools that are Rust programs. Does nothing where
 * all of it is there.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { spawnSync } from "node:child_process";
import { UserError, isMain, main, root, run, say } from "./lib/run.js";

/** The build tools that are Rust programs, with what cargo is told about each. */
const rustTools = [
  // It refuses versions of wasm-bindgen that it does not know.
  { name: "worker-build", version: "0.8.7", options: ["--bin", "worker-build"] },
  // The default feature is HTTPS, which only the test runner beside it uses.
  {
    name: "wasm-bindgen-cli",
    version: wasmBindgenVersion(),
    options: ["--bin", "wasm-bindgen", "--no-default-features"],
  },
];

/** Returns the version in Cargo.lock: the library and the program have to be the same. */
function wasmBindgenVersion() {
  const lock = readFileSync(path.join(root, "Cargo.lock"), "utf8");
  const found = lock.match(/name = "wasm-bindgen"\nversion = "([^"]+)"/);
  if (!found) throw new UserError("Cargo.lock names no wasm-bindgen; restore it from git.");
  return found[1];
}

/** The folder of the Rust tools, which all clones of the project share. */
const toolsFolder = path.join(
  process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache"),
  "rotate-icon",
  rustTools.map(({ name, version }) => `${name}-${version}`).join("+"),
);

/** The paths of worker-build and, as its environment, of the programs that it would download. */
export function buildTools() {
  const exe = process.platform === "win32" ? ".exe" : "";
  return {
    workerBuild: path.join(toolsFolder, "bin", `worker-build${exe}`),
    env: {
      WASM_BINDGEN_BIN: path.join(toolsFolder, "bin", `wasm-bindgen${exe}`),
      WASM_OPT_BIN: path.join(root, "node_modules/.bin/wasm-opt"),
      ESBUILD_BIN: path.join(root, "node_modules/.bin/esbuild"),
    },
  };
}

/**
 * Installs the npm packages of a folder's package-lock.json, unless they are there.
 *
 * @param {object} options
 * @param {string} [options.folder] default: the project's
 * @param {string} [options.what] what they are, for the terminal
 * @param {string} [options.version] of what else they depend on: another one installs them anew
 * @param {import("./lib/run.js").Environment} [options.env] for npm
 * @param {() => void} [options.prepare] called before they are installed
 */
export async function npmPackages({ folder = root, what, version = "", env, prepare } = {}) {
  const stamp = path.join(folder, "node_modules/.package-lock-hash");
  const lock = readFileSync(path.join(folder, "package-lock.json"));
  const hash = createHash("sha256").update(lock).update(version).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === hash) return;
  prepare?.();
  say(`Installing ${what ?? "the npm packages of package-lock.json"} …`);
  // An old Node only warns here, and the packages bring the one that everything else needs.
  await run("npm", ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: folder,
    env,
    quiet: true,
  });
  writeFileSync(stamp, hash);
}

/**
 * Starts the script again under the Node of the npm package `node` if this one is too old for
 * wrangler.
 */
export async function suitableNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 12)) return;
  const node = path.join(root, "node_modules/.bin/node");
  const { status, signal, error } = spawnSync(node, process.argv.slice(1), { stdio: "inherit" });
  if (error) throw new UserError(`cannot start the Node of node_modules: ${error.message}`);
  process.exit(signal ? 1 : (status ?? 1));
}

async function rustToolchain() {
  let version;
  try {
    version = await run("rustc", ["--version"], { quiet: true });
  } catch {
    throw new UserError("Rust is not installed. Install it with rustup: https://rustup.rs");
  }
  const minor = Number(version.match(/^rustc 1\.(\d+)\./)?.[1] ?? 0);
  if (minor < 91) {
    throw new UserError(
      `Rust 1.91 or later is needed, this is ${version.trim()}. Run: rustup update`,
    );
  }
  const sysroot = (await run("rustc", ["--print", "sysroot"], { quiet: true })).trim();
  if (!existsSync(path.join(sysroot, "lib/rustlib/wasm32-unknown-unknown/lib"))) {
    say("Adding Rust's target wasm32-unknown-unknown …");
    await run("rustup", ["target", "add", "wasm32-unknown-unknown"], { quiet: true });
  }
}

/** Builds the tools of the Worker's build that cargo installs, unless they are there. */
export async function rustBuildTools() {
  if (existsSync(toolsFolder)) return;
  say("Building worker-build and wasm-bindgen, once for this machine …");
  // Into another folder first, so that an interrupted run leaves no unfinished one.
  const unfinished = `${toolsFolder}.unfinished`;
  mkdirSync(unfinished, { recursive: true });
  for (const { name, version, options } of rustTools) {
    await run(
      "cargo",
      [
        "install",
        "--locked",
        "--debug",
        "--root",
        unfinished,
        "--target-dir",
        `${unfinished}/target`,
        ...options,
        `${name}@${version}`,
      ],
      { env: { CARGO_PROFILE_DEV_DEBUG: "0" }, quiet: true },
    );
  }
  rmSync(`${unfinished}/target`, { recursive: true, force: true });
  renameSync(unfinished, toolsFolder);
}

/**
 * Installs everything but the Rust tools, which only the Worker's build needs. May start the script
 * again under another Node.
 */
export async function setup() {
  await npmPackages();
  await suitableNode();
  await rustToolchain();
}

if (isMain(import.meta)) {
  await main(async () => {
    await setup();
    await rustBuildTools();
  });
}
