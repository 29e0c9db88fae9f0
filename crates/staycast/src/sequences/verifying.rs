//! `staycast sequences verify`.

use std::path::Path;

use serde::Serialize;
use staycast_sequences::manifest::ResealRecord;
use staycast_sequences::{Seal, Verification, verify};

use super::edit::describe_edit;
use crate::console::{self, Console};
use crate::display::{LabelledText, format_bytes, path_text, pluralise};
use crate::status::Status;

/// Holds what the check found, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Outcome<'a> {
    #[serde(serialize_with = "path_text")]
    path: &'a Path,
    /// Whether nothing is wrong.
    fine: bool,
    /// The manifest's seal: `holds`, `broken`, `absent` (an older folder) or `missing`.
    seal: &'static str,
    files: Vec<File<'a>>,
    /// What is wrong.
    problems: &'a [String],
    resealed: &'a [ResealRecord],
}

#[derive(Debug, Serialize)]
struct File<'a> {
    file: &'a str,
    bytes: u64,
    rows: u64,
    blake3: &'a str,
    /// Whether the file is as the manifest says.
    fine: bool,
}

pub(super) fn run(path: &Path, console: &Console) -> anyhow::Result<Status> {
    let found = verify(path)?;
    console::note_input(path, found.seal == Seal::Holds && found.problems.is_empty());
    let files = found.files.iter().map(|file| File {
        file: &file.record.file,
        bytes: file.record.bytes,
        rows: file.record.rows,
        blake3: &file.record.blake3,
        fine: file.problem.is_none(),
    });
    let outcome = Outcome {
        path,
        fine: found.problems.is_empty(),
        seal: match found.seal {
            Seal::Holds => "holds",
            Seal::Broken => "broken",
            Seal::Absent => "absent",
            Seal::Missing => "missing",
        },
        files: files.collect(),
        problems: &found.problems,
        resealed: &found.manifest.resealed,
    };
    console.print_result(&outcome, || describe(path, &found))?;
    Ok(if outcome.fine { Status::Fine } else { Status::Failed })
}

fn describe(path: &Path, found: &Verification) -> String {
    let mut sheet = LabelledText::default();
    for (place, problem) in found.problems.iter().enumerate() {
        sheet.row(if place == 0 { "Wrong" } else { "" }, problem.clone());
    }
    for (place, file) in found.files.iter().filter(|file| file.problem.is_none()).enumerate() {
        let record = &file.record;
        let what = format!("{}, {}, {}", record.file, format_bytes(record.bytes), pluralise(record.rows, "row"));
        sheet.row(if place == 0 { "As sealed" } else { "" }, what);
    }
    if let Some(edit) = found.manifest.last_edit() {
        sheet.row("Edited", describe_edit(edit));
    }
    if found.seal == Seal::Absent {
        sheet.row("Seal", "none, as it was written before manifests had one; `staycast sequences seal` adds it");
    }
    let verdict = match found.problems.len() as u64 {
        0 => "every file, row and value is as it should be".to_owned(),
        count => format!("{} of {}", pluralise(count, "problem"), path.display()),
    };
    sheet.row("Result", verdict);
    sheet.into_string()
}
