//! Course ids of Open edX, and where they stand in a path.
//!
//! A course run goes by `course-v1:org+course+run`, runs of custom courses by `ccx-v1:…`, and those made before 2015 by
//! `org/course/run`. In a path such an id follows `/courses/`, in the statements that Open edX makes of its events
//! `/course/`.

use std::borrow::Cow;
use std::ops::Range;

/// Tells whether an id is a course's, as far as can be told from how it is written.
pub(super) fn is_course(id: &[u8]) -> bool {
    let part = |part: &[u8]| {
        !part.is_empty() && !part.iter().any(|&byte| byte <= b' ' || matches!(byte, b'/' | b'?' | b'#' | b'%'))
    };
    match id.strip_prefix(b"course-v1:").or_else(|| id.strip_prefix(b"ccx-v1:")) {
        Some(key) => key.split(|&byte| byte == b'+').all(part) && key.iter().filter(|&&byte| byte == b'+').count() >= 2,
        None => id.split(|&byte| byte == b'/').all(part) && id.iter().filter(|&&byte| byte == b'/').count() == 2,
    }
}

/// Describes a path that leads into a course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CoursePath<'a> {
    /// The course's id.
    pub(super) course: &'a [u8],
    /// The first word after it; empty on the course's own page.
    pub(super) part: &'a [u8],
    /// The second word after it; empty where there is none.
    pub(super) next: &'a [u8],
}

/// Tells where `url`, a path or a whole address without percent signs, leads.
pub(super) fn course_path(url: &[u8]) -> Option<CoursePath<'_>> {
    let after = |before: &[u8]| Some(&url[memchr::memmem::find(url, before)? + before.len()..]);
    let rest = url.strip_prefix(b"/courses/").or_else(|| after(b"/courses/")).or_else(|| after(b"/course/"))?;
    let path = &rest[..rest.iter().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(rest.len())];
    // Of ids with slashes three parts, of others one.
    let parts = if path.starts_with(b"course-v1:") || path.starts_with(b"ccx-v1:") { 1 } else { 3 };
    let end =
        path.iter().enumerate().filter(|(_, byte)| **byte == b'/').nth(parts - 1).map_or(path.len(), |(at, _)| at);
    let course = &path[..end];
    let after = path.get(end + 1..).unwrap_or_default();
    let mut words = after.split(|&byte| byte == b'/');
    let (part, next) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    is_course(course).then_some(CoursePath { course, part, next })
}

/// Returns `url` with its percent signs and what follows them turned back into what they stand for, into `out`; those
/// that stand for nothing stay. A course's key in which spaces stand where plus signs should gets these back: that is how a
/// form's decoding leaves it.
pub(super) fn decoded<'a>(url: &'a [u8], out: &'a mut Vec<u8>) -> &'a [u8] {
    if memchr::memchr(b'%', url).is_none() {
        return match spaced_key(url) {
            Some(key) => {
                out.clear();
                out.extend_from_slice(url);
                put_plus_signs(&mut out[key]);
                out
            }
            None => url,
        };
    }
    out.clear();
    let mut rest = url;
    while let [first, after @ ..] = rest {
        let hex = |at: usize| after.get(at).and_then(|&digit| char::from(digit).to_digit(16));
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            _ => {
                out.push(*first);
                rest = after;
            }
        }
    }
    if let Some(key) = spaced_key(out) {
        put_plus_signs(&mut out[key]);
    }
    // Not UTF-8 only when made so by hand; such a text names no course.
    if std::str::from_utf8(out).is_ok() { out } else { url }
}

/// Returns the key of the course that a text spells: as it is, with percent signs, with spaces for plus signs, or in an
/// address. Other text stays, without its percent signs.
#[must_use]
pub fn course_key(text: &str) -> Cow<'_, str> {
    let mut room = Vec::new();
    let plain = decoded(text.as_bytes(), &mut room);
    let key = course_path(plain).map_or(plain, |path| path.course);
    if key == text.as_bytes() { Cow::Borrowed(text) } else { Cow::Owned(String::from_utf8_lossy(key).into_owned()) }
}

