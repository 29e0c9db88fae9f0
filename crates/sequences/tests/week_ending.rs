//! Weeks that end on a given date.

mod common;

use common::made::Parts;
use common::{Log, check};
use staycast_events::formats::{OpenOptions, open};
use staycast_events::time::{parse_date, parse_instant};
use staycast_events::{Activity, Detail, Enrolment, EventKind, Names};
use staycast_sequences::{
    BuildError, BuildMode, BuildOptions, CutOff, Dataset, DropoutRule, Exclusion, SequenceFolder, Standing, Unwatched,
    build, standing,
};

/// A course of 30 days from Monday, 2 June 2014, and one that begins on the Thursday.
const LOG: Log<'static> = Log {
    courses: "maths,2014-06-02,2014-07-01\nphysics,2014-06-05,2014-07-04\n",
    enrolments: "1,ann,maths\n2,ann,physics\n3,bob,maths\n",
    objects: "",
    // Wednesday the 4th ends maths' first week, of three days; Thursday the 5th begins the second.
    events: "\
1,2014-06-01T08:00:00,server,access,a
1,2014-06-02T08:00:00,server,access,a
1,2014-06-04T23:59:59,server,access,b
1,2014-06-05T00:00:00,server,access,c
1,2014-06-11T23:59:59,server,access,a
1,2014-06-12T00:00:00,server,access,a
2,2014-06-06T08:00:00,server,access,a
3,2014-06-17T00:00:00,server,access,a
3,2014-07-01T23:59:59,server,access,a
2,2014-07-04T23:59:59,server,access,a
",
};

fn ending(date: &str) -> BuildOptions {
    BuildOptions { week_ending: parse_date(date.as_bytes()), ..BuildOptions::default() }
}

#[test]
fn weeks_are_the_seven_days_up_to_it_and_those_in_step() {
    let data = LOG.sequences(&ending("2014-06-25"));
    let cuts: Vec<(u32, u32, u32)> =
        data.courses.iter().map(|course| (course.first_week_days, course.weeks, course.days)).collect();
    // Maths: 3 + 7 + 7 + 7 + 6. Physics is in step: 7 + 7 + 7 + 7 + 2.
    assert_eq!(cuts, [(3, 5, 30), (7, 5, 30)]);
    check(
        &data,
        "1",
        0,
        &[
            ("n_events", Some(2.0)),
            ("active_days", Some(2.0)),
            ("first_active_day", Some(0.0)),
            ("last_active_day", Some(2.0)),
            ("n_day_2", Some(1.0)),
            ("n_day_3", None),
            ("n_weekday_mon", Some(1.0)),
            ("n_weekday_wed", Some(1.0)),
            ("days_since_last", Some(1.0 / 86_400.0)),
            // Physics' Friday is not one of these three days.
            ("other_courses", Some(0.0)),
        ],
    );
    check(
        &data,
        "1",
        1,
        &[
            ("n_events", Some(2.0)),
            ("n_day_0", Some(1.0)),
            ("n_day_6", Some(1.0)),
            ("n_weekday_thu", Some(1.0)),
            ("n_weekday_wed", Some(1.0)),
            ("change_events", Some(0.0)),
            ("other_courses", Some(1.0)),
            // Of ann alone: bob is first seen in week 2.
            ("rank_events", Some(0.5)),
        ],
    );
    check(&data, "1", 2, &[("n_events", Some(1.0)), ("total_events", Some(5.0)), ("rank_events", Some(0.5))]);
    check(&data, "3", 4, &[("n_events", Some(1.0)), ("n_day_5", Some(1.0)), ("n_day_6", None)]);
    // A week earlier or later is the same cut.
    let bits = |data: &Dataset| -> Vec<u32> { data.values().iter().map(|value| value.to_bits()).collect() };
    assert!(bits(&data) == bits(&LOG.sequences(&ending("2014-05-28"))));
    assert_eq!(data.manifest.build.week_ending.as_deref(), Some("2014-06-25"));
}

