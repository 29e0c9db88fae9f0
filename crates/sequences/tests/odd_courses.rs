//! What is odd about single courses: stray days, no events, long calendars, nearly all dropouts.

mod common;

use std::path::Path;

use common::Log;
use common::made::instant;
use staycast_events::DatesFrom;
use staycast_events::formats::{OpenOptions, open};
use staycast_events::time::format_instant;
use staycast_sequences::manifest::{CourseWarning, StrayDaysRecord};
use staycast_sequences::{
    BuildMode, BuildOptions, Dataset, DropoutRule, EnrolmentIndex, FeatureSet, Selection, SequenceFolder, Unwatched,
    WeekIndex, build,
};

/// Builds a tracking log of events: course, learner, day after 4 September 2023.
fn tracking_log(events: &[(&str, usize, i64)], options: &BuildOptions) -> Dataset {
    built(tracking_folder(events).path(), options)
}

fn tracking_folder(events: &[(&str, usize, i64)]) -> tempfile::TempDir {
    let line = |(course, who, day): &(&str, usize, i64)| {
        let at = format_instant(instant("2023-09-04") + day * 86_400 + 3_600);
        format!(
            r#"{{"username":"u{who}","event_source":"browser","event_type":"page_close","time":"{at}","context":{{"course_id":"{course}"}},"event":"{{}}"}}"#
        ) + "\n"
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tracking.log"), events.iter().map(line).collect::<String>()).unwrap();
    folder
}

fn built(folder: &Path, options: &BuildOptions) -> Dataset {
    built_as(folder, &OpenOptions::default(), options)
}

fn built_as(folder: &Path, open_options: &OpenOptions, options: &BuildOptions) -> Dataset {
    let source = open(&[folder.to_owned()], open_options).unwrap();
    let out = folder.join("sequences");
    build(&source, options, &out, BuildMode::Refuse, &Unwatched).unwrap();
    SequenceFolder::open(&out).unwrap().load(&Selection::default()).unwrap()
}

/// Forty learners in eight weeks, of whom half leave after the third.
fn course(id: &str) -> Vec<(&str, usize, i64)> {
    let days = |who: usize| (0..if who % 2 == 1 { 56 } else { 20 }).step_by(3).map(move |day| (id, who, day));
    (0..40).flat_map(days).collect()
}

/// Everything but the counts of rows.
fn sequences(data: &Dataset) -> String {
    let values: Vec<u32> = data.values().iter().map(|value| value.to_bits()).collect();
    format!("{:?} {:?} {:?}", data.courses, data.enrolments, values)
}

#[test]
fn one_device_with_a_wrong_clock_changes_no_weeks_and_no_labels() {
    let options = BuildOptions::default();
    let plain = tracking_log(&course("a/b/c"), &options);
    assert_eq!((plain.manifest.labels.known, plain.manifest.labels.dropouts, plain.weeks), (40, 20, 8));
    assert!(plain.manifest.calendar.stray_days.is_empty() && plain.manifest.warnings.is_empty());
    for (day, date) in [(730, "2025-09-03"), (-730, "2021-09-04")] {
        let data = tracking_log(&[course("a/b/c"), vec![("a/b/c", 1, day)]].concat(), &options);
        assert_eq!(sequences(&data), sequences(&plain), "{day}");
        assert_eq!(data.manifest.calendar.as_of, plain.manifest.calendar.as_of);
        assert_eq!(data.manifest.rows.set_aside["implausible_time"].rows, 1);
        let record = StrayDaysRecord {
            course: "a/b/c".to_owned(),
            first: date.to_owned(),
            last: date.to_owned(),
            events: 1,
            set_aside: true,
        };
        assert_eq!(data.manifest.calendar.stray_days, [record]);
    }
}

#[test]
fn who_is_seen_only_where_nothing_counts_is_no_dropout() {
    let strays = [("a/b/c", 90, 730), ("a/b/c", 91, -730)];
    let plain = tracking_log(&course("a/b/c"), &BuildOptions::default());
    let data = tracking_log(&[&course("a/b/c")[..], &strays].concat(), &BuildOptions::default());
    assert_eq!(sequences(&data), sequences(&plain));
    assert_eq!((data.manifest.labels.known, data.manifest.labels.dropouts), (40, 20));
    assert_eq!(data.manifest.totals.enrolments_left_out["no_event_used"], 2);
    assert_eq!(data.manifest.calendar.as_of, plain.manifest.calendar.as_of);
    assert_eq!(data.manifest.calendar.stray_days.len(), 2);

    // With given dates; somebody after the end is no learner, but says that the log goes on until then.
    let folder = tracking_folder(&[&course("a/b/c")[..], &[("a/b/c", 90, 70), ("a/b/c", 91, -400)]].concat());
    std::fs::write(folder.path().join("dates.csv"), "course_id,from,to\na/b/c,2023-09-04,2023-11-10\n").unwrap();
    let given = OpenOptions { courses: Some(folder.path().join("dates.csv")), ..OpenOptions::default() };
    let data = built_as(folder.path(), &given, &BuildOptions::default());
    assert_eq!((data.enrolments.len(), data.manifest.labels.known), (40, 40));
    assert_eq!(data.manifest.calendar.as_of, "2023-11-14T00:00:00");
    let aside = &data.manifest.rows.set_aside;
    assert_eq!((aside["after_the_calendar"].rows, aside["implausible_time"].rows), (1, 1));

    // Who comes when the weeks asked for are over has no label.
    let late = tracking_folder(&[&course("a/b/c")[..], &[("a/b/c", 90, 40)]].concat());
    let data = built(late.path(), &BuildOptions { weeks: Some(4), ..BuildOptions::default() });
    let of = |learner: &str| data.enrolments.iter().find(|row| row.learner == learner).unwrap();
    assert_eq!((of("u90").dropout, of("u90").left_week, of("u0").dropout), (None, None, Some(true)));
}

#[test]
fn who_is_seen_only_where_nothing_counts_has_no_label_in_a_table_of_the_log_alone() {
    let folder = tempfile::tempdir().unwrap();
    let row = |(_, who, day): &(&str, usize, i64)| {
        format!("u{who},{}\n", format_instant(instant("2023-09-04") + day * 86_400 + 3_600))
    };
    let events = [&course("a")[..], &[("a", 90, 730)]].concat();
    let rows: String = events.iter().map(row).collect();
    std::fs::write(folder.path().join("log.csv"), format!("who,at\n{rows}")).unwrap();
    let mapping = folder.path().join("mapping.toml");
    let text = "single_course = \"a\"\n[log]\nfiles = [\"log.csv\"]\n\
                columns = { learner = \"who\", time = { column = \"at\", format = \"iso\" } }\n";
    std::fs::write(&mapping, text).unwrap();
    let given = OpenOptions { mapping: Some(mapping), ..OpenOptions::default() };
    let data = built_as(folder.path(), &given, &BuildOptions::default());
    assert_eq!((data.manifest.labels.known, data.manifest.labels.dropouts), (40, 20));
    assert_eq!(data.manifest.labels.unknown["enrolled by the log alone, of which no event is used"], 1);
}

/// Checks that what came later changes no earlier week, stray days or not. The start is the one thing that may move, and
/// does only while the early stray events are more than a tenth of all.
#[test]
fn a_log_with_stray_days_that_is_cut_has_the_same_weeks_before() {
    let options = BuildOptions::default();
    let events = [course("a/b/c"), vec![("a/b/c", 1, -730), ("a/b/c", 1, 730), ("a/b/c", 2, 900)]].concat();
    let whole = tracking_log(&events, &options);
    for cut in [7, 10, 28, 41, 800] {
        let until: Vec<_> = events.iter().copied().filter(|&(.., day)| day < cut).collect();
        let early = tracking_log(&until, &options);
        assert_eq!(early.courses[0].start_day, whole.courses[0].start_day, "cut on day {cut}");
        let weeks = (cut / 7).min(8) as usize;
        assert!(early.weeks >= weeks, "cut on day {cut}");
        for (row, place) in early.enrolments.iter().zip(0..).map(|(row, place)| (row, EnrolmentIndex(place))) {
            let later = whole.enrolments.iter().position(|other| other.id == row.id).unwrap();
            let later = EnrolmentIndex(later as u32);
            for week in (0..weeks).map(WeekIndex::from_position) {
                let bits = |data: &Dataset, place| -> Vec<u32> {
                    data.week(place, week).iter().map(|value| value.to_bits()).collect()
                };
                assert_eq!(bits(&early, place), bits(&whole, later), "{} in week {week}, cut on day {cut}", row.id);
            }
        }
    }
    // Of nine events nobody can tell which is wrong: the course begins with the first of them until there are more.
    let few: Vec<_> = (0..9).map(|number| ("a/b/c", number % 3, number as i64)).chain([("a/b/c", 1, -300)]).collect();
    let more: Vec<_> = few.iter().copied().chain([("a/b/c", 2, 12)]).collect();
    let starts = [&few, &more].map(|events| tracking_log(events, &options).courses[0].start_day);
    assert_eq!(starts[1] - starts[0], 300);
}

const KDD: Log<'static> = Log {
    courses: "a,2014-06-02,2014-06-29\nb,2014-06-16,2014-09-07\n",
    enrolments: "1,ann,a\n2,bob,b\n",
    objects: "",
    events: "",
};

