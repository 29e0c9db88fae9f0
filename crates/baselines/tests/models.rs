//! Properties of every baseline.

mod common;

use common::{Course, auc, draws, quick};
use proptest::prelude::*;
use staycast_baselines::{
    BaselineConfig, BaselineKind, BaselineModel, Direction, FitError, ForecastError, Forecaster, InputError, RawSeries,
    WeeklyInputs,
};
use staycast_weeks::CutOff;

fn week(weeks: u16) -> CutOff {
    CutOff::after_weeks(weeks).unwrap()
}

fn fit(kind: BaselineKind, config: &BaselineConfig, course: &Course) -> Result<BaselineModel, FitError> {
    let raw = course.raw();
    let (rows, held_out) = course.split();
    kind.fit(&config.check().unwrap(), &course.training(&raw, &rows, &held_out))
}

fn forecast(model: &BaselineModel, course: &Course) -> Vec<f32> {
    model.forecast(&course.inputs(&course.raw())).unwrap()
}

#[test]
fn every_model_learns_and_forecasts_learners_it_never_saw() {
    let (course, others) = (Course::new(1200, 3, 2, 1), Course::new(1500, 3, 2, 2));
    let labels: Vec<bool> = others.labels.iter().map(|label| label.unwrap()).collect();
    for kind in BaselineKind::ALL {
        let model = fit(kind, &quick(), &course).unwrap();
        assert_eq!((model.kind(), model.weeks()), (kind, 3));
        assert!(model.absent().is_empty(), "{kind}: {:?}", model.absent());
        let logits = forecast(&model, &others);
        assert!(logits.iter().all(|logit| logit.is_finite()), "{kind}");
        let mut before = 0.0;
        for week in 0..3 {
            let at: Vec<f32> = logits.iter().skip(week).step_by(3).copied().collect();
            let auc = auc(&at, &labels);
            // Nobody has left before the third week, so that inactivity tells nothing sooner.
            let least = match (kind, week) {
                (BaselineKind::DaysSinceLast, 0 | 1) => 0.4,
                (BaselineKind::DaysSinceLast, _) => 0.55,
                _ => 0.62,
            };
            assert!(auc > least && auc > before - 0.05, "{kind}, week {week}: {auc}, before {before}");
            before = auc;
        }
    }
}

#[test]
fn the_same_bytes_come_from_one_thread_and_from_two() {
    // More than a chunk of rows, and more than a block of columns; then as many columns as are solved without a matrix, and as
    // are searched by all threads at once.
    let (course, wide) = (Course::new(1700, 2, 20, 3), Course::new(1700, 2, 120, 3));
    let again = [BaselineKind::Linear, BaselineKind::Logistic, BaselineKind::Hazard, BaselineKind::Boosting];
    let again = again.map(|kind| (kind, &wide));
    for (kind, course) in BaselineKind::ALL.map(|kind| (kind, &course)).into_iter().chain(again) {
        let [one, two] = [1, 2].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let model = fit(kind, &quick(), course).unwrap();
                let bits: Vec<u32> = forecast(&model, course).into_iter().map(f32::to_bits).collect();
                (serde_json::to_string(&model).unwrap(), bits)
            })
        });
        assert!(one == two, "{kind}");
    }
}

#[test]
fn another_seed_draws_another_forest_and_the_same_seed_the_same() {
    let course = Course::new(600, 1, 2, 4);
    let raw = course.raw();
    let (rows, held_out) = course.split();
    let with_seed = |seed| {
        let training = staycast_baselines::TrainingData { seed, ..course.training(&raw, &rows, &held_out) };
        serde_json::to_string(&BaselineKind::Forest.fit(&quick().check().unwrap(), &training).unwrap()).unwrap()
    };
    assert_eq!(with_seed(1), with_seed(1));
    assert_ne!(with_seed(1), with_seed(2));
}

