//! The variables of templates. None is a probability, or a fact about the person.

use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;

/// Lists the variables of templates, each with what it is. `docs/messages.md` has the same list.
pub const VARIABLES: [(&str, &str); 16] = [
    ("first_name", "the learner's first name, where the contacts have it"),
    ("name", "the learner's name, where the contacts have it"),
    ("course_name", "the course's name, or its id where the policy has none"),
    ("course_link", "the address of the course's page, where the policy has it"),
    ("support", "where technical help is, where the policy has it"),
    ("signature", "who signs"),
    ("language", "the language of the template"),
    ("week", "the last week that the worklist saw, from 1"),
    ("behaviour", "the first reason's behaviour, as `videos`, where there is a reason"),
    ("reason", "the first reason in English, where there is one"),
    ("figure", "the first reason's figures: feature, learner, typical, before; each where there is one"),
    ("figures", "figures of all reasons that a learner can compare: feature, learner, typical"),
    ("days_a_week", "days a week with a visit, where known"),
    ("items", "what is due within 7 days: title, due; where items are given"),
    ("missed", "what was due and is not handed in: title, due; where items are given and something is"),
    ("loop", "the state of a loop"),
];

/// Lists parts of the names that columns about a person have.
const OF_THE_PERSON: [&str; 13] = [
    "gender",
    "sex",
    "age_band",
    "birth",
    "region",
    "country",
    "education",
    "imd",
    "disab",
    "ethnic",
    "religion",
    "credits",
    "attempts",
];

/// Says why a variable can't be used.
pub(super) fn refusal(name: &str) -> String {
    const OF_A_FORECAST: [&str; 6] = ["p_dropout", "p_before", "probability", "risk", "score", "propensity"];
    if OF_A_FORECAST.contains(&name) {
        return format!("`{name}` is not for learners: no probability and no risk is told to them");
    }
    let is_of_the_person = OF_THE_PERSON.iter().any(|part| name.to_lowercase().contains(part));
    let allowed: Vec<&str> = VARIABLES.iter().map(|(name, _)| *name).filter(|name| *name != "loop").collect();
    let why = if is_of_the_person { "is about the person, which no text may use" } else { "is no variable" };
    format!("`{name}` {why}; allowed: {}", allowed.join(", "))
}

/// Holds the values of a message. What is not there is left out, so that a template that writes it fails.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Values {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    pub(super) course_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) course_link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) support: Option<String>,
    pub(super) signature: String,
    pub(super) language: String,
    pub(super) week: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) behaviour: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    pub(super) figure: Figures,
    pub(super) figures: Vec<Figures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) days_a_week: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) items: Option<Vec<Item>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) missed: Option<Vec<Item>>,
}

/// Holds the figures of a behaviour.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Figures {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) feature: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) learner: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) typical: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<f64>,
}

/// Lists the features that a learner can compare with those of others; the templates have a label for each.
pub(super) const COMPARED: [&str; 5] =
    ["active_days", "problems_attempted", "total_submissions", "n_discussion", "sessions"];

/// Holds something to hand in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Item {
    pub(super) title: String,
    pub(super) due: String,
}

impl Values {
    /// Returns them as templates read them: only what is not there is undefined.
    pub(super) fn to_value(&self) -> Value {
        Value::from(Serde(self))
    }
}

/// Returns values of made-up learners, for whom every template must have a text: with everything, and with only what is
/// always there, for every behaviour.
pub(super) fn samples(has_items: bool) -> Vec<Value> {
    let text = |text: &str| Some(text.to_owned());
    let items = has_items.then(|| vec![Item { title: "Quiz 2".to_owned(), due: "2024-03-01".to_owned() }]);
    let bare = Values {
        course_name: "Statistics".to_owned(),
        signature: "Team".to_owned(),
        language: "en".to_owned(),
        week: 4,
        items: items.clone(),
        ..Values::default()
    };
    let mut samples = vec![bare.to_value()];
    for behaviour in crate::reasons::Behaviour::ALL {
        for (learner, before) in [(0.0, None), (1.0, Some(3.5)), (2.0, Some(1.0))] {
            let figure = Figures { feature: text("active_days"), learner: Some(learner), typical: Some(3.0), before };
            let full = Values {
                first_name: text("Anna"),
                name: text("Anna Lind"),
                course_link: text("https://example.org"),
                support: text("help@example.org"),
                behaviour: Some(behaviour.key()),
                reason: text("1 active day in week 4 (typical: 3)"),
                figures: vec![figure.clone()],
                figure,
                days_a_week: Some(3.0),
                missed: items.clone(),
                ..bare.clone()
            };
            samples.push(full.to_value());
        }
    }
    samples
}
