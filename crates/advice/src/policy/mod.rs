//! Policies: the rules, actions, limits and words of a course team, read from a file.
//!
//! A policy is TOML. It is read strictly: an unknown key, reason or action is an error that names file and line, before
//! anything is written. `configs/policy.toml` is the one that is built in, and documents every key.

mod error;
pub(crate) mod file;
mod limits;
mod mailbox;
mod rules;

pub use error::PolicyError;
pub(crate) use limits::DAY_SECONDS;
pub use limits::Limits;
pub use mailbox::{Mailbox, is_address};
pub(crate) use rules::noticed_on;
pub use rules::{Action, ActionKind, Channel, Escalation, Noticed, Rule, Signature, noticed};

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::worklist::{WhichList, WorklistSettings};

/// Is the policy that is built in.
pub const BUILT_IN_POLICY: &str = include_str!("../../../../configs/policy.toml");

/// Names the built-in policy in messages.
const BUILT_IN: &str = "the built-in policy";

/// Holds a policy whose parts fit together.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// How worklists are chosen.
    pub worklist: WorklistSettings,
    /// Language, sender and templates.
    pub messages: MessageSettings,
    /// When nothing is sent, and how much at most.
    pub limits: Limits,
    origin: String,
    courses: BTreeMap<String, CourseWords>,
    rules: Vec<Rule>,
    actions: BTreeMap<String, Action>,
}

/// Holds what all messages share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageSettings {
    /// Language of learners of whom none is known.
    pub language: String,
    /// Who the mails are from.
    pub sender: Option<Mailbox>,
    /// Folder of templates that replace built-in ones.
    pub templates: Option<PathBuf>,
}

/// Holds what messages may say of a course.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CourseWords {
    /// Name as learners know it.
    pub name: Option<String>,
    /// Address of its page.
    pub link: Option<String>,
    /// Where technical help is: an address or a page.
    pub support: Option<String>,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// When the file can't be read, or something in it makes no sense: with the line, and what is allowed.
    pub fn read(path: &Path) -> Result<Self, PolicyError> {
        let text = fs::read_to_string(path).map_err(|source| PolicyError::Read { path: path.to_owned(), source })?;
        let mut policy = file::parse(&text, &path.display().to_string())?;
        // As the file says it, from where the file is.
        if let (Some(templates), Some(folder)) = (&mut policy.messages.templates, path.parent()) {
            *templates = folder.join(&*templates);
        }
        Ok(policy)
    }

    /// Returns the policy that is built in.
    #[must_use]
    pub fn built_in() -> Self {
        file::parse(BUILT_IN_POLICY, BUILT_IN).expect("a test reads it")
    }

    /// Returns where it is from, for messages.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the name of the action for a learner of a list: that of the first rule that fits. `noticed` are the learner's
    /// reasons, the strongest first.
    #[must_use]
    pub fn action(&self, list: WhichList, p_dropout: f64, noticed: &[Noticed]) -> Option<&str> {
        let rule = self.rules.iter().find(|rule| rule.fits(list, p_dropout, noticed))?;
        Some(&rule.action)
    }

    /// Returns an action by its name, with the name as the policy has it.
    #[must_use]
    pub fn action_named(&self, name: &str) -> Option<(&str, &Action)> {
        self.actions.get_key_value(name).map(|(name, action)| (name.as_str(), action))
    }

    /// Returns the actions that rules and escalations lead to, by name.
    pub fn actions_in_use(&self) -> impl Iterator<Item = (&str, &Action)> {
        let mut names: Vec<&str> = self.rules.iter().map(|rule| rule.action.as_str()).collect();
        let mut at = 0;
        while at < names.len() {
            let next = self.actions.get(names[at]).and_then(|action| action.escalation.as_ref());
            if let Some(next) = next.map(|next| next.then.as_str()).filter(|next| !names.contains(next)) {
                names.push(next);
            }
            at += 1;
        }
        self.actions
            .iter()
            .filter(move |(name, _)| names.contains(&name.as_str()))
            .map(|(name, action)| (&**name, action))
    }

    /// Returns the names of all actions.
    pub fn action_names(&self) -> impl Iterator<Item = &str> {
        self.actions.keys().map(String::as_str)
    }

    /// Returns what messages may say of a course.
    #[must_use]
    pub fn course(&self, id: &str) -> CourseWords {
        self.courses.get(id).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
