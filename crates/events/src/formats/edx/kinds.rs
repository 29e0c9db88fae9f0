//! The activities of events of Open edX.
//!
//! Names are those of the reference "Events in the Tracking Logs" (Open edX documentation), and a family, whose last
//! sign is a star, stands for those that begin the same and are not named themselves. What the server logs under the
//! path of a request is a kind by the part of the course the path leads to.
//!
//! Which kinds are facts about a learner, which tell more, and which do not engage, is said at the format (`formats::edx`).

use rustc_hash::FxHashMap;

use crate::activity::Activity::{
    self, Access, Discussion, Download, Navigate, Other, PageClose, Post, Problem, Submission, Video, Wiki,
};
use crate::kind::{Detail, EventKind};

/// Lists kinds by name. A name is an event's, or the beginning of several with a star.
const EVENTS: &[(&str, Activity)] = &[
    ("load_video", Video),
    ("play_video", Video),
    ("pause_video", Video),
    ("stop_video", Video),
    ("complete_video", Video),
    ("seek_video", Video),
    ("speed_change_video", Video),
    ("show_transcript", Video),
    ("hide_transcript", Video),
    ("video_show_cc_menu", Video),
    ("video_hide_cc_menu", Video),
    ("edx.video.loaded", Video),
    ("edx.video.played", Video),
    ("edx.video.paused", Video),
    ("edx.video.stopped", Video),
    ("edx.video.completed", Video),
    ("edx.video.position.changed", Video),
    ("edx.video.bumper.*", Video),
    ("edx.video.*", Video),
    ("problem_check", Problem),
    ("problem_check_fail", Problem),
    ("problem_graded", Problem),
    ("problem_reset", Problem),
    ("reset_problem", Problem),
    ("reset_problem_fail", Problem),
    ("problem_rescore*", Other),
    ("problem_save", Problem),
    ("save_problem_success", Problem),
    ("save_problem_fail", Problem),
    ("problem_show", Problem),
    ("showanswer", Problem),
    ("edx.problem.*", Problem),
    ("edx.drag_and_drop_v2.*", Problem),
    ("edx.special_exam.*", Problem),
    ("openassessmentblock.create_submission", Submission),
    ("openassessmentblock.save_submission", Problem),
    ("openassessmentblock.peer_assess", Problem),
    ("openassessmentblock.self_assess", Problem),
    ("openassessmentblock.*", Problem),
    ("openassessment.upload_file", Problem),
    ("openassessment.*", Problem),
    ("xblock.poll.*", Problem),
    ("xblock.survey.*", Problem),
    ("ubc.peer_instruction.*", Problem),
    ("seq_goto", Navigate),
    ("seq_next", Navigate),
    ("seq_prev", Navigate),
    ("edx.ui.lms.sequence.next_selected", Navigate),
    ("edx.ui.lms.sequence.previous_selected", Navigate),
    ("edx.ui.lms.sequence.tab_selected", Navigate),
    ("edx.ui.lms.outline.selected", Navigate),
    ("edx.ui.lms.link_clicked", Navigate),
    ("edx.ui.*", Navigate),
    ("edx.bookmark.*", Navigate),
    ("page_close", PageClose),
    ("book", Access),
    ("textbook.*", Access),
    ("edx.course.tool.accessed", Access),
    ("edx.course.student_notes.*", Access),
    ("edx.googlecomponent.*", Access),
    ("microsoft.office.mix.*", Access),
    ("oppia.exploration.*", Access),
    ("edx.done.toggled", Access),
    ("edx.forum.thread.created", Post),
    ("edx.forum.response.created", Post),
    ("edx.forum.comment.created", Post),
    ("edx.forum.thread.viewed", Discussion),
    ("edx.forum.searched", Discussion),
    ("edx.forum.*", Discussion),
    ("edx.course.enrollment.activated", Other),
    ("edx.course.enrollment.deactivated", Other),
    ("edx.course.enrollment.mode_changed", Other),
    ("edx.course.enrollment.upgrade.succeeded", Other),
    ("edx.course.enrollment.*", Other),
    ("edx.course.grade.*", Other),
    ("edx.course.*", Other),
    ("edx.grades.*", Other),
    ("edx.certificate.shared", Other),
    ("edx.certificate.evidence_visited", Other),
    ("edx.certificate.configuration.*", Other),
    ("edx.certificate.generation.*", Other),
    ("edx.certificate.*", Other),
    ("edx.cohort.user_added", Other),
    ("edx.cohort.user_removed", Other),
    ("edx.cohort.*", Other),
    ("edx.bulk_email.*", Other),
    ("edx.forum.thread.pinned", Other),
    ("edx.forum.thread.unpinned", Other),
    ("edx.forum.thread.locked", Other),
    ("edx.forum.thread.unlocked", Other),
    ("change-email-settings", Other),
    ("edx.team.*", Other),
    ("edx.librarycontentblock.*", Other),
    ("edx.instructor.*", Other),
    ("edx.*", Other),
    ("xblock.*", Other),
    ("xmodule.*", Other),
    (TEAM_COMMAND, Other),
    ("unknown", Other),
];

