use super::*;
use std::io::Write;

fn seen(path: &Path) -> SeenFile {
    SeenFile::first(path, |_| false).unwrap().seen().clone()
}

fn how(error: ReadError) -> &'static str {
    match error {
        ReadError::Changed { how, .. } => how,
        other => panic!("{other}"),
    }
}

#[test]
fn a_file_that_grew_has_the_bytes_that_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, "one\n").unwrap();
    let seen = seen(&path);
    let content = seen.open().unwrap();
    assert!(!seen.grew());
    std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"two\n").unwrap();
    let mut out = [0; 9];
    assert_eq!(content.fill_at(&mut out, 1).unwrap(), 3);
    assert_eq!(&out[..3], b"ne\n");
    content.check().unwrap();
    assert!(seen.grew());
    assert_eq!(seen.blake3().unwrap(), blake3::hash(b"one\n").to_hex().as_str());
}

#[test]
fn a_file_that_changed_is_named_with_how() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, "one\n").unwrap();
    let seen = seen(&path);
    let content = seen.open().unwrap();
    // Written at another time, with as many bytes.
    let file = File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(2)).unwrap();
    assert_eq!(how(content.check().unwrap_err()), "was written to");
    file.set_len(2).unwrap();
    assert_eq!(how(content.check().unwrap_err()), "became shorter");
    assert_eq!(content.read_at(&mut [0; 2], 2).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    std::fs::write(folder.path().join("other"), "one\n").unwrap();
    std::fs::rename(folder.path().join("other"), &path).unwrap();
    if cfg!(unix) {
        assert_eq!(how(seen.open().unwrap_err()), "was replaced by another file");
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_once_and_held() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let writing = std::thread::spawn({
        let path = path.clone();
        move || std::fs::write(path, "one\n").unwrap()
    });
    assert!(is_pipe(&path));
    let content = SeenFile::first(&path, |_| false).unwrap();
    writing.join().unwrap();
    assert_eq!(
        (content.bytes(), content.seen().blake3().unwrap().as_str()),
        (4, blake3::hash(b"one\n").to_hex().as_str())
    );
    content.seen().open().unwrap().check().unwrap();
    assert!(matches!(SeenFile::first(Path::new("/dev/zero"), |_| false), Err(ReadError::Decode { .. })));
}

#[test]
fn a_file_that_is_held_is_not_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, "one\n").unwrap();
    let seen = SeenFile::first(&path, |bytes| bytes == 4).unwrap().seen().clone();
    std::fs::remove_file(&path).unwrap();
    let content = seen.open().unwrap();
    let mut out = [0; 2];
    assert_eq!((content.read_at(&mut out, 2).unwrap(), content.read_at(&mut out, 4).unwrap()), (2, 0));
    content.check().unwrap();
    assert_eq!(seen.blake3().unwrap(), blake3::hash(b"one\n").to_hex().as_str());
}
