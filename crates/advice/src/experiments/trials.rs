//! Simulated experiments with a known effect: whether intervals and false alarms keep what they promise.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::assignment::{Assignment, assign};
use super::bounds::{Spending, as_planned, two_sided_bounds};
use super::data::Data;
use super::effect::{Observation, complier_effect, estimate};
use super::outcomes::Observed;
use super::plan::Plan;
use super::plan::tests::plan;
use super::scores::ScoredEnrolment;
use super::uplift::{Others, UpliftReport, UpliftRow, uplift};

const TRIALS: usize = 500;

/// Holds a learner of a trial: the probability of the outcome in the holdout and in the arm.
struct Person {
    scored: ScoredEnrolment,
    held: f64,
    treated: f64,
}

fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Draws learners of three courses, a tenth of them in two. Those of middle risk gain `gain` in log-odds, others a third.
fn people(rng: &mut ChaCha8Rng, count: usize, gain: f64) -> Vec<Person> {
    (0..count)
        .map(|number| {
            let p_dropout = uniform(rng);
            let learner = if number % 10 == 9 { number - 1 } else { number };
            // Forecasts know much, and not all.
            let log_odds = 2.0 * (0.5 - p_dropout) * 2.0 + (uniform(rng) - 0.5);
            let gain = if (0.25..0.75).contains(&p_dropout) { gain } else { gain / 3.0 };
            let share = |log_odds: f64| 1.0 / (1.0 + (-log_odds).exp());
            Person {
                scored: ScoredEnrolment {
                    course_id: format!("c{}", number % 3),
                    enrolment_id: format!("e{number:05}"),
                    learner_id: format!("l{learner:05}"),
                    week: 4,
                    p_dropout: Some(p_dropout),
                    status: "scored".to_owned(),
                },
                held: share(log_odds),
                treated: share(log_odds + gain),
            }
        })
        .collect()
}

/// Assigns, and draws outcomes. Enrolments come in the order of the assignment: by course.
fn observe(plan: &Plan, rng: &mut ChaCha8Rng, people: &[Person]) -> Vec<Observation> {
    let scores: Vec<ScoredEnrolment> = people.iter().map(|person| person.scored.clone()).collect();
    let (rows, _) = assign(plan, Vec::new(), &scores);
    let mut strata: Vec<&str> = rows.iter().map(|row| row.stratum.as_str()).collect();
    strata.sort_unstable();
    strata.dedup();
    rows.iter()
        .map(|row| {
            let number: usize = row.enrolment_id[1..].parse().expect("a number");
            let treated = row.arm != "holdout";
            let p = if treated { people[number].treated } else { people[number].held };
            Observation {
                learner: row.learner_id[1..].parse().expect("a number"),
                stratum: strata.binary_search(&row.stratum.as_str()).expect("listed") as u32,
                treated,
                outcome: f64::from(u8::from(uniform(rng) < p)),
                covariate: row.p_dropout,
            }
        })
        .collect()
}

fn truth(people: &[Person]) -> f64 {
    people.iter().map(|person| person.treated - person.held).sum::<f64>() / people.len() as f64
}

/// Checks that a count of trials is what a binomial share allows: within three and a half standard deviations.
fn assert_share(count: usize, share: f64, what: &str) {
    let (expected, deviation) = (TRIALS as f64 * share, (TRIALS as f64 * share * (1.0 - share)).sqrt());
    assert!((count as f64 - expected).abs() <= 3.5 * deviation, "{what}: {count} of {TRIALS}, expected {expected}");
}

#[test]
fn intervals_cover_a_known_effect_at_their_rate() {
    let mut small = 0;
    let (mut adjusted, mut plain, mut found, mut saved) = (0, 0, 0, 0.0);
    for trial in 0..TRIALS {
        let mut rng = ChaCha8Rng::seed_from_u64(trial as u64);
        let people = people(&mut rng, 600, 0.6);
        let plan = plan(|file| file.seed = trial as u64);
        let rows = observe(&plan, &mut rng, &people);
        let effect = estimate(&rows).expect("enough learners");
        let truth = truth(&people);
        let covers = |(low, high): (f64, f64)| usize::from(low <= truth && truth <= high);
        adjusted += covers(effect.adjusted.interval_at(0.05));
        plain += covers(effect.plain.interval_at(0.05));
        found += usize::from(effect.adjusted.p_value() < 0.05);
        saved += effect.learners_saved() / 600.0 / TRIALS as f64;
    }
    for trial in 0..TRIALS {
        let mut rng = ChaCha8Rng::seed_from_u64(40_000 + trial as u64);
        let people = people(&mut rng, 80, 0.6);
        let rows = observe(&plan(|file| file.seed = trial as u64), &mut rng, &people);
        let (low, high) = estimate(&rows).expect("enough learners").adjusted.interval_at(0.05);
        small += usize::from((low..=high).contains(&truth(&people)));
    }
    assert_share(small, 0.95, "intervals of 80 learners that cover");
    assert_share(adjusted, 0.95, "adjusted intervals that cover");
    // Strata take out variance that the plain error still counts, so its interval covers more often.
    assert!(plain >= adjusted.min(475), "plain intervals cover {plain}, adjusted {adjusted}");
    assert!((0.15..0.5).contains(&saved), "learners saved: {saved}");
    assert!((200..450).contains(&found), "power is neither none nor all: {found}");
}

