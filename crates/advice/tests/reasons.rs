//! The sentences of reasons, on sequences of a small log.

use std::fmt::Write;
use std::fs;

use staycast_advice::reasons::{Behaviour, BehaviourEffect, BehaviourReading, CourseNorms, Finding, read_behaviours};
use staycast_events::formats::{OpenOptions, open};
use staycast_events::time::{DAY_SECONDS, days_from_civil};
use staycast_sequences::{
    BuildMode, BuildOptions, CutOff, Dataset, EnrolmentIndex, Selection, SequenceFolder, Unwatched, build,
};

type Doings = (&'static str, [u32; 4], [u32; 4], [u32; 4]);

/// Lists what each learner does in the four weeks of a course: days with a visit, videos and exercises of each week.
///
/// Three are alike. The fourth stops watching videos after the first week and visits less, the fifth leaves after the second,
/// and the sixth does more than the others.
const LEARNERS: [Doings; 6] = [
    ("1", [3; 4], [6; 4], [2; 4]),
    ("2", [3; 4], [6; 4], [2; 4]),
    ("3", [3; 4], [6; 4], [2; 4]),
    ("4", [5, 3, 2, 1], [6, 0, 0, 0], [2; 4]),
    ("5", [3, 3, 0, 0], [6, 6, 0, 0], [2, 2, 0, 0]),
    ("6", [6; 4], [12; 4], [0; 4]),
];

fn sequences() -> Dataset {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut log = "enrollment_id,time,source,event,object\n".to_owned();
    let mut enrolments = "enrollment_id,username,course_id\n".to_owned();
    let mut truth = String::new();
    for (id, days, videos, exercises) in LEARNERS {
        writeln!(enrolments, "{id},learner{id},c").unwrap();
        writeln!(truth, "{id},0").unwrap();
        for week in 0..4 {
            let mut event = |day: u32, minute: u32, kind: &str| {
                let day = 1 + 7 * week as u32 + day;
                let (hour, minute) = (10 + minute / 60, minute % 60);
                writeln!(log, "{id},2014-06-{day:02}T{hour:02}:{minute:02}:00,server,{kind},{kind}{day}{minute}")
                    .unwrap();
            };
            (0..days[week]).for_each(|day| event(day, 0, "navigate"));
            (0..videos[week]).for_each(|number| event(0, 1 + number, "video"));
            (0..exercises[week]).for_each(|number| event(0, 30 + number, "problem"));
        }
    }
    let dates = "course_id,from,to\nc,2014-06-01,2014-06-28\n";
    for (name, text) in
        [("log.csv", &*log), ("enrollment.csv", &enrolments), ("truth.csv", &truth), ("date.csv", dates)]
    {
        fs::write(folder.path().join(name), text).expect("writable");
    }
    // Taken when the course is over.
    let as_of = Some(i64::from(days_from_civil(2014, 7, 1)) * DAY_SECONDS);
    let source = open(&[folder.path().to_owned()], &OpenOptions { as_of, ..OpenOptions::default() }).expect("a log");
    let out = folder.path().join("sequences");
    build(&source, &BuildOptions::default(), &out, BuildMode::Refuse, &Unwatched).expect("sequences");
    SequenceFolder::open(&out).expect("written").load(&Selection::default()).expect("readable")
}

fn effect(behaviour: Behaviour, added: f32, occlusion: f64) -> BehaviourEffect {
    BehaviourEffect {
        behaviour,
        by_week: vec![0.0, 0.25 * added, 0.0, 0.75 * added],
        occlusion,
        p_without: 0.5,
        before: None,
    }
}

fn readings(data: &Dataset, learner: &str, effects: &[BehaviourEffect]) -> Vec<BehaviourReading> {
    let everybody: Vec<EnrolmentIndex> = data.enrolment_indices().collect();
    let norms = CourseNorms::new(data, &everybody, CutOff::after_weeks(4).unwrap());
    read_behaviours(data, &norms, data.find_enrolment(learner).expect("a learner"), 0.6, effects)
}

/// Returns what is said of one behaviour that raises the forecast, or lowers it.
fn said(data: &Dataset, learner: &str, behaviour: Behaviour, size: f32) -> (Finding, String) {
    let [reading] = &readings(data, learner, &[effect(behaviour, size, f64::from(size))])[..] else { panic!("one") };
    (reading.finding, reading.text.clone())
}

#[test]
fn sentences_have_the_figure_what_is_typical_and_what_was_before() {
    let data = sequences();
    let raises = |text: &str| (Finding::RaisesRisk, text.to_owned());
    let lowers = |text: &str| (Finding::LowersRisk, text.to_owned());
    for (learner, behaviour, size, wanted) in [
        ("4", Behaviour::Visits, 0.5, raises("1 active day in week 4, 3.3 a week until then (typical: 3)")),
        ("4", Behaviour::Videos, 0.5, raises("no video events since week 1 (typical: 6 a week)")),
        ("5", Behaviour::Visits, 0.5, raises("no visit for 18 days (typical: 4 days)")),
        ("5", Behaviour::Videos, 0.5, raises("no video events since week 2 (typical: 6 a week)")),
        ("6", Behaviour::Exercises, 0.5, raises("no exercises tried so far (typical: 2 a week)")),
        ("6", Behaviour::Visits, -0.5, lowers("6 active days in week 4 (typical: 3)")),
        ("6", Behaviour::Videos, -0.5, lowers("12 video events in week 4 (typical: 6)")),
        // What the figures do not show is not said.
        ("6", Behaviour::Videos, 0.5, (Finding::NotInTheFigures, String::new())),
        ("1", Behaviour::Visits, 0.5, (Finding::NotInTheFigures, String::new())),
        ("1", Behaviour::Visits, -0.5, (Finding::NotInTheFigures, String::new())),
        // The learner can't act on these, and there are no scores.
        ("4", Behaviour::Timing, 0.5, (Finding::NotOfTheLearner, String::new())),
        ("4", Behaviour::Scores, 0.5, (Finding::NotInTheFigures, String::new())),
    ] {
        assert_eq!(said(&data, learner, behaviour, size), wanted, "{learner} {behaviour} {size}");
    }
}

#[test]
fn a_reason_needs_both_methods() {
    let data = sequences();
    for (added, occlusion, finding) in [
        (0.5, 0.5, Finding::RaisesRisk),
        (0.5, 0.11, Finding::RaisesRisk),
        (0.5, 0.09, Finding::MethodsDiffer),
        (0.11, 0.09, Finding::Small),
        (0.5, -0.5, Finding::MethodsDiffer),
        (-0.05, 0.3, Finding::MethodsDiffer),
        (0.09, 0.09, Finding::Small),
        (0.05, -0.09, Finding::Small),
    ] {
        let found = readings(&data, "4", &[effect(Behaviour::Videos, added, occlusion)]);
        assert_eq!(found[0].finding, finding, "{added} {occlusion}");
        assert_eq!(found[0].text.is_empty(), !finding.is_reason());
    }
}

#[test]
fn reasons_come_first_and_the_largest_of_them_before_others() {
    let data = sequences();
    let effects = [
        effect(Behaviour::Background, 2.0, 2.0),
        effect(Behaviour::Activity, 0.9, -0.4),
        effect(Behaviour::Visits, 0.3, 0.2),
        // Both methods grant it 0.25.
        effect(Behaviour::Videos, 0.8, 0.25),
    ];
    let found = readings(&data, "4", &effects);
    let order: Vec<(Behaviour, Finding)> = found.iter().map(|one| (one.behaviour, one.finding)).collect();
    assert_eq!(
        order,
        [
            (Behaviour::Videos, Finding::RaisesRisk),
            (Behaviour::Visits, Finding::RaisesRisk),
            (Behaviour::Activity, Finding::MethodsDiffer),
            (Behaviour::Background, Finding::NotOfTheLearner)
        ]
    );
    assert_eq!((found[0].week, found[0].figure.learner, found[0].figure.typical), (4, Some(0.0), Some(6.0)));
    assert_eq!(found[0].figure.before, Some(2.0));
    assert!((found[0].points - 0.1).abs() < 1e-12);
}
