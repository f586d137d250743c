/**
 * Runs every check, the quickest first: format, lints, types, licences, native tests, and then the
 * built Worker in workerd and its pages in a browser.
 */
import path from "node:path";
import { main, messageOf, outputOf, root, run, say } from "./lib/run.js";
import { setup } from "./setup.js";
import { checkBoundaries } from "./boundaries.js";
import { buildCommand, buildWorker } from "./build.js";
import { checkLayers } from "./layers.js";
import { checkLicences } from "./licences.js";
import { installPds } from "../tests/pds/install.js";

/** How long a file of tests may take: many times as long as any does, for a busy machine. */
const LONGEST_MS = 20 * 60_000;

/** A day of ten accounts that takes half a minute. */
const SHORT_DAY = ["--accounts", "10", "--slots", "10", "--slot", "2", "--kills", "1"];

/** The folder of the Worker's bundle, as it would be deployed. */
const bundle = path.join(root, "target/worker-bundle");
const wasm = ["--target", "wasm32-unknown-unknown"];

/**
 * The checks: name and function. What a function returns is the output of test runners, whose
 * results are counted.
 *
 * @type {[string, () => Promise<string | void>][]}
 */
const checks = [
  ["Format", () => run("cargo", ["fmt", "--all", "--check"])],
  ["Format of the JavaScript", () => run("biome", ["format"])],
  ["Boundaries of the packages", checkBoundaries],
  ["Layers of the core", checkLayers],
  ["Lints of the JavaScript", () => run("biome", ["lint", "--error-on-warnings"])],
  ["Types of the JavaScript", () => run("tsc", ["--build"])],
  [
    "Lints of the core and the command",
    () =>
      run("cargo", ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]),
  ],
  [
    "Lints of what is built for wasm32",
    () =>
      run("cargo", [
        "clippy",
        "--quiet",
        "--package",
        "rotate-icon",
        "--package",
        "decoder",
        "--package",
        "simulator",
        "--lib",
        ...wasm,
        "--",
        "-D",
        "warnings",
      ]),
  ],
  [
    "Documentation",
    () =>
      run(
        "cargo",
        ["doc", "--quiet", "--workspace", "--no-deps", "--lib", "--document-private-items"],
        // Private items are documented too, so a link to one leads somewhere.
        { env: { RUSTDOCFLAGS: "-D warnings -A rustdoc::private-intra-doc-links" } },
      ),
  ],
  ["Licences", checkLicences],
  ["Native tests", () => run("cargo", ["test", "--quiet", "--workspace"], { echo: true })],
  ["The Worker's build", bundleWorker],
  ["The command's build", buildCommand],
  [
    "Tests through the built Worker, the command and a browser",
    () =>
      run(
        "node",
        [
          "--test",
          "--test-reporter=spec",
          "--test-concurrency=2",
          `--test-timeout=${LONGEST_MS}`,
          "tests/{command,worker}/*.test.js",
        ],
        {
          env: { ROTATE_ICON_WORKER: bundle },
          echo: true,
        },
      ),
  ],
  [
    "A short soak: turns, faults and kills",
    () => run("node", ["benches/soak.js", "--turns", "1000"], { echo: true }),
  ],
  [
    "A short day of some accounts: kills, lost alarms, another key",
    () =>
      run(
        "node",
        ["--disable-warning=ExperimentalWarning", "benches/account-days.js", ...SHORT_DAY],
        { echo: true },
      ),
  ],
  [
    "A short load of requests",
    () => run("node", ["benches/load.js", "--rounds", "1", "--requests", "500"]),
  ],
  ["The official server of Bluesky", installPds],
  [
    "Tests against the official server of Bluesky",
    () =>
      run(
        "node",
        [
          "--test",
          "--test-reporter=spec",
          "--test-concurrency=2",
          `--test-timeout=${LONGEST_MS}`,
          "tests/pds/*.test.js",
        ],
        {
          env: { ROTATE_ICON_WORKER: bundle },
          echo: true,
        },
      ),
  ],
];

/** Bundles the Worker as a deployment would, once for all tests. */
async function bundleWorker() {
  await buildWorker();
  await run("wrangler", ["deploy", "--dry-run", "--outdir", bundle], { quiet: true });
}

/**
 * Adds the results that cargo's and Node's test runners print to those so far.
 *
 * @param {string} output
 * @param {number} passed
 * @param {number} failed
 */
function count(output, passed, failed) {
  /** @param {RegExp} pattern */
  const sum = (pattern) =>
    [...output.matchAll(pattern)].reduce((total, [, number]) => total + Number(number), 0);
  return [
    passed + sum(/^test result: .*?(\d+) passed/gm) + sum(/^ℹ pass (\d+)$/gm),
    // Node calls a test that ran out of time cancelled.
    failed + sum(/^test result: .*?(\d+) failed/gm) + sum(/^ℹ (?:fail|cancelled) (\d+)$/gm),
  ];
}

/** Installs rustfmt and clippy, which a minimal toolchain lacks. */
async function rustComponents() {
  try {
    await run("cargo", ["fmt", "--version"], { quiet: true });
    await run("cargo", ["clippy", "--version"], { quiet: true });
  } catch {
    say("Adding Rust's components rustfmt and clippy …");
    await run("rustup", ["component", "add", "rustfmt", "clippy"], { quiet: true });
  }
}

await main(async () => {
  await setup();
  await rustComponents();
  let [passed, failed] = [0, 0];
  const broken = [];
  for (const [name, check] of checks) {
    say(`${name} …`);
    let output = "";
    try {
      output = (await check()) ?? "";
    } catch (error) {
      broken.push(name);
      output = outputOf(error);
      console.error(`✗ ${messageOf(error)}`);
    }
    [passed, failed] = count(output, passed, failed);
  }
  for (const name of broken) console.log(`✗ ${name}: failed, see above`);
  // A check that fails without a failed test counts as one.
  console.log(`total: ${passed} passed, ${Math.max(failed, broken.length)} failed`);
  process.exitCode = broken.length > 0 ? 1 : 0;
});
