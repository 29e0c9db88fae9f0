//! Every command that writes, in one table: what the attacks on outputs go through.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::common::{Ran, command, copy_of, courses_of, folder, simulate, staycast};

/// Settings that train in an instant.
const TINY: &str = "--device cpu --set model.hidden=4 --set training.epochs=1 --set ensemble.members=1 \
                    --set ensemble.validation_folds=2";

/// Names what a command writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// A file whose name ends so.
    File(&'static str),
    Folder,
}

/// Says what a command does about an older output of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Older {
    Refused,
    Replaced,
    /// With this flag.
    ReplacedWith(&'static str),
    /// Adds what is missing.
    GoneOnWith,
}

/// Holds a command that writes.
#[derive(Debug)]
pub(crate) struct Writing {
    /// As in the command reference.
    pub(crate) name: &'static str,
    /// Its arguments, with `{out}`, and names of [`Materials`] in braces.
    line: &'static str,
    pub(crate) output: Output,
    pub(crate) older: Older,
}

/// Lists all of them. `the_table_has_every_command_that_writes` compares it with the command reference.
pub(crate) const WRITING: [Writing; 23] = [
    Writing {
        name: "preprocess",
        line: "preprocess {logs} --out {out} --quiet",
        output: Output::Folder,
        older: Older::ReplacedWith("--force"),
    },
    Writing {
        name: "train",
        line: "train {sequences} --out {out} --quiet --resume --device cpu --set model.hidden=4 --set training.epochs=3 \
               --set ensemble.members=2 --set ensemble.validation_folds=2",
        output: Output::Folder,
        older: Older::GoneOnWith,
    },
    Writing {
        name: "evaluate",
        line: "evaluate {evaluated} {sequences} --out {out} --quiet --device cpu --resamples 0 --check-leakage never",
        output: Output::Folder,
        older: Older::Replaced,
    },
    Writing {
        name: "score",
        line: "score {run} {sequences} --out {out} --quiet --device cpu",
        output: Output::File("csv"),
        older: Older::Replaced,
    },
    Writing {
        name: "messages draft",
        line: "messages draft {worklist}/worklist.jsonl --contacts {worklist}/people.csv --sender a@example.org \
               --at 2024-03-04T12:00:00 --max-rejected 1 --out {out} --quiet",
        output: Output::Folder,
        older: Older::GoneOnWith,
    },
    Writing {
        name: "messages templates",
        line: "messages templates --out {out} --quiet",
        output: Output::Folder,
        older: Older::Refused,
    },
    Writing {
        name: "experiment new",
        line: "experiment new --name test --arms message --population {scores}/scores.csv --effect 0.4 --out {out} --quiet",
        output: Output::Folder,
        older: Older::Refused,
    },
    Writing {
        name: "experiment report",
        line: "experiment report {experiment} {sequences} --out {out} --quiet",
        output: Output::Folder,
        older: Older::Replaced,
    },
    Writing {
        name: "recommend",
        line: "recommend {logs} --week 3 --out {out} --quiet",
        output: Output::File("csv"),
        older: Older::Replaced,
    },
    Writing {
        name: "explain",
        line: "explain {run} {sequences} --out {out} --quiet --device cpu",
        output: Output::File("jsonl"),
        older: Older::Replaced,
    },
    Writing {
        name: "worklist",
        line: "worklist {run} {sequences} --capacity 5 --out {out} --quiet --device cpu",
        output: Output::File("csv"),
        older: Older::Replaced,
    },
    Writing {
        name: "recalibrate",
        line: "recalibrate {run} {sequences} --out {out} --quiet --device cpu",
        output: Output::Folder,
        older: Older::Refused,
    },
    Writing {
        name: "mapping new",
        line: "mapping new {table}/clicks.csv --out {out} --quiet",
        output: Output::File("toml"),
        older: Older::Refused,
    },
    Writing {
        name: "compare",
        line: "compare {sequences} --out {out} --quiet --device cpu --models days-since-last,rules --resamples 100",
        output: Output::Folder,
        older: Older::GoneOnWith,
    },
    Writing {
        name: "transfer",
        line: "transfer {tasks} --sequences simulated={sequences} --out {out} --quiet --device cpu --models rules",
        output: Output::Folder,
        older: Older::GoneOnWith,
    },
    Writing {
        name: "tune",
        line: "tune {sequences} --out {out} --quiet --device cpu --model tree --trials 2 --set ensemble.members=1",
        output: Output::Folder,
        older: Older::GoneOnWith,
    },
    Writing {
        name: "runs export",
        line: "runs export {run} --out {out} --quiet",
        output: Output::File("tar.zst"),
        older: Older::Refused,
    },
    Writing {
        name: "runs onnx",
        line: "runs onnx {run} --out {out} --quiet",
        output: Output::File("onnx"),
        older: Older::Replaced,
    },
    Writing {
        name: "runs import",
        line: "runs import {archive}/run.tar.zst --out {out} --quiet",
        output: Output::Folder,
        older: Older::Refused,
    },
    Writing {
        name: "bench",
        line: "bench --sequences {sequences} --out {out} --quiet --device flex --shapes 2,3,4,16 --rounds 1",
        output: Output::File("json"),
        older: Older::Replaced,
    },
    Writing {
        name: "simulate",
        line: "simulate --out {out} --quiet --learners 60 --weeks 6",
        output: Output::Folder,
        older: Older::ReplacedWith("--force"),
    },
    Writing {
        name: "demo",
        line: "demo --out {out} --quiet --learners 200 --device cpu",
        output: Output::Folder,
        older: Older::Refused,
    },
    Writing { name: "man", line: "man --out {out} --quiet", output: Output::Folder, older: Older::Replaced },
];

