//! Manifests of sequences that were sealed by hand, stripped of their checksums, or sealed after a run was trained.

use std::fs;
use std::path::Path;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use serde_json::{Value, json};

use crate::common::{Workshop, folder, names_in, run};
use crate::left_over::{Planted, copied, planted};
use crate::parquet_edits::{manifest, seal_by_hand, table, write_table, write_without_seal};
use crate::runs::{Runs, SMALL};

/// Lists what is edited in a manifest that is then sealed by hand, and what is said of it.
fn manifest_edits() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("/layout_version", json!(99), "layout version 99"),
        ("/features/0/unit", json!("standard deviations"), "the unit of"),
        ("/features/1/name", json!("n_access"), "the feature `n_access` twice"),
        ("/features/0/lacking", json!("nobody knows"), "against what the source `knows`"),
        ("/knows/withdrawals", json!(true), "against what the source `knows`"),
        ("/static_columns", json!(["dropout"]), "the column `dropout` of enrolments twice"),
        ("/calendar/source", json!("guessed"), "from a source that there is not"),
        ("/calendar/as_of_source", json!("guessed"), "from a source that there is not"),
        ("/calendar/as_of", json!("2015-01-01T00:00:00"), "another `as_of_days`"),
        ("/calendar/weeks", json!(65_535), "weeks of the longest course"),
        ("/calendar/weeks_limit", json!(3), "another limit of weeks"),
        ("/build/weeks", json!(3), "another limit of weeks"),
        ("/build/rule", json!("withdrawn"), "another dropout rule"),
        ("/labels/known", json!(1), "labels"),
        ("/labels/dropouts", json!(0), "dropouts"),
        ("/rows/read", json!(1), "rows read"),
        ("/rows/rejected_share", json!(-0.5), "rejected_share"),
        ("/totals/courses", json!(1), "courses"),
        ("/totals/enrolments", json!(1), "enrolments"),
        ("/outputs/0/rows", json!(1), "rows, and the manifest says 1"),
        ("/outputs/0/bytes", json!(1), "bytes, and the manifest says 1"),
        ("/outputs/0/row_groups", json!(9), "row group"),
        ("/outputs/0/columns/week", json!("text"), "column `week` is of type"),
        ("/outputs/0/blake3", json!("0".repeat(64)), "the hash of"),
        ("/outputs/1/file", json!("sequences.parquet"), "once each"),
    ]
}

#[test]
fn a_manifest_sealed_by_hand_says_nothing_that_contradicts() {
    let here = folder();
    let whole = Workshop::open().sequences();
    for (place, value, part) in manifest_edits() {
        let sequences = copied(&whole, here.path());
        let mut edited = manifest(&sequences);
        let (above, name) = place.rsplit_once('/').expect("a place");
        let above = edited.pointer_mut(above).unwrap_or_else(|| panic!("no {place}"));
        match name.parse::<usize>() {
            Ok(number) => above[number] = value,
            Err(_) => above[name] = value,
        }
        fs::write(sequences.join("manifest.json"), edited.to_string()).expect("writable");
        seal_by_hand(&sequences);
        run("inspect {}", &[&sequences]).expect(1).complains(&[part]);
        run("sequences verify {}", &[&sequences]).expect(1);
    }
    // What is sealed by hand as it was is read, so that each of these is refused for its own sake.
    let sequences = copied(&whole, here.path());
    seal_by_hand(&sequences);
    run("sequences verify {}", &[&sequences]).expect(0);
}

#[test]
fn checksums_that_were_deleted_are_missed() {
    let (here, out) = (folder(), folder());
    let (own_run, whole) = (Workshop::open().run(), Workshop::open().sequences());
    let edits: [fn(&Path); 2] = [
        |sequences| {
            let mut edited = manifest(sequences);
            edited.as_object_mut().expect("an object").remove("seal");
            fs::write(sequences.join("manifest.json"), edited.to_string()).expect("writable");
        },
        |sequences| {
            let mut edited = manifest(sequences);
            edited.as_object_mut().expect("an object").remove("seal");
            edited["layout_version"] = json!(2);
            fs::write(sequences.join("manifest.json"), edited.to_string()).expect("writable");
        },
    ];
    for strip in edits {
        let sequences = copied(&whole, here.path());
        strip(&sequences);
        let line = "score {} {} --out {} --device cpu --json";
        let scores = out.path().join("scores.csv");
        let ran = run(line, &[&own_run, &sequences, &scores]).expect(1);
        let ran = ran.complains(&["manifest.json: its checksums are missing", "`staycast sequences seal`"]);
        assert_eq!(ran.json()["kind"], "error");
        assert!(names_in(out.path()).is_empty());
        let found = run("sequences verify {} --json", &[&sequences]).expect(1).json();
        assert_eq!((&found["seal"], &found["unverified"]), (&json!("missing"), &json!([sequences])));
        run("sequences seal {}", &[&sequences]).expect(0).says(&["manifest.json"]);
        let scored = run(line, &[&own_run, &sequences, &scores]).expect(0).json();
        assert_eq!(scored["unverified"], json!([]));
        fs::remove_file(scores).expect("ours");
    }
    // An older folder is read, with a word to people and programs.
    let sequences = copied(&whole, here.path());
    write_without_seal(&sequences, manifest(&sequences));
    let scores = out.path().join("scores.csv");
    let ran = run("score {} {} --out {} --device cpu --json --quiet", &[&own_run, &sequences, &scores]).expect(0);
    assert_eq!(ran.complains(&["warning: ", "its manifest can't be"]).json()["unverified"], json!([sequences]));
}

#[test]
fn an_evaluation_says_that_its_data_was_sealed_since() {
    let here = folder();
    let sequences = copied(&Runs::open().sequences(), here.path());
    for (kind, settings) in [("model", "--split course --model logistic"), ("folds", "--folds 2 --model tree")] {
        let sealed = copied(&Runs::open().sequences(), here.path());
        assert_eq!(sealed, sequences);
        let own_run = here.path().join(kind);
        run(&format!("train {{}} --out {{}} {settings} {SMALL}"), &[&sequences, &own_run]).expect(0);
        let path = sequences.join("enrolments.parquet");
        let batch = table(&path);
        let days = batch["enrolled_day"].as_primitive::<Float64Type>();
        let row = (0..batch.num_rows()).find(|&row| days.is_valid(row)).expect("a date");
        // Another word for how it ended changes no figure.
        write_table(&path, &planted(&batch, "outcome", row, Planted::Text("Pass")));
        run("sequences seal {}", &[&sequences]).expect(0).says(&["enrolments.parquet"]);
        run("evaluate {} {}", &[&own_run, &sequences]).expect(2).complains(&[
            "sealed again at ",
            "after the run was trained on them: enrolments.parquet changed",
            "train again",
        ]);
        if kind == "model" {
            run("evaluate {} {} --in-sample", &[&own_run, &sequences]).expect(0);
        }
    }
}
