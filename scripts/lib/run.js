/** Running other programs: to the end, or in the background until stopped. */
import { spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The project's folder. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** Says what is going on. */
export const say = (text) => console.log(`» ${text}`);

/** An error that is the user's to mend: shown without a stack. */
export class UserError extends Error {}

/** The environment for every program: the project's own tools come first. */
export function environment(extra = {}) {
  return {
    ...process.env,
    PATH: [path.join(root, "node_modules/.bin"), process.env.PATH].join(path.delimiter),
    WRANGLER_SEND_METRICS: "false",
    ...extra,
  };
}

/**
 * Runs a program to its end, in the project's folder unless another is given.
 * With `quiet`, its output is gathered and given back, or is part of the error
 * if the program fails; else it goes to the terminal, and with `echo` to both.
 */
export function run(program, args, { cwd = root, env, quiet = false, echo = false } = {}) {
  return new Promise((resolve, reject) => {
    const gather = quiet || echo;
    const child = spawn(program, args, {
      cwd,
      env: environment(env),
      stdio: ["ignore", gather ? "pipe" : "inherit", gather ? "pipe" : "inherit"],
      shell: process.platform === "win32",
    });
    let output = "";
    for (const [stream, terminal] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      stream?.setEncoding("utf8");
      stream?.on("data", (text) => {
        output += text;
        if (echo) terminal.write(text);
      });
    }
    child.on("error", (error) =>
      reject(new UserError(`cannot start ${program}: ${error.message}`)),
    );
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(output);
      const said = quiet && output ? `:\n${output.trimEnd()}` : "";
      const error = new UserError(
        `${program} ${args.join(" ")} ended with ${signal ?? code}${said}`,
      );
      error.output = output;
      reject(error);
    });
  });
}

const background = new Set();

/** Starts a program that runs until `stopAll`; `onLine` gets each line it prints. */
export function start(program, args, { env, onLine = () => {} } = {}) {
  const child = spawn(program, args, {
    cwd: root,
    env: environment(env),
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that what it starts can be stopped with it.
    detached: process.platform !== "win32",
    shell: process.platform === "win32",
  });
  const entry = { child, log: [], ended: null };
  entry.ended = new Promise((resolve) => {
    child.on("error", resolve);
    child.on("close", resolve);
  }).then(() => background.delete(entry));
  background.add(entry);
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        entry.log.push(line);
        onLine(line);
      }
    });
  }
  return entry;
}

/** Stops everything that `start` started, by force after five seconds. */
export async function stopAll() {
  const entries = [...background];
  const signal = (entry, name) => {
    try {
      if (process.platform === "win32") entry.child.kill(name);
      else process.kill(-entry.child.pid, name);
    } catch {
      // It has ended already.
    }
  };
  for (const entry of entries) signal(entry, "SIGTERM");
  const deadline = setTimeout(() => {
    for (const entry of entries) signal(entry, "SIGKILL");
  }, 5000);
  await Promise.all(entries.map((entry) => entry.ended));
  clearTimeout(deadline);
}

/** Whether a module, by its `import.meta`, is the script that was started. */
export const isMain = ({ url }) => fileURLToPath(url) === process.argv[1];

/** Runs a script's main function; a `UserError` ends it with a plain message. */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    await stopAll();
    console.error(error instanceof UserError ? `✗ ${error.message}` : error);
    process.exit(1);
  }
}
