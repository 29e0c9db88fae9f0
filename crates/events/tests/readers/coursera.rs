//! The `coursera` reader.

use staycast_events::{Detail, ObjectKey, SourceLabels};

use crate::common::{
    Folder, check_copied_mapping, check_odd_logs, courses, cut, fixture, in_words, open, outcome_with, read,
};
use crate::kdd2015::events;

const DAY: i32 = 86_400;
const LOG: &str = "video-2016-02.csv";

fn check(fixture_name: &str, expected: &str) {
    assert_eq!(outcome_with("coursera", LOG, fixture_name), expected, "{fixture_name}");
}

#[test]
fn a_sound_folder() {
    let source = open(&fixture("coursera/base")).unwrap();
    assert_eq!(source.format, "coursera");
    assert_eq!(source.reason, "video-2016-02.csv has 16 columns without a header, the third a time");
    assert_eq!(source.labels, SourceLabels::Nothing);
    assert!(source.capabilities.learners && source.capabilities.objects && !source.capabilities.correctness);
    let expected =
        [("c1AB".to_owned(), "2016-02-01".to_owned(), 14, true), ("d2CD".to_owned(), "2016-02-20".to_owned(), 3, true)];
    assert_eq!(courses(&source), expected);
    let event = |id: &str, seconds, kind: &str| (id.to_owned(), seconds, kind.to_owned(), 1);
    let expected = [
        event("c1AB/ann", 8 * 3_600, "video_play"),
        event("c1AB/ann", 8 * 3_600 + 5, "video_heartbeat"),
        event("c1AB/ann", 2 * DAY + 9 * 3_600, "page_quiz"),
        event("c1AB/bob", 14 * DAY - 1, "page_discussions"),
        event("d2CD/bob", 10 * 3_600, "page_home"),
        event("d2CD/bob", DAY + 10 * 3_600, "video_end"),
        event("d2CD/bob", 2 * DAY + 10 * 3_600, "undeclared"),
    ];
    assert_eq!(events(&source), expected);
    let all = read(&source).unwrap();
    assert_eq!(
        in_words(&all.tally),
        "7 of 8 used\n\
            1 filtered_out: video-2016-02.csv:7: its `0` is set aside by the mapping's `except`"
    );
    // The same page, whatever was asked of it.
    let page = ObjectKey::from_id(b"https://www.coursera.org/learn/algebra/lecture/x1/sums");
    assert_eq!((all.events[0].object(), all.events[1].object()), (page, page));
    assert_eq!(all.events[2].object(), ObjectKey::from_id(b"https://www.coursera.org/learn/algebra/quiz/q1/first"));
    assert_eq!(source.kinds.iter().find(|kind| kind.raw == "video_play").unwrap().detail, Detail::VideoPlayed);
}

#[test]
fn odd_logs_with_the_same_events() {
    check_odd_logs("coursera", LOG, &[]);
}

#[test]
fn as_a_mapping_to_copy() {
    check_copied_mapping("coursera");
}

#[test]
fn logs_of_which_rows_are_counted_out() {
    check(
        "truncated.csv",
        "6 of 8 used\n\
         1 malformed: video-2016-02.csv:8: 12 fields where the first line has 16\n\
         1 filtered_out: video-2016-02.csv:7: its `0` is set aside by the mapping's `except`",
    );
    check(
        "not_utf8.csv",
        "7 of 9 used\n\
         1 not_utf8: video-2016-02.csv:9: bytes that are not UTF-8\n\
         1 filtered_out: video-2016-02.csv:7: its `0` is set aside by the mapping's `except`",
    );
    check(
        "bad_values.csv",
        "2 of 6 used\n\
         2 malformed: video-2016-02.csv:4: 2 fields where the first line has 16 \
         | video-2016-02.csv:5: quotes that do not end where a field does\n\
         1 bad_time: video-2016-02.csv:3: time of shape `aaaa` is not a time such as 2014-06-14T09:38:29 or a number since 1970; write it so in the file\n\
         1 missing_id: video-2016-02.csv:6: no id where the course must stand",
    );
}

#[test]
fn logs_that_can_not_be_read() {
    check("empty.csv", "error: video-2016-02.csv: the file is empty; the log table needs rows");
    check(
        "binary.csv",
        "error: video-2016-02.csv: the file holds zero bytes, which is not read; save it as text in UTF-8",
    );
    check("truncated.csv.gz", &cut("video-2016-02.csv.gz", 7));
    check("truncated.csv.zst", &cut("video-2016-02.csv.zst", 0));
}

/// The sound log with `change` made to each row, whose cells it is given.
fn rewritten(delimiter: u8, change: impl Fn(&mut Vec<String>)) -> Folder {
    let path = fixture("coursera/base").join(LOG);
    let mut builder = csv::ReaderBuilder::new();
    let mut reader = builder.has_headers(false).escape(Some(b'\\')).from_path(path).unwrap();
    let mut writer =
        csv::WriterBuilder::new().delimiter(delimiter).double_quote(false).escape(b'\\').from_writer(Vec::new());
    for row in reader.records() {
        let mut row: Vec<String> = row.unwrap().iter().map(str::to_owned).collect();
        change(&mut row);
        writer.write_record(&row).unwrap();
    }
    Folder::of(&[(LOG, &writer.into_inner().unwrap())])
}

#[test]
fn line_breaks_missing_values_separators_and_milliseconds() {
    let sound = events(&open(&fixture("coursera/base")).unwrap());
    let check = |folder: &Folder, what: &str| assert_eq!(events(&open(folder.path()).unwrap()), sound, "{what}");
    check(&rewritten(b',', |row| row[15] += "\nand \"more\",\r\nof it\n"), "line breaks");
    check(&rewritten(b',', |row| row[4] = "Mozilla\n5.0".to_owned()), "line breaks before what is read");
    check(&rewritten(b';', |_| ()), "semicolons");
    check(&rewritten(b'\t', |_| ()), "tabs");
    let missing = |cell: &mut String| {
        if cell.is_empty() {
            *cell = "None".to_owned();
        }
    };
    check(&rewritten(b',', |row| row.iter_mut().for_each(missing)), "None");
    let seconds = |time: &str| staycast_events::time::parse_instant(time.as_bytes());
    check(
        &rewritten(b',', |row| {
            if let Some(seconds) = seconds(&row[2]) {
                row[2] = format!("{seconds}123");
            }
        }),
        "milliseconds",
    );
}
