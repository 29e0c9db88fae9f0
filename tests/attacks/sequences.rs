//! Attacks on sequences folders: damaged, edited, mixed up, forged. No command may take one for what was written.

use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use serde_json::json;

use crate::common::{Workshop, bytes_of, command, copy_of, folder, names_in, run, simulate};
use crate::damage::{Random, damage, rounds};
use crate::parquet_edits::{column, forge, manifest, rows, table, write_table, write_without_seal};

const FILES: [&str; 4] = ["sequences.parquet", "enrolments.parquet", "courses.parquet", "manifest.json"];

/// Every command that reads a sequences folder, which is the last path of each; the one before is where it writes.
const READERS: [&str; 9] = [
    "score {run} {sequences} --out {out}/scores.csv --device cpu",
    "score {run} {sequences} --courses {course} --out {out}/scores.csv --device cpu",
    "evaluate {run} {sequences} --out {out}/report",
    "train {sequences} --out {out}/run --device cpu",
    "compare {sequences} --out {out}/models --device cpu",
    "tune {sequences} --out {out}/tuned --device cpu",
    "recalibrate {run} {sequences} --out {out}/again --device cpu",
    "inspect {sequences}",
    "sequences verify {sequences}",
];

/// Fills in a line of [`READERS`].
fn line(reader: &str, sequences: &Path, out: &Path) -> Vec<String> {
    let shop = Workshop::open();
    let course = first_course();
    let fill = |word: &str| {
        word.replace("{run}", &shop.run().display().to_string())
            .replace("{sequences}", &sequences.display().to_string())
            .replace("{out}", &out.display().to_string())
            .replace("{course}", course)
    };
    reader.split(' ').map(fill).collect()
}

fn first_course() -> &'static str {
    static COURSE: OnceLock<String> = OnceLock::new();
    COURSE.get_or_init(|| {
        let courses = table(&Workshop::open().sequences().join("courses.parquet"));
        courses["course_id"].as_string::<i32>().value(0).to_owned()
    })
}

/// Copies the sequences to a new folder.
fn copied(here: &Path) -> PathBuf {
    let sequences = here.join("sequences");
    if sequences.exists() {
        fs::remove_dir_all(&sequences).expect("ours");
    }
    copy_of(&Workshop::open().sequences(), &sequences);
    sequences
}

/// Scores the folder, and returns the bytes of the scores; or the message, where it is refused.
fn scored(sequences: &Path, out: &Path) -> Result<Vec<u8>, String> {
    let ran = crate::common::staycast(line(READERS[0], sequences, out));
    let scores = out.join("scores.csv");
    match ran.status {
        Some(0) => {
            let bytes = fs::read(&scores).expect("scores");
            fs::remove_file(&scores).expect("ours");
            Ok(bytes)
        }
        _ => {
            let ran = ran.expect(1).complains(&["error: "]);
            assert!(names_in(out).iter().all(|name| name != "scores.csv"), "scores were written");
            Err(ran.stderr)
        }
    }
}

/// Checks that every command refuses the folder, says `part`, names nobody and writes nothing.
#[track_caller]
fn refused_by_all(what: &str, sequences: &Path, out: &Path, part: &str) {
    for reader in READERS {
        let ran = crate::common::staycast(line(reader, sequences, out)).expect(1);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        let unbroken = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(unbroken.contains(part), "{what}: no `{part}` in what {reader} says:\n{said}");
        assert!(names_in(out).is_empty(), "{what}: {reader} left {:?}", names_in(out));
    }
}

