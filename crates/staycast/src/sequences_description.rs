//! A sequences folder described: the input and what became of its rows, the contents, and what was not computed.

use std::collections::BTreeMap;

use staycast_events::{DatesFrom, Notice};
use staycast_sequences::manifest::{
    CourseWarning, LeftOutRecord, Manifest, ReasonCount, StrayDaysRecord, UnknownKindRecord, UnknownKindsRecord,
};

use crate::console::Verbosity;
use crate::display::{LabelledText, format_bytes, format_percent, group_digits, list_first, pluralise};
use crate::hints;

/// Says how long a description may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// As long as fits a screen; where something is cut, it says that `--verbose` shows the rest.
    Screen,
    /// Everything.
    Full,
}

impl From<Verbosity> for Detail {
    fn from(verbosity: Verbosity) -> Self {
        match verbosity {
            Verbosity::Quiet | Verbosity::Normal => Self::Screen,
            Verbosity::Detailed => Self::Full,
        }
    }
}

impl Detail {
    /// Returns the greatest number of lines, items or samples, where `on_screen` is that of a screen.
    pub(crate) const fn at_most(self, on_screen: usize) -> usize {
        match self {
            Self::Screen => on_screen,
            Self::Full => usize::MAX,
        }
    }
}

/// Describes the input: the files read, and what became of their rows. What was rejected comes first.
pub(crate) fn describe_input(text: &mut LabelledText, manifest: &Manifest, detail: Detail) {
    let size = manifest.inputs.iter().map(|input| input.bytes).sum();
    let names: Vec<&str> = manifest.inputs.iter().map(|input| input.file.as_str()).collect();
    let format = format!("{}: {}", manifest.format, manifest.format_reason);
    text.row_of_lines("Format", format, detail.at_most(1));
    let files = pluralise(names.len() as u64, "file");
    let read = format!("{files}, {}: {}", format_bytes(size), list_first(&names, detail.at_most(4)));
    text.row_of_lines("Read", read, detail.at_most(1));
    describe_left_out_files(text, &manifest.left_out, detail);
    describe_file_notes(text, &manifest.file_notes, detail);
    let rows = &manifest.rows;
    let sum = |reasons: &BTreeMap<String, ReasonCount>| reasons.values().map(|count| count.rows).sum::<u64>();
    // That all kinds are known is said too: their features would be wrong without a word.
    let kinds = if rows.unknown_kinds.is_none() && rows.used > 0 { "; no unknown kinds" } else { "" };
    let became = format!(
        "{} of the log: {} used, {} set aside, {} rejected{kinds}",
        group_digits(rows.read),
        group_digits(rows.used),
        group_digits(sum(&rows.set_aside)),
        group_digits(sum(&rows.rejected))
    );
    text.row("Rows", became);
    describe_rejected(text, manifest, detail);
    if let Some(unknown) = &rows.unknown_kinds {
        describe_unknown_kinds(text, unknown, detail);
    }
    // Rows that are set aside are as they should be, so nobody has to look at any.
    let of_log = by_falling_count(&rows.set_aside).into_iter().map(|(reason, count)| (reason, count, ""));
    let of_tables = by_falling_count(&rows.set_aside_roster);
    let of_tables = of_tables.into_iter().map(|(reason, count)| (reason, count, " (of the other tables)"));
    let aside: Vec<String> = of_log
        .chain(of_tables)
        .map(|(reason, count, of)| format!("{} {}{of}", group_digits(count.rows), describe_reason(reason)))
        .collect();
    if !aside.is_empty() {
        let why = if detail == Detail::Full { " (with no place in the sequences)" } else { "" };
        text.row_of_lines("Set aside", format!("{}{why}", aside.join(", ")), detail.at_most(2));
    }
    for notice in &manifest.notices {
        let (label, what) = describe_notice(notice);
        text.row_of_lines(label, what, detail.at_most(4));
    }
}

/// Describes what is odd about a log as a whole, and what to type: with a label.
pub(crate) fn describe_notice(notice: &Notice) -> (&'static str, String) {
    let label = match notice {
        Notice::SeveralSites { .. }
        | Notice::Grew { .. }
        | Notice::MissingLabels { .. }
        | Notice::WithdrawnBeforeEnrolled { .. }
        | Notice::WithdrawnAfterCourse { .. } => "Note",
        Notice::SharedUserIds { .. }
        | Notice::ClashingIds { .. }
        | Notice::RoundNumbers { .. }
        | Notice::OverlappingFiles { .. } => "Warning",
    };
    let hint = hints::for_notice(notice).map(|hint| format!(": {hint}")).unwrap_or_default();
    (label, format!("{notice}{hint}"))
}

