//! Labels by each rule, and when they are not known yet.

mod common;

use common::Log;
use common::made::instant;
use staycast_events::Notice;
use staycast_events::formats::{OpenOptions, open};
use staycast_events::time::parse_instant;
use staycast_sequences::{
    BuildError, BuildMode, BuildOptions, Dataset, DropoutRule, EnrolmentIndex, Selection, SequenceFolder, Unwatched,
    WeekIndex, build,
};

const LOG: Log<'static> = Log {
    courses: "c,2014-06-02,2014-06-29\n",
    enrolments: "1,ann,c\n2,bob,c\n3,cem,c\n4,dee,c\n",
    objects: "",
    // 28 days; the last two weeks begin on 16 June. Dee is seen only after the course.
    events: "\
1,2014-06-03T08:00:00,server,access,a
1,2014-06-16T00:00:00,server,access,a
2,2014-06-15T23:59:59,server,access,a
3,2014-06-03T08:00:00,server,access,a
3,2014-06-29T23:59:59,server,access,a
3,2014-07-05T00:00:00,server,access,a
4,2014-07-09T23:59:59,server,access,a
4,2014-07-12T00:00:00,server,access,a
",
};

fn labels(data: &Dataset) -> Vec<Option<bool>> {
    data.enrolments.iter().map(|row| row.dropout).collect()
}

fn built(rule: DropoutRule, as_of: Option<&str>, weeks: Option<u32>) -> Dataset {
    let as_of = as_of.map(|text| parse_instant(text.as_bytes()).unwrap());
    LOG.sequences_as_of(as_of, &BuildOptions { rule: Some(rule), weeks, ..BuildOptions::default() })
}

#[test]
fn inactive_last_looks_at_the_calendars_last_weeks() {
    let rule = DropoutRule::InactiveLast { weeks: 2 };
    let wanted = vec![Some(false), Some(true), Some(false), Some(true)];
    let data = built(rule, None, None);
    assert_eq!(labels(&data), wanted);
    // The week of the last event, for those who left; dee never was there, and so was gone before the first week.
    let left: Vec<Option<i32>> = data.enrolments.iter().map(|row| row.left_week).collect();
    assert_eq!(left, [None, Some(1), None, Some(-1)]);
    // Fewer weeks of features do not change what happened.
    assert_eq!(labels(&built(rule, None, Some(1))), wanted);
}

#[test]
fn labels_wait_for_their_window() {
    let inactive = DropoutRule::InactiveLast { weeks: 2 };
    assert_eq!(labels(&built(inactive, Some("2014-06-29T23:59:59"), None)), [None; 4]);
    assert!(labels(&built(inactive, Some("2014-06-30"), None)).iter().all(Option::is_some));
    let after = DropoutRule::NoActivityAfter { days: 10 };
    assert_eq!(labels(&built(after, Some("2014-07-09T23:59:59"), None)), [None; 4]);
    let wanted = vec![Some(true), Some(true), Some(false), Some(false)];
    assert_eq!(labels(&built(after, None, None)), wanted);
}

#[test]
fn a_rule_without_its_facts_is_refused() {
    let options = BuildOptions { rule: Some(DropoutRule::WithdrawnOrFailed), ..BuildOptions::default() };
    let error = LOG.try_sequences(&options).unwrap_err();
    assert!(matches!(error, BuildError::Rule { .. }), "{error}");
    assert!(error.to_string().contains("withdrawn-or-failed` needs recorded outcomes"), "{error}");
}

#[test]
fn weeks_not_over_are_not_observed() {
    let data = built(DropoutRule::InactiveLast { weeks: 2 }, Some("2014-06-12"), None);
    assert_eq!((data.weeks, data.courses[0].observed_weeks), (4, 1));
    assert!(data.week(EnrolmentIndex(0), WeekIndex::new(1)).iter().all(|value| value.is_nan()));
    assert_eq!(data.manifest.rows.set_aside["after_as_of"].rows, 6);
}

/// The people of a run of four weeks on FutureLearn: who withdrew, when, who completed, and who did nothing.
const PEOPLE: &str = "\
learner_id,enrolled_at,unenrolled_at,role,fully_participated_at
stays,2023-08-01 00:00:00 UTC,,learner,
completes,2023-08-01 00:00:00 UTC,,learner,2023-09-28 00:00:00 UTC
withdraws,2023-08-01 00:00:00 UTC,2023-09-12 00:00:00 UTC,learner,
withdraws-late,2023-08-01 00:00:00 UTC,2023-12-01 00:00:00 UTC,learner,
never-there,2023-08-01 00:00:00 UTC,,learner,
never-there-and-late,2023-09-20 00:00:00 UTC,,learner,
";

