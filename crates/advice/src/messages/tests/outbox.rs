//! Outboxes that were edited, killed or attacked.

use super::*;

#[test]
fn what_was_changed_after_its_approval_is_not_sent() {
    let desk = Desk::new(&anna("en"));
    desk.draft(&[row("1", "act", &[("visits", "raises_risk", FEW_VISITS)])]);
    let messages = desk.outbox().join("messages.jsonl");
    let edit = |from: &str, to: &str| {
        let text = fs::read_to_string(&messages).expect("readable");
        assert!(text.contains(from));
        fs::write(&messages, text.replace(from, to)).expect("writable");
    };
    edit("How is Statistics going?", "A word about Statistics");
    desk.approve();
    edit("half an hour", "an hour");
    assert_eq!(desk.states(), [State::Changed]);
    assert_eq!((desk.send_at(NOON).sent, desk.send_at(NOON).not_approved), (0, 1));
    desk.approve();
    assert_eq!(desk.send_at(NOON).sent, 1);
    for (from, to, problem) in [
        ("anna@example.org", "anna@example.org\\r\\nBcc: x@y.org", "line 1: `to` is no address of mail"),
        ("A word about", "A word\\nabout", "line 1: `subject` is one line of visible text"),
        ("\"week\":4", "\"week\":5", "line 1: `id` is not the one of course, enrolment, week and action"),
        ("\"Anna Lind\"", "\"Anna\\u202eLind\"", "line 1: `to` and `to_name` are one line of visible text"),
        ("\"kind\":\"message\"", "\"kind\":\"virus\"", "line 1: is none of an outbox of this version"),
    ] {
        edit(from, to);
        let said = Outbox::open(&desk.outbox()).expect_err(problem).to_string();
        assert!(said.ends_with(&format!("messages.jsonl: {problem}")), "{said}");
        edit(to, from);
    }
    let log = desk.outbox().join("log.jsonl");
    let whole = fs::read_to_string(&log).expect("readable");
    fs::write(&log, format!("{whole}{{\"id\":\"ab")).expect("writable");
    assert_eq!(desk.states(), [State::Sent], "a line that a kill cut off counts for nothing");
    assert_eq!(fs::read_to_string(&log).expect("readable"), whole);
}

#[test]
fn a_kill_between_delivery_and_log_delivers_nothing_twice() {
    let desk = Desk::new(&anna("en"));
    desk.draft(&[row("1", "act", &[("visits", "raises_risk", FEW_VISITS)])]);
    desk.approve();
    assert_eq!(desk.send_at(NOON).sent, 1);
    let mails = desk.folder.path().join("mails");
    let read = || {
        fs::read_dir(&mails)
            .expect("there")
            .map(|file| fs::read(file.expect("a file").path()).expect("readable"))
            .collect::<Vec<_>>()
    };
    let first = read();
    // Killed before the last line of the log.
    let log = desk.outbox().join("log.jsonl");
    let text = fs::read_to_string(&log).expect("readable");
    let begun = text.lines().next().expect("the intent").to_owned() + "\n";
    fs::write(&log, &begun).expect("writable");
    assert_eq!(desk.states(), [State::Unsure]);
    let elsewhere = Target::folder(&desk.folder.path().join("others")).expect("a folder");
    let counts = send(&mut Outbox::open(&desk.outbox()).expect("an outbox"), &elsewhere, &|| NOON).expect("a sending");
    assert_eq!((counts.sent, counts.begun_elsewhere), (0, 1), "it may have arrived at the first target");
    assert_eq!(desk.send_at(NOON + 3600).sent, 1);
    assert_eq!((read(), first.len()), (first, 1));
}

#[test]
fn hostile_names_end_in_no_header_and_no_template() {
    let contacts = "enrolment_id,email,name\n1,a@x.org,\"{{ week }} \"\"<b@y.org>\"\", Bcc: c@z.org\"\n";
    let desk = Desk::new(contacts);
    let hostile = row("1", "act", &[("visits", "raises_risk", FEW_VISITS)])
        .replace("Dr. Berg", "Dr.\\r\\nBcc: x@y.org\\u202e {% include '/etc/passwd' %}");
    let messages = desk.draft(&[hostile]);
    assert_eq!(messages[0].body.lines().last(), Some("Dr. Bcc: x@y.org {% include '/etc/passwd' %}"));
    desk.approve();
    assert_eq!(desk.send_at(NOON).sent, 1);
    let path = desk.folder.path().join("mails").join(format!("{}.eml", messages[0].id));
    let mail = fs::read_to_string(path).expect("there");
    let expected = "To: \"{{ week }} \\\"<b@y.org>\\\", Bcc: c@z.org\" <a@x.org>\r\n";
    assert!(mail.contains(expected) && !mail.contains("\r\nBcc"), "{mail}");
}

#[test]
fn a_folder_that_is_no_outbox_stays_as_it_is() {
    let desk = Desk::new(&anna("en"));
    fs::create_dir(desk.outbox()).expect("writable");
    fs::write(desk.outbox().join("notes"), "x").expect("writable");
    let rows = [row("1", "act", &[])];
    assert!(matches!(desk.draft_at(&rows, NOON), Err(MessageError::NotAnOutbox(_))));
    assert!(matches!(Outbox::open(Path::new("nowhere")), Err(MessageError::NotAnOutbox(_))));
    let no_sender = Policy::built_in();
    assert_eq!(no_sender.messages.sender, None::<Mailbox>);
    assert!(Limits { most_per_week: 0, ..no_sender.limits }.refuses(NOON, []));
}
