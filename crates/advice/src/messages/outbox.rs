//! The outbox: a folder of messages, of what was decided about them, and of what became of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use staycast_files::{FileTurn, FolderDraft, IfExists};

use super::error::MessageError;
use super::records::{DecisionLine, LogEvent, LogLine, Message, Verdict};
use super::state::State;
use super::{instant, instant_text, page};
use crate::policy::Limits;

/// Says that a folder is an outbox, and holds the limits.
const OUTBOX_FILE: &str = "outbox.json";
const MESSAGES_FILE: &str = "messages.jsonl";
const DECISIONS_FILE: &str = "decisions.jsonl";
const LOG_FILE: &str = "log.jsonl";
const DRAFTS_FILE: &str = "drafts.txt";
const NOT_DRAFTED_FILE: &str = "not_drafted.csv";
const DELIVERIES_FILE: &str = "deliveries.csv";

/// Lists the files of an outbox.
pub const OUTBOX_FILES: [&str; 7] =
    [OUTBOX_FILE, MESSAGES_FILE, DECISIONS_FILE, LOG_FILE, DRAFTS_FILE, NOT_DRAFTED_FILE, DELIVERIES_FILE];

const OUTBOX_VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutboxFile {
    outbox_version: u32,
    limits: Limits,
}

/// Holds what became of a message on its way.
#[derive(Clone, Debug, Default)]
pub(super) struct Sending {
    /// When it first began towards the target of its last attempt.
    pub(super) begun_at: Option<i64>,
    /// The target of the last attempt.
    pub(super) target: String,
    pub(super) last: Option<LogEvent>,
    pub(super) sent_at: Option<i64>,
}

/// Holds an outbox in memory, and the turn at it: no other process changes it meanwhile.
#[derive(Debug)]
pub struct Outbox {
    path: PathBuf,
    pub(super) limits: Limits,
    pub(super) messages: Vec<Message>,
    decisions: Vec<DecisionLine>,
    sendings: BTreeMap<String, Sending>,
    /// `None` where it is not on the disk yet.
    turn: Option<FileTurn>,
}

/// Says which messages a decision is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All that nobody has decided about, and those that were changed.
    All,
    /// These.
    Ids(Vec<String>),
}

/// Names a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may be sent.
    Approve,
    /// It is not to be sent.
    Reject,
}

/// Counts what decisions changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DecisionCounts {
    /// Messages that are approved now and were not before.
    pub approved: u64,
    /// Messages that are rejected now and were not before.
    pub rejected: u64,
    /// Messages that are as they were: decided so already, or begun or sent.
    pub unchanged: u64,
}

