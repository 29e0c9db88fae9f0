//! The events of one week, counted.
//!
//! The loop over the events does what must be done event by event, and nearly all of it without branches, since no
//! processor can guess what kind comes next; what follows from how many there were of each kind is summed up afterwards.

use staycast_events::time::DAY_SECONDS;
use staycast_events::{Activity, Capabilities, CourseIndex, Detail, Event, EventKind, ObjectKey};

use super::distinct::Distinct;
use super::{Frame, Running, SESSION_GAP_SECONDS};
use crate::features::FeatureSet;

/// Kinds are numbered in a byte.
const MOST_KINDS: usize = 1 << u8::BITS;

/// Counts of one week.
pub(super) struct Week {
    pub(super) by_activity: [u32; Activity::ALL.len()],
    pub(super) by_kind: [u32; MOST_KINDS],
    pub(super) events: u32,
    pub(super) by_day: [u32; 7],
    pub(super) by_hour: [u32; 24],
    /// Distinct objects.
    pub(super) objects: u32,
    /// Distinct objects with an attempt or, where the source does not tell attempts, with an event of a problem.
    pub(super) problems: u32,
    pub(super) sessions: u32,
    pub(super) seconds: i64,
    pub(super) longest: i64,
    pub(super) delays: Vec<f64>,
    pub(super) told: Told,
    lists: Lists,
}

impl Default for Week {
    fn default() -> Self {
        Self {
            by_activity: [0; Activity::ALL.len()],
            by_kind: [0; MOST_KINDS],
            events: 0,
            by_day: [0; 7],
            by_hour: [0; 24],
            objects: 0,
            problems: 0,
            sessions: 0,
            seconds: 0,
            longest: 0,
            delays: Vec::new(),
            told: Told::default(),
            lists: Lists::default(),
        }
    }
}

/// Objects of the week, each as often as it came.
#[derive(Default)]
struct Lists {
    objects: Vec<ObjectKey>,
    problems: Vec<ObjectKey>,
    correct: Vec<ObjectKey>,
    videos: Vec<ObjectKey>,
    distinct: Distinct,
}

/// What kinds of event told beyond their activities.
#[derive(Default)]
pub(super) struct Told {
    pub(super) attempts: u32,
    /// Attempts whose problem is named.
    pub(super) attempts_at_objects: u32,
    /// Distinct problems with an attempt that was right.
    pub(super) correct: u32,
    /// Distinct videos that were set going.
    pub(super) videos: u32,
    pub(super) posts: u32,
    pub(super) responses: u32,
    pub(super) comments: u32,
    /// Up- and downvotes given, up- and downvotes received, less those taken back.
    pub(super) votes: [i64; 4],
    pub(super) textbook_pages: u32,
    /// Days of the week on which edX's report sees the learner, a bit each.
    pub(super) engaged_days: u8,
}

impl Told {
    /// Takes up that there were `count` events of a kind that tells `detail`.
    fn add(&mut self, detail: Detail, count: u32) {
        match detail {
            // What these tell is told by their objects.
            Detail::Nothing | Detail::VideoPlayed => {}
            Detail::Attempt | Detail::AttemptWrong | Detail::AttemptRight => add(&mut self.attempts, count),
            Detail::Post => add(&mut self.posts, count),
            Detail::Response => add(&mut self.responses, count),
            Detail::Comment => add(&mut self.comments, count),
            Detail::UpvoteGiven => self.votes[0] += i64::from(count),
            Detail::UpvoteGivenUndone => self.votes[0] -= i64::from(count),
            Detail::DownvoteGiven => self.votes[1] += i64::from(count),
            Detail::DownvoteGivenUndone => self.votes[1] -= i64::from(count),
            Detail::UpvoteReceived => self.votes[2] += i64::from(count),
            Detail::UpvoteReceivedUndone => self.votes[2] -= i64::from(count),
            Detail::DownvoteReceived => self.votes[3] += i64::from(count),
            Detail::DownvoteReceivedUndone => self.votes[3] -= i64::from(count),
            Detail::TextbookPage => add(&mut self.textbook_pages, count),
        }
    }
}

