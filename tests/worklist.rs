//! `staycast worklist`, through the binary.

mod common;

use std::fs;
use std::path::Path;

use common::{Workshop, folder, names_in, run};
use serde_json::Value;

fn json_lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("readable");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn number(row: &Value, name: &str) -> f64 {
    row[name].as_f64().unwrap_or_else(|| panic!("{name} of {row}"))
}

/// Is a band wide enough for the small run of the tests.
const BAND: &str = "--band 10,90";

#[test]
fn the_list_is_as_long_as_the_capacity_and_everybody_else_has_a_reason() {
    let (shop, here) = (Workshop::open(), folder());
    let at = |name: &str| here.path().join(name);
    let line = format!(
        "worklist {{}} {{}} --capacity 12 {BAND} --json --out {{}} --out {{}} --out {{}} --out {{}} --out {{}}"
    );
    let files = ["list.jsonl", "list.csv", "list.html", "list.txt", "all.parquet"].map(at);
    let (trained, sequences) = (shop.run(), shop.sequences());
    let paths: Vec<&Path> = [&trained, &sequences].into_iter().chain(&files).map(std::path::PathBuf::as_path).collect();
    let told = run(&line, &paths).expect(0).json();
    let rows = json_lines(&files[0]);
    let act: Vec<&Value> = rows.iter().filter(|row| row["list"] == "act").collect();
    assert_eq!(act.len(), 12);
    assert_eq!(told["to_contact"], 12);
    for (at, row) in act.iter().enumerate() {
        assert_eq!(row["place"], at + 1);
        assert!((0.1..=0.9).contains(&number(row, "p_dropout")), "{row}");
        let p = number(row, "p_dropout");
        assert!((number(row, "benefit") - p * (1.0 - p)).abs() < 1e-12);
        // The built-in policy has an action for every learner.
        assert!(row["action"].is_string(), "{row}");
    }
    // Ten by benefit, the middle first; two at random.
    let drawn = act.iter().filter(|row| row["selection"] == "exploration").count();
    assert_eq!((drawn, &told["explored"]), (2, &Value::from(2)));
    // A sure reason first, then who is not doing much better, then the middle in steps.
    let rank = |row: &&Value| {
        let is_not_better = row["p_before"].as_f64().is_none_or(|before| before - number(row, "p_dropout") < 0.1);
        (row["confidence"] == "usual", is_not_better, (number(row, "benefit") / 0.02) as u32)
    };
    let chosen: Vec<(bool, bool, u32)> =
        act.iter().copied().filter(|row| row["selection"] == "benefit").map(|row| rank(&row)).collect();
    assert!(chosen.is_sorted_by(|a, b| a >= b), "{chosen:?}");
    assert!(chosen[0].0, "{chosen:?}");
    let others: u64 = told["others"].as_object().expect("counts").values().map(|count| count.as_u64().unwrap()).sum();
    let scored = run("score {} {} --out {} --json", &[&trained, &sequences, &at("scores.csv")]).expect(0).json();
    assert_eq!(others + 12 + told["to_praise"].as_u64().unwrap(), scored["rows"].as_u64().unwrap());
    // What people read says the same.
    let csv = fs::read_to_string(&files[1]).expect("written");
    assert_eq!(csv.lines().count(), rows.len() + 1);
    let mail = fs::read_to_string(&files[3]).expect("written");
    assert!(mail.starts_with("Subject: Week 4: 12 learners to contact\n"), "{mail}");
    for row in &act {
        let learner = row["learner_id"].as_str().expect("an id");
        assert!(mail.contains(learner) && csv.contains(learner), "{learner}");
    }
    let page = fs::read_to_string(&files[2]).expect("written");
    assert!(page.contains("12 learners to contact") && !page.contains("://"), "a page that loads nothing");
    let missed = act.iter().filter(|row| row["named_by_rule"] == false).count();
    assert_eq!(told["missed_by_rule"], missed);
    // The same again, to the byte.
    let before = fs::read(&files[0]).expect("written");
    run(&line, &paths).expect(0);
    assert_eq!(fs::read(&files[0]).expect("written"), before);
}

