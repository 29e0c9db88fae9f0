//! Connections, and queries whose rows come as text.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use csv::ByteRecord;
use futures_util::StreamExt;
use sqlx::mysql::{MySqlConnectOptions, MySqlRow};
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions, MySqlConnection, PgConnection, Row};
use tokio::runtime::{Builder, Runtime};

use super::address::{Address, System};
use crate::error::ReadError;
use crate::table::Table;

/// Bounds the time that a server may take to answer at first.
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks a database server. Holds one connection for each thread that has asked it for something.
#[derive(Debug)]
pub(in crate::formats) struct Server {
    pub(in crate::formats) address: Address,
    idle: Mutex<Vec<Session>>,
}

/// Holds a connection, and the runtime that drives it on the thread that uses it.
#[derive(Debug)]
pub(super) struct Session {
    runtime: Runtime,
    connection: Connection,
}

#[derive(Debug)]
enum Connection {
    MySql(MySqlConnection),
    Postgres(PgConnection),
}

/// Lends the texts of a row as the server gives it.
pub(super) trait Texts {
    /// Returns the text in a column; `None` for null.
    fn text(&self, column: usize) -> Result<Option<&str>, sqlx::Error>;
}

impl Texts for MySqlRow {
    fn text(&self, column: usize) -> Result<Option<&str>, sqlx::Error> {
        self.try_get(column)
    }
}

impl Texts for PgRow {
    fn text(&self, column: usize) -> Result<Option<&str>, sqlx::Error> {
        self.try_get(column)
    }
}

impl Server {
    /// Returns the server at `address`, once it has let us in.
    pub(in crate::formats) fn connect(address: Address) -> Result<Self, ReadError> {
        let session = Session::open(&address)?;
        Ok(Self { address, idle: Mutex::new(vec![session]) })
    }

    /// Hands each row that `sql` selects, every column of it text, to `take`, as the rows come.
    pub(super) fn each(
        &self,
        sql: &str,
        mut take: impl FnMut(&dyn Texts) -> Result<(), sqlx::Error>,
    ) -> Result<(), ReadError> {
        let waiting = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut session = match waiting {
            Some(session) => session,
            None => Session::open(&self.address)?,
        };
        session.each(sql, &mut take).map_err(|error| self.address.error(error))?;
        // A session with an error is dropped: it may be in the middle of an answer.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        Ok(())
    }

    /// Returns a column's value as text.
    pub(super) fn text_of(&self, column: &str) -> String {
        match self.address.system {
            System::MySql => format!("CAST({column} AS CHAR)"),
            System::Postgres => format!("CAST({column} AS TEXT)"),
        }
    }

    /// Returns the names of a table's columns; none when there is no such table.
    pub(super) fn columns(&self, table: &str) -> Result<Vec<String>, ReadError> {
        let schema = match self.address.system {
            System::MySql => "DATABASE()",
            System::Postgres => "CURRENT_SCHEMA()",
        };
        let name = self.text_of("column_name");
        let sql = format!(
            "SELECT {name} FROM information_schema.columns \
             WHERE table_schema = {schema} AND table_name = '{table}' ORDER BY ordinal_position"
        );
        let mut columns = Vec::new();
        self.each(&sql, |row| {
            columns.extend(row.text(0)?.map(str::to_owned));
            Ok(())
        })?;
        Ok(columns)
    }

    /// Returns the columns `wanted` of the rows of `table` for which `condition` holds; `None` when there is no such
    /// table. Held in memory.
    pub(in crate::formats) fn table(
        &self,
        table: &str,
        wanted: &[&str],
        condition: &str,
    ) -> Result<Option<Table>, ReadError> {
        let name = format!("{}{table}", self.address.prefix);
        let there = self.columns(&name)?;
        if there.is_empty() {
            return Ok(None);
        }
        if let Some(missing) = wanted.iter().find(|column| !there.iter().any(|name| name == *column)) {
            return Err(self.address.error(format!("the table {name} has no column {missing}")));
        }
        let texts: Vec<String> = wanted.iter().map(|column| self.text_of(column)).collect();
        let sql = format!("SELECT {} FROM {name} WHERE {condition} ORDER BY id", texts.join(", "));
        let mut rows = Vec::new();
        self.each(&sql, |row| {
            let mut record = ByteRecord::new();
            for column in 0..wanted.len() {
                record.push_field(row.text(column)?.unwrap_or_default().as_bytes());
            }
            rows.push(record);
            Ok(())
        })?;
        Ok(Some(Table::held(PathBuf::from(format!("{}/{name}", self.address)), &name, wanted, rows)))
    }
}

impl Session {
    fn open(address: &Address) -> Result<Self, ReadError> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| address.error(error))?;
        let connecting = async {
            Ok(match address.system {
                System::MySql => {
                    let options = MySqlConnectOptions::from_str(&address.url)?.disable_statement_logging();
                    Connection::MySql(options.connect().await?)
                }
                System::Postgres => {
                    let options = PgConnectOptions::from_str(&address.url)?.disable_statement_logging();
                    Connection::Postgres(options.connect().await?)
                }
            })
        };
        let connected = runtime.block_on(async { tokio::time::timeout(PATIENCE, connecting).await });
        let connection = match connected {
            Ok(connected) => connected.map_err(|error: sqlx::Error| {
                address.error(format!("can't be reached or lets nobody in: {error}; is the address right?"))
            })?,
            Err(_) => return Err(address.error(format!("gives no answer within {} seconds", PATIENCE.as_secs()))),
        };
        Ok(Self { runtime, connection })
    }

    fn each(
        &mut self,
        sql: &str,
        take: &mut dyn FnMut(&dyn Texts) -> Result<(), sqlx::Error>,
    ) -> Result<(), sqlx::Error> {
        let Self { runtime, connection } = self;
        // The parts of queries are names from this crate and a checked prefix, and numbers.
        let query = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match connection {
            Connection::MySql(connection) => runtime.block_on(async {
                let mut rows = query.fetch(connection);
                while let Some(row) = rows.next().await {
                    take(&row?)?;
                }
                Ok(())
            }),
            Connection::Postgres(connection) => runtime.block_on(async {
                let mut rows = query.fetch(connection);
                while let Some(row) = rows.next().await {
                    take(&row?)?;
                }
                Ok(())
            }),
        }
    }
}
