//! Drafts a mapping from the first rows of files: what its columns seem to be, and what is left to fill in.
//!
//! A draft is shown and kept beside code, so no cell of the files is in it. The exceptions are names of kinds, and these
//! only where they read like names of a program's and five learners have them (see [`crate::unknown_kinds`]).

mod file_names;
mod roles;
mod sample;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use rustc_hash::{FxHashMap, FxHashSet};
use staycast_text::escape_by;

use self::file_names::{FileNames, common_pattern, pattern_without_people};
use self::roles::{ColumnRole, ColumnValues, Guess, is_by_day};
use self::sample::{SAMPLE_ROWS, Sample};
use super::mapping::FileType;
use crate::activity::Activity;
use crate::cells::{is_missing, shape};
use crate::error::ReadError;
use crate::header::{is_known_name, names_shown};
use crate::input::file_name;
use crate::offered::{Offer, Origin};
use crate::unknown_kinds::UnknownKinds;

/// Bounds the kinds that are listed.
const MOST_KINDS: usize = 60;

/// Bounds the files that are named one by one.
const MOST_FILES: usize = 6;

/// Holds a mapping that is to be looked through, and completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingDraft {
    /// The mapping, in TOML with comments.
    pub text: String,
    /// What was told from the files, a line each.
    pub guesses: Vec<String>,
    /// What could not be told and must be filled in, a line each.
    pub gaps: Vec<String>,
}

/// Drafts a mapping of the files at `paths`, which are files, patterns or a folder.
///
/// Files with the same columns are one table. The one with the surest learner and time becomes the log; others are named
/// in a comment. Reads the first mebibyte of each file.
///
/// # Errors
/// When there is no file, or one can't be read, is no text or has no rows.
pub fn draft_mapping(paths: &[PathBuf]) -> Result<MappingDraft, ReadError> {
    let Offer { files, left_out } = Offer::of(paths)?;
    let mut draft = Draft::default();
    let mut unread: Vec<ReadError> = Vec::new();
    let mut tables: Vec<Vec<Sample>> = Vec::new();
    for file in files {
        let sample = match (Sample::read(&file.path), file.origin) {
            (Ok(sample), _) => sample,
            (Err(error), Origin::Named) => return Err(error.of_named_file()),
            // Not everything in a folder need be a table.
            (Err(error), Origin::Found) => {
                unread.push(error);
                continue;
            }
        };
        match tables.iter_mut().find(|table| table[0].is_like(&sample)) {
            Some(table) => table.push(sample),
            None => tables.push(vec![sample]),
        }
    }
    let weight = |table: &Vec<Sample>| {
        let (guesses, _) = roles::guess(&table[0]);
        let has = |role| guesses.iter().any(|guess| guess.role == role);
        (has(ColumnRole::Time), has(ColumnRole::Activity), has(ColumnRole::Learner), table[0].rows.len())
    };
    let log = (0..tables.len()).rev().max_by_key(|&place| weight(&tables[place]));
    let log = log.map(|place| tables.remove(place));
    draft.names = log.as_ref().map_or(FileNames::AreShown, |log| FileNames::of(log));
    let left_out = left_out.iter().map(|file| match draft.names {
        FileNames::AreShown => file.by_name(),
        FileNames::MayBeLearners => file.by_shape(),
    });
    draft.gaps.extend(left_out.map(|file| format!("{} is left out: it {}", file.file, file.why)));
    for error in unread {
        let error = match (draft.names, error.path()) {
            (FileNames::MayBeLearners, Some(path)) => {
                let shape = shape(file_name(path).as_bytes());
                error.called(Path::new(&shape))
            }
            _ => error,
        };
        draft.gaps.push(format!("left out: {error}"));
    }
    let Some(log) = log else {
        let path = paths.first().cloned().unwrap_or_default();
        let what = match draft.gaps.as_slice() {
            [] => "there is no file in it".to_owned(),
            gaps => format!("none of its files can be described: {}", gaps.join("; ")),
        };
        return Err(ReadError::Decode { path, what });
    };
    Ok(draft.of(&log, &tables))
}

