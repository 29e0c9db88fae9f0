"""Reference case for crates/lstm, from PyTorch: a bidirectional LSTM of two layers over packed sequences.

Writes crates/lstm/tests/data/pytorch_packed.safetensors (written with PyTorch 2.15.0, CPU, float64). Run it from the
repository root:

    python3 scripts/references/pytorch_lstm.py

The file holds:
- `encoder.lstm.*`: the LSTM's state dictionary, as a model that contains it would save it.
- `case.*`: inputs, lengths, first states, the gradients of outputs and last states, and PyTorch's results: outputs, last
  states, and as `case.grad.*` the gradient of each input and weight.
- `half.*`, `brain.*`: a small LSTM of one layer without biases in float16 and bfloat16, `half_wide.*` and
  `brain_wide.*` the same numbers in float32.

The script writes the file itself, so that it needs PyTorch alone and not the package safetensors. All numbers are drawn
here from a fixed seed.
"""

import json
import struct
import sys
from pathlib import Path

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

OUT = Path("crates/lstm/tests/data/pytorch_packed.safetensors")
TYPES = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64"}


def raw(tensor):
    """Returns the bytes of a tensor, little endian."""
    tensor = tensor.detach().contiguous()
    # The struct module has no 16-bit floats, so their bits are written as integers.
    if tensor.dtype in (torch.float16, torch.bfloat16):
        tensor = tensor.view(torch.int16)
    code = {torch.float64: "d", torch.float32: "f", torch.int16: "h", torch.int64: "q"}[tensor.dtype]
    values = tensor.flatten().tolist()
    return struct.pack(f"<{len(values)}{code}", *values)


def write(path, tensors):
    """Writes tensors by name as a safetensors file."""
    header, blobs, at = {"__metadata__": {"torch": torch.__version__.split("+")[0]}}, [], 0
    for name, tensor in tensors.items():
        blob = raw(tensor)
        header[name] = {"dtype": TYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def packed_case():
    """Computes outputs, states and gradients of a bidirectional LSTM over packed sequences."""
    torch.manual_seed(19970101)
    torch.set_default_dtype(torch.float64)
    batch, steps, features, hidden, layers = 4, 6, 3, 4, 2
    lengths = torch.tensor([6, 2, 1, 4])
    lstm = torch.nn.LSTM(features, hidden, layers, batch_first=True, bidirectional=True)
    x = torch.randn(batch, steps, features, requires_grad=True)
    h0 = (torch.randn(2 * layers, batch, hidden) * 0.5).requires_grad_()
    c0 = (torch.randn(2 * layers, batch, hidden) * 0.5).requires_grad_()
    d_outputs = torch.randn(batch, steps, 2 * hidden)
    d_h, d_c = torch.randn(2 * layers, batch, hidden), torch.randn(2 * layers, batch, hidden)

    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    packed, (h, c) = lstm(packed, (h0, c0))
    outputs, _ = pad_packed_sequence(packed, batch_first=True, total_length=steps)
    ((outputs * d_outputs).sum() + (h * d_h).sum() + (c * d_c).sum()).backward()

    tensors = {f"encoder.lstm.{name}": value for name, value in lstm.state_dict().items()}
    case = dict(x=x, lengths=lengths, h0=h0, c0=c0, d_outputs=d_outputs, d_h=d_h, d_c=d_c, outputs=outputs, h=h, c=c)
    case.update({"grad.x": x.grad, "grad.h0": h0.grad, "grad.c0": c0.grad})
    case.update({f"grad.{name}": parameter.grad for name, parameter in lstm.named_parameters()})
    tensors.update({f"case.{name}": value for name, value in case.items()})
    return tensors


def narrow_types():
    """Draws a small LSTM in float16 and bfloat16, with the same numbers in float32."""
    torch.set_default_dtype(torch.float32)
    tensors = {}
    for name, dtype in [("half", torch.float16), ("brain", torch.bfloat16)]:
        for key, value in torch.nn.LSTM(2, 3, bias=False).to(dtype).state_dict().items():
            tensors[f"{name}.{key}"] = value
            tensors[f"{name}_wide.{key}"] = value.float()
    return tensors


if __name__ == "__main__":
    if not OUT.parent.is_dir():
        sys.exit(f"{OUT.parent} does not exist; run this from the repository root")
    write(OUT, packed_case() | narrow_types())
    print(f"{OUT}: {OUT.stat().st_size} bytes")
