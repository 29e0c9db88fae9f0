use super::super::checked_mapping::CheckedMapping;
use super::*;

fn draft(files: &[(&str, &str)]) -> MappingDraft {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    draft_mapping(&[folder.path().to_owned()]).unwrap()
}

fn rows(row: impl Fn(usize) -> String) -> String {
    (0..24).map(|number| row(number) + "\n").collect()
}

#[test]
fn a_log_with_usual_columns_needs_nothing_more() {
    let rows = rows(|n| {
        format!("{n};s{};c1;2023-09-{:02} 10:00;{}", n % 5, n % 20 + 1, ["play_video", "quiz_submit"][n / 4 % 2])
    });
    let draft = draft(&[("clicks.csv", &format!("id;student_id;course;timestamp;event\n{rows}"))]);
    assert_eq!(draft.gaps, Vec::<String>::new(), "{}", draft.text);
    for line in [
        "files = [\"clicks.csv\"]",
        "delimiter = \";\"",
        "columns.learner = \"student_id\"",
        "columns.course = \"course\"",
        "columns.time = { column = \"timestamp\", format = \"iso\" }",
        "columns.activity = \"event\"",
        "columns.event_id = \"id\"",
        "\"play_video\" = \"video\"    # guess, 12 rows",
        "\"quiz_submit\" = \"problem\"    # guess, 12 rows",
    ] {
        assert!(draft.text.lines().any(|one| one == line), "{line}\n{}", draft.text);
    }
    CheckedMapping::built_in("table", &draft.text, 1 << 20).unwrap_or_else(|error| panic!("{error}\n{}", draft.text));
}

#[test]
fn the_clock_of_times_in_two_columns_is_kept() {
    let check = |header: &str, row: &dyn Fn(usize) -> String, expected: &str| {
        let draft = draft(&[("log.csv", &format!("{header}\n{}", rows(row)))]);
        assert!(draft.text.lines().any(|line| line == expected), "{expected}\n{}", draft.text);
        assert!(!draft.text.contains("granularity"), "{}", draft.text);
        let text = draft.text.replace("# columns.course", "columns.course");
        CheckedMapping::built_in("table", &text, 1 << 20).unwrap_or_else(|error| panic!("{error}\n{text}"));
    };
    check(
        "user,course,date,time,action",
        &|n| format!("u{},c,2023-09-{:02},{:02}:30,view", n % 4, n % 20 + 1, n % 24),
        "columns.time = { column = [\"date\", \"time\"], format = \"iso\" }",
    );
    check(
        "user,course,fecha,hora,action",
        &|n| format!("u{},c,{:02}/09/2023,{:02}:30:05 PM,view", n % 4, n % 20 + 11, n % 12 + 1),
        "columns.time = { column = [\"fecha\", \"hora\"], format = \"%d/%m/%Y %I:%M:%S %p\" }",
    );
    // Without dates a column of times of day is no time.
    let only = draft(&[("log.csv", &format!("user,time\n{}", rows(|n| format!("u{},10:{n:02}", n % 4))))]);
    assert!(only.gaps.iter().any(|gap| gap.starts_with("the column of the time")), "{:?}", only.gaps);
}

#[test]
fn why_nothing_can_be_drafted_is_said() {
    let error = |files: &[(&str, &[u8])]| {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let path = folder.path().display().to_string();
        draft_mapping(&[folder.path().to_owned()]).unwrap_err().to_string().replace(&path, "F")
    };
    let utf_16: Vec<u8> = "\u{feff}user,time\nann,2023\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let said = error(&[("log.csv", &utf_16)]);
    assert!(said.contains("none of its files can be described") && said.contains("is UTF-16"), "{said}");
    assert!(!said.contains("empty"), "{said}");
    assert!(error(&[]).ends_with("F: there is no file in it"), "{}", error(&[]));
    let said = error(&[("log.csv", b"user,time\n")]);
    assert!(said.contains("has a header and no rows") && !said.contains("empty"), "{said}");
}

