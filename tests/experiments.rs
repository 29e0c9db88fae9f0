//! `staycast compare`, `tune`, `runs` and `train --track`: many runs, side by side and elsewhere.

mod common;

use std::fs;

use serde_json::Value;

use common::{Workshop, assert_same_bytes, folder, names_in, run};

/// Settings that make training quick.
const QUICK: &str = "--device cpu --set model.hidden=6 --set training.epochs=2 --set ensemble.members=2 \
                     --set ensemble.validation_folds=2 --set training.weeks=4 --set split.by=time";

#[test]
fn models_are_compared_on_the_same_rows() {
    let (shop, home) = (Workshop::open(), folder());
    let out = home.path().join("compared");
    let line = format!(
        "compare {{}} --out {{}} --models logistic,rules,days-since-last,hazard --resamples 200 {QUICK} --json"
    );
    let report = run(&line, &[&shop.sequences(), &out]).expect(0).json();
    let names: Vec<&str> =
        report["runs"].as_array().expect("a list").iter().map(|run| run["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["logistic", "rules", "days-since-last"]);
    let pairs = report["pairs"].as_array().expect("a list");
    assert_eq!(pairs.len(), 3);
    for pair in pairs {
        let auc = &pair["cohorts"]["all"]["rows"]["auc"];
        let (low, middle, high) = (auc["low"].as_f64(), auc["difference"].as_f64(), auc["high"].as_f64());
        assert!(low <= middle && middle <= high, "{auc}");
        assert!((0.0..=1.0).contains(&auc["p_value"].as_f64().expect("a p-value")), "{auc}");
    }
    // Corrected p-values are no smaller, and only comparisons with the first are in the table.
    for (pair, with_first) in pairs.iter().zip([true, true, false]) {
        let compared = &pair["cohorts"]["all"];
        let plain = compared["rows"]["auc"]["p_value"].as_f64();
        let corrected = &compared["corrected_p"];
        assert_eq!(corrected["among_those_with_the_first"].is_f64(), with_first, "{corrected}");
        assert!(corrected["among_all_pairs"].as_f64() >= plain, "{corrected}");
    }
    // The difference is that of the figures in the table.
    let auc = |run: usize| report["runs"][run]["cohorts"]["all"]["auc"].as_f64().expect("defined");
    let first = pairs[0]["cohorts"]["all"]["rows"]["auc"]["difference"].as_f64().expect("defined");
    assert!((auc(0) - auc(1) - first).abs() < 1e-12, "{} {} {first}", auc(0), auc(1));
    // How long each took stands in the table, and in one line why one is missing: the log has no dates of leaving.
    let text = fs::read_to_string(out.join("comparison.txt")).expect("written");
    let heading = text.lines().find(|line| line.starts_with("model")).expect("a table");
    assert!(heading.ends_with("training"), "{heading}");
    for run in report["runs"].as_array().expect("a list") {
        let (name, seconds) = (run["name"].as_str().expect("a name"), run["training_seconds"].as_f64());
        assert!(seconds.is_some_and(|seconds| seconds > 0.0), "{run}");
        let row = text.lines().find(|line| line.starts_with(name)).expect("a row");
        assert!(row.ends_with(" s"), "{row}");
    }
    let why: Vec<&str> = text.lines().filter(|line| line.starts_with("hazard takes no part: ")).collect();
    assert!(why.len() == 1 && why[0].contains("when learners left"), "{text}");
    assert_eq!(report["failed"].as_array().expect("a list").len(), 1);

    // Called again, it keeps what is finished and says the same.
    let again = run(&line, &[&shop.sequences(), &out]).expect(0).json();
    assert_eq!(again["pairs"], report["pairs"]);

    let listed = run("runs {} --sort auc --json", &[&out]).expect(0).json();
    assert_eq!(listed["runs"].as_array().expect("a list").len(), 3);
    assert!(listed["differing"].as_array().expect("a list").iter().any(|key| key == "model.kind"), "{listed}");
    let aucs: Vec<f64> = listed["runs"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|run| run["figures"]["auc"].as_f64().expect("evaluated"))
        .collect();
    assert!(aucs.is_sorted_by(|one, next| one >= next), "{aucs:?}");
    let words = run("runs {}", &[&out]).expect(0).says(&["logistic", "model.kind", "auc"]);
    assert!(words.stdout.lines().all(|line| line.chars().count() <= 100), "{}", words.stdout);
    run("runs {} --sort taste", &[&out]).expect(2).complains(&["taste", "auc"]);
}

#[test]
fn one_run_is_no_comparison() {
    let (shop, home) = (Workshop::open(), folder());
    run("compare {} --out {} --models lstm", &[&shop.sequences(), &home.path().join("out")])
        .expect(2)
        .complains(&["only one run"]);
}

#[test]
fn a_search_climbs_and_goes_on_where_it_was() {
    let (shop, home) = (Workshop::open(), folder());
    let out = home.path().join("tuning");
    let line = format!("tune {{}} --out {{}} --model tree --trials 4 --json {QUICK}");
    let report = run(&line, &[&shop.sequences(), &out]).expect(0).json();
    let tried = fs::read_to_string(out.join("trials.jsonl")).expect("written");
    let tried: Vec<Value> = tried.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    // Four on the first rung; on the second the best of these, and the given configuration.
    let best = &report["best"];
    let last: Vec<&Value> = tried.iter().filter(|one| one["rung"] == 2).collect();
    let climbed = report["last_rung"].as_array().expect("a list");
    assert_eq!((tried.len(), last.len()), (4 + climbed.len(), climbed.len()), "{tried:?}");
    assert!(last.iter().any(|one| one["trial"] == 0), "{last:?}");
    assert_eq!(best["budget"], 1.0);
    // The winner is the best of those with its budget and its rows.
    for one in &last {
        assert_eq!((&one["budget"], &one["held_out_rows"]), (&best["budget"], &best["held_out_rows"]));
        assert!(one["held_out_auc"].as_f64() <= best["held_out_auc"].as_f64(), "{one} {best}");
    }
    assert!(best["held_out_auc"].as_f64().expect("trained") > 0.5);
    assert_eq!(report["given"]["trial"], 0);
    assert_eq!(report["given"]["budget"], 1.0);
    let earlier = report["earlier_rungs"].as_array().expect("a list");
    assert_eq!((earlier.len(), &earlier[0]["trials"]), (1, &Value::from(4)));
    assert!(earlier[0]["budget"].as_f64() < Some(1.0));
    assert!(earlier[0]["held_out_rows"].as_u64() < best["held_out_rows"].as_u64(), "{earlier:?} {best}");
    let settings = fs::read_to_string(out.join("best.toml")).expect("written");
    assert!(settings.contains("kind = \"tree\""), "{settings}");

    // With one run lost the search trains that one anew, and ends the same.
    fs::remove_dir_all(out.join("runs/rung1-trial2")).expect("there");
    let again = run(&line, &[&shop.sequences(), &out]).expect(0).json();
    assert_eq!(again["best"]["trial"], best["trial"]);
    assert_eq!(again["best"]["held_out_auc"], best["held_out_auc"]);
    let words = run(&line.replace(" --json", ""), &[&shop.sequences(), &out]).expect(0);
    words
        .says(&["On the whole budget, all on the same", "compare the two figures of a rung, and no rung with another"]);
    // Another search does not mix with it.
    run(&line.replace("--trials 4", "--trials 5"), &[&shop.sequences(), &out])
        .expect(1)
        .complains(&["with other settings"]);
    run("tune {} --out {} --model rules", &[&shop.sequences(), &out]).expect(2).complains(&["no settings to search"]);
    run("tune {} --out {} --space", &[&shop.sequences(), &out]).expect(0).says(&["training.learning_rate"]);
}

#[test]
fn an_exported_run_scores_to_the_same_bytes_elsewhere() {
    let (shop, home) = (Workshop::open(), folder());
    let (archive, again) = (home.path().join("run.tar.zst"), home.path().join("again.tar.zst"));
    run("runs export {} --out {}", &[&shop.run(), &archive]).expect(0);
    run("runs export {} --out {}", &[&shop.run(), &again]).expect(0);
    assert_eq!(fs::read(&archive).expect("written"), fs::read(&again).expect("written"));
    let elsewhere = home.path().join("elsewhere");
    run("runs import {} --out {}", &[&archive, &elsewhere]).expect(0);
    let (here, there) = (home.path().join("here"), home.path().join("there"));
    fs::create_dir(&here).expect("a new folder");
    fs::create_dir(&there).expect("a new folder");
    for (trained, out) in [(&shop.run(), &here), (&elsewhere, &there)] {
        run("score {} {} --out {} --device cpu", &[trained, &shop.sequences(), &out.join("scores.parquet")]).expect(0);
    }
    assert_same_bytes(&here, &there);
    // What is no archive, and what is no run, leaves nothing behind.
    let broken = home.path().join("broken.tar.zst");
    let bytes = fs::read(&archive).expect("written");
    fs::write(&broken, &bytes[..bytes.len() / 2]).expect("writable");
    run("runs import {} --out {}", &[&broken, &home.path().join("none")]).expect(1);
    assert!(!home.path().join("none").exists());
    run("runs export {} --out {}", &[&shop.sequences(), &home.path().join("x.tar.zst")]).expect(1);
}

#[test]
fn networks_are_written_as_onnx_and_other_models_are_not() {
    let (shop, home) = (Workshop::open(), folder());
    let out = home.path().join("model.onnx");
    run("runs onnx {} --out {}", &[&shop.run(), &out]).expect(0);
    assert!(fs::read(&out).expect("written").len() > 1000);
    let rules = home.path().join("rules");
    run(&format!("train {{}} --out {{}} --model rules {QUICK}"), &[&shop.sequences(), &rules]).expect(0);
    run("runs onnx {} --out {}", &[&rules, &out]).expect(1).complains(&["networks alone", "rules"]);
}

#[test]
#[ignore = "needs STAYCAST_ONNX_PYTHON, a python with onnxruntime and pyarrow; scripts/test provides it"]
fn onnx_runtime_scores_an_exported_run_as_staycast_does() {
    let python = std::env::var("STAYCAST_ONNX_PYTHON").expect("STAYCAST_ONNX_PYTHON names a python with onnxruntime");
    let (shop, home) = (Workshop::open(), folder());
    let (model, scores) = (home.path().join("model.onnx"), home.path().join("scores.parquet"));
    run("runs onnx {} --out {}", &[&shop.run(), &model]).expect(0);
    run("score {} {} --out {} --device cpu", &[&shop.run(), &shop.sequences(), &scores]).expect(0);
    // Asked of cargo when the test runs: it may have been built in another checkout.
    let package = std::path::PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests"));
    let script = package.join("../../scripts/peers/onnx_scores.py");
    let output = std::process::Command::new(python)
        .arg(script)
        .args([shop.run(), model, shop.sequences(), scores])
        .output()
        .expect("python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(found["rows"].as_u64().expect("a count") > 100, "{found}");
    assert!(found["greatest"].as_f64().expect("a number") < 1e-5, "{found}");
}

#[test]
fn training_is_tracked_as_tensorboard_events_and_a_server_that_is_away_loses_nothing() {
    let (shop, home) = (Workshop::open(), folder());
    let (plain, tracked) = (home.path().join("plain"), home.path().join("tracked"));
    run(&format!("train {{}} --out {{}} --model lstm {QUICK}"), &[&shop.sequences(), &plain]).expect(0);
    // Nobody listens on the discard port.
    run(
        &format!("train {{}} --out {{}} --model lstm {QUICK} --track tensorboard --track mlflow=http://127.0.0.1:9"),
        &[&shop.sequences(), &tracked],
    )
    .expect(0)
    .complains(&["127.0.0.1:9"]);
    let events = names_in(&tracked.join("tensorboard"));
    assert!(events.iter().any(|name| name.starts_with("events.out.tfevents.")), "{events:?}");
    assert!(events.contains(&"repeat0-fold0-member1".to_owned()), "{events:?}");
    for file in ["model.safetensors", "calibration.json", "manifest.json", "metrics.jsonl"] {
        let bytes = |run: &std::path::Path| fs::read(run.join(file)).expect("written");
        assert_eq!(bytes(&plain), bytes(&tracked), "{file}");
    }
    run("train {} --out nowhere --track wandb", &[&shop.sequences()]).expect(2).complains(&["wandb", "tensorboard"]);
}
