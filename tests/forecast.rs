//! `staycast train`, `evaluate`, `score` and `inspect` on a run, on a small simulated cohort.

mod common;

use std::fs;

use common::{SMALL, Workshop, assert_same_bytes, copy_of, folder, names_in, run};
use serde_json::Value;

const COHORT: [&str; 16] = [
    "n",
    "positives",
    "base_rate",
    "auc",
    "auc_low",
    "auc_high",
    "average_precision",
    "precision",
    "recall",
    "f1",
    "mcc",
    "brier",
    "log_loss",
    "ece",
    "threshold",
    "confusion",
];

/// Checks a cohort's shape and that its figures agree with each other.
fn check_cohort(cohort: &Value) {
    for key in COHORT {
        assert!(cohort.get(key).is_some(), "no {key} in {cohort}");
    }
    let confusion = &cohort["confusion"];
    if confusion.is_null() {
        return;
    }
    let count = |key: &str| confusion[key].as_u64().unwrap_or_else(|| panic!("no {key} in {confusion}"));
    assert_eq!(count("tp") + count("fp") + count("tn") + count("fn"), cohort["n"].as_u64().expect("a count"));
    assert_eq!(count("tp") + count("fn"), cohort["positives"].as_u64().expect("a count"));
    if let (Some(low), Some(auc), Some(high)) =
        (cohort["auc_low"].as_f64(), cohort["auc"].as_f64(), cohort["auc_high"].as_f64())
    {
        assert!(low <= auc && auc <= high, "{low} {auc} {high}");
    }
}

#[test]
fn a_report_has_the_shape_that_the_protocol_gives_it() {
    let shop = Workshop::open();
    let report = run("evaluate {} {} --json --device cpu", &[&shop.run(), &shop.sequences()]).expect(0).json();
    assert_eq!(report["week"], 4);
    assert_eq!(report["label_rule"], "labels-file");
    assert_eq!(report["kind"], "forecast");
    for cohort in ["all", "active"] {
        check_cohort(&report["cohorts"][cohort]);
        for baseline in report["baselines"].as_object().expect("baselines by name").values() {
            check_cohort(&baseline[cohort]);
        }
        for week in report["weeks"].as_array().expect("a list") {
            check_cohort(&week["cohorts"][cohort]);
        }
    }
    assert!(report["baselines"].as_object().expect("baselines by name").len() >= 2);
    assert!(report["excluded"].is_object());
    let weeks: Vec<u64> =
        report["weeks"].as_array().expect("a list").iter().filter_map(|week| week["week"].as_u64()).collect();
    assert_eq!(weeks, [1, 2, 3, 4, 5, 6, 7, 8]);
    // Everyone who is active is known.
    assert!(report["cohorts"]["active"]["n"].as_u64() < report["cohorts"]["all"]["n"].as_u64());
    let auc = report["cohorts"]["all"]["auc"].as_f64().expect("both classes are there");
    assert!(auc > 0.6, "even a tiny network learns something: {auc}");
    let everyone = &report["baselines"]["everyone_drops"]["all"];
    assert_eq!(everyone["auc"], 0.5);
    assert_eq!(everyone["recall"], 1.0);
}

#[test]
fn a_report_for_people_and_files_of_it() {
    let shop = Workshop::open();
    let here = folder();
    let (model, out) = (here.path().join("run"), here.path().join("report"));
    // A run of its own, as every look at the shared one is counted.
    copy_of(&shop.run(), &model);
    let ran =
        run("evaluate {} {} --out {} --week 2 --device cpu", &[&model, &shop.sequences(), &out]).expect(0).says(&[
            "Forecast at the end of week 2",
            "AUC",
            "inactivity",
            "those still active",
            "first evaluation of this test part",
        ]);
    for line in ran.stdout.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    assert_eq!(names_in(&out), ["figures", "predictions.parquet", "report.html", "report.json", "report.txt"]);
    let page = fs::read_to_string(out.join("report.html")).expect("readable");
    assert!(
        page.contains("Forecast at the end of week 2") || page.contains("end of week 2"),
        "the page names its week"
    );
    assert!(
        names_in(&out.join("figures")).iter().any(|name| name.contains("roc")),
        "{:?}",
        names_in(&out.join("figures"))
    );
    assert_eq!(fs::read_to_string(out.join("report.txt")).expect("readable"), ran.stdout);
    let json: Value = serde_json::from_slice(&fs::read(out.join("report.json")).expect("readable")).expect("JSON");
    assert_eq!(json["week"], 2);
    // The demo's simulated learners leave no answer among their features, and nothing of the future in a forecast.
    assert_eq!(json["leakage"]["passed"], true, "{}", json["leakage"]);
    assert!(json["leakage"]["future"]["rows"].as_u64() > Some(0), "{}", json["leakage"]);
    assert_eq!(json["leakage"]["dealt_labels"]["draws"], 20, "{}", json["leakage"]);
}

