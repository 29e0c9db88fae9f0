//! Helpers for text that people read: numbers, lists and layout. They know no command.

mod course_table;
mod labelled_text;
mod numbers;
mod paths;

pub(crate) use course_table::{CourseLine, course_table};
pub(crate) use labelled_text::{LabelledText, align_columns};
pub(crate) use numbers::{
    format_bytes, format_duration, format_percent, group_digits, group_digits_in, list_first, pluralise,
    quote_for_shell,
};
pub(crate) use paths::{optional_path_text, path_text, to_json};
