"""Writes channels.json: nnU-Net's fingerprint and plan of a made-up data set of two channels and regions.

Run: python3 make_channels.py (needs nnunetv2 and SimpleITK; written with 2.8.1). The images are formulas
of the voxels' places, which ChannelDatasetTests.swift repeats.
"""

import json
import os
import tempfile

import numpy as np
import SimpleITK as sitk

for variable in ["nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"]:
    os.environ[variable] = tempfile.mkdtemp()

from nnunetv2.experiment_planning.dataset_fingerprint.fingerprint_extractor import (  # noqa: E402
    DatasetFingerprintExtractor,
)
from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import (  # noqa: E402
    ExperimentPlanner,
)

NAME = "Dataset001_Channels"
# x, y, z
CASES = [((24, 20, 16), (1.0, 1.0, 2.0)), ((26, 22, 14), (1.0, 1.0, 2.5)), ((20, 24, 18), (1, 1, 2))]
DESCRIPTION = {
    "channel_names": {"0": "T1", "1": "CT"},
    "labels": {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "centre": [3]},
    "regions_class_order": [1, 2, 3],
    "numTraining": len(CASES),
    "file_ending": ".nii.gz",
}


def arrays(index, size):
    x, y, z = np.meshgrid(*[np.arange(s) for s in size], indexing="ij")
    distance = sum((2 * (v - s // 2)) ** 2 for v, s in zip((x, y, z), size))
    labels = (distance < 169).astype(int) + (distance < 64) + (distance < 16)
    # What lies within two voxels of a side along x is 0 in both channels.
    inside = (x >= 2) & (x < size[0] - 2)
    first = inside * (100 + (7 * x + 11 * y + 13 * z + index) % 31 + 40 * labels)
    second = inside * (-50 + (5 * x + 3 * y + 17 * z + index) % 53 + 25 * (labels >= 2))
    return first, second, labels


def main():
    folder = os.path.join(os.environ["nnUNet_raw"], NAME)
    for name in ["imagesTr", "labelsTr"]:
        os.makedirs(os.path.join(folder, name))
    for index, (size, spacing) in enumerate(CASES):
        first, second, labels = arrays(index, size)
        for values, kind, path in [
            (first, np.float32, f"imagesTr/case_{index}_0000.nii.gz"),
            (second, np.float32, f"imagesTr/case_{index}_0001.nii.gz"),
            (labels, np.uint8, f"labelsTr/case_{index}.nii.gz"),
        ]:
            image = sitk.GetImageFromArray(values.transpose(2, 1, 0).astype(kind))
            image.SetSpacing([float(s) for s in spacing])
            sitk.WriteImage(image, os.path.join(folder, path))
    json.dump(DESCRIPTION, open(os.path.join(folder, "dataset.json"), "w"))
    extractor = DatasetFingerprintExtractor(1, num_processes=1)
    # Its 10 ** 8 values of a few hundred voxels would take a minute and say no more.
    extractor.num_foreground_voxels_for_intensitystats = 3e5
    extractor.run(overwrite_existing=True)
    prepared = os.path.join(os.environ["nnUNet_preprocessed"], NAME)
    found = json.load(open(os.path.join(prepared, "dataset_fingerprint.json")))
    plans = ExperimentPlanner(1).plan_experiment()
    plan = plans["configurations"]["3d_fullres"]
    result = {
        "cases": [{"size": list(s), "spacing": [float(v) for v in d]} for s, d in CASES],
        "sizes": [[int(v) for v in shape] for shape in found["shapes_after_crop"]],
        "medianRelativeSize": float(found["median_relative_size_after_cropping"]),
        "intensities": [
            found["foreground_intensity_properties_per_channel"][str(c)] for c in range(2)
        ],
        "spacing": [float(v) for v in plan["spacing"]],
        "patch": [int(v) for v in plan["patch_size"]],
        "batch": int(plan["batch_size"]),
        "normalization": list(plan["normalization_schemes"]),
        "usesMask": [bool(v) for v in plan["use_mask_for_norm"]],
        "transposeForward": [int(v) for v in plans["transpose_forward"]],
    }
    with open("channels.json", "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