#[test]
fn models_read_back_from_json_forecast_the_same_bits() {
    let course = Course::new(600, 2, 2, 5);
    for kind in BaselineKind::ALL {
        let model = fit(kind, &quick(), &course).unwrap();
        let json = serde_json::to_string(&model).unwrap();
        let read: BaselineModel = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), json, "{kind}");
        assert_eq!(read.columns(), model.columns());
        assert_eq!(forecast(&read, &course), forecast(&model, &course), "{kind}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn later_weeks_change_nothing(seed in 0_u64..1000, cutoff in 1_usize..4) {
        static MODELS: std::sync::OnceLock<Vec<BaselineModel>> = std::sync::OnceLock::new();
        let models = MODELS.get_or_init(|| {
            let course = Course::new(500, 4, 1, 6);
            BaselineKind::ALL.into_iter().map(|kind| fit(kind, &quick(), &course).unwrap()).collect()
        });
        let course = Course::new(60, 4, 1, seed);
        let raw = course.raw();
        let inputs = course.inputs(&raw);
        let mut draw = draws(seed ^ 0xdead);
        let width = course.columns.len();
        let later = |at: usize, per_week: usize| at / per_week % 4 >= cutoff;
        let values: Vec<f32> = (0..course.values.len())
            .map(|at| if later(at, width) { (9.0 * draw() - 4.5) as f32 } else { course.values[at] })
            .collect();
        let changed: Vec<(&str, Vec<f32>)> = raw
            .iter()
            .map(|series| {
                let values = series.values.iter().enumerate();
                let values = values.map(|(at, &value)| if later(at, 1) { (30.0 * draw()) as f32 } else { value });
                (series.name, values.collect())
            })
            .collect();
        let changed: Vec<RawSeries<'_>> = changed.iter().map(|(name, values)| RawSeries { name, values }).collect();
        let other = WeeklyInputs { values: &values, raw: &changed, ..inputs };
        for model in models {
            let (before, after) = (model.forecast(&inputs).unwrap(), model.forecast(&other).unwrap());
            for (at, (a, b)) in before.iter().zip(&after).enumerate() {
                prop_assert!(later(at, 1) || a.to_bits() == b.to_bits(), "{}, week {}: {a} {b}", model.kind(), at % 4);
            }
            prop_assert!(before != after, "{}: the later weeks are read at all", model.kind());
        }
    }
}

#[test]
fn a_week_that_cannot_be_fitted_is_absent_with_its_reason_and_nothing_else_is_lost() {
    let mut course = Course::new(400, 3, 1, 7);
    // In week 1 only nine dropouts may be learnt from.
    let mut left = 0;
    for row in 0..course.rows {
        left += usize::from(course.labels[row] == Some(true));
        course.learnable[row * 3] = course.labels[row] == Some(false) || left <= 9;
    }
    for kind in BaselineKind::ALL {
        let model = fit(kind, &quick(), &course).unwrap();
        let weeks: Vec<u16> = model.absent().keys().map(|cut_off| cut_off.weeks()).collect();
        assert_eq!(weeks, [1], "{kind}: {:?}", model.absent());
        assert!(model.absent()[&week(1)].contains("10 of each are needed"), "{:?}", model.absent());
        let logits = forecast(&model, &course);
        assert!(logits.iter().enumerate().all(|(at, logit)| logit.is_nan() == (at % 3 == 0)), "{kind}");
    }
}

#[test]
fn held_out_rows_of_one_class_are_named_where_they_are_needed() {
    let course = Course::new(400, 1, 1, 8);
    let (rows, held_out) = course.split();
    let stayed: Vec<usize> = held_out.into_iter().filter(|&row| course.labels[row] == Some(false)).collect();
    let raw = course.raw();
    let training = course.training(&raw, &rows, &stayed);
    let error = BaselineKind::Boosting.fit(&quick().check().unwrap(), &training).unwrap_err().to_string();
    assert!(error.contains("week 1: 0 held-out learners who dropped out") && error.contains("to stop by"), "{error}");
    let error = BaselineKind::Logistic.fit(&quick().check().unwrap(), &training).unwrap_err().to_string();
    assert!(error.contains("to choose a penalty by"), "{error}");
    let mut config = quick();
    config.logistic.penalties = vec![1.0];
    BaselineKind::Logistic.fit(&config.check().unwrap(), &training).expect("one penalty is no choice");
    BaselineKind::Tree.fit(&quick().check().unwrap(), &training).expect("a tree does not look at them");
}

