//! The effect of an arm against the holdout, from pure rows.
//!
//! Every estimate is by intention to treat: learners count in the arm that they were assigned to, whatever reached them. Within
//! each stratum the arms are compared with the forecast as covariate, with a slope of its own in each arm (Lin 2013; CUPED
//! of Deng et al. 2013 is the case of one slope), and strata are weighted by their learners. Standard errors are Neyman's,
//! robust to unequal variances, and count each learner once, however many enrolments the learner has. Few learners are
//! allowed for by Student's t with Satterthwaite's (1946) degrees of freedom.

use staycast_evaluation::metrics::{normal, student};

/// Holds what the estimate needs of an enrolment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Observation {
    /// Number of the learner; enrolments of one learner have the same.
    pub(super) learner: u32,
    /// Number of the stratum in which the learner was randomised.
    pub(super) stratum: u32,
    /// Whether the learner is in the arm; the others are the holdout.
    pub(super) treated: bool,
    /// The outcome: 1 or 0 for a share.
    pub(super) outcome: f64,
    /// The covariate, known before the assignment.
    pub(super) covariate: f64,
}

/// Holds an estimate with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    /// Arm less holdout.
    pub(super) effect: f64,
    /// Its standard error.
    pub(super) standard_error: f64,
    /// Degrees of freedom of the standard error.
    pub(super) freedom: f64,
}

impl Estimate {
    /// Returns the effect as a standard normal value of the same two-sided p-value, which bounds are compared with.
    #[must_use]
    pub(super) fn z(&self) -> f64 {
        if self.standard_error <= 0.0 {
            return 0.0;
        }
        // Beyond 38 the tail is below the least number.
        let z = normal::upper_quantile(self.p_value() / 2.0).clamp(0.0, 38.0);
        z.copysign(self.effect)
    }

    /// Returns the two-sided p-value of no effect.
    #[must_use]
    pub(super) fn p_value(&self) -> f64 {
        if self.standard_error <= 0.0 {
            return 1.0;
        }
        student::two_sided_p(self.effect / self.standard_error, self.freedom)
    }

    /// Returns the interval of the effects whose z lies within `bound` of zero.
    #[must_use]
    pub(super) fn interval(&self, bound: f64) -> (f64, f64) {
        let half = student::critical(normal::two_sided_p(bound), self.freedom) * self.standard_error;
        (self.effect - half, self.effect + half)
    }

    /// Returns the interval that covers the effect with probability 1 − `alpha`.
    #[must_use]
    pub(super) fn interval_at(&self, alpha: f64) -> (f64, f64) {
        self.interval(normal::upper_quantile(alpha / 2.0))
    }
}

/// Holds the effect with and without the covariate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Effect {
    /// By stratum and with the covariate: the estimate that counts.
    pub(super) adjusted: Estimate,
    /// The difference of the two means, of the same rows.
    pub(super) plain: Estimate,
    /// Learners of these rows.
    pub(super) learners: u64,
    /// Strata that the estimate is made of, after small ones were put together.
    pub(super) strata: u64,
}

impl Effect {
    /// Returns the learners that the covariate and the strata are worth: so many more would the plain difference need for the same
    /// standard error. Negative where they cost precision.
    #[must_use]
    pub(super) fn learners_saved(&self) -> f64 {
        let (adjusted, plain) = (self.adjusted.standard_error.powi(2), self.plain.standard_error.powi(2));
        if adjusted > 0.0 { self.learners as f64 * (plain / adjusted - 1.0) } else { 0.0 }
    }
}

/// Counts the learners that an arm needs in a stratum of its own.
const LEAST_IN_STRATUM: u64 = 2;
/// Counts the learners that each side of a comparison needs for an estimate with a normal interval.
pub(super) const LEAST_IN_ARM: u64 = 20;

