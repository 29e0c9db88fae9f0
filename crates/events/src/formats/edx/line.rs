//! Parses a line of a tracking log into a statement.

use super::kinds::{Kinds, PROGRESS_OF_ANOTHER, STUDIO_PART, is_studio_path, is_team_host};
use super::members::{Data, Members};
use crate::cells::is_missing;
use crate::event::ObjectKey;
use crate::formats::course_ids::{CoursePath, course_path, decoded, is_course};
use crate::formats::statements::{
    AttemptRole, Content, EnrolmentChange, EnrolmentReport, Interaction, Learner, Line, Others, Part, Statement,
    StatementParser, Unusable, resolved,
};
use crate::json::Text;
use crate::kind::Detail;
use crate::tally::{Reason, shape};
use crate::time::parse_logged_instant;

use std::sync::Arc;

use memchr::memmem::Finder;

/// Names whoever acts without being logged in, as the platform writes it.
const NOBODY: &[u8] = b"anonymous";

/// Keeps room for the texts of a line that are not written as they are meant.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    username: Vec<u8>,
    source: Vec<u8>,
    event_type: Vec<u8>,
    name: Vec<u8>,
    time: Vec<u8>,
    page: Vec<u8>,
    host: Vec<u8>,
    decoded: Vec<u8>,
    course: Vec<u8>,
    decoded_course: Vec<u8>,
    event_course: Vec<u8>,
    decoded_event_course: Vec<u8>,
    event: Vec<u8>,
    event_username: Vec<u8>,
    target: Vec<u8>,
    object: Vec<u8>,
}

/// Parses tracking logs.
#[derive(Clone)]
pub(super) struct TrackingLog {
    kinds: Arc<Kinds>,
    /// Finds pages that may be of the instructors' dashboard.
    instructor: Finder<'static>,
}

impl TrackingLog {
    pub(super) fn new(kinds: Arc<Kinds>) -> Self {
        Self { kinds, instructor: Finder::new(b"/instructor") }
    }

    /// Tells whether a page is one of the course team alone: of the instructors' dashboard, or the word that the platform
    /// has in place of a page for what the dashboard and its tasks do.
    fn is_team_page(&self, page: &[u8]) -> bool {
        page == b"idashboard"
            || page == b"x_module_task"
            || (self.instructor.find(page).is_some()
                && course_path(page).is_some_and(|path| path.part == b"instructor"))
    }
}

