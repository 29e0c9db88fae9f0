"""Times the LSTM's training and inference beside PyTorch's on the same cores, in the same run, turn by turn.

usage: python3 benches/lstm.py --staycast target/release/staycast [--threads 2] [--runs 3]
           [--shapes '12,24,64,256;...'] [--torch python3]

Every run asks `staycast bench` and scripts/peers/lstm_torch.py for one shape after the other. PyTorch is asked twice: as it
is, and with the C library told to keep freed memory, as Staycast tells it. Prints JSON: the machine, the commit, every
figure of every run, medians and ratios. Commit it under benches/runs.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

SHAPES = "4,24,64,256;12,24,64,256;12,24,64,1024;12,24,128,1024;84,24,64,256"
KEEP = "glibc.malloc.mmap_threshold=33554432:glibc.malloc.trim_threshold=2147483647"
PEER = pathlib.Path(__file__).parent.parent / "scripts/peers/lstm_torch.py"


def cpu():
    with open("/proc/cpuinfo") as info:
        return next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), platform.machine())


def output(command, **environment):
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    if done.returncode:
        sys.exit(f"{command} failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--staycast", required=True)
parser.add_argument("--threads", default="2")
parser.add_argument("--runs", type=int, default=3)
parser.add_argument("--shapes", default=SHAPES)
parser.add_argument("--torch", default=sys.executable, metavar="PYTHON")
given = parser.parse_args()

shapes = given.shapes.split(";")
runs = {shape: {"staycast": [], "torch": [], "torch, memory kept": []} for shape in shapes}
version = None
for _ in range(given.runs):
    for shape in shapes:
        bench = [given.staycast, "bench", "--json", "--quiet", "--threads", given.threads, "--device", "cpu"]
        found = output([*bench, "--shapes", shape])["results"][0]
        wanted = ("train_sequences_per_second", "infer_sequences_per_second", "train_gflops", "infer_gflops", "peak_gflops",
                  "peak_share", "seconds_to_first_step", "peak_memory_bytes")
        runs[shape]["staycast"].append({key: found[key] for key in wanted} | {"difference": found["agreement"]["error"]})
        peer = [given.torch, str(PEER), shape, "--threads", given.threads]
        for name, environment in (("torch", {}), ("torch, memory kept", {"GLIBC_TUNABLES": KEEP})):
            found = output(peer, **environment)
            version = found.pop("torch")
            runs[shape][name].append(found)

medians, ratios = {}, {}
for shape, of_shape in runs.items():
    middle = lambda name, key: statistics.median(run[key] for run in of_shape[name])
    own = {"train": middle("staycast", "train_sequences_per_second"), "infer": middle("staycast", "infer_sequences_per_second")}
    medians[shape] = {"staycast": own} | {
        name: {key: middle(name, key) for key in ("train", "infer")} for name in ("torch", "torch, memory kept")
    }
    medians[shape]["peak_share"] = middle("staycast", "peak_share")
    ratios[shape] = {
        key: {name: round(own[key] / medians[shape][name][key], 2) for name in ("torch", "torch, memory kept")}
        for key in ("train", "infer")
    }
commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
print(json.dumps({
    "what": "LSTM training steps and inference, sequences a second, beside PyTorch",
    "command": " ".join(["python3", "benches/lstm.py", "--staycast", "staycast", *[
        argument for argument in sys.argv[1:] if not argument.startswith("/") and argument not in ("--staycast", "--torch")]]),
    "cpu": cpu(),
    "cores": os.cpu_count(),
    "threads": int(given.threads),
    "commit": commit,
    "torch": version,
    "runs": runs,
    "medians": medians,
    "times_faster_than": ratios,
}, indent=1))
