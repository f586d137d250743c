/** Runs other programs: to their end, or in the background until they are stopped. */
import { spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The project's folder. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/**
 * Prints what the script does next.
 *
 * @param {string} text
 */
export const say = (text) => console.log(`» ${text}`);

/** An error that the user can fix; it is shown without a stack trace. */
export class UserError extends Error {}

/** A program that ended with an error. */
class ProgramError extends UserError {
  /**
   * @param {string} message
   * @param {string} output what was captured of its output
   */
  constructor(message, output) {
    super(message);
    this.output = output;
  }
}

/** @typedef {Record<string, string | undefined>} Environment undefined removes a variable */

/**
 * Returns the environment for a program: the project's own tools come first in PATH.
 *
 * @param {Environment} extra
 * @returns {Environment}
 */
export function environment(extra = {}) {
  return {
    ...process.env,
    PATH: [path.join(root, "node_modules/.bin"), process.env.PATH].join(path.delimiter),
    WRANGLER_SEND_METRICS: "false",
    ...extra,
  };
}

const running = new Set();

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd] default: the project's folder
 * @property {Environment} [env] added to the environment
 * @property {boolean} [quiet] whether to capture the output instead of showing it; the error of a
 *   program that fails contains it
 * @property {boolean} [echo] whether to capture the output and show it too
 */

/**
 * Runs a program to its end. Returns what was captured of its output, and throws if it fails.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {RunOptions} options
 * @returns {Promise<string>}
 */
export function run(program, args, { cwd = root, env, quiet = false, echo = false } = {}) {
  return new Promise((resolve, reject) => {
    const stdio = quiet || echo ? "pipe" : "inherit";
    const child = spawn(program, args, {
      cwd,
      env: environment(env),
      stdio: ["ignore", stdio, stdio],
      shell: process.platform === "win32",
    });
    running.add(child);
    let output = "";
    /**
     * @param {import("node:stream").Readable | null} stream
     * @param {NodeJS.WriteStream} terminal
     */
    const capture = (stream, terminal) => {
      stream?.setEncoding("utf8");
      stream?.on("data", (text) => {
        output += text;
        if (echo) terminal.write(text);
      });
    };
    capture(child.stdout, process.stdout);
    capture(child.stderr, process.stderr);
    child.on("error", (error) =>
      reject(new UserError(`cannot start ${program}: ${error.message}`)),
    );
    child.on("close", (code, signal) => {
      running.delete(child);
      if (code === 0) return resolve(output);
      const shown = quiet && output ? `:\n${output.trimEnd()}` : "";
      const message = `${program} ${args.join(" ")} ended with ${signal ?? code}${shown}`;
      reject(new ProgramError(message, output));
    });
  });
}

/** The message of whatever was thrown. @param {unknown} error */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/** The output that a failed program left in an error, if any. @param {unknown} error */
export const outputOf = (error) => (error instanceof ProgramError ? error.output : "");

/**
 * A program that runs in the background.
 *
 * @typedef {object} Background
 * @property {import("node:child_process").ChildProcess} child
 * @property {string[]} log the lines that it has printed
 * @property {Promise<unknown>} ended
 */

/** @type {Set<Background>} */
const background = new Set();

/**
 * Starts a program that runs until `stopAll`.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {object} options
 * @param {Environment} [options.env] added to the environment
 * @param {(line: string) => unknown} [options.onLine] called with each line that it prints
 * @returns {Background}
 */
export function start(program, args, { env, onLine = () => {} } = {}) {
  const child = spawn(program, args, {
    cwd: root,
    env: environment(env),
    stdio: ["ignore", "pipe", "pipe"],
    // In a process group of its own, so that its children can be stopped with it.
    detached: process.platform !== "win32",
    shell: process.platform === "win32",
  });
  const ended = new Promise((resolve) => {
    child.on("error", resolve);
    child.on("close", resolve);
  }).then(() => background.delete(entry));
  /** @type {Background} */
  const entry = { child, log: [], ended };
  background.add(entry);
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        entry.log.push(line);
        onLine(line);
      }
    });
  }
  return entry;
}

/** Stops every program that `start` started, by force after five seconds. */
export async function stopAll() {
  const entries = [...background];
  /** @param {NodeJS.Signals} name */
  const signal = (name) => {
    for (const { child } of entries) {
      try {
        if (process.platform === "win32" || child.pid === undefined) child.kill(name);
        else process.kill(-child.pid, name);
      } catch {
        // It has ended already.
      }
    }
  };
  signal("SIGTERM");
  const deadline = setTimeout(() => signal("SIGKILL"), 5000);
  await Promise.all(entries.map((entry) => entry.ended));
  clearTimeout(deadline);
}

/**
 * Whether a module is the script that was started.
 *
 * @param {ImportMeta} meta the module's `import.meta`
 */
export const isMain = ({ url }) => fileURLToPath(url) === process.argv[1];

/**
 * Runs a script's main function. A `UserError` ends the script with its message alone.
 *
 * @param {() => unknown} body
 */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    // One of several failed: nobody waits for the others.
    for (const child of running) child.kill();
    await stopAll();
    console.error(error instanceof UserError ? `✗ ${error.message}` : error);
    process.exit(1);
  }
}
