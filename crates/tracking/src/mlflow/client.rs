//! The calls of MLflow's REST API that a run needs, one after the other, on the thread of the caller.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::error::MlflowError;
use super::log_item::{self, LogItem};
use super::server::TrackingServer;
use super::tracked_run::TrackedRun;

/// Bounds the bytes of an answer that are read.
const LARGEST_ANSWER: u64 = 4 * 1024 * 1024;
/// Names the tag by which a run is found again.
pub(super) const KEY_TAG: &str = "staycast.key";

pub(super) struct Client {
    agent: ureq::Agent,
    server: TrackingServer,
}

/// Holds a run on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OpenRun {
    pub(super) experiment_id: String,
    pub(super) run_id: String,
    pub(super) artifact_uri: String,
}

/// Holds the JSON of an answer that is not an error.
type Answer = Result<Value, MlflowError>;

impl Client {
    pub(super) fn new(server: TrackingServer) -> Self {
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // A redirect of what was posted would be asked for as a page.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("staycast/", env!("CARGO_PKG_VERSION")));
        if server.is_loopback() {
            config = config.proxy(None);
        }
        Self { agent: config.build().new_agent(), server }
    }

    /// Returns the address of the run's page.
    pub(super) fn page(&self, run: &OpenRun) -> String {
        format!("{}/#/experiments/{}/runs/{}", self.server.address(), run.experiment_id, run.run_id)
    }

    /// Finds the run of this key, or creates one. So a resumed training continues its run, and a request that was answered
    /// too late creates no second one.
    pub(super) fn open(&self, run: &TrackedRun, limit: Duration) -> Result<OpenRun, MlflowError> {
        let experiment_id = self.experiment(&run.experiment, limit)?;
        if let Some(found) = self.find(&experiment_id, &run.key, limit)? {
            self.update(&found, "RUNNING", None, limit)?;
            return Ok(found);
        }
        let body = json!({
            "experiment_id": experiment_id,
            "run_name": run.name,
            "start_time": run.start_time_ms,
            "tags": [{ "key": KEY_TAG, "value": run.key }],
        });
        let call = "runs/create";
        let answer = self.post(call, &body, limit)?;
        self.run(call, &experiment_id, &answer["run"])
    }

    fn experiment(&self, name: &str, limit: Duration) -> Result<String, MlflowError> {
        let call = "experiments/get-by-name";
        let get = || {
            let request = self.agent.get(self.url(call)).query("experiment_name", name);
            self.answer(call, limit, self.with_credentials(request, limit).call())
        };
        let found = match get() {
            Ok(found) => found,
            Err(MlflowError::Refused { code, .. }) if code.contains("RESOURCE_DOES_NOT_EXIST") => {
                match self.post("experiments/create", &json!({ "name": name }), limit) {
                    Ok(made) => return self.text("experiments/create", &made["experiment_id"]),
                    // Another training was quicker.
                    Err(MlflowError::Refused { code, .. }) if code.contains("RESOURCE_ALREADY_EXISTS") => get()?,
                    Err(error) => return Err(error),
                }
            }
            Err(error) => return Err(error),
        };
        let experiment = &found["experiment"];
        if experiment["lifecycle_stage"] == "deleted" {
            let server = self.server.address().to_owned();
            return Err(MlflowError::ExperimentDeleted { server, experiment: name.to_owned() });
        }
        self.text(call, &experiment["experiment_id"])
    }

    fn find(&self, experiment_id: &str, key: &str, limit: Duration) -> Result<Option<OpenRun>, MlflowError> {
        let call = "runs/search";
        // A key has no letters that could end the quotes.
        let body = json!({
            "experiment_ids": [experiment_id],
            "filter": format!("tags.`{KEY_TAG}` = '{key}'"),
            "run_view_type": "ACTIVE_ONLY",
            "max_results": 1,
        });
        let found = self.post(call, &body, limit)?;
        found["runs"].as_array().and_then(|runs| runs.first()).map(|run| self.run(call, experiment_id, run)).transpose()
    }

