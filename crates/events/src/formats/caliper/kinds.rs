//! The activities of events of Caliper: by their type, and within some types by their action. Types and actions are those
//! of Caliper 1.2; an action that its type does not name is a kind of its own type, with a star. Which kinds tell more
//! is said at the format.

use rustc_hash::FxHashMap;

use crate::activity::Activity::{
    self, Access, Discussion, Download, Login, Navigate, Other, Post, Problem, Submission, Video,
};
use crate::kind::{Detail, EventKind};

/// Lists the types of events, what they count as, and their actions.
const TYPES: &[(&str, Activity, &[&str])] = &[
    ("AnnotationEvent", Access, &["Bookmarked", "Highlighted", "Shared", "Tagged"]),
    ("AssessmentEvent", Problem, &["Started", "Paused", "Resumed", "Restarted", "Reset", "Submitted"]),
    ("AssessmentItemEvent", Problem, &["Started", "Skipped", "Completed"]),
    ("AssignableEvent", Access, &["Activated", "Deactivated", "Started", "Completed", "Reviewed"]),
    ("AssignableEvent", Submission, &["Submitted"]),
    ("FeedbackEvent", Other, &["Commented", "Ranked"]),
    ("ForumEvent", Discussion, &["Subscribed", "Unsubscribed"]),
    ("GradeEvent", Problem, &["Graded"]),
    (
        "MediaEvent",
        Video,
        &[
            "Started",
            "Paused",
            "Resumed",
            "Restarted",
            "Ended",
            "ForwardedTo",
            "JumpedTo",
            "ChangedResolution",
            "ChangedSize",
            "ChangedSpeed",
            "ChangedVolume",
            "Muted",
            "Unmuted",
            "EnabledClosedCaptioning",
            "DisabledClosedCaptioning",
            "EnteredFullScreen",
            "ExitedFullScreen",
            "OpenedPopout",
            "ClosedPopout",
        ],
    ),
    ("MessageEvent", Discussion, &["MarkedAsRead", "MarkedAsUnRead"]),
    ("MessageEvent", Post, &["Posted"]),
    ("NavigationEvent", Navigate, &["NavigatedTo"]),
    ("QuestionnaireEvent", Problem, &["Started", "Submitted"]),
    ("QuestionnaireItemEvent", Problem, &["Started", "Skipped", "Completed"]),
    ("ResourceManagementEvent", Download, &["Downloaded", "Saved", "Printed"]),
    ("ResourceManagementEvent", Submission, &["Uploaded"]),
    ("SearchEvent", Navigate, &["Searched"]),
    ("SessionEvent", Login, &["LoggedIn"]),
    ("SessionEvent", Other, &["LoggedOut", "TimedOut"]),
    ("SurveyEvent", Other, &["OptedIn", "OptedOut"]),
    ("SurveyInvitationEvent", Other, &["Accepted", "Declined", "Sent"]),
    ("ThreadEvent", Discussion, &["MarkedAsRead", "MarkedAsUnRead"]),
    ("ToolLaunchEvent", Access, &["Launched", "Returned"]),
    ("ToolUseEvent", Access, &["Used"]),
    ("ViewEvent", Access, &["Viewed"]),
    ("Event", Other, &["Activated", "Deactivated", "Completed", "Created", "Modified", "Deleted"]),
    ("Event", Access, &["Viewed"]),
];

/// Lists the activities of actions that their types do not name.
const STRAYS: &[(&str, Activity)] = &[
    ("AnnotationEvent", Access),
    ("AssessmentEvent", Problem),
    ("AssessmentItemEvent", Problem),
    ("ForumEvent", Discussion),
    ("GradeEvent", Problem),
    ("MediaEvent", Video),
    ("MessageEvent", Discussion),
    ("NavigationEvent", Navigate),
    ("ThreadEvent", Discussion),
    ("ViewEvent", Access),
    ("Event", Other),
];

/// Names the kind of facts about who is enrolled; the constant below names that of grades.
const CHANGE_OF_ENROLMENT: &str = "change_of_enrolment";
const GRADE: &str = "grade";

/// Names the kind of what the course team does.
const BY_TEAM: &str = "course_team";

/// Names the kind of a hint or an answer that was shown.
const HELP_SHOWN: &str = "help_shown";

/// Lists the kinds that tell more.
const DETAILED: [(&str, Activity, Detail); 6] = [
    ("graded_right", Problem, Detail::AttemptRight),
    ("graded_wrong", Problem, Detail::AttemptWrong),
    ("graded", Problem, Detail::Attempt),
    ("media_played", Video, Detail::VideoPlayed),
    ("message_posted", Post, Detail::Post),
    ("message_replied", Post, Detail::Response),
];

