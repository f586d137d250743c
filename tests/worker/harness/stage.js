/**
 * The stage of a test file: the Worker in workerd and a simulator beside it. They start before the
 * first test and stop after the last one, also when a test fails. Before each test the log is empty
 * and the simulator has dropped its faults and requests.
 *
 * The Worker is a black box here: requests, scheduled events and the contents of its KV namespace
 * drive it; its answers, its log and what reaches the simulator are what tests look at.
 */
import { after, before, beforeEach } from "node:test";
import { DevServerWorker } from "./dev-server.js";
import { frameSet, pngFrames } from "./frames.js";
import { publish } from "./kv.js";
import { startSimulator } from "./simulator.js";
import { TestHarnessWorker } from "./test-harness.js";

/** @typedef {import("./simulator.js").Simulator} Simulator */
/** @typedef {import("./frames.js").FrameSet} FrameSet */

/**
 * @template {TestHarnessWorker | DevServerWorker} Worker
 * @typedef {object} Stage
 * @property {FrameSet} set the twelve PNG frames that are published
 * @property {Simulator} simulator there once the first test begins
 * @property {Worker} worker there once the first test begins
 */

/**
 * A stage whose Worker runs in wrangler's test harness. Before each test the settings are the
 * default ones and KV holds the stage's frames alone.
 *
 * @param {object} [options]
 * @param {string[]} [options.simulate] further arguments of the simulator
 */
export function useStage({ simulate } = {}) {
  /** @type {Stage<TestHarnessWorker>} */
  const stage = prepareStage(simulate, ({ simulator }) => TestHarnessWorker.start(simulator));
  beforeEach(() => publish(stage.worker.kv, stage.set));
  return stage;
}

/**
 * A stage whose Worker runs in wrangler's development server, with workerd's own network. Its
 * settings and the contents of KV are the same for all tests.
 *
 * @param {object} [options]
 * @param {import("./settings.js").Changes} [options.changes] to the default settings
 * @param {(stage: Stage<DevServerWorker>) => unknown} [options.prepare] called once
 */
export function useDevServerStage({ changes, prepare } = {}) {
  return prepareStage(
    undefined,
    ({ simulator, set }) => DevServerWorker.start(simulator, set, changes),
    prepare,
  );
}

/**
 * @template {TestHarnessWorker | DevServerWorker} Worker
 * @param {string[] | undefined} simulate
 * @param {(stage: { simulator: Simulator, set: FrameSet }) => Promise<Worker>} start
 * @param {(stage: Stage<Worker>) => unknown} [prepare]
 * @returns {Stage<Worker>}
 */
function prepareStage(simulate, start, prepare) {
  const stage = /** @type {Stage<Worker>} */ ({ set: frameSet(pngFrames()) });
  before(async () => {
    stage.simulator = await startSimulator(simulate);
    stage.worker = await start(stage);
    // Not in a hook of its own: such hooks do not wait for each other.
    await prepare?.(stage);
  });
  beforeEach(async () => {
    await stage.simulator.clear();
    await stage.worker.reset();
  });
  after(async () => {
    await Promise.allSettled([stage.worker?.close(), stage.simulator?.close()]);
  });
  return stage;
}
