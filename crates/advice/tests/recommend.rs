//! Recommendations on small courses, written as OULAD's tables.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use proptest::prelude::*;
use staycast_advice::recommend::{
    At, Evaluation, History, RecommendError, RecommendationRow, evaluate, recommend, write_recommendations,
};
use staycast_events::formats::{OpenOptions, open};
use staycast_events::time::{format_instant, parse_instant};
use staycast_events::{ObjectNaming, Source};
use staycast_sequences::Unwatched;
use staycast_weeks::CutOff;

const RUN: &str = "AAA,2014J";
const SEEN_DAYS: i32 = 56;

/// Describes a course of 56 days, of which the tables are written.
#[derive(Clone, Debug, Default)]
struct Tables {
    /// Id, type, and the first week for which it is planned, from 1.
    sites: Vec<(u32, &'static str, Option<u32>)>,
    /// Id and day on which it is due.
    assessments: Vec<(u32, i32)>,
    /// Student, site and day.
    clicks: Vec<(u32, u32, i32)>,
    /// Student, assessment and day.
    submissions: Vec<(u32, u32, i32)>,
    /// Student, day of registration, and day of withdrawal.
    registrations: Vec<(u32, i32, Option<i32>)>,
    students: u32,
}

impl Tables {
    fn write(&self, folder: &Path) {
        let file = |name: &str, text: String| std::fs::write(folder.join(name), text).expect("written");
        file("courses.csv", format!("code_module,code_presentation,module_presentation_length\n{RUN},{SEEN_DAYS}\n"));
        file("dates.txt", "course_id,from,to\nAAA-2014J,2014-10-06,2014-11-30\n".to_owned());
        let mut text = "code_module,code_presentation,id_student,gender,final_result\n".to_owned();
        (1..=self.students).for_each(|student| writeln!(text, "{RUN},{student},F,Pass").expect("written"));
        file("studentInfo.csv", text);
        let mut text = "id_site,code_module,code_presentation,activity_type,week_from,week_to\n".to_owned();
        for (site, kind, week) in &self.sites {
            let week = week.map_or(String::new(), |week| week.to_string());
            writeln!(text, "{site},{RUN},{kind},{week},").expect("written");
        }
        file("vle.csv", text);
        let mut text = "code_module,code_presentation,id_student,id_site,date,sum_click\n".to_owned();
        for (student, site, day) in &self.clicks {
            writeln!(text, "{RUN},{student},{site},{day},2").expect("written");
        }
        file("studentVle.csv", text);
        if !self.assessments.is_empty() {
            let mut text = "code_module,code_presentation,id_assessment,assessment_type,date,weight\n".to_owned();
            for (assessment, day) in &self.assessments {
                writeln!(text, "{RUN},{assessment},TMA,{day},10").expect("written");
            }
            file("assessments.csv", text);
            let mut text = "id_assessment,id_student,date_submitted,is_banked,score\n".to_owned();
            for (student, assessment, day) in &self.submissions {
                writeln!(text, "{assessment},{student},{day},0,70").expect("written");
            }
            file("studentAssessment.csv", text);
        }
        if !self.registrations.is_empty() {
            let mut text =
                "code_module,code_presentation,id_student,date_registration,date_unregistration\n".to_owned();
            for (student, registered, withdrawn) in &self.registrations {
                let withdrawn = withdrawn.map_or(String::new(), |day| day.to_string());
                writeln!(text, "{RUN},{student},{registered},{withdrawn}").expect("written");
            }
            file("studentRegistration.csv", text);
        }
    }

    fn source(&self, folder: &Path, as_of: Option<&str>) -> Source {
        self.write(folder);
        let options = OpenOptions {
            courses: Some(folder.join("dates.txt")),
            as_of: as_of.map(|text| parse_instant(text.as_bytes()).expect("an instant")),
            objects: ObjectNaming::Kept,
            ..OpenOptions::default()
        };
        open(&[folder.to_owned()], &options).expect("the tables can be read")
    }

    /// Returns the rows: learner, then the status or, where there is an item, it and the words why.
    fn rows(&self, at: At, as_of: Option<&str>, top: usize) -> Vec<(String, String)> {
        let folder = tempfile::tempdir().expect("a folder");
        let source = self.source(folder.path(), as_of);
        let history = match History::read(&source, &Unwatched) {
            Ok(history) => history,
            Err(RecommendError::NothingUsed) => return Vec::new(),
            Err(error) => panic!("{error}"),
        };
        let made = recommend(&history, at, top, None).expect("recommended");
        let row = |row: RecommendationRow<'_>| {
            let text = match row.item {
                None => row.status.to_owned(),
                Some(item) => format!("{item} {}: {}", row.kind.unwrap_or_default(), row.why.unwrap_or_default()),
            };
            (row.learner_id.to_owned(), text)
        };
        made.rows().map(row).collect()
    }

