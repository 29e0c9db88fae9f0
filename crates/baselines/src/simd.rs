//! Inner loops of the solvers, compiled for the vectors that the processor has.
//!
//! Values are 32-bit, sums 64-bit. The order of each sum is fixed, so that results are the same to the bit on processors with
//! the same instruction set.

use std::sync::OnceLock;

/// Counts the numbers that every slice handed to these loops is a multiple of.
pub(crate) const LANES: usize = 8;

/// Counts the rows and columns of a tile of [`tile`].
pub(crate) const TILE: usize = 4;

/// Rounds up to a multiple of [`LANES`].
pub(crate) const fn padded(length: usize) -> usize {
    length.div_ceil(LANES) * LANES
}

/// Names the instruction sets that the loops are compiled for.
#[derive(Clone, Copy)]
enum Isa {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Isa {
    /// Returns the best one that this processor has.
    fn of_this_processor() -> Self {
        static FOUND: OnceLock<Isa> = OnceLock::new();
        *FOUND.get_or_init(|| {
            #[cfg(target_arch = "x86_64")]
            {
                if is_x86_feature_detected!("avx512f") {
                    return Self::Avx512;
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    return Self::Avx2;
                }
            }
            Self::Portable
        })
    }
}

/// Computes with one vector of 64-bit sums.
///
/// # Safety
/// Every function needs the processor to have the instruction set; pointers must be good for [`Vector::WIDTH`] numbers.
trait Vector: Copy {
    /// Counts the numbers of a vector; [`LANES`] is a multiple of it.
    const WIDTH: usize;
    /// Counts the rows of a tile whose sums fit into the registers.
    const TILE_ROWS: usize;

    unsafe fn zero() -> Self;
    unsafe fn splat(value: f64) -> Self;
    unsafe fn load(from: *const f64) -> Self;
    unsafe fn widen(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f64);
    /// Computes `self * by + to`.
    unsafe fn mul_add(self, by: Self, to: Self) -> Self;
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Vector;

    macro_rules! vector {
        ($name:ty, $width:literal, $rows:literal, $zero:ident, $splat:ident, $load:ident, $narrow:ident, $widen:ident,
         $store:ident, $mul_add:ident) => {
            // SAFETY of every body: the caller has the instruction set, and its pointers are good for a vector.
            impl Vector for $name {
                const WIDTH: usize = $width;
                const TILE_ROWS: usize = $rows;

                #[inline(always)]
                unsafe fn zero() -> Self {
                    unsafe { $zero() }
                }
                #[inline(always)]
                unsafe fn splat(value: f64) -> Self {
                    unsafe { $splat(value) }
                }
                #[inline(always)]
                unsafe fn load(from: *const f64) -> Self {
                    unsafe { $load(from) }
                }
                #[inline(always)]
                unsafe fn widen(from: *const f32) -> Self {
                    unsafe { $widen($narrow(from)) }
                }
                #[inline(always)]
                unsafe fn store(self, to: *mut f64) {
                    unsafe { $store(to, self) }
                }
                #[inline(always)]
                unsafe fn mul_add(self, by: Self, to: Self) -> Self {
                    unsafe { $mul_add(self, by, to) }
                }
            }
        };
    }

    vector!(
        __m512d,
        8,
        4,
        _mm512_setzero_pd,
        _mm512_set1_pd,
        _mm512_loadu_pd,
        _mm256_loadu_ps,
        _mm512_cvtps_pd,
        _mm512_storeu_pd,
        _mm512_fmadd_pd
    );
    vector!(
        __m256d,
        4,
        2,
        _mm256_setzero_pd,
        _mm256_set1_pd,
        _mm256_loadu_pd,
        _mm_loadu_ps,
        _mm256_cvtps_pd,
        _mm256_storeu_pd,
        _mm256_fmadd_pd
    );
}

/// Multiplies and adds; fused where that is an instruction, since a library call for it would be far slower.
#[inline(always)]
fn portable_mul_add(a: f64, b: f64, c: f64) -> f64 {
    if cfg!(target_arch = "aarch64") { a.mul_add(b, c) } else { a * b + c }
}

// SAFETY of every body: plain arrays need no instruction set, and the caller's pointers are good for a vector.
impl Vector for [f64; 2] {
    const WIDTH: usize = 2;
    const TILE_ROWS: usize = 2;

