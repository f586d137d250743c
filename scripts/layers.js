/**
 * Checks that the modules of the core form layers: each uses only those below it, no two files use
 * each other, and none knows a host or another network.
 */
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { UserError, isMain, main, root, run } from "./lib/run.js";

/** The core's modules, bottom to top. Each may use those before it. */
const LAYERS = [
  "instant",
  "stored",
  "outcome",
  "ports",
  "settings",
  "schedule",
  "frames",
  "network",
  "account",
  "service",
  "web",
];

/** What reaches a host by itself. A host gives the core these through its ports. */
const HOST_MODULES = ["env", "fs", "net", "process"];

/** What only one kind of host has, by the words for it. */
const HOST_WORDS = /\bwrangler\b|\bCloudflare\b|\.dev\.vars/;

/** The crates by which a package would depend on a host. */
const HOST_CRATES = ["worker", "tokio", "wasm-bindgen", "web-sys"];

/**
 * What names a network in code and in texts, where that is not the name of its folder.
 *
 * @type {Record<string, { inCode: RegExp, inTexts: RegExp }>}
 */
const NETWORK_WORDS = {
  // A small x alone is a coordinate.
  x: { inCode: /(?<!\w)x::|::x\b/, inTexts: /\bX\b|\bx\.com\b/ },
  bluesky: { inCode: /bluesky/i, inTexts: /bluesky|\bbsky\b/i },
};

/** The one list of networks, which has to name them. */
const LIST_OF_NETWORKS = "network/mod.rs";

const source = path.join(root, "crates/core/src");

/**
 * A file of the core.
 *
 * @typedef {object} SourceFile
 * @property {string} file its path from `src`
 * @property {string} code the code, without comments, strings and tests
 * @property {{ string: string, line: number }[]} strings the string literals
 */

/**
 * A file that uses another.
 *
 * @typedef {object} Edge
 * @property {string} from
 * @property {string} to
 * @property {string} path the path, as it is written
 * @property {number} line where
 */

