//! `staycast messages` from a worklist to what a server gets, with kills in between.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use common::{Ran, Workshop, arguments, command, folder, kill_when, names_in, run};
use serde_json::Value;

const POLICY: &str = "
[messages]
sender = \"Course team <team@example.org>\"
[limits]
quiet_from = \"08:00\"
quiet_to = \"08:00\"
[courses.stat]
name = \"Statistics\"
[[rule]]
list = \"act\"
reason = \"any\"
action = \"check_in\"
[actions.check_in]
kind = \"message\"
";

fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/worklist")).join(name)
}

/// Makes an outbox of `count` approved messages in a folder.
fn outbox(here: &Path, count: usize) -> PathBuf {
    let at = |name: &str| here.join(name);
    let first = fs::read_to_string(fixture("worklist.jsonl")).expect("there").lines().next().expect("a row").to_owned();
    let row = |who: usize| {
        first
            .replace("\"enrolment_id\":\"1\"", &format!("\"enrolment_id\":\"e{who}\""))
            .replace("\"l1\"", &format!("\"l{who}\""))
    };
    fs::write(at("many.jsonl"), (0..count).map(|who| row(who) + "\n").collect::<String>()).expect("writable");
    let contact = |who: usize| format!("e{who},p{who}@example.org,Ann{who}\n");
    let contacts = (0..count).map(contact).collect::<String>();
    fs::write(at("people.csv"), format!("enrolment_id,email,name\n{contacts}")).expect("writable");
    fs::write(at("policy.toml"), POLICY).expect("writable");
    let line = "messages draft {} --policy {} --contacts {} --out {} --quiet";
    run(line, &[&at("many.jsonl"), &at("policy.toml"), &at("people.csv"), &at("outbox")]).expect(0);
    run("messages approve {} --all --quiet", &[&at("outbox")]).expect(0);
    at("outbox")
}

