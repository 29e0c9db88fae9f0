//! Which files a mapping means: names and patterns, relative to the input folder.

use std::path::{Path, PathBuf};

use super::plan::Plan;
use crate::error::ReadError;
use crate::input::file_name;

/// The files of `table` that `patterns` name among `inputs`, by name: in folders as paths relative to them, among
/// single files by the last part of a pattern. A name without `.gz` or `.zst` stands for the packed file too.
pub(super) fn resolve(
    inputs: &[PathBuf],
    plan: &Plan,
    table: &'static str,
    patterns: &[String],
) -> Result<Vec<PathBuf>, ReadError> {
    let mut found: Vec<PathBuf> = Vec::new();
    for pattern in patterns {
        let parts: Vec<&str> = pattern.split('/').collect();
        let usable = parts.iter().all(|part| !matches!(*part, "" | "." | ".."));
        let last = parts.last().filter(|_| usable).ok_or_else(|| {
            plan.error(format!("{table}.files: `{pattern}` is not the name of a file relative to the input folder"))
        })?;
        let before = found.len();
        for input in inputs {
            if input.is_dir() {
                walk(input, &parts, &mut found)?;
            } else if matches(last, input) {
                found.push(input.clone());
            }
        }
        if found.len() == before {
            return Err(ReadError::MissingTable {
                format: "table",
                table,
                where_: "the files given".to_owned(),
                what_to_do: format!("the mapping {} says it is `{pattern}`", file_name(&plan.path)),
            });
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn walk(folder: &Path, parts: &[&str], found: &mut Vec<PathBuf>) -> Result<(), ReadError> {
    for entry in std::fs::read_dir(folder).map_err(ReadError::io(folder))? {
        let path = entry.map_err(ReadError::io(folder))?.path();
        match parts {
            [part] if path.is_file() && matches(part, &path) => found.push(path),
            [part, rest @ ..]
                if !rest.is_empty() && path.is_dir() && wild(part.as_bytes(), file_name(&path).as_bytes()) =>
            {
                walk(&path, rest, found)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn matches(pattern: &str, path: &Path) -> bool {
    let name = file_name(path);
    let hidden = name.starts_with('.') && !pattern.starts_with('.');
    let bare = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    !hidden && (wild(pattern.as_bytes(), name.as_bytes()) || wild(pattern.as_bytes(), bare.as_bytes()))
}

/// Whether `name` fits `pattern`, in which `*` stands for any signs and `?` for one byte.
fn wild(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|skipped| wild(rest, &name[skipped..])),
        ([b'?', pattern @ ..], [_, name @ ..]) => wild(pattern, name),
        ([sign, pattern @ ..], [first, name @ ..]) => sign == first && wild(pattern, name),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let fits = |pattern: &str, name: &str| matches(pattern, Path::new(name));
        assert!(fits("log.csv", "data/log.csv"));
        assert!(fits("log.csv", "log.csv.zst"));
        assert!(fits("log_*.csv", "log_2014.csv.gz"));
        assert!(fits("log.csv.gz", "log.csv.gz"));
        assert!(fits("part-??.parquet", "part-07.parquet"));
        assert!(!fits("log.csv", "log.csv.bak"));
        assert!(!fits("log.csv", "Log.csv"));
        assert!(!fits("*.csv", ".hidden.csv"));
        assert!(!fits("log_*.csv", "log.csv"));
    }
}
