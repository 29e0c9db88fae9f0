//! Bounds the numbers and column positions of a model that was read from a file.

/// Bounds the numbers of a model. Fits stay far below it, and sums of products with inputs stay finite.
const GREATEST: f64 = 1e12;

/// Checks that a number is finite and not absurd.
pub(crate) fn number(what: &str, value: f64) -> Result<(), String> {
    if value.abs() <= GREATEST { Ok(()) } else { Err(format!("{what} is {value}, and no fit gives such a number")) }
}

/// Checks that `columns` are positions below `positions`, each once and in order.
pub(crate) fn positions(columns: &[u32], positions: usize) -> Result<(), String> {
    if let Some(column) = columns.iter().find(|&&column| column as usize >= positions) {
        return Err(format!("it reads column {column}, and the weeks seen have {positions}"));
    }
    if columns.is_sorted_by(|a, b| a < b) { Ok(()) } else { Err("its columns are not in order".to_owned()) }
}
