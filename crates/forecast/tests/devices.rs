//! Training on several devices: the same bytes as on one, wherever each network lands. Devices of the tests are the CPU's.

mod common;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::ThreadId;

use common::{WEEKS, bytes_of, config, dataset, train_at};
use staycast_forecast::config::CheckedConfig;
use staycast_forecast::device::{ChosenDevice, TaskKind, Work};
use staycast_forecast::{EpochRecord, Start, TrainError, TrainRequest, TrainingWatch, Unwatched, train, training_work};
use staycast_sequences::Dataset;

/// Takes the CPU as so many devices.
fn devices(count: usize) -> ChosenDevice {
    ChosenDevice::flex().beside((1..count).map(|_| ChosenDevice::flex()))
}

/// Trains on two threads, so that each of two workers has one, and is known by it.
fn train_on(count: usize, data: &Dataset, config: &CheckedConfig, out: &Path, watch: &dyn TrainingWatch) {
    let device = &devices(count);
    let request = TrainRequest { data, config, device, out, start: Start::Fresh, from: None };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("a pool");
    pool.install(|| train(&request, watch)).expect("it trains");
}

/// Notes the thread of each epoch's network.
#[derive(Default)]
struct Threads(Mutex<Vec<(u32, u32, ThreadId)>>);

impl TrainingWatch for Threads {
    fn epoch(&self, record: &EpochRecord) -> ControlFlow<()> {
        let place = (record.fold, record.member, std::thread::current().id());
        self.0.lock().expect("nobody panics with it").push(place);
        ControlFlow::Continue(())
    }
}

impl Threads {
    /// Counts the threads that trained networks; each network has one.
    fn count(self) -> usize {
        let mut places = self.0.into_inner().expect("nobody panics with it");
        places.sort_by_key(|&(fold, member, _)| (fold, member));
        for epochs in places.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1)) {
            assert!(epochs.iter().all(|epoch| epoch.2 == epochs[0].2), "a network stays on its device");
        }
        let mut threads: Vec<ThreadId> = places.into_iter().map(|(.., thread)| thread).collect();
        threads.sort_by_key(|thread| format!("{thread:?}"));
        threads.dedup();
        threads.len()
    }
}

#[test]
fn two_devices_give_the_bytes_of_one() {
    let data = dataset(4, 60);
    for (name, settings) in [
        ("networks", &["ensemble.members=4"][..]),
        ("blend", &["model.kind=blend", "model.blend=lstm,logistic,tree", "ensemble.members=4"]),
        ("folds", &["split.by=learner", "split.test_courses=[]", "split.folds=3"]),
        ("no network", &["model.kind=logistic"]),
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = config(settings);
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        train_at(&data, &config, &one).expect("it trains");
        let threads = Threads::default();
        train_on(2, &data, &config, &two, &threads);
        assert_eq!(threads.count(), if name == "no network" { 0 } else { 2 }, "{name}");
        assert_eq!(bytes_of(&one), bytes_of(&two), "{name}");
    }
}

#[test]
fn more_devices_than_networks_are_of_no_harm() {
    let (data, config) = (dataset(4, 60), config(&[]));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (one, many) = (folder.path().join("one"), folder.path().join("many"));
    train_at(&data, &config, &one).expect("it trains");
    let threads = Threads::default();
    train_on(5, &data, &config, &many, &threads);
    assert_eq!(threads.count(), 2);
    assert_eq!(bytes_of(&one), bytes_of(&many));
}

/// Stops after so many epochs of any network.
struct StopAfter(AtomicU32);

