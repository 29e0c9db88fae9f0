//! Text that disks, transfers, spreadsheets and other systems have changed: in every format, file by file.

use staycast_events::formats::{self, OpenOptions};

use crate::common::{Folder, courses, enrolments, events, in_words, open, outcome, read};

const TABULAR: [&str; 6] = ["kdd2015", "oulad", "xuetangx2019", "moodle", "coursera", "futurelearn"];

const LINES: [&str; 3] = ["edx", "xapi", "caliper"];

/// The files of a format's sound folder.
fn files(format: &str) -> Vec<String> {
    let folder = Folder::copy_of(&format!("{format}/base"));
    let entries = std::fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    // It is not read.
    names.retain(|name| name != "algebra-1_video-stats.csv");
    names.sort();
    names
}

/// Everything that is said of a folder, and its enrolments, courses and events.
fn all_of(folder: &Folder, format: &str) -> Result<(String, Vec<String>), String> {
    let options = OpenOptions { format: Some(format.parse().unwrap()), ..OpenOptions::default() };
    let source = formats::open(&[folder.path().to_owned()], &options).map_err(|error| error.to_string())?;
    let tally = read(&source).map_err(|error| error.to_string())?.tally;
    let said = format!("{}\n{}", in_words(&source.tables), in_words(&tally));
    let dates = courses(&source).into_iter().map(|course| format!("{course:?}"));
    let what: Vec<String> = dates.chain(enrolments(&source)).chain(events(&source)).collect();
    Ok((said, what))
}

#[test]
fn a_stray_zero_byte_costs_its_row_and_not_the_file() {
    for format in TABULAR.into_iter().chain(LINES) {
        for name in files(format) {
            let folder = Folder::copy_of(&format!("{format}/base"));
            let mut bytes = folder.bytes(&name);
            // In the last row.
            let end = bytes.trim_ascii_end().len();
            bytes[end - 1] = 0;
            folder.write(&name, &bytes);
            match all_of(&folder, format) {
                Ok((said, _)) => assert!(said.contains("zero bytes in the row"), "{format} {name}: {said}"),
                // Where a table has the one row.
                Err(said) => assert!(said.contains("zero bytes in the row"), "{format} {name}: {said}"),
            }
        }
    }
}

#[test]
fn zero_bytes_in_the_place_of_a_row_are_counted_as_one() {
    for format in LINES {
        for name in files(format) {
            for at_the_end in [false, true] {
                let folder = Folder::copy_of(&format!("{format}/base"));
                let mut bytes = folder.bytes(&name);
                let middle = bytes.iter().position(|&byte| byte == b'\n').unwrap() + 1;
                let at = if at_the_end { bytes.len() } else { middle };
                bytes.splice(at..at, [&[0; 40][..], b"\n"].concat());
                folder.write(&name, &bytes);
                let (said, _) = all_of(&folder, format).unwrap();
                assert!(said.contains("zero bytes in the row"), "{format} {name}: {said}");
            }
        }
    }
}

#[test]
fn a_first_line_that_names_the_separator_is_skipped() {
    for format in TABULAR {
        let plain = Folder::copy_of(&format!("{format}/base"));
        let (_, expected) = all_of(&plain, format).unwrap();
        for name in files(format) {
            for first in ["sep=,\n", "\"sep=,\"\r\n", "\u{feff}SEP=,\n"] {
                let folder = Folder::copy_of(&format!("{format}/base"));
                folder.write(&name, &[first.as_bytes(), &plain.bytes(&name)].concat());
                assert_eq!(all_of(&folder, format).unwrap().1, expected, "{format} {name} {first:?}");
            }
        }
    }
    // It counts as a line, and its sign holds where the header tells none.
    let folder = Folder::of(&[
        ("log.csv", b"sep=;\nuser;at\nann;2024-01-01\nbob\n".as_slice()),
        (
            "m.toml",
            b"single_course = \"c\"\nlog.files = \"log.csv\"\nlog.columns = { learner = \"user\", time = \"at\" }\n",
        ),
    ]);
    let options = OpenOptions { mapping: Some(folder.path().join("m.toml")), ..OpenOptions::default() };
    let said = outcome(folder.path(), &options);
    assert_eq!(said, "1 of 2 used\n1 malformed: log.csv:4: 1 fields where the first line has 2");
}

