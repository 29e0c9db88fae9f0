//! The invariants of ARCHITECTURE.md that sequences must hold, on random logs of every format.

#[path = "../common/mod.rs"]
mod common;
mod engagement;
mod formats;
mod undated;
mod world;

use std::collections::BTreeMap;
use std::path::Path;

use common::Log;
use common::quoted_lines::may_go_on;
use formats::{Format, lasting};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use staycast_events::time::{DAY_SECONDS, format_instant};
use staycast_sequences::{
    BuildError, BuildMode, BuildOptions, CourseRow, CutOff, Dataset, DropoutRule, Exclusion, FeatureSet, RawKinds,
    Selection, SequenceFolder, Standing, Unwatched, WeekIndex, build, standing,
};
use world::{Calendar, Seen, World, cut, origin, world};

/// Days after which every course is over.
const LONG_AFTER: i64 = 400;

fn rule() -> impl Strategy<Value = DropoutRule> {
    prop_oneof![
        Just(DropoutRule::InactiveLast { weeks: 1 }),
        Just(DropoutRule::NoActivityAfter { days: 5 }),
        Just(DropoutRule::Withdrawn),
    ]
}

/// Builds the world as a format writes it, as of `as_of` (in seconds after the origin).
fn sequences(format: &Format, seen: Seen<'_>, as_of: i64, options: &BuildOptions) -> Result<Dataset, BuildError> {
    let folder = tempfile::tempdir().unwrap();
    format.write(seen, folder.path());
    built(folder.path(), &format.open(seen, folder.path(), Some(origin() + as_of))?, options)
}

fn built(folder: &Path, source: &staycast_events::Source, options: &BuildOptions) -> Result<Dataset, BuildError> {
    let out = folder.join("sequences");
    build(source, options, &out, BuildMode::Refuse, &Unwatched)?;
    Ok(SequenceFolder::open(&out).unwrap().load(&Selection::default()).unwrap())
}

/// Counts the weeks of a course that must be the same in `late` as in `early`: those that were over, and of these, where the
/// calendar was inferred, the ones that have as many days. Such a calendar ends with the log, in the middle of a week.
fn lasting_weeks(early: &CourseRow, late: &CourseRow) -> u32 {
    let same = |week: &WeekIndex| early.week_grid().week_days(*week) == late.week_grid().week_days(*week);
    early.last_observed().map_or(0, |last| last.weeks_seen().take_while(same).count() as u32)
}

/// Everything that is over in `early` must be the same, to the bit, in `late`, and no one else may have been there.
fn assert_past_unchanged(format: &Format, early: &Dataset, late: &Dataset, calendar: Calendar) {
    let pairs: Vec<(&CourseRow, &CourseRow)> = early
        .courses
        .iter()
        .map(|course| (course, late.courses.iter().find(|one| one.id == course.id).expect("courses are only added")))
        .collect();
    if calendar == Calendar::Given {
        let all = pairs.iter().all(|(early, late)| lasting_weeks(early, late) == early.observed_weeks);
        assert!(all, "{}: a given calendar moves", format.name);
    }
    // A course in which nobody did anything yet is dated by its enrolments until somebody does, and then anew.
    let dated_anew = |(early, late): &(&CourseRow, &CourseRow)| early.start_day != late.start_day;
    // What counts as a day in another course depends on that one's calendar, which statements that enrol or withdraw somebody
    // do not make longer, and lie outside of until others do.
    let others_stay = calendar == Calendar::Given || !format.is_of_statements();
    let weeks: Vec<u32> =
        pairs.iter().map(|pair| if dated_anew(pair) { 0 } else { lasting_weeks(pair.0, pair.1) }).collect();
    let columns: Vec<(usize, usize)> = early
        .features
        .iter()
        .enumerate()
        .filter(|(_, name)| others_stay || *name != "other_courses")
        .map(|(column, name)| (column, late.feature(name).unwrap_or_else(|| panic!("{}: no {name}", format.name))))
        .collect();
    let mut matched = vec![None; late.enrolments.len()];
    for enrolment in early.enrolment_indices() {
        let row = early.enrolment(enrolment);
        let later = late.enrolment_indices().find(|&other| lasting(&late.enrolment(other).id) == lasting(&row.id));
        let later = later.expect("rows are only added");
        assert_eq!(matched[later.as_usize()].replace(enrolment), None, "{}: {} is there twice", format.name, row.id);
        let course = early.courses.iter().position(|course| course.id == early.course_of(enrolment).id).unwrap();
        for week in (0..weeks[course] as usize).map(WeekIndex::from_position) {
            let (before, after) = (early.week(enrolment, week), late.week(later, week));
            for &(column, other) in &columns {
                assert!(
                    before[column].to_bits() == after[other].to_bits(),
                    "{}: {} of {} in week {week}: {} before, {} with what came later",
                    format.name,
                    early.features[column],
                    row.id,
                    before[column],
                    after[other],
                );
            }
        }
        if pairs[course].0.as_of_days >= 0.0 && !dated_anew(&pairs[course]) {
            let before = |row: &staycast_sequences::EnrolmentRow| (row.pre_start_events, row.pre_start_active_days);
            assert_eq!(before(row), before(late.enrolment(later)), "{}: before the start of {}", format.name, row.id);
        }
    }
    // Who is in the cohort at each cut-off that had come: those who were, as they were, and no one else.
    for (later, place) in late.enrolment_indices().zip(matched) {
        let id = &late.enrolment(later).id;
        let course = late.course_of(later);
        let lasting = pairs.iter().position(|(early, _)| early.id == course.id).map_or(0, |course| weeks[course]);
        for week in (1..=lasting).filter_map(CutOff::after_weeks) {
            let now = standing(late, later, week);
            match place {
                Some(place) => assert_eq!(standing(early, place, week), now, "{}: {id} at {week}", format.name),
                None => assert_eq!(now, Standing::Excluded(Exclusion::NotYetKnown), "{}: {id} at {week}", format.name),
            }
        }
    }
}

