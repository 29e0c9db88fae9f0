//! A run on a real `mlflow server`, read back over the REST API.
//!
//! Needs MLflow: `$STAYCAST_MLFLOW_PYTHON`, a python that has the package, or `mlflow` on the path. `scripts/test` makes one.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use staycast_tracking::mlflow::{DeliveryReport, RunStatus, TrackedRun, Tracker, TrackerSettings, TrackingServer};

/// Runs an `mlflow server` on a free port, with everything in one temporary folder. Stopped when dropped.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let mut command = match std::env::var_os("STAYCAST_MLFLOW_PYTHON") {
            Some(python) => {
                let mut command = Command::new(python);
                command.args(["-m", "mlflow"]);
                command
            }
            None => Command::new("mlflow"),
        };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        drop(listener);
        let log = fs::File::create(folder.join("server.log")).expect("writable");
        command
            .arg("server")
            .arg(format!("--backend-store-uri=sqlite:///{}", folder.join("mlflow.db").display()))
            .arg(format!("--artifacts-destination={}", folder.join("artifacts").display()))
            .args(["--host=127.0.0.1", &format!("--port={port}"), "--workers=1"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log);
        // The server starts workers; all of them are stopped together.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let process = command.spawn().unwrap_or_else(|error| {
            panic!(
                "cannot run mlflow: {error}; set STAYCAST_MLFLOW_PYTHON to a python that has it: \
                 python3 -m venv V && V/bin/pip install mlflow && export STAYCAST_MLFLOW_PYTHON=$PWD/V/bin/python"
            )
        });
        let mut server = Self { process, address: format!("http://127.0.0.1:{port}") };
        let begun = Instant::now();
        while ureq::get(format!("{}/health", server.address)).call().is_err() {
            let log = || fs::read_to_string(folder.join("server.log")).unwrap_or_default();
            if let Some(status) = server.process.try_wait().expect("our child") {
                panic!("mlflow server ended with {status}; is MLflow installed? It says:\n{}", log());
            }
            assert!(begun.elapsed() < Duration::from_secs(900), "mlflow server does not come up:\n{}", log());
            thread::sleep(Duration::from_millis(300));
        }
        server
    }

    fn get(&self, path: &str) -> String {
        let answer = ureq::get(format!("{}{path}", self.address)).call();
        answer
            .and_then(|mut answer| answer.body_mut().read_to_string())
            .unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn run(&self, id: &str) -> Value {
        self.json(&format!("/api/2.0/mlflow/runs/get?run_id={id}"))["run"].clone()
    }

    /// Returns steps and values of a metric.
    fn history(&self, id: &str, key: &str) -> Vec<(Value, Value)> {
        let found =
            self.json(&format!("/api/2.0/mlflow/metrics/get-history?run_id={id}&metric_key={key}&max_results=5000"));
        let points = found["metrics"].as_array().unwrap_or_else(|| panic!("no {key}: {found}"));
        let mut points: Vec<(Value, Value)> =
            points.iter().map(|point| (point["step"].clone(), point["value"].clone())).collect();
        points.sort_by_key(|(step, _)| step.as_i64());
        points
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if cfg!(unix) {
            let group = format!("-{}", self.process.id());
            let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
            for _ in 0..50 {
                if matches!(self.process.try_wait(), Ok(Some(_))) {
                    break;
                }
                thread::sleep(Duration::from_millis(100));
            }
            let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn track(server: &Server, run: TrackedRun, log: impl FnOnce(&Tracker), status: RunStatus) -> DeliveryReport {
    let settings = TrackerSettings {
        timeout: Duration::from_secs(60),
        finish_within: Duration::from_secs(240),
        ..TrackerSettings::default()
    };
    let address = TrackingServer::new(&server.address, |_| None).expect("an address");
    let tracker = Tracker::start(address, run, settings, |problem| eprintln!("{}", problem.message)).expect("a thread");
    log(&tracker);
    tracker.finish(status, 1_700_000_100_000)
}

fn a_run(key: &str) -> TrackedRun {
    let params = [("training.epochs", "30"), ("inputs.include", "[\"n_*\"]"), ("split.by", "course"), ("empty", "")];
    TrackedRun {
        experiment: "staycast: kdd2015 / weekly".to_owned(),
        name: format!("run {key}"),
        key: key.to_owned(),
        start_time_ms: 1_700_000_000_000,
        params: params.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        tags: [("mlflow.source.name".to_owned(), "staycast train".to_owned())].into(),
    }
}

#[test]
#[ignore = "needs MLflow: STAYCAST_MLFLOW_PYTHON, or mlflow on the path"]
fn a_real_server_has_everything_that_was_sent() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(folder.path());
    eprintln!("mlflow {}", server.get("/version"));

    // A run of two parts, as of a training that was killed: the same key, and the second part finds the first.
    let first = track(
        &server,
        a_run("one"),
        |tracker| {
            for step in 1..=600 {
                tracker.metrics(1_700_000_000_000 + step, step, &[("auc", 0.1), ("loss/train", 0.5)]);
            }
        },
        RunStatus::Killed,
    );
    assert!(first.is_complete(), "{first}");
    let id = first.run_id.clone().expect("a run");
    assert_eq!(server.run(&id)["info"]["status"], "KILLED");
    let report = folder.path().join("report.html");
    fs::write(&report, "<p>größer</p>").expect("writable");
    let second = track(
        &server,
        a_run("one"),
        |tracker| {
            // Step 600 again, and the same at the same time, as after a request that was answered too late.
            tracker.metrics(1_700_000_000_600, 600, &[("auc", 0.1)]);
            tracker.metrics(1_700_000_000_601, 601, &[("auc", 0.25), ("odd", f64::NAN), ("odder", f64::NEG_INFINITY)]);
            tracker.param("long", &"n_events,".repeat(2000));
            tracker.param("training.epochs", "31");
            tracker.param("bad?name", "x");
            tracker.tag("mlflow.note.content", "# What was tried");
            tracker.file(&report, "reports/week 4 ü.html");
        },
        RunStatus::Finished,
    );
    eprintln!("{second}");
    assert_eq!(second.run_id, Some(id.clone()), "the same run");
    assert_eq!((second.undelivered.params, second.undelivered.total()), (2, 2), "another value, and a bad name");
    assert_eq!((second.shortened, second.end_delivered), (1, true));
    for says in ["parameter training.epochs was left out", "parameter bad?name was left out"] {
        assert!(second.to_string().contains(says), "{says}: {second}");
    }

    let run = server.run(&id);
    let info = &run["info"];
    assert_eq!((&info["status"], &info["run_name"]), (&json!("FINISHED"), &json!("run one")));
    assert_eq!(
        (&info["start_time"], &info["end_time"]),
        (&json!(1_700_000_000_000_i64), &json!(1_700_000_100_000_i64))
    );
    let texts = |sort: &str| {
        let all = run["data"][sort].as_array().expect("a list").iter();
        all.map(|one| (one["key"].as_str().unwrap_or_default(), one["value"].as_str().unwrap_or_default()))
            .collect::<Vec<_>>()
    };
    let params = texts("params");
    for expected in [("training.epochs", "30"), ("inputs.include", "[\"n_*\"]"), ("split.by", "course"), ("empty", "")]
    {
        assert!(params.contains(&expected), "{params:?}");
    }
    assert!(params.iter().any(|(key, value)| *key == "long" && value.ends_with("… (18000 letters)")));
    let tags = texts("tags");
    assert!(tags.contains(&("staycast.key", "one")) && tags.contains(&("mlflow.note.content", "# What was tried")));

    let auc = server.history(&id, "auc");
    assert_eq!(auc.len(), 601, "each step once");
    assert_eq!((&auc[0], &auc[600]), (&(json!(1), json!(0.1)), &(json!(601), json!(0.25))));
    assert_eq!(server.history(&id, "loss/train").len(), 600);
    assert_eq!(server.history(&id, "odd")[0].1, json!("NaN"));
    assert_eq!(server.history(&id, "odder").len(), 1);

    let files = server.json(&format!("/api/2.0/mlflow/artifacts/list?run_id={id}&path=reports"));
    assert_eq!(files["files"][0]["path"], "reports/week 4 ü.html");
    let file = server.get(&format!("/get-artifact?path=reports%2Fweek%204%20%C3%BC.html&run_uuid={id}"));
    assert_eq!(file, "<p>größer</p>");

    // Another training of the same experiment is another run.
    let other = track(&server, a_run("two"), |_| (), RunStatus::Failed);
    assert!(other.is_complete() && other.run_id != second.run_id, "{other}");
    assert_eq!(server.run(&other.run_id.expect("a run"))["info"]["status"], "FAILED");

    // The server stops in the middle of a training and comes back as another process; here: it is stopped for good.
    let address = server.address.clone();
    let settings = TrackerSettings { finish_within: Duration::from_secs(2), ..TrackerSettings::default() };
    let place = TrackingServer::new(&address, |_| None).expect("an address");
    let tracker = Tracker::start(place, a_run("three"), settings, |_| ()).expect("a thread");
    drop(server);
    tracker.metrics(1, 1, &[("auc", 0.7)]);
    let delivery = tracker.finish(RunStatus::Finished, 2);
    assert_eq!((delivery.undelivered.metrics, delivery.end_delivered), (1, false), "{delivery}");
    assert!(delivery.problems[0].message.contains(&address), "{delivery}");
}
