//! Parses a line of a tracking log into a statement.

use super::kinds::Kinds;
use crate::event::ObjectKey;
use crate::formats::course_ids::{course_path, decoded, is_course};
use crate::formats::statements::{
    Content, EnrolmentChange, EnrolmentReport, Interaction, Statement, StatementParser, Subject, Unusable, resolved,
};
use crate::json::{self, Cursor, InvalidJson, Text, Value};
use crate::kind::Detail;
use crate::tally::{Reason, shape};
use crate::time::parse_instant;

use std::sync::Arc;

/// Names whoever acts without being logged in, as the platform writes it.
const NOBODY: &[u8] = b"anonymous";

/// Requests are cut after this many characters of their parameters, in the middle of the JSON.
const CUT_REQUEST_CHARS: usize = 512;

/// The members of a line that count. `None` where there is none, or something that is not text.
#[derive(Clone, Copy, Debug, Default)]
struct Members<'a> {
    username: Option<Text<'a>>,
    source: Option<Text<'a>>,
    event_type: Option<Text<'a>>,
    name: Option<Text<'a>>,
    time: Option<Text<'a>>,
    page: Option<Text<'a>>,
    course: Option<Text<'a>>,
    user_id: Option<u64>,
    event: Option<Event<'a>>,
}

/// The member `event` of a line.
#[derive(Clone, Copy, Debug)]
enum Event<'a> {
    Members(Data<'a>),
    /// The same in a string, or something else.
    Text(Text<'a>),
}

impl<'a> Members<'a> {
    fn parse(line: &'a [u8]) -> Result<Self, InvalidJson> {
        let mut members = Self::default();
        json::object(line, |key, cursor| {
            match key {
                b"username" => members.username = cursor.value()?.text(),
                b"event_source" => members.source = cursor.value()?.text(),
                b"event_type" => members.event_type = cursor.value()?.text(),
                b"name" => members.name = cursor.value()?.text(),
                b"time" => members.time = cursor.value()?.text(),
                b"page" => members.page = cursor.value()?.text(),
                b"event" if cursor.is_object() => members.event = Some(Event::Members(Data::read(cursor)?)),
                b"event" => members.event = cursor.value()?.text().map(Event::Text),
                b"context" if cursor.is_object() => cursor.members(|key, cursor| {
                    match key {
                        b"course_id" => members.course = cursor.value()?.text(),
                        b"user_id" => members.user_id = number(cursor.value()?),
                        _ => cursor.skip()?,
                    }
                    Ok(())
                })?,
                _ => cursor.skip()?,
            }
            Ok(())
        })?;
        Ok(members)
    }
}

/// Returns a learner's number, written as a number or as text.
fn number(value: Value<'_>) -> Option<u64> {
    let (Value::Number(digits) | Value::Text(Text { raw: digits, .. })) = value else { return None };
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The members of `event` that count.
#[derive(Clone, Copy, Debug, Default)]
struct Data<'a> {
    problem_id: Option<Text<'a>>,
    problem: Option<Text<'a>>,
    id: Option<Text<'a>>,
    chapter: Option<Text<'a>>,
    success: Option<Text<'a>>,
    vote: Option<Text<'a>>,
    undo: bool,
    target: Option<Text<'a>>,
    course: Option<Text<'a>>,
    user_id: Option<u64>,
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
                b"user_id" => data.user_id = number(cursor.value()?),
                _ => cursor.skip()?,
            }
            Ok(())
        })?;
        Ok(data)
    }

    /// Returns the members of `event`, as edX's pipeline gets at them: none where it gives up on them. `room` takes the
    /// text of those that are written as a string.
    fn within(event: Option<Event<'a>>, room: &'a mut Vec<u8>) -> Option<Self> {
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
    fn object(&self) -> Option<Text<'a>> {
        [self.problem_id, self.problem, self.id, self.chapter].into_iter().flatten().find(|text| !text.raw.is_empty())
    }
}

/// Room for the texts of a line that are not written as they are meant.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    username: Vec<u8>,
    source: Vec<u8>,
    event_type: Vec<u8>,
    name: Vec<u8>,
    time: Vec<u8>,
    page: Vec<u8>,
    decoded: Vec<u8>,
    course: Vec<u8>,
    decoded_course: Vec<u8>,
    event_course: Vec<u8>,
    event: Vec<u8>,
    target: Vec<u8>,
    object: Vec<u8>,
}

