//! A server that speaks as much of PostgreSQL's protocol as reading Moodle's log takes, and stops where it is told to.
//!
//! Messages are as in <https://www.postgresql.org/docs/current/protocol-message-formats.html>.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// Names where the server says nothing more, and keeps the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stall {
    /// Nowhere.
    Never,
    /// Once it has accepted.
    Accepted,
    /// Once it has agreed to TLS.
    Tls,
    /// In the middle of the answer to the password.
    Login,
    /// Before it answers the first query.
    Query,
    /// Before any row of the log.
    Rows,
    /// In the middle of a row of the log, after others.
    Row,
    /// After the last row of the log, before it says that this was the last.
    LastRow,
}

/// The log's columns, and its rows without the last, which is their time.
const COLUMNS: [&str; 22] = [
    "id",
    "eventname",
    "component",
    "action",
    "target",
    "objecttable",
    "objectid",
    "crud",
    "edulevel",
    "contextid",
    "contextlevel",
    "contextinstanceid",
    "userid",
    "courseid",
    "relateduserid",
    "anonymous",
    "other",
    "timecreated",
    "origin",
    "ip",
    "realuserid",
    "edulevel2",
];
/// Counts the rows of the log.
const ROWS: usize = 400;

/// Starts a server that asks for `password`, in clear, and returns its port. It ends with the test.
pub(crate) fn start(stall: Stall, password: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.expect("a connection");
            thread::spawn(move || drop(serve(stream, stall, password)));
        }
    });
    port
}

/// Keeps the connection open and says nothing.
fn hang() -> io::Result<()> {
    thread::sleep(Duration::from_secs(600));
    Ok(())
}

fn serve(mut stream: TcpStream, stall: Stall, password: &str) -> io::Result<()> {
    if stall == Stall::Accepted {
        return hang();
    }
    loop {
        let length = read_u32(&mut stream)?;
        let body = read_bytes(&mut stream, length as usize - 4)?;
        // A request for TLS, or the start.
        if body[..4] != 80_877_103_u32.to_be_bytes() {
            break;
        }
        if stall == Stall::Tls {
            stream.write_all(b"S")?;
            return hang();
        }
        stream.write_all(b"N")?;
    }
    send(&mut stream, b'R', &3_u32.to_be_bytes())?;
    let given = read_message(&mut stream)?.1;
    if given.strip_suffix(&[0]) != Some(password.as_bytes()) {
        return send(&mut stream, b'E', b"SFATAL\0C28P01\0Mpassword authentication failed for user \"uSeRmArK\"\0\0");
    }
    if stall == Stall::Login {
        stream.write_all(b"R\0\0")?;
        return hang();
    }
    send(&mut stream, b'R', &0_u32.to_be_bytes())?;
    send(&mut stream, b'Z', b"I")?;
    loop {
        let (kind, body) = read_message(&mut stream)?;
        if kind != b'Q' {
            return Ok(());
        }
        if stall == Stall::Query {
            return hang();
        }
        answer(&mut stream, &String::from_utf8_lossy(&body), stall)?;
        send(&mut stream, b'C', b"SELECT 1\0")?;
        send(&mut stream, b'Z', b"I")?;
    }
}

fn answer(stream: &mut TcpStream, sql: &str, stall: Stall) -> io::Result<()> {
    if sql.contains("information_schema") {
        describe(stream, 1)?;
        if sql.contains("'mdl_logstore_standard_log'") {
            COLUMNS.iter().try_for_each(|column| send_row(stream, &[column]))?;
        }
        return Ok(());
    }
    if sql.contains("COUNT(*)") {
        describe(stream, 3)?;
        return send_row(stream, &[&ROWS.to_string(), "1", &ROWS.to_string()]);
    }
    let selected: Vec<&str> =
        sql.split("CAST(").skip(1).map(|part| part.split(' ').next().unwrap_or_default()).collect();
    describe(stream, selected.len())?;
    if stall == Stall::Rows {
        return hang();
    }
    for id in 1..=ROWS {
        let cells: Vec<String> = selected.iter().map(|column| cell(column, id)).collect();
        if stall == Stall::Row && id == ROWS / 2 {
            stream.write_all(b"D\0\0\x01\0\0")?;
            return hang();
        }
        send_row(stream, &cells.iter().map(String::as_str).collect::<Vec<_>>())?;
    }
    if stall == Stall::LastRow { hang() } else { Ok(()) }
}

fn cell(column: &str, id: usize) -> String {
    match column {
        "id" => id.to_string(),
        "eventname" => r"\core\event\course_viewed".to_owned(),
        "userid" => (5 + id % 4).to_string(),
        "courseid" => "2".to_owned(),
        "timecreated" => (1_393_804_800 + id * 6_000).to_string(),
        "anonymous" => "0".to_owned(),
        "contextlevel" => "50".to_owned(),
        "edulevel" => "2".to_owned(),
        "contextinstanceid" => "21".to_owned(),
        _ => String::new(),
    }
}

/// Sends a description of columns of text.
fn describe(stream: &mut TcpStream, columns: usize) -> io::Result<()> {
    let mut body = u16::try_from(columns).expect("few").to_be_bytes().to_vec();
    for _ in 0..columns {
        body.extend(b"text\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0");
    }
    send(stream, b'T', &body)
}

fn send_row(stream: &mut TcpStream, cells: &[&str]) -> io::Result<()> {
    let mut body = u16::try_from(cells.len()).expect("few").to_be_bytes().to_vec();
    for cell in cells {
        body.extend(u32::try_from(cell.len()).expect("short").to_be_bytes());
        body.extend(cell.as_bytes());
    }
    send(stream, b'D', &body)
}

fn send(stream: &mut TcpStream, kind: u8, body: &[u8]) -> io::Result<()> {
    let mut message = vec![kind];
    message.extend(u32::try_from(body.len() + 4).expect("short").to_be_bytes());
    message.extend(body);
    stream.write_all(&message)
}

fn read_message(stream: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let kind = read_bytes(stream, 1)?[0];
    let length = read_u32(stream)?;
    Ok((kind, read_bytes(stream, length as usize - 4)?))
}

fn read_u32(stream: &mut TcpStream) -> io::Result<u32> {
    Ok(u32::from_be_bytes(read_bytes(stream, 4)?.try_into().expect("four bytes")))
}

fn read_bytes(stream: &mut TcpStream, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}
