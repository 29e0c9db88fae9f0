//! The folder of an experiment: its files, and one turn at them at a time.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use staycast_files::{FileTurn, FolderDraft, IfExists};

use super::assignment::{Assignment, AssignmentCounts, assign, check};
use super::deliveries::{Delivery, DeliveryCounts, record};
use super::error::ExperimentError;
use super::looks::Look;
use super::plan::{PLAN_FILE, Plan};
use super::scores::ScoredEnrolment;
use super::table::{numbers, read_sealed, sealed_parquet, texts, whole};

/// Names the file of the assignments.
pub const ASSIGNMENTS_FILE: &str = "assignments.parquet";
/// Names the same for spreadsheets and mailing programs; it is written and never read.
pub const ASSIGNMENTS_CSV: &str = "assignments.csv";
/// Names the file of the deliveries.
pub const DELIVERIES_FILE: &str = "deliveries.parquet";
/// Names the file of the looks.
pub const LOOKS_FILE: &str = "looks.jsonl";

const ASSIGNMENT_COLUMNS: [&str; 8] =
    ["course_id", "enrolment_id", "learner_id", "week", "p_dropout", "stratum", "position", "arm"];
const DELIVERY_COLUMNS: [&str; 4] = ["course_id", "enrolment_id", "delivered_at", "what"];

/// Holds the folder of one experiment. Everything in it is checked when it is read.
#[derive(Debug)]
pub struct Experiment {
    path: PathBuf,
    plan: Plan,
}

impl Experiment {
    /// Begins an experiment: makes the folder with the plan. There must be nothing in its place, or an empty folder.
    ///
    /// # Errors
    /// When something is there, or the system refuses.
    pub fn begin(path: &Path, plan: Plan) -> Result<Self, ExperimentError> {
        let draft = FolderDraft::begin(path)?;
        let mut file = draft.create(PLAN_FILE)?;
        let written = file.write_all(plan.to_toml().as_bytes());
        written.map_err(|source| ExperimentError::File { path: path.join(PLAN_FILE), what: source.to_string() })?;
        draft.publish(IfExists::Refuse)?;
        Ok(Self { path: path.to_owned(), plan })
    }

