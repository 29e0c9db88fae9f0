//! Logs of several institutions as one source.

use staycast_events::formats::{INSTITUTION, Institution, OpenOptions, open_institutions};
use staycast_events::{Source, Tally};

use crate::common::{Folder, events, fixture, in_words, open, read};

fn institution(name: &str, format: &str) -> Institution {
    Institution { name: name.to_owned(), inputs: vec![fixture(&format!("{format}/base"))] }
}

fn both(options: &OpenOptions) -> Source {
    open_institutions(&[institution("south", "oulad"), institution("north", "kdd2015")], options).unwrap()
}

#[test]
fn each_has_the_events_it_has_alone() {
    let source = both(&OpenOptions::default());
    assert_eq!(source.format, "several");
    let mut expected = Vec::new();
    let mut tally = Tally::default();
    for (name, format) in [("north", "kdd2015"), ("south", "oulad")] {
        let alone = open(&fixture(&format!("{format}/base"))).unwrap();
        expected.extend(events(&alone).into_iter().map(|event| format!("{name}:{event}")));
        tally.append(read(&alone).unwrap().tally);
    }
    assert!(expected.len() > 10);
    assert_eq!(events(&source), expected);
    let all = read(&source).unwrap();
    assert_eq!((all.tally.read, all.tally.used), (tally.read, tally.used));
    let kinds = |tally: &Tally| tally.reasons.iter().map(|(reason, count)| (*reason, count.rows)).collect::<Vec<_>>();
    assert_eq!(kinds(&all.tally), kinds(&tally));
}

#[test]
fn ids_say_the_institution_and_so_does_a_column() {
    let source = both(&OpenOptions::default());
    let roster = &source.roster;
    assert_eq!(roster.static_columns[0], INSTITUTION);
    assert!(roster.static_columns.len() > 1, "the columns of OULAD follow");
    assert!(roster.enrolments.iter().is_sorted_by_key(|one| (one.course, one.id().to_owned())));
    assert!(roster.courses.is_sorted_by_key(|course| course.id.clone()));
    for one in roster.enrolments.iter() {
        let name = one.statics[0].clone().unwrap();
        assert_eq!(one.statics.len(), roster.static_columns.len());
        for id in [one.id(), one.learner(), &roster.courses[one.course.as_usize()].id] {
            assert!(id.starts_with(&format!("{name}:")), "{id}");
        }
        assert_eq!(&*name == "north", one.statics[1..].iter().all(Option::is_none), "KDD Cup 2015 has no columns");
    }
    assert!(roster.submissions.iter().all(|submission| {
        let course = roster.assessments[submission.assessment as usize].course;
        course == roster.enrolments.get(submission.enrolment.as_usize()).course
    }));
    assert!(!roster.submissions.is_empty() && !roster.releases.is_empty());
    assert!(!source.capabilities.time_of_day, "OULAD counts days");
    assert!(source.capabilities.objects);
}

#[test]
fn labels_name_the_institution() {
    let folder = Folder::of(&[("labels.csv", b"north:1,1\nnorth:2,0\nsouth:nobody,1\n")]);
    let source = both(&OpenOptions { labels: Some(folder.path().join("labels.csv")), ..OpenOptions::default() });
    let labelled: Vec<(&str, bool)> = source
        .roster
        .enrolments
        .places()
        .filter_map(|place| Some((source.roster.enrolments.id(place), source.roster.enrolments.dropout(place)?)))
        .collect();
    assert_eq!(labelled, [("north:1", true), ("north:2", false)]);
    assert!(in_words(&source.tables).contains("1 unknown_enrolment: labels.csv:3"), "{}", in_words(&source.tables));
}

#[test]
fn names_that_do_not_tell_institutions_apart_are_refused() {
    let refused = |institutions: &[Institution]| match open_institutions(institutions, &OpenOptions::default()) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error.to_string(),
    };
    let [north, again] = ["kdd2015", "oulad"].map(|format| institution("north", format));
    assert_eq!(refused(&[north, again]), "institutions: `north` is named twice");
    let colon = refused(&[institution("a:b", "kdd2015")]);
    assert!(colon.contains("`a:b` can't be a name"), "{colon}");
    assert!(refused(&[]).contains("none is named"));
}