    fn of_learner(&self, at: At, learner: u32, top: usize) -> Vec<String> {
        let own = |(id, text): (String, String)| (id == learner.to_string()).then_some(text);
        self.rows(at, None, top).into_iter().filter_map(own).collect()
    }

    /// Returns the tables as they were before a day.
    fn before(&self, day: i32) -> Self {
        let mut earlier = self.clone();
        earlier.clicks.retain(|one| one.2 < day);
        earlier.submissions.retain(|one| one.2 < day);
        earlier.registrations.iter_mut().for_each(|one| one.2 = one.2.filter(|&withdrawn| withdrawn < day));
        earlier
    }
}

fn week(weeks: u16) -> At {
    At::Week(CutOff::after_weeks(weeks).expect("a week"))
}

/// Ten students used the sites 1 to 4 in order, one every three days from the start; student 11 used the first alone.
fn in_order() -> Tables {
    let sites = vec![(1, "oucontent", None), (2, "oucontent", None), (3, "quiz", None), (4, "oucontent", None)];
    let uses = |student| (1..=4).map(move |site| (student, site, 3 * (site as i32 - 1)));
    let mut clicks: Vec<(u32, u32, i32)> = (1..=10).flat_map(uses).collect();
    // Somebody is there until the end, so that the log is known to go on.
    clicks.extend([(11, 1, 0), (10, 4, 55)]);
    Tables { sites, clicks, students: 11, ..Tables::default() }
}

#[test]
fn one_item_that_others_did_and_a_learner_left_out_comes_first() {
    let mut tables = in_order();
    // Four used site 5 in week 3, and student 11 is still active then.
    tables.sites.push((5, "forumng", None));
    tables.clicks.extend((1..=4).map(|student| (student, 5, 15)));
    tables.clicks.push((11, 1, 16));
    let rows = tables.of_learner(week(3), 11, 5);
    assert_eq!(
        rows,
        [
            "2 access: skipped: 91 % of those still active did it, usually in week 1",
            "3 problem: skipped: 91 % of those still active did it, usually in week 1",
            "4 access: skipped: 91 % of those still active did it, usually in week 2",
            "5 discussion: used by 36 % of the learners so far",
        ]
    );
    // Those who did these things go on with what came after.
    assert_eq!(tables.of_learner(week(3), 9, 5), ["5 discussion: the next in course order"]);
}

#[test]
fn nobody_is_sent_to_what_they_used_or_to_what_is_not_released() {
    let mut tables = in_order();
    // Released at the start of week 3 (day 14), and of week 4.
    tables.sites.extend([(5, "oucontent", Some(3)), (6, "oucontent", Some(4))]);
    // What only leads to others is no item.
    tables.sites.push((7, "subpage", Some(1)));
    assert_eq!(tables.of_learner(week(1), 2, 9), ["nothing_left"]);
    assert_eq!(tables.of_learner(week(2), 2, 9), ["5 access: released today"]);
    assert_eq!(tables.of_learner(week(3), 2, 9), ["5 access: the next in course order", "6 access: released today"]);
}

#[test]
fn what_is_due_and_not_handed_in_comes_before_all_else() {
    let mut tables = in_order();
    tables.assessments = vec![(901, 17), (902, 12), (903, 30), (904, 2)];
    tables.submissions = vec![(1, 901, 5), (1, 902, 9)];
    // At day 14: 901 is due in three days, 902 was due two days ago; 903 is too far off, and 904 is long past.
    let rows = tables.of_learner(week(2), 11, 3);
    assert_eq!(
        rows[..2],
        ["901 assessment: due in 3 days and not handed in", "902 assessment: was due 2 days ago and is not handed in"]
    );
    assert_eq!(rows.len(), 3);
    // Student 1 has handed both in and used everything.
    assert_eq!(tables.of_learner(week(2), 1, 3), ["nothing_left"]);
}

#[test]
fn those_who_are_not_in_the_course_get_a_reason() {
    let mut tables = in_order();
    tables.registrations = (1..=11).map(|student| (student, -5, None)).collect();
    tables.registrations[1] = (2, -5, Some(10));
    tables.registrations[2] = (3, 20, None);
    let at = |learner: u32| tables.of_learner(week(2), learner, 2)[0].clone();
    assert_eq!([at(2), at(3), at(4)], ["withdrawn", "not_yet_known", "nothing_left"]);
    let over = tables.rows(At::Log, Some("2015-01-01"), 2);
    assert!(over.len() == 11 && over.iter().all(|(_, text)| text == "course_over"), "{over:?}");
    let before = tables.rows(At::Log, Some("2014-09-01"), 2);
    assert!(before.is_empty(), "nobody did anything yet: {before:?}");
}

