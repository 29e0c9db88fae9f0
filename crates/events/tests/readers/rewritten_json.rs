//! The same logs of JSON as other programs write them: a tracking log, statements of xAPI and events of Caliper, rewritten,
//! must say the same.

use proptest::prelude::*;
use serde_json::Value;

use crate::common::{Folder, fixture, gzip, open, read, zstandard};
use crate::rewritten::says;

/// Numbers that follow from a seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, end: usize) -> usize {
        self.next() as usize % end
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        (1..all.len()).for_each(|place| all.swap(place, self.below(place + 1)));
    }
}

/// The formats, and whether their logs may be texts of objects rather than of lines, in the list of an envelope by this name.
const FORMATS: [(&str, Option<&str>); 3] = [("edx", None), ("xapi", Some("statements")), ("caliper", Some("data"))];

/// The lines of a format's sound log, and some more: of groups, parts, what is voided, facts about others and the like.
fn lines(format: &str) -> Vec<Value> {
    let folder = fixture(&format!("{format}/base"));
    let log = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let base = std::fs::read_to_string(log).unwrap();
    base.lines().chain(more(format).lines()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn more(format: &str) -> &'static str {
    match format {
        "edx" => {
            r#"{"username":"tess","event_source":"server","event_type":"list-students","time":"2026-01-06T10:00:00+00:00","event":{},"host":"lms.a.example","context":{"course_id":"course-v1:edX+Algebra+2026","user_id":1}}
{"username":"","event_source":"server","event_type":"edx.grades.subsection.grade_calculated","time":"2026-01-06T10:00:00.25+00:00","event":{"user_id":7,"course_id":"course-v1:edX+Algebra+2026"},"host":"studio.a.example","context":{"course_id":"course-v1:edX+Algebra+2026","user_id":null}}
{"username":"ann","event_source":"browser","event_type":"seq_next","time":"2036-01-06T10:00:00+00:00","event":"{\"id\": \"s \\\"1\\\"\"}","page":"https://lms.a.example/courses/course-v1:edX+Algebra+2026/x","host":"lms.b.example","context":{"course_id":"course-v1:edX+Algebra+2026","user_id":7}}
{"username":"дана","event_source":"browser","event_type":"brand_new","time":"2026-01-06T11:00:00+00:00","event":{},"context":{"course_id":"course-v1:edX+Algebra+2026","user_id":12}}
{"name":"play_video","timestamp":"2026-01-06T11:00:01+00:00","data":{"id":"v9"},"context":{"course_id":"course-v1:edX+Algebra+2026","user_id":12,"username":"дана","event_source":"browser"}}
{"username":"","event_source":"server","event_type":"/","time":"2026-01-06T11:00:00+00:00","event":{}}
{"username":"ann","event_source":"server","event_type":"page_close","time":"yesterday","event":{},"context":{"course_id":"course-v1:edX+Algebra+2026"}}"#
        }
        "xapi" => {
            r#"{"id":"0a000000-0000-4000-8000-000000000001","actor":{"objectType":"Group","member":[{"account":{"homePage":"http://LMS.example","name":"ann"}},{"account":{"homePage":"http://b.example","name":"дана"}}]},"verb":{"id":"http://adlnet.gov/expapi/verbs/experienced"},"object":{"id":"http://lms.example/p"},"timestamp":"2026-01-06T10:00:00Z","context":{"contextActivities":{"grouping":{"id":"http://lms.example/course/course-v1:edX+Algebra+2026"}}}}
{"id":"0a000000-0000-4000-8000-000000000002","actor":{"mbox":"mailto:voided@a.example"},"verb":{"id":"v/viewed"},"object":{"id":"http://lms.example/p"},"timestamp":"2026-01-06T10:00:00Z","context":{"contextActivities":{"grouping":[{"id":"http://lms.example/course/course-v1:edX+Algebra+2026"}]}}}
{"id":"0a000000-0000-4000-8000-000000000003","actor":{"mbox":"mailto:admin@a.example"},"verb":{"id":"http://adlnet.gov/expapi/verbs/voided"},"object":{"objectType":"StatementRef","id":"0A000000-0000-4000-8000-000000000002"},"timestamp":"2026-01-06T10:00:00Z"}
{"id":"0a000000-0000-4000-8000-000000000004","actor":{"account":{"homePage":"http://lms.example","name":"ann"}},"verb":{"id":"v/answered"},"object":{"id":"http://lms.example/xblock/q_1"},"result":{"success":true},"timestamp":"2026-01-06T10:00:00Z","context":{"contextActivities":{"parent":[{"id":"http://lms.example/xblock/q","definition":{"type":"t/question"}}],"grouping":[{"id":"http://lms.example/course/course-v1:edX+Algebra+2026"}]}}}
{"id":"0a000000-0000-4000-8000-000000000005","actor":{"account":{"homePage":"http://lms.example","name":"ann"}},"verb":{"id":"v/answered"},"object":{"id":"http://lms.example/xblock/q_2"},"result":{"success":false},"timestamp":"2026-01-06T10:00:00Z","context":{"contextActivities":{"parent":[{"id":"http://lms.example/xblock/q","definition":{"type":"t/question"}}],"grouping":[{"id":"http://lms.example/course/course-v1:edX+Algebra+2026"}]}}}
{"id":"0a000000-0000-4000-8000-000000000006","actor":{"name":"nobody"},"verb":{"id":"v/viewed"},"object":{"id":"p"},"timestamp":"2026-01-06T10:00:00Z"}
{"id":"0a000000-0000-4000-8000-000000000007","actor":{"account":{"homePage":"http://lms.example","name":"ann"}},"verb":{"id":"v/juggled"},"object":{"id":"p"},"timestamp":"soon","context":{"contextActivities":{"grouping":[{"id":"http://lms.example/course/course-v1:edX+Algebra+2026"}]}}}"#
        }
        _ => {
            r#"{"id":"urn:uuid:0a000000-0000-4000-8000-000000000001","type":"GradeEvent","action":"Graded","actor":{"id":"http://lms.example/user/tess","type":"Person"},"object":{"id":"a1","type":"Attempt","assignee":{"id":"http://LMS.example/user/дана","type":"Person"},"assignable":"q1"},"group":{"id":"g","type":"Group","subOrganizationOf":{"id":"https://other.example/sections/1","type":"CourseSection"}},"eventTime":"2026-01-06T10:00:00.000Z"}
{"id":"urn:uuid:0a000000-0000-4000-8000-000000000002","type":"ViewEvent","action":"Viewed","actor":{"id":"http://lms.example/user/ann","type":"Person"},"object":{"id":"p"},"group":{"id":"o","type":"Organization"},"eventTime":"2026-01-06T10:00:00.000Z"}
{"@context":"http://purl.imsglobal.org/ctx/caliper/v1p1","id":"http://lms.example/user/ann","type":"Person","name":"Ann"}
{"id":"urn:uuid:0a000000-0000-4000-8000-000000000003","type":"NewEvent","action":"Viewed","actor":{"id":"http://lms.example/user/ann","type":"Person"},"object":{"id":"p"},"group":"https://other.example/sections/1","eventTime":"2036-01-06T10:00:00.000Z"}"#
        }
    }
}

/// Tells whether a line describes somebody, and is no event of Caliper.
fn is_description(line: &Value) -> bool {
    line["type"] == "Person"
}

/// Ways to write a log. Each is used or not.
#[derive(Clone, Debug)]
struct Rewriting {
    seed: u64,
    order: bool,
    members: bool,
    blanks_within: bool,
    escapes: bool,
    blanks_around: bool,
    blank_lines: bool,
    windows: bool,
    mark: bool,
    no_last_newline: bool,
    files: usize,
    packing: u8,
    layout: u8,
}

fn rewriting() -> impl Strategy<Value = Rewriting> {
    (any::<u64>(), any::<[bool; 9]>(), 1_usize..4, 0_u8..3, 0_u8..6).prop_map(
        |(
            seed,
            [order, members, blanks_within, escapes, blanks_around, blank_lines, windows, mark, no_last_newline],
            files,
            packing,
            layout,
        )| {
            Rewriting {
                seed,
                order,
                members,
                blanks_within,
                escapes,
                blanks_around,
                blank_lines,
                windows,
                mark,
                no_last_newline,
                files,
                packing,
                layout,
            }
        },
    )
}

impl Rewriting {
    /// Writes a value: `indent` levels deep where it is spread over lines.
    fn value(&self, random: &mut Random, value: &Value, indent: Option<usize>) -> String {
        let end = if self.windows { "\r\n" } else { "\n" };
        let blank = if self.blanks_within { " \t" } else { "" };
        let deeper = indent.map(|indent| indent + 1);
        let line =
            |indent: Option<usize>| indent.map_or(String::new(), |indent| format!("{end}{}", "  ".repeat(indent)));
        let (open, parts, close) = match value {
            Value::Object(members) => {
                let mut members: Vec<(&String, &Value)> = members.iter().collect();
                if self.members {
                    random.shuffle(&mut members);
                }
                let member = |(name, value): (&String, &Value)| {
                    let name = self.value(random, &Value::from(name.as_str()), None);
                    format!("{name}{blank}:{blank}{}", self.value(random, value, deeper))
                };
                ("{", members.into_iter().map(member).collect::<Vec<_>>(), "}")
            }
            Value::Array(elements) => {
                ("[", elements.iter().map(|element| self.value(random, element, deeper)).collect(), "]")
            }
            Value::String(text) if self.escapes => {
                let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
                return format!("\"{units}\"");
            }
            other => return other.to_string(),
        };
        let between = format!(",{blank}{}", line(deeper));
        format!("{open}{blank}{}{}{}{blank}{close}", line(deeper), parts.join(&between), line(indent))
    }

    /// Writes the log of a format; returns files.
    fn write(&self, statements: &[Value], list: Option<&str>) -> Folder {
        let mut random = Random(self.seed);
        let mut statements = statements.to_vec();
        if self.order {
            random.shuffle(&mut statements);
        }
        let folder = Folder::of(&[]);
        let mut cuts: Vec<usize> = (1..self.files).map(|_| random.below(statements.len() + 1)).collect();
        cuts.extend([0, statements.len()]);
        cuts.sort_unstable();
        // A file that only describes people is no log: it is left out, and named.
        if cuts.windows(2).any(|cut| cut[0] < cut[1] && statements[cut[0]..cut[1]].iter().all(is_description)) {
            cuts = vec![0, statements.len()];
        }
        for (number, cut) in cuts.windows(2).enumerate() {
            let text = self.file(&mut random, &statements[cut[0]..cut[1]], list);
            let mark: &[u8] = if self.mark { b"\xef\xbb\xbf" } else { b"" };
            let bytes = [mark, text.as_bytes()].concat();
            let (bytes, packed) = match self.packing {
                0 => (bytes, ""),
                1 => (gzip(&bytes), ".gz"),
                _ => (zstandard(&bytes), ".zst"),
            };
            folder.write(&format!("part-{number}.json{packed}"), &bytes);
        }
        folder
    }

    fn file(&self, random: &mut Random, statements: &[Value], list: Option<&str>) -> String {
        let end = if self.windows { "\r\n" } else { "\n" };
        let layout = if list.is_some() { self.layout } else { 0 };
        let indent = if layout >= 4 { Some(1) } else { None };
        let all: Vec<String> = statements.iter().map(|one| self.value(random, one, indent)).collect();
        let text = match (layout, list) {
            // Arrays and an envelope, on one line and on many.
            (1 | 4, _) => format!("[{}]{end}", all.join(",")),
            (2 | 5, Some(list)) => format!("{{\"more\":\"\",\"{list}\":[{}]}}{end}", all.join(&format!(",{end}"))),
            // One after another, without a line's end between them.
            (3, _) => all.join(" ") + end,
            _ => {
                let line = |line: &String| {
                    let around = if self.blanks_around { "  " } else { "" };
                    let blank =
                        if self.blank_lines && random.below(3) == 0 { format!("{end}{end}") } else { String::new() };
                    format!("{around}{line}{around}{end}{blank}")
                };
                all.iter().map(line).collect()
            }
        };
        if self.no_last_newline { text.trim_end().to_owned() } else { text }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_log_of_json_says_the_same_however_it_is_written(rewriting in rewriting()) {
        for (format, list) in FORMATS {
            let statements = lines(format);
            let plain = Rewriting {
                order: false, members: false, blanks_within: false, escapes: false, blanks_around: false,
                blank_lines: false, windows: false, mark: false, no_last_newline: false, files: 1, packing: 0, layout: 0,
                ..rewriting.clone()
            };
            let expected = says(&open(plain.write(&statements, list).path()).unwrap());
            let folder = rewriting.write(&statements, list);
            let found = open(folder.path()).unwrap_or_else(|error| panic!("{format}: {error}"));
            prop_assert_eq!(says(&found), expected, "{}", format);
        }
    }
}

#[test]
fn lines_that_come_twice_count_by_their_ids() {
    for (format, _) in FORMATS {
        let once: String = lines(format).iter().map(|line| format!("{line}\n")).collect();
        let twice_folder = Folder::of(&[("log.json", (once.clone() + &once).as_bytes())]);
        let once_folder = Folder::of(&[("log.json", once.as_bytes())]);
        let [once_source, twice_source] = [&once_folder, &twice_folder].map(|folder| open(folder.path()).unwrap());
        assert_eq!(once_source.roster.enrolments, twice_source.roster.enrolments, "{format}");
        assert_eq!(once_source.roster.courses, twice_source.roster.courses, "{format}");
        let [once_read, twice_read] = [&once_source, &twice_source].map(|source| read(source).unwrap());
        let ids = lines(format).iter().filter(|line| line.get("id").is_some()).count() as u64;
        if format == "edx" {
            // Events of tracking logs have no ids: a repeated row is an event.
            assert_eq!(twice_read.events.len(), 2 * once_read.events.len(), "{format}");
            assert_eq!(twice_read.tally.used, 2 * once_read.tally.used, "{format}");
        } else {
            assert_eq!(twice_read.events, once_read.events, "{format}");
            let refused = |tally: &staycast_events::Tally| tally.read - tally.used;
            assert!(ids > 0 && refused(&twice_read.tally) > refused(&once_read.tally), "{format}");
        }
        // Copies of a whole file are read once.
        let copies = Folder::of(&[("a.json", once.as_bytes()), ("b.json", once.as_bytes())]);
        assert_eq!(says(&open(copies.path()).unwrap()), says(&once_source), "{format}");
    }
}