/// Builds a log that is cut at an instant, the whole one, and the whole one said to be taken at that instant. What is known of
/// a learner's earlier courses depends on the rule.
fn check_future(
    format: &Format,
    world: &World,
    cut: i64,
    week_ending: Option<i32>,
    calendar: Calendar,
    rule: DropoutRule,
) {
    let options = BuildOptions {
        rule: Some(rule),
        raw_kinds: RawKinds::Keep,
        week_ending: week_ending.filter(|_| format.name != "oulad"),
        ..BuildOptions::default()
    };
    let seen = Seen { world, until: cut, calendar };
    let early = match sequences(format, seen, cut, &options) {
        Ok(early) => early,
        // Of a format that records no withdrawals.
        Err(BuildError::Rule { .. }) if rule.rests_on_outcomes() => return,
        // Nobody is there yet, or nothing happened yet.
        Err(BuildError::NoEnrolments | BuildError::NothingUsed { .. } | BuildError::Read(_)) => return,
        Err(error) => panic!("{}: {error}", format.name),
    };
    let whole = Seen { until: i64::MAX, ..seen };
    let late = sequences(format, whole, LONG_AFTER * DAY_SECONDS, &options).unwrap();
    assert_past_unchanged(format, &early, &late, calendar);
    if calendar == Calendar::Inferred {
        assert_starts_stay(format, seen, &early, &late);
    }
    // The instant the log is said to be taken hides what came after it just as well as cutting the log does. The
    // instant itself belongs to the log.
    match sequences(format, whole, cut - 1, &options) {
        Ok(hidden) => {
            assert_past_unchanged(format, &hidden, &late, calendar);
            if calendar == Calendar::Inferred {
                // The calendar is that of the whole log, which it is marked for.
                assert!(
                    hidden.courses.iter().zip(&late.courses).all(|(a, b)| a.inferred && a.week_grid() == b.week_grid())
                );
            }
        }
        Err(BuildError::NoEnrolments | BuildError::NothingUsed { .. } | BuildError::Read(_)) => {}
        Err(error) => panic!("{}: {error}", format.name),
    }
}

/// Builds a log that is said to be taken at an instant, and the log that is cut there, beside the same tables: what is hidden
/// leaves nothing behind, not even that somebody enrols later.
fn check_hidden(format: &Format, world: &World, cut: i64) {
    // Rows of a day are of its first instant.
    let cut = if format.name == "oulad" { cut - cut.rem_euclid(DAY_SECONDS) } else { cut };
    let seen = Seen { world, until: cut, calendar: Calendar::Given };
    let options = BuildOptions { rule: Some(DropoutRule::InactiveLast { weeks: 1 }), ..BuildOptions::default() };
    let hidden = sequences(format, Seen { until: i64::MAX, ..seen }, cut - 1, &options);
    match (hidden, of_cut_log(format, seen, &options)) {
        (Ok(hidden), Ok(cut)) => assert_same(format, &hidden, &cut),
        (Err(_), Err(_)) => {}
        (Ok(_), Err(error)) | (Err(error), Ok(_)) => panic!("{}: {error}", format.name),
    }
}

