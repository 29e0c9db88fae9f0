//! `staycast recommend`, end to end, on logs of several formats.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use common::{TinyLog, command, folder, run};
use serde_json::Value;

fn simulate(format: &str, learners: u32, into: &Path) {
    let line = format!("simulate --out {{}} --format {format} --learners {learners} --weeks 6 --courses 2 --quiet");
    run(&line, &[into]).expect(0);
}

fn rows(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("readable");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn logs_of_every_simulated_format_get_lists_with_the_names_of_the_source() {
    for format in ["kdd2015", "oulad", "edx"] {
        let here = folder();
        let at = |name: &str| here.path().join(name);
        simulate(format, 200, &at("logs"));
        let ran = run("recommend {} --week 4 --top 3 --out {} --json", &[&at("logs"), &at("next.jsonl")]).expect(0);
        let json = ran.json();
        let rows = rows(&at("next.jsonl"));
        assert_eq!(json["rows"], rows.len(), "{format}");
        assert!(json["log"]["rejected"].is_u64(), "{format}");
        let listed: Vec<&Value> = rows.iter().filter(|row| row["status"] == "recommended").collect();
        let learners: BTreeSet<&str> = listed.iter().map(|row| row["enrolment_id"].as_str().expect("an id")).collect();
        assert_eq!(json["statuses"]["recommended"], learners.len(), "{format}");
        assert!(learners.len() > 100, "{format}: {}", learners.len());
        // Names are those that the log has.
        let log = texts_of(&at("logs"));
        let mut ranks: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for row in &listed {
            let item = row["item"].as_str().expect("a name");
            assert!(log.contains(item), "{format}: {item}");
            assert!(row["why"].as_str().is_some_and(|why| !why.is_empty()) && row["score"].is_f64(), "{row}");
            let id = row["enrolment_id"].as_str().expect("an id");
            ranks.entry(id).or_default().push(row["rank"].as_u64().expect("a rank"));
        }
        for (id, ranks) in ranks {
            assert_eq!(ranks, (1..=ranks.len() as u64).collect::<Vec<_>>(), "{format}: {id}");
        }
        assert!(rows.iter().all(|row| (row["status"] == "recommended") == row["item"].is_string()), "{format}");
    }
}

fn texts_of(folder: &Path) -> String {
    let files = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    files.map(|path| fs::read_to_string(path).unwrap_or_default()).collect()
}

#[test]
fn threads_and_forms_change_nothing() {
    let here = folder();
    let at = |name: &str| here.path().join(name);
    simulate("kdd2015", 150, &at("logs"));
    for (threads, out) in [(1, "one.csv"), (3, "three.csv")] {
        let line = format!("recommend {{}} --week 3 --threads {threads} --out {{}}");
        run(&line, &[&at("logs"), &at(out)]).expect(0).says(&["Method", "Lists"]);
    }
    let one = fs::read_to_string(at("one.csv")).expect("readable");
    assert!(one == fs::read_to_string(at("three.csv")).expect("readable"), "the number of threads shows");
    run("recommend {} --week 3 --out {} --quiet", &[&at("logs"), &at("next.jsonl")]).expect(0);
    assert_eq!(rows(&at("next.jsonl")).len() + 1, one.lines().count());
    let piped = command(["recommend", "--week", "3", "--quiet", "--out", "/dev/stdout"]).arg(at("logs")).output();
    assert!(String::from_utf8(piped.expect("it runs").stdout).expect("text") == one, "through a pipe");
}

#[test]
fn later_rows_change_nothing() {
    let here = folder();
    let at = |name: &str| here.path().join(name);
    simulate("kdd2015", 150, &at("logs"));
    run("recommend {} --as-of 2024-02-12 --out {} --quiet", &[&at("logs"), &at("whole.csv")]).expect(0);
    let log = fs::read_to_string(at("logs/log.csv")).expect("readable");
    let is_earlier =
        |line: &&str| line.split(',').nth(1).is_some_and(|time| time <= "2024-02-12T00:00:00" || time == "time");
    let earlier: Vec<&str> = log.lines().filter(is_earlier).collect();
    assert!(earlier.len() > 1_000 && earlier.len() < log.lines().count() * 3 / 4);
    fs::write(at("logs/log.csv"), earlier.join("\n") + "\n").expect("writable");
    run("recommend {} --as-of 2024-02-12 --out {} --quiet", &[&at("logs"), &at("part.csv")]).expect(0);
    let read = |name: &str| fs::read_to_string(at(name)).expect("readable");
    assert!(read("whole.csv").contains(",recommended,"));
    assert!(read("whole.csv") == read("part.csv"), "later rows show");
}

#[test]
fn some_learners_can_be_asked_for() {
    let here = folder();
    let at = |name: &str| here.path().join(name);
    TinyLog::default().write(&at("logs"));
    run("recommend {} --week 1 --top 2 --enrolment 1,4 --out {}", &[&at("logs"), &at("next.jsonl")]).expect(0);
    let rows = rows(&at("next.jsonl"));
    let said =
        rows.iter().map(|row| format!("{} {} {} {}", row["enrolment_id"], row["status"], row["item"], row["kind"]));
    let said: Vec<String> = said.map(|text| text.replace('"', "")).collect();
    // Enrolment 1 used what there was on days 1 to 4 of course a, the first of the month; enrolment 4 all of course b.
    assert_eq!(said, ["1 recommended o5 access", "1 recommended v5 video", "4 nothing_left null null"]);
    run("recommend {} --week 1 --enrolment 7 --out {}", &[&at("logs"), &at("none.csv")])
        .expect(1)
        .complains(&["1 of the enrolments asked for is not in the log, the first of them number 1 of those given"]);
    assert!(!at("none.csv").exists());
}

#[test]
fn lists_are_tested_on_what_learners_used_next() {
    let here = folder();
    let at = |name: &str| here.path().join(name);
    simulate("kdd2015", 400, &at("logs"));
    let ran = run("recommend {} --evaluate 3,4 --top 5 --out {} --json", &[&at("logs"), &at("figures.json")]).expect(0);
    let json = ran.json();
    assert_eq!(
        json,
        serde_json::from_str::<Value>(&fs::read_to_string(at("figures.json")).expect("readable")).expect("JSON")
    );
    let all = json["evaluation"]["all"].as_array().expect("a list");
    let recall = |method: &str| {
        let of = all.iter().find(|one| one["method"] == method).expect("it is measured");
        of["recall"]["mean"].as_f64().expect("a mean")
    };
    assert!(recall("product") > recall("popularity") && recall("product") > recall("course_order"), "{json}");
    assert!(json["evaluation"]["weeks"]["3"].is_array() && json["evaluation"]["weeks"]["4"].is_array());
    run("recommend {} --evaluate 3,4", &[&at("logs")]).expect(0).says(&[
        "recall@5",
        "MRR",
        "coverage",
        "novelty",
        "week 4",
        "product less",
        "course order",
    ]);
    // The last week has none after it.
    let ran = run("recommend {} --evaluate 6 --json", &[&at("logs")]).expect(0).json();
    assert_eq!((&ran["evaluation"]["not_tested"], &ran["evaluation"]["courses"]), (&2.into(), &0.into()));
}

#[test]
fn logs_that_do_not_say_what_was_used_are_refused() {
    let here = folder();
    let at = |name: &str| here.path().join(name);
    fs::write(at("clicks.csv"), "user,course,time,action\nann,algebra,2024-03-04T09:00:00,play\n").expect("writable");
    let mapping = "[log]\nfiles = [\"clicks.csv\"]\ncolumns = { learner = \"user\", course = \"course\", activity = \"action\", \
                   time = { column = \"time\", format = \"iso\" } }\n[activities.kinds]\nplay = \"video\"\n";
    fs::write(at("mapping.toml"), mapping).expect("writable");
    run("recommend {} --mapping {} --out {}", &[&at("clicks.csv"), &at("mapping.toml"), &at("next.csv")])
        .expect(1)
        .complains(&["nothing can be recommended", "do not say which objects learners used", "columns.object"]);
    // The column is there, and empty.
    let mapping = mapping.replace("activity = \"action\"", "activity = \"action\", object = \"page\"");
    fs::write(at("mapping.toml"), mapping).expect("writable");
    fs::write(at("clicks.csv"), "user,course,time,action,page\nann,algebra,2024-03-04T09:00:00,play,\n")
        .expect("writable");
    run("recommend {} --mapping {} --out {}", &[&at("clicks.csv"), &at("mapping.toml"), &at("next.csv")])
        .expect(1)
        .complains(&["nothing can be recommended: no row of the log"]);
    assert!(!at("next.csv").exists());
}

#[test]
fn too_much_that_is_rejected_is_status_3() {
    let here = folder();
    let at = |name: &str| here.path().join(name);
    let mut tiny = TinyLog::default();
    tiny.log += "1,soon,server,access,o1\n1,later,server,access,o1\n";
    tiny.write(&at("logs"));
    run("recommend {} --week 1 --out {}", &[&at("logs"), &at("next.csv")])
        .expect(3)
        .complains(&["were rejected, more than --max-rejected 0.01 allows"]);
    assert!(at("next.csv").exists());
    run("recommend {} --week 1 --out {} --max-rejected 0.1", &[&at("logs"), &at("next.csv")]).expect(0);
}

#[test]
fn real_logs_get_lists() {
    let Some(data) = std::env::var_os("STAYCAST_REAL_DATA").map(std::path::PathBuf::from) else { return };
    let here = folder();
    let out = here.path().join("next.jsonl");
    // Of the raw log a few learners have no course.
    for (log, week) in [("oulad", 8), ("kdd-raw", 2)] {
        run(&format!("recommend {{}} --week {week} --max-rejected 0.1 --out {{}} --quiet"), &[&data.join(log), &out])
            .expect(0);
        let rows = rows(&out);
        assert!(rows.iter().filter(|row| row["status"] == "recommended").count() > 100, "{log}");
    }
}
