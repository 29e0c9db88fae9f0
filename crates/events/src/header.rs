//! The rule for showing a table's first line in messages: names of columns, and no cell of a row, which may name a learner.
//!
//! A name that formats and mappings use for columns may always be shown ([`KNOWN_NAMES`]). The others are shown only when
//! the line is a header beyond doubt, because the rows below differ from it in kind:
//!
//! - at least half of its cells are known names: where each learner has a column, nearly none is;
//! - no two cells are the same, and none begins as a number, a time or an address does, or is longer than names of columns are;
//! - none stands in the same column below, as words of rows do that come again;
//! - below one of its words stand numbers or times alone. In a row without a header that column's first cell would be one.

/// Bounds the rows below a header that are compared with it.
pub(crate) const ROWS_BELOW: usize = 20;

/// Bounds the signs of a name of a column.
const LONGEST_NAME: usize = 48;

/// Lists the names that columns and members of JSON have in logs, in small letters, without blanks, `_`, `-` and `.`.
const KNOWN_NAMES: &[&str] = &[
    "account",
    "accountname",
    "action",
    "activity",
    "activitytype",
    "actor",
    "anonymous",
    "assessmenttype",
    "browser",
    "category",
    "class",
    "classid",
    "clicks",
    "codemodule",
    "codepresentation",
    "component",
    "content",
    "contentid",
    "context",
    "contextid",
    "contextinstanceid",
    "contextlevel",
    "correct",
    "count",
    "country",
    "course",
    "courseid",
    "courserun",
    "created",
    "createdat",
    "crud",
    "data",
    "date",
    "dateregistration",
    "datesubmitted",
    "dateunregistration",
    "datetime",
    "day",
    "days",
    "description",
    "detail",
    "dropout",
    "duration",
    "edulevel",
    "email",
    "end",
    "enddate",
    "endtime",
    "enrol",
    "enrolid",
    "enrolled",
    "enrolledat",
    "enrolment",
    "enrolmentid",
    "enrolledon",
    "enrollid",
    "enrollment",
    "enrollmentid",
    "event",
    "eventcontext",
    "eventid",
    "eventname",
    "eventsource",
    "eventtime",
    "eventtype",
    "finalresult",
    "firstname",
    "firstvisitedat",
    "from",
    "fullname",
    "gender",
    "grade",
    "group",
    "groupid",
    "host",
    "id",
    "idassessment",
    "idsite",
    "idstudent",
    "instanceid",
    "ip",
    "ipaddress",
    "item",
    "itemid",
    "key",
    "label",
    "lastaccess",
    "lastcompletedat",
    "lastname",
    "learner",
    "learnerid",
    "log",
    "logid",
    "message",
    "minutes",
    "module",
    "moduleid",
    "modulepresentationlength",
    "name",
    "numofprevattempts",
    "object",
    "objectid",
    "objecttable",
    "objecttype",
    "objects",
    "origin",
    "other",
    "outcome",
    "page",
    "participant",
    "participantid",
    "problem",
    "problemid",
    "quizquestion",
    "realuserid",
    "referer",
    "registered",
    "relateduserid",
    "resource",
    "resourceid",
    "response",
    "result",
    "role",
    "roleid",
    "run",
    "score",
    "seconds",
    "section",
    "session",
    "sessionid",
    "shortname",
    "source",
    "start",
    "startdate",
    "starttime",
    "statement",
    "statements",
    "status",
    "step",
    "stepnumber",
    "stored",
    "student",
    "studentid",
    "submittedat",
    "sumclick",
    "target",
    "text",
    "time",
    "timecreated",
    "timeend",
    "timemodified",
    "times",
    "timestamp",
    "timestart",
    "title",
    "to",
    "truth",
    "type",
    "unenrolledat",
    "unit",
    "url",
    "user",
    "useragent",
    "userid",
    "username",
    "value",
    "verb",
    "video",
    "videoid",
    "week",
    "weekday",
    "weekfrom",
    "weeknumber",
    "weekto",
    "what",
    "when",
    "who",
    "withdrawn",
    "word",
    "year",
];

/// Lists the words that stand for a missing value.
const MISSING: [&str; 8] = ["", "-", "na", "n/a", "nan", "null", "none", "\\n"];

/// Returns the names of columns that may be shown out of `columns`, a table's first line, with `below` the rows under it;
/// and whether all are names.
pub(crate) fn names_shown(columns: &[String], below: &[Vec<String>]) -> (String, bool) {
    let all = is_header(columns, below);
    let known = columns.iter().filter(|column| is_known_name(column)).count();
    // A known word may stand in a row too; several rarely do.
    let some = known >= 2 && known * 2 >= columns.len();
    let shown: Vec<&str> =
        columns.iter().map(|column| column.trim()).filter(|column| all || (some && is_known_name(column))).collect();
    let others = columns.len() - shown.len();
    let names = shown.join(", ");
    let fields = |count: usize| if count == 1 { "1 field".to_owned() } else { format!("{count} fields") };
    match (shown.len(), others) {
        (_, 0) => (names, true),
        (0, _) => (fields(others), false),
        (_, 1) => (format!("{names} and 1 other"), true),
        (_, _) => (format!("{names} and {others} others"), true),
    }
}

