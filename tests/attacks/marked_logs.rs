//! Attacks on privacy: logs whose learners bear a marker are damaged, and everything that the commands that look at a log
//! say is searched for it.

use std::path::Path;

use tempfile::TempDir;

use crate::common::staycast;
use crate::damage::{Random, damage, rounds};

/// A learner's name that no format knows; its letters are those of no word in messages.
const MARKER: &str = "Zqxv.Wjkq";

const MAPPING: &str = "[log]\nfiles = [\"log.csv\"]\ncolumns.learner = \"user\"\ncolumns.course = \"course\"\n\
                       columns.time = { column = \"at\", format = \"iso\" }\ncolumns.activity = \"what\"\n\
                       [enrolments]\nfiles = [\"people.csv\"]\ncolumns = { learner = \"user\", course = \"course\" }\n";

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    std::fs::write(folder.join(name), bytes).expect("a folder to write to");
}

/// The files of a log of eight learners, and the one that is damaged.
fn files(random: &mut Random) -> (Vec<(&'static str, Vec<u8>)>, usize) {
    let learner = |number: usize| format!("{MARKER}{number} Ann{MARKER}");
    let row = |number: usize| {
        let what = ["play_video", "solve", "read"][number % 3];
        format!("{},c1,2023-09-{:02}T10:00:00,{what}\n", learner(number % 8), 4 + number % 20)
    };
    let log = format!("user,course,at,what\n{}", (0..60).map(row).collect::<String>());
    let people =
        format!("user,course,name\n{}", (0..8).map(|n| format!("{0},c1,{0}\n", learner(n))).collect::<String>());
    let all = vec![("log.csv", log.into_bytes()), ("people.csv", people.into_bytes())];
    let damaged = random.below(all.len());
    (all, damaged)
}

#[test]
fn no_learner_is_named_whatever_is_wrong_with_a_log() {
    for round in 0..rounds(3) {
        let mut random = Random::new(round);
        let (mut all, damaged) = files(&mut random);
        let mut how = Vec::new();
        for _ in 0..=random.below(3) {
            how.push(damage(&mut all[damaged].1, &mut random));
        }
        let folder = TempDir::new().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("in")).expect("a folder");
        all.iter().for_each(|(name, bytes)| write(&at("in"), name, bytes));
        write(folder.path(), "m.toml", MAPPING);
        let (input, mapping, out) = (at("in"), at("m.toml"), at("out"));
        for line in [
            "mapping check {m} {in}",
            "mapping check {m} {in} --json",
            "mapping new {in}",
            "mapping new {in} --json",
            "inspect {in}",
            "inspect {in} --mapping {m} --json",
            "preprocess {in} --mapping {m} --dry-run --verbose --out {out}",
            "preprocess {in} --mapping {m} --verbose --out {out}",
        ] {
            let named = |word: &str| match word {
                "{m}" => mapping.display().to_string(),
                "{in}" => input.display().to_string(),
                "{out}" => out.display().to_string(),
                word => word.to_owned(),
            };
            let done = staycast(line.split(' ').map(named));
            let said = format!("{}{}", done.stdout, done.stderr);
            assert!(!said.contains("Zqxv") && !said.contains("Wjkq"), "round {round}, {how:?}: {line}\n{said}");
            assert!(!said.contains("panicked"), "round {round}, {how:?}: {line}\n{said}");
        }
    }
}

/// Files that are named after their learners, one of them damaged, another beside its copy, and one that is no table.
fn named_files(random: &mut Random) -> (Vec<(String, Vec<u8>)>, Vec<String>) {
    let row = |number: usize| {
        let what = ["play_video", "solve", "read"][number % 3];
        format!("2023-09-{:02}T10:00:00,{what}\n", 4 + number % 20)
    };
    let log = |of: usize| format!("at,what\n{}", (0..9 + of).map(row).collect::<String>()).into_bytes();
    let mut all: Vec<(String, Vec<u8>)> = (0..6).map(|of| (format!("{MARKER}{of}.csv"), log(of))).collect();
    let damaged = random.below(all.len());
    let mut how = Vec::new();
    for _ in 0..random.below(3) {
        how.push(format!("{:?}", damage(&mut all[damaged].1, random)));
    }
    let more = [
        (format!("{MARKER}1 (1).csv"), log(1)),
        (format!("{MARKER}2.csv.gz"), b"\x1f\x8b\x08\0".to_vec()),
        (format!("{MARKER}7.csv"), Vec::new()),
        (format!("{MARKER}8.xlsx"), b"PK\x03\x04xl/".to_vec()),
        (format!("{MARKER}9.csv"), b"x\ny\n".to_vec()),
    ];
    let (name, bytes) = more[random.below(more.len())].clone();
    how.push(name.replace(MARKER, "*"));
    all.push((name, bytes));
    (all, how)
}

#[test]
fn no_file_that_is_named_after_a_learner_is_named() {
    const NAMED: &str = "single_course = \"c1\"\n[log]\nfiles = [\"*.csv\"]\nlearner_in_file_name = true\n\
                         columns.time = { column = \"at\", format = \"iso\" }\ncolumns.activity = \"what\"\n";
    for round in 0..rounds(3) {
        let mut random = Random::new(round);
        let (files, how) = named_files(&mut random);
        let folder = TempDir::new().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("in")).expect("a folder");
        files.iter().for_each(|(name, bytes)| write(&at("in"), name, bytes));
        write(folder.path(), "m.toml", NAMED);
        let one = at("in").join(&files[random.below(files.len())].0);
        for line in [
            "mapping check {m} {in}",
            "mapping check {m} {one}",
            "mapping new {in}",
            "mapping new {in} --json",
            "inspect {in} --mapping {m}",
            "inspect {in} --mapping {m} --json",
            "inspect {one} --mapping {m} --verbose",
            "preprocess {in} --mapping {m} --dry-run --verbose --out {out}",
            "preprocess {in} --mapping {m} --verbose --json --out {out}",
            "preprocess {one} --mapping {m} --verbose --force --out {out}",
            "inspect {out}",
        ] {
            let named = |word: &str| match word {
                "{m}" => at("m.toml").display().to_string(),
                "{in}" => at("in").display().to_string(),
                "{one}" => one.display().to_string(),
                "{out}" => at("out").display().to_string(),
                word => word.to_owned(),
            };
            let done = staycast(line.split(' ').map(named));
            let manifest = std::fs::read_to_string(at("out").join("manifest.json")).unwrap_or_default();
            let said = format!("{}{}{manifest}", done.stdout, done.stderr);
            assert!(!said.contains("Zqxv") && !said.contains("Wjkq"), "round {round}, {how:?}: {line}\n{said}");
            assert!(!said.contains("panicked"), "round {round}, {how:?}: {line}\n{said}");
        }
    }
}