#[test]
fn a_worklist_becomes_mails_that_people_have_approved() {
    let here = folder();
    let at = |name: &str| here.path().join(name);
    let line = "messages draft {} --contacts {} --sender team@example.org --at 2024-03-04T12:00:00 --out {} --json";
    let paths = [&*fixture("worklist.jsonl"), &*fixture("people.csv"), &*at("outbox")];
    // One address of eight is none: more than one in a hundred.
    let ran =
        run(line, &paths).expect(3).complains(&["more than 1.0 % of the rows of contacts or items were rejected"]);
    let drafted = ran.json();
    assert_eq!((&drafted["rows"], &drafted["drafted"], &drafted["status"]), (&8.into(), &5.into(), &3.into()));
    let none = serde_json::json!({ "contact_unclear": 1, "no_address": 1, "opted_out": 1 });
    assert_eq!((&drafted["not_drafted"], &drafted["contacts"]["rejected"]["bad_email"]), (&none, &1.into()));
    let files = ["drafts.txt", "log.jsonl", "messages.jsonl", "not_drafted.csv", "outbox.json"];
    assert_eq!(names_in(&at("outbox")), files);
    let not_drafted = fs::read_to_string(at("outbox/not_drafted.csv")).expect("there");
    let expected = "course_id,enrolment_id,action,reason\nstat,5,tutoring,opted_out\nstat,6,forum_introduction,no_address\n\
                    stat,7,praise,contact_unclear\n";
    assert_eq!(not_drafted, expected);
    run("messages list {}", &[&at("outbox")]).expect(0).says(&["5 waiting for approval", "technical_support"]);
    let page = fs::read_to_string(at("outbox/drafts.txt")).expect("there");
    assert!(
        page.contains("    Hallo Bo,\n\n    In Woche 4 habe ich von Ihnen in stat nichts an den Videos gesehen.\n"),
        "{page}"
    );
    assert!(page.contains("    Bonjour Cyrille,\n"), "{page}");

    let listed = run("messages list {} --json", &[&at("outbox")]).expect(0).json();
    let text = listed.to_string();
    assert!(!text.contains("example.org") && !text.contains("Anna"), "no address and no name: {text}");
    let id = listed["messages"][0]["id"].as_str().expect("an id").to_owned();
    run(&format!("messages approve {{}} --reject {id} --all"), &[&at("outbox")])
        .expect(0)
        .says(&["Approved 4 messages", "Rejected 1 message"]);
    run("messages approve {} --ids unknown", &[&at("outbox")]).expect(1).complains(&["there is no message `unknown`"]);

    // The built-in policy has quiet hours, and the test runs at any.
    let settings = at("outbox/outbox.json");
    let mut limits: Value = serde_json::from_slice(&fs::read(&settings).expect("there")).expect("JSON");
    limits["limits"]["quiet_to"] = limits["limits"]["quiet_from"].clone();
    fs::write(&settings, limits.to_string()).expect("writable");
    run("messages send {} --to file:{}", &[&at("outbox"), &at("mails")]).expect(0).says(&["Sent 4 messages to file:"]);
    let mails = names_in(&at("mails"));
    assert_eq!(mails.iter().filter(|name| name.ends_with(".eml")).count(), 3);
    assert_eq!(mails.iter().filter(|name| name.ends_with(".txt")).count(), 1);
    assert!(!mails.iter().any(|name| name.contains(&id)), "the rejected one");
    let call = mails.iter().find(|name| name.ends_with(".txt"));
    assert!(call.is_some(), "a text for whom there is a number: {mails:?}");
    let before = common::bytes_of(&at("mails"));
    let again = run("messages send {} --to file:{} --json", &[&at("outbox"), &at("mails")]).expect(0).json();
    assert_eq!((&again["sent"], &again["already_sent"], &again["not_approved"]), (&0.into(), &4.into(), &1.into()));
    assert!(before == common::bytes_of(&at("mails")));
    let deliveries = fs::read_to_string(at("outbox/deliveries.csv")).expect("there");
    assert_eq!(deliveries.lines().count(), 5, "{deliveries}");
    run(
        "messages draft {} --contacts {} --out {}",
        &paths[..2].iter().chain([&&*at("other")]).copied().collect::<Vec<_>>(),
    )
    .expect(1)
    .complains(&["`messages.sender` is not there", "--sender \"Course team <team@example.org>\""]);
    assert!(!at("other").exists());
}

#[test]
fn the_worklist_of_a_run_becomes_drafts() {
    let (shop, here) = (Workshop::open(), folder());
    let at = |name: &str| here.path().join(name);
    let line = "worklist {} {} --capacity 12 --band 10,90 --out {} --quiet";
    run(line, &[&shop.run(), &shop.sequences(), &at("list.jsonl")]).expect(0);
    let text = fs::read_to_string(at("list.jsonl")).expect("there");
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let contact = |row: &Value| format!("{},x@example.org\n", row["enrolment_id"].as_str().expect("an id"));
    let contacts: BTreeSet<String> = rows.iter().map(contact).collect();
    let contacts: String = contacts.into_iter().collect();
    fs::write(at("people.csv"), format!("enrolment_id,email\n{contacts}")).expect("writable");
    let line = "messages draft {} --contacts {} --sender team@example.org --out {} --json";
    let drafted = run(line, &[&at("list.jsonl"), &at("people.csv"), &at("outbox")]).expect(0).json();
    assert_eq!(drafted["rows"], rows.len());
    // One learner may be listed in two courses.
    let learners: BTreeSet<&str> = rows.iter().filter_map(|row| row["learner_id"].as_str()).collect();
    assert_eq!(drafted["drafted"], learners.len());
    let page = fs::read_to_string(at("outbox/drafts.txt")).expect("there");
    for word in ["0.", "%", "risk", "dropout", "{{", "{%", "undefined", "none"] {
        assert!(!page.contains(word), "{word}: {page}");
    }
}

