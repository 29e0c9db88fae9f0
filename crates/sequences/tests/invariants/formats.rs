//! A world as each format writes it down. A new format is a function here and a line in [`ALL`].

use std::fmt::Write;
use std::path::Path;

use staycast_events::formats::{OpenOptions, open};
use staycast_events::time::{DAY_SECONDS, format_date, format_instant};
use staycast_events::{Activity, Detail, Enrolment, Kind, ReadError, Source};

use super::common::made::Parts;
use super::world::{Dates, Seen};

/// A format.
#[derive(Clone, Copy)]
pub(crate) struct Format {
    /// Its name.
    pub(crate) name: &'static str,
    /// Files of events, of one line a row, a header first.
    pub(crate) logs: &'static [&'static str],
    /// Writes its files into a folder, as of an instant.
    write: fn(Seen<'_>, &Path),
    /// Opens the folder.
    open: fn(Seen<'_>, &Path) -> Result<Source, ReadError>,
}

impl Format {
    pub(crate) fn write(&self, seen: Seen<'_>, folder: &Path) {
        (self.write)(seen, folder);
    }

    pub(crate) fn open(&self, seen: Seen<'_>, folder: &Path) -> Result<Source, ReadError> {
        (self.open)(seen, folder)
    }
}

/// Every format.
pub(crate) const ALL: &[Format] = &[
    Format { name: "kdd2015", logs: &["log.csv"], write: kdd2015, open: open_told },
    Format { name: "oulad", logs: &["studentVle.csv", "studentAssessment.csv"], write: oulad, open: open_told },
    Format { name: "table", logs: &["log.csv"], write: table, open: open_mapped },
    Format { name: "table of the log alone", logs: &["log.csv"], write: log_alone, open: open_mapped },
    Format { name: "made", logs: &[], write: |_, _| (), open: |seen, _| Ok(made(seen)) },
];

fn open_told(_: Seen<'_>, folder: &Path) -> Result<Source, ReadError> {
    open(&[folder.to_owned()], &OpenOptions::default())
}

fn open_mapped(_: Seen<'_>, folder: &Path) -> Result<Source, ReadError> {
    let mapping = Some(folder.join("mapping.toml"));
    open(&[folder.to_owned()], &OpenOptions { mapping, ..OpenOptions::default() })
}

fn put(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

fn time(at: i64) -> String {
    format_instant(Seen::instant(at))
}

fn date(at: Option<i64>) -> String {
    at.map_or_else(String::new, |at| format_date(Seen::instant(at).div_euclid(DAY_SECONDS) as i32))
}

fn kdd2015(seen: Seen<'_>, folder: &Path) {
    let mut text = String::from("course_id,from,to\n");
    for (number, course) in seen.world.courses.iter().enumerate() {
        let last = course.start_day() + course.days as i32 - 1;
        writeln!(text, "c{number},{},{}", format_date(course.start_day()), format_date(last)).unwrap();
    }
    put(folder, "date.csv", &text);
    let mut text = String::from("enrollment_id,username,course_id\n");
    for (number, one) in seen.enrolments(Dates::Lacking) {
        writeln!(text, "{number},u{},c{}", one.learner, one.course).unwrap();
    }
    put(folder, "enrollment.csv", &text);
    let mut text = String::from("course_id,module_id,category,children,start\n");
    for (object, release) in seen.objects() {
        // Known once it has come, or not at all: the table says nothing of plans.
        let start = release.filter(|&at| at < seen.until).map_or_else(|| "null".to_owned(), time);
        for course in 0..seen.world.courses.len() {
            writeln!(text, "c{course},o{object},video,,{start}").unwrap();
        }
    }
    put(folder, "object.csv", &text);
    const KINDS: [&str; 9] =
        ["access", "nagivate", "video", "problem", "discussion", "wiki", "page_close", "access", "strange"];
    let mut text = String::from("enrollment_id,time,source,event,object\n");
    for event in seen.events() {
        let source = ["server", "browser"][event.kind % 2];
        let kind = KINDS[event.kind % KINDS.len()];
        writeln!(text, "{},{},{source},{kind},o{}", event.enrolment, time(event.at), event.object).unwrap();
    }
    put(folder, "log.csv", &text);
}

fn oulad(seen: Seen<'_>, folder: &Path) {
    const TYPES: [&str; 5] = ["quiz", "forumng", "resource", "homepage", "hologram"];
    let presentation = |course: usize| {
        let letter = [' ', 'A', 'B', 'C'][seen.world.courses[course].month as usize];
        format!("M{course},2014{letter}")
    };
    let day = |at: Option<i64>, course: usize| at.map_or_else(String::new, |at| seen.day(at, course).to_string());
    let mut courses = String::from("code_module,code_presentation,module_presentation_length\n");
    let mut sites = String::from("id_site,code_module,code_presentation,activity_type,week_from,week_to\n");
    let mut assessments = String::from("code_module,code_presentation,id_assessment,assessment_type,date,weight\n");
    for (number, course) in seen.world.courses.iter().enumerate() {
        writeln!(courses, "{},{}", presentation(number), course.days - 1).unwrap();
        for (object, release) in seen.objects() {
            let week = release.map_or_else(String::new, |at| (seen.day(at, number).div_euclid(7) + 1).to_string());
            let type_ = TYPES[object % TYPES.len()];
            writeln!(sites, "{object},{},{type_},{week},{week}", presentation(number)).unwrap();
        }
        for (assessment, due) in seen.world.due.iter().enumerate() {
            writeln!(assessments, "{},{number}{assessment},TMA,{due},10", presentation(number)).unwrap();
        }
    }
    put(folder, "courses.csv", &courses);
    put(folder, "vle.csv", &sites);
    put(folder, "assessments.csv", &assessments);
    let mut students = String::from("code_module,code_presentation,id_student,gender,final_result\n");
    let mut register = String::from("code_module,code_presentation,id_student,date_registration,date_unregistration\n");
    for (_, one) in seen.enrolments(Dates::Given) {
        let who = format!("{},{}", presentation(one.course), one.learner);
        writeln!(students, "{who},F,").unwrap();
        let (from, to) = (day(one.enrolled, one.course), day(seen.withdrawn(one), one.course));
        writeln!(register, "{who},{from},{to}").unwrap();
    }
    put(folder, "studentInfo.csv", &students);
    put(folder, "studentRegistration.csv", &register);
    let mut clicks = String::from("code_module,code_presentation,id_student,id_site,date,sum_click\n");
    for event in seen.events() {
        let one = &seen.world.enrolments[event.enrolment];
        let who = format!("{},{}", presentation(one.course), one.learner);
        writeln!(clicks, "{who},{},{},{}", event.object, seen.day(event.at, one.course), event.count).unwrap();
    }
    put(folder, "studentVle.csv", &clicks);
    let mut handed_in = String::from("id_assessment,id_student,date_submitted,is_banked,score\n");
    for one in seen.submissions() {
        let who = &seen.world.enrolments[one.enrolment];
        let day = seen.day(one.at, who.course);
        writeln!(handed_in, "{}{},{},{day},0,{}", who.course, one.assessment, who.learner, one.score).unwrap();
    }
    put(folder, "studentAssessment.csv", &handed_in);
}

const LOG: &str = "[log]\nfiles = [\"log.csv\"]\ncolumns = { learner = \"user\", course = \"course\", time = { column = \"at\", \
                   format = \"iso\" }, activity = \"what\", object = \"thing\", count = \"times\" }\n\
                   [courses]\nfiles = [\"runs.csv\"]\ncolumns = { course = \"course\", start = { column = \"from\", \
                   format = \"date\" }, days = \"days\" }\n\
                   [activities]\nkinds = { k0 = \"problem\", k1 = \"video\", k2 = \"post\", k3 = \"login\" }\n";

fn log_alone(seen: Seen<'_>, folder: &Path) {
    put(folder, "mapping.toml", LOG);
    let mut runs = String::from("course,from,days\n");
    for (number, course) in seen.world.courses.iter().enumerate() {
        writeln!(runs, "c{number},{},{}", format_date(course.start_day()), course.days).unwrap();
    }
    put(folder, "runs.csv", &runs);
    let mut text = String::from("user,course,at,what,thing,times\n");
    for event in seen.events() {
        let one = &seen.world.enrolments[event.enrolment];
        let (kind, at) = (event.kind % 5, time(event.at));
        writeln!(text, "u{},c{},{at},k{kind},\"o, {}\",{}", one.learner, one.course, event.object, event.count)
            .unwrap();
    }
    put(folder, "log.csv", &text);
}

fn table(seen: Seen<'_>, folder: &Path) {
    log_alone(seen, folder);
    let people = "[enrolments]\nfiles = [\"people.csv\"]\ncolumns = { learner = \"user\", course = \"course\", \
                  enrolled = { column = \"since\", format = \"date\" }, \
                  withdrawn = { column = \"until\", format = \"date\" } }\n";
    put(folder, "mapping.toml", &format!("{LOG}{people}"));
    let mut text = String::from("user,course,since,until\n");
    for (_, one) in seen.enrolments(Dates::Given) {
        let (since, until) = (date(one.enrolled), date(seen.withdrawn(one)));
        writeln!(text, "u{},c{},{since},{until}", one.learner, one.course).unwrap();
    }
    put(folder, "people.csv", &text);
}

/// Every activity, and everything that a kind can tell.
fn kinds() -> Vec<Kind> {
    const DETAILS: [Detail; 16] = [
        Detail::Nothing,
        Detail::AttemptWrong,
        Detail::AttemptRight,
        Detail::Attempt,
        Detail::VideoPlayed,
        Detail::Post,
        Detail::Response,
        Detail::Comment,
        Detail::UpvoteGiven,
        Detail::UpvoteReceived,
        Detail::DownvoteGiven,
        Detail::DownvoteReceived,
        Detail::UpvoteGivenUndone,
        Detail::UpvoteReceivedUndone,
        Detail::DownvoteReceivedUndone,
        Detail::TextbookPage,
    ];
    let told = DETAILS.into_iter().enumerate().map(|(number, detail)| {
        Kind::new(format!("told {number}"), Activity::ALL[number % Activity::ALL.len()]).with_detail(detail)
    });
    let plain = Activity::ALL.into_iter().map(|activity| Kind::new(activity.name(), activity));
    plain.chain(told).chain([Kind::new("passed over", Activity::Problem).not_engaging()]).collect()
}

/// A source that knows everything.
fn made(seen: Seen<'_>) -> Source {
    let kinds = kinds();
    let numbered = |letter: char, number: usize| format!("{letter}{number}");
    let courses = seen.world.courses.iter().enumerate();
    let seconds = |at: i64, course: usize| {
        (Seen::instant(at) - i64::from(seen.world.courses[course].start_day()) * DAY_SECONDS) as i32
    };
    let mut parts = Parts {
        courses: courses
            .map(|(number, course)| (numbered('c', number), format_date(course.start_day()), course.days))
            .collect(),
        register: true,
        ..Parts::default()
    };
    for (number, one) in seen.enrolments(Dates::Given) {
        let enrolment = Enrolment {
            id: numbered('e', number),
            learner: numbered('u', one.learner),
            enrolled_seconds: one.enrolled.map(|at| seconds(at, one.course)),
            withdrawn_seconds: seen.withdrawn(one).map(|at| seconds(at, one.course)),
            ..Enrolment::default()
        };
        parts.enrolments.push((numbered('c', one.course), enrolment));
    }
    let is_listed = |number: usize| seen.enrolments(Dates::Given).any(|(listed, _)| listed == number);
    for event in seen.events().filter(|event| is_listed(event.enrolment)) {
        let kind = kinds[event.kind % kinds.len()].raw.clone();
        let object = numbered('o', event.object);
        parts.events.push((numbered('e', event.enrolment), time(event.at), kind, object, u64::from(event.count)));
    }
    for (object, release) in seen.objects() {
        for (course, _) in seen.world.courses.iter().enumerate() {
            let release = release.map(|at| (numbered('c', course), numbered('o', object), time(at)));
            parts.releases.extend(release);
        }
    }
    for (course, _) in seen.world.courses.iter().enumerate() {
        for (assessment, &due) in seen.world.due.iter().enumerate() {
            parts.assessments.push((numbered('c', course), format!("{course}{assessment}"), due));
        }
    }
    for one in seen.submissions().filter(|one| is_listed(one.enrolment)) {
        let course = seen.world.enrolments[one.enrolment].course;
        let assessment = format!("{course}{}", one.assessment);
        let day = seen.day(one.at, course) as i32;
        parts.submissions.push((numbered('e', one.enrolment), assessment, day, one.score as f32));
    }
    parts.kinds = kinds;
    parts.source()
}
