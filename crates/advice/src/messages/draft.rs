//! From a worklist to drafts: who gets which message, and who gets none, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use super::contacts::{Contact, Contacts, Found};
use super::error::MessageError;
use super::items::Items;
use super::outbox::Outbox;
use super::records::{Message, message_id};
use super::state::State;
use super::templates::Templates;
use super::variables::{COMPARED, Figures, Values};
use super::worklist_rows::{Row, RowFigure};
use super::{instant_text, one_line};
use crate::policy::{Action, ActionKind, Channel, Mailbox, Policy, PolicyError, Signature};
use crate::reasons::Behaviour;

/// Holds all that drafts are made of.
#[derive(Debug)]
pub struct Draft<'a> {
    /// Rules, actions and limits.
    pub policy: &'a Policy,
    /// The texts.
    pub templates: &'a Templates,
    /// How learners are reached.
    pub contacts: &'a Contacts,
    /// Items that are due, where they are known.
    pub items: Option<&'a Items>,
    /// Who the mails are from; where it is `None`, the policy's sender.
    pub sender: Option<Mailbox>,
    /// Those who may get one, by course and enrolment, as the arm of an experiment; everybody where it is `None`.
    pub only: Option<&'a BTreeSet<(String, String)>>,
    /// Seconds since 1970.
    pub now: i64,
}

/// Names why somebody gets no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No rule of the policy fits.
    NoRule,
    /// The learner is in another arm of the experiment, or in none.
    NotInArm,
    /// The contacts have no row for the enrolment.
    NoContact,
    /// The row of the contacts can't be used.
    ContactUnclear,
    /// The learner wants no messages.
    OptedOut,
    /// The action is for learners who asked for it, and this one did not.
    NotOptedIn,
    /// No address or telephone number for the action, nor for those that would follow.
    NoAddress,
    /// The action is about due items, and nothing is due.
    NothingDue,
    /// The action compares figures, and there are none to compare.
    NoFigures,
    /// An earlier draft waits for a decision, or to be sent.
    EarlierDraft,
    /// A message was sent, and the days are not over after which the next action comes.
    Waiting,
    /// The learner had a message too recently, or enough of them this week.
    LimitReached,
}

impl Reason {
    /// Returns the name in files.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::NoRule => "no_rule",
            Self::NotInArm => "not_in_arm",
            Self::NoContact => "no_contact",
            Self::ContactUnclear => "contact_unclear",
            Self::OptedOut => "opted_out",
            Self::NotOptedIn => "not_opted_in",
            Self::NoAddress => "no_address",
            Self::NothingDue => "nothing_due",
            Self::NoFigures => "no_figures",
            Self::EarlierDraft => "earlier_draft",
            Self::Waiting => "waiting",
            Self::LimitReached => "limit_reached",
        }
    }
}

/// Names somebody who gets no message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotDrafted {
    /// The course.
    pub course_id: String,
    /// The enrolment.
    pub enrolment_id: String,
    /// The action that would have been taken; empty where there is none.
    pub action: String,
    /// Why not.
    pub reason: Reason,
}

/// Counts what became of the rows of a worklist.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DraftCounts {
    /// Rows.
    pub rows: u64,
    /// Messages that were drafted now.
    pub drafted: u64,
    /// Those among them that are calls or texts to a telephone.
    pub by_channel: BTreeMap<&'static str, u64>,
    /// Rows whose message is in the outbox already.
    pub already_there: u64,
    /// Rows without a message, by reason.
    pub not_drafted: BTreeMap<Reason, u64>,
}

/// Holds the earlier messages to a learner.
#[derive(Default)]
struct History<'a> {
    /// When messages were sent.
    sent: Vec<i64>,
    /// Whether one is not sent and not rejected.
    has_waiting: bool,
    /// The messages that were sent, with the time.
    messages: Vec<(&'a Message, i64)>,
}

