//! The report's sections beyond the cohorts' figures: capacities, lines by course, groups, survival, stability, curves.

use std::collections::BTreeMap;

use staycast_evaluation::metrics::survival::{End, ExitTime, concordance};
use staycast_evaluation::metrics::{Capacity, Metric, Ranking, benjamini_hochberg};
use staycast_evaluation::report::{
    DAYS_SINCE_LAST, DEFAULT_CAPACITIES, DataQuality, EVERYONE_DROPS, Evaluation, EvaluationRequest, Exclusion, Extras,
    GroupColumn, MinimumSize, PredictionRow, Randomisation, ReportError, Resampling, evaluate, plots,
};
use staycast_evaluation::splits::SplitKind;

use crate::cut_off;
use crate::report::{names, references, row};

fn with_extras<'a, T>(
    rows: &'a [PredictionRow],
    courses: u32,
    extras: Extras<'a>,
    make: impl Fn(&EvaluationRequest<'_>) -> Result<T, ReportError>,
) -> Result<T, ReportError> {
    make(&EvaluationRequest {
        rows,
        week: cut_off(4),
        last_allowed_week: Some(6),
        label_rule: "inactive-last 2",
        kind: SplitKind::Transfer,
        references: &references(&[1, 2, 3, 4, 5]),
        course_names: &names(courses),
        resampling: Resampling::Off,
        evaluations_of_this_part: None,
        extras,
    })
}

fn report_with(rows: &[PredictionRow], courses: u32, extras: Extras<'_>) -> Result<Evaluation, ReportError> {
    with_extras(rows, courses, extras, evaluate)
}

fn rows(n: u32, courses: u32) -> Vec<PredictionRow> {
    (0..n).map(|at| row(at, courses)).collect()
}

fn column(n: u32, group: impl Fn(u32) -> Option<&'static str>) -> GroupColumn {
    GroupColumn { name: "region".to_owned(), values: (0..n).map(|at| group(at).map(str::to_owned)).collect() }
}

#[test]
fn without_extras_nothing_is_made_up() {
    let report = report_with(&rows(200, 3), 3, Extras::default()).expect("valid");
    let json = serde_json::to_value(&report).expect("JSON");
    for absent in ["groups", "survival", "data_quality"] {
        assert!(json.get(absent).is_none(), "{absent}");
    }
    assert!(json["stability"]["smoothed"].is_null());
    assert_eq!(report.stability.expect("measured").all_pairs.pairs, 0, "one week only");
    assert_eq!(report.capacity.all.len(), DEFAULT_CAPACITIES.len());
}

#[test]
fn capacities_are_those_of_the_ranking_beside_the_baselines() {
    let rows = rows(200, 3);
    let capacities = [Capacity::Share(0.1), Capacity::Count(500)];
    let report = report_with(&rows, 3, Extras { capacities: &capacities, ..Extras::default() }).expect("valid");
    let line = &report.capacity.all[0];
    assert_eq!(line.k, 20);
    let scores: Vec<f64> = rows.iter().map(|row| row.score).collect();
    let labels: Vec<bool> = rows.iter().map(|row| row.label == Some(true)).collect();
    assert_eq!(line.model, Ranking::new(&scores, &labels).expect("valid").at_capacity(20));
    assert!((line.baselines[EVERYONE_DROPS].lift.value().expect("dropouts") - 1.0).abs() < 1e-12);
    assert!(line.model.lift.value() > line.baselines[DAYS_SINCE_LAST].lift.value());
    assert_eq!(report.capacity.all[1].k, 200, "no more than there are");
    assert_eq!(report.capacity.active[1].k, report.cohorts.active.n);
    let json = serde_json::to_value(&report.capacity.all[0]).expect("JSON");
    assert_eq!(json["capacity"], serde_json::json!({"share": 0.1}));
    let impossible = [Capacity::Count(0)];
    let refused = report_with(&rows, 3, Extras { capacities: &impossible, ..Extras::default() });
    assert_eq!(refused.err(), Some(ReportError::ImpossibleCapacity { capacity: "0".to_owned() }));
}

