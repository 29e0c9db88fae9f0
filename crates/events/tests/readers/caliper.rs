//! The `caliper` reader.

use staycast_events::formats::OpenOptions;
use staycast_events::{Detail, ObjectKey, Reason};

use crate::common::{Folder, enrolments, events, fixture, in_words, open, outcome, read};

/// A folder with this fixture as its only file.
fn folder_of(name: &str) -> Folder {
    let folder = Folder::of(&[]);
    folder.write(name, &std::fs::read(fixture(&format!("caliper/logs/{name}"))).unwrap());
    folder
}

const ANN: &str = "http://lms.example/user/ann";
const BOB: &str = "http://lms.example/user/bob";

#[test]
fn sound_events() {
    let source = open(&fixture("caliper/base")).unwrap();
    assert_eq!(source.format, "caliper");
    assert_eq!(source.reason, "events.jsonl has events with action, actor and eventTime");
    let algebra = "course-v1:edX+Algebra+2026";
    let other = "https://other.example/sections/1";
    assert_eq!(
        enrolments(&source),
        [
            format!("{algebra}/{ANN} {ANN} 2026-01-02T09:00:00 - completed"),
            format!("{algebra}/{BOB} {BOB} 2026-01-02T10:00:00 2026-01-09T00:00:00 unenrolled"),
            format!("{other}/{ANN} {ANN} - - -"),
            format!("{other}/{BOB} {BOB} - - -"),
        ]
    );
    assert_eq!(
        events(&source),
        [
            format!("{algebra}/{ANN} 2026-01-02T09:00:00 change_of_enrolment"),
            // Open edX says that a video started when it was loaded.
            format!("{algebra}/{ANN} 2026-01-05T08:00:00 MediaEvent.Started"),
            format!("{algebra}/{ANN} 2026-01-05T08:00:01 media_played"),
            format!("{algebra}/{ANN} 2026-01-05T08:10:00 graded_wrong"),
            format!("{algebra}/{ANN} 2026-01-05T08:11:00 graded_right"),
            format!("{algebra}/{BOB} 2026-01-02T10:00:00 change_of_enrolment"),
            format!("{algebra}/{BOB} 2026-01-05T23:30:00 NavigationEvent.NavigatedTo"),
            format!("{other}/{ANN} 2026-01-06T12:05:00 message_replied"),
            format!("{other}/{ANN} 2026-01-07T12:00:00 media_played"),
            format!("{other}/{BOB} 2026-01-06T12:00:00 message_posted"),
        ]
    );
    let all = read(&source).unwrap();
    assert_eq!(in_words(&all.tally), "12 of 12 used");
    // Attempts at one problem are acts on one object.
    let problem = ObjectKey::from_id(b"http://lms.example/xblock/block-v1:edX+Algebra+2026+type@problem+block@p1");
    for detail in [Detail::AttemptRight, Detail::AttemptWrong] {
        let found = all.events.iter().find(|event| source.kinds[event.kind() as usize].detail == detail);
        assert_eq!(found.unwrap().object(), problem);
    }
}

#[test]
fn the_same_events_laid_out_otherwise() {
    let base = open(&fixture("caliper/base")).unwrap();
    for name in ["array.json", "envelope.json", "envelopes.jsonl", "array_of_envelopes.json", "packed.jsonl.gz"] {
        let folder = folder_of(name);
        let source = open(folder.path()).unwrap();
        assert_eq!(source.roster.courses, base.roster.courses, "{name}");
        assert_eq!(source.roster.enrolments, base.roster.enrolments, "{name}");
        let all = read(&source).unwrap();
        assert_eq!(all.events, read(&base).unwrap().events, "{name}");
        assert_eq!(all.tally.read, 12, "{name}");
    }
}

#[test]
fn events_of_which_some_are_counted_out() {
    let folder = folder_of("counted_out.jsonl");
    assert_eq!(
        outcome(folder.path(), &OpenOptions::default()),
        "1 of 8 used\n\
         3 malformed: counted_out.jsonl:6: no event: it has no type or no action \
         | counted_out.jsonl:7: not JSON: no object | counted_out.jsonl:8: not JSON: no object\n\
         1 bad_time: counted_out.jsonl:5: eventTime of shape `9999-99` is not YYYY-MM-DDTHH:MM:SS or seconds since 1970; write it so in the file\n\
         2 no_learner: counted_out.jsonl:2: its actor is no person with an id \
         | counted_out.jsonl:3: its actor is no person with an id\n\
         1 no_course: counted_out.jsonl:4: no course"
    );
}

