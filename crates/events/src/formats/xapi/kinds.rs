//! The activities of verbs.
//!
//! A verb goes by the last word of its IRI, as registries differ in the rest. What it counts as also depends on what it
//! is done to, by the last word of the object's type: a video, something to discuss, something to solve, or anything
//! else. Which kinds tell more is said at the format.

use rustc_hash::FxHashMap;

use crate::activity::Activity::{
    self, Access, Discussion, Download, Live, Login, Navigate, Other, Post, Problem, Submission, Video,
};
use crate::formats::statements::Success;
use crate::kind::{Detail, EventKind};

/// Names the type of an object acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    Thing,
    Video,
    Talk,
    Task,
}

const OBJECTS: [(Object, &str); 4] =
    [(Object::Thing, ""), (Object::Video, "_video"), (Object::Talk, "_discussion"), (Object::Task, "_problem")];

impl Object {
    /// Finds it by the last word of a type.
    pub(super) fn from_type(object_type: &[u8]) -> Self {
        match object_type {
            b"video" | b"audio" | b"media" => Self::Video,
            b"discussion" | b"forum-topic" | b"forum-reply" | b"forum" | b"thread" | b"comment" => Self::Talk,
            b"question" | b"cmi.interaction" | b"assessment" | b"quiz" | b"test" | b"attempt" | b"solution" => {
                Self::Task
            }
            _ if object_type.ends_with(b"-assessment") => Self::Task,
            _ => Self::Thing,
        }
    }
}

/// Lists verbs, and what they count as when done to a thing.
const VERBS: &[(&str, Activity)] = &[
    ("accessed", Access),
    ("answered", Problem),
    ("asked", Problem),
    ("attempted", Problem),
    ("attended", Live),
    ("bookmarked", Access),
    ("commented", Post),
    ("completed", Other),
    ("created", Other),
    ("deleted", Other),
    ("downloaded", Download),
    ("edited", Other),
    ("evaluated", Problem),
    ("exited", Other),
    ("experienced", Access),
    ("failed", Other),
    ("initialized", Access),
    ("interacted", Access),
    ("joined", Live),
    ("launched", Access),
    ("liked", Discussion),
    ("logged-in", Login),
    ("loggedin", Login),
    ("logged-out", Other),
    ("loggedout", Other),
    ("navigated", Navigate),
    ("opened", Access),
    ("passed", Other),
    ("paused", Video),
    ("played", Video),
    ("posted", Post),
    ("progressed", Other),
    ("read", Access),
    ("registered", Other),
    ("replied", Post),
    ("reported", Other),
    ("resumed", Access),
    ("searched", Navigate),
    ("seeked", Video),
    ("shared", Post),
    ("submitted", Submission),
    ("suspended", Other),
    ("terminated", Other),
    ("turned-in", Submission),
    ("unregistered", Other),
    ("unreported", Other),
    ("uploaded", Submission),
    ("viewed", Access),
    ("voided", Other),
    ("voted", Discussion),
    ("watched", Video),
    ("unknown", Other),
];

/// Lists other words for verbs, as registries have them in other forms.
const OTHER_FORMS: [(&str, &str); 47] = [
    ("access", "accessed"),
    ("answer", "answered"),
    ("ask", "asked"),
    ("attempt", "attempted"),
    ("attend", "attended"),
    ("award", "awarded"),
    ("bookmark", "bookmarked"),
    ("comment", "commented"),
    ("complete", "completed"),
    ("create", "created"),
    ("delete", "deleted"),
    ("download", "downloaded"),
    ("earn", "earned"),
    ("edit", "edited"),
    ("enrol", "enrolled"),
    ("enroll", "enrolled"),
    ("enrolled_onto_learning_plan", "enrolled"),
    ("exit", "exited"),
    ("experience", "experienced"),
    ("fail", "failed"),
    ("initialised", "initialized"),
    ("interact", "interacted"),
    ("join", "joined"),
    ("launch", "launched"),
    ("like", "liked"),
    ("log-in", "logged-in"),
    ("log-out", "logged-out"),
    ("logged_in", "logged-in"),
    ("logged_out", "logged-out"),
    ("login", "logged-in"),
    ("logout", "logged-out"),
    ("navigate", "navigated"),
    ("open", "opened"),
    ("pass", "passed"),
    ("pause", "paused"),
    ("play", "played"),
    ("post", "posted"),
    ("reply", "replied"),
    ("score", "scored"),
    ("search", "searched"),
    ("share", "shared"),
    ("submit", "submitted"),
    ("upload", "uploaded"),
    ("view", "viewed"),
    ("void", "voided"),
    ("vote", "voted"),
    ("watch", "watched"),
];

