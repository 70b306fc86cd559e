"""Writes planning.json: what nnU-Net's own planner chooses for made-up data sets.

Run: python3 make_planning.py (needs nnunetv2; written with 2.8.1). Data sets are shapes and spacings
alone, along z, y, x; no image is read.
"""

import json
import os
import tempfile

import numpy as np

for variable in ["nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"]:
    os.environ[variable] = tempfile.mkdtemp()

from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import (  # noqa: E402
    ExperimentPlanner,
)
from nnunetv2.experiment_planning.experiment_planners.network_topology import (  # noqa: E402
    get_pool_and_conv_props,
)
from nnunetv2.imageio.simpleitk_reader_writer import SimpleITKIO  # noqa: E402


class Planner(ExperimentPlanner):
    def determine_reader_writer(self):
        return SimpleITKIO


# name, cases, shape and spacing of a typical case, spread between cases, classes, GB
DATASETS = [
    ("small-brain", 208, (36, 50, 35), (1.0, 1.0, 1.0), 0.1, 3, 8),
    ("whole-brain", 40, (155, 190, 160), (1.0, 1.0, 1.0), 0.05, 4, 8),
    ("abdomen", 130, (432, 512, 512), (1.0, 0.77, 0.77), 0.2, 3, 8),
    ("thick-heart", 100, (9, 256, 216), (10.0, 1.56, 1.56), 0.15, 4, 8),
    ("prostate", 32, (20, 320, 320), (3.6, 0.62, 0.62), 0.1, 3, 8),
    ("lung", 64, (252, 512, 512), (1.24, 0.79, 0.79), 0.25, 2, 8),
    ("few-slices", 12, (6, 128, 128), (6.0, 1.0, 1.0), 0.0, 2, 8),
    ("sagittal", 50, (320, 320, 18), (0.7, 0.7, 3.3), 0.05, 9, 8),
    ("coronal", 21, (256, 40, 256), (0.9, 4.0, 0.9), 0.1, 2, 8),
    ("tiny", 20, (12, 14, 16), (2.0, 2.0, 2.0), 0.0, 2, 8),
    ("long", 30, (900, 96, 96), (0.5, 1.5, 1.5), 0.1, 3, 8),
    ("two-gigabytes", 60, (128, 160, 112), (1.2, 1.0, 1.1), 0.1, 5, 2),
    ("microscope", 5, (60, 1024, 1024), (0.3, 0.1, 0.1), 0.0, 2, 8),
    ("slice", 25, (1, 512, 480), (999.0, 1.0, 1.0), 0.1, 2, 8),
    ("colon", 126, (466, 512, 512), (1.25, 0.78, 0.78), 0.3, 2, 4),
]


def numbers(values):
    return [float(v) for v in values]


def main():
    random = np.random.default_rng(11)
    result = []
    for name, cases, shape, spacing, spread, classes, gigabytes in DATASETS:
        shapes, spacings = [], []
        for _ in range(cases):
            factors = np.exp(spread * random.standard_normal(3))
            if name == "slice":
                factors[0] = 1
            shapes.append([max(1, int(round(s / f))) for s, f in zip(shape, factors)])
            spacings.append([round(float(s * f), 4) for s, f in zip(spacing, factors)])
        dataset = f"Dataset{len(result) + 1:03d}_{name}"
        folder = os.path.join(os.environ["nnUNet_raw"], dataset)
        prepared = os.path.join(os.environ["nnUNet_preprocessed"], dataset)
        os.makedirs(folder)
        os.makedirs(prepared)
        description = {
            "labels": {"background": 0, **{f"s{i}": i for i in range(1, classes)}},
            "channel_names": {"0": "MRI"},
            "numTraining": cases,
            "file_ending": ".nii.gz",
            "dataset": {"a": {"images": ["a.nii.gz"], "label": "b.nii.gz"}},
        }
        json.dump(description, open(os.path.join(folder, "dataset.json"), "w"))
        fingerprint = {
            "spacings": spacings,
            "shapes_after_crop": shapes,
            "foreground_intensity_properties_per_channel": {},
            "median_relative_size_after_cropping": 1.0,
        }
        json.dump(fingerprint, open(os.path.join(prepared, "dataset_fingerprint.json"), "w"))
        planner = Planner(len(result) + 1, gpu_memory_target_in_gb=gigabytes)
        plans = planner.plan_experiment()
        configurations = {}
        for key, plan in plans["configurations"].items():
            if "architecture" not in plan:
                continue
            values = plan["architecture"]["arch_kwargs"]
            configurations[key] = {
                "spacing": numbers(plan["spacing"]),
                "patch": [int(v) for v in plan["patch_size"]],
                "batch": int(plan["batch_size"]),
                "batchDice": bool(plan["batch_dice"]),
                "medianSize": numbers(plan["median_image_size_in_voxels"]),
                "features": list(values["features_per_stage"]),
                "strides": [list(v) for v in values["strides"]],
                "kernels": [list(v) for v in values["kernel_sizes"]],
                "mapValues": int(
                    Planner.static_estimate_VRAM_usage(
                        plan["patch_size"],
                        1,
                        classes,
                        plan["architecture"]["network_class_name"],
                        values,
                        plan["architecture"]["_kw_requires_import"],
                    )
                ),
            }
        result.append(
            {
                "name": name,
                "classes": classes,
                "gigabytes": gigabytes,
                "sizes": shapes,
                "spacings": spacings,
                "transposeForward": [int(v) for v in plans["transpose_forward"]],
                "configurations": configurations,
            }
        )
    topologies = []
    for size, spacing in [
        ((36, 50, 35), (1, 1, 1)),
        ((16, 256, 224), (10, 1.25, 1.25)),
        ((11, 12, 13), (1, 1, 1)),
        ((8, 8, 8), (1, 1, 1)),
        ((7, 300, 9), (1, 1, 1)),
        ((12, 7, 7), (1, 1, 1)),
        ((11, 7, 7), (1, 1, 1)),
        ((64, 64, 64), (2, 1, 1)),
        ((64, 64, 64), (1.99, 1, 1)),
        ((33, 129, 65), (4.5, 0.5, 1.7)),
        ((160, 160, 20), (0.7, 0.7, 3.3)),
        ((2048, 2048), (1, 1)),
        ((320, 30), (0.5, 2.5)),
        ((9, 9), (1, 1)),
    ]:
        pools, strides, kernels, patch, multiples = get_pool_and_conv_props(
            spacing, size, 4, 999999
        )
        topologies.append(
            {
                "size": list(size),
                "spacing": numbers(spacing),
                "strides": [list(v) for v in strides],
                "kernels": [list(v) for v in kernels],
                "patch": [int(v) for v in patch],
                "multiples": [int(v) for v in multiples],
            }
        )
    text = json.dumps({"datasets": result, "topologies": topologies}, separators=(",", ":"))
    text = text.replace('{"name"', '\n{"name"').replace('{"size"', '\n{"size"')
    with open("planning.json", "w") as file:
        file.write(text + "\n")


if __name__ == "__main__":
    main()
