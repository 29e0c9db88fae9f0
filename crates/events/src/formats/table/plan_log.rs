//! The plan of one of the log's tables.

use super::cells::{MOST_COLUMNS, MOST_EVENTS, Role};
use super::kinds::Kinds;
use super::mapping::{LogColumns, TableSpec};
use super::plan::{Check, EventPlan, LogPlan, filters};
use super::recipe::{Part, Recipe};
use super::written::{ColumnsInFull, SomeColumns};
use crate::error::ReadError;

impl Check<'_> {
    /// One of the log's tables, which goes by `name` in messages.
    pub(super) fn log(&self, name: &str, spec: TableSpec<LogColumns>, kinds: &Kinds) -> Result<LogPlan, ReadError> {
        let (layout, files) = (self.layout(name, &spec)?, self.files(name, &spec)?);
        if spec.others.is_some() || spec.infer_missing {
            let key = if spec.infer_missing { "infer_missing" } else { "others" };
            return self.fail(format!("{name}.{key} has no meaning for this table; remove it"));
        }
        let mut recipe = Recipe { null: spec.null.clone(), ..Recipe::default() };
        let fill = |recipe: &mut Recipe, role: Role, column: Option<&String>| {
            recipe.parts[role as usize] = column.map(|column| Part::column(recipe.place(column)));
        };
        // Columns in the order in which a file is told to lack them.
        fill(&mut recipe, Role::Enrolment, spec.columns.enrolment.as_ref());
        fill(&mut recipe, Role::Learner, spec.columns.learner.as_ref());
        fill(&mut recipe, Role::Course, spec.columns.course.as_ref());
        let (one_event, events) = self.events(name, &spec, kinds, &mut recipe)?;
        fill(&mut recipe, Role::Count, spec.columns.count.as_ref());
        fill(&mut recipe, Role::EventId, spec.columns.event_id.as_ref());
        fill(&mut recipe, Role::Correct, spec.columns.correct.as_ref());
        recipe.filters = filters(&spec, &mut |column| recipe.place(column));
        let columns = spec.columns;
        recipe.parts[Role::Object as usize] = columns.object.map(|object| part(&mut recipe, object));
        let activity = columns.activity.map(|activity| part(&mut recipe, activity));
        if let (Some(kind), None) = (&spec.kind, &activity)
            && kinds.declared(kind.as_bytes()).is_none()
        {
            return self.fail(format!("{name}.kind: `{kind}` is not declared in [activities.kinds]"));
        }
        recipe.parts[Role::Activity as usize] = match (spec.kind, activity) {
            (None, activity) => activity,
            (prefix, activity) => Some(Part { prefix, ..activity.unwrap_or_default() }),
        };
        if recipe.columns.len() > MOST_COLUMNS {
            return self
                .fail(format!("{name} names {} columns; at most {MOST_COLUMNS} are read", recipe.columns.len()));
        }
        Ok(LogPlan { files, layout, recipe, events, one_event })
    }

    fn events(
        &self,
        name: &str,
        spec: &TableSpec<LogColumns>,
        kinds: &Kinds,
        recipe: &mut Recipe,
    ) -> Result<(bool, Vec<EventPlan>), ReadError> {
        if let (Some(time), true) = (&spec.columns.time, spec.events.is_empty()) {
            recipe.times = vec![recipe.place(&time.column)];
            return Ok((true, vec![EventPlan { time: time.reading(), kind: None }]));
        }
        if spec.columns.time.is_some() || spec.events.is_empty() {
            return self.fail(format!("{name} must have one of columns.time and events"));
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
            let place = recipe.place(&event.time.column);
            recipe.times.push(place);
            events.push(EventPlan { time: event.time.reading(), kind: Some(kind) });
        }
        Ok((false, events))
    }
}

fn part(recipe: &mut Recipe, SomeColumns(ColumnsInFull { columns, until }): SomeColumns) -> Part {
    let columns = columns.iter().map(|column| recipe.place(column)).collect();
    Part { prefix: None, columns, until: until.into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Plan;

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
        for example in examples {
            let plan = Plan::built_in("table", example, 1 << 20).unwrap_or_else(|error| panic!("{error}\n{example}"));
            assert_eq!(plan.logs.len(), 1);
        }
    }
}
