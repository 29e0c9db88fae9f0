//! Checks what reaches an MLflow server, and that a run survives a failing server. The server here is a script; the real
//! one is in `mlflow_server.rs`.

#[allow(dead_code)] // Not every file of tests uses all of it.
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::json;
use staycast_tracking::mlflow::{
    DeliveryReport, MlflowError, RunStatus, TrackedRun, Tracker, TrackerSettings, TrackingServer,
};
use support::{Asked, Fake, Reply, a_run};

fn run() -> TrackedRun {
    TrackedRun {
        experiment: "kdd2015 & others".to_owned(),
        name: "wide".to_owned(),
        key: "k-1_a".to_owned(),
        start_time_ms: 1_700_000_000_000,
        params: [("training.epochs", "30"), ("split.by", "course")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        tags: [("mlflow.source.name".to_owned(), "staycast train".to_owned())].into(),
    }
}

/// Returns settings that are quick to try again, and in no hurry to give up: the machine may have other work.
fn patient() -> TrackerSettings {
    TrackerSettings {
        timeout: Duration::from_secs(60),
        upload_timeout: Duration::from_secs(60),
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(20),
        finish_within: Duration::from_secs(120),
        ..TrackerSettings::default()
    }
}

fn server(address: &str) -> TrackingServer {
    TrackingServer::new(address, |_| None).expect("an address")
}

type Problems = Arc<Mutex<Vec<String>>>;

fn start(address: &str, run: TrackedRun, settings: TrackerSettings) -> (Tracker, Problems) {
    let heard = Problems::default();
    let listener = Arc::clone(&heard);
    let tracker = Tracker::start(server(address), run, settings, move |problem| {
        listener.lock().expect("sound").push(problem.message.clone());
    });
    (tracker.expect("a thread"), heard)
}

/// Tracks a run of three epochs on `fake`.
fn three_epochs(fake: &Fake, settings: TrackerSettings) -> (DeliveryReport, Vec<String>) {
    let (tracker, heard) = start(&fake.address, run(), settings);
    for epoch in 1..=3_i32 {
        tracker.metrics(1_700_000_000_000 + i64::from(epoch), i64::from(epoch), &[("auc", 0.7), ("loss", 0.5)]);
    }
    let delivery = tracker.finish(RunStatus::Finished, 1_700_000_100_000);
    let heard = heard.lock().expect("sound").clone();
    (delivery, heard)
}

fn refuse_batches_with(wrong: impl Fn(&Asked) -> bool + Send + Sync + 'static) -> Fake {
    Fake::start(move |asked, _| {
        let refused = asked.call() == "runs/log-batch" && wrong(asked);
        refused.then(|| Reply::error(400, "INVALID_PARAMETER_VALUE", "Invalid value for a parameter"))
    })
}

#[test]
fn everything_arrives_and_no_request_is_over_the_limits() {
    let fake = Fake::start(|_, _| None);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("report.html");
    fs::write(&file, b"<html></html>").expect("writable");
    let mut run = run();
    run.params.extend((0..250).map(|at| (format!("p{at}"), "v".to_owned())));
    let (tracker, heard) = start(&fake.address, run, patient());
    tracker.file(&file, "reports/week 4.html");
    for step in 0..2500 {
        tracker.metrics(1, step, &[("loss", 0.5)]);
    }
    tracker.tag("mlflow.note.content", "done");
    let delivery = tracker.finish(RunStatus::Finished, 1_700_000_100_000);
    assert!(delivery.is_complete(), "{delivery}");
    assert!(delivery.problems.is_empty() && heard.lock().expect("sound").is_empty());
    let counts = delivery.delivered;
    assert_eq!((counts.params, counts.metrics, counts.tags, counts.files), (252, 2500, 2, 1));
    assert_eq!(delivery.page.as_deref(), Some(format!("{}/#/experiments/7/runs/r1", fake.address).as_str()));

    let asked = fake.asked();
    let calls: Vec<&str> = asked.iter().take(4).map(Asked::call).collect();
    assert_eq!(calls, ["experiments/get-by-name", "experiments/create", "runs/search", "runs/create"]);
    assert!(asked[0].path.ends_with("?experiment_name=kdd2015%20%26%20others"), "{}", asked[0].path);
    let created = asked[3].json();
    assert_eq!((created["run_name"].as_str(), created["start_time"].as_i64()), (Some("wide"), Some(1_700_000_000_000)));
    let mut sums = [0; 3];
    for batch in fake.calls("runs/log-batch") {
        let [metrics, params, tags] = batch.lengths();
        assert!(metrics + params + tags <= 1000 && params <= 100 && tags <= 100, "{metrics} {params} {tags}");
        assert_eq!(batch.json()["run_id"], "r1");
        sums = [sums[0] + metrics, sums[1] + params, sums[2] + tags];
    }
    assert_eq!(sums, [2500, 252, 2], "each of them once");
    let put = asked.iter().find(|asked| asked.method == "PUT").expect("the file was sent");
    assert_eq!(put.path, "/api/2.0/mlflow-artifacts/artifacts/7/r1/artifacts/reports/week%204.html");
    assert_eq!(put.body, b"<html></html>");
    let end = asked.last().expect("asked").json();
    assert_eq!((end["status"].as_str(), end["end_time"].as_i64()), (Some("FINISHED"), Some(1_700_000_100_000)));
}

#[test]
fn a_training_goes_on_while_the_server_is_silent() {
    // The server answers nothing before the training has ended: were anything to wait for it, this test would not end.
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let inner = Arc::clone(&gate);
    let fake = Fake::start(move |_, _| {
        let mut open = inner.0.lock().expect("sound");
        while !*open {
            open = inner.1.wait(open).expect("sound");
        }
        None
    });
    let (tracker, _) = start(&fake.address, run(), TrackerSettings { capacity: 1000, ..patient() });
    for step in 0..1500 {
        tracker.metrics(1, step, &[("loss", 0.5)]);
    }
    *gate.0.lock().expect("sound") = true;
    gate.1.notify_all();
    let delivery = tracker.finish(RunStatus::Failed, 2);
    // 3 of the 1000 places were taken by the parameters and the tag.
    assert_eq!((delivery.delivered.metrics, delivery.undelivered.metrics), (997, 503), "{delivery}");
    let [problem] = &delivery.problems[..] else { panic!("{delivery}") };
    assert_eq!(problem.times, 503);
    assert!(problem.message.contains("metric loss at step 997"), "{}", problem.message);
    assert!(delivery.end_delivered && !delivery.is_complete());
    assert_eq!(fake.asked().last().expect("asked").json()["status"], "FAILED");
}

#[test]
fn a_server_that_is_not_there_is_told_once_and_everything_is_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    drop(listener);
    let (tracker, heard) =
        start(&address, run(), TrackerSettings { finish_within: Duration::from_millis(300), ..patient() });
    tracker.metrics(1, 1, &[("auc", 0.7)]);
    tracker.file("nowhere".as_ref(), "file");
    let delivery = tracker.finish(RunStatus::Finished, 2);
    let counts = delivery.undelivered;
    assert_eq!((counts.params, counts.metrics, counts.tags, counts.files), (2, 1, 1, 1), "{delivery}");
    assert_eq!((delivery.delivered.total(), delivery.end_delivered, &delivery.run_id), (0, false, &None));
    let heard = heard.lock().expect("sound").clone();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].contains(&address) && heard[0].contains("check the address"), "{}", heard[0]);
    assert!(delivery.problems[0].times > 1, "it was tried again: {delivery}");
    assert!(delivery.to_string().contains("2 parameters") && delivery.to_string().contains("nothing of this run"));
}

