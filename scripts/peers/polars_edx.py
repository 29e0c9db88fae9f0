"""Computes weekly sequences of Open edX's tracking logs with polars (streaming).

usage: python3 polars_edx.py LOG OUT.parquet

Writes the same columns as duckdb_edx.py, from the same kind of log. Needs the Python package polars (written for 2.1).
"""

import sys

import polars as pl

from edx_events import CHANGES, COUNTED, COURSE_PATH, PARTS, rules

log, out = sys.argv[1:3]
text = pl.String
schema = {"username": text, "time": text, "name": text, "event_type": text, "page": text, "event": text,
          "context": pl.Struct({"course_id": text})}


def activity_of(column):
    """Makes the expression that maps a column of names to an activity."""
    whole = {name: activity for name, is_whole, activity in rules() if is_whole}
    found = pl.col(column).replace_strict(whole, default=None, return_dtype=text)
    for name, is_whole, activity in rules():
        if not is_whole:
            found = pl.coalesce(found, pl.when(pl.col(column).str.starts_with(name)).then(pl.lit(activity)))
    return found


def given(path):
    """Makes the expression of a member of the data, null if it is empty."""
    value = pl.col("data").str.json_path_match(path)
    return pl.when(value != "").then(value)


lines = pl.scan_ndjson(log, schema=schema, ignore_errors=True).with_columns(
    learner=pl.col("username").str.strip_chars(), name=pl.col("name").fill_null(""), event_type=pl.col("event_type").fill_null(""),
    course=pl.col("context").struct.field("course_id").str.strip_chars().fill_null(""),
    time=pl.col("time").str.slice(0, 19).str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False))
lines = lines.filter(~pl.col("learner").fill_null("").is_in(["", "anonymous"]) & pl.col("time").is_not_null())
is_request = pl.col("event_type").str.starts_with("/") | pl.col("event_type").str.starts_with("http")
lines = lines.with_columns(
    request=pl.when(is_request).then(pl.col("event_type")), data=pl.when(~is_request).then(pl.col("event")))
url = pl.when(pl.col("request").is_not_null() | (pl.col("course") == "")).then(pl.coalesce("request", "page"))
lines = lines.with_columns(path_course=url.str.extract(COURSE_PATH, 1), part=pl.col("request").str.extract(COURSE_PATH, 2))
parts = {word: activity for activity, words in PARTS.items() for word in words}
lines = lines.select(
    "learner", "time",
    course=pl.coalesce(pl.when(pl.col("course") != "").then(pl.col("course")), "path_course", given("$.course_id")),
    activity=pl.coalesce(
        activity_of("name"), activity_of("event_type"),
        pl.when(pl.col("request").is_not_null()).then(pl.col("part").fill_null("").replace_strict(parts, default="other", return_dtype=text)),
        pl.lit("other")),
    is_change=pl.when(pl.col("name") != "").then(pl.col("name")).otherwise(pl.col("event_type")).is_in(CHANGES),
    object=pl.coalesce(
        pl.col("request").str.split("?").list.first(), given("$.problem_id"), given("$.problem"), given("$.id"), given("$.chapter")))
# A hash takes less memory than a text; null stays null.
lines = lines.with_columns(object=pl.when(pl.col("object").is_not_null()).then(pl.col("object").hash()))
events = lines.filter(pl.col("course").is_not_null()).collect(engine="streaming").lazy()
interaction_time = pl.col("time").filter(~pl.col("is_change"))
courses = events.group_by("course").agg(
    first_day=pl.coalesce(interaction_time.min(), pl.col("time").min()).dt.date(),
    last_day=pl.coalesce(interaction_time.max(), pl.col("time").max()).dt.date())
start = pl.col("first_day").cast(pl.Datetime)
rows = events.join(courses, on="course").filter(pl.col("time") < pl.col("last_day").cast(pl.Datetime) + pl.duration(days=1))
rows = rows.with_columns(week=((pl.col("time") - start) / pl.duration(days=7)).floor().cast(pl.Int32)).sort("course", "learner", "time")
rows = rows.with_columns(
    gap=(pl.col("time") - pl.col("time").shift(1)).dt.total_seconds(),
    same=(pl.col("course") == pl.col("course").shift(1)) & (pl.col("learner") == pl.col("learner").shift(1)))
rows = rows.with_columns(new=~pl.col("same").fill_null(False) | (pl.col("gap") > 1800))
rows = rows.with_columns(dwell=pl.when("new").then(0).otherwise("gap")).filter(pl.col("week") >= 0)
counts = [(pl.col("activity") == name).sum().alias(f"n_{name}") for name in COUNTED]
weeks = rows.group_by("course", "learner", "week").agg(
    *counts, n_events=pl.len(), active_days=pl.col("time").dt.date().n_unique(),
    objects=pl.col("object").drop_nulls().n_unique(), sessions=pl.col("new").sum(), seconds=pl.col("dwell").sum())
weeks.sort("course", "learner", "week").collect(engine="streaming").write_parquet(out)
