//! Archives of runs. An input is an archive, or, behind the byte 0, the tar in one, which is packed first: what is wrong inside
//! should not be hidden by what is wrong with the packing.

use std::fs;
use std::path::Path;

use staycast_tracking::archive::{UnpackLimits, unpack};

/// Unpacks the input. What comes out is what the index lists, and an error leaves nothing.
pub fn check(input: &[u8]) {
    let place = tempfile::tempdir().expect("a folder for temporary files");
    let (archive, out) = (place.path().join("archive"), place.path().join("out"));
    match input.split_first() {
        Some((0, tar)) => fs::write(&archive, zstd::encode_all(tar, 1).expect("memory")),
        _ => fs::write(&archive, input),
    }
    .expect("a file can be written");
    let limits = UnpackLimits { bytes: 1 << 20, ..UnpackLimits::default() };
    match unpack(&archive, &out, limits).and_then(|unpacked| unpacked.publish()) {
        Ok(imported) => {
            let mut listed: Vec<String> = imported.files.iter().map(|file| file.name.clone()).collect();
            listed.sort();
            let mut found = Vec::new();
            names_in(&out, "", &mut found);
            found.sort();
            assert_eq!(found, listed, "what was unpacked is what the index lists");
            let bytes: u64 = listed.iter().map(|name| fs::metadata(out.join(name)).expect("there").len()).sum();
            assert_eq!(bytes, imported.bytes);
            assert!(bytes <= limits.bytes);
        }
        Err(error) => {
            assert!(!error.to_string().contains(char::is_control), "{error}");
            assert_eq!(fs::read_dir(place.path()).expect("readable").count(), 1, "nothing stays: {error}");
        }
    }
}

fn names_in(folder: &Path, above: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("readable") {
        let entry = entry.expect("an entry");
        let name = format!("{above}{}", entry.file_name().to_str().expect("UTF-8"));
        if entry.file_type().expect("a kind").is_dir() {
            names_in(&entry.path(), &format!("{name}/"), found);
        } else {
            found.push(name);
        }
    }
}