/// Lists the files that were offered and not read, those with the same reason together.
pub(crate) fn describe_left_out_files(text: &mut LabelledText, files: &[LeftOutRecord], detail: Detail) {
    let mut by_reason: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for LeftOutRecord { file, why } in files {
        let place = *places.entry(why).or_insert(by_reason.len());
        if place == by_reason.len() {
            by_reason.push((why, Vec::new()));
        }
        by_reason[place].1.push(file);
    }
    let shown = detail.at_most(4).min(by_reason.len());
    for (place, (why, names)) in by_reason[..shown].iter().enumerate() {
        let label = if place == 0 { "Not read" } else { "" };
        let each = if names.len() > 1 { "each " } else { "" };
        text.row_of_lines(label, format!("{}: {each}{why}", list_first(names, detail.at_most(4))), detail.at_most(2));
    }
    let more: usize = by_reason[shown..].iter().map(|(_, names)| names.len()).sum();
    if more > 0 {
        text.row("", format!("and {}, which --verbose and manifest.json list", pluralise(more as u64, "more file")));
    }
}

/// Says what was odd about files that were read.
pub(crate) fn describe_file_notes(text: &mut LabelledText, notes: &[String], detail: Detail) {
    let shown = detail.at_most(2).min(notes.len());
    for note in &notes[..shown] {
        text.row_of_lines("Note", note, detail.at_most(2));
    }
    if shown < notes.len() {
        text.row("", format!("and {} more, which --verbose lists", notes.len() - shown));
    }
}

/// Lists why rows were rejected, of the log and of the other tables, each reason with samples.
fn describe_rejected(text: &mut LabelledText, manifest: &Manifest, detail: Detail) {
    let rows = &manifest.rows;
    let of_log = by_falling_count(&rows.rejected).into_iter().map(|(reason, count)| (reason, count, "the log"));
    let of_tables =
        by_falling_count(&rows.rejected_roster).into_iter().map(|(reason, count)| (reason, count, "the other tables"));
    let all: Vec<_> = of_log.chain(of_tables).collect();
    let shown = detail.at_most(2).min(all.len());
    for (place, (reason, count, of)) in all[..shown].iter().enumerate() {
        let label = if place == 0 { "Rejected" } else { "" };
        text.row_of_lines(
            label,
            format!("{} {} (of {of})", group_digits(count.rows), describe_reason(reason)),
            detail.at_most(1),
        );
        for sample in count.samples.iter().take(detail.at_most(1)) {
            let sample = format!("e.g. {} line {}: {}", sample.file, sample.line, sample.what);
            text.row_of_lines("", sample, detail.at_most(1));
        }
    }
    if shown < all.len() {
        let more = pluralise((all.len() - shown) as u64, "more reason");
        text.row("", format!("and {more}, which --verbose and manifest.json list"));
    }
}

/// Lists kinds of event that neither the format nor the mapping knows: as a warning where they are many.
pub(crate) fn describe_unknown_kinds(text: &mut LabelledText, unknown: &UnknownKindsRecord, detail: Detail) {
    let label = if unknown.share > UnknownKindsRecord::GREATEST_SHARE { "Warning" } else { "Kinds" };
    let what = format!(
        "{} used ({}) of unknown kinds, counted as `other` or the mapping's default",
        pluralise(unknown.rows, "row"),
        format_percent(unknown.share)
    );
    let shown = detail.at_most(3).min(unknown.most_frequent.len());
    let kind = |kind: &UnknownKindRecord| match kind.kind.as_str() {
        "" => format!("(no name) {}", group_digits(kind.rows)),
        name => format!("{name} {}", group_digits(kind.rows)),
    };
    let mut kinds: Vec<String> = unknown.most_frequent[..shown].iter().map(kind).collect();
    if shown < unknown.most_frequent.len() {
        kinds.push(format!("and {} more", unknown.most_frequent.len() - shown));
    }
    match label {
        "Warning" => text.row_of_lines(label, format!("{what}: {}", kinds.join(", ")), detail.at_most(4)),
        _ => text.row_of_lines(label, format!("{}: {what}", kinds.join(", ")), detail.at_most(1)),
    };
}

fn by_falling_count(reasons: &BTreeMap<String, ReasonCount>) -> Vec<(&String, &ReasonCount)> {
    let mut counts: Vec<(&String, &ReasonCount)> = reasons.iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(count.rows));
    counts
}

