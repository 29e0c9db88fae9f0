//! Tables as people have them: times of every kind, a row that is many events, learners in names of files.

use staycast_events::Reason;
use staycast_events::formats;

use crate::common::{Folder, enrolments, events, in_words, outcome, read, samples};
use crate::table::{error, options_of};

/// Writes a mapping of `log.csv` (columns `user`, `at`, `what`) with this `time`, and opens and reads the log.
fn with_time(log: &str, time: &str) -> String {
    let folder = Folder::of(&[("log.csv", log.as_bytes())]);
    folder.write(
        "mapping.toml",
        format!(
            "single_course = \"C\"\n[log]\nfiles = \"log.csv\"\ncolumns.learner = \"user\"\ncolumns.time = {time}\n\
             columns.activity = \"what\"\n[activities.kinds]\nview = \"access\"\n"
        )
        .as_bytes(),
    );
    let said = outcome(folder.path(), &options_of(folder.path()));
    match formats::open(&[folder.path().to_owned()], &options_of(folder.path())) {
        Ok(source) => format!("{said}\n{}", events(&source).join("\n")),
        Err(_) => said,
    }
}

/// A log of one event at the time as written.
fn log_of(at: &str) -> String {
    format!("user,at,what\nu1,\"{at}\",view\n")
}

#[test]
fn one_instant_in_the_formats_of_mappings() {
    let expected = with_time(&log_of("2023-09-04T10:00:00"), "{ column = \"at\", format = \"iso\" }");
    assert!(expected.starts_with("1 of 1 used\n") && expected.contains("2023-09-04T10:00:00"), "{expected}");
    for (at, time) in [
        ("2023-09-04 10:00", "\"at\""),
        ("4/09/23, 10:00", "{ column = \"at\", format = \"%d/%m/%y, %H:%M\" }"),
        ("04/09/2023 10:00", "{ column = \"at\", format = \"%d/%m/%Y %H:%M\" }"),
        ("9/4/2023 10:00 AM", "{ column = \"at\", format = \"%m/%d/%Y %I:%M %p\" }"),
        ("4 Sep 2023 10:00", "{ column = \"at\", format = [\"%d/%m/%Y %H:%M\", \"%d %b %Y %H:%M\"] }"),
        ("45173.4166666667", "{ column = \"at\", format = \"excel\" }"),
        ("43711.4166666667", "{ column = \"at\", format = \"excel-1904\" }"),
        ("1693821600", "{ column = \"at\", format = \"unix\" }"),
        ("1693821600123", "{ column = \"at\", format = \"unix\", unit = \"ms\" }"),
        ("1693821600123456", "{ column = \"at\", format = \"unix\", unit = \"us\" }"),
        ("1693821600123456789", "{ column = \"at\", format = \"unix\", unit = \"ns\" }"),
        ("2023-09-04T02:00:00Z", "{ column = \"at\", format = \"iso\", shift = \"+08:00\" }"),
    ] {
        assert_eq!(with_time(&log_of(at), time), expected, "{at}");
    }
}

#[test]
fn a_date_and_a_time_of_day_in_two_columns_are_one_time() {
    let log = "user,day,clock,what\nu1,04/09/2023,10:00,view\n";
    let time = "{ column = [\"day\", \"clock\"], format = \"%d/%m/%Y %H:%M\" }";
    assert_eq!(
        with_time(log, time),
        with_time(&log_of("2023-09-04T10:00:00"), "{ column = \"at\", format = \"iso\" }")
    );
}

