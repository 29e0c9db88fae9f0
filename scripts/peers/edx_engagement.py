"""Counts weekly engagement in Open edX's tracking logs independently of Staycast, and compares it with its sequences.

usage: python3 edx_engagement.py LOG... [--week-ending YYYY-MM-DD]
       python3 edx_engagement.py LOG... --compare SEQUENCES_FOLDER [--week-ending YYYY-MM-DD]

The first form prints JSON, one line for each course, learner and week with any engagement. A week is named by its last day,
which is --week-ending or a multiple of seven days from it (Sundays without it).

The second form compares the columns `engagement_*` of a folder cell by cell. `staycast preprocess --week-ending` must have
written the folder with the same date; without a date, weeks run from the first day of each course in the folder. It prints
how many cells were compared and which differ; exit status 1 if any does. Counting needs Python's standard library alone;
--compare reads Parquet with the package duckdb.

Rules of edX's own pipeline (edx-analytics-pipeline: eventlog and data_api/student_engagement):

- An event counts if it has a time, a username that is not blank, an event_type and a valid course id in context.course_id
  (org/course/run, course-v1:org+course+run). Its `event` must be an object, JSON of one in a string, or the empty string,
  which stands for an empty object. Strings of 512 characters with a POST are cut off and do not count.
- Days are those of UTC. A learner's day is active with any event that counts, and with a vote received.
- problem_check of the server with a problem_id is an attempt, which is right if success is `correct`. Other problem_check
  events do not count, not even for the day. Problems attempted and correct are distinct problems of the week.
- play_video counts if it has an id, and otherwise not even for the day. Videos played are distinct videos of the week.
- edx.forum.{thread,response,comment}.created are posts, responses and comments.
- edx.forum.{thread,response}.voted are votes by vote_value, `up` or `down`, given by the learner and received by
  target_username; with undo_vote they count -1.
- book is a textbook page.

Both counts leave out `anonymous`, the name under which scripts of the platform log events of no learner.
"""

import argparse
import collections
import datetime
import json
import re
import sys

COLUMNS = ["days_active", "problems_attempted", "problem_attempts", "problems_correct", "videos_played", "posts", "responses",
           "comments", "upvotes_given", "downvotes_given", "upvotes_received", "downvotes_received", "textbook_pages"]
CREATED = {"edx.forum.thread.created": "posts", "edx.forum.response.created": "responses", "edx.forum.comment.created": "comments"}
PART = r"[^\s/?#%+]+"
OLD_PART = r"[^\s/?#%]+"
COURSE_ID = re.compile(rf"(?:(?:course|ccx)-v1:{PART}(?:\+{PART}){{2,}}|{OLD_PART}/{OLD_PART}/{OLD_PART})")
CUT_CHARACTERS = 512


class Week:
    """Counts what one learner did in one course in one week."""

    def __init__(self):
        self.days, self.attempted, self.correct, self.videos = set(), set(), set(), set()
        self.counts = collections.Counter()

    def row(self):
        """Returns the values of the columns."""
        distinct = {"days_active": self.days, "problems_attempted": self.attempted, "problems_correct": self.correct,
                    "videos_played": self.videos}
        return [len(distinct[name]) if name in distinct else self.counts[name] for name in COLUMNS]


def text(value):
    """Returns a string, or the empty string for any other value."""
    return value if isinstance(value, str) else ""


def members(value):
    """Parses the data of an event; None if it cannot be parsed."""
    if value == "":
        return {}
    if isinstance(value, str):
        if len(value) == CUT_CHARACTERS and "POST" in value:
            return None
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return value if isinstance(value, dict) else None


def day_of(time):
    """Returns the day of an instant in UTC; None if it is not an instant."""
    try:
        instant = datetime.datetime.fromisoformat(text(time).strip())
    except ValueError:
        return None
    return (instant.astimezone(datetime.timezone.utc) if instant.tzinfo else instant).date()


def facts(event):
    """Yields (learner, course, day, counted actions with their objects) of an event, for each learner whom it concerns."""
    learner, kind = text(event.get("username")).strip(), text(event.get("event_type"))
    context = event.get("context") if isinstance(event.get("context"), dict) else {}
    # An id with escaped characters is not valid.
    course = text(context.get("course_id")).strip()
    day, data = day_of(event.get("time")), members(event.get("event"))
    if learner in ("", "anonymous") or not kind or not COURSE_ID.fullmatch(course) or day is None or data is None:
        return
    what = []
    if kind == "problem_check":
        problem = text(data.get("problem_id"))
        if event.get("event_source") != "server" or not problem.strip():
            return
        what = [("problem_attempts", problem)]
        if text(data.get("success")).lower() == "correct":
            what.append(("problems_correct", problem))
    elif kind == "play_video":
        if not text(data.get("id")).strip():
            return
        what = [("videos_played", text(data["id"]))]
    elif kind in CREATED:
        what = [(CREATED[kind], None)]
    elif kind == "book":
        what = [("textbook_pages", None)]
    elif voted := re.match(r"edx\.forum\.(\w+)\.voted", kind):
        vote = data.get("vote_value")
        if vote not in ("up", "down"):
            return
        if voted[1] in ("thread", "response"):
            undone = "_undone" if data.get("undo_vote") is True else ""
            what = [(f"{vote}votes_given{undone}", None)]
            target = text(data.get("target_username")).strip()
            if target:
                yield target, course, day, [(f"{vote}votes_received{undone}", None)]
    yield learner, course, day, what


