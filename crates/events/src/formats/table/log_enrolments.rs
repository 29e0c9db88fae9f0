//! Who is enrolled, inferred from the log where no table says it: the distinct ids of its rows. Holds an entry for each
//! enrolment, whatever the length of the log.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;

use super::checked_mapping::{CheckedMapping, Naming, RowEvent};
use super::files::LogFile;
use super::log;
use super::mapped_row::{MappedRow, Role, RowSink};
use crate::error::ReadError;
use crate::event_file::ReadPurpose;
use crate::intake::Intake;
use crate::row_limits::RowLimits;

/// Holds an enrolment as rows of the log name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct NamedEnrolment {
    /// The enrolment's id, where rows name it.
    pub(super) enrolment: Option<String>,
    pub(super) learner: Option<String>,
    pub(super) course: String,
}

/// Returns the enrolments that the log's rows name.
pub(super) fn find(files: &[LogFile], mapping: &CheckedMapping) -> Result<Vec<NamedEnrolment>, ReadError> {
    let found: Arc<Mutex<FxHashMap<Box<[u8]>, NamedEnrolment>>> = Arc::default();
    for file in files {
        let names = Names {
            found: Arc::clone(&found),
            naming: mapping.naming,
            single_course: mapping.single_course.clone(),
            needs_learner: mapping.logs[file.log].template.requires(Role::Learner),
            events: mapping.logs[file.log].events.clone(),
        };
        let reading = log::open(file, mapping, names)?;
        reading.read(ReadPurpose::Events, &RowLimits::without_enrolments(), &|_, _| Ok(()), &|_| ())?;
    }
    let found = std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner));
    let mut named: Vec<NamedEnrolment> = found.into_values().collect();
    named.sort();
    if mapping.naming == Naming::Enrolment {
        let torn = named.windows(2).filter(|pair| pair[0].enrolment == pair[1].enrolment).count();
        if torn > 0 {
            let what_to_do = match mapping.is_built_in() {
                true => "are these logs of several exports? Give each by itself",
                false => {
                    "give an [enrolments] table, or leave log.columns.enrolment out so that learner and course tell \
                     enrolments apart"
                }
            };
            let what = format!("{torn} enrolment ids of the log stand with more than one learner or course");
            return Err(mapping.error(format!("{what}; {what_to_do}")));
        }
    }
    Ok(named)
}

struct Names {
    found: Arc<Mutex<FxHashMap<Box<[u8]>, NamedEnrolment>>>,
    naming: Naming,
    single_course: Option<String>,
    /// Whether every file has a column of learners: a row without a learner then names nobody.
    needs_learner: bool,
    events: Vec<RowEvent>,
}

/// Holds the enrolments that one block names, and the key of the row before.
#[derive(Default)]
pub(super) struct Found {
    named: FxHashMap<Box<[u8]>, NamedEnrolment>,
    key: Vec<u8>,
    before: Vec<u8>,
}

impl RowSink for Names {
    type Block = Found;

    fn begin(&self) -> Found {
        Found::default()
    }

    fn take(&self, block: &mut Found, row: &MappedRow<'_>, _: u64, _: &mut Intake<'_>) {
        let course = self.single_course.as_ref().map_or(row.get(Role::Course), |id| id.as_bytes());
        let (enrolment, learner) = match self.naming {
            Naming::Enrolment => (row.get(Role::Enrolment), row.get(Role::Learner)),
            Naming::LearnerAndCourse => (&b""[..], row.get(Role::Learner)),
        };
        // A row that lacks an id is counted when events are read.
        if course.is_empty() || (enrolment.is_empty() && learner.is_empty()) {
            return;
        }
        if self.naming == Naming::Enrolment && (enrolment.is_empty() || (self.needs_learner && learner.is_empty())) {
            return;
        }
        // Fields hold no zero bytes in text that was taken for text; lengths keep the parts apart all the same.
        block.key.clear();
        block.key.extend_from_slice(&(course.len() as u32).to_le_bytes());
        block.key.extend_from_slice(course);
        block.key.extend_from_slice(&(enrolment.len() as u32).to_le_bytes());
        block.key.extend_from_slice(enrolment);
        block.key.extend_from_slice(learner);
        if block.key == block.before {
            return;
        }
        // A row whose time can't be read is rejected, and makes nobody a learner.
        if self.events.iter().zip(row.times).any(|(event, field)| event.is_unreadable(field)) {
            return;
        }
        block.before.clone_from(&block.key);
        if !block.named.contains_key(block.key.as_slice()) {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let given = |bytes: &[u8]| (!bytes.is_empty()).then(|| text(bytes));
            let named = NamedEnrolment { enrolment: given(enrolment), learner: given(learner), course: text(course) };
            block.named.insert(block.key.as_slice().into(), named);
        }
    }

    fn end(&self, block: Found, _: usize) {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).extend(block.named);
    }
}