#[test]
fn a_time_of_another_format_is_shown_by_its_shape_with_what_it_can_be() {
    let iso = "{ column = \"at\", format = \"iso\" }";
    for (at, time, expected) in [
        (
            "45173.4166666667",
            iso,
            "time of shape `99999.9999999999` is not a time such as 2014-06-14T09:38:29; times like it have the format \
             \"excel\"",
        ),
        (
            "04/09/2023 10:00",
            iso,
            "time of shape `99/99/9999 99:99` is not a time such as 2014-06-14T09:38:29; times like it have the format \
             \"%d/%m/%Y %H:%M\" or \"%m/%d/%Y %H:%M\"",
        ),
        (
            "1693821600",
            iso,
            "time of shape `9999999999` is not a time such as 2014-06-14T09:38:29; times like it have the format \
             \"unix-seconds\"",
        ),
        (
            "45173.4166666667",
            "{ column = \"at\", format = \"unix\" }",
            "time of shape `99999.9999999999`, read as a number of seconds since 1970, is not of the years from 1971 to \
             2199; times like it have the format \"excel\"",
        ),
        (
            "1693821600123",
            "{ column = \"at\", format = \"unix\" }",
            "time of shape `9999999999999`, read as a number of seconds since 1970, is not of the years from 1971 to \
             2199; times like it have the format \"unix-millis\"",
        ),
        (
            "04/09/23",
            "{ column = \"at\", format = \"%d/%m/%Y\" }",
            "time of shape `99/99/99`, read as a time of the format \"%d/%m/%Y\", is not of the years from 1971 to 2199; \
             times like it have the format \"%d/%m/%y\" or \"%m/%d/%y\"",
        ),
        ("Ann Example", iso, "time of shape `aaa aaaaaaa` is not a time such as 2014-06-14T09:38:29"),
    ] {
        // One good row, so that the log is not refused as a whole; a date has none of these clocks.
        let folder = Folder::of(&[("log.csv", log_of(at).as_bytes())]);
        let granularity = if time.contains("%Y\"") { "granularity = \"day\"\n" } else { "" };
        folder.write("runs.csv", b"from,to\n2023-09-04,2023-09-30\n");
        folder.write("people.csv", b"user\nu1\n");
        folder.write(
            "mapping.toml",
            format!(
                "{granularity}single_course = \"C\"\n[log]\nfiles = \"log.csv\"\ncolumns.learner = \"user\"\n\
                 columns.time = {time}\n[courses]\nfiles = \"runs.csv\"\n\
                 columns.start = {{ column = \"from\", format = \"date\" }}\n\
                 columns.end = {{ column = \"to\", format = \"date\" }}\n\
                 [enrolments]\nfiles = \"people.csv\"\ncolumns.learner = \"user\"\n"
            )
            .as_bytes(),
        );
        let source = formats::open(&[folder.path().to_owned()], &options_of(folder.path())).unwrap();
        assert_eq!(
            samples(&read(&source).unwrap().tally, Reason::BadTime),
            [format!("log.csv:2: {expected}")],
            "{at} {time}"
        );
    }
}

#[test]
fn a_rejected_row_makes_nobody_a_learner() {
    let log = "user,at,what\nu1,2023-09-04T10:00:00,view\nTotal,75,\nu2,,view\nu1,2023-09-06T10:00:00,view\n";
    let folder = Folder::of(&[("log.csv", log.as_bytes())]);
    folder.write(
        "mapping.toml",
        b"single_course = \"C\"\n[log]\nfiles = \"log.csv\"\ncolumns.learner = \"user\"\ncolumns.time = \"at\"\n",
    );
    let source = formats::open(&[folder.path().to_owned()], &options_of(folder.path())).unwrap();
    assert_eq!(enrolments(&source), ["C/u1 u1 - - -"]);
    let tally = read(&source).unwrap().tally;
    assert_eq!((tally.used, tally.read), (2, 4), "{}", in_words(&tally));
    assert_eq!(tally.reasons[&Reason::BadTime].rows, 2, "{}", in_words(&tally));
}

/// A mapping of a table with a row for each learner and day, and a column of counts for each kind.
const WIDE: &str = "granularity = \"day\"\nsingle_course = \"C\"\n[log]\nfiles = \"daily.csv\"\n\
    columns.learner = \"user\"\ncolumns.time = { column = \"day\", format = \"date\" }\n\
    events = [{ kind = \"watched\", count = \"videos\" }, { kind = \"solved\", count = \"problems\" }]\n\
    [activities.kinds]\nwatched = \"video\"\nsolved = \"problem\"\n";

