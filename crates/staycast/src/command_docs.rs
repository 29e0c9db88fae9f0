//! `staycast completions`, and what is generated from the command line's definition besides: man pages and the command
//! reference in the documentation.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Arg, ArgAction, Args, Command};
use clap_complete::Shell;
use serde::Serialize;
use staycast_sequences::{FeatureSet, features};

use crate::console::{Console, print};
use crate::out_folder::OutFolder;
use crate::status::Status;

/// Print a completion script for a shell
///
/// With the script, the shell completes commands, options and their values. Put it where your shell looks for such
/// scripts, as in the examples.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast completions bash > ~/.local/share/bash-completion/completions/staycast
  staycast completions zsh > ~/.zfunc/_staycast     with fpath+=~/.zfunc before compinit in .zshrc
  staycast completions fish > ~/.config/fish/completions/staycast.fish
  staycast completions powershell >> $PROFILE")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Write the man pages, one a command
///
/// For those who package Staycast. Writes staycast.1, staycast-preprocess.1 and so on.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast man --out man1")]
pub(crate) struct ManArgs {
    /// Folder to write; pages in it are replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Print the command reference as Markdown
///
/// For those who change Staycast: docs/commands.md is this output.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast command-reference > docs/commands.md")]
pub(crate) struct CommandReferenceArgs {}

/// Print the reference of features as Markdown
///
/// For those who change Staycast: docs/features.md is this output.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast feature-reference > docs/features.md")]
pub(crate) struct FeatureReferenceArgs {}

/// Lists the man pages written, as `--json` prints them.
#[derive(Debug, Serialize)]
struct ManPages {
    out: PathBuf,
    files: Vec<String>,
}

/// Prints the completion script.
pub(crate) fn print_completions(args: &CompletionsArgs, mut command: Command) -> anyhow::Result<Status> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "staycast", &mut script);
    print(&String::from_utf8(script).context("the completion script is not UTF-8")?)?;
    Ok(Status::Fine)
}

/// Writes the man pages.
pub(crate) fn write_man_pages(args: &ManArgs, command: Command, console: &Console) -> anyhow::Result<Status> {
    let mut command = command;
    command.build();
    let mut pages = Vec::new();
    make_man_page(&command, "staycast", &mut pages)?;
    let folder = OutFolder::make(&args.out)?;
    staycast_files::write_together(pages.iter().map(|(file, page)| (args.out.join(file), page)))?;
    folder.keep();
    let pages = ManPages { out: args.out.clone(), files: pages.into_iter().map(|(file, _)| file).collect() };
    console.print_summary(&pages, || format!("Written: {} in {}\n", pages.files.join(", "), pages.out.display()))?;
    Ok(Status::Fine)
}

/// Makes the page of a command and those of its subcommands, each with the name of its file.
fn make_man_page(command: &Command, name: &str, pages: &mut Vec<(String, Vec<u8>)>) -> anyhow::Result<()> {
    let file = format!("{name}.1");
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page).with_context(|| format!("cannot make the page {file}"))?;
    pages.push((file, page));
    for subcommand in visible_subcommands(command) {
        make_man_page(subcommand, &format!("{name}-{}", subcommand.get_name()), pages)?;
    }
    Ok(())
}

fn visible_subcommands(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set())
}

/// Prints the command reference.
pub(crate) fn print_command_reference(mut command: Command) -> anyhow::Result<Status> {
    command.build();
    print(&command_reference(&command))?;
    Ok(Status::Fine)
}

