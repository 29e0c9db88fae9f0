//! No cell of a log stands in what is said of it: a marker is planted in every text of every file, the files are broken in
//! many ways, and all that comes out is searched for it.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use staycast_events::Reason;
use staycast_events::formats::{self, OpenOptions, draft_mapping};

use crate::common::{Folder, fixture, gzip, in_words, parquet_bytes, read, samples};

const FORMATS: [&str; 9] =
    ["kdd2015", "oulad", "edx", "xapi", "caliper", "xuetangx2019", "moodle", "coursera", "futurelearn"];

/// A learner's name that no format knows; its letters are those of no word in the readers' messages.
const MARKER: &str = "Zqxv.Wjkq";

/// Puts the marker at the end of every cell or string of a row that is a text and no time, number or known word's place.
fn marked_csv(text: &str, skip: usize) -> String {
    let mark = |cell: &str| match cell.trim_matches('"') {
        plain if plain.is_empty() || plain.starts_with(|sign: char| sign.is_ascii_digit() || sign == '-') => {
            cell.to_owned()
        }
        plain => cell.replace(plain, &format!("{plain}{MARKER}")),
    };
    let row = |(place, line): (usize, &str)| match place < skip {
        true => line.to_owned(),
        false => line.split(',').map(mark).collect::<Vec<_>>().join(","),
    };
    text.lines().enumerate().map(row).collect::<Vec<_>>().join("\n") + "\n"
}

/// The ways in which a file is broken.
fn broken(name: &str, text: &str) -> Vec<(&'static str, String)> {
    let is_csv = name.ends_with(".csv");
    let marked = match is_csv {
        true => marked_csv(text, usize::from(!name.starts_with("video-"))),
        // In every string that is a value, as learners and their answers are.
        false => text.replace("\"ann", &format!("\"{MARKER}")).replace("\"bob", &format!("\"b{MARKER}")),
    };
    let without_first = marked.split_once('\n').map_or("", |(_, rest)| rest).to_owned();
    let (first, rest) = marked.split_once('\n').unwrap_or((&marked, ""));
    vec![
        ("as it is", marked.clone()),
        ("cut", marked[..marked.floor_char_boundary(marked.len() * 2 / 3)].to_owned()),
        ("no first line", without_first.clone()),
        ("separated by strokes", marked.replace(',', "|")),
        ("separated by dollars", marked.replace(',', "$")),
        (
            "no first column",
            marked.lines().map(|line| line.split_once(',').map_or("", |(_, rest)| rest).to_owned() + "\n").collect(),
        ),
        ("a quote that does not end", format!("{first}\n\"{rest}")),
        ("the marker for a header", format!("{MARKER},{MARKER},time,user\n{rest}")),
        ("one name twice", format!("{MARKER},{MARKER}\n{rest}")),
        ("bad times", marked.replace("-0", &format!("-{MARKER}")).replace("T1", MARKER)),
        ("no colons", marked.replace(':', ";")),
        ("no line ends", marked.replace('\n', " ")),
        (
            "columns in the other order",
            marked.lines().map(|line| line.split(',').rev().collect::<Vec<_>>().join(",") + "\n").collect(),
        ),
        ("braces", marked.replace('{', "[").replace('}', "]")),
        ("everything twice", format!("{marked}{marked}")),
        ("a learner's name alone", format!("{MARKER}\n")),
        ("a learner in front", format!("{MARKER}, {MARKER}@example.org\n{marked}")),
    ]
}

/// Everything that is said of a folder read in a format, or in the one told from it.
fn said(folder: &Folder, format: Option<&str>) -> String {
    said_with(folder, &OpenOptions { format: format.map(|name| name.parse().unwrap()), ..OpenOptions::default() })
}

