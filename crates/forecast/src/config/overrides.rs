//! Changes one setting by `key=value`, checked against the setting's type.

use serde::de::DeserializeOwned;
use staycast_text::parse_problem;
use toml::{Table, Value};

use super::error::ConfigError;

/// Changes one setting of `table`, which has all settings, and reads the configuration from it.
pub(super) fn apply<T: DeserializeOwned>(mut table: Table, assignment: &str) -> Result<T, ConfigError> {
    let (key, text) = assignment.split_once('=').ok_or_else(|| ConfigError::NotAnAssignment(assignment.to_owned()))?;
    let (key, text) = (key.trim(), text.trim());
    let Some(old) = setting(&mut table, key) else {
        return Err(ConfigError::UnknownKey { key: key.to_owned(), hint: hint(&table, key) });
    };
    let new = parse(old, text).ok_or_else(|| ConfigError::WrongType {
        key: key.to_owned(),
        expected: describe_type(old),
        value: text.to_owned(),
    })?;
    *old = new;
    // What is still wrong has the right TOML type, and is negative or none of the words that the setting takes.
    table.try_into().map_err(|error: toml::de::Error| ConfigError::Parse {
        origin: format!("`{key}` = {text}"),
        message: parse_problem(text, None, error.message()),
    })
}

/// Returns the value at `section.name` or `section.part.name`.
fn setting<'a>(table: &'a mut Table, key: &str) -> Option<&'a mut Value> {
    let (section, rest) = key.split_once('.')?;
    let inner = table.get_mut(section)?.as_table_mut()?;
    if inner.get(rest).is_some_and(|value| !value.is_table()) { inner.get_mut(rest) } else { setting(inner, rest) }
}

/// Parses `text` as a value of the type of `old`.
fn parse(old: &Value, text: &str) -> Option<Value> {
    let parsed = format!("v = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("v"));
    match (old, parsed) {
        (Value::Integer(_), Some(value @ Value::Integer(_)))
        | (Value::Float(_), Some(value @ Value::Float(_)))
        | (Value::Boolean(_), Some(value @ Value::Boolean(_)))
        | (Value::String(_), Some(value @ Value::String(_)))
        | (Value::Array(_), Some(value @ Value::Array(_))) => Some(value),
        (Value::Float(_), Some(Value::Integer(number))) => Some(Value::Float(number as f64)),
        (Value::String(_), _) => Some(Value::String(text.to_owned())),
        (Value::Array(old), given) if old.first().is_some_and(is_number) => {
            // `1,2` of a list of numbers.
            let list = format!("v = [{text}]").parse::<Table>().ok().and_then(|mut table| table.remove("v"));
            list.filter(|_| !matches!(given, Some(Value::String(_))))
        }
        (Value::Array(_), Some(Value::String(one))) => Some(list(&one)),
        (Value::Array(_), None | Some(_)) => Some(list(text)),
        _ => None,
    }
}

fn is_number(value: &Value) -> bool {
    value.is_float() || value.is_integer()
}

fn list(text: &str) -> Value {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    Value::Array(items.map(|item| Value::String(item.to_owned())).collect())
}

/// Names the type of `value` as people do.
fn describe_type(value: &Value) -> &'static str {
    match value {
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Array(items) if items.first().is_some_and(is_number) => "a list of numbers",
        Value::Array(_) => "a list of text",
        _ => "text",
    }
}

/// Names the settings nearest to `key`, or the sections when none is near.
fn hint(table: &Table, key: &str) -> String {
    let mut known = Vec::new();
    settings(table, "", &mut known);
    let mut near: Vec<(usize, &String)> = known
        .iter()
        .map(|candidate| {
            let name = candidate.rsplit_once('.').map_or(candidate.as_str(), |(_, name)| name);
            (distance(key, candidate).min(distance(key, name)), candidate)
        })
        .filter(|(distance, _)| *distance <= 2.max(key.len() / 4))
        .collect();
    near.sort();
    if near.is_empty() {
        let sections: Vec<&str> = table.keys().map(String::as_str).collect();
        return format!("; the sections are {}", sections.join(", "));
    }
    let names: Vec<String> = near.iter().take(3).map(|(_, name)| format!("`{name}`")).collect();
    format!("; did you mean {}?", names.join(" or "))
}

/// Collects the names of all settings below `table`.
fn settings(table: &Table, above: &str, found: &mut Vec<String>) {
    for (name, value) in table {
        match value.as_table() {
            Some(section) => settings(section, &format!("{above}{name}."), found),
            None => found.push(format!("{above}{name}")),
        }
    }
}

/// Returns Levenshtein's edit distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn edit_distances() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
