//! A folder as an archive, and back.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use staycast_tracking::archive::{
    ArchiveError, ArchiveMember, ExportRequest, ImportedArchive, UnpackLimits, export, unpack,
};

const MEMBERS: &[ArchiveMember<'_>] = &[
    ArchiveMember::Required("manifest.json"),
    ArchiveMember::Required("model.safetensors"),
    ArchiveMember::IfPresent("evaluations.jsonl"),
    ArchiveMember::IfPresent("timing.json"),
];

/// Unpacks `archive` into `out`.
fn import(archive: &Path, out: &Path, limits: UnpackLimits) -> Result<ImportedArchive, ArchiveError> {
    unpack(archive, out, limits)?.publish()
}

fn a_run(folder: &Path) {
    fs::create_dir_all(folder.join("checkpoints/deep")).expect("writable");
    fs::write(folder.join("manifest.json"), b"{\"kind\": \"staycast-run\"}\n").expect("writable");
    // Longer than any buffer, and not a multiple of a tar's block.
    let weights: Vec<u8> =
        (0..300_001_u32).flat_map(|at| (at.wrapping_mul(2_654_435_761) >> 7).to_le_bytes()).collect();
    fs::write(folder.join("model.safetensors"), weights).expect("writable");
    fs::write(folder.join("timing.json"), b"").expect("writable");
    fs::write(folder.join("notes of mine.txt"), b"not the run's").expect("writable");
    fs::write(folder.join("checkpoints/member0.json"), b"{}").expect("writable");
    fs::write(folder.join("checkpoints/.half.tmp-4294967295-x"), b"{").expect("writable");
    fs::write(folder.join("checkpoints/deep/state"), [0; 512]).expect("writable");
}

/// Files by name, with their content.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("readable") {
        let entry = entry.expect("readable");
        let name = entry.file_name().into_string().expect("UTF-8");
        if entry.path().is_dir() {
            found.extend(files(&entry.path()).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else {
            found.insert(name, fs::read(entry.path()).expect("readable"));
        }
    }
    found
}

#[test]
fn what_was_packed_comes_back_to_the_byte_and_nothing_else() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let (folder, archive, out) =
        (place.path().join("run"), place.path().join("run.tar.zst"), place.path().join("back"));
    a_run(&folder);
    let exported =
        export(&ExportRequest { folder: &folder, members: MEMBERS, out: &archive }).expect("the run can be packed");
    assert_eq!(exported.archive_bytes, fs::metadata(&archive).expect("there").len());
    let imported = import(&archive, &out, UnpackLimits::default()).expect("the archive can be unpacked");
    assert_eq!(imported.files, exported.files);
    let (mut before, after) = (files(&folder), files(&out));
    assert_eq!(
        after.keys().map(String::as_str).collect::<Vec<_>>(),
        ["manifest.json", "model.safetensors", "timing.json"]
    );
    assert_eq!(imported.bytes, after.values().map(|bytes| bytes.len() as u64).sum::<u64>());
    before.retain(|name, _| after.contains_key(name));
    assert_eq!(after, before);
    let left: Vec<_> = fs::read_dir(place.path()).expect("readable").collect();
    assert_eq!(left.len(), 3, "no temporary file stays: {left:?}");
}

#[test]
fn checkpoints_are_packed_when_asked_for() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let (folder, archive, out) =
        (place.path().join("run"), place.path().join("run.tar.zst"), place.path().join("back"));
    a_run(&folder);
    let members = [
        ArchiveMember::Required("manifest.json"),
        ArchiveMember::Folder("checkpoints"),
        ArchiveMember::Folder("nowhere"),
    ];
    export(&ExportRequest { folder: &folder, members: &members, out: &archive }).expect("packed");
    import(&archive, &out, UnpackLimits::default()).expect("unpacked");
    let names: Vec<String> = files(&out).into_keys().collect();
    assert_eq!(names, ["checkpoints/deep/state", "checkpoints/member0.json", "manifest.json"]);
}