/// Lists the parts of a course that a request's path may lead to: the part's first word in the path, its kind and activity.
/// Requests of the pages' own scripts are `xblock`: what learners did to cause them has events of its own.
const PARTS: &[(&str, &str, Activity)] = &[
    ("", "url_home", Navigate),
    ("course", "url_home", Navigate),
    ("info", "url_info", Navigate),
    ("about", "url_about", Navigate),
    ("progress", "url_progress", Navigate),
    ("jump_to", "url_jump_to", Navigate),
    ("jump_to_id", "url_jump_to", Navigate),
    ("courseware", "url_courseware", Access),
    ("pdfbook", "url_book", Access),
    ("htmlbook", "url_book", Access),
    ("book", "url_book", Access),
    ("edxnotes", "url_notes", Access),
    ("discussion", "url_discussion", Discussion),
    ("wiki", "url_wiki", Wiki),
    ("xblock", "url_xblock", Other),
    ("instructor", "url_instructor", Other),
    ("instructor_dashboard", "url_instructor", Other),
    ("gradebook", "url_instructor", Other),
    ("grade_summary", "url_instructor", Other),
    ("cohorts", "url_instructor", Other),
    ("ccx_coach", "url_instructor", Other),
    ("masquerade", "url_instructor", Other),
    ("submission_history", "url_instructor", Other),
    ("enroll_students", "url_instructor", Other),
    ("progress_of_another", "url_instructor", Other),
    (STUDIO_PART, "url_studio", Other),
    ("asset", "url_asset", Download),
    ("*", "url_other", Other),
];

/// Lists the kinds that tell more than the name they come from.
const DETAILED: [(&str, Activity, Detail); 15] = [
    ("problem_check_correct", Problem, Detail::AttemptRight),
    ("problem_check_incorrect", Problem, Detail::AttemptWrong),
    ("play_video", Video, Detail::VideoPlayed),
    ("edx.forum.thread.created", Post, Detail::Post),
    ("edx.forum.response.created", Post, Detail::Response),
    ("edx.forum.comment.created", Post, Detail::Comment),
    ("book", Access, Detail::TextbookPage),
    ("upvote", Discussion, Detail::UpvoteGiven),
    ("upvote_undone", Discussion, Detail::UpvoteGivenUndone),
    ("downvote", Discussion, Detail::DownvoteGiven),
    ("downvote_undone", Discussion, Detail::DownvoteGivenUndone),
    ("upvote_received", Discussion, Detail::UpvoteReceived),
    ("upvote_received_undone", Discussion, Detail::UpvoteReceivedUndone),
    ("downvote_received", Discussion, Detail::DownvoteReceived),
    ("downvote_received_undone", Discussion, Detail::DownvoteReceivedUndone),
];

/// Lists the kinds that are no act of a learner in the course: the platform records them about a learner.
const FACTS: [&str; 9] = [
    "edx.course.enrollment.activated",
    "edx.course.enrollment.deactivated",
    "edx.course.enrollment.mode_changed",
    "edx.course.enrollment.upgrade.succeeded",
    "edx.course.grade.*",
    "edx.grades.*",
    "edx.certificate.*",
    "edx.cohort.user_added",
    "edx.cohort.user_removed",
];

/// Lists the kinds of what the course team does to a course, on pages that are theirs alone or in events of that name (Open edX
/// documentation, "Course Team Events").
const TEAM: [&str; 13] = [
    "edx.instructor.*",
    "edx.cohort.*",
    "edx.bulk_email.*",
    "edx.certificate.configuration.*",
    "edx.certificate.generation.*",
    "edx.forum.thread.pinned",
    "edx.forum.thread.unpinned",
    "edx.forum.thread.locked",
    "edx.forum.thread.unlocked",
    "problem_rescore*",
    "url_instructor",
    "url_studio",
    TEAM_COMMAND,
];

/// Names the kind of commands of the instructors' dashboard, which have names like `list-students` or `dump-grades`, and of
/// tasks that the dashboard starts.
const TEAM_COMMAND: &str = "course_team_command";

/// Names the parts that requests to Studio are for.
pub(super) const STUDIO_PART: &str = "studio";

