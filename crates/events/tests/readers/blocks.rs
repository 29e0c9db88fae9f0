//! The events depend neither on where files are cut into blocks nor on the number of threads.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray, TimestampSecondArray, UInt8Array};
use proptest::prelude::*;
use rayon::ThreadPoolBuilder;
use staycast_events::LONGEST_LINE_BYTES;
use staycast_events::formats::{OpenOptions, open_in_blocks};

use crate::common::{Everything, Folder, events, fixture, gzip, in_words, open, parquet_bytes, read, zstandard};

fn read_in(folder: &Path, options: &OpenOptions, block_bytes: usize, threads: usize) -> Everything {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let source = open_in_blocks(&[folder.to_owned()], options, block_bytes).unwrap();
        read(&source).unwrap()
    })
}

/// A log of the format with these rows, plain, as gzip and as zstd, read in blocks of `block_bytes` by `threads`.
fn check(format: &str, log: &str, mapping: Option<&str>, rows: &[&[u8]], block_bytes: usize, threads: usize) {
    let base = std::fs::read(fixture(&format!("{format}/base/{log}"))).unwrap();
    let header = &base[..base.iter().position(|&byte| byte == b'\n').unwrap() + 1];
    let bytes = [header, &rows.concat()].concat();
    check_bytes(format, log, mapping, &bytes, block_bytes, threads);
}

/// The same for a log of these bytes.
fn check_bytes(format: &str, log: &str, mapping: Option<&str>, bytes: &[u8], block_bytes: usize, threads: usize) {
    for (name, bytes) in [
        (log.to_owned(), bytes.to_owned()),
        (format!("{log}.gz"), gzip(bytes)),
        (format!("{log}.zst"), zstandard(bytes)),
    ] {
        let folder = Folder::copy_of(&format!("{format}/base"));
        folder.remove(log);
        folder.write(&name, &bytes);
        let mapping = mapping.map(|text| {
            folder.write("mapping.toml", text.as_bytes());
            folder.path().join("mapping.toml")
        });
        let options = OpenOptions { mapping, ..OpenOptions::default() };
        let whole = read_in(folder.path(), &options, 1 << 20, 1);
        let cut = read_in(folder.path(), &options, block_bytes, threads);
        assert_eq!(cut, whole, "{name} in blocks of {block_bytes} on {threads} threads");
    }
}

const ODD: [&[u8]; 5] = [b"\n", b"\r\n", b",,,\n", b"\xff\xfe\n", b"x\n"];
const KDD2015: [&[u8]; 7] = [
    b"1,2014-01-01T00:00:00,server,access,o1\n",
    b"2,2014-01-02T00:00:00,browser,video,o2\r\n",
    b"3,2014-01-09T00:00:00,browser,problem,\n",
    b"7,2014-01-09T00:00:00,browser,problem,\n",
    b"1,2014-03-09T00:00:00,browser,problem,\n",
    b"1,soon,browser,problem,\n",
    b"9,2014-01-09T00:00:00,server,wiki,\n",
];
const OULAD: [&[u8]; 6] = [
    b"AAA,2013J,11,501,-10,4\n",
    b"AAA,2013J,12,502,3,700\r\n",
    b"BBB,2014B,13,601,99,1\n",
    b"BBB,2014B,13,601,2,0\n",
    b"CCC,2014B,13,601,2,1\n",
    b"AAA,2013J,99,601,2,1\n",
];
const TABLE: [&[u8]; 6] = [
    b"ann,algebra,2014-01-01T08:00:00Z,play,v1,2,e1\n",
    b"ann,algebra,2014-01-02T08:00:00Z,\"so, lve\",p1,1,e2\r\n",
    b"bob,algebra,2014-01-14T23:59:59,stare,\"\"\"\",1,\n",
    b"bob,algebra,2014-01-14T23:59:59,stare,\"open,1,\n",
    b"ann,botany,2014-05-09T12:00:00,play,v9,1,e4\n",
    b"zoe,botany,2014-01-09T12:00:00,play,v9,1,e4\n",
];

const JSON: [&[u8]; 4] = [
    br#"{"who": "ann", "in": {"course": "C"}, "at": 1400000000}
"#,
    br#"{"who": "bob", "in": {"course": "C"}, "at": "1400000000.5"}
"#,
    br#"{"who": 7, "in": {}, "at": 1400000000}
"#,
    br#"{"who": 7, "in": {"course": "D"}, "at": null}
"#,
];

