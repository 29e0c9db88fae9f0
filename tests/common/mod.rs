//! Running the program and looking at what it leaves.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use staycast_simulator::{SimulatorConfig, simulate_to_folder};
use tempfile::TempDir;

/// Holds the exit status of a command and what it printed.
pub(crate) struct Ran {
    /// Exit status; `None` when a signal ended it.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }

    /// Checks the exit status.
    #[track_caller]
    pub(crate) fn expect(self, status: i32) -> Self {
        assert!(
            self.status == Some(status),
            "status {:?}, not {status}\n--- stdout\n{}\n--- stderr\n{}",
            self.status,
            self.stdout,
            self.stderr
        );
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        // Counts agree with their nouns, whatever the command.
        assert_singular(&self.stdout);
        assert_singular(&self.stderr);
        self
    }

    /// Checks that stderr says all of `parts`.
    #[track_caller]
    pub(crate) fn complains(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "no `{part}` in\n{}", self.stderr);
        }
        self
    }

    /// Checks that stdout says all of `parts`, wherever its lines are broken.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        let unbroken = self.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in parts {
            assert!(self.stdout.contains(part) || unbroken.contains(part), "no `{part}` in\n{}", self.stdout);
        }
        self
    }

    /// Parses stdout, which must be one JSON object and nothing else.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let value: Value =
            serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout));
        assert!(value.is_object(), "{value}");
        value
    }
}

/// Checks that no noun in the plural follows the number one.
#[track_caller]
pub(crate) fn assert_singular(text: &str) {
    const NO_PLURALS: [&str; 6] = ["is", "was", "this", "class", "across", "s"];
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        for pair in words.windows(2) {
            let noun = pair[1].trim_end_matches(|c: char| !c.is_alphanumeric());
            let plural = noun.ends_with('s') && noun.chars().all(|c| c.is_ascii_lowercase() || c == '-');
            let one = pair[0].trim_start_matches('(') == "1";
            assert!(!(one && plural && !NO_PLURALS.contains(&noun)), "`{} {}` in: {line}", pair[0], pair[1]);
        }
    }
}

/// The caches of the program under test, away from those of whoever runs it.
const CACHES: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/caches");

/// Prepares the program with these arguments.
pub(crate) fn command<I: IntoIterator<Item: AsRef<OsStr>>>(arguments: I) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_staycast"));
    command.args(arguments).stdin(Stdio::null()).env("XDG_CACHE_HOME", CACHES);
    command
}

/// Runs the program.
pub(crate) fn staycast<I: IntoIterator<Item: AsRef<OsStr>>>(arguments: I) -> Ran {
    Ran::of(command(arguments).output().expect("the program runs"))
}

/// Runs the program with arguments in one string, split at spaces, each `{}` in turn replaced by a path.
#[track_caller]
pub(crate) fn run(line: &str, paths: &[&Path]) -> Ran {
    staycast(arguments(line, paths))
}

/// Splits a line into the arguments that [`run`] passes.
#[track_caller]
pub(crate) fn arguments(line: &str, paths: &[&Path]) -> Vec<String> {
    let mut paths = paths.iter();
    let mut replaced =
        |word: &str| word.replacen("{}", &paths.next().expect("a path for each {}").display().to_string(), 1);
    line.split(' ').map(|word| if word.contains("{}") { replaced(word) } else { word.to_owned() }).collect()
}

/// Starts the program and kills it, without a chance to clean up, as soon as `ready` says so. Returns whether it was killed
/// before it ended by itself.
pub(crate) fn kill_when(mut command: Command, ready: impl Fn() -> bool) -> bool {
    let mut child: Child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    let begun = Instant::now();
    loop {
        if child.try_wait().expect("it can be asked").is_some() {
            return false;
        }
        if ready() {
            // SIGKILL on Unix.
            child.kill().expect("it can be killed");
            return !child.wait().expect("it can be waited for").success();
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "what the kill waits for never came");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Runs the program under a limit of `blocks` × 512 bytes a file, which is what a full disk looks like to it.
pub(crate) fn run_with_file_limit(blocks: u32, line: &str, paths: &[&Path]) -> Ran {
    let script = format!("ulimit -f {blocks}; exec \"$@\"");
    let output = Command::new("sh")
        .args(["-c", &script, "sh", env!("CARGO_BIN_EXE_staycast")])
        .args(arguments(line, paths))
        .stdin(Stdio::null())
        .env("XDG_CACHE_HOME", CACHES)
        .output()
        .expect("sh runs");
    Ran::of(output)
}

/// Runs the program under a umask.
pub(crate) fn run_with_umask(umask: u32, line: &str, paths: &[&Path]) -> Ran {
    let output = Command::new("sh")
        .args(["-c", &format!("umask {umask:03o}; exec \"$@\""), "sh", env!("CARGO_BIN_EXE_staycast")])
        .args(arguments(line, paths))
        .stdin(Stdio::null())
        .env("XDG_CACHE_HOME", CACHES)
        .output()
        .expect("sh runs");
    Ran::of(output)
}

/// Makes a temporary folder.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Reads every file under `folder` but `timing.json`, by its path there.
pub(crate) fn bytes_of(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name() != Some(OsStr::new("timing.json")) {
                let name = path.strip_prefix(folder).expect("under the folder").to_owned();
                found.insert(name, fs::read(&path).expect("readable"));
            }
        }
    }
    found
}

