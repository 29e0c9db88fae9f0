//! Archives from strangers: nothing of one that is damaged or makes no sense stays, and a run that comes out of one is the run
//! that went in, for every command.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use staycast_tracking::archive::{ArchiveMember, ExportRequest, export};

use crate::commands::{Outcome, outcome};
use crate::common::{assert_same_bytes, bytes_of, copy_of, folder, names_in, run};
use crate::damage::{Random, damage, rounds};
use crate::nonsense::{Nonsense, nonsense};
use crate::runs::{KINDS, Runs, edit, unseal};

/// Packs every file of a folder, as somebody with tools of their own would.
fn pack(from: &Path, archive: &Path) {
    let names: Vec<String> = bytes_of(from)
        .keys()
        .map(|name| name.display().to_string())
        .filter(|name| !name.starts_with("checkpoints") && name != "timing.json")
        .collect();
    let members: Vec<ArchiveMember<'_>> = names.iter().map(|name| ArchiveMember::Required(name)).collect();
    export(&ExportRequest { folder: from, members: &members, out: archive }).expect("packed");
}

/// Imports an archive, checks that it is refused and that nothing stays, and returns what stderr said.
#[track_caller]
fn refused(archive: &Path, how: &str) -> String {
    let place = folder();
    let into = place.path().join("into");
    let found = outcome("runs import {archive} --out {run}", &[("archive", archive), ("run", &into)], &into);
    found.assert_refusal(how);
    assert_eq!(names_in(place.path()), Vec::<String>::new(), "{how}: nothing stays");
    assert!(!found.stderr.contains(".into"), "{how}: a draft is named in\n{}", found.stderr);
    found.stderr
}

#[test]
fn a_damaged_archive_is_refused_and_leaves_nothing() {
    let place = folder();
    let mut random = Random::new(21);
    let packed = KINDS.map(|(kind, _)| {
        let archive = place.path().join(format!("{kind}.tar.zst"));
        run("runs export {} --out {} --quiet", &[&Runs::open().run(kind), &archive]).expect(0);
        (kind, fs::read(&archive).expect("readable"))
    });
    for round in 0..rounds(12) {
        let (kind, whole) = &packed[round as usize % KINDS.len()];
        let mut bytes = whole.clone();
        let how = format!("{kind}: {}", damage(&mut bytes, &mut random));
        let damaged = place.path().join("damaged.tar.zst");
        fs::write(&damaged, bytes).expect("writable");
        refused(&damaged, &how);
    }
}

#[test]
fn a_run_that_makes_no_sense_is_refused_and_leaves_nothing() {
    let place = folder();
    let (archive, hostile) = (place.path().join("hostile.tar.zst"), place.path().join("hostile"));
    for Nonsense { kind, name, change, parts } in nonsense() {
        // With checksums that do not fit it is refused by these.
        for sealed in if rounds(1) > 1 { &[true, false][..] } else { &[false] } {
            copy_of(&Runs::open().run(kind), &hostile);
            change(&hostile);
            if !*sealed {
                unseal(&hostile);
            }
            pack(&hostile, &archive);
            let stderr = refused(&archive, &name);
            if !*sealed {
                // What inflates is refused by the archive's index before it is looked at.
                let too_large = stderr.contains("--max-size");
                assert!(too_large || parts.iter().all(|part| stderr.contains(part)), "{name}: {stderr}");
            }
            fs::remove_dir_all(&hostile).expect("removable");
            fs::remove_file(&archive).expect("removable");
        }
    }
}

#[test]
fn files_that_are_no_part_of_the_run_are_refused() {
    let place = folder();
    let (archive, hostile) = (place.path().join("hostile.tar.zst"), place.path().join("hostile"));
    for name in ["report.html", "blend.json", "fold_calibration.json", ".profile", "notes.json"] {
        copy_of(&Runs::open().run("logistic"), &hostile);
        fs::write(hostile.join(name), b"echo").expect("writable");
        pack(&hostile, &archive);
        let stderr = refused(&archive, name);
        assert!(stderr.contains(name) && stderr.contains("no part of a run"), "{stderr}");
        fs::remove_dir_all(&hostile).expect("removable");
        fs::remove_file(&archive).expect("removable");
    }
}