#[test]
fn a_server_that_comes_back_gets_everything() {
    let fake = Fake::start(|_, before| match before {
        0 => Some(Reply::Close),
        1 => Some(Reply::Answer(503, String::new(), b"<html>restarting</html>".to_vec())),
        2 | 5 => Some(Reply::error(500, "INTERNAL_ERROR", "database is locked")),
        7 => Some(Reply::error(429, "REQUEST_LIMIT_EXCEEDED", "slow down")),
        _ => None,
    });
    let (delivery, heard) = three_epochs(&fake, patient());
    assert!(delivery.is_complete(), "{delivery}");
    assert_eq!(delivery.delivered.metrics, 6);
    assert!(heard.len() >= 3, "each kind is told: {heard:?}");
    assert_eq!(delivery.problems.iter().map(|problem| problem.times).sum::<u64>(), 5, "{delivery:?}");
}

#[test]
fn a_server_that_is_too_slow_is_given_up_at_the_end() {
    let fake = Fake::start(|_, _| Some(Reply::Silence));
    let hasty =
        TrackerSettings { timeout: Duration::from_millis(50), finish_within: Duration::from_millis(400), ..patient() };
    let (delivery, heard) = three_epochs(&fake, hasty);
    assert_eq!((delivery.delivered.total(), delivery.undelivered.metrics), (0, 6));
    assert!(heard[0].contains("did not answer within"), "{heard:?}");
}

