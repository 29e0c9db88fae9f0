//! Hostile places to write to: links, pipes, devices, inputs, folders with files of others in them.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::{bytes_of, copy_of, folder, names_in, run, run_with_file_limit, run_with_umask, staycast};
use crate::damage::{Random, rounds};
use crate::writing::{Materials, Older, Output, WRITING, Writing, assert_clean, quick};

#[test]
fn the_table_has_every_command_that_writes() {
    let reference = staycast(["command-reference"]).expect(0).stdout;
    let (mut command, mut found) = ("", BTreeSet::new());
    for line in reference.lines() {
        if let Some(name) = line.trim_start_matches('#').strip_prefix(" staycast ") {
            command = name;
        } else if line.starts_with("- `--out <") {
            found.insert(command);
        }
    }
    // `man` is for packagers, and hidden.
    found.insert("man");
    let table: BTreeSet<&str> = WRITING.iter().map(|writing| writing.name).collect();
    assert_eq!(found, table, "a command with --out needs a row in tests/attacks/writing.rs");
}

/// Everything that is at a path: the bytes of a file, or of the files of a folder.
fn content(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    match path.is_dir() {
        true => bytes_of(path).into_iter().collect(),
        false => vec![(PathBuf::new(), fs::read(path).unwrap_or_default())],
    }
}

#[test]
fn links_are_followed_and_stay_links() {
    let materials = Materials::open();
    for writing in quick() {
        let here = folder();
        let at = |stem: &str| here.path().join(writing.file_name(stem));
        symlink(writing.file_name("there/target"), at("dangling")).expect("a new link");
        let ran = writing.run(materials, &at("dangling"));
        assert!(fs::symlink_metadata(at("dangling")).expect("there").is_symlink(), "{}", writing.name);
        if ran.status == Some(0) {
            assert!(at("there/target").exists(), "{}: {}", writing.name, ran.stderr);
        } else {
            assert!(ran.stderr.contains("dangling") && !at("there/target").exists(), "{}", ran.stderr);
            continue;
        }
        // A link to what is there: an older output is replaced where the command replaces it, with its mode.
        symlink(writing.file_name("there/target"), at("link")).expect("a new link");
        let mode = if writing.output == Output::Folder { 0o750 } else { 0o640 };
        fs::set_permissions(at("there/target"), fs::Permissions::from_mode(mode)).expect("ours");
        let before = content(&at("there/target"));
        let ran = writing.run_replacing(materials, &at("link"));
        assert!(fs::symlink_metadata(at("link")).expect("there").is_symlink(), "{}", writing.name);
        match writing.older {
            Older::Refused => assert!(ran.status != Some(0) && ran.stderr.contains("link"), "{}", ran.stderr),
            _ => drop(ran.expect(0)),
        }
        let found = fs::metadata(at("there/target")).expect("there").permissions().mode() & 0o777;
        assert_eq!(found, mode, "{}", writing.name);
        if writing.older == Older::Refused {
            assert_eq!(content(&at("there/target")), before, "{}", writing.name);
        }
        assert_clean(here.path(), writing.name);
    }
}

