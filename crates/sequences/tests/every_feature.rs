//! A value computed by hand for every feature there is, in a week of a learner who does everything.

mod common;

use common::check;
use common::made::{Made, Parts};
use staycast_events::{Activity, Detail, Enrolment, EventKind, Names};
use staycast_sequences::{BuildOptions, CutOff, DropoutRule, Exclusion, FeatureSet, features, standing};

const DAY: i32 = 86_400;

fn kinds() -> Vec<EventKind> {
    let plain = Activity::ALL.map(|activity| EventKind::new(activity.name(), activity));
    let detailed = [
        ("play", Activity::Video, Detail::VideoPlayed),
        ("wrong", Activity::Problem, Detail::AttemptWrong),
        ("right", Activity::Problem, Detail::AttemptRight),
        ("thread", Activity::Post, Detail::Post),
        ("response", Activity::Post, Detail::Response),
        ("comment", Activity::Post, Detail::Comment),
        ("up", Activity::Discussion, Detail::UpvoteGiven),
        ("up undone", Activity::Discussion, Detail::UpvoteGivenUndone),
        ("down", Activity::Discussion, Detail::DownvoteGiven),
        ("down undone", Activity::Discussion, Detail::DownvoteGivenUndone),
        ("got up", Activity::Discussion, Detail::UpvoteReceived),
        ("got up undone", Activity::Discussion, Detail::UpvoteReceivedUndone),
        ("got down", Activity::Discussion, Detail::DownvoteReceived),
        ("got down undone", Activity::Discussion, Detail::DownvoteReceivedUndone),
        ("page", Activity::Access, Detail::TextbookPage),
    ];
    let detailed = detailed.map(|(raw, activity, detail)| EventKind::new(raw, activity).with_detail(detail));
    let passed_over = EventKind::new("check in the browser", Activity::Problem).not_engaging();
    plain.into_iter().chain(detailed).chain([passed_over]).collect()
}

fn enrolment(id: &str, learner: &str, enrolled_day: i32, withdrawn_day: Option<i32>) -> Enrolment {
    Enrolment {
        names: Names::new(id, learner),
        enrolled_seconds: Some(enrolled_day * DAY),
        withdrawn_seconds: withdrawn_day.map(|day| day * DAY),
        ..Enrolment::default()
    }
}

/// Ann's course begins on Monday, 2 June 2014.
const EVENTS: [(&str, &str, &str, &str, u64); 35] = [
    ("ann", "2014-06-01T23:50:00", "access", "home", 1),
    ("ann", "2014-06-02T00:10:00", "play", "v1", 1),
    ("ann", "2014-06-04T12:00:00", "wrong", "p1", 1),
    ("ann", "2014-06-04T12:10:00", "right", "p1", 1),
    // Week 1: Monday the 9th.
    ("ann", "2014-06-09T06:00:00", "login", "", 1),
    ("ann", "2014-06-09T06:10:00", "navigate", "home", 1),
    ("ann", "2014-06-09T06:10:00", "access", "u1", 1),
    ("ann", "2014-06-09T06:20:00", "play", "v1", 1),
    ("ann", "2014-06-09T06:30:00", "play", "v2", 1),
    ("ann", "2014-06-09T07:30:00", "wrong", "p1", 1),
    ("ann", "2014-06-09T07:40:00", "right", "p1", 1),
    // Wednesday.
    ("ann", "2014-06-11T12:00:00", "wrong", "p2", 1),
    ("ann", "2014-06-11T12:05:00", "wrong", "p2", 1),
    ("ann", "2014-06-11T12:10:00", "check in the browser", "p3", 1),
    ("ann", "2014-06-11T12:15:00", "thread", "d1", 1),
    ("ann", "2014-06-11T12:20:00", "response", "d1", 1),
    ("ann", "2014-06-11T12:25:00", "comment", "d1", 1),
    ("ann", "2014-06-11T12:30:00", "discussion", "d1", 1),
    ("ann", "2014-06-11T12:35:00", "wiki", "w1", 1),
    // Friday.
    ("ann", "2014-06-13T18:00:00", "up", "d2", 2),
    ("ann", "2014-06-13T18:01:00", "up undone", "d2", 1),
    ("ann", "2014-06-13T18:02:00", "down", "d2", 1),
    ("ann", "2014-06-13T18:03:00", "page", "t1", 1),
    ("ann", "2014-06-13T18:10:00", "submission", "s1", 1),
    ("ann", "2014-06-13T18:20:00", "download", "f1", 1),
    ("ann", "2014-06-13T18:30:00", "live", "", 1),
    ("ann", "2014-06-13T18:40:00", "page_close", "home", 1),
    ("ann", "2014-06-13T18:50:00", "other", "", 1),
    // Saturday: nothing of ann's own.
    ("ann", "2014-06-14T03:00:00", "got up", "d1", 1),
    ("ann", "2014-06-14T03:00:00", "got down", "d1", 2),
    ("ann in physics", "2014-06-10T08:00:00", "access", "x", 1),
    ("ann in art", "2014-05-30T08:00:00", "access", "x", 1),
    ("bob", "2014-06-10T08:00:00", "access", "u1", 1),
    ("bob", "2014-06-12T08:00:00", "check in the browser", "p1", 1),
    ("bob", "2014-06-17T23:00:00", "access", "u1", 1),
];

