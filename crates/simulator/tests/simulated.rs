//! Properties of every simulation: equal for any number of threads, readable, and consistent with its true probabilities.

use std::collections::HashMap;
use std::io::{self, Write};

use staycast_simulator::{Kdd2015Tables, SimulateError, Simulation, SimulationCounts, SimulatorConfig};

type Rows = Vec<Vec<String>>;

fn config(change: impl Fn(&mut SimulatorConfig)) -> Simulation {
    let mut config = SimulatorConfig::default();
    // Every row as it should be; what goes wrong with logs has tests of its own.
    config.irregularities.broken_share = 0.0;
    config.irregularities.clock_skew_share = 0.0;
    change(&mut config);
    config.validate().unwrap()
}

fn simulate(simulation: &Simulation) -> (Kdd2015Tables<Vec<u8>>, SimulationCounts) {
    let mut tables = Kdd2015Tables::default();
    let counts = simulation.write(&mut tables, &|_| {}).unwrap();
    (tables, counts)
}

fn rows(bytes: &[u8], header: &str) -> Rows {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
    let mut rows: Rows = reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
    if !header.is_empty() {
        assert_eq!(rows.remove(0).join(","), header);
    }
    rows
}

/// Labels by enrolment id.
fn labels(tables: &Kdd2015Tables<Vec<u8>>) -> HashMap<String, bool> {
    let rows = rows(&tables.truth, "");
    rows.into_iter().map(|row| (row[0].clone(), row[1] == "1")).collect()
}

/// Lists the probability and label of every enrolment at a cut-off, in order.
fn forecasts(tables: &Kdd2015Tables<Vec<u8>>, week: &str) -> Vec<(f64, bool)> {
    let labels = labels(tables);
    rows(&tables.truth_probability, "enrollment_id,week,p_dropout")
        .into_iter()
        .filter(|row| row[1] == week)
        .map(|row| (row[2].parse().unwrap(), labels[&row[0]]))
        .collect()
}

#[test]
fn any_number_of_threads_writes_the_same_bytes() {
    let simulation = config(|config| config.learners = 700);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| simulate(&simulation))
    };
    let (one, counts) = run(1);
    assert_eq!(counts.learners, 700);
    for threads in [2, 3] {
        let (other, other_counts) = run(threads);
        assert_eq!(other_counts, counts);
        assert!(other.log == one.log, "{threads} threads write another log");
        assert_eq!(other.enrolment, one.enrolment);
        assert_eq!(other.date, one.date);
        assert_eq!(other.object, one.object);
        assert_eq!(other.truth, one.truth);
        assert_eq!(other.truth_probability, one.truth_probability);
    }
}

#[test]
fn the_first_learners_stay_the_same_when_more_come() {
    let (few, _) = simulate(&config(|config| config.learners = 100));
    let (many, _) = simulate(&config(|config| config.learners = 200));
    assert!(many.log.starts_with(&few.log) && many.truth.starts_with(&few.truth));
    let (other, _) = simulate(&config(|config| {
        config.learners = 100;
        config.seed = 2;
    }));
    assert_ne!(few.truth, other.truth);
}

