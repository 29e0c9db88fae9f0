"""Starts the binary and turns its JSON and its exit status into Python values and errors."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
import warnings
from pathlib import Path
from typing import Any, Iterable, Union

PathLike = Union[str, "os.PathLike[str]"]

#: Exit status of a command that finished, but had to reject more input than allowed.
REJECTED = 3


class StaycastError(RuntimeError):
    """Says why a command failed, in the words that it printed.

    ``status`` is the exit status: 1 failed, 2 wrong usage.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Outcome(dict):
    """Holds the JSON object that a command printed.

    ``rejected`` tells whether more input was rejected than allowed (exit status 3).
    """

    rejected: bool = False


def binary() -> str:
    """Returns the path of the ``staycast`` binary.

    Looks at the environment variable STAYCAST_BINARY, then at the scripts of this Python, then along PATH.
    """
    named = os.environ.get("STAYCAST_BINARY")
    if named:
        return named
    name = "staycast.exe" if os.name == "nt" else "staycast"
    # A user installation keeps its scripts elsewhere.
    schemes = [sysconfig.get_default_scheme(), sysconfig.get_preferred_scheme("user")]
    for scheme in schemes:
        installed = Path(sysconfig.get_path("scripts", scheme)) / name
        if installed.is_file():
            return str(installed)
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError("there is no staycast binary; install the wheel, or name one in STAYCAST_BINARY")
    return found


def run(command: str, *arguments: PathLike, **options: Any) -> Outcome:
    """Runs ``staycast COMMAND ARGUMENTS --json`` and returns the JSON object that it prints.

    Keyword arguments become flags: ``target_week=4`` is ``--target-week 4``, ``True`` a flag alone, a list the flag
    once for each item; ``None`` and ``False`` leave it out. Raises StaycastError when the command fails. When it
    finished but rejected more input than allowed, it warns and sets ``rejected`` on what it returns.
    """
    line = [binary(), *command.split(), *map(os.fspath, arguments), *_flags(options), "--json"]
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode not in (0, REJECTED):
        message = done.stderr.strip() or f"staycast {command} ended with status {done.returncode}"
        raise StaycastError(message.removeprefix("error: "), done.returncode)
    outcome = Outcome(json.loads(done.stdout) if done.stdout.strip() else {})
    outcome.rejected = done.returncode == REJECTED
    if outcome.rejected:
        warnings.warn(f"staycast {command}: {done.stderr.strip()}", stacklevel=2)
    return outcome


def _flags(options: dict[str, Any]) -> Iterable[str]:
    for name, value in options.items():
        flag = "--" + name.strip("_").replace("_", "-")
        values = value if isinstance(value, (list, tuple)) else [value]
        for item in values:
            if item is None or item is False:
                continue
            yield flag
            if item is not True:
                yield os.fspath(item) if isinstance(item, os.PathLike) else str(item)


def preprocess(*inputs: PathLike, out: PathLike, **options: Any) -> Outcome:
    """Turns logs into a folder of weekly sequences; options as ``staycast preprocess --help`` lists them."""
    return run("preprocess", *inputs, out=out, **options)


def train(sequences: PathLike, out: PathLike, **options: Any) -> Outcome:
    """Trains a run on a folder of sequences; options as ``staycast train --help`` lists them."""
    return run("train", sequences, out=out, **options)


def evaluate(run_folder: PathLike, sequences: PathLike, **options: Any) -> Outcome:
    """Evaluates a run and returns the report; options as ``staycast evaluate --help`` lists them."""
    return run("evaluate", run_folder, sequences, **options)


def score(run_folder: PathLike, sequences: PathLike, out: PathLike, **options: Any) -> Outcome:
    """Scores every enrolment into a file, which ``open_scores`` reads."""
    return run("score", run_folder, sequences, out=out, **options)


def simulate(out: PathLike, **options: Any) -> Outcome:
    """Writes logs of synthetic learners into a folder; options as ``staycast simulate --help`` lists them."""
    return run("simulate", out=out, **options)


def compare(sequences: PathLike, out: PathLike, **options: Any) -> Outcome:
    """Trains every kind of model on the same rows and returns the comparison."""
    return run("compare", sequences, out=out, **options)


def tune(sequences: PathLike, out: PathLike, **options: Any) -> Outcome:
    """Searches for better settings and returns the trials."""
    return run("tune", sequences, out=out, **options)


def inspect(*paths: PathLike, **options: Any) -> Outcome:
    """Describes a log, a folder of sequences or a run."""
    return run("inspect", *paths, **options)
