//! The first screen: what the forecast does, how sure that is, against what, and what kind of test it was.

use staycast_weeks::CutOff;

use super::element::{paragraph, wilson};
use super::{Page, cohorts, flatters};
use crate::markup::escape;
use crate::metrics::Metric;
use crate::report::{Cohort, DAYS_SINCE_LAST, Evaluation};
use crate::splits::SplitKind;
use crate::text::{count, of_100};

pub(super) fn header(page: &Page<'_>) -> String {
    let evaluation = page.evaluation;
    let about = page.about;
    let week = evaluation.week;
    let recency = evaluation.baselines.get(DAYS_SINCE_LAST);
    let answers = cohorts::each(|key| {
        let model = cohorts::of(&evaluation.cohorts, key);
        let recency = recency.map(|both| cohorts::of(both, key));
        let verdict = if flatters(evaluation.kind) { Some(no_verdict()) } else { verdict(model, recency) };
        answer(model, recency, evaluation)
            + &verdict.map_or_else(String::new, |(class, words)| verdict_markup(class, &words))
    });
    let notes: String = about.notes.iter().map(|note| paragraph(note)).collect();
    format!(
        "<header class=\"top\"><p class=\"eyebrow\">Staycast · dropout forecast · run <bdi>{}</bdi></p>\
         <h1>How good is the forecast at the end of week {week}?</h1>{}{}{notes}{}{}</header>",
        escape(&about.run),
        banner(page),
        cohorts::columns(&answers),
        dropout_means(page),
        looked_at(page),
    )
}

/// What kind of test this was; loud where figures flatter.
fn banner(page: &Page<'_>) -> String {
    let kind = page.evaluation.kind;
    let (class, title) = match kind {
        SplitKind::Forecast => ("good", "A forecast, as in real use"),
        SplitKind::Transfer => ("neutral", "A test of transfer to other courses"),
        SplitKind::Institution => ("neutral", "A test of transfer to other institutions"),
        SplitKind::Learner => ("neutral", "A test on other learners of the same courses"),
        SplitKind::RandomOptimistic => ("warning", "Warning: these figures flatter"),
        SplitKind::InSample => ("warning", "Warning: these figures mean nothing for new learners"),
    };
    let split = if page.about.split.is_empty() { String::new() } else { format!(" Split: {}.", page.about.split) };
    let role = if flatters(kind) { " role=\"alert\"" } else { "" };
    format!(
        "<div class=\"banner {class}\"{role}><p><strong>{title}.</strong> {}{}</p></div>",
        escape(kind.meaning()),
        escape(&split)
    )
}

/// One cohort's answer in a sentence, and what stands behind it.
fn answer(cohort: &Cohort, recency: Option<&Cohort>, evaluation: &Evaluation) -> String {
    let mut markup = format!("<p class=\"answer\">{}</p>", escape(&sentence(cohort, evaluation.week)));
    let mut facts = Vec::new();
    let flagged = cohort
        .confusion
        .map(|counts| format!("{} of {} learners were flagged. ", count(counts.flagged()), count(cohort.n)));
    if let Metric::Value(base_rate) = cohort.base_rate {
        let flagged = flagged.unwrap_or_default();
        facts.push(format!("{flagged}Of 100 picked blindly, {} drop out.", of_100(base_rate)));
    }
    if let Some(counts) = cohort.confusion {
        let hits = counts.true_positives as f64;
        let flagged = wilson(hits, counts.flagged() as f64);
        let dropouts = wilson(hits, counts.positives() as f64);
        // Seen rows promise nothing for others.
        if let (Some(precision), Some(recall), false) = (flagged, dropouts, flatters(evaluation.kind)) {
            facts.push(format!(
                "How sure: with other learners of the same kind expect {} of 100 flagged to drop out, and {} of 100 \
                 dropouts to be flagged (95 % intervals; other courses may differ more).",
                between(precision),
                between(recall)
            ));
        }
    }
    facts.extend(ranking_fact(cohort, recency));
    let items: String = facts.iter().map(|fact| format!("<li>{}</li>", escape(fact))).collect();
    markup += &format!("<ul class=\"facts\">{items}</ul>");
    markup
}

fn verdict_markup(class: &str, words: &str) -> String {
    format!("<p class=\"verdict {class}\">{}</p>", escape(words))
}

