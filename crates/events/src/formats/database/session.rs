//! Connections, and queries whose rows come as text.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use csv::ByteRecord;
use futures_util::StreamExt;
use sqlx::mysql::{MySqlConnectOptions, MySqlRow};
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions, MySqlConnection, PgConnection, Row};
use tokio::runtime::{Builder, Runtime};

use super::waiting::{Stalled, time_to_connect, wait};
use crate::error::ReadError;
use crate::formats::database_address::{DatabaseAddress, DatabaseSystem};
use crate::formats::database_source::DatabaseSource;
use crate::table::Table;

/// Asks a database server. Holds one connection for each thread that has asked it for something.
#[derive(Debug)]
pub(in crate::formats) struct Server {
    database: DatabaseSource,
    idle: Mutex<Vec<Session>>,
}

/// Holds a connection, and the runtime that drives it on the thread that uses it.
#[derive(Debug)]
pub(super) struct Session {
    driver: Driver,
    connection: Connection,
}

#[derive(Debug)]
enum Connection {
    MySql(MySqlConnection),
    Postgres(PgConnection),
}

/// Holds a runtime. When dropped it does not wait for what it still does, as for a name server that never answers.
#[derive(Debug)]
struct Driver(Option<Runtime>);

impl Driver {
    fn start() -> std::io::Result<Self> {
        Builder::new_current_thread().enable_all().build().map(|runtime| Self(Some(runtime)))
    }

