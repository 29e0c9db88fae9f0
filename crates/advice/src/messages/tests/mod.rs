mod outbox;
mod templates;

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::policy::{Limits, Mailbox, Policy};

/// Is 2024-03-04, a Monday, at noon.
const NOON: i64 = 1_709_553_600;
const DAY: i64 = 86_400;

struct Desk {
    folder: tempfile::TempDir,
    policy: Policy,
    contacts: Contacts,
    items: Option<Items>,
}

const POLICY: &str = "
[messages]
sender = \"Course team <team@example.org>\"
[courses.stat]
name = \"Statistics\"
link = \"https://example.org/stat\"
support = \"help@example.org\"
";

impl Desk {
    /// Sets up the built-in rules with a sender and a course, and these contacts.
    fn new(contacts: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).expect("writable");
            path
        };
        let rules = crate::policy::BUILT_IN_POLICY.split("[messages]").nth(1).expect("there");
        let rules = rules.split_once("[limits]").expect("there").1;
        let policy = at("policy.toml", &format!("{POLICY}[limits]{rules}"));
        let contacts = at("people.csv", contacts);
        Self {
            policy: Policy::read(&policy).expect("a policy"),
            contacts: Contacts::read(&contacts).expect("contacts"),
            items: None,
            folder,
        }
    }

    fn outbox(&self) -> PathBuf {
        self.folder.path().join("outbox")
    }

    fn draft_at(&self, rows: &[String], now: i64) -> Result<(DraftCounts, Vec<NotDrafted>), MessageError> {
        let path = self.folder.path().join("worklist.jsonl");
        fs::write(&path, rows.join("\n")).expect("writable");
        let templates = Templates::read(self.policy.messages.templates.as_deref())?;
        let (policy, contacts, items) = (&self.policy, &self.contacts, self.items.as_ref());
        let draft = Draft { policy, templates: &templates, contacts, items, sender: None, only: None, now };
        draft.into_outbox(&read_worklist(&path)?, &path, &self.outbox())
    }

    fn draft(&self, rows: &[String]) -> Vec<Message> {
        self.draft_at(rows, NOON).expect("drafts");
        Outbox::open(&self.outbox()).expect("an outbox").messages().map(|(message, _)| message.clone()).collect()
    }

    fn approve(&self) {
        let mut outbox = Outbox::open(&self.outbox()).expect("an outbox");
        outbox.decide(Decision::Approve, &Which::All, NOON).expect("decided");
    }

    fn send_at(&self, now: i64) -> SendCounts {
        let target = Target::folder(&self.folder.path().join("mails")).expect("a folder");
        send(&mut Outbox::open(&self.outbox()).expect("an outbox"), &target, &|| now).expect("a sending")
    }

    fn states(&self) -> Vec<State> {
        Outbox::open(&self.outbox()).expect("an outbox").messages().map(|(_, state)| state).collect()
    }
}

const ANNA: &str = "enrolment_id,email,name,language,phone\n1,anna@example.org,Anna Lind,LANGUAGE,\n";

fn anna(language: &str) -> String {
    ANNA.replace("LANGUAGE", language)
}

fn row(enrolment: &str, list: &str, reasons: &[(&str, &str, &str)]) -> String {
    let reasons: Vec<String> = reasons
        .iter()
        .map(|(behaviour, finding, figure)| {
            format!("{{\"behaviour\":\"{behaviour}\",\"finding\":\"{finding}\",\"text\":\"as told\",\"figure\":{{{figure}}}}}")
        })
        .collect();
    format!(
        "{{\"course_id\":\"stat\",\"enrolment_id\":\"{enrolment}\",\"learner_id\":\"l{enrolment}\",\"tutor\":\"Dr. Berg\",\
         \"list\":\"{list}\",\"place\":1,\"week\":4,\"p_dropout\":0.6,\"p_before\":null,\"reasons\":[{}],\
         \"selection\":\"benefit\",\"propensity\":1.0,\"action\":null,\"more\":[1]}}",
        reasons.join(",")
    )
}

fn figure(feature: &str, learner: &str, typical: &str, before: &str) -> String {
    format!("\"feature\":\"{feature}\",\"learner\":{learner},\"typical\":{typical},\"before\":{before}")
}

const FEW_VISITS: &str = "\"feature\":\"active_days\",\"learner\":1.0,\"typical\":3.0,\"before\":3.5";

