//! One module per log format behind one function that tells them apart.

mod calendar;
pub mod caliper;
mod course_ids;
pub mod coursera;
#[cfg(feature = "sql")]
mod database;
pub mod edx;
mod fields;
pub mod futurelearn;
pub mod institutions;
pub mod kdd2015;
mod labels;
pub mod moodle;
pub mod oulad;
mod pair_lookup;
mod repeats;
mod statements;
pub mod table;
pub mod xapi;
pub mod xuetangx2019;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

pub use calendar::{CalendarEntry, read_calendar};
pub use labels::{LabelCounts, apply_labels};

use crate::error::ReadError;
use crate::input::{self, file_name};
use crate::source::{Source, SourceLabels};
use crate::source_inputs::InputFile;
use crate::table::looks_like_a_header;
use crate::text::BLOCK_BYTES;

/// A log format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// KDD Cup 2015 (XuetangX).
    Kdd2015,
    /// Open University Learning Analytics Dataset.
    Oulad,
    /// The log that MOOCData published in 2019 (XuetangX).
    Xuetangx2019,
    /// Moodle's standard log.
    Moodle,
    /// Coursera's clickstream export.
    Coursera,
    /// FutureLearn's data exports.
    Futurelearn,
    /// Tracking logs of Open edX.
    Edx,
    /// Statements of the Experience API.
    Xapi,
    /// Events of Caliper Analytics.
    Caliper,
    /// Any table, described by a mapping.
    Table,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 10] = [
        Self::Kdd2015,
        Self::Oulad,
        Self::Edx,
        Self::Xapi,
        Self::Caliper,
        Self::Xuetangx2019,
        Self::Moodle,
        Self::Coursera,
        Self::Futurelearn,
        Self::Table,
    ];

    /// Its name on the command line and in manifests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kdd2015 => "kdd2015",
            Self::Oulad => "oulad",
            Self::Xuetangx2019 => "xuetangx2019",
            Self::Moodle => "moodle",
            Self::Coursera => "coursera",
            Self::Futurelearn => "futurelearn",
            Self::Edx => "edx",
            Self::Xapi => "xapi",
            Self::Caliper => "caliper",
            Self::Table => "table",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.into_iter().map(Self::name).collect();
            format!("`{name}` is not a log format; the formats are auto, {}", names.join(", "))
        })
    }
}

/// How to open a log.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// The format; told from the files when `None`.
    pub format: Option<Format>,
    /// The mapping of a [`Format::Table`], which is then the format unless another is given.
    pub mapping: Option<PathBuf>,
    /// Course dates in place of, or for want of, the source's own.
    pub courses: Option<PathBuf>,
    /// Labels in place of the source's own.
    pub labels: Option<PathBuf>,
    /// Address of a database to read Moodle's log from, in place of files: `mysql://USER:PASSWORD@HOST/DATABASE`,
    /// `mariadb://…` or `postgres://…`, with `?prefix=PREFIX` where tables do not begin with `mdl_`. Needs the feature
    /// `sql`.
    pub source: Option<DatabaseUrl>,
}

/// The address of a database as the user wrote it, password and all. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl FromStr for DatabaseUrl {
    type Err = std::convert::Infallible;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        Ok(Self(url.to_owned()))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl(…)")
    }
}

/// Opens the log in `inputs`: files, or folders that hold a format's files.
///
/// # Errors
/// When no format fits, or a table that the format needs is missing or can't be used.
pub fn open(inputs: &[PathBuf], options: &OpenOptions) -> Result<Source, ReadError> {
    open_in_blocks(inputs, options, BLOCK_BYTES)
}

