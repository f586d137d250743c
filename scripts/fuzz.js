/** Runs fuzz targets, each for a time, on other inputs each time. */
import { parseArgs } from "node:util";
import { UserError, main, messageOf, run, say } from "./lib/run.js";

/**
 * Each target: the package that has it, and how the names of its tests start.
 *
 * @type {Record<string, { package: string, tests: string }>}
 */
const targets = {
  picture: { package: "picture", tests: "fuzz_" },
  icon: { package: "rotate-icon-core", tests: "frames::fuzz::" },
  x: { package: "rotate-icon-core", tests: "network::fuzz::fuzz_x_" },
  bluesky: { package: "rotate-icon-core", tests: "network::fuzz::fuzz_bluesky_" },
  mastodon: { package: "rotate-icon-core", tests: "network::fuzz::fuzz_mastodon_" },
  sign_in: { package: "rotate-icon-core", tests: "network::fuzz::sign_in::" },
};

const names = Object.keys(targets).join(", ");

const help = `Usage: npm run fuzz -- [NAME…] [--seconds N]

Runs fuzz targets: ${names}. Without a name, it runs all of them.

  --seconds N   how long each runs (60)
  --help        this text`;

function options() {
  let parsed;
  try {
    parsed = parseArgs({
      options: {
        seconds: { type: "string", default: "60" },
        help: { type: "boolean", default: false },
      },
      allowPositionals: true,
    });
  } catch (error) {
    throw new UserError(`${messageOf(error)}\n\n${help}`);
  }
  const { values, positionals } = parsed;
  if (values.help) {
    console.log(help);
    process.exit(0);
  }
  if (!/^[1-9]\d*$/.test(values.seconds))
    throw new UserError("--seconds has to be a whole number from 1.");
  const unknown = positionals.find((name) => !Object.hasOwn(targets, name));
  if (unknown) throw new UserError(`There is no target ${unknown}. The targets are ${names}.`);
  return {
    chosen: positionals.length > 0 ? positionals : Object.keys(targets),
    seconds: values.seconds,
  };
}

await main(async () => {
  const { chosen, seconds } = options();
  for (const name of chosen) {
    const target = targets[name];
    say(`${name}, for ${seconds} seconds …`);
    await run(
      "cargo",
      ["test", "--quiet", "--package", target.package, target.tests, "--", "--nocapture"],
      { env: { FUZZ_SECONDS: seconds } },
    );
  }
});
