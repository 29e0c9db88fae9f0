//! Vectors of `f32` behind one small trait, so that each kernel is written once for every instruction set.
//!
//! [`Isa::detect`] picks the widest set the processor has; the kernels' entry points (`on_isa!`) are compiled
//! once for each. Everything in the trait is inlined into such an entry point, which is where the compiler
//! learns that the instructions exist.

/// Names an instruction set the kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isa {
    /// 16 lanes.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 8 lanes, fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// The instructions that the build's target guarantees.
    Portable,
}

impl Isa {
    /// Finds the widest instruction set of this processor; the answer never changes within a process.
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx512f") {
                return Self::Avx512;
            }
            if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
                return Self::Avx2;
            }
        }
        Self::Portable
    }

    /// Lists every instruction set this processor can run.
    #[cfg(test)]
    pub(crate) fn available() -> Vec<Self> {
        let mut sets = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
                sets.push(Self::Avx2);
            }
            if std::arch::is_x86_feature_detected!("avx512f") {
                sets.push(Self::Avx512);
            }
        }
        sets
    }

    /// Counts the values in one vector.
    pub(crate) fn lanes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Avx512::LANES,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => Avx2::LANES,
            Self::Portable => Portable::LANES,
        }
    }
}

/// Computes with one instruction set's vectors.
///
/// # Safety
///
/// Every function is to be called only where the instruction set is known to exist, and pointers must be good
/// for [`Simd::LANES`] values (of any alignment).
pub(crate) trait Simd: Copy {
    /// Counts the values in one vector.
    const LANES: usize;
    /// Holds a vector of [`Simd::LANES`] values.
    type V: Copy;

    unsafe fn splat(value: f32) -> Self::V;
    unsafe fn load(from: *const f32) -> Self::V;
    unsafe fn store(to: *mut f32, v: Self::V);
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    /// Computes `a / b` to a relative error of 2e-7, where `b` is between 1 and 1e6.
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V;
    /// Asks for the cache line of `at`, which need not be a good address.
    #[inline(always)]
    unsafe fn prefetch(at: *const f32) {
        let _ = at;
    }
    /// Computes `a * b + c`, rounded once where the instruction set can.
    unsafe fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Computes `c - a * b`, rounded once where the instruction set can.
    unsafe fn neg_mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Limits `v` to ±`limit`; a NaN in `v` stays one.
    unsafe fn clamp(v: Self::V, limit: f32) -> Self::V;

    /// Loads the first `count` values at `from`, zeros in the other lanes.
    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self::V {
        // SAFETY: `count` values may be read, and the copy stays inside `values`, which holds a whole vector.
        unsafe {
            if count >= Self::LANES {
                return Self::load(from);
            }
            let mut values = [0.0f32; MAX_LANES];
            std::ptr::copy_nonoverlapping(from, values.as_mut_ptr(), count);
            Self::load(values.as_ptr())
        }
    }

    /// Stores the first `count` lanes.
    #[inline(always)]
    unsafe fn store_first(to: *mut f32, v: Self::V, count: usize) {
        // SAFETY: as for `load_first`.
        unsafe {
            if count >= Self::LANES {
                return Self::store(to, v);
            }
            let mut values = [0.0f32; MAX_LANES];
            Self::store(values.as_mut_ptr(), v);
            std::ptr::copy_nonoverlapping(values.as_ptr(), to, count);
        }
    }
}