/// The same, with event files that are read in blocks of about `block_bytes`. What comes out does not depend on it.
///
/// # Errors
/// The same.
pub fn open_in_blocks(inputs: &[PathBuf], options: &OpenOptions, block_bytes: usize) -> Result<Source, ReadError> {
    if let Some(url) = &options.source {
        let source = open_database(&url.0, inputs, options, block_bytes)?;
        return finished(source, options, block_bytes);
    }
    let inputs = &input::expanded(inputs)?;
    let files = input::files(inputs)?;
    let (format, reason) = match (options.format, &options.mapping) {
        (Some(format), _) => (format, "given by --format".to_owned()),
        (None, Some(mapping)) => (Format::Table, format!("described by {}", file_name(mapping))),
        (None, None) => detect(&files)?,
    };
    let courses = options.courses.as_deref();
    let source = match (format, &options.mapping) {
        (Format::Table, Some(mapping)) => table::open(inputs, mapping, courses, reason, block_bytes)?,
        (Format::Table, None) => return Err(ReadError::NoMapping),
        (_, Some(path)) => {
            let what = format!("a mapping is for --format table; {format} needs none");
            return Err(ReadError::Mapping { path: path.clone(), what });
        }
        (Format::Kdd2015, None) => kdd2015::open(&kdd2015::sort_files(&files)?, courses, reason)?,
        (Format::Oulad, None) => oulad::open(&oulad::sort_files(&files)?, courses, reason)?,
        (Format::Xuetangx2019, None) => {
            xuetangx2019::open(&xuetangx2019::sort_files(&files)?, courses, reason, block_bytes)?
        }
        (Format::Moodle, None) => moodle::open(&moodle::sort_files(&files)?, courses, reason, block_bytes)?,
        (Format::Coursera, None) => coursera::open(&files, courses, reason, block_bytes)?,
        (Format::Futurelearn, None) => futurelearn::open(inputs, courses, reason, block_bytes)?,
        (Format::Edx, None) => edx::open(&files, courses, reason, block_bytes)?,
        (Format::Xapi, None) => xapi::open(&files, courses, reason, block_bytes)?,
        (Format::Caliper, None) => caliper::open(&files, courses, reason, block_bytes)?,
    };
    finished(source, options, block_bytes)
}

/// Opens Moodle's log in the database at `url`.
fn open_database(
    url: &str,
    inputs: &[PathBuf],
    options: &OpenOptions,
    block_bytes: usize,
) -> Result<Source, ReadError> {
    let fail = |what: &str| Err(ReadError::Source { what: what.to_owned() });
    match (inputs, options.format, &options.mapping) {
        ([_, ..], ..) => fail("give files or the address of a database, not both"),
        (_, Some(format), _) if format != Format::Moodle => {
            fail("databases of Moodle are read, and of no other format")
        }
        (.., Some(_)) => fail("a mapping is for files; the database of Moodle needs none"),
        #[cfg(feature = "sql")]
        _ => moodle::open_server(url, options.courses.as_deref(), "given by --source".to_owned(), block_bytes),
        #[cfg(not(feature = "sql"))]
        _ => {
            // What would be read, and how.
            let _ = (url, block_bytes);
            Err(ReadError::NoDatabases)
        }
    }
}

/// The source with what holds for every format: the size of blocks, no file twice, labels from elsewhere.
fn finished(mut source: Source, options: &OpenOptions, block_bytes: usize) -> Result<Source, ReadError> {
    for file in &mut source.events {
        file.set_block_bytes(block_bytes);
    }
    check_twins(&source)?;
    source.capabilities = source.capabilities.with_kinds(&source.kinds);
    // Whichever format: dates that the user gave are not the source's own.
    for file in source.inputs.iter_mut().filter(|file| Some(&file.path) == options.courses.as_ref()) {
        file.role = "courses-file";
    }
    if let Some(path) = &options.labels {
        for enrolment in &mut source.roster.enrolments {
            enrolment.dropout = None;
        }
        apply_labels(path, &mut source.roster, &mut source.tables)?;
        source.labels = SourceLabels::Labels;
        source.inputs.push(InputFile { role: "labels", path: path.clone() });
    }
    Ok(source)
}

