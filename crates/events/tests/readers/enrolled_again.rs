//! Learners who enrol in a course again: which enrolment counts, and whose the events are.

use staycast_events::formats::{self, Institution, OpenOptions};
use staycast_events::{EnrolledAgain, ReadError, Reason, Source};

use crate::common::{Folder, enrolments, events, in_words, read, rows};

const ROWS: [&str; 4] = [
    "ann,2023-10-01 00:00:00 UTC,,learner,",
    "ann,2023-09-01 00:00:00 UTC,2023-09-20 00:00:00 UTC,learner,",
    "bob,2023-09-01 00:00:00 UTC,,learner,",
    "ann,2023-11-01 00:00:00 UTC,,learner,2023-11-30 00:00:00 UTC",
];

/// A run on FutureLearn with these enrolments, and events of Ann before all, between all and after all of hers.
fn futurelearn(rows: &[&str]) -> Folder {
    let header = "learner_id,enrolled_at,unenrolled_at,role,fully_participated_at\n";
    let people: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let steps = "learner_id,step,week_number,step_number,first_visited_at,last_completed_at\n\
        ann,1.1,1,1,2023-08-31 23:59:59 UTC,2023-09-01 00:00:00 UTC\n\
        ann,1.2,1,2,2023-10-15 08:00:00 UTC,2023-11-15 08:00:00 UTC\n\
        bob,1.1,1,1,2023-10-15 08:00:00 UTC,\n";
    Folder::of(&[
        ("a-1_enrolments.csv", (header.to_owned() + &people).as_bytes()),
        ("a-1_step-activity.csv", steps.as_bytes()),
    ])
}

fn open(folder: &Folder, again: EnrolledAgain) -> Source {
    let options = OpenOptions { enrolled_again: again, ..OpenOptions::default() };
    formats::open(&[folder.path().to_owned()], &options).unwrap()
}

fn check(again: EnrolledAgain, expected: &[&str], again_rows: u64) {
    let orders: [[usize; 4]; 4] = [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]];
    for order in orders {
        let folder = futurelearn(&order.map(|place| ROWS[place]));
        let source = open(&folder, again);
        assert_eq!(enrolments(&source), expected, "{again:?} {order:?}");
        assert_eq!(rows(&source.tables, Reason::EnrolledAgain), again_rows, "{again:?} {order:?}");
        assert_eq!(source.tables.rejected(), 0, "{}", in_words(&source.tables));
        assert_eq!(rows(&read(&source).unwrap().tally, Reason::UnknownEnrolment), 0);
    }
}

#[test]
fn the_first_enrolment_counts_unless_asked_otherwise() {
    assert_eq!(OpenOptions::default().enrolled_again, EnrolledAgain::First);
    let bob = "a-1/bob bob 2023-09-01T00:00:00 - -";
    let ann = "a-1/ann ann 2023-09-01T00:00:00 2023-09-20T00:00:00 withdrew";
    check(EnrolledAgain::First, &[ann, bob], 2);
    let ann = "a-1/ann ann 2023-11-01T00:00:00 - completed";
    check(EnrolledAgain::Last, &[ann, bob], 2);
}

#[test]
fn of_enrolments_on_one_date_the_first_has_the_date_alone() {
    let rows = [
        "ann,2023-09-01 08:00:00 UTC,,learner,",
        "ann,2023-10-01 20:30:00 UTC,,learner,",
        "ann,2023-10-01 08:00:00 UTC,,learner,",
    ];
    let expected = [
        "a-1/ann ann 2023-09-01T08:00:00 - -",
        "a-1/ann@2023-10-01 ann 2023-10-01T08:00:00 - -",
        "a-1/ann@2023-10-01T20:30:00 ann 2023-10-01T20:30:00 - -",
        "a-1/bob bob 2023-09-01T00:00:00 - -",
    ];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let rows = [&order.map(|place| rows[place])[..], &["bob,2023-09-01 00:00:00 UTC,,learner,"]].concat();
        assert_eq!(enrolments(&open(&futurelearn(&rows), EnrolledAgain::Each)), expected);
    }
}

