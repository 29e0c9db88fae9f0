//! Programs that are ended at any moment, by what can be caught and by what can't.
#![cfg(unix)]

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{bytes_of, folder, names_in, run, simulate, staycast};
use crate::damage::{Random, rounds};
use crate::outputs::weeks_of_report;
use crate::writing::{Materials, Older, Output as Written, Writing, assert_clean, leftovers_in, quick};

const KILL: i32 = 9;
const TERM: i32 = 15;
const INT: i32 = 2;
const HUP: i32 = 1;

fn send(child: &Child, signal: i32) {
    let sent = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).stderr(Stdio::null()).status();
    sent.expect("kill runs");
}

/// Makes the program heed signals that whoever runs the tests ignores, as `nohup` does. What is ignored when a program starts
/// stays ignored.
pub(crate) fn heeding_signals(mut command: Command) -> Command {
    // SAFETY: between fork and exec, the call is allowed.
    unsafe {
        command.pre_exec(|| {
            for signal in [HUP, INT, TERM] {
                libc::signal(signal, libc::SIG_DFL);
            }
            Ok(())
        });
    }
    command
}

/// Prepares the program with these arguments, so that it heeds signals.
fn command<I: IntoIterator<Item: AsRef<OsStr>>>(arguments: I) -> Command {
    heeding_signals(crate::common::command(arguments))
}

/// Starts a command, and sends a signal after a time.
fn interrupt(command: Command, signal: i32, after: Duration) -> Output {
    let mut command = heeding_signals(command);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    thread::sleep(after);
    send(&child, signal);
    child.wait_with_output().expect("it ends")
}

/// Returns an output as it can be compared from run to run: without times.
fn content(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    match path.is_dir() {
        true => bytes_of(path).into_iter().collect(),
        false => vec![(PathBuf::new(), fs::read(path).unwrap_or_default())],
    }
}

/// Checks that an output is whole: `clean` is the same made without an interruption.
fn check_whole(writing: &Writing, out: &Path, clean: &Path, said: &str) {
    match writing.name {
        // Their runs are finished one by one, and gone on with; what compares them comes at the end. No system names two
        // files in one step, so what can't be caught may leave one of them: none at all is asked of that.
        "train" | "compare" | "transfer" | "tune" if said.contains("by signal 9") => {}
        "train" | "compare" | "transfer" | "tune" => {
            for [json, text] in [["comparison.json", "comparison.txt"], ["transfer.json", "transfer.txt"]] {
                let [json, text] = [json, text].map(|name| (name, out.join(name).exists()));
                assert_eq!(json.1, text.1, "{said}: one alone of {} and {}", json.0, text.0);
            }
        }
        // Pages of a folder that may hold others: each of them is whole.
        "man" => {
            let clean = bytes_of(clean);
            let is_draft = |name: &Path| name.to_string_lossy().starts_with('.');
            let pages = bytes_of(out).into_iter().filter(|(name, _)| !is_draft(name));
            pages.for_each(|(name, page)| assert!(clean.get(&name) == Some(&page), "{said}: {}", name.display()));
        }
        // Each look at a run's test part is counted in the report.
        "evaluate" => {
            let names = |of: &Path| bytes_of(of).into_keys().collect::<Vec<_>>();
            assert_eq!(names(out), names(clean), "{said}");
            let weeks = weeks_of_report(out);
            assert!(weeks.len() == 3 && weeks.iter().all(|(_, week)| *week == weeks[0].1), "{said}: {weeks:?}");
        }
        _ => assert!(content(out) == content(clean), "{said}: {:?}", names_in(out.parent().expect("a folder"))),
    }
}

/// Tells whether nobody but its owner can look into a file or folder.
fn is_private(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 == 0)
}

