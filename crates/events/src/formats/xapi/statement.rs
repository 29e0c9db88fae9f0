//! Parses a statement of xAPI.

use std::sync::Arc;

use super::kinds::{Kinds, Object};
use crate::event::ObjectKey;
use crate::formats::course_ids::{course_path, decoded};
use crate::formats::statements::{
    Content, EnrolmentChange, Interaction, Statement, StatementParser, Unusable, resolved,
};
use crate::json::{self, Cursor, InvalidJson, Text, Value};
use crate::kind::Detail;
use crate::tally::{Reason, shape};
use crate::time::parse_instant;

/// An activity, as object or context.
#[derive(Clone, Copy, Debug, Default)]
struct Thing<'a> {
    id: Option<Text<'a>>,
    kind: Option<Text<'a>>,
}

impl<'a> Thing<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, InvalidJson> {
        let mut thing = Self::default();
        cursor.members(|key, cursor| {
            match key {
                b"id" => thing.id = cursor.value()?.text(),
                b"definition" if cursor.is_object() => cursor.members(|key, cursor| {
                    match key {
                        b"type" => thing.kind = cursor.value()?.text(),
                        _ => cursor.skip()?,
                    }
                    Ok(())
                })?,
                _ => cursor.skip()?,
            }
            Ok(())
        })?;
        Ok(thing)
    }

    fn is_course(&self) -> bool {
        last_word(self.kind.map(|kind| kind.raw).unwrap_or_default()) == b"course"
    }
}

/// Returns the last word of an IRI.
fn last_word(iri: &[u8]) -> &[u8] {
    let end = iri.len() - iri.iter().rev().take_while(|&&byte| byte == b'/').count();
    let iri = &iri[..end];
    let start = iri.iter().rposition(|&byte| matches!(byte, b'/' | b'#' | b':')).map_or(0, |place| place + 1);
    &iri[start..]
}

/// The members of a statement that count.
#[derive(Clone, Copy, Debug, Default)]
struct Members<'a> {
    id: Option<Text<'a>>,
    account: Option<Text<'a>>,
    other_id: Option<Text<'a>>,
    verb: Option<Text<'a>>,
    object: Thing<'a>,
    timestamp: Option<Text<'a>>,
    stored: Option<Text<'a>>,
    success: Option<bool>,
    vote: Option<Text<'a>>,
    /// The first activity of the context that is a course by its type, and the first whose id names one.
    course: Option<Text<'a>>,
    course_by_id: Option<Text<'a>>,
}

impl<'a> Members<'a> {
    fn parse(line: &'a [u8]) -> Result<Self, InvalidJson> {
        let mut members = Self::default();
        json::object(line, |key, cursor| {
            match key {
                b"id" => members.id = cursor.value()?.text(),
                b"actor" if cursor.is_object() => members.actor(cursor)?,
                b"verb" if cursor.is_object() => members.verb = member(cursor, b"id")?.and_then(Value::text),
                b"object" if cursor.is_object() => members.object = Thing::read(cursor)?,
                b"timestamp" => members.timestamp = cursor.value()?.text(),
                b"stored" => members.stored = cursor.value()?.text(),
                b"result" if cursor.is_object() => {
                    members.success = match member(cursor, b"success")? {
                        Some(Value::Bool(success)) => Some(success),
                        _ => None,
                    }
                }
                b"context" if cursor.is_object() => members.context(cursor)?,
                _ => cursor.skip()?,
            }
            Ok(())
        })?;
        Ok(members)
    }

    fn actor(&mut self, cursor: &mut Cursor<'a>) -> Result<(), InvalidJson> {
        cursor.members(|key, cursor| {
            match key {
                b"account" if cursor.is_object() => self.account = member(cursor, b"name")?.and_then(Value::text),
                b"mbox" | b"mbox_sha1sum" | b"openid" => self.other_id = cursor.value()?.text(),
                _ => cursor.skip()?,
            }
            Ok(())
        })
    }

    fn context(&mut self, cursor: &mut Cursor<'a>) -> Result<(), InvalidJson> {
        cursor.members(|key, cursor| {
            match key {
                b"contextActivities" if cursor.is_object() => cursor.members(|key, cursor| {
                    match key {
                        b"parent" | b"grouping" if cursor.is_array() => {
                            cursor.elements(|cursor| self.around(cursor))?;
                        }
                        b"parent" | b"grouping" => self.around(cursor)?,
                        _ => cursor.skip()?,
                    }
                    Ok(())
                })?,
                b"extensions" if cursor.is_object() => {
                    let vote = member(cursor, b"https://w3id.org/xapi/acrossx/extensions/type")?;
                    self.vote = vote.and_then(Value::text);
                }
                _ => cursor.skip()?,
            }
            Ok(())
        })
    }

