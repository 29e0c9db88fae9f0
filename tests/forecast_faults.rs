//! `staycast train`, `evaluate` and `score` when things go wrong: kills, full disks, other versions, other features.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{
    SMALL, Workshop, arguments, assert_same_bytes, command, copy_of, folder, kill_when, names_in, replace_in, run,
    run_with_file_limit,
};
use serde_json::{Value, json};

#[test]
fn a_killed_training_goes_on_and_ends_with_the_same_bytes() {
    let shop = Workshop::open();
    let here = folder();
    let (whole, killed) = (here.path().join("whole"), here.path().join("killed"));
    let settings = format!("{SMALL} --set training.epochs=25 --set training.patience=25");
    run(&format!("train {{}} --out {{}} {settings}"), &[&shop.sequences(), &whole]).expect(0);

    let line = format!("train {{}} --out {{}} --resume {settings}");
    let line = arguments(&line, &[&shop.sequences(), &killed]);
    let epochs_done = |wanted: usize| {
        let killed = killed.clone();
        move || {
            let file = killed.join("checkpoints/member0.safetensors");
            // The state tells its own epochs.
            fs::read(file).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).matches("epoch").count() > wanted)
        }
    };
    let mut kills = 0;
    for wanted in [0, 4, 9] {
        kills += u32::from(kill_when(command(&line), epochs_done(wanted)));
        assert!(!killed.join("manifest.json").exists(), "a killed run is not finished");
        run("evaluate {} {}", &[&killed, &shop.sequences()]).expect(1).complains(&["not finished", "--resume"]);
    }
    assert!(kills >= 2, "training was over before it could be killed");
    common::staycast(&line).expect(0);
    assert_same_bytes(&whole, &killed);
}

#[test]
fn resume_begins_goes_on_or_keeps() {
    let shop = Workshop::open();
    let here = folder();
    let out = here.path().join("run");
    let line = format!("train {{}} --out {{}} --resume --json {SMALL} --set training.epochs=1");
    assert_eq!(run(&line, &[&shop.sequences(), &out]).expect(0).json()["kept"], false);
    assert_eq!(run(&line, &[&shop.sequences(), &out]).expect(0).json()["kept"], true);
    // Without flags the run's own settings hold.
    assert_eq!(run("train {} --out {} --resume --json", &[&shop.sequences(), &out]).expect(0).json()["kept"], true);
    run(&format!("{line} --seed 99"), &[&shop.sequences(), &out]).expect(1).complains(&["other settings"]);
    let other = here.path().join("sequences");
    run("preprocess {} --out {} --weeks 5 --quiet", &[&shop.logs(), &other]).expect(0);
    run(&line, &[&other, &out]).expect(1).complains(&["other sequences"]);
}

#[test]
fn an_existing_run_is_refused() {
    let shop = Workshop::open();
    let before = fs::read(shop.run().join("manifest.json")).expect("readable");
    run("train {} --out {}", &[&shop.sequences(), &shop.run()]).expect(1).complains(&["finished run"]);
    assert_eq!(fs::read(shop.run().join("manifest.json")).expect("readable"), before);
    let here = folder();
    fs::write(here.path().join("chapter-1.txt"), "years of work").expect("writable");
    run("train {} --out {}", &[&shop.sequences(), here.path()]).expect(1);
    run("train {} --out {} --resume", &[&shop.sequences(), here.path()]).expect(1);
    assert_eq!(names_in(here.path()), ["chapter-1.txt"]);
}

#[test]
fn a_full_disk_finishes_no_run_and_writes_no_scores() {
    let shop = Workshop::open();
    let here = folder();
    let (out, scores) = (here.path().join("run"), here.path().join("scores.csv"));
    let line = format!("train {{}} --out {{}} {SMALL}");
    run_with_file_limit(4, &line, &[&shop.sequences(), &out]).expect(1).complains(&["error:"]);
    assert!(!out.join("manifest.json").exists() && !out.join("model.safetensors").exists());
    run_with_file_limit(4, "score {} {} --out {} --device cpu", &[&shop.run(), &shop.sequences(), &scores]).expect(1);
    assert!(!names_in(here.path()).contains(&"scores.csv".to_owned()));
    assert!(names_in(here.path()).iter().all(|name| name == "run"), "{:?}", names_in(here.path()));
    // With room again, the run goes on.
    run(&format!("{line} --resume"), &[&shop.sequences(), &out]).expect(0);
}

