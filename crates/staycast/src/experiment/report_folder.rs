//! The folder of an experiment's report, which appears whole or not at all.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use serde_json::Value;
use staycast_advice::experiments::{Report, UpliftRow, effects_parquet, render_page, uplift_parquet};
use staycast_files::{FolderDraft, OwnFiles};

/// Names the file by which such a report is told.
const REPORT_JSON: &str = "report.json";
/// Lists all files of a report.
const FILES: [&str; 5] = ["report.html", "report.txt", REPORT_JSON, "effects.parquet", "uplift.parquet"];

/// Refuses a place that holds anything else than an older report of an experiment.
pub(super) fn check(out: &Path) -> anyhow::Result<()> {
    if is_free(out) {
        return Ok(());
    }
    let report: Option<Value> =
        fs::read(out.join(REPORT_JSON)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let is_ours = report.is_some_and(|report| report["look"].is_object() && report["plan"].is_object());
    let why = || format!("cannot replace {}", out.display());
    if !is_ours {
        return Err(anyhow::anyhow!("it holds other files than an experiment's report; nothing was removed"))
            .with_context(why);
    }
    own_files().check(out).with_context(why)
}

/// Writes the report, in place of an older one.
pub(super) fn write(out: &Path, report: &Report, uplift: &[UpliftRow]) -> anyhow::Result<()> {
    let draft = FolderDraft::begin(out)?;
    let mut json = serde_json::to_string_pretty(report)?;
    json.push('\n');
    let contents: [Vec<u8>; 5] = [
        render_page(report).into_bytes(),
        report.to_text().into_bytes(),
        json.into_bytes(),
        effects_parquet(report),
        uplift_parquet(uplift),
    ];
    for (name, bytes) in FILES.into_iter().zip(contents) {
        let written = draft.create(name)?.write_all(&bytes);
        written.with_context(|| format!("cannot write {}", out.join(name).display()))?;
    }
    let own = if is_free(out) { OwnFiles::default() } else { own_files() };
    Ok(draft.publish_over(&own)?)
}

fn own_files() -> OwnFiles {
    FILES.into_iter().collect()
}

/// Tells whether nothing is there, or an empty folder.
fn is_free(out: &Path) -> bool {
    !out.is_dir() || fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_none())
}