impl Outbox {
    /// Opens an outbox, and waits until no other process changes it.
    ///
    /// # Errors
    /// When it is none, or a file in it makes no sense: with the line.
    pub fn open(path: &Path) -> Result<Self, MessageError> {
        let file = path.join(OUTBOX_FILE);
        let header = |text: io::Result<String>| match text {
            Ok(text) => serde_json::from_str::<OutboxFile>(&text)
                .ok()
                .filter(|file| file.outbox_version == OUTBOX_VERSION && file.limits.is_sound())
                .ok_or_else(|| MessageError::file(&file, "is no outbox of a version that this program reads")),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Err(MessageError::NotAnOutbox(path.to_owned()))
            }
            Err(source) => Err(MessageError::read(&file, source)),
        };
        header(fs::read_to_string(&file))?;
        let turn = FileTurn::wait(&path.join(LOG_FILE))?;
        let limits = header(fs::read_to_string(&file))?.limits;
        let messages: Vec<Message> = read_lines(&path.join(MESSAGES_FILE))?;
        let mut ids = BTreeSet::new();
        for (number, message) in (1..).zip(&messages) {
            let twice = (!ids.insert(message.id.as_str())).then_some("its message is there twice");
            if let Some(problem) = message.problem().or(twice) {
                return Err(MessageError::file(&path.join(MESSAGES_FILE), format!("line {number}: {problem}")));
            }
        }
        let decisions = read_lines(&path.join(DECISIONS_FILE))?;
        let log = read_log(&path.join(LOG_FILE))?;
        let mut outbox =
            Self { path: path.to_owned(), limits, messages, decisions, sendings: BTreeMap::new(), turn: Some(turn) };
        for line in &log {
            outbox.note(line);
        }
        Ok(outbox)
    }

    /// Opens an outbox to draft into; where nothing is, or an empty folder, it begins one.
    pub(super) fn open_or_begin(path: &Path, limits: Limits) -> Result<Self, MessageError> {
        let is_free = fs::read_dir(path).map_or(!path.exists(), |mut entries| entries.next().is_none());
        if !is_free {
            return Ok(Self { limits, ..Self::open(path)? });
        }
        let path = path.to_owned();
        Ok(Self { path, limits, messages: Vec::new(), decisions: Vec::new(), sendings: BTreeMap::new(), turn: None })
    }

    /// Returns the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lists the messages, each with where it stands.
    pub fn messages(&self) -> impl Iterator<Item = (&Message, State)> {
        let mut verdicts: BTreeMap<&str, &DecisionLine> = BTreeMap::new();
        for line in &self.decisions {
            verdicts.insert(&line.id, line);
        }
        self.messages.iter().map(move |message| {
            let state = self.state(message, verdicts.get(message.id.as_str()).copied());
            (message, state)
        })
    }

    fn state(&self, message: &Message, decision: Option<&DecisionLine>) -> State {
        let sending = self.sendings.get(&message.id);
        if sending.is_some_and(|sending| sending.sent_at.is_some()) {
            return State::Sent;
        }
        let last = sending.and_then(|sending| sending.last);
        match decision {
            None => State::Drafted,
            Some(line) if line.decision == Verdict::Rejected => State::Rejected,
            Some(line) if line.content != message.content() => State::Changed,
            Some(_) => match last {
                None => State::Approved,
                Some(LogEvent::Failed) => State::Failed,
                Some(LogEvent::Begun | LogEvent::Unsure | LogEvent::Sent) => State::Unsure,
            },
        }
    }

    /// Returns what became of a message on its way.
    pub(super) fn sending(&self, id: &str) -> Option<&Sending> {
        self.sendings.get(id)
    }

    /// Approves or rejects messages. Returns what changed.
    ///
    /// # Errors
    /// When there is no such message, or the decisions can't be written.
    pub fn decide(&mut self, decision: Decision, which: &Which, now: i64) -> Result<DecisionCounts, MessageError> {
        if let Which::Ids(ids) = which
            && let Some(id) = ids.iter().find(|id| !self.messages.iter().any(|message| message.id == **id))
        {
            let id = staycast_text::escape(&id.chars().take(60).collect::<String>()).into_owned();
            return Err(MessageError::NoMessage { outbox: self.path.clone(), id });
        }
        let mut counts = DecisionCounts::default();
        let mut lines = Vec::new();
        for (message, state) in self.messages() {
            let is_meant = match which {
                Which::All => matches!(state, State::Drafted | State::Changed),
                Which::Ids(ids) => ids.contains(&message.id),
            };
            let changes = match decision {
                Decision::Approve => matches!(state, State::Drafted | State::Changed | State::Rejected),
                Decision::Reject => {
                    matches!(state, State::Drafted | State::Changed | State::Approved | State::Failed | State::Unsure)
                }
            };
            if !is_meant || !changes {
                counts.unchanged += u64::from(is_meant);
                continue;
            }
            let (verdict, count) = match decision {
                Decision::Approve => (Verdict::Approved, &mut counts.approved),
                Decision::Reject => (Verdict::Rejected, &mut counts.rejected),
            };
            *count += 1;
            let (id, content) = (message.id.clone(), message.content());
            lines.push(DecisionLine { id, decision: verdict, decided_at: instant_text(now), content });
        }
        if !lines.is_empty() {
            self.decisions.append(&mut lines);
            staycast_files::write_json_lines(&self.path.join(DECISIONS_FILE), &self.decisions)?;
        }
        self.write_page()?;
        Ok(counts)
    }

    /// Adds drafts, and writes who got none. A new outbox appears whole; in one that is there, the messages come first, as
    /// everything else can be made of them.
    pub(super) fn add(&mut self, new: Vec<Message>, not_drafted: &[u8]) -> Result<(), MessageError> {
        self.messages.extend(new);
        let mut messages = Vec::new();
        for message in &self.messages {
            messages.extend(serde_json::to_vec(message).expect("texts and numbers have a JSON form"));
            messages.push(b'\n');
        }
        let header = OutboxFile { outbox_version: OUTBOX_VERSION, limits: self.limits };
        let header = serde_json::to_string_pretty(&header).expect("numbers have a JSON form") + "\n";
        let page = page::page(self.messages());
        let files: [(&str, &[u8]); 4] = [
            (MESSAGES_FILE, &messages),
            (OUTBOX_FILE, header.as_bytes()),
            (DRAFTS_FILE, page.as_bytes()),
            (NOT_DRAFTED_FILE, not_drafted),
        ];
        if self.turn.is_some() {
            for (name, content) in files {
                staycast_files::write(&self.path.join(name), content)?;
            }
            return Ok(());
        }
        let draft = FolderDraft::begin(&self.path)?;
        for (name, content) in files.into_iter().chain([(LOG_FILE, &b""[..])]) {
            let path = self.path.join(name);
            draft.create(name)?.write_all(content).map_err(|error| MessageError::file(&path, error.to_string()))?;
        }
        draft.publish(IfExists::Refuse)?;
        self.turn = Some(FileTurn::wait(&self.path.join(LOG_FILE))?);
        Ok(())
    }

    /// Writes the page to read.
    fn write_page(&self) -> Result<(), MessageError> {
        Ok(staycast_files::write(&self.path.join(DRAFTS_FILE), page::page(self.messages()))?)
    }

    /// Writes the page to read, and what was delivered, as experiments record it.
    pub(super) fn write_results(&self) -> Result<(), MessageError> {
        self.write_page()?;
        let path = self.path.join(DELIVERIES_FILE);
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut write = || {
            writer.write_record(["course_id", "enrolment_id", "when", "what"])?;
            for message in &self.messages {
                let sent_at = self.sendings.get(&message.id).and_then(|sending| sending.sent_at);
                if let Some(sent_at) = sent_at {
                    let when = instant_text(sent_at);
                    writer.write_record([&message.course_id, &message.enrolment_id, &when, &message.action])?;
                }
            }
            writer.flush()
        };
        write().map_err(|error| MessageError::file(&path, error.to_string()))?;
        let csv = writer.into_inner().map_err(|error| MessageError::file(&path, error.to_string()))?;
        Ok(staycast_files::write(&path, csv)?)
    }

    /// Writes a line into the log, and waits until it is on the disk.
    ///
    /// It is appended and not replaced as other files are: a log of a thousand messages would be written two thousand times.
    pub(super) fn log(&mut self, line: &LogLine) -> Result<(), MessageError> {
        let path = self.path.join(LOG_FILE);
        let mut text = serde_json::to_vec(line).expect("texts have a JSON form");
        text.push(b'\n');
        let write = || {
            let mut file = File::options().append(true).open(&path)?;
            file.write_all(&text)?;
            file.sync_all()
        };
        write().map_err(|error| MessageError::file(&path, format!("cannot write: {error}")))?;
        self.note(line);
        Ok(())
    }

    fn note(&mut self, line: &LogLine) {
        let sending = self.sendings.entry(line.id.clone()).or_default();
        let at = instant(&line.at);
        if sending.target != line.target {
            (sending.target, sending.begun_at) = (line.target.clone(), None);
        }
        sending.begun_at = sending.begun_at.or(at);
        sending.last = Some(line.event);
        if line.event == LogEvent::Sent {
            sending.sent_at = sending.sent_at.or(at);
        }
    }
}

