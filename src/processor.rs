//! What the machine that renders can do: wider instructions, several cores.
//!
//! Both change how long rendering takes, never what comes out.

/// Work that profits from wide instructions. `run` has to be
/// `#[inline(always)]`, and so has what it calls: only what is inlined is
/// compiled for them.
pub(crate) trait Work {
    /// What comes out.
    type Output;

    /// Does it.
    fn run(self) -> Self::Output;
}

/// Does work with the instructions of this very processor (x86-64-v3 where it
/// has them), not only with those that all of its kind have.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn with_best_instructions<W: Work>(work: W) -> W::Output {
    struct Vectorized<W>(W);

    impl<W: Work> pulp::WithSimd for Vectorized<W> {
        type Output = W::Output;

        #[inline(always)]
        #[allow(clippy::inline_always)]
        fn with_simd<S: pulp::Simd>(self, _: S) -> W::Output {
            self.0.run()
        }
    }

    pulp::Arch::new().dispatch(Vectorized(work))
}

/// Does work: a wasm module is compiled for one set of instructions.
#[cfg(target_arch = "wasm32")]
#[inline]
pub(crate) fn with_best_instructions<W: Work>(work: W) -> W::Output {
    work.run()
}

/// Does two things at once if a core is free for the second.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn join<A: Send, B: Send>(
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    rayon::join(first, second)
}

/// Does two things one after the other.
#[cfg(target_arch = "wasm32")]
pub(crate) fn join<A, B>(first: impl FnOnce() -> A, second: impl FnOnce() -> B) -> (A, B) {
    (first(), second())
}
