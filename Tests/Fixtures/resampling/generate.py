"""Writes zoom.json: random arrays resampled by skimage and scipy, for ZoomResampling's tests.

Needs numpy, scipy and scikit-image. Run in this folder: python generate.py
"""
import json

import numpy
import scipy
import skimage
from scipy.ndimage import map_coordinates, zoom
from skimage.transform import resize

random = numpy.random.default_rng(20261124)
cases = []


def faces(x, shape, order):
    return resize(x, shape, order, mode="edge", anti_aliasing=False, clip=True, preserve_range=True)


def apart(x, shape, order, axis):
    """Slices by themselves, then the nearest slice."""
    inner = [n for a, n in enumerate(shape) if a != axis]
    slices = numpy.stack([faces(numpy.take(x, i, axis), inner, order) for i in range(x.shape[axis])], axis)
    place = (numpy.arange(shape[axis]) + 0.5) * x.shape[axis] / shape[axis] - 0.5
    grid = numpy.meshgrid(*[place if a == axis else numpy.arange(n) for a, n in enumerate(shape)], indexing="ij")
    return map_coordinates(slices, grid, order=0, mode="nearest")


def add(name, x, y, order, alignment="faces", axis=None):
    """Arrays are z, y, x; the file has x first."""
    cases.append({
        "name": name, "order": order, "alignment": alignment, "axis": None if axis is None else 2 - axis,
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

json.dump({"scipy": scipy.__version__, "skimage": skimage.__version__, "cases": cases}, open("zoom.json", "w"))