fn owned(events: &[(&str, &str, &str, &str, u64)]) -> Vec<Made> {
    events
        .iter()
        .map(|&(who, at, kind, object, count)| (who.into(), at.into(), kind.into(), object.into(), count))
        .collect()
}

fn parts() -> Parts {
    let maths = || "maths".to_owned();
    let due = [("A0", 6), ("A1", 10), ("A2", 13), ("A3", 13)];
    let handed_in = [
        ("ann", "A0", 3, 50.0),
        ("ann", "A1", 11, 80.0),
        ("ann", "A2", 8, 60.0),
        ("bob", "A1", 9, 60.0),
        ("bob", "A2", 8, 40.0),
        // Enrolled on day 12 only.
        ("cem", "A0", 5, 100.0),
        // After ann's week.
        ("cem", "A1", 14, 0.0),
    ];
    let releases = [
        ("v1", "2014-06-02T00:00:00"),
        ("u1", "2014-06-08T06:10:00"),
        ("v2", "2014-06-09T00:30:00"),
        // Opened before: no delay.
        ("d1", "2014-06-20T00:00:00"),
    ];
    Parts {
        courses: vec![
            (maths(), "2014-06-02".into(), 16),
            ("physics".into(), "2014-06-09".into(), 9),
            ("chemistry".into(), "2014-05-05".into(), 14),
            ("art".into(), "2014-05-19".into(), 14),
        ],
        enrolments: vec![
            (maths(), enrolment("ann", "ann", -1, None)),
            (maths(), enrolment("bob", "bob", -1, Some(9))),
            (maths(), enrolment("cem", "cem", 12, None)),
            (maths(), enrolment("dee", "dee", 14, None)),
            ("physics".into(), enrolment("ann in physics", "ann", -1, None)),
            ("chemistry".into(), enrolment("ann in chemistry", "ann", -1, None)),
            ("art".into(), enrolment("ann in art", "ann", -1, None)),
        ],
        kinds: kinds(),
        events: owned(&EVENTS),
        releases: releases.map(|(object, at)| (maths(), object.into(), at.into())).into(),
        assessments: due.map(|(id, day)| (maths(), id.into(), day)).into(),
        submissions: handed_in.map(|(who, id, day, score)| (who.into(), id.into(), day, score)).into(),
        ..Parts::default()
    }
}

