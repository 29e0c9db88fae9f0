//! Who is a learner, in logs of statements.

use staycast_events::formats::OpenOptions;
use staycast_events::{Notice, Reason, Source, Tally};

use crate::common::{Folder, enrolments, events, in_words, open, outcome, read, rows};

const EDX: &str = "course-v1:Org+C1+2026";
const COURSE: &str = "https://lms.example/course/7";

/// An event of a tracking log: its name, the members of the line and of `context` that say who it is of, those of `event`,
/// and the day of January 2026.
fn tracked(name: &str, line: &str, context: &str, event: &str, day: u32) -> String {
    format!(
        "{{{line}\"name\":\"{name}\",\"event_type\":\"{name}\",\"event_source\":\"server\",\"event\":{{{event}}},\
         \"context\":{{\"course_id\":\"{EDX}\"{context}}},\"time\":\"2026-01-{day:02}T10:00:00+00:00\"}}\n"
    )
}

/// A statement of this actor, about a page of the course.
fn stated(actor: &str, verb: &str, more: &str, day: u32) -> String {
    format!(
        "{{\"actor\":{actor},\"verb\":{{\"id\":\"http://id.tincanapi.com/verb/{verb}\"}},\"object\":{{\"id\":\"p\"}},\
         \"timestamp\":\"2026-01-{day:02}T10:00:00Z\",\"context\":{{\"contextActivities\":{{\"grouping\":[{{\"id\":\"{COURSE}\",\
         \"definition\":{{\"type\":\"http://adlnet.gov/expapi/activities/course\"}}}}]}}}}{more}}}\n"
    )
}

