//! What the rendering machine offers: wider instructions and several cores.
//!
//! Both change how long rendering takes, never its result.

use wide::i16x16;

/// Work that benefits from wide instructions. `run` and everything it calls have to be
/// `#[inline(always)]`: only inlined code is compiled for them.
pub(crate) trait Work {
    /// The result.
    type Output;

    /// Does the work.
    fn run<I: Instructions>(self, instructions: I) -> Self::Output;
}

/// Operations that the compiler does not turn into one instruction by itself.
pub(crate) trait Instructions: Copy {
    /// Products in units of 1/2¹⁵, rounded to the nearest.
    fn mul_round(self, a: [i16; 16], b: [i16; 16]) -> [i16; 16];
}

/// The instructions that every processor of this architecture has.
#[derive(Debug, Clone, Copy)]
struct Baseline;

impl Instructions for Baseline {
    #[inline(always)]
    #[allow(clippy::inline_always)]
    fn mul_round(self, a: [i16; 16], b: [i16; 16]) -> [i16; 16] {
        let products = i16x16::new(a).mul_scale_round(i16x16::new(b));
        products.to_array()
    }
}

#[cfg(target_arch = "x86_64")]
impl Instructions for pulp::x86::V3 {
    #[inline(always)]
    #[allow(clippy::inline_always)]
    fn mul_round(self, a: [i16; 16], b: [i16; 16]) -> [i16; 16] {
        use bytemuck::cast;

        cast(self.avx2._mm256_mulhrs_epi16(cast(a), cast(b)))
    }
}

/// Does work with the best instructions of this processor: x86-64-v3 if it has them.
#[cfg(target_arch = "x86_64")]
pub(crate) fn with_best_instructions<W: Work>(work: W) -> W::Output {
    struct Vectorized<W>(W, pulp::x86::V3);

    impl<W: Work> pulp::NullaryFnOnce for Vectorized<W> {
        type Output = W::Output;

        #[inline(always)]
        #[allow(clippy::inline_always)]
        fn call(self) -> W::Output {
            self.0.run(self.1)
        }
    }

    match pulp::x86::V3::try_new() {
        Some(v3) => v3.vectorize(Vectorized(work, v3)),
        None => work.run(Baseline),
    }
}

/// Does work. Wasm and 64-bit Arm have a single set of instructions.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub(crate) fn with_best_instructions<W: Work>(work: W) -> W::Output {
    work.run(Baseline)
}

/// Does two things at once if a core is free for the second.
#[cfg(not(target_arch = "wasm32"))]
pub fn join<A: Send, B: Send>(
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    rayon::join(first, second)
}

/// Does two things one after the other.
#[cfg(target_arch = "wasm32")]
pub fn join<A, B>(first: impl FnOnce() -> A, second: impl FnOnce() -> B) -> (A, B) {
    (first(), second())
}