#[derive(Default)]
struct Draft {
    names: FileNames,
    text: String,
    guesses: Vec<String>,
    gaps: Vec<String>,
}

impl Draft {
    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Adds a line that must be filled in before the mapping works.
    fn gap(&mut self, line: &str, what: &str) {
        self.line(&format!("# {line}    # fill in: {what}"));
        self.gaps.push(what.to_owned());
    }

    fn of(mut self, log: &[Sample], others: &[Vec<Sample>]) -> MappingDraft {
        let first = &log[0];
        let (guesses, values) = roles::guess(first);
        let column_of = |role: ColumnRole| guesses.iter().find(|guess| guess.role == role);
        let rows = first.rows.len();
        let of_rows = if rows == SAMPLE_ROWS { format!("the first {rows} rows") } else { format!("{rows} rows") };
        let name = self.names.of_table(log);
        self.line(&format!("# A mapping of {name}, drafted from {of_rows}. docs/mappings.md explains every key."));
        self.line(
            "# Look through each line: \"guess\" marks what may be wrong, and \"fill in\" what is needed and missing.",
        );
        self.line("");
        let time = column_of(ColumnRole::Time);
        if let Some(Guess { column, .. }) = time
            && column_of(ColumnRole::Clock).is_none()
            && values[*column].formats.first().is_some_and(|format| is_by_day(format))
        {
            self.line("# Times have no time of day, so sessions and seconds are unknown, not zero.");
            self.line("granularity = \"day\"");
            self.line("");
        }
        if column_of(ColumnRole::Course).is_none() {
            self.gaps.push("the course: no column seems to name it".to_owned());
            self.line(
                "# fill in: no column seems to name the course. Name it here, or set columns.course below instead.",
            );
            self.line("single_course = \"COURSE\"");
            self.line("");
        }
        let repeated = (0..first.columns.len()).filter(|&column| first.is_repeated(column));
        let repeated: Vec<String> = repeated.map(|column| (column + 1).to_string()).collect();
        if !repeated.is_empty() {
            let what = format!(
                "columns {} of {name} have a name that others have too; give each a name of its own to read it",
                repeated.join(", "),
            );
            self.line(&format!("# fill in: {what}."));
            self.gaps.push(what);
        }
        let hidden = roles::count_hidden(first, &values);
        if hidden > 0 {
            let keys = if hidden == 1 { "1 key".to_owned() } else { format!("{hidden} keys") };
            let what =
                format!("{keys} of objects may be people's and are not looked at; name one yourself if it is none");
            self.line(&format!("# fill in: {what}."));
            self.gaps.push(what);
        }
        self.log(log, &guesses, &values);
        self.kinds(log, column_of(ColumnRole::Activity), column_of(ColumnRole::Learner));
        self.others(others);
        MappingDraft { text: self.text, guesses: self.guesses, gaps: self.gaps }
    }

