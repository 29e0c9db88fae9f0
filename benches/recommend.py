#!/usr/bin/env python3
"""Tests `staycast recommend` on logs, and prints one JSON object with the figures and the machine.

    benches/recommend.py STAYCAST NAME=LOG:WEEKS… > benches/runs/DATE-recommend.json

LOG may have options behind it, as in "logs --courses courses.csv". WEEKS are those of --evaluate, as 2,4,6. Of each log: figures of each method with intervals, and the seconds and memory that lists
of all learners take after the first of the weeks.
"""

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time


def cpu():
    """Names the processor."""
    with open("/proc/cpuinfo", encoding="utf-8") as text:
        names = [line.split(":")[1].strip() for line in text if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores"


def figures(evaluation):
    """Returns the figures of an evaluation, to four digits."""
    def estimate(one):
        return [None if one[end] is None else round(one[end], 4) for end in ("mean", "low", "high")]

    def methods(all_methods):
        return {
            one["method"]: {
                "recall": estimate(one["recall"]),
                "mrr": estimate(one["mrr"]),
                "coverage": None if one["coverage"] is None else round(one["coverage"], 4),
                "novelty": estimate(one["novelty"]),
            }
            for one in all_methods
        }

    return {
        "top": evaluation["top"],
        "lists": evaluation["all"][0]["lists"],
        "courses": evaluation["courses"],
        "reachable": round(evaluation["reachable"], 4),
        "chosen": evaluation["chosen"],
        "all weeks": methods(evaluation["all"]),
        "by week": {week: methods(all_methods) for week, all_methods in evaluation["weeks"].items()},
        "product less": {
            one["method"]: {"recall": estimate(one["recall"]), "mrr": estimate(one["mrr"])}
            for one in evaluation["product_less"]
        },
    }


def lists(staycast, log, week):
    """Returns what lists of all learners take: seconds of time and of the processor, and memory."""
    with tempfile.TemporaryDirectory() as folder:
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        out = os.path.join(folder, "next.parquet")
        ran = subprocess.run(
            [staycast, "recommend", *log, "--week", week, "--out", out, "--max-rejected", "0.1", "--json"],
            check=True, capture_output=True, text=True,
        )
        seconds, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    done = json.loads(ran.stdout)
    return {
        "rows of the log": done["log"]["rows"],
        "rows written": done["rows"],
        "first uses": done["log"]["first_uses"],
        "seconds": round(seconds, 2),
        "processor seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2),
        "peak memory of any run so far, MB": round(after.ru_maxrss / 1024),
    }


def main():
    staycast, *logs = sys.argv[1:]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True)
    runs = {}
    for given in logs:
        name, place = given.split("=", 1)
        log, weeks = place.rsplit(":", 1)
        log = log.split(" ")
        command = [staycast, "recommend", *log, "--evaluate", weeks, "--max-rejected", "0.1", "--json"]
        ran = subprocess.run(command, check=True, capture_output=True, text=True)
        runs[name] = {
            "weeks": weeks,
            **figures(json.loads(ran.stdout)["evaluation"]),
            "lists of all learners": lists(staycast, log, weeks.split(",")[0]),
        }
        print(name, file=sys.stderr)
    about = {"cpu": cpu(), "python": platform.python_version(), "commit": commit.stdout.strip()}
    print(json.dumps({**about, "command": "benches/recommend.py STAYCAST NAME=LOG:WEEKS…", "logs": runs}, indent=1))


if __name__ == "__main__":
    main()