/// Weeks of edX's report take no notice of when a course starts.
#[test]
fn a_short_first_week_of_edx_engagement_is_whole() {
    let kind = |raw: &str, activity, detail| EventKind::new(raw, activity).with_detail(detail);
    let event =
        |at: &str, what: &str, object: &str| ("e".to_owned(), at.to_owned(), what.to_owned(), object.to_owned(), 1);
    let parts = Parts {
        // A Thursday; the week ends with Saturday, the 7th, and begins with Sunday, the 1st.
        courses: vec![("c".to_owned(), "2014-06-05".to_owned(), 30)],
        enrolments: vec![("c".to_owned(), Enrolment { names: Names::new("e", ""), ..Enrolment::default() })],
        register: true,
        kinds: vec![
            kind("right", Activity::Problem, Detail::AttemptRight),
            kind("play", Activity::Video, Detail::VideoPlayed),
            kind("up", Activity::Discussion, Detail::UpvoteReceived),
        ],
        events: vec![
            event("2014-05-31T23:59:59", "right", "p0"),
            event("2014-06-01T00:00:00", "right", "p1"),
            event("2014-06-03T12:00:00", "up", "t"),
            event("2014-06-04T23:59:59", "play", "v"),
            event("2014-06-05T00:00:00", "right", "p1"),
            event("2014-06-07T23:59:59", "right", "p2"),
            event("2014-06-08T00:00:00", "right", "p3"),
        ],
        ..Parts::default()
    };
    let report = |data: &Dataset, week: usize, days: f32, problems: f32, attempts: f32, videos: f32, votes: f32| {
        check(
            data,
            "e",
            week,
            &[
                ("engagement_days_active", Some(days)),
                ("engagement_problems_attempted", Some(problems)),
                ("engagement_problems_correct", Some(problems)),
                ("engagement_problem_attempts", Some(attempts)),
                ("engagement_videos_played", Some(videos)),
                ("engagement_upvotes_received", Some(votes)),
            ],
        );
    };
    let options = ending("2014-06-21");
    let as_of = parse_instant(b"2014-07-30");
    let data = parts.sequences_as_of(as_of, &options);
    assert_eq!(data.courses[0].first_week_days, 3);
    report(&data, 0, 5.0, 2.0, 3.0, 1.0, 1.0);
    report(&data, 1, 1.0, 1.0, 1.0, 0.0, 0.0);
    // Everything else begins with the course.
    check(&data, "e", 0, &[("n_events", Some(2.0)), ("problems_attempted", Some(2.0)), ("active_days", Some(2.0))]);
    // So does the report where no date asks for its weeks.
    let data = parts.sequences_as_of(as_of, &BuildOptions { week_ending: None, ..options });
    report(&data, 0, 3.0, 3.0, 3.0, 0.0, 0.0);
}

#[test]
fn cutoffs_and_limits_go_by_the_same_weeks() {
    let data = LOG.sequences(&ending("2014-06-25"));
    let bob = data.find_enrolment("3").unwrap();
    let at = |weeks: u16| standing(&data, bob, CutOff::after_weeks(weeks).unwrap());
    // Two weeks are over on day 10, three on day 17; bob is first seen on day 15.
    assert_eq!(at(2), Standing::Excluded(Exclusion::NotYetKnown));
    assert_eq!(at(3).exclusion(), None);
    // The last two weeks of maths' calendar begin on day 16, when two weeks are over.
    let rule = DropoutRule::InactiveLast { weeks: 2 };
    assert_eq!(rule.last_cut_off(data.courses[0].week_grid()), CutOff::after_weeks(2));
    let two = LOG.sequences(&BuildOptions { weeks: Some(2), ..ending("2014-06-25") });
    let cuts: Vec<(u32, u32)> = two.courses.iter().map(|course| (course.weeks, course.days)).collect();
    assert_eq!(cuts, [(2, 10), (2, 14)]);
    assert_eq!(two.manifest.rows.set_aside["after_the_calendar"].rows, 4);
}

#[test]
fn it_is_one_of_the_options_that_a_kept_folder_must_have() {
    let folder = tempfile::tempdir().unwrap();
    LOG.write(folder.path());
    let source = open(&[folder.path().to_owned()], &OpenOptions::default()).unwrap();
    let out = folder.path().join("out");
    let again = |options: &BuildOptions| build(&source, options, &out, BuildMode::Resume, &Unwatched);
    again(&ending("2014-06-25")).unwrap();
    assert_eq!(again(&ending("2014-06-25")).unwrap(), *SequenceFolder::open(&out).unwrap().manifest());
    for other in [BuildOptions::default(), ending("2014-06-26")] {
        assert!(matches!(again(&other), Err(BuildError::OtherInput { .. })));
    }
}

#[test]
fn a_source_without_dates_has_no_such_weeks() {
    let folder = tempfile::tempdir().unwrap();
    let table = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    table("courses.csv", "code_module,code_presentation,module_presentation_length\nAAA,2013B,29\n");
    table("studentInfo.csv", "code_module,code_presentation,id_student,final_result\nAAA,2013B,1,Pass\n");
    table("studentVle.csv", "code_module,code_presentation,id_student,id_site,date,sum_click\nAAA,2013B,1,7,0,3\n");
    let source = open(&[folder.path().to_owned()], &OpenOptions::default()).unwrap();
    let error = build(&source, &ending("2014-06-25"), &folder.path().join("out"), BuildMode::Refuse, &Unwatched);
    let words = error.unwrap_err().to_string();
    assert!(words.contains("no calendar dates"), "{words}");
}
