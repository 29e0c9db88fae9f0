//! The values of a static column, by enrolment: a byte each where few are different, and 4 where many are.

use std::sync::Arc;

use rustc_hash::FxHashMap;

/// Bounds how many different values of a column are looked for again: a column of more is one of names, which nobody
/// shares.
const MOST_SHARED: usize = 1 << 16;

/// Holds the values of a static column, each different one once.
#[derive(Clone, Default)]
pub(crate) struct StaticColumn {
    codes: Codes,
    values: Vec<Arc<str>>,
    /// One more than the places of values.
    known: FxHashMap<Arc<str>, u32>,
}

/// Holds, by enrolment, one more than the place of a value, or 0.
#[derive(Clone)]
enum Codes {
    Narrow(Vec<u8>),
    Wide(Vec<u32>),
}

impl Default for Codes {
    fn default() -> Self {
        Self::Narrow(Vec::new())
    }
}

impl StaticColumn {
    /// Makes a column without a value, of `count` enrolments.
    pub(crate) fn empty(count: usize) -> Self {
        Self { codes: Codes::Narrow(vec![0; count]), ..Self::default() }
    }

    /// Returns the value of an enrolment.
    pub(crate) fn get(&self, place: usize) -> Option<&Arc<str>> {
        let code = match &self.codes {
            Codes::Narrow(codes) => usize::from(codes[place]),
            Codes::Wide(codes) => codes[place] as usize,
        };
        code.checked_sub(1).map(|value| &self.values[value])
    }

    /// Adds the value of the next enrolment.
    pub(crate) fn push(&mut self, value: Option<&Arc<str>>) {
        match &mut self.codes {
            Codes::Narrow(codes) => codes.push(0),
            Codes::Wide(codes) => codes.push(0),
        }
        let place = match &self.codes {
            Codes::Narrow(codes) => codes.len() - 1,
            Codes::Wide(codes) => codes.len() - 1,
        };
        self.set(place, value);
    }

    /// Gives another value to an enrolment.
    pub(crate) fn set(&mut self, place: usize, value: Option<&Arc<str>>) {
        let code = value.map_or(0, |value| self.code(value));
        if let (Codes::Narrow(codes), true) = (&self.codes, code > u8::MAX.into()) {
            self.codes = Codes::Wide(codes.iter().map(|&code| code.into()).collect());
        }
        match &mut self.codes {
            Codes::Narrow(codes) => codes[place] = code as u8,
            Codes::Wide(codes) => codes[place] = code,
        }
    }

    /// Returns one more than the place of a value.
    fn code(&mut self, value: &Arc<str>) -> u32 {
        if let Some(&code) = self.known.get(value) {
            return code;
        }
        self.values.push(Arc::clone(value));
        let code = u32::try_from(self.values.len()).expect("enrolments are numbered by 32 bits");
        if self.known.len() < MOST_SHARED {
            self.known.insert(Arc::clone(value), code);
        }
        code
    }

    /// Keeps the values of the first `count` enrolments.
    pub(crate) fn truncate(&mut self, count: usize) {
        match &mut self.codes {
            Codes::Narrow(codes) => codes.truncate(count),
            Codes::Wide(codes) => codes.truncate(count),
        }
    }

    /// Exchanges the values of two enrolments.
    pub(crate) fn swap(&mut self, one: usize, other: usize) {
        match &mut self.codes {
            Codes::Narrow(codes) => codes.swap(one, other),
            Codes::Wide(codes) => codes.swap(one, other),
        }
    }
}
