//! Runs whose files make no sense: refused by name, whatever the checksums say.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{BooleanArray, Int32Array, StringArray};
use serde_json::{Value, json};

use crate::common::run;
use crate::damage::rounds;
use crate::parquet_edits::{column, table, write_table};
use crate::runs::{Bench, COMMANDS, edit, unseal};

/// Puts other bits in the place of one weight of a network.
fn set_weight(run: &Path, bits: u32) {
    let file = run.join("model.safetensors");
    let mut bytes = fs::read(&file).expect("readable");
    let at = bytes.len() - 40;
    bytes[at..at + 4].copy_from_slice(&bits.to_le_bytes());
    fs::write(file, bytes).expect("writable");
}

/// Writes where a list of the first tree begins, which is about its root.
macro_rules! root_of_tree {
    ($list:literal) => {
        concat!("/boosting/0/cutoffs/4/boosting/trees/0/", $list, "/0")
    };
}

/// One value in a JSON file of a run that makes no sense: the kind of run, the file, where in it, the value, and what a
/// refusal says.
const VALUES: &[(&str, &str, &str, &str, &[&str])] = &[
    ("lstm", "scaler.json", "/columns/0/deviation", "-1.0", &["scaler.json", "deviation"]),
    ("lstm", "scaler.json", "/columns/0/deviation", "0.0", &["scaler.json", "deviation"]),
    ("lstm", "scaler.json", "/columns/0/mean", "1e300", &["scaler.json", "mean"]),
    ("lstm", "scaler.json", "/columns", "[]", &["scaler.json", "no columns"]),
    ("lstm", "scaler.json", "/clip", "-1.0", &["scaler.json", "cuts at"]),
    ("lstm", "manifest.json", "/weeks", "0", &["manifest.json", "weeks"]),
    ("lstm", "manifest.json", "/weeks", "65535", &["manifest.json", "forecasts 65535 weeks"]),
    ("logistic", "manifest.json", "/weeks", "65535", &["weeks"]),
    ("lstm", "manifest.json", "/calendar/weeks", "1", &["manifest.json", "the longest course"]),
    ("lstm", "manifest.json", "/data/enrolments", "1", &["split.json", "manifest.json counts"]),
    ("lstm", "manifest.json", "/data/courses", "1", &["split.json", "more courses"]),
    ("lstm", "manifest.json", "/held_out_auc", "0.25", &["calibration.json", "held_out_auc"]),
    ("lstm", "manifest.json", "/seed", "77", &["manifest.json", "seed"]),
    ("lstm", "manifest.json", "/target_week", "3", &["manifest.json", "target_week"]),
    ("lstm", "manifest.json", "/features/1", "\"n_events\"", &["manifest.json", "a feature twice"]),
    ("folds", "manifest.json", "/members/0/fold", "4294967295", &["manifest.json", "member"]),
    ("lstm", "calibration.json", "/weeks/4/threshold/threshold", "1.5", &["calibration.json", "week 4", "threshold"]),
    ("lstm", "calibration.json", "/weeks/4/reference/threshold", "0.123", &["calibration.json", "two thresholds"]),
    (
        "lstm",
        "calibration.json",
        "/weeks/4/reference/training_base_rate",
        "1.5",
        &["calibration.json", "training_base_rate"],
    ),
    ("lstm", "calibration.json", "/weeks/4/base_rate", "0.987", &["calibration.json", "week 4", "base_rate"]),
    ("lstm", "calibration.json", "/weeks/4/rows", "5", &["calibration.json", "another number of rows"]),
    ("lstm", "calibration.json", "/weeks/4/rows", "100000", &["calibration.json", "more rows than the training set"]),
    ("lstm", "calibration.json", "/weeks/4/calibration/slope", "1e300", &["calibration.json", "week 4"]),
    ("lstm", "calibration.json", "/weeks/4/calibration", "{\"method\": \"identity\"}", &["calibration.json", "method"]),
    (
        "lstm",
        "calibration.json",
        "/weeks/4/threshold/confusion/tp",
        "18446744073709551615",
        &["calibration.json", "count"],
    ),
    ("lstm", "calibration.json", "/weeks/4/threshold/confusion/tp", "0", &["calibration.json", "number of rows"]),
    (
        "boosting",
        "baselines.json.zst",
        root_of_tree!("yes"),
        "1000000",
        &["baselines.json.zst", "leads to node 1000000"],
    ),
    ("boosting", "baselines.json.zst", root_of_tree!("columns"), "99999", &["baselines.json.zst", "column 99999"]),
    ("boosting", "baselines.json.zst", root_of_tree!("values"), "1e30", &["baselines.json.zst", "a threshold"]),
    (
        "boosting",
        "baselines.json.zst",
        "/boosting/0/cutoffs/4/boosting/intercept",
        "1e300",
        &["baselines.json.zst", "intercept"],
    ),
    // The form of versions before, whose trees lead in a circle.
    (
        "boosting",
        "baselines.json.zst",
        "/boosting/0/cutoffs/4/boosting",
        r#"{"columns": [0], "booster": {"base_score": 0.5, "missing": null, "trees": [{"nodes": [{"weight_value": 0.0,
            "split_value": 0.5, "split_feature": 0, "left_child": 0, "right_child": 0, "is_leaf": false}]}]}}"#,
        &["baselines.json.zst", "leads to node 0"],
    ),
    (
        "blend",
        "baselines.json.zst",
        "/forest/0/cutoffs/4/forest/0/columns/0",
        "100000",
        &["baselines.json.zst", "column 100000"],
    ),
    (
        "blend",
        "baselines.json.zst",
        "/forest/0/cutoffs/4/forest/0",
        "{\"columns\": [], \"values\": [], \"yes\": []}",
        &["baselines.json.zst", "0 values"],
    ),
    ("blend", "blend.json", "/weights/4/weights/0/weight", "-1.0", &["blend.json", "weight"]),
    ("blend", "blend.json", "/weights/4/weights/0/name", "\"lstm2\"", &["blend.json", "other models"]),
    ("lstm", "survival.json.zst", "/cutoffs/4/hazard/weeks", "[]", &["survival.json.zst", "week effects"]),
    ("folds", "fold_calibration.json", "/0/fold", "7", &["fold_calibration.json", "fold 7"]),
    ("lstm", "split.json", "/training_labels_known_day", "99999999", &["split.json", "training_labels_known_day"]),
    ("lstm", "split.json", "/training_learners", "[\"b\", \"a\"]", &["split.json", "training_learners"]),
    ("lstm", "split.json", "/training", "{}", &["split.json", "no training set"]),
    ("lstm", "split.json", "/test", "{}", &["split.json", "test part"]),
    ("lstm", "split.json", "/description", "\"by nobody\"", &["split.json", "manifest.json"]),
    ("lstm", "split.json", "/excluded", "{\"learner_on_test_side\": 1000000}", &["split.json", "manifest.json counts"]),
];

