//! The policy as it is written, and how it becomes one whose parts fit together.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use staycast_text::{escape, parse_problem};
use toml::Spanned;

use super::limits::{minutes, offset_minutes};
use super::{
    Action, ActionKind, Channel, CourseWords, Escalation, Limits, Mailbox, MessageSettings, Policy, PolicyError, Rule,
    Signature,
};
use crate::reasons::Behaviour;
use crate::worklist::{WhichList, WorklistSettings};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    worklist: Option<Spanned<WorklistSettings>>,
    #[serde(default)]
    messages: MessagesSection,
    #[serde(default)]
    limits: LimitsSection,
    #[serde(default)]
    rule: Vec<Spanned<RuleSection>>,
    #[serde(default)]
    actions: BTreeMap<Spanned<String>, ActionSection>,
    #[serde(default)]
    courses: BTreeMap<Spanned<String>, CourseSection>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct MessagesSection {
    language: Option<Spanned<String>>,
    sender: Option<Spanned<String>>,
    templates: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsSection {
    quiet_from: Option<Spanned<String>>,
    quiet_to: Option<Spanned<String>>,
    utc_offset: Option<Spanned<String>>,
    most_per_week: Option<Spanned<u32>>,
    pause_days: Option<Spanned<u32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleSection {
    list: WhichList,
    reason: Spanned<String>,
    from: Option<f64>,
    below: Option<f64>,
    #[serde(default)]
    only_while_active: bool,
    action: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActionSection {
    kind: Spanned<ActionKind>,
    channel: Option<Channel>,
    template: Option<Spanned<String>>,
    signed_by: Option<Spanned<String>>,
    #[serde(default)]
    opt_in: bool,
    escalation: Option<EscalationSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EscalationSection {
    after_days: Spanned<u32>,
    then: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CourseSection {
    name: Option<String>,
    link: Option<String>,
    support: Option<String>,
}

/// Is the word for any reason, or none.
const ANY: &str = "any";
/// Is the word for the learner's tutor.
const TUTOR: &str = "tutor";
/// Bounds the letters of names.
const LONGEST_NAME: usize = 200;

/// Reads a policy from its text. `origin` is what messages call it.
pub(super) fn parse(text: &str, origin: &str) -> Result<Policy, PolicyError> {
    let file: PolicyFile = toml::from_str(text).map_err(|error| PolicyError::Wrong {
        origin: origin.to_owned(),
        what: parse_problem(text, error.span(), error.message()),
    })?;
    Reading { text, origin }.policy(file)
}

struct Reading<'a> {
    text: &'a str,
    origin: &'a str,
}

impl Reading<'_> {
    fn line<T>(&self, of: &Spanned<T>) -> usize {
        self.text.get(..of.span().start).map_or(1, |before| before.matches('\n').count() + 1)
    }

    fn wrong<T>(&self, at: &Spanned<T>, what: impl std::fmt::Display) -> PolicyError {
        PolicyError::at(self.origin, self.line(at), what)
    }

    fn policy(&self, file: PolicyFile) -> Result<Policy, PolicyError> {
        let worklist = match file.worklist {
            Some(section) => {
                section.get_ref().check().map_err(|what| self.wrong(&section, what))?;
                section.into_inner()
            }
            None => WorklistSettings::default(),
        };
        let names: Vec<String> = file.actions.keys().map(|name| name.get_ref().clone()).collect();
        let known = |name: &Spanned<String>| {
            if names.contains(name.get_ref()) {
                return Ok(name.get_ref().clone());
            }
            let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Err(self.wrong(name, format!("there is no action `{}`; the policy has {there}", shown(name))))
        };
        let mut actions = BTreeMap::new();
        for (name, section) in &file.actions {
            actions.insert(name.get_ref().clone(), self.action(name, section, &known)?);
        }
        self.check_escalations(&file.actions, &actions)?;
        let rules = file.rule.iter().map(|rule| self.rule(rule, &actions, &known)).collect::<Result<_, _>>()?;
        let courses = file
            .courses
            .into_iter()
            .map(|(id, words)| {
                let CourseSection { name, link, support } = words;
                let texts = [&name, &link, &support];
                if texts.into_iter().flatten().any(|text| !is_plain(text)) {
                    return Err(
                        self.wrong(&id, format!("a text of a course is one line of up to {LONGEST_NAME} letters"))
                    );
                }
                Ok((id.into_inner(), CourseWords { name, link, support }))
            })
            .collect::<Result<_, _>>()?;
        Ok(Policy {
            worklist,
            messages: self.messages(file.messages)?,
            limits: self.limits(&file.limits)?,
            origin: self.origin.to_owned(),
            courses,
            rules,
            actions,
        })
    }

    fn messages(&self, section: MessagesSection) -> Result<MessageSettings, PolicyError> {
        let language = match section.language {
            Some(language) if !is_language(language.get_ref()) => {
                let what = "`messages.language` is a folder of templates, as `en`, `de` or `pt-BR`";
                return Err(self.wrong(&language, what));
            }
            language => language.map_or_else(|| "en".to_owned(), Spanned::into_inner),
        };
        let mailbox = |text: Spanned<String>| {
            let what = "`messages.sender` is an address, as `Course team <team@example.org>`";
            Mailbox::parse(text.get_ref()).ok_or_else(|| self.wrong(&text, what))
        };
        Ok(MessageSettings { language, sender: section.sender.map(mailbox).transpose()?, templates: section.templates })
    }

    fn limits(&self, section: &LimitsSection) -> Result<Limits, PolicyError> {
        let time = |name: &str, value: &Option<Spanned<String>>, otherwise: u16| match value {
            None => Ok(otherwise),
            Some(text) => minutes(text.get_ref())
                .ok_or_else(|| self.wrong(text, format!("`limits.{name}` is a time of the day, as `20:00`"))),
        };
        let count = |name: &str, value: &Option<Spanned<u32>>, otherwise: u32, from: u32, to: u32| match value {
            None => Ok(otherwise),
            Some(value) if (from..=to).contains(value.get_ref()) => Ok(*value.get_ref()),
            Some(value) => Err(self.wrong(value, format!("`limits.{name}` is from {from} to {to}"))),
        };
        let offset = match &section.utc_offset {
            None => 0,
            Some(text) => offset_minutes(text.get_ref())
                .ok_or_else(|| self.wrong(text, "`limits.utc_offset` is `Z`, or as `+01:00`"))?,
        };
        Ok(Limits {
            quiet_from: time("quiet_from", &section.quiet_from, 20 * 60)?,
            quiet_to: time("quiet_to", &section.quiet_to, 8 * 60)?,
            utc_offset_minutes: offset,
            most_per_week: count("most_per_week", &section.most_per_week, 1, 1, 50)?,
            pause_days: count("pause_days", &section.pause_days, 3, 0, 365)?,
        })
    }

    fn action(
        &self,
        name: &Spanned<String>,
        section: &ActionSection,
        known: &impl Fn(&Spanned<String>) -> Result<String, PolicyError>,
    ) -> Result<Action, PolicyError> {
        if !is_name(name.get_ref()) {
            let what = "an action has a name of up to 60 small letters, digits, hyphens and underscores";
            return Err(self.wrong(name, what));
        }
        let kind = *section.kind.get_ref();
        let channel = section.channel.unwrap_or(if kind == ActionKind::Call { Channel::Call } else { Channel::Mail });
        if (kind == ActionKind::Call) != (channel == Channel::Call) {
            return Err(self.wrong(&section.kind, "the kind `call` and the channel `call` go together"));
        }
        if kind == ActionKind::Summary && !section.opt_in {
            let what = "a `summary` is for learners who asked for it; write `opt_in = true`";
            return Err(self.wrong(&section.kind, what));
        }
        let template = section.template.as_ref().unwrap_or(name);
        if !is_name(template.get_ref()) {
            let what = "a template is named by its file, without folder and ending, as `check_in`";
            return Err(self.wrong(template, what));
        }
        let signed_by = match &section.signed_by {
            None => Signature::Tutor,
            Some(text) if text.get_ref() == TUTOR => Signature::Tutor,
            Some(text) if is_plain(text.get_ref()) => Signature::Name(text.get_ref().clone()),
            Some(text) => {
                let what = format!("`signed_by` is `{TUTOR}`, or a name on one line of up to {LONGEST_NAME} letters");
                return Err(self.wrong(text, what));
            }
        };
        let escalation = match &section.escalation {
            None => None,
            Some(section) if !(1..=60).contains(section.after_days.get_ref()) => {
                return Err(self.wrong(&section.after_days, "`after_days` is from 1 to 60"));
            }
            Some(section) => {
                Some(Escalation { after_days: *section.after_days.get_ref(), then: known(&section.then)? })
            }
        };
        Ok(Action {
            kind,
            channel,
            template: template.get_ref().clone(),
            signed_by,
            opt_in: section.opt_in,
            escalation,
            line: self.line(template),
        })
    }

    /// Refuses escalations that lead back to where they began, and praise among them.
    fn check_escalations(
        &self,
        sections: &BTreeMap<Spanned<String>, ActionSection>,
        actions: &BTreeMap<String, Action>,
    ) -> Result<(), PolicyError> {
        for (name, section) in sections {
            let mut at = name.get_ref();
            for _ in 0..=actions.len() {
                let Some(next) = actions.get(at).and_then(|action| action.escalation.as_ref()) else { break };
                at = &next.then;
                let place = section.escalation.as_ref().map_or(name, |escalation| &escalation.then);
                if at == name.get_ref() {
                    return Err(self.wrong(place, format!("the escalations of `{}` lead back to it", shown(name))));
                }
                if actions.get(at).is_some_and(|action| action.kind == ActionKind::Praise) {
                    return Err(self.wrong(place, "praise is no escalation"));
                }
            }
        }
        Ok(())
    }

    fn rule(
        &self,
        rule: &Spanned<RuleSection>,
        actions: &BTreeMap<String, Action>,
        known: &impl Fn(&Spanned<String>) -> Result<String, PolicyError>,
    ) -> Result<Rule, PolicyError> {
        let section = rule.get_ref();
        let reason = match section.reason.get_ref().as_str() {
            ANY => None,
            key => {
                let found = reasons().find(|behaviour| behaviour.key() == key);
                let unknown = || {
                    let allowed: Vec<&str> = reasons().map(Behaviour::key).collect();
                    let what =
                        format!("unknown reason `{}`; allowed: {ANY}, {}", shown(&section.reason), allowed.join(", "));
                    self.wrong(&section.reason, what)
                };
                Some(found.ok_or_else(unknown)?)
            }
        };
        let (from, below) = (section.from.unwrap_or(0.0), section.below.unwrap_or(1.0));
        if !(0.0..=1.0).contains(&from) || !(0.0..=1.0).contains(&below) || from >= below {
            return Err(self.wrong(rule, "`from` and `below` are probabilities from 0 to 1, `from` the smaller one"));
        }
        if section.only_while_active && reason.is_none() {
            return Err(self.wrong(rule, "`only_while_active` needs a reason, which is the behaviour without activity"));
        }
        let action = known(&section.action)?;
        let is_praise = actions.get(&action).is_some_and(|action| action.kind == ActionKind::Praise);
        if is_praise != (section.list == WhichList::Praise) {
            let what = "actions of the kind `praise` are for the list `praise`, and others for the list `act`";
            return Err(self.wrong(&section.action, what));
        }
        let only_while_active = section.only_while_active;
        Ok(Rule { list: section.list, reason, from, below, only_while_active, action })
    }
}

/// Lists the behaviours that may be given as reasons.
fn reasons() -> impl Iterator<Item = Behaviour> {
    Behaviour::ALL.into_iter().filter(|behaviour| behaviour.is_of_the_learner())
}

/// Returns a text of the file as a message may show it.
fn shown(text: &Spanned<String>) -> String {
    let short: String = text.get_ref().chars().take(60).collect();
    staycast_text::conceal(&escape(&short)).into_owned()
}

/// Tells whether a text is one visible line of a bounded length.
fn is_plain(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= LONGEST_NAME && escape(text) == text
}

fn is_name(text: &str) -> bool {
    let of_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    (1..=60).contains(&text.len()) && text.bytes().all(of_name) && !text.starts_with('_')
}

/// Tells whether a text is a tag of a language, as `en` or `pt-BR`.
pub(crate) fn is_language(text: &str) -> bool {
    (2..=12).contains(&text.len())
        && text.split('-').all(|part| part.len() >= 2 && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}