#[test]
fn built_in_messages_are_these_texts() {
    for (language, subject, body) in [
        (
            "en",
            "How is Statistics going?",
            "Hello Anna,\n\nYou were in Statistics on 1 day of week 4, after about 3.5 a week before.\nIf you want to go on, half \
             an hour this week is a good start. If something is in your way, answer this mail.\n\nStatistics: \
             https://example.org/stat\n\nDr. Berg\n",
        ),
        (
            "de",
            "Wie läuft es in Statistics?",
            "Hallo Anna,\n\nIn Woche 4 waren Sie an 1 Tag in Statistics, davor an etwa 3,5 in der Woche.\nWenn Sie weitermachen \
             möchten, ist eine halbe Stunde in dieser Woche ein guter Anfang. Wenn etwas im Weg ist, antworten Sie auf diese \
             Mail.\n\nStatistics: https://example.org/stat\n\nDr. Berg\n",
        ),
        (
            "fr",
            "Comment se passe Statistics ?",
            "Bonjour Anna,\n\nEn semaine 4, vous étiez dans Statistics pendant 1 jour, contre environ 3,5 par semaine \
             auparavant.\nSi vous voulez continuer, une demi-heure cette semaine est un bon début. Si quelque chose vous gêne, \
             répondez à ce message.\n\nStatistics : https://example.org/stat\n\nDr. Berg\n",
        ),
    ] {
        // Without a telephone the mail comes at once.
        let messages = Desk::new(&anna(language)).draft(&[row("1", "act", &[("visits", "raises_risk", FEW_VISITS)])]);
        let [message] = &messages[..] else { panic!("{messages:?}") };
        assert_eq!((message.subject.as_str(), message.body.as_str()), (subject, body));
        assert_eq!((message.action.as_str(), message.language.as_str()), ("check_in", language));
        assert_eq!((message.to.as_str(), message.from.address.as_str()), ("anna@example.org", "team@example.org"));
    }
}

#[test]
fn each_reason_has_its_sentence() {
    let desk = Desk::new(&anna("en"));
    let none = |feature| figure(feature, "0.0", "4.0", "2.5");
    for (list, behaviour, figure, sentence) in [
        ("act", "visits", none("active_days"), "I did not see you in Statistics in week 4."),
        ("act", "videos", none("n_video"), "I saw no video activity from you in Statistics in week 4."),
        ("act", "exercises", none("n_problem"), "I saw no exercise from you in Statistics in week 4."),
        ("act", "material", none("objects"), "You opened no page of Statistics in week 4."),
        ("act", "forum", none("n_discussion"), "I did not see you in the forum of Statistics in week 4."),
        (
            "act",
            "submissions",
            figure("total_submissions", "1.0", "3.0", "null"),
            "I have 1 submission from you in Statistics so far; typical for now is 3.",
        ),
        (
            "act",
            "videos",
            figure("n_video", "2.0", "9.0", "12.0"),
            "You used the videos of Statistics less in week 4 than in the weeks before.",
        ),
        (
            "act",
            "activity",
            figure("n_events", "2.0", "9.0", "12.0"),
            "You did less in Statistics in week 4 than in the weeks before.",
        ),
        (
            "act",
            "activity",
            figure("n_events", "2.0", "9.0", "1.0"),
            "I would like to know how Statistics is going for you.",
        ),
        ("praise", "visits", figure("active_days", "5.0", "3.0", "4.0"), "You were in Statistics on 5 days of week 4."),
        (
            "praise",
            "submissions",
            figure("total_submissions", "2.0", "1.0", "null"),
            "You have handed in 2 submissions in Statistics so far.",
        ),
        (
            "praise",
            "forum",
            figure("n_post", "2.0", "1.0", "null"),
            "You took part in the forum of Statistics in week 4.",
        ),
    ] {
        let finding = if list == "act" { "raises_risk" } else { "lowers_risk" };
        let _ = fs::remove_dir_all(desk.outbox());
        let messages = desk.draft(&[row("1", list, &[(behaviour, finding, &figure)])]);
        let body = &messages[0].body;
        assert_eq!(body.lines().nth(2), Some(sentence), "{body}");
        if list == "praise" {
            assert_eq!((messages[0].action.as_str(), body.lines().next()), ("praise", Some("Hello Anna,")));
        }
    }
}

