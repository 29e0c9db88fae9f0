//! Where a command writes, looked at before anything is read or written: the output is none of the inputs, can be written
//! there at all, and what killed processes left beside it is gone.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use staycast_forecast::{RUN_FILES, RUN_FOLDERS};
use staycast_sequences::SEQUENCES_FILES;

use crate::console::{Console, OutputForm};
use crate::status::usage;

/// Prepares the place of a file: it is no input, no folder and no socket, and leftovers beside it go. Returns the console
/// for what is said of it: where the file goes to stdout, nothing else does.
pub(crate) fn prepare_file<'a>(
    out: &Path,
    inputs: impl IntoIterator<Item = &'a Path>,
    console: &Console,
) -> anyhow::Result<Console> {
    for input in inputs.into_iter().flat_map(expanded) {
        refuse_input(out, &input)?;
    }
    staycast_files::check_file_place(out)?;
    clean_up_beside(out);
    if !staycast_files::is_standard_output(out) {
        return Ok(*console);
    }
    if console.form == OutputForm::Json {
        let place = out.display();
        return Err(usage(format!("--out {place} is the standard output, where --json prints; leave one of them out")));
    }
    Ok(Console { output_on_stdout: true, ..*console })
}

/// Prepares the place of a folder that is written as a whole: no input is in it, it is none itself, and leftovers beside it
/// go.
pub(crate) fn prepare_whole_folder<'a>(out: &Path, inputs: impl IntoIterator<Item = &'a Path>) -> anyhow::Result<()> {
    let inputs: Vec<PathBuf> = inputs.into_iter().flat_map(expanded).collect();
    refuse_places_in(&inputs, out)?;
    if let Ok(place) = out.canonicalize() {
        for input in inputs {
            if input.canonicalize().is_ok_and(|input| input.starts_with(&place)) {
                let is = if is_same(out, &input) { "is the input" } else { "holds the input" };
                return Err(refused(out, &input, is));
            }
        }
    }
    staycast_files::check_folder_place(out)?;
    clean_up_beside(out);
    Ok(())
}

/// Prepares a folder that files of these `names` are written into one by one: it is no input, nor are the files. Leftovers
/// beside it and in it go.
pub(crate) fn prepare_folder<'a>(
    out: &Path,
    names: &[&str],
    inputs: impl IntoIterator<Item = &'a Path>,
) -> anyhow::Result<()> {
    let inputs: Vec<PathBuf> = inputs.into_iter().flat_map(expanded).collect();
    refuse_places_in(&inputs, out)?;
    for input in inputs {
        if is_same(out, &input) {
            return Err(refused(out, &input, "is the input"));
        }
        for name in names {
            refuse_input(&out.join(name), &input)?;
        }
    }
    staycast_files::check_folder_place(out)?;
    clean_up_beside(out);
    staycast_files::clean_up(out);
    Ok(())
}

/// Refuses a folder that would be taken for a part of a run or of sequences that are read.
fn refuse_places_in(inputs: &[PathBuf], out: &Path) -> anyhow::Result<()> {
    match inputs.iter().find(|input| would_belong_to(input, out)) {
        Some(input) => Err(refused(out, input, "has the name of a part of the input")),
        None => Ok(()),
    }
}

fn clean_up_beside(out: &Path) {
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    staycast_files::clean_up(parent);
    // Drafts lie beside what a link leads to.
    if let Some(parent) = out.canonicalize().ok().as_deref().and_then(Path::parent) {
        staycast_files::clean_up(parent);
    }
}

/// Refuses an output file that is `input`, or a file in it.
fn refuse_input(out: &Path, input: &Path) -> anyhow::Result<()> {
    if is_same(out, input) {
        return Err(refused(out, input, "is the input"));
    }
    if !input.is_dir() {
        return Ok(());
    }
    let is_regular = fs::metadata(out).is_ok_and(|metadata| metadata.is_file());
    if would_belong_to(input, out) || is_regular && holds(input, out) {
        return Err(refused(out, input, "is a file of the input"));
    }
    Ok(())
}

fn refused(out: &Path, input: &Path, is: &str) -> anyhow::Error {
    usage(format!("--out {} {is} {}; nothing was written. Name another place", out.display(), input.display()))
}

/// Tells whether an output, there or not, has the place and name of a part of a run or of a folder of sequences.
fn would_belong_to(folder: &Path, out: &Path) -> bool {
    let name = out.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let is_named = RUN_FILES.contains(&name) || RUN_FOLDERS.contains(&name) || SEQUENCES_FILES.contains(&name);
    is_named && folder.join("manifest.json").is_file() && out.parent().is_some_and(|parent| is_same(parent, folder))
}

/// Tells whether a file is in a folder or below, under whatever name.
fn holds(folder: &Path, file: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| {
        let path = entry.path();
        // A link to a folder is not followed: links may lead in a circle.
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => holds(&path, file),
            _ => is_same(&path, file),
        }
    })
}

/// Tells whether two paths lead to the same file or folder: through links, `..`, or as two names of one file.
fn is_same(one: &Path, other: &Path) -> bool {
    match (identity(one), identity(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<PathBuf> {
    path.canonicalize()
}

/// Returns the files and folders that an input names: itself, or what matches it as a pattern. Standard input is none.
fn expanded(input: &Path) -> Vec<PathBuf> {
    staycast_events::paths_of(input)
}