/** The files of the core but those that only tests have, each by its path from `src`. */
function sourceFiles() {
  const files = readdirSync(source, { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll(path.sep, "/"))
    .filter((file) => file.endsWith(".rs"))
    .sort();
  // `#[cfg(test)] mod name;` stands for a file or a folder.
  const ofTests = files.flatMap((file) => {
    const text = readFileSync(path.join(source, file), "utf8");
    const names = text.matchAll(/^#\[cfg\(test\)\]\n(?:pub(?:\([^)]*\))? )?mod (\w+);/gm);
    return [...names].map(([, name]) => [...moduleOf(file), name].join("/"));
  });
  return files.filter(
    (file) => !ofTests.some((name) => file === `${name}.rs` || file.startsWith(`${name}/`)),
  );
}

/**
 * Takes a Rust file apart: into its code without comments, strings and the module `tests`, and its
 * string literals with their lines.
 *
 * @param {string} text
 */
function takeApart(text) {
  const untested = text.replace(/^#\[cfg\(test\)\]\nmod \w+ \{\n[\s\S]*?^\}$/gm, (block) =>
    block.replace(/[^\n]/g, ""),
  );
  const tokens =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|b?r(?<hashes>#*)"(?<raw>[\s\S]*?)"\k<hashes>|b?"(?<plain>(?:[^"\\]|\\[\s\S])*)"|b?'(?:[^'\\\n]|\\[^\n]+?)'/g;
  /** @type {{ string: string, line: number }[]} */
  const strings = [];
  const code = untested.replace(tokens, (token, ...rest) => {
    const { raw, plain } = rest.at(-1);
    const string = raw ?? plain;
    if (string !== undefined) {
      const line = untested.slice(0, rest.at(-3)).split("\n").length;
      strings.push({ string, line });
    }
    return token.replace(/[^\n]/g, " ");
  });
  return { code, strings };
}

/**
 * The paths that a tree of `use` stands for: `a::{b, c::d}` gives `a::b` and `a::c::d`.
 *
 * @param {string} tree
 * @returns {string[]}
 */
function expand(tree) {
  const open = tree.indexOf("{");
  if (open < 0) return [tree.replace(/\s+as\s+\w+/, "").replace(/\s/g, "")];
  const prefix = tree.slice(0, open).replace(/\s/g, "");
  const parts = [];
  let depth = 0;
  let start = open + 1;
  for (let at = open; at < tree.length; at += 1) {
    if (tree[at] === "{") depth += 1;
    if (tree[at] === "}") depth -= 1;
    if ((tree[at] === "," && depth === 1) || depth === 0) {
      const part = tree.slice(start, at).trim();
      if (part) parts.push(part);
      start = at + 1;
    }
    if (depth === 0) break;
  }
  return parts.flatMap((part) => expand(part)).map((rest) => prefix + rest);
}

/**
 * The paths into the crate that code names, with the line of each.
 *
 * @param {string} code
 */
function pathsIn(code) {
  const paths = [];
  for (const found of code.matchAll(/(?<![\w:$]|\bin )(?:crate|super|self)::/g)) {
    const rest = code.slice(found.index);
    let end = rest.match(/^(?:\w+\s*::\s*)+/)?.[0].length ?? 0;
    if (rest[end] === "{") {
      let depth = 0;
      do {
        if (rest[end] === "{") depth += 1;
        if (rest[end] === "}") depth -= 1;
        end += 1;
      } while (depth > 0 && end < rest.length);
    } else {
      end += rest.slice(end).match(/^\w+/)?.[0].length ?? 0;
    }
    const line = code.slice(0, found.index).split("\n").length;
    for (const one of expand(rest.slice(0, end))) paths.push({ path: one, line });
  }
  return paths;
}

/**
 * The module that a file is, by its names from the crate's root.
 *
 * @param {string} file
 */
const moduleOf = (file) =>
  file
    .replace(/(^|\/)(mod|lib)\.rs$|\.rs$/, "")
    .split("/")
    .filter((name) => name !== "");

/**
 * Finds which files use which.
 *
 * @param {SourceFile[]} files
 */
function edgesOf(files) {
  const fileOf = new Map(files.map(({ file }) => [moduleOf(file).join("::"), file]));
  /** @type {Edge[]} */
  const edges = [];
  for (const { file, code } of files) {
    const own = moduleOf(file);
    /** @type {(names: string[], written: string, line: number) => void} */
    const add = (names, written, line) => {
      // The deepest module on the way is the one that has what is named.
      for (let length = names.length; length > 0; length -= 1) {
        const to = fileOf.get(names.slice(0, length).join("::"));
        if (!to) continue;
        if (to !== file) edges.push({ from: file, to, path: written, line });
        return;
      }
    };
    for (const { path: written, line } of pathsIn(code)) {
      let names = written.split("::").filter((name) => name !== "");
      /** @type {string[]} */
      let base = [];
      if (names[0] === "super" || names[0] === "self") base = own;
      while (["crate", "self", "super"].includes(names[0])) {
        if (names[0] === "super") base = base.slice(0, -1);
        names = names.slice(1);
      }
      add([...base, ...names], written, line);
    }
    // A module names its children without a prefix.
    for (const [, child] of code.matchAll(/^(?:pub(?:\([^)]*\))? )?mod (\w+);/gm)) {
      const use = code.match(new RegExp(`(?<![\\w:])${child}::\\w+`));
      if (use) {
        add([...own, child], use[0], code.slice(0, use.index).split("\n").length);
      }
    }
  }
  return edges;
}

/**
 * The files of each circle: those that use each other, by whatever way.
 *
 * @param {Edge[]} edges
 */
function circlesOf(edges) {
  /** @type {Map<string, Set<string>>} */
  const next = new Map();
  for (const { from, to } of edges) next.set(from, (next.get(from) ?? new Set()).add(to));
  /** @param {string} start */
  const reached = (start) => {
    /** @type {Set<string>} */
    const seen = new Set();
    const open = [...(next.get(start) ?? [])];
    for (let file = open.pop(); file !== undefined; file = open.pop()) {
      if (seen.has(file)) continue;
      seen.add(file);
      open.push(...(next.get(file) ?? []));
    }
    return seen;
  };
  const reach = new Map([...next.keys()].map((file) => [file, reached(file)]));
  const circles = [];
  const placed = new Set();
  for (const [file, seen] of reach) {
    if (!seen.has(file) || placed.has(file)) continue;
    const circle = [...seen].filter((other) => reach.get(other)?.has(file)).sort();
    for (const other of circle) placed.add(other);
    circles.push(circle);
  }
  return circles;
}

/**
 * What is wrong with the order of the core's modules.
 *
 * @param {SourceFile[]} files
 */
function wrongOrder(files) {
  const edges = edgesOf(files);
  /** @param {string} file */
  const rank = (file) => LAYERS.indexOf(moduleOf(file)[0]);
  const wrong = [];
  for (const { file } of files) {
    if (file !== "lib.rs" && rank(file) < 0) {
      wrong.push(`${file}: ${moduleOf(file)[0]} has no place in LAYERS of scripts/layers.js`);
    }
  }
  for (const { from, to, path: written, line } of edges) {
    const [above, below] = [moduleOf(from)[0], moduleOf(to)[0]];
    if (from !== "lib.rs" && rank(to) > rank(from)) {
      wrong.push(
        `${from}:${line}: ${written} goes upward: ${above} lies below ${below}. Move what both need into a lower module, or pass it in.`,
      );
    }
    const isChild = moduleOf(from)
      .join("::")
      .startsWith(`${moduleOf(to).join("::")}::`);
    if (isChild) {
      wrong.push(
        `${from}:${line}: ${written} is in the parent, ${to}. Move it into a file of its own beside ${from}.`,
      );
    }
  }
  for (const circle of circlesOf(edges)) {
    wrong.push(`These files use each other: ${circle.join(", ")}. Open the circle.`);
  }
  return wrong;
}

/**
 * What the core knows that only its hosts should.
 *
 * @param {SourceFile[]} files
 */
function hostsKnown(files) {
  const wrong = [];
  for (const { file, code, strings } of files) {
    for (const [index, text] of code.split("\n").entries()) {
      const used = text.match(
        new RegExp(`\\bstd::(?:${HOST_MODULES.join("|")})\\b|\\b(?:tokio|worker)::`),
      );
      if (used) wrong.push(`${file}:${index + 1}: ${used[0]} is for a host. Use a port.`);
      const word = text.match(HOST_WORDS);
      if (word) wrong.push(`${file}:${index + 1}: ${word[0]} is one host's. Use a port.`);
    }
    // `use std::{fs, …}`.
    for (const { path: written } of [...code.matchAll(/\bstd::\{[^;]*\}/g)].flatMap(([tree]) =>
      expand(tree).map((one) => ({ path: one })),
    )) {
      if (HOST_MODULES.includes(written.split("::")[1])) {
        wrong.push(`${file}: ${written} is for a host. Use a port.`);
      }
    }
    for (const { string, line } of strings) {
      const word = string.match(HOST_WORDS);
      if (word) {
        wrong.push(
          `${file}:${line}: "${word[0]}" is one host's. A host gives its advice through ports::Advice.`,
        );
      }
    }
  }
  return wrong;
}

/**
 * Where a network is named outside its own folder.
 *
 * @param {SourceFile[]} files
 */
function networksNamed(files) {
  const wrong = [];
  const folders = files.flatMap(({ file }) => file.match(/(?<=^network\/)\w+(?=\/)/) ?? []);
  const networks = [...new Set(folders)].map((network) => {
    const name = new RegExp(network, "i");
    return { network, ...(NETWORK_WORDS[network] ?? { inCode: name, inTexts: name }) };
  });
  for (const { file, code, strings } of files) {
    for (const { network, inCode, inTexts } of networks) {
      if (file === LIST_OF_NETWORKS || file.startsWith(`network/${network}/`)) continue;
      const found = [
        ...code.split("\n").map((text, index) => ({ name: text.match(inCode), line: index + 1 })),
        ...strings.map(({ string, line }) => ({ name: string.match(inTexts), line })),
      ];
      for (const { name, line } of found) {
        if (!name) continue;
        wrong.push(
          `${file}:${line}: ${name[0]} names a network. Only its own folder in network/ and the list in ${LIST_OF_NETWORKS} may.`,
        );
      }
    }
  }
  return wrong;
}

/**
 * The crates that a package brings with it, on a computer and in a Worker.
 *
 * @param {string} name
 */
async function cratesOf(name) {
  /** @type {Set<string>} */
  const crates = new Set();
  for (const target of [[], ["--target", "wasm32-unknown-unknown"]]) {
    const options = ["--package", name, "--edges", "normal,build", "--prefix", "none", "--locked"];
    const output = await run("cargo", ["tree", ...options, ...target], { quiet: true });
    for (const [, crate] of output.matchAll(/^([\w-]+) v/gm)) crates.add(crate);
  }
  return crates;
}

/** Fails with everything that crosses a boundary. */
export async function checkLayers() {
  const files = sourceFiles().map((file) => ({
    file,
    ...takeApart(readFileSync(path.join(source, file), "utf8")),
  }));
  const wrong = [...wrongOrder(files), ...hostsKnown(files), ...networksNamed(files)];
  const crates = await cratesOf("rotate-icon-core");
  for (const crate of HOST_CRATES.filter((name) => crates.has(name))) {
    wrong.push(`crates/core/Cargo.toml: brings ${crate}, which is for a host`);
  }
  if (wrong.length > 0) {
    throw new UserError(`The layers of the core are crossed:\n  ${wrong.join("\n  ")}`);
  }
}

if (isMain(import.meta)) await main(checkLayers);
