//! Guesses which column of a table is what, by names of columns and by what stands in them.

use rustc_hash::FxHashSet;

use super::super::time_guess::possible_formats;
use super::super::time_patterns;
use super::sample::Sample;
use crate::cells::is_missing;

/// Bounds from below the score of a guess that is taken for sure.
const SURE: i32 = 8;

/// Bounds from below the score of a guess that is made at all.
const LEAST: i32 = 4;

/// Names what a column of a log can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnRole {
    Time,
    /// The time of day, beside a column of dates.
    Clock,
    Learner,
    Course,
    Activity,
    Object,
    Count,
    EventId,
    Correct,
}

impl ColumnRole {
    /// Lists all of them, those that are told most surely first.
    pub(super) const ALL: [Self; 9] = [
        Self::Time,
        Self::Clock,
        Self::Learner,
        Self::Course,
        Self::Activity,
        Self::Count,
        Self::Correct,
        Self::EventId,
        Self::Object,
    ];

    /// Lists the names that a column of this role usually has, whole (as one word, in lower case).
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Time => &[
                "timestamp",
                "time",
                "datetime",
                "eventtime",
                "createdat",
                "timecreated",
                "created",
                "when",
                "date",
                "day",
                "starttime",
                "firsttime",
                "ts",
                "epoch",
                "unixtime",
                "timestampms",
                "occurredat",
                "fecha",
                "hora",
                "datum",
                "zeit",
                "heure",
            ],
            Self::Clock => &["time", "timeofday", "clock", "hour", "hora", "uhrzeit", "heure"],
            Self::Learner => &[
                "userid",
                "user",
                "learnerid",
                "learner",
                "studentid",
                "student",
                "username",
                "anonstudentid",
                "personid",
                "actor",
                "uid",
                "idstudent",
                "participant",
                "usuario",
                "alumno",
                "userpk1",
                "who",
                "anonid",
                "anonuserid",
                "accountid",
                "memberid",
                "pseudonym",
                "matrikel",
                "matrikelnummer",
                "matrikelnr",
                "matrnr",
                "nutzer",
                "nutzerid",
                "benutzer",
                "teilnehmer",
                "etudiant",
                "aluno",
            ],
            Self::Course => &[
                "courseid",
                "course",
                "classid",
                "class",
                "sectionid",
                "coursecode",
                "orgunitid",
                "coursepk1",
                "courserun",
                "siteid",
                "kurs",
                "curso",
            ],
            Self::Activity => &[
                "event",
                "eventtype",
                "eventname",
                "action",
                "actiontype",
                "activity",
                "activitytype",
                "verb",
                "kind",
                "eventcode",
                "what",
                "operation",
            ],
            Self::Object => &[
                "object",
                "objectid",
                "itemid",
                "item",
                "resource",
                "resourceid",
                "url",
                "page",
                "contentid",
                "contentpk1",
                "problemid",
                "questionid",
                "videoid",
                "contentitemid",
            ],
            Self::Count => &["count", "clicks", "n", "hits", "sumclick", "nevents", "times", "frequency"],
            Self::EventId => &["id", "eventid", "logid", "statementid", "requestid", "pk1"],
            Self::Correct => &["correct", "iscorrect", "correctness"],
        }
    }

    /// Lists parts of the names of columns that can be of this role.
    const fn parts(self) -> &'static [&'static str] {
        match self {
            Self::Time => &["time", "date", "stamp", "created", "fecha", "hora"],
            Self::Clock => &["time", "clock", "hour", "hora"],
            Self::Learner => &[
                "user",
                "learner",
                "student",
                "person",
                "member",
                "participant",
                "actor",
                "usuario",
                "alumno",
                "matrikel",
                "anon",
                "pseudonym",
            ],
            Self::Course => &["course", "class", "offering", "orgunit", "curso", "kurs"],
            Self::Activity => &["event", "action", "activity", "verb", "type", "kind"],
            Self::Object => &["object", "resource", "content", "item", "url", "problem", "question", "page"],
            Self::Count => &["count", "clicks"],
            Self::EventId => &["eventid", "uuid"],
            Self::Correct => &["correct"],
        }
    }

    /// Lists parts of names of columns that are something else.
    const fn others(self) -> &'static [&'static str] {
        match self {
            Self::Time => &["duration", "spent", "elapsed", "zone", "taken", "length", "updated"],
            Self::Learner => &["agent", "type", "role", "count", "course", "email", "answer", "anonymous"],
            Self::Course => &["time", "user", "student"],
            Self::Activity => &["id", "time", "date", "user", "pk1"],
            Self::Object => &["type", "time", "user", "count"],
            Self::Count => &["course", "user", "discount"],
            Self::Clock | Self::EventId | Self::Correct => &[],
        }
    }

    fn score_of_name(self, name: &str) -> i32 {
        let word: String = name.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        // The last step of a path into JSON names it best.
        let last: String = name.rsplit('.').next().unwrap_or(name).to_lowercase();
        let last: String = last.chars().filter(|sign| sign.is_alphanumeric()).collect();
        if let Some(place) = self.names().iter().position(|&usual| usual == word || usual == last) {
            // Of several usual names, the more usual one.
            return 20 - place as i32 / 4;
        }
        let without_accounts = word.replace("account", " ");
        match self.parts().iter().any(|part| word.contains(part))
            && !self.others().iter().any(|part| without_accounts.contains(part))
        {
            true => 5,
            false => 0,
        }
    }
}

