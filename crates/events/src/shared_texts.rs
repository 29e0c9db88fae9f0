//! Texts of few kinds, such as regions and outcomes, that many enrolments share.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::enrolment::Outcome;

/// Bounds how many different texts are looked for again: a column of more is one of names, which nobody shares.
const MOST_SHARED: usize = 1 << 16;

/// Makes texts that are one in memory where they are equal.
#[derive(Debug, Default)]
pub(crate) struct SharedTexts {
    known: FxHashSet<Arc<str>>,
}

impl SharedTexts {
    /// Returns `text`.
    pub(crate) fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.known.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        if self.known.len() < MOST_SHARED {
            self.known.insert(Arc::clone(&new));
        }
        new
    }
}

/// Makes outcomes that are one in memory where they are equal.
#[derive(Debug, Default)]
pub(crate) struct SharedOutcomes {
    known: FxHashMap<String, Arc<Outcome>>,
}

impl SharedOutcomes {
    /// Returns the outcome that the source words like this; `read` says what the word means, always the same.
    ///
    /// # Errors
    /// When `read` fails.
    pub(crate) fn get<E>(&mut self, word: &str, read: impl Fn(&str) -> Result<Outcome, E>) -> Result<Arc<Outcome>, E> {
        if let Some(known) = self.known.get(word) {
            return Ok(Arc::clone(known));
        }
        let new = Arc::new(read(word)?);
        self.known.insert(word.to_owned(), Arc::clone(&new));
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrolment::OutcomeKind;

    #[test]
    fn equal_texts_are_one() {
        let mut texts = SharedTexts::default();
        let [one, other, again] = ["north", "south", "north"].map(|text| texts.get(text));
        assert_eq!((&*one, &*other), ("north", "south"));
        assert!(Arc::ptr_eq(&one, &again));
    }

    #[test]
    fn equal_outcomes_are_one_and_faults_are_told_each_time() {
        let read = |word: &str| match word {
            "pass" => Ok(Outcome { recorded: word.to_owned(), kind: OutcomeKind::Completed }),
            _ => Err("unknown"),
        };
        let mut outcomes = SharedOutcomes::default();
        let one = outcomes.get("pass", read).unwrap();
        assert!(Arc::ptr_eq(&one, &outcomes.get("pass", read).unwrap()));
        assert_eq!((outcomes.get("x", read), outcomes.get("x", read)), (Err("unknown"), Err("unknown")));
    }
}