#[test]
fn enrolments_can_be_asked_for_and_must_be_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = in_order().source(folder.path(), None);
    let history = History::read(&source, &Unwatched).expect("read");
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let made = recommend(&history, week(2), 1, Some(&ids(&["AAA-2014J/2", "AAA-2014J/11"]))).expect("recommended");
    let rows: Vec<&str> = made.rows().map(|row| row.enrolment_id).collect();
    assert_eq!(rows, ["AAA-2014J/11", "AAA-2014J/2"]);
    assert_eq!(made.statuses, BTreeMap::from([("recommended", 1), ("nothing_left", 1)]));
    let error = recommend(&history, week(2), 1, Some(&ids(&["AAA-2014J/2", "x", "AAA-2014J/99"]))).err();
    let error = error.expect("two are not there").to_string();
    assert_eq!(error, "2 of the enrolments asked for are not in the log, the first of them number 2 of those given");
}

#[test]
fn a_file_has_the_form_of_its_ending() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = in_order().source(folder.path(), None);
    let history = History::read(&source, &Unwatched).expect("read");
    let made = recommend(&history, week(2), 1, Some(&["AAA-2014J/11".to_owned()])).expect("recommended");
    let path = |name: &str| folder.path().join(name);
    for name in ["r.csv", "r.JSONL", "r.parquet"] {
        write_recommendations(&path(name), &made).expect(name);
    }
    let csv = std::fs::read_to_string(path("r.csv")).expect("text");
    let (header, row) = csv.split_once('\n').expect("two lines");
    assert_eq!(header, "course_id,enrolment_id,learner_id,status,rank,item,kind,reason,why,score");
    assert!(row.starts_with("AAA-2014J,AAA-2014J/11,11,recommended,1,2,access,"), "{row}");
    let json = std::fs::read_to_string(path("r.JSONL")).expect("text");
    assert!(json.contains("\"rank\":1,\"item\":\"2\",\"kind\":\"access\","), "{json}");
    let error = write_recommendations(&path("r.xlsx"), &made).expect_err("no such form").to_string();
    assert!(error.contains(".parquet, .csv or .jsonl"), "{error}");
}

#[test]
fn of_too_many_items_those_with_most_users_are_looked_at() {
    let mut tables = in_order();
    // Each used by one student, as are ids that are made for every attempt.
    tables.sites.extend((1_000..6_100).map(|site| (site, "oucontent", None)));
    tables.clicks.extend((1_000..6_100).map(|site| (site % 10 + 1, site, 1)));
    tables.assessments = vec![(901, 17)];
    let folder = tempfile::tempdir().expect("a folder");
    let source = tables.source(folder.path(), None);
    let history = History::read(&source, &Unwatched).expect("read");
    let made = recommend(&history, week(2), 5, Some(&["AAA-2014J/11".to_owned()])).expect("recommended");
    let items: Vec<&str> = made.rows().filter_map(|row| row.item).collect();
    assert_eq!(items[..4], ["901", "2", "3", "4"]);
    // Four sites, an assessment and 5,100 others.
    assert_eq!((made.courses[0].items, made.courses[0].items_left_out), (5_000, 105));
}