/// Builds this run, with an event of those who were there on each of `days` of September 2023, in a log taken at `as_of`.
fn futurelearn(days: &[u32], as_of: Option<&str>, rule: DropoutRule) -> Dataset {
    futurelearn_of(PEOPLE, days, as_of, rule)
}

/// Builds a run of these `people`, as [`futurelearn`] does.
fn futurelearn_of(people: &str, days: &[u32], as_of: Option<&str>, rule: DropoutRule) -> Dataset {
    let folder = tempfile::tempdir().unwrap();
    let mut steps = "learner_id,step,week_number,step_number,first_visited_at,last_completed_at\n".to_owned();
    for who in ["stays", "completes", "withdraws", "withdraws-late"] {
        for day in days {
            steps += &format!("{who},1.{day},1,1,2023-09-{day:02} 08:00:00 UTC,\n");
        }
    }
    std::fs::write(folder.path().join("a-1_enrolments.csv"), people).unwrap();
    std::fs::write(folder.path().join("a-1_step-activity.csv"), steps).unwrap();
    std::fs::write(folder.path().join("dates.txt"), "course_id,from,to\na-1,2023-09-04,2023-10-01\n").unwrap();
    let courses = Some(folder.path().join("dates.txt"));
    let open_options = OpenOptions { courses, as_of: as_of.map(instant), ..OpenOptions::default() };
    let inputs = ["a-1_enrolments.csv", "a-1_step-activity.csv"].map(|name| folder.path().join(name));
    let source = open(&inputs, &open_options).unwrap();
    let out = folder.path().join("sequences");
    let options = BuildOptions { rule: Some(rule), ..BuildOptions::default() };
    build(&source, &options, &out, BuildMode::Refuse, &Unwatched).unwrap();
    SequenceFolder::open(&out).unwrap().load(&Selection::default()).unwrap()
}

fn by_id(data: &Dataset) -> Vec<(&str, Option<bool>, Option<i32>)> {
    data.enrolments.iter().map(|row| (row.learner.as_str(), row.dropout, row.left_week)).collect()
}

#[test]
fn who_has_no_withdrawal_where_they_are_recorded_has_not_withdrawn() {
    let as_of = Some("2023-10-02");
    let data = futurelearn(&[4, 30], as_of, DropoutRule::Withdrawn);
    let expected = |stays| {
        [
            ("completes", Some(false), None),
            ("never-there", stays, None),
            ("never-there-and-late", stays, None),
            ("stays", stays, None),
            ("withdraws", Some(true), Some(1)),
            // The course was over.
            ("withdraws-late", stays, None),
        ]
    };
    assert_eq!(by_id(&data), expected(Some(false)));
    let late = data.enrolments.iter().find(|row| row.learner == "withdraws-late").unwrap();
    assert_eq!(late.withdrawal_day, None);
    assert_eq!(by_id(&futurelearn(&[4, 30], as_of, DropoutRule::WithdrawnOrFailed)), expected(Some(false)));
    // The newest event is of the 30th, and the course goes on until the first: nobody knows yet who stays to the end. If
    // those who withdrew had labels by then, all with a label would be dropouts.
    let data = futurelearn(&[4, 30], None, DropoutRule::Withdrawn);
    assert!(by_id(&data).iter().all(|(_, dropout, _)| dropout.is_none()));
    assert_eq!(data.manifest.labels.unknown["the course was not over when the log was taken"], 6);
}

#[test]
fn a_withdrawal_before_the_enrolment_is_none_and_noted() {
    let people = "learner_id,enrolled_at,unenrolled_at,role,fully_participated_at\n\
        stays,2023-09-10 12:00:00 UTC,2023-09-05 00:00:00 UTC,learner,\n\
        same-day,2023-09-10 12:00:00 UTC,2023-09-10 00:00:00 UTC,learner,\n\
        withdraws-late,2023-08-01 00:00:00 UTC,2023-12-01 00:00:00 UTC,learner,\n";
    // Nothing is after the instant of the log but the last withdrawal, which is noted when it is.
    let data = futurelearn_of(people, &[12, 30], Some("2024-01-01"), DropoutRule::Withdrawn);
    let expected =
        [("same-day", Some(true), Some(0)), ("stays", Some(false), None), ("withdraws-late", Some(false), None)];
    assert_eq!(by_id(&data), expected);
    let notices = [Notice::WithdrawnBeforeEnrolled { enrolments: 1 }, Notice::WithdrawnAfterCourse { enrolments: 1 }];
    assert_eq!(data.manifest.notices, notices);
}