/// A change of a run that makes no sense and is more than one value: the kind of run, a name, the change, and what a refusal
/// says.
type Change = (&'static str, &'static str, fn(&Path), &'static [&'static str]);

fn columns(run: &Path, change: fn(&mut Vec<Value>)) {
    edit(&run.join("scaler.json"), |scaler| change(scaler["columns"].as_array_mut().expect("columns")));
}

fn swap_last_columns(run: &Path) {
    columns(run, |columns| {
        let last = columns.len() - 1;
        columns.swap(last - 1, last);
    });
}

fn adapted(run: &Path, adaptations: Value) {
    edit(&run.join("manifest.json"), |manifest| manifest["adaptations"] = adaptations);
}

fn split(run: &Path, change: fn(&mut Value)) {
    edit(&run.join("split.json"), change);
}

const CHANGES: &[Change] = &[
    (
        "lstm",
        "a weight that is no number",
        |run| set_weight(run, f32::NAN.to_bits()),
        &["model.safetensors", "not finite"],
    ),
    (
        "lstm",
        "an infinite weight",
        |run| set_weight(run, f32::INFINITY.to_bits()),
        &["model.safetensors", "not finite"],
    ),
    (
        "lstm",
        "a target week that is said to be chosen and is the usual one",
        |run| adapted(run, json!([{ "target_week": { "usual": 4, "chosen": 4 } }])),
        &["manifest.json", "target_week"],
    ),
    (
        "lstm",
        "an adaptation of a forecast in a run",
        |run| adapted(run, json!([{ "shorter_courses": { "run": 4, "chosen": 3 } }])),
        &["manifest.json", "target_week"],
    ),
    ("lstm", "reversed columns", |run| columns(run, |all| all.reverse()), &["columns"]),
    ("lstm", "two columns that changed places", |run| columns(run, |all| all.swap(0, 1)), &["columns"]),
    ("lstm", "the last columns, that are no features, changed places", swap_last_columns, &["columns"]),
    ("logistic", "the same in a run without networks", swap_last_columns, &["columns"]),
    ("lstm", "a column twice", |run| columns(run, |all| all[1] = all[0].clone()), &["scaler.json", "twice"]),
    (
        "lstm",
        "networks of another size",
        |run| {
            let file = run.join("config.toml");
            let text = fs::read_to_string(&file)
                .expect("readable")
                .replace("hidden = 4\n", "hidden = 4096\n")
                .replace("layers = 1", "layers = 8");
            fs::write(file, text).expect("writable");
        },
        &["model.safetensors"],
    ),
    (
        "lstm",
        "a week of which nothing is said",
        |run| {
            edit(&run.join("calibration.json"), |fits| drop(fits["weeks"].as_object_mut().expect("weeks").remove("1")));
        },
        &["calibration.json", "nothing of week 1"],
    ),
    (
        "blend",
        "a tree of a forest in a circle",
        |run| {
            edit(&run.join("baselines.json.zst"), |models| {
                let tree = &mut models["forest"][0]["cutoffs"]["4"]["forest"][0];
                let last = tree["yes"].as_array().expect("nodes").len() - 1;
                tree["yes"][last] = 1.into();
            });
        },
        &["baselines.json.zst", "leads to node 1"],
    ),
    (
        "hazard",
        "hazards that read elsewhere",
        |run| {
            edit(&run.join("baselines.json.zst"), |models| {
                let weights = &mut models["hazard"][0]["cutoffs"]["4"]["hazard"]["weights"];
                let columns = weights["columns"].as_array_mut().expect("columns");
                *columns.last_mut().expect("one at least") = u32::MAX.into();
            });
        },
        &["baselines.json.zst", "column 4294967295"],
    ),
    (
        "lstm",
        "an enrolment in training and test",
        |run| {
            split(run, |split| {
                let (course, ids) = split["test"].as_object().expect("courses").iter().next().expect("a course");
                let (course, ids) = (course.clone(), ids.clone());
                split["training"][course] = ids;
            });
        },
        &["split.json", "training set and in the test part"],
    ),
    (
        "lstm",
        "a course in training and test",
        |run| {
            split(run, |split| {
                let (course, ids) = split["test"].as_object().expect("courses").iter().next().expect("a course");
                let (course, mut ids) = (course.clone(), ids.clone());
                let one = ids.as_array_mut().expect("ids").pop().expect("one at least");
                split["test"][&course] = ids;
                split["training"][&course] = json!([one]);
            });
        },
        &["split.json", "is in the training set and in the test part"],
    ),
    (
        "lstm",
        "training set and test part in each other's place",
        |run| {
            split(run, |split| {
                let (training, test) = (split["training"].take(), split["test"].take());
                (split["training"], split["test"]) = (test, training);
            });
        },
        &["training"],
    ),
    (
        "lstm",
        "an enrolment twice in the training set",
        |run| {
            split(run, |split| {
                let courses = split["training"].as_object_mut().expect("courses");
                let ids = courses.values_mut().next().and_then(Value::as_array_mut).expect("a course");
                ids[1] = ids[0].clone();
            });
        },
        &["split.json", "each once in its course"],
    ),
    (
        "folds",
        "an enrolment in two folds",
        |run| {
            let path = run.join("out_of_fold.parquet");
            let rows = table(&path);
            let folds = rows["fold"].as_primitive::<Int32Type>();
            let other: Int32Array = (0..rows.num_rows())
                .map(|row| Some(if row == 0 { 1 - folds.value(0) } else { folds.value(row) }))
                .collect();
            write_table(&path, &column(&rows, "fold", Arc::new(other)));
        },
        &["out_of_fold.parquet", "in two folds"],
    ),
    (
        "folds",
        "predictions of an enrolment that was in no fold",
        |run| {
            let path = run.join("out_of_fold.parquet");
            let rows = table(&path);
            let ids: StringArray = (0..rows.num_rows()).map(|_| Some("nobody")).collect();
            write_table(&path, &column(&rows, "enrolment_id", Arc::new(ids)));
        },
        &["out_of_fold.parquet", "split.json does not have"],
    ),
    (
        "folds",
        "learners at risk whom no threshold takes for that",
        |run| {
            let path = run.join("out_of_fold.parquet");
            let rows = table(&path);
            let at_risk: BooleanArray =
                rows["at_risk"].as_boolean().iter().map(|flag| flag.map(|flag| !flag)).collect();
            write_table(&path, &column(&rows, "at_risk", Arc::new(at_risk)));
        },
        &["out_of_fold.parquet", "at_risk"],
    ),
    (
        "lstm",
        "an epoch after the last",
        |run| {
            let file = run.join("metrics.jsonl");
            let text = fs::read_to_string(&file).expect("readable").replacen("\"epoch\":1,", "\"epoch\":999,", 1);
            fs::write(file, text).expect("writable");
        },
        &["metrics.jsonl", "line 1"],
    ),
    (
        "logistic",
        "a file that unpacks to 3 GB",
        |run| {
            let mut packed = zstd::Encoder::new(fs::File::create(run.join("baselines.json.zst")).expect("writable"), 1)
                .expect("memory");
            std::io::copy(&mut std::io::Read::take(std::io::repeat(b' '), 3 << 30), &mut packed).expect("writable");
            packed.finish().expect("writable");
        },
        &["baselines.json.zst", "unpack to more than"],
    ),
    (
        "logistic",
        "deep nesting",
        |run| fs::write(run.join("split.json"), "[".repeat(1_000_000)).expect("writable"),
        &["split.json"],
    ),
];

