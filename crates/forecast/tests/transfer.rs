//! Runs carried to other courses: trained on, recalibrated, taught by proxies.

mod common;

use std::path::Path;
use std::sync::LazyLock;

use common::{config, cut_off, dataset, dataset_with, train_at};
use staycast_forecast::device::ChosenDevice;
use staycast_forecast::{
    EvaluateRequest, PredictionError, RecalibrateRequest, Refit, Run, ScoreRequest, Start, TrainError, TrainRequest,
    Unwatched, evaluate, recalibrate, score, train,
};
use staycast_sequences::{Dataset, EnrolmentIndex, WeekIndex};

struct Trained {
    _folder: tempfile::TempDir,
    run: Run,
}

/// Holds one run for all tests that only read it.
static TRAINED: LazyLock<Trained> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // The last week before the label's own, where those who will drop out are separated from the others best.
    let settings = ["training.target_week=5", "training.epochs=12"];
    let run = train_at(&dataset(4, 80), &config(&settings), &folder.path().join("run")).expect("it trains");
    Trained { _folder: folder, run }
});

fn go_on(from: &Run, data: &Dataset, settings: &[&str], out: &Path) -> Result<Run, TrainError> {
    let (device, config) = (ChosenDevice::flex(), config(settings));
    let from = Some(from);
    train(&TrainRequest { data, config: &config, device: &device, out, start: Start::Fresh, from }, &Unwatched)
}

/// Returns the data with all labels taken away but those of the first `kept` enrolments.
fn with_labels(mut data: Dataset, kept: usize) -> Dataset {
    for row in data.enrolments.iter_mut().skip(kept) {
        row.dropout = None;
    }
    data
}

/// Returns the data with only every so many of those who stay, and of those who drop out.
fn thinned(data: &Dataset, stayers: usize, dropouts: usize) -> Vec<EnrolmentIndex> {
    let (mut seen, mut kept) = ([0_usize; 2], Vec::new());
    for (at, row) in data.enrolment_indices().zip(&data.enrolments) {
        let class = usize::from(row.dropout == Some(true));
        if seen[class].is_multiple_of([stayers, dropouts][class]) {
            kept.push(at);
        }
        seen[class] += 1;
    }
    kept
}

/// Returns the data of some of its enrolments.
fn only(data: &Dataset, kept: &[EnrolmentIndex]) -> Dataset {
    let rows = kept.iter().map(|&at| data.enrolment(at).clone()).collect();
    let values: Vec<f32> = kept
        .iter()
        .flat_map(|&at| (0..data.weeks).flat_map(move |week| data.week(at, WeekIndex::from_position(week)).to_vec()))
        .collect();
    let (manifest, courses) = (data.manifest.clone(), data.courses.clone());
    Dataset::from_parts(manifest, courses, rows, data.features.clone(), data.weeks, values)
}

fn mean_risk(run: &Run, data: &Dataset) -> f64 {
    let rows = score(run, data, &ScoreRequest::new(cut_off(5), &ChosenDevice::flex())).expect("it scores");
    let risks: Vec<f64> = rows.iter().filter_map(|row| row.p_dropout).collect();
    risks.iter().sum::<f64>() / risks.len() as f64
}

fn share(data: &Dataset) -> f64 {
    data.enrolments.iter().filter(|row| row.dropout == Some(true)).count() as f64 / data.enrolments.len() as f64
}

#[test]
fn networks_are_trained_on_with_the_inputs_that_they_know() {
    let here = tempfile::tempdir().expect("a temporary folder");
    let (run, new) = (&TRAINED.run, dataset_with(2, 120, 9));
    let settings = ["split.by=learner", "split.test_courses=", "training.epochs=1"];
    let tuned = go_on(run, &new, &settings, &here.path().join("tuned")).expect("it goes on");
    assert_eq!(tuned.inputs(), run.inputs());
    let from = tuned.manifest().from.as_ref().expect("it records what it went on from");
    assert_eq!((&from.data_fingerprint, from.seed), (&run.manifest().data.fingerprint, run.manifest().seed));
    // One epoch from good networks is far better than one from scratch.
    let device = ChosenDevice::flex();
    let fresh = train_at(&new, &config(&settings), &here.path().join("fresh")).expect("it trains");
    let auc = |run: &Run| run.manifest().held_out_auc.expect("an AUC");
    assert!(auc(&tuned) > auc(&fresh) + 0.02, "{} and {}", auc(&tuned), auc(&fresh));
    // What the first run learnt from is no test of the second.
    let first = dataset(4, 80);
    assert!(matches!(
        evaluate(&tuned, &EvaluateRequest::new(&first, &device)),
        Err(PredictionError::TrainingRows { count: 240, .. })
    ));
}