/// Draws courses in which up to 40 students use up to 12 sites.
fn drawn() -> impl Strategy<Value = Tables> {
    const KINDS: [&str; 4] = ["oucontent", "quiz", "forumng", "resource"];
    let sites = prop::collection::vec((0_usize..4, prop::option::of(1_u32..9)), 1..12);
    let assessments = prop::collection::vec(0..SEEN_DAYS, 0..4);
    (sites, assessments, 1_u32..40).prop_flat_map(|(sites, due, students)| {
        let count = sites.len() as u32;
        let clicks = prop::collection::vec((1..=students, 1..=count, -10..SEEN_DAYS), 0..300);
        let submissions = prop::collection::vec((1..=students, 0..due.len().max(1) as u32, 0..SEEN_DAYS), 0..40);
        let registration = (-20_i32..30, prop::option::of(0..SEEN_DAYS));
        let registrations = prop::option::of(prop::collection::vec(registration, students as usize));
        (clicks, submissions, registrations).prop_map(move |(clicks, submissions, registrations)| {
            let sites = sites.iter().zip(1..).map(|(&(kind, week), site)| (site, KINDS[kind], week)).collect();
            let assessments: Vec<(u32, i32)> = due.iter().zip(901..).map(|(&day, id)| (id, day)).collect();
            let submissions = match assessments.is_empty() {
                true => Vec::new(),
                false => submissions.into_iter().map(|(student, one, day)| (student, 901 + one, day)).collect(),
            };
            let registrations = registrations.unwrap_or_default().into_iter().zip(1..);
            let registrations = registrations.map(|((day, withdrawn), student)| (student, day, withdrawn)).collect();
            Tables { sites, assessments, clicks, submissions, registrations, students }
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(48)
    ))]

    #[test]
    fn nothing_later_counts(mut tables in drawn(), weeks in 1_u16..8) {
        let day = 7 * i32::from(weeks);
        // So that the shorter log is known to go on until then.
        tables.clicks.push((1, 1, day - 1));
        prop_assert_eq!(tables.rows(week(weeks), None, 4), tables.before(day).rows(week(weeks), None, 4));
    }

    #[test]
    fn a_log_of_an_instant_is_one_that_ended_then(tables in drawn(), day in 1_i32..50) {
        // OULAD counts days, and what is of a day stands at its first instant.
        let start = parse_instant(b"2014-10-06").expect("a date");
        let instant = format_instant(start + i64::from(day) * 86_400 - 1);
        let rows = |tables: &Tables| tables.rows(At::Log, Some(&instant), 4);
        prop_assert_eq!(rows(&tables), rows(&tables.before(day)));
    }

    #[test]
    fn threads_change_nothing(tables in drawn(), weeks in 1_u16..8) {
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| tables.rows(week(weeks), None, 4))
        };
        prop_assert_eq!(with(1), with(3));
    }

    #[test]
    fn lists_hold_what_can_be_used(tables in drawn(), weeks in 1_u16..8, top in 1_usize..6) {
        let day = 7 * i32::from(weeks);
        let mut of_learner: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (learner, text) in tables.rows(week(weeks), None, top) {
            of_learner.entry(learner).or_default().push(text);
        }
        for (learner, texts) in of_learner {
            prop_assert!(texts.len() <= top);
            for text in texts.iter().filter(|text| text.contains(' ')) {
                let item: u32 = text.split(' ').next().and_then(|id| id.parse().ok()).expect("an item");
                let used = tables.clicks.iter().chain(&tables.submissions);
                let mut before = used.filter(|one| one.0.to_string() == learner && one.1 == item && one.2 < day);
                prop_assert!(before.next().is_none(), "used before: {text}");
                let site = tables.sites.iter().find(|site| site.0 == item);
                let release = site.and_then(|site| site.2).map_or(i32::MIN, |week| 7 * (week as i32 - 1));
                prop_assert!(release <= day, "not released: {text}");
            }
        }
    }
}

/// Evaluates lists for 300 students who go through 40 sites in order, each at an own pace; one half reads, the other answers.
fn evaluated() -> Evaluation {
    let sites = (1..=40).map(|site| (site, if site % 2 == 0 { "quiz" } else { "oucontent" }, None)).collect();
    let mut clicks = Vec::new();
    for student in 1..=300_u32 {
        let pace = 1 + student / 2 % 4;
        let own = (1..=40_u32).filter(|site| site % 2 == student % 2).enumerate();
        let uses = own.map(|(place, site)| (student, site, (place as u32 * 7 / pace) as i32));
        clicks.extend(uses.filter(|one| one.2 < SEEN_DAYS));
    }
    let tables = Tables { sites, clicks, students: 300, ..Tables::default() };
    let folder = tempfile::tempdir().expect("a folder");
    let source = tables.source(folder.path(), None);
    let history = History::read(&source, &Unwatched).expect("read");
    let weeks: Vec<CutOff> = [3_u16, 5].into_iter().filter_map(CutOff::after_weeks).collect();
    evaluate(&history, &weeks, 3)
}

#[test]
fn the_test_finds_the_order_where_there_is_one() {
    let evaluation = evaluated();
    assert_eq!((evaluation.courses, evaluation.not_tested), (1, 0));
    assert_eq!(evaluation.weeks.keys().copied().collect::<Vec<_>>(), [3, 5]);
    let recall = |name: &str| {
        let of = evaluation.all.iter().find(|figures| figures.method == name).expect("it is measured");
        // Some are through before week 6.
        assert_eq!(of.lists, 526);
        of.recall.mean.expect("a mean")
    };
    let [popularity, order, combined, product] = ["popularity", "course_order", "combined", "product"].map(recall);
    // Who reads and who answers is known by what they used; the order says what is next.
    assert!(combined > popularity + 0.1 && combined > order + 0.1, "{popularity} {order} {combined} {product}");
    assert_eq!(product, combined);
    assert_eq!(evaluation.chosen, BTreeMap::from([("combined", 2)]));
    let less = evaluation.product_less.iter().find(|less| less.method == "popularity").expect("it is measured");
    assert!((less.recall.mean.expect("a mean") - (product - popularity)).abs() < 1e-12);
}