#[test]
fn small_courses_have_a_line_and_a_reason_instead_of_figures() {
    let mut rows = rows(360, 12);
    rows.iter_mut().filter(|row| row.enrolment >= 120).for_each(|row| row.course = 0);
    let minimum_size = MinimumSize { rows: 30, per_class: 5 };
    let report = report_with(&rows, 12, Extras { minimum_size, ..Extras::default() }).expect("valid");
    assert!(report.courses.is_empty(), "the rule of docs/definitions.md from ten courses on");
    assert_eq!(report.course_lines.len(), 12);
    let large = &report.course_lines[0].cohorts.all;
    assert_eq!((large.n, large.refused), (250, None));
    let of_course: Vec<&PredictionRow> = rows.iter().filter(|row| row.course == 0).collect();
    let labels: Vec<bool> = of_course.iter().map(|row| row.label == Some(true)).collect();
    let auc = |score: fn(&PredictionRow) -> f64| {
        Ranking::new(&of_course.iter().map(|row| score(row)).collect::<Vec<_>>(), &labels).expect("valid").auc()
    };
    assert_eq!(large.figures.as_ref().expect("large enough").auc, auc(|row| row.score));
    let by_recency = auc(|row| row.days_since_last.unwrap_or(f64::INFINITY));
    assert_eq!(large.baseline_auc[DAYS_SINCE_LAST], by_recency);
    let small = &report.course_lines[1].cohorts.all;
    assert_eq!(small.figures, None);
    assert!(small.baseline_auc.is_empty());
    let words = small.refused.expect("too small").to_string();
    let expected = format!("too few to conclude: 10 learners, of which {} dropped out", small.positives);
    assert!(words.starts_with(&expected), "{words}");
    assert!(words.ends_with("(needed: 30, with 5 of each outcome)"), "{words}");
}

#[test]
fn groups_are_compared_with_the_largest_and_the_unknown_are_a_group() {
    let rows = rows(900, 1);
    let groups = [column(900, |at| match at % 9 {
        0..5 => Some("north"),
        5..8 => Some("south"),
        _ => None,
    })];
    let randomisation = Randomisation { draws: 99, at_most: 99, seed: 4 };
    let extras = Extras { groups: &groups, randomisation, ..Extras::default() };
    let report = report_with(&rows, 1, extras).expect("valid");
    let table = &report.groups[0].cohorts.all;
    assert_eq!(report.groups[0].column, "region");
    let sizes: Vec<(Option<&str>, u64)> =
        table.groups.iter().map(|line| (line.group.as_deref(), line.slice.n)).collect();
    assert_eq!(sizes, [(Some("north"), 500), (Some("south"), 300), (None, 100)]);
    let pairs: Vec<(Option<&str>, Option<&str>)> =
        table.comparisons.iter().map(|pair| (pair.group.as_deref(), pair.baseline.as_deref())).collect();
    assert_eq!(pairs, [(Some("south"), Some("north")), (None, Some("north"))]);
    let figures = |at: usize| table.groups[at].slice.figures.as_ref().expect("large enough");
    let gaps = table.comparisons[0].gaps.expect("large enough");
    let difference = |of: fn(&staycast_evaluation::report::Cohort) -> Metric| {
        of(figures(1)).value().expect("defined") - of(figures(0)).value().expect("defined")
    };
    assert!((gaps.equal_opportunity.value - difference(|cohort| cohort.recall)).abs() < 1e-12);
    assert!((gaps.auc.value - difference(|cohort| cohort.auc)).abs() < 1e-12);
    let rate = |at: usize| table.groups[at].false_positive_rate.expect("large enough");
    assert!((gaps.false_positive_rate.value - (rate(1) - rate(0))).abs() < 1e-12);
    assert!(gaps.abroca.value >= gaps.auc.value.abs() - 1e-12);
    assert!(gaps.abroca.p_value.expect("tested") >= 0.01);
    // Corrected for the tests of both comparisons.
    let both = table.comparisons.iter().filter_map(|pair| pair.gaps);
    let tested: Vec<(f64, f64)> = both
        .flat_map(|gaps| [gaps.abroca, gaps.auc, gaps.equal_opportunity, gaps.false_positive_rate])
        .map(|gap| (gap.p_value.expect("tested"), gap.adjusted_p.expect("tested")))
        .collect();
    let expected = benjamini_hochberg(&tested.iter().map(|(p, _)| *p).collect::<Vec<_>>());
    assert_eq!(tested.iter().map(|(_, adjusted)| *adjusted).collect::<Vec<_>>(), expected);
    assert_eq!(expected.len(), 8);
    let north: Vec<&PredictionRow> = rows.iter().filter(|row| row.enrolment % 9 < 5).collect();
    let mean = north.iter().map(|row| row.p - f64::from(u8::from(row.label == Some(true)))).sum::<f64>() / 500.0;
    let found = table.groups[0].mean_forecast_less_base_rate.expect("large enough");
    assert!((found - mean).abs() < 1e-12);
}

