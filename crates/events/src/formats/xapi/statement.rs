//! Parses a statement of xAPI.

use std::sync::Arc;

use super::kinds::{Kinds, Object};
use crate::cells::is_missing;
use crate::event::ObjectKey;
use crate::formats::course_ids::{course_path, decoded};
use crate::formats::statements::{
    AttemptRole, Content, EnrolmentChange, GroupMember, Interaction, Learner, Line, Others, Part, Statement,
    StatementParser, Unusable, resolved, site, with_small_host,
};
use crate::json::{self, Cursor, InvalidJson, Text, Value};
use crate::kind::Detail;
use crate::tally::Reason;
use crate::time::parse_logged_instant;

/// Describes an activity, as object or context.
#[derive(Clone, Copy, Debug, Default)]
struct Thing<'a> {
    id: Option<Text<'a>>,
    kind: Option<Text<'a>>,
    /// Whether it is a problem of several parts, as Open edX writes it.
    is_group: bool,
}

impl<'a> Thing<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, InvalidJson> {
        let mut thing = Self::default();
        cursor.members(|key, cursor| {
            match key {
                b"id" => thing.id = cursor.value()?.text(),
                b"objectType" => {
                    let kind = cursor.value()?.text().unwrap_or_default();
                    thing.is_group = kind.plain().eq_ignore_ascii_case(b"GroupActivity");
                }
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
        last_word(&self.kind.unwrap_or_default().plain()).eq_ignore_ascii_case(b"course")
    }

    /// Tells whether it is one problem, and no quiz of several.
    fn is_problem(&self) -> bool {
        let kind = self.kind.unwrap_or_default().plain();
        let kind = last_word(&kind);
        self.is_group || kind.eq_ignore_ascii_case(b"question") || kind.eq_ignore_ascii_case(b"cmi.interaction")
    }

    /// Tells whether the id is that of a part of a course of Open edX.
    fn is_block(&self) -> bool {
        let id = self.id.unwrap_or_default().plain();
        [&b"/xblock/"[..], b"block-v1:", b"i4x:"].iter().any(|part| memchr::memmem::find(&id, part).is_some())
    }
}

/// Describes an agent or a group, as actor.
#[derive(Clone, Copy, Debug, Default)]
struct Agent<'a> {
    is_group: bool,
    home_page: Option<Text<'a>>,
    account: Option<Text<'a>>,
    other_id: Option<Text<'a>>,
    /// The list of a group's members.
    members: Option<&'a [u8]>,
}

impl<'a> Agent<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, InvalidJson> {
        let mut agent = Self::default();
        cursor.members(|key, cursor| {
            match key {
                b"objectType" => {
                    let kind = cursor.value()?.text().unwrap_or_default();
                    agent.is_group = kind.plain().eq_ignore_ascii_case(b"Group");
                }
                b"account" if cursor.is_object() => cursor.members(|key, cursor| {
                    match key {
                        b"name" => agent.account = given(cursor.value()?.id()),
                        b"homePage" => agent.home_page = given(cursor.value()?.text()),
                        _ => cursor.skip()?,
                    }
                    Ok(())
                })?,
                b"mbox" | b"mbox_sha1sum" | b"openid" => {
                    agent.other_id = given(cursor.value()?.text()).or(agent.other_id);
                }
                b"member" => {
                    if let Value::Array(members) = cursor.value()? {
                        agent.members = Some(members);
                    }
                }
                _ => cursor.skip()?,
            }
            Ok(())
        })?;
        // Only a group has members, and one without an id of its own needs nothing else.
        agent.is_group |= agent.members.is_some() && agent.account.or(agent.other_id).is_none();
        Ok(agent)
    }

    /// Returns the agent as a learner, by an account or else another id.
    fn learner<'s>(&self, rooms: &'s mut AgentRooms) -> Option<Learner<'s>>
    where
        'a: 's,
    {
        let AgentRooms { name, home_page, in_small } = rooms;
        let name = resolved(self.account.or(self.other_id), name);
        if is_missing(name) || name.is_empty() {
            return None;
        }
        if self.account.is_none() {
            return Some(Learner::Named(with_small_host(name, in_small)));
        }
        Some(match site(resolved(self.home_page, home_page), in_small) {
            b"" => Learner::Named(name),
            site => Learner::Account { site, name },
        })
    }

    /// Lists the members of a group that have ids, each once, into `list`.
    fn list_members(&self, list: &mut Vec<GroupMember>) -> Result<(), InvalidJson> {
        list.clear();
        let Some(members) = self.members else { return Ok(()) };
        Cursor::new(members).elements(|cursor| {
            if !cursor.is_object() {
                return cursor.skip();
            }
            let mut rooms = AgentRooms::default();
            let member = match Agent::read(cursor)?.learner(&mut rooms) {
                Some(Learner::Account { site, name }) => GroupMember { site: Some(site.to_vec()), name: name.to_vec() },
                Some(Learner::Named(name)) => GroupMember { site: None, name: name.to_vec() },
                Some(Learner::Numbered(_)) | None => return Ok(()),
            };
            if !list.contains(&member) {
                list.push(member);
            }
            Ok(())
        })
    }
}

