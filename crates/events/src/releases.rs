//! When the objects of courses are released.
//!
//! A course may list millions of objects, so they stand in sorted lists: 16 bytes an object, where a hash map takes up
//! to 50, half as much again while it grows.

use crate::event::ObjectKey;
use crate::index::CourseIndex;

/// Bounds from below the list that is brought in order before it is whole.
const LEAST_SETTLED: usize = 1 << 16;

/// Holds instants of release, in seconds since 1970-01-01T00:00:00, by course (index) and object. 16 bytes each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Releases {
    /// By course: each object once, ordered.
    by_course: Vec<Vec<(ObjectKey, i64)>>,
}

impl Releases {
    /// Tells when the object is released, where that is known.
    #[must_use]
    pub fn get(&self, course: CourseIndex, object: ObjectKey) -> Option<i64> {
        let released = self.by_course.get(course.as_usize())?;
        let place = released.binary_search_by_key(&object, |(object, _)| *object).ok()?;
        Some(released[place].1)
    }

    /// Tells whether no release is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_course.iter().all(Vec::is_empty)
    }

    /// Returns every release, ordered by course and object.
    pub fn iter(&self) -> impl Iterator<Item = ((CourseIndex, ObjectKey), i64)> {
        let courses = self.by_course.iter().zip((0..).map(CourseIndex));
        courses.flat_map(|(released, course)| released.iter().map(move |&(object, at)| ((course, object), at)))
    }

    /// Adds the releases of a roster whose first course is here the course `first`.
    pub(crate) fn append(&mut self, first: CourseIndex, later: Self) {
        self.by_course.resize(first.as_usize(), Vec::new());
        self.by_course.extend(later.by_course);
    }
}

/// Of an object that is given several times the earliest release counts.
impl FromIterator<((CourseIndex, ObjectKey), i64)> for Releases {
    fn from_iter<I: IntoIterator<Item = ((CourseIndex, ObjectKey), i64)>>(given: I) -> Self {
        let mut list = ReleaseList::default();
        for ((course, object), instant) in given {
            list.push(course, object, instant);
        }
        list.finish()
    }
}

/// Gathers releases. Holds each object about twice at most, however often it is given.
#[derive(Debug, Default)]
pub(crate) struct ReleaseList {
    by_course: Vec<Vec<(ObjectKey, i64)>>,
}

impl ReleaseList {
    pub(crate) fn push(&mut self, course: CourseIndex, object: ObjectKey, instant: i64) {
        let course = course.as_usize();
        if self.by_course.len() <= course {
            self.by_course.resize(course + 1, Vec::new());
        }
        let list = &mut self.by_course[course];
        if list.len() == list.capacity() && list.len() >= LEAST_SETTLED {
            settle(list);
            if list.len() > list.capacity() / 2 {
                list.reserve(list.capacity());
            }
        }
        list.push((object, instant));
    }

    pub(crate) fn finish(mut self) -> Releases {
        for list in &mut self.by_course {
            settle(list);
            list.shrink_to_fit();
        }
        Releases { by_course: self.by_course }
    }
}

/// Brings a list in order and keeps the earliest release of each object.
fn settle(list: &mut Vec<(ObjectKey, i64)>) {
    list.sort_unstable();
    list.dedup_by_key(|(object, _)| *object);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_object_is_there_from_its_earliest_release_on(
            given in prop::collection::vec(((0_u32..3).prop_map(CourseIndex), 0_u8..20, -50_i64..50), 0..60),
        ) {
            let key = |id: u8| ObjectKey::from_id(&[id]).unwrap();
            let mut expected = BTreeMap::new();
            for &(course, id, at) in &given {
                expected.entry((course, key(id))).and_modify(|known: &mut i64| *known = at.min(*known)).or_insert(at);
            }
            let releases: Releases = given.iter().map(|&(course, id, at)| ((course, key(id)), at)).collect();
            prop_assert_eq!(releases.is_empty(), given.is_empty());
            for course in (0..4).map(CourseIndex) {
                for id in 0..21 {
                    prop_assert_eq!(releases.get(course, key(id)), expected.get(&(course, key(id))).copied());
                }
            }
            prop_assert_eq!(releases.iter().collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_object_given_without_end_takes_no_more_room() {
        let mut list = ReleaseList::default();
        let keys: Vec<ObjectKey> = (0..100_u8).map(|id| ObjectKey::from_id(&[id]).unwrap()).collect();
        for turn in 0..10_000 {
            keys.iter().for_each(|&key| list.push(CourseIndex(0), key, 10_000 - turn));
        }
        assert!(list.by_course[0].capacity() <= 2 * LEAST_SETTLED, "{}", list.by_course[0].capacity());
        assert_eq!(list.finish().iter().map(|(_, at)| at).collect::<Vec<_>>(), [1; 100]);
    }

    #[test]
    fn courses_of_two_rosters_stay_apart() {
        let key = ObjectKey::from_id(b"o").unwrap();
        let mut all: Releases = [((CourseIndex(0), key), 1)].into_iter().collect();
        all.append(CourseIndex(3), [((CourseIndex(1), key), 2)].into_iter().collect());
        assert_eq!([0, 1, 3, 4].map(|course| all.get(CourseIndex(course), key)), [Some(1), None, None, Some(2)]);
    }
}
