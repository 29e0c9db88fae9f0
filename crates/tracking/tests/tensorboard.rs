//! Event files, read back by a reader of our own, which shares nothing with the writer, and by TensorBoard itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use staycast_tracking::tensorboard::{EventFileError, EventFileOrigin, EventWriter, Hyperparameter, SessionOutcome};

const HOST: &str = "lab 7";

fn origin(wall_time_seconds: f64) -> EventFileOrigin<'static> {
    EventFileOrigin { wall_time_seconds, host: HOST, process: 41 }
}

/// Names a field of a protocol buffer: its number and what it holds.
#[derive(Clone, Debug, PartialEq)]
enum Field<'a> {
    Number(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

/// Returns the fields of a message, by <https://protobuf.dev/programming-guides/encoding/>.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for at in 0.. {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                break;
            }
        }
        value
    }
    fn take<'a>(bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
        let (taken, rest) = bytes.split_at(count);
        *bytes = rest;
        taken
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let field = match key & 7 {
            0 => Field::Number(varint(&mut bytes)),
            1 => Field::Fixed64(take(&mut bytes, 8).try_into().expect("8 bytes")),
            2 => {
                let length = varint(&mut bytes) as usize;
                Field::Bytes(take(&mut bytes, length))
            }
            5 => Field::Fixed32(take(&mut bytes, 4).try_into().expect("4 bytes")),
            other => panic!("wire type {other}"),
        };
        found.push((key >> 3, field));
    }
    found
}

fn bytes<'a>(message: &[(u64, Field<'a>)], number: u64) -> Vec<&'a [u8]> {
    let of = |(found, field): &(u64, Field<'a>)| match field {
        Field::Bytes(bytes) if *found == number => Some(*bytes),
        _ => None,
    };
    message.iter().filter_map(of).collect()
}

/// Computes the CRC-32C bit by bit: reflected polynomial 0x82f63b78 (RFC 3720, section 12.1), then the mask of
/// TensorFlow's records.
fn masked(data: &[u8]) -> u32 {
    let crc = !data.iter().fold(!0_u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 })
    });
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Returns the records of a file, checksums checked, and whether there is half a one at its end.
fn records(path: &Path) -> (Vec<Vec<u8>>, bool) {
    let file = fs::read(path).expect("readable");
    let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().expect("4 bytes"));
    let (mut at, mut found) = (0, Vec::new());
    while at + 12 <= file.len() {
        let length = u64::from_le_bytes(file[at..at + 8].try_into().expect("8 bytes")) as usize;
        assert_eq!(number(at + 8), masked(&file[at..at + 8]), "checksum of the length");
        if at + 16 + length > file.len() {
            break;
        }
        let data = &file[at + 12..at + 12 + length];
        assert_eq!(number(at + 12 + length), masked(data), "checksum of the data");
        found.push(data.to_vec());
        at += 16 + length;
    }
    (found, at != file.len())
}

/// Holds a scalar: wall time, step, tag, value.
type Scalar = (f64, i64, String, f32);

fn scalars(event: &[u8]) -> Vec<Scalar> {
    let event = fields(event);
    let (mut time, mut step) = (0.0, 0);
    for (number, field) in &event {
        match (number, field) {
            (1, Field::Fixed64(bits)) => time = f64::from_le_bytes(*bits),
            (2, Field::Number(value)) => step = *value as i64,
            _ => {}
        }
    }
    let mut found = Vec::new();
    for summary in bytes(&event, 5) {
        for value in bytes(&fields(summary), 1) {
            let value = fields(value);
            let tag = String::from_utf8(bytes(&value, 1)[0].to_vec()).expect("UTF-8");
            if let Some((_, Field::Fixed32(bits))) = value.iter().find(|(number, _)| *number == 2) {
                found.push((time, step, tag, f32::from_le_bytes(*bits)));
            }
        }
    }
    found
}

fn event_files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder).expect("readable").map(|entry| entry.expect("readable").path()).collect();
    found.sort();
    found
}

