//! The command line itself: help, wrong usage, where words go.

mod common;

use std::io::Read;
use std::process::Stdio;

use common::{TinyLog, command, folder, run, staycast};

const SUBCOMMANDS: [&str; 22] = [
    "preprocess",
    "train",
    "evaluate",
    "score",
    "recommend",
    "explain",
    "worklist",
    "sequences",
    "messages",
    "experiment",
    "recalibrate",
    "inspect",
    "mapping",
    "compare",
    "transfer",
    "tune",
    "runs",
    "devices",
    "bench",
    "simulate",
    "demo",
    "completions",
];

#[test]
fn every_subcommand_has_help_with_examples_in_100_columns() {
    let help = staycast(["--help"]).expect(0);
    for subcommand in SUBCOMMANDS {
        assert!(help.stdout.contains(subcommand), "{}", help.stdout);
        for flag in ["--help", "-h"] {
            let ran =
                staycast([subcommand, flag]).expect(0).says(&["Usage: staycast", "Examples:", "--json", "--quiet"]);
            for line in ran.stdout.lines() {
                assert!(line.chars().count() <= 100, "{subcommand}: {line}");
            }
            assert!(ran.stderr.is_empty(), "{}", ran.stderr);
        }
    }
    staycast(["--version"]).expect(0).says(&["staycast"]);
}

/// The text of the command reference outside of code and lists of values, a paragraph or list item each.
fn paragraphs_of_help() -> Vec<String> {
    let reference = staycast(["command-reference"]).expect(0).stdout;
    let mut paragraphs = Vec::new();
    for (place, part) in reference.split("```").enumerate() {
        if place % 2 == 0 {
            paragraphs.extend(part.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned));
        }
    }
    paragraphs
}

#[test]
fn help_has_sentences_of_at_most_25_words() {
    for paragraph in paragraphs_of_help() {
        for sentence in paragraph.split(". ") {
            let words = sentence.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count();
            assert!(words <= 25, "{words} words: {sentence}");
        }
    }
}

#[test]
fn the_command_reference_is_what_the_program_generates() {
    let package = std::path::PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests"));
    let committed = std::fs::read_to_string(package.join("../../docs/commands.md")).expect("the page is there");
    let generated = staycast(["command-reference"]).expect(0).stdout;
    assert!(
        committed == generated,
        "docs/commands.md is not what the program generates; write it anew: \
         cargo run -- command-reference > docs/commands.md"
    );
    for subcommand in SUBCOMMANDS {
        assert!(committed.contains(&format!("\n## staycast {subcommand}\n")), "{subcommand}");
    }
    assert!(committed.contains("\n### staycast runs export\n") && !committed.contains("## staycast man"));
}

#[test]
fn the_feature_reference_is_what_the_program_generates() {
    let package = std::path::PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests"));
    let committed = std::fs::read_to_string(package.join("../../docs/features.md")).expect("the page is there");
    assert!(
        committed == staycast(["feature-reference"]).expect(0).stdout,
        "docs/features.md is not what the program generates; write it anew: \
         cargo run -- feature-reference > docs/features.md"
    );
    assert!(committed.contains("| `n_events` | events |") && committed.contains("| `days_since_last` | days |"));
}

#[test]
fn every_shell_gets_completions_of_every_subcommand() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = staycast(["completions", shell]).expect(0).stdout;
        for subcommand in SUBCOMMANDS {
            assert!(script.contains(subcommand), "{shell}: {subcommand}");
        }
        assert!(script.contains("week-ending") || shell == "fish", "{shell}");
        // The others complete no values.
        assert!(script.contains("futurelearn") || ["powershell", "elvish"].contains(&shell), "{shell}: formats");
    }
    staycast(["completions", "tcsh"]).expect(2).complains(&["tcsh", "bash"]);
}

#[test]
fn every_subcommand_has_a_man_page() {
    let here = folder();
    let out = here.path().join("share/man1");
    run("man --out {}", &[&out]).expect(0).says(&["staycast.1"]);
    let mut expected: Vec<String> = SUBCOMMANDS.iter().map(|name| format!("staycast-{name}.1")).collect();
    expected.extend(
        [
            "staycast.1",
            "staycast-experiment-assign.1",
            "staycast-experiment-new.1",
            "staycast-experiment-record.1",
            "staycast-experiment-report.1",
            "staycast-mapping-check.1",
            "staycast-mapping-new.1",
            "staycast-messages-approve.1",
            "staycast-messages-draft.1",
            "staycast-messages-list.1",
            "staycast-messages-send.1",
            "staycast-messages-templates.1",
            "staycast-runs-export.1",
            "staycast-runs-import.1",
            "staycast-runs-onnx.1",
            "staycast-runs-seal.1",
            "staycast-runs-verify.1",
            "staycast-sequences-seal.1",
            "staycast-sequences-verify.1",
        ]
        .map(str::to_owned),
    );
    expected.sort();
    assert_eq!(common::names_in(&out), expected);
    for name in &expected {
        let page = std::fs::read_to_string(out.join(name)).expect("readable");
        assert!(page.contains(".TH staycast") && page.contains(".SH SYNOPSIS"), "{name}: {page}");
        assert!(page.contains("Examples:"), "{name} has examples");
    }
}