    /// Looks at an activity of the context.
    fn around(&mut self, cursor: &mut Cursor<'a>) -> Result<(), InvalidJson> {
        if !cursor.is_object() {
            return cursor.skip();
        }
        let thing = Thing::read(cursor)?;
        if thing.is_course() && self.course.is_none() {
            self.course = thing.id;
        }
        if self.course_by_id.is_none() && thing.id.is_some_and(|id| course_path(id.raw).is_some()) {
            self.course_by_id = thing.id;
        }
        Ok(())
    }
}

/// Returns the value of one member of the object that comes.
fn member<'a>(cursor: &mut Cursor<'a>, name: &[u8]) -> Result<Option<Value<'a>>, InvalidJson> {
    let mut found = None;
    cursor.members(|key, cursor| {
        let value = cursor.value()?;
        if key == name {
            found = Some(value);
        }
        Ok(())
    })?;
    Ok(found)
}

/// Room for the texts of a statement that are not written as they are meant.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    id: Vec<u8>,
    learner: Vec<u8>,
    verb: Vec<u8>,
    time: Vec<u8>,
    course: Vec<u8>,
    decoded: Vec<u8>,
    object: Vec<u8>,
    kind: Vec<u8>,
}

/// Parses xAPI statements.
#[derive(Clone)]
pub(super) struct XapiStatements {
    pub(super) kinds: Arc<Kinds>,
}

impl StatementParser for XapiStatements {
    type Scratch = Scratch;

    fn parse<'l>(&self, line: &'l [u8], scratch: &'l mut Scratch) -> Result<Statement<'l>, Unusable> {
        let members = Members::parse(line)?;
        let verb = last_word(resolved(members.verb, &mut scratch.verb));
        if verb.is_empty() {
            return Err(Unusable::new(Reason::Malformed, "no statement: it has no verb"));
        }
        let learner = resolved(members.account.or(members.other_id), &mut scratch.learner);
        if learner.is_empty() {
            return Err(Unusable::new(Reason::NoLearner, "no actor with an id of its own"));
        }
        let on_course = members.object.is_course();
        let own = members.object.id.filter(|_| on_course);
        let course = resolved(own.or(members.course).or(members.course_by_id), &mut scratch.course);
        if course.is_empty() {
            return Err(Unusable::new(Reason::NoCourse, "no course"));
        }
        let course = course_path(decoded(course, &mut scratch.decoded)).map_or(course, |path| path.course);
        let time = resolved(members.timestamp.or(members.stored), &mut scratch.time);
        let Some(instant) = parse_instant(time) else {
            let what = format!("timestamp of shape `{}` is not YYYY-MM-DDTHH:MM:SS", shape(time));
            return Err(Unusable::new(Reason::BadTime, what));
        };
        let change = match verb {
            b"registered" | b"enrolled" if on_course => Some(EnrolmentChange::Enrolled),
            b"unregistered" | b"unenrolled" if on_course => Some(EnrolmentChange::Withdrew),
            b"passed" | b"completed" if on_course => Some(EnrolmentChange::Completed),
            _ => None,
        };
        let object = resolved(members.object.id, &mut scratch.object);
        let kind = self.kind(
            verb,
            Object::from_type(last_word(resolved(members.object.kind, &mut scratch.kind))),
            object,
            &members,
        );
        let interaction =
            Interaction { learner, number: None, kind, object: ObjectKey::from_id(object), received: None };
        Ok(Statement {
            course,
            instant,
            id: resolved(members.id, &mut scratch.id),
            content: Content::new(interaction, change),
        })
    }
}

impl XapiStatements {
    fn kind(&self, verb: &[u8], acted_on: Object, object: &[u8], members: &Members<'_>) -> u8 {
        let detail = match verb {
            b"evaluated" | b"answered" => match members.success {
                Some(true) => Some(Detail::AttemptRight),
                Some(false) => Some(Detail::AttemptWrong),
                None => Some(Detail::Attempt),
            },
            b"played" => Some(Detail::VideoPlayed),
            b"replied" | b"commented" => Some(Detail::Response),
            b"posted" | b"created" if acted_on == Object::Talk => {
                let is_answer = memchr::memmem::find(object, b"/comments/").is_some();
                Some(if is_answer { Detail::Response } else { Detail::Post })
            }
            b"liked" => Some(Detail::UpvoteGiven),
            b"voted" => match members.vote.map(|vote| vote.raw) {
                Some(b"up") => Some(Detail::UpvoteGiven),
                Some(b"down") => Some(Detail::DownvoteGiven),
                _ => None,
            },
            _ => None,
        };
        detail.map_or_else(|| self.kinds.find(verb, acted_on), |detail| self.kinds.with_detail(detail))
    }
}
