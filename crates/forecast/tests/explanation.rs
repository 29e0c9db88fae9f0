//! Explanations of forecasts: what they sum up to, what they compare with, and what they agree with.

mod common;

use std::sync::LazyLock;

use common::{config, cut_off, dataset, dataset_with, train_at};
use staycast_forecast::device::ChosenDevice;
use staycast_forecast::{
    Detail, ExplainRequest, Explanation, FEWEST_FOR_REFERENCE, GroupEffect, ImportanceRequest, PredictionError,
    Reference, Run, ScoreRequest, explain, importance, score,
};
use staycast_sequences::{Dataset, EnrolmentIndex, WeekIndex};

struct Trained {
    _folder: tempfile::TempDir,
    data: Dataset,
    runs: Vec<(&'static str, Run)>,
}

/// Holds runs of several kinds for all tests that only read them.
static TRAINED: LazyLock<Trained> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = dataset(4, 80);
    let kinds: [(&str, &[&str]); 5] = [
        ("lstm", &[]),
        ("deep", &["model.layers=2", "model.head_hidden=6"]),
        ("boosting", &["model.kind=boosting"]),
        ("isotonic", &["model.kind=logistic", "calibration.method=isotonic"]),
        ("blend", &["model.kind=blend", "model.blend=lstm,logistic,forest", "ensemble.members=4"]),
    ];
    // Long enough that networks rank learners.
    let train = |(name, settings): (&'static str, &[&str])| {
        (
            name,
            train_at(&data, &config(&[&["training.epochs=60"], settings].concat()), &folder.path().join(name))
                .unwrap_or_else(|why| panic!("{name}: {why}")),
        )
    };
    let runs = kinds.into_iter().map(train).collect();
    Trained { _folder: folder, data, runs }
});

/// Puts each column of a run's inputs into a group of its own.
fn own_groups(run: &Run) -> Vec<usize> {
    (0..run.inputs().expect("one model").width()).collect()
}

fn explained(run: &Run, data: &Dataset, rows: &[EnrolmentIndex], groups: &[usize]) -> Vec<Explanation> {
    let device = ChosenDevice::flex();
    let week = cut_off(3);
    let request = ExplainRequest { week, groups, detail: Detail::SingleInputs, device: &device };
    explain(run, data, rows, &request).expect("it explains")
}