/// Lists the verbs that report a fact about the actor, which is no act of theirs, whatever the object.
const FACT_VERBS: [&str; 8] =
    ["abandoned", "awarded", "certified", "earned", "graded", "satisfied", "scored", "waived"];

/// Lists the verbs that report a fact about the actor when the object is a course, and the kind that they then are.
const FACTS_OF_COURSES: [(&str, &str); 7] = [
    ("registered", "registered_course"),
    ("enrolled", "registered_course"),
    ("unregistered", "unregistered_course"),
    ("unenrolled", "unregistered_course"),
    ("completed", "completed_course"),
    ("passed", "passed_course"),
    ("failed", "failed_course"),
];

/// Names the kind of a score that a platform computed.
const SCORE: &str = "score_computed";

/// Lists the kinds that tell more.
const DETAILED: [(&str, Activity, Detail); 8] = [
    ("problem_right", Problem, Detail::AttemptRight),
    ("problem_wrong", Problem, Detail::AttemptWrong),
    ("problem_attempt", Problem, Detail::Attempt),
    ("video_played", Video, Detail::VideoPlayed),
    ("thread", Post, Detail::Post),
    ("response", Post, Detail::Response),
    ("upvote", Discussion, Detail::UpvoteGiven),
    ("downvote", Discussion, Detail::DownvoteGiven),
];

/// Holds the kinds of the format and how they are found.
#[derive(Clone, Debug)]
pub(super) struct Kinds {
    kinds: Vec<EventKind>,
    verbs: FxHashMap<&'static [u8], u8>,
    facts: FxHashMap<&'static [u8], u8>,
    facts_of_courses: FxHashMap<&'static [u8], u8>,
}

