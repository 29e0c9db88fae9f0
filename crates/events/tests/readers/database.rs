//! Moodle's log straight from real servers, which the tests start themselves: the same as from CSV.
//!
//! They need the programs of PostgreSQL and MariaDB, and are run by `scripts/test` with the ignored tests.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rayon::ThreadPoolBuilder;
use staycast_events::formats::{self, DatabaseSource, OpenOptions, open_in_blocks};
use staycast_events::{ReadError, Source};

use crate::common::{Folder, read};

const PASSWORD: &str = "s3cret-of-the-test";

/// The dialect of a server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    MySql,
    Postgres,
}

/// A server of this test's own, gone with it.
struct Server {
    dialect: Dialect,
    folder: tempfile::TempDir,
    port: u16,
    /// MariaDB's process; PostgreSQL's is its own.
    child: Option<Child>,
}

fn run(command: &mut Command, input: &str) {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap_or_else(|error| {
            panic!("{command:?}: {error}; scripts/test installs what this test needs");
        });
    // A program that ends before it has read everything says why.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.starts_with(b"0\n")
}

/// A program of PostgreSQL, which Debian keeps out of the way.
fn postgres_program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        versions.map(|version| version.path().join("bin").join(name)).filter(|path| path.exists()).collect();
    found.sort();
    found.pop().unwrap_or_else(|| name.into())
}

/// The server of MariaDB, which may lie where only root looks.
fn mariadb_server() -> PathBuf {
    let place = PathBuf::from("/usr/sbin/mariadbd");
    if place.exists() { place } else { "mariadbd".into() }
}

/// PostgreSQL does not run as root: as its own user then.
fn as_its_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

impl Server {
    fn start(dialect: Dialect) -> Self {
        let mut server = Self { dialect, folder: tempfile::tempdir().unwrap(), port: free_port(), child: None };
        match dialect {
            Dialect::MySql => server.start_mariadb(),
            Dialect::Postgres => server.start_postgres(),
        }
        server
    }

