//! Features against values computed by hand, on a log small enough to count, of a format as it is. `every_feature.rs`
//! has a value for each of them.

mod common;

use common::made::Parts;
use common::{Log, check};
use staycast_events::time::parse_instant;
use staycast_events::{Activity, Enrolment, EventKind, Names};
use staycast_sequences::{BuildOptions, Dataset, RawKinds};

/// Two courses of 16 days (two weeks and two days) that overlap; 2 June 2014 is a Monday.
fn data() -> Dataset {
    let log = Log {
        courses: "maths,2014-06-02,2014-06-17\nphysics,2014-06-09,2014-06-24\n",
        enrolments: "1,ann,maths\n2,bob,maths\n3,ann,physics\n4,cem,maths\n",
        objects: "maths,v1,video,,2014-06-02T00:00:00\nmaths,p1,problem,,2014-06-03T12:00:00\nmaths,x,chapter,,null\n",
        events: "\
1,2014-05-30T10:00:00,server,access,home
1,2014-06-01T23:50:00,server,access,home
1,2014-06-02T00:10:00,browser,video,v1
1,2014-06-02T00:40:00,browser,video,v1
1,2014-06-02T01:10:01,server,problem,p0
1,2014-06-04T12:00:00,server,problem,p1
1,2014-06-04T12:10:00,server,problem,p1
1,2014-06-08T23:59:00,server,nagivate,home
1,2014-06-09T00:01:00,server,wiki,w
1,2014-06-17T18:00:00,browser,page_close,home
2,2014-06-03T08:00:00,server,discussion,d
3,2014-06-10T08:00:00,server,access,a
3,2014-06-24T08:00:00,server,access,a
4,2014-06-12T20:00:00,server,access,home
",
    };
    log.sequences(&BuildOptions::default())
}

#[test]
fn counts_days_objects() {
    let data = data();
    check(
        &data,
        "1",
        0,
        &[
            ("n_video", Some(2.0)),
            ("n_problem", Some(3.0)),
            ("n_navigate", Some(1.0)),
            ("n_access", Some(0.0)),
            ("n_events", Some(6.0)),
            ("active_days", Some(3.0)),
            ("objects", Some(4.0)),
            ("problems_attempted", Some(2.0)),
            ("problems_correct", None),
            ("share_video", Some(2.0 / 6.0)),
            ("first_active_day", Some(0.0)),
            ("last_active_day", Some(6.0)),
            ("n_day_0", Some(3.0)),
            ("n_day_2", Some(2.0)),
            ("n_weekday_mon", Some(3.0)),
            ("n_weekday_wed", Some(2.0)),
            ("n_weekday_sun", Some(1.0)),
            ("n_night", Some(3.0)),
            ("n_morning", Some(0.0)),
            ("n_afternoon", Some(2.0)),
            ("n_evening", Some(1.0)),
        ],
    );
    check(&data, "1", 1, &[("n_events", Some(1.0)), ("n_wiki", Some(1.0)), ("change_events", Some(-5.0))]);
    check(
        &data,
        "2",
        1,
        &[("n_events", Some(0.0)), ("share_video", None), ("first_active_day", None), ("silent_weeks", Some(1.0))],
    );
    check(&data, "2", 2, &[("silent_weeks", Some(2.0)), ("n_day_1", Some(0.0)), ("n_day_2", None)]);
}

#[test]
fn sessions_and_seconds() {
    let data = data();
    // 23:50 before the start to 00:10 is a gap of 20 minutes: the session is the time before's, the gap is week 0's.
    // 00:10 to 00:40 is 30 minutes, just inside; 00:40 to 01:10:01 is a second too long.
    check(
        &data,
        "1",
        0,
        &[
            ("sessions", Some(3.0)),
            ("seconds", Some(1_200.0 + 1_800.0 + 600.0)),
            ("longest_session_seconds", Some(600.0)),
            ("total_sessions", Some(3.0)),
        ],
    );
    // The session that began a minute before midnight is week 0's, its two minutes are week 1's.
    check(&data, "1", 1, &[("sessions", Some(0.0)), ("seconds", Some(120.0)), ("total_seconds", Some(3_720.0))]);
    check(&data, "1", 2, &[("sessions", Some(1.0)), ("seconds", Some(0.0)), ("total_sessions", Some(4.0))]);
}