#[test]
fn outputs_that_cannot_be_written_are_errors() {
    let shop = Workshop::open();
    let nowhere = Path::new("/dev/null/out");
    run("train {} --out {}", &[&shop.sequences(), nowhere]).expect(1);
    run("score {} {} --out {}", &[&shop.run(), &shop.sequences(), &nowhere.join("x.csv")]).expect(1);
    run("evaluate {} {} --out {}", &[&shop.run(), &shop.sequences(), nowhere]).expect(1).complains(&["cannot make"]);
}

#[test]
fn other_versions_are_refused_by_name() {
    let shop = Workshop::open();
    let here = folder();
    let (sequences, model) = (here.path().join("sequences"), here.path().join("run"));
    copy_of(&shop.sequences(), &sequences);
    replace_in(&sequences.join("manifest.json"), "\"layout_version\": 3", "\"layout_version\": 99");
    for line in ["train {} --out run", "inspect {}"] {
        run(line, &[&sequences]).expect(1).complains(&["version 99", "preprocess"]);
    }
    run("evaluate {} {}", &[&shop.run(), &sequences]).expect(1).complains(&["version 99"]);
    copy_of(&shop.run(), &model);
    replace_in(&model.join("manifest.json"), "\"run_version\": 2", "\"run_version\": 99");
    run("evaluate {} {}", &[&model, &shop.sequences()]).expect(1).complains(&["99", "train it again"]);
    run("inspect {}", &[&model]).expect(1).complains(&["99"]);
}

#[test]
fn damaged_files_are_named() {
    let shop = Workshop::open();
    let here = folder();
    let (sequences, model) = (here.path().join("sequences"), here.path().join("run"));
    copy_of(&shop.run(), &model);
    let file = model.join("model.safetensors");
    let bytes = fs::read(&file).expect("readable");
    fs::write(&file, &bytes[..bytes.len() / 2]).expect("writable");
    run("evaluate {} {}", &[&model, &shop.sequences()]).expect(1).complains(&["model.safetensors"]);
    copy_of(&shop.sequences(), &sequences);
    fs::write(sequences.join("sequences.parquet"), "PAR1 and nothing more").expect("writable");
    run("evaluate {} {}", &[&shop.run(), &sequences]).expect(1).complains(&["sequences.parquet"]);
    run("train {} --out {}", &[&sequences, &here.path().join("out")]).expect(1).complains(&["sequences.parquet"]);
}

#[test]
fn sequences_without_what_the_run_reads_are_refused_by_name() {
    let shop = Workshop::open();
    let here = folder();
    let core = here.path().join("core");
    run("preprocess {} --out {} --features core --quiet", &[&shop.logs(), &core]).expect(0);
    let scores = here.path().join("scores.csv");
    run("score {} {} --out {}", &[&shop.run(), &core, &scores]).expect(1).complains(&["n_weekday_mon"]);
    run("evaluate {} {} --in-sample", &[&shop.run(), &core]).expect(1).complains(&["n_weekday_mon"]);
    assert!(!scores.exists());
}

#[test]
fn labels_that_mean_something_else_are_refused() {
    let shop = Workshop::open();
    let here = folder();
    let other = here.path().join("other");
    run("preprocess {} --out {} --dropout inactive-last=2 --quiet", &[&shop.logs(), &other]).expect(0);
    run("evaluate {} {}", &[&shop.run(), &other]).expect(1).complains(&["inactive-last 2", "labels-file"]);
    // Under this rule the answer of an eight-week course begins to show after week 6.
    let out = here.path().join("run");
    let line = format!("train {{}} --out {{}} {SMALL} --set training.target_week=7");
    run(&line, &[&other, &out]).expect(2).complains(&["week 7", "6"]);
    let line = format!("train {{}} --out {{}} {SMALL} --set training.epochs=1");
    run(&line, &[&other, &out]).expect(0);
    run("evaluate {} {} --week 7", &[&out, &other]).expect(2).complains(&["week 7"]);
}

