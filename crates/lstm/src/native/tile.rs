//! The register tile all matrix products are made of, and the gates' functions.

use super::simd::Simd;

/// Describes a matrix that is read one value at a time: value `(row, term)` lies at `start + row * row_stride + term *
/// term_stride`.
#[derive(Clone, Copy)]
pub(crate) struct Scalars {
    pub(crate) start: *const f32,
    pub(crate) row_stride: usize,
    pub(crate) term_stride: usize,
}

/// Computes `acc[row][column] += Σ over terms of a(row, term) * b(term, column)`, always in the order of the terms, so
/// that a result does not depend on how the rows were cut into tiles.
///
/// # Safety
///
/// `a` must be good for `ROWS` rows of `terms` values, `b` for `COLUMNS` vectors at each of `terms` places `b_stride`
/// values apart, and the instruction set must exist.
#[inline(always)]
pub(crate) unsafe fn accumulate<S: Simd, const ROWS: usize, const COLUMNS: usize>(
    acc: &mut [[S::V; COLUMNS]; ROWS],
    terms: usize,
    a: Scalars,
    b: *const f32,
    b_stride: usize,
) {
    let (mut a_at, mut b_at) = (a.start, b);
    for _ in 0..terms {
        // SAFETY: the caller's promise; the pointers advance by one term at a time and are read before they do.
        unsafe {
            let mut columns = [S::splat(0.0); COLUMNS];
            for (column, vector) in columns.iter_mut().enumerate() {
                *vector = S::load(b_at.add(column * S::LANES));
            }
            for (row, sums) in acc.iter_mut().enumerate() {
                let value = S::splat(*a_at.add(row * a.row_stride));
                for (sum, &column) in sums.iter_mut().zip(&columns) {
                    *sum = S::mul_add(value, column, *sum);
                }
            }
            // Past the last term the pointers are not read, and `wrapping_add` lets them go there.
            a_at = a_at.wrapping_add(a.term_stride);
            b_at = b_at.wrapping_add(b_stride);
        }
    }
}

/// Bounds the arguments: beyond ±this, `tanh` is taken as its value here, which is 1 to within 3e-7.
const TANH_LIMIT: f32 = 7.9;

/// Holds the coefficients of P and Q in `tanh(x) ≈ x P(x²) / Q(x²)`, by rising power.
///
/// Fitted for this crate by iteratively reweighted least squares on [0, 7.9] to the smallest greatest relative
/// error, 6e-9 before rounding. In `f32` the greatest relative error is 3e-7 (tests/activations check 5e-7).
const TANH_P: [f32; 5] = [1.0, 1.345_062e-1, 3.578_992e-3, 2.202_324_6e-5, 1.542_797_3e-8];
const TANH_Q: [f32; 5] = [1.0, 4.678_395e-1, 2.619_223_8e-2, 3.423_650_6e-4, 8.598_781e-7];

/// Computes `tanh` to a relative error of 5e-7.
///
/// # Safety
///
/// The instruction set must exist.
#[inline(always)]
pub(crate) unsafe fn tanh<S: Simd>(x: S::V) -> S::V {
    // SAFETY: register arithmetic under the caller's promise.
    unsafe {
        let x = S::clamp(x, TANH_LIMIT);
        let square = S::mul(x, x);
        S::div(S::mul(x, polynomial::<S>(&TANH_P, square)), polynomial::<S>(&TANH_Q, square))
    }
}

/// Computes the logistic function `1 / (1 + exp(-x)) = ½ + ½ tanh(x / 2)` to an absolute error of 5e-7.
///
/// # Safety
///
/// The instruction set must exist.
#[inline(always)]
pub(crate) unsafe fn logistic<S: Simd>(x: S::V) -> S::V {
    // SAFETY: register arithmetic under the caller's promise.
    unsafe {
        let half = S::splat(0.5);
        S::mul_add(tanh::<S>(S::mul(x, half)), half, half)
    }
}

/// Evaluates a polynomial by Horner's rule. (A function rather than a closure: it must be inlined into the entry
/// points.)
#[inline(always)]
unsafe fn polynomial<S: Simd>(coefficients: &[f32; 5], x: S::V) -> S::V {
    // SAFETY: register arithmetic; the caller guarantees the instruction set.
    unsafe {
        let mut sum = S::splat(coefficients[4]);
        sum = S::mul_add(sum, x, S::splat(coefficients[3]));
        sum = S::mul_add(sum, x, S::splat(coefficients[2]));
        sum = S::mul_add(sum, x, S::splat(coefficients[1]));
        S::mul_add(sum, x, S::splat(coefficients[0]))
    }
}