/// Estimates the effect. `None` where the arm or the holdout has fewer than [`LEAST_IN_ARM`] learners.
#[must_use]
pub(super) fn estimate(rows: &[Observation]) -> Option<Effect> {
    let together = Cells::new(rows, |_| 0);
    if together.learners_of(0, false) < LEAST_IN_ARM || together.learners_of(0, true) < LEAST_IN_ARM {
        return None;
    }
    let plain = difference(rows, &together, |_| 0, [0.0, 0.0]);
    let strata = merged_strata(rows);
    let stratum = |row: &Observation| strata[row.stratum as usize];
    let cells = Cells::new(rows, stratum);
    let adjusted = difference(rows, &cells, stratum, cells.slopes);
    Some(Effect {
        adjusted,
        plain,
        learners: together.learners_of(0, false) + together.learners_of(0, true),
        strata: cells.count() as u64,
    })
}

/// Holds an effect on learners whom the arm reached who would not have been reached without it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ComplierEffect {
    /// The effect.
    pub(super) estimate: Estimate,
    /// By how much the arm raised the share reached.
    pub(super) reached_more: Estimate,
}

/// Sets the least F of the share reached, below which the complier effect has no normal interval (Staiger & Stock 1997).
const LEAST_F: f64 = 10.0;

/// Estimates the effect on compliers: the effect of the assignment over the share that it reached (Wald 1940; Imbens & Angrist
/// 1994). `reached` says of each row whether the learner was reached. `None` where too few were.
#[must_use]
pub(super) fn complier_effect(rows: &[Observation], reached: &[bool]) -> Option<ComplierEffect> {
    assert_eq!(rows.len(), reached.len(), "each row was reached or not");
    let with = |outcome: &dyn Fn(&Observation, f64) -> f64| -> Vec<Observation> {
        let one = |(row, &reached): (&Observation, &bool)| Observation {
            outcome: outcome(row, f64::from(u8::from(reached))),
            ..*row
        };
        rows.iter().zip(reached).map(one).collect()
    };
    let first_stage = estimate(&with(&|_, reached| reached))?.adjusted;
    let all_alike = first_stage.standard_error == 0.0 && first_stage.effect > 0.0;
    if !(all_alike || first_stage.z().powi(2) >= LEAST_F && first_stage.effect > 0.0) {
        return None;
    }
    let effect = estimate(rows)?.adjusted.effect / first_stage.effect;
    // The ratio's error by the delta method: that of the outcome less the effect of being reached.
    let rest = estimate(&with(&|row, reached| row.outcome - effect * reached))?.adjusted;
    let estimate = Estimate { effect, standard_error: rest.standard_error / first_stage.effect, freedom: rest.freedom };
    Some(ComplierEffect { estimate, reached_more: first_stage })
}

/// Holds sums of each stratum and arm.
struct Cells {
    /// Rows, outcomes, covariates and learners, by stratum and arm.
    sums: Vec<[Sums; 2]>,
    /// Slope of the outcome on the covariate within strata, of the holdout and of the arm.
    slopes: [f64; 2],
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    rows: f64,
    outcome: f64,
    covariate: f64,
    learners: u64,
}

impl Sums {
    fn mean(sum: f64, rows: f64) -> f64 {
        if rows > 0.0 { sum / rows } else { 0.0 }
    }
}

/// Lists the rows of each learner together.
fn by_learner(rows: &[Observation]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&at| rows[at].learner);
    order
}

impl Cells {
    fn new(rows: &[Observation], stratum: impl Fn(&Observation) -> usize) -> Self {
        let count = rows.iter().map(&stratum).max().map_or(0, |last| last + 1);
        let mut sums = vec![[Sums::default(); 2]; count];
        let mut before = None;
        for at in by_learner(rows) {
            let row = &rows[at];
            let cell = &mut sums[stratum(row)][usize::from(row.treated)];
            cell.rows += 1.0;
            cell.outcome += row.outcome;
            cell.covariate += row.covariate;
            cell.learners += u64::from(before != Some(row.learner));
            before = Some(row.learner);
        }
        let (mut products, mut squares) = ([0.0; 2], [0.0; 2]);
        for row in rows {
            let arm = usize::from(row.treated);
            let cell = &sums[stratum(row)][arm];
            let apart = row.covariate - Sums::mean(cell.covariate, cell.rows);
            products[arm] += apart * (row.outcome - Sums::mean(cell.outcome, cell.rows));
            squares[arm] += apart * apart;
        }
        let slope = |arm: usize| if squares[arm] > 1e-12 { products[arm] / squares[arm] } else { 0.0 };
        Self { sums, slopes: [slope(0), slope(1)] }
    }

