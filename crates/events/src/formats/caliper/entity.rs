//! Entities in an event of Caliper: who, what and where.

use std::borrow::Cow;

use crate::formats::course_ids::course_path;
use crate::json::{Cursor, InvalidJson, Text, Value};

/// Describes an entity: an object with an id and a type, or its id alone.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Entity<'a> {
    pub(super) id: Option<Text<'a>>,
    pub(super) kind: Option<Text<'a>>,
    /// Id of the nearest course that it is part of, or itself.
    pub(super) course: Option<Text<'a>>,
    /// Id of the nearest organisation that it is part of, of which nothing but the id is said.
    pub(super) untyped: Option<Text<'a>>,
    /// The task attempted, where it is an attempt.
    pub(super) assignable: Option<Text<'a>>,
    /// Whoever attempted it.
    pub(super) assignee: Option<Text<'a>>,
    /// Whether it answers another.
    pub(super) replies: bool,
}

impl<'a> Entity<'a> {
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, InvalidJson> {
        if !cursor.is_object() {
            return Ok(Self::of_id(cursor.value()?.id()));
        }
        let mut entity = Self::default();
        let mut around = None;
        cursor.members(|key, cursor| {
            match key {
                b"id" | b"@id" => entity.id = cursor.value()?.id(),
                b"type" | b"@type" => entity.kind = read_type(cursor)?,
                b"isPartOf" => around = Self::read(cursor)?.course.or(around),
                b"subOrganizationOf" | b"organization" => {
                    let whole = Self::read(cursor)?;
                    around = whole.course.or(around);
                    entity.untyped = whole.untyped.or(whole.id.filter(|_| whole.type_word().is_empty()));
                }
                b"assignable" => entity.assignable = Self::read(cursor)?.id,
                b"assignee" => entity.assignee = Self::read(cursor)?.id,
                b"replyTo" => entity.replies = cursor.value()? != Value::Null,
                b"extensions" if cursor.is_object() => {
                    let inner = Self::read(cursor)?;
                    around = around.or(inner.course);
                    entity.assignable = entity.assignable.or(inner.assignable);
                    entity.assignee = entity.assignee.or(inner.assignee);
                }
                _ => cursor.skip()?,
            }
            Ok(())
        })?;
        entity.course = if entity.is_course() { entity.id } else { around };
        // What an organisation is part of is no course.
        entity.untyped = entity.untyped.filter(|_| !entity.is_organisation());
        Ok(entity)
    }

    /// Makes an entity of which nothing but the id is said.
    pub(super) fn of_id(id: Option<Text<'a>>) -> Self {
        Self { id, ..Self::default() }
    }

    /// Returns the last word of its type; empty where none is said.
    pub(super) fn type_word(&self) -> Cow<'a, [u8]> {
        match self.kind.unwrap_or_default().plain() {
            Cow::Borrowed(kind) => Cow::Borrowed(last_word(kind)),
            Cow::Owned(kind) => Cow::Owned(last_word(&kind).to_vec()),
        }
    }

    /// Tells whether it is a course by its type, or by an id that leads to a course of Open edX.
    pub(super) fn is_course(&self) -> bool {
        is_course_type(&self.type_word())
            || (self.is_organisation() && self.id.is_some_and(|id| course_path(&id.plain()).is_some()))
    }

    /// Tells whether it is an organisation, such as a university or a department, which is no course.
    fn is_organisation(&self) -> bool {
        [&b"Organization"[..], b"Department"].iter().any(|word| word.eq_ignore_ascii_case(&self.type_word()))
    }

    /// Tells whether the id is that of a part of a course of Open edX.
    pub(super) fn is_block(&self) -> bool {
        memchr::memmem::find(&self.id.unwrap_or_default().plain(), b"/xblock/").is_some()
    }
}

/// Tells whether this type is that of a course.
fn is_course_type(word: &[u8]) -> bool {
    [&b"CourseSection"[..], b"CourseOffering", b"Course"].iter().any(|course| course.eq_ignore_ascii_case(word))
}

/// Returns a type: of several the first, but that of a course before others.
pub(super) fn read_type<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Text<'a>>, InvalidJson> {
    if !cursor.is_array() {
        return Ok(cursor.value()?.text());
    }
    let mut first = None;
    cursor.elements(|cursor| {
        let text = cursor.value()?.text();
        let is_course = |text: &Text<'_>| is_course_type(last_word(&text.plain()));
        first = text.filter(is_course).filter(|_| !first.as_ref().is_some_and(is_course)).or(first).or(text);
        Ok(())
    })?;
    Ok(first)
}

/// Returns the last word of a type or action: version 1.0 writes them as IRIs, whole or with a prefix.
pub(super) fn last_word(text: &[u8]) -> &[u8] {
    &text[text.iter().rposition(|&byte| matches!(byte, b'/' | b'#' | b':')).map_or(0, |place| place + 1)..]
}
