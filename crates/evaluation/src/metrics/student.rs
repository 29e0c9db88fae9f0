//! Student's t distribution: tails and critical values.

/// Computes P(|T| ≥ |t|) for Student's t with `freedom` degrees of freedom: the regularised incomplete beta function
/// I(freedom / (freedom + t²); freedom / 2, 1 / 2) (Abramowitz & Stegun 26.7.1).
#[must_use]
pub fn two_sided_p(t: f64, freedom: f64) -> f64 {
    if t.is_infinite() {
        return 0.0;
    }
    incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t), t * t / (freedom + t * t))
}

/// Finds the t that |T| exceeds with probability 0.05: half of a 95% interval in standard errors.
pub(super) fn critical_95(freedom: f64) -> f64 {
    critical(0.05, freedom)
}

/// Finds the t that |T| exceeds with probability `p` in (0, 1), by bisection.
#[must_use]
pub fn critical(p: f64, freedom: f64) -> f64 {
    let (mut low, mut high) = (0.0, 2.0);
    while two_sided_p(high, freedom) > p {
        high *= 2.0;
    }
    while high - low > 1e-14 * high {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if two_sided_p(middle, freedom) > p {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// Computes the regularised incomplete beta function I(x; a, b), `complement` being 1 − x. By the continued fraction 26.5.8 of
/// Abramowitz & Stegun, on the side where it converges fast.
fn incomplete_beta(a: f64, b: f64, x: f64, complement: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if complement <= 0.0 {
        return 1.0;
    }
    let scale = (a * x.ln() + b * complement.ln() - ln_beta(a, b)).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        scale / a * continued_fraction(a, b, x)
    } else {
        1.0 - scale / b * continued_fraction(b, a, complement)
    }
}

/// Evaluates the fraction from the inside out; 400 terms are more than any argument on the fast side needs.
fn continued_fraction(a: f64, b: f64, x: f64) -> f64 {
    let term = |at: u32| {
        let m = f64::from(at / 2);
        if at.is_multiple_of(2) {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        }
    };
    (1..=400).rev().fold(1.0, |inner, at| 1.0 + term(at) / inner).recip()
}

fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// Computes ln Γ(x) for x > 0: Stirling's series (Abramowitz & Stegun 6.1.41) above 12, and the recurrence down to there.
fn ln_gamma(x: f64) -> f64 {
    let (mut shifted, mut product) = (x, 1.0);
    while shifted < 12.0 {
        product *= shifted;
        shifted += 1.0;
    }
    let square = 1.0 / (shifted * shifted);
    let series = 1.0 / 12.0
        - square
            * (1.0 / 360.0
                - square
                    * (1.0 / 1260.0
                        - square * (1.0 / 1680.0 - square * (1.0 / 1188.0 - square * (691.0 / 360_360.0)))));
    (shifted - 0.5) * shifted.ln() - shifted + 0.5 * (2.0 * std::f64::consts::PI).ln() + series / shifted - product.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_values_agree_with_scipy() {
        // scipy.stats.t.sf(t, freedom) * 2, version 1.17.1.
        let cases = [
            (0.0, 5.0, 1.0),
            (0.5, 1.0, 0.7048327646991335),
            (1.0, 9.0, 0.3434363961379136),
            (2.262157, 9.0, 0.05000001330443163),
            (-3.5, 49.0, 0.0010013273839442362),
            (1.96, 99.0, 0.052807113750970754),
            (12.0, 4.0, 0.000276428548502973),
            (0.01, 3.0, 0.992649111412852),
            (6.0, 999.0, 2.7562690689044223e-09),
        ];
        for (t, freedom, expected) in cases {
            let found = two_sided_p(t, freedom);
            assert!((found / expected - 1.0).abs() < 1e-11, "t = {t}, {freedom} degrees: {found}, expected {expected}");
        }
    }

    #[test]
    fn critical_values_agree_with_scipy() {
        // scipy.stats.t.ppf(0.975, freedom), version 1.17.1.
        for (freedom, expected) in [
            (1.0, 12.706204736174694),
            (2.0, 4.302652729749462),
            (4.0, 2.7764451051977934),
            (9.0, 2.262157162798205),
            (49.0, 2.0095752371292392),
            (99.0, 1.9842169515864174),
            (999.0, 1.9623414611334493),
        ] {
            let found = critical_95(freedom);
            assert!((found / expected - 1.0).abs() < 1e-11, "{freedom} degrees: {found}, expected {expected}");
        }
    }
}
