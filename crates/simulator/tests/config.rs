//! The configuration: complete defaults, partial files, and errors that name the key and its allowed values.

use std::path::Path;

use staycast_simulator::config::DEFAULT_TOML;
use staycast_simulator::{ConfigError, SimulatorConfig};

#[test]
fn the_committed_file_is_complete_valid_and_the_default() {
    let default = SimulatorConfig::default();
    assert_eq!(SimulatorConfig::from_toml(DEFAULT_TOML).unwrap(), default);
    assert_eq!(SimulatorConfig::from_toml("").unwrap(), default);
    default.validate().unwrap();
}

#[test]
fn a_partial_file_changes_only_its_keys() {
    let text = "learners = 10\n[activity]\nscale = 2.5\n[calendar]\nfirst_start = \"2030-02-28\"";
    let mut expected = SimulatorConfig { learners: 10, ..SimulatorConfig::default() };
    expected.activity.scale = 2.5;
    "2030-02-28".clone_into(&mut expected.calendar.first_start);
    assert_eq!(SimulatorConfig::from_toml(text).unwrap(), expected);
}

#[test]
fn text_that_cannot_be_used_is_refused_by_name() {
    for (text, expected) in [
        ("learner = 10", "learner"),
        ("[activity]\nscales = 1.0", "scales"),
        ("learners = \"many\"", "invalid type"),
        ("learners = -1", "invalid value"),
        ("learners = ", "line 1"),
        ("[leaving]\nby_level = [1.0]", "invalid length 1"),
        ("[[intents]]\nname = \"only\"", "missing field"),
    ] {
        let error = SimulatorConfig::from_toml(text).unwrap_err();
        assert!(matches!(error, ConfigError::Parse { .. }), "{text}: {error}");
        assert!(error.to_string().contains(expected), "{text}: {error}");
    }
}

#[test]
fn a_file_that_is_not_there_or_wrong_is_named() {
    let error = SimulatorConfig::from_file(Path::new("no/such.toml")).unwrap_err();
    assert!(matches!(error, ConfigError::Missing(_)) && error.to_string().contains("no/such.toml"));
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("wrong.toml");
    std::fs::write(&path, "seeds = 1").unwrap();
    let error = SimulatorConfig::from_file(&path).unwrap_err().to_string();
    assert!(error.contains("wrong.toml") && error.contains("seeds"), "{error}");
}

#[test]
fn values_out_of_range_are_refused_with_key_value_and_range() {
    for (text, key) in [
        ("learners = 0", "learners is 0; it must be 1 to 2^40"),
        ("courses = 0", "courses is 0; it must be 1 to 10000"),
        ("weeks = 1", "weeks is 1; it must be 2 to 104"),
        ("[calendar]\nfirst_start = \"2024-02-30\"", "calendar.first_start is \"2024-02-30\""),
        ("[calendar]\nfirst_start = \"9998-12-30\"", "leave the years 1970 to 9998"),
        ("[calendar]\nfirst_start = \"1969-12-30\"", "leave the years 1970 to 9998"),
        ("[calendar]\nwaves = 0", "calendar.waves is 0"),
        ("[calendar]\nlabel_days = 0", "calendar.label_days is 0; it must be 1 to 28"),
        ("[calendar]\nstagger_courses = 0", "calendar.stagger_courses"),
        ("[enrolment]\nlate_join_share = 1.5", "enrolment.late_join_share is 1.5; it must be 0 to 1"),
        ("[enrolment]\nlate_join_weeks = 0", "enrolment.late_join_weeks is 0; it must be 1 to 103"),
        ("disciplines = []", "disciplines is empty"),
        ("intents = []", "the shares of [[intents]] add up to"),
        ("[activity]\nscale = 0.0", "activity.scale is 0; it must be above 0"),
        ("[activity]\nscale = nan", "activity.scale is NaN"),
        ("[activity]\nday_hours = [8.0]", "activity.day_hours has 1 values"),
        ("[activity]\nday_hour_shares = [0.5, 0.5, 0.5]", "activity.day_hour_shares add up to 1.5"),
        ("[activity]\nduplicate_share = 0.6", "activity.duplicate_share"),
        ("[engagement]\nthresholds = [1.0, 0.0, 2.0]", "must increase"),
        ("[backlog]\nlimit = 13", "backlog.limit is 13; it must be 0 to 12"),
        ("[leaving]\nearly_weeks = 0.0", "leaving.early_weeks is 0; it must be above 0"),
        ("[leaving]\nby_level = [0.0, 0.0, 0.0, inf]", "leaving.by_level is inf"),
        ("[traits]\nmotivation_shared = -0.1", "traits.motivation_shared"),
    ] {
        let error = SimulatorConfig::from_toml(text).unwrap().validate().unwrap_err();
        assert!(error.to_string().contains(key), "{text}: {error}");
    }
}

#[test]
fn names_that_would_need_quoting_are_refused() {
    for name in ["Law", "law, old", "", "a\nb"] {
        let mut config = SimulatorConfig::default();
        name.clone_into(&mut config.disciplines[1].name);
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains("disciplines[1].name"), "{error}");
    }
    let mut config = SimulatorConfig::default();
    config.disciplines[1].name = config.disciplines[0].name.clone();
    assert!(config.validate().unwrap_err().to_string().contains("two disciplines are called computing"));
}
