//! Tests who is in the cohort at a cut-off, and why the others are not.

mod common;

use common::Log;
use staycast_events::formats::{OpenOptions, open};
use staycast_events::time::parse_instant;
use staycast_sequences::{
    BuildMode, BuildOptions, CutOff, Dataset, Exclusion, Selection, SequenceFolder, Standing, Unwatched, build,
    standing,
};

const fn excluded(exclusion: Exclusion) -> Standing {
    Standing::Excluded(exclusion)
}

fn scored(seen: u16, active: bool) -> Standing {
    Standing::Scored { seen: CutOff::after_weeks(seen).unwrap(), active }
}

fn at(data: &Dataset, enrolment: &str, cut_off: u16) -> Standing {
    let place = data.find_enrolment(enrolment).unwrap();
    standing(data, place, CutOff::after_weeks(cut_off).unwrap())
}

#[test]
fn without_dates_an_enrolment_is_known_from_its_first_event() {
    let log = Log {
        courses: "c,2014-06-02,2014-06-29\n",
        enrolments: "1,ann,c\n2,bob,c\n3,cem,c\n4,dee,c\n",
        objects: "",
        events: "\
1,2014-06-15T23:59:59,server,access,a
2,2014-06-16T00:00:00,server,access,a
3,2014-06-01T12:00:00,server,access,a
2,2014-06-29T12:00:00,server,access,a
",
    };
    let data = log.sequences(&BuildOptions::default());
    assert_eq!(at(&data, "1", 2), scored(2, true));
    // The cut-off is the first instant of the third week: an event at that instant is not before it.
    assert_eq!(at(&data, "2", 2), excluded(Exclusion::NotYetKnown));
    assert_eq!(at(&data, "2", 3), scored(3, true));
    // Seen before the start only: known, and active while that was no longer ago than 14 days.
    assert_eq!(at(&data, "3", 1), scored(1, true));
    assert!(!at(&data, "3", 2).is_active());
    assert_eq!(at(&data, "4", 4), excluded(Exclusion::NotYetKnown));
    assert!(!at(&data, "2", 2).is_known() && at(&data, "3", 2).is_known());
}

#[test]
fn a_running_course_is_judged_by_the_weeks_that_are_over() {
    let log = Log {
        courses: "later,2014-07-07,2014-08-03\nnow,2014-06-02,2014-06-29\n",
        enrolments: "1,ann,now\n2,bob,later\n",
        objects: "",
        events: "1,2014-06-03T12:00:00,server,access,a\n2,2014-06-03T12:00:00,server,access,a\n",
    };
    let taken = |instant: &str| log.sequences_as_of(parse_instant(instant.as_bytes()), &BuildOptions::default());
    let data = taken("2014-06-12");
    assert_eq!(at(&data, "1", 4), scored(1, true));
    assert_eq!(at(&data, "2", 4), excluded(Exclusion::CourseNotStarted));
    let early = taken("2014-06-08");
    assert_eq!(at(&early, "1", 4), excluded(Exclusion::NotEnoughData), "{:?} {:?}", early.courses, early.enrolments);
}

/// A course of 30 days with withdrawals, as OULAD has them.
fn oulad() -> Dataset {
    let folder = tempfile::tempdir().unwrap();
    let table = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    table("courses.csv", "code_module,code_presentation,module_presentation_length\nAAA,2013B,29\n");
    let about = |id: u32, end: &str| format!("AAA,2013B,{id},F,Wales,HE Qualification,,0-35,0,60,N,{end}\n");
    let students: String = [(1, "Pass"), (2, "Withdrawn"), (3, "Withdrawn"), (4, "Fail"), (5, "Pass")]
        .map(|(id, end)| about(id, end))
        .concat();
    let header = "code_module,code_presentation,id_student,gender,region,highest_education,imd_band,age_band,\
                  num_of_prev_attempts,studied_credits,disability,final_result\n";
    table("studentInfo.csv", &format!("{header}{students}"));
    table(
        "studentRegistration.csv",
        "code_module,code_presentation,id_student,date_registration,date_unregistration\n\
         AAA,2013B,1,-20,\nAAA,2013B,2,-20,13\nAAA,2013B,3,-20,14\nAAA,2013B,4,,\nAAA,2013B,5,9,\n",
    );
    table("vle.csv", "id_site,code_module,code_presentation,activity_type,week_from,week_to\n7,AAA,2013B,resource,,\n");
    table(
        "studentVle.csv",
        "code_module,code_presentation,id_student,id_site,date,sum_click\nAAA,2013B,1,7,0,3\nAAA,2013B,1,7,29,1\n",
    );
    table(
        "assessments.csv",
        "code_module,code_presentation,id_assessment,assessment_type,date,weight\nAAA,2013B,9,TMA,20,100\n",
    );
    table("studentAssessment.csv", "id_assessment,id_student,date_submitted,is_banked,score\n9,1,19,0,80\n");
    let source = open(&[folder.path().to_owned()], &OpenOptions::default()).unwrap();
    let out = folder.path().join("sequences");
    build(&source, &BuildOptions::default(), &out, BuildMode::Refuse, &Unwatched).unwrap();
    SequenceFolder::open(&out).unwrap().load(&Selection::default()).unwrap()
}

#[test]
fn withdrawals_and_dates_of_enrolment_decide_where_the_source_has_them() {
    let data = oulad();
    let at = |student: u32, week| at(&data, &format!("AAA-2013B/{student}"), week);
    assert!(at(1, 2).is_active());
    // Withdrawn on day 13, before the cut-off at day 14; on day 14, not before it.
    assert_eq!((at(2, 2), at(2, 2).is_active(), at(2, 2).is_known()), (excluded(Exclusion::Withdrawn), false, true));
    assert_eq!(at(3, 2), scored(2, true));
    // In the register without a date, and without an event: known, since inactivity is information.
    assert_eq!(at(4, 1), scored(1, true));
    // Enrolled on day 9: unknown at day 7, without a whole week at day 14, with one at day 21.
    let standings: Vec<Standing> = (1..=3).map(|week| at(5, week)).collect();
    let (unknown, too_little) = (excluded(Exclusion::NotYetKnown), excluded(Exclusion::NotEnoughData));
    assert_eq!(standings, [unknown, too_little, scored(3, true)]);
    let labels: Vec<Option<bool>> = data.enrolments.iter().map(|row| row.dropout).collect();
    assert_eq!(labels, [Some(false), Some(true), Some(true), Some(true), Some(false)]);
    let left: Vec<Option<i32>> = data.enrolments.iter().map(|row| row.left_week).collect();
    assert_eq!(left, [None, Some(1), Some(2), None, None]);
}

#[test]
fn submissions_are_events_with_scores_known_from_their_day() {
    let data = oulad();
    let value = |week, feature| common::value(&data, "AAA-2013B/1", week, feature);
    assert_eq!(value(2, "n_submission"), Some(1.0));
    assert_eq!(value(2, "submissions_on_time"), Some(1.0));
    assert_eq!((value(1, "total_score_mean"), value(2, "total_score_mean")), (None, Some(80.0)));
    let missing =
        |student: u32, week| common::value(&data, &format!("AAA-2013B/{student}"), week, "assessments_missing");
    // Due on day 20, which is over when week 2 is.
    assert_eq!((missing(1, 2), missing(3, 1), missing(3, 2)), (Some(0.0), Some(0.0), Some(1.0)));
    assert_eq!((value(0, "n_events"), value(0, "sessions")), (Some(3.0), None));
}
