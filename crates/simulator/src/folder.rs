//! Simulating into a folder that appears whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use staycast_files::{FolderDraft, IfExists};

use crate::checked::Simulation;
use crate::config::SimulatorConfig;
use crate::counts::SimulationCounts;
use crate::error::SimulateError;
use crate::format::SimulatedFormat;
use crate::formats::edx::{self, Edx, EnrolmentTable, EventOrder};
use crate::formats::kdd2015::{self, HEADERS, Kdd2015};
use crate::formats::layout::{LOG, Layout};
use crate::formats::oulad::{self, Oulad};
use crate::messages::{EFFECTS_FILE, EFFECTS_HEADER, MessageCounts, Messages};
use crate::place::{CONFIG_FILE, RECORD_FILE, check_place};
use crate::progress::Progress;
use crate::ranking::WeekRanking;
use crate::record::SimulationRecord;
use crate::run::{RunOutcome, write_tables};
use crate::size;

/// Chooses how a simulation is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SimulationOptions {
    /// Log format.
    pub format: SimulatedFormat,
    /// Approximate bytes of the log; `activity.scale` is set to reach them.
    pub log_bytes: Option<u64>,
    /// Treatment of a folder that holds a simulation already; one that holds anything else is refused in any case.
    pub if_exists: IfExists,
}

/// Describes the folder that [`simulate`] wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedFolder {
    /// Number of learners.
    pub learners: u64,
    /// Number of enrolments.
    pub enrolments: u64,
    /// Number of events; in KDD Cup 2015's layout, of rows of the log.
    pub events: u64,
    /// Bytes of all tables.
    pub bytes: u64,
    /// Share of enrolments that end in dropout, 0 to 1.
    pub dropout_rate: f64,
    /// Paths of the files.
    pub files: Vec<PathBuf>,
    /// Content of `simulation.json`.
    pub record: SimulationRecord,
}

/// Simulates into `folder`, which must not exist or must be empty, with the default [`SimulationOptions`].
///
/// # Errors
/// Those of [`simulate`].
pub fn simulate_to_folder(
    config: &SimulatorConfig,
    folder: &Path,
    progress: &dyn Fn(Progress),
) -> Result<SimulatedFolder, SimulateError> {
    simulate(config, &SimulationOptions::default(), folder, progress)
}

/// Simulates into `folder`, with labels, true probabilities and the complete configuration beside the log.
///
/// Everything is written to a draft beside it, synced and renamed at the end. A killed process leaves that draft, which the
/// next simulation into the same place removes. Calls `progress` on the caller's thread. Work is spread over the current rayon pool; the
/// bytes do not depend on its size.
///
/// Held in memory: see [`Simulation::write`]; for edX also 64 MiB of packed events, one day of them, and 16 bytes per
/// enrolment.
///
/// # Errors
/// [`SimulateError`]: a wrong configuration, a size that the learners cannot reach, a folder in use, a failing disk. `folder`
/// then stays as it was.
pub fn simulate(
    config: &SimulatorConfig,
    options: &SimulationOptions,
    folder: &Path,
    progress: &dyn Fn(Progress),
) -> Result<SimulatedFolder, SimulateError> {
    simulate_with_messages(config, options, Messages::default(), folder, progress)
}

/// Simulates as [`simulate`] does, with messages to learners. What each message does, or would do, is written beside, in
/// [`EFFECTS_FILE`]. Learners without a message are the same to the byte as without any.
///
/// # Errors
/// Those of [`simulate`], and when a message is for an enrolment that is not simulated, or there is no week after it.
pub fn simulate_with_messages(
    config: &SimulatorConfig,
    options: &SimulationOptions,
    messages: Messages,
    folder: &Path,
    progress: &dyn Fn(Progress),
) -> Result<SimulatedFolder, SimulateError> {
    let mut simulation = config.clone().validate()?;
    simulation.messages = messages;
    let own = check_place(folder, options.if_exists)?;
    let draft = FolderDraft::begin(folder)?;
    let writer = FolderWriter { draft: &draft, progress, asked: options.log_bytes };
    let written = match options.format {
        SimulatedFormat::Kdd2015 => writer.write_kdd2015(&mut simulation),
        SimulatedFormat::Edx => writer.write_edx(&mut simulation),
        SimulatedFormat::Oulad => writer.write_oulad(&mut simulation),
    }?;
    let WrittenTables { mut counts, rankings, mut names, effects, messages } = written;
    let due = simulation.messages.len();
    if messages.rows < due {
        return Err(SimulateError::UnknownEnrolments { unknown: due - messages.rows, messages: due });
    }
    if due > 0 {
        let table = [EFFECTS_HEADER.as_bytes(), &effects].concat();
        write(&draft, EFFECTS_FILE, &table)?;
        counts.bytes += table.len() as u64;
        names.push(EFFECTS_FILE.to_owned());
    }
    names.extend([RECORD_FILE, CONFIG_FILE].map(str::to_owned));
    let (config, format) = (&simulation.config, options.format);
    let record = SimulationRecord::new(config, format, options.log_bytes, &counts, &rankings, &messages, &names);
    write(&draft, RECORD_FILE, record.to_json().as_bytes())?;
    write(&draft, CONFIG_FILE, simulation.to_toml().as_bytes())?;
    match own {
        Some(own) => draft.publish_over(&own)?,
        None => draft.publish(IfExists::Refuse)?,
    }
    Ok(SimulatedFolder {
        learners: counts.learners,
        enrolments: counts.enrolments,
        events: counts.events,
        bytes: counts.bytes,
        dropout_rate: record.dropout_rate,
        files: names.iter().map(|name| folder.join(name)).collect(),
        record,
    })
}