    fn log(&mut self, log: &[Sample], guesses: &[Guess], values: &[ColumnValues]) {
        let first = &log[0];
        self.line("[log]");
        let names: Vec<String> = log.iter().map(Sample::file_name).collect();
        let patterns = match self.names {
            FileNames::MayBeLearners => vec![pattern_without_people(&names)],
            FileNames::AreShown if names.len() > MOST_FILES => vec![common_pattern(&names)],
            FileNames::AreShown => names,
        };
        let quoted: Vec<String> = patterns.iter().map(|name| quote(name)).collect();
        self.line(&format!("files = [{}]", quoted.join(", ")));
        if first.file_type == FileType::Csv {
            if first.delimiter != b',' {
                self.line(&format!("delimiter = {}", quote(&char::from(first.delimiter).to_string())));
                let sign = if first.delimiter == b'\t' {
                    "tabs".to_owned()
                } else {
                    format!("`{}`", char::from(first.delimiter))
                };
                self.guesses.push(format!("fields are separated by {sign}"));
            }
            if !first.has_header {
                self.line(
                    "header = false    # guess: the first line looks like data; columns go by their places, from \"0\"",
                );
                self.guesses.push("there is no header".to_owned());
            }
            if first.has_newlines {
                self.line("quoted_newlines = true    # cells between quotes go over several lines");
                self.guesses.push("cells go over several lines".to_owned());
            }
        }
        let mark = |guess: &Guess| if guess.is_sure { "" } else { "    # guess" };
        let named = |role: ColumnRole| guesses.iter().find(|guess| guess.role == role);
        for (role, key) in [(ColumnRole::Learner, "learner"), (ColumnRole::Course, "course")] {
            match named(role) {
                Some(guess) => {
                    let column = &first.columns[guess.column];
                    self.line(&format!("columns.{key} = {}{}", quote(column), mark(guess)));
                    self.guesses.push(format!("{key}: `{column}`"));
                }
                None if role == ColumnRole::Learner && log.len() > 1 => {
                    self.gap(
                        "learner_in_file_name = true",
                        "the learner: is each file of one learner, and named after it?",
                    );
                }
                None if role == ColumnRole::Learner => {
                    self.gap("columns.learner = \"\"", "the column of the learner's id");
                }
                None => {}
            }
        }
        self.time(first, named(ColumnRole::Time), named(ColumnRole::Clock), values);
        let more = [
            (ColumnRole::Activity, "activity"),
            (ColumnRole::Object, "object"),
            (ColumnRole::Count, "count"),
            (ColumnRole::Correct, "correct"),
            (ColumnRole::EventId, "event_id"),
        ];
        for (role, key) in more {
            match named(role) {
                // It says more about attempts alone, which are not declared yet.
                Some(guess) if role == ColumnRole::Correct => {
                    let column = quote(&first.columns[guess.column]);
                    self.line(&format!(
                        "# columns.{key} = {column}    # guess; needs a kind with detail = \"attempt\""
                    ));
                }
                Some(guess) => {
                    let column = &first.columns[guess.column];
                    self.line(&format!("columns.{key} = {}{}", quote(column), mark(guess)));
                    self.guesses.push(format!("{key}: `{column}`"));
                }
                None if role == ColumnRole::Activity => {
                    self.line("# columns.activity = \"\"    # the column of the kind of event; without it all are of one kind");
                }
                None => {}
            }
        }
        // A key that not nearly every object has may be a person's.
        let is_json = first.file_type == FileType::Jsonl;
        let is_common = |place: &usize| !is_json || values[*place].filled * 20 >= first.rows.len() * 19;
        let is_left = |place: &usize| guesses.iter().all(|guess| guess.column != *place);
        let left = (0..values.len()).filter(is_left).filter(is_common);
        // A first line that may be data is not shown, as it may name a learner.
        let all_are_names = match first.file_type {
            FileType::Csv | FileType::Jsonl => names_shown(&first.columns, &first.rows).0 == first.columns.join(", "),
            FileType::Parquet => true,
        };
        let is_name = |name: &str| all_are_names || is_known_name(name);
        // So may the keys inside a member.
        let shown = |name: &str| match name.split_once('.').filter(|_| is_json) {
            Some((member, keys)) if is_name(member) => Some(match keys.split('.').all(is_known_name) {
                true => name.to_owned(),
                false => format!("{member}.*"),
            }),
            Some(_) => None,
            None => Some(name.to_owned()).filter(|name| is_name(name)),
        };
        let left = left.map(|place| first.columns[place].as_str()).filter(|_| first.has_header);
        let mut left: Vec<String> = left.filter_map(shown).collect();
        left.dedup();
        if !left.is_empty() {
            self.line(&format!("# Other columns: {}", one_line(&left.join(", "))));
        }
        self.line("");
    }

