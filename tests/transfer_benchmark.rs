//! `staycast transfer`: tasks from courses to other courses, and the inputs that are chosen for them.

mod common;

use std::fs;
use std::path::Path;

use common::{Workshop, courses_of, folder, run, simulate};
use serde_json::Value;

/// Writes a file of tasks between the courses of simulated logs.
fn tasks(path: &Path, tasks: &[(&str, &str, &str)]) {
    let task = |(name, train, test): &(&str, &str, &str)| {
        format!("[[tasks]]\nname = \"{name}\"\nsequences = \"simulated\"\nweek = 4\ntrain = {train}\ntest = {test}\n\n")
    };
    fs::write(path, tasks.iter().map(task).collect::<String>()).expect("writable");
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).expect("readable")).expect("JSON")
}

#[test]
fn models_are_ranked_over_tasks_and_runs_are_kept() {
    let shop = Workshop::open();
    let here = folder();
    let names = courses_of(&shop.sequences());
    let (file, out) = (here.path().join("tasks.toml"), here.path().join("transfer"));
    let list = |courses: &[String]| format!("{courses:?}");
    let (first, second) = (list(&names[..2]), list(&names[2..3]));
    tasks(&file, &[("forth", &first, &second), ("back", &second, &first)]);
    let line = "transfer {} --sequences simulated={} --out {} --models days-since-last,rules --device cpu";
    let line = line.replacen("simulated={}", &format!("simulated={}", shop.sequences().display()), 1);
    let ran = run(&line, &[&file, &out]).expect(0).says(&[
        "forth",
        "back",
        "mean rank",
        "against first",
        "Those still active",
    ]);
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 100), "{}", ran.stdout);
    assert_eq!(fs::read_to_string(out.join("transfer.txt")).expect("readable").trim(), ran.stdout.trim());

    let found = json(&out.join("transfer.json"));
    let tasks = found["tasks"].as_array().expect("a list");
    assert_eq!(tasks.iter().map(|task| task["name"].as_str().expect("a name")).collect::<Vec<_>>(), ["forth", "back"]);
    for cohort in ["all", "active"] {
        let auc = |task: usize, model: usize| {
            tasks[task]["figures"][model]["cohorts"][cohort]["auc"].as_f64().expect("a number")
        };
        let rank: f64 = (0..2)
            .map(|task| {
                if auc(task, 0) > auc(task, 1) {
                    1.0
                } else if auc(task, 0) < auc(task, 1) {
                    2.0
                } else {
                    1.5
                }
            })
            .sum();
        let of = |model: usize| &found["models"][model]["cohorts"][cohort];
        assert_eq!(of(0)["mean_rank"].as_f64(), Some(rank / 2.0));
        assert!(of(0)["against_first"].is_null());
        let difference = (auc(0, 1) - auc(0, 0) + auc(1, 1) - auc(1, 0)) / 2.0;
        let told = of(1)["against_first"]["mean"].as_f64().expect("a number");
        assert!((told - difference).abs() < 1e-12, "{told} {difference}");
    }
    // The figures are those of the run by itself.
    let evaluated = run("evaluate {} {} --json --device cpu", &[&out.join("forth/rules"), &shop.sequences()]).expect(0);
    let evaluated: Value = serde_json::from_str(&evaluated.stdout).expect("JSON");
    assert_eq!(evaluated["cohorts"]["all"]["auc"], tasks[0]["figures"][1]["cohorts"]["all"]["auc"]);
    // Trained runs are kept.
    let manifest = fs::read(out.join("back/rules/manifest.json")).expect("readable");
    run(&line, &[&file, &out]).expect(0);
    assert_eq!(fs::read(out.join("back/rules/manifest.json")).expect("readable"), manifest);
    // A group is summed up apart.
    let text = fs::read_to_string(&file).expect("readable");
    fs::write(&file, format!("{}group = \"late\"\n", text.trim_end().to_owned() + "\n")).expect("writable");
    run(&line, &[&file, &out]).expect(0).says(&[
        "2 models on 2 tasks",
        "Those still active, over the 1 task on",
        "Group late. Those still active, over the 1 task",
    ]);
    let grouped = json(&out.join("transfer.json"));
    let mean = |models: &Value| models[1]["cohorts"]["all"]["mean_auc"].as_f64().expect("a number");
    assert_eq!(grouped["groups"][0]["group"], "late");
    for (task, models) in [(0, &grouped["models"]), (1, &grouped["groups"][0]["models"])] {
        assert_eq!(grouped["tasks"][task]["figures"], found["tasks"][task]["figures"]);
        assert_eq!(Some(mean(models)), found["tasks"][task]["figures"][1]["cohorts"]["all"]["auc"].as_f64());
    }
}

