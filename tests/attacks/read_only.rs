//! Runs and sequences that can't be written to are read all the same.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;

use crate::common::{Ran, Workshop, arguments, bytes_of, command, copy_of, folder};

/// Runs the program without root's right to write where permissions forbid it.
fn run_without_privileges(line: &str, paths: &[&Path]) -> Ran {
    let mut command = command(arguments(line, paths));
    // SAFETY: between fork and exec, the call is allowed. Where the right is not there, it can't be given up.
    unsafe {
        command.pre_exec(|| {
            const CAP_DAC_OVERRIDE: libc::c_ulong = 1;
            libc::prctl(libc::PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0);
            Ok(())
        });
    }
    Ran::of(command.output().expect("the program runs"))
}

/// Takes away, or gives back, the right to write to a folder, the folders in it and their files.
fn set_writable(place: &Path, writable: bool) {
    let (of_folders, of_files) = if writable { (0o755, 0o644) } else { (0o555, 0o444) };
    let mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode is set");
    mode(place, if writable { of_folders } else { 0o755 });
    for entry in fs::read_dir(place).expect("readable") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { set_writable(&path, writable) } else { mode(&path, of_files) }
    }
    mode(place, of_folders);
}

#[test]
fn commands_that_only_read_work_on_read_only_folders() {
    let workshop = Workshop::open();
    let place = folder();
    let (run, sequences) = (place.path().join("run"), place.path().join("sequences"));
    copy_of(&workshop.run(), &run);
    copy_of(&workshop.sequences(), &sequences);
    let at = |name: &str| place.path().join(name);
    let evaluate = "evaluate {} {} --out {} --resamples 20 --check-leakage never --device cpu";
    run_without_privileges(evaluate, &[&run, &sequences, &at("writable")]).expect(0);
    let recorded = fs::read(run.join("evaluations.jsonl")).expect("the look is recorded");
    for folder in [&run, &sequences] {
        set_writable(folder, false);
    }
    let before = bytes_of(&run);

    let ran = run_without_privileges(evaluate, &[&run, &sequences, &at("report")]).expect(0);
    ran.complains(&["warning: this evaluation is not recorded in the run (cannot write ", "evaluations.jsonl"]);
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(at("report").join("report.json")).expect("readable")).expect("JSON");
    assert!(report["not_recorded"].as_str().is_some_and(|why| why.contains("ermission")), "{}", report["not_recorded"]);
    assert_eq!(report["evaluations_of_this_part"], 2);
    let json =
        run_without_privileges(&format!("{evaluate} --json"), &[&run, &sequences, &at("again")]).expect(0).json();
    assert!(json["not_recorded"].is_string(), "{json}");

    run_without_privileges("score {} {} --out {} --device cpu", &[&run, &sequences, &at("scores.csv")]).expect(0);
    run_without_privileges("inspect {}", &[&run]).expect(0);
    run_without_privileges("inspect {}", &[&sequences]).expect(0);
    run_without_privileges("runs {}", &[place.path()]).expect(0).says(&["1 run"]);
    run_without_privileges("runs export {} --out {}", &[&run, &at("run.tar.zst")]).expect(0);
    run_without_privileges("recalibrate {} {} --out {} --device cpu", &[&run, &sequences, &at("carried")]).expect(0);
    run_without_privileges("train {} --out {} --model days-since-last", &[&sequences, &at("trained")]).expect(0);

    assert_eq!(bytes_of(&run), before);
    for folder in [&run, &sequences] {
        set_writable(folder, true);
    }
    assert_eq!(fs::read(run.join("evaluations.jsonl")).expect("readable"), recorded);
}
