//! `staycast demo`: the whole line on simulated learners.

mod common;

use common::{assert_same_bytes, command, folder, names_in, run};

#[test]
fn a_demo_shows_the_whole_line() {
    let here = folder();
    let out = here.path().join("show");
    let ran = run("demo --out {} --learners 400 --device cpu", &[&out]).expect(0).says(&[
        "Synthetic learners",
        "$ staycast preprocess",
        "$ staycast train",
        "$ staycast evaluate",
        "$ staycast score",
        "days inactive",
        "best reachable AUC",
        "10 most at risk",
        "$ staycast worklist",
        "misses",
        "The same with logs of your own:",
    ]);
    for line in ran.stdout.lines().filter(|line| !line.contains(" $ ")) {
        assert!(line.chars().count() <= 100, "{line}");
    }
    assert_eq!(names_in(&out), ["config.toml", "logs", "report", "run", "scores.csv", "sequences", "worklist.html"]);
    run("demo --out {} --learners 400", &[&out]).expect(1).complains(&["exists"]);

    // The commands that it names do the same.
    let again = here.path().join("again");
    let preprocess = common::arguments("preprocess {} --out {}", &[&out.join("logs"), &again.join("sequences")]);
    common::staycast(preprocess).expect(0);
    assert_same_bytes(&out.join("sequences"), &again.join("sequences"));
    let train = "train {} --out {} --config {} --device cpu";
    run(train, &[&again.join("sequences"), &again.join("run"), &out.join("config.toml")]).expect(0);
    // The manifest has the checksum of every file.
    let manifest = |folder: &std::path::Path| std::fs::read(folder.join("run/manifest.json")).expect("readable");
    assert!(manifest(&out) == manifest(&again));
}

#[test]
fn a_second_demo_finds_a_place_of_its_own_and_json_is_one_object() {
    let here = folder();
    for expected in [&["staycast-demo"][..], &["staycast-demo", "staycast-demo-2"][..]] {
        let output = command("demo --learners 300 --json --device cpu".split(' '))
            .current_dir(here.path())
            .output()
            .expect("the program runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let printed: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        assert_eq!(printed["most_at_risk"].as_array().map(Vec::len), Some(10));
        let best = printed["best_reachable"]["all"].as_f64().expect("both classes are there");
        assert!(best > 0.7 && best <= 1.0, "{best}");
        assert_eq!(names_in(here.path()), expected);
    }
}