#[test]
fn no_built_in_text_speaks_of_chance_or_cause() {
    let words = [
        "risk",
        "probab",
        "dropout",
        "drop out",
        "score",
        "because",
        "forecast",
        "risiko",
        "wahrschein",
        "abbruch",
        "abbrech",
        "weil",
        "prognose",
        "risque",
        "abandon",
        "parce que",
        "prévision",
    ];
    for (name, text) in built_in_templates() {
        let lower = text.to_lowercase();
        let found = words.iter().find(|word| lower.contains(*word));
        assert_eq!(found, None, "{name}");
        assert!(text.ends_with('\n') && !text.contains('\r'), "{name}");
    }
    let templates = Templates::read(None).expect("the built-in ones");
    let names: Vec<String> =
        built_in_templates().map(|(name, _)| name).filter(|name| name.starts_with("en/")).collect();
    for name in names.iter().filter(|name| !name.contains("/_")) {
        let template = name.trim_start_matches("en/").trim_end_matches(".txt");
        templates.check(template, true).expect(template);
        let needs_items = ["study_plan", "reminder"].contains(&template);
        assert_eq!(templates.check(template, false).is_err(), needs_items, "{template}");
    }
}

#[test]
fn a_missed_item_is_named_and_a_plan_has_what_is_due() {
    let mut desk = Desk::new(&anna("en"));
    let path = desk.folder.path().join("items.csv");
    let items = "course_id,title,due,enrolment_id\nstat,Quiz 2,2024-03-01,1\nstat,Essay,2024-03-08,\n";
    fs::write(&path, items).expect("writable");
    desk.items = Some(Items::read(&path).expect("items"));
    let submissions = ("submissions", "raises_risk", &*figure("total_submissions", "1.0", "2.0", "null"));
    let messages = desk.draft(&[row("1", "act", &[submissions])]);
    assert_eq!(messages[0].subject, "Quiz 2 in Statistics");
    let expected = "Hello Anna,\n\n“Quiz 2” was due on 2024-03-01, and I do not have it from you yet.\nYou can still pick up from \
                    there. If something is in your way, answer this mail, and I will see what I can do.\n\nStatistics: \
                    https://example.org/stat\n\nDr. Berg\n";
    assert_eq!(messages[0].body, expected);
    fs::remove_dir_all(desk.outbox()).expect("there");
    let planned = row("1", "act", &[("visits", "raises_risk", FEW_VISITS)])
        .replace("\"action\":null", "\"action\":\"study_plan\"");
    let messages = desk.draft(&[planned]);
    let expected = "Hello Anna,\n\nThis is due in the coming week:\n\n- 2024-03-08: Essay\n\nYou are usually here on 3.5 days a \
                    week. Put a time for the first item into your calendar today.\n\nStatistics: \
                    https://example.org/stat\n\nDr. Berg\n";
    assert_eq!(messages[0].body, expected);
}

#[test]
fn whoever_gets_none_is_listed_with_the_reason() {
    let contacts =
        "enrolment_id,email,opt_out\n1,a@x.org,\n2,b@x.org,yes\n3,,\n4,c@x.org,perhaps\n6,d@x.org,\n7,e@x.org,\n";
    let desk = Desk::new(contacts);
    let visits = [("visits", "raises_risk", FEW_VISITS)];
    let mut rows: Vec<String> = ["1", "2", "3", "4", "5", "6"].iter().map(|who| row(who, "act", &visits)).collect();
    // The same learner in another course.
    rows.push(row("7", "act", &visits).replace("\"l7\"", "\"l6\""));
    rows[0] = rows[0].replace("\"action\":null", "\"action\":\"weekly_summary\"");
    let (counts, none) = desk.draft_at(&rows, NOON).expect("drafts");
    let reasons: Vec<(&str, &str, Reason)> =
        none.iter().map(|one| (one.enrolment_id.as_str(), one.action.as_str(), one.reason)).collect();
    let expected = [
        ("1", "weekly_summary", Reason::NotOptedIn),
        ("2", "text_check_in", Reason::OptedOut),
        ("3", "check_in", Reason::NoAddress),
        ("4", "text_check_in", Reason::ContactUnclear),
        ("5", "text_check_in", Reason::NoContact),
        ("7", "check_in", Reason::EarlierDraft),
    ];
    assert_eq!(reasons, expected);
    assert_eq!((counts.rows, counts.drafted, counts.not_drafted.values().sum::<u64>()), (7, 1, 6));
    let csv = fs::read_to_string(desk.outbox().join("not_drafted.csv")).expect("there");
    assert_eq!(csv.lines().nth(3), Some("stat,3,check_in,no_address"));
    let (again, _) = desk.draft_at(&rows, NOON + DAY).expect("drafts");
    assert_eq!((again.drafted, again.already_there), (0, 1));
}

