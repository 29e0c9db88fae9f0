//! Parses an event of Caliper.

use std::sync::Arc;

use super::kinds::Kinds;
use crate::event::ObjectKey;
use crate::formats::course_ids::{course_path, decoded};
use crate::formats::statements::{
    Content, EnrolmentChange, Interaction, Statement, StatementParser, Unusable, resolved,
};
use crate::json::{self, Cursor, InvalidJson, Text, Value};
use crate::kind::Detail;
use crate::tally::{Reason, shape};
use crate::time::parse_instant;

/// An entity: an object with an id and a type, or its id alone.
#[derive(Clone, Copy, Debug, Default)]
struct Entity<'a> {
    id: Option<Text<'a>>,
    kind: Option<Text<'a>>,
    /// Id of the nearest course that it is part of, or itself.
    course: Option<Text<'a>>,
    /// The task attempted, where it is an attempt.
    assignable: Option<Text<'a>>,
    /// Whether it answers another.
    replies: bool,
}

fn is_course(kind: Option<Text<'_>>) -> bool {
    matches!(kind.unwrap_or_default().raw, b"CourseSection" | b"CourseOffering" | b"Course")
}

impl<'a> Entity<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, InvalidJson> {
        let mut entity = Self::default();
        if !cursor.is_object() {
            entity.id = cursor.value()?.text();
            return Ok(entity);
        }
        let mut around = None;
        cursor.members(|key, cursor| {
            match key {
                b"id" | b"@id" => entity.id = cursor.value()?.text(),
                b"type" | b"@type" => entity.kind = cursor.value()?.text(),
                b"isPartOf" | b"subOrganizationOf" => around = Self::read(cursor)?.course.or(around),
                b"assignable" => entity.assignable = Self::read(cursor)?.id,
                b"replyTo" => entity.replies = cursor.value()? != Value::Null,
                b"extensions" if cursor.is_object() => {
                    let inner = Self::read(cursor)?;
                    around = around.or(inner.course);
                    entity.assignable = entity.assignable.or(inner.assignable);
                }
                _ => cursor.skip()?,
            }
            Ok(())
        })?;
        entity.course = if is_course(entity.kind) { entity.id } else { around };
        Ok(entity)
    }
}

/// Points of a score.
#[derive(Clone, Copy, Debug, Default)]
struct Score {
    given: Option<f64>,
    most: Option<f64>,
    success: Option<bool>,
}

impl Score {
    fn read(&mut self, cursor: &mut Cursor<'_>) -> Result<(), InvalidJson> {
        if !cursor.is_object() {
            return cursor.skip();
        }
        cursor.members(|key, cursor| {
            match key {
                b"scoreGiven" => self.given = points(cursor.value()?),
                b"maxScore" => self.most = points(cursor.value()?),
                b"success" => {
                    self.success = match cursor.value()? {
                        Value::Bool(success) => Some(success),
                        Value::Text(text) if text.raw.eq_ignore_ascii_case(b"true") => Some(true),
                        Value::Text(text) if text.raw.eq_ignore_ascii_case(b"false") => Some(false),
                        _ => None,
                    }
                }
                b"score" | b"extensions" => self.read(cursor)?,
                _ => cursor.skip()?,
            }
            Ok(())
        })
    }

    fn detail(self) -> Detail {
        let full = self.given.zip(self.most).filter(|(_, most)| *most > 0.0).map(|(given, most)| given >= most);
        match self.success.or(full) {
            Some(true) => Detail::AttemptRight,
            Some(false) => Detail::AttemptWrong,
            None => Detail::Attempt,
        }
    }
}

fn points(value: Value<'_>) -> Option<f64> {
    let Value::Number(digits) = value else { return None };
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The members of an event that count.
#[derive(Clone, Copy, Debug, Default)]
struct Members<'a> {
    id: Option<Text<'a>>,
    kind: Option<Text<'a>>,
    action: Option<Text<'a>>,
    actor: Entity<'a>,
    object: Entity<'a>,
    group: Entity<'a>,
    time: Option<Text<'a>>,
    score: Score,
    by_open_edx: bool,
}