#[test]
fn pipes_and_devices_are_written_to_or_refused_by_name() {
    let materials = Materials::open();
    for writing in WRITING.iter().filter(|writing| writing.name != "bench") {
        let here = folder();
        let at = |stem: &str| here.path().join(writing.file_name(stem));
        assert!(Command::new("mkfifo").arg(at("pipe")).status().expect("mkfifo runs").success());
        let _socket = UnixListener::bind(at("socket")).expect("a new socket");
        for (device, name) in [("/dev/null", "null"), ("/dev/full", "full")] {
            symlink(device, at(name)).expect("a new link");
        }
        fs::write(at("file"), "mine").expect("writable");
        fs::create_dir_all(at("folder").join("mine")).expect("a new folder");
        // Into a file, as a pipe of this test's own would be full before it is read.
        let read = tempfile::tempfile().expect("a new file");
        let sink = read.try_clone().expect("the same file");
        let mut reader = Command::new("cat").arg(at("pipe")).stdout(sink).spawn().expect("cat runs");
        let is_file = matches!(writing.output, Output::File(_));
        for place in ["pipe", "socket", "null", "full", if is_file { "folder" } else { "file" }] {
            let ran = writing.run_replacing(materials, &at(place));
            let name = format!("{} to a {place}: {}", writing.name, ran.stderr);
            let written = is_file && ["pipe", "null"].contains(&place);
            assert_eq!(ran.status == Some(0), written, "{name}");
            assert!(written || ran.stderr.contains(&at(place).display().to_string()), "{name}");
            assert!(!ran.stderr.contains("panicked"), "{name}");
        }
        let _ = reader.kill();
        reader.wait().expect("cat ends");
        assert_eq!(read.metadata().expect("there").len() > 0, is_file, "{}", writing.name);
        for (place, device) in [("null", "/dev/null"), ("full", "/dev/full")] {
            assert_eq!(fs::read_link(at(place)).expect("a link"), Path::new(device));
            assert!(fs::metadata(device).expect("there").file_type().is_char_device());
        }
        let kind = |place: &str| fs::symlink_metadata(at(place)).expect("there").file_type();
        assert!(kind("pipe").is_fifo() && kind("socket").is_socket(), "{}", writing.name);
        assert_eq!(fs::read(at("file")).expect("there"), b"mine");
        assert!(at("folder").join("mine").is_dir());
        assert_clean(here.path(), writing.name);
    }
}

#[test]
fn nothing_else_goes_to_the_standard_output_when_the_file_does() {
    let materials = Materials::open();
    for writing in quick().filter(|writing| matches!(writing.output, Output::File(_))) {
        let here = folder();
        let plain = here.path().join(writing.file_name("plain"));
        writing.run(materials, &plain).expect(0);
        let plain = fs::read(&plain).expect("written");
        for device in ["/dev/stdout", "/proc/self/fd/1"] {
            let mut arguments = writing.arguments(materials, Path::new(device), false);
            arguments.retain(|argument| argument != "--quiet");
            let ran = crate::common::command(&arguments).output().expect("it runs");
            let said = String::from_utf8(ran.stderr).expect("text");
            assert!(ran.status.success(), "{} to {device}: {said}", writing.name);
            assert!(ran.stdout == plain, "{} to {device}: other bytes than in a file", writing.name);
            assert!(said.contains(device), "{}: no summary: {said}", writing.name);
            arguments.push("--json".to_owned());
            let ran = staycast(&arguments).expect(2);
            assert!(ran.stderr.contains("--json prints"), "{}: {}", writing.name, ran.stderr);
        }
        // As a shell's `>` opens it.
        let redirected = here.path().join("redirected");
        let mut command = crate::common::command(writing.arguments(materials, Path::new("/dev/stdout"), false));
        let status = command.stdout(fs::File::create(&redirected).expect("writable")).status().expect("it runs");
        assert!(status.success() && fs::read(&redirected).expect("written") == plain, "{}", writing.name);
        let mut arguments = writing.arguments(materials, Path::new("/dev/null"), false);
        arguments.push("--json".to_owned());
        assert!(staycast(&arguments).expect(0).stdout.starts_with('{'), "{}", writing.name);
        let mut command = crate::common::command(&arguments);
        assert!(command.stdout(Stdio::null()).status().expect("it runs").success(), "{}", writing.name);
    }
}

#[test]
fn the_standard_output_can_be_the_output() {
    let materials = Materials::open();
    let here = folder();
    symlink("/dev/stdout", here.path().join("scores.csv")).expect("a new link");
    let out = here.path().join("plain.csv");
    Writing::named("score").run(materials, &out).expect(0);
    let plain = fs::read_to_string(&out).expect("written");
    // To a pipe, and to a file that the shell opened.
    let arguments = Writing::named("score").arguments(materials, &here.path().join("scores.csv"), false);
    assert_eq!(staycast(&arguments).expect(0).stdout, plain);
    let file = here.path().join("redirected");
    let mut command = crate::common::command(&arguments);
    let status = command.stdout(fs::File::create(&file).expect("writable")).status().expect("it runs");
    assert!(status.success());
    assert_eq!(fs::read_to_string(&file).expect("written"), plain);
}