impl TrainingWatch for StopAfter {
    fn epoch(&self, _record: &EpochRecord) -> ControlFlow<()> {
        if self.0.fetch_sub(1, Ordering::Relaxed) <= 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

#[test]
fn a_run_of_two_devices_is_resumed_on_one_or_three() {
    let data = dataset(4, 60);
    let config = config(&["training.epochs=6", "training.patience=6"]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let straight = folder.path().join("straight");
    train_at(&data, &config, &straight).expect("it trains");
    for then in [1, 3] {
        let out = folder.path().join(then.to_string());
        let two = devices(2);
        let request =
            TrainRequest { data: &data, config: &config, device: &two, out: &out, start: Start::Fresh, from: None };
        assert!(matches!(train(&request, &StopAfter(AtomicU32::new(3))), Err(TrainError::Interrupted)));
        let device = &devices(then);
        train(&TrainRequest { device, start: Start::Resume, ..request }, &Unwatched).expect("it goes on");
        assert_eq!(bytes_of(&straight), bytes_of(&out));
    }
}

#[test]
fn a_run_is_resumed_on_any_set_with_its_device_and_on_no_other() {
    let data = dataset(4, 60);
    let config = config(&[]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let named = |name: &str| {
        let mut device = ChosenDevice::flex();
        name.clone_into(&mut device.info.name);
        device
    };
    let out = folder.path().join("run");
    let a = named("a");
    let request = TrainRequest { data: &data, config: &config, device: &a, out: &out, start: Start::Fresh, from: None };
    assert!(train(&request, &StopAfter(AtomicU32::new(1))).is_err());
    let other = named("b").beside([named("c")]);
    let resume = TrainRequest { device: &other, start: Start::Resume, ..request };
    let message = train(&resume, &Unwatched).expect_err("other devices").to_string();
    assert!(message.contains("flex (a, cpu)") && message.contains("flex (b, cpu)"), "{message}");
    let among = named("b").beside([named("a"), named("b")]);
    let run = train(&TrainRequest { device: &among, ..resume }, &Unwatched).expect("it goes on");
    let manifest = run.manifest();
    let others: Vec<&str> = manifest.other_devices.iter().map(|device| device.name.as_str()).collect();
    assert_eq!((manifest.device.name.as_str(), others), ("b", vec!["a"]));
}

/// Returns the networks of a training, and the rows that each learns from.
fn networks(data: &Dataset, settings: &[&str]) -> (u64, u64) {
    match training_work(data, &config(settings)) {
        Work::Tasks(tasks) => match tasks.as_slice() {
            [] => (0, 0),
            [task] => {
                assert_eq!((task.size.hidden, task.size.weeks, task.size.inputs), (8, WEEKS - 1, 4));
                let TaskKind::Training { rows, held_out, epochs: 4, batch: 64 } = task.kind else {
                    panic!("{task:?}");
                };
                assert!(held_out > 0 && held_out < rows);
                (task.networks, rows)
            }
            _ => panic!("{tasks:?}"),
        },
        Work::Unknown => panic!("it is known"),
    }
}

#[test]
fn the_work_of_a_training_is_estimated() {
    let data = dataset(4, 60);
    // Of 240, one course of four tests, and a third is held out.
    assert_eq!(networks(&data, &[]), (2, 120));
    assert_eq!(networks(&data, &["split.test_courses=course0,course1"]), (2, 80));
    assert_eq!(networks(&data, &["split.test_courses=[]", "split.by=learner"]), (2, 120));
    assert_eq!(networks(&data, &["ensemble.members=5", "model.kind=auto"]), (5, 120));
    let folds = ["split.by=learner", "split.test_courses=[]", "split.folds=3", "split.repeats=2"];
    assert_eq!(networks(&data, &folds), (12, 106));
    assert_eq!(networks(&data, &["split.train_courses=course1,course2"]), (2, 80));
    assert_eq!(networks(&data, &["model.kind=logistic"]), (0, 0));
    let deep = training_work(&data, &config(&["model.layers=2", "training.weeks=3"]));
    let Work::Tasks(tasks) = deep else { panic!("it is known") };
    assert_eq!((tasks[0].size.layers, tasks[0].size.weeks), (2, 3));
}
