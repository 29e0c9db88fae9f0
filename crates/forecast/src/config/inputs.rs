//! The section `[inputs]`: which columns a model reads in each week.

use std::fmt;
use std::sync::LazyLock;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::error::{ConfigError, require};

/// Holds `[inputs]` as written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InputsConfig {
    /// Weekly features to use, of those that the source has; `*` stands for any text. `auto` alone keeps the groups of features
    /// that help on courses other than those learnt from.
    #[serde(deserialize_with = "one_or_several")]
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
            include: texts(&[AUTO]),
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

/// Asks for the choice of features.
const AUTO: &str = "auto";

/// Says which weekly features to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IncludedFeatures {
    /// Those of the groups that help on held-out courses.
    Auto,
    /// Those that fit one of these patterns, of which there is at least one.
    Named(Vec<String>),
}

impl IncludedFeatures {
    fn of(written: &[String]) -> Result<Self, ConfigError> {
        let problem = "name at least one feature, \"*\" for all, or \"auto\" for those that help on other courses";
        require(!written.is_empty(), "inputs.include", "[]", problem)?;
        if written == [AUTO] {
            return Ok(Self::Auto);
        }
        let found = || format!("{written:?}");
        let stands_alone = !written.iter().any(|name| name == AUTO);
        require(stands_alone, "inputs.include", found(), "`auto` stands alone: it looks at all features")?;
        Ok(Self::Named(written.to_vec()))
    }

    /// Returns the patterns of the features that are looked at.
    pub(crate) fn patterns(&self) -> &[String] {
        static ALL: LazyLock<[String; 1]> = LazyLock::new(|| ["*".to_owned()]);
        match self {
            Self::Auto => ALL.as_slice(),
            Self::Named(patterns) => patterns,
        }
    }
}

/// Reads a list, or a string for a list of one.
fn one_or_several<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    struct OneOrSeveral;

    impl<'de> Visitor<'de> for OneOrSeveral {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of strings, or one string")
        }

        fn visit_str<E: serde::de::Error>(self, one: &str) -> Result<Self::Value, E> {
            Ok(vec![one.to_owned()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(list))
        }
    }

    from.deserialize_any(OneOrSeveral)
}

/// Holds `[inputs]`, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedInputs {
    pub(crate) include: IncludedFeatures,
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
        let include = IncludedFeatures::of(include)?;
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
        Ok(CheckedInputs { include, exclude: exclude.clone(), fixed, statics: statics.clone(), calendar, clip: *clip })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_inputs_and_others_are_refused_by_name() {
        let checked = InputsConfig::default().check().expect("the default");
        assert_eq!(checked.include, IncludedFeatures::Auto);
        let include = |text: &str| toml::from_str::<InputsConfig>(text).map(|config| config.include);
        assert_eq!(include("include = \"n_*\"").expect("one"), ["n_*"]);
        assert_eq!(include("include = [\"n_*\", \"score_mean\"]").expect("two"), ["n_*", "score_mean"]);
        assert!(include("include = 7").expect_err("a number").to_string().contains("a list of strings, or one string"));
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
            (
                InputsConfig { include: vec!["auto".to_owned(), "n_*".to_owned()], ..Default::default() },
                "`inputs.include` = [\"auto\", \"n_*\"]: `auto` stands alone",
            ),
            (InputsConfig { fixed: names(), ..Default::default() }, "`inputs.fixed` = shoe_size: use pre_start_events"),
            (InputsConfig { calendar: names(), ..Default::default() }, "`inputs.calendar` = shoe_size: use week"),
            (InputsConfig { clip: 0.0, ..Default::default() }, "`inputs.clip` = 0: must be above 0"),
        ] {
            let refusal = refused(config);
            assert!(refusal.starts_with(message), "{refusal}");
        }
    }
}