/// Ways to name a file or folder: as it is, by `..`, by a link, and as another name of the same file.
fn other_names(path: &Path, here: &Path) -> Vec<PathBuf> {
    let name = path.file_name().expect("a name");
    let parent = path.parent().expect("a folder");
    let dotted = parent.join("..").join(parent.file_name().expect("a name")).join(name);
    let link = here.join("links").join(name);
    let second = here.join("seconds").join(name);
    for place in [&link, &second] {
        fs::create_dir_all(place.parent().expect("a folder")).expect("a new folder");
        let _ = fs::remove_file(place);
    }
    symlink(path, &link).expect("a new link");
    let mut names = vec![path.to_owned(), dotted, link];
    if path.is_file() {
        fs::hard_link(path, &second).expect("a second name");
        names.push(second);
    }
    names
}

#[test]
fn inputs_are_never_outputs() {
    let here = folder();
    let materials = here.path().join("materials");
    Materials::copy(&materials);
    let before = bytes_of(&materials);
    let mut random = Random::new(7);
    let mut tried = 0;
    for writing in WRITING.iter().filter(|writing| writing.name != "demo") {
        let mut places = Vec::new();
        for input in writing.inputs() {
            let input = materials.join(input);
            match writing.output {
                Output::Folder => places.push(input),
                Output::File(_) => {
                    let endings: &[&str] = match writing.name {
                        "score" => &["csv", "parquet", "jsonl"],
                        "worklist" => &["csv", "jsonl", "html", "txt", "parquet"],
                        "explain" => &["jsonl", "parquet", "html"],
                        "bench" => &["json", "svg", "txt"],
                        _ => &[""],
                    };
                    let all = bytes_of(&input).into_keys().map(|name| input.join(name));
                    places.extend(all.filter(|path| endings.iter().any(|end| path.to_string_lossy().ends_with(end))));
                }
            }
        }
        // Some of them each time, all in the long run.
        for place in places {
            for name in other_names(&place, here.path()) {
                if random.below(6) > 0 && rounds(0) == 0 && !name.ends_with("enrolments.parquet") {
                    continue;
                }
                tried += 1;
                let ran = writing.run_replacing(&materials, &name);
                let said = format!("{} --out {}: {}", writing.name, name.display(), ran.stderr);
                let own = matches!(writing.older, Older::Refused) && ran.status == Some(1);
                assert!(ran.status == Some(2) || own, "{said}");
                assert!(ran.stderr.contains(&name.display().to_string()), "{said}");
                assert!(bytes_of(&materials) == before, "{said}");
            }
        }
    }
    assert!(tried > 5, "{tried}");
    assert_clean(here.path(), "after all");
}