    fn place(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn start_postgres(&self) {
        std::fs::write(self.folder.path().join("password"), PASSWORD).unwrap();
        if is_root() {
            run(Command::new("chown").args(["-R", "postgres"]).arg(self.folder.path()), "");
        }
        let (data, password) = (self.place("data"), format!("--pwfile={}", self.place("password")));
        let mut initdb = as_its_user(&postgres_program("initdb"));
        run(initdb.args(["-D", &data, "-U", "moodle", "--auth=scram-sha-256", &password, "-E", "UTF8"]), "");
        let options = format!("-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''", self.port);
        let mut start = as_its_user(&postgres_program("pg_ctl"));
        run(start.args(["-D", &data, "-l", &self.place("log"), "-w", "-t", "120", "-o", &options, "start"]), "");
        self.sql("postgres", "CREATE DATABASE moodle;");
    }

    fn start_mariadb(&mut self) {
        let (data, socket) = (format!("--datadir={}", self.place("data")), self.socket());
        let user = if is_root() { "--user=root" } else { "--skip-name-resolve" };
        let how = "--auth-root-authentication-method=normal";
        // Several are installed at once, and their temporary tables have names that may be the same.
        let mut install = Command::new("mariadb-install-db");
        install.args(["--no-defaults", &data, how, "--skip-test-db", user]).env("TMPDIR", self.folder.path());
        run(&mut install, "");
        let port = format!("--port={}", self.port);
        let error_log = format!("--log-error={}", self.place("log"));
        let pid = format!("--pid-file={}", self.place("pid"));
        let child = Command::new(mariadb_server())
            .args(["--no-defaults", &data, &socket, &port, &error_log, &pid, user, "--bind-address=127.0.0.1"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("mariadbd: {error}; scripts/test installs what this test needs"));
        self.child = Some(child);
        let begun = Instant::now();
        loop {
            let mut ping = Command::new("mariadb-admin");
            let ping = ping.args(["--no-defaults", &socket, "-uroot", "ping"]).stderr(Stdio::null());
            if ping.stdout(Stdio::null()).status().unwrap().success() {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(120), "mariadbd does not come up");
            std::thread::sleep(Duration::from_millis(200));
        }
        let sql = format!(
            "CREATE DATABASE moodle CHARACTER SET utf8mb4; CREATE USER 'moodle'@'%' IDENTIFIED BY '{PASSWORD}';\
             GRANT ALL ON moodle.* TO 'moodle'@'%';"
        );
        self.sql("mysql", &sql);
    }

    fn socket(&self) -> String {
        format!("--socket={}", self.place("socket"))
    }

    fn sql(&self, database: &str, sql: &str) {
        match self.dialect {
            Dialect::MySql => {
                run(Command::new("mariadb").args(["--no-defaults", &self.socket(), "-uroot", database]), sql);
            }
            Dialect::Postgres => {
                let port = self.port.to_string();
                let mut psql = Command::new("psql");
                psql.args(["-h", "127.0.0.1", "-p", &port, "-U", "moodle", "-v", "ON_ERROR_STOP=1", "-q", database]);
                run(psql.env("PGPASSWORD", PASSWORD), sql);
            }
        }
    }

    /// The address of the database, with another password than its own if given.
    fn url(&self, password: &str, options: &str) -> String {
        let scheme = if self.dialect == Dialect::MySql { "mariadb" } else { "postgres" };
        format!("{scheme}://moodle:{password}@127.0.0.1:{}/moodle{options}", self.port)
    }

    /// Fills a table of Moodle's with the rows of a CSV.
    fn fill(&self, table: &str, csv: &Path) {
        let mut reader = csv::Reader::from_path(csv).unwrap();
        let columns: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let text = |column: &String| {
            let words = [
                "eventname",
                "component",
                "action",
                "target",
                "objecttable",
                "crud",
                "other",
                "origin",
                "ip",
                "fullname",
                "shortname",
                "enrol",
                "name",
                "archetype",
                "path",
            ];
            words.contains(&column.as_str())
        };
        let declared: Vec<String> = columns
            .iter()
            .map(|column| {
                let kind = if text(column) { "VARCHAR(255)" } else { "BIGINT" };
                format!("{column} {kind}{}", if column == "id" { " PRIMARY KEY" } else { " NULL" })
            })
            .collect();
        let mut sql = format!("CREATE TABLE {table} ({});\n", declared.join(", "));
        for record in reader.records() {
            let record = record.unwrap();
            let value = |(value, column): (&str, &String)| match value {
                "" => "NULL".to_owned(),
                number if !text(column) => number.to_owned(),
                words if self.dialect == Dialect::MySql => {
                    format!("'{}'", words.replace('\\', "\\\\").replace('\'', "''"))
                }
                words => format!("'{}'", words.replace('\'', "''")),
            };
            let values: Vec<String> = record.iter().zip(&columns).map(value).collect();
            sql += &format!("INSERT INTO {table} VALUES ({});\n", values.join(", "));
        }
        self.sql("moodle", &sql);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let stopped = match self.dialect {
            Dialect::MySql => Command::new("mariadb-admin")
                .args(["--no-defaults", &self.socket(), "-uroot", "shutdown"])
                .stderr(Stdio::null())
                .status(),
            Dialect::Postgres => as_its_user(&postgres_program("pg_ctl"))
                .args(["-D", &self.place("data"), "-m", "fast", "-w", "stop"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status(),
        };
        let stopped = stopped.is_ok_and(|status| status.success());
        if !stopped {
            eprintln!("the server of a test did not stop by itself");
        }
        if let Some(mut child) = self.child.take() {
            if !stopped {
                let _ = child.kill();
            }
            let _ = child.wait();
        }
    }
}

const TABLES: [&str; 7] =
    ["logstore_standard_log", "course", "enrol", "user_enrolments", "role", "context", "role_assignments"];

/// Moodle's tables of the fixture, with as many more rows of log, whose ids have gaps.
fn site(more: u32) -> Folder {
    let folder = Folder::copy_of("moodle/base");
    let mut log = String::from_utf8(folder.bytes("mdl_logstore_standard_log.csv")).unwrap();
    for number in 0..more {
        let (id, user) = (1_000 + u64::from(number) * 7 + u64::from(number / 900) * 50_000, 5 + number % 3);
        let event = [r"\mod_quiz\event\attempt_submitted", r"\core\event\course_viewed"][number as usize % 2];
        let at = 1_393_804_800 + u64::from(number) * 997 % 2_400_000;
        log += &format!("{id},{event},c,a,t,,,r,2,21,70,{},{user},2,,0,\"it's\",{at},web,,\n", number % 40);
    }
    folder.write("mdl_logstore_standard_log.csv", log.as_bytes());
    folder
}

fn open_at(url: &str, block_bytes: usize) -> Result<Source, ReadError> {
    let source = Some(DatabaseSource::at(url.parse().unwrap()));
    open_in_blocks(&[], &OpenOptions { source, ..OpenOptions::default() }, block_bytes)
}

fn says(url: &str) -> String {
    match open_at(url, 1 << 20) {
        Ok(_) => panic!("no error"),
        Err(error) => error.to_string(),
    }
}

fn check(dialect: Dialect) {
    let server = Server::start(dialect);
    let site = site(3_000);
    for table in TABLES {
        server.fill(&format!("mdl_{table}"), &site.path().join(format!("mdl_{table}.csv")));
    }
    let from_files = formats::open(&[site.path().to_owned()], &OpenOptions::default()).unwrap();
    let expected = read(&from_files).unwrap();
    assert!(expected.events.len() > 2_000);
    for (block_bytes, threads) in [(4 << 20, 1), (4 << 20, 4), (16 * 100, 3)] {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let source = open_at(&server.url(PASSWORD, ""), block_bytes).unwrap();
            assert_eq!((source.format, source.reason.as_str()), ("moodle", "read from its database"));
            assert_eq!(source.roster.courses, from_files.roster.courses);
            assert_eq!(source.roster.enrolments, from_files.roster.enrolments);
            assert_eq!((&source.kinds, source.capabilities), (&from_files.kinds, from_files.capabilities));
            let all = read(&source).unwrap();
            assert!(all.events == expected.events, "the same events in blocks of {block_bytes} on {threads} threads");
            assert_eq!((all.tally.read, all.tally.used), (expected.tally.read, expected.tally.used));
            let counts = |tally: &staycast_events::Tally| -> Vec<_> {
                tally.reasons.iter().map(|(reason, count)| (*reason, count.rows)).collect()
            };
            assert_eq!(counts(&all.tally), counts(&expected.tally));
            let tables = source.events[0].database();
            assert_eq!((tables[0].table.as_str(), tables[0].rows), ("mdl_logstore_standard_log", 3_013));
            assert_eq!(tables[0].ids, Some((1, 1_000 + 2_999 * 7 + 150_000)));
            assert_eq!(tables.len(), TABLES.len());
            assert!(tables.iter().all(|table| !table.place.contains(PASSWORD) && !table.place.contains("moodle:")));
        });
    }
    let place = server.url("x", "").replace("moodle:x@", "").replace("mariadb:", "mysql:");
    let wrong = says(&server.url("not-it-17", ""));
    assert!(wrong.starts_with(&format!("{place}: can't be reached or lets nobody in: ")), "{wrong}");
    assert!(!wrong.contains("not-it-17"), "{wrong}");
    assert_eq!(
        says(&server.url(PASSWORD, "?prefix=m2_")),
        format!(
            "{place}: there is no table m2_logstore_standard_log; if its prefix is another, \
             add ?prefix=PREFIX to the address"
        )
    );
    // Staff's roles gone with the table of roles: refused, rather than everyone taken for a learner.
    server.sql("moodle", "DROP TABLE mdl_role;");
    let halves = says(&server.url(PASSWORD, ""));
    assert!(halves.starts_with("moodle: no mdl_context or mdl_role table"), "{halves}");
    // The log alone, under another prefix.
    server.fill("m2_logstore_standard_log", &site.path().join("mdl_logstore_standard_log.csv"));
    let alone = Folder::of(&[("log.csv", &site.bytes("mdl_logstore_standard_log.csv"))]);
    let from_file = formats::open(&[alone.path().to_owned()], &OpenOptions::default()).unwrap();
    let source = open_at(&server.url(PASSWORD, "?prefix=m2_"), 1 << 20).unwrap();
    assert_eq!(source.roster.courses, from_file.roster.courses);
    assert!(read(&source).unwrap().events == read(&from_file).unwrap().events);
}

/// Passes bytes on to a server, of those that come back `most` in all, and then keeps every connection without a word.
/// Returns its port, and how many bytes came back.
fn proxy(server: u16, most: usize) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let passed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&passed);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, server) = (client.unwrap(), TcpStream::connect(("127.0.0.1", server)).unwrap());
            let (mut asking, mut asked) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut asking, &mut asked));
            let (count, mut server) = (Arc::clone(&count), server);
            std::thread::spawn(move || {
                let mut bytes = [0; 1024];
                while let Ok(read @ 1..) = server.read(&mut bytes) {
                    let before = count.fetch_add(read, Ordering::SeqCst);
                    let left = most.saturating_sub(before).min(read);
                    if client.write_all(&bytes[..left]).is_err() {
                        return;
                    }
                    if left < read {
                        std::thread::sleep(Duration::from_secs(600));
                    }
                }
            });
        }
    });
    (port, passed)
}

