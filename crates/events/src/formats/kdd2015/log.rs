//! The log's rows.
//!
//! Nearly every row of nearly every log has the columns in the order of the original, without quotes: such rows are
//! read by [`usual`] straight from the block, without being cut into fields first. Whatever it does not take for
//! certain is read the slow way, so that it changes nothing but the time.

use std::sync::Arc;

use memchr::{memchr, memchr3};

use crate::activity::Activity;
use crate::cells::{is_missing, whole_id};
use crate::epoch_times;
use crate::error::ReadError;
use crate::event::ObjectKey;
use crate::file_head::FileHead;
use crate::formats::fields::{LogHeader, MOST_COLUMNS, each_line, read_log_header, split, take_line};
use crate::id_lookup::{EnrolmentLookup, IdLookup};
use crate::index::EnrolmentIndex;
use crate::intake::{EventRow, Intake};
use crate::kind::EventKind;
use crate::tally::Reason;
use crate::text::{LineParser, TextFile};
use crate::time::{InstantParser, describe_unreadable};

const EVENTS: [(&str, Activity); 8] = [
    ("access", Activity::Access),
    ("nagivate", Activity::Navigate),
    ("navigate", Activity::Navigate),
    ("video", Activity::Video),
    ("problem", Activity::Problem),
    ("discussion", Activity::Discussion),
    ("wiki", Activity::Wiki),
    ("page_close", Activity::PageClose),
];
/// Numbers the kind of unknown events, which come last. Kinds are numbered `2 × place in EVENTS`, one more from the browser.
const UNKNOWN_KIND: u8 = 2 * EVENTS.len() as u8;

const COLUMNS: [&str; 4] = ["enrollment_id", "time", "event", "object"];

/// Lists the columns as the original has them.
const USUAL_COLUMNS: [&str; 5] = ["enrollment_id", "time", "source", "event", "object"];

pub(super) fn kinds() -> Vec<EventKind> {
    let mut kinds: Vec<EventKind> = EVENTS
        .iter()
        .flat_map(|&(name, activity)| {
            ["server", "browser"].map(|source| EventKind::new(format!("{source}_{name}"), activity))
        })
        .collect();
    kinds.push(EventKind::new("unknown", Activity::Other));
    kinds
}

/// Opens the log in the file with this head.
pub(super) fn open(head: &FileHead, enrolments: Arc<Enrolments>) -> Result<TextFile<LogParser>, ReadError> {
    let LogHeader { table, rows, width, delimiter } = read_log_header(head, "log")?;
    let mut places = [0; COLUMNS.len()];
    for (place, name) in places.iter_mut().zip(COLUMNS) {
        *place = table.require(&[name])?;
    }
    let [enrolment, time, event, object] = places;
    let usual = table.columns().iter().map(String::as_str).eq(USUAL_COLUMNS) && delimiter == b',';
    let parser = LogParser {
        enrolments,
        usual,
        width,
        delimiter,
        enrolment,
        time,
        source: table.find(&["source"])?,
        event,
        object,
    };
    Ok(TextFile::new(head, rows, parser))
}

/// Finds enrolments.
pub(super) struct Enrolments {
    pub(super) known: EnrolmentLookup,
    /// Those whose course is unknown.
    pub(super) without_course: IdLookup<Vec<String>>,
}

pub(super) struct LogParser {
    enrolments: Arc<Enrolments>,
    /// Whether the columns stand in the usual order.
    usual: bool,
    width: usize,
    delimiter: u8,
    enrolment: usize,
    time: usize,
    source: Option<usize>,
    event: usize,
    object: usize,
}

/// Holds the row before, as far as the next may be like it.
struct Before<'b> {
    /// Logs are mostly ordered by enrolment, so the id before is the best guess.
    id: &'b [u8],
    /// The id with the comma behind it, as it stands in the first 8 bytes of a row.
    start: Word,
    enrolment: Option<EnrolmentIndex>,
    times: InstantParser,
}