/// Returns a course's id, which may stand in an address.
fn course_id(text: &[u8]) -> &[u8] {
    if is_course(text) {
        return text;
    }
    course_path(text).map_or(text, |path| path.course)
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

    fn parse<'l>(&self, line: &'l [u8], scratch: &'l mut Scratch) -> Result<Line<'l>, Unusable> {
        let members = Members::parse(json_of(line)?)?;
        let data = Data::within(members.event, &mut scratch.event);
        let event_type = resolved(members.event_type, &mut scratch.event_type);
        let name = resolved(members.name, &mut scratch.name);
        let people = People {
            name: somebody(resolved(members.username, &mut scratch.username)),
            number: members.context.user_id,
            event_name: somebody(resolved(data.and_then(|data| data.username), &mut scratch.event_username)),
            event_number: data.and_then(|data| data.user_id),
        };

        if people.actor().or(people.named_by_event()).is_none() {
            return Err(no_learner());
        }

        let is_request = event_type.starts_with(b"/") || event_type.starts_with(b"http");
        let by_type = if is_request { None } else { self.kinds.named(event_type) };
        let by_name = if name == event_type { by_type } else { self.kinds.named(name) };
        let its_name = if by_name.is_some() { name } else { event_type };
        let change = enrolment_change(its_name);
        let report = change.and_then(|change| Some(EnrolmentReport { learner: people.concerned()?, change }));

        let written = resolved(members.context.course, &mut scratch.course);
        let context_course = course_id(decoded(written, &mut scratch.decoded_course));
        if !context_course.is_empty() && !is_course(context_course) {
            let shape = shape(context_course);
            return Err(Unusable::new(Reason::BadValue, format!("course_id of shape `{shape}` is no course's")));
        }
        let data_course = resolved(data.and_then(|data| data.course), &mut scratch.event_course);
        let data_course = course_id(decoded(data_course, &mut scratch.decoded_event_course));
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
        let Some(instant) = parse_logged_instant(time) else {
            return Err(Unusable::bad_time("time", time, members.odd_time));
        };

        let source = resolved(members.source, &mut scratch.source);
        let host = resolved(members.host, &mut scratch.host);
        let names = EventNames { event_type, by_type, by_name, part: is_request.then(|| part_of(event_type, path)) };
        // A page's own scripts tell where they are.
        let page = members.page.unwrap_or_default().plain();
        let is_of_team = source == b"task" || is_team_host(host) || self.is_team_page(&page);
        let known = match self.known(&names) {
            known if is_of_team && !self.kinds.is_of_team(known) => self.kinds.team_command(),
            known => known,
        };
        let (learner, part) = if self.kinds.is_of_team(known) {
            (people.actor(), Part::Caused)
        } else if !self.kinds.is_fact(known) {
            (if is_completion(its_name) { people.concerned() } else { people.learner() }, Part::Did)
        } else if people.are_two() && report.is_some() {
            (people.actor(), Part::Caused)
        } else if people.are_two() {
            (people.concerned(), Part::Concerned)
        } else if report.is_some() && people.actor().is_none() {
            // The report says all there is.
            (None, Part::Concerned)
        } else {
            (people.learner(), Part::Concerned)
        };
        let is_by_name = people.name.map(Learner::Named) == learner;
        let engages = is_by_name && !written.is_empty() && written == context_course && !event_type.is_empty();
        let (kind, received) = self.kind(known, &names, source, data.as_ref().filter(|_| engages));
        let interaction = learner.map(|learner| {
            let object = match names.part {
                Some(_) => event_type.split(|&byte| byte == b'?').next().unwrap_or_default(),
                None => resolved(data.and_then(|data| data.object()), &mut scratch.object),
            };
            let target = resolved(data.and_then(|data| data.target), &mut scratch.target);
            let others = match received {
                Some(kind) if !target.is_empty() => Others::Receiver(target, kind),
                _ => Others::Nobody,
            };
            let number = if Some(learner) == people.actor() { people.number } else { people.event_number };
            let shown = if its_name.is_empty() { name } else { its_name };
            let unknown_kind = (known == self.kinds.unknown()).then_some(shown);
            let (object, object_id) = (ObjectKey::from_id(object), object);
            Interaction { learner, part, number, host, kind, unknown_kind, object, object_id, others }
        });
        let content = Content::from_parts(interaction, report).ok_or_else(no_learner)?;
        // Tracking events have no id.
        Ok(Line::Statement(Statement { course, instant, id: b"", content, attempt: AttemptRole::Nothing }))
    }
}

/// Holds the people that an event names.
#[derive(Clone, Copy, Debug)]
struct People<'a> {
    /// Name and number of the one who caused it.
    name: Option<&'a [u8]>,
    number: Option<u64>,
    /// Name and number of the one whom the event itself names: whom it concerns.
    event_name: Option<&'a [u8]>,
    event_number: Option<u64>,
}

