//! Several commands at once that write to the same place.

use std::cell::RefCell;
use std::fs;
use std::process::Stdio;

use crate::common::{Ran, arguments, command, folder, kill_when, run};
use crate::damage::rounds;
use crate::runs::{Bench, Runs, SMALL};
use crate::writing::{Materials, Writing, assert_clean};

#[test]
fn evaluations_at_once_are_all_recorded_and_counted() {
    let bench = Bench::of("logistic");
    for _ in 0..rounds(1) {
        let copy = bench.copy();
        let places = [copy.as_path(), &bench.sequences];
        let all: Vec<_> = (0..6)
            .map(|_| command(arguments("evaluate {} {} --json --quiet", &places)).stdout(Stdio::piped()).spawn())
            .collect();
        let mut counts: Vec<u64> = all
            .into_iter()
            .map(|one| {
                let ended = one.expect("it runs").wait_with_output().expect("it ends");
                assert!(ended.status.success());
                let report: serde_json::Value = serde_json::from_slice(&ended.stdout).expect("JSON");
                report["evaluations_of_this_part"].as_u64().expect("a count")
            })
            .collect();
        counts.sort_unstable();
        assert_eq!(counts, [1, 2, 3, 4, 5, 6]);
        assert_eq!(fs::read_to_string(copy.join("evaluations.jsonl")).expect("readable").lines().count(), 6);
        run("runs verify {}", &[&copy]).expect(0);
    }
}

#[test]
fn of_two_that_write_a_folder_one_has_it_and_the_other_says_so() {
    let materials = Materials::open();
    for writing in ["preprocess", "recalibrate", "runs import"].map(Writing::named) {
        for _ in 0..rounds(1) {
            let here = folder();
            let out = here.path().join("out");
            let begin = || {
                let mut command = command(writing.arguments(materials, &out, false));
                command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs")
            };
            let both = [begin(), begin()].map(|one| Ran::of(one.wait_with_output().expect("it ends")));
            let lost: Vec<&Ran> = both.iter().filter(|ran| ran.status != Some(0)).collect();
            let said = format!("{}: {} {}", writing.name, both[0].stderr, both[1].stderr);
            assert_eq!(lost.len(), 1, "{said}");
            // Which it is depends on when the later one looked.
            assert!(["meanwhile", "exists", "not empty"].iter().any(|word| lost[0].stderr.contains(word)), "{said}");
            assert!(!lost[0].stderr.contains("os error"), "{said}");
            assert!(out.join("manifest.json").is_file(), "{said}");
            assert_clean(here.path(), writing.name);
        }
    }
}

#[test]
fn a_run_in_training_is_not_taken_for_an_interrupted_one() {
    let runs = Runs::open();
    let here = folder();
    let out = here.path().join("run");
    let line = format!("train {{}} --out {{}} --split course {SMALL}");
    let long = format!("{line} --set training.epochs=100000 --set training.patience=100000");
    let seen = RefCell::new(Vec::new());
    let places = [runs.sequences(), out.clone()];
    let places = [places[0].as_path(), &places[1]];
    let killed = kill_when(command(arguments(&long, &places)), || {
        let has_begun = out.join("config.toml").is_file();
        if has_begun {
            for more in ["", " --resume"] {
                seen.borrow_mut().push(run(&format!("{long}{more}"), &places));
            }
        }
        has_begun
    });
    assert!(killed);
    assert_eq!(seen.borrow().len(), 2);
    for ran in seen.into_inner() {
        let ran = ran.expect(1).complains(&["a training is running in"]);
        assert!(!ran.stderr.contains("--resume"), "{}", ran.stderr);
    }
    run(&long, &places).expect(1).complains(&["holds an interrupted run", "--resume"]);
}
