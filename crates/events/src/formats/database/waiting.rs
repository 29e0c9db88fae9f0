//! Waiting for a server, not for ever.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

use crate::formats::database_source::{DatabaseSource, DatabaseWait};

/// Bounds the time that a connection may take, whatever is waited for later.
const CONNECTING: Duration = Duration::from_secs(30);
/// Sets the time after which a wait is told of, unless half of the time to wait is less.
const A_WHILE: Duration = Duration::from_secs(5);

/// Reports that a server sent nothing for too long.
pub(super) struct Stalled {
    pub(super) waited: Duration,
}

/// Returns how long a connection to the database may take.
pub(super) fn time_to_connect(database: &DatabaseSource) -> Duration {
    database.timeout.min(CONNECTING)
}

/// Waits for `what` of the database at most as long as `limit`, and tells of it when it takes a while.
pub(super) async fn wait<T>(
    database: &DatabaseSource,
    what: &str,
    limit: Duration,
    future: impl Future<Output = T>,
) -> Result<T, Stalled> {
    let mut future = pin!(future);
    let first = A_WHILE.min(limit / 2);
    if let Ok(done) = timeout(first, &mut future).await {
        return Ok(done);
    }
    (database.on_wait)(&DatabaseWait { address: &database.address, what, waited: first, timeout: limit });
    timeout(limit - first, future).await.map_err(|_| Stalled { waited: limit })
}
