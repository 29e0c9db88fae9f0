//! Real data: figures that are known from elsewhere.

use crate::common::{Folder, read, real_data, rows, workspace};
use staycast_events::formats::{self, OpenOptions};
use staycast_events::{EnrolmentIndex, OutcomeKind, Reason, Source, SourceLabels};

#[test]
fn oulad_has_the_rows_it_is_known_to_have() {
    let Some(folder) = real_data("oulad") else { return };
    let source = crate::common::open(&folder).unwrap();
    assert_eq!(source.format, "oulad");
    assert_eq!(source.labels, SourceLabels::Outcomes);
    let roster = &source.roster;
    let courses: Vec<(&str, u32)> = roster.courses.iter().map(|course| (course.id.as_str(), course.days)).collect();
    assert_eq!(courses, [("AAA-2013J", 269), ("AAA-2014J", 270), ("BBB-2013B", 241)]);
    let students = |course: u32| roster.enrolments.iter().filter(|one| one.course.0 == course).count();
    assert_eq!([students(0), students(1), students(2)], [383, 365, 1_767]);
    assert_eq!(source.tables.rejected(), 0);

    let all = read(&source).unwrap();
    assert_eq!(all.tally.rejected(), 0, "{:?}", all.tally);
    let clicks = |course: u32| -> u64 {
        let of_course = |enrolment: EnrolmentIndex| course == roster.enrolments.get(enrolment.as_usize()).course.0;
        let is_click = |kind: u8| source.kinds[kind as usize].raw != "submission";
        let clicks = all.events.iter().filter(|event| of_course(event.enrolment()) && is_click(event.kind()));
        clicks.map(|event| u64::from(event.weight())).sum()
    };
    // Sums of sum_click, by awk.
    assert_eq!([clicks(0), clicks(1), clicks(2)], [648_494, 598_158, 1_347_911]);
    assert_eq!(all.tally.read, 753_564 + 14_405);
    assert_eq!(all.rows(Reason::Banked), 76);
    assert_eq!(rows(&source.tables, Reason::Banked), 0);
    assert_eq!(roster.submissions.len(), 14_405);
    assert_eq!(roster.submissions.iter().filter(|one| one.banked).count(), 76);

    println!("{:?}", all.by_kind(&source.kinds));
    let of = |kind: OutcomeKind| {
        roster.enrolments.iter().filter(move |one| one.outcome.as_ref().is_some_and(|outcome| outcome.kind == kind))
    };
    assert_eq!(
        [of(OutcomeKind::Withdrew).count(), of(OutcomeKind::Failed).count(), of(OutcomeKind::Completed).count()],
        [631, 550, 1_334]
    );
}

#[test]
fn oulad_presentations_have_the_rows_they_are_known_to_have() {
    let Some(folder) = real_data("oulad") else { return };
    for (course, from, to, rows) in [
        ("AAA-2013J", "2013-10-05", "2014-07-01", 180_982),
        ("AAA-2014J", "2014-10-04", "2015-07-01", 169_316),
        ("BBB-2013B", "2013-02-02", "2013-10-01", 403_266),
    ] {
        let given = Folder::of(&[("dates.csv", format!("course_id,from,to\n{course},{from},{to}\n").as_bytes())]);
        let courses = Some(given.path().join("dates.csv"));
        let source =
            formats::open(std::slice::from_ref(&folder), &OpenOptions { courses, ..OpenOptions::default() }).unwrap();
        assert!(source.capabilities.dates);
        let all = read(&source).unwrap();
        let submissions = all.events.iter().filter(|event| source.kinds[event.kind() as usize].raw == "submission");
        assert_eq!(all.tally.used - submissions.count() as u64, rows, "{course}");
    }
}

fn kdd_daily() -> Option<Source> {
    let folder = real_data("kdd-daily")?;
    let mapping = Some(workspace().join("configs/mappings/kdd-daily.toml"));
    Some(formats::open(&[folder], &OpenOptions { mapping, ..OpenOptions::default() }).unwrap())
}

#[test]
fn kdd_daily_is_read_through_its_mapping() {
    let Some(source) = kdd_daily() else { return };
    assert_eq!((source.format, source.reason.as_str()), ("table", "described by kdd-daily.toml"));
    assert_eq!(source.labels, SourceLabels::Labels);
    let roster = &source.roster;
    assert_eq!((roster.enrolments.len(), roster.courses.len()), (45_005, 23));
    assert!(roster.courses.iter().all(|course| course.days == 30 && !course.inferred));
    let labelled = |label| roster.enrolments.iter().filter(|one| one.dropout == Some(label)).count();
    assert_eq!(labelled(true) + labelled(false), 45_005);
    assert_eq!(source.tables.rejected(), 0);

    let all = read(&source).unwrap();
    assert_eq!(all.tally.reasons.len(), 0, "{:?}", all.tally);
    assert_eq!(all.weight(), 2_954_137);
    let names: Vec<String> = all.by_kind(&source.kinds).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(names, ["access", "discussion", "navigate", "page_close", "problem", "video", "wiki"]);
}

#[test]
fn kdd_raw_has_the_rows_it_is_known_to_have() {
    let Some(folder) = real_data("kdd-raw") else { return };
    let source = crate::common::open(&folder).unwrap();
    assert_eq!(source.format, "kdd2015");
    assert_eq!(source.roster.enrolments.len(), 227 - 16);
    assert_eq!(source.left_out.total(), 16);
    assert_eq!(rows(&source.tables, Reason::UnknownCourse), 16);
    let all = read(&source).unwrap();
    assert_eq!(all.tally.read, 49_998);
    assert_eq!(all.rows(Reason::UnknownCourse), 27);
    assert_eq!(all.tally.used, 49_998 - 27);
    assert_eq!(all.tally.reasons.len(), 1, "{:?}", all.tally);
    assert!(source.kinds[16].raw == "unknown" && all.events.iter().all(|event| event.kind() < 16));
}