#[test]
fn the_commands_of_the_readme_run_as_they_stand() {
    let readme = include_str!("../crates/staycast/README.md");
    let (_, block) = readme.split_once("```sh\n").expect("a block of commands");
    let (block, _) = block.split_once("```").expect("the block ends");
    let here = folder();
    for line in block.lines() {
        let arguments = line.strip_prefix("staycast ").expect("a command").split(' ');
        // Quicker, and the same line otherwise.
        let quick =
            ["--set", "training.epochs=1", "--set", "ensemble.members=2", "--set", "ensemble.validation_folds=2"];
        let extra: &[&str] = if line.contains(" train ") { &quick } else { &[] };
        let output =
            command(arguments.chain(extra.iter().copied())).current_dir(here.path()).output().expect("it runs");
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(common::names_in(here.path()), ["logs", "run", "scores.csv", "sequences"]);
}

#[test]
fn wrong_usage_is_status_2_and_says_what_is_wrong() {
    for (line, complaint) in [
        ("", "Usage"),
        ("predict", "predict"),
        ("preprocess", "--out"),
        ("preprocess in --out out --format excel", "excel"),
        ("preprocess in --out out --format table", "--mapping"),
        ("preprocess in --out out --format oulad --mapping m.toml", "--mapping"),
        ("preprocess in --out out --dropout gone", "inactive-last"),
        ("preprocess in --out out --weeks 0", "--weeks"),
        ("preprocess in --out out --as-of yesterday", "2024-03-01"),
        ("preprocess in --out out --memory 12XB", "512MB"),
        ("preprocess in --out out --max-rejected 2", "0 to 1"),
        ("preprocess in --out out --resume --force", "--force"),
        ("preprocess in --out out --threads 0", "--threads"),
        ("train in --out out --device gpu", "wgpu"),
        ("train in --out out --device wgpu:x", "wgpu:0,1"),
        ("train in --out out --device cpu:1", "CPU is one device"),
        ("train in --out out --set training.epoch=3", "training.epochs"),
        ("train in --out out --set training.epochs=0", "training.epochs"),
        ("train in --out out --folds 1", "split.folds"),
        ("train in --out out --repeats 3", "--folds"),
        ("train in --out out --folds 3 --leave-one-out", "--leave-one-out"),
        ("train in --out out --split learner --leave-one-out", "split.leave_one_out"),
        ("train in --out out --split later-run --folds 3", "split.folds"),
        ("train in --out out --split institution --test-courses a", "split.test_courses"),
        ("train in --out out --train-courses a,b --test-courses b", "split.test_courses"),
        ("train in --out out --config nowhere.toml", "nowhere.toml"),
        ("score run in --out scores.xlsx", ".parquet"),
        ("score run in --out scores.csv --week 0", "--week"),
        ("messages draft in --out o", "--contacts"),
        ("messages draft in --contacts c --out o --sender x", "is no address"),
        ("messages approve in", "--all"),
        ("messages send in --to nowhere", "file:FOLDER"),
        ("recommend in", "--out"),
        ("recommend in --out next.xlsx", ".parquet"),
        ("recommend in --evaluate 2 --out next.csv", ".json"),
        ("recommend in --out next.csv --week 2 --as-of 2024-03-01", "--as-of"),
        ("recommend in --out next.csv --top 0", "--top"),
        ("explain run in --out reasons.csv", ".parquet"),
        ("explain run in", "--out"),
        ("worklist run in --out list.csv", "--capacity"),
        ("worklist run in --capacity 0 --out list.csv", "--capacity"),
        ("simulate --out out --format csv", "kdd2015"),
        ("simulate --out out --learners 0", "--learners"),
        ("simulate --out out --weeks 1", "--weeks"),
        ("simulate --out out --size 12XB", "512MB"),
        ("simulate --out out --config nowhere.toml", "nowhere.toml"),
        ("devices --quiet --verbose", "--verbose"),
    ] {
        let arguments: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        let ran = staycast(&arguments).expect(2).complains(&[complaint]);
        assert!(ran.stdout.is_empty(), "{line}: {}", ran.stdout);
    }
}

#[test]
fn what_is_not_there_is_named() {
    let here = folder();
    let nowhere = here.path().join("nowhere");
    let out = here.path().join("out.csv");
    run("preprocess {} --out {}", &[&nowhere, &out]).expect(2).complains(&["nowhere: no such file or folder"]);
    run("train {} --out {}", &[&nowhere, &out]).expect(1).complains(&["nowhere"]);
    run("evaluate {} {}", &[&nowhere, &nowhere]).expect(1).complains(&["nowhere"]);
    run("score {} {} --out {}", &[&nowhere, &nowhere, &out]).expect(1).complains(&["nowhere"]);
    run("inspect {}", &[&nowhere]).expect(2).complains(&["nowhere: no such file or folder"]);
    run("runs {}", &[&nowhere]).expect(1).complains(&["nowhere: there is no such folder"]);
    let settings = here.path().join("settings.toml");
    let ran = run("train {} --out {} --config {}", &[&nowhere, &out, &settings]).expect(2);
    ran.complains(&["there is no configuration", "settings.toml", "name a file of settings in TOML"]);
    assert!(!out.exists());
}

#[test]
fn a_database_that_does_not_answer_is_named_without_its_password() {
    let here = folder();
    let out = here.path().join("out");
    let source = "--source postgres://reader:hush@127.0.0.1:1/moodle";
    for ran in [run(&format!("inspect {source}"), &[]), run(&format!("preprocess {source} --out {{}}"), &[&out])] {
        let ran = ran.expect(1).complains(&["127.0.0.1:1/moodle"]);
        assert!(!ran.stderr.contains("hush"), "{}", ran.stderr);
    }
    run(&format!("inspect {{}} {source}"), &[here.path()]).expect(2).complains(&["cannot be used with"]);
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let here = folder();
    TinyLog::default().write(&here.path().join("logs"));
    let mut child = command(["inspect".as_ref(), here.path().join("logs").as_os_str()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut said).expect("readable");
    assert!(child.wait().expect("it ends").success());
    assert!(!said.contains("panicked") && !said.contains("error"), "{said}");
}

#[test]
fn devices_are_listed_with_their_checks() {
    let ran = staycast(["devices"]).expect(0).says(&["flex", "computes right", "--device auto takes"]);
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
    let listing = staycast(["devices", "--json"]).expect(0).json();
    let backends = listing["backends"].as_array().expect("a list");
    assert_eq!(backends.len(), 5);
    assert_eq!(backends[0]["backend"], "flex");
    assert_eq!(backends[0]["devices"][0]["passed"], true);
    assert!(listing["auto"]["why"].as_str().is_some_and(|why| !why.is_empty()));
    for backend in backends {
        assert_eq!(backend["devices"].as_array().expect("a list").is_empty(), backend["absent"].is_string());
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_driver_that_is_not_there_is_named() {
    let listing = command(["devices", "--json"]).env("VK_DRIVER_FILES", "/nowhere/icd.json").output().expect("it runs");
    let listing: serde_json::Value = serde_json::from_slice(&listing.stdout).expect("JSON");
    let wgpu = listing["backends"].as_array().expect("a list").iter().find(|one| one["backend"] == "wgpu");
    let wgpu = wgpu.expect("every backend is listed");
    let is_gpu = |device: &serde_json::Value| device["kind"] != "software";
    // Builds without it look for nothing, and OpenGL may reach a GPU that Vulkan can't.
    if wgpu["built_in"] == false || wgpu["devices"].as_array().expect("a list").iter().any(is_gpu) {
        return;
    }
    let missing = wgpu["missing"].as_array().expect("a list");
    let named = "VK_DRIVER_FILES names /nowhere/icd.json, which is not there";
    assert!(missing.iter().any(|one| one == named), "{missing:?}");
}

#[test]
fn a_device_that_is_not_there_is_refused_by_name() {
    let here = folder();
    let sequences = here.path().join("sequences");
    TinyLog::default().write(&here.path().join("logs"));
    run("preprocess {} --out {}", &[&here.path().join("logs"), &sequences]).expect(0);
    let listing = staycast(["devices", "--json"]).expect(0).json();
    for backend in listing["backends"].as_array().expect("a list") {
        if backend["absent"].is_string() {
            let name = backend["backend"].as_str().expect("a name");
            let line = format!("train {{}} --out {{}} --device {name}");
            run(&line, &[&sequences, &here.path().join("run")]).expect(1).complains(&[name]);
        }
    }
    assert!(!here.path().join("run").exists());
}
