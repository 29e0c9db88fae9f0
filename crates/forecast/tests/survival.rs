//! When learners leave, for models that forecast whether.

mod common;

use common::{config, cut_off, dataset, train_at};
use staycast_evaluation::report::Resampling;
use staycast_forecast::device::ChosenDevice;
use staycast_forecast::{EvaluateRequest, Run, evaluate, evaluate_predictions, predictions};
use staycast_sequences::{Dataset, WeekIndex};

/// Returns data in which those who drop out have left in the weeks 3 to 5, sooner where they did less.
fn with_weeks_of_leaving() -> Dataset {
    let mut data = dataset(4, 80);
    let events = data.feature("n_events").expect("the column");
    for enrolment in data.enrolment_indices() {
        let done = data.week(enrolment, WeekIndex::new(1))[events] + data.week(enrolment, WeekIndex::new(2))[events];
        let row = &mut data.enrolments[enrolment.as_usize()];
        row.left_week = (row.dropout == Some(true)).then_some(if done < 12.0 {
            3
        } else if done < 24.0 {
            4
        } else {
            5
        });
    }
    data
}

fn survival(run: &Run, data: &Dataset, week: u32) -> serde_json::Value {
    let device = ChosenDevice::flex();
    let request = EvaluateRequest { week: Some(cut_off(week)), ..EvaluateRequest::new(data, &device) };
    serde_json::to_value(evaluate(run, &request).expect("it evaluates")).expect("JSON")["survival"].take()
}

#[test]
fn every_model_says_when_where_weeks_of_leaving_are_known() {
    let here = tempfile::tempdir().expect("a temporary folder");
    let data = with_weeks_of_leaving();
    for settings in
        [&["model.kind=lstm"][..], &["model.kind=logistic"], &["model.kind=blend", "model.blend=lstm,rules"]]
    {
        let settings =
            [settings, &["training.epochs=40", "training.patience=40", "split.test_courses=course0"]].concat();
        let out = here.path().join(settings[0].replace('=', "-"));
        let run = train_at(&data, &config(&settings), &out).expect("it trains");
        let active = survival(&run, &data, 3)["active"].take();
        let points = active["predicted"].as_array().expect("a list");
        assert!(!points.is_empty(), "{settings:?}: {active}");
        let shares: Vec<f64> = points.iter().map(|point| point["survival"].as_f64().expect("a share")).collect();
        assert!(shares.is_sorted_by(|one, next| one >= next), "{shares:?}");
        assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)), "{shares:?}");
        // About 40 % leave in the end.
        let last = *shares.last().expect("a week");
        assert!((0.4..0.8).contains(&last), "{settings:?}: {last}");
        assert!(active["c_index"].as_f64().expect("pairs") > 0.55, "{active}");
        assert!(active["integrated_brier"].as_f64().expect("weeks") < 0.25, "{active}");
    }
}

#[test]
fn a_cross_validation_says_when_by_the_hazards_of_each_fold() {
    let here = tempfile::tempdir().expect("a temporary folder");
    let data = with_weeks_of_leaving();
    for kind in ["model.kind=auto", "model.kind=logistic"] {
        let settings =
            [kind, "training.epochs=20", "split.by=learner", "split.test_courses=", "split.folds=3", "split.repeats=2"];
        let out = here.path().join(kind.replace('=', "-"));
        let run = train_at(&data, &config(&settings), &out).expect("it trains");
        assert!(out.join("survival.json.zst").exists());
        for repeat in 0..2 {
            let device = ChosenDevice::flex();
            let request = EvaluateRequest { week: Some(cut_off(3)), ..EvaluateRequest::new(&data, &device) };
            let found = predictions(&run, &request).expect("it predicts");
            let evaluated = evaluate_predictions(&found[repeat..=repeat], Resampling::Off).expect("it evaluates");
            let active = serde_json::to_value(evaluated).expect("JSON")["survival"]["active"].take();
            assert!(!active["predicted"].as_array().expect("a list").is_empty(), "{kind}: {active}");
            assert!(active["c_index"].as_f64().expect("pairs") > 0.55, "{kind}: {active}");
            let brier = |name: &str| active[name].as_f64().expect("weeks");
            assert!(brier("integrated_brier") < brier("integrated_brier_kaplan_meier"), "{kind}: {active}");
        }
        // Damage is found when the run is opened.
        std::fs::write(out.join("survival.json.zst"), "no hazards").expect("writable");
        assert!(Run::open(&out).is_err());
    }
}

#[test]
fn nobody_says_when_where_no_week_of_leaving_is_known() {
    let here = tempfile::tempdir().expect("a temporary folder");
    let data = dataset(4, 80);
    let run = train_at(&data, &config(&[]), &here.path().join("run")).expect("it trains");
    assert!(survival(&run, &data, 3).is_null());
    assert!(!here.path().join("run/survival.json.zst").exists());
}