    /// Opens the folder of an experiment.
    ///
    /// # Errors
    /// When it has no plan, or one that makes no sense.
    pub fn open(path: &Path) -> Result<Self, ExperimentError> {
        let file = path.join(PLAN_FILE);
        let text = fs::read_to_string(&file).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ExperimentError::NotAnExperiment(path.to_owned()),
            _ => ExperimentError::Read { path: file.clone(), source },
        })?;
        let plan = Plan::from_toml(&text).map_err(|source| ExperimentError::Plan { path: file, source })?;
        Ok(Self { path: path.to_owned(), plan })
    }

    /// Returns the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the plan.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Waits until no other process changes the experiment.
    pub(super) fn turn(&self) -> Result<FileTurn, ExperimentError> {
        Ok(FileTurn::wait(&self.path.join(PLAN_FILE))?)
    }

    /// Reads who is in which arm, by course and enrolment.
    ///
    /// # Errors
    /// When the file can't be read, or is not what the plan draws.
    pub fn assignments(&self) -> Result<Vec<Assignment>, ExperimentError> {
        let path = self.path.join(ASSIGNMENTS_FILE);
        if !path.exists() {
            return Ok(Vec::new());
        }
        let table = read_sealed(&path, &ASSIGNMENT_COLUMNS)?;
        let row = |(number, cells): (usize, &Vec<Option<String>>)| {
            let text = |column: usize| cells[column].clone().unwrap_or_default();
            let wrong = |column: usize| {
                let what = format!("row {}: column `{}` can't be", number + 1, ASSIGNMENT_COLUMNS[column]);
                ExperimentError::file(&path, what)
            };
            Ok(Assignment {
                course_id: text(0),
                enrolment_id: text(1),
                learner_id: text(2),
                week: text(3).parse().map_err(|_| wrong(3))?,
                p_dropout: text(4).parse().map_err(|_| wrong(4))?,
                stratum: text(5),
                position: text(6).parse().map_err(|_| wrong(6))?,
                arm: text(7),
            })
        };
        let rows: Vec<Assignment> = table.rows.iter().enumerate().map(row).collect::<Result<_, ExperimentError>>()?;
        check(&self.plan, &rows).map_err(|what| ExperimentError::file(path, what))?;
        Ok(rows)
    }

    /// Assigns newcomers; who has an arm keeps it. A second call with the same scores changes nothing.
    ///
    /// # Errors
    /// When a file can't be read or written, or the assignments so far are not what the plan draws.
    pub fn assign(&self, scores: &[ScoredEnrolment]) -> Result<(Vec<Assignment>, AssignmentCounts), ExperimentError> {
        let _turn = self.turn()?;
        let (rows, counts) = assign(&self.plan, self.assignments()?, scores);
        let table = self.path.join(ASSIGNMENTS_FILE);
        if counts.assigned > 0 || !table.exists() {
            staycast_files::write(&table, assignments_parquet(&rows))?;
        }
        // A kill between the two leaves an old CSV, which the next call replaces.
        let path = self.path.join(ASSIGNMENTS_CSV);
        let csv = assignments_csv(&rows)
            .map_err(|source| ExperimentError::File { path: path.clone(), what: source.to_string() })?;
        if fs::read(&path).ok().as_ref() != Some(&csv) {
            staycast_files::write(&path, csv)?;
        }
        Ok((rows, counts))
    }

    /// Reads what was delivered, by course, enrolment and time.
    ///
    /// # Errors
    /// When the file can't be read, or makes no sense.
    pub fn deliveries(&self) -> Result<Vec<Delivery>, ExperimentError> {
        let path = self.path.join(DELIVERIES_FILE);
        if !path.exists() {
            return Ok(Vec::new());
        }
        let table = read_sealed(&path, &DELIVERY_COLUMNS)?;
        let row = |(number, cells): (usize, &Vec<Option<String>>)| {
            let text = |column: usize| cells[column].clone().unwrap_or_default();
            let wrong = |_| ExperimentError::file(&path, format!("row {}: `delivered_at` is no time", number + 1));
            Ok(Delivery {
                course_id: text(0),
                enrolment_id: text(1),
                delivered_at: text(2).parse().map_err(wrong)?,
                what: text(3),
            })
        };
        table.rows.iter().enumerate().map(row).collect()
    }

    /// Records deliveries from a CSV file, each once.
    ///
    /// # Errors
    /// When a file can't be read or written. A row that can't be used is counted and loses nothing else.
    pub fn record(&self, csv: &Path) -> Result<DeliveryCounts, ExperimentError> {
        let _turn = self.turn()?;
        let assignments = self.assignments()?;
        let before = self.deliveries()?;
        let known = before.len();
        let (rows, counts) = record(csv, &assignments, before)?;
        if rows.len() > known {
            let columns: Vec<(&str, _)> = DELIVERY_COLUMNS
                .into_iter()
                .zip([
                    texts(rows.iter().map(|row| row.course_id.as_str())),
                    texts(rows.iter().map(|row| row.enrolment_id.as_str())),
                    // Seconds since 1970 as text would hide what they are; Parquet keeps them as numbers.
                    std::sync::Arc::new(arrow_array::Int64Array::from_iter_values(
                        rows.iter().map(|row| row.delivered_at),
                    )),
                    texts(rows.iter().map(|row| row.what.as_str())),
                ])
                .collect();
            staycast_files::write(&self.path.join(DELIVERIES_FILE), sealed_parquet(columns))?;
        }
        Ok(counts)
    }

    /// Reads the looks that were taken, the first one first.
    ///
    /// # Errors
    /// When the file can't be read, or a line is no look.
    pub fn looks(&self) -> Result<Vec<Look>, ExperimentError> {
        let path = self.path.join(LOOKS_FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(ExperimentError::Read { path, source }),
        };
        let look = |(number, line): (usize, &str)| {
            let wrong = || ExperimentError::file(&path, format!("line {}: no look of this experiment", number + 1));
            let look: Look = serde_json::from_str(line).map_err(|_| wrong())?;
            if look.is_sound(number) { Ok(look) } else { Err(wrong()) }
        };
        let looks: Vec<Look> = text.lines().enumerate().map(look).collect::<Result<_, _>>()?;
        let rises = |pair: &[Look]| pair[0].outcomes < pair[1].outcomes && pair[0].information < pair[1].information;
        if !looks.windows(2).all(rises) {
            return Err(ExperimentError::file(path, "the information does not rise from look to look"));
        }
        Ok(looks)
    }

    pub(super) fn write_looks(&self, looks: &[Look]) -> Result<(), ExperimentError> {
        Ok(staycast_files::write_json_lines(&self.path.join(LOOKS_FILE), looks)?)
    }
}

/// Counts the learners of each arm, in the order of the plan.
#[must_use]
pub fn learners_by_arm(plan: &Plan, rows: &[Assignment]) -> Vec<(String, u64)> {
    let mut learners: BTreeMap<&str, std::collections::BTreeSet<&str>> = BTreeMap::new();
    for row in rows {
        learners.entry(&row.arm).or_default().insert(&row.learner_id);
    }
    plan.arms()
        .map(|arm| (arm.name.clone(), learners.get(arm.name.as_str()).map_or(0, |of_arm| of_arm.len() as u64)))
        .collect()
}

fn assignments_csv(rows: &[Assignment]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if rows.is_empty() {
        writer.write_record(ASSIGNMENT_COLUMNS)?;
    }
    for row in rows {
        writer.serialize(row)?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

fn assignments_parquet(rows: &[Assignment]) -> Vec<u8> {
    sealed_parquet(
        ASSIGNMENT_COLUMNS
            .into_iter()
            .zip([
                texts(rows.iter().map(|row| row.course_id.as_str())),
                texts(rows.iter().map(|row| row.enrolment_id.as_str())),
                texts(rows.iter().map(|row| row.learner_id.as_str())),
                whole(rows.iter().map(|row| row.week.into())),
                numbers(rows.iter().map(|row| Some(row.p_dropout))),
                texts(rows.iter().map(|row| row.stratum.as_str())),
                whole(rows.iter().map(|row| row.position)),
                texts(rows.iter().map(|row| row.arm.as_str())),
            ])
            .collect(),
    )
}