/// Fails when a file stands beside its own packed copy, as every row would count twice.
fn check_twins(source: &Source) -> Result<(), ReadError> {
    let bare = |path: &Path| path.with_file_name(input::bare_name(path));
    for (place, file) in source.inputs.iter().enumerate() {
        let twin = |other: &&InputFile| other.path != file.path && bare(&other.path) == bare(&file.path);
        if let Some(other) = source.inputs[..place].iter().find(twin) {
            return Err(ReadError::Twins { path: other.path.clone(), twin: file_name(&file.path) });
        }
    }
    Ok(())
}

/// What the first of the files that fit a format has.
fn seen(fitting: &[PathBuf], has: &str) -> Result<Option<String>, ReadError> {
    Ok(fitting.first().map(|file| format!("{} {has}", file_name(file))))
}

/// What speaks for a format among files, in words.
type Evidence = fn(&[PathBuf]) -> Result<Option<String>, ReadError>;

/// The format that the files are of, and what that rests on.
///
/// # Errors
/// When a file can't be read or no format fits; the error says what the files look like.
pub fn detect(files: &[PathBuf]) -> Result<(Format, String), ReadError> {
    let kdd = kdd2015::sort_files(files)?;
    if let Some(log) = kdd.logs.first() {
        let name = file_name(log);
        if fields::header(log)?.iter().any(|column| column == "enrollment_id") {
            return Ok((Format::Kdd2015, format!("{name} has the columns enrollment_id, time, event and object")));
        }
        // A log that is only named like one is taken for it when there is more to go by: many logs are called log.csv.
        if !kdd.enrolments.is_empty() || kdd.calendar.is_some() {
            return Ok((Format::Kdd2015, format!("{name} stands beside other tables of KDD Cup 2015")));
        }
    }
    if let Some(path) = oulad::sort_files(files)?.evidence() {
        return Ok((Format::Oulad, format!("{} is a table of OULAD", file_name(path))));
    }
    let others: [(Format, Evidence); 7] = [
        (Format::Edx, |files| seen(&edx::sort_files(files)?, "has events with event_source, event_type and time")),
        (Format::Xapi, |files| seen(&xapi::sort_files(files)?, "has statements with actor, verb and object")),
        (Format::Caliper, |files| seen(&caliper::sort_files(files)?, "has events with action, actor and eventTime")),
        (Format::Xuetangx2019, xuetangx2019::evidence),
        (Format::Moodle, moodle::evidence),
        (Format::Futurelearn, futurelearn::evidence),
        (Format::Coursera, coursera::evidence),
    ];
    for (format, evidence) in others {
        if let Some(seen) = evidence(files)? {
            return Ok((format, seen));
        }
    }
    let seen = if files.is_empty() { "there is no file".to_owned() } else { looks(files)? };
    let where_ = match files {
        [] => "an empty folder".to_owned(),
        [first, ..] => first.parent().unwrap_or(Path::new(".")).display().to_string(),
    };
    Err(ReadError::UnknownFormat { where_, seen })
}

/// The first columns of each of the first few files, for the error that says no format fits. Only header-like lines
/// are shown, as data may name learners.
fn looks(files: &[PathBuf]) -> Result<String, ReadError> {
    let mut seen = Vec::new();
    for path in files.iter().take(5) {
        let head = input::head(path, 4096)?;
        let first = crate::text::lines(&head).next().unwrap_or_default();
        let columns = |line: &str| line.split([',', ';', '\t', '|']).map(str::to_owned).collect::<Vec<_>>();
        let header = std::str::from_utf8(first).ok().filter(|line| looks_like_a_header(&columns(line)));
        let what = match (head.is_empty(), input::not_text(&head), header) {
            (true, ..) => "is empty".to_owned(),
            (_, Some(why), _) => format!("is not text ({why})"),
            (_, _, Some(header)) => format!("begins with `{}`", header.chars().take(80).collect::<String>()),
            _ => "has no header that is known".to_owned(),
        };
        seen.push(format!("{} {what}", file_name(path)));
    }
    Ok(seen.join("; "))
}
