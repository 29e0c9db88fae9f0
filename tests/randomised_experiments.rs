//! Randomised experiments from the plan to the report, on a simulated course whose truth is known.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use common::{assert_same_bytes, bytes_of, copy_of, folder, names_in, replace_in, run};
use serde_json::Value;
use tempfile::TempDir;

const SIMULATED: &str = "simulate --learners 1200 --weeks 7 --courses 3 --seed 7 --quiet --out {}";

/// Holds logs, sequences, scores and a plan, made once.
struct Course {
    folder: TempDir,
}

impl Course {
    fn open() -> &'static Path {
        static COURSE: OnceLock<Course> = OnceLock::new();
        let course = COURSE.get_or_init(|| {
            let course = Self { folder: folder() };
            let at = |name: &str| course.folder.path().join(name);
            run(SIMULATED, &[&at("logs")]).expect(0);
            run("preprocess {} --out {} --quiet", &[&at("logs"), &at("sequences")]).expect(0);
            run("train {} --out {} --model logistic --quiet --device cpu", &[&at("sequences"), &at("run")]).expect(0);
            let score = "score {} {} --week 4 --quiet --device cpu --out {}";
            for name in ["scores.csv", "scores.parquet", "scores.jsonl"] {
                run(score, &[&at("run"), &at("sequences"), &at(name)]).expect(0);
            }
            run(&format!("{NEW} --looks 2"), &[&at("scores.csv"), &at("plan")]).expect(0);
            course
        });
        course.folder.path()
    }

    fn at(name: &str) -> PathBuf {
        Self::open().join(name)
    }
}

const NEW: &str = "experiment new --name Message --arms message --effect 0.09 --population {} --out {} --quiet";

/// Reads a CSV file as rows by column.
fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(path).expect("readable");
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let row = |line: &str| {
        // Strata have commas and are quoted.
        let mut cells = vec![String::new()];
        let mut is_quoted = false;
        for letter in line.chars() {
            match letter {
                '"' => is_quoted = !is_quoted,
                ',' if !is_quoted => cells.push(String::new()),
                letter => cells.last_mut().expect("a cell").push(letter),
            }
        }
        assert_eq!(cells.len(), header.len(), "{line}");
        header.iter().map(|name| (*name).to_owned()).zip(cells).collect()
    };
    lines.map(row).collect()
}

/// Copies the plan to a folder of a test's own.
fn experiment(here: &Path) -> PathBuf {
    let experiment = here.join("experiment");
    copy_of(&Course::at("plan"), &experiment);
    experiment
}