/// Checks that two folders hold the same files with the same bytes, timings aside.
#[track_caller]
pub(crate) fn assert_same_bytes(one: &Path, other: &Path) {
    let (one, other) = (bytes_of(one), bytes_of(other));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, bytes) in &one {
        assert!(*bytes == other[name], "{} differs", name.display());
    }
}

/// Lists the names in a folder.
pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("readable")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Replaces one text in a file.
pub(crate) fn replace_in(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).expect("readable");
    assert!(text.contains(from), "no `{from}` in {}", path.display());
    fs::write(path, text.replacen(from, to, 1)).expect("writable");
}

/// Writes simulated logs in KDD Cup 2015's layout: six courses in three waves.
pub(crate) fn simulate(learners: u64, into: &Path) {
    let config = SimulatorConfig { learners, weeks: 8, ..SimulatorConfig::default() };
    simulate_to_folder(&config, into, &|_| {}).expect("the simulation runs");
}

/// Lists the courses of a sequences folder by their ids.
pub(crate) fn courses_of(sequences: &Path) -> Vec<String> {
    let inspected = run("inspect {} --json", &[sequences]).expect(0).json();
    let courses = inspected["courses"].as_array().expect("a list of courses");
    courses.iter().map(|course| course["course"].as_str().expect("an id").to_owned()).collect()
}

/// Holds what the forecasts' tests share: logs, their sequences, and a small run on them, made once a test binary.
pub(crate) struct Workshop {
    folder: TempDir,
}

/// Settings that train in seconds.
pub(crate) const SMALL: &str = "--device cpu --set model.hidden=8 --set training.epochs=3 --set training.batch_size=64 \
                         --set ensemble.members=2 --set ensemble.validation_folds=2";

impl Workshop {
    pub(crate) fn open() -> &'static Self {
        static WORKSHOP: OnceLock<Workshop> = OnceLock::new();
        WORKSHOP.get_or_init(|| {
            let workshop = Self { folder: folder() };
            simulate(400, &workshop.logs());
            run("preprocess {} --out {} --quiet", &[&workshop.logs(), &workshop.sequences()]).expect(0);
            // With so few learners, what a network of three epochs learns depends much on the seed.
            let line = format!("train {{}} --out {{}} --model lstm --split time --quiet --seed 4 {SMALL}");
            run(&line, &[&workshop.sequences(), &workshop.run()]).expect(0);
            workshop
        })
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.folder.path().join("logs")
    }

    pub(crate) fn sequences(&self) -> PathBuf {
        self.folder.path().join("sequences")
    }

    pub(crate) fn run(&self) -> PathBuf {
        self.folder.path().join("run")
    }
}

/// Copies a folder, for a test that changes it.
pub(crate) fn copy_of(from: &Path, to: &Path) {
    for (name, bytes) in bytes_of(from) {
        let path = to.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a new folder");
        fs::write(path, bytes).expect("writable");
    }
}

/// Holds a tiny log in KDD Cup 2015's layout: two courses of 30 days, six enrolments.
pub(crate) struct TinyLog {
    pub(crate) log: String,
    pub(crate) enrolments: String,
    pub(crate) dates: String,
    pub(crate) truth: String,
}

impl Default for TinyLog {
    fn default() -> Self {
        let mut log = "enrollment_id,time,source,event,object\n".to_owned();
        for enrolment in 1..=6 {
            for day in 1..=(4 * enrolment) {
                log += &format!("{enrolment},2014-06-{day:02}T10:00:00,server,access,o{day}\n");
                log += &format!("{enrolment},2014-06-{day:02}T10:10:00,browser,video,v{day}\n");
            }
        }
        Self {
            log,
            enrolments:
                "enrollment_id,username,course_id\n1,anna,a\n2,boris,a\n3,cemile,a\n4,anna,b\n5,xenia,b\n6,fatou,b\n"
                    .to_owned(),
            dates: "course_id,from,to\na,2014-06-01,2014-06-30\nb,2014-06-01,2014-06-30\n".to_owned(),
            truth: "1,1\n2,1\n3,0\n4,0\n5,0\n6,0\n".to_owned(),
        }
    }
}

impl TinyLog {
    /// Writes the tables into a new folder.
    pub(crate) fn write(&self, into: &Path) {
        fs::create_dir_all(into).expect("a new folder");
        let files = [
            ("log.csv", &self.log),
            ("enrollment.csv", &self.enrolments),
            ("date.csv", &self.dates),
            ("truth.csv", &self.truth),
        ];
        for (name, text) in files {
            fs::write(into.join(name), text).expect("writable");
        }
    }
}
