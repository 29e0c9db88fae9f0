//! JSON whose objects do not stand one a line: an array of them, objects one after another over several lines, or
//! envelopes, objects with a list of them. Read as a stream in which each object is a line, so that what reads lines
//! reads them too. Holds 64 KiB, and of an object that may turn out to be an envelope what comes before the list.

use std::io::{self, Read};

use memchr::memchr2;

use crate::line_limit::LONGEST_LINE_BYTES;

const PIECE_BYTES: usize = 1 << 16;

/// Says where the reading stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Between objects.
    Between,
    /// In something between objects that is no object.
    Stray,
    /// In an object, this many brackets deep.
    Object(u32),
    /// After an envelope's list, this many brackets deep.
    Tail(u32),
}

/// Reads text of JSON objects, one a line, whatever lay between them.
pub(crate) struct ObjectLines<R> {
    inner: R,
    piece_bytes: usize,
    /// Name of an envelope's list.
    list: &'static [u8],
    place: Place,
    in_envelope: bool,
    in_string: bool,
    escaped: bool,
    /// Where, in `out`, the last string at an object's own level begins, and what stood after it so far.
    key: Option<(usize, Key)>,
    piece: Vec<u8>,
    /// Lines to be handed out, and how much of them is.
    out: Vec<u8>,
    given: usize,
    /// Where the line begins that is not yet known not to be an envelope.
    held_from: Option<usize>,
    ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Begun,
    /// Ended at this place in `out`.
    Ended(usize),
    /// And followed by a colon.
    Named(usize),
}

impl<R: Read> ObjectLines<R> {
    /// Returns the objects in `inner`; an object whose member `list` is an array stands for those in it.
    pub(crate) fn new(inner: R, list: &'static [u8]) -> Self {
        Self {
            inner,
            piece_bytes: PIECE_BYTES,
            list,
            place: Place::Between,
            in_envelope: false,
            in_string: false,
            escaped: false,
            key: None,
            piece: Vec::new(),
            out: Vec::new(),
            given: 0,
            held_from: None,
            ended: false,
        }
    }

    /// Returns the place up to which `out` can be handed out.
    fn ready(&self) -> usize {
        self.held_from.unwrap_or(self.out.len())
    }

    fn refill(&mut self) -> io::Result<()> {
        self.out.drain(..self.given);
        self.held_from = self.held_from.map(|from| from - self.given);
        let moved = |place: usize| place - self.given;
        self.key = self.key.map(|(from, key)| {
            let key = match key {
                Key::Begun => Key::Begun,
                Key::Ended(end) => Key::Ended(moved(end)),
                Key::Named(end) => Key::Named(moved(end)),
            };
            (moved(from), key)
        });
        self.given = 0;
        let mut piece = std::mem::take(&mut self.piece);
        piece.clear();
        self.inner.by_ref().take(self.piece_bytes as u64).read_to_end(&mut piece)?;
        if piece.is_empty() {
            self.ended = true;
            self.held_from = None;
            if matches!(self.place, Place::Object(_) | Place::Stray) {
                self.out.push(b'\n');
            }
        }
        self.walk(&piece);
        self.piece = piece;
        // What is longer than a line may be is no envelope.
        if self.held_from.is_some_and(|from| self.out.len() - from > LONGEST_LINE_BYTES) {
            self.release();
        }
        Ok(())
    }

    /// Notes that the object at hand is no envelope.
    fn release(&mut self) {
        self.held_from = None;
        self.key = None;
    }

    fn walk(&mut self, piece: &[u8]) {
        let mut at = 0;
        while at < piece.len() {
            if self.in_string {
                at += self.walk_string(&piece[at..]);
                continue;
            }
            let byte = piece[at];
            at += 1;
            match self.place {
                Place::Between => self.between(byte),
                Place::Stray => self.stray(byte),
                Place::Object(depth) => self.object(byte, depth),
                Place::Tail(depth) => self.tail(byte, depth),
            }
        }
    }

    /// Walks to the end of the string, or of the piece; how far that was.
    fn walk_string(&mut self, rest: &[u8]) -> usize {
        let mut length = 0;
        if std::mem::take(&mut self.escaped) {
            length = 1;
        }
        loop {
            let Some(found) = memchr2(b'"', b'\\', &rest[length..]) else {
                self.copy(rest);
                return rest.len();
            };
            length += found + 1;
            if rest[length - 1] == b'"' {
                self.in_string = false;
                self.copy(&rest[..length]);
                if let (Some((from, Key::Begun)), Place::Object(1)) = (self.key, self.place) {
                    self.key = Some((from, Key::Ended(self.out.len() - 1)));
                }
                return length;
            }
            if length == rest.len() {
                self.escaped = true;
                self.copy(rest);
                return length;
            }
            length += 1;
        }
    }