#[test]
fn recency_totals_and_inactivity() {
    let data = data();
    check(
        &data,
        "1",
        0,
        &[
            ("days_since_last", Some(60.0 / 86_400.0)),
            ("total_events", Some(6.0)),
            ("total_active_days", Some(3.0)),
            ("change_events", None),
            ("silent_weeks", Some(0.0)),
        ],
    );
    check(
        &data,
        "1",
        2,
        &[("days_since_last", Some(0.25)), ("total_events", Some(8.0)), ("total_active_days", Some(5.0))],
    );
    check(&data, "4", 0, &[("days_since_last", None), ("silent_weeks", Some(1.0))]);
    let ann = data.enrolment(data.find_enrolment("1").unwrap());
    assert_eq!((ann.pre_start_events, ann.pre_start_active_days), (2, 2));
    assert_eq!(ann.first_event_day, Some(-3.0 + 10.0 / 24.0));
}

#[test]
fn release_delays_count_the_first_access_only() {
    let data = data();
    // v1 ten minutes after release, p1 a day after; p0 and home have no release.
    check(
        &data,
        "1",
        0,
        &[
            ("release_delay_min", Some(600.0 / 86_400.0)),
            ("release_delay_max", Some(1.0)),
            ("release_delay_mean", Some((600.0 / 86_400.0 + 1.0) / 2.0)),
        ],
    );
    check(&data, "1", 1, &[("release_delay_mean", None)]);
}

#[test]
fn ranks_are_among_those_known_by_then() {
    let data = data();
    // Week 0 knows ann (6 events) and bob (1); cem is first seen in week 1.
    check(&data, "1", 0, &[("rank_events", Some(0.75))]);
    check(&data, "2", 0, &[("rank_events", Some(0.25))]);
    check(&data, "4", 0, &[("rank_events", None)]);
    // Week 1: ann 1, cem 1, bob 0.
    check(&data, "1", 1, &[("rank_events", Some(2.0 / 3.0))]);
    check(&data, "2", 1, &[("rank_events", Some(0.5 / 3.0))]);
}

#[test]
fn other_courses_are_those_active_in_the_same_days() {
    let data = data();
    check(&data, "1", 0, &[("other_courses", Some(0.0))]);
    // 10 June, of physics, lies in week 1 of maths and week 0 of physics; maths had 9 June in physics' week 0.
    check(&data, "1", 1, &[("other_courses", Some(1.0))]);
    check(&data, "3", 0, &[("other_courses", Some(1.0))]);
    check(&data, "2", 1, &[("other_courses", Some(0.0))]);
    // The 24th is after the last day of maths.
    check(&data, "1", 2, &[("other_courses", Some(0.0))]);
}

#[test]
fn features_of_what_the_source_lacks_are_null() {
    let data = data();
    for feature in ["submissions_on_time", "score_mean", "assessments_missing", "withdrawn", "problems_correct"] {
        check(&data, "1", 0, &[(feature, None)]);
        let record = data.manifest.features.iter().find(|record| record.name == feature).unwrap();
        assert!(record.lacking.is_some(), "{feature} says why it is null");
    }
}

#[test]
fn columns_of_raw_kinds_with_points_in_their_names_are_read_back() {
    let parts = Parts {
        courses: vec![("c".to_owned(), "2014-06-02".to_owned(), 7)],
        enrolments: vec![("c".to_owned(), Enrolment { names: Names::new("e", ""), ..Enrolment::default() })],
        kinds: vec![EventKind::new("edx.video.loaded", Activity::Video)],
        events: vec![(
            "e".to_owned(),
            "2014-06-02T08:00:00".to_owned(),
            "edx.video.loaded".to_owned(),
            "v".to_owned(),
            3,
        )],
        ..Parts::default()
    };
    let options = BuildOptions { raw_kinds: RawKinds::Keep, ..BuildOptions::default() };
    check(
        &parts.sequences_as_of(parse_instant(b"2014-07-01"), &options),
        "e",
        0,
        &[("n_raw_edx.video.loaded", Some(3.0))],
    );
}