fn settings() -> BTreeMap<String, Hyperparameter> {
    [
        ("training.learning_rate", Hyperparameter::Number(0.004)),
        ("split.by", Hyperparameter::Text("course".to_owned())),
        ("check_leakage", Hyperparameter::Flag(true)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

#[test]
fn a_file_begins_with_its_version_and_holds_what_was_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut writer = EventWriter::create(&folder.path().join("new/run"), origin(1_700_000_000.25)).expect("writable");
    writer.scalars(1_700_000_001.5, 1, &[("loss/training", 0.75), ("auc", 0.1)]).expect("writable");
    writer.scalars(1_700_000_002.5, 2, &[("loss/training", f64::NAN)]).expect("writable");
    writer.flush().expect("writable");
    let name = writer.path().file_name().and_then(|name| name.to_str()).expect("UTF-8").to_owned();
    assert_eq!(name, "events.out.tfevents.1700000000.lab-7.41.0");

    let (records, cut) = records(writer.path());
    assert!(!cut);
    assert_eq!(bytes(&fields(&records[0]), 3), [b"brain.Event:2"]);
    let found: Vec<Scalar> = records.iter().flat_map(|record| scalars(record)).collect();
    assert_eq!(
        found[..2],
        [(1_700_000_001.5, 1, "loss/training".to_owned(), 0.75), (1_700_000_001.5, 1, "auc".to_owned(), 0.1)]
    );
    assert_eq!((found[2].1, found[2].3.is_nan(), found.len()), (2, true, 3));
}

#[test]
fn hyperparameters_are_in_the_plugins_metadata() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut writer = EventWriter::create(folder.path(), origin(5.0)).expect("writable");
    writer.hyperparameters(5.0, &settings()).expect("writable");
    writer.ended(9.0, SessionOutcome::Success).expect("writable");
    writer.flush().expect("writable");
    let (records, _) = records(writer.path());
    let mut tags = Vec::new();
    let mut names = Vec::new();
    for record in &records[2..] {
        let (event, mut plugin) = (fields(record), Vec::new());
        let summary = fields(bytes(&event, 5)[0]);
        let value = fields(bytes(&summary, 1)[0]);
        tags.push(String::from_utf8_lossy(bytes(&value, 1)[0]).into_owned());
        let metadata = fields(bytes(&value, 9)[0]);
        plugin.extend(fields(bytes(&metadata, 1)[0]));
        assert_eq!(bytes(&plugin, 1), [b"hparams"]);
        let content = fields(bytes(&plugin, 2)[0]);
        for start in bytes(&content, 3) {
            let entries = fields(start);
            names.extend(bytes(&entries, 1).into_iter().map(|entry| bytes(&fields(entry), 1)[0].to_vec()));
        }
    }
    assert_eq!(tags, ["_hparams_/session_start_info", "_hparams_/session_end_info"]);
    assert_eq!(names, [&b"check_leakage"[..], b"split.by", b"training.learning_rate"]);
}

/// Writes a run that was killed in the middle of a record after step 3, and resumed from step 3.
fn interrupted(folder: &Path) {
    let mut writer = EventWriter::create(folder, origin(1_700_000_000.0)).expect("writable");
    writer.hyperparameters(1_700_000_000.0, &settings()).expect("writable");
    for step in 1..=3_i32 {
        let values = [("auc", 0.5 + 0.01 * f64::from(step)), ("loss/validation", 1.0 / f64::from(step))];
        writer.scalars(1_700_000_000.0 + f64::from(step), i64::from(step), &values).expect("writable");
    }
    let path = writer.path().to_owned();
    drop(writer);
    let whole = fs::read(&path).expect("readable");
    let mut cut = whole.clone();
    cut.extend(&whole[..20]);
    fs::write(&path, cut).expect("writable");

    // The clock was set back by an hour.
    let mut writer = EventWriter::resume(folder, origin(1_699_996_400.0), 3).expect("writable");
    for step in 3..=5_i32 {
        let values = [("auc", 0.6 + 0.01 * f64::from(step)), ("loss/validation", 2.0 / f64::from(step))];
        writer.scalars(1_700_000_100.0 + f64::from(step), i64::from(step), &values).expect("writable");
    }
    writer.ended(1_700_000_200.0, SessionOutcome::Success).expect("writable");
    writer.flush().expect("writable");
}

#[test]
fn a_resumed_run_writes_a_later_file_and_leaves_the_first_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    interrupted(folder.path());
    let files = event_files(folder.path());
    assert_eq!(files.len(), 2);
    assert!(files[1].to_string_lossy().contains(".1700000001."), "one second after the first, whatever the clock says");
    let (first, cut) = records(&files[0]);
    assert!(cut);
    assert_eq!(first.len(), 1 + 1 + 1 + 3, "version, start, hyperparameters, three steps");
    let (second, cut) = records(&files[1]);
    assert!(!cut);
    let start = fields(&second[1]);
    assert!(start.contains(&(2, Field::Number(3))), "from step 3");
    assert_eq!(fields(bytes(&start, 7)[0]), [(1, Field::Number(1))], "SessionLog.START");
}

#[test]
fn writers_in_one_folder_at_one_time_get_files_of_their_own() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for _ in 0..3 {
        EventWriter::create(folder.path(), origin(7.0)).expect("writable").flush().expect("writable");
    }
    assert_eq!(event_files(folder.path()).len(), 3);
}

