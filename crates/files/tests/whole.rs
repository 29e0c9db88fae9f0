//! Files and folders appear whole or not at all, with the right modes, and what killed processes leave goes away.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use staycast_files::{
    CHECKPOINT, FileDraft, FolderDraft, IfExists, OwnFiles, ScratchFolder, clean_up, is_leftover, remove_leftovers,
    write, write_json, write_json_lines, write_together, write_with,
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
    assert!(!error.to_string().contains("meanwhile"), "{error}");
    let other = here.path().join("other");
    let [first, second] = [(); 2].map(|()| FolderDraft::begin(&other).expect("writable"));
    for draft in [&first, &second] {
        draft.create("file").expect("a new file");
    }
    first.publish(IfExists::Refuse).expect("nothing is there");
    let error = second.publish(IfExists::Refuse).expect_err("the first is there");
    assert!(error.is_taken() && error.to_string().contains("another command has written there meanwhile"), "{error}");
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
    let leave = || {
        for kind in ["tmp", "draft", "scratch", "replaced"] {
            let left = at(&format!(".out.{kind}-{DEAD}-x1"));
            match kind {
                "tmp" => fs::write(&left, "half").expect("writable"),
                _ => fs::create_dir(&left).expect("a new folder"),
            }
        }
    };
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
    leave();
    assert_eq!(names_in(here.path()).len(), 6, "two drafts of one file live side by side");
    remove_leftovers(here.path());
    assert_eq!(names_in(here.path()).len(), 5, "of files, that of a dead process is gone");
    // Whatever is written there next, everything dead goes, and a folder that was being replaced is put back.
    let begin: [&dyn Fn(); 4] = [
        &|| drop(ScratchFolder::beside(&at("a")).expect("writable")),
        &|| drop(FolderDraft::begin(&at("b")).expect("writable")),
        &|| drop(FileDraft::begin(&at("c")).expect("writable")),
        &|| clean_up(here.path()),
    ];
    for begin in begin {
        begin();
        assert!(at("out").is_dir(), "a folder that was being replaced is put back");
        assert_eq!(names_in(here.path()).len(), 3, "out and two live drafts");
        fs::remove_dir(at("out")).expect("it is empty");
        leave();
    }
    drop((live, again));
    // What can be resumed stays until the next output at the same place; what is no file or folder is not touched.
    fs::write(at(&format!(".out.draft-{DEAD}-x1")).join(CHECKPOINT), "{}").expect("writable");
    drop(FileDraft::begin(&at("other")).expect("writable"));
    assert_eq!(names_in(here.path()), [format!(".out.draft-{DEAD}-x1"), "out".to_owned()]);
    drop(FolderDraft::begin(&at("out")).expect("writable"));
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

#[cfg(unix)]
#[test]
fn links_are_followed_and_stay() {
    use std::os::unix::fs::symlink;
    let here = here();
    let at = |name: &str| here.path().join(name);
    write(&at("folder/file"), "old").expect("writable");
    symlink("folder/file", at("link")).expect("a new link");
    symlink("link", at("second")).expect("a new link");
    symlink("folder/new", at("dangling")).expect("a new link");
    symlink("sequences", at("to-folder")).expect("a new link");
    for (link, target) in [("second", "folder/file"), ("dangling", "folder/new")] {
        write(&at(link), "new").expect("writable");
        assert_eq!(fs::read(at(target)).expect("there"), b"new");
        assert!(fs::symlink_metadata(at(link)).expect("there").is_symlink());
    }
    // A link that leads nowhere, then to an empty folder, then to what may be replaced.
    for text in ["1", "2"] {
        let draft = FolderDraft::begin(&at("to-folder")).expect("writable");
        draft.create("file").expect("a new file").write_all(text.as_bytes()).expect("writable");
        draft.publish(IfExists::Replace).expect("writable");
        assert_eq!(fs::read(at("sequences/file")).expect("there"), text.as_bytes());
        assert!(fs::symlink_metadata(at("to-folder")).expect("there").is_symlink());
    }
    symlink("round", at("circle")).expect("a new link");
    symlink("circle", at("round")).expect("a new link");
    let error = write(&at("circle"), "x").expect_err("nothing to write to").to_string();
    assert!(error.ends_with("too many links lead to one another"), "{error}");
    assert_eq!(
        names_in(here.path()),
        ["circle", "dangling", "folder", "link", "round", "second", "sequences", "to-folder"]
    );
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_written_to_and_stay_what_they_are() {
    use std::os::unix::fs::{FileTypeExt, symlink};
    let here = here();
    let at = |name: &str| here.path().join(name);
    write(Path::new("/dev/null"), "x").expect("it takes everything");
    assert!(fs::symlink_metadata("/dev/null").expect("there").file_type().is_char_device());
    if cfg!(target_os = "linux") {
        symlink("/dev/full", at("full")).expect("a new link");
        let error = write(&at("full"), "x").expect_err("it is full");
        assert_eq!(error.source.kind(), io::ErrorKind::StorageFull, "{error}");
    }
    assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().expect("mkfifo runs").success());
    let reader = std::thread::spawn({
        let pipe = at("pipe");
        move || fs::read(pipe).expect("readable")
    });
    let long = vec![b'x'; 300_000];
    write(&at("pipe"), &long).expect("writable");
    assert_eq!(reader.join().expect("no panic"), long);
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).expect("a new socket");
    let error = write(&at("socket"), "x").expect_err("no file").to_string();
    assert_eq!(error, format!("cannot write {}: it is a socket, which can't be written to", at("socket").display()));
    let error = FolderDraft::begin(Path::new("/dev/null")).expect_err("no folder").to_string();
    assert_eq!(error, "cannot write /dev/null: it is not a folder");
    assert!(fs::symlink_metadata(at("pipe")).expect("there").file_type().is_fifo());
}

