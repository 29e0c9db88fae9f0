//! A statement, and the trait of those who parse one.

use std::borrow::Cow;

use crate::event::ObjectKey;
use crate::intake::RowRole;
use crate::json::{InvalidJson, Text};
use crate::tally::Reason;
use crate::time::describe_unreadable;

/// Names a change of an enrolment that a statement reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::formats) enum EnrolmentChange {
    Enrolled,
    Withdrew,
    Completed,
}

/// Identifies a learner as statements name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::formats) enum Learner<'a> {
    /// A learner by a name that is theirs alone in the whole log.
    Named(&'a [u8]),
    /// A learner by an account: its name, which is theirs alone at the site that has the account, and that site.
    Account { site: &'a [u8], name: &'a [u8] },
    /// A learner by a number, for which other statements may give a name. One that none names goes by `#` and the
    /// number.
    Numbered(u64),
}

/// Names the part of a learner in what a statement reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::formats) enum Part {
    /// They did it, in the course.
    Did,
    /// It is a fact about them.
    Concerned,
    /// They did something about another learner, which does not make them a learner themselves.
    Caused,
}

/// Describes what a statement reports of a learner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::formats) struct Interaction<'a> {
    pub(in crate::formats) learner: Learner<'a>,
    pub(in crate::formats) part: Part,
    /// The learner's number, where the statement gives it beside the name.
    pub(in crate::formats) number: Option<u64>,
    /// The host that the learner used, where the source gives it; numbers are a host's own.
    pub(in crate::formats) host: &'a [u8],
    /// Index into the format's kinds.
    pub(in crate::formats) kind: u8,
    /// The source's name for the kind, where the format does not know it.
    pub(in crate::formats) unknown_kind: Option<&'a [u8]>,
    pub(in crate::formats) object: Option<ObjectKey>,
    /// The object's id, of which that is the key.
    pub(in crate::formats) object_id: &'a [u8],
    /// Others who have a part in it.
    pub(in crate::formats) others: Others<'a>,
}

/// Lists the learners who have a part in what a statement reports, beside the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(in crate::formats) enum Others<'a> {
    #[default]
    Nobody,
    /// One who received it, and the kind it is for them.
    Receiver(&'a [u8], u8),
    /// The rest of a group, who did the same.
    Group(&'a [GroupMember]),
}

impl<'a> Others<'a> {
    /// Lists them, each with the kind that it is for them; `kind` is the first learner's.
    pub(super) fn each(self, kind: u8) -> impl Iterator<Item = (Learner<'a>, u8)> {
        let (receiver, group): (_, &[GroupMember]) = match self {
            Self::Nobody => (None, &[]),
            Self::Receiver(name, kind) => (Some((Learner::Named(name), kind)), &[]),
            Self::Group(members) => (None, members),
        };
        receiver.into_iter().chain(group.iter().map(move |member| (member.learner(), kind)))
    }
}

/// Describes a member of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(in crate::formats) struct GroupMember {
    /// Site of the account; `None` for a name without one.
    pub(in crate::formats) site: Option<Vec<u8>>,
    pub(in crate::formats) name: Vec<u8>,
}

impl GroupMember {
    /// Returns the member as a learner.
    pub(in crate::formats) fn learner(&self) -> Learner<'_> {
        match &self.site {
            Some(site) => Learner::Account { site, name: &self.name },
            None => Learner::Named(&self.name),
        }
    }
}

/// Describes a change of an enrolment, and names the learner whose enrolment it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::formats) struct EnrolmentReport<'a> {
    pub(in crate::formats) learner: Learner<'a>,
    pub(in crate::formats) change: EnrolmentChange,
}

/// Holds the content of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::formats) enum Content<'a> {
    Interaction(Interaction<'a>),
    Change(EnrolmentReport<'a>),
    /// An interaction that changed an enrolment, which may be another learner's.
    Both(Interaction<'a>, EnrolmentReport<'a>),
}

impl<'a> Content<'a> {
    /// Makes the content out of its parts; `None` where there is neither.
    pub(in crate::formats) fn from_parts(
        interaction: Option<Interaction<'a>>,
        report: Option<EnrolmentReport<'a>>,
    ) -> Option<Self> {
        match (interaction, report) {
            (Some(interaction), Some(report)) => Some(Self::Both(interaction, report)),
            (Some(interaction), None) => Some(Self::Interaction(interaction)),
            (None, Some(report)) => Some(Self::Change(report)),
            (None, None) => None,
        }
    }

    /// Makes the content of an interaction that may have changed the learner's own enrolment.
    pub(in crate::formats) fn new(interaction: Interaction<'a>, change: Option<EnrolmentChange>) -> Self {
        match change {
            Some(change) => Self::Both(interaction, EnrolmentReport { learner: interaction.learner, change }),
            None => Self::Interaction(interaction),
        }
    }

    /// Says what the statement tells.
    pub(super) const fn role(&self) -> RowRole {
        match self {
            Self::Interaction(Interaction { part: Part::Did, .. }) => RowRole::Act,
            Self::Interaction(_) => RowRole::Fact,
            Self::Change(_) | Self::Both(..) => RowRole::Record,
        }
    }

    /// Returns the interaction, where there is one.
    pub(super) const fn interaction(&self) -> Option<&Interaction<'a>> {
        match self {
            Self::Interaction(interaction) | Self::Both(interaction, _) => Some(interaction),
            Self::Change(_) => None,
        }
    }
}

