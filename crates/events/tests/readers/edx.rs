//! The `edx` reader.

use staycast_events::formats::{self, OpenOptions};
use staycast_events::time::format_instant;
use staycast_events::{Detail, EnrolmentIndex, ObjectKey, OutcomeKind, Reason};

use crate::common::{Folder, cut, enrolments, events, fixture, gzip, in_words, open, outcome, read, real_data};

/// A folder with this fixture as its only log, called `tracking.log`.
fn folder_of(name: &str) -> Folder {
    let packing = name.split_once(".log").unwrap().1;
    let folder = Folder::of(&[]);
    folder.write(&format!("tracking.log{packing}"), &std::fs::read(fixture(&format!("edx/logs/{name}"))).unwrap());
    folder
}

fn check(name: &str, expected: &str) {
    let options = OpenOptions { format: Some("edx".parse().unwrap()), ..OpenOptions::default() };
    assert_eq!(outcome(folder_of(name).path(), &options), expected, "{name}");
}

const A: &str = "course-v1:edX+Algebra+2026";

#[test]
fn a_sound_log() {
    let source = open(&fixture("edx/base")).unwrap();
    assert_eq!(source.format, "edx");
    assert_eq!(source.reason, "tracking.log has events with event_source, event_type and time");
    assert!(
        source.capabilities.correctness
            && source.capabilities.withdrawals
            && source.capabilities.learners
            && source.capabilities.objects
    );
    let courses: Vec<_> = source
        .roster
        .courses
        .iter()
        .map(|one| (one.id.as_str(), one.start_seconds(), one.days, one.inferred))
        .collect();
    // From the first interaction to the last: the enrolments of 2 January do not begin a course, nor does the certificate end
    // it.
    assert_eq!(courses, [(A, 1_767_571_200, 2, true), ("edX/Botany/2026", 1_767_744_000, 1, true)]);
    assert_eq!(
        enrolments(&source),
        [
            format!("{A}/#9 #9 2026-01-02T10:00:00 - -"),
            format!("{A}/ann ann 2026-01-02T09:00:00 - completed"),
            format!("{A}/bob bob 2026-01-02T10:00:00 2026-01-09T00:00:00 unenrolled"),
            "edX/Botany/2026/ann ann - - -".to_owned(),
            "edX/Botany/2026/bob bob - - -".to_owned(),
        ]
    );
    assert_eq!(
        source.roster.enrolments.get(2).outcome.as_ref().map(|outcome| outcome.kind),
        Some(OutcomeKind::Withdrew)
    );
    assert_eq!(in_words(&read(&source).unwrap().tally), "16 of 16 used");
    let expected: Vec<String> = [
        "ann 2026-01-02T09:00:00 edx.course.enrollment.activated",
        "ann 2026-01-05T08:00:00 url_courseware",
        "ann 2026-01-05T08:01:00 play_video",
        "ann 2026-01-05T08:10:00 unengaged_problem",
        "ann 2026-01-05T08:10:01 problem_check_incorrect",
        "ann 2026-01-05T08:11:00 problem_check_correct",
        "ann 2026-01-06T13:00:00 upvote",
        "ann 2026-01-06T13:00:05 upvote_undone",
        "bob 2026-01-05T08:02:00 play_video",
        "bob 2026-01-06T12:00:00 edx.forum.thread.created",
        "bob 2026-01-06T13:00:00 upvote_received",
        "bob 2026-01-06T13:00:05 upvote_received_undone",
    ]
    .into_iter()
    .map(|event| format!("{A}/{event}"))
    .chain([
        // Without an offset a time is in UTC; the course of the second comes from its page, so it is no engagement.
        "edX/Botany/2026/ann 2026-01-07T09:00:00 book".to_owned(),
        "edX/Botany/2026/bob 2026-01-07T23:30:00 unengaged_page_close".to_owned(),
    ])
    .collect();
    assert_eq!(events(&source), expected);
}

