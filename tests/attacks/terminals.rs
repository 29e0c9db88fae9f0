//! Names with escape sequences, overrides of direction and line breaks are shown escaped, and kept in machine formats.

use std::fs;
use std::path::Path;

use crate::common::{Ran, arguments, bytes_of, command, folder, simulate, staycast};
use crate::damage::{Random, rounds};

/// Lists what a terminal would obey, turn around or hide.
const EVIL: [&str; 16] = [
    "\x1b[31m",
    "\x1b]0;title\x07",
    "\x1b[2J",
    "\u{9b}31m",
    "\u{90}q",
    "\x08\x08",
    "\x7f",
    "\r",
    "\u{202e}",
    "\u{2066}x",
    "\u{200f}",
    "\u{61c}",
    "\u{2028}",
    "\u{200b}",
    "\u{feff}",
    "\u{e0041}",
];
/// Begins a line that no program wrote, where a line break is shown as it is.
const FORGED: &str = "FORGED";

/// Tells whether a character may not be shown. Written apart from the program's own list.
fn is_evil(character: char) -> bool {
    (character.is_control() && character != '\n')
        || ('\u{200b}'..='\u{200f}').contains(&character)
        || ('\u{2028}'..='\u{202e}').contains(&character)
        || ('\u{2060}'..='\u{206f}').contains(&character)
        || ['\u{61c}', '\u{feff}', '\u{e0041}'].contains(&character)
}

#[track_caller]
fn assert_harmless(text: &str, of: &str) {
    if let Some(character) = text.chars().find(|&character| is_evil(character)) {
        let line = text.lines().find(|line| line.contains(character)).unwrap_or_default();
        panic!("{of} shows {character:?}: {line:?}");
    }
    assert!(!text.lines().any(|line| line.trim_start().starts_with(FORGED)), "{of} shows a forged line:\n{text}");
}

/// Runs the program in `place` and checks what it prints.
#[track_caller]
fn run_in(place: &Path, line: &str, paths: &[&Path]) -> Ran {
    let mut command = command(arguments(line, paths));
    let ran = Ran::of(command.current_dir(place).output().expect("the program runs"));
    assert_harmless(&ran.stdout, line);
    assert_harmless(&ran.stderr, line);
    ran
}

/// Makes a name out of all that is evil.
fn name(random: &mut Random, plain: &str) -> String {
    let mut name = plain.to_owned();
    for _ in 0..6 {
        name.push_str(EVIL[random.below(EVIL.len())]);
        name.push(char::from(b'a' + u8::try_from(random.below(26)).expect("a letter")));
    }
    name
}

/// Gives the courses of simulated logs in KDD Cup 2015's layout other names, and returns these.
fn rename_courses(logs: &Path, random: &mut Random) -> Vec<String> {
    let dates = fs::read_to_string(logs.join("date.csv")).expect("readable");
    let old: Vec<String> =
        dates.lines().skip(1).map(|line| line.split(',').next().expect("a course").to_owned()).collect();
    let new: Vec<String> = (0..old.len()).map(|place| name(random, &format!("course{place}"))).collect();
    for file in ["date.csv", "enrollment.csv"] {
        let mut text = fs::read_to_string(logs.join(file)).expect("readable");
        for (old, new) in old.iter().zip(&new) {
            text = text.replace(old.as_str(), &format!("\"{new}\""));
        }
        fs::write(logs.join(file), text).expect("writable");
    }
    new
}