#[test]
fn sequences_and_runs_in_each_others_place_are_named() {
    let shop = Workshop::open();
    let here = folder();
    run("evaluate {} {}", &[&shop.sequences(), &shop.sequences()])
        .expect(1)
        .complains(&["is not a run: it is a folder of sequences; name a folder that `staycast train` wrote"]);
    run("train {} --out {}", &[&shop.run(), &here.path().join("run")])
        .expect(1)
        .complains(&["not a sequences folder (it is a run); name a folder that `staycast preprocess` wrote"]);
}

#[test]
fn courses_that_are_not_there_are_wrong_usage() {
    let shop = Workshop::open();
    let here = folder();
    let out = here.path().join("run");
    run("train {} --out {} --test-courses nowhere-1", &[&shop.sequences(), &out]).expect(2).complains(&["nowhere-1"]);
    run("train {} --out {} --train-courses nowhere-1", &[&shop.sequences(), &out]).expect(2).complains(&["nowhere-1"]);
    assert!(!out.exists());
}

/// Writes a log of courses A, B, … of eight weeks with `learners` each: every other one stops in week 3, the others go on to
/// two days before the end. Returns the folder of its sequences, preprocessed with `flags`.
fn sequences_of_courses(here: &Path, courses: u8, learners: u32, flags: &str) -> PathBuf {
    let mut log = "user,course,at,what\n".to_owned();
    let mut dates = "course_id,from,to\n".to_owned();
    for course in (b'A'..b'A' + courses).map(char::from) {
        dates += &format!("{course},2023-09-04,2023-10-29\n");
        for learner in 0..learners {
            let last = if learner % 2 == 1 { 54 } else { 20 };
            for day in (0..last).step_by(3 + learner as usize % 3) {
                let (month, day) = if day < 27 { (9, day + 4) } else { (10, day - 26) };
                log += &format!("{course}{learner},{course},2023-{month:02}-{day:02}T10:00:00,video\n");
            }
        }
    }
    fs::write(here.join("log.csv"), log).expect("writable");
    fs::write(here.join("dates.csv"), dates).expect("writable");
    let mapping = "[log]\nfiles = [\"log.csv\"]\n[log.columns]\nlearner = \"user\"\ncourse = \"course\"\n\
                   time = { column = \"at\", format = \"iso\" }\nactivity = \"what\"\n[activities.kinds]\nvideo = \"video\"\n";
    fs::write(here.join("mapping.toml"), mapping).expect("writable");
    let sequences = here.join("sequences");
    let line = format!("preprocess {{}} --mapping {{}} --courses {{}} --out {{}} {flags}");
    let (log, mapping, dates) = (here.join("log.csv"), here.join("mapping.toml"), here.join("dates.csv"));
    run(line.trim_end(), &[&log, &mapping, &dates, &sequences]).expect(0);
    sequences
}

#[test]
fn no_known_outcome_is_said_by_every_model_and_leaves_no_folder() {
    let here = folder();
    let sequences = sequences_of_courses(here.path(), 2, 20, "");
    let out = here.path().join("run");
    for model in ["", " --model logistic", " --model blend"] {
        let line = format!("train {{}} --out {{}} --set training.epochs=1{model}");
        run(&line, &[&sequences, &out]).expect(1).complains(&[
            "no outcome is known yet",
            "none of the 40 enrolments has a label under `inactive-last 2`",
            "none of the 2 courses was over when the log was taken",
            "--as-of DATE",
        ]);
        assert!(!out.exists(), "{model}");
    }
    for command in ["compare", "tune"] {
        run(&format!("{command} {{}} --out {{}}"), &[&sequences, &out]).expect(1);
        assert!(!out.exists(), "{command} leaves {:?}", names_in(&out));
    }
}

#[test]
fn scores_of_learners_that_were_trained_on_are_counted() {
    let shop = Workshop::open();
    let here = folder();
    let out = here.path().join("scores.csv");
    let scored = run("score {} {} --out {} --json", &[&shop.run(), &shop.sequences(), &out]).expect(0).json();
    let trained_on = scored["trained_on"].as_u64().expect("a count");
    let with_score = scored["statuses"]["scored"].as_u64().expect("a count");
    assert!(0 < trained_on && trained_on < with_score, "{trained_on} of {with_score}: the test part is not trained on");
    run("score {} {} --out {}", &[&shop.run(), &shop.sequences(), &out])
        .expect(0)
        .says(&["of learners in the training set"]);
}

