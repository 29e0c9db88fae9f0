//! `staycast explain`, through the binary.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::{Workshop, folder, names_in, run};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

fn json_lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("readable");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn table_rows(path: &Path) -> usize {
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).expect("there")).expect("Parquet");
    reader.build().expect("readable").map(|batch| batch.expect("a batch").num_rows()).sum()
}

#[test]
fn everybody_is_explained_or_listed_with_the_status_that_score_gives() {
    let (shop, here) = (Workshop::open(), folder());
    let at = |name: &str| here.path().join(name);
    let (sequences, trained) = (shop.sequences(), shop.run());
    run("score {} {} --out {}", &[&trained, &sequences, &at("scores.jsonl")]).expect(0);
    let line = "explain {} {} --out {} --out {} --out {} --inputs {} --importance --json";
    let files = ["reasons.jsonl", "reasons.parquet", "reasons.html", "inputs.parquet"].map(at);
    let paths: Vec<&Path> = [&trained, &sequences].into_iter().chain(&files).map(std::path::PathBuf::as_path).collect();
    let told = run(line, &paths).expect(0).json();
    let [rows, table, page, inputs] = &files;
    let (scores, rows) = (json_lines(&at("scores.jsonl")), json_lines(rows));
    assert_eq!(rows.len(), scores.len());
    let mut pairs = 0;
    for (row, score) in rows.iter().zip(&scores) {
        for field in ["course_id", "enrolment_id", "learner_id", "week", "status", "trained_on"] {
            assert_eq!(row[field], score[field], "{field}");
        }
        match score["p_dropout"].as_f64() {
            None => {
                assert_eq!(row.get("p_dropout"), None);
                pairs += 1;
            }
            Some(p) => {
                assert!((row["p_dropout"].as_f64().expect("a number") - p).abs() < 1e-5);
                let behaviours = row["behaviours"].as_array().expect("a list");
                pairs += behaviours.len();
                for one in behaviours {
                    let [added, moved] =
                        ["contribution", "occlusion"].map(|name| one[name].as_f64().expect("a number"));
                    let is_reason = ["raises_risk", "lowers_risk"].contains(&one["finding"].as_str().expect("a word"));
                    assert_eq!(one["text"].as_str().expect("a text").is_empty(), !is_reason, "{one}");
                    // Reasons are those on which both methods agree.
                    if is_reason {
                        assert!(added * moved > 0.0 && added.abs().min(moved.abs()) >= 0.1, "{one}");
                        assert_eq!(one["finding"] == "raises_risk", added > 0.0, "{one}");
                    }
                }
            }
        }
    }
    assert_eq!(table_rows(table), pairs);
    let scored = scores.iter().filter(|row| row["status"] == "scored").count();
    assert_eq!(told["statuses"]["scored"], scored);
    assert_eq!(told["enrolments"], rows.len());
    assert!(told["with_reasons"].as_u64().expect("a count") > scored as u64 / 2, "{told}");
    assert!(told["completeness_error"]["greatest"].as_f64().expect("a number") < 0.05, "{told}");
    let behaviours = told["behaviours"].as_array().expect("a list");
    assert!(behaviours.iter().any(|one| one["importance"]["auc_lost"].as_f64().expect("measured") > 0.01), "{told}");
    assert_eq!(table_rows(inputs) % scored, 0);
    let page = fs::read_to_string(page).expect("written");
    assert!(page.contains("What the forecasts rest on") && !page.contains("://"), "a page that loads nothing");
}

#[test]
fn reasons_are_in_figures_that_the_sequences_have() {
    let (shop, here) = (Workshop::open(), folder());
    let out = here.path().join("reasons.jsonl");
    run("explain {} {} --out {}", &[&shop.run(), &shop.sequences(), &out]).expect(0);
    let mut texts: BTreeMap<String, usize> = BTreeMap::new();
    for row in json_lines(&out) {
        for one in row["behaviours"].as_array().into_iter().flatten() {
            let text = one["text"].as_str().expect("a text");
            if text.is_empty() {
                continue;
            }
            *texts.entry(text.chars().filter(|c| !c.is_ascii_digit()).collect()).or_default() += 1;
            assert!(text.split_whitespace().count() <= 25, "{text}");
            let figure = &one["figure"];
            // The sentence shows the learner's figure to the side that the forecast moves.
            if let (Some(mine), Some(typical)) = (figure["learner"].as_f64(), figure["typical"].as_f64())
                && text.contains("(typical:")
                && !text.contains("no visit")
                && !text.contains("until then")
            {
                let raises = one["finding"] == "raises_risk";
                assert!(if raises { mine <= typical } else { mine >= typical }, "{one}");
            }
        }
    }
    assert!(texts.len() >= 5, "{texts:?}");
}

#[test]
fn one_learner_is_explained_as_among_all() {
    let (shop, here) = (Workshop::open(), folder());
    let at = |name: &str| here.path().join(name);
    let (sequences, trained) = (shop.sequences(), shop.run());
    run("explain {} {} --out {}", &[&trained, &sequences, &at("all.jsonl")]).expect(0);
    let all = json_lines(&at("all.jsonl"));
    let one = all.iter().find(|row| row["status"] == "scored").expect("somebody is scored");
    let id = one["enrolment_id"].as_str().expect("an id");
    let line = format!("explain {{}} {{}} --enrolment {id} --out {{}} --out {{}}");
    run(&line, &[&trained, &sequences, &at("one.jsonl"), &at("one.html")]).expect(0);
    let [found] = &json_lines(&at("one.jsonl"))[..] else { panic!("one row") };
    assert_eq!(found["enrolment_id"], id);
    assert!((found["p_dropout"].as_f64().unwrap() - one["p_dropout"].as_f64().unwrap()).abs() < 1e-6);
    assert_eq!(found["behaviours"][0]["text"], one["behaviours"][0]["text"]);
}

#[test]
fn what_cannot_be_explained_is_said_before_anything_is_written() {
    let (shop, here) = (Workshop::open(), folder());
    let (sequences, trained, out) = (shop.sequences(), shop.run(), here.path().join("reasons.jsonl"));
    let places: [&Path; 3] = [&trained, &sequences, &out];
    // An id may name a learner, so that it is not repeated.
    let ran = run("explain {} {} --out {} --enrolment jane.doe", &places).expect(2);
    let ran = ran.complains(&["--enrolment", "1 enrolment of 1 asked for is not in the sequences"]);
    assert!(!ran.stderr.contains("jane"), "{}", ran.stderr);
    run("explain {} {} --out {} --week 40", &places).expect(2).complains(&["can't forecast at week 40"]);
    run("explain {} {} --out {} --courses nowhere", &places).expect(2).complains(&["nowhere"]);
    let other = here.path().join("reasons.xlsx");
    run("explain {} {} --out {}", &[&trained, &sequences, &other]).expect(2).complains(&[".parquet, .jsonl or .html"]);
    run("explain {} {} --out {} --inputs {}", &[&trained, &sequences, &out, &other])
        .expect(2)
        .complains(&["--inputs", ".parquet"]);
    run("explain {} {} --out {} --out {}", &[&trained, &sequences, &out, &out]).expect(2).complains(&["twice"]);
    assert_eq!(names_in(here.path()), Vec::<String>::new());
    // Rules read no inputs.
    let rules = here.path().join("rules");
    run("train {} --out {} --model rules --device cpu --quiet", &[&sequences, &rules]).expect(0);
    let ran = run("explain {} {} --out {}", &[&rules, &sequences, &out]).expect(1);
    ran.complains(&["can't be split among inputs"]);
    assert!(!out.exists());
}
