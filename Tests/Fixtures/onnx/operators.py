"""Writes small graphs of operators and what ONNX Runtime makes of them.

    python operators.py    (in this folder; seeded, so that it writes the same values again)

operators/NAME.onnx are the graphs, operators.safetensors holds NAME/in/INPUT and NAME/out/OUTPUT.
"""
import os

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

random = np.random.default_rng(20)
folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "operators")
os.makedirs(folder, exist_ok=True)
values = {}


def numbers(*shape):
    return random.standard_normal(shape).astype(np.float32)


def case(name, opset, nodes, inputs, constants=None, outputs=("y",)):
    """One graph; inputs are float32 arrays, constants arrays of any type."""
    graph = helper.make_graph(
        nodes,
        name,
        [
            helper.make_tensor_value_info(key, TensorProto.FLOAT, [None] * value.ndim)
            for key, value in inputs.items()
        ],
        [onnx.ValueInfoProto(name=output) for output in outputs],
        [numpy_helper.from_array(value, key) for key, value in (constants or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8
    # The runtime finds the types of the outputs, which a checked file has to declare.
    model = onnx.shape_inference.infer_shapes(model)
    for output in model.graph.output:
        if not output.type.HasField("tensor_type"):
            output.type.tensor_type.elem_type = TensorProto.FLOAT
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    results = session.run(list(outputs), inputs)
    onnx.save(model, os.path.join(folder, name + ".onnx"))
    for key, value in inputs.items():
        values[f"{name}/in/{key}"] = np.ascontiguousarray(value)
    for key, value in zip(outputs, results):
        values[f"{name}/out/{key}"] = np.ascontiguousarray(value).astype(np.float32)


def node(op, inputs, outputs=("y",), **attributes):
    return helper.make_node(op, list(inputs), list(outputs), **attributes)


image, volume, line = numbers(2, 3, 7, 6), numbers(1, 2, 5, 6, 7), numbers(2, 3, 11)

# Convolutions: each way to pad, to step and to group.
weights = {"w": numbers(4, 3, 3, 3), "b": numbers(4)}
for name, attributes in {
    "same_upper": dict(auto_pad="SAME_UPPER", strides=[2, 2]),
    "same_lower": dict(auto_pad="SAME_LOWER", strides=[2, 2]),
    "valid": dict(auto_pad="VALID", dilations=[2, 1]),
    "uneven": dict(pads=[0, 2, 1, 3], strides=[1, 2]),
    "wide": dict(pads=[4, 4, 4, 4]),
}.items():
    case("conv_" + name, 11, [node("Conv", ["x", "w", "b"], **attributes)], {"x": image}, weights)
case("conv_groups", 11, [node("Conv", ["x", "w"], group=3, pads=[1, 1, 1, 1])], {"x": image},
     {"w": numbers(6, 1, 3, 3)})
case("conv_line", 11, [node("Conv", ["x", "w", "b"], pads=[2, 2], dilations=[2])], {"x": line},
     {"w": numbers(5, 3, 3), "b": numbers(5)})
case("conv_volume", 11, [node("Conv", ["x", "w"], pads=[1, 0, 1, 1, 1, 1], strides=[2, 1, 1])],
     {"x": volume}, {"w": numbers(3, 2, 3, 2, 3)})
for name, shape, attributes in (
    ("plain", (3, 4, 2, 2), dict(strides=[2, 2])),
    ("odd", (3, 4, 3, 3), dict(strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])),
    ("uneven", (3, 4, 3, 3), dict(strides=[2, 3], pads=[0, 1, 1, 0])),
    ("groups", (3, 2, 3, 3), dict(group=3, pads=[1, 1, 1, 1])),
    ("dilated", (3, 4, 3, 3), dict(dilations=[2, 2])),
    ("shape", (3, 4, 3, 3), dict(strides=[2, 2], output_shape=[14, 12], auto_pad="SAME_UPPER")),
    ("grows", (3, 4, 2, 2), dict(strides=[3, 3], output_padding=[2, 1])),
):
    case("transposed_" + name, 11, [node("ConvTranspose", ["x", "w", "b"], **attributes)],
         {"x": image}, {"w": numbers(*shape), "b": numbers(attributes.get("group", 1) * shape[1])})
case("transposed_volume", 11, [node("ConvTranspose", ["x", "w"], strides=[1, 2, 2])],
     {"x": volume}, {"w": numbers(2, 3, 1, 2, 2)})

# What plans take into convolutions, written in several ways.
case("fused", 13, [
    node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]),
    node("Mul", ["a", "m"], ["b"]), node("Add", ["b", "s"], ["c"]),
    node("LeakyRelu", ["c"], ["d"], alpha=0.1),
    node("Conv", ["d", "v", "vb"], ["e"], pads=[1, 1, 1, 1]),
    node("BatchNormalization", ["e", "g", "h", "mean", "var"], ["f"], epsilon=1e-3),
    node("Add", ["f", "d"], ["k"]), node("Relu", ["k"], ["l"]),
    node("Conv", ["l", "u"], ["o"], pads=[1, 1, 1, 1]),
    node("InstanceNormalization", ["o", "g", "h"], ["p"]), node("Relu", ["p"], ["q"]),
    node("Conv", ["q", "t", "tb"]),
], {"x": image}, {
    "w": numbers(16, 3, 3, 3), "m": numbers(16, 1, 1), "s": numbers(1, 16, 1, 1),
    "v": numbers(16, 16, 3, 3) / 8, "vb": numbers(16), "g": numbers(16), "h": numbers(16),
    "mean": numbers(16), "var": np.abs(numbers(16)) + 0.5, "u": numbers(16, 16, 3, 3) / 8,
    "t": numbers(2, 16, 1, 1), "tb": numbers(2),
})
# Sizes computed from the input's shape, as PyTorch writes them.
case("sizes", 13, [
    node("Conv", ["x", "w"], ["a"], strides=[2, 2], pads=[1, 1, 1, 1]),
    node("Shape", ["x"], ["s"]), node("Gather", ["s", "two"], ["h"], axis=0),
    node("Slice", ["s", "three", "four"], ["wd"]), node("Unsqueeze", ["h", "zero"], ["hh"]),
    node("Concat", ["hh", "wd"], ["hw"], axis=0), node("Slice", ["s", "zero", "two1"], ["front"]),
    node("Shape", ["a"], ["as"]), node("Slice", ["as", "zero", "two1"], ["nc"]),
    node("Concat", ["nc", "hw"], ["size"], axis=0),
    node("Resize", ["a", "", "", "size"], ["r"], mode="linear"),
    node("Concat", ["r", "x"], axis=1),
], {"x": image}, {
    "w": numbers(4, 3, 3, 3), "two": np.array(2), "three": np.array([3]), "four": np.array([4]),
    "zero": np.array([0]), "two1": np.array([2]),
})