/// Writes the reference of all commands as Markdown.
fn command_reference(command: &Command) -> String {
    let mut text = "# Commands\n\n\
        Generated from the program's own `--help`. After a change there, write this page anew:\n\
        `cargo run -- command-reference > docs/commands.md`.\n\n"
        .to_owned();
    for subcommand in visible_subcommands(command) {
        let name = subcommand.get_name();
        let about = subcommand.get_about().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(text, "- [`staycast {name}`](#staycast-{name}): {}", first_to_lower_case(&about));
    }
    text.push('\n');
    describe_options(&mut text, "Options of every command", command.get_arguments().filter(|arg| arg.is_global_set()));
    if let Some(after) = command.get_after_help() {
        push_block(&mut text, &after.to_string());
    }
    for subcommand in visible_subcommands(command) {
        describe_command(&mut text, subcommand, &format!("staycast {}", subcommand.get_name()), 2);
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Prints the reference of features.
pub(crate) fn print_feature_reference() -> anyhow::Result<Status> {
    print(&feature_reference())?;
    Ok(Status::Fine)
}

/// Writes the reference of all features as Markdown, in the order of the columns.
fn feature_reference() -> String {
    let core = features(FeatureSet::Core).len();
    let mut text = format!(
        "# Features\n\n\
        The columns of `sequences.parquet` after the ids, one row for each enrolment and week. A feature of week w depends \
        only on\nevents before the end of week w. It is null in a week that was not observed, and where the source cannot \
        tell it.\n`manifest.json` says which. The first {core} are the core features (`--features core`); `--raw-kinds` \
        adds a count `n_raw_KIND`\nfor each of the source's own kinds of event.\n\n\
        Generated from the program. After a change there, write this page anew:\n\
        `cargo run -- feature-reference > docs/features.md`.\n\n\
        | feature | unit | meaning |\n|---|---|---|\n"
    );
    for feature in features(FeatureSet::All) {
        let _ = writeln!(text, "| `{}` | {} | {} |", feature.name, feature.unit, feature.meaning);
    }
    text
}

fn first_to_lower_case(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// Writes the section of one command, and those of its subcommands.
fn describe_command(text: &mut String, command: &Command, name: &str, level: usize) {
    let _ = writeln!(text, "{} {name}\n", "#".repeat(level));
    let about = command.get_long_about().or_else(|| command.get_about()).map(ToString::to_string).unwrap_or_default();
    for paragraph in about.split("\n\n") {
        let paragraph = paragraph.trim().trim_end_matches('.');
        if !paragraph.is_empty() {
            let _ = writeln!(text, "{paragraph}.\n");
        }
    }
    let usage = command.clone().bin_name(name).render_usage().to_string();
    push_block(text, usage.trim_start_matches("Usage: "));
    let own = |arg: &&Arg| !arg.is_global_set() && !arg.is_hide_set() && !asks_for_help(arg);
    let is_positional = |arg: &&Arg| arg.is_positional();
    describe_options(text, "Arguments", command.get_arguments().filter(own).filter(is_positional));
    describe_options(text, "Options", command.get_arguments().filter(own).filter(|arg| !arg.is_positional()));
    if let Some(after) = command.get_after_help() {
        push_block(text, &after.to_string());
    }
    for subcommand in visible_subcommands(command) {
        describe_command(text, subcommand, &format!("{name} {}", subcommand.get_name()), level + 1);
    }
}

fn asks_for_help(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Help | ArgAction::HelpLong | ArgAction::HelpShort | ArgAction::Version)
}

/// Writes a list of arguments or options, with defaults and possible values.
fn describe_options<'a>(text: &mut String, heading: &str, arguments: impl Iterator<Item = &'a Arg>) {
    let lines: Vec<String> = arguments.map(describe_option).collect();
    if !lines.is_empty() {
        let _ = writeln!(text, "{heading}:\n\n{}\n", lines.join("\n"));
    }
}

fn describe_option(arg: &Arg) -> String {
    let help = arg.get_long_help().or_else(|| arg.get_help()).map(ToString::to_string).unwrap_or_default();
    // The first paragraph is a line of its own in `--help`, and has no full stop there.
    let help: Vec<String> = help
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned())
        .collect();
    let help = help.join(". ");
    let mut line = format!("- `{}`: {}", signature(arg), help.trim_end_matches('.'));
    let defaults: Vec<String> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    if !defaults.is_empty() && arg.get_action().takes_values() {
        let _ = write!(line, " (default: `{}`)", defaults.join(","));
    }
    line.push('.');
    if arg.get_action().takes_values() {
        for value in arg.get_possible_values().iter().filter(|value| !value.is_hide_set()) {
            let about = value.get_help().map_or_else(String::new, |help| format!(": {help}"));
            let _ = write!(line, "\n  - `{}`{about}", value.get_name());
        }
    }
    line
}

/// Writes an argument as it is typed: `-q, --quiet`, `--out <DIR>`, `<RUN>`.
fn signature(arg: &Arg) -> String {
    let mut names: Vec<String> = arg.get_short().map(|short| format!("-{short}")).into_iter().collect();
    names.extend(arg.get_long().map(|long| format!("--{long}")));
    let mut written = names.join(", ");
    if arg.get_action().takes_values() {
        let default = [arg.get_id().as_str().to_uppercase()];
        let values: Vec<String> = match arg.get_value_names() {
            Some(names) => names.iter().map(|name| format!("<{name}>")).collect(),
            None => default.iter().map(|name| format!("<{name}>")).collect(),
        };
        let space = if written.is_empty() { "" } else { " " };
        written = format!("{written}{space}{}", values.join(" "));
    }
    written
}

fn push_block(text: &mut String, block: &str) {
    let _ = writeln!(text, "```text\n{}\n```\n", block.trim_end());
}
