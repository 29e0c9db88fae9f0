//! Archives that no export makes: each is refused, and nothing of it stays.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use staycast_tracking::archive::{
    ArchiveError, ArchiveMember, ExportRequest, ImportedArchive, UnpackLimits, export, unpack,
};
use tar::{EntryType, Header};
use tempfile::TempDir;

const INDEX: &str = "staycast-archive.json";

/// Builds a tar, with headers as bad as a test wants them.
#[derive(Default)]
struct Tar(Vec<u8>);

impl Tar {
    fn raw(mut self, name: &[u8], kind: EntryType, link: &str, size: u64, data: &[u8]) -> Self {
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(0o4777);
        if !link.is_empty() {
            header.set_link_name_literal(link).expect("short");
        }
        header.set_cksum();
        self.0.extend(header.as_bytes());
        self.0.extend(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn file(self, name: &str, data: &[u8]) -> Self {
        self.raw(name.as_bytes(), EntryType::Regular, "", data.len() as u64, data)
    }

    fn index(self, files: &Value) -> Self {
        let text = json!({ "kind": "staycast-archive", "version": 1, "files": files }).to_string();
        self.file(INDEX, text.as_bytes())
    }

    fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }
}

fn listed(name: &str, data: &[u8]) -> Value {
    json!({ "name": name, "bytes": data.len(), "crc32c": crc32c::crc32c(data) })
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("memory")
}

/// Unpacks `archive` into `out`.
fn import(archive: &Path, out: &Path, limits: UnpackLimits) -> Result<ImportedArchive, ArchiveError> {
    unpack(archive, out, limits)?.publish()
}

/// Imports `packed` with `limits`, expects it to fail and nothing to be left, and returns the error.
fn refused(packed: &[u8], limits: UnpackLimits) -> ArchiveError {
    let place = TempDir::new().expect("a temporary folder");
    let (inner, archive) = (place.path().join("inner"), place.path().join("hostile.tar.zst"));
    fs::create_dir(&inner).expect("writable");
    fs::write(&archive, packed).expect("writable");
    let error = import(&archive, &inner.join("run"), limits).expect_err("hostile");
    assert_eq!(fs::read_dir(&inner).expect("readable").count(), 0, "nothing stays: {error}");
    assert_eq!(fs::read_dir(place.path()).expect("readable").count(), 2, "nothing escapes: {error}");
    let message = error.to_string();
    assert!(message.contains("hostile.tar.zst") && message.contains("nothing was unpacked"), "{message}");
    assert!(!message.contains(char::is_control), "no escape sequences on the screen: {message}");
    error
}

fn refused_tar(tar: Tar) -> ArchiveError {
    refused(&zstd(&tar.end()), UnpackLimits::default())
}

#[test]
fn the_tars_of_these_tests_are_taken_when_they_are_right() {
    let place = TempDir::new().expect("a temporary folder");
    let (archive, out) = (place.path().join("fine.tar.zst"), place.path().join("run"));
    let index = json!([listed("a", b"one"), listed("b/c", b"two")]);
    let tar = Tar::default().index(&index).file("a", b"one").file("b/c", b"two");
    fs::write(&archive, zstd(&tar.end())).expect("writable");
    import(&archive, &out, UnpackLimits::default()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(fs::read(out.join("b/c")).expect("there"), b"two");
}

#[test]
fn names_that_leave_the_folder_are_refused() {
    for name in ["../escaped", "/escaped", "a/../../escaped", "./a", "a\\..\\b", "C:escaped", "\u{1b}[2J"] {
        let tar = Tar::default().index(&json!([listed(name, b"x")])).file(name, b"x");
        assert!(matches!(refused_tar(tar), ArchiveError::Refused { .. }), "{name}");
        // The index is innocent, the tar is not.
        let tar = Tar::default().index(&json!([listed("a", b"x")])).file(name, b"x");
        assert!(matches!(refused_tar(tar), ArchiveError::Refused { .. }), "{name}");
    }
}

#[test]
fn links_devices_and_folders_are_refused() {
    let kinds = [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Char,
        EntryType::Block,
        EntryType::Fifo,
        EntryType::Directory,
        EntryType::GNUSparse,
        EntryType::XHeader,
        EntryType::XGlobalHeader,
        EntryType::GNULongName,
        EntryType::GNULongLink,
    ];
    for kind in kinds {
        let index = json!([listed("a", b""), listed("b", b"x")]);
        let tar = Tar::default().index(&index).raw(b"a", kind, "/etc/passwd", 0, b"").file("b", b"x");
        let error = refused_tar(tar);
        assert!(matches!(error, ArchiveError::Refused { .. }), "{kind:?}: {error}");
        let tar = Tar::default().raw(INDEX.as_bytes(), kind, "/etc/passwd", 0, b"");
        assert!(matches!(refused_tar(tar), ArchiveError::Refused { .. }), "{kind:?} as the index");
    }
}

#[test]
fn repeated_missing_and_further_files_are_refused() {
    let twice = json!([listed("a", b"x"), listed("a", b"x")]);
    refused_tar(Tar::default().index(&twice).file("a", b"x").file("a", b"x"));
    let one = json!([listed("a", b"x")]);
    let further = refused_tar(Tar::default().index(&one).file("a", b"x").file("a", b"y"));
    assert!(further.to_string().contains("not in its index"), "{further}");
    let missing = refused_tar(Tar::default().index(&one));
    assert!(matches!(missing, ArchiveError::Damaged { .. }), "{missing}");
    let none = refused_tar(Tar::default());
    assert!(none.to_string().contains(INDEX), "{none}");
    refused_tar(Tar::default().file("a", b"x").index(&one));
}

#[test]
fn files_that_are_not_what_the_index_says_are_refused() {
    let other = refused_tar(Tar::default().index(&json!([listed("a", b"x")])).file("a", b"y"));
    assert!(other.to_string().contains("checksum of a"), "{other}");
    let longer = refused_tar(Tar::default().index(&json!([listed("a", b"x")])).file("a", b"xx"));
    assert!(longer.to_string().contains("2 bytes"), "{longer}");
    // The header promises more than follows.
    let index = json!([{ "name": "a", "bytes": 5000, "crc32c": 0 }]);
    let tar = Tar::default().index(&index).raw(b"a", EntryType::Regular, "", 5000, b"x");
    assert!(matches!(refused(&zstd(&tar.0), UnpackLimits::default()), ArchiveError::Damaged { .. }));
}

#[test]
fn a_bomb_stops_at_the_limit() {
    // 64 GiB of nothing, promised in the index and in the header; what follows does not matter.
    let bytes = 64_u64 << 30;
    let index = json!([{ "name": "a", "bytes": bytes, "crc32c": 0 }]);
    let tar = Tar::default().index(&index).raw(b"a", EntryType::Regular, "", bytes, &[0; 4096]);
    let error = refused(&zstd(&tar.0), UnpackLimits::default());
    assert!(matches!(error, ArchiveError::TooLarge { limit: 67_108_864, .. }), "{error}");
    // The same where any ratio is allowed.
    let limits = UnpackLimits { ratio: None, ..UnpackLimits::default() };
    let error = refused(&zstd(&tar.0), limits);
    assert!(matches!(error, ArchiveError::TooLarge { limit, .. } if limit == limits.bytes), "{error}");
    // Sums that do not fit in 64 bits.
    let index = json!([
        { "name": "a", "bytes": u64::MAX, "crc32c": 0 },
        { "name": "b", "bytes": u64::MAX, "crc32c": 0 }
    ]);
    assert!(matches!(refused_tar(Tar::default().index(&index)), ArchiveError::TooLarge { .. }));
    // Many small ones.
    let files: Vec<Value> = (0..20).map(|at| listed(&format!("f{at:02}"), b"")).collect();
    let error =
        refused(&zstd(&Tar::default().index(&json!(files)).end()), UnpackLimits { bytes: 10, ratio: None, files: 19 });
    assert!(matches!(error, ArchiveError::TooLarge { limit: 19, .. }), "{error}");
    // An index without end.
    let tar = Tar::default().raw(INDEX.as_bytes(), EntryType::Regular, "", 1 << 40, &[b' '; 4096]);
    assert!(matches!(refused(&zstd(&tar.0), UnpackLimits::default()), ArchiveError::TooLarge { .. }));
    // A long name without end, which a reader that takes extensions would hold in memory.
    let tar = Tar::default().raw(b"././@LongLink", EntryType::GNULongName, "", 1 << 40, &[b'a'; 4096]);
    assert!(matches!(refused(&zstd(&tar.0), UnpackLimits::default()), ArchiveError::Refused { .. }));
    // Nothing but zeros after the last file, a hundred times what tar pads with.
    let mut tar = Tar::default().index(&json!([listed("a", b"x")])).file("a", b"x").end();
    tar.resize(tar.len() + (4 << 20), 0);
    assert!(matches!(refused(&zstd(&tar), UnpackLimits::default()), ArchiveError::Refused { .. }));
}

#[test]
fn what_inflates_as_no_run_does_is_refused_by_its_index() {
    let place = TempDir::new().expect("a temporary folder");
    let (archive, out) = (place.path().join("zeros.tar.zst"), place.path().join("run"));
    let zeros = vec![0_u8; 65 << 20];
    let tar = Tar::default().index(&json!([listed("a", &zeros)])).file("a", &zeros).end();
    fs::write(&archive, zstd(&tar)).expect("writable");
    let error = import(&archive, &out, UnpackLimits::default()).expect_err("a thousand times its size");
    assert!(matches!(error, ArchiveError::TooLarge { limit: 67_108_864, .. }), "{error}");
    assert!(!out.exists());
    import(&archive, &out, UnpackLimits { ratio: None, ..UnpackLimits::default() }).expect("allowed");
}

#[test]
fn nothing_has_the_name_before_it_is_looked_at() {
    let place = TempDir::new().expect("a temporary folder");
    let (archive, out) = (exported(place.path()), place.path().join("imported"));
    let unpacked = unpack(&archive, &out, UnpackLimits::default()).expect("sound");
    assert!(unpacked.path().join("manifest.json").is_file() && !out.exists());
    drop(unpacked);
    assert_eq!(fs::read_dir(place.path()).expect("readable").count(), 2, "the run and its archive");
}

#[test]
fn what_is_no_plain_file_is_no_archive() {
    let place = TempDir::new().expect("a temporary folder");
    let error = import(place.path(), &place.path().join("out"), UnpackLimits::default()).expect_err("a folder");
    assert!(matches!(error, ArchiveError::NotAFile(_)), "{error}");
}

#[test]
fn bytes_behind_the_end_are_refused() {
    let fine = || Tar::default().index(&json!([listed("a", b"x")])).file("a", b"x").end();
    let mut tar = fine();
    tar.extend(b"#!/bin/sh");
    assert!(matches!(refused(&zstd(&tar), UnpackLimits::default()), ArchiveError::Refused { .. }));
    let mut packed = zstd(&fine());
    packed.extend(b"more");
    assert!(matches!(refused(&packed, UnpackLimits::default()), ArchiveError::Refused { .. }));
    let mut packed = zstd(&fine());
    packed.extend(zstd(&fine()));
    assert!(matches!(refused(&packed, UnpackLimits::default()), ArchiveError::Refused { .. }));
}

fn exported(place: &Path) -> PathBuf {
    let folder = place.join("run");
    fs::create_dir(&folder).expect("writable");
    let weights: Vec<u8> = (0..20_000_u32).flat_map(|at| (at.wrapping_mul(2_654_435_761) >> 9).to_le_bytes()).collect();
    fs::write(folder.join("model.safetensors"), weights).expect("writable");
    fs::write(folder.join("manifest.json"), b"{}").expect("writable");
    let out = place.join("run.tar.zst");
    let members = [ArchiveMember::Required("manifest.json"), ArchiveMember::Required("model.safetensors")];
    export(&ExportRequest { folder: &folder, members: &members, out: &out }).expect("packed");
    out
}

#[test]
fn an_archive_that_is_cut_off_anywhere_is_refused() {
    let place = TempDir::new().expect("a temporary folder");
    let whole = fs::read(exported(place.path())).expect("readable");
    for length in (0..whole.len()).step_by(whole.len() / 60).chain([whole.len() - 1, whole.len() - 4]) {
        let error = refused(&whole[..length], UnpackLimits::default());
        assert!(matches!(error, ArchiveError::Damaged { .. }), "{length}: {error}");
    }
}

#[test]
fn a_flipped_bit_anywhere_is_found() {
    let place = TempDir::new().expect("a temporary folder");
    let whole = fs::read(exported(place.path())).expect("readable");
    for at in (0..whole.len()).step_by(whole.len() / 200) {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        refused(&flipped, UnpackLimits::default());
    }
}

#[test]
fn what_is_no_archive_is_said_to_be_none() {
    for bytes in [&b""[..], b"{}", b"\x28\xb5\x2f\xfd", &zstd(b"some text"), &zstd(&[0; 4096])] {
        assert!(matches!(refused(bytes, UnpackLimits::default()), ArchiveError::Damaged { .. }));
    }
    for index in [json!(3), json!({}), json!({ "kind": "other", "version": 1 })] {
        let tar = Tar::default().file(INDEX, index.to_string().as_bytes());
        assert!(matches!(refused_tar(tar), ArchiveError::Damaged { .. }), "{index}");
    }
}

#[test]
fn what_the_parsers_quote_reaches_no_terminal() {
    let mut tar = Tar::default().index(&json!([listed("a", b"x")])).file("a", b"x");
    tar.0[148..156].copy_from_slice(b"\x1b[2J\x1b[1m");
    assert!(matches!(refused_tar(tar), ArchiveError::Damaged { .. }));
    let index = "{\"kind\": \"staycast-archive\", \"version\": 1, \"files\": [], \"\\u001b[2J\": 0}";
    let tar = Tar::default().file(INDEX, index.as_bytes());
    assert!(matches!(refused_tar(tar), ArchiveError::Damaged { .. }));
}

#[test]
fn another_version_is_refused_by_number() {
    let place = TempDir::new().expect("a temporary folder");
    let (archive, out) = (place.path().join("later.tar.zst"), place.path().join("run"));
    let index = json!({ "kind": "staycast-archive", "version": 2, "files": [], "signature": "…" }).to_string();
    let mut file = fs::File::create(&archive).expect("writable");
    file.write_all(&zstd(&Tar::default().file(INDEX, index.as_bytes()).end())).expect("writable");
    let error = import(&archive, &out, UnpackLimits::default()).expect_err("from the future");
    assert!(matches!(error, ArchiveError::OtherVersion { found: 2, .. }), "{error}");
    assert!(!out.exists());
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_the_folder_is_something_that_exists() {
    let place = TempDir::new().expect("a temporary folder");
    let (archive, out) = (exported(place.path()), place.path().join("link"));
    std::os::unix::fs::symlink(place.path().join("nowhere"), &out).expect("writable");
    let error = import(&archive, &out, UnpackLimits::default()).expect_err("a link is there");
    assert!(matches!(error, ArchiveError::Exists(_)), "{error}");
    assert!(!place.path().join("nowhere").exists());
}