#[test]
fn rows_that_were_trained_on_are_refused_unless_asked_for() {
    let shop = Workshop::open();
    let printed = run("inspect {} --json", &[&shop.run()]).expect(0).json();
    let trained = printed["training"][0][0].as_str().expect("a course").to_owned();
    let tested = printed["test"][0][0].as_str().expect("a course").to_owned();
    let line = format!("evaluate {{}} {{}} --device cpu --json --courses {trained}");
    run(&line, &[&shop.run(), &shop.sequences()]).expect(2).complains(&["trained on", "--in-sample"]);
    let report = run(&format!("{line} --in-sample"), &[&shop.run(), &shop.sequences()]).expect(0).json();
    assert_eq!(report["kind"], "in-sample");
    let line = format!("evaluate {{}} {{}} --device cpu --json --courses {tested}");
    let one = run(&line, &[&shop.run(), &shop.sequences()]).expect(0).json();
    assert_eq!(one["kind"], "forecast");
    run("evaluate {} {} --courses nowhere", &[&shop.run(), &shop.sequences()]).expect(2).complains(&[
        "nowhere",
        "the nearest are",
        "courses more",
    ]);
}

#[test]
fn scores_are_written_in_three_formats_with_the_same_rows() {
    let shop = Workshop::open();
    let here = folder();
    let csv = here.path().join("scores.csv");
    let jsonl = here.path().join("scores.jsonl");
    let parquet = here.path().join("scores.parquet");
    for out in [&csv, &jsonl, &parquet] {
        run("score {} {} --out {} --device cpu", &[&shop.run(), &shop.sequences(), out]).expect(0).says(&[
            "Scored  ",
            "at the end of week 4",
            "At risk",
        ]);
    }
    assert_eq!(names_in(here.path()), ["scores.csv", "scores.jsonl", "scores.parquet"]);
    let csv = fs::read_to_string(&csv).expect("readable");
    let mut lines = csv.lines();
    assert_eq!(
        lines.next(),
        Some("course_id,enrolment_id,learner_id,week,p_dropout,at_risk,rank,status,reason,trained_on")
    );
    let rows: Vec<Value> = fs::read_to_string(&jsonl)
        .expect("readable")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(rows.len(), lines.count());
    assert!(fs::read(&parquet).expect("readable").starts_with(b"PAR1"));

    // Ranks follow probabilities, and nobody without a score has one.
    let mut scored: Vec<(u64, f64)> = Vec::new();
    for row in &rows {
        match row["p_dropout"].as_f64() {
            Some(p) => {
                assert!(row["status"] == "scored" && (0.0..=1.0).contains(&p), "{row}");
                scored.push((row["rank"].as_u64().expect("a rank"), p));
            }
            None => {
                assert!(row["status"] != "scored" && row["rank"].is_null() && row["at_risk"].is_null(), "{row}");
                assert!(row["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{row}");
            }
        }
    }
    scored.sort_by_key(|&(rank, _)| rank);
    assert!(scored.len() > 100 && scored.iter().zip(1..).all(|(&(rank, _), expected)| rank == expected));
    assert!(scored.is_sorted_by(|one, next| one.1 >= next.1));
}

#[test]
fn scoring_says_what_it_did_as_json_and_takes_weeks_and_courses() {
    let shop = Workshop::open();
    let here = folder();
    let out = here.path().join("scores.jsonl");
    let printed = run("inspect {} --json", &[&shop.run()]).expect(0).json();
    let (course, size) =
        (printed["test"][0][0].as_str().expect("a course"), printed["test"][0][1].as_u64().expect("a count"));
    let line = format!("score {{}} {{}} --out {{}} --json --device cpu --week 1 --courses {course}");
    let printed = run(&line, &[&shop.run(), &shop.sequences(), &out]).expect(0).json();
    assert_eq!(printed["week"], 1);
    assert!(printed["rows"].as_u64().expect("a count") >= size);
    let statuses = printed["statuses"].as_object().expect("by status");
    assert_eq!(statuses.values().filter_map(Value::as_u64).sum::<u64>(), printed["rows"].as_u64().expect("a count"));
    assert!(statuses.contains_key("not_yet_known"), "some learners join late: {statuses:?}");
    run("score {} {} --out {} --week 99", &[&shop.run(), &shop.sequences(), &out]).expect(2).complains(&["week 99"]);
}

#[test]
fn auto_computes_little_work_on_the_cpu_and_says_why() {
    let shop = Workshop::open();
    let here = folder();
    let out = here.path().join("scores.csv");
    let ran = run("score {} {} --out {}", &[&shop.run(), &shop.sequences(), &out]).expect(0);
    let line = ran.stderr.lines().find(|line| line.starts_with("device")).expect("it says so");
    let with_gpus = cfg!(feature = "wgpu") || cfg!(feature = "cuda");
    let why =
        if with_gpus { "this is predicted to take less than 0.1 s there" } else { "this build has no GPU backend" };
    assert!(line.contains("flex on the CPU, since") && line.contains(why), "{line}");
}

#[test]
fn a_run_is_said_in_words_and_json() {
    let shop = Workshop::open();
    run("inspect {}", &[&shop.run()]).expect(0).says(&[
        "A run of Staycast",
        "Trained on  ",
        "an LSTM of 8 units",
        "Device",
        "Test",
        "Reads",
    ]);
    let printed = run("inspect {} --json", &[&shop.run()]).expect(0).json();
    assert_eq!(printed["kind"], "run");
    assert_eq!(printed["manifest"]["members"].as_array().map(Vec::len), Some(2));
    assert_eq!(printed["config"]["model"]["hidden"], 8);
}

#[test]
fn folds_give_out_of_fold_predictions_to_evaluate_and_no_model() {
    let shop = Workshop::open();
    let here = folder();
    let out = here.path().join("cv");
    let line =
        format!("train {{}} --out {{}} --folds 2 --repeats 2 --json --model lstm {SMALL} --set training.epochs=2");
    let printed = run(&line, &[&shop.sequences(), &out]).expect(0).json();
    assert_eq!(printed["manifest"]["folds"]["repeats"], 2);
    assert_eq!(printed["manifest"]["split_kind"], "learner");
    let report = run("evaluate {} {} --json", &[&out, &shop.sequences()]).expect(0).json();
    assert_eq!(report["repeats"].as_array().map(Vec::len), Some(2));
    assert!(report["cohorts"]["all"]["auc"].as_f64().is_some_and(|auc| auc > 0.55), "{}", report["cohorts"]["all"]);
    run("evaluate {} {}", &[&out, &shop.sequences()]).expect(0).says(&["mean over 2 repeats", "AUC by repeat"]);
    let scores = here.path().join("scores.csv");
    run("score {} {} --out {}", &[&out, &shop.sequences(), &scores]).expect(1).complains(&["cross-validation"]);
    assert!(!scores.exists());
    run("inspect {}", &[&out]).expect(0).says(&["A cross-validation"]);
}

#[test]
fn settings_come_from_file_then_set_then_flags_and_are_kept() {
    let shop = Workshop::open();
    let here = folder();
    let (config, out) = (here.path().join("my.toml"), here.path().join("run"));
    fs::write(&config, "[model]\nkind = \"lstm\"\nhidden = 4\n[training]\nepochs = 1\nseed = 5\n").expect("writable");
    let printed = run("inspect {} --json", &[&shop.sequences()]).expect(0).json();
    let courses: Vec<&str> =
        printed["courses"].as_array().expect("a list").iter().filter_map(|course| course["course"].as_str()).collect();
    let line = format!(
        "train {{}} --out {{}} --config {{}} --set model.hidden=6 --set ensemble.members=2 \
         --set ensemble.validation_folds=2 --seed 9 --device cpu --train-courses {},{} --test-courses {}",
        courses[0], courses[1], courses[2]
    );
    run(&line, &[&shop.sequences(), &out, &config]).expect(0).says(&["an LSTM of 6 units", "Next: staycast evaluate"]);
    let printed = run("inspect {} --json", &[&out]).expect(0).json();
    assert_eq!(printed["config"]["model"]["hidden"], 6);
    assert_eq!(printed["config"]["training"]["epochs"], 1);
    assert_eq!(printed["config"]["training"]["seed"], 9);
    assert_eq!(printed["test"].as_array().map(Vec::len), Some(1));
    assert_eq!(printed["test"][0][0], courses[2]);
    assert_eq!(printed["training"].as_array().map(Vec::len), Some(2));

    // The stored configuration alone makes the same run again.
    let again = here.path().join("again");
    run("train {} --out {} --config {} --device cpu", &[&shop.sequences(), &again, &out.join("config.toml")]).expect(0);
    assert_same_bytes(&out, &again);
}

#[test]
fn any_number_of_threads_trains_the_same_bytes() {
    let shop = Workshop::open();
    let here = folder();
    let [one, two, three] = ["one", "two", "three"].map(|name| here.path().join(name));
    for (threads, out) in [(1, &one), (2, &two), (3, &three)] {
        let line =
            format!("train {{}} --out {{}} --threads {threads} --model lstm {SMALL} --set training.epochs=2 --seed 3");
        run(&line, &[&shop.sequences(), out]).expect(0);
    }
    assert_same_bytes(&one, &two);
    assert_same_bytes(&one, &three);
    let other = here.path().join("other");
    let line = format!("train {{}} --out {{}} --model lstm {SMALL} --set training.epochs=2 --seed 4");
    run(&line, &[&shop.sequences(), &other]).expect(0);
    let model = |run: &std::path::Path| fs::read(run.join("model.safetensors")).expect("readable");
    assert!(model(&one) != model(&other), "another seed is another run");
}

#[test]
fn a_running_course_is_scored_up_to_what_was_observed() {
    let shop = Workshop::open();
    let here = folder();
    let (today, scores) = (here.path().join("today"), here.path().join("scores.jsonl"));
    // In the third wave's third week: the first waves' courses are long over.
    run("preprocess {} --out {} --as-of 2024-08-16", &[&shop.logs(), &today]).expect(0);
    run("score {} {} --out {} --device cpu", &[&shop.run(), &today, &scores]).expect(0);
    let text = fs::read_to_string(&scores).expect("readable");
    assert!(text.contains("weeks were over when the log was taken"), "no course was still running");
}

/// Invariant 1, through the whole line: what happens after the cut-off changes no score, nor who has one.
#[test]
fn later_events_change_no_score() {
    let shop = Workshop::open();
    let here = folder();
    let (logs, later) = (here.path().join("logs"), here.path().join("later"));
    copy_of(&shop.logs(), &logs);
    let read = |name: &str| fs::read_to_string(logs.join(name)).expect("readable");
    let dates = read("date.csv");
    let last_day = |course: &str| {
        let line = dates.lines().find(|line| line.split(',').next() == Some(course)).expect("every course has dates");
        line.rsplit(',').next().expect("a last day").to_owned()
    };
    let enrolments = read("enrollment.csv");
    let enrolments: Vec<Vec<&str>> = enrolments.lines().skip(1).map(|line| line.split(',').collect()).collect();
    // What a learner does at the end of one course may be seen before the cut-off of another that began later.
    let in_one_course = |learner: &str| enrolments.iter().filter(|fields| fields[1] == learner).count() == 1;
    let mut log = read("log.csv");
    for fields in enrolments.iter().filter(|fields| in_one_course(fields[1])).step_by(3) {
        let (enrolment, course) = (fields[0], fields[2]);
        for hour in 8..20 {
            log += &format!("{enrolment},{}T{hour:02}:00:00,browser,video,new-{hour}\n", last_day(course));
        }
    }
    fs::write(logs.join("log.csv"), log).expect("writable");
    run("preprocess {} --out {} --quiet", &[&logs, &later]).expect(0);
    let scores = |sequences: &std::path::Path, week: u32| {
        let out = here.path().join("scores.csv");
        let line = format!("score {{}} {{}} --out {{}} --device cpu --week {week}");
        run(&line, &[&shop.run(), sequences, &out]).expect(0);
        fs::read_to_string(&out).expect("readable")
    };
    for week in [1, 4, 7] {
        assert!(scores(&shop.sequences(), week) == scores(&later, week), "week {week}");
    }
    assert!(scores(&shop.sequences(), 8) != scores(&later, 8), "the last week has seen them");
}

#[test]
fn csv_for_spreadsheets_has_a_byte_order_mark_and_no_formulas() {
    let shop = Workshop::open();
    let here = folder();
    let (logs, sequences) = (here.path().join("logs"), here.path().join("sequences"));
    copy_of(&shop.logs(), &logs);
    let enrolments = fs::read_to_string(logs.join("enrollment.csv")).expect("readable");
    let names = ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "-5"];
    let renamed = enrolments.lines().enumerate().map(|(place, line)| {
        let fields: Vec<&str> = line.split(',').collect();
        match names.get(place.wrapping_sub(1)) {
            Some(name) => format!("{},{name},{}\n", fields[0], fields[2]),
            None => format!("{line}\n"),
        }
    });
    fs::write(logs.join("enrollment.csv"), renamed.collect::<String>()).expect("writable");
    run("preprocess {} --out {} --quiet", &[&logs, &sequences]).expect(0);
    let (plain, excel) = (here.path().join("plain.csv"), here.path().join("excel.csv"));
    run("score {} {} --out {} --device cpu", &[&shop.run(), &sequences, &plain]).expect(0);
    run("score {} {} --out {} --device cpu --excel", &[&shop.run(), &sequences, &excel]).expect(0);
    let (plain, excel) = (fs::read_to_string(plain).expect("readable"), fs::read_to_string(excel).expect("readable"));
    let excel = excel.strip_prefix('\u{feff}').expect("a byte-order mark");
    assert!(!plain.starts_with('\u{feff}'));
    assert_eq!(plain.lines().next(), excel.lines().next());
    for name in &names[..4] {
        assert!(plain.contains(&format!(",{name},")), "{name}");
        assert!(excel.contains(&format!(",'{name},")), "{name}");
    }
    // A number is no formula.
    assert!(excel.contains(",-5,"));
    let cells = excel.lines().skip(1).flat_map(|line| line.split(','));
    for cell in cells.filter(|cell| cell.starts_with(['=', '+', '-', '@', '\t', '\r'])) {
        assert!(cell.parse::<f64>().is_ok(), "{cell}");
    }
    // All else is the same.
    let plainer = names[..4].iter().fold(excel.to_owned(), |text, name| text.replace(&format!("'{name}"), name));
    assert_eq!(plainer, plain);

    let out = here.path().join("scores.parquet");
    run("score {} {} --out {} --excel", &[&shop.run(), &sequences, &out]).expect(2).complains(&["--excel", ".csv"]);
    assert!(!out.exists());
}

