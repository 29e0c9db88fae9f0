//! Enrolments that nobody knows of yet at the instant at which a log is said to be taken.

use rustc_hash::FxHashSet;

/// Names the enrolments that are known only by what comes after the instant of the log: a table dates them later, or all
/// events of somebody whom the log alone names are later. They are in no roster. Their rows are set aside, and reject nothing.
#[derive(Clone, Debug, Default)]
pub struct NotYetKnown {
    ids: FxHashSet<Box<str>>,
    pairs: FxHashSet<Box<[u8]>>,
}

impl NotYetKnown {
    /// Adds an enrolment of this id, of a learner in a course.
    pub(crate) fn add(&mut self, id: &str, (course, learner): (&str, &str)) {
        self.ids.insert(id.into());
        self.pairs.insert(pair(course.as_bytes(), learner.as_bytes()));
    }

    /// Adds those of an institution, whose ids begin with its name.
    pub(crate) fn append(&mut self, others: &Self, name: &str) {
        self.ids.extend(others.ids.iter().map(|id| format!("{name}:{id}").into()));
    }

    /// Tells whether the enrolment `id` is among them.
    pub(crate) fn has(&self, id: &[u8]) -> bool {
        !self.ids.is_empty() && std::str::from_utf8(id).is_ok_and(|id| self.ids.contains(id))
    }

    /// Tells whether one of `learner` in `course` is among them.
    pub(crate) fn has_pair(&self, course: &[u8], learner: &[u8]) -> bool {
        !self.pairs.is_empty() && self.pairs.contains(&*pair(course, learner))
    }

    /// Returns the number of enrolments.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Tells whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// Makes one key of a course and a learner.
fn pair(course: &[u8], learner: &[u8]) -> Box<[u8]> {
    [&(course.len() as u64).to_le_bytes(), course, learner].concat().into()
}

/// Describes rows about an enrolment that is not known yet.
pub(crate) const NOT_YET_KNOWN: &str = "its enrolment is not known yet at the instant of the log";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enrolment_is_found_by_its_id_or_by_its_learner_and_course() {
        let mut known = NotYetKnown::default();
        assert!(!known.has(b"") && !known.has_pair(b"", b""));
        known.add("7", ("C", "ann"));
        assert!(known.has(b"7") && known.has_pair(b"C", b"ann"));
        assert!(!known.has(b"ann") && !known.has_pair(b"Ca", b"nn"));
        let mut all = NotYetKnown::default();
        all.append(&known, "north");
        assert!(all.has(b"north:7") && !all.has(b"7"));
        assert_eq!(all.len(), 1);
    }
}
