//! The formats, each with the files that an input is made into.

use crate::{Enrolled, Format, Rows};

macro_rules! sound {
    ($folder:literal: $($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../crates/events/tests/fixtures/", $folder, "/base/", $name)))),*]
    };
}

/// KDD Cup 2015.
pub const KDD2015: Format = Format {
    format: "kdd2015",
    files: sound!("kdd2015": "log.csv", "date.csv", "enrollment.csv", "object.csv", "truth.csv"),
    rows: Rows::Lines,
    enrolled: Enrolled::InTables,
};

/// OULAD.
pub const OULAD: Format = Format {
    format: "oulad",
    files: sound!(
        "oulad": "studentVle.csv", "studentAssessment.csv", "vle.csv", "studentRegistration.csv", "studentInfo.csv",
        "courses.csv", "assessments.csv"
    ),
    rows: Rows::Lines,
    enrolled: Enrolled::InTables,
};

/// A table in CSV, its mapping and small tables as the input has them.
pub const TABLE_CSV: Format = Format {
    format: "table",
    files: sound!("table": "log.csv", "mapping.toml", "people.csv", "runs.csv"),
    // The mapping may say that there is no header, or that newlines may stand in quotes.
    rows: Rows::Otherwise,
    enrolled: Enrolled::InTables,
};

/// A table in CSV whose newlines may stand in quotes.
pub const TABLE_RECORDS: Format = Format {
    format: "table",
    files: &[
        ("log.csv", b"who,at,what\nann,2014-01-01T08:00:00Z,\"so\nlve\"\n"),
        (
            "mapping.toml",
            b"single_course = \"C\"\n[log]\nfiles = [\"log.csv\"]\nquoted_newlines = true\n\
              columns = { learner = \"who\", activity = \"what\", time = { column = \"at\", format = \"iso\" } }\n",
        ),
    ],
    rows: Rows::Otherwise,
    enrolled: Enrolled::InTables,
};

/// A table in JSON lines.
pub const TABLE_JSONL: Format = Format {
    format: "table",
    files: &[
        ("log.jsonl", b"{\"who\": \"ann\", \"in\": {\"course\": \"C\"}, \"at\": 1400000000, \"n\": 2}\n"),
        ("runs.csv", b"course,from,days\nC,2014-05-01,60\n"),
        (
            "mapping.toml",
            b"[log]\nfiles = [\"log.jsonl\"]\ntype = \"jsonl\"\ncolumns = { learner = \"who\", course = \"in.course\", \
              count = \"n\", time = { column = \"at\", format = \"unix-seconds\" } }\n[courses]\nfiles = [\"runs.csv\"]\n\
              columns = { course = \"course\", start = { column = \"from\", format = \"date\" }, days = \"days\" }\n",
        ),
    ],
    rows: Rows::LinesOnly,
    enrolled: Enrolled::InTables,
};

/// A table in Parquet.
pub const TABLE_PARQUET: Format = Format {
    format: "table",
    files: &[
        ("log.parquet", b"PAR1"),
        (
            "mapping.toml",
            b"single_course = \"C\"\n[log]\nfiles = [\"log.parquet\"]\ntype = \"parquet\"\n\
              columns = { learner = \"who\", object = \"thing\", time = { column = \"at\", format = \"iso\" } }\n",
        ),
    ],
    rows: Rows::Otherwise,
    enrolled: Enrolled::InTables,
};

/// Tracking logs of Open edX.
pub const EDX: Format = Format {
    format: "edx",
    files: sound!("edx": "tracking.log"),
    rows: Rows::LinesOnly,
    enrolled: Enrolled::InStatements,
};

/// Statements of xAPI.
pub const XAPI: Format = Format {
    format: "xapi",
    files: sound!("xapi": "statements.jsonl"),
    // They may also stand in an array, or in what a store answers.
    rows: Rows::Otherwise,
    enrolled: Enrolled::InStatements,
};

/// Events of Caliper.
pub const CALIPER: Format = Format {
    format: "caliper",
    files: sound!("caliper": "events.jsonl"),
    rows: Rows::Otherwise,
    enrolled: Enrolled::InStatements,
};

/// Moodle's standard log, with the tables that say who is enrolled as what.
pub const MOODLE: Format = Format {
    format: "moodle",
    files: sound!(
        "moodle": "mdl_logstore_standard_log.csv", "mdl_course.csv", "mdl_user_enrolments.csv", "mdl_enrol.csv",
        "mdl_role_assignments.csv", "mdl_context.csv", "mdl_role.csv"
    ),
    rows: Rows::QuotedLines { header: 1 },
    enrolled: Enrolled::InTables,
};

/// Coursera's clickstream export.
pub const COURSERA: Format = Format {
    format: "coursera",
    files: sound!("coursera": "video-2016-02.csv"),
    rows: Rows::QuotedLines { header: 0 },
    enrolled: Enrolled::InLog,
};

/// FutureLearn's exports of one run.
pub const FUTURELEARN: Format = Format {
    format: "futurelearn",
    files: sound!(
        "futurelearn": "algebra-1_step-activity.csv", "algebra-1_enrolments.csv", "algebra-1_question-response.csv",
        "algebra-1_comments.csv", "algebra-1_peer-review-assignments.csv"
    ),
    // In answers, comments and assignments newlines may stand in quotes.
    rows: Rows::Otherwise,
    enrolled: Enrolled::InTables,
};

/// XuetangX 2019.
pub const XUETANGX2019: Format = Format {
    format: "xuetangx2019",
    files: sound!("xuetangx2019": "train_log.csv", "course_info.csv", "train_truth.csv"),
    rows: Rows::Lines,
    enrolled: Enrolled::InLog,
};
