//! Whoever is known only by what comes after the instant of the log is not enrolled yet, in every format.

use staycast_events::formats::{self, OpenOptions};
use staycast_events::time::parse_instant;
use staycast_events::{Notice, Reason, Source, Tally};

use crate::common::{Folder, courses, enrolments, in_words, read, rows};
use crate::stray_days::{FORMATS, regular};

fn taken(folder: &Folder, instant: &str, options: OpenOptions) -> Source {
    let as_of = Some(parse_instant(instant.as_bytes()).unwrap());
    formats::open(&[folder.path().to_owned()], &OpenOptions { as_of, ..options }).unwrap()
}

#[test]
fn who_comes_after_the_instant_of_the_log_is_not_enrolled_yet() {
    // FutureLearn has a table that says who is enrolled.
    for format in FORMATS.iter().filter(|format| format.name != "futurelearn") {
        let name = format.name;
        let options = |folder: &Folder| OpenOptions {
            mapping: format.mapping.then(|| folder.path().join("mapping.toml")),
            ..OpenOptions::default()
        };
        let [plain, more] = [Folder::of(&[]), Folder::of(&[])];
        (format.write)(&plain, &regular());
        // Two who come later, one of them twice, and somebody who is there on both sides of the instant.
        (format.write)(&more, &[&[(98, 40), (1, 4)][..], &regular(), &[(99, 50), (98, 30), (1, 50)]].concat());
        let whole = formats::open(&[more.path().to_owned()], &options(&more)).unwrap();
        let plain = taken(&plain, "2023-10-03T12:00:00", options(&plain));
        let source = taken(&more, "2023-10-03T12:00:00", options(&more));
        assert_eq!(enrolments(&source), enrolments(&plain), "{name}");
        // The instant hides events, not the calendar.
        assert_eq!(courses(&source), courses(&whole), "{name}");
        let tally = read(&source).unwrap().tally;
        assert_eq!(tally.rejected(), 0, "{name}: {}", in_words(&tally));
        assert_eq!(source.roster.not_yet_known.len(), 2, "{name}");
        let hidden = rows(&tally, Reason::AfterAsOf) - rows(&read(&plain).unwrap().tally, Reason::AfterAsOf);
        assert_eq!(hidden, 4, "{name}");
        assert_eq!(source.learners_set_aside, 0, "{name}");
    }
}

