//! Which action a rule leads to, and what an action is.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::reasons::{Behaviour, BehaviourReading, Finding};
use crate::worklist::{RULE_DAYS, WhichList};

/// Names what an action is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// A message about a behaviour or an item.
    Message,
    /// The learner's figures beside those of others, once a week.
    Summary,
    /// A plan of the coming week, from due items.
    StudyPlan,
    /// A word about what is due soon.
    Reminder,
    /// The way to the forum.
    ForumIntroduction,
    /// The way to tutoring or technical help.
    Referral,
    /// A call: what is written is for who calls.
    Call,
    /// A word of praise.
    Praise,
}

/// Names how a message reaches the learner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Mail.
    Mail,
    /// A text message to a telephone.
    Text,
    /// A call, by who signs.
    Call,
}

impl Channel {
    /// Returns the name in files.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Text => "text",
            Self::Call => "call",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.key())
    }
}

/// Says who signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// The learner's tutor, and the sender where the worklist names none.
    Tutor,
    /// Somebody by name.
    Name(String),
}

/// Holds what comes when a learner does not return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalation {
    /// Days to wait.
    pub after_days: u32,
    /// The next action.
    pub then: String,
}

/// Holds what is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Kind of the action.
    pub kind: ActionKind,
    /// How it reaches the learner.
    pub channel: Channel,
    /// Name of the template.
    pub template: String,
    /// Who signs.
    pub signed_by: Signature,
    /// Whether only learners get it who asked for it.
    pub opt_in: bool,
    /// The step that follows, if any.
    pub escalation: Option<Escalation>,
    /// Line of the policy that names the template, or the action where none is named.
    pub line: usize,
}

/// Holds a reason as rules see it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noticed {
    /// The behaviour.
    pub behaviour: Behaviour,
    /// Whether it raises the forecast of dropout; else it lowers it.
    pub raises_risk: bool,
    /// The learner's figure of the last week; `None` where null.
    pub figure: Option<f64>,
}

/// Lists what rules see of a learner on a worklist: the reasons of the list, and that they were there within a week. A worklist
/// tells the reasons of its list alone; whoever visited was there all the same.
#[must_use]
pub(crate) fn noticed_on(
    list: WhichList,
    reasons: impl IntoIterator<Item = Noticed>,
    days_since_last: Option<f64>,
) -> Vec<Noticed> {
    let mut all: Vec<Noticed> = reasons.into_iter().collect();
    if list == WhichList::Act && days_since_last.is_some_and(|days| days < RULE_DAYS) {
        all.push(Noticed { behaviour: Behaviour::Visits, raises_risk: false, figure: Some(1.0) });
    }
    all
}

/// Lists what rules see of a learner with these readings of behaviours.
#[must_use]
pub fn noticed(list: WhichList, reasons: &[BehaviourReading], days_since_last: Option<f64>) -> Vec<Noticed> {
    let one = |reading: &BehaviourReading| Noticed {
        behaviour: reading.behaviour,
        raises_risk: reading.finding == Finding::RaisesRisk,
        figure: reading.figure.learner,
    };
    noticed_on(list, reasons.iter().map(one), days_since_last)
}

/// Holds a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The list that it is about.
    pub(super) list: WhichList,
    /// The first reason; `None` for any, or none.
    pub(super) reason: Option<Behaviour>,
    /// Lowest probability of dropout.
    pub(super) from: f64,
    /// Probability below which it fits; from 1 on, all.
    pub(super) below: f64,
    /// Whether it fits only those who were in the course but did nothing of the behaviour.
    pub(super) only_while_active: bool,
    pub(super) action: String,
}

impl Rule {
    pub(super) fn fits(&self, list: WhichList, p_dropout: f64, noticed: &[Noticed]) -> bool {
        let first = first_reason(list, noticed);
        self.list == list
            && p_dropout >= self.from
            && (p_dropout < self.below || self.below >= 1.0)
            && self.reason.is_none_or(|reason| first.is_some_and(|first| first.behaviour == reason))
            && (!self.only_while_active || first.is_some_and(|first| is_stuck(first, noticed)))
    }
}

/// Returns the first reason in the direction of a list.
fn first_reason(list: WhichList, noticed: &[Noticed]) -> Option<&Noticed> {
    noticed.iter().find(|one| one.raises_risk == (list == WhichList::Act))
}

/// Tells whether somebody did nothing of a behaviour in a week with other activity: who can't get a video to play is not one
/// who stayed away.
fn is_stuck(first: &Noticed, noticed: &[Noticed]) -> bool {
    let of_presence = |one: &Noticed| {
        use Behaviour::{Activity, Exercises, Forum, Material, StudyTime, Videos, Visits};
        matches!(one.behaviour, Activity | Exercises | Forum | Material | StudyTime | Videos | Visits)
    };
    first.figure == Some(0.0)
        && noticed.iter().any(|one| of_presence(one) && one.figure.is_some_and(|figure| figure > 0.0))
}
