//! One course: its items, and who first used which when.

use std::collections::BTreeMap;

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use staycast_events::{Activity, Assessment, CourseIndex, ObjectKey, Source};

use super::instants::{DAY_SECONDS, from_start};
use super::uses::{FirstUse, Uses};

/// Describes something that a learner of the course can use next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// The source's id.
    pub(super) id: Box<str>,
    /// The activity of its first event, or else of its type.
    pub(super) activity: Activity,
    /// When it is released, in seconds from the course's start, where that is known.
    pub(super) release: Option<i32>,
    /// Whether it is to be handed in.
    pub(super) is_assessment: bool,
    /// The day on which it is due, from the course's start.
    pub(super) due_day: Option<i32>,
    /// Place in the source's table of objects; `u32::MAX` where no table has it.
    listed: u32,
}

/// Describes the first use of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ItemUse {
    /// Instant, in seconds from the course's start.
    pub(super) seconds: i32,
    /// Place among the course's items.
    pub(super) item: u32,
}

/// Holds a course's items and their first uses.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) place: CourseIndex,
    /// First instant, in seconds since 1970-01-01T00:00:00.
    pub(super) start: i64,
    /// The first instant after the course, in seconds from its start.
    pub(super) end: i32,
    /// In the order of their ids.
    pub(super) items: Vec<Item>,
    /// The first of its enrolments.
    pub(super) first_enrolment: usize,
    /// By learner, then instant and item.
    uses: Vec<ItemUse>,
    /// Where the uses of each learner begin, and where the last one's end.
    starts: Vec<usize>,
}

impl Course {
    /// Counts the enrolments.
    pub(super) fn learners(&self) -> usize {
        self.starts.len() - 1
    }

    /// Returns what a learner used, in the order of time.
    pub(super) fn uses(&self, learner: usize) -> &[ItemUse] {
        &self.uses[self.starts[learner]..self.starts[learner + 1]]
    }

    /// Returns what a learner used before an instant.
    pub(super) fn uses_before(&self, learner: usize, instant: i32) -> &[ItemUse] {
        let all = self.uses(learner);
        &all[..all.partition_point(|one| one.seconds < instant)]
    }

    /// Returns what a learner first used from one instant on, and before another.
    pub(super) fn uses_between(&self, learner: usize, from: i32, to: i32) -> &[ItemUse] {
        &self.uses_before(learner, to)[self.uses_before(learner, from).len()..]
    }

    /// Returns the key by which items stand that nothing else tells apart: as the source's table lists them.
    pub(super) fn listing(&self, item: usize) -> (u32, &str) {
        (self.items[item].listed, &self.items[item].id)
    }
}

/// Makes the courses of a source from what was gathered of it.
pub(super) fn courses(source: &Source, uses: &Uses) -> Vec<Course> {
    let roster = &source.roster;
    let mut firsts = vec![0; roster.courses.len() + 1];
    for place in roster.enrolments.places() {
        firsts[roster.enrolments.course(place).as_usize() + 1] += 1;
    }
    for course in 1..firsts.len() {
        firsts[course] += firsts[course - 1];
    }
    let mut listed: Vec<Vec<usize>> = vec![Vec::new(); roster.courses.len()];
    for (number, one) in roster.listed_objects.iter().enumerate() {
        listed[one.course.as_usize()].push(number);
    }
    let parts = |course: usize| Parts {
        source,
        uses,
        course,
        enrolments: firsts[course]..firsts[course + 1],
        listed: &listed[course],
    };
    (0..roster.courses.len()).into_par_iter().map(|course| parts(course).build()).collect()
}

/// Holds what a course is made from.
struct Parts<'a> {
    source: &'a Source,
    uses: &'a Uses,
    course: usize,
    enrolments: std::ops::Range<usize>,
    listed: &'a [usize],
}

