//! Servers that accept and then say nothing: given up after a time, with a message, wherever they stop.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Ran, Workshop, command, folder, staycast};
use crate::fake_postgres::{self, Stall};
use crate::terminal::run_on_terminal;

const PASSWORD: &str = "pAsSmArK wOrD";

/// Runs the program with the password in its environment, and checks that it does not wait for ever.
fn run(line: &str) -> Ran {
    let begun = Instant::now();
    let mut command = command(line.split(' '));
    let ran = Ran::of(command.env("STAYCAST_DATABASE_PASSWORD", PASSWORD).output().expect("the program runs"));
    assert!(begun.elapsed() < Duration::from_secs(30), "{line}: {:?}", begun.elapsed());
    for secret in ["uSeRmArK", "pAsSmArK"] {
        assert!(!(ran.stdout.clone() + &ran.stderr).contains(secret), "{line}: {}{}", ran.stdout, ran.stderr);
    }
    ran
}

#[test]
fn databases_that_stall_are_given_up() {
    let place = folder();
    for (stall, what) in [
        (Stall::Accepted, "the connection"),
        (Stall::Tls, "the connection"),
        (Stall::Login, "the connection"),
        (Stall::Query, "the rows of information_schema.columns"),
        (Stall::Rows, "the rows of mdl_logstore_standard_log"),
        (Stall::Row, "the rows of mdl_logstore_standard_log"),
        (Stall::LastRow, "the rows of mdl_logstore_standard_log"),
    ] {
        let port = fake_postgres::start(stall, PASSWORD);
        let line = format!(
            "preprocess --source postgres://uSeRmArK@127.0.0.1:{port}/moodle --source-timeout 1 --out {}",
            place.path().join("sequences").display()
        );
        let expected = format!(
            "postgres://127.0.0.1:{port}/moodle: nothing came in 1 s of waiting for {what}; the server or the network \
             stalls; wait longer with --source-timeout SECONDS"
        );
        run(&line).expect(1).complains(&[&expected]);
        assert_eq!(crate::common::names_in(place.path()), Vec::<String>::new(), "{stall:?} leaves nothing");
    }
    // The server that does not stall is read; with another password it lets nobody in, and does not say whom.
    let port = fake_postgres::start(Stall::Never, PASSWORD);
    let line = format!("inspect --source postgres://uSeRmArK@127.0.0.1:{port}/moodle --source-timeout 10");
    run(&line).expect(0).says(&["400 of the log, 400 usable"]);
    let port = fake_postgres::start(Stall::Never, "another");
    let line = format!("inspect --source postgres://uSeRmArK@127.0.0.1:{port}/moodle");
    run(&line).expect(1).complains(&["password authentication failed for user \"***\""]);
}

#[test]
fn mysql_servers_that_stall_are_given_up() {
    // A greeting of protocol 10 with TLS offered, and parts of it.
    let mut greeting = b"\x0a8.0.36\0\x01\0\0\0abcdefgh\0\xff\xff\xff\x02\0\xff\xdf\x15".to_vec();
    greeting.extend([0; 10]);
    greeting.extend(b"ijklmnopqrst\0mysql_native_password\0");
    let mut packet = vec![u8::try_from(greeting.len()).expect("short"), 0, 0, 0];
    packet.extend(&greeting);
    for sent in [0, 3, 30, packet.len()] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let part = packet[..sent].to_vec();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            stream.write_all(&part).expect("it takes some bytes");
            thread::sleep(Duration::from_secs(600));
        });
        let line = format!("inspect --source mysql://uSeRmArK@127.0.0.1:{port}/moodle --source-timeout 1");
        let expected = format!("mysql://127.0.0.1:{port}/moodle: nothing came in 1 s of waiting for the connection");
        run(&line).expect(1).complains(&[&expected]);
    }
}

#[test]
fn a_terminal_says_that_a_database_is_waited_for() {
    let port = fake_postgres::start(Stall::Row, PASSWORD);
    let line =
        format!("inspect --source postgres://uSeRmArK@127.0.0.1:{port}/moodle --source-timeout 2 --password-prompt");
    let prompt = format!("Password for postgres://127.0.0.1:{port}/moodle: ");
    let (status, screen) = run_on_terminal(command(line.split(' ')), &prompt, &format!("{PASSWORD}\r"));
    assert_eq!(status, Some(1), "{screen}");
    let waiting = format!(
        "postgres://127.0.0.1:{port}/moodle: still waiting for the rows of mdl_logstore_standard_log, since 1 s; it is \
         given up after 2 s"
    );
    assert!(screen.contains(&waiting), "{screen}");
    assert!(screen.contains("nothing came in 2 s"), "{screen}");
    assert!(!screen.contains("pAsSmArK") && !screen.contains("uSeRmArK"), "{screen}");
    // Ctrl-C ends the asking, and nothing that was typed is shown.
    let (status, screen) = run_on_terminal(command(line.split(' ')), &prompt, "half a pAsSmArK\x03");
    assert_eq!(status, Some(1), "{screen}");
    assert!(screen.contains("error: no password was given") && !screen.contains("pAsSmArK"), "{screen}");
    // Without a terminal there is nobody to ask.
    let mut alone = std::process::Command::new("setsid");
    alone.args(["-w", env!("CARGO_BIN_EXE_staycast")]).args(line.split(' ')).stdin(std::process::Stdio::null());
    let ran = Ran::of(alone.output().expect("setsid runs")).expect(1);
    ran.complains(&["there is no terminal to ask for the password on; give --password-file"]);
}

#[test]
fn trackers_that_stall_are_given_up() {
    let workshop = Workshop::open();
    for answer in ["", "HTTP/1.1 200 OK\r\nContent-", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"experiment\":"]
    {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                thread::spawn(move || {
                    let _ = stream.read(&mut [0; 4096]);
                    let _ = stream.write_all(answer.as_bytes());
                    thread::sleep(Duration::from_secs(600));
                });
            }
        });
        let place = folder();
        let begun = Instant::now();
        let mut training = command(["train", "--split", "time", "--model", "days-since-last", "--quiet"]);
        training.arg(workshop.sequences()).arg("--out").arg(place.path().join("run"));
        training.arg("--track").arg(format!("mlflow=http://127.0.0.1:{port}"));
        let ran = Ran::of(training.env("MLFLOW_HTTP_REQUEST_TIMEOUT", "1").output().expect("the program runs"));
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
        ran.expect(0).complains(&[&format!("MLflow at http://127.0.0.1:{port} did not answer within 1s")]);
        assert!(place.path().join("run/manifest.json").is_file());
    }
    let mut wrong = command(["train", "s", "--out", "r", "--track", "mlflow=http://127.0.0.1:9"]);
    let ran = Ran::of(wrong.env("MLFLOW_HTTP_REQUEST_TIMEOUT", "soon").output().expect("the program runs"));
    ran.expect(2).complains(&["MLFLOW_HTTP_REQUEST_TIMEOUT is not a number of seconds"]);
    staycast(["train", "s", "--out", "r", "--track", "mlflow=ftp://h"])
        .expect(2)
        .complains(&["it must begin with http://"]);
}
