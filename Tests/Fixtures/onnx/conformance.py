"""Writes ONNX's own operator tests, which the package `onnx` makes when it is asked, as folders.

    python conformance.py FOLDER

Then: LAMINA_ONNX_TESTS=FOLDER/node:FOLDER/simple:... Scripts/test --filter OperatorConformance
The package's own folders (onnx/backend/test/data/pytorch-operator, pytorch-converted) serve as they are.
"""
import os
import sys

import onnx
from onnx import TensorProto, numpy_helper
from onnx.backend.test.case import node, model


def write(path, value, declared):
    if isinstance(value, TensorProto):
        proto = value
    elif declared.HasField("sequence_type"):
        proto = numpy_helper.from_list(value)
    elif declared.HasField("optional_type"):
        proto = numpy_helper.from_optional(value)
    elif declared.HasField("map_type"):
        proto = numpy_helper.from_dict(value)
    else:
        proto = numpy_helper.from_array(value)
    with open(path, "wb") as file:
        file.write(proto.SerializeToString())


root = sys.argv[1]
cases = list(node.collect_testcases(None)) + list(model.collect_testcases())
for case in cases:
    if case.model is None:
        continue
    folder = os.path.join(root, case.kind, case.name)
    os.makedirs(folder, exist_ok=True)
    onnx.save(case.model, os.path.join(folder, "model.onnx"))
    for index, (inputs, outputs) in enumerate(case.data_sets):
        data = os.path.join(folder, f"test_data_set_{index}")
        os.makedirs(data, exist_ok=True)
        for name, values, declared in (
            ("input", inputs, case.model.graph.input),
            ("output", outputs, case.model.graph.output),
        ):
            for place, value in enumerate(values):
                # An input that is left out has no file.
                if value is not None:
                    write(os.path.join(data, f"{name}_{place}.pb"), value, declared[place].type)
print(len(cases), "cases in", root, "by onnx", onnx.__version__)
