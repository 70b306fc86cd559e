"""Tiny nnU-Net v2 models with seeded random weights, and nnU-Net's own predictions with them.

Needs nnunetv2 (2.8.1 was used), torch, SimpleITK. Everything is synthetic: phantoms of ellipsoids and
noise. Run from any folder; writes models/ beside this file.
"""
import json
import os
import shutil
import sys
from pathlib import Path

os.environ.setdefault("nnUNet_raw", "/nonexistent")
os.environ.setdefault("nnUNet_preprocessed", "/nonexistent")
os.environ.setdefault("nnUNet_results", "/nonexistent")
os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import SimpleITK as sitk
import torch
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

HERE = Path(__file__).parent / "models"
NETWORK = "dynamic_network_architectures.architectures.unet."


def configuration(name, patch, spacing, schemes, masks, network="PlainConvUNet", **more):
    dims = len(patch)
    kernels = [[1] + [3] * (dims - 1), [3] * dims] if more.pop("flat", False) else [[3] * dims] * 2
    strides = [[1] * dims, [1] + [2] * (dims - 1) if kernels[0][0] == 1 and dims == 3 else [2] * dims]
    arguments = {
        "n_stages": 2, "features_per_stage": [4, 8], "conv_op": f"torch.nn.modules.conv.Conv{dims}d",
        "kernel_sizes": kernels, "strides": strides, "n_conv_per_stage_decoder": [1],
        "conv_bias": True, "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{dims}d",
        "norm_op_kwargs": {"eps": 1e-5, "affine": True}, "dropout_op": None,
        "dropout_op_kwargs": None, "nonlin": "torch.nn.LeakyReLU", "nonlin_kwargs": {"inplace": True},
    }
    arguments["n_conv_per_stage" if network == "PlainConvUNet" else "n_blocks_per_stage"] = [1, 1]
    values = {
        "data_identifier": name, "preprocessor_name": "DefaultPreprocessor", "batch_size": 2,
        "patch_size": patch, "median_image_size_in_voxels": patch, "spacing": spacing,
        "normalization_schemes": schemes, "use_mask_for_norm": masks,
        "resampling_fn_data": "resample_data_or_seg_to_shape",
        "resampling_fn_seg": "resample_data_or_seg_to_shape",
        "resampling_fn_data_kwargs": {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None},
        "resampling_fn_seg_kwargs": {"is_seg": True, "order": 1, "order_z": 0, "force_separate_z": None},
        "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
        "resampling_fn_probabilities_kwargs": {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None},
        "batch_dice": False,
        "architecture": {
            "network_class_name": NETWORK + network, "arch_kwargs": arguments,
            "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
        },
    }
    values.update(more)
    return values


def plans(configurations, transpose=(0, 1, 2), reader="SimpleITKIO", intensities=1):
    backward = [list(transpose).index(i) for i in range(3)]
    properties = {"mean": 120.0, "std": 80.0, "percentile_00_5": -40.0, "percentile_99_5": 300.0,
                  "max": 400.0, "min": -100.0, "median": 110.0}
    return {
        "dataset_name": "Dataset001_Tiny", "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": [1.0, 1.0, 1.0],
        "original_median_shape_after_transp": [20, 20, 20], "image_reader_writer": reader,
        "transpose_forward": list(transpose), "transpose_backward": backward,
        "configurations": configurations, "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {str(i): properties for i in range(intensities)},
    }


