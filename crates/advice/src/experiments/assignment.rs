//! Who is in which arm, and how newcomers get theirs.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use staycast_weeks::SCORED;

use super::draw::{arm_at, order_key};
use super::plan::Plan;
use super::scores::ScoredEnrolment;

/// Holds the assignment of one enrolment. All enrolments of a learner have the learner's arm.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Assignment {
    /// The course.
    pub course_id: String,
    /// The enrolment.
    pub enrolment_id: String,
    /// The learner, by whom arms are drawn.
    pub learner_id: String,
    /// Weeks that had been seen when it was assigned: the outcome is of the week after.
    pub week: u16,
    /// Forecast probability of dropout at that time.
    pub p_dropout: f64,
    /// The stratum in which the learner was drawn.
    pub stratum: String,
    /// The learner's place in the stratum, from 0.
    pub position: u64,
    /// Name of the arm.
    pub arm: String,
}

/// Counts what became of the rows of scores.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AssignmentCounts {
    /// Enrolments that were assigned now.
    pub assigned: u64,
    /// Learners who got an arm now.
    pub new_learners: u64,
    /// Enrolments that had an arm already, and keep it.
    pub already_assigned: u64,
    /// Enrolments that take no part, by reason: a status of the scores, or `outside_risk`.
    pub set_aside: BTreeMap<String, u64>,
}

/// Names the reason of enrolments whose probability is not of the plan's range.
const OUTSIDE_RISK: &str = "outside_risk";

/// Tells why a scored enrolment takes no part; `None` where it does.
pub(super) fn set_aside_because(plan: &Plan, row: &ScoredEnrolment) -> Option<String> {
    match row.p_dropout {
        Some(p) if row.status == SCORED => (!plan.takes(p)).then(|| OUTSIDE_RISK.to_owned()),
        _ => Some(row.status.clone()),
    }
}

/// Assigns newcomers among `scores`, and leaves `before` as it is. Returns all assignments, by course and enrolment.
#[must_use]
pub(super) fn assign(
    plan: &Plan,
    before: Vec<Assignment>,
    scores: &[ScoredEnrolment],
) -> (Vec<Assignment>, AssignmentCounts) {
    let mut counts = AssignmentCounts::default();
    let mut taken: BTreeMap<String, u64> = BTreeMap::new();
    // Of each learner: stratum, place and arm.
    let mut learners: BTreeMap<String, (String, u64, String)> = BTreeMap::new();
    let mut enrolments = BTreeSet::new();
    for row in &before {
        let next = taken.entry(row.stratum.clone()).or_default();
        *next = (*next).max(row.position + 1);
        learners.entry(row.learner_id.clone()).or_insert_with(|| (row.stratum.clone(), row.position, row.arm.clone()));
        enrolments.insert((row.course_id.clone(), row.enrolment_id.clone()));
    }
    let mut new: Vec<(&ScoredEnrolment, f64)> = Vec::new();
    for row in scores {
        if enrolments.contains(&(row.course_id.clone(), row.enrolment_id.clone())) {
            counts.already_assigned += 1;
        } else if let Some(reason) = set_aside_because(plan, row) {
            *counts.set_aside.entry(reason).or_default() += 1;
        } else {
            new.extend(row.p_dropout.map(|p| (row, p)));
        }
    }
    new.sort_by(|(a, _), (b, _)| (&a.course_id, &a.enrolment_id).cmp(&(&b.course_id, &b.enrolment_id)));
    // A learner's first enrolment says the stratum.
    let mut newcomers: BTreeMap<&str, String> = BTreeMap::new();
    for (row, p) in &new {
        if !learners.contains_key(&row.learner_id) {
            newcomers.entry(&row.learner_id).or_insert_with(|| plan.stratum(&row.course_id, *p));
        }
    }
    let mut order: Vec<([u8; 32], &str, String)> =
        newcomers.into_iter().map(|(learner, stratum)| (order_key(plan, learner), learner, stratum)).collect();
    order.sort_unstable();
    let names: Vec<&str> = plan.arms().map(|arm| arm.name.as_str()).collect();
    for (_, learner, stratum) in order {
        let next = taken.entry(stratum.clone()).or_default();
        let arm = names[arm_at(plan, &stratum, *next)].to_owned();
        learners.insert(learner.to_owned(), (stratum, *next, arm));
        *next += 1;
        counts.new_learners += 1;
    }
    let mut rows = before;
    for (row, p_dropout) in new {
        let (stratum, position, arm) = learners[&row.learner_id].clone();
        counts.assigned += 1;
        rows.push(Assignment {
            course_id: row.course_id.clone(),
            enrolment_id: row.enrolment_id.clone(),
            learner_id: row.learner_id.clone(),
            week: row.week,
            p_dropout,
            stratum,
            position,
            arm,
        });
    }
    rows.sort_by(|a, b| (&a.course_id, &a.enrolment_id).cmp(&(&b.course_id, &b.enrolment_id)));
    (rows, counts)
}

