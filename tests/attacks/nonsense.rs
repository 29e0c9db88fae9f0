//! Runs whose files make no sense: refused by name, whatever the checksums say.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::run;
use crate::damage::rounds;
use crate::runs::{Bench, COMMANDS, edit, unseal};

/// Puts other bits in the place of one weight of a network.
fn set_weight(run: &Path, bits: u32) {
    let file = run.join("model.safetensors");
    let mut bytes = fs::read(&file).expect("readable");
    let at = bytes.len() - 40;
    bytes[at..at + 4].copy_from_slice(&bits.to_le_bytes());
    fs::write(file, bytes).expect("writable");
}

/// A change of a run that makes no sense: the kind of run, a name, the change, and what a refusal says.
type Nonsense = (&'static str, &'static str, fn(&Path), &'static [&'static str]);

/// Returns changes that no checksum vouches for.
pub(crate) fn nonsense() -> Vec<Nonsense> {
    fn boosting(run: &Path, change: fn(&mut Value)) {
        edit(&run.join("baselines.json.zst"), |models| {
            let fitted = models["boosting"][0]["cutoffs"]["4"]["boosting"].as_object_mut().expect("boosting");
            change(&mut fitted["booster"]["trees"][0]["nodes"][0]);
        });
    }
    fn forest(run: &Path, change: fn(&mut Value)) {
        edit(&run.join("baselines.json.zst"), |models| change(&mut models["forest"][0]["cutoffs"]["4"]["forest"][0]));
    }
    fn column(run: &Path, change: fn(&mut Vec<Value>)) {
        edit(&run.join("scaler.json"), |scaler| change(scaler["columns"].as_array_mut().expect("columns")));
    }
    fn fit(run: &Path, change: fn(&mut Value)) {
        edit(&run.join("calibration.json"), |fits| change(&mut fits["weeks"]["4"]));
    }
    vec![
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
            "a negative deviation",
            |run| column(run, |c| c[0]["deviation"] = (-1.0).into()),
            &["scaler.json", "deviation"],
        ),
        (
            "lstm",
            "a deviation of 0",
            |run| column(run, |c| c[0]["deviation"] = 0.0.into()),
            &["scaler.json", "deviation"],
        ),
        ("lstm", "an infinite mean", |run| column(run, |c| c[0]["mean"] = 1e300.into()), &["scaler.json", "mean"]),
        ("lstm", "no columns", |run| column(run, Vec::clear), &["scaler.json", "no columns"]),
        ("lstm", "reversed columns", |run| column(run, |c| c.reverse()), &["columns"]),
        ("lstm", "two columns that changed places", |run| column(run, |c| c.swap(0, 1)), &["columns"]),
        (
            "lstm",
            "the last columns, that are no features, changed places",
            |run| {
                column(run, |c| {
                    let last = c.len() - 1;
                    c.swap(last - 1, last);
                });
            },
            &["columns"],
        ),
        (
            "logistic",
            "the same in a run without networks",
            |run| {
                column(run, |c| {
                    let last = c.len() - 1;
                    c.swap(last - 1, last);
                });
            },
            &["columns"],
        ),
        ("lstm", "a column twice", |run| column(run, |c| c[1] = c[0].clone()), &["scaler.json", "twice"]),
        (
            "lstm",
            "weeks beyond all calendars",
            |run| edit(&run.join("manifest.json"), |m| m["weeks"] = 0.into()),
            &["manifest.json", "weeks"],
        ),
        (
            "logistic",
            "weeks beyond the model's",
            |run| edit(&run.join("manifest.json"), |m| m["weeks"] = 65535.into()),
            &["weeks"],
        ),
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
            "a threshold above 1",
            |run| {
                fit(run, |fit| {
                    fit["threshold"]["threshold"] = 1.5.into();
                    fit["reference"]["threshold"] = 1.5.into();
                });
            },
            &["calibration.json", "week 4", "threshold"],
        ),
        (
            "lstm",
            "a slope out of range",
            |run| fit(run, |fit| fit["calibration"]["slope"] = 1e300.into()),
            &["calibration.json", "week 4"],
        ),
        (
            "lstm",
            "scores as probabilities",
            |run| fit(run, |fit| fit["calibration"] = serde_json::json!({"method": "identity"})),
            &["calibration.json", "method"],
        ),
        (
            "lstm",
            "counts that overflow",
            |run| fit(run, |fit| fit["threshold"]["confusion"]["tp"] = u64::MAX.into()),
            &["calibration.json", "count"],
        ),
        (
            "boosting",
            "a tree that leads back",
            |run| boosting(run, |node| node["left_child"] = 0.into()),
            &["baselines.json.zst", "leads to node 0"],
        ),
        (
            "boosting",
            "a child that is not there",
            |run| boosting(run, |node| node["right_child"] = 100_000.into()),
            &["baselines.json.zst", "leads to node 100000"],
        ),
        (
            "boosting",
            "a way for missing values that leads back",
            |run| boosting(run, |node| node["missing_node"] = 0.into()),
            &["baselines.json.zst", "leads to node 0"],
        ),
        (
            "boosting",
            "a feature that is not there",
            |run| boosting(run, |node| node["split_feature"] = 9_999.into()),
            &["baselines.json.zst", "feature 9999"],
        ),
        (
            "boosting",
            "an absurd weight of a leaf",
            |run| boosting(run, |node| node["weight_value"] = 1e30.into()),
            &["baselines.json.zst", "weight"],
        ),
        (
            "blend",
            "a tree of a forest in a circle",
            |run| {
                forest(run, |tree| {
                    let last = tree["yes"].as_array().expect("nodes").len() - 1;
                    tree["yes"][last] = 1.into();
                });
            },
            &["baselines.json.zst", "leads to node 1"],
        ),
        (
            "blend",
            "a tree of a forest that reads elsewhere",
            |run| forest(run, |tree| tree["columns"][0] = 100_000.into()),
            &["baselines.json.zst", "column 100000"],
        ),
        (
            "blend",
            "a forest without nodes",
            |run| forest(run, |tree| *tree = serde_json::json!({"columns": [], "values": [], "yes": []})),
            &["baselines.json.zst", "0 values"],
        ),
        (
            "blend",
            "a negative weight of a blend",
            |run| edit(&run.join("blend.json"), |blend| blend["weights"]["4"]["weights"][0]["weight"] = (-1.0).into()),
            &["blend.json", "weight"],
        ),
        (
            "blend",
            "a part of a blend that is another",
            |run| edit(&run.join("blend.json"), |blend| blend["weights"]["4"]["weights"][0]["name"] = "lstm2".into()),
            &["blend.json", "other models"],
        ),
        (
            "lstm",
            "hazards without weeks",
            |run| {
                edit(&run.join("survival.json.zst"), |model| {
                    model["cutoffs"]["4"]["hazard"]["weeks"] = serde_json::json!([]);
                });
            },
            &["survival.json.zst", "week effects"],
        ),
        (
            "hazard",
            "hazards that read elsewhere",
            |run| {
                edit(&run.join("baselines.json.zst"), |models| {
                    let columns = models["hazard"][0]["cutoffs"]["4"]["hazard"]["weights"]["columns"]
                        .as_array_mut()
                        .expect("columns");
                    let last = columns.len() - 1;
                    columns[last] = u32::MAX.into();
                });
            },
            &["baselines.json.zst", "column 4294967295"],
        ),
        (
            "lstm",
            "an enrolment in training and test",
            |run| {
                edit(&run.join("split.json"), |split| {
                    let (course, ids) = split["test"]
                        .as_object()
                        .expect("courses")
                        .iter()
                        .next()
                        .map(|(course, ids)| (course.clone(), ids.clone()))
                        .expect("a course");
                    split["training"][course] = ids;
                });
            },
            &["split.json", "training set and in the test part"],
        ),
        (
            "folds",
            "a fold that there is not",
            |run| edit(&run.join("fold_calibration.json"), |fits| fits[0]["fold"] = 7.into()),
            &["fold_calibration.json", "fold 7"],
        ),
        (
            "folds",
            "a member of no fold",
            |run| edit(&run.join("manifest.json"), |m| m["members"][0]["fold"] = u32::MAX.into()),
            &["manifest.json", "member"],
        ),
        (
            "logistic",
            "a file that unpacks to 3 GB",
            |run| {
                let mut packed =
                    zstd::Encoder::new(fs::File::create(run.join("baselines.json.zst")).expect("writable"), 1)
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
    ]
}

#[test]
fn nonsense_is_refused_by_name_whatever_the_checksums_say() {
    for (kind, name, change, parts) in nonsense() {
        let bench = Bench::of(kind);
        let copy = bench.copy();
        change(&copy);
        run("runs verify {}", &[&copy]).expect(1).complains(&["changed since the run was written"]);
        // Neither a seal nor an old version lets it pass.
        run("runs seal {}", &[&copy]).expect(1).complains(parts);
        unseal(&copy);
        let most = if rounds(1) > 1 { COMMANDS.len() } else { 1 };
        // A list of runs reads no models.
        let read_models = |line: &str| !line.starts_with("runs {run} --json");
        for (number, _) in COMMANDS.iter().enumerate().take(most).filter(|(_, line)| read_models(line)) {
            let found = bench.outcome(number);
            found.assert_refusal(name);
            assert!(parts.iter().all(|part| found.stderr.contains(part)), "{name}: {}", found.stderr);
        }
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
