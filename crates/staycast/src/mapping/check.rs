//! Reads files with a mapping and says what is understood.

use std::path::{Path, PathBuf};

use serde::Serialize;
use staycast_events::formats::{self, MappedColumn, OpenOptions, mapped_columns};

use crate::console::Console;
use crate::display::{LabelledText, list_first, quote_for_shell};
use crate::log_report::{self, LogReport};
use crate::sequences_description::Detail;
use crate::status::Status;

/// The share of rejected rows above which the status says so; that of `staycast preprocess` when nothing else is asked for.
const MOST_REJECTED: f64 = 0.01;

/// Holds what is understood, as `--json` prints it: the columns, and the log as `staycast inspect` describes it.
#[derive(Serialize)]
struct Checked {
    usable: bool,
    columns: Vec<MappedColumn>,
    #[serde(flatten)]
    log: LogReport,
}

pub(super) fn run(
    mapping: &Path,
    files: &[PathBuf],
    courses: Option<&Path>,
    console: &Console,
) -> anyhow::Result<Status> {
    let columns = mapped_columns(mapping)?;
    let options = OpenOptions {
        mapping: Some(mapping.to_owned()),
        courses: courses.map(Path::to_owned),
        ..OpenOptions::default()
    };
    let source = formats::open(files, &options)?;
    let log = LogReport::read(&source, console)?;
    let checked = Checked { usable: log.is_usable(), columns, log };
    console.print_result(&checked, || describe(&checked, mapping, files, console.verbosity.into()))?;
    Ok(match () {
        () if !checked.usable => Status::Failed,
        () if checked.log.rejected_share() > MOST_REJECTED => Status::TooManyRejected,
        () => Status::Fine,
    })
}

fn describe(checked: &Checked, mapping: &Path, files: &[PathBuf], detail: Detail) -> String {
    let mut sheet = LabelledText::default();
    for (place, column) in checked.columns.iter().enumerate() {
        let role = if column.role.is_empty() { String::new() } else { format!("{} is ", column.role) };
        let names: Vec<String> = column.columns.iter().map(|name| format!("`{name}`")).collect();
        let read_as = column.read_as.as_ref().map_or_else(String::new, |read_as| format!(", {read_as}"));
        let line = format!("{}: {role}{}{read_as}", column.table, names.join(", "));
        sheet.row(if place == 0 { "Columns" } else { "" }, line);
    }
    let unseen = checked.log.kinds_without_events();
    if !unseen.is_empty() {
        sheet.row("", format!("no events of {}", list_first(&unseen, 6)));
    }
    sheet.gap();
    let next = if checked.usable {
        let files = checked.log.inputs_for_shell(files);
        let mapping = quote_for_shell(&mapping.display().to_string());
        format!("Next: staycast preprocess {files} --mapping {mapping} --out sequences")
    } else {
        "No row can be used with this mapping.".to_owned()
    };
    sheet.into_string() + &log_report::describe(&checked.log, &next, detail)
}
