//! Event files that TensorBoard reads: scalars by step, and the hyperparameters of a run.
//!
//! A folder is one *run* in TensorBoard, and the folders beneath it are runs of their own; an [`EventWriter`] writes one
//! file into one folder. A training that is resumed writes a further file: TensorBoard reads the files of a folder by
//! name, and a name begins with its time. A file that a killed process left cut off in the middle of a record does no
//! harm: the whole records are shown.
//!
//! Scalars are 32-bit floats, as TensorBoard keeps no others: about seven digits. [`EventWriter::hyperparameters`] and
//! [`EventWriter::ended`] fill the HPARAMS tab. No list of all hyperparameters is written (an `Experiment`): TensorBoard
//! then gathers them from all runs of the log folder, and with such a list it would show only those of the first run.
//!
//! No clock is read: every call says when, in seconds since 1970.
//!
//! Sources of the format: `record.rs` and `messages.rs` name theirs; file names as in `EventFileWriter` of
//! `tensorboard/summary/writer/event_file_writer.py`; `_hparams_/session_start_info` and `…/session_end_info` as in
//! `tensorboard/plugins/hparams/metadata.py`; a resumed run's marker as in `SessionLog` of `event.proto` and
//! `plugin_event_accumulator.py`, which forgets the steps from there on.

mod messages;
mod record;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use prost::Message;

use messages::{
    Content, DataClass, Dimension, Event, EventContent, HParams, HParamsData, Kind, PluginData, SessionEnd, SessionLog,
    SessionStart, SessionStatus, Shape, SourceMetadata, Struct, Summary, SummaryMetadata, Tensor, Value,
};

/// Names the version of event files that this writes, and the content of their first event.
const FILE_VERSION: &str = "brain.Event:2";
/// Names the beginning of every event file's name, by which TensorBoard recognises it.
const NAME_PREFIX: &str = "events.out.tfevents.";

/// Names who writes and when. It becomes the file's name, so that files of several processes in one folder differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EventFileOrigin<'a> {
    /// Seconds since 1970, not below 0.
    pub wall_time_seconds: f64,
    /// Name of the machine. Letters that a file's name can't have become `-`.
    pub host: &'a str,
    /// Number of the process.
    pub process: u32,
}

/// Holds the value of a hyperparameter, as the HPARAMS tab sorts and filters it.
#[derive(Clone, Debug, PartialEq)]
pub enum Hyperparameter {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// True or false.
    Flag(bool),
}

/// Names the state in which a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionOutcome {
    /// It finished.
    Success,
    /// It stopped with an error.
    Failure,
}

/// Says why events can't be written.
#[derive(Debug, thiserror::Error)]
pub enum EventFileError {
    /// The file can't be made or written.
    #[error(
        "cannot {action} the TensorBoard events {path}: {source}; free space or name another folder, or leave TensorBoard out"
    )]
    Io {
        /// Action that failed.
        action: &'static str,
        /// File or folder.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The time is not one.
    #[error("{0} is not a time in seconds since 1970 that TensorBoard could show")]
    Time(f64),
}

/// Writes one event file. Holds a buffer of 8 KiB; what was written is in the file after [`EventWriter::flush`], or
/// when the writer is dropped (which cannot report a failure).
#[derive(Debug)]
pub struct EventWriter {
    out: BufWriter<File>,
    path: PathBuf,
}

impl EventWriter {
    /// Begins a new run in `folder`, which is created where it is missing. The folder must hold no other run, whose
    /// events TensorBoard would discard or mix in.
    ///
    /// # Errors
    /// When the file can't be made, or the time is not one.
    pub fn create(folder: &Path, origin: EventFileOrigin<'_>) -> Result<Self, EventFileError> {
        // The first start is no restart to TensorBoard; without it, that of a resumed run would count as the first.
        Self::begin(folder, origin, 0)
    }

    /// Begins a further file of a run that was interrupted. TensorBoard discards the steps from `step` on that
    /// earlier files hold, as this training computes them again.
    ///
    /// # Errors
    /// When the file can't be made, or the time is not one.
    pub fn resume(folder: &Path, origin: EventFileOrigin<'_>, step: i64) -> Result<Self, EventFileError> {
        Self::begin(folder, origin, step)
    }