#[test]
fn times_that_are_none_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for time in [-1.0, f64::NAN, f64::INFINITY, 1e10] {
        assert!(matches!(EventWriter::create(folder.path(), origin(time)), Err(EventFileError::Time(_))), "{time}");
    }
    let mut writer = EventWriter::create(folder.path(), origin(1.0)).expect("writable");
    assert!(writer.scalars(f64::NAN, 1, &[]).is_err());
}

#[test]
fn a_folder_that_can_not_be_made_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    fs::write(&file, b"").expect("writable");
    let error = EventWriter::create(&file.join("events"), origin(1.0)).expect_err("a file is in the way").to_string();
    assert!(error.contains("events") && error.contains("leave TensorBoard out"), "{error}");
}

/// Needs a Python with the package `tensorboard`; `scripts/test` makes one.
#[test]
#[ignore = "needs STAYCAST_TENSORBOARD_PYTHON, a python that has the package tensorboard"]
fn tensorboard_itself_reads_scalars_hyperparameters_and_resumed_runs() {
    let python = std::env::var_os("STAYCAST_TENSORBOARD_PYTHON").expect(
        "set STAYCAST_TENSORBOARD_PYTHON to a python with tensorboard: python3 -m venv V && V/bin/pip install tensorboard",
    );
    let package = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    interrupted(&folder.path().join("resumed"));
    let mut writer = EventWriter::create(&folder.path().join("other"), origin(1_700_000_000.0)).expect("writable");
    let mut others = settings();
    others.insert("only_here".to_owned(), Hyperparameter::Text("größe".to_owned()));
    others.insert("training.learning_rate".to_owned(), Hyperparameter::Number(0.01));
    writer.hyperparameters(1_700_000_000.0, &others).expect("writable");
    writer.scalars(1_700_000_001.0, 1, &[("auc", 0.7)]).expect("writable");
    writer.ended(1_700_000_002.0, SessionOutcome::Failure).expect("writable");
    writer.flush().expect("writable");

    for loader in ["python", "data-server"] {
        let output = Command::new(&python)
            .arg(package.join("../../scripts/peers/tensorboard_events.py"))
            .arg(folder.path())
            .args(["--loader", loader])
            .output()
            .expect("the python can be run");
        assert!(output.status.success(), "{loader}: {}", String::from_utf8_lossy(&output.stderr));
        let seen = serde_json::from_slice(&output.stdout).expect("JSON");
        eprintln!("{loader} of tensorboard");
        check_what_tensorboard_shows(&seen);
    }
}

/// Lists the curves that TensorBoard shows of the two runs.
fn check_what_tensorboard_shows(seen: &serde_json::Value) {
    let curve = |run: &str, tag: &str| -> Vec<(i64, f64)> {
        let points = seen["scalars"][run][tag].as_array().unwrap_or_else(|| panic!("no {tag} of {run} in {seen}"));
        points.iter().map(|point| (point[0].as_i64().expect("a step"), point[1].as_f64().expect("a value"))).collect()
    };
    let auc: Vec<(i64, f64)> = [(1, 0.51_f32), (2, 0.52), (3, 0.63), (4, 0.64), (5, 0.65)]
        .map(|(step, value)| (step, f64::from(value)))
        .into();
    assert_eq!(curve("resumed", "auc"), auc, "steps 3 and on are those of the resumed training");
    assert_eq!(curve("resumed", "loss/validation").len(), 5);
    assert_eq!(curve("other", "auc"), [(1, f64::from(0.7_f32))]);

    let names: Vec<&str> =
        seen["hparams"].as_array().expect("a list").iter().filter_map(serde_json::Value::as_str).collect();
    assert_eq!(names, ["check_leakage", "only_here", "split.by", "training.learning_rate"]);
    let session = |name: &str| {
        let sessions = seen["sessions"].as_array().expect("a list");
        sessions.iter().find(|session| session["name"] == name).unwrap_or_else(|| panic!("no {name} in {seen}"))
    };
    assert_eq!(session("resumed")["status"], "STATUS_SUCCESS");
    assert_eq!(session("resumed")["hparams"]["training.learning_rate"], 0.004);
    assert_eq!(session("resumed")["hparams"]["check_leakage"], true);
    assert_eq!(session("resumed")["metrics"]["auc"], f64::from(0.65_f32));
    assert_eq!(session("other")["status"], "STATUS_FAILURE");
    assert_eq!(session("other")["hparams"]["only_here"], "größe");
    eprintln!("tensorboard {}", seen["version"]);
}