/// Returns the day after week 4 of a course, as YYYY-MM-DD.
fn end_of_week_4(sequences: &Path, course: &str) -> String {
    let inspected = run("inspect {} --json", &[sequences]).expect(0).json();
    let all = inspected["courses"].as_array().expect("courses");
    let found = all.iter().find(|one| one["course"] == course).unwrap_or_else(|| panic!("{inspected}"));
    let start = found["start"].as_str().unwrap_or_else(|| panic!("{found}"));
    staycast_events::time::format_date(staycast_events::time::parse_date(start.as_bytes()).expect("a date") + 28)
}

#[test]
fn who_was_contacted_or_is_back_gets_no_place_and_strangers_are_told() {
    let (shop, here) = (Workshop::open(), folder());
    let at = |name: &str| here.path().join(name);
    let (trained, sequences) = (shop.run(), shop.sequences());
    let plain = format!("worklist {{}} {{}} --capacity 10 {BAND} --exploration 0 --praise 0 --out {{}} --json");
    run(&plain, &[&trained, &sequences, &at("first.jsonl")]).expect(0);
    let first = json_lines(&at("first.jsonl"));
    let id = |place: usize| first[place]["enrolment_id"].as_str().expect("an id").to_owned();
    // Long ago, just before the end of week 4 of the first course, and long after it.
    let contacts = format!(
        "enrolment_id,date,action\n{},1999-01-01,mail\n{},{},call\n{},2199-01-01,call\nnobody-of-that-name,2014-01-01,mail\n",
        id(0),
        id(1),
        end_of_week_4(&sequences, first[1]["course_id"].as_str().expect("an id")),
        id(2),
    );
    fs::write(at("contacts.csv"), contacts).expect("writable");
    // Both were at more risk in the week before; whoever has visited since then is back.
    let mut listed = first.clone();
    for row in &mut listed {
        row["week"] = 3.into();
        row["p_dropout"] = 1.0.into();
    }
    let text: String = listed.iter().map(|row| format!("{row}\n")).collect();
    fs::write(at("before.jsonl"), text).expect("writable");
    let line = format!("{plain} --contacts {{}} --before {{}}");
    let ran = run(&line, &[&trained, &sequences, &at("second.jsonl"), &at("contacts.csv"), &at("before.jsonl")]);
    let ran = ran.expect(0).complains(&[
        "contacts.csv: 1 enrolment that the sequences",
        "1 contact of over a week after the end of the week asked for do not count",
    ]);
    assert!(!ran.stderr.contains("nobody-of-that-name"), "{}", ran.stderr);
    let told = ran.json();
    let second = json_lines(&at("second.jsonl"));
    let has = |id: &str| second.iter().any(|row| row["enrolment_id"] == id);
    let visited = |place: usize| first[place]["days_since_last"].as_f64().is_some_and(|days| days < 7.0);
    let back = (0..10).filter(|&place| visited(place)).count();
    assert_eq!(told["others"]["back"].as_u64().unwrap_or(0), back as u64);
    assert!(back > 0, "nobody of the list has visited within a week");
    for place in (0..10).filter(|&place| place != 1) {
        assert_eq!(has(&id(place)), !visited(place), "{place}");
    }
    assert!(!has(&id(1)));
    assert_eq!(second.len(), 10);
}

#[test]
fn each_tutor_has_a_list_of_their_own() {
    let (shop, here) = (Workshop::open(), folder());
    let out = here.path().join("list.jsonl");
    let line = format!("worklist {{}} {{}} --capacity 3 {BAND} --praise 0 --by course --out {{}} --json");
    let told = run(&line, &[&shop.run(), &shop.sequences(), &out]).expect(0).json();
    let rows = json_lines(&out);
    assert!(told["tutors"].as_u64().unwrap() > 1);
    for row in &rows {
        assert_eq!(row["tutor"], row["course_id"]);
        assert!(number(row, "place") <= 3.0);
    }
    let mut courses: Vec<&str> = rows.iter().map(|row| row["course_id"].as_str().unwrap()).collect();
    assert!(courses.is_sorted());
    courses.dedup();
    assert!(courses.len() > 1, "{courses:?}");
}