/// Counts the values of the widest vector of any instruction set.
const MAX_LANES: usize = 16;

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Simd;

    #[derive(Clone, Copy)]
    pub(crate) struct Avx512;
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2;

    /// Divides, from the reciprocal's first 14 bits, by one step of Newton's method on the quotient: a division of 16
    /// lanes takes the divider ten cycles, this takes four operations of the other units.
    #[inline(always)]
    unsafe fn divide_avx512(a: __m512, b: __m512) -> __m512 {
        // SAFETY: register arithmetic; the caller guarantees the instruction set.
        unsafe {
            let reciprocal = _mm512_rcp14_ps(b);
            let quotient = _mm512_mul_ps(a, reciprocal);
            let rest = _mm512_fnmadd_ps(b, quotient, a);
            _mm512_fmadd_ps(rest, reciprocal, quotient)
        }
    }

    macro_rules! implement {
        ($name:ident, $lanes:literal, $vector:ty, $splat:ident, $load:ident, $store:ident, $add:ident, $mul:ident,
         $div:expr, $mul_add:ident, $neg_mul_add:ident, $min:ident, $max:ident) => {
            // SAFETY of every body: the trait's contract, the instruction set exists and pointers are good for a vector.
            impl Simd for $name {
                const LANES: usize = $lanes;
                type V = $vector;

                #[inline(always)]
                unsafe fn splat(value: f32) -> Self::V {
                    unsafe { $splat(value) }
                }
                #[inline(always)]
                unsafe fn load(from: *const f32) -> Self::V {
                    unsafe { $load(from) }
                }
                #[inline(always)]
                unsafe fn store(to: *mut f32, v: Self::V) {
                    unsafe { $store(to, v) }
                }
                #[inline(always)]
                unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
                    unsafe { $add(a, b) }
                }
                #[inline(always)]
                unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
                    unsafe { $mul(a, b) }
                }
                #[inline(always)]
                unsafe fn div(a: Self::V, b: Self::V) -> Self::V {
                    unsafe { $div(a, b) }
                }
                #[inline(always)]
                unsafe fn prefetch(at: *const f32) {
                    unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
                }
                #[inline(always)]
                unsafe fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
                    unsafe { $mul_add(a, b, c) }
                }
                #[inline(always)]
                unsafe fn neg_mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
                    unsafe { $neg_mul_add(a, b, c) }
                }
                #[inline(always)]
                unsafe fn clamp(v: Self::V, limit: f32) -> Self::V {
                    // x86's minimum and maximum return their second operand when either is a NaN.
                    unsafe { $min($splat(limit), $max($splat(-limit), v)) }
                }
            }
        };
    }

    implement!(
        Avx512,
        16,
        __m512,
        _mm512_set1_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_add_ps,
        _mm512_mul_ps,
        divide_avx512,
        _mm512_fmadd_ps,
        _mm512_fnmadd_ps,
        _mm512_min_ps,
        _mm512_max_ps
    );
    implement!(
        Avx2,
        8,
        __m256,
        _mm256_set1_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_add_ps,
        _mm256_mul_ps,
        _mm256_div_ps,
        _mm256_fmadd_ps,
        _mm256_fnmadd_ps,
        _mm256_min_ps,
        _mm256_max_ps
    );
}

/// Uses plain arrays, which LLVM turns into the target's own vectors (NEON on ARM, SSE2 on a bare x86-64).
#[derive(Clone, Copy)]
pub(crate) struct Portable;

/// Computes `a * b + c`: fused where that is an instruction, since a library call for it would be far slower.
#[inline(always)]
fn portable_mul_add(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(any(target_arch = "aarch64", target_feature = "fma")) { a.mul_add(b, c) } else { a * b + c }
}

// SAFETY of every body: only pointers, good for a vector by the trait's contract, are touched unsafely.
impl Simd for Portable {
    const LANES: usize = 4;
    type V = [f32; 4];

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::V {
        [value; 4]
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self::V {
        unsafe { from.cast::<[f32; 4]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, v: Self::V) {
        unsafe { to.cast::<[f32; 4]>().write_unaligned(v) }
    }
    #[inline(always)]
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|lane| a[lane] + b[lane])
    }
    #[inline(always)]
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|lane| a[lane] * b[lane])
    }
    #[inline(always)]
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|lane| a[lane] / b[lane])
    }
    #[inline(always)]
    unsafe fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        std::array::from_fn(|lane| portable_mul_add(a[lane], b[lane], c[lane]))
    }
    #[inline(always)]
    unsafe fn neg_mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        std::array::from_fn(|lane| portable_mul_add(-a[lane], b[lane], c[lane]))
    }
    #[inline(always)]
    unsafe fn clamp(v: Self::V, limit: f32) -> Self::V {
        std::array::from_fn(|lane| v[lane].clamp(-limit, limit))
    }
}

/// Runs `$body::<Set, ROWS>($args)` compiled for the given [`Isa`]. `ROWS` is the height of a register tile:
/// four vectors wide, it must leave room for the operands among the registers (32 with AVX-512, 16 without).
macro_rules! on_isa {
    ($isa:expr, $body:ident, $args:expr, $kind:ty) => {{
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f")]
        fn avx512(args: $kind) {
            // SAFETY: this function's own instruction set.
            unsafe { $body::<$crate::native::simd::Avx512, 4>(args) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        fn avx2(args: $kind) {
            // SAFETY: this function's own instruction set.
            unsafe { $body::<$crate::native::simd::Avx2, 2>(args) }
        }
        match $isa {
            // SAFETY: an `Isa` other than portable comes from detection on this processor.
            #[cfg(target_arch = "x86_64")]
            $crate::native::simd::Isa::Avx512 => unsafe { avx512($args) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            $crate::native::simd::Isa::Avx2 => unsafe { avx2($args) },
            // SAFETY: plain arrays need no instruction set.
            $crate::native::simd::Isa::Portable => unsafe { $body::<$crate::native::simd::Portable, 2>($args) },
        }
    }};
}
pub(crate) use on_isa;