#[test]
fn what_inflates_stops_at_a_limit_that_can_be_raised() {
    let place = folder();
    let (archive, hostile) = (place.path().join("bomb.tar.zst"), place.path().join("bomb"));
    copy_of(&Runs::open().run("lstm"), &hostile);
    // 256 MB in 30 kB; sparse, so that the test writes none of them.
    let file = fs::OpenOptions::new().write(true).open(hostile.join("model.safetensors")).expect("there");
    file.set_len(256 << 20).expect("writable");
    pack(&hostile, &archive);
    let stderr = refused(&archive, "a bomb");
    assert!(
        stderr.contains("the limit is 67108864") && stderr.contains("raise the limit with --max-size SIZE"),
        "{stderr}"
    );
    let into = place.path().join("into");
    let raised =
        outcome("runs import {archive} --out {run} --max-size 1GB", &[("archive", &archive), ("run", &into)], &into);
    raised.assert_refusal("allowed to unpack, and no run");
    assert!(raised.stderr.contains("model.safetensors"), "{}", raised.stderr);
    assert!(!into.exists());
}

#[test]
fn a_run_without_checksums_has_them_once_it_is_imported() {
    let place = folder();
    let (old, archive, into) = (place.path().join("old"), place.path().join("old.tar.zst"), place.path().join("into"));
    copy_of(&Runs::open().run("lstm"), &old);
    unseal(&old);
    run("runs export {} --out {} --quiet", &[&old, &archive]).expect(0);
    run("runs import {} --out {} --quiet", &[&archive, &into]).expect(0);
    let manifest = |run: &Path| fs::read(run.join("manifest.json")).expect("readable");
    assert!(manifest(&into) == manifest(&Runs::open().run("lstm")));
    // Sound by its checksums, and edited on purpose: what it says is checked all the same.
    edit(&into.join("scaler.json"), |scaler| scaler["clip"] = 0.into());
    run("runs seal {}", &[&into]).expect(1).complains(&["scaler.json"]);
}

/// Every subcommand, with the lines that run it on a run; none if it reads no run that is there.
const ROWS: [(&str, &[&str]); 27] = [
    ("preprocess", &[]),
    (
        "train",
        &[
            "train {sequences} --from {run} --split course --out {out}/on --device cpu --set training.epochs=1 --quiet",
            "train {sequences} --out {run} --resume --device cpu",
        ],
    ),
    (
        "evaluate",
        &[
            "evaluate {run} {sequences} --out {out}/report --device cpu",
            "evaluate {run} {sequences} --in-sample --device cpu --json",
        ],
    ),
    (
        "score",
        &[
            "score {run} {sequences} --out {out}/scores.csv --device cpu",
            "score {run} {sequences} --week 2 --out {out}/scores.parquet --device cpu",
            "score {run} {sequences} --model lstm --out {out}/scores.jsonl --device cpu",
        ],
    ),
    ("messages", &[]),
    ("experiment", &[]),
    ("recommend", &[]),
    ("explain", &["explain {run} {sequences} --out {out}/reasons.jsonl --device cpu"]),
    ("worklist", &["worklist {run} {sequences} --capacity 5 --out {out}/list.jsonl --device cpu"]),
    ("recalibrate", &["recalibrate {run} {sequences} --out {out}/recalibrated --device cpu"]),
    ("inspect", &["inspect {run}", "inspect {run} --json"]),
    ("mapping", &[]),
    ("compare", &[]),
    ("transfer", &[]),
    ("tune", &[]),
    ("runs", &["runs {run}", "runs {run} --json"]),
    ("runs export", &["runs export {run} --out {out}/run.tar.zst"]),
    ("runs onnx", &["runs onnx {run} --out {out}/model.onnx", "runs onnx {run} --model lstm --out {out}/model.onnx"]),
    ("runs import", &[]),
    ("runs verify", &["runs verify {run} --json"]),
    ("runs seal", &["runs seal {run} --json"]),
    ("devices", &[]),
    ("bench", &[]),
    ("simulate", &[]),
    ("demo", &[]),
    ("completions", &[]),
    ("sequences", &[]),
];

