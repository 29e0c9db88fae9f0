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
mod tests;