/// Describes what stands in a column.
#[derive(Debug)]
pub(super) struct ColumnValues {
    pub(super) filled: usize,
    pub(super) distinct: usize,
    /// Formats in which every text is a time.
    pub(super) formats: Vec<String>,
    /// The format in which every text is a time of day.
    pub(super) clock: Option<&'static str>,
    are_whole_numbers: bool,
    are_yes_or_no: bool,
}

impl ColumnValues {
    fn of(sample: &Sample, column: usize) -> Self {
        let texts: Vec<&str> = sample.rows.iter().map(|row| row[column].as_str()).collect();
        let filled: Vec<&str> =
            texts.into_iter().filter(|text| !text.is_empty() && !is_missing(text.as_bytes())).collect();
        let distinct: FxHashSet<&str> = filled.iter().copied().collect();
        let yes_or_no = ["0", "1", "0.0", "1.0", "true", "false"];
        Self {
            filled: filled.len(),
            distinct: distinct.len(),
            formats: formats_of(&filled),
            clock: clock_of(&filled),
            are_whole_numbers: !filled.is_empty() && filled.iter().all(|text| text.parse::<u32>().is_ok()),
            are_yes_or_no: !filled.is_empty()
                && distinct.iter().all(|text| yes_or_no.contains(&text.to_lowercase().as_str())),
        }
    }
}

/// Lists the formats of times of day.
const CLOCKS: [&str; 5] = ["%H:%M", "%H:%M:%S", "%H:%M:%S%.f", "%I:%M %p", "%I:%M:%S %p"];

/// Returns the format in which every one of the texts is a time of day.
fn clock_of(texts: &[&str]) -> Option<&'static str> {
    let reads = |clock: &str, text: &str| {
        time_patterns::parse(&format!("%Y-%m-%d {clock}"), &format!("2000-01-01 {}", text.trim())).is_some()
    };
    let fits = |clock: &&'static str| !texts.is_empty() && texts.iter().all(|text| reads(clock, text));
    CLOCKS.into_iter().find(fits)
}

/// Tells whether a format has no time of day.
pub(super) fn is_by_day(format: &str) -> bool {
    format == "date" || (format.contains('%') && !["%H", "%I", "%s"].iter().any(|name| format.contains(name)))
}

