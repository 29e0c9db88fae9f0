//! A line of 64 MiB in a log of each format, and a quote that is never closed: a counted rejection or a clear error,
//! and nothing of it held in memory.

use staycast_events::Reason;
use staycast_events::formats::OpenOptions;

use crate::common::{Folder, fixture, gzip, open, outcome, read, rows, samples};

const LONG: usize = 64 << 20;

/// The sound folder of a format with 64 MiB of `x` behind the last line of `log`, or in place of `x` in `around` there.
fn check(format: &str, log: &str, around: &str) {
    let folder = Folder::copy_of(&format!("{format}/base"));
    let sound = read(&open(folder.path()).unwrap()).unwrap();
    let mut text = folder.bytes(log);
    let lines = text.iter().filter(|&&byte| byte == b'\n').count();
    let (before, after) = around.split_once('x').unwrap();
    text.extend_from_slice(before.as_bytes());
    text.resize(text.len() + LONG, b'x');
    text.extend_from_slice(after.as_bytes());
    text.push(b'\n');
    folder.write(log, &text);
    let source = open(folder.path()).unwrap();
    let all = read(&source).unwrap();
    assert_eq!(all.events, sound.events, "{format}");
    assert_eq!(samples(&all.tally, Reason::LineTooLong), [format!("{log}:{}: a line of over 4 MiB", lines + 1)]);
}

#[test]
fn in_statements() {
    check("edx", "tracking.log", "{\"username\": \"x\"}");
    check("xapi", "statements.jsonl", "x");
    check("caliper", "events.jsonl", "{\"data\": [x");
}

#[test]
fn in_tables() {
    check("oulad", "studentVle.csv", "AAA,2013J,11,501,0,x");
    check("xuetangx2019", "train_log.csv", "11,ann,course-v1:U+A+1,s1,x,,2015-09-01T08:00:00");
    check("moodle", "mdl_logstore_standard_log.csv", "9,\"x\"");
    check("coursera", "video-2016-02.csv", "ann,\"x");
    check("futurelearn", "algebra-1_step-activity.csv", "a-1,x");
}

#[test]
fn in_an_array_of_statements() {
    for (format, log, begins) in [("xapi", "array.json", "{\"id\": \"00"), ("caliper", "envelope.json", "{\n      \"@")]
    {
        let text = std::fs::read(fixture(&format!("{format}/logs/{log}"))).unwrap();
        let sound = read(&open(Folder::of(&[(log, &text)]).path()).unwrap()).unwrap();
        // Before the last object of the array.
        let last = text.windows(begins.len()).rposition(|bytes| bytes == begins.as_bytes()).unwrap();
        let long = [b"{\"actor\": \"", &vec![b'x'; LONG][..], b"\"}, "].concat();
        let text = [&text[..last], &long, &text[last..]].concat();
        let folder = Folder::of(&[(log, &text)]);
        let all = read(&open(folder.path()).unwrap()).unwrap();
        assert_eq!(all.events, sound.events, "{format}");
        assert_eq!((rows(&all.tally, Reason::LineTooLong), all.tally.read), (1, sound.tally.read + 1));
    }
}

#[test]
fn a_quote_that_is_not_closed_in_a_table() {
    let error = "a record of over 4 MiB; is a quote not closed?";
    for (format, table) in [
        ("kdd2015", "enrollment.csv"),
        ("kdd2015", "object.csv"),
        ("oulad", "vle.csv"),
        ("moodle", "mdl_user_enrolments.csv"),
    ] {
        let folder = Folder::copy_of(&format!("{format}/base"));
        let mut text = folder.bytes(table);
        text.extend_from_slice(b"\"");
        text.resize(text.len() + (16 << 20), b'\n');
        folder.write(table, &text);
        assert_eq!(outcome(folder.path(), &OpenOptions::default()), format!("error: {table}: {error}"));
        // Packed or not: the file is not cut short.
        folder.remove(table);
        folder.write(&format!("{table}.gz"), &gzip(&text));
        assert_eq!(outcome(folder.path(), &OpenOptions::default()), format!("error: {table}.gz: {error}"));
    }
}

#[test]
fn a_quote_that_is_not_closed_in_a_log_costs_its_row() {
    for (format, log, row) in [
        ("futurelearn", "algebra-1_comments.csv", "103,\"b-2,,1.2,1,2,Hello,2017-01-05 11:00:00 UTC,0,,,,\n"),
        ("moodle", "mdl_logstore_standard_log.csv", "99,\"\\core,viewed\n"),
        ("coursera", "video-2016-02.csv", "ann,\"kann,2016-02-01 08:00:00\n"),
    ] {
        let folder = Folder::copy_of(&format!("{format}/base"));
        let sound = read(&open(folder.path()).unwrap()).unwrap();
        // At the start, where rows with and without quotes follow, and at the end.
        let text = String::from_utf8(folder.bytes(log)).unwrap();
        // Past a header, or the first row, which tells the format where there is none.
        let header = text.find('\n').unwrap() + 1;
        for text in
            [format!("{}{row}{}", &text[..header], &text[header..]), format!("{text}{row}{}", "\n".repeat(5 << 20))]
        {
            for (name, bytes) in
                [(log.to_owned(), text.as_bytes().to_vec()), (format!("{log}.gz"), gzip(text.as_bytes()))]
            {
                folder.remove_all(log);
                folder.write(&name, &bytes);
                let all = read(&open(folder.path()).unwrap()).unwrap();
                assert_eq!((all.rows(Reason::Malformed), &all.events), (1, &sound.events), "{name}");
            }
        }
    }
}
