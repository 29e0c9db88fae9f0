//! Runs side by side.

use std::collections::BTreeMap;

use serde_json::json;
use staycast_tracking::registry::{BetterValue, RegistryError, RunEntry, RunTable, RunTableRequest};

const FIGURES: &[(&str, BetterValue)] =
    &[("auc", BetterValue::Higher), ("brier", BetterValue::Lower), ("lift", BetterValue::Higher)];
const FACTS: &[&str] = &["data.fingerprint", "features", "folds", "model"];

fn run(name: &str, settings: &[(&str, &str)], figures: &[(&str, f64)]) -> RunEntry {
    RunEntry {
        name: name.to_owned(),
        manifest: json!({ "data": { "fingerprint": "abc" }, "features": ["n_events"], "folds": null }),
        settings: settings.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect(),
        figures: figures.iter().map(|&(key, value)| (key.to_owned(), value)).collect(),
    }
}

fn three() -> Vec<RunEntry> {
    let mut runs = vec![
        run(
            "plain",
            &[("model.hidden", "32"), ("training.epochs", "30"), ("split.by", "course")],
            &[("auc", 0.8312), ("brier", 0.141)],
        ),
        run(
            "wide",
            &[("model.hidden", "128"), ("training.epochs", "30"), ("split.by", "course")],
            &[("auc", 0.8297), ("brier", 0.1398)],
        ),
        run(
            "unfinished",
            &[("model.hidden", "64"), ("training.epochs", "30"), ("model.layers", "2"), ("split.by", "time")],
            &[("auc", f64::NAN)],
        ),
    ];
    runs[1].manifest["data"]["fingerprint"] = json!("def");
    runs
}

fn make(runs: &[RunEntry], sort: Option<&str>) -> Result<RunTable, RegistryError> {
    RunTable::new(&RunTableRequest { runs, facts: FACTS, figures: FIGURES, sort })
}

fn order(runs: &[RunEntry], sort: &str) -> Vec<String> {
    let table = make(runs, Some(sort)).unwrap_or_else(|error| panic!("{error}"));
    table.runs.into_iter().map(|row| row.name).collect()
}

#[test]
fn columns_are_what_differs_and_the_figures_that_there_are() {
    let table = make(&three(), None).expect("no order");
    assert_eq!(table.differing, ["model.hidden", "model.layers", "split.by", "data.fingerprint"]);
    assert_eq!(table.figures, ["auc", "brier"], "nobody has a lift");
    assert_eq!(table.same, 2, "epochs and features; folds are null and a model is nowhere");
    assert_eq!(table.runs[0].settings["model.layers"], None);
    assert_eq!(table.runs[1].settings["data.fingerprint"].as_deref(), Some("def"));
    assert_eq!(table.runs[2].figures["auc"], None, "not a number");
}

#[test]
fn a_count_is_printed_without_decimals() {
    let mut runs = three();
    runs[0].figures.insert("evaluations".to_owned(), 1.0);
    let figures = [("auc", BetterValue::Higher), ("evaluations", BetterValue::Fewer)];
    let table =
        RunTable::new(&RunTableRequest { runs: &runs, facts: &[], figures: &figures, sort: Some("evaluations") });
    let text = table.expect("a figure").to_text(100);
    let line = text.lines().nth(1).expect("the first run");
    assert_eq!(line.split_whitespace().take(4).collect::<Vec<_>>(), ["1", "plain", "0.8312", "1"], "{text}");
}

#[test]
fn sorted_best_first_and_the_missing_last() {
    let runs = three();
    assert_eq!(order(&runs, "auc"), ["plain", "wide", "unfinished"]);
    assert_eq!(order(&runs, "brier"), ["wide", "plain", "unfinished"], "a low Brier score is good");
    assert_eq!(order(&runs, "name"), ["plain", "unfinished", "wide"]);
    assert_eq!(order(&runs, "model.hidden"), ["plain", "unfinished", "wide"], "32, 64, 128: as numbers");
    assert_eq!(order(&runs, "model.layers"), ["unfinished", "plain", "wide"]);
    assert_eq!(order(&runs, "training.epochs"), ["plain", "unfinished", "wide"], "the same in all: by name");
    let error = make(&runs, Some("f1")).expect_err("no such figure").to_string();
    assert!(error.contains("`f1`") && error.contains("auc, brier, name, model.hidden"), "{error}");
}

#[test]
fn the_text_of_a_small_table() {
    let text = make(&three(), Some("auc")).expect("sorted").to_text(100);
    let expected = "\
#  run            auc   brier  model.hidden  model.layers  split.by  data.fingerprint
1  plain       0.8312  0.1410  32            –             course    abc
2  wide        0.8297  0.1398  128           –             course    def
3  unfinished       –       –  64            2             time      abc
3 runs; 2 settings are the same in all
";
    assert_eq!(text, expected);
}

#[test]
fn no_line_is_wider_than_asked_and_no_column_is_lost() {
    let settings: BTreeMap<String, String> =
        (0..30).map(|at| (format!("a_section_with_a_long_name.key{at}"), "v".repeat(at * 3))).collect();
    let mut runs: Vec<RunEntry> = (0..12)
        .map(|at| {
            run(&format!("{}{at}", "a-name-that-goes-on-".repeat(5)), &[], &[("auc", 0.5 + 0.01 * f64::from(at))])
        })
        .collect();
    runs[3].settings = settings.clone();
    let table = make(&runs, Some("auc")).expect("sorted");
    for width in [40, 80, 100, 400] {
        let text = table.to_text(width);
        let widest = text.lines().map(|line| line.chars().count()).max().expect("lines");
        assert!(widest <= width, "{widest} letters in\n{text}");
        let ends = settings.keys().filter(|key| text.contains(&key[key.len() - 4..])).count();
        assert_eq!(ends, 30, "{text}");
    }
    assert!(table.to_text(100).contains("0.6100"));
}

#[test]
fn json_has_full_figures_and_nulls() {
    let json = serde_json::to_value(make(&three(), None).expect("no order")).expect("has a JSON form");
    assert_eq!(json["runs"][0]["figures"]["auc"], json!(0.8312));
    assert_eq!(json["runs"][2]["figures"]["auc"], json!(null));
    assert_eq!(json["runs"][0]["settings"]["model.layers"], json!(null));
    assert_eq!(json["same"], json!(2));
}

#[test]
fn no_runs_and_one_run_are_tables_too() {
    assert_eq!(make(&[], None).expect("empty").to_text(100), "0 runs\n");
    let one = make(&three()[..1], Some("auc")).expect("one");
    assert_eq!(one.differing, [""; 0]);
    assert_eq!(
        one.to_text(100),
        "#  run       auc   brier\n1  plain  0.8312  0.1410\n1 run; 5 settings are the same in all\n"
    );
}
