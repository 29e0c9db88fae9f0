//! Items to be sent, and how many of them go into one request.

use std::path::PathBuf;

use serde_json::{Value, json};

/// Limits of one `log-batch` request, from MLflow's REST documentation.
const MOST_ITEMS: usize = 1000;
const MOST_PARAMS: usize = 100;
const MOST_TAGS: usize = 100;
/// Bounds the bytes of a request, which may have 1 MB; the rest is for the frame, and for letters that JSON writes
/// longer.
const MOST_BYTES: usize = 900_000;

/// Lists the greatest lengths of a parameter's value, in letters: what servers take today, and what they took from 1.28
/// to 2.7 (`MAX_PARAM_VAL_LENGTH` in MLflow's `mlflow/utils/validation.py`). A value that is too long is cut to the
/// first, and to the next where the server refuses it.
const PARAM_LENGTHS: [usize; 2] = [6000, 500];
/// Sets the same for a tag's value (`MAX_TAG_VAL_LENGTH`). Servers cut longer ones themselves, without saying so.
const TAG_LENGTH: usize = 5000;

/// Holds a number, a text or a file that is to reach the server.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum LogItem {
    Metric { key: String, value: f64, timestamp_ms: i64, step: i64 },
    Param { key: String, value: String, limit: usize },
    Tag { key: String, value: String },
    Artifact { path: PathBuf, name: String },
}

impl LogItem {
    /// Returns the bytes that it takes in a request, at most, for texts that JSON need not escape.
    fn bytes(&self) -> usize {
        match self {
            Self::Metric { key, .. } => key.len() + 120,
            Self::Param { key, value, .. } | Self::Tag { key, value } => key.len() + value.len() + 40,
            Self::Artifact { .. } => 0,
        }
    }

    /// Returns its name, the same at all steps.
    pub(super) fn key(&self) -> &str {
        match self {
            Self::Metric { key, .. } | Self::Param { key, .. } | Self::Tag { key, .. } => key,
            Self::Artifact { name, .. } => name,
        }
    }

    /// Returns its description in reports.
    pub(super) fn description(&self) -> String {
        match self {
            Self::Metric { key, step, .. } => format!("metric {key} at step {step}"),
            Self::Param { key, .. } => format!("parameter {key}"),
            Self::Tag { key, .. } => format!("tag {key}"),
            Self::Artifact { name, .. } => format!("file {name}"),
        }
    }

    /// Makes a parameter.
    pub(super) fn param(key: &str, value: &str) -> Self {
        Self::Param { key: key.to_owned(), value: value.to_owned(), limit: PARAM_LENGTHS[0] }
    }

    /// Returns the text that is sent in place of a value that is too long.
    fn cut(&self) -> Option<String> {
        match self {
            Self::Param { value, limit, .. } => cut(value, *limit),
            Self::Tag { value, .. } => cut(value, TAG_LENGTH),
            Self::Metric { .. } | Self::Artifact { .. } => None,
        }
    }

    /// Returns whether less is sent than there is.
    pub(super) fn is_cut(&self) -> bool {
        self.cut().is_some()
    }

    /// Returns the parameter with less of its value, for a server that refuses it as it is; `None` where that is no help.
    pub(super) fn shorter(&self) -> Option<Self> {
        let Self::Param { key, value, limit } = self else { return None };
        let next = PARAM_LENGTHS.into_iter().find(|next| next < limit && value.chars().count() > *next)?;
        Some(Self::Param { key: key.clone(), value: value.clone(), limit: next })
    }
}

/// Returns the first letters of a longer `value`, and how many there were.
fn cut(value: &str, limit: usize) -> Option<String> {
    let letters = value.chars().count();
    let end = format!("… ({letters} letters)");
    (letters > limit).then(|| value.chars().take(limit - end.chars().count()).collect::<String>() + &end)
}

/// Counts how many of the first items, all but files, fit in one request; at least 1.
pub(super) fn count_fitting<'a>(items: impl Iterator<Item = &'a LogItem>) -> usize {
    let (mut params, mut tags, mut bytes, mut count) = (0, 0, 0, 0);
    for item in items {
        params += usize::from(matches!(item, LogItem::Param { .. }));
        tags += usize::from(matches!(item, LogItem::Tag { .. }));
        bytes += item.bytes();
        let full = count == MOST_ITEMS || params > MOST_PARAMS || tags > MOST_TAGS || bytes > MOST_BYTES;
        if full && count > 0 {
            break;
        }
        count += 1;
    }
    count
}

