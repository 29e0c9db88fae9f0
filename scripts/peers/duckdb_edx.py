"""Computes weekly sequences of Open edX's tracking logs with DuckDB.

usage: python3 duckdb_edx.py LOG OUT.parquet [SEQUENCES_FOLDER]

Writes the core columns (counts by activity, active days, distinct objects, sessions, seconds) for each learner, course and
week, by Staycast's definitions (docs/definitions.md, and formats/edx for the log). LOG is a file of JSON lines, or a pattern
of such files, without comments or text before the JSON. A course begins on the day of its first event that is more than
an enrolment, and ends on that of the last.

Given a folder of Staycast's sequences of the same log, the script compares the two cell by cell; exit status 1 if any
differs. Needs the Python package duckdb (written for 2.0).
"""

import sys

import duckdb

from edx_events import CHANGES, COUNTED, COURSE_PATH, PARTS, rules

log, out = sys.argv[1:3]


def activity_of(name):
    """Makes the SQL expression that maps the column `name` to an activity."""
    def groups(is_whole):
        by_activity = {}
        for text, whole, activity in rules():
            if whole == is_whole:
                by_activity.setdefault(activity, []).append(text)
        return by_activity

    whole = [f"when {name} in ({', '.join(map(repr, names))}) then '{activity}'" for activity, names in groups(True).items()]
    begun = [f"when starts_with({name}, '{text}') then '{activity}'" for text, is_whole, activity in rules() if not is_whole]
    return f"case {' '.join(whole + begun)} end"


parts = " ".join(f"when part in ({', '.join(map(repr, words))}) then '{activity}'" for activity, words in PARTS.items())
changes = ", ".join(map(repr, CHANGES))
con = duckdb.connect()
con.execute("set preserve_insertion_order = false; set TimeZone = 'UTC'")
con.execute(f"""
create temp table events as select * exclude (text) from (
with lines as (
    select trim(username) as learner, date_trunc('second', try_cast(time as timestamptz))::timestamp as time, coalesce(name, '') as name,
           coalesce(event_type, '') as event_type, trim(coalesce(context.course_id, '')) as course, event,
           case when event_type like '/%' or event_type like 'http%' then event_type end as request, page
    from read_json('{log}', format = 'newline_delimited', ignore_errors = true, maximum_object_size = 4194304, columns = {{
        'username': 'VARCHAR', 'time': 'VARCHAR', 'name': 'VARCHAR', 'event_type': 'VARCHAR', 'page': 'VARCHAR',
        'event': 'VARCHAR', 'context': 'STRUCT(course_id VARCHAR)'}})
    where trim(coalesce(username, '')) not in ('', 'anonymous') and try_cast(time as timestamptz) is not null),
found as (
    select *, case when request is not null or course = '' then regexp_extract(coalesce(request, page, ''), '{COURSE_PATH}', 1) end as path_course,
           case when request is not null then regexp_extract(request, '{COURSE_PATH}', 2) end as part
    from lines)
select learner, time, coalesce(nullif(course, ''), nullif(path_course, ''), json_extract_string(try_cast(event as json), '$.course_id')) as course,
       coalesce({activity_of("name")}, {activity_of("event_type")}, case {parts} end, 'other') as activity,
       coalesce(nullif(name, ''), event_type) in ({changes}) as is_change,
       case when request is not null then split_part(request, '?', 1) else coalesce(
           nullif(json_extract_string(data, '$.problem_id'), ''), nullif(json_extract_string(data, '$.problem'), ''),
           nullif(json_extract_string(data, '$.id'), ''), nullif(json_extract_string(data, '$.chapter'), '')) end as text,
       case when text is not null then hash(text) end as object
from (select *, case when request is null then try_cast(event as json) end as data from found)
where coalesce(nullif(course, ''), nullif(path_course, ''), json_extract_string(try_cast(event as json), '$.course_id')) is not null)""")
counts = ", ".join(f"count(*) filter (activity = '{name}') as n_{name}" for name in COUNTED)
con.execute(f"""
create temp table weeks as
with courses as (
    select course, coalesce(min(time) filter (not is_change), min(time))::date as first_day,
           coalesce(max(time) filter (not is_change), max(time))::date as last_day
    from events group by all),
rows as (
    select e.*, floor(epoch(e.time - c.first_day::timestamp) / 604800)::int as week
    from events e join courses c using (course) where e.time < c.last_day::timestamp + interval 1 day),
gaps as (
    select *, epoch(time) - epoch(lag(time) over (partition by course, learner order by time)) as gap from rows)
select course || '/' || learner as enrolment_id, course as course_id, week, {counts}, count(*) as n_events,
       count(distinct time::date) as active_days, count(distinct object) as objects,
       count(*) filter (gap is null or gap > 1800) as sessions,
       coalesce(sum(gap) filter (gap <= 1800), 0)::bigint as seconds
from gaps where week >= 0 group by all""")
con.execute(f"copy (from weeks order by all) to '{out}' (format parquet)")
if len(sys.argv) > 3:
    columns = [f"n_{name}" for name in COUNTED] + ["n_events", "active_days", "objects", "sessions", "seconds"]
    ours = f"(select * from read_parquet('{sys.argv[3]}/sequences.parquet') where observed)"
    cells = ", ".join(f"count(*) filter (o.{c} is distinct from coalesce(w.{c}, 0)) as {c}" for c in columns)
    answer = con.execute(f"select count(*), sum(o.n_events), {cells} from {ours} o left join weeks w using (enrolment_id, week)").fetchone()
    missing = con.execute(f"select count(*) from weeks w anti join {ours} o using (enrolment_id, week)").fetchone()[0]
    different = {c: n for c, n in zip(columns, answer[2:]) if n}
    print(f"{answer[0]} enrolment-weeks, {answer[1]} events compared; {missing} of DuckDB's weeks missing")
    print("cells that differ:", different or "none")
    sys.exit(1 if missing or different else 0)