#[test]
fn a_header_with_a_name_twice_is_a_header() {
    let row = |n: usize| format!("u{},c,2023-09-{:02},x,y,view", n % 5, n % 20 + 1);
    let draft = draft(&[("log.csv", &format!("user,course,date,note,note,action\n{}", rows(row)))]);
    assert!(draft.text.contains("columns.learner = \"user\"\n"), "{}", draft.text);
    assert_eq!(
        draft.gaps,
        ["columns 4, 5 of log.csv have a name that others have too; give each a name of its own to read it"]
    );
}

#[test]
fn a_first_row_of_people_is_no_header() {
    for first in ["user12,ann.lee@example.org,viewed", "student7,Ann Lee,viewed", "ann_user,x,viewed"] {
        let row = |n: usize| match first.split(',').next() {
            Some("ann_user") => format!("{},x,viewed", ["ann_user", "bob_user"][n % 2]),
            _ => format!("user{},p{n}.q@example.org,viewed", n + 13),
        };
        let draft = draft(&[("log.csv", &format!("{first}\n{}", rows(row)))]);
        let all = format!("{draft:?}");
        for cell in first.split(',').filter(|cell| *cell != "x" && *cell != "viewed") {
            assert!(!all.contains(cell), "{cell}\n{all}");
        }
    }
}

#[test]
fn keys_that_may_be_people_are_not_shown() {
    let row = |n: usize| {
        let (day, own) = (n % 20 + 1, if n.is_multiple_of(3) { ",\"carl\":1" } else { "" });
        format!(
            "{{\"user\":\"u{}\",\"time\":\"2023-09-{day:02}T10:00:00\",\"name\":\"play\",\"page\":\"p{n}\",\
             \"scores\":{{\"ann\":{n},\"bob\":2}},\"context\":{{\"host\":\"h\"}}{own}}}",
            n % 4
        )
    };
    let draft = draft(&[("log.jsonl", &rows(row))]);
    let others = draft.text.lines().find(|line| line.starts_with("# Other columns: ")).unwrap_or_default();
    assert!(others.contains("scores.*"), "{}", draft.text);
    for person in ["ann", "bob", "carl"] {
        assert!(!others.contains(person), "{}", draft.text);
    }
}

#[test]
fn a_key_of_an_object_keyed_by_learners_is_no_column() {
    // Times, kinds and numbers stand under the learners' names alone, in one object of all or in none but theirs.
    let nested = |n: usize| {
        format!(
            "{{\"day\":{n},\"log\":{{\"qzcarl\":{{\"time\":\"2023-09-04T10:00:{n:02}\",\"user_qzbob\":\"u{n}\"}}}}}}"
        )
    };
    let own = |n: usize| match n % 2 {
        0 => format!("{{\"n\":{n},\"qzcarl\":\"2023-09-04T10:00:{n:02}\"}}"),
        _ => format!("{{\"n\":{n},\"qzbob_time\":\"2023-09-04T10:00:{n:02}\"}}"),
    };
    for row in [&nested as &dyn Fn(usize) -> String, &own] {
        let draft = draft(&[("log.jsonl", &rows(row))]);
        assert!(!format!("{draft:?}").contains("qz"), "{draft:?}");
        let gap = "2 keys of objects may be people's and are not looked at; name one yourself if it is none";
        assert!(draft.gaps.contains(&gap.to_owned()), "{:?}", draft.gaps);
    }
    // Known keys are columns, however deep.
    let known = |n: usize| {
        format!(
            "{{\"actor\":{{\"account\":{{\"name\":\"u{n}\"}}}},\"meta\":{{\"event_time\":\"2023-09-04T10:00:{n:02}\"}}}}"
        )
    };
    let draft = draft(&[("log.jsonl", &rows(known))]);
    assert!(draft.text.contains("columns.learner = \"actor.account.name\""), "{}", draft.text);
    assert!(draft.text.contains("column = \"meta.event_time\""), "{}", draft.text);
}