#[test]
fn an_event_that_comes_again_counts_once() {
    let base = std::fs::read_to_string(fixture("caliper/base/events.jsonl")).unwrap();
    let folder = Folder::of(&[("events.jsonl", (base.clone() + &base).as_bytes())]);
    let once = read(&open(&fixture("caliper/base")).unwrap()).unwrap();
    let twice = read(&open(folder.path()).unwrap()).unwrap();
    assert_eq!(twice.events, once.events);
    assert_eq!(twice.rows(Reason::RepeatedId), once.tally.read);
}

/// Writes a view by somebody, with these further members.
fn view(who: &str, day: u32, more: &str) -> String {
    format!(
        r#"{{"id":"{who}-{day}","type":"ViewEvent","action":"Viewed","actor":{{"id":"https://lms.example/users/{who}","type":"Person"}},"object":{{"id":"https://lms.example/pages/1"}},"eventTime":"2023-09-{day:02}T10:00:00Z","group":{{"id":"https://lms.example/courses/7","type":"CourseSection"}}{more}}}"#
    )
}

#[test]
fn the_course_team_by_its_roles_is_no_learner() {
    let with =
        |roles: &str, more: &str| format!(r#","membership":{{"id":"m","roles":{roles},"status":"Active"{more}}}"#);
    let learners = |membership: &str| -> Vec<String> {
        let lines = [4, 6, 20].map(|day| view("ann", day, "")).into_iter().chain([view("tess", 7, membership)]);
        let folder = Folder::of(&[("e.jsonl", lines.collect::<Vec<_>>().join("\n").as_bytes())]);
        let source = open(folder.path()).unwrap();
        assert_eq!(in_words(&read(&source).unwrap().tally), "4 of 4 used", "{membership}");
        let name = |learner: &str| learner.rsplit('/').next().unwrap().to_owned();
        source.roster.enrolments.iter().map(|one| name(one.learner())).collect()
    };
    let tess = r#","member":"https://LMS.example/users/tess""#;
    let here = r#","organization":{"id":"https://lms.example/courses/7","type":"CourseSection"}"#;
    for membership in [
        with(r#"["Instructor"]"#, ""),
        with(r#""Instructor""#, ""),
        with(r#"["Instructor","http://purl.imsglobal.org/vocab/lis/v2/membership#Mentor"]"#, tess),
        with(r#"["TeachingAssistant"]"#, here),
        with(r#"["Administrator#Support"]"#, r#","status":"Inactive""#),
    ] {
        assert_eq!(learners(&membership), ["ann"], "{membership}");
    }
    for membership in [
        with(r#"["Learner"]"#, ""),
        with(r#"["Learner","TeachingAssistant"]"#, ""),
        with(r#"["Instructor","Auditor"]"#, ""),
        with("[]", ""),
        with("null", ""),
        with(r#"["Instructor"]"#, r#","member":{"id":"https://lms.example/users/bob"}"#),
        with(r#"["Instructor"]"#, r#","organization":"https://lms.example/courses/8""#),
        r#","membership":"m""#.to_owned(),
    ] {
        assert_eq!(learners(&membership), ["ann", "tess"], "{membership}");
    }
}

#[test]
fn times_that_are_no_text() {
    let lines = [view("ann", 4, ""), view("ann", 5, ""), view("ann", 6, "")];
    let text = lines.join("\n").replacen(r#""2023-09-05T10:00:00Z""#, "1693821600000", 1).replacen(
        r#""2023-09-06T10:00:00Z""#,
        r#"{"$date":"2023-09-06T10:00:00Z"}"#,
        1,
    );
    let folder = Folder::of(&[("e.jsonl", text.as_bytes())]);
    assert_eq!(
        outcome(folder.path(), &OpenOptions::default()),
        "2 of 3 used\n\
         1 bad_time: e.jsonl:3: eventTime is an object, not a text YYYY-MM-DDTHH:MM:SS"
    );
}