#[test]
fn wrong_tables_and_arguments_are_refused_before_anything_is_written() {
    let (shop, here) = (Workshop::open(), folder());
    let at = |name: &str| here.path().join(name);
    let (trained, sequences, out) = (shop.run(), shop.sequences(), at("list.csv"));
    let refused = |more: &str, status: i32, parts: &[&str]| {
        let line = format!("worklist {{}} {{}} --capacity 3 --out {{}} {more}");
        let ran = run(&line, &[&trained, &sequences, &out]).expect(status).complains(parts);
        assert!(!ran.stderr.contains("jane"), "{}", ran.stderr);
        assert!(!out.exists(), "{more}");
    };
    refused("--band 80,30", 2, &["--band", "30,80"]);
    refused("--exploration 2", 2, &["worklist.exploration is 2"]);
    refused("--by shoe-size", 2, &["--by shoe-size: no static column"]);
    refused("--out list.xlsx", 2, &[".csv, .jsonl, .html, .txt or .parquet"]);
    refused("--week 40", 2, &["can't forecast at week 40"]);
    let policy = at("policy.toml");
    fs::write(&policy, "[worklist]\nband_from = 0.9\nband_to = 0.2\n").expect("writable");
    refused(&format!("--policy {}", policy.display()), 1, &["band_from"]);
    fs::write(&policy, "[[rule]]\nlist = \"act\"\nreason = \"moods\"\naction = \"praise\"\n").expect("writable");
    refused(&format!("--policy {}", policy.display()), 1, &["policy.toml", "line 3", "moods", "videos"]);
    fs::remove_file(&policy).expect("there");
    let table = at("table");
    let with_table = |flag: &str, text: &str, parts: &[&str]| {
        fs::write(&table, text).expect("writable");
        refused(&format!("{flag} {}", table.display()), 1, parts);
        fs::remove_file(&table).expect("there");
    };
    with_table("--contacts", "enrolment_id,date,action\njane,yesterday,mail\n", &["line 2", "YYYY-MM-DD"]);
    with_table("--contacts", "who,when\njane,2014-01-01\n", &["enrolment_id, date and action"]);
    with_table("--tutors", "enrolment_id,tutor\njane,a\njane,b\n", &["line 3", "another tutor"]);
    with_table("--before", "{\"list\":\"act\",\"enrolment_id\":\"jane\"}\n", &["line 1", "no row of a worklist"]);
    with_table("--uplift", "jane", &["no Parquet table"]);
    assert_eq!(names_in(here.path()), Vec::<String>::new());
}

#[test]
fn a_running_course_is_listed_after_the_weeks_that_are_over() {
    let (shop, here) = (Workshop::open(), folder());
    let at = |name: &str| here.path().join(name);
    let inspected = run("inspect {} --json", &[&shop.sequences()]).expect(0).json();
    let first = &inspected["courses"][0];
    let start = staycast_events::time::parse_date(first["start"].as_str().expect("a date").as_bytes()).expect("a date");
    let as_of = staycast_events::time::format_date(start + 23);
    let line = format!("preprocess {{}} --out {{}} --as-of {as_of} --quiet");
    run(&line, &[&shop.logs(), &at("running")]).expect(0);
    let course = first["course"].as_str().expect("an id");
    let line = format!("worklist {{}} {{}} --week 4 --courses {course} --capacity 8 {BAND} --out {{}} --out {{}}");
    run(&line, &[&shop.run(), &at("running"), &at("list.jsonl"), &at("list.html")]).expect(0);
    let rows = json_lines(&at("list.jsonl"));
    assert!(!rows.is_empty());
    for row in &rows {
        // Three weeks are over, so that the week before is the second.
        assert_eq!(row["week"], 3, "{row}");
        assert!(row["p_before"].is_number(), "{row}");
    }
    assert!(fs::read_to_string(at("list.html")).expect("written").contains("after week 3"));
    let line = format!("explain {{}} {{}} --week 4 --courses {course} --out {{}}");
    run(&line, &[&shop.run(), &at("running"), &at("reasons.jsonl")]).expect(0);
    let explained = json_lines(&at("reasons.jsonl"));
    let scored: Vec<&Value> = explained.iter().filter(|row| row["status"] == "scored").collect();
    assert!(!scored.is_empty() && scored.iter().all(|row| row["seen"] == 3));
    assert!(scored.iter().any(|row| row["p_before"].is_number()));
}