    fn time(&mut self, sample: &Sample, guess: Option<&Guess>, clock: Option<&Guess>, values: &[ColumnValues]) {
        let Some(guess) = guess else {
            let shown = (0..sample.columns.len()).filter(|&column| sample.may_be_shown(column));
            let looks = shown.into_iter().find_map(|column| {
                let text = sample.rows.iter().map(|row| row[column].as_str()).find(|text| !text.is_empty())?;
                let is_named = sample.columns[column].to_lowercase().contains("time");
                is_named
                    .then(|| format!("; `{}` has texts of shape `{}`", sample.columns[column], shape(text.as_bytes())))
            });
            let what = format!("the column of the time and its format{}", looks.unwrap_or_default());
            return self.gap("columns.time = { column = \"\", format = \"\" }", &what);
        };
        let column = &sample.columns[guess.column];
        let formats = &values[guess.column].formats;
        let format = formats.first().map_or("iso", String::as_str);
        let doubt = match formats.get(1) {
            Some(other) => format!("    # guess: or {}, as day and month can't be told apart", quote(other)),
            None if guess.is_sure => String::new(),
            None => "    # guess".to_owned(),
        };
        let (columns, named, format) = match clock.and_then(|clock| Some((clock, values[clock.column].clock?))) {
            None => (quote(column), format!("`{column}`"), format.to_owned()),
            Some((clock, clock_format)) => {
                let clock = &sample.columns[clock.column];
                let columns = format!("[{}, {}]", quote(column), quote(clock));
                (columns, format!("`{column}` with `{clock}`"), with_clock(format, clock_format))
            }
        };
        self.line(&format!("columns.time = {{ column = {columns}, format = {} }}{doubt}", quote(&format)));
        self.guesses.push(format!("time: {named}, of format \"{format}\""));
        if formats.len() > 1 {
            self.gaps.push(format!("whether the day or the month comes first in `{column}`"));
        }
    }

    fn kinds(&mut self, log: &[Sample], activity: Option<&Guess>, learner: Option<&Guess>) {
        let list = Activity::ALL.map(Activity::name).join(", ");
        self.line("# Kinds of event and the activity as which each counts. Activities:");
        self.line(&format!("# {list}."));
        self.line("[activities.kinds]");
        let Some(activity) = activity else {
            self.line("# \"play*\" = \"video\"");
            return self.line("");
        };
        let mut kinds = UnknownKinds::default();
        let mut numbers: FxHashMap<&str, u64> = FxHashMap::default();
        let names: Vec<String> = log.iter().map(Sample::file_name).collect();
        let rows = || log.iter().zip(&names).flat_map(|(sample, name)| sample.rows.iter().map(move |row| (row, name)));
        for (row, file) in rows() {
            // Without a column of learners, a file may be of one.
            let person = learner.map_or(file.as_str(), |guess| row[guess.column].as_str());
            let next = numbers.len() as u64;
            let number = *numbers.entry(person).or_insert(next);
            kinds.note(row[activity.column].as_bytes(), number);
        }
        let written = rows()
            .map(|(row, _)| row[activity.column].as_str())
            .filter(|text| !text.is_empty() && !is_missing(text.as_bytes()));
        let written: FxHashSet<&str> = written.collect();
        let people = numbers.keys().copied();
        let listed: Vec<_> =
            kinds.most_frequent(people).into_iter().filter(|kind| written.contains(kind.shown.as_str())).collect();
        for kind in listed.iter().take(MOST_KINDS) {
            let counts_as = activity_of(&kind.shown);
            self.line(&format!("{} = \"{counts_as}\"    # guess, {} rows", quote(&kind.shown), kind.rows));
        }
        let more = written.len() - listed.len().min(MOST_KINDS);
        if !listed.is_empty() {
            self.guesses.push(format!(
                "kinds of event: {}, each counted as what its name suggests",
                listed.len().min(MOST_KINDS)
            ));
        }
        if more > 0 {
            let kinds = if more == 1 { "1 kind".to_owned() } else { format!("{more} kinds") };
            let what = format!(
                "{kinds} of event not listed here: fewer than five learners have it, or its name is free text or a person's"
            );
            self.line(&format!("# fill in: {what}."));
            self.gaps.push(what);
        }
        self.line("");
    }