#[test]
fn without_an_effect_false_alarms_stay_at_their_level_over_all_looks() {
    for spending in [Spending::ObrienFleming, Spending::Pocock] {
        let fractions = [1.0 / 3.0, 2.0 / 3.0, 1.0];
        let bounds = two_sided_bounds(spending, 0.05, &as_planned(&fractions));
        let (mut alarms, mut naive, mut covered) = (0, 0, 0);
        for trial in 0..TRIALS {
            let mut rng = ChaCha8Rng::seed_from_u64(10_000 + trial as u64);
            let people = people(&mut rng, 900, 0.0);
            let plan = plan(|file| file.seed = trial as u64);
            let rows = observe(&plan, &mut rng, &people);
            // Outcomes become known as the learners' courses come to their week: here by learner.
            let looks: Vec<(f64, f64, bool)> = fractions
                .iter()
                .zip(&bounds)
                .map(|(fraction, bound)| {
                    let known: Vec<Observation> =
                        rows.iter().copied().filter(|row| f64::from(row.learner) < 900.0 * fraction).collect();
                    let effect = estimate(&known).expect("enough learners").adjusted;
                    let bound = bound.expect("enough information");
                    let (low, high) = effect.interval(bound);
                    (effect.z().abs(), bound, low <= 0.0 && 0.0 <= high)
                })
                .collect();
            alarms += usize::from(looks.iter().any(|(z, bound, _)| z >= bound));
            naive += usize::from(looks.iter().any(|(z, _, _)| *z >= 1.96));
            covered += usize::from(looks.iter().all(|(_, _, covers)| *covers));
        }
        assert_share(alarms, 0.05, "false alarms over three looks");
        assert_share(covered, 0.95, "all three intervals cover");
        assert!(naive > 40, "without bounds there are many more: {naive}");
    }
}

#[test]
fn the_complier_effect_is_the_effect_on_those_who_were_reached() {
    let mut covered = 0;
    for trial in 0..TRIALS {
        let mut rng = ChaCha8Rng::seed_from_u64(20_000 + trial as u64);
        let people = people(&mut rng, 600, 1.0);
        let plan = plan(|file| file.seed = trial as u64);
        let mut rows = observe(&plan, &mut rng, &people);
        // Two of three are reached, and nothing changes for the others: they have the holdout's outcome.
        let mut reached = Vec::new();
        let (mut gained, mut compliers) = (0.0, 0.0);
        for row in &mut rows {
            let complies = row.learner % 3 != 0;
            let number = row.learner as usize;
            if complies {
                gained += people[number].treated - people[number].held;
                compliers += 1.0;
            }
            if row.treated && !complies {
                row.outcome = f64::from(u8::from(uniform(&mut rng) < people[number].held));
            }
            reached.push(row.treated && complies);
        }
        let found = complier_effect(&rows, &reached).expect("enough were reached");
        assert!((found.reached_more.effect - 2.0 / 3.0).abs() < 0.1);
        let (low, high) = found.estimate.interval_at(0.05);
        covered += usize::from((low..=high).contains(&(gained / compliers)));
    }
    assert_share(covered, 0.95, "intervals of the complier effect that cover");
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let people = people(&mut rng, 600, 1.0);
    let rows = observe(&plan(|_| {}), &mut rng, &people);
    assert_eq!(complier_effect(&rows, &vec![false; rows.len()]), None, "nobody was reached");
}

/// Estimates uplift in a trial of learners who gain `gain`, those of middle risk three times as much as others.
fn uplift_of(trial: u64, learners: usize, gain: f64) -> (UpliftReport, Vec<UpliftRow>, Vec<Assignment>) {
    let mut rng = ChaCha8Rng::seed_from_u64(30_000 + trial);
    let people = people(&mut rng, learners, gain);
    let plan = plan(|file| file.seed = trial);
    let scores: Vec<ScoredEnrolment> = people.iter().map(|person| person.scored.clone()).collect();
    let (assignments, _) = assign(&plan, Vec::new(), &scores);
    let observed: Vec<Observed> = assignments
        .iter()
        .map(|row| {
            let person = &people[row.enrolment_id[1..].parse::<usize>().expect("a number")];
            let p = if row.arm == "holdout" { person.held } else { person.treated };
            let active_next_week = Ok(uniform(&mut rng) < p);
            Observed { active_next_week, dropout: Ok(false), before: [5.0 * (1.0 - row.p_dropout), 2.0, 3.0] }
        })
        .collect();
    let data = Data::new(&plan, &assignments, &observed, &[]);
    let (report, rows) = uplift(&data, Others { scores: &[], before: &[] });
    (report, rows, assignments)
}

#[test]
fn uplift_finds_who_gains_and_orders_nobody_where_nobody_gains() {
    let (report, rows, assignments) = uplift_of(1, 8_000, 2.0);
    assert!(report.orders, "{:?}", report.two_models);
    assert!(report.halves[0].low > report.halves[1].effect, "{:?}", report.halves);
    let mean = |is_middle: bool| {
        let of = || rows.iter().zip(&assignments).filter(|(_, of)| (0.25..0.75).contains(&of.p_dropout) == is_middle);
        of().map(|(row, _)| row.uplift).sum::<f64>() / of().count() as f64
    };
    assert_eq!(rows.len(), assignments.len());
    assert!(mean(true) > mean(false) + 0.1, "{} and {}", mean(true), mean(false));
    assert!(rows.iter().all(|row| row.uplift_standard_error > 0.0 && row.uplift.abs() < 1.0));

    let few = uplift_of(2, 400, 2.0);
    assert!(few.0.not_enough.as_deref().is_some_and(|why| why.contains("300 are needed")) && few.1.is_empty());

    let trials = 100;
    let found = (0..trials).filter(|&trial| uplift_of(100 + trial, 900, 0.0).0.orders).count();
    // The interval of 95% leaves 2.5% above; 8 of 100 are three and a half standard deviations more.
    assert!(found <= 8, "orders found where there are none: {found} of {trials}");
}
