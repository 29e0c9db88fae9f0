//! The model card in plain words (after Mitchell et al. 2019), and where the figures come from.

use super::data::feature_list;
use super::element::{Cell, details, name, table, words};
use super::{Page, Section, flatters};
use crate::markup::escape;
use crate::metrics::Metric;
use crate::report::{Cohort, DAYS_SINCE_LAST};
use crate::splits::SplitKind;
use crate::text::{count, of_100};

pub(super) fn section(page: &Page<'_>) -> Section {
    let about = page.about;
    let week = page.evaluation.week;
    let given = |text: &str, otherwise: &str| escape(if text.is_empty() { otherwise } else { text });
    let entries = [
        ("What it is", given(&about.model, "A forecast of who drops out of an online course.")),
        (
            "What it is for",
            format!(
                "Giving people who teach or advise a list, at the end of week {week} or another week, of learners whom a question or an \
                 offer of help may reach in time. A score is a reason to look, not a finding about a person."
            ),
        ),
        ("What it must not be used for", must_not()),
        ("What it learned from", data_words(page)),
        ("How good it is", figures(page)),
        ("What it can't do", limits(page)),
        ("Who decides", "A person who can see more than the score, and whom the learner can ask.".to_owned()),
        ("Whom to ask", given(&about.contact, "No contact was given with this run: ask whoever gave you this page.")),
    ];
    let body: String = entries.iter().map(|(term, words)| format!("<dt>{term}</dt><dd>{words}</dd>")).collect();
    Section { id: "card", title: "Model card", body: format!("<dl class=\"card\">{body}</dl>"), drawings: Vec::new() }
}

fn must_not() -> String {
    let items = [
        "No automated decisions about learners: nobody is excluded, charged, warned or refused anything by a score.",
        "No grading, no admission, no proctoring, no judging of those who teach.",
        "No use outside courses like those it was tested on, and no other question: it knows nothing of ability, effort or reasons.",
        "No list of names passed to people who do not need it to help.",
    ];
    let items: String = items.iter().map(|item| format!("<li>{item}</li>")).collect();
    format!("<ul>{items}</ul>")
}

fn data_words(page: &Page<'_>) -> String {
    let about = page.about;
    let mut words = if about.data.is_empty() {
        "Not said.".to_owned()
    } else {
        format!("{}.", escape(about.data.trim_end_matches('.')))
    };
    if !about.features.is_empty() {
        words += &format!(" It reads {} features a week of each learner.", count(about.features.len() as u64));
        words += &feature_list(&about.features);
    }
    words
}

fn figures(page: &Page<'_>) -> String {
    let evaluation = page.evaluation;
    let recency = evaluation.baselines.get(DAYS_SINCE_LAST);
    let all = figures_of(&evaluation.cohorts.all, recency.map(|both| &both.all));
    let active = figures_of(&evaluation.cohorts.active, recency.map(|both| &both.active));
    format!(
        "<p>Everyone known by then: {all}</p><p>Those still active: {active}</p><p>{}</p>",
        escape(evaluation.kind.meaning())
    )
}

fn figures_of(cohort: &Cohort, recency: Option<&Cohort>) -> String {
    let (Metric::Value(auc), Some(trivial)) = (cohort.auc, recency.and_then(|recency| recency.auc.value())) else {
        let why = cohort.auc.undefined().map_or("the baseline is missing", |undefined| undefined.reason());
        return format!("{} learners; no comparison, since: {}.", count(cohort.n), escape(why));
    };
    let flags = match (cohort.precision, cohort.recall) {
        (Metric::Value(precision), Metric::Value(recall)) => format!(
            " Of 100 flagged {} drop out, and {} of 100 dropouts are flagged.",
            of_100(precision),
            of_100(recall)
        ),
        _ => String::new(),
    };
    format!(
        "{} learners, of whom {} dropped out. AUC {auc:.3}; days of silence alone {trivial:.3}.{flags}",
        count(cohort.n),
        count(cohort.positives)
    )
}

fn limits(page: &Page<'_>) -> String {
    let evaluation = page.evaluation;
    let mut items = vec![match evaluation.kind {
        SplitKind::Forecast => "It was tested on later courses; courses later still may differ.".to_owned(),
        SplitKind::Transfer => {
            "It was tested on other courses that may have run at the same time: whether it forecasts later ones as well was not tested."
                .to_owned()
        }
        SplitKind::Institution => {
            "It was tested on institutions it never saw, whose courses may have run at the same time: whether it forecasts later ones as well was not tested."
                .to_owned()
        }
        SplitKind::Learner => "It was tested on courses it knew: expect less on a course it has never seen.".to_owned(),
        SplitKind::RandomOptimistic | SplitKind::InSample => {
            "It was tested on what it had partly or wholly seen: how good it is on new learners is not known from this page.".to_owned()
        }
    }];
    items.push("It tells who is likely to leave, not why, and not whom help would keep.".to_owned());
    items.push("It sees what the platform logs. Whoever learns offline looks as if they had left.".to_owned());
    let small = evaluation.course_lines.iter().filter(|line| line.cohorts.all.refused.is_some()).count();
    if small > 0 {
        items.push(format!(
            "{} of {} courses were too small for figures of their own.",
            small,
            evaluation.course_lines.len()
        ));
    }
    if evaluation.groups.is_empty() {
        items.push("Whether it serves all groups of learners alike was not examined.".to_owned());
    }
    if page.about.leakage.is_none() {
        items.push("It was not tested for leakage.".to_owned());
    }
    if let Some(quality) = &evaluation.data_quality {
        items.extend(quality.limits.iter().cloned());
    }
    let items: String = items.iter().map(|item| format!("<li>{}</li>", escape(item))).collect();
    format!("<ul>{items}</ul>")
}

/// Where the figures come from. No date: equal runs give equal pages.
pub(super) fn provenance(page: &Page<'_>) -> String {
    let about = page.about;
    let seeds: Vec<String> = about.seeds.iter().map(ToString::to_string).collect();
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for (key, value) in [
        ("run", &about.run),
        ("Staycast", &about.staycast_version),
        ("data fingerprint", &about.data_fingerprint),
        ("kind of test", &page.evaluation.kind.name().to_owned()),
        ("label rule", &page.evaluation.label_rule),
        ("week", &page.evaluation.week.to_string()),
        ("computed on", &about.device),
        ("seeds", &seeds.join(", ")),
    ] {
        if !value.is_empty() {
            rows.push(vec![key.to_owned(), words(&name(value))]);
        }
    }
    let configuration: Vec<Vec<Cell>> =
        about.configuration.iter().map(|(key, value)| vec![name(key), words(&name(value))]).collect();
    let configuration = if configuration.is_empty() {
        String::new()
    } else {
        details("Configuration of the run", &table("Configuration", &["setting", "value"], &configuration))
    };
    let warning = if flatters(page.evaluation.kind) {
        "<p class=\"print-warning\">These figures flatter: see the warning at the top.</p>"
    } else {
        ""
    };
    format!(
        "<footer>{warning}<h2>Where this comes from</h2>{}{configuration}<p class=\"small\">Made by <code>staycast evaluate</code>. This page \
         loads nothing from the network, and names no learner.</p></footer>\n",
        table("Provenance", &["", ""], &rows)
    )
}