#[test]
fn objects_and_details() {
    let source = open(&fixture("edx/base")).unwrap();
    let all = read(&source).unwrap();
    let told = |detail: Detail| -> Vec<_> {
        let of = |event: &&staycast_events::Event| source.kinds[event.kind() as usize].detail == detail;
        all.events.iter().filter(of).map(|event| event.object()).collect()
    };
    let problem = ObjectKey::from_id(b"block-v1:edX+Algebra+2026+type@problem+block@p1");
    assert_eq!(told(Detail::AttemptRight), [problem]);
    assert_eq!(told(Detail::AttemptWrong), [problem]);
    assert_eq!(told(Detail::VideoPlayed), [ObjectKey::from_id(b"i4x-edX-video-v1"); 2]);
    assert_eq!(told(Detail::Post), [ObjectKey::from_id(b"t1")]);
    assert_eq!(told(Detail::UpvoteReceived), [ObjectKey::from_id(b"t1")]);
    assert_eq!(told(Detail::TextbookPage), [ObjectKey::from_id(b"/c4x/leaf.pdf")]);
    let page = ObjectKey::from_id(b"/courses/course-v1:edX+Algebra+2026/courseware/w1/intro/");
    assert!(all.events.iter().any(|event| event.object() == page), "a request's object is its path");
}

#[test]
fn odd_logs_with_the_same_events() {
    let base = open(&fixture("edx/base")).unwrap();
    for name in [
        "syslog_prefix.log",
        "crlf_bom.log",
        "no_last_newline.log",
        "blank_lines.log",
        "other_spelling.log",
        "reversed.log",
        "packed.log.gz",
        "packed.log.zst",
    ] {
        let folder = folder_of(name);
        let source = open(folder.path()).unwrap();
        assert_eq!(source.roster.courses, base.roster.courses, "{name}");
        assert_eq!(source.roster.enrolments, base.roster.enrolments, "{name}");
        assert_eq!(read(&source).unwrap().events, read(&base).unwrap().events, "{name}");
    }
}

#[test]
fn logs_that_can_not_be_read() {
    check("empty.log", "error: tracking.log: the file is empty; the log table needs rows");
    check(
        "comments_only.log",
        "error: tracking.log: none of the log's 2 rows is about a learner in a course: \
         2 comment (tracking.log line 1: a comment)",
    );
    check("binary.log", "error: tracking.log: the file holds zero bytes, which is not read; save it as text in UTF-8");
    check(
        "utf16.log",
        "error: tracking.log: the file is UTF-16, which is not read; convert it to UTF-8, for instance with iconv",
    );
    check("truncated.log.gz", &cut("tracking.log.gz", 10));
}

#[test]
fn logs_of_which_rows_are_counted_out() {
    check(
        "nobody.log",
        "1 of 10 used\n\
         4 no_learner: tracking.log:4: no username and no user id | tracking.log:5: no username and no user id | tracking.log:6: no username and no user id \
         | tracking.log:7: no username and no user id\n\
         3 no_course: tracking.log:8: no course | tracking.log:9: no course | tracking.log:10: no course\n\
         2 comment: tracking.log:2: a comment | tracking.log:3: a comment",
    );
    check(
        "malformed.log",
        "2 of 10 used\n\
         5 malformed: tracking.log:2: not JSON: a string that does not end | tracking.log:3: no JSON object \
         | tracking.log:5: no JSON object | tracking.log:6: not JSON: something after its end \
         | tracking.log:7: not JSON: a key without a colon\n\
         2 bad_value: tracking.log:9: course_id of shape `aaaaaaa` is no course's \
         | tracking.log:10: course_id of shape `aaaaaa-a9:aaa+aaaaaaa` is no course's\n\
         1 no_learner: tracking.log:4: no username and no user id",
    );
    check(
        "bad_times.log",
        "1 of 6 used\n\
         5 bad_time: tracking.log:2: no time \
         | tracking.log:3: time of shape `aaaa` is not YYYY-MM-DDTHH:MM:SS or seconds since 1970; write it so in the file \
         | tracking.log:4: time of shape `9999-99-99a99:99:99` is not YYYY-MM-DDTHH:MM:SS or seconds since 1970; write it so in the file \
         | tracking.log:5: time of shape `9999-99-99 99:99:99` is not YYYY-MM-DDTHH:MM:SS or seconds since 1970; write it so in the file \
         | tracking.log:6: no time",
    );
    check("not_utf8.log", "1 of 2 used\n1 not_utf8: tracking.log:2: bytes that are not UTF-8");
}

