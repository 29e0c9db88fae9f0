//! JSON read where it stands: a cursor that walks over the text once, hands out what is asked for as slices of it and
//! skips the rest. Nothing is allocated, but for keys with escapes.
//!
//! All text that is walked over is checked: brackets match and commas and colons stand where they must; strings end, and their
//! escapes are JSON's; numbers and words are JSON's. Three things are taken that the standard (RFC 8259) warns of or does
//! not have, as some log writers leave them in: control characters inside strings, one key twice (the last value counts),
//! and `NaN`, `Infinity` and `-Infinity`, which Python writes for numbers without a value and which are read as `null`.

use memchr::memchr2;
use std::borrow::Cow;

/// Bounds the objects and arrays inside one another; deeper ones count as broken.
pub(crate) const DEEPEST: u32 = 128;

/// Describes the fault of a text that is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidJson(pub(crate) &'static str);

/// Holds a string as it stands between its quotes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text<'a> {
    /// The bytes between the quotes.
    pub(crate) raw: &'a [u8],
    /// Whether escapes are among them.
    pub(crate) escaped: bool,
}

/// Holds a value, whole; objects and arrays with their brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Text(Text<'a>),
    Object(&'a [u8]),
    Array(&'a [u8]),
    Number(&'a [u8]),
    Bool(bool),
    Null,
}

impl<'a> Value<'a> {
    /// Returns the string, where it is one.
    pub(crate) fn text(self) -> Option<Text<'a>> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the string, or the number as it is written.
    pub(crate) fn text_or_number(self) -> Option<Text<'a>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(digits) => Some(Text { raw: digits, escaped: false }),
            _ => None,
        }
    }

    /// Says what it is, where it is there and neither a string nor a number.
    pub(crate) const fn other_than_text(self) -> Option<&'static str> {
        match self {
            Self::Text(_) | Self::Number(_) | Self::Null => None,
            Self::Object(_) => Some("an object"),
            Self::Array(_) => Some("an array"),
            Self::Bool(_) => Some("true or false"),
        }
    }

    /// Returns an id: a string, or a number as it is written. A fraction of zeros is none: tools that hold whole numbers
    /// as others write `5.0` for 5.
    pub(crate) fn id(self) -> Option<Text<'a>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(digits) => Some(Text { raw: whole(digits), escaped: false }),
            _ => None,
        }
    }

    /// Returns the number, where it is one.
    pub(crate) fn number(self) -> Option<f64> {
        let Self::Number(digits) = self else { return None };
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// Returns a whole number from 0 up, written as a number or as text.
    pub(crate) fn whole_number(self) -> Option<u64> {
        std::str::from_utf8(whole(self.id()?.plain().trim_ascii())).ok()?.parse().ok()
    }
}

/// Returns a number without a fraction of zeros.
fn whole(digits: &[u8]) -> &[u8] {
    match memchr::memchr(b'.', digits) {
        Some(point) if digits[point + 1..].iter().all(|&digit| digit == b'0') => &digits[..point],
        _ => digits,
    }
}

impl<'a> Text<'a> {
    /// Returns the string itself, with its escapes resolved. For what is short, or not looked at in every line.
    #[inline]
    pub(crate) fn plain(self) -> Cow<'a, [u8]> {
        if !self.escaped {
            return Cow::Borrowed(self.raw);
        }
        let mut resolved = Vec::new();
        self.resolve(&mut resolved);
        Cow::Owned(resolved)
    }

    /// Returns the string itself: as it stands, or with its escapes resolved into `scratch`, whose contents are lost.
    /// Half of a surrogate pair becomes U+FFFD.
    pub(crate) fn resolve<'s>(self, scratch: &'s mut Vec<u8>) -> &'s [u8]
    where
        'a: 's,
    {
        if !self.escaped {
            return self.raw;
        }
        scratch.clear();
        let mut rest = self.raw;
        while let Some(at) = memchr::memchr(b'\\', rest) {
            scratch.extend_from_slice(&rest[..at]);
            // The cursor saw to it that something that may be escaped follows, and four hexadecimal digits after `u`.
            let sign = rest[at + 1];
            rest = &rest[at + 2..];
            match sign {
                b'b' => scratch.push(8),
                b'f' => scratch.push(12),
                b'n' => scratch.push(b'\n'),
                b'r' => scratch.push(b'\r'),
                b't' => scratch.push(b'\t'),
                b'u' => {
                    let (sign, after) = code_point(rest);
                    scratch.extend_from_slice(sign.encode_utf8(&mut [0; 4]).as_bytes());
                    rest = after;
                }
                itself => scratch.push(itself),
            }
        }
        scratch.extend_from_slice(rest);
        scratch
    }
}

