//! Logs of very many files, pipes and devices among them, names that are no text, and machines that give little.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Ran, SMALL, TinyLog, Workshop, arguments, command, folder, run, staycast};

/// Runs a line of the shell, which finds the program as `$STAYCAST` and the current folder `at`.
fn shell(at: &Path, line: &str) -> Ran {
    let output = Command::new("bash")
        .args(["-c", line])
        .env("STAYCAST", env!("CARGO_BIN_EXE_staycast"))
        .current_dir(at)
        .output()
        .expect("bash runs");
    Ran::of(output)
}

fn threads_of(sequences: &Path) -> u64 {
    let timing: serde_json::Value =
        serde_json::from_slice(&fs::read(sequences.join("timing.json")).expect("timing.json")).expect("JSON");
    timing["threads"].as_u64().expect("a number of threads")
}

#[test]
fn threads_beyond_use_are_bounded_with_a_word() {
    let here = folder();
    let [logs, one, many, by_environment] = ["logs", "1", "2", "3"].map(|name| here.path().join(name));
    TinyLog::default().write(&logs);
    run("preprocess {} --out {} --threads 1 -q", &[&logs, &one]).expect(0);
    let cores = std::thread::available_parallelism().expect("cores").get() as u64;
    let most = 64.max(4 * cores);
    let said = format!("{most} threads are used in place of 100000");
    let ran = run("preprocess {} --out {} --threads 100000 -q --json", &[&logs, &many]).expect(0).complains(&[&said]);
    assert_eq!((ran.json()["threads"].as_u64(), threads_of(&many), threads_of(&one)), (Some(most), most, 1));
    let mut asked = command(arguments("preprocess {} --out {} -q", &[&logs, &by_environment]));
    Ran::of(asked.env("RAYON_NUM_THREADS", "100000").output().expect("it runs")).expect(0).complains(&[&said]);
    assert_eq!(threads_of(&by_environment), most);
    for name in ["sequences.parquet", "enrolments.parquet", "manifest.json"] {
        assert!(fs::read(one.join(name)).expect("a file") == fs::read(many.join(name)).expect("a file"), "{name}");
    }
    run("preprocess {} --out {} --threads 0", &[&logs, &here.path().join("none")]).expect(2).complains(&["threads"]);
}

#[cfg(unix)]
#[test]
fn pipes_in_a_folder_keep_nobody_waiting() {
    let here = folder();
    let [logs, out] = ["logs", "out"].map(|name| here.path().join(name));
    TinyLog::default().write(&logs);
    fs::create_dir(logs.join("run")).expect("a new folder");
    for pipe in ["log2.csv", "run/manifest.json", "enrollment2.csv"] {
        assert!(Command::new("mkfifo").arg(logs.join(pipe)).status().expect("mkfifo").success());
    }
    let ran = run("preprocess {} --out {} --json", &[&logs, &out]).expect(0);
    let left_out = ran.json()["manifest"]["left_out"].to_string();
    for pipe in ["log2.csv", "run/manifest.json", "enrollment2.csv"] {
        assert!(left_out.contains(&format!("\"{pipe}\"")) && left_out.contains("is a pipe"), "{left_out}");
    }
    run("inspect {}", &[&logs]).expect(0).says(&["is a pipe"]);
    run("runs {}", &[&logs]);
    run("inspect {}", &[&logs.join("run")]);
}