    fn learners_of(&self, stratum: usize, treated: bool) -> u64 {
        self.sums.get(stratum).map_or(0, |arms| arms[usize::from(treated)].learners)
    }

    fn count(&self) -> usize {
        self.sums.iter().filter(|arms| arms[0].rows + arms[1].rows > 0.0).count()
    }
}

/// Computes the difference of the arms, stratum by stratum, with these slopes on the covariate.
fn difference(
    rows: &[Observation],
    cells: &Cells,
    stratum: impl Fn(&Observation) -> usize,
    slopes: [f64; 2],
) -> Estimate {
    let total = rows.len() as f64;
    // Of each learner: the sum of residuals, by which the variance counts learners and not enrolments.
    let mut squared = vec![[0.0; 2]; cells.sums.len()];
    let order = by_learner(rows);
    for rows_of_one in order.chunk_by(|&a, &b| rows[a].learner == rows[b].learner) {
        let first = &rows[rows_of_one[0]];
        let arm = usize::from(first.treated);
        let residual = |&at: &usize| {
            let row = &rows[at];
            let cell = &cells.sums[stratum(row)][arm];
            let apart = row.covariate - Sums::mean(cell.covariate, cell.rows);
            row.outcome - Sums::mean(cell.outcome, cell.rows) - slopes[arm] * apart
        };
        let sum: f64 = rows_of_one.iter().map(residual).sum();
        squared[stratum(first)][arm] += sum * sum;
    }
    let (mut effect, mut variance, mut of_variance) = (0.0, 0.0, 0.0);
    for (arms, squared) in cells.sums.iter().zip(&squared) {
        let of_stratum = arms[0].rows + arms[1].rows;
        if of_stratum == 0.0 {
            continue;
        }
        let weight = of_stratum / total;
        let covariate = (arms[0].covariate + arms[1].covariate) / of_stratum;
        let adjusted = |arm: usize| {
            let cell = &arms[arm];
            let apart = Sums::mean(cell.covariate, cell.rows) - covariate;
            Sums::mean(cell.outcome, cell.rows) - slopes[arm] * apart
        };
        effect += weight * (adjusted(1) - adjusted(0));
        for arm in 0..2 {
            let learners = arms[arm].learners as f64;
            let part = weight * weight * squared[arm] / arms[arm].rows.powi(2) * learners / (learners - 1.0);
            variance += part;
            of_variance += part * part / (learners - 1.0);
        }
        // Where arms have slopes of their own, the effect differs between learners, and the covariate's mean of those at hand
        // varies too. Neyman's variance of a finite population leaves that out, and so does this one.
    }
    let freedom = if of_variance > 0.0 { variance * variance / of_variance } else { 1.0 };
    Estimate { effect, standard_error: variance.sqrt(), freedom }
}

/// Numbers strata anew, from 0: those in which an arm has too few learners are put together, and with the smallest of the others
/// where even together they are too few.
fn merged_strata(rows: &[Observation]) -> Vec<usize> {
    let cells = Cells::new(rows, |row| row.stratum as usize);
    let is_enough = |sums: [u64; 2]| sums.iter().all(|&learners| learners >= LEAST_IN_STRATUM);
    let learners = |stratum: usize| [cells.learners_of(stratum, false), cells.learners_of(stratum, true)];
    let mut numbers = vec![0; cells.sums.len()];
    let mut together = [0, 0];
    let mut kept: Vec<usize> = Vec::new();
    for stratum in 0..cells.sums.len() {
        let sums = learners(stratum);
        if is_enough(sums) {
            kept.push(stratum);
        } else {
            together = [together[0] + sums[0], together[1] + sums[1]];
        }
    }
    kept.sort_by_key(|&stratum| std::cmp::Reverse(learners(stratum).iter().sum::<u64>()));
    while together != [0, 0] && !is_enough(together) {
        let Some(smallest) = kept.pop() else { break };
        let sums = learners(smallest);
        together = [together[0] + sums[0], together[1] + sums[1]];
    }
    for (number, &stratum) in (1..).zip(&kept) {
        numbers[stratum] = number;
    }
    numbers
}
