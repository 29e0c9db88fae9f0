//! Whole units (courses, runs, institutions) taken until they hold a share of the rows.

use std::collections::BTreeSet;

/// Takes units in the order given, each with its number of rows, and each only if that brings the number of rows nearer to
/// `share` of `total_rows`. At least one is taken (if there is one), and at most `most`.
pub(super) fn take_whole<'a>(
    queue: impl IntoIterator<Item = (&'a str, usize)>,
    share: f64,
    total_rows: usize,
    most: usize,
) -> BTreeSet<&'a str> {
    let goal = share * total_rows as f64;
    let (mut taken, mut held) = (BTreeSet::new(), 0_usize);
    for (unit, rows) in queue {
        let nearer = ((held + rows) as f64 - goal).abs() < (held as f64 - goal).abs();
        if taken.len() < most && (nearer || taken.is_empty()) {
            held += rows;
            taken.insert(unit);
        }
    }
    taken
}
