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
fn the_default_chooses_among_models_and_says_why() {
    let (shop, home) = (Workshop::open(), folder());
    let (out, again) = (home.path().join("auto"), home.path().join("again"));
    let trained = run(&format!("train {{}} --out {{}} {QUICK} --json"), &[&shop.sequences(), &out]).expect(0).json();
    let choices = trained["manifest"]["choices"].as_array().expect("a choice");
    let (model, choice) = (&trained["manifest"]["model"], &choices[0]);
    assert_eq!((choices.len(), &choice["chosen"]), (1, model));
    let figures =
        |of: &serde_json::Value| (of["auc"].as_f64().expect("an AUC"), of["log_loss"].as_f64().expect("a loss"));
    let candidates = choice["candidates"].as_array().expect("candidates");
    assert!(
        candidates.iter().any(|one| one["model"] == "lstm") && candidates.iter().any(|one| one["model"] == "logistic")
    );
    // A model alone is chosen where it is better than the blend.
    let of_blend = figures(&choice["blend"]);
    assert!(of_blend.0 > 0.6 && of_blend.1 < 0.7, "{choice}");
    if model != "blend" {
        let chosen = candidates.iter().find(|one| one["model"] == *model).expect("one of them");
        assert!(figures(&chosen["alone"]).0 > of_blend.0, "{choice}");
        assert_eq!(chosen["gain"], 0.0);
    }
    assert_eq!(choice["fitted_apart"], true);

    // It is told wherever the run is described, and the config keeps what was asked.
    run("inspect {}", &[&out]).expect(0).says(&["Chosen", "held out"]);
    let config = std::fs::read_to_string(out.join("config.toml")).expect("written");
    assert!(config.contains("kind = \"auto\""), "{config}");
    let report = home.path().join("report");
    run("evaluate {} {} --device cpu --resamples 0 --out {}", &[&out, &shop.sequences(), &report])
        .expect(0)
        .says(&["Model chosen:"]);
    let page = std::fs::read_to_string(report.join("report.html")).expect("written");
    assert!(page.contains("Model chosen:"));
    run("score {} {} --out {} --device cpu", &[&out, &shop.sequences(), &home.path().join("scores.csv")]).expect(0);
    run("runs verify {}", &[&out]).expect(0);

    // The same again is the same.
    run(&format!("train {{}} --out {{}} {QUICK}"), &[&shop.sequences(), &again]).expect(0).says(&["Chosen"]);
    let manifest = |folder: &std::path::Path| std::fs::read(folder.join("manifest.json")).expect("written");
    assert_eq!(manifest(&out), manifest(&again));
}

#[test]
fn a_cross_validation_chooses_in_each_fold() {
    let (shop, home) = (Workshop::open(), folder());
    let out = home.path().join("folds");
    let quick = QUICK.replace(" --split time", " --folds 2");
    let trained = run(&format!("train {{}} --out {{}} {quick} --json"), &[&shop.sequences(), &out]).expect(0).json();
    assert_eq!(trained["manifest"]["choices"].as_array().map(Vec::len), Some(2));
    run("inspect {}", &[&out]).expect(0).says(&["anew in each fold"]);
    let report = run("evaluate {} {} --device cpu --json --resamples 0", &[&out, &shop.sequences()]).expect(0).json();
    assert!(report["cohorts"]["all"]["auc"].as_f64().expect("both classes") > 0.6);
}

#[test]
fn one_member_alone_is_compared_on_halves_of_what_it_holds_out() {
    let (shop, home) = (Workshop::open(), folder());
    let out = home.path().join("one");
    let one = format!("{QUICK} --set ensemble.members=1");
    let trained = run(&format!("train {{}} --out {{}} {one} --json"), &[&shop.sequences(), &out]).expect(0).json();
    assert_eq!(trained["manifest"]["choices"][0]["fitted_apart"], true);
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
