"""Prints what TensorBoard shows of a log folder as JSON: version, scalars by run and tag, sessions of the HPARAMS tab.

    tensorboard_events.py LOGDIR [--loader python|data-server]

Starts TensorBoard on a free port of this machine and asks it over HTTP, as its pages do. `python` is the loader written in
Python. `data-server` is the loader written in Rust, TensorBoard's default where it is installed. Needs the package
tensorboard. A test of crates/tracking runs this script.
"""

import argparse
import json
import sys
import time
import urllib.parse
import urllib.request

from tensorboard import program, version

SECONDS = 120


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("logdir")
    arguments.add_argument("--loader", choices=["python", "data-server"], default="python")
    arguments = arguments.parse_args()
    board = program.TensorBoard()
    fast = "true" if arguments.loader == "data-server" else "false"
    board.configure(argv=["tensorboard", "--logdir", arguments.logdir, "--port", "0", "--host", "127.0.0.1", "--load_fast", fast])
    url = board.launch().rstrip("/")

    def ask(path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{url}/data/plugin/{path}", data=data, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return json.load(answer)

    def shown():
        tags = ask("scalars/tags")
        scalars = {
            run: {
                tag: [
                    [step, value]
                    for _, step, value in ask("scalars/scalars?" + urllib.parse.urlencode({"run": run, "tag": tag}))
                ]
                for tag in sorted(of_run)
            }
            for run, of_run in sorted(tags.items())
        }
        experiment = ask("hparams/experiment", {"experimentName": ""})
        names = sorted(info["name"] for info in experiment.get("hparamInfos", []))
        metrics = experiment.get("metricInfos", [])
        columns = [{"hparam": name} for name in names] + [{"metric": info["name"]} for info in metrics]
        groups = ask(
            "hparams/session_groups",
            {
                "experimentName": "",
                "startIndex": 0,
                "sliceSize": 1000,
                "colParams": columns,
                "aggregationType": "AGGREGATION_AVG",
                "allowedStatuses": ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"],
            },
        )
        sessions = [
            {
                "name": session["name"],
                "status": session.get("status", "STATUS_UNKNOWN"),
                "hparams": group["hparams"],
                "metrics": {value["name"]["tag"]: value["value"] for value in session.get("metricValues", [])},
            }
            for group in groups.get("sessionGroups", [])
            for session in group["sessions"]
        ]
        return {"version": version.VERSION, "scalars": scalars, "hparams": names, "sessions": sessions}

    # TensorBoard loads in the background. Loading is complete when two answers in a row are equal and not empty.
    end, before = time.monotonic() + SECONDS, None
    while time.monotonic() < end:
        now = shown()
        if now == before and now["scalars"] and now["sessions"]:
            json.dump(now, sys.stdout)
            return
        before = now
        time.sleep(1)
    sys.exit(f"tensorboard showed nothing that stays within {SECONDS} seconds; last: {before}")


main()
