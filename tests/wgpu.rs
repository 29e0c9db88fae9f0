//! The commands on a GPU through wgpu, against the CPU. Needs an adapter; `scripts/test` runs these on one that a CPU plays.

mod common;

use std::fs;
use std::path::Path;

use common::{Workshop, folder, run, staycast};
use serde_json::Value;

/// Tiny, since adapters that a CPU plays are slow.
const TINY: &str = "--set model.hidden=4 --set training.epochs=2 --set training.batch_size=128 --set ensemble.members=2 \
                    --set ensemble.validation_folds=2 --split time";
/// Probabilities of the same model may differ by this much between devices.
const SCORING_TOLERANCE: f64 = 1e-4;
/// Probabilities of a model trained anew may differ by this much: steps pass on what the first one rounds.
const TRAINING_TOLERANCE: f64 = 2e-2;

fn probabilities(path: &Path) -> Vec<Option<f64>> {
    let text = fs::read_to_string(path).expect("readable");
    text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["p_dropout"].as_f64()).collect()
}

fn assert_close(one: &[Option<f64>], other: &[Option<f64>], tolerance: f64) {
    assert_eq!(one.len(), other.len());
    for (one, other) in one.iter().zip(other) {
        match (one, other) {
            (Some(one), Some(other)) => assert!((one - other).abs() <= tolerance, "{one} and {other}"),
            (None, None) => {}
            _ => panic!("scored on one device only"),
        }
    }
}

#[test]
#[ignore = "needs a Vulkan adapter; scripts/test runs it"]
fn wgpu_is_listed_and_computes_right() {
    let listing = staycast(["devices", "--json"]).expect(0).json();
    let wgpu = listing["backends"].as_array().expect("a list").iter().find(|entry| entry["backend"] == "wgpu");
    let devices = wgpu.expect("wgpu is in this build")["devices"].as_array().expect("a list").clone();
    assert!(devices.iter().any(|device| device["passed"] == true), "{devices:?}");
}

#[test]
#[ignore = "needs a Vulkan adapter; scripts/test runs it"]
fn training_evaluating_and_scoring_on_wgpu_agree_with_the_cpu() {
    let shop = Workshop::open();
    let here = folder();
    let (cpu, gpu) = (here.path().join("cpu"), here.path().join("gpu"));
    run(&format!("train {{}} --out {{}} --device cpu {TINY}"), &[&shop.sequences(), &cpu]).expect(0);
    run(&format!("train {{}} --out {{}} --device wgpu {TINY}"), &[&shop.sequences(), &gpu]).expect(0);
    let printed = run("inspect {} --json", &[&gpu]).expect(0).json();
    assert_eq!(printed["manifest"]["device"]["backend"], "wgpu");

    let score = |model: &Path, device: &str| {
        let out = here.path().join("scores.jsonl");
        let line = format!("score {{}} {{}} --out {{}} --device {device}");
        run(&line, &[model, &shop.sequences(), &out]).expect(0);
        probabilities(&out)
    };
    // The adapter by its number, which it has alone.
    let by_number = here.path().join("by-number");
    let line = format!("train {{}} --out {{}} --device wgpu:0 {TINY}");
    run(&line, &[&shop.sequences(), &by_number]).expect(0);
    let weights = |run: &Path| fs::read(run.join("model.safetensors")).expect("readable");
    assert_eq!(weights(&gpu), weights(&by_number));
    let nowhere = here.path().join("nowhere.csv");
    let ran = run("score {} {} --out {} --device wgpu:63", &[&cpu, &shop.sequences(), &nowhere]).expect(1);
    ran.complains(&["no device 63", "staycast devices"]);
    assert!(!nowhere.exists());
    // One model on two devices, then two models on one.
    assert_close(&score(&cpu, "cpu"), &score(&cpu, "wgpu"), SCORING_TOLERANCE);
    assert_close(&score(&cpu, "cpu"), &score(&gpu, "cpu"), TRAINING_TOLERANCE);

    let auc = |device: &str| {
        let line = format!("evaluate {{}} {{}} --json --resamples 0 --device {device}");
        let report = run(&line, &[&gpu, &shop.sequences()]).expect(0).json();
        report["cohorts"]["all"]["auc"].as_f64().expect("both classes are there")
    };
    assert!((auc("cpu") - auc("wgpu")).abs() < 1e-3);
}

#[test]
#[ignore = "needs a Vulkan adapter; scripts/test runs it"]
#[cfg(target_os = "linux")]
fn a_bench_says_what_kernels_cost_with_and_without_those_on_disk() {
    let shop = Workshop::open();
    // Large batches, so that a round has few steps.
    let line = "bench --json --quiet --sequences {} --device wgpu --shapes 4,2,4,10000 --rounds 1";
    let report = run(line, &[&shop.sequences()]).expect(0).json();
    let start = &report["start_up"][0];
    assert_eq!((&start["device"], &start["h"]), (&Value::from("wgpu"), &Value::from(4)));
    let seconds = |key: &str| start[key].as_f64().expect(key);
    assert!(seconds("warm_seconds") > 0.0 && seconds("cold_seconds") > seconds("warm_seconds"), "{start}");
    let result = &report["results"][0];
    let seconds = |key: &str| result[key].as_f64().expect(key);
    assert!(seconds("seconds_to_first_step") > seconds("seconds_to_first_step_again"), "{result}");
}