impl Parts<'_> {
    fn build(&self) -> Course {
        let course = &self.source.roster.courses[self.course];
        let place = CourseIndex(self.course as u32);
        let start = course.start_seconds();
        let first = &self.uses.first;
        let from = first.partition_point(|one| (one.enrolment() as usize) < self.enrolments.start);
        let to = first.partition_point(|one| (one.enrolment() as usize) < self.enrolments.end);
        let own = &first[from..to];
        let found = self.items(own, place, start);
        let mut by_id: Vec<(u64, Item)> = found.into_iter().collect();
        by_id.sort_by(|(_, a), (_, b)| (&a.id, a.is_assessment).cmp(&(&b.id, b.is_assessment)));
        let numbers: FxHashMap<u64, u32> = by_id.iter().zip(0..).map(|(&(key, _), number)| (key, number)).collect();
        let (uses, starts) = self.item_uses(own, &numbers);
        Course {
            place,
            start,
            end: from_start(start + i64::from(course.days) * DAY_SECONDS, start),
            items: by_id.into_iter().map(|(_, item)| item).collect(),
            first_enrolment: self.enrolments.start,
            uses,
            starts,
        }
    }

    /// Returns the items by the key of their object.
    fn items(&self, own: &[FirstUse], place: CourseIndex, start: i64) -> BTreeMap<u64, Item> {
        let roster = &self.source.roster;
        // The earliest use of each object says what is done with it, so that later ones change nothing.
        let mut earliest: FxHashMap<u64, (i32, u8)> = FxHashMap::default();
        for one in own {
            let here = (one.seconds(), one.kind());
            earliest.entry(one.object()).and_modify(|known| *known = here.min(*known)).or_insert(here);
        }
        let release = |key: u64| {
            let object = ObjectKey::from_bits(key)?;
            Some(from_start(roster.releases.get(place, object)?, start))
        };
        let item = |key: u64, id: &str, activity| Item {
            id: id.into(),
            activity,
            release: release(key),
            is_assessment: false,
            due_day: None,
            listed: u32::MAX,
        };
        let of_course = roster.assessments.iter().filter(|one| one.course == place);
        let assessments: BTreeMap<u64, &Assessment> =
            of_course.filter_map(|one| Some((ObjectKey::from_id(one.id.as_bytes())?.bits(), one))).collect();
        let mut items = BTreeMap::new();
        for (key, (_, kind)) in earliest {
            // What is handed in is named by the table of assessments.
            let name =
                assessments.get(&key).map(|one| one.id.as_str()).or(self.uses.names.get(&key).map(|name| &**name));
            let name = name.expect("readers hand over the name of each object");
            if is_of_a_person(name) {
                continue;
            }
            items.insert(key, item(key, name, self.source.kinds[usize::from(kind)].activity));
        }
        for (number, &listed) in self.listed.iter().enumerate() {
            let listed = &roster.listed_objects[listed];
            let key = listed.object.bits();
            if let Some(activity) = listed.activity.filter(|activity| Activity::CONTENT.contains(activity)) {
                items.entry(key).or_insert_with(|| item(key, &listed.id, activity));
            }
            if let Some(known) = items.get_mut(&key) {
                known.listed = known.listed.min(number as u32);
            }
        }
        for (key, one) in assessments {
            let known = items.entry(key).or_insert_with(|| item(key, &one.id, Activity::Submission));
            (known.id, known.is_assessment, known.due_day) = (one.id.as_str().into(), true, one.due_day);
        }
        items
    }

    /// Returns the uses of each learner in the order of time, and where each one's begin.
    fn item_uses(&self, own: &[FirstUse], numbers: &FxHashMap<u64, u32>) -> (Vec<ItemUse>, Vec<usize>) {
        let roster = &self.source.roster;
        let submissions = &roster.submissions;
        let from = submissions.partition_point(|one| one.enrolment.as_usize() < self.enrolments.start);
        let (mut own, mut submissions) = (own, &submissions[from..]);
        let (mut uses, mut starts) = (Vec::with_capacity(own.len()), vec![0]);
        for enrolment in self.enrolments.clone() {
            let mut of_learner: Vec<ItemUse> = Vec::new();
            let count = own.partition_point(|one| one.enrolment() as usize <= enrolment);
            let (here, rest) = own.split_at(count);
            own = rest;
            let item_use =
                |one: &FirstUse| Some(ItemUse { seconds: one.seconds(), item: *numbers.get(&one.object())? });
            of_learner.extend(here.iter().filter_map(item_use));
            let count = submissions.partition_point(|one| one.enrolment.as_usize() <= enrolment);
            let (here, rest) = submissions.split_at(count);
            submissions = rest;
            for one in here {
                let id = roster.assessments[one.assessment as usize].id.as_bytes();
                if let Some(&item) = ObjectKey::from_id(id).and_then(|key| numbers.get(&key.bits())) {
                    of_learner.push(ItemUse { seconds: one.seconds, item });
                }
            }
            of_learner.sort_unstable_by_key(|one| (one.item, one.seconds));
            of_learner.dedup_by_key(|one| one.item);
            of_learner.sort_unstable();
            uses.append(&mut of_learner);
            starts.push(uses.len());
        }
        (uses, starts)
    }
}

/// Tells whether an object is a page about a person, as in a forum: it is nothing to recommend, and its id names somebody.
fn is_of_a_person(id: &str) -> bool {
    id.split('/').any(|part| matches!(part, "users" | "user" | "profile"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_about_people_are_no_items() {
        assert!(is_of_a_person("/courses/c/discussion/forum/users/7/followed") && is_of_a_person("https://x/user/ann"));
        assert!(!is_of_a_person("/courses/c/wiki/users-guide") && !is_of_a_person("546734"));
    }
}