/// Lists the names of subcommands from a command's help.
fn subcommands(line: &str) -> BTreeSet<String> {
    let help = run(format!("{line} --help").trim_start(), &[]).expect(0).stdout;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| line.starts_with(' '));
    listed
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_new_command_has_a_row_that_says_how_it_reads_a_run() {
    let rows: BTreeSet<String> = ROWS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let known = subcommands("").into_iter().chain(subcommands("runs").into_iter().map(|name| format!("runs {name}")));
    for name in known {
        assert!(rows.contains(&name), "`staycast {name}` has no row: how does it read an imported run?");
    }
}

/// Runs every row on the run in `place`, and returns what each line gave and what became of the run.
fn all_rows(place: &Path) -> (BTreeMap<&'static str, Outcome>, BTreeMap<std::path::PathBuf, Vec<u8>>) {
    let (run, out, sequences) = (place.join("run"), place.join("out"), Runs::open().sequences());
    let mut found = BTreeMap::new();
    for line in ROWS.iter().flat_map(|(_, lines)| *lines) {
        found.insert(*line, outcome(line, &[("run", &run), ("sequences", &sequences), ("out", &out)], &out));
    }
    let mut files = bytes_of(&run);
    files.retain(|name, _| !name.starts_with("checkpoints"));
    (found, files)
}

#[test]
fn every_command_gives_the_same_from_an_imported_run() {
    // All kinds take a minute, so a few rounds take one of them.
    let kinds = KINDS.iter().map(|(kind, _)| *kind);
    let kinds: Vec<&str> = if rounds(1) > 1 { kinds.collect() } else { vec!["lstm", "blend"] };
    for kind in kinds {
        let place = folder();
        let (archive, here) = (place.path().join("run.tar.zst"), place.path().join("run"));
        copy_of(&Runs::open().run(kind), &here);
        run("evaluate {} {} --quiet --device cpu", &[&here, &Runs::open().sequences()]).expect(0);
        run("runs export {} --out {} --quiet", &[&here, &archive]).expect(0);
        let before = all_rows(place.path());
        fs::remove_dir_all(&here).expect("removable");
        run("runs import {} --out {} --quiet", &[&archive, &here]).expect(0);
        let again = place.path().join("again.tar.zst");
        run("runs export {} --out {} --quiet", &[&here, &again]).expect(0);
        assert!(
            fs::read(&archive).expect("there") == fs::read(&again).expect("there"),
            "{kind}: export, import, export"
        );
        let after = all_rows(place.path());
        for (line, expected) in &before.0 {
            assert!(expected.same_as(&after.0[line]), "{kind}: {line}\n{expected:?}\n{:?}", after.0[line]);
            assert_eq!(expected.stderr.contains("error"), after.0[line].stderr.contains("error"), "{kind}: {line}");
        }
        let fine = before.0.values().filter(|outcome| outcome.status == Some(0)).count();
        assert!(fine >= 8, "{kind}: {fine} of {} lines run", before.0.len());
        assert!(before.1 == after.1, "{kind}: the run itself");
    }
}

#[test]
fn equal_runs_give_equal_archives_wherever_they_are() {
    let place = folder();
    let (copy, one, other) = (place.path().join("copy"), place.path().join("one"), place.path().join("other"));
    copy_of(&Runs::open().run("boosting"), &copy);
    run("runs export {} --out {} --quiet", &[&Runs::open().run("boosting"), &one]).expect(0);
    run("runs export {} --out {} --quiet", &[&copy, &other]).expect(0);
    assert!(fs::read(one).expect("there") == fs::read(other).expect("there"));
    let into = place.path().join("into");
    run("runs import {} --out {} --quiet", &[&place.path().join("one"), &into]).expect(0);
    fs::remove_dir_all(copy.join("checkpoints")).expect("there");
    assert_same_bytes(&copy, &into);
}
