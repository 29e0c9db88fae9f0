//! The step of Newton's method for a loss of two parameters: a slope and an intercept.

/// Holds the derivatives of a loss by slope and intercept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Derivatives {
    /// By slope and by intercept.
    pub(crate) gradient: (f64, f64),
    /// By slope twice, by slope and intercept, by intercept twice.
    pub(crate) hessian: (f64, f64, f64),
}

impl Derivatives {
    /// Returns the greatest component of the gradient, without its sign.
    pub(crate) fn gradient_size(&self) -> f64 {
        self.gradient.0.abs().max(self.gradient.1.abs())
    }

    /// Returns the step, in slope and intercept, to where the gradient would vanish were the loss a parabola.
    pub(crate) fn newton_step(&self) -> (f64, f64) {
        let (a, b, c) = self.hessian;
        let determinant = a * c - b * b;
        let (g, h) = self.gradient;
        (-(c * g - b * h) / determinant, -(a * h - b * g) / determinant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_step_reaches_the_bottom_of_a_parabola() {
        // x² + xy + y² - 4x - 5y has its bottom at (1, 2); these are its derivatives at (3, 3).
        let derivatives = Derivatives { gradient: (5.0, 4.0), hessian: (2.0, 1.0, 2.0) };
        assert_eq!(derivatives.newton_step(), (-2.0, -1.0));
        assert_eq!(derivatives.gradient_size(), 5.0);
    }
}