/// Describes a reason that the manifest names.
pub(crate) fn describe_reason(reason: &str) -> String {
    match reason {
        "after_as_of" => "after the instant given by --as-of".to_owned(),
        "after_the_calendar" => "after the end of their course, or of its weeks kept".to_owned(),
        "banked" => "results carried over from an earlier run".to_owned(),
        "filtered_out" => "left out by the format or the mapping: staff, guests, what is of no course".to_owned(),
        "implausible_time" => "of an implausible time, far from their course".to_owned(),
        "missing_label" => "missing labels: the outcome is unknown".to_owned(),
        "no_course" => "outside any course".to_owned(),
        "no_learner" => "of nobody who is logged in".to_owned(),
        "comment" => "comments in the log".to_owned(),
        "voided" => "voided by other statements, or voiding others".to_owned(),
        "part_of_another" => "about parts of problems whose answers are in the log as a whole".to_owned(),
        "enrolled_again" => "of who enrolled again in the same course".to_owned(),
        other => other.replace('_', " "),
    }
}

/// Describes the contents of a sequences folder.
pub(crate) fn describe_contents(text: &mut LabelledText, manifest: &Manifest, detail: Detail) {
    let totals = &manifest.totals;
    let learners = if manifest.capabilities.learners {
        format!(", of {}", pluralise(totals.learners, "learner"))
    } else {
        "; the source does not identify learners across courses".to_owned()
    };
    let left_out = totals.enrolments_left_out.iter();
    let left_out: String = left_out
        .map(|(reason, count)| format!("; {} left out, as {}", group_digits(*count), describe_left_out(reason)))
        .collect();
    let enrolments = format!("{}{learners}{left_out}", group_digits(totals.enrolments));
    text.row_of_lines("Enrolments", enrolments, detail.at_most(2));
    let weeks = pluralise(u64::from(manifest.calendar.weeks), "week");
    let dates = match manifest.calendar.source.as_str() {
        "inferred" => "dates inferred from the events, which may look past a cut-off: give --courses FILE if you can",
        "courses-file" => "dates from the courses file",
        _ => "dates from the source",
    };
    text.row_of_lines(
        "Courses",
        format!("{}, of up to {weeks}; {dates}", group_digits(totals.courses)),
        detail.at_most(2),
    );
    let instant = manifest.calendar.as_of.replace('T', " ");
    text.row(
        "Log taken",
        match (manifest.calendar.as_of_source.as_str(), manifest.capabilities.dates) {
            ("given", _) => format!("{instant}, as given"),
            (_, true) => format!("{instant}, the end of its newest event's day"),
            (_, false) => "at the end of its newest event's day (the source has no dates)".to_owned(),
        },
    );
    describe_labels(text, manifest, detail);
    describe_warnings(text, manifest, detail);
    describe_features(text, manifest, detail);
}

/// Lists what is odd about single courses and tables.
fn describe_warnings(text: &mut LabelledText, manifest: &Manifest, detail: Detail) {
    let stray = manifest.calendar.stray_days.iter().map(describe_stray_days);
    let is_empty = |warning: &&CourseWarning| matches!(warning, CourseWarning::NoEnrolments { .. });
    let courses = manifest.warnings.iter().filter(|warning| !is_empty(warning)).map(describe_course_warning);
    let empty: Vec<&str> = manifest
        .warnings
        .iter()
        .filter_map(|warning| match warning {
            CourseWarning::NoEnrolments { course } => Some(course.as_str()),
            _ => None,
        })
        .collect();
    let nobody = (!empty.is_empty()).then(|| {
        let count = pluralise(empty.len() as u64, "course");
        format!("nobody is enrolled in {count}: {}", list_first(&empty, detail.at_most(4)))
    });
    let contradictions = manifest.rows.tables.iter().filter(|(_, rows)| rows.contradictions > 0).map(|(name, rows)| {
        format!(
            "{} of the {name} table: an id that came before, with other content; the first is used",
            pluralise(rows.contradictions, "row")
        )
    });
    let all: Vec<String> = stray.chain(courses).chain(contradictions).chain(nobody).collect();
    let shown = detail.at_most(2).min(all.len());
    for (place, warning) in all[..shown].iter().enumerate() {
        text.row_of_lines(if place == 0 { "Warnings" } else { "" }, warning, detail.at_most(2));
    }
    if shown < all.len() {
        let more = pluralise((all.len() - shown) as u64, "more warning");
        text.row("", format!("and {more}, which --verbose and manifest.json list"));
    }
    let dates_may_be_wrong = |warning: &CourseWarning| {
        !matches!(warning, CourseWarning::NoEnrolments { .. } | CourseWarning::NoDates { .. })
    };
    if manifest.warnings.iter().any(dates_may_be_wrong)
        || manifest.calendar.stray_days.iter().any(|stray| stray.set_aside)
    {
        text.row("", hints::FOR_DATES_OF_COURSES);
    }
}