#[test]
fn finish_does_not_wait_for_a_request_that_goes_on_and_on() {
    let fake = Fake::start(|_, _| Some(Reply::Silence));
    let settings = TrackerSettings {
        timeout: Duration::from_secs(86_400),
        finish_within: Duration::from_millis(100),
        ..patient()
    };
    let (delivery, _) = three_epochs(&fake, settings);
    assert_eq!(delivery.undelivered.metrics, 6);
}

#[test]
fn a_run_that_was_deleted_on_the_server_is_given_up_at_once() {
    let fake = Fake::start(|asked, _| {
        (asked.call() == "runs/log-batch").then(|| Reply::error(404, "RESOURCE_DOES_NOT_EXIST", "Run 'r1' not found"))
    });
    let (delivery, heard) = three_epochs(&fake, patient());
    assert_eq!((delivery.undelivered.metrics, delivery.undelivered.params), (6, 2), "{delivery}");
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].contains("RESOURCE_DOES_NOT_EXIST") && heard[0].contains("Run 'r1' not found"), "{}", heard[0]);
    assert_eq!(fake.calls("runs/log-batch").len(), 1);
}

#[test]
fn what_is_no_mlflow_server_is_said_to_be_none() {
    let page = |status: u16, headers: &str| Reply::Answer(status, headers.to_owned(), b"<html>Hello</html>".to_vec());
    for (reply, says) in [
        (page(404, ""), "no such page"),
        (page(200, ""), "not JSON"),
        (page(302, "Location: https://example.org/login\r\n"), "redirects to https://example.org/login"),
        (Reply::json(200, &json!({ "experiment": {} })), "has no id"),
        (Reply::json(200, &json!({ "experiment": { "experiment_id": "7/../8" } })), "has no id"),
    ] {
        let fake = Fake::start(move |_, _| Some(reply.clone()));
        let (delivery, heard) = three_epochs(&fake, patient());
        assert_eq!(fake.asked().len(), 1, "given up at once");
        assert_eq!(delivery.undelivered.metrics, 6);
        assert!(heard[0].contains(says) && heard[0].contains("check that the address"), "{heard:?}");
    }
}

#[test]
fn an_answer_that_is_not_http_is_no_end_of_the_training() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            use std::io::Write;
            let _ = stream.expect("a connection").write_all(b"220 mail.example.org ESMTP\r\n");
        }
    });
    let (tracker, _) = start(&address, run(), TrackerSettings { finish_within: Duration::from_secs(1), ..patient() });
    let delivery = tracker.finish(RunStatus::Finished, 2);
    assert_eq!((delivery.undelivered.params, delivery.problems.is_empty()), (2, false), "{delivery}");
}

#[test]
fn one_bad_parameter_loses_no_other() {
    let fake = refuse_batches_with(|asked| String::from_utf8_lossy(&asked.body).contains("bad name?"));
    let mut run = run();
    run.params.extend((0..90).map(|at| (format!("p{at}"), "v".to_owned())));
    run.params.insert("bad name?".to_owned(), "v".to_owned());
    let (tracker, heard) = start(&fake.address, run, patient());
    tracker.metrics(1, 1, &[("auc", 0.7)]);
    let delivery = tracker.finish(RunStatus::Finished, 2);
    assert_eq!((delivery.delivered.params, delivery.undelivered.params), (92, 1), "{delivery}");
    assert_eq!(delivery.undelivered.total(), 1);
    let heard = heard.lock().expect("sound").clone();
    assert_eq!(heard.len(), 1);
    assert!(heard[0].starts_with("parameter bad name? was left out"), "{}", heard[0]);
}

#[test]
fn a_value_that_is_too_long_is_cut_and_counted() {
    let fake = refuse_batches_with(|asked| {
        let params = asked.json()["params"].clone();
        params.as_array().is_some_and(|all| all.iter().any(|one| one["value"].as_str().is_some_and(|v| v.len() > 600)))
    });
    let mut run = run();
    run.params.insert("inputs.include".to_owned(), "n_events,".repeat(1000));
    run.params.insert("inputs.exclude".to_owned(), "n_events,".repeat(100));
    let (tracker, _) = start(&fake.address, run, patient());
    let delivery = tracker.finish(RunStatus::Finished, 2);
    assert!(delivery.is_complete(), "{delivery}");
    assert_eq!(delivery.delivered.params, 4);
    assert_eq!(delivery.shortened, 2, "{delivery}");
    let sent: BTreeMap<String, String> = fake
        .calls("runs/log-batch")
        .iter()
        .flat_map(|batch| batch.json()["params"].as_array().cloned().unwrap_or_default())
        .map(|param| (param["key"].as_str().unwrap_or_default().to_owned(), param["value"].to_string()))
        .collect();
    assert!(sent["inputs.include"].contains("letters)") && sent["inputs.exclude"].contains("… (900 letters)"));
}

