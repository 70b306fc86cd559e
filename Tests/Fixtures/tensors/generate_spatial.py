"""Writes operations-spatial.safetensors in the format of generate.py, whose functions it uses.

Run with Python 3, PyTorch 2 and safetensors: python generate_spatial.py
"""

import numpy as np
import torch
import torch.nn.functional as F

from generate import OPERATIONS, alternating, distinct, normal, operation, positive, save, ties

NORMALIZED = [alternating, positive, normal]


def adaptive_poolings():
    for name, shape, size in [
        ("", [2, 5, 7, 6], (3, 4)),
        ("-larger", [1, 3, 3, 4], (5, 7)),
        ("-3d", [1, 3, 5, 4, 7], (2, 3, 3)),
    ]:
        three = len(shape) == 5
        mean = F.adaptive_avg_pool3d if three else F.adaptive_avg_pool2d
        largest = F.adaptive_max_pool3d if three else F.adaptive_max_pool2d
        operation("adaptive-average" + name, [shape], lambda x: mean(x, size))
        operation("adaptive-max" + name, [shape], lambda x: largest(x, size), [distinct])
    operation(
        "adaptive-max-ties", [[2, 5, 6, 7]], lambda x: F.adaptive_max_pool2d(x, (4, 3)), [ties]
    )
    operation("global-average", [[2, 5, 7, 5]], lambda x: F.adaptive_avg_pool2d(x, 1))


def normalizations():
    for name, shape, groups in [
        ("", [2, 6, 5, 3], 3),
        ("-blocks", [1, 24, 3, 5], 4),
        ("-one", [2, 5, 3, 4], 1),
        ("-3d", [1, 8, 3, 2, 5], 2),
    ]:
        operation(
            "group-normalization" + name,
            [shape, [shape[1]], [shape[1]]],
            lambda x, scale, shift: F.group_norm(x, groups, scale, shift, 1e-3),
            NORMALIZED,
        )
    operation(
        "group-normalization-plain", [[2, 6, 3, 5]], lambda x: F.group_norm(x, 2), [alternating]
    )
    for name, shape, dimensions in [
        ("-1", [3, 4, 7], 1),
        ("-2", [2, 3, 4, 5], 2),
        ("-3", [2, 5, 3, 4], 3),
        ("-long", [5, 37], 1),
    ]:
        row = shape[-dimensions:]
        operation(
            "layer-normalization" + name,
            [shape, row, row],
            lambda x, scale, shift: F.layer_norm(x, row, scale, shift, 1e-3),
            NORMALIZED,
        )
    operation(
        "layer-normalization-plain", [[2, 3, 4, 5]], lambda x: F.layer_norm(x, [5]), [alternating]
    )


def activations():
    shape = [2, 5, 7, 3]
    for name, function, fill in [
        ("sigmoid", torch.sigmoid, normal),
        ("tanh", torch.tanh, normal),
        ("softplus", F.softplus, normal),
        ("softplus-2", lambda x: F.softplus(x, beta=2), normal),
        ("elu", lambda x: F.elu(x, 0.5), alternating),
        ("gelu", F.gelu, normal),
        ("gelu-tanh", lambda x: F.gelu(x, approximate="tanh"), normal),
        ("silu", F.silu, normal),
        ("hard-swish", lambda x: F.hardswish(x * 0.5 + 0.125), distinct),
    ]:
        operation(name, [shape], function, [fill])
    for name, count in [("prelu-channels", 5), ("prelu-one", 1)]:
        operation(name, [shape, [count]], F.prelu, [alternating, positive])
    operation("prelu-channels-3d", [[1, 16, 3, 2, 5], [16]], F.prelu, [alternating, positive])
    for name, shape, axis in [
        ("last", [2, 3, 4, 5], -1),
        ("first", [3, 2, 4], 0),
        ("long", [3, 37], 1),
        ("wide", [1, 5, 9, 8], 1),
    ]:
        operation("softmax-axis-" + name, [shape], lambda x: torch.softmax(x, axis))
        operation("log-softmax-" + name, [shape], lambda x: torch.log_softmax(x, axis))