/// Parses tracking logs.
#[derive(Clone)]
pub(super) struct TrackingLog {
    pub(super) kinds: Arc<Kinds>,
}

/// Returns the JSON of a line: from its first brace on, as lines that went through syslog have words before it.
fn json_of(line: &[u8]) -> Result<&[u8], Unusable> {
    if line.first() == Some(&b'{') {
        return Ok(line);
    }
    if line.trim_ascii_start().first() == Some(&b'#') {
        return Err(Unusable::new(Reason::Comment, "a comment"));
    }
    match memchr::memchr(b'{', line) {
        Some(brace) => Ok(&line[brace..]),
        None if line.trim_ascii().is_empty() => Err(Unusable::new(Reason::Comment, "a line of spaces")),
        None => Err(Unusable::new(Reason::Malformed, "no JSON object")),
    }
}

impl StatementParser for TrackingLog {
    type Scratch = Scratch;

    fn parse<'l>(&self, line: &'l [u8], scratch: &'l mut Scratch) -> Result<Statement<'l>, Unusable> {
        let members = Members::parse(json_of(line)?)?;
        let data = Data::within(members.event, &mut scratch.event);
        let learner = resolved(members.username, &mut scratch.username);
        let learner = (!learner.is_empty() && learner != NOBODY).then_some(learner);
        let event_type = resolved(members.event_type, &mut scratch.event_type);
        let name = resolved(members.name, &mut scratch.name);

        let is_request = event_type.starts_with(b"/") || event_type.starts_with(b"http");
        let by_type = if is_request { None } else { self.kinds.named(event_type) };
        let by_name = if name == event_type { by_type } else { self.kinds.named(name) };
        let report = enrolment_change(if by_name.is_some() { name } else { event_type }).and_then(|change| {
            Some(EnrolmentReport { subject: subject(learner, members.user_id, data.as_ref())?, change })
        });
        if learner.is_none() && report.is_none() {
            return Err(no_learner());
        }

        let written = resolved(members.course, &mut scratch.course);
        let context_course = decoded(written, &mut scratch.decoded_course);
        if !context_course.is_empty() && !is_course(context_course) {
            let shape = shape(context_course);
            return Err(Unusable::new(Reason::BadValue, format!("course_id of shape `{shape}` is no course's")));
        }
        let data_course = resolved(data.and_then(|data| data.course), &mut scratch.event_course);
        let url = if is_request { event_type } else { resolved(members.page, &mut scratch.page) };
        let path = if is_request || context_course.is_empty() {
            course_path(decoded(url, &mut scratch.decoded))
        } else {
            None
        };
        let course = match path {
            // A change of an enrolment is one in the course that the event names itself.
            _ if report.is_some() && is_course(data_course) => data_course,
            _ if !context_course.is_empty() => context_course,
            Some(path) => path.course,
            None if is_course(data_course) => data_course,
            None => return Err(Unusable::new(Reason::NoCourse, "no course")),
        };

        let time = resolved(members.time, &mut scratch.time);
        let Some(instant) = parse_instant(time) else {
            let shape = shape(time);
            return Err(Unusable::new(Reason::BadTime, format!("time of shape `{shape}` is not YYYY-MM-DDTHH:MM:SS")));
        };

        let interaction = learner.map(|learner| {
            let names = EventNames {
                event_type,
                by_type,
                by_name,
                part: is_request.then(|| path.map_or(&b"*"[..], |path| path.part)),
            };
            let source = resolved(members.source, &mut scratch.source);
            let engages = !written.is_empty() && written == context_course && !event_type.is_empty();
            let (kind, received) = self.kind(&names, source, data.as_ref().filter(|_| engages));
            let object = match names.part {
                Some(_) => event_type.split(|&byte| byte == b'?').next().unwrap_or_default(),
                None => resolved(data.and_then(|data| data.object()), &mut scratch.object),
            };
            let target = resolved(data.and_then(|data| data.target), &mut scratch.target);
            let received = received.filter(|_| !target.is_empty()).map(|kind| (target, kind));
            Interaction { learner, number: members.user_id, kind, object: ObjectKey::from_id(object), received }
        });
        let content = Content::from_parts(interaction, report).ok_or_else(no_learner)?;
        // Tracking events have no id.
        Ok(Statement { course, instant, id: b"", content })
    }
}

fn no_learner() -> Unusable {
    Unusable::new(Reason::NoLearner, "no username")
}

