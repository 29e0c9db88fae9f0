//! Edits of a sequences folder, described.

use staycast_sequences::manifest::ResealRecord;

/// Says in a sentence when a folder was sealed after an edit, and what was edited.
pub(crate) fn describe_edit(record: &ResealRecord) -> String {
    let names: Vec<&str> = record.edited.iter().map(|edited| edited.file.as_str()).collect();
    format!("edited after preprocess ({}), and sealed again at {} UTC", names.join(", "), record.at)
}
