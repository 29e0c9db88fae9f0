"""Opens what the commands write: sequences, runs, reports and scores."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, Sequence, Union

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

PathLike = Union[str, "os.PathLike[str]"]


class Table:
    """Reads one table file (Parquet, CSV or JSON lines) as Arrow, pandas or polars."""

    def __init__(self, path: PathLike) -> None:
        self.path = Path(path)
        self._kind = self.path.suffix.lower()
        if self._kind not in (".parquet", ".csv", ".jsonl"):
            raise ValueError(f"{self.path}: a table is a .parquet, .csv or .jsonl file")
        if not self.path.is_file():
            raise FileNotFoundError(f"{self.path}: there is no such file")

    def __repr__(self) -> str:
        return f"Table({str(self.path)!r})"

    def arrow(self, columns: Optional[Sequence[str]] = None) -> "pyarrow.Table":
        """Reads the table with pyarrow; ``columns`` reads these alone."""
        if self._kind == ".parquet":
            import pyarrow.parquet

            return pyarrow.parquet.read_table(self.path, columns=_listed(columns))
        if self._kind == ".csv":
            import pyarrow.csv

            table = pyarrow.csv.read_csv(self.path)
        else:
            import pyarrow.json

            table = pyarrow.json.read_json(self.path)
        return table if columns is None else table.select(_listed(columns))

    def pandas(self, columns: Optional[Sequence[str]] = None) -> "pandas.DataFrame":
        """Reads the table with pandas; ``columns`` reads these alone."""
        import pandas

        if self._kind == ".parquet":
            return pandas.read_parquet(self.path, columns=_listed(columns))
        if self._kind == ".csv":
            frame = pandas.read_csv(self.path)
        else:
            frame = pandas.read_json(self.path, lines=True)
        return frame if columns is None else frame[_listed(columns)]

    def polars(self, columns: Optional[Sequence[str]] = None) -> "polars.DataFrame":
        """Reads the table with polars; ``columns`` reads these alone."""
        import polars

        if self._kind == ".parquet":
            return polars.read_parquet(self.path, columns=_listed(columns))
        frame = polars.read_csv(self.path) if self._kind == ".csv" else polars.read_ndjson(self.path)
        return frame if columns is None else frame.select(_listed(columns))


def _listed(columns: Optional[Sequence[str]]) -> Optional[list[str]]:
    return None if columns is None else list(columns)


class _Folder:
    """Checks that a folder is of one kind, by its manifest, and keeps both."""

    kind: str
    made_by: str

    def __init__(self, path: PathLike) -> None:
        self.path = Path(path)
        manifest = self.path / "manifest.json"
        if not manifest.is_file():
            raise FileNotFoundError(f"{self.path}: there is no manifest.json; was it written by {self.made_by}?")
        #: What the folder says of itself: the content of manifest.json.
        self.manifest: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
        if self.manifest.get("kind") != self.kind:
            raise ValueError(f"{self.path}: its manifest.json is not that of {self.made_by}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"


class Sequences(_Folder):
    """Opens a folder that ``staycast preprocess`` wrote."""

    kind = "staycast-sequences"
    made_by = "staycast preprocess"

    @property
    def weeks(self) -> Table:
        """One row for each enrolment and week, with the features."""
        return Table(self.path / "sequences.parquet")

    @property
    def enrolments(self) -> Table:
        """One row for each enrolment: learner, course, dates, label."""
        return Table(self.path / "enrolments.parquet")

    @property
    def courses(self) -> Table:
        """One row for each course: its calendar."""
        return Table(self.path / "courses.parquet")

    @property
    def features(self) -> list[dict[str, Any]]:
        """Name, unit and meaning of each feature."""
        return self.manifest["features"]


class Run(_Folder):
    """Opens a folder that ``staycast train`` wrote."""

    kind = "staycast-run"
    made_by = "staycast train"

    @property
    def config(self) -> dict[str, Any]:
        """The complete configuration that the run was trained with."""
        return tomllib.loads((self.path / "config.toml").read_text(encoding="utf-8"))

    @property
    def epochs(self) -> Table:
        """One row for each epoch of each network: losses and AUC while it trained."""
        return Table(self.path / "metrics.jsonl")

    @property
    def out_of_fold(self) -> Optional[Table]:
        """The predictions of a cross-validation; ``None`` for a run with one test part."""
        path = self.path / "out_of_fold.parquet"
        return Table(path) if path.is_file() else None


class Report:
    """Opens a folder that ``staycast evaluate --out`` wrote."""

    def __init__(self, path: PathLike) -> None:
        self.path = Path(path)
        report = self.path / "report.json"
        if not report.is_file():
            raise FileNotFoundError(f"{self.path}: there is no report.json; was it written by staycast evaluate --out?")
        #: The content of report.json.
        self.figures: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))

    def __repr__(self) -> str:
        return f"Report({str(self.path)!r})"

    @property
    def predictions(self) -> Table:
        """One row for each enrolment that was evaluated."""
        return Table(self.path / "predictions.parquet")

    @property
    def page(self) -> Path:
        """The report as one page of HTML."""
        return self.path / "report.html"

    def _repr_html_(self) -> str:
        """Shows the page inside a notebook."""
        from html import escape

        page = escape(self.page.read_text(encoding="utf-8"), quote=True)
        return f'<iframe srcdoc="{page}" width="100%" height="800" style="border:0"></iframe>'


def open_sequences(folder: PathLike) -> Sequences:
    """Opens a folder of weekly sequences."""
    return Sequences(folder)


def open_run(folder: PathLike) -> Run:
    """Opens a trained run."""
    return Run(folder)


def open_report(folder: PathLike) -> Report:
    """Opens the folder of a report."""
    return Report(folder)


def open_scores(file: PathLike) -> Table:
    """Opens a file of scores."""
    return Table(file)
