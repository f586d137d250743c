/**
 * Makes the Worker's wasm smaller than the compiler does: without what only
 * words the message of a panic, and without the names of functions.
 *
 * A panic ends in a trap with or without its message, and the Worker is known
 * to have none. What the message takes (formatting of any number, indices,
 * places in the source) is a twentieth of the script.
 */
import { readFileSync, writeFileSync } from "node:fs";
import binaryen from "binaryen";
import { UserError, run } from "./run.js";

/** Functions of Rust's own libraries that never return, since all that they do is to panic, and the hook that says so. */
const panicking = new RegExp(
  [
    String.raw`^core(\[[0-9a-f]+\])?::(`,
    "panicking::|cell::panic_|option::(expect|unwrap)_failed|result::unwrap_failed|",
    String.raw`slice::index::slice_\w+_fail|slice::copy_from_slice_impl::len_mismatch_fail|str::slice_error_fail)|`,
    String.raw`^alloc(\[[0-9a-f]+\])?::(alloc::handle_alloc_error|raw_vec::(capacity_overflow|handle_error))|`,
    String.raw`^std(\[[0-9a-f]+\])?::(panicking::default_hook$|panicking::panic_with_hook|thread::local::panic_access_error)`,
  ].join(""),
);

/** The least that any build has of them: bounds, `unwrap`, `expect`, formatted, out of memory. */
const expected = [/::panicking::panic_fmt/, /::panicking::panic_bounds_check/, /::unwrap_failed/, /::handle_error/];

/** What workerd knows and the compiler or wasm-bindgen uses, as worker-build lists it. */
const features = ["mutable-globals", "sign-ext", "nontrapping-float-to-int", "bulk-memory", "multivalue", "reference-types", "exception-handling"];

/** Classes that `worker` and `wasm-streams` export for JavaScript, and that this Worker makes no objects of. */
const unusedClasses = [
  ...["containerstartupoptions", "minifyconfig", "r2range"],
  ...["intounderlyingbytesource", "intounderlyingsink", "intounderlyingsource"],
];

/** Takes out the methods of classes that have no objects, unless something here could make one. */
function dropUnusedClasses(module, bytes) {
  const compiled = new WebAssembly.Module(bytes);
  const imported = WebAssembly.Module.imports(compiled).map(({ name }) => name);
  const exported = WebAssembly.Module.exports(compiled).map(({ name }) => name);
  for (const name of unusedClasses) {
    // wasm-bindgen has the one make an object of what Rust hands out, and the other be a constructor.
    if (imported.some((one) => one.startsWith(`__wbg_${name}_new`)) || exported.includes(`${name}_new`)) {
      throw new UserError(`The Worker can make objects of ${name} now; take it out of the list in scripts/lib/shrink.js.`);
    }
    const methods = new RegExp(`^(${name}_|__wbg_((get|set)_)?${name}_)`);
    for (const method of exported.filter((one) => methods.test(one))) module.removeExport(method);
  }
}

/** Replaces what functions do that only panic by the trap in which that ends. */
function trapAtOnce(bytes) {
  const module = binaryen.readBinary(bytes);
  module.setFeatures(module.getFeatures() | binaryen.Features.ExceptionHandling);
  dropUnusedClasses(module, bytes);
  const replaced = [];
  for (let n = 0; n < module.getNumFunctions(); n += 1) {
    const reference = module.getFunctionByIndex(n);
    const { name, base, results } = binaryen.getFunctionInfo(reference);
    // One that is imported has no body; one that has a result may return.
    if (base || results !== binaryen.none || !panicking.test(name)) continue;
    binaryen.Function(reference).body = module.unreachable();
    replaced.push(name);
  }
  const missing = expected.filter((name) => !replaced.some((found) => name.test(found)));
  if (missing.length > 0) {
    throw new UserError(
      `The wasm has no function named ${missing.join(" nor ")}. The compiler seems to name what panics differently now; ` +
        "see which names it has, and list them in scripts/lib/shrink.js.",
    );
  }
  binaryen.setDebugInfo(true);
  const shrunk = module.emitBinary();
  module.dispose();
  return shrunk;
}

/**
 * Shrinks a wasm file in place. The names of its functions, with which the stack
 * of a trap can be read, go into another file.
 */
export async function shrink(wasm, names, env) {
  writeFileSync(wasm, trapAtOnce(readFileSync(wasm)));
  await run(
    env.WASM_OPT_BIN,
    [
      ...features.map((feature) => `--enable-${feature}`),
      // What a function needs only once is seldom worth a copy of its own within it: the
      // compiler has inlined already, and what is compiled at a request stays small.
      "--one-caller-inline-max-function-size=20",
      // The first 1024 bytes of memory are the last of the stack.
      "--low-memory-unused",
      ...["-Os", "--dae-optimizing", "-Os", `--symbolmap=${names}`, "--strip-debug"],
      ...[wasm, "-o", wasm],
    ],
    { env },
  );
}