/// Returns the change of an enrolment that an event of this name reports.
fn enrolment_change(name: &[u8]) -> Option<EnrolmentChange> {
    match name {
        b"edx.course.enrollment.activated" => Some(EnrolmentChange::Enrolled),
        b"edx.course.enrollment.deactivated" => Some(EnrolmentChange::Withdrew),
        b"edx.course.grade.passed.first_time" | b"edx.course.grade.now_passed" | b"edx.certificate.created" => {
            Some(EnrolmentChange::Completed)
        }
        _ => None,
    }
}

/// Returns the learner whose enrolment changed: the one the event names by number, who need not be the one who caused
/// it.
fn subject<'l>(learner: Option<&'l [u8]>, actor: Option<u64>, data: Option<&Data<'_>>) -> Option<Subject<'l>> {
    match (learner, data.and_then(|data| data.user_id)) {
        (Some(learner), number) if number.is_none() || number == actor => Some(Subject::Named(learner)),
        (_, number) => number.map(Subject::Numbered),
    }
}

/// The type and name of an event, and the kinds they stand for.
struct EventNames<'a> {
    event_type: &'a [u8],
    by_type: Option<u8>,
    by_name: Option<u8>,
    /// Where a request's path leads in its course; `*` for a path into no course.
    part: Option<&'a [u8]>,
}

impl TrackingLog {
    /// Returns the kind of an event, and the kind it is for another learner who receives it. `data` are its members,
    /// unless it does not engage.
    fn kind(&self, names: &EventNames<'_>, source: &[u8], data: Option<&Data<'_>>) -> (u8, Option<u8>) {
        let kinds = &*self.kinds;
        // The name says more than the type, but where engagement rests on the type the name is only another word for
        // it.
        let detailed = names.by_type.filter(|&kind| kinds.has_detail(kind) || names.event_type == b"problem_check");
        let known = detailed.or(names.by_name).or(names.by_type);
        let kind = known.unwrap_or_else(|| names.part.map_or_else(|| kinds.unknown(), |part| kinds.part(part)));
        let given = |text: Option<Text<'_>>| text.is_some_and(|text| !text.raw.trim_ascii().is_empty());
        let Some(data) = data else { return (kinds.unengaged(kind), None) };
        match names.event_type {
            b"problem_check" if source == b"server" && given(data.problem_id) => {
                let right = data.success.is_some_and(|success| success.raw.eq_ignore_ascii_case(b"correct"));
                (kinds.with_detail(if right { Detail::AttemptRight } else { Detail::AttemptWrong }), None)
            }
            b"problem_check" => (kinds.unengaged(kind), None),
            b"play_video" if !given(data.id) => (kinds.unengaged(kind), None),
            event_type => match voted_on(event_type) {
                Some(post) => self.vote(kind, post, data),
                // A name alone tells nothing that counts as engagement.
                None if kinds.has_detail(kind) && detailed != Some(kind) => (kinds.unengaged(kind), None),
                None => (kind, None),
            },
        }
    }

    fn vote(&self, kind: u8, post: &[u8], data: &Data<'_>) -> (u8, Option<u8>) {
        use Detail::{
            DownvoteGiven, DownvoteGivenUndone, DownvoteReceived, DownvoteReceivedUndone, UpvoteGiven,
            UpvoteGivenUndone, UpvoteReceived, UpvoteReceivedUndone,
        };
        let (given, received) = match (data.vote.map(|vote| vote.raw), data.undo) {
            (Some(b"up"), false) => (UpvoteGiven, UpvoteReceived),
            (Some(b"up"), true) => (UpvoteGivenUndone, UpvoteReceivedUndone),
            (Some(b"down"), false) => (DownvoteGiven, DownvoteReceived),
            (Some(b"down"), true) => (DownvoteGivenUndone, DownvoteReceivedUndone),
            _ => return (self.kinds.unengaged(kind), None),
        };
        match post {
            b"thread" | b"response" => (self.kinds.with_detail(given), Some(self.kinds.with_detail(received))),
            _ => (kind, None),
        }
    }
}

/// Returns the type of post voted on, where the event is a vote.
fn voted_on(event_type: &[u8]) -> Option<&[u8]> {
    let post = event_type.strip_prefix(b"edx.forum.")?;
    let end = post.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')?;
    (end > 0 && post[end..].starts_with(b".voted")).then(|| &post[..end])
}
