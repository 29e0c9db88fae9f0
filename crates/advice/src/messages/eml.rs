//! A message as a file of mail (RFC 5322), whose bytes follow from the message and the time at which it began.

use std::fmt::Write;

use super::records::Message;
use crate::policy::Mailbox;

/// Writes a mail. `begun_at` are seconds since 1970, and `utc_offset_minutes` says in which zone they are shown.
pub(super) fn eml(message: &Message, begun_at: i64, utc_offset_minutes: i16) -> String {
    let Message { id, from, to, to_name, subject, body, language, .. } = message;
    let recipient = Mailbox { name: to_name.clone(), address: to.clone() };
    let domain = from.address.split_once('@').map_or("localhost", |(_, domain)| domain);
    let headers = [
        ("From", mailbox(from)),
        ("To", mailbox(&recipient)),
        ("Subject", phrase(subject)),
        ("Date", date(begun_at, utc_offset_minutes)),
        // The same for every attempt, by which servers know a second one.
        ("Message-ID", format!("<{id}@{domain}>")),
        ("MIME-Version", "1.0".to_owned()),
        ("Content-Language", language.clone()),
        ("Content-Type", "text/plain; charset=utf-8".to_owned()),
        ("Content-Transfer-Encoding", "quoted-printable".to_owned()),
    ];
    let mut mail = String::new();
    for (name, value) in headers {
        let _ = write!(mail, "{name}: {value}\r\n");
    }
    mail + "\r\n" + &quoted_printable(body)
}

/// Writes a message to a telephone, for whoever sends it or calls.
pub(super) fn text(message: &Message) -> String {
    let Message { to, to_name, subject, body, .. } = message;
    let name = if to_name.is_empty() { String::new() } else { format!(" ({to_name})") };
    format!("To: {to}{name}\nSubject: {subject}\n\n{body}")
}

fn date(seconds: i64, utc_offset_minutes: i16) -> String {
    let offset = jiff::tz::Offset::from_seconds(i32::from(utc_offset_minutes) * 60).unwrap_or(jiff::tz::Offset::UTC);
    let instant = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let local = offset.to_datetime(instant);
    let (day, month) = (&local.strftime("%a").to_string(), &local.strftime("%b").to_string());
    let minutes = utc_offset_minutes.unsigned_abs();
    format!(
        "{day}, {:02} {month} {} {:02}:{:02}:{:02} {}{:02}{:02}",
        local.day(),
        local.year(),
        local.hour(),
        local.minute(),
        local.second(),
        if utc_offset_minutes < 0 { '-' } else { '+' },
        minutes / 60,
        minutes % 60,
    )
}

fn mailbox(mailbox: &Mailbox) -> String {
    let Mailbox { name, address } = mailbox;
    if name.is_empty() {
        return address.clone();
    }
    let is_atom = |byte: u8| byte.is_ascii_alphanumeric() || b" !#$%&'*+-/=?^_`{|}~".contains(&byte);
    let is_short = name.len() <= 60;
    if is_short && name.bytes().all(is_atom) && !name.contains("=?") {
        format!("{name} <{address}>")
    } else if is_short && name.bytes().all(|byte| (0x20..0x7f).contains(&byte)) && !name.contains("=?") {
        format!("\"{}\" <{address}>", name.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        // What is encoded can hold nothing that ends a header or names another address.
        format!("{}\r\n <{address}>", encoded_words(name))
    }
}

/// Writes free text of a header: as it is where it is short and plain, else as encoded words.
fn phrase(text: &str) -> String {
    let is_plain = text.len() <= 66 && text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) && !text.contains("=?");
    if is_plain { text.to_owned() } else { encoded_words(text) }
}

/// Writes encoded words (RFC 2047, section 4.2), each of whole letters, on lines of at most 76 letters.
fn encoded_words(text: &str) -> String {
    const MOST: usize = 76 - "Subject: =?utf-8?q??=".len();
    let mut words = vec![String::new()];
    for letter in text.chars() {
        let mut bytes = [0; 4];
        let mut encoded = String::new();
        for &byte in letter.encode_utf8(&mut bytes).as_bytes() {
            let _ = match byte {
                b' ' => write!(encoded, "_"),
                _ if byte.is_ascii_alphanumeric() => write!(encoded, "{}", byte as char),
                _ => write!(encoded, "={byte:02X}"),
            };
        }
        if words.last().is_some_and(|word| word.len() + encoded.len() > MOST) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push_str(&encoded);
        }
    }
    words.into_iter().map(|word| format!("=?utf-8?q?{word}?=")).collect::<Vec<_>>().join("\r\n ")
}