const MAPPING: &str = "[log]
files = [\"log.csv\"]
columns = { learner = \"who\", course = \"course\", time = { column = \"at\", format = \"iso\" } }
[enrolments]
files = [\"people.csv\"]
[enrolments.columns]
learner = \"who\"
course = \"course\"
enrolled = { column = \"from\", format = \"date\" }
withdrawn = { column = \"to\", format = \"date\" }
label = \"label\"
[label_values]
dropout = [\"yes\"]
stayed = [\"no\"]
";

/// Opens a table in which ann enrols early and again late, bob early, and cho after the instant.
fn dated(again: staycast_events::EnrolledAgain) -> (Source, Tally) {
    let people = "who,course,from,to,label\nann,C,2023-09-01,,no\nann,C,2023-10-20,,no\nbob,C,2023-09-02,2023-10-20,yes\n\
                  cho,C,2023-10-20,,no\ndan,C,,,no\n";
    let log = "who,course,at\nann,C,2023-09-04T10:00:00\ncho,C,2023-09-05T10:00:00\ncho,C,2023-10-22T10:00:00\n\
               ann,C,2023-10-28T10:00:00\nbob,C,2023-09-06T10:00:00\n";
    let folder = Folder::of(&[
        ("people.csv", people.as_bytes()),
        ("log.csv", log.as_bytes()),
        ("dates.txt", b"course_id,from,to\nC,2023-09-04,2023-10-29\n"),
        ("mapping.toml", MAPPING.as_bytes()),
    ]);
    let source = taken(
        &folder,
        "2023-10-01",
        OpenOptions {
            mapping: Some(folder.path().join("mapping.toml")),
            courses: Some(folder.path().join("dates.txt")),
            enrolled_again: again,
            ..OpenOptions::default()
        },
    );
    let tally = read(&source).unwrap().tally;
    (source, tally)
}

#[test]
fn an_enrolment_dated_after_the_instant_is_not_known_yet() {
    use staycast_events::EnrolledAgain::{Each, First, Last};
    for again in [First, Last, Each] {
        let (source, tally) = dated(again);
        assert_eq!(
            enrolments(&source),
            [
                "C/ann ann 2023-09-01T00:00:00 - -",
                // That bob will withdraw is not known yet, nor how it ends.
                "C/bob bob 2023-09-02T00:00:00 - -",
                // A table without a date says that somebody is enrolled.
                "C/dan dan - - -",
            ],
            "{again:?}"
        );
        assert_eq!(source.roster.not_yet_known.len(), 1, "{again:?}");
        assert_eq!(
            in_words(&source.tables),
            "4 of 6 used\n2 after_as_of: people.csv:3: an enrolment after the instant of the log | people.csv:5: an \
             enrolment after the instant of the log",
            "{again:?}"
        );
        assert_eq!(
            in_words(&tally),
            "2 of 5 used\n3 after_as_of: log.csv:3: its enrolment is not known yet at the instant of the log | log.csv:4: \
             its enrolment is not known yet at the instant of the log | log.csv:5: 2023-10-28T10:00:00",
            "{again:?}"
        );
    }
}

#[test]
fn a_missing_label_in_the_enrolments_table_is_counted() {
    let folder = Folder::of(&[
        ("people.csv", b"who,course,from,to,label\nann,C,,,no\nbob,C,,,\ncho,C,,,NA\n"),
        ("log.csv", b"who,course,at\nann,C,2023-09-04T10:00:00\n"),
        ("mapping.toml", MAPPING.as_bytes()),
        ("labels.txt", b"enrolment_id,label\nC/bob,1\n"),
    ]);
    let mut options = OpenOptions { mapping: Some(folder.path().join("mapping.toml")), ..OpenOptions::default() };
    let inputs = [folder.path().join("people.csv"), folder.path().join("log.csv")];
    let source = formats::open(&inputs, &options).unwrap();
    assert_eq!(source.notices, [Notice::MissingLabels { enrolments: 2 }]);
    options.labels = Some(folder.path().join("labels.txt"));
    assert_eq!(formats::open(&inputs, &options).unwrap().notices, []);
}

#[test]
fn a_label_of_who_is_not_enrolled_yet_rejects_nothing() {
    let mut log = "enroll_id,username,course_id,session_id,action,object,time\n".to_owned();
    for (id, day) in [(1, 4), (1, 9), (2, 6), (3, 28)] {
        log += &format!("{id},u{id},X,s,play_video,o,2023-09-{day:02} 10:00:00\n");
    }
    let folder = Folder::of(&[("train_log.csv", log.as_bytes()), ("labels.txt", b"enroll_id,truth\n1,0\n2,1\n3,1\n")]);
    let labels = Some(folder.path().join("labels.txt"));
    let inputs = [folder.path().join("train_log.csv")];
    let as_of = parse_instant(b"2023-09-20");
    let source = formats::open(&inputs, &OpenOptions { labels, as_of, ..OpenOptions::default() }).unwrap();
    assert_eq!(source.roster.enrolments.len(), 2);
    assert_eq!((rows(&source.tables, Reason::AfterAsOf), source.tables.rejected()), (1, 0));
}

#[test]
fn a_registration_of_oulad_after_the_instant_is_not_known_yet() {
    let header = "code_module,code_presentation,id_student";
    let table = |more: &str, rows: &str| format!("{header},{more}\n{rows}").into_bytes();
    let folder = Folder::of(&[
        ("courses.csv", b"code_module,code_presentation,module_presentation_length\nAAA,2013J,60\n"),
        ("studentInfo.csv", &table("final_result", "AAA,2013J,1,Pass\nAAA,2013J,2,Withdrawn\nAAA,2013J,3,Pass\n")),
        (
            "studentRegistration.csv",
            &table("date_registration,date_unregistration", "AAA,2013J,1,-9,\nAAA,2013J,2,-9,40\nAAA,2013J,3,35,\n"),
        ),
        (
            "studentVle.csv",
            &table("id_site,date,sum_click", "AAA,2013J,1,5,3,1\nAAA,2013J,3,5,2,1\nAAA,2013J,3,5,36,1\n"),
        ),
        (
            "assessments.csv",
            b"code_module,code_presentation,id_assessment,assessment_type,date,weight\nAAA,2013J,9,TMA,50,10\n",
        ),
        (
            "studentAssessment.csv",
            b"id_assessment,id_student,date_submitted,is_banked,score\n9,1,5,0,80\n9,3,37,0,80\n",
        ),
    ]);
    let source = taken(&folder, "2013-10-31", OpenOptions::default());
    let expected = ["AAA-2013J/1 1 2013-09-22T00:00:00 - -", "AAA-2013J/2 2 2013-09-22T00:00:00 - -"];
    assert_eq!(enrolments(&source), expected);
    let tally = read(&source).unwrap().tally;
    assert_eq!((rows(&tally, Reason::AfterAsOf), tally.rejected(), tally.used), (3, 0, 2));
    assert_eq!((rows(&source.tables, Reason::AfterAsOf), source.tables.rejected()), (1, 0));
    assert_eq!(source.roster.not_yet_known.len(), 1);
}

#[test]
fn a_statement_that_is_voided_or_named_or_sent_again_after_the_instant_counts_until_then() {
    let statement = |id: u32, day: u32, verb: &str, object: &str| {
        format!(
            r#"{{"id":"00000000-0000-4000-8000-{id:012}","actor":{{"account":{{"homePage":"http://l","name":"ann"}}}},"verb":{{"id":"http://v/{verb}"}},"timestamp":"2023-09-{day:02}T10:00:00Z","object":{object},"context":{{"contextActivities":{{"parent":[{{"id":"http://l/course/c","definition":{{"type":"http://adlnet.gov/expapi/activities/course"}}}}]}}}}}}"#
        ) + "\n"
    };
    let page = r#"{"id":"http://l/page"}"#;
    let voids = r#"{"objectType":"StatementRef","id":"00000000-0000-4000-8000-000000000001"}"#;
    // The repeat stands first in the file.
    let log = statement(2, 25, "viewed", page)
        + &statement(1, 4, "viewed", page)
        + &statement(2, 5, "viewed", page)
        + &statement(3, 24, "voided", voids);
    let folder = Folder::of(&[("log.jsonl", log.as_bytes())]);
    let dates = Folder::of(&[("dates.csv", b"course_id,from,to\nhttp://l/course/c,2023-09-01,2023-10-01\n")]);
    let courses = Some(dates.path().join("dates.csv"));
    let source = taken(&folder, "2023-09-20", OpenOptions { courses, ..OpenOptions::default() });
    let tally = read(&source).unwrap().tally;
    assert_eq!((tally.used, rows(&tally, Reason::AfterAsOf), rows(&tally, Reason::Voided)), (2, 1, 1));
}