#[test]
fn files_of_settings_and_tables_are_inputs_too() {
    let here = folder();
    let materials = here.path().join("materials");
    Materials::copy(&materials);
    let at = |name: &str| materials.join(name);
    // The new names that a run could have: they would be taken for its own.
    for name in ["baselines.json.zst", "blend.json", "survival.json.zst"] {
        run("runs onnx {} --out {}", &[&at("run"), &at("run").join(name)]).expect(2).complains(&[name]);
        // Another folder's files are no models.
        run("runs onnx {} --out {}", &[&at("run"), &here.path().join(name)])
            .expect(2)
            .complains(&["end the name in .onnx"]);
        assert!(!at("run").join(name).exists());
    }
    let config = here.path().join("out/config.toml");
    fs::create_dir_all(here.path().join("out")).expect("a new folder");
    fs::copy(at("run/config.toml"), &config).expect("a copy");
    let before = fs::read(&config).expect("readable");
    let out = here.path().join("out");
    run("train {} --config {} --out {}", &[&at("sequences"), &config, &out]).expect(2).complains(&["config.toml"]);
    run("train {} --from {} --out {}", &[&at("sequences"), &at("run"), &at("run")]).expect(2);
    fs::rename(&config, out.join("best.toml")).expect("renamed");
    run("tune {} {} --out {} --model tree", &[&at("sequences"), &out.join("best.toml"), &out])
        .expect(2)
        .complains(&["best.toml"]);
    assert_eq!(fs::read(out.join("best.toml")).expect("kept"), before);
    for name in ["checkpoints", "manifest.json"] {
        run("evaluate {} {} --out {}", &[&at("run"), &at("sequences"), &at("run").join(name)]).expect(2);
        run("train {} --out {}", &[&at("sequences"), &at("sequences").join(name)]).expect(2);
    }
    // What is replaced as a whole holds no input.
    let logs = here.path().join("logs");
    run("simulate --out {} --learners 20 --weeks 6 --quiet", &[&logs]).expect(0);
    let before = bytes_of(&logs);
    run("simulate --config {} --out {} --force", &[&logs.join("simulator.toml"), &logs])
        .expect(2)
        .complains(&["simulator.toml"]);
    for flag in ["--labels", "--courses", "--mapping"] {
        let sequences = here.path().join("sequences");
        run("preprocess {} --out {} --force --quiet", &[&logs, &sequences]).expect(0);
        let inside = sequences.join("manifest.json");
        let line = format!("preprocess {{}} --out {{}} --force {flag} {{}}");
        let line = if flag == "--mapping" { format!("{line} --format table") } else { line };
        run(&line, &[&logs, &sequences, &inside]).expect(2).complains(&["manifest.json"]);
    }
    run("preprocess {} --out {} --force", &[&logs.join("log*.csv"), &logs]).expect(2).complains(&["log.csv"]);
    assert!(bytes_of(&logs) == before);
}

#[test]
fn what_others_put_into_a_folder_is_never_removed() {
    let materials = Materials::open();
    for name in ["preprocess", "simulate", "evaluate"] {
        let writing = Writing::named(name);
        let here = folder();
        let out = here.path().join("out");
        writing.run(materials, &out).expect(0);
        for foreign in
            ["notes.txt", "deep/er/notes.txt", ".hidden", "empty/", "figures/mine.svg", "figures/roc-all.png"]
        {
            let path = out.join(foreign);
            let parent = path.parent().expect("a folder").to_owned();
            let own_parent = parent.is_dir();
            if foreign.ends_with('/') {
                fs::create_dir(&path).expect("a new folder");
            } else {
                fs::create_dir_all(&parent).expect("a new folder");
                fs::write(&path, "mine").expect("writable");
            }
            let before = bytes_of(&out);
            let top = Path::new(foreign).components().next().expect("a name").as_os_str().to_str().expect("UTF-8");
            let named = if own_parent { foreign.trim_end_matches('/') } else { top };
            writing.run_replacing(materials, &out).expect(1).complains(&[&out.display().to_string(), named]);
            assert!(bytes_of(&out) == before && path.exists(), "{name} with {foreign}");
            let added = if own_parent { path } else { out.join(top) };
            if added.is_dir() { fs::remove_dir_all(added) } else { fs::remove_file(added) }.expect("ours");
        }
        writing.run_replacing(materials, &out).expect(0);
        // Without what says that the folder is Staycast's, it is never replaced.
        for manifest in ["manifest.json", "simulation.json", "report.json"] {
            let _ = fs::remove_file(out.join(manifest));
        }
        let before = bytes_of(&out);
        writing.run_replacing(materials, &out).expect(1).complains(&[&out.display().to_string()]);
        assert!(bytes_of(&out) == before, "{name}");
        assert_eq!(names_in(here.path()), ["out"]);
    }
}

/// Every file and folder under a path, and itself.
fn everything_at(path: &Path) -> Vec<PathBuf> {
    let mut found = vec![path.to_owned()];
    let mut next = 0;
    while let Some(path) = found.get(next).cloned() {
        next += 1;
        found.extend(fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()));
    }
    found
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o7777
}