    /// Copies what belongs to a line; a line break in it, which JSON has only between its parts, becomes a space.
    fn copy(&mut self, bytes: &[u8]) {
        if matches!(self.place, Place::Tail(_)) {
            return;
        }
        let start = self.out.len();
        self.out.extend_from_slice(bytes);
        for byte in &mut self.out[start..] {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }

    fn between(&mut self, byte: u8) {
        match byte {
            b'{' => {
                if !self.in_envelope {
                    self.held_from = Some(self.out.len());
                }
                self.key = None;
                self.place = Place::Object(1);
                self.out.push(byte);
            }
            b']' if self.in_envelope => {
                self.in_envelope = false;
                self.place = Place::Tail(1);
            }
            b',' | b'[' | b']' | b' ' | b'\t' | b'\n' | b'\r' => {}
            _ => {
                self.place = Place::Stray;
                self.out.push(byte);
            }
        }
    }

    /// Makes a line of something that is no object, so that it is counted.
    fn stray(&mut self, byte: u8) {
        if matches!(byte, b',' | b'{' | b'[' | b']' | b'\n' | b'\r') {
            self.out.push(b'\n');
            self.place = Place::Between;
            self.between(byte);
        } else {
            self.out.push(byte);
        }
    }

    fn object(&mut self, byte: u8, depth: u32) {
        if let (Some((from, Key::Named(end))), b'[') = (self.key, byte)
            && self.held_from.is_some()
            && self.out[from + 1..end] == *self.list
        {
            self.out.truncate(self.held_from.take().unwrap_or_default());
            self.key = None;
            self.in_envelope = true;
            self.place = Place::Between;
            return;
        }
        self.copy(&[byte]);
        match byte {
            b'"' => {
                self.in_string = true;
                self.key = (depth == 1 && self.held_from.is_some()).then(|| (self.out.len() - 1, Key::Begun));
            }
            b':' => {
                if let Some((from, Key::Ended(end))) = self.key {
                    self.key = Some((from, Key::Named(end)));
                }
            }
            b' ' | b'\t' | b'\n' | b'\r' => {}
            b'{' | b'[' => {
                self.key = None;
                self.place = Place::Object(depth + 1);
            }
            b'}' | b']' if depth == 1 => {
                self.out.push(b'\n');
                self.release();
                self.place = Place::Between;
            }
            b'}' | b']' => self.place = Place::Object(depth - 1),
            _ => self.key = None,
        }
    }

    fn tail(&mut self, byte: u8, depth: u32) {
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.place = Place::Tail(depth + 1),
            b'}' | b']' if depth == 1 => self.place = Place::Between,
            b'}' | b']' => self.place = Place::Tail(depth - 1),
            _ => {}
        }
    }
}

impl<R: Read> Read for ObjectLines<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        while self.ready() == self.given && !self.ended {
            self.refill()?;
        }
        let count = (self.ready() - self.given).min(room.len());
        room[..count].copy_from_slice(&self.out[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines_of(text: &str) -> String {
        let mut out = String::new();
        ObjectLines::new(text.as_bytes(), b"data").read_to_string(&mut out).unwrap();
        out
    }

    #[test]
    fn shapes() {
        for (text, lines) in [
            ("", ""),
            ("[]", ""),
            (r#"[{"a":1},{"b":[{}]}]"#, "{\"a\":1}\n{\"b\":[{}]}\n"),
            ("{\n \"a\": 1\n}\n{\"b\":\r\n2}", "{  \"a\": 1 }\n{\"b\":  2}\n"),
            (
                r#"{"sensor":"s","data":[{"a":1},{"data":[2]}],"x":{"y":"]}"}} {"c":3}"#,
                "{\"a\":1}\n{\"data\":[2]}\n{\"c\":3}\n",
            ),
            (r#"{"data" : [ ] }"#, ""),
            (r#"{"data":{"data":[1]}}"#, "{\"data\":{\"data\":[1]}}\n"),
            (r#"{"x":"data","y":["data"]}"#, "{\"x\":\"data\",\"y\":[\"data\"]}\n"),
            (r#"[{"a":"}\"{\\"},{}]"#, "{\"a\":\"}\\\"{\\\\\"}\n{}\n"),
            (r#"[1, "two", {"a":1}, tru"#, "1\n\"two\"\n{\"a\":1}\ntru\n"),
            (r#"[{"a":1},{"b":"#, "{\"a\":1}\n{\"b\":\n"),
            (r#"{"data":[{"a":1},{"b"#, "{\"a\":1}\n{\"b\n"),
        ] {
            assert_eq!(lines_of(text), lines, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reading_in_pieces_changes_nothing(text in "[\\[\\]{},:\"\\\\ \nda]{0,60}|(\\{\"data\":\\[\\{\"a\":\"[\\]}]\"\\}\\]\\},?){0,3}", size in 1_usize..5, room in 1_usize..5) {
            let mut slow = ObjectLines { piece_bytes: size, ..ObjectLines::new(text.as_bytes(), b"da") };
            let mut out = Vec::new();
            let mut piece = vec![0; room];
            loop {
                let count = slow.read(&mut piece).unwrap();
                if count == 0 {
                    break;
                }
                out.extend_from_slice(&piece[..count]);
            }
            let mut whole = Vec::new();
            ObjectLines::new(text.as_bytes(), b"da").read_to_end(&mut whole).unwrap();
            prop_assert_eq!(out, whole);
        }

        #[test]
        fn objects_come_out_as_they_went_in(keys in prop::collection::vec("[a-c\\[\\]{}\",:\n]{0,4}", 0..6), pretty: bool, as_array: bool) {
            let objects: Vec<serde_json::Value> = keys.iter().map(|key| serde_json::json!({key: [key, {"x": key}]})).collect();
            let text = |value: &serde_json::Value| if pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) }.unwrap();
            let whole = if as_array { text(&objects.clone().into()) } else { objects.iter().map(text).collect::<Vec<_>>().join("\n") };
            let back: Vec<serde_json::Value> = lines_of(&whole).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            prop_assert_eq!(back, objects);
        }
    }
}