impl<'b> Before<'b> {
    fn set(&mut self, id: &'b [u8], enrolment: Option<EnrolmentIndex>) {
        (self.id, self.start, self.enrolment) = (id, Word::from_bytes(id), enrolment);
    }
}

/// Holds text of at most 7 bytes with a comma behind it, as it stands in 8 bytes of a row.
#[derive(Clone, Copy)]
struct Word {
    text: u64,
    mask: u64,
}

impl Word {
    /// Makes the word of a text; of a longer one, a word that nothing begins with.
    fn from_bytes(text: &[u8]) -> Self {
        let mut bytes = [0; 8];
        if text.len() >= bytes.len() {
            return Self { text: 1, mask: 0 };
        }
        bytes[..text.len()].copy_from_slice(text);
        bytes[text.len()] = b',';
        Self { text: u64::from_le_bytes(bytes), mask: u64::MAX >> (8 * (7 - text.len())) }
    }

    fn begins(self, row: &[u8]) -> bool {
        row.first_chunk().is_some_and(|first| u64::from_le_bytes(*first) & self.mask == self.text)
    }
}

impl LineParser for LogParser {
    fn parse(&self, block: &[u8], intake: &mut Intake<'_>) {
        let mut before =
            Before { id: b"", start: Word::from_bytes(b""), enrolment: None, times: InstantParser::default() };
        // That it is ASCII is sooner seen than that it is UTF-8.
        if !self.usual || !(block.is_ascii() || std::str::from_utf8(block).is_ok()) {
            each_line(block, intake, |line, number, intake| self.line(line, number, &mut before, intake));
            return;
        }
        let mut rest = block;
        let mut number = 0;
        while !rest.is_empty() {
            let length = self.usual_row(rest, number, &mut before, intake).unwrap_or_else(|| {
                let length = memchr(b'\n', rest).map_or(rest.len(), |newline| newline + 1);
                let line = rest[..length].strip_suffix(b"\n").unwrap_or(&rest[..length]);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                take_line(line, number, intake, |line, number, intake| self.line(line, number, &mut before, intake));
                length
            });
            rest = &rest[length..];
            number += 1;
        }
        intake.parsed.tally.lines += number;
    }
}

impl LogParser {
    /// Takes the row that `text` begins with and gives its length, when it is a usual one of a known enrolment.
    #[inline]
    fn usual_row<'b>(
        &self,
        text: &'b [u8],
        number: u64,
        before: &mut Before<'b>,
        intake: &mut Intake<'_>,
    ) -> Option<usize> {
        let same = before.start.begins(text)
            || before.id.len() > 7 && text.get(before.id.len()) == Some(&b',') && text.starts_with(before.id);
        let id_length = if same { before.id.len() } else { text.iter().position(|byte| b",\n\"".contains(byte))? };
        if text[id_length] != b',' {
            return None;
        }
        let usual = usual(&text[id_length + 1..])?;
        if !same {
            let id = &text[..id_length];
            before.set(id, self.enrolments.known.get(whole_id(id)));
        }
        let enrolment = before.enrolment?;
        let instant = before.times.parse(usual.time)?;
        let object = object_key(usual.object, intake);
        intake.take_row(EventRow { line: number, enrolment, instant, kind: usual.kind, object, count: 1 });
        Some(id_length + 1 + usual.length)
    }

    fn line<'b>(&self, line: &'b [u8], number: u64, before: &mut Before<'b>, intake: &mut Intake<'_>) {
        let mut fields = [&b""[..]; MOST_COLUMNS];
        let count = split(line, self.delimiter, &mut fields);
        if count != self.width {
            let what = || format!("{count} fields where the header has {}", self.width);
            return intake.refuse(Reason::Malformed, number, what);
        }
        let id = fields[self.enrolment];
        if id != before.id {
            before.set(id, self.enrolments.known.get(whole_id(id)));
        }
        let Some(enrolment) = before.enrolment else {
            return self.refuse_stranger(whole_id(id), number, intake);
        };
        let time = fields[self.time];
        let Some(instant) = before.times.parse(time).or_else(|| epoch_times::parse(time)) else {
            let what = || describe_unreadable("time", time);
            return intake.refuse(Reason::BadTime, number, what);
        };
        let kind = kind(fields[self.event], self.source.map(|place| fields[place]));
        let object = object_key(fields[self.object], intake);
        let used = intake.parsed.tally.used;
        intake.take_row(EventRow { line: number, enrolment, instant, kind, object, count: 1 });
        if kind == UNKNOWN_KIND && intake.parsed.tally.used > used {
            intake.note_unknown_kind_of(fields[self.event], enrolment);
        }
    }

    fn refuse_stranger(&self, id: &[u8], number: u64, intake: &mut Intake<'_>) {
        if id.is_empty() || is_missing(id) {
            intake.refuse(Reason::MissingId, number, || "no enrollment_id".to_owned());
        } else if self.enrolments.without_course.get(id).is_some() {
            let what = || "its enrolment has no course with dates".to_owned();
            intake.refuse(Reason::UnknownCourse, number, what);
        } else {
            let what = || "its enrollment_id is not in the enrolments table".to_owned();
            intake.refuse(Reason::UnknownEnrolment, number, what);
        }
    }
}

