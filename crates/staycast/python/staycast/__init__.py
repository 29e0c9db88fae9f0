"""Starts Staycast's commands from Python and reads the folders that they write.

A table is read as Arrow, pandas or polars, whichever is asked for:

>>> import staycast
>>> weeks = staycast.open_sequences("sequences").weeks.pandas()  # doctest: +SKIP
"""

from staycast._commands import (
    Outcome,
    StaycastError,
    binary,
    compare,
    evaluate,
    inspect,
    preprocess,
    run,
    score,
    simulate,
    train,
    tune,
)
from staycast._folders import Report, Run, Sequences, Table, open_report, open_run, open_scores, open_sequences

__all__ = [
    "Outcome",
    "Report",
    "Run",
    "Sequences",
    "StaycastError",
    "Table",
    "binary",
    "compare",
    "evaluate",
    "inspect",
    "open_report",
    "open_run",
    "open_scores",
    "open_sequences",
    "preprocess",
    "run",
    "score",
    "simulate",
    "train",
    "tune",
]
