//! Courses that everybody begins on the day of enrolment (`days_from_enrolment` in a mapping).

use staycast_events::formats::{self, OpenOptions};
use staycast_events::{EnrolledAgain, ReadError, Reason, Source};

use crate::common::{Folder, courses, enrolments, events, in_words, read, rows, without_folder};

const LOG: &str = "user,course,at\n\
    ann,algebra,2024-01-10T08:00:00\nann,algebra,2024-01-31T08:00:00\nbob,algebra,2024-03-02T08:00:00\n\
    ann,botany,2024-03-03T08:00:00\ncleo,algebra,2024-03-03T08:00:00\ndan,algebra,2024-03-03T08:00:00\n";
const PEOPLE: &str = "user,course,since\n\
    ann,algebra,2024-01-10\nbob,algebra,2024-03-01\nann,botany,2024-03-01\ndan,algebra,\n";
const MAPPING: &str = "days_from_enrolment = 28\n[log]\nfiles = \"log.csv\"\n\
    columns = { learner = \"user\", course = \"course\", time = \"at\" }\n\
    [enrolments]\nfiles = \"people.csv\"\n\
    columns = { learner = \"user\", course = \"course\", enrolled = { column = \"since\", format = \"date\" } }\n";

fn folder(mapping: &str) -> Folder {
    Folder::of(&[("log.csv", LOG.as_bytes()), ("people.csv", PEOPLE.as_bytes()), ("m.toml", mapping.as_bytes())])
}

fn open(folder: &Folder, options: OpenOptions) -> Result<Source, ReadError> {
    let mapping = Some(folder.path().join("m.toml"));
    formats::open(&[folder.path().to_owned()], &OpenOptions { mapping, ..options })
}

#[test]
fn each_learner_begins_on_the_day_of_enrolment() {
    let folder = folder(MAPPING);
    let source = open(&folder, OpenOptions::default()).unwrap();
    let run = |id: &str, start: &str| (id.to_owned(), start.to_owned(), 28, false);
    assert_eq!(
        courses(&source),
        [
            run("algebra@2024-01-10", "2024-01-10"),
            run("algebra@2024-03-01", "2024-03-01"),
            run("botany@2024-03-01", "2024-03-01"),
        ]
    );
    assert_eq!(
        enrolments(&source),
        [
            "algebra/ann ann 2024-01-10T00:00:00 - -",
            "algebra/bob bob 2024-03-01T00:00:00 - -",
            "botany/ann ann 2024-03-01T00:00:00 - -",
        ]
    );
    assert_eq!(
        events(&source),
        [
            "algebra/ann 2024-01-10T08:00:00 undeclared",
            "algebra/ann 2024-01-31T08:00:00 undeclared",
            "algebra/bob 2024-03-02T08:00:00 undeclared",
            "botany/ann 2024-03-03T08:00:00 undeclared",
        ]
    );
    // Who has no date of enrolment has no start, and is counted; so is who is in no table.
    assert_eq!(source.left_out.total(), 1);
    let tally = read(&source).unwrap().tally;
    assert_eq!(rows(&tally, Reason::UnknownEnrolment), 2, "{}", in_words(&tally));
}

#[test]
fn a_start_of_ones_own_needs_the_day_of_enrolment_and_no_other_dates() {
    let refused = |mapping: &str, options: OpenOptions, part: &str| {
        let folder = folder(mapping);
        let message = without_folder(folder.path(), &open(&folder, options).err().expect("an error"));
        assert!(message.contains(part), "{message}");
    };
    let plain = OpenOptions::default;
    refused(&MAPPING.replace("= 28", "= 0"), plain(), "it must be from 1 to");
    refused(
        &MAPPING.replace(", enrolled = { column = \"since\", format = \"date\" }", ""),
        plain(),
        "enrolments.columns.enrolled",
    );
    let courses = "[courses]\nfiles = \"c.csv\"\ncolumns = { course = \"c\", start = \"s\", days = \"d\" }\n";
    refused(&format!("{MAPPING}{courses}"), plain(), "remove [courses]");
    refused(MAPPING, OpenOptions { enrolled_again: EnrolledAgain::Each, ..plain() }, "the first or the last");
    let folder = Folder::of(&[("dates.csv", b"course_id,from,to\nalgebra,2024-01-01,2024-03-01\n")]);
    refused(MAPPING, OpenOptions { courses: Some(folder.path().join("dates.csv")), ..plain() }, "give no dates");
}