impl Draft<'_> {
    /// Checks that policy, templates and items fit together for all actions that a rule or a row leads to.
    fn check(&self, rows: &[Row], worklist: &Path) -> Result<(), MessageError> {
        let mut in_use: BTreeMap<&str, &Action> = self.policy.actions_in_use().collect();
        for (number, row) in (1..).zip(rows) {
            let Some(name) = row.action.as_deref() else { continue };
            let Some((name, action)) = self.policy.action_named(name) else {
                let names: Vec<&str> = self.policy.action_names().collect();
                let what = format!(
                    "row {number}: its action is none of {}, which has {}",
                    self.policy.origin(),
                    names.join(", ")
                );
                return Err(MessageError::file(worklist, what));
            };
            in_use.insert(name, action);
        }
        for (name, action) in in_use {
            let language = &self.policy.messages.language;
            if self.templates.language_for(&action.template, [language.as_str()]).is_none() {
                let languages: Vec<&str> = self.templates.languages().collect();
                let what = format!(
                    "there is no template `{}` in the language `{language}`, which the action `{name}` needs; it is a file \
                     {language}/{}.txt. Languages: {}",
                    action.template,
                    action.template,
                    languages.join(", ")
                );
                return Err(PolicyError::at(self.policy.origin(), action.line, what).into());
            }
            self.templates.check(&action.template, self.items.is_some()).map_err(|error| {
                let what = format!("the template of the action `{name}` can't be used: {error}");
                PolicyError::at(self.policy.origin(), action.line, what)
            })?;
        }
        Ok(())
    }

    fn sender(&self) -> Result<Mailbox, MessageError> {
        let sender = self.sender.clone().or_else(|| self.policy.messages.sender.clone());
        sender.ok_or_else(|| MessageError::NoSender(self.policy.origin().to_owned()))
    }

    /// Drafts messages for the rows of a worklist into an outbox, which is begun where it is not there. Nothing is written
    /// unless everything can be.
    ///
    /// # Errors
    /// When policy, templates and sources do not fit together, or the outbox can't be read or written.
    pub fn into_outbox(
        &self,
        rows: &[Row],
        worklist: &Path,
        outbox: &Path,
    ) -> Result<(DraftCounts, Vec<NotDrafted>), MessageError> {
        let sender = self.sender()?;
        self.check(rows, worklist)?;
        let mut outbox = Outbox::open_or_begin(outbox, self.policy.limits)?;
        let mut counts = DraftCounts::default();
        let (mut new, mut none): (Vec<Message>, Vec<NotDrafted>) = (Vec::new(), Vec::new());
        let there: BTreeSet<&str> = outbox.messages.iter().map(|message| message.id.as_str()).collect();
        let mut histories: BTreeMap<&str, History<'_>> = BTreeMap::new();
        for (message, state) in outbox.messages() {
            let history = histories.entry(&message.learner_id).or_default();
            history.has_waiting |= !matches!(state, State::Rejected | State::Sent);
            if let Some(at) = outbox.sending(&message.id).and_then(|sending| sending.sent_at) {
                history.sent.push(at);
                history.messages.push((message, at));
            }
        }
        let mut drafted_now: BTreeSet<&str> = BTreeSet::new();
        for row in rows {
            counts.rows += 1;
            let nothing = History::default();
            let history = histories.get(row.learner_id.as_str()).unwrap_or(&nothing);
            let decided = self.decide(row, history);
            let id =
                decided.as_ref().ok().map(|(name, ..)| message_id(&row.course_id, &row.enrolment_id, row.week, name));
            if id.as_ref().is_some_and(|id| there.contains(id.as_str())) {
                counts.already_there += 1;
                continue;
            }
            let allowed = decided.and_then(|found| {
                if history.has_waiting || drafted_now.contains(row.learner_id.as_str()) {
                    Err((found.0.to_owned(), Reason::EarlierDraft))
                } else if self.policy.limits.refuses(self.now, history.sent.iter().copied()) {
                    Err((found.0.to_owned(), Reason::LimitReached))
                } else {
                    Ok(found)
                }
            });
            match allowed {
                Ok((name, action, contact)) => {
                    let message = self.write(row, name, action, contact, &sender)?;
                    counts.drafted += 1;
                    *counts.by_channel.entry(message.channel.key()).or_default() += 1;
                    drafted_now.insert(&row.learner_id);
                    new.push(message);
                }
                Err((action, reason)) => {
                    *counts.not_drafted.entry(reason).or_default() += 1;
                    let (course_id, enrolment_id) = (row.course_id.clone(), row.enrolment_id.clone());
                    none.push(NotDrafted { course_id, enrolment_id, action, reason });
                }
            }
        }
        drop(histories);
        let csv = not_drafted_csv(&none).map_err(|error| MessageError::file(outbox.path(), error.to_string()))?;
        outbox.add(new, &csv)?;
        Ok((counts, none))
    }

    /// Decides what a row gets: an action and a contact that it reaches, or why not.
    fn decide<'s>(
        &'s self,
        row: &'s Row,
        history: &History<'_>,
    ) -> Result<(&'s str, &'s Action, &'s Contact), (String, Reason)> {
        let noticed = row.noticed();
        let suggested = row.action.as_deref().or_else(|| self.policy.action(row.list, row.p_dropout, &noticed));
        let Some((mut name, mut action)) = suggested.and_then(|name| self.policy.action_named(name)) else {
            return Err((String::new(), Reason::NoRule));
        };
        let is_in_arm = |only: &BTreeSet<_>| only.contains(&(row.course_id.clone(), row.enrolment_id.clone()));
        if !self.only.is_none_or(is_in_arm) {
            return Err((name.to_owned(), Reason::NotInArm));
        }
        let contact = match self.contacts.of(&row.course_id, &row.enrolment_id) {
            Found::Nothing => return Err((name.to_owned(), Reason::NoContact)),
            Found::Unclear => return Err((name.to_owned(), Reason::ContactUnclear)),
            Found::Contact(contact) if contact.opted_out => return Err((name.to_owned(), Reason::OptedOut)),
            Found::Contact(contact) => contact,
        };
        let behaviour = row.reasons_of_list().next().map(|reason| reason.behaviour);
        let chain = self.chain(name);
        let in_chain = |message: &Message| {
            (&message.course_id, &message.enrolment_id, message.behaviour)
                == (&row.course_id, &row.enrolment_id, behaviour)
                && chain.contains(&message.action.as_str())
        };
        let sent = history.messages.iter().filter(|(message, _)| in_chain(message));
        if let Some((last, at)) = sent.max_by_key(|(message, at)| (*at, message.week))
            && let Some((last_name, last_action)) = self.policy.action_named(&last.action)
        {
            (name, action) = (last_name, last_action);
            if row.week > last.week
                && let Some(escalation) = &action.escalation
                && let Some(next) = self.policy.action_named(&escalation.then)
            {
                if self.now - at < i64::from(escalation.after_days) * crate::policy::DAY_SECONDS {
                    return Err((next.0.to_owned(), Reason::Waiting));
                }
                (name, action) = next;
            }
        }
        while contact.address(action.channel).is_none() {
            let next = action.escalation.as_ref().and_then(|next| self.policy.action_named(&next.then));
            (name, action) = next.ok_or_else(|| (name.to_owned(), Reason::NoAddress))?;
        }
        if action.opt_in && !contact.opted_in {
            return Err((name.to_owned(), Reason::NotOptedIn));
        }
        let needs_items = matches!(action.kind, ActionKind::StudyPlan | ActionKind::Reminder);
        let nothing_due = |items: &Items| items.due_soon(&row.course_id, &row.enrolment_id, self.today()).is_empty();
        if needs_items && self.items.is_some_and(nothing_due) {
            return Err((name.to_owned(), Reason::NothingDue));
        }
        if action.kind == ActionKind::Summary && !row.reasons.iter().any(|reason| is_compared(&reason.figure)) {
            return Err((name.to_owned(), Reason::NoFigures));
        }
        Ok((name, action, contact))
    }

    /// Lists an action and those that follow it.
    fn chain<'s>(&'s self, first: &'s str) -> Vec<&'s str> {
        let mut chain = vec![first];
        while let Some(next) = chain.last().and_then(|name| self.policy.action_named(name)?.1.escalation.as_ref()) {
            if chain.contains(&next.then.as_str()) {
                break;
            }
            chain.push(&next.then);
        }
        chain
    }

    /// Returns the day on the learners' clocks.
    fn today(&self) -> jiff::civil::Date {
        let local = self.now + i64::from(self.policy.limits.utc_offset_minutes) * 60;
        let instant = jiff::Timestamp::from_second(local).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        jiff::tz::Offset::UTC.to_datetime(instant).date()
    }

    fn write(
        &self,
        row: &Row,
        name: &str,
        action: &Action,
        contact: &Contact,
        sender: &Mailbox,
    ) -> Result<Message, MessageError> {
        let wanted = contact.language.as_deref().into_iter().chain([self.policy.messages.language.as_str()]);
        let language = self.templates.language_for(&action.template, wanted).expect("it was checked");
        let values = self.values(row, action, contact, sender, language);
        let text = self.templates.render(language, &action.template, &values.to_value())?;
        Ok(Message {
            id: message_id(&row.course_id, &row.enrolment_id, row.week, name),
            drafted_at: instant_text(self.now),
            course_id: row.course_id.clone(),
            enrolment_id: row.enrolment_id.clone(),
            learner_id: row.learner_id.clone(),
            week: row.week,
            list: row.list,
            action: name.to_owned(),
            kind: action.kind,
            channel: action.channel,
            behaviour: row.reasons_of_list().next().map(|reason| reason.behaviour),
            language: language.to_owned(),
            from: sender.clone(),
            to_name: contact.name.clone(),
            to: contact.address(action.channel).expect("it was checked").to_owned(),
            subject: one_line(&text.subject, 200),
            body: visible_lines(&text.body),
        })
    }

    fn values(&self, row: &Row, action: &Action, contact: &Contact, sender: &Mailbox, language: &str) -> Values {
        const MOST: usize = 200;
        let course = self.policy.course(&row.course_id);
        let first = row.reasons_of_list().next();
        let tutor = row.tutor.as_deref().map(|tutor| one_line(tutor, MOST)).filter(|tutor| !tutor.is_empty());
        let signature = match &action.signed_by {
            Signature::Name(name) => name.clone(),
            // Where learners are dealt out by course, the part is no person.
            Signature::Tutor => {
                tutor.filter(|tutor| *tutor != row.course_id).unwrap_or_else(|| sender.shown().to_owned())
            }
        };
        let visits =
            row.reasons.iter().find(|reason| reason.behaviour == Behaviour::Visits).map(|reason| &reason.figure);
        let missed = self.items.map(|items| items.missed(&row.course_id, &row.enrolment_id, self.today()));
        Values {
            first_name: contact.first_name(),
            name: Some(contact.name.clone()).filter(|name| !name.is_empty()),
            course_name: course.name.unwrap_or_else(|| one_line(&row.course_id, MOST)),
            course_link: course.link,
            support: course.support,
            signature,
            language: language.to_owned(),
            week: row.week,
            behaviour: first.map(|reason| reason.behaviour.key()),
            reason: first.map(|reason| one_line(&reason.text, MOST)),
            figure: first.map_or_else(Figures::default, |reason| figures(&reason.figure)),
            figures: row
                .reasons
                .iter()
                .map(|reason| &reason.figure)
                .filter(|figure| is_compared(figure))
                .map(figures)
                .collect(),
            days_a_week: visits
                .filter(|figure| figure.feature.as_deref() == Some("active_days"))
                .and_then(|figure| figure.before.or(figure.learner)),
            items: self.items.map(|items| items.due_soon(&row.course_id, &row.enrolment_id, self.today())),
            missed: missed.filter(|missed| !missed.is_empty()),
        }
    }
}