fn describe_stray_days(stray: &StrayDaysRecord) -> String {
    let StrayDaysRecord { course, first, last, events, set_aside } = stray;
    let days = if first == last { format!("on {first}") } else { format!("from {first} to {last}") };
    let so = if *set_aside { "set aside" } else { "passed over" };
    format!("course {course}: {} {days}, far from all others: {so}", pluralise(*events, "event"))
}

fn describe_course_warning(warning: &CourseWarning) -> String {
    match warning {
        CourseWarning::NoEvents { course, enrolments } => {
            format!("course {course}: not one event within its dates, of {}", pluralise(*enrolments, "enrolment"))
        }
        CourseWarning::NoEnrolments { course } => format!("course {course}: nobody is enrolled"),
        CourseWarning::NoDates { course, enrolments, dates_from } => {
            let left_out = pluralise(*enrolments, "enrolment");
            format!("course {course}: {}; {left_out} left out", lacking_dates(*dates_from))
        }
        CourseWarning::LongCalendar { course, first, last, weeks } => {
            format!("course {course}: the dates inferred, {first} to {last}, are {weeks} weeks")
        }
        CourseWarning::NearlyAllDropouts { course, known, dropouts } => {
            let share = format_percent(*dropouts as f64 / *known as f64);
            format!("course {course}: {} dropouts of {} ({share})", group_digits(*dropouts), group_digits(*known))
        }
    }
}

/// Says why a course has no dates, where they are from `dates_from`.
pub(crate) const fn lacking_dates(dates_from: DatesFrom) -> &'static str {
    match dates_from {
        DatesFrom::Tables => "no table says when it runs",
        DatesFrom::Events => "no dates, and no events",
        DatesFrom::Enrolments => "no day to count weeks from",
    }
}

fn describe_left_out(reason: &str) -> String {
    match reason {
        "unknown_course" => "their course is not described".to_owned(),
        "no_course" => "their row names no course".to_owned(),
        "not_yet_known" => "they are not known yet at the instant given by --as-of".to_owned(),
        "only_about_others" => "they only did something about others, or received votes".to_owned(),
        "no_event_used" => "all of their events were set aside".to_owned(),
        other => other.replace('_', " "),
    }
}

fn describe_labels(text: &mut LabelledText, manifest: &Manifest, detail: Detail) {
    let labels = &manifest.labels;
    let share = if labels.known == 0 {
        "no enrolment's outcome is known, so these can be scored but not trained on".to_owned()
    } else {
        let share = format_percent(labels.dropouts as f64 / labels.known as f64);
        let dropouts = pluralise(labels.dropouts, "dropout");
        format!("{dropouts} ({share}) of the {} with a known outcome", pluralise(labels.known, "enrolment"))
    };
    text.row_of_lines("Dropout", format!("by the rule {}: {share}", labels.rule), detail.at_most(2));
    if !labels.unknown.is_empty() {
        let unknown: Vec<String> =
            labels.unknown.iter().map(|(why, count)| format!("{} unknown: {why}", group_digits(*count))).collect();
        text.row_of_lines("", unknown.join("; "), detail.at_most(1));
    }
    if let Some(hint) = hints::for_outcomes_not_known_yet(manifest) {
        text.row("", hint);
    }
}

/// Counts the features, and those that are null; a full description names them.
fn describe_features(text: &mut LabelledText, manifest: &Manifest, detail: Detail) {
    let mut lacking: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for feature in &manifest.features {
        if let Some(why) = &feature.lacking {
            lacking.entry(why).or_default().push(&feature.name);
        }
    }
    let all = manifest.features.len();
    let null: usize = lacking.values().map(Vec::len).sum();
    let known = group_digits((all - null) as u64);
    match (null, detail) {
        (0, _) => text.row("Features", known),
        (_, Detail::Screen) => {
            text.row("Features", format!("{known} of {all}; {null} are null (--verbose says which and why)"))
        }
        (_, Detail::Full) => text.row("Features", format!("{known} of {all}; the others are null:")),
    };
    if detail == Detail::Full {
        for (why, names) in lacking {
            text.row("", format!("{why}: {}", names.join(", ")));
        }
    }
}
