//! The database to read, and how long to wait for it.

use std::fmt;
use std::time::Duration;

use super::database_address::DatabaseAddress;

/// Describes a database to read from.
#[derive(Clone)]
pub struct DatabaseSource {
    /// Where it is.
    pub address: DatabaseAddress,
    /// Time after which it is given up when it sends nothing.
    pub timeout: Duration,
    /// Called when it has sent nothing for a while, long before it is given up.
    pub on_wait: fn(&DatabaseWait<'_>),
}

/// Describes a wait for a database.
#[derive(Clone, Copy, Debug)]
pub struct DatabaseWait<'a> {
    /// The database; shown without user and password.
    pub address: &'a DatabaseAddress,
    /// What is waited for, as in `the rows of mdl_user`.
    pub what: &'a str,
    /// Time waited so far.
    pub waited: Duration,
    /// Time after which it is given up.
    pub timeout: Duration,
}

impl DatabaseSource {
    /// Sets the usual time to wait. A server may need minutes to count the rows of a large log.
    pub const TIMEOUT: Duration = Duration::from_secs(300);

    /// Returns the database at this address, with the usual time to wait.
    #[must_use]
    pub const fn at(address: DatabaseAddress) -> Self {
        Self { address, timeout: Self::TIMEOUT, on_wait: |_| {} }
    }
}

impl fmt::Debug for DatabaseSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, timeout, .. } = self;
        f.debug_struct("DatabaseSource").field("address", address).field("timeout", timeout).finish_non_exhaustive()
    }
}