#[test]
fn counts_of_several_kinds_in_one_row_are_events_of_each() {
    let folder = Folder::of(&[
        ("daily.csv", b"user,day,videos,problems\nu1,2023-09-04,3,0\nu1,2023-09-05,,2.0\nu2,2023-09-05,1,1\n"),
        ("mapping.toml", WIDE.as_bytes()),
    ]);
    assert_eq!(outcome(folder.path(), &options_of(folder.path())), "3 of 3 used");
    let source = formats::open(&[folder.path().to_owned()], &options_of(folder.path())).unwrap();
    let counts = read(&source).unwrap().by_kind(&source.kinds);
    assert_eq!(counts, [("solved".to_owned(), 3), ("watched".to_owned(), 4)]);
}

#[test]
fn a_row_whose_counts_are_all_zero_and_one_that_has_no_count_are_told_apart() {
    let folder = Folder::of(&[
        ("daily.csv", b"user,day,videos,problems\nu1,2023-09-04,3,0\nu1,2023-09-05,0,\nu1,2023-09-06,many,1\n,2023-09-07,1,1\nu1,,1,1\n"),
        ("mapping.toml", WIDE.as_bytes()),
    ]);
    assert_eq!(
        outcome(folder.path(), &options_of(folder.path())),
        "1 of 5 used\n\
         1 bad_time: daily.csv:6: no time\n\
         1 bad_count: daily.csv:4: count of shape `aaaa` is not a whole number from 0 up\n\
         1 missing_id: daily.csv:5: no id where the enrolment or learner must stand\n\
         1 zero_count: daily.csv:3: the row has none of its events"
    );
}

#[test]
fn something_with_a_duration_ends_that_many_seconds_later() {
    let folder = Folder::of(&[(
        "log.csv",
        b"user,start,seconds\nu1,2023-09-04 10:00,90.5\nu1,2023-09-04 11:00,\nu1,2023-09-04 12:00,-1\n",
    )]);
    folder.write(
        "mapping.toml",
        b"single_course = \"C\"\n[log]\nfiles = \"log.csv\"\ncolumns.learner = \"user\"\ncolumns.time = \"start\"\n\
          events = [{ kind = \"play\" }, { kind = \"stop\", seconds = \"seconds\" }]\n\
          [activities.kinds]\nplay = \"video\"\nstop = \"page_close\"\n",
    );
    let source = formats::open(&[folder.path().to_owned()], &options_of(folder.path())).unwrap();
    let all = read(&source).unwrap();
    assert_eq!(
        in_words(&all.tally),
        "2 of 3 used\n1 bad_value: log.csv:4: seconds of shape `-9` are not a number from 0 up"
    );
    let seconds: Vec<i32> = all.events.iter().map(|event| event.seconds() - 36_000).collect();
    assert_eq!(seconds, [0, 90, 3_600]);
}

#[test]
fn a_file_for_each_learner_is_named_after_the_learner() {
    let folder = Folder::of(&[
        ("u1.csv", b"timestamp,action\n1693821600000,respond\n"),
        ("u23.csv", b"timestamp,action\n1693908000000,respond\n"),
    ]);
    let mapping = "single_course = \"TOEIC\"\n[log]\nfiles = \"*.csv\"\nlearner_in_file_name = true\n\
         columns.time = { column = \"timestamp\", format = \"unix\", unit = \"ms\" }\ncolumns.activity = \"action\"\n";
    folder.write("mapping.toml", mapping.as_bytes());
    let source = formats::open(&[folder.path().to_owned()], &options_of(folder.path())).unwrap();
    let ids: Vec<&str> = source.roster.enrolments.ids().collect();
    assert_eq!((ids, source.capabilities.learners), (vec!["TOEIC/u1", "TOEIC/u23"], true));
    assert_eq!(enrolments(&source).len(), 2);
    let twice = mapping.replace("columns.time", "columns.learner = \"user\"\ncolumns.time");
    assert_eq!(
        error(&folder, &twice),
        "mapping.toml: log.learner_in_file_name names the learner: remove columns.learner"
    );
}