/// Names the part that a learner's progress page is for that somebody else looks at.
pub(super) const PROGRESS_OF_ANOTHER: &str = "progress_of_another";

/// Lists the first words of paths that Studio alone has (`cms/urls.py` of the platform).
const STUDIO: [&str; 25] = [
    "assets",
    "checklists",
    "container",
    "course",
    "course_info",
    "course_info_update",
    "course_notifications",
    "course_rerun",
    "course_search_index",
    "course_team",
    "export",
    "export_git",
    "export_output",
    "export_status",
    "group_configurations",
    "import",
    "import_status",
    "library",
    "orphan",
    "settings",
    "subsection",
    "tabs",
    "textbooks",
    "unit",
    "videos",
];

/// Tells whether a request's path is one of Studio, where courses are made.
pub(super) fn is_studio_path(path: &[u8]) -> bool {
    let path = path.strip_prefix(b"/").unwrap_or(path);
    let mut words = path.split(|byte| matches!(byte, b'/' | b'?'));
    let word = words.next().unwrap_or_default();
    if word == b"courses" {
        return false;
    }
    // The pages of courses have files below such a word, too.
    STUDIO.iter().any(|studio| studio.as_bytes() == word) && words.next() != Some(b"courseware")
}

/// Tells whether a host serves the course team alone: Studio, or a preview of what is not published.
pub(super) fn is_team_host(host: &[u8]) -> bool {
    [&b"studio."[..], b"cms.", b"preview."]
        .iter()
        .any(|start| host.get(..start.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(start)))
}

/// Tells whether an event of this name is a command of the instructors' dashboard: words with hyphens between them, which no
/// event of learners has but those that are named.
fn is_team_command(name: &[u8]) -> bool {
    name.contains(&b'-') && name.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'-')
}

/// Holds the kinds of the format and how they are found.
#[derive(Clone, Debug)]
pub(super) struct Kinds {
    kinds: Vec<EventKind>,
    by_name: FxHashMap<&'static [u8], u8>,
    /// Beginnings, the longest first.
    families: Vec<(&'static [u8], u8)>,
    by_part: FxHashMap<&'static [u8], u8>,
    details: FxHashMap<Detail, u8>,
    /// Of the first kind that does not engage.
    first_unengaged: u8,
    unengaged_fact: u8,
    /// By kind: whether it is what the course team does to a course.
    team: [bool; 1 << u8::BITS],
}

impl Kinds {
    pub(super) fn new() -> Self {
        let mut all = Self {
            kinds: Vec::new(),
            by_name: FxHashMap::default(),
            families: Vec::new(),
            by_part: FxHashMap::default(),
            details: FxHashMap::default(),
            first_unengaged: 0,
            unengaged_fact: 0,
            team: [false; 1 << u8::BITS],
        };
        for &(name, activity) in EVENTS {
            let kind = all.add(EventKind::new(name, activity));
            match name.strip_suffix('*') {
                Some(beginning) => all.families.push((beginning.as_bytes(), kind)),
                None => {
                    all.by_name.insert(name.as_bytes(), kind);
                }
            }
        }
        all.families.sort_by_key(|(beginning, _)| std::cmp::Reverse(beginning.len()));
        for &(part, name, activity) in PARTS {
            let known = all.kinds.iter().position(|kind| kind.raw == name);
            let kind = known.map_or_else(|| all.add(EventKind::new(name, activity)), |place| place as u8);
            all.by_part.insert(part.as_bytes(), kind);
        }
        for (name, activity, detail) in DETAILED {
            // A kind of the same name as an event's tells its detail in that one's place.
            let kind = match all.by_name.get(name.as_bytes()) {
                Some(&kind) => {
                    all.kinds[kind as usize].detail = detail;
                    kind
                }
                None => all.add(EventKind::new(name, activity).with_detail(detail)),
            };
            all.details.insert(detail, kind);
        }
        let place = |kinds: &[EventKind], name: &str| {
            kinds.iter().position(|kind| kind.raw == name).expect("a fact is one of the kinds")
        };
        for name in FACTS {
            let place = place(&all.kinds, name);
            all.kinds[place].detail = Detail::Fact;
        }
        for name in TEAM {
            let place = place(&all.kinds, name);
            all.kinds[place].detail = Detail::Fact;
            all.team[place] = true;
        }
        all.unengaged_fact = all.add(EventKind::new("unengaged_fact", Other).with_detail(Detail::Fact).not_engaging());
        all.first_unengaged = all.kinds.len() as u8;
        for activity in Activity::ALL {
            all.add(EventKind::new(format!("unengaged_{activity}"), activity).not_engaging());
        }
        all
    }