/// Builds the log that is cut, beside the tables of the whole.
fn of_cut_log(format: &Format, seen: Seen<'_>, options: &BuildOptions) -> Result<Dataset, BuildError> {
    let [folder, cut] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    format.write(Seen { until: i64::MAX, ..seen }, folder.path());
    format.write(seen, cut.path());
    for name in format.logs.iter().chain(format.long_logs) {
        std::fs::copy(cut.path().join(name), folder.path().join(name)).unwrap();
    }
    let as_of = Some(origin() + seen.until - 1);
    built(folder.path(), &format.open(seen, folder.path(), as_of)?, options)
}

/// Fails unless both have the same courses, enrolments, weeks and labels.
fn assert_same(format: &Format, one: &Dataset, other: &Dataset) {
    let rows = |data: &Dataset| {
        let enrolments = data.enrolments.iter().map(|row| format!("{row:?}"));
        data.courses.iter().map(|row| format!("{row:?}")).chain(enrolments).collect::<Vec<_>>()
    };
    assert_eq!(rows(one), rows(other), "{}", format.name);
    // Kinds of event that come later have columns all the same.
    let columns: Vec<(usize, usize)> =
        other.features.iter().enumerate().map(|(column, name)| (one.feature(name).unwrap(), column)).collect();
    for enrolment in one.enrolment_indices() {
        for week in (0..one.weeks).map(WeekIndex::from_position) {
            let (one, other) = (one.week(enrolment, week), other.week(enrolment, week));
            assert!(columns.iter().all(|&(ours, theirs)| one[ours].to_bits() == other[theirs].to_bits()));
        }
    }
}

/// Where somebody has done something, a course has begun: what comes later moves its end, never its start.
fn assert_starts_stay(format: &Format, seen: Seen<'_>, early: &Dataset, late: &Dataset) {
    let began: Vec<usize> = seen.events().map(|event| seen.world.enrolments[event.enrolment].course).collect();
    for course in &early.courses {
        let later = late.courses.iter().find(|one| one.id == course.id).unwrap();
        let number = (0..seen.world.courses.len()).find(|&number| format.course_id(number) == course.id).unwrap();
        if began.contains(&number) {
            assert_eq!(course.start_day, later.start_day, "{}: the start of {}", format.name, course.id);
        }
        assert!(later.days >= course.days || course.start_day != later.start_day);
    }
}

