//! The table of a bench.

use staycast_forecast::bench::Measured;

use super::report::BenchReport;
use crate::display::{LabelledText, align_columns, format_bytes, group_digits, pluralise};

const HEADING: [&str; 10] = [
    "T,F,H,batch",
    "device",
    "train seq/s",
    "GFLOP/s",
    "of peak",
    "infer seq/s",
    "first",
    "again",
    "memory",
    "differs",
];

pub(super) fn to_text(report: &BenchReport) -> String {
    let mut sheet = LabelledText::default();
    let machine = &report.machine;
    sheet.paragraph(format!(
        "{}, {}, {}, {}; medians of up to {}",
        machine.cpu,
        pluralise(machine.cores as u64, "core"),
        machine.system,
        pluralise(report.threads as u64, "thread"),
        pluralise(report.rounds.into(), "round")
    ));
    sheet.gap();
    let mut rows = vec![HEADING.map(str::to_owned)];
    rows.extend(report.results.iter().map(row));
    for line in align_columns(&rows, 2) {
        sheet.verbatim(line);
    }
    sheet.gap();
    let reading = &report.reading;
    sheet.row(
        "Reading",
        format!(
            "{} enrolments a second from Parquet to memory ({} of {} and {})",
            rate(reading.enrolments_per_second),
            pluralise(reading.enrolments, "enrolment"),
            pluralise(reading.weeks, "week"),
            pluralise(reading.features, "feature")
        ),
    );
    for loading in &report.loading {
        let text = format!(
            "{} enrolments a second scaled and on {} ({} of {} and {}, {}/s)",
            rate(loading.enrolments_per_second),
            loading.device,
            pluralise(loading.enrolments, "enrolment"),
            pluralise(loading.weeks, "week"),
            pluralise(loading.inputs, "input"),
            format_bytes(loading.bytes_per_second as u64),
        );
        sheet.row("Loading", text);
    }
    for start in &report.start_up {
        let (cold, warm) = (seconds(start.cold_seconds), seconds(start.warm_seconds));
        sheet.row(
            "Start-up",
            format!(
                "{} ends its first step ({}) {cold} after the program starts where the driver has no compiled kernels on disk, \
                 and {warm} where it has them",
                start.device, start.shape
            ),
        );
    }
    for failed in &report.failed {
        sheet.row("Failed", format!("{} on {}: {}", failed.what, failed.device, failed.reason));
    }
    for left_out in &report.left_out {
        sheet.row("Left out", left_out);
    }
    sheet.into_string()
}

fn row(measured: &Measured) -> [String; 10] {
    let agreement = &measured.agreement;
    let error = agreement.error.map_or_else(|| "no number".to_owned(), |error| format!("{error:.0e}"));
    [
        measured.shape.to_string(),
        measured.device.clone(),
        rate(measured.train_sequences_per_second),
        format!("{:.0}", measured.train_gflops),
        format!("{:.0} %", 100.0 * measured.peak_share),
        rate(measured.infer_sequences_per_second),
        seconds(measured.seconds_to_first_step),
        seconds(measured.seconds_to_first_step_again),
        measured.peak_memory_bytes.map_or_else(|| "–".to_owned(), format_bytes),
        if agreement.agrees { error } else { format!("WRONG {error}") },
    ]
}

/// Writes a rate with three digits, as such a measurement has no more.
fn rate(value: f64) -> String {
    let unit = 10_f64.powf((value.abs().max(1.0).log10().floor() - 2.0).max(0.0));
    group_digits(((value / unit).round() * unit) as u64)
}

fn seconds(value: f64) -> String {
    if value < 1.0 { format!("{:.0} ms", 1000.0 * value) } else { format!("{value:.1} s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_three_digits() {
        assert_eq!(rate(123_456.0), "123,000");
        assert_eq!(rate(98_760.0), "98,800");
        assert_eq!(rate(12.4), "12");
        assert_eq!(rate(0.0), "0");
    }
}