/// Writes text in quoted-printable (RFC 2045, section 6.7), in lines of at most 76 letters.
fn quoted_printable(text: &str) -> String {
    const MOST: usize = 75;
    let mut out = String::new();
    for line in text.lines() {
        let bytes = line.as_bytes();
        let mut length = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            let is_last = at + 1 == bytes.len();
            let is_plain = matches!(byte, 33..=60 | 62..=126) || (byte == b' ' && !is_last);
            // A line that begins so would end the mail, or be taken for the head of the next one, on its way.
            let is_odd_start = length == 0 && (byte == b'.' || byte == b'F');
            let width = if is_plain && !is_odd_start { 1 } else { 3 };
            if length + width > MOST {
                out.push_str("=\r\n");
                length = 0;
            }
            if width == 1 {
                out.push(byte as char);
            } else {
                let _ = write!(out, "={byte:02X}");
            }
            length += width;
        }
        out.push_str("\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::records::message_id;
    use crate::policy::{ActionKind, Channel};
    use crate::worklist::WhichList;

    fn message() -> Message {
        Message {
            id: message_id("c", "e", 4, "check_in"),
            drafted_at: "2026-03-02T08:00:00Z".to_owned(),
            course_id: "c".to_owned(),
            enrolment_id: "e".to_owned(),
            learner_id: "l".to_owned(),
            week: 4,
            list: WhichList::Act,
            action: "check_in".to_owned(),
            kind: ActionKind::Message,
            channel: Channel::Mail,
            behaviour: None,
            language: "de".to_owned(),
            from: Mailbox { name: "Course team".to_owned(), address: "team@example.org".to_owned() },
            to_name: "Jörg \"Bcc: x@y\" Ω".to_owned(),
            to: "jo@example.org".to_owned(),
            subject: "Wie läuft es in Statistik?".to_owned(),
            body: "Hallo Jörg,\n\n.\nEin Satz = gut. \nFrom here on\n".to_owned(),
        }
    }

    #[test]
    fn a_mail_is_these_bytes() {
        assert_eq!(message().problem(), None);
        let expected = [
            "From: Course team <team@example.org>",
            "To: =?utf-8?q?J=C3=B6rg_=22Bcc=3A_x=40y=22_=CE=A9?=",
            " <jo@example.org>",
            "Subject: =?utf-8?q?Wie_l=C3=A4uft_es_in_Statistik=3F?=",
            "Date: Mon, 02 Mar 2026 09:00:00 +0100",
            "Message-ID: <19cb2aa6c3e1be2bcdb11b2e4a2d1a25@example.org>",
            "MIME-Version: 1.0",
            "Content-Language: de",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: quoted-printable",
            "",
            "Hallo J=C3=B6rg,",
            "",
            "=2E",
            "Ein Satz =3D gut.=20",
            "=46rom here on",
            "",
        ];
        let id = message().id;
        let expected = expected.join("\r\n").replace("19cb2aa6c3e1be2bcdb11b2e4a2d1a25", &id);
        assert_eq!(eml(&message(), 1_772_438_400, 60), expected);
        let odd = Mailbox { name: "Lind, \"A\\B\"".to_owned(), address: "a@b.org".to_owned() };
        assert_eq!(mailbox(&odd), "\"Lind, \\\"A\\\\B\\\"\" <a@b.org>");
        assert_eq!(mailbox(&Mailbox { name: "=?x?=".to_owned(), ..odd }), "=?utf-8?q?=3D=3Fx=3F=3D?=\r\n <a@b.org>");
    }

    #[test]
    fn no_line_is_longer_than_mail_allows_and_none_is_a_header_of_its_own() {
        let long = "Ω → \"x\" <a@b>, Bcc: ".repeat(30);
        let mail = eml(&Message { subject: long.clone(), to_name: long.clone(), body: long, ..message() }, 0, -210);
        let (head, _) = mail.split_once("\r\n\r\n").expect("a head");
        for line in mail.split("\r\n") {
            assert!(line.len() <= 78 && !line.contains(['\r', '\n']), "{line}");
        }
        let names: Vec<&str> = head
            .split("\r\n")
            .filter(|line| !line.starts_with(' '))
            .filter_map(|line| line.split(':').next())
            .collect();
        let expected = [
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "MIME-Version",
            "Content-Language",
            "Content-Type",
            "Content-Transfer-Encoding",
        ];
        assert_eq!(names, expected);
        assert!(head.contains("Date: Wed, 31 Dec 1969 20:30:00 -0330"), "{head}");
    }
}
