//! What is set aside enrols nobody, and the same facts are set aside in every format of statements.

use staycast_events::formats::{self, OpenOptions};
use staycast_events::{Reason, Source};

use crate::common::{Folder, courses, enrolments, events, in_words, open, outcome, read, rows};
use crate::stray_days::{Done, FORMATS, Format, regular};

/// The formats of statements.
fn of_statements() -> &'static [Format] {
    &FORMATS[..3]
}

/// Opens a log with given dates: the regular course from 2023-09-04 for eight weeks.
fn open_dated(folder: &Folder, course: &str) -> Source {
    let dates = format!("course_id,from,to\n{course},2023-09-04,2023-10-29\n");
    let dates = Folder::of(&[("dates.csv", dates.as_bytes())]);
    let options = OpenOptions { courses: Some(dates.path().join("dates.csv")), ..OpenOptions::default() };
    formats::open(&[folder.path().to_owned()], &options).unwrap()
}

#[test]
fn an_event_that_is_set_aside_enrols_nobody() {
    for format in of_statements() {
        let name = format.name;
        let written = |more: &[Done]| {
            let folder = Folder::of(&[]);
            (format.write)(&folder, &[regular(), more.to_vec()].concat());
            folder
        };
        let plain = open(written(&[]).path()).unwrap();
        // Two whose clocks are wrong, and one who did something in the course as well.
        let folder = written(&[(98, 730), (99, -730), (1, 731)]);
        let source = open(folder.path()).unwrap();
        assert_eq!(enrolments(&source), enrolments(&plain), "{name}");
        assert_eq!(courses(&source), courses(&plain), "{name}");
        assert_eq!((plain.learners_set_aside, source.learners_set_aside), (0, 2), "{name}");
        let all = read(&source).unwrap();
        assert_eq!((all.tally.rejected(), all.rows(Reason::ImplausibleTime)), (0, 3), "{name}");
        assert_eq!(all.tally.read, all.tally.used + 3, "{name}");

        // With given dates: long before the course, after it, within a year before it, at a time that is not set.
        let folder = written(&[(96, -400), (97, 60), (98, -300), (99, -19_604), (97, -400)]);
        let course = &courses(&plain)[0].0;
        let source = open_dated(&folder, course);
        let more: Vec<String> =
            enrolments(&source).into_iter().filter(|one| !enrolments(&plain).contains(one)).collect();
        assert_eq!(more.len(), 1, "{name}: {more:?}");
        assert!(more[0].contains("u98"), "{name}: {more:?}");
        assert_eq!(source.learners_set_aside, 3, "{name}");
        let all = read(&source).unwrap();
        let counts = [Reason::ImplausibleTime, Reason::AfterCalendar, Reason::BadTime].map(|reason| all.rows(reason));
        assert_eq!(counts, [2, 1, 1], "{name}");
    }
}

#[test]
fn a_stray_event_does_not_hide_when_somebody_enrolled() {
    let enrols = r#"{"username":"u1","event_source":"server","event_type":"edx.course.enrollment.activated","time":"2023-09-01T00:00:00","context":{"course_id":"a/b/c","user_id":1},"event":{"course_id":"a/b/c","user_id":1}}"#;
    let folder = Folder::of(&[("enrolments.log", enrols.as_bytes())]);
    (FORMATS[0].write)(&folder, &[regular(), vec![(1, -730)]].concat());
    let source = open(folder.path()).unwrap();
    assert_eq!(rows(&read(&source).unwrap().tally, Reason::ImplausibleTime), 1);
    assert!(enrolments(&source).contains(&"a/b/c/u1 u1 2023-09-01T00:00:00 - -".to_owned()));
}

#[test]
fn a_log_of_events_outside_the_given_dates_has_nobody() {
    let folder = Folder::of(&[]);
    (FORMATS[0].write)(&folder, &[(1, 100), (2, 200), (2, 201)]);
    folder.write("dates.csv", b"course_id,from,to\na/b/c,2023-09-04,2023-10-29\n");
    let options = OpenOptions { courses: Some(folder.path().join("dates.csv")), ..OpenOptions::default() };
    assert_eq!(
        outcome(folder.path(), &options),
        "error: tracking.log: none of the log's 3 rows is about a learner in a course: all events of its 2 learners are \
         outside the dates of their courses"
    );
}

/// A fact in the three formats: of learner `who` at 10 o'clock of the day of January 2026.
type Told = fn(fact: &str, who: &str, day: u32) -> String;

const COURSE: &str = "course-v1:Org+C1+2026";

/// An act of the learner, or a fact: they enrolled, withdrew, completed, or got a grade.
fn in_edx(fact: &str, who: &str, day: u32) -> String {
    let name = match fact {
        "enrolled" => "edx.course.enrollment.activated",
        "withdrew" => "edx.course.enrollment.deactivated",
        "completed" => "edx.course.grade.passed.first_time",
        "graded" => "edx.grades.subsection.grade_calculated",
        _ => "seq_next",
    };
    format!(
        r#"{{"username":"{who}","name":"{name}","event_type":"{name}","event_source":"server","event":{{"course_id":"{COURSE}","username":"{who}"}},"context":{{"course_id":"{COURSE}"}},"time":"2026-01-{day:02}T10:00:00+00:00"}}"#
    ) + "\n"
}

/// The same, of which the one who caused it is not named.
fn in_edx_of_nobody(fact: &str, who: &str, day: u32) -> String {
    let line = in_edx(fact, who, day);
    if fact == "acted" { line } else { line.replacen(&format!("\"username\":\"{who}\""), "\"username\":\"\"", 1) }
}

