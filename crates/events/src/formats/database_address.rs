//! Where a database is, taken from what the user wrote.

use std::fmt;
use std::str::FromStr;

use staycast_text::{Secret, conceal};

/// Lists the servers that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseSystem {
    /// MySQL and MariaDB.
    MySql,
    /// PostgreSQL.
    Postgres,
}

impl DatabaseSystem {
    /// Returns the scheme of addresses.
    const fn scheme(self) -> &'static str {
        match self {
            Self::MySql => "mysql",
            Self::Postgres => "postgres",
        }
    }

    /// Lists the options of an address that are passed on to the client.
    const fn options(self) -> &'static [&'static str] {
        match self {
            Self::MySql => &[
                "ssl-mode",
                "sslmode",
                "ssl-ca",
                "sslca",
                "ssl-cert",
                "sslcert",
                "ssl-key",
                "sslkey",
                "charset",
                "collation",
                "socket",
                "timezone",
                "time-zone",
            ],
            Self::Postgres => &[
                "sslmode",
                "ssl-mode",
                "sslrootcert",
                "ssl-root-cert",
                "ssl-ca",
                "sslcert",
                "ssl-cert",
                "sslkey",
                "ssl-key",
                "host",
                "hostaddr",
                "port",
                "application_name",
                "options",
            ],
        }
    }
}

/// Says where a database is, and the prefix of its tables. `Display` and `Debug` show host and name alone.
///
/// It is `mysql://`, `mariadb://`, `postgres://` or `postgresql://`, then `user:password@host:port/database`, then
/// perhaps `?prefix=mdl_` and options of the client. User and password may have any character in them: the last `@` with
/// a host and a name after it ends them. A `%` with two hexadecimal digits is the character that they encode.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseAddress {
    system: DatabaseSystem,
    /// The host as given, with its port, and the name, as they are in an address.
    host: String,
    name: String,
    user: Option<Secret>,
    password: Option<Secret>,
    /// Options of the client, as they are in an address.
    options: String,
    prefix: String,
}

/// Says why a text is no address of a database. Shows nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address of the database: {problem}; give mysql://USER@HOST/DATABASE, mariadb://… or postgres://…")]
pub struct DatabaseAddressError {
    problem: &'static str,
}

impl FromStr for DatabaseAddress {
    type Err = DatabaseAddressError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let fail = |problem| Err(DatabaseAddressError { problem });
        let Some((scheme, rest)) = url.trim().split_once("://") else {
            return fail("this is none");
        };
        let system = match scheme.to_ascii_lowercase().as_str() {
            "mysql" | "mariadb" => DatabaseSystem::MySql,
            "postgres" | "postgresql" => DatabaseSystem::Postgres,
            _ => return fail("only MySQL, MariaDB and PostgreSQL are read"),
        };
        let end_of_user = rest.rmatch_indices('@').map(|(at, _)| at).find(|at| Place::parse(&rest[at + 1..]).is_some());
        let (user_info, place) = match end_of_user {
            Some(at) => (Some(&rest[..at]), &rest[at + 1..]),
            None => (None, rest),
        };
        let Some(place) = Place::parse(place) else {
            return fail("after user and password it needs a host, `/` and the name of a database");
        };
        let mut address = Self {
            system,
            host: place.host.to_owned(),
            name: place.name.to_owned(),
            user: None,
            password: None,
            options: String::new(),
            prefix: "mdl_".to_owned(),
        };
        if let Some(user_info) = user_info {
            let (user, password) =
                user_info.split_once(':').map_or((user_info, None), |(user, word)| (user, Some(word)));
            address.user = decoded(user);
            address.password = password.and_then(decoded);
        }
        for option in place.options.split('&').filter(|option| !option.is_empty()) {
            let (key, value) = option.split_once('=').unwrap_or((option, ""));
            match key {
                "prefix" => value.clone_into(&mut address.prefix),
                "user" => address.user = decoded(value),
                "password" => address.password = decoded(value),
                _ if !system.options().contains(&key) => {
                    return fail("it has an option that is not known");
                }
                _ => {
                    address.options.push(if address.options.is_empty() { '?' } else { '&' });
                    address.options.push_str(option);
                }
            }
        }
        // It becomes a part of queries.
        if !address.prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return fail("the prefix of tables is not of letters, digits and `_`");
        }
        Ok(address)
    }
}

