//! Parses an event of Caliper.

use std::sync::Arc;

use super::entity::{Entity, last_word, read_type};
use super::kinds::Kinds;
use super::roles::Membership;
use crate::cells::is_missing;
use crate::event::ObjectKey;
use crate::formats::course_ids::{course_path, decoded};
use crate::formats::statements::{
    AttemptRole, Content, EnrolmentChange, Interaction, Learner, Line, Others, Part, Statement, StatementParser,
    Unusable, resolved, with_small_host,
};
use crate::json::{self, Cursor, InvalidJson, Text, Value};
use crate::kind::Detail;
use crate::tally::Reason;
use crate::time::parse_logged_instant;

/// Holds the points of a score.
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
                b"scoreGiven" => self.given = cursor.value()?.number(),
                b"maxScore" => self.most = cursor.value()?.number(),
                b"success" => {
                    self.success = match cursor.value()? {
                        Value::Bool(success) => Some(success),
                        Value::Text(text) if text.plain().eq_ignore_ascii_case(b"true") => Some(true),
                        Value::Text(text) if text.plain().eq_ignore_ascii_case(b"false") => Some(false),
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

/// Holds the members of an event that count.
#[derive(Clone, Copy, Debug, Default)]
struct Members<'a> {
    id: Option<Text<'a>>,
    kind: Option<Text<'a>>,
    action: Option<Text<'a>>,
    actor: Entity<'a>,
    object: Entity<'a>,
    group: Entity<'a>,
    membership: Membership<'a>,
    time: Option<Text<'a>>,
    score: Score,
    by_open_edx: bool,
    /// Names what stands in place of the text of a time.
    odd_time: Option<&'static str>,
}

impl<'a> Members<'a> {
    fn parse(line: &'a [u8]) -> Result<Self, InvalidJson> {
        let mut members = Self::default();
        json::object(line, |key, cursor| {
            match key {
                b"id" | b"@id" => members.id = cursor.value()?.text(),
                b"type" | b"@type" => members.kind = read_type(cursor)?,
                b"action" => members.action = cursor.value()?.text(),
                b"actor" => members.actor = Entity::read(cursor)?,
                b"object" => members.object = Entity::read(cursor)?,
                b"group" => members.group = Entity::read(cursor)?,
                b"membership" => members.membership = Membership::read(cursor)?,
                b"eventTime" => {
                    let value = cursor.value()?;
                    (members.time, members.odd_time) =
                        (value.text_or_number(), value.other_than_text().or(members.odd_time));
                }
                b"generated" => members.score.read(cursor)?,
                b"extensions" if cursor.is_object() => cursor.members(|key, cursor| {
                    let value = cursor.value()?;
                    if key == b"transformerVersion" {
                        let version = value.text().unwrap_or_default();
                        members.by_open_edx = version.plain().starts_with(b"event-routing-backends");
                    }
                    Ok(())
                })?,
                _ => cursor.skip()?,
            }
            Ok(())
        })?;
        Ok(members)
    }

    /// Returns the course's id: of the group, of what the object is part of, or of the membership. What an event is in, of
    /// which nothing but the id is said, is taken for a course where there is no other.
    fn course(&self) -> Option<Text<'a>> {
        let group = self.group.id.filter(|_| self.group.type_word().is_empty());
        let typed = self.group.course.or(self.object.course).or(self.membership.place.course);
        typed.or(self.group.untyped).or(group).or(self.membership.place.untyped)
    }

    /// Tells whether it describes an entity, which nobody did.
    fn is_description(&self) -> bool {
        let is_event = last_word(&self.kind.unwrap_or_default().plain()).ends_with(b"Event");
        self.kind.is_some() && !is_event && self.action.is_none() && self.actor.id.is_none() && self.time.is_none()
    }
}

