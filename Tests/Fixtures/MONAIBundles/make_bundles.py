"""Makes small MONAI bundles with random weights, and what MONAI computes with them.

Usage: make_bundles.py FOLDER [NAME ...]

For each bundle: FOLDER/NAME/bundle (the bundle), FOLDER/NAME/scan_000N.nii.gz (channels of a synthetic
scan with an oblique affine and anisotropic spacing), FOLDER/NAME/labels.nii.gz (the label map that
monai.bundle's own workflow saves, multi-channel results painted in `order`), and
FOLDER/NAME/reference.safetensors (every 7th probability on the scan's grid where they are inverted).

Needs monai, torch, nibabel, pytorch-ignite, pyyaml, safetensors. Seeded; MONAI 1.6.1 and torch 2.13.0 made the
files that are kept.
"""

import json
import shutil
import sys
from pathlib import Path

import nibabel
import numpy
import torch
import yaml
from monai.bundle import ConfigParser, ConfigWorkflow
from safetensors.torch import save_file

LOAD = [
    {"_target_": "LoadImaged", "keys": "image"},
    {"_target_": "EnsureChannelFirstd", "keys": "image"},
]

BUNDLES = {
    # As the spleen CT bundle: windows, softmax inverted linearly, argmax.
    "unet": {
        "network": {
            "_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 2,
            "channels": [2, 4, 8], "strides": [2, 2], "num_res_units": 2, "norm": "batch",
        },
        "size": (40, 46, 15),
        "steps": [
            {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
            {"_target_": "Spacingd", "keys": "image", "pixdim": [1.5, 1.5, 2.0], "mode": "bilinear"},
            {"_target_": "ScaleIntensityRanged", "keys": "image", "a_min": -57, "a_max": 164,
             "b_min": 0, "b_max": 1, "clip": True},
            {"_target_": "EnsureTyped", "keys": "image"},
        ],
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [24, 24, 16],
                    "sw_batch_size": 4, "overlap": 0.5},
        "post": [
            {"_target_": "Activationsd", "keys": "pred", "softmax": True},
            {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing",
             "orig_keys": "image", "nearest_interp": False, "to_tensor": True},
            {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
        ],
        "labels": ["background", "spleen"],
    },
    # As the brain tumour bundle: four channels, overlapping regions.
    "segresnet": {
        "network": {
            "_target_": "SegResNet", "blocks_down": [1, 1], "blocks_up": [1], "init_filters": 4,
            "in_channels": 4, "out_channels": 3, "norm": ["GROUP", {"num_groups": 2}],
            "dropout_prob": 0.2,
        },
        "size": (30, 34, 26), "spacing": (1.0, 1.0, 1.0), "channels": 4,
        "steps": [
            {"_target_": "NormalizeIntensityd", "keys": "image", "nonzero": True,
             "channel_wise": True},
        ],
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [24, 20, 16],
                    "sw_batch_size": 1, "overlap": 0.5, "mode": "gaussian"},
        "post": [
            {"_target_": "Activationsd", "keys": "pred", "sigmoid": True},
            {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing",
             "orig_keys": "image", "nearest_interp": False, "to_tensor": True},
            {"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.5},
        ],
        "labels": ["Tumor core", "Whole tumor", "Enhancing tumor"],
        "order": [1, 0, 2],
    },
    # Whole volume, cropped and padded, labels inverted, the largest part kept.
    "basicunet": {
        "network": {
            "_target_": "BasicUNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 3,
            "features": [2, 2, 4, 4, 8, 2],
        },
        "size": (28, 30, 20),
        "steps": [
            {"_target_": "Orientationd", "keys": "image", "axcodes": "LPS"},
            {"_target_": "Spacingd", "keys": "image", "pixdim": [1.17, 0.97, 1.43]},
            {"_target_": "CropForegroundd", "keys": "image", "source_key": "image", "margin": 2},
            {"_target_": "ScaleIntensityRangePercentilesd", "keys": "image", "lower": 1,
             "upper": 99, "b_min": -1, "b_max": 1, "clip": True},
            {"_target_": "DivisiblePadd", "keys": "image", "k": 16},
        ],
        "inferer": {"_target_": "SimpleInferer"},
        "post": [
            {"_target_": "Activationsd", "keys": "pred", "softmax": True},
            {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
            {"_target_": "KeepLargestConnectedComponentd", "keys": "pred", "applied_labels": [1]},
            {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing",
             "orig_keys": "image"},
        ],
        "labels": ["background", "one", "two"],
    },
    "dynunet": {
        "network": {
            "_target_": "DynUNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 3,
            "kernel_size": [[3, 3, 1], [3, 3, 3], [3, 3, 3]],
            "strides": [[1, 1, 1], [2, 2, 1], [2, 2, 2]],
            "upsample_kernel_size": [[2, 2, 1], [2, 2, 2]],
            "filters": [4, 8, 8], "norm_name": "instance", "res_block": True,
            "deep_supervision": False,
        },
        "size": (38, 30, 21),
        "steps": [
            {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
            {"_target_": "Spacingd", "keys": "image", "pixdim": [1.03, 0.98, 2.53]},
            {"_target_": "NormalizeIntensityd", "keys": "image"},
        ],
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [32, 32, 8],
                    "sw_batch_size": 2, "overlap": 0.25, "mode": "gaussian"},
        "post": [
            {"_target_": "Activationsd", "keys": "pred", "softmax": True},
            {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
            {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing",
             "orig_keys": "image", "nearest_interp": True},
        ],
        "labels": ["background", "one", "two"],
    },
    "vnet": {
        "network": {
            "_target_": "VNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 2,
            "act": ["elu", {"inplace": True}],
        },
        "size": (40, 40, 20),
        "steps": [
            {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
            {"_target_": "Spacingd", "keys": "image", "pixdim": "$[1.3] * 3"},
            {"_target_": "ScaleIntensityd", "keys": "image"},
        ],
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": "$@patch_size",
                    "sw_batch_size": 1, "overlap": 0.3},
        "extra": {"patch_size": [32, 32, 32]},
        "post": [
            {"_target_": "Activationsd", "keys": "pred", "softmax": True},
            {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing",
             "orig_keys": "image", "nearest_interp": False},
            {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
        ],
        "labels": ["background", "prostate"],
    },
    # The network of Auto3DSeg with uneven windows, under a configuration in YAML.
    "segresnetds": {
        "yaml": True,
        "network": {
            "_target_": "SegResNetDS", "blocks_down": [1, 1, 1], "init_filters": 4,
            "in_channels": 1, "out_channels": 3, "norm": "batch", "act": ["relu", {"inplace": True}],
            "dsdepth": 2, "resolution": "@spacing",
        },
        "extra": {"spacing": [1.0, 1.2, 3.0]},
        "size": (28, 30, 10),
        "steps": [
            {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
            {"_target_": "Spacingd", "keys": "image", "pixdim": "@spacing", "mode": "bilinear"},
            {"_target_": "NormalizeIntensityd", "keys": "image", "channel_wise": True},
            {"_target_": "EnsureTyped", "keys": "image"},
        ],
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [16, 16, 8],
                    "sw_batch_size": 2, "overlap": 0.5},
        "post": [
            {"_target_": "Activationsd", "keys": "pred", "softmax": True},
            {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing",
             "orig_keys": "image", "nearest_interp": False, "to_tensor": True},
            {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
        ],
        "labels": ["background", "one", "two"],
    },
}


def rotation(axis, degrees):
    """A rotation about an axis of the patient."""
    angle = numpy.deg2rad(degrees)
    result = numpy.eye(3)
    a, b = [i for i in range(3) if i != axis]
    result[a, a] = result[b, b] = numpy.cos(angle)
    result[a, b], result[b, a] = -numpy.sin(angle), numpy.sin(angle)
    return result


def scan(folder, spec, seed):
    """Smooth blobs and noise, axes posterior-left-superior-like and tilted."""
    random = numpy.random.default_rng(seed)
    size, channels = spec["size"], spec.get("channels", 1)
    spacing = spec.get("spacing", (0.9, 1.1, 3.0))
    flips = numpy.array([[0, -1, 0], [-1, 0, 0], [0, 0, 1.0]])
    affine = numpy.eye(4)
    affine[:3, :3] = rotation(0, 12) @ rotation(2, 7) @ flips @ numpy.diag(spacing)
    affine[:3, 3] = (31.5, 20.25, -44)
    grid = numpy.stack(numpy.meshgrid(*[numpy.linspace(-1, 1, n) for n in size], indexing="ij"))
    for channel in range(channels):
        values = numpy.full(size, -80.0 if channels == 1 else 0.0)
        for _ in range(6):
            centre, radius = random.uniform(-0.6, 0.6, 3), random.uniform(0.2, 0.6)
            distance = numpy.sqrt(((grid - centre[:, None, None, None]) ** 2).sum(0))
            values = numpy.where(distance < radius, random.uniform(0, 200), values)
        noise = random.normal(0, 12, size)
        values = numpy.where(values == 0, 0, values + noise) if channels > 1 else values + noise
        image = nibabel.Nifti1Image((4 * numpy.round(values / 4)).astype(numpy.int16), affine)
        image.header.set_xyzt_units("mm")
        nibabel.save(image, folder / f"scan_{channel:04d}.nii.gz")
    return affine


def train(network, spec, paths):
    """A few steps towards thresholds of the image, so that results have borders."""
    from monai.networks.layers import GaussianFilter
    from monai.transforms import DivisiblePad

    chain = ConfigParser({**spec.get("extra", {}), "chain": {
        "_target_": "Compose", "transforms": LOAD + spec["steps"]}}).get_parsed_content("chain")
    image = chain({"image": paths if len(paths) > 1 else paths[0]})["image"].as_tensor()
    image = DivisiblePad(16)(image)[None].as_tensor().float()
    smooth = GaussianFilter(3, 1.0)(image[:, :1])[0, 0]
    outputs = len(spec["labels"])
    levels = torch.quantile(smooth, torch.linspace(0, 1, outputs + 2)[1:-1])
    masks = torch.stack([smooth > level for level in levels])
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    network.train()
    for _ in range(30):
        optimizer.zero_grad()
        scores = network(image)
        # With heads for deep supervision the one at full resolution comes first.
        scores = scores[0] if isinstance(scores, list) else scores
        if "order" in spec:
            order = torch.argsort(torch.tensor(spec["order"]))
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                scores[0], masks[order].float())
        else:
            loss = torch.nn.functional.cross_entropy(scores, masks[:-1].sum(0)[None])
        loss.backward()
        optimizer.step()
    print(float(loss))
    network.eval()


def configuration(spec):
    return "inference.yaml" if spec.get("yaml") else "inference.json"


def write(root, spec, config):
    """The configuration, in YAML with lists of scalars in brackets and texts over several lines."""
    text = json.dumps(config, indent=1)
    if spec.get("yaml"):
        # Through JSON, so that nothing is the same object twice and becomes an anchor.
        text = yaml.safe_dump(json.loads(text), sort_keys=False, width=60, default_flow_style=None)
        text = "# What MONAI runs.\n---\n" + text
    (root / "bundle/configs" / configuration(spec)).write_text(text)


def make(folder, name, spec, seed):
    root = folder / name
    shutil.rmtree(root, ignore_errors=True)
    for part in ("bundle/configs", "bundle/models", "out"):
        (root / part).mkdir(parents=True)
    scan(root, spec, seed)
    channels = spec.get("channels", 1)
    paths = [str(root / f"scan_{c:04d}.nii.gz") for c in range(channels)]
    torch.manual_seed(seed)
    parser = ConfigParser({**spec.get("extra", {}), "network_def": dict(spec["network"])})
    network = parser.get_parsed_content("network_def")
    train(network, spec, paths)
    torch.save(network.state_dict(), root / "bundle/models/model.pt")
    config = {
        "imports": ["$import glob"],
        "bundle_root": ".",
        "output_dir": "$@bundle_root + '/out'",
        "device": "$torch.device('cpu')",
        **spec.get("extra", {}),
        "network_def": spec["network"],
        "network": "$@network_def.to(@device)",
        "preprocessing": {"_target_": "Compose", "transforms": LOAD + spec["steps"]},
        "dataset": {"_target_": "Dataset", "data": [{"image": paths if channels > 1 else paths[0]}],
                    "transform": "@preprocessing"},
        "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1,
                       "shuffle": False, "num_workers": 0},
        "inferer": spec["inferer"],
        "postprocessing": {"_target_": "Compose", "transforms": spec["post"] + [
            {"_target_": "SaveImaged", "keys": "pred", "output_dir": "@output_dir",
             "separate_folder": False, "resample": False}]},
        "handlers": [{"_target_": "CheckpointLoader",
                      "load_path": "$@bundle_root + '/models/model.pt'",
                      "load_dict": {"model": "@network"}}],
        "evaluator": {"_target_": "SupervisedEvaluator", "device": "@device",
                      "val_data_loader": "@dataloader", "network": "@network",
                      "inferer": "@inferer", "postprocessing": "@postprocessing",
                      "val_handlers": "@handlers", "amp": False},
        "run": ["$@evaluator.run()"],
    }
    metadata = {
        "version": "0.1.0", "monai_version": "1.6.1", "pytorch_version": "2.13.0",
        "numpy_version": "2.0.0", "required_packages_version": {}, "task": f"Test of {name}",
        "description": f"A {name} with random weights.", "authors": "none", "copyright": "none",
        "network_data_format": {
            "inputs": {"image": {
                "type": "image", "format": "magnitude", "modality": "CT",
                "num_channels": channels, "spatial_shape": ["*", "*", "*"], "dtype": "float32",
                "value_range": [0, 1], "is_patch_data": True,
                "channel_def": {str(c): f"image {c}" for c in range(channels)}}},
            "outputs": {"pred": {
                "type": "image", "format": "segmentation", "num_channels": len(spec["labels"]),
                "spatial_shape": ["*", "*", "*"], "dtype": "float32", "value_range": [0, 1],
                "is_patch_data": True,
                "channel_def": {str(i): n for i, n in enumerate(spec["labels"])}}},
        },
    }
    write(root, spec, config)
    (root / "bundle/configs/metadata.json").write_text(json.dumps(metadata, indent=1))
    workflow = ConfigWorkflow(
        config_file=str(root / f"bundle/configs/{configuration(spec)}"),
        meta_file=str(root / "bundle/configs/metadata.json"),
        logging_file=False, workflow_type="inference",
        bundle_root=str(root / "bundle"), output_dir=str(root / "out"))
    workflow.initialize()
    workflow.run()
    workflow.finalize()
    saved = nibabel.load(next((root / "out").glob("*.nii.gz")))
    values = numpy.asarray(saved.dataobj)
    if "order" in spec:
        painted = numpy.zeros(values.shape[:3], numpy.uint8)
        for index in spec["order"]:
            painted[values[..., index] > 0] = index + 1
        values = painted
    values = values.astype(numpy.uint8).squeeze()
    original = nibabel.load(paths[0])
    assert values.shape == original.shape
    nibabel.save(nibabel.Nifti1Image(values, original.affine), root / "labels.nii.gz")
    print(name, {int(k): int((values == k).sum()) for k in numpy.unique(values)})

    # Probabilities on the scan's grid, where they are what is inverted.
    linear = [t for t in spec["post"] if t["_target_"] == "Invertd"][0].get("nearest_interp") is False
    if linear:
        parser = workflow.parser
        item = parser.get_parsed_content("dataset")[0]
        network = parser.get_parsed_content("network").eval()
        with torch.no_grad():
            item["pred"] = parser.get_parsed_content("inferer")(item["image"][None], network)[0]
        for transform in parser.get_parsed_content("postprocessing").transforms[:2]:
            item = transform(item)
        # [class][x][y][z] to [class][z][y][x].
        found = item["pred"].as_tensor().permute(0, 3, 2, 1).contiguous().float().reshape(-1)
        save_file({"probabilities": found[::7].contiguous()}, root / "reference.safetensors")
    shutil.rmtree(root / "out")
    # The paths of this machine go.
    config["dataset"]["data"] = [{"image": "scan_0000.nii.gz"}]
    write(root, spec, config)


if __name__ == "__main__":
    torch.set_num_threads(1)
    target = Path(sys.argv[1]).resolve()
    for number, (name, spec) in enumerate(BUNDLES.items()):
        if not sys.argv[2:] or name in sys.argv[2:]:
            make(target, name, spec, seed=20 + number)