#[test]
fn equal_files_give_equal_bytes() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let pack = |name: &str, members: &[ArchiveMember<'_>]| {
        let folder = place.path().join(name);
        a_run(&folder);
        let out = place.path().join(format!("{name}.tar.zst"));
        export(&ExportRequest { folder: &folder, members, out: &out }).expect("packed");
        fs::read(out).expect("readable")
    };
    let first = pack("one", MEMBERS);
    // Made at another time, asked for in another order, and with other rights.
    let mut reversed = MEMBERS.to_vec();
    reversed.reverse();
    #[cfg(unix)]
    {
        let folder = place.path().join("two");
        a_run(&folder);
        let path = folder.join("manifest.json");
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("ours");
    }
    assert!(first == pack("two", &reversed));
}

#[test]
fn what_is_there_is_never_overwritten() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let (folder, archive, out) =
        (place.path().join("run"), place.path().join("run.tar.zst"), place.path().join("back"));
    a_run(&folder);
    let request = ExportRequest { folder: &folder, members: MEMBERS, out: &archive };
    export(&request).expect("packed");
    assert!(matches!(export(&request), Err(ArchiveError::Exists(path)) if path == archive));
    fs::create_dir(&out).expect("writable");
    let error = import(&archive, &out, UnpackLimits::default()).expect_err("the folder exists");
    assert!(matches!(&error, ArchiveError::Exists(path) if *path == out), "{error}");
    assert!(files(&out).is_empty());
}

#[test]
fn a_run_without_its_model_is_not_packed() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let (folder, archive) = (place.path().join("run"), place.path().join("run.tar.zst"));
    a_run(&folder);
    fs::remove_file(folder.join("model.safetensors")).expect("there");
    let error = export(&ExportRequest { folder: &folder, members: MEMBERS, out: &archive }).expect_err("no model");
    assert!(error.to_string().contains("model.safetensors"), "{error}");
    assert_eq!(fs::read_dir(place.path()).expect("readable").count(), 1, "no archive, not even a temporary one");
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_when_packing() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let (folder, archive) = (place.path().join("run"), place.path().join("run.tar.zst"));
    a_run(&folder);
    fs::write(place.path().join("secret"), b"elsewhere").expect("writable");
    std::os::unix::fs::symlink("../secret", folder.join("evaluations.jsonl")).expect("writable");
    let error = export(&ExportRequest { folder: &folder, members: MEMBERS, out: &archive }).expect_err("a link");
    assert!(matches!(&error, ArchiveError::NotAFile(path) if path.ends_with("evaluations.jsonl")), "{error}");
    let members = [ArchiveMember::Folder("checkpoints")];
    std::os::unix::fs::symlink("../..", folder.join("checkpoints/up")).expect("writable");
    let error = export(&ExportRequest { folder: &folder, members: &members, out: &archive }).expect_err("a link");
    assert!(matches!(&error, ArchiveError::NotAFile(path) if path.ends_with("up")), "{error}");
    std::os::unix::fs::symlink(place.path(), folder.join("elsewhere")).expect("writable");
    let members = [ArchiveMember::Folder("elsewhere")];
    let error = export(&ExportRequest { folder: &folder, members: &members, out: &archive }).expect_err("a link");
    assert!(matches!(&error, ArchiveError::NotAFile(path) if path.ends_with("elsewhere")), "{error}");
    assert!(!archive.exists());
}

#[cfg(unix)]
#[test]
fn unpacked_files_have_ordinary_rights() {
    use std::os::unix::fs::PermissionsExt;

    let place = tempfile::tempdir().expect("a temporary folder");
    let (folder, archive, out) =
        (place.path().join("run"), place.path().join("run.tar.zst"), place.path().join("back"));
    a_run(&folder);
    let script = folder.join("manifest.json");
    fs::set_permissions(script, PermissionsExt::from_mode(0o777)).expect("ours");
    export(&ExportRequest { folder: &folder, members: MEMBERS, out: &archive }).expect("packed");
    import(&archive, &out, UnpackLimits::default()).expect("unpacked");
    let rights = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    // What this process gives a folder and a file that it makes.
    fs::create_dir(place.path().join("ordinary")).expect("writable");
    fs::write(place.path().join("ordinary/file"), b"").expect("writable");
    assert_eq!(rights(&out), rights(&place.path().join("ordinary")));
    assert_eq!(rights(&archive), rights(&place.path().join("ordinary/file")));
    assert_eq!(rights(&out.join("manifest.json")), rights(&place.path().join("ordinary/file")), "not executable");
}
