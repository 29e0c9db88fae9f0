//! Files and folders appear whole or not at all, with the right modes, and what killed processes leave goes away.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use staycast_files::{
    FileDraft, FolderDraft, IfExists, ScratchFolder, is_leftover, remove_leftovers, write, write_json,
    write_json_lines, write_with,
};

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("readable");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

fn here() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).expect("there").permissions().mode() & 0o7777
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).expect("ours");
}

#[test]
fn a_failed_write_leaves_the_old_file_and_nothing_else() {
    let here = here();
    let path = here.path().join("file");
    write(&path, b"old").expect("writable");
    let error = write_with(&path, |file| {
        file.write_all(b"half")?;
        Err(io::Error::other("disk full"))
    })
    .expect_err("the writer failed");
    assert_eq!(error.to_string(), format!("cannot write {}: disk full", path.display()));
    assert_eq!(fs::read(&path).expect("still there"), b"old");
    assert_eq!(names_in(here.path()), ["file"]);
}

#[test]
fn a_file_is_replaced_only_where_that_is_asked_for() {
    let here = here();
    let path = here.path().join("file");
    for (text, if_exists, written) in
        [("1", IfExists::Refuse, true), ("2", IfExists::Refuse, false), ("3", IfExists::Replace, true)]
    {
        let mut draft = FileDraft::begin(&path).expect("writable");
        draft.file_mut().write_all(text.as_bytes()).expect("writable");
        let published = draft.publish(if_exists);
        assert_eq!(published.is_ok(), written, "{text}");
        assert!(published.is_ok() || published.is_err_and(|error| error.is_taken()));
        assert_eq!(names_in(here.path()), ["file"]);
    }
    assert_eq!(fs::read(&path).expect("there"), b"3");
}

#[test]
fn missing_folders_are_created_and_errors_name_the_path_as_it_was_given() {
    let here = here();
    let path = here.path().join("a/b/file");
    write_json(&path, &[1, 2]).expect("writable");
    assert_eq!(fs::read_to_string(&path).expect("there"), "[\n  1,\n  2\n]\n");
    write_json_lines(&path, [1, 2]).expect("writable");
    assert_eq!(fs::read_to_string(&path).expect("there"), "1\n2\n");

    let under_a_file = path.join("file");
    let error = write(&under_a_file, b"").expect_err("a file is no folder").to_string();
    assert!(error.starts_with(&format!("cannot make {}: ", path.display())), "{error}");
    let error = write(&here.path().join("a"), b"").expect_err("a folder is no file").to_string();
    assert!(error.starts_with(&format!("cannot write {}: ", here.path().join("a").display())), "{error}");
    let error = FolderDraft::begin(Path::new("/")).expect_err("no name").to_string();
    assert_eq!(error, "cannot write /: the path does not end in a name");
}

#[cfg(unix)]
#[test]
fn what_is_replaced_hands_on_its_mode() {
    let here = here();
    let (file, folder) = (here.path().join("file"), here.path().join("folder"));
    for kept in [0o600, 0o640, 0o664, 0o444] {
        write(&file, b"old").expect("writable");
        set_mode(&file, kept);
        let mut draft = FileDraft::begin(&file).expect("writable");
        assert_eq!(draft.file_mut().metadata().expect("there").permissions().mode_bits(), kept);
        draft.publish(IfExists::Replace).expect("writable");
        assert_eq!(mode(&file), kept);
    }
    for kept in [0o700, 0o750, 0o775] {
        fs::create_dir(&folder).expect("a new folder");
        set_mode(&folder, kept);
        for if_exists in [IfExists::Refuse, IfExists::Replace] {
            let draft = FolderDraft::begin(&folder).expect("writable");
            assert_eq!(mode(draft.path()) & !kept, 0, "no more open while it is written");
            draft.create("deep/file").expect("a new file");
            draft.publish(if_exists).expect("writable");
            assert_eq!(mode(&folder), kept);
        }
        fs::remove_dir_all(&folder).expect("ours");
    }
    assert_eq!(mode(ScratchFolder::beside(&file).expect("writable").path()), 0o700);
}

#[cfg(unix)]
trait ModeBits {
    fn mode_bits(&self) -> u32;
}

#[cfg(unix)]
impl ModeBits for fs::Permissions {
    fn mode_bits(&self) -> u32 {
        std::os::unix::fs::PermissionsExt::mode(self) & 0o7777
    }
}