    #[inline(always)]
    unsafe fn zero() -> Self {
        [0.0; 2]
    }
    #[inline(always)]
    unsafe fn splat(value: f64) -> Self {
        [value; 2]
    }
    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        unsafe { from.cast::<Self>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn widen(from: *const f32) -> Self {
        let [a, b] = unsafe { from.cast::<[f32; 2]>().read_unaligned() };
        [f64::from(a), f64::from(b)]
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        unsafe { to.cast::<Self>().write_unaligned(self) }
    }
    #[inline(always)]
    unsafe fn mul_add(self, by: Self, to: Self) -> Self {
        [portable_mul_add(self[0], by[0], to[0]), portable_mul_add(self[1], by[1], to[1])]
    }
}

/// Adds up the numbers of a vector in order.
#[inline(always)]
unsafe fn total<V: Vector>(sums: V) -> f64 {
    let mut lanes = [0.0; LANES];
    // SAFETY: as many numbers as any vector has.
    unsafe { sums.store(lanes.as_mut_ptr()) };
    let mut sum = 0.0;
    for lane in &lanes[..V::WIDTH] {
        sum += lane;
    }
    sum
}

/// # Safety
/// The processor must have the instruction set of `V`.
#[inline(always)]
unsafe fn dots_body<V: Vector, const R: usize>(rows: [&[f32]; R], weights: &[f64]) -> [f64; R] {
    let length = weights.len() / LANES * LANES;
    assert!(rows.iter().all(|row| row.len() >= length));
    // SAFETY: places are below the length of every slice.
    unsafe {
        let mut sums = [V::zero(); R];
        let mut at = 0;
        while at < length {
            let weight = V::load(weights.as_ptr().add(at));
            for row in 0..R {
                sums[row] = V::widen(rows[row].as_ptr().add(at)).mul_add(weight, sums[row]);
            }
            at += V::WIDTH;
        }
        // No closures here: they would be compiled for the plain instruction set.
        let mut products = [0.0; R];
        for row in 0..R {
            products[row] = total(sums[row]);
        }
        products
    }
}

/// # Safety
/// The processor must have the instruction set of `V`.
#[inline(always)]
unsafe fn add_body<V: Vector, const R: usize>(sums: &mut [f64], rows: [&[f32]; R], factors: [f64; R]) {
    let length = sums.len() / LANES * LANES;
    assert!(rows.iter().all(|row| row.len() >= length));
    // SAFETY: places are below the length of every slice.
    unsafe {
        let mut by = [V::zero(); R];
        for row in 0..R {
            by[row] = V::splat(factors[row]);
        }
        let mut at = 0;
        while at < length {
            let to = sums.as_mut_ptr().add(at);
            let mut sum = V::load(to);
            for row in 0..R {
                sum = V::widen(rows[row].as_ptr().add(at)).mul_add(by[row], sum);
            }
            sum.store(to);
            at += V::WIDTH;
        }
    }
}

/// # Safety
/// The processor must have the instruction set of `V`.
#[inline(always)]
unsafe fn tile_body<V: Vector>(left: [&[f32]; TILE], right: [&[f32]; TILE]) -> [[f64; TILE]; TILE] {
    let length = left[0].len() / LANES * LANES;
    assert!(left.iter().chain(&right).all(|row| row.len() >= length));
    let mut products = [[0.0; TILE]; TILE];
    // SAFETY: places are below the length of every slice.
    unsafe {
        let mut first = 0;
        while first < TILE {
            let mut sums = [[V::zero(); TILE]; TILE];
            let mut at = 0;
            while at < length {
                let mut columns = [V::zero(); TILE];
                for j in 0..TILE {
                    columns[j] = V::widen(right[j].as_ptr().add(at));
                }
                for i in 0..V::TILE_ROWS {
                    let x = V::widen(left[first + i].as_ptr().add(at));
                    for j in 0..TILE {
                        sums[i][j] = x.mul_add(columns[j], sums[i][j]);
                    }
                }
                at += V::WIDTH;
            }
            for i in 0..V::TILE_ROWS {
                for j in 0..TILE {
                    products[first + i][j] = total(sums[i][j]);
                }
            }
            first += V::TILE_ROWS;
        }
    }
    products
}

/// Defines a function that calls `$body` compiled for this processor.
macro_rules! dispatched {
    ($(#[$doc:meta])* $name:ident<$(const $r:ident)?>($($argument:ident: $kind:ty),*) -> $returned:ty, $body:ident) => {
        $(#[$doc])*
        pub(crate) fn $name<$(const $r: usize)?>($($argument: $kind),*) -> $returned {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f")]
            fn avx512<$(const $r: usize)?>($($argument: $kind),*) -> $returned {
                // SAFETY: this function's own instruction set.
                unsafe { $body::<std::arch::x86_64::__m512d $(, $r)?>($($argument),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2<$(const $r: usize)?>($($argument: $kind),*) -> $returned {
                // SAFETY: this function's own instruction set.
                unsafe { $body::<std::arch::x86_64::__m256d $(, $r)?>($($argument),*) }
            }
            match Isa::of_this_processor() {
                // SAFETY: the processor was found to have it.
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => unsafe { avx512($($argument),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => unsafe { avx2($($argument),*) },
                // SAFETY: plain arrays need no instruction set.
                Isa::Portable => unsafe { $body::<[f64; 2] $(, $r)?>($($argument),*) },
            }
        }
    };
}

dispatched! {
    /// Computes Σ row × weights for each of `rows`, over the padded length of `weights`.
    dots<const R>(rows: [&[f32]; R], weights: &[f64]) -> [f64; R], dots_body
}
dispatched! {
    /// Adds Σ factor × row to `sums`, over the padded length of `sums`.
    add_rows<const R>(sums: &mut [f64], rows: [&[f32]; R], factors: [f64; R]) -> (), add_body
}
dispatched! {
    /// Computes the products of each row of `left` with each of `right`; all have the same padded length.
    tile<>(left: [&[f32]; TILE], right: [&[f32]; TILE]) -> [[f64; TILE]; TILE], tile_body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_are_those_of_plain_sums() {
        let value = |row: usize, at: usize| ((row * 31 + at * 7) % 23) as f32 / 4.0 - 2.5;
        let length = 5 * LANES;
        let rows: Vec<Vec<f32>> = (0..8).map(|row| (0..length).map(|at| value(row, at)).collect()).collect();
        let weights: Vec<f64> = (0..length).map(|at| (at % 9) as f64 / 8.0 - 0.5).collect();
        let four = |first: usize| [0, 1, 2, 3].map(|row| &rows[first + row][..]);
        for (row, found) in dots(four(0), &weights).into_iter().enumerate() {
            let wanted: f64 = (0..length).map(|at| f64::from(value(row, at)) * weights[at]).sum();
            assert_eq!(found, wanted);
        }
        let mut sums = weights.clone();
        add_rows(&mut sums, four(4), [1.0, -2.0, 0.5, 4.0]);
        for (at, found) in sums.into_iter().enumerate() {
            let x = |row: usize| f64::from(value(4 + row, at));
            assert_eq!(found, weights[at] + x(0) - 2.0 * x(1) + 0.5 * x(2) + 4.0 * x(3));
        }
        for (i, products) in tile(four(0), four(4)).into_iter().enumerate() {
            for (j, found) in products.into_iter().enumerate() {
                let wanted: f64 = (0..length).map(|at| f64::from(value(i, at)) * f64::from(value(4 + j, at))).sum();
                assert_eq!(found, wanted);
            }
        }
    }
}