    fn others(&mut self, others: &[Vec<Sample>]) {
        if others.is_empty() {
            return;
        }
        self.line(
            "# Other tables, which are not described yet. Each can be an [enrolments], [courses] or [labels] table,",
        );
        self.line("# or one more [[log]]:");
        for table in others {
            let columns = one_line(&names_shown(&table[0].columns, &table[0].rows).0);
            let name = self.names.of_table(table);
            self.line(&format!("#   {name}: {columns}"));
            self.gaps.push(format!("what {name} is"));
        }
    }
}

/// Returns the format of a date and a time of day with a blank between them.
fn with_clock(date: &str, clock: &str) -> String {
    match (date, clock) {
        ("date", "%H:%M" | "%H:%M:%S") => "iso".to_owned(),
        ("date", clock) => format!("%Y-%m-%d {clock}"),
        (date, clock) => format!("{date} {clock}"),
    }
}

/// Returns a text as TOML writes it, with what a screen would obey or hide escaped.
fn quote(text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('"', "\\\"");
    match escape_by(&escaped, |character, out| out.push_str(&format!("\\U{:08x}", character as u32))) {
        Cow::Borrowed(_) => toml::Value::String(text.to_owned()).to_string(),
        Cow::Owned(escaped) => format!("\"{escaped}\""),
    }
}

/// Returns a text that ends no comment.
fn one_line(text: &str) -> String {
    text.replace(|sign: char| sign.is_control(), " ")
}

/// Returns the activity that the name of a kind suggests.
fn activity_of(kind: &str) -> Activity {
    const SUGGESTIONS: [(&[&str], Activity); 12] = [
        (&["close", "exit", "leave", "logout"], Activity::PageClose),
        (&["login", "signin", "loggedin"], Activity::Login),
        (&["download"], Activity::Download),
        (&["webinar", "meeting", "chat", "live", "zoom", "bigblue", "collaborate"], Activity::Live),
        (&["wiki", "glossary"], Activity::Wiki),
        (&["video", "play", "pause", "seek", "lecture", "watch", "audio"], Activity::Video),
        (&["post_created", "create_thread", "create_comment", "reply", "comment", "message_sent"], Activity::Post),
        (&["forum", "discuss", "thread", "post", "message"], Activity::Discussion),
        (&["submit_assign", "assign", "homework", "submission", "upload", "hand_in"], Activity::Submission),
        (
            &["problem", "quiz", "question", "answer", "attempt", "exam", "test", "respond", "exercise", "submit"],
            Activity::Problem,
        ),
        (
            &["nav", "menu", "home", "syllabus", "dashboard", "course_view", "progress", "scroll", "next", "prev"],
            Activity::Navigate,
        ),
        (
            &["page", "view", "read", "access", "content", "resource", "book", "file", "open", "enter", "click"],
            Activity::Access,
        ),
    ];
    let kind = kind.to_lowercase();
    let suggests = |(words, _): &&(&[&str], Activity)| words.iter().any(|word| kind.contains(word));
    SUGGESTIONS.iter().find(suggests).map_or(Activity::Other, |&(_, activity)| activity)
}

#[cfg(test)]
mod tests {
    use super::super::checked_mapping::CheckedMapping;
    use super::*;

    fn draft(files: &[(&str, &str)]) -> MappingDraft {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        draft_mapping(&[folder.path().to_owned()]).unwrap()
    }

    fn rows(row: impl Fn(usize) -> String) -> String {
        (0..24).map(|number| row(number) + "\n").collect()
    }