#[test]
fn a_learner_has_a_limit_and_escalations_follow_in_their_time() {
    let desk = Desk::new("enrolment_id,email,phone\n1,a@x.org,+46 70 123 45 67\n");
    let listed = |week: u16| {
        row("1", "act", &[("visits", "raises_risk", FEW_VISITS)]).replace("\"week\":4", &format!("\"week\":{week}"))
    };
    let action = |week: u16, now: i64| {
        let (counts, none) = desk.draft_at(&[listed(week)], now).expect("drafts");
        if counts.drafted == 1 {
            desk.approve();
            assert_eq!(desk.send_at(now).sent, 1, "week {week}");
            let outbox = Outbox::open(&desk.outbox()).expect("an outbox");
            return Ok(outbox.messages().last().expect("one").0.action.clone());
        }
        Err((counts.already_there, none.first().map(|one| one.reason)))
    };
    assert_eq!(action(4, NOON), Ok("text_check_in".to_owned()));
    assert_eq!(action(4, NOON + DAY), Err((1, None)));
    assert_eq!(action(5, NOON + 6 * DAY), Err((0, Some(Reason::Waiting))));
    assert_eq!(action(5, NOON + 7 * DAY), Ok("call_check_in".to_owned()));
    assert_eq!(action(6, NOON + 14 * DAY), Ok("check_in".to_owned()));
    assert_eq!(action(7, NOON + 16 * DAY), Err((0, Some(Reason::LimitReached))));
    assert_eq!(action(7, NOON + 21 * DAY), Ok("check_in".to_owned()));
    let deliveries = fs::read_to_string(desk.outbox().join("deliveries.csv")).expect("there");
    assert_eq!(
        deliveries.lines().take(3).collect::<Vec<_>>(),
        [
            "course_id,enrolment_id,when,what",
            "stat,1,2024-03-04T12:00:00Z,text_check_in",
            "stat,1,2024-03-11T12:00:00Z,call_check_in"
        ]
    );
}

#[test]
fn quiet_hours_and_limits_hold_when_messages_are_sent() {
    let desk = Desk::new(&anna("en"));
    desk.draft(&[row("1", "act", &[("visits", "raises_risk", FEW_VISITS)])]);
    assert_eq!(desk.send_at(NOON).not_approved, 1);
    desk.approve();
    let held = desk.send_at(NOON + 9 * 3600);
    assert_eq!((held.quiet, held.sent, held.quiet_until.as_deref()), (1, 0, Some("2024-03-05T08:00:00Z")));
    assert_eq!(desk.send_at(NOON).sent, 1);
    assert_eq!(desk.send_at(NOON).already_sent, 1);
    assert_eq!(desk.states(), [State::Sent]);
}

#[test]
fn worklists_that_make_no_sense_are_refused_with_their_line() {
    let fine = row("1", "act", &[("visits", "raises_risk", FEW_VISITS)]);
    let desk = Desk::new(&anna("en"));
    for (from, to, expected) in [
        ("\"p_dropout\":0.6,", "", "line 2: missing field `p_dropout`"),
        ("\"action\":null,", "", "line 2: missing field `action`"),
        ("\"before\":3.5", "\"x\":1", "line 2: missing field `before`"),
        ("0.6", "1.6", "line 2: `p_dropout` is a probability, from 0 to 1"),
        ("\"visits\"", "\"gender\"", "line 2: unknown variant `gender`"),
        ("raises_risk", "small", "line 2: unknown variant `small`"),
        ("\"week\":4", "\"week\":0", "line 2: `week` is 1 or more"),
        ("{\"course", "{{\"course", "line 2: key must be a string"),
        ("\"action\":null", "\"action\":\"unknown\"", "row 2: its action is none of "),
    ] {
        let said = desk.draft_at(&[fine.clone(), fine.replacen(from, to, 1)], NOON).expect_err(expected).to_string();
        assert!(said.contains("worklist.jsonl: ") && said.contains(expected), "{said}");
        assert!(!desk.outbox().exists(), "nothing is written");
    }
    let said = desk.draft_at(&["course_id,enrolment_id".to_owned()], NOON).expect_err("CSV").to_string();
    assert!(said.contains("line 1: is no JSON object"), "{said}");
}
