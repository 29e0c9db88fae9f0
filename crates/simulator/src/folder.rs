//! A simulation into a folder that appears whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::config::SimulatorConfig;
use crate::counts::Counts;
use crate::draft::Draft;
use crate::error::SimulateError;
use crate::formats::edx::{self, Edx, Order, Roll};
use crate::formats::kdd2015::{self, FILE_NAMES, HEADERS, Kdd2015};
use crate::formats::oulad::{self, Oulad};
use crate::formats::{Format, Layout};
use crate::ranking::Reachable;
use crate::record::Record;
use crate::run::{Progress, Ran, write_tables};
use crate::{Simulation, size};

/// The file that keeps the complete configuration beside the data.
const CONFIG_FILE: &str = "simulator.toml";
/// The file that says what was made, and how well it can be forecast.
pub const RECORD_FILE: &str = "simulation.json";

/// What to do about a folder that is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IfExists {
    /// Refuse, unless it is empty.
    #[default]
    Refuse,
    /// Replace it if it holds a simulation.
    Replace,
}

/// What to make of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Request {
    /// How to write it.
    pub format: Format,
    /// About how many bytes the log is to have; sets `activity.scale`.
    pub log_bytes: Option<u64>,
    /// What to do about a folder of that name.
    pub if_exists: IfExists,
}

/// What [`simulate`] made.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulated {
    /// People.
    pub learners: u64,
    /// Enrolments; what a forecast is made for.
    pub enrolments: u64,
    /// Things done; in KDD Cup 2015's layout, rows of the log.
    pub events: u64,
    /// Bytes of all tables.
    pub bytes: u64,
    /// Share of enrolments that end in dropout, 0 to 1.
    pub dropout_rate: f64,
    /// The files, by path.
    pub files: Vec<PathBuf>,
    /// What `simulation.json` says.
    pub record: Record,
}

/// Simulates into `folder`, which must not exist or be empty, in KDD Cup 2015's layout: [`simulate`] with what a [`Request`]
/// is by default.
///
/// # Errors
/// As [`simulate`].
pub fn simulate_to_folder(
    config: &SimulatorConfig,
    folder: &Path,
    progress: &dyn Fn(Progress),
) -> Result<Simulated, SimulateError> {
    simulate(config, &Request::default(), folder, progress)
}

/// Simulates into `folder`, with the truth and the complete configuration beside the log.
///
/// Everything is written to a temporary folder beside it, synced and renamed at the end; a killed process leaves that
/// folder, `.simulating-…`, and nothing else. `progress` is called on the
/// caller's thread. Work is spread over the current rayon pool; the bytes don't depend on it.
///
/// Held in memory: see [`Simulation::write`]; for edX 64 MiB of packed events, a day of them, and 16 bytes an enrolment.
///
/// # Errors
/// [`SimulateError`]: a bad configuration, a size that the learners can't make, a folder in use, a failing disk. Nothing is
/// left under `folder` then, or what was there.
pub fn simulate(
    config: &SimulatorConfig,
    request: &Request,
    folder: &Path,
    progress: &dyn Fn(Progress),
) -> Result<Simulated, SimulateError> {
    let mut simulation = config.clone().validate()?;
    let draft = Draft::begin(folder, request.if_exists)?;
    let sheet = Sheet { draft: &draft, progress, asked: request.log_bytes };
    let made = match request.format {
        Format::Kdd2015 => sheet.kdd2015(&mut simulation),
        Format::Edx => sheet.edx(&mut simulation),
        Format::Oulad => sheet.oulad(&mut simulation),
    }?;
    let Made { counts, reachable, mut names } = made;
    let record = Record::new(&simulation.config, request.format, request.log_bytes, &counts, &reachable);
    draft.write(RECORD_FILE, record.to_json().as_bytes())?;
    draft.write(CONFIG_FILE, simulation.config.to_toml().as_bytes())?;
    draft.publish()?;
    names.extend([RECORD_FILE, CONFIG_FILE].map(str::to_owned));
    Ok(Simulated {
        learners: counts.learners,
        enrolments: counts.enrolments,
        events: counts.events,
        bytes: counts.bytes,
        dropout_rate: record.dropout_rate,
        files: names.iter().map(|name| folder.join(name)).collect(),
        record,
    })
}

/// Files of a format, written.
struct Made {
    counts: Counts,
    reachable: Vec<Reachable>,
    /// Of the files.
    names: Vec<String>,
}

/// Where and how the files of a format are written.
struct Sheet<'a> {
    draft: &'a Draft,
    progress: &'a dyn Fn(Progress),
    /// Bytes that the log is to have.
    asked: Option<u64>,
}

