//! What is written beside a run: the record of its evaluations, and the states that a training goes on from.

use std::fs;
use std::path::PathBuf;

use crate::commands::outcome;
use crate::common::{arguments, bytes_of, command, copy_of, folder, kill_when, run};
use crate::damage::{Random, damage, rounds};
use crate::runs::{Bench, Runs, SMALL};

#[test]
fn the_record_of_evaluations_is_a_chain() {
    let bench = Bench::of("logistic");
    let copy = bench.copy();
    for _ in 0..3 {
        run("evaluate {} {} --quiet", &[&copy, &bench.sequences]).expect(0);
    }
    let record = copy.join("evaluations.jsonl");
    let text = fs::read_to_string(&record).expect("readable");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    run("runs verify {}", &[&copy]).expect(0);
    let mut random = Random::new(99);
    for changed in [
        format!("{}\n{}\n", lines[1], lines[2]),
        format!("{}\n{}\n", lines[0], lines[2]),
        format!("{}\n{}\n{}\n", lines[0], lines[2], lines[1]),
        text.replacen("\"rows\":", "\"rows\":1", 1),
    ] {
        fs::write(&record, changed).expect("writable");
        for line in ["runs verify {}", "inspect {}"] {
            run(line, &[&copy]).expect(1).complains(&["evaluations.jsonl"]);
        }
        run("evaluate {} {} --quiet", &[&copy, &bench.sequences]).expect(1).complains(&["evaluations.jsonl"]);
        run("runs {}", &[&copy]).expect(0).says(&["evaluations.jsonl"]);
    }
    for _ in 0..rounds(3) {
        let mut bytes = text.clone().into_bytes();
        let how = damage(&mut bytes, &mut random);
        fs::write(&record, &bytes).expect("writable");
        let found = run("inspect {} --json", &[&copy]);
        // A record that ends sooner is one of before.
        if found.status == Some(0) {
            let whole = String::from_utf8(bytes).expect("text");
            assert!(whole.lines().all(|line| line.is_empty() || lines.contains(&line)), "{how}: {whole}");
        } else {
            found.expect(1).complains(&["evaluations.jsonl"]);
        }
    }
}

#[test]
fn a_damaged_checkpoint_is_refused_or_ends_with_the_same_bytes() {
    let runs = Runs::open();
    let place = folder();
    for (kind, settings) in [
        ("lstm", "--split course --model lstm"),
        ("trees", "--split course --model blend --set model.blend=forest,boosting"),
    ] {
        let settings =
            format!("{settings} {SMALL} --set training.epochs=40 --set training.patience=40 --set ensemble.members=4");
        let (whole, begun, again) = (
            place.path().join(format!("{kind}-whole")),
            place.path().join(format!("{kind}-begun")),
            place.path().join("again"),
        );
        let line = format!("train {{}} --out {{}} {settings}");
        run(&line, &[&runs.sequences(), &whole]).expect(0);
        let checkpoints = begun.join("checkpoints");
        let some = || fs::read_dir(&checkpoints).is_ok_and(|entries| entries.count() > 2);
        if !kill_when(command(arguments(&line, &[&runs.sequences(), &begun])), some) {
            // Too quick for a kill: the folder as it was before its manifest.
            fs::remove_file(begun.join("manifest.json")).expect("there");
        }
        let mut random = Random::new(7);
        for _ in 0..rounds(3) {
            if again.exists() {
                fs::remove_dir_all(&again).expect("removable");
            }
            copy_of(&begun, &again);
            let mut files: Vec<PathBuf> = fs::read_dir(again.join("checkpoints"))
                .expect("readable")
                .map(|entry| entry.expect("an entry").path())
                .filter(|path| path.is_file())
                .collect();
            files.sort();
            let file = &files[random.below(files.len())];
            let mut bytes = fs::read(file).expect("readable");
            let how = format!("{kind}, {}: {}", file.display(), damage(&mut bytes, &mut random));
            fs::write(file, bytes).expect("writable");
            let found = outcome(
                "train {sequences} --out {run} --resume --device cpu --quiet",
                &[("sequences", &runs.sequences()), ("run", &again)],
                &place.path().join("none"),
            );
            if found.status == Some(0) {
                let (found, expected) = (bytes_of(&again), bytes_of(&whole));
                for (name, bytes) in &expected {
                    assert!(
                        name.starts_with("checkpoints") || found.get(name) == Some(bytes),
                        "{how}: {}",
                        name.display()
                    );
                }
            } else {
                found.assert_refusal(&how);
            }
        }
    }
}