#[test]
fn a_byte_changed_anywhere_changes_no_score_in_silence() {
    let here = folder();
    let out = folder();
    let whole = scored(&copied(here.path()), out.path()).expect("the folder as it was written");
    let mut random = Random::new(12);
    for round in 0..rounds(12) {
        let sequences = copied(here.path());
        let file = FILES[random.below(FILES.len())];
        let path = sequences.join(file);
        let mut bytes = fs::read(&path).expect("readable");
        let how = damage(&mut bytes, &mut random);
        fs::write(&path, bytes).expect("writable");
        match scored(&sequences, out.path()) {
            Ok(scores) => assert!(scores == whole, "round {round}: {file}, {how}: other scores, and no word"),
            Err(message) => assert!(message.contains("sequences"), "round {round}: {file}, {how}: {message}"),
        }
    }
}

/// Rewrites one table of a folder.
type Edit = fn(&RecordBatch) -> RecordBatch;

fn all(batch: &RecordBatch) -> std::ops::Range<usize> {
    0..batch.num_rows()
}

fn shuffled(batch: &RecordBatch) -> RecordBatch {
    let mut order: Vec<usize> = all(batch).collect();
    let mut random = Random::new(7);
    for at in (1..order.len()).rev() {
        order.swap(at, random.below(at + 1));
    }
    rows(batch, order)
}

fn swapped(batch: &RecordBatch) -> RecordBatch {
    let mut order: Vec<usize> = all(batch).collect();
    order.swap(4, 5);
    rows(batch, order)
}

/// Puts `value` into row 3 of a column of features.
fn with_float(batch: &RecordBatch, name: &str, value: f32) -> RecordBatch {
    let values = batch[name].as_primitive::<arrow_array::types::Float32Type>();
    let values: Float32Array =
        all(batch).map(|row| if row == 3 { Some(value) } else { value_at(values, row) }).collect();
    column(batch, name, Arc::new(values))
}

fn value_at<T: arrow_array::ArrowPrimitiveType>(
    values: &arrow_array::PrimitiveArray<T>,
    row: usize,
) -> Option<T::Native> {
    values.is_valid(row).then(|| values.value(row))
}

/// Puts `text` into row 3 of a column of ids.
fn with_text(batch: &RecordBatch, name: &str, text: Option<&str>) -> RecordBatch {
    let values = batch[name].as_string::<i32>();
    let values: StringArray = all(batch).map(|row| if row == 3 { text } else { Some(values.value(row)) }).collect();
    column(batch, name, Arc::new(values))
}

/// Puts `number` into row `at` of a column of whole numbers.
fn with_number(batch: &RecordBatch, name: &str, at: usize, number: Option<i64>) -> RecordBatch {
    let values = arrow_cast_to_i64(&batch[name]);
    let values: Int64Array = all(batch).map(|row| if row == at { number } else { values[row] }).collect();
    column(batch, name, Arc::new(values))
}

fn arrow_cast_to_i64(array: &ArrayRef) -> Vec<Option<i64>> {
    if let Some(values) = array.as_primitive_opt::<Int32Type>() {
        return values.iter().map(|value| value.map(i64::from)).collect();
    }
    array.as_primitive::<Int64Type>().iter().collect()
}

