/** Checks which packages of the workspace may depend on which others. */
import { UserError, isMain, main, run } from "./lib/run.js";

/** For each package, dependencies that it must not have, and why. */
const FORBIDDEN = [
  {
    name: "simulator",
    dependencies: ["rotate-icon", "rotate-icon-core", "rotate-icon-cli", "picture", "pixels"],
    why: "it judges what they send, so it must not share their mistakes",
  },
  {
    name: "simulator",
    dependencies: ["base64", "form_urlencoded", "hmac", "percent-encoding", "sha1", "sha2"],
    why: "the core makes signatures with them",
  },
  {
    name: "simulator",
    dependencies: ["axum", "clap", "getrandom", "ring", "socket2", "tokio", "worker"],
    why: "it has no sockets, threads or randomness of its own, and builds for wasm32",
  },
];

/** Fails with each dependency that crosses a boundary. Tests may depend on anything. */
export async function checkBoundaries() {
  /** @type {{ packages: { name: string, dependencies: { name: string, kind: string | null }[] }[] }} */
  const { packages } = JSON.parse(
    await run("cargo", ["metadata", "--format-version", "1", "--no-deps", "--locked"], {
      quiet: true,
    }),
  );
  const crossed = FORBIDDEN.flatMap(({ name, dependencies, why }) => {
    const found = packages.find((one) => one.name === name);
    if (!found) throw new UserError(`There is no package ${name}: see scripts/boundaries.js.`);
    return found.dependencies
      .filter((one) => one.kind !== "dev" && dependencies.includes(one.name))
      .map((one) => `${name} depends on ${one.name}, but ${why}.`);
  });
  if (crossed.length > 0) throw new UserError(`Boundaries crossed:\n  ${crossed.join("\n  ")}`);
}

if (isMain(import.meta)) await main(checkBoundaries);
