//! Logs straight from a database: MySQL, MariaDB or PostgreSQL, read with sqlx.
//!
//! Every column is asked for as text, so that rows go the same way as those of a CSV. The log is read by ranges of its
//! ids, side by side, each as a stream: what is held in memory does not grow with the table. Users and passwords are in
//! the address alone: neither in errors nor in what is recorded. A server that sends nothing is given up after a time.

pub(in crate::formats) mod log_table;
mod session;
mod waiting;

pub(in crate::formats) use self::log_table::LogTable;
pub(super) use self::session::Server;