/// Two students of OULAD in a course of 21 days with the result `Withdrawn` and this day of it.
fn oulad(withdrawn: &str, rule: DropoutRule) -> Dataset {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("courses.csv", "code_module,code_presentation,module_presentation_length\nAAA,2013J,20\n");
    write(
        "studentInfo.csv",
        "code_module,code_presentation,id_student,final_result\nAAA,2013J,1,Withdrawn\nAAA,2013J,2,Pass\n",
    );
    write("studentVle.csv", "code_module,code_presentation,id_student,id_site,date,sum_click\nAAA,2013J,2,5,20,1\n");
    let registrations = format!("AAA,2013J,1,-9,{withdrawn}\nAAA,2013J,2,-9,\n");
    let header = "code_module,code_presentation,id_student,date_registration,date_unregistration\n";
    write("studentRegistration.csv", &(header.to_owned() + &registrations));
    let source = open(&[folder.path().to_owned()], &OpenOptions::default()).unwrap();
    let options = BuildOptions { rule: Some(rule), ..BuildOptions::default() };
    let out = folder.path().join("sequences");
    build(&source, &options, &out, BuildMode::Refuse, &Unwatched).unwrap();
    SequenceFolder::open(&out).unwrap().load(&Selection::default()).unwrap()
}

#[test]
fn a_day_of_withdrawal_after_the_course_outweighs_the_word_withdrawn() {
    let check = |withdrawn: &str, expected: [Option<bool>; 3], notices: &[Notice]| {
        let rules = [DropoutRule::Withdrawn, DropoutRule::WithdrawnOrFailed, DropoutRule::NotCompleted];
        for (rule, expected) in rules.into_iter().zip(expected) {
            let data = oulad(withdrawn, rule);
            assert_eq!(labels(&data), [expected, Some(false)], "{withdrawn} {rule}");
            assert_eq!(data.manifest.notices, notices, "{withdrawn} {rule}");
            let unknown = data.manifest.labels.unknown.values().sum::<u64>();
            assert_eq!(unknown, u64::from(expected.is_none()), "{withdrawn} {rule}");
        }
    };
    check("20", [Some(true); 3], &[]);
    check("", [Some(true); 3], &[]);
    check("21", [Some(false), None, Some(true)], &[Notice::WithdrawnAfterCourse { enrolments: 1 }]);
    // A day before that of the enrolment says nothing: the word holds.
    check("-10", [Some(true); 3], &[Notice::WithdrawnBeforeEnrolled { enrolments: 1 }]);
}

#[test]
fn who_never_was_there_is_gone_from_the_start() {
    let expected = [
        ("completes", Some(false), None),
        ("never-there", Some(true), Some(-1)),
        ("never-there-and-late", Some(true), Some(2)),
        ("stays", Some(false), None),
        ("withdraws", Some(false), Some(1)),
        ("withdraws-late", Some(false), None),
    ];
    let rule = DropoutRule::InactiveLast { weeks: 2 };
    assert_eq!(by_id(&futurelearn(&[4, 30], Some("2023-10-02"), rule)), expected);
}

#[test]
fn who_enrols_after_the_end_has_no_label() {
    let people =
        format!("{PEOPLE}on-the-last-day,2023-10-01 12:00:00 UTC,,learner,\nlate,2023-12-03 00:00:00 UTC,,learner,\n");
    for rule in
        [DropoutRule::InactiveLast { weeks: 2 }, DropoutRule::NoActivityAfter { days: 10 }, DropoutRule::Withdrawn]
    {
        let data = futurelearn_of(&people, &[4, 30], Some("2024-01-01"), rule);
        let of = |learner: &str| data.enrolments.iter().find(|row| row.learner == learner).unwrap();
        assert_eq!((of("late").dropout, of("late").left_week), (None, None), "{rule}");
        assert!(of("on-the-last-day").dropout.is_some(), "{rule}");
        assert_eq!(data.manifest.labels.unknown["enrolled after the course was over"], 1, "{rule}");
    }
}