fn said_with(folder: &Folder, options: &OpenOptions) -> String {
    match formats::open(&[folder.path().to_owned()], options) {
        Err(error) => format!("{error} {error:?}"),
        Ok(source) => {
            let tally = match read(&source) {
                // Kinds that a format does not know are named on purpose, once several learners have them.
                Ok(all) => in_words(&all.tally),
                Err(error) => format!("{error} {error:?}"),
            };
            format!("{} {} {:?} {:?} {tally}", source.reason, in_words(&source.tables), source.files, source.notices)
        }
    }
}

#[test]
fn no_cell_of_a_log_stands_in_what_is_said_of_it() {
    let mut leaks = Vec::new();
    for format in FORMATS {
        for entry in std::fs::read_dir(fixture(&format!("{format}/base"))).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let text = String::from_utf8(Folder::copy_of(&format!("{format}/base")).bytes(&name)).unwrap();
            for (how, bytes) in broken(&name, &text) {
                let folder = Folder::copy_of(&format!("{format}/base"));
                folder.write(&name, bytes.as_bytes());
                for asked in [None, Some(format), Some("moodle"), Some("edx")] {
                    let said = said(&folder, asked);
                    if let Some(place) = said.find(MARKER) {
                        let from = said.floor_char_boundary(place.saturating_sub(100));
                        let to = said.ceil_char_boundary((place + 60).min(said.len()));
                        leaks.push(format!("{format} {name}, {how}, as {asked:?}: …{}…", &said[from..to]));
                    }
                }
            }
        }
    }
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

/// A way to write the tables of a mapping: how their files are called, what else the mapping says of the log, and the bytes of
/// a table that is given as a CSV.
struct Layout {
    ending: &'static str,
    of_log: &'static str,
    bytes: fn(&str) -> Vec<u8>,
}

const LAYOUTS: [Layout; 4] = [
    Layout { ending: "csv", of_log: "", bytes: |csv| csv.as_bytes().to_vec() },
    // Rows over several lines.
    Layout {
        ending: "csv",
        of_log: "quoted_newlines = true",
        bytes: |csv| {
            let quoted = |line: &str| format!("\"{}\n\"\n", line.replace('"', "").replace(',', "\",\""));
            let (first, rest) = csv.split_once('\n').unwrap_or((csv, ""));
            (format!("{first}\n") + &rest.lines().map(quoted).collect::<String>()).into_bytes()
        },
    },
    Layout { ending: "jsonl", of_log: "", bytes: |csv| json_lines(csv).into_bytes() },
    Layout { ending: "parquet", of_log: "", bytes: parquet },
];

fn json_lines(csv: &str) -> String {
    let (header, rows) = csv.split_once('\n').unwrap_or((csv, ""));
    let object = |row: &str| {
        let members = header.split(',').zip(row.split(','));
        let members: Vec<String> =
            members.map(|(name, cell)| format!("\"{name}\": \"{}\"", cell.replace('"', ""))).collect();
        format!("{{{}}}\n", members.join(", "))
    };
    rows.lines().map(object).collect()
}

fn parquet(csv: &str) -> Vec<u8> {
    let (header, rows) = csv.split_once('\n').unwrap_or((csv, ""));
    let rows: Vec<Vec<&str>> = rows.lines().map(|row| row.split(',').collect()).collect();
    let names: Vec<String> =
        header.split(',').zip(0..).map(|(name, place)| format!("{name}{}", " ".repeat(place))).collect();
    let column = |place: usize| -> ArrayRef {
        Arc::new(rows.iter().map(|row| row.get(place).copied()).collect::<StringArray>())
    };
    // Names that differ in blanks alone where a name comes twice.
    let is_first = |name: &str, place: usize| header.split(',').take(place).all(|other| other != name);
    let named = names
        .iter()
        .zip(header.split(','))
        .enumerate()
        .map(|(place, (long, name))| (if is_first(name, place) { name } else { long.as_str() }, column(place)));
    parquet_bytes(named.collect(), 100)
}

