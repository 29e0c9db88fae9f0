//! A list of cut-offs in a message.

use std::fmt;

use crate::CutOff;

/// Prints cut-offs as a message lists them: `1, 2, 4`, or `(none)`.
#[derive(Clone, Copy, Debug)]
pub struct CutOffList<'a>(pub &'a [CutOff]);

impl fmt::Display for CutOffList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, others)) = self.0.split_first() else { return f.write_str("(none)") };
        write!(f, "{first}")?;
        others.iter().try_for_each(|cut_off| write!(f, ", {cut_off}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_says_so() {
        let cut_offs: Vec<CutOff> = [1_u16, 2, 4].into_iter().filter_map(CutOff::after_weeks).collect();
        assert_eq!(CutOffList(&cut_offs).to_string(), "1, 2, 4");
        assert_eq!(CutOffList(&[]).to_string(), "(none)");
    }
}
