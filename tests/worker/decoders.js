/** Decoders made by hand, which fail in every way that wasm can. */
import binaryen from "binaryen";

/** The wasm of a decoder by the bodies of its functions, each in WebAssembly's text. */
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
  // What writes a whole memory at once.
  module.setFeatures(binaryen.Features.BulkMemory);
  return module.emitBinary();
}
