//! The drawings: well formed, described in words, and never by colour alone.

use staycast_evaluation::figures::{
    CapacityPoint, Curve, Drawing, HistogramBar, Interval, IntervalRow, ReliabilityPoint, SurvivalPoint, WeekFigure,
    WeekPoint, WeekSeries, by_week, capacity, cost, decision, histogram, intervals, precision_recall, reliability, roc,
    roc_gap, survival,
};

use crate::cut_off;
use crate::markup::check_balance;

fn curve(name: &str, power: f64) -> Curve<'_> {
    let points = (0..=2000).map(|at| f64::from(at) / 2000.0);
    Curve { name, points: points.map(|x| (x, x.powf(power))).collect() }
}

fn week(week: u16, value: f64) -> WeekPoint {
    WeekPoint { week: cut_off(week), value, interval: Some((value - 0.03, value + 0.03)) }
}

fn weeks<'a>(points: Vec<WeekPoint>) -> WeekFigure<'a> {
    WeekFigure {
        title: "AUC by week",
        figure: "AUC",
        series: vec![WeekSeries { name: "model", points }],
        asked_week: cut_off(2),
        guessing: Some(0.5),
        range: (0.5, 1.0),
    }
}

/// Returns one of each.
fn every_drawing() -> Vec<Drawing> {
    let curves = [curve("model", 0.3), curve("days inactive", 0.6)];
    let bins: Vec<ReliabilityPoint> = (1..10)
        .map(|at| ReliabilityPoint {
            count: 100 + at,
            mean_probability: at as f64 / 10.0,
            observed_rate: (at as f64 / 10.0).powf(1.2),
            interval: Some((at as f64 / 12.0, at as f64 / 9.5)),
        })
        .collect();
    let bars: Vec<HistogramBar> = (0_u32..20)
        .map(|at| HistogramBar {
            low: f64::from(at) / 20.0,
            high: f64::from(at + 1) / 20.0,
            dropped: u64::from(at * at),
            stayed: u64::from(400 - at * 20),
        })
        .collect();
    let rows = [
        IntervalRow { name: "North", n: Some(900), figure: Ok(Interval { value: 0.8, interval: Some((0.77, 0.83)) }) },
        IntervalRow { name: "South", n: Some(12), figure: Err("too few to conclude".to_owned()) },
    ];
    let contacted: Vec<CapacityPoint> = (1..=20)
        .map(|at| f64::from(at) / 20.0)
        .map(|x| CapacityPoint { contacted: x, precision: 1.0 - 0.6 * x, recall: x.sqrt() })
        .collect();
    let left: Vec<SurvivalPoint> = (0..8)
        .map(|at| SurvivalPoint { week: f64::from(at), share: 1.0 - 0.08 * f64::from(at), interval: Some((0.3, 0.99)) })
        .collect();
    let drawn = [
        roc(&curves, "ROC"),
        precision_recall(&curves, 0.4, "PR"),
        roc_gap(&curves[0], &curves[1], 0.1234, "ABROCA"),
        reliability(&bins, "Reliability"),
        histogram(&bars, Some(0.58), "Histogram"),
        by_week(&weeks(vec![week(1, 0.7), week(2, 0.75), week(4, 0.8)])),
        capacity(&contacted, 0.4, "Capacity"),
        decision(&curves, "Decision"),
        cost(&curves, "Cost"),
        survival(&left, &left, "Survival"),
        intervals(&rows, "AUC", Some(0.81), "Groups"),
    ];
    drawn.into_iter().map(|drawing| drawing.expect("has points")).collect()
}

#[test]
fn every_drawing_is_well_formed_and_described_in_words() {
    for drawing in every_drawing() {
        let (file, inline) = (drawing.to_svg(), drawing.inline());
        for svg in [&file, &inline] {
            check_balance(svg).unwrap_or_else(|wrong| panic!("{}: {wrong}", drawing.title()));
            assert!(svg.contains("role=\"img\"") && svg.contains("viewBox=\"0 0 360 "), "{svg}");
            assert!(svg.contains(&format!("<title>{}</title><desc>", drawing.title())), "{svg}");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{}: {svg}", drawing.title());
            assert!(svg.len() < 40_000, "{}: {} bytes", drawing.title(), svg.len());
        }
        let described = inline.split("<desc>").nth(1).expect("a description").split("</desc>").next().expect("its end");
        assert!(described.split(' ').count() > 8, "too short to stand in for the drawing: {described}");
        assert_eq!(file.matches("http").count(), 1, "the SVG name space alone");
        assert!(file.contains("<style>") && !inline.contains("<style>"));
    }
}