# Pooling: partial windows, padding that counts or not, distances.
for op in ("MaxPool", "AveragePool"):
    for name, attributes in {
        "plain": dict(kernel_shape=[2, 2], strides=[2, 2]),
        "padded": dict(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        "ceil": dict(kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1),
        "uneven": dict(kernel_shape=[3, 3], strides=[2, 1], pads=[0, 1, 2, 0]),
        "same": dict(kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER"),
        "dilated": dict(kernel_shape=[2, 3], dilations=[2, 2]),
    }.items():
        opset = 19 if op == "AveragePool" else 12
        case(f"{op.lower()}_{name}", opset, [node(op, ["x"], **attributes)], {"x": image})
case("averagepool_counts", 19, [node("AveragePool", ["x"], kernel_shape=[3, 3], pads=[1, 0, 1, 2],
     count_include_pad=1, strides=[2, 2], ceil_mode=1)], {"x": image})
case("maxpool_volume", 12, [node("MaxPool", ["x"], kernel_shape=[2, 2, 2], strides=[2, 2, 2])],
     {"x": volume})
case("maxpool_line", 12, [node("MaxPool", ["x"], kernel_shape=[3], strides=[2])], {"x": line})
case("lppool", 18, [node("LpPool", ["x"], kernel_shape=[2, 2], p=3)], {"x": image})
for op in ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"):
    case(op.lower(), 11, [node(op, ["x"])], {"x": image})

# Resizing: every rule that the runtime knows.
for mode in ("nearest", "linear", "cubic"):
    for rule in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"):
        case(f"resize_{mode}_{rule}", 13, [node("Resize", ["x", "", "s"], mode=mode,
             coordinate_transformation_mode=rule)], {"x": image},
             {"s": np.array([1, 1, 1.7, 0.6], np.float32)})
for nearest in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
    case("resize_" + nearest, 13, [node("Resize", ["x", "", "", "s"], nearest_mode=nearest)],
         {"x": image}, {"s": np.array([2, 3, 10, 9])})
case("resize_twice", 13, [node("Resize", ["x", "", "s"], nearest_mode="floor",
     coordinate_transformation_mode="asymmetric")], {"x": image},
     {"s": np.array([1, 1, 2, 2], np.float32)})
case("resize_outside", 13, [node("Resize", ["x", "", "s"], mode="cubic", cubic_coeff_a=-0.5,
     exclude_outside=1)], {"x": image}, {"s": np.array([1, 1, 1.3, 1.3], np.float32)})
case("resize_smooth", 18, [node("Resize", ["x", "", "s"], mode="linear", antialias=1)],
     {"x": image}, {"s": np.array([1, 1, 0.5, 0.7], np.float32)})
case("resize_crop", 13, [node("Resize", ["x", "roi", "", "s"], mode="linear",
     coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=7.0)], {"x": image},
     {"roi": np.array([0, 0, 0.2, -0.1, 1, 1, 0.7, 1.2], np.float32), "s": np.array([2, 3, 5, 8])})
case("resize_volume", 13, [node("Resize", ["x", "", "s"], mode="linear")], {"x": volume},
     {"s": np.array([1, 1, 2, 2, 2], np.float32)})
case("resize_10", 10, [node("Resize", ["x", "s"], mode="linear")], {"x": image},
     {"s": np.array([1, 1, 2, 1.5], np.float32)})
case("upsample_9", 9, [node("Upsample", ["x", "s"])], {"x": image},
     {"s": np.array([1, 1, 2, 3], np.float32)})

# Normalisations.
case("batch", 9, [node("BatchNormalization", ["x", "g", "h", "m", "v"])], {"x": image},
     {"g": numbers(3), "h": numbers(3), "m": numbers(3), "v": np.abs(numbers(3))})
case("instance_volume", 6 + 3, [node("InstanceNormalization", ["x", "g", "h"])], {"x": volume},
     {"g": numbers(2), "h": numbers(2)})
case("layer", 17, [node("LayerNormalization", ["x", "g", "h"], axis=2)], {"x": image},
     {"g": numbers(7, 6), "h": numbers(7, 6)})
case("group", 21, [node("GroupNormalization", ["x", "g", "h"], num_groups=2)], {"x": numbers(2, 6, 5, 4)},
     {"g": numbers(6), "h": numbers(6)})
case("lrn", 13, [node("LRN", ["x"], size=3, alpha=0.1, beta=0.5, bias=2.0)], {"x": image})
case("lp", 13, [node("LpNormalization", ["x"], axis=1, p=1)], {"x": image})

# Functions of single numbers.
for op in ("Relu Sigmoid Tanh Softplus Softsign Erf Exp Abs Neg Sign Floor Ceil Round Reciprocal "
           "HardSwish Elu Selu Celu LeakyRelu ThresholdedRelu HardSigmoid Mish").split():
    case("function_" + op.lower(), 18, [node(op, ["x"])], {"x": 3 * line})
case("function_gelu", 20, [node("Gelu", ["x"], approximate="tanh")], {"x": line})
case("leaky_steep", 13, [node("LeakyRelu", ["x"], alpha=-1.5)], {"x": image})
case("prelu", 13, [node("PRelu", ["x", "s"])], {"x": image}, {"s": numbers(3, 1, 1)})
case("clip", 13, [node("Clip", ["x", "", "high"])], {"x": image}, {"high": np.float32(0.3)})
for op in ("Softmax", "LogSoftmax"):
    case(op.lower() + "_11", 11, [node(op, ["x"])], {"x": image})
    case(op.lower() + "_13", 13, [node(op, ["x"], axis=1)], {"x": image})

# Arithmetic of two, by NumPy's rules.
for op in ("Add", "Sub", "Mul", "Div", "Min", "Max"):
    case("pair_" + op.lower(), 13, [node(op, ["a", "b"])], {"a": image, "b": numbers(3, 1, 6)})
case("division_of_channels", 13, [node("Div", ["x", "c"], ["a"]), node("Sub", ["a", "s"])],
     {"x": image}, {"c": numbers(1, 3, 1, 1), "s": numbers(3, 1, 1)})
case("modulo", 13, [node("Mod", ["a", "b"], fmod=1)], {"a": image, "b": numbers(6)})
case("choice", 13, [node("Greater", ["a", "b"], ["m"]), node("Where", ["m", "a", "b"])],
     {"a": image, "b": numbers(3, 1, 6)})
case("mean", 13, [node("Mean", ["a", "b"])], {"a": image, "b": numbers(7, 1)})

# Sums and matrices.
for op in ("ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
           "ReduceLogSumExp", "ReduceSumSquare"):
    case(op.lower(), 13, [node(op, ["x"], axes=[1, -1], keepdims=0)], {"x": image})
case("reducesum", 13, [node("ReduceSum", ["x", "axes"])], {"x": image}, {"axes": np.array([2])})
case("argmax", 13, [node("ArgMax", ["x"], ["i"], axis=1, keepdims=0),
     node("Cast", ["i"], to=TensorProto.FLOAT)], {"x": image})
case("topk", 13, [node("TopK", ["x", "k"], ["y", "i"], axis=2)], {"x": image}, {"k": np.array([3])},
     ["y", "i"])
case("matmul", 13, [node("MatMul", ["a", "b"])], {"a": numbers(2, 1, 4, 5), "b": numbers(3, 5, 2)})
case("gemm", 13, [node("Gemm", ["a", "b", "c"], alpha=0.5, beta=2.0, transA=1)],
     {"a": numbers(5, 4)}, {"b": numbers(5, 3), "c": numbers(4, 1)})
case("gemm_linear", 13, [node("Gemm", ["a", "b", "c"], transB=1)], {"a": numbers(4, 5)},
     {"b": numbers(3, 5), "c": numbers(3)})
case("einsum", 13, [node("Einsum", ["a", "b"], equation="bhid,bhjd->bhij")],
     {"a": numbers(2, 3, 4, 5), "b": numbers(2, 3, 6, 5)})

# Moving numbers.
case("transpose", 13, [node("Transpose", ["x"], perm=[0, 2, 3, 1])], {"x": image})
case("reshape", 13, [node("Reshape", ["x", "s"])], {"x": image}, {"s": np.array([0, -1, 3])})
case("split", 13, [node("Split", ["x", "s"], ["a", "b"], axis=2), node("Concat", ["b", "a"], axis=2)],
     {"x": image}, {"s": np.array([3, 4])})
case("slice", 13, [node("Slice", ["x", "b", "e", "a", "s"])], {"x": image},
     {"b": np.array([-1, 1]), "e": np.array([-100, 2**40]), "a": np.array([2, -1]),
      "s": np.array([-2, 2])})
for mode in ("constant", "reflect", "edge"):
    case("pad_" + mode, 13, [node("Pad", ["x", "p", "v"] if mode == "constant" else ["x", "p"],
         mode=mode)], {"x": image},
         {"p": np.array([0, 1, 2, 0, 0, 1, 1, 3]), "v": np.float32(5)})
case("pad_crop", 13, [node("Pad", ["x", "p"])], {"x": image}, {"p": np.array([0, 0, -1, 1, 0, 0, 2, -2])})
for mode in ("DCR", "CRD"):
    case("depthtospace_" + mode, 13, [node("DepthToSpace", ["x"], blocksize=2, mode=mode)],
         {"x": numbers(1, 8, 3, 2)})
case("spacetodepth", 13, [node("SpaceToDepth", ["x"], blocksize=2)], {"x": numbers(1, 2, 4, 6)})
case("gather", 13, [node("Gather", ["x", "i"], axis=2)], {"x": image}, {"i": np.array([[0, -1], [2, 2]])})
case("expand", 13, [node("Expand", ["x", "s"], ["a"]), node("Tile", ["a", "t"])],
     {"x": numbers(3, 1)}, {"s": np.array([2, 1, 4]), "t": np.array([1, 2, 3])})
for mode, padding in (("bilinear", "zeros"), ("bilinear", "reflection"), ("bicubic", "border"), ("nearest", "border")):
    case(f"gridsample_{mode}_{padding}", 16, [node("GridSample", ["x", "g"], mode=mode, padding_mode=padding)],
         {"x": image, "g": 1.2 * np.tanh(numbers(2, 4, 5, 2))})
case("roialign", 16, [node("RoiAlign", ["x", "r", "b"], output_height=3, output_width=2,
     sampling_ratio=2, spatial_scale=0.5)], {"x": image},
     {"r": np.array([[0, 0, 8, 8], [2, 3, 10, 12]], np.float32), "b": np.array([0, 1])})

# Recurrences, and whole numbers for weights.
for op, gates in (("RNN", 1), ("GRU", 3), ("LSTM", 4)):
    case(op.lower(), 14, [node(op, ["x", "w", "r", "b"], ["y"], hidden_size=4, direction="bidirectional")],
         {"x": numbers(5, 2, 3)}, {"w": numbers(2, 4 * gates, 3), "r": numbers(2, 4 * gates, 4),
                                   "b": numbers(2, 8 * gates)})
case("quantized", 13, [node("DequantizeLinear", ["w", "s", "z"], ["f"], axis=0),
     node("Conv", ["x", "f"], pads=[1, 1, 1, 1])], {"x": image},
     {"w": random.integers(-128, 128, (4, 3, 3, 3)).astype(np.int8),
      "s": np.abs(numbers(4)) / 50, "z": np.array([0, 1, -2, 3], np.int8)})
# Graphs within nodes, in the runtime's own versions.
def graph(name, nodes, inputs, outputs, constants=None):
    """A body; inputs and outputs are (name, type, shape)."""
    def declared(values):
        return [helper.make_tensor_value_info(*value) for value in values]
    return helper.make_graph(nodes, name, declared(inputs), declared(outputs), [
        numpy_helper.from_array(value, key) for key, value in (constants or {}).items()])


FLOAT, INT, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
# Three rounds of y = tanh(y w + i), each of which is kept; the weights lie outside of the body.
case("loop_count", 13, [node("Loop", ["count", "", "x"], ["y", "all"], body=graph(
    "body", [
        node("MatMul", ["state", "w"], ["a"]), node("Cast", ["turn"], ["t"], to=FLOAT),
        node("Add", ["a", "t"], ["b"]), node("Tanh", ["b"], ["next"]),
        node("Identity", ["on"], ["still"]), node("Identity", ["next"], ["kept"]),
    ], [("turn", INT, []), ("on", BOOL, []), ("state", FLOAT, [None, None])],
    [("still", BOOL, []), ("next", FLOAT, [None, None]), ("kept", FLOAT, [None, None])]))],
     {"x": numbers(2, 4)}, {"count": np.array(3), "w": numbers(4, 4) / 2}, outputs=("y", "all"))
# As long as a counter is below its limit, which constants decide.
case("loop_while", 13, [node("Loop", ["", "start", "x", "zero"], ["y", "n"], body=graph(
    "body", [
        node("Mul", ["state", "half"], ["next"]), node("Add", ["n_in", "one"], ["n_out"]),
        node("Less", ["n_out", "limit"], ["still"]),
    ], [("turn", INT, []), ("on", BOOL, []), ("state", FLOAT, [None]), ("n_in", INT, [])],
    [("still", BOOL, []), ("next", FLOAT, [None]), ("n_out", INT, [])],
    {"half": np.float32(0.5), "one": np.array(1), "limit": np.array(4)}))],
     {"x": numbers(5)}, {"start": np.array(True), "zero": np.array(0)})
# A running sum along the second axis, from the back, stacked as the last axis.
case("scan", 13, [node("Scan", ["s", "x"], ["y", "all"], num_scan_inputs=1, scan_input_axes=[1],
     scan_input_directions=[1], scan_output_axes=[-1], scan_output_directions=[1], body=graph(
         "body", [node("Add", ["sum", "part"], ["next"]), node("Identity", ["next"], ["kept"])],
         [("sum", FLOAT, [2, 3]), ("part", FLOAT, [2, 3])],
         [("next", FLOAT, [2, 3]), ("kept", FLOAT, [2, 3])]))],
     {"s": numbers(2, 3), "x": numbers(2, 4, 3)}, outputs=("y", "all"))
# A branch that the input decides, with results of one shape.
for sign in (1, -1):
    case("if_" + ("positive" if sign > 0 else "negative"), 13, [
        node("ReduceSum", ["x"], ["sum"], keepdims=0), node("Greater", ["sum", "zero"], ["c"]),
        node("If", ["c"], then_branch=graph("yes", [node("Exp", ["x"], ["a"])], [], [("a", FLOAT, [3, 2])]),
             else_branch=graph("no", [node("Mul", ["x", "two"], ["b"])], [], [("b", FLOAT, [3, 2])],
                               {"two": np.float32(2)})),
    ], {"x": (sign * np.abs(numbers(3, 2))).astype(np.float32)}, {"zero": np.float32(0)})
# Lists of tensors between nodes.
case("sequences", 13, [
    node("SplitToSequence", ["x", "sizes"], ["parts"], axis=1), node("SequenceAt", ["parts", "last"], ["z"]),
    node("SequenceInsert", ["parts", "z", "first"], ["more"]), node("SequenceErase", ["more", "one"], ["fewer"]),
    node("ConcatFromSequence", ["fewer"], axis=1),
], {"x": numbers(2, 6, 3)}, {"sizes": np.array([1, 2, 3]), "last": np.array(-1), "first": np.array(0),
                            "one": np.array(1)})
case("sequences_grow", 13, [
    node("SequenceEmpty", [], ["none"]),
    node("Loop", ["count", "", "none"], ["all"], body=helper.make_graph([
        node("Gather", ["x", "turn"], ["row"], axis=0), node("SequenceInsert", ["list", "row"], ["next"]),
        node("Identity", ["on"], ["still"]),
    ], "body", [helper.make_tensor_value_info("turn", INT, []), helper.make_tensor_value_info("on", BOOL, []),
                helper.make_tensor_sequence_value_info("list", FLOAT, None)],
        [helper.make_tensor_value_info("still", BOOL, []),
         helper.make_tensor_sequence_value_info("next", FLOAT, None)])),
    node("ConcatFromSequence", ["all"], axis=0, new_axis=1),
], {"x": numbers(4, 3)}, {"count": np.array(3)})

# Parts of transformers.
queries = {"q": numbers(2, 4, 5, 6), "k": numbers(2, 2, 7, 6), "v": numbers(2, 2, 7, 3)}
for name, attributes in (("plain", {}), ("causal", dict(is_causal=1)), ("capped", dict(softcap=0.7, scale=0.4))):
    case("attention_" + name, 23, [node("Attention", ["q", "k", "v"], **attributes)], queries)
case("attention_masked", 23, [node("Attention", ["q", "k", "v", "m"])], queries,
     {"m": random.random((2, 1, 5, 7)) < 0.6})
case("attention_flat", 23, [node("Attention", ["q", "k", "v"], q_num_heads=4, kv_num_heads=2)],
     {"q": numbers(2, 5, 24), "k": numbers(2, 7, 12), "v": numbers(2, 7, 10)})
case("rms", 23, [node("RMSNormalization", ["x", "s"], axis=-2)], {"x": image}, {"s": numbers(7, 6)})
for interleaved in (0, 1):
    case(f"rotary_{interleaved}", 23, [node("RotaryEmbedding", ["x", "c", "s"], interleaved=interleaved)],
         {"x": numbers(2, 3, 5, 8)}, {"c": numbers(2, 5, 4), "s": numbers(2, 5, 4)})

# Windows and frequencies.
case("col2im", 18, [node("Col2Im", ["x", "i", "b"], strides=[2, 1], pads=[1, 0, 1, 2], dilations=[1, 2])],
     {"x": numbers(2, 18, 18)}, {"i": np.array([6, 8]), "b": np.array([3, 3])})
case("centercroppad", 18, [node("CenterCropPad", ["x", "s"], axes=[2, 3])], {"x": image},
     {"s": np.array([10, 3])})
case("deformconv", 22, [node("DeformConv", ["x", "w", "o", "b", "m"], pads=[1, 1, 1, 1], offset_group=2, group=2)],
     {"x": numbers(1, 4, 6, 5), "o": 2 * numbers(1, 36, 6, 5), "m": numbers(1, 18, 6, 5)},
     {"w": numbers(4, 2, 3, 3), "b": numbers(4)})
case("dft", 20, [node("DFT", ["x", "", "a"])], {"x": numbers(2, 9, 5, 1)}, {"a": np.array(1)})
case("dft_inverse", 20, [node("DFT", ["x", "", "a"], inverse=1)], {"x": numbers(2, 8, 5, 2)}, {"a": np.array(2)})
case("dft_onesided", 20, [node("DFT", ["x", "n", "a"], onesided=1)], {"x": numbers(3, 9, 4, 1)},
     {"a": np.array(1), "n": np.array(8)})
case("stft", 17, [node("STFT", ["x", "step", "w"])], {"x": numbers(2, 20, 1)},
     {"step": np.array(3), "w": np.hanning(8).astype(np.float32)})
save_file(dict(sorted(values.items())), os.path.join(os.path.dirname(folder), "operators.safetensors"))
print(len(os.listdir(folder)), "graphs by onnx", onnx.__version__, "and onnxruntime", onnxruntime.__version__)