#[test]
fn names_are_shown_escaped_by_every_command() {
    for seed in 0..rounds(1) {
        let mut random = Random::new(seed);
        let outer = folder();
        let place = outer.path().join(format!("{}\n{FORGED} \u{202e}x", name(&mut random, "place")));
        fs::create_dir(&place).expect("a new folder");
        let logs = place.join(name(&mut random, "logs"));
        simulate(200, &logs);
        let courses = rename_courses(&logs, &mut random);
        fs::write(logs.join(format!("odd{}\n{FORGED}.csv", EVIL[random.below(EVIL.len())])), "a,b\n1,2\n")
            .expect("writable");

        let at = |name: &str| place.join(name);
        let sequences = place.join(name(&mut random, "sequences"));
        for line in ["preprocess {} --dry-run", "preprocess {} --dry-run --json", "inspect {}", "inspect {} --verbose"]
        {
            run_in(&place, line, &[&logs]).expect(0);
        }
        run_in(&place, "-vv preprocess {} --out {}", &[&logs, &sequences]).expect(0);
        run_in(&place, "preprocess {} --out {}", &[&logs, &sequences]).expect(1);
        run_in(&place, "inspect {} --verbose", &[&sequences]).expect(0);
        let json = run_in(&place, "inspect {} --json", &[&sequences]).expect(0).json();
        assert!(json.to_string().contains(&serde_json::to_string(&courses[0]).expect("JSON")), "the true name: {json}");

        let run = place.join(name(&mut random, "run"));
        run_in(&place, "train {} --out {} --split time --verbose --model days-since-last", &[&sequences, &run])
            .expect(0);
        run_in(&place, "inspect {}", &[&run]).expect(0);
        let report = place.join(name(&mut random, "report"));
        run_in(
            &place,
            "evaluate {} {} --out {} --resamples 20 --device cpu --check-leakage never",
            &[&run, &sequences, &report],
        )
        .expect(0);
        for (file, bytes) in bytes_of(&report) {
            let of = file.display().to_string();
            if [".txt", ".html", ".svg"].iter().any(|ending| of.ends_with(ending)) {
                assert_harmless(&String::from_utf8(bytes).expect("UTF-8").replace('\t', " "), &of);
            }
        }
        let scores = at("scores.csv");
        run_in(&place, "score {} {} --out {} --device cpu", &[&run, &sequences, &scores]).expect(0);
        let scores = fs::read_to_string(&scores).expect("readable");
        assert!(courses.iter().any(|course| scores.contains(course.as_str())), "the true names are in the CSV");
        run_in(&place, "score {} {} --out {} --device cpu --json", &[&run, &sequences, &at("again.csv")]).expect(0);
        run_in(&place, "recalibrate {} {} --out {} --shift --device cpu", &[&run, &sequences, &at("shifted")]);
        run_in(&place, "runs {}", &[&place]).expect(0);
        run_in(&place, "runs export {} --out {}", &[&run, &at("run.tar.zst")]).expect(0);
        fs::write(at("run.tar.zst"), "no archive").expect("writable");
        run_in(&place, "runs import {} --out {}", &[&at("run.tar.zst"), &at("imported")]).expect(1);
        let quick =
            "compare {} --out {} --models days-since-last,rules --set split.by=time --device cpu --resamples 100";
        run_in(&place, quick, &[&sequences, &place.join(name(&mut random, "compared"))]).expect(0);
        // Errors that name what is not there.
        let missing = place.join(format!("{}\n{FORGED}", name(&mut random, "missing")));
        for line in [
            "preprocess {} --out x",
            "train {} --out x",
            "inspect {}",
            "train {} --out x --config {}",
            "mapping new {}",
        ] {
            let ran = run_in(&place, line, &[&missing, &missing]);
            assert_ne!(ran.status, Some(0), "{line}");
        }
    }
}

#[test]
fn odd_columns_kinds_and_settings_are_shown_escaped() {
    for seed in 0..rounds(3) {
        let mut random = Random::new(seed);
        let place = folder();
        let mut odd = || format!("{}\n{FORGED}", name(&mut random, "x"));
        let (column, kind, course) = (odd(), odd(), odd());
        let mut log = format!("user,\"{column}\",when,what\n");
        for day in 1..=28 {
            for user in 0..8 {
                log += &format!(
                    "u{user},\"{course}\",2024-02-{day:02}T10:00:00,{}\n",
                    if user == 0 { "view" } else { "\"KIND\"" }
                );
            }
        }
        let log = log.replace("KIND", &kind);
        fs::write(place.path().join("log.csv"), &log).expect("writable");
        let drafted = run_in(place.path(), "mapping new log.csv", &[]);
        assert_eq!(drafted.status, Some(0), "{}", drafted.stderr);
        for (columns, kinds) in [(column.as_str(), kind.as_str()), ("when", "nothing"), (kind.as_str(), kind.as_str())]
        {
            let mapping = format!(
                "[log]\nfiles = \"log.csv\"\ncolumns = {{ learner = \"user\", course = {}, time = \"when\", activity = \
                 \"what\" }}\n[activities.kinds]\n{} = \"video\"\n",
                toml(columns),
                toml(kinds)
            );
            fs::write(place.path().join("mapping.toml"), mapping).expect("writable");
            run_in(place.path(), "mapping check mapping.toml log.csv", &[]);
            run_in(place.path(), "mapping check mapping.toml log.csv --json", &[]);
            run_in(
                place.path(),
                "preprocess log.csv --mapping mapping.toml --out x --force --raw-kinds --verbose",
                &[],
            );
        }
    }
}

fn toml(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        quoted.push_str(&format!("\\U{:08x}", u32::from(character)));
    }
    quoted + "\""
}

#[test]
fn arguments_are_shown_escaped() {
    for seed in 0..rounds(3) {
        let mut random = Random::new(seed);
        for line in [
            "X",
            "--X",
            "train --X=X",
            "preprocess logs --out o --format X",
            "preprocess logs --out o --dropout X",
            "preprocess logs --out o --memory X",
            "preprocess logs --out o --as-of X",
            "preprocess X --out o",
            "train sequences --out o --set X",
            "train sequences --out o --set training.seed=X",
            "train sequences --out o --set split.by=X",
            "train sequences --out o --device X",
            "train sequences --out o --track X",
            "train sequences --out o --config X",
            "score X X",
            "runs X",
            "completions X",
            "simulate --out o --format X",
        ] {
            let odd = format!("{}\n{FORGED}", name(&mut random, "x"));
            let ran = staycast(line.split(' ').map(|word| word.replace('X', &odd)));
            assert_harmless(&ran.stdout, line);
            assert_harmless(&ran.stderr, line);
            assert!(matches!(ran.status, Some(1 | 2)), "{line}: {:?} {}", ran.status, ran.stdout);
        }
    }
}
