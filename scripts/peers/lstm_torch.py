"""Measures the speed of PyTorch's LSTM in training and inference, for benches/lstm.py.

usage: python3 lstm_torch.py T,F,H,BATCH [--threads 2] [--device cpu|cuda] [--mode fp32|tf32|bf16|graph]

The model is that of Staycast: one layer, and a linear head that gives one logit per step. A training step is forward pass,
binary cross-entropy, backward pass and AdamW. Inference is the forward pass without a graph, with logits copied to the host.
Batches are taken by index from eight batches on the device. Prints one JSON object: sequences per second, as medians of seven
rounds of about 200,000 sequence steps on a CPU and a million on a GPU. The modes are for a GPU: products in TF32, the forward
pass in bf16 under autocast, or TF32 with the training step replayed as a CUDA graph, and inference without one; AdamW is the fused one there.
"""

import argparse
import json
import statistics
import time

import torch
from torch import nn

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("shape")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--device", default="cpu")
parser.add_argument("--mode", default="fp32", choices=("fp32", "tf32", "bf16", "graph"))
given = parser.parse_args()
steps, features, hidden, batch = map(int, given.shape.split(","))
torch.set_num_threads(given.threads)
on_gpu = given.device == "cuda"
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = given.mode in ("tf32", "graph")
torch.manual_seed(0)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(features, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.head(self.lstm(x)[0]).squeeze(-1)


model = Model().to(given.device)
optimiser = torch.optim.AdamW(model.parameters(), 1e-3, fused=on_gpu, capturable=given.mode == "graph")
x = torch.randn(8 * batch, steps, features, device=given.device)
y = (torch.rand(8 * batch, steps, device=given.device) > 0.5).float()
order = torch.randperm(8 * batch, device=given.device)
turn = 0


def next_rows():
    """Returns the rows of the next batch."""
    global turn
    turn = (turn + 1) % 8
    return order[turn * batch : (turn + 1) * batch]


def loss_of(inputs, labels):
    with torch.autocast(given.device, torch.bfloat16, enabled=given.mode == "bf16"):
        logits = model(inputs)
    return nn.functional.binary_cross_entropy_with_logits(logits.float(), labels)


def train():
    rows = next_rows()
    loss = loss_of(x[rows], y[rows])
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()


def captured():
    """Captures a step as a CUDA graph; returns what replays it on the next batch."""
    inputs, labels = torch.zeros_like(x[:batch]), torch.zeros_like(y[:batch])

    def once():
        optimiser.zero_grad(set_to_none=True)
        loss_of(inputs, labels).backward()
        optimiser.step()

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            once()
    torch.cuda.current_stream().wait_stream(side)
    optimiser.zero_grad(set_to_none=True)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss_of(inputs, labels).backward()
        optimiser.step()

    def replay():
        rows = next_rows()
        inputs.copy_(x[rows])
        labels.copy_(y[rows])
        graph.replay()

    return replay


def infer():
    with torch.no_grad(), torch.autocast(given.device, torch.bfloat16, enabled=given.mode == "bf16"):
        model(x[next_rows()]).float().cpu()


def rate(step):
    """Measures a step in sequences per second."""
    wait = torch.cuda.synchronize if on_gpu else lambda: None
    times = max(1, (1_000_000 if on_gpu else 200_000) // (batch * steps))
    for _ in range(max(5, times)):
        step()
    wait()
    rounds = []
    for _ in range(7):
        began = time.perf_counter()
        for _ in range(times):
            step()
        wait()
        rounds.append((time.perf_counter() - began) / times)
    return batch / statistics.median(rounds)


print(json.dumps({"torch": torch.__version__, "train": rate(captured() if given.mode == "graph" else train), "infer": rate(infer)}))
