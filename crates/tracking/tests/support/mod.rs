//! A server that answers as MLflow does, or as a test wants it to, and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// Holds a request that was received.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    /// Lower-case names.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Returns the API's call, without its prefix and query.
    pub(crate) fn call(&self) -> &str {
        let path = self.path.split('?').next().unwrap_or_default();
        path.trim_start_matches("/api/2.0/").trim_start_matches("mlflow/")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{}: {error}", self.path))
    }

    /// Counts how many metrics, parameters and tags a `log-batch` has.
    pub(crate) fn lengths(&self) -> [usize; 3] {
        ["metrics", "params", "tags"].map(|sort| self.json()[sort].as_array().map_or(0, Vec::len))
    }
}

/// Names the answer to a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A status, further header lines, and a body.
    Answer(u16, String, Vec<u8>),
    /// Nothing, with the connection open, until the test is over.
    Silence,
    /// The connection is closed.
    Close,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::Answer(status, String::new(), body.to_string().into_bytes())
    }

    /// Returns an error as MLflow writes it.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, &json!({ "error_code": code, "message": message }))
    }
}

/// Runs a server on a free port of this machine, which stops with the test's process.
pub(crate) struct Fake {
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    /// Starts a server. `script` answers what it wants to answer itself; what it leaves is answered as by an MLflow
    /// without experiments. It gets the request and how many came before it.
    pub(crate) fn start(script: impl Fn(&Asked, usize) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, script) = (Arc::clone(&asked), Arc::new(script));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, script) = (Arc::clone(&seen), Arc::clone(&script));
                thread::spawn(move || serve(stream.expect("a connection"), &seen, script.as_ref()));
            }
        });
        Self { address, asked }
    }

    /// Returns all requests so far, in their order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("sound").clone()
    }

    pub(crate) fn calls(&self, call: &str) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| asked.call() == call).collect()
    }
}

fn serve(stream: TcpStream, seen: &Mutex<Vec<Asked>>, script: &dyn Fn(&Asked, usize) -> Option<Reply>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a connection"));
    let mut stream = stream;
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.trim_end().split_once(':') {
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    let mut asked = Asked { method, path, headers, body: Vec::new() };
    let length = asked.header("content-length").map_or(0, |length| length.parse().expect("a length"));
    asked.body = vec![0; length];
    if reader.read_exact(&mut asked.body).is_err() {
        return;
    }
    let before = {
        let mut seen = seen.lock().expect("sound");
        seen.push(asked.clone());
        seen.len() - 1
    };
    match script(&asked, before).unwrap_or_else(|| as_mlflow_does(&asked)) {
        Reply::Close => {}
        Reply::Silence => loop {
            thread::park();
        },
        Reply::Answer(status, headers, body) => {
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} Because\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n"
            );
            // Whoever asked may have gone away.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    }
}

/// Returns a run as MLflow describes one.
pub(crate) fn a_run(artifact_uri: &str) -> Value {
    json!({ "info": { "run_id": "r1", "experiment_id": "7", "artifact_uri": artifact_uri }, "data": {} })
}

fn as_mlflow_does(asked: &Asked) -> Reply {
    let body = match asked.call() {
        "experiments/get-by-name" => {
            return Reply::error(404, "RESOURCE_DOES_NOT_EXIST", "Could not find experiment with that name");
        }
        "experiments/create" => json!({ "experiment_id": "7" }),
        "runs/search" => json!({}),
        "runs/create" => json!({ "run": a_run("mlflow-artifacts:/7/r1/artifacts") }),
        _ => json!({}),
    };
    Reply::json(200, &body)
}
