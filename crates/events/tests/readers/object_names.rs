//! The names of objects, where they are asked for.

use std::collections::BTreeMap;
use std::sync::Mutex;

use staycast_events::formats::{Institution, OpenOptions, open, open_institutions};
use staycast_events::{Activity, ObjectKey, ObjectNaming, ParsedBlock, ReadMode, ReadPurpose, RowLimits, Source};

use crate::common::fixture;

/// Returns the names that the reader hands over, by key, and the keys of all events.
fn read(source: &Source, naming: ObjectNaming, by: ReadMode) -> (BTreeMap<u64, String>, Vec<u64>) {
    let days: Vec<u32> = source.roster.courses.iter().map(|course| course.days).collect();
    let limits = RowLimits::new(&source.roster, &days, None).with_kinds(&source.kinds).with_objects(naming);
    let found: Mutex<(BTreeMap<u64, String>, Vec<u64>)> = Mutex::default();
    for file in &source.events {
        let sink = |_, parsed: ParsedBlock| {
            let (names, keys) = &mut *found.lock().unwrap();
            let own = parsed.object_names.into_iter().map(|(key, name)| (key.bits(), String::from(name)));
            names.extend(own);
            let events = parsed.events.iter().chain(&parsed.received);
            keys.extend(events.filter_map(|event| event.object()).map(ObjectKey::bits));
            Ok(())
        };
        by.read(file.as_ref(), ReadPurpose::Events, &limits, &sink, &|_| ()).unwrap();
    }
    found.into_inner().unwrap()
}

fn opened(name: &str, objects: ObjectNaming) -> Source {
    let folder = fixture(&format!("{name}/base"));
    let mapping = Some(folder.join("mapping.toml")).filter(|path| path.is_file());
    open(&[folder], &OpenOptions { objects, mapping, ..OpenOptions::default() }).unwrap()
}

#[test]
fn every_object_of_an_event_has_its_name_where_names_are_asked_for() {
    for name in ["kdd2015", "oulad", "edx", "xapi", "caliper", "moodle", "table"] {
        let source = opened(name, ObjectNaming::Kept);
        assert!(source.capabilities.objects, "{name}");
        let assessed =
            source.roster.assessments.iter().map(|one| ObjectKey::from_id(one.id.as_bytes()).unwrap().bits());
        let assessed: Vec<u64> = assessed.collect();
        for by in [ReadMode::AllThreads, ReadMode::OneThread] {
            // Statements that were kept when the log was opened are given up by their first reading.
            let source = opened(name, ObjectNaming::Kept);
            let (names, keys) = read(&source, ObjectNaming::Kept, by);
            assert!(!keys.is_empty(), "{name}");
            for key in keys.iter().filter(|key| !assessed.contains(key)) {
                let id = names.get(key).unwrap_or_else(|| panic!("{name}: an object has no name"));
                assert_eq!(ObjectKey::from_id(id.as_bytes()).unwrap().bits(), *key, "{name}");
            }
        }
        let (names, keys) = read(&opened(name, ObjectNaming::Dropped), ObjectNaming::Dropped, ReadMode::AllThreads);
        assert!(names.is_empty() && !keys.is_empty(), "{name}");
    }
}

#[test]
fn objects_that_a_table_lists_are_named_where_that_is_asked_for() {
    for name in ["kdd2015", "oulad"] {
        assert!(opened(name, ObjectNaming::Dropped).roster.listed_objects.is_empty(), "{name}");
        let listed = opened(name, ObjectNaming::Kept).roster.listed_objects;
        assert!(!listed.is_empty(), "{name}");
        for one in &listed {
            assert_eq!(ObjectKey::from_id(one.id.as_bytes()), Some(one.object), "{name}");
        }
        assert!(listed.iter().any(|one| one.activity == Some(Activity::Problem)), "{name}: {listed:?}");
    }
}

#[test]
fn courses_of_several_institutions_keep_their_lists() {
    let institution =
        |name: &str, of: &str| Institution { name: name.to_owned(), inputs: vec![fixture(&format!("{of}/base"))] };
    let options = OpenOptions { objects: ObjectNaming::Kept, ..OpenOptions::default() };
    let alone = opened("kdd2015", ObjectNaming::Kept).roster;
    let both = open_institutions(&[institution("a", "kdd2015"), institution("b", "kdd2015")], &options).unwrap();
    let (first, second) = both.roster.listed_objects.split_at(alone.listed_objects.len());
    assert_eq!(first, alone.listed_objects);
    let shift = alone.courses.len() as u32;
    assert!(second.iter().zip(first).all(|(b, a)| b.course.0 == a.course.0 + shift && b.id == a.id));
    let (names, keys) = read(&both, ObjectNaming::Kept, ReadMode::AllThreads);
    assert!(keys.iter().all(|key| names.contains_key(key)));
}
