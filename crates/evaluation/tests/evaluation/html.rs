//! The page: says what matters first, hides no refusal, runs nothing that was in the data, and loads nothing.

use std::collections::BTreeMap;

use staycast_evaluation::html::{About, LeakageCheck, LeakageOutcome, Page, render};
use staycast_evaluation::metrics::survival::{End, ExitTime};
use staycast_evaluation::report::{
    DataQuality, Evaluation, EvaluationRequest, ExcludedCourse, Extras, GroupColumn, PredictionRow, Resampling,
    evaluate, plots,
};
use staycast_evaluation::splits::SplitKind;

use crate::cut_off;
use crate::markup::check_balance;
use crate::report::{references, row};

/// Holds the inputs of a page, with plain defaults.
struct Asked {
    rows: Vec<PredictionRow>,
    courses: Vec<String>,
    groups: Vec<GroupColumn>,
    exits: Vec<Option<ExitTime>>,
    kind: SplitKind,
    about: About,
    with_plots: bool,
}

impl Asked {
    fn plain(courses: u32) -> Self {
        Self {
            rows: weeks(courses, 600),
            courses: (0..courses).map(|course| format!("course-{course}")).collect(),
            groups: Vec::new(),
            exits: Vec::new(),
            kind: SplitKind::Transfer,
            about: About { run: "runs/a".to_owned(), ..About::default() },
            with_plots: true,
        }
    }