/// Expected values of ann's week from the 9th to the 15th of June.
const BY_HAND: &[(&str, f32)] = &[
    ("n_access", 2.0),
    ("n_navigate", 1.0),
    ("n_video", 2.0),
    ("n_problem", 5.0),
    ("n_discussion", 5.0),
    ("n_post", 3.0),
    ("n_wiki", 1.0),
    ("n_submission", 1.0),
    ("n_download", 1.0),
    ("n_live", 1.0),
    ("n_login", 1.0),
    ("n_page_close", 1.0),
    ("n_other", 1.0),
    ("n_events", 25.0),
    ("active_days", 3.0),
    // home, u1, v1, v2, p1, p2, p3, d1, w1, d2, t1, s1, f1
    ("objects", 13.0),
    ("sessions", 4.0),
    // 06:00 to 06:30, 07:30 to 07:40, 12:00 to 12:35, 18:00 to 18:50
    ("seconds", 60.0 * (30.0 + 10.0 + 35.0 + 50.0)),
    // From Friday, 18:50, to the end of Sunday
    ("days_since_last", 2.0 + (5.0 * 60.0 + 10.0) / (24.0 * 60.0)),
    ("longest_session_seconds", 60.0 * 50.0),
    ("first_active_day", 0.0),
    ("last_active_day", 4.0),
    ("n_day_0", 7.0),
    ("n_day_1", 0.0),
    ("n_day_2", 8.0),
    ("n_day_3", 0.0),
    ("n_day_4", 10.0),
    ("n_day_5", 0.0),
    ("n_day_6", 0.0),
    ("n_weekday_mon", 7.0),
    ("n_weekday_tue", 0.0),
    ("n_weekday_wed", 8.0),
    ("n_weekday_thu", 0.0),
    ("n_weekday_fri", 10.0),
    ("n_weekday_sat", 0.0),
    ("n_weekday_sun", 0.0),
    ("n_night", 0.0),
    ("n_morning", 7.0),
    ("n_afternoon", 8.0),
    ("n_evening", 10.0),
    // Five events in hour 6 (cosine 0, sine 1), two in hour 7 (-0.258819, 0.965926), eight in 12 (-1, 0), ten in 18 (0, -1)
    ("hour_cos", (2.0 * -0.258_819 - 8.0) / 25.0),
    ("hour_sin", (5.0 + 2.0 * 0.965_926 - 10.0) / 25.0),
    ("share_access", 0.08),
    ("share_navigate", 0.04),
    ("share_video", 0.08),
    ("share_problem", 0.2),
    ("share_discussion", 0.2),
    ("share_post", 0.12),
    ("share_wiki", 0.04),
    ("share_submission", 0.04),
    ("share_download", 0.04),
    ("share_live", 0.04),
    ("share_login", 0.04),
    ("share_page_close", 0.04),
    ("share_other", 0.04),
    // u1 a day after its release, v2 six hours; v1 was opened the week before
    ("release_delay_mean", 0.625),
    ("release_delay_min", 0.25),
    ("release_delay_max", 1.0),
    // p1, p2; four answers; p1 right
    ("problems_attempted", 2.0),
    ("problem_attempts", 4.0),
    ("problems_correct", 1.0),
    // A2 on day 8, due on day 13; A1 on day 11, due on day 10
    ("submissions_on_time", 1.0),
    ("submissions_late", 1.0),
    ("score_mean", 70.0),
    ("total_score_mean", 190.0 / 3.0),
    ("total_submissions", 3.0),
    // A3
    ("assessments_missing", 1.0),
    ("submitted_share", 0.75),
    // A0 by three days, A1 by -1, A2 by five
    ("submission_days_early", 7.0 / 3.0),
    // A0: 50 beside 100, A1: 80 beside 60, A2: 60 beside 40
    ("score_standing", (-25.0 / 30.0 + 10.0 / 15.0 + 10.0 / 15.0) / 3.0),
    ("score_standing_least", -25.0 / 30.0),
    // A2 and A3 were due on the same day.
    ("last_due_submitted", 0.5),
    ("last_due_days_early", 5.0),
    ("last_due_standing", 10.0 / 15.0),
    // A0 before cem, whose is known since day 12; A1 after bob; A2 on his day
    ("submission_rank", (0.75 + 0.25 + 0.5) / 3.0),
    // Of three known learners; nobody submitted A3
    ("submission_rank_in_course", (2.5 / 3.0 + 1.5 / 3.0 + 2.0 / 3.0) / 3.0),
    ("other_courses", 1.0),
    // Chemistry, in which she did nothing in the last two weeks, and art
    ("earlier_courses", 2.0),
    ("earlier_dropouts", 1.0),
    ("total_events", 28.0),
    ("total_active_days", 5.0),
    // Week 0 began inside a session from before the start, and had one of its own
    ("total_sessions", 5.0),
    ("total_seconds", 60.0 * (20.0 + 10.0 + 125.0)),
    ("change_events", 22.0),
    ("silent_weeks", 0.0),
    // Before bob (2 events) and cem (none), with herself as a tie; dee enrolled later
    ("rank_events", 2.5 / 3.0),
    ("withdrawn", 0.0),
    // Of 24 content events in both weeks
    ("preference_access", 2.0 / 24.0),
    ("preference_video", 3.0 / 24.0),
    ("preference_problem", 7.0 / 24.0),
    ("preference_discussion", 5.0 / 24.0),
    ("preference_post", 3.0 / 24.0),
    ("preference_wiki", 1.0 / 24.0),
    ("preference_submission", 1.0 / 24.0),
    ("preference_download", 1.0 / 24.0),
    ("preference_live", 1.0 / 24.0),
    ("preference_greatest", 7.0 / 24.0),
    // 0.298747 + 2 × 0.375 + 0.518469 + 0.471466 + 4 × 0.191040
    ("preference_entropy", 2.802_842),
    // Saturday too
    ("engagement_days_active", 4.0),
    ("engagement_problems_attempted", 2.0),
    ("engagement_problem_attempts", 4.0),
    ("engagement_problems_correct", 1.0),
    ("engagement_videos_played", 2.0),
    ("engagement_posts", 1.0),
    ("engagement_responses", 1.0),
    ("engagement_comments", 1.0),
    ("engagement_upvotes_given", 1.0),
    ("engagement_downvotes_given", 1.0),
    ("engagement_upvotes_received", 1.0),
    ("engagement_downvotes_received", 2.0),
    ("engagement_textbook_pages", 1.0),
];

