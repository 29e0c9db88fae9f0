//! The baselines and their blend, from `train --model` to scores.

mod common;

use common::{Workshop, folder, run};

const MODELS: [&str; 8] = ["lstm", "days-since-last", "rules", "linear", "logistic", "tree", "forest", "boosting"];

/// Settings that make training quick.
const QUICK: &str = "--device cpu --set model.hidden=6 --set training.epochs=2 --set ensemble.members=2 \
                     --set ensemble.validation_folds=2 --set baselines.forest.trees=10 --set training.weeks=4 \
                     --split time";

#[test]
fn every_model_is_trained_evaluated_and_scored_by_the_same_commands() {
    let shop = Workshop::open();
    let home = folder();
    for model in MODELS {
        let out = home.path().join(model);
        let trained = run(&format!("train {{}} --out {{}} --model {model} {QUICK} --json"), &[&shop.sequences(), &out]);
        assert_eq!(trained.expect(0).json()["manifest"]["model"], model);
        let report =
            run("evaluate {} {} --device cpu --json --resamples 0", &[&out, &shop.sequences()]).expect(0).json();
        let auc = report["cohorts"]["all"]["auc"].as_f64().expect("both classes are there");
        assert!(auc > 0.6, "{model} learns something: {auc}");
        let scores = home.path().join(format!("{model}.csv"));
        run("score {} {} --out {} --device cpu", &[&out, &shop.sequences(), &scores]).expect(0);
        let rows = std::fs::read_to_string(scores).expect("written").lines().count();
        assert!(rows > 10, "{rows}");
        run("inspect {}", &[&out]).expect(0).says(&["A run of Staycast"]);
    }
}

#[test]
fn a_blend_mixes_its_parts_and_each_can_be_asked_alone() {
    let shop = Workshop::open();
    let home = folder();
    let out = home.path().join("blend");
    let settings = "--model blend --set model.blend=lstm,logistic";
    run(&format!("train {{}} --out {{}} {settings} {QUICK}"), &[&shop.sequences(), &out]).expect(0).says(&[
        "Blend",
        "an LSTM of 6 units",
        "a logistic regression",
        "Weights",
    ]);
    let auc = |model: &str| {
        let report =
            run(&format!("evaluate {{}} {{}} --device cpu --json --resamples 0{model}"), &[&out, &shop.sequences()]);
        report.expect(0).json()["cohorts"]["all"]["auc"].as_f64().expect("both classes are there")
    };
    let (blend, lstm, logistic) = (auc(""), auc(" --model lstm"), auc(" --model logistic"));
    assert!(blend > lstm.min(logistic) - 0.01, "{blend} of {lstm} and {logistic}");
    assert_ne!(lstm, logistic);
    run("evaluate {} {} --device cpu --model forest", &[&out, &shop.sequences()]).expect(2).complains(&[
        "blend",
        "forest",
        "its parts are lstm, logistic",
    ]);

    // A part alone is what a run of that model by itself is.
    let alone = home.path().join("alone");
    run(&format!("train {{}} --out {{}} --model logistic {QUICK}"), &[&shop.sequences(), &alone]).expect(0);
    let (of_blend, of_alone) = (home.path().join("part.csv"), home.path().join("alone.csv"));
    run("score {} {} --out {} --device cpu --model logistic", &[&out, &shop.sequences(), &of_blend]).expect(0);
    run("score {} {} --out {} --device cpu", &[&alone, &shop.sequences(), &of_alone]).expect(0);
    let bytes = |file| std::fs::read(file).expect("written");
    assert_eq!(bytes(&of_blend), bytes(&of_alone));
}

#[test]
fn a_hazard_model_needs_dates_of_leaving() {
    let shop = Workshop::open();
    let home = folder();
    run(&format!("train {{}} --out {{}} --model hazard {QUICK}"), &[&shop.sequences(), &home.path().join("run")])
        .expect(1)
        .complains(&["hazard", "when learners left"]);
}

#[test]
fn an_unknown_model_is_refused_with_those_there_are() {
    let shop = Workshop::open();
    run("train {} --out nowhere --model svm", &[&shop.sequences()]).expect(2).complains(&[
        "svm",
        "lstm, days-since-last",
        "blend",
    ]);
}

#[test]
fn a_cross_validation_of_a_blend_has_out_of_fold_predictions() {
    let shop = Workshop::open();
    let home = folder();
    let out = home.path().join("folds");
    let settings = "--model blend --set model.blend=logistic,rules --folds 3 --repeats 2";
    let quick = QUICK.replace(" --split time", "");
    run(&format!("train {{}} --out {{}} {settings} {quick}"), &[&shop.sequences(), &out]).expect(0);
    let report = run("evaluate {} {} --json", &[&out, &shop.sequences()]).expect(0).json();
    assert_eq!(report["repeats"].as_array().expect("a list").len(), 2);
    assert!(report["cohorts"]["all"]["auc"].as_f64().expect("both classes") > 0.6);
}
