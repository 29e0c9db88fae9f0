//! A log that is replaced, cut or appended to between its opening and the end of its reading.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use staycast_events::{ReadError, Source};

use crate::common::{Folder, open, read};

/// The logs of fixtures that are read again for their events, each with rows enough that it is not held.
fn logs() -> Vec<(&'static str, &'static str)> {
    vec![("kdd2015", "log.csv"), ("oulad", "studentVle.csv"), ("xuetangx2019", "train_log.csv")]
}

type Change = fn(&PathBuf);

/// Copies a fixture, with a log of over 64 KiB.
fn long_log(format: &str, log: &str) -> (Folder, PathBuf) {
    let folder = Folder::copy_of(&format!("{format}/base"));
    let path = folder.path().join(log);
    let text = fs::read_to_string(&path).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    fs::write(&path, format!("{header}\n{}", rows.repeat(1 + (1 << 17) / rows.len()))).unwrap();
    (folder, path)
}

fn log_input(source: &Source) -> &staycast_events::InputFile {
    source.inputs.iter().find(|input| input.role == "log" || input.role == "clicks").expect("a log")
}

#[test]
fn what_is_appended_to_a_log_does_not_count_and_is_named() {
    for (format, log) in logs() {
        let (folder, path) = long_log(format, log);
        let before = fs::read(&path).unwrap();
        let expected = read(&open(folder.path()).unwrap()).unwrap();
        let source = open(folder.path()).unwrap();
        File::options().append(true).open(&path).unwrap().write_all(&before[before.len() / 2..]).unwrap();
        let all = read(&source).unwrap();
        assert!(all == expected, "{format}");
        let input = log_input(&source);
        assert!(input.file.grew(), "{format}");
        assert_eq!(input.file.bytes(), before.len() as u64, "{format}");
        assert_eq!(input.file.blake3().unwrap(), blake3::hash(&before).to_hex().as_str(), "{format}");
    }
}

#[test]
fn a_log_that_is_replaced_cut_or_rewritten_is_an_error_that_names_it() {
    for (format, log) in logs() {
        let changes: [(&str, Change); 3] = [
            ("was replaced by another file", |path| {
                let other = path.with_extension("new");
                fs::copy(path, &other).unwrap();
                fs::rename(other, path).unwrap();
            }),
            ("became shorter", |path| File::options().write(true).open(path).unwrap().set_len(70_000).unwrap()),
            ("was written to", |path| {
                let file = File::options().write(true).open(path).unwrap();
                file.set_modified(SystemTime::now() + Duration::from_secs(3)).unwrap();
            }),
        ];
        for (expected, change) in changes {
            let (folder, path) = long_log(format, log);
            let source = open(folder.path()).unwrap();
            change(&path);
            match read(&source) {
                Err(ReadError::Changed { path: named, how }) => assert_eq!((named, how), (path, expected), "{format}"),
                Err(error) => panic!("{format}: {error}"),
                Ok(_) => panic!("{format}: a log that {expected} is read"),
            }
        }
    }
}

#[test]
fn a_small_log_is_read_as_it_was_when_it_was_opened() {
    for (format, log) in logs() {
        let folder = Folder::copy_of(&format!("{format}/base"));
        let expected = read(&open(folder.path()).unwrap()).unwrap();
        let source = open(folder.path()).unwrap();
        fs::write(folder.path().join(log), "something else\n").unwrap();
        assert!(read(&source).unwrap() == expected, "{format}");
    }
}
