//! Paths in JSON, which has text in UTF-8 alone.

use std::cell::Cell;
use std::path::Path;

use anyhow::Context;
use serde::{Serialize, Serializer};
use serde_json::Value;

thread_local! {
    /// Tells whether a path was written that is not UTF-8.
    static WAS_LOSSY: Cell<bool> = const { Cell::new(false) };
}

/// Writes a path. U+FFFD stands for what in it is not UTF-8, and [`to_json`] says so.
pub(crate) fn path_text<S: Serializer>(path: impl AsRef<Path>, serializer: S) -> Result<S::Ok, S::Error> {
    let path = path.as_ref();
    if path.to_str().is_none() {
        WAS_LOSSY.set(true);
    }
    serializer.serialize_str(&path.to_string_lossy())
}

/// Writes a path that may be missing, as [`path_text`] does.
pub(crate) fn optional_path_text<S: Serializer>(
    path: &Option<impl AsRef<Path>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => path_text(path, serializer),
        None => serializer.serialize_none(),
    }
}

/// Returns a value as JSON, indented. An object with a path that is not UTF-8 has the member `lossy` besides.
pub(crate) fn to_json<T: Serialize>(value: &T) -> anyhow::Result<String> {
    WAS_LOSSY.set(false);
    let text = serde_json::to_string_pretty(value).context("the result has no JSON form")?;
    if !WAS_LOSSY.take() {
        return Ok(text);
    }
    let mut value: Value = serde_json::from_str(&text)?;
    if let Value::Object(members) = &mut value {
        members.insert("lossy".to_owned(), Value::Bool(true));
    }
    Ok(serde_json::to_string_pretty(&value)?)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[derive(Serialize)]
    struct Outcome {
        #[serde(serialize_with = "path_text")]
        out: PathBuf,
        #[serde(serialize_with = "optional_path_text")]
        other: Option<PathBuf>,
    }

    #[test]
    fn paths_that_are_text_are_themselves() {
        let outcome = Outcome { out: "a/ä".into(), other: None };
        assert_eq!(to_json(&outcome).expect("JSON"), "{\n  \"out\": \"a/ä\",\n  \"other\": null\n}");
    }

    #[cfg(unix)]
    #[test]
    fn paths_that_are_no_text_are_marked_in_their_own_object_alone() {
        let odd: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(b"a\xff".to_vec());
        let outcome = Outcome { out: "a".into(), other: Some(odd.into()) };
        let json = to_json(&outcome).expect("JSON");
        assert_eq!(json, "{\n  \"lossy\": true,\n  \"other\": \"a\u{fffd}\",\n  \"out\": \"a\"\n}");
        assert!(!to_json(&Outcome { out: "a".into(), other: None }).expect("JSON").contains("lossy"));
    }
}
