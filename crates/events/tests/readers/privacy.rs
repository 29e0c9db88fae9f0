//! No cell of a log stands in what is said of it: a marker is planted in every text of every file, the files are broken in
//! many ways, and all that comes out is searched for it.

use staycast_events::formats::{self, OpenOptions};

use crate::common::{Folder, fixture, in_words, read};

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
    let options = OpenOptions { format: format.map(|name| name.parse().unwrap()), ..OpenOptions::default() };
    match formats::open(&[folder.path().to_owned()], &options) {
        Err(error) => format!("{error} {error:?}"),
        Ok(source) => {
            let tally = match read(&source) {
                // Kinds that a format does not know are named on purpose, once several learners have them.
                Ok(all) => in_words(&all.tally),
                Err(error) => format!("{error} {error:?}"),
            };
            format!("{} {} {:?} {tally}", source.reason, in_words(&source.tables), source.files)
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
