//! Writes exports of platforms' databases and clickstreams, without dates of courses.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use super::{put, time};
use crate::world::{Calendar, Dates, Enrolment, Event, Seen};

/// The events of those whom the table of enrolments lists. Where courses are dated by them, only those since the
/// enrolment: else it would depend on who enrols later when a course began.
fn events_of_listed(seen: Seen<'_>) -> impl Iterator<Item = (&Event, &Enrolment)> {
    let since = |one: &Enrolment, at: i64| one.enrolled.is_none_or(|enrolled| enrolled <= at);
    seen.events()
        .map(move |event| (event, &seen.world.enrolments[event.enrolment]))
        .filter(move |(event, one)| seen.calendar == Calendar::Given || since(one, event.at))
}

pub(super) fn moodle_log(seen: Seen<'_>, folder: &Path) {
    const EVENTS: [(&str, &str); 10] = [
        (r"\core\event\course_viewed", "core"),
        (r"\mod_quiz\event\attempt_submitted", "mod_quiz"),
        (r"\mod_forum\event\discussion_created", "mod_forum"),
        (r"\mod_forum\event\post_created", "mod_forum"),
        (r"\mod_page\event\course_module_viewed", "mod_page"),
        (r"\mod_assign\event\assessable_submitted", "mod_assign"),
        (r"\mod_wiki\event\page_viewed", "mod_wiki"),
        (r"\mod_chat\event\sessions_viewed", "mod_chat"),
        (r"\mod_folder\event\all_files_downloaded", "mod_folder"),
        (r"\tool_new\event\something_happened", "tool_new"),
    ];
    let mut text = String::from(
        "id,eventname,component,action,contextlevel,contextinstanceid,userid,courseid,relateduserid,anonymous,other,\
         timecreated,origin,ip,realuserid\n",
    );
    for (event, one) in events_of_listed(seen) {
        let (name, component) = EVENTS[event.kind % EVENTS.len()];
        let id = seen.world.events.iter().position(|other| std::ptr::eq(other, event)).unwrap() + 1;
        let (user, course) = (10 + one.learner, 2 + one.course);
        let at = Seen::instant(event.at);
        // What a script does, and staff in a learner's name, is nothing the learner did.
        let (origin, real) = match event.kind {
            38 => ("cli", ""),
            39 => ("web", "3"),
            _ => ("web", ""),
        };
        writeln!(
            text,
            "{id},{name},{component},viewed,70,{},{user},{course},,0,\"{{\"\"a\"\":\"\"b, c\"\"}}\",{at},{origin},10.0.0.1,{real}",
            event.object
        )
        .unwrap();
    }
    put(folder, "mdl_logstore_standard_log.csv", &text);
}

pub(super) fn moodle(seen: Seen<'_>, folder: &Path) {
    moodle_log(seen, folder);
    let mut ways = String::from("id,enrol,status,courseid\n");
    let mut contexts = String::from("id,contextlevel,instanceid,path\n1,10,0,/1\n");
    let mut roles = String::from("id,roleid,contextid,userid\n");
    for course in 0..seen.world.courses.len() {
        writeln!(ways, "{},manual,0,{}\n{},self,0,{}", 20 + course, 2 + course, 30 + course, 2 + course).unwrap();
        writeln!(contexts, "{},50,{},/1/2", 50 + course, 2 + course).unwrap();
        for learner in 0..5 {
            // One teaches a course of theirs.
            let role = if (learner, course) == (4, 0) { 3 } else { 5 };
            writeln!(roles, "{},{role},{},{}", course * 5 + learner, 50 + course, 10 + learner).unwrap();
        }
    }
    put(folder, "mdl_enrol.csv", &ways);
    put(folder, "mdl_context.csv", &contexts);
    put(folder, "mdl_role_assignments.csv", &roles);
    put(folder, "mdl_role.csv", "id,name,shortname,archetype\n3,,teacher,editingteacher\n5,,student,student\n");
    let mut enrolments = String::from("id,status,enrolid,userid,timestart,timeend,timecreated\n");
    for (number, one) in seen.enrolments(Dates::Given) {
        let (user, way) = (10 + one.learner, 20 + one.course);
        let since = one.enrolled.map_or(0, Seen::instant);
        writeln!(enrolments, "{number},0,{way},{user},{since},0,0").unwrap();
    }
    for (number, one) in seen.world.enrolments.iter().enumerate() {
        // Another way into the same course, which some take later and some before.
        if let Some(again) = seen.withdrawn(one) {
            let (user, way) = (10 + one.learner, 30 + one.course);
            writeln!(enrolments, "{},0,{way},{user},0,0,{}", 100 + number, Seen::instant(again)).unwrap();
        }
    }
    put(folder, "mdl_user_enrolments.csv", &enrolments);
}