    #[test]
    fn a_log_with_usual_columns_needs_nothing_more() {
        let rows = rows(|n| {
            format!("{n};s{};c1;2023-09-{:02} 10:00;{}", n % 5, n % 20 + 1, ["play_video", "quiz_submit"][n / 4 % 2])
        });
        let draft = draft(&[("clicks.csv", &format!("id;student_id;course;timestamp;event\n{rows}"))]);
        assert_eq!(draft.gaps, Vec::<String>::new(), "{}", draft.text);
        for line in [
            "files = [\"clicks.csv\"]",
            "delimiter = \";\"",
            "columns.learner = \"student_id\"",
            "columns.course = \"course\"",
            "columns.time = { column = \"timestamp\", format = \"iso\" }",
            "columns.activity = \"event\"",
            "columns.event_id = \"id\"",
            "\"play_video\" = \"video\"    # guess, 12 rows",
            "\"quiz_submit\" = \"problem\"    # guess, 12 rows",
        ] {
            assert!(draft.text.lines().any(|one| one == line), "{line}\n{}", draft.text);
        }
        CheckedMapping::built_in("table", &draft.text, 1 << 20)
            .unwrap_or_else(|error| panic!("{error}\n{}", draft.text));
    }

    #[test]
    fn the_clock_of_times_in_two_columns_is_kept() {
        let check = |header: &str, row: &dyn Fn(usize) -> String, expected: &str| {
            let draft = draft(&[("log.csv", &format!("{header}\n{}", rows(row)))]);
            assert!(draft.text.lines().any(|line| line == expected), "{expected}\n{}", draft.text);
            assert!(!draft.text.contains("granularity"), "{}", draft.text);
            let text = draft.text.replace("# columns.course", "columns.course");
            CheckedMapping::built_in("table", &text, 1 << 20).unwrap_or_else(|error| panic!("{error}\n{text}"));
        };
        check(
            "user,course,date,time,action",
            &|n| format!("u{},c,2023-09-{:02},{:02}:30,view", n % 4, n % 20 + 1, n % 24),
            "columns.time = { column = [\"date\", \"time\"], format = \"iso\" }",
        );
        check(
            "user,course,fecha,hora,action",
            &|n| format!("u{},c,{:02}/09/2023,{:02}:30:05 PM,view", n % 4, n % 20 + 11, n % 12 + 1),
            "columns.time = { column = [\"fecha\", \"hora\"], format = \"%d/%m/%Y %I:%M:%S %p\" }",
        );
        // Without dates a column of times of day is no time.
        let only = draft(&[("log.csv", &format!("user,time\n{}", rows(|n| format!("u{},10:{n:02}", n % 4))))]);
        assert!(only.gaps.iter().any(|gap| gap.starts_with("the column of the time")), "{:?}", only.gaps);
    }

    #[test]
    fn why_nothing_can_be_drafted_is_said() {
        let error = |files: &[(&str, &[u8])]| {
            let folder = tempfile::tempdir().unwrap();
            for (name, bytes) in files {
                std::fs::write(folder.path().join(name), bytes).unwrap();
            }
            let path = folder.path().display().to_string();
            draft_mapping(&[folder.path().to_owned()]).unwrap_err().to_string().replace(&path, "F")
        };
        let utf_16: Vec<u8> = "\u{feff}user,time\nann,2023\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let said = error(&[("log.csv", &utf_16)]);
        assert!(said.contains("none of its files can be described") && said.contains("is UTF-16"), "{said}");
        assert!(!said.contains("empty"), "{said}");
        assert!(error(&[]).ends_with("F: there is no file in it"), "{}", error(&[]));
        let said = error(&[("log.csv", b"user,time\n")]);
        assert!(said.contains("has a header and no rows") && !said.contains("empty"), "{said}");
    }

    #[test]
    fn a_header_with_a_name_twice_is_a_header() {
        let row = |n: usize| format!("u{},c,2023-09-{:02},x,y,view", n % 5, n % 20 + 1);
        let draft = draft(&[("log.csv", &format!("user,course,date,note,note,action\n{}", rows(row)))]);
        assert!(draft.text.contains("columns.learner = \"user\"\n"), "{}", draft.text);
        assert_eq!(
            draft.gaps,
            ["columns 4, 5 of log.csv have a name that others have too; give each a name of its own to read it"]
        );
    }

