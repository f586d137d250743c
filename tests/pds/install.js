/**
 * Installs the official server of Bluesky accounts for the tests, apart from the project's own
 * packages, so that only those who run the tests wait for it. Compiles its database.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { UserError, isMain, main, root } from "../../scripts/lib/run.js";
import { npmPackages, suitableNode } from "../../scripts/setup.js";

const folder = import.meta.dirname;

/** What compiling needs: a name, and the programs any of which will do. */
const tools = [
  ["make", "make"],
  ["a C++ compiler", process.env.CXX || "g++", "c++", "clang++"],
  ["Python", process.env.PYTHON || "python3", "python"],
];

/** Throws an error that names the tools that are missing. */
function requireTools() {
  /** @param {string} program */
  const runs = (program) => !spawnSync(program, ["--version"], { stdio: "ignore" }).error;
  const missing = tools.filter(([, ...programs]) => !programs.some(runs)).map(([name]) => name);
  if (missing.length === 0) return;
  throw new UserError(
    `The official server for the tests has to be compiled, for which this machine lacks ${missing.join(", ")}. ` +
      "On Debian and Ubuntu: apt install make g++ python3",
  );
}

/** Returns the folder with the headers of the npm package `node`, if it has them here. */
function nodeHeaders() {
  const packages = path.join(root, "node_modules/node/node_modules");
  const names = existsSync(packages) ? readdirSync(packages) : [];
  return names
    .map((name) => path.join(packages, name))
    .find((one) => existsSync(path.join(one, "include/node/node.h")));
}

/** Installs the packages of this folder's package-lock.json, unless they are there. */
export async function installPds() {
  const headers = nodeHeaders();
  await npmPackages({
    folder,
    what: "the official server for the tests, once (3 to 4 minutes)",
    // The compiled part works with one major version of Node.
    version: JSON.parse(
      readFileSync(path.join(root, "node_modules/node/package.json"), "utf8"),
    ).version.split(".")[0],
    env: { npm_config_build_from_source: "true", ...(headers && { npm_config_nodedir: headers }) },
    prepare: requireTools,
  });
}

if (isMain(import.meta)) {
  await main(async () => {
    await npmPackages();
    await suitableNode();
    await installPds();
  });
}
