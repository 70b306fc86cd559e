"""Writes zoom.json and labels.json: random arrays and label maps resampled by skimage, scipy, PyTorch and
batchgenerators, for ZoomResampling's tests.

Needs numpy, scipy, scikit-image, torch and batchgenerators. Run in this folder: python generate.py
"""
import json
from importlib.metadata import version

import numpy
import scipy
import skimage
import torch
from batchgenerators.augmentations.utils import resize_segmentation
from scipy.ndimage import map_coordinates, zoom
from skimage.transform import resize

random = numpy.random.default_rng(20261124)
cases = []


def faces(x, shape, order):
    return resize(x, shape, order, mode="edge", anti_aliasing=False, clip=True, preserve_range=True)


def apart(x, shape, order, axis, across=0):
    """Slices by themselves, then a spline along the axis."""
    inner = [n for a, n in enumerate(shape) if a != axis]
    slices = numpy.stack([faces(numpy.take(x, i, axis), inner, order) for i in range(x.shape[axis])], axis)
    place = (numpy.arange(shape[axis]) + 0.5) * x.shape[axis] / shape[axis] - 0.5
    grid = numpy.meshgrid(*[place if a == axis else numpy.arange(n) for a, n in enumerate(shape)], indexing="ij")
    return map_coordinates(slices, grid, order=across, mode="nearest")


def interpolated(x, shape, mode):
    return torch.nn.functional.interpolate(torch.from_numpy(x)[None, None], shape, mode=mode)[0, 0].numpy()


def add(name, x, y, order, alignment="faces", axis=None, across=0, positions="double"):
    """Arrays are z, y, x; the file has x first."""
    cases.append({
        "name": name, "order": order, "alignment": alignment, "axis": None if axis is None else 2 - axis,
        "across": across, "positions": positions,
        "size": x.shape[::-1], "newSize": y.shape[::-1],
        "values": [float(numpy.float32(v)) for v in x.ravel()], "expected": [round(float(v), 9) for v in y.ravel()],
    })


for shape, new in [((5, 7, 9), (5, 12, 4)), ((6, 5, 4), (3, 11, 8)), ((3, 17, 2), (9, 6, 3)), ((1, 6, 7), (1, 9, 5))]:
    x = random.normal(size=shape).astype(numpy.float32).astype(float)
    for order in (0, 1, 3):
        add(f"{shape} to {new}, order {order}", x, faces(x, new, order), order)
    for order in (0, 1, 3):
        axis = int(numpy.argmin(shape))
        add(f"{shape} to {new} apart, order {order}", x, apart(x, new, order, axis), order, axis=axis)
x = random.normal(size=(6, 5, 4)).astype(numpy.float32).astype(float)
for order in (0, 1):
    y = zoom(x, (9 / 6, 3 / 5, 7 / 4), order=order, mode="nearest", grid_mode=False)
    add(f"centres, order {order}", x, y, order, alignment="centers")


for shape, new, axis in [((5, 7, 9), (8, 12, 4), 0), ((6, 4, 5), (3, 9, 8), 1), ((3, 7, 5), (9, 6, 8), 2)]:
    x = random.normal(size=shape).astype(numpy.float32).astype(float)
    for order in (1, 3):
        for across in (1, 3):
            y = apart(x, new, order, axis, across)
            add(f"{shape} to {new} apart along {axis}, order {order} and {across}", x, y, order, axis=axis, across=across)
x = random.normal(size=(4, 6, 5)).astype(numpy.float32).astype(float)
add("centres, cubic", x, zoom(x, (6 / 4, 4 / 6, 9 / 5), order=3, mode="nearest", grid_mode=False), 3, "centers")
# The centres of many and of few samples along one axis: PyTorch's positions are in single precision.
x = random.normal(size=(2, 2, 151)).astype(numpy.float32)
add("PyTorch, linear", x, interpolated(x, (3, 3, 231), "trilinear"), 1, positions="single")
add("PyTorch, nearest", x, interpolated(x, (3, 3, 231), "nearest-exact"), 0, positions="single")
y = interpolated(torch.nn.functional.interpolate(torch.from_numpy(x)[None], (3, 97), mode="bilinear")[0].numpy(),
                 (5, 3, 97), "nearest-exact")
add("PyTorch, apart", x, y, 1, axis=0, positions="single")
json.dump({"scipy": scipy.__version__, "skimage": skimage.__version__, "torch": torch.__version__, "cases": cases},
          open("zoom.json", "w"))

# Labels: blobs that touch, a lone voxel, and factors of two, at which samples lie exactly between labels.
labelled = []


def apart_labels(x, shape, order, axis):
    inner = [n for a, n in enumerate(shape) if a != axis]
    slices = numpy.stack(
        [resize_segmentation(numpy.take(x, i, axis), inner, order) for i in range(x.shape[axis])], axis)
    place = (numpy.arange(shape[axis]) + 0.5) * (x.shape[axis] / shape[axis]) - 0.5
    nearest = numpy.floor(numpy.clip(place, 0, x.shape[axis] - 1) + 0.5).astype(int)
    return numpy.take(slices, nearest, axis)


def torch_labels(x, shape):
    """The rule of nnU-Net's resample_torch: indicators of 1000, in half precision, the first of the largest."""
    found = numpy.unique(x)
    scores = torch.stack([
        torch.nn.functional.interpolate(torch.from_numpy((x == label).astype(numpy.float32) * 1000)[None, None], shape,
                                        mode="trilinear")[0, 0].half() for label in found])
    return found[scores.argmax(0).numpy()]


def add_labels(name, x, y, order, axis=None, vote="nearestOfTied", positions="double"):
    labelled.append({
        "name": name, "order": order, "axis": None if axis is None else 2 - axis, "vote": vote, "positions": positions,
        "size": x.shape[::-1], "newSize": y.shape[::-1], "labels": x.ravel().tolist(), "expected": y.ravel().tolist(),
    })


for shape, new in [((4, 6, 6), (8, 12, 12)), ((8, 6, 10), (4, 3, 5)), ((5, 7, 6), (7, 10, 4)), ((1, 9, 8), (1, 6, 16))]:
    x = numpy.kron(random.integers(-1, 4, size=[(n + 1) // 2 for n in shape]), numpy.ones((2, 2, 2), int))
    x = x[:shape[0], :shape[1], :shape[2]].astype(numpy.int16)
    x[0, 3, 2] = 7
    add_labels(f"{shape} to {new}", x, resize_segmentation(x, new, 1), 1)
    add_labels(f"{shape} to {new}, nearest", x, resize_segmentation(x, new, 0), 0)
    add_labels(f"{shape} to {new}, apart", x, apart_labels(x, new, 1, 0), 1, axis=0)
    add_labels(f"{shape} to {new}, apart along 2", x, apart_labels(x, new, 1, 2), 1, axis=2)
    add_labels(f"{shape} to {new}, PyTorch", x, torch_labels(x, new), 1, vote="smallestInHalfPrecision",
               positions="single")

versions = {name: version(name) for name in ("scipy", "batchgenerators", "torch")}
json.dump({"versions": versions, "cases": labelled}, open("labels.json", "w"))