/// Twenty events in each course; those of `b` go on until 5 July.
fn regular() -> String {
    let row = |enrolment, day| {
        let at = format_instant(instant("2014-06-01") + i64::from(day) * 86_400 + 3_600);
        format!("{enrolment},{at},server,access,o\n")
    };
    (1..21).map(|day| row(1, day) + &row(2, day + 14)).collect()
}

#[test]
fn a_stray_event_of_one_course_does_not_say_when_the_log_was_taken() {
    for features in [FeatureSet::All, FeatureSet::Core] {
        let options = BuildOptions { features, ..BuildOptions::default() };
        let plain = Log { events: &regular(), ..KDD }.sequences(&options);
        assert_eq!(plain.manifest.calendar.as_of, "2014-07-06T00:00:00");
        // The course goes on, and nobody knows yet how.
        assert_eq!((plain.courses[1].observed_weeks, plain.manifest.labels.known), (2, 1));
        assert_eq!(plain.manifest.labels.known_from.as_deref(), Some("2014-09-08"));
        for (at, where_) in [("2015-06-01", "after_the_calendar"), ("2014-10-01", "after_the_calendar")] {
            let events = format!("{}1,{at}T08:00:00,server,access,o\n", regular());
            let data = Log { events: &events, ..KDD }.sequences(&options);
            assert_eq!(sequences(&data), sequences(&plain), "{at}");
            assert_eq!(data.manifest.rows.set_aside[where_].rows, 1);
            let stray = &data.manifest.calendar.stray_days;
            assert_eq!(stray.len(), 1);
            let StrayDaysRecord { course, first, events, set_aside, .. } = &stray[0];
            assert_eq!((course.as_str(), first.as_str(), *events, *set_aside), ("a", at, 1, false));
        }
    }
}

