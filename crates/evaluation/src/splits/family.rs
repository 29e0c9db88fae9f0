//! Families of courses: the runs of one course.

/// Returns the family of a course: its identifier without the run, which is the part after the last `separator`.
///
/// `BBB-2013B` is a run of `BBB`, and `physics-3` of `physics`, with the separator `-`; Open edX's
/// `course-v1:edX+DemoX+2014` is one of `course-v1:edX+DemoX` with `+`. An institution's prefix (`north:physics-3`)
/// stays, so that courses of two institutions are never of one family (`north:physics`); no separator is looked for up
/// to the last colon, so a name like `north-east:` is not cut. The whole identifier where there is no separator after
/// that, where nothing stands before it or after it, and where `separator` is empty or holds a colon.
#[must_use]
pub fn course_family<'a>(course_id: &'a str, separator: &str) -> &'a str {
    let prefix = course_id.rfind(':').map_or(0, |colon| colon + 1);
    match course_id[prefix..].rsplit_once(separator) {
        Some((name, run)) if !separator.is_empty() && !name.is_empty() && !run.is_empty() => {
            &course_id[..prefix + name.len()]
        }
        _ => course_id,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_family_is_the_identifier_without_the_run() {
        for (course_id, separator, expected) in [
            ("BBB-2013B", "-", "BBB"),
            ("physics-3", "-", "physics"),
            ("MITx-6.00x-2013", "-", "MITx-6.00x"),
            ("course_1038", "-", "course_1038"),
            ("north:physics-3", "-", "north:physics"),
            ("north-east:physics", "-", "north-east:physics"),
            ("north-east:physics-3", "-", "north-east:physics"),
            ("course-v1:edX+DemoX+2014", "+", "course-v1:edX+DemoX"),
            ("course-v1:edX+DemoX+2014", "-", "course-v1:edX+DemoX+2014"),
            ("north:course-v1:edX+DemoX+2014", "+", "north:course-v1:edX+DemoX"),
            ("physics run 2", " run ", "physics"),
            ("théâtre–é1", "–", "théâtre"),
            ("-3", "-", "-3"),
            ("north:-3", "-", "north:-3"),
            ("physics-", "-", "physics-"),
            ("physics-3", "", "physics-3"),
            ("north:3", ":", "north:3"),
            ("", "-", ""),
        ] {
            assert_eq!(course_family(course_id, separator), expected, "{course_id:?} at {separator:?}");
        }
    }

    proptest! {
        #[test]
        fn a_family_begins_its_course_and_keeps_the_institution(
            institution in "([a-z-]{1,4}:)?",
            name in "[a-z+_-]{1,6}",
            separator in "[-+_]",
        ) {
            let course = format!("{institution}{name}");
            let family = course_family(&course, &separator);
            prop_assert!(course.starts_with(family) && family.len() > institution.len());
            // Runs of one family differ only in the run.
            let runs = [1, 2].map(|run| format!("{course}{separator}{run}"));
            prop_assert_eq!(course_family(&runs[0], &separator), course_family(&runs[1], &separator));
        }
    }
}
