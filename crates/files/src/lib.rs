#![doc = include_str!("../README.md")]

mod checkpoint;
mod error;
mod file;
mod folder;
mod json;
mod leftovers;
mod live;
mod lock;
mod own;
mod place;
mod scratch;
mod stream;
mod system;

pub use checkpoint::CHECKPOINT;
pub use error::WriteError;
pub use file::{FileDraft, write, write_json, write_json_lines, write_together, write_with};
pub use folder::FolderDraft;
pub use leftovers::{clean_up, is_leftover, remove_leftovers};
pub use live::abandon;
pub use lock::{Claim, FileTurn};
pub use own::{ForeignFile, OwnFiles};
pub use place::{check_file_place, check_folder_place, is_standard_output, is_stream, make_folder};
pub use scratch::ScratchFolder;

/// Says what to do when something is in the place already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfExists {
    /// Fail. An empty folder counts as nothing where a folder is written, and so do pipes and devices where a file is.
    #[default]
    Refuse,
    /// Replace it: a file, or a folder that holds no files but those that the new one has too.
    Replace,
}
