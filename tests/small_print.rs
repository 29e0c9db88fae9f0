//! Tests what a user is told beside the figures: settings that the data decided, scores of learners who were trained on, what a
//! figure rests on.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{folder, run};
use serde_json::{Value, json};

/// Settings that make training quick and leave the rest as it is.
const QUICK: &str = "--device cpu --set model.hidden=6 --set training.epochs=2 --set ensemble.members=2 \
                     --set ensemble.validation_folds=2";

fn read_json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).expect("readable")).expect("JSON")
}

/// Makes sequences of two courses of `weeks` weeks, of 300 learners in all. Returns the folder.
fn sequences(here: &Path, weeks: u32) -> PathBuf {
    let (logs, sequences) = (here.join(format!("logs-{weeks}")), here.join(format!("sequences-{weeks}")));
    let line = format!("simulate --learners 300 --weeks {weeks} --courses 2 --seed 5 --out {{}} --quiet");
    run(&line, &[&logs]).expect(0);
    run("preprocess {} --out {} --quiet", &[&logs, &sequences]).expect(0);
    sequences
}

#[test]
fn courses_of_three_weeks_are_forecast_at_the_third_by_every_command() {
    let here = folder();
    let short = sequences(here.path(), 3);
    let at = |name: &str| here.path().join(name);
    let says = "week 3 in place of 4: for most learners the last week that can be forecast is 3";
    let trained = run(&format!("train {{}} --out {{}} {QUICK}"), &[&short, &at("run")]).expect(0);
    trained.complains(&[says]).says(&["Adapted", says]);
    let manifest = read_json(&at("run/manifest.json"));
    assert_eq!(manifest["target_week"], 3);
    assert_eq!(manifest["adaptations"], json!([{ "target_week": { "usual": 4, "chosen": 3 } }]));
    // The configuration stays as it was given, and so does a run that is asked for again.
    assert!(fs::read_to_string(at("run/config.toml")).expect("written").contains("target_week = 0\n"));
    let again = run(&format!("train {{}} --out {{}} --resume --json {QUICK}"), &[&short, &at("run")]).expect(0).json();
    assert_eq!(again["kept"], true);
    run("inspect {}", &[&at("run")]).expect(0).says(&[says]);
    run("runs verify {}", &[&at("run")]).expect(0);

    let report = at("report");
    let evaluated =
        run("evaluate {} {} --json --resamples 0 --out {}", &[&at("run"), &short, &report]).expect(0).json();
    assert_eq!(evaluated["week"], 3);
    assert_eq!(evaluated["adaptations"], manifest["adaptations"]);
    for file in ["report.txt", "report.html"] {
        let text = fs::read_to_string(report.join(file)).expect("written");
        let unbroken = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(unbroken.contains(says), "{file}");
    }
    let scored = run("score {} {} --out {} --json", &[&at("run"), &short, &at("scores.csv")]).expect(0).json();
    assert_eq!(scored["week"], 3);

    let line = format!("compare {{}} --out {{}} --models logistic,rules --json {QUICK}");
    let compared = run(&line, &[&short, &at("compared")]).expect(0);
    assert_eq!(compared.stderr.matches(says).count(), 1, "{}", compared.stderr);
    assert_eq!(compared.json()["week"], 3);
    let line = format!("tune {{}} --out {{}} --model tree --trials 2 --json {QUICK}");
    let tuned = run(&line, &[&short, &at("tuned")]).expect(0);
    assert_eq!(tuned.stderr.matches(says).count(), 1, "{}", tuned.stderr);
    let best = tuned.json()["best"]["trial"].clone();
    assert_eq!(read_json(&at(&format!("tuned/runs/rung1-trial{best}/manifest.json")))["target_week"], 3);

    // What is set by hand is what is meant.
    let by_hand = run(&format!("train {{}} --out {{}} {QUICK} --set training.target_week=4"), &[&short, &at("other")]);
    by_hand.expect(2).complains(&["week 4 can't be forecast", "the last week that can be forecast is 3"]);
    let long = run(&format!("train {{}} --out {{}} --json {QUICK}"), &[&sequences(here.path(), 5), &at("long")]);
    let manifest = &long.expect(0).json()["manifest"];
    assert_eq!((&manifest["target_week"], &manifest["adaptations"]), (&json!(4), &Value::Null));

    // A run for week 4 forecasts shorter courses at their last week, unless a week is asked for.
    let elsewhere = at("elsewhere");
    let logs = format!("a={}", at("logs-3").display());
    run(&format!("preprocess --institution {logs} --out {{}} --quiet"), &[&elsewhere]).expect(0);
    let evaluated = run("evaluate {} {} --json --resamples 0", &[&at("long"), &elsewhere]).expect(0).json();
    assert_eq!(evaluated["week"], 3);
    assert_eq!(evaluated["adaptations"], json!([{ "shorter_courses": { "run": 4, "chosen": 3 } }]));
    let told = "week 3 in place of the run's week 4, the last that these courses allow";
    run("evaluate {} {} --resamples 0", &[&at("long"), &elsewhere]).expect(0).says(&[told]);
    let scored = run("score {} {} --out {} --json", &[&at("long"), &elsewhere, &at("scores.csv")]).expect(0);
    let json = scored.complains(&[told]).json();
    assert_eq!(json["week"], 3);
    assert!(json["statuses"]["scored"].as_u64() > Some(100), "{json}");
    run("evaluate {} {} --week 4", &[&at("long"), &elsewhere]).expect(2).complains(&["week 4"]);
}