def upsamplings():
    for name, shape, size in [
        ("", [2, 5, 3, 4], (7, 9)),
        ("-smaller", [1, 3, 7, 8], (4, 5)),
        ("-mixed", [1, 8, 5, 3], (3, 5)),
        ("-to-one", [1, 3, 3, 4], (1, 1)),
        ("-from-one", [1, 3, 1, 2], (3, 4)),
        ("-3d", [1, 5, 2, 3, 4], (5, 3, 6)),
    ]:
        three = len(shape) == 5
        operation("upsample-nearest" + name, [shape], lambda x: F.interpolate(x, size))
        for aligned in [False, True]:
            for kind, mode in [("linear", "trilinear" if three else "bilinear")] + (
                [] if three else [("cubic", "bicubic")]
            ):
                operation(
                    f"upsample-{kind}{'-aligned' if aligned else ''}{name}",
                    [shape],
                    lambda x: F.interpolate(x, size, mode=mode, align_corners=aligned),
                )


def paddings():
    for name, mode, value in [
        ("zero", "constant", 0),
        ("constant", "constant", 1.5),
        ("reflect", "reflect", 0),
        ("replicate", "replicate", 0),
    ]:
        for suffix, shape, before, after in [
            ("", [2, 5, 4, 5], [1, 3], [0, 2]),
            ("-3d", [1, 5, 3, 4, 2], [1, 0, 1], [2, 3, 0]),
        ]:
            # PyTorch counts from the last axis.
            widths = [w for pair in zip(before[::-1], after[::-1]) for w in pair]
            operation("pad-" + name + suffix, [shape], lambda x: F.pad(x, widths, mode, value))


def shuffles():
    operation("pixel-shuffle", [[2, 12, 3, 2]], lambda x: F.pixel_shuffle(x, 2))
    operation("pixel-shuffle-3", [[1, 9, 2, 3]], lambda x: F.pixel_shuffle(x, 3))
    operation("pixel-unshuffle", [[2, 3, 4, 6]], lambda x: F.pixel_unshuffle(x, 2))
    operation("pixel-unshuffle-3", [[1, 5, 6, 3]], lambda x: F.pixel_unshuffle(x, 3))


def places(operand, shape, aligned):
    """The grid of the catalogue: whole cells plus 0.35 plus a fifth of the operand."""
    axes = len(shape) - 2
    count = operand.numel()
    point, coordinate = np.arange(count) // axes, np.arange(count) % axes
    n = np.array(shape)[len(shape) - 1 - coordinate]
    cell = (point * 7 + coordinate * 3) % (n + 3) - 2 + 0.35
    rate = 2 / (n - 1 if aligned else n)
    base = (cell if aligned else cell + 0.5) * rate - 1
    factors = torch.tensor(0.2 * rate).reshape(operand.shape)
    return operand * factors + torch.tensor(base).reshape(operand.shape)


def grid_samplings():
    for name, shape, size in [
        ("", [2, 5, 4, 5], [3, 6]),
        ("-3d", [1, 4, 3, 4, 5], [2, 3, 5]),
    ]:
        for padding in ["zeros", "border"]:
            for aligned in [False, True]:
                for kind, mode in [("linear", "bilinear"), ("nearest", "nearest")]:
                    operation(
                        f"grid-{kind}-{padding}{'-aligned' if aligned else ''}{name}",
                        [shape, [shape[0]] + size + [len(size)]],
                        lambda x, g: F.grid_sample(
                            x, places(g, shape, aligned), mode, padding, aligned
                        ),
                        [normal, positive],
                    )


if __name__ == "__main__":
    adaptive_poolings()
    normalizations()
    activations()
    upsamplings()
    paddings()
    shuffles()
    grid_samplings()
    save("operations-spatial", OPERATIONS)
