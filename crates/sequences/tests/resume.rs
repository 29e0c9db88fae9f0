//! A build killed at any instant goes on from its last checkpoint and ends with the same bytes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use staycast_events::Source;
use staycast_events::formats::{self, OpenOptions};
use staycast_events::time::{DAY_SECONDS, days_from_civil, format_instant};
use staycast_sequences::{BuildMode, BuildOptions, Progress, Unit, Unwatched, build};

const PARTS: i64 = 6;
const ENROLMENTS: i64 = 40;

/// A log in six parts, a week each.
fn write_log(folder: &Path) {
    fs::create_dir(folder).unwrap();
    let write = |name: &str, text: String| fs::write(folder.join(name), text).unwrap();
    let ids =
        || (1..=ENROLMENTS).map(|id| (id, format!("{id},u{},{}\n", id % 30, if id % 2 == 0 { "a" } else { "b" })));
    write("enrollment.csv", ids().fold("enrollment_id,username,course_id\n".to_owned(), |text, (_, row)| text + &row));
    write("date.csv", "course_id,from,to\na,2014-06-02,2014-07-20\nb,2014-06-09,2014-07-20\n".to_owned());
    let start = i64::from(days_from_civil(2014, 6, 2)) * DAY_SECONDS;
    for part in 0..PARTS {
        let mut text = "enrollment_id,time,source,event,object\n".to_owned();
        for step in 0..400 {
            let (id, at) = (step * 7 % ENROLMENTS + 1, start + part * 7 * DAY_SECONDS + step * 1_499);
            // Every fiftieth row is of nobody, so that there is something to be counted.
            let id = if step % 50 == 49 { 9_999 } else { id };
            text += &format!("{id},{},server,video,o{}\n", format_instant(at), step % 11);
        }
        write(&format!("log_{part}.csv"), text);
    }
}

fn open(logs: &Path) -> Source {
    formats::open(&[logs.to_owned()], &OpenOptions::default()).unwrap()
}

fn draft_in(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.into_iter().find(|path| path.to_string_lossy().contains(".draft-"))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// Copies the draft each time something is read: what a kill at that instant would leave.
struct Copier<'a> {
    work: &'a Path,
    copies: &'a Path,
    taken: AtomicU32,
}

impl Progress for Copier<'_> {
    fn begin(&self, _: &str, _: Option<u64>, _: Unit) {}

    fn advance(&self, _: u64) {
        if let Some(draft) = draft_in(self.work) {
            copy(&draft, &self.copies.join(self.taken.fetch_add(1, Ordering::Relaxed).to_string()));
        }
    }

    fn end(&self, _: &str) {}
}

/// Keeps what stages say of themselves.
#[derive(Default)]
struct RecordedProgress(Mutex<String>);

impl Progress for RecordedProgress {
    fn begin(&self, _: &str, _: Option<u64>, _: Unit) {}
    fn advance(&self, _: u64) {}
    fn end(&self, summary: &str) {
        self.0.lock().unwrap().push_str(summary);
    }
}

/// The draft of a build that was killed: no process has the greatest number there is.
const KILLED: &str = ".out.draft-4294967295-x";

const OUTPUTS: [&str; 4] = ["sequences.parquet", "enrolments.parquet", "courses.parquet", "manifest.json"];

#[test]
fn a_build_killed_at_any_instant_ends_with_the_same_bytes() {
    let here = tempfile::tempdir().unwrap();
    let [logs, whole, work, copies] = ["logs", "whole", "work", "copies"].map(|name| here.path().join(name));
    write_log(&logs);
    let options = BuildOptions { checkpoint_bytes: 1, ..BuildOptions::default() };
    build(&open(&logs), &BuildOptions::default(), &whole, BuildMode::Refuse, &Unwatched).unwrap();
    fs::create_dir(&work).unwrap();
    let copier = Copier { work: &work, copies: &copies, taken: AtomicU32::new(0) };
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    one.install(|| build(&open(&logs), &options, &work.join("out"), BuildMode::Refuse, &copier)).unwrap();
    let taken = copier.taken.into_inner();
    assert!(taken > 6, "{taken}");
    let mut said = Vec::new();
    for number in 0..taken {
        let place = here.path().join(format!("after-{number}"));
        let draft = place.join(KILLED);
        copy(&copies.join(number.to_string()), &draft);
        let heard = RecordedProgress::default();
        build(&open(&logs), &options, &place.join("out"), BuildMode::Resume, &heard).unwrap();
        for name in OUTPUTS {
            let read = |folder: &Path| fs::read(folder.join(name)).unwrap();
            assert_eq!(read(&whole), read(&place.join("out")), "{name} after a kill at step {number}");
        }
        assert_eq!(draft_in(&place), None);
        said.push(heard.0.into_inner().unwrap());
    }
    for files in 1..PARTS {
        let words = format!("resumed after {files} files");
        assert!(said.iter().any(|said| said.contains(&words)), "{words}: {said:?}");
    }
}

#[test]
fn a_checkpoint_of_another_input_or_option_is_not_gone_on_from() {
    let here = tempfile::tempdir().unwrap();
    let [logs, work, copies] = ["logs", "work", "copies"].map(|name| here.path().join(name));
    write_log(&logs);
    fs::create_dir(&work).unwrap();
    let options = BuildOptions { checkpoint_bytes: 1, ..BuildOptions::default() };
    let copier = Copier { work: &work, copies: &copies, taken: AtomicU32::new(0) };
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    one.install(|| build(&open(&logs), &options, &work.join("out"), BuildMode::Refuse, &copier)).unwrap();
    let late = copies.join("4");
    let resumed = |options: &BuildOptions, if_exists: BuildMode| {
        let place = tempfile::tempdir().unwrap();
        let draft = place.path().join(KILLED);
        copy(&late, &draft);
        let heard = RecordedProgress::default();
        build(&open(&logs), options, &place.path().join("out"), if_exists, &heard).unwrap();
        assert_eq!(draft_in(place.path()), None, "what was not gone on from is removed");
        heard.0.into_inner().unwrap().contains("resumed")
    };
    assert!(resumed(&options, BuildMode::Resume));
    assert!(!resumed(&options, BuildMode::Refuse), "only when asked to");
    assert!(!resumed(&BuildOptions { weeks: Some(3), ..options.clone() }, BuildMode::Resume));
    let first = logs.join("log_0.csv");
    let text = fs::read_to_string(&first).unwrap();
    fs::write(&first, format!("{text}1,2014-06-03T00:00:00,server,video,o1\n")).unwrap();
    assert!(!resumed(&options, BuildMode::Resume), "the log has changed");
}