impl<'a> People<'a> {
    /// Returns the one who caused the event.
    fn actor(self) -> Option<Learner<'a>> {
        self.name.map(Learner::Named).or(self.number.map(Learner::Numbered))
    }

    /// Returns the one whom the event itself names.
    fn named_by_event(self) -> Option<Learner<'a>> {
        self.event_name.map(Learner::Named).or(self.event_number.map(Learner::Numbered))
    }

    /// Tells whether the event names somebody else than the one who caused it.
    fn are_two(self) -> bool {
        self.actor().is_some()
            && match (self.event_name, self.event_number) {
                (Some(name), _) if Some(name) == self.name => false,
                (_, Some(number)) => Some(number) != self.number,
                (name, None) => name.is_some(),
            }
    }

    /// Returns the one whom a fact concerns.
    fn concerned(self) -> Option<Learner<'a>> {
        let other = self.named_by_event().filter(|_| self.are_two());
        other.or(self.actor()).or(self.named_by_event())
    }

    /// Returns the one who caused the event or, where it does not say who that is, the one whom it names.
    fn learner(self) -> Option<Learner<'a>> {
        self.actor().or(self.named_by_event())
    }
}

/// Returns a name that is somebody's.
fn somebody(name: &[u8]) -> Option<&[u8]> {
    (!name.is_empty() && name != NOBODY && !is_missing(name)).then_some(name)
}

fn no_learner() -> Unusable {
    Unusable::new(Reason::NoLearner, "no username and no user id")
}

/// Returns the part of a course that a request's path leads to; `*` for a path into no course.
fn part_of<'a>(event_type: &[u8], path: Option<CoursePath<'a>>) -> &'a [u8] {
    if is_studio_path(event_type) {
        return STUDIO_PART.as_bytes();
    }
    match path {
        // Learners see their own without a number.
        Some(path) if path.part == b"progress" && !path.next.is_empty() => PROGRESS_OF_ANOTHER.as_bytes(),
        Some(path) => path.part,
        None => b"*",
    }
}

/// Tells whether an event of this name says that a part of the course is completed, of the learner whom it names.
fn is_completion(name: &[u8]) -> bool {
    name.starts_with(b"edx.completion.")
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

/// Holds the type and name of an event, and the kinds they stand for.
struct EventNames<'a> {
    event_type: &'a [u8],
    by_type: Option<u8>,
    by_name: Option<u8>,
    /// Where a request's path leads in its course; `*` for a path into no course.
    part: Option<&'a [u8]>,
}

impl TrackingLog {
    /// Returns the kind that an event's names stand for.
    fn known(&self, names: &EventNames<'_>) -> u8 {
        let kinds = &*self.kinds;
        let known = self.detailed(names).or(names.by_name).or(names.by_type);
        known.unwrap_or_else(|| names.part.map_or_else(|| kinds.unknown(), |part| kinds.part(part)))
    }

    /// Returns the kind of an event by its type, where it goes by that: the name says more than the type, but where
    /// engagement rests on the type the name is only another word for it.
    fn detailed(&self, names: &EventNames<'_>) -> Option<u8> {
        names.by_type.filter(|&kind| self.kinds.has_detail(kind) || names.event_type == b"problem_check")
    }

    /// Returns the kind of an event whose names stand for `kind`, and the kind it is for another learner who receives it.
    /// `data` are its members, unless it does not engage.
    fn kind(&self, kind: u8, names: &EventNames<'_>, source: &[u8], data: Option<&Data<'_>>) -> (u8, Option<u8>) {
        let (kinds, detailed) = (&*self.kinds, self.detailed(names));
        let given = |text: Option<Text<'_>>| text.is_some_and(|text| !text.raw.trim_ascii().is_empty());
        let Some(data) = data else { return (kinds.unengaged(kind), None) };
        match names.event_type {
            b"problem_check" if source == b"server" && given(data.problem_id) => {
                let right = data.success.is_some_and(|success| success.plain().eq_ignore_ascii_case(b"correct"));
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
        let (given, received) = match (data.vote.unwrap_or_default().plain().as_ref(), data.undo) {
            (b"up", false) => (UpvoteGiven, UpvoteReceived),
            (b"up", true) => (UpvoteGivenUndone, UpvoteReceivedUndone),
            (b"down", false) => (DownvoteGiven, DownvoteReceived),
            (b"down", true) => (DownvoteGivenUndone, DownvoteReceivedUndone),
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
