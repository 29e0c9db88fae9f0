//! Curves drawn with characters.

use super::lines::wrap;
use crate::metrics::{Metric, ReliabilityBin, RocPoint};
use crate::numbers::{count, percent};

const ROC_COLUMNS: usize = 60;
const ROC_ROWS: usize = 16;
const SCALE_COLUMNS: usize = 61;

/// Draws the ROC curve (●) above the diagonal of guessing (·).
pub(super) fn roc_plot(curve: &[RocPoint]) -> String {
    if curve.is_empty() {
        return "No ROC curve: it needs learners who dropped out and learners who stayed.\n".to_owned();
    }
    let mut grid = vec![vec![' '; ROC_COLUMNS + 1]; ROC_ROWS + 1];
    let height = |rate: f64| ROC_ROWS - (rate * ROC_ROWS as f64).round() as usize;
    let mut above = ROC_ROWS;
    for column in 0..=ROC_COLUMNS {
        let share = column as f64 / ROC_COLUMNS as f64;
        grid[height(share)][column] = '·';
        let here = height(true_positive_rate_at(curve, share));
        // The column is filled from the height before to this one, so that a steep curve stays one line.
        for row in grid.iter_mut().take(above.max(here) + 1).skip(here) {
            row[column] = '●';
        }
        above = here;
    }
    let mut lines = "ROC curve: dropouts caught against stayers bothered\n".to_owned();
    for (row, cells) in grid.iter().enumerate() {
        let share = 100 * (ROC_ROWS - row) / ROC_ROWS;
        let label = if row % 4 == 0 { format!("{share:>4}%") } else { String::new() };
        let cells: String = cells.iter().collect();
        lines += format!("{label:5} │{cells}").trim_end();
        lines.push('\n');
    }
    lines += &format!("{:6}└{}\n", "", "─".repeat(ROC_COLUMNS + 1));
    lines += &format!("{:7}{:<29}{}{:>29}\n", "", "0%", "50%", "100% of stayers flagged");
    lines
        + &wrap(
            "How to read it: flag so many that this share of those who stay is bothered for nothing (across). Then this \
             share of the dropouts is caught (up). On the dotted line the model would be guessing.",
        )
}

/// Returns the curve's height at a false positive rate: the highest point at it, or the straight line between neighbours.
fn true_positive_rate_at(curve: &[RocPoint], share: f64) -> f64 {
    let after = curve.partition_point(|point| point.false_positive_rate <= share);
    let left = &curve[after.saturating_sub(1)];
    let Some(right) = curve.get(after) else {
        return left.true_positive_rate;
    };
    let way = (share - left.false_positive_rate) / (right.false_positive_rate - left.false_positive_rate);
    left.true_positive_rate + way * (right.true_positive_rate - left.true_positive_rate)
}

/// Draws forecasts (○) against outcomes (●), bin by bin from the lowest forecasts to the highest.
pub(super) fn reliability_plot(bins: &[ReliabilityBin]) -> String {
    if bins.is_empty() {
        return "No reliability plot: there are no learners.\n".to_owned();
    }
    let mut lines = "Can the probabilities be taken at their word?\n".to_owned();
    lines += &format!("{:>9}{:>10}{:>10}  0%{:>28}{:>31}\n", "learners", "forecast", "happened", "50%", "100%");
    for bin in bins {
        let column = |share: f64| (share * (SCALE_COLUMNS - 1) as f64).round() as usize;
        let (forecast, happened) = (column(bin.mean_probability), column(bin.observed_rate));
        let mut scale = vec!['·'; SCALE_COLUMNS];
        let between = forecast.min(happened)..forecast.max(happened);
        scale[between].fill('─');
        scale[forecast] = '○';
        // Last, so that a forecast that came true is seen as such.
        scale[happened] = if forecast == happened { '◉' } else { '●' };
        lines += &format!(
            "{:>9}{:>10}{:>10}  {}\n",
            count(bin.count as u64),
            percent(Metric::Value(bin.mean_probability)),
            percent(Metric::Value(bin.observed_rate)),
            scale.iter().collect::<String>(),
        );
    }
    lines
        + &wrap(
            "Each line holds about as many learners, the least at risk first. ○ is the share of them forecast to drop out, ● the \
             share that did, ◉ both. The nearer the two, the better. ● to the right of ○: the forecast was too low.",
        )
}