#[test]
fn an_experiment_finds_the_truth_of_the_simulation() {
    let here = folder();
    let at = |name: &str| here.path().join(name);
    let experiment = experiment(here.path());
    run("experiment assign {} {} --quiet", &[&experiment, &Course::at("scores.csv")]).expect(0);
    let assignments = experiment.join("assignments.csv");

    let strong = at("strong.toml");
    fs::write(&strong, "[messages]\nodds_ratio = 4.0\n").expect("writable");
    run(&format!("{SIMULATED} --messages {{}} --config {{}}"), &[&at("logs"), &assignments, &strong]).expect(0);
    run("preprocess {} --out {} --quiet", &[&at("logs"), &at("sequences")]).expect(0);
    let truth = rows(&at("logs/message_effects.csv"));
    let assigned = rows(&assignments);
    assert_eq!(truth.len(), assigned.len(), "of the holdout too");
    let number = |row: &BTreeMap<String, String>, column: &str| row[column].parse::<f64>().expect("a number");
    let mean = |outcome: &str| {
        let gain = |row| number(row, &format!("p_{outcome}_with")) - number(row, &format!("p_{outcome}_without"));
        truth.iter().map(gain).sum::<f64>() / truth.len() as f64
    };

    // Two of three messages arrive.
    let arrived = assigned.iter().filter(|row| row["arm"] == "message").enumerate().filter(|(at, _)| at % 3 > 0);
    let lines: Vec<String> = arrived.map(|(_, row)| format!("{},2024-02-12 08:00,mail", row["enrolment_id"])).collect();
    fs::write(at("sent.csv"), format!("enrolment_id,when,what\n{}\n", lines.join("\n"))).expect("writable");
    let recorded = run("experiment record {} {} --json", &[&experiment, &at("sent.csv")]).expect(0).json();
    assert_eq!(recorded["recorded"], lines.len());

    let line = "experiment report {} {} --out {} --json";
    let report = run(line, &[&experiment, &at("sequences"), &at("report")]).expect(0).json();
    let files = ["effects.parquet", "report.html", "report.json", "report.txt", "uplift.parquet"];
    assert_eq!(names_in(&at("report")), files);
    let effect = |outcome: usize| &report["outcomes"][outcome]["effects"][0];
    for (outcome, truth) in [mean("active"), mean("dropout")].into_iter().enumerate() {
        let figure = |name: &str| effect(outcome)[name].as_f64().expect("a number");
        assert!(figure("low") <= truth && truth <= figure("high"), "{truth} in {}", effect(outcome));
    }
    assert!(mean("active") > 0.08, "{}", mean("active"));
    assert_eq!(effect(0)["verdict"], "more");
    assert!(effect(0)["learners_saved"].as_f64().expect("a number") > 100.0);
    assert_eq!(report["outcomes"][0]["outcome"], "active-next-week");
    // The first look had all planned outcomes, so it is the last.
    assert_eq!((&report["look"]["number"], &report["look"]["is_last"]), (&1.into(), &true.into()));
    let complier = &report["compliers"][0];
    assert!((complier["arm_reached"].as_f64().expect("a number") - 2.0 / 3.0).abs() < 0.01);
    assert!(complier["effect"].as_f64() > effect(0)["effect"].as_f64());
    let unknown: u64 = report["arms"]
        .as_array()
        .expect("a list")
        .iter()
        .flat_map(|arm| arm["unknown"]["active-next-week"].as_object().expect("by reason").values())
        .filter_map(Value::as_u64)
        .sum();
    let learners = report["outcomes"][0]["effects"][0]["learners"].as_u64().expect("a number");
    assert!(unknown == 0 && learners > 1_000, "{unknown} unknown, {learners} known");
    let text = fs::read_to_string(at("report/report.txt")).expect("readable");
    assert!(
        text.contains("With “message” more learners were active in the week after")
            && text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
    let page = fs::read_to_string(at("report/report.html")).expect("readable");
    assert!(page.contains("Did it work?") && page.contains("anything from"));
    for row in &assigned {
        assert!(!page.contains(&row["learner_id"]) && !text.contains(&row["learner_id"]), "nobody is named");
    }

    // The same outcomes are the same look, and equal runs write equal bytes.
    let before = bytes_of(&experiment);
    let again = run(line, &[&experiment, &at("sequences"), &at("again")]).expect(0).json();
    assert_eq!(again["is_repeated"], true);
    assert_same_bytes(&at("report"), &at("again"));
    assert_eq!(bytes_of(&experiment), before);
    // Sequences without the messages are other outcomes, for which no look is left.
    run("experiment report {} {}", &[&experiment, &Course::at("sequences")])
        .expect(1)
        .complains(&["all 2 planned looks were taken"]);
}

#[test]
fn learners_without_a_message_are_the_same_to_the_byte_in_every_format() {
    let here = folder();
    for (format, log) in [("kdd2015", "log.csv"), ("oulad", "studentVle.csv"), ("edx", "tracking-")] {
        let at = |name: &str| here.path().join(format!("{format}-{name}"));
        let line = format!("simulate --learners 150 --weeks 6 --seed 3 --quiet --format {format} --out {{}}");
        run(&line, &[&at("plain")]).expect(0);
        let table = fs::read_to_string(at("plain").join("dropout_probability.csv")).expect("readable");
        let ids: BTreeSet<&str> = table.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
        let every_third: Vec<String> = ids.iter().step_by(3).map(|id| format!("{id},3")).collect();
        fs::write(at("messages"), format!("enrolment_id,week\n{}\n", every_third.join("\n"))).expect("writable");
        run(&format!("{line} --messages {{}}"), &[&at("sent"), &at("messages")]).expect(0);
        // Whose row it is: the enrolment of KDD Cup 2015; course and student of OULAD.
        let key = |line: &str| {
            let cells: Vec<&str> = line.split(',').collect();
            if format == "edx" {
                let user = line.split("\"username\": \"").nth(1);
                return user.and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned();
            }
            if format == "oulad" && cells.len() > 2 {
                format!("{}-{}/{}", cells[0], cells[1], cells[2])
            } else {
                cells[0].to_owned()
            }
        };
        // Lines of edX that belong to no course have the learner alone.
        let messaged: BTreeSet<&str> = ids
            .iter()
            .step_by(3)
            .map(|id| if format == "edx" { id.rsplit('/').next().expect("a learner") } else { id })
            .collect();
        let whole = |folder: &Path| -> String {
            let files = names_in(folder).into_iter().filter(|name| name.starts_with(log));
            files.map(|name| fs::read_to_string(folder.join(name)).expect("readable")).collect()
        };
        let others = |folder: &Path| -> Vec<String> {
            let text = whole(folder);
            text.lines().filter(|line| !messaged.contains(key(line).as_str())).map(str::to_owned).collect()
        };
        let (plain, sent) = (others(&at("plain")), others(&at("sent")));
        assert!(plain.len() > 1_000 && plain == sent, "{format}");
        assert_ne!(whole(&at("plain")), whole(&at("sent")), "{format}: messages do something");
        let truth = rows(&at("sent").join("message_effects.csv"));
        assert_eq!(truth.len(), every_third.len());
        assert!(truth.iter().all(|row| row["messaged"] == "1" && row["p_active_with"] >= row["p_active_without"]));
    }
    let (messages, out) = (here.path().join("wrong.csv"), here.path().join("wrong"));
    fs::write(&messages, "enrolment_id,week\nnobody,2\n1,2\n").expect("writable");
    run("simulate --learners 20 --messages {} --out {}", &[&messages, &out])
        .expect(2)
        .complains(&["1 of 2 messages are for enrolments that this simulation does not have"]);
    assert!(!out.exists());
}

#[test]
fn an_assignment_stays_whatever_is_called_again() {
    let here = folder();
    let experiment = experiment(here.path());
    let assign = "experiment assign {} {} --json";
    let first = run(assign, &[&experiment, &Course::at("scores.csv")]).expect(0).json();
    let before = bytes_of(&experiment);
    for scores in ["scores.csv", "scores.parquet", "scores.jsonl"] {
        let again = run(assign, &[&experiment, &Course::at(scores)]).expect(0).json();
        assert_eq!((&again["assigned"], &again["already_assigned"]), (&0.into(), &first["assigned"]));
        assert_eq!(bytes_of(&experiment), before, "{scores}");
    }
    // From half of the scores, then all: whoever was there stays.
    let other = here.path().join("other");
    copy_of(&Course::at("plan"), &other);
    let half = here.path().join("half.csv");
    let text = fs::read_to_string(Course::at("scores.csv")).expect("readable");
    let lines: Vec<&str> = text.lines().collect();
    fs::write(&half, lines[..lines.len() / 2].join("\n") + "\n").expect("writable");
    run(assign, &[&other, &half]).expect(0);
    let arms = |folder: &Path| -> BTreeMap<String, String> {
        let rows = rows(&folder.join("assignments.csv"));
        rows.into_iter().map(|row| (row["enrolment_id"].clone(), row["arm"].clone())).collect()
    };
    let of_half = arms(&other);
    run(assign, &[&other, &Course::at("scores.csv")]).expect(0);
    let of_all = arms(&other);
    assert!(of_half.len() < of_all.len() && of_half.iter().all(|(id, arm)| of_all[id] == *arm));
    // All enrolments of a learner are in one arm.
    let mut by_learner: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows(&other.join("assignments.csv")) {
        by_learner.entry(row["learner_id"].clone()).or_default().insert(row["arm"].clone());
    }
    assert!(by_learner.values().all(|arms| arms.len() == 1));
    let held = of_all.values().filter(|arm| *arm == "holdout").count();
    assert!((held as f64 / of_all.len() as f64 - 0.5).abs() < 0.05);
    // Another seed in the plan makes the arms wrong: it is found, and nothing is changed.
    replace_in(&other.join("plan.toml"), "seed = 1", "seed = 2");
    let edited = bytes_of(&other);
    run(assign, &[&other, &half]).expect(1).complains(&["assignments.parquet", "plan and place"]);
    assert_eq!(bytes_of(&other), edited);
}

#[test]
fn a_killed_assignment_is_whole_or_not_there() {
    let here = folder();
    let whole = here.path().join("whole");
    copy_of(&Course::at("plan"), &whole);
    run("experiment assign {} {} --quiet", &[&whole, &Course::at("scores.csv")]).expect(0);
    let expected = fs::read(whole.join("assignments.parquet")).expect("there");
    let (mut killed, mut after) = (0, Duration::from_millis(2));
    while killed < 12 {
        let experiment = here.path().join(format!("killed-{killed}"));
        copy_of(&Course::at("plan"), &experiment);
        let line = common::arguments("experiment assign {} {} --quiet", &[&experiment, &Course::at("scores.csv")]);
        let mut child = common::command(&line).spawn().expect("the program starts");
        thread::sleep(after);
        let _ = child.kill();
        child.wait().expect("it ends");
        if let Ok(found) = fs::read(experiment.join("assignments.parquet")) {
            assert!(found == expected, "whole after {after:?}");
        }
        run("experiment assign {} {} --quiet", &[&experiment, &Course::at("scores.csv")]).expect(0);
        assert_eq!(bytes_of(&experiment), bytes_of(&whole), "after {after:?}, and called again");
        killed += 1;
        after += Duration::from_millis(3);
    }
}

#[test]
fn deliveries_are_recorded_once_and_every_row_is_counted() {
    let here = folder();
    let experiment = experiment(here.path());
    run("experiment assign {} {} --quiet", &[&experiment, &Course::at("scores.csv")]).expect(0);
    let assigned = rows(&experiment.join("assignments.csv"));
    let (one, two) = (&assigned[0], &assigned[1]);
    let sent = here.path().join("sent.csv");
    let content = format!(
        "course_id,enrolment_id,when,what\n{c},{a},2024-02-12,mail\n{c},{a},2024-02-12T00:00:00,mail\n,{b},2024-02-13 \
         10:00,call\n,nobody,2024-02-13,mail\n{c},{a},soon,mail\n{c},{a},2024-02-14,\n{c},{a}\n",
        c = one["course_id"],
        a = one["enrolment_id"],
        b = two["enrolment_id"],
    );
    fs::write(&sent, content).expect("writable");
    let ran = run("experiment record {} {} --json", &[&experiment, &sent]).expect(3);
    let counts = ran.json();
    let count = |name: &str| counts[name].as_u64().expect("a count");
    assert_eq!((count("rows"), count("recorded"), count("already_recorded"), count("not_assigned")), (7, 2, 1, 1));
    let rejected: Value = serde_json::json!({ "bad_row": 1, "bad_time": 1, "bad_what": 1 });
    assert_eq!((&counts["rejected"], &counts["first_rejected"]), (&rejected, &5.into()));
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("nobody"), "no cell is shown");
    let before = bytes_of(&experiment);
    let again = run("experiment record {} {} --json --max-rejected 0.5", &[&experiment, &sent]).expect(0).json();
    assert_eq!((&again["recorded"], &again["already_recorded"]), (&0.into(), &3.into()));
    assert_eq!(bytes_of(&experiment), before);
    fs::write(&sent, "enrolment,when,what\n").expect("writable");
    run("experiment record {} {}", &[&experiment, &sent]).expect(1).complains(&["no column `enrolment_id`"]);
}