/// Keeps room for what an agent is called.
#[derive(Debug, Default)]
struct AgentRooms {
    name: Vec<u8>,
    home_page: Vec<u8>,
    in_small: Vec<u8>,
}

/// Returns a text that is not blank.
fn given(text: Option<Text<'_>>) -> Option<Text<'_>> {
    text.filter(|text| !text.raw.trim_ascii().is_empty())
}

/// Returns the last word of an IRI.
fn last_word(iri: &[u8]) -> &[u8] {
    let end = iri.len() - iri.iter().rev().take_while(|&&byte| matches!(byte, b'/' | b'#')).count();
    let iri = &iri[..end];
    let start = iri.iter().rposition(|&byte| matches!(byte, b'/' | b'#' | b':')).map_or(0, |place| place + 1);
    &iri[start..]
}

/// Holds the result of a statement.
#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    success: Option<bool>,
    raw: Option<f64>,
    most: Option<f64>,
}

impl Outcome {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, InvalidJson> {
        let mut outcome = Self::default();
        cursor.members(|key, cursor| {
            match key {
                b"success" => {
                    outcome.success = match cursor.value()? {
                        Value::Bool(success) => Some(success),
                        _ => None,
                    }
                }
                b"score" if cursor.is_object() => cursor.members(|key, cursor| {
                    match key {
                        b"raw" => outcome.raw = cursor.value()?.number(),
                        b"max" => outcome.most = cursor.value()?.number(),
                        _ => cursor.skip()?,
                    }
                    Ok(())
                })?,
                _ => cursor.skip()?,
            }
            Ok(())
        })?;
        Ok(outcome)
    }

    /// Tells whether all points were given; `None` where that is not said.
    fn is_full(&self) -> Option<bool> {
        self.raw.zip(self.most).map(|(raw, most)| raw >= most)
    }
}

/// Holds the members of a statement that count.
#[derive(Clone, Copy, Debug, Default)]
struct Members<'a> {
    id: Option<Text<'a>>,
    actor: Agent<'a>,
    verb: Option<Text<'a>>,
    object: Thing<'a>,
    timestamp: Option<Text<'a>>,
    stored: Option<Text<'a>>,
    result: Outcome,
    vote: Option<Text<'a>>,
    /// The first activity of the context that is a course by its type, and the first whose id names one.
    course: Option<Text<'a>>,
    course_by_id: Option<Text<'a>>,
    /// Another statement, to which this one belongs.
    statement: Option<Text<'a>>,
    /// A problem of which the object is a part.
    problem: Option<Text<'a>>,
    by_open_edx: bool,
    /// Names what stands in place of the text of a time.
    odd_time: Option<&'static str>,
}

impl<'a> Members<'a> {
    fn parse(line: &'a [u8]) -> Result<Self, InvalidJson> {
        let mut members = Self::default();
        json::object(line, |key, cursor| {
            match key {
                b"id" => members.id = cursor.value()?.text(),
                b"actor" if cursor.is_object() => members.actor = Agent::read(cursor)?,
                b"verb" if cursor.is_object() => members.verb = member(cursor, b"id")?.and_then(Value::text),
                b"object" if cursor.is_object() => members.object = Thing::read(cursor)?,
                b"timestamp" => {
                    let value = cursor.value()?;
                    (members.timestamp, members.odd_time) =
                        (value.text_or_number(), value.other_than_text().or(members.odd_time));
                }
                b"stored" => {
                    let value = cursor.value()?;
                    (members.stored, members.odd_time) =
                        (value.text_or_number(), value.other_than_text().or(members.odd_time));
                }
                b"result" if cursor.is_object() => members.result = Outcome::read(cursor)?,
                b"context" if cursor.is_object() => members.context(cursor)?,
                _ => cursor.skip()?,
            }
            Ok(())
        })?;
        Ok(members)
    }