const XUETANGX2019: [&[u8]; 5] = [
    b"11,ann,course-v1:U+A+1,s1,play_video,v1,2015-09-01T08:00:00\n",
    b"12,bob,course-v1:U+A+1,s2,problem_check,p1,2015-09-30T08:00:00\r\n",
    b"13,ann,course-v1:U+B+1,s3,stare,,2015-09-08T12:00:00\n",
    b"14,cid,course-v1:U+C+1,s3,stare,,2015-10-08T12:00:00\n",
    b"11,ann,course-v1:U+A+1,s1,play_video,v1,soon\n",
];
const MOODLE: [&[u8]; 5] = [
    b"7,\\mod_quiz\\event\\attempt_started,m,,,,,r,2,21,70,31,5,2,,0,\"{\"\"a\"\":1}\",1393812000,web,,\n",
    b"8,\\core\\event\\course_viewed,c,,,,,r,2,21,50,2,6,2,,0,,1393812001,web,,\r\n",
    b"9,\\core\\event\\course_viewed,c,,,,,r,2,21,50,2,9,2,,0,,1393812001,web,,\n",
    b"8,\\core\\event\\course_viewed,c,,,,,r,2,21,50,3,5,3,,1,,1393812001,web,,\n",
    b"10,\\core\\event\\course_viewed,c,,,,,r,2,21,50,3,5,3,,0,,1494812001,web,,\n",
];
const COURSERA: [&[u8]; 3] = [
    b"ann,k,2016-02-01 08:00:00,h,a,https://c/learn/a/lecture/x?t,,,c1,US,CA,T,L,F,play,\"{\\\"t\\\":1}\"\n",
    b"bob,k,2016-02-03 08:00:00,h,\"a\\\\\",https://c/learn/a/quiz/x,,,c1,US,CA,T,L,F,,\"{\\\"open\"\r\n",
    b"bob,k,never,h,a,https://c/learn/a/quiz/x,,,c1,US,CA,T,L,F,,\"{\\\"\n",
];
const FUTURELEARN: [&[u8]; 4] = [
    b"a-1,1.1,1,1,2017-01-02 08:00:00 UTC,2017-01-02 08:30:00 UTC\n",
    b"b-2,1.2,1,2,,2017-01-09 08:30:00 UTC\r\n",
    b"a-1,1.3,1,2,2017-01-02 08:00:00 UTC,\n",
    b"t-9,1.3,1,2,2017-01-02 08:00:00 UTC,later\n",
];

