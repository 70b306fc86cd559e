"""Makes small ONNX networks for the import tests: make_graphs.py FOLDER. Needs onnx; seeded."""

import sys
from pathlib import Path

import numpy
from onnx import TensorProto, checker, helper, numpy_helper, save

folder = Path(sys.argv[1])


def model(name, nodes, inputs, outputs, constants, metadata=None):
    graph = helper.make_graph(
        nodes, name,
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs],
        [numpy_helper.from_array(numpy.asarray(v), n) for n, v in constants.items()])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    for key, value in (metadata or {}).items():
        made.metadata_props.add(key=key, value=value)
    checker.check_model(made)
    save(made, folder / f"{name}.onnx")


# Class 1 where the value is above 1/2; slices of 8 x 8, channels first.
weight = numpy.array([0, 1], numpy.float32).reshape(2, 1, 1, 1)
bias = numpy.array([0.5, 0], numpy.float32)
model("slices", [helper.make_node("Conv", ["image", "w", "b"], ["scores"])],
      [("image", ["N", 1, 8, 8])], [("scores", ["N", 2, 8, 8])], {"w": weight, "b": bias})

# The same for volumes of any size, channels last, ending with a softmax.
model("volume", [
    helper.make_node("Transpose", ["image"], ["first"], perm=[0, 4, 1, 2, 3]),
    helper.make_node("Conv", ["first", "w", "b"], ["raw"]),
    helper.make_node("Softmax", ["raw"], ["soft"], axis=1),
    helper.make_node("Transpose", ["soft"], ["scores"], perm=[0, 2, 3, 4, 1]),
], [("image", ["N", "X", "Y", "Z", 1])], [("scores", ["N", "X", "Y", "Z", 2])],
    {"w": weight.reshape(2, 1, 1, 1, 1), "b": bias},
    {"lamina.plan": '{"steps": [], "labels": ["bright"]}'})

# Slices along three axes and their consensus: class 1 where the image is above 1/2. Coordinates count
# nothing. 256 x 256 is the size that the import expects.
for place, name in enumerate(["sagittal", "coronal", "axial"]):
    model(f"{name}_model", [
        helper.make_node("Transpose", ["image"], ["first"], perm=[0, 3, 1, 2]),
        helper.make_node("Transpose", ["places"], ["second"], perm=[0, 3, 1, 2]),
        helper.make_node("Concat", ["first", "second"], ["all"], axis=1),
        helper.make_node("Conv", ["all", "w", "b"], ["raw"]),
        helper.make_node("Softmax", ["raw"], ["soft"], axis=1),
        helper.make_node("Transpose", ["soft"], ["scores"], perm=[0, 2, 3, 1]),
    ], [("places", ["N", 256, 256, 3]), ("image", ["N", 256, 256, 1])],
        [("scores", ["N", 256, 256, 2])],
        {"w": numpy.array([[0, 0, 0, 0], [4, 0, 0, 0]], numpy.float32).reshape(2, 4, 1, 1),
         "b": numpy.array([2, 0], numpy.float32)})
total = numpy.zeros((2, 7), numpy.float32)
total[0, [1, 3, 5]] = 1
total[1, [2, 4, 6]] = 1
model("consensus_layer", [
    helper.make_node("Transpose", ["image"], ["first"], perm=[0, 4, 1, 2, 3]),
    helper.make_node("Conv", ["first", "w"], ["raw"]),
    helper.make_node("Softmax", ["raw"], ["soft"], axis=1),
    helper.make_node("Transpose", ["soft"], ["scores"], perm=[0, 2, 3, 4, 1]),
], [("image", ["N", "X", "Y", "Z", 7])], [("scores", ["N", "X", "Y", "Z", 2])],
    {"w": total.reshape(2, 7, 1, 1, 1)})
