//! The same real events as a tracking log, as xAPI and as Caliper have them must say the same.
//!
//! The pairs are written by hand after the mappings that Open edX publishes for its event-routing-backends
//! (<https://github.com/openedx/event-routing-backends>, `docs/technical_documentation/concepts/event-mapping` and the
//! transformers in `event_routing_backends/processors`). Tracking events stand here in the form that event-tracking gives
//! them, which that package takes; what the platform writes into its logs is made of it below.

use staycast_events::{Detail, Source};

use crate::common::{Folder, open, read};

const COURSE: &str = "course-v1:Org+C1+2026";
const LMS: &str = "https://lms.example";
const PROBLEM: &str = "block-v1:Org+C1+2026+type@problem+block@p1";
const VIDEO: &str = "block-v1:Org+C1+2026+type@video+block@v1";

/// A real event: what each format has of it, and what it says.
struct Case {
    name: &'static str,
    source: &'static str,
    data: String,
    /// The statements and events that are made of it, without what all have.
    xapi: Vec<String>,
    caliper: Option<String>,
    /// What it is as an act of the learner, by activity and detail; `None` for a fact.
    act: Option<&'static str>,
}

fn case(name: &'static str, source: &'static str, data: &str, act: Option<&'static str>) -> Case {
    Case { name, source, data: data.to_owned(), xapi: Vec::new(), caliper: None, act }
}

impl Case {
    /// Adds a statement of this verb, object and more members.
    fn xapi(mut self, verb: &str, object: &str, kind: &str, more: &str) -> Self {
        let number = self.xapi.len();
        let context = if more.contains("\"context\"") {
            more.to_owned()
        } else {
            format!(r#"{more},"context":{{"contextActivities":{{"parent":[{}]}},{}}}"#, course_activity(), extensions())
        };
        let kind_of_object = if kind == "group" { "GroupActivity" } else { "Activity" };
        let kind = if kind == "group" { "http://adlnet.gov/expapi/activities/cmi.interaction" } else { kind };
        self.xapi.push(format!(
            r#"{{"id":"@ID{number}@","actor":@ACTOR@,"verb":{{"id":"{verb}"}},"object":{{"id":"{object}","objectType":"{kind_of_object}","definition":{{"type":"{kind}"}}}},"timestamp":"@TIME@"{context}}}"#
        ));
        self
    }

    /// Adds an event of this type, action and object.
    fn caliper(mut self, kind: &str, action: &str, object: &str, more: &str) -> Self {
        self.caliper = Some(format!(
            r#"{{"id":"urn:uuid:@ID0@","type":"{kind}","action":"{action}","actor":@PERSON@,"object":{object},"eventTime":"@TIME@","extensions":{{"transformerVersion":"event-routing-backends@9.0.0"}}{more}}}"#
        ));
        self
    }
}

fn course_activity() -> String {
    format!(
        r#"{{"id":"{LMS}/course/{COURSE}","objectType":"Activity","definition":{{"type":"http://adlnet.gov/expapi/activities/course"}}}}"#
    )
}

fn extensions() -> &'static str {
    r#""extensions":{"https://w3id.org/xapi/openedx/extension/transformer-version":"event-routing-backends@9.0.0"}"#
}

