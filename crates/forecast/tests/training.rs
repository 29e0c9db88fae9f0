//! Training runs: what they learn, and that equal runs are equal to the byte.

mod common;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use common::{bytes_of, config, cut_off, dataset, dataset_with, train_at};
use staycast_evaluation::splits::SplitKind;
use staycast_forecast::config::{Adaptation, CheckedConfig, Config, NoNextWeek};
use staycast_forecast::device::ChosenDevice;
use staycast_forecast::{
    EpochRecord, EvaluateRequest, FoldsRecord, Run, RunState, Start, TrainError, TrainRequest, TrainingWatch,
    Unwatched, evaluate, run_state, train,
};
use staycast_sequences::{CourseIndex, Dataset};

#[test]
fn a_run_learns_what_there_is_to_learn() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // As many that fifteen bins of the calibration error hold 30 or more each.
    let data = dataset(4, 500);
    let run = train_at(&data, &config(&["training.epochs=12"]), &folder.path().join("run")).expect("it trains");
    let device = ChosenDevice::flex();
    let request = EvaluateRequest::new(&data, &device);
    let outcome = evaluate(&run, &request).expect("it evaluates");
    let all = &outcome.evaluation.cohorts.all;
    // 500 of course0, all of whom are known by the end of week 3.
    assert_eq!(all.n, 500);
    let auc = all.auc.value().expect("both classes");
    let inactive = outcome.evaluation.baselines["days_since_last"].all.auc.value().expect("both classes");
    assert!(auc > 0.72 && auc > inactive, "{auc} against {inactive}");
    let ece = all.ece.value().expect("rows");
    assert!(ece < 0.12, "{ece}");
}

#[test]
fn equal_runs_are_equal_to_the_byte_for_any_number_of_threads() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = dataset(4, 60);
    let runs: Vec<_> = [1, 2, 3]
        .into_iter()
        .map(|threads| {
            let out = folder.path().join(format!("threads{threads}"));
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| train_at(&data, &config(&[]), &out)).expect("it trains");
            bytes_of(&out)
        })
        .collect();
    assert!(runs[0].contains_key("model.safetensors") && runs[0].contains_key("checkpoints/member1.safetensors"));
    assert_eq!(runs[0], runs[1]);
    assert_eq!(runs[0], runs[2]);
}

/// Checks the second task alone: the last week lies after the last cut-off (`inactive-last 1`): nothing but the second
/// task looks at it.
#[test]
fn the_second_task_learns_from_the_week_after_each_that_was_observed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = |name: &str, data: &Dataset, settings: &[&str]| {
        let run = train_at(data, &config(settings), &folder.path().join(name)).expect("it trains");
        std::fs::read(run.path().join("model.safetensors")).expect("readable")
    };
    let data = dataset(4, 60);
    let inactive = with_inactive_last_week(&data);
    let mut unobserved = [data.clone(), inactive.clone()];
    for data in &mut unobserved {
        data.courses.iter_mut().for_each(|course| course.observed_weeks -= 1);
    }

    let off = ["training.next_week=0"];
    assert_eq!(model("off", &data, &off), model("off-inactive", &inactive, &off));
    let on = ["training.next_week=0.5"];
    let taught = model("on", &data, &on);
    assert_ne!(taught, model("on-inactive", &inactive, &on));
    let [one, other] = &unobserved;
    assert_eq!(model("on-unobserved", one, &on), model("on-inactive-unobserved", other, &on));
    // What was only for training is not in the model.
    assert_eq!(taught.len(), model("off-again", &data, &off).len());
}

#[test]
fn the_second_task_wants_data_that_tells_who_was_active() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut data = dataset(4, 60);
    // Where withdrawals are recorded nothing else needs the days since the last event.
    data.manifest.capabilities.withdrawals = true;
    let inactive = data.feature("days_since_last").expect("it is there");
    "quiet".clone_into(&mut data.features[inactive]);
    "quiet".clone_into(&mut data.manifest.features[inactive].name);
    let asked = ["training.next_week=0.25"];
    let refused = train_at(&data, &config(&asked), &folder.path().join("on")).expect_err("refused").to_string();
    assert!(refused.contains("days_since_last") && refused.contains("training.next_week=0"), "{refused}");
    train_at(&data, &config(&["training.next_week=0"]), &folder.path().join("off")).expect("it trains");
    // Where nobody asked for it there is none, and the run says so.
    let run = train_at(&data, &config(&[]), &folder.path().join("default")).expect("it trains");
    assert_eq!(run.manifest().adaptations, [Adaptation::NoSecondTask(NoNextWeek::ActivityUnknown)]);
}

