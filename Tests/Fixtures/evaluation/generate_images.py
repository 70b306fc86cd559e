"""Pairs of images and their similarity by scikit-image and MONAI: images.json (see README.md)."""

import base64
import json
from pathlib import Path

import numpy as np
import scipy.ndimage as ndi
import torch
from monai.metrics import MultiScaleSSIMMetric
from skimage.metrics import (
    mean_squared_error,
    peak_signal_noise_ratio,
    structural_similarity,
)


def pair(random, shape, noise):
    smooth = ndi.gaussian_filter(random.normal(size=shape), 2)
    smooth = 255 * (smooth - smooth.min()) / (smooth.max() - smooth.min())
    other = smooth + noise * random.normal(size=shape)
    return [np.clip(np.round(a), 0, 255).astype(np.uint8) for a in (other, smooth)]


def case(number, shape, noise, data_range):
    a, b = pair(np.random.default_rng([21, number]), shape, noise)
    x, y = a.astype(np.float64), b.astype(np.float64)
    depth = min(shape)
    expected = {
        "mse": mean_squared_error(y, x),
        "mae": np.abs(x - y).mean(),
        "psnr": peak_signal_noise_ratio(y, x, data_range=data_range),
        "nmse": ((x - y) ** 2).mean() / (y**2).mean(),
        "ssim2d": np.mean(
            [structural_similarity(s, t, data_range=data_range) for s, t in zip(x, y)]
        ),
    }
    if depth >= 7:
        expected["ssim3d"] = structural_similarity(x, y, data_range=data_range)
    if min(shape[1:]) >= 176:
        metric = MultiScaleSSIMMetric(spatial_dims=2, data_range=data_range)
        tensors = [torch.from_numpy(v)[:, None] for v in (x, y)]
        expected["msssim"] = float(metric(*tensors).mean())
    return {
        "size": list(shape[::-1]),
        "dataRange": data_range,
        "prediction": base64.b64encode(a.tobytes()).decode(),
        "reference": base64.b64encode(b.tobytes()).decode(),
        "expected": {k: float(v) for k, v in expected.items()},
    }


cases = [
    case(0, (7, 7, 7), 20, 255),
    case(1, (12, 25, 31), 5, 255),
    case(2, (45, 20, 9), 40, 200),
    case(3, (1, 30, 64), 10, 255),
    case(4, (9, 41, 17), 2, 511),
    case(5, (2, 176, 181), 15, 255),
]
target = Path(__file__).with_name("images.json")
text = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
target.write_text(f"[\n{text}\n]\n")
print(len(cases), "cases,", target.stat().st_size, "bytes")