/// Checks that assignments are those that the plan draws. Says what is wrong, and of which row from 1.
pub(super) fn check(plan: &Plan, rows: &[Assignment]) -> Result<(), String> {
    let names: Vec<&str> = plan.arms().map(|arm| arm.name.as_str()).collect();
    let mut learners: BTreeMap<&str, (&str, u64)> = BTreeMap::new();
    let mut places: BTreeMap<(&str, u64), &str> = BTreeMap::new();
    let mut enrolments = BTreeSet::new();
    for (number, row) in (1..).zip(rows) {
        let place = (row.stratum.as_str(), row.position);
        if !enrolments.insert((&row.course_id, &row.enrolment_id)) {
            return Err(format!("row {number}: its enrolment is there twice"));
        }
        if *learners.entry(&row.learner_id).or_insert(place) != place {
            return Err(format!("row {number}: its learner has two places"));
        }
        if *places.entry(place).or_insert(&row.learner_id) != row.learner_id {
            return Err(format!("row {number}: its place is another learner's"));
        }
        if !(0.0..=1.0).contains(&row.p_dropout) {
            return Err(format!("row {number}: p_dropout is no probability"));
        }
        if row.week == 0 {
            return Err(format!("row {number}: week is not 1 or more"));
        }
        if names[arm_at(plan, &row.stratum, row.position)] != row.arm {
            return Err(format!("row {number}: the arm is not the one that plan and place give"));
        }
    }
    let mut before: Option<(&str, u64)> = None;
    for &(stratum, position) in places.keys() {
        let due = before.filter(|(of, _)| *of == stratum).map_or(0, |(_, last)| last + 1);
        if position != due {
            return Err("a place of a stratum is missing: rows were removed".to_owned());
        }
        before = Some((stratum, position));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiments::plan::tests::plan;

    fn scored(number: usize, learner: usize) -> ScoredEnrolment {
        ScoredEnrolment {
            course_id: format!("c{}", number % 3),
            enrolment_id: format!("e{number}"),
            learner_id: format!("l{learner}"),
            week: 4,
            p_dropout: Some((number % 97) as f64 / 97.0),
            status: SCORED.to_owned(),
        }
    }

    fn people(range: std::ops::Range<usize>) -> Vec<ScoredEnrolment> {
        // Every tenth enrolment is another one of an earlier learner.
        range.map(|number| scored(number, if number % 10 == 9 { number - 9 } else { number })).collect()
    }

    #[test]
    fn whoever_is_assigned_stays_and_newcomers_go_on() {
        let plan = plan(|_| {});
        let (first, counts) = assign(&plan, Vec::new(), &people(0..500));
        assert_eq!((counts.assigned, counts.new_learners, counts.already_assigned), (500, 450, 0));
        check(&plan, &first).expect("as drawn");
        let (again, counts) = assign(&plan, first.clone(), &people(0..500));
        assert_eq!((&again, counts.assigned, counts.already_assigned), (&first, 0, 500));
        let (more, counts) = assign(&plan, first.clone(), &people(0..800));
        check(&plan, &more).expect("as drawn");
        assert_eq!(counts.assigned, 300);
        let kept: Vec<&Assignment> = more.iter().filter(|row| first.contains(row)).collect();
        assert_eq!(kept.len(), 500);
        let arms: BTreeMap<&str, BTreeSet<&str>> = more.iter().fold(BTreeMap::new(), |mut arms, row| {
            arms.entry(row.learner_id.as_str()).or_insert_with(BTreeSet::new).insert(row.arm.as_str());
            arms
        });
        assert!(arms.values().all(|arms| arms.len() == 1), "by learner, not by enrolment");
    }

    #[test]
    fn every_stratum_is_balanced_and_order_of_rows_changes_nothing() {
        let plan = plan(|_| {});
        let mut scores = people(0..900);
        let (rows, _) = assign(&plan, Vec::new(), &scores);
        scores.reverse();
        assert_eq!(assign(&plan, Vec::new(), &scores).0, rows);
        let mut of_stratum: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
        for row in &rows {
            of_stratum.entry(&row.stratum).or_default().insert(&row.learner_id, &row.arm);
        }
        assert_eq!(of_stratum.len(), 12, "three courses and four bands");
        for (stratum, learners) in of_stratum {
            let held = learners.values().filter(|arm| **arm == "holdout").count();
            assert!(held.abs_diff(learners.len() - held) <= 2, "{stratum}: {held} of {}", learners.len());
        }
    }

    #[test]
    fn another_seed_draws_another_assignment() {
        let (one, _) = assign(&plan(|_| {}), Vec::new(), &people(0..200));
        let other = plan(|file| file.seed = 2);
        let (two, _) = assign(&other, Vec::new(), &people(0..200));
        let same = one.iter().zip(&two).filter(|(a, b)| a.arm == b.arm).count();
        assert!((60..140).contains(&same), "{same}");
        assert!(check(&other, &one).expect_err("another seed").contains("plan and place"));
    }

    #[test]
    fn who_takes_no_part_is_counted() {
        let plan = plan(|file| (file.risk_from, file.risk_below) = (0.3, 0.7));
        let mut scores = people(0..97);
        scores[0].status = "withdrawn".to_owned();
        scores[0].p_dropout = None;
        let (rows, counts) = assign(&plan, Vec::new(), &scores);
        assert!(rows.iter().all(|row| (0.3..0.7).contains(&row.p_dropout)));
        assert_eq!(counts.set_aside["withdrawn"], 1);
        assert_eq!(rows.len() as u64 + counts.set_aside.values().sum::<u64>(), 97);
    }

    #[test]
    fn edited_assignments_are_found() {
        let plan = plan(|_| {});
        let (rows, _) = assign(&plan, Vec::new(), &people(0..50));
        let edited = |change: &dyn Fn(&mut Vec<Assignment>)| {
            let mut rows = rows.clone();
            change(&mut rows);
            check(&plan, &rows).expect_err("edited")
        };
        let other = |arm: &str| if arm == "holdout" { "message" } else { "holdout" }.to_owned();
        assert!(edited(&|rows| rows[3].arm = other(&rows[3].arm)).contains("row 4"));
        assert!(edited(&|rows| rows.push(rows[0].clone())).contains("twice"));
        assert!(edited(&|rows| rows[0].learner_id = "x".to_owned()).len() > 5);
        assert!(edited(&|rows| rows[0].position += 1_000).len() > 5);
        assert!(edited(&|rows| rows.retain(|row| row.position > 0)).contains("removed"));
    }
}
