//! No user and no password of an address is shown or recorded, however it is spelled and wherever it is given.

use std::fs;
use std::path::Path;

use crate::common::{Ran, TinyLog, Workshop, command, folder};
use crate::damage::{Random, rounds};

/// The parts of every address that nobody may see.
const SECRETS: [&str; 3] = ["uSeRmArK", "pAsSmArK", "wOrDmArK"];
/// Schemes as people write them, rightly and wrongly.
const SCHEMES: [&str; 14] = [
    "mysql",
    "MySQL",
    "mariadb",
    "postgres",
    "POSTGRESQL",
    "postgress",
    "posgres",
    "mysq",
    "msyql",
    "pgsql",
    "postgre",
    "mysql+pymysql",
    "jdbc:mysql",
    "http",
];
const SEPARATORS: [&str; 4] = ["://", ":/", "//", ":///"];
/// Lists what a password may have in it.
const ODD: [&str; 16] = ["", "/", "@", "#", "?", "%", "%2F", " ", "'", "\"", "\\", ":", "&", "`", "$(x)", "é"];
/// A port where nobody listens.
const PLACE: &str = "127.0.0.1:9/moodle";

/// Makes an address with the secrets in it.
fn address(random: &mut Random) -> String {
    let mut one = |from: &[&'static str]| from[random.below(from.len())];
    let (scheme, separator, odd, another) = (one(&SCHEMES), one(&SEPARATORS), one(&ODD), one(&ODD));
    let [user, pass, word] = SECRETS;
    match one(&["with", "with", "with", "none"]) {
        "none" => format!("{user}:{pass}{odd}{word}@{PLACE}"),
        _ => format!("{scheme}{separator}{user}:{pass}{odd}{another}{word}@{PLACE}"),
    }
}

#[track_caller]
fn assert_secret(text: &str, of: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} is shown by {of}:\n{text}");
    }
}

/// Checks that nothing of the secrets is in the names or contents of files under a folder.
#[track_caller]
fn assert_secret_on_disk(place: &Path, of: &str) {
    for entry in fs::read_dir(place).expect("readable") {
        let path = entry.expect("an entry").path();
        assert_secret(&path.to_string_lossy(), of);
        if path.is_dir() {
            assert_secret_on_disk(&path, of);
        } else {
            assert_secret(&String::from_utf8_lossy(&fs::read(&path).expect("readable")), of);
        }
    }
}

/// Runs a command line in which `A` stands for an address, `L` for logs, `S` for sequences, `R` for a run.
fn run_in(place: &Path, line: &str, address: &str, logs: &Path) -> Ran {
    let workshop = Workshop::open();
    let paths = [("L", logs.to_owned()), ("S", workshop.sequences()), ("R", workshop.run())];
    let arguments = line.split(' ').map(|word| match paths.iter().find(|(name, _)| *name == word) {
        Some((_, path)) => path.to_string_lossy().into_owned(),
        None => word.replace("ADDRESS", address),
    });
    let mut command = command(arguments);
    Ran::of(command.current_dir(place).output().expect("the program runs"))
}

const LINES: [&str; 42] = [
    "ADDRESS",
    "-vv preprocess ADDRESS --out x",
    "preprocess L ADDRESS --out x",
    "-vv preprocess --source ADDRESS --out x --source-timeout 2",
    "preprocess --source ADDRESS --dry-run --json --source-timeout 2",
    "preprocess --source=ADDRESS --source ADDRESS --out x",
    "preprocess --sorce ADDRESS --out x",
    "preprocess --source=ADDRESS ADDRESS --out x",
    "preprocess L --out ADDRESS",
    "preprocess L --out=ADDRESS",
    "preprocess L --out x --mapping ADDRESS",
    "preprocess L --out x --courses ADDRESS",
    "preprocess L --out x --labels ADDRESS",
    "preprocess L --out x --dropout ADDRESS",
    "preprocess L --out x --weeks ADDRESS",
    "preprocess L --out x --as-of ADDRESS",
    "preprocess L --out x --format ADDRESS",
    "preprocess L --out x --memory ADDRESS",
    "preprocess L --out x --threads ADDRESS",
    "preprocess --institution ADDRESS --out x",
    "preprocess --institution north=ADDRESS --out x",
    "preprocess --institution ADDRESS=L --out x",
    "preprocess L --out x --ADDRESS",
    "inspect ADDRESS",
    "inspect --source ADDRESS --json --source-timeout 2",
    "mapping new ADDRESS",
    "mapping check ADDRESS L",
    "train ADDRESS --out x",
    "train S --out ADDRESS",
    "train S --out x --test-courses ADDRESS",
    "train S --out x --config ADDRESS",
    "train S --out x --set ADDRESS",
    "train S --out x --set training.seed=ADDRESS",
    "train S --out x --set split.by=ADDRESS",
    "train S --out x --track ADDRESS --set ADDRESS",
    "train S --out x --track mlflow=ADDRESS --set training.epochs=0",
    "score R ADDRESS --out x.csv",
    "evaluate R S --courses ADDRESS",
    "runs show ADDRESS",
    "compare S --out ADDRESS --models ADDRESS",
    "simulate --out ADDRESS --learners 10",
    "completions ADDRESS",
];