/// Holds the counts and names of the files that a format wrote.
struct WrittenTables {
    counts: SimulationCounts,
    rankings: Vec<WeekRanking>,
    /// Names of the files.
    names: Vec<String>,
    /// Rows of the table of effects.
    effects: Vec<u8>,
    messages: MessageCounts,
}

/// Writes the files of a format to a folder.
struct FolderWriter<'a> {
    draft: &'a FolderDraft,
    progress: &'a dyn Fn(Progress),
    /// Requested bytes of the log.
    asked: Option<u64>,
}

impl FolderWriter<'_> {
    /// Sets the scale for the requested size, if there is one. `head` is the header of the log.
    fn set_scale<const TABLES: usize, L: Layout<TABLES>>(
        &self,
        simulation: &mut Simulation,
        layout: &L,
        head: &str,
    ) -> Result<(), SimulateError> {
        match self.asked {
            Some(asked) => size::set_scale(simulation, layout, asked, head.len() as u64, self.progress),
            None => Ok(()),
        }
    }

    fn create(&self, name: &str) -> Result<BufWriter<File>, SimulateError> {
        Ok(BufWriter::with_capacity(1 << 17, self.draft.create(name)?))
    }

    fn write_kdd2015(&self, simulation: &mut Simulation) -> Result<WrittenTables, SimulateError> {
        let layout = Kdd2015::new(simulation);
        self.set_scale(simulation, &layout, HEADERS.log)?;
        let headers = HEADERS.into_array().map(str::as_bytes);
        let mut heads = kdd2015::course_tables(simulation).into_array();
        for (head, header) in heads.iter_mut().zip(headers) {
            head.splice(0..0, header.iter().copied());
        }
        self.write(simulation, &layout, heads.each_ref().map(Vec::as_slice))
    }

    fn write_oulad(&self, simulation: &mut Simulation) -> Result<WrittenTables, SimulateError> {
        let layout = Oulad::new(simulation);
        self.set_scale(simulation, &layout, oulad::HEADERS[LOG])?;
        let courses = layout.course_tables(simulation);
        for (name, table) in oulad::COURSE_TABLES.iter().zip(&courses) {
            write(self.draft, name, table)?;
        }
        let mut written = self.write(simulation, &layout, oulad::HEADERS.map(str::as_bytes))?;
        written.names.splice(0..0, oulad::COURSE_TABLES.map(str::to_owned));
        written.counts.bytes += courses.iter().map(|table| table.len() as u64).sum::<u64>();
        Ok(written)
    }

    /// Writes a layout whose tables are all files. `heads` are the bytes before the enrolments.
    fn write<const TABLES: usize, L: Layout<TABLES>>(
        &self,
        simulation: &Simulation,
        layout: &L,
        heads: [&[u8]; TABLES],
    ) -> Result<WrittenTables, SimulateError> {
        let names = L::TABLE_NAMES;
        let mut files: Vec<BufWriter<File>> = names.iter().map(|name| self.create(name)).collect::<Result<_, _>>()?;
        let head_bytes = write_tables(&names, &mut files, heads)?;
        let RunOutcome { mut counts, rankings, effects, messages } =
            simulation.run(layout, &mut files, head_bytes, self.progress)?;
        counts.log_bytes += heads[LOG].len() as u64;
        Ok(WrittenTables { counts, rankings, names: names.map(str::to_owned).into(), effects, messages })
    }

    fn write_edx(&self, simulation: &mut Simulation) -> Result<WrittenTables, SimulateError> {
        let layout = Edx::new(simulation)?;
        self.set_scale(simulation, &layout, "")?;
        let simulation = &*simulation;
        let calendar = layout.calendar(simulation);
        write(self.draft, edx::COURSES_FILE, &calendar)?;
        let [(labels_name, labels_header), (probabilities_name, probabilities_header)] = edx::LABEL_TABLES;
        let (mut labels, mut probabilities) = (self.create(labels_name)?, self.create(probabilities_name)?);
        let mut order = EventOrder::new(self.draft.path());
        let mut enrolments = Vec::new();
        let mut writers: [&mut (dyn Write + Send); 4] = [&mut order, &mut enrolments, &mut labels, &mut probabilities];
        let heads = [b"".as_slice(), b"", labels_header.as_bytes(), probabilities_header.as_bytes()];
        let head_bytes = write_tables(&Edx::TABLE_NAMES, &mut writers, heads)?;
        let bytes = head_bytes + calendar.len() as u64;
        let RunOutcome { mut counts, rankings, effects, messages } =
            simulation.run(&layout, &mut writers, bytes, self.progress)?;
        // Packed events and enrolments are not files.
        counts.bytes -= counts.log_bytes + enrolments.len() as u64;
        let simulated = Progress {
            learners: counts.learners,
            learners_total: counts.learners,
            bytes: counts.bytes,
            ..Progress::default()
        };
        let create = |name: &str| Ok(self.draft.create(name)?);
        let enrolments = EnrolmentTable::from_bytes(&enrolments);
        let logs = edx::write_logs(&layout, simulation, order, &enrolments, &create, simulated, self.progress)?;
        counts.log_bytes = logs.bytes;
        counts.bytes += logs.bytes;
        let mut names = logs.files;
        names.extend([edx::COURSES_FILE, labels_name, probabilities_name].map(str::to_owned));
        Ok(WrittenTables { counts, rankings, names, effects, messages })
    }
}

/// Writes a small file, whole.
fn write(draft: &FolderDraft, name: &str, bytes: &[u8]) -> Result<(), SimulateError> {
    let failed = |source| SimulateError::Write { table: name.to_owned(), source };
    draft.create(name)?.write_all(bytes).map_err(failed)
}