#[test]
fn hazards_come_close_to_the_truth_and_make_up_the_forecast() {
    let course = Course::new(6000, 1, 0, 9);
    let mut config = quick();
    config.hazard.penalties = vec![1.0];
    let model = fit(BaselineKind::Hazard, &config, &course).unwrap();
    let raw = course.raw();
    let inputs = course.inputs(&raw);
    let hazards = model.hazards(&inputs, week(1)).unwrap();
    let logits = model.forecast(&inputs).unwrap();
    for (row, hazards) in hazards.iter().enumerate() {
        assert_eq!(hazards.len(), 6);
        let stays: f64 = hazards.iter().map(|&hazard| 1.0 - f64::from(hazard)).product();
        let p = 1.0 / (1.0 + (-f64::from(logits[row])).exp());
        assert!((p - (1.0 - stays)).abs() < 1e-5, "row {row}: {p} {stays}");
    }
    // Of those forecast alike, the true hazard of the first week is on average what is forecast.
    let mut order: Vec<usize> = (0..course.rows).collect();
    order.sort_by(|&a, &b| hazards[a][0].total_cmp(&hazards[b][0]));
    for fifth in order.chunks(course.rows / 5) {
        let mean = |value: &dyn Fn(usize) -> f64| fifth.iter().map(|&row| value(row)).sum::<f64>() / fifth.len() as f64;
        let (found, truth) = (mean(&|row| f64::from(hazards[row][0])), mean(&|row| course.hazard[row]));
        assert!((found - truth).abs() < 0.03, "{found} {truth}");
    }
}

#[test]
fn hazards_are_refused_where_there_are_none() {
    let mut course = Course::new(300, 2, 1, 10);
    let raw = course.raw();
    let model = fit(BaselineKind::Tree, &quick(), &course).unwrap();
    let error = model.hazards(&course.inputs(&raw), week(1)).unwrap_err();
    assert_eq!(error.to_string(), "no hazards at week 1: the baseline tree has none");
    let model = fit(BaselineKind::Hazard, &quick(), &course).unwrap();
    let error = model.hazards(&course.inputs(&raw), week(5)).unwrap_err();
    assert_eq!(error.to_string(), "no hazards at week 5: the inputs have 2 weeks");
    drop(raw);
    course.exit_week.fill(None);
    let error = fit(BaselineKind::Hazard, &quick(), &course).unwrap_err();
    assert_eq!(error, FitError::NoExitWeeks { rows: 225 });
    assert!(error.to_string().contains("needs to know when learners left"), "{error}");
}

#[test]
fn a_longer_course_goes_on_with_the_last_fitted_week() {
    let mut course = Course::new(400, 1, 0, 11);
    let model = fit(BaselineKind::Hazard, &quick(), &course).unwrap();
    course.course_weeks = vec![12; 400];
    let hazards = model.hazards(&course.inputs(&course.raw()), week(1)).unwrap();
    assert!(hazards.iter().all(|row| row.len() == 11 && row[5..].iter().all(|hazard| *hazard == row[5])));
    course.course_weeks = vec![1; 400];
    assert!(model.hazards(&course.inputs(&course.raw()), week(1)).unwrap().iter().all(Vec::is_empty));
    assert!(forecast(&model, &course).iter().all(|logit| logit.is_finite()));
}

#[test]
fn boosting_keeps_to_a_direction() {
    let course = Course::new(1500, 1, 1, 12);
    let mut config = quick();
    config.boosting.monotone =
        [("noise0".to_owned(), Direction::Rising), ("log_events".to_owned(), Direction::Falling)].into();
    let model = fit(BaselineKind::Boosting, &config, &course).unwrap();
    let mut moved = Course::new(200, 1, 1, 13);
    let mut before = forecast(&model, &moved);
    let mut rose = false;
    for _ in 0..20 {
        for row in 0..moved.rows {
            moved.values[row * 4] -= 0.2;
            moved.values[row * 4 + 3] += 0.1;
        }
        let after = forecast(&model, &moved);
        assert!(before.iter().zip(&after).all(|(before, after)| before <= after));
        rose |= before != after;
        before = after;
    }
    assert!(rose, "the columns are used");
    config.boosting.monotone = [("clicks".to_owned(), Direction::Rising)].into();
    let error = fit(BaselineKind::Boosting, &config, &course).unwrap_err();
    assert_eq!(
        error.to_string(),
        "boosting.monotone names `clicks`, which is not an input; remove it or correct the name"
    );
}