#[test]
fn where_the_course_stands() {
    let folder = folder_of("courses.log");
    let source = open(folder.path()).unwrap();
    assert_eq!(
        events(&source),
        [
            format!("{A}/ann 2026-01-05T08:01:00 play_video"),
            format!("{A}/ann 2026-01-05T08:01:00 unengaged_video"),
            format!("{A}/ann 2026-01-05T08:01:00 unengaged_video"),
            format!("{A}/ann 2026-01-05T08:01:00 unengaged_discussion"),
            "edX/Algebra/2026/ann 2026-01-05T08:01:00 unengaged_wiki".to_owned(),
        ]
    );
}

#[test]
fn nobody_in_a_course() {
    let folder = Folder::of(&[(
        "tracking.log",
        br#"{"username": "", "event_source": "server", "event_type": "/", "time": "2026-01-01T00:00:00", "event": {}}
"#,
    )]);
    assert_eq!(
        outcome(folder.path(), &OpenOptions::default()),
        "error: tracking.log: none of the log's 1 rows is about a learner in a course: \
         1 no_learner (tracking.log line 1: no username and no user id)"
    );
}

#[test]
fn course_dates_from_a_file() {
    let dates = Folder::of(&[("dates.csv", b"course_id,from,to\nedX/Botany/2026,2026-01-07,2026-01-07\n")]);
    let options = OpenOptions { courses: Some(dates.path().join("dates.csv")), ..OpenOptions::default() };
    let inputs = [fixture("edx/base")];
    let source = formats::open(&inputs, &options).unwrap();
    assert!(!source.roster.courses[0].inferred);
    assert_eq!(source.left_out.total(), 3);
    let tally = read(&source).unwrap().tally;
    assert_eq!(tally.used, 2);
    assert_eq!(tally.rejected(), 14);
}

#[test]
fn events_years_apart_need_dates() {
    let line = |time: &str| {
        format!(
            r#"{{"username":"ann","event_source":"browser","event_type":"page_close","time":"{time}","context":{{"course_id":"a/b/c"}},"event":"{{}}"}}"#
        ) + "\n"
    };
    let folder = Folder::of(&[("t.log", (line("1980-01-01T00:00:00") + &line("2026-01-01T00:00:00")).as_bytes())]);
    assert_eq!(
        outcome(folder.path(), &OpenOptions::default()),
        "error: the events of course a/b/c lie from 1980-01-01 to 2026-01-01, too far apart to infer \
         when it runs; give its dates"
    );
}

#[test]
fn a_log_in_parts_beside_other_files() {
    let log = std::fs::read_to_string(fixture("edx/base/tracking.log")).unwrap();
    let (first, second) = log.split_at(log.match_indices('\n').nth(7).unwrap().0 + 1);
    let folder = Folder::of(&[
        ("README.txt", b"about this"),
        ("a.log", first.as_bytes()),
        ("b.log.gz", &gzip(second.as_bytes())),
    ]);
    let source = open(folder.path()).unwrap();
    assert_eq!(events(&source), events(&open(&fixture("edx/base")).unwrap()));
    assert_eq!(source.inputs.len(), 2);
}