#[test]
fn by_hand() {
    let names: Vec<String> = features(FeatureSet::All).into_iter().map(|feature| feature.name).collect();
    let computed: Vec<&str> = BY_HAND.iter().map(|&(name, _)| name).collect();
    assert_eq!(names, computed, "every feature has a value computed by hand");
    let data = parts().sequences(&BuildOptions::default());
    for &(feature, wanted) in BY_HAND {
        check(&data, "ann", 1, &[(feature, Some(wanted))]);
    }
    assert!(data.manifest.features.iter().all(|feature| feature.lacking.is_none()));
}

#[test]
fn of_a_source_that_tells_less_more_is_null() {
    let mut parts = parts();
    for kind in &mut parts.kinds {
        if kind.detail != Detail::VideoPlayed {
            kind.detail = Detail::Nothing;
        }
    }
    let data = parts.sequences(&BuildOptions::default());
    check(
        &data,
        "ann",
        1,
        &[
            // Any event of a problem counts, where attempts cannot be distinguished from others.
            ("problems_attempted", Some(3.0)),
            ("problem_attempts", None),
            ("problems_correct", None),
            ("engagement_days_active", Some(4.0)),
            ("engagement_problems_attempted", None),
            ("engagement_problem_attempts", None),
            ("engagement_problems_correct", None),
            ("engagement_videos_played", Some(2.0)),
            ("engagement_posts", None),
            ("engagement_upvotes_given", None),
            ("engagement_upvotes_received", None),
            ("engagement_textbook_pages", None),
        ],
    );
    let lacking = |name: &str| {
        let record = data.manifest.features.iter().find(|record| record.name == name).unwrap();
        record.lacking.clone().unwrap_or_default()
    };
    assert_eq!(lacking("engagement_posts"), "the source does not tell new threads from other posts");
    assert_eq!(lacking("engagement_days_active"), "");
}

/// Bob's week from the 9th: what is passed over makes no day of edX's, and is an event like any other.
#[test]
fn an_event_passed_over_by_edx_is_an_event() {
    let data = parts().sequences(&BuildOptions::default());
    check(
        &data,
        "bob",
        1,
        &[
            ("active_days", Some(2.0)),
            ("engagement_days_active", Some(1.0)),
            ("n_problem", Some(1.0)),
            ("problems_attempted", Some(0.0)),
            ("withdrawn", Some(1.0)),
        ],
    );
    check(&data, "bob", 0, &[("withdrawn", Some(0.0))]);
}

/// At the end of the first week, nothing later counts: cem was not enrolled, and one assessment was due.
#[test]
fn a_score_stands_beside_those_that_the_course_knew_by_then() {
    let data = parts().sequences(&BuildOptions::default());
    check(
        &data,
        "ann",
        0,
        &[
            ("submitted_share", Some(1.0)),
            ("score_standing", Some(0.0)),
            ("last_due_standing", Some(0.0)),
            ("last_due_days_early", Some(3.0)),
        ],
    );
    check(&data, "cem", 1, &[("score_standing", Some(25.0 / 30.0)), ("submitted_share", Some(0.25))]);
    // A1 is known to have a score of 0 now, by who handed it in too late: 80, 60, 0.
    let deviation = ((80.0_f32 * 80.0 + 60.0 * 60.0) / 3.0 - (140.0_f32 / 3.0).powi(2)).sqrt();
    let standing = (80.0 - 140.0 / 3.0) / (deviation + 5.0);
    check(&data, "ann", 2, &[("score_standing", Some((-25.0 / 30.0 + standing + 10.0 / 15.0) / 3.0))]);
    check(
        &data,
        "bob",
        0,
        &[("submitted_share", Some(0.0)), ("submission_days_early", None), ("score_standing", None)],
    );
    // A lag of three days hides ann's A1 of day 11 from the end of the week, and nothing handed in by day 10.
    let lag = BuildOptions { score_lag_days: 3, ..BuildOptions::default() };
    let data = parts().sequences(&lag);
    check(&data, "ann", 1, &[("score_standing", Some((-25.0 / 30.0 + 10.0 / 15.0) / 2.0))]);
}