#[test]
fn two_columns_of_one_name_that_nobody_reads_stop_nothing() {
    for format in TABULAR.into_iter().filter(|format| *format != "coursera") {
        let plain = Folder::copy_of(&format!("{format}/base"));
        let (_, expected) = all_of(&plain, format).unwrap();
        // The labels of KDD Cup 2015 have no header.
        for name in files(format).iter().filter(|name| !name.starts_with("truth")) {
            let folder = Folder::copy_of(&format!("{format}/base"));
            let text = String::from_utf8(plain.bytes(name)).unwrap();
            let wider = |(place, line): (usize, &str)| {
                let ending = if line.ends_with('\r') { "\r\n" } else { "\n" };
                let more = if place == 0 { "note,note" } else { "x,y" };
                format!("{},{more}{ending}", line.trim_end_matches('\r'))
            };
            folder.write(name, text.lines().enumerate().map(wider).collect::<String>().as_bytes());
            assert_eq!(all_of(&folder, format).unwrap().1, expected, "{format} {name}");
        }
    }
}

#[test]
fn line_ends_of_old_macs_are_named() {
    for format in TABULAR {
        for name in files(format) {
            let folder = Folder::copy_of(&format!("{format}/base"));
            let text = String::from_utf8(folder.bytes(&name)).unwrap();
            if text.lines().count() < 2 {
                continue;
            }
            folder.write(&name, text.replace('\n', "\r").as_bytes());
            let options = OpenOptions { format: Some(format.parse().unwrap()), ..OpenOptions::default() };
            let file = folder.path().join(&name);
            let said = match formats::open(&[folder.path().to_owned()], &options) {
                Err(error) => error.to_string(),
                // A table that may be absent is named among the files that are not read.
                Ok(source) => format!("{:?}", source.files.left_out),
            };
            let expected = "has the line ends of old Macs (CR)";
            assert!(said.contains(expected) && said.contains("tr '"), "{format} {}: {said}", file.display());
        }
    }
}

#[test]
fn json_in_the_place_of_a_csv_is_named() {
    let json = br#"[{"code_module": "AAA", "id_student": 11}]"#;
    for (format, name) in [
        ("oulad", "studentVle.csv"),
        ("kdd2015", "log.csv"),
        ("kdd2015", "enrollment.csv"),
        ("xuetangx2019", "train_log.csv"),
    ] {
        let folder = Folder::copy_of(&format!("{format}/base"));
        folder.write(name, json);
        let said = all_of(&folder, format).unwrap_err();
        assert!(said.contains("JSON where a table in CSV is expected") && said.contains("save it as CSV"), "{said}");
    }
    // And arrays where a mapping describes lines.
    let mapping = "single_course = \"c\"\nlog.files = \"log*\"\nlog.columns = { learner = \"user\", time = \"at\" }\n";
    for (name, expected) in
        [("log.json", "is a JSON array where JSON lines are expected"), ("log.csv", "is JSON where a")]
    {
        let folder = Folder::of(&[(name, br#"[{"user": "ann", "at": "2024-01-01"}]"#), ("m.toml", mapping.as_bytes())]);
        let options = OpenOptions { mapping: Some(folder.path().join("m.toml")), ..OpenOptions::default() };
        let said = outcome(folder.path(), &options);
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn a_table_in_windows_1252_comes_with_the_command_that_converts_it() {
    const ADVICE: &str = "iconv -f WINDOWS-1252 -t UTF-8";
    let folder = Folder::copy_of("oulad/base");
    let text = String::from_utf8(folder.bytes("studentInfo.csv")).unwrap();
    let latin: Vec<u8> =
        text.replace("Wales", "Pa\u{ed}s").chars().map(|sign| u8::try_from(u32::from(sign)).unwrap()).collect();
    folder.write("studentInfo.csv", &latin);
    let source = open(folder.path()).unwrap();
    assert_eq!(
        source.files.notes,
        [format!(
            "studentInfo.csv is not in UTF-8, and rows with such signs are rejected: convert it by {ADVICE} \
             studentInfo.csv > NEW_FILE"
        )]
    );
    assert!(in_words(&source.tables).contains("2 not_utf8"));
    // Where no row is left the error says it.
    folder.write(
        "studentInfo.csv",
        &latin.iter().map(|&sign| if sign == b'M' { 0xed } else { sign }).collect::<Vec<u8>>(),
    );
    let said = open(folder.path()).err().unwrap().to_string();
    assert!(said.contains(ADVICE), "{said}");
}
