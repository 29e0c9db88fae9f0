"""Times `staycast preprocess` beside peers' scripts on the same log, in the same run, turn by turn.

usage: python3 benches/preprocess.py LOG_FOLDER --staycast target/release/staycast [--log 'log.csv'] [--runs 3]
           [--peer NAME=SCRIPT]… [--peer-input INPUT] [-- MORE ARGUMENTS OF preprocess]

The log is what fits the pattern --log in the folder. A peer's script is called as `python3 SCRIPT INPUT OUT.parquet`, INPUT
being the folder if not given. Prints JSON: the machine, the commit, every command with seconds and peak memory of every
run, and the medians' ratios. Commit it under benches/runs.
"""

import argparse
import glob
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time


def cpu():
    with open("/proc/cpuinfo") as info:
        return next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), platform.machine())


def timed(command):
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command} failed: {error.decode(errors='replace')[-2000:]}")
    return {"seconds": round(time.perf_counter() - began, 3), "peak_mib": round(usage.ru_maxrss / 1024)}


def without_folder(argument):
    name, equals, path = argument.rpartition("=")
    return name + equals + os.path.basename(path)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("logs")
parser.add_argument("--staycast", required=True)
parser.add_argument("--peer", action="append", default=[], metavar="NAME=SCRIPT")
parser.add_argument("--threads", default="2")
parser.add_argument("--runs", type=int, default=3)
parser.add_argument("--log", default="log.csv")
parser.add_argument("--peer-input")
dashes = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
own, more = sys.argv[1:dashes], sys.argv[dashes + 1 :]
given = parser.parse_args(own)
logs = sorted(glob.glob(f"{given.logs}/{given.log}"))

work = tempfile.mkdtemp(prefix="staycast-bench-")
staycast = [given.staycast, "preprocess", given.logs, "--quiet", "--force", "--threads", given.threads, *more]
commands = {
    "staycast core": [*staycast, "--features", "core", "--out", f"{work}/core"],
    "staycast all": [*staycast, "--features", "all", "--out", f"{work}/all"],
}
for peer in given.peer:
    name, script = peer.split("=", 1)
    commands[name] = [sys.executable, script, given.peer_input or given.logs, f"{work}/{name}.parquet"]
counting = ["wc", "-l", *logs]
results = {name: [] for name in ["count lines", *commands]}
for _ in range(given.runs):
    results["count lines"].append(timed(counting))
    for name, command in commands.items():
        results[name].append(timed(command))
shutil.rmtree(work)
medians = {name: statistics.median(run["seconds"] for run in runs) for name, runs in results.items()}
versions = {name: __import__(name).__version__ for name in ("duckdb", "polars") if any(name in peer for peer in given.peer)}
commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
report = {
    "what": f"preprocess of {given.log}",
    "command": " ".join(["python3", "benches/preprocess.py", "LOG_FOLDER", *map(without_folder, sys.argv[2:])]),
    "log_bytes": sum(os.path.getsize(log) for log in logs),
    "cpu": cpu(),
    "cores": os.cpu_count(),
    "commit": commit,
    "versions": versions,
    "runs": results,
    "median_seconds": medians,
    "times_faster_than": {
        peer.split("=")[0]: {
            name: round(medians[peer.split("=")[0]] / medians[name], 2) for name in ("staycast core", "staycast all")
        }
        for peer in given.peer
    },
}
print(json.dumps(report, indent=1))