/// Returns the data with nobody active in the last week.
fn with_inactive_last_week(data: &Dataset) -> Dataset {
    let mut values = data.values().to_vec();
    let (width, inactive) = (data.features.len(), data.feature("days_since_last").expect("it is there"));
    for week in values.chunks_exact_mut(width).skip(data.weeks - 1).step_by(data.weeks) {
        week[inactive] = 20.0;
    }
    let (manifest, courses, rows) = (data.manifest.clone(), data.courses.clone(), data.enrolments.clone());
    Dataset::from_parts(manifest, courses, rows, data.features.clone(), data.weeks, values)
}

#[test]
fn another_seed_gives_another_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = dataset(4, 60);
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    train_at(&data, &config(&[]), &first).expect("it trains");
    train_at(&data, &config(&["training.seed=2"]), &second).expect("it trains");
    assert_ne!(bytes_of(&first)["model.safetensors"], bytes_of(&second)["model.safetensors"]);
}

/// Stops after so many epochs of any member.
struct StopAfter(AtomicU32);

impl TrainingWatch for StopAfter {
    fn epoch(&self, _record: &EpochRecord) -> ControlFlow<()> {
        if self.0.fetch_sub(1, Ordering::Relaxed) <= 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Trains by fits and starts: stopped after every epoch, and resumed.
fn train_interrupted(data: &Dataset, config: &CheckedConfig, out: &Path) -> u32 {
    let device = ChosenDevice::flex();
    let mut start = Start::Fresh;
    for attempt in 0..100 {
        let request = TrainRequest { data, config, device: &device, out, start, from: None };
        match train(&request, &StopAfter(AtomicU32::new(1))) {
            Ok(_) => return attempt,
            Err(TrainError::Interrupted) => {
                assert!(matches!(run_state(out).expect("readable"), RunState::Interrupted(_)));
                assert!(!out.join("model.safetensors").exists(), "nothing under its final name yet");
                start = Start::Resume;
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("it never ends");
}

#[test]
fn an_interrupted_run_ends_with_the_bytes_of_an_uninterrupted_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = dataset(4, 60);
    let settings =
        ["model.layers=2", "model.head_hidden=4", "training.epochs=6", "training.patience=6", "training.next_week=0.5"];
    let config = config(&settings);
    let (straight, interrupted) = (folder.path().join("straight"), folder.path().join("interrupted"));
    train_at(&data, &config, &straight).expect("it trains");
    assert!(train_interrupted(&data, &config, &interrupted) > 2, "it was interrupted several times");
    assert_eq!(bytes_of(&straight), bytes_of(&interrupted));
}

#[test]
fn an_interrupted_cross_validation_ends_with_the_bytes_of_an_uninterrupted_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = dataset(2, 60);
    let config = config(&["split.by=learner", "split.test_courses=[]", "split.folds=2", "split.repeats=2"]);
    let (straight, interrupted) = (folder.path().join("straight"), folder.path().join("interrupted"));
    train_at(&data, &config, &straight).expect("it trains");
    let device = ChosenDevice::flex();
    let first = TrainRequest {
        data: &data,
        config: &config,
        device: &device,
        out: &interrupted,
        start: Start::Fresh,
        from: None,
    };
    assert!(matches!(train(&first, &StopAfter(AtomicU32::new(9))), Err(TrainError::Interrupted)));
    train(&TrainRequest { start: Start::Resume, ..first }, &Unwatched).expect("it goes on");
    assert_eq!(bytes_of(&straight), bytes_of(&interrupted));
}

#[test]
fn a_run_is_not_begun_twice_nor_resumed_as_another() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = dataset(4, 60);
    let out = folder.path().join("run");
    let device = ChosenDevice::flex();
    let plain = config(&[]);
    let fresh =
        TrainRequest { data: &data, config: &plain, device: &device, out: &out, start: Start::Fresh, from: None };
    let resume = TrainRequest { start: Start::Resume, ..fresh };

    let message = |request: &TrainRequest<'_>| train(request, &Unwatched).expect_err("refused").to_string();
    assert!(message(&resume).contains("no interrupted run"));

    assert!(train(&fresh, &StopAfter(AtomicU32::new(1))).is_err());
    assert!(message(&fresh).contains("holds an interrupted run"));
    let other = config(&["training.learning_rate=0.001"]);
    let refused = message(&TrainRequest { config: &other, ..resume });
    assert!(refused.contains("configuration") && refused.contains("learning_rate = 0.001"), "{refused}");
    let others = dataset_with(4, 60, 9);
    assert!(message(&TrainRequest { data: &others, ..resume }).contains("fingerprint"));

    train(&resume, &Unwatched).expect("it goes on");
    assert!(message(&fresh).contains("finished run"));
    assert!(message(&resume).contains("finished run"));

    let foreign = folder.path().join("foreign");
    std::fs::create_dir(&foreign).expect("a folder");
    std::fs::write(foreign.join("thesis.doc"), b"").expect("a file");
    assert!(message(&TrainRequest { out: &foreign, ..fresh }).contains("not empty"));
}

#[test]
fn the_scaler_knows_nothing_of_the_test_part() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = dataset(4, 60);
    // The same data, but everything in the test course a hundred times as much.
    let values: Vec<f32> = data
        .values()
        .chunks(data.weeks * data.features.len())
        .zip(&data.enrolments)
        .flat_map(|(values, row)| {
            values.iter().map(move |value| if row.course == CourseIndex(0) { value * 100.0 } else { *value })
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
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    train_at(&data, &config(&[]), &first).expect("it trains");
    train_at(&changed, &config(&[]), &second).expect("it trains");
    assert_eq!(bytes_of(&first), bytes_of(&second));
}

#[test]
fn the_target_must_lie_before_the_label_window() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = dataset(4, 60);
    let message = train_at(&data, &config(&["training.target_week=6"]), &folder.path().join("run"))
        .expect_err("week 6 is in the label window")
        .to_string();
    assert!(message.contains("inactive-last 1") && message.contains('5'), "{message}");
}

#[test]
fn a_target_week_that_nobody_set_is_the_last_of_at_least_half_of_the_learners() {
    let unset = Config::default().check().expect("the default");
    let weeks = |short: usize, settings: &[&str]| {
        let mut data = dataset(4, 60);
        for course in data.courses.iter_mut().take(short) {
            (course.days, course.weeks, course.observed_weeks) = (28, 4, 4);
        }
        let config = if settings.is_empty() { unset.clone() } else { config(settings) };
        config.adapted_to(&data).adaptations().to_vec()
    };
    let third = [Adaptation::TargetWeek { usual: cut_off(4), chosen: cut_off(3) }];
    // By `inactive-last 1` a course of four weeks can be forecast up to its third.
    for (short, expected) in [(0, &[][..]), (2, &[]), (3, &third), (4, &third)] {
        assert_eq!(weeks(short, &[]), expected, "{short} of 4 courses are short");
    }
    assert_eq!(weeks(4, &["training.target_week=4"]), [], "a week that was set stays");
    // Without a label nobody counts.
    let mut unlabelled = dataset(4, 60);
    unlabelled.courses[0].weeks = 3;
    unlabelled.enrolments.iter_mut().filter(|row| row.course != CourseIndex(0)).for_each(|row| row.dropout = None);
    let chosen = Adaptation::TargetWeek { usual: cut_off(4), chosen: cut_off(2) };
    unlabelled.courses[0].days = 21;
    unlabelled.courses[0].observed_weeks = 3;
    assert_eq!(unset.adapted_to(&unlabelled).adaptations(), [chosen]);
}

#[test]
fn a_class_that_is_missing_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut data = dataset(4, 30);
    data.enrolments.iter_mut().for_each(|row| row.dropout = Some(true));
    let message =
        train_at(&data, &config(&[]), &folder.path().join("run")).expect_err("nothing to tell apart").to_string();
    assert!(message.contains("90 dropped out and 0 did not"), "{message}");
}

#[test]
fn unknown_labels_and_statics_are_no_trouble() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut data = dataset(4, 60);
    data.enrolments.iter_mut().step_by(5).for_each(|row| row.dropout = None);
    let config = config(&["inputs.statics=region", "calibration.method=isotonic", "training.class_weights=none"]);
    let run = train_at(&data, &config, &folder.path().join("run")).expect("it trains");
    let names: Vec<String> = run.inputs().expect("a model").columns.iter().map(|column| column.source.name()).collect();
    for name in ["n_events", "score_mean is null", "region = r0", "weeks_left", "pre_start_events"] {
        assert!(names.contains(&name.to_owned()), "{name} in {names:?}");
    }
    assert_eq!(Run::open(run.path()).expect("it opens").manifest(), run.manifest());
}