/// An object of Caliper in the course.
fn entity(id: &str, kind: &str, more: &str) -> String {
    let course = format!(r#""isPartOf":{{"id":"{LMS}/course/{COURSE}","type":"CourseOffering"}}"#);
    format!(r#"{{"id":"{LMS}/xblock/{id}","type":"{kind}","extensions":{{{course}{more}}}}}"#)
}

fn cases() -> Vec<Case> {
    let (adl, acrossx) = ("http://adlnet.gov/expapi/verbs", "https://w3id.org/xapi/acrossx/verbs");
    let [interaction, question, video, discussion, resource] = [
        "http://adlnet.gov/expapi/activities/cmi.interaction",
        "http://adlnet.gov/expapi/activities/question",
        "https://w3id.org/xapi/video/activity-type/video",
        "http://id.tincanapi.com/activitytype/discussion",
        "http://id.tincanapi.com/activitytype/resource",
    ];
    let course = format!("{LMS}/course/{COURSE}");
    let course_type = "http://adlnet.gov/expapi/activities/course";
    let problem = format!("{LMS}/xblock/{PROBLEM}");
    let offering = format!(r#"{{"id":"{course}","type":"CourseOffering","extensions":{{"mode":"audit"}}}}"#);
    let user = format!(r#"{{"course_id":"{COURSE}","user_id":7,"mode":"audit"}}"#);
    let attempt = |success: &str| {
        entity(
            &format!("{PROBLEM}/user/u/attempt/1"),
            "Attempt",
            &format!(
                r#","assignee":@PERSON@,"assignable":{{"id":"{LMS}/xblock/{PROBLEM}","type":"Assessment"}},"count":{success}"#
            ),
        )
    };
    let check = |success: &str| {
        format!(r#"{{"problem_id":"{PROBLEM}","success":"{success}","attempts":1,"grade":1,"max_grade":1}}"#)
    };
    let result =
        |success: &str| format!(r#","result":{{"success":{success},"score":{{"min":0,"max":1,"raw":1,"scaled":1}}}}"#);
    let part = |number: u32| {
        format!(
            r#","result":{{"success":true}},"context":{{"statement":{{"id":"@ID0@","objectType":"StatementRef"}},"contextActivities":{{"parent":[{{"objectType":"GroupActivity","id":"{problem}","definition":{{"type":"{interaction}"}}}}],"grouping":[{}]}},{},"registration":"0a000000-0000-4000-8000-00000000000{number}"}}"#,
            course_activity(),
            extensions()
        )
    };
    let mut cases = vec![
        case("edx.course.enrollment.activated", "server", &user, None)
            .xapi(&format!("{adl}/registered"), &course, course_type, r#","context":{}"#)
            .caliper("Event", "Activated", &offering, ""),
        case("edx.course.enrollment.mode_changed", "server", &user, None)
            .xapi(&format!("{adl}/registered"), &course, course_type, r#","context":{}"#),
        case("load_video", "browser", r#"{"id":"v1","duration":9}"#, Some("video"))
            .xapi(&format!("{adl}/initialized"), &format!("{LMS}/xblock/{VIDEO}"), video, "")
            .caliper("MediaEvent", "Started", &entity(VIDEO, "VideoObject", ""), ""),
        case("play_video", "browser", r#"{"id":"v1","currentTime":0}"#, Some("video VideoPlayed"))
            .xapi("https://w3id.org/xapi/video/verbs/played", &format!("{LMS}/xblock/{VIDEO}"), video, "")
            .caliper("MediaEvent", "Resumed", &entity(VIDEO, "VideoObject", ""), ""),
        case("edx.video.closed_captions.shown", "browser", r#"{"id":"v1"}"#, Some("video"))
            .xapi(&format!("{adl}/interacted"), &format!("{LMS}/xblock/{VIDEO}"), video, "")
            .caliper("MediaEvent", "EnabledClosedCaptioning", &entity(VIDEO, "VideoObject", ""), ""),
        case("edx.ui.lms.outline.selected", "browser", r#"{"target_url":"https://lms.example/x"}"#, Some("navigate"))
            .xapi("https://w3id.org/xapi/dod-isd/verbs/navigated", "https://lms.example/x", "http://adlnet.gov/expapi/activities/module", "")
            .caliper("NavigationEvent", "NavigatedTo", &entity("x", "DigitalResource", ""), ""),
        // What Caliper has of it is what it has of a score, which is a fact.
        case("problem_check", "browser", r#""input_p1_2_1=x""#, Some("problem"))
            .xapi(&format!("{adl}/attempted"), &problem, interaction, ""),
        // What the server makes of an answer: an attempt, and a score that it computes of it.
        case("problem_check", "server", &check("correct"), Some("problem AttemptRight"))
            .xapi(&format!("{acrossx}/evaluated"), &problem, interaction, &result("true"))
            .caliper("GradeEvent", "Graded", &attempt("1"), r#","generated":{"score":{"type":"Score","maxScore":1,"scoreGiven":1,"extensions":{"success":"True"}}}"#),
        case("edx.grades.problem.submitted", "server", &format!(r#"{{"problem_id":"{PROBLEM}","course_id":"{COURSE}","user_id":"7","weighted_earned":1,"weighted_possible":1}}"#), None)
            .xapi(&format!("{adl}/attempted"), &problem, question, &result("true"))
            .caliper("AssessmentEvent", "Submitted", &entity(PROBLEM, "Assessment", ""), ""),
        case("problem_check", "server", &check("incorrect"), Some("problem AttemptWrong"))
            .xapi(&format!("{acrossx}/evaluated"), &problem, interaction, &result("false"))
            .caliper("GradeEvent", "Graded", &attempt("2"), r#","generated":{"score":{"type":"Score","maxScore":1,"scoreGiven":0,"extensions":{"success":"False"}}}"#),
        // A problem of three parts, the first of which is right.
        case("problem_check", "server", &check("incorrect"), Some("problem AttemptWrong"))
            .xapi(&format!("{acrossx}/evaluated"), &problem, "group", r#","result":{"success":true,"score":{"min":0,"max":3,"raw":1,"scaled":0.3}}"#)
            .xapi(&format!("{acrossx}/evaluated"), &format!("{problem}_2_1"), interaction, &part(1))
            .xapi(&format!("{acrossx}/evaluated"), &format!("{problem}_3_1"), interaction, &part(2))
            .xapi(&format!("{acrossx}/evaluated"), &format!("{problem}_4_1"), interaction, &part(3)),
        case("showanswer", "server", &format!(r#"{{"problem_id":"{PROBLEM}"}}"#), Some("problem"))
            .xapi(&format!("{adl}/asked"), &format!("{problem}/answer"), "http://id.tincanapi.com/activitytype/solution", "")
            .caliper("Event", "Viewed", &entity(&format!("{PROBLEM}/solution"), "Annotation", ""), ""),
        case("edx.problem.hint.demandhint_displayed", "server", &format!(r#"{{"module_id":"{PROBLEM}","hint_index":1}}"#), Some("problem"))
            .xapi(&format!("{adl}/asked"), &format!("{problem}/hint/1"), "https://w3id.org/xapi/acrossx/extensions/supplemental-info", "")
            .caliper("Event", "Viewed", &entity(&format!("{PROBLEM}/hint/1"), "Annotation", ""), ""),
        case("edx.forum.thread.created", "server", r#"{"id":"t1","title":"?"}"#, Some("post Post"))
            .xapi(&format!("{acrossx}/posted"), &format!("{LMS}/api/discussion/v1/threads/t1"), discussion, ""),
        case("edx.forum.response.created", "server", r#"{"id":"r1"}"#, Some("post Response"))
            .xapi(&format!("{acrossx}/posted"), &format!("{LMS}/api/discussion/v1/comments/r1"), discussion, ""),
        case("edx.forum.thread.viewed", "server", r#"{"id":"t1"}"#, Some("discussion"))
            .xapi("http://id.tincanapi.com/verb/viewed", &format!("{LMS}/api/discussion/v1/threads/t1"), discussion, ""),
        case("edx.completion.block_completion.changed", "server", &format!(r#"{{"user_id":7,"course_id":"{COURSE}","block_id":"{PROBLEM}","completion":1.0}}"#), Some("other"))
            .xapi(&format!("{adl}/progressed"), &problem, resource, r#","result":{"completion":true}"#),
        case("edx.special_exam.timed.attempt.submitted", "server", r#"{"exam_content_id":"e1","attempt_code":"c"}"#, Some("problem"))
            .xapi(&format!("{adl}/terminated"), "e1", "https://w3id.org/xapi/openedx/activity/timed-assessment", ""),
        // What a server computes later.
        case("edx.grades.subsection.grade_calculated", "server", &format!(r#"{{"course_id":"{COURSE}","user_id":"7","block_id":"s1","weighted_total_earned":3}}"#), None)
            .xapi("http://id.tincanapi.com/verb/earned", &format!("{LMS}/xblock/s1"), resource, &result("true")),
        case("edx.grades.course.grade_calculated", "server", &format!(r#"{{"course_id":"{COURSE}","user_id":"7","percent_grade":1.0,"letter_grade":"Pass"}}"#), None)
            .xapi("http://id.tincanapi.com/verb/earned", &course, course_type, r#","result":{"score":{"raw":1,"max":1}}"#),
        case("edx.course.grade.now_failed", "server", &user, None)
            .xapi(&format!("{adl}/failed"), &course, course_type, r#","context":{}"#),
        case("edx.course.grade.passed.first_time", "server", &user, None)
            .xapi(&format!("{adl}/passed"), &course, course_type, r#","context":{}"#)
            .caliper("Event", "Completed", &offering, ""),
    ];
    // Last, so that the course's calendar holds all of them.
    cases.push(case("page_close", "browser", "{}", Some("page_close")));
    cases
}

fn time(place: usize) -> String {
    format!("2026-01-{:02}T10:{:02}:00+00:00", 5 + place / 4, place)
}

/// Lists a source's own acts: time, activity, detail, learner and course.
fn acts(source: &Source) -> Vec<String> {
    let all = read(source).unwrap();
    let received = all.received.len();
    assert_eq!(received, 0, "limits without kinds keep all events together");
    let mut acts = Vec::new();
    for event in &all.events {
        let kind = &source.kinds[event.kind() as usize];
        if kind.detail.is_received() {
            continue;
        }
        let enrolment = &source.roster.enrolments.get(event.enrolment().as_usize());
        let course = &source.roster.courses[enrolment.course.as_usize()];
        let instant = staycast_events::time::format_instant(course.start_seconds() + i64::from(event.seconds()));
        let learner = enrolment.learner().rsplit('/').next().unwrap().to_owned();
        let mut act = format!("{instant} {}", kind.activity);
        if kind.detail != Detail::Nothing {
            act += &format!(" {:?}", kind.detail);
        }
        acts.push(format!("{act} of {learner} in {}", course.id));
    }
    acts.sort();
    acts
}

/// Lists the cases of a format in which `has` finds something.
fn expected(has: impl Fn(&Case) -> bool) -> Vec<String> {
    let cases = cases();
    let said = cases.iter().enumerate().filter(|(_, case)| has(case)).filter_map(|(place, case)| {
        Some(format!("{} {} of ann in {COURSE}", time(place).trim_end_matches("+00:00"), case.act?))
    });
    said.collect()
}

/// A folder with a log of what `line` makes of each case.
fn log(line: impl Fn(usize, &Case) -> Vec<String>) -> Folder {
    let lines: Vec<String> = cases().iter().enumerate().flat_map(|(place, case)| line(place, case)).collect();
    Folder::of(&[("log.jsonl", (lines.join("\n") + "\n").as_bytes())])
}

fn filled(place: usize, text: &str) -> String {
    let mut text = text.replace("@TIME@", &time(place));
    for number in 0..5 {
        text = text.replace(&format!("@ID{number}@"), &format!("0a000000-0000-4000-8000-0000000{place:02}00{number}"));
    }
    text.replace("@ACTOR@", &format!(r#"{{"objectType":"Agent","account":{{"homePage":"{LMS}","name":"ann"}}}}"#))
        .replace("@PERSON@", &format!(r#"{{"id":"{LMS}/user/ann","type":"Person"}}"#))
}

#[test]
fn tracking_logs_in_both_forms() {
    let in_log = log(|place, case| {
        let Case { name, source, data, .. } = case;
        vec![format!(
            r#"{{"name":"{name}","event_type":"{name}","event_source":"{source}","username":"ann","time":"{}","event":{data},"page":null,"context":{{"course_id":"{COURSE}","user_id":7}}}}"#,
            time(place)
        )]
    });
    let own_form = log(|place, case| {
        let Case { name, source, data, .. } = case;
        vec![format!(
            r#"{{"name":"{name}","timestamp":"{}","data":{data},"context":{{"course_id":"{COURSE}","user_id":7,"username":"ann","event_source":"{source}","page":null}}}}"#,
            time(place)
        )]
    });
    let (in_log, own_form) = (open(in_log.path()).unwrap(), open(own_form.path()).unwrap());
    assert_eq!(acts(&in_log), expected(|_| true));
    assert_eq!(own_form.format, "edx");
    assert_eq!(own_form.roster.courses, in_log.roster.courses);
    assert_eq!(own_form.roster.enrolments, in_log.roster.enrolments);
    assert_eq!(read(&own_form).unwrap().events, read(&in_log).unwrap().events);
}

#[test]
fn a_problem_of_several_parts_is_one_attempt_and_a_grade_is_none() {
    let folder = log(|place, case| case.xapi.iter().map(|text| filled(place, text)).collect());
    let source = open(folder.path()).unwrap();
    assert_eq!(acts(&source), expected(|case| !case.xapi.is_empty()));
    let tally = read(&source).unwrap().tally;
    assert_eq!(tally.rejected(), 0);
    assert_eq!(crate::common::rows(&tally, staycast_events::Reason::PartOfAnother), 3);
}

#[test]
fn events_of_caliper() {
    let folder = log(|place, case| case.caliper.iter().map(|text| filled(place, text)).collect());
    let source = open(folder.path()).unwrap();
    assert_eq!(acts(&source), expected(|case| case.caliper.is_some()));
    assert_eq!(read(&source).unwrap().tally.rejected(), 0);
}

#[test]
fn who_is_enrolled_and_who_completed_is_the_same() {
    let edx = log(|place, case| {
        let Case { name, source, data, .. } = case;
        vec![format!(
            r#"{{"name":"{name}","event_type":"{name}","event_source":"{source}","username":"ann","time":"{}","event":{data},"context":{{"course_id":"{COURSE}","user_id":7}}}}"#,
            time(place)
        )]
    });
    let xapi = log(|place, case| case.xapi.iter().map(|text| filled(place, text)).collect());
    let caliper = log(|place, case| case.caliper.iter().map(|text| filled(place, text)).collect());
    let enrolments: Vec<_> = [edx, xapi, caliper]
        .iter()
        .map(|folder| {
            let source = open(folder.path()).unwrap();
            let one = &source.roster.enrolments.get(0);
            let start = source.roster.course_of(staycast_events::EnrolmentIndex(0)).start_seconds();
            assert_eq!(source.roster.enrolments.len(), 1);
            (start + i64::from(one.enrolled_seconds.unwrap()), one.withdrawn_seconds, one.outcome.clone())
        })
        .collect();
    assert_eq!(enrolments[0].2.as_ref().map(|outcome| outcome.recorded.as_str()), Some("completed"));
    assert_eq!(enrolments[0], enrolments[1]);
    assert_eq!(enrolments[0], enrolments[2]);
}

/// Statements about an attempt at a problem of three parts: of the whole, if there is one, and of its parts. `around` is what
/// those of parts name: the whole's id, the problem, or both.
fn parts(whole: bool, around: &str, success: [bool; 3], day: u32, second: u32) -> Vec<String> {
    let problem = format!("{LMS}/xblock/{PROBLEM}");
    let interaction = "http://adlnet.gov/expapi/activities/cmi.interaction";
    let statement = |id: u32, object: &str, success: bool, context: &str, second: u32| {
        format!(
            r#"{{"id":"0a000000-0000-4000-8000-00000{day:02}{second:02}{id:03}","actor":{{"account":{{"homePage":"{LMS}","name":"ann"}}}},"verb":{{"id":"https://w3id.org/xapi/acrossx/verbs/evaluated"}},"object":{{"id":"{object}","definition":{{"type":"{interaction}"}}}},"result":{{"success":{success}}},"context":{{{context}"extensions":{{}}}},"timestamp":"2026-01-{day:02}T10:00:{second:02}Z"}}"#
        ) + "\n"
    };
    let (id, course) = (format!("0A000000-0000-4000-8000-00000{day:02}{second:02}000"), course_activity());
    let (of, no_parent) = (format!(r#""statement":{{"objectType":"StatementRef","id":"{id}"}},"#), course_activity());
    let parent = format!(r#"{{"id":"{problem}","definition":{{"type":"{interaction}"}}}}"#);
    let quiz =
        format!(r#"{{"id":"{LMS}/quiz","definition":{{"type":"http://adlnet.gov/expapi/activities/assessment"}}}}"#);
    let (of, parent) = match around {
        "whole" => (of.as_str(), no_parent),
        "problem" => ("", parent),
        "both" => (of.as_str(), parent),
        "quiz" => ("", quiz),
        _ => ("", no_parent),
    };
    let context = format!(r#"{of}"contextActivities":{{"parent":[{parent}],"grouping":[{course}]}},"#);
    let own = format!(r#""contextActivities":{{"parent":[{course}]}},"#);
    let all = success.iter().all(|success| *success);
    let parts = success.into_iter().zip(1..);
    let parts = parts.map(|(success, id)| statement(id, &format!("{problem}_{id}_1"), success, &context, second));
    whole.then(|| statement(0, &problem, all, &own, second)).into_iter().chain(parts).collect()
}

/// Checks what a log of `lines` says of attempts, in any order and spread over files, and how many are parts of another.
fn check_attempts(lines: &[String], expected: &[&str], of_another: u64) {
    let of_ann = format!(" of ann in {COURSE}");
    for rotation in 0..lines.len() {
        let mut lines = lines.to_vec();
        lines.rotate_left(rotation);
        let (first, second) = lines.split_at(lines.len() / 2);
        let whole = Folder::of(&[("a.jsonl", lines.concat().as_bytes())]);
        let cut = Folder::of(&[("a.jsonl", first.concat().as_bytes()), ("b.jsonl", second.concat().as_bytes())]);
        for folder in [whole, cut] {
            let source = open(folder.path()).unwrap();
            let found: Vec<String> =
                acts(&source).into_iter().map(|act| act.split_once(' ').unwrap().1.replace(&of_ann, "")).collect();
            assert_eq!(found, expected, "{}", lines.concat());
            let tally = read(&source).unwrap().tally;
            assert_eq!(crate::common::rows(&tally, staycast_events::Reason::PartOfAnother), of_another);
            assert_eq!(tally.rejected(), 0);
        }
    }
}

#[test]
fn parts_of_a_problem_belong_to_their_whole_however_it_is_named() {
    let (right, wrong) = ("problem AttemptRight", "problem AttemptWrong");
    for around in ["whole", "problem", "both"] {
        check_attempts(&parts(true, around, [true; 3], 5, 0), &[right], 3);
        check_attempts(&parts(true, around, [true, false, true], 5, 0), &[wrong], 3);
        // Without the whole its parts are one attempt.
        check_attempts(&parts(false, around, [true; 3], 5, 0), &[right], 2);
        check_attempts(&parts(false, around, [true, true, false], 5, 0), &[wrong], 2);
        // Two attempts, a second apart; and of the second the whole is there.
        let two = [parts(false, around, [true, true, false], 5, 0), parts(true, around, [true; 3], 5, 1)].concat();
        check_attempts(&two, &[wrong, right], 5);
    }
    // Answers to the questions of a quiz are attempts of their own.
    check_attempts(&parts(false, "quiz", [true, true, false], 5, 0), &[right, right, wrong], 0);
    check_attempts(&parts(false, "nothing", [true; 3], 5, 0), &[right; 3], 0);
}

#[test]
fn an_attempt_of_parts_alone_is_one_at_the_problem() {
    let object = |lines: Vec<String>| {
        let folder = Folder::of(&[("a.jsonl", lines.concat().as_bytes())]);
        read(&open(folder.path()).unwrap()).unwrap().events[0].object()
    };
    for around in ["problem", "both"] {
        assert_eq!(object(parts(false, around, [true; 3], 5, 0)), object(parts(true, around, [true; 3], 5, 0)));
    }
}