#[test]
fn a_difference_is_drawn_more_often_and_nobody_is_compared_with_the_unknown() {
    // The forecast knows nothing of the south.
    let is_south = |at: u32| at % 9 >= 6;
    let rows: Vec<PredictionRow> = rows(1_800, 1)
        .into_iter()
        .map(|row| match is_south(row.enrolment) {
            true => PredictionRow { score: f64::from(row.enrolment * 7 % 101), ..row },
            false => row,
        })
        .collect();
    let groups = [column(1_800, |at| match at % 9 {
        0..4 => Some("Unknown"),
        4..6 => Some("north"),
        _ => Some("south"),
    })];
    let randomisation = Randomisation { draws: 99, at_most: 1_999, seed: 4 };
    let report = report_with(&rows, 1, Extras { groups: &groups, randomisation, ..Extras::default() }).expect("valid");
    let pairs = &report.groups[0].cohorts.all.comparisons;
    let names: Vec<(Option<&str>, Option<&str>)> =
        pairs.iter().map(|pair| (pair.group.as_deref(), pair.baseline.as_deref())).collect();
    assert_eq!(names, [(Some("Unknown"), Some("south")), (Some("north"), Some("south"))]);
    for pair in pairs {
        let gaps = pair.gaps.expect("large enough");
        assert_eq!((gaps.draws, gaps.abroca.p_value), (1_999, Some(1.0 / 2_000.0)), "{pair:?}");
        assert!(gaps.abroca.is_significant() && !gaps.equal_opportunity.is_significant(), "{pair:?}");
    }
}

#[test]
fn groups_below_the_minimum_size_are_refused_and_never_a_number() {
    let rows = rows(300, 1);
    let groups = [column(300, |at| Some(if at < 260 { "many" } else { "few" }))];
    let report = report_with(&rows, 1, Extras { groups: &groups, ..Extras::default() }).expect("valid");
    let table = &report.groups[0].cohorts.all;
    let (line, pair) = (&table.groups[1], &table.comparisons[0]);
    assert_eq!((line.slice.n, &line.slice.figures, line.false_positive_rate), (40, &None, None));
    assert_eq!((line.mean_forecast_less_base_rate, pair.gaps), (None, None));
    assert_eq!(pair.refused.expect("too few").n, 40);
    let json = serde_json::to_value(pair).expect("JSON");
    assert!(json["gaps"].is_null());
    assert_eq!(json["refused"]["n"], 40);
    // Enough rows, but one outcome is rare: "few" again, by class.
    let rare = [column(300, |at| Some(if at % 7 < 3 && at >= 20 { "many" } else { "other" }))];
    let report = report_with(&rows, 1, Extras { groups: &rare, ..Extras::default() }).expect("valid");
    let table = &report.groups[0].cohorts.all;
    assert!(table.groups.iter().any(|line| line.slice.n >= 50 && line.slice.refused.is_some()));
    assert!(table.comparisons.iter().all(|pair| pair.gaps.is_none()));
}

#[test]
fn too_few_who_were_followed_are_said_in_one_sentence() {
    let rows = rows(60, 1);
    let end = |at: u32| if at < 9 { End::Dropout } else { End::Censored };
    let exits: Vec<Option<ExitTime>> = (0..60).map(|at| Some(ExitTime { weeks: 6.0, end: end(at) })).collect();
    let report = report_with(&rows, 1, Extras { exits: &exits, ..Extras::default() }).expect("valid");
    let all = report.survival.expect("exit times").all;
    let sentence = "too few to tell: 60 learners followed, 9 dropped out (needed: 50, with 10 dropping out)";
    assert_eq!(all.too_few.expect("nine dropouts").to_string(), sentence);
}

