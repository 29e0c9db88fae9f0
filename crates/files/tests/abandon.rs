//! What a process is writing goes when a signal is about to end it. In a process of its own: nothing can be written after.

use std::fs;
use std::thread;
use std::time::Duration;

use staycast_files::{CHECKPOINT, FileDraft, FolderDraft, IfExists, ScratchFolder, abandon, write};

#[test]
fn nothing_unfinished_stays_and_nothing_is_begun_or_named_after() {
    let here = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| here.path().join(name);
    write(&at("finished"), "1").expect("writable");
    let file = FileDraft::begin(&at("file")).expect("writable");
    let scratch = ScratchFolder::beside(&at("scratch")).expect("writable");
    let kept = FolderDraft::begin(&at("kept")).expect("writable");
    write(&kept.path().join(CHECKPOINT), "{}").expect("writable");
    let draft = FolderDraft::begin(&at("folder")).expect("writable");
    // Threads that go on writing into the draft and beside it, as if nothing had happened.
    let (inside, beside) = (draft.path().to_owned(), at("beside"));
    for number in 0..4 {
        let (inside, beside) = (inside.clone(), beside.clone());
        thread::spawn(move || {
            for file in 0.. {
                let _ = write(&inside.join(format!("deep-{number}/{file}")), "x");
                let _ = write(&beside.join(format!("{number}")), "x");
            }
        });
    }
    thread::sleep(Duration::from_millis(50));
    assert_eq!(abandon(), [kept.path()], "it can be gone on with");
    let publishing = thread::spawn(move || draft.publish(IfExists::Refuse));
    let naming = thread::spawn(move || file.publish(IfExists::Refuse));
    thread::sleep(Duration::from_millis(300));
    assert!(!publishing.is_finished() || publishing.join().expect("no panic").is_err());
    assert!(!naming.is_finished() || naming.join().expect("no panic").is_err());
    let mut names: Vec<String> = fs::read_dir(here.path())
        .expect("readable")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name != "beside")
        .collect();
    names.sort();
    let kept_name = kept.path().file_name().expect("a name").to_string_lossy().into_owned();
    assert_eq!(names, [kept_name, "finished".to_owned()]);
    for entry in fs::read_dir(at("beside")).expect("readable") {
        let name = entry.expect("an entry").file_name();
        assert!(!name.to_string_lossy().starts_with('.'), "{}", name.display());
    }
    // Dropped, they would wait for the end of the process.
    std::mem::forget((scratch, kept));
}
