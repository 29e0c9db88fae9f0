//! The reader of each format reads the simulated logs and accounts for every row.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use staycast_events::formats::{OpenOptions, open};
use staycast_events::{ReadPurpose, RowLimits, Source, Tally};
use staycast_simulator::{
    IfExists, RECORD_FILE, SimulatedFolder, SimulatedFormat, SimulationOptions, SimulatorConfig, simulate,
};

/// Returns a small simulation with much that goes wrong.
fn irregular(learners: u64) -> SimulatorConfig {
    let mut config = SimulatorConfig { learners, courses: 5, weeks: 6, ..SimulatorConfig::default() };
    config.irregularities.broken_share = 0.01;
    config.irregularities.clock_skew_share = 0.2;
    config.irregularities.shared_account_share = 0.2;
    config.leaving.unregister_share = 0.8;
    config
}

fn request(format: SimulatedFormat) -> SimulationOptions {
    SimulationOptions { format, ..SimulationOptions::default() }
}

/// Holds the reader's results for all event files.
struct Read {
    source: Source,
    tally: Tally,
    events: u64,
}

fn read(folder: &Path, options: &OpenOptions) -> Read {
    let source = open(&[folder.to_owned()], options).unwrap();
    let days: Vec<u32> = source.roster.courses.iter().map(|course| course.days).collect();
    let frame = RowLimits::new(&source.roster, &days, None);
    let mut tally = Tally::default();
    let mut events = 0;
    for file in &source.events {
        let parsed = Mutex::new(Vec::new());
        let sink = |block, one| {
            parsed.lock().unwrap().push((block, one));
            Ok(())
        };
        file.read(ReadPurpose::Events, &frame, &sink, &|_| ()).unwrap();
        for (_, one) in parsed.into_inner().unwrap() {
            events += one.events.iter().map(|event| u64::from(event.weight())).sum::<u64>();
            tally.append(one.tally.place("log", 1));
        }
    }
    Read { source, tally, events }
}

/// Counts the rows not used, by reason.
fn refused(tally: &Tally) -> BTreeMap<&'static str, u64> {
    tally.reasons.iter().map(|(reason, count)| (reason.name(), count.rows)).collect()
}

fn simulated(format: SimulatedFormat, config: &SimulatorConfig) -> (tempfile::TempDir, PathBuf, SimulatedFolder) {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("logs");
    let made = simulate(config, &request(format), &folder, &|_| {}).unwrap();
    (place, folder, made)
}

/// Labels of a file of ids and labels.
fn labels(path: &Path) -> HashMap<String, bool> {
    let text = fs::read_to_string(path).unwrap();
    let rows = text.lines().map(|line| line.rsplit_once(',').unwrap());
    rows.filter(|(_, label)| *label != "label").map(|(id, label)| (id.to_owned(), label == "1")).collect()
}

/// Returns the true probability by enrolment at a cut-off.
fn probabilities(folder: &Path, week: &str) -> HashMap<String, f64> {
    let text = fs::read_to_string(folder.join("dropout_probability.csv")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("enrollment_id,week,p_dropout"));
    let rows = lines.map(|line| line.rsplitn(3, ',').collect::<Vec<_>>());
    rows.filter(|row| row[1] == week).map(|row| (row[2].to_owned(), row[0].parse().unwrap())).collect()
}

#[test]
fn kdd_is_read_and_every_row_accounted_for() {
    let (_place, folder, made) = simulated(SimulatedFormat::Kdd2015, &irregular(300));
    let read = read(&folder, &OpenOptions::default());
    assert_eq!(read.source.format, "kdd2015");
    let broken = &made.record.log.broken;
    assert!(broken.values().all(|&count| count > 100), "{broken:?}");
    assert_eq!(refused(&read.tally), *broken);
    assert_eq!(read.tally.rejected(), broken.values().sum::<u64>());
    assert_eq!((read.tally.used, read.events), (made.record.log.rows, made.events));
    assert_eq!(read.source.tables.rejected(), 0);
    assert_eq!(read.source.roster.enrolments.len() as u64, made.enrolments);
}