#[test]
fn what_cannot_be_sent_to_is_refused_with_what_to_do() {
    let here = folder();
    let outbox = outbox(here.path(), 1);
    for (to, said) in [
        ("smtp://mail.example.org", "can't send mail itself. Write .eml files with --to file:FOLDER"),
        ("smtp:", "can't send mail itself"),
        ("file:", "--to is file:FOLDER, webhook:URL, or webhook"),
        ("webhook", "STAYCAST_WEBHOOK_URL is not set"),
        ("webhook:http://example.org/s3cret", "must be https://"),
        ("webhook:https://example.org/s3cret#x", "a fragment"),
    ] {
        let ran = run(&format!("messages send {{}} --to {to}"), &[&outbox]).expect(2).complains(&[said]);
        assert!(!ran.stderr.contains("s3cret"), "{}", ran.stderr);
    }
    let inside = format!("messages send {{}} --to file:{}", outbox.display());
    run(&inside, &[&outbox]).expect(2).complains(&["is the input"]);
    assert_eq!(fs::read_to_string(outbox.join("log.jsonl")).expect("there"), "", "nothing was begun");
}

#[test]
fn templates_are_copied_to_be_changed() {
    let here = folder();
    let at = |name: &str| here.path().join(name);
    run("messages templates --out {}", &[&at("mine")]).expect(0).says(&["Templates 48 files"]);
    assert_eq!(names_in(&at("mine")), ["de", "en", "fr"]);
    fs::write(at("mine/en/check_in.txt"), "A word\n\nWeek {{ week }}.\n").expect("writable");
    fs::write(at("policy.toml"), POLICY.replacen("[messages]", "[messages]\ntemplates = \"mine\"", 1))
        .expect("writable");
    let line = "messages draft {} --policy {} --contacts {} --out {} --quiet --max-rejected 1";
    let paths = [&*fixture("worklist.jsonl"), &*at("policy.toml"), &*fixture("people.csv"), &*at("outbox")];
    run(line, &paths).expect(0);
    let page = fs::read_to_string(at("outbox/drafts.txt")).expect("there");
    assert!(
        page.contains("    A word\n\n    Week 4.\n") && page.contains("    Wie läuft es in Statistics?\n"),
        "{page}"
    );
    run("messages templates --out {}", &[&at("mine")]).expect(1);
}

#[test]
fn only_the_learners_of_an_arm_get_messages() {
    let here = folder();
    let at = |name: &str| here.path().join(name);
    let row = |who: usize| format!("stat,e{who},l{who},4,scored,0.5\n");
    let rows = (0..60).map(row).collect::<String>();
    fs::write(at("scores.csv"), format!("course_id,enrolment_id,learner_id,week,status,p_dropout\n{rows}"))
        .expect("writable");
    let plan = "experiment new --name test --arms message --effect 0.45 --population {} --out {} --quiet";
    run(plan, &[&at("scores.csv"), &at("experiment")]).expect(0);
    run("experiment assign {} {} --quiet", &[&at("experiment"), &at("scores.csv")]).expect(0);
    outbox(here.path(), 60);
    let line = "messages draft {} --policy {} --contacts {} --experiment {} --out {} --json --arm";
    let paths = ["many.jsonl", "policy.toml", "people.csv", "experiment", "of-the-arm"].map(at);
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    run(&format!("{line} mesage"), &paths).expect(2).complains(&["has holdout, message"]);
    let drafted = run(&format!("{line} message"), &paths).expect(0).json();
    assert_eq!((&drafted["drafted"], &drafted["not_drafted"]["not_in_arm"]), (&30.into(), &30.into()));
    let assigned = fs::read_to_string(at("experiment/assignments.csv")).expect("there");
    let listed = run("messages list {} --json", &[&at("of-the-arm")]).expect(0).json();
    for message in listed["messages"].as_array().expect("a list") {
        let who = message["enrolment_id"].as_str().expect("an id");
        let row = assigned.lines().find(|line| line.contains(&format!(",{who},"))).expect("assigned");
        assert!(row.ends_with(",message"), "{row}");
    }
}