/// The tables rewritten: which, how, and what is said of it once the manifest is forged to fit.
const REWRITES: &[(&str, &str, Edit, &str)] = &[
    ("sequences.parquet", "no rows", |all_rows| rows(all_rows, []), "has 0 rows"),
    (
        "sequences.parquet",
        "half the rows",
        |batch| rows(batch, 0..batch.num_rows() / 2),
        "rows, and the weeks of all enrolments",
    ),
    (
        "sequences.parquet",
        "every other row",
        |batch| rows(batch, all(batch).step_by(2)),
        "rows, and the weeks of all enrolments",
    ),
    (
        "sequences.parquet",
        "all of week 0",
        |batch| column(batch, "week", Arc::new(Int32Array::from(vec![0; batch.num_rows()]))),
        "row 2: is week 0",
    ),
    (
        "sequences.parquet",
        "rows doubled",
        |batch| rows(batch, all(batch).flat_map(|row| [row, row])),
        "rows, and the weeks",
    ),
    (
        "sequences.parquet",
        "one row in place of another",
        |batch| rows(batch, all(batch).map(|row| if row == 9 { 8 } else { row })),
        "row 10: is",
    ),
    ("sequences.parquet", "rows shuffled", shuffled, "rows are missing, there twice, or out of order"),
    ("sequences.parquet", "weeks swapped", swapped, "row 5: is week 5"),
    ("sequences.parquet", "an unknown course", |batch| with_text(batch, "course_id", Some("nowhere")), "row 4: "),
    ("sequences.parquet", "a course that is null", |batch| with_text(batch, "course_id", None), "`course_id` is null"),
    ("sequences.parquet", "an infinite value", |batch| with_float(batch, "days_since_last", f32::INFINITY), "row 4: "),
    ("sequences.parquet", "a value that is NaN", |batch| with_float(batch, "days_since_last", f32::NAN), "row 4: "),
    ("sequences.parquet", "a negative count", |batch| with_number(batch, "n_events", 3, Some(-4)), "`n_events`"),
    ("enrolments.parquet", "no rows", |batch| rows(batch, []), "in courses.parquet, and 0 in enrolments.parquet"),
    ("enrolments.parquet", "a row less", |batch| rows(batch, all(batch).skip(1)), "in courses.parquet, and"),
    ("enrolments.parquet", "a row twice", |batch| rows(batch, all(batch).chain([0])), "out of order"),
    (
        "enrolments.parquet",
        "a neighbour twice",
        |batch| rows(batch, [0].into_iter().chain(all(batch))),
        "same enrolment",
    ),
    ("enrolments.parquet", "rows shuffled", shuffled, "out of order"),
    ("enrolments.parquet", "an unknown course", |batch| with_text(batch, "course_id", Some("nowhere")), "`nowhere`"),
    (
        "enrolments.parquet",
        "nobody",
        |batch| with_text(batch, "enrolment_id", None),
        "row 4: column `enrolment_id` is null",
    ),
    (
        "enrolments.parquet",
        "a label of 2",
        |batch| {
            let labels = batch["dropout"].as_boolean();
            let number = |row| if row == 3 { Some(2) } else { labels.is_valid(row).then(|| labels.value(row).into()) };
            column(batch, "dropout", Arc::new(all(batch).map(number).collect::<Int64Array>()))
        },
        "row 4: column `dropout` is neither 0 nor 1",
    ),
    (
        "enrolments.parquet",
        "a day beyond all time",
        |batch| column(batch, "enrolled_day", Arc::new(Float64Array::from(vec![1e300; batch.num_rows()]))),
        "row 1: column `enrolled_day`",
    ),
    (
        "enrolments.parquet",
        "fewer than no events",
        |batch| with_number(batch, "pre_start_events", 3, Some(-1)),
        "row 4: ",
    ),
    ("courses.parquet", "no rows", |batch| rows(batch, []), "is not in courses.parquet"),
    ("courses.parquet", "a course less", |batch| rows(batch, all(batch).skip(1)), "is not in courses.parquet"),
    ("courses.parquet", "a course twice", |batch| rows(batch, [0].into_iter().chain(all(batch))), "is there twice"),
    ("courses.parquet", "out of order", |batch| rows(batch, all(batch).rev()), "out of order"),
    ("courses.parquet", "endless weeks", |batch| with_number(batch, "weeks", 0, Some(65_000)), "65000 weeks"),
    ("courses.parquet", "weeks below 0", |batch| with_number(batch, "weeks", 0, Some(-1)), "`weeks`"),
    ("courses.parquet", "weeks not observed", |batch| with_number(batch, "observed_weeks", 0, Some(1)), "1 observed"),
    (
        "courses.parquet",
        "other enrolments",
        |batch| with_number(batch, "enrolments", 0, Some(1)),
        "has 1 enrolment in courses.parquet",
    ),
];