/// Trains with this split and gives the courses of each side.
fn sides(data: &Dataset, settings: &[&str]) -> (SplitKind, Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = [["split.test_courses=[]", "training.epochs=1"].as_slice(), settings].concat();
    let run = train_at(data, &config(&settings), &folder.path().join("run")).expect("it trains");
    let split = run.split();
    (split.kind, split.training.keys().cloned().collect(), split.test.keys().cloned().collect())
}

#[test]
fn the_latest_runs_of_courses_are_forecast_from_earlier_ones() {
    let mut data = dataset(4, 60);
    for (course, (id, start_day)) in
        data.courses.iter_mut().zip([("art+1", 16_000), ("law+1", 16_000), ("art+2", 16_200), ("law+2", 16_200)])
    {
        id.clone_into(&mut course.id);
        course.start_day = start_day;
    }
    let settings = ["split.by=later-run", "split.test_families=*", "split.run_separator=+"];
    let (kind, training, test) = sides(&data, &settings);
    assert_eq!(
        (kind, training.join(" ").as_str(), test.join(" ").as_str()),
        (SplitKind::Forecast, "art+1 law+1", "art+2 law+2")
    );
    // Ids without the default separator are each a family.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let by_run = config(&["split.test_courses=[]", "split.by=later-run"]);
    let message = train_at(&data, &by_run, &folder.path().join("run")).expect_err("no runs").to_string();
    assert!(message.contains("4 courses are of 4 families") && message.contains("split.run_separator"), "{message}");
}