#[test]
fn a_completion_of_zero_or_of_1970_is_none() {
    for none in ["0", "0.0", "1970-01-01 00:00:00 UTC", "false", "No", "NULL", ""] {
        let source =
            open(&futurelearn(&[&format!("ann,2023-09-01 08:00:00 UTC,,learner,{none}")]), EnrolledAgain::First);
        assert_eq!(enrolments(&source), ["a-1/ann ann 2023-09-01T08:00:00 - -"], "{none}");
    }
    for some in ["2023-11-30 00:00:00 UTC", "1", "true", "1701302400"] {
        let source =
            open(&futurelearn(&[&format!("ann,2023-09-01 08:00:00 UTC,,learner,{some}")]), EnrolledAgain::First);
        assert_eq!(enrolments(&source), ["a-1/ann ann 2023-09-01T08:00:00 - completed"], "{some}");
    }
}

#[test]
fn each_enrolment_has_the_events_since_it_began() {
    let expected = [
        "a-1/ann ann 2023-09-01T00:00:00 2023-09-20T00:00:00 withdrew",
        "a-1/ann@2023-10-01 ann 2023-10-01T00:00:00 - -",
        "a-1/ann@2023-11-01 ann 2023-11-01T00:00:00 - completed",
        "a-1/bob bob 2023-09-01T00:00:00 - -",
    ];
    check(EnrolledAgain::Each, &expected, 0);
    let whose = [
        "a-1/ann 2023-08-31T23:59:59 step_visited",
        "a-1/ann 2023-09-01T00:00:00 step_completed",
        "a-1/ann@2023-10-01 2023-10-15T08:00:00 step_visited",
        "a-1/ann@2023-11-01 2023-11-15T08:00:00 step_completed",
        "a-1/bob 2023-10-15T08:00:00 step_visited",
    ];
    let folder = futurelearn(&ROWS);
    assert_eq!(events(&open(&folder, EnrolledAgain::Each)), whose);
    // The same where it stands among other institutions.
    let (north, south) = (futurelearn(&ROWS[..1]), futurelearn(&ROWS));
    let institution =
        |name: &str, folder: &Folder| Institution { name: name.to_owned(), inputs: vec![folder.path().to_owned()] };
    let both = [institution("north", &north), institution("south", &south)];
    let options = OpenOptions { enrolled_again: EnrolledAgain::Each, ..OpenOptions::default() };
    let source = formats::open_institutions(&both, &options).unwrap();
    let of_south: Vec<String> =
        events(&source).into_iter().filter_map(|event| event.strip_prefix("south:").map(str::to_owned)).collect();
    assert_eq!(of_south, whose);
    assert_eq!(events(&source).iter().filter(|event| event.starts_with("north:a-1/ann ")).count(), 4);
}

#[test]
fn enrolments_on_one_date_that_say_other_things_contradict_each_other() {
    for again in [EnrolledAgain::First, EnrolledAgain::Last, EnrolledAgain::Each] {
        let other = "bob,2023-09-01 00:00:00 UTC,2023-09-02 00:00:00 UTC,learner,";
        let source = open(&futurelearn(&[ROWS[2], ROWS[2], other, ROWS[0]]), again);
        assert_eq!(rows(&source.tables, Reason::Contradiction), 1, "{again:?}");
        assert_eq!(rows(&source.tables, Reason::Repeated), 1, "{again:?}");
        assert_eq!(source.tables.tables["enrolments"].contradictions, 1);
    }
}