fn object_key(id: &[u8], intake: &mut Intake<'_>) -> Option<ObjectKey> {
    if is_missing(id) { None } else { intake.object(id) }
}

fn kind(event: &[u8], source: Option<&[u8]>) -> u8 {
    let place = EVENTS.iter().position(|(name, _)| name.as_bytes() == event);
    let browser = u8::from(source == Some(b"browser"));
    place.map_or(UNKNOWN_KIND, |place| 2 * place as u8 + browser)
}

/// Holds a row behind its enrolment id.
struct Usual<'b> {
    time: &'b [u8],
    kind: u8,
    object: &'b [u8],
    /// Bytes, the line's end included.
    length: usize,
}

const TIME_LENGTH: usize = "YYYY-MM-DDTHH:MM:SS".len();

/// Returns the row `time,source,event,object` that `text` begins with, where the time has its usual length, source and
/// event are known ones, and nothing is in quotes or zero bytes. Without branches on which source and event it is, as no processor
/// can guess them.
#[inline]
fn usual(text: &[u8]) -> Option<Usual<'_>> {
    let (time, rest) = text.split_at_checked(TIME_LENGTH)?;
    let rest = rest.strip_prefix(b",")?;
    let source = u64::from_le_bytes(*rest.first_chunk()?);
    let (server, browser) =
        (source << 8 == u64::from_le_bytes(*b"\0server,"), source == u64::from_le_bytes(*b"browser,"));
    if !(server | browser) {
        return None;
    }
    let rest = rest.get(b"server,".len() + usize::from(browser)..)?;
    let event = u128::from_le_bytes(*rest.first_chunk()?);
    let known = EVENT_FIELDS[slot(event as u32)];
    if event & known.mask != known.text {
        return None;
    }
    let object_and_more = rest.get(known.length..)?;
    let end = memchr3(b',', b'\n', 0, object_and_more)?;
    let object = &object_and_more[..end];
    let object = object.strip_suffix(b"\r").unwrap_or(object);
    if object_and_more[end] != b'\n' || matches!(object.first(), Some(b'"' | b' ')) || object.last() == Some(&b' ') {
        return None;
    }
    let kind = 2 * known.place + u8::from(browser);
    Some(Usual { time, kind, object, length: text.len() - object_and_more.len() + end + 1 })
}

/// Holds an event's name with the comma behind it, as it stands in 16 bytes of a row.
#[derive(Clone, Copy)]
struct EventField {
    text: u128,
    mask: u128,
    length: usize,
    /// Place in [`EVENTS`].
    place: u8,
}

impl EventField {
    /// Equals no event's field.
    const NONE: Self = Self { text: 1, mask: 0, length: 0, place: 0 };