#[test]
fn every_file_parses_and_they_fit_together() {
    let simulation = config(|config| {
        config.learners = 500;
        config.courses = 7;
        config.weeks = 5;
        config.enrolment.extra_courses_mean = 0.8;
    });
    let (tables, counts) = simulate(&simulation);
    let dates = rows(&tables.date, "course_id,from,to");
    assert_eq!(dates.len(), 7);
    assert_eq!(dates[0], ["computing-1", "2024-01-15", "2024-02-18"]);
    let objects = rows(&tables.object, "course_id,module_id,category,children,start");
    let releases: HashMap<(&str, &str), &str> =
        objects.iter().map(|row| ((row[0].as_str(), row[1].as_str()), row[4].as_str())).collect();
    assert_eq!(releases.len(), objects.len(), "identifiers are unique");
    for row in &objects {
        for child in row[3].split(' ').filter(|child| !child.is_empty()) {
            assert!(releases.contains_key(&(row[0].as_str(), child)));
        }
    }
    let enrolments = rows(&tables.enrolment, "enrollment_id,username,course_id");
    let ids: Vec<String> = (1..=counts.enrolments).map(|id| id.to_string()).collect();
    assert!(enrolments.iter().map(|row| &row[0]).eq(&ids));
    let pairs: std::collections::HashSet<_> = enrolments.iter().map(|row| (&row[1], &row[2])).collect();
    assert_eq!(pairs.len(), enrolments.len(), "nobody takes a course twice");
    let people: std::collections::HashSet<_> = enrolments.iter().map(|row| &row[1]).collect();
    assert_eq!(people.len() as u64, counts.learners);
    let labels = labels(&tables);
    assert_eq!(labels.len() as u64, counts.enrolments);
    assert_eq!(labels.values().filter(|&&label| label).count() as u64, counts.dropouts);
    let probabilities = rows(&tables.truth_probability, "enrollment_id,week,p_dropout");
    assert_eq!(probabilities.len() as u64, 5 * counts.enrolments);

    let course_of: HashMap<&str, &str> = enrolments.iter().map(|row| (row[0].as_str(), row[2].as_str())).collect();
    let last_day: HashMap<&str, &str> = dates.iter().map(|row| (row[0].as_str(), row[2].as_str())).collect();
    let log = rows(&tables.log, "enrollment_id,time,source,event,object");
    assert_eq!(log.len() as u64, counts.events);
    let mut with_events = std::collections::HashSet::new();
    for row in &log {
        let course = course_of[row[0].as_str()];
        with_events.insert(&row[0]);
        assert_eq!(row[1].len(), 19, "{row:?}");
        assert!(&row[1][..10] <= last_day[course], "{row:?} is after the course");
        let release = releases[&(course, row[4].as_str())];
        let before_start = row[1].as_str() < dates.iter().find(|date| date[0] == course).unwrap()[1].as_str();
        assert!(before_start || release == "null" || release <= row[1].as_str(), "{row:?} is not out yet");
    }
    assert_eq!(with_events.len() as u64, counts.enrolments, "every enrolment has an event");
    let key = |row: &Vec<String>| (row[0].parse::<u64>().unwrap(), row[1].clone());
    assert!(log.is_sorted_by_key(key), "by enrolment, then time");
    let bytes =
        [&tables.log, &tables.enrolment, &tables.date, &tables.object, &tables.truth, &tables.truth_probability];
    assert_eq!(bytes.map(|table| table.len() as u64).iter().sum::<u64>(), counts.bytes);
}

#[test]
fn the_share_of_rows_asked_for_is_doubled() {
    let doubled = |share| {
        simulate(&config(|config| {
            config.learners = 500;
            config.activity.duplicate_share = share;
        }))
    };
    let ((tables, with), (_, without)) = (doubled(0.05), doubled(0.0));
    let share = with.events as f64 / without.events as f64 - 1.0;
    assert!((0.047..0.053).contains(&share), "{share} of the rows are doubled");
    let log = rows(&tables.log, "enrollment_id,time,source,event,object");
    let repeated = log.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64;
    assert!(repeated >= with.events - without.events);
}

#[test]
fn the_truth_is_calibrated_in_twelve_bins_at_every_cutoff() {
    let simulation = config(|config| config.learners = 5_000);
    let (tables, counts) = simulate(&simulation);
    for week in ["1", "4", "8", "12"] {
        let mut bins = [(0.0, 0.0, 0.0); 12];
        for (p, dropped) in forecasts(&tables, week) {
            let bin = &mut bins[((p * 12.0) as usize).min(11)];
            bin.0 += p;
            bin.1 += p * (1.0 - p);
            bin.2 += f64::from(u8::from(dropped));
        }
        // Outcomes are independent given the states, so the count in a bin has this variance; 4 of it, and 1 for rounding.
        for (n, (expected, variance, dropped)) in bins.into_iter().enumerate() {
            let allowed = 4.0 * f64::sqrt(variance) + 1.0;
            assert!(
                (dropped - expected).abs() <= allowed,
                "week {week}, bin {n}: {dropped} dropped out, {expected} were expected, ± {allowed}"
            );
        }
    }
    assert_eq!(forecasts(&tables, "1").len() as u64, counts.enrolments);
}