    #[test]
    fn a_first_row_of_people_is_no_header() {
        for first in ["user12,ann.lee@example.org,viewed", "student7,Ann Lee,viewed", "ann_user,x,viewed"] {
            let row = |n: usize| match first.split(',').next() {
                Some("ann_user") => format!("{},x,viewed", ["ann_user", "bob_user"][n % 2]),
                _ => format!("user{},p{n}.q@example.org,viewed", n + 13),
            };
            let draft = draft(&[("log.csv", &format!("{first}\n{}", rows(row)))]);
            let all = format!("{draft:?}");
            for cell in first.split(',').filter(|cell| *cell != "x" && *cell != "viewed") {
                assert!(!all.contains(cell), "{cell}\n{all}");
            }
        }
    }

    #[test]
    fn keys_that_may_be_people_are_not_shown() {
        let row = |n: usize| {
            let (day, own) = (n % 20 + 1, if n.is_multiple_of(3) { ",\"carl\":1" } else { "" });
            format!(
                "{{\"user\":\"u{}\",\"time\":\"2023-09-{day:02}T10:00:00\",\"name\":\"play\",\"page\":\"p{n}\",\
                 \"scores\":{{\"ann\":{n},\"bob\":2}},\"context\":{{\"host\":\"h\"}}{own}}}",
                n % 4
            )
        };
        let draft = draft(&[("log.jsonl", &rows(row))]);
        let others = draft.text.lines().find(|line| line.starts_with("# Other columns: ")).unwrap_or_default();
        assert!(others.contains("scores.*"), "{}", draft.text);
        for person in ["ann", "bob", "carl"] {
            assert!(!others.contains(person), "{}", draft.text);
        }
    }

    #[test]
    fn a_key_of_an_object_keyed_by_learners_is_no_column() {
        // Times, kinds and numbers stand under the learners' names alone, in one object of all or in none but theirs.
        let nested = |n: usize| {
            format!(
                "{{\"day\":{n},\"log\":{{\"qzcarl\":{{\"time\":\"2023-09-04T10:00:{n:02}\",\"user_qzbob\":\"u{n}\"}}}}}}"
            )
        };
        let own = |n: usize| match n % 2 {
            0 => format!("{{\"n\":{n},\"qzcarl\":\"2023-09-04T10:00:{n:02}\"}}"),
            _ => format!("{{\"n\":{n},\"qzbob_time\":\"2023-09-04T10:00:{n:02}\"}}"),
        };
        for row in [&nested as &dyn Fn(usize) -> String, &own] {
            let draft = draft(&[("log.jsonl", &rows(row))]);
            assert!(!format!("{draft:?}").contains("qz"), "{draft:?}");
            let gap = "2 keys of objects may be people's and are not looked at; name one yourself if it is none";
            assert!(draft.gaps.contains(&gap.to_owned()), "{:?}", draft.gaps);
        }
        // Known keys are columns, however deep.
        let known = |n: usize| {
            format!(
                "{{\"actor\":{{\"account\":{{\"name\":\"u{n}\"}}}},\"meta\":{{\"event_time\":\"2023-09-04T10:00:{n:02}\"}}}}"
            )
        };
        let draft = draft(&[("log.jsonl", &rows(known))]);
        assert!(draft.text.contains("columns.learner = \"actor.account.name\""), "{}", draft.text);
        assert!(draft.text.contains("column = \"meta.event_time\""), "{}", draft.text);
    }