/// Finds a course's key whose parts have spaces between them.
fn spaced_key(text: &[u8]) -> Option<Range<usize>> {
    memchr::memchr(b' ', text)?;
    let key = [&b"course-v1:"[..], b"ccx-v1:"].into_iter().find_map(|before| {
        let start = memchr::memmem::find(text, before)? + before.len();
        let end = text[start..].iter().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
        Some(start..end.map_or(text.len(), |end| start + end))
    })?;
    (text[key.clone()].contains(&b' ') && !text[key.clone()].contains(&b'+')).then_some(key)
}

fn put_plus_signs(key: &mut [u8]) {
    key.iter_mut().filter(|byte| **byte == b' ').for_each(|byte| *byte = b'+');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn course_ids() {
        for id in ["course-v1:edX+DemoX+2014", "ccx-v1:edX+DemoX+2014+ccx@1", "edX/DemoX/Demo_Course", "éX/a.b/c-d"] {
            assert!(is_course(id.as_bytes()), "{id}");
        }
        for id in
            ["", "edX", "course-v1:edX+DemoX", "course-v1:edX++x", "edX/DemoX", "edX/DemoX/a/b", "edX/De moX/a", "//"]
        {
            assert!(!is_course(id.as_bytes()), "{id}");
        }
    }

    #[test]
    fn keys_however_they_are_spelled() {
        for text in [
            "course-v1:edX+DemoX+2014",
            "course-v1%3AedX%2BDemoX%2B2014",
            "course-v1%3aedX+DemoX+2014",
            "course-v1:edX DemoX 2014",
            "https://lms.example/courses/course-v1:edX+DemoX+2014/course/",
            "http://lms.example/course/course-v1%3AedX%2BDemoX%2B2014",
            "/courses/course-v1:edX+DemoX+2014/info?x=1",
        ] {
            assert_eq!(course_key(text), "course-v1:edX+DemoX+2014", "{text}");
        }
        for text in ["edX/DemoX/2014", "AAA-2013J", "50% off", "https://moodle.example/course/view.php?id=3", "a b"] {
            assert_eq!(course_key(text), text);
        }
    }

    #[test]
    fn paths() {
        let check = |url: &str, expected: Option<(&str, &str)>| {
            let mut room = Vec::new();
            let url = decoded(url.as_bytes(), &mut room);
            let expected = expected.map(|(course, part)| (course.as_bytes(), part.as_bytes()));
            assert_eq!(course_path(url).map(|path| (path.course, path.part)), expected);
        };
        check("/courses/edX/DemoX/2014/courseware/a/b/?x=1", Some(("edX/DemoX/2014", "courseware")));
        check("/courses/course-v1:edX+DemoX+2014/info", Some(("course-v1:edX+DemoX+2014", "info")));
        check("/courses/course-v1%3AedX%2BDemoX%2B2014/", Some(("course-v1:edX+DemoX+2014", "")));
        check(
            "https://a.org/courses/course-v1:edX+DemoX+2014?next=/courses/a/b/c",
            Some(("course-v1:edX+DemoX+2014", "")),
        );
        check("/courses/edX/DemoX/2014", Some(("edX/DemoX/2014", "")));
        check("/courses/edX/DemoX", None);
        check("/courses/", None);
        check("http://lms/course/course-v1:edX+DemoX+2014", Some(("course-v1:edX+DemoX+2014", "")));
        check("/courses/course-v1:edX DemoX 2014/info", Some(("course-v1:edX+DemoX+2014", "info")));
        check("/courses/course-v1%3AedX%20DemoX%202014/info", Some(("course-v1:edX+DemoX+2014", "info")));
        check("/courses/course-v1:edX+DemoX+2014/a page", Some(("course-v1:edX+DemoX+2014", "a page")));
        check("/dashboard", None);
        check("/courses/%ff%fe/b/c/%2", None);
    }
}