impl<'a> Members<'a> {
    fn parse(line: &'a [u8]) -> Result<Self, InvalidJson> {
        let mut members = Self::default();
        json::object(line, |key, cursor| {
            match key {
                b"id" => members.id = cursor.value()?.text(),
                b"type" | b"@type" => members.kind = cursor.value()?.text(),
                b"action" => members.action = cursor.value()?.text(),
                b"actor" => members.actor = Entity::read(cursor)?,
                b"object" => members.object = Entity::read(cursor)?,
                b"group" => members.group = Entity::read(cursor)?,
                b"eventTime" => members.time = cursor.value()?.text(),
                b"generated" => members.score.read(cursor)?,
                b"extensions" if cursor.is_object() => cursor.members(|key, cursor| {
                    let value = cursor.value()?;
                    if key == b"transformerVersion" {
                        let version = value.text().unwrap_or_default();
                        members.by_open_edx = version.raw.starts_with(b"event-routing-backends");
                    }
                    Ok(())
                })?,
                _ => cursor.skip()?,
            }
            Ok(())
        })?;
        Ok(members)
    }

    /// Returns the course's id: of the group, or what the object is part of. A group of which nothing but the id is
    /// said is taken for a course where there is no other.
    fn course(&self) -> Option<Text<'a>> {
        let untyped = self.group.id.filter(|_| self.group.kind.is_none());
        self.group.course.or(self.object.course).or(untyped)
    }
}

/// Returns the last word of a type or action: version 1.0 writes them as IRIs.
fn last_word(text: &[u8]) -> &[u8] {
    &text[text.iter().rposition(|&byte| matches!(byte, b'/' | b'#')).map_or(0, |place| place + 1)..]
}

/// Room for the texts of an event that are not written as they are meant.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    id: Vec<u8>,
    kind: Vec<u8>,
    action: Vec<u8>,
    learner: Vec<u8>,
    time: Vec<u8>,
    course: Vec<u8>,
    decoded: Vec<u8>,
    object: Vec<u8>,
}

/// Parses events of Caliper.
#[derive(Clone)]
pub(super) struct CaliperEvents {
    pub(super) kinds: Arc<Kinds>,
}

impl StatementParser for CaliperEvents {
    type Scratch = Scratch;

    fn parse<'l>(&self, line: &'l [u8], scratch: &'l mut Scratch) -> Result<Statement<'l>, Unusable> {
        let members = Members::parse(line)?;
        let event = last_word(resolved(members.kind, &mut scratch.kind));
        let action = last_word(resolved(members.action, &mut scratch.action));
        if event.is_empty() || action.is_empty() {
            return Err(Unusable::new(Reason::Malformed, "no event: it has no type or no action"));
        }
        let learner = resolved(members.actor.id, &mut scratch.learner);
        if learner.is_empty() || !matches!(members.actor.kind.map(|kind| kind.raw), None | Some(b"Person")) {
            return Err(Unusable::new(Reason::NoLearner, "its actor is no person with an id"));
        }
        let course = resolved(members.course(), &mut scratch.course);
        if course.is_empty() {
            return Err(Unusable::new(Reason::NoCourse, "no course"));
        }
        let course = course_path(decoded(course, &mut scratch.decoded)).map_or(course, |path| path.course);
        let time = resolved(members.time, &mut scratch.time);
        let Some(instant) = parse_instant(time) else {
            let what = format!("eventTime of shape `{}` is not YYYY-MM-DDTHH:MM:SS", shape(time));
            return Err(Unusable::new(Reason::BadTime, what));
        };
        let change = match action {
            _ if event != b"Event" || !is_course(members.object.kind) => None,
            b"Activated" => Some(EnrolmentChange::Enrolled),
            b"Deactivated" => Some(EnrolmentChange::Withdrew),
            b"Completed" => Some(EnrolmentChange::Completed),
            _ => None,
        };
        let detail = match (event, action) {
            (b"GradeEvent", b"Graded") => Some(members.score.detail()),
            (b"MediaEvent", b"Started") if members.by_open_edx => None,
            (b"MediaEvent", b"Started" | b"Restarted" | b"Resumed") => Some(Detail::VideoPlayed),
            (b"MessageEvent", b"Posted") if members.object.replies => Some(Detail::Response),
            (b"MessageEvent", b"Posted") => Some(Detail::Post),
            _ => None,
        };
        let kind = detail.map_or_else(|| self.kinds.find(event, action), |detail| self.kinds.with_detail(detail));
        let object = resolved(members.object.assignable.or(members.object.id), &mut scratch.object);
        let interaction =
            Interaction { learner, number: None, kind, object: ObjectKey::from_id(object), received: None };
        let id = resolved(members.id, &mut scratch.id);
        Ok(Statement { course, instant, id, content: Content::new(interaction, change) })
    }
}