#[test]
fn survival_counts_from_the_cutoff_on() {
    let rows = rows(240, 1);
    let exit = |at: u32| match at % 8 {
        0 => None,
        1 => Some(ExitTime { weeks: 3.5, end: End::Dropout }),
        2 | 3 => Some(ExitTime { weeks: 4.0 + f64::from(at % 5) + 0.5, end: End::Dropout }),
        4 => Some(ExitTime { weeks: 7.5, end: End::CompetingEnd }),
        _ => Some(ExitTime { weeks: 10.0, end: End::Censored }),
    };
    let exits: Vec<Option<ExitTime>> = (0..240).map(exit).collect();
    let curve = |row: &PredictionRow| {
        if row.enrolment.is_multiple_of(20) {
            Vec::new()
        } else {
            (1..=6).map(|week| (1.0 - row.p / 2.0).powi(week)).collect()
        }
    };
    let predicted_survival: Vec<Vec<f64>> = rows.iter().map(curve).collect();
    let extras = Extras { exits: &exits, predicted_survival: &predicted_survival, ..Extras::default() };
    let report = report_with(&rows, 1, extras).expect("valid").survival.expect("exit times").all;
    assert_eq!((report.without_exit_time, report.already_gone, report.n), (30, 30, 180));
    assert_eq!((report.dropouts, report.competing_ends, report.censored), (60, 30, 90));
    assert_eq!(report.kaplan_meier[0].weeks, 0.5, "counted from the cut-off");
    assert_eq!(report.kaplan_meier.iter().map(|point| point.dropouts).sum::<u64>(), 60);
    let last = report.incidence.last().expect("competing ends");
    assert!(last.dropout < 1.0 - report.kaplan_meier.last().expect("points").survival);
    assert!(report.competing_ends_note.is_some());
    let followed: Vec<&PredictionRow> = rows.iter().filter(|row| row.enrolment % 8 > 1).collect();
    let after: Vec<ExitTime> = followed
        .iter()
        .map(|row| exit(row.enrolment).expect("followed"))
        .map(|exit| ExitTime { weeks: exit.weeks - 4.0, ..exit })
        .collect();
    let scores: Vec<f64> = followed.iter().map(|row| row.score).collect();
    assert_eq!(report.c_index, concordance(&after, &scores).expect("valid").index());
    assert_eq!(report.with_prediction, followed.iter().filter(|row| row.enrolment % 20 != 0).count() as u64);
    assert_eq!(report.predicted.len(), 7);
    assert_eq!(report.predicted[0].survival, 1.0);
    // Nobody is observed past week 6, so that the sixth week can't be scored.
    assert_eq!(report.brier_by_week.iter().map(|point| point.weeks).collect::<Vec<_>>(), [1.0, 2.0, 3.0, 4.0, 5.0]);
    assert!(report.integrated_brier.value().is_some() && report.integrated_brier_kaplan_meier.value().is_some());
    assert!(report.undefined.is_empty());

    let without = report_with(&rows, 1, Extras { exits: &exits, ..Extras::default() }).expect("valid");
    let without = without.survival.expect("exit times").all;
    assert_eq!(without.undefined["integrated_brier"], "nothing was predicted");
    assert!(without.predicted.is_empty() && without.c_index == report.c_index);
}

/// Returns five weeks of forecasts that vary, most for those who are inactive.
fn weeks() -> Vec<PredictionRow> {
    let of_week = |week: u16| {
        (0..120).map(move |at| {
            let plain = row(at, 1);
            let sway = if (at + u32::from(week)) % 2 == 0 { 0.15 } else { -0.15 };
            PredictionRow { week: cut_off(week), p: (plain.p + sway).clamp(0.01, 0.99), ..plain }
        })
    };
    (1..=5).flat_map(of_week).collect()
}

