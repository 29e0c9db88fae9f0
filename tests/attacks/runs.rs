//! Damaged runs: every command refuses them with a message, or gives the very bytes as before.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::commands::{Outcome, outcome};
use crate::common::{bytes_of, copy_of, folder, run, simulate};
use crate::damage::{Random, damage, rounds};

/// Settings that train any model in a second or two.
pub(crate) const SMALL: &str = "--device cpu --quiet --set model.hidden=4 --set training.epochs=2 --set training.batch_size=64 \
                     --set ensemble.members=2 --set ensemble.validation_folds=2 --set baselines.boosting.trees=20 \
                     --set inputs.include=n_events,active_days,days_since_last --set inputs.fixed=enrolled_day";

/// The commands that read a run. `{run}`, `{sequences}` and `{out}` stand for paths.
pub(crate) const COMMANDS: [&str; 9] = [
    "score {run} {sequences} --out {out}/scores.csv --device cpu --quiet",
    "evaluate {run} {sequences} --out {out}/report --device cpu --quiet",
    "recalibrate {run} {sequences} --out {out}/recalibrated --device cpu --quiet",
    "inspect {run} --json",
    "runs {run} --json",
    "runs verify {run}",
    "runs export {run} --out {out}/run.tar.zst --quiet",
    "runs onnx {run} --out {out}/model.onnx --quiet",
    "train {sequences} --from {run} --split course --out {out}/on --device cpu --quiet --set training.epochs=1",
];

/// Holds sequences, and a run of each kind.
pub(crate) struct Runs {
    place: TempDir,
}

/// The kinds of runs, each with what `train` is to be told.
pub(crate) const KINDS: [(&str, &str); 6] = [
    ("lstm", "--split course --model lstm"),
    ("logistic", "--split course --model logistic"),
    ("boosting", "--split course --model boosting"),
    ("blend", "--split course --model blend --set model.blend=lstm,forest,rules"),
    ("hazard", "--split course --model hazard"),
    ("folds", "--folds 2 --model tree"),
];

impl Runs {
    /// Makes them, once a test binary. The logs are OULAD's, which tell when learners leave.
    pub(crate) fn open() -> &'static Self {
        static RUNS: OnceLock<Runs> = OnceLock::new();
        RUNS.get_or_init(|| {
            let runs = Self { place: folder() };
            let logs = runs.place.path().join("logs");
            run("simulate --format oulad --learners 400 --weeks 8 --out {} --quiet", &[&logs]).expect(0);
            run("preprocess {} --out {} --quiet", &[&logs, &runs.sequences()]).expect(0);
            for (kind, settings) in KINDS {
                let line = format!("train {{}} --out {{}} {settings} {SMALL}");
                run(&line, &[&runs.sequences(), &runs.run(kind)]).expect(0);
            }
            runs
        })
    }

    pub(crate) fn sequences(&self) -> PathBuf {
        self.place.path().join("sequences")
    }

    pub(crate) fn run(&self, kind: &str) -> PathBuf {
        self.place.path().join(kind)
    }
}

/// Names the files that a run's manifest lists, and itself.
fn files_of(run: &Path) -> Vec<String> {
    let mut names: Vec<String> = manifest_of(run)["files"]
        .as_array()
        .expect("a list of files")
        .iter()
        .map(|record| record["file"].as_str().expect("a name").to_owned())
        .collect();
    names.push("manifest.json".to_owned());
    names
}

fn manifest_of(run: &Path) -> Value {
    serde_json::from_slice(&fs::read(run.join("manifest.json")).expect("readable")).expect("JSON")
}

/// Makes a run one of the first version, whose manifest has no checksums.
pub(crate) fn unseal(run: &Path) {
    let mut manifest = manifest_of(run);
    let entries = manifest.as_object_mut().expect("an object");
    entries.remove("files").expect("a list of files");
    entries.remove("seal").expect("a seal");
    entries.insert("run_version".to_owned(), 1.into());
    fs::write(run.join("manifest.json"), manifest.to_string()).expect("writable");
}

/// Holds a place for copies of one run that are damaged, and what each command gives for the sound one.
pub(crate) struct Bench {
    pub(crate) place: TempDir,
    pub(crate) sound: PathBuf,
    pub(crate) sequences: PathBuf,
    expected: Vec<OnceLock<Outcome>>,
}

impl Bench {
    pub(crate) fn of(kind: &str) -> Self {
        let runs = Runs::open();
        let expected = COMMANDS.iter().map(|_| OnceLock::new()).collect();
        Self { place: folder(), sound: runs.run(kind), sequences: runs.sequences(), expected }
    }

    /// Lays out a fresh copy of the sound run.
    pub(crate) fn copy(&self) -> PathBuf {
        let copy = self.place.path().join("run");
        if copy.exists() {
            fs::remove_dir_all(&copy).expect("removable");
        }
        copy_of(&self.sound, &copy);
        copy
    }