/// Names what only `runs seal`, `runs verify` and commands that read it look at.
const STORED: [&str; 2] = ["out_of_fold.parquet", "metrics.jsonl"];

/// Checks that a change of a copy of a run is refused, whatever its checksums say.
fn refused(bench: &Bench, name: &str, change: &dyn Fn(&Path), parts: &[&str]) {
    let copy = bench.copy();
    change(&copy);
    run("runs verify {}", &[&copy]).expect(1).complains(&["changed since the run was written"]);
    // Neither a seal nor an old version lets it pass.
    run("runs seal {}", &[&copy]).expect(1).complains(parts);
    unseal(&copy);
    if STORED.contains(&parts[0]) {
        run("runs verify {}", &[&copy]).expect(1).complains(parts);
        return;
    }
    let most = if rounds(1) > 1 { COMMANDS.len() } else { 1 };
    // A list of runs reads no models.
    let read_models = |line: &str| !line.starts_with("runs {run} --json");
    for (number, _) in COMMANDS.iter().enumerate().take(most).filter(|(_, line)| read_models(line)) {
        let found = bench.outcome(number);
        found.assert_refusal(name);
        assert!(parts.iter().all(|part| found.stderr.contains(part)), "{name}: {}", found.stderr);
    }
}

/// Holds a change of a run that makes no sense.
pub(crate) struct Nonsense {
    /// The kind of run.
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) change: Box<dyn Fn(&Path)>,
    /// What a refusal says.
    pub(crate) parts: &'static [&'static str],
}

