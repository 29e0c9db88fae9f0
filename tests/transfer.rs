//! A run carried to other courses, from the command line.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Workshop, arguments, folder, run};

/// Settings that make training quick.
const QUICK: &str = "--device cpu --set training.epochs=2 --set ensemble.members=2 --set ensemble.validation_folds=2 \
                     --set training.weeks=4";

/// Sequences of other learners: of another institution, as simulated learners have the same names in all logs.
fn new_course(home: &Path) -> PathBuf {
    let (logs, out) = (home.join("logs"), home.join("new"));
    run("simulate --format kdd2015 --learners 300 --courses 2 --weeks 6 --seed 77 --out {}", &[&logs]).expect(0);
    let elsewhere = format!("elsewhere={}", logs.display());
    run("preprocess --institution {} --out {}", &[Path::new(&elsewhere), &out]).expect(0);
    out
}

#[test]
fn probabilities_are_fitted_to_a_new_course_and_its_outcomes_are_no_test_then() {
    let (shop, home) = (Workshop::open(), folder());
    let (new, out) = (new_course(home.path()), home.path().join("carried"));
    let line = "recalibrate {} {} --out {} --device cpu";
    let said = run(&format!("{line} --json"), &[&shop.run(), &new, &out]).expect(0).json();
    let week = &said["weeks"]["4"];
    assert_eq!(week["refit"], "curve", "{said}");
    assert!(week["labelled"].as_u64().expect("a count") > 100 && week["unlabelled"] == 0, "{week}");
    run("inspect {}", &[&out]).expect(0).says(&["Carried to", "calibration and threshold"]);
    run("score {} {} --out {} --device cpu", &[&out, &new, &home.path().join("scores.csv")]).expect(0);
    run("evaluate {} {} --device cpu", &[&out, &new]).expect(2).complains(&["trained on"]);
    // The folder is taken now, and a folder of a run is not written over.
    run(line, &[&shop.run(), &new, &out]).expect(2).complains(&["not empty"]);
    run(&format!("{line} --courses elsewhere"), &[&shop.run(), &new, &home.path().join("x")])
        .expect(2)
        .complains(&["elsewhere"]);
}

#[test]
fn networks_are_trained_on_in_a_new_course() {
    let (shop, home) = (Workshop::open(), folder());
    let (new, out) = (new_course(home.path()), home.path().join("tuned"));
    // The shape of the networks is the first run's, without being asked for.
    let line = format!("train {{}} --out {{}} --from {{}} --split learner {QUICK}");
    run(&line, &[&new, &out, &shop.run()]).expect(0).says(&["Goes on from"]);
    let report = run("evaluate {} {} --device cpu --json --resamples 0", &[&out, &new]).expect(0).json();
    assert!(report["cohorts"]["all"]["auc"].as_f64().expect("both classes") > 0.6);
    // A finished run is kept for those who ask for this one, and for nobody else.
    run("train {} --out {} --from {} --resume", &[&new, &out, &shop.run()]).expect(0).says(&["kept as it is"]);
    run("train {} --out {} --resume", &[&new, &out]).expect(1).complains(&["other networks to go on from"]);
    let wrong = home.path().join("wrong");
    run(&format!("{line} --set model.hidden=5"), &[&new, &wrong, &shop.run()]).expect(1).complains(&["another shape"]);
}

#[test]
fn a_report_is_of_the_capacities_and_sizes_asked_for() {
    let shop = Workshop::open();
    let line = "evaluate {} {} --device cpu --json --resamples 0 --check-leakage never";
    let report = |more: &str| run(&format!("{line}{more}"), &[&shop.run(), &shop.sequences()]).expect(0).json();
    let asked = report(" --capacities 7,20% --minimum-group 100000");
    let lines = asked["capacity"]["all"].as_array().expect("a list");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines.iter().any(|line| line["k"] == 7), "{lines:?}");
    assert!(report("")["capacity"]["all"].as_array().expect("a list").len() > 2);
    run(&format!("{line} --capacities none"), &[&shop.run(), &shop.sequences()]).expect(2).complains(&["none", "10%"]);
}

#[test]
fn risks_are_smoothed_over_weeks_when_asked() {
    let (shop, home) = (Workshop::open(), folder());
    let score = |name: &str, more: &str| {
        let out = home.path().join(name);
        run(&format!("score {{}} {{}} --out {{}} --device cpu{more}"), &[&shop.run(), &shop.sequences(), &out])
            .expect(0);
        fs::read_to_string(out).expect("written")
    };
    let plain = score("plain.csv", "");
    assert!(score("one.csv", " --smoothing 1") == plain, "with weight 1 the newest week alone counts");
    let risks = |text: &str| -> Vec<f64> {
        text.lines().skip(1).filter_map(|line| line.split(',').nth(4)?.parse().ok()).collect()
    };
    let (plain, smooth) = (risks(&plain), risks(&score("smooth.csv", " --smoothing 0.5")));
    assert_eq!(plain.len(), smooth.len());
    assert!(plain.iter().zip(&smooth).filter(|(one, other)| (*one - *other).abs() > 0.01).count() > plain.len() / 4);
    let wrong =
        arguments("score {} {} --out {} --smoothing 0", &[&shop.run(), &shop.sequences(), &home.path().join("x.csv")]);
    common::staycast(&wrong).expect(2);
}
