//! Forecasts, scores and evaluations of a run, and the data that it refuses.

mod common;

use std::sync::LazyLock;

use common::{FEATURES, WEEKS, config, cut_off, dataset, dataset_with, train_at};
use staycast_evaluation::splits::SplitKind;
use staycast_forecast::device::ChosenDevice;
use staycast_forecast::{
    EvaluateRequest, Forecasts, PredictionError, Rows, Run, RunError, ScoreRequest, check_leakage, evaluate,
    evaluations, predictions, score, write_scores,
};
use staycast_sequences::{CutOff, Dataset, DropoutRule, EnrolmentIndex};

struct Trained {
    _folder: tempfile::TempDir,
    data: Dataset,
    run: Run,
}

/// Holds one run for all tests that only read it.
static TRAINED: LazyLock<Trained> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = dataset(4, 80);
    let run = train_at(&data, &config(&[]), &folder.path().join("run")).expect("it trains");
    Trained { _folder: folder, data, run }
});

#[test]
fn weeks_after_the_cutoff_change_no_bit_of_a_forecast() {
    let Trained { data, run, .. } = &*TRAINED;
    let device = ChosenDevice::flex();
    let everyone: Vec<EnrolmentIndex> = data.enrolment_indices().collect();
    let before = Forecasts::compute(run, data, &everyone, &device).expect("it forecasts");
    for cutoff in 1..=before.last_cut_off().count() {
        // Whatever comes after the cut-off is replaced: by other numbers, by nulls.
        let width = data.features.len();
        let values: Vec<f32> = data
            .values()
            .iter()
            .enumerate()
            .map(|(at, &value)| {
                let week = at / width % data.weeks;
                match (week >= cutoff, at % 3) {
                    (false, _) => value,
                    (true, 0) => f32::NAN,
                    (true, _) => value * 3.0 + 50.0,
                }
            })
            .collect();
        let changed = Dataset::from_parts(
            data.manifest.clone(),
            data.courses.clone(),
            data.enrolments.clone(),
            data.features.clone(),
            data.weeks,
            values,
        );
        let after = Forecasts::compute(run, &changed, &everyone, &device).expect("it forecasts");
        for row in 0..everyone.len() {
            for week in 1..=cutoff as u32 {
                assert_eq!(
                    before.logit(row, cut_off(week)).to_bits(),
                    after.logit(row, cut_off(week)).to_bits(),
                    "{row} {week}"
                );
            }
        }
        if cutoff < before.last_cut_off().count() {
            let later = cutoff as u32 + 1;
            assert!(
                (0..everyone.len()).any(|row| before.logit(row, cut_off(later)) != after.logit(row, cut_off(later)))
            );
        }
    }
}

#[test]
fn a_forecast_does_not_depend_on_who_else_is_forecast() {
    let Trained { data, run, .. } = &*TRAINED;
    let device = ChosenDevice::flex();
    let everyone: Vec<EnrolmentIndex> = data.enrolment_indices().collect();
    let together = Forecasts::compute(run, data, &everyone, &device).expect("it forecasts");
    for row in [0, 77, 200] {
        let alone = Forecasts::compute(run, data, &[everyone[row]], &device).expect("it forecasts");
        for cut_off in CutOff::up_to(alone.last_cut_off()) {
            let difference = (alone.logit(0, cut_off) - together.logit(row, cut_off)).abs();
            assert!(difference < 1e-5, "{difference}");
        }
    }
}

