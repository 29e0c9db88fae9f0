//! Packed files are read side by side, and the result is that of the plain ones, byte for byte.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use staycast_events::formats::{OpenOptions, open};
use staycast_sequences::manifest::Manifest;
use staycast_sequences::{BuildMode, BuildOptions, Unwatched, build};

/// One day's tracking log of a few learners, with one broken line.
fn day(number: u32) -> String {
    let mut text = String::new();
    for learner in 0..17 {
        for hour in [8, 13] {
            let time = format!("2024-03-{:02}T{hour:02}:{:02}:00+00:00", 1 + number, (learner * 7 + number) % 60);
            text += &format!(
                r#"{{"username": "learner{learner}", "event_type": "play_video", "event_source": "browser", "#
            );
            text += &format!(
                r#""time": "{time}", "context": {{"course_id": "course-v1:a+b+c"}}, "event": "{{\"id\": \"v{hour}\"}}"}}"#
            );
            text.push('\n');
        }
    }
    text + "not JSON\n"
}

fn built(logs: &Path, out: &Path, threads: usize) -> (Manifest, Vec<u8>) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let manifest = pool.install(|| {
        let source = open(&[logs.to_owned()], &OpenOptions::default()).unwrap();
        build(&source, &BuildOptions::default(), out, BuildMode::Replace, &Unwatched).unwrap()
    });
    (manifest, fs::read(out.join("sequences.parquet")).unwrap())
}

#[test]
fn packed_files_side_by_side_give_what_plain_ones_give() {
    let folder = tempfile::tempdir().unwrap();
    let [plain, packed, out] = ["plain", "packed", "out"].map(|name| folder.path().join(name));
    fs::create_dir(&plain).unwrap();
    fs::create_dir(&packed).unwrap();
    for number in 0..20 {
        let text = day(number);
        fs::write(plain.join(format!("tracking-{number:02}.log")), &text).unwrap();
        let file = fs::File::create(packed.join(format!("tracking-{number:02}.log.gz"))).unwrap();
        let mut encoder = GzEncoder::new(file, Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap();
    }
    let (expected, bytes) = built(&plain, &out, 1);
    assert_eq!((expected.rows.used, expected.rows.rejected["malformed"].rows), (20 * 34, 20));
    for threads in [1, 2, 3] {
        let (manifest, same) = built(&packed, &out, threads);
        assert_eq!(same, bytes, "{threads} threads");
        let mut rows = manifest.rows;
        for sample in rows.rejected.values_mut().flat_map(|count| &mut count.samples) {
            sample.file = sample.file.trim_end_matches(".gz").to_owned();
        }
        assert_eq!(rows, expected.rows, "{threads} threads");
    }
}