/// Computes Mann and Whitney's statistic over n₁n₀, ties counting half.
fn auc(scored: &[(f64, bool)]) -> f64 {
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut wins) = (0.0, 0.0);
    for tied in sorted.chunk_by(|a, b| a.0 == b.0) {
        let positives = tied.iter().filter(|(_, dropped)| *dropped).count() as f64;
        let negatives = tied.len() as f64 - positives;
        wins += positives * (below + negatives / 2.0);
        below += negatives;
    }
    wins / (below * (scored.len() as f64 - below))
}

#[test]
fn the_default_cohort_is_neither_trivial_nor_hopeless() {
    let (tables, counts) = simulate(&config(|_| {}));
    let rate = counts.dropouts as f64 / counts.enrolments as f64;
    assert!((0.6..0.7).contains(&rate), "dropout rate {rate}");
    assert!((3_800..4_200).contains(&counts.enrolments), "{} enrolments", counts.enrolments);
    assert!((500_000..1_000_000).contains(&counts.events), "{} events", counts.events);
    let curve = ["1", "4", "8", "12"].map(|week| auc(&forecasts(&tables, week)));
    assert!(curve.is_sorted(), "nearer the end the truth is easier to tell: {curve:?}");
    assert!((0.85..0.9).contains(&curve[1]), "AUC of the truth at week 4: {}", curve[1]);
}

#[test]
fn a_longer_log_has_the_same_labels_and_probabilities() {
    let short = config(|config| config.learners = 200);
    let long = config(|config| {
        config.learners = 200;
        config.activity.scale = 4.0;
    });
    let ((short, short_counts), (long, long_counts)) = (simulate(&short), simulate(&long));
    assert_eq!(short.truth, long.truth);
    assert_eq!(short.truth_probability, long.truth_probability);
    let ratio = long_counts.events as f64 / short_counts.events as f64;
    assert!((2.5..4.5).contains(&ratio), "four times the items make {ratio} times the events");
}

#[test]
fn the_edges_of_the_settings_work() {
    let smallest = config(|config| {
        config.learners = 1;
        config.courses = 1;
        config.weeks = 2;
        config.enrolment.late_join_share = 1.0;
        config.backlog.limit = 0;
    });
    assert_eq!(simulate(&smallest).1.enrolments, 1);
    let extreme = config(|config| {
        config.learners = 50;
        config.enrolment.late_join_share = 1.0;
        config.enrolment.late_join_weeks = 103;
        config.calendar.label_days = 28;
        config.calendar.pre_start_days = 1;
        config.leaving.base = 20.0;
        config.leaving.by_level = [20.0; 4];
        config.leaving.early_extra = 20.0;
        config.activity.weekend_weight = 100.0;
    });
    let (tables, counts) = simulate(&extreme);
    // Who joins is gone a week later, unless of those who come back.
    assert!(counts.dropouts * 10 > counts.enrolments * 8);
    assert!(forecasts(&tables, "12").iter().all(|(p, _)| (0.0..=1.0).contains(p)));
}

#[test]
fn a_writer_that_fails_is_named() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::from(io::ErrorKind::StorageFull))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let sink = || Box::new(io::sink()) as Box<dyn Write + Send>;
    let mut tables = Kdd2015Tables {
        log: sink(),
        enrolment: sink(),
        date: sink(),
        object: Box::new(Full),
        truth: sink(),
        truth_probability: sink(),
    };
    let failed = config(|config| config.learners = 10).write(&mut tables, &|_| {});
    let Err(SimulateError::Write { table, source }) = failed else {
        panic!("a full disk goes unnoticed: {failed:?}");
    };
    assert_eq!((table.as_str(), source.kind()), ("object.csv", io::ErrorKind::StorageFull));
}