def weeks_of(paths, ending):
    """Counts the weeks of every learner in every course; `ending` returns the last day of some week of a course."""
    weeks = collections.defaultdict(Week)
    for path in paths:
        with open(path, encoding="utf-8") as log:
            for line in log:
                brace = line.find("{")
                if line.lstrip().startswith("#") or brace < 0:
                    continue
                try:
                    event = json.loads(line[brace:], strict=False)
                except ValueError:
                    continue
                for learner, course, day, what in facts(event):
                    last = ending(course)
                    if last is None:
                        continue
                    week = weeks[course, learner, day + datetime.timedelta((last - day).days % 7)]
                    week.days.add(day)
                    for name, thing in what:
                        if name == "problem_attempts":
                            week.attempted.add(thing)
                            week.counts[name] += 1
                        elif name == "problems_correct":
                            week.correct.add(thing)
                        elif name == "videos_played":
                            week.videos.add(thing)
                        elif name.endswith("_undone"):
                            week.counts[name.removesuffix("_undone")] -= 1
                        else:
                            week.counts[name] += 1
    return weeks


def compare(paths, folder, ending):
    """Compares the counts with a sequences folder; returns the exit status."""
    import duckdb

    rows = lambda sql: duckdb.sql(sql).fetchall()
    day = datetime.timedelta(days=1)
    courses = {course: (start, days, first_week) for course, start, days, first_week in rows(
        f"select course_id, start, days, first_week_days from '{folder}/courses.parquet'")}
    last_of_first = lambda course: courses[course][0] + (courses[course][2] - 1) * day if course in courses else None
    if ending and any((last_of_first(course) - ending).days % 7 for course in courses):
        sys.exit(f"{folder}: its weeks do not end with {ending}")
    weeks = weeks_of(paths, last_of_first)
    names = ", ".join(f"engagement_{name}" for name in COLUMNS)
    ours = rows(f"select course_id, learner_id, week, {names} from '{folder}/sequences.parquet' where observed")
    different, seen, nonzero = collections.Counter(), set(), 0
    for course, learner, week, *values in ours:
        key = course, learner, last_of_first(course) + 7 * week * day
        seen.add(key)
        expected = weeks[key].row() if key in weeks else [0] * len(COLUMNS)
        nonzero += any(expected)
        for name, value, wanted in zip(COLUMNS, values, expected):
            if value != wanted:
                different[name] += 1
                if sum(different.values()) <= 5:
                    print(f"{course} {learner} {key[2]} {name}: {value}, expected {wanted}", file=sys.stderr)
    left = [key for key in weeks if key not in seen]
    outside = lambda key: key[2] < courses[key[0]][0] or key[2] - 6 * day >= courses[key[0]][0] + courses[key[0]][1] * day
    missing = [key for key in left if not outside(key)]
    print(f"{len(ours)} weeks of learners, {nonzero} with engagement, {len(ours) * len(COLUMNS)} cells compared; "
          f"{len(left) - len(missing)} weeks outside the courses' calendars, {len(missing)} missing")
    print("cells that differ:", dict(different) or "none")
    return 1 if missing or different else 0


def main():
    parser = argparse.ArgumentParser(description="Weekly engagement of tracking logs of Open edX.")
    parser.add_argument("logs", nargs="+")
    parser.add_argument("--week-ending", type=datetime.date.fromisoformat)
    parser.add_argument("--compare", metavar="SEQUENCES_FOLDER")
    arguments = parser.parse_args()
    if arguments.compare:
        return compare(arguments.logs, arguments.compare, arguments.week_ending)
    sunday = datetime.date(2012, 1, 1)
    weeks = weeks_of(arguments.logs, lambda _: arguments.week_ending or sunday)
    for key in sorted(weeks):
        course, learner, last = key
        row = {"course_id": course, "learner_id": learner, "week_ending": last.isoformat()}
        print(json.dumps(row | dict(zip(COLUMNS, weeks[key].row()))))
    return 0


sys.exit(main())
