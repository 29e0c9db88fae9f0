//! Labels by each rule, and when they are not known yet.

mod common;

use common::Log;
use staycast_events::time::parse_instant;
use staycast_sequences::{BuildError, BuildOptions, Dataset, DropoutRule, EnrolmentIndex, WeekIndex};

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
    LOG.sequences(&BuildOptions { rule: Some(rule), as_of, weeks, ..BuildOptions::default() })
}

#[test]
fn inactive_last_looks_at_the_calendars_last_weeks() {
    let rule = DropoutRule::InactiveLast { weeks: 2 };
    let wanted = vec![Some(false), Some(true), Some(false), Some(true)];
    let data = built(rule, None, None);
    assert_eq!(labels(&data), wanted);
    // The week of the last event, for those who left.
    let left: Vec<Option<i32>> = data.enrolments.iter().map(|row| row.left_week).collect();
    assert_eq!(left, [None, Some(1), None, None]);
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