/// Reads JSON lines; where there is no file, none.
fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, MessageError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(MessageError::read(path, source)),
    };
    parse_lines(path, &text)
}

fn parse_lines<T: DeserializeOwned>(path: &Path, text: &[u8]) -> Result<Vec<T>, MessageError> {
    let lines = text.split(|&byte| byte == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty());
    let line = |(number, line): (usize, &[u8])| {
        let wrong = |_| MessageError::file(path, format!("line {}: is none of an outbox of this version", number + 1));
        serde_json::from_slice(line).map_err(wrong)
    };
    lines.map(line).collect()
}

/// Reads the log, and checks its times. What a process began to write when it was killed is taken off its end: a line counts
/// once it ends.
fn read_log(path: &Path) -> Result<Vec<LogLine>, MessageError> {
    let text = fs::read(path).map_err(|source| MessageError::read(path, source))?;
    let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    if whole < text.len() {
        let cut = File::options().write(true).open(path).and_then(|file| file.set_len(whole as u64));
        cut.map_err(|source| MessageError::read(path, source))?;
    }
    let lines: Vec<LogLine> = parse_lines(path, &text[..whole])?;
    match lines.iter().position(|line| instant(&line.at).is_none()) {
        Some(place) => Err(MessageError::file(path, format!("line {}: `at` is no time", place + 1))),
        None => Ok(lines),
    }
}
