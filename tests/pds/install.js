/**
 * Installs the official server of Bluesky accounts for the tests, apart from the project's own
 * packages, so that only who runs the tests waits for it. Its database is compiled here.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { UserError, isMain, main, root } from "../../scripts/lib/run.js";
import { npmPackages, suitableNode } from "../../scripts/setup.js";

const folder = import.meta.dirname;

/** What compiling takes, each as any of these programs. */
const tools = [
  ["make", "make"],
  ["a C++ compiler", process.env.CXX || "g++", "c++", "clang++"],
  ["Python", process.env.PYTHON || "python3", "python"],
];

/** Fails with the names of the tools that are not there. */
function requireTools() {
  const runs = (program) => !spawnSync(program, ["--version"], { stdio: "ignore" }).error;
  const missing = tools.filter(([, ...programs]) => !programs.some(runs)).map(([name]) => name);
  if (missing.length === 0) return;
  throw new UserError(
    `The official server for the tests has to be compiled, for which this machine lacks ${missing.join(", ")}. ` +
      "On Debian and Ubuntu: apt install make g++ python3",
  );
}

/** The folder of the headers that the npm package `node` brings for this platform, if it does. */
function nodeHeaders() {
  const packages = path.join(root, "node_modules/node/node_modules");
  const names = existsSync(packages) ? readdirSync(packages) : [];
  return names
    .map((name) => path.join(packages, name))
    .find((one) => existsSync(path.join(one, "include/node/node.h")));
}

/** Installs what `package-lock.json` here names, unless it is there. */
export async function installPds() {
  const headers = nodeHeaders();
  await npmPackages({
    folder,
    what: "the official server for the tests, once (3 to 4 minutes)",
    // What is compiled fits one major version of Node.
    version: JSON.parse(
      readFileSync(path.join(root, "node_modules/node/package.json")),
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
