//! Figures of several units, such as courses, put together: their mean, how much they differ beyond chance, and where that of
//! another unit of the same kind is to be expected.

use super::student::critical_95;

/// Holds a unit's figure, and the variance of its sampling error, above 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// Its sampling variance.
    pub variance: f64,
}

/// Holds a random-effects model of units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RandomEffects {
    /// Mean of the units' true figures.
    pub mean: f64,
    /// Standard error of the mean.
    pub standard_error: f64,
    /// Variance of the units' true figures (τ²).
    pub between: f64,
    /// 95 % interval of the mean.
    pub interval: (f64, f64),
    /// 95 % interval for the true figure of one more unit; `None` with fewer than three units.
    pub next: Option<(f64, f64)>,
}

/// Fits a random-effects model; `None` with fewer than two units.
///
/// The variance between units is Paule & Mandel's (1982), which Veroniki et al. (2016) recommend. The interval of the mean
/// is Hartung & Knapp's, of t with one degree of freedom fewer than units. Its factor is 1 by construction where that
/// variance is above 0, and is held at 1 where it is 0, so that units that agree by chance give no narrow interval (Röver,
/// Knapp & Friede 2015). The interval for one more unit is that of Higgins, Thompson & Spiegelhalter (2009), of t with two
/// degrees of freedom fewer than units.
#[must_use]
pub fn random_effects(units: &[Estimate]) -> Option<RandomEffects> {
    let count = units.len();
    if count < 2 {
        return None;
    }
    let between = between_units(units);
    let Weighted { mean, weight } = Weighted::new(units, between);
    let standard_error = weight.recip().sqrt();
    let around = |half: f64| (mean - half, mean + half);
    let degrees = |fewer: usize| critical_95((count - fewer) as f64);
    let next = (count >= 3).then(|| around(degrees(2) * (between + standard_error * standard_error).sqrt()));
    Some(RandomEffects { mean, standard_error, between, interval: around(degrees(1) * standard_error), next })
}

/// Holds the mean of units weighted by the inverse of their variance, and the sum of the weights.
struct Weighted {
    mean: f64,
    weight: f64,
}

impl Weighted {
    fn new(units: &[Estimate], between: f64) -> Self {
        let weights = || units.iter().map(|unit| (unit.variance + between).recip());
        let weight: f64 = weights().sum();
        let mean = weights().zip(units).map(|(weight, unit)| weight * unit.value).sum::<f64>() / weight;
        Self { mean, weight }
    }
}

/// Finds Paule & Mandel's variance between units, at which the weighted squares around the mean are as many as degrees of
/// freedom; 0 where they are fewer without any. They fall as the variance grows, so bisection finds it.
fn between_units(units: &[Estimate]) -> f64 {
    let freedom = (units.len() - 1) as f64;
    let excess = |between: f64| {
        let mean = Weighted::new(units, between).mean;
        units.iter().map(|unit| (unit.value - mean).powi(2) / (unit.variance + between)).sum::<f64>() - freedom
    };
    if excess(0.0) <= 0.0 {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, units.iter().map(|unit| unit.variance).fold(f64::MIN_POSITIVE, f64::max));
    while excess(high) > 0.0 {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if excess(middle) > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(values: &[f64], variances: &[f64]) -> Vec<Estimate> {
        values.iter().zip(variances).map(|(&value, &variance)| Estimate { value, variance }).collect()
    }

    /// Compares with statsmodels 0.15.0 (`combine_effects`, `method_re="iterated"`), and its τ² and standard error put into
    /// the formulas of the intervals with scipy 1.17.1 (`stats.t.ppf`).
    #[test]
    fn models_agree_with_statsmodels() {
        let cases = [
            (
                units(&[1.09, 1.13, 1.16, 0.75, 0.91, 1.42], &[0.006, 0.011, 0.0058, 0.0087, 0.02, 0.012]),
                [0.041_341_399_825_377_57, 1.078_897_970_378_912_3, 0.092_658_513_189_960_49],
                [0.840_711_679_455_732, 1.317_084_261_302_092_6, 0.458_519_344_849_217_2, 1.699_276_595_908_607_6],
            ),
            (
                units(&[1.0, 1.02, 0.98, 1.01], &[0.01, 0.02, 0.015, 0.03]),
                [0.0, 1.0, 0.063_245_553_203_367_58],
                [0.798_724_422_882_318_6, 1.201_275_577_117_681_3, 0.727_876_347_865_015_5, 1.272_123_652_134_984_5],
            ),
            (
                units(&[0.2, 0.9, 0.6], &[0.01, 0.02, 0.015]),
                [0.108_871_525_355_071_73, 0.557_225_075_439_745_6, 0.203_090_213_318_765_45],
                [-0.316_601_585_281_641_06, 1.431_051_736_161_132_3, -4.365_788_335_195_575_5, 5.480_238_486_075_067],
            ),
        ];
        for (units, [between, mean, standard_error], [low, high, next_low, next_high]) in cases {
            let found = random_effects(&units).expect("enough units");
            let next = found.next.expect("three units or more");
            for (found, expected) in [
                (found.between, between),
                (found.mean, mean),
                (found.standard_error, standard_error),
                (found.interval.0, low),
                (found.interval.1, high),
                (next.0, next_low),
                (next.1, next_high),
            ] {
                assert!((found - expected).abs() < 1e-8, "{found}, expected {expected}");
            }
        }
    }

    #[test]
    fn one_unit_says_nothing_and_two_say_nothing_of_a_third() {
        assert_eq!(random_effects(&units(&[1.0], &[0.1])), None);
        assert_eq!(random_effects(&units(&[1.0, 2.0], &[0.1, 0.1])).expect("a mean").next, None);
    }

    #[test]
    fn the_next_unit_is_less_certain_than_the_mean() {
        let found = random_effects(&units(&[0.1, 0.4, 0.2, 0.9, 0.5], &[0.01; 5])).expect("enough");
        let next = found.next.expect("enough");
        assert!(next.0 < found.interval.0 && found.interval.1 < next.1, "{found:?}");
    }
}