#[test]
fn enrolments_with_ids_of_their_own_are_told_apart_by_them() {
    let folder = Folder::of(&[
        ("log.csv", b"e,at\n1,2014-01-02\n2,2014-02-02\n2,2014-01-02\n"),
        ("people.csv", b"e,who,c,since\n2,ann,C,2014-02-01\n1,ann,C,2014-01-01\n"),
        (
            "mapping.toml",
            b"[log]\nfiles = [\"log.csv\"]\n\
              columns = { enrolment = \"e\", time = { column = \"at\", format = \"iso\" } }\n\
              [enrolments]\nfiles = [\"people.csv\"]\n\
              columns = { enrolment = \"e\", learner = \"who\", course = \"c\", enrolled = { column = \"since\", format = \"date\" } }\n",
        ),
    ]);
    let read_with = |again| {
        let mapping = Some(folder.path().join("mapping.toml"));
        let options = OpenOptions { enrolled_again: again, mapping, ..OpenOptions::default() };
        let source = formats::open(&[folder.path().to_owned()], &options).unwrap();
        let ids: Vec<String> = source.roster.enrolments.iter().map(|one| one.id().to_owned()).collect();
        let tally = read(&source).unwrap().tally;
        (ids, tally.used, rows(&tally, Reason::FilteredOut), tally.rejected())
    };
    assert_eq!(read_with(EnrolledAgain::First), (vec!["1".to_owned()], 1, 2, 0));
    assert_eq!(read_with(EnrolledAgain::Last), (vec!["2".to_owned()], 2, 1, 0));
    assert_eq!(read_with(EnrolledAgain::Each), (vec!["1".to_owned(), "2".to_owned()], 3, 0, 0));
}

#[test]
fn an_id_that_two_learners_have_is_a_contradiction_whatever_the_rule() {
    let mapping = "[log]\nfiles = \"log.csv\"\ncolumns = { learner = \"user\", course = \"course\", time = \"at\" }\n\
        [enrolments]\nfiles = \"enrolments.csv\"\n\
        columns = { enrolment = \"number\", learner = \"user\", course = \"course\", enrolled = \"since\" }\n";
    let table = "number,user,course,since\n2,ann,algebra,2014-01-01\n2,bob,algebra,2014-01-02\n";
    let log = "user,course,at\nann,algebra,2014-01-03T08:00:00\n";
    let folder = Folder::of(&[
        ("log.csv", log.as_bytes()),
        ("enrolments.csv", table.as_bytes()),
        ("m.toml", mapping.as_bytes()),
    ]);
    for again in [EnrolledAgain::First, EnrolledAgain::Last, EnrolledAgain::Each] {
        let options = OpenOptions {
            enrolled_again: again,
            mapping: Some(folder.path().join("m.toml")),
            ..OpenOptions::default()
        };
        let source = formats::open(&[folder.path().to_owned()], &options).unwrap();
        assert_eq!(rows(&source.tables, Reason::Contradiction), 1, "{again:?}");
        assert_eq!(source.roster.enrolments.len(), 1, "{again:?}");
    }
}

#[test]
fn a_log_without_dates_of_enrolment_has_no_such_rule() {
    let folder = Folder::copy_of("edx/base");
    let options = OpenOptions { enrolled_again: EnrolledAgain::Last, ..OpenOptions::default() };
    let error = formats::open(&[folder.path().to_owned()], &options).err().expect("no dates of enrolment");
    assert!(matches!(error, ReadError::EnrolledAgain { format: "edx", rule: "last" }), "{error}");
}

/// OULAD with these rows of registrations and students of AAA-2013J, clicks on days −10, 0 and 5, and a submission on day 9,
/// all of student 11.
fn oulad(registrations: &[&str], students: &[&str]) -> Folder {
    let folder = Folder::copy_of("oulad/base");
    let table = |header: &str, rows: &[&str]| {
        format!("code_module,code_presentation,id_student,{header}\n")
            + &rows.iter().map(|row| format!("AAA,2013J,11,{row}\n")).collect::<String>()
    };
    let registrations = table("date_registration,date_unregistration", registrations);
    folder.write("studentRegistration.csv", registrations.as_bytes());
    folder.write("studentInfo.csv", table("gender,num_of_prev_attempts,final_result", students).as_bytes());
    folder.write("studentVle.csv", table("id_site,date,sum_click", &["501,-10,1", "501,0,1", "501,5,1"]).as_bytes());
    folder.write("studentAssessment.csv", b"id_assessment,id_student,date_submitted,is_banked,score\n1001,11,9,0,78\n");
    folder
}

/// Enrolments of a folder of OULAD, each with its events, submissions and previous attempts, and the rows of its tables.
fn of_oulad(folder: &Folder, again: EnrolledAgain) -> (Vec<String>, Vec<String>, String) {
    let source = open(folder, again);
    let attempts = source.roster.static_columns.iter().position(|name| name == "num_of_prev_attempts").unwrap();
    let all = enrolments(&source).into_iter().zip(source.roster.enrolments.iter()).zip(0..);
    let shown = all.map(|((text, one), place)| {
        let submitted = source.roster.submissions.iter().filter(|submission| submission.enrolment.0 == place).count();
        format!("{text}, attempts {}, submitted {submitted}", one.statics[attempts].as_deref().unwrap_or("-"))
    });
    (shown.collect(), events(&source), in_words(&source.tables))
}

