//! Formats of tables beside a log, with dates of their own.

use std::fmt::Write;
use std::path::Path;

use staycast_events::time::{DAY_SECONDS, format_date};

use super::{put, time};
use crate::world::{Dates, Seen};

fn date(at: Option<i64>) -> String {
    at.map_or_else(String::new, |at| format_date(Seen::instant(at).div_euclid(DAY_SECONDS) as i32))
}

pub(super) fn kdd2015(seen: Seen<'_>, folder: &Path) {
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

pub(super) fn oulad(seen: Seen<'_>, folder: &Path) {
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

pub(super) fn log_alone(seen: Seen<'_>, folder: &Path) {
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

pub(super) fn table(seen: Seen<'_>, folder: &Path) {
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