def save(folder, plan, dataset, name, folds, mirror, seed):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plans.json").write_text(json.dumps(plan, indent=1))
    (folder / "dataset.json").write_text(json.dumps(dataset, indent=1))
    values = plan["configurations"][name]
    labels = dataset["labels"]
    regions = any(isinstance(v, list) and len(v) > 1 for v in labels.values())
    kept = {k: v for k, v in labels.items() if k != "ignore"}
    heads = len(kept) - 1 if regions else len(kept)
    inputs = len(dataset["channel_names"])
    if "previous_stage" in values:
        inputs += len(kept) - 1
    arch = values["architecture"]
    for fold in folds:
        torch.manual_seed(seed + (0 if fold == "all" else fold))
        network = get_network_from_plans(
            arch["network_class_name"], arch["arch_kwargs"], arch["_kw_requires_import"], inputs, heads,
            deep_supervision=True)
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.ndim == 1:
                    parameter.add_(torch.randn_like(parameter) * 0.3)
        place = folder / f"fold_{fold}"
        place.mkdir(exist_ok=True)
        torch.save(
            {"network_weights": network.state_dict(), "trainer_name": "nnUNetTrainer",
             "init_args": {"configuration": name, "fold": fold},
             "inference_allowed_mirroring_axes": mirror, "current_epoch": 1, "grad_scaler_state": None,
             "_best_ema": np.float64(0.5)},
            place / "checkpoint_final.pth")


def phantom(size, seed, low=0.0):
    random = np.random.default_rng(seed)
    z, y, x = np.meshgrid(*[np.linspace(-1, 1, n) for n in size], indexing="ij")
    body = (x ** 2 + y ** 2 + z ** 2) < 0.9
    inner = ((x - 0.2) ** 2 + (y + 0.1) ** 2 + z ** 2) < 0.25
    image = body * 100 + inner * 80 + random.normal(0, 15, size)
    hole = ((x + 0.4) ** 2 + y ** 2 + z ** 2) < 0.02
    return np.where(body & ~hole, np.round(image), low).astype(np.int16)


def write(path, array, spacing, direction=None):
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing)
    image.SetOrigin((3.0, -7.0, 11.0))
    if direction is not None:
        image.SetDirection(direction)
    sitk.WriteImage(image, str(path), True)


def predict(folder, folds, images, out, mirror, step=0.5, probabilities=False, previous=None):
    predictor = nnUNetPredictor(
        tile_step_size=step, use_gaussian=True, use_mirroring=mirror, perform_everything_on_device=False,
        device=torch.device("cpu"), verbose=False, allow_tqdm=False)
    predictor.initialize_from_trained_model_folder(str(folder), folds, "checkpoint_final.pth")
    predictor.predict_from_files(
        [[str(i) for i in images]], [str(out)], save_probabilities=probabilities, overwrite=True,
        num_processes_preprocessing=1, num_processes_segmentation_export=1,
        folder_with_segs_from_prev_stage=previous)
    for extra in ("dataset.json", "plans.json", "predict_from_raw_data_args.json"):
        (out.parent / extra).unlink(missing_ok=True)
    out.with_suffix(".pkl").unlink(missing_ok=True)


