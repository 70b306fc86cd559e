"""Compares exported networks with ONNX Runtime.

    LAMINA_ONNX_EXPORTS=FOLDER Scripts/test --filter Export
    python check_exports.py FOLDER
"""
import glob
import os
import sys

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file

worst = 0
for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.onnx"))):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    values = load_file(path[: -len("onnx")] + "safetensors")
    session = onnxruntime.InferenceSession(path)
    name = session.get_inputs()[0].name
    errors = {}
    for output, result in zip(
        session.get_outputs(), session.run(None, {name: values["input"]})
    ):
        expected = values[output.name]
        if result.shape != expected.shape:
            errors[output.name] = np.inf
            print(f"{output.name}: {result.shape}, not {expected.shape}")
        else:
            largest = max(1e-30, np.abs(expected).max(initial=0))
            errors[output.name] = np.abs(result - expected).max(initial=0) / largest
    worst = max(worst, *errors.values())
    shape = [d.dim_param or d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    # Sizes that are free have to be free.
    free = [2 * n if isinstance(s, str) and s else n for n, s in zip(values["input"].shape, shape)]
    other = session.run(None, {name: np.zeros(free, np.float32)})[0]
    told = ", ".join(f"{key} {error:.1e}" for key, error in errors.items())
    print(f"{os.path.basename(path)}: {told}; input {shape}, {free} gives {list(other.shape)}")
print(f"worst {worst:.1e}")
sys.exit(int(worst > 1e-4))