#[test]
fn files_that_may_be_named_after_learners_are_not_named() {
    let one = "timestamp,action_type\n2023-09-04T10:00:00,enter\n";
    let other = "grade,thing\n1,x\n";
    let files =
        [("qzann.csv", one), ("qzbob.csv", one), ("qzbob (1).csv", one), ("zqcarl.csv", other), ("zqd.csv", "")];
    let draft = draft(&files);
    assert!(draft.text.contains("files = [\"qz*.csv\"]"), "{}", draft.text);
    let of_one = [("log_qzcarl_1.csv", one), ("log_qzcarl_2.csv", one)];
    assert!(super::tests::draft(&of_one).text.contains("files = [\"*.csv\"]"));
    assert!(draft.text.contains("# learner_in_file_name = true"), "{}", draft.text);
    for name in ["ann", "bob", "carl", "zq"] {
        assert!(!format!("{draft:?}").contains(name), "{draft:?}");
    }
    assert!(draft.gaps.contains(&"what aaaaaa.aaa is".to_owned()), "{:?}", draft.gaps);
}

#[test]
fn no_cell_of_a_learner_is_in_a_draft() {
    let marker = "Zanzibar";
    // A kind that few learners have may be a name; so may a first line that is no header.
    let rows =
        rows(|n| format!("{marker}{n},{marker} {0},{marker}{0}@example.org,4/09/23,{marker}{n},{marker}", n % 3));
    for header in ["name,user,email,time,event,note\n", ""] {
        for name in ["log.csv", "other.csv"] {
            let second = format!("{marker},Second\n{marker},Third\n");
            let draft = draft(&[(name, &format!("{header}{rows}")), ("people.csv", &second)]);
            let all = format!("{draft:?}");
            assert!(!all.contains(marker), "{all}");
        }
    }
}

#[test]
fn what_can_not_be_told_is_said() {
    let rows = rows(|n| format!("{},0{}/09/2023,x", n % 3, n % 9 + 1));
    let draft = draft(&[("log.csv", &format!("code,day,thing\n{rows}"))]);
    assert_eq!(
        draft.gaps,
        [
            "the course: no column seems to name it",
            "the column of the learner's id",
            "whether the day or the month comes first in `day`",
        ],
        "{}",
        draft.text
    );
    assert!(draft.text.contains("format = \"%d/%m/%Y\" }    # guess: or \"%m/%d/%Y\""), "{}", draft.text);
    assert!(draft.text.contains("granularity = \"day\""), "{}", draft.text);
}

#[test]
fn json_and_files_for_each_learner() {
    let line = |n: usize| {
        format!(
            "{{\"ts\": {}, \"event\": {{\"type\": \"play\", \"user\": \"u{}\"}}}}",
            1_693_821_600_000_u64 + n as u64,
            n % 4
        )
    };
    let json = draft(&[("log.jsonl", &rows(line))]);
    assert!(json.text.contains("columns.learner = \"event.user\""), "{}", json.text);
    assert!(json.text.contains("columns.time = { column = \"ts\", format = \"unix-millis\" }"), "{}", json.text);
    let one = "timestamp,action_type\n1693821600000,enter\n";
    let many: Vec<(String, &str)> = (1..9).map(|n| (format!("u{n}.csv"), one)).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let many = draft(&many);
    assert!(
        many.text.contains("files = [\"u*.csv\"]") && many.text.contains("# learner_in_file_name = true"),
        "{}",
        many.text
    );
    assert!(many.text.contains("format = \"unix-millis\""), "{}", many.text);
}

#[test]
fn columns_by_names_of_other_countries_and_programs() {
    for (learner, time) in [("Matrikel", "ts"), ("anon_id", "epoch"), ("Matrikelnummer", "TS"), ("pseudonym", "ts")] {
        let row = |n: usize| format!("{},c,{},view", n % 5 + 70_000, 1_693_821_600 + n);
        let draft = draft(&[("log.csv", &format!("{learner},course,{time},action\n{}", rows(row)))]);
        assert!(draft.text.contains(&format!("columns.learner = \"{learner}\"")), "{}", draft.text);
        let time = format!("columns.time = {{ column = \"{time}\", format = \"unix-seconds\" }}");
        assert!(draft.text.contains(&time), "{}", draft.text);
    }
}