/// Tells whether columns or members of JSON go by this name in logs.
pub(crate) fn is_known_name(name: &str) -> bool {
    let plain: String = name.chars().filter(|sign| !" _-.".contains(*sign)).flat_map(char::to_lowercase).collect();
    KNOWN_NAMES.contains(&plain.as_str())
}

/// Tells whether the key of a JSON object names what every such object has, and no person: it goes by a name of logs, or is
/// made of words of such names, as `event_user_id` is.
pub(crate) fn is_known_key(key: &str) -> bool {
    const MORE_WORDS: [&str; 12] =
        ["account", "at", "by", "definition", "identifier", "is", "modified", "no", "number", "of", "on", "ts"];
    is_known_name(key) || {
        let mut words = words_of(key).peekable();
        words.peek().is_some() && words.all(|word| is_known_name(&word) || MORE_WORDS.contains(&word.as_str()))
    }
}

/// Returns the words of a name, in lower case: `eventTime`, `event_time` and `event-time` are two.
fn words_of(name: &str) -> impl Iterator<Item = String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = None;
    for sign in name.chars() {
        let begins = before
            .is_none_or(|before: char| !before.is_alphanumeric() || (before.is_lowercase() && sign.is_uppercase()));
        if sign.is_alphanumeric() {
            if begins {
                words.push(String::new());
            }
            words.last_mut().expect("a word has begun").extend(sign.to_lowercase());
        }
        before = Some(sign);
    }
    words.into_iter()
}

/// Tells whether a first line is a header beyond doubt.
fn is_header(columns: &[String], below: &[Vec<String>]) -> bool {
    let below = &below[..below.len().min(ROWS_BELOW)];
    let cells = |place: usize| below.iter().filter_map(move |row| row.get(place)).map(|cell| cell.trim());
    let missing = |cell: &str| MISSING.contains(&cell.to_lowercase().as_str());
    let is_name = |(place, column): (usize, &String)| {
        let column = column.trim();
        column.chars().count() <= LONGEST_NAME
            && !columns[..place].iter().any(|before| before.trim() == column && !column.is_empty())
            && !column.contains('@')
            && !begins_as_number(column)
            && !cells(place).any(|cell| !cell.is_empty() && cell == column)
    };
    let heads_numbers = |(place, column): (usize, &String)| {
        let column = column.trim();
        let mut given = cells(place).filter(|cell| !missing(cell)).peekable();
        !missing(column)
            && column.chars().any(char::is_alphabetic)
            && given.peek().is_some()
            && given.all(begins_as_number)
    };
    columns.iter().filter(|column| is_known_name(column)).count() * 2 >= columns.len()
        && columns.iter().enumerate().all(is_name)
        && columns.iter().enumerate().any(heads_numbers)
}

fn begins_as_number(cell: &str) -> bool {
    cell.trim_start_matches(['-', '+', '.', '"']).starts_with(|sign: char| sign.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(lines: &[&str]) -> String {
        let rows: Vec<Vec<String>> = lines.iter().map(|line| line.split(',').map(str::to_owned).collect()).collect();
        names_shown(&rows[0], &rows[1..]).0
    }

    #[test]
    fn a_header_is_shown() {
        assert_eq!(shown(&["user,Kurs,when", "ann,C1,2024-01-01", "bob,C1,2024-01-02"]), "user, Kurs, when");
        assert_eq!(shown(&["user,minutes", "ann,3"]), "user, minutes");
        assert_eq!(shown(&["week,Ann Smith,Bob Jones", "1,17,19"]), "3 fields", "a column for each learner");
        assert_eq!(shown(&["user,time,Kurs"]), "user, time and 1 other", "there is nothing below");
    }

    #[test]
    fn no_cell_of_a_row_is_shown() {
        assert_eq!(shown(&["ann.example,C1,play_video,one", "bob.example,C1,play_video,two"]), "4 fields");
        assert_eq!(shown(&["ann,2024-01-01", "bob,2024-01-02"]), "2 fields");
        assert_eq!(shown(&["ann,user,NA", "bob,user,17"]), "3 fields", "a missing number heads no column");
        assert_eq!(shown(&["ann@example.org,time,n", "bob@example.org,x,17"]), "3 fields");
        assert_eq!(shown(&["Ann Smith,course,x", "Ann Smith,course,17"]), "3 fields", "it comes again below");
        assert_eq!(shown(&["Ann Smith,x", "Bob Jones,17"]), "2 fields", "no name is known");
        assert_eq!(shown(&["user,Ann"]), "2 fields", "there is nothing below");
    }
}
