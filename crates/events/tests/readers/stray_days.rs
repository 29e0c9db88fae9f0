//! One device with a wrong clock does not decide when a course runs, in every format whose calendars are inferred.

use staycast_events::formats::{self, OpenOptions};
use staycast_events::time::{days_from_civil, format_date, format_instant};
use staycast_events::{Reason, Source};

use crate::common::{Folder, courses, enrolments, read, rows, samples};

/// First day of the course.
const START: i32 = days_from_civil(2023, 9, 4);

/// An event: the learner's number and the day of the course.
pub(crate) type Done = (usize, i32);

/// A format: how a log of such events is written, and whether its rows may stand in any order.
pub(crate) struct Format {
    pub(crate) name: &'static str,
    pub(crate) mapping: bool,
    pub(crate) write: fn(&Folder, &[Done]),
}

fn at(day: i32, learner: usize) -> String {
    format_instant(i64::from(START + day) * 86_400 + 3_600 + learner as i64)
}

fn lines(header: &str, events: &[Done], line: impl Fn(usize, usize, String) -> String) -> Vec<u8> {
    let all = events.iter().enumerate().map(|(number, &(who, day))| line(number, who, at(day, who)) + "\n");
    let header = if header.is_empty() { String::new() } else { format!("{header}\n") };
    (header + &all.collect::<String>()).into_bytes()
}

pub(crate) const FORMATS: [Format; 8] = [
    Format { name: "edx", mapping: false, write: edx },
    Format { name: "xapi", mapping: false, write: xapi },
    Format { name: "caliper", mapping: false, write: caliper },
    Format { name: "moodle", mapping: false, write: moodle },
    Format { name: "coursera", mapping: false, write: coursera },
    Format { name: "futurelearn", mapping: false, write: futurelearn },
    Format { name: "xuetangx2019", mapping: false, write: xuetangx2019 },
    Format { name: "table", mapping: true, write: table },
];

fn edx(folder: &Folder, events: &[Done]) {
    let line = |_, who, at| {
        format!(
            r#"{{"username":"u{who}","event_source":"browser","event_type":"page_close","time":"{at}","context":{{"course_id":"a/b/c"}},"event":"{{}}"}}"#
        )
    };
    folder.write("tracking.log", &lines("", events, line));
}

fn xapi(folder: &Folder, events: &[Done]) {
    let line = |number, who, at| {
        format!(
            r#"{{"id":"00000000-0000-4000-8000-{number:012}","actor":{{"account":{{"homePage":"http://lms.example","name":"u{who}"}}}},"verb":{{"id":"http://id.tincanapi.com/verb/viewed"}},"timestamp":"{at}Z","object":{{"id":"http://lms.example/page/1","definition":{{"type":"http://adlnet.gov/expapi/activities/module"}}}},"context":{{"contextActivities":{{"parent":[{{"id":"http://lms.example/course/c","definition":{{"type":"http://adlnet.gov/expapi/activities/course"}}}}]}}}}}}"#
        )
    };
    folder.write("statements.jsonl", &lines("", events, line));
}

fn caliper(folder: &Folder, events: &[Done]) {
    let line = |number, who, at| {
        format!(
            r#"{{"@context":"http://purl.imsglobal.org/ctx/caliper/v1p2","id":"urn:uuid:00000000-0000-4000-8000-{number:012}","type":"ViewEvent","action":"Viewed","actor":{{"id":"http://lms.example/user/u{who}","type":"Person"}},"eventTime":"{at}.000Z","object":{{"id":"http://lms.example/page/1","type":"DigitalResource","extensions":{{"isPartOf":{{"id":"http://lms.example/course/c","type":"CourseOffering"}}}}}}}}"#
        )
    };
    folder.write("events.jsonl", &lines("", events, line));
}

fn moodle(folder: &Folder, events: &[Done]) {
    let header = "id,eventname,component,action,contextlevel,contextinstanceid,userid,courseid,relateduserid,anonymous,\
                  other,timecreated,origin,ip,realuserid";
    let line = |number, who, at: String| {
        let seconds = staycast_events::time::parse_instant(at.as_bytes()).unwrap();
        format!(r"{number},\core\event\course_viewed,core,viewed,70,1,1{who},2,,0,null,{seconds},web,10.0.0.1,")
    };
    folder.write("mdl_logstore_standard_log.csv", &lines(header, events, line));
}