pub(super) fn coursera(seen: Seen<'_>, folder: &Path) {
    const KEYS: [(&str, &str); 10] = [
        ("play", "learn/algebra/lecture"),
        ("pause", "learn/algebra/lecture"),
        ("heartbeat", "learn/algebra/lecture"),
        ("pageview", "learn/algebra/quiz"),
        ("", "learn/algebra/programming"),
        ("pageview", "learn/algebra/discussions"),
        ("pageview", "learn/algebra/supplement"),
        ("download_video", "learn/algebra/lecture"),
        ("pageview", "learn/algebra/home"),
        ("somersault", "other"),
    ];
    let mut text = String::new();
    for event in seen.events() {
        let one = &seen.world.enrolments[event.enrolment];
        let (key, page) = KEYS[event.kind % KEYS.len()];
        let (learner, course, object, at) = (one.learner, one.course, event.object, time(event.at).replace('T', " "));
        writeln!(
            text,
            "u{learner},k{learner},{at}.25,h,\"Mozilla/5.0 (X11) Gecko, like\",https://www.coursera.org/{page}/x{object}/sums?t={},\
             ,en-US,c{course}AB,US,CA,America/Los_Angeles,Linux,Firefox,{key},\"{{\\\"timecode\\\":12.5}}\"",
            event.count
        )
        .unwrap();
    }
    put(folder, "clickstream.csv", &text);
}

pub(super) fn futurelearn(seen: Seen<'_>, folder: &Path) {
    let stamp = |at: i64| format!("{} UTC", time(at).replace('T', " "));
    for course in 0..seen.world.courses.len() {
        let mut people = String::from(
            "learner_id,enrolled_at,unenrolled_at,role,fully_participated_at,gender,country\n\
             staff,2013-11-01 10:00:00 UTC,,organisation_admin,,Unknown,Unknown\n",
        );
        let (mut answers, mut comments, mut handed_in) = (
            String::from("learner_id,quiz_question,question_type,response,cloze_response,submitted_at,correct\n"),
            String::from("id,author_id,parent_id,step,text,timestamp,likes\n"),
            String::from("id,step,author_id,text,first_viewed_at,submitted_at,review_count\n"),
        );
        for (_, one) in seen.enrolments(Dates::Given).filter(|(_, one)| one.course == course) {
            let [since, until] = [one.enrolled, seen.withdrawn(one)].map(|at| at.map_or_else(String::new, stamp));
            writeln!(people, "u{},{since},{until},learner,,female,FR", one.learner).unwrap();
        }
        // By learner and step: when it was first visited, and when completed. An export holds the last completion alone, so
        // that its account of the past changes where a step is completed again; here everything is completed once.
        let mut steps: BTreeMap<(usize, usize), [Option<i64>; 2]> = BTreeMap::new();
        for (event, one) in events_of_listed(seen).filter(|(_, one)| one.course == course) {
            let (learner, step, at) = (one.learner, event.object, stamp(event.at));
            match event.kind % 8 {
                0..=2 => {
                    let known = &mut steps.entry((learner, step)).or_default()[usize::from(event.kind % 8 == 2)];
                    *known = Some(known.map_or(event.at, |known| known.min(event.at)));
                }
                3 | 4 => {
                    let correct = event.kind % 8 == 3;
                    writeln!(answers, "u{learner},{step}.1,MultipleChoice,\"1,2\",\"of two\nlines\",{at},{correct}")
                        .unwrap();
                }
                5 => writeln!(comments, "{},u{learner},,{step},\"Hello,\nall\",{at},3", event.at).unwrap(),
                6 => writeln!(comments, "{},u{learner},100,{step},Hello,{at},0", event.at).unwrap(),
                _ => writeln!(handed_in, "7,{step},u{learner},\"My\nwork\",{at},{at},2").unwrap(),
            }
        }
        let mut activity = String::from("learner_id,step,week_number,step_number,first_visited_at,last_completed_at\n");
        for ((learner, step), at) in steps {
            let [visited, completed] = at.map(|at| at.map_or_else(String::new, stamp));
            writeln!(activity, "u{learner},{step},1,1,{visited},{completed}").unwrap();
        }
        put(folder, &format!("c{course}_enrolments.csv"), &people);
        put(folder, &format!("c{course}_step-activity.csv"), &activity);
        put(folder, &format!("c{course}_question-response.csv"), &answers);
        put(folder, &format!("c{course}_comments.csv"), &comments);
        put(folder, &format!("c{course}_peer-review-assignments.csv"), &handed_in);
    }
}

pub(super) fn xuetangx2019(seen: Seen<'_>, folder: &Path) {
    const ACTIONS: [&str; 12] = [
        "load_video",
        "play_video",
        "seek_video",
        "problem_get",
        "problem_check",
        "problem_check_correct",
        "problem_check_incorrect",
        "create_thread",
        "create_comment",
        "click_courseware",
        "close_courseware",
        "somersault",
    ];
    let mut text = String::from("enroll_id,username,course_id,session_id,action,object,time\n");
    for event in seen.events() {
        let one = &seen.world.enrolments[event.enrolment];
        let (action, at) = (ACTIONS[event.kind % ACTIONS.len()], time(event.at).replace('T', " "));
        let (enrolment, learner, course, object) = (event.enrolment, one.learner, one.course, event.object);
        writeln!(text, "{enrolment},u{learner},course-v1:X+C{course}+2014,s{learner},{action},o{object},{at}").unwrap();
    }
    put(folder, "prediction_log.csv", &text);
}