/// Keeps room for the texts of an event that are not written as they are meant.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    id: Vec<u8>,
    kind: Vec<u8>,
    action: Vec<u8>,
    actor: Vec<u8>,
    small_actor: Vec<u8>,
    assignee: Vec<u8>,
    small_assignee: Vec<u8>,
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

    fn parse<'l>(&self, line: &'l [u8], scratch: &'l mut Scratch) -> Result<Line<'l>, Unusable> {
        let members = Members::parse(line)?;
        let event = last_word(resolved(members.kind, &mut scratch.kind));
        let action = last_word(resolved(members.action, &mut scratch.action));
        if members.is_description() {
            return Err(Unusable::new(Reason::FilteredOut, "a description of an entity, which is no event"));
        }
        if event.is_empty() || action.is_empty() {
            return Err(Unusable::new(Reason::Malformed, "no event: it has no type or no action"));
        }
        let actor = with_small_host(resolved(members.actor.id, &mut scratch.actor), &mut scratch.small_actor);
        let is_person = matches!(&*members.actor.type_word(), b"" | b"Person") && !is_anonymous(actor);
        // Whoever grades acts in a grading, and it concerns the one who attempted what is graded.
        let assignee =
            with_small_host(resolved(members.object.assignee, &mut scratch.assignee), &mut scratch.small_assignee);
        let by_another = is_grading(event, action) && !assignee.is_empty() && assignee != actor;
        let learner = if by_another { assignee } else { actor };
        if learner.is_empty() || !(is_person || by_another) {
            return Err(Unusable::new(Reason::NoLearner, "its actor is no person with an id"));
        }
        let course = resolved(members.course(), &mut scratch.course);
        if course.is_empty() {
            return Err(Unusable::new(Reason::NoCourse, "no course"));
        }
        let course = course_path(decoded(course, &mut scratch.decoded)).map_or(course, |path| path.course);
        let time = resolved(members.time, &mut scratch.time);
        let Some(instant) = parse_logged_instant(time) else {
            return Err(Unusable::bad_time("eventTime", time, members.odd_time));
        };
        let on_course = event == b"Event" && members.object.is_course();
        let by_team = !by_another && members.membership.is_of_team(members.actor.id, members.group.id);
        let change = match action {
            _ if by_team => None,
            b"Activated" if on_course => Some(EnrolmentChange::Enrolled),
            b"Deactivated" if on_course => Some(EnrolmentChange::Withdrew),
            b"Completed" if on_course => Some(EnrolmentChange::Completed),
            _ => None,
        };
        let by_open_edx = members.by_open_edx || members.object.is_block();
        let fact = match (event, action) {
            _ if change.is_some() => Some(self.kinds.change_of_enrolment()),
            _ if by_another => Some(self.kinds.grade()),
            _ if by_team => Some(self.kinds.by_team()),
            // The same event tells that an answer was sent and that a score was computed; the answer's own is graded.
            (b"AssessmentEvent", b"Submitted") if by_open_edx => Some(self.kinds.grade()),
            _ => None,
        };
        let kind = fact.unwrap_or_else(|| self.kind(event, action, &members, by_open_edx));
        let part = match fact {
            Some(_) if by_team => Part::Caused,
            Some(_) => Part::Concerned,
            None => Part::Did,
        };
        let object = resolved(members.object.assignable.or(members.object.id), &mut scratch.object);
        let interaction = Interaction {
            learner: Learner::Named(learner),
            part,
            number: None,
            host: b"",
            kind,
            unknown_kind: Kinds::is_unknown(kind).then_some(event),
            object: ObjectKey::from_id(object),
            object_id: object,
            others: Others::Nobody,
        };
        let id = resolved(members.id, &mut scratch.id);
        let content = Content::new(interaction, change);
        Ok(Line::Statement(Statement { course, instant, id, content, attempt: AttemptRole::Nothing }))
    }
}

impl CaliperEvents {
    /// Returns the kind of an event that is an act.
    fn kind(&self, event: &[u8], action: &[u8], members: &Members<'_>, by_open_edx: bool) -> u8 {
        let detail = match (event, action) {
            _ if is_grading(event, action) => Some(members.score.detail()),
            (b"MediaEvent", b"Started") if by_open_edx => None,
            (b"MediaEvent", b"Started" | b"Restarted" | b"Resumed") => Some(Detail::VideoPlayed),
            (b"MessageEvent", b"Posted") if members.object.replies => Some(Detail::Response),
            (b"MessageEvent", b"Posted") => Some(Detail::Post),
            _ => None,
        };
        let shows_help = by_open_edx
            && matches!(
                (event, action, &*members.object.type_word()),
                (b"Event", b"Viewed", b"Annotation") | (b"ViewEvent", b"Viewed", b"Frame")
            );
        match detail {
            Some(detail) => self.kinds.with_detail(detail),
            None if shows_help => self.kinds.help_shown(),
            None => self.kinds.find(event, action),
        }
    }
}

/// Tells whether an event of this type and action is a grading; version 1.0 calls the type otherwise.
fn is_grading(event: &[u8], action: &[u8]) -> bool {
    matches!((event, action), (b"GradeEvent" | b"OutcomeEvent", b"Graded"))
}

/// Tells whether an actor's id says that nobody is named: a word for missing values, a blank node, or the IRI of the class of
/// persons, which sensors send for those who are to stay anonymous.
fn is_anonymous(actor: &[u8]) -> bool {
    let is_class = actor.starts_with(b"http://purl.imsglobal.org/") && actor.ends_with(b"/Person");
    is_missing(actor) || actor.starts_with(b"_:") || is_class
}