#[test]
fn with_given_dates_an_event_years_before_is_set_aside() {
    let plain = Log { events: &regular(), ..KDD }.sequences(&BuildOptions::default());
    let events = format!("1,2012-06-01T08:00:00,server,access,o\n{}", regular());
    let data = Log { events: &events, ..KDD }.sequences(&BuildOptions::default());
    assert_eq!(sequences(&data), sequences(&plain));
    assert_eq!(data.manifest.rows.set_aside["implausible_time"].rows, 1);
    let StrayDaysRecord { course, first, last, events, set_aside } = &data.manifest.calendar.stray_days[0];
    assert_eq!((course.as_str(), first.as_str(), last.as_str()), ("a", "2012-06-01", "2012-06-01"));
    assert_eq!((*events, *set_aside), (1, true));
}

#[test]
fn a_course_without_a_single_event_is_named() {
    let log = Log {
        courses: "a,2014-06-02,2014-06-29\nb,2014-06-16,2014-07-05\nempty,2014-06-02,2014-06-29\nlater,2015-01-01,2015-02-01\n",
        enrolments: "1,ann,a\n2,bob,b\n3,cem,empty\n4,dee,empty\n5,eli,later\n",
        ..KDD
    };
    let data = Log { events: &regular(), ..log }.sequences(&BuildOptions::default());
    assert_eq!(
        data.manifest.warnings,
        [CourseWarning::NoEvents { course: "empty".to_owned(), enrolments: 2 }],
        "a course that has not begun has no events, of course"
    );
}