    fn context(&mut self, cursor: &mut Cursor<'a>) -> Result<(), InvalidJson> {
        cursor.members(|key, cursor| {
            match key {
                b"contextActivities" if cursor.is_object() => cursor.members(|key, cursor| {
                    match key {
                        b"parent" | b"grouping" if cursor.is_array() => {
                            cursor.elements(|cursor| self.around(cursor, key == b"parent"))?;
                        }
                        b"parent" | b"grouping" => self.around(cursor, key == b"parent")?,
                        _ => cursor.skip()?,
                    }
                    Ok(())
                })?,
                b"statement" if cursor.is_object() => self.statement = member(cursor, b"id")?.and_then(Value::text),
                b"statement" => self.statement = cursor.value()?.text(),
                b"extensions" if cursor.is_object() => cursor.members(|key, cursor| {
                    let value = cursor.value()?;
                    match key {
                        b"https://w3id.org/xapi/acrossx/extensions/type" => self.vote = value.text(),
                        b"https://w3id.org/xapi/openedx/extension/transformer-version" => {
                            self.by_open_edx = true;
                        }
                        _ => {}
                    }
                    Ok(())
                })?,
                _ => cursor.skip()?,
            }
            Ok(())
        })
    }

    /// Looks at an activity of the context, which may be what the object is a part of.
    fn around(&mut self, cursor: &mut Cursor<'a>, is_parent: bool) -> Result<(), InvalidJson> {
        if !cursor.is_object() {
            return cursor.skip();
        }
        let thing = Thing::read(cursor)?;
        if thing.is_course() && self.course.is_none() {
            self.course = thing.id;
        }
        if self.course_by_id.is_none() && thing.id.is_some_and(|id| course_path(&id.plain()).is_some()) {
            self.course_by_id = thing.id;
        }
        if is_parent && thing.is_problem() && self.problem.is_none() {
            self.problem = given(thing.id);
        }
        Ok(())
    }

    /// Tells whether the statement is Open edX's report of the score that it computed for an answer, which has a
    /// statement of its own.
    fn is_computed_score(&self) -> bool {
        let kind = self.object.kind.unwrap_or_default().plain();
        last_word(&kind) == b"question" && (self.by_open_edx || self.object.is_block())
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

/// Keeps room for the texts of a statement that are not written as they are meant.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    id: Vec<u8>,
    actor: AgentRooms,
    group: Vec<GroupMember>,
    verb: Vec<u8>,
    time: Vec<u8>,
    course: Vec<u8>,
    decoded: Vec<u8>,
    object: Vec<u8>,
    kind: Vec<u8>,
    problem: Vec<u8>,
    whole: Vec<u8>,
}

/// Parses xAPI statements.
#[derive(Clone)]
pub(super) struct XapiStatements {
    pub(super) kinds: Arc<Kinds>,
}

impl StatementParser for XapiStatements {
    type Scratch = Scratch;

