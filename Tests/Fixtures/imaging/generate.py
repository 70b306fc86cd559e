"""Writes `resampling.json` and `components.json`: what scipy.ndimage gives for seeded random data.

Run with Python 3, numpy and scipy: python generate.py
Arrays are indexed [x, y, z] and written with x fastest; positions are LPS mm.
"""

import json
import pathlib

import numpy as np
from scipy import ndimage

HERE = pathlib.Path(__file__).parent
rng = np.random.default_rng(51)
OUTSIDE = -1000.0


def rotation(seed):
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else -q


def grid(size, spacing, direction, centre):
    size, spacing, centre = (np.array(v, dtype=float) for v in (size, spacing, centre))
    origin = centre - direction @ (spacing * (size - 1) / 2)
    return {"size": size.astype(int), "spacing": spacing, "origin": origin, "direction": direction}


def coordinates(source, target):
    index = np.stack(np.meshgrid(*(np.arange(n) for n in target["size"]), indexing="ij"))
    flat = index.reshape(3, -1).astype(float)
    world = target["origin"][:, None] + target["direction"] @ (flat * target["spacing"][:, None])
    return (source["direction"].T @ (world - source["origin"][:, None])) / source["spacing"][:, None]


def resample(data, source, target, order):
    where = coordinates(source, target)
    last = np.array(data.shape)[:, None] - 1.0
    inside = np.all((where >= -0.5 - 1e-6) & (where <= last + 0.5 + 1e-6), axis=0)
    clamped = np.clip(where, 0, last)
    if order == 0:
        index = np.minimum(np.floor(clamped + 0.5 + 1e-9), last).astype(int)
        values = data[tuple(index)]
    else:
        values = ndimage.map_coordinates(
            data, clamped, output=np.float64, order=order, mode="mirror", prefilter=order > 1
        )
    return np.where(inside, values, OUTSIDE).reshape(target["size"])


def plain(g):
    return {
        "size": g["size"].tolist(),
        "spacing": g["spacing"].tolist(),
        "origin": g["origin"].tolist(),
        "direction": g["direction"].T.tolist(),  # by columns
    }


turn = rotation(1)
# The target's axes are the source's z, -x and y.
shuffle = np.array([[0, -1, 0], [0, 0, 1], [1, 0, 0]], dtype=float)
centre = np.array([12.0, -34.0, 56.0])
small = grid((9, 7, 6), (0.8, 1.1, 2.5), turn, centre)
long = grid((50, 2, 3), (1.0, 1.0, 1.5), np.eye(3), centre)
flat = grid((8, 9, 1), (1.0, 1.0, 4.0), np.eye(3), centre)
CASES = {
    "finer": (small, grid((13, 9, 11), (0.5, 0.8, 1.3), turn, centre)),
    "coarser": (small, grid((5, 4, 4), (1.6, 2.0, 4.0), turn, centre + turn @ [0.1, 0.2, -0.3])),
    "shuffled": (small, grid((8, 9, 9), (1.6, 0.9, 1.2), turn @ shuffle, centre)),
    "shifted-outside": (small, grid((9, 7, 6), (0.8, 1.1, 2.5), turn, centre + turn @ [3.1, 0, 0])),
    "oblique": (small, grid((9, 9, 8), (1.1, 1.1, 2.1), rotation(2), centre)),
    "long": (long, grid((61, 3, 4), (0.83, 0.7, 1.1), np.eye(3), centre)),
    "long-oblique": (long, grid((6, 9, 8), (1.3, 1.2, 1.1), rotation(3), centre)),
    "one-slice": (flat, grid((11, 13, 2), (0.8, 0.7, 1.5), np.eye(3), centre)),
    "one-slice-oblique": (flat, grid((6, 7, 3), (1.3, 1.2, 1.0), rotation(4), centre)),
}

cases = []
for name, (source, target) in CASES.items():
    data = np.round(rng.normal(0, 100, size=source["size"]), 2).astype(np.float32)
    case = {
        "name": name,
        "source": plain(source),
        "target": plain(target),
        "voxels": [round(float(v), 2) for v in data.flatten(order="F")],
        "outside": OUTSIDE,
    }
    for key, order in (("nearest", 0), ("linear", 1), ("cubicBSpline", 3)):
        values = resample(data.astype(float), source, target, order)
        case[key] = [round(float(v), 4) for v in values.flatten(order="F")]
    cases.append(case)
(HERE / "resampling.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")

SIZE = (9, 8, 7)
components = []
for density in (0.2, 0.4, 0.7):
    mask = rng.random(SIZE) < density
    entry = {"size": SIZE, "mask": "".join("1" if v else "0" for v in mask.flatten(order="F"))}
    for connectivity, rank in (("6", 1), ("18", 2), ("26", 3)):
        found, _ = ndimage.label(mask, ndimage.generate_binary_structure(3, rank))
        # Numbered here by first voxel in memory, x fastest.
        numbers, seen = [], {0: 0}
        for value in found.flatten(order="F"):
            numbers.append(seen.setdefault(int(value), len(seen)))
        entry[connectivity] = numbers
    components.append(entry)
(HERE / "components.json").write_text(json.dumps(components, separators=(",", ":")) + "\n")