#[test]
fn the_umask_and_older_modes_hold_for_every_command() {
    let materials = Materials::open();
    for writing in quick() {
        let here = folder();
        let out = here.path().join("above").join(writing.file_name("out"));
        let run =
            |umask, replacing| run_with_umask(umask, &writing.arguments(materials, &out, replacing).join(" "), &[]);
        run(0o077, false).expect(0);
        for path in everything_at(&here.path().join("above")) {
            assert_eq!(mode(&path) & 0o077, 0, "{}: {}", writing.name, path.display());
        }
        if writing.older == Older::Refused {
            continue;
        }
        // What is there keeps its mode, under a umask that would give another one.
        let all = everything_at(&out);
        run(0o022, true).expect(0);
        for path in all.iter().filter(|path| path.exists()) {
            assert_eq!(mode(path) & 0o077, 0, "{}: {}", writing.name, path.display());
        }
        assert_eq!(everything_at(&out).len(), all.len(), "{}", writing.name);
    }
}

/// The week that each file of a report is about, by name; files that are missing are left out.
pub(crate) fn weeks_of_report(out: &Path) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    if let Ok(json) = fs::read(out.join("report.json")) {
        let json: serde_json::Value = serde_json::from_slice(&json).expect("a whole file");
        found.push(("report.json", json["week"].to_string()));
    }
    for name in ["report.txt", "report.html"] {
        let Ok(text) = fs::read_to_string(out.join(name)) else { continue };
        let week = text.split("end of week ").nth(1).expect("it says so");
        found.push((name, week.chars().take_while(char::is_ascii_digit).collect()));
    }
    found
}

#[test]
fn a_report_on_a_full_disk_is_the_old_one_or_the_new_one() {
    let materials = Materials::open();
    let here = folder();
    let out = here.path().join("report");
    let line = "evaluate {} {} --out {} --quiet --device cpu --resamples 0 --check-leakage never --week 3";
    // Evaluations are recorded in a run, which grows.
    let evaluated = || {
        let _ = fs::remove_dir_all(here.path().join("run"));
        copy_of(&materials.join("run"), &here.path().join("run"));
    };
    evaluated();
    let paths = [&*here.path().join("run"), &*materials.join("sequences"), &*out];
    run(line, &paths).expect(0);
    let names = bytes_of(&out).len();
    let mut random = Random::new(12);
    let mut failed = 0;
    for round in 0..rounds(6) {
        let old = bytes_of(&out);
        evaluated();
        let week = 2 + round % 2;
        let blocks = u32::try_from(1 + random.below(400)).expect("small");
        let ran = run_with_file_limit(blocks, &line.replace("--week 3", &format!("--week {week}")), &paths);
        if ran.status == Some(0) {
            assert_eq!(bytes_of(&out).len(), names);
            assert!(weeks_of_report(&out).iter().all(|(_, found)| *found == week.to_string()), "round {round}");
        } else {
            failed += 1;
            assert!(ran.stderr.contains("cannot write"), "round {round}: {}", ran.stderr);
            assert!(!ran.stderr.contains(".draft-"), "round {round}: {}", ran.stderr);
            assert!(bytes_of(&out) == old, "round {round}, {blocks} blocks");
        }
        assert_eq!(names_in(here.path()), ["report", "run"], "round {round}");
    }
    assert!(failed > 0, "no disk was full");
}

#[test]
fn a_full_disk_leaves_the_old_whole_or_the_new_whole() {
    let materials = Materials::open();
    let mut random = Random::new(1);
    let writings: Vec<&Writing> = quick().collect();
    for round in 0..rounds(12) {
        let writing = writings[usize::try_from(round).expect("small") % writings.len()];
        let here = folder();
        let out = here.path().join(writing.file_name("out"));
        let line = writing.arguments(materials, &out, true).join(" ");
        let blocks = u32::try_from(random.below(if round % 2 == 0 { 8 } else { 100 })).expect("small");
        let ran = run_with_file_limit(blocks, &line, &[]);
        let said = format!("round {round}: {} with {blocks} blocks: {}", writing.name, ran.stderr);
        assert!(ran.status.is_some() && !ran.stderr.contains("panicked"), "{said}");
        assert_clean(here.path(), &said);
        if ran.status != Some(0) && writing.older != Older::GoneOnWith {
            assert!(!out.exists(), "{said}");
        }
        // With room, it goes on.
        if ran.status != Some(0) {
            writing.run(materials, &out).expect(0);
        }
    }
}
