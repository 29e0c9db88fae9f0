//! The section `[inputs]`: which columns a model reads in each week.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::{ConfigError, require};

/// Holds `[inputs]` as written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InputsConfig {
    /// Weekly features to use, of those that the source has; `*` stands for any text.
    pub include: Vec<String>,
    /// Weekly features not to use, in the same notation; wins over `include`.
    pub exclude: Vec<String>,
    /// Numbers of an enrolment that stay the same over the weeks: any of `pre_start_events`, `pre_start_active_days`,
    /// `enrolled_day`.
    pub fixed: Vec<String>,
    /// Static columns of the source (demographics, previous attempts …) to use, one input a value. None by default.
    pub statics: Vec<String>,
    /// Where in the course the week lies: any of `week` (weeks since the start), `weeks_left` (to the course's end).
    pub calendar: Vec<String>,
    /// Standardised inputs are cut to ± this many standard deviations, so that one extreme log can't take over.
    pub clip: f64,
}

impl Default for InputsConfig {
    fn default() -> Self {
        let texts = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Self {
            include: texts(&["*"]),
            exclude: Vec::new(),
            fixed: texts(&["pre_start_events", "pre_start_active_days", "enrolled_day"]),
            statics: Vec::new(),
            calendar: texts(&["week", "weeks_left"]),
            clip: 5.0,
        }
    }
}

/// Names a number of an enrolment that stays the same over the weeks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FixedNumber {
    /// Events before the course's first week.
    PreStartEvents,
    /// Days with an event before the course's first week.
    PreStartActiveDays,
    /// Day of the enrolment, counted from the course's start.
    EnrolledDay,
}

impl FixedNumber {
    const ALL: [Self; 3] = [Self::PreStartEvents, Self::PreStartActiveDays, Self::EnrolledDay];

    /// Returns the name in the configuration and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PreStartEvents => "pre_start_events",
            Self::PreStartActiveDays => "pre_start_active_days",
            Self::EnrolledDay => "enrolled_day",
        }
    }
}

impl fmt::Display for FixedNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Names where in its course a week lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalendarPosition {
    /// Weeks since the start.
    Week,
    /// Weeks to the course's end.
    WeeksLeft,
}

impl CalendarPosition {
    const ALL: [Self; 2] = [Self::Week, Self::WeeksLeft];

    /// Returns the name in the configuration and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Week => "week",
            Self::WeeksLeft => "weeks_left",
        }
    }
}

impl fmt::Display for CalendarPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Holds `[inputs]`, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedInputs {
    /// Patterns of the weekly features to use, at least one.
    pub(crate) include: Vec<String>,
    /// Patterns of the weekly features not to use.
    pub(crate) exclude: Vec<String>,
    pub(crate) fixed: Vec<FixedNumber>,
    pub(crate) statics: Vec<String>,
    pub(crate) calendar: Vec<CalendarPosition>,
    /// Standard deviations to which inputs are cut, above 0 and finite.
    pub(crate) clip: f64,
}

impl InputsConfig {
    pub(crate) fn check(&self) -> Result<CheckedInputs, ConfigError> {
        let Self { include, exclude, fixed, statics, calendar, clip } = self;
        require(!include.is_empty(), "inputs.include", "[]", "name at least one feature, or \"*\" for all")?;
        let fixed = fixed.iter().map(|name| {
            let number = FixedNumber::ALL.into_iter().find(|number| number.name() == name);
            let problem = "use pre_start_events, pre_start_active_days, enrolled_day";
            number.ok_or_else(|| ConfigError::invalid("inputs.fixed", name, problem))
        });
        let fixed = fixed.collect::<Result<_, _>>()?;
        let calendar = calendar.iter().map(|name| {
            let position = CalendarPosition::ALL.into_iter().find(|position| position.name() == name);
            position.ok_or_else(|| ConfigError::invalid("inputs.calendar", name, "use week, weeks_left"))
        });
        let calendar = calendar.collect::<Result<_, _>>()?;
        require(*clip > 0.0 && clip.is_finite(), "inputs.clip", clip, "must be above 0")?;
        Ok(CheckedInputs {
            include: include.clone(),
            exclude: exclude.clone(),
            fixed,
            statics: statics.clone(),
            calendar,
            clip: *clip,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_inputs_and_others_are_refused_by_name() {
        let checked = InputsConfig::default().check().expect("the default");
        assert_eq!(checked.fixed, FixedNumber::ALL);
        assert_eq!(checked.calendar, CalendarPosition::ALL);
        for number in FixedNumber::ALL {
            assert_eq!(serde_json::to_string(&number).expect("JSON"), format!("\"{number}\""));
        }
        for position in CalendarPosition::ALL {
            assert_eq!(serde_json::to_string(&position).expect("JSON"), format!("\"{position}\""));
        }
        let refused = |config: InputsConfig| config.check().expect_err("refused").to_string();
        let names = || vec!["shoe_size".to_owned()];
        for (config, message) in [
            (InputsConfig { include: Vec::new(), ..Default::default() }, "`inputs.include` = []"),
            (InputsConfig { fixed: names(), ..Default::default() }, "`inputs.fixed` = shoe_size: use pre_start_events"),
            (InputsConfig { calendar: names(), ..Default::default() }, "`inputs.calendar` = shoe_size: use week"),
            (InputsConfig { clip: 0.0, ..Default::default() }, "`inputs.clip` = 0: must be above 0"),
        ] {
            let refusal = refused(config);
            assert!(refusal.starts_with(message), "{refusal}");
        }
    }
}
