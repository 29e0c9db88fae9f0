//! Templates: one folder a language, one file an action, with the subject on the first line.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value};

use super::error::MessageError;
use super::variables::{self, VARIABLES};
use crate::policy::file::is_language;

macro_rules! built_in {
    ($($language:literal)* ; $names:tt) => { [$(built_in!(@ $language $names)),*] };
    (@ $language:literal [$($name:literal),* $(,)?]) => {
        ($language, [$(($name, include_str!(concat!("../../../../configs/messages/", $language, "/", $name, ".txt")))),*])
    };
}

/// Lists the built-in templates by language. A name with `_` in front is a part that others include.
const BUILT_IN: [(&str, [(&str, &str); 16]); 3] = built_in!("en" "de" "fr" ; [
    "_closing", "_greeting", "_label", "_noticed", "_strength", "call_check_in", "check_in", "forum_introduction",
    "missed_item", "praise", "reminder", "study_plan", "technical_support", "text_check_in", "tutoring", "weekly_summary",
]);

/// Bounds the bytes of a template, and of a text that comes of one.
const LARGEST: usize = 64 * 1024;
/// Bounds the letters of a subject.
const LONGEST_SUBJECT: usize = 200;

/// Holds a message as its template gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) subject: String,
    pub(super) body: String,
}

/// Holds the templates of all languages.
#[derive(Debug)]
pub struct Templates {
    languages: BTreeMap<String, Environment<'static>>,
    /// Where the templates of one's own are.
    folder: Option<PathBuf>,
}

/// Returns the built-in templates as files: folder and name, and text.
pub fn built_in_templates() -> impl Iterator<Item = (String, &'static str)> {
    BUILT_IN.into_iter().flat_map(|(language, files)| {
        files.into_iter().map(move |(name, text)| (format!("{language}/{name}.txt"), text))
    })
}

impl Templates {
    /// Reads the templates in `folder`, where one is given, over the built-in ones: `LANGUAGE/NAME.txt`.
    ///
    /// # Errors
    /// When the folder or a file can't be read, or a template makes no sense: with file and line.
    pub fn read(folder: Option<&Path>) -> Result<Self, MessageError> {
        let mut languages: BTreeMap<String, Environment<'static>> = BTreeMap::new();
        for (language, files) in BUILT_IN {
            let environment = languages.entry(language.to_owned()).or_insert_with(|| environment(language));
            for (name, text) in files {
                environment.add_template(name_of(name).leak(), text).expect("a test reads the built-in templates");
            }
        }
        let mut templates = Self { languages, folder: folder.map(Path::to_owned) };
        if let Some(folder) = folder {
            for entry in sorted_entries(folder)? {
                let language = entry.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                if entry.is_dir() && is_language(&language) {
                    templates.read_language(&entry, &language)?;
                }
            }
        }
        Ok(templates)
    }

    fn read_language(&mut self, folder: &Path, language: &str) -> Result<(), MessageError> {
        let environment = self.languages.entry(language.to_owned()).or_insert_with(|| environment(language));
        for path in sorted_entries(folder)? {
            if path.extension().is_none_or(|ending| ending != "txt") {
                continue;
            }
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let too_large = fs::metadata(&path).is_ok_and(|metadata| metadata.len() > LARGEST as u64);
            if too_large {
                return Err(MessageError::file(&path, format!("a template has at most {LARGEST} bytes")));
            }
            let text = fs::read_to_string(&path).map_err(|source| MessageError::read(&path, source))?;
            // As editors of Windows write it.
            let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
            environment.add_template_owned(name, text).map_err(|error| problem(&path, &error))?;
        }
        Ok(())
    }

