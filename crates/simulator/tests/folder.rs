//! The folder appears whole or not at all, and holds the configuration that made it.

use std::cell::RefCell;
use std::fs;

use staycast_simulator::{KDD2015_FILES, Kdd2015Tables, SimulateError, SimulatorConfig, simulate_to_folder};

fn small() -> SimulatorConfig {
    SimulatorConfig { learners: 150, ..SimulatorConfig::default() }
}

#[test]
fn a_folder_holds_what_the_writers_get_and_its_own_configuration() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("deep/simulated");
    let seen = RefCell::new(Vec::new());
    let simulated = simulate_to_folder(&small(), &folder, &|progress| seen.borrow_mut().push(progress)).unwrap();
    let mut tables = Kdd2015Tables::<Vec<u8>>::default();
    let counts = small().validate().unwrap().write(&mut tables, &|_| {}).unwrap();
    assert!(fs::read(folder.join(KDD2015_FILES.log)).unwrap() == tables.log);
    assert_eq!(fs::read(folder.join(KDD2015_FILES.enrolment)).unwrap(), tables.enrolment);
    assert_eq!(fs::read(folder.join(KDD2015_FILES.date)).unwrap(), tables.date);
    assert_eq!(fs::read(folder.join(KDD2015_FILES.object)).unwrap(), tables.object);
    assert_eq!(fs::read(folder.join(KDD2015_FILES.truth)).unwrap(), tables.truth);
    assert_eq!(fs::read(folder.join(KDD2015_FILES.truth_probability)).unwrap(), tables.truth_probability);
    assert_eq!((simulated.learners, simulated.enrolments), (150, counts.enrolments));
    assert_eq!((simulated.events, simulated.bytes), (counts.events, counts.bytes));
    assert_eq!(simulated.dropout_rate, counts.dropouts as f64 / counts.enrolments as f64);
    assert_eq!(simulated.files.len(), 8);
    assert!(simulated.files.iter().all(|file| file.is_file()));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 8);
    assert_eq!(fs::read_dir(place.path().join("deep")).unwrap().count(), 1, "no temporary folder is left");
    let again = SimulatorConfig::from_file(&folder.join("simulator.toml")).unwrap();
    assert_eq!(again, small());
    let last = *seen.borrow().last().unwrap();
    assert_eq!((last.learners, last.learners_total), (150, 150));
    assert_eq!((last.events, last.bytes), (counts.events, counts.bytes));
}

#[test]
fn an_empty_folder_is_used_and_a_full_one_refused() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("simulated");
    fs::create_dir(&folder).unwrap();
    simulate_to_folder(&small(), &folder, &|_| {}).unwrap();
    let log = fs::metadata(folder.join("log.csv")).unwrap().modified().unwrap();
    let refused = simulate_to_folder(&small(), &folder, &|_| {}).unwrap_err();
    assert!(matches!(&refused, SimulateError::NotEmpty { path } if *path == folder));
    assert!(refused.to_string().contains("name another folder"));
    assert_eq!(fs::metadata(folder.join("log.csv")).unwrap().modified().unwrap(), log);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
}

#[test]
fn nothing_is_left_of_a_simulation_that_fails() {
    let place = tempfile::tempdir().unwrap();
    let occupied = place.path().join("a file");
    fs::write(&occupied, "in the way").unwrap();
    let failed = simulate_to_folder(&small(), &occupied.join("simulated"), &|_| {}).unwrap_err();
    assert!(matches!(failed, SimulateError::Folder { .. }), "{failed}");
    let wrong = SimulatorConfig { weeks: 1, ..small() };
    let folder = place.path().join("simulated");
    let failed = simulate_to_folder(&wrong, &folder, &|_| {}).unwrap_err();
    assert!(matches!(failed, SimulateError::Config(_)), "{failed}");
    let stopped = std::panic::catch_unwind(|| simulate_to_folder(&small(), &folder, &|_| panic!("stopped on the way")));
    assert!(stopped.is_err());
    assert!(!folder.exists());
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1, "only the file that was there");
}