/// Builds a log of which some bytes are damaged: every row must be used or counted under a reason.
fn check_accounting(format: &Format, world: &World, damage: &[(usize, u8)], weeks: Option<u32>) {
    let folder = tempfile::tempdir().unwrap();
    let seen = Seen { world, until: i64::MAX, calendar: Calendar::Given };
    format.write(seen, folder.path());
    let mut lines = 0;
    let mut rows_end_with_lines = true;
    let mut is_text_of_objects = false;
    for name in format.logs {
        let path = folder.path().join(name);
        let mut bytes = std::fs::read(&path).unwrap();
        // The first line stays as it is: it says what the file is.
        let header = bytes.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        lines += u64::from(!format.header);
        for &(place, byte) in damage {
            if bytes.len() > header {
                let place = header + place % (bytes.len() - header);
                bytes[place] = byte;
            }
        }
        let rows = bytes[header..].split(|&byte| byte == b'\n');
        lines += rows.clone().filter(|row| !row.strip_suffix(b"\r").unwrap_or(row).is_empty()).count() as u64;
        // A line that begins like a list of objects makes the file a text of objects, of which each is a row.
        is_text_of_objects |= format.is_of_statements()
            && format.name != "edx"
            && rows.clone().any(|row| row.trim_ascii_start().starts_with(b"["));
        rows_end_with_lines &= !format.quoted_rows || !rows.into_iter().any(may_go_on);
        std::fs::write(&path, bytes).unwrap();
    }
    for name in format.long_logs {
        // Line breaks inside quotes end no row.
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        lines += text.split('"').step_by(2).map(|outside| outside.matches('\n').count() as u64).sum::<u64>() - 1;
    }
    let rule = Some(DropoutRule::InactiveLast { weeks: 1 });
    let as_of = Some(origin() + LONG_AFTER * DAY_SECONDS);
    let options = BuildOptions { rule, weeks, ..BuildOptions::default() };
    let data = match format
        .open(seen, folder.path(), as_of)
        .map_err(BuildError::from)
        .and_then(|source| built(folder.path(), &source, &options))
    {
        Ok(data) => data,
        Err(BuildError::NoEnrolments | BuildError::NothingUsed { .. } | BuildError::Read(_)) => return,
        Err(error) => panic!("{}: {error}", format.name),
    };
    let rows = &data.manifest.rows;
    let others: u64 = rows.rejected.values().chain(rows.set_aside.values()).map(|count| count.rows).sum();
    assert_eq!(rows.used + others, rows.read, "{}: every row is used or has a reason", format.name);
    if !format.logs.is_empty() && !is_text_of_objects {
        // Damage may have opened a cell that the next line closes; the reader's own tests say where such rows end.
        assert!(rows.read <= lines, "{}: {} rows of {lines} lines", format.name, rows.read);
        if rows_end_with_lines {
            assert_eq!(rows.read, lines, "{}: every line is read", format.name);
        }
    }
    // Long after, every week is over: what is used is in some row of the output.
    let sum = |name: &str| -> f64 {
        let column = data.feature(name).unwrap();
        let weeks = |enrolment| (0..data.weeks).map(move |week| (enrolment, week));
        let all = data.enrolment_indices().flat_map(weeks);
        all.map(|(place, week)| f64::from(data.week(place, WeekIndex::from_position(week))[column]))
            .filter(|count| !count.is_nan())
            .sum()
    };
    let before: u32 = data.enrolments.iter().map(|row| row.pre_start_events).sum();
    let counted = sum("n_events") + f64::from(before);
    let used = data.manifest.totals.events as f64;
    // Votes received and facts about learners are no events of theirs, and those before the start are in no row.
    let facts = (2 * seen.world.enrolments.len() + seen.submissions().count()) as f64;
    match format.name {
        "made" | "edx" => assert!(counted <= used, "{}: {counted} of {used} are counted", format.name),
        // Who is enrolled, and who completed.
        "xapi" | "caliper" => {
            assert!(
                counted <= used && used - counted <= facts,
                "{}: {counted} of {used} are counted, and there are at most {facts} facts",
                format.name
            );
        }
        _ => assert_eq!(counted, used, "{}: what is used is counted", format.name),
    }
}

macro_rules! properties {
    ($($name:ident $index:literal)*) => {$(
        mod $name {
            use super::*;

            const FORMAT: &Format = &formats::ALL[$index];

            proptest! {
                #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

                #[test]
                fn nothing_comes_from_the_future(
                    world in world(),
                    cut in cut(),
                    ending in prop::option::of(16_102..16_109),
                    rule in rule(),
                ) {
                    check_future(FORMAT, &world, cut, ending, Calendar::Given, rule);
                }

                #[test]
                fn what_an_instant_hides_leaves_nothing_behind(world in world(), cut in cut()) {
                    if FORMAT.name != "made" {
                        check_hidden(FORMAT, &world, cut);
                    }
                }

                #[test]
                fn every_row_is_accounted_for(
                    world in world(),
                    damage in prop::collection::vec((any::<usize>(), prop_oneof![any::<u8>(), Just(b'\n'), Just(b','), Just(b'9')]), 0..12),
                    weeks in prop::option::of(1_u32..6),
                ) {
                    check_accounting(FORMAT, &world, &damage, weeks);
                }
            }
        }
    )*};
}

properties! {
    kdd2015 0
    oulad 1
    table 2
    table_of_the_log_alone 3
    made 4
    edx 5
    xapi 6
    caliper 7
    moodle 8
    moodle_of_the_log_alone 9
    coursera 10
    futurelearn 11
    xuetangx2019 12
}

macro_rules! properties_of_inferred_calendars {
    ($($name:ident $index:literal)*) => {
        /// Calendars that are inferred from the log, of formats that have none.
        mod inferred {
            use super::*;

            proptest! {
                #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

                $(#[test]
                fn $name(
                    world in world(),
                    cut in cut(),
                    ending in prop::option::of(16_102..16_109),
                    rule in rule(),
                ) {
                    check_future(&formats::ALL[$index], &world, cut, ending, Calendar::Inferred, rule);
                })*
            }
        }
    };
}