    pub(crate) fn outcome(&self, number: usize) -> Outcome {
        let (run, out) = (self.place.path().join("run"), self.place.path().join("out"));
        outcome(COMMANDS[number], &[("run", &run), ("sequences", &self.sequences), ("out", &out)], &out)
    }

    /// Checks that a command refuses the copy with a message and leaves nothing, or gives what it gives for the sound run.
    fn check(&self, number: usize, how: &str) -> bool {
        let found = self.outcome(number);
        // A list of runs says which of them can't be read, and goes on.
        let listed = COMMANDS[number].starts_with("runs {run} --json") && found.stdout.contains("\"reason\": ");
        if listed && !found.stderr.contains("panicked") {
            return false;
        }
        if found.status != Some(0) {
            found.assert_refusal(&format!("{how}: {}", COMMANDS[number]));
            return false;
        }
        let damaged = self.place.path().join("damaged");
        fs::rename(self.place.path().join("run"), &damaged).expect("movable");
        let expected = self.expected[number].get_or_init(|| {
            self.copy();
            self.outcome(number)
        });
        let run = self.copy();
        fs::remove_dir_all(&run).expect("removable");
        fs::rename(&damaged, &run).expect("movable");
        assert!(found.same_as(expected), "{how}: {} gives something else in silence\n{found:?}", COMMANDS[number]);
        true
    }
}

#[test]
fn a_damaged_file_of_a_run_is_refused_or_changes_nothing() {
    let (mut random, mut refused, mut same) = (Random::new(12), 0, 0);
    let benches = KINDS.map(|(kind, _)| (kind, Bench::of(kind)));
    for round in 0..rounds(12) {
        let (kind, bench) = &benches[round as usize % KINDS.len()];
        let files = files_of(&bench.sound);
        let run = bench.copy();
        let file = run.join(&files[random.below(files.len())]);
        let mut bytes = fs::read(&file).expect("readable");
        let how = format!("{kind}, {}: {}", file.display(), damage(&mut bytes, &mut random));
        fs::write(&file, bytes).expect("writable");
        for number in [random.below(2), random.below(COMMANDS.len())] {
            *(if bench.check(number, &how) { &mut same } else { &mut refused }) += 1;
        }
    }
    println!("{refused} refused, {same} the same");
}

#[test]
fn missing_files_are_named_and_files_of_others_are_not_read() {
    for (kind, _) in KINDS {
        let bench = Bench::of(kind);
        for name in files_of(&bench.sound).iter().filter(|name| *name != "manifest.json") {
            let copy = bench.copy();
            fs::remove_file(copy.join(name)).expect("there");
            run("runs verify {}", &[&copy]).expect(1).complains(&[name.as_str(), "missing", "runs seal"]);
        }
        let copy = bench.copy();
        for name in ["survival.json.zst", "blend.json", "fold_calibration.json", "report.html"] {
            if !copy.join(name).exists() {
                fs::write(copy.join(name), b"of somebody else").expect("writable");
            }
        }
        assert!(bench.check(if kind == "folds" { 3 } else { 0 }, "foreign files"), "they are no part of the run");
    }
}

/// Lists what stands in for a number: none of them is one that a fit gives, or a count that is right.
const NUMBERS: [&str; 8] =
    ["0", "-1", "1e300", "null", "9223372036854775808", "18446744073709551615", "65535", "-1e-300"];

