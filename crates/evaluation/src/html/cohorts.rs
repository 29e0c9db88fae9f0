//! The two cohorts side by side, and the switch between them, which needs no script.

use crate::report::ByCohort;

/// What the cohorts are called, for (`all`, `active`).
pub(super) const NAMES: ByCohort<&str> = ByCohort { all: "Everyone known by then", active: "Those still active" };

/// The same inside a sentence.
pub(super) const INSIDE: ByCohort<&str> = ByCohort { all: "everyone known by then", active: "those still active" };

/// Radio buttons before everything they switch, and their labels in a bar.
pub(super) fn switch() -> &'static str {
    "<input class=\"choice\" type=\"radio\" name=\"cohort\" id=\"show-all\">\
     <input class=\"choice\" type=\"radio\" name=\"cohort\" id=\"show-active\">\
     <input class=\"choice\" type=\"radio\" name=\"cohort\" id=\"show-both\" checked>\
     <div class=\"bar\" role=\"group\" aria-label=\"Whose figures are shown\"><span class=\"bar-title\">Show</span>\
     <label for=\"show-all\">everyone known by then</label><label for=\"show-active\">those still active</label>\
     <label for=\"show-both\">both</label></div>"
}

/// Markup of each cohort in a column of its own, under its name. Empty if both are.
pub(super) fn columns(markup: &ByCohort<String>) -> String {
    both("cohorts", markup)
}

/// Markup of each cohort one below the other, as wide tables need.
pub(super) fn stacked(markup: &ByCohort<String>) -> String {
    both("cohorts stacked", markup)
}

/// Figures with tables to their right, where there is room.
pub(super) fn beside(figures: &str, tables: &str) -> String {
    format!("<div class=\"beside\"><div>{figures}</div><div>{tables}</div></div>")
}

fn both(class: &str, markup: &ByCohort<String>) -> String {
    if markup.all.is_empty() && markup.active.is_empty() {
        return String::new();
    }
    format!(
        "<div class=\"{class}\"><div class=\"cohort of-all\"><h3 class=\"whose\">{}</h3>{}</div>\
         <div class=\"cohort of-active\"><h3 class=\"whose\">{}</h3>{}</div></div>",
        NAMES.all, markup.all, NAMES.active, markup.active
    )
}

/// Something made of each cohort; `key` is `all` or `active`.
pub(super) fn each<T>(mut make: impl FnMut(&'static str) -> T) -> ByCohort<T> {
    ByCohort { all: make("all"), active: make("active") }
}

/// One cohort's part.
pub(super) fn of<'a, T>(both: &'a ByCohort<T>, key: &str) -> &'a T {
    if key == "active" { &both.active } else { &both.all }
}