#[test]
fn addresses_are_not_shown_wherever_they_are_given() {
    let place = folder();
    let logs = place.path().join("logs");
    TinyLog::default().write(&logs);
    for seed in 0..rounds(3) {
        let mut random = Random::new(seed);
        for line in LINES {
            let address = address(&mut random);
            let ran = run_in(place.path(), line, &address, &logs);
            let of = format!("{line}, seed {seed}, {address}");
            assert_secret(&(ran.stdout.clone() + &ran.stderr), &of);
            assert!(matches!(ran.status, Some(1 | 2)), "{of}: {:?}\n{}", ran.status, ran.stderr);
            assert_secret_on_disk(place.path(), &of);
        }
    }
}

#[test]
fn addresses_in_settings_that_fail_are_not_shown() {
    let place = folder();
    let logs = place.path().join("logs");
    TinyLog::default().write(&logs);
    let forms = [
        "A",
        "\"A\"",
        "source = \"A\"",
        "source = 'A",
        "\"A\" = 1",
        "[A]",
        "[training]\nseed = \"A\"",
        "[training]\nA = 1",
        "[split]\nby = \"A\"",
        "[model]\nkind = \"A\"",
        "[log]\nfiles = \"A\"",
        "[log]\nfiles = \"*.csv\"\ncolumns.learner = \"A\"\ncolumns.time = \"A\"\nsingle_course = \"A\"",
        "single_course = \"c\"\n[log]\nfiles = \"*.csv\"\ncolumns.learner = \"enrollment_id\"\ncolumns.time = { column = \"time\", format = \"A\" }",
        "single_course = \"c\"\ngranularity = \"A\"\n[log]\nfiles = \"*.csv\"\ncolumns.learner = \"A\"\ncolumns.time = \"time\"",
        "[calendar]\nwaves = \"A\"",
        "learners = \"A\"",
    ];
    for seed in 0..rounds(1) {
        let mut random = Random::new(seed);
        for form in forms {
            let address = address(&mut random);
            fs::write(place.path().join("settings.toml"), form.replace('A', &address)).expect("writable");
            for line in [
                "preprocess L --out x --mapping settings.toml",
                "mapping check settings.toml L",
                "train S --out x --config settings.toml",
                "simulate --out x --config settings.toml",
            ] {
                let ran = run_in(place.path(), line, "", &logs);
                let of = format!("{line}, seed {seed}, {form}, {address}");
                assert_secret(&(ran.stdout.clone() + &ran.stderr), &of);
                assert!(!place.path().join("x").exists(), "{of}: {}", ran.stdout);
            }
        }
    }
}

#[test]
fn passwords_of_other_sources_are_not_shown() {
    let place = folder();
    let [user, pass, word] = SECRETS;
    let password = format!("{pass}/{word}");
    let file = place.path().join("password");
    fs::write(&file, &password).expect("writable");
    let address = format!("mysql://{user}@{PLACE}");
    let say = |line: &str, variables: &[(&str, &str)]| {
        let mut command = command(line.split(' ').map(|word| word.replace("ADDRESS", &address)));
        let ran = Ran::of(command.current_dir(place.path()).envs(variables.iter().copied()).output().expect("it runs"));
        assert_secret(&(ran.stdout.clone() + &ran.stderr), line);
        ran
    };
    // Readable by others, as files are made.
    set_mode(&file, 0o644);
    say("-vv inspect --source ADDRESS --password-file password", &[])
        .expect(2)
        .complains(&["others may read", "chmod 600"]);
    set_mode(&file, 0o600);
    let refused = &["mysql://127.0.0.1:9/moodle: can't be reached or lets nobody in"];
    let ran = say("-vv inspect --source ADDRESS --password-file password", &[]).expect(1).complains(refused);
    assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
    for variable in ["STAYCAST_DATABASE_PASSWORD", "MYSQL_PWD", "PGPASSWORD"] {
        say("-vv inspect --source ADDRESS", &[(variable, &password)]).expect(1).complains(refused);
    }
    // In the address it works, with a warning; twice it does not.
    let twice = format!("inspect --source mysql://{user}:{pass}@{PLACE} --password-file password");
    say(&twice, &[]).expect(2).complains(&["has a password already"]);
    let seen = format!("inspect --quiet --source mysql://{user}:{pass}@{PLACE}");
    say(&seen, &[]).expect(1).complains(&["warning: others on this computer can see the password", "--password-file"]);
    // A tracker's.
    let sequences = Workshop::open().sequences();
    let line = format!(
        "train {} --out x --track mlflow=http://{user}:{pass}@127.0.0.1:9 --split time --model days-since-last --quiet",
        sequences.display()
    );
    let variables = [
        ("MLFLOW_TRACKING_TOKEN", word),
        ("MLFLOW_HTTP_REQUEST_TIMEOUT", "1"),
        ("HTTP_PROXY", "http://uSeRmArK:pAsSmArK@127.0.0.1:9"),
    ];
    say(&line, &variables).expect(0).complains(&["warning: others on this computer can see", "cannot reach MLflow"]);
    assert_secret_on_disk(&place.path().join("x"), "the run");
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode can be set");
}