    fn begin(folder: &Path, origin: EventFileOrigin<'_>, step: i64) -> Result<Self, EventFileError> {
        let failed = |source| EventFileError::Io { action: "make", path: folder.to_owned(), source };
        let wall_time = checked(origin.wall_time_seconds)?;
        fs::create_dir_all(folder).map_err(failed)?;
        // Later than any file there, also where the clock was set back: TensorBoard reads files by name.
        let mut seconds = (wall_time as u64).max(newest(folder).map_err(failed)?.map_or(0, |newest| newest + 1));
        let host: String = origin
            .host
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() || "-_".contains(letter) { letter } else { '-' })
            .collect();
        let host = if host.is_empty() { "unknown" } else { &host };
        loop {
            let path = folder.join(format!("{NAME_PREFIX}{seconds:010}.{host}.{}.0", origin.process));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => {
                    let mut writer = Self { out: BufWriter::new(file), path };
                    let source = Some(SourceMetadata { writer: "staycast".to_owned() });
                    let content = Some(EventContent::FileVersion(FILE_VERSION.to_owned()));
                    writer.write(&Event { wall_time, step: 0, content, source })?;
                    let log = SessionLog { status: SessionStatus::Start as i32 };
                    writer.write(&Event {
                        wall_time,
                        step,
                        content: Some(EventContent::SessionLog(log)),
                        source: None,
                    })?;
                    return Ok(writer);
                }
                // Another process was a moment quicker.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => seconds += 1,
                Err(source) => return Err(EventFileError::Io { action: "make", path, source }),
            }
        }
    }

    /// Returns the file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes numbers of one step, by tag: one event. Of `loss/training` TensorBoard shows `training` in a group
    /// `loss`. A value that is not finite is shown as such.
    ///
    /// # Errors
    /// When the file can't be written, or the time is not one.
    pub fn scalars(&mut self, wall_time_seconds: f64, step: i64, values: &[(&str, f64)]) -> Result<(), EventFileError> {
        let values = values
            .iter()
            .map(|&(tag, value)| Value {
                tag: tag.to_owned(),
                metadata: None,
                content: Some(Content::SimpleValue(value as f32)),
            })
            .collect();
        self.summary(wall_time_seconds, step, values)
    }

    /// Writes the run's hyperparameters and its start, for the HPARAMS tab. Once a run: of several, TensorBoard shows
    /// the last.
    ///
    /// # Errors
    /// When the file can't be written, or the time is not one.
    pub fn hyperparameters(
        &mut self,
        wall_time_seconds: f64,
        values: &BTreeMap<String, Hyperparameter>,
    ) -> Result<(), EventFileError> {
        let hparams = values
            .iter()
            .map(|(name, value)| {
                let kind = match value {
                    Hyperparameter::Number(number) => Kind::Number(*number),
                    Hyperparameter::Text(text) => Kind::Text(text.clone()),
                    Hyperparameter::Flag(flag) => Kind::Flag(*flag),
                };
                (name.clone(), Struct { kind: Some(kind) })
            })
            .collect();
        let start = HParams::Start(SessionStart { hparams, start_time_secs: wall_time_seconds });
        self.plugin(wall_time_seconds, "_hparams_/session_start_info", start)
    }

    /// Writes how and when the run ended, for the HPARAMS tab.
    ///
    /// # Errors
    /// When the file can't be written, or the time is not one.
    pub fn ended(&mut self, wall_time_seconds: f64, end: SessionOutcome) -> Result<(), EventFileError> {
        let status = match end {
            SessionOutcome::Success => 1,
            SessionOutcome::Failure => 2,
        };
        let end = HParams::End(SessionEnd { status, end_time_secs: wall_time_seconds });
        self.plugin(wall_time_seconds, "_hparams_/session_end_info", end)
    }

    /// Hands everything written so far to the system.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn flush(&mut self) -> Result<(), EventFileError> {
        self.out.flush().map_err(|source| EventFileError::Io { action: "write", path: self.path.clone(), source })
    }

    fn plugin(&mut self, wall_time_seconds: f64, tag: &str, data: HParams) -> Result<(), EventFileError> {
        let content = HParamsData { version: 0, data: Some(data) }.encode_to_vec();
        let metadata = SummaryMetadata {
            plugin_data: Some(PluginData { plugin_name: "hparams".to_owned(), content }),
            data_class: DataClass::Tensor as i32,
        };
        // A value must have a tensor; the plugin reads the metadata alone.
        let shape = Some(Shape { dimensions: vec![Dimension { size: 0 }] });
        let tensor = Tensor { data_type: 1, shape };
        let value = Value { tag: tag.to_owned(), metadata: Some(metadata), content: Some(Content::Tensor(tensor)) };
        self.summary(wall_time_seconds, 0, vec![value])
    }

    fn summary(&mut self, wall_time_seconds: f64, step: i64, values: Vec<Value>) -> Result<(), EventFileError> {
        let wall_time = checked(wall_time_seconds)?;
        self.write(&Event { wall_time, step, content: Some(EventContent::Summary(Summary { values })), source: None })
    }

    fn write(&mut self, event: &Event) -> Result<(), EventFileError> {
        record::write_record(&mut self.out, &event.encode_to_vec()).map_err(|source| EventFileError::Io {
            action: "write",
            path: self.path.clone(),
            source,
        })
    }
}

/// Checks that a time has at most ten digits of seconds, so that names sort by time.
fn checked(wall_time_seconds: f64) -> Result<f64, EventFileError> {
    if (0.0..1e10).contains(&wall_time_seconds) {
        Ok(wall_time_seconds)
    } else {
        Err(EventFileError::Time(wall_time_seconds))
    }
}

/// Returns the latest second in the names of the event files in `folder`.
fn newest(folder: &Path) -> io::Result<Option<u64>> {
    let mut newest = None;
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let seconds = name.to_string_lossy().strip_prefix(NAME_PREFIX).and_then(|rest| rest.get(..10)?.parse().ok());
        newest = newest.max(seconds);
    }
    Ok(newest)
}