    #[test]
    fn files_that_may_be_named_after_learners_are_not_named() {
        let one = "timestamp,action_type\n2023-09-04T10:00:00,enter\n";
        let other = "grade,thing\n1,x\n";
        let files =
            [("qzann.csv", one), ("qzbob.csv", one), ("qzbob (1).csv", one), ("zqcarl.csv", other), ("zqd.csv", "")];
        let draft = draft(&files);
        assert!(draft.text.contains("files = [\"qz*.csv\"]"), "{}", draft.text);
        let of_one = [("log_qzcarl_1.csv", one), ("log_qzcarl_2.csv", one)];
        assert!(super::tests::draft(&of_one).text.contains("files = [\"*.csv\"]"));
        assert!(draft.text.contains("# learner_in_file_name = true"), "{}", draft.text);
        for name in ["ann", "bob", "carl", "zq"] {
            assert!(!format!("{draft:?}").contains(name), "{draft:?}");
        }
        assert!(draft.gaps.contains(&"what aaaaaa.aaa is".to_owned()), "{:?}", draft.gaps);
    }

    #[test]
    fn no_cell_of_a_learner_is_in_a_draft() {
        let marker = "Zanzibar";
        // A kind that few learners have may be a name; so may a first line that is no header.
        let rows =
            rows(|n| format!("{marker}{n},{marker} {0},{marker}{0}@example.org,4/09/23,{marker}{n},{marker}", n % 3));
        for header in ["name,user,email,time,event,note\n", ""] {
            for name in ["log.csv", "other.csv"] {
                let second = format!("{marker},Second\n{marker},Third\n");
                let draft = draft(&[(name, &format!("{header}{rows}")), ("people.csv", &second)]);
                let all = format!("{draft:?}");
                assert!(!all.contains(marker), "{all}");
            }
        }
    }

    #[test]
    fn what_can_not_be_told_is_said() {
        let rows = rows(|n| format!("{},0{}/09/2023,x", n % 3, n % 9 + 1));
        let draft = draft(&[("log.csv", &format!("code,day,thing\n{rows}"))]);
        assert_eq!(
            draft.gaps,
            [
                "the course: no column seems to name it",
                "the column of the learner's id",
                "whether the day or the month comes first in `day`",
            ],
            "{}",
            draft.text
        );
        assert!(draft.text.contains("format = \"%d/%m/%Y\" }    # guess: or \"%m/%d/%Y\""), "{}", draft.text);
        assert!(draft.text.contains("granularity = \"day\""), "{}", draft.text);
    }

    #[test]
    fn json_and_files_for_each_learner() {
        let line = |n: usize| {
            format!(
                "{{\"ts\": {}, \"event\": {{\"type\": \"play\", \"user\": \"u{}\"}}}}",
                1_693_821_600_000_u64 + n as u64,
                n % 4
            )
        };
        let json = draft(&[("log.jsonl", &rows(line))]);
        assert!(json.text.contains("columns.learner = \"event.user\""), "{}", json.text);
        assert!(json.text.contains("columns.time = { column = \"ts\", format = \"unix-millis\" }"), "{}", json.text);
        let one = "timestamp,action_type\n1693821600000,enter\n";
        let many: Vec<(String, &str)> = (1..9).map(|n| (format!("u{n}.csv"), one)).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|(name, text)| (name.as_str(), *text)).collect();
        let many = draft(&many);
        assert!(
            many.text.contains("files = [\"u*.csv\"]") && many.text.contains("# learner_in_file_name = true"),
            "{}",
            many.text
        );
        assert!(many.text.contains("format = \"unix-millis\""), "{}", many.text);
    }

    #[test]
    fn columns_by_names_of_other_countries_and_programs() {
        for (learner, time) in [("Matrikel", "ts"), ("anon_id", "epoch"), ("Matrikelnummer", "TS"), ("pseudonym", "ts")]
        {
            let row = |n: usize| format!("{},c,{},view", n % 5 + 70_000, 1_693_821_600 + n);
            let draft = draft(&[("log.csv", &format!("{learner},course,{time},action\n{}", rows(row)))]);
            assert!(draft.text.contains(&format!("columns.learner = \"{learner}\"")), "{}", draft.text);
            let time = format!("columns.time = {{ column = \"{time}\", format = \"unix-seconds\" }}");
            assert!(draft.text.contains(&time), "{}", draft.text);
        }
    }
}