/// Returns where the numbers of a JSON text stand.
fn numbers_in(text: &str) -> Vec<(usize, usize)> {
    let (bytes, mut found, mut at, mut in_text) = (text.as_bytes(), Vec::new(), 0, false);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if in_text => at += 1,
            b'"' => in_text = !in_text,
            b'-' | b'0'..=b'9' if !in_text => {
                let end =
                    (at..bytes.len()).find(|&end| !b"+-.eE0123456789".contains(&bytes[end])).unwrap_or(bytes.len());
                found.push((at, end));
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Reads a JSON file of a run as text, unpacked where it is packed.
fn json_text(file: &Path) -> String {
    let bytes = fs::read(file).expect("readable");
    let packed = file.extension().is_some_and(|extension| extension == "zst");
    String::from_utf8(if packed { unpacked(&bytes) } else { bytes }).expect("text")
}

fn write_json_text(file: &Path, text: &str) {
    let packed = file.extension().is_some_and(|extension| extension == "zst");
    let bytes = if packed { zstd::encode_all(text.as_bytes(), 1).expect("memory") } else { text.as_bytes().to_vec() };
    fs::write(file, bytes).expect("writable");
}

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    zstd::decode_all(bytes).expect("packed")
}

#[test]
fn absurd_numbers_end_no_command_but_with_a_message() {
    let (mut random, mut sealed, mut refused) = (Random::new(120), 0, 0);
    let benches = KINDS.map(|(kind, _)| (kind, Bench::of(kind)));
    for round in 0..rounds(12) {
        let (kind, bench) = &benches[round as usize % KINDS.len()];
        let mut files = files_of(&bench.sound);
        files.retain(|name| name.contains(".json") && name != "metrics.jsonl");
        let run = bench.copy();
        let file = run.join(&files[random.below(files.len())]);
        let mut text = json_text(&file);
        let numbers = numbers_in(&text);
        if numbers.is_empty() {
            continue;
        }
        let (start, end) = numbers[random.below(numbers.len())];
        let number = NUMBERS[random.below(NUMBERS.len())];
        let how = format!("{kind}, {}: {number} for {} at {start}", file.display(), &text[start..end]);
        text.replace_range(start..end, number);
        write_json_text(&file, &text);
        let any = random.below(COMMANDS.len());
        bench.check(any, &how);
        // Who writes checksums for it gets the same words about what it means, or a run that is sound.
        unseal(&run);
        for number in [0, any] {
            let found = bench.outcome(number);
            if found.status == Some(0) {
                found.assert_finite(&how);
                sealed += 1;
            } else {
                found.assert_refusal(&format!("{how}: {}", COMMANDS[number]));
                refused += 1;
            }
        }
    }
    println!("{sealed} sound without checksums, {refused} refused");
}

/// Changes a JSON file of a run.
pub(crate) fn edit(file: &Path, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_str(&json_text(file)).expect("JSON");
    change(&mut value);
    write_json_text(file, &value.to_string());
}

#[test]
fn what_was_changed_on_purpose_can_be_sealed() {
    let bench = Bench::of("lstm");
    let copy = bench.copy();
    edit(&copy.join("calibration.json"), |fits| {
        fits["weeks"]["4"]["threshold"]["threshold"] = 0.25.into();
        fits["weeks"]["4"]["reference"]["threshold"] = 0.25.into();
    });
    run("score {} {} --out {}", &[&copy, &bench.sequences, &bench.place.path().join("scores.csv")])
        .expect(1)
        .complains(&["calibration.json has changed since the run was written", "staycast runs seal RUN"]);
    let sealed = run("runs seal {} --json", &[&copy]).expect(0).json();
    assert_eq!(sealed["edited"], serde_json::json!(["calibration.json"]));
    let verified = run("runs verify {} --json", &[&copy]).expect(0).json();
    assert_eq!((&verified["seal"], &verified["files"]), (&Value::from("holds"), &sealed["files"]));
    run("runs seal {}", &[&copy]).expect(0).says(&["nothing to do"]);
    // A run of the first version has none before, and the same after.
    let copy = bench.copy();
    unseal(&copy);
    let warned = run("inspect {}", &[&copy]).expect(0);
    assert!(warned.stderr.contains("runs seal"), "{}", warned.stderr);
    run("runs seal {}", &[&copy]).expect(0);
    assert_eq!(manifest_of(&copy), manifest_of(&bench.sound));
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_a_file_keeps_nobody_waiting() {
    let bench = Bench::of("logistic");
    for sealed in [true, false] {
        for name in files_of(&bench.sound).iter().filter(|name| *name != "manifest.json") {
            let copy = bench.copy();
            fs::remove_file(copy.join(name)).expect("there");
            let made = std::process::Command::new("mkfifo").arg(copy.join(name)).status().expect("mkfifo runs");
            assert!(made.success());
            if !sealed {
                unseal(&copy);
            }
            if sealed || name != "metrics.jsonl" {
                bench.outcome(0).assert_refusal(name);
            }
        }
    }
}

#[test]
fn every_file_of_a_run_is_listed_in_its_manifest_or_known_to_be_no_part_of_it() {
    let runs = Runs::open();
    let place = folder();
    // KDD Cup 2015's layout, without dates of leaving.
    let (logs, sequences, plain) =
        (place.path().join("logs"), place.path().join("sequences"), place.path().join("plain"));
    simulate(300, &logs);
    run("preprocess {} --out {} --quiet", &[&logs, &sequences]).expect(0);
    run(&format!("train {{}} --out {{}} --split time --model rules {SMALL}"), &[&sequences, &plain]).expect(0);
    let carried = place.path().join("carried");
    run("recalibrate {} {} --out {} --quiet --device cpu", &[&runs.run("blend"), &runs.sequences(), &carried])
        .expect(0);
    let kinds = KINDS.map(|(kind, _)| runs.run(kind));
    for run in kinds.iter().chain([&plain, &carried]) {
        let listed = files_of(run);
        let found: Vec<String> = bytes_of(run).keys().map(|name| name.display().to_string()).collect();
        for name in &found {
            assert!(listed.contains(name) || name.starts_with("checkpoints/"), "{name} of {}", run.display());
        }
        assert_eq!(found.contains(&"survival.json.zst".to_owned()), listed.contains(&"survival.json.zst".to_owned()));
    }
    assert!(files_of(&kinds[0]).contains(&"survival.json.zst".to_owned()), "OULAD tells when learners leave");
}
