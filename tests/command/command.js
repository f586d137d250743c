/** Runs the command `rotate-icon` and the project's scripts for the tests. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { environment, root } from "../../scripts/lib/run.js";

export { root };

/** The sample icon. */
export const sampleIcon = path.join(root, "assets/icon.png");

export const command = process.env.ROTATE_ICON ?? path.join(root, "target/debug/rotate-icon");

/** Runs a program to its end: its exit status and what it printed, in which no secret of its environment may be. */
export function runProgram(program, args, env = {}, cwd = root) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: environment(env) });
    const output = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"])
      child[stream].on("data", (text) => (output[stream] += text));
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

/** Runs `rotate-icon` with these words. */
export const rotateIcon = (args, env, cwd) => runProgram(command, args, env, cwd);

/** A new folder that is gone after the test. */
export async function temporaryFolder(test) {
  const folder = await mkdtemp(path.join(os.tmpdir(), "rotate-icon-test-"));
  test.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