fn account(home_page: &str, name: &str) -> String {
    format!(r#"{{"objectType":"Agent","account":{{"homePage":"{home_page}","name":{name}}}}}"#)
}

fn folder(lines: &[String]) -> Folder {
    Folder::of(&[("log.jsonl", lines.concat().as_bytes())])
}

/// The learners of a log, and the number of events of each that are acts.
fn learners(source: &Source) -> Vec<(String, usize)> {
    let all = read(source).unwrap();
    let count = |place: usize| {
        let is_act = |event: &&staycast_events::Event| {
            event.enrolment().as_usize() == place && !source.kinds[event.kind() as usize].detail.is_received()
        };
        all.events.iter().filter(is_act).count()
    };
    source.roster.enrolments.iter().enumerate().map(|(place, one)| (one.learner().to_owned(), count(place))).collect()
}

/// Counts of the rows of a log.
fn tally(lines: &[String]) -> Tally {
    let folder = folder(lines);
    read(&open(folder.path()).unwrap()).unwrap().tally
}

fn check(lines: &[String], expected: &[(&str, usize)]) {
    let folder = folder(lines);
    let source = open(folder.path()).unwrap();
    let expected: Vec<(String, usize)> = expected.iter().map(|&(name, count)| (name.to_owned(), count)).collect();
    assert_eq!(learners(&source), expected);
    // Whatever order the lines are in.
    let reversed: Vec<&[u8]> = lines.iter().rev().map(String::as_bytes).collect();
    folder.write("log.jsonl", &reversed.concat());
    assert_eq!(learners(&open(folder.path()).unwrap()), expected, "in reverse");
}

#[test]
fn an_event_without_a_name_is_that_of_the_user_id() {
    let named = tracked("page_close", r#""username":"ann","#, r#","user_id":11"#, "", 5);
    let blank = tracked("page_close", r#""username":"","#, r#","user_id":11"#, "", 6);
    let null = tracked("page_close", r#""username":null,"#, r#","user_id":"11""#, "", 7);
    let missing = tracked("page_close", "", r#","user_id":11.0"#, "", 8);
    let other = tracked("page_close", "", r#","user_id":12"#, "", 8);
    let nobody = tracked("page_close", r#""username":"","#, r#","user_id":null"#, "", 8);
    let lines = [named, blank, null, missing, other, nobody];
    check(&lines, &[("#12", 1), ("ann", 4)]);
    let tally = tally(&lines);
    assert_eq!((tally.used, rows(&tally, Reason::NoLearner)), (5, 1));
}

#[test]
fn the_event_names_who_it_is_of_where_its_context_does_not() {
    let named = tracked("page_close", r#""username":"ann","#, r#","user_id":11"#, "", 5);
    let by_number = tracked("page_close", r#""username":"","#, r#","user_id":"""#, r#""user_id":11"#, 6);
    let by_name = tracked("page_close", "", "", r#""username":"ann""#, 7);
    check(&[named, by_number, by_name], &[("ann", 3)]);
}

#[test]
fn a_number_as_a_name_is_a_name() {
    let line = |name: &str, day| tracked("page_close", &format!(r#""username":{name},"#), "", "", day);
    check(&[line("101", 5), line("102", 5), line("101.0", 6), line("\"102\"", 6)], &[("101", 2), ("102", 2)]);
    let home = "https://lms.example";
    let viewed = |name: &str, day| stated(&account(home, name), "viewed", "", day);
    check(&[viewed("2", 5), viewed("3", 5), viewed("2.0", 6), viewed("\"3\"", 6)], &[("2", 2), ("3", 2)]);
}

#[test]
fn who_only_enrols_others_is_no_learner() {
    let enrols = |other: u32, day| {
        tracked(
            "edx.course.enrollment.activated",
            r#""username":"tess","#,
            r#","user_id":1"#,
            &format!("\"user_id\":{other}"),
            day,
        )
    };
    let dashboard = |day| {
        let path = format!("/courses/{EDX}/instructor/api/students_update_enrollment");
        tracked(&path, r#""username":"tess","#, r#","user_id":1"#, "", day)
    };
    let grades =
        tracked("edx.grades.problem.rescored", r#""username":"tess","#, r#","user_id":1"#, r#""user_id":"7""#, 6);
    let ann = tracked("page_close", r#""username":"ann","#, r#","user_id":7"#, "", 8);
    let lines = [enrols(7, 5), enrols(8, 5), dashboard(5), grades.clone(), ann.clone()];
    let log = folder(&lines);
    let source = open(log.path()).unwrap();
    assert_eq!(
        enrolments(&source),
        [format!("{EDX}/#8 #8 2026-01-05T10:00:00 - -"), format!("{EDX}/ann ann 2026-01-05T10:00:00 - -")]
    );
    let courses = crate::common::courses(&source);
    assert_eq!(
        courses,
        [(EDX.to_owned(), "2026-01-08".to_owned(), 1, true)],
        "facts are no part of a course's calendar"
    );
    assert_eq!(in_words(&read(&source).unwrap().tally), "5 of 5 used");
    check(&lines, &[("#8", 0), ("ann", 1)]);
    // Staff who learn besides are learners by that.
    let tess = tracked("page_close", r#""username":"tess","#, r#","user_id":1"#, "", 7);
    check(&[enrols(7, 5), dashboard(7), grades, ann, tess], &[("ann", 1), ("tess", 1)]);
}

#[test]
fn a_fact_is_neither_activity_nor_presence() {
    for name in [
        "edx.course.enrollment.mode_changed",
        "edx.course.grade.now_passed",
        "edx.course.grade.now_failed",
        "edx.grades.subsection.grade_calculated",
        "edx.certificate.created",
        "edx.cohort.user_added",
    ] {
        let about_ann = tracked(name, r#""username":"","#, "", r#""user_id":7"#, 9);
        let by_ann = tracked(name, r#""username":"ann","#, r#","user_id":7"#, r#""user_id":7"#, 9);
        let ann = tracked("page_close", r#""username":"ann","#, r#","user_id":7"#, "", 5);
        for fact in [about_ann, by_ann] {
            check(&[ann.clone(), fact], &[("ann", 1)]);
        }
    }
}

#[test]
fn two_accounts_of_one_name_at_two_home_pages() {
    let viewed = |home: &str, name: &str, day| stated(&account(home, name), "viewed", "", day);
    let (a, b) = ("https://a.example", "https://b.example");
    check(&[viewed(a, "\"2\"", 5), viewed(a, "\"2\"", 6)], &[("2", 2)]);
    check(
        &[viewed(a, "\"2\"", 5), viewed(b, "\"2\"", 6), viewed(b, "\"3\"", 7)],
        &[("2", 1), ("b.example|2", 1), ("b.example|3", 1)],
    );
    // What comes later changes no id: the site of the earliest statement stays what it is.
    check(
        &[viewed(b, "\"2\"", 5), viewed(a, "\"2\"", 6), viewed(a, "\"3\"", 7)],
        &[("2", 1), ("a.example|2", 1), ("a.example|3", 1)],
    );
    // One site as two tools write its address.
    check(&[viewed("http://a.example/", "\"2\"", 5), viewed(a, "\"2\"", 6)], &[("2", 2)]);
    // No home page, or one that is blank.
    check(
        &[stated(r#"{"account":{"name":"2"}}"#, "viewed", "", 5), viewed("", "\"2\"", 6), viewed(a, "\"2\"", 7)],
        &[("2", 3)],
    );
}

#[test]
fn that_accounts_are_of_several_home_pages_is_said() {
    let viewed = |home: &str, name: &str| stated(&account(home, name), "viewed", "", 5);
    let (a, b) = ("https://a.example", "https://b.example");
    let notices = |lines: &[String]| open(folder(lines).path()).unwrap().notices;
    assert_eq!(notices(&[viewed(a, "2"), viewed("http://a.example/", "3")]), []);
    assert_eq!(
        notices(&[viewed(a, "2"), viewed(b, "2"), viewed(b, "3"), viewed(a, "4"), viewed(b, "4")]),
        [Notice::SeveralSites { sites: 2, shared_names: 2 }]
    );
}

#[test]
fn other_ids_of_an_agent() {
    check(
        &[
            stated(r#"{"mbox":"mailto:ann@a.example","name":"Ann"}"#, "viewed", "", 5),
            stated(r#"{"mbox_sha1sum":"ebd31e95054c018b10727ccffd2ef2ec3a016ee9"}"#, "viewed", "", 5),
            stated(r#"{"openid":"https://id.example/bob"}"#, "viewed", "", 5),
            stated(
                r#"{"account":{"homePage":"https://a.example","name":""},"mbox":"mailto:ann@a.example"}"#,
                "viewed",
                "",
                6,
            ),
            stated(r#"{"name":"nobody"}"#, "viewed", "", 6),
        ],
        &[("ebd31e95054c018b10727ccffd2ef2ec3a016ee9", 1), ("https://id.example/bob", 1), ("mailto:ann@a.example", 2)],
    );
}

#[test]
fn the_act_of_a_group_is_that_of_its_members() {
    let (home, ann, bob) =
        ("https://a.example", account("https://a.example", "\"ann\""), account("https://a.example", "\"bob\""));
    let group = |id: &str, members: &str| format!(r#"{{"objectType":"Group",{id}"member":[{members}]}}"#);
    let id = format!(r#""account":{{"homePage":"{home}","name":"team-1"}},"#);
    let lines = [
        stated(&ann, "viewed", "", 5),
        stated(&group(&id, &format!("{ann},{bob},{ann}")), "viewed", "", 6),
        stated(&group("", &bob), "viewed", "", 7),
        stated(&format!(r#"{{"member":[{bob}]}}"#), "viewed", "", 7),
        stated(&format!(r#"{{"objectType":"Group",{}}}"#, id.trim_end_matches(',')), "viewed", "", 7),
        stated(&group(&id, r#"{"name":"nobody"}"#), "viewed", "", 7),
    ];
    check(&lines, &[("ann", 2), ("bob", 3)]);
    let tally = tally(&lines);
    assert_eq!(
        in_words(&tally),
        "4 of 6 used\n2 no_learner: log.jsonl:5: its actor is a group that names no members \
         | log.jsonl:6: its actor is a group that names no members"
    );
}

#[test]
fn a_voided_statement_never_counted() {
    let id = |number: u32| format!(r#","id":"0a000000-0000-4000-8000-00000000000{number}""#);
    let ann = account("https://a.example", "\"ann\"");
    let bob = account("https://a.example", "\"bob\"");
    let voids = |number: u32, day: u32| {
        format!(
            "{{\"id\":\"0b000000-0000-4000-8000-00000000000{number}\",\"actor\":{{\"mbox\":\"mailto:admin@a.example\"}},\
             \"verb\":{{\"id\":\"http://adlnet.gov/expapi/verbs/voided\"}},\"object\":{{\"objectType\":\"StatementRef\",\
             \"id\":\"0A000000-0000-4000-8000-00000000000{number}\"}},\"timestamp\":\"2026-03-{day:02}T10:00:00Z\"}}\n"
        )
    };
    let first =
        [stated(&ann, "viewed", &id(1), 5), stated(&ann, "viewed", &id(2), 6), stated(&bob, "viewed", &id(3), 20)];
    // Before what it voids, in the same file, and in another one.
    let second = [voids(3, 1), voids(1, 2), voids(9, 2)];
    for files in [[first.concat(), second.concat()], [second.concat(), first.concat()]] {
        let folder = Folder::of(&[("a.jsonl", files[0].as_bytes()), ("b.jsonl", files[1].as_bytes())]);
        let source = open(folder.path()).unwrap();
        assert_eq!(events(&source), [format!("{COURSE}/ann 2026-01-06T10:00:00 viewed")]);
        // Nor do they make a learner, or a calendar.
        assert_eq!(enrolments(&source), [format!("{COURSE}/ann ann - - -")]);
        assert_eq!(source.roster.courses[0].days, 1);
        let tally = read(&source).unwrap().tally;
        assert_eq!((tally.read, tally.used, rows(&tally, Reason::Voided)), (6, 1, 5));
    }
    // A log of such statements alone has nobody.
    let alone = Folder::of(&[("a.jsonl", voids(1, 1).as_bytes())]);
    assert_eq!(
        outcome(alone.path(), &OpenOptions::default()),
        "error: a.jsonl: none of the log's 1 rows is about a learner in a course: 1 voided (a.jsonl line 1: \
         a statement that another one voids, or one that voids another)"
    );
}

/// A Caliper event of this actor, group, type and action.
fn sent(actor: &str, group: &str, kind: &str, action: &str, object: &str, day: u32) -> String {
    format!(
        "{{\"type\":\"{kind}\",\"action\":\"{action}\",\"actor\":{actor},\"object\":{object},\"group\":{group},\
         \"eventTime\":\"2026-01-{day:02}T10:00:00.000Z\"}}\n"
    )
}

#[test]
fn whoever_grades_is_no_learner_and_a_grade_is_no_activity() {
    let person = |name: &str| format!(r#"{{"id":"{name}","type":"Person"}}"#);
    let section = format!(r#"{{"id":"{COURSE}","type":"CourseSection"}}"#);
    let attempt = r#"{"id":"a1","type":"Attempt","assignee":{"id":"ann","type":"Person"},"assignable":"q1"}"#;
    let machine = r#"{"id":"grader","type":"SoftwareApplication"}"#;
    let lines = [
        sent(&person("ann"), &section, "ViewEvent", "Viewed", r#"{"id":"p"}"#, 5),
        sent(&person("tess"), &section, "GradeEvent", "Graded", attempt, 6),
        sent(machine, &section, "GradeEvent", "Graded", attempt, 6),
        sent(&person("ann"), &section, "GradeEvent", "Graded", attempt, 7),
        sent(machine, &section, "ViewEvent", "Viewed", r#"{"id":"p"}"#, 7),
    ];
    check(&lines, &[("ann", 2)]);
}

#[test]
fn the_course_of_a_group_that_is_part_of_it() {
    let ann = r#"{"id":"ann","type":"Person"}"#;
    let page = r#"{"id":"p"}"#;
    let viewed = |group: &str, day| sent(ann, group, "ViewEvent", "Viewed", page, day);
    let section = format!(r#"{{"id":"{COURSE}","type":"CourseSection"}}"#);
    for group in [
        section.clone(),
        format!(r#""{COURSE}""#),
        format!(r#"{{"id":"{COURSE}","type":"lis:CourseSection"}}"#),
        format!(r#"{{"id":"{COURSE}","type":["Organization","CourseSection"]}}"#),
        format!(r#"{{"subOrganizationOf":{{"id":"d","type":"Department"}},"id":"{COURSE}","type":"CourseOffering"}}"#),
        format!(r#"{{"id":"d","type":"Department","subOrganizationOf":{section}}}"#),
        format!(r#"{{"id":"d","type":"Organization"}},"membership":{{"member":"ann","organization":{section}}}"#),
        format!(r#"{{"id":"g1","type":"Group","subOrganizationOf":{section}}}"#),
        format!(r#"{{"id":"g1","type":"Group","subOrganizationOf":"{COURSE}"}}"#),
        format!(
            r#"{{"id":"g1","type":"Group","subOrganizationOf":{{"id":"g2","type":"Group","subOrganizationOf":{section}}}}}"#
        ),
        format!(
            r#"{{"@id":"{COURSE}","@type":"http://purl.imsglobal.org/caliper/v1/lis/CourseSection","subOrganizationOf":{{"@id":"o","@type":"http://purl.imsglobal.org/caliper/v1/lis/CourseOffering"}}}}"#
        ),
        format!(r#"null,"membership":{{"member":"ann","organization":{section},"roles":["Learner"]}}"#),
    ] {
        let log = folder(&[viewed(&group, 5)]);
        let source = open(log.path()).unwrap();
        assert_eq!(source.roster.courses[0].id, COURSE, "{group}");
    }
    for group in [
        r#"{"id":"g1","type":"Group"}"#,
        r#"{"id":"uni","type":"Organization"}"#,
        r#"{"id":"uni","type":"http://purl.imsglobal.org/caliper/v1/w3c/Organization"}"#,
        r#"{"id":"d","type":"Department","subOrganizationOf":"uni"}"#,
        r#"{"id":"g1","type":"Group","subOrganizationOf":{"id":"d","type":"Department","subOrganizationOf":{"id":"uni"}}}"#,
        r#"null,"membership":{"member":"ann","organization":{"id":"uni","type":"Organization"}}"#,
    ] {
        let lost = folder(&[viewed(group, 5), viewed(&section, 5)]);
        let found = outcome(lost.path(), &OpenOptions::default());
        assert_eq!(found, "1 of 2 used\n1 no_course: log.jsonl:1: no course", "{group}");
    }
    // An organisation whose id is a course's of Open edX is that course.
    let edx = folder(&[viewed(r#"{"id":"http://l/course/course-v1:A+B+C","type":"Organization"}"#, 5)]);
    assert_eq!(open(edx.path()).unwrap().roster.courses[0].id, "course-v1:A+B+C");
}

#[test]
fn descriptions_of_entities_beside_events_in_an_envelope() {
    let ann = r#"{"id":"ann","type":"Person"}"#;
    let event =
        sent(ann, &format!(r#"{{"id":"{COURSE}","type":"CourseSection"}}"#), "ViewEvent", "Viewed", r#"{"id":"p"}"#, 5);
    let described = r#"{"@context":"http://purl.imsglobal.org/ctx/caliper/v1p1","id":"ann","type":"Person","name":"Ann","dateModified":"2026-01-01T00:00:00.000Z"}"#;
    let old = r#"{"@id":"p","@type":"http://purl.imsglobal.org/caliper/v1/WebPage"}"#;
    let envelope = format!(
        r#"{{"sensor":"s","sendTime":"2026-01-05T10:00:00.000Z","data":[{described},{},{old}]}}"#,
        event.trim()
    );
    for file in [envelope, [described, "\n", &event, old, "\n"].concat()] {
        let folder = Folder::of(&[("log.json", file.as_bytes())]);
        let tally = read(&open(folder.path()).unwrap()).unwrap().tally;
        assert_eq!((tally.used, rows(&tally, Reason::FilteredOut), tally.rejected()), (1, 2, 0));
    }
}

#[test]
fn caliper_1_0_beside_1_2() {
    let iris = "http://purl.imsglobal.org";
    let old = |name: &str, day: u32| {
        format!(
            "{{\"@context\":\"{iris}/ctx/caliper/v1/Context\",\"@type\":\"{iris}/caliper/v1/SessionEvent\",\
             \"action\":\"{iris}/vocab/caliper/v1/action#LoggedIn\",\"actor\":{{\"@id\":\"{name}\",\"@type\":\"{iris}/caliper/v1/lis/Person\"}},\
             \"object\":{{\"@id\":\"p\",\"@type\":\"{iris}/caliper/v1/SoftwareApplication\"}},\"group\":{{\"@id\":\"{COURSE}\",\
             \"@type\":\"{iris}/caliper/v1/lis/CourseSection\"}},\"eventTime\":\"2026-01-{day:02}T10:00:00.000Z\"}}\n"
        )
    };
    let new = sent(
        r#"{"id":"ann","type":"Person"}"#,
        &format!(r#"{{"id":"{COURSE}","type":"CourseSection"}}"#),
        "SessionEvent",
        "LoggedIn",
        r#"{"id":"p"}"#,
        5,
    );
    let log = folder(&[new, old("bob", 6)]);
    let source = open(log.path()).unwrap();
    assert_eq!(
        events(&source),
        [
            format!("{COURSE}/ann 2026-01-05T10:00:00 SessionEvent.LoggedIn"),
            format!("{COURSE}/bob 2026-01-06T10:00:00 SessionEvent.LoggedIn")
        ]
    );
}

#[test]
fn a_word_for_a_missing_value_is_nobody() {
    for word in ["NA", "NaN", "None", "NULL", "<NA>"] {
        let named = format!("\"username\":\"{word}\",");
        check(
            &[
                tracked("play_video", "\"username\":\"ann\",", ",\"user_id\":7", "", 1),
                tracked("play_video", &named, ",\"user_id\":7", "", 2),
                tracked("play_video", &named, "", "", 3),
            ],
            &[("ann", 2)],
        );
        let nobody = account("https://lms.example", &format!("\"{word}\""));
        let ann = account("https://lms.example", "\"ann\"");
        check(&[stated(&ann, "viewed", "", 1), stated(&nobody, "viewed", "", 2)], &[("ann", 1)]);
    }
}

#[test]
fn lists_of_statements_anywhere_in_a_log_of_single_ones_are_read() {
    let one = |name: &str, page: u32, day: u32| {
        let id = format!(",\"id\":\"{name}-{page}-{day}\"");
        stated(&account("https://lms.example", &format!("\"{name}\"")), "viewed", &id, day)
    };
    // Longer than the part of a file by which it is told.
    let some = |from: u32| (from..from + 300).map(|page| one("ann", page, 1 + page % 28)).collect::<String>();
    assert!(some(0).len() > 100_000);
    let list = |name: &str| {
        let list: Vec<String> = (1..11).map(|day| one(name, 0, day).trim_end().to_owned()).collect();
        list.join(",")
    };
    let envelope = format!("{{\"statements\":[{}],\"more\":\"\"}}\n", list("bob"));
    let array = format!("[{}]\n", list("cleo"));
    for lists in [[&envelope, &array], [&array, &envelope]] {
        let log = [&some(0), lists[0], &some(300), lists[1]].map(String::as_str).concat();
        let bytes = [log.as_bytes().to_vec(), crate::common::gzip(log.as_bytes())];
        for (name, bytes) in ["log.jsonl", "log.jsonl.gz"].into_iter().zip(bytes) {
            let folder = Folder::of(&[(name, &bytes)]);
            let source = open(folder.path()).unwrap();
            let expected = [("ann", 600), ("bob", 10), ("cleo", 10)].map(|(name, count)| (name.to_owned(), count));
            assert_eq!(learners(&source), expected, "{name}");
            assert_eq!(read(&source).unwrap().tally.rejected(), 0, "{name}");
        }
    }
}

#[test]
fn who_only_does_what_a_course_team_does_is_no_learner() {
    let (line, context) = (r#""username":"tess","#, r#","user_id":1"#);
    let by_tess = |name: &str, event: &str| tracked(name, line, context, event, 6);
    let ann = [5, 7].map(|day| tracked("page_close", r#""username":"ann","#, r#","user_id":7"#, "", day));
    let path = |rest: &str| by_tess(&format!("/courses/{EDX}/{rest}"), "");
    let mut all: Vec<String> = [
        "list-students",
        "dump-grades",
        "dump-grades-csv-raw",
        "dump-answer-dist-csv",
        "list-staff",
        "add-instructor",
        "add-or-remove-user-group",
        "remove-forum-community-TA",
        "psychometrics-histogram-generation",
        "rescore-all-submissions",
        "reset-student-attempts",
        "delete-student-module-state",
        "get-student-progress-page",
        "problem_rescore",
        "problem_rescore_fail",
        "edx.cohort.created",
        "edx.cohort.creation_requested",
        "edx.cohort.email_address_preassigned",
        "edx.instructor.report.requested",
        "edx.bulk_email.sent",
        "edx.certificate.generation.enabled",
        "edx.certificate.configuration.created",
        "edx.forum.thread.pinned",
    ]
    .map(|name| by_tess(name, ""))
    .into();
    // What they do about a learner, who is one by it or is one anyway.
    all.extend(
        [
            "edx.cohort.user_add_requested",
            "edx.cohort.user_added",
            "edx.cohort.user_removed",
            "edx.course.enrollment.activated",
            "edx.course.enrollment.mode_changed",
            "edx.grades.problem.rescored",
            "edx.grades.problem.score_overridden",
            "edx.grades.problem.state_deleted",
            "edx.grades.subsection.score_overridden",
            "edx.certificate.created",
        ]
        .map(|name| by_tess(name, r#""user_id":7"#)),
    );
    all.extend(
        [
            "instructor#view-data_download",
            "instructor/api/get_students_features/csv",
            "gradebook/0",
            "grade_summary",
            "cohorts/settings",
            "masquerade",
            "submission_history/ann/block",
            "progress/7",
        ]
        .map(path),
    );
    all.extend(
        [
            format!("/course/{EDX}?show=x"),
            format!("/export/{EDX}"),
            format!("/import/{EDX}"),
            format!("/settings/details/{EDX}"),
            format!("/course_team/{EDX}/"),
            "/container/block-v1:Org+C1+2026+type@vertical+block@v".to_owned(),
            format!("/group_configurations/{EDX}"),
        ]
        .map(|path| by_tess(&path, "")),
    );
    // Whatever the name, by where it comes from: a task, a page, the host of Studio.
    let server = "\"event_source\":\"server\"";
    let problem = by_tess("problem_check", "");
    all.push(problem.replace(server, "\"event_source\":\"task\",\"page\":\"x_module_task\""));
    all.push(problem.replace(server, "\"event_source\":\"server\",\"page\":\"idashboard\""));
    let page = format!("\"event_source\":\"browser\",\"page\":\"https://lms.example/courses/{EDX}/instructor#view\"");
    all.push(by_tess("page_close", "").replace(server, &page));
    all.push(by_tess("page_close", "").replace(server, "\"event_source\":\"browser\",\"host\":\"studio.lms.example\""));
    for one in &all {
        let lines = [ann[0].clone(), one.clone(), ann[1].clone()];
        let log = folder(&lines);
        let source = open(log.path()).unwrap();
        assert_eq!(learners(&source), [("ann".to_owned(), 2)], "{one}");
        assert_eq!(in_words(&read(&source).unwrap().tally), "3 of 3 used", "{one}");
    }
    // What learners do is not mistaken for it.
    for one in [
        by_tess("change-email-settings", ""),
        by_tess("problem_reset", ""),
        by_tess("xblock.image-explorer.hotspot.opened", ""),
        by_tess(&format!("/api/courseware/course/{EDX}"), ""),
        path("progress"),
        path("progress/"),
        path("courseware/a/b/"),
    ] {
        let log = folder(&[ann[0].clone(), one.clone(), ann[1].clone()]);
        assert_eq!(learners(&open(log.path()).unwrap()).len(), 2, "{one}");
    }
}

#[test]
fn user_ids_of_two_sites_in_one_folder_are_said() {
    let line = |name: &str, id: u32, host: &str, day: u32| {
        let who = format!(r#""username":"{name}","host":"{host}","#);
        tracked("page_close", &who, &format!(r#","user_id":{id}"#), "", day)
    };
    let notices = |a: &[String], b: &[String]| {
        let folder = Folder::of(&[("a.log", a.concat().as_bytes()), ("b.log", b.concat().as_bytes())]);
        open(folder.path()).unwrap().notices
    };
    let (north, south) = ("lms.north.example", "lms.south.example");
    let said = |with_several_names: u64, at_several_sites: u64, files: &[&str]| {
        let files = files.iter().map(|&file| file.to_owned()).collect();
        vec![Notice::SharedUserIds { with_several_names, at_several_sites, files }]
    };
    assert_eq!(notices(&[line("ann", 7, north, 5)], &[line("ann", 7, "studio.north.example:8000", 6)]), []);
    assert_eq!(notices(&[line("ann", 7, north, 5)], &[line("bob", 8, south, 6)]), []);
    assert_eq!(notices(&[line("ann", 7, north, 5)], &[line("ann", 7, south, 6)]), said(0, 1, &["a.log", "b.log"]));
    assert_eq!(notices(&[line("ann", 7, north, 5)], &[line("bob", 7, north, 6)]), said(1, 0, &["a.log", "b.log"]));
    let in_one = [line("ann", 7, north, 5), line("bob", 7, south, 6)];
    assert_eq!(notices(&in_one, &[line("cho", 9, south, 6)]), said(1, 1, &["a.log"]));
}

#[test]
fn one_person_in_other_letters_is_one_person() {
    let viewed = |home: &str, day| stated(&account(home, "\"Ann\""), "viewed", "", day);
    check(&[viewed("https://LMS.example/A", 5), viewed("HTTPS://lms.Example/A/", 6)], &[("Ann", 2)]);
    // What stands behind the host may differ by its letters.
    check(
        &[viewed("https://lms.example/A", 5), viewed("https://lms.example/a", 6)],
        &[("Ann", 1), ("lms.example/a|Ann", 1)],
    );
    let by_mail = |mail: &str, day| stated(&format!(r#"{{"mbox":"{mail}"}}"#), "viewed", "", day);
    check(
        &[by_mail("mailto:ann@a.example", 5), by_mail("MAILTO:ann@A.Example", 6), by_mail("mailto:Ann@a.example", 7)],
        &[("mailto:Ann@a.example", 1), ("mailto:ann@a.example", 2)],
    );
    let member = account("https://a.example", "\"ann\"");
    check(&[stated(&format!(r#"{{"objectType":"group","member":[{member}]}}"#), "viewed", "", 5)], &[("ann", 1)]);
    let group = r#"{"objectType":"group","account":{"homePage":"https://a.example","name":"team"}}"#;
    let lines = [stated(&member, "viewed", "", 5), stated(group, "viewed", "", 5)];
    check(&lines, &[("ann", 1)]);
}
