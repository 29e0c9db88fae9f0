//! Tells enrolments of one learner in one course apart by their dates.

use rustc_hash::FxHashMap;

use crate::enrolled_again::{EnrolledAgain, again_id};
use crate::index::EnrolmentIndex;
use crate::roster::Roster;

/// Lists enrolments of one learner in one course that rows of the log do not tell apart, by the time they began.
#[derive(Clone, Debug, Default)]
pub(crate) struct DatedEnrolments {
    /// By enrolment: the place of its group in `groups`.
    group_of: FxHashMap<u32, u32>,
    /// Instant of enrolment and enrolment, in the order of time.
    groups: Vec<Vec<(i64, u32)>>,
}

impl DatedEnrolments {
    /// Finds them in `roster`; `None` where there are none.
    pub(crate) fn find(roster: &Roster) -> Option<Self> {
        if roster.enrolled_again != EnrolledAgain::Each {
            return None;
        }
        let mut by_pair: FxHashMap<(u32, &str), Vec<(i64, u32)>> = FxHashMap::default();
        let all = &roster.enrolments;
        for place in 0..all.len() {
            let course = all.course(place);
            if let Some(enrolled) = all.enrolled_seconds(place) {
                let began = roster.courses[course.as_usize()].start_seconds() + i64::from(enrolled);
                by_pair.entry((course.0, all.learner(place))).or_default().push((began, place as u32));
            }
        }
        let mut dated = Self::default();
        for mut group in by_pair.into_values().filter(|group| group.len() > 1) {
            group.sort_unstable();
            // Enrolments with ids of the source's own are named by the rows.
            let first = again_id(all.id(group[0].1 as usize), "");
            if group[1..].iter().all(|&(_, place)| all.id(place as usize).starts_with(&first)) {
                let number = dated.groups.len() as u32;
                dated.group_of.extend(group.iter().map(|&(_, place)| (place, number)));
                dated.groups.push(group);
            }
        }
        (!dated.groups.is_empty()).then_some(dated)
    }

    /// Returns the enrolment of an event at `instant` that is of `enrolment` or another of the same learner and course: the
    /// one that began last before it, or else the first.
    pub(crate) fn at(&self, enrolment: EnrolmentIndex, instant: i64) -> EnrolmentIndex {
        let Some(&number) = self.group_of.get(&enrolment.0) else { return enrolment };
        let group = &self.groups[number as usize];
        let after = group.partition_point(|&(began, _)| began <= instant);
        EnrolmentIndex(group[after.saturating_sub(1)].1)
    }

    /// Returns those of the `count` enrolments from `first` on, counted from there.
    pub(crate) fn part(&self, first: usize, count: usize) -> Option<Self> {
        let inside = |place: u32| (first..first + count).contains(&(place as usize));
        let moved = |place: u32| place - first as u32;
        let group_of: FxHashMap<u32, u32> = self
            .group_of
            .iter()
            .filter(|(place, _)| inside(**place))
            .map(|(&place, &group)| (moved(place), group))
            .collect();
        let groups = self.groups.iter().map(|group| {
            group.iter().filter(|(_, place)| inside(*place)).map(|&(began, place)| (began, moved(place))).collect()
        });
        (!group_of.is_empty()).then(|| Self { group_of, groups: groups.collect() })
    }
}