/// Returns the character whose first `\u` stands just before `text`, and what follows it.
fn code_point(text: &[u8]) -> (char, &[u8]) {
    let unit = |digits: &[u8]| {
        digits.iter().fold(0, |value, &digit| value * 16 + char::from(digit).to_digit(16).unwrap_or_default())
    };
    let (first, rest) = (unit(&text[..4]), &text[4..]);
    if (0xd800..0xdc00).contains(&first) && rest.starts_with(b"\\u") {
        let second = unit(&rest[2..6]);
        if (0xdc00..0xe000).contains(&second) {
            let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), &rest[6..]);
        }
    }
    (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), rest)
}

/// Walks over one value's text.
pub(crate) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
    depth: u32,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    #[inline]
    fn next(&mut self) -> Option<u8> {
        while let Some(&byte) = self.text.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    fn enter(&mut self) -> Result<(), InvalidJson> {
        self.at += 1;
        self.depth += 1;
        if self.depth > DEEPEST { Err(InvalidJson("brackets inside brackets too deep")) } else { Ok(()) }
    }

    /// Tells whether the value that comes is an object.
    pub(crate) fn is_object(&mut self) -> bool {
        self.next() == Some(b'{')
    }

    /// Tells whether the value that comes is an array.
    pub(crate) fn is_array(&mut self) -> bool {
        self.next() == Some(b'[')
    }

    /// Checks that nothing comes any more.
    pub(crate) fn end(&mut self) -> Result<(), InvalidJson> {
        if self.next().is_none() { Ok(()) } else { Err(InvalidJson("something after its end")) }
    }

    /// Walks over the object that comes, and calls `take` at each of its values, with the key; `take` must walk over
    /// the value.
    #[inline]
    pub(crate) fn members(
        &mut self,
        mut take: impl FnMut(&[u8], &mut Self) -> Result<(), InvalidJson>,
    ) -> Result<(), InvalidJson> {
        if self.next() != Some(b'{') {
            return Err(InvalidJson("no object"));
        }
        self.enter()?;
        if self.next() == Some(b'}') {
            self.at += 1;
            self.depth -= 1;
            return Ok(());
        }
        loop {
            if self.next() != Some(b'"') {
                return Err(InvalidJson("no key where one must stand"));
            }
            let key = self.string()?;
            if self.next() != Some(b':') {
                return Err(InvalidJson("a key without a colon"));
            }
            self.at += 1;
            take(&key.plain(), self)?;
            match self.next() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                Some(_) => return Err(InvalidJson("no comma between members")),
                None => return Err(InvalidJson("an object that does not end")),
            }
        }
        self.at += 1;
        self.depth -= 1;
        Ok(())
    }

    /// Walks over the array that comes, and calls `take` at each of its values; `take` must walk over the value.
    pub(crate) fn elements(
        &mut self,
        mut take: impl FnMut(&mut Self) -> Result<(), InvalidJson>,
    ) -> Result<(), InvalidJson> {
        if self.next() != Some(b'[') {
            return Err(InvalidJson("no array"));
        }
        self.enter()?;
        if self.next() == Some(b']') {
            self.at += 1;
            self.depth -= 1;
            return Ok(());
        }
        loop {
            take(self)?;
            match self.next() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                Some(_) => return Err(InvalidJson("no comma between elements")),
                None => return Err(InvalidJson("an array that does not end")),
            }
        }
        self.at += 1;
        self.depth -= 1;
        Ok(())
    }

    /// Walks over the value that comes.
    #[inline]
    pub(crate) fn value(&mut self) -> Result<Value<'a>, InvalidJson> {
        let first = self.next();
        let start = self.at;
        Ok(match first {
            Some(b'"') => Value::Text(self.string()?),
            Some(b'{') => {
                self.members(|_, cursor| cursor.skip())?;
                Value::Object(&self.text[start..self.at])
            }
            Some(b'[') => {
                self.elements(Self::skip)?;
                Value::Array(&self.text[start..self.at])
            }
            Some(b't') => self.word(b"true", Value::Bool(true))?,
            Some(b'f') => self.word(b"false", Value::Bool(false))?,
            Some(b'n') => self.word(b"null", Value::Null)?,
            Some(b'-') if self.text[start..].starts_with(b"-Infinity") => self.word(b"-Infinity", Value::Null)?,
            Some(b'-' | b'0'..=b'9') => Value::Number(self.number()?),
            Some(b'N') => self.word(b"NaN", Value::Null)?,
            Some(b'I') => self.word(b"Infinity", Value::Null)?,
            Some(_) => return Err(InvalidJson("no value where one must stand")),
            None => return Err(InvalidJson("no value where it ends")),
        })
    }

    /// Walks over the value that comes, whatever it is.
    pub(crate) fn skip(&mut self) -> Result<(), InvalidJson> {
        // As `value` does, but most values are strings, and making a value of them takes longer than walking over them.
        match self.next() {
            Some(b'"') => self.string().map(|_| ()),
            Some(b'{') => self.members(|_, cursor| cursor.skip()),
            _ => self.value().map(|_| ()),
        }
    }

    #[inline]
    fn string(&mut self) -> Result<Text<'a>, InvalidJson> {
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            match find_sign(self.text, at) {
                None => return Err(InvalidJson("a string that does not end")),
                Some(found) => at = found,
            }
            if self.text[at] == b'"' {
                self.at = at + 1;
                return Ok(Text { raw: &self.text[start..at], escaped });
            }
            escaped = true;
            at += match self.text.get(at + 1) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
                Some(b'u')
                    if self.text.get(at + 2..at + 6).is_some_and(|four| four.iter().all(u8::is_ascii_hexdigit)) =>
                {
                    6
                }
                _ => return Err(InvalidJson("an escape that JSON does not know")),
            };
        }
    }

    fn word(&mut self, word: &[u8], value: Value<'a>) -> Result<Value<'a>, InvalidJson> {
        if !self.text[self.at..].starts_with(word) {
            return Err(InvalidJson("a word that JSON does not know"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<&'a [u8], InvalidJson> {
        const BAD: InvalidJson = InvalidJson("a number that is not JSON's");
        let start = self.at;
        let digit = |at: usize| self.text.get(at).is_some_and(u8::is_ascii_digit);
        let digits = |mut at: usize| {
            while digit(at) {
                at += 1;
            }
            at
        };
        let mut at = start + usize::from(self.text[start] == b'-');
        let whole = at;
        at = digits(at);
        if at == whole || (self.text[whole] == b'0' && at > whole + 1) {
            return Err(BAD);
        }
        if self.text.get(at) == Some(&b'.') {
            let fraction = at + 1;
            at = digits(fraction);
            if at == fraction {
                return Err(BAD);
            }
        }
        if matches!(self.text.get(at), Some(b'e' | b'E')) {
            let exponent = at + 1 + usize::from(matches!(self.text.get(at + 1), Some(b'+' | b'-')));
            at = digits(exponent);
            if at == exponent {
                return Err(BAD);
            }
        }
        self.at = at;
        Ok(&self.text[start..at])
    }
}

/// Tells where the first quote or backslash stands, from `at` on.
#[inline]
fn find_sign(text: &[u8], mut at: usize) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    // The lowest byte of these that is not zero is of the first byte of `word` that is zero.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    // Most strings are short: eight bytes at a time they end before a search for long ones would have begun.
    for _ in 0..4 {
        let Some(&eight) = text.get(at..).and_then(<[u8]>::first_chunk) else { break };
        let word = u64::from_le_bytes(eight);
        let found = zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    memchr2(b'"', b'\\', text.get(at..)?).map(|found| at + found)
}

/// Walks over a whole text that must be one object, as [`Cursor::members`] does.
pub(crate) fn object<'a>(
    text: &'a [u8],
    take: impl FnMut(&[u8], &mut Cursor<'a>) -> Result<(), InvalidJson>,
) -> Result<(), InvalidJson> {
    let mut cursor = Cursor::new(text);
    cursor.members(take)?;
    cursor.end()
}

#[cfg(test)]
mod tests;