impl Sheet<'_> {
    fn fit<L: Layout>(&self, simulation: &mut Simulation, layout: &L, head: &[u8]) -> Result<(), SimulateError> {
        match self.asked {
            Some(asked) => size::fit(simulation, layout, asked, head.len() as u64, self.progress),
            None => Ok(()),
        }
    }

    fn create(&self, names: &[&str]) -> Result<Vec<BufWriter<File>>, SimulateError> {
        names.iter().map(|name| Ok(BufWriter::with_capacity(1 << 17, self.draft.create(name)?))).collect()
    }

    fn kdd2015(&self, simulation: &mut Simulation) -> Result<Made, SimulateError> {
        let layout = Kdd2015::new(simulation);
        let heads = HEADERS.into_array().map(str::as_bytes);
        self.fit(simulation, &layout, heads[layout.log()])?;
        let courses = kdd2015::course_tables(simulation).into_array();
        let heads: Vec<Vec<u8>> = heads.iter().zip(courses).map(|(head, table)| [*head, &table].concat()).collect();
        let heads: Vec<&[u8]> = heads.iter().map(Vec::as_slice).collect();
        self.write(simulation, &layout, &heads, FILE_NAMES.into_array().map(str::to_owned).into())
    }

    fn oulad(&self, simulation: &mut Simulation) -> Result<Made, SimulateError> {
        let layout = Oulad::new(simulation);
        let heads = oulad::heads();
        self.fit(simulation, &layout, heads[layout.log()])?;
        let courses = layout.course_tables(simulation);
        for (name, table) in oulad::COURSE_TABLES.iter().zip(&courses) {
            self.draft.write(name, table)?;
        }
        let names = oulad::COURSE_TABLES.iter().chain(layout.tables()).map(|&name| name.to_owned()).collect();
        let mut made = self.write(simulation, &layout, &heads, names)?;
        made.counts.bytes += courses.iter().map(|table| table.len() as u64).sum::<u64>();
        Ok(made)
    }

    /// Writes the tables of a layout whose tables are all files.
    fn write<L: Layout>(
        &self,
        simulation: &Simulation,
        layout: &L,
        heads: &[&[u8]],
        names: Vec<String>,
    ) -> Result<Made, SimulateError> {
        let mut files = self.create(layout.tables())?;
        let head_bytes = write_tables(layout.tables(), &mut files, heads.iter().copied())?;
        let Ran { mut counts, reachable } = simulation.run(layout, &mut files, head_bytes, self.progress)?;
        counts.log_bytes += heads[layout.log()].len() as u64;
        sync(layout.tables(), &files)?;
        Ok(Made { counts, reachable, names })
    }

    fn edx(&self, simulation: &mut Simulation) -> Result<Made, SimulateError> {
        let layout = Edx::new(simulation)?;
        self.fit(simulation, &layout, b"")?;
        let simulation = &*simulation;
        let calendar = layout.calendar(simulation);
        self.draft.write(edx::COURSES_FILE, &calendar)?;
        let mut order = Order::new(self.draft.path());
        let mut roll = Vec::new();
        let heads = edx::heads();
        let names = &layout.tables()[2..];
        let mut files = self.create(names)?;
        let head_bytes = write_tables(names, &mut files, heads[2..].iter().copied())?;
        let [labels, probabilities] = files.as_mut_slice() else {
            unreachable!("as many files as names");
        };
        let mut writers = edx::writers(&mut order, &mut roll, [labels, probabilities]);
        let bytes = head_bytes + calendar.len() as u64;
        let Ran { mut counts, reachable } = simulation.run(&layout, &mut writers, bytes, self.progress)?;
        sync(names, &files)?;
        // Packed events and the roll are no files.
        counts.bytes -= counts.log_bytes + roll.len() as u64;
        let told = Progress {
            learners: counts.learners,
            learners_total: counts.learners,
            bytes: counts.bytes,
            ..Progress::default()
        };
        let create = |name: &str| self.draft.create(name);
        let logs = layout.write_logs(simulation, order, &Roll::new(roll), &create, told, self.progress)?;
        counts.log_bytes = logs.bytes;
        counts.bytes += logs.bytes;
        let mut names = logs.files;
        names.extend([edx::COURSES_FILE, layout.tables()[2], layout.tables()[3]].map(str::to_owned));
        Ok(Made { counts, reachable, names })
    }
}

/// Makes files last that have been flushed.
fn sync(names: &[&str], files: &[BufWriter<File>]) -> Result<(), SimulateError> {
    for (name, file) in names.iter().zip(files) {
        file.get_ref().sync_all().map_err(|source| SimulateError::Write { table: (*name).to_owned(), source })?;
    }
    Ok(())
}

/// Whether a folder holds a simulation.
pub(crate) fn holds_a_simulation(folder: &Path) -> bool {
    folder.join(CONFIG_FILE).is_file() && (folder.join(RECORD_FILE).is_file() || folder.join(FILE_NAMES.log).is_file())
}

/// Whether nothing is there, or an empty folder.
pub(crate) fn is_free(folder: &Path) -> io::Result<bool> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

impl Draft {
    /// Writes a small file, whole.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), SimulateError> {
        let failed = |source| SimulateError::Write { table: name.to_owned(), source };
        let mut file = self.create(name)?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)
    }
}