/// Of the first week only ann and bob are known, and one submission.
#[test]
fn a_submission_ranks_among_those_that_the_course_knew_by_then() {
    let data = parts().sequences(&BuildOptions::default());
    let ranks = |of_submissions: Option<f32>, in_course: Option<f32>| {
        [("submission_rank", of_submissions), ("submission_rank_in_course", in_course)]
    };
    check(&data, "ann", 0, &ranks(Some(0.5), Some(1.5 / 2.0)));
    check(&data, "bob", 0, &ranks(None, Some(0.5 / 2.0)));
    // Not known yet.
    check(&data, "cem", 0, &ranks(None, None));
    check(&data, "cem", 1, &ranks(Some(0.5 / 2.0), Some((1.5 / 3.0 + 0.5 / 3.0 + 0.5 / 3.0) / 3.0)));
    // Nothing is due in physics.
    check(&data, "ann in physics", 0, &ranks(None, None));
}

/// A course of four weeks in which zoe never does a thing, and is voted on.
fn voted_on() -> Parts {
    let inactive = Enrolment { enrolled_seconds: None, ..enrolment("zoe", "zoe", 0, None) };
    let busy = Enrolment { enrolled_seconds: None, ..enrolment("max", "max", 0, None) };
    Parts {
        courses: vec![("c".into(), "2014-06-02".into(), 28)],
        enrolments: vec![("c".into(), inactive), ("c".into(), busy)],
        kinds: kinds(),
        events: owned(&[
            ("max", "2014-06-03T08:00:00", "access", "a", 1),
            ("zoe", "2014-05-30T08:00:00", "got up", "d", 1),
            ("zoe", "2014-06-03T08:00:00", "got up", "d", 1),
            ("zoe", "2014-06-28T08:00:00", "got down undone", "d", 1),
            // After the calendar, and the newest row of the log.
            ("zoe", "2014-07-09T08:00:00", "got up", "d", 1),
        ]),
        ..Parts::default()
    }
}

#[test]
fn received_events_are_neither_activity_nor_presence() {
    let options = BuildOptions { rule: Some(DropoutRule::InactiveLast { weeks: 1 }), ..BuildOptions::default() };
    // The log is taken when its newest event of someone's own says so: on the 3rd of June.
    let data = voted_on().sequences(&options);
    assert_eq!(data.courses[0].observed_weeks, 0);
    assert_eq!(data.manifest.calendar.as_of, "2014-06-04T00:00:00");

    let data = voted_on().sequences_as_of(Some(common::made::instant("2014-08-01")), &options);
    check(
        &data,
        "zoe",
        0,
        &[
            ("engagement_upvotes_received", Some(1.0)),
            ("engagement_days_active", Some(1.0)),
            ("n_events", Some(0.0)),
            ("n_discussion", Some(0.0)),
            ("objects", Some(0.0)),
            ("active_days", Some(0.0)),
            ("sessions", Some(0.0)),
            ("days_since_last", None),
            ("total_events", Some(0.0)),
            ("silent_weeks", Some(1.0)),
            ("n_morning", Some(0.0)),
            ("rank_events", None),
            ("preference_discussion", None),
        ],
    );
    check(&data, "zoe", 3, &[("engagement_downvotes_received", Some(-1.0)), ("silent_weeks", Some(4.0))]);
    // Max is alone among those known.
    check(&data, "max", 0, &[("rank_events", Some(0.5))]);
    let zoe = data.find_enrolment("zoe").unwrap();
    let row = data.enrolment(zoe);
    assert_eq!((row.first_event_day, row.pre_start_events, row.pre_start_active_days), (None, 0, 0));
    assert_eq!(row.dropout, Some(true), "a vote in the last week is no activity");
    assert_eq!(standing(&data, zoe, CutOff::after_weeks(2).unwrap()).exclusion(), Some(Exclusion::NotYetKnown));
    // All rows are accounted for all the same.
    assert_eq!((data.manifest.rows.read, data.manifest.rows.used), (5, 4));
    assert_eq!(data.manifest.rows.set_aside["after_the_calendar"].rows, 1);
}
