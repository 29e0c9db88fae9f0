//! `staycast bench`, at a size that says nothing about speed.

mod common;

use std::fs;

use common::{Workshop, folder, run};

#[test]
fn a_bench_measures_every_cpu_backend_and_says_that_they_agree() {
    let (home, shop) = (folder(), Workshop::open());
    // Endings in capitals are the same, and a missing folder is made.
    let (json, svg, text) = (home.path().join("b.json"), home.path().join("b.SVG"), home.path().join("new/b.txt"));
    // ndarray is a feature of the build; scripts/test has it.
    let devices: &[&str] = if cfg!(feature = "ndarray") { &["flex", "ndarray"] } else { &["flex"] };
    let flags: String = devices.iter().map(|device| format!("--device {device} ")).collect();
    let found = run(
        &format!(
            "bench --json --quiet --sequences {{}} {flags}--shapes 3,5,8,512;2,4,7,333 --rounds 1 --out {{}} --out {{}} --out {{}}"
        ),
        &[&shop.sequences(), &json, &svg, &text],
    );
    let report = found.expect(0).json();
    let results = report["results"].as_array().expect("a list");
    assert_eq!(results.len(), 2 * devices.len());
    for result in results {
        for key in [
            "train_sequences_per_second",
            "infer_sequences_per_second",
            "train_gflops",
            "peak_share",
            "seconds_to_first_step",
            "seconds_to_first_step_again",
        ] {
            assert!(result[key].as_f64().expect(key) > 0.0, "{key} in {result}");
        }
        assert_eq!(result["agreement"]["agrees"], true, "{result}");
    }
    let shape = |key: &str| results[0][key].as_u64().expect("a size");
    assert_eq!((shape("t"), shape("f"), shape("h"), shape("batch")), (3, 5, 8, 512));
    assert_eq!(results[0]["device"], "flex");
    // A CPU compiles nothing.
    assert_eq!(report["start_up"], serde_json::json!([]));
    assert_eq!(report["loading"].as_array().expect("a list").len(), devices.len());
    let written: serde_json::Value = serde_json::from_slice(&fs::read(&json).expect("written")).expect("JSON");
    // What is printed says besides whether the inputs have checksums.
    let mut printed = report.clone();
    assert_eq!(printed.as_object_mut().expect("an object").remove("unverified"), Some(serde_json::json!([])));
    assert_eq!(written, printed);
    let drawing = fs::read_to_string(&svg).expect("written");
    assert!(drawing.contains("<title>") && drawing.ends_with("</svg>\n"), "{drawing}");
    for device in devices {
        assert!(drawing.contains(&format!("2,4,7,333  {device}")), "{drawing}");
    }
    let table = fs::read_to_string(&text).expect("written");
    assert!(table.contains("train seq/s") && table.contains("3,5,8,512"), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 110), "{table}");
}

#[test]
fn what_is_no_shape_or_file_is_wrong_usage() {
    run("bench --shapes 3,5,8", &[]).expect(2).complains(&["3,5,8", "T,F,H,BATCH"]);
    run("bench --device cpu --out bench.png", &[]).expect(2).complains(&["bench.png", ".json, .svg or .txt"]);
}
