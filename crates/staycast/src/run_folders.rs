//! The runs in a folder and below, as `staycast runs` lists them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use staycast_forecast::config::Config;
use staycast_forecast::{EvaluationRecord, RUN_KIND, RunRecords, evaluations_in};
use staycast_tracking::registry::RunEntry;

use crate::console;

/// Sets the depth below a folder to which runs are looked for.
const DEPTH: usize = 3;

/// Lists all settings by dotted key, values as TOML writes them.
pub(crate) fn settings(config: &Config) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let table: toml::Table = config.to_toml().parse().expect("a configuration's TOML is TOML");
    flatten(&table, "", &mut found);
    found
}

fn flatten(table: &toml::Table, above: &str, found: &mut BTreeMap<String, String>) {
    for (name, value) in table {
        match value {
            toml::Value::Table(section) => flatten(section, &format!("{above}{name}."), found),
            value => drop(found.insert(format!("{above}{name}"), value.to_string())),
        }
    }
}

/// Holds the folders that look like runs and can't be read, with the reason.
type Damaged = Vec<(PathBuf, String)>;

/// Finds the finished runs in `folder` and below, by name, and folders that look like runs and can't be read, with the reason.
pub(crate) fn runs_in(folder: &Path) -> anyhow::Result<(Vec<RunEntry>, Damaged)> {
    anyhow::ensure!(folder.is_dir(), "{}: there is no such folder; name one that holds runs", folder.display());
    let (mut entries, mut damaged) = (Vec::new(), Vec::new());
    let mut folders = Vec::new();
    collect(folder, DEPTH, &mut folders).with_context(|| format!("cannot read {}", folder.display()))?;
    folders.sort();
    for path in folders {
        match entry(folder, &path) {
            Ok(Some(entry)) => entries.push(entry),
            Ok(None) => {}
            Err(error) => damaged.push((path, format!("{error:#}"))),
        }
    }
    Ok((entries, damaged))
}

/// Collects folders with a manifest, `folder` itself among them.
fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if folder.join("manifest.json").is_file() {
        found.push(folder.to_owned());
        return Ok(());
    }
    if depth == 0 {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            // A folder that may not be read holds no run of ours.
            let _ = collect(&entry.path(), depth - 1, found);
        }
    }
    Ok(())
}

/// Reads the run in `path`; `None` where it is something else, such as sequences.
fn entry(home: &Path, path: &Path) -> anyhow::Result<Option<RunEntry>> {
    let file = path.join("manifest.json");
    let manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(&file)?).context("manifest.json")?;
    if manifest["kind"] != RUN_KIND {
        return Ok(None);
    }
    let RunRecords { manifest, config } = RunRecords::read(path)?;
    console::note_input(path, manifest.is_sealed());
    let mut figures = BTreeMap::new();
    figures.extend(manifest.held_out_auc.map(|auc| ("held_out_auc".to_owned(), auc)));
    // The last evaluation on data that was not trained on.
    let records = evaluations_in(path)?;
    let is_out_of_sample = |record: &&EvaluationRecord| record.kind != staycast_evaluation::splits::SplitKind::InSample;
    if let Some(last) = records.iter().rev().find(is_out_of_sample) {
        figures.extend(last.figures.clone());
        figures.insert("evaluations".to_owned(), records.len() as f64);
    }
    let name = path.strip_prefix(home).ok().filter(|name| !name.as_os_str().is_empty()).unwrap_or(path);
    let manifest = serde_json::to_value(&manifest).context("a manifest has a JSON form")?;
    Ok(Some(RunEntry { name: name.display().to_string(), manifest, settings: settings(&config), figures }))
}