#[test]
fn coming_back_after_a_withdrawal() {
    let change = |what: &str, day: u32| {
        format!(
            r#"{{"username":"ann","event_source":"server","event_type":"edx.course.enrollment.{what}","time":"2026-01-{day:02}T00:00:00","context":{{"course_id":"a/b/c","user_id":7}},"event":{{"course_id":"a/b/c","user_id":7}}}}"#
        ) + "\n"
    };
    let one = |lines: &[String]| {
        let folder = Folder::of(&[("t.log", lines.concat().as_bytes())]);
        enrolments(&open(folder.path()).unwrap()).remove(0)
    };
    let (on, off, on_again) = (change("activated", 1), change("deactivated", 3), change("activated", 5));
    let until_3 = one(&[on.clone(), off.clone()]);
    assert_eq!(until_3, "a/b/c/ann ann 2026-01-01T00:00:00 2026-01-03T00:00:00 unenrolled");
    // What came later changes nothing of what was known on day 3, only how it ended.
    let until_5 = one(&[on, off.clone(), on_again.clone()]);
    assert_eq!(until_5, "a/b/c/ann ann 2026-01-01T00:00:00 2026-01-03T00:00:00 -");
    // Enrolled before the log begins: nobody knows since when.
    assert_eq!(one(&[off, on_again]), "a/b/c/ann ann - 2026-01-03T00:00:00 -");
}

/// Lines of ann: what she did and the day of January 2026 on which she did it.
fn log_of_ann(interactions: &[(&str, u32)]) -> Folder {
    let line = |(what, day): &(&str, u32)| {
        format!(
            r#"{{"username":"ann","event_source":"server","event_type":"{what}","time":"2026-01-{day:02}T00:00:00","context":{{"course_id":"a/b/c","user_id":7}},"event":{{"course_id":"a/b/c","user_id":7}}}}"#
        ) + "\n"
    };
    Folder::of(&[("t.log", interactions.iter().map(line).collect::<String>().as_bytes())])
}

#[test]
fn an_enrolment_after_the_first_interaction_does_not_hide_what_was_known_before_it() {
    let one = |interactions: &[(&str, u32)]| enrolments(&open(log_of_ann(interactions).path()).unwrap()).remove(0);
    let (looks, enrols) = (("/courses/a/b/c/about", 2), ("edx.course.enrollment.activated", 5));
    // Until she enrols she is known by what she did: that she will can't change it.
    assert_eq!(one(&[looks]), "a/b/c/ann ann - - -");
    assert_eq!(one(&[looks, enrols]), "a/b/c/ann ann - - -");
    // That she passes is a fact, and no interaction.
    let passes = ("edx.course.grade.passed.first_time", 3);
    assert_eq!(one(&[passes, enrols]), "a/b/c/ann ann 2026-01-05T00:00:00 - completed");
    assert_eq!(one(&[enrols, ("/courses/a/b/c/about", 5)]), "a/b/c/ann ann 2026-01-05T00:00:00 - -");
}

#[test]
fn withdrawals_are_recorded_before_the_first_one() {
    let capabilities = |interactions: &[(&str, u32)]| open(log_of_ann(interactions).path()).unwrap().capabilities;
    let (looks, leaves) = (("/courses/a/b/c/about", 2), ("edx.course.enrollment.deactivated", 5));
    assert!(capabilities(&[looks]).withdrawals);
    assert_eq!(capabilities(&[looks]), capabilities(&[looks, leaves]));
}

