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

/// Holds the names of many enrolments in one text.
#[derive(Clone, Debug, Default)]
pub(crate) struct NameList {
    /// Of each enrolment, wherever it is: the lengths of its names, in [`DIGIT_BITS`] bits a byte, and [`Names::text`].
    text: String,
    /// Where that begins, by place, in 40 bits.
    starts: Vec<[u8; 5]>,
}

/// Counts the bits of a length that a byte of text holds. With one more for whether others follow, it is a letter of
/// ASCII.
const DIGIT_BITS: u32 = 6;

impl NameList {
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Returns the ids of an enrolment and its learner.
    #[inline]
    pub(crate) fn get(&self, place: usize) -> (&str, &str) {
        let [a, b, c, d, e] = self.starts[place];
        let mut rest = &self.text[u64::from_le_bytes([a, b, c, d, e, 0, 0, 0]) as usize..];
        let first = take_length(&mut rest);
        let (id, learner, is_end) = (first >> 1, take_length(&mut rest), first & 1 == 1);
        match is_end {
            true => (&rest[..id], &rest[id - learner..id]),
            false => (&rest[..id], &rest[id..id + learner]),
        }
    }

    pub(crate) fn push(&mut self, id: &str, learner: &str) {
        let start = self.append(id, learner);
        self.starts.push(start);
    }

    /// Gives other names to an enrolment. The text of those it had stays.
    pub(crate) fn set(&mut self, place: usize, id: &str, learner: &str) {
        self.starts[place] = self.append(id, learner);
    }

    fn append(&mut self, id: &str, learner: &str) -> [u8; 5] {
        let [a, b, c, d, e, rest @ ..] = (self.text.len() as u64).to_le_bytes();
        assert_eq!(rest, [0; 3], "ids take less than a terabyte");
        let is_end = id.ends_with(learner);
        push_length(&mut self.text, id.len() << 1 | usize::from(is_end));
        push_length(&mut self.text, learner.len());
        self.text.push_str(id);
        if !is_end {
            self.text.push_str(learner);
        }
        [a, b, c, d, e]
    }

    pub(crate) fn swap(&mut self, one: usize, other: usize) {
        self.starts.swap(one, other);
    }

    pub(crate) fn truncate(&mut self, count: usize) {
        self.starts.truncate(count);
    }
}

fn push_length(text: &mut String, mut length: usize) {
    const DIGIT: usize = (1 << DIGIT_BITS) - 1;
    while length > DIGIT {
        text.push(char::from((length & DIGIT) as u8 | 1 << DIGIT_BITS));
        length >>= DIGIT_BITS;
    }
    text.push(char::from(length as u8));
}

#[inline]
fn take_length(text: &mut &str) -> usize {
    let (mut length, mut shift) = (0, 0);
    for (at, &byte) in text.as_bytes().iter().enumerate() {
        length |= usize::from(byte & ((1 << DIGIT_BITS) - 1)) << shift;
        shift += DIGIT_BITS;
        if byte >> DIGIT_BITS == 0 {
            *text = &text[at + 1..];
            break;
        }
    }
    length
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
        fn a_list_holds_the_names_that_it_is_given(
            names in prop::collection::vec(("[aé/]{0,4}|[b]{28,70}", "[aé/]{0,4}|[b]{60,70}"), 1..9),
            changed in 0_usize..9,
        ) {
            let mut list = NameList::default();
            names.iter().for_each(|(id, learner)| list.push(id, learner));
            let mut expected: Vec<(&str, &str)> = names.iter().map(|(id, learner)| (&**id, &**learner)).collect();
            let place = changed % names.len();
            list.set(place, "é", "other");
            list.swap(0, place);
            expected[place] = ("é", "other");
            expected.swap(0, place);
            prop_assert_eq!((0..list.len()).map(|place| list.get(place)).collect::<Vec<_>>(), expected);
        }

        #[test]
        fn names_are_what_they_were_made_of(id in "[aé/]{0,4}", learner in "[aé/]{0,4}", other in "[aé/]{0,4}") {
            let names = Names::new(&id, &learner);
            prop_assert_eq!((names.id(), names.learner()), (id.as_str(), learner.as_str()));
            prop_assert_eq!(names == Names::new(&id, &other), learner == other);
            prop_assert_eq!(names == Names::new(&other, &learner), id == other);
        }
    }
}
