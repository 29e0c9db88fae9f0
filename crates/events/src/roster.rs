//! Who is enrolled in what, and when each course runs: everything a source's small tables say.
//!
//! In memory as a whole: about 200 bytes an enrolment and 16 an object, whatever the length of the log.

use rustc_hash::FxHashMap;

use crate::releases::Releases;
use crate::time::DAY_SECONDS;

/// One run of a course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// The course's id.
    pub id: String,
    /// First day, in days since 1970-01-01.
    pub start_day: i32,
    /// Length in days, first and last day included; at least 1.
    pub days: u32,
    /// Whether the dates were inferred from the events.
    pub inferred: bool,
}

impl Course {
    /// A course of more days than these, ten years, is a mistake: of a date, or of whoever meant that it never ends.
    pub const GREATEST_DAYS: u32 = 3_660;

    /// The course's first instant, in seconds since 1970-01-01T00:00:00.
    #[must_use]
    pub fn start_seconds(&self) -> i64 {
        i64::from(self.start_day) * DAY_SECONDS
    }
}

/// How an enrolment ended, as the source records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The source's own word.
    pub word: String,
    /// What it means.
    pub end: End,
}

/// What an outcome means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Completed.
    Completed,
    /// Stayed to the end and failed.
    Failed,
    /// Withdrew.
    Withdrew,
}

/// A learner in a course. Seconds are counted from the course's start and may be negative.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enrolment {
    /// The enrolment's id.
    pub id: String,
    /// The learner's id; the enrolment's again where the source does not identify learners.
    pub learner: String,
    /// Index into [`Roster::courses`].
    pub course: u32,
    /// Instant of enrolment, where the source has it.
    pub enrolled_seconds: Option<i32>,
    /// Instant of withdrawal, where the source has it.
    pub withdrawn_seconds: Option<i32>,
    /// How it ended, where the source says.
    pub outcome: Option<Outcome>,
    /// The source's own dropout label, or that of a labels file.
    pub dropout: Option<bool>,
    /// Values of [`Roster::static_columns`]; `None` where empty.
    pub statics: Vec<Option<String>>,
}

/// Something to be handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// The source's id.
    pub id: String,
    /// Index into [`Roster::courses`].
    pub course: u32,
    /// Day it is due, counted from the course's start; `None` when the source leaves it open.
    pub due_day: Option<i32>,
}

/// Something handed in.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// Index into [`Roster::enrolments`].
    pub enrolment: u32,
    /// Index into [`Roster::assessments`].
    pub assessment: u32,
    /// When, in seconds from the course's start.
    pub seconds: i32,
    /// Points, 0 to 100, where they are known.
    pub score: Option<f32>,
    /// Whether it is a result carried over from an earlier run: it counts as handed in, and as nothing else.
    pub banked: bool,
}

/// Courses, enrolments and what belongs to them.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    /// Courses, ordered bytewise by id.
    pub courses: Vec<Course>,
    /// Enrolments, ordered bytewise by course id, then enrolment id.
    pub enrolments: Vec<Enrolment>,
    /// Names of the static columns.
    pub static_columns: Vec<String>,
    /// Assessments, ordered by course and id.
    pub assessments: Vec<Assessment>,
    /// Submissions, ordered by enrolment, instant and assessment.
    pub submissions: Vec<Submission>,
    /// When objects are released.
    pub releases: Releases,
}

impl Roster {
    /// A roster of these courses and enrolments, in order; an enrolment's `course` is an index into `courses` as given.
    #[must_use]
    pub fn new(courses: Vec<Course>, mut enrolments: Vec<Enrolment>) -> Self {
        let mut ordered: Vec<(usize, Course)> = courses.into_iter().enumerate().collect();
        ordered.sort_by(|(_, a), (_, b)| a.id.cmp(&b.id));
        let mut place = vec![0_u32; ordered.len()];
        for (rank, (index, _)) in ordered.iter().enumerate() {
            place[*index] = rank as u32;
        }
        for enrolment in &mut enrolments {
            enrolment.course = place[enrolment.course as usize];
        }
        enrolments.sort_by(|a, b| (a.course, &a.id).cmp(&(b.course, &b.id)));
        let courses = ordered.into_iter().map(|(_, course)| course).collect();
        Self { courses, enrolments, ..Self::default() }
    }

    /// The course of an enrolment.
    #[must_use]
    pub fn course_of(&self, enrolment: u32) -> &Course {
        &self.courses[self.enrolments[enrolment as usize].course as usize]
    }
}

/// Finds an enrolment by its id.
#[derive(Clone, Debug)]
pub struct EnrolmentIndex {
    by_number: Vec<u32>,
    by_id: FxHashMap<Box<[u8]>, u32>,
}

const NOBODY: u32 = u32::MAX;

impl EnrolmentIndex {
    /// An index over the ids of `roster`.
    #[must_use]
    pub fn new(roster: &Roster) -> Self {
        Self::of(roster.enrolments.iter().map(|enrolment| enrolment.id.as_bytes()))
    }

    /// An index that gives each id its place among `ids`.
    pub fn of<'a>(ids: impl Iterator<Item = &'a [u8]> + Clone) -> Self {
        // Most sources number their enrolments: a plain table is then several times faster than a hash map, as long
        // as the numbers are dense enough for the table to stay small.
        let count = ids.clone().count();
        let limit = (count as u64).saturating_mul(16).max(1 << 16);
        let mut index = Self { by_number: Vec::new(), by_id: FxHashMap::default() };
        for (place, id) in ids.enumerate() {
            match number(id).filter(|&number| number < limit) {
                Some(number) => {
                    let number = number as usize;
                    if index.by_number.len() <= number {
                        index.by_number.resize(number + 1, NOBODY);
                    }
                    index.by_number[number] = place as u32;
                }
                None => {
                    index.by_id.insert(id.into(), place as u32);
                }
            }
        }
        index
    }

    /// Place of the enrolment with this id.
    #[must_use]
    pub fn get(&self, id: &[u8]) -> Option<u32> {
        let by_number = number(id).and_then(|number| self.by_number.get(usize::try_from(number).ok()?).copied());
        by_number.filter(|&place| place != NOBODY).or_else(|| self.by_id.get(id).copied())
    }
}

/// The value of an id that is a whole number written the one canonical way, so that `007` is not `7`.
fn number(id: &[u8]) -> Option<u64> {
    if id.is_empty() || id.len() > 18 || (id[0] == b'0' && id.len() > 1) {
        return None;
    }
    id.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| value * 10 + u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_are_strings_even_when_they_look_like_numbers() {
        let ids: [&[u8]; 5] = [b"7", b"007", b"x7", b"99999999999999", b"0"];
        let index = EnrolmentIndex::of(ids.into_iter());
        for (place, id) in ids.into_iter().enumerate() {
            assert_eq!(index.get(id), Some(place as u32));
        }
        for stranger in [&b"07"[..], b"", b"8", b"7 ", b"00"] {
            assert_eq!(index.get(stranger), None);
        }
    }

    proptest! {
        #[test]
        fn every_id_is_found(ids in prop::collection::hash_set("[0-9a-z]{1,6}|[0-9]{1,4}", 0..50)) {
            let ids: Vec<String> = ids.into_iter().collect();
            let index = EnrolmentIndex::of(ids.iter().map(String::as_bytes));
            for (place, id) in ids.iter().enumerate() {
                prop_assert_eq!(index.get(id.as_bytes()), Some(place as u32));
            }
        }
    }
}