#[test]
fn a_run_that_does_not_fit_is_not_gone_on_from() {
    let here = tempfile::tempdir().expect("a temporary folder");
    let (run, new) = (&TRAINED.run, dataset_with(2, 60, 9));
    let message = |data: &Dataset, settings: &[&str]| {
        go_on(run, data, settings, &here.path().join("no")).expect_err("refused").to_string()
    };
    let learner = ["split.by=learner", "split.test_courses="];
    assert!(message(&new, &[&learner[..], &["model.hidden=9"]].concat()).contains("model.hidden=8"));
    assert!(message(&new, &[&learner[..], &["model.kind=logistic"]].concat()).contains("logistic"));
    // Its own data, with another course for the test: it was trained on that one.
    assert!(message(&dataset(4, 80), &["split.test_courses=course1"]).contains("80 of the enrolments"));
    let cross =
        train_at(&new, &config(&["split.by=learner", "split.test_courses=", "split.folds=2"]), &here.path().join("cv"));
    let cross = cross.expect("it trains");
    let error = go_on(&cross, &dataset_with(2, 60, 3), &learner, &here.path().join("no")).expect_err("refused");
    assert!(error.to_string().contains("cross-validation"), "{error}");
    assert!(!here.path().join("no").exists(), "nothing is begun");
}

fn recalibrated(data: &Dataset, out: &Path) -> Result<Run, PredictionError> {
    let device = ChosenDevice::flex();
    recalibrate(&TRAINED.run, &RecalibrateRequest { data, courses: None, out, device: &device })
}

fn refit(run: &Run) -> Refit {
    run.manifest().recalibrated.as_ref().expect("a record").weeks[&cut_off(5)].refit
}

#[test]
fn probabilities_follow_the_labels_of_other_courses() {
    let here = tempfile::tempdir().expect("a temporary folder");
    // Where the run was trained 40 % dropped out.
    let new = dataset_with(2, 400, 5);
    let rare = only(&new, &thinned(&new, 1, 6));
    assert!(share(&rare) < 0.12);
    let before = mean_risk(&TRAINED.run, &rare);
    assert!(before > share(&rare) + 0.05, "{before}");

    let many = recalibrated(&rare, &here.path().join("many")).expect("it fits");
    assert_eq!(refit(&many), Refit::Curve);
    assert!((mean_risk(&many, &rare) - share(&rare)).abs() < 0.01, "{}", mean_risk(&many, &rare));
    assert_ne!(
        many.week_fits().unwrap().weeks[&cut_off(5)].threshold,
        TRAINED.run.week_fits().unwrap().weeks[&cut_off(5)].threshold
    );

    let some = recalibrated(&with_labels(rare.clone(), 60), &here.path().join("some")).expect("it fits");
    assert_eq!(refit(&some), Refit::ShiftToLabels);
    let none = recalibrated(&with_labels(rare.clone(), 0), &here.path().join("none")).expect("it fits");
    assert_eq!(refit(&none), Refit::Kept, "forecasts alone do not tell how frequent dropout is");
    assert_eq!(mean_risk(&none, &rare), before);
    let mean = mean_risk(&some, &rare);
    assert!((mean - share(&rare)).abs() < 0.6 * (before - share(&rare)), "{mean}, {before} before");
    // Who ranks above whom is as it was.
    let ranks = |run: &Run| -> Vec<Option<u32>> {
        score(run, &rare, &ScoreRequest::new(cut_off(5), &ChosenDevice::flex()))
            .expect("it scores")
            .iter()
            .map(|row| row.rank)
            .collect()
    };
    assert_eq!(ranks(&some), ranks(&TRAINED.run));
}

#[test]
fn labels_that_were_fitted_to_are_no_test() {
    let here = tempfile::tempdir().expect("a temporary folder");
    let new = with_labels(dataset_with(2, 100, 5), 60);
    let run = recalibrated(&new, &here.path().join("run")).expect("it fits");
    let fitted: usize = run.split().before.values().map(Vec::len).sum();
    assert_eq!(fitted, 60);
    // They and their learners are left out of another recalibration, which then sees no label at all.
    let device = ChosenDevice::flex();
    let out = here.path().join("again");
    let again = recalibrate(&run, &RecalibrateRequest { data: &new, courses: None, out: &out, device: &device });
    assert_eq!(refit(&again.expect("it fits")), Refit::Kept);
}

