"""Tests the Python module of the wheel, with pyarrow, pandas and polars. Run by scripts/test-packages."""

import tempfile
import unittest
import warnings
from pathlib import Path

import staycast


class EndToEnd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        folder = cls.folder = Path(cls.temporary.name)
        staycast.simulate(out=folder / "logs", learners=400, weeks=6, courses=4, seed=1)
        cls.built = staycast.preprocess(folder / "logs", out=folder / "sequences")
        staycast.train(folder / "sequences", out=folder / "run", model="logistic")
        cls.report = staycast.evaluate(
            folder / "run", folder / "sequences", week=4, out=folder / "report", resamples=0, check_leakage="never"
        )
        for kind in ("parquet", "csv", "jsonl"):
            staycast.score(folder / "run", folder / "sequences", out=folder / f"scores.{kind}")

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def test_commands_return_what_they_print(self):
        self.assertFalse(self.built.rejected)
        auc = self.report["cohorts"]["all"]["auc"]
        self.assertTrue(0.5 < auc <= 1.0, auc)

    def test_sequences_open_as_arrow_pandas_and_polars_alike(self):
        weeks = staycast.open_sequences(self.folder / "sequences").weeks
        columns = ["enrolment_id", "week", "n_events"]
        arrow, pandas, polars = weeks.arrow(columns), weeks.pandas(columns), weeks.polars(columns)
        self.assertEqual(arrow.column_names, columns)
        self.assertEqual(list(pandas.columns), columns)
        self.assertEqual(polars.columns, columns)
        self.assertEqual(arrow.num_rows, len(pandas))
        self.assertEqual(arrow.num_rows, polars.height)
        total = sum(value for value in arrow["n_events"].to_pylist() if value is not None)
        self.assertEqual(total, int(pandas["n_events"].sum()))
        self.assertEqual(total, int(polars["n_events"].sum()))

    def test_counts_are_64_bits_as_polars_sums_32_bits_in_32(self):
        weeks = staycast.open_sequences(self.folder / "sequences").weeks
        types = {str(weeks.arrow([name]).schema.field(name).type) for name in ("n_events", "seconds")}
        self.assertEqual(types, {"int64"})

    def test_scores_open_from_each_kind_of_file(self):
        tables = {kind: staycast.open_scores(self.folder / f"scores.{kind}") for kind in ("parquet", "csv", "jsonl")}
        rows = {kind: table.pandas().shape[0] for kind, table in tables.items()}
        self.assertEqual(len(set(rows.values())), 1, rows)
        for table in tables.values():
            self.assertIn("p_dropout", table.polars().columns)
            self.assertIn("p_dropout", table.arrow(["p_dropout"]).column_names)

    def test_run_and_report_open(self):
        run = staycast.open_run(self.folder / "run")
        self.assertEqual(run.config["model"]["kind"], "logistic")
        report = staycast.open_report(self.folder / "report")
        self.assertEqual(report.figures["week"], 4)
        self.assertGreater(report.predictions.polars().height, 0)
        self.assertIn("<iframe", report._repr_html_())

    def test_a_folder_of_another_kind_is_refused(self):
        with self.assertRaises(ValueError):
            staycast.open_run(self.folder / "sequences")
        with self.assertRaises(FileNotFoundError):
            staycast.open_sequences(self.folder / "logs")

    def test_a_command_that_fails_says_why(self):
        with self.assertRaises(staycast.StaycastError) as caught:
            staycast.train(self.folder / "nowhere", out=self.folder / "other")
        self.assertEqual(caught.exception.status, 1)
        self.assertIn("nowhere", str(caught.exception))
        with self.assertRaises(staycast.StaycastError) as caught:
            staycast.run("score", no_such_flag=True)
        self.assertEqual(caught.exception.status, 2)

    def test_rejected_input_warns_and_is_said(self):
        log = self.folder / "damaged"
        log.mkdir()
        for file in (self.folder / "logs").glob("*.csv"):
            text = file.read_text()
            (log / file.name).write_text(text + "broken,row\n" * 500 if file.name.startswith("log") else text)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            built = staycast.preprocess(log, out=self.folder / "damaged-sequences", max_rejected=0.0)
        self.assertTrue(built.rejected)
        self.assertTrue(caught)


if __name__ == "__main__":
    unittest.main()
