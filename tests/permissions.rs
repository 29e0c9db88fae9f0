//! The umask holds for every file and folder that a command writes, and what is replaced hands on its mode.
#![cfg(unix)]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use common::{folder, run, run_with_umask};

/// Settings of a network that trains in an instant.
const TINY: &str = "--device cpu --set model.hidden=4 --set training.epochs=1 --set ensemble.members=1 \
                    --set ensemble.validation_folds=2";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
}

/// Every file and folder under `folder`, in order.
fn everything_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("readable") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn the_umask_holds_for_every_file_and_folder() {
    for umask in [0o077, 0o022] {
        let here = folder();
        let at = |name: &str| here.path().join(name);
        let (logs, sequences, trained) = (at("logs"), at("above/sequences"), at("runs/run"));
        let go = |line: &str, paths: &[&Path]| run_with_umask(umask, &format!("{line} --quiet"), paths).expect(0);
        go("simulate --out {} --learners 150 --weeks 6", &[&logs]);
        go("simulate --out {} --learners 20 --weeks 6 --format edx", &[&at("edx")]);
        go("preprocess {} --out {}", &[&logs, &sequences]);
        go(&format!("train {{}} --out {{}} --model lstm {TINY} --track tensorboard"), &[&sequences, &trained]);
        for ending in ["csv", "parquet", "jsonl"] {
            let scores = at(&format!("scores/scores.{ending}"));
            go("score {} {} --out {} --device cpu", &[&trained, &sequences, &scores]);
        }
        let scores = at("scores/scores.csv");
        set_mode(&scores, 0o600);
        go("score {} {} --out {} --device cpu", &[&trained, &sequences, &scores]);
        assert_eq!(mode(&scores), 0o600, "an existing file's mode is kept");
        set_mode(&scores, 0o666 & !umask);
        go("evaluate {} {} --out {} --resamples 0 --device cpu", &[&trained, &sequences, &at("report")]);
        go("runs export {} --out {}", &[&trained, &at("archives/run.tar.zst")]);
        go("runs import {} --out {}", &[&at("archives/run.tar.zst"), &at("imported/run")]);
        go("runs onnx {} --out {}", &[&trained, &at("onnx/model.onnx")]);
        let all = everything_in(here.path());
        assert!(all.len() > 60, "{all:#?}");
        for path in all {
            let expected = if path.is_dir() { 0o777 & !umask } else { 0o666 & !umask };
            assert_eq!(mode(&path), expected, "{:o} under umask {umask:03o}: {}", mode(&path), path.display());
        }
    }
}

#[test]
fn a_folder_that_is_replaced_hands_on_its_mode() {
    let here = folder();
    let (logs, sequences) = (here.path().join("logs"), here.path().join("sequences"));
    run("simulate --out {} --learners 20 --weeks 6 --quiet", &[&logs]).expect(0);
    set_mode(&logs, 0o700);
    run_with_umask(0o022, "simulate --out {} --learners 20 --weeks 6 --force --quiet", &[&logs]).expect(0);
    assert_eq!(mode(&logs), 0o700);
    // An empty folder that was made for the output is replaced too.
    fs::create_dir(&sequences).expect("a new folder");
    set_mode(&sequences, 0o750);
    run_with_umask(0o022, "preprocess {} --out {} --quiet", &[&logs, &sequences]).expect(0);
    assert_eq!(mode(&sequences), 0o750);
    run_with_umask(0o077, "preprocess {} --out {} --force --quiet", &[&logs, &sequences]).expect(0);
    assert_eq!(mode(&sequences), 0o750);
}