#[test]
fn oulad_is_read_and_every_row_accounted_for() {
    let (_place, folder, made) = simulated(SimulatedFormat::Oulad, &irregular(300));
    let read = read(&folder, &OpenOptions::default());
    assert_eq!(read.source.format, "oulad");
    assert_eq!(refused(&read.tally), made.record.log.broken);
    assert_eq!(read.tally.used, made.record.log.rows);
    assert_eq!(read.source.tables.rejected(), 0);
    assert_eq!(read.source.roster.submissions.len() as u64, made.record.log.submissions);
    assert!(read.source.roster.submissions.iter().all(|one| one.score.is_some_and(|score| score <= 100.0)));
    let keys: std::collections::HashSet<_> =
        read.source.roster.submissions.iter().map(|one| (one.enrolment, one.assessment)).collect();
    assert_eq!(keys.len() as u64, made.record.log.submissions, "nobody submits the same work twice");
    let enrolments = &read.source.roster.enrolments;
    let unregistered = enrolments.iter().filter(|enrolment| enrolment.withdrawn_seconds.is_some()).count() as u64;
    assert!(unregistered > 50);
    assert_eq!(unregistered, made.record.people.unregistered);
    // final_result and the labels say the same.
    let labels = labels(&folder.join("labels.csv"));
    for enrolment in enrolments.iter() {
        let word = &enrolment.outcome.as_ref().unwrap().recorded;
        assert_eq!(matches!(word.as_str(), "Withdrawn" | "Fail"), labels[enrolment.id()], "{word}");
        assert_eq!(word == "Withdrawn", enrolment.withdrawn_seconds.is_some());
        assert!(enrolment.enrolled_seconds.is_some());
    }
}

#[test]
fn labels_and_probabilities_name_enrolments_as_readers_do() {
    for format in [SimulatedFormat::Kdd2015, SimulatedFormat::Oulad] {
        let (_place, folder, made) = simulated(format, &irregular(200));
        let file = if format == SimulatedFormat::Kdd2015 { "truth.csv" } else { "labels.csv" };
        let read = read(&folder, &OpenOptions { labels: Some(folder.join(file)), ..OpenOptions::default() });
        let dropouts = read.source.roster.enrolments.iter().filter(|one| one.dropout == Some(true)).count() as u64;
        assert!(read.source.roster.enrolments.iter().all(|one| one.dropout.is_some()), "{format}");
        assert_eq!(dropouts, made.record.dropouts, "{format}");
        let probabilities = probabilities(&folder, "4");
        assert_eq!(probabilities.len() as u64, made.enrolments);
        assert!(read.source.roster.enrolments.iter().all(|one| probabilities.contains_key(one.id())), "{format}");
    }
}

#[test]
fn every_format_tells_the_same_truth() {
    let config = irregular(150);
    let all = SimulatedFormat::ALL.map(|format| simulated(format, &config));
    let truths = all.each_ref().map(|(_, folder, _)| {
        let text = fs::read_to_string(folder.join("dropout_probability.csv")).unwrap();
        text.lines().map(|line| line.split_once(',').unwrap().1.to_owned()).collect::<Vec<_>>()
    });
    assert!(truths[0] == truths[1] && truths[0] == truths[2]);
    let records = all.each_ref().map(|(_, _, made)| &made.record);
    assert_eq!(records[0].reachable, records[1].reachable);
    assert_eq!(records[0].reachable, records[2].reachable);
    assert_eq!(records[0].people, records[1].people);
    assert_eq!(records[0].log.events, records[2].log.events);
}