    /// Sends metrics, parameters and tags.
    pub(super) fn log_batch(&self, run: &OpenRun, items: &[LogItem], limit: Duration) -> Result<(), MlflowError> {
        self.post("runs/log-batch", &log_item::request_body(&run.run_id, items), limit).map(drop)
    }

    /// Sets a run's state and, at its end, the time.
    pub(super) fn update(
        &self,
        run: &OpenRun,
        status: &str,
        end_time_ms: Option<i64>,
        limit: Duration,
    ) -> Result<(), MlflowError> {
        let mut body = json!({ "run_id": run.run_id, "status": status });
        if let Some(end_time_ms) = end_time_ms {
            body["end_time"] = json!(end_time_ms);
        }
        self.post("runs/update", &body, limit).map(drop)
    }

    /// Sends a file through the server.
    pub(super) fn upload(&self, run: &OpenRun, path: &Path, name: &str, limit: Duration) -> Result<(), MlflowError> {
        let call = "mlflow-artifacts/artifacts";
        let url = format!("{}/{}", self.artifacts(&run.artifact_uri)?, escaped(name));
        let failed = |source: io::Error| MlflowError::File { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(failed(io::Error::other("it is not a plain file")));
        }
        let request = self.agent.put(url).content_type("application/octet-stream");
        let sent = self.with_credentials(request, limit).send(&file);
        self.answer(call, limit, sent).map(drop)
    }

    /// Returns the address under which the server takes a run's files.
    fn artifacts(&self, artifact_uri: &str) -> Result<String, MlflowError> {
        let proxy = format!("{}/api/2.0/mlflow-artifacts/artifacts", self.server.address());
        let elsewhere = || MlflowError::ArtifactStore { store: self.server.shown(artifact_uri) };
        if artifact_uri.starts_with(&format!("{proxy}/")) {
            return Ok(artifact_uri.trim_end_matches('/').to_owned());
        }
        let rest = artifact_uri.strip_prefix("mlflow-artifacts:").ok_or_else(elsewhere)?;
        let path = match rest.strip_prefix("//") {
            // Credentials go to no other host.
            Some(rest) => match rest.split_once('/') {
                Some((host, path)) if host.is_empty() || host == self.server.authority() => path,
                _ => return Err(elsewhere()),
            },
            None => rest.strip_prefix('/').ok_or_else(elsewhere)?,
        };
        Ok(format!("{proxy}/{}", escaped(path.trim_matches('/'))))
    }

    fn url(&self, call: &str) -> String {
        format!("{}/api/2.0/mlflow/{call}", self.server.address())
    }

    fn post(&self, call: &'static str, body: &Value, limit: Duration) -> Answer {
        let request = self.with_credentials(self.agent.post(self.url(call)), limit);
        self.answer(call, limit, request.send_json(body))
    }

    fn with_credentials<B>(&self, request: ureq::RequestBuilder<B>, limit: Duration) -> ureq::RequestBuilder<B> {
        let request = request.config().timeout_global(Some(limit)).build();
        match self.server.authorization() {
            Some(value) => request.header("Authorization", value),
            None => request,
        }
    }