#[test]
fn peers_stand_in_the_table_and_courses_are_left_out_in_turn() {
    let shop = Workshop::open();
    let here = folder();
    let names = courses_of(&shop.sequences());
    let (file, out, peers) =
        (here.path().join("tasks.toml"), here.path().join("transfer"), here.path().join("peers.json"));
    let head = "[[tasks]]\nsequences = \"simulated\"\nweek = 4\n";
    let (few, last) = (&names[..3], names.len() - 1);
    fs::write(
        &file,
        format!(
            "{head}name = \"each\"\nleave_one_out = {few:?}\n\n\
             {head}name = \"forth\"\ntrain = {:?}\ntest = {:?}\n",
            &names[..last],
            &names[last..]
        ),
    )
    .expect("writable");
    let line = format!(
        "transfer {{}} --sequences simulated={} --out {{}} --models rules --device cpu",
        shop.sequences().display()
    );
    run(&line, &[&file, &out]).expect(0);
    let plain = json(&out.join("transfer.json"));
    // The figures of a task whose courses are left out in turn are the means of three runs.
    let left_out = &plain["tasks"][0];
    assert_eq!(left_out["left_out"], serde_json::json!(few));
    let aucs: Vec<f64> = (1..=3)
        .map(|part| {
            let ran = run(
                "evaluate {} {} --json --device cpu",
                &[&out.join(format!("each/{part}/rules")), &shop.sequences()],
            )
            .expect(0);
            let found: Value = serde_json::from_str(&ran.stdout).expect("JSON");
            assert_eq!(found["cohorts"]["all"]["n"].as_u64().map(|n| n > 0), Some(true));
            found["cohorts"]["all"]["auc"].as_f64().expect("a number")
        })
        .collect();
    let mean = left_out["figures"][0]["cohorts"]["all"]["auc"].as_f64().expect("a number");
    assert!((mean - aucs.iter().sum::<f64>() / 3.0).abs() < 1e-12, "{mean} {aucs:?}");

    // Another program's figures on one of the tasks, and then on other learners.
    let mut figures = plain["tasks"][1]["figures"].clone();
    figures[0]["model"] = "lightgbm".into();
    figures[0]["cohorts"]["all"]["auc"] = 0.96875.into();
    let mut file_of_peers =
        serde_json::json!({ "lightgbm": "4.6.0", "tasks": [{ "name": "forth", "figures": figures }] });
    fs::write(&peers, file_of_peers.to_string()).expect("writable");
    let with_peers = format!("{line} --peers {}", peers.display());
    run(&with_peers, &[&file, &out]).expect(0).says(&[
        "2 models on 2 tasks",
        "lightgbm",
        "0.969",
        "over the 1 task on",
    ]);
    let found = json(&out.join("transfer.json"));
    assert_eq!(found["models"][1]["cohorts"]["all"]["mean_auc"].as_f64(), Some(0.96875));
    assert_eq!(found["tasks"][0]["figures"][1]["failed"], "the file of peers has no figures of it");
    assert_eq!(found["tasks"][1]["figures"][0], plain["tasks"][1]["figures"][0]);

    file_of_peers["tasks"][0]["figures"][0]["cohorts"]["all"]["n"] = 7.into();
    fs::write(&peers, file_of_peers.to_string()).expect("writable");
    run(&with_peers, &[&file, &out]).expect(2).complains(&["lightgbm has figures about 7 learners", "forth"]);
    file_of_peers["tasks"][0]["figures"][0]["model"] = "rules".into();
    fs::write(&peers, file_of_peers.to_string()).expect("writable");
    run(&with_peers, &[&file, &out]).expect(2).complains(&["peers.json", "--models names too"]);
    fs::write(&peers, "[]").expect("writable");
    run(&with_peers, &[&file, &out]).expect(2).complains(&["peers.json", "not in the form of transfer.json"]);
    assert_eq!(json(&out.join("transfer.json")), found, "what was there is kept");
}

