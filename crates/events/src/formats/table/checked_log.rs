//! The plan of one of the log's tables.

use super::checked_mapping::{CheckedLog, MappingCheck, RowEvent, filters};
use super::flexible_values::{ColumnsInFull, ColumnsSpec};
use super::kinds::MappedKinds;
use super::mapped_row::{MOST_COLUMNS, MOST_EVENTS, Role};
use super::mapping::{LogColumns, TableSpec, Time};
use super::row_template::{MeasureColumns, Part, RowTemplate};
use crate::error::ReadError;

impl MappingCheck<'_> {
    /// Checks one of the log's tables, which goes by `name` in messages.
    pub(super) fn log(
        &self,
        name: &str,
        spec: TableSpec<LogColumns>,
        kinds: &MappedKinds,
    ) -> Result<CheckedLog, ReadError> {
        let (layout, files) = (self.layout(name, &spec)?, self.files(name, &spec)?);
        if spec.others.is_some() || spec.infer_missing {
            let key = if spec.infer_missing { "infer_missing" } else { "others" };
            return self.fail(format!("{name}.{key} has no meaning for this table; remove it"));
        }
        let mut template = RowTemplate { null: spec.null.clone(), ..RowTemplate::default() };
        let fill = |template: &mut RowTemplate, role: Role, column: Option<&String>| {
            template.parts[role as usize] = column.map(|column| Part::column(template.place(column)));
        };
        // Columns in the order in which errors name those that a file lacks.
        fill(&mut template, Role::Enrolment, spec.columns.enrolment.as_ref());
        fill(&mut template, Role::Learner, spec.columns.learner.as_ref());
        fill(&mut template, Role::Course, spec.columns.course.as_ref());
        let events = self.events(name, &spec, kinds, &mut template)?;
        fill(&mut template, Role::Count, spec.columns.count.as_ref());
        fill(&mut template, Role::EventId, spec.columns.event_id.as_ref());
        fill(&mut template, Role::Correct, spec.columns.correct.as_ref());
        template.filters = filters(&spec, &mut |column| template.place(column));
        let columns = spec.columns;
        template.parts[Role::Object as usize] = columns.object.map(|object| part(&mut template, object));
        let activity = columns.activity.map(|activity| part(&mut template, activity));
        if let (Some(kind), None) = (&spec.kind, &activity)
            && kinds.declared(kind.as_bytes()).is_none()
        {
            return self.fail(format!("{name}.kind: `{kind}` is not declared in [activities.kinds]"));
        }
        template.parts[Role::Activity as usize] = match (spec.kind, activity) {
            (None, activity) => activity,
            (prefix, activity) => Some(Part { prefix, ..activity.unwrap_or_default() }),
        };
        if template.columns.len() > MOST_COLUMNS {
            return self
                .fail(format!("{name} names {} columns; at most {MOST_COLUMNS} are read", template.columns.len()));
        }
        Ok(CheckedLog { files, layout, template, events })
    }

    fn events(
        &self,
        name: &str,
        spec: &TableSpec<LogColumns>,
        kinds: &MappedKinds,
        template: &mut RowTemplate,
    ) -> Result<Vec<RowEvent>, ReadError> {
        if let (Some(time), true) = (&spec.columns.time, spec.events.is_empty()) {
            template.times = vec![time_part(template, time)];
            return Ok(vec![RowEvent { time: time.reading(), must_have_time: true, kind: None }]);
        }
        if spec.events.is_empty() {
            return self.fail(format!("{name} must have columns.time, events or both"));
        }
        let own_times = spec.events.iter().filter(|event| event.time.is_some()).count();
        if spec.columns.time.is_some() && own_times == spec.events.len() {
            return self.fail(format!("{name}.events all name a time of their own: remove columns.time"));
        }
        if spec.columns.activity.is_some() || spec.kind.is_some() {
            return self.fail(format!("{name}.events names each event's kind: remove columns.activity and kind"));
        }
        if spec.events.len() > MOST_EVENTS {
            return self.fail(format!("{name}.events are {}; a row may be at most {MOST_EVENTS}", spec.events.len()));
        }
        let mut events = Vec::new();
        for event in &spec.events {
            let Some(kind) = kinds.declared(event.kind.as_bytes()) else {
                return self.fail(format!("{name}.events: `{}` is not declared in [activities.kinds]", event.kind));
            };
            let Some(time) = event.time.as_ref().or(spec.columns.time.as_ref()) else {
                return self
                    .fail(format!("{name}.events: `{}` has no time, and columns.time is not given", event.kind));
            };
            let part = time_part(template, time);
            template.times.push(part);
            let measured =
                [&event.count, &event.seconds].map(|column| column.as_ref().map(|column| template.place(column)));
            let [count, seconds] = measured;
            template.measures.push(MeasureColumns { count, seconds });
            events.push(RowEvent { time: time.reading(), must_have_time: event.time.is_none(), kind: Some(kind) });
        }
        if spec.events.iter().all(|event| event.count.is_none() && event.seconds.is_none()) {
            template.measures.clear();
        }
        if spec.columns.count.is_some() && spec.events.iter().any(|event| event.count.is_some()) {
            return self.fail(format!("{name}.events have counts of their own: remove columns.count"));
        }
        Ok(events)
    }
}

fn time_part(template: &mut RowTemplate, time: &Time) -> Part {
    let columns = std::iter::once(&time.column).chain(&time.and_columns);
    Part { columns: columns.map(|column| template.place(column)).collect(), ..Part::default() }
}

fn part(template: &mut RowTemplate, ColumnsSpec(ColumnsInFull { columns, until, numbers }): ColumnsSpec) -> Part {
    let columns = columns.iter().map(|column| template.place(column)).collect();
    Part { prefix: None, columns, until: until.into_bytes(), numbers }
}

#[cfg(test)]
mod tests {
    use super::super::checked_mapping::CheckedMapping;

    #[test]
    fn the_examples_of_the_docs_are_mappings() {
        let docs: String = include_str!("mod.rs")
            .lines()
            .map_while(|line| line.strip_prefix("//!"))
            .map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line)))
            .collect();
        let examples: Vec<&str> =
            docs.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
        assert_eq!(examples.len(), 2);
        let page = std::env::var_os("CARGO_MANIFEST_DIR").unwrap();
        let page = std::fs::read_to_string(std::path::Path::new(&page).join("../../docs/mappings.md")).unwrap();
        let of_page: Vec<&str> =
            page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
        assert_eq!(of_page.len(), 5);
        for example in examples.into_iter().chain(of_page) {
            let mapping = CheckedMapping::built_in("table", example, 1 << 20)
                .unwrap_or_else(|error| panic!("{error}\n{example}"));
            assert_eq!(mapping.logs.len(), 1);
        }
    }

    #[test]
    fn the_mappings_to_begin_from_are_mappings() {
        let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap();
        let folder = std::path::Path::new(&package).join("../../configs/mappings");
        let mut read = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            CheckedMapping::read(&path, 1 << 20).unwrap_or_else(|error| panic!("{error}"));
            read += 1;
        }
        assert!(read >= 7, "{read}");
    }
}