#[test]
fn stability_counts_inactivity_as_no_cause_and_smoothing_calms() {
    let rows = weeks();
    let extras = Extras { smoothing: Some(0.4), ..Extras::default() };
    let stability = report_with(&rows, 1, extras).expect("valid").stability.expect("measured");
    assert_eq!(stability.all_pairs.pairs, 120 * 4);
    assert_eq!(stability.unchanged_pairs.pairs, 20 * 4, "inactive for 20 days, or never active");
    assert!(stability.unchanged_means.starts_with("no activity"));
    let smoothed = stability.smoothed.expect("asked for");
    assert!(smoothed.all_pairs.mean_change.value() < stability.all_pairs.mean_change.value());
    assert!(smoothed.all_pairs.flip_share.value() < stability.all_pairs.flip_share.value());
    assert!(smoothed.auc_after.all.value() > smoothed.auc_before.all.value(), "the sway was noise");

    let changed: Vec<bool> = rows.iter().map(|row| row.enrolment % 4 != 0).collect();
    let changed_activity =
        report_with(&rows, 1, Extras { activity_changed: &changed, ..Extras::default() }).expect("valid");
    let changed_activity = changed_activity.stability.expect("measured");
    assert_eq!(changed_activity.unchanged_pairs.pairs, 30 * 4);
    assert!(changed_activity.unchanged_means.starts_with("the same activity") && changed_activity.smoothed.is_none());
}

#[test]
fn stability_leaves_out_rows_without_a_score() {
    let mut rows = weeks();
    rows[0] = PredictionRow { exclusion: Some(Exclusion::NotEnoughData), p: f64::NAN, ..rows[0] };
    rows[1] = PredictionRow { label: None, ..rows[1] };
    let extras = Extras { smoothing: Some(0.5), ..Extras::default() };
    let stability = report_with(&rows, 1, extras).expect("valid").stability.expect("measured");
    assert_eq!(stability.all_pairs.pairs, 120 * 4 - 1, "a label is not needed, a score is");
}

#[test]
fn curves_are_there_for_both_cohorts_and_every_baseline() {
    let rows = rows(4000, 1);
    let curves = with_extras(&rows, 1, Extras::default(), plots).expect("valid");
    for cohort in [&curves.cohorts.all, &curves.cohorts.active] {
        assert_eq!(cohort.baselines.keys().copied().collect::<Vec<_>>(), [DAYS_SINCE_LAST, EVERYONE_DROPS]);
        for forecast in cohort.baselines.values().chain([&cohort.model]) {
            let (first, last) = (forecast.roc.first().expect("points"), forecast.roc.last().expect("points"));
            assert_eq!((first.false_positive_rate, last.true_positive_rate), (0.0, 1.0));
            assert_eq!(forecast.precision_recall.last().expect("points").recall, 1.0);
            assert_eq!((forecast.net_benefit.len(), forecast.cost.len()), (99, 101));
            assert!(!forecast.reliability.is_empty() && forecast.histogram.len() == 20);
        }
    }
    let json = serde_json::to_value(&curves).expect("JSON");
    assert!(json["all"]["model"]["roc"][0]["threshold"].is_null(), "+∞ is no JSON number");
    assert!(json["active"]["base_rate"].is_f64());
}

#[test]
fn a_thinned_curve_encloses_the_same_area() {
    let noise = |at: u32| f64::from(at.wrapping_mul(2_654_435_761) % 99_991) / 99_991.0;
    let rows: Vec<PredictionRow> =
        (0..20_000).map(|at| PredictionRow { score: row(at, 1).score + noise(at), ..row(at, 1) }).collect();
    let curves = with_extras(&rows, 1, Extras::default(), plots).expect("valid");
    let thin = &curves.cohorts.all.model.roc;
    assert!(thin.len() < 1200 && curves.roc.len() > 5_000, "{} of {} points", thin.len(), curves.roc.len());
    let area = |points: &[staycast_evaluation::metrics::RocPoint]| {
        let piece = |pair: &[staycast_evaluation::metrics::RocPoint]| {
            let width = pair[1].false_positive_rate - pair[0].false_positive_rate;
            width * (pair[0].true_positive_rate + pair[1].true_positive_rate) / 2.0
        };
        points.windows(2).map(piece).sum::<f64>()
    };
    assert!((area(thin) - area(&curves.roc)).abs() < 1e-4);
}