/// Holds the kinds of the format and how they are found.
#[derive(Clone, Debug)]
pub(super) struct Kinds {
    kinds: Vec<EventKind>,
    by_action: FxHashMap<(&'static [u8], &'static [u8]), u8>,
    by_type: FxHashMap<&'static [u8], u8>,
    first_detailed: u8,
    change_of_enrolment: u8,
    grade: u8,
    by_team: u8,
    help_shown: u8,
}

impl Kinds {
    pub(super) fn new() -> Self {
        let mut kinds = vec![EventKind::new("unknown", Other)];
        let mut by_action = FxHashMap::default();
        let mut by_type = FxHashMap::default();
        for &(event, activity, actions) in TYPES {
            for &action in actions {
                by_action.insert((event.as_bytes(), action.as_bytes()), kinds.len() as u8);
                kinds.push(EventKind::new(format!("{event}.{action}"), activity));
            }
        }
        for &(event, activity) in STRAYS {
            by_type.insert(event.as_bytes(), kinds.len() as u8);
            kinds.push(EventKind::new(format!("{event}.*"), activity));
        }
        let first_detailed = kinds.len() as u8;
        kinds.extend(DETAILED.map(|(name, activity, detail)| EventKind::new(name, activity).with_detail(detail)));
        let mut add = |kind| {
            kinds.push(kind);
            (kinds.len() - 1) as u8
        };
        // edX's report counts the day of a change of an enrolment, as in its tracking logs.
        let change_of_enrolment = add(EventKind::new(CHANGE_OF_ENROLMENT, Other).with_detail(Detail::Fact));
        let grade = add(EventKind::new(GRADE, Other).with_detail(Detail::Fact).not_engaging());
        let by_team = add(EventKind::new(BY_TEAM, Other).with_detail(Detail::Fact).not_engaging());
        let help_shown = add(EventKind::new(HELP_SHOWN, Problem));
        assert!(kinds.len() <= 256, "a format has at most 256 kinds");
        Self { kinds, by_action, by_type, first_detailed, change_of_enrolment, grade, by_team, help_shown }
    }

    pub(super) fn all(&self) -> &[EventKind] {
        &self.kinds
    }

    /// Returns the kind of an event of this type and action.
    pub(super) fn find(&self, event: &[u8], action: &[u8]) -> u8 {
        let named = self.by_action.get(&(event, action));
        named.or_else(|| self.by_type.get(event)).copied().unwrap_or_default()
    }

    /// Tells whether a kind is that of a type which is not known.
    pub(super) const fn is_unknown(kind: u8) -> bool {
        kind == 0
    }

    /// Returns the kind of a change of an enrolment.
    pub(super) fn change_of_enrolment(&self) -> u8 {
        self.change_of_enrolment
    }

    /// Returns the kind of a grade that is no act of the learner's.
    pub(super) fn grade(&self) -> u8 {
        self.grade
    }

    /// Returns the kind of what the course team does.
    pub(super) fn by_team(&self) -> u8 {
        self.by_team
    }

    /// Returns the kind of a hint or an answer that was shown.
    pub(super) fn help_shown(&self) -> u8 {
        self.help_shown
    }

    /// Returns the kind with this detail.
    pub(super) fn with_detail(&self, detail: Detail) -> u8 {
        self.first_detailed + DETAILED.iter().position(|(.., told)| *told == detail).unwrap_or_default() as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_actions() {
        let kinds = Kinds::new();
        let kind = |event: &str, action: &str| {
            let kind = &kinds.all()[kinds.find(event.as_bytes(), action.as_bytes()) as usize];
            (kind.raw.clone(), kind.activity)
        };
        assert_eq!(kind("MediaEvent", "Paused"), ("MediaEvent.Paused".to_owned(), Video));
        assert_eq!(kind("MediaEvent", "Exploded"), ("MediaEvent.*".to_owned(), Video));
        assert_eq!(kind("AssignableEvent", "Submitted"), ("AssignableEvent.Submitted".to_owned(), Submission));
        assert_eq!(kind("BreakEvent", "Paused"), ("unknown".to_owned(), Other));
        for (name, _, detail) in DETAILED {
            let kind = &kinds.all()[kinds.with_detail(detail) as usize];
            assert_eq!((kind.raw.as_str(), kind.detail), (name, detail));
        }
    }
}
