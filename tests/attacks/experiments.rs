//! Experiments that disks, transfers and people damaged: a file of one is refused or as it was, and nothing panics.

use std::fs;

use crate::common::{bytes_of, copy_of, folder, run};
use crate::damage::{Random, damage, rounds};
use crate::writing::Materials;

#[test]
fn a_damaged_experiment_is_refused_or_tells_the_same() {
    let place = folder();
    let materials = Materials::open();
    let (whole, scores) = (place.path().join("whole"), materials.join("scores/scores.csv"));
    copy_of(&materials.join("experiment"), &whole);
    let assigned = fs::read_to_string(whole.join("assignments.csv")).expect("readable");
    let id = assigned.lines().nth(1).and_then(|line| line.split(',').nth(1)).expect("an enrolment");
    let sent = place.path().join("sent.csv");
    fs::write(&sent, format!("enrolment_id,when,what\n{id},2024-02-01,mail\n")).expect("writable");
    run("experiment record {} {} --quiet", &[&whole, &sent]).expect(0);
    let report = "experiment report {} {} --json";
    let sequences = materials.join("sequences");
    let expected = run(report, &[&whole, &sequences]).expect(0).stdout;
    let expected = expected.replace("\"is_repeated\": false", "\"is_repeated\": true");
    let before = bytes_of(&whole);
    let mut random = Random::new(77);
    for name in ["plan.toml", "assignments.parquet", "deliveries.parquet", "looks.jsonl"] {
        for _ in 0..rounds(6) {
            let damaged = place.path().join("damaged");
            copy_of(&whole, &damaged);
            let mut bytes = before[std::path::Path::new(name)].clone();
            let how = format!("{name}: {}", damage(&mut bytes, &mut random));
            fs::write(damaged.join(name), bytes).expect("writable");
            for line in [report, "experiment assign {} {} --json"] {
                let with = if line == report { &sequences } else { &scores };
                let ran = run(line, &[&damaged, with]);
                assert!(!ran.stderr.contains("panicked"), "{how}: {}", ran.stderr);
                assert!(matches!(ran.status, Some(0 | 1)), "{how}: {:?} {}", ran.status, ran.stderr);
                // The text of a plan may say something else and make sense; what was assigned and delivered may not.
                if line == report && name.ends_with("parquet") && ran.status == Some(0) {
                    assert_eq!(ran.stdout, expected, "{how}");
                }
                if ran.status == Some(1) {
                    assert!(ran.stderr.contains("error: ") && !ran.stderr.contains(id), "{how}: {}", ran.stderr);
                }
            }
            let arms = fs::read(damaged.join("assignments.csv")).expect("there");
            assert!(arms == assigned.as_bytes(), "{how}: the arms changed");
            fs::remove_dir_all(&damaged).expect("removable");
        }
    }
}

#[test]
fn damaged_scores_are_refused_or_assign_as_they_say() {
    let place = folder();
    let materials = Materials::open();
    let at = |name: &str| place.path().join(name);
    let score = "score {} {} --out {} --week 2 --quiet --device cpu";
    let mut random = Random::new(78);
    for ending in ["parquet", "csv", "jsonl"] {
        let scores = at("scores").with_extension(ending);
        run(score, &[&materials.join("run"), &materials.join("sequences"), &scores]).expect(0);
        let whole = fs::read(&scores).expect("readable");
        for _ in 0..rounds(6) {
            let mut bytes = whole.clone();
            let how = format!("{ending}: {}", damage(&mut bytes, &mut random));
            fs::write(&scores, bytes).expect("writable");
            let line = "experiment new --name x --arms message --effect 0.4 --population {} --out {} --json";
            let ran = run(line, &[&scores, &at("out")]);
            // The parquet crate panics at some pages that can't be decoded; that ends in an error that names the file.
            let said = if ending == "parquet" { "scores.parquet: its pages can't be decoded" } else { "never" };
            assert!(!ran.stderr.contains("panicked") || ran.stderr.contains(said), "{how}: {}", ran.stderr);
            assert!(matches!(ran.status, Some(0 | 1)), "{how}: {:?} {}", ran.status, ran.stderr);
            assert_eq!(at("out").exists(), ran.status == Some(0), "{how}");
            if at("out").exists() {
                fs::remove_dir_all(at("out")).expect("removable");
            }
        }
    }
}
