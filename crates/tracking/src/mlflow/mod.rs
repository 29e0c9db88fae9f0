//! A run on an MLflow tracking server, over its REST API.
//!
//! A [`Tracker`] takes parameters, metrics, tags and files, and sends them from a thread of its own: training waits for no
//! server, and no server's failure ends a training. What can't be sent is kept and tried again while the training goes
//! on; the first failure of each kind is reported at once, and [`Tracker::finish`] says what was not delivered, and why.
//!
//! The server is named and the user identified as MLflow's own client does it: an address such as
//! `http://localhost:5000`, and the environment variables `MLFLOW_TRACKING_USERNAME` with `MLFLOW_TRACKING_PASSWORD`, or
//! `MLFLOW_TRACKING_TOKEN`, or a user and password in the address ([`TrackingServer`]). None of these is ever shown: not in
//! an error, not by `Debug`, and not where a server repeats them in its answer.
//!
//! Files go through the server (`mlflow-artifacts:`, the default of `mlflow server`). An experiment whose files are
//! elsewhere (`s3:`, `file:` …) gets none, and the report says so: writing there would take that store's own client.
//!
//! Sources: the REST API as in <https://mlflow.org/docs/latest/rest-api.html> (its section on `log-batch` has the limits of
//! a request); numbers that JSON can't write as in protocol buffers' JSON mapping
//! (<https://protobuf.dev/programming-guides/json/>); HTTP's basic authentication as in RFC 7617, bearer tokens as in
//! RFC 6750.

mod client;
mod delivery;
mod error;
mod log_item;
mod queue;
mod server;
mod tracked_run;
mod tracker;
mod worker;

pub use delivery::{DeliveryCounts, DeliveryProblem, DeliveryReport};
pub use error::MlflowError;
pub use server::TrackingServer;
pub use tracked_run::{RunStatus, TrackedRun, TrackerSettings};
pub use tracker::{RunEnder, Tracker};