#[test]
fn scores_rank_whom_they_score_and_say_why_they_do_not() {
    let Trained { data, run, .. } = &*TRAINED;
    let mut data = data.clone();
    data.courses[3].as_of_days = -1.0;
    data.courses[2].observed_weeks = 2;
    data.enrolments[0].withdrawal_day = Some(3.0);
    let device = ChosenDevice::flex();
    let rows = score(run, &data, &ScoreRequest::new(cut_off(1), &device)).expect("it scores");
    assert_eq!(rows.len(), 4 * 80);
    assert_eq!(rows[0].status(), "withdrawn");
    // One in 16 enrolled on day 8: not known at the end of week 1, and without a whole week at the end of week 2.
    assert_eq!(rows[15].status(), "not_yet_known");
    assert_eq!(rows[240].status(), "course_not_started");
    let at_two = score(run, &data, &ScoreRequest::new(cut_off(2), &device)).expect("it scores");
    assert_eq!(at_two[15].status(), "not_enough_data");
    let at_three = score(run, &data, &ScoreRequest::new(cut_off(3), &device)).expect("it scores");
    assert_eq!(at_three[160].status(), "scored");
    assert!(at_three[160].reason.contains("only 2 of 3 weeks"), "{}", at_three[160].reason);

    let mut scored: Vec<_> = rows.iter().filter(|row| row.p_dropout.is_some()).collect();
    assert!(scored.iter().all(|row| row.status() == "scored"));
    assert!(rows.iter().all(|row| row.p_dropout.is_some() == row.rank.is_some()));
    assert!(rows.iter().filter(|row| row.p_dropout.is_none()).all(|row| !row.reason.is_empty()));
    scored.sort_by_key(|row| row.rank);
    assert!(scored.iter().zip(1..).all(|(row, rank)| row.rank == Some(rank)));
    assert!(scored.is_sorted_by(|a, b| a.p_dropout >= b.p_dropout));

    let one = score(
        run,
        &data,
        &ScoreRequest { courses: Some(&["course1".to_owned()]), ..ScoreRequest::new(cut_off(1), &device) },
    )
    .expect("it scores");
    assert!(one.len() == 80 && one.iter().all(|row| row.course_id == "course1"));
    let unknown = score(
        run,
        &data,
        &ScoreRequest { courses: Some(&["nowhere".to_owned()]), ..ScoreRequest::new(cut_off(1), &device) },
    )
    .expect_err("no such course");
    assert!(unknown.to_string().contains("nowhere") && unknown.to_string().contains("course1"));
}

#[test]
fn score_files_hold_the_rows_in_every_format() {
    let Trained { data, run, .. } = &*TRAINED;
    let rows = score(run, data, &ScoreRequest::new(cut_off(3), &ChosenDevice::flex())).expect("it scores");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    write_scores(&path("scores.csv"), &rows).expect("writable");
    let text = std::fs::read_to_string(path("scores.csv")).expect("there");
    assert!(
        text.starts_with("course_id,enrolment_id,learner_id,week,p_dropout,at_risk,rank,status,reason,trained_on\n")
    );
    assert_eq!(text.lines().count(), rows.len() + 1);

    write_scores(&path("scores.jsonl"), &rows).expect("writable");
    let text = std::fs::read_to_string(path("scores.jsonl")).expect("there");
    let first: serde_json::Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["enrolment_id"], rows[0].enrolment_id);
    assert_eq!(first["p_dropout"].as_f64(), rows[0].p_dropout);

    write_scores(&path("scores.parquet"), &rows).expect("writable");
    let file = std::fs::File::open(path("scores.parquet")).expect("there");
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::build)
        .expect("Parquet");
    assert_eq!(reader.map(|batch| batch.expect("whole").num_rows()).sum::<usize>(), rows.len());

    write_scores(&path("empty.csv"), &[]).expect("writable");
    assert_eq!(std::fs::read_to_string(path("empty.csv")).expect("there").lines().count(), 1);
    let message = write_scores(&path("scores.xlsx"), &rows).expect_err("no such format").to_string();
    assert!(message.contains(".parquet, .csv or .jsonl"), "{message}");
}

