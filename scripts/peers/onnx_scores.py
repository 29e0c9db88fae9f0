"""Scores a run's networks, exported by `staycast runs onnx`, with ONNX Runtime, and compares the result with Staycast's.

usage: python3 onnx_scores.py RUN MODEL.onnx SEQUENCES SCORES.parquet

SCORES.parquet is the output of `staycast score RUN SEQUENCES --out`. The inputs are computed here from the sequences and the
run's scaler.json, without Staycast's code: transformed, standardised, limited, with nulls as the mean. The logits are
calibrated with calibration.json. Prints JSON: the number of rows compared, and the greatest difference of a probability. Needs
onnxruntime and pyarrow.
"""

import argparse
import json
import pathlib

import numpy as np
import onnxruntime
import pyarrow.parquet as parquet

FIXED = {"pre_start_events": "pre_start_events", "pre_start_active_days": "pre_start_active_days", "enrolled_day": "enrolled_day"}


def table(path):
    """Reads a Parquet file as lists by column."""
    read = parquet.read_table(path)
    return {name: read[name].to_pylist() for name in read.column_names}


def column(source, people, courses, weekly, place, weeks):
    """Computes one input for every enrolment and week, NaN where null."""
    [(kind, about)] = source.items()
    values = np.full((len(place), weeks), np.nan, dtype=np.float32)
    if kind in ("weekly", "null"):
        inside = [(place[key], week, value) for key, week, value in
                  zip(zip(weekly["course_id"], weekly["enrolment_id"]), weekly["week"], weekly[about["feature"]]) if week < weeks]
        for row, week, value in inside:
            if value is not None:
                values[row, week] = value
        return np.isnan(values).astype(np.float32) if kind == "null" else values
    for row, (course, _) in enumerate(place):
        if kind == "fixed":
            value = people[FIXED[about["number"]]][row]
            values[row] = np.nan if value is None else value
        elif kind == "static":
            values[row] = float((people[about["column"]][row] or "") == about["value"])
        else:
            days, first = courses[course]
            ends = np.minimum(first + 7 * np.arange(weeks), days)
            values[row] = np.arange(weeks) if about["position"] == "week" else np.maximum((days - ends) / 7, 0)
    return values


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("run", type=pathlib.Path)
parser.add_argument("model")
parser.add_argument("sequences", type=pathlib.Path)
parser.add_argument("scores")
given = parser.parse_args()

scaler = json.loads((given.run / "scaler.json").read_text())
fitted = json.loads((given.run / "calibration.json").read_text())["weeks"]
weeks = json.loads((given.run / "manifest.json").read_text())["weeks"]
people, weekly = table(given.sequences / "enrolments.parquet"), table(given.sequences / "sequences.parquet")
about = table(given.sequences / "courses.parquet")
courses = {name: (days, first) for name, days, first in zip(about["course_id"], about["days"], about["first_week_days"])}
place = {key: row for row, key in enumerate(zip(people["course_id"], people["enrolment_id"]))}

inputs = np.zeros((len(place), weeks, len(scaler["columns"])), dtype=np.float32)
for number, one in enumerate(scaler["columns"]):
    values = column(one["source"], people, courses, weekly, place, weeks)
    if one["transform"] == "signed_log":
        values = np.sign(values) * np.log1p(np.abs(values))
    scaled = (values.astype(np.float64) - one["mean"]) / one["deviation"]
    inputs[:, :, number] = np.where(np.isnan(scaled), 0, np.clip(scaled, -scaler["clip"], scaler["clip"]))

session = onnxruntime.InferenceSession(given.model, providers=["CPUExecutionProvider"])
logits = session.run(None, {session.get_inputs()[0].name: inputs})[0][:, :, 0].astype(np.float64)

scores = table(given.scores)
differences = []
for course, enrolment, week, p, reason in zip(
        scores["course_id"], scores["enrolment_id"], scores["week"], scores["p_dropout"], scores["reason"]):
    # A row with a reason is of an earlier week than the requested one, and is not compared.
    if p is None or reason:
        continue
    of_week = fitted[str(week)]["calibration"]
    assert of_week["method"] == "platt", of_week
    logit = of_week["slope"] * logits[place[(course, enrolment)], week - 1] + of_week["intercept"]
    differences.append(abs(1 / (1 + np.exp(-logit)) - p))
print(json.dumps({"onnxruntime": onnxruntime.__version__, "rows": len(differences), "greatest": max(differences, default=None)}))