    /// Lists the languages.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.languages.keys().map(String::as_str)
    }

    /// Returns the language to write in: the first of those that has the template.
    pub(super) fn language_for<'a>(
        &self,
        template: &str,
        wanted: impl IntoIterator<Item = &'a str>,
    ) -> Option<&'a str> {
        wanted.into_iter().find(|language| self.has(language, template))
    }

    fn has(&self, language: &str, template: &str) -> bool {
        self.languages.get(language).is_some_and(|of| of.get_template(&name_of(template)).is_ok())
    }

    /// Returns how a template's file is called in messages.
    fn place(&self, language: &str, file: &str) -> PathBuf {
        let own = self.folder.as_ref().map(|folder| folder.join(language).join(file)).filter(|path| path.exists());
        own.unwrap_or_else(|| Path::new("configs/messages").join(language).join(file))
    }

    /// Writes a message from a template.
    pub(super) fn render(&self, language: &str, template: &str, values: &Value) -> Result<Text, MessageError> {
        let name = name_of(template);
        let place = || self.place(language, &name);
        let environment = self.languages.get(language).expect("languages are those of the templates");
        let wrong = |error: &minijinja::Error| {
            let file = error.name().unwrap_or(&name).to_owned();
            problem(&self.place(language, &file), error)
        };
        let found = environment.get_template(&name).map_err(|error| wrong(&error))?;
        let text = found.render(values).map_err(|error| wrong(&error))?;
        if text.len() > LARGEST {
            return Err(MessageError::file(&place(), format!("its text has more than {LARGEST} bytes")));
        }
        let parts = text.split_once('\n').and_then(|(subject, rest)| Some((subject.trim(), rest.strip_prefix('\n')?)));
        let Some((subject, body)) = parts.filter(|(subject, body)| !subject.is_empty() && !body.trim().is_empty())
        else {
            let what = "its text is no message: it has a subject on the first line, then an empty line, then the body";
            return Err(MessageError::file(&place(), what));
        };
        let subject: String = subject.chars().take(LONGEST_SUBJECT).collect();
        Ok(Text { subject, body: format!("{}\n", body.trim()) })
    }

    /// Checks a template in every language that has it: it uses known variables only, and its text can be written with
    /// what there is. `has_items` says whether there are due items.
    pub(super) fn check(&self, template: &str, has_items: bool) -> Result<(), MessageError> {
        for (language, environment) in &self.languages {
            if !self.has(language, template) {
                continue;
            }
            for (name, file) in
                environment.templates().filter(|(name, _)| name.starts_with('_') || *name == name_of(template))
            {
                let allowed: BTreeSet<&str> = VARIABLES.iter().map(|(name, _)| *name).collect();
                let used = file.undeclared_variables(false);
                let unknown: BTreeSet<&String> = used.iter().filter(|name| !allowed.contains(name.as_str())).collect();
                // A part may use what a loop around it holds.
                let unknown = unknown.into_iter().find(|used| !(name.starts_with('_') && *used == "one"));
                if let Some(unknown) = unknown {
                    let line =
                        file.source().lines().position(|line| has_word(line, unknown)).map_or(1, |line| line + 1);
                    let what = format!("line {line}: {}", variables::refusal(unknown));
                    return Err(MessageError::file(&self.place(language, name), what));
                }
            }
            for sample in variables::samples(has_items) {
                self.render(language, template, &sample)?;
            }
        }
        Ok(())
    }
}

fn name_of(template: &str) -> String {
    format!("{template}.txt")
}

/// Tells whether a line has a word that is a name.
fn has_word(line: &str, word: &str) -> bool {
    line.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|part| part == word)
}

fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>, MessageError> {
    let failed = |source| MessageError::read(folder, source);
    let entries = fs::read_dir(folder).map_err(failed)?;
    let mut entries =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    entries.sort();
    Ok(entries)
}

fn environment(language: &str) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    environment.set_syntax(syntax.build().expect("the delimiters are the usual ones"));
    let (has_comma, zero_is_one) = (["de", "fr"].contains(&language), language == "fr");
    environment.add_filter("number", move |value: f64| number(value, has_comma));
    environment.add_filter("counted", move |value: f64, one: &str, many: &str| {
        let is_one = if zero_is_one { value.abs() < 1.95 } else { number(value, false) == "1" };
        format!("{} {}", number(value, has_comma), if is_one { one } else { many })
    });
    environment
}

/// Writes a figure without decimals where it is whole or large, else with one.
fn number(value: f64, has_comma: bool) -> String {
    let is_whole = value.abs() >= 10.0 || (value - value.round()).abs() < 0.05;
    let text = if is_whole { format!("{value:.0}") } else { format!("{value:.1}") };
    if has_comma { text.replace('.', ",") } else { text }
}

/// Describes what is wrong with a template, without the values that it was given.
fn problem(path: &Path, error: &minijinja::Error) -> MessageError {
    let line = error.line().map_or_else(String::new, |line| format!("line {line}: "));
    let what = match error.kind() {
        ErrorKind::UndefinedError => {
            "a value is written that need not be there; ask for it with {% if … %}, or give its source".to_owned()
        }
        ErrorKind::TemplateNotFound => "it includes a template that is not there".to_owned(),
        kind => match error.detail() {
            Some(detail) => format!("{kind}: {}", staycast_text::escape(detail)),
            None => kind.to_string(),
        },
    };
    MessageError::file(path, format!("{line}{what}"))
}