/// What can be said where the test flatters.
fn no_verdict() -> (&'static str, String) {
    ("unsure", "Whether it is better than counting days of silence on new learners, this test can't tell.".to_owned())
}

fn between((low, high): (f64, f64)) -> String {
    let (low, high) = (of_100(low), of_100(high));
    if low == high { low } else { format!("{low} to {high}") }
}

/// "Of 100 learners flagged …", or why that can't be said.
fn sentence(cohort: &Cohort, week: CutOff) -> String {
    match (cohort.n, cohort.positives, cohort.precision, cohort.recall) {
        (0, ..) => format!("Nobody is in this group at the end of week {week}, so there is nothing to measure."),
        (n, 0, ..) => {
            format!("None of these {} learners dropped out, so how well dropouts are found can't be told.", count(n))
        }
        (n, positives, ..) if n == positives => format!(
            "All of these {} learners dropped out, so how well dropouts are told from the others can't be said.",
            count(n)
        ),
        (_, _, Metric::Value(precision), Metric::Value(recall)) => format!(
            "Of 100 learners flagged at the end of week {week}, {} dropped out; of 100 who dropped out, {} had been flagged.",
            of_100(precision),
            of_100(recall)
        ),
        (_, positives, ..) => {
            format!("At the end of week {week} nobody was flagged, though {} learners dropped out.", count(positives))
        }
    }
}

fn ranking_fact(cohort: &Cohort, recency: Option<&Cohort>) -> Option<String> {
    let auc = cohort.auc.value()?;
    let interval = match (cohort.auc_low, cohort.auc_high) {
        (Metric::Value(low), Metric::Value(high)) => format!(", 95 % interval {low:.3} to {high:.3}"),
        _ => ", without an interval".to_owned(),
    };
    let trivial = recency.and_then(|recency| recency.auc.value());
    let trivial = trivial.map_or_else(String::new, |auc| {
        format!(" Counting the days since the last activity, which needs no model, does in {} ({auc:.3}).", of_100(auc))
    });
    Some(format!(
        "Of one learner who dropped out and one who stayed, the model ranks the first as more at risk in {} of 100 pairs \
         (AUC {auc:.3}{interval}). Guessing does in 50.{trivial}",
        of_100(auc)
    ))
}

/// Whether the model was worth its trouble.
fn verdict(cohort: &Cohort, recency: Option<&Cohort>) -> Option<(&'static str, String)> {
    let (auc, low, high) = (cohort.auc.value()?, cohort.auc_low.value()?, cohort.auc_high.value()?);
    let recency = recency?;
    let trivial = recency.auc.value()?;
    let (trivial_low, trivial_high) = (recency.auc_low.value()?, recency.auc_high.value()?);
    Some(if low > trivial_high {
        ("better", format!("Better than counting days of silence: {auc:.3} against {trivial:.3}, the intervals apart."))
    } else if high < trivial_low {
        ("worse", format!("Worse than counting days of silence: {auc:.3} against {trivial:.3}. Use that instead."))
    } else if auc > trivial {
        (
            "unsure",
            format!(
                "Perhaps better than counting days of silence: {auc:.3} against {trivial:.3}, but the intervals overlap."
            ),
        )
    } else {
        ("worse", format!("No better than counting days of silence: {auc:.3} against {trivial:.3}."))
    })
}

fn dropout_means(page: &Page<'_>) -> String {
    let rule = &page.evaluation.label_rule;
    let words = &page.about.dropout_words;
    let meaning = if words.is_empty() {
        format!("Dropout means here: <b>{}</b>.", escape(rule))
    } else {
        format!("A learner counts as dropped out who <b>{}</b> (rule: {}).", escape(words), escape(rule))
    };
    format!(
        "<p class=\"small\">{meaning} A learner in two courses counts twice. <i>Everyone known by then</i>: enrolled or seen \
         before the cut-off. <i>Those still active</i>: without those who had already gone; the harder and more useful \
         question.</p>"
    )
}

fn looked_at(page: &Page<'_>) -> String {
    let words = match page.evaluation.evaluations_of_this_part {
        None => "How often this test part has been evaluated is not known.".to_owned(),
        Some(0 | 1) => "This test part has been evaluated once, now: nothing could be chosen by it.".to_owned(),
        Some(times) => format!(
            "This test part has now been evaluated {times} times: the more often it is looked at while choosing models, the \
             more these figures flatter."
        ),
    };
    format!("<p class=\"small\">{}</p>", escape(&words))
}