    fn parse<'l>(&self, line: &'l [u8], scratch: &'l mut Scratch) -> Result<Line<'l>, Unusable> {
        let members = Members::parse(line)?;
        let verb_id = resolved(members.verb, &mut scratch.verb);
        let verb = last_word(verb_id);
        let verb = self.kinds.usual_form(verb).unwrap_or(verb);
        if verb.is_empty() {
            return Err(Unusable::new(Reason::Malformed, "no statement: it has no verb"));
        }
        let object = resolved(members.object.id, &mut scratch.object);
        if verb == b"voided" {
            let time = resolved(given(members.timestamp).or(members.stored), &mut scratch.time);
            return Ok(Line::Voiding { id: object, instant: parse_logged_instant(time) });
        }
        let (learner, others) = if members.actor.is_group {
            members.actor.list_members(&mut scratch.group)?;
            let Some((first, others)) = scratch.group.split_first() else {
                return Err(Unusable::new(Reason::NoLearner, "its actor is a group that names no members"));
            };
            (first.learner(), if others.is_empty() { Others::Nobody } else { Others::Group(others) })
        } else {
            let Some(learner) = members.actor.learner(&mut scratch.actor) else {
                return Err(Unusable::new(Reason::NoLearner, "no actor with an id of its own"));
            };
            (learner, Others::Nobody)
        };
        let on_course = members.object.is_course();
        let own = members.object.id.filter(|_| on_course);
        let course = resolved(own.or(members.course).or(members.course_by_id), &mut scratch.course);
        if course.is_empty() {
            return Err(Unusable::new(Reason::NoCourse, "no course"));
        }
        let course = course_path(decoded(course, &mut scratch.decoded)).map_or(course, |path| path.course);
        let time = resolved(given(members.timestamp).or(members.stored), &mut scratch.time);
        let Some(instant) = parse_logged_instant(time) else {
            return Err(Unusable::bad_time("timestamp", time, members.odd_time));
        };
        let change = match verb {
            b"registered" | b"enrolled" if on_course => Some(EnrolmentChange::Enrolled),
            b"unregistered" | b"unenrolled" if on_course => Some(EnrolmentChange::Withdrew),
            b"passed" | b"completed" if on_course => Some(EnrolmentChange::Completed),
            _ => None,
        };
        let fact = match verb {
            b"attempted" if members.is_computed_score() => Some(self.kinds.score()),
            // This registry's verb is what a teacher does; the learner is the actor all the same.
            b"evaluated" if memchr::memmem::find(verb_id, b"tincanapi.co.uk/").is_some() => Some(self.kinds.score()),
            _ => self.kinds.fact(verb, on_course),
        };
        let acted_on = Object::from_type(last_word(resolved(members.object.kind, &mut scratch.kind)));
        let kind = fact.unwrap_or_else(|| self.kind(verb, acted_on, object, &members));
        let problem = resolved(members.problem, &mut scratch.problem);
        let has_problem = !problem.is_empty() && problem != object;
        let of = resolved(members.statement, &mut scratch.whole);
        let attempt = match self.kinds.success(kind) {
            None => AttemptRole::Nothing,
            Some(success) if has_problem || !of.is_empty() => AttemptRole::Part { of, has_problem, success },
            Some(_) => AttemptRole::Whole,
        };
        // An attempt at a part is one at the problem.
        let object = if has_problem && attempt != AttemptRole::Nothing { problem } else { object };
        let interaction = Interaction {
            learner,
            part: if fact.is_some() { Part::Concerned } else { Part::Did },
            number: None,
            host: b"",
            kind,
            unknown_kind: self.kinds.is_unknown(kind).then_some(verb_id),
            object: ObjectKey::from_id(object),
            object_id: object,
            others,
        };
        Ok(Line::Statement(Statement {
            course,
            instant,
            id: resolved(members.id, &mut scratch.id),
            content: Content::new(interaction, change),
            attempt,
        }))
    }
}

impl XapiStatements {
    fn kind(&self, verb: &[u8], acted_on: Object, object: &[u8], members: &Members<'_>) -> u8 {
        let detail = match verb {
            b"evaluated" | b"answered" => {
                // Of a problem of several parts Open edX says whether the first of them was right.
                let is_full = members.result.is_full().filter(|_| members.object.is_group).unwrap_or(true);
                match members.result.success.map(|success| success && is_full) {
                    Some(true) => Some(Detail::AttemptRight),
                    Some(false) => Some(Detail::AttemptWrong),
                    None => Some(Detail::Attempt),
                }
            }
            b"played" => Some(Detail::VideoPlayed),
            b"replied" | b"commented" => Some(Detail::Response),
            b"posted" | b"created" if acted_on == Object::Talk => {
                let is_answer = memchr::memmem::find(object, b"/comments/").is_some();
                Some(if is_answer { Detail::Response } else { Detail::Post })
            }
            b"liked" => Some(Detail::UpvoteGiven),
            b"voted" => match members.vote.unwrap_or_default().plain().as_ref() {
                b"up" => Some(Detail::UpvoteGiven),
                b"down" => Some(Detail::DownvoteGiven),
                _ => None,
            },
            _ => None,
        };
        detail.map_or_else(|| self.kinds.find(verb, acted_on), |detail| self.kinds.with_detail(detail))
    }
}