#[test]
fn what_can_not_be_recalibrated_is_refused() {
    let here = tempfile::tempdir().expect("a temporary folder");
    let out = here.path().join("out");
    let message = |run: &Run, data: &Dataset| {
        let device = ChosenDevice::flex();
        let request = RecalibrateRequest { data, courses: None, out: &out, device: &device };
        recalibrate(run, &request).expect_err("refused").to_string()
    };
    let own = dataset(4, 80);
    let trained: Vec<EnrolmentIndex> = (80..320).map(EnrolmentIndex).collect();
    assert!(message(&TRAINED.run, &only(&own, &trained)).contains("trained on all"));
    let stairs = config(&["calibration.method=isotonic"]);
    let stairs = train_at(&own, &stairs, &here.path().join("stairs")).expect("it trains");
    assert!(message(&stairs, &dataset_with(1, 80, 3)).contains("step function"));
    assert!(!out.exists());
    std::fs::create_dir(&out).expect("a folder");
    std::fs::write(out.join("mine"), "").expect("writable");
    assert!(message(&TRAINED.run, &dataset_with(1, 80, 3)).contains("not empty"));
}

/// Returns courses of which the last `running` are still running, after four weeks of six: nobody's outcome is known
/// there.
fn running(mut data: Dataset, running: usize) -> Dataset {
    let first = data.courses.len() - running;
    for course in &mut data.courses[first..] {
        (course.observed_weeks, course.as_of_days) = (4, 28.0);
    }
    let (weeks, width) = (data.weeks, data.features.len());
    let inactive = data.feature("days_since_last").expect("the column");
    let mut values = data.values().to_vec();
    for (at, row) in data.enrolments.iter_mut().enumerate().filter(|(_, row)| row.course.as_usize() >= first) {
        // Those who will drop out have been inactive for two weeks.
        if row.dropout == Some(true) {
            for (week, days) in [(2, 7.0), (3, 14.0)] {
                let place = (at * weeks + week) * width;
                values[place..place + width].fill(0.0);
                values[place + inactive] = days;
            }
        }
        row.dropout = None;
    }
    let rows = data.enrolments.clone();
    Dataset::from_parts(data.manifest.clone(), data.courses.clone(), rows, data.features.clone(), weeks, values)
}

#[test]
fn inactivity_stands_for_dropout_in_training_only_where_it_is_asked_to() {
    let here = tempfile::tempdir().expect("a temporary folder");
    let data = running(dataset(5, 80), 2);
    let settings = ["split.test_courses=course0", "training.target_week=2"];
    let proxies = [&settings[..], &["training.proxy_days=14", "training.proxy_weeks_left=2"]].concat();
    let without = train_at(&data, &config(&settings), &here.path().join("without")).expect("it trains");
    let with = train_at(&data, &config(&proxies), &here.path().join("with")).expect("it trains");
    assert_eq!(without.manifest().proxies, None);
    let record = with.manifest().proxies.expect("a record");
    // The inactive have dropped out; the others count as staying with two weeks left, but for those who enrolled late and
    // whose inactivity began then.
    assert_eq!(record.enrolments, 160);
    // Calibration and thresholds are fitted on known outcomes alone: those of courses 1 and 2.
    let rows = |run: &Run| run.week_fits().expect("a model").weeks[&cut_off(2)].rows;
    assert_eq!(rows(&with), rows(&without));
    assert!(rows(&with) <= 160);
    // And the proxies changed what was learnt.
    assert_ne!(mean_risk_at(&with, &data), mean_risk_at(&without, &data));
}

fn mean_risk_at(run: &Run, data: &Dataset) -> f64 {
    let rows = score(run, data, &ScoreRequest::new(cut_off(2), &ChosenDevice::flex())).expect("it scores");
    rows.iter().filter_map(|row| row.p_dropout).sum()
}

#[test]
fn proxies_alone_are_not_enough() {
    let here = tempfile::tempdir().expect("a temporary folder");
    let data = running(dataset(5, 80), 5);
    let settings = [
        "training.target_week=2",
        "training.proxy_days=14",
        "training.proxy_weeks_left=2",
        "split.test_courses=course0",
    ];
    let error = train_at(&data, &config(&settings), &here.path().join("run")).expect_err("no outcome is known");
    assert!(error.to_string().contains("at week 2: of the learners to train on, none has a known outcome"), "{error}");
}
