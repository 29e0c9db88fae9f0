#![doc = include_str!("../README.md")]

mod error;
mod file;
mod folder;
mod leftovers;
mod scratch;
mod system;

pub use error::WriteError;
pub use file::{FileDraft, write, write_json, write_json_lines, write_with};
pub use folder::FolderDraft;
pub use leftovers::{is_leftover, remove_leftovers};
pub use scratch::ScratchFolder;

/// Says what to do when something is in the place already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfExists {
    /// Fail. An empty folder counts as nothing where a folder is written.
    #[default]
    Refuse,
    /// Replace it.
    Replace,
}