#[test]
fn a_string_stands_for_a_list_of_one() {
    let folder = Folder::of(&[
        ("log.csv", b"user,at\nu1,2023-09-04\nu2,2023-09-05\n"),
        ("people.csv", b"user,end,age\nu1,passed,\\N\nu2,left,40\n"),
    ]);
    folder.write(
        "mapping.toml",
        b"single_course = \"C\"\n[log]\nfiles = \"log.csv\"\nnull = \"NULL\"\ncolumns.learner = \"user\"\n\
          columns.time = \"at\"\ncolumns.object = { columns = \"user\" }\n[enrolments]\nfiles = \"people.csv\"\n\
          columns.learner = \"user\"\ncolumns.outcome = \"end\"\ncolumns.statics = \"age\"\n\
          [outcomes]\ncompleted = \"passed\"\nwithdrew = \"left\"\n",
    );
    assert_eq!(outcome(folder.path(), &options_of(folder.path())), "2 of 2 used");
}

#[test]
fn faults_of_times_and_events_in_a_mapping_are_named() {
    let folder = Folder::of(&[("log.csv", b"user,at\nu1,2023-09-04\n")]);
    let with = |rest: &str| {
        error(
            &folder,
            &format!("single_course = \"C\"\n[log]\nfiles = \"log.csv\"\ncolumns.learner = \"user\"\n{rest}"),
        )
    };
    let check = |rest: &str, expected: &str| {
        let said = with(rest);
        assert!(said.contains(expected), "{said}");
    };
    check(
        "columns.time = { column = \"at\", format = \"dd/mm/yyyy\" }\n",
        "unknown format `dd/mm/yyyy`: expected one of",
    );
    check("columns.time = { column = \"at\", format = \"%d/%m %H:%M\" }\n", "it needs a day, a month and a year");
    check("columns.time = { column = \"at\", format = \"iso\", unit = \"ms\" }\n", "`unit` is of numbers since 1970");
    check("columns.time = { column = [] }\n", "`column` is an empty list");
    check("columns.time = { column = \"at\", format = \"%d/%m/%Y\" }\n", "set granularity = \"day\"");
    check(
        "events = [{ kind = \"x\" }]\n[activities.kinds]\nx = \"video\"\n",
        "`x` has no time, and columns.time is not given",
    );
    check(
        "columns.time = \"at\"\nevents = [{ kind = \"x\", time = \"at\" }]\n[activities.kinds]\nx = \"video\"\n",
        "log.events all name a time of their own: remove columns.time",
    );
    check(
        "columns.time = \"at\"\ncolumns.count = \"n\"\nevents = [{ kind = \"x\", count = \"m\" }]\n[activities.kinds]\nx = \"video\"\n",
        "log.events have counts of their own: remove columns.count",
    );
    check("", "log must have columns.time, events or both");
}

#[test]
fn row_names_of_r_without_quotes_where_no_row_has_a_last_cell() {
    let read_table = |header: &str| {
        let rows: String = (1..4).map(|row| format!("{row},u{row},2023-09-0{row},\n")).collect();
        let folder = Folder::of(&[("log.csv", format!("{header}\n{rows}").as_bytes())]);
        folder.write(
            "mapping.toml",
            b"single_course = \"C\"\n[log]\nfiles = \"log.csv\"\ncolumns.learner = \"user\"\ncolumns.time = \"at\"\n",
        );
        match formats::open(&[folder.path().to_owned()], &options_of(folder.path())) {
            Ok(source) => format!("{:?}", enrolments(&source)),
            Err(error) => error.to_string(),
        }
    };
    assert_eq!(read_table("user,at,note"), "[\"C/u1 u1 - - -\", \"C/u2 u2 - - -\", \"C/u3 u3 - - -\"]");
    // The numbers may be those of the first column, and the last separator one too many.
    let said = read_table("id,user,at");
    assert!(said.contains("3 malformed (log.csv line 2: 4 fields where the first line has 3"), "{said}");
}