properties_of_inferred_calendars! {
    edx 5
    xapi 6
    caliper 7
    moodle 8
    moodle_of_the_log_alone 9
    coursera 10
    futurelearn 11
    xuetangx2019 12
}

/// Each format writes down all that it can: whatever its source is capable of has a value other than 0 in some week
/// of some world, and no row is rejected but those of people whom no table lists.
#[test]
fn every_format_tells_all_it_can() {
    let mut runner = TestRunner::deterministic();
    let worlds: Vec<World> = (0..40).map(|_| world().new_tree(&mut runner).unwrap().current()).collect();
    for format in formats::ALL {
        let mut all_zero: BTreeMap<String, bool> = BTreeMap::new();
        for world in &worlds {
            let seen = Seen { world, until: i64::MAX, calendar: Calendar::Given };
            let options =
                BuildOptions { rule: Some(DropoutRule::InactiveLast { weeks: 1 }), ..BuildOptions::default() };
            let Ok(data) = sequences(format, seen, LONG_AFTER * DAY_SECONDS, &options) else { continue };
            let rejected = &data.manifest.rows.rejected;
            assert!(rejected.keys().all(|reason| reason == "unknown_enrolment"), "{}: {rejected:?}", format.name);
            for (column, name) in data.features.iter().enumerate() {
                let values = data.values().chunks_exact(data.features.len()).map(|week| week[column]);
                for value in values.filter(|value| !value.is_nan()) {
                    *all_zero.entry(name.clone()).or_insert(true) &= value == 0.0;
                }
            }
        }
        // Which activities there are is the format's own affair.
        let is_specific = |name: &&String| !["n_", "share_", "preference_"].iter().any(|kind| name.starts_with(kind));
        let all_zero: Vec<&String> =
            all_zero.iter().filter(|(_, all_zero)| **all_zero).map(|(name, _)| name).filter(is_specific).collect();
        assert!(all_zero.is_empty(), "{}: {all_zero:?} is 0 in every week", format.name);
    }
}

const COURSES: &str = "a,2014-06-02,2014-07-01\nb,2014-06-09,2014-07-06\n";
const KINDS: [&str; 5] = ["access", "problem", "video", "nagivate", "strange"];

fn start() -> i64 {
    common::made::instant("2014-06-02")
}

fn files(folder: &Path) -> Vec<Vec<u8>> {
    ["sequences.parquet", "enrolments.parquet", "courses.parquet", "manifest.json"]
        .map(|name| std::fs::read(folder.join(name)).unwrap())
        .into()
}

#[test]
fn same_bytes_for_any_threads_memory_and_order_of_rows() {
    let mut state = 1_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut lines: Vec<String> = (0..30_000)
        .map(|_| {
            let at = format_instant(start() + random(30 * 86_400) as i64);
            format!("{},{at},server,{},o{}", 1 + random(600), KINDS[random(5) as usize], random(40))
        })
        .collect();
    let enrolments: String =
        (1..=600).map(|id| format!("{id},u{},{}\n", id % 400, if id % 3 == 0 { "a" } else { "b" })).collect();
    let folder = tempfile::tempdir().unwrap();
    let mut outputs = Vec::new();
    for (threads, memory_bytes) in [(1, u64::MAX), (2, 0), (5, 100_000)] {
        let events = lines.join("\n");
        Log { courses: COURSES, enrolments: &enrolments, events: &events, objects: "" }.write(folder.path());
        let source = staycast_events::formats::open(&[folder.path().to_owned()], &Default::default()).unwrap();
        let out = folder.path().join(format!("out-{threads}"));
        let options = BuildOptions { memory_bytes, features: FeatureSet::All, ..BuildOptions::default() };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| build(&source, &options, &out, BuildMode::Refuse, &Unwatched)).unwrap();
        outputs.push(files(&out));
    }
    assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]));
    // In another order the log is another file, with another hash, and gives the same weeks.
    lines.reverse();
    let events = lines.join("\n");
    Log { courses: COURSES, enrolments: &enrolments, events: &events, objects: "" }.write(folder.path());
    let source = staycast_events::formats::open(&[folder.path().to_owned()], &Default::default()).unwrap();
    let out = folder.path().join("out-reversed");
    build(&source, &BuildOptions::default(), &out, BuildMode::Refuse, &Unwatched).unwrap();
    assert_eq!(files(&out)[..3], outputs[0][..3]);
}
