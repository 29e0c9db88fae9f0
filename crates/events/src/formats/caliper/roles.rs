//! The part of an actor in a course, as a membership tells it: a learner's, or that of the course team.
//!
//! Roles are those of 1EdTech's Learning Information Services (its core context roles): `Instructor`,
//! sub-roles such as `Instructor#TeachingAssistant`, and the same with a prefix or as IRIs.

use super::entity::Entity;
use crate::formats::statements::with_small_host;
use crate::json::{Cursor, InvalidJson, Text, Value};

/// Lists the roles of those who run a course.
const TEAM: [&str; 7] =
    ["Administrator", "ContentDeveloper", "Instructor", "Manager", "Mentor", "Officer", "TeachingAssistant"];

/// Describes a membership: who is what in which course.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Membership<'a> {
    /// The course that it is in, or what may be one.
    pub(super) place: Entity<'a>,
    member: Option<Text<'a>>,
    organization: Option<Text<'a>>,
    roles: Roles,
}

/// Sums up the roles of a membership.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Roles {
    #[default]
    None,
    /// All are the course team's.
    Team,
    /// One is not.
    Learner,
}

impl Roles {
    fn add(&mut self, role: &[u8]) {
        *self = match self {
            Self::Learner => Self::Learner,
            Self::None | Self::Team if is_of_team(role) => Self::Team,
            Self::None | Self::Team => Self::Learner,
        };
    }
}

impl<'a> Membership<'a> {
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, InvalidJson> {
        let mut membership = Self::default();
        let object = match cursor.value()? {
            Value::Object(object) => object,
            value => {
                membership.place = Entity::of_id(value.id());
                return Ok(membership);
            }
        };
        membership.place = Entity::read(&mut Cursor::new(object))?;
        Cursor::new(object).members(|key, cursor| {
            match key {
                b"member" => membership.member = Entity::read(cursor)?.id,
                b"organization" => membership.organization = Entity::read(cursor)?.id,
                b"roles" if cursor.is_array() => cursor.elements(|cursor| membership.add_role(cursor))?,
                b"roles" => membership.add_role(cursor)?,
                _ => cursor.skip()?,
            }
            Ok(())
        })?;
        Ok(membership)
    }

    fn add_role(&mut self, cursor: &mut Cursor<'a>) -> Result<(), InvalidJson> {
        let role = Entity::read(cursor)?.id.unwrap_or_default().plain();
        if !role.trim_ascii().is_empty() {
            self.roles.add(role.trim_ascii());
        }
        Ok(())
    }

    /// Tells whether it says of `actor` that they are of the team of the course of `group`. Whether the membership is active
    /// still does not matter: who taught a course is no learner of it.
    pub(super) fn is_of_team(&self, actor: Option<Text<'a>>, group: Option<Text<'a>>) -> bool {
        self.roles == Roles::Team && may_be_same(self.member, actor) && may_be_same(self.organization, group)
    }
}

/// Tells whether two ids are the same, or one of them is not given.
fn may_be_same(one: Option<Text<'_>>, other: Option<Text<'_>>) -> bool {
    let (one, other) = (one.unwrap_or_default().plain(), other.unwrap_or_default().plain());
    if one.trim_ascii().is_empty() || other.trim_ascii().is_empty() {
        return true;
    }
    let (mut room, mut other_room) = (Vec::new(), Vec::new());
    with_small_host(one.trim_ascii(), &mut room) == with_small_host(other.trim_ascii(), &mut other_room)
}

/// Tells whether a role is one of the course team. One that is not known may be a learner's.
fn is_of_team(role: &[u8]) -> bool {
    let after = |before: &[u8]| memchr::memmem::rfind(role, before).map(|at| &role[at + before.len()..]);
    let name = match after(b"/membership").or_else(|| after(b"urn:lti:role:ims/lis/")) {
        Some([b'#' | b'/' | b':', name @ ..]) => name,
        Some(name) => name,
        // An IRI of something else, such as a role in the whole institution.
        None if role.windows(2).any(|signs| signs == b"//") || role.starts_with(b"urn:") => return false,
        None => &role[role.iter().rposition(|&byte| byte == b':').map_or(0, |at| at + 1)..],
    };
    let main = name.split(|byte| matches!(byte, b'#' | b'/')).next().unwrap_or_default();
    TEAM.iter().any(|role| role.as_bytes().eq_ignore_ascii_case(main))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_of_the_course_team() {
        for role in [
            "Instructor",
            "instructor",
            "Instructor#TeachingAssistant",
            "TeachingAssistant",
            "Mentor#LearnerAdvisor",
            "lis:Administrator#Support",
            "membership:ContentDeveloper",
            "http://purl.imsglobal.org/vocab/lis/v2/membership#Manager",
            "http://purl.imsglobal.org/vocab/lis/v2/membership/Officer#Chair",
            "urn:lti:role:ims/lis/Instructor/GuestInstructor",
        ] {
            assert!(is_of_team(role.as_bytes()), "{role}");
        }
        for role in [
            "Learner",
            "Learner#Instructor",
            "Learner#GuestLearner",
            "lis:Learner",
            "Member",
            "Auditor",
            "",
            "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner",
            "http://purl.imsglobal.org/vocab/lis/v2/membership/Learner#Instructor",
            "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Instructor",
            "urn:lti:role:ims/lis/Learner",
            "urn:lti:sysrole:ims/lis/",
        ] {
            assert!(!is_of_team(role.as_bytes()), "{role}");
        }
    }
}