/// Adds to a count, which stops at its greatest value: a table may claim any number of events.
fn add(count: &mut u32, weight: u32) {
    *count = count.saturating_add(weight);
}

/// What is to be done with an event of a kind, bit by bit.
#[derive(Clone, Copy, Default)]
struct Mark(u8);

impl Mark {
    const RECEIVED: u8 = 1;
    const ENGAGES: u8 = 2;
    const PROBLEM: u8 = 4;
    const ATTEMPT: u8 = 8;
    const RIGHT: u8 = 16;
    const VIDEO: u8 = 32;

    fn of(kind: &EventKind, capabilities: Capabilities) -> Self {
        let is_problem =
            if capabilities.attempts { kind.detail.is_attempt() } else { kind.activity == Activity::Problem };
        let bits = [
            (kind.detail.is_received(), Self::RECEIVED),
            (kind.engages, Self::ENGAGES),
            (is_problem, Self::PROBLEM),
            (kind.detail.is_attempt(), Self::ATTEMPT),
            (kind.detail == Detail::AttemptRight, Self::RIGHT),
            (kind.detail == Detail::VideoPlayed, Self::VIDEO),
        ];
        Self(bits.iter().filter(|(holds, _)| *holds).map(|(_, bit)| bit).sum())
    }

    const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}

/// What is to be done with events, by kind number.
pub(crate) struct Marks(Box<[Mark; MOST_KINDS]>);

impl Marks {
    /// For a source's `kinds`.
    pub(crate) fn of(kinds: &[EventKind], capabilities: Capabilities) -> Self {
        let mut marks = Box::new([Mark::default(); MOST_KINDS]);
        for (mark, kind) in marks.iter_mut().zip(kinds) {
            *mark = Mark::of(kind, capabilities);
        }
        Self(marks)
    }
}

/// Which week is counted.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) course: CourseIndex,
    /// First day of the week, from the course's start. For all that was before the start, any multiple of seven days
    /// before it.
    pub(super) first_day: i64,
}

impl Week {
    /// Forgets the counts and keeps the memory that lists took.
    fn empty(&mut self, kinds: usize) {
        self.by_kind[..kinds].fill(0);
        (self.by_activity, self.events) = ([0; Activity::ALL.len()], 0);
        (self.by_day, self.by_hour) = ([0; 7], [0; 24]);
        (self.sessions, self.seconds, self.longest) = (0, 0, 0);
        self.delays.clear();
        self.told = Told::default();
        let lists = &mut self.lists;
        for list in [&mut lists.objects, &mut lists.problems, &mut lists.correct, &mut lists.videos] {
            list.clear();
        }
    }

    /// Counts the events of one week, which are ascending, in place of whatever was counted here before.
    pub(super) fn count(&mut self, frame: &Frame<'_>, span: Span, events: &[Event], running: &mut Running) {
        self.empty(frame.kinds.len());
        match frame.set {
            FeatureSet::Core => self.walk::<false>(frame, span, events, running),
            FeatureSet::All => self.walk::<true>(frame, span, events, running),
        }
        for (kind, &count) in frame.kinds.iter().zip(&self.by_kind) {
            if !kind.detail.is_received() {
                add(&mut self.by_activity[kind.activity as usize], count);
                add(&mut self.events, count);
            }
            self.told.add(kind.detail, count);
        }
        self.objects = self.lists.distinct.count(&self.lists.objects);
        self.count_lists();
        running.sessions += u64::from(self.sessions);
        running.seconds += self.seconds;
    }

