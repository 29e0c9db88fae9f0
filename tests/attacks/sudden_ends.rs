//! Trainings that are ended in the middle, and what a tracking server is told then.

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::{SMALL, Workshop, arguments, command, folder};
use crate::fake_mlflow::{Fake, Reply};
use crate::kills::heeding_signals;

/// Sends SIGINT or SIGTERM to a training that is tracked, as soon as it is known to `fake`; returns how long it took to end.
fn end_by(signal: &str, fake: &Fake, number: i32) -> Duration {
    let place = folder();
    let line = format!(
        "train {{}} --out {{}} {SMALL} --track mlflow={} --quiet --set training.epochs=3000 --set training.patience=3000",
        fake.address
    );
    let command = command(arguments(&line, &[&Workshop::open().sequences(), &place.path().join("run")]));
    let mut command = heeding_signals(command);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let begun = Instant::now();
    while !fake.asked().iter().any(|asked| asked.call() == "runs/log-batch") {
        assert!(begun.elapsed() < Duration::from_secs(60), "the server was never told of the run");
        assert!(child.try_wait().expect("it can be asked").is_none(), "it ended by itself");
        std::thread::sleep(Duration::from_millis(5));
    }
    let sent = Instant::now();
    let killed = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(killed.expect("kill runs").success());
    let ended = child.wait().expect("it ends");
    assert_eq!(ended.signal(), Some(number), "{ended}");
    sent.elapsed()
}

#[test]
fn a_server_is_told_of_a_training_that_a_signal_ends() {
    for (signal, number) in [("-INT", 2), ("-TERM", 15)] {
        let fake = Fake::start(|_, _| None);
        end_by(signal, &fake, number);
        let updates = fake.calls("runs/update");
        let last = updates.last().unwrap_or_else(|| panic!("{signal}: the run stays as it is")).json();
        assert_eq!(last["status"], json!("KILLED"), "{signal}");
        assert!(last["end_time"].is_i64(), "{last}");
    }
}

#[test]
fn a_server_that_is_silent_holds_up_no_signal() {
    let fake = Fake::start(|asked, _| (asked.call() == "runs/log-batch").then_some(Reply::Silence));
    let took = end_by("-TERM", &fake, 15);
    assert!(took < Duration::from_secs(8), "{took:?}");
}

#[test]
fn a_server_is_told_of_a_training_that_fails() {
    let fake = Fake::start(|_, _| None);
    let place = folder();
    let run_folder = place.path().join("run");
    // A full disk, by a limit of the size of files: the networks are trained, and can't be stored.
    let line = format!("train {{}} --out {{}} {SMALL} --track mlflow={} --quiet --set model.hidden=64", fake.address);
    let ran = crate::common::run_with_file_limit(40, &line, &[&Workshop::open().sequences(), &run_folder]);
    ran.expect(1);
    let updates = fake.calls("runs/update");
    assert_eq!(updates.last().expect("the run's end").json()["status"], json!("FAILED"));
}