#[test]
fn the_rules_count_more_points_for_more_signs() {
    let course = Course::new(800, 3, 0, 14);
    let model = fit(BaselineKind::Rules, &quick(), &course).unwrap();
    let columns = course.columns.clone();
    let values = vec![0.0; 2 * 3 * columns.len()];
    // The first learner goes on as before; the second becomes inactive.
    let raw = [
        ("days_since_last", [1.0, 1.0, 0.5, 1.0, 7.5, 14.5]),
        ("active_days", [4.0, 4.0, 5.0, 4.0, 0.0, 0.0]),
        ("n_events", [20.0, 20.0, 25.0, 20.0, 0.0, 0.0]),
        ("rank_events", [0.6, 0.6, 0.7, 0.6, 0.1, 0.1]),
    ];
    let raw: Vec<RawSeries<'_>> = raw.iter().map(|(name, values)| RawSeries { name, values }).collect();
    let inputs =
        WeeklyInputs { rows: 2, weeks: 3, columns: &columns, values: &values, raw: &raw, course_weeks: &[7, 7] };
    let logits = model.forecast(&inputs).unwrap();
    let [steady, inactive] = [&logits[..3], &logits[3..]];
    assert_eq!(steady[0], inactive[0]);
    assert!(inactive[1] > steady[1] && inactive[2] > steady[2], "{logits:?}");
}

#[test]
fn inputs_that_do_not_fit_are_named() {
    let course = Course::new(300, 2, 1, 15);
    let model = fit(BaselineKind::Logistic, &quick(), &course).unwrap();
    let raw = course.raw();
    let inputs = course.inputs(&raw);

    let renamed: Vec<String> = ["log_events", "log_days", "quiet", "noise0"].map(String::from).to_vec();
    let error = model.forecast(&WeeklyInputs { columns: &renamed, ..inputs }).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the model was fitted on other inputs: column 2 was `inactivity` then and is `quiet` now"
    );

    let mut values = course.values.clone();
    values[4 + 1] = f32::NAN;
    let error = model.forecast(&WeeklyInputs { values: &values, ..inputs }).unwrap_err();
    let wanted = InputError::NotFinite { column: "log_days".to_owned(), row: 0, week: 1 };
    assert_eq!(error, ForecastError::Input(wanted));

    let longer = Course::new(10, 3, 1, 16);
    let error = model.forecast(&longer.inputs(&[])).unwrap_err();
    assert_eq!(error, ForecastError::TooManyWeeks { found: 3, fitted: 2 });

    let shorter = Course::new(10, 1, 1, 16);
    assert_eq!(model.forecast(&shorter.inputs(&[])).unwrap().len(), 10);

    for kind in [BaselineKind::DaysSinceLast, BaselineKind::Rules] {
        let (rows, held_out) = course.split();
        let error = kind.fit(&quick().check().unwrap(), &course.training(&[], &rows, &held_out)).unwrap_err();
        assert_eq!(error, FitError::NoSeries { kind, name: "days_since_last".to_owned() });
        let model = fit(kind, &quick(), &course).unwrap();
        let error = model.forecast(&course.inputs(&[])).unwrap_err();
        assert_eq!(error, ForecastError::NoSeries { name: "days_since_last".to_owned() });
    }

    let (rows, _) = course.split();
    let both =
        BaselineKind::Tree.fit(&quick().check().unwrap(), &course.training(&raw, &rows, &rows[..1])).unwrap_err();
    assert_eq!(both, FitError::Input(InputError::TrainedAndHeldOut { row: rows[0] }));
    let none = BaselineKind::Tree.fit(&quick().check().unwrap(), &course.training(&raw, &[300], &[])).unwrap_err();
    assert_eq!(none, FitError::Input(InputError::NoSuchRow { row: 300, rows: 300 }));
}

