//! The arguments about a database, and its password.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use staycast_events::formats::{DatabaseAddress, DatabaseSource, DatabaseSystem, DatabaseWait};
use staycast_text::Secret;

use crate::console::{self, Console};
use crate::password;
use crate::status::{usage, usage_from};

/// Names the variable with the password of a database.
const VARIABLE: &str = "STAYCAST_DATABASE_PASSWORD";
/// Names the variable that the clients of MySQL and MariaDB take. That of PostgreSQL is read with the connection.
const MYSQL_VARIABLE: &str = "MYSQL_PWD";

/// Holds a text that may have a password in it. It is never an error here, as clap would show it.
#[derive(Clone, Debug)]
pub(crate) struct HiddenText(pub(crate) Secret);

impl FromStr for HiddenText {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(Secret::from(text.to_owned())))
    }
}

/// Holds the flags of commands that read from a database.
#[derive(Debug, Args)]
pub(crate) struct DatabaseArgs {
    /// Read Moodle's log from its database, in place of files
    ///
    /// The address is mysql://USER@HOST/DATABASE, mariadb://… or postgres://…. Add ?prefix=PREFIX where the names of its
    /// tables do not begin with mdl_. The password is taken from --password-file, --password-prompt, or a variable:
    /// STAYCAST_DATABASE_PASSWORD; else MYSQL_PWD, or PGPASSWORD and PostgreSQL's password file.
    #[arg(long, value_name = "URL")]
    source: Option<HiddenText>,
    /// Read the password of the database from the first line of this file, which nobody else may read
    #[arg(long, value_name = "FILE", requires = "source")]
    password_file: Option<PathBuf>,
    /// Ask for the password of the database on the terminal
    #[arg(long, requires = "source", conflicts_with = "password_file")]
    password_prompt: bool,
    /// Give up on a database that sends nothing for this long
    ///
    /// A connection may take 30 seconds of it at most.
    #[arg(long, value_name = "SECONDS", requires = "source", default_value_t = 300,
          value_parser = clap::value_parser!(u32).range(1..=86_400))]
    source_timeout: u32,
}

impl DatabaseArgs {
    /// Tells whether a database is named.
    pub(crate) const fn is_given(&self) -> bool {
        self.source.is_some()
    }

    /// Returns the database to read from, with its password. May ask for it.
    pub(crate) fn resolve(&self, console: &Console) -> anyhow::Result<Option<DatabaseSource>> {
        let Some(HiddenText(text)) = &self.source else { return Ok(None) };
        let address: DatabaseAddress = text.reveal().parse().map_err(usage_from)?;
        let asked = self.password_file.is_some() || self.password_prompt;
        if address.has_password() && asked {
            return Err(usage("the address of the database has a password already; leave it out there"));
        }
        if address.has_password() {
            console.warn(
                "others on this computer can see the password in the address, as with ps, and the shell may keep it; use \
                 --password-file, --password-prompt or the variable STAYCAST_DATABASE_PASSWORD",
            );
        }
        let password = match &self.password_file {
            Some(path) => Some(password::read(path)?),
            None if self.password_prompt => Some(password::ask(&format!("Password for {address}: "))?),
            None if address.has_password() => None,
            None => from_environment(address.system()),
        };
        let address = match password {
            Some(password) => address.with_password(password),
            None => address,
        };
        Ok(Some(DatabaseSource {
            address,
            timeout: Duration::from_secs(u64::from(self.source_timeout)),
            on_wait: say_still_waiting,
        }))
    }
}

fn from_environment(system: DatabaseSystem) -> Option<Secret> {
    let given = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty()).map(Secret::from);
    given(VARIABLE).or_else(|| match system {
        DatabaseSystem::MySql => given(MYSQL_VARIABLE),
        DatabaseSystem::Postgres => None,
    })
}

/// Says on a terminal that a database has sent nothing for a while.
fn say_still_waiting(wait: &DatabaseWait<'_>) {
    let DatabaseWait { address, what, waited, timeout } = wait;
    console::note_on_terminal(&format!(
        "{address}: still waiting for {what}, since {} s; it is given up after {} s",
        waited.as_secs(),
        timeout.as_secs()
    ));
}