#[test]
fn no_cell_of_a_mapped_table_stands_in_what_is_said_of_it() {
    let base = Folder::copy_of("table/base");
    let mapping = String::from_utf8(base.bytes("mapping.toml")).unwrap();
    let tables = ["log", "people", "runs"];
    let mut leaks = Vec::new();
    for Layout { ending, of_log, bytes } in LAYOUTS {
        let own = mapping.replace(".csv\"", &format!(".{ending}\"")).replace("[log]\n", &format!("[log]\n{of_log}\n"));
        for broken_table in tables {
            let text = String::from_utf8(base.bytes(&format!("{broken_table}.csv"))).unwrap();
            for (how, csv) in broken(&format!("{broken_table}.csv"), &text) {
                let folder = Folder::of(&[("mapping.toml", own.as_bytes())]);
                for table in tables {
                    let text = String::from_utf8(base.bytes(&format!("{table}.csv"))).unwrap();
                    folder
                        .write(&format!("{table}.{ending}"), &bytes(if table == broken_table { &csv } else { &text }));
                }
                let options =
                    OpenOptions { mapping: Some(folder.path().join("mapping.toml")), ..OpenOptions::default() };
                let mut said = said_with(&folder, &options);
                // Names of members and of the columns of Parquet are names, whatever they are.
                let has_names = matches!(ending, "jsonl" | "parquet") && how != "as it is" && how != "bad times";
                if !has_names {
                    let log = folder.path().join(format!("{broken_table}.{ending}"));
                    said += &format!("{:?}", draft_mapping(&[log]));
                }
                if let Some(place) = said.find(MARKER) {
                    let from = said.floor_char_boundary(place.saturating_sub(100));
                    let to = said.ceil_char_boundary((place + 60).min(said.len()));
                    leaks.push(format!("{ending} {of_log} {broken_table}, {how}: …{}…", &said[from..to]));
                }
            }
        }
    }
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

/// A damage, and the files of a learner's name that have it, by the ends of their names.
type Damage = (&'static str, Vec<(&'static str, Vec<u8>)>);

/// Damages to a file that is named after a learner, and other files of that name beside it.
fn damaged_files(csv: &str) -> Vec<Damage> {
    let packed = gzip(csv.as_bytes());
    let utf_16 = csv.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let whole = || csv.as_bytes().to_vec();
    vec![
        ("as it is", vec![("csv", whole())]),
        ("empty", vec![("csv", Vec::new())]),
        ("zeros", vec![("csv", [vec![0; 1 << 17], whole()].concat())]),
        ("not UTF-8", vec![("csv", csv.replace("play", "pl\u{e4}y").chars().map(|sign| sign as u8).collect())]),
        ("UTF-16", vec![("csv", utf_16)]),
        ("cut", vec![("csv.gz", packed[..packed.len() - 9].to_vec())]),
        ("packed", vec![("csv.gz", packed.clone())]),
        ("beside its packed copy", vec![("csv", whole()), ("csv.gz", gzip(format!("{csv}{csv}").as_bytes()))]),
        ("a copy", vec![("csv", whole()), ("2.csv", whole())]),
        ("downloaded twice", vec![("csv", whole()), (" (1).csv", whole())]),
        ("another download alone", vec![("csv (2).csv", whole())]),
        ("other endings", vec![("csv", whole()), ("txt", whole()), ("zip", b"PK\x03\x04".to_vec())]),
        ("bad times", vec![("csv", csv.replace("2023-", "").into_bytes())]),
        ("no column", vec![("csv", csv.replace("at,", "moment,").into_bytes())]),
        ("one name twice", vec![("csv", csv.replace("at,what", "at,at").into_bytes())]),
        ("no rows", vec![("csv", b"at,what\n".to_vec())]),
        ("Parquet that is none", vec![("csv", b"PAR1 and nothing more".to_vec())]),
        ("JSON", vec![("csv", b"[{\"at\": 1}]".to_vec())]),
    ]
}