/// Holds a line of a log, parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, on the stack")]
pub(in crate::formats) enum Line<'a> {
    Statement(Statement<'a>),
    /// It says that the statement with this id never held, and when it says so, where that can be read.
    Voiding {
        id: &'a [u8],
        instant: Option<i64>,
    },
}

/// Holds a statement about a learner in a course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::formats) struct Statement<'a> {
    pub(in crate::formats) course: &'a [u8],
    /// Seconds since 1970-01-01T00:00:00.
    pub(in crate::formats) instant: i64,
    /// An id of its own; empty where the format gives statements none.
    pub(in crate::formats) id: &'a [u8],
    pub(in crate::formats) content: Content<'a>,
    pub(in crate::formats) attempt: AttemptRole<'a>,
}

/// Says how an attempt went, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::formats) enum Success {
    Wrong,
    Unknown,
    Right,
}

/// Says whether a statement is about an attempt at a problem, and about which part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::formats) enum AttemptRole<'a> {
    /// It is about no attempt, or the format has one statement for each.
    Nothing,
    Whole,
    Part {
        /// Id of the statement about the whole; empty where it does not name one.
        of: &'a [u8],
        /// Whether it names the problem, which is then the interaction's object.
        has_problem: bool,
        success: Success,
    },
}

/// Says why a line can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::formats) struct Unusable {
    pub(in crate::formats) reason: Reason,
    /// Describes the fault; names no learner.
    pub(in crate::formats) what: Cow<'static, str>,
}

impl Unusable {
    pub(in crate::formats) fn new(reason: Reason, what: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, what: what.into() }
    }
}

impl Unusable {
    /// Says of a time that it can't be read: its shape, or what stands in place of a text.
    pub(in crate::formats) fn bad_time(member: &str, time: &[u8], other_than_text: Option<&str>) -> Self {
        let what = match other_than_text.filter(|_| time.is_empty()) {
            Some(what) => format!("{member} is {what}, not a text YYYY-MM-DDTHH:MM:SS"),
            None => describe_unreadable(member, time),
        };
        Self::new(Reason::BadTime, what)
    }
}

impl From<InvalidJson> for Unusable {
    fn from(InvalidJson(what): InvalidJson) -> Self {
        Self::new(Reason::Malformed, format!("not JSON: {what}"))
    }
}

/// Parses the lines of a format.
pub(in crate::formats) trait StatementParser: Clone + Send + Sync + 'static {
    /// Keeps room for text that stands in the line with escapes, used again for every line.
    type Scratch: Default;

    /// Parses `line`, which is not blank and is UTF-8.
    fn parse<'l>(&self, line: &'l [u8], scratch: &'l mut Self::Scratch) -> Result<Line<'l>, Unusable>;
}

/// Returns the text without escapes and without spaces around it, in `room` where it is not written so; empty where
/// there is none.
pub(in crate::formats) fn resolved<'s, 'a: 's>(text: Option<Text<'a>>, room: &'s mut Vec<u8>) -> &'s [u8] {
    text.unwrap_or_default().resolve(room).trim_ascii()
}

/// Says of a row that its id came before.
pub(super) fn repeated_id() -> String {
    "an id that came before".to_owned()
}

/// Says of a row that another counts in its place.
pub(super) fn part_of_another() -> String {
    "an attempt at a problem for which another statement counts, of the whole or of a part".to_owned()
}

/// Says of a row that it is voided, or voids another.
pub(super) fn voided() -> String {
    "a statement that another one voids, or one that voids another".to_owned()
}

/// Says of a row that its learner is not in the roster.
pub(super) fn unknown_learner() -> String {
    "its learner was not there when the log was read first; is it still being written?".to_owned()
}

/// Says of a row that its course has no dates.
pub(super) fn course_without_dates() -> String {
    "its course has no dates".to_owned()
}