#[test]
fn a_store_that_fails_costs_the_file_and_nothing_else() {
    let fake = Fake::start(|asked, _| {
        (asked.method == "PUT").then(|| Reply::error(500, "INTERNAL_ERROR", "no credentials for s3"))
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("model.safetensors");
    fs::write(&file, b"weights").expect("writable");
    let (tracker, _) = start(&fake.address, run(), patient());
    tracker.file(&file, "model.safetensors");
    tracker.file(&folder.path().join("missing"), "missing");
    tracker.file(folder.path(), "folder");
    tracker.metrics(1, 1, &[("auc", 0.7)]);
    let delivery = tracker.finish(RunStatus::Finished, 2);
    assert_eq!((delivery.undelivered.files, delivery.undelivered.total()), (3, 3), "{delivery}");
    assert!(delivery.end_delivered);
    assert_eq!(fake.asked().iter().filter(|asked| asked.method == "PUT").count(), 3, "tried three times");
    let told = delivery.to_string();
    for says in ["file model.safetensors was left out", "no credentials for s3", "missing", "not a plain file"] {
        assert!(told.contains(says), "{says}: {told}");
    }
}

#[test]
fn files_of_an_experiment_that_keeps_them_elsewhere_are_left_out_with_the_reason() {
    let fake = Fake::start(|asked, _| {
        (asked.call() == "runs/create")
            .then(|| Reply::json(200, &json!({ "run": a_run("s3://bucket/7/r1/artifacts") })))
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("a"), b"a").expect("writable");
    let (tracker, heard) = start(&fake.address, run(), patient());
    tracker.file(&folder.path().join("a"), "a");
    tracker.file(&folder.path().join("a"), "b");
    let delivery = tracker.finish(RunStatus::Finished, 2);
    assert_eq!((delivery.undelivered.files, delivery.undelivered.total()), (2, 2));
    let heard = heard.lock().expect("sound").clone();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].contains("s3://bucket") && heard[0].contains("--serve-artifacts"), "{}", heard[0]);
    assert!(fake.asked().iter().all(|asked| asked.method != "PUT"));
}

#[test]
fn an_experiment_that_was_deleted_is_said_to_be() {
    let experiment = json!({ "experiment": { "experiment_id": "7", "lifecycle_stage": "deleted" } });
    let fake =
        Fake::start(move |asked, _| (asked.call() == "experiments/get-by-name").then(|| Reply::json(200, &experiment)));
    let (delivery, heard) = three_epochs(&fake, patient());
    assert!(heard[0].contains("kdd2015 & others") && heard[0].contains("restore it"), "{heard:?}");
    assert_eq!(delivery.undelivered.metrics, 6);
}

#[test]
fn an_experiment_that_another_training_makes_meanwhile_is_taken() {
    let fake = Fake::start(|asked, before| match (asked.call(), before) {
        ("experiments/create", _) => Some(Reply::error(400, "RESOURCE_ALREADY_EXISTS", "it exists")),
        ("experiments/get-by-name", 1..) => {
            Some(Reply::json(200, &json!({ "experiment": { "experiment_id": "9", "lifecycle_stage": "active" } })))
        }
        _ => None,
    });
    let (delivery, _) = three_epochs(&fake, patient());
    assert!(delivery.is_complete(), "{delivery}");
    assert_eq!(fake.calls("runs/create")[0].json()["experiment_id"], "9");
}

#[test]
fn a_resumed_training_goes_on_with_its_run() {
    let fake = Fake::start(|asked, _| {
        let found = json!({ "runs": [a_run("mlflow-artifacts:/7/r1/artifacts")] });
        (asked.call() == "runs/search").then(|| Reply::json(200, &found))
    });
    let (delivery, _) = three_epochs(&fake, patient());
    assert!(delivery.is_complete(), "{delivery}");
    assert!(fake.calls("runs/create").is_empty());
    let search = fake.calls("runs/search")[0].json();
    assert_eq!(search["filter"], "tags.`staycast.key` = 'k-1_a'");
    let states: Vec<String> =
        fake.calls("runs/update").iter().map(|update| update.json()["status"].to_string()).collect();
    assert_eq!(states, ["\"RUNNING\"", "\"FINISHED\""]);
}

#[test]
fn a_run_whose_making_was_answered_too_late_is_not_made_twice() {
    let made = Arc::new(Mutex::new(false));
    let fake = Fake::start(move |asked, _| {
        let mut made = made.lock().expect("sound");
        match asked.call() {
            "runs/create" => {
                *made = true;
                Some(Reply::Close)
            }
            "runs/search" if *made => {
                Some(Reply::json(200, &json!({ "runs": [a_run("mlflow-artifacts:/7/r1/artifacts")] })))
            }
            _ => None,
        }
    });
    let (delivery, _) = three_epochs(&fake, patient());
    assert!(delivery.is_complete(), "{delivery}");
    assert_eq!(fake.calls("runs/create").len(), 1);
}

#[test]
fn credentials_are_sent_with_every_request_and_never_shown() {
    let token = ("MLFLOW_TRACKING_TOKEN", "s3cret-token", "Bearer s3cret-token");
    let password = ("MLFLOW_TRACKING_PASSWORD", "pa55word", "Basic bmFtZTpwYTU1d29yZA==");
    for (name, secret, header) in [token, password] {
        // A server that repeats in its error what it was sent.
        let fake = Fake::start(|asked, _| {
            let sent = asked.header("authorization").unwrap_or_default().to_owned();
            match asked.method.as_str() {
                "PUT" => Some(Reply::error(400, "BAD", &format!("you sent {sent} and pa55word"))),
                _ => None,
            }
        });
        let server = TrackingServer::new(&fake.address, |asked| match asked {
            "MLFLOW_TRACKING_USERNAME" if name.ends_with("PASSWORD") => Some("name".to_owned()),
            asked if asked == name => Some(secret.to_owned()),
            _ => None,
        });
        let server = server.expect("an address");
        let shown = format!("{server:?}");
        let heard = Problems::default();
        let listener = Arc::clone(&heard);
        let tracker = Tracker::start(server, run(), patient(), move |problem| {
            listener.lock().expect("sound").push(problem.message.clone());
        });
        let tracker = tracker.expect("a thread");
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("a"), b"a").expect("writable");
        tracker.file(&folder.path().join("a"), "a");
        let shown = format!("{shown} {tracker:?}");
        let delivery = tracker.finish(RunStatus::Finished, 2);
        assert_eq!(delivery.undelivered.files, 1);
        for asked in fake.asked() {
            assert_eq!(asked.header("authorization"), Some(header), "{}", asked.path);
        }
        let shown = format!("{shown} {delivery} {delivery:?} {:?}", heard.lock().expect("sound"));
        assert!(shown.contains("you sent"), "the server's words are shown: {shown}");
        assert!(!shown.contains(secret) && !shown.contains("bmFtZTpwYTU1d29yZA=="), "{shown}");
    }
}