#[test]
fn rewritten_tables_are_refused_by_every_command() {
    let (here, out) = (folder(), folder());
    for (at, (file, what, edit, _)) in REWRITES.iter().enumerate() {
        let sequences = copied(here.path());
        write_table(&sequences.join(file), &edit(&table(&sequences.join(file))));
        if at % 7 == 0 {
            refused_by_all(what, &sequences, out.path(), file);
        } else {
            let message = scored(&sequences, out.path()).expect_err(what);
            assert!(message.contains(file) && message.contains("sequences seal"), "{what}: {message}");
        }
    }
}

#[test]
fn forged_manifests_do_not_make_rewritten_tables_right() {
    let (here, out) = (folder(), folder());
    for (at, (file, what, edit, part)) in REWRITES.iter().enumerate() {
        let sequences = copied(here.path());
        write_table(&sequences.join(file), &edit(&table(&sequences.join(file))));
        forge(&sequences);
        if at % 7 == 0 {
            refused_by_all(what, &sequences, out.path(), part);
        } else {
            let message = scored(&sequences, out.path()).expect_err(what);
            assert!(message.contains(part), "{what}: no `{part}` in {message}");
        }
        // Nor does the command that seals what was edited on purpose.
        let before = bytes_of(&sequences);
        run("sequences seal {}", &[&sequences]).expect(1).complains(&[part]);
        assert!(bytes_of(&sequences) == before, "{what}: sealed in spite of it");
    }
}

#[test]
fn a_damaged_folder_is_sealed_or_refused_and_nothing_breaks() {
    let (here, out) = (folder(), folder());
    let mut random = Random::new(34);
    for round in 0..rounds(6) {
        let sequences = copied(here.path());
        let file = FILES[random.below(FILES.len())];
        let mut bytes = fs::read(sequences.join(file)).expect("readable");
        // Every other time at the end, where the footers are.
        let mut end = bytes.split_off(if round % 2 == 0 { 0 } else { bytes.len().saturating_sub(2048) });
        let how = damage(&mut end, &mut random);
        bytes.extend(end);
        fs::write(sequences.join(file), bytes).expect("writable");
        let ran = run("sequences seal {}", &[&sequences]);
        let status = ran.status;
        assert!(matches!(status, Some(0 | 1)), "round {round}: {file}, {how}: {status:?}, {}", ran.stderr);
        assert!(!ran.stderr.contains("panicked"), "round {round}: {file}, {how}: {}", ran.stderr);
        if status == Some(0) {
            // What is sealed can be read.
            run("sequences verify {}", &[&sequences]).expect(0);
            scored(&sequences, out.path()).unwrap_or_else(|error| panic!("round {round}: {file}, {how}: {error}"));
        }
    }
}

#[test]
fn a_finished_preprocess_is_not_kept_where_it_was_damaged() {
    let here = folder();
    let sequences = copied(here.path());
    let logs = Workshop::open().logs();
    run("preprocess {} --out {} --resume --quiet", &[&logs, &sequences]).expect(0);
    let path = sequences.join("enrolments.parquet");
    write_table(&path, &rows(&table(&path), [0]));
    run("preprocess {} --out {} --resume", &[&logs, &sequences]).expect(1).complains(&["enrolments.parquet: has "]);
}

#[test]
fn tables_of_another_folder_are_refused_by_every_command() {
    let (here, out, other) = (folder(), folder(), folder());
    simulate(300, &other.path().join("logs"));
    let (logs, foreign) = (other.path().join("logs"), other.path().join("sequences"));
    run("preprocess {} --out {} --quiet", &[&logs, &foreign]).expect(0);
    for file in &FILES[..3] {
        let sequences = copied(here.path());
        fs::copy(foreign.join(file), sequences.join(file)).expect("writable");
        refused_by_all("of another folder", &sequences, out.path(), file);
        forge(&sequences);
        scored(&sequences, out.path()).expect_err("of another folder, forged");
        run("inspect {}", &[&sequences]).expect(1);
        run("sequences seal {}", &[&sequences]).expect(1);
    }
}