#[test]
fn whole_institutions_are_the_test() {
    let mut data = dataset(4, 60);
    for row in &mut data.enrolments {
        let name = if row.course < CourseIndex(2) { "north" } else { "south" };
        row.statics.insert("institution".to_owned(), Some(name.to_owned()));
    }
    let (kind, training, test) = sides(&data, &["split.by=institution", "split.test_institutions=south"]);
    assert_eq!(kind, SplitKind::Institution);
    assert_eq!((training.join(" ").as_str(), test.join(" ").as_str()), ("course0 course1", "course2 course3"));
}

#[test]
fn leaving_one_course_out_is_a_cross_validation_with_a_fold_for_each() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = dataset(3, 60);
    let config = config(&["split.test_courses=[]", "split.leave_one_out=true"]);
    let run = train_at(&data, &config, &folder.path().join("run")).expect("it trains");
    assert_eq!(run.manifest().folds, Some(FoldsRecord { folds: 3, repeats: 1 }));
    assert_eq!(run.manifest().split_kind, SplitKind::Transfer);
    assert!(run.manifest().split.starts_with("one course left out, fold 1 of 3"), "{}", run.manifest().split);
    let device = ChosenDevice::flex();
    let request = EvaluateRequest::new(&data, &device);
    let outcome = evaluate(&run, &request).expect("it evaluates");
    assert_eq!((outcome.evaluation.cohorts.all.n, outcome.repeats.len()), (180, 0));
}
