/** Runs the command `rotate-icon` and the project's scripts. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { environment, root } from "../../scripts/lib/run.js";

export { root };

/** @typedef {import("../../scripts/lib/run.js").Environment} Environment */
/** @typedef {import("node:test").TestContext} TestContext */

/** The sample icon. */
export const sampleIcon = path.join(root, "assets/icon.png");

/** The path of the command under test. */
export const command = process.env.ROTATE_ICON ?? path.join(root, "target/debug/rotate-icon");

/**
 * Runs a program to its end. Returns its exit status and what it printed; rejects if that contains
 * a secret of its environment.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {Environment} env added to the environment
 * @returns {Promise<{ status: number | null, stdout: string, stderr: string }>}
 */
export function runProgram(program, args, env = {}, cwd = root) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: environment(env) });
    const output = { stdout: "", stderr: "" };
    child.stdout.on("data", (text) => {
      output.stdout += text;
    });
    child.stderr.on("data", (text) => {
      output.stderr += text;
    });
    child.on("error", reject);
    child.on("close", (status) => {
      for (const [name, value] of Object.entries(env)) {
        const isSecret = /KEY|SECRET|TOKEN|PASSWORD|WEBHOOK/.test(name) && value;
        if (isSecret && `${output.stdout}${output.stderr}`.includes(value))
          reject(new Error(`it prints ${name}`));
      }
      resolve({ status, ...output });
    });
  });
}

/**
 * Runs `rotate-icon`.
 *
 * @param {string[]} args
 * @param {Environment} [env] added to the environment
 * @param {string} [cwd] default: the project's folder
 */
export const rotateIcon = (args, env, cwd) => runProgram(command, args, env, cwd);

/**
 * Makes a folder that is removed after the test.
 *
 * @param {TestContext} test
 */
export async function temporaryFolder(test) {
  const folder = await mkdtemp(path.join(os.tmpdir(), "rotate-icon-test-"));
  test.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