#[test]
fn whatever_ends_a_command_leaves_the_old_whole_or_the_new_whole() {
    let materials = Materials::open();
    let mut random = Random::new(2024);
    let writings: Vec<&Writing> = quick().collect();
    let clean = folder();
    let mut interrupted = 0;
    for round in 0..rounds(14) {
        let writing = writings[usize::try_from(round).expect("small") % writings.len()];
        let finished = clean.path().join(writing.file_name(&writing.name.replace(' ', "-")));
        let marker = finished.with_extension("seconds");
        if !finished.exists() {
            let begun = Instant::now();
            writing.run(materials, &finished).expect(0);
            fs::write(&marker, begun.elapsed().as_secs_f64().to_string()).expect("writable");
        }
        let seconds: f64 = fs::read_to_string(&marker).expect("written").parse().expect("a number");
        let signal = [KILL, TERM, INT, HUP][random.below(4)];
        let after =
            Duration::from_secs_f64(seconds * f64::from(u32::try_from(random.below(1100)).expect("small")) / 1e3);

        let here = folder();
        let out = here.path().join(writing.file_name("out"));
        let is_older = random.below(2) == 0 && writing.older != Older::Refused;
        if is_older {
            writing.run(materials, &out).expect(0);
        }
        let temporary = here.path().join("tmp");
        fs::create_dir(&temporary).expect("a new folder");
        let mut command = writing.command_replacing(materials, &out);
        command.env("TMPDIR", &temporary);
        let ended = interrupt(command, signal, after);
        let stderr = String::from_utf8_lossy(&ended.stderr);
        let said =
            format!("round {round}: {} by signal {signal} after {after:?}, older {is_older}: {stderr}", writing.name);
        assert!(!stderr.contains("panicked"), "{said}");
        let finished_first = ended.status.success();
        if !finished_first {
            interrupted += 1;
            assert_eq!(ended.status.signal(), Some(signal), "{said}: {:?}", ended.status);
        }
        let left = leftovers_in(here.path());
        if signal == KILL {
            let parents = |path: &PathBuf| path.parent() == Some(here.path()) || path.parent() == Some(&temporary);
            // A file that was just made is open for an instant, and empty.
            let has_content = |path: &&PathBuf| path.is_dir() || fs::metadata(path).is_ok_and(|found| found.len() > 0);
            for path in left.iter().filter(|path| parents(path)).filter(has_content) {
                assert!(is_older || is_private(path), "{said}: {} is open to all", path.display());
            }
        } else {
            assert!(left.is_empty(), "{said}: {left:?}");
        }
        if out.exists() && (finished_first || writing.output != Written::Folder || writing.older != Older::GoneOnWith) {
            check_whole(writing, &out, &finished, &said);
        } else {
            assert!(!is_older || writing.older == Older::GoneOnWith, "{said}: the older output is gone");
        }
        // The next command that writes there cleans up, whatever it writes.
        let next = Writing::named("mapping new");
        next.run(materials, &here.path().join("next.toml")).expect(0);
        let left: Vec<PathBuf> =
            leftovers_in(here.path()).into_iter().filter(|path| path.parent() == Some(here.path())).collect();
        assert!(left.is_empty(), "{said}: {left:?}");
        // And the same command comes to its end.
        let mut again = writing.command_replacing(materials, &out);
        again.env("TMPDIR", &temporary);
        let again = again.output().expect("it runs");
        let refused = out.exists() && writing.older == Older::Refused;
        assert!(again.status.success() || refused, "{said}: then {}", String::from_utf8_lossy(&again.stderr));
        assert_clean(here.path(), &said);
        check_whole(writing, &out, &finished, &said);
    }
    assert!(interrupted > 0, "everything was faster than its signal");
}

#[test]
fn an_interrupted_demo_leaves_no_folder() {
    let here = folder();
    let out = here.path().join("demo");
    let line = crate::common::arguments("demo --out {} --learners 400 --device cpu --quiet", &[&out]);
    let child = command(line).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts");
    wait_for(|| out.join("sequences/manifest.json").is_file().then_some(()));
    send(&child, TERM);
    assert_eq!(child.wait_with_output().expect("it ends").status.signal(), Some(TERM));
    assert_eq!(names_in(here.path()), [""; 0]);
}

/// Starts `preprocess -` and feeds it a part of a log, so that it waits for the rest.
fn reading_standard_input(here: &Path, log: &Path) -> Child {
    let line = "preprocess - --format edx --courses {} --labels {} --out {}";
    let paths = [&*log.join("courses.csv"), &*log.join("labels.csv"), &*here.join("sequences")];
    let mut command = command(crate::common::arguments(line, &paths));
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let text = fs::read_dir(log).expect("readable").map(|entry| entry.expect("an entry").path());
    let text = text.filter(|path| path.to_string_lossy().contains("tracking")).min().expect("a log");
    let text = fs::read(text).expect("readable");
    child.stdin.as_mut().expect("piped").write_all(&text[..text.len().min(20_000)]).expect("it reads");
    child
}

