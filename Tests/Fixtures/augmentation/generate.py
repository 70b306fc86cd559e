"""Writes changes.json, geometry.json and supervision.json: a random volume changed by batchgeneratorsv2 with fixed
numbers, for the tests of Transforms/Volumes.

Needs numpy, torch and batchgeneratorsv2. Run in this folder: python generate.py
"""
import json
from importlib.metadata import version

import numpy
import torch
from batchgeneratorsv2.transforms.intensity.brightness import MultiplicativeBrightnessTransform
from batchgeneratorsv2.transforms.intensity.contrast import ContrastTransform
from batchgeneratorsv2.transforms.intensity.gamma import GammaTransform
from batchgeneratorsv2.transforms.noise.gaussian_blur import GaussianBlurTransform
from batchgeneratorsv2.transforms.spatial.low_resolution import SimulateLowResolutionTransform
from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
from batchgeneratorsv2.transforms.utils.deep_supervision_downsampling import DownsampleSegForDSTransform

random = numpy.random.default_rng(20261126)
versions = {name: version(name) for name in ("batchgeneratorsv2", "torch", "numpy")}


def numbers(x):
    return [float(f"{v:.7g}") for v in numpy.asarray(x, numpy.float32).ravel()]


def write(name, content):
    with open(name, "w") as file:
        json.dump({"versions": versions, **content}, file, separators=(",", ":"))
        file.write("\n")


# Arrays are z, y, x; the files have x first.
shape = (6, 7, 9)
image = numpy.asarray(numbers(random.normal(size=shape)), numpy.float32).reshape(shape)
cases = []


def add(change, transform):
    result = transform(image=torch.from_numpy(image.copy())[None])["image"][0]
    cases.append({"change": change, "expected": numbers(result)})


# batchgeneratorsv2 asks for numbers of the axes z, y, x: of blurs as 1, 2, 3, otherwise as 0, 1, 2.
def blur(x, y, z):
    return GaussianBlurTransform(lambda shape, dim: (z, y, x)[dim - 1], False, False, 1)


def low(x, y, z):
    return SimulateLowResolutionTransform(
        lambda image, channel, dim: (z, y, x)[dim], synchronize_channels=False, synchronize_axes=False,
        ignore_axes=None, p_per_channel=1)


add({"blur": [0.5, 0.75, 1.0]}, blur(0.5, 0.75, 1.0))
add({"blur": [0.9, 0.9, 0.6]}, blur(0.9, 0.9, 0.6))
add({"brightness": 0.8}, MultiplicativeBrightnessTransform(0.8, False))
add({"contrast": 0.77}, ContrastTransform(0.77, True, False))
add({"contrast": 1.25}, ContrastTransform(1.25, True, False))
add({"lowResolution": [0.5, 0.5, 0.5]}, low(0.5, 0.5, 0.5))
add({"lowResolution": [0.61, 0.83, 1.0]}, low(0.61, 0.83, 1.0))
add({"invertedGamma": 0.7}, GammaTransform(0.7, 1, False, 1, 1))
add({"invertedGamma": 1.5}, GammaTransform(1.5, 1, False, 1, 1))
add({"gamma": 0.7}, GammaTransform(0.7, 0, False, 1, 1))
add({"gamma": 1.5}, GammaTransform(1.5, 0, False, 1, 1))
write("changes.json", {"size": shape[::-1], "image": numbers(image), "cases": cases})

# A patch in the middle of a larger volume: half of the samples of the strongest change lie outside.
shape, patch = (9, 10, 11), (5, 6, 7)
image = numpy.asarray(numbers(random.normal(size=shape)), numpy.float32).reshape(shape)
# Blocks of labels with corners where three meet.
blocks = random.integers(0, 4, size=(3, 4, 4))
labels = blocks.repeat(3, 0).repeat(3, 1).repeat(3, 2)[:shape[0], :shape[1], :shape[2]].astype(numpy.int16)
cases = []


def move(angles, scales):
    """Angles about the array's axes z, y, x, which are not the signs that our axes have."""
    spatial = SpatialTransform(
        patch, 0, False, p_rotation=1, rotation=lambda image, dim: angles[dim], p_scaling=1,
        scaling=lambda image, dim: scales[dim], p_synchronize_scaling_across_axes=0, border_mode_seg="constant",
        padding_value_seg=7)
    numpy.random.seed(0)
    result = spatial(image=torch.from_numpy(image)[None], segmentation=torch.from_numpy(labels)[None])
    cases.append({
        "angles": angles, "scales": scales, "expected": numbers(result["image"]),
        "labels": result["segmentation"].ravel().tolist()})


move([0.0, 0.0, 0.5], [1.0, 1.0, 1.0])
move([-0.4, 0.3, 0.2], [1.0, 1.0, 1.0])
move([0.0, 0.0, 0.0], [1.4, 1.4, 1.4])
move([0.5, -0.5, 0.45], [1.3, 0.9, 1.8])
write("geometry.json", {
    "size": shape[::-1], "patch": patch[::-1], "outsideClass": 7, "image": numbers(image),
    "classes": labels.ravel().tolist(), "cases": cases})

cases = []
for shape, strides in [((4, 8, 8), (1, 2, 2)), ((4, 8, 8), (2, 4, 8)), ((5, 7, 9), (2, 2, 2)), ((7, 10, 11), (4, 4, 2)),
                       ((3, 6, 13), (1, 1, 3))]:
    count = int(numpy.prod(shape))
    places = torch.arange(count, dtype=torch.int32).reshape(1, *shape)
    kept = DownsampleSegForDSTransform([[1 / s for s in strides]])(segmentation=places)["segmentation"][0][0]
    cases.append({
        "size": shape[::-1], "strides": strides[::-1], "reduced": list(kept.shape)[::-1], "kept": kept.ravel().tolist()})
write("supervision.json", {"cases": cases})
