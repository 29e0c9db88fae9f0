//! Writes a draft of a mapping.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use staycast_events::formats::{MappingDraft, draft_mapping};

use crate::console::{Console, OutputForm};
use crate::display::{LabelledText, quote_for_shell};
use crate::output_place;
use crate::status::{Status, usage};

#[derive(Serialize)]
struct Drafted<'a> {
    mapping: &'a str,
    #[serde(serialize_with = "crate::display::optional_path_text")]
    path: Option<&'a Path>,
    guesses: &'a [String],
    to_fill_in: &'a [String],
}

pub(super) fn run(files: &[PathBuf], out: Option<&Path>, console: &Console) -> anyhow::Result<Status> {
    if let Some(path) = out.filter(|path| path.exists() && !staycast_files::is_stream(path)) {
        return Err(usage(format!("{} exists; choose another --out", path.display())));
    }
    let console = match out {
        Some(path) => &output_place::prepare_file(path, files.iter().map(PathBuf::as_path), console)?,
        None => console,
    };
    let draft = draft_mapping(files)?;
    let MappingDraft { text, guesses, gaps } = &draft;
    let result = Drafted { mapping: text, path: out, guesses, to_fill_in: gaps };
    match out {
        Some(path) => {
            staycast_files::write(path, text).with_context(|| format!("no mapping in {}", path.display()))?;
            console.print_summary(&result, || summary(&draft, path, files))?;
        }
        // The mapping alone goes to stdout, so that it can be sent to a file.
        None if console.form == OutputForm::Text => {
            console.print_result(&result, || text.clone())?;
            console.note_lines(&described(&draft));
        }
        None => console.print_result(&result, String::new)?,
    }
    Ok(Status::Fine)
}

fn described(draft: &MappingDraft) -> String {
    let mut sheet = LabelledText::default();
    for (label, lines) in [("Guessed", &draft.guesses), ("To fill in", &draft.gaps)] {
        for (place, line) in lines.iter().enumerate() {
            sheet.row(if place == 0 { label } else { "" }, line);
        }
    }
    sheet.into_string()
}

fn summary(draft: &MappingDraft, path: &Path, files: &[PathBuf]) -> String {
    let mut sheet = LabelledText::default();
    sheet.paragraph(format!("A draft of a mapping is in {}. Look through each line.", path.display()));
    sheet.gap();
    sheet.verbatim(described(draft));
    sheet.gap();
    let files: Vec<String> = files.iter().map(|file| quote_for_shell(&file.display().to_string())).collect();
    let mapping = quote_for_shell(&path.display().to_string());
    sheet.verbatim(format!("Next: staycast mapping check {mapping} {}", files.join(" ")));
    sheet.into_string()
}
