//! Gauss-Legendre quadrature on the unit interval.

/// Holds the points of a quadrature and their weights, which sum up to 1.
#[derive(Clone, Debug)]
pub(super) struct Quadrature {
    pub(super) points: Vec<f64>,
    pub(super) weights: Vec<f64>,
}

impl Quadrature {
    /// Makes the one of `count` points, exact for polynomials of degrees below 2 `count`. The points are the zeros of the
    /// Legendre polynomial, found by Newton's method (Press et al., Numerical Recipes, section 4.6).
    pub(super) fn new(count: usize) -> Self {
        let one = |at: usize| {
            let mut z = (std::f64::consts::PI * (at as f64 + 0.75) / (count as f64 + 0.5)).cos();
            loop {
                let (value, slope) = legendre(count, z);
                let step = value / slope;
                z -= step;
                if step.abs() < 1e-15 {
                    let (_, slope) = legendre(count, z);
                    return ((1.0 - z) / 2.0, 1.0 / ((1.0 - z * z) * slope * slope));
                }
            }
        };
        let (points, weights) = (0..count).map(one).unzip();
        Self { points, weights }
    }
}

/// Returns the Legendre polynomial of a degree at `z`, and its slope.
fn legendre(degree: usize, z: f64) -> (f64, f64) {
    let (mut value, mut before) = (1.0, 0.0);
    for k in 0..degree {
        let k = k as f64;
        (value, before) = (((2.0 * k + 1.0) * z * value - k * before) / (k + 1.0), value);
    }
    (value, degree as f64 * (z * value - before) / (z * z - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_integrated_exactly() {
        for count in [1, 2, 3, 6, 16, 64] {
            let Quadrature { points, weights } = Quadrature::new(count);
            for degree in 0..(2 * count).min(20) {
                let found: f64 = points.iter().zip(&weights).map(|(x, w)| w * x.powi(degree as i32)).sum();
                assert!((found - 1.0 / (degree as f64 + 1.0)).abs() < 1e-13, "{count} {degree}: {found}");
            }
        }
    }
}
