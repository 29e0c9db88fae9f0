//! The drawing of a bench: one line a shape and device, training and inference on a logarithmic axis.

use anyhow::anyhow;
use plotters::coord::ranged1d::Ranged;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::report::BenchReport;
use crate::display;

const WIDTH: u32 = 900;
const LEFT: i32 = 230;
const RIGHT: i32 = 40;
const TOP: i32 = 84;
const ROW: i32 = 26;
/// Sets the colours: blue and vermilion of Okabe and Ito's palette, which the colour-blind tell apart; the marks differ
/// besides.
const TRAINING: RGBColor = RGBColor(0, 114, 178);
const INFERENCE: RGBColor = RGBColor(213, 94, 0);
const FONT: &str = "system-ui, sans-serif";

pub(super) fn svg(report: &BenchReport) -> anyhow::Result<String> {
    let height = (TOP + ROW * report.results.len().max(1) as i32 + 48) as u32;
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        draw(&root, report, height as i32).map_err(|error| anyhow!("cannot draw the bench: {error}"))?;
    }
    Ok(described(&text, report))
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

fn draw<'a>(root: &Area<'a>, report: &BenchReport, height: i32) -> Drawn<'a> {
    root.fill(&WHITE)?;
    let plain = |size: u32| (FONT, size).into_font().color(&BLACK);
    let right = |size: u32| plain(size).pos(Pos::new(HPos::Right, VPos::Center));
    let centre = |size: u32| plain(size).pos(Pos::new(HPos::Center, VPos::Top));
    root.draw(&Text::new("Sequences a second (T weeks, F inputs, H units, sequences a step)", (16, 14), plain(17)))?;
    let machine = &report.machine;
    let under = format!(
        "{}, {}, Staycast {}",
        machine.cpu,
        display::pluralise(machine.cores as u64, "core"),
        report.staycast_version
    );
    root.draw(&Text::new(under, (16, 38), plain(13)))?;

    let rates =
        || report.results.iter().flat_map(|one| [one.train_sequences_per_second, one.infer_sequences_per_second]);
    let lowest = 10_f64.powf(rates().fold(f64::MAX, f64::min).max(1.0).log10().floor());
    let highest = 10_f64.powf(rates().fold(10.0, f64::max).log10().ceil()).max(10.0 * lowest);
    let axis = plotters::coord::types::RangedCoordf64::from(lowest.log10()..highest.log10());
    let place = |rate: f64| axis.map(&rate.log10(), (LEFT, WIDTH as i32 - RIGHT));
    let bottom = height - 48;
    for decade in (lowest.log10() as i32)..=(highest.log10() as i32) {
        let x = place(10_f64.powi(decade));
        root.draw(&PathElement::new(vec![(x, TOP - 8), (x, bottom)], RGBColor(210, 210, 210)))?;
        root.draw(&Text::new(display::group_digits(10_u64.pow(decade as u32)), (x, bottom + 8), centre(13)))?;
    }
    legend(root, plain(13))?;
    for (row, measured) in report.results.iter().enumerate() {
        let y = TOP + ROW * row as i32 + ROW / 2;
        let label = format!("{}  {}", measured.shape, measured.device);
        root.draw(&Text::new(label, (LEFT - 14, y), right(13)))?;
        let (train, infer) = (place(measured.train_sequences_per_second), place(measured.infer_sequences_per_second));
        root.draw(&PathElement::new(vec![(train, y), (infer, y)], RGBColor(150, 150, 150)))?;
        root.draw(&Circle::new((train, y), 6, TRAINING.filled()))?;
        root.draw(&TriangleMarker::new((infer, y), 7, INFERENCE.filled()))?;
    }
    root.present()
}

fn legend<'a>(root: &Area<'a>, style: TextStyle<'_>) -> Drawn<'a> {
    root.draw(&Circle::new((LEFT + 8, 64), 6, TRAINING.filled()))?;
    root.draw(&Text::new("training steps", (LEFT + 22, 57), style.clone()))?;
    root.draw(&TriangleMarker::new((LEFT + 148, 65), 7, INFERENCE.filled()))?;
    root.draw(&Text::new("inference", (LEFT + 162, 57), style))
}

/// Adds a title and a description for those who can't see the drawing.
fn described(svg: &str, report: &BenchReport) -> String {
    let rows: Vec<String> = report
        .results
        .iter()
        .map(|one| {
            format!(
                "{} on {}: training {:.0}, inference {:.0}",
                one.shape, one.device, one.train_sequences_per_second, one.infer_sequences_per_second
            )
        })
        .collect();
    let described = format!(
        "<title>Sequences a second in training and inference</title>\n<desc>{}</desc>\n",
        rows.join("; ").replace('&', "&amp;").replace('<', "&lt;")
    );
    match svg.find("xmlns") {
        Some(_) => {
            let end = svg.find('>').map_or(0, |at| at + 1);
            format!("{}\n{described}{}", svg[..end].replacen("<svg ", "<svg role=\"img\" ", 1), &svg[end..])
        }
        None => svg.to_owned(),
    }
}
