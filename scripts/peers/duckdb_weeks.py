"""Computes weekly sequences of a KDD Cup 2015 log with DuckDB, and compares them with Staycast's cell by cell.

usage: python3 duckdb_weeks.py LOG_FOLDER SEQUENCES_FOLDER

The SQL follows the same definitions (docs/definitions.md). Weeks are counted by floor division from the course's first
day. A gap over 1,800 seconds starts a session and adds no time. A session counts in the week of its first event, the
seconds of a gap in the week of its later event.

Prints the number of enrolment-weeks and events compared, and the cells that differ; exit status 1 if any does. Needs the
Python package duckdb (written for 2.0).
"""

import glob
import sys

import duckdb

logs, sequences = sys.argv[1:3]
KINDS = {
    "n_access": ["access"],
    "n_navigate": ["nagivate", "navigate"],
    "n_video": ["video"],
    "n_problem": ["problem"],
    "n_discussion": ["discussion"],
    "n_wiki": ["wiki"],
    "n_page_close": ["page_close"],
}
COLUMNS = [*KINDS, "n_events", "active_days", "objects", "sessions", "seconds"]


def only(pattern):
    """Lists the files of a pattern, of which there must be one or more."""
    found = sorted(glob.glob(f"{logs}/{pattern}"))
    if not found:
        sys.exit(f"{logs}: no {pattern}")
    return found


def count(kinds):
    """Makes the SQL expression that counts events of some kinds."""
    names = ", ".join(f"'{kind}'" for kind in kinds)
    return f"count(*) filter (event in ({names}))"


con = duckdb.connect()
con.execute(f"""
create table weeks as
with rows as (
    select l.enrollment_id, l.time, l.event, l.object, c."from"::timestamp as start,
           floor(epoch(l.time - c."from"::timestamp) / 604800)::int as week
    from read_csv({only("log*.csv*")}, header = true, columns = {{
        'enrollment_id': 'VARCHAR', 'time': 'TIMESTAMP', 'source': 'VARCHAR', 'event': 'VARCHAR', 'object': 'VARCHAR'}}) l
    join read_csv({only("enrollment*.csv*")}, all_varchar = true) e using (enrollment_id)
    join read_csv({only("date.csv*")}) c using (course_id)
    where l.time < c."to"::timestamp + interval 1 day),
gaps as (
    select *, epoch(time) - epoch(lag(time) over (partition by enrollment_id order by time)) as gap from rows)
select enrollment_id, week, {", ".join(f"{count(kinds)} as {name}" for name, kinds in KINDS.items())},
       count(*) as n_events, count(distinct time::date) as active_days, count(distinct object) as objects,
       count(*) filter (gap is null or gap > 1800) as sessions,
       coalesce(sum(gap) filter (gap <= 1800), 0)::bigint as seconds
from gaps where week >= 0 group by all""")
ours = f"read_parquet('{sequences}/sequences.parquet')"
both = f"""
select o.enrolment_id, o.week, {", ".join(f"o.{c} as ours_{c}, coalesce(w.{c}, 0) as theirs_{c}" for c in COLUMNS)}
from (select * from {ours} where observed) o
left join weeks w on w.enrollment_id = o.enrolment_id and w.week = o.week"""
rows, events = con.execute(f"select count(*), sum(ours_n_events) from ({both})").fetchone()
missing = con.execute(f"""
select count(*) from weeks w left join {ours} o on w.enrollment_id = o.enrolment_id and w.week = o.week
where o.week is null or not o.observed""").fetchone()[0]
different = {c: con.execute(f"select count(*) from ({both}) where ours_{c} is distinct from theirs_{c}").fetchone()[0] for c in COLUMNS}
print(f"{rows} enrolment-weeks, {events} events compared; {missing} of DuckDB's weeks missing")
print("cells that differ:", {c: n for c, n in different.items() if n} or "none")
sys.exit(1 if missing or any(different.values()) else 0)