#[test]
fn data_that_lacks_what_the_run_reads_is_refused_by_name() {
    let Trained { data, run, .. } = &*TRAINED;
    let device = ChosenDevice::flex();
    // The source can't know a feature.
    let mut lacking = data.clone();
    lacking.manifest.features[1].lacking = Some("the source has no days".to_owned());
    let message = Forecasts::compute(run, &lacking, &[EnrolmentIndex(0)], &device).expect_err("refused").to_string();
    assert!(message.contains("active_days"), "{message}");
    // A column is not there.
    let width = FEATURES.len();
    let kept: Vec<f32> =
        data.values().iter().enumerate().filter(|(at, _)| at % width != 0).map(|(_, &value)| value).collect();
    let mut manifest = data.manifest.clone();
    manifest.features.remove(0);
    let features = data.features[1..].to_vec();
    let narrow =
        Dataset::from_parts(manifest, data.courses.clone(), data.enrolments.clone(), features, data.weeks, kept);
    let message = Forecasts::compute(run, &narrow, &[EnrolmentIndex(0)], &device).expect_err("refused").to_string();
    assert!(message.contains("n_events"), "{message}");
    // Another layout.
    let mut other = data.clone();
    other.manifest.layout_version += 1;
    let message = Forecasts::compute(run, &other, &[EnrolmentIndex(0)], &device).expect_err("refused").to_string();
    assert!(message.contains("layout"), "{message}");
    // Another meaning of dropout.
    let mut other = data.clone();
    other.manifest.labels.rule = DropoutRule::NotCompleted;
    let message = evaluate(run, &EvaluateRequest::new(&other, &device)).expect_err("refused").to_string();
    assert!(message.contains("inactive-last 1") && message.contains("not-completed"), "{message}");
}

#[test]
fn weeks_in_the_label_window_are_refused() {
    let Trained { data, run, .. } = &*TRAINED;
    let device = ChosenDevice::flex();
    let message =
        score(run, data, &ScoreRequest::new(cut_off(WEEKS as u32), &device)).expect_err("refused").to_string();
    assert!(message.contains("inactive-last 1") && message.contains("1, 2, 3, 4, 5"), "{message}");
    let message = evaluate(run, &EvaluateRequest { week: Some(cut_off(6)), ..EvaluateRequest::new(data, &device) })
        .expect_err("refused")
        .to_string();
    assert!(message.contains('6'), "{message}");
}

#[test]
fn rows_that_were_trained_on_are_refused_unless_asked_for_in_sample() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = dataset(4, 80);
    let run = train_at(&data, &config(&[]), &folder.path().join("run")).expect("it trains");
    let device = ChosenDevice::flex();
    let trained = ["course1".to_owned()];
    let asked = EvaluateRequest { courses: Some(&trained), ..EvaluateRequest::new(&data, &device) };
    let error = evaluate(&run, &asked).expect_err("refused");
    assert!(matches!(error, PredictionError::TrainingRows { count: 80, rows: 80, .. }), "{error}");
    let in_sample = evaluate(&run, &EvaluateRequest { rows: Rows::InSample, ..asked }).expect("it evaluates");
    assert_eq!(in_sample.evaluation.kind, SplitKind::InSample);
    assert_eq!(in_sample.evaluation.cohorts.all.n, 80);

    // Every evaluation is recorded, each part counted by itself.
    for times in 1..=2 {
        let test = evaluate(&run, &EvaluateRequest::new(&data, &device)).expect("it evaluates");
        assert_eq!(test.evaluation.kind, SplitKind::Transfer);
        assert_eq!(test.evaluation.evaluations_of_this_part, Some(times));
    }
    assert_eq!(evaluations(&run).expect("readable").len(), 3);
    assert_eq!(evaluations(&Run::open(run.path()).expect("it opens")).expect("readable").len(), 3);

    // Another folder: with the same courses and ids it holds training rows, with others it is all test.
    let mut same = data.clone();
    same.manifest.outputs[0].blake3 = "another".to_owned();
    assert!(matches!(evaluate(&run, &EvaluateRequest::new(&same, &device)), Err(PredictionError::TrainingRows { .. })));
    let mut later = dataset_with(2, 80, 5);
    for (course, id) in later.courses.iter_mut().zip(["later0", "later1"]) {
        course.id = id.to_owned();
        course.start_day += 400;
    }
    let outcome = evaluate(&run, &EvaluateRequest::new(&later, &device)).expect("it evaluates");
    assert_eq!(outcome.evaluation.kind, SplitKind::Forecast);
    assert_eq!(outcome.evaluation.cohorts.all.n, 160);
    // A learner of the training set is left out, and counted.
    later.enrolments[3].learner = data.enrolments[100].learner.clone();
    let outcome = evaluate(&run, &EvaluateRequest::new(&later, &device)).expect("it evaluates");
    assert_eq!(outcome.evaluation.cohorts.all.n, 159);
    assert_eq!(outcome.left_out.values().sum::<u64>(), 1);
}

