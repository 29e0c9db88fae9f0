//! `staycast mapping`: drafts of mappings, and what they make of files.

mod args;
mod check;
mod draft;

pub(crate) use self::args::MappingArgs;
use self::args::MappingCommand;
use crate::console::Console;
use crate::status::Status;

pub(crate) fn run(args: &MappingArgs, console: &Console) -> anyhow::Result<Status> {
    match &args.command {
        MappingCommand::New { files, out } => draft::run(files, out.as_deref(), console),
        MappingCommand::Check { mapping, files, courses } => check::run(mapping, files, courses.as_deref(), console),
    }
}
