//! The two names of an enrolment, in one text.

use std::fmt;

/// Holds the ids of an enrolment and its learner. One text holds both, and where the enrolment's id ends with the
/// learner's, as `COURSE/LEARNER` does, that alone: of a million enrolments names are the most that is in memory.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// The enrolment's id, and then the learner's where that is not its end.
    text: Box<str>,
    id_length: u32,
    learner_start: u32,
}

impl Names {
    /// Makes the names of an enrolment and its learner.
    ///
    /// # Panics
    /// When they are longer than 4 GiB together.
    #[must_use]
    pub fn new(id: &str, learner: &str) -> Self {
        let length = |text: &str| u32::try_from(text.len()).expect("ids are shorter than 4 GiB");
        match id.ends_with(learner) {
            true => Self { text: id.into(), id_length: length(id), learner_start: length(id) - length(learner) },
            false => {
                let text = [id, learner].concat();
                let _ = length(&text);
                Self { text: text.into(), id_length: length(id), learner_start: length(id) }
            }
        }
    }

    /// Returns the enrolment's id.
    #[must_use]
    #[inline]
    pub fn id(&self) -> &str {
        &self.text[..self.id_length as usize]
    }

    /// Returns the learner's id.
    #[must_use]
    #[inline]
    pub fn learner(&self) -> &str {
        &self.text[self.learner_start as usize..]
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").field("id", &self.id()).field("learner", &self.learner()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_learner_whose_id_ends_the_enrolments_takes_no_room() {
        for (id, learner, room) in [("a/ann", "ann", 5), ("7", "7", 1), ("7", "ann", 4), ("ann", "a", 4), ("7", "", 1)]
        {
            let names = Names::new(id, learner);
            assert_eq!((names.id(), names.learner(), names.text.len()), (id, learner, room));
        }
    }

    proptest! {
        #[test]
        fn names_are_what_they_were_made_of(id in "[aé/]{0,4}", learner in "[aé/]{0,4}", other in "[aé/]{0,4}") {
            let names = Names::new(&id, &learner);
            prop_assert_eq!((names.id(), names.learner()), (id.as_str(), learner.as_str()));
            prop_assert_eq!(names == Names::new(&id, &other), learner == other);
            prop_assert_eq!(names == Names::new(&other, &learner), id == other);
        }
    }
}
