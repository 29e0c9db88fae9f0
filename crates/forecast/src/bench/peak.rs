//! Measures the speed of matrix products alone, with which `peak_share` compares.

use std::time::{Duration, Instant};

use burn::tensor::{Device, Distribution, Tensor};

use super::shape::Shape;
use crate::device::ChosenDevice;

/// Sets how long each product is repeated.
const TIME: Duration = Duration::from_millis(150);
/// Counts the times that it is measured; the best counts.
const TIMES: usize = 3;

/// Measures billions of operations a second in `[rows, F + H] x [F + H, 4 H]`, the product of a step.
///
/// On a CPU by the `gemm` crate, each thread with a batch's share of rows of its own; elsewhere by burn's own product
/// of all steps at once.
pub(super) fn gflops(shape: Shape, chosen: &ChosenDevice) -> f64 {
    (0..TIMES)
        .map(|_| if chosen.is_cpu() { on_threads(shape) } else { on_device(shape, chosen.device()) })
        .fold(0.0, f64::max)
}

fn on_threads(shape: Shape) -> f64 {
    let rows = (shape.batch / rayon::current_num_threads()).max(1);
    let rates = rayon::broadcast(|_| {
        let (inner, columns) = (shape.f + shape.h, 4 * shape.h);
        let left = vec![0.5_f32; rows * inner];
        let right = vec![0.25_f32; inner * columns];
        let mut product = vec![0.0_f32; rows * columns];
        let begun = Instant::now();
        let mut times = 0_u32;
        while begun.elapsed() < TIME {
            multiply(&mut product, &left, &right, [rows, inner, columns]);
            times += 1;
        }
        std::hint::black_box(&product);
        f64::from(times) * operations(rows, inner, columns) / begun.elapsed().as_secs_f64()
    });
    rates.into_iter().sum::<f64>() / 1e9
}

/// Computes `product = left · right`, row by row in memory.
fn multiply(product: &mut [f32], left: &[f32], right: &[f32], [rows, inner, columns]: [usize; 3]) {
    assert!(product.len() == rows * columns && left.len() == rows * inner && right.len() == inner * columns);
    // SAFETY: the sizes are checked above; strides are those of row-major matrices within them.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            product.as_mut_ptr(),
            1,
            columns as isize,
            false,
            left.as_ptr(),
            1,
            inner as isize,
            right.as_ptr(),
            1,
            columns as isize,
            0.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

fn on_device(shape: Shape, device: &Device) -> f64 {
    let (rows, inner, columns) = (shape.batch * shape.t, shape.f + shape.h, 4 * shape.h);
    let left = Tensor::<2>::random([rows, inner], Distribution::Default, device);
    let right = Tensor::<2>::random([inner, columns], Distribution::Default, device);
    let product = || left.clone().matmul(right.clone());
    let wait = |last: Tensor<2>| drop(last.narrow(0, 0, 1).into_data());
    wait(product());
    let begun = Instant::now();
    let mut times = 0_u32;
    while begun.elapsed() < TIME {
        // Several launches a wait, as in training.
        let mut last = product();
        for _ in 1..10 {
            last = product();
        }
        wait(last);
        times += 10;
    }
    f64::from(times) * operations(rows, inner, columns) / begun.elapsed().as_secs_f64() / 1e9
}

fn operations(rows: usize, inner: usize, columns: usize) -> f64 {
    2.0 * (rows * inner * columns) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_is_one() {
        let (left, right) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 0.5, -1.0, 2.0, 0.0, 1.0]);
        let mut product = [f32::NAN; 4];
        multiply(&mut product, &left, &right, [2, 3, 2]);
        assert_eq!(product, [-1.0, 7.5, -1.0, 18.0]);
    }
}