#[test]
fn tasks_that_can_not_be_run_are_named_before_anything_is_trained() {
    let shop = Workshop::open();
    let here = folder();
    let (file, out) = (here.path().join("tasks.toml"), here.path().join("transfer"));
    let sequences = shop.sequences();
    let given = |name: &str| {
        format!("transfer {{}} --sequences {name}={} --out {{}} --models rules --device cpu", sequences.display())
    };
    tasks(&file, &[("forth", "[\"A\"]", "[\"B\"]")]);
    run(&given("simulated"), &[&file, &out]).expect(2).complains(&["task forth", "no course is called `A`"]);
    run(&given("other"), &[&file, &out]).expect(2).complains(&["add --sequences simulated=DIR"]);
    let twice = given("simulated").replace(" --out", &format!(" --sequences unused={} --out", sequences.display()));
    run(&twice, &[&file, &out]).expect(2).complains(&["no task uses the sequences called unused"]);
    tasks(&file, &[("forth", "[]", "[\"B\"]")]);
    run(&given("simulated"), &[&file, &out])
        .expect(2)
        .complains(&["tasks.toml", "task forth names no course to train"]);
    fs::write(&file, "[[tasks]]\nnam = 1\n").expect("writable");
    run(&given("simulated"), &[&file, &out]).expect(2).complains(&["tasks.toml", "line 2"]);
    assert!(!out.exists());
}

#[test]
fn the_inputs_that_help_on_other_courses_are_chosen_recorded_and_shown() {
    let here = folder();
    let (logs, sequences) = (here.path().join("logs"), here.path().join("sequences"));
    let (auto, all) = (here.path().join("auto"), here.path().join("all"));
    simulate(1500, &logs);
    run("preprocess {} --out {} --quiet", &[&logs, &sequences]).expect(0);
    let line = "train {} --out {} --split time --quiet --device cpu --set model.kind=logistic --set training.weeks=4 \
                --set ensemble.members=2 --set ensemble.validation_folds=2";
    run(line, &[&sequences, &auto]).expect(0);
    run(&format!("{line} --set inputs.include=*"), &[&sequences, &all]).expect(0);
    let (chosen, plain) = (json(&auto.join("scaler.json")), json(&all.join("scaler.json")));
    assert!(plain["choice"].is_null());
    let choice = &chosen["choice"]["chosen"];
    assert_eq!((&choice["held_out"], &choice["week"]), (&"course".into(), &4.into()));
    let kept = choice["kept"].as_array().expect("a list");
    for always in ["presence", "earlier_courses"] {
        assert!(kept.contains(&serde_json::json!({ "weekly": always })), "{kept:?}");
    }
    let names = |scaler: &Value| -> Vec<String> {
        scaler["columns"].as_array().expect("a list").iter().map(|column| column["source"].to_string()).collect()
    };
    let (few, many) = (names(&chosen), names(&plain));
    assert!(few.len() < many.len() && few.iter().all(|name| many.contains(name)), "{few:?}");
    let [with, without] = ["auc", "auc_of_all"].map(|auc| choice[auc].as_f64().expect("a number"));
    assert!(with >= without - 0.003, "{with} {without}");
    run("inspect {}", &[&auto]).expect(0).says(&["Inputs", "active days and recency", "each of"]);
    run("evaluate {} {} --device cpu", &[&auto, &sequences]).expect(0).says(&["Inputs: "]);
    // Too few to choose on: all are kept, and it is said.
    let shop = Workshop::open();
    run("inspect {}", &[&shop.run()]).expect(0).says(&["all, as no choice could be made", "are too few"]);
}
