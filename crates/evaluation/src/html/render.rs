//! The page as a whole.

use askama::Template;
use staycast_weeks::CutOff;

use super::figure::Drawings;
use super::header::Header;
use super::operating::OperatingPoints;
use super::page::{Page, RenderedPage};
use super::provenance::Provenance;
use super::section::Section;
use super::{
    PAGE_STYLES, all_figures, calibration, card, courses, data, groups, operating, ranking, stability, survival, weeks,
    worth,
};
use crate::markup::without_control_characters;

#[derive(Template)]
#[template(path = "report.html")]
struct Report<'a> {
    run: &'a str,
    week: CutOff,
    flatters: bool,
    styles: [&'static str; 3],
    script: &'static str,
    header: Header<'a>,
    /// The repeat, from 1, that sections without a mean are of.
    repeat: Option<u64>,
    sections: Vec<Section>,
    provenance: Provenance<'a>,
    /// JSON, safe inside a `script` element.
    operating_points: String,
}

/// Renders the page, and draws its drawings.
#[must_use]
pub fn render(page: &Page<'_>) -> RenderedPage {
    let mut drawings = Drawings::default();
    let sections = sections(page, &mut drawings);
    let report = Report {
        run: &page.about.run,
        week: page.evaluation.week,
        flatters: page.flatters(),
        styles: PAGE_STYLES,
        script: include_str!("../../assets/report.js"),
        header: Header::new(page),
        repeat: page.evaluation.sections_of_repeat.map(|repeat| u64::from(repeat) + 1),
        sections,
        provenance: Provenance::new(page),
        operating_points: OperatingPoints::new(page).to_json(),
    };
    RenderedPage { html: without_control_characters(&report.to_string()), drawings: drawings.into_named() }
}

/// Renders the sections that have something to show.
fn sections(page: &Page<'_>, drawings: &mut Drawings) -> Vec<Section> {
    let enough = page.evaluation.too_few.all.is_none();
    let parts = [
        enough.then(|| operating::section(page)).flatten(),
        Some(all_figures::section(page)),
        enough.then(|| ranking::section(page, drawings)).flatten(),
        Some(weeks::section(page, drawings)),
        enough.then(|| calibration::section(page, drawings)).flatten(),
        enough.then(|| worth::section(page, drawings)),
        courses::section(page, drawings),
        groups::section(page, drawings),
        survival::section(page, drawings),
        enough.then(|| stability::section(page)).flatten(),
        Some(data::section(page)),
        Some(card::section(page)),
    ];
    parts.into_iter().flatten().collect()
}