#[test]
fn a_course_in_which_nobody_is_left_and_one_without_dates_are_named() {
    let log = Log {
        courses: "a,2014-06-02,2014-06-29\nb,2014-06-16,2014-07-05\nnobody,2014-06-02,2014-06-29\n",
        enrolments: "1,ann,a\n2,bob,b\n3,cem,elsewhere\n4,dee,elsewhere\n5,eli,\n",
        ..KDD
    };
    let manifest = Log { events: &regular(), ..log }.sequences(&BuildOptions::default()).manifest;
    let elsewhere = "elsewhere".to_owned();
    let expected = [
        CourseWarning::NoDates { course: elsewhere, enrolments: 2, dates_from: DatesFrom::Tables },
        CourseWarning::NoEnrolments { course: "nobody".to_owned() },
    ];
    assert_eq!(manifest.warnings, expected);
    let left_out: Vec<(&str, u64)> =
        manifest.totals.enrolments_left_out.iter().map(|(why, count)| (why.as_str(), *count)).collect();
    assert_eq!(left_out, [("no_course", 1), ("unknown_course", 2)]);
}

/// A course whose file of events has nothing but its header, beside one with events: every format that infers dates.
#[test]
fn a_course_whose_log_has_only_a_header_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let people =
        "learner_id,enrolled_at,unenrolled_at,role,fully_participated_at\nann,2023-08-01 00:00:00 UTC,,learner,\n";
    let steps = "learner_id,step,week_number,step_number,first_visited_at,last_completed_at\n";
    write("full-1_enrolments.csv", people);
    write("full-1_step-activity.csv", &format!("{steps}ann,1.1,1,1,2023-09-05 08:00:00 UTC,\n"));
    write("empty-1_enrolments.csv", people);
    write("empty-1_step-activity.csv", steps);
    let data = built(folder.path(), &BuildOptions::default());
    let course = "empty-1".to_owned();
    let expected = CourseWarning::NoDates { course, enrolments: 1, dates_from: DatesFrom::Events };
    assert_eq!(data.manifest.warnings, [expected]);
}

#[test]
fn an_inferred_calendar_of_over_a_year_is_named() {
    let weekly = |weeks: i64| -> Vec<(&str, usize, i64)> {
        (0..weeks).flat_map(|week| [("a/b/c", 1, week * 7), ("a/b/c", 2, week * 7)]).collect()
    };
    assert!(tracking_log(&weekly(52), &BuildOptions::default()).manifest.warnings.is_empty());
    let data = tracking_log(&weekly(71), &BuildOptions::default());
    let long = CourseWarning::LongCalendar {
        course: "a/b/c".to_owned(),
        first: "2023-09-04".to_owned(),
        last: "2025-01-06".to_owned(),
        weeks: 71,
    };
    assert_eq!(data.manifest.warnings, [long]);
}

#[test]
fn a_course_of_nearly_all_dropouts_is_named() {
    let options = BuildOptions { rule: Some(DropoutRule::InactiveLast { weeks: 2 }), ..BuildOptions::default() };
    let mut events = course("a/b/c");
    // A thin end: one learner who comes back some weeks later. One event or a few would be stray.
    events.extend((100..106).map(|day| ("a/b/c", 7, day)));
    let data = tracking_log(&events, &options);
    let all = CourseWarning::NearlyAllDropouts { course: "a/b/c".to_owned(), known: 40, dropouts: 39 };
    assert_eq!(data.manifest.warnings, [all]);
    // Nine learners are too few to say.
    let few: Vec<_> = events.into_iter().filter(|&(_, who, _)| who < 9).collect();
    assert!(tracking_log(&few, &options).manifest.warnings.is_empty());
}

#[test]
fn rows_are_counted_by_table_and_the_worst_is_named() {
    let log = Log {
        enrolments: "1,ann,a\n2,bob,b\n3,ann,nowhere\n",
        courses: "a,2014-06-02,2014-06-29\nb,2014-06-16,2014-09-07\na,2014-06-02,2014-07-01\n",
        ..KDD
    };
    let rows = Log { events: &regular(), ..log }.sequences(&BuildOptions::default()).manifest.rows;
    let counts: Vec<(&str, u64, u64, u64)> =
        rows.tables.iter().map(|(name, rows)| (name.as_str(), rows.read, rows.rejected, rows.contradictions)).collect();
    assert_eq!(counts, [("calendar", 3, 1, 1), ("enrolments", 3, 1, 0)]);
    // Of the log every row is used, and it has far more of them.
    assert!(rows.rejected_share < 0.05);
    assert_eq!(rows.worst_table(), ("calendar", 1.0 / 3.0));
}
