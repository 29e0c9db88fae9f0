//! Finds an enrolment by its learner and course, for sources whose rows name both instead of an enrolment.

use std::borrow::Cow;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::id_lookup::{IdList, IdLookup};
use crate::index::{CourseIndex, EnrolmentIndex};
use crate::names::NameList;
use crate::roster::Roster;

/// Makes the id of an enrolment that the source gives none: `<course>/<learner>`. No two enrolments have the same.
///
/// A learner's id that is no address has `%2F` for each slash in it, so that the last slash stands between the two. One
/// that is an address (`http://…`) stays, as it begins where the first address after a slash does; in a course's id a slash
/// before an address is `%2F`. What is already written like that gets a `25` after the percent sign.
pub(super) fn pair_id(course: &str, learner: &str) -> String {
    let is_slash_before_address = |course: &str, at: usize| begins_with_scheme(&course[at..], ":/");
    let course = with_escaped_slashes(course, |at| is_slash_before_address(course, at));
    match begins_with_scheme(learner, "://") {
        true => format!("{course}/{learner}"),
        false => format!("{course}/{}", with_escaped_slashes(learner, |_| true)),
    }
}

/// Tells whether a text begins with an address's scheme and `after` it.
fn begins_with_scheme(text: &str, after: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let length = text.bytes().take_while(|&byte| is_part(byte)).count();
    length > 0 && text[length..].starts_with(after)
}

/// Escapes the slashes of a text behind which, at the given place, `escapes` says so.
fn with_escaped_slashes(text: &str, escapes: impl Fn(usize) -> bool) -> Cow<'_, str> {
    if !text.contains(['/', '%']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = 0;
    while let Some(found) = text[rest..].find(['/', '%']) {
        let at = rest + found;
        out.push_str(&text[rest..at]);
        if text.as_bytes()[at] == b'/' {
            out.push_str(if escapes(at + 1) { "%2F" } else { "/" });
            rest = at + 1;
            continue;
        }
        // A percent sign, some `25`, and then what an escaped slash ends with.
        let after = text[at + 1..].trim_start_matches("25");
        let end = text.len() - after.len() + 2;
        if after.starts_with("2F") && escapes(end) {
            out.push_str("%25");
        } else {
            out.push('%');
        }
        rest = at + 1;
    }
    out.push_str(&text[rest..]);
    Cow::Owned(out)
}

/// Finds enrolments by course and learner, without allocating.
#[derive(Debug)]
pub(super) struct PairLookup {
    courses: FxHashMap<Box<[u8]>, CourseIndex>,
    /// By course: a lookup over its learners.
    learners: Vec<IdLookup<LearnersOfCourse>>,
}

/// Lists the learners of a course, which stand together in the roster.
#[derive(Debug)]
struct LearnersOfCourse {
    names: Arc<NameList>,
    first: usize,
    count: usize,
}

impl IdList for LearnersOfCourse {
    fn len(&self) -> usize {
        self.count
    }

    #[inline]
    fn id(&self, place: usize) -> &[u8] {
        self.names.get(self.first + place).1.as_bytes()
    }
}

impl PairLookup {
    pub(super) fn new(roster: &Roster) -> Self {
        let places = (0..).map(CourseIndex);
        let courses =
            roster.courses.iter().zip(places.clone()).map(|(course, place)| (course.id.as_bytes().into(), place));
        let mut learners = Vec::with_capacity(roster.courses.len());
        let mut first = 0;
        // The roster is ordered by course, so each course's enrolments stand together.
        for course in places.take(roster.courses.len()) {
            let places = first..roster.enrolments.len();
            let count = places.take_while(|&place| roster.enrolments.course(place) == course).count();
            let names = Arc::clone(roster.enrolments.names());
            learners.push(IdLookup::new(LearnersOfCourse { names, first, count }));
            first += count;
        }
        Self { courses: courses.collect(), learners }
    }

    /// Returns the number of courses.
    pub(super) fn courses(&self) -> usize {
        self.learners.len()
    }

    /// Returns the course with this id.
    pub(super) fn course(&self, id: &[u8]) -> Option<CourseIndex> {
        self.courses.get(id).copied()
    }

    /// Returns the enrolment of `learner` in `course`.
    pub(super) fn enrolment(&self, course: CourseIndex, learner: &[u8]) -> Option<EnrolmentIndex> {
        let learners = &self.learners[course.as_usize()];
        learners.get(learner).map(|place| EnrolmentIndex(learners.ids().first as u32 + place))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn usual_ids_are_course_and_learner() {
        for (course, learner, id) in [
            ("course-v1:edX+A+1", "ann", "course-v1:edX+A+1/ann"),
            ("edX/Botany/2026", "ann", "edX/Botany/2026/ann"),
            ("https://a.example/c?id=1", "mailto:ann@a.example", "https://a.example/c?id=1/mailto:ann@a.example"),
            ("https://a.example/c/1", "https://a.example/u/2", "https://a.example/c/1/https://a.example/u/2"),
            ("A", "100%", "A/100%"),
            ("A", "B/C", "A/B%2FC"),
            ("A/B", "C", "A/B/C"),
            ("A", "B%2FC", "A/B%252FC"),
        ] {
            assert_eq!(pair_id(course, learner), id);
        }
    }

    #[test]
    fn ids_of_every_short_course_and_learner_differ() {
        let parts = ["a", "/", "b://", "%", "2F", "25", "b:/"];
        let mut texts = vec![String::new()];
        for _ in 0..4 {
            let longer: Vec<String> =
                texts.iter().flat_map(|text| parts.iter().map(move |part| format!("{text}{part}"))).collect();
            texts.extend(longer);
            texts.sort_unstable();
            texts.dedup();
        }
        texts.retain(|text| text.len() <= 7);
        let mut ids: HashMap<String, (&str, &str)> = HashMap::new();
        for course in &texts {
            for learner in texts.iter().filter(|learner| course.len() + learner.len() <= 9) {
                let before = ids.insert(pair_id(course, learner), (course, learner));
                assert_eq!(before, None, "{course} and {learner}");
            }
        }
        assert!(ids.len() > 10_000, "{}", ids.len());
    }

    proptest! {
        #[test]
        fn two_enrolments_never_have_the_same_id(
            one in ("[ab/%25F:]{0,9}", "[ab/%25F:]{0,9}"),
            cut in 0_usize..20,
        ) {
            // Two that differ only in where the course ends and the learner begins, where that can be.
            let id = pair_id(&one.0, &one.1);
            if let Some((course, learner)) = id.split_at_checked(cut)
                && let Some(learner) = learner.strip_prefix('/')
            {
                let other = (course.to_owned(), learner.to_owned());
                prop_assert!(other == one || pair_id(course, learner) != id);
            }
        }
    }
}