#[test]
fn looks_follow_the_weeks_and_end_when_they_are_spent() {
    let here = folder();
    let at = |name: &str| here.path().join(name);
    let late = at("late");
    run(&format!("{NEW} --looks 3 --expected 3000 --base-rate 0.4"), &[&Course::at("scores.csv"), &late]).expect(0);
    let report = |week: &str| {
        run(format!("experiment report {{}} {{}} --json {week}").trim_end(), &[&late, &Course::at("sequences")])
    };
    report("").expect(1).complains(&["nobody was assigned yet"]);
    run("experiment assign {} {} --quiet", &[&late, &Course::at("scores.csv")]).expect(0);
    report("--week 4").expect(1).complains(&["week not over", "No look was taken"]);
    assert!(!late.join("looks.jsonl").exists());
    let first = report("--week 5").expect(0).json();
    assert_eq!((&first["look"]["number"], &first["look"]["is_last"]), (&1.into(), &false.into()));
    let bound = first["look"]["bound"].as_f64().expect("a bound");
    assert!(bound > 3.0, "early looks need more: {bound}");
    assert_eq!(first["outcomes"][0]["effects"][0]["verdict"], "not-shown");
    // Nothing was sent, so the later week tells no new outcomes: the same look.
    let later = report("").expect(0).json();
    assert_eq!((&later["look"]["number"], &later["is_repeated"]), (&1.into(), &true.into()));
    // A plan of one look does not spend it before its time.
    let soon = at("soon");
    run(&format!("{NEW} --expected 3000 --base-rate 0.4"), &[&Course::at("scores.csv"), &soon]).expect(0);
    run("experiment assign {} {} --quiet", &[&soon, &Course::at("scores.csv")]).expect(0);
    let soon_report = "experiment report {} {} --json";
    run(soon_report, &[&soon, &Course::at("sequences")])
        .expect(1)
        .complains(&["of 3000 planned outcomes are known", "--last-look-now"]);
    assert!(!soon.join("looks.jsonl").exists());
    let now = run(&format!("{soon_report} --last-look-now"), &[&soon, &Course::at("sequences")]).expect(0).json();
    assert_eq!(now["look"]["is_last"], true);
    fs::write(late.join("looks.jsonl"), "{\"number\":1}\n").expect("writable");
    report("").expect(1).complains(&["looks.jsonl: line 1"]);
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_written() {
    let here = folder();
    let at = |name: &str| here.path().join(name);
    let scores = Course::at("scores.csv");
    let new = |more: &str| {
        run(&format!("experiment new --name x --population {{}} --out {{}} {more}"), &[&scores, &at("out")])
    };
    new("--arms message").expect(1).complains(&["need 31", "learners", "--population", "--expected", "--effect 0.0"]);
    new("--arms message --effect 0.2 --holdout 0.995").expect(2).complains(&["`shares`", "--holdout"]);
    new("--arms message,message --effect 0.2").expect(2).complains(&["`message` is there twice"]);
    new("--arms message,holdout --effect 0.2").expect(2).complains(&["`holdout` is there twice"]);
    new("--arms message --effect 0.2 --bands 0.5,0.2").expect(2).complains(&["`risk_bands`", "--bands"]);
    new("--arms message --effect 0.2 --risk-from 0.9 --risk-below 0.2").expect(2).complains(&["`risk_from`"]);
    new("--arms message --effect 0.2 --strata sex").expect(2).complains(&["sex"]);
    new("--arms message --effect 0.2 --risk-from 0.9999").expect(1).complains(&["nobody takes part"]);
    assert!(!at("out").exists());
    new("--arms message --effect 0.2").expect(0).says(&["Can see", "points or more"]);
    new("--arms message --effect 0.2").expect(2).complains(&["there is an experiment already"]);
    run("experiment assign {} {}", &[here.path(), &scores])
        .expect(1)
        .complains(&["not an experiment", "experiment new"]);
    let twice = at("twice.csv");
    let text = fs::read_to_string(&scores).expect("readable");
    let row = text.lines().nth(1).expect("a row");
    fs::write(&twice, format!("{text}{row}\n")).expect("writable");
    run("experiment assign {} {}", &[&at("out"), &twice]).expect(1).complains(&["stands in an earlier row"]);
    fs::write(&twice, text.replacen("p_dropout", "risk", 1)).expect("writable");
    run("experiment assign {} {}", &[&at("out"), &twice]).expect(1).complains(&["no column `p_dropout`"]);
    assert_eq!(names_in(&at("out")), ["plan.toml"]);
}
