//! A server that takes each message as JSON, once by its key.

use std::fmt;
use std::thread;
use std::time::Duration;

use serde::Serialize;
use staycast_text::{Secret, escape};

use super::attempt::Attempt;
use super::error::MessageError;
use super::records::Message;

/// Bounds how long one request takes.
const PATIENCE: Duration = Duration::from_secs(30);
/// Lists the waits between attempts.
const WAITS: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// Holds a server's address and token. `Debug` and messages show the host alone: a path may be a secret too.
pub struct Webhook {
    agent: ureq::Agent,
    address: Secret,
    token: Option<Secret>,
    /// Scheme and host.
    origin: String,
}

/// Is what the server gets.
#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    channel: &'a str,
    from: &'a crate::policy::Mailbox,
    to_name: &'a str,
    to: &'a str,
    subject: &'a str,
    text: &'a str,
    language: &'a str,
    course_id: &'a str,
    enrolment_id: &'a str,
    action: &'a str,
}

impl Webhook {
    pub(super) fn new(address: &str, token: Option<Secret>) -> Result<Self, MessageError> {
        let refused = |what: &str| Err(MessageError::Target(format!("the address of the webhook {what}")));
        let Some((scheme, rest)) = address.split_once("://") else {
            return refused("does not begin with https://");
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let is_odd = |letter: char| letter.is_whitespace() || letter.is_control() || !letter.is_ascii();
        let scheme = scheme.to_ascii_lowercase();
        if !["http", "https"].contains(&scheme.as_str()) {
            return refused("does not begin with https://");
        }
        if address.contains('@') {
            return refused("has a user in it; give a token in a file or in the environment");
        }
        if address.chars().any(is_odd) || rest.contains('#') {
            return refused("has blanks, a fragment, or letters outside ASCII");
        }
        let Some(host) = host_of(authority) else { return refused("has no host, or a port that is no number") };
        let is_loopback = host.eq_ignore_ascii_case("localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if scheme == "http" && !is_loopback {
            return refused(
                "begins with http://, so names and addresses would travel in the open; it must be https://",
            );
        }
        if token.as_ref().is_some_and(|token| !token.reveal().bytes().all(|byte| (0x21..0x7f).contains(&byte))) {
            return Err(MessageError::Target(
                "the token of the webhook has letters that HTTP does not take".to_owned(),
            ));
        }
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // A redirect of what was posted would be asked for as a page.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(PATIENCE))
            .user_agent(concat!("staycast/", env!("CARGO_PKG_VERSION")));
        if is_loopback {
            config = config.proxy(None);
        }
        Ok(Self {
            agent: config.build().new_agent(),
            address: Secret::from(address.to_owned()),
            token,
            origin: format!("{scheme}://{authority}"),
        })
    }

    /// Returns the origin, and a short hash by which two addresses of one host differ.
    pub(super) fn shown(&self) -> String {
        let hash = blake3::hash(self.address.reveal().as_bytes()).to_hex();
        format!("webhook:{} ({})", self.origin, &hash[..8])
    }

    /// Posts a message; again after a while where the server is busy. The key is the same every time.
    pub(super) fn deliver(&self, message: &Message) -> Attempt {
        let mut waits = WAITS.iter();
        // Once an attempt may have arrived, a later one that did not proves nothing.
        let mut is_unsure = false;
        loop {
            let (attempt, may_retry) = self.post(message);
            is_unsure |= matches!(attempt, Attempt::Unsure(_));
            match waits.next().filter(|_| may_retry) {
                Some(wait) => thread::sleep(*wait),
                None => {
                    return match attempt {
                        Attempt::Failed(why) | Attempt::Hopeless(why) if is_unsure => Attempt::Unsure(why),
                        attempt => attempt,
                    };
                }
            }
        }
    }

    /// Posts a message once. Returns whether another attempt may help, too.
    fn post(&self, message: &Message) -> (Attempt, bool) {
        let body = Body {
            id: &message.id,
            channel: message.channel.key(),
            from: &message.from,
            to_name: &message.to_name,
            to: &message.to,
            subject: &message.subject,
            text: &message.body,
            language: &message.language,
            course_id: &message.course_id,
            enrolment_id: &message.enrolment_id,
            action: &message.action,
        };
        let mut request = self.agent.post(self.address.reveal()).header("Idempotency-Key", &message.id);
        if let Some(token) = &self.token {
            request = request.header("Authorization", &format!("Bearer {}", token.reveal()));
        }
        let answer = match request.send_json(&body) {
            Ok(answer) => answer,
            Err(error) => return self.without_answer(&error),
        };
        let status = answer.status().as_u16();
        let said = format!("{} answered {status}", self.origin);
        match status {
            200..=299 => (Attempt::Arrived, false),
            // It is at work on this key, busy, or broken; it may have taken the message.
            409 | 500..=599 => (Attempt::Unsure(said), true),
            408 | 425 | 429 => (Attempt::Failed(said), true),
            // It refuses everybody: a wrong address or token.
            300..=399 | 401 | 403 | 404 | 405 | 407 => (Attempt::Hopeless(said), false),
            _ => (Attempt::Failed(said), false),
        }
    }

    fn without_answer(&self, error: &ureq::Error) -> (Attempt, bool) {
        let origin = &self.origin;
        match error {
            ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => {
                (Attempt::Hopeless(format!("{origin} can't be reached")), true)
            }
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                (Attempt::Hopeless(format!("{origin} can't be reached")), true)
            }
            ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
                (Attempt::Hopeless(format!("{origin} can't be reached in time")), true)
            }
            ureq::Error::Rustls(_) | ureq::Error::Tls(_) => {
                (Attempt::Hopeless(format!("{origin} has no certificate that can be trusted")), false)
            }
            other => {
                let why = escape(&other.to_string()).replace(self.address.reveal(), "***");
                (Attempt::Unsure(format!("no answer from {origin}: {why}")), true)
            }
        }
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Webhook").field(&self.origin).finish()
    }
}

/// Returns the host of `host:port` or `[address]:port`.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host, port.strip_prefix(':').unwrap_or("0"))
        }
        None => authority.split_once(':').unwrap_or((authority, "0")),
    };
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
    (!host.is_empty() && host.bytes().all(is_letter) && port.parse::<u16>().is_ok()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_never_shown_whole() {
        for fine in ["https://h.example/hooks/s3cret?k=s3cret", "http://127.0.0.1:80/s3cret", "http://[::1]:8/s3cret"] {
            let webhook = Webhook::new(fine, Some(Secret::from("s3cret".to_owned()))).expect(fine);
            assert!(!format!("{webhook:?} {}", webhook.shown()).contains("s3cret"), "{fine}");
        }
        for (wrong, expected) in [
            ("s3cret", "does not begin"),
            ("ftp://h/s3cret", "does not begin"),
            ("http://h.example/s3cret", "in the open"),
            ("http://localhost.example/s3cret", "in the open"),
            ("https://u:s3cret@h/", "has a user"),
            ("https:///s3cret", "has no host"),
            ("https://h:s3cret/", "has no host"),
            ("https://h/s3cret x", "has blanks"),
            ("https://h/\r\ns3cret", "has blanks"),
        ] {
            let said = Webhook::new(wrong, None).expect_err(wrong).to_string();
            assert!(said.contains(expected) && !said.contains("s3cret"), "{wrong}: {said}");
        }
        let bad = Webhook::new("https://h/", Some(Secret::from("a\r\nX: b".to_owned()))).expect_err("a bad token");
        assert_eq!(bad.to_string(), "the token of the webhook has letters that HTTP does not take");
    }
}