#[test]
fn a_cross_validation_is_evaluated_by_its_own_predictions_and_has_no_model() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = dataset(2, 80);
    let folds = ["split.by=learner", "split.test_courses=[]", "split.folds=3", "split.repeats=2"];
    let long = ["training.epochs=20", "training.batch_size=16", "training.learning_rate=0.01"];
    let run =
        train_at(&data, &config(&[folds.as_slice(), &long].concat()), &folder.path().join("run")).expect("it trains");
    let device = ChosenDevice::flex();
    let outcome = evaluate(&run, &EvaluateRequest::new(&data, &device)).expect("it evaluates");
    assert_eq!(outcome.evaluation.cohorts.all.n, 160);
    assert_eq!(outcome.evaluation.kind, SplitKind::Learner);
    assert_eq!(outcome.repeats.len(), 2);
    let aucs: Vec<f64> = outcome.repeats.iter().map(|repeat| repeat.all.expect("both classes")).collect();
    let mean = outcome.evaluation.cohorts.all.auc.value().expect("both classes");
    assert!((mean - (aucs[0] + aucs[1]) / 2.0).abs() < 1e-12 && mean > 0.6, "{mean} of {aucs:?}");
    assert_eq!(outcome.evaluation.weeks.len(), 5);

    let message = score(&run, &data, &ScoreRequest::new(cut_off(3), &device)).expect_err("no model").to_string();
    assert!(message.contains("cross-validation") && message.contains("no model for new data"), "{message}");
    let other = dataset_with(2, 80, 5);
    assert!(matches!(evaluate(&run, &EvaluateRequest::new(&other, &device)), Err(PredictionError::OtherData { .. })));
}

#[test]
fn what_is_no_run_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let message = Run::open(&folder.path().join("none")).expect_err("refused").to_string();
    assert!(message.contains("no such folder"), "{message}");
    std::fs::write(folder.path().join("manifest.json"), b"{\"kind\":\"staycast-sequences\"}").expect("writable");
    assert!(matches!(Run::open(folder.path()), Err(RunError::NotARun { .. })));
    std::fs::write(folder.path().join("manifest.json"), b"{\"kind\":\"staycast-run\",\"run_version\":99}")
        .expect("writable");
    let message = Run::open(folder.path()).expect_err("refused").to_string();
    assert!(message.contains("99"), "{message}");
}

#[test]
fn who_has_not_enrolled_yet_is_no_leak() {
    let Trained { data, run, .. } = &*TRAINED;
    let device = ChosenDevice::flex();
    // At the end of week 1 some are still to enrol, and the day on which they will is among the inputs.
    let asked = EvaluateRequest { week: Some(cut_off(1)), ..EvaluateRequest::new(data, &device) };
    let predictions = predictions(run, &asked).expect("it forecasts");
    let report = check_leakage(run, &asked, &predictions).expect("the test runs");
    let future = report.future.expect("a model");
    assert_eq!((future.rows, future.changed), (80, 0));
}