/// Waits until `found` finds something.
fn wait_for<T>(found: impl Fn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it never came");
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_log_from_standard_input_is_private_and_does_not_outlive_its_command() {
    let here = folder();
    let log = here.path().join("log");
    run("simulate --format edx --learners 40 --weeks 6 --out {} --quiet", &[&log]).expect(0);
    for signal in [KILL, TERM, HUP] {
        let place = here.path().join(format!("place-{signal}"));
        fs::create_dir(&place).expect("a new folder");
        let child = reading_standard_input(&place, &log);
        let kept = wait_for(|| {
            let folder = leftovers_in(&place).into_iter().next()?;
            let file = fs::read_dir(&folder).ok()?.next()?.ok()?.path();
            fs::metadata(&file).is_ok_and(|found| found.len() > 0).then_some((folder, file))
        });
        assert!(is_private(&kept.0) && is_private(&kept.1), "{kept:?}");
        send(&child, signal);
        let ended = child.wait_with_output().expect("it ends");
        assert_eq!(ended.status.signal(), Some(signal));
        if signal == KILL {
            assert!(kept.1.is_file());
            // Another command, in the same place.
            Writing::named("mapping new").run(Materials::open(), &place.join("next.toml")).expect(0);
            assert_eq!(names_in(&place), ["next.toml"]);
        } else {
            assert!(String::from_utf8_lossy(&ended.stderr).contains("interrupted by SIG"), "{ended:?}");
            assert_eq!(names_in(&place), [""; 0]);
        }
    }
}

#[test]
fn an_interrupted_training_says_how_to_go_on_and_a_second_signal_ends_it_at_once() {
    let here = folder();
    let materials = Materials::open();
    let out = here.path().join("run");
    let line = "train {} --out {} --device cpu --quiet --set model.hidden=64 --set training.epochs=500 \
                --set training.patience=500 --set ensemble.members=8";
    let start = |extra: &str| {
        let line = format!("{line}{extra}");
        let arguments = crate::common::arguments(&line, &[&materials.join("sequences"), &out]);
        command(arguments).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts")
    };
    let child = start("");
    wait_for(|| out.join("checkpoints/started.json").is_file().then_some(()));
    send(&child, INT);
    let ended = child.wait_with_output().expect("it ends");
    assert_eq!(ended.status.signal(), Some(INT));
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert!(stderr.contains("interrupted by SIGINT") && stderr.contains("go on with --resume"), "{stderr}");
    assert_clean(here.path(), "after the interruption");
    let child = start(" --resume");
    thread::sleep(Duration::from_millis(700));
    send(&child, TERM);
    send(&child, TERM);
    let ended = child.wait_with_output().expect("it ends");
    assert_eq!(ended.status.signal(), Some(TERM));
}

#[test]
fn a_build_with_a_checkpoint_is_kept_and_gone_on_with() {
    let here = folder();
    let (log, plain) = (here.path().join("log"), here.path().join("plain"));
    run("simulate --format edx --learners 400 --weeks 10 --out {} --quiet", &[&log]).expect(0);
    let line = "preprocess {} --courses {} --labels {} --out {} --checkpoint 1MB";
    let arguments =
        |out: &Path| crate::common::arguments(line, &[&log, &log.join("courses.csv"), &log.join("labels.csv"), out]);
    staycast(arguments(&plain)).expect(0);
    let place = here.path().join("place");
    fs::create_dir(&place).expect("a new folder");
    let out = place.join("sequences");
    let journal = || leftovers_in(&place).into_iter().find(|path| path.join("journal.json").is_file());
    for _ in 0..20 {
        let mut command = command(arguments(&out));
        let child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts");
        while journal().is_none() && !out.exists() {
            thread::sleep(Duration::from_micros(200));
        }
        send(&child, TERM);
        let ended = child.wait_with_output().expect("it ends");
        if ended.status.success() {
            fs::remove_dir_all(&out).expect("ours");
            continue;
        }
        assert_eq!(ended.status.signal(), Some(TERM));
        if let Some(journal) = journal() {
            let stderr = String::from_utf8_lossy(&ended.stderr);
            assert!(stderr.contains("go on with --resume"), "{stderr}");
            assert!(is_private(&journal));
            // Others do not take it away.
            Writing::named("mapping new").run(Materials::open(), &place.join("next.toml")).expect(0);
            assert!(journal.is_dir());
            staycast(arguments(&out).into_iter().chain(["--resume".to_owned()])).expect(0);
            assert!(bytes_of(&out) == bytes_of(&plain));
            assert_eq!(names_in(&place), ["next.toml", "sequences"]);
            return;
        }
    }
    panic!("no build was caught after its first checkpoint");
}

#[test]
fn what_the_user_ignores_stays_ignored() {
    let here = folder();
    let log = here.path().join("log");
    simulate(40, &log);
    let out = here.path().join("sequences");
    let script = "trap '' HUP; \"$@\" & child=$!; sleep 0.05; kill -HUP $child; wait $child";
    let arguments = crate::common::arguments("preprocess {} --out {} --quiet", &[&log, &out]);
    let ended = Command::new("sh")
        .args(["-c", script, "sh", env!("CARGO_BIN_EXE_staycast")])
        .args(arguments)
        .output()
        .expect("sh runs");
    assert!(ended.status.success(), "{ended:?}");
    assert!(out.is_dir());
}
