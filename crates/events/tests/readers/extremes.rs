//! Extreme values that some logs hold: the right answer, or a counted rejection.

use staycast_events::Reason;
use staycast_events::formats::OpenOptions;

use crate::common::{Folder, fixture, gzip, in_words, open, outcome, read, rows, samples, zstandard};

const LONG: usize = 64 << 20;

#[test]
fn a_line_of_64_mib() {
    let base = std::fs::read_to_string(fixture("kdd2015/base/log.csv")).unwrap();
    let header = base.lines().next().unwrap();
    let good = "1,2014-01-01T00:00:00,server,access,o1\n";
    let mut text = format!("{header}\n{good}1,2014-01-01T00:00:00,server,access,").into_bytes();
    text.resize(text.len() + LONG, b'x');
    text.extend(format!("\n{good}").into_bytes());
    for (name, bytes) in [("log.csv", text.clone()), ("log.csv.gz", gzip(&text)), ("log.csv.zst", zstandard(&text))] {
        let folder = Folder::copy_of("kdd2015/base");
        folder.remove("log.csv");
        folder.write(name, &bytes);
        let said = outcome(folder.path(), &OpenOptions::default());
        assert_eq!(said, format!("2 of 3 used\n1 line_too_long: {name}:3: a line of over 4 MiB"));
    }
}

/// A log of JSON lines with a mapping, as gzip.
fn json_log(format: &str, lines: &str) -> Folder {
    let mapping = format!(
        "single_course = \"C\"\n[log]\nfiles = [\"log.jsonl.gz\"]\ntype = \"jsonl\"\n\
         columns = {{ learner = \"who\", time = {{ column = \"at\", format = \"{format}\" }} }}\n\
         [courses]\nfiles = [\"runs.csv\"]\ncolumns = {{ start = {{ column = \"from\", format = \"date\" }}, \
         days = \"days\" }}\n"
    );
    let runs = b"from,days\n2016-12-25,30\n";
    let log = gzip(lines.as_bytes());
    Folder::of(&[("mapping.toml", mapping.as_bytes()), ("runs.csv", runs), ("log.jsonl.gz", &log)])
}

fn options(folder: &Folder) -> OpenOptions {
    OpenOptions { mapping: Some(folder.path().join("mapping.toml")), ..OpenOptions::default() }
}

#[test]
fn a_json_line_of_64_mib() {
    let good = "{\"who\": \"ann\", \"at\": \"2016-12-26T00:00:00Z\"}\n";
    let long = format!("{{\"who\": \"{}\", \"at\": \"2016-12-26T00:00:00Z\"}}\n", "x".repeat(LONG));
    let folder = json_log("iso", &[good, &long, good].concat());
    let said = outcome(folder.path(), &options(&folder));
    assert_eq!(said, "2 of 3 used\n1 line_too_long: log.jsonl.gz:2: a line of over 4 MiB");
}

#[test]
fn time_zones_and_leap_seconds() {
    // One instant, the leap second at the end of 2016, which is the one after it here; and what is no time.
    let times = [
        "2016-12-31T23:59:60Z",
        "2017-01-01T00:00:00Z",
        "2017-01-01T00:00:00",
        "2017-01-01 00:00:00 UTC",
        "2017-01-01T01:30:00+01:30",
        "2016-12-31T12:00:00.999-1200",
        "2017-01-01T23:59:00+23:59",
    ];
    let wrong = ["2016-12-31T23:59:61Z", "2017-01-01T24:00:01Z", "2017-01-01T00:00:00+24:00", "2017-02-29", "now", ""];
    let line = |at: &&str| format!("{{\"who\": \"ann\", \"at\": \"{at}\"}}\n");
    let folder = json_log("iso", &times.iter().chain(&wrong).map(line).collect::<String>());
    let source = staycast_events::formats::open(&[folder.path().to_owned()], &options(&folder)).unwrap();
    let all = read(&source).unwrap();
    let seconds: Vec<i32> = all.events.iter().map(|event| event.seconds()).collect();
    assert_eq!(seconds, [7 * 86_400; 7]);
    assert_eq!(rows(&all.tally, Reason::BadTime), wrong.len() as u64);
}

#[test]
fn the_ends_of_time() {
    let seconds = [
        "1482624000",
        "1482624000.999999999999",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "1e300",
        "-0.5",
        "253402300799",
    ];
    for format in ["unix-seconds", "unix-millis", "unix-micros"] {
        let line = |at: &&str| format!("{{\"who\": \"ann\", \"at\": {at}}}\n");
        let good = match format {
            "unix-seconds" => "1482624000",
            "unix-millis" => "1482624000000",
            _ => "1482624000000000",
        };
        let lines = seconds.iter().chain(&[good]).map(line).collect::<String>();
        let folder = json_log(format, &lines);
        let source = staycast_events::formats::open(&[folder.path().to_owned()], &options(&folder)).unwrap();
        let all = read(&source).unwrap();
        assert_eq!(all.tally.read, 9);
        assert!(all.tally.used >= 1, "{format}: {}", in_words(&all.tally));
        let reasons = [Reason::BadTime, Reason::ImplausibleTime, Reason::AfterCalendar];
        let counted: u64 = reasons.iter().map(|&reason| rows(&all.tally, reason)).sum();
        assert!(counted >= 4, "{format}: {}", in_words(&all.tally));
    }
}

#[test]
fn a_course_that_never_ends_is_not_taken_for_one() {
    let folder = Folder::copy_of("kdd2015/base");
    let calendar = String::from_utf8(folder.bytes("date.csv")).unwrap();
    let ids: Vec<&str> = calendar.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    folder.write(
        "date.csv",
        format!("course_id,from,to\n{},0000-01-01,9999-12-31\n{},2014-01-01,2014-01-30\n", ids[0], ids[1]).as_bytes(),
    );
    let source = open(folder.path()).unwrap();
    assert_eq!(source.roster.courses.len(), 1);
    let samples = samples(&source.tables, Reason::BadValue);
    assert!(samples[0].contains("a course of 3652425 days, more than 3660"), "{samples:?}");
}
