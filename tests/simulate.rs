//! `staycast simulate`: logs with a known truth, and what the other commands make of them.

mod common;

use std::fs;

use common::{assert_same_bytes, folder, names_in, replace_in, run};

#[test]
fn a_simulation_is_written_and_says_what_can_be_reached() {
    let here = folder();
    let out = here.path().join("logs");
    let ran = run("simulate --out {} --learners 200 --weeks 6 --courses 3 --seed 5", &[&out]).expect(0).says(&[
        "200 learners",
        "3 courses",
        "drop out",
        "kdd2015",
        "joined late",
        "Best AUC",
        "by the end of week",
        "/s",
    ]);
    for line in ran.stdout.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    let files = [
        "date.csv",
        "dropout_probability.csv",
        "enrollment.csv",
        "log.csv",
        "object.csv",
        "simulation.json",
        "simulator.toml",
        "truth.csv",
    ];
    assert_eq!(names_in(&out), files);
    assert_eq!(names_in(here.path()), ["logs"], "no temporary folder is left");
    let quiet = run("simulate --out {} --learners 20 --quiet", &[&here.path().join("quiet")]).expect(0);
    assert!(quiet.stdout.is_empty() && quiet.stderr.is_empty());
}

#[test]
fn json_is_one_object_with_the_record_in_it() {
    let here = folder();
    let out = here.path().join("logs");
    let printed = run("simulate --out {} --learners 300 --size 2MB --json", &[&out]).expect(0).json();
    let record: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(out.join("simulation.json")).expect("readable")).expect("JSON");
    assert_eq!(printed["simulation"], record);
    let bytes = record["log"]["bytes"].as_u64().expect("a number");
    assert_eq!(bytes, fs::metadata(out.join("log.csv")).expect("there").len());
    assert!((bytes as f64 / 2e6 - 1.0).abs() < 0.05, "{bytes}");
    let weeks = record["reachable"].as_array().expect("a list");
    assert_eq!(weeks.len(), 12);
    for week in weeks {
        let auc = |name: &str| week[name].as_f64().expect("both outcomes occur");
        assert!(auc("best_auc") > auc("recency_auc"), "{week}");
    }
}

#[test]
fn preprocess_rejects_exactly_the_broken_rows() {
    let here = folder();
    let settings = here.path().join("settings.toml");
    fs::write(&settings, "weeks = 6\n[irregularities]\nbroken_share = 0.004\n").expect("writable");
    for (format, labels) in [("kdd2015", "truth.csv"), ("oulad", "labels.csv")] {
        let (out, sequences) = (here.path().join(format), here.path().join(format!("{format}-sequences")));
        let line = format!("simulate --out {{}} --format {format} --learners 200 --config {{}} --json");
        let printed = run(&line, &[&out, &settings]).expect(0).json();
        let line = "preprocess {} --labels {} --out {} --json";
        let built = run(line, &[&out, &out.join(labels), &sequences]).expect(0).json();
        let (log, rows) = (&printed["simulation"]["log"], &built["manifest"]["rows"]);
        assert_eq!(rows["used"], log["rows"], "{format}");
        for (reason, count) in log["broken"].as_object().expect("an object") {
            assert_eq!(rows["rejected"][reason]["rows"], *count, "{format}: {reason}");
        }
    }
}

#[test]
fn the_same_seed_and_any_number_of_threads_write_the_same_bytes() {
    let here = folder();
    for format in ["kdd2015", "edx", "oulad"] {
        let (one, two) = (here.path().join(format!("{format}-1")), here.path().join(format!("{format}-2")));
        let line = |threads: u32| format!("simulate --out {{}} --format {format} --learners 60 --threads {threads}");
        run(&line(1), &[&one]).expect(0);
        run(&line(2), &[&two]).expect(0);
        assert_same_bytes(&one, &two);
    }
    let other = here.path().join("other");
    run("simulate --out {} --learners 60 --seed 2", &[&other]).expect(0);
    assert_ne!(fs::read(other.join("log.csv")).ok(), fs::read(here.path().join("kdd2015-1/log.csv")).ok());
}

#[test]
fn the_settings_beside_a_log_make_it_again() {
    let here = folder();
    let (out, again) = (here.path().join("logs"), here.path().join("again"));
    run("simulate --out {} --learners 100 --size 1MB", &[&out]).expect(0);
    run("simulate --out {} --config {}", &[&again, &out.join("simulator.toml")]).expect(0);
    for name in names_in(&out).iter().filter(|name| *name != "simulation.json") {
        assert!(fs::read(out.join(name)).ok() == fs::read(again.join(name)).ok(), "{name}");
    }
}

#[test]
fn an_existing_folder_is_kept_unless_forced() {
    let here = folder();
    let out = here.path().join("logs");
    run("simulate --out {} --learners 20", &[&out]).expect(0);
    let before = fs::read(out.join("log.csv")).expect("readable");
    run("simulate --out {} --learners 30", &[&out]).expect(1).complains(&["exists already", "--force"]);
    assert!(fs::read(out.join("log.csv")).expect("readable") == before);
    run("simulate --out {} --learners 30 --force", &[&out]).expect(0);
    assert!(fs::read(out.join("log.csv")).expect("readable") != before);
    let mine = here.path().join("mine");
    fs::create_dir(&mine).expect("a new folder");
    fs::write(mine.join("notes.txt"), "mine").expect("writable");
    run("simulate --out {} --learners 30 --force", &[&mine]).expect(1).complains(&["holds no simulation"]);
    assert_eq!(names_in(&mine), ["notes.txt"]);
    assert_eq!(names_in(here.path()), ["logs", "mine"]);
}

#[test]
fn settings_that_make_no_sense_are_wrong_usage() {
    let here = folder();
    let out = here.path().join("logs");
    run("simulate --out {} --learners 5000 --size 1MB", &[&out]).expect(2).complains(&["out of reach"]);
    let settings = here.path().join("settings.toml");
    fs::write(&settings, "[leaving]\nbase = -3.0\n").expect("writable");
    run("simulate --out {} --learners 20 --config {}", &[&out, &settings]).expect(0);
    let bad = here.path().join("bad");
    replace_in(&settings, "base = -3.0", "bases = -3.0");
    run("simulate --out {} --config {}", &[&bad, &settings]).expect(2).complains(&["settings.toml", "bases"]);
    replace_in(&settings, "bases = -3.0", "base = -300.0");
    run("simulate --out {} --config {}", &[&bad, &settings])
        .expect(2)
        .complains(&["leaving.base is -300", "-20 to 20"]);
    assert!(!bad.exists());
}