fn coursera(folder: &Folder, events: &[Done]) {
    let line = |_, who, at: String| {
        let at = at.replace('T', " ");
        format!(
            r#"u{who},k{who},{at}.25,h,Mozilla,https://www.coursera.org/learn/algebra/home/x/sums,,en-US,cAB,US,CA,America/Los_Angeles,Linux,Firefox,pageview,"{{\"timecode\":12.5}}""#
        )
    };
    folder.write("clickstream.csv", &lines("", events, line));
}

fn futurelearn(folder: &Folder, events: &[Done]) {
    let header = "learner_id,step,week_number,step_number,first_visited_at,last_completed_at";
    let line = |number, who, at: String| format!("u{who},1.{number},1,1,{} UTC,", at.replace('T', " "));
    folder.write("c-1_step-activity.csv", &lines(header, events, line));
    let header = "learner_id,enrolled_at,unenrolled_at,role,fully_participated_at,gender,country\n";
    let people = |who| format!("u{who},1970-01-01 00:00:00 UTC,0001-01-01 00:00:00 UTC,learner,,Unknown,FR\n");
    folder.write("c-1_enrolments.csv", (header.to_owned() + &(0..40).map(people).collect::<String>()).as_bytes());
}

fn xuetangx2019(folder: &Folder, events: &[Done]) {
    let line = |_, who, at: String| format!("{who},u{who},course-v1:X+C+1,s,play_video,o,{}", at.replace('T', " "));
    folder.write("train_log.csv", &lines("enroll_id,username,course_id,session_id,action,object,time", events, line));
}

fn table(folder: &Folder, events: &[Done]) {
    folder.write("log.csv", &lines("who,course,at", events, |_, who, at| format!("u{who},C,{at}")));
    folder.write(
        "mapping.toml",
        b"[log]\nfiles = [\"log.csv\"]\n\
          columns = { learner = \"who\", course = \"course\", time = { column = \"at\", format = \"iso\" } }\n",
    );
}

/// A course of forty learners and eight weeks, in which half of them stay for three weeks only.
pub(crate) fn regular() -> Vec<Done> {
    let days = |who: usize| (0..if who % 2 == 1 { 56 } else { 20 }).step_by(3).map(move |day| (who, day));
    (0..40).flat_map(days).collect()
}

fn open(format: &Format, folder: &Folder, dates: Option<&str>) -> Source {
    let dates = dates.map(|dates| Folder::of(&[("dates.csv", dates.as_bytes())]));
    let options = OpenOptions {
        mapping: format.mapping.then(|| folder.path().join("mapping.toml")),
        courses: dates.as_ref().map(|dates| dates.path().join("dates.csv")),
        ..OpenOptions::default()
    };
    formats::open(&[folder.path().to_owned()], &options).unwrap_or_else(|error| panic!("{}: {error}", format.name))
}

/// Opens the regular course with these events besides, written first or last. Gives the dates of the course, the days
/// set aside, and what became of the rows.
fn read_with(format: &Format, more: &[Done], first: bool) -> (Source, u64, u64) {
    let folder = Folder::of(&[]);
    let all = if first { [more, &regular()].concat() } else { [&regular(), more].concat() };
    (format.write)(&folder, &all);
    let source = open(format, &folder, None);
    let tally = read(&source).unwrap().tally;
    let not_used = tally.read - tally.used;
    assert_eq!(tally.rejected(), 0, "{}", format.name);
    (source, rows(&tally, Reason::ImplausibleTime), not_used)
}

#[test]
fn a_device_with_a_wrong_clock_moves_no_calendar() {
    for format in &FORMATS {
        let (plain, implausible, not_used) = read_with(format, &[], false);
        let name = format.name;
        assert_eq!((implausible, not_used), (0, 0), "{name}");
        assert!(plain.roster.stray_days.is_empty(), "{name}");
        let dates = courses(&plain);
        assert_eq!((dates[0].1.as_str(), dates[0].2), ("2023-09-04", 55), "{name}");
        for (more, first) in [
            (vec![(1, 730)], false),
            (vec![(1, 730)], true),
            (vec![(1, -730)], false),
            (vec![(1, -730)], true),
            (vec![(1, -100)], false),
            (vec![(1, -730), (2, 730), (3, 1_000)], false),
            // One learner's device, for a while.
            ((0..12).map(|day| (1, 500 + day)).collect(), false),
        ] {
            let (source, implausible, not_used) = read_with(format, &more, first);
            assert_eq!(courses(&source), dates, "{name}: {more:?}");
            assert_eq!(enrolments(&source), enrolments(&plain), "{name}: {more:?}");
            assert_eq!((implausible, not_used), (more.len() as u64, more.len() as u64), "{name}: {more:?}");
            let stray: u64 = source.roster.stray_days.iter().map(|stray| stray.run.events).sum();
            assert_eq!(stray, more.len() as u64, "{name}: {more:?}");
            assert!(source.roster.stray_days.iter().all(|stray| stray.course == dates[0].0), "{name}");
        }
    }
}

