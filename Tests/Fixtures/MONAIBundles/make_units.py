"""Writes units.json: what MONAI's transforms and windows give for small arrays.

Usage: make_units.py > units.json
"""

import json

import numpy
import torch
from monai.data import MetaTensor
from monai.data.utils import compute_importance_map, dense_patch_slices
from monai.inferers.utils import _get_scan_interval
from monai.transforms import (
    CropForeground, DivisiblePad, NormalizeIntensity, ScaleIntensity,
    ScaleIntensityRangePercentiles, Spacing,
)


def plain(values):
    return [float(f"{float(v):.8g}") for v in torch.as_tensor(values).flatten()]


result = {"spacing": [], "windows": [], "weights": [], "intensity": [], "crop": []}
random = numpy.random.default_rng(3)
# Places exactly halfway between two samples have no nearest one: which MONAI takes is rounding noise.
# Spacings that give such places, forth or back, are left to interpolation.
for size, old, new, modes in [
    ((5, 4, 3), (1.0, 2.0, 3.0), (0.5, 1.5, 4.0), ("bilinear",)),
    ((6, 5, 4), (0.8, 0.8, 0.8), (1.6, 1.6, 1.6), ("bilinear",)),
    ((4, 7, 3), (3.0, 0.7, 1.0), (1.5, 1.4, 1.0004), ("bilinear",)),
    ((5, 4, 3), (1.0, 2.0, 3.0), (0.57, 1.55, 4.1), ("bilinear", "nearest")),
    ((6, 7, 8), (3.0, 0.7, 1.0), (1.63, 1.33, 1.0004), ("bilinear", "nearest")),
]:
    image = torch.tensor(random.normal(size=(1, *size)).astype(numpy.float32))
    affine = torch.tensor(numpy.diag([*old, 1.0]))
    for mode in modes:
        for padding in ("border", "zeros"):
            transform = Spacing(new, mode=mode, padding_mode=padding)
            moved = transform(MetaTensor(image, affine=affine))
            back = transform.inverse(moved)
            result["spacing"].append({
                "size": size, "old": old, "new": new, "mode": mode, "padding": padding,
                "input": plain(image), "newSize": list(moved.shape[1:]), "output": plain(moved),
                "back": plain(back)})
for size, roi, overlap in [
    ((41, 30, 10), (16, 16, 10), 0.25), ((50, 16, 33), (16, 16, 32), 0.6),
    ((96, 97, 191), (96, 96, 96), 0.5),
]:
    slices = dense_patch_slices(size, roi, _get_scan_interval(size, roi, 3, (overlap,) * 3))
    result["windows"].append({
        "size": size, "roi": roi, "overlap": overlap,
        "starts": [sorted({int(s[d].start) for s in slices}) for d in range(3)]})
for roi, sigma in [((5, 4, 3), 0.125), ((4, 4, 6), 0.3)]:
    weights = compute_importance_map(roi, mode="gaussian", sigma_scale=sigma)
    result["weights"].append({"roi": roi, "sigma": sigma, "weights": plain(weights)})
image = torch.tensor(random.normal(20, 50, size=(2, 3, 4, 5)).astype(numpy.float32))
image[:, 0, :2] = 0
for name, transform in {
    "normalize": NormalizeIntensity(),
    "normalizeNonzeroChannels": NormalizeIntensity(nonzero=True, channel_wise=True),
    "scale": ScaleIntensity(-1, 1),
    "scaleChannels": ScaleIntensity(channel_wise=True),
    "percentiles": ScaleIntensityRangePercentiles(5, 95, 0, 1, clip=True),
    "percentilesRelative": ScaleIntensityRangePercentiles(
        10, 80, 0, 2, relative=True, channel_wise=True),
}.items():
    result["intensity"].append({"name": name, "input": plain(image),
                                "output": plain(transform(image.clone()))})
blob = torch.zeros(1, 9, 8, 7)
blob[0, 2:5, 3:8, 1:3] = torch.arange(1, 31).reshape(3, 5, 2)
for margin, multiple, smaller in [((0, 0, 0), (1, 1, 1), True), ((1, 2, 3), (4, 4, 4), False)]:
    transform = CropForeground(margin=margin, k_divisible=multiple, allow_smaller=smaller)
    result["crop"].append({
        "margin": margin, "multiple": multiple, "smaller": smaller, "size": [9, 8, 7],
        "input": plain(blob), "output": plain(transform(blob)),
        "newSize": list(transform(blob).shape[1:])})
print(json.dumps(result))
