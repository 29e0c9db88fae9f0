//! The events of one week, counted.

use staycast_events::time::DAY_SECONDS;
use staycast_events::{Activity, Detail, Event, ObjectKey};

use super::{Frame, Running, SESSION_GAP_SECONDS};
use crate::features::FeatureSet;

/// Counts of one week.
#[derive(Default)]
pub(super) struct Week {
    pub(super) by_activity: [u32; Activity::ALL.len()],
    pub(super) by_kind: Vec<u32>,
    pub(super) events: u32,
    pub(super) by_day: [u32; 7],
    pub(super) by_hour: [u32; 24],
    pub(super) objects: Vec<ObjectKey>,
    /// Objects with an attempt or, where the source does not tell attempts, with an event of a problem.
    pub(super) problems: Vec<ObjectKey>,
    pub(super) sessions: u32,
    pub(super) seconds: i64,
    pub(super) longest: i64,
    pub(super) delays: Vec<f64>,
    pub(super) told: Told,
}

/// What kinds of event told beyond their activities.
#[derive(Default)]
pub(super) struct Told {
    pub(super) attempts: u32,
    /// Attempts whose problem is named.
    pub(super) attempts_at_objects: u32,
    pub(super) correct: Vec<ObjectKey>,
    pub(super) videos: Vec<ObjectKey>,
    pub(super) posts: u32,
    pub(super) responses: u32,
    pub(super) comments: u32,
    /// Votes up and down given, then up and down received; less those taken back.
    pub(super) votes: [i64; 4],
    pub(super) textbook_pages: u32,
    /// Days of the week on which edX's report sees the learner, a bit each.
    pub(super) engaged_days: u8,
}

impl Told {
    fn add(&mut self, detail: Detail, object: Option<ObjectKey>, weight: u32) {
        match detail {
            Detail::Nothing => {}
            Detail::Attempt | Detail::AttemptWrong | Detail::AttemptRight => {
                add(&mut self.attempts, weight);
                if let Some(object) = object {
                    add(&mut self.attempts_at_objects, weight);
                    self.correct.extend((detail == Detail::AttemptRight).then_some(object));
                }
            }
            Detail::VideoPlayed => self.videos.extend(object),
            Detail::Post => add(&mut self.posts, weight),
            Detail::Response => add(&mut self.responses, weight),
            Detail::Comment => add(&mut self.comments, weight),
            Detail::UpvoteGiven => self.votes[0] += i64::from(weight),
            Detail::UpvoteGivenUndone => self.votes[0] -= i64::from(weight),
            Detail::DownvoteGiven => self.votes[1] += i64::from(weight),
            Detail::DownvoteGivenUndone => self.votes[1] -= i64::from(weight),
            Detail::UpvoteReceived => self.votes[2] += i64::from(weight),
            Detail::UpvoteReceivedUndone => self.votes[2] -= i64::from(weight),
            Detail::DownvoteReceived => self.votes[3] += i64::from(weight),
            Detail::DownvoteReceivedUndone => self.votes[3] -= i64::from(weight),
            Detail::TextbookPage => add(&mut self.textbook_pages, weight),
        }
    }
}

/// Adds to a count, which stops at its greatest value: a table may claim any number of events.
fn add(count: &mut u32, weight: u32) {
    *count = count.saturating_add(weight);
}

/// Which week is counted.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) course: u32,
    /// Number of the week; −1 for all that was before the start.
    pub(super) week: i64,
    /// First day of the week, from the course's start.
    pub(super) first_day: i64,
}

impl Week {
    /// Nothing counted, in the memory that another week's lists took.
    fn emptied(self) -> Self {
        fn empty<T>(mut list: Vec<T>) -> Vec<T> {
            list.clear();
            list
        }
        let told = Told { correct: empty(self.told.correct), videos: empty(self.told.videos), ..Told::default() };
        let (objects, problems) = (empty(self.objects), empty(self.problems));
        Self { by_kind: empty(self.by_kind), objects, problems, delays: empty(self.delays), told, ..Self::default() }
    }
}

/// Counts the events of one week, which are ascending. `before` is a week that is done with.
pub(super) fn walk(frame: &Frame<'_>, span: Span, events: &[Event], running: &mut Running, before: Week) -> Week {
    let mut counted = before.emptied();
    if frame.raw_kinds {
        counted.by_kind.resize(frame.kinds.len(), 0);
    }
    // A session counts here only up to the week's end, so it starts afresh when it began in an earlier week.
    for event in events {
        let seconds = i64::from(event.seconds());
        let weight = event.weight();
        let kind = usize::from(event.kind());
        let (activity, detail) = (frame.kinds[kind].activity, frame.kinds[kind].detail);
        let day = (seconds.div_euclid(DAY_SECONDS) - span.first_day).rem_euclid(7) as usize;
        if frame.kinds[kind].engages {
            counted.told.engaged_days |= 1 << day;
        }
        counted.told.add(detail, event.object(), weight);
        if frame.raw_kinds {
            add(&mut counted.by_kind[kind], weight);
        }
        if detail.is_received() {
            continue;
        }
        add(&mut counted.by_activity[activity as usize], weight);
        add(&mut counted.events, weight);
        add(&mut counted.by_day[day], weight);
        add(&mut counted.by_hour[(seconds.rem_euclid(DAY_SECONDS) / 3_600) as usize], weight);
        let gap = running.last_event.map(|last| seconds - last);
        match gap {
            Some(gap) if gap <= SESSION_GAP_SECONDS => {
                counted.seconds += gap;
                if running.session.0 == span.week {
                    running.session.1 += gap;
                }
            }
            _ => {
                counted.sessions += 1;
                running.session = (span.week, 0);
            }
        }
        if running.session.0 == span.week {
            counted.longest = counted.longest.max(running.session.1);
        }
        running.last_event = Some(seconds);
        if let Some(object) = event.object() {
            counted.objects.push(object);
            let attempted = if frame.knows.attempts { detail.is_attempt() } else { activity == Activity::Problem };
            if attempted {
                counted.problems.push(object);
            }
            if frame.knows.releases && frame.set == FeatureSet::All && running.opened.insert(object) {
                let start = i64::from(frame.grids[span.course as usize].start_day) * DAY_SECONDS;
                let release = frame.roster.releases.get(span.course, object);
                // An object that was opened before its release has no delay: that it would be released was not known.
                if let Some(release) = release.filter(|&release| release <= start + seconds) {
                    counted.delays.push((start + seconds - release) as f64 / DAY_SECONDS as f64);
                }
            }
        }
    }
    let told = &mut counted.told;
    for list in [&mut counted.objects, &mut counted.problems, &mut told.correct, &mut told.videos] {
        if list.len() > 1 {
            list.sort_unstable();
            list.dedup();
        }
    }
    running.sessions += u64::from(counted.sessions);
    running.seconds += counted.seconds;
    counted
}