/// Holds what a server got, by key: how often, and the bodies.
type Received = Arc<Mutex<BTreeMap<String, (usize, BTreeSet<String>)>>>;

/// Starts a server on this machine that answers the request number n, from 0, after a while with `answer(n)`. Returns its
/// port, and what it gets.
fn server(after: Duration, answer: impl Fn(usize) -> u16 + Send + Sync + 'static) -> (u16, Received) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let received: Received = Arc::default();
    let (seen, answer) = (Arc::clone(&received), Arc::new(answer));
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
            thread::spawn(move || serve(&stream.expect("a connection"), &seen, after, answer(number)));
        }
    });
    (port, received)
}

fn serve(stream: &TcpStream, seen: &Received, after: Duration, status: u16) {
    let mut reader = BufReader::new(stream);
    let (mut key, mut length) = (String::new(), 0);
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        let (name, value) = line.trim().split_once(':').unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "idempotency-key" => key = value.trim().to_owned(),
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "authorization" => assert_eq!(value.trim(), "Bearer t0kEn"),
            _ => {}
        }
        line.clear();
    }
    let mut body = vec![0; length];
    // Whoever is killed in the middle of a request has delivered nothing.
    if length == 0 || reader.read_exact(&mut body).is_err() {
        return;
    }
    if status == 200 {
        let mut seen = seen.lock().expect("not poisoned");
        let entry = seen.entry(key).or_default();
        entry.0 += 1;
        entry.1.insert(String::from_utf8(body).expect("UTF-8"));
    }
    thread::sleep(after);
    let _ = write!(&mut &*stream, "HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

/// Prepares a sending to a server, whose address and token are in the environment.
fn sending(outbox: &Path, port: u16) -> Command {
    let mut command = command(arguments("messages send {} --to webhook --json", &[outbox]));
    command.env("STAYCAST_WEBHOOK_URL", format!("http://127.0.0.1:{port}/s3cret?k=s3cret"));
    command.env("STAYCAST_WEBHOOK_TOKEN", "t0kEn");
    command
}

fn send(outbox: &Path, port: u16) -> Ran {
    let ran = Ran::of(sending(outbox, port).output().expect("it runs"));
    let log = fs::read_to_string(outbox.join("log.jsonl")).expect("there");
    for text in [&ran.stdout, &ran.stderr, &log] {
        assert!(!text.contains("s3cret") && !text.contains("t0kEn"), "{text}");
    }
    ran
}

#[test]
fn each_message_arrives_once_however_often_the_sending_is_killed() {
    const MESSAGES: usize = 12;
    let here = folder();
    let outbox = outbox(here.path(), MESSAGES);
    let (port, received) = server(Duration::from_millis(15), |_| 200);
    let mut kills = 0;
    for round in 1..=6 {
        let total = || received.lock().expect("not poisoned").values().map(|(times, _)| times).sum::<usize>();
        let aim = total() + 2;
        // In every second round before the answer, else a moment after it.
        let ready = || {
            let is_time = total() >= aim;
            if is_time && round % 2 == 0 {
                thread::sleep(Duration::from_millis(17));
            }
            is_time
        };
        kills += usize::from(kill_when(sending(&outbox, port), ready));
    }
    assert!(kills >= 4, "{kills} kills");
    let last = send(&outbox, port).expect(0).json();
    assert_eq!(
        last["sent"].as_u64().expect("a number") + last["already_sent"].as_u64().expect("a number"),
        MESSAGES as u64
    );
    let listed = run("messages list {} --json", &[&outbox]).expect(0).json();
    assert_eq!(listed["states"], serde_json::json!({ "sent": MESSAGES }));
    let received = received.lock().expect("not poisoned");
    let ids: BTreeSet<&str> =
        listed["messages"].as_array().expect("a list").iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(received.keys().map(String::as_str).collect::<BTreeSet<_>>(), ids, "every message, and no other");
    assert!(received.values().all(|(_, bodies)| bodies.len() == 1), "a second attempt says the same");
    let repeated: usize = received.values().map(|(times, _)| times - 1).sum();
    assert!(repeated <= kills, "only what a kill left open was sent again: {repeated} times, {kills} kills");
}

#[test]
fn two_sendings_at_once_send_each_message_once() {
    let here = folder();
    let outbox = outbox(here.path(), 10);
    let (port, received) = server(Duration::from_millis(5), |_| 200);
    let ran: Vec<Value> = thread::scope(|scope| {
        let both: Vec<_> = (0..2).map(|_| scope.spawn(|| send(&outbox, port).expect(0).json())).collect();
        both.into_iter().map(|one| one.join().expect("it ran")).collect()
    });
    assert_eq!(ran.iter().filter_map(|one| one["sent"].as_u64()).sum::<u64>(), 10);
    let received = received.lock().expect("not poisoned");
    assert!(received.len() == 10 && received.values().all(|(times, _)| *times == 1), "{received:?}");
}

#[test]
fn servers_that_refuse_or_break_lose_no_message() {
    let here = folder();
    let at = |name: &str| here.path().join(name);
    for name in ["busy", "closed", "refused", "gone"] {
        fs::create_dir(at(name)).expect("writable");
    }
    // Busy twice, then fine.
    let busy = outbox(&at("busy"), 2);
    let (port, received) = server(Duration::ZERO, |number| if number < 2 { 503 } else { 200 });
    assert_eq!(send(&busy, port).expect(0).json()["sent"], 2);
    assert_eq!(received.lock().expect("not poisoned").len(), 2);
    // A wrong token: the others are not tried, and nothing is lost.
    let closed = outbox(&at("closed"), 3);
    let (port, _) = server(Duration::ZERO, |_| 401);
    let ran = send(&closed, port).expect(1).complains(&["answered 401"]);
    assert_eq!((&ran.json()["failed"], &ran.json()["not_tried"]), (&1.into(), &2.into()));
    let (port, received) = server(Duration::ZERO, |_| 200);
    assert_eq!(send(&closed, port).expect(0).json()["sent"], 3, "what certainly failed may go anywhere");
    assert_eq!(received.lock().expect("not poisoned").len(), 3);
    // One that is refused stops no other.
    let refused = outbox(&at("refused"), 3);
    let (port, _) = server(Duration::ZERO, |number| if number == 1 { 422 } else { 200 });
    let json = send(&refused, port).expect(1).json();
    assert_eq!((&json["sent"], &json["failed"]), (&2.into(), &1.into()));
    // Nobody there.
    let gone = outbox(&at("gone"), 2);
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let ran = send(&gone, port).expect(1).complains(&["can't be reached"]);
    assert_eq!((&ran.json()["failed"], &ran.json()["not_tried"]), (&1.into(), &1.into()));
}

#[test]
fn a_server_that_breaks_three_times_in_a_row_gets_no_more() {
    let here = folder();
    let outbox = outbox(here.path(), 5);
    let (port, received) = server(Duration::ZERO, |number| if number < 9 { 500 } else { 200 });
    let json = send(&outbox, port).expect(1).complains(&["answered 500"]).json();
    assert_eq!((&json["unsure"], &json["not_tried"]), (&3.into(), &2.into()));
    // Perhaps they arrived: another target does not get them.
    let mails = run("messages send {} --to file:{} --json", &[&outbox, &here.path().join("mails")]).expect(1).json();
    assert_eq!((&mails["sent"], &mails["begun_elsewhere"]), (&2.into(), &3.into()));
    assert_eq!(send(&outbox, port).expect(0).json()["sent"], 3);
    assert_eq!(received.lock().expect("not poisoned").len(), 3);
}