/// Leaves out of a text what can't be seen or turns it around; its lines stay.
fn visible_lines(text: &str) -> String {
    let visible = |line: &str| {
        let blank_for_tab = |letter, out: &mut String| out.extend((letter == '\t').then_some(' '));
        staycast_text::escape_by(line, blank_for_tab).into_owned()
    };
    text.lines().map(|line| visible(line) + "\n").collect()
}

/// Tells whether a learner can compare a figure with those of others.
fn is_compared(figure: &RowFigure) -> bool {
    figure.feature.as_deref().is_some_and(|feature| COMPARED.contains(&feature))
        && figure.learner.is_some()
        && figure.typical.is_some()
}

fn figures(figure: &RowFigure) -> Figures {
    let feature = figure.feature.as_deref().map(|feature| one_line(feature, 100));
    Figures { feature, learner: figure.learner, typical: figure.typical, before: figure.before }
}

impl Contact {
    fn address(&self, channel: Channel) -> Option<&str> {
        match channel {
            Channel::Mail => self.email.as_deref(),
            Channel::Text | Channel::Call => self.phone.as_deref(),
        }
    }
}

fn not_drafted_csv(rows: &[NotDrafted]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["course_id", "enrolment_id", "action", "reason"])?;
    for row in rows {
        writer.write_record([&row.course_id, &row.enrolment_id, &row.action, row.reason.key()])?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}