/// Lists the lines of all tracking logs, in order of the files' names.
fn tracking_lines(folder: &Path) -> Vec<String> {
    let mut names: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.extension().is_some_and(|ending| ending == "log"));
    names.sort();
    assert!(names.len() > 10, "a file a week");
    names
        .iter()
        .flat_map(|path| fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

#[test]
fn tracking_logs_are_json_in_order_of_time() {
    let (_place, folder, made) = simulated(SimulatedFormat::Edx, &irregular(150));
    let ids: std::collections::HashSet<String> = labels(&folder.join("labels.csv")).into_keys().collect();
    assert_eq!(ids.len() as u64, made.enrolments);
    let mut found: BTreeMap<&str, u64> = BTreeMap::new();
    let mut before = String::new();
    let (mut bytes, mut enrolled, mut mobile) = (0, 0, 0);
    let lines = tracking_lines(&folder);
    for line in &lines {
        bytes += line.len() as u64 + 1;
        let Ok(told) = serde_json::from_str::<serde_json::Value>(line) else {
            *found.entry("malformed").or_default() += 1;
            continue;
        };
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        if let Some(inner) = told["event"].as_str() {
            serde_json::from_str::<serde_json::Value>(inner).unwrap();
        }
        if text(&told["time"]).starts_with("0000") {
            *found.entry("bad_time").or_default() += 1;
            continue;
        }
        let received = &told["context"]["received_at"];
        mobile += u64::from(!received.is_null());
        let second = text(if received.is_null() { &told["time"] } else { received })[..19].to_owned();
        assert!(before <= second, "{before} then {second}");
        before = second;
        let (learner, course) = (text(&told["username"]), text(&told["context"]["course_id"]));
        match (learner.as_str(), course.as_str()) {
            ("", _) => *found.entry("no_learner").or_default() += 1,
            (_, "") => *found.entry("no_course").or_default() += 1,
            _ => assert!(ids.contains(&format!("{course}/{learner}"))),
        }
        enrolled += u64::from(told["event_type"] == "edx.course.enrollment.activated" && !learner.is_empty());
    }
    let log = &made.record.log;
    assert_eq!(found.remove("no_course"), Some(log.sign_ins));
    assert_eq!(found.into_iter().collect::<BTreeMap<_, _>>(), log.broken);
    assert_eq!(lines.len() as u64, log.rows + log.broken.values().sum::<u64>());
    assert_eq!((enrolled, bytes), (made.enrolments, log.bytes));
    assert!(mobile > 0, "devices with wrong clocks report when they were heard");
    let mean = bytes as f64 / lines.len() as f64;
    assert!((700.0..1_100.0).contains(&mean), "{mean} bytes a line");
}

#[test]
fn tracking_logs_are_read_and_every_row_accounted_for() {
    let (_place, folder, made) = simulated(SimulatedFormat::Edx, &irregular(150));
    let courses = Some(folder.join("courses.csv"));
    let read = read(&folder, &OpenOptions { courses, ..OpenOptions::default() });
    assert_eq!(read.source.format, "edx");
    let log = &made.record.log;
    let mut refused = refused(&read.tally);
    assert_eq!(refused.remove("no_course"), Some(log.sign_ins), "{refused:?}");
    assert_eq!(refused, log.broken);
    assert_eq!(read.source.roster.enrolments.len() as u64, made.enrolments);
    let ids = labels(&folder.join("labels.csv"));
    assert!(read.source.roster.enrolments.iter().all(|one| ids.contains_key(one.id())));
}

#[test]
fn any_number_of_threads_writes_the_same_folder() {
    let place = tempfile::tempdir().unwrap();
    for format in SimulatedFormat::ALL {
        let run = |threads: usize| {
            let folder = place.path().join(format!("{format}-{threads}"));
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let asked = SimulationOptions { log_bytes: Some(1_000_000), ..request(format) };
            pool.install(|| simulate(&irregular(70), &asked, &folder, &|_| {})).unwrap();
            let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(&folder)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap()))
                .collect();
            files.sort();
            files
        };
        let one = run(1);
        assert!(one.len() >= 8);
        assert!(one == run(3), "{format}");
    }
}

#[test]
fn the_log_has_about_the_size_asked_for() {
    let place = tempfile::tempdir().unwrap();
    for (format, asked) in [
        (SimulatedFormat::Kdd2015, 2_000_000),
        (SimulatedFormat::Kdd2015, 8_000_000),
        (SimulatedFormat::Edx, 6_000_000),
        (SimulatedFormat::Oulad, 1_500_000),
    ] {
        let folder = place.path().join(format!("{format}-{asked}"));
        let request = SimulationOptions { log_bytes: Some(asked), ..request(format) };
        let config = SimulatorConfig { learners: 250, ..SimulatorConfig::default() };
        let made = simulate(&config, &request, &folder, &|_| {}).unwrap();
        let bytes = made.record.log.bytes;
        assert!((bytes as f64 / asked as f64 - 1.0).abs() < 0.03, "{format}: {bytes} of {asked}");
        let on_disk = |path: &PathBuf| fs::metadata(path).unwrap().len();
        let is_log = |path: &&PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            matches!(name, "log.csv" | "studentVle.csv") || name.starts_with("tracking-")
        };
        assert_eq!(made.files.iter().filter(is_log).map(on_disk).sum::<u64>(), bytes);
        let others = [RECORD_FILE, "simulator.toml"].map(|name| on_disk(&folder.join(name)));
        assert_eq!(made.files.iter().map(on_disk).sum::<u64>() - others.iter().sum::<u64>(), made.bytes);
        // The configuration beside it makes the same log again, without the size.
        let again = SimulatorConfig::from_file(&folder.join("simulator.toml")).unwrap();
        assert_eq!(again.activity.scale, made.record.log.activity_scale);
        fs::remove_dir_all(&folder).unwrap();
    }
}