#[test]
fn a_refused_evaluation_leaves_no_folder() {
    let shop = Workshop::open();
    let here = folder();
    let out = here.path().join("report");
    run("evaluate {} {} --week 40 --out {}", &[&shop.run(), &shop.sequences(), &out]).expect(2);
    assert!(!out.exists());
}

#[test]
fn too_few_learners_are_said_in_the_users_terms_and_leave_no_folder() {
    let here = folder();
    let sequences = sequences_of_courses(here.path(), 1, 12, "--as-of 2023-10-30");
    let out = here.path().join("run");
    for flags in ["", " --resume", " --model logistic"] {
        let line = format!("train {{}} --out {{}} --split learner --set training.epochs=1{flags}");
        let ran =
            run(&line, &[&sequences, &out]).expect(1).complains(&["too few learners", "ensemble.validation_folds"]);
        assert!(!ran.stderr.contains("fold 0") && !ran.stderr.contains("member"), "{}", ran.stderr);
        assert!(!out.exists(), "{flags}");
    }
    // Fewer learners than parts.
    let few = folder();
    let fewer = sequences_of_courses(few.path(), 1, 5, "--as-of 2023-10-30");
    let ran = run("train {} --out {} --split learner", &[&fewer, &out]).expect(1);
    ran.complains(&["too few learners", "5 parts are to be held out", "--set ensemble.validation_folds"]);
    assert!(!out.exists());
    // Two parts are enough here.
    let line = "train {} --out {} --split learner --set training.epochs=1 --set ensemble.validation_folds=2";
    run(line, &[&sequences, &out]).expect(0);
}

#[test]
fn a_single_learner_is_no_training_set() {
    let here = folder();
    let sequences = sequences_of_courses(here.path(), 1, 1, "--as-of 2023-10-30");
    let out = here.path().join("run");
    for split in ["learner", "course", "random"] {
        run(&format!("train {{}} --out {{}} --split {split}"), &[&sequences, &out]).expect(2).complains(&["error: "]);
        assert!(!out.exists());
    }
}

#[test]
fn a_training_that_diverges_leaves_nothing_to_resume() {
    let shop = Workshop::open();
    let here = folder();
    let out = here.path().join("run");
    let line = format!("train {{}} --out {{}} {SMALL} --track tensorboard --set training.learning_rate=1e38");
    for resume in ["", " --resume"] {
        let ran = run(&format!("{line}{resume}"), &[&shop.sequences(), &out]).expect(1);
        let ran = ran.complains(&["the loss is not a number", "training.learning_rate"]);
        assert!(!ran.stderr.contains("fold") && !ran.stderr.contains("member"), "{}", ran.stderr);
        assert!(!out.exists(), "{:?}", names_in(&out));
    }
}

#[test]
fn a_course_shorter_than_the_asked_week_is_said_so() {
    let here = folder();
    let at = |name: &str| here.path().join(name);
    run("simulate --learners 300 --weeks 3 --courses 2 --out {} --quiet", &[&at("short")]).expect(0);
    run("simulate --learners 300 --weeks 8 --courses 2 --seed 5 --out {} --quiet", &[&at("long")]).expect(0);
    run("preprocess {} --out {} --quiet", &[&at("short"), &at("sequences")]).expect(0);
    let too_short = ["no course has so many weeks, as the longest has 3", "the last week that can be forecast is 3"];
    run("train {} --out {} --set training.target_week=4", &[&at("sequences"), &at("run")])
        .expect(2)
        .complains(&too_short);
    assert!(!at("run").exists());
    run(&format!("train {{}} --out {{}} {SMALL} --set training.target_week=2"), &[&at("sequences"), &at("run")])
        .expect(0);
    run("evaluate {} {} --week 4", &[&at("run"), &at("sequences")]).expect(2).complains(&too_short);

    let both = [format!("a={}", at("short").display()), format!("b={}", at("long").display())];
    let both =
        ["preprocess", "--institution", &both[0], "--institution", &both[1], "--quiet", "--out"].map(str::to_owned);
    common::staycast(both.iter().cloned().chain([at("mixed").display().to_string()])).expect(0);
    let line = format!("train {{}} --out {{}} {SMALL} --split learner --set training.target_week=4");
    run(&line, &[&at("mixed"), &at("mixed-run")]).expect(0);
    let evaluated = run("evaluate {} {} --week 4 --json", &[&at("mixed-run"), &at("mixed")]).expect(0).json();
    let left_out = evaluated["left_out"]["the course has fewer weeks"].as_u64().expect("learners of short courses");
    run("score {} {} --week 4 --out {}", &[&at("mixed-run"), &at("mixed"), &at("scores.csv")]).expect(0);
    let scores = fs::read_to_string(at("scores.csv")).expect("scores");
    let short: Vec<&str> = scores.lines().filter(|line| line.starts_with("a:")).collect();
    assert!(short.len() as u64 > left_out, "{left_out} of {}", short.len());
    for row in short {
        assert!(row.contains("course_too_short") && row.contains("the course has no week 4, it ends after 3"), "{row}");
    }
    let ran = run("score {} {} --week 4 --out {}", &[&at("mixed-run"), &at("sequences"), &at("none.csv")]).expect(0);
    ran.complains(&["no enrolment could be scored; the column `reason` says why"]);
}

