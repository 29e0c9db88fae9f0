//! Where a database is, taken from what the user wrote.

use std::fmt;

use crate::error::ReadError;

/// Lists the servers that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::formats) enum System {
    /// MySQL and MariaDB.
    MySql,
    /// PostgreSQL.
    Postgres,
}

/// Says where a database is, and the prefix of its tables. Shown without user and password.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::formats) struct Address {
    pub(in crate::formats) system: System,
    /// As sqlx takes it, password included.
    pub(super) url: String,
    /// Without user, password and options.
    shown: String,
    password: String,
    pub(in crate::formats) prefix: String,
}

impl Address {
    /// Returns the address that `url` is: `mysql://`, `mariadb://`, `postgres://` or `postgresql://`, then
    /// `user:password@host:port/database`, then perhaps `?prefix=mdl_` and options that sqlx knows.
    ///
    /// # Errors
    /// When it is something else.
    pub(in crate::formats) fn parse(url: &str) -> Result<Self, ReadError> {
        let fail = |what: &str| {
            let what = format!("{what}; give mysql://USER:PASSWORD@HOST/DATABASE, mariadb://… or postgres://…");
            Err(ReadError::Database { place: "the address of the database".to_owned(), what })
        };
        let Some((scheme, rest)) = url.split_once("://") else {
            return fail("this is no address of a database");
        };
        let (system, scheme) = match scheme {
            "mysql" | "mariadb" => (System::MySql, "mysql"),
            "postgres" | "postgresql" => (System::Postgres, "postgres"),
            _ => return fail("only MySQL, MariaDB and PostgreSQL are read"),
        };
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        if database.is_empty() {
            return fail("the address names no database");
        }
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let password = user.split_once(':').map_or("", |(_, password)| password);
        let (prefixes, others): (Vec<&str>, Vec<&str>) =
            options.split('&').filter(|option| !option.is_empty()).partition(|option| option.starts_with("prefix="));
        let prefix = prefixes.last().map_or("mdl_", |option| &option["prefix=".len()..]);
        // It becomes a part of queries.
        if !prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return fail("the prefix of tables is not of letters, digits and `_`");
        }
        let options = if others.is_empty() { String::new() } else { format!("?{}", others.join("&")) };
        Ok(Self {
            system,
            url: format!("{scheme}://{rest}{options}"),
            shown: format!("{scheme}://{host}/{database}"),
            password: password.to_owned(),
            prefix: prefix.to_owned(),
        })
    }

    /// Returns an error at this database, with what the server or the connection says.
    pub(in crate::formats) fn error(&self, what: impl fmt::Display) -> ReadError {
        let mut what = what.to_string();
        if !self.password.is_empty() {
            what = what.replace(&self.password, "***");
        }
        ReadError::Database { place: self.shown.clone(), what }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}*", self.shown, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let address =
            Address::parse("mariadb://moodle:s3:c@ret@db.example:3307/site?prefix=m2_&sslmode=required").unwrap();
        assert_eq!(address.system, System::MySql);
        assert_eq!(address.url, "mysql://moodle:s3:c@ret@db.example:3307/site?sslmode=required");
        assert_eq!((address.to_string().as_str(), address.prefix.as_str()), ("mysql://db.example:3307/site", "m2_"));
        assert_eq!(Address::parse("postgresql://db.example/site").unwrap().prefix, "mdl_");
        for bad in ["", "moodle", "sqlite://x/y", "mysql://host", "mysql://host/", "mysql://host/db?prefix=a;b"] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn passwords_are_never_shown() {
        let address = Address::parse("postgres://moodle:s3cret@db.example/site").unwrap();
        let shown = [format!("{address:?}"), address.to_string(), address.error("no: s3cret is wrong").to_string()];
        for text in shown {
            assert!(!text.contains("s3cret"), "{text}");
        }
    }
}
