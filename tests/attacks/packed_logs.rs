//! Attacks on packed logs, and on what is said of failures: a damaged one is read whole or refused, never in part.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use crate::common::run;
use crate::damage::{Random, damage, rounds};

/// Writes a folder of KDD Cup 2015 whose log is packed as `name`.
fn packed_log(folder: &Path, name: &str, packed: &[u8]) {
    std::fs::write(folder.join("date.csv"), "course_id,from,to\nc,2014-06-02,2014-06-29\n")
        .expect("a folder to write to");
    std::fs::write(folder.join("enrollment.csv"), "enrollment_id,username,course_id\n1,ann,c\n2,bob,c\n")
        .expect("the same");
    std::fs::write(folder.join(name), packed).expect("the same");
}

fn log() -> Vec<u8> {
    let row = |number: u32| {
        let (who, day, hour) = (1 + number % 2, 2 + number % 27, number % 24);
        format!("{who},2014-06-{day:02}T{hour:02}:00:{:02},server,access,o{}\n", number % 60, number * 7919 % 9973)
    };
    let rows: String = (0..3_000).map(row).collect();
    format!("enrollment_id,time,source,event,object\n{rows}").into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory to write to")
}

#[test]
fn a_damaged_packed_log_is_read_whole_or_refused() {
    let text = log();
    for round in 0..rounds(6) {
        let mut random = Random::new(round);
        let mut packed = gzip(&text);
        let how = damage(&mut packed, &mut random);
        let folder = TempDir::new().expect("a folder");
        packed_log(folder.path(), "log.csv.gz", &packed);
        let done = run("inspect {} --json", &[folder.path()]);
        let said = done.json();
        match done.status {
            Some(0) => assert_eq!(said["rows"]["read"], 3_000, "round {round}: {how}"),
            status => {
                assert_eq!(said["kind"], "error", "round {round}: {how}: {said}");
                assert_eq!(said["status"], status.expect("no signal"), "round {round}: {how}: {said}");
                assert!(!done.stderr.contains("panicked"), "round {round}: {how}: {}", done.stderr);
                let message = said["message"].as_str().expect("a message");
                assert!(message.contains("log.csv") && !message.contains("ann"), "round {round}: {how}: {message}");
            }
        }
    }
}

/// Every command that fails says so in one JSON object, where JSON is asked for: with what is wrong and the exit status.
#[test]
fn every_failure_is_one_json_object() {
    let folder = TempDir::new().expect("a folder");
    let missing = folder.path().join("nowhere");
    for line in [
        "preprocess {} --out {}",
        "preprocess {} --dry-run --out {}",
        "inspect {}",
        "train {} --out {}",
        "evaluate {} {}",
        "score {} {} --out scores.csv",
        "recalibrate {} {} --out {}",
        "compare {} --out {}",
        "tune {} --out {}",
        "mapping check {} {}",
        "mapping new {}",
        "runs list {}",
        "simulate --config {} --out {}",
    ] {
        let done = run(&format!("{line} --json"), &[&missing, &missing, &missing]);
        let said = done.json();
        assert_ne!(done.status, Some(0), "{line}: {said}");
        assert_eq!(said["kind"], "error", "{line}: {said}");
        assert_eq!(said["status"], done.status.expect("no signal"), "{line}: {said}");
        let message = said["message"].as_str().expect("a message");
        assert!(
            !message.is_empty() && done.stderr.contains(message.lines().next().unwrap_or_default()),
            "{line}: {said}"
        );
        assert!(said["hint"].is_null() || said["hint"].is_string(), "{line}: {said}");
    }
    let done = run("train --json --no-such-flag", &[]);
    assert_eq!((done.status, &done.json()["status"]), (Some(2), &2.into()));
    assert!(done.json()["message"].as_str().is_some_and(|message| message.contains("--no-such-flag")));
}
