//! Counts the events of one week.
//!
//! The loop over the events does what must be done event by event, and nearly all of it without branches, since no
//! processor can guess what kind comes next; what follows from how many there were of each kind is summed up afterwards.

use staycast_events::time::DAY_SECONDS;
use staycast_events::{Activity, CourseIndex, Detail, Event, ObjectKey};

use super::distinct::Distinct;
use super::frame::Frame;
use super::marks::{MOST_KINDS, Mark};
use super::totals::RunningTotals;

/// Sets the greatest gap between two events of a session, in seconds.
pub(crate) const SESSION_GAP_SECONDS: i64 = 1_800;

/// Counts of one week.
pub(crate) struct WeekCounts {
    pub(crate) by_activity: [u32; Activity::ALL.len()],
    pub(crate) by_kind: [u32; MOST_KINDS],
    /// Events of the learner's own.
    pub(crate) events: u32,
    pub(crate) by_day: [u32; 7],
    pub(crate) by_hour: [u32; 24],
    /// Distinct objects.
    pub(crate) objects: u32,
    /// Sessions that began in the week.
    pub(crate) sessions: u32,
    /// Seconds on task.
    pub(crate) seconds: i64,
    /// Seconds on task in the longest session that began in the week.
    pub(crate) longest_session_seconds: i64,
    /// Days from release to first access, of the objects first accessed in the week.
    pub(crate) release_delays: Vec<f64>,
    pub(crate) details: DetailCounts,
    /// Counts like `details`, for edX's report of weekly engagement, whose first week may begin before the course does.
    pub(crate) engagement: DetailCounts,
    lists: Lists,
}

impl Default for WeekCounts {
    fn default() -> Self {
        Self {
            by_activity: [0; Activity::ALL.len()],
            by_kind: [0; MOST_KINDS],
            events: 0,
            by_day: [0; 7],
            by_hour: [0; 24],
            objects: 0,
            sessions: 0,
            seconds: 0,
            longest_session_seconds: 0,
            release_delays: Vec::new(),
            details: DetailCounts::default(),
            engagement: DetailCounts::default(),
            lists: Lists::default(),
        }
    }
}

/// Holds the objects of the week, each as often as it came.
#[derive(Default)]
struct Lists {
    objects: Vec<ObjectKey>,
    problems: Vec<ObjectKey>,
    correct: Vec<ObjectKey>,
    videos: Vec<ObjectKey>,
    distinct: Distinct,
}

impl Lists {
    /// Adds an event's object to the lists that its mark says, and its weight to the attempts at objects.
    fn add(&mut self, mark: Mark, object: ObjectKey, weight: u32, counts: &mut DetailCounts) {
        if mark.has(Mark::PROBLEM) {
            self.problems.push(object);
        }
        if mark.has(Mark::ATTEMPT) {
            add(&mut counts.attempts_at_objects, weight);
        }
        if mark.has(Mark::RIGHT) {
            self.correct.push(object);
        }
        if mark.has(Mark::VIDEO) {
            self.videos.push(object);
        }
    }

    /// Counts the distinct objects in the lists.
    fn count(&mut self, counts: &mut DetailCounts) {
        counts.problems = self.distinct.count(&self.problems);
        counts.correct = self.distinct.count(&self.correct);
        counts.videos = self.distinct.count(&self.videos);
    }
}

/// Counts of what events tell beyond their activities.
#[derive(Clone, Copy, Default)]
pub(crate) struct DetailCounts {
    /// Distinct objects with an attempt or, where the source does not tell attempts, with an event of a problem.
    pub(crate) problems: u32,
    pub(crate) attempts: u32,
    /// Attempts whose problem is named.
    pub(crate) attempts_at_objects: u32,
    /// Distinct problems with an attempt that was right.
    pub(crate) correct: u32,
    /// Distinct videos that were set going.
    pub(crate) videos: u32,
    pub(crate) posts: u32,
    pub(crate) responses: u32,
    pub(crate) comments: u32,
    /// Votes given and received, less those taken back.
    pub(crate) upvotes_given: i64,
    pub(crate) downvotes_given: i64,
    pub(crate) upvotes_received: i64,
    pub(crate) downvotes_received: i64,
    pub(crate) textbook_pages: u32,
    /// Days of the week on which edX's report sees the learner, a bit each.
    pub(crate) engaged_days: u8,
}

impl DetailCounts {
    /// Adds `count` events of a kind with this detail.
    fn add(&mut self, detail: Detail, count: u32) {
        match detail {
            // Videos are counted by their objects.
            Detail::Nothing | Detail::VideoPlayed | Detail::Fact => {}
            Detail::Attempt | Detail::AttemptWrong | Detail::AttemptRight => add(&mut self.attempts, count),
            Detail::Post => add(&mut self.posts, count),
            Detail::Response => add(&mut self.responses, count),
            Detail::Comment => add(&mut self.comments, count),
            Detail::UpvoteGiven => self.upvotes_given += i64::from(count),
            Detail::UpvoteGivenUndone => self.upvotes_given -= i64::from(count),
            Detail::DownvoteGiven => self.downvotes_given += i64::from(count),
            Detail::DownvoteGivenUndone => self.downvotes_given -= i64::from(count),
            Detail::UpvoteReceived => self.upvotes_received += i64::from(count),
            Detail::UpvoteReceivedUndone => self.upvotes_received -= i64::from(count),
            Detail::DownvoteReceived => self.downvotes_received += i64::from(count),
            Detail::DownvoteReceivedUndone => self.downvotes_received -= i64::from(count),
            Detail::TextbookPage => add(&mut self.textbook_pages, count),
        }
    }
}