fn log_odds(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

#[test]
fn what_inputs_add_sums_up_to_the_forecast_less_the_references() {
    let Trained { data, runs, .. } = &*TRAINED;
    let everyone: Vec<EnrolmentIndex> = data.enrolment_indices().collect();
    let device = ChosenDevice::flex();
    for (name, run) in runs {
        let found = explained(run, data, &everyone, &own_groups(run));
        let scores = score(run, data, &ScoreRequest::new(cut_off(3), &device)).expect("it scores");
        let scored: Vec<f64> = scores.iter().filter_map(|row| row.p_dropout).collect();
        assert_eq!(found.len(), scored.len(), "{name}");
        for (one, p) in found.iter().zip(scored) {
            // Networks forecast the first weeks of a sequence as those of a longer one.
            assert!((one.p_dropout - p).abs() < 1e-5, "{name}: {} {p}", one.p_dropout);
            assert_eq!((one.reference, one.seen), (Reference::Course, cut_off(3)));
            assert!(one.completeness_error.abs() < 0.02, "{name}: {}", one.completeness_error);
            let by_group: f64 = one.groups.iter().map(GroupEffect::contribution).sum();
            let by_input: f64 = one.inputs.iter().map(|&value| f64::from(value)).sum();
            assert!((by_group - by_input).abs() < 1e-3, "{name}");
            if *name != "isotonic" {
                let whole = log_odds(one.p_dropout) - log_odds(one.reference_p);
                assert!((by_group - whole).abs() < 0.03, "{name}: {by_group} of {whole}");
            }
        }
    }
}

#[test]
fn without_all_inputs_at_once_the_forecast_is_the_references() {
    let Trained { data, runs, .. } = &*TRAINED;
    let some: Vec<EnrolmentIndex> = data.enrolment_indices().step_by(7).collect();
    for (name, run) in runs {
        let groups = vec![0; own_groups(run).len()];
        for one in explained(run, data, &some, &groups) {
            let [group] = &one.groups[..] else { panic!("one group") };
            let without = group.without.expect("both methods");
            assert!((without.p_dropout - one.reference_p).abs() < 1e-6, "{name}");
            if *name != "isotonic" {
                let whole = log_odds(one.p_dropout) - log_odds(one.reference_p);
                assert!((without.occlusion - whole).abs() < 1e-4, "{name}");
            }
        }
    }
}

#[test]
fn explanations_are_the_same_whoever_else_is_asked_for() {
    let Trained { data, runs, .. } = &*TRAINED;
    let everyone: Vec<EnrolmentIndex> = data.enrolment_indices().collect();
    let (_, run) = &runs[0];
    let groups = own_groups(run);
    let all = explained(run, data, &everyone, &groups);
    let some: Vec<EnrolmentIndex> = [200, 3, 90].into_iter().map(|at| everyone[at]).collect();
    let found = explained(run, data, &some, &groups);
    assert_eq!(found.iter().map(|one| one.enrolment).collect::<Vec<_>>(), some);
    for one in found {
        let other = all.iter().find(|other| other.enrolment == one.enrolment).expect("everyone is there");
        assert!((one.p_dropout - other.p_dropout).abs() < 1e-6);
        for (a, b) in one.inputs.iter().zip(&other.inputs) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }
}

#[test]
fn a_small_course_is_compared_with_the_training_set() {
    let Trained { runs, .. } = &*TRAINED;
    let small = dataset(1, FEWEST_FOR_REFERENCE - 5);
    let everyone: Vec<EnrolmentIndex> = small.enrolment_indices().collect();
    let (_, run) = &runs[2];
    for one in explained(run, &small, &everyone, &own_groups(run)) {
        assert_eq!(one.reference, Reference::Training);
    }
}

#[test]
fn a_model_of_no_inputs_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = dataset(4, 40);
    let run = train_at(&data, &config(&["model.kind=rules"]), &folder.path().join("run")).expect("it trains");
    let device = ChosenDevice::flex();
    let (groups, rows) = (own_groups(&run), [EnrolmentIndex(3)]);
    let request = ExplainRequest { week: cut_off(3), groups: &groups, detail: Detail::Sums, device: &device };
    let error = explain(&run, &data, &rows, &request).expect_err("rules have no inputs");
    assert!(matches!(error, PredictionError::Forecast(_)), "{error}");
    assert!(error.to_string().contains("can't be split among inputs"), "{error}");
}

/// Replaces all scores, which are the last feature, by numbers that have nothing to do with the learner.
fn with_meaningless_scores(data: Dataset) -> Dataset {
    let width = data.features.len();
    let mut values = data.values().to_vec();
    for (at, value) in values.iter_mut().enumerate().filter(|(at, _)| at % width == width - 1) {
        *value = (at as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23) as f32 % 101.0;
    }
    Dataset::from_parts(data.manifest, data.courses, data.enrolments, data.features, data.weeks, values)
}

#[test]
fn what_tells_dropouts_is_important_and_noise_is_not() {
    let Trained { runs, .. } = &*TRAINED;
    let data = &with_meaningless_scores(dataset_with(4, 80, 2));
    let device = ChosenDevice::flex();
    for (name, run) in runs {
        let columns = &run.inputs().expect("one model").columns;
        let groups: Vec<usize> =
            columns.iter().map(|column| usize::from(column.source.name().starts_with("score"))).collect();
        let request =
            ImportanceRequest { week: cut_off(3), groups: &groups, most_learners: 60, seed: 1, device: &device };
        let found = importance(run, data, &request).expect("it measures");
        assert_eq!(found.len(), 4, "{name}");
        assert_eq!(importance(run, data, &request).expect("it measures"), found, "{name}: drawn from the seed");
        let mean = |group: usize, week: Option<WeekIndex>| {
            let of = |course: &staycast_forecast::CourseImportance| {
                let one = course.losses.iter().find(|one| (one.group, one.week) == (group, week));
                one.expect("every group and week").auc_lost
            };
            found.iter().map(of).sum::<f64>() / found.len() as f64
        };
        assert!(found.iter().all(|course| course.learners == 60 && course.auc > 0.5), "{name}: {found:?}");
        assert!(mean(0, None) > 0.08, "{name}: {found:?}");
        assert!(mean(1, None) < mean(0, None) / 2.0, "{name}: {found:?}");
        assert!(mean(0, Some(WeekIndex::from_position(2))) <= mean(0, None) + 0.05, "{name}");
    }
}
