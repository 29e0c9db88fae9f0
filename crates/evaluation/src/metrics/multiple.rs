//! P-values of many tests, adjusted so that each can be compared with one level.

/// Adjusts p-values by Holm's (1979) step-down procedure: at a level α the chance that any of the differences called one is
/// none is at most α, however the tests depend on each other. For few tests, of which each decides something. In the order
/// given.
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let order = ascending(p_values);
    let count = order.len();
    let mut adjusted = vec![0.0; count];
    let mut greatest = 0.0_f64;
    for (rank, &at) in order.iter().enumerate() {
        greatest = greatest.max((count - rank) as f64 * p_values[at]).min(1.0);
        adjusted[at] = greatest;
    }
    adjusted
}

/// Adjusts p-values by Benjamini & Hochberg's (1995) step-up procedure: at a level α the expected share of those that are none
/// among the differences called one is at most α, for tests that are independent or depend on each other positively. For many
/// tests that are looked through. In the order given.
#[must_use]
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let order = ascending(p_values);
    let count = order.len() as f64;
    let mut adjusted = vec![0.0; order.len()];
    let mut least = 1.0_f64;
    for (rank, &at) in order.iter().enumerate().rev() {
        least = least.min(count / (rank + 1) as f64 * p_values[at]);
        adjusted[at] = least;
    }
    adjusted
}

fn ascending(p_values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares with statsmodels 0.15.0: `multipletests(p, method=…)`.
    #[test]
    fn adjusted_values_agree_with_statsmodels() {
        let p = [0.01, 0.04, 0.03, 0.005, 0.5, 0.03];
        let close = |found: Vec<f64>, expected: [f64; 6]| {
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-12, "{found}, expected {expected}");
            }
        };
        close(holm(&p), [0.05, 0.12, 0.12, 0.03, 0.5, 0.12]);
        close(benjamini_hochberg(&p), [0.03, 0.048, 0.045, 0.03, 0.5, 0.045]);
    }

    #[test]
    fn one_test_stays_as_it_is_and_none_are_none() {
        assert_eq!((holm(&[0.2]), benjamini_hochberg(&[0.2])), (vec![0.2], vec![0.2]));
        assert!(holm(&[]).is_empty() && benjamini_hochberg(&[]).is_empty());
        assert_eq!(holm(&[0.4, 0.9, 0.7]), [1.0, 1.0, 1.0]);
    }
}