impl DatabaseAddress {
    /// Returns the server's system.
    #[must_use]
    pub const fn system(&self) -> DatabaseSystem {
        self.system
    }

    /// Tells whether a password is known.
    #[must_use]
    pub const fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// Returns the address with this password.
    #[must_use]
    pub fn with_password(self, password: Secret) -> Self {
        Self { password: Some(password), ..self }
    }

    /// Returns the prefix of the tables' names: letters, digits and `_`.
    #[cfg(feature = "sql")]
    pub(in crate::formats) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns the address as a client takes it, with user and password.
    #[cfg(feature = "sql")]
    pub(in crate::formats) fn for_client(&self) -> Secret {
        let mut user = self.user.as_ref().map(|user| encoded(user.reveal())).unwrap_or_default();
        if let Some(password) = &self.password {
            user = format!("{user}:{}", encoded(password.reveal()));
        }
        let at = if user.is_empty() { "" } else { "@" };
        Secret::from(format!("{}://{user}{at}{}/{}{}", self.system.scheme(), self.host, self.name, self.options))
    }

    /// Returns a text of the server or the client without user and password.
    #[must_use]
    pub fn concealed(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in [&self.password, &self.user].into_iter().flatten() {
            for form in [secret.reveal().to_owned(), encoded(secret.reveal())] {
                text = without(&text, &form);
            }
        }
        conceal(&text).into_owned()
    }
}

impl fmt::Display for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/{}", self.system.scheme(), self.host, self.name)
    }
}

impl fmt::Debug for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} {}*", self.prefix)
    }
}

/// Holds the part of an address after the user.
struct Place<'a> {
    host: &'a str,
    name: &'a str,
    options: &'a str,
}

impl<'a> Place<'a> {
    /// Reads `host/name?options` or `host:port/name?options`; the host may be left out.
    fn parse(text: &'a str) -> Option<Self> {
        let (host, rest) = text.split_once('/')?;
        let (name, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (bare, port) = match host.rsplit_once(':') {
            Some((bare, port)) if !port.contains(']') => (bare, port),
            _ => (host, "0"),
        };
        let is_plain = |text: &str, others: &[u8]| {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte) || others.contains(&byte))
        };
        let is_host = match bare.strip_prefix('[').map(|rest| rest.strip_suffix(']')) {
            Some(address) => address.is_some_and(|address| is_plain(address, b":")),
            None => is_plain(bare, b""),
        };
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "-._~%$".contains(c));
        let fits = is_host && port.parse::<u16>().is_ok() && is_name && !options.contains(['@', '#']);
        fits.then_some(Self { host, name, options })
    }
}

/// Replaces a secret in a text: where it stands as a word of its own, or anywhere if it has more than a few letters.
fn without(text: &str, secret: &str) -> String {
    const FEW: usize = 6;
    if secret.is_empty() {
        return text.to_owned();
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(secret) {
        let (before, from) = rest.split_at(start);
        let after = &from[secret.len()..];
        let is_word = !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric);
        kept.push_str(before);
        kept.push_str(if is_word || secret.len() >= FEW { "***" } else { secret });
        rest = after;
    }
    kept + rest
}

