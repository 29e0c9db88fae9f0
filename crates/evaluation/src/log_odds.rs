//! Log odds and back.

/// Computes ln(p / (1 − p)), p clipped to [ε, 1 − ε] with ε = 2⁻⁵² as in the log loss, and so finite.
pub(crate) fn log_odds(p: f64) -> f64 {
    let p = p.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
    p.ln() - (-p).ln_1p()
}

/// Computes 1 / (1 + e^(−x)), without overflow at either end.
pub(crate) fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// Computes ln(1 + e^x) without overflow.
pub(crate) fn softplus(x: f64) -> f64 {
    (-x.abs()).exp().ln_1p() + x.max(0.0)
}