#[test]
fn series_differ_in_more_than_colour() {
    let style = staycast_evaluation::figures::STYLE;
    let dashes: Vec<&str> = (1..6)
        .map(|series| {
            let rule = style.split(&format!(".sc-line.sc-s{series} {{ stroke-dasharray: ")).nth(1);
            rule.and_then(|rule| rule.split(';').next()).unwrap_or_else(|| panic!("series {series} has no dashes"))
        })
        .collect();
    let different: std::collections::BTreeSet<&&str> = dashes.iter().collect();
    assert_eq!(different.len(), dashes.len(), "{dashes:?}");
}

#[test]
fn a_curve_of_many_points_becomes_small_and_keeps_its_ends() {
    let many: Vec<(f64, f64)> = (0..=100_000).map(|at| f64::from(at) / 1e5).map(|x| (x, x.powf(0.2))).collect();
    let svg = roc(&[Curve { name: "model", points: many }], "ROC").expect("points").inline();
    assert!(svg.len() < 8_000, "{} bytes", svg.len());
    let frame: Vec<f64> = svg
        .split("data-frame=\"")
        .nth(1)
        .expect("a frame")
        .split('"')
        .next()
        .expect("its end")
        .split(' ')
        .map(|n| n.parse().expect("a number"))
        .collect();
    let [left, top, right, bottom] = frame[..4] else { panic!("{frame:?}") };
    let line = svg.split("sc-line sc-s0\" d=\"M").last().expect("a line").split('"').next().expect("its end");
    assert!(line.starts_with(&format!("{left:.1} {bottom:.1}L")), "{line}");
    assert!(line.ends_with(&format!("L{right:.1} {top:.1}")), "{line}");
}

#[test]
fn no_line_is_drawn_over_weeks_that_are_missing() {
    let lines = |points| by_week(&weeks(points)).expect("points").inline().matches("class=\"sc-line sc-s0\"").count();
    let in_legend = 1;
    assert_eq!(lines(vec![week(1, 0.7), week(2, 0.75), week(3, 0.8)]), in_legend + 1);
    assert_eq!(lines(vec![week(1, 0.7), week(2, 0.75), week(5, 0.8), week(6, 0.8)]), in_legend + 2);
    assert_eq!(lines(vec![week(3, 0.7)]), in_legend, "a single week is a mark without a line");
}

#[test]
fn what_can_not_be_drawn_is_not() {
    let none = Curve { name: "model", points: Vec::new() };
    assert_eq!(roc(std::slice::from_ref(&none), "ROC"), None);
    assert_eq!(roc(&[], "ROC"), None);
    assert_eq!(precision_recall(std::slice::from_ref(&none), 0.0, "PR"), None);
    assert_eq!(roc_gap(&none, &curve("others", 0.5), 0.0, "ABROCA"), None);
    assert_eq!(reliability(&[], "Reliability"), None);
    assert_eq!(histogram(&[HistogramBar { low: 0.0, high: 1.0, dropped: 0, stayed: 0 }], None, "Histogram"), None);
    assert_eq!(by_week(&weeks(Vec::new())), None);
    assert_eq!(capacity(&[], 0.5, "Capacity"), None);
    assert_eq!(decision(std::slice::from_ref(&none), "Decision"), None);
    let left = [SurvivalPoint { week: 1.0, share: 0.9, interval: None }];
    assert_eq!(survival(&[], &left, "Survival"), None);
    let observed_alone = survival(&left, &[], "Survival").expect("what happened").inline();
    assert!(observed_alone.contains("Kaplan–Meier") && !observed_alone.contains("forecast"), "{observed_alone}");
    let refused = IntervalRow { name: "South", n: Some(12), figure: Err("too few".to_owned()) };
    assert_eq!(intervals(&[refused], "AUC", None, "Groups"), None);
}

#[test]
fn names_are_shown_as_they_are_and_do_no_harm() {
    let hostile = "<script>alert('x')</script>\u{0}\" onload=\"y";
    let long = "מ".repeat(300);
    let figure = || Ok(Interval { value: 0.8, interval: None });
    let rows = [
        IntervalRow { name: hostile, n: Some(9), figure: figure() },
        IntervalRow { name: &long, n: Some(9), figure: figure() },
    ];
    let svg = intervals(&rows, "AUC", None, hostile).expect("figures").to_svg();
    check_balance(&svg).expect("well formed");
    assert!(!svg.contains("<script") && !svg.contains("\" onload") && !svg.contains('\u{0}'));
    assert!(svg.contains("&#60;script&#62;"));
    let shown = svg.split("<text").skip(1).filter(|text| text.contains('מ')).count();
    assert_eq!(shown, 1);
    let shown = svg
        .split("<text")
        .skip(1)
        .find(|text| text.contains('מ'))
        .expect("the name")
        .split("</text>")
        .next()
        .expect("its end");
    assert!(shown.contains('…') && shown.chars().filter(|&letter| letter == 'מ').count() < 40, "{shown}");
}