    /// Takes in events of the days before the course's start that belong to its first week in edX's report, whose weeks know
    /// nothing of starts. After this the week is good for that report alone.
    pub(super) fn take_in_eve(&mut self, frame: &Frame<'_>, events: &[Event]) {
        for event in events {
            let kind = usize::from(event.kind());
            let mark = frame.marks.0[kind];
            let day = i64::from(event.seconds()).div_euclid(DAY_SECONDS).rem_euclid(7);
            self.told.engaged_days |= u8::from(mark.has(Mark::ENGAGES)) << day;
            self.told.add(frame.kinds[kind].detail, event.weight());
            if let Some(object) = event.object() {
                self.list(mark, object, event.weight());
            }
        }
        if !events.is_empty() {
            self.count_lists();
        }
    }

    /// Counts what is told by different objects.
    fn count_lists(&mut self) {
        let Lists { problems, correct, videos, distinct, .. } = &mut self.lists;
        self.problems = distinct.count(problems);
        self.told.correct = distinct.count(correct);
        self.told.videos = distinct.count(videos);
    }

    /// Goes over the events, for every feature if `ALL`, else for the core features.
    fn walk<const ALL: bool>(&mut self, frame: &Frame<'_>, span: Span, events: &[Event], running: &mut Running) {
        let first_second = span.first_day * DAY_SECONDS;
        // Long enough ago that nothing is within a session of it.
        let mut last = running.last_event.unwrap_or(i64::MIN / 2);
        // A session counts here only up to the week's end, so one that began in an earlier week has no length here.
        let (mut begun_here, mut length) = (false, 0);
        for event in events {
            let seconds = i64::from(event.seconds());
            let weight = event.weight();
            let mark = frame.marks.0[usize::from(event.kind())];
            add(&mut self.by_kind[usize::from(event.kind())], weight);
            let since = (seconds - first_second) as u64;
            let day = (since / DAY_SECONDS as u64 % 7) as usize;
            if ALL {
                self.told.engaged_days |= u8::from(mark.has(Mark::ENGAGES)) << day;
            }
            if mark.has(Mark::RECEIVED) {
                continue;
            }
            add(&mut self.by_day[day], weight);
            if ALL {
                add(&mut self.by_hour[(since % DAY_SECONDS as u64 / 3_600) as usize], weight);
            }
            let gap = seconds - last;
            let goes_on = gap <= SESSION_GAP_SECONDS;
            let gap = if goes_on { gap } else { 0 };
            self.seconds += gap;
            self.sessions += u32::from(!goes_on);
            begun_here |= !goes_on;
            length = if goes_on & begun_here { length + gap } else { 0 };
            self.longest = self.longest.max(length);
            last = seconds;
            running.last_event = Some(seconds);
            if let Some(object) = event.object() {
                self.lists.objects.push(object);
                if ALL {
                    self.list(mark, object, weight);
                    self.open(frame, span, object, seconds, running);
                }
            }
        }
    }

    fn list(&mut self, mark: Mark, object: ObjectKey, weight: u32) {
        if mark.has(Mark::PROBLEM) {
            self.lists.problems.push(object);
        }
        if mark.has(Mark::ATTEMPT) {
            add(&mut self.told.attempts_at_objects, weight);
        }
        if mark.has(Mark::RIGHT) {
            self.lists.correct.push(object);
        }
        if mark.has(Mark::VIDEO) {
            self.lists.videos.push(object);
        }
    }

    /// Takes up that `object` was opened, for the first time or again.
    fn open(&mut self, frame: &Frame<'_>, span: Span, object: ObjectKey, seconds: i64, running: &mut Running) {
        if frame.capabilities.releases && running.opened.insert(object) {
            let opened = i64::from(frame.grids[span.course.as_usize()].start_day) * DAY_SECONDS + seconds;
            let release = frame.roster.releases.get(span.course, object);
            // An object that was opened before its release has no delay: that it would be released was not known.
            if let Some(release) = release.filter(|&release| release <= opened) {
                self.delays.push((opened - release) as f64 / DAY_SECONDS as f64);
            }
        }
    }
}