impl Kinds {
    pub(super) fn new() -> Self {
        let mut kinds = Vec::new();
        for &(verb, activity) in VERBS {
            for (object, suffix) in OBJECTS {
                let activity = match (object, activity) {
                    (Object::Video, _) => Video,
                    (Object::Talk, Post) => Post,
                    (Object::Talk, _) if verb == "created" => Post,
                    (Object::Talk, _) => Discussion,
                    (Object::Task, Submission) => Submission,
                    (Object::Task, _) => Problem,
                    (Object::Thing, activity) => activity,
                };
                kinds.push(EventKind::new(format!("{verb}{suffix}"), activity));
            }
        }
        kinds.extend(DETAILED.map(|(name, activity, detail)| EventKind::new(name, activity).with_detail(detail)));
        let verbs = VERBS.iter().zip(0..).map(|((verb, _), place)| (verb.as_bytes(), place)).collect();
        let mut fact = |name: &'static str, engages: bool| {
            let known = kinds.iter().position(|kind| kind.raw == name);
            let place = known.unwrap_or_else(|| {
                kinds.push(EventKind { engages, ..EventKind::new(name, Other).with_detail(Detail::Fact) });
                kinds.len() - 1
            });
            place as u8
        };
        // edX's report counts the day of a change of an enrolment, as in its tracking logs.
        let facts_of_courses = FACTS_OF_COURSES.map(|(verb, name)| (verb.as_bytes(), fact(name, true)));
        let facts = FACT_VERBS.iter().chain([&SCORE]).map(|&verb| (verb.as_bytes(), fact(verb, false))).collect();
        assert!(kinds.len() <= 256, "a format has at most 256 kinds");
        Self { kinds, verbs, facts, facts_of_courses: facts_of_courses.into_iter().collect() }
    }

    pub(super) fn all(&self) -> &[EventKind] {
        &self.kinds
    }

    /// Returns the kind of a verb done to an object.
    pub(super) fn find(&self, verb: &[u8], object: Object) -> u8 {
        let place = self.verbs.get(verb).or_else(|| self.verbs.get(&b"unknown"[..])).copied().unwrap_or_default();
        place * OBJECTS.len() as u8 + object as u8
    }

    /// Tells whether a kind is that of a verb which is not known.
    pub(super) fn is_unknown(&self, kind: u8) -> bool {
        self.verbs.get(&b"unknown"[..]).is_some_and(|&place| kind / OBJECTS.len() as u8 == place)
    }

    /// Tells whether a verb is one of the format's.
    pub(super) fn knows(&self, verb: &[u8]) -> bool {
        self.verbs.contains_key(verb) || self.fact(verb, true).is_some()
    }

    /// Returns a verb that is none of the format's as the format has it, if it is another form of one, in any case of
    /// letters.
    pub(super) fn usual_form(&self, verb: &[u8]) -> Option<&'static [u8]> {
        if self.knows(verb) {
            return None;
        }
        let other = OTHER_FORMS.iter().find(|(other, _)| verb.eq_ignore_ascii_case(other.as_bytes()));
        let known = || {
            let verbs = VERBS.iter().map(|&(verb, _)| verb);
            let facts = FACT_VERBS.into_iter().chain(FACTS_OF_COURSES.map(|(verb, _)| verb));
            verbs.chain(facts).find(|known| verb.eq_ignore_ascii_case(known.as_bytes()))
        };
        other.map(|&(_, usual)| usual).or_else(known).map(str::as_bytes)
    }

    /// Returns the kind of a verb that reports a fact about the actor.
    pub(super) fn fact(&self, verb: &[u8], is_on_course: bool) -> Option<u8> {
        let of_course = self.facts_of_courses.get(verb).filter(|_| is_on_course);
        of_course.or_else(|| self.facts.get(verb)).copied()
    }

    /// Returns the kind of a score that a platform computed.
    pub(super) fn score(&self) -> u8 {
        self.facts[SCORE.as_bytes()]
    }

    /// Says how an attempt went; `None` for kinds of other events.
    pub(super) fn success(&self, kind: u8) -> Option<Success> {
        match self.kinds[kind as usize].detail {
            Detail::AttemptRight => Some(Success::Right),
            Detail::AttemptWrong => Some(Success::Wrong),
            Detail::Attempt => Some(Success::Unknown),
            _ => None,
        }
    }

    /// Returns the kind with this detail.
    pub(super) fn with_detail(&self, detail: Detail) -> u8 {
        let first = VERBS.len() * OBJECTS.len();
        (first + DETAILED.iter().position(|(.., told)| *told == detail).unwrap_or_default()) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_and_objects() {
        let kinds = Kinds::new();
        let kind = |verb: &str, object: &str| {
            let kind = &kinds.all()[kinds.find(verb.as_bytes(), Object::from_type(object.as_bytes())) as usize];
            (kind.raw.clone(), kind.activity)
        };
        assert_eq!(kind("viewed", "discussion"), ("viewed_discussion".to_owned(), Discussion));
        assert_eq!(kind("terminated", "video"), ("terminated_video".to_owned(), Video));
        assert_eq!(kind("initialized", "timed-assessment"), ("initialized_problem".to_owned(), Problem));
        assert_eq!(kind("navigated", "module"), ("navigated".to_owned(), Navigate));
        assert_eq!(kind("juggled", "ball"), ("unknown".to_owned(), Other));
        for (verb, usual) in [("Answered", Some("answered")), ("access", Some("accessed")), ("EARNED", Some("earned"))]
        {
            assert_eq!(kinds.usual_form(verb.as_bytes()), usual.map(str::as_bytes));
        }
        for verb in ["answered", "scored", "enrolled", "juggled"] {
            assert_eq!(kinds.usual_form(verb.as_bytes()), None);
        }
        for (_, usual) in OTHER_FORMS {
            assert!(kinds.knows(usual.as_bytes()), "{usual}");
        }
        for (name, _, detail) in DETAILED {
            let kind = &kinds.all()[kinds.with_detail(detail) as usize];
            assert_eq!((kind.raw.as_str(), kind.detail), (name, detail));
        }
    }
}