/// Lists changes that no checksum vouches for.
pub(crate) fn nonsense() -> impl Iterator<Item = Nonsense> {
    let changes = CHANGES.iter().map(|&(kind, name, change, parts)| Nonsense {
        kind,
        name: name.to_owned(),
        change: Box::new(change),
        parts,
    });
    let values = VALUES.iter().map(|&(kind, file, place, value, parts)| {
        let value: Value = serde_json::from_str(value).expect("JSON");
        let change = move |run: &Path| {
            edit(&run.join(file), |whole| {
                *whole.pointer_mut(place).unwrap_or_else(|| panic!("{file} has no {place}")) = value.clone();
            });
        };
        Nonsense { kind, name: format!("{file}: {place}"), change: Box::new(change), parts }
    });
    changes.chain(values)
}

#[test]
fn nonsense_is_refused_by_name_whatever_the_checksums_say() {
    for Nonsense { kind, name, change, parts } in nonsense() {
        refused(&Bench::of(kind), &name, &change, parts);
    }
}

#[test]
fn a_split_of_other_enrolments_than_the_data_has_is_refused() {
    let bench = Bench::of("logistic");
    type Case = (fn(&mut Value), &'static str);
    let cases: [Case; 2] = [
        (
            |split| {
                let courses = split["training"].as_object_mut().expect("courses");
                let ids = courses.values_mut().next().and_then(Value::as_array_mut).expect("a course");
                *ids.last_mut().expect("one at least") = json!("~nobody");
            },
            "an enrolment in",
        ),
        (|split| split["training_learners"] = json!(["~nobody"]), "training_learners deny"),
    ];
    for (change, part) in cases {
        let copy = bench.copy();
        split(&copy, change);
        // Nothing in the run says which enrolments there are.
        run("runs seal {}", &[&copy]).expect(0);
        let found = bench.outcome(1);
        found.assert_refusal(part);
        assert!(found.stderr.contains("split.json") && found.stderr.contains(part), "{}", found.stderr);
    }
}

#[test]
fn a_weight_that_overflows_gives_an_error_and_no_scores() {
    let bench = Bench::of("lstm");
    let copy = bench.copy();
    set_weight(&copy, f32::MAX.to_bits());
    run("runs seal {}", &[&copy]).expect(0).says(&["model.safetensors"]);
    let found = bench.outcome(0);
    if found.status == Some(0) { found.assert_finite("a great weight") } else { found.assert_refusal("a great weight") }
}
