//! Which columns a configuration asks for.

use std::collections::BTreeSet;

use staycast_sequences::{Dataset, EnrolmentIndex};

use super::column::{Source, Transform};
use super::error::InputsError;
use crate::config::CheckedInputs;

/// Bounds the values that a static column may have as an input; more is an identifier, not a property.
const MOST_STATIC_VALUES: usize = 50;

pub(super) fn weekly(config: &CheckedInputs, data: &Dataset) -> Result<Vec<(Source, Transform)>, InputsError> {
    let features = || {
        let known = |name: &str| data.feature(name).is_some();
        data.manifest.features.iter().filter(move |feature| feature.lacking.is_none() && known(&feature.name))
    };
    for pattern in config.include.patterns() {
        if !features().any(|feature| matches(pattern, &feature.name)) {
            let available = features().map(|feature| feature.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(InputsError::NoSuchFeature { pattern: pattern.clone(), available });
        }
    }
    let any = |patterns: &[String], name: &str| patterns.iter().any(|pattern| matches(pattern, name));
    Ok(features()
        .filter(|feature| any(config.include.patterns(), &feature.name) && !any(&config.exclude, &feature.name))
        .map(|feature| (Source::Weekly { feature: feature.name.clone() }, Transform::for_unit(&feature.unit)))
        .collect())
}

pub(super) fn statics(
    config: &CheckedInputs,
    data: &Dataset,
    training: &[EnrolmentIndex],
) -> Result<Vec<(Source, Transform)>, InputsError> {
    let mut found = Vec::new();
    for column in &config.statics {
        let bad = |problem: String| InputsError::BadStatic {
            column: column.clone(),
            problem,
            available: data.manifest.static_columns.join(", "),
        };
        if !data.manifest.static_columns.contains(column) {
            return Err(bad("is no static column".to_owned()));
        }
        let values: BTreeSet<&str> = training
            .iter()
            .map(|&row| data.enrolment(row).statics.get(column).and_then(Option::as_deref).unwrap_or(""))
            .collect();
        if values.len() > MOST_STATIC_VALUES {
            return Err(bad(format!("has {} values, more than {MOST_STATIC_VALUES}", values.len())));
        }
        found.extend(
            values
                .into_iter()
                .map(|value| (Source::Static { column: column.clone(), value: value.to_owned() }, Transform::Identity)),
        );
    }
    Ok(found)
}

/// Tells whether `name` fits `pattern`, in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|tail| {
            (0..=tail.len()).filter(|&at| tail.is_char_boundary(at)).any(|at| matches(rest, &tail[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, fits) in [
            ("*", "n_video", true),
            ("n_*", "n_video", true),
            ("n_*", "share_n_video", false),
            ("*_video", "share_video", true),
            ("n_day_*", "n_day_3", true),
            ("n_video", "n_videos", false),
            ("*a*b", "xaxxb", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }
}
