//! Logs of very many files: each is opened once to tell what it is, and once at most to be read.

use std::fs;
use std::path::Path;

use super::open_options::OpenOptions;
use crate::event_file::ReadPurpose;
use crate::row_limits::RowLimits;
use crate::seen_file::opens;

/// Writes `files` files of a log in a format, each with so many rows and of one size.
fn write(folder: &Path, format: &str, files: usize, rows: usize) -> OpenOptions {
    let each = |name: &str, header: &str, row: &dyn Fn(usize) -> String| {
        for file in 0..files {
            let rows: String = (0..rows).map(|_| row(file)).collect();
            fs::write(folder.join(name.replace('*', &format!("{file:05}"))), format!("{header}{rows}")).unwrap();
        }
    };
    let day = "2024-01-0";
    match format {
        "kdd2015" => {
            let enrolments: String = (0..files).map(|file| format!("{file:05},u{file},c\n")).collect();
            fs::write(folder.join("enrollment.csv"), format!("enrollment_id,username,course_id\n{enrolments}"))
                .unwrap();
            fs::write(folder.join("date.csv"), "course_id,from,to\nc,2024-01-01,2024-02-01\n").unwrap();
            let row = |file: usize| format!("{file:05},{day}{}T10:00:00,server,access,o\n", 1 + file % 9);
            each("log_*.csv", "enrollment_id,time,source,event,object\n", &row);
        }
        "oulad" => {
            let ids = || (0..files).map(|file| format!("AAA,2013J,{}", 10_000 + file));
            let info: String = ids().map(|id| format!("{id},M,Wales,A,10,0-35,0,60,N,Pass\n")).collect();
            let head = "code_module,code_presentation";
            let columns = "gender,region,highest_education,imd_band,age_band,num_of_prev_attempts,studied_credits,disability,final_result";
            fs::write(folder.join("studentInfo.csv"), format!("{head},id_student,{columns}\n{info}")).unwrap();
            let register: String = ids().map(|id| format!("{id},-20,\n")).collect();
            let columns = "id_student,date_registration,date_unregistration";
            fs::write(folder.join("studentRegistration.csv"), format!("{head},{columns}\n{register}")).unwrap();
            let courses = format!("{head},module_presentation_length\nAAA,2013J,268\n");
            fs::write(folder.join("courses.csv"), courses).unwrap();
            let columns = "id_assessment,assessment_type,date,weight";
            fs::write(folder.join("assessments.csv"), format!("{head},{columns}\nAAA,2013J,1,TMA,19,10\n")).unwrap();
            let row = |file: usize| format!("AAA,2013J,{},7,{},1\n", 10_000 + file, 1 + file % 9);
            fs::write(
                folder.join("vle.csv"),
                format!("id_site,{head},activity_type,week_from,week_to\n7,AAA,2013J,quiz,,\n"),
            )
            .unwrap();
            let columns = "id_assessment,id_student,date_submitted,is_banked,score";
            fs::write(folder.join("studentAssessment.csv"), format!("{columns}\n1,10000,18,0,70\n")).unwrap();
            each("studentVle_*.csv", &format!("{head},id_student,id_site,date,sum_click\n"), &row);
        }
        "edx" => each("tracking-*.log", "", &|file| {
            format!(
                "{{\"username\": \"u{file:05}\", \"event_type\": \"play_video\", \"event_source\": \"browser\", \"time\": \
                 \"{day}{}T10:00:00+00:00\", \"context\": {{\"course_id\": \"course-v1:X+C+R\"}}, \"event\": \"{{}}\"}}\n",
                1 + file % 9
            )
        }),
        "xapi" => each("statements-*.jsonl", "", &|file| {
            format!(
                "{{\"actor\": {{\"account\": {{\"homePage\": \"https://e.org\", \"name\": \"u{file:05}\"}}}}, \"verb\": {{\"id\": \
                 \"http://adlnet.gov/expapi/verbs/experienced\"}}, \"object\": {{\"id\": \"https://e.org/o\"}}, \"timestamp\": \
                 \"{day}{}T10:00:00Z\", \"context\": {{\"contextActivities\": {{\"parent\": [{{\"id\": \"https://e.org/c\", \
                 \"definition\": {{\"type\": \"http://adlnet.gov/expapi/activities/course\"}}}}]}}}}}}\n",
                1 + file % 9
            )
        }),
        _ => {
            let row = |file: usize| format!("u{file:05},c,{day}{} 10:00:00,view\n", 1 + file % 9);
            each("clicks-*.csv", "user,course,time,kind\n", &row);
            let mapping = folder.with_extension("toml");
            let columns = "learner = \"user\"\ncourse = \"course\"\nactivity = \"kind\"";
            let time = "time = { column = \"time\", format = \"iso\" }";
            let text = format!("[log]\nfiles = \"clicks-*.csv\"\n[log.columns]\n{columns}\n{time}\n[activities]\n");
            fs::write(&mapping, text).unwrap();
            return OpenOptions { mapping: Some(mapping), ..OpenOptions::default() };
        }
    }
    OpenOptions::default()
}

/// Opens and reads a log of that many files; returns the rows used, and the most often that one of them was opened.
fn read(format: &str, files: usize, rows: usize) -> (u64, u32) {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("log");
    fs::create_dir(&folder).unwrap();
    let options = write(&folder, format, files, rows);
    let source = super::open::open(std::slice::from_ref(&folder), &options).unwrap();
    let days: Vec<u32> = source.roster.courses.iter().map(|course| course.days).collect();
    let limits = RowLimits::new(&source.roster, &days, None);
    let used = std::sync::atomic::AtomicU64::new(0);
    for file in &source.events {
        let sink = |_, parsed: crate::parsed_block::ParsedBlock| {
            used.fetch_add(parsed.tally.used, std::sync::atomic::Ordering::Relaxed);
            Ok(())
        };
        file.read(ReadPurpose::Events, &limits, &sink, &|_| ()).unwrap();
    }
    for input in &source.inputs {
        input.file.blake3().unwrap();
    }
    let most = opens::take(&folder).into_values().max().unwrap();
    (used.into_inner(), most)
}

/// Returns the rows that stand beside those of the log's files.
fn submissions(format: &str) -> u64 {
    u64::from(format == "oulad")
}

const FORMATS: [&str; 5] = ["kdd2015", "oulad", "edx", "xapi", "table"];

#[test]
fn each_of_very_many_small_files_is_opened_once() {
    for format in FORMATS {
        assert_eq!(read(format, 300, 2), (600 + submissions(format), 1), "{format}: rows used, and opens of a file");
    }
}

#[test]
fn each_of_several_files_of_one_size_is_opened_once_to_tell_what_it_is_and_once_to_be_read() {
    for format in ["kdd2015", "oulad", "edx", "xapi"] {
        assert_eq!(
            read(format, 3, 3_000),
            (9_000 + submissions(format), 2),
            "{format}: rows used, and opens of a file"
        );
    }
}
