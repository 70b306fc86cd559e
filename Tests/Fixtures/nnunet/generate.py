"""Writes plans and data set descriptions as nnU-Net lays them out, in the new and the old way, for the tests of their reader.

The values are made up. Run in this folder: python generate.py
"""
import json


def write(name, value):
    with open(name, "w") as file:
        json.dump(value, file, indent=1)


intensities = {"max": 3071.0, "mean": 12.5, "median": 10.0, "min": -1024.0, "percentile_00_5": -900.0,
               "percentile_99_5": 800.0, "std": 250.0}
data = {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None}
labels = {"is_seg": True, "order": 1, "order_z": 0, "force_separate_z": None}
scores = {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None}


def resampling():
    name = "resample_data_or_seg_to_shape"
    return {"resampling_fn_data": name, "resampling_fn_data_kwargs": data, "resampling_fn_seg": name,
            "resampling_fn_seg_kwargs": labels, "resampling_fn_probabilities": name,
            "resampling_fn_probabilities_kwargs": scores}


full = {
    "data_identifier": "x_3d", "preprocessor_name": "DefaultPreprocessor", "batch_size": 2, "patch_size": [16, 32, 32],
    "spacing": [3.0, 1.0, 1.0], "normalization_schemes": ["CTNormalization", "ZScoreNormalization"],
    "use_mask_for_norm": [False, True], **resampling(),
    "architecture": {
        "network_class_name": "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet",
        "arch_kwargs": {
            "n_stages": 3, "features_per_stage": [8, 16, 24], "conv_op": "torch.nn.modules.conv.Conv3d",
            "kernel_sizes": [[1, 3, 3], [3, 3, 3], [3, 3, 3]], "strides": [[1, 1, 1], [1, 2, 2], [2, 2, 2]],
            "n_blocks_per_stage": [1, 2, 2], "n_conv_per_stage_decoder": [1, 1], "conv_bias": True,
            "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d", "norm_op_kwargs": {"eps": 1e-05, "affine": True},
            "dropout_op": None, "dropout_op_kwargs": None, "nonlin": "torch.nn.LeakyReLU", "nonlin_kwargs": {"inplace": True},
        },
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    },
}
cascade = {"inherits_from": "3d_fullres", "previous_stage": "3d_lowres", "patch_size": [16, 16, 16]}
torch = {"inherits_from": "3d_fullres", "resampling_fn_data": "resample_torch_fornnunet",
         "resampling_fn_data_kwargs": {"is_seg": False, "force_separate_z": False}}
write("plans-new.json", {
    "dataset_name": "Dataset900_Made", "plans_name": "plans", "image_reader_writer": "SimpleITKIO",
    "transpose_forward": [2, 0, 1], "transpose_backward": [1, 2, 0],
    "configurations": {"3d_fullres": full, "3d_cascade_fullres": cascade, "3d_torch": torch, "loop": {"inherits_from": "loop"}},
    "foreground_intensity_properties_per_channel": {"0": intensities, "1": intensities},
})
write("plans-old.json", {
    "dataset_name": "Dataset901_Old", "plans_name": "plans", "image_reader_writer": "NibabelIOWithReorient",
    "transpose_forward": [0, 1, 2], "transpose_backward": [0, 1, 2],
    "configurations": {"2d": {
        "patch_size": [64, 48], "spacing": [1.0, 1.0], "normalization_schemes": ["NoNormalization"], "use_mask_for_norm": [False],
        "UNet_class_name": "PlainConvUNet", "UNet_base_num_features": 32, "unet_max_num_features": 100,
        "n_conv_per_stage_encoder": [2, 2, 2], "n_conv_per_stage_decoder": [2, 2], "num_pool_per_axis": [2, 2],
        "pool_op_kernel_sizes": [[1, 1], [2, 2], [2, 2]], "conv_kernel_sizes": [[3, 3], [3, 3], [3, 3]], **resampling(),
    }},
    "foreground_intensity_properties_by_modality": {"0": intensities},
})
write("dataset.json", {
    "channel_names": {"0": "CT", "1": "PET"}, "labels": {"background": 0, "liver": 1, "tumour": 2, "ignore": 3},
    "numTraining": 3, "file_ending": ".nii.gz",
})
write("dataset-regions.json", {
    "modality": {"0": "T1"}, "labels": {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "enhancing": 3},
    "regions_class_order": [1, 2, 3], "numTraining": 3, "file_ending": ".nii.gz",
})
