//! Sequences of small KDD-shaped logs written for a test.

#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod made;
pub(crate) mod quoted_lines;

use std::path::Path;

use staycast_events::formats::{OpenOptions, open};
use staycast_sequences::{
    BuildError, BuildMode, BuildOptions, Dataset, Selection, SequenceFolder, Unwatched, WeekIndex, build,
};

/// A log and its tables.
pub(crate) struct Log<'a> {
    /// Rows `course_id,from,to`.
    pub(crate) courses: &'a str,
    /// Rows `enrollment_id,username,course_id`.
    pub(crate) enrolments: &'a str,
    /// Rows `enrollment_id,time,source,event,object`.
    pub(crate) events: &'a str,
    /// Rows `course_id,module_id,category,children,start`.
    pub(crate) objects: &'a str,
}

impl Log<'_> {
    /// Writes the tables into `folder`.
    pub(crate) fn write(&self, folder: &Path) {
        let table = |name: &str, header: &str, rows: &str| {
            std::fs::write(folder.join(name), format!("{header}\n{rows}")).unwrap();
        };
        table("date.csv", "course_id,from,to", self.courses);
        table("enrollment_train.csv", "enrollment_id,username,course_id", self.enrolments);
        table("log_train.csv", "enrollment_id,time,source,event,object", self.events);
        if !self.objects.is_empty() {
            table("object.csv", "course_id,module_id,category,children,start", self.objects);
        }
    }

    /// Builds the sequences into a folder and reads them back.
    pub(crate) fn try_sequences(&self, options: &BuildOptions) -> Result<Dataset, BuildError> {
        self.try_sequences_as_of(None, options)
    }

    fn try_sequences_as_of(&self, as_of: Option<i64>, options: &BuildOptions) -> Result<Dataset, BuildError> {
        let folder = tempfile::tempdir().unwrap();
        self.write(folder.path());
        let source = open(&[folder.path().to_owned()], &OpenOptions { as_of, ..OpenOptions::default() })?;
        let out = folder.path().join("sequences");
        build(&source, options, &out, BuildMode::Refuse, &Unwatched)?;
        Ok(SequenceFolder::open(&out).unwrap().load(&Selection::default()).unwrap())
    }

    /// Builds the sequences of a log that is said to be taken at `as_of`.
    pub(crate) fn sequences_as_of(&self, as_of: Option<i64>, options: &BuildOptions) -> Dataset {
        self.try_sequences_as_of(as_of, options).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Builds the sequences of a log that must build.
    pub(crate) fn sequences(&self, options: &BuildOptions) -> Dataset {
        self.try_sequences(options).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Finds the value of a feature, `None` where null.
pub(crate) fn value(data: &Dataset, enrolment: &str, week: usize, feature: &str) -> Option<f32> {
    let place = data.find_enrolment(enrolment).unwrap();
    let column = data.feature(feature).unwrap_or_else(|| panic!("no feature {feature}"));
    Some(data.week(place, WeekIndex::from_position(week))[column]).filter(|value| !value.is_nan())
}

/// Fails unless each feature has the value computed by hand, `None` where null.
pub(crate) fn check(data: &Dataset, enrolment: &str, week: usize, expected: &[(&str, Option<f32>)]) {
    for &(feature, wanted) in expected {
        let found = value(data, enrolment, week, feature);
        let same = match (found, wanted) {
            (Some(found), Some(wanted)) => (found - wanted).abs() <= 1e-5 * wanted.abs().max(1.0),
            (found, wanted) => found == wanted,
        };
        assert!(same, "{feature} of {enrolment} in week {week}: {found:?}, by hand {wanted:?}");
    }
}