#[test]
fn a_manifest_that_was_edited_is_refused_by_every_command() {
    let (here, out) = (folder(), folder());
    let edits = [
        ("/totals/enrolments", json!(7)),
        ("/labels/rule", json!("inactive-last 3")),
        ("/labels/dropouts", json!(0)),
        ("/calendar/as_of", json!("2015-01-01T00:00:00")),
        ("/knows/withdrawals", json!(true)),
        ("/outputs/0/blake3", json!("0".repeat(64))),
        ("/outputs/0/file", json!("../sequences.parquet")),
        ("/outputs", json!([])),
        ("/features/0/name", json!("n_nothing")),
        ("/seal", json!("0".repeat(64))),
        ("/seal", json!("")),
    ];
    for (place, value) in edits {
        let sequences = copied(here.path());
        let mut edited = manifest(&sequences);
        *edited.pointer_mut(place).expect("a place") = value;
        fs::write(sequences.join("manifest.json"), serde_json::to_vec_pretty(&edited).expect("JSON"))
            .expect("writable");
        if place == "/outputs" {
            refused_by_all(place, &sequences, out.path(), "is not as it was sealed");
        } else {
            let message = scored(&sequences, out.path()).expect_err(place);
            assert!(message.contains("manifest.json: is not as it was sealed"), "{place}: {message}");
        }
    }
}

#[test]
fn files_that_are_missing_or_no_files_are_refused() {
    let (here, out) = (folder(), folder());
    for file in FILES {
        let sequences = copied(here.path());
        fs::remove_file(sequences.join(file)).expect("ours");
        refused_by_all("missing", &sequences, out.path(), if file == "manifest.json" { "" } else { file });
        fs::create_dir(sequences.join(file)).expect("ours");
        scored(&sequences, out.path()).expect_err("a folder in its place");
    }
}

#[test]
fn folders_of_before_there_were_seals_load_with_a_sentence() {
    let (here, out) = (folder(), folder());
    let sequences = copied(here.path());
    let whole = scored(&sequences, out.path()).expect("as it was written");
    write_without_seal(&sequences, manifest(&sequences));
    let ran = crate::common::staycast(line(READERS[0], &sequences, out.path())).expect(0);
    ran.complains(&["before manifests had a seal", "`staycast sequences seal`"]);
    assert!(fs::read(out.path().join("scores.csv")).expect("scores") == whole);
    run("sequences seal {}", &[&sequences]).expect(0).says(&["no table"]);
    assert!(scored(&sequences, out.path()).expect("sealed") == whole);
    run("sequences verify {}", &[&sequences]).expect(0).says(&["every file, row and value is as it should be"]);
}