    const fn at_place(place: usize) -> Self {
        let name = EVENTS[place].0.as_bytes();
        let mut text = [0; 16];
        let mut at = 0;
        while at < name.len() {
            text[at] = name[at];
            at += 1;
        }
        text[name.len()] = b',';
        let length = name.len() + 1;
        let mask = u128::MAX >> (128 - 8 * length);
        Self { text: u128::from_le_bytes(text), mask, length, place: place as u8 }
    }
}

const SLOT_BITS: u32 = 4;

/// Returns the slot of an event's name whose first four bytes are `first`: another one for each event.
const fn slot(first: u32) -> usize {
    (first.wrapping_mul(SLOT_FACTOR) >> (u32::BITS - SLOT_BITS)) as usize
}

/// Holds the first factor (counted from 1, over odd numbers) that puts every event into a slot of its own.
const SLOT_FACTOR: u32 = {
    let mut factor = 1_u32;
    loop {
        let mut taken = 0_u32;
        let mut place = 0;
        while place < EVENTS.len() {
            let first = EventField::at_place(place).text as u32;
            taken |= 1 << (first.wrapping_mul(factor) >> (u32::BITS - SLOT_BITS));
            place += 1;
        }
        if taken.count_ones() as usize == EVENTS.len() {
            break factor;
        }
        factor += 2;
    }
};

/// Lists the events by their slots.
const EVENT_FIELDS: [EventField; 1 << SLOT_BITS] = {
    let mut fields = [EventField::NONE; 1 << SLOT_BITS];
    let mut place = 0;
    while place < EVENTS.len() {
        let field = EventField::at_place(place);
        fields[slot(field.text as u32)] = field;
        place += 1;
    }
    fields
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Checks that the slow way takes the same rows as the quick way.
        #[test]
        fn a_usual_row_is_what_the_fields_say(
            time in "2014-0[1-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]|[0-9T:,-]{17,20}",
            source in "server|browser|serve|\"server\"|brows,r",
            event in "access|nagivate|navigate|video|problem|discussion|wiki|page_close|page_closed|acces|",
            object in "[a-zA-Z0-9]{0,40}|\"[a-z]{3}\"|[a-z]{2},[a-z]",
            end in "\n|\r\n|",
            after in "[a-z,\n]{0,40}",
        ) {
            let text = format!("{time},{source},{event},{object}{end}{after}");
            // A time that holds a comma is refused when it is read, and the row then taken the slow way.
            if let Some(usual) = usual(text.as_bytes()).filter(|usual| !usual.time.contains(&b',')) {
                let line = format!("id,{}", &text[..usual.length]);
                let mut fields = [&b""[..]; MOST_COLUMNS];
                prop_assert_eq!(split(line.trim_end().as_bytes(), b',', &mut fields), 5);
                prop_assert_eq!(usual.time, fields[1]);
                prop_assert_eq!(usual.kind, kind(fields[3], Some(fields[2])));
                prop_assert_eq!(usual.object, fields[4]);
                prop_assert!(line.ends_with('\n') && line.matches('\n').count() == 1);
            }
        }
    }

    #[test]
    fn a_row_with_zero_bytes_in_its_object_is_no_usual_one() {
        let row = |object: &str| format!("2014-01-01T00:00:00,server,access,{object}\nand the next row");
        assert!(usual(row("o1").as_bytes()).is_some());
        for object in ["\0\0o1", "o\0x", "o1\0", "\0"] {
            assert!(usual(row(object).as_bytes()).is_none(), "{object:?}");
        }
    }

    #[test]
    fn usual_rows_are_taken() {
        for (event, place) in EVENTS.iter().map(|(name, _)| name).zip(0..) {
            for (source, browser) in [("server", 0), ("browser", 1)] {
                let text = format!("2014-06-14T09:38:29,{source},{event},abcdefghijklmnop\n7,");
                let row = usual(text.as_bytes()).expect("it is a usual row");
                assert_eq!(
                    (row.kind, row.object, row.length),
                    (2 * place + browser, &b"abcdefghijklmnop"[..], text.len() - 2)
                );
            }
        }
    }
}