#[test]
fn real_logs_have_the_rows_they_are_known_to_have() {
    let Some(folder) = real_data("edx") else { return };
    let source = open(&folder).unwrap();
    assert_eq!(source.format, "edx");
    let all = read(&source).unwrap();
    // Counted by a script of its own that reads the files with Python's json.
    assert_eq!(all.tally.read, 15 + 24 + 207 + 25, "blank lines are no rows");
    assert_eq!(all.tally.used + all.rows(Reason::AfterCalendar), 15 + 13 + 189 + 18);
    assert_eq!([Reason::NoLearner, Reason::NoCourse, Reason::Comment].map(|reason| all.rows(reason)), [12, 6, 18]);
    assert_eq!(all.tally.rejected(), 0);
    let counts = all.by_kind(&source.kinds);
    let count = |kind: &str| counts.iter().find(|(raw, _)| raw == kind).map_or(0, |(_, count)| *count);
    for (kind, expected) in [
        ("play_video", 12 + 9),
        ("pause_video", 5),
        ("seek_video", 4 + 2),
        ("page_close", 6),
        ("url_courseware", 8),
        // The dashboard's, and what the staff asks of one learner's submissions.
        ("url_instructor", 41 + 1),
        ("problem_check_correct", 5),
        ("problem_check_incorrect", 4),
        // Nine checks and nine gradings by the browser.
        ("unengaged_problem", 9 + 9),
        ("edx.forum.thread.created", 4),
        ("upvote", 6),
        ("upvote_undone", 1),
        ("upvote_received", 6),
        ("upvote_received_undone", 1),
    ] {
        assert_eq!(count(kind), expected, "{kind}");
    }
    // Six enrolments made for others name them by number; five of these act under their names elsewhere.
    assert_eq!(source.roster.enrolments.len(), 20);
    assert!(source.roster.enrolments.iter().all(|one| !one.learner().starts_with('#') && one.learner() != "anonymous"));
    let honor = source.roster.enrolments.iter().find(|one| one.id() == "edX/Open_DemoX/edx_demo_course/honor").unwrap();
    let start = source.roster.course_of(EnrolmentIndex(16)).start_seconds();
    let instant = |seconds: Option<i32>| format_instant(start + i64::from(seconds.unwrap()));
    assert_eq!(instant(honor.enrolled_seconds), "2014-04-18T17:09:59");
    assert_eq!(instant(honor.withdrawn_seconds), "2014-08-01T18:34:05");
}

#[test]
fn courses_by_their_addresses() {
    let line = |course: &str, day: u32| {
        format!(
            r#"{{"username":"ann","event_source":"browser","event_type":"seq_next","event":"","context":{{"course_id":"{course}","user_id":7}},"time":"2026-01-{day:02}T10:00:00+00:00"}}"#
        )
    };
    let text: Vec<String> = [
        A,
        "https://lms.example/courses/course-v1:edX+Algebra+2026",
        "https://lms.example/courses/course-v1:edX+Algebra+2026/",
        "https://lms.example/courses/course-v1%3AedX%2BAlgebra%2B2026/about",
        "/courses/course-v1:edX+Algebra+2026/course/?x=1",
    ]
    .iter()
    .zip(5..)
    .map(|(course, day)| line(course, day))
    .chain([line("https://lms.example/courses/", 6)])
    .collect();
    let folder = Folder::of(&[("tracking.log", text.join("\n").as_bytes())]);
    let source = open(folder.path()).unwrap();
    assert_eq!(enrolments(&source), [format!("{A}/ann ann - - -")]);
    assert_eq!(
        outcome(folder.path(), &OpenOptions::default()),
        "5 of 6 used\n\
         1 bad_value: tracking.log:6: course_id of shape `aaaaa://aaa.aaaaaaa/aaaaaaa/` is no course's"
    );
}

#[test]
fn a_log_that_is_one_array_is_read() {
    let text = String::from_utf8(Folder::copy_of("edx/base").bytes("tracking.log")).unwrap();
    let objects: Vec<&str> = text.lines().filter(|line| line.starts_with('{')).collect();
    let lines = Folder::of(&[("tracking.log", objects.join("\n").as_bytes())]);
    let expected = events(&open(lines.path()).unwrap());
    assert!(expected.len() > 5);
    let indented = |object: &&str| {
        let value: serde_json::Value = serde_json::from_str(object).unwrap();
        serde_json::to_string_pretty(&value).unwrap()
    };
    let pretty: Vec<String> = objects.iter().map(indented).collect();
    for array in [
        format!("[{}]", objects.join(",")),
        format!("[\n{}\n]\n", objects.join(",\n")),
        format!("\u{feff}[\n{}\n]", pretty.join(",\n")),
        pretty.join("\n"),
    ] {
        for name in ["tracking.json", "tracking.log"] {
            let folder = Folder::of(&[(name, array.as_bytes())]);
            let source = open(folder.path()).unwrap_or_else(|error| panic!("{error}\n{}", &array[..200]));
            assert_eq!((source.format, events(&source)), ("edx", expected.clone()), "{}", &array[..200]);
        }
    }
}