#[test]
fn an_edit_on_purpose_is_sealed_and_said() {
    let (here, out) = (folder(), folder());
    let sequences = copied(here.path());
    run("sequences seal {}", &[&sequences]).expect(0).says(&["nothing to do"]);
    // Somebody wants to be forgotten: the first enrolment, in all three tables.
    let enrolments = table(&sequences.join("enrolments.parquet"));
    let (course, id) =
        (enrolments["course_id"].as_string::<i32>().value(0), enrolments["enrolment_id"].as_string::<i32>());
    let weeks = table(&sequences.join("sequences.parquet"));
    let of_others = |row: &usize| weeks["enrolment_id"].as_string::<i32>().value(*row) != id.value(0);
    let courses = table(&sequences.join("courses.parquet"));
    let there = courses["enrolments"].as_primitive::<Int64Type>().value(0);
    assert_eq!(courses["course_id"].as_string::<i32>().value(0), course);
    write_table(&sequences.join("enrolments.parquet"), &rows(&enrolments, all(&enrolments).skip(1)));
    write_table(&sequences.join("sequences.parquet"), &rows(&weeks, all(&weeks).filter(of_others)));
    write_table(&sequences.join("courses.parquet"), &with_number(&courses, "enrolments", 0, Some(there - 1)));
    scored(&sequences, out.path()).expect_err("not sealed yet");
    let found = run("sequences verify {} --json", &[&sequences]).expect(1).json();
    assert_eq!((&found["fine"], found["problems"].as_array().expect("a list").len()), (&json!(false), 3));
    let sealed = run("sequences seal {} --json", &[&sequences]).expect(0).json();
    assert_eq!(sealed["record"]["edited"].as_array().expect("a list").len(), 3);
    assert_eq!(sealed["totals"]["enrolments"], json!(enrolments.num_rows() - 1));
    assert_eq!(run("sequences verify {} --json", &[&sequences]).expect(0).json()["fine"], json!(true));
    let scores = scored(&sequences, out.path()).expect("sealed");
    assert_eq!(scores.split(|&byte| byte == b'\n').count(), 1 + enrolments.num_rows());
    run("inspect {}", &[&sequences]).expect(0).says(&["edited after preprocess"]);
    let trained = out.path().join("run");
    let small = crate::common::SMALL;
    run(&format!("train {{}} --out {{}} --split time {small} --set training.epochs=1"), &[&sequences, &trained])
        .expect(0)
        .complains(&["edited after preprocess"]);
    assert_eq!(manifest(&trained)["data"]["edited"]["edited"][0]["file"], json!("sequences.parquet"));
    run("inspect {}", &[&trained]).expect(0).says(&["edited after preprocess"]);
    run("evaluate {} {} --out {}", &[&trained, &sequences, &out.path().join("report")]).expect(0);
    let report = fs::read_to_string(out.path().join("report/report.json")).expect("a report");
    assert!(report.contains("The sequences were edited after they were made"), "{report}");
}

#[cfg(unix)]
#[test]
fn a_hash_that_is_remembered_hides_no_damage() {
    use std::os::unix::fs::PermissionsExt;
    let (here, out, cache) = (folder(), folder(), folder());
    let sequences = copied(here.path());
    let score = || {
        let mut command = command(line(READERS[0], &sequences, out.path()));
        command.env("XDG_CACHE_HOME", cache.path()).output().expect("the program runs").status.code()
    };
    // What was written just now is not remembered: a second write could have the same times.
    assert_eq!(score(), Some(0));
    let hashes = cache.path().join("staycast/hashes");
    assert!(!hashes.exists() || names_in(&hashes).is_empty());
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(score(), Some(0));
    assert_eq!(names_in(&hashes).len(), 3, "{:?}", names_in(&hashes));
    assert_eq!(score(), Some(0));
    for file in &FILES[..3] {
        let path = sequences.join(file);
        let whole = fs::read(&path).expect("readable");
        let times = fs::metadata(&path).expect("there");
        let times = FileTimes::new()
            .set_accessed(times.accessed().expect("a time"))
            .set_modified(times.modified().expect("a time"));
        let mut damaged = whole.clone();
        damaged[whole.len() / 2] ^= 1;
        fs::write(&path, damaged).expect("writable");
        File::options().write(true).open(&path).and_then(|file| file.set_times(times)).expect("ours");
        assert_eq!(score(), Some(1), "{file}");
        fs::write(&path, whole).expect("writable");
    }
    // Damaged entries, and a cache that can't be written, cost time and nothing else.
    for name in names_in(&hashes) {
        fs::write(hashes.join(name), "staycast-hash-1 0 0 0").expect("writable");
    }
    assert_eq!(score(), Some(0));
    fs::remove_dir_all(cache.path().join("staycast")).expect("ours");
    fs::write(cache.path().join("staycast"), "in the way").expect("writable");
    assert_eq!(score(), Some(0));
    // Nor need the folder be writable.
    fs::set_permissions(&sequences, fs::Permissions::from_mode(0o555)).expect("ours");
    assert_eq!(score(), Some(0));
    fs::set_permissions(&sequences, fs::Permissions::from_mode(0o755)).expect("ours");
}