def main():
    torch.set_num_threads(1)
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir()
    two = {"background": 0, "a": 1, "b": 2}
    tilted = [0.9396926, -0.3420201, 0, 0.3420201, 0.9396926, 0, 0, 0, -1]

    # Several tiles, both ways of resampling, two folds, mirroring, statistics within a mask.
    here = HERE / "plain"
    write(HERE / "plain_0000.nii.gz", phantom((22, 30, 26), 1), (1.3, 1.0, 0.9), tilted)
    plan = plans({"3d_fullres": configuration(
        "3d", [16, 16, 16], [1.1, 1.0, 1.2], ["ZScoreNormalization"], [True])}, (1, 0, 2))
    dataset = {"channel_names": {"0": "MRI"}, "labels": two, "numTraining": 3, "file_ending": ".nii.gz"}
    save(here, plan, dataset, "3d_fullres", [0, 1], (0, 2), 10)
    predict(here, (0, 1), [HERE / "plain_0000.nii.gz"], HERE / "plain_expected", True, probabilities=True)
    predict(here, (1,), [HERE / "plain_0000.nii.gz"], HERE / "plain_fold1_expected", False, step=0.8)

    # Thick slices treated apart in both directions; a residual encoder; CT.
    here = HERE / "thick"
    write(HERE / "thick_0000.nii.gz", phantom((9, 30, 28), 2, -1000), (0.8, 0.8, 4.0))
    plan = plans({"3d_fullres": configuration(
        "3d", [8, 16, 16], [3.5, 1.0, 1.0], ["CTNormalization"], [False], "ResidualEncoderUNet", flat=True)})
    dataset = dict(dataset, channel_names={"0": "CT"})
    save(here, plan, dataset, "3d_fullres", [0], None, 20)
    predict(here, (0,), [HERE / "thick_0000.nii.gz"], HERE / "thick_expected", True)

    # Slice by slice, larger than the patch.
    here = HERE / "slices"
    write(HERE / "slices_0000.nii.gz", phantom((5, 40, 34), 3), (1.0, 1.1, 3.0))
    plan = plans({"2d": configuration("2d", [24, 16], [1.0, 1.0], ["ZScoreNormalization"], [False])})
    save(here, plan, dict(dataset, channel_names={"0": "MRI"}), "2d", [0], (0, 1), 30)
    predict(here, (0,), [HERE / "slices_0000.nii.gz"], HERE / "slices_expected", True)

    # Regions of two channels with an ignore label.
    here = HERE / "regions"
    for channel in (0, 1):
        write(HERE / f"regions_000{channel}.nii.gz", phantom((18, 20, 22), 4 + channel), (1.0, 1.0, 1.0))
    plan = plans({"3d_fullres": configuration(
        "3d", [16, 16, 16], [1.0, 1.0, 1.0], ["RescaleTo01Normalization", "NoNormalization"], [False, False])},
        intensities=2)
    save(here, plan, {
        "channel_names": {"0": "T1", "1": "FLAIR"}, "numTraining": 3, "file_ending": ".nii.gz",
        "labels": {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "active": 3, "ignore": 4},
        "regions_class_order": [1, 2, 3]}, "3d_fullres", ["all"], None, 40)
    predict(here, ("all",), [HERE / "regions_0000.nii.gz", HERE / "regions_0001.nii.gz"],
            HERE / "regions_expected", False)

    # A cascade: the first stage's labels are channels of the second.
    write(HERE / "cascade_0000.nii.gz", phantom((20, 22, 24), 7), (1.0, 1.2, 1.1))
    low = configuration("low", [16, 16, 16], [2.0, 2.0, 2.0], ["ZScoreNormalization"], [False])
    low["next_stage"] = ["3d_cascade_fullres"]
    plan = plans({
        "3d_lowres": low,
        "3d_fullres": configuration("3d", [16, 16, 16], [1.0, 1.0, 1.0], ["ZScoreNormalization"], [False]),
        "3d_cascade_fullres": {"inherits_from": "3d_fullres", "previous_stage": "3d_lowres"}})
    resolved = json.loads(json.dumps(plan))
    resolved["configurations"]["3d_cascade_fullres"] = dict(
        plan["configurations"]["3d_fullres"], previous_stage="3d_lowres")
    base = HERE / "cascade"
    dataset = dict(dataset, channel_names={"0": "MRI"})
    for name, seed in (("3d_lowres", 50), ("3d_cascade_fullres", 60)):
        place = base / f"nnUNetTrainer__nnUNetPlans__{name}"
        save(place, resolved, dataset, name, [0], (0, 1, 2), seed)
        (place / "plans.json").write_text(json.dumps(plan, indent=1))
    first = base / "nnUNetTrainer__nnUNetPlans__3d_lowres"
    second = base / "nnUNetTrainer__nnUNetPlans__3d_cascade_fullres"
    stage = HERE / "stage"
    stage.mkdir()
    predict(first, (0,), [HERE / "cascade_0000.nii.gz"], stage / "cascade", True)
    predict(second, (0,), [HERE / "cascade_0000.nii.gz"], HERE / "cascade_expected", True, previous=str(stage))
    shutil.rmtree(stage)


if __name__ == "__main__":
    main()