/// Returns the body of a `log-batch` request.
pub(super) fn request_body(run_id: &str, items: &[LogItem]) -> Value {
    let (mut metrics, mut params, mut tags) = (Vec::new(), Vec::new(), Vec::new());
    for item in items {
        match item {
            LogItem::Metric { key, value, timestamp_ms, step } => metrics.push(json!({
                "key": key, "value": number(*value), "timestamp": timestamp_ms, "step": step
            })),
            LogItem::Param { key, value, .. } => {
                params.push(json!({ "key": key, "value": item.cut().as_ref().unwrap_or(value) }));
            }
            LogItem::Tag { key, value } => {
                tags.push(json!({ "key": key, "value": item.cut().as_ref().unwrap_or(value) }));
            }
            LogItem::Artifact { .. } => {}
        }
    }
    json!({ "run_id": run_id, "metrics": metrics, "params": params, "tags": tags })
}

/// Returns a number as JSON; where JSON has no form for it, as in the JSON mapping of protocol buffers.
fn number(value: f64) -> Value {
    if value.is_finite() {
        json!(value)
    } else if value.is_nan() {
        json!("NaN")
    } else if value > 0.0 {
        json!("Infinity")
    } else {
        json!("-Infinity")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn param(at: usize, bytes: usize) -> LogItem {
        LogItem::param(&format!("p{at}"), &"x".repeat(bytes))
    }

    fn metric(at: usize) -> LogItem {
        LogItem::Metric { key: "loss".to_owned(), value: 0.5, timestamp_ms: 1, step: at as i64 }
    }

    #[test]
    fn no_request_is_over_the_servers_limits() {
        let count = |items: &[LogItem]| count_fitting(items.iter());
        assert_eq!(count(&(0..250).map(|at| param(at, 3)).collect::<Vec<_>>()), 100);
        assert_eq!(count(&(0..2500).map(metric).collect::<Vec<_>>()), 1000);
        let mixed: Vec<LogItem> = (0..50).map(|at| param(at, 3)).chain((0..2500).map(metric)).collect();
        assert_eq!(count(&mixed), 1000);
        assert!(count(&(0..100).map(|at| param(at, 20_000)).collect::<Vec<_>>()) < 50, "a megabyte");
        assert_eq!(count(&[param(0, 2_000_000)]), 1, "what is too large alone is the server's to refuse");
        assert_eq!(count(&[]), 0);
    }

    #[test]
    fn a_long_value_is_cut_and_says_so() {
        let long = param(0, 7000);
        let sent = |item: &LogItem| {
            let body = request_body("run", std::slice::from_ref(item));
            let sort = if matches!(item, LogItem::Tag { .. }) { "tags" } else { "params" };
            body[sort][0]["value"].as_str().expect("a text").to_owned()
        };
        assert!(long.is_cut() && sent(&long).chars().count() == 6000 && sent(&long).ends_with("… (7000 letters)"));
        let shorter = long.shorter().expect("500 letters");
        assert!(
            shorter.is_cut() && sent(&shorter).chars().count() == 500 && sent(&shorter).ends_with("… (7000 letters)")
        );
        assert_eq!(shorter.shorter(), None);
        assert!(!param(0, 6000).is_cut() && param(0, 501).shorter().is_some() && param(0, 500).shorter().is_none());
        assert_eq!(metric(0).shorter(), None);

        let tag = |letters: usize| LogItem::Tag { key: "note".to_owned(), value: "ü".repeat(letters) };
        assert!(!tag(5000).is_cut() && sent(&tag(5001)).chars().count() == 5000);
    }

    #[test]
    fn numbers_without_a_json_form_are_written_as_protocol_buffers_do() {
        let items = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.25].map(|value| LogItem::Metric {
            key: "loss".to_owned(),
            value,
            timestamp_ms: 7,
            step: 2,
        });
        let body = request_body("run", &items);
        let values: Vec<&Value> = body["metrics"].as_array().expect("a list").iter().map(|one| &one["value"]).collect();
        assert_eq!(values, [&json!("NaN"), &json!("Infinity"), &json!("-Infinity"), &json!(0.25)]);
    }
}
