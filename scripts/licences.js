/** Checks that every crate has a licence under which this project may ship it. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { UserError, isMain, main, root, run } from "./lib/run.js";

/** The list of deny.toml, which `cargo deny` reads too. */
const [, list = ""] =
  readFileSync(path.join(root, "deny.toml"), "utf8").match(
    /^\[licenses\]\nallow = \[([^\]]*)\]/m,
  ) ?? [];
const allowed = new Set([...list.matchAll(/"([^"]+)"/g)].map(([, licence]) => licence));

/**
 * Whether allowed licences alone satisfy an SPDX expression.
 *
 * @param {string} expression
 */
function isAllowed(expression) {
  const tokens =
    expression.replaceAll("/", " OR ").match(/\(|\)|[^\s()]+(?: WITH [^\s()]+)?/g) ?? [];
  /** @returns {boolean} */
  const any = () => {
    let value = all();
    while (tokens[0] === "OR") {
      tokens.shift();
      value = all() || value;
    }
    return value;
  };
  const all = () => {
    let value = one();
    while (tokens[0] === "AND") {
      tokens.shift();
      value = one() && value;
    }
    return value;
  };
  const one = () => {
    const token = tokens.shift();
    if (token !== "(") return token !== undefined && allowed.has(token);
    const value = any();
    tokens.shift();
    return value;
  };
  return any();
}

/** Throws an error that names the crates whose licence is not allowed. */
export async function checkLicences() {
  /** @type {{ packages: { name: string, version: string, license: string | null }[] }} */
  const { packages } = JSON.parse(
    await run("cargo", ["metadata", "--format-version", "1", "--locked"], { quiet: true }),
  );
  const refused = packages.filter(({ license }) => !license || !isAllowed(license));
  if (refused.length > 0) {
    const names = refused.map(
      ({ name, version, license }) => `${name} ${version}: ${license ?? "none named"}`,
    );
    throw new UserError(`Licences that are not allowed:\n  ${names.join("\n  ")}`);
  }
}

if (isMain(import.meta)) await main(checkLicences);
