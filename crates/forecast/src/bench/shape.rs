//! The shapes that are measured: sizes of a network and of a batch.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// Holds the sizes of a network and of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Shape {
    /// Weeks of a sequence.
    pub t: usize,
    /// Inputs a week.
    pub f: usize,
    /// Units of the LSTM layer.
    pub h: usize,
    /// Sequences a step.
    pub batch: usize,
}

/// Lists the shapes of the published comparison with PyTorch, and the one whose step is looked at closer.
pub const SHAPES: [Shape; 5] = [
    Shape { t: 4, f: 24, h: 64, batch: 256 },
    Shape { t: 12, f: 24, h: 64, batch: 256 },
    Shape { t: 12, f: 24, h: 64, batch: 1024 },
    Shape { t: 12, f: 24, h: 128, batch: 1024 },
    Shape { t: 84, f: 24, h: 64, batch: 256 },
];

impl Shape {
    /// Counts the floating-point operations of the matrix products of one sequence, forward: an addition and a multiplication for each
    /// weight: forward.
    #[must_use]
    pub fn forward_operations(self) -> f64 {
        (8 * self.t * self.h * (self.f + self.h)) as f64
    }

    /// Counts the same of a training step: forward, the weights' gradients, and the gradient handed to the step before. The
    /// gradient of the inputs is not asked for in training, and is not counted.
    #[must_use]
    pub fn training_operations(self) -> f64 {
        2.0 * self.forward_operations() + (8 * self.t * self.h * self.h) as f64
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{},{}", self.t, self.f, self.h, self.batch)
    }
}

/// Describes why a text is no shape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a shape: write T,F,H,BATCH (weeks, inputs, units, sequences a step), as in 12,24,64,256, T and F and H at most 4096, batch at most 1,000,000"
)]
pub struct ShapeError(String);

impl FromStr for Shape {
    type Err = ShapeError;

    fn from_str(text: &str) -> Result<Self, ShapeError> {
        let numbers: Option<Vec<usize>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
        match numbers.as_deref() {
            Some(&[t, f, h, batch])
                if [t, f, h].iter().all(|size| (1..=4096).contains(size)) && (1..=1_000_000).contains(&batch) =>
            {
                Ok(Self { t, f, h, batch })
            }
            _ => Err(ShapeError(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_read_and_print() {
        assert_eq!("12,24,64,256".parse(), Ok(Shape { t: 12, f: 24, h: 64, batch: 256 }));
        assert_eq!(" 1, 2,3 ,4".parse::<Shape>().expect("four numbers").to_string(), "1,2,3,4");
        for wrong in ["", "1,2,3", "1,2,3,0", "1,2,3,x", "1,2,5000,4", "1,2,3,4,5"] {
            assert!(wrong.parse::<Shape>().expect_err(wrong).to_string().contains("T,F,H,BATCH"));
        }
    }

    #[test]
    fn operations_are_counted_by_weight() {
        let shape = Shape { t: 2, f: 3, h: 5, batch: 7 };
        // 4 gates of 5 units, each reading 3 + 5 numbers: 160 weights, 2 operations each, 2 steps.
        assert_eq!(shape.forward_operations(), 640.0);
        // Twice that, and 100 recurrent weights once more on the way back.
        assert_eq!(shape.training_operations(), 1680.0);
    }
}
