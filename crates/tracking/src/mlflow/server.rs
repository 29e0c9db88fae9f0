//! The address of a tracking server, and the user's credentials.

use std::fmt;

use staycast_text::{Secret, conceal, escape};

use super::error::MlflowError;

/// Holds a tracking server's address and the user's credentials. `Debug` and errors show no credentials.
///
/// Over HTTPS the server must have a certificate of a public authority (Mozilla's list, which is compiled in). A proxy is
/// taken from `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, for servers on other machines.
#[derive(Clone)]
pub struct TrackingServer {
    base: String,
    authorization: Option<Secret>,
    /// Passwords and tokens, which must not be shown.
    secrets: Vec<Secret>,
    credentials_in_address: bool,
}

impl TrackingServer {
    /// Reads an address, such as `http://localhost:5000` or `https://name:password@example.org/mlflow`, and the
    /// credentials that `variable` gives for `MLFLOW_TRACKING_USERNAME`, `MLFLOW_TRACKING_PASSWORD` and
    /// `MLFLOW_TRACKING_TOKEN`. A user and password win over a token, as in MLflow's client, and the variables over the
    /// address.
    ///
    /// # Errors
    /// When it is not an HTTP address.
    pub fn new(address: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, MlflowError> {
        let (scheme, rest) = address.trim().split_once("://").unwrap_or(("", address.trim()));
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if user_info_is_cut(authority, path) {
            let problem = "it has an `@` behind a `/`, `?` or `#`; write these in a password as %2F, %3F and %23";
            return Err(MlflowError::Address { address: "…".to_owned(), problem });
        }
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        // A query or a fragment may hold a token.
        let shown_path = &path[..path.find(['?', '#']).unwrap_or(path.len())];
        let shown =
            if scheme.is_empty() { format!("{host}{shown_path}") } else { format!("{scheme}://{host}{shown_path}") };
        // What looks like a host may be a user, and what looks like its port a password.
        let is_plain = is_host_and_port(host) && !path.contains(':');
        let refuse = |problem| {
            Err(MlflowError::Address { address: if is_plain { shown.clone() } else { "…".to_owned() }, problem })
        };
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return refuse(
                "it must begin with http:// or https://; start `mlflow server` to log into files or a database",
            );
        }
        if host.is_empty() || host.starts_with(':') {
            return refuse("it names no host");
        }
        if !is_host_and_port(host) {
            return refuse("the part before the path is no host, or its port is no number");
        }
        let odd = |letter: char| letter.is_whitespace() || letter.is_control() || !letter.is_ascii();
        if host.chars().any(odd) || path.chars().any(odd) {
            return refuse("it has blanks, or letters outside ASCII");
        }
        if path.contains(['?', '#']) {
            return refuse("it has a query or a fragment; give the part before `?` or `#`");
        }
        let base = shown.trim_end_matches('/').to_owned();

        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let named = given("MLFLOW_TRACKING_USERNAME").zip(given("MLFLOW_TRACKING_PASSWORD"));
        let in_address = user.map(|user| {
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            (percent_decoded(name), percent_decoded(password))
        });
        let mut secrets = Vec::new();
        let authorization = match (named.or(in_address), given("MLFLOW_TRACKING_TOKEN")) {
            (Some((name, password)), _) => {
                let encoded = base64(format!("{name}:{password}").as_bytes());
                secrets.extend([password, encoded.clone()]);
                Some(format!("Basic {encoded}"))
            }
            (None, Some(token)) => {
                secrets.push(token.clone());
                Some(format!("Bearer {token}"))
            }
            (None, None) => None,
        };
        if authorization.as_ref().is_some_and(|value| !value.bytes().all(|byte| (0x20..0x7f).contains(&byte))) {
            return refuse("MLFLOW_TRACKING_TOKEN has letters that HTTP does not take");
        }
        secrets.retain(|secret| !secret.is_empty());
        let secrets = secrets.into_iter().map(Secret::from).collect();
        let credentials_in_address = user.is_some();
        Ok(Self { base, authorization: authorization.map(Secret::from), secrets, credentials_in_address })
    }

    /// Tells whether the address as given has a user or password in it, which others may see.
    #[must_use]
    pub const fn has_credentials_in_address(&self) -> bool {
        self.credentials_in_address
    }

    /// Returns the address, without credentials and without a slash at its end.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.base
    }

    /// Returns the value of HTTP's `Authorization`.
    pub(super) fn authorization(&self) -> Option<&str> {
        self.authorization.as_ref().map(Secret::reveal)
    }

    /// Returns the host and, where the address says one, the port.
    pub(super) fn authority(&self) -> &str {
        let rest = self.base.split_once("://").map_or("", |(_, rest)| rest);
        rest.split('/').next().unwrap_or(rest)
    }

    /// Returns whether the server is on this machine, where no proxy is used.
    pub(super) fn is_loopback(&self) -> bool {
        let authority = self.authority();
        let host = match authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or(rest),
            None => authority.split(':').next().unwrap_or(authority),
        };
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Returns a server's text for the screen: no credentials, control characters escaped, at most 300 letters.
    pub(super) fn shown(&self, text: &str) -> String {
        let mut text = text.trim().to_owned();
        for secret in &self.secrets {
            text = text.replace(secret.reveal(), "***");
        }
        let mut shown: String = text.chars().take(300).collect();
        if text.chars().nth(300).is_some() {
            shown.push('…');
        }
        escape(&conceal(&shown)).into_owned()
    }
}