#[test]
fn unknown_labels_and_rows_not_to_learn_from_are_left_alone() {
    let mut course = Course::new(500, 1, 1, 17);
    let model = fit(BaselineKind::Logistic, &quick(), &course).unwrap();
    // Rows that may not be learnt from can say what they like.
    let (rows, _) = course.split();
    for &row in rows.iter().take(100) {
        course.learnable[row] = row % 2 == 0;
        if row % 2 == 0 {
            course.labels[row] = None;
        } else {
            course.labels[row] = course.labels[row].map(|label| !label);
        }
    }
    let raw = course.raw();
    let (_, held_out) = course.split();
    let partly =
        BaselineKind::Logistic.fit(&quick().check().unwrap(), &course.training(&raw, &rows, &held_out)).unwrap();
    let without =
        BaselineKind::Logistic.fit(&quick().check().unwrap(), &course.training(&raw, &rows[100..], &held_out)).unwrap();
    assert_eq!(serde_json::to_string(&partly).unwrap(), serde_json::to_string(&without).unwrap());
    assert_ne!(serde_json::to_string(&partly).unwrap(), serde_json::to_string(&model).unwrap());
}

#[test]
fn contributions_sum_up_to_the_forecast_less_that_of_the_reference() {
    let (course, others) = (Course::new(900, 3, 6, 7), Course::new(70, 3, 6, 8));
    let raw = others.raw();
    let inputs = others.inputs(&raw);
    let width = others.columns.len();
    for kind in BaselineKind::ALL {
        let model = fit(kind, &quick(), &course).unwrap();
        for cut_off in [week(1), week(2), week(3)] {
            // The first row is the reference, so that nothing is added to it.
            let reference = others.values[..cut_off.count() * width].to_vec();
            let found = model.contributions(&inputs, &reference, cut_off);
            if let BaselineKind::DaysSinceLast | BaselineKind::Rules = kind {
                assert_eq!(found, Err(ForecastError::NoContributions { kind }));
                continue;
            }
            let found = found.unwrap();
            let all = forecast(&model, &others);
            assert_eq!(found.logits, model.logits_at(&inputs, cut_off).unwrap());
            for row in 0..others.labels.len() {
                let at = row * 3 + cut_off.count() - 1;
                assert_eq!(found.logits[row] as f32, all[at], "{kind}, row {row}");
                let added = &found.values[row * reference.len()..(row + 1) * reference.len()];
                let whole = found.logits[row] - found.reference_logits[row];
                let sum: f64 = added.iter().map(|&value| f64::from(value)).sum();
                assert!((sum - whole).abs() < 1e-4 * (1.0 + whole.abs()), "{kind}, row {row}: {sum} of {whole}");
                // What is the same as the reference's adds nothing.
                let same = |at: &usize| others.values[row * 3 * width + at] == reference[*at];
                assert!((0..reference.len()).filter(same).all(|at| added[at] == 0.0), "{kind}, row {row}");
            }
        }
    }
}

#[test]
fn a_linear_model_adds_its_weights_times_the_differences() {
    let course = Course::new(500, 2, 2, 9);
    let raw = course.raw();
    let inputs = course.inputs(&raw);
    let model = fit(BaselineKind::Logistic, &quick(), &course).unwrap();
    let reference = vec![0.25; 2 * course.columns.len()];
    let found = model.contributions(&inputs, &reference, week(2)).unwrap();
    let named = model.coefficients(week(2)).unwrap();
    for (name, weight) in named.weights {
        let (column, week) = name.split_once("@week ").unwrap();
        let at = (week.parse::<usize>().unwrap() - 1) * course.columns.len()
            + course.columns.iter().position(|one| one == column).unwrap();
        for row in [0, 17, 499] {
            let wanted = weight * (f64::from(course.values[row * reference.len() + at]) - 0.25);
            assert!((f64::from(found.values[row * reference.len() + at]) - wanted).abs() < 1e-6, "{name}");
        }
    }
}

#[test]
fn weeks_without_a_fit_have_no_contributions() {
    let course = Course::new(300, 2, 2, 10);
    let raw = course.raw();
    let model = fit(BaselineKind::Logistic, &quick(), &course).unwrap();
    let reference = vec![0.0; 3 * course.columns.len()];
    let found = model.contributions(&course.inputs(&raw), &reference, week(3));
    assert!(matches!(found, Err(ForecastError::NotFitted { .. })), "{found:?}");
}