/// The command that preprocess prints last, with flags that make it quick.
fn suggested(preprocessed: &common::Ran) -> String {
    let line = preprocessed.stdout.lines().find_map(|line| line.strip_prefix("Next: staycast "));
    format!("{} {SMALL} --quiet", line.unwrap_or_else(|| panic!("no command in\n{}", preprocessed.stdout)))
}

#[test]
fn the_command_that_preprocess_suggests_trains_on_short_courses_too() {
    let here = folder();
    let at = |name: &str| here.path().join(name);
    run("simulate --learners 300 --weeks 3 --courses 2 --out {} --quiet", &[&at("logs")]).expect(0);
    for (name, rule, week) in [("labels", "", 3), ("inactive", " --dropout inactive-last=1", 2)] {
        let (out, model) = (at(name), at(&format!("run-{name}")));
        let done = run(&format!("preprocess {{}} --out {{}}{rule}"), &[&at("logs"), &out]).expect(0);
        let line = suggested(&done).replace("--out run ", &format!("--out {} ", model.display()));
        run(&line, &[]).expect(0);
        let text = fs::read_to_string(model.join("manifest.json")).expect("a run");
        let manifest: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(manifest["target_week"], week);
        assert_eq!(manifest["adaptations"], json!([{ "target_week": { "usual": 4, "chosen": week } }]));
    }
    // The weeks that the rule leaves are none.
    let done = run("preprocess {} --out {} --dropout inactive-last=3", &[&at("logs"), &at("none")]).expect(0);
    done.says(&["Next: preprocess with another --dropout rule or longer courses"]);
}

#[test]
fn a_forecast_that_can_not_rest_on_activity_is_said_to() {
    let shop = Workshop::open();
    let here = folder();
    let line = format!("train {{}} --out {{}} --split time --quiet {SMALL} --set inputs.include=[\"n_live\"]");
    let warning = "warning: in no week does what learners did differ among the enrolments to train on";
    run(&line, &[&shop.sequences(), &here.path().join("run")]).expect(0).complains(&[warning]);
    let done = run(&line.replace("n_live", "n_events"), &[&shop.sequences(), &here.path().join("other")]).expect(0);
    assert!(!done.stderr.contains("warning"), "{}", done.stderr);
}

#[test]
fn a_course_key_is_found_however_it_is_written_and_the_nearest_are_named() {
    let shop = Workshop::open();
    let known = run("inspect {} --json", &[&shop.sequences()]).expect(0).json();
    let first = known["courses"][0]["course"].as_str().expect("a course").to_owned();
    let near = format!("{first}x");
    for line in ["evaluate {} {} --courses", "score {} {} --out scores.csv --courses"] {
        let done = run(&format!("{line} {near}"), &[&shop.run(), &shop.sequences()]).expect(2);
        done.complains(&[&format!("no course is called `{near}`; the nearest are {first}, ")]);
    }
    let done =
        run(&format!("train {{}} --out {{}} --test-courses {near}"), &[&shop.sequences(), &folder().path().join("r")]);
    done.expect(2).complains(&[&format!("no course is called `{near}`; the nearest are {first}, ")]);
}