#[test]
fn a_folder_appears_whole_or_not_at_all() {
    let here = here();
    let place = here.path().join("above/out");
    let draft = FolderDraft::begin(&place).expect("writable");
    draft.create("deep/file").expect("a new file").write_all(b"1").expect("writable");
    let path = draft.path().join("deep/file");
    assert_eq!(draft.place_of(&path), place.join("deep/file"));
    let error = draft.create("deep/file").expect_err("it is there").to_string();
    assert!(error.starts_with(&format!("cannot make {}: ", place.join("deep/file").display())), "{error}");
    assert!(!place.exists());
    drop(draft);
    assert!(names_in(&here.path().join("above")).is_empty(), "a draft that is dropped goes away");

    let publish = |text: &str, if_exists| {
        let draft = FolderDraft::begin(&place).expect("writable");
        draft.create("file").expect("a new file").write_all(text.as_bytes()).expect("writable");
        draft.publish(if_exists)
    };
    fs::create_dir(&place).expect("a new folder");
    publish("1", IfExists::Refuse).expect("an empty folder is nothing");
    let error = publish("2", IfExists::Refuse).expect_err("something is there");
    assert!(error.is_taken());
    assert!(error.to_string().starts_with(&format!("cannot write {}: ", place.display())), "{error}");
    assert_eq!(fs::read(place.join("file")).expect("kept"), b"1");
    publish("3", IfExists::Replace).expect("asked for");
    assert_eq!(fs::read(place.join("file")).expect("there"), b"3");
    assert_eq!(names_in(&here.path().join("above")), ["out"]);
}

/// Holds a number that no process has: the greatest there is.
const DEAD: &str = "4294967295";

#[test]
fn what_dead_processes_left_goes_away_and_what_live_ones_write_stays() {
    let here = here();
    let at = |name: &str| here.path().join(name);
    let (file, folder) = (at("out"), at("out"));
    for kind in ["tmp", "draft", "scratch", "replaced"] {
        let left = at(&format!(".out.{kind}-{DEAD}-x1"));
        match kind {
            "tmp" => fs::write(&left, "half").expect("writable"),
            _ => fs::create_dir(&left).expect("a new folder"),
        }
    }
    for (name, left) in [
        (".out.tmp-1-x", true),
        (".scores.csv.tmp-4294967295-aB9", true),
        (".out.draft-12-x", true),
        (".out.tmp-x", false),
        (".out.tmp-1-", false),
        (".out.tmp-1-a.b", false),
        ("out.tmp-1-x", false),
        (".tmp", false),
        ("journal.json", false),
    ] {
        assert_eq!(is_leftover(name), left, "{name}");
    }
    let live = FileDraft::begin(&at("other")).expect("writable");
    let again = FileDraft::begin(&at("other")).expect("writable");
    assert_eq!(names_in(here.path()).len(), 6, "two drafts of one file live side by side");
    remove_leftovers(here.path());
    assert_eq!(names_in(here.path()).len(), 5, "of files, that of a dead process is gone");
    drop(ScratchFolder::beside(&file).expect("writable"));
    drop(FolderDraft::begin(&folder).expect("writable"));
    assert!(folder.is_dir(), "a folder that was being replaced is put back");
    drop((live, again));
    assert_eq!(names_in(here.path()), ["out"]);
}

#[test]
fn a_draft_can_be_resumed_by_one() {
    let here = here();
    let place = here.path().join("out");
    for (random, text) in [("a", "of something else"), ("b", "ours"), ("c", "ours")] {
        let left = here.path().join(format!(".out.draft-{DEAD}-{random}"));
        fs::create_dir(&left).expect("a new folder");
        fs::write(left.join("journal"), text).expect("writable");
        fs::write(left.join(format!(".journal.tmp-{DEAD}-x")), "half").expect("writable");
    }
    let adopt = |draft: &Path| fs::read_to_string(draft.join("journal")).ok().filter(|text| text == "ours");
    let (draft, found) = FolderDraft::resume(&place, adopt).expect("writable");
    assert_eq!(found.as_deref(), Some("ours"));
    assert_eq!(names_in(here.path()).len(), 1, "the others are gone");
    let (other, found) = FolderDraft::resume(&place, adopt).expect("writable");
    assert_eq!(found, None, "a live process keeps its draft");
    drop(other);
    draft.publish(IfExists::Refuse).expect("writable");
    assert_eq!(names_in(here.path()), ["out"]);
    assert_eq!(names_in(&place), ["journal"]);
}