#[cfg(unix)]
#[test]
fn pipes_that_are_named_are_read_or_said_to_be_silent() {
    let here = folder();
    let [logs, plain] = ["logs", "plain"].map(|name| here.path().join(name));
    TinyLog::default().write(&logs);
    run("preprocess {} --out {} -q", &[&logs, &plain]).expect(0);
    let same = |out: &str| {
        for name in ["sequences.parquet", "enrolments.parquet", "courses.parquet"] {
            let of = |folder: &Path| fs::read(folder.join(name)).expect("a file");
            assert!(of(&plain) == of(&here.path().join(out)), "{out}: {name}");
        }
    };
    let rest = "logs/enrollment.csv logs/date.csv logs/truth.csv";
    for (out, input) in [("substituted", "<(cat logs/log.csv)"), ("packed", "<(gzip -c logs/log.csv)")] {
        shell(here.path(), &format!("\"$STAYCAST\" preprocess {input} {rest} --out {out} -q")).expect(0);
        same(out);
    }
    for (out, input) in [("standard", "-"), ("device", "/dev/stdin")] {
        let line = format!("cat logs/log.csv | \"$STAYCAST\" preprocess {input} {rest} --out {out} -q");
        shell(here.path(), &line).expect(0);
        same(out);
    }
    let line =
        format!("mkfifo fifo && (cat logs/log.csv > fifo &) && \"$STAYCAST\" preprocess fifo {rest} --out named -q");
    shell(here.path(), &line).expect(0);
    same("named");
    // Tables that options name may be pipes too.
    let line = "\"$STAYCAST\" preprocess logs --courses <(cat logs/date.csv) --labels <(printf 'enrollment_id,label\\n'; \
                cat logs/truth.csv) --out tables -q";
    shell(here.path(), line).expect(0);
    shell(here.path(), "\"$STAYCAST\" inspect <(cat logs/log.csv) logs/enrollment.csv logs/date.csv").expect(0);
    let silent = format!("mkfifo silent && \"$STAYCAST\" preprocess silent {rest} --out nothing -q");
    shell(here.path(), &silent).expect(1).complains(&["silent", "nobody wrote to this pipe"]);
    assert!(!here.path().join("nothing").exists());
    let line = format!("\"$STAYCAST\" preprocess /dev/zero {rest} --out nothing -q");
    shell(here.path(), &line).expect(1).complains(&["/dev/zero", "is a device", "into a file"]);
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_come_lossy_and_marked_in_json() {
    use std::os::unix::ffi::OsStrExt;
    let here = folder();
    let odd = |name: &str| here.path().join(OsStr::from_bytes(&[name.as_bytes(), b"-\xff"].concat()));
    let workshop = Workshop::open();
    let [logs, sequences, trained, scores, report, archive, imported, simulated, recalibrated, table] =
        ["logs", "seq", "run", "scores", "report", "a", "imported", "sim", "again", "t"].map(odd);
    TinyLog::default().write(&logs);
    let lossy = |words: &str, paths: &[&Path]| {
        let ran = staycast(odd_arguments(words, paths)).expect(0);
        let json = ran.json();
        assert_eq!(json["lossy"], true, "{words}: {json}");
        assert!(json.to_string().contains("-\u{fffd}"), "{words}: {json}");
    };
    fs::rename(logs.join("log.csv"), logs.join(OsStr::from_bytes(b"log-\xff.csv"))).expect("renamed");
    lossy("preprocess {} --out {} --json", &[&logs, &table]);
    let manifest = fs::read_to_string(table.join("manifest.json")).expect("text");
    assert!(manifest.contains("\"file\": \"log-\u{fffd}.csv\",\n      \"lossy\": true"), "{manifest}");
    lossy("inspect {} --json", &[&logs]);
    lossy("preprocess {} --out {} --json", &[&workshop.logs(), &sequences]);
    lossy("inspect {} --json", &[&sequences]);
    lossy(&format!("train {{}} --out {{}} --model lstm --split time {SMALL} --json"), &[&sequences, &trained]);
    lossy("inspect {} --json", &[&trained]);
    for line in ["sequences verify {} --json", "sequences seal {} --json"] {
        lossy(line, &[&sequences]);
    }
    for line in ["runs verify {} --json", "runs seal {} --json"] {
        lossy(line, &[&trained]);
    }
    lossy("score {} {} --out {} --json", &[&trained, &sequences, &scores.with_extension("csv")]);
    lossy("recalibrate {} {} --out {} --json", &[&trained, &sequences, &recalibrated]);
    lossy("runs export {} --out {} --json", &[&trained, &archive.with_extension("tar")]);
    lossy("runs import {} --out {} --json", &[&archive.with_extension("tar"), &imported]);
    lossy("simulate --out {} --learners 40 --json", &[&simulated]);
    let ran = staycast(odd_arguments("evaluate {} {} --out {} --json", &[&trained, &sequences, &report])).expect(0);
    ran.json();
    assert!(report.join("report.json").is_file());
    let ran = staycast(odd_arguments("runs {} --json", &[here.path()])).expect(0);
    ran.json();
    for name in ["model.safetensors", "config.toml"] {
        assert!(
            fs::read(trained.join(name)).expect("a file") == fs::read(imported.join(name)).expect("a file"),
            "{name}"
        );
    }
}

/// Splits a line as [`arguments`] does, with paths that need not be text.
fn odd_arguments(line: &str, paths: &[&Path]) -> Vec<OsString> {
    let mut paths = paths.iter();
    line.split(' ')
        .map(|word| match word {
            "{}" => paths.next().expect("a path for each {}").as_os_str().to_owned(),
            word => word.into(),
        })
        .collect()
}

/// Runs a line with little address space, in KiB.
fn with_memory(kib: u64, line: &str, paths: &[&Path]) -> Ran {
    let mut bash = Command::new("bash");
    bash.args(["-c", "ulimit -v \"$1\"; shift; exec \"$@\"", "bash", &kib.to_string(), env!("CARGO_BIN_EXE_staycast")]);
    Ran::of(bash.args(arguments(line, paths)).output().expect("bash runs"))
}

#[cfg(target_os = "linux")]
#[test]
fn little_address_space_is_an_error_or_enough() {
    let here = folder();
    let workshop = Workshop::open();
    let (logs, sequences, trained) = (workshop.logs(), workshop.sequences(), workshop.run());
    let out = |name: &str| -> PathBuf { here.path().join(name) };
    let train = format!("train {{}} --out {{}} --split time -q {SMALL}");
    // Without room for the program itself, which is 150 MiB in tests, the loader fails before it begins.
    for (number, mebibytes) in [200, 300, 600, 1_200].into_iter().enumerate() {
        for (line, paths) in [
            ("preprocess {} --out {} -q", vec![logs.clone(), out(&format!("s{number}"))]),
            (train.as_str(), vec![sequences.clone(), out(&format!("r{number}"))]),
            ("score {} {} --out {} -q", vec![trained.clone(), sequences.clone(), out(&format!("{number}.csv"))]),
            ("evaluate {} {} --out {} -q", vec![trained.clone(), sequences.clone(), out(&format!("e{number}"))]),
            ("simulate --out {} --learners 40 -q", vec![out(&format!("l{number}"))]),
        ] {
            let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
            let ran = with_memory(mebibytes << 10, line, &paths);
            assert!(matches!(ran.status, Some(0 | 1)), "{mebibytes} MiB: {line}: {:?}\n{}", ran.status, ran.stderr);
            assert!(!ran.stderr.contains("panicked"), "{mebibytes} MiB: {line}\n{}", ran.stderr);
            assert!(ran.status == Some(0) || ran.stderr.contains("error: "), "{line}\n{}", ran.stderr);
        }
    }
}

/// Runs a line that may start few threads: those of a user who has no others, where root may change users.
#[cfg(target_os = "linux")]
fn with_threads(most: u32, line: &str, paths: &[&Path]) -> Ran {
    // Who is root may start as many as they like: the limit holds for another user without root's rights to pass it.
    let other = "$([ \"$(id -u)\" = 0 ] && echo setpriv --ruid=60123 --bounding-set=-sys_resource,-sys_admin)";
    let mut bash = Command::new("bash");
    bash.args(["-c", &format!("exec {other} prlimit --nproc=\"$1\" -- \"${{@:2}}\""), "bash", &most.to_string()]);
    Ran::of(bash.arg(env!("CARGO_BIN_EXE_staycast")).args(arguments(line, paths)).output().expect("bash runs"))
}

#[cfg(target_os = "linux")]
#[test]
fn few_threads_are_an_error_or_enough() {
    let here = folder();
    let workshop = Workshop::open();
    let packed = here.path().join("packed");
    TinyLog::default().write(&packed);
    assert!(Command::new("gzip").arg(packed.join("log.csv")).status().expect("gzip").success());
    let (logs, sequences, trained) = (workshop.logs(), workshop.sequences(), workshop.run());
    let out = |name: &str| -> PathBuf { here.path().join(name) };
    let train = format!("train {{}} --out {{}} --split time -q {SMALL}");
    for most in [1, 2, 3, 4, 5, 6, 7, 9] {
        for (line, paths) in [
            ("preprocess {} --out {} -q", vec![logs.clone(), out(&format!("s{most}"))]),
            ("preprocess {} --out {} -q --threads 3", vec![packed.clone(), out(&format!("p{most}"))]),
            (train.as_str(), vec![sequences.clone(), out(&format!("r{most}"))]),
            ("score {} {} --out {} -q", vec![trained.clone(), sequences.clone(), out(&format!("{most}.csv"))]),
            ("simulate --out {} --learners 40 -q", vec![out(&format!("l{most}"))]),
        ] {
            let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
            let ran = with_threads(most, line, &paths);
            assert!(matches!(ran.status, Some(0 | 1)), "{most} threads: {line}: {:?}\n{}", ran.status, ran.stderr);
            assert!(!ran.stderr.contains("panicked"), "{most} threads: {line}\n{}", ran.stderr);
            let says_so = ran.stderr.contains("error: ") && ran.stderr.contains("thread");
            assert!(ran.status == Some(0) || says_so, "{most} threads: {line}\n{}", ran.stderr);
            // A training that has begun can be resumed.
            let is_made = paths.last().expect("an output").exists();
            assert!(is_made == (ran.status == Some(0)) || line.starts_with("train"), "{most} threads: {line}");
            // Not even the thread that commands run on can be started.
            assert!(most > 1 || ran.status == Some(1), "{line}");
        }
    }
}
