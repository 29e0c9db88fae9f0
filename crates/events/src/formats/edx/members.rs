//! The members of a line of a tracking log that count.

use crate::json::{self, Cursor, InvalidJson, Text, Value};

/// Bounds the characters of a request's parameters: requests are cut after as many, in the middle of the JSON.
const CUT_REQUEST_CHARS: usize = 512;

/// Holds the members of a line that count. `None` where there is none, or something that is not text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Members<'a> {
    pub(super) username: Option<Text<'a>>,
    pub(super) source: Option<Text<'a>>,
    pub(super) event_type: Option<Text<'a>>,
    pub(super) name: Option<Text<'a>>,
    pub(super) time: Option<Text<'a>>,
    pub(super) page: Option<Text<'a>>,
    pub(super) host: Option<Text<'a>>,
    pub(super) event: Option<Event<'a>>,
    pub(super) context: Context<'a>,
    pub(super) timestamp: Option<Text<'a>>,
    pub(super) data: Option<Event<'a>>,
    /// Names what stands in place of the text of a time.
    pub(super) odd_time: Option<&'static str>,
}

/// Holds the members of `context` that count.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Context<'a> {
    pub(super) course: Option<Text<'a>>,
    pub(super) user_id: Option<u64>,
    pub(super) username: Option<Text<'a>>,
    pub(super) source: Option<Text<'a>>,
    pub(super) event_type: Option<Text<'a>>,
    pub(super) page: Option<Text<'a>>,
    pub(super) host: Option<Text<'a>>,
    pub(super) timestamp: Option<Text<'a>>,
}

/// Holds the member `event` of a line.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, on the stack")]
pub(super) enum Event<'a> {
    Members(Data<'a>),
    /// The same in a string, or something else.
    Text(Text<'a>),
}

impl<'a> Members<'a> {
    pub(super) fn parse(line: &'a [u8]) -> Result<Self, InvalidJson> {
        let mut members = Self::default();
        json::object(line, |key, cursor| {
            match key {
                b"username" => members.username = cursor.value()?.id(),
                b"event_source" => members.source = cursor.value()?.text(),
                b"event_type" => members.event_type = cursor.value()?.text(),
                b"name" => members.name = cursor.value()?.text(),
                b"time" => {
                    let value = cursor.value()?;
                    (members.time, members.odd_time) =
                        (value.text_or_number(), value.other_than_text().or(members.odd_time));
                }
                b"page" => members.page = cursor.value()?.text(),
                b"host" => members.host = cursor.value()?.text(),
                b"event" => members.event = Event::read(cursor)?,
                b"context" if cursor.is_object() => members.context = Context::read(cursor)?,
                b"timestamp" => {
                    let value = cursor.value()?;
                    (members.timestamp, members.odd_time) =
                        (value.text_or_number(), value.other_than_text().or(members.odd_time));
                }
                b"data" => members.data = Event::read(cursor)?,
                _ => cursor.skip()?,
            }
            Ok(())
        })?;
        Ok(members.in_log_form())
    }

    /// Returns the members as the platform writes them into its logs: an event in the form that event-tracking gives it
    /// (`name`, `timestamp`, `data`, `context`) gets the names that the log has for them.
    fn in_log_form(self) -> Self {
        if self.data.is_none() || self.event.is_some() || self.time.is_some() {
            return Self { username: given(self.username).or(self.context.username), ..self };
        }
        let context = self.context;
        Self {
            username: given(self.username).or(context.username),
            source: self.source.or(context.source).or(Some(Text { raw: b"server", escaped: false })),
            event_type: self.event_type.or(context.event_type).or(self.name),
            time: context.timestamp.or(self.timestamp),
            page: self.page.or(context.page),
            host: self.host.or(context.host),
            event: self.data,
            ..self
        }
    }
}

impl<'a> Context<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, InvalidJson> {
        let mut context = Self::default();
        cursor.members(|key, cursor| {
            match key {
                b"course_id" => context.course = cursor.value()?.text(),
                b"user_id" => context.user_id = cursor.value()?.whole_number(),
                b"username" => context.username = cursor.value()?.id(),
                b"event_source" => context.source = cursor.value()?.text(),
                b"event_type" => context.event_type = cursor.value()?.text(),
                b"page" => context.page = cursor.value()?.text(),
                b"host" => context.host = cursor.value()?.text(),
                b"timestamp" => context.timestamp = cursor.value()?.text(),
                _ => cursor.skip()?,
            }
            Ok(())
        })?;
        Ok(context)
    }
}

impl<'a> Event<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Option<Self>, InvalidJson> {
        if cursor.is_object() {
            return Ok(Some(Self::Members(Data::read(cursor)?)));
        }
        Ok(cursor.value()?.text().map(Event::Text))
    }
}

/// Returns a text that is not blank.
fn given(text: Option<Text<'_>>) -> Option<Text<'_>> {
    text.filter(|text| !text.raw.trim_ascii().is_empty())
}

/// Holds the members of `event` that count.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Data<'a> {
    pub(super) problem_id: Option<Text<'a>>,
    pub(super) problem: Option<Text<'a>>,
    pub(super) id: Option<Text<'a>>,
    pub(super) chapter: Option<Text<'a>>,
    pub(super) success: Option<Text<'a>>,
    pub(super) vote: Option<Text<'a>>,
    pub(super) undo: bool,
    pub(super) target: Option<Text<'a>>,
    pub(super) course: Option<Text<'a>>,
    pub(super) user_id: Option<u64>,
    pub(super) username: Option<Text<'a>>,
}

impl<'a> Data<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, InvalidJson> {
        let mut data = Self::default();
        cursor.members(|key, cursor| {
            match key {
                b"problem_id" => data.problem_id = cursor.value()?.text(),
                b"problem" => data.problem = cursor.value()?.text(),
                b"id" => data.id = cursor.value()?.text(),
                b"chapter" => data.chapter = cursor.value()?.text(),
                b"success" => data.success = cursor.value()?.text(),
                b"vote_value" => data.vote = cursor.value()?.text(),
                b"undo_vote" => data.undo = cursor.value()? == Value::Bool(true),
                b"target_username" => data.target = cursor.value()?.text(),
                b"course_id" => data.course = cursor.value()?.text(),
                b"user_id" => data.user_id = cursor.value()?.whole_number(),
                b"username" => data.username = cursor.value()?.id(),
                _ => cursor.skip()?,
            }
            Ok(())
        })?;
        Ok(data)
    }

    /// Returns the members of `event`, as edX's pipeline gets at them: none where it gives up on them. `room` takes the
    /// text of those that are written as a string.
    pub(super) fn within(event: Option<Event<'a>>, room: &'a mut Vec<u8>) -> Option<Self> {
        match event? {
            Event::Members(data) => Some(data),
            Event::Text(text) if text.raw.is_empty() => Some(Self::default()),
            Event::Text(text) => {
                let inner = text.resolve(room);
                let chars = || String::from_utf8_lossy(inner).chars().count();
                let is_cut = inner.len() >= CUT_REQUEST_CHARS
                    && memchr::memmem::find(inner, b"POST").is_some()
                    && chars() == CUT_REQUEST_CHARS;
                let mut cursor = Cursor::new(inner);
                Self::read(&mut cursor).and_then(|data| cursor.end().map(|()| data)).ok().filter(|_| !is_cut)
            }
        }
    }

    /// Returns the object acted on.
    pub(super) fn object(&self) -> Option<Text<'a>> {
        [self.problem_id, self.problem, self.id, self.chapter].into_iter().flatten().find(|text| !text.raw.is_empty())
    }
}