/// The same, caused by somebody who is no learner.
fn in_edx_by_another(fact: &str, who: &str, day: u32) -> String {
    let line = in_edx(fact, who, day);
    if fact == "acted" { line } else { line.replacen(&format!("\"username\":\"{who}\""), "\"username\":\"tess\"", 1) }
}

fn in_xapi(fact: &str, who: &str, day: u32) -> String {
    let (verb, of_course) = match fact {
        "enrolled" => ("registered", true),
        "withdrew" => ("unregistered", true),
        "completed" => ("passed", true),
        "graded" => ("scored", false),
        _ => ("viewed", false),
    };
    let course = format!(
        r#"{{"id":"http://l/course/{COURSE}","definition":{{"type":"http://adlnet.gov/expapi/activities/course"}}}}"#
    );
    let object = if of_course { course.clone() } else { r#"{"id":"http://l/page"}"#.to_owned() };
    format!(
        r#"{{"actor":{{"account":{{"homePage":"http://l","name":"{who}"}}}},"verb":{{"id":"http://v/{verb}"}},"object":{object},"context":{{"contextActivities":{{"parent":[{course}]}}}},"timestamp":"2026-01-{day:02}T10:00:00Z"}}"#
    ) + "\n"
}

fn in_caliper(fact: &str, who: &str, day: u32) -> String {
    let course = format!(r#"{{"id":"http://l/course/{COURSE}","type":"CourseOffering"}}"#);
    let attempt = format!(r#"{{"id":"a","type":"Attempt","assignee":"{who}","assignable":"q"}}"#);
    let (kind, action, object, actor) = match fact {
        "enrolled" => ("Event", "Activated", course.as_str(), who),
        "withdrew" => ("Event", "Deactivated", course.as_str(), who),
        "completed" => ("Event", "Completed", course.as_str(), who),
        "graded" => ("GradeEvent", "Graded", attempt.as_str(), "tess"),
        _ => ("ViewEvent", "Viewed", r#"{"id":"p"}"#, who),
    };
    format!(
        r#"{{"type":"{kind}","action":"{action}","actor":{{"id":"{actor}","type":"Person"}},"object":{object},"group":{course},"eventTime":"2026-01-{day:02}T10:00:00.000Z"}}"#
    ) + "\n"
}

#[test]
fn facts_after_the_end_are_counted_alike() {
    let told: [Told; 5] = [in_edx, in_edx_of_nobody, in_edx_by_another, in_xapi, in_caliper];
    for (told, number) in told.into_iter().zip(0..) {
        let mut log: String = (1..13).map(|day| told("acted", ["ann", "bob"][day as usize % 2], day)).collect();
        // The course is over. What the roster holds of them is used, a grade is not; who got nothing but that is no learner.
        for (fact, who) in
            [("withdrew", "ann"), ("completed", "bob"), ("enrolled", "cho"), ("graded", "ann"), ("graded", "dan")]
        {
            log += &told(fact, who, 20);
        }
        let folder = Folder::of(&[("log.jsonl", log.as_bytes())]);
        let source = open(folder.path()).unwrap();
        assert_eq!(
            in_words(&read(&source).unwrap().tally),
            "15 of 17 used\n2 after_the_calendar: log.jsonl:16: 2026-01-20T10:00:00 | log.jsonl:17: 2026-01-20T10:00:00",
            "{number}"
        );
        let course = format!("{COURSE}/");
        assert_eq!(
            enrolments(&source),
            [
                format!("{course}ann ann - 2026-01-20T10:00:00 unenrolled"),
                format!("{course}bob bob - - completed"),
                format!("{course}cho cho 2026-01-20T10:00:00 - -"),
            ],
            "{number}"
        );
        assert_eq!(source.learners_set_aside, 1, "{number}");
        assert_eq!(courses(&source)[0].2, 12, "{number}");
    }
}

#[test]
fn who_only_does_something_about_others_is_left_out_and_counted() {
    let log = in_edx("acted", "ann", 5)
        + &in_edx("acted", "tess", 6).replace("seq_next", "/courses/course-v1:Org+C1+2026/instructor");
    let source = open(Folder::of(&[("log.jsonl", log.as_bytes())]).path()).unwrap();
    assert_eq!((source.roster.enrolments.len(), source.only_about_others), (1, 1));
    // Who does something as well is a learner.
    let log = log + &in_edx("acted", "tess", 7);
    let source = open(Folder::of(&[("log.jsonl", log.as_bytes())]).path()).unwrap();
    assert_eq!((source.roster.enrolments.len(), source.only_about_others), (2, 0));
}

#[test]
fn who_receives_a_vote_is_not_enrolled_by_it() {
    let vote = |day: u32| {
        format!(
            r#"{{"username":"ann","name":"edx.forum.thread.voted","event_type":"edx.forum.thread.voted","event_source":"server","event":{{"id":"t","vote_value":"up","undo_vote":false,"target_username":"bob"}},"context":{{"course_id":"{COURSE}","user_id":1}},"time":"2026-01-{day:02}T10:00:00+00:00"}}"#
        ) + "\n"
    };
    let learners = |log: String| {
        let source = open(Folder::of(&[("log.jsonl", log.as_bytes())]).path()).unwrap();
        source.roster.enrolments.iter().map(|one| one.learner().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(learners(vote(5)), ["ann"]);
    // Who did something as well has received it.
    let log = vote(5) + &in_edx("acted", "bob", 6);
    assert_eq!(learners(log.clone()), ["ann", "bob"]);
    let folder = Folder::of(&[("log.jsonl", log.as_bytes())]);
    let received = format!("{COURSE}/bob 2026-01-05T10:00:00 upvote_received");
    assert!(events(&open(folder.path()).unwrap()).contains(&received));
}
