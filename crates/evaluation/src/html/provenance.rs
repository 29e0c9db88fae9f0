//! Where the figures come from. No date: equal runs give equal pages.

use askama::Template;
use askama::filters::HtmlSafe;

use super::cell::{Cell, Table};
use super::page::Page;

#[derive(Template)]
#[template(path = "provenance.html")]
pub(super) struct Provenance<'a> {
    flatters: bool,
    table: Table,
    configuration: Option<Table>,
    version: &'a str,
}

impl HtmlSafe for Provenance<'_> {}

impl<'a> Provenance<'a> {
    pub(super) fn new(page: &Page<'a>) -> Self {
        let about = page.about;
        let seeds: Vec<String> = about.seeds.iter().map(ToString::to_string).collect();
        let entries = [
            ("run", about.run.clone()),
            ("data fingerprint", about.data_fingerprint.clone()),
            ("kind of test", page.evaluation.kind.name().to_owned()),
            ("label rule", page.evaluation.label_rule.clone()),
            ("week", page.evaluation.week.to_string()),
            ("computed on", about.device.clone()),
            (if seeds.len() == 1 { "seed" } else { "seeds" }, seeds.join(", ")),
        ];
        let given = entries.into_iter().filter(|(_, value)| !value.is_empty());
        let rows = given.map(|(key, value)| vec![Cell::Figure(key.to_owned()), Cell::GivenWords(value)]);
        let settings = &about.configuration;
        let setting = |(key, value): &(String, String)| vec![Cell::Name(key.clone()), Cell::GivenWords(value.clone())];
        Self {
            flatters: page.flatters(),
            table: Table { caption: "Provenance", heads: vec!["", ""], rows: rows.collect() },
            configuration: (!settings.is_empty()).then(|| Table {
                caption: "Configuration",
                heads: vec!["setting", "value"],
                rows: settings.iter().map(setting).collect(),
            }),
            version: &about.staycast_version,
        }
    }
}
