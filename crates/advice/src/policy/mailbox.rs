//! Addresses of mail, strict enough to stand in a header.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Bounds the letters of an address (RFC 5321, section 4.5.3.1).
const LONGEST_ADDRESS: usize = 254;
const LONGEST_NAME: usize = 200;

/// Holds an address of mail, and perhaps a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mailbox {
    /// Name as people read it; may be empty.
    pub name: String,
    /// The address.
    pub address: String,
}

impl Mailbox {
    /// Reads `Name <name@example.org>` or `name@example.org`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, address) = match text.trim().strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
            Some((name, address)) => (name.trim().trim_matches('"'), address),
            None => ("", text.trim()),
        };
        let mailbox = Self { name: name.to_owned(), address: address.to_owned() };
        mailbox.is_sound().then_some(mailbox)
    }

    /// Tells whether both parts may stand in a header.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        is_address(&self.address)
            && self.name.chars().count() <= LONGEST_NAME
            && staycast_text::escape(&self.name) == self.name
    }

    /// Returns the name, or the address where there is none.
    #[must_use]
    pub fn shown(&self) -> &str {
        if self.name.is_empty() { &self.address } else { &self.name }
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.is_empty() { f.write_str(&self.address) } else { write!(f, "{} <{}>", self.name, self.address) }
    }
}

/// Tells whether a text is an address of mail in ASCII: dot-atoms before and after one `@` (RFC 5322, section 3.4.1).
#[must_use]
pub fn is_address(text: &str) -> bool {
    let of_atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    let is_dotted = |part: &str, is_letter: &dyn Fn(u8) -> bool| {
        part.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_letter))
    };
    let Some((local, domain)) = text.split_once('@') else { return false };
    text.len() <= LONGEST_ADDRESS
        && is_dotted(local, &of_atom)
        && is_dotted(domain, &|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes_are_read_and_others_refused() {
        let read = |text: &str| Mailbox::parse(text).map(|mailbox| (mailbox.name, mailbox.address));
        let pair = |name: &str, address: &str| Some((name.to_owned(), address.to_owned()));
        assert_eq!(read("anna@example.org"), pair("", "anna@example.org"));
        assert_eq!(read("Course team <team+x@mail.example.org>"), pair("Course team", "team+x@mail.example.org"));
        assert_eq!(read("\"Müller, J.\" <m@x.de>"), pair("Müller, J.", "m@x.de"));
        for wrong in [
            "",
            "anna",
            "@x",
            "a@",
            "a@b@c",
            "a b@x.org",
            "a@x..org",
            ".a@x.org",
            "a@x.org\r\nBcc: b@x.org",
            "<a@x.org",
            "N\nM <a@x.org>",
            "ä@x.org",
            "a@exämple.org",
            "a,b@x.org",
            "N\u{202e} <a@x.org>",
        ] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
        assert!(!is_address(&format!("{}@x.org", "a".repeat(250))));
    }
}