/// Reads the whole log at an address, on one thread, waiting a second at most. Returns how many events there are.
fn read_through(url: &str) -> Result<usize, ReadError> {
    let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        let mut database = DatabaseSource::at(url.parse().unwrap());
        database.timeout = Duration::from_secs(1);
        let source = open_in_blocks(&[], &OpenOptions { source: Some(database), ..OpenOptions::default() }, 16 * 100)?;
        Ok(read(&source)?.events.len())
    })
}

fn check_stalls(dialect: Dialect) {
    let server = Server::start(dialect);
    let site = site(300);
    for table in TABLES {
        server.fill(&format!("mdl_{table}"), &site.path().join(format!("mdl_{table}.csv")));
    }
    let through = |most: usize| {
        let (port, passed) = proxy(server.port, most);
        let url = server.url(PASSWORD, "").replace(&format!(":{}/", server.port), &format!(":{port}/"));
        let begun = Instant::now();
        let outcome = read_through(&url);
        assert!(begun.elapsed() < Duration::from_secs(20), "{most}: {:?}", begun.elapsed());
        (port, outcome, passed.load(Ordering::SeqCst))
    };
    let (_, outcome, all) = through(usize::MAX);
    let events = outcome.unwrap();
    assert!(events > 200);
    for most in [0, 1, 3, 60].into_iter().chain((1..12).map(|part| all * part / 12)).chain([all - 1]) {
        let (port, outcome, _) = through(most);
        let scheme = if dialect == Dialect::MySql { "mysql" } else { "postgres" };
        match outcome {
            Err(ReadError::DatabaseStalled { place, what, seconds }) => {
                assert_eq!((place, seconds), (format!("{scheme}://127.0.0.1:{port}/moodle"), 1.0));
                assert!(what == "the connection" || what.starts_with("the rows of "), "{what}");
            }
            // The very last byte says that the server is ready for more.
            Ok(read) if most == all - 1 => assert_eq!(read, events),
            other => panic!("after {most} of {all} bytes: {other:?}"),
        }
    }
}