#[test]
fn a_size_out_of_reach_is_refused_with_what_can_be_reached() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("logs");
    let config = SimulatorConfig { learners: 300, ..SimulatorConfig::default() };
    let asked = SimulationOptions { log_bytes: Some(20_000), ..SimulationOptions::default() };
    let error = simulate(&config, &asked, &folder, &|_| {}).unwrap_err().to_string();
    assert!(
        error.contains("20000 bytes is out of reach") && error.contains("change the number of learners"),
        "{error}"
    );
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
}

#[test]
fn the_truth_ranks_better_than_recency_at_every_week() {
    let (_place, folder, made) =
        simulated(SimulatedFormat::Oulad, &SimulatorConfig { learners: 1_500, ..SimulatorConfig::default() });
    let weeks = &made.record.reachable;
    assert_eq!(weeks.len(), 12);
    for week in weeks {
        let (best, recency) = (week.best_auc.unwrap(), week.recency_auc.unwrap());
        assert!(best > recency + 0.005 && best < 1.0, "{week:?}");
    }
    assert!(weeks.windows(2).all(|pair| pair[0].n <= pair[1].n), "who is known stays known");
    assert_eq!(weeks[11].n, made.enrolments);
    // Against the definition, on what was written.
    let labels = labels(&folder.join("labels.csv"));
    let scored: Vec<(f64, bool)> = probabilities(&folder, "12").into_iter().map(|(id, p)| (p, labels[&id])).collect();
    let (mut wins, mut pairs) = (0.0, 0.0);
    for (p, _) in scored.iter().filter(|one| one.1) {
        for (q, _) in scored.iter().filter(|one| !one.1) {
            pairs += 1.0;
            wins += if p > q {
                1.0
            } else if p == q {
                0.5
            } else {
                0.0
            };
        }
    }
    assert!((weeks[11].best_auc.unwrap() - wins / pairs).abs() < 2e-4);
}

#[test]
fn what_goes_wrong_is_as_frequent_as_asked() {
    let config = irregular(1_500);
    let (_place, _, made) = simulated(SimulatedFormat::Kdd2015, &config);
    let near = |count: u64, of: u64, share: f64, what: &str| {
        let (expected, of) = (share * of as f64, of as f64);
        let allowed = 5.0 * (of * share * (1.0 - share)).sqrt();
        assert!((count as f64 - expected).abs() <= allowed, "{what}: {count}, expected {expected}");
    };
    let people = &made.record.people;
    near(people.shared_accounts, made.enrolments, 0.2, "shared accounts");
    near(people.skewed_clocks, made.enrolments, 0.2, "wrong clocks");
    near(people.late_joiners, made.enrolments, config.enrolment.late_join_share, "late joiners");
    let log = &made.record.log;
    near(log.broken.values().sum(), log.rows, 0.01, "broken rows");
    for intent in &config.intents {
        near(people.by_intent[&intent.name], made.enrolments, intent.share, &intent.name);
    }
    assert!(people.returners > 0 && people.unregistered > 0 && log.duplicates > 0 && log.sign_ins > 0);
}

#[test]
fn only_a_simulation_is_replaced_and_only_when_asked() {
    let (_place, folder, _) = simulated(SimulatedFormat::Kdd2015, &irregular(20));
    let again = |if_exists| {
        simulate(&irregular(30), &SimulationOptions { if_exists, ..SimulationOptions::default() }, &folder, &|_| {})
    };
    assert!(again(IfExists::Refuse).unwrap_err().to_string().contains("name another folder"));
    assert_eq!(again(IfExists::Replace).unwrap().learners, 30);
    fs::remove_file(folder.join("simulation.json")).unwrap();
    let error = again(IfExists::Replace).unwrap_err().to_string();
    assert!(error.contains("holds no simulation"), "{error}");
    assert_eq!(fs::read_dir(folder.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
}
