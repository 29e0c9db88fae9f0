"""Runs an ONNX model with ONNX Runtime on inputs that a test gives, and prints its outputs.

    python3 scripts/references/onnx_outputs.py MODEL < inputs.json

Standard input is a JSON object: for each input of the model its `type` (float32 or int32), `shape` and `values`, row by
row. Standard output is such an object for each output, without the type. The tests of crates/lstm call it. Needs
onnxruntime, which brings numpy.
"""

import json
import sys

import numpy
import onnxruntime


def as_array(given: dict) -> numpy.ndarray:
    """Returns an input as the array that the model takes."""
    return numpy.array(given["values"], dtype=given["type"]).reshape(given["shape"])


session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
inputs = {name: as_array(given) for name, given in json.load(sys.stdin).items()}
assert set(inputs) == {expected.name for expected in session.get_inputs()}, "the model takes other inputs"
names = [output.name for output in session.get_outputs()]
outputs = zip(names, session.run(names, inputs))
json.dump({name: {"shape": found.shape, "values": found.ravel().tolist()} for name, found in outputs}, sys.stdout)