    fn answer(
        &self,
        call: &'static str,
        limit: Duration,
        answered: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Answer {
        let server = self.server.address().to_owned();
        let mut response = answered.map_err(|error| self.failed(call, limit, &error))?;
        let status = response.status().as_u16();
        let location = response.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let text = response
            .body_mut()
            .with_config()
            .limit(LARGEST_ANSWER)
            .lossy_utf8(true)
            .read_to_string()
            .map_err(|error| self.failed(call, limit, &error))?;
        let value: Option<Value> = serde_json::from_str(&text).ok();
        match status {
            200..=299 if text.trim().is_empty() => Ok(json!({})),
            200..=299 => value.filter(Value::is_object).ok_or_else(|| {
                let problem = format!("the answer is not JSON: {}", self.server.shown(&text));
                MlflowError::NotMlflow { server, call, problem }
            }),
            300..=399 => {
                let to = self.server.shown(&location.unwrap_or_else(|| "an address that it does not name".to_owned()));
                let problem = format!("it redirects to {to}; give the address that it redirects to");
                Err(MlflowError::NotMlflow { server, call, problem })
            }
            401 | 403 => Err(MlflowError::Unauthorised { server, call, status }),
            _ => {
                let code = value.as_ref().and_then(|value| value["error_code"].as_str());
                let message = value.as_ref().and_then(|value| value["message"].as_str());
                if status == 404 && code.is_none() {
                    let problem = "there is no such page (status 404)".to_owned();
                    return Err(MlflowError::NotMlflow { server, call, problem });
                }
                let message = self.server.shown(message.unwrap_or(&text));
                let code = code.map(|code| format!(" ({})", self.server.shown(code))).unwrap_or_default();
                Err(MlflowError::Refused { server, call, status, code, message })
            }
        }
    }

    fn failed(&self, call: &'static str, limit: Duration, error: &ureq::Error) -> MlflowError {
        let server = self.server.address().to_owned();
        match error {
            ureq::Error::Timeout(_) => MlflowError::TimedOut { server, call, limit },
            ureq::Error::Protocol(_) | ureq::Error::BodyExceedsLimit(_) => {
                MlflowError::NotMlflow { server, call, problem: self.server.shown(&error.to_string()) }
            }
            _ => MlflowError::Unreachable { server, call, problem: self.server.shown(&error.to_string()) },
        }
    }

    fn run(&self, call: &'static str, experiment_id: &str, run: &Value) -> Result<OpenRun, MlflowError> {
        let info = &run["info"];
        Ok(OpenRun {
            experiment_id: experiment_id.to_owned(),
            run_id: self.text(call, &info["run_id"])?,
            artifact_uri: info["artifact_uri"].as_str().unwrap_or_default().to_owned(),
        })
    }

    fn text(&self, call: &'static str, value: &Value) -> Result<String, MlflowError> {
        // An id goes into addresses: nothing that would change one.
        let plain = |text: &&str| {
            !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter))
        };
        value.as_str().filter(plain).map(str::to_owned).ok_or_else(|| MlflowError::NotMlflow {
            server: self.server.address().to_owned(),
            call,
            problem: "its answer has no id".to_owned(),
        })
    }
}

/// Percent-encodes everything in a path but what RFC 3986 calls unreserved, and `/`.
fn escaped(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: &str) -> Client {
        Client::new(TrackingServer::new(address, |_| None).expect("an address"))
    }

    #[test]
    fn files_go_through_this_server_or_nowhere() {
        let client = client("http://h:5000/mlflow");
        let proxy = "http://h:5000/mlflow/api/2.0/mlflow-artifacts/artifacts";
        for (uri, place) in [
            ("mlflow-artifacts:/0/ab/artifacts", "/0/ab/artifacts"),
            ("mlflow-artifacts:///0/ab/artifacts/", "/0/ab/artifacts"),
            ("mlflow-artifacts://h:5000/0/ab/artifacts", "/0/ab/artifacts"),
            ("mlflow-artifacts:/0/a b?/artifacts", "/0/a%20b%3F/artifacts"),
            (&format!("{proxy}/0/ab"), "/0/ab"),
        ] {
            assert_eq!(client.artifacts(uri).expect(uri), format!("{proxy}{place}"));
        }
        for uri in ["s3://bucket/0", "file:///tmp/x", "/tmp/x", "", "mlflow-artifacts://other/0", "http://other/0"] {
            assert!(matches!(client.artifacts(uri), Err(MlflowError::ArtifactStore { .. })), "{uri}");
        }
    }

    #[test]
    fn what_is_not_plain_in_a_path_is_escaped() {
        assert_eq!(escaped("figures/week 4 (ü).svg"), "figures/week%204%20%28%C3%BC%29.svg");
    }
}
