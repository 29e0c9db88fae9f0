//! Logs straight from a database: MySQL, MariaDB or PostgreSQL, read with sqlx.
//!
//! Every column is asked for as text, so that rows go the same way as those of a CSV. The log is read by ranges of its
//! ids, side by side, each as a stream: what is held in memory does not grow with the table. Passwords are in the
//! address as given and nowhere else: neither in errors nor in what is recorded.

mod address;
pub(in crate::formats) mod log_table;
mod session;

pub(super) use self::address::Address;
pub(in crate::formats) use self::log_table::LogTable;
pub(super) use self::session::Server;