/// Adds to a count, which stops at its greatest value: a table may claim any number of events.
fn add(count: &mut u32, weight: u32) {
    *count = count.saturating_add(weight);
}

/// Holds the place of a week that is counted.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) course: CourseIndex,
    /// First day of the week, from the course's start. For all that was before the start, any multiple of seven days
    /// before it.
    pub(crate) first_day: i64,
}

impl WeekCounts {
    /// Counts the days of the week with an event.
    pub(crate) fn active_days(&self) -> u32 {
        self.by_day.iter().map(|&count| u32::from(count > 0)).sum()
    }

    /// Adds the week to the totals. Its sessions and seconds are in them since they were counted.
    pub(crate) fn add_to(&self, totals: &mut RunningTotals) {
        totals.events_of_week_before = totals.events_of_week.replace(self.events);
        totals.active_days += self.active_days();
        totals.events += u64::from(self.events);
        for (total, &count) in totals.by_activity.iter_mut().zip(&self.by_activity) {
            *total += u64::from(count);
        }
        totals.inactive_weeks = if self.events == 0 { totals.inactive_weeks + 1 } else { 0 };
    }

    /// Forgets the counts and keeps the memory that lists took.
    fn empty(&mut self, kinds: usize) {
        self.by_kind[..kinds].fill(0);
        (self.by_activity, self.events) = ([0; Activity::ALL.len()], 0);
        (self.by_day, self.by_hour) = ([0; 7], [0; 24]);
        (self.sessions, self.seconds, self.longest_session_seconds) = (0, 0, 0);
        self.release_delays.clear();
        self.details = DetailCounts::default();
        let lists = &mut self.lists;
        for list in [&mut lists.objects, &mut lists.problems, &mut lists.correct, &mut lists.videos] {
            list.clear();
        }
    }

    /// Counts the events of one week, which are ascending, in place of whatever was counted here before.
    pub(crate) fn count(&mut self, frame: &Frame<'_>, span: Span, events: &[Event], totals: &mut RunningTotals) {
        self.empty(frame.kinds.len());
        if frame.peers.is_some() {
            self.walk::<true>(frame, span, events, totals);
        } else {
            self.walk::<false>(frame, span, events, totals);
        }
        for (kind, &count) in frame.kinds.iter().zip(&self.by_kind) {
            if !kind.detail.is_received() {
                add(&mut self.by_activity[kind.activity as usize], count);
                add(&mut self.events, count);
            }
            self.details.add(kind.detail, count);
        }
        self.objects = self.lists.distinct.count(&self.lists.objects);
        self.lists.count(&mut self.details);
        self.engagement = self.details;
        totals.sessions += u64::from(self.sessions);
        totals.seconds += self.seconds;
    }

    /// Adds events of the days before the course's start to the counts of edX's report alone, which takes no account of
    /// courses' starts.
    pub(crate) fn add_days_before_start(&mut self, frame: &Frame<'_>, events: &[Event]) {
        if events.is_empty() {
            return;
        }
        for event in events {
            let mark = frame.marks.kind(event.kind());
            let day = i64::from(event.seconds()).div_euclid(DAY_SECONDS).rem_euclid(7);
            self.engagement.engaged_days |= u8::from(mark.has(Mark::ENGAGES)) << day;
            self.engagement.add(frame.kinds[usize::from(event.kind())].detail, event.weight());
            if let Some(object) = event.object() {
                self.lists.add(mark, object, event.weight(), &mut self.engagement);
            }
        }
        self.lists.count(&mut self.engagement);
    }

    /// Goes over the events, for every feature if `ALL`, else for the core features.
    fn walk<const ALL: bool>(&mut self, frame: &Frame<'_>, span: Span, events: &[Event], totals: &mut RunningTotals) {
        let first_second = span.first_day * DAY_SECONDS;
        // Long enough ago that nothing is within a session of it.
        let mut last = totals.last_event.unwrap_or(i64::MIN / 2);
        // A session counts here only up to the week's end, so one that began in an earlier week has no length here.
        let (mut begun_here, mut length) = (false, 0);
        for event in events {
            let seconds = i64::from(event.seconds());
            let weight = event.weight();
            let mark = frame.marks.kind(event.kind());
            add(&mut self.by_kind[usize::from(event.kind())], weight);
            let since = (seconds - first_second) as u64;
            let day = (since / DAY_SECONDS as u64 % 7) as usize;
            if ALL {
                self.details.engaged_days |= u8::from(mark.has(Mark::ENGAGES)) << day;
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
            self.longest_session_seconds = self.longest_session_seconds.max(length);
            last = seconds;
            totals.last_event = Some(seconds);
            if let Some(object) = event.object() {
                self.lists.objects.push(object);
                if ALL {
                    self.lists.add(mark, object, weight, &mut self.details);
                    self.open(frame, span, object, seconds, totals);
                }
            }
        }
    }

    /// Notes that `object` was opened, for the first time or again.
    fn open(&mut self, frame: &Frame<'_>, span: Span, object: ObjectKey, seconds: i64, totals: &mut RunningTotals) {
        if frame.capabilities.releases && totals.opened.insert(object) {
            let opened = i64::from(frame.grids[span.course.as_usize()].start_day) * DAY_SECONDS + seconds;
            let release = frame.roster.releases.get(span.course, object);
            // An object that was opened before its release has no delay: that it would be released was not known.
            if let Some(release) = release.filter(|&release| release <= opened) {
                self.release_delays.push((opened - release) as f64 / DAY_SECONDS as f64);
            }
        }
    }
}