#[test]
fn who_registers_again_in_oulad_is_no_contradiction() {
    let first = "AAA-2013J/11 11 2013-09-01T00:00:00 2013-10-03T00:00:00 Withdrawn";
    let second = "11 2013-10-05T00:00:00 - Pass";
    // The order of rows tells nothing.
    for (registrations, students) in
        [(["-30,2", "4,"], ["F,0,Withdrawn", "F,1,Pass"]), (["4,", "-30,2"], ["F,1,Pass", "F,0,Withdrawn"])]
    {
        let folder = oulad(&registrations, &students);
        let (all, _, tables) = of_oulad(&folder, EnrolledAgain::First);
        assert_eq!(all, [format!("{first}, attempts 0, submitted 1")]);
        assert!(tables.contains("2 enrolled_again") && !tables.contains("contradiction"), "{tables}");
        let (all, _, tables) = of_oulad(&folder, EnrolledAgain::Last);
        assert_eq!(all, [format!("AAA-2013J/11 {second}, attempts 1, submitted 1")]);
        assert!(tables.contains("2 enrolled_again") && !tables.contains("contradiction"), "{tables}");
        let (all, whose, tables) = of_oulad(&folder, EnrolledAgain::Each);
        let again = format!("AAA-2013J/11@day4 {second}, attempts 1, submitted 1");
        assert_eq!(all, [format!("{first}, attempts 0, submitted 0"), again]);
        assert!(!tables.contains("again"), "{tables}");
        let expected = [
            "AAA-2013J/11 2013-09-21T00:00:00 forumng",
            "AAA-2013J/11 2013-10-01T00:00:00 forumng",
            "AAA-2013J/11@day4 2013-10-06T00:00:00 forumng",
            "AAA-2013J/11@day4 2013-10-10T00:00:00 submission",
        ];
        assert_eq!(whose, expected);
    }
}

#[test]
fn who_registers_again_and_is_described_once_in_oulad() {
    // The result is that of the last registration; who withdrew from an earlier one is told by its day.
    let folder = oulad(&["-30,2", "4,"], &["F,0,Pass"]);
    let first = "AAA-2013J/11 11 2013-09-01T00:00:00 2013-10-03T00:00:00 Withdrawn, attempts 0";
    assert_eq!(of_oulad(&folder, EnrolledAgain::First).0, [format!("{first}, submitted 1")]);
    let last = "11 2013-10-05T00:00:00 - Pass, attempts 0, submitted 1";
    assert_eq!(of_oulad(&folder, EnrolledAgain::Last).0, [format!("AAA-2013J/11 {last}")]);
    let each = [format!("{first}, submitted 0"), format!("AAA-2013J/11@day4 {last}")];
    assert_eq!(of_oulad(&folder, EnrolledAgain::Each).0, each);
    // Whoever did not withdraw goes on.
    let folder = oulad(&["-30,", "4,"], &["F,0,Pass"]);
    let (all, _, _) = of_oulad(&folder, EnrolledAgain::First);
    assert_eq!(all, ["AAA-2013J/11 11 2013-09-01T00:00:00 - Pass, attempts 0, submitted 1"]);
}

#[test]
fn rows_of_one_day_of_registration_contradict_each_other_in_oulad() {
    for again in [EnrolledAgain::First, EnrolledAgain::Last, EnrolledAgain::Each] {
        // Another day of withdrawal on the same day of registration, and a student described twice who registered once.
        let folder = oulad(&["-30,2", "-30,"], &["F,0,Withdrawn", "F,0,Pass", "F,0,Pass"]);
        let source = open(&folder, again);
        assert_eq!(rows(&source.tables, Reason::Contradiction), 3, "{again:?} {}", in_words(&source.tables));
        assert_eq!(enrolments(&source).len(), 1);
    }
}
