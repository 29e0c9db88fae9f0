//! Weights as plain numbers, which other formats are read into and written from.

/// Holds one direction of one layer, in this crate's layout and gate order (i, f, g, o).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlainLayer {
    pub(crate) features: usize,
    pub(crate) hidden: usize,
    /// `[features, 4 * hidden]`
    pub(crate) w_ih: Vec<f32>,
    /// `[hidden, 4 * hidden]`
    pub(crate) w_hh: Vec<f32>,
    /// `[4 * hidden]`
    pub(crate) bias: Vec<f32>,
}

/// Transposes `values [rows, columns]`, both row-major.
pub(crate) fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    assert_eq!(values.len(), rows * columns, "a matrix of {rows} rows and {columns} columns");
    (0..columns).flat_map(|column| values.iter().skip(column).step_by(columns).copied()).collect()
}