#[test]
fn a_user_who_may_not_is_told_which_variables_to_set() {
    for status in [401, 403] {
        let fake = Fake::start(move |_, _| Some(Reply::Answer(status, String::new(), b"no".to_vec())));
        let (delivery, heard) = three_epochs(&fake, patient());
        assert!(
            heard[0].contains("MLFLOW_TRACKING_USERNAME") && heard[0].contains("MLFLOW_TRACKING_TOKEN"),
            "{heard:?}"
        );
        assert_eq!((delivery.undelivered.metrics, fake.asked().len()), (6, 1), "asked once");
    }
}

#[test]
fn keys_that_could_not_be_searched_for_are_refused() {
    for key in ["", "it's", "a b", "ü", &"k".repeat(101)] {
        let run = TrackedRun { key: key.to_owned(), ..run() };
        let started = Tracker::start(server("http://127.0.0.1:9"), run, patient(), |_| ());
        assert!(matches!(started, Err(MlflowError::Key(_))), "{key}");
    }
}

#[test]
fn a_tracker_that_is_dropped_gives_up_quietly() {
    let fake = Fake::start(|_, _| Some(Reply::Silence));
    let (tracker, heard) = start(&fake.address, run(), patient());
    tracker.metrics(1, 1, &[("auc", 0.7)]);
    drop(tracker);
    assert!(heard.lock().expect("sound").is_empty());
}
