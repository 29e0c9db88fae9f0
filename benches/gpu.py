"""Measures training and forecasting on a GPU beside PyTorch on the same card, in one sitting.

usage: python3 benches/gpu.py --staycast target/release/staycast [--devices vulkan,wgpu] [--torch PYTHON] [--quick] > FILE

1. the device check (`staycast devices`);
2. `staycast bench` on every device and shape, each in a process of its own, three times;
3. PyTorch in each of its modes at the same shapes (scripts/peers/lstm_torch.py), where --torch names a Python that has it;
4. launches of a training step, by the profile of launches that CubeCL writes;
5. `staycast train` on 50,000 simulated learners over 12 weeks, one network of 64 and of 256 units, on the CPU and on
   every device, with the seconds of each; and `staycast score` of the run.

--quick takes tiny shapes and few learners: it is for trying the script on an adapter that is software. Prints JSON with
every figure; commit it under benches/runs. A binary built on another machine with `--no-default-features --features
wgpu,vulkan` runs here as it is.
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

MODES = ("fp32", "tf32", "bf16", "graph")
PEER = pathlib.Path(__file__).parent.parent / "scripts/peers/lstm_torch.py"

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--staycast", required=True)
parser.add_argument("--devices", default="vulkan,wgpu")
parser.add_argument("--torch", metavar="PYTHON")
parser.add_argument("--quick", action="store_true")
given = parser.parse_args()
devices = given.devices.split(",")
shapes = ["4,6,8,16"] if given.quick else ["12,24,64,4096", "12,24,128,4096", "12,24,256,4096", "84,24,64,4096", "12,24,64,1024"]
learners, epochs, runs = (300, 2, 1) if given.quick else (50_000, 30, 3)
sizes = [8] if given.quick else [64, 256]


def run(command, **environment):
    """Runs a command; returns its output and its seconds, or the reason why there is none."""
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    seconds = round(time.perf_counter() - began, 3)
    if done.returncode:
        return {"failed": (done.stderr or done.stdout)[-500:]}, seconds
    return done.stdout, seconds


def bench(device, shape):
    out, seconds = run([given.staycast, "bench", "--json", "--quiet", "--device", device, "--shapes", shape])
    if isinstance(out, dict):
        return out
    return {**json.loads(out)["results"][0], "process_seconds": seconds}


def launches(sequences, device, folder):
    """Counts the launches of a training step: of three epochs less those of two, less the three of the forecasts after one."""
    counts = {}
    for passes in (2, 3):
        log = folder / f"launches-{device}-{passes}"
        settings = ["--set", f"training.epochs={passes}", "--set", "training.patience=9", "--set", "training.batch_size=16"]
        out, _ = run(train(sequences, folder / f"counted-{device}-{passes}", device, 8, settings),
                     CUBECL_DEBUG_OPTION="profile-full", CUBECL_DEBUG_LOG=str(log))
        if isinstance(out, dict):
            return out
        names = re.findall(r"^\| [\d.]+(?:ns|µs|ms|s)\s+\| (\S+)", log.read_text(errors="replace"), re.M)
        counts[passes] = (len(names), sum("adamw" in name for name in names))
    (few, steps_few), (many, steps_many) = counts[2], counts[3]
    return {"launches_of_an_epoch": many - few, "steps_of_an_epoch": steps_many - steps_few,
            "launches_a_step": round((many - few - 3) / max(1, steps_many - steps_few), 2)}


def train(sequences, out, device, hidden, settings):
    return [given.staycast, "train", str(sequences), "--out", str(out), "--device", device, "--model", "lstm", "--quiet",
            "--set", "ensemble.members=1", "--set", f"model.hidden={hidden}", *settings]


found = {"what": "training and forecasting on a GPU, sequences a second and seconds", "quick": given.quick}
found["commit"] = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
found["cores"] = os.cpu_count()
out, _ = run([given.staycast, "devices", "--json"])
found["devices"] = out if isinstance(out, dict) else json.loads(out)
found["bench"] = {device: {shape: [bench(device, shape) for _ in range(runs)] for shape in shapes} for device in devices}
if given.torch:
    found["torch"] = {}
    for shape in shapes:
        asked = {mode: run([given.torch, str(PEER), shape, "--device", "cuda", "--mode", mode])[0] for mode in MODES}
        found["torch"][shape] = {mode: out if isinstance(out, dict) else json.loads(out) for mode, out in asked.items()}

with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    logs, sequences = folder / "logs", folder / "sequences"
    for command in ([given.staycast, "simulate", "--out", str(logs), "--learners", str(learners), "--weeks", "12", "--quiet"],
                    [given.staycast, "preprocess", str(logs), "--out", str(sequences), "--quiet"]):
        out, _ = run(command)
        if isinstance(out, dict):
            sys.exit(f"{command} failed: {out['failed']}")
    found["launches"] = {device: launches(sequences, device, folder) for device in devices}
    found["seconds"] = {}
    settings = ["--set", f"training.epochs={epochs}", "--set", f"training.patience={epochs}"]
    settings += [] if given.quick else ["--set", "training.batch_size=1024"]
    for hidden in sizes:
        for device in ["cpu", *devices]:
            times = {}
            run_folder = folder / f"run-{hidden}-{device}"
            out, times["train"] = run(train(sequences, run_folder, device, hidden, settings))
            if isinstance(out, dict):
                times["train"] = out
            else:
                scores = folder / f"scores-{hidden}-{device}.csv"
                score = [given.staycast, "score", str(run_folder), str(sequences), "--week", "4", "--out", str(scores)]
                out, times["score"] = run([*score, "--device", device, "--quiet"])
                times["score"] = out if isinstance(out, dict) else times["score"]
            found["seconds"][f"hidden {hidden}, {device}"] = times

best = {}
for device, of_shapes in found["bench"].items():
    for shape, results in of_shapes.items():
        rates = [result for result in results if "failed" not in result]
        if not rates:
            continue
        middle = {key: statistics.median(rate[f"{key}_sequences_per_second"] for rate in rates) for key in ("train", "infer")}
        peers = [mode for mode in found.get("torch", {}).get(shape, {}).values() if "failed" not in mode]
        for key in ("train", "infer"):
            if peers:
                middle[f"{key}, times PyTorch's best"] = round(middle[key] / max(peer[key] for peer in peers), 2)
        best[f"{shape} on {device}"] = middle
found["medians"] = best
print(json.dumps(found, indent=1))