fn some_rows(rows: &[&'static [u8]]) -> impl Strategy<Value = Vec<&'static [u8]>> + use<> {
    prop::collection::vec(prop::sample::select([rows, &ODD].concat()), 0..25)
}

/// Lines of a fixture, odd ones among them, in any order, the first line always there.
fn some_lines(name: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let text = std::fs::read(fixture(name)).unwrap();
    let lines: Vec<Vec<u8>> = text.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    let first = lines[0].clone();
    let odd = [&ODD[..], &[b"# a comment\n", b"{}\n", b"{\"a\": \n"]].concat().into_iter().map(<[u8]>::to_vec);
    let all: Vec<Vec<u8>> = lines.into_iter().chain(odd).collect();
    prop::collection::vec(prop::sample::select(all), 0..30)
        .prop_map(move |lines| [first.clone(), lines.concat()].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn of_kdd2015(rows in some_rows(&KDD2015), block_bytes in 1_usize..64, threads in 1_usize..5) {
        check("kdd2015", "log.csv", None, &rows, block_bytes, threads);
    }

    #[test]
    fn of_oulad(rows in some_rows(&OULAD), block_bytes in 1_usize..64, threads in 1_usize..5) {
        check("oulad", "studentVle.csv", None, &rows, block_bytes, threads);
    }

    #[test]
    fn of_xuetangx2019(rows in some_rows(&XUETANGX2019), block_bytes in 1_usize..64, threads in 1_usize..5) {
        let rows = [&rows[..], &XUETANGX2019[..1]].concat();
        check("xuetangx2019", "train_log.csv", None, &rows, block_bytes, threads);
    }

    #[test]
    fn of_moodle(rows in some_rows(&MOODLE), block_bytes in 1_usize..64, threads in 1_usize..5) {
        check("moodle", "mdl_logstore_standard_log.csv", None, &rows, block_bytes, threads);
    }

    #[test]
    fn of_coursera(rows in some_rows(&COURSERA), block_bytes in 1_usize..64, threads in 1_usize..5) {
        check("coursera", "video-2016-02.csv", None, &rows, block_bytes, threads);
    }

    #[test]
    fn of_futurelearn(rows in some_rows(&FUTURELEARN), block_bytes in 1_usize..64, threads in 1_usize..5) {
        check("futurelearn", "algebra-1_step-activity.csv", None, &rows, block_bytes, threads);
    }

    #[test]
    fn of_tables(rows in some_rows(&TABLE), block_bytes in 1_usize..64, threads in 1_usize..5) {
        let mapping = std::fs::read_to_string(fixture("table/base/mapping.toml")).unwrap();
        check("table", "log.csv", Some(&mapping), &rows, block_bytes, threads);
    }

    #[test]
    fn of_tables_with_line_breaks_inside_quotes(rows in some_rows(&TABLE), block_bytes in 1_usize..64) {
        let mapping = std::fs::read_to_string(fixture("table/base/mapping.toml")).unwrap();
        let mapping = mapping.replace("[log]\n", "[log]\nquoted_newlines = true\n");
        check("table", "log.csv", Some(&mapping), &rows, block_bytes, 2);
    }

    #[test]
    fn of_json_lines(rows in some_rows(&JSON), block_bytes in 1_usize..64, threads in 1_usize..5) {
        let mapping = "[log]\nfiles = [\"log.csv\"]\ntype = \"jsonl\"\n\
            columns = { learner = \"who\", course = \"in.course\", time = { column = \"at\", format = \"unix-seconds\" } }\n";
        // The base's header is then a line that is no JSON.
        let rows = [&rows[..], &JSON[..1]].concat();
        check("table", "log.csv", Some(mapping), &rows, block_bytes, threads);
    }

    #[test]
    fn of_edx(bytes in some_lines("edx/base/tracking.log"), block_bytes in 1_usize..300, threads in 1_usize..5) {
        check_bytes("edx", "tracking.log", None, &bytes, block_bytes, threads);
    }

    #[test]
    fn of_xapi(bytes in some_lines("xapi/base/statements.jsonl"), block_bytes in 1_usize..300, threads in 1_usize..5) {
        check_bytes("xapi", "statements.jsonl", None, &bytes, block_bytes, threads);
        // The same as one array, of what is left when it is cut at its commas.
        let array = [&b"["[..], &bytes.split(|&byte| byte == b'\n').collect::<Vec<_>>().join(&b",\n"[..]), b"]"].concat();
        check_bytes("xapi", "statements.jsonl", None, &array, block_bytes, threads);
    }

    #[test]
    fn of_caliper(bytes in some_lines("caliper/base/events.jsonl"), block_bytes in 1_usize..300, threads in 1_usize..5) {
        check_bytes("caliper", "events.jsonl", None, &bytes, block_bytes, threads);
    }

    #[test]
    fn of_everything_inferred(rows in some_rows(&TABLE), block_bytes in 1_usize..64, threads in 1_usize..5) {
        let mapping = std::fs::read_to_string(fixture("table/base/mapping.toml")).unwrap();
        // The log alone; with at least one sound row, so that there is an enrolment.
        let log_alone = mapping.split("[enrolments]").next().unwrap();
        let rows = [&rows[..], &[b"ann,algebra,2014-01-01T08:00:00Z,play,v1,2,\n"]].concat();
        check("table", "log.csv", Some(log_alone), &rows, block_bytes, threads);
    }
}

fn columns_of(rows: &[(u8, i64, u8)]) -> Vec<(&'static str, ArrayRef)> {
    let who: StringArray = rows.iter().map(|(who, ..)| (*who > 0).then(|| format!("learner{who}"))).collect();
    let at: TimestampSecondArray = rows.iter().map(|(_, at, _)| Some(1_400_000_000 + *at)).collect();
    let id: UInt8Array = rows.iter().map(|(.., id)| Some(*id)).collect();
    vec![("who", Arc::new(who)), ("at", Arc::new(at)), ("id", Arc::new(id))]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn of_parquet(
        rows in prop::collection::vec((0_u8..4, -90_000_i64..90_000, 0_u8..20), 1..40),
        group_rows in 1_usize..50,
        block_bytes in 1_usize..256,
        threads in 1_usize..5,
    ) {
        let rows = [&rows[..], &[(1, 5, 99)]].concat();
        let mapping = "single_course = \"C\"\n[log]\nfiles = [\"log.parquet\"]\n\
            columns = { learner = \"who\", event_id = \"id\", time = { column = \"at\", format = \"iso\" } }\n";
        let folder_of = |group_rows| {
            let log = parquet_bytes(columns_of(&rows), group_rows);
            Folder::of(&[("log.parquet", &log), ("mapping.toml", mapping.as_bytes())])
        };
        let (one_group, groups) = (folder_of(1_000), folder_of(group_rows));
        let read_from = |folder: &Folder, block_bytes, threads| {
            let options = OpenOptions { mapping: Some(folder.path().join("mapping.toml")), ..OpenOptions::default() };
            read_in(folder.path(), &options, block_bytes, threads)
        };
        let whole = read_from(&one_group, 1 << 20, 1);
        prop_assert_eq!(whole.tally.read, rows.len() as u64);
        prop_assert_eq!(read_from(&groups, block_bytes, threads), whole);
    }
}

#[test]
fn a_line_is_too_long_by_its_length_alone() {
    let row = |length: usize| [vec![b'x'; length], b"\n".to_vec()].concat();
    let good = b"1,2014-01-01T00:00:00,server,access,o1\n".to_vec();
    let rows: Vec<Vec<u8>> = vec![
        good.clone(),
        row(LONGEST_LINE_BYTES),
        good.clone(),
        row(LONGEST_LINE_BYTES + 1),
        good.clone(),
        row(LONGEST_LINE_BYTES + (70 << 10)),
        row(3 * LONGEST_LINE_BYTES),
        good.clone(),
        row(LONGEST_LINE_BYTES + 1),
    ];
    let base = std::fs::read(fixture("kdd2015/base/log.csv")).unwrap();
    let header = &base[..base.iter().position(|&byte| byte == b'\n').unwrap() + 1];
    let bytes = [header, &rows.concat()].concat();
    let folder = Folder::copy_of("kdd2015/base");
    for (name, bytes) in [("log.csv", bytes.clone()), ("log.csv.gz", gzip(&bytes)), ("log.csv.zst", zstandard(&bytes))]
    {
        folder.remove(if name == "log.csv.zst" { "log.csv.gz" } else { "log.csv" });
        folder.write(name, &bytes);
        for block_bytes in [usize::MAX, 4 << 20, 3_000_000, 100_003] {
            let all = read_in(folder.path(), &OpenOptions::default(), block_bytes, 2);
            let long = |line: u64| format!("{name}:{line}: a line of over 4 MiB");
            let expected = format!(
                "4 of 9 used\n1 malformed: {name}:3: 1 fields where the header has 5\n4 line_too_long: {}",
                [5, 7, 8, 10].map(long).join(" | ")
            );
            assert_eq!(in_words(&all.tally), expected, "{name} in blocks of {block_bytes}");
        }
    }
}

#[test]
fn a_packed_log_that_ends_early_is_an_error_however_far_in() {
    let row = b"1,2014-01-01T00:00:00,server,access,o1\n";
    let header = b"enrollment_id,time,source,event,object\n".to_vec();
    // Numbered objects keep it from packing down to nothing.
    let rows = (0..200_000_u64).flat_map(|number| {
        let tail = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        [&row[..row.len() - 1], format!("{tail:x}\n").as_bytes()].concat()
    });
    let bytes: Vec<u8> = header.into_iter().chain(rows).collect();
    for (name, packed) in [("log.csv.gz", gzip(&bytes)), ("log.csv.zst", zstandard(&bytes))] {
        for share in [0.3, 0.9] {
            let folder = Folder::copy_of("kdd2015/base");
            folder.remove("log.csv");
            folder.write(name, &packed[..(packed.len() as f64 * share) as usize]);
            let said = crate::common::outcome(folder.path(), &OpenOptions::default());
            let (start, rest) = said.split_once(" file is cut short after ").expect("a cut file");
            assert_eq!(start, format!("error: {name}: the {}", if name.ends_with(".gz") { "gzip" } else { "zstd" }));
            // All whole rows before the cut were read, and at most what the packer held back is missing.
            let rows: u64 = rest.split(' ').next().unwrap().parse().unwrap();
            let most = (200_000.0 * share) as u64;
            assert!(rows <= most + 4_000 && rows + 12_000 >= most && rest.contains(" rows; copy it again"), "{said}");
        }
    }
}

#[test]
fn zeros_after_a_packed_log_are_padding() {
    let plain = Folder::copy_of("kdd2015/base");
    let expected = events(&open(plain.path()).unwrap());
    let bytes = plain.bytes("log.csv");
    for (name, packed) in [("log.csv.gz", gzip(&bytes)), ("log.csv.zst", zstandard(&bytes))] {
        for zeros in [1, 511, 100_000] {
            let folder = Folder::copy_of("kdd2015/base");
            folder.remove("log.csv");
            folder.write(name, &[packed.clone(), vec![0; zeros]].concat());
            assert_eq!(events(&open(folder.path()).unwrap()), expected, "{name} {zeros}");
            // Text after it is none, and is not lost without a word.
            folder.write(name, &[packed.clone(), vec![0; zeros], b"1,2\n".to_vec()].concat());
            let said = crate::common::outcome(folder.path(), &OpenOptions::default());
            assert!(said.contains("part of the file is not"), "{said}");
        }
    }
}
