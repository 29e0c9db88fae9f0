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
    ("edx.certificate.*", Other),
    ("edx.cohort.*", Other),
    ("edx.team.*", Other),
    ("edx.librarycontentblock.*", Other),
    ("edx.instructor.*", Other),
    ("edx.*", Other),
    ("xblock.*", Other),
    ("xmodule.*", Other),
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

/// Lists the kinds that are no act of a learner in the course: the platform records them about a learner, or staff do them.
const FACTS: [&str; 10] = [
    "edx.course.enrollment.activated",
    "edx.course.enrollment.deactivated",
    "edx.course.enrollment.mode_changed",
    "edx.course.enrollment.upgrade.succeeded",
    "edx.course.grade.*",
    "edx.grades.*",
    "edx.certificate.*",
    "edx.cohort.*",
    INSTRUCTORS_EVENTS,
    INSTRUCTORS_PAGES,
];

/// Names what staff do to a course, in events of that name and on the pages that are theirs alone.
const INSTRUCTORS_EVENTS: &str = "edx.instructor.*";
const INSTRUCTORS_PAGES: &str = "url_instructor";

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
    /// Kinds of what staff do to a course.
    instructors: [u8; 2],
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
            instructors: [0; 2],
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
        all.instructors = [INSTRUCTORS_EVENTS, INSTRUCTORS_PAGES].map(|name| place(&all.kinds, name) as u8);
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
        self.by_name.get(name).copied().or_else(family)
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

    /// Tells whether events of a kind are what staff do to a course.
    pub(super) fn is_instructors(&self, kind: u8) -> bool {
        self.instructors.contains(&kind)
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
