//! What a command gives: its status, its output and the files that it writes; within a time, without a panic.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{bytes_of, command};

/// Bounds the time of a command.
const LONGEST: Duration = Duration::from_secs(60);

/// Holds what a command gave.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    /// Exit status; `None` when a signal ended it.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// What it wrote below `{out}`, timings aside.
    pub(crate) files: BTreeMap<PathBuf, Vec<u8>>,
}

/// Runs a line of arguments in which names in braces stand for paths, with `out` empty before and after.
#[track_caller]
pub(crate) fn outcome(line: &str, paths: &[(&str, &Path)], out: &Path) -> Outcome {
    if out.exists() {
        fs::remove_dir_all(out).expect("removable");
    }
    let arguments = line.split(' ').map(|word| {
        let named = |word: String, (name, path): &(&str, &Path)| {
            word.replace(&format!("{{{name}}}"), &path.display().to_string())
        };
        paths.iter().fold(word.to_owned(), named)
    });
    let mut child =
        command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let (stdout, stderr) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let read = |mut from: Box<dyn std::io::Read + Send>| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            from.read_to_end(&mut bytes).expect("readable");
            String::from_utf8(bytes).expect("output is UTF-8")
        })
    };
    let (stdout, stderr) = (read(Box::new(stdout)), read(Box::new(stderr)));
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("it can be asked") {
            break status;
        }
        if begun.elapsed() > LONGEST {
            child.kill().expect("it can be killed");
            panic!("`{line}` does not end");
        }
        thread::sleep(Duration::from_millis(5));
    };
    let files = if out.exists() { bytes_of(out) } else { BTreeMap::new() };
    let (stdout, stderr) = (stdout.join().expect("read"), stderr.join().expect("read"));
    Outcome { status: status.code(), stdout, stderr, files }
}

impl Outcome {
    /// Checks that the command refused with a message, and left no file.
    #[track_caller]
    pub(crate) fn assert_refusal(&self, how: &str) {
        assert!(matches!(self.status, Some(1 | 2)), "{how}: status {:?}\n{}", self.status, self.stderr);
        assert!(self.stderr.contains("error: "), "{how}: no message\n{}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{how}\n{}", self.stderr);
        assert!(self.files.is_empty(), "{how}: {:?} stay", self.files.keys());
    }

    /// Tells whether both gave the same, whatever they warned of.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        (self.status, &self.stdout, &self.files) == (other.status, &other.stdout, &other.files)
    }

    /// Checks that no number of a table or a description is none.
    #[track_caller]
    pub(crate) fn assert_finite(&self, how: &str) {
        assert!(!self.stderr.contains("panicked"), "{how}\n{}", self.stderr);
        for (name, bytes) in &self.files {
            if name.extension().is_some_and(|extension| extension == "csv") {
                let text = String::from_utf8_lossy(bytes);
                for word in text.split([',', '\n']) {
                    assert!(!["NaN", "inf", "-inf"].contains(&word), "{how}: {word} in {}", name.display());
                }
            }
        }
    }
}