#[test]
#[ignore = "starts MariaDB"]
fn mariadb_is_given_up_wherever_it_stalls() {
    check_stalls(Dialect::MySql);
}

#[test]
#[ignore = "starts PostgreSQL"]
fn postgresql_is_given_up_wherever_it_stalls() {
    check_stalls(Dialect::Postgres);
}

fn check_odd_passwords(dialect: Dialect) {
    const ODD: &str = "p/a@s#s?w%r d:'\"&=ü";
    let server = Server::start(dialect);
    server.fill("mdl_logstore_standard_log", &site(10).path().join("mdl_logstore_standard_log.csv"));
    let quoted = ODD.replace('\'', "''");
    match dialect {
        Dialect::MySql => server.sql(
            "mysql",
            &format!("CREATE USER 'o@dd'@'%' IDENTIFIED BY '{quoted}'; GRANT ALL ON moodle.* TO 'o@dd'@'%';"),
        ),
        Dialect::Postgres => server.sql(
            "moodle",
            &format!(
                "CREATE USER \"o@dd\" PASSWORD '{quoted}'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO \"o@dd\";"
            ),
        ),
    }
    let written = server.url("PASSWORD", "").replace("moodle:PASSWORD@", &format!("o@dd:{ODD}@"));
    let encoded = written.replace(ODD, "p%2Fa%40s%23s%3Fw%25r%20d%3A'\"&=%C3%BC");
    for url in [&written, &encoded] {
        assert!(open_at(url, 1 << 20).is_ok(), "{url}: {}", says(url));
    }
    let mut later = DatabaseSource::at(server.url("", "").replace("moodle:@", "o@dd@").parse().unwrap());
    later.address = later.address.with_password(ODD.to_owned().into());
    assert!(open_in_blocks(&[], &OpenOptions { source: Some(later), ..OpenOptions::default() }, 1 << 20).is_ok());
    let wrong = says(&written.replace("p/a", "p/b"));
    assert!(!wrong.contains("o@dd") && !wrong.contains("p/b"), "{wrong}");
}

#[test]
#[ignore = "starts MariaDB"]
fn mariadb_takes_any_password() {
    check_odd_passwords(Dialect::MySql);
}

#[test]
#[ignore = "starts PostgreSQL"]
fn postgresql_takes_any_password() {
    check_odd_passwords(Dialect::Postgres);
}

#[test]
#[ignore = "starts MariaDB"]
fn mariadb_gives_what_csv_gives() {
    check(Dialect::MySql);
}

#[test]
#[ignore = "starts PostgreSQL"]
fn postgresql_gives_what_csv_gives() {
    check(Dialect::Postgres);
}

#[test]
fn a_server_that_is_not_there() {
    for scheme in ["mysql", "postgres"] {
        let url = format!("{scheme}://moodle:{PASSWORD}@127.0.0.1:{}/site", free_port());
        let said = says(&url);
        let place = url.replace(&format!("moodle:{PASSWORD}@"), "");
        assert!(said.starts_with(&format!("{place}: can't be reached or lets nobody in: ")), "{said}");
        assert!(said.contains("refused") && !said.contains(PASSWORD), "{said}");
    }
}