    fn add(&mut self, kind: EventKind) -> u8 {
        self.kinds.push(kind);
        u8::try_from(self.kinds.len() - 1).expect("a format has at most 256 kinds")
    }

    pub(super) fn all(&self) -> &[EventKind] {
        &self.kinds
    }

    /// Returns the kind of this event by its name; none when nothing is known by it.
    pub(super) fn named(&self, name: &[u8]) -> Option<u8> {
        let family = || self.families.iter().find(|(beginning, _)| name.starts_with(beginning)).map(|&(_, kind)| kind);
        let command = || is_team_command(name).then(|| self.team_command());
        self.by_name.get(name).copied().or_else(family).or_else(command)
    }

    /// Returns the kind of a command of the course team.
    pub(super) fn team_command(&self) -> u8 {
        self.by_name[TEAM_COMMAND.as_bytes()]
    }

    /// Returns the kind of an event of which nothing is known.
    pub(super) fn unknown(&self) -> u8 {
        self.by_name[&b"unknown"[..]]
    }

    /// Returns the kind of a request, by the first word of its path after the course.
    pub(super) fn part(&self, word: &[u8]) -> u8 {
        self.by_part.get(word).copied().unwrap_or_else(|| self.by_part[&b"*"[..]])
    }

    /// Returns the kind with this detail.
    pub(super) fn with_detail(&self, detail: Detail) -> u8 {
        self.details[&detail]
    }

    /// Tells whether a kind tells more than its activity.
    pub(super) fn has_detail(&self, kind: u8) -> bool {
        !matches!(self.kinds[kind as usize].detail, Detail::Nothing | Detail::Fact)
    }

    /// Tells whether events of a kind are facts about a learner.
    pub(super) fn is_fact(&self, kind: u8) -> bool {
        self.kinds[kind as usize].detail == Detail::Fact
    }

    /// Tells whether events of a kind are what the course team does to a course.
    pub(super) fn is_of_team(&self, kind: u8) -> bool {
        self.team[usize::from(kind)]
    }

    /// Returns the kind of the same activity, or of a fact, that tells nothing and does not engage.
    pub(super) fn unengaged(&self, kind: u8) -> u8 {
        match self.is_fact(kind) {
            true => self.unengaged_fact,
            false => self.first_unengaged + self.kinds[kind as usize].activity as u8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_families() {
        let kinds = Kinds::new();
        let found = |name: &str| kinds.named(name.as_bytes()).map(|kind| kinds.all()[kind as usize].clone());
        let raw = |name: &str| found(name).map(|kind| kind.raw);
        assert_eq!(raw("play_video").as_deref(), Some("play_video"));
        assert_eq!(raw("edx.video.bumper.skipped").as_deref(), Some("edx.video.bumper.*"));
        assert_eq!(raw("edx.video.closed_captions.shown").as_deref(), Some("edx.video.*"));
        assert_eq!(raw("edx.brand.new").as_deref(), Some("edx.*"));
        assert_eq!(raw("/courses/a/b/c/info"), None);
        for command in ["list-students", "dump-grades-csv-raw", "add-forum-community-TA", "reset-all-attempts"] {
            assert_eq!(raw(command).as_deref(), Some(TEAM_COMMAND));
        }
        assert_eq!(raw("change-email-settings").as_deref(), Some("change-email-settings"));
        assert_eq!(raw("problem_rescore_fail").as_deref(), Some("problem_rescore*"));
        assert_eq!([raw("a-1"), raw("xblock.image-explorer.hotspot.opened")], [None, Some("xblock.*".to_owned())]);
        assert_eq!(found("edx.special_exam.timed.attempt.started").unwrap().activity, Problem);
        assert_eq!(found("book").unwrap().detail, Detail::TextbookPage);
        assert_eq!(kinds.all()[kinds.part(b"courseware") as usize].activity, Access);
        assert_eq!(kinds.all()[kinds.part(b"whatever") as usize].raw, "url_other");
        for kind in 0..kinds.all().len() as u8 {
            let unengaged = &kinds.all()[kinds.unengaged(kind) as usize];
            assert_eq!(unengaged.activity, kinds.all()[kind as usize].activity);
            assert!(!unengaged.engages && (unengaged.detail == Detail::Fact) == kinds.is_fact(kind));
        }
    }

    #[test]
    fn no_name_stands_twice() {
        let kinds = Kinds::new();
        let mut raw: Vec<&str> = kinds.all().iter().map(|kind| kind.raw.as_str()).collect();
        raw.sort_unstable();
        let before = raw.len();
        raw.dedup();
        assert_eq!(raw.len(), before);
    }
}