/// Decodes `%` with two hexadecimal digits (RFC 3986, section 2.1); anything else stays. `None` for nothing.
fn decoded(text: &str) -> Option<Secret> {
    let hex = |byte: Option<&u8>| byte.and_then(|&byte| char::from(byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                plain.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    // What is not UTF-8 when decoded was not encoded.
    let plain = String::from_utf8(plain).unwrap_or_else(|_| text.to_owned());
    (!plain.is_empty()).then(|| Secret::from(plain))
}

/// Encodes everything but letters and digits of ASCII as `%` and two digits.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> DatabaseAddress {
        url.parse().unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    fn parts(address: &DatabaseAddress) -> (&str, &str, String) {
        (
            address.user.as_ref().map_or("", Secret::reveal),
            address.password.as_ref().map_or("", Secret::reveal),
            address.to_string(),
        )
    }

    #[test]
    fn addresses() {
        let address = parsed("mariadb://moodle:s3:c@ret@db.example:3307/site?prefix=m2_&sslmode=required");
        assert_eq!(address.system, DatabaseSystem::MySql);
        assert_eq!((address.prefix.as_str(), address.options.as_str()), ("m2_", "?sslmode=required"));
        assert_eq!(parts(&address), ("moodle", "s3:c@ret", "mysql://db.example:3307/site".to_owned()));
        let plain = parsed("postgresql://db.example/site");
        assert_eq!((plain.prefix.as_str(), plain.has_password()), ("mdl_", false));
        assert_eq!(parts(&parsed("POSTGRES://u@[::1]:5432/d?password=p%20w")).1, "p w");
        assert_eq!(parsed("postgres:///d").to_string(), "postgres:///d");
    }

    #[test]
    fn passwords_may_have_anything_in_them() {
        for (written, password) in [
            ("pa/ss", "pa/ss"),
            ("p@h/d?x", "p@h/d?x"),
            ("p#q?r%s", "p#q?r%s"),
            ("a%2Fb%40", "a/b@"),
            ("it's \"so\"", "it's \"so\""),
            ("100%", "100%"),
            ("%ff", "%ff"),
            ("ü", "ü"),
        ] {
            let address = parsed(&format!("mysql://u:{written}@h:1/d?prefix=x_"));
            assert_eq!(parts(&address), ("u", password, "mysql://h:1/d".to_owned()), "{written}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_and_not_shown() {
        for bad in [
            "",
            "moodle",
            "sqlite://x/y",
            "mysql://host",
            "mysql://host/",
            "mysql://host/db?prefix=a;b",
            "mysql:/u:s3cret@h/d",
            "mysqll://u:s3cret@h/d",
            "mysql://u:s3cret@h",
            "mysql://u:s3cret@h:x/d",
            "mysql://u:s3cret@h/d?passwort=s3cret",
            "mysql://u:s3cret@h/d#s3cret",
            "mysql://u:s3cret/d",
        ] {
            let error = bad.parse::<DatabaseAddress>().expect_err(bad).to_string();
            assert!(!error.contains("s3cret") && !error.contains("@h"), "{error}");
        }
    }

    #[test]
    fn users_and_passwords_are_never_shown() {
        let address = parsed("postgres://moodle:s3c%2Fret@db.example/site");
        let said = "no: s3c/ret of \"moodle\" (s3c%2Fret) at postgres://moodle:x@h/site; moodles stay";
        let shown = [format!("{address:?}"), address.to_string(), address.concealed(said)];
        assert_eq!(shown[2], "no: *** of \"***\" (***) at postgres://***@h/site; ***s stay");
        for text in shown {
            assert!(!text.contains("s3c") && !text.contains("\"moodle\""), "{text}");
        }
        assert_eq!(parsed("mysql://a:b@h/d").concealed("a bad b, and a cab"), "*** bad ***, and *** cab");
    }

    #[cfg(feature = "sql")]
    #[test]
    fn clients_get_user_and_password_encoded() {
        let address = parsed("mysql://u r:p/w@h:1/d?prefix=m_&charset=utf8mb4");
        assert_eq!(address.for_client().reveal(), "mysql://u%20r:p%2Fw@h:1/d?charset=utf8mb4");
        let address = parsed("postgres://h/d").with_password(Secret::from("p".to_owned()));
        assert_eq!(address.for_client().reveal(), "postgres://:p@h/d");
    }
}