    fn render(&self) -> String {
        let quality = DataQuality {
            rows_read: 12_345,
            rows_used: 12_000,
            rows_rejected: BTreeMap::from([("a broken <date>".to_owned(), 345)]),
            courses_excluded: vec![ExcludedCourse {
                course: "x<y".to_owned(),
                enrolments: 3,
                reason: "too short".to_owned(),
            }],
            limits: vec!["The calendar was inferred.".to_owned()],
            ..DataQuality::default()
        };
        let references = references(&[1, 2, 3, 4]);
        let request = EvaluationRequest {
            rows: &self.rows,
            week: cut_off(4),
            last_allowed_week: Some(4),
            label_rule: "inactive-last 2",
            kind: self.kind,
            references: &references,
            course_names: &self.courses,
            resampling: Resampling::Resamples { count: 20, seed: 1 },
            evaluations_of_this_part: Some(3),
            extras: Extras {
                groups: &self.groups,
                exits: &self.exits,
                data_quality: Some(&quality),
                ..Extras::default()
            },
        };
        let evaluation = evaluate(&request).expect("valid");
        let plots = self.with_plots.then(|| plots(&request).expect("valid"));
        let page = Page { evaluation: &evaluation, plots: plots.as_ref(), about: &self.about };
        let rendered = render(&page);
        let html = rendered.html;
        check_balance(&html).expect("well formed");
        // Every figure in the page is also one for a file, once.
        let names: Vec<String> = rendered.drawings.into_iter().map(|drawing| drawing.name).collect();
        assert_eq!(html.matches("<svg").count(), names.len(), "{names:?}");
        for name in &names {
            assert_eq!(html.matches(&format!("data-name=\"{name}\"")).count(), 1, "{name}");
            assert!(name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-'), "{name}");
        }
        html
    }
}

fn weeks(courses: u32, rows: u32) -> Vec<PredictionRow> {
    (1..=5)
        .flat_map(|week| (0..rows).map(move |at| PredictionRow { week: cut_off(week), ..row(at, courses) }))
        .collect()
}

/// Returns the words of a page, its markup left out.
fn words(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for letter in html.chars() {
        match letter {
            '<' => {
                inside = true;
                text.push(' ');
            }
            '>' => inside = false,
            letter if !inside => text.push(letter),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn says(html: &str, expected: &[&str]) {
    let words = words(html);
    for expected in expected {
        assert!(words.contains(expected), "{expected:?} is not in\n{words}");
    }
}

#[test]
fn the_page_says_what_matters_first() {
    let html = Asked::plain(3).render();
    says(
        &html,
        &[
            "How good is the forecast at the end of week 4?",
            "A test of transfer to other courses.",
            "Of 100 learners flagged at the end of week 4, ",
            " had been flagged.",
            "Of 100 picked at random, ",
            "days since the last activity, which needs no model",
            "This test part has now been evaluated 3 times",
            "Dropout means here: inactive-last 2",
            "Weeks not reported, since the outcome could already be seen at their cut-off: 5.",
            "No automated decisions about learners",
            "The leakage self-test was not run",
            "345 a broken &#60;date&#62;",
            "The calendar was inferred.",
            "Made by staycast evaluate",
        ],
    );
    let first = html.find("class=\"answer\"").expect("an answer");
    assert!(first < html.find("<table").expect("a table"), "the answer comes before every table");
}

#[test]
fn the_sentence_of_the_first_screen_is_the_confusion_of_the_report() {
    let asked = Asked::plain(1);
    let week4 = asked.rows.iter().filter(|row| row.week == cut_off(4));
    let (mut flagged, mut hits, mut positives) = (0.0, 0.0, 0.0);
    for row in week4 {
        let dropout = row.label == Some(true);
        positives += f64::from(u8::from(dropout));
        if row.p >= 0.5 {
            flagged += 1.0;
            hits += f64::from(u8::from(dropout));
        }
    }
    let sentence = format!(
        "Of 100 learners flagged at the end of week 4, {:.0} dropped out; of 100 who dropped out, {:.0} had been flagged.",
        100.0 * hits / flagged,
        100.0 * hits / positives
    );
    says(&asked.render(), &[&sentence]);
}

#[test]
fn figures_that_flatter_are_marked_everywhere() {
    for (kind, warning) in [
        (SplitKind::InSample, "Warning: these figures mean nothing for new learners."),
        (SplitKind::RandomOptimistic, "Warning: these figures flatter."),
    ] {
        let html = Asked { kind, ..Asked::plain(2) }.render();
        says(&html, &[warning, kind.meaning(), "These figures flatter: see the warning at the top."]);
        assert!(!words(&html).contains("Better than counting days of inactivity:"), "no verdict from such a test");
        assert!(!words(&html).contains("with other learners of the same kind"), "no promise from such a test");
        assert!(html.contains("class=\"banner warning\" role=\"alert\"") && html.contains("<body class=\"flatters\">"));
    }
    let honest = Asked::plain(2).render();
    says(&honest, &["Better than counting days of inactivity:", "with other learners of the same kind"]);
    assert!(!honest.contains("class=\"banner warning\"") && !honest.contains("class=\"flatters\""));
    assert!(!words(&honest).contains("Warning:"));
}

#[test]
fn nothing_is_loaded_and_nothing_in_the_data_is_run() {
    let hostile = "<script>alert(1)</script>\"><img src=x onerror=alert(1)>'";
    let long = "long ".repeat(400);
    let mut asked = Asked::plain(3);
    asked.courses = vec![hostile.to_owned(), long.clone(), "קורס \u{202E}evil".to_owned()];
    asked.groups = vec![GroupColumn {
        name: hostile.to_owned(),
        values: (0..600).map(|at| [Some(hostile.to_owned()), Some(long.clone()), None][at % 3].clone()).collect(),
    }];
    let text = || hostile.to_owned();
    asked.about = About {
        run: text(),
        model: text(),
        dropout_words: text(),
        data: text(),
        data_fingerprint: text(),
        split: text(),
        features: vec![text()],
        device: text(),
        seeds: vec![1],
        configuration: vec![(text(), text())],
        staycast_version: text(),
        contact: text(),
        left_out: BTreeMap::from([(text(), 2)]),
        leakage: Some(vec![LeakageCheck { name: text(), outcome: LeakageOutcome::Failed, detail: text() }]),
        compared: Vec::new(),
        notes: vec![text()],
    };
    let html = asked.render();
    let plain = Asked::plain(3).render();
    let scripts = |html: &str| html.matches("<script").count();
    assert_eq!(scripts(&html), scripts(&plain), "no script but the page's own");
    assert!(!html.contains("<img") && !html.contains("onerror=alert(1)>'<"));
    assert!(html.matches("&#60;script&#62;").count() > 10);
    assert!(html.contains("<bdi>קורס"), "a name keeps its direction to itself");
    says(&html, &["1 of 1 check failed", "do not trust these figures"]);
    for html in [&html, &plain] {
        for loads in ["http:", "https:", "//", " src=", "@import", "url(", "<link", "<iframe"] {
            // A name that was cut short is still only text.
            let elsewhere = html.replace(&escaped(hostile), "").replace("&#60;img src=x", "").replace("// ", "");
            assert!(!elsewhere.contains(loads), "{loads}: {}", around(&elsewhere, loads));
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&#38;").replace('<', "&#60;").replace('>', "&#62;").replace('"', "&#34;").replace('\'', "&#39;")
}

fn around(html: &str, what: &str) -> String {
    let at = html.find(what).unwrap_or(0);
    html[..at].chars().rev().take(60).collect::<Vec<_>>().into_iter().rev().chain(html[at..].chars().take(60)).collect()
}

#[test]
fn groups_that_are_too_small_are_refused_and_not_given_figures() {
    let mut asked = Asked::plain(2);
    let group = |at: usize| if at < 20 { "few" } else { ["many", "more"][at % 2] };
    asked.groups = vec![GroupColumn {
        name: "region".to_owned(),
        values: (0..600).map(|at| Some(group(at).to_owned())).collect(),
    }];
    let html = asked.render();
    says(
        &html,
        &[
            "By region",
            "more against many",
            "– means: too few learners to conclude anything about this group; it takes 50, with 10 of each outcome.",
            "p is corrected for the number of tests of all columns, 4 tests (Benjamini",
        ],
    );
    let line = html.split("<tr>").find(|line| line.contains("<bdi>few</bdi>")).expect("its line");
    assert_eq!(line.matches(">–</abbr>").count(), 6, "{line}");
    assert!(!html.contains("few against many"), "what is refused is no comparison");

    // With one group that is large enough, a sentence stands for figure and tables.
    let alone = |at: usize| if at < 590 { "many" } else { "few" };
    asked.groups[0].values = (0..600).map(|at| Some(alone(at).to_owned())).collect();
    let html = asked.render();
    says(&html, &["By region : of 2 groups one is large enough for figures, so there is nothing to compare."]);
    assert!(!html.contains("<bdi>few</bdi>") && !html.contains("data-name=\"groups-1-all\""));
}

#[test]
fn curves_of_groups_are_drawn_where_a_difference_is_shown() {
    let mut asked = Asked::plain(2);
    let group = |at: usize| ["many", "more"][at % 2];
    asked.groups = vec![GroupColumn {
        name: "region".to_owned(),
        values: (0..600).map(|at| Some(group(at).to_owned())).collect(),
    }];
    assert!(!asked.render().contains("data-name=\"abroca-1-all\""), "these are alike");
    for row in asked.rows.iter_mut().filter(|row| row.enrolment % 2 == 1) {
        row.score = f64::from(row.enrolment * 7 % 101);
    }
    let html = asked.render();
    says(&html, &["ABROCA by region", "differs in ranking"]);
    assert!(html.contains("data-name=\"abroca-1-all\""));
}

#[test]
fn exits_give_survival_and_their_absence_gives_none() {
    let mut asked = Asked::plain(1);
    assert!(!asked.render().contains("id=\"survival\""));
    asked.exits = (0..600)
        .map(|at| {
            let end = if at % 7 < 3 { End::Dropout } else { [End::Censored, End::CompetingEnd][at as usize % 2] };
            Some(ExitTime { weeks: 4.5 + f64::from(at % 5), end })
        })
        .collect();
    says(
        &asked.render(),
        &[
            "When do they leave?",
            "C-index",
            "learners followed:",
            "ended otherwise (cumulative incidence)",
            "no integrated Brier score",
        ],
    );
}

#[test]
fn one_class_says_why_there_are_no_figures() {
    for (label, expected) in
        [(true, "All of these 600 learners dropped out"), (false, "None of these 600 learners dropped out")]
    {
        let mut asked = Asked::plain(1);
        asked.rows.iter_mut().for_each(|row| row.label = Some(label));
        let html = asked.render();
        says(
            &html,
            &[
                expected,
                "– means: no AUC",
                "Curves, capacities and intervals by drawing anew are left out, since there are too few",
            ],
        );
        assert!(!html.contains("NaN"));
    }
}

#[test]
fn an_empty_cohort_gives_a_page_that_says_so() {
    let mut asked = Asked::plain(1);
    asked.rows.iter_mut().for_each(|row| row.active = false);
    says(&asked.render(), &["Nobody is in this group at the end of week 4, so there is nothing to measure."]);
    asked.rows.iter_mut().for_each(|row| row.known = false);
    let html = asked.render();
    says(&html, &["not yet enrolled or seen at the cut-off"]);
    assert!(!html.contains("NaN") && !html.contains("id=\"operating\""));
}

#[test]
fn without_curves_there_is_a_page_without_curves() {
    let html = Asked { with_plots: false, ..Asked::plain(2) }.render();
    says(&html, &["No curves were given to this report."]);
    assert!(!html.contains("data-name=\"roc-all\"") && html.contains("data-name=\"auc-by-week-all\""));
}

#[test]
fn a_mean_over_repeats_gives_a_page_with_what_has_a_mean() {
    let asked = Asked::plain(2);
    let (references, courses) = (references(&[1, 2, 3, 4]), &asked.courses);
    let request = EvaluationRequest {
        rows: &asked.rows,
        week: cut_off(4),
        last_allowed_week: Some(4),
        label_rule: "inactive-last 2",
        kind: SplitKind::Learner,
        references: &references,
        course_names: courses,
        resampling: Resampling::Off,
        evaluations_of_this_part: None,
        extras: Extras::default(),
    };
    let one = evaluate(&request).expect("valid");
    let evaluation = Evaluation::mean(&[one.clone(), one]).expect("a mean");
    let note = "Every figure is the mean over 2 repeats.".to_owned();
    let about = About { notes: vec![note.clone()], ..About::default() };
    let html = render(&Page { evaluation: &evaluation, plots: None, about: &about }).html;
    check_balance(&html).expect("well formed");
    says(&html, &[&note, "Of 100 learners flagged", "No curves were given", "All figures of this week"]);
    let alone = html.matches("Of repeat 1 alone:").count();
    assert_eq!(alone, 4, "capacities, worth, courses and stability say so");
    let one = plots(&request).expect("valid");
    let with_curves = render(&Page { evaluation: &evaluation, plots: Some(&one), about: &about }).html;
    check_balance(&with_curves).expect("well formed");
    assert_eq!(with_curves.matches("Of repeat 1 alone:").count(), 6, "and so do the curves");
    assert!(!Asked::plain(2).render().contains("Of repeat 1 alone:"));
}

#[test]
fn many_courses_are_folded_and_the_largest_drawn() {
    let mut asked = Asked { courses: (0..60).map(|course| format!("course-{course}")).collect(), ..Asked::plain(1) };
    asked.rows = weeks(60, 4200).into_iter().filter(|row| row.week == cut_off(4)).collect();
    let html = asked.render();
    says(&html, &["the 40 largest of 60", "All 60 as a table"]);
    let figure =
        html.split("data-name=\"courses-all\"").nth(1).expect("a figure").split("</svg>").next().expect("its end");
    assert_eq!(figure.matches("<circle").count(), 40 + 1, "40 courses and the legend");
}

#[test]
fn the_slider_moves_over_points_that_the_rows_have() {
    let asked = Asked::plain(1);
    let html = asked.render();
    let json = html.split("id=\"operating-points\">").nth(1).expect("data").split("</script>").next().expect("its end");
    let data: serde_json::Value = serde_json::from_str(json).expect("JSON");
    let rows: Vec<&PredictionRow> = asked.rows.iter().filter(|row| row.week == cut_off(4)).collect();
    let points = data["all"]["points"].as_array().expect("points");
    assert!(points.len() > 10, "{points:?}");
    for point in points {
        let threshold = point[0].as_f64().expect("a threshold");
        let flagged = rows.iter().filter(|row| row.p >= threshold);
        let hits = flagged.clone().filter(|row| row.label == Some(true)).count();
        assert_eq!(
            (point[1].as_u64(), point[2].as_u64()),
            (Some(flagged.count() as u64), Some(hits as u64)),
            "{point}"
        );
    }
    assert_eq!(points.last().expect("a point")[1], data["all"]["n"], "the last point flags everybody");
}

#[test]
fn the_page_tells_nobody_apart() {
    // Numbers of enrolments and learners are all that a request has of them; a page must not show them either.
    let mut asked = Asked::plain(2);
    asked.rows.iter_mut().for_each(|row| row.learner += 987_654_000);
    assert!(!asked.render().contains("987"));
}

#[test]
fn equal_runs_give_equal_pages() {
    assert_eq!(Asked::plain(3).render(), Asked::plain(3).render());
}