#[test]
fn endings_are_compared_without_case_and_missing_folders_are_made() {
    let shop = Workshop::open();
    let here = folder();
    let (csv, other) = (here.path().join("SCORES.CSV"), here.path().join("new/folder/scores.csv"));
    for out in [&csv, &other] {
        run("score {} {} --out {} --device cpu", &[&shop.run(), &shop.sequences(), out]).expect(0);
    }
    assert_eq!(fs::read(&csv).expect("written"), fs::read(&other).expect("written"));
    assert_eq!(names_in(here.path()), ["SCORES.CSV", "new"]);
    let parquet = here.path().join("scores.Parquet");
    run("score {} {} --out {} --device cpu", &[&shop.run(), &shop.sequences(), &parquet]).expect(0);
    assert!(fs::read(&parquet).expect("written").starts_with(b"PAR1"));

    // A folder that can't be made is named as it was written, not by a temporary name.
    let file = here.path().join("file");
    fs::write(&file, "").expect("writable");
    let nowhere = file.join("deeper/scores.csv");
    let ran = run("score {} {} --out {} --device cpu", &[&shop.run(), &shop.sequences(), &nowhere]).expect(1);
    assert!(ran.stderr.contains(&file.join("deeper").display().to_string()), "{}", ran.stderr);
    assert!(!ran.stderr.contains(".scores.csv."), "{}", ran.stderr);

    let archive = here.path().join("archives/run.tar.zst");
    // Other tests evaluate the shared run meanwhile.
    let own = here.path().join("own");
    copy_of(&shop.run(), &own);
    let _ = fs::remove_file(own.join("evaluations.jsonl"));
    run("runs export {} --out {}", &[&own, &archive]).expect(0);
    let imported = here.path().join("other/run");
    run("runs import {} --out {}", &[&archive, &imported]).expect(0);
    let model = here.path().join("models/model.onnx");
    run("runs onnx {} --out {}", &[&shop.run(), &model]).expect(0);
}

#[test]
fn figures_without_intervals_explain_none() {
    let shop = Workshop::open();
    let line = "evaluate {} {} --device cpu --check-leakage never";
    let paths = [shop.run(), shop.sequences()];
    let said = |line: &str| {
        let ran = run(line, &[&paths[0], &paths[1]]).expect(0);
        ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let (with, without) = (said(line), said(&format!("{line} --resamples 0")));
    // Ranges over draws are explained where there are any, and nowhere else.
    assert_eq!(with.contains("such draws"), with.contains("Drawing "), "{with}");
    assert!(!without.contains("such draws") && !without.contains("Drawing "), "{without}");
}