#[test]
fn tables_that_do_not_fit_the_rows_are_refused() {
    let rows = rows(20, 1);
    let refused = |extras: Extras<'_>| report_with(&rows, 1, extras).expect_err("does not fit");
    let short = |table: &str, given| ReportError::TableTooShort { table: table.to_owned(), given, needed: 20 };
    let groups = [column(19, |_| Some("a"))];
    assert_eq!(refused(Extras { groups: &groups, ..Extras::default() }), short("group column region", 19));
    let exits = [None; 3];
    assert_eq!(refused(Extras { exits: &exits, ..Extras::default() }), short("table of exit times", 3));
    let curves = vec![Vec::new(); 4];
    let few_curves = refused(Extras { predicted_survival: &curves, ..Extras::default() });
    assert_eq!(few_curves, short("table of predicted survival", 4));
    let changed = [true; 21];
    let too_many = refused(Extras { activity_changed: &changed, ..Extras::default() });
    assert_eq!(too_many, short("table of changed activity", 21));
    let weight = refused(Extras { smoothing: Some(0.0), ..Extras::default() });
    assert_eq!(weight, ReportError::SmoothingOutOfRange { weight: 0.0 });
    let mut curves = vec![Vec::new(); 20];
    curves[5] = vec![0.9, 0.95];
    let rising = refused(Extras { predicted_survival: &curves, ..Extras::default() });
    assert_eq!(rising, ReportError::NotASurvivalCurve { enrolment: 5, week: 2, value: 0.95 });
    let mut exits = [None; 20];
    exits[2] = Some(ExitTime { weeks: f64::INFINITY, end: End::Dropout });
    let endless = refused(Extras { exits: &exits, ..Extras::default() });
    assert_eq!(endless, ReportError::ExitOutOfRange { enrolment: 2, weeks: f64::INFINITY });
}

#[test]
fn data_quality_is_printed_as_given() {
    let quality = DataQuality {
        rows_read: 1000,
        rows_used: 990,
        rows_rejected: BTreeMap::from([("malformed".to_owned(), 10)]),
        limits: vec!["The calendar was inferred.".to_owned()],
        ..DataQuality::default()
    };
    let report = report_with(&rows(60, 1), 1, Extras { data_quality: Some(&quality), ..Extras::default() });
    let json = serde_json::to_value(report.expect("valid")).expect("JSON");
    assert_eq!(json["data_quality"]["rows_rejected"]["malformed"], 10);
    assert_eq!(json["data_quality"]["limits"][0], "The calendar was inferred.");
}

#[test]
fn the_mean_over_repeats_is_the_mean_of_every_figure() {
    let first = report_with(&rows(200, 3), 3, Extras::default()).expect("valid");
    let shifted: Vec<PredictionRow> =
        rows(200, 3).into_iter().map(|row| PredictionRow { p: row.p * 0.9, score: -row.score, ..row }).collect();
    let second = report_with(&shifted, 3, Extras::default()).expect("valid");
    let mean = Evaluation::mean(&[first.clone(), second.clone()]).expect("reports");
    let triples = first.cohorts.all.metrics().into_iter().zip(second.cohorts.all.metrics());
    for (((name, a), (_, b)), (same_name, found)) in triples.zip(mean.cohorts.all.metrics()) {
        assert_eq!(name, same_name);
        let expected = (a.value().expect("defined") + b.value().expect("defined")) / 2.0;
        assert!((found.value().expect("defined") - expected).abs() < 1e-12, "{name}");
    }
    let parts = mean.cohorts.all.brier_decomposition.expect("probabilities");
    assert!((parts.brier() - mean.cohorts.all.brier.value().expect("defined")).abs() < 1e-12);
    assert_eq!(mean.cohorts.all.confusion, None);
    assert_eq!((&mean.capacity, &mean.course_lines), (&first.capacity, &first.course_lines));
    assert_eq!((mean.sections_of_repeat, first.sections_of_repeat), (Some(0), None));
    assert!(mean.bootstrap.is_empty());
    assert_eq!(Evaluation::mean(std::slice::from_ref(&first)), Some(first));
    assert_eq!(Evaluation::mean(&[]), None);
}

#[test]
fn a_metric_undefined_in_one_repeat_has_no_mean() {
    let defined = report_with(&rows(60, 1), 1, Extras::default()).expect("valid");
    let all_left: Vec<PredictionRow> =
        rows(60, 1).into_iter().map(|row| PredictionRow { label: Some(true), ..row }).collect();
    let one_class = report_with(&all_left, 1, Extras::default()).expect("valid");
    let mean = Evaluation::mean(&[defined, one_class]).expect("reports").cohorts.all;
    assert_eq!(mean.auc.value(), None);
    assert_eq!(mean.undefined["auc"], "no negative row (everybody dropped out)");
    assert!(mean.brier.value().is_some());
}