/// Lists the formats in which every one of the texts is a time, the likeliest first.
fn formats_of(texts: &[&str]) -> Vec<String> {
    // Of day and month, one above 12 tells which is which: so the formats of every text are asked for.
    let mut formats: Vec<String> = Vec::new();
    for text in texts {
        for format in possible_formats(text) {
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
        if formats.len() > 8 {
            break;
        }
    }
    if formats.iter().any(|format| format == "iso") {
        formats.retain(|format| format != "date");
    }
    let reads = |format: &str, text: &str| match format.contains('%') {
        true => time_patterns::parse(format, text).is_some(),
        false => {
            let possible = possible_formats(text);
            possible.iter().any(|one| one == format || (format == "iso" && one == "date"))
        }
    };
    formats.retain(|format| texts.iter().all(|text| reads(format, text)));
    formats
}

/// Holds a guess at the column of a role.
#[derive(Debug)]
pub(super) struct Guess {
    pub(super) role: ColumnRole,
    /// Place of the column.
    pub(super) column: usize,
    pub(super) is_sure: bool,
}

/// Guesses the columns of a table; at most one of each role, and no column twice.
pub(super) fn guess(sample: &Sample) -> (Vec<Guess>, Vec<ColumnValues>) {
    let values: Vec<ColumnValues> = (0..sample.columns.len()).map(|column| ColumnValues::of(sample, column)).collect();
    let mut guesses: Vec<Guess> = Vec::new();
    for role in ColumnRole::ALL {
        // A time of day is one beside a date.
        let has_dates = guesses.first().is_some_and(|guess| {
            guess.role == ColumnRole::Time && values[guess.column].formats.first().is_some_and(|one| is_by_day(one))
        });
        if role == ColumnRole::Clock && !has_dates {
            continue;
        }
        // Of two columns of one name none can be read.
        let is_free = |column: &usize| guesses.iter().all(|guess| guess.column != *column);
        let free = (0..values.len()).filter(is_free).filter(|&column| !sample.is_repeated(column));
        let free = free.filter(|&column| sample.may_be_shown(column));
        let scored = free.map(|column| (score(role, &sample.columns[column], &values[column]), column));
        // Of equal ones, the first.
        let best = scored
            .filter(|&(score, _)| score >= LEAST)
            .max_by_key(|&(score, column)| (score, std::cmp::Reverse(column)));
        if let Some((score, column)) = best {
            guesses.push(Guess { role, column, is_sure: score >= SURE });
        }
    }
    (guesses, values)
}

/// Counts the columns that would be taken for something if their names could not be people's.
pub(super) fn count_hidden(sample: &Sample, values: &[ColumnValues]) -> usize {
    let seems = |&column: &usize| {
        ColumnRole::ALL.iter().any(|&role| score(role, &sample.columns[column], &values[column]) >= LEAST)
    };
    (0..values.len()).filter(|&column| !sample.may_be_shown(column)).filter(seems).count()
}

fn score(role: ColumnRole, name: &str, values: &ColumnValues) -> i32 {
    let by_name = role.score_of_name(name);
    if values.filled == 0 {
        return 0;
    }
    match role {
        ColumnRole::Time => match values.formats.first().map(String::as_str) {
            None => 0,
            // Numbers are times only where the name says so.
            Some("excel" | "unix-seconds" | "unix-millis" | "unix-micros" | "%Y%m%d") if by_name == 0 => 0,
            Some(_) => by_name.max(LEAST),
        },
        ColumnRole::Clock if values.clock.is_none() => 0,
        ColumnRole::Clock => by_name.max(LEAST),
        ColumnRole::Count if !values.are_whole_numbers => 0,
        ColumnRole::Correct if !values.are_yes_or_no => 0,
        // An id of an event's own is different in every row.
        ColumnRole::EventId if values.distinct < values.filled => 0,
        // What is different in every row is no kind of event.
        ColumnRole::Activity if values.are_whole_numbers => 0,
        ColumnRole::Activity if values.distinct > 20 && values.distinct * 2 > values.filled => 0,
        ColumnRole::Activity | ColumnRole::Learner | ColumnRole::Course | ColumnRole::Object
            if !values.formats.is_empty() && values.formats[0] != "%Y%m%d" && !values.are_whole_numbers =>
        {
            0
        }
        _ => by_name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_or_month_is_told_by_what_is_above_12() {
        assert_eq!(formats_of(&["04/09/2023", "05/09/2023"]), ["%d/%m/%Y", "%m/%d/%Y"]);
        assert_eq!(formats_of(&["04/09/2023", "25/09/2023"]), ["%d/%m/%Y"]);
        assert_eq!(formats_of(&["04/09/2023", "09/25/2023"]), ["%m/%d/%Y"]);
        assert_eq!(formats_of(&["2023-09-04", "2023-09-04 10:00"]), ["iso"]);
        assert_eq!(formats_of(&["2023-09-04", "2023-09-05"]), ["date"]);
        assert_eq!(formats_of(&["1693821600", "1693821601.5"]), ["unix-seconds"]);
        assert!(formats_of(&["2023-09-04", "tomorrow"]).is_empty());
    }

    #[test]
    fn names_that_people_give_to_columns() {
        let best = |role: ColumnRole, names: &[&str]| {
            let scores: Vec<i32> = names.iter().map(|name| role.score_of_name(name)).collect();
            let most = scores.iter().copied().max().unwrap_or(0);
            names[scores.iter().position(|&score| score == most).unwrap_or(0)].to_owned()
        };
        assert_eq!(best(ColumnRole::Learner, &["user_agent", "user_id", "user name"]), "user_id");
        assert_eq!(best(ColumnRole::Learner, &["Anon Student Id", "Problem"]), "Anon Student Id");
        assert_eq!(best(ColumnRole::Learner, &["context.user_id", "context.course_id"]), "context.user_id");
        assert_eq!(best(ColumnRole::Time, &["time_spent", "Event Time"]), "Event Time");
        assert_eq!(best(ColumnRole::Course, &["discourse", "OrgUnitId"]), "OrgUnitId");
        assert_eq!(ColumnRole::Learner.score_of_name("user_agent"), 0);
    }
}