#[test]
fn one_event_some_weeks_from_the_others_moves_no_calendar() {
    for format in &FORMATS {
        let name = format.name;
        let (plain, ..) = read_with(format, &[], false);
        for more in [
            vec![(1, 54 + 20)],
            vec![(1, 54 + 69)],
            vec![(1, -20)],
            vec![(1, -69)],
            vec![(1, -30), (2, 54 + 40)],
            vec![(3, 54 + 30), (3, 54 + 31)],
            // One of them after the other.
            vec![(3, 54 + 30), (3, 54 + 65)],
        ] {
            let (source, implausible, not_used) = read_with(format, &more, false);
            assert_eq!(courses(&source), courses(&plain), "{name}: {more:?}");
            assert_eq!(enrolments(&source), enrolments(&plain), "{name}: {more:?}");
            assert_eq!((implausible, not_used), (more.len() as u64, more.len() as u64), "{name}: {more:?}");
        }
    }
}

#[test]
fn the_slow_end_of_a_course_and_its_holidays_stay() {
    for format in &FORMATS {
        let name = format.name;
        for (more, days) in [
            // Stragglers every week, and one that comes two weeks later.
            (vec![(1, 61), (2, 68), (3, 75), (1, 82), (2, 96)], 97),
            // Many come back together.
            ((0..12).map(|who| (who, 54 + 30)).collect(), 85),
            // Three learners once each are not one device.
            (vec![(1, 80), (2, 81), (3, 82)], 83),
        ] {
            let (source, implausible, _) = read_with(format, &more, false);
            assert_eq!((courses(&source)[0].2, implausible), (days, 0), "{name}: {more:?}");
        }
        // Two weeks of holidays, and one learner who is the first to be back, when the log ends.
        let folder = Folder::of(&[]);
        let before: Vec<Done> = regular().into_iter().filter(|&(_, day)| !(20..34).contains(&day)).collect();
        (format.write)(&folder, &[&before[..], &[(1, 54 + 40)]].concat());
        assert_eq!(courses(&open(format, &folder, None))[0].2, 95, "{name}");
    }
}

#[test]
fn a_course_of_ten_events_and_a_stray_one() {
    for format in &FORMATS {
        let folder = Folder::of(&[]);
        let few: Vec<Done> = (0..10).map(|number| (number % 5, number as i32 * 3)).collect();
        (format.write)(&folder, &[&few[..], &[(0, 800)]].concat());
        let source = open(format, &folder, None);
        assert_eq!((courses(&source)[0].1.as_str(), courses(&source)[0].2), ("2023-09-04", 28), "{}", format.name);
    }
}

#[test]
fn more_than_a_few_events_far_from_the_others_are_part_of_the_course() {
    for format in &FORMATS {
        let again: Vec<Done> = (0..6).map(|who| (who, 300)).collect();
        let (source, implausible, not_used) = read_with(format, &again, false);
        assert_eq!((implausible, not_used), (0, 0), "{}", format.name);
        assert_eq!(courses(&source)[0].2, 301, "{}", format.name);
    }
}

#[test]
fn a_time_that_is_not_set_moves_no_calendar() {
    for format in &FORMATS {
        for unset in [days_from_civil(1970, 1, 1), days_from_civil(1900, 1, 1)] {
            let folder = Folder::of(&[]);
            // So many that no share of the course's events would make them stray.
            let unset: Vec<Done> = (0..40).map(|who| (who, unset - START)).collect();
            (format.write)(&folder, &[regular(), unset].concat());
            let source = open(format, &folder, None);
            let name = format.name;
            assert_eq!((courses(&source)[0].1.as_str(), courses(&source)[0].2), ("2023-09-04", 55), "{name}");
            let tally = read(&source).unwrap().tally;
            assert_eq!(rows(&tally, Reason::BadTime), 40, "{name}");
            let said = samples(&tally, Reason::BadTime);
            let why = ["stands for a time that is not set", "is not of the years from 1971 to 2199"];
            assert!(why.iter().any(|why| said[0].ends_with(why)), "{name}: {said:?}");
        }
    }
}