impl fmt::Debug for TrackingServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credentials = if self.authorization.is_some() { "***" } else { "none" };
        f.debug_struct("TrackingServer").field("address", &self.base).field("credentials", &credentials).finish()
    }
}

/// Returns whether the apparent host and path may be a user and a password, which no error must show.
fn user_info_is_cut(authority: &str, path: &str) -> bool {
    !authority.contains('@') && path.contains('@')
}

/// Tells whether the text is a host of letters, digits, `.`, `-` and `_`, or an address in brackets, with a port perhaps.
fn is_host_and_port(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (text, "0"),
    };
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let others: &[u8] = if bare.is_some() { b".-_%:" } else { b".-_" };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
    bare.unwrap_or(host).bytes().all(is_plain) && port.parse::<u16>().is_ok()
}

/// Encodes as in RFC 4648, section 4, with padding.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let letter = char::from(LETTERS[(bits >> (18 - 6 * at)) as usize & 63]);
            text.push(if at <= group.len() { letter } else { '=' });
        }
    }
    text
}

/// Decodes as in RFC 3986, section 2.1. Anything that is not an escape stays as it is.
fn percent_decoded(text: &str) -> String {
    let hex = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        match rest {
            [b'%', high, low, after @ ..] if hex(*high).is_some() && hex(*low).is_some() => {
                bytes.push((hex(*high).unwrap_or(0) * 16 + hex(*low).unwrap_or(0)) as u8);
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(address: &str, variables: &[(&str, &str)]) -> Result<TrackingServer, MlflowError> {
        TrackingServer::new(address, |name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn base64_agrees_with_the_test_vectors_of_rfc_4648() {
        let vectors =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (plain, encoded) in vectors {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn credentials_come_from_variables_or_the_address_and_are_never_shown() {
        let user = [("MLFLOW_TRACKING_USERNAME", "Aladdin"), ("MLFLOW_TRACKING_PASSWORD", "open sesame")];
        let token = [("MLFLOW_TRACKING_TOKEN", "t0ken")];
        // RFC 7617, section 2, has this pair.
        let basic = Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        let authorization = |address: &str, variables: &[(&str, &str)]| {
            let server = server(address, variables).expect("an address");
            for secret in ["open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "t0ken"] {
                assert!(!format!("{server:?} {}", server.address()).contains(secret));
                if server.authorization().is_some_and(|value| value.contains(secret)) {
                    assert!(!server.shown(&format!("you sent {secret}")).contains(secret));
                }
            }
            server.authorization().map(str::to_owned)
        };
        assert_eq!(authorization("http://h", &user).as_deref(), basic);
        assert_eq!(authorization("http://h", &[user[0], user[1], token[0]]).as_deref(), basic);
        assert_eq!(authorization("http://Aladdin:open%20sesame@h:1/", &[]).as_deref(), basic);
        assert_eq!(authorization("http://h", &token).as_deref(), Some("Bearer t0ken"));
        assert_eq!(authorization("http://h", &user[..1]), None, "a name without a password");
        assert_eq!(authorization("http://h", &[]), None);
    }

    #[test]
    fn addresses_are_checked_before_anything_is_sent() {
        assert_eq!(server("https://a:b@h:5000/mlflow/", &[]).expect("fine").address(), "https://h:5000/mlflow");
        for address in
            ["", "mlruns", "file:///tmp/x", "databricks", "http://", "http://:80", "http://h/?a=b", "http://a b"]
        {
            assert!(matches!(server(address, &[]), Err(MlflowError::Address { .. })), "{address}");
        }
        let error = server("ftp://user:pa55word@h", &[]).expect_err("not HTTP").to_string();
        assert!(!error.contains("pa55word") && error.contains("ftp://h"), "{error}");
        for token in ["http://h/?token=s3cret", "http://h/#s3cret", "h/path?s3cret", "http://h?s3cret"] {
            let error = server(token, &[]).expect_err("a token in the address").to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
        let error = server("http://user:pa55/word@h", &[]).expect_err("a cut password").to_string();
        assert!(!error.contains("pa55") && !error.contains("word@"), "{error}");
        let error = server("http://h", &[("MLFLOW_TRACKING_TOKEN", "se\ncret")]).expect_err("a line break").to_string();
        assert!(!error.contains("cret"), "{error}");
    }

    #[test]
    fn loopback_addresses_are_known() {
        for address in ["http://localhost:5000", "http://127.0.0.1", "http://[::1]:5000/x"] {
            assert!(server(address, &[]).expect("fine").is_loopback(), "{address}");
        }
        for address in ["http://example.org", "http://localhost.example.org:1", "http://10.0.0.1"] {
            assert!(!server(address, &[]).expect("fine").is_loopback(), "{address}");
        }
    }
}