#[test]
fn networks_learn_dropout_alone_where_one_week_is_all_there_is() {
    let here = folder();
    let at = |name: &str| here.path().join(name);
    sequences(here.path(), 5);
    run("preprocess {} --out {} --weeks 1 --quiet", &[&at("logs-5"), &at("sequences")]).expect(0);
    let says = "networks learn dropout alone, not activity in the next week, as no course was observed for two weeks";
    let line = format!("train {{}} --out {{}} {QUICK}");
    run(&line, &[&at("sequences"), &at("run")]).expect(0).complains(&[says]).says(&[says]);
    let manifest = read_json(&at("run/manifest.json"));
    let chosen = json!({ "target_week": { "usual": 4, "chosen": 1 } });
    assert_eq!(manifest["adaptations"], json!([chosen, { "no_second_task": "one_week" }]));
    // Models without networks have no such task.
    let other = run(&format!("{line} --model logistic"), &[&at("sequences"), &at("logistic")]).expect(0);
    assert!(!other.stderr.contains(says), "{}", other.stderr);
    let tuned = run(&format!("tune {{}} --out {{}} --trials 2 {QUICK}"), &[&at("sequences"), &at("tuned")]).expect(0);
    assert!(!tuned.complains(&[says]).stdout.contains("training.next_week"));
}

#[test]
fn scores_say_whom_the_run_was_fitted_on() {
    let here = folder();
    let at = |name: &str| here.path().join(name);
    let data = sequences(here.path(), 5);
    run(&format!("train {{}} --out {{}} {QUICK} --split learner"), &[&data, &at("run")]).expect(0);
    let scored = run("score {} {} --out {} --json", &[&at("run"), &data, &at("scores.jsonl")]).expect(0).json();
    let split = read_json(&at("run/split.json"));
    let has = |part: &str, row: &Value| {
        let ids = split[part][row["course_id"].as_str().expect("text")].as_array();
        ids.is_some_and(|ids| ids.contains(&row["enrolment_id"]))
    };
    let text = fs::read_to_string(at("scores.jsonl")).expect("written");
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let knows = |row: &Value| split["training_learners"].as_array().expect("a list").contains(&row["learner_id"]);
    for row in &rows {
        assert_eq!(row["trained_on"], has("training", row) || knows(row), "{row}");
        assert!(!has("test", row) || row["trained_on"] == false, "{row}");
    }
    let marked = rows.iter().filter(|row| row["trained_on"] == true && row["status"] == "scored").count();
    assert!(marked > 0 && marked < rows.len());
    assert_eq!(scored["trained_on"], marked);

    // Enrolments that a recalibration learnt from are marked too.
    let other = folder();
    let logs = other.path().join("logs");
    run("simulate --learners 300 --weeks 5 --courses 1 --seed 9 --out {} --quiet", &[&logs]).expect(0);
    let next = other.path().join("next");
    // Of other people, though they have the same ids.
    run(&format!("preprocess --institution next={} --out {{}} --quiet", logs.display()), &[&next]).expect(0);
    let marks = |of: &Path| {
        let out = other.path().join("scores.jsonl");
        run("score {} {} --out {}", &[of, &next, &out]).expect(0);
        fs::read_to_string(out).expect("written").matches("\"trained_on\":true").count()
    };
    assert_eq!(marks(&at("run")), 0);
    run("recalibrate {} {} --out {}", &[&at("run"), &next, &at("carried")]).expect(0);
    assert!(marks(&at("carried")) > 0);
}