#[test]
fn no_file_named_after_a_learner_stands_in_what_is_said() {
    let csv = "at,what\n2023-09-04 10:00:00,play\n2023-09-05 10:00:00,hum\nx,play\n";
    let mapping = "single_course = \"C\"\n[log]\nfiles = [\"*.csv\"]\nlearner_in_file_name = true\n\
        columns = { time = { column = \"at\", format = \"iso\" }, activity = \"what\" }\n";
    let mut leaks = Vec::new();
    for (how, files) in damaged_files(csv) {
        for others in [0, 3] {
            let folder = Folder::of(&[("mapping.toml", mapping.as_bytes())]);
            for (ending, bytes) in &files {
                let dot = if ending.starts_with([' ', '.']) { "" } else { "." };
                folder.write(&format!("sub/{MARKER}{dot}{ending}"), bytes);
            }
            for other in 0..others {
                folder.write(&format!("{MARKER}{other}.csv"), format!("{csv}2023-09-0{other} 10:00:00,x\n").as_bytes());
            }
            let options = OpenOptions { mapping: Some(folder.path().join("mapping.toml")), ..OpenOptions::default() };
            let named: Vec<_> = files
                .iter()
                .map(|(ending, _)| {
                    let dot = if ending.starts_with([' ', '.']) { "" } else { "." };
                    folder.path().join(format!("sub/{MARKER}{dot}{ending}"))
                })
                .collect();
            for inputs in [vec![folder.path().to_owned()], named, vec![folder.path().join("sub/*")]] {
                let said = match formats::open(&inputs, &options) {
                    Err(error) => format!("{error} {error:?}"),
                    Ok(source) => {
                        let tally = match read(&source) {
                            Ok(all) => in_words(&all.tally),
                            Err(error) => format!("{error} {error:?}"),
                        };
                        let names: Vec<String> = source.events.iter().map(|file| file.name()).collect();
                        let paths: Vec<_> = source.inputs.iter().map(|input| input.path().to_owned()).collect();
                        let hashes: Vec<_> = source.inputs.iter().map(|input| input.file.blake3()).collect();
                        assert!(
                            source.roster.enrolments.places().all(|one| source
                                .roster
                                .enrolments
                                .learner(one)
                                .contains(MARKER)),
                            "{how}: the learner is who the file is named after"
                        );
                        format!(
                            "{} {} {:?} {:?} {names:?} {paths:?} {hashes:?} {tally}",
                            source.reason,
                            in_words(&source.tables),
                            source.files,
                            source.notices,
                        )
                    }
                };
                if let Some(place) = said.find(MARKER) {
                    let from = said.floor_char_boundary(place.saturating_sub(100));
                    let to = said.ceil_char_boundary((place + 60).min(said.len()));
                    leaks.push(format!("{how}, {others} others, {}: …{}…", inputs.len(), &said[from..to]));
                }
            }
        }
    }
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

#[test]
fn a_file_named_after_a_learner_goes_by_its_pattern_and_place() {
    let mapping = "single_course = \"C\"\n[log]\nfiles = [\"u*.csv\"]\nlearner_in_file_name = true\n\
        columns.time = { column = \"at\", format = \"iso\" }\n";
    let folder = Folder::of(&[
        ("mapping.toml", mapping.as_bytes()),
        ("uann.csv", b"at\n2023-09-04\n"),
        ("ubob.csv", b"at\n2023-09-05\nx\n"),
        ("uqz.csv", b""),
    ]);
    let options = OpenOptions { mapping: Some(folder.path().join("mapping.toml")), ..OpenOptions::default() };
    let source = formats::open(&[folder.path().to_owned()], &options).unwrap();
    let all = read(&source).unwrap();
    assert_eq!(
        samples(&all.tally, Reason::BadTime),
        ["u*.csv (file 2 of 3):3: time of shape `a` is not a time such as 2014-06-14T09:38:29"]
    );
    let left_out: Vec<String> =
        source.files.left_out.iter().map(|file| format!("{} {}", file.file, file.why)).collect();
    assert_eq!(left_out, ["u*.csv (file 3 of 3) is empty"]);
    let bytes: Vec<u64> = source.inputs.iter().map(|input| input.file.bytes()).collect();
    assert_eq!(bytes, [14, 16, mapping.len() as u64]);
}