#[test]
fn a_folder_is_replaced_only_where_it_holds_its_own_files_alone() {
    let here = here();
    let place = here.path().join("out");
    let draft = |text: &str| {
        let draft = FolderDraft::begin(&place).expect("writable");
        for name in ["a", "deep/b"] {
            draft.create(name).expect("a new file").write_all(text.as_bytes()).expect("writable");
        }
        draft
    };
    draft("1").publish(IfExists::Refuse).expect("nothing is there");
    for foreign in ["deep/notes.txt", "mine/x", "z"] {
        write(&place.join(foreign), "mine").expect("writable");
        let named = if foreign == "mine/x" { "mine" } else { foreign };
        for refused in
            [draft("2").publish(IfExists::Replace), draft("2").publish_over(&["a", "deep/b"].into_iter().collect())]
        {
            let error = refused.expect_err("it is not ours").to_string();
            let why = format!("it holds {named}, which Staycast did not write; nothing was removed");
            assert_eq!(error, format!("cannot replace {}: {why}", place.display()));
        }
        assert_eq!(fs::read(place.join("a")).expect("there"), b"1");
        assert_eq!(fs::read(place.join(foreign)).expect("there"), b"mine");
        assert_eq!(names_in(here.path()), ["out"]);
        draft("1").publish_over(&["a", "deep/b", foreign].into_iter().collect()).expect("it is listed");
        assert!(!place.join(foreign).exists());
    }
    write(&place.join(".DS_Store"), "").expect("writable");
    write(&place.join(format!("deep/.b.tmp-{DEAD}-x")), "").expect("writable");
    draft("3").publish(IfExists::Replace).expect("nobody's files are in it");
    assert_eq!(fs::read(place.join("deep/b")).expect("there"), b"3");
    assert_eq!(names_in(&place), ["a", "deep"]);
    assert!(OwnFiles::default().check(&place).is_err(), "nothing is listed");
}

#[test]
fn files_that_belong_together_are_replaced_together_or_not_at_all() {
    let here = here();
    let at = |name: &str| here.path().join(name);
    write_together([(at("a"), "1"), (at("b"), "1")]).expect("writable");
    write_together([(at("a"), "2"), (at("b"), "2")]).expect("writable");
    assert_eq!((fs::read(at("a")).expect("there"), fs::read(at("b")).expect("there")), (b"2".into(), b"2".into()));
    fs::create_dir(at("c")).expect("a new folder");
    write_together([(at("a"), "3"), (at("b"), "3"), (at("c"), "3")]).expect_err("c is a folder");
    assert_eq!((fs::read(at("a")).expect("there"), fs::read(at("b")).expect("there")), (b"2".into(), b"2".into()));
    assert_eq!(names_in(here.path()), ["a", "b", "c"]);
}

#[cfg(unix)]
#[test]
fn drafts_are_private_and_what_is_finished_follows_the_umask() {
    let here = here();
    let at = |name: &str| here.path().join(name);
    fs::write(at("by-umask"), "").expect("writable");
    fs::create_dir(at("folder-by-umask")).expect("a new folder");
    let mut file = FileDraft::begin(&at("file")).expect("writable");
    assert_eq!(file.file_mut().metadata().expect("there").permissions().mode_bits(), 0o600);
    file.publish(IfExists::Refuse).expect("writable");
    assert_eq!(mode(&at("file")), mode(&at("by-umask")));
    for kept in [0o600, 0o640] {
        let folder = FolderDraft::begin(&at("folder")).expect("writable");
        assert_eq!(mode(folder.path()), 0o700);
        folder.create("file").expect("a new file");
        folder.create("new").expect("a new file");
        folder.publish(IfExists::Replace).expect("writable");
        assert_eq!(mode(&at("folder")), mode(&at("folder-by-umask")));
        assert_eq!(mode(&at("folder/new")), mode(&at("by-umask")));
        set_mode(&at("folder/file"), kept);
        let folder = FolderDraft::begin(&at("folder")).expect("writable");
        folder.create("file").expect("a new file");
        folder.create("new").expect("a new file");
        folder.publish(IfExists::Replace).expect("writable");
        assert_eq!(mode(&at("folder/file")), kept, "a file of the same name keeps its mode");
    }
}
