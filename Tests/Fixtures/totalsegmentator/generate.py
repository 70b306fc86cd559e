"""Runs TotalSegmentator's own pipeline around made-up models and keeps what goes in and comes out.

Needs TotalSegmentator 2.18 with its dependencies. The weights are not needed: `nnUNetv2_predict` is replaced by a rule on
intensities, which the tests follow too. Run in this folder: python generate.py
"""
import json
import os
import tempfile
from pathlib import Path

os.environ["TOTALSEG_HOME_DIR"] = tempfile.mkdtemp()
import nibabel
import numpy
from scipy.ndimage import gaussian_filter
from totalsegmentator import nnunet, python_api

prepared = {}


def label(values, dataset, count):
    """The made-up model: bands of intensity, in another order for each data set; vertebrae are bright pieces."""
    band = numpy.floor((values.astype(float) + 900 + dataset % 7) / 30).astype(int)
    return numpy.where(values > 250, 1 + band % count, 0) if dataset == 803 else band % (count + 1)


def predict(folder, output, dataset, *_, **__):
    image = nibabel.load(Path(folder) / "s01_0000.nii.gz")
    values = numpy.asanyarray(image.dataobj)
    prepared[dataset] = values
    result = label(values, dataset, counts[dataset])
    nibabel.save(nibabel.Nifti1Image(result.astype(numpy.uint8), image.affine), Path(output) / "s01.nii.gz")


nnunet.nnUNetv2_predict = predict
for module in (python_api,):
    module.download_pretrained_weights = lambda *_: None
    module.send_usage_stats = lambda *_: None
    module.show_license_info = lambda: None
    module.increase_prediction_counter = lambda: {}

# As many labels as the made-up models have.
counts = {291: 24, 292: 26, 293: 18, 294: 23, 295: 26, 297: 117, 298: 117, 299: 2, 8: 2, 301: 7, 803: 24, 304: 15, 115: 7}

random = numpy.random.default_rng(20261126)


def scan(name, shape, spacing, axes, angle=0.0, smooth=3.0, dtype=numpy.int16):
    """A smooth random field; `axes` are nibabel's codes of the array's axes."""
    field = gaussian_filter(random.normal(size=shape), smooth)
    values = (field / field.std() * 300).round().astype(dtype)
    affine = numpy.zeros((4, 4))
    for axis, code in enumerate(axes):
        row, sign = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}[code]
        affine[row, axis] = sign * spacing[axis]
    turn = numpy.eye(3)
    turn[:2, :2] = [[numpy.cos(angle), -numpy.sin(angle)], [numpy.sin(angle), numpy.cos(angle)]]
    affine[:3, :3] = turn @ affine[:3, :3]
    affine[:3, 3] = [11, -23, 7]
    affine[3, 3] = 1
    image = nibabel.Nifti1Image(values, affine)
    nibabel.save(image, f"{name}.nii.gz")
    return nibabel.load(f"{name}.nii.gz")


cases = []
seen = {}
folder = tempfile.mkdtemp()


def case(name, image, task, mode="standard", blobs=False, keep=None):
    prepared.clear()
    result = python_api.totalsegmentator(
        nibabel.load(image.get_filename()), Path(folder) / "labels.nii.gz", ml=True, task=task, fast=mode == "fast", fastest=mode == "fastest",
        remove_small_blobs=blobs, quiet=True, device="cpu", nr_thr_resamp=1)
    labels = numpy.asanyarray(result.dataobj).astype(numpy.uint8)
    nibabel.save(nibabel.Nifti1Image(labels, image.affine), f"{name}.nii.gz")
    entry = {"name": name, "scan": Path(image.get_filename()).name, "task": task, "mode": mode, "blobs": blobs,
             "labels": len(numpy.unique(labels)) - 1}
    if keep is not None:
        # z, y, x, as everywhere else.
        seen[name] = prepared[keep].transpose(2, 1, 0).astype(numpy.int32)
    cases.append(entry)
    print(entry["name"], labels.shape, entry["labels"], "labels", int((labels > 0).sum()), "voxels")


straight = scan("straight", (36, 30, 22), (0.8, 0.9, 2.0), "LAS")
turned = scan("turned", (24, 30, 28), (2.2, 1.1, 1.3), "SPR", angle=0.2)
flat = scan("flat", (30, 28, 24), (1.5, 1.5, 1.5), "RAS", smooth=2.5)
case("total-fast", straight, "total", "fast", keep=297)
case("total-blobs", straight, "total", "fast", blobs=True)
case("total-turned", turned, "total", keep=291)
case("total-fastest", flat, "total", "fastest", keep=298)
case("body", turned, "body", keep=299)
case("liver-vessels", turned, "liver_vessels", keep=8)
case("heart", straight, "heartchambers_highres", keep=301)
case("vertebrae", flat, "vertebrae_pp", keep=803)
case("vertebrae-turned", turned, "vertebrae_pp")
case("bones", flat, "appendicular_bones")
numpy.savez_compressed("prepared.npz", **seen)
json.dump({"counts": counts, "cases": cases}, open("cases.json", "w"))