#[test]
fn enrolled_and_withdrawn_in_1970_is_neither() {
    let (source, ..) = read_with(&FORMATS[5], &[], false);
    assert!(
        source.roster.enrolments.iter().all(|one| one.enrolled_seconds.is_none() && one.withdrawn_seconds.is_none())
    );
}

#[test]
fn with_given_dates_an_event_years_before_is_set_aside() {
    for format in &FORMATS {
        let folder = Folder::of(&[]);
        (format.write)(&folder, &[regular(), vec![(1, -730), (1, -300), (1, 730)]].concat());
        let id = courses(&open(format, &folder, None))[0].0.clone();
        let (from, to) = (format_date(START), format_date(START + 55));
        let source = open(format, &folder, Some(&format!("course_id,from,to\n{id},{from},{to}\n")));
        let tally = read(&source).unwrap().tally;
        let name = format.name;
        assert_eq!(rows(&tally, Reason::ImplausibleTime), 1, "{name}");
        assert_eq!(rows(&tally, Reason::AfterCalendar), 1, "{name}");
        assert_eq!(tally.used, tally.read - 2, "{name}");
    }
}

#[test]
fn a_date_of_1970_in_the_file_of_dates_is_refused() {
    let folder = Folder::of(&[]);
    edx(&folder, &regular());
    let dates = Folder::of(&[("dates.csv", b"course_id,from,to\na/b/c,1970-01-01,2023-10-29\n")]);
    let options = OpenOptions { courses: Some(dates.path().join("dates.csv")), ..OpenOptions::default() };
    let error = formats::open(&[folder.path().to_owned()], &options).err().expect("no dates are left").to_string();
    assert!(error.contains("line 2: start `1970-01-01` stands for a date that is not set"), "{error}");
}

#[test]
fn a_course_that_begins_in_1970_in_a_table_that_may_lack_dates_is_inferred() {
    let folder = Folder::of(&[]);
    moodle(&folder, &regular());
    folder.write("mdl_course.csv", b"id,fullname,startdate,enddate\n2,Algebra,0,0.0\n");
    let source = formats::open(&[folder.path().to_owned()], &OpenOptions::default()).unwrap();
    assert_eq!(courses(&source), [("2".to_owned(), "2023-09-04".to_owned(), 55, true)]);
    // Zero with a second beside it, or by another clock.
    for unset in ["1,1", "-1,0", "3600,3600", "-19800,20700.0"] {
        folder.write("mdl_course.csv", format!("id,fullname,startdate,enddate\n2,Algebra,{unset}\n").as_bytes());
        let source = formats::open(&[folder.path().to_owned()], &OpenOptions::default()).unwrap();
        assert_eq!(courses(&source), [("2".to_owned(), "2023-09-04".to_owned(), 55, true)], "{unset}");
    }
    // Days and hours since 1970 are no seconds.
    for other_unit in ["19604,19659", "470496,471816"] {
        folder.write("mdl_course.csv", format!("id,fullname,startdate,enddate\n2,Algebra,{other_unit}\n").as_bytes());
        let error = formats::open(&[folder.path().to_owned()], &OpenOptions::default()).err().unwrap().to_string();
        assert!(error.contains("read as a number since 1970, is not of the years from 1971 to 2199"), "{error}");
    }
    // With a start of its own, what lies before does not say when it ends.
    let start = i64::from(START - 7) * 86_400;
    folder.write("mdl_course.csv", format!("id,fullname,startdate,enddate\n2,Algebra,{start},0\n").as_bytes());
    let early: Vec<Done> = (0..40).flat_map(|who| (0..60).map(move |day| (who, day - 300))).collect();
    moodle(&folder, &[early, regular(), vec![(1, 900)]].concat());
    let source = formats::open(&[folder.path().to_owned()], &OpenOptions::default()).unwrap();
    assert_eq!(courses(&source), [("2".to_owned(), "2023-08-28".to_owned(), 62, true)]);
    assert_eq!(rows(&read(&source).unwrap().tally, Reason::ImplausibleTime), 1);
}