    fn drive<F: Future>(&self, future: F) -> F::Output {
        self.0.as_ref().expect("it is there until it is dropped").block_on(future)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Says why an answer did not come.
enum Failure {
    Sql(sqlx::Error),
    Stalled(Stalled),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Stalled> for Failure {
    fn from(stalled: Stalled) -> Self {
        Self::Stalled(stalled)
    }
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
    /// Returns the server of `database`, once it has let us in.
    pub(in crate::formats) fn connect(database: DatabaseSource) -> Result<Self, ReadError> {
        let server = Self { database, idle: Mutex::default() };
        let session = Session::open(&server)?;
        server.keep(session);
        Ok(server)
    }

    /// Returns where it is.
    pub(in crate::formats) const fn address(&self) -> &DatabaseAddress {
        &self.database.address
    }

    /// Returns an error at this database, with what the server or the connection says.
    pub(in crate::formats) fn error(&self, what: impl fmt::Display) -> ReadError {
        let what = self.address().concealed(&what.to_string());
        ReadError::Database { place: self.address().to_string(), what }
    }

    fn stalled(&self, what: &str, stalled: &Stalled) -> ReadError {
        let (place, seconds) = (self.address().to_string(), stalled.waited.as_secs_f64());
        ReadError::DatabaseStalled { place, what: what.to_owned(), seconds }
    }

    /// Hands each row that `sql` selects of `table`, every column of it text, to `take`, as the rows come.
    pub(super) fn each(
        &self,
        table: &str,
        sql: &str,
        mut take: impl FnMut(&dyn Texts) -> Result<(), sqlx::Error>,
    ) -> Result<(), ReadError> {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut session = match kept {
            Some(session) => session,
            None => Session::open(self)?,
        };
        let what = format!("the rows of {table}");
        // A session with an error is dropped: it may be in the middle of an answer.
        session.each(&self.database, &what, sql, &mut take).map_err(|failure| match failure {
            Failure::Sql(error) => self.error(error),
            Failure::Stalled(stalled) => self.stalled(&what, &stalled),
        })?;
        self.keep(session);
        Ok(())
    }

    fn keep(&self, session: Session) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
    }

    /// Returns a column's value as text.
    pub(super) fn text_of(&self, column: &str) -> String {
        match self.address().system() {
            DatabaseSystem::MySql => format!("CAST({column} AS CHAR)"),
            DatabaseSystem::Postgres => format!("CAST({column} AS TEXT)"),
        }
    }

    /// Returns the names of a table's columns; none when there is no such table.
    pub(super) fn columns(&self, table: &str) -> Result<Vec<String>, ReadError> {
        let schema = match self.address().system() {
            DatabaseSystem::MySql => "DATABASE()",
            DatabaseSystem::Postgres => "CURRENT_SCHEMA()",
        };
        let name = self.text_of("column_name");
        let sql = format!(
            "SELECT {name} FROM information_schema.columns \
             WHERE table_schema = {schema} AND table_name = '{table}' ORDER BY ordinal_position"
        );
        let mut columns = Vec::new();
        self.each("information_schema.columns", &sql, |row| {
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
        let name = format!("{}{table}", self.address().prefix());
        let there = self.columns(&name)?;
        if there.is_empty() {
            return Ok(None);
        }
        if let Some(missing) = wanted.iter().find(|column| !there.iter().any(|name| name == *column)) {
            return Err(self.error(format!("the table {name} has no column {missing}")));
        }
        let texts: Vec<String> = wanted.iter().map(|column| self.text_of(column)).collect();
        let sql = format!("SELECT {} FROM {name} WHERE {condition} ORDER BY id", texts.join(", "));
        let mut rows = Vec::new();
        self.each(&name, &sql, |row| {
            let mut record = ByteRecord::new();
            for column in 0..wanted.len() {
                record.push_field(row.text(column)?.unwrap_or_default().as_bytes());
            }
            rows.push(record);
            Ok(())
        })?;
        Ok(Some(Table::held(PathBuf::from(format!("{}/{name}", self.address())), &name, wanted, rows)))
    }
}

impl Session {
    fn open(server: &Server) -> Result<Self, ReadError> {
        const WHAT: &str = "the connection";
        let (database, address) = (&server.database, server.address());
        let driver = Driver::start().map_err(|error| server.error(error))?;
        let url = address.for_client();
        let connecting = async {
            Ok(match address.system() {
                DatabaseSystem::MySql => {
                    let options = MySqlConnectOptions::from_str(url.reveal())?.disable_statement_logging();
                    Connection::MySql(options.connect().await?)
                }
                DatabaseSystem::Postgres => {
                    let options = PgConnectOptions::from_str(url.reveal())?.disable_statement_logging();
                    Connection::Postgres(options.connect().await?)
                }
            })
        };
        let connected = driver.drive(wait(database, WHAT, time_to_connect(database), connecting));
        let connection = match connected {
            Ok(connected) => connected.map_err(|error: sqlx::Error| {
                server.error(format!("can't be reached or lets nobody in: {error}; is the address right?"))
            })?,
            Err(stalled) => return Err(server.stalled(WHAT, &stalled)),
        };
        Ok(Self { driver, connection })
    }

    fn each(
        &mut self,
        database: &DatabaseSource,
        what: &str,
        sql: &str,
        take: &mut dyn FnMut(&dyn Texts) -> Result<(), sqlx::Error>,
    ) -> Result<(), Failure> {
        let Self { driver, connection } = self;
        // The parts of queries are names from this crate and a checked prefix, and numbers.
        let query = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match connection {
            Connection::MySql(connection) => driver.drive(async {
                let mut rows = query.fetch(connection);
                while let Some(row) = wait(database, what, database.timeout, rows.next()).await? {
                    take(&row?)?;
                }
                Ok(())
            }),
            Connection::Postgres(connection) => driver.drive(async {
                let mut rows = query.fetch(connection);
                while let Some(row) = wait(database, what, database.timeout, rows.next()).await? {
                    take(&row?)?;
                }
                Ok(())
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_name_server_that_never_answers_is_not_waited_for() {
        let mut database = DatabaseSource::at("mysql://host/name".parse().expect("an address"));
        database.timeout = Duration::from_millis(50);
        let begun = Instant::now();
        {
            let driver = Driver::start().expect("a runtime");
            // Names are looked up on a thread like this.
            let asking = async { tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_secs(20))).await };
            let waited = driver.drive(wait(&database, "the connection", database.timeout, asking));
            assert!(waited.is_err_and(|stalled| stalled.waited == database.timeout));
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }
}
