/** Hand-written decoders that fail in every way that WebAssembly can. */
import binaryen from "binaryen";

/**
 * Assembles a decoder from the bodies of its functions, in WebAssembly's text format.
 *
 * @param {object} functions
 * @param {string} functions.square
 * @param {string} [functions.allocate]
 * @param {number} [functions.ranOut]
 * @param {string} [functions.end]
 * @param {string} [functions.panicked]
 */
export function decoderWasm({
  square,
  allocate = "(i32.const 4096)",
  ranOut = 0,
  end = "(i32.const 70000)",
  panicked = "unreachable",
}) {
  const module = binaryen.parseText(`(module
    (import "env" "memory" (memory 1024 1024))
    (global (export "__heap_base") i32 (i32.const 4096))
    (func (export "allocate") (param i32) (result i32) ${allocate})
    (func $square (export "square") (param i32 i32 i32 i32) (result i32) ${square})
    (func (export "ran_out") (result i32) (i32.const ${ranOut}))
    (func (export "end") (result i32) ${end})
    (func (export "panicked") (result i32) ${panicked}))`);
  // For `memory.fill`.
  module.setFeatures(binaryen.Features.BulkMemory);
  return module.emitBinary();
}
