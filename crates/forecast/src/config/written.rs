//! A configuration as it is written: read from TOML, changed by `key=value`, written back in full.

use std::path::Path;

use serde::{Deserialize, Serialize};
use staycast_baselines::BaselineConfig;
use staycast_text::parse_problem;
use toml::Table;

use super::decision::{CalibrationConfig, ThresholdConfig};
use super::ensemble::EnsembleConfig;
use super::error::ConfigError;
use super::inputs::InputsConfig;
use super::model::ModelConfig;
use super::overrides;
use super::split::SplitConfig;
use super::training::TrainingConfig;

/// Holds everything that decides a run besides the data and the device, as written; it may make no sense.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The columns that models read.
    pub inputs: InputsConfig,
    /// The model, and the shape of its networks.
    pub model: ModelConfig,
    /// How one member is trained.
    pub training: TrainingConfig,
    /// How many members, and what each holds out.
    pub ensemble: EnsembleConfig,
    /// From scores to probabilities.
    pub calibration: CalibrationConfig,
    /// From probabilities to "at risk".
    pub threshold: ThresholdConfig,
    /// Which rows train and which test.
    pub split: SplitConfig,
    /// The options of the baselines.
    pub baselines: BaselineConfig,
}

impl Config {
    /// Reads a TOML file; what it does not name keeps its default.
    ///
    /// # Errors
    /// When the file can't be read or is not a configuration.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => ConfigError::Missing(path.to_owned()),
            _ => ConfigError::Read { path: path.to_owned(), source },
        })?;
        Self::from_toml(&text, &path.display().to_string())
    }

    /// Parses TOML text; `origin` says in errors where it is from.
    ///
    /// # Errors
    /// When the text is not a configuration.
    pub fn from_toml(text: &str, origin: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error: toml::de::Error| ConfigError::Parse {
            origin: origin.to_owned(),
            message: parse_problem(text, error.span(), error.message()),
        })
    }

    /// Returns the complete configuration as TOML.
    ///
    /// # Panics
    /// Never: every field has a TOML form.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("numbers, text, lists of text and truth values have a TOML form")
    }

    /// Changes one setting, `section.key=value`. The value is TOML or, for text, the text itself; a list may be given
    /// as `a,b,c`.
    ///
    /// # Errors
    /// When there is no such setting, or the value is of another type.
    pub fn set(&mut self, assignment: &str) -> Result<(), ConfigError> {
        let table = Table::try_from(&*self).expect("a configuration has a TOML form");
        *self = overrides::apply(table, assignment)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_checks_and_survives_toml() {
        let config = Config::default();
        let text = config.to_toml();
        assert_eq!(Config::from_toml(&text, "test").expect("reads back"), config);
        config.check().expect("the default makes sense");
    }

    #[test]
    fn the_ready_made_configurations_make_sense() {
        // Asked of cargo when the test runs: it may have been built in another checkout.
        let package = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
        let folder = Path::new(&package).join("../../configs");
        let load = |name: &str| Config::load(&folder.join(name)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(load("default.toml"), Config::default(), "default.toml says what the defaults are");
        for name in ["kdd2015.toml", "oulad.toml", "demo.toml"] {
            load(name).check().unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }

    #[test]
    fn an_unknown_key_in_a_file_is_refused_by_name() {
        let error = Config::from_toml("[training]\nepoch = 3\n", "my.toml").expect_err("no such key");
        let message = error.to_string();
        assert!(message.contains("my.toml") && message.contains("epoch"), "{message}");
    }

    #[test]
    fn settings_are_typed_and_misspellings_get_a_hint() {
        let mut config = Config::default();
        config.set("training.epochs=7").expect("an integer");
        config.set("training.learning_rate = 1").expect("an integer where a number is wanted");
        config.set("split.test_courses=a,b").expect("a list without brackets");
        config.set("inputs.exclude=[\"n_*\"]").expect("a TOML list");
        config.set("threshold.rule=precision>=0.8").expect("text without quotes");
        assert_eq!(config.training.epochs, 7);
        assert_eq!(config.split.test_courses, ["a", "b"]);
        assert_eq!(config.inputs.exclude, ["n_*"]);

        let message = config.set("training.epoch=7").expect_err("misspelt").to_string();
        assert!(message.contains("training.epochs"), "{message}");
        let message = config.set("training.epochs=many").expect_err("not a number").to_string();
        assert!(message.contains("training.epochs") && message.contains("many"), "{message}");
        assert!(matches!(config.set("training"), Err(ConfigError::NotAnAssignment(_))));
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        for (setting, key) in [
            ("training.epochs=0", "training.epochs"),
            ("training.learning_rate=-1", "training.learning_rate"),
            ("model.dropout=1.0", "model.dropout"),
            ("split.test_share=1.5", "split.test_share"),
            ("ensemble.members=0", "ensemble.members"),
            ("threshold.rule=best", "threshold.rule"),
            ("split.by=weather", "split.by"),
            ("split.run_separator=", "split.run_separator"),
            ("split.run_separator=:", "split.run_separator"),
            ("split.test_families=physics", "split.test_families"),
            ("split.test_institutions=north", "split.test_institutions"),
        ] {
            let mut config = Config::default();
            config.set(setting).expect("the type is right");
            let message = config.check().expect_err(setting).to_string();
            assert!(message.contains(key), "{message}");
        }
    }

    #[test]
    fn settings_of_a_split_that_do_not_go_together_are_refused_by_name() {
        for (settings, key) in [
            (["split.by=later-run", "split.folds=3"], "split.folds"),
            (["split.by=later-run", "split.test_families=*,physics"], "split.test_families"),
            (["split.by=later-run", "split.train_courses=physics-1"], "split.train_courses"),
            (["split.by=later-run", "split.leave_one_out=true"], "split.leave_one_out"),
            (["split.by=learner", "split.leave_one_out=true"], "split.leave_one_out"),
            (["split.by=institution", "split.test_courses=physics-1"], "split.test_courses"),
            (["split.leave_one_out=true", "split.folds=3"], "split.folds"),
            (["split.leave_one_out=true", "split.repeats=2"], "split.repeats"),
            (["split.leave_one_out=true", "split.test_courses=physics-1"], "split.leave_one_out"),
        ] {
            let mut config = Config::default();
            for setting in settings {
                config.set(setting).expect("the type is right");
            }
            let message = config.check().expect_err(key).to_string();
            assert!(message.starts_with(&format!("`{key}`")), "{settings:?}: {message}");
        }
        for settings in [
            ["split.by=later-run", "split.test_families=*"],
            ["split.by=later-run", "split.run_separator=+"],
            ["split.by=institution", "split.test_institutions=north,south"],
            ["split.by=institution", "split.leave_one_out=true"],
            ["split.by=institution", "split.folds=3"],
            ["split.by=course", "split.leave_one_out=true"],
            ["split.by=random", "split.folds=3"],
        ] {
            let mut config = Config::default();
            for setting in settings {
                config.set(setting).expect("the type is right");
            }
            config.check().unwrap_or_else(|error| panic!("{settings:?}: {error}"));
        }
    }
}
