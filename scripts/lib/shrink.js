/**
 * Makes the Worker's wasm smaller than the compiler does: without what only
 * words the message of a panic or is linked and never called, and without the
 * names of functions.
 *
 * A panic ends in a trap with or without its message, and the Worker is known
 * to have none. What the message takes (formatting of any number, indices,
 * places in the source) is a twelfth of the script.
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

/**
 * Writes a number with a fraction as text, for 7 kB. It is linked because serde could name one in a message; what is
 * read here is JSON, and serde_json writes its numbers by other means.
 */
const fractions = /^<f64 as core(\[[0-9a-f]+\])?::fmt::Display>::fmt$/;

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

/** Takes out what only words a panic, which leaves the trap in which it ends, and what is never called. */
function withoutWords(bytes) {
  const module = binaryen.readBinary(bytes);
  module.setFeatures(module.getFeatures() | binaryen.Features.ExceptionHandling);
  dropUnusedClasses(module, bytes);
  const replaced = [];
  for (let n = 0; n < module.getNumFunctions(); n += 1) {
    const reference = module.getFunctionByIndex(n);
    const { name, base, results } = binaryen.getFunctionInfo(reference);
    // It writes nothing then, and is content with that.
    if (fractions.test(name)) binaryen.Function(reference).body = module.i32.const(0);
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

/** A number in LEB128, as wasm has it, and what comes after it. */
function leb128(bytes, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7, at += 1) {
    value += (bytes[at] & 0x7f) * 2 ** shift;
    if (bytes[at] < 0x80) return [value, at + 1];
  }
}

/** The data that a module begins with: the address of each piece, and its bytes (a view of the module's). */
function dataOf(bytes) {
  const [dataSection, i32Const, end] = [11, 0x41, 0x0b];
  const pieces = [];
  for (let at = 8; at < bytes.length; ) {
    const [length, content] = leb128(bytes, at + 1);
    const isData = bytes[at] === dataSection;
    at = content + length;
    if (!isData) continue;
    let [count, next] = leb128(bytes, content);
    for (; count > 0; count -= 1) {
      if (bytes[next] !== 0 || bytes[next + 1] !== i32Const) throw new UserError("The wasm has data of a kind that scripts/lib/shrink.js does not know.");
      const [address, afterAddress] = leb128(bytes, next + 2);
      const [size, start] = leb128(bytes, afterAddress + Number(bytes[afterAddress] === end));
      pieces.push({ address, bytes: bytes.subarray(start, start + size) });
      next = start + size;
    }
  }
  return pieces;
}

/**
 * Blanks the places in the source that panics name (`core::panic::Location`: address and length of
 * a path that ends in .rs, line and column), and those paths. Nothing but the message reads them.
 */
function blankPlaces(bytes) {
  const pieces = dataOf(bytes);
  const textAt = (address, length) => {
    const piece = pieces.find((one) => one.address <= address && address + length <= one.address + one.bytes.length);
    return piece?.bytes.subarray(address - piece.address, address - piece.address + length);
  };
  const paths = new Set();
  for (const { address, bytes: piece } of pieces) {
    const words = new DataView(piece.buffer, piece.byteOffset, piece.length);
    for (let at = (4 - (address % 4)) % 4; at + 16 <= piece.length; at += 4) {
      const [path, length, line, column] = [0, 4, 8, 12].map((offset) => words.getUint32(at + offset, true));
      const isPlace = length > 3 && length < 512 && line > 0 && line < 1e6 && column > 0 && column < 1e4;
      const text = isPlace ? textAt(path, length) : undefined;
      if (!text || !Buffer.from(text.subarray(-3)).equals(Buffer.from(".rs"))) continue;
      paths.add(text);
      piece.fill(0, at, at + 16);
    }
  }
  for (const path of paths) path.fill(0);
  return bytes;
}

/**
 * Shrinks a wasm file in place. The names of its functions, with which the stack
 * of a trap can be read, go into another file.
 */
export async function shrink(wasm, names, env) {
  writeFileSync(wasm, withoutWords(readFileSync(wasm)));
  await run(
    env.WASM_OPT_BIN,
    [
      ...features.map((feature) => `--enable-${feature}`),
      // What a function needs only once is seldom worth a copy of its own within it: the
      // compiler has inlined already, and what is compiled at a request stays small.
      "--one-caller-inline-max-function-size=10",
      // The first 1024 bytes of memory are the last of the stack.
      "--low-memory-unused",
      ...["-Os", "--dae-optimizing", "-Os", `--symbolmap=${names}`, "--strip-debug"],
      ...[wasm, "-o", wasm],
    ],
    { env },
  );
  writeFileSync(wasm, blankPlaces(readFileSync(wasm)));
}