/// Returns all that end in about a second. The demo is the others one after the other, and a bench measures for a while.
pub(crate) fn quick() -> impl Iterator<Item = &'static Writing> {
    WRITING.iter().filter(|writing| !["demo", "bench"].contains(&writing.name))
}

impl Writing {
    pub(crate) fn named(name: &str) -> &'static Self {
        WRITING.iter().find(|writing| writing.name == name).expect("it is in the table")
    }

    /// Returns a name for the output.
    pub(crate) fn file_name(&self, stem: &str) -> String {
        match self.output {
            Output::File(ending) => format!("{stem}.{ending}"),
            Output::Folder => stem.to_owned(),
        }
    }

    /// Returns the inputs that it reads, by name.
    pub(crate) fn inputs(&self) -> Vec<&'static str> {
        ["logs", "sequences", "run", "evaluated", "archive", "table", "tasks", "scores", "experiment", "worklist"]
            .into_iter()
            .filter(|name| self.line.contains(&format!("{{{name}}}")))
            .collect()
    }

    /// Returns its arguments; with the flag by which it replaces an older output, if it has one and `replacing`.
    pub(crate) fn arguments(&self, materials: &Path, out: &Path, replacing: bool) -> Vec<String> {
        let word = |word: &str| {
            let mut word = word.replace("{out}", &out.display().to_string());
            for name in self.inputs() {
                word = word.replace(&format!("{{{name}}}"), &materials.join(name).display().to_string());
            }
            word
        };
        let flag = match self.older {
            Older::ReplacedWith(flag) if replacing => Some(flag.to_owned()),
            _ => None,
        };
        self.line.split_whitespace().map(word).chain(flag).collect()
    }

    pub(crate) fn run(&self, materials: &Path, out: &Path) -> Ran {
        staycast(self.arguments(materials, out, false))
    }

    pub(crate) fn run_replacing(&self, materials: &Path, out: &Path) -> Ran {
        staycast(self.arguments(materials, out, true))
    }

    pub(crate) fn command_replacing(&self, materials: &Path, out: &Path) -> Command {
        command(self.arguments(materials, out, true))
    }
}

/// Holds what the commands read, made once: `logs`, `sequences`, `run`, `archive`, `table`, `tasks`, `scores`, `worklist`,
/// `evaluated`, a run for evaluations, which are recorded in it, and `experiment`, which records looks.
pub(crate) struct Materials {
    folder: TempDir,
}

impl Materials {
    pub(crate) fn open() -> &'static Path {
        static MATERIALS: OnceLock<Materials> = OnceLock::new();
        let materials = MATERIALS.get_or_init(|| {
            let materials = Self { folder: folder() };
            let at = |name: &str| materials.folder.path().join(name);
            simulate(150, &at("logs"));
            let run = |line: &str, paths: &[&Path]| crate::common::run(line, paths).expect(0);
            run("preprocess {} --out {} --quiet", &[&at("logs"), &at("sequences")]);
            run(
                &format!("train {{}} --out {{}} --model lstm --split time --quiet {TINY}"),
                &[&at("sequences"), &at("run")],
            );
            copy_of(&at("run"), &at("evaluated"));
            run("runs export {} --out {} --quiet", &[&at("run"), &at("archive/run.tar.zst")]);
            let courses = courses_of(&at("sequences"));
            let tasks = format!(
                "[[tasks]]\nname = \"forth\"\nsequences = \"simulated\"\nweek = 2\ntrain = {:?}\ntest = {:?}\n",
                &courses[..3],
                &courses[3..]
            );
            fs::write(at("tasks"), tasks).expect("writable");
            copy_of(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/table")), &at("table"));
            copy_of(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/worklist")), &at("worklist"));
            fs::create_dir(at("scores")).expect("writable");
            let scores = at("scores").join("scores.csv");
            run("score {} {} --out {} --week 2 --quiet --device cpu", &[&at("run"), &at("sequences"), &scores]);
            run(
                "experiment new --name test --arms message --population {} --effect 0.4 --out {} --quiet",
                &[&scores, &at("experiment")],
            );
            run("experiment assign {} {} --quiet", &[&at("experiment"), &scores]);
            materials
        });
        materials.folder.path()
    }

    /// Copies all of them, for an attack that would destroy them.
    pub(crate) fn copy(to: &Path) {
        copy_of(Self::open(), to);
    }
}

/// Lists what is under `folder` by names that drafts have: left by killed processes, or of living ones.
pub(crate) fn leftovers_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            if name.starts_with('.') {
                found.push(path);
            } else if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Checks that nothing unfinished is under a folder.
#[track_caller]
pub(crate) fn assert_clean(folder: &Path, said: &str) {
    let left = leftovers_in(folder);
    assert!(left.is_empty(), "{said}: {left:?}");
}
